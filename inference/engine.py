"""The engine: ONNX Runtime sessions on one core. Sentences are encoded one by one and decoded together.

On one core a sentence alone is encoded about as fast as in a batch, since an int8 LSTM's step is bound by its
arithmetic; and alone, nothing of its neighbours can reach it.
"""

from collections.abc import Sequence

import numpy as np
import onnxruntime

from inference.decoding import Array, State
from inference.tokenizer import END


def session(model: bytes, threads: int) -> onnxruntime.InferenceSession:
    """A session of ONNX Runtime on the CPU, with so many threads. Raises ValueError on bytes that are no such graph."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its errors have no base of their own
        raise ValueError(f"ONNX Runtime cannot load a graph of {len(model)} bytes: {error}") from error


class TranslationGraph:
    """Encoder and decoder step of a translator."""

    def __init__(self, encoder: bytes, step: bytes, threads: int = 1) -> None:
        self._encoder, self._step = session(encoder, threads), session(step, threads)
        self._inputs = [value.name for value in self._step.get_inputs()]

    def encode(self, rows: Sequence[Sequence[int]]) -> State:
        """Ids of B sentences -> the decoder's first state: keys, values, mask and layers' states, all `(B, ...)`."""
        states = [self._encoder.run(None, {"ids": np.array([*row, END], dtype=np.int64)}) for row in rows]
        longest = max(len(state[2]) for state in states)
        keys, values, mask, *layers = zip(*states, strict=True)
        return (
            _stack(keys, longest, axis=2),
            _stack(values, longest, axis=1),
            _stack(mask, longest, axis=0),
            *(np.stack(layer) for layer in layers),
        )

    def step(self, tokens: Array, state: State) -> tuple[Array, State]:
        """See `inference.decoding.Step`."""
        log_probs, *layers = self._step.run(None, dict(zip(self._inputs, (tokens, *state), strict=True)))
        return log_probs, (*state[:3], *layers)


def _stack(arrays: Sequence[Array], size: int, axis: int) -> Array:
    """Stack arrays that differ in length along `axis`, filled up with zeros (False in a mask)."""
    shape = list(arrays[0].shape)
    shape[axis] = size
    out = np.zeros((len(arrays), *shape), dtype=arrays[0].dtype)
    for row, array in enumerate(arrays):
        out[row][tuple(slice(n) for n in array.shape)] = array
    return out


class SentimentGraph:
    """The classifier."""

    def __init__(self, classifier: bytes, threads: int = 1) -> None:
        self._classifier = session(classifier, threads)

    def classify(self, rows: Sequence[Sequence[int]]) -> Array:
        """Ids of B texts -> log-probabilities `(B, C)`."""
        return np.stack([self._classifier.run(None, {"ids": np.array([*row, END], dtype=np.int64)})[0] for row in rows])
