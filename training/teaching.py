"""Soft labels: trained classifiers say how likely each class is of texts, and another learns to say the same.

Distillation (Hinton et al. 2015) of an ensemble, or of a larger model, into one that serves fast; of unlabelled texts
it makes training rows, and of noisy labels better ones. Translated, the texts teach another language what the
classifiers know of theirs (Wan 2009, Co-Training for Cross-Lingual Sentiment Classification).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from inference.checkpoint import open_checkpoint
from inference.predictors import SentimentPredictor, TranslationPredictor
from inference.text import normalise
from training.corpora import Corpus, read
from training.data import key, split_off
from training.errors import InputError
from training.making import Making

_MAX_CHARACTERS = 20_000
"""Longer texts are left out, as they are from other training text."""


@dataclass(frozen=True)
class TaughtCorpus:
    """A corpus of texts, and who labels them."""

    corpus: Corpus
    checkpoints: tuple[str, ...] = ()
    """The folders of the classifiers whose probabilities are averaged; none: the texts have labels, and are only to be
    translated."""
    rows: int = 0
    """Only so many texts, chosen by their hash from wherever they stand; 0: all."""
    translator: str = ""
    """The folder of a translator: what is learnt from are its translations, with the labels of the originals."""

    def __post_init__(self) -> None:
        if self.rows < 0:
            raise ValueError(f"rows is {self.rows}: give 0 (all) or more")
        if not (self.checkpoints or self.translator):
            raise ValueError("checkpoints and translator are both empty: give one of them, or both")


def soft_label(probabilities: Sequence[float]) -> str:
    """A label that says the probability of each class, in their order."""
    return " ".join(f"{p:.4f}" for p in probabilities)


def distribution(label: str, labels: Sequence[str]) -> list[float] | None:
    """The probability of each class: 1 for the one that is named, or what a soft label says; None if it is neither."""
    if label in labels:
        return [float(label == each) for each in labels]
    try:
        parts = [float(part) for part in label.split()]
    except ValueError:
        return None
    return parts if len(parts) == len(labels) and abs(sum(parts) - 1) < 0.01 and min(parts) >= 0 else None


class Teaching:
    """Labels a corpus, in a folder."""

    def __init__(
        self,
        taught: TaughtCorpus,
        labels: Sequence[str],
        directory: Path,
        root: Path,
        is_held_out: Callable[[str], bool] = lambda _: False,
    ) -> None:
        """Take the classes; the texts are found below `root`. Of held-out ones, translations are not to be learnt
        either: who made a corpus of them could not tell what they were translated from.

        Raises InputError when what is in `directory` was made in another way.
        """
        self.taught, self.labels, self.directory = taught, tuple(labels), directory
        corpus = taught.corpus
        fit: dict[str, tuple[str, str]] = {}
        optional = ("label", "origin") if taught.checkpoints else ("origin",)
        for place, (given, label, origin) in read(corpus, ("text", "label", "origin"), root, optional):
            known = corpus.labels.get(label, label)
            if not taught.checkpoints and distribution(known, labels) is None:
                raise InputError(f"{place}: label {known!r} is none of {', '.join(labels)}; set `labels` of the corpus")
            text = normalise(given)
            if taught.translator and is_held_out(text):
                continue
            if 0 < len(text) <= _MAX_CHARACTERS and corpus.weights.get(origin, corpus.weight) > 0:
                fit.setdefault(text, (known, origin))
        if not fit:
            raise InputError(f"{corpus} has no texts")
        texts = list(fit)
        self._texts = [texts[i] for i in split_off(list(map(key, texts)), taught.rows or len(texts), seed=0)]
        self._origins = [fit[text][1] for text in self._texts]
        given_lines = {"text": self._texts, "origin": self._origins}
        self._labelling = Making(directory, "label", given_lines, {"labels": list(labels)})
        self._given = [fit[text][0] for text in self._texts]

    def rows(self) -> Corpus:
        """What was made, as a corpus to train on. Raises InputError when it is not whole yet."""
        weights = self.taught.corpus.weights, self.taught.corpus.weight
        labelled = self._labelling.corpus(*weights) if self.taught.checkpoints else None
        return labelled if labelled and not self.taught.translator else self._translating().corpus(*weights)

    def run(self, processes: int) -> None:
        """Label what is still to be labelled, then translate what is still to be translated.

        Raises KeyboardInterrupt when told to stop, after the texts under way; CheckpointError, or InputError when the
        checkpoints are not those that made the texts so far, or know other classes.
        """
        if self.taught.checkpoints and self._labelling.done() < len(self._texts):
            makers = {"checkpoints": [self._version(path) for path in self.taught.checkpoints]}
            self._labelling.run(self._texts, makers, _begin, (self.taught.checkpoints,), _label, processes)
        elif self.taught.checkpoints and all(Path(path).exists() for path in self.taught.checkpoints):
            self._labelling.tell({"checkpoints": [self._version(path) for path in self.taught.checkpoints]})
        if (path := self.taught.translator) and (translating := self._translating()).done() < len(self._texts):
            version = open_checkpoint(Path(path), "translation").version
            translating.run(self._texts, {"translator": version}, _begin_translating, (path,), _translate, processes)

    def _version(self, path: str) -> str:
        checkpoint = open_checkpoint(Path(path), "sentiment")
        theirs = tuple(checkpoint.config["labels"])
        if theirs != self.labels:
            raise InputError(f"{path} knows the classes {', '.join(theirs)}; this run {', '.join(self.labels)}")
        return checkpoint.version

    def _translating(self) -> Making:
        labels = self._labelling.lines("label") if self.taught.checkpoints else self._given
        return Making(self.directory / "translated", "text", {"label": labels, "origin": self._origins}, {})


_predictors: list[SentimentPredictor]


def _begin(checkpoints: Sequence[str]) -> None:
    """Load a process's classifiers."""
    global _predictors
    _predictors = [SentimentPredictor.load(Path(path)) for path in checkpoints]


def _label(texts: Sequence[str]) -> list[str]:
    said = [[list(result.scores.values()) for result in predictor.predict(texts)] for predictor in _predictors]
    return [soft_label(row) for row in np.mean(said, axis=0)]


_translator: TranslationPredictor


def _begin_translating(path: str) -> None:
    """Load a process's translator."""
    global _translator
    _translator = TranslationPredictor(open_checkpoint(Path(path), "translation"), batch_rows=64)


def _translate(texts: Sequence[str]) -> list[str]:
    return [normalise(result.text) for result in _translator.predict(texts)]
