"""A translator that copies its source, a character a token: what it says is known, and it can be made to fail."""

from collections.abc import Callable, Sequence
from typing import Any, cast

import numpy as np

from inference.decoding import Array, Arrays, DecodeConfig, State
from inference.engine import TranslationGraph, Work
from inference.jobs import Languages
from inference.text import normalise
from inference.tokenizer import END, Tokenizer

FIRST = 4
"""The id of character 0."""
VOCABULARY = FIRST + 256


class Characters:
    """The tokenizer."""

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        return [[FIRST + ord(letter) for letter in normalise(text)] for text in texts]

    def decode(self, rows: Sequence[Sequence[int]]) -> list[str]:
        return ["".join(chr(token - FIRST) for token in row) for row in rows]

    def is_whole(self, ids: Sequence[int]) -> bool:  # noqa: ARG002
        return True

    def pieces(self, ids: Sequence[int]) -> list[str]:
        return [chr(token - FIRST).replace(" ", "\u2581") for token in ids]


class Copying:
    """The graphs. A "|" in a sentence cannot be encoded; after a "=" every log-probability is NaN."""

    def __init__(self) -> None:
        self.rows: list[int] = []
        """Of each step."""
        self.broken = False
        """Whether no step is possible."""

    def encode(self, ids: Sequence[int]) -> State:
        if FIRST + ord("|") in ids:
            raise RuntimeError("no | here")
        return State((np.array([*ids, END]),), (np.zeros(1, dtype=np.int64),))

    def gathering(self) -> Callable[[Sequence[Arrays]], Arrays]:
        def gather(memories: Sequence[Arrays]) -> Arrays:
            longest = max(len(source) for (source,) in memories)
            return (np.array([[*source, *[END] * (longest - len(source))] for (source,) in memories]),)

        return gather

    def align(
        self, source: Sequence[int], target: Sequence[int], parts: Sequence[Sequence[int]]
    ) -> Work[tuple[Array, Array]]:
        yield
        return np.eye(len(target) + 1, len(source) + 1), np.zeros((len(target) + 1, len(parts)))

    def step(self, tokens: Array, state: State) -> tuple[Array, Arrays]:
        if self.broken:
            raise RuntimeError("broken")
        (sources,), (position,) = state
        self.rows.append(len(tokens))
        log_probs = np.full((len(tokens), VOCABULARY), -9.0)
        log_probs[np.arange(len(tokens)), sources[np.arange(len(tokens)), position]] = -0.1
        log_probs[tokens == FIRST + ord("=")] = np.nan
        return log_probs, (position + 1,)


def copying(**decode: Any) -> tuple[Languages, Copying]:
    """Tokenizers and graphs, typed as what they stand for."""
    tokenizer = cast(Tokenizer, Characters())
    config = DecodeConfig(length_factor=1.0, length_margin=2, **decode)
    return Languages(tokenizer, tokenizer, "xx", "yy", config), Copying()


def as_graph(copying: Copying) -> TranslationGraph:
    """The same, as a pool wants it."""
    return cast(TranslationGraph, copying)
