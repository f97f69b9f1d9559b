"""What a score is made of: BLEU and chrF with sacrebleu's signatures; accuracy, macro-F1 and calibration."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF


def bleu_tokens(language: str) -> str:
    """What BLEU counts in a language, as sacrebleu calls it: words, or characters where no blanks are between words."""
    return {"zh": "zh", **dict.fromkeys(("ja", "th", "lo", "km", "my"), "char")}.get(language, "13a")


def translation_metrics(outputs: Sequence[str], references: Sequence[str], language: str = "") -> dict[str, Any]:
    """BLEU and chrF of detokenised text, each with the signature that says how it was computed."""
    metrics: dict[str, Any] = {}
    for name, metric in (("bleu", BLEU(tokenize=bleu_tokens(language))), ("chrf", CHRF())):
        score = metric.corpus_score(list(outputs), [list(references)])
        metrics[name] = round(score.score, 2)
        metrics[f"{name}_signature"] = str(metric.get_signature())
    return metrics


def expected_calibration_error(confidence: np.ndarray, right: np.ndarray, bins: int = 15) -> float:
    """The mean gap of confidence `(N,)` and accuracy `(N,)` over equal bins (Guo et al. 2017, equation 3)."""
    index = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = [
        abs(confidence[index == b].mean() - right[index == b].mean()) * (index == b).mean() for b in np.unique(index)
    ]
    return float(sum(gaps))


def macro_f1(predicted: np.ndarray, true: np.ndarray) -> float:
    """The mean over classes, which are numbers, of the harmonic mean of precision and recall; one that is nowhere is
    left out.
    """
    count = int(max(predicted.max(), true.max())) + 1
    hits = np.bincount(true[predicted == true], minlength=count)
    total = np.bincount(predicted, minlength=count) + np.bincount(true, minlength=count)
    return float((2 * hits[total > 0] / total[total > 0]).mean())


def among(scores: Sequence[dict[str, float]], true: Sequence[str]) -> list[dict[str, float]]:
    """Probabilities of the labels that a set has, made to sum to 1."""
    labels = [label for label in scores[0] if label in set(true)]
    return [{label: s[label] / sum(s[each] for each in labels) for label in labels} for s in scores]


def judged(scores: Sequence[dict[str, float]], true: Sequence[str]) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Of each text the likeliest label, how sure that is `(N,)`, and whether it is right `(N,)`."""
    predicted = [max(s, key=lambda label: s[label]) for s in scores]
    confidence = np.array([s[p] for s, p in zip(scores, predicted, strict=True)])
    return predicted, confidence, np.array([p == t for p, t in zip(predicted, true, strict=True)], dtype=float)


def sentiment_metrics(scores: Sequence[dict[str, float]], true: Sequence[str]) -> dict[str, Any]:
    """Accuracy, macro-F1 and expected calibration error, in percent, of `scores` (label -> probability) a text, each
    with half of its 95 % interval (`_pm`, by the bootstrap); and the accuracy on the 90 % of which it is surest.

    A set that has not all labels, such as one of praise and blame alone, is scored on those that it has, their
    probabilities made to sum to 1; `outside` is the percentage of its texts that the classifier would give another.
    """
    labels = [label for label in scores[0] if label in set(true)]
    outside = np.mean([max(s, key=lambda label: s[label]) not in labels for s in scores])
    scores = among(scores, true)
    predicted, confidence, right = judged(scores, true)
    guess, truth = (np.array([labels.index(each) for each in names]) for names in (predicted, true))

    def measure(rows: np.ndarray) -> tuple[float, float, float]:
        accuracy = float(right[rows].mean())
        return accuracy, macro_f1(guess[rows], truth[rows]), expected_calibration_error(confidence[rows], right[rows])

    rng = np.random.default_rng(0)
    count = len(right)
    drawn = np.array([measure(rng.integers(0, count, count)) for _ in range(_RESAMPLES)])
    halves = (np.quantile(drawn, 0.975, axis=0) - np.quantile(drawn, 0.025, axis=0)) / 2
    metrics: dict[str, Any] = {}
    for name, value, half in zip(("accuracy", "macro_f1", "ece"), measure(np.arange(count)), halves, strict=True):
        metrics |= {name: round(100 * value, 2), f"{name}_pm": round(100 * float(half), 2)}
    surest = np.argsort(-confidence, kind="stable")[: math.ceil(0.9 * count)]
    metrics["accuracy_at_90"] = round(100 * float(right[surest].mean()), 2)
    metrics["outside"] = round(100 * float(outside), 2)
    return metrics


_RESAMPLES = 300
