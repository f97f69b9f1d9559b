"""The pictures of a study."""

from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from training.cells import CELLS
from training.study.config import DrawnTask, Member
from training.study.outcomes import Outcomes, interval
from training.study.sequences import SEQUENCES, NextNumber

TEXT_QUALITY = {"sentiment": "dev accuracy, %", "translation": "dev BLEU"}


def pictures(outcomes: Outcomes) -> dict[str, Figure]:
    """File -> picture, of everything there is a result of."""
    found: dict[str, Figure] = {}
    for task in outcomes.tasks:
        kind = outcomes.config.tasks[task].kind
        if len(outcomes.lengths(task)) > 1:
            found[f"{task}.png"] = _by_length(outcomes, task)
        elif kind in TEXT_QUALITY:
            found[f"{task}.png"] = _by_member(outcomes, task)
        if kind == "next_number":
            found[f"{task}-beyond.png"] = _beyond(outcomes, task)
        if any("flow" in result for trial, result in outcomes.results.items() if trial.task == task):
            found[f"{task}-flow.png"] = _flow(outcomes, task)
            if kind == "adding" and len(outcomes.lengths(task)) > 1:
                found[f"{task}-gates.png"] = _gates(outcomes, task)
        if unclipped(outcomes, task):
            found[f"{task}-norms.png"] = _norms(outcomes, task)
    return found


def unclipped(outcomes: Outcomes, task: str) -> list[tuple[str, str]]:
    """Members of a task that are the same but for clipping: with and without it."""
    members = outcomes.config.members
    there = outcomes.members(task)
    return [(one, other) for one in there for other in there if members[one] != members[other] == _loose(members[one])]


def _loose(member: Member) -> Member:
    """The member without clipping."""
    return replace(member, clip=False)


def _figure(panels: int = 1, rows: int = 1) -> tuple[Figure, list[Axes]]:
    figure = Figure(figsize=(6.5 * panels + 2, 4.5 * rows), layout="constrained")
    return figure, list(figure.subplots(rows, panels, squeeze=False).flat)


def _style(outcomes: Outcomes, member: str) -> dict[str, Any]:
    """A cell has its colour, its variants other lines and marks; the same in every picture."""
    m = outcomes.config.members[member]
    cells = list(dict.fromkeys(each.cell for each in outcomes.config.members.values()))
    even = (0, (6, 2, 1, 2, 1, 2))
    line = ":" if not m.clip else even if m.uniform else "--" if m.bidirectional else "-." if m.layers > 1 else "-"
    mark = "x" if not m.clip else "v" if m.uniform else "s" if m.bidirectional else "^" if m.layers > 1 else "o"
    colour = colormaps["tab10"](cells.index(m.cell) % 10)
    return {"color": colour, "linestyle": line, "marker": mark, "markersize": 4, "label": member}


def _finish(figure: Figure, axes: list[Axes]) -> Figure:
    for each in axes:
        each.grid(alpha=0.3)
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right center", fontsize="small")
    return figure


def _by_length(outcomes: Outcomes, task: str) -> Figure:
    """Quality against the sequence's length."""
    figure, (axes,) = _figure()
    _draw_lengths(axes, outcomes, task, outcomes.members(task))
    return _finish(figure, [axes])


def _draw_lengths(axes: Axes, outcomes: Outcomes, task: str, members: list[str]) -> None:
    """Quality against the sequence's length, with the seeds' interval; that of an error is taken of its logarithm."""
    lengths, kind = outcomes.lengths(task), SEQUENCES[outcomes.config.tasks[task].kind]
    for number, member in enumerate(members):
        shift = 0.2 * (number / len(members) - 0.5)  # Beside each other, to be told apart.
        values = [outcomes.quality(task, length, member) for length in lengths]
        found = [interval(np.log(v).tolist() if kind.sign < 0 else v) for v in values]
        middle, half = np.array([i.mean for i in found]), np.nan_to_num([i.half for i in found])
        ends = [middle - half, middle, middle + half]
        # A share of a hundred is not more than that, whatever an interval says.
        low, mean, high = np.exp(ends) if kind.sign < 0 else np.clip(ends, 0, 100)
        places = np.arange(len(lengths)) + shift
        axes.errorbar(places, mean, [mean - low, high - mean], capsize=2, linewidth=1, **_style(outcomes, member))
    if kind.sign < 0:
        axes.set_yscale("log")
    axes.set_xticks(range(len(lengths)), list(map(str, lengths)))
    axes.axhline(kind.sign * kind.solved, color="black", linewidth=0.8, linestyle="--")
    axes.set(xlabel="length", title=f"{task}: dashed, where it counts as solved")
    axes.set_ylabel(kind.quality + (" (geometric mean)" if kind.sign < 0 else ""))


def _gates(outcomes: Outcomes, task: str) -> Figure:
    """The cells as such, one layer and one direction: what they can do, beside what is left of their gradients."""
    members = outcomes.members(task)
    plain = [name for name in map(outcomes.plain, CELLS) if name in members]
    figure, (quality, flow) = _figure(2)
    _draw_lengths(quality, outcomes, task, plain)
    _draw_flow(flow, outcomes, task, plain, "last")
    return _finish(figure, [quality, flow])


def _by_member(outcomes: Outcomes, task: str) -> Figure:
    """Quality of each member, with the seeds' interval."""
    figure, (axes,) = _figure()
    members = outcomes.members(task)
    for place, member in enumerate(members):
        found = interval(outcomes.quality(task, 0, member))
        axes.errorbar([found.mean], [place], xerr=np.nan_to_num([found.half]), capsize=3, **_style(outcomes, member))
    axes.set_yticks(range(len(members)), members)
    axes.invert_yaxis()
    axes.set(xlabel=TEXT_QUALITY[outcomes.config.tasks[task].kind], title=f"{task}: mean and 95 % interval over seeds")
    axes.grid(alpha=0.3)
    return figure


def _beyond(outcomes: Outcomes, task: str) -> Figure:
    """The error of the next number, within and beyond what was learnt from."""
    figure, (axes,) = _figure()
    for member in outcomes.members(task):
        errors = [r["errors"] for r in outcomes.of(task, outcomes.lengths(task)[-1], member)]
        starts = [int(low) + 25 for low in errors[0]]
        mean = np.mean([list(e.values()) for e in errors], axis=0)
        axes.plot(starts, np.maximum(mean, 1e-3), **_style(outcomes, member))
    axes.axvspan(0, NextNumber.below, color="grey", alpha=0.15)
    axes.axhline(0.5, color="black", linewidth=0.8, linestyle="--")
    axes.set_yscale("log")
    axes.set(
        xlabel="first number of the row",
        ylabel="mean error (0.001: so much or less)",
        title="grey: learnt from; above the dashed line more than 0.5 off",
    )
    return _finish(figure, [axes])


_TIMES = {"first": "at initialisation", "last": "after training"}
_WAYS = {"flow": "h", "memory": "c"}


def _flow(outcomes: Outcomes, task: str) -> Figure:
    """What is left of gradients before and after training: through h, and below along c, of the cells that have one."""
    remembers = any("memory" in result for trial, result in outcomes.results.items() if trial.task == task)
    ways = list(_WAYS)[: 1 + remembers]
    figure, panels = _figure(len(_TIMES), len(ways))
    for axes, (way, when) in zip(panels, product(ways, _TIMES), strict=True):
        _draw_flow(axes, outcomes, task, outcomes.members(task), when, way)
    return _finish(figure, panels)


def _draw_flow(axes: Axes, outcomes: Outcomes, task: str, members: list[str], when: str, way: str = "flow") -> None:
    """The share of the gradient that is left so many steps before the last."""
    length = outcomes.lengths(task)[-1]
    where = f", length {length}" if isinstance(outcomes.config.tasks[task], DrawnTask) else ""
    for member in members:
        distance, left = outcomes.flow(task, length, member, when, way)
        if len(left):
            axes.plot(distance, left, linewidth=1.2, **{**_style(outcomes, member), "marker": ""})
    axes.set_yscale("log")
    axes.set(title=f"{task}{where}: {_TIMES[when]}", xlabel="steps before the last state")
    axes.set_ylabel(f"share of the gradient of {_WAYS[way]} that is left")


def _norms(outcomes: Outcomes, task: str) -> Figure:
    """The gradient's norm before clipping against the update, with and without clipping; the first seed's."""
    figure, (axes,) = _figure()
    length = outcomes.lengths(task)[-1]
    for member in dict.fromkeys(name for pair in unclipped(outcomes, task) for name in pair):
        points: list[tuple[int, float]] = next(
            (r["norms"] for r in outcomes.of(task, length, member) if r["norms"]), []
        )
        axes.plot([u for u, _ in points], [n for _, n in points], **_style(outcomes, member))
    axes.set_yscale("log")
    where = f", length {length}" if length else ""
    axes.set(xlabel="update", ylabel="norm of the gradient, before clipping", title=f"{task}{where}: the first seed")
    return _finish(figure, [axes])
