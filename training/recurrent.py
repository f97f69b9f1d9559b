"""Unroll a cell over time, layers and directions, honouring the true lengths of padded rows."""

from typing import cast

import torch
from torch import Tensor, nn

from training.cells import Cell, State, cell_class


def mask(lengths: Tensor, size: int) -> Tensor:
    """`(B,) -> (B, size)` bool: True where a token is, False where padding is."""
    return torch.arange(size, device=lengths.device) < lengths[:, None]


def reverse(x: Tensor, lengths: Tensor | None) -> Tensor:
    """Reverse each row of `x (B, S, ...)` in time, its padding left where it is (`lengths (B,)`; None: no padding)."""
    if lengths is None:
        return x.flip(1)
    time = torch.arange(x.shape[1], device=x.device)
    index = torch.where(mask(lengths, x.shape[1]), lengths[:, None] - 1 - time, time)
    return x.gather(1, index[:, :, None].expand_as(x))


class LockedDropout(nn.Module):
    """Dropout with one mask for all time steps of a row (Gal and Ghahramani 2016): `(B, S, F) -> (B, S, F)`."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        if not 0 <= rate < 1:
            raise ValueError(f"dropout is {rate}: give at least 0 and less than 1")
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.rate == 0:
            return x
        keep = torch.empty(x.shape[0], 1, x.shape[2], dtype=x.dtype, device=x.device).bernoulli_(1 - self.rate)
        return x * (keep / (1 - self.rate))


def unroll(cell: Cell, x: Tensor, state: State, *, fused: bool = True) -> tuple[Tensor, State]:
    """Run `cell` over `x (B, S, I)` from `state`: outputs `(B, S, H)` and the state after the last step.

    With `fused`, a cell for which torch has a kernel takes it: the same numbers (tests/test_recurrent.py) sooner. One
    that is watched goes step by step.
    """
    if fused and cell.fused is not None and cell.watch is None:
        weights = [cell.weight_ih, cell.weight_hh, cell.bias_ih, cell.bias_hh]
        first = tuple(s.unsqueeze(0) for s in state)
        hx = first if cell.states > 1 else first[0]
        outputs, *last = type(cell).fused(x, hx, weights, True, 1, 0.0, cell.training, False, True)  # type: ignore[misc]
        return outputs, tuple(s.squeeze(0) for s in last)
    states = []
    # Not by index: each step's gradient would then be as large as all of them, zeros but for one.
    for projected in cell.project(x).unbind(1):
        state = cell.step(projected, state)
        states.append(state)
    if cell.watch is not None:
        cell.watch(states)
    return torch.stack([h for h, *_ in states], dim=1), state


class Recurrent(nn.Module):
    """A stack of layers of one cell, in one direction or both.

    Layer l + 1 reads the outputs of layer l, both directions beside each other; locked dropout between layers.
    """

    def __init__(
        self,
        cell: str,
        input_size: int,
        hidden_size: int,
        layers: int = 1,
        *,
        upper_size: int = 0,
        bidirectional: bool = False,
        dropout: float = 0.0,
        fused: bool = True,
    ) -> None:
        """`upper_size` is the hidden size of the layers above the first; 0: `hidden_size` too.

        Raises ValueError on an unknown cell or a size below 1.
        """
        super().__init__()
        for name, value in (("input_size", input_size), ("hidden_size", hidden_size), ("layers", layers)):
            if value < 1:
                raise ValueError(f"{name} is {value}: give 1 or more")
        make = cell_class(cell)
        self.directions = 2 if bidirectional else 1
        sizes = [hidden_size] + [upper_size or hidden_size] * (layers - 1)
        inputs = [input_size] + [size * self.directions for size in sizes]
        self.output_size = inputs[-1]
        self.fused = fused
        self.cells = nn.ModuleList(
            make(inputs[layer], size) for layer, size in enumerate(sizes) for _ in range(self.directions)
        )
        self.dropout = LockedDropout(dropout)

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Outputs `(B, S, D*H)` over `x (B, S, I)`; zeros beyond `lengths (B,)`. The start is the zero state."""
        for layer in range(0, len(self.cells), self.directions):
            if layer > 0:
                x = self.dropout(x)
            x = torch.cat([self._run(layer + d, x, lengths) for d in range(self.directions)], dim=-1)
        return x if lengths is None else x * mask(lengths, x.shape[1])[:, :, None]

    def _run(self, index: int, x: Tensor, lengths: Tensor | None) -> Tensor:
        cell = cast(Cell, self.cells[index])
        backward = index % self.directions == 1
        # Reversing by length puts the padding last in both directions, so that no output depends on it and no
        # packing is needed: torch's packed kernels are slower than its dense ones.
        x = reverse(x, lengths) if backward else x
        outputs, _ = unroll(cell, x, cell.zero_state(x), fused=self.fused)
        return reverse(outputs, lengths) if backward else outputs
