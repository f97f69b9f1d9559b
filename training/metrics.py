"""What a score is made of: BLEU and chrF with sacrebleu's signatures; accuracy, macro-F1 and calibration."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF

from inference.decoding import has_loop


def translation_metrics(outputs: Sequence[str], references: Sequence[str]) -> dict[str, Any]:
    """BLEU and chrF of detokenised text, each with the signature that says how it was computed."""
    metrics: dict[str, Any] = {}
    for name, metric in (("bleu", BLEU()), ("chrf", CHRF())):
        score = metric.corpus_score(list(outputs), [list(references)])
        metrics[name] = round(score.score, 2)
        metrics[f"{name}_signature"] = str(metric.get_signature())
    return metrics


def is_odd(source: str, output: str) -> bool:
    """Whether a translation turns in a loop where its source does not, or has under 0.5 or over 2.5 times as many
    characters. Between English and Vietnamese neither happens to a good one, but for a word or two.
    """
    loops, loops_too = (has_loop(text.lower().split()) for text in (output, source))
    return (loops and not loops_too) or not 0.5 <= len(output) / max(1, len(source)) <= 2.5


def expected_calibration_error(confidence: np.ndarray, right: np.ndarray, bins: int = 15) -> float:
    """The mean gap of confidence `(N,)` and accuracy `(N,)` over equal bins (Guo et al. 2017, equation 3)."""
    index = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = [
        abs(confidence[index == b].mean() - right[index == b].mean()) * (index == b).mean() for b in np.unique(index)
    ]
    return float(sum(gaps))


def macro_f1(predicted: Sequence[str], true: Sequence[str], labels: Sequence[str]) -> float:
    """The mean over `labels` of the harmonic mean of precision and recall; a label that is nowhere is left out."""
    scores = []
    for label in labels:
        hits = sum(p == t == label for p, t in zip(predicted, true, strict=True))
        total = list(predicted).count(label) + list(true).count(label)
        if total:
            scores.append(2 * hits / total)
    return float(np.mean(scores))


def sentiment_metrics(scores: Sequence[dict[str, float]], true: Sequence[str]) -> dict[str, Any]:
    """Accuracy, macro-F1 and expected calibration error, in percent, of `scores` (label -> probability) a text.

    A set that has not all labels, such as one of praise and blame alone, is scored on those that it has, their
    probabilities made to sum to 1; `outside` is the percentage of its texts that the classifier would give another.
    """
    labels = [label for label in scores[0] if label in set(true)]
    outside = np.mean([max(s, key=lambda label: s[label]) not in labels for s in scores])
    scores = [{label: s[label] / sum(s[each] for each in labels) for label in labels} for s in scores]
    predicted = [max(s, key=lambda label: s[label]) for s in scores]
    right = np.array([p == t for p, t in zip(predicted, true, strict=True)], dtype=float)
    confidence = np.array([s[p] for s, p in zip(scores, predicted, strict=True)])
    return {
        "accuracy": round(100 * float(right.mean()), 2),
        "macro_f1": round(100 * macro_f1(predicted, true, labels), 2),
        "ece": round(100 * expected_calibration_error(confidence, right), 2),
        "outside": round(100 * float(outside), 2),
    }
