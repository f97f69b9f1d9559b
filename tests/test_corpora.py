"""One loader for every kind of file, and one clear line for every fault."""

import gzip
import json
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from training.corpora import Corpus, read
from training.errors import InputError

FIELDS = ("source", "target")
BROKEN_GZIP = gzip.compress(b"a line\n")[:10] + b"\xff" * 20
ROWS = [('Hello, "you".', 'Chào "bạn".'), ("A b", "C d")]


def rows(corpus: Corpus, root: Path) -> list[tuple[str, ...]]:
    return [row for _, row in read(corpus, FIELDS, root)]


def write_table(path: Path) -> None:
    names = {"source": "en", "target": "vi"}
    records = [dict(zip(names.values(), row, strict=True)) for row in ROWS]
    if ".tsv" in path.name:
        text = "\n".join(["en\tvi\tother", *("\t".join([*row, "x"]) for row in ROWS)]) + "\n"
    elif ".csv" in path.name:
        quoted = [",".join('"' + v.replace('"', '""') + '"' for v in row) for row in ROWS]
        text = "\n".join(["en,vi", *quoted]) + "\n"
    else:
        text = "".join(json.dumps(record) + "\n" for record in records)
    if path.suffix == ".parquet":
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(records), path)
    elif path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text, encoding="utf-8")


@pytest.mark.parametrize("suffix", ["tsv", "tsv.gz", "csv", "csv.gz", "jsonl", "jsonl.gz", "parquet"])
def test_tables(tmp_path: Path, suffix: str) -> None:
    write_table(tmp_path / f"data.{suffix}")
    corpus = Corpus(table=f"data.{suffix}", columns={"source": "en", "target": "vi"})
    assert rows(corpus, tmp_path) == ROWS


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_lines(tmp_path: Path, suffix: str) -> None:
    for side, name in enumerate(("en", "vi")):
        data = "".join(row[side] + "\n" for row in ROWS).encode()
        (tmp_path / (name + suffix)).write_bytes(gzip.compress(data) if suffix else data)
    assert rows(Corpus(lines={"source": "en" + suffix, "target": "vi" + suffix}), tmp_path) == ROWS


def test_tokenised_text_is_put_together_again(tmp_path: Path) -> None:
    (tmp_path / "en").write_text("It &apos;s 5 o &apos;clock , isn &apos;t it ?\nA &quot; B &quot; ( C )\n")
    (tmp_path / "vi").write_text("Năm giờ rồi , phải không ?\nx &amp; y\n", encoding="utf-8")
    corpus = Corpus(lines={"source": "en", "target": "vi"}, tokenised=True)
    assert rows(corpus, tmp_path) == [
        ("It's 5 o'clock, isn't it?", "Năm giờ rồi, phải không?"),
        ('A "B" (C)', "x & y"),
    ]
    (tmp_path / "a.tsv").write_text("text\tlabel\nGood , no ?\tso , so\n")
    labelled = Corpus(table="a.tsv", tokenised=True)
    assert list(read(labelled, ("text", "label"), tmp_path)) == [("a.tsv, line 2", ("Good, no?", "so , so"))]


def test_hub_reads_nested_columns_by_the_same_loader(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    folder.mkdir()
    records = [{"translation": {"en": s, "vi": t}, "id": i} for i, (s, t) in enumerate(ROWS)]
    (folder / "train.jsonl").write_text("".join(json.dumps(r) + "\n" for r in records), encoding="utf-8")
    corpus = Corpus(hub="set", columns={"source": "translation.en", "target": "translation.vi"})
    assert rows(corpus, tmp_path) == ROWS
    with pytest.raises(InputError, match=r"set, row 1: no column 'translation.fr' for 'target'"):
        rows(Corpus(hub="set", columns={"source": "translation.en", "target": "translation.fr"}), tmp_path)


def test_only_line_feeds_end_a_line(tmp_path: Path) -> None:
    (tmp_path / "en").write_bytes("\ufeffone\u2028still one\r\ntwo\x0bstill two".encode())
    (tmp_path / "vi").write_bytes(b"mot\nhai\n")
    assert rows(Corpus(lines={"source": "en", "target": "vi"}), tmp_path) == [
        ("one\u2028still one", "mot"),
        ("two\x0bstill two", "hai"),
    ]


def test_a_field_without_a_file_is_empty(tmp_path: Path) -> None:
    (tmp_path / "en").write_text("one\n")
    (tmp_path / "vi").write_text("mot\n")
    corpus = Corpus(lines={"source": "en", "target": "vi"})
    assert [row for _, row in read(corpus, (*FIELDS, "origin"), tmp_path)] == [("one", "mot", "")]


@pytest.mark.parametrize(
    ("files", "corpus", "message"),
    [
        ({"en": b"a\nb\nc\n", "vi": b"a\nb\n"}, {"lines": {"source": "en", "target": "vi"}}, "vi ends before line 3"),
        ({"en": b"a\n\xffb\n", "vi": b"a\nb\n"}, {"lines": {"source": "en", "target": "vi"}}, "en, line 2: not UTF-8"),
        ({}, {"lines": {"source": "en", "target": "vi"}}, "cannot read .*en: No such file"),
        ({"en": b""}, {"lines": {"source": "en", "other": "en"}}, "lines has other: its keys are source, target"),
        ({"a.tsv": b"source\ttarget\nx\n"}, {"table": "a.tsv"}, "a.tsv, line 2: 1 values for the 2 columns"),
        ({"a.tsv": b"source\tvi\nx\ty\n"}, {"table": "a.tsv"}, "no column 'target' for 'target' among source, vi"),
        ({"a.csv": b'source,target\n"x,y\n'}, {"table": "a.csv"}, "a.csv, line"),
        ({"a.csv": b"source,target\nx\n"}, {"table": "a.csv"}, "do not fit the columns"),
        ({"a.jsonl": b"{]\n"}, {"table": "a.jsonl"}, "a.jsonl, line 1: not JSON"),
        ({"a.jsonl": b'{"source": "\\ud800", "target": "x"}\n'}, {"table": "a.jsonl"}, "line 1: not JSON .*surrogates"),
        ({"a.jsonl": b"[" * 100_000}, {"table": "a.jsonl"}, "line 1: not JSON .*recursion"),
        ({"a.jsonl": b"[1]\n"}, {"table": "a.jsonl"}, "a JSON object is needed, not list"),
        ({"a.jsonl": b'{"source": [1], "target": "x"}\n'}, {"table": "a.jsonl"}, "'source' is list, not text"),
        ({"a.parquet": b"nothing"}, {"table": "a.parquet"}, "cannot read .*a.parquet"),
        ({"a.gz": b"no gzip"}, {"lines": {"source": "a.gz", "target": "a.gz"}}, "a.gz: broken gzip file"),
        ({"a.gz": BROKEN_GZIP}, {"lines": {"source": "a.gz", "target": "a.gz"}}, "a.gz: broken gzip file"),
        ({"a.xlsx": b""}, {"table": "a.xlsx"}, "a table ends in"),
        ({}, {"hub": "no/such-set"}, "cannot load the data set 'no/such-set'"),
    ],
)
def test_faults_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, bytes], corpus: dict, message: str
) -> None:
    # As HF_HUB_OFFLINE=1 sets them, which is read when they are imported.
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("datasets.config.HF_HUB_OFFLINE", True)
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    with pytest.raises(InputError, match=message) as caught:
        rows(Corpus(**corpus), tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "exactly one"),
        ({"table": "a", "hub": "b"}, "exactly one"),
        ({"table": "a", "weights": {"x": -1}}, "weight of x is -1"),
    ],
)
def test_corpus_is_checked(values: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Corpus(**values)


@pytest.mark.parametrize(
    ("name", "text", "numbers"),
    [
        ("a.tsv", "text\tlabel\none\tx\n\ntwo\ty\n\n", [2, 4]),
        ("a.csv", 'text,label\n"one\nmore",x\n\ntwo,y\n', [3, 5]),
        ("a.jsonl", '{"text": "one"}\n\n{"text": "two"}\n', [1, 3]),
    ],
)
def test_blank_lines_are_no_rows_and_places_are_lines(tmp_path: Path, name: str, text: str, numbers: list[int]) -> None:
    (tmp_path / name).write_text(text)
    found = list(read(Corpus(table=name), ("text", "label"), tmp_path, optional=("label",)))
    assert [place for place, _ in found] == [f"{name}, line {number}" for number in numbers]
    assert [row[0].split("\n")[0] for _, row in found] == ["one", "two"]


def test_an_unknown_column_is_refused() -> None:
    with pytest.raises(ValueError, match="columns has lable: its keys are among source, target, text, label, origin"):
        Corpus(table="a.tsv", columns={"lable": "x"})
