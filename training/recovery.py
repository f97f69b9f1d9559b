"""A translator's weights, read off its int8 graphs: what ships without weights can be gone on with all the same.

What serves is all there, in 7 bits a weight. Two scales are not: the graphs divide the values and the readout by their
ranges, and what reads them multiplies by those again (`training.graphs`). Any scale gives the same translations; the
ones taken here make the weights of neighbouring matrices alike in size, as training leaves them.
"""

from collections.abc import Sequence

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor

from inference.checkpoint import Checkpoint
from inference.decoding import Array
from training.errors import InputError
from training.graph_builder import Tensors
from training.graph_cells import OPERATORS
from training.seq2seq import Seq2SeqConfig

READABLE = ("lstm", "lstm_f0")
"""Cells whose weights lie in the graphs as they are."""


def check_readable(checkpoint: Checkpoint, config: Seq2SeqConfig) -> None:
    """Raise InputError when the graphs are not int8, or of a cell that stands in them in another form."""
    if not checkpoint.config["int8"] or config.cell not in READABLE:
        raise InputError(
            f"{checkpoint.path} has no weights, and they cannot be read off its graphs: int8 graphs of the cells "
            f"{', '.join(READABLE)} are needed, these are int8 {checkpoint.config['int8']}, cell {config.cell}"
        )


def recovered(checkpoint: Checkpoint, config: Seq2SeqConfig) -> dict[str, Tensor]:
    """The weights of a `training.seq2seq.Seq2Seq` of this shape, from the checkpoint's graphs.

    Raises InputError as `check_readable` does.
    """
    check_readable(checkpoint, config)
    encoder, step = (_Nodes(checkpoint.read(f"{name}.onnx")) for name in ("encoder", "step"))
    tensors = {**_encoder(encoder, config), **_decoder(step, config)}
    scale = _rms(tensors["decoder.cells.1.weight_ih"][:, : config.hidden])
    scale /= _rms(tensors["decoder.cells.1.weight_ih"][:, config.hidden :])
    for layer in range(1, config.decoder_layers):
        tensors[f"decoder.cells.{layer}.weight_ih"][:, config.hidden :] *= scale
    tensors["decoder.readout.weight"][:, config.hidden :] *= scale
    for name in ("weight", "bias"):
        tensors[f"encoder.values.{name}"] = tensors[f"encoder.values.{name}"] / scale
    return {name: torch.from_numpy(np.array(t, np.float32, order="C")) for name, t in tensors.items()}


def _rms(weight: Array) -> float:
    """The root of the mean square of a matrix."""
    return float(np.sqrt(np.mean(weight**2)))


class _Nodes:
    """The nodes of a graph, kind by kind, in their order, and its constants."""

    def __init__(self, data: bytes) -> None:
        graph = onnx.load_from_string(data).graph
        self._nodes = graph.node
        self._constants = {constant.name: numpy_helper.to_array(constant) for constant in graph.initializer}

    def inputs(self, kind: str) -> list[list[Array | None]]:
        """What goes into each node of a kind: constants, and None for everything else."""
        return [[self._constants.get(name) for name in node.input] for node in self._nodes if node.op_type == kind]

    def linears(self) -> list[tuple[Array, Array]]:
        """`weight (N, K)` and `bias (N,)`, zeros where there is none, of each int8 product."""
        found = []
        for inputs in self.inputs("MatMulIntegerToFloat"):
            integers, scale = _there(inputs[1]), _there(inputs[3])
            bias = inputs[6] if len(inputs) > 6 else None
            found.append(((integers * scale).T, np.zeros(len(scale), np.float32) if bias is None else bias))
        return found

    def table(self) -> Array:
        """The `(V, E)` whose rows are looked up."""
        integers, scales = (_there(inputs[0]) for inputs in self.inputs("Gather")[:2])
        return np.asarray(integers * scales)


def _there(constant: Array | None) -> Array:
    assert constant is not None
    return constant


def _encoder(nodes: _Nodes, config: Seq2SeqConfig) -> Tensors:
    tensors = {"encoder.embedding.weight": nodes.table() / np.float32(config.embedding**0.5)}
    order = OPERATORS[config.cell][1]
    number = 0
    for layer in nodes.inputs("DynamicQuantizeLSTM"):
        w, u, bias, w_scale, u_scale = (_there(layer[i]) for i in (1, 2, 3, 8, 10))
        for direction in range(len(w)):
            cell = f"encoder.layers.cells.{number}."
            both = np.split(bias[direction], 2)
            tensors[f"{cell}weight_ih"] = _torch_order((w[direction] * w_scale[direction]).T, order)
            tensors[f"{cell}weight_hh"] = _torch_order((u[direction] * u_scale[direction]).T, order)
            tensors[f"{cell}bias_ih"], tensors[f"{cell}bias_hh"] = (_torch_order(b, order) for b in both)
            number += 1
    for name, (weight, bias) in zip(("keys", "values", "bridge"), nodes.linears(), strict=True):
        tensors[f"encoder.{name}.weight"], tensors[f"encoder.{name}.bias"] = weight, bias
    return tensors


def _torch_order(tensor: Array, order: Sequence[int]) -> Array:
    """The gates of an ONNX operator `(G*H, ...)`, which lie in `order`, in torch's."""
    gates = np.split(tensor, len(order))
    return np.concatenate([gates[order.index(gate)] for gate in range(len(order))])


def _decoder(nodes: _Nodes, config: Seq2SeqConfig) -> Tensors:
    (first, first_bias), *uppers, (readout, readout_bias), (output, output_bias) = nodes.linears()
    # The first graphs had no table of gates: they looked the embedding up, and multiplied [x; h].
    from_x, from_h = np.split(first, [first.shape[1] - config.hidden], axis=1)
    gates = nodes.table() @ from_x.T + first_bias if from_x.size else nodes.table()
    tensors = {"decoder.cells.0.weight_hh": from_h, "decoder.output_bias": output_bias}
    for layer, (weight, bias) in enumerate(uppers, start=1):
        cell = f"decoder.cells.{layer}."
        inputs = 2 * config.hidden
        tensors[f"{cell}weight_ih"], tensors[f"{cell}weight_hh"] = weight[:, :inputs], weight[:, inputs:]
        tensors[f"{cell}bias_ih"], tensors[f"{cell}bias_hh"] = bias, np.zeros_like(bias)
    # The table of gates is sqrt(E) embedding W^T + b, and the output weights are the embedding.
    known = np.column_stack([output * config.embedding**0.5, np.ones(len(output))])
    solved, *_ = np.linalg.lstsq(known.astype(np.float64), gates.astype(np.float64), rcond=None)
    weight, bias = solved[:-1].T, solved[-1]
    scale = _rms(tensors["decoder.cells.1.weight_ih"][:, : config.hidden]) / _rms(weight)
    tensors["decoder.cells.0.weight_ih"] = weight * scale
    tensors["decoder.cells.0.bias_ih"], tensors["decoder.cells.0.bias_hh"] = bias, np.zeros_like(bias)
    tensors["decoder.embedding.weight"] = output / scale
    tensors["decoder.readout.weight"], tensors["decoder.readout.bias"] = readout * scale, readout_bias * scale
    return tensors
