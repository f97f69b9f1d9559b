"""Plots: a line for each contender, or a bar."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator


def draw(
    panels: Sequence[tuple[str, Sequence[dict[str, Any]]]], x: str, y: str, labels: tuple[str, str], path: Path
) -> None:
    """Draw results side by side, a panel for each title: what stands under `y` against what stands under `x`."""
    figure = Figure(figsize=(6 * len(panels), 4.5), layout="tight")
    for axes, (title, results) in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
        lines(axes, results, x, y)
        axes.set(title=title, xlabel=labels[0], ylabel=labels[1])
    figure.savefig(path, dpi=110)


def lines(axes: Axes, results: Sequence[dict[str, Any]], x: str, y: str) -> None:
    """A line for each contender: what stands under `y` against what stands under `x`, both on a log scale."""
    for name in dict.fromkeys(result["contender"] for result in results):
        points = [(result[x], result[y]) for result in results if result["contender"] == name]
        axes.plot(*zip(*points, strict=True), marker="o", label=name)
    places = sorted({result[x] for result in results})
    axes.set(xscale="log", yscale="log")
    axes.set_xticks(places, labels=[str(place) for place in places])
    axes.minorticks_off()
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.grid(alpha=0.3)
    axes.legend(fontsize="small")


def bars(results: Sequence[dict[str, Any]], x: str, label: str, path: Path) -> None:
    """Draw what stands under `x`, a bar for each contender, with its number."""
    figure = Figure(figsize=(8, 1 + 0.5 * len(results)), layout="tight")
    axes = figure.subplots()
    drawn = axes.barh([result["contender"] for result in results], [result[x] for result in results])
    axes.bar_label(drawn, padding=3)
    axes.invert_yaxis()
    axes.set_xlabel(label)
    axes.margins(x=0.1)
    axes.grid(axis="x", alpha=0.3)
    figure.savefig(path, dpi=110)
