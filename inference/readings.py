"""Short texts in other letters: a word that somebody typed, a heading, a label of an interface.

A translator reads sentences, so that it knows "milk", "Paris" and "sign in", but hardly "Milk", "paris" and "SIGN IN".
Which letters a text has that stands alone, small ones or capitals, says little of what it means.
"""

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

_MOST_WORDS = 3
_ABBREVIATION = 3
"""Capitals that may stand for words: "WHO" is not "who"."""
_LETTERS_A_PIECE = 2
"""What is cut into shorter pieces is no word, and in capitals an abbreviation."""


class Reading(NamedTuple):
    """A text, and its subwords."""

    text: str
    ids: list[int]


def readings(text: str, encode: Callable[[Sequence[str]], list[list[int]]]) -> list[Reading]:
    """How a short text may be meant, and any other text as it is: with the first letters of the text, or of each word,
    small or capital, and the others small.

    Only what a tokenizer cuts into the fewest pieces: it has words of its own for what it has often seen.
    """
    texts = _written(text)
    found = [Reading(*each) for each in zip(texts, encode(texts), strict=True)]
    fewest = min(len(reading.ids) for reading in found)
    if text.isupper() and " " not in text and fewest >= len(text) / _LETTERS_A_PIECE:
        return found[:1]
    likely = [reading for reading in found if len(reading.ids) == fewest]
    # A word that is written small is one as often as not.
    return found[:1] if text.islower() and " " not in text and found[0] in likely else likely


def _written(text: str) -> list[str]:
    words = text.split(" ")
    if len(words) > _MOST_WORDS:
        return [text]
    sentence = len(words) > 1 and text[-1:] in tuple(".!?…")
    abbreviation = text.isupper() and len(text) <= _ABBREVIATION
    # A word with capitals within is a name, and with a digit more than a word.
    plain = all(_WORD.fullmatch(word) for word in words) and (
        text.isupper() or not any(w[1:] != w[1:].lower() for w in words)
    )
    if sentence or abbreviation or not plain:
        return [text]
    small = text.lower()
    return list(dict.fromkeys([text, small, _begun(small), " ".join(map(_begun, small.split(" ")))]))


_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*\W{0,3}")


def _begun(text: str) -> str:
    return text[:1].upper() + text[1:]
