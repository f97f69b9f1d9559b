"""From texts to results, by one road: command line, evaluation, benchmark and server all call `predict`."""

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from inference.checkpoint import Checkpoint, CheckpointError, open_checkpoint
from inference.decoding import DecodeConfig, Hypothesis, beam_search, greedy
from inference.engine import SentimentGraph, TranslationGraph
from inference.spans import Marked, mark
from inference.text import Document, classifier_form, is_shouted, is_vietnamese, split, unshout
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


def _check_time(until: float) -> None:
    if time.monotonic() > until:
        raise TimeoutError("the time for this request is over")


class TranslationPredictor:
    """Translates texts with a checkpoint."""

    def __init__(self, checkpoint: Checkpoint, threads: int = 1, batch_rows: int = 16) -> None:
        """Load tokenizers and graphs; `batch_rows` hypotheses at most share a step.

        Raises CheckpointError when a part is missing, damaged or of another version.
        """
        self.checkpoint, self._batch_rows = checkpoint, batch_rows
        with _parts(checkpoint):
            self.decode = DecodeConfig(**checkpoint.config["decode"])
            self._target_language = checkpoint.config["target_language"]
            self._source = Tokenizer(checkpoint.read("source.model"))
            self._target = Tokenizer(checkpoint.read("target.model"))
            self._graph = TranslationGraph(checkpoint.read("encoder.onnx"), checkpoint.read("step.onnx"), threads)

    @classmethod
    def load(cls, path: Path, threads: int = 1) -> "TranslationPredictor":
        """The predictor of the checkpoint in `path`."""
        return cls(open_checkpoint(path, "translation"), threads)

    def predict(
        self, texts: Sequence[str], beam_size: int | None = None, until: float = math.inf, alternatives: int = 0
    ) -> list[Translation]:
        """Translate each text sentence by sentence; every blank and newline between sentences stays.

        `beam_size` overrides the checkpoint's; 1 is greedy; it is widened to `alternatives + 1`. Raises ValueError when
        it is below 1, and TimeoutError when the clock (`time.monotonic`) is past `until` before the last sentences are
        begun.
        """
        size = self.decode.beam_size if beam_size is None else beam_size
        if size < 1:
            raise ValueError(f"beam_size is {size}: give 1 (greedy) or more")
        if alternatives < 0:
            raise ValueError(f"alternatives is {alternatives}: give 0 or more")
        documents = [split(text) for text in texts]
        outputs = self._sentences([s for d in documents for s in d.sentences], max(size, alternatives + 1), until)
        results, start = [], 0
        for document in documents:
            end = start + len(document.sentences)
            results.append(_joined(document, outputs[start:end], alternatives))
            start = end
        return results

    def _sentences(self, sentences: Sequence[str], beam_size: int, until: float) -> list["_Output"]:
        """What each sentence becomes. Like lengths are decoded together."""
        sources = [_Source(mark(sentence, self._target_language)) for sentence in sentences]
        rows = self._source.encode([source.text for source in sources])
        outputs = [_Output((source.marked.restore(source.marked.text) or "",), True) for source in sources]
        words = [i for i, source in enumerate(sources) if not self._stays(source.marked.text)]
        for batch in self._batches(words, rows, beam_size):
            _check_time(until)
            for i, hypotheses in zip(batch, self._search([rows[i] for i in batch], beam_size), strict=True):
                outputs[i] = self._read(hypotheses, sources[i])
        # A beam drops loops, and has several hypotheses, one of which may have the marks that the likeliest one lost.
        again = [i for i in words if not outputs[i].whole] if beam_size < self.decode.retry_beam_size else []
        for batch in self._batches(again, rows, self.decode.retry_beam_size):
            _check_time(until)
            found = self._search([rows[i] for i in batch], self.decode.retry_beam_size)
            for i, hypotheses in zip(batch, found, strict=True):
                outputs[i] = self._read(hypotheses, sources[i]).best()
        lost = [i for i in words if not outputs[i].texts]
        for i in lost:
            # Word by word of what stands between the spans: worse language, but nothing is lost.
            document = sources[i].marked.document()
            parts = self._sentences(document.sentences, beam_size, until)
            outputs[i] = _Output((document.join([part.texts[0] for part in parts]),), all(p.finished for p in parts))
        return outputs

    def _batches(self, which: Sequence[int], rows: Sequence[Sequence[int]], beam_size: int) -> Iterator[list[int]]:
        order = sorted(which, key=lambda i: (-len(rows[i]), i))
        size = max(1, self._batch_rows // beam_size)
        return (order[start : start + size] for start in range(0, len(order), size))

    def _read(self, hypotheses: Sequence[Hypothesis], source: "_Source") -> "_Output":
        """The translations that have every span of the source, which may be none."""
        texts = map(source.restore, self._target.decode([h.ids for h in hypotheses]))
        kept = [(text, h.finished) for text, h in zip(texts, hypotheses, strict=True) if text is not None]
        # Two ways of cutting a text into subwords are two hypotheses, but one translation.
        return _Output(tuple(dict.fromkeys(text for text, _ in kept)), bool(kept) and kept[0][1])

    def _stays(self, sentence: str) -> bool:
        """Whether a sentence is its own translation: it has no letter (a number, an emoji), or is Vietnamese already
        where that is the target.
        """
        return not any(map(str.isalpha, sentence)) or (self._target_language == "vi" and is_vietnamese(sentence))

    def _search(self, rows: Sequence[Sequence[int]], beam_size: int) -> list[list[Hypothesis]]:
        state, limits = self._graph.encode(rows), self.decode.limits(rows)
        if beam_size == 1:
            return [[hypothesis] for hypothesis in greedy(self._graph.step, state, limits)]
        return beam_search(self._graph.step, state, limits, beam_size, self.decode.length_penalty)


class _Source:
    """A sentence as the translator reads it: with marks for its spans, and no capitals throughout."""

    def __init__(self, marked: Marked) -> None:
        self.marked = marked
        # Capitals are a way of writing, which the model has hardly seen: they are taken off, and put on again.
        self._shouted = is_shouted(marked.text)
        self.text = unshout(marked.text) if self._shouted else marked.text

    def restore(self, translation: str) -> str | None:
        """The translation with spans and capitals back; None when it has lost a span."""
        return self.marked.restore(translation.upper() if self._shouted else translation)


class _Output(NamedTuple):
    """A sentence's translations, best first, and whether the end token of the best one came."""

    texts: tuple[str, ...]
    finished: bool

    @property
    def whole(self) -> bool:
        return self.finished and bool(self.texts)

    def best(self) -> "_Output":
        return _Output(self.texts[:1], self.finished)


def _joined(document: Document, outputs: Sequence[_Output], alternatives: int) -> Translation:
    most = min(alternatives + 1, max((len(output.texts) for output in outputs), default=1))
    best, *others = (document.join([o.texts[min(i, len(o.texts) - 1)] for o in outputs]) for i in range(most))
    return Translation(best, not all(output.finished for output in outputs), tuple(others))


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
            self._graph = SentimentGraph(checkpoint.read("classifier.onnx"), threads)

    @classmethod
    def load(cls, path: Path, threads: int = 1) -> "SentimentPredictor":
        """The predictor of the checkpoint in `path`."""
        return cls(open_checkpoint(path, "sentiment"), threads)

    def predict(self, texts: Sequence[str], until: float = math.inf) -> list[Sentiment]:
        """Classify each text. A text longer than the model's window is read in equal windows, and their
        log-probabilities are averaged by length: no word is left out.

        Raises TimeoutError when the clock (`time.monotonic`) is past `until` before the last text is begun.
        """
        rows = self._tokenizer.encode([classifier_form(text, **self._form) for text in texts])
        results = []
        for row in rows:
            _check_time(until)
            results.append(self._classify(row))
        return results

    def _classify(self, row: Sequence[int]) -> Sentiment:
        count = max(1, math.ceil(len(row) / self._window))
        windows = [list(part) for part in np.array_split(np.array(row, dtype=np.int64), count)]
        log_probs = self._graph.classify(windows)
        mean = np.average(log_probs, axis=0, weights=[max(1, len(window)) for window in windows])
        shares = np.exp(mean - mean.max())
        scores = dict(zip(self.labels, (shares / shares.sum()).tolist(), strict=True))
        return Sentiment(max(scores, key=lambda label: scores[label]), scores)
