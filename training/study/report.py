"""The report of a study, in Markdown with pictures, written from its results alone."""

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from inference.files import write_atomically
from training.cells import cell_class
from training.study.config import DrawnTask, Member
from training.study.findings import findings
from training.study.outcomes import NOTHING, Outcomes, interval
from training.study.plots import TEXT_QUALITY, pictures
from training.study.sequences import SEQUENCES
from training.study.trials import FLOW_ROWS

_ABOUT = {
    "next_number": "1 2 3 4 -> 5: even rows of numbers that begin below 100 and go up in steps of 1, 2 or 3.",
    "adding": "The sum of the two marked numbers of a sequence; always to answer 1 has an error of 0.167.",
    "copy": "Ten symbols of eight, to be said again after so many blanks: the length, to which come twenty steps of "
    "symbols. Guessing has 12.5 % right.",
    "sentiment": "A classifier of texts; the best validation on the dev set.",
    "translation": "A translator; the best validation on the dev set, decoded greedily.",
}

_TEXTS = (
    "The gradient is followed through time alone: pooling and attention are short cuts, by which more of it arrives. "
    "Served is what is exported: layers of the LSTM kind that read a text compute in int8, those of other cells in "
    "floats, and a rectified network does so throughout, so that the milliseconds do not compare the cells alone."
)


def write_report(outcomes: Outcomes, config: str, report: Path) -> None:
    """Write REPORT.md, and its pictures into REPORT/."""
    report.mkdir(parents=True, exist_ok=True)
    drawn = pictures(outcomes)
    for name, figure in drawn.items():
        # By the format's name: the file is written beside its place, under another ending.
        write_atomically(report / name, lambda path, f=figure: f.savefig(path, dpi=90, format="png"))  # type: ignore[misc]
    parts = [_head(outcomes, config), _members(outcomes), _findings(outcomes)]
    for task in outcomes.tasks:
        images = [f"![{name}]({report.name}/{name})" for name in drawn if name.startswith((f"{task}.", f"{task}-"))]
        parts.append("\n\n".join([f"## {task}", _about(outcomes, task), table(outcomes, task), *images]))
    text = "\n\n".join(parts) + "\n"
    write_atomically(report.with_suffix(".md"), lambda path: path.write_text(text, encoding="utf-8"))


def _head(outcomes: Outcomes, config: str) -> str:
    results = outcomes.results.values()
    planned = len(outcomes.config.trials())
    hours = sum(result["seconds"] for result in results) / 3600
    spent = f"{hours:.1f} hours" if hours >= 1 else f"{60 * hours:.0f} minutes"
    machines, commits = ("; ".join(sorted({result[name] for result in results})) for name in ("machine", "commit"))
    whole = "all of them" if len(results) == planned else f"of {planned}: **the others are not done yet**"
    return f"""# The recurrent family, side by side

Written by `python -m training study training/configs/{config}` from its own results, {len(results)} trainings, {whole}.
They took {spent} of processor time in all, what was stopped and taken up again included ({machines}; commit {commits}).

How to read it:

- A member of a task has as many units (H) as its budget of parameters holds. A layer that reads both ways has H in each
  direction, but in a translator's encoder H in both together.
- A number is a mean over the seeds, the numbers that each training begins with, ± what the true mean lies within in 95
  of 100 such studies (Student's t). What is "within noise" is not told apart.
- Scores are of held-out rows, which were not trained on: the dev set. BLEU is how much of a translation's words and
  rows of words a person's has too; perplexity, among how many subwords the model seems to choose the next one.
- A training on drawn sequences ends at the first validation at which they count as solved: so the error of who solved
  it ranks nobody, and updates are those to there, of the seeds that came there. It breaks when its loss or gradient is
  no number any more; what broke before the first validation has learnt nothing, and has no score.
- Where nothing but the readout is trained (`esn`), it is solved for at once (ridge regression), in 0 updates.
- A gradient is followed through the states of one cell: of the last layer, forwards; of a translator, the decoder's
  first. Other layers and directions are other ways back, so that little left there does not say that none arrives.
  Means of shares are geometric; shares below {NOTHING:g} are taken for that.
- Tokens a second are those of the batch that gradients are followed through (steps of {FLOW_ROWS} sequences, or
  subwords of the {FLOW_ROWS} longest dev texts, both sides of a translation), for which loss and gradients, but no
  update, are computed over and over: per second of processor time, on one thread, the fastest seed's, since what else
  a machine does makes the others slower. They compare what is to be had here, not the cells, of which some go step by
  step in Python."""


def _members(outcomes: Outcomes) -> str:
    """Who takes part: how each is used, and what its cell says of itself."""
    rows = [
        (f"`{name}`", _use(member), (cell_class(member.cell).__doc__ or "").partition("\n")[0])
        for name, member in outcomes.config.members.items()
        if any(trial.member == name for trial in outcomes.results)
    ]
    head = ["member", "used", "its cell, in the words of `training/cells.py`"]
    return "\n".join(["## Who takes part", "", _row(head), "|---" * len(head) + "|", *map(_row, rows)])


def _use(member: Member) -> str:
    said = (
        "both ways" if member.bidirectional else "",
        f"{member.layers} layers" if member.layers > 1 else "",
        "" if member.clip else "gradients not clipped",
        "W and U drawn from ±1/√H" if member.uniform else "",
        f"radius {member.radius:g}, leak {member.leak:g}" if not cell_class(member.cell).trained else "",
    )
    return ", ".join(filter(None, said))


def _findings(outcomes: Outcomes) -> str:
    """What came out, under headings."""
    parts = ["## What came out"]
    for heading, sentences in findings(outcomes).items():
        parts += [f"### {heading}", "\n".join(f"- {sentence}" for sentence in sentences)]
    return "\n\n".join(parts)


def _about(outcomes: Outcomes, task: str) -> str:
    one = outcomes.config.tasks[task]
    seeds = f"Seeds {', '.join(map(str, one.seeds))}; at most {one.budget:,} parameters."
    if isinstance(one, DrawnTask):
        kind = SEQUENCES[one.kind]
        solved = f"{kind.sign * kind.solved:g}"
        bound = "at most" if kind.sign < 0 else "at least"
        goal = f"Solved: {kind.quality}, {bound} {solved}, on {one.dev_rows} held-out sequences."
        more = f"At most {one.fit.updates:,} updates of {one.fit.batch_tokens} new sequences, Adam at {one.fit.rate:g}."
    else:
        goal = f"Config: `{one.base}`." + (f" {one.rows:,} of its training rows." if one.rows else "")
        more = _TEXTS
    return " ".join(filter(None, (one.about, _ABOUT[one.kind], goal, seeds, more)))


def table(outcomes: Outcomes, task: str) -> str:
    """A row a member: its size, how good it is at each length, and what it costs at the longest."""
    one = outcomes.config.tasks[task]
    lengths = outcomes.lengths(task)
    head = ["member", "H", "parameters (trained)"]
    if isinstance(one, DrawnTask):
        head += [f"{SEQUENCES[one.kind].quality}, length {n}; solved; after updates" for n in lengths]
        head += ["tokens/s"]
    else:
        head += [TEXT_QUALITY[one.kind], *(["dev perplexity"] if one.kind == "translation" else [])]
        head += ["training tokens/s", "ms a text, served"]
    rows = [_cells(outcomes, task, lengths, member) for member in outcomes.members(task)]
    return "\n".join([_row(head), "|---" * len(head) + "|", *map(_row, rows)])


def _cells(outcomes: Outcomes, task: str, lengths: Sequence[int], member: str) -> list[str]:
    results = outcomes.of(task, lengths[-1], member) or outcomes.of(task, lengths[0], member)
    sizes = f"{results[0]['parameters']:,} ({results[0]['trained']:,})"
    cells = [f"`{member}`", str(results[0]["hidden"]), sizes]
    if isinstance(outcomes.config.tasks[task], DrawnTask):
        cells += [_drawn_cell(outcomes, task, length, member) for length in lengths]
        return [*cells, _pace(results)]
    cells.append(str(interval(outcomes.quality(task, 0, member))))
    if outcomes.config.tasks[task].kind == "translation":
        cells.append(str(interval([math.exp(loss) for loss in outcomes.values(task, 0, member, "loss")])))
    milliseconds = [result["decode_ms"] for result in results if result.get("decode_ms") is not None]
    return [*cells, _pace(results), f"{min(milliseconds):.1f}" if milliseconds else "–"]


def _drawn_cell(outcomes: Outcomes, task: str, length: int, member: str) -> str:
    found = outcomes.of(task, length, member)
    if not found:
        return "–"
    quality, pace = outcomes.quality(task, length, member), outcomes.pace(task, length, member)
    after = f"{np.mean(pace):,.0f}" if pace else "–"
    said = f"{interval(quality) if quality else '–'}; {outcomes.solved(task, length, member)}; {after}"
    broken = len(outcomes.broken(task, length, member))
    return said + (f"; {broken} broke" if broken else "")


def _pace(results: list[dict[str, Any]]) -> str:
    return f"{max(result['tokens_per_second'] for result in results):,.0f}"


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
