"""Pairs of phrases made of templates, to learn what parallel corpora have too little of.

A file names its two `languages`, has its `phrases` a line each, `one | other`, and lists of words below `[words]`,
`one | other; one | other`; perhaps `each`, how often a phrase is filled. `{name}` in a phrase stands for a pair of that list, the same on both sides; `{name2}` for
another draw from it.
"""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from training.errors import InputError

SHIPPED = Path(__file__).parent / "configs" / "phrases"
FILLED, FIXED = "filled", "fixed"
"""The origins of phrases with and without words to be filled in."""
_SLOT = re.compile(r"\{([a-z_]+)(\d*)\}")
Pair = tuple[str, str]


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    languages: list[str]
    phrases: str
    words: dict[str, str] = {}
    each: int = Field(default=60, ge=1)
    """How often a phrase is filled; one that is filled in the same way is there once."""


def filled(root: Path, name: str) -> Iterator[tuple[int, dict[str, str]]]:
    """The pairs of a file that is shipped, or stands below `root`, the same each time: language -> text, and whether a
    pair was FILLED or is FIXED as its `origin`. A number comes with each, counted from 1.

    Raises InputError when there is no such file, or it is none of phrases.
    """
    path = SHIPPED / name if (SHIPPED / name).is_file() else root / name
    try:
        file = _File.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise InputError(f"cannot read the phrases {path}: {error.strerror}") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{path} is not a TOML file: {error}") from error
    except ValidationError as error:
        fault = error.errors()[0]
        raise InputError(f"{path}: {'.'.join(map(str, fault['loc']))}: {fault['msg']}") from error
    words = {name: [_pair(text, path) for text in listed.split(";")] for name, listed in file.words.items()}
    phrases = [_pair(line, path) for line in file.phrases.splitlines() if line.strip()]
    rng = np.random.default_rng(0)
    number = 0
    for phrase in phrases:
        _check(phrase, words, path)
        origin = FILLED if _SLOT.search(phrase[0]) else FIXED
        for pair in dict.fromkeys(_fill(phrase, words, rng) for _ in range(file.each)):
            number += 1
            yield number, {**dict(zip(file.languages, pair, strict=True)), "origin": origin}


def _pair(text: str, path: Path) -> Pair:
    sides = [side.strip() for side in text.split("|")]
    if len(sides) != 2 or not all(sides):
        raise InputError(f"{path}: {text.strip()!r} is no pair: write `one | other`")
    return sides[0], sides[1]


def _check(phrase: Pair, words: dict[str, list[Pair]], path: Path) -> None:
    slots = [set(_SLOT.findall(side)) for side in phrase]
    if missing := {name for name, _ in slots[0] | slots[1]} - words.keys():
        raise InputError(f"{path}: {phrase[0]!r} wants words of {', '.join(sorted(missing))}: list them below [words]")
    if slots[0] != slots[1]:
        raise InputError(f"{path}: {phrase[0]!r} and {phrase[1]!r} are not filled alike: give both the same words")


def _fill(phrase: Pair, words: dict[str, list[Pair]], rng: np.random.Generator) -> Pair:
    drawn: dict[str, Pair] = {}
    for slot in _SLOT.finditer(phrase[0]):
        listed = words[slot[1]]
        # Two of a list are two, where it has so many.
        left = [pair for pair in listed if pair not in drawn.values()] or listed
        drawn.setdefault(slot[0], left[int(rng.integers(len(left)))])
    one, other = (_SLOT.sub(lambda slot, i=i: drawn[slot[0]][i], phrase[i]) for i in (0, 1))  # type: ignore[misc]
    begins = phrase[0].startswith("{") and phrase[0].endswith(tuple(_ENDS))
    return tuple(_begun(side) if begins or one[0].isupper() else side for side in (_an(one), other))  # type: ignore[return-value]


_ENDS = ".?!"


def _begun(text: str) -> str:
    return text[0].upper() + text[1:]


def _an(text: str) -> str:
    """English's article before a vowel, whatever was filled in."""
    return re.sub(r"\b([Aa]) (?=[aeiou])", r"\1n ", text)
