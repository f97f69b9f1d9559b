"""`hoiquy`: translate and classify without a server, and start one."""

import argparse
import os
import shlex
import signal
import sys
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from io import BufferedReader
from pathlib import Path
from typing import Any, cast

from tqdm import tqdm

from inference.checkpoint import CONFIG, Checkpoint, CheckpointError, open_checkpoint
from inference.cores import count_cores
from inference.documents.kinds import KINDS, read_document
from inference.files import write_atomically
from inference.foreign import misfit
from inference.lines import (
    LINES,
    LinesError,
    Predict,
    claimed,
    predict_file,
    predicted,
    read_lines,
    refuse_what_is_there,
    write_lines,
)
from inference.markup import read_html
from inference.predictors import SentimentPredictor, TranslationPredictor


def _shipped(name: str) -> Path:
    """A checkpoint that came with the code: below the folder that one is in, else beside the code."""
    here = Path("checkpoints") / name
    there = Path(__file__).resolve().parent.parent / here
    return there if there.exists() and not here.exists() else here


def _all_there() -> list[Path]:
    """The checkpoints beside those that are shipped."""
    folder = _shipped("translation-en-vi").parent
    return sorted(path.parent for path in folder.glob(f"*/{CONFIG}"))


SHIPPED = {"translate": _shipped("translation-en-vi"), "sentiment": _shipped("sentiment-en-vi")}
_PART = 2000
"""Characters of a document that are translated together."""
_BEGINNING = 4000
"""Bytes that tell which language a text is in."""


def main(arguments: list[str] | None = None) -> int:
    """Do what the arguments say; 2 when a checkpoint, an option or the input cannot be used, 130 when stopped."""
    asked = _parser().parse_args(arguments)
    # To be told to end is to be stopped: no process and nothing half written stays behind.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        asked.run(asked)
    except (CheckpointError, ValueError, OSError) as error:
        if isinstance(error, BrokenPipeError):
            # Who read the output has enough of it; Python would complain once more when it ends.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0
        print(f"error: {_there_is_none(asked, error) or error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        goes_on = getattr(asked, "file", None) and not (asked.run is _translate and _is_whole(asked))
        print("stopped" + ("; the same command goes on where it was" if goes_on else ""), file=sys.stderr)
        return 130
    return 0


def _there_is_none(asked: argparse.Namespace, error: Exception) -> str:
    """What is said where the file is none that is to be read: it may have been meant as a text."""
    name = str(getattr(asked, "file", ""))
    if not isinstance(error, FileNotFoundError) or error.filename not in (name, Path(name)):
        return ""
    return f"there is no file {name!r}; texts come from standard input: echo {shlex.quote(name)} | hoiquy ..."


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="hoiquy", description=__doc__)
    parser.add_argument("--version", action="version", version=f"hoiquy {version('hoiquy')}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    serve = commands.add_parser("serve", help="start the service; settings are environment variables, see the README")
    serve.add_argument("--port", type=int, help="the port to listen on")
    serve.set_defaults(run=_serve)
    for name, what, run in (
        ("translate", "translate lines, or whole files", _translate),
        ("sentiment", "classify lines: label, tab, probability", _classify),
    ):
        command = commands.add_parser(name, help=what)
        command.add_argument("file", type=_file, nargs="?", help="instead of standard input; - is that, too")
        command.add_argument("--output", "-o", type=Path, help="instead of standard output, or a file beside the other")
        command.add_argument("--checkpoint", type=Path, default=SHIPPED[name], help="default: %(default)s")
        command.add_argument("--processes", type=int, default=count_cores(), help="default: one a core")
        command.add_argument("--line-buffered", action="store_true", help="of standard input: answer each line at once")
        command.set_defaults(run=run)
        if name == "translate":
            command.add_argument("--lines", action="store_true", help="read the file as lines, whatever its name")
            command.add_argument("--beam-size", type=int, help="more is better and slower")
            command.add_argument("--format", choices=("text", "html"), default="text", help="of each line")
            command.add_argument("--glossary", type=Path, help="a file of lines: term, tab, translation")
    info = commands.add_parser("info", help="what checkpoints are, and how good")
    info.add_argument("checkpoint", type=Path, nargs="*", default=_all_there(), help="default: all that are there")
    info.set_defaults(run=_info)
    key = commands.add_parser("key", help="make an API key")
    key.add_argument("name", help="whose it is")
    key.set_defaults(run=lambda asked: os.execv(sys.executable, [sys.executable, "-m", "service.access", asked.name]))
    return parser


def _file(name: str) -> Path | None:
    return None if name == "-" else Path(name)


def _serve(asked: argparse.Namespace) -> None:
    if asked.port is not None:
        os.environ["HOIQUY_PORT"] = str(asked.port)
    for variable, name in (("HOIQUY_TRANSLATION", "translate"), ("HOIQUY_SENTIMENT", "sentiment")):
        os.environ[variable] = os.environ.get(variable) or str(SHIPPED[name])
    config = Path(__file__).parent.parent / "service" / "gunicorn.conf.py"
    command = [sys.executable, "-m", "gunicorn", "--config", str(config), "service.wsgi:app"]
    os.execv(sys.executable, command)


def _translate(asked: argparse.Namespace) -> None:
    _check(asked)
    options = {
        "beam_size": asked.beam_size,
        "markup": asked.format == "html",
        "terms": _terms(asked.glossary) if asked.glossary else {},
    }
    if _is_whole(asked):
        _document(asked, options)
        return
    checkpoint = open_checkpoint(asked.checkpoint, "translation")
    beginning = _beginning(asked.file).decode("utf-8", "ignore")
    _warn(read_html(beginning).text if options["markup"] else beginning, checkpoint)
    make = partial(_translator, asked.checkpoint, options)
    _lines(asked, checkpoint, make, options, checkpoint.config["target_language"])


def _check(asked: argparse.Namespace) -> None:
    """Raise LinesError when options cannot be what they are, or do not go together."""
    if asked.processes < 1:
        raise LinesError(f"--processes is {asked.processes}: give 1 or more")
    if asked.file and asked.line_buffered:
        raise LinesError(f"--line-buffered is of standard input, and {asked.file} is a file: leave it out")


def _is_whole(asked: argparse.Namespace) -> bool:
    """Whether a file is a document, rather than lines. Raises LinesError when that cannot be told."""
    kind = asked.file.suffix.lower() if asked.file else ""
    if asked.lines or kind in ("", ".txt"):
        return False
    if kind not in KINDS:
        what = f"{kind} is no kind of file that is read here: {', '.join(KINDS)} are"
        raise LinesError(f"{asked.file}: {what}; with --lines it is read as lines")
    if asked.format == "html":
        raise LinesError(f"--format is of lines, and {asked.file} is translated whole: leave it out, or give --lines")
    return True


def _beginning(path: Path | None) -> bytes:
    """Of a file, or of standard input, where it stays to be read."""
    if path is None:
        return cast(BufferedReader, sys.stdin.buffer).peek(_BEGINNING)[:_BEGINNING]
    with path.open("rb") as file:
        return file.read(_BEGINNING)


def _warn(text: str, checkpoint: Checkpoint) -> None:
    """Say in a line that a text is not in the language that a translator reads."""
    warning = misfit(text, checkpoint.config["source_language"])
    if warning:
        print(f"warning: {warning}", file=sys.stderr)


def _translator(checkpoint: Path, options: dict[str, Any]) -> Predict:
    predictor = TranslationPredictor.load(checkpoint)
    return lambda lines: [result.text for result in predictor.predict(lines, **options)]


def _classify(asked: argparse.Namespace) -> None:
    _check(asked)
    checkpoint = open_checkpoint(asked.checkpoint, "sentiment")
    _lines(asked, checkpoint, partial(_classifier, asked.checkpoint), {}, "sentiment")


def _classifier(checkpoint: Path) -> Predict:
    predictor = SentimentPredictor.load(checkpoint)
    return lambda lines: [f"{result.label}\t{result.score:.4f}" for result in predictor.predict(lines)]


def _lines(
    asked: argparse.Namespace, checkpoint: Checkpoint, make: Callable[[], Predict], options: dict[str, Any], mark: str
) -> None:
    """A line for each line, from a file or standard input, into a file or standard output."""
    if asked.file:
        target = asked.output or _beside(asked.file, mark)
        predict_file(asked.file, target, {"checkpoint": checkpoint.version, **options}, make, asked.processes)
        print(target)
        return
    # Who types wants an answer to each line, and so does a program that holds both ends.
    together, processes = (1, 1) if asked.line_buffered or sys.stdin.isatty() else (LINES, asked.processes)
    lines = predicted(read_lines(sys.stdin.buffer, "standard input"), make, processes, together)
    if asked.output:
        write_lines(lines, asked.output)
        return
    for line in lines:
        print(line, flush=together == 1)


def _document(asked: argparse.Namespace, options: dict[str, Any]) -> None:
    """A whole file, with its structure."""
    predictor, blocks = TranslationPredictor.load(asked.checkpoint), list[str]()
    target = asked.output or _beside(asked.file, predictor.languages.target_language)
    refuse_what_is_there(target)
    document = read_document(asked.file.name, asked.file.read_bytes())
    _warn(document.text, predictor.checkpoint)
    with (
        claimed(target),
        tqdm(total=document.characters, unit="character", unit_scale=True, desc=str(target)) as bar,
    ):
        for pages in document.chunks(_PART):
            results = predictor.predict_pages(pages, options["beam_size"], terms=options["terms"])
            blocks += [result.text for result in results]
            bar.update(sum(len(block.text) for page in pages for block in page.blocks))
        write_atomically(target, lambda beside: beside.write_bytes(document.write(blocks)))
    print(target)


def _beside(path: Path, mark: str) -> Path:
    return path.with_name(f"{path.stem}.{mark}{path.suffix}")


def _terms(path: Path) -> dict[str, str]:
    """A glossary. Raises LinesError."""
    with path.open("rb") as file:
        rows = [line.split("\t") for line in read_lines(file, str(path)) if line.strip()]
    wrong = next((row for row in rows if len(row) != 2 or not all(map(str.strip, row))), None)
    if wrong is not None:
        raise LinesError(f"{path}: {wrong} is no term and its translation, with a tab between")
    return {term.strip(): translation.strip() for term, translation in rows}


def _info(asked: argparse.Namespace) -> None:
    for path in asked.checkpoint:
        checkpoint = open_checkpoint(path)
        config = checkpoint.config
        print(f"{path}: {config['name']}, {config['task']}, version {checkpoint.version}")
        print(f"  {config['training']['run']['card']['summary'].strip()}")
        for name, scores in config.get("metrics", {}).items():
            told = [f"{metric} {score}" for metric, score in scores.items() if isinstance(score, int | float)]
            print(f"  {name}: {', '.join(told)}")
