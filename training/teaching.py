"""Soft labels: trained classifiers say how likely each class is of texts, and another learns to say the same.

Distillation (Hinton et al. 2015) of an ensemble, or of a larger model, into one that serves fast; of unlabelled texts
it makes training rows, and of noisy labels better ones.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from inference.checkpoint import open_checkpoint
from inference.predictors import SentimentPredictor
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
    checkpoints: tuple[str, ...]
    """The folders of the classifiers whose probabilities are averaged."""
    rows: int = 0
    """Only so many texts, chosen by their hash from wherever they stand; 0: all."""

    def __post_init__(self) -> None:
        if self.rows < 0 or not self.checkpoints:
            raise ValueError(
                f"rows is {self.rows} and checkpoints are {self.checkpoints}: give 0 (all) or more, and one or more"
            )


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

    def __init__(self, taught: TaughtCorpus, labels: Sequence[str], directory: Path, root: Path) -> None:
        """Take the classes; the texts are found below `root`.

        Raises InputError when what is in `directory` was made in another way.
        """
        self.taught, self.labels = taught, tuple(labels)
        weights = taught.corpus.weights
        fit: dict[str, str] = {}
        for _, (given, origin) in read(taught.corpus, ("text", "origin"), root):
            text = normalise(given)
            if 0 < len(text) <= _MAX_CHARACTERS and weights.get(origin, taught.corpus.weight) > 0:
                fit.setdefault(text, origin)
        if not fit:
            raise InputError(f"{taught.corpus} has no texts")
        texts = list(fit)
        self._texts = [texts[i] for i in split_off(list(map(key, texts)), taught.rows or len(texts), seed=0)]
        given_lines = {"text": self._texts, "origin": [fit[text] for text in self._texts]}
        self._making = Making(directory, "label", given_lines, {"labels": list(labels)})

    def rows(self) -> Corpus:
        """What was made, as a corpus to train on. Raises InputError when it is not whole yet."""
        return self._making.corpus(self.taught.corpus.weights, self.taught.corpus.weight)

    def run(self, processes: int) -> None:
        """Label what is still to be labelled.

        Raises KeyboardInterrupt when told to stop, after the texts under way; CheckpointError, or InputError when the
        checkpoints are not those that labelled the texts so far, or know other classes.
        """
        if self._making.done() == len(self._texts):
            return
        versions = []
        for path in self.taught.checkpoints:
            checkpoint = open_checkpoint(Path(path), "sentiment")
            theirs = tuple(checkpoint.config["labels"])
            if theirs != self.labels:
                raise InputError(f"{path} knows the classes {', '.join(theirs)}; this run {', '.join(self.labels)}")
            versions.append(checkpoint.version)
        self._making.run(self._texts, {"checkpoints": versions}, _begin, (self.taught.checkpoints,), _label, processes)


_predictors: list[SentimentPredictor]


def _begin(checkpoints: Sequence[str]) -> None:
    """Load a process's classifiers."""
    global _predictors
    _predictors = [SentimentPredictor.load(Path(path)) for path in checkpoints]


def _label(texts: Sequence[str]) -> list[str]:
    said = [[list(result.scores.values()) for result in predictor.predict(texts)] for predictor in _predictors]
    return [soft_label(row) for row in np.mean(said, axis=0)]
