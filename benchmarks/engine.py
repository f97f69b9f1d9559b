"""`python -m benchmarks.engine`: our translator against Transformers of other engines, side by side, one thread each.

Every contender reads 22 tokens and writes 25, whatever it would rather write: time does not depend on what weights
say, so the peers' are random. Ours is the shipped one. What differs besides the engine: ours has two recurrent layers
a side and vocabularies of 8,000 and 5,000; the peers have 6 + 6 layers of 512 ("base", what LibreTranslate runs) or
6 + 2 of 256 ("tiny", Bergamot's kind), vocabularies of 32,000, and would need some fewer tokens for the same text.
Marian is torch in fp32, as Hugging Face gives it out; the others compute in int8.
"""

from collections import deque
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import Any

import numpy as np

from benchmarks.floor import shares
from benchmarks.measuring import ROOT, Run, begin, compare, cores, in_turn, options, pin, timed, write
from benchmarks.peer import Peer
from benchmarks.plots import draw
from inference.decoding import Beam, Decoder, Greedy, Search
from inference.engine import TranslationGraph
from inference.predictors import TranslationPredictor

READ, WRITTEN = 22, 25
"""Tokens."""
CASES = {1: (1, 4, 16, 32, 64), 4: (1, 32)}
"""Beam -> sentences in a batch."""
ROWS = 16
"""Hypotheses that share a step of ours, at most: as when it serves. More of them no longer fit a core's own cache."""


def forced(beam: int, written: int = WRITTEN) -> Search:
    """A search that writes so many tokens: none ends before, none goes on after."""
    if beam == 1:
        return Greedy(written, may_loop=True, least=written)
    return Beam(written, True, beam, 1.0, least=written)


def ours(graph: TranslationGraph, rows: int, beam: int, read: int = READ, written: int = WRITTEN) -> Run:
    """What decodes a batch."""
    sources = np.random.default_rng(0).integers(300, 5000, size=(rows, read)).tolist()

    def work() -> None:
        decoder = Decoder(graph.step, graph.gathering())
        waiting, running = deque(sources), 0
        while waiting or running:
            while waiting and running < max(1, ROWS // beam):
                decoder.join(forced(beam, written), graph.encode(waiting.popleft()))
                running += 1
            running -= len(decoder.step())

    return timed(work)


def theirs(peer: Peer, rows: int, beam: int, read: int = READ, written: int = WRITTEN, **shape: str) -> Run:
    """The same in a peer."""
    return peer.prepare(rows=rows, read=read, written=written, beam=beam, **shape)


def measure(contenders: dict[str, Callable[[int, int], Run]], rounds: int) -> list[dict[str, Any]]:
    """Every case, the contenders in turn; torch is left out of the beams."""
    results = []
    for beam, batches in CASES.items():
        for rows in batches:
            runs = {name: make(rows, beam) for name, make in contenders.items() if beam == 1 or "Marian" not in name}
            times = in_turn(runs, rounds)
            results += compare(times, "ms_a_sentence", 1000 / rows, beam=beam, batch=rows)
    return results


def main() -> None:
    """Measure, print, and write JSON and PNG."""
    arguments = options(__doc__, rounds=9).parse_args()
    pin(cores()[0])
    predictor = TranslationPredictor.load(ROOT / "checkpoints" / "translation-en-vi")
    record = begin("python -m benchmarks.engine", ["onnxruntime", "numpy"])
    record |= {"tokens": {"read": READ, "written": WRITTEN}, "rounds": arguments.rounds}
    record["floor"] = shares(predictor.graph, predictor.checkpoint.read("step.onnx"), READ)
    with ExitStack() as stack:
        ctranslate, marian = (stack.enter_context(Peer.of(name)) for name in ("ctranslate", "marian"))
        record["peers"] = {**ctranslate.versions, **marian.versions}
        record["results"] = measure(
            {
                "Hoiquy LSTM int8": partial(ours, predictor.graph),
                "CTranslate2 Transformer-base int8": partial(theirs, ctranslate, shape="base"),
                "CTranslate2 Transformer-tiny int8": partial(theirs, ctranslate, shape="tiny"),
                "Marian Transformer-base in torch": partial(theirs, marian),
            },
            arguments.rounds,
        )
    write(record, arguments.out / "engine.json")
    panels = [
        (f"beam {beam}" if beam > 1 else "greedy", [r for r in record["results"] if r["beam"] == beam])
        for beam in CASES
    ]
    labels = ("sentences in a batch", "ms a sentence, one thread")
    draw(panels, "batch", "ms_a_sentence", labels, arguments.out / "engine.png")


if __name__ == "__main__":
    main()
