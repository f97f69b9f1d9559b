"""Decoding: greedy and beam search over a step function. The one file that knows what the end token means.

A step takes one token of each of N hypotheses and gives the log-probabilities of the next. N changes as hypotheses
end: a finished row is taken out at once, so that its steps cost nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

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
    """True when the end token came; False when the length bound cut the row off."""

    def score(self, length_penalty: float) -> float:
        """log P / lp, with lp = ((5 + length) / 6) ** length_penalty (Wu et al. 2016, equation 14)."""
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

    def __post_init__(self) -> None:
        if self.beam_size < 1:
            raise ValueError(f"beam_size is {self.beam_size}: give 1 (greedy) or more")
        if self.length_factor <= 0 or self.length_margin < 1:
            raise ValueError(
                f"length_factor {self.length_factor} and length_margin {self.length_margin} must be above 0"
            )

    def bounds(self, source_lengths: Array) -> Array:
        """The most tokens that each output may have `(B,)`, from the source lengths `(B,)`."""
        return (self.length_factor * source_lengths + self.length_margin).astype(np.int64)


def select(state: State, rows: Array) -> State:
    """The state of the given rows `(M,)`, in their order."""
    return tuple(array[rows] for array in state)


def _checked(log_probs: Array) -> Array:
    if np.isnan(log_probs).any():
        raise FloatingPointError("the model gave NaN log-probabilities: the checkpoint is broken, retrain or re-export")
    return log_probs


def greedy(step: Step, state: State, bounds: Array) -> list[Hypothesis]:
    """Take the likeliest token each time, until the end token or the row's bound.

    `bounds (B,)`: the most tokens a row may have, end token not counted. Returns B hypotheses.
    """
    count = len(bounds)
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
        going = np.array([not finished[row] and len(ids[row]) < bounds[row] for row in rows], dtype=bool)
        if not going.all():
            rows, tokens, state = rows[going], tokens[going], select(state, np.flatnonzero(going))
    return [Hypothesis(tuple(ids[row]), float(sums[row]), bool(finished[row])) for row in range(count)]
