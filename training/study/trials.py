"""One trial of a study: train a member of the family on a task, and measure what it learnt and what it costs."""

import copy
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file
from torch import nn
from tqdm import tqdm

from inference.checkpoint import open_checkpoint
from training.cells import Cell, EchoState
from training.config import checked, data_root, merged, run_from
from training.data import Split, key, split_off
from training.errors import InputError
from training.fit import DivergedError, Trainer
from training.history import Record
from training.material import Places
from training.pipeline import Pipeline
from training.pipelines import pipeline
from training.sharing import locked
from training.study.config import CorpusTask, DrawnTask, Member, Trial
from training.study.gradient_flow import MEMORY, Flow, flow
from training.study.sequences import SEQUENCES, NextNumber, SequenceModel, Sequences, SequenceTask
from training.tasks import Batch, Held, Task

Result = dict[str, Any]
"""What is kept of a trial."""

_UNCLIPPED = 1e30
"""As the largest norm of a gradient: none."""
FLOW_ROWS = 16
"""Held-out rows on which gradients are followed back."""
_SOLVE_ROWS = 4000
"""Sequences that a reservoir's readout is fitted to."""
_DECODE_ROWS = 50
"""Held-out texts whose time is taken."""
_POINTS = 50
"""Of a curve that is kept."""


def run_drawn(task: DrawnTask, trial: Trial, member: Member, directory: Path) -> Result:
    """Train a member on sequences drawn at random."""
    sequences = SEQUENCES[task.kind](trial.length)

    def model(hidden: int) -> SequenceModel:
        return SequenceModel(sequences, member.cell, hidden, member.layers, bidirectional=member.bidirectional)

    hidden = largest_hidden(model, task.budget)
    torch.manual_seed(trial.seed)
    learner = SequenceTask(sequences, model(hidden))
    settle(learner.model, member)
    dev = Held("dev", [(str(number), "") for number in range(task.dev_rows)])
    batch = learner.collate(dev.rows[:FLOW_ROWS])
    top = f"layers.cells.{(member.layers - 1) * learner.model.layers.directions}"
    before = flow(learner, [batch])
    if learner.model.trained:
        shape = {"cell": member.cell, "hidden": hidden, "layers": member.layers, "bidirectional": member.bidirectional}
        settings = {"drawn": {"kind": task.kind, "length": trial.length, **shape}}
        outcome = _fit_drawn(learner, task, trial, member, dev, directory, settings)
    else:
        learner.solve(_SOLVE_ROWS, trial.seed)
        outcome = {"diverged": None, "updates": 0, "norms": []}
    learner.eval()
    score = learner.score(dev, 0.0)["score"]
    return {
        "hidden": hidden,
        **_sizes(learner.model),
        "score": score,
        "solved": sequences.solves(score),
        **outcome,
        **_curves(top, before, flow(learner, [batch])),
        "tokens_per_second": pace(learner, batch, len(batch.inputs) * sequences.steps),
        **({"errors": sequences.errors(learner.model)} if isinstance(sequences, NextNumber) else {}),
    }


class UntilSolved(Trainer):
    """Trains until the task is solved, or as long as the config says."""

    sequences: Sequences

    def _converged(self) -> bool:
        return super()._converged() or self.sequences.solves(self.progress.best_score)


def _fit_drawn(
    learner: SequenceTask,
    task: DrawnTask,
    trial: Trial,
    member: Member,
    dev: Held,
    directory: Path,
    settings: dict[str, Any],
) -> Result:
    """Fit, from the saved state if there is one, and leave the learner with its best weights, or with its first ones
    where no validation came before it broke.
    """
    start = copy.deepcopy(learner.model.state_dict())
    clip = task.fit.clip if member.clip else _UNCLIPPED
    fit = replace(task.fit, devices=1, precision="32-true", threads=1, clip=clip)
    rows = [("", "")] * 10_000  # Only how many there are counts, and that but for when an epoch ends.
    trainer = UntilSolved(learner, fit, directory, trial.seed, rows, np.ones(len(rows)), [dev], settings)
    trainer.sequences = learner.sequences
    broken = _breaks(trainer.run)
    best = directory / "best.safetensors"
    learner.model.load_state_dict(load_file(best) if best.exists() else start)
    return _course(_records(directory), broken)


def run_corpus(
    task: CorpusTask,
    trial: Trial,
    member: Member,
    directory: Path,
    base: tuple[Path, Mapping[str, Any]],
    splits: dict[str, tuple[Split, list[Held]]],
) -> Result:
    """Train a member as a variant of a run, `base`: its file and what is in it. `splits` keeps what was read."""
    path, values = base
    below = directory.parent
    run = checked(run_from, {**values, "name": trial.task}, path)
    places = Places(data_root(run, path), below, below / "tokenizers", below / "checkpoints")
    # Rows and vocabulary are the base's, of its own seed: the same for all members, whichever trial comes first.
    material = pipeline(run, places)
    if trial.task not in splits:
        splits[trial.task] = _slice(*material.splits, task.rows)
    material.splits = splits[trial.task]
    with locked(material.tokenizer_directory):
        material.subwords()
    layers = "layers" if task.kind == "sentiment" else "encoder_layers"
    shape = {"cell": member.cell, layers: member.layers, "bidirectional": member.bidirectional}
    fit = {"devices": 1, "precision": "32-true", "threads": 1, **({} if member.clip else {"clip": _UNCLIPPED})}

    def stages(hidden: int) -> Pipeline:
        changes = {"seed": trial.seed, "name": directory.name, "model": {**shape, "hidden": hidden}, "fit": fit}
        found = pipeline(checked(run_from, merged(dict(values), changes), path), places)
        found.tokenizer_directory, found.splits = material.tokenizer_directory, material.splits
        return found

    unit = 4 if task.kind == "translation" else 1  # A translator's heads divide H.
    tokenizers = material.tokenizers()
    hidden = largest_hidden(lambda h: stages(h).task(tokenizers).model, task.budget, unit)
    # The first layer of a decoder is what asks the memory; of a classifier the last is what is read.
    top = "decoder.cells.0" if unit > 1 else f"layers.cells.{(member.layers - 1) * (2 if member.bidirectional else 1)}"
    return {"hidden": hidden, **_fit_corpus(stages(hidden), trial.seed, member, top)}


def _slice(split: Split, dev: list[Held], rows: int) -> tuple[Split, list[Held]]:
    """A split cut to so many rows, chosen by their hash; 0: all."""
    chosen = split_off([key(first) for first, _ in split.rows], rows or len(split.rows), seed=0)
    return split.part(chosen), dev


def _fit_corpus(stages: Pipeline, seed: int, member: Member, top: str) -> Result:
    """Fit, export, and measure: the flow through the cell called `top`, and the time that serving takes."""
    split, dev = stages.splits
    torch.manual_seed(seed)
    task = stages.task(stages.tokenizers())
    settle(task.model, member)
    longest = sorted(dev[0].rows, key=lambda row: len(row[0]))[-FLOW_ROWS:]
    batches = [task.collate([row]) for row in longest]
    before = flow(task, batches)
    broken = _breaks(lambda: stages.train(task, stages.config.fit, stages.directory, split, dev, {}))
    records = _records(stages.directory)
    outcome = {**_sizes(task.model), **_course(records, broken)}
    if broken:
        return {**outcome, "score": None, "loss": None}
    scored = [record for record in records if "score" in record]
    best = max(scored, key=lambda record: (record["score"], -record["dev_loss"]))
    task.model.load_state_dict(load_file(stages.directory / "best.safetensors"))
    stages.export()
    return {
        **outcome,
        "score": best["score"],
        "loss": best["dev_loss"],
        **_curves(top, before, flow(task, batches)),
        "tokens_per_second": pace(task, task.collate(longest), int(task.lengths(longest).sum())),
        "decode_ms": _decode_ms(stages, [text for text, _ in dev[0].rows[:_DECODE_ROWS]]),
    }


def largest_hidden(make: Callable[[int], nn.Module], budget: int, unit: int = 1) -> int:
    """The largest H, a multiple of `unit`, with which `make(H)` has at most `budget` parameters."""

    def fits(units: int) -> bool:
        return sum(p.numel() for p in make(units * unit).parameters()) <= budget

    if not fits(1):
        raise InputError(f"a budget of {budget} parameters does not even hold H = {unit}: give more")
    low, high = 1, 2
    while fits(high):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low * unit


def settle(model: nn.Module, member: Member) -> None:
    """Give a model's reservoirs the radius and leak of a member, and its cells the weights that it begins with."""
    for module in model.modules():
        if isinstance(module, EchoState):
            module.settle(member.radius, member.leak)
        if isinstance(module, Cell) and member.uniform:
            for parameter in module.parameters():
                nn.init.uniform_(parameter, -(module.hidden_size**-0.5), module.hidden_size**-0.5)


def pace(task: Task, batch: Batch, tokens: int, seconds: float = 0.3) -> float:
    """Tokens that a second of processor time trains on: loss and gradients of a batch of so many, over and over."""
    task.train()
    rounds, began = 0, time.process_time()
    while not rounds or time.process_time() - began < seconds:
        task(batch).backward()
        task.zero_grad(set_to_none=True)
        rounds += 1
    return round(tokens * rounds / (time.process_time() - began))


def _decode_ms(stages: Pipeline, texts: list[str]) -> float:
    """Milliseconds of processor time that the exported model takes for a text, one after the other."""
    predictor = stages.predictor(open_checkpoint(stages.checkpoint_directory, stages.config.task))
    predictor.predict(texts[:1])
    began = time.process_time()
    for text in texts:
        predictor.predict([text])
    return round(1000 * (time.process_time() - began) / len(texts), 2)


def _breaks(train: Callable[[], None]) -> Record | None:
    """Train; the record of the update whose loss or gradient came out as no number, if one did: a result too."""
    try:
        train()
    except DivergedError as error:
        tqdm.write(f"diverged: {error}")
        return error.record
    return None


def _sizes(model: nn.Module) -> dict[str, int]:
    return {
        "parameters": sum(p.numel() for p in model.parameters()),
        "trained": sum(p.numel() for p in model.parameters() if p.requires_grad),
    }


def _records(directory: Path) -> list[Record]:
    lines = directory / "history.jsonl"
    return [json.loads(line) for line in lines.read_text(encoding="utf-8").splitlines()] if lines.exists() else []


def _course(records: list[Record], broken: Record | None) -> Result:
    """How a fit went: its updates; the largest norms, before clipping, of stretches of them; what it broke of, if."""
    last = [broken] if broken and broken["largest_gradient_norm"] else []
    # A record's norm is the largest of all updates since the record before it.
    pairs = [(int(record["update"]), record["largest_gradient_norm"]) for record in (*records, *last)]
    parts = np.array_split(np.arange(len(pairs)), min(_POINTS, len(pairs))) if pairs else []
    return {
        "updates": int((broken or records[-1])["update"]),
        "norms": [max((pairs[i] for i in part), key=lambda pair: pair[1]) for part in parts],
        # As text: JSON has no word for what is no number.
        "diverged": broken
        and {name: f"{broken[key]:.3g}" for name, key in (("loss", "train_loss"), ("norm", "gradient_norm"))},
    }


def _curves(top: str, before: Flow, after: Flow) -> Result:
    """The flow through the cell called `top`, and along its memory if it has one, at some of the distances."""
    chosen = np.unique(np.linspace(0, len(before[top]) - 1, _POINTS).round().astype(int))

    def curves(name: str) -> Result:
        times = {"first": before[name], "last": after[name]}
        norms = {when: [float(f"{found[i]:.4g}") for i in chosen] for when, found in times.items()}
        return {"distance": chosen.tolist(), **norms}

    memory = {"memory": curves(f"{top}{MEMORY}")} if f"{top}{MEMORY}" in before else {}
    return {"flow": curves(top), **memory}
