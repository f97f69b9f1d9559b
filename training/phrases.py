"""Pairs of phrases made of templates, to learn what parallel corpora have too little of.

A file names its two `languages`, has its `phrases` a line each, `one | other`, and lists of words below `[words]`,
`one | other; one | other`; perhaps `each`, how often a phrase is filled. `{name}` in a phrase stands for a pair of that
list, the same on both sides; `{name2}` for another draw from it.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator

from training.errors import InputError
from training.templates import find, read_as

SHIPPED = Path(__file__).parent / "configs" / "phrases"
FILLED, FIXED, ORIGIN = "filled", "fixed", "origin"
"""The origins of phrases with and without words to be filled in, and the field that says which."""
_SLOT = re.compile(r"\{([a-z_]+)(\d*)\}")
Pair = tuple[str, str]


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    languages: list[str]
    phrases: str
    words: dict[str, str] = {}
    each: int = Field(default=60, ge=1)
    """How often a phrase is filled; one that is filled in the same way is there once."""

    @model_validator(mode="after")
    def _has_two_languages(self) -> Self:
        if len(set(self.languages)) != 2 or len(self.languages) != 2 or ORIGIN in self.languages:
            raise ValueError(f"languages are {self.languages}: give the codes of two")
        return self


def filled(root: Path, name: str) -> Iterator[tuple[int, dict[str, str]]]:
    """The pairs of a file that is shipped, or stands below `root`, the same each time: language -> text, and whether a
    pair was FILLED or is FIXED as its ORIGIN. A number comes with each, counted from 1.

    Raises InputError when there is no such file, or it is none of phrases.
    """
    path = find(SHIPPED, root, name)
    file = read_as(TypeAdapter(_File), path, "phrases")
    words = {
        name: [_pair(text, f"{path}, {name}") for text in listed.split(";")] for name, listed in file.words.items()
    }
    phrases = [_pair(line, str(path)) for line in file.phrases.splitlines() if line.strip()]
    rng = np.random.default_rng(0)
    number = 0
    for phrase in phrases:
        _check(phrase, words, path)
        origin = FILLED if _SLOT.search(phrase[0]) else FIXED
        times = file.each if origin == FILLED else 1
        for pair in dict.fromkeys(_fill(phrase, words, rng) for _ in range(times)):
            number += 1
            sides = dict(zip(file.languages, pair, strict=True))
            if "en" in sides:
                sides["en"] = _an(sides["en"])
            yield number, {**sides, ORIGIN: origin}


def _pair(text: str, where: str) -> Pair:
    sides = [side.strip() for side in text.split("|")]
    if len(sides) != 2 or not all(sides):
        raise InputError(f"{where}: {text.strip()!r} is no pair: write `one | other`")
    return sides[0], sides[1]


def _check(phrase: Pair, words: dict[str, list[Pair]], path: Path) -> None:
    slots = [set(_SLOT.findall(side)) for side in phrase]
    if missing := {name for name, _ in slots[0] | slots[1]} - words.keys():
        raise InputError(f"{path}: {phrase[0]!r} wants words of {', '.join(sorted(missing))}: list them below [words]")
    if slots[0] != slots[1]:
        raise InputError(f"{path}: {phrase[0]!r} and {phrase[1]!r} are not filled alike: give both the same words")
    if braces := [side for side in phrase if re.search("[{}]", _SLOT.sub("", side))]:
        raise InputError(f"{path}: {braces[0]!r}: a list's name has small letters and _, perhaps a number behind")


def _fill(phrase: Pair, words: dict[str, list[Pair]], rng: np.random.Generator) -> Pair:
    drawn: dict[str, Pair] = {}
    for slot in _SLOT.finditer(phrase[0]):
        if slot[0] not in drawn:
            said = {side for pair in drawn.values() for side in pair}
            # Two of a list are two on both sides, where it has so many.
            left = [pair for pair in words[slot[1]] if said.isdisjoint(pair)] or words[slot[1]]
            drawn[slot[0]] = left[int(rng.integers(len(left)))]
    one, other = (_SLOT.sub(lambda slot, side=side: drawn[slot[0]][side], phrase[side]) for side in (0, 1))  # type: ignore[misc]
    if one[0].isupper() or (phrase[0].startswith("{") and phrase[0].endswith((".", "?", "!"))):
        one, other = (text[0].upper() + text[1:] for text in (one, other))
    return one, other


_VOWEL_SOUND = r"(?=[aeiou]|hour|honest|hono|heir)(?!uni(?![mn])|us[eu]|one\b|once\b|eu|ubi)"
_ARTICLE = re.compile(rf"((?<!\w)a|^A) {_VOWEL_SOUND}")


def _an(text: str) -> str:
    """English with the article that a vowel wants, whatever was filled in behind it."""
    return _ARTICLE.sub(r"\1n ", text)
