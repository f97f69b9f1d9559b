"""What came out of a study, looked up by task, length and member: means over seeds, and how sure they are."""

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from training.data import Array
from training.study.config import DrawnTask, Member, StudyConfig, Trial
from training.study.sequences import SEQUENCES

_STUDENT = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262)
"""The 97.5th percentile of Student's t for 1 to 9 degrees of freedom."""


class Interval(NamedTuple):
    """A mean, and half the width of its 95 % interval; no number where there are no values, or just one."""

    mean: float
    half: float

    def __str__(self) -> str:
        return f"{_short(self.mean)} ± {_short(self.half)}" if math.isfinite(self.half) else _short(self.mean)

    @property
    def is_noise(self) -> bool:
        """Whether 0 lies within."""
        return not abs(self.mean) > self.half


def interval(values: Sequence[float]) -> Interval:
    """Student's interval of the mean of so many values."""
    if len(values) < 2:
        return Interval(values[0] if values else math.nan, math.nan)
    deviation = float(np.std(values, ddof=1))
    return Interval(float(np.mean(values)), _STUDENT[len(values) - 2] * deviation / math.sqrt(len(values)))


def difference(ours: Sequence[float], theirs: Sequence[float]) -> Interval:
    """The interval of the difference of two means (Welch), with the fewer degrees of freedom of the two: on the safe
    side.
    """
    least = min(len(ours), len(theirs))
    if least < 2:
        return Interval(math.nan, math.nan)
    error = math.sqrt(sum(float(np.var(v, ddof=1)) / len(v) for v in (ours, theirs)))
    return Interval(float(np.mean(ours) - np.mean(theirs)), _STUDENT[least - 2] * error)


class Outcomes:
    """The results of the trials that are done."""

    def __init__(self, config: StudyConfig, results: dict[Trial, dict[str, Any]]) -> None:
        self.config, self.results = config, results

    def of(self, task: str, length: int, member: str) -> list[dict[str, Any]]:
        """The results of a member, a seed each."""
        return [r for t, r in self.results.items() if (t.task, t.length, t.member) == (task, length, member)]

    def values(self, task: str, length: int, member: str, name: str = "score") -> list[float]:
        """One number of each of them that has it."""
        return [r[name] for r in self.of(task, length, member) if r.get(name) is not None]

    def learnt(self, task: str, length: int, member: str) -> list[dict[str, Any]]:
        """Of a member's results those that came to a validation: others broke before, with their first weights."""
        one = self.config.tasks[task]
        least = one.fit.validates_after if isinstance(one, DrawnTask) else 0
        return [r for r in self.of(task, length, member) if not (r["diverged"] and r["updates"] <= least)]

    def broken(self, task: str, length: int, member: str) -> list[int]:
        """The updates at which trainings broke: loss or gradient were no number any more."""
        return sorted(r["updates"] for r in self.of(task, length, member) if r["diverged"])

    def quality(self, task: str, length: int, member: str) -> list[float]:
        """The scores as they are called, of those that learnt: an error is not negated."""
        return [self.sign(task) * r["score"] for r in self.learnt(task, length, member) if r.get("score") is not None]

    def pace(self, task: str, length: int, member: str) -> list[float]:
        """After how many updates it was solved, of the seeds that solved it."""
        return [float(r["updates"]) for r in self.of(task, length, member) if r.get("solved")]

    def sign(self, task: str) -> int:
        """-1 where less is better."""
        kind = self.config.tasks[task].kind
        return SEQUENCES[kind].sign if kind in SEQUENCES else 1

    def lengths(self, task: str) -> tuple[int, ...]:
        """The lengths of a task of which there is a result; 0 where it has none."""
        one = self.config.tasks[task]
        found = {trial.length for trial in self.results if trial.task == task}
        return tuple(n for n in (one.lengths if isinstance(one, DrawnTask) else (0,)) if n in found)

    def members(self, task: str) -> list[str]:
        """The members of which a task has a result, in the config's order."""
        found = {trial.member for trial in self.results if trial.task == task}
        return [name for name in self.config.members if name in found]

    @cached_property
    def tasks(self) -> list[str]:
        """The tasks of which there is a result."""
        return [name for name in self.config.tasks if any(trial.task == name for trial in self.results)]

    def of_kind(self, *kinds: str) -> list[str]:
        """The tasks of some kinds of which there is a result."""
        return [name for name in self.tasks if self.config.tasks[name].kind in kinds]

    def plain(self, cell: str) -> str | None:
        """The member that is a cell and no more: one layer, one direction, clipped."""
        return self._only(Member(cell))

    def textbook(self, cell: str) -> str | None:
        """The member that is a cell and no more, but for weights that begin as in textbooks."""
        return self._only(Member(cell, uniform=True))

    def _only(self, wanted: Member) -> str | None:
        """The member that is like this one, whatever its reservoir."""
        members = self.config.members.items()
        return next((n for n, m in members if replace(m, radius=wanted.radius, leak=wanted.leak) == wanted), None)

    def solved(self, task: str, length: int, member: str) -> str:
        """How many seeds solved it: "2 of 3"."""
        found = self.values(task, length, member, "solved")
        return f"{sum(map(bool, found))} of {len(found)}"

    def solves(self, task: str, length: int, member: str) -> bool:
        """Whether all seeds did."""
        found = self.values(task, length, member, "solved")
        return bool(found) and all(found)

    def fails(self, task: str, length: int, member: str) -> bool:
        """Whether no seed did."""
        found = self.values(task, length, member, "solved")
        return bool(found) and not any(found)

    def flow(self, task: str, length: int, member: str, when: str, way: str = "flow") -> tuple[Array, Array]:
        """Distances, and the share of the gradient left there: the geometric mean over seeds. `when`: first, last;
        `way`: flow, through h, or memory, along c, where there is one.

        Seeds in which no gradient arrives even at the last state have no share to speak of, and are left out; and
        after training those that did not learn.
        """
        found = self.of(task, length, member) if when == "first" else self.learnt(task, length, member)
        flows = [r[way] for r in found if way in r and r[way][when][0] > 0]
        if not flows:
            return np.zeros(0), np.zeros(0)
        shares = [np.maximum(np.array(f[when]) / f[when][0], NOTHING) for f in flows]
        return np.array(flows[0]["distance"]), np.exp(np.mean(np.log(shares), axis=0))


NOTHING = 1e-30
"""A share that is less counts as so much: a mean of logarithms must not be minus infinity for one dead unit."""


def _short(value: float) -> str:
    """Three figures, or two behind the point."""
    return f"{value:.3g}" if abs(value) < 10 else f"{value:.1f}" if abs(value) < 1000 else f"{value:,.0f}"
