"""One strict TOML file is one run: parsed into frozen dataclasses, every unknown key refused."""

import os
import tomllib
from dataclasses import dataclass, field, is_dataclass
from pathlib import Path
from typing import Any, Literal, get_args, get_type_hints

from pydantic import ConfigDict, TypeAdapter, ValidationError

from inference.decoding import DecodeConfig
from training.corpora import Corpus
from training.data import CleanConfig
from training.errors import InputError
from training.fit import FitConfig
from training.seq2seq import Seq2SeqConfig
from training.subwords import SubwordConfig


@dataclass(frozen=True)
class HeldConfig:
    """A dev or test set."""

    name: str
    corpus: Corpus
    first: int = 0
    """Only so many rows; 0: all."""


@dataclass(frozen=True)
class DataConfig:
    """Where the rows come from, split by split."""

    train: tuple[Corpus, ...]
    dev: tuple[HeldConfig, ...] = ()
    test: tuple[HeldConfig, ...] = ()
    dev_rows: int = 0
    """Rows cut from the training split as a dev set called `dev`."""
    clean: CleanConfig = field(default_factory=CleanConfig)

    def __post_init__(self) -> None:
        if not self.train:
            raise ValueError("train is empty: name a corpus")
        if not self.dev and not self.dev_rows:
            raise ValueError("there is no dev set: give `dev` or `dev_rows`")
        names = [held.name for held in (*self.dev, *self.test)] + (["dev"] if self.dev_rows else [])
        if len(set(names)) != len(names):
            raise ValueError(f"dev and test sets are called {', '.join(names)}: each name once")


@dataclass(frozen=True)
class TranslationRun:
    """A translator, from text files to a checkpoint."""

    task: Literal["translation"]
    name: str
    """The checkpoint's folder below `checkpoints/`, and the run's below `runs/`."""
    source_language: str
    """ISO 639-1 code."""
    target_language: str
    data: DataConfig
    source_subwords: SubwordConfig
    target_subwords: SubwordConfig
    fit: FitConfig
    model: Seq2SeqConfig = field(default_factory=Seq2SeqConfig)
    decode: DecodeConfig = field(default_factory=DecodeConfig)
    label_smoothing: float = 0.1
    seed: int = 1


def _forbid_unknown_keys(kind: Any) -> None:
    """Tell pydantic to refuse unknown keys in a dataclass and in all that it is made of.

    It reads this from an attribute, set here so that the dataclasses need no pydantic (`inference` has none).
    """
    if is_dataclass(kind):
        kind.__pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[attr-defined]
        for hint in get_type_hints(kind).values():
            _forbid_unknown_keys(hint)
    for argument in get_args(kind):
        _forbid_unknown_keys(argument)


_forbid_unknown_keys(TranslationRun)
_ADAPTER: TypeAdapter[Any] = TypeAdapter(TranslationRun)


def data_root() -> Path:
    """The folder below which configs name their files: `HOIQUY_DATA`, or `data`."""
    return Path(os.environ.get("HOIQUY_DATA", "data"))


def load_config(path: Path) -> TranslationRun:
    """Read a run's TOML file. Raises InputError that names the key, its value and the choices."""
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"cannot read the config {path}: {error.strerror}") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{path} is not a TOML file: {error}") from error
    try:
        return _ADAPTER.validate_python(values)
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, e['loc']))}: {e['msg']} (given: {e['input']!r})" for e in error.errors()]
        raise InputError(f"{path}: {'; '.join(faults)}") from error
