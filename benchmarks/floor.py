"""What no engine can be faster than: at batch 1 the weights must come from memory, at batch 64 they must be multiplied.

Both floors are measured in the same run as the decoder's step. Interference only ever adds to a time, so the best of
many repetitions is taken on every side.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from benchmarks.measuring import timed
from inference.decoding import State, concatenate
from inference.engine import TranslationGraph, session

REPETITIONS = 200


def matrices(step: bytes) -> list[tuple[int, int]]:
    """The shapes of the int8 matrices that a step multiplies by; of a table that it looks up, it reads a row only."""
    graph = onnx.load_from_string(step).graph
    looked_up = {node.input[0] for node in graph.node if node.op_type == "Gather"}
    return [
        (tensor.dims[0], tensor.dims[1])
        for tensor in graph.initializer
        if tensor.data_type == TensorProto.INT8 and len(tensor.dims) == 2 and tensor.name not in looked_up
    ]


def best(work: Callable[[], object]) -> float:
    """The seconds of the fastest repetition."""
    run = timed(work)
    return min(run() for _ in range(REPETITIONS))


def bandwidth(size: int) -> float:
    """Bytes a second that a core reads of so many bytes, which then lie in the same cache as the weights do."""
    whole = np.zeros(size, np.uint8)
    left, right = np.ones(size // 8, np.float32), np.ones(size // 8, np.float32)
    return max(size / best(whole.max), 8 * len(left) / best(lambda: left @ right))


def products_a_second(rows: int = 512, depth: int = 1024, width: int = 2048) -> float:
    """Multiplications and additions of int8 a second, in a product as large as an engine could wish for."""
    weights = numpy_helper.from_array(np.ones((depth, width), np.int8), "w")
    graph = helper.make_graph(
        [helper.make_node("MatMulInteger", ["x", "w"], ["y"])],
        "product",
        [helper.make_tensor_value_info("x", TensorProto.UINT8, (rows, depth))],
        [helper.make_tensor_value_info("y", TensorProto.INT32, (rows, width))],
        [weights],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    product = session(model.SerializeToString(), threads=1)
    x = np.ones((rows, depth), np.uint8)
    return 2 * rows * depth * width / best(lambda: product.run(None, {"x": x}))


def shares(graph: TranslationGraph, step: bytes, read: int) -> dict[str, Any]:
    """How near a step comes to its floors, in the decoder of `graph` (its step's bytes are `step`)."""
    sizes = matrices(step)
    weights = sum(depth * width for depth, width in sizes)
    floors = {1: weights / bandwidth(weights), 64: 64 * 2 * weights / products_a_second()}
    found: dict[str, Any] = {"int8_bytes_a_step": weights}
    for rows, floor in floors.items():
        state = graph.encode(list(range(300, 300 + read)))
        many = State(graph.gathering()([state.memory] * rows), concatenate([state.layers] * rows))
        tokens = np.full(rows, 300)
        seconds = best(lambda tokens=tokens, many=many: graph.step(tokens, many))
        found[f"batch_{rows}"] = {
            "step_us": round(1e6 * seconds, 1),
            "floor_us": round(1e6 * floor, 1),
            "share": round(floor / seconds, 2),
        }
        print(f"decoder step, batch {rows}: {found[f'batch_{rows}']}", flush=True)
    return found
