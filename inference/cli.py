"""`hoiquy`: translate and classify without a server, and start one."""

import argparse
import os
import sys
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

from tqdm import tqdm

from inference.checkpoint import CheckpointError, open_checkpoint
from inference.documents.kinds import KINDS, read_document
from inference.files import write_atomically
from inference.lines import LINES, LinesError, Predict, predict_file, predicted, read_lines
from inference.predictors import SentimentPredictor, TranslationPredictor


def _shipped(name: str) -> Path:
    """A checkpoint that came with the code: below the folder that one is in, else beside the code."""
    here = Path("checkpoints") / name
    there = Path(__file__).resolve().parent.parent / here
    return there if there.exists() and not here.exists() else here


SHIPPED = {"translate": _shipped("translation-en-vi"), "sentiment": _shipped("sentiment-en-vi")}
_PART = 2000
"""Characters of a document that are translated together."""


def main(arguments: list[str] | None = None) -> int:
    """Do what the arguments say; 2 when a checkpoint, an option or the input cannot be used, 130 when stopped."""
    asked = _parser().parse_args(arguments)
    try:
        asked.run(asked)
    except (CheckpointError, ValueError, OSError) as error:
        if isinstance(error, BrokenPipeError):
            # Who read the output has enough of it; Python would complain once more when it ends.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped; the same command goes on where it was, if it writes a file", file=sys.stderr)
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="hoiquy", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    serve = commands.add_parser("serve", help="start the service; settings are environment variables, see the README")
    serve.add_argument("--port", type=int, help="the port to listen on")
    serve.set_defaults(run=_serve)
    for name, what, run in (
        ("translate", "translate lines, or whole files", _translate),
        ("sentiment", "classify lines: label, tab, probability", _classify),
    ):
        command = commands.add_parser(name, help=what)
        command.add_argument("file", type=Path, nargs="?", help="instead of standard input")
        command.add_argument("--output", "-o", type=Path, help="instead of standard output, or a file beside the other")
        command.add_argument("--checkpoint", type=Path, default=SHIPPED[name], help="default: %(default)s")
        command.add_argument("--processes", type=int, default=len(os.sched_getaffinity(0)), help="default: one a core")
        command.set_defaults(run=run, task="translation" if name == "translate" else name)
        if name == "translate":
            command.add_argument("--beam-size", type=int, help="more is better and slower")
            command.add_argument("--format", choices=("text", "html"), default="text", help="of each line")
            command.add_argument("--glossary", type=Path, help="a file of lines: term, tab, translation")
    info = commands.add_parser("info", help="what checkpoints are, and how good")
    info.add_argument("checkpoint", type=Path, nargs="*", default=list(SHIPPED.values()))
    info.set_defaults(run=_info)
    key = commands.add_parser("key", help="make an API key")
    key.add_argument("name", help="whose it is")
    key.set_defaults(run=lambda asked: os.execv(sys.executable, [sys.executable, "-m", "service.access", asked.name]))
    return parser


def _serve(asked: argparse.Namespace) -> None:
    if asked.port is not None:
        os.environ["HOIQUY_PORT"] = str(asked.port)
    config = Path(__file__).parent.parent / "service" / "gunicorn.conf.py"
    command = [sys.executable, "-m", "gunicorn", "--config", str(config), "service.wsgi:app"]
    os.execv(sys.executable, command)


def _translate(asked: argparse.Namespace) -> None:
    options = {
        "beam_size": asked.beam_size,
        "markup": asked.format == "html",
        "terms": _terms(asked.glossary) if asked.glossary else {},
    }
    make = partial(_translator, asked.checkpoint, options)
    kind = asked.file.suffix.lower() if asked.file else ".txt"
    if kind == ".txt" or kind not in KINDS:
        _lines(asked, make, options, ".vi")
    elif options["markup"]:
        raise LinesError(f"--format is of lines, and {asked.file} is translated whole: leave it out")
    else:
        _document(asked, options)


def _translator(checkpoint: Path, options: dict[str, Any]) -> Predict:
    predictor = TranslationPredictor.load(checkpoint)
    return lambda lines: [result.text for result in predictor.predict(lines, **options)]


def _classify(asked: argparse.Namespace) -> None:
    _lines(asked, partial(_classifier, asked.checkpoint), {}, ".sentiment")


def _classifier(checkpoint: Path) -> Predict:
    predictor = SentimentPredictor.load(checkpoint)
    return lambda lines: [f"{result.label}\t{result.score:.4f}" for result in predictor.predict(lines)]


def _lines(asked: argparse.Namespace, make: Callable[[], Predict], options: dict[str, Any], mark: str) -> None:
    """A line for each line, from a file or standard input, into a file or standard output."""
    version = open_checkpoint(asked.checkpoint, asked.task).version
    if asked.processes < 1:
        raise LinesError(f"--processes is {asked.processes}: give 1 or more")
    if asked.file:
        target = asked.output or _beside(asked.file, mark)
        predict_file(asked.file, target, {"checkpoint": version, **options}, make, asked.processes)
        print(target)
        return
    # Who types wants an answer to each line.
    together = 1 if sys.stdin.isatty() else LINES
    lines = predicted(read_lines(sys.stdin.buffer), make, 1 if sys.stdin.isatty() else asked.processes, together)
    with asked.output.open("w", encoding="utf-8") if asked.output else nullcontext(sys.stdout) as out:
        for line in lines:
            print(line, file=out, flush=together == 1)


def _document(asked: argparse.Namespace, options: dict[str, Any]) -> None:
    """A whole file, with its structure."""
    target = asked.output or _beside(asked.file, ".vi")
    if target.exists():
        raise LinesError(f"{target} is there already: remove it, or name another with --output")
    document = read_document(asked.file.name, asked.file.read_bytes())
    predictor, blocks = TranslationPredictor.load(asked.checkpoint), list[str]()
    with tqdm(total=document.characters, unit="character", unit_scale=True, desc=str(target)) as bar:
        for pages in document.chunks(_PART):
            results = predictor.predict_pages(pages, options["beam_size"], terms=options["terms"])
            blocks += [result.text for result in results]
            bar.update(sum(len(block.text) for page in pages for block in page.blocks))
    write_atomically(target, lambda beside: beside.write_bytes(document.write(blocks)))
    print(target)


def _beside(path: Path, mark: str) -> Path:
    return path.with_name(f"{path.stem}{mark}{path.suffix}")


def _terms(path: Path) -> dict[str, str]:
    """A glossary. Raises LinesError."""
    with path.open("rb") as file:
        rows = [line.split("\t") for line in read_lines(file) if line.strip()]
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
