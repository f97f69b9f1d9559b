"""One strict TOML file is one run: parsed into frozen dataclasses, every unknown key refused."""

import json
import os
import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args, get_type_hints

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from inference.decoding import DecodeConfig
from training.antonyms import OPPOSITE
from training.classifier import ClassifierConfig
from training.corpora import Corpus
from training.data import CleanConfig
from training.errors import InputError
from training.fit import FitConfig
from training.noise import Noise, NoiseConfig, TextNoiseConfig
from training.seq2seq import Seq2SeqConfig
from training.subwords import SubwordConfig
from training.synthesis import MadeCorpus
from training.teaching import TaughtCorpus


@dataclass(frozen=True)
class HeldConfig:
    """A dev or test set."""

    name: str
    corpus: Corpus
    first: int = 0
    """Only so many rows, from the beginning; 0: all."""
    rows: int = 0
    """Only so many of those, chosen by their hash from wherever they stand; 0: all. So a dev set can be cut from a
    training corpus: its rows are then not trained on."""

    def __post_init__(self) -> None:
        if self.first < 0 or self.rows < 0:
            raise ValueError(f"first is {self.first} and rows is {self.rows}: give 0 (all) or more")


@dataclass(frozen=True)
class DataConfig:
    """Where the rows come from, split by split."""

    train: tuple[Corpus, ...]
    root: str = ""
    """The folder of the files, seen from the config's own; empty: `HOIQUY_DATA`, or `data`."""
    dev: tuple[HeldConfig, ...] = ()
    test: tuple[HeldConfig, ...] = ()
    dev_rows: int = 0
    """Rows cut from the training split as a dev set called `dev`."""
    keep_leaks: bool = False
    """Train on rows that are in a dev or test set too. Scores then say only what was learnt by heart."""
    clean: CleanConfig = field(default_factory=CleanConfig)

    def __post_init__(self) -> None:
        if not self.train:
            raise ValueError("train is empty: name a corpus")
        if self.dev_rows < 0:
            raise ValueError(f"dev_rows is {self.dev_rows}: give 0 or more")
        if not self.dev and not self.dev_rows:
            raise ValueError("there is no dev set: give `dev` or `dev_rows`")
        names = [held.name for held in (*self.dev, *self.test)] + (["dev"] if self.dev_rows else [])
        if len(set(names)) != len(names):
            raise ValueError(f"dev and test sets are called {', '.join(names)}: each name once")


@dataclass(frozen=True)
class CardConfig:
    """What the model card says that no program knows."""

    summary: str
    """What the model is for, in a sentence or two."""
    data: str = "Not stated."
    """The training data: sources, sizes, citations."""
    terms: str = "Not stated. Whoever trains a model must see to the terms of its data."
    """The terms of use of the data, as far as its sources state them."""
    limits: str = "Not stated."
    """What the model is not good at."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """What the runs of both tasks have."""

    name: str
    """The checkpoint's folder below `checkpoints/`, its tokenizers' below `tokenizers/`, the run's below `runs/`."""
    data: DataConfig
    fit: FitConfig
    card: CardConfig
    before: tuple[str, ...] = ()
    """Configs, seen from this one's folder, of runs that make checkpoints which this one reads: `python -m training
    run` runs them first where those are not there."""
    init_from: str = ""
    """The folder of a checkpoint of the same shape, to begin with its tokenizers and weights; empty: with neither. A
    classifier may have other labels."""
    keep: float = 0.0
    """The share of the weights of `init_from` in those that are exported: the average of where a fit began and where it
    ended is often better than either (Wortsman et al. 2022, WiSE-FT). Validation sees the fit's own."""
    label_smoothing: float = 0.0
    """The share of each target that is spread over all classes."""
    int8: bool = True
    """Export 7-bit weights; False: fp32."""
    weights: bool = True
    """Export `model.safetensors` beside the graphs, which a later run can begin with; serving does without."""
    seed: int = 1

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z0-9][a-z0-9._-]*", self.name):
            raise ValueError(f"name is {self.name!r}: give small letters, digits, '.', '_' and '-'")
        if not 0 <= self.seed < 2**32:
            raise ValueError(f"seed is {self.seed}: give 0 to {2**32 - 1}")
        if not 0 <= self.keep < 1:
            raise ValueError(f"keep is {self.keep}: give at least 0 and less than 1")
        if self.keep and not self.init_from:
            raise ValueError(f"keep is {self.keep}, but there is no init_from whose weights to keep")
        if not 0 <= self.label_smoothing < 1:
            raise ValueError(f"label_smoothing is {self.label_smoothing}: give at least 0 and less than 1")


@dataclass(frozen=True, kw_only=True)
class TranslationRun(Run):
    """A translator, from text files to a checkpoint."""

    task: Literal["translation"]
    source_language: str
    """ISO 639-1 code, as `target_language`."""
    target_language: str
    source_subwords: SubwordConfig
    target_subwords: SubwordConfig
    model: Seq2SeqConfig = field(default_factory=Seq2SeqConfig)
    made: tuple[MadeCorpus, ...] = ()
    """Training text of one language, the other side of which a translator makes."""
    noise: NoiseConfig = field(default_factory=NoiseConfig)
    decode: DecodeConfig = field(default_factory=DecodeConfig)

    def __post_init__(self) -> None:
        super().__post_init__()
        Noise(self.noise, self.source_language, self.target_language)


@dataclass(frozen=True)
class PretrainConfig:
    """Before `fit`, the classifier's embedding and first layer learn to predict neighbouring subwords."""

    train: tuple[Corpus, ...]
    """Texts; their labels are not read."""
    fit: FitConfig
    candidates: int = 1024
    """Wrong subwords that a right one is told from, in each batch."""
    dropout: float = 0.1
    """In place of the model's."""
    words: int = 200
    """Longer texts are cut into pieces of so many words: many short rows train faster than a few long ones."""

    def __post_init__(self) -> None:
        if self.candidates < 1 or not self.train:
            raise ValueError(f"candidates is {self.candidates} and train has {len(self.train)} corpora: give 1 or more")
        if self.words < 1:
            raise ValueError(f"words is {self.words}: give 1 or more")
        if self.fit.devices > 1:
            raise ValueError(f"fit.devices is {self.fit.devices}: pretraining runs on 1")


@dataclass(frozen=True, kw_only=True)
class SentimentRun(Run):
    """A classifier, from text files to a checkpoint."""

    task: Literal["sentiment"]
    labels: tuple[str, ...]
    """The classes, in the order of the model's outputs."""
    subwords: SubwordConfig
    model: ClassifierConfig = field(default_factory=ClassifierConfig)
    pretrain: PretrainConfig | None = None
    """Texts to learn the language from first."""
    taught: tuple[TaughtCorpus, ...] = ()
    """Texts that other classifiers label, to learn from too."""
    lowercase: bool = False
    """Read every text in small letters: fewer words to learn, and a text's case cannot change its label."""
    spaced: bool = False
    """Read every text with its marks apart, so that a tokenised text and a plain one are the same: for corpora of both
    kinds, and whatever users write."""
    noise: TextNoiseConfig = field(default_factory=TextNoiseConfig)
    window: int = 1000
    """Tokens that the model reads at once: longer training texts are cut there, others are read in windows."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(set(self.labels)) < 2 or len(set(self.labels)) < len(self.labels):
            raise ValueError(f"labels are {self.labels}: give two or more, each once")
        if self.noise.flipped and not set(OPPOSITE) <= set(self.labels):
            raise ValueError(f"noise.flipped turns {' and '.join(OPPOSITE)} round, and labels are {self.labels}")
        if self.init_from and self.pretrain:
            raise ValueError("init_from and pretrain both say which weights the run begins with: give one of them")
        if self.window < 1:
            raise ValueError(f"window is {self.window}: give 1 or more")


def _be_strict(kind: Any) -> None:
    """Tell pydantic to refuse unknown keys and other types in a dataclass and in all that it is made of.

    It reads this from an attribute, set here so that the dataclasses need no pydantic (`inference` has none).
    """
    if is_dataclass(kind):
        kind.__pydantic_config__ = ConfigDict(extra="forbid", strict=True)  # type: ignore[union-attr]
        for hint in get_type_hints(kind).values():
            _be_strict(hint)
    for argument in get_args(kind):
        _be_strict(argument)


Config = TypeVar("Config")
AnyRun = TranslationRun | SentimentRun
_be_strict(AnyRun)
_ADAPTER: TypeAdapter[AnyRun] = TypeAdapter(Annotated[AnyRun, Field(discriminator="task")])


def data_root(config: AnyRun, path: Path) -> Path:
    """The folder in which a config that lies at `path` finds its files."""
    root = config.data.root
    return path.parent / root if root else Path(os.environ.get("HOIQUY_DATA", "data"))


def load_config(path: Path) -> AnyRun:
    """Read a run's TOML file. Raises InputError that names the key, its value and the choices."""
    return checked(run_from, read_run(path), path)


def read_run(path: Path, above: tuple[Path, ...] = ()) -> dict[str, Any]:
    """What is in a run's TOML file, put into what is in its `base`, another file beside it, if it names one."""
    values = read_toml(path)
    base = values.pop("base", None)
    if base is None:
        return values
    if not isinstance(base, str) or path in above:
        raise InputError(f"{path}: base is {base!r}: give the name of another config, which is not based on this one")
    return merged(read_run(path.parent / base, (*above, path)), values)


def merged(values: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """`values` with `changes` put in: tables are merged key by key, or left out where they are changed to false;
    everything else is replaced.
    """
    both = dict(values)
    for name, change in changes.items():
        table = isinstance(values.get(name), dict)
        if table and change is False:
            del both[name]
        else:
            both[name] = merged(values[name], change) if table and isinstance(change, dict) else change
    return both


def read_toml(path: Path) -> dict[str, Any]:
    """What is in a TOML file. Raises InputError when it is none."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise InputError(f"cannot read the config {path}: {error.strerror}") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{path} is not a TOML file: {error}") from error


def checked(make: Callable[[dict[str, Any]], Config], values: dict[str, Any], path: Path) -> Config:
    """`make(values)`, with its errors turned into an InputError that names the file, the key and the value."""
    try:
        return make(values)
    except ValidationError as error:
        raise InputError(f"{path}: {'; '.join(map(_fault, error.errors()))}") from error
    except (TypeError, ValueError) as error:
        raise InputError(f"{path} has a value of no use here: {error}") from error


def run_from(values: dict[str, Any]) -> AnyRun:
    """The run that a TOML file, or a checkpoint's config.json, holds. Raises pydantic's ValidationError, and ValueError
    or TypeError on a date, a nan or an infinity.
    """
    # By way of JSON, which has arrays but no tuples: strictly read, Python's lists would be refused for tuples.
    return _ADAPTER.validate_json(json.dumps(values, allow_nan=False))


def _fault(error: Any) -> str:
    """One of pydantic's errors in a line; the first part of a place is the task, which the reader knows."""
    place = ".".join(map(str, error["loc"][1:] or error["loc"]))
    given = error["input"]
    shown = f" (given: {given!r})" if isinstance(given, (str, int, float, bool)) else ""
    match error["type"]:
        case "union_tag_not_found":
            return 'task is missing: give "translation" or "sentiment"'
        case "missing":
            message = "is missing"
        case "unexpected_keyword_argument":
            message = f"is no key of a config; there are {', '.join(_keys(error['loc']))}"
        case _:
            message = error["msg"].removeprefix("Value error, ")
    return f"{place}: {message}{shown}".removeprefix(": ")


def _keys(place: tuple[str | int, ...]) -> list[str]:
    """The keys that could stand where an unknown one does."""
    kind: Any = next(run for run in get_args(AnyRun) if place[0] in get_args(get_type_hints(run)["task"]))
    for name in place[1:-1]:
        if isinstance(name, str):  # A number is a position in the array just named.
            hint = get_type_hints(kind)[name]
            kind = next(kind for kind in (hint, *get_args(hint)) if is_dataclass(kind))
    return [field.name for field in fields(kind)]
