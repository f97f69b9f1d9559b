"""Short texts in other letters."""

import pytest

from inference.readings import readings


def pieces(texts: list[str]) -> list[list[int]]:
    """A tokenizer that knows a few words, and cuts others into letters."""
    known = {"milk", "Paris", "sign", "in", "New", "York", "House", "house"}
    return [[0 for word in text.split() for _ in ([0] if word in known else word)] for text in texts]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Milk", ["milk"]),
        ("MILK", ["milk"]),
        ("paris", ["Paris"]),
        ("Paris", ["Paris"]),
        ("House", ["House", "house"]),
        ("house", ["house"]),
        ("Sign In", ["sign in"]),
        ("new york", ["New York"]),
        ("WHO", ["WHO"]),
        ("UNICEF", ["UNICEF"]),
        ("iPhone in", ["iPhone in"]),
        ("Sign in here now", ["Sign in here now"]),
        ("Sign in.", ["Sign in."]),
        ("12 %", ["12 %"]),
        ("5 apples", ["5 apples"]),
        ("TOKYO is big", ["TOKYO is big"]),
        ("", [""]),
    ],
)
def test_what_is_cut_into_the_fewest_pieces_is_read(text: str, expected: list[str]) -> None:
    found = readings(text, pieces)  # type: ignore[arg-type]
    assert [reading.text for reading in found] == expected
    assert [len(reading.ids) for reading in found] == [len(pieces([text])[0]) for text in expected]
