"""Inline tags of everyday sentences stand around the right words of what the shipped translator makes of them."""

import re
import tomllib

import pytest
from conftest import ROOT

from inference.predictors import TranslationPredictor

TAGS: dict[str, list[list[str]]] = tomllib.loads((ROOT / "tests" / "tags.toml").read_text(encoding="utf-8"))
_TAG = re.compile(r"<(/?)(\w+)(?: n=(\d+))?[^<>]*>")


def numbered(text: str) -> str:
    """A text whose tags are numbered as they open."""
    pieces = re.split(r"(?<=<)(\w+)", text)
    return "".join(f"{p} n={i // 2}" if i % 2 else p for i, p in enumerate(pieces))


def insides(text: str) -> dict[int, str]:
    """What stands in each numbered tag; each opens once, and is closed before that which it is in."""
    found: dict[int, str] = {}
    opened: list[tuple[str, int, int]] = []
    for tag in _TAG.finditer(text):
        if not tag[1]:
            opened.append((tag[2], int(tag[3]), tag.end()))
            continue
        name, number, start = opened.pop()
        assert (name, number in found) == (tag[2], False)
        found[number] = _TAG.sub("", text[start : tag.start()]).strip()
    assert not opened
    return found


def test_tags_are_found() -> None:
    assert numbered('<b>a <a href="x">b</a></b>') == '<b n=0>a <a n=1 href="x">b</a></b>'
    assert insides('<b n=1>a <a n=0 href="x">b</a> </b>') == {0: "b", 1: "a b"}


@pytest.mark.parametrize("kind", list(TAGS))
def test_tags_stand_around_the_right_words(kind: str) -> None:
    predictor = TranslationPredictor.load(ROOT / "checkpoints" / "translation-en-vi")
    wrong = []
    for line, result in zip(
        TAGS[kind], predictor.predict([numbered(s) for s, *_ in TAGS[kind]], markup=True), strict=True
    ):
        found = insides(result.text)
        assert sorted(found) == list(range(len(line) - 1))
        wrong += [(result.text, w) for i, w in enumerate(line[1:]) if not re.fullmatch(w, found[i], re.IGNORECASE)]
    total = sum(len(line) - 1 for line in TAGS[kind])
    assert total >= 60
    assert 1 - len(wrong) / total >= 0.9, wrong
