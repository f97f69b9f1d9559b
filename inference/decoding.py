"""Decoding: greedy and beam search over a step function. The one file that knows what the end token means.

A hypothesis that turns in a loop is given up: greedy stops there, a beam drops it and goes on with its others.

A step takes one token of each of N hypotheses and gives the log-probabilities of the next. N changes as hypotheses
end: a finished row is taken out at once, so that its steps cost nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from inference.tokenizer import BEGIN, END

Array = NDArray[Any]
State = tuple[Array, ...]
"""Every array has the N hypotheses as its first axis."""
Step = Callable[[Array, State], tuple[Array, State]]
"""`step(tokens (N,) int64, state) -> (log_probs (N, V) float32, state)`."""


@dataclass(frozen=True)
class Hypothesis:
    """One decoded row: `ids` without special ids, the sum of log-probabilities (end token included), and its end."""

    ids: tuple[int, ...]
    log_prob: float
    finished: bool
    """True when the end token came; False when the length bound or a loop cut the row off."""

    def score(self, length_penalty: float) -> float:
        """Log P / lp, with lp = ((5 + length) / 6) ** length_penalty (Wu et al. 2016, equation 14)."""
        length = len(self.ids) + self.finished
        return float(self.log_prob / ((5 + length) / 6) ** length_penalty)


@dataclass(frozen=True)
class DecodeConfig:
    """How a checkpoint is decoded unless the caller says otherwise."""

    beam_size: int = 1
    """Hypotheses kept a sentence; 1 is greedy."""
    length_penalty: float = 1.0
    """Exponent of the length normalisation; 0 prefers short output, larger values longer output."""
    length_factor: float = 2.0
    """The hard bound on output tokens is `length_factor * source tokens + length_margin`."""
    length_margin: int = 10
    retry_beam_size: int = 4
    """What greedy leaves unfinished is decoded again with this beam; 1: never."""

    def __post_init__(self) -> None:
        for name in ("beam_size", "retry_beam_size"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}: give 1 (greedy) or more")
        if self.length_factor <= 0 or self.length_margin < 1:
            raise ValueError(
                f"length_factor {self.length_factor} and length_margin {self.length_margin} must be above 0"
            )

    def limits(self, sources: Sequence[Sequence[int]]) -> "Limits":
        """The limits of B rows, from the ids of their sources (without the end token)."""
        lengths = np.array([len(source) + 1 for source in sources])
        bounds = (self.length_factor * lengths + self.length_margin).astype(np.int64)
        return Limits(bounds, np.array([has_loop(source) for source in sources], dtype=bool))


class Limits(NamedTuple):
    """Where the decoding of B rows stops, whether or not an end token comes."""

    bounds: Array
    """`(B,)`, the most tokens that a row may have"""
    may_loop: Array
    """`(B,)` bool, True where loops are let be, because the source has some"""


def _repeated(period: int) -> int:
    """How many tokens must be like those `period` before them to make a loop."""
    return period * (1 if period >= 4 else 2 if period >= 2 else 3)


def ends_in_loop(ids: Sequence[int]) -> bool:
    """Whether a sequence ends in two copies of four or more tokens, three of two or three, or four of one."""
    size = len(ids)
    for period in range(1, size // 2 + 1):
        repeated = _repeated(period)
        if (
            ids[-1] == ids[-1 - period]
            and size >= period + repeated
            and all(ids[i] == ids[i - period] for i in range(size - repeated, size))
        ):
            return True
    return False


def has_loop(ids: Sequence[int] | Sequence[str]) -> bool:
    """Whether a loop ends anywhere in a sequence, as `ends_in_loop` of each of its beginnings would find."""
    array = np.asarray(ids)
    for period in range(1, len(array) // 2 + 1):
        # Where the sequence differs from itself `period` tokens before; between two such places it repeats itself.
        breaks = np.flatnonzero(array[period:] != array[:-period])
        if np.diff(breaks, prepend=-1, append=len(array) - period).max() > _repeated(period):
            return True
    return False


def select(state: State, rows: Array) -> State:
    """The state of the given rows `(M,)`, in their order."""
    return tuple(array[rows] for array in state)


def _checked(log_probs: Array) -> Array:
    if np.isnan(log_probs).any():
        raise FloatingPointError("the model gave NaN log-probabilities: the checkpoint is broken, retrain or re-export")
    return log_probs


def greedy(step: Step, state: State, limits: Limits) -> list[Hypothesis]:
    """Take the likeliest token each time, until the end token or the row's limits. Returns B hypotheses."""
    count = len(limits.bounds)
    ids: list[list[int]] = [[] for _ in range(count)]
    sums = np.zeros(count)
    finished = np.zeros(count, dtype=bool)
    rows = np.arange(count)
    tokens = np.full(count, BEGIN, dtype=np.int64)
    while len(rows):
        log_probs, state = step(tokens, state)
        tokens = _checked(log_probs).argmax(axis=1)
        sums[rows] += log_probs[np.arange(len(rows)), tokens]
        finished[rows] = tokens == END
        for row, token in zip(rows, tokens, strict=True):
            if token != END:
                ids[row].append(int(token))
        going = np.array(
            [
                not finished[row]
                and len(ids[row]) < limits.bounds[row]
                and (limits.may_loop[row] or not ends_in_loop(ids[row]))
                for row in rows
            ],
            dtype=bool,
        )
        if not going.all():
            rows, tokens, state = rows[going], tokens[going], select(state, np.flatnonzero(going))
    return [Hypothesis(tuple(ids[row]), float(sums[row]), bool(finished[row])) for row in range(count)]


@dataclass
class _Beam:
    """The hypotheses of one sentence: the live ones, best first, and those that ended."""

    bound: int
    may_loop: bool
    ids: list[tuple[int, ...]]
    sums: Array
    ended: list[Hypothesis]

    def advance(self, log_probs: Array, size: int) -> tuple[list[int], list[int]]:
        """Extend the live rows by `log_probs (n, V)`; returns each new live row's parent and token."""
        totals = self.sums[:, None] + log_probs
        flat = totals.ravel()
        # `size` rows may each offer the end token, and loops are passed over: more candidates than live rows.
        count = min(4 * size, flat.size)
        top = np.argpartition(-flat, count - 1)[:count]
        parents: list[int] = []
        tokens: list[int] = []
        for rank, place in enumerate(top[np.lexsort((top, -flat[top]))]):
            parent, token = divmod(int(place), log_probs.shape[1])
            if token == END:
                if rank < size:
                    self.ended.append(Hypothesis(self.ids[parent], float(flat[place]), True))
            elif len(parents) < size and (self.may_loop or not ends_in_loop((*self.ids[parent], token))):
                parents.append(parent)
                tokens.append(token)
        if not parents and not self.ended:
            self.ended.append(Hypothesis(self.ids[0], float(self.sums[0]), False))  # Every way on is a loop.
        self.sums = totals[parents, tokens]
        self.ids = [(*self.ids[parent], token) for parent, token in zip(parents, tokens, strict=True)]
        return parents, tokens

    def done(self, size: int) -> bool:
        return len(self.ended) >= size or not self.ids or len(self.ids[0]) >= self.bound

    def result(self, size: int, length_penalty: float) -> list[Hypothesis]:
        """The `size` best: those that ended, by score; then those that the bound cut off."""
        ended = sorted(self.ended, key=lambda h: -h.score(length_penalty))
        cut = [Hypothesis(ids, float(total), False) for ids, total in zip(self.ids, self.sums, strict=True)]
        return (ended + cut)[:size]


def beam_search(step: Step, state: State, limits: Limits, size: int, length_penalty: float) -> list[list[Hypothesis]]:
    """Keep the `size` likeliest hypotheses of every sentence (Sutskever et al. 2014, section 3.2).

    All live hypotheses of all sentences share each step. A sentence ends when `size` of its hypotheses have ended, or
    at its bound. Returns, for each of the B sentences, at most `size` hypotheses, best first.
    """
    beams = [_Beam(int(bound), bool(free), [()], np.zeros(1), []) for bound, free in zip(*limits, strict=True)]
    live = list(range(len(beams)))
    tokens = np.full(len(beams), BEGIN, dtype=np.int64)
    while live:
        log_probs, state = step(tokens, state)
        _checked(log_probs)
        rows: list[int] = []
        chosen: list[int] = []
        going, start = [], 0
        for index in live:
            beam = beams[index]
            width = len(beam.ids)
            parents, next_tokens = beam.advance(log_probs[start : start + width], size)
            if not beam.done(size):
                going.append(index)
                rows += [start + parent for parent in parents]
                chosen += next_tokens
            start += width
        live, tokens, state = going, np.array(chosen, dtype=np.int64), select(state, np.array(rows, dtype=np.int64))
    return [beam.result(size, length_penalty) for beam in beams]
