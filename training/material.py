"""What a run learns from and is measured by: rows, cleaned, without what a dev or test set has."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from training.config import AnyRun
from training.corpora import Corpus, read
from training.data import Split, clean, key, leak_keys, split_off
from training.errors import InputError
from training.tasks import Held


@dataclass(frozen=True)
class Places:
    """Where a run's files are."""

    data: Path
    """The corpora."""
    runs: Path = Path("runs")
    """States to resume from, histories, curves."""
    tokenizers: Path = Path("tokenizers")
    checkpoints: Path = Path("checkpoints")
    config: Path | None = None
    """The run's own file, which its card names."""


class Material(ABC):
    """The rows of a run; a task says what differs."""

    fields: tuple[str, str]
    """What the two texts of a row are called."""

    def __init__(self, config: AnyRun, places: Places) -> None:
        self.config, self.places = config, places

    # What a task says.

    @abstractmethod
    def tidy(self, first: str, second: str) -> tuple[str, str]:
        """A row in the form in which the model learns it."""

    @abstractmethod
    def fault(self, first: str, second: str) -> str | None:
        """Why a tidy row is unfit to train on, or None."""

    @abstractmethod
    def check(self, row: tuple[str, str], where: str) -> None:
        """Raise InputError when a row cannot belong to this task at all."""

    # What all have.

    def held(self, name: str) -> list[Held]:
        """The dev or test sets that the config names, as they are in their files."""
        sets = []
        for held in getattr(self.config.data, name):
            rows = []
            for place, (first, second) in read(held.corpus, self.fields, self.places.data):
                row = (first, held.corpus.labels.get(second, second))
                self.check(row, place)
                rows.append(row)
            if not rows:
                raise InputError(f"{name} set {held.name} ({held.corpus}) has no rows")
            rows = rows[: held.first or None]
            chosen = split_off([key(first) for first, _ in rows], held.rows or len(rows), seed=0)
            sets.append(Held(held.name, [rows[i] for i in chosen]))
        return sets

    def held_out(self, dev: Sequence[Held]) -> set[bytes]:
        """The keys of what may not be trained on: the dev sets' texts and the test sets'."""
        leaks = () if self.config.data.keep_leaks else (*dev, *self.held("test"))
        return leak_keys(self.tidy(*row)[0] for held in leaks for row in held.rows)

    def corpora(self) -> Sequence[Corpus]:
        """What to train on."""
        return self.config.data.train

    @cached_property
    def splits(self) -> tuple[Split, list[Held]]:
        """The training split, cleaned, without what any dev or test set has; and the dev sets, tidy too."""
        data = self.config.data
        dev = [Held(held.name, [self.tidy(*row) for row in held.rows]) for held in self.held("dev")]
        split = clean(
            self.corpora(), self.fields, self.places.data, self.tidy, self.fault, self.check, self.held_out(dev)
        )
        if data.dev_rows:
            # What a model has made is nothing to measure it by.
            given = np.flatnonzero(split.corpora < len(data.train))
            if data.dev_rows >= len(given):
                raise InputError(
                    f"dev_rows is {data.dev_rows}, but only {len(given)} training rows are left: give less"
                )
            cut = given[split_off([key(split.rows[i][0]) for i in given], data.dev_rows, self.config.seed)]
            dev.append(Held("dev", [split.rows[i] for i in cut]))
            made = np.flatnonzero(split.corpora >= len(data.train))
            leaks = leak_keys(split.rows[i][0] for i in cut)
            leaked = [i for i in made if key(split.rows[i][0]) in leaks]
            split = split.part(np.setdiff1d(np.arange(len(split.rows)), [*cut, *leaked]))
        return split, dev
