"""From texts to results, by one road: command line, evaluation, benchmark and server all call `predict`."""

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from inference.checkpoint import Checkpoint, CheckpointError, open_checkpoint
from inference.decoding import DecodeConfig
from inference.engine import SentimentGraph, TranslationGraph
from inference.jobs import AnyJob, Languages, Pool, SentimentJob, SentimentPool, TranslationJob, TranslationPool
from inference.text import classifier_form
from inference.tokenizer import Tokenizer


@dataclass(frozen=True)
class Translation:
    """A translated text."""

    text: str
    truncated: bool
    """True when a sentence came to its length bound, or turned in a loop, before its end token: it may lack its end."""
    alternatives: tuple[str, ...] = ()
    """The next best translations that the beam found, best first: the i-th has the i-th of every sentence that has so
    many, the last one of those that have fewer."""


@dataclass(frozen=True)
class Sentiment:
    """A classified text."""

    label: str
    """The likeliest class."""
    scores: dict[str, float]
    """The probability of each class; they sum to 1."""

    @property
    def score(self) -> float:
        """The probability of `label`."""
        return self.scores[self.label]


@contextmanager
def _parts(checkpoint: Checkpoint) -> Iterator[None]:
    """Name the checkpoint when one of its parts is of no use."""
    try:
        yield
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(
            f"{checkpoint.path} is not for this version ({type(error).__name__}: {error}): export it again"
        ) from error


class TranslationPredictor:
    """Translates texts with a checkpoint."""

    def __init__(self, checkpoint: Checkpoint, threads: int = 1, batch_rows: int = 16) -> None:
        """Load tokenizers and graphs; `batch_rows` hypotheses at most share a step.

        Raises CheckpointError when a part is missing, damaged or of another version.
        """
        self.checkpoint, self._batch_rows = checkpoint, batch_rows
        with _parts(checkpoint):
            config = checkpoint.config
            source, target = (Tokenizer(checkpoint.read(f"{side}.model")) for side in ("source", "target"))
            self.languages = Languages(source, target, config["target_language"], DecodeConfig(**config["decode"]))
            self.graph = TranslationGraph(checkpoint.read("encoder.onnx"), checkpoint.read("step.onnx"), threads)

    @classmethod
    def load(cls, path: Path, threads: int = 1) -> "TranslationPredictor":
        """The predictor of the checkpoint in `path`."""
        return cls(open_checkpoint(path, "translation"), threads)

    def predict(
        self, texts: Sequence[str], beam_size: int | None = None, until: float = math.inf, alternatives: int = 0
    ) -> list[Translation]:
        """Translate each text sentence by sentence; every blank and newline between sentences stays.

        `beam_size` overrides the checkpoint's; 1 is greedy; it is widened to `alternatives + 1`. Raises ValueError when
        it is below 1, and TimeoutError when the clock (`time.monotonic`) comes past `until`.
        """
        job = self.job(texts, beam_size, alternatives)
        _run(self.pool(), job, until)
        return self.results(job)

    # The road in pieces, for who runs the jobs of several callers together.

    def pool(self) -> TranslationPool:
        """What runs jobs."""
        return TranslationPool(self.graph, self._batch_rows, self._batch_rows * _TOKENS)

    def job(self, texts: Sequence[str], beam_size: int | None = None, alternatives: int = 0) -> TranslationJob:
        """What is to be done for some texts. Raises ValueError as `predict` does."""
        size = self.languages.decode.beam_size if beam_size is None else beam_size
        if size < 1:
            raise ValueError(f"beam_size is {size}: give 1 (greedy) or more")
        if alternatives < 0:
            raise ValueError(f"alternatives is {alternatives}: give 0 or more")
        return TranslationJob(self.languages, texts, size, alternatives)

    def results(self, job: TranslationJob) -> list[Translation]:
        """What became of the texts of a finished job."""
        return [Translation(best, cut, tuple(others)) for (best, *others), cut in job.result()]


_TOKENS = 128
"""Padded tokens a row, in the mean of a step's: as many as the longest sentences have."""


def _run(pool: Pool[AnyJob], job: AnyJob, until: float) -> None:
    """Run one job to its end. Raises what it met with, and TimeoutError."""
    pool.add(job)
    while pool.busy:
        if time.monotonic() > until:
            raise TimeoutError("the time for this request is over")
        pool.step()
    if job.error:
        raise job.error


class SentimentPredictor:
    """Classifies texts with a checkpoint."""

    def __init__(self, checkpoint: Checkpoint, threads: int = 1) -> None:
        """Load tokenizer and graph. Raises CheckpointError when a part is missing, damaged or of another version."""
        self.checkpoint = checkpoint
        with _parts(checkpoint):
            self.labels: tuple[str, ...] = tuple(checkpoint.config["labels"])
            self._window = int(checkpoint.config["window"])
            self._form = {name: bool(checkpoint.config[name]) for name in ("lowercase", "spaced")}
            self._tokenizer = Tokenizer(checkpoint.read("tokenizer.model"))
            self.graph = SentimentGraph(checkpoint.read("classifier.onnx"), threads)

    @classmethod
    def load(cls, path: Path, threads: int = 1) -> "SentimentPredictor":
        """The predictor of the checkpoint in `path`."""
        return cls(open_checkpoint(path, "sentiment"), threads)

    def predict(self, texts: Sequence[str], until: float = math.inf) -> list[Sentiment]:
        """Classify each text. A text longer than the model's window is read in equal windows, and their
        log-probabilities are averaged by length: no word is left out.

        Raises TimeoutError when the clock (`time.monotonic`) comes past `until`.
        """
        job = self.job(texts)
        _run(self.pool(), job, until)
        return self.results(job)

    def pool(self) -> SentimentPool:
        """What runs jobs."""
        return SentimentPool(self.graph)

    def job(self, texts: Sequence[str]) -> SentimentJob:
        """What is to be done for some texts."""
        return SentimentJob(self._tokenizer, [classifier_form(text, **self._form) for text in texts], self._window)

    def results(self, job: SentimentJob) -> list[Sentiment]:
        """What became of the texts of a finished job."""
        found = [dict(zip(self.labels, shares.tolist(), strict=True)) for shares in job.result()]
        return [Sentiment(max(scores, key=lambda label: scores[label]), scores) for scores in found]
