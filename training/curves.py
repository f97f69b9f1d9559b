"""The curves of a run: one PNG from its history."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.figure import Figure

matplotlib.use("Agg")

PANELS = (("loss", "training and dev loss"), ("score", "dev score"), ("rate", "learning rate"), ("gradient_norm", "gradient norm"))


def plot(history: Sequence[dict[str, Any]], path: Path) -> None:
    """Draw loss, score, learning rate and gradient norm against the update, and write a PNG.

    A record is `{"update": n, name: value, ...}`; a series belongs to the panel that its name ends with.
    """
    figure = Figure(figsize=(11, 7), layout="constrained")
    for axes, (panel, title) in zip(figure.subplots(2, 2).flat, PANELS, strict=True):
        for name in sorted({k for record in history for k in record if k.endswith(panel)}):
            points = [(r["update"], r[name]) for r in history if name in r]
            axes.plot(*zip(*points, strict=True), label=name, marker="." if len(points) < 40 else "")
            axes.legend()
        axes.set(title=title, xlabel="update")
        axes.grid(alpha=0.3)
    figure.savefig(path, dpi=100)
