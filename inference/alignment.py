"""Which word of a text became which word of its translation, as far as the decoder's attention tells."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from inference.decoding import Array

BoolArray = npt.NDArray[np.bool_]
_LEAST = 0.1
"""Weights below this say nothing."""
_FLOOR = 0.02
"""The weight of a word that is attended to, but hardly; evidence may speak for it all the same."""
_STRONG = 4.0
"""Nats; evidence beyond these says no more."""
_FAINT = 0.7
"""Nats; a word for which no evidence is more than this goes on with what the one before it began."""


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


def weighed(links: Sequence[Link], evidence: Array, source: Sequence[Span], target: Sequence[Span]) -> list[Link]:
    """Links whose weights heed how much less likely words of the translation are without words of the source.

    `evidence (T, S)` in nats, of the words at the spans `target` and `source`; NaN where there is none. Attention is
    often to a word's neighbour, where an encoder knows as much of it. The second half of what one word became follows
    from the first half, so that it owes nothing to any word: half of what it is, is what the one before it is.
    """
    rows, columns = ({span: number for number, span in enumerate(side)} for side in (target, source))
    weights = np.zeros(evidence.shape)
    for link in links:
        weights[rows[link.target], columns[link.source]] = link.weight
    known = ~np.isnan(evidence)
    strength = np.clip(np.nan_to_num(evidence), 0, _STRONG)
    shares = weights * weights / np.maximum(weights.sum(axis=0), 1e-9)
    shares /= np.maximum(shares.sum(axis=1, keepdims=True), 1e-9)
    found = (shares + _FLOOR) * np.exp(strength)
    found /= found.sum(axis=1, keepdims=True)
    for row in range(1, len(target)):
        if strength[row].max() < _FAINT and known[row, shares[row].argmax()]:
            found[row] = (found[row] + found[row - 1]) / 2
    return [
        Link(source[column], target[row], round(float(found[row, column]), 4))
        for row, column in np.argwhere(found >= _LEAST)
    ]


def parts(pieces: Sequence[str], words: Sequence[int]) -> list[list[int]]:
    """Which subwords each of these words is made of, without marks at its end."""
    numbers = word_numbers(pieces)
    said = _said(pieces, numbers)
    return [[place for place, number in enumerate(numbers) if number == word and said[place]] for word in words]


def of_words(evidence: Array, pieces: Sequence[str], words: Sequence[int], count: int) -> Array:
    """The evidence of subwords, `(T + 1, P)`, as that of words, `(words, count)`: P are the numbers `words` of the
    `count` that a source has.
    """
    numbers = word_numbers(pieces)
    found = np.full((max(numbers) + 1, count), np.nan)
    found[:, words] = 0
    np.add.at(found, np.ix_(numbers, words), evidence[:-1] * _said(pieces, numbers)[:, None])
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
