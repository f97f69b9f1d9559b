"""Every cell against torch, against a worked example, or against the cell that it reduces to."""

import math

import pytest
import torch
from torch import nn

from training.cells import CELLS, GRU, LSTM, Cell, CoupledLSTM, PeepholeLSTM, ReluRNN, TanhRNN, cell_class

TORCH = {
    "rnn": lambda: nn.RNNCell(3, 4, nonlinearity="tanh"),
    "rnn_relu": lambda: nn.RNNCell(3, 4, nonlinearity="relu"),
    "gru": lambda: nn.GRUCell(3, 4),
    "lstm": lambda: nn.LSTMCell(3, 4),
}


def randomised(cell: Cell) -> Cell:
    torch.manual_seed(0)
    for parameter in cell.parameters():
        nn.init.normal_(parameter, std=0.5)
    return cell


@pytest.mark.parametrize("name", TORCH)
def test_a_cell_reads_torchs_file_and_gives_its_numbers(name: str) -> None:
    torch.manual_seed(1)
    theirs = TORCH[name]()
    ours = cell_class(name)(3, 4)
    ours.load_state_dict(theirs.state_dict())
    x, state = torch.randn(5, 3), tuple(torch.randn(5, 4) for _ in range(ours.states))
    expected = theirs(x, state if ours.states == 2 else state[0])
    after = ours(x, state)
    for a, b in zip(after, expected if ours.states == 2 else (expected,), strict=True):
        assert a.shape == (5, 4)
        torch.testing.assert_close(a, b, atol=1e-6, rtol=1e-5)


def test_a_peephole_cell_without_peepholes_is_an_lstm() -> None:
    peephole, lstm = randomised(PeepholeLSTM(3, 4)), LSTM(3, 4)
    lstm.load_state_dict({k: v for k, v in peephole.state_dict().items() if k != "weight_peephole"})
    nn.init.zeros_(peephole.weight_peephole)
    x, state = torch.randn(5, 3), (torch.randn(5, 4), torch.randn(5, 4))
    for a, b in zip(peephole(x, state), lstm(x, state), strict=True):
        torch.testing.assert_close(a, b)


def test_peepholes_see_the_memory_before_and_after() -> None:
    """One unit by hand: every weight 0, so that gates see the memory alone."""
    cell = PeepholeLSTM(1, 1)
    for parameter in cell.parameters():
        nn.init.zeros_(parameter)
    cell.weight_peephole.data = torch.tensor([[1.0], [2.0], [3.0]])
    cell.bias_ih.data[2] = 1.0  # candidate: tanh(1)
    h, c = cell(torch.zeros(1, 1), (torch.zeros(1, 1), torch.full((1, 1), 0.5)))

    def sigma(z: float) -> float:
        return 1 / (1 + math.exp(-z))

    memory = sigma(2 * 0.5) * 0.5 + sigma(0.5) * math.tanh(1)
    assert c.item() == pytest.approx(memory, rel=1e-6)
    assert h.item() == pytest.approx(sigma(3 * memory) * math.tanh(memory), rel=1e-6)


def test_a_coupled_cell_is_an_lstm_whose_input_gate_is_one_minus_forget() -> None:
    coupled, lstm = randomised(CoupledLSTM(3, 4)), LSTM(3, 4)
    # i = 1 - sigma(z) = sigma(-z): the input gate's tensors are the forget gate's, negated.
    lstm.load_state_dict({k: torch.cat([-v.chunk(3)[0], v]) for k, v in coupled.state_dict().items()})
    x, state = torch.randn(5, 3), (torch.randn(5, 4), torch.randn(5, 4))
    for a, b in zip(coupled(x, state), lstm(x, state), strict=True):
        torch.testing.assert_close(a, b)


@pytest.mark.parametrize("name", CELLS)
def test_gradients(name: str) -> None:
    cell = randomised(cell_class(name)(2, 3)).double()
    names = [n for n, _ in cell.named_parameters()]
    x = torch.randn(2, 2, dtype=torch.double, requires_grad=True)
    state = [torch.randn(2, 3, dtype=torch.double, requires_grad=True) for _ in range(cell.states)]

    def run(x: torch.Tensor, *rest: torch.Tensor) -> tuple[torch.Tensor, ...]:
        tensors = dict(zip(names, rest[cell.states :], strict=True))
        return torch.func.functional_call(cell, tensors, (x, tuple(rest[: cell.states])))  # type: ignore[no-any-return]

    assert torch.autograd.gradcheck(run, (x, *state, *cell.parameters()))


@pytest.mark.parametrize("name", CELLS)
def test_shapes_and_projection(name: str) -> None:
    cell = cell_class(name)(3, 4)
    assert cell.weight_ih.shape == (cell.gates * 4, 3)
    assert cell.weight_hh.shape == (cell.gates * 4, 4)
    x = torch.randn(2, 6, 3)
    assert cell.project(x).shape == (2, 6, cell.gates * 4)
    torch.testing.assert_close(cell.project(x)[:, 2], cell.project(x[:, 2]))
    state = cell.zero_state(x)
    assert [s.shape for s in state] == [(2, 4)] * cell.states
    assert len(cell(x[:, 0], state)) == cell.states


def test_initialisation() -> None:
    torch.manual_seed(0)
    lstm = LSTM(3, 4, forget_bias=1.0)
    assert lstm.bias_ih.chunk(4)[1].tolist() == [1.0] * 4
    assert lstm.bias_ih.sum() == 4
    assert lstm.bias_hh.abs().sum() == 0
    for u in lstm.weight_hh.chunk(4):
        torch.testing.assert_close(u @ u.T, torch.eye(4), atol=1e-5, rtol=0)
    assert CoupledLSTM(3, 4, forget_bias=2.0).bias_ih[:4].tolist() == [2.0] * 4
    assert torch.equal(ReluRNN(3, 4).weight_hh, torch.eye(4))
    assert TanhRNN(3, 4).bias_ih.abs().sum() == 0
    assert GRU(3, 4).bias_ih.abs().sum() == 0


def test_an_unknown_cell_is_refused_with_the_choices() -> None:
    with pytest.raises(ValueError, match="cell is 'lstmm': choose one of rnn, rnn_relu, gru, lstm, peephole, coupled"):
        cell_class("lstmm")
