"""`python benchmarks/engine.py`: our translator against CTranslate2's Transformers, side by side, one thread each.

Every contender reads 22 tokens and writes 25, whatever it would rather write: time does not depend on what weights
say, so the peers' are random. Ours is the shipped one. What differs besides the engine: ours has two recurrent layers
a side and vocabularies of 8,000 and 5,000; the peers have 6 + 6 layers of 512 ("base", what LibreTranslate runs) or
6 + 2 of 256 ("tiny", Bergamot's kind), vocabularies of 32,000, and would need some fewer tokens for the same text.
"""

import argparse
import json
import platform
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import ctranslate2
import numpy as np
from ctranslate2.specs.transformer_spec import TransformerSpec
from matplotlib.figure import Figure

from inference.decoding import Array, Decoder, Hypothesis, Search
from inference.engine import TranslationGraph
from inference.predictors import TranslationPredictor

ROOT = Path(__file__).resolve().parent.parent
READ, WRITTEN = 22, 25
"""Tokens."""
BATCHES = (1, 4, 16, 64)
PEER_VOCABULARY = 32_000


class Forced(Search):
    """Greedy decoding of a given number of tokens."""

    def __init__(self, length: int) -> None:
        super().__init__(length, may_loop=True)
        self._left = length

    def advance(self, log_probs: Array) -> list[int]:
        """See `Search`."""
        self._left -= 1
        self.tokens = [int(log_probs[0].argmax())]
        return [0] if self._left else []

    def result(self) -> list[Hypothesis]:
        """None is wanted."""
        return []


def ours(graph: TranslationGraph, size: int) -> Callable[[], None]:
    """What decodes a batch."""
    sources = np.random.default_rng(0).integers(300, 5000, size=(size, READ)).tolist()

    def run() -> None:
        decoder = Decoder(graph.step, graph.gather)
        for source in sources:
            decoder.join(Forced(WRITTEN), graph.encode(source))
        while decoder.rows:
            decoder.step()

    return run


def _fill(spec: Any, depth: int, feed_forward: int, rng: np.random.Generator) -> None:
    """Give every weight of a CTranslate2 specification random values of its shape."""
    shapes = {
        "self_attention/linear_0": (3 * depth, depth),
        "attention/linear_0": (depth, depth),
        "attention/linear_1": (2 * depth, depth),
        "linear_1": (depth, depth),
        "linear_2": (depth, depth),
        "ffn/linear_0": (feed_forward, depth),
        "ffn/linear_1": (depth, feed_forward),
        "embeddings": (PEER_VOCABULARY, depth),
        "embeddings_0": (PEER_VOCABULARY, depth),
        "projection": (PEER_VOCABULARY, depth),
    }
    for path, part in _parts(spec, ""):
        if path.endswith("layer_norm"):
            part.gamma, part.beta = np.ones(depth, np.float32), np.zeros(depth, np.float32)
            continue
        shape = next(shape for end, shape in shapes.items() if path.endswith(end))
        part.weight = rng.normal(scale=shape[1] ** -0.5, size=shape).astype(np.float32)
        if "embeddings" not in path:
            part.bias = np.zeros(shape[0], np.float32)


def _parts(spec: Any, path: str) -> Iterator[tuple[str, Any]]:
    """The parts of a specification that have weights."""
    values = {name: value for name, value in vars(spec).items() if not name.startswith("_")}
    if "weight" in values or "gamma" in values:
        yield path, spec
    for name, value in values.items():
        for number, part in enumerate(value) if isinstance(value, list) else [("", value)]:
            if hasattr(part, "__dict__") and type(part).__module__.startswith("ctranslate2"):
                yield from _parts(part, f"{path}/{name}{'_' if number != '' else ''}{number}")


def peer(layers: tuple[int, int], depth: int, heads: int, feed_forward: int) -> ctranslate2.Translator:
    """A Transformer of this shape in int8."""
    spec = TransformerSpec.from_config(layers, heads)
    _fill(spec, depth, feed_forward, np.random.default_rng(0))
    words = ["<unk>", "<s>", "</s>", *(f"w{i}" for i in range(PEER_VOCABULARY - 3))]
    spec.register_source_vocabulary(words)
    spec.register_target_vocabulary(words)
    with tempfile.TemporaryDirectory() as folder:
        spec.validate()
        spec.optimize(quantization="int8")
        spec.save(folder)
        return ctranslate2.Translator(folder, device="cpu", compute_type="int8", inter_threads=1, intra_threads=1)


def theirs(translator: ctranslate2.Translator, size: int) -> Callable[[], None]:
    """What decodes a batch."""
    sources = [[f"w{i}" for i in row] for row in np.random.default_rng(0).integers(0, 30_000, size=(size, READ))]

    def run() -> None:
        found = translator.translate_batch(
            sources,
            beam_size=1,
            max_batch_size=size,
            min_decoding_length=WRITTEN,
            max_decoding_length=WRITTEN,
            disable_unk=True,
        )
        assert all(len(each.hypotheses[0]) == WRITTEN for each in found)

    return run


def measure(contenders: dict[str, Callable[[int], Callable[[], None]]], rounds: int) -> list[dict[str, Any]]:
    """Seconds of every contender at every batch size, in turn within each round."""
    results = []
    for size in BATCHES:
        runs = {name: make(size) for name, make in contenders.items()}
        for run in runs.values():
            run()
        times: dict[str, list[float]] = {name: [] for name in runs}
        for _ in range(rounds):
            for name, run in runs.items():
                start = time.perf_counter()
                run()
                times[name].append(time.perf_counter() - start)
        first = np.array(next(iter(times.values())))
        for name, values in times.items():
            low, middle, high = np.quantile(np.array(values) / first, (0.25, 0.5, 0.75))
            results.append(
                {
                    "contender": name,
                    "batch": size,
                    "ms_a_sentence": round(1000 * float(np.median(values)) / size, 3),
                    "times_ours": round(float(middle), 2),
                    "quartiles": [round(float(low), 2), round(float(high), 2)],
                }
            )
            print(
                f"batch {size:3}  {name:32} {results[-1]['ms_a_sentence']:8.2f} ms a sentence, {middle:6.2f} times ours"
            )
    return results


def plot(results: Sequence[dict[str, Any]], path: Path) -> None:
    """Draw the time a sentence against the size of the batch."""
    figure = Figure(figsize=(6, 4), layout="tight")
    axes = figure.subplots()
    for name in dict.fromkeys(result["contender"] for result in results):
        points = [(r["batch"], r["ms_a_sentence"]) for r in results if r["contender"] == name]
        axes.plot(*zip(*points, strict=True), marker="o", label=name)
    axes.set(xscale="log", yscale="log", xlabel="sentences in a batch", ylabel="ms a sentence, one thread")
    axes.set_xticks(BATCHES, labels=map(str, BATCHES))
    axes.legend(fontsize="small")
    figure.savefig(path, dpi=120)


def main() -> None:
    """Measure, print, and write JSON and PNG."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results")
    arguments = parser.parse_args()
    graph = TranslationPredictor.load(ROOT / "checkpoints" / "translation-en-vi").graph
    base, tiny = peer((6, 6), 512, 8, 2048), peer((6, 2), 256, 8, 1536)
    results = measure(
        {
            "Hoiquy LSTM int8": lambda size: ours(graph, size),
            "CTranslate2 Transformer-base int8": lambda size: theirs(base, size),
            "CTranslate2 Transformer-tiny int8": lambda size: theirs(tiny, size),
        },
        arguments.rounds,
    )
    record = {
        "command": "python benchmarks/engine.py",
        "tokens": {"read": READ, "written": WRITTEN},
        "machine": f"{platform.machine()}, {platform.processor() or platform.system()}",
        "versions": {name: version(name) for name in ("onnxruntime", "ctranslate2", "numpy")},
        "rounds": arguments.rounds,
        "results": results,
    }
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / "engine.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    plot(results, arguments.out / "engine.png")


if __name__ == "__main__":
    main()
