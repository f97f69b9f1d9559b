"""Probabilities that mean what they say: a temperature for each language, and the plot that shows it."""

from collections.abc import Sequence
from io import BytesIO

import numpy as np
from matplotlib.figure import Figure

from inference.decoding import Array

_FEWEST = 50
"""Texts from which a temperature can be told."""
_SPREAD = 0.5
"""What is thought of a temperature before any text is seen: its logarithm's standard deviation, around 0. Without it a
few texts that are all right would make a classifier certain of everything; of thousands it changes nothing."""


def temperature(log_probs: Array, labels: Array) -> float:
    """The likeliest temperature T for softmax(log_probs / T) to give the labels (Guo et al. 2017, section 4.2; the mode
    of its posterior under a log-normal prior around 1).

    `log_probs (N, C)`, -inf for a class that cannot be; `labels (N,)` the true classes' numbers. From 0.1 to 10.
    """
    low, high = np.log(0.1), np.log(10)
    # The likelihood has one maximum, being that of a logistic regression in 1/T: narrow the interval by thirds.
    for _ in range(60):
        first, second = low + (high - low) / 3, high - (high - low) / 3
        if _loss(log_probs, labels, np.exp(first)) < _loss(log_probs, labels, np.exp(second)):
            high = second
        else:
            low = first
    return float(np.exp((low + high) / 2))


def _loss(log_probs: Array, labels: Array, heat: float) -> float:
    scaled = log_probs / heat
    likelihood = np.logaddexp.reduce(scaled, axis=1) - scaled[np.arange(len(labels)), labels]
    return float(likelihood.sum() + (np.log(heat) / _SPREAD) ** 2 / 2)


def temperatures(log_probs: Array, labels: Array, languages: Sequence[str]) -> dict[str, float]:
    """The temperature of each language that has enough texts."""
    found = {}
    for language in sorted(set(languages)):
        rows = np.array([each == language for each in languages])
        if rows.sum() >= _FEWEST:
            found[language] = round(temperature(log_probs[rows], labels[rows]), 4)
    return found


def reliability_plot(sets: dict[str, tuple[Array, Array]], bins: int = 10) -> bytes:
    """A PNG of how often each set's predictions are right `(N,)` against how sure they are `(N,)` (Guo et al. 2017,
    figure 1).
    """
    figure = Figure(figsize=(5, 5), layout="tight")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="grey", linestyle=":", label="as sure as right")
    for name, (confidence, right) in sets.items():
        index = np.minimum((confidence * bins).astype(int), bins - 1)
        points = [(confidence[index == b].mean(), right[index == b].mean()) for b in np.unique(index)]
        axes.plot(*zip(*points, strict=True), marker="o", markersize=4, label=name)
    axes.set(xlabel="how sure", ylabel="how often right", xlim=(0.3, 1), ylim=(0.3, 1))
    axes.legend(fontsize="small")
    image = BytesIO()
    figure.savefig(image, format="png", dpi=100)
    return image.getvalue()
