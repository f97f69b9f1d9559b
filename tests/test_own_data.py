"""Data of one's own: what is measured was written by people and not trained on, and faults are told with their cure."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT, run_training

from training.config import load_config
from training.corpora import Corpus, read
from training.data import Batches, CleanConfig, Split, clean, leak_keys, pair_fault
from training.errors import InputError
from training.history import History
from training.material import Places
from training.pipelines import pipeline
from training.tasks import Held
from training.teaching import TaughtCorpus, Teaching

RUN = """
task = "sentiment"
name = "own"
labels = ["good", "bad"]
card = { summary = "" }
data = { root = ".", train = [{ table = "own.tsv" }], dev_rows = 8 }
subwords = { vocabulary = 300 }
fit = { updates = 500 }
"""
ROWS = [f"{label}\tThe {w} number {i} is {label} indeed." for i in range(20) for label in ("good", "bad") for w in "ab"]


def splits(folder: Path, rows: list[str], *changes: tuple[str, str]) -> tuple[Split, list[Held]]:
    """The rows of a run on a table of these rows."""
    (folder / "own.tsv").write_text("\n".join(["label\ttext", *rows]) + "\n", encoding="utf-8")
    text = RUN
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (folder / "run.toml").write_text(text, encoding="utf-8")
    return pipeline(load_config(folder / "run.toml"), Places(folder)).splits


def test_dev_rows_are_what_people_wrote(tmp_path: Path) -> None:
    labels = 'labels = ["good", "bad"]'
    three = 'labels = ["negative", "neutral", "positive"]'
    corpora = (
        '{ table = "own.tsv", labels = { good = "positive", bad = "negative" } }, { templates = "statements.toml" }'
    )
    split, (dev,) = splits(tmp_path, ROWS, (labels, three), ('{ table = "own.tsv" }', corpora))
    own = {row.split("\t")[1] for row in ROWS}
    assert len(split.rows) > 1000
    assert {text for text, _ in dev.rows} <= own
    assert "8 cut off as dev rows" in str(split.report)
    assert split.report.kept == len(split.rows)


def test_what_a_model_made_is_no_dev_set(tmp_path: Path) -> None:
    rows = [
        f"{label}\tThe {word} number {i} is very {label} indeed."
        for i in range(10)
        for label in ("good", "bad")
        for word in ("one", "two")
    ]
    (tmp_path / "own.tsv").write_text("label\ttext\n" + "\n".join(rows[:30]) + "\n\n", encoding="utf-8")
    (tmp_path / "taught.tsv").write_text("label\ttext\n" + "\n".join([*rows[30:], *(f"{row} " for row in rows[:9])]))
    path = tmp_path / "run.toml"
    path.write_text(RUN)
    config = load_config(path)
    stages = pipeline(config, Places(tmp_path))
    own, taught = config.data.train[0], Corpus(table="taught.tsv")
    stages.corpora = lambda: (own, taught)  # type: ignore[method-assign]
    split, (dev,) = stages.splits
    given = {text for _, text in (row.split("\t") for row in rows[:30])}
    assert {text for text, _ in dev.rows} <= given
    assert not {text for text, _ in dev.rows} & {text for text, _ in split.rows}
    assert split.report.kept == len(split.rows) == 40 - 8
    assert split.corpora.tolist() == [0] * 22 + [1] * 10


def test_no_row_is_like_a_dev_row(tmp_path: Path) -> None:
    shouted = [row.upper().replace("GOOD\t", "good\t").replace("BAD\t", "bad\t") for row in ROWS]
    split, (dev,) = splits(tmp_path, [*ROWS, *shouted], ("= 8", "= 7"))
    assert not leak_keys(text for text, _ in dev.rows) & leak_keys(text for text, _ in split.rows)
    assert split.report.dropped["like a dev row"] > 0


GOOD = [row for row in ROWS if row.startswith("good")]
DEV = 'dev = [{ name = "d", corpus = { table = "own.tsv" } }]'
TABLE = 'table = "own.tsv"'


@pytest.mark.parametrize(
    ("rows", "change", "message"),
    [
        (GOOD, ("", ""), "no training row is 'bad': give such rows, or leave it"),
        ([ROWS[2], *GOOD], ("= 8", "= 2"), "none of the 2 dev_rows is 'bad', so nothing would be known of it"),
        ([*ROWS, "0.4 0.6\tSo so, and no more."], ("dev_rows = 8", DEV), "is a soft one"),
        (
            [f"0.4 0.6\tSo so, and no more of {i}." for i in range(20)],
            ("", ""),
            "dev_rows: the label .* is a soft one",
        ),
        (ROWS, (TABLE, f"{TABLE}, weights = {{ wbe = 0.1 }}"), "weights has wbe, the origin of no row"),
        (ROWS, (TABLE, f'{TABLE}, columns = {{ origin = "source" }}'), "no column 'source'"),
    ],
)
def test_what_would_tell_nothing_is_refused(
    tmp_path: Path, rows: list[str], change: tuple[str, str], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        splits(tmp_path, rows, change)


def test_what_is_cut_from_a_corpus_is_not_trained_on_however_short(tmp_path: Path) -> None:
    held = 'dev = [{ name = "d", corpus = { table = "own.tsv" }, rows = 10 }]'
    rows = [
        f"{label}\t{word} {number}" for label in ("good", "bad") for word in ("Food", "Tea") for number in range(10)
    ]
    split, (dev,) = splits(tmp_path, rows, ("dev_rows = 8", held))
    assert len(dev.rows) == 10
    assert len(split.rows) == 30


def test_held_out_translations_are_not_trained_on_either(tmp_path: Path) -> None:
    rows = [("A cat sat on a mat.", "Một con mèo ngồi trên chiếu."), ("Made by a model.", "Con chó chạy ở ngoài sân.")]
    for number, side in enumerate(("source", "target")):
        (tmp_path / side).write_text("".join(f"{row[number]}\n" for row in rows), encoding="utf-8")
    split = clean(
        [Corpus(lines={"source": "source", "target": "target"})],
        ("source", "target"),
        tmp_path,
        lambda *row: row,
        lambda one, other: pair_fault(one, other, CleanConfig(), "en"),
        lambda *_: None,
        leak_keys(["con chó chạy ở ngoài sân"]),
    )
    assert split.rows == rows[:1]
    assert split.report.dropped == {"in a held-out split": 1}
    chinese = "我今天早上去了一家很大的商店"
    assert len(leak_keys([chinese, "谢谢", "Thank you."])) == 1


def test_translations_of_held_out_texts_are_not_taught(tmp_path: Path) -> None:
    (tmp_path / "own.tsv").write_text("\n".join(["label\ttext", *ROWS]) + "\n", encoding="utf-8")
    held = ROWS[3].split("\t")[1]
    taught = TaughtCorpus(Corpus(table="own.tsv"), translator="nowhere")
    teaching = Teaching(taught, ["good", "bad"], tmp_path / "taught", tmp_path, lambda text: text == held)
    assert len(teaching._texts) == len(ROWS) - 1
    assert held not in teaching._texts


def test_letters_that_vietnamese_shares_are_no_fault_where_another_language_is_wanted() -> None:
    romanian = "Fată și băiat au mers împreună până la piață."
    assert pair_fault(romanian, "A girl and a boy went to the market.", CleanConfig(), "ro", "en") is None
    assert (
        pair_fault("Tôi đã ăn cơm rồi.", "Tôi đã ăn cơm rồi mà.", CleanConfig(), "en", "vi") == "source in Vietnamese"
    )


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.tsv", "text\ttext\nx\ty\n", "a.tsv, line 1: more than one column is 'text'"),
        ("a.csv", "text,text\nx,y\n", "a.csv, line 1: more than one column is 'text'"),
        ("a.csv", 'text,label\nx,y\n"a" b,c\n', "a.csv, line 3: "),
    ],
)
def test_faults_of_tables_are_named(tmp_path: Path, name: str, text: str, message: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        list(read(Corpus(table=name), ("text",), tmp_path))


def test_a_field_of_a_table_may_be_of_any_length(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(f"text\n{'x' * 200_000}\n", encoding="utf-8")
    assert [len(row[0]) for _, row in read(Corpus(table="a.csv"), ("text",), tmp_path)] == [200_000]


def test_an_epoch_may_have_no_row() -> None:
    batches = Batches(np.array([3, 4]), np.array([0.1, 0.1]), 100, seed=1)
    assert all(len(next(batches)) for _ in range(5))
    assert batches.epoch > 5


def test_half_a_line_of_a_history_is_made_again(tmp_path: Path) -> None:
    (tmp_path / "history.jsonl").write_text('{"update": 1, "train_loss": 2.0}\n{"update": 2, "tra', encoding="utf-8")
    history = History(tmp_path, 2)
    assert history.records == [{"update": 1, "train_loss": 2.0}]
    history.close()
    assert json.loads((tmp_path / "history.jsonl").read_text(encoding="utf-8")) == history.records[0]


@pytest.mark.parametrize(
    ("begin", "old", "new", "message"),
    [("\ufeff", "", "", ""), ("", 'task = "sentiment"', "", 'task is missing: give "translation" or "sentiment"')],
)
def test_a_config_may_have_a_mark_at_its_beginning_and_must_have_a_task(
    tmp_path: Path, begin: str, old: str, new: str, message: str
) -> None:
    path = tmp_path / "run.toml"
    path.write_text(begin + RUN.replace(old, new), encoding="utf-8")
    if message:
        with pytest.raises(InputError, match=message):
            load_config(path)
    else:
        assert load_config(path).name == "own"


def test_what_was_trained_is_exported_and_scored_with_its_own_settings(toys: Path, tmp_path: Path) -> None:
    shutil.copytree(toys, tmp_path / "toys")
    tiny = ROOT / "training" / "configs" / "tiny-sentiment.toml"
    text = tiny.read_text(encoding="utf-8").replace('root = "tiny"', f'root = "{tiny.parent / "tiny"}"')
    path = tmp_path / "run.toml"
    for old, new, stage, message in (
        ('["negative", "positive"]', '["positive", "negative"]', "export", "labels was ['negative', 'positive'], is"),
        ("hidden = 32", "hidden = 16", "export", "model.hidden was 32, is 16"),
        ('["negative", "positive"]', '["positive", "negative"]', "evaluate", "was exported with other labels: export"),
        ("hidden = 32", "hidden = 32", "export", ""),
    ):
        path.write_text(text.replace(old, new), encoding="utf-8")
        done = run_training(stage, path, tmp_path / "toys")
        assert (done.returncode, message in done.stderr) == (2 if message else 0, True), done.stderr


def test_a_place_that_cannot_be_written_is_told_before_the_training(tmp_path: Path) -> None:
    (tmp_path / "checkpoints").write_text("", encoding="utf-8")
    done = run_training("run", ROOT / "training" / "configs" / "tiny-sentiment.toml", tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("error: checkpoints cannot be written")
    assert not (tmp_path / "runs").exists()
