"""The saved state of a run: one file of tensors, its progress and settings in the header, whole or not there."""

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from inference.files import write_atomically
from training.errors import InputError


@dataclass
class Progress:
    """Where a run stands."""

    update: int = 0
    """Updates done."""
    epoch: int = 0
    position: int = 0
    """Batches of the epoch done."""
    items: int = 0
    """Target tokens or texts seen."""
    best_score: float = -math.inf
    best_loss: float = math.inf
    best_update: int = 0
    largest_norm: float = 0.0
    """The largest norm of a gradient since the history's last line."""
    rates: str = ""
    """What tells the learning rates so far from others (see `FitConfig.rates_digest`)."""


def save_state(
    path: Path,
    settings: dict[str, Any],
    progress: Progress,
    model: nn.Module,
    averaged: nn.Module,
    optimiser: torch.optim.Optimizer,
) -> None:
    """Write everything that the next update depends on; nothing is pickled."""
    tensors = {f"model.{name}": t for name, t in model.state_dict().items()}
    tensors |= {f"average.{name}": t for name, t in averaged.state_dict().items()}
    for index, state in optimiser.state_dict()["state"].items():
        tensors |= {f"optimiser.{index}.{name}": t for name, t in state.items()}
    tensors = {name: t.contiguous() for name, t in tensors.items()}
    # One key: safetensors writes several in no fixed order, and equal states shall be equal bytes.
    header = {"state": json.dumps({"progress": asdict(progress), "settings": settings})}
    write_atomically(path, lambda beside: save_file(tensors, beside, header))


def load_state(
    path: Path, settings: dict[str, Any], model: nn.Module, averaged: nn.Module, optimiser: torch.optim.Optimizer
) -> Progress:
    """Put a saved state into model, average and optimiser. Raises InputError when its settings were others."""
    check_settings(path, settings)
    tensors = load_file(path)
    model.load_state_dict(_below("model.", tensors))
    averaged.load_state_dict(_below("average.", tensors))
    state = optimiser.state_dict()
    for name, tensor in _below("optimiser.", tensors).items():
        index, _, key = name.partition(".")
        state["state"].setdefault(int(index), {})[key] = tensor
    optimiser.load_state_dict(state)
    return load_progress(path)


def check_settings(path: Path, settings: dict[str, Any]) -> None:
    """Raise InputError when a saved state was made with other settings."""
    before, now = _flat(_header(path)["settings"]), _flat(json.loads(json.dumps(settings)))
    # An option that only one side knows came, or went, with a version of this program: off, it is no matter.
    changed = [
        f"{name} was {before.get(name)}, is {now.get(name)}"
        for name in before | now
        if before.get(name) != now.get(name) and (before.get(name) or now.get(name) or (name in before and name in now))
    ]
    if changed:
        raise InputError(
            f"{path} was made with other settings ({'; '.join(changed)}): change them back, or remove {path.parent} "
            "to start anew"
        )


def load_progress(path: Path) -> Progress:
    """The progress of a saved state."""
    return Progress(**_header(path)["progress"])


def load_settings(path: Path) -> dict[str, Any]:
    """The settings that a saved state was made with."""
    return _header(path)["settings"]


def _header(path: Path) -> dict[str, dict[str, Any]]:
    with safe_open(path, "pt") as file:
        return dict(json.loads(file.metadata()["state"]))


def _flat(settings: dict[str, Any], above: str = "") -> dict[str, Any]:
    """Settings without tables within: `model.dropout` is that one's name."""
    flat: dict[str, Any] = {}
    for name, value in settings.items():
        flat |= _flat(value, f"{above}{name}.") if isinstance(value, dict) else {f"{above}{name}": value}
    return flat


def _below(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)}
