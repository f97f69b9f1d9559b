"""Cleaning counts what it drops; splits do not leak; batches cover an epoch."""

from pathlib import Path

import numpy as np
import pytest

from inference.text import normalise
from training.corpora import Corpus
from training.data import (
    Batches,
    CleanConfig,
    Report,
    Split,
    buckets,
    clean,
    epoch_rows,
    key,
    leak_keys,
    pair_fault,
    split_off,
    text_fault,
)
from training.errors import InputError

CONFIG = CleanConfig()
GOOD = ("She reads a good book.", "Cô ấy đọc một cuốn sách hay.")


@pytest.mark.parametrize(
    ("source", "target", "fault"),
    [
        (*GOOD, None),
        ("", "Chào.", "empty"),
        ("a" * 1001, "b" * 1001, "too long"),
        ("broken \ufffd", "hỏng", "broken characters"),
        ("Hi.", "Một câu rất dài mà không ai nói chỉ một tiếng.", "length ratio"),
        ("Cô ấy đọc một cuốn sách hay.", "Cô ấy đọc sách.", "source in Vietnamese"),
        ("Yes.", "Vâng, đúng vậy.", None),
    ],
)
def test_pair_fault(source: str, target: str, fault: str | None) -> None:
    assert pair_fault(source, target, CONFIG, "en") == fault


def test_a_vietnamese_source_is_right_when_it_is_asked_for() -> None:
    assert pair_fault("Cô ấy đọc sách.", "She reads books.", CONFIG, "vi") is None


def test_text_fault() -> None:
    assert [text_fault(t, CONFIG) for t in ("fine", "", "x" * 20_001, "\ufffd")] == [
        None,
        "empty",
        "too long",
        "broken characters",
    ]


def test_every_planted_fault_is_counted(tmp_path: Path) -> None:
    held_out = "This very sentence is in the test set."
    lines = [
        GOOD,
        GOOD,  # duplicate
        ("  She  reads a\tgood book. ", GOOD[1]),  # the same once normalised
        ("", "Chào."),
        ("Chào.", ""),
        (held_out.upper(), "Chính câu này có trong bộ kiểm tra."),  # leak, whatever its case
        ("Thank you.", "Cảm ơn."),  # in the test set too, but everyone says it
        ("broken \ufffd", "hỏng"),
        ("Noise from a bad corpus.", "Nhiễu từ một kho xấu."),  # weight 0
        ("Twice as good as others.", "Tốt gấp đôi những câu khác."),
    ]
    origins = [""] * 8 + ["bad", "good"]
    (tmp_path / "en").write_text("".join(s + "\n" for s, _ in lines), encoding="utf-8")
    (tmp_path / "vi").write_text("".join(t + "\n" for _, t in lines), encoding="utf-8")
    (tmp_path / "src").write_text("".join(o + "\n" for o in origins), encoding="utf-8")
    corpus = Corpus(lines={"source": "en", "target": "vi", "origin": "src"}, weights={"bad": 0, "good": 2.0})
    split = clean(
        [corpus],
        ("source", "target"),
        tmp_path,
        lambda s, t: (normalise(s), normalise(t)),
        lambda s, t: pair_fault(s, t, CONFIG, "en"),
        lambda *_: None,
        leak_keys([held_out, "Thank you."]),
    )
    assert split.report.read == 10
    assert split.report.kept == 3
    assert dict(split.report.dropped) == {
        "duplicate": 2,
        "empty": 2,
        "in a held-out split": 1,
        "broken characters": 1,
        "weight 0": 1,
    }
    assert split.weights.tolist() == [1.0, 1.0, 2.0]
    assert str(split.report).startswith("3 of 10 rows kept; dropped: ")


def test_nothing_left_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text("source\ttarget\n\t\n")
    with pytest.raises(InputError, match="no training rows are left: 0 of 1 rows kept; dropped: 1 empty"):
        clean(
            [Corpus(table="a.tsv")],
            ("source", "target"),
            tmp_path,
            lambda s, t: (s, t),
            lambda s, t: pair_fault(s, t, CONFIG, "en"),
            lambda *_: None,
            set(),
        )


def test_a_corpus_has_the_share_of_its_words_as_often_as_they_are_read() -> None:
    split = Split([("a b", "c"), ("d", "e f g"), ("h", "i")], np.array([1, 0.5, 2.5]), Report(), np.array([0, 2, 0]))
    assert split.shares(3).tolist() == [0.8, 0.0, 0.2]


def test_keys_ignore_case_spacing_and_marks() -> None:
    assert key("Hello,  World!") == key("hello world") != key("hello word")
    assert key("!!!") != key("???")


def test_a_split_is_chosen_by_content_not_by_order() -> None:
    keys = [key(f"text {i}") for i in range(100)]
    chosen = split_off(keys, 10, seed=1)
    shuffled = np.random.default_rng(0).permutation(100)
    again = split_off([keys[i] for i in shuffled], 10, seed=1)
    assert sorted(shuffled[again]) == chosen.tolist()
    assert split_off(keys, 10, seed=2).tolist() != chosen.tolist()


def test_weights_say_how_often_an_epoch_sees_a_row() -> None:
    weights = np.array([0.0, 0.25, 1.0, 2.5])
    counts = np.mean([np.bincount(epoch_rows(weights, 1, epoch), minlength=4) for epoch in range(2000)], axis=0)
    np.testing.assert_allclose(counts, weights, atol=0.05)
    assert epoch_rows(weights, 1, 0).tolist() == epoch_rows(weights, 1, 0).tolist()


@pytest.mark.parametrize("columns", [1, 2])
def test_buckets_cover_the_epoch_within_the_budget(columns: int) -> None:
    lengths = np.random.default_rng(0).integers(1, 60, size=(500, columns))
    rows = np.arange(500)
    batches = buckets(lengths if columns == 2 else lengths[:, 0], rows, 300, 1, 0)
    assert sorted(np.concatenate(batches)) == rows.tolist()
    padded = [len(batch) * lengths[batch].max() for batch in batches]
    assert max(padded) <= 300
    real = sum(lengths[batch].max(axis=1).sum() for batch in batches)
    assert real / sum(padded) > 0.9  # rows of about equal length lie together


def test_a_row_longer_than_the_budget_is_a_batch_of_its_own() -> None:
    batches = buckets(np.array([5, 500, 5]), np.arange(3), 100, 1, 0)
    assert sorted(map(sorted, batches)) == [[0, 2], [1]]


def test_batches_go_on_where_they_were() -> None:
    lengths, weights = np.arange(1, 41), np.ones(40)
    stream = Batches(lengths, weights, 100, seed=3)
    places, batches = [], []
    for _ in range(40):
        places.append((stream.epoch, stream.position))
        batches.append(next(stream).tolist())
    assert places[-1][0] >= 2
    for place, batch in zip(places, batches, strict=True):
        fresh = Batches(lengths, weights, 100, seed=3)
        fresh.seek(*place)
        assert next(fresh).tolist() == batch
    first, second = ([b for p, b in zip(places, batches, strict=True) if p[0] == epoch] for epoch in (0, 1))
    assert first != second
