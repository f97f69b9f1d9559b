"""Which word of a text became which word of its translation, as far as the decoder's attention tells."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from inference.decoding import Array

BoolArray = npt.NDArray[np.bool_]
_LEAST = 0.1
"""Weights below this say nothing."""


Span = tuple[int, int]
"""From a word's first character to the one behind its last."""


class Link(NamedTuple):
    """A word of a source, and a word of its translation."""

    source: Span
    target: Span
    weight: float
    """The share of the target word's attention; it is at most 1 over all links of that word."""

    def moved(self, source: int, target: int) -> "Link":
        """The link where both texts stand so many characters further on."""
        (start, end), (first, last) = self.source, self.target
        return Link((start + source, end + source), (first + target, last + target), self.weight)


def word_numbers(pieces: Sequence[str]) -> list[int]:
    """The number of the word that each subword belongs to; SentencePiece begins a word with U+2581."""
    numbers, number = [], -1
    for piece in pieces:
        number += piece.startswith("\u2581") or number < 0
        numbers.append(number)
    return numbers


def _said(pieces: Sequence[str], numbers: Sequence[int]) -> BoolArray:
    """Which subwords have a letter or a digit, or are of a word that has none; `numbers` are their words'."""
    letters = np.array([any(map(str.isalnum, piece)) for piece in pieces])
    found: BoolArray = letters | (np.bincount(numbers, letters) == 0)[np.array(numbers)]
    return found


def links(
    attention: Array,
    source_pieces: Sequence[str],
    target_pieces: Sequence[str],
    source: Sequence[Span],
    target: Sequence[Span],
) -> list[Link]:
    """Links between words that stand at the spans `source` and `target`.

    `attention (T + 1, S + 1)` of the subwords, each side's end last (see `TranslationGraph.align`). None where the
    words of a text are not those of its subwords, which odd blanks can bring about.
    """
    columns, rows = word_numbers(source_pieces), word_numbers(target_pieces)
    if not rows or not columns or max(columns) + 1 != len(source) or max(rows) + 1 != len(target):
        return []
    weights = np.zeros((len(target), len(source)))
    # What the end of the source gets is no word's, and what the marks at a word's end get is like it.
    said = np.outer(_said(target_pieces, rows), _said(source_pieces, columns))
    np.add.at(weights, (np.array(rows)[:, None], np.array(columns)[None, :]), attention[:-1, :-1] * said)
    weights /= np.maximum(weights.sum(axis=1, keepdims=True), 1e-9)
    return [
        Link(source[column], target[row], round(float(weights[row, column]), 4))
        for row, column in np.argwhere(weights >= _LEAST)
    ]
