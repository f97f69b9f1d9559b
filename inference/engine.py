"""The engine: ONNX Runtime sessions on one core. Sentences are encoded one by one and decoded together.

On one core a sentence alone is encoded about as fast as in a batch, since an int8 LSTM's step is bound by its
arithmetic; and alone, nothing of its neighbours can reach it.
"""

import os
from collections.abc import Callable, Generator, Sequence
from typing import TypeVar

import numpy as np

# Its builds tell their maker of the machine, of models and of runs (Privacy.md in its package) unless this is set when
# they are loaded.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
import onnxruntime

from inference.decoding import Array, Arrays, State
from inference.tokenizer import BEGIN, END, UNKNOWN


def session(model: bytes, threads: int) -> onnxruntime.InferenceSession:
    """A session of ONNX Runtime on the CPU, with so many threads. Raises ValueError on bytes that are no such graph."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its errors have no base of their own
        raise ValueError(f"ONNX Runtime cannot load a graph of {len(model)} bytes: {error}") from error


Found = TypeVar("Found")
Work = Generator[None, None, Found]
"""Work in pieces of a few milliseconds each, and what is found by it."""


def at_once(work: Work[Found]) -> Found:
    """Do all of it."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            found: Found = end.value
            return found


_PIECE = 16
"""Rows of decoder steps that are a piece of work."""
_MULTIPLE = 16
"""Sources are padded to a multiple of so many tokens: softmax adds up so many weights at a time, and what it adds up
must not depend on the longest source of a batch."""


class TranslationGraph:
    """Encoder and decoder step of a translator."""

    def __init__(self, encoder: bytes, step: bytes, threads: int = 1) -> None:
        self._encoder, self._step = session(encoder, threads), session(step, threads)
        self._inputs = [value.name for value in self._step.get_inputs()]
        names = [value.name for value in self._step.get_outputs()]
        self.aligns = "attention" in names
        """Whether the graph says what it attends to; those of early checkpoints do not."""
        self._outputs = [name for name in names if name != "attention"]

    def encode(self, ids: Sequence[int]) -> State:
        """The ids of a sentence -> the decoder's first state, of one row: keys, values and mask; layers' states."""
        arrays = self._encoder.run(None, {"ids": np.array([*ids, END], dtype=np.int64)})
        return State(tuple(arrays[:3]), tuple(array[None] for array in arrays[3:]))

    def gathering(self) -> Callable[[Sequence[Arrays]], Arrays]:
        """What makes one memory of several, for one decoder: `Memories.gather`."""
        return Memories().gather

    def step(self, tokens: Array, state: State) -> tuple[Array, Arrays]:
        """See `inference.decoding.Step`."""
        log_probs, *layers = self._run(self._outputs, tokens, state)
        return log_probs, tuple(layers)

    def align(
        self, source: Sequence[int], target: Sequence[int], parts: Sequence[Sequence[int]] = ()
    ) -> Work[tuple[Array, Array]]:
        """What each token of a translation, its end included, was attending to: `(T + 1, S + 1)`, rows adding up to 1,
        the last column the source's end; and what it owes to parts of the source: by how much its log-probability falls
        when the tokens at these places are unknown, `(T + 1, P)`. (The prediction difference of Li et al. 2019, "On the
        Word Alignment from Neural Machine Translation", of parts instead of words.)
        """
        states = []
        for places in (set[int](), *map(set, parts)):
            states.append(self.encode([UNKNOWN if i in places else t for i, t in enumerate(source)]))
            yield
        memory = self.gathering()([state.memory for state in states])
        layers = tuple(map(np.concatenate, zip(*(state.layers for state in states), strict=True)))
        attended, owed, done = [], [], 0
        for before, token in zip((BEGIN, *target), (*target, END), strict=True):
            tokens = np.full(len(states), before)
            attention, log_probs, *after = self._run(["attention", *self._outputs], tokens, State(memory, layers))
            layers = tuple(after)
            # The mean of the heads, which early checkpoints took themselves.
            attended.append(attention[0].reshape(-1, attention.shape[-1])[:, : len(source) + 1].mean(axis=0))
            owed.append(log_probs[:1, token] - log_probs[1:, token])
            done += len(states)
            if done >= _PIECE:
                done = 0
                yield
        return np.stack(attended), np.stack(owed)

    def _run(self, outputs: Sequence[str], tokens: Array, state: State) -> list[Array]:
        inputs = (tokens, *state.memory, *state.layers)
        found: list[Array] = self._step.run(outputs, dict(zip(self._inputs, inputs, strict=True)))
        return found


class Memories:
    """What the rows of a step have as their memories, in one place: a row is copied to it only when it is another's."""

    def __init__(self) -> None:
        self._rows: list[Arrays | None] = []
        self._arrays: Arrays = ()

    def gather(self, memories: Sequence[Arrays]) -> Arrays:
        """One memory of several, `(N, ...)`, filled up with zeros (False in the mask): good until the next call."""
        longest = -(-max(len(mask) for _, _, mask in memories) // _MULTIPLE) * _MULTIPLE
        if len(memories) > len(self._rows) or longest != self._arrays[-1].shape[1]:
            self._begin(memories[0], len(memories), longest)
        for row, memory in enumerate(memories):
            if memory is not self._rows[row]:
                self._rows[row] = memory
                for whole, array in zip(self._arrays, memory, strict=True):
                    whole[row] = 0
                    whole[row][tuple(map(slice, array.shape))] = array
        return tuple(whole[: len(memories)] for whole in self._arrays)

    def _begin(self, like: Arrays, rows: int, longest: int) -> None:
        (heads, size, _), (*_, width) = like[0].shape, like[1].shape
        shapes = (heads, size, longest), (heads, longest, width), (longest,)
        rows = max(rows, len(self._rows))
        self._arrays = tuple(np.empty((rows, *s), dtype=a.dtype) for s, a in zip(shapes, like, strict=True))
        self._rows = [None] * rows


class SentimentGraph:
    """The classifier."""

    def __init__(self, classifier: bytes, threads: int = 1) -> None:
        self._classifier = session(classifier, threads)

    def classify(self, ids: Sequence[int]) -> Array:
        """The ids of a text -> log-probabilities `(C,)`."""
        found: Array = self._classifier.run(None, {"ids": np.array([*ids, END], dtype=np.int64)})[0]
        return found
