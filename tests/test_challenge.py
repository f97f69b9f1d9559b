"""The judge of the challenge finds what is wrong and nothing in what is right; the shipped translator against it."""

import pytest
from challenge import CHALLENGE, faults, judge
from conftest import ROOT

from inference.predictors import TranslationPredictor


@pytest.mark.parametrize(
    ("source", "output", "expected", "found"),
    [
        ("See you on Monday.", "Hẹn gặp lại vào Thứ Hai.", ["thứ hai|thứ 2"], []),
        ("See you on Monday.", "Hẹn gặp lại bạn.", ["thứ hai|thứ 2"], ["thứ hai|thứ 2"]),
        ("No cats here.", "Không có mèo.", ["!chó"], []),
        ("No cats here.", "Không có chó.", ["!chó"], ["!chó"]),
        ("It is a very good day.", "Đó là, đó là, đó là.", [], ["a loop"]),
        ("No no no!", "Không không không!", [], []),
        ("This has five words here.", "Ngắn quá.", [], ["2 words for 5"]),
        ("Who?", "Ai.", [], ["no question mark"]),
        ("a\nb", "a b", [], ["lines"]),
    ],
)
def test_faults(source: str, output: str, expected: list[str], found: list[str]) -> None:
    assert faults(source, output, expected) == found


def test_the_shipped_translator_gets_nearly_all_right() -> None:
    predictor = TranslationPredictor.load(ROOT / "checkpoints" / "translation-en-vi")
    wrong = sum(len(judge(predictor, lines)) for lines in CHALLENGE.values())
    total = sum(map(len, CHALLENGE.values()))
    assert total >= 200
    assert 1 - wrong / total >= 0.95
