"""Transformers of any shape with random weights, as CTranslate2 runs them: time does not depend on what weights say."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ctranslate2.specs.transformer_spec import TransformerSpec

VOCABULARY = 32_000


@dataclass(frozen=True)
class Shape:
    """Layers of encoder and decoder, width, heads, and width of the feed-forward layers."""

    layers: tuple[int, int]
    depth: int
    heads: int
    feed_forward: int


SHAPES = {"base": Shape((6, 6), 512, 8, 2048), "tiny": Shape((6, 2), 256, 8, 1536)}
"""Vaswani et al.'s base, which LibreTranslate runs, and Bergamot's kind."""

_BIG = 100.0
"""What a position says about the end: so much that no layer can say otherwise."""
_POSITIONS = 1024


def words(pieces: Sequence[str] = ()) -> list[str]:
    """A vocabulary that has these pieces, filled up."""
    special = ["<unk>", "<s>", "</s>"]
    rest = [piece for piece in pieces if piece not in special]
    return [*special, *rest, *(f"w{i}" for i in range(VOCABULARY - len(special) - len(rest)))]


def save(folder: Path, shape: Shape, vocabulary: Sequence[str], length: int | None = None) -> None:
    """Write an int8 model. With a `length` it ends every sentence after so many tokens, whatever it reads."""
    spec = TransformerSpec.from_config(shape.layers, shape.heads)
    _fill(spec, shape, np.random.default_rng(0))
    if length is not None:
        _end_after(spec, shape.depth, length)
    spec.register_source_vocabulary(list(vocabulary))
    spec.register_target_vocabulary(list(vocabulary))
    spec.validate()
    spec.optimize(quantization="int8")
    spec.save(str(folder))


def _end_after(spec: Any, depth: int, length: int) -> None:
    """Let the first feature of a position tell whether the end has come, and the end's row of the output read it."""
    encodings = np.random.default_rng(1).normal(scale=0.1, size=(_POSITIONS, depth)).astype(np.float32)
    encodings[:, 0] = np.where(np.arange(_POSITIONS) < length, -_BIG, _BIG)
    spec.decoder.position_encodings.encodings = encodings
    projection = spec.decoder.projection.weight
    projection[:, 0] = 0
    projection[2] = 0
    projection[2, 0] = 5


def _fill(spec: Any, shape: Shape, rng: np.random.Generator) -> None:
    """Give every weight of a specification random values of its shape."""
    depth, wide = shape.depth, shape.feed_forward
    shapes = {
        "self_attention/linear_0": (3 * depth, depth),
        "attention/linear_0": (depth, depth),
        "attention/linear_1": (2 * depth, depth),
        "linear_1": (depth, depth),
        "linear_2": (depth, depth),
        "ffn/linear_0": (wide, depth),
        "ffn/linear_1": (depth, wide),
        "embeddings": (VOCABULARY, depth),
        "embeddings_0": (VOCABULARY, depth),
        "projection": (VOCABULARY, depth),
    }
    for path, part in _parts(spec, ""):
        if path.endswith("layer_norm"):
            part.gamma, part.beta = np.ones(depth, np.float32), np.zeros(depth, np.float32)
            continue
        size = next(size for end, size in shapes.items() if path.endswith(end))
        part.weight = rng.normal(scale=size[1] ** -0.5, size=size).astype(np.float32)
        if "embeddings" not in path:
            part.bias = np.zeros(size[0], np.float32)


def _parts(spec: Any, path: str) -> Iterator[tuple[str, Any]]:
    """The parts of a specification that have weights."""
    values = {name: value for name, value in vars(spec).items() if not name.startswith("_")}
    if "weight" in values or "gamma" in values:
        yield path, spec
    for name, value in values.items():
        for number, part in enumerate(value) if isinstance(value, list) else [("", value)]:
            if hasattr(part, "__dict__") and type(part).__module__.startswith("ctranslate2"):
                yield from _parts(part, f"{path}/{name}{'_' if number != '' else ''}{number}")
