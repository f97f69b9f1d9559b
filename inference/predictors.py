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
        # Capitals are a way of writing, which the model has hardly seen: they are taken off, and put on again.
        shouted = [is_shouted(sentence) for sentence in sentences]
        rows = self._source.encode([unshout(s) if loud else s for s, loud in zip(sentences, shouted, strict=True)])
        words = [i for i, sentence in enumerate(sentences) if not self._stays(sentence)]
        order = sorted(words, key=lambda i: (-len(rows[i]), i))
        size = max(1, self._batch_rows // beam_size)
        found: dict[int, list[Hypothesis]] = {}
        for start in range(0, len(order), size):
            _check_time(until)
            batch = order[start : start + size]
            found.update(zip(batch, self._decode([rows[i] for i in batch], beam_size), strict=True))
        outputs = [_Output((sentence,), True) for sentence in sentences]
        for i, hypotheses in found.items():
            texts = self._target.decode([h.ids for h in hypotheses])
            # Two ways of cutting a text into subwords are two hypotheses, but one translation.
            distinct = dict.fromkeys(text.upper() for text in texts) if shouted[i] else dict.fromkeys(texts)
            outputs[i] = _Output(tuple(distinct), hypotheses[0].finished)
        return outputs

    def _stays(self, sentence: str) -> bool:
        """Whether a sentence is its own translation: it has no letter (a number, an emoji), or is Vietnamese already
        where that is the target.
        """
        return not any(map(str.isalpha, sentence)) or (self._target_language == "vi" and is_vietnamese(sentence))

    def _decode(self, rows: Sequence[Sequence[int]], beam_size: int) -> list[list[Hypothesis]]:
        found = self._search(rows, beam_size)
        again = [i for i, (best, *_) in enumerate(found) if not best.finished] if beam_size == 1 else []
        if again and self.decode.retry_beam_size > 1:
            for i, (best, *_) in zip(
                again, self._search([rows[i] for i in again], self.decode.retry_beam_size), strict=True
            ):
                found[i] = [best]
        return found

    def _search(self, rows: Sequence[Sequence[int]], beam_size: int) -> list[list[Hypothesis]]:
        state, limits = self._graph.encode(rows), self.decode.limits(rows)
        if beam_size == 1:
            return [[hypothesis] for hypothesis in greedy(self._graph.step, state, limits)]
        return beam_search(self._graph.step, state, limits, beam_size, self.decode.length_penalty)


class _Output(NamedTuple):
    """A sentence's translations, best first, and whether the end token of the best one came."""

    texts: tuple[str, ...]
    finished: bool


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
