"""Models as ONNX graphs, built node by node, so that every cell serves and every product can be int8.

int8 here is exact whatever the machine and whatever the neighbours in a batch: activations lie in [-1, 1] (an h does by
its equations; embeddings, context and readout are scaled into it when the graph is built) and are quantised with one
constant scale, and weights have 7 bits a channel, since the kernels of processors without VNNI add pairs of products
in 16 bits and would saturate with 8.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import ArrayLike
from onnx import TensorProto, helper, numpy_helper

from inference.decoding import Array
from training.cells import cell_class
from training.classifier import ClassifierConfig
from training.seq2seq import Seq2SeqConfig

_OPSET, _IR_VERSION = 17, 9
_STEPS = 63
"""Largest weight of 7 bits."""

Tensors = dict[str, Array]


def quantise(weight: Array, axis: int) -> tuple[Array, Array]:
    """7-bit integers and one scale for each channel: `weight ~ integers * scale`, scales taken over `axis`."""
    scale = np.abs(weight).max(axis=axis, keepdims=True) / _STEPS
    scale[scale == 0] = 1.0
    return np.rint(weight / scale).astype(np.int8), scale.squeeze(axis).astype(np.float32)


class Graph:
    """A graph under construction. Values are names; `op` adds a node and returns the name of its output."""

    def __init__(self, name: str, *, int8: bool) -> None:
        self.name, self.int8 = name, int8
        self._nodes: list[Any] = []
        self._weights: list[Any] = []
        self._inputs: list[Any] = []
        self._outputs: list[Any] = []

    def input(self, name: str, dtype: int, shape: Sequence[int | str]) -> str:
        """Declare an input; a word in `shape` is an axis of any size."""
        self._inputs.append(helper.make_tensor_value_info(name, dtype, shape))
        return name

    def output(self, value: str, name: str, dtype: int, shape: Sequence[int | str]) -> None:
        """Declare `value` as the output called `name`."""
        self._nodes.append(helper.make_node("Identity", [value], [name]))
        self._outputs.append(helper.make_tensor_value_info(name, dtype, shape))

    def constant(self, array: ArrayLike) -> str:
        """A constant tensor."""
        name = f"w{len(self._weights)}"
        self._weights.append(numpy_helper.from_array(np.array(array, order="C"), name))
        return name

    def floats(self, array: ArrayLike) -> str:
        """A constant fp32 tensor; scalars too."""
        return self.constant(np.asarray(array, dtype=np.float32))

    def ints(self, *values: int) -> str:
        """A constant int64 vector: axes, shapes, bounds."""
        return self.constant(np.array(values, dtype=np.int64))

    def op(self, kind: str, *inputs: str, outputs: int = 1, domain: str = "", **attributes: Any) -> Any:
        """Add a node; returns the name of its output, or a tuple of names when there are several."""
        names = [f"v{len(self._nodes)}_{i}" for i in range(outputs)]
        self._nodes.append(helper.make_node(kind, list(inputs), names, domain=domain, **attributes))
        return names[0] if outputs == 1 else tuple(names)

    def linear(self, x: str, weight: Array, bias: Array | None = None, *, exact: bool = False) -> str:
        """`x (..., K) W^T + b` with `weight (N, K)`, `bias (N,)`; in int8, x must lie in [-1, 1] (it is clipped).

        `exact` stays in fp32 whatever the graph's precision.
        """
        if exact or not self.int8:
            y = self.op("MatMul", x, self.floats(weight.T))
            return y if bias is None else str(self.op("Add", y, self.floats(bias)))
        integers, scale = quantise(weight, axis=1)
        step, zero = self.floats(np.float32(1 / 127)), self.constant(np.uint8(128))
        inputs = [self.op("QuantizeLinear", x, step, zero), self.constant(integers.T), step, self.floats(scale), zero]
        extra = [] if bias is None else ["", self.floats(bias)]
        return str(self.op("MatMulIntegerToFloat", *inputs, *extra, domain="com.microsoft"))

    def embedding(self, ids: str, table: Array) -> str:
        """Rows of `table (V, E)` by `ids (...)`: `(..., E)`."""
        if not self.int8:
            return str(self.op("Gather", self.floats(table), ids))
        integers, scale = quantise(table, axis=1)
        rows = self.op("Cast", self.op("Gather", self.constant(integers), ids), to=TensorProto.FLOAT)
        scales = self.op("Gather", self.floats(scale[:, None]), ids)
        return str(self.op("Mul", rows, scales))

    def split(self, x: str, parts: int) -> list[str]:
        """`x (..., P*F)` -> P values `(..., F)`. The width is read off the graph's run, so it needs no sizes."""
        return list(self.op("Split", x, outputs=parts, axis=-1)) if parts > 1 else [x]

    def bytes(self) -> bytes:
        """The finished model, checked and serialised."""
        graph = helper.make_graph(self._nodes, self.name, self._inputs, self._outputs, self._weights)
        opsets = [helper.make_opsetid("", _OPSET), helper.make_opsetid("com.microsoft", 1)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=_IR_VERSION, producer_name="hoiquy")
        onnx.checker.check_model(model)
        return bytes(model.SerializeToString())


def _sigmoid(g: Graph, x: str) -> str:
    return str(g.op("Sigmoid", x))


def _tanh(g: Graph, x: str) -> str:
    return str(g.op("Tanh", x))


def _all_gates(g: Graph, x: str, h: str, w: Tensors, parts: int) -> list[str]:
    """W x + b + U h + b' as one product of [x; h], cut into gates."""
    weight = np.concatenate([w["weight_ih"], w["weight_hh"]], axis=1)
    return g.split(g.linear(g.op("Concat", x, h, axis=-1), weight, w["bias_ih"] + w["bias_hh"]), parts)


def _rnn(activation: str) -> Callable[[Graph, str, Sequence[str], Tensors], list[str]]:
    def step(g: Graph, x: str, state: Sequence[str], w: Tensors) -> list[str]:
        (gate,) = _all_gates(g, x, state[0], w, 1)
        return [str(g.op(activation, gate))]

    return step


def _gru(g: Graph, x: str, state: Sequence[str], w: Tensors) -> list[str]:
    (h,) = state
    x_r, x_z, x_n = g.split(g.linear(x, w["weight_ih"], w["bias_ih"]), 3)
    h_r, h_z, h_n = g.split(g.linear(h, w["weight_hh"], w["bias_hh"]), 3)
    z = _sigmoid(g, g.op("Add", x_z, h_z))
    n = _tanh(g, g.op("Add", x_n, g.op("Mul", _sigmoid(g, g.op("Add", x_r, h_r)), h_n)))
    # (1 - z) * n + z * h = n + z * (h - n)
    return [str(g.op("Add", n, g.op("Mul", z, g.op("Sub", h, n))))]


def _lstm(g: Graph, x: str, state: Sequence[str], w: Tensors) -> list[str]:
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


def _coupled(g: Graph, x: str, state: Sequence[str], w: Tensors) -> list[str]:
    h, c = state
    f, candidate, o = _all_gates(g, x, h, w, 3)
    candidate = _tanh(g, candidate)
    # f * c + (1 - f) * g = g + f * (c - g)
    c = g.op("Add", candidate, g.op("Mul", _sigmoid(g, f), g.op("Sub", c, candidate)))
    return [str(g.op("Mul", _sigmoid(g, o), _tanh(g, c))), c]


STEPS: dict[str, Callable[[Graph, str, Sequence[str], Tensors], list[str]]] = {
    "rnn": _rnn("Tanh"),
    "rnn_relu": _rnn("Relu"),
    "gru": _gru,
    "lstm": _lstm,
    "peephole": _lstm,
    "coupled": _coupled,
}
"""One step of each cell of `training.cells`: `(graph, x (N, I), state, tensors) -> the next state`."""


def _reorder(tensor: Array, order: Sequence[int]) -> Array:
    """Put the gates of `(G*H, ...)` into another order; a gate may stand twice, and `~i` is gate i negated."""
    gates = np.split(tensor, max(order) + 1)
    return np.concatenate([gates[i] if i >= 0 else -gates[~i] for i in order])


# ONNX operators want other orders: GRU z r n; LSTM i o f c. A coupled cell's i = 1 - f = sigma(-z) where f = sigma(z):
# an LSTM with f's weights negated. (`input_forget` would say the same, but ONNX Runtime takes it for f = 1 - i.)
_OPERATORS: dict[str, tuple[str, Sequence[int], dict[str, Any]]] = {
    "rnn": ("RNN", (0,), {"activations": ["Tanh"]}),
    "rnn_relu": ("RNN", (0,), {"activations": ["Relu"]}),
    "gru": ("GRU", (1, 0, 2), {"linear_before_reset": 1}),
    "lstm": ("LSTM", (0, 3, 1, 2), {}),
    "peephole": ("LSTM", (0, 3, 1, 2), {}),
    "coupled": ("LSTM", (~0, 2, 0, 1), {}),
}


def recurrent(g: Graph, cell: str, x: str, directions: Sequence[Tensors]) -> str:
    """One layer of ONNX's own recurrent operator: `x (S, 1, I) -> (S, 1, D*H)`, forward first, from the zero state.

    In int8, cells of the LSTM kind take DynamicQuantizeLSTM: its scales come from the one row it is given.
    """
    kind, order, attributes = _OPERATORS[cell]
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


def _layer(tensors: Tensors, prefix: str) -> Tensors:
    """The tensors below `prefix`, under their short names."""
    return {name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)}


def stack(g: Graph, cell: str, x: str, tensors: Tensors, prefix: str, *, bidirectional: bool) -> str:
    """The layers of a `training.recurrent.Recurrent`: `x (S, 1, I) -> (S, 1, D*H)`."""
    directions = 2 if bidirectional else 1
    count = len({name.removeprefix(prefix).split(".")[1] for name in tensors if name.startswith(prefix + "cells.")})
    for first in range(0, count, directions):
        x = recurrent(g, cell, x, [_layer(tensors, f"{prefix}cells.{first + d}.") for d in range(directions)])
    return x


def encoder_graph(config: Seq2SeqConfig, tensors: Tensors, values_range: float, *, int8: bool) -> bytes:
    """One sentence `ids (S,)` -> `keys (heads, H/heads, S)`, `values (heads, S, H/heads)`, `mask (S,)`, `state_i (H,)`.

    `values` come divided by `values_range`, so that they, and each context made of them, lie in [-1, 1].
    """
    t, hidden, heads = tensors, config.hidden, config.heads
    g = Graph("encoder", int8=int8)
    ids = g.input("ids", TensorProto.INT64, ["S"])
    table = t["encoder.embedding.weight"] * np.float32(config.embedding**0.5)
    x = g.op("Unsqueeze", g.embedding(ids, table), g.ints(1))
    layers = stack(g, config.cell, x, t, "encoder.layers.", bidirectional=config.bidirectional)
    outputs = g.op("Squeeze", layers, g.ints(1))
    split = g.ints(0, heads, hidden // heads)
    keys = g.op("Reshape", g.linear(outputs, t["encoder.keys.weight"], t["encoder.keys.bias"]), split)
    scale = np.float32(1 / values_range)
    values = g.op(
        "Reshape", g.linear(outputs, t["encoder.values.weight"] * scale, t["encoder.values.bias"] * scale), split
    )
    g.output(g.op("Transpose", keys, perm=[1, 2, 0]), "keys", TensorProto.FLOAT, [heads, hidden // heads, "S"])
    g.output(g.op("Transpose", values, perm=[1, 0, 2]), "values", TensorProto.FLOAT, [heads, "S", hidden // heads])
    g.output(g.op("GreaterOrEqual", ids, g.ints(0)), "mask", TensorProto.BOOL, ["S"])
    seen = g.op("Gather", outputs, g.constant(np.int64(0 if config.bidirectional else -1)), axis=0)
    bridge = g.op(
        "Tanh", g.linear(g.op("Unsqueeze", seen, g.ints(0)), t["encoder.bridge.weight"], t["encoder.bridge.bias"])
    )
    zeros, index = g.floats(np.zeros(hidden)), 0
    for h in g.split(g.op("Squeeze", bridge, g.ints(0)), config.decoder_layers):
        for value in (h, zeros)[: cell_class(config.cell).states]:
            g.output(value, f"state_{index}", TensorProto.FLOAT, [hidden])
            index += 1
    return g.bytes()


def step_graph(
    config: Seq2SeqConfig, tensors: Tensors, values_range: float, readout_range: float, *, int8: bool
) -> bytes:
    """One decoder step of N rows: `tokens (N,)`, memory and states -> `log_probs (N, V)` and the next states.

    Memory: `keys (N, heads, H/heads, S)`, `values (N, heads, S, H/heads)`, `mask (N, S)`; states: `state_i (N, H)`.
    """
    t, hidden, heads = tensors, config.hidden, config.heads
    size, states = hidden // heads, cell_class(config.cell).states
    g = Graph("step", int8=int8)
    tokens = g.input("tokens", TensorProto.INT64, ["N"])
    keys = g.input("keys", TensorProto.FLOAT, ["N", heads, size, "S"])
    values = g.input("values", TensorProto.FLOAT, ["N", heads, "S", size])
    mask = g.input("mask", TensorProto.BOOL, ["N", "S"])
    before = [
        [g.input(f"state_{layer * states + i}", TensorProto.FLOAT, ["N", hidden]) for i in range(states)]
        for layer in range(config.decoder_layers)
    ]
    table = t["decoder.embedding.weight"]
    largest = np.abs(table).max()
    step, after = STEPS[config.cell], []
    first = _layer(t, "decoder.cells.0.")
    first["weight_ih"] = first["weight_ih"] * (largest * config.embedding**0.5)
    state = step(g, g.embedding(tokens, table / largest), before[0], first)
    after.append(state)
    query = g.op("Reshape", state[0], g.ints(0, heads, 1, size))
    scores = g.op("Mul", g.op("MatMul", query, keys), g.floats(size**-0.5))
    seen = g.op("Unsqueeze", mask, g.ints(1, 2))
    weights = g.op("Softmax", g.op("Where", seen, scores, g.floats(-np.inf)), axis=-1)
    context = g.op("Reshape", g.op("MatMul", weights, values), g.ints(0, hidden))
    # What reads the context multiplies back what `values` were divided by.
    scale = np.ones(2 * hidden, np.float32)
    scale[hidden:] = values_range
    for layer in range(1, config.decoder_layers):
        cell = _layer(t, f"decoder.cells.{layer}.")
        cell["weight_ih"] = cell["weight_ih"] * scale
        state = step(g, g.op("Concat", state[0], context, axis=-1), before[layer], cell)
        after.append(state)
    readout = g.linear(
        g.op("Concat", state[0], context, axis=-1),
        t["decoder.readout.weight"] * scale / readout_range,
        t["decoder.readout.bias"] / readout_range,
    )
    logits = g.linear(readout, table * readout_range, t["decoder.output_bias"])
    g.output(g.op("LogSoftmax", logits, axis=-1), "log_probs", TensorProto.FLOAT, ["N", len(table)])
    for index, value in enumerate(value for state in after for value in state):
        g.output(value, f"next_{index}", TensorProto.FLOAT, ["N", hidden])
    return g.bytes()


def classifier_graph(config: ClassifierConfig, tensors: Tensors, *, int8: bool) -> bytes:
    """One text `ids (S,)` -> `log_probs (C,)`."""
    g = Graph("classifier", int8=int8)
    ids = g.input("ids", TensorProto.INT64, ["S"])
    table = tensors["embedding.weight"] * np.float32(config.embedding**0.5)
    x = g.op("Unsqueeze", g.embedding(ids, table), g.ints(1))
    layers = stack(g, config.cell, x, tensors, "layers.", bidirectional=config.bidirectional)
    both = g.op("Concat", x, layers, axis=-1)
    pooled = g.op(
        "Concat", g.op("ReduceMax", both, axes=[0], keepdims=0), g.op("ReduceMean", both, axes=[0], keepdims=0), axis=-1
    )
    logits = g.linear(pooled, tensors["output.weight"], tensors["output.bias"], exact=True)
    log_probs = g.op("Squeeze", g.op("LogSoftmax", logits, axis=-1), g.ints(0))
    g.output(log_probs, "log_probs", TensorProto.FLOAT, [len(tensors["output.bias"])])
    return g.bytes()
