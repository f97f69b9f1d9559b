"""`python -m training.study.attention CHECKPOINT SENTENCE PICTURE`: draw what a translator attends to, word by word."""

import argparse
import sys
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from inference.alignment import word_numbers
from inference.checkpoint import CheckpointError
from inference.decoding import Array
from inference.engine import at_once
from inference.files import write_atomically
from inference.predictors import TranslationPredictor


def attended(predictor: TranslationPredictor, sentence: str) -> tuple[str, list[str], list[str], Array]:
    """A sentence's translation, the words of both, each side's end last, and what each word of the translation was
    attending to: `(T, S)`, rows adding up to 1.

    Raises ValueError when the checkpoint does not say what it attends to, or the text has no words.
    """
    if not predictor.graph.aligns:
        raise ValueError(f"{predictor.checkpoint.path} says not what it attends to: export it again")
    text = predictor.predict([sentence])[0].text
    languages = predictor.languages
    source, target = languages.source.encode([sentence])[0], languages.target.encode([text])[0]
    if not source or not target:
        raise ValueError(f"{sentence!r} becomes {text!r}: give a sentence with words")
    weights, _ = at_once(predictor.graph.align(source, target))
    columns, names = _words(languages.source.pieces(source))
    rows, written = _words(languages.target.pieces(target))
    # The subwords of a source word add up, and those of a translated word are averaged.
    summed = np.zeros((len(weights), len(names)))
    np.add.at(summed.T, columns, weights.T)
    words = np.zeros((len(written), len(names)))
    np.add.at(words, rows, summed)
    return text, names, written, words / np.bincount(rows)[:, None]


def _words(pieces: list[str]) -> tuple[list[int], list[str]]:
    """The number of the word that each subword belongs to, the end token's last, and the words."""
    numbers = word_numbers(pieces)
    words = [""] * (numbers[-1] + 1)
    for number, piece in zip(numbers, pieces, strict=True):
        words[number] += piece.replace("\u2581", "")
    return [*numbers, len(words)], [*words, "<end>"]


def drawn(source: list[str], target: list[str], weights: Array) -> Figure:
    """The weights as a picture: a row a word of the translation, the darker the more."""
    figure = Figure(figsize=(1.5 + 0.6 * len(source), 1 + 0.4 * len(target)), layout="constrained")
    axes = figure.subplots()
    axes.imshow(weights, cmap="Greys", vmin=0, vmax=1, aspect="auto")
    axes.set_xticks(range(len(source)), source, rotation=45, ha="left")
    axes.set_yticks(range(len(target)), target)
    axes.xaxis.tick_top()
    return figure


def main() -> int:
    """Draw one sentence: 2 when it, or the checkpoint, is of no use."""
    parser = argparse.ArgumentParser(prog="python -m training.study.attention", description=__doc__)
    parser.add_argument("checkpoint", type=Path, help="a translator, such as checkpoints/translation-en-vi")
    parser.add_argument("sentence")
    parser.add_argument("picture", type=Path, help="a PNG to write")
    arguments = parser.parse_args()
    try:
        text, source, target, weights = attended(TranslationPredictor.load(arguments.checkpoint), arguments.sentence)
    except (CheckpointError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    figure = drawn(source, target, weights)
    write_atomically(arguments.picture, lambda beside: figure.savefig(beside, dpi=90, format="png"))
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
