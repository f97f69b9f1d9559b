"""Noise: drawn anew for each seed, the same for the same seed, and nothing when it is off."""

import re
from typing import Any

import numpy as np
import pytest

from inference.decoding import DecodeConfig
from inference.tokenizer import PAD, Tokenizer
from training.names import GIVEN_NAMES, PEOPLES, swap_names
from training.noise import Noise, NoiseConfig, TextNoiseConfig, literal
from training.numbers import NumberWords, change_digits, change_numbers
from training.seq2seq import Seq2Seq, Seq2SeqConfig
from training.subwords import SubwordConfig, train_subwords
from training.tasks import TranslationBatch, TranslationTask

ROWS = [("Hello There, Bob!", "Xin Chào, Bob!"), ("Where is Anna?", "Anna đâu?"), ("...", "...")] * 20
TOKENIZER = Tokenizer(train_subwords(SubwordConfig(330), [text for row in ROWS for text in row]))


def task(**noise: float) -> TranslationTask:
    model = Seq2Seq(Seq2SeqConfig(embedding=8, hidden=8, heads=2), len(TOKENIZER), len(TOKENIZER))
    return TranslationTask(model, TOKENIZER, TOKENIZER, 0.0, DecodeConfig(), Noise(NoiseConfig(**noise), "en", "vi"))


def disturb(config: NoiseConfig, row: tuple[str, str], rng: np.random.Generator) -> tuple[str, str]:
    return Noise(config, "en", "vi").disturb(row, rng)


def texts(ids: Any) -> list[str]:
    return TOKENIZER.decode([[i for i in row if i != PAD] for row in ids.tolist()])


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (NoiseConfig(), ("Hello There, Bob!", "Xin Chào, Bob!")),
        (NoiseConfig(lower=1.0), ("hello there, bob!", "Xin Chào, Bob!")),
        (NoiseConfig(unpunctuated=1.0), ("Hello There, Bob", "Xin Chào, Bob")),
        (NoiseConfig(titled=1.0), ("Hello There, Bob!", "Xin Chào, Bob!")),
    ],
)
def test_disturb(config: NoiseConfig, expected: tuple[str, str]) -> None:
    assert disturb(config, ROWS[0], np.random.default_rng(0)) == expected
    assert disturb(config, ("...", "..."), np.random.default_rng(0)) == ("...", "...")


def test_marks_are_lost() -> None:
    text = "Đẹp quá, đồ ăn ở café!"
    rng = np.random.default_rng(0)
    lost = [TextNoiseConfig(unmarked=0.25).disturb((text, "positive"), rng)[0] for _ in range(1000)]
    assert set(lost) == {text, "Dep qua, do an o cafe!"}
    assert 200 < 1000 - lost.count(text) < 300
    with pytest.raises(ValueError, match=r"unmarked is 1\.5: give 0 to 1"):
        TextNoiseConfig(unmarked=1.5)


def test_other_people_are_named() -> None:
    text = "John met Mary, a Greek. John's dog is not greek, Johnny."
    rng = np.random.default_rng(0)
    for _ in range(100):
        swapped, label = TextNoiseConfig(renamed=1.0).disturb((text, "neutral"), rng)
        first, other, people = re.fullmatch(
            r"(\w+) met (\w+), a (\w+)\. \1's dog is not greek, Johnny\.", swapped
        ).groups()  # type: ignore[union-attr]
        assert {first, other} <= set(GIVEN_NAMES)
        assert people in set(PEOPLES)
        assert label == "neutral"
    assert TextNoiseConfig().disturb((text, "neutral"), rng) == (text, "neutral")
    assert swap_names("nothing to swap", rng) == "nothing to swap"


@pytest.mark.parametrize(
    ("text", "label", "expected"),
    [
        ("A great film!", "positive", ("A terrible film!", "negative")),
        ("NOT BAD at all", "positive", None),  # The word is not on the label's side.
        ("NOT BAD at all", "negative", ("NOT GOOD at all", "positive")),
        ("Good food, friendly staff, but bad coffee.", "positive", None),
        ("dull " + "and so on " * 12, "negative", None),
        ("dull dull dull " + "and so on " * 12, "negative", ("interesting " * 3 + "and so on " * 12, "positive")),
        ("Nhân viên thân thiện, đồ ăn ngon.", "positive", ("Nhân viên thô lỗ, đồ ăn dở.", "negative")),
        ("Thầy giải thích rõ ràng.", "positive", None),
        ("amazıng", "positive", None),
        ("great", "neutral", None),
        ("great", "0.1 0.2 0.7", None),
        ("greatly goodness", "positive", None),
    ],
)
def test_reviews_are_turned_round(text: str, label: str, expected: tuple[str, str] | None) -> None:
    turned = TextNoiseConfig(flipped=1.0).disturb((text, label), np.random.default_rng(0))
    assert turned == (expected or (text, label))
    assert TextNoiseConfig().disturb((text, label), np.random.default_rng(0)) == (text, label)


def test_names_are_swapped_in_small_letters_too() -> None:
    rng = np.random.default_rng(0)
    found = [swap_names("michael , a german , ăn món hàn quốc thơm mùi hương .", rng).split(" ") for _ in range(50)]
    assert {words[0] for words in found} <= {name.lower() for name in GIVEN_NAMES}
    assert {words[3] for words in found} <= {people.lower() for people in PEOPLES}
    assert min(len({words[i] for words in found}) for i in (0, 3, 7)) > 3
    assert all(" ".join(words).endswith(" thơm mùi hương .") for words in found)


def test_titled() -> None:
    row = ("the cat's name is `x` {y}", "t")
    assert disturb(NoiseConfig(titled=1.0), row, np.random.default_rng(0)) == ("The Cat's Name Is `x` {y}", "t")


@pytest.mark.parametrize(
    ("row", "around"),
    [
        (("Bob is here with Ann.", "Bob ở đây."), ("| is here with Ann.", "| ở đây.")),
        (("It was 2019, Bo.", "Đó là 2019, bố."), ("It was |, Bo.", "Đó là |, bố.")),
        (("Bob met Bob.", "Bob gặp Bob."), ("Bob met Bob. |", "Bob gặp Bob. |")),
        (("Bobby and Bob", "Bobby và Bob"), ("| and Bob", "| và Bob")),
        (("I see.", "Tôi hiểu."), ("I see. |", "Tôi hiểu. |")),
    ],
)
def test_both_sides_get_the_same_copy(row: tuple[str, str], around: tuple[str, str]) -> None:
    for seed in range(200):
        noisy = disturb(NoiseConfig(copied=1.0), row, np.random.default_rng(seed))
        pieces = around[0].split("|")
        copy = noisy[0][len(pieces[0]) : len(noisy[0]) - len(pieces[1])]
        assert copy
        assert noisy == tuple(side.replace("|", copy) for side in around)


def test_literals_are_many_and_of_many_kinds() -> None:
    rng = np.random.default_rng(0)
    made = [literal(rng, ["example", "book"]) for _ in range(3000)]
    assert len(set(made)) > 2000
    assert sum("example" in each for each in made) > 200
    for sign in ("http://", "https://", "@", "`", "{0}", "%s", "_", "#", "❤", "→"):
        assert any(sign in each for each in made), sign
    assert all(each == each.strip() and "*" not in each for each in made)
    assert any(re.fullmatch("%[a-z]+%", each) for each in made)
    assert any(re.search("[а-я]", each) for each in made)
    assert "example" not in "".join(literal(rng, []) for _ in range(1000))


def test_digits_change_on_both_sides() -> None:
    row = (
        "Flight 052 left at 7:45 with 145 people, 7 of them ill.",
        "Chuyến 052 cất cánh lúc 7:45 với 145 người, 7 bị ốm.",
    )
    shape = r"Flight (0\d\d) left at ([1-9]):([1-9]\d) with ([1-9]\d\d) people, \2 of them ill\."
    seen = set()
    for seed in range(100):
        source, target = change_digits(row, np.random.default_rng(seed))
        match = re.fullmatch(shape, source)
        assert match
        seen.add(match.groups())
        assert target == "Chuyến {} cất cánh lúc {}:{} với {} người, {} bị ốm.".format(*match.groups(), match[2])
    assert len(seen) > 90


def test_digits_that_differ_stay() -> None:
    row = ("On July 4 we met.", "Ngày 4 tháng 7 chúng tôi gặp nhau.")
    assert change_digits(row, np.random.default_rng(0)) == row


@pytest.mark.parametrize(
    ("row", "around"),
    [
        (("He is forty-five.", "Anh ấy bốn mươi lăm tuổi."), ("He is |.", "Anh ấy | tuổi.")),
        (
            ("Twenty people, and two cats", "Hai mươi người và hai con mèo"),
            ("| people, and | cats", "| người và | con mèo"),
        ),
        # 21 is not 20, and what is said twice, or in figures, could be anything.
        (("The twenty-first day", "Ngày hai mươi mốt"), ("The twenty-first day", "Ngày hai mươi mốt")),
        (("five years", "năm năm"), ("five years", "năm năm")),
        (("five cats in a year", "5 con mèo trong một năm"), ("five cats in a year", "5 con mèo trong một năm")),
    ],
)
def test_number_words_change_on_both_sides(row: tuple[str, str], around: tuple[str, str]) -> None:
    words = NumberWords("en"), NumberWords("vi")
    patterns = [re.escape(side).replace(r"\|", "(.+?)") for side in around]
    seen = set()
    for seed in range(50):
        source, target = change_numbers(row, words, np.random.default_rng(seed))
        english, vietnamese = re.fullmatch(patterns[0], source), re.fullmatch(patterns[1], target)
        assert english and vietnamese, (source, target)
        for one, other in zip(english.groups(), vietnamese.groups(), strict=True):
            assert words[0].once(one) == words[1].once(other) != set()
            assert one[0].isupper() == other[0].isupper()
        seen.add(source)
    assert len(seen) == 1 if around == row else len(seen) > 20


def test_a_language_without_number_words() -> None:
    with pytest.raises(ValueError, match=r"no number words are known for language 'xx': set noise\.numbers to 0"):
        Noise(NoiseConfig(numbers=0.1), "en", "xx")
    Noise(NoiseConfig(), "en", "xx")


def test_shares_are_met() -> None:
    rng = np.random.default_rng(0)
    lowered = sum(disturb(NoiseConfig(lower=0.3), ROWS[0], rng)[0].islower() for _ in range(2000))
    assert 500 < lowered < 700


def test_without_a_seed_nothing_is_disturbed() -> None:
    plain, noisy = task().collate(ROWS), task(lower=1.0, subword_dropout=0.5).collate(ROWS)
    assert all(np.array_equal(a, b) for a, b in zip(plain, noisy, strict=True))


def test_a_seed_decides_the_batch() -> None:
    noisy = task(lower=0.5, subword_dropout=0.5)
    one, again, other = (noisy.collate(ROWS, seed) for seed in (1, 1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(one, again, strict=True))
    assert texts(one.source) != texts(other.source)


def test_subword_dropout_changes_pieces_but_not_text() -> None:
    plain, sampled = task().collate(ROWS), task(subword_dropout=0.5).collate(ROWS, 1)
    assert isinstance(plain, TranslationBatch)
    assert texts(sampled.source) == texts(plain.source)
    assert texts(sampled.outputs) == texts(plain.outputs)
    assert sampled.lengths.sum() > plain.lengths.sum()


def test_config_names_the_value() -> None:
    with pytest.raises(ValueError, match=r"lower is 1\.5: give 0 to 1"):
        NoiseConfig(lower=1.5)
    with pytest.raises(ValueError, match=r"lower 0\.7 and titled 0\.5 are shares of the same rows"):
        NoiseConfig(lower=0.7, titled=0.5)
