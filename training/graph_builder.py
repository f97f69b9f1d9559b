"""Build an ONNX graph node by node, each product in fp32 or int8.

int8 here is exact whatever the machine and whatever the neighbours in a batch: activations lie in [-1, 1] and are
quantised with one constant scale, and weights have 7 bits a channel, since the kernels of processors without VNNI add
pairs of products in 16 bits and would saturate with 8.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import ArrayLike
from onnx import TensorProto, helper, numpy_helper

from inference.decoding import Array

_OPSET, _IR_VERSION = 17, 9
_STEPS = 63
"""Largest weight of 7 bits."""
_LOOKED_UP = 127
"""Largest number of 8 bits, in tables."""


def quantise(weight: Array, axis: int, steps: int = _STEPS) -> tuple[Array, Array]:
    """Integers from -steps to steps, one scale a channel: `weight ~ integers * scale`, scales taken over `axis`."""
    scale = np.abs(weight).max(axis=axis, keepdims=True) / steps
    scale[scale == 0] = 1.0
    return np.rint(weight / scale).astype(np.int8), scale.squeeze(axis).astype(np.float32)


Tensors = dict[str, Array]
"""A model's weights by name."""


class Graph:
    """A graph under construction. Values are names; `op` adds a node and returns the name of its output."""

    def __init__(self, name: str, *, int8: bool) -> None:
        self.name, self.int8 = name, int8
        self._nodes: list[Any] = []
        self._weights: list[Any] = []
        self._inputs: list[Any] = []
        self._outputs: list[Any] = []
        self._called: dict[str, str] = {}
        """What outputs are called."""

    def input(self, name: str, dtype: int, shape: Sequence[int | str]) -> str:
        """Declare an input; a word in `shape` is an axis of any size."""
        self._inputs.append(helper.make_tensor_value_info(name, dtype, shape))
        return name

    def output(self, value: str, name: str, dtype: int, shape: Sequence[int | str]) -> None:
        """Declare `value` as the output called `name`."""
        free = {made for node in self._nodes for made in node.output} - self._called.keys()
        self._called[value if value in free else self.op("Identity", value)] = name
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
        integers, scale = quantise(table, axis=1, steps=_LOOKED_UP)
        rows = self.op("Cast", self.op("Gather", self.constant(integers), ids), to=TensorProto.FLOAT)
        scales = self.op("Gather", self.floats(scale[:, None]), ids)
        return str(self.op("Mul", rows, scales))

    def split(self, x: str, parts: int) -> list[str]:
        """`x (..., P*F)` -> P values `(..., F)`. The width is read off the graph's run, so it needs no sizes."""
        return list(self.op("Split", x, outputs=parts, axis=-1)) if parts > 1 else [x]

    def bytes(self) -> bytes:
        """The finished model, checked and serialised."""
        for node in self._nodes:
            for values in (node.input, node.output):
                values[:] = [self._called.get(value, value) for value in values]
        graph = helper.make_graph(self._nodes, self.name, self._inputs, self._outputs, self._weights)
        opsets = [helper.make_opsetid("", _OPSET), helper.make_opsetid("com.microsoft", 1)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=_IR_VERSION, producer_name="hoiquy")
        onnx.checker.check_model(model)
        return bytes(model.SerializeToString())
