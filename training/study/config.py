"""What a study compares: members of the recurrent family on tasks, each with several seeds, in one strict TOML file."""

import json
import re
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from functools import reduce
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal, TypeVar, get_type_hints

from pydantic import ConfigDict, TypeAdapter, ValidationError

from training.cells import cell_class
from training.config import AnyRun, read_toml
from training.errors import InputError
from training.fit import FitConfig
from training.study.sequences import SEQUENCES


@dataclass(frozen=True)
class Member:
    """One network of the family."""

    __pydantic_config__ = ConfigDict(strict=True, extra="forbid")

    cell: str
    """A word of `training.cells.CELLS`."""
    layers: int = 1
    """Of a classifier, of a translator's encoder, or of what reads a drawn sequence."""
    bidirectional: bool = False
    clip: bool = True
    """Whether gradients are clipped, at the `clip` of the task's fit."""
    radius: float = 0.9
    """The spectral radius of a reservoir."""
    leak: float = 1.0
    """The share of a reservoir's state that is new at each step."""
    uniform: bool = False
    """Whether the cells' weights begin as textbooks and torch draws them, evenly from -1 / sqrt(H) to 1 / sqrt(H)."""

    def __post_init__(self) -> None:
        cell_class(self.cell)
        if self.layers < 1:
            raise ValueError(f"layers is {self.layers}: give 1 or more")
        if not (self.radius > 0 and 0 < self.leak <= 1):
            raise ValueError(f"radius {self.radius} must be above 0, and leak {self.leak} above 0 and at most 1")
        if self.uniform and not cell_class(self.cell).trained:
            raise ValueError(f"cell {self.cell} has a radius to begin with: leave uniform out")


@dataclass(frozen=True, kw_only=True)
class Compared:
    """What the tasks of a study have."""

    budget: int
    """Parameters that a model has at most: H is the largest that fits."""
    members: tuple[str, ...] = ()
    """Who takes part; none named: all."""
    seeds: tuple[int, ...] = (1, 2, 3)
    about: str = ""
    """What the report says of it."""

    def __post_init__(self) -> None:
        if self.budget < 1:
            raise ValueError(f"budget is {self.budget}: give 1 or more")
        if not 2 <= len(set(self.seeds)) == len(self.seeds) <= 10 or min(self.seeds) < 0:
            raise ValueError(f"seeds are {self.seeds}: give 2 to 10, each once, 0 or more: they show the spread")


@dataclass(frozen=True, kw_only=True)
class DrawnTask(Compared):
    """Sequences drawn at random."""

    __pydantic_config__ = ConfigDict(strict=True, extra="forbid")

    kind: Literal["next_number", "adding", "copy"]
    lengths: tuple[int, ...]
    fit: FitConfig
    """A batch is counted in sequences. A fit ends early when the task is solved."""
    dev_rows: int = 500
    """Held-out sequences."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for length in self.lengths:
            SEQUENCES[self.kind](length)
        if not self.lengths or self.dev_rows < 1:
            raise ValueError(f"there are {len(self.lengths)} lengths and dev_rows is {self.dev_rows}: give 1 or more")


@dataclass(frozen=True, kw_only=True)
class CorpusTask(Compared):
    """A run on a corpus, of which each member is a variant."""

    __pydantic_config__ = ConfigDict(strict=True, extra="forbid")

    kind: Literal["sentiment", "translation"]
    base: str
    """The config of the run, seen from this one's folder."""
    rows: int = 0
    """Only so many of its training rows, chosen by their hash; 0: all."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.rows < 0:
            raise ValueError(f"rows is {self.rows}: give 0 (all) or more")


AnyTask = DrawnTask | CorpusTask
KINDS: dict[str, type[AnyTask]] = {
    **dict.fromkeys(SEQUENCES, DrawnTask),
    "sentiment": CorpusTask,
    "translation": CorpusTask,
}


@dataclass(frozen=True)
class Trial:
    """One training: a member on a task, of a length where there is one (else 0), from a seed."""

    task: str
    length: int
    member: str
    seed: int

    @property
    def key(self) -> str:
        """Its name in results and folders."""
        return "-".join(map(str, (self.task, *([self.length] if self.length else []), self.member, self.seed)))


@dataclass(frozen=True)
class StudyConfig:
    """A TOML file of members and tasks."""

    report: str
    """Results go to REPORT.json, which is added to; from them REPORT.md and the pictures in REPORT/ are written. Seen
    from this config's folder."""
    members: dict[str, Member]
    tasks: dict[str, AnyTask]

    def trials(self) -> list[Trial]:
        """All that there is to train, task by task, the seeds of a comparison one after the other."""
        return [
            Trial(name, length, member, seed)
            for name, task in self.tasks.items()
            for length in (task.lengths if isinstance(task, DrawnTask) else (0,))
            for seed in task.seeds
            for member in task.members or self.members
        ]

    def digest(self, trial: Trial, base: AnyRun | None) -> str:
        """What tells a trial from one of the same name with other settings; `base` is the run of a corpus's task.

        Of what is as it is by default nothing goes in: a setting that is new in this program changes no digest.
        """
        task, run = _differing(self.tasks[trial.task]), _differing(base)
        for name in ("members", "seeds", "lengths", "base", "about"):
            task.pop(name, None)
        for name in ("card", "name") if run else ():
            del run[name]
        values = [task, trial.length, _differing(self.members[trial.member]), trial.seed, run]
        return sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]


def _differing(value: Any) -> Any:
    """A config as a table of what differs from the defaults, and so the configs within it."""
    if isinstance(value, (list, tuple)):
        return [_differing(each) for each in value]
    if not is_dataclass(value):
        return value
    given = {field.name: getattr(value, field.name) for field in fields(value)}
    return {f.name: _differing(given[f.name]) for f in fields(value) if given[f.name] != _default(f)}


def _default(field: Field[Any]) -> Any:
    """The default of a field; MISSING, which equals nothing else, where it has none."""
    return field.default if field.default_factory is MISSING else field.default_factory()


def load_study(path: Path) -> StudyConfig:
    """Read a study's TOML file. Raises InputError that names the key, its value and the choices."""
    values = read_toml(path)
    keys = [field.name for field in fields(StudyConfig)]
    if unknown := sorted(set(values) ^ set(keys)):
        raise InputError(f"{path}: {', '.join(unknown)}: the keys are {', '.join(keys)}, and all are needed")
    for name in (*values["members"], *values["tasks"]):
        if not re.fullmatch("[a-z0-9_]+", name):
            raise InputError(f"{path}: a member or task is called {name!r}: give small letters, digits and '_'")
    members = {name: _strictly(Member, given, f"{path}: members.{name}") for name, given in values["members"].items()}
    tasks: dict[str, AnyTask] = {}
    for name, given in values["tasks"].items():
        place, kind = f"{path}: tasks.{name}", given.get("kind")
        if kind not in KINDS:
            raise InputError(f"{place}: kind is {kind!r}: choose one of {', '.join(KINDS)}")
        tasks[name] = _strictly(KINDS[kind], given, place)
        _check_members(tasks[name], members, place)
    if not members or not tasks:
        raise InputError(f"{path} has {len(members)} members and {len(tasks)} tasks: name one of each at least")
    return StudyConfig(values["report"], members, tasks)


def _check_members(task: AnyTask, members: dict[str, Member], place: str) -> None:
    if unknown := set(task.members) - set(members):
        raise InputError(f"{place}: members has {', '.join(sorted(unknown))}: choose among {', '.join(members)}")
    for name in task.members or members:
        if task.kind == "copy" and members[name].bidirectional:
            raise InputError(
                f"{place}: {name} reads both ways and would find the answer at the other end: leave it out"
            )


Kind = TypeVar("Kind")


def _strictly(kind: type[Kind], values: dict[str, Any], place: str) -> Kind:
    """The dataclass that a table holds."""
    try:
        # By way of JSON, which has arrays but no tuples: strictly read, Python's lists would be refused for tuples.
        return TypeAdapter(kind).validate_json(json.dumps(values, allow_nan=False))
    except ValidationError as error:
        raise InputError(f"{place}: {'; '.join(_fault(kind, each) for each in error.errors())}") from error
    except (TypeError, ValueError) as error:
        raise InputError(f"{place} has a value of no use here: {error}") from error


def _fault(kind: Any, error: Any) -> str:
    """One of pydantic's errors in a line."""
    where = ".".join(map(str, error["loc"]))
    if error["type"] == "unexpected_keyword_argument":
        table = reduce(lambda table, name: get_type_hints(table)[name], error["loc"][:-1], kind)
        return f"{where} is no key of a study; there are {', '.join(field.name for field in fields(table))}"
    given = error["input"]
    shown = f" (given: {given!r})" if isinstance(given, (str, int, float, bool)) else ""
    return f"{where}: {error['msg'].removeprefix('Value error, ')}{shown}".removeprefix(": ")
