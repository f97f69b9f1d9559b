"""Subwords: nothing is lost, special ids are ours, padding is plain."""

import numpy as np
import pytest

from inference.text import normalise
from inference.tokenizer import BEGIN, END, PAD, UNKNOWN, Tokenizer, pad
from training.errors import InputError
from training.subwords import SubwordConfig, train_subwords

TEXTS = [
    "The quick brown fox jumps over the lazy dog.",
    "Tôi yêu bạn.",
    "Con cáo nâu nhanh nhẹn nhảy qua con chó lười.",
] * 9


@pytest.fixture(scope="module", params=["bpe", "unigram"])
def tokenizer(request: pytest.FixtureRequest) -> Tokenizer:
    return Tokenizer(train_subwords(SubwordConfig(330, request.param), TEXTS))


@pytest.mark.parametrize(
    "text",
    [
        "The fox.",
        "Tôi yêu bạn.",
        "日本語 😀👩\u200d👧 \u0394",
        "  two  blanks ",
        "▁ is a piece mark, ½ a fraction",
        "",
        "<s> </s> <unk> <pad>",
    ],
)
def test_decode_encode_is_normalise(tokenizer: Tokenizer, text: str) -> None:
    (ids,) = tokenizer.encode([text])
    assert UNKNOWN not in ids
    assert tokenizer.decode([ids]) == [normalise(text).replace("▁", " ")]


def test_special_ids(tokenizer: Tokenizer) -> None:
    assert tokenizer.decode([[PAD, UNKNOWN, BEGIN, END]])[0].strip() in ("", "\u2047")
    (ids,) = tokenizer.encode(["the fox"])
    assert tokenizer.decode([[BEGIN, *ids, END, PAD]]) == tokenizer.decode([ids])


def test_bytes_that_make_no_character_write_nothing(tokenizer: Tokenizer) -> None:
    (whole,) = tokenizer.encode(["the 日本 fox \ufffd"])
    assert tokenizer.is_whole(tokenizer.encode(["the 日本"])[0])
    assert tokenizer.decode([whole]) == ["the 日本 fox \ufffd"]
    places = [i for i, piece in enumerate(tokenizer.pieces(whole)) if piece.startswith("<0x")]
    for lost, expected in (
        (places[:1], "the 本 fox \ufffd"),
        (places[1:2], "the 本 fox \ufffd"),
        (places[5:6], "the 日 fox \ufffd"),
        ((*places[:2], *places[3:5], places[-1]), "the fox"),
    ):
        ids = [token for place, token in enumerate(whole) if place not in lost]
        assert not tokenizer.is_whole(ids)
        assert tokenizer.decode([ids, whole]) == [expected, "the 日本 fox \ufffd"]
    assert tokenizer.decode([[whole[places[0]]]]) == [""]


def test_refuses_what_is_no_model() -> None:
    with pytest.raises(ValueError, match="not a SentencePiece model"):
        Tokenizer(b"not a model")


def test_pad() -> None:
    ids, lengths = pad([[5, 6], [], [7]])
    assert ids.tolist() == [[5, 6], [0, 0], [7, 0]]
    assert lengths.tolist() == [2, 0, 1]
    assert ids.dtype == lengths.dtype == np.int64
    assert pad([])[0].shape == (0, 0)


@pytest.mark.parametrize(("field", "value"), [("vocabulary", 10), ("coverage", 0.5)])
def test_config_names_the_value(field: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{field} is {value}"):
        SubwordConfig(**{"vocabulary": 400, field: value})


def test_too_little_text_is_an_error() -> None:
    with pytest.raises(InputError, match="no vocabulary of 400 pieces"):
        train_subwords(SubwordConfig(400), [])


def test_too_small_a_vocabulary_says_what_is_needed() -> None:
    letters = "".join(map(chr, range(0x4E00, 0x4E64)))
    with pytest.raises(InputError, match=r"300 pieces from this text: its characters alone need 3\d\d: raise"):
        train_subwords(SubwordConfig(300, coverage=1.0), [f"{letters} {letters}"])
