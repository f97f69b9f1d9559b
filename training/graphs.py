"""Models as ONNX graphs: every cell serves, in fp32 and in int8.

Int8 products want inputs in [-1, 1]: an h is there by its equations; context and readout are scaled into it when the
graph is built, and what reads them has the scale in its weights. What follows from a token alone is a table.
"""

import numpy as np
from onnx import TensorProto

from inference.decoding import Array
from inference.tokenizer import BEGIN
from training.cells import cell_class
from training.classifier import PAIR, WIDE_SCALE, ClassifierConfig
from training.graph_builder import Graph, Tensors
from training.graph_cells import STEPS, Rows, below, stack
from training.seq2seq import Seq2SeqConfig


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
    """One decoder step of N rows: `tokens (N,)`, memory and states -> `log_probs (N, V)`, the heads' weights
    `attention (N, heads, 1, S)`, and the next states.

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
    step, after = STEPS[config.cell], []
    rows = Rows(tokens, table * np.float32(config.embedding**0.5))
    state = step(g, rows, before[0], below(t, "decoder.cells.0."))
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
        cell = below(t, f"decoder.cells.{layer}.")
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
    g.output(weights, "attention", TensorProto.FLOAT, ["N", heads, 1, "S"])
    for index, value in enumerate(value for state in after for value in state):
        g.output(value, f"next_{index}", TensorProto.FLOAT, ["N", hidden])
    return g.bytes()


def classifier_graph(config: ClassifierConfig, tensors: Tensors, *, int8: bool) -> bytes:
    """One text `ids (S,)` -> `log_probs (C,)`."""
    g = Graph("classifier", int8=int8)
    ids = g.input("ids", TensorProto.INT64, ["S"])
    table = tensors["embedding.weight"] * np.float32(config.embedding**0.5)
    x = g.op("Unsqueeze", g.embedding(ids, table), g.ints(1))
    outputs = stack(g, config.cell, x, tensors, "layers.", bidirectional=config.bidirectional)
    largest = g.op("ReduceMax", outputs, axes=[0], keepdims=0)
    mean = g.op("ReduceMean", outputs, axes=[0], keepdims=0)
    pooled = g.op("Concat", largest, mean, axis=-1)
    logits = g.linear(pooled, tensors["output.weight"], tensors["output.bias"], exact=True)
    if config.wide:
        logits = g.op("Add", logits, _wide(g, ids, config.wide, tensors["wide.weight"]))
    log_probs = g.op("Squeeze", g.op("LogSoftmax", logits, axis=-1), g.ints(0))
    g.output(log_probs, "log_probs", TensorProto.FLOAT, [len(tensors["output.bias"])])
    return g.bytes()


def _wide(g: Graph, ids: str, buckets: int, table: Array) -> str:
    """The wide part: `ids (S,)` -> logits `(1, C)`. Not int8 but 16-bit floats: a row is too short for a scale."""
    before = g.op("Slice", g.op("Concat", g.ints(BEGIN), ids, axis=0), g.ints(0), g.ints(-1))
    hashed = g.op("Mod", g.op("Add", g.op("Mul", before, g.ints(PAIR)), ids), g.ints(buckets))
    features = g.op("Concat", ids, g.op("Add", hashed, g.ints(len(table) - buckets)), axis=0)
    weights = (table * np.float32(WIDE_SCALE)).astype(np.float16 if g.int8 else np.float32)
    rows = g.op("Cast", g.op("Gather", g.constant(weights), features), to=TensorProto.FLOAT)
    count = g.op("Cast", g.op("Shape", features), to=TensorProto.FLOAT)
    return str(g.op("Div", g.op("ReduceSum", rows, g.ints(0), keepdims=1), g.op("Sqrt", count)))
