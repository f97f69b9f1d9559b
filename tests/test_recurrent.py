"""Stacks against nn.RNN, nn.GRU and nn.LSTM: outputs, states, gradients; fused against the explicit loop."""

from typing import cast

import pytest
import torch
from torch import nn

from training.cells import CELLS, Cell, cell_class
from training.recurrent import LockedDropout, Recurrent, mask, reverse, unroll

LENGTHS = torch.tensor([5, 2, 4, 1])
TORCH = {
    "rnn": lambda **k: nn.RNN(3, 4, nonlinearity="tanh", **k),
    "rnn_relu": lambda **k: nn.RNN(3, 4, nonlinearity="relu", **k),
    "gru": lambda **k: nn.GRU(3, 4, **k),
    "lstm": lambda **k: nn.LSTM(3, 4, **k),
}


def copy_weights(theirs: nn.RNNBase, ours: Recurrent) -> None:
    """Torch calls the tensors of layer l, backward, `weight_ih_l{l}_reverse`; ours lie in cell `l * D + 1`."""
    for index, cell in enumerate(ours.cells):
        layer, direction = divmod(index, ours.directions)
        suffix = f"_l{layer}" + ("_reverse" if direction else "")
        cell.load_state_dict({name: getattr(theirs, name + suffix) for name in cell.state_dict()})


@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize("bidirectional", [True, False])
@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("name", TORCH)
def test_outputs_and_gradients_are_torchs(name: str, layers: int, bidirectional: bool, fused: bool) -> None:
    torch.manual_seed(0)
    theirs = TORCH[name](num_layers=layers, bidirectional=bidirectional, batch_first=True)
    ours = Recurrent(name, 3, 4, layers, bidirectional=bidirectional, fused=fused)
    copy_weights(theirs, ours)
    x = torch.randn(4, 5, 3)
    x_ours, x_theirs = x.clone().requires_grad_(), x.clone().requires_grad_()
    packed = nn.utils.rnn.pack_padded_sequence(x_theirs, LENGTHS, batch_first=True, enforce_sorted=False)
    expected, _ = nn.utils.rnn.pad_packed_sequence(theirs(packed)[0], batch_first=True)
    outputs = ours(x_ours, LENGTHS)
    assert outputs.shape == (4, 5, ours.output_size) == expected.shape
    torch.testing.assert_close(outputs, expected, atol=1e-5, rtol=1e-5)

    weights = torch.randn_like(expected)
    (outputs * weights).sum().backward()
    (expected * weights).sum().backward()
    torch.testing.assert_close(x_ours.grad, x_theirs.grad, atol=1e-5, rtol=1e-5)
    for index, cell in enumerate(ours.cells):
        layer, direction = divmod(index, ours.directions)
        suffix = f"_l{layer}" + ("_reverse" if direction else "")
        for parameter, tensor in cell.named_parameters():
            torch.testing.assert_close(tensor.grad, getattr(theirs, parameter + suffix).grad, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize("name", TORCH)
def test_states_are_torchs(name: str, fused: bool) -> None:
    torch.manual_seed(0)
    theirs, cell = TORCH[name](batch_first=True), cell_class(name)(3, 4)
    cell.load_state_dict({n: getattr(theirs, n + "_l0") for n in cell.state_dict()})
    x, state = torch.randn(2, 5, 3), tuple(torch.randn(2, 4) for _ in range(cell.states))
    first = tuple(s[None] for s in state)
    expected, last = theirs(x, first if cell.states == 2 else first[0])
    outputs, after = unroll(cell, x, state, fused=fused)
    torch.testing.assert_close(outputs, expected, atol=1e-5, rtol=1e-5)
    for ours, torchs in zip(after, last if cell.states == 2 else (last,), strict=True):
        torch.testing.assert_close(ours, torchs[0], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", CELLS)
def test_unrolling_in_two_parts_is_unrolling_at_once(name: str) -> None:
    torch.manual_seed(0)
    cell = cell_class(name)(3, 4)
    x = torch.randn(2, 7, 3)
    outputs, state = unroll(cell, x, cell.zero_state(x))
    first, middle = unroll(cell, x[:, :3], cell.zero_state(x))
    second, last = unroll(cell, x[:, 3:], middle)
    torch.testing.assert_close(torch.cat([first, second], 1), outputs)
    for a, b in zip(last, state, strict=True):
        torch.testing.assert_close(a, b)


@pytest.mark.parametrize("name", CELLS)
def test_padding_changes_nothing(name: str) -> None:
    torch.manual_seed(0)
    stack = Recurrent(name, 3, 4, 2, bidirectional=True)
    x = torch.randn(4, 5, 3)
    outputs = stack(x, LENGTHS)
    other = torch.where(mask(LENGTHS, 5)[:, :, None], x, torch.full_like(x, 99.0))
    assert torch.equal(stack(other, LENGTHS), outputs)
    assert torch.equal(outputs[~mask(LENGTHS, 5)], torch.zeros(8, 8))
    for row, length in enumerate(LENGTHS.tolist()):
        alone = stack(x[row : row + 1, :length])
        torch.testing.assert_close(outputs[row, :length], alone[0], atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("name", [name for name, cell in CELLS.items() if cell.fused is None])
def test_cells_without_a_kernel_take_the_loop(name: str) -> None:
    torch.manual_seed(0)
    cell = cell_class(name)(3, 4)
    x = torch.randn(2, 3, 3)
    outputs, _ = unroll(cell, x, cell.zero_state(x), fused=True)
    state = cell.zero_state(x)
    for t in range(3):
        state = cell(x[:, t], state)
        torch.testing.assert_close(outputs[:, t], state[0])


def test_reverse_leaves_padding_in_place() -> None:
    x = torch.arange(12.0).reshape(2, 6, 1)
    assert reverse(x, torch.tensor([6, 3]))[:, :, 0].tolist() == [[5, 4, 3, 2, 1, 0], [8, 7, 6, 9, 10, 11]]
    assert torch.equal(reverse(x, None), x.flip(1))


def test_locked_dropout_has_one_mask_for_all_steps() -> None:
    torch.manual_seed(0)
    dropout = LockedDropout(0.5)
    x = torch.ones(20, 6, 30)
    y = dropout(x)
    assert torch.equal(y, y[:, :1].expand_as(y))
    assert set(y.unique().tolist()) == {0.0, 2.0}
    assert 0.4 < (y[:, 0] == 0).float().mean() < 0.6
    assert torch.equal(dropout.eval()(x), x)


def test_dropout_between_layers_only_in_training() -> None:
    torch.manual_seed(0)
    stack = Recurrent("lstm", 3, 4, 2, dropout=0.5)
    x = torch.randn(2, 5, 3)
    assert not torch.equal(stack(x), stack(x))
    stack.eval()
    assert torch.equal(stack(x), stack(x))
    single = Recurrent("lstm", 3, 4, 1, dropout=0.5)
    assert torch.equal(single(x), single(x))


def test_sizes_are_checked() -> None:
    with pytest.raises(ValueError, match="layers is 0"):
        Recurrent("lstm", 3, 4, 0)
    with pytest.raises(ValueError, match=r"dropout is 1\.0"):
        Recurrent("lstm", 3, 4, 1, dropout=1.0)
    assert len([c for c in Recurrent("gru", 3, 4, 2, bidirectional=True).cells if cast(Cell, c).hidden_size == 4]) == 4
