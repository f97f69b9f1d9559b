"""Decoding: greedy and beam search over a step function. The one file that knows what the end token means.

A search decodes one sentence; a decoder runs many of them, which share each step. Sentences join and leave between
steps, so that none waits for another, and a finished one costs nothing more.

A hypothesis that turns in a loop is given up: greedy stops there, a beam drops it and goes on with its others.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from inference.tokenizer import BEGIN, END

Array = NDArray[Any]
Arrays = tuple[Array, ...]
"""Every array has the N hypotheses as its first axis."""


class State(NamedTuple):
    """What a decoder knows of N hypotheses before their next token."""

    memory: Arrays
    """What the encoder made of each one's source; no step changes it."""
    layers: Arrays
    """The states of the decoder's layers."""


Step = Callable[[Array, State], tuple[Array, Arrays]]
"""`step(tokens (N,) int64, state) -> (log_probs (N, V) float32, the next layers)`."""


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
    least_factor: float = 0.0
    """An end token before `least_factor * source tokens` is passed over: what ends so early has left something out."""
    retry_beam_size: int = 4
    """What a narrower search leaves unfinished, or odd (see `is_odd`), is decoded again with this beam; 1: never."""
    short: int = 0
    """Sources of at most so many tokens are decoded with `retry_beam_size` from the beginning: there is little in them
    that tells one reading from another, and little to pay."""

    def __post_init__(self) -> None:
        for name in ("beam_size", "retry_beam_size"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}: give 1 (greedy) or more")
        if self.short < 0:
            raise ValueError(f"short is {self.short}: give 0 (no source is) or more")
        if self.length_factor <= 0 or self.length_margin < 1:
            raise ValueError(
                f"length_factor {self.length_factor} and length_margin {self.length_margin} must be above 0"
            )
        if not 0 <= self.least_factor < self.length_factor:
            raise ValueError(f"least_factor is {self.least_factor}: give at least 0 and less than length_factor")

    def beam_for(self, source: Sequence[int]) -> int:
        """The beam for a source, where the caller names none."""
        return max(self.beam_size, self.retry_beam_size if len(source) <= self.short else 1)

    def search(self, source: Sequence[int], beam_size: int) -> "Search":
        """The search for a translation of a source, of which the ids are given (without the end token)."""
        bound = int(self.length_factor * (len(source) + 1) + self.length_margin)
        # Where the source has loops they are let be.
        free = has_loop(source)
        least = int(self.least_factor * len(source))
        if beam_size == 1:
            return Greedy(bound, free, least)
        return Beam(bound, free, beam_size, self.length_penalty, least)


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
    places: dict[object, list[int]] = {}
    """Where each token stands, so far."""
    runs: dict[int, int] = {}
    """For each period at which the last token repeats an earlier one, how many before it do, itself among them."""
    for place, token in enumerate(ids):
        earlier = places.setdefault(token, [])
        runs = {place - before: runs.get(place - before, 0) + 1 for before in earlier}
        if any(length >= _repeated(period) for period, length in runs.items()):
            return True
        earlier.append(place)
    return False


def is_odd(source: str, output: str) -> bool:
    """Whether a translation turns in a loop where its source does not, or has under 0.5 or over 2.5 times as many
    characters. Between English and Vietnamese neither happens to a good one, but for a word or two.
    """
    if not 0.5 <= len(output) / max(1, len(source)) <= 2.5:
        return True
    return has_loop(output.lower().split()) and not has_loop(source.lower().split())


class Search(ABC):
    """The decoding of one sentence: which of its hypotheses go on after a step, and with which tokens."""

    def __init__(self, bound: int, may_loop: bool, least: int = 0) -> None:
        """Stop at `bound` tokens, whether or not an end token came, and in loops unless they are let be; not before
        there are `least`.
        """
        self.bound, self.may_loop, self.least = bound, may_loop, least
        self.tokens = [BEGIN]
        """The last token of each live hypothesis."""
        self.error: Exception | None = None
        """Why the search has no result."""

    @abstractmethod
    def advance(self, log_probs: Array) -> list[int]:
        """Take the next tokens' log-probabilities `(n, V)` after each of `tokens`; returns, for each hypothesis that
        lives on, which of the n it goes on from: none when the search has ended.
        """

    @abstractmethod
    def result(self) -> list[Hypothesis]:
        """What was found, best first."""


class Greedy(Search):
    """The likeliest token each time, until the end token, the bound or a loop."""

    def __init__(self, bound: int, may_loop: bool, least: int = 0) -> None:
        super().__init__(bound, may_loop, least)
        self._ids: list[int] = []
        self._log_prob = 0.0
        self._finished = False

    def advance(self, log_probs: Array) -> list[int]:
        """See `Search`."""
        token = int(log_probs[0].argmax())
        if token == END and len(self._ids) < self.least:
            token = int(_without_end(log_probs)[0].argmax())
        self._log_prob += float(log_probs[0, token])
        if token == END:
            self._finished = True
            return []
        self._ids.append(token)
        self.tokens = [token]
        return [] if len(self._ids) >= self.bound or (not self.may_loop and ends_in_loop(self._ids)) else [0]

    def result(self) -> list[Hypothesis]:
        """The one hypothesis."""
        return [Hypothesis(tuple(self._ids), self._log_prob, self._finished)]


class Beam(Search):
    """The `size` likeliest hypotheses at every step (Sutskever et al. 2014, section 3.2), until as many have ended."""

    def __init__(self, bound: int, may_loop: bool, size: int, length_penalty: float, least: int = 0) -> None:
        super().__init__(bound, may_loop, least)
        self._size, self._length_penalty = size, length_penalty
        self._ids: list[tuple[int, ...]] = [()]
        self._sums = np.zeros(1)
        self._ended: list[Hypothesis] = []

    def advance(self, log_probs: Array) -> list[int]:
        """See `Search`."""
        if len(self._ids[0]) < self.least:
            log_probs = _without_end(log_probs)
        size, totals = self._size, self._sums[:, None] + log_probs
        flat = totals.ravel()
        # `size` rows may each offer the end token, and loops are passed over: more candidates than live rows.
        count = min(4 * size, flat.size)
        top = np.argpartition(-flat, count - 1)[:count]
        parents: list[int] = []
        self.tokens = []
        for rank, place in enumerate(top[np.lexsort((top, -flat[top]))]):
            parent, token = divmod(int(place), log_probs.shape[1])
            if token == END:
                if rank < size:
                    self._ended.append(Hypothesis(self._ids[parent], float(flat[place]), True))
            elif len(parents) < size and (self.may_loop or not ends_in_loop((*self._ids[parent], token))):
                parents.append(parent)
                self.tokens.append(token)
        if not parents and not self._ended:
            self._ended.append(Hypothesis(self._ids[0], float(self._sums[0]), False))  # Every way on is a loop.
        self._sums = totals[parents, self.tokens]
        self._ids = [(*self._ids[parent], token) for parent, token in zip(parents, self.tokens, strict=True)]
        done = len(self._ended) >= size or not self._ids or len(self._ids[0]) >= self.bound
        return [] if done else parents

    def result(self) -> list[Hypothesis]:
        """At most `size`: those that ended, by score; then those that the bound cut off."""
        ended = sorted(self._ended, key=lambda h: -h.score(self._length_penalty))
        cut = [Hypothesis(ids, float(total), False) for ids, total in zip(self._ids, self._sums, strict=True)]
        return (ended + cut)[: self._size]


def _without_end(log_probs: Array) -> Array:
    log_probs = log_probs.copy()
    log_probs[:, END] = -np.inf
    return log_probs


def concatenate(memories: Sequence[Arrays]) -> Arrays:
    """Memories of one shape as one."""
    return tuple(np.concatenate(arrays) for arrays in zip(*memories, strict=True))


@dataclass(eq=False)
class _Live:
    search: Search
    memory: Arrays


class Decoder:
    """Runs searches together, a step at a time."""

    def __init__(self, step: Step, gather: Callable[[Sequence[Arrays]], Arrays] = concatenate) -> None:
        """Take the step function, and what makes one memory of several, each of one row."""
        self._step, self._gather = step, gather
        self._live: list[_Live] = []
        self._layers: list[Arrays] = []
        self._gathered: list[_Live] = []
        self._memory: Arrays = ()

    @property
    def rows(self) -> int:
        """How many hypotheses share the next step."""
        return sum(len(live.search.tokens) for live in self._live)

    def join(self, search: Search, state: State) -> None:
        """Begin a search, from the state of its one row."""
        self._live.append(_Live(search, state.memory))
        self._layers.append(state.layers)

    def drop(self, searches: set[Search]) -> None:
        """Give searches up."""
        owners = [live for live in self._live for _ in live.search.tokens]
        kept = [row for row, live in enumerate(owners) if live.search not in searches]
        self._live = [live for live in self._live if live.search not in searches]
        self._layers = [_select(concatenate(self._layers), kept)] if kept else []

    def step(self) -> list[Search]:
        """Advance every search by a token; returns those that ended, or failed, which leave."""
        owners = [live for live in self._live for _ in live.search.tokens]
        if owners != self._gathered:
            # Hypotheses of one sentence share a memory, so it changes only where sentences come and go.
            self._memory, self._gathered = self._gather([live.memory for live in owners]), owners
        layers = concatenate(self._layers) if len(self._layers) > 1 else self._layers[0]
        tokens = np.array([token for live in self._live for token in live.search.tokens], dtype=np.int64)
        log_probs, layers = self._step(tokens, State(self._memory, layers))
        followers: dict[_Live, list[int]] = {}
        # A softmax is NaN throughout or nowhere.
        broken = np.isnan(log_probs[:, 0])
        sound = not broken.any()
        start = 0
        for live in self._live:
            count = len(live.search.tokens)
            rows: list[int] = []
            if sound or not broken[start : start + count].any():
                rows = live.search.advance(log_probs[start : start + count])
            else:
                live.search.error = FloatingPointError(
                    "the model gave NaN log-probabilities: the checkpoint is broken, retrain or re-export"
                )
            followers[live] = [start + row for row in rows]
            start += count
        ended = [live.search for live in self._live if not followers[live]]
        self._live = _without_gaps(self._live, followers)
        parents = [row for live in self._live for row in followers[live]]
        self._layers = [layers if parents == list(range(start)) else _select(layers, parents)] if parents else []
        return ended


def _without_gaps(lives: Sequence[_Live], followers: Mapping[_Live, list[int]]) -> list[_Live]:
    """Those that go on; the last takes the place of one that does not, so that the others keep theirs."""
    kept, place = list(lives), 0
    while place < len(kept):
        if followers[kept[place]]:
            place += 1
        else:
            kept[place] = kept[-1]
            kept.pop()
    return kept


def _select(arrays: Arrays, rows: list[int]) -> Arrays:
    return tuple(array[rows] for array in arrays)


def decode(step: Step, state: State, searches: Sequence[Search]) -> list[list[Hypothesis]]:
    """Run one search for each of the B rows of a state to its end. Returns the hypotheses of each.

    Raises FloatingPointError when the step gives NaN.
    """
    decoder = Decoder(step)
    for row, search in enumerate(searches):
        decoder.join(search, State(_select(state.memory, [row]), _select(state.layers, [row])))
    while decoder.rows:
        for search in decoder.step():
            if search.error:
                raise search.error
    return [search.result() for search in searches]
