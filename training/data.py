"""From rows to batches: clean and count, keep splits apart, bucket by length, collate."""

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference.language import vietnamese_share
from inference.text import normalise
from training.corpora import Corpus, read
from training.errors import InputError
from training.phrases import FILLED, FIXED

Array = NDArray[Any]


@dataclass(frozen=True)
class CleanConfig:
    """Which rows are dropped; the report counts each reason."""

    max_characters: int = 0
    """Longer texts, on either side, are dropped; 0: 1,000 for a translation's, 20,000 for a classifier's."""
    max_ratio: float = 3.0
    """Parallel rows one side of which has more than so many times the characters of the other, plus 15, are dropped."""
    max_foreign: float = 0.2
    """Parallel rows whose source has a larger share of words with letters that only Vietnamese has are dropped,
    where it is translated into Vietnamese."""

    def __post_init__(self) -> None:
        if self.max_characters < 0 or self.max_ratio < 1 or self.max_foreign < 0:
            raise ValueError(
                f"max_characters {self.max_characters} and max_foreign {self.max_foreign} must be 0 or more, "
                f"max_ratio {self.max_ratio} 1 or more"
            )


@dataclass
class Report:
    """What became of the rows of a split."""

    read: int = 0
    kept: int = 0
    dropped: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        reasons = ", ".join(f"{count} {reason}" for reason, count in self.dropped.most_common())
        return f"{self.kept} of {self.read} rows kept" + (f"; dropped: {reasons}" if reasons else "")


def key(text: str) -> bytes:
    """What makes two texts the same when splits are compared: letters and digits, without case or spacing."""
    letters = _NO_LETTER.sub("", normalise(text).casefold())
    return hashlib.blake2b((letters or text).encode(), digest_size=12).digest()


def leak_keys(texts: Iterable[str]) -> set[bytes]:
    """The keys of held-out texts, by which the same texts are kept out of training.

    Short ones are left out: "Thank you." is in every corpus, and a model must learn it.
    """
    return {key(text) for text in texts if len(text.split()) >= 5 or len(_UNSPACED.findall(text)) >= 10}


_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")
"""Letters of languages that have no blanks between words: ten are some five words."""


_NO_LETTER = re.compile(r"[\W_]+")


def pair_fault(
    source: str, target: str, config: CleanConfig, source_language: str, target_language: str = "vi"
) -> str | None:
    """Why a normalised pair is unfit to train on, or None."""
    short, long = sorted((len(source), len(target)))
    if short == 0:
        return "empty"
    if long > (config.max_characters or 1000):
        return "too long"
    if "\ufffd" in source or "\ufffd" in target:
        return "broken characters"
    if long > config.max_ratio * short + 15:
        return "length ratio"
    # Of other languages, some have a few of Vietnamese's letters.
    is_told = source_language != "vi" and target_language == "vi"
    if is_told and vietnamese_share(source.split()) > config.max_foreign:
        return "source in Vietnamese"
    return None


def text_fault(text: str, config: CleanConfig) -> str | None:
    """Why a normalised text is unfit to train on, or None."""
    if not text:
        return "empty"
    if len(text) > (config.max_characters or 20_000):
        return "too long"
    if "\ufffd" in text:
        return "broken characters"
    return None


@dataclass(frozen=True)
class Split:
    """The rows of a training split after cleaning: `(text, label or translation)`, and how often an epoch sees each."""

    rows: list[tuple[str, str]]
    weights: Array
    report: Report
    corpora: Array
    """`(N,)`, the number of the corpus that each row comes from."""

    def shares(self, corpora: int) -> Array:
        """`(corpora,)`, how much of an epoch's words each corpus has; they add up to 1."""
        words = [sum(len(text.split()) for text in row) for row in self.rows]
        of_each = np.bincount(self.corpora, self.weights * words, corpora)
        return np.asarray(of_each / of_each.sum())

    def part(self, rows: Array) -> "Split":
        """Some of the rows."""
        return Split([self.rows[i] for i in rows], self.weights[rows], self.report, self.corpora[rows])


def clean(
    corpora: Sequence[Corpus],
    fields: tuple[str, str],
    root: Path,
    tidy: Callable[[str, str], tuple[str, str]],
    fault: Callable[[str, str], str | None],
    check: Callable[[tuple[str, str], str], None],
    held_out: set[bytes],
    optional: Sequence[str] = ("origin",),
) -> Split:
    """Read training corpora, bring each row into form by `tidy`, and keep the rows without `fault`.

    Duplicates and rows one of whose texts is among the `held_out` keys (see `leak_keys`) are dropped too. Raises
    InputError when a corpus cannot be read, gives an origin a weight that no row is of, or nothing is left; so does
    `check(row, place)` when a row cannot belong to the task.
    """
    report, rows, weights, numbers, seen = Report(), [], [], [], set()
    for number, corpus in enumerate(corpora):
        before, origins = report.read, set[str]()
        for place, (first, second, origin) in read(corpus, (*fields, "origin"), root, optional):
            report.read += 1
            origins.add(origin)
            weight = corpus.weights.get(origin, corpus.weight)
            row = tidy(first, corpus.labels.get(second, second))
            check(row, place)
            identity = hashlib.blake2b("\0".join(row).encode(), digest_size=12).digest()
            reason = (
                "weight 0"
                if weight == 0
                else fault(*row)
                or ("duplicate" if identity in seen else None)
                or ("in a held-out split" if held_out and any(key(text) in held_out for text in row) else None)
            )
            if reason:
                report.dropped[reason] += 1
                continue
            seen.add(identity)
            rows.append(row)
            weights.append(weight)
            numbers.append(number)
        if report.read == before:
            raise InputError(f"{corpus} has no rows: leave it out, or look for where they went")
        known = origins | ({FILLED, FIXED} if corpus.phrases else set())
        if unknown := sorted(set(corpus.weights) - known):
            there = ", ".join(sorted(origins - {""})[:20]) or "none"
            raise InputError(f"{corpus}: weights has {', '.join(unknown)}, the origin of no row; there is {there}")
    if not rows:
        raise InputError(f"no training rows are left: {report}")
    report.kept = len(rows)
    return Split(rows, np.array(weights), report, np.array(numbers))


def split_off(keys: Sequence[bytes], count: int, seed: int) -> Array:
    """Which rows make a dev split `(count,)`: chosen by the hash of their keys, in whatever order they come."""
    order = sorted(range(len(keys)), key=lambda i: hashlib.blake2b(keys[i], key=seed.to_bytes(8, "big")).digest())
    return np.sort(np.array(order[:count], dtype=np.int64))


def epoch_rows(weights: Array, seed: int, epoch: int) -> Array:
    """The rows that an epoch sees, in no order: row r stands floor(weights[r]) times, once more by its fraction."""
    rng = np.random.default_rng([seed, epoch, 0])
    counts = np.floor(weights + rng.random(len(weights))).astype(np.int64)
    return np.repeat(np.arange(len(weights)), counts)


def buckets(lengths: Array, rows: Array, tokens: int, seed: int, epoch: int) -> list[Array]:
    """Cut an epoch into batches of rows of about equal length, in an order that (seed, epoch) decides.

    `lengths (N,)` or `(N, 2)` tokens of every row; a batch has at most `tokens` padded tokens on
    its longest side, and at least one row.
    """
    rng = np.random.default_rng([seed, epoch, 1])
    sizes = lengths.reshape(len(lengths), -1)
    longest = sizes.max(axis=1)
    rows = rng.permutation(rows)
    rows = rows[np.lexsort((sizes[rows, 0], longest[rows]))]
    batches, start = [], 0
    for end in range(1, len(rows) + 1):
        if end == len(rows) or longest[rows[end]] * (end + 1 - start) > tokens:
            batches.append(rows[start:end])
            start = end
    return [batches[i] for i in rng.permutation(len(batches))]


class Batches:
    """The endless stream of batches of row numbers, at (epoch, position): a function of the seed alone."""

    def __init__(self, lengths: Array, weights: Array, tokens: int, seed: int) -> None:
        self.lengths, self.weights, self.tokens, self.seed = lengths, weights, tokens, seed
        self.epoch = self.position = 0
        self._order: list[Array] = []

    def seek(self, epoch: int, position: int) -> None:
        """Go on from here."""
        self.epoch, self.position, self._order = epoch, position, []

    def __next__(self) -> Array:
        while not self._order:
            rows = epoch_rows(self.weights, self.seed, self.epoch)
            self._order = buckets(self.lengths, rows, self.tokens, self.seed, self.epoch)
            self.epoch += not self._order  # With few rows of small weights an epoch can have none.
        rows = self._order[self.position]
        self.position += 1
        if self.position == len(self._order):
            self.seek(self.epoch + 1, 0)
        return rows
