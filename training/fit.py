"""The training loop: clip, schedule, average, validate, stop early, and resume exactly.

Everything random in an update is a function of (seed, update) or (seed, epoch), and a saved state holds everything
else. So a run that was killed and started again goes through the same batches to the same weights.
"""

import json
import math
import sys
import timeit
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from lightning_fabric import Fabric
from safetensors.torch import save_file
from torch import Tensor
from torch.optim.swa_utils import AveragedModel
from tqdm import tqdm

from inference.files import write_atomically
from training.data import Array, Batches, buckets
from training.errors import InputError
from training.history import History
from training.numbers import Pair
from training.state import Progress, load_state, save_state
from training.stopping import stoppable
from training.tasks import Batch, Held, Task


class DivergedError(FloatingPointError):
    """The loss or the gradient of an update came out as no number; says its record."""

    def __init__(self, record: dict[str, float]) -> None:
        super().__init__(
            f"update {record['update']}: {json.dumps(record)}. The last saved state is kept; "
            "lower `rate` or raise `warmup`, and look at the data"
        )
        self.record = record


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
    validate_every: int = 0
    """Updates between validations; 0: twenty validations a run."""
    save_every: int = 200
    """Updates between saved states, which are what a run goes on from."""
    log_every: int = 20
    patience: int = 10
    """Stop after so many validations without a better score; 0: never."""
    precision: Literal["auto", "32-true", "bf16-mixed"] = "auto"
    """auto: bf16 where the device multiplies faster in it, else fp32."""
    accelerator: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    devices: int = 1
    """Processes that share each update; fewer where there are fewer GPUs, to the same weights."""
    threads: int = 0
    """Threads a process computes with, on the CPU; 0: as torch chooses."""

    def __post_init__(self) -> None:
        for name in ("updates", "batch_tokens", "accumulate", "save_every", "log_every", "devices"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}: give 1 or more")
        if self.accumulate % self.devices:
            raise ValueError(f"accumulate ({self.accumulate}) is not a multiple of devices ({self.devices})")
        if not (0 < self.rate < math.inf and self.clip > 0):
            raise ValueError(f"rate {self.rate} and clip {self.clip} must be above 0")
        if not all(0 <= beta < 1 for beta in self.betas):
            raise ValueError(f"betas are {self.betas}: give at least 0 and less than 1")
        for name in ("weight_decay", "validate_every", "patience", "threads"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} is {getattr(self, name)}: give 0 or more")
        if not 0 <= self.average < 1:
            raise ValueError(f"average is {self.average}: give at least 0 and less than 1")
        for name in ("warmup", "decay"):
            if not 0 <= getattr(self, name) <= self.updates:
                raise ValueError(f"{name} is {getattr(self, name)}: give 0 to updates ({self.updates})")

    @property
    def validates_after(self) -> int:
        """Updates from one validation to the next."""
        return self.validate_every or max(1, self.updates // 20)

    def rate_at(self, update: int) -> float:
        """The learning rate of an update (the first is 0): warm-up, a plateau, then a line down to 0."""
        decay = self.decay or self.updates // 2
        return self.rate * min((update + 1) / max(1, self.warmup), (self.updates - update) / max(1, decay), 1.0)

    def rates_digest(self, updates: int) -> str:
        """What tells the learning rates of the first so many updates from others."""
        rates = np.array([self.rate_at(update) for update in range(updates)])
        return sha256(rates.tobytes()).hexdigest()[:16]

    def is_due(self, every: int, update: int) -> bool:
        """Whether what happens `every` so many updates happens after this one, or the run ends with it."""
        return update % every == 0 or update == self.updates


def precision_for(config: FitConfig) -> Literal["32-true", "bf16-mixed"]:
    """`config.precision`, with auto resolved for this machine.

    Raises InputError when it is bf16-mixed, and the CPU that is to train cannot.
    """
    if config.precision == "auto":
        fast = torch.cuda.is_bf16_supported() if _on_cuda(config) else _bf16_is_faster()
        return "bf16-mixed" if fast else "32-true"
    if config.precision == "bf16-mixed" and not (_on_cuda(config) or runs_bf16()):
        raise InputError('precision is "bf16-mixed", which this CPU lacks: take "auto" or "32-true" in [fit]')
    return config.precision


def runs_bf16() -> bool:
    """Whether the CPU runs an LSTM in bf16, be it slowly: oneDNN has no kernel for that without AVX-512; torch's own
    kernels, where it was built without oneDNN, have no such bound.
    """
    has_onednn = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    return not has_onednn or bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


@cache
def _bf16_is_faster() -> bool:
    """Whether the CPU multiplies matrices faster in bf16, by the clock.

    What it says of itself does not tell: some emulate bf16 at a twentieth of the speed of fp32, and some that have
    AVX-512's instructions for it, but not AMX, take half as long again with them.
    """
    if not torch.cpu._is_avx512_bf16_supported():
        return False
    seconds = {}
    for dtype in (torch.float32, torch.bfloat16):
        left, right = torch.ones(256, 512, dtype=dtype), torch.ones(2048, 512, dtype=dtype)
        seconds[dtype] = min(timeit.repeat(partial(torch.matmul, left, right.T), number=1, repeat=9))
    return seconds[torch.bfloat16] < seconds[torch.float32]


def devices_for(config: FitConfig) -> int:
    """`config.devices`, or as many of the GPUs that there are as share the batches of an update evenly."""
    most = torch.cuda.device_count() if _on_cuda(config) else config.devices
    return max(n for n in range(1, config.devices + 1) if n <= most and config.accumulate % n == 0)


def _on_cuda(config: FitConfig) -> bool:
    return config.accelerator in ("auto", "cuda") and torch.cuda.is_available()


class Trainer:
    """Trains one task in one directory: the state to resume from, the best weights, the history and its curves."""

    def __init__(
        self,
        task: Task,
        config: FitConfig,
        directory: Path,
        seed: int,
        rows: Sequence[Pair],
        weights: Array,
        dev: Sequence[Held],
        settings: dict[str, Any],
    ) -> None:
        """Train `task` on `rows`, of which an epoch sees each `weights[r]` times, and validate on `dev`.

        `settings` is what must be the same when a saved state is taken up again.
        """
        self.task, self.config, self.directory, self.seed = task, config, directory, seed
        self.dev, self.settings = dev, settings
        if config.threads:
            torch.set_num_threads(config.threads)
        # A gradient that has vanished is a denormal number, with which a processor takes several times as long.
        torch.set_flush_denormal(True)
        devices = devices_for(config)
        self.fabric = Fabric(
            accelerator=config.accelerator,
            devices=devices,
            strategy="ddp" if devices > 1 else "auto",
            precision=precision_for(config),
        )
        self.fabric.launch()
        directory.mkdir(parents=True, exist_ok=True)
        self.rows = rows
        self.batches = Batches(task.lengths(rows), weights, config.batch_tokens, seed)
        self.averaged = AveragedModel(task.model, multi_avg_fn=_average(config.average))
        optimiser = torch.optim.AdamW(
            task.parameters(), lr=config.rate, betas=config.betas, weight_decay=config.weight_decay, fused=True
        )
        self.module, self.optimiser = self.fabric.setup(task, optimiser)
        self.averaged.to(self.fabric.device)
        self.progress = Progress()
        self._asked: Callable[[], bool] = lambda: False  # In this process.
        self._stop = False  # Agreed among all.

    @property
    def _state(self) -> Path:
        return self.directory / "state.safetensors"

    def run(self) -> None:
        """Train to the end, from the last saved state if there is one.

        Raises DivergedError when a loss or gradient is not finite (the last saved state stays), InputError when
        the saved state was made with other settings, and KeyboardInterrupt, after saving, when told to stop.
        """
        if self._state.exists():
            self.progress = load_state(self._state, self.settings, self.task.model, self.averaged, self.optimiser)
            self._check_rates()
            self.batches.seek(self.progress.epoch, self.progress.position)
        first = self.fabric.global_rank == 0
        history = History(self.directory, self.progress.update) if first else None
        bar = tqdm(
            total=self.config.updates,
            initial=self.progress.update,
            unit="update",
            disable=not first,
            # In a log file a line now and then is enough.
            mininterval=0.1 if sys.stderr.isatty() else 30,
        )
        with stoppable("stopping after this update") as self._asked, bar:
            while self.progress.update < self.config.updates and not self._converged():
                self._advance(history, bar)
        if history:
            history.close()

    def _advance(self, history: History | None, bar: Any) -> None:
        """One update, and what is due after it: validation, a line in the history, a saved state."""
        record, config = self.update(), self.config
        done = self.progress.update
        if config.is_due(config.validates_after, done):
            record |= self.validate()
        bar.update()
        if history and (done % config.log_every == 0 or "score" in record):
            history.add(record)
            self.progress.largest_norm = 0.0
            best = f"{self.progress.best_score:.2f}" if self.progress.best_update else "none yet"
            bar.set_postfix(loss=f"{record['train_loss']:.3f}", best=best)
            if "score" in record:
                bar.write(" ".join(f"{name}={value:.4g}" for name, value in record.items()))
        # With each best: what was exported from it is to be told by a state.
        is_best = self.progress.best_update == done
        if history and (config.is_due(config.save_every, done) or is_best or self._stop or self._converged()):
            self.progress.rates = config.rates_digest(done)
            save_state(self._state, self.settings, self.progress, self.task.model, self.averaged, self.optimiser)
        if self._stop:
            raise KeyboardInterrupt(f"stopped after update {done}; the same command goes on from there")

    def update(self) -> dict[str, float]:
        """One optimiser step over `accumulate` batches; returns its record."""
        config, progress, fabric = self.config, self.progress, self.fabric
        rate = config.rate_at(progress.update)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        batches = [next(self.batches) for _ in range(config.accumulate)]
        count = sum(self.task.count(self.batches.lengths[rows]) for rows in batches)
        mine = range(fabric.global_rank, len(batches), fabric.world_size)
        self.module.train()
        total = torch.zeros((), device=fabric.device)
        for index in mine:
            # Seeded by batch, not by device: the dropout masks are the same on however many devices.
            seed = self.seed * 1_000_003 + progress.update * config.accumulate + index
            torch.manual_seed(seed)
            batch = self._batch([self.rows[row] for row in batches[index]], seed)
            with fabric.no_backward_sync(self.module, enabled=index != mine[-1]):
                loss = self.module(batch) / count
                # Data-parallel training averages gradients over devices; the sum is wanted.
                fabric.backward(loss * fabric.world_size)
            total += loss.detach()
        norm = fabric.clip_gradients(self.module, self.optimiser, max_norm=config.clip, error_if_nonfinite=False)
        # With the loss goes whether to stop: a signal may reach one process only, or each in another update.
        sums = torch.stack([total, torch.full_like(total, float(self._asked()))])
        train_loss, stop = _tensor(fabric.all_reduce(sums, reduce_op="sum")).tolist()
        self._stop = stop > 0
        record = {
            "update": progress.update + 1,
            "epoch": self.batches.epoch,
            "train_loss": train_loss,
            "rate": rate,
            "gradient_norm": float(_tensor(norm)),
            "largest_gradient_norm": max(progress.largest_norm, float(_tensor(norm))),
        }
        if not (math.isfinite(record["train_loss"]) and math.isfinite(record["gradient_norm"])):
            raise DivergedError({**record, "largest_gradient_norm": progress.largest_norm})
        progress.largest_norm = record["largest_gradient_norm"]
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        self.averaged.update_parameters(self.task.model)
        progress.update += 1
        progress.items += count
        progress.epoch, progress.position = self.batches.epoch, self.batches.position
        return record

    def _batch(self, rows: Sequence[Pair], seed: int | None = None) -> Batch:
        batch = self.task.collate(rows, seed)
        return type(batch)(*(self.fabric.to_device(tensor) for tensor in batch))

    def validate(self) -> dict[str, float]:
        """Loss and score of the averaged weights on every dev set; keeps them when their mean score is the best yet."""
        record: dict[str, float] = {}
        names = [f"on_{held.name}" for held in self.dev]
        with self._averaged_weights():
            for held, name in zip(self.dev, names, strict=True):
                record[f"{name}_loss"] = loss = self._loss(held)
                record |= {f"{name}_{measure}": value for measure, value in self.task.score(held, loss).items()}
        record["score"] = round(float(np.mean([record[f"{name}_score"] for name in names])), 4)
        record["dev_loss"] = float(np.mean([record[f"{name}_loss"] for name in names]))
        progress = self.progress
        # Of equal scores, the one with the lower loss.
        if (record["score"], -record["dev_loss"]) > (progress.best_score, -progress.best_loss):
            progress.best_score, progress.best_loss = record["score"], record["dev_loss"]
            progress.best_update = progress.update
            if self.fabric.global_rank == 0:
                tensors = {name: t.contiguous() for name, t in self.averaged.module.state_dict().items()}
                write_atomically(self.directory / "best.safetensors", lambda path: save_file(tensors, path))
        return record

    @contextmanager
    def _averaged_weights(self) -> Iterator[None]:
        """The task with the averaged model in place of the trained one, in evaluation mode."""
        current, self.task.model = self.task.model, self.averaged.module
        self.task.eval()
        try:
            yield
        finally:
            self.task.model = current

    @torch.inference_mode()
    def _loss(self, held: Held) -> float:
        total, lengths = 0.0, self.task.lengths(held.rows)
        for index in buckets(lengths, np.arange(len(lengths)), self.config.batch_tokens, 0, 0):
            with self.fabric.autocast():
                total += float(self.task(self._batch([held.rows[i] for i in index])))
        return total / self.task.count(lengths)

    def _check_rates(self) -> None:
        """A longer run, or a later decay, is the same run as long as the rates of the updates done are."""
        if self.progress.rates != self.config.rates_digest(self.progress.update):
            raise InputError(
                f"{self.directory} has {self.progress.update} updates with other learning rates: change rate, warmup, "
                "decay and updates back, or remove that folder to start anew"
            )

    def _converged(self) -> bool:
        since = self.progress.update - self.progress.best_update
        return 0 < self.config.patience <= since // self.config.validates_after


def _tensor(value: Any) -> Tensor:
    """Fabric types what it reduces as any collection; here it is always a tensor."""
    assert isinstance(value, Tensor)
    return value


def _average(decay: float) -> Callable[[Any, Any, Any], None]:
    """An exponential moving average whose decay grows to `decay`, so that it does not remember the random start."""

    @torch.no_grad()
    def update(averaged: list[Tensor], current: list[Tensor], count: Tensor) -> None:
        keep = min(decay, (1 + int(count)) / (10 + int(count)))
        torch._foreach_lerp_(averaged, current, 1 - keep)

    return update
