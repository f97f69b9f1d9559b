"""Gradients through time, against products of Jacobians and against what autograd says of the loss."""

import math

import pytest
import torch

from training.cells import CELLS, LSTM, TanhRNN
from training.recurrent import Recurrent, unroll
from training.study.gradient_flow import flow, through_time, watched
from training.study.sequences import SEQUENCES, SequenceModel, SequenceTask


def test_one_linear_unit_by_hand() -> None:
    """Near 0 tanh is the identity, so h_t = u h_{t-1}, and of a gradient u^d is left d steps earlier."""
    cell = TanhRNN(1, 1).double()
    with torch.no_grad():
        cell.weight_ih.fill_(1e-6)
        cell.weight_hh.fill_(0.5)
    states: list[tuple[torch.Tensor, ...]] = []
    cell.watch = states.extend
    x = torch.ones(1, 6, 1, dtype=torch.double)
    outputs, _ = unroll(cell, x, cell.zero_state(x))
    (norms,) = through_time(3 * outputs[:, -1].sum(), states)
    assert norms[0] == pytest.approx([3 * 0.5**d for d in range(6)], rel=1e-6)


def test_one_memory_by_hand() -> None:
    """Without U, no gate knows of h: nothing goes back through it; along c, f^d is left d steps earlier."""
    cell = LSTM(1, 1).double()
    with torch.no_grad():
        for parameter in cell.parameters():
            parameter.zero_()
        cell.bias_ih[1] = 2.0
    states: list[tuple[torch.Tensor, ...]] = []
    cell.watch = states.extend
    x = torch.ones(1, 5, 1, dtype=torch.double)
    outputs, _ = unroll(cell, x, cell.zero_state(x))
    hidden, memory = through_time(outputs[:, -1].sum(), states)
    assert hidden[0] == pytest.approx([1, 0, 0, 0, 0])
    forget = 1 / (1 + math.exp(-2))
    assert memory[0] == pytest.approx([0.5 * forget**d for d in range(5)])  # o = 0.5, and c = 0


@pytest.mark.parametrize("name", CELLS)
def test_it_is_the_product_of_the_jacobians(name: str) -> None:
    torch.manual_seed(0)
    stack = Recurrent(name, 2, 3).double().requires_grad_()
    cell = stack.cells[0]
    x = torch.randn(1, 5, 2, dtype=torch.double)
    with watched(stack) as seen:
        outputs = stack(x)
    weights = torch.randn(3, dtype=torch.double)
    found, *_ = through_time((outputs[0, -1] * weights).sum(), seen["cells.0"])
    # Again, from each h_t to the end, as a function of h_t alone.
    for t in range(5):
        rest = tuple(s.detach() for s in seen["cells.0"][t])[1:]

        def end(h: torch.Tensor, t: int = t, rest: tuple[torch.Tensor, ...] = rest) -> torch.Tensor:
            state: tuple[torch.Tensor, ...] = (h, *rest)
            for later in range(t + 1, 5):
                state = cell(x[:, later], state)
            return state[0][0]

        jacobian = torch.autograd.functional.jacobian(end, seen["cells.0"][t][0].detach())[:, 0]
        assert found[0, 4 - t] == pytest.approx((weights @ jacobian).norm().item(), rel=1e-9)


def test_a_watched_model_says_the_same() -> None:
    torch.manual_seed(0)
    stack = Recurrent("lstm", 3, 4, 2, bidirectional=True)
    x, lengths = torch.randn(2, 5, 3), torch.tensor([5, 3])
    expected = stack(x, lengths)
    with watched(stack) as seen:
        torch.testing.assert_close(stack(x, lengths), expected)
    assert {name: len(states) for name, states in seen.items()} == {f"cells.{i}": 5 for i in range(4)}
    assert all(cell.watch is None for cell in stack.cells)


@pytest.mark.parametrize("kind", SEQUENCES)
def test_flow_leaves_the_task_as_it_is(kind: str) -> None:
    sequences = SEQUENCES[kind](5)
    task = SequenceTask(sequences, SequenceModel(sequences, "esn", 4, 2, bidirectional=True))
    batches = [task.collate([(str(n), "")]) for n in range(3)]
    found = flow(task, batches)
    assert {name: norms.shape for name, norms in found.items()} == {
        f"layers.cells.{i}": (sequences.steps,) for i in range(4)
    }
    assert next(task.model.layers.parameters()).dtype == torch.float32
    assert task.training
    assert not task.model.layers.cells[0].weight_hh.requires_grad


def test_rows_together_are_the_median_of_rows_alone() -> None:
    torch.manual_seed(0)
    sequences = SEQUENCES["adding"](9)
    task = SequenceTask(sequences, SequenceModel(sequences, "gru", 4))
    rows = [(str(n), "") for n in range(5)]
    together = flow(task, [task.collate(rows)])["layers.cells.0"]
    assert flow(task, [task.collate([row]) for row in rows])["layers.cells.0"] == pytest.approx(together, rel=1e-6)
    # A shorter row ends the curve.
    shorter = SequenceTask(SEQUENCES["adding"](6), task.model)
    both = flow(task, [task.collate(rows), shorter.collate(rows)])["layers.cells.0"]
    assert both.shape == (6,)


def test_orthogonal_tanh_keeps_what_a_shrunken_one_loses() -> None:
    torch.manual_seed(0)
    sequences = SEQUENCES["adding"](40)
    task = SequenceTask(sequences, SequenceModel(sequences, "rnn", 16))
    left = {}
    for scale in (1.0, 0.5):
        with torch.no_grad():
            task.model.layers.cells[0].weight_hh.mul_(scale)
        norms = flow(task, [task.collate([("1", "")])])["layers.cells.0"]
        left[scale] = norms[-1] / norms[0]
    assert left[0.5] < 0.5**39
    assert left[1.0] > 1e-4
