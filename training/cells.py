"""The recurrent cells: one step of each network, written as its equations.

Notation: x_t (B, I) input, h_t (B, H) output, c_t (B, H) memory, W (G*H, I) and U (G*H, H) the weights of G gates,
b and b' their biases (torch keeps two), * the elementwise product, sigma the logistic function. A state is always a
tuple whose first member is h: `(h,)` or `(h, c)`. Gates lie in torch's order, so that a cell's tensors can be read by
`nn.RNNCell`, `nn.GRUCell` and `nn.LSTMCell`, and by torch's fused kernels. A cell of G gates has G H (I + H + 2)
parameters. tests/test_worked_examples.py works one step of each by hand.
"""

from collections.abc import Callable
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

State = tuple[Tensor, ...]


class Cell(nn.Module):
    """A recurrent cell. A new one states its gates, its states and `step`, and adds a line to CELLS."""

    gates: ClassVar[int]
    """How many blocks of H rows `weight_ih` and `weight_hh` have."""
    states: ClassVar[int]
    """How many tensors `(B, H)` a state has."""
    fused: ClassVar[Callable[..., Any] | None] = None
    """Torch's kernel that runs this cell over a whole sequence, where there is one."""
    trained: ClassVar[bool] = True
    """Whether its weights learn; those of a reservoir stay as they were drawn, and so does what feeds it."""
    watch: Callable[[list[State]], None] | None = None
    """Told every state that the cell goes through when it is unrolled (see `training.study.gradient_flow`)."""

    def __init__(self, input_size: int, hidden_size: int, forget_bias: float = 1.0) -> None:
        super().__init__()
        self.input_size, self.hidden_size, self.forget_bias = input_size, hidden_size, forget_bias
        self.weight_ih = nn.Parameter(torch.empty(self.gates * hidden_size, input_size))
        self.weight_hh = nn.Parameter(torch.empty(self.gates * hidden_size, hidden_size))
        self.bias_ih = nn.Parameter(torch.empty(self.gates * hidden_size))
        self.bias_hh = nn.Parameter(torch.empty(self.gates * hidden_size))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Glorot-uniform input weights, orthogonal recurrent weights (Saxe et al. 2014) gate by gate, zero biases."""
        for w, u in zip(self.weight_ih.chunk(self.gates), self.weight_hh.chunk(self.gates), strict=True):
            nn.init.xavier_uniform_(w)
            nn.init.orthogonal_(u)
        nn.init.zeros_(self.bias_ih)
        nn.init.zeros_(self.bias_hh)

    def zero_state(self, like: Tensor) -> State:
        """The state before the first token, for a batch `like (B, ...)`: zeros `(B, H)`."""
        return tuple(like.new_zeros(like.shape[0], self.hidden_size) for _ in range(self.states))

    def project(self, x: Tensor) -> Tensor:
        """W x + b, of one step `(B, I) -> (B, G*H)` or of all at once `(B, S, I) -> (B, S, G*H)`."""
        return F.linear(x, self.weight_ih, self.bias_ih)

    def recur(self, h: Tensor) -> Tensor:
        """U h + b': `(B, H) -> (B, G*H)`."""
        return F.linear(h, self.weight_hh, self.bias_hh)

    def step(self, projected: Tensor, state: State) -> State:
        """The next state, from `project(x_t)` `(B, G*H)` and the last state."""
        raise NotImplementedError

    def forward(self, x: Tensor, state: State) -> State:
        """The next state, from `x_t (B, I)` and the last state."""
        return self.step(self.project(x), state)


class TanhRNN(Cell):
    """The plain network (Elman 1990).

    h_t = tanh(W x_t + b + U h_{t-1} + b')

    x (B, I), h (B, H); W (H, I), U (H, H), b and b' (H,): H (I + H + 2) parameters.
    """

    gates, states, fused = 1, 1, torch.rnn_tanh

    def step(self, projected: Tensor, state: State) -> State:
        return (torch.tanh(projected + self.recur(state[0])),)


class ReluRNN(Cell):
    """The rectified plain network, its recurrence begun as the identity (Le, Jaitly and Hinton 2015).

    h_t = max(0, W x_t + b + U h_{t-1} + b'),  U = 1 at first

    x (B, I), h (B, H); W (H, I), U (H, H), b and b' (H,): H (I + H + 2) parameters.
    """

    gates, states, fused = 1, 1, torch.rnn_relu

    def reset_parameters(self) -> None:
        super().reset_parameters()
        nn.init.eye_(self.weight_hh)

    def step(self, projected: Tensor, state: State) -> State:
        return (torch.relu(projected + self.recur(state[0])),)


class GRU(Cell):
    """The gated recurrent unit (Cho et al. 2014), with the reset gate after the product, as torch has it.

    r = sigma(W_r x_t + b_r + U_r h_{t-1} + b'_r)      reset
    z = sigma(W_z x_t + b_z + U_z h_{t-1} + b'_z)      update
    n = tanh(W_n x_t + b_n + r * (U_n h_{t-1} + b'_n)) candidate
    h_t = (1 - z) * n + z * h_{t-1}

    x (B, I), h (B, H); W (3H, I) is W_r, W_z, W_n, U (3H, H) likewise, b and b' (3H,): 3 H (I + H + 2) parameters.
    """

    gates, states, fused = 3, 1, torch.gru

    def step(self, projected: Tensor, state: State) -> State:
        (h,) = state
        x_r, x_z, x_n = projected.chunk(3, dim=-1)
        h_r, h_z, h_n = self.recur(h).chunk(3, dim=-1)
        z = torch.sigmoid(x_z + h_z)
        n = torch.tanh(x_n + torch.sigmoid(x_r + h_r) * h_n)
        return ((1 - z) * n + z * h,)


class LSTM(Cell):
    """Long short-term memory (Hochreiter and Schmidhuber 1997) with the forget gate of Gers et al. (2000).

    i = sigma(W_i x_t + b_i + U_i h_{t-1} + b'_i)      input
    f = sigma(W_f x_t + b_f + U_f h_{t-1} + b'_f)      forget
    g = tanh(W_g x_t + b_g + U_g h_{t-1} + b'_g)       candidate
    o = sigma(W_o x_t + b_o + U_o h_{t-1} + b'_o)      output
    c_t = f * c_{t-1} + i * g
    h_t = o * tanh(c_t)

    x (B, I), h and c (B, H); W (4H, I) is W_i, W_f, W_g, W_o, U (4H, H) likewise, b and b' (4H,): 4 H (I + H + 2)
    parameters.
    """

    gates, states = 4, 2
    fused: ClassVar[Callable[..., Any] | None] = torch.lstm

    def reset_parameters(self) -> None:
        """As every cell, but b_f = forget_bias, so that memory is kept at first (Jozefowicz et al. 2015)."""
        super().reset_parameters()
        nn.init.constant_(self.bias_ih.chunk(4)[1], self.forget_bias)

    def step(self, projected: Tensor, state: State) -> State:
        h, c = state
        i, f, g, o = (projected + self.recur(h)).chunk(4, dim=-1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(c), c


class HalfOpenLSTM(LSTM):
    """An LSTM as it was before anyone cared for its forget bias: b_f = 0, so that half of the memory goes at each step.

    Equations, shapes and parameters are those of LSTM, which shows what the bias is worth (Jozefowicz et al. 2015).
    """

    def __init__(self, input_size: int, hidden_size: int, forget_bias: float = 0.0) -> None:
        super().__init__(input_size, hidden_size, forget_bias)


class PeepholeLSTM(LSTM):
    """An LSTM whose gates see the memory (Gers and Schmidhuber 2000; equations as in Greff et al. 2017).

    i = sigma(W_i x_t + b_i + U_i h_{t-1} + b'_i + p_i * c_{t-1})
    f = sigma(W_f x_t + b_f + U_f h_{t-1} + b'_f + p_f * c_{t-1})
    g = tanh(W_g x_t + b_g + U_g h_{t-1} + b'_g)
    c_t = f * c_{t-1} + i * g
    o = sigma(W_o x_t + b_o + U_o h_{t-1} + b'_o + p_o * c_t)
    h_t = o * tanh(c_t)

    Shapes as in LSTM, and p (3, H), which is p_i, p_f, p_o: 4 H (I + H + 2) + 3 H parameters.
    """

    fused: ClassVar[Callable[..., Any] | None] = None

    def __init__(self, input_size: int, hidden_size: int, forget_bias: float = 1.0) -> None:
        super().__init__(input_size, hidden_size, forget_bias)
        self.weight_peephole = nn.Parameter(torch.zeros(3, hidden_size))
        """p_i, p_f, p_o `(3, H)`; zeros at first, so that training starts from an LSTM."""

    def step(self, projected: Tensor, state: State) -> State:
        h, c = state
        p_i, p_f, p_o = self.weight_peephole
        i, f, g, o = (projected + self.recur(h)).chunk(4, dim=-1)
        c_next = torch.sigmoid(f + p_f * c) * c + torch.sigmoid(i + p_i * c) * torch.tanh(g)
        return torch.sigmoid(o + p_o * c_next) * torch.tanh(c_next), c_next


class CoupledLSTM(Cell):
    """An LSTM that forgets just where it writes: i = 1 - f (CIFG in Greff et al. 2017).

    f = sigma(W_f x_t + b_f + U_f h_{t-1} + b'_f)
    g = tanh(W_g x_t + b_g + U_g h_{t-1} + b'_g)
    o = sigma(W_o x_t + b_o + U_o h_{t-1} + b'_o)
    c_t = f * c_{t-1} + (1 - f) * g
    h_t = o * tanh(c_t)

    x (B, I), h and c (B, H); W (3H, I) is W_f, W_g, W_o, U (3H, H) likewise, b and b' (3H,): 3 H (I + H + 2)
    parameters.
    """

    gates, states = 3, 2

    def reset_parameters(self) -> None:
        """As every cell, but b_f = forget_bias, as in LSTM."""
        super().reset_parameters()
        nn.init.constant_(self.bias_ih.chunk(3)[0], self.forget_bias)

    def step(self, projected: Tensor, state: State) -> State:
        h, c = state
        f, g, o = (projected + self.recur(h)).chunk(3, dim=-1)
        f = torch.sigmoid(f)
        c = f * c + (1 - f) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(c), c


class EchoState(Cell):
    """A reservoir: drawn once and never trained, only what reads it is (Jaeger 2001; leaky as in Jaeger et al. 2007).

    h_t = (1 - a) * h_{t-1} + a * tanh(W x_t + b + U h_{t-1} + b'),  U scaled to a given spectral radius

    x (B, I), h (B, H); W (H, I), U (H, H), b and b' (H,): H (I + H + 2) numbers, none of them trained, and the leak a
    (1,). With a radius below 1 the state forgets how it began: the echo of an input dies away.
    """

    gates, states, trained = 1, 1, False
    leak: Tensor

    def __init__(self, input_size: int, hidden_size: int, forget_bias: float = 1.0) -> None:
        super().__init__(input_size, hidden_size, forget_bias)
        self.register_buffer("leak", torch.ones(1))
        self.requires_grad_(False)
        self.settle()

    def reset_parameters(self) -> None:
        """As every cell, but a normal U, as reservoirs have: the eigenvalues of an orthogonal one are all of size 1."""
        super().reset_parameters()
        nn.init.normal_(self.weight_hh)

    @torch.no_grad()
    def settle(self, radius: float = 0.9, leak: float = 0.5) -> None:
        """Give the reservoir the spectral radius and the leak."""
        self.weight_hh.mul_(radius / torch.linalg.eigvals(self.weight_hh).abs().max())
        self.leak.fill_(leak)

    def step(self, projected: Tensor, state: State) -> State:
        (h,) = state
        return ((1 - self.leak) * h + self.leak * torch.tanh(projected + self.recur(h)),)


CELLS: dict[str, type[Cell]] = {
    "rnn": TanhRNN,
    "rnn_relu": ReluRNN,
    "gru": GRU,
    "lstm": LSTM,
    "peephole": PeepholeLSTM,
    "coupled": CoupledLSTM,
    "lstm_f0": HalfOpenLSTM,
    "esn": EchoState,
}
"""The word of a config -> the cell."""


def cell_class(name: str) -> type[Cell]:
    """The cell called `name`; raises ValueError that lists the choices."""
    if name not in CELLS:
        raise ValueError(f"cell is {name!r}: choose one of {', '.join(CELLS)}")
    return CELLS[name]
