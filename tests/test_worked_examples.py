"""One step of each cell with two units, worked by hand: follow it with the docstring and a calculator.

Every cell starts from h = (0.5, -0.5), and c = (1, 0) where it has a memory, and reads the number x = 2. Its input
weights W are 0.1 for the first unit and -0.1 for the second, in every gate: W x = (0.2, -0.2). Its recurrent weights U
hand each unit's h to the other one, in every gate: U h = (-0.5, 0.5). Biases are 0, save where it is said. So every
gate gets the same two sums: (0.2 - 0.5, -0.2 + 0.5) = (-0.3, 0.3). The tests round the result alone, to four digits:
whoever rounds on the way may have another last digit.
"""

import pytest
import torch

from training.cells import CELLS, Cell, EchoState, PeepholeLSTM, cell_class

H, C = [0.5, -0.5], [1.0, 0.0]


def by_hand(name: str) -> Cell:
    """The cell with the weights above."""
    cell = cell_class(name)(1, 2)
    with torch.no_grad():
        cell.weight_ih.copy_(torch.tensor([[0.1], [-0.1]]).repeat(cell.gates, 1))
        cell.weight_hh.copy_(torch.tensor([[0.0, 1.0], [1.0, 0.0]]).repeat(cell.gates, 1))
        for bias in (cell.bias_ih, cell.bias_hh):
            bias.zero_()
    return cell


@torch.no_grad()
def step(cell: Cell) -> list[list[float]]:
    """The next state, of one row, rounded to 4 digits."""
    state = tuple(torch.tensor([values]) for values in (H, C)[: cell.states])
    return [[round(float(v), 4) for v in s[0]] for s in cell(torch.tensor([[2.0]]), state)]


def test_tanh() -> None:
    # h = tanh(-0.3, 0.3)
    assert step(by_hand("rnn")) == [[-0.2913, 0.2913]]


def test_relu() -> None:
    # h = max(0, -0.3), max(0, 0.3): the first unit is silent, and no gradient goes through it.
    assert step(by_hand("rnn_relu")) == [[0.0, 0.3]]


def test_gru() -> None:
    # r = z = sigma(-0.3, 0.3)           = (0.4256, 0.5744)
    # r * (U h) = 0.4256 * -0.5, 0.5744 * 0.5 = (-0.2128, 0.2872)
    # n = tanh(0.2 - 0.2128, -0.2 + 0.2872)   = (-0.0128, 0.0870)
    # h = (1 - z) * n + z * h
    #   = 0.5744 * -0.0128 + 0.4256 * 0.5     = 0.2054
    #     0.4256 * 0.0870 + 0.5744 * -0.5     = -0.2502
    assert step(by_hand("gru")) == [[0.2054, -0.2502]]


def test_lstm() -> None:
    # i = f = o = sigma(-0.3, 0.3) = (0.4256, 0.5744),  g = tanh(-0.3, 0.3) = (-0.2913, 0.2913)
    # c = f * c + i * g = 0.4256 * 1 + 0.4256 * -0.2913, 0.5744 * 0 + 0.5744 * 0.2913 = (0.3016, 0.1673)
    # h = o * tanh(c)   = 0.4256 * 0.2928, 0.5744 * 0.1658                             = (0.1246, 0.0952)
    assert step(by_hand("lstm")) == [[0.1246, 0.0952], [0.3016, 0.1673]]
    assert step(by_hand("lstm_f0")) == [[0.1246, 0.0952], [0.3016, 0.1673]]


def test_a_forget_bias_of_one_keeps_more_of_the_memory() -> None:
    # Without the bias f = sigma(-0.3) = 0.4256 of the first unit's memory stays; with it sigma(0.7) = 0.6682.
    # c = 0.6682 * 1 + 0.4256 * -0.2913 = 0.5442
    cell = by_hand("lstm")
    cell.bias_ih.data[2:4] = 1.0
    assert step(cell)[1][0] == 0.5442
    assert cell_class("lstm")(1, 2).bias_ih.tolist() == [0, 0, 1, 1, 0, 0, 0, 0]
    assert cell_class("lstm_f0")(1, 2).bias_ih.tolist() == [0] * 8


def test_peephole() -> None:
    # p_i = p_f = 1 and p_o = -1: i and f see c = (1, 0), o sees the new one.
    # i = f = sigma(-0.3 + 1, 0.3 + 0)               = (0.6682, 0.5744)
    # c = 0.6682 * 1 + 0.6682 * -0.2913, 0.5744 * 0.2913 = (0.4735, 0.1673)
    # o = sigma(-0.3 - 0.4735, 0.3 - 0.1673)         = (0.3157, 0.5331)
    # h = 0.3157 * tanh(0.4735), 0.5331 * tanh(0.1673) = (0.1392, 0.0884)
    cell = by_hand("peephole")
    assert isinstance(cell, PeepholeLSTM)
    cell.weight_peephole.data = torch.tensor([[1.0, 1.0], [1.0, 1.0], [-1.0, -1.0]])
    assert step(cell) == [[0.1392, 0.0884], [0.4735, 0.1673]]


def test_coupled() -> None:
    # f = o = (0.4256, 0.5744); what is forgotten is written: 1 - f = (0.5744, 0.4256)
    # c = 0.4256 * 1 + 0.5744 * -0.2913, 0.4256 * 0.2913 = (0.2582, 0.1240)
    # h = 0.4256 * tanh(0.2582), 0.5744 * tanh(0.1240)   = (0.1075, 0.0709)
    assert step(by_hand("coupled")) == [[0.1075, 0.0709], [0.2582, 0.1240]]


def test_echo_state() -> None:
    # A leak of 0.25: three quarters of the state stay.
    # h = 0.75 * 0.5 + 0.25 * -0.2913, 0.75 * -0.5 + 0.25 * 0.2913 = (0.3022, -0.3022)
    cell = by_hand("esn")
    assert isinstance(cell, EchoState)
    cell.leak.fill_(0.25)
    assert step(cell) == [[0.3022, -0.3022]]


def test_every_cell_has_an_example() -> None:
    assert set(CELLS) == {"rnn", "rnn_relu", "gru", "lstm", "lstm_f0", "peephole", "coupled", "esn"}


@pytest.mark.parametrize("name", CELLS)
def test_parameters_are_as_many_as_the_docstring_says(name: str) -> None:
    i, h = 3, 4
    cell = cell_class(name)(i, h)
    expected = cell.gates * h * (i + h + 2) + (3 * h if name == "peephole" else 0)
    assert sum(p.numel() for p in cell.parameters()) == expected
    said = f"{cell.gates} H (I + H + 2)" if cell.gates > 1 else "H (I + H + 2)"
    assert said in " ".join((type(cell).__doc__ or "").split()) or name == "lstm_f0"  # which says: those of LSTM


def test_a_reservoir_has_the_radius_and_the_leak_that_it_is_given_and_learns_nothing() -> None:
    torch.manual_seed(0)
    cell = EchoState(3, 30)
    cell.settle(radius=0.7, leak=0.2)
    assert torch.linalg.eigvals(cell.weight_hh).abs().max().item() == pytest.approx(0.7, rel=1e-5)
    assert cell.leak.tolist() == pytest.approx([0.2])
    assert not any(p.requires_grad for p in cell.parameters())
    assert set(cell.state_dict()) == {"weight_ih", "weight_hh", "bias_ih", "bias_hh", "leak"}


def test_a_reservoir_forgets_how_it_began() -> None:
    torch.manual_seed(0)
    cell = EchoState(1, 30)
    cell.settle(radius=0.5, leak=1.0)
    one, other = (torch.ones(1, 30),), (-torch.ones(1, 30),)
    for x in torch.randn(60, 1, 1):
        one, other = cell(x, one), cell(x, other)
    torch.testing.assert_close(one[0], other[0], atol=1e-5, rtol=0)
