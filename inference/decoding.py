"""Decoding: greedy and beam search over a step function. The one file that knows what the end token means.

A search decodes one sentence; a decoder runs many of them, which share each step. Sentences join and leave between
steps, so that none waits for another, and a finished one costs nothing more.

A hypothesis that turns in a loop is given up: greedy stops there, a beam drops it and goes on with its others.
"""

import math
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
    relative_threshold: float = 0.0
    """A beam gives a hypothesis up whose probability is less than so many times that of the likeliest, so that a step
    has more than one row only where the translator is in doubt; 0: none. Where others than the best translation are
    wanted, and in a second search, no beam does."""

    def __post_init__(self) -> None:
        for name in ("beam_size", "retry_beam_size"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}: give 1 (greedy) or more")
        if not 0 <= self.relative_threshold < 1:
            raise ValueError(f"relative_threshold is {self.relative_threshold}: give 0 (none) or more, and less than 1")
        if self.length_factor <= 0 or self.length_margin < 1:
            raise ValueError(
                f"length_factor {self.length_factor} and length_margin {self.length_margin} must be above 0"
            )
        if not 0 <= self.least_factor < self.length_factor:
            raise ValueError(f"least_factor is {self.least_factor}: give at least 0 and less than length_factor")

    def search(self, source: Sequence[int], beam_size: int, *, wide: bool = False) -> "Search":
        """The search for a translation of a source, of which the ids are given (without the end token). A wide one
        gives no hypothesis up that its beam has room for.
        """
        bound = int(self.length_factor * (len(source) + 1) + self.length_margin)
        # Where the source has loops they are let be.
        free = has_loop(source)
        least = int(self.least_factor * len(source))
        if beam_size == 1:
            return Greedy(bound, free, least)
        threshold = 0.0 if wide else self.relative_threshold
        return Beam(bound, free, beam_size, self.length_penalty, least, threshold)


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
    """The `size` likeliest hypotheses at every step (Sutskever et al. 2014, section 3.2), until as many have ended and
    none that goes on is likelier; but none whose probability is less than `relative_threshold` times that of the
    likeliest, which may have ended (Freitag and Al-Onaizan 2017, section 3, relative threshold pruning).
    """

    def __init__(
        self,
        bound: int,
        may_loop: bool,
        size: int,
        length_penalty: float,
        least: int = 0,
        relative_threshold: float = 0.0,
    ) -> None:
        super().__init__(bound, may_loop, least)
        self._size, self._length_penalty = size, length_penalty
        self._range = -math.log(relative_threshold) if relative_threshold else math.inf
        """How far below the likeliest's a log-probability may be."""
        self._ids: list[tuple[int, ...]] = [()]
        self._sums = np.zeros(1)
        self._ended: list[Hypothesis] = []

    def advance(self, log_probs: Array) -> list[int]:
        """See `Search`."""
        if len(self._ids[0]) < self.least:
            log_probs = _without_end(log_probs)
        best = max(float((self._sums + log_probs.max(axis=1)).max()), self._best_ended)
        parents = self._choose(log_probs, best - self._range)
        if not parents and not self._ended:
            parents = self._choose(log_probs, -math.inf)  # All that was near is loops.
        if not parents and not self._ended:
            self._ended.append(Hypothesis(self._ids[0], float(self._sums[0]), False))  # Every way on is one.
        self._sums = self._sums[parents] + log_probs[parents, self.tokens]
        self._ids = [(*self._ids[parent], token) for parent, token in zip(parents, self.tokens, strict=True)]
        if not self._ids or len(self._ids[0]) >= self.bound:
            return []
        # What is likelier than all that have ended may become the best.
        return [] if len(self._ended) >= self._size and self._sums.max() <= self._best_ended else parents

    @property
    def _best_ended(self) -> float:
        return max((hypothesis.log_prob for hypothesis in self._ended), default=-math.inf)

    def _choose(self, log_probs: Array, floor: float) -> list[int]:
        """The parents of the hypotheses that go on, none whose log-probability is below the `floor`; sets their tokens,
        and adds those that end.
        """
        parents: list[int] = []
        self.tokens = []
        for rank, (total, parent, token) in enumerate(self._candidates(log_probs, floor)):
            if token == END:
                if rank < self._size:
                    self._ended.append(Hypothesis(self._ids[parent], total, True))
            elif len(parents) < self._size and (self.may_loop or not ends_in_loop((*self._ids[parent], token))):
                parents.append(parent)
                self.tokens.append(token)
        return parents

    def _candidates(self, log_probs: Array, floor: float) -> list[tuple[float, int, int]]:
        """The likeliest ways on: log-probability of the whole, parent and token, the best first."""
        # `size` rows may each offer the end token, and loops are passed over: more than live rows.
        count = min(4 * self._size, log_probs.size)
        if floor == -math.inf:
            places = np.argpartition(-(self._sums[:, None] + log_probs).ravel(), count - 1)[:count]
        else:
            places = np.flatnonzero(log_probs >= (floor - self._sums).astype(log_probs.dtype)[:, None])
        ways = [divmod(place, log_probs.shape[1]) for place in sorted(places.tolist())]
        totals = [(float(self._sums[parent] + log_probs[parent, token]), parent, token) for parent, token in ways]
        return sorted(totals, key=lambda way: -way[0])[:count]

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
    rows: list[int]
    """Where its hypotheses stand in a step, in their order."""


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
        return sum(len(live.rows) for live in self._live)

    def join(self, search: Search, state: State) -> None:
        """Begin a search, from the state of its one row."""
        self._live.append(_Live(search, state.memory, [self.rows]))
        self._layers.append(state.layers)

    def drop(self, searches: set[Search]) -> None:
        """Give searches up."""
        if self._live:
            layers = concatenate(self._layers)
            self._go_on(layers, {live: [] if live.search in searches else live.rows for live in self._live})

    def step(self) -> list[Search]:
        """Advance every search by a token; returns those that ended, or failed, which leave."""
        owners = self._owners()
        if owners != self._gathered:
            # Hypotheses of one sentence share a memory, so it changes only where sentences come, go or branch.
            self._memory, self._gathered = self._gather([live.memory for live in owners]), owners
        layers = concatenate(self._layers) if len(self._layers) > 1 else self._layers[0]
        tokens = np.empty(len(owners), dtype=np.int64)
        for live in self._live:
            tokens[live.rows] = live.search.tokens
        log_probs, layers = self._step(tokens, State(self._memory, layers))
        # A softmax is NaN throughout or nowhere.
        broken = np.isnan(log_probs[:, 0])
        sound = not broken.any()
        parents: dict[_Live, list[int]] = {}
        for live in self._live:
            parents[live] = []
            if sound or not broken[live.rows].any():
                parents[live] = [live.rows[place] for place in live.search.advance(log_probs[live.rows])]
            else:
                live.search.error = FloatingPointError(
                    "the model gave NaN log-probabilities: the checkpoint is broken, retrain or re-export"
                )
        ended = [live.search for live in self._live if not parents[live]]
        self._go_on(layers, parents)
        return ended

    def _owners(self) -> list[_Live]:
        """Whose each row is."""
        owners = {row: live for live in self._live for row in live.rows}
        return [owners[row] for row in range(len(owners))]

    def _go_on(self, layers: Arrays, parents: Mapping[_Live, list[int]]) -> None:
        """Give each hypothesis that lives on a row, from those that it goes on from. A search keeps the rows that it
        has, as far as there are so many left: a row that becomes another's has its memory copied.
        """
        self._live = [live for live in self._live if parents[live]]
        count = sum(len(parents[live]) for live in self._live)
        for live in self._live:
            live.rows = [row for row in live.rows if row < count][: len(parents[live])]
        taken = {row for live in self._live for row in live.rows}
        free = iter([row for row in range(count) if row not in taken])
        chosen = [0] * count
        for live in self._live:
            live.rows += [next(free) for _ in parents[live][len(live.rows) :]]
            for row, parent in zip(live.rows, parents[live], strict=True):
                chosen[row] = parent
        unchanged = chosen == list(range(len(layers[0])))
        self._layers = [layers if unchanged else _select(layers, chosen)] if chosen else []


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
