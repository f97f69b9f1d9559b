"""From texts to results, by one road: command line, evaluation, benchmark and server all call `predict`."""

import math
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from inference.alignment import Link
from inference.blocks import Page
from inference.checkpoint import Checkpoint, CheckpointError, open_checkpoint
from inference.decoding import Array, DecodeConfig
from inference.engine import SentimentGraph, TranslationGraph
from inference.jobs import Check, Languages, SentimentJob, no_check
from inference.language import language_of
from inference.markup import read_html
from inference.pages import TranslationRequest
from inference.pools import AnyJob, Pool, SentimentPool, TranslationPool
from inference.spans import Terms
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
    alignment: tuple[Link, ...] = ()
    """Which words of the text those of the translation come from, when it was asked for."""
    score: float = 1.0
    """How sure the translator is: the geometric mean of its tokens' probabilities; 1 where it had none to choose."""


@dataclass(frozen=True)
class Share:
    """What a piece of a text, mostly a word, adds to the log-odds of the text's label."""

    start: int
    """Where the piece begins in the text, in characters."""
    end: int
    score: float
    """In nats; below 0 where the piece speaks against the label."""


@dataclass(frozen=True)
class Sentiment:
    """A classified text."""

    label: str
    """The likeliest class."""
    scores: dict[str, float]
    """The probability of each class; they sum to 1."""
    language: str
    """As `inference.language.language_of` says."""
    explanation: tuple[Share, ...] = ()
    """The pieces of the text in order, when they were asked for; none of an empty text."""
    base: float = 0.0
    """The log-odds of the label where there is no text: with the pieces' scores, they add up to those of the text."""

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


_NONE: Mapping[str, str] = {}


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
            pair = config["source_language"], config["target_language"]
            self.languages = Languages(source, target, *pair, DecodeConfig(**config["decode"]))
            self.graph = TranslationGraph(checkpoint.read("encoder.onnx"), checkpoint.read("step.onnx"), threads)

    @classmethod
    def load(cls, path: Path | str, threads: int = 1) -> "TranslationPredictor":
        """The predictor of the checkpoint in `path`."""
        return cls(open_checkpoint(path, "translation"), threads)

    def predict(
        self,
        texts: Sequence[str],
        beam_size: int | None = None,
        until: float = math.inf,
        alternatives: int = 0,
        *,
        align: bool = False,
        markup: bool = False,
        terms: Mapping[str, str] = _NONE,
    ) -> list[Translation]:
        """Translate each text sentence by sentence; every blank and newline between sentences stays.

        `beam_size` overrides the checkpoint's; 1 is greedy; it is widened to `alternatives + 1`. `align` says which
        words became which. With `markup` the texts are HTML: tags stay around what they stood around, and there are
        neither alternatives nor an alignment. `terms` are translated as it says. Raises ValueError when the beam is
        below 1, a term empty, or the checkpoint cannot align, and TimeoutError when the clock (`time.monotonic`) comes
        past `until`.
        """
        job = self.job(texts, beam_size, alternatives, align=align, markup=markup, terms=terms)
        _run(self.pool(), job, until)
        return self.results(job)

    def predict_pages(
        self, pages: Sequence[Page], beam_size: int | None = None, *, terms: Mapping[str, str] = _NONE
    ) -> list[Translation]:
        """Translate texts that have been taken apart. Raises as `predict` does."""
        job = self.page_job(pages, beam_size, terms=terms)
        _run(self.pool(), job, math.inf)
        return self.results(job)

    # The road in pieces, for who runs the jobs of several callers together.

    def pool(self, reserve: int = 0) -> TranslationPool:
        """What runs jobs; so many rows more are for jobs of which no sentence is under way."""
        rows = self._batch_rows + reserve
        return TranslationPool(self.graph, rows, rows * _TOKENS, reserve)

    def job(
        self,
        texts: Sequence[str],
        beam_size: int | None = None,
        alternatives: int = 0,
        *,
        align: bool = False,
        markup: bool = False,
        terms: Mapping[str, str] = _NONE,
        check: Check = no_check,
    ) -> TranslationRequest:
        """What is to be done for some texts. Raises ValueError as `predict` does, and what `check` does."""
        if markup:
            return self.page_job([read_html(text) for text in texts], beam_size, terms=terms, check=check)
        return self._job(texts, [], beam_size, alternatives, align=align, terms=terms, check=check)

    def page_job(
        self,
        pages: Sequence[Page],
        beam_size: int | None = None,
        *,
        terms: Mapping[str, str] = _NONE,
        check: Check = no_check,
    ) -> TranslationRequest:
        """What is to be done for texts that have been taken apart, whatever their markup. Raises as `job` does."""
        return self._job([], pages, beam_size, 0, align=False, terms=terms, check=check)

    def _job(
        self,
        texts: Sequence[str],
        pages: Sequence[Page],
        beam_size: int | None,
        alternatives: int,
        *,
        align: bool,
        terms: Mapping[str, str],
        check: Check,
    ) -> TranslationRequest:
        if beam_size is not None and beam_size < 1:
            raise ValueError(f"beam_size is {beam_size}: give 1 (greedy) or more")
        if alternatives < 0:
            raise ValueError(f"alternatives is {alternatives}: give 0 or more")
        marked = any(block.elements for page in pages for block in page.blocks)
        if (align or marked) and not self.graph.aligns:
            raise ValueError(
                f"{self.checkpoint.path} says not what it attends to, as an early version exported it: export it again"
            )
        return TranslationRequest(
            self.languages, texts, pages, beam_size, alternatives, align=align, terms=Terms(terms), check=check
        )

    def results(self, job: TranslationRequest) -> list[Translation]:
        """What became of the texts of a finished job."""
        return [Translation(r.texts[0], r.truncated, tuple(r.texts[1:]), tuple(r.links), r.score) for r in job.result()]


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


PIECES = 64
"""Pieces of a text that are told apart in an explanation; words of longer texts are taken together."""


class ExplainableJob(SentimentJob):
    """Texts to be classified, and perhaps explained: then their beginnings and ends are classified too."""

    def __init__(
        self, predictor: "SentimentPredictor", texts: Sequence[str], *, explain: bool, check: Check = no_check
    ) -> None:
        self.texts = texts
        self.pieces: list[list[tuple[int, int]]] = []
        self.parts: list[list[str]] = []
        rows: list[list[int]] = []
        for text in texts:
            check()
            self.pieces.append(_pieces(text) if explain else [])
            self.parts.append(_parts_of(text, self.pieces[-1]))
            rows += predictor.encode(self.parts[-1])
        super().__init__(rows, predictor.window)


def _pieces(text: str) -> list[tuple[int, int]]:
    """Where the words of a text stand, taken together in equal runs if there are many."""
    words = [match.span() for match in re.finditer(r"\S+", text)]
    runs = np.array_split(np.arange(len(words)), min(len(words), PIECES)) if words else []
    return [(words[run[0]][0], words[run[-1]][1]) for run in runs]


def _parts_of(text: str, pieces: Sequence[tuple[int, int]]) -> list[str]:
    """The text; if it is in pieces, also nothing, its beginnings, and its ends."""
    if not pieces:
        return [text]
    return [text, "", *(text[:end] for _, end in pieces[:-1]), *(text[start:] for start, _ in pieces[1:])]


class SentimentPredictor:
    """Classifies texts with a checkpoint."""

    def __init__(self, checkpoint: Checkpoint, threads: int = 1) -> None:
        """Load tokenizer and graph. Raises CheckpointError when a part is missing, damaged or of another version."""
        self.checkpoint = checkpoint
        with _parts(checkpoint):
            self.labels: tuple[str, ...] = tuple(checkpoint.config["labels"])
            self.window = int(checkpoint.config["window"])
            self.temperatures: dict[str, float] = dict(checkpoint.config.get("temperatures", {}))
            self._form = {name: bool(checkpoint.config[name]) for name in ("lowercase", "spaced")}
            self._tokenizer = Tokenizer(checkpoint.read("tokenizer.model"))
            self.graph = SentimentGraph(checkpoint.read("classifier.onnx"), threads)

    @classmethod
    def load(cls, path: Path | str, threads: int = 1) -> "SentimentPredictor":
        """The predictor of the checkpoint in `path`."""
        return cls(open_checkpoint(path, "sentiment"), threads)

    def predict(self, texts: Sequence[str], until: float = math.inf, *, explain: bool = False) -> list[Sentiment]:
        """Classify each text. A text longer than the model's window is read in equal windows, and their
        log-probabilities are averaged by length: no word is left out.

        `explain` says what each word adds to the log-odds of the label: the mean of what it adds to the words before
        it and to those behind it, a Shapley value over these two orders (Shapley 1953), so that all add up to the
        whole. It takes as many classifications as a text has words, twice. Raises TimeoutError when the clock
        (`time.monotonic`) comes past `until`.
        """
        job = self.job(texts, explain=explain)
        _run(self.pool(), job, until)
        return self.results(job)

    def pool(self) -> SentimentPool:
        """What runs jobs."""
        return SentimentPool(self.graph)

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """The ids of texts, in the form in which the model reads them."""
        return self._tokenizer.encode([classifier_form(text, **self._form) for text in texts])

    def job(self, texts: Sequence[str], *, explain: bool = False, check: Check = no_check) -> ExplainableJob:
        """What is to be done for some texts. Raises what `check` does."""
        return ExplainableJob(self, texts, explain=explain, check=check)

    def results(self, job: ExplainableJob) -> list[Sentiment]:
        """What became of the texts of a finished job."""
        found = iter(job.result())
        results = []
        for text, pieces, parts in zip(job.texts, job.pieces, job.parts, strict=True):
            language = language_of(text)
            # A temperature makes probabilities as certain as they are right (Guo et al. 2017, section 4.2).
            log_probs = np.stack([next(found) for _ in parts]) / self.temperatures.get(language, 1.0)
            results.append(self._result(language, pieces, log_probs))
        return results

    def _result(self, language: str, pieces: Sequence[tuple[int, int]], log_probs: Array) -> Sentiment:
        shares = np.exp(log_probs - log_probs.max(axis=1, keepdims=True))
        shares /= shares.sum(axis=1, keepdims=True)
        scores = dict(zip(self.labels, shares[0].tolist(), strict=True))
        label = int(shares[0].argmax())
        if not pieces:
            return Sentiment(self.labels[label], scores, language)
        others = np.delete(log_probs, label, axis=1)
        odds = log_probs[:, label] - np.logaddexp.reduce(others, axis=1)
        whole, base, before, behind = odds[0], odds[1], odds[2 : len(pieces) + 1], odds[len(pieces) + 1 :]
        forward = np.diff(before, prepend=base, append=whole)
        backward = -np.diff(behind, prepend=whole, append=base)
        explanation = [
            Share(start, end, float(score))
            for (start, end), score in zip(pieces, (forward + backward) / 2, strict=True)
        ]
        return Sentiment(self.labels[label], scores, language, tuple(explanation), float(base))
