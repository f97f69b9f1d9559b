"""What a run learns from and is measured by: rows, cleaned, without what a dev or test set has."""

import os
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

    def check(self) -> None:
        """Raise InputError where nothing can be written: better found out now than after the training."""
        for folder in (self.runs, self.tokenizers, self.checkpoints):
            there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
            if not there.is_dir() or not os.access(there, os.W_OK):
                raise InputError(f"{folder} cannot be written: make {there} a folder that can, or run this elsewhere")


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

    def check_held(self, row: tuple[str, str], where: str) -> None:
        """The same of a row of a dev or test set."""
        self.check(row, where)

    def check_split(self, split: Split) -> None:  # noqa: B027
        """Raise InputError when such rows teach too little."""

    def check_cut(self, cut: Held, rows: Sequence[tuple[str, str]]) -> None:  # noqa: B027
        """Raise InputError when a dev set that was cut from these rows says too little of them."""

    # What all have.

    def held(self, name: str) -> list[Held]:
        """The dev or test sets that the config names, as they are in their files."""
        sets = []
        for held in getattr(self.config.data, name):
            rows = []
            for place, (first, second) in read(held.corpus, self.fields, self.places.data):
                row = (first, held.corpus.labels.get(second, second))
                self.check_held(row, place)
                rows.append(row)
            if not rows:
                raise InputError(f"{name} set {held.name} ({held.corpus}) has no rows")
            rows = rows[: held.first or None]
            chosen = split_off([key(first) for first, _ in rows], held.rows or len(rows), seed=0)
            sets.append(Held(held.name, [rows[i] for i in chosen]))
        return sets

    def held_out(self, dev: Sequence[Held]) -> set[bytes]:
        """The keys of what may not be trained on: the dev sets' texts and the test sets'."""
        data = self.config.data
        if data.keep_leaks:
            return set()
        rows = [self.tidy(*row) for held in (*dev, *self.held("test")) for row in held.rows]
        # What was cut from a corpus to train on is not trained on, however short it is.
        named = zip(data.dev, dev, strict=False)
        cut = {key(self.tidy(*row)[0]) for config, held in named if config.rows for row in held.rows}
        return leak_keys(text for row in rows for text in row) | cut

    def corpora(self) -> Sequence[Corpus]:
        """What to train on."""
        return self.config.data.train

    @property
    def dev(self) -> list[Held]:
        """The dev sets, tidy. What there is to train on is read only where one of them is cut from it."""
        return self.splits[1] if self.config.data.dev_rows else self._named_dev()

    def _named_dev(self) -> list[Held]:
        return [Held(held.name, [self.tidy(*row) for row in held.rows]) for held in self.held("dev")]

    @cached_property
    def splits(self) -> tuple[Split, list[Held]]:
        """The training split, cleaned, without what any dev or test set has; and the dev sets, tidy too."""
        data, dev = self.config.data, self._named_dev()
        split = clean(
            self.corpora(), self.fields, self.places.data, self.tidy, self.fault, self.check, self.held_out(dev)
        )
        if data.dev_rows:
            cut, split = self._cut(split)
            dev.append(cut)
        self.check_split(split)
        return split, dev

    def _cut(self, split: Split) -> tuple[Held, Split]:
        """A dev set, and the rows that are left. What a model, or a template, has made is nothing to measure by."""
        data = self.config.data
        written = [n for n, corpus in enumerate(data.train) if not (corpus.templates or corpus.phrases)]
        given = np.flatnonzero(np.isin(split.corpora, written))
        if data.dev_rows >= len(given):
            raise InputError(
                f"dev_rows is {data.dev_rows}, but only {len(given)} rows are left that people wrote: give less"
            )
        cut = given[split_off([key(split.rows[i][0]) for i in given], data.dev_rows, self.config.seed)]
        held = Held("dev", [split.rows[i] for i in cut])
        self.check_cut(held, [split.rows[i] for i in given])
        leaks = leak_keys(text for i in cut for text in split.rows[i])
        left = np.setdiff1d(np.arange(len(split.rows)), cut)
        kept = [i for i in left if not any(key(text) in leaks for text in split.rows[i])]
        split.report.dropped["cut off as dev rows"] += len(cut)
        if len(kept) < len(left):
            split.report.dropped["like a dev row"] += len(left) - len(kept)
        split.report.kept = len(kept)
        return held, split.part(np.array(kept, dtype=np.int64))
