"""The training loop: clip, schedule, average, validate, stop early, and resume exactly.

Everything random in an update is a function of (seed, update) or (seed, epoch), and a saved state holds everything
else. So a run that was killed and started again goes through the same batches to the same weights.
"""

import json
import math
import os
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import torch
from lightning.fabric import Fabric
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel
from torch.utils.tensorboard import SummaryWriter
from tqdm import tqdm

from training.curves import plot
from training.data import Array, buckets, epoch_rows
from training.errors import InputError
from training.tasks import Held


@dataclass(frozen=True)
class FitConfig:
    """How long and how fast a model learns."""

    updates: int
    """Optimiser steps in all."""
    batch_tokens: int = 3000
    """Padded tokens in a batch."""
    accumulate: int = 1
    """Batches an update, shared among the devices: the devices' number must divide it."""
    rate: float = 1e-3
    """Peak learning rate of Adam."""
    warmup: int = 400
    """Updates over which the rate rises from 0."""
    decay: int = 0
    """Last updates, over which the rate falls to 0 in a line; 0: the second half of the run."""
    betas: tuple[float, float] = (0.9, 0.98)
    weight_decay: float = 0.0
    clip: float = 1.0
    """The largest norm of the whole gradient (Pascanu et al. 2013)."""
    average: float = 0.999
    """Decay of the running average of the weights, which is what is validated and kept; 0: none."""
    validate_every: int = 1000
    save_every: int = 500
    log_every: int = 50
    patience: int = 0
    """Stop after so many validations without a better score; 0: never."""
    precision: Literal["auto", "32-true", "bf16-mixed"] = "auto"
    """auto: bf16 where the device computes in it, else fp32."""
    accelerator: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    devices: int = 1
    """Processes that share each update."""
    threads: int = 0
    """Threads a process computes with, on the CPU; 0: as torch chooses."""

    def __post_init__(self) -> None:
        for name in ("updates", "batch_tokens", "accumulate", "validate_every", "save_every", "log_every", "devices"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}: give 1 or more")
        if self.accumulate % self.devices:
            raise ValueError(f"accumulate ({self.accumulate}) is not a multiple of devices ({self.devices})")
        if self.rate <= 0 or self.clip <= 0:
            raise ValueError(f"rate {self.rate} and clip {self.clip} must be above 0")
        if not 0 <= self.average < 1:
            raise ValueError(f"average is {self.average}: give at least 0 and less than 1")

    def rate_at(self, update: int) -> float:
        """The learning rate of an update (the first is 0): warm-up, a plateau, then a line down to 0."""
        decay = self.decay or self.updates // 2
        return self.rate * min((update + 1) / max(1, self.warmup), (self.updates - update) / max(1, decay), 1.0)


class Task(Protocol):
    """What the loop needs of a task, which is also the module that it trains (see `training.tasks`)."""

    def encode(self, rows: Sequence[tuple[str, str]]) -> tuple[list[Any], Array]: ...
    def collate(self, items: Sequence[Any]) -> tuple[Tensor, ...]: ...
    def count(self, lengths: Array) -> int: ...
    def score(self, held: Held) -> dict[str, float]: ...


def precision_for(config: FitConfig) -> str:
    """`config.precision`, with auto resolved for this machine."""
    if config.precision != "auto":
        return config.precision
    cuda = config.accelerator in ("auto", "cuda") and torch.cuda.is_available()
    fast = torch.cuda.is_bf16_supported() if cuda else torch.cpu._is_avx512_bf16_supported()
    # Where bf16 is emulated it is many times slower than fp32, so a guess is not harmless.
    return "bf16-mixed" if fast else "32-true"


class Batches:
    """The endless stream of batches of row numbers, at (epoch, position)."""

    def __init__(self, lengths: Array, weights: Array, tokens: int, seed: int) -> None:
        self.lengths, self.weights, self.tokens, self.seed = lengths, weights, tokens, seed
        self.epoch = self.position = 0
        self._order: list[Array] = []

    def seek(self, epoch: int, position: int) -> None:
        """Go on from here: a pure function of the seed, so nothing else needs to be saved."""
        self.epoch, self.position, self._order = epoch, position, []

    def __next__(self) -> Array:
        if not self._order:
            rows = epoch_rows(self.weights, self.seed, self.epoch)
            self._order = buckets(self.lengths, rows, self.tokens, self.seed, self.epoch)
        rows = self._order[self.position]
        self.position += 1
        if self.position == len(self._order):
            self.seek(self.epoch + 1, 0)
        return rows


@dataclass
class Progress:
    """Where a run stands; saved as JSON beside the tensors."""

    update: int = 0
    """Updates done."""
    epoch: int = 0
    position: int = 0
    best_score: float = -math.inf
    best_update: int = 0
    tokens: int = 0
    """Loss items seen."""
    seconds: float = 0.0


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` make a file beside `path`, force it to disk, then put it in place: whole or not at all."""
    temporary = path.with_name(path.name + ".partial")
    write(temporary)
    for target in (temporary, path.parent):
        descriptor = os.open(target, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)
        if target is temporary:
            os.replace(temporary, path)


class Trainer:
    """Trains one task in one directory: `state/` to resume from, `best.safetensors`, the history and its curves."""

    def __init__(self, task: nn.Module, config: FitConfig, directory: Path, seed: int, weights: Array, rows: Sequence[tuple[str, str]], dev: Sequence[Held], settings: dict[str, Any]) -> None:
        self.config, self.directory, self.seed, self.dev, self.settings = config, directory, seed, dev, settings
        if config.threads:
            torch.set_num_threads(config.threads)
        self.fabric = Fabric(
            accelerator=config.accelerator,
            devices=config.devices,
            strategy="ddp" if config.devices > 1 else "auto",
            precision=precision_for(config),  # type: ignore[arg-type]
        )
        self.fabric.launch()
        directory.mkdir(parents=True, exist_ok=True)
        self.task = task
        self.items, lengths = task.encode(rows)  # type: ignore[operator]
        self.batches = Batches(lengths, weights, config.batch_tokens, seed)
        optimiser = torch.optim.AdamW(task.parameters(), lr=config.rate, betas=config.betas, weight_decay=config.weight_decay, fused=True)
        self.averaged = AveragedModel(task.model, multi_avg_fn=_average(config.average))  # type: ignore[arg-type]
        self.module, self.optimiser = self.fabric.setup(task, optimiser)
        self.averaged.to(self.fabric.device)
        self.progress = Progress()
        self.history: list[dict[str, Any]] = []
        self._stop = False

    def run(self) -> Path:
        """Train to the end, or from the last saved state to the end; returns the file of the best weights.

        Raises FloatingPointError when loss or gradient is not finite (the last saved state stays), and
        KeyboardInterrupt after saving, when the process is told to stop.
        """
        self.resume()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._request_stop)
        writer = SummaryWriter(str(self.directory / "tensorboard"), purge_step=self.progress.update)
        bar = tqdm(total=self.config.updates, initial=self.progress.update, unit="update", dynamic_ncols=True, disable=self.fabric.global_rank > 0)
        with bar:
            while self.progress.update < self.config.updates and not self._finished():
                record = self.update()
                done = self.progress.update
                last = done == self.config.updates
                if done % self.config.validate_every == 0 or last:
                    record |= self.validate()
                bar.update()
                if done % self.config.log_every == 0 or "score" in record:
                    self._log(record, writer, bar)
                if done % self.config.save_every == 0 or last or self._stop:
                    self.save()
                if self._stop:
                    raise KeyboardInterrupt(f"stopped after update {done}; the same command goes on from there")
        writer.close()
        return self.directory / "best.safetensors"

    def update(self) -> dict[str, Any]:
        """One optimiser step over `accumulate` batches; returns its record."""
        config, progress, fabric = self.config, self.progress, self.fabric
        rate = config.rate_at(progress.update)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        batches = [next(self.batches) for _ in range(config.accumulate)]
        count = sum(self.task.count(self.batches.lengths[rows]) for rows in batches)  # type: ignore[operator]
        mine = range(fabric.global_rank, len(batches), config.devices)
        self.module.train()
        total = torch.zeros((), device=fabric.device)
        for index in mine:
            # Seeded by batch, not by device: the dropout masks are the same on however many devices.
            torch.manual_seed(self.seed * 1_000_003 + progress.update * config.accumulate + index)
            batch = self._collate(batches[index])
            with fabric.no_backward_sync(self.module, enabled=index != mine[-1]):
                loss = self.module(batch) / count
                # Data-parallel training averages gradients over devices; the sum is wanted.
                fabric.backward(loss * config.devices)
            total += loss.detach()
        norm = fabric.clip_gradients(self.module, self.optimiser, max_norm=config.clip, error_if_nonfinite=False)
        loss_value, norm_value = float(fabric.all_reduce(total, reduce_op="sum")), float(norm)  # type: ignore[arg-type]
        if not (math.isfinite(loss_value) and math.isfinite(norm_value)):
            raise FloatingPointError(
                f"update {progress.update + 1}: loss {loss_value}, gradient norm {norm_value}. The last saved state is kept; "
                "lower `rate` or raise `warmup`, and look at the data"
            )
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        self.averaged.update_parameters(self.task.model)  # type: ignore[arg-type]
        progress.update += 1
        progress.tokens += count
        progress.epoch, progress.position = self.batches.epoch, self.batches.position
        return {"update": progress.update, "epoch": progress.epoch, "train_loss": loss_value, "rate": rate, "gradient_norm": norm_value}

    def _collate(self, rows: Array) -> Any:
        batch = self.task.collate([self.items[row] for row in rows])  # type: ignore[operator]
        return type(batch)(*(self.fabric.to_device(tensor) for tensor in batch))

    def validate(self) -> dict[str, float]:
        """Loss and score of the averaged weights on every dev set; keeps them when their mean score is the best yet."""
        current, self.task.model = self.task.model, self.averaged.module
        self.task.eval()
        record: dict[str, float] = {}
        for held in self.dev:
            record[f"dev_{held.name}_loss"] = self._loss(held)
            record |= {f"dev_{held.name}_{name}": value for name, value in self.task.score(held).items()}  # type: ignore[operator]
        self.task.model = current
        record["score"] = float(np.mean([record[f"dev_{held.name}_score"] for held in self.dev]))
        if record["score"] > self.progress.best_score:
            self.progress.best_score, self.progress.best_update = record["score"], self.progress.update
            if self.fabric.global_rank == 0:
                tensors = {name: t.contiguous() for name, t in self.averaged.module.state_dict().items()}
                write_atomically(self.directory / "best.safetensors", lambda path: save_file(tensors, path))
        return record

    @torch.inference_mode()
    def _loss(self, held: Held) -> float:
        items, lengths = self.task.encode(held.rows)  # type: ignore[operator]
        total, count = 0.0, 0
        for rows in buckets(lengths, np.arange(len(items)), self.config.batch_tokens, 0, 0):
            batch = self.task.collate([items[row] for row in rows])  # type: ignore[operator]
            with self.fabric.autocast():
                total += float(self.task(type(batch)(*(self.fabric.to_device(t) for t in batch))))
            count += self.task.count(lengths[rows])  # type: ignore[operator]
        return total / count

    def _finished(self) -> bool:
        waited = (self.progress.update - self.progress.best_update) // self.config.validate_every
        return 0 < self.config.patience <= waited

    def _request_stop(self, *_: object) -> None:
        self._stop = True

    def _log(self, record: dict[str, Any], writer: SummaryWriter, bar: Any) -> None:
        if self.fabric.global_rank > 0:
            return
        self.history.append(record)
        with (self.directory / "history.jsonl").open("a") as file:
            file.write(json.dumps(record) + "\n")
        for name, value in record.items():
            if name != "update":
                writer.add_scalar(name, value, record["update"])
        bar.set_postfix(loss=f"{record['train_loss']:.3f}", best=f"{self.progress.best_score:.2f}")
        if "score" in record:
            plot(self.history, self.directory / "curves.png")
            bar.write(" ".join(f"{k}={v:.4g}" for k, v in record.items()))

    def save(self) -> None:
        """Write the whole state into `state/`: the new one is in place before the old one goes."""
        if self.fabric.global_rank > 0:
            return
        tensors = {f"model.{name}": t for name, t in self.task.model.state_dict().items()}  # type: ignore[union-attr]
        tensors |= {f"average.{name}": t for name, t in self.averaged.state_dict().items()}
        for index, state in self.optimiser.state_dict()["state"].items():
            tensors |= {f"optimiser.{index}.{name}": t for name, t in state.items()}
        tensors = {name: t.contiguous() for name, t in tensors.items()}
        meta = {"progress": json.dumps(vars(self.progress)), "settings": json.dumps(self.settings)}
        write_atomically(self.directory / "state.safetensors", lambda path: save_file(tensors, path, meta))

    def resume(self) -> None:
        """Take up the saved state, if there is one. Raises InputError when it was made with other settings."""
        path = self.directory / "state.safetensors"
        if not path.exists():
            (self.directory / "history.jsonl").unlink(missing_ok=True)
            return
        with safe_open(path, "pt") as file:
            meta = file.metadata()
        before, now = json.loads(meta["settings"]), json.loads(json.dumps(self.settings))
        changed = [f"{name} was {before.get(name)}, is {now.get(name)}" for name in before | now if before.get(name) != now.get(name)]
        if changed:
            raise InputError(f"{self.directory} was begun with other settings ({'; '.join(changed)}): change them back, or move that folder away")
        tensors = load_file(path)
        self.task.model.load_state_dict(_below("model.", tensors))
        self.averaged.load_state_dict(_below("average.", tensors))
        state = self.optimiser.state_dict()
        for name, tensor in _below("optimiser.", tensors).items():
            index, _, key = name.partition(".")
            state["state"].setdefault(int(index), {})[key] = tensor
        self.optimiser.load_state_dict(state)
        self.progress = Progress(**json.loads(meta["progress"]))
        self.batches.seek(self.progress.epoch, self.progress.position)
        self._read_history()

    @staticmethod
    def saved_progress(directory: Path) -> dict[str, Any]:
        """The progress that the saved state in `directory` has."""
        with safe_open(directory / "state.safetensors", "pt") as file:
            return dict(json.loads(file.metadata()["progress"]))

    def _read_history(self) -> None:
        """Keep the records up to the saved state: what came after it will be made again."""
        path = self.directory / "history.jsonl"
        lines = path.read_text().splitlines() if path.exists() else []
        self.history = [r for r in map(json.loads, lines) if r["update"] <= self.progress.update]
        text = "".join(json.dumps(record) + "\n" for record in self.history)
        write_atomically(path, lambda beside: beside.write_text(text))


def _below(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)}


def _average(decay: float) -> Callable[[Any, Any, Any], None]:
    """An exponential moving average whose decay grows to `decay`, so that it does not remember the random start."""

    @torch.no_grad()
    def update(averaged: list[Tensor], current: list[Tensor], count: Tensor) -> None:
        keep = min(decay, (1 + int(count)) / (10 + int(count)))
        torch._foreach_lerp_(averaged, current, 1 - keep)

    return update
