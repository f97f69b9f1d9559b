"""Read corpora: rows of named fields from local files or from Hugging Face `datasets`, by one loader."""

import csv
import gzip
import io
import json
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import datasets
import pyarrow.parquet
from sacremoses import MosesDetokenizer

from training.errors import InputError
from training.phrases import filled as filled_phrases
from training.templates import filled

Row = tuple[str, ...]
_TEXTS = ("source", "target", "text")
FIELDS = (*_TEXTS, "label", "origin")
"""What a row may have: prose, and what is known of it."""
_LINED = (".tsv", ".csv", ".jsonl", ".gz")
"""Tables in which a row has a line number."""


@dataclass(frozen=True)
class Corpus:
    """Where rows come from: exactly one of `lines`, `table`, `hub`, `templates` and `phrases`."""

    lines: dict[str, str] = field(default_factory=dict)
    """Field -> plain text file with a row a line; the files are aligned by line. `.gz` is read as it is."""
    table: str = ""
    """A `.tsv`, `.csv`, `.jsonl` or `.parquet` file, all but Parquet also with `.gz`; TSV and CSV have a header."""
    hub: str = ""
    """The name of a data set of Hugging Face `datasets`, perhaps with `@` and a revision, or a folder that it can
    load."""
    templates: str = ""
    """A TOML file that `training.templates` fills in: one of `configs/templates`, by its name, or the path of
    another."""
    phrases: str | tuple[str, ...] = ""
    """A TOML file of pairs that `training.phrases` fills in: one of `configs/phrases`, by its name, or the path of
    another; or several, which are read one after the other. Its columns are its languages."""
    subset: str | None = None
    """The data set's configuration, for `hub`."""
    split: str = "train"
    """For `hub`."""
    columns: dict[str, str] = field(default_factory=dict)
    """Field -> column of a `table`, `hub` or `phrases`, where they differ; `translation.en` reaches into a nested
    column."""
    tokenised: bool = False
    """Whether the texts are tokenised, as those of IWSLT'15 are (" ," and "&apos;s"): they are put together again."""
    labels: dict[str, str] = field(default_factory=dict)
    """Value in the file -> label, where they differ, such as `"0" = "negative"`."""
    weights: dict[str, float] = field(default_factory=dict)
    """Value of the field `origin` -> how often an epoch sees such a row: 0 never, 0.5 every other time, 2 twice."""
    weight: float = 1.0
    """The same for rows of every other origin."""

    def __post_init__(self) -> None:
        given = [name for name in ("lines", "table", "hub", "templates", "phrases") if getattr(self, name)]
        if len(given) != 1:
            raise ValueError(
                "a corpus needs exactly one of lines, table, hub, templates and phrases; this one has "
                f"{given or 'none'}"
            )
        unknown = set(self.columns) - set(FIELDS)
        if unknown:
            raise ValueError(f"columns has {', '.join(sorted(unknown))}: its keys are among {', '.join(FIELDS)}")
        for origin, weight in {**self.weights, "weight": self.weight}.items():
            if weight < 0:
                raise ValueError(f"weight of {origin} is {weight}: give 0 or more")

    def __str__(self) -> str:
        files = [self.phrases] if isinstance(self.phrases, str) else self.phrases
        return self.table or self.hub or self.templates or " + ".join([*filter(None, files), *self.lines.values()])


def read(
    corpus: Corpus, fields: Sequence[str], root: Path, optional: Sequence[str] = ("origin",)
) -> Iterator[tuple[str, Row]]:
    """The rows of a corpus, each with where it stands, and the values of `fields` in their order.

    Files are found below `root`. A field that a corpus of `lines` does not name is read as "", and so is a column that
    is missing where it is `optional`. Raises InputError that names the file, the line and the cure.
    """
    if not isinstance(corpus.phrases, str):
        for name in corpus.phrases:
            yield from read(replace(corpus, phrases=name), fields, root, optional)
        return
    rows = _read_lines(corpus, fields, root) if corpus.lines else _read_records(corpus, fields, root, optional)
    if not corpus.tokenised:
        yield from rows
        return
    join = MosesDetokenizer(lang="en").detokenize
    for place, row in rows:
        texts = [join(value.split()) if name in _TEXTS else value for name, value in zip(fields, row, strict=True)]
        yield place, tuple(texts)


def _read_records(
    corpus: Corpus, fields: Sequence[str], root: Path, optional: Sequence[str]
) -> Iterator[tuple[str, Row]]:
    if corpus.table:
        records = _records(root / corpus.table)
    elif corpus.hub:
        records = _hub_records(corpus, root)
    elif corpus.templates:
        records = filled(root, corpus.templates)
    else:
        assert isinstance(corpus.phrases, str)
        records = filled_phrases(root, corpus.phrases)
    unit = "line" if corpus.table.endswith(_LINED) else "row"
    for number, record in records:
        place = f"{corpus}, {unit} {number}"
        # A column that is named must be there.
        free = set(optional) - corpus.columns.keys()
        yield place, tuple(_value(record, corpus.columns.get(n, n), n, place, n in free) for n in fields)


def _read_lines(corpus: Corpus, fields: Sequence[str], root: Path) -> Iterator[tuple[str, Row]]:
    unknown = set(corpus.lines) - set(fields)
    if unknown:
        raise InputError(f"lines has {', '.join(sorted(unknown))}: its keys are {', '.join(fields)}")
    streams = [_text_lines(root / corpus.lines[name]) for name in fields if name in corpus.lines]
    present = [name in corpus.lines for name in fields]
    number = 0
    while True:
        values = [next(stream, None) for stream in streams]
        if all(value is None for value in values):
            return
        number += 1
        if any(value is None for value in values):
            ended = [
                corpus.lines[n]
                for n, v in zip([f for f in fields if f in corpus.lines], values, strict=True)
                if v is None
            ]
            raise InputError(
                f"{ended[0]} ends before line {number}, {corpus} must have equally many lines: align them again"
            )
        rest = iter(values)
        yield f"{corpus}, line {number}", tuple(str(next(rest)) if there else "" for there in present)


def _open(path: Path) -> io.BufferedIOBase:
    try:
        return gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")
    except OSError as error:
        raise InputError(
            f"cannot read {path}: {error.strerror}; files are looked for below `root` of [data], else below HOIQUY_DATA"
        ) from error


def _text_lines(path: Path) -> Iterator[str]:
    """Lines without their ends. Only LF and CRLF end a line: U+2028 and the like stay in their line."""
    with _open(path) as file:
        try:
            for number, line in enumerate(file, start=1):
                yield line.decode("utf-8-sig" if number == 1 else "utf-8").removesuffix("\n").removesuffix("\r")
        except UnicodeDecodeError as error:
            raise InputError(
                f"{path}, line {number}: not UTF-8 ({error.reason} at byte {error.start}); convert the file"
            ) from error
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise InputError(f"{path}: broken gzip file ({error}); fetch it again") from error


def _records(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    kind = (path.with_suffix("") if path.suffix == ".gz" else path).suffix
    if kind == ".tsv":
        yield from _tsv(path)
    elif kind == ".csv":
        yield from _csv(path)
    elif kind == ".jsonl":
        yield from _jsonl(path)
    elif kind == ".parquet" and path.suffix != ".gz":
        yield from _parquet(path)
    else:
        raise InputError(f"{path}: a table ends in .tsv, .csv, .jsonl (each also with .gz) or .parquet")


def _tsv(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Tab-separated values without quoting, as corpora are: a quotation mark is just a character."""
    lines = _text_lines(path)
    header = next(lines, "").split("\t")
    _check_header(path, header)
    for number, line in enumerate(lines, start=2):
        values = line.split("\t")
        if not line and len(header) > 1:
            continue
        if len(values) != len(header):
            raise InputError(
                f"{path}, line {number}: {len(values)} values for the {len(header)} columns {', '.join(header)}"
            )
        yield number, dict(zip(header, values, strict=True))


def _csv(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    csv.field_size_limit(1 << 30)  # Cleaning says what is too long, and counts it.
    reader = csv.DictReader((line + "\n" for line in _text_lines(path)), strict=True)
    try:
        _check_header(path, reader.fieldnames or [])
        for row in reader:
            if None in row or None in row.values():
                raise InputError(
                    f"{path}, line {reader.line_num}: its values do not fit the columns {reader.fieldnames}"
                )
            yield reader.line_num, row
    except csv.Error as error:
        raise InputError(f"{path}, line {reader.reader.line_num}: {error}") from error


def _check_header(path: Path, header: Sequence[str]) -> None:
    if repeated := {column for column in header if header.count(column) > 1}:
        raise InputError(f"{path}, line 1: more than one column is {min(repeated)!r}: give each a name of its own")


def _jsonl(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(_text_lines(path), start=1):
        if not line:
            continue
        try:
            record = json.loads(line)
            if "\\u" in line:  # An escape may be half of a surrogate pair, which is no character.
                json.dumps(record, ensure_ascii=False).encode()
        except (ValueError, RecursionError) as error:
            raise InputError(f"{path}, line {number}: not JSON ({error})") from error
        if not isinstance(record, dict):
            raise InputError(f"{path}, line {number}: a JSON object is needed, not {type(record).__name__}")
        yield number, record


def _parquet(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            number = 0
            for batch in file.iter_batches():
                for record in batch.to_pylist():
                    number += 1
                    yield number, record
    except (OSError, pyarrow.ArrowInvalid) as error:
        raise InputError(f"cannot read {path}: {error}") from error


def _hub_records(corpus: Corpus, root: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    name, _, revision = corpus.hub.partition("@")
    local = root / name
    try:
        rows = datasets.load_dataset(
            str(local) if local.is_dir() else name, corpus.subset, split=corpus.split, revision=revision or None
        )
    except Exception as error:  # datasets raises a dozen kinds, from its own, pyarrow's and the network's
        raise InputError(f"cannot load the data set {corpus.hub!r}: {str(error).splitlines()[0]}") from error
    yield from enumerate(rows, start=1)


def _value(record: dict[str, Any], column: str, name: str, where: str, optional: bool) -> str:
    value: Any = record
    for part in column.split("."):
        if not isinstance(value, dict) or part not in value:
            if optional:
                return ""
            raise InputError(
                f"{where}: no column {column!r} for {name!r} among {', '.join(map(str, record))}; set `columns`"
            )
        value = value[part]
    if value is None:
        return ""
    if not isinstance(value, (str, int)):
        raise InputError(f"{where}: {column!r} is {type(value).__name__}, not text: write it as text")
    return str(value)
