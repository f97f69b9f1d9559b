"""Abbreviations as words."""

import pytest

from inference.abbreviations import spelt_out


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Invoice No. 884-B, approx. 2.2 miles", "Invoice number 884-B, approximately 2.2 miles"),
        ("No. 5 is mine.", "Number 5 is mine."),
        ("Cats vs. dogs, e.g., mine; i.e. yours", "Cats versus dogs, like mine; meaning yours"),
        ("min. 5 people, 5 min. later", "minimum 5 people, 5 minutes later"),
        ("Sen. Sanders of the Dept. of Health", "Senator Sanders of the Department of Health"),
        ("Jan. 15, 1929, and 5 Oct. 2020", "January 15, 1929, and 5 October 2020"),
        ("Max. 10 at Ext. 12, p. no. 7", "Maximum 10 at extension 12, p. number 7"),
    ],
)
def test_they_are_spelt_out_in_as_many_words(text: str, expected: str) -> None:
    assert spelt_out(text) == expected
    assert len(text.split()) == len(expected.split())


@pytest.mark.parametrize(
    "text",
    [
        "He said no. 5 came.".replace("5", "Five"),
        "See gen. info.",
        "It took 5 min.",
        "May. 5",
        "I said no. 2 of us came.",
        "Oh, no. 3 more.",
        "I called Max. 10 of us came.",
        "LA, CA. 90001",
        "Rep. of Korea",
        "Phys. Rev. B",
        "He met Gen. She left.",
        "etc. and so on",
        "U.S. no",
        "a.no. b",
    ],
)
def test_what_may_be_a_word_or_end_a_sentence_stays(text: str) -> None:
    assert spelt_out(text) == text
