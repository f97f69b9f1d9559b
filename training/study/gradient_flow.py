"""How much of a gradient is left some steps earlier: what vanishes, and what explodes, in the real models.

Backpropagation through time goes from the last state of a cell, h_T, back to h_t by the product of the Jacobians
between them (Pascanu et al. 2013, equation 5). What is measured is that product at work: of dL/dh_T, the part that
arrives at h_t through time. Where the loss reads the last state alone, as in the adding problem, it is dL/dh_t whole;
where pooling or attention read other states too, it is what would be left of it without these short cuts. Of a cell
with a memory the same is measured along c_t, whose constant error is why it is there (Hochreiter and Schmidhuber 1997).
"""

import copy
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn

from training.cells import Cell, State
from training.data import Array
from training.tasks import Batch, Task

Flow = dict[str, Array]
"""Cell -> `(T,)`: the norm of the gradient of h 0, 1, 2, ... steps before the last; `CELL.c`: that of its memory."""

MEMORY = ".c"
"""Behind a cell's name: its memory."""


@contextmanager
def watched(model: nn.Module) -> Iterator[dict[str, list[State]]]:
    """The states that each cell of a model goes through, by the cell's name, filled in as the model runs."""
    cells = {name: module for name, module in model.named_modules() if isinstance(module, Cell)}
    seen: dict[str, list[State]] = {}
    for name, cell in cells.items():
        cell.watch = lambda states, name=name: seen.__setitem__(name, states)
    try:
        yield seen
    finally:
        for cell in cells.values():
            cell.watch = None


def through_time(loss: Tensor, states: Sequence[State]) -> list[Array]:
    """`(B, T)` of each member of the state: the norm of what arrives of dL/dh_T at h_T, h_{T-1}, ..., and at c_T,
    c_{T-1}, ... where there is a memory, for each of B equally long rows.
    """
    last = states[-1][0]
    (end,) = torch.autograd.grad(loss, last, retain_graph=True)
    norms = []
    for members in zip(*reversed(states), strict=True):
        gradients = torch.autograd.grad(last, members, end, retain_graph=True)
        norms.append(torch.stack([g.norm(dim=-1) for g in gradients], dim=1).numpy())
    return norms


def flow(task: Task, batches: Iterable[Batch]) -> Flow:
    """The flow through every cell of a task's model: the median over the batches' rows, as far as all of them reach.

    The rows of a batch must be equally long: padding is no time.
    """
    # In double, so that what has vanished is small, not zero; and with all weights as if they learnt: a reservoir's
    # gradient is of interest too.
    task = copy.deepcopy(task).double().eval().requires_grad_()
    rows: dict[str, list[Array]] = {}
    for batch in batches:
        with watched(task.model) as seen:
            loss = task(type(batch)(*(t.double() if t.is_floating_point() else t for t in batch)))
        for name, states in seen.items():
            for member, norms in zip((name, f"{name}{MEMORY}"), through_time(loss, states), strict=False):
                rows.setdefault(member, []).append(norms)
    reach = {name: min(each.shape[1] for each in found) for name, found in rows.items()}
    return {
        name: np.median(np.concatenate([n[:, : reach[name]] for n in found]), axis=0) for name, found in rows.items()
    }
