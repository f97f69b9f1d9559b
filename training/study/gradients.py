"""How far gradients reach back through the model of a run, a checkpoint or a trial of a study."""

import json
from pathlib import Path
from typing import Any

import torch
from matplotlib.figure import Figure
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from inference.checkpoint import open_checkpoint
from inference.decoding import DecodeConfig
from inference.files import write_atomically
from inference.text import classifier_form
from inference.tokenizer import Tokenizer
from training.classifier import ClassifierConfig, SentimentClassifier
from training.errors import InputError
from training.noise import Noise, NoiseConfig, TextNoiseConfig
from training.numbers import Pair
from training.recovery import recovered
from training.seq2seq import Seq2Seq, Seq2SeqConfig
from training.state import load_settings
from training.study.gradient_flow import MEMORY, Flow, flow
from training.study.sequences import SEQUENCES, SequenceModel, SequenceTask
from training.tasks import SentimentTask, Task, TranslationTask

_TINY = Path(__file__).parent.parent / "configs" / "tiny"
_ROWS = 8
"""Texts, or sequences, that gradients are followed through."""


def gradients(run: Path, pictures: Path) -> None:
    """Print what is left of a gradient ever further back in each cell, and draw it to `pictures/NAME.png`.

    `run` is a folder with `best.safetensors` or `model.safetensors`, or that of a translator whose weights can be read
    off its graphs. The texts are those of the toys (training/configs/tiny), several in a row. Raises InputError when
    the folder holds no model of ours.
    """
    settings, weights = _opened(run)
    torch.set_num_threads(1)  # Steps of one row are too small to be shared.
    task, rows = _rebuilt(run, settings, weights)
    task.model.load_state_dict(weights)
    together = isinstance(task, SequenceTask)  # Sequences are equally long, texts go one by one.
    batches = [task.collate(rows)] if together else [task.collate([row]) for row in rows]
    found = flow(task, batches)
    for line in table(found):
        print(line)
    pictures.mkdir(parents=True, exist_ok=True)
    place = pictures / f"{run.resolve().name}.png"
    figure = drawn(found, run.resolve().name)
    write_atomically(place, lambda beside: figure.savefig(beside, dpi=90, format="png"))
    print(f"gradients: {place}")


def table(found: Flow) -> list[str]:
    """Lines: a cell or its memory each, and the share of the gradient left 1, 2, 4, 8, ... steps before the last."""
    steps = [2**n for n in range(12) if 2**n < max(map(len, found.values()))]
    width = max(map(len, found))
    lines = ["steps back".ljust(width) + "".join(f"{step:>10}" for step in steps)]
    for name, norms in found.items():
        shares = "".join(f"{norms[step] / norms[0]:>10.2g}" if step < len(norms) else " " * 10 for step in steps)
        lines.append(name.ljust(width) + shares)
    return lines


def drawn(found: Flow, title: str) -> Figure:
    """The share of the gradient that is left against the steps before the last state: a line a cell, its memory's
    dashed.
    """
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.subplots()
    colours: dict[str, str] = {}
    for name, norms in found.items():
        colour = colours.setdefault(name.removesuffix(MEMORY), f"C{len(colours)}")
        axes.plot(norms / norms[0], "--" if name.endswith(MEMORY) else "-", color=colour, label=name)
    axes.set(yscale="log", title=title, xlabel="steps before the last state", ylabel="share of the gradient left")
    axes.grid(alpha=0.3)
    axes.legend(fontsize="small")
    return figure


def _opened(run: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """What a model was made with, and its weights."""
    best = run / "best.safetensors"
    try:
        if best.exists():
            return load_settings(run / "state.safetensors"), load_file(best)
        settings = json.loads((run / "config.json").read_text(encoding="utf-8"))
        shipped = run / "model.safetensors"
        if settings["task"] == "translation" and not shipped.exists():
            return settings, recovered(open_checkpoint(run, "translation"), Seq2SeqConfig(**settings["model"]))
        return settings, {name: t.float() for name, t in load_file(shipped).items()}
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        raise InputError(
            f"{run} holds no model that was trained here: it needs best.safetensors and state.safetensors, as a run "
            f"has, or config.json and model.safetensors, as a checkpoint has ({error})"
        ) from error


def _rebuilt(run: Path, settings: dict[str, Any], weights: dict[str, Tensor]) -> tuple[Task, list[Pair]]:
    """The task of a model, and rows to ask it."""
    if "drawn" in settings:
        shape = dict(settings["drawn"])
        sequences = SEQUENCES[shape.pop("kind")](shape.pop("length"))
        return SequenceTask(sequences, SequenceModel(sequences, **shape)), [(str(n), "") for n in range(_ROWS)]
    if "source_language" in settings and "decoder.output_bias" in weights:
        return _translator(run, settings, weights)
    if "labels" in settings and "output.bias" in weights:
        return _classifier(run, settings, weights)
    raise InputError(f"{run} is of a kind whose gradients are not followed: give a translator's or a classifier's")


def _translator(run: Path, settings: dict[str, Any], weights: dict[str, Tensor]) -> tuple[Task, list[Pair]]:
    vocabularies = [len(weights[f"{side}.embedding.weight"]) for side in ("encoder", "decoder")]
    model = Seq2Seq(Seq2SeqConfig(**settings["model"]), *vocabularies)
    source, target = (_tokenizer(run, side) for side in ("source", "target"))
    languages = settings["source_language"], settings["target_language"]
    pairs = [(a, b) if languages[0] == "en" else (b, a) for a, b in _rows("translation.tsv")]
    return TranslationTask(model, source, target, 0.0, DecodeConfig(), Noise(NoiseConfig(), *languages)), pairs


def _classifier(run: Path, settings: dict[str, Any], weights: dict[str, Tensor]) -> tuple[Task, list[Pair]]:
    labels = settings["labels"]
    model = SentimentClassifier(ClassifierConfig(**settings["model"]), len(weights["embedding.weight"]), len(labels))
    form = {name: bool(settings[name]) for name in ("lowercase", "spaced")}
    rows = [(classifier_form(text, **form), labels[0]) for _, text in _rows("sentiment.tsv")]
    return SentimentTask(model, _tokenizer(run, "tokenizer"), labels, 0.0, settings["window"], TextNoiseConfig()), rows


def _tokenizer(run: Path, name: str) -> Tokenizer:
    """A tokenizer of a checkpoint, of what a run exported, or of a run that is under way."""
    places = [folder / f"{name}.model" for folder in (run, run / "fp32", Path("tokenizers") / run.resolve().name)]
    found = next((place for place in places if place.exists()), None)
    if found is None:
        raise InputError(f"there is none of {', '.join(map(str, places))}: export the run first")
    return Tokenizer.load(found)


def _rows(table: str) -> list[Pair]:
    """Texts, each of half the rows of a toy's table, one after the other; each begins at another row."""
    lines = (_TINY / table).read_text(encoding="utf-8").splitlines()[1:]
    sides = [line.split("\t") for line in lines] * 2
    starts = range(0, len(lines), len(lines) // _ROWS)
    parts = [sides[start : start + len(lines) // 2] for start in starts]
    return [(" ".join(first for first, _ in part), " ".join(second for _, second in part)) for part in parts]
