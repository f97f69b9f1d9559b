"""Cells and layers of cells as nodes of an ONNX graph: every cell serves, in fp32 and in int8."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from inference.decoding import Array
from training.graph_builder import Graph, Tensors, quantise


def _sigmoid(g: Graph, x: str) -> str:
    return str(g.op("Sigmoid", x))


def _tanh(g: Graph, x: str) -> str:
    return str(g.op("Tanh", x))


class Rows(NamedTuple):
    """An input that is rows of a table `(V, I)` by ids: what is made of it can be looked up as well."""

    ids: str
    table: Array


def _inputs(g: Graph, x: str | Rows, weight: Array, bias: Array) -> str:
    """W x + b; of rows, a row of the table times W: no product is left to be done."""
    return g.embedding(x.ids, x.table @ weight.T + bias) if isinstance(x, Rows) else g.linear(x, weight, bias)


def _all_gates(g: Graph, x: str | Rows, h: str, w: Tensors, parts: int) -> list[str]:
    """W x + b + U h + b' as one product of [x; h], cut into gates."""
    bias = w["bias_ih"] + w["bias_hh"]
    if isinstance(x, Rows):
        return g.split(g.op("Add", _inputs(g, x, w["weight_ih"], bias), g.linear(h, w["weight_hh"])), parts)
    weight = np.concatenate([w["weight_ih"], w["weight_hh"]], axis=1)
    return g.split(g.linear(g.op("Concat", x, h, axis=-1), weight, bias), parts)


CellStep = Callable[[Graph, str | Rows, Sequence[str], Tensors], list[str]]


def _rnn(activation: str) -> CellStep:
    def step(g: Graph, x: str | Rows, state: Sequence[str], w: Tensors) -> list[str]:
        (gate,) = _all_gates(g, x, state[0], w, 1)
        return [str(g.op(activation, gate))]

    return step


def _gru(g: Graph, x: str | Rows, state: Sequence[str], w: Tensors) -> list[str]:
    (h,) = state
    x_r, x_z, x_n = g.split(_inputs(g, x, w["weight_ih"], w["bias_ih"]), 3)
    h_r, h_z, h_n = g.split(g.linear(h, w["weight_hh"], w["bias_hh"]), 3)
    z = _sigmoid(g, g.op("Add", x_z, h_z))
    n = _tanh(g, g.op("Add", x_n, g.op("Mul", _sigmoid(g, g.op("Add", x_r, h_r)), h_n)))
    # (1 - z) * n + z * h = n + z * (h - n)
    return [str(g.op("Add", n, g.op("Mul", z, g.op("Sub", h, n))))]


def _lstm(g: Graph, x: str | Rows, state: Sequence[str], w: Tensors) -> list[str]:
    h, c = state
    i, f, candidate, o = _all_gates(g, x, h, w, 4)
    peephole = w.get("weight_peephole")
    if peephole is not None:
        i = g.op("Add", i, g.op("Mul", c, g.floats(peephole[0])))
        f = g.op("Add", f, g.op("Mul", c, g.floats(peephole[1])))
    c = g.op("Add", g.op("Mul", _sigmoid(g, f), c), g.op("Mul", _sigmoid(g, i), _tanh(g, candidate)))
    if peephole is not None:
        o = g.op("Add", o, g.op("Mul", c, g.floats(peephole[2])))
    return [str(g.op("Mul", _sigmoid(g, o), _tanh(g, c))), c]


def _coupled(g: Graph, x: str | Rows, state: Sequence[str], w: Tensors) -> list[str]:
    h, c = state
    f, candidate, o = _all_gates(g, x, h, w, 3)
    candidate = _tanh(g, candidate)
    # f * c + (1 - f) * g = g + f * (c - g)
    c = g.op("Add", candidate, g.op("Mul", _sigmoid(g, f), g.op("Sub", c, candidate)))
    return [str(g.op("Mul", _sigmoid(g, o), _tanh(g, c))), c]


def _echo(g: Graph, x: str | Rows, state: Sequence[str], w: Tensors) -> list[str]:
    (h,) = state
    (gate,) = _all_gates(g, x, h, w, 1)
    # (1 - a) * h + a * n = h + a * (n - h)
    return [str(g.op("Add", h, g.op("Mul", g.floats(w["leak"]), g.op("Sub", _tanh(g, gate), h))))]


STEPS: dict[str, CellStep] = {
    "rnn": _rnn("Tanh"),
    "rnn_relu": _rnn("Relu"),
    "gru": _gru,
    "lstm": _lstm,
    "peephole": _lstm,
    "coupled": _coupled,
    "lstm_f0": _lstm,
    "esn": _echo,
}
"""One step of each cell of `training.cells`: `(graph, x (N, I), state, tensors) -> the next state`."""


def _reorder(tensor: Array, order: Sequence[int]) -> Array:
    """Put the gates of `(G*H, ...)` into another order; a gate may stand twice, and `~i` is gate i negated."""
    gates = np.split(tensor, max(order) + 1)
    return np.concatenate([gates[i] if i >= 0 else -gates[~i] for i in order])


# ONNX operators want other orders: GRU z r n; LSTM i o f c. A coupled cell's i = 1 - f = sigma(-z) where f = sigma(z):
# an LSTM with f's weights negated. (`input_forget` would say the same, but ONNX Runtime takes it for f = 1 - i.)
OPERATORS: dict[str, tuple[str, Sequence[int], dict[str, Any]]] = {
    "rnn": ("RNN", (0,), {"activations": ["Tanh"]}),
    "rnn_relu": ("RNN", (0,), {"activations": ["Relu"]}),
    "gru": ("GRU", (1, 0, 2), {"linear_before_reset": 1}),
    "lstm": ("LSTM", (0, 3, 1, 2), {}),
    "peephole": ("LSTM", (0, 3, 1, 2), {}),
    "coupled": ("LSTM", (~0, 2, 0, 1), {}),
    "lstm_f0": ("LSTM", (0, 3, 1, 2), {}),
    "esn": ("GRU", (1, 0, 2), {"linear_before_reset": 1}),
}


def _as_gru(w: Tensors) -> Tensors:
    """A leaky reservoir as a GRU whose gates are constants: r = 1, z = 1 - a."""
    leak, always = float(w["leak"][0]), 30.0  # sigma(30) is 1 in fp32.
    kept = np.clip(np.log1p(-leak) - np.log(leak), -always, always) if leak < 1 else -always
    hidden = len(w["weight_hh"])
    gates = np.repeat(np.array([always, kept], np.float32), hidden)
    return {
        "weight_ih": np.concatenate([np.zeros((2 * hidden, w["weight_ih"].shape[1]), np.float32), w["weight_ih"]]),
        "weight_hh": np.concatenate([np.zeros((2 * hidden, hidden), np.float32), w["weight_hh"]]),
        "bias_ih": np.concatenate([gates, w["bias_ih"]]),
        "bias_hh": np.concatenate([np.zeros(2 * hidden, np.float32), w["bias_hh"]]),
    }


def recurrent(g: Graph, cell: str, x: str, directions: Sequence[Tensors]) -> str:
    """One layer of ONNX's own recurrent operator: `x (S, 1, I) -> (S, 1, D*H)`, forward first, from the zero state.

    In int8, cells of the LSTM kind take DynamicQuantizeLSTM: its scales come from the one row it is given.
    """
    kind, order, attributes = OPERATORS[cell]
    if cell == "esn":
        directions = [_as_gru(direction) for direction in directions]
    hidden = directions[0]["weight_hh"].shape[1]
    w = np.stack([_reorder(d["weight_ih"], order) for d in directions])
    u = np.stack([_reorder(d["weight_hh"], order) for d in directions])
    bias = np.stack(
        [np.concatenate([_reorder(d["bias_ih"], order), _reorder(d["bias_hh"], order)]) for d in directions]
    )
    if cell == "peephole":
        peepholes = g.floats(np.stack([d["weight_peephole"][[0, 2, 1]].ravel() for d in directions]))  # i o f
    else:
        peepholes = ""
    attributes = {
        **attributes,
        "hidden_size": hidden,
        "direction": "bidirectional" if len(directions) == 2 else "forward",
    }
    if "activations" in attributes:
        attributes["activations"] = attributes["activations"] * len(directions)
    if g.int8 and kind == "LSTM":
        inputs, scales = [x], []
        for weight in (w, u):
            integers, scale = quantise(weight, axis=2)
            inputs.append(g.constant(integers.transpose(0, 2, 1)))
            scales += [g.floats(scale), g.constant(np.zeros(scale.shape, np.int8))]
        y = g.op(
            "DynamicQuantizeLSTM",
            *inputs,
            g.floats(bias),
            "",
            "",
            "",
            peepholes,
            *scales,
            domain="com.microsoft",
            **attributes,
        )
    else:
        y = g.op(
            kind,
            x,
            g.floats(w),
            g.floats(u),
            g.floats(bias),
            *(["", "", "", peepholes] if peepholes else []),
            **attributes,
        )
    # (S, D, 1, H) -> (S, 1, D*H)
    return str(g.op("Reshape", g.op("Transpose", y, perm=[0, 2, 1, 3]), g.ints(0, 0, -1)))


def below(tensors: Tensors, prefix: str) -> Tensors:
    """The tensors below `prefix`, under their short names."""
    return {name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)}


def stack(g: Graph, cell: str, x: str, tensors: Tensors, prefix: str, *, bidirectional: bool) -> str:
    """The layers of a `training.recurrent.Recurrent`: `x (S, 1, I) -> (S, 1, D*H)`."""
    directions = 2 if bidirectional else 1
    count = len({name.removeprefix(prefix).split(".")[1] for name in tensors if name.startswith(prefix + "cells.")})
    for first in range(0, count, directions):
        x = recurrent(g, cell, x, [below(tensors, f"{prefix}cells.{first + d}.") for d in range(directions)])
    return x
