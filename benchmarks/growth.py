"""`python -m benchmarks.growth`: how the time of a translation grows, with one thing changed at a time; one thread.

With the length of the source and with the beam, beside CTranslate2's Transformers; with the vocabulary and the width of
a translator like ours, whose weights are random then; and with the workers, each on a core of its own, by the wall's
clock. One sentence of 22 tokens, 25 written, greedy, unless that is what changes; of longer sources as many tokens are
written as read.
"""

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import torch
from matplotlib.figure import Figure

from benchmarks.engine import READ, WRITTEN, ours, theirs
from benchmarks.measuring import ROOT, Run, begin, compare, cores, in_turn, options, pin, write
from benchmarks.peer import Peer
from benchmarks.plots import lines
from inference.engine import TranslationGraph
from inference.predictors import TranslationPredictor
from training.graphs import encoder_graph, step_graph
from training.seq2seq import Seq2Seq, Seq2SeqConfig

LENGTHS, BEAMS = (5, 10, 25, 50, 100, 200), (1, 2, 4, 8)
VOCABULARIES, WIDTHS = (5000, 10_000, 20_000, 40_000), (128, 256, 512, 1024)
SENTENCES = 100
"""Of each worker in a round."""

Case = tuple[dict[str, int], dict[str, Run]]
"""What is changed, to what; and the contenders."""


def translator(vocabulary: int, hidden: int) -> TranslationGraph:
    """One like ours, with random weights: two vocabularies of this size, and this width throughout."""
    torch.manual_seed(1)
    config = Seq2SeqConfig(embedding=hidden, hidden=hidden)
    tensors = {name: t.numpy() for name, t in Seq2Seq(config, vocabulary, vocabulary).state_dict().items()}
    encoder, step = encoder_graph(config, tensors, 4.0, int8=True), step_graph(config, tensors, 4.0, 8.0, int8=True)
    return TranslationGraph(encoder, step)


def cases(contenders: Mapping[str, Callable[..., Run]]) -> Iterator[Case]:
    """All that is measured; each is made when it is its turn, since some are large."""
    for length in LENGTHS:
        sizes = {"read": length, "written": length}
        yield {"length": length}, {name: make(rows=1, beam=1, **sizes) for name, make in contenders.items()}
    for beam in BEAMS:
        yield {"beam": beam}, {name: make(rows=1, beam=beam) for name, make in contenders.items()}
    for vocabulary in VOCABULARIES:
        yield {"vocabulary": vocabulary}, {"a translator like ours": ours(translator(vocabulary, 512), 1, 1)}
    for width in WIDTHS:
        yield {"width": width}, {"a translator like ours": ours(translator(5000, width), 1, 1)}


def shipped() -> TranslationGraph:
    """The translator that is served."""
    return TranslationPredictor.load(ROOT / "checkpoints" / "translation-en-vi").graph


def work(pipe: Connection, core: int) -> None:
    """Be a worker: translate as many sentences as the other end says, until it says 0."""
    pin(core)
    run = ours(shipped(), 1, 1)
    pipe.send(None)
    while sentences := pipe.recv():
        for _ in range(sentences):
            run()
        pipe.send(None)


def workers(stack: ExitStack, places: Sequence[int]) -> Run:
    """What lets a worker on each of these cores translate at once; its time is a sentence's share of theirs."""
    context, pipes = get_context("spawn"), []
    for core in places:
        pipe, end = context.Pipe()
        context.Process(target=work, args=(end, core), daemon=True).start()
        pipes.append(pipe)
        stack.callback(pipe.send, 0)
    for pipe in pipes:
        pipe.recv()

    def run() -> float:
        start = time.monotonic()
        for pipe in pipes:
            pipe.send(SENTENCES)
        for pipe in pipes:
            pipe.recv()
        return (time.monotonic() - start) / (SENTENCES * len(pipes))

    return run


def draw(results: list[dict[str, Any]], path: Path) -> None:
    """A panel for each thing that changes."""
    figure = Figure(figsize=(18, 9), layout="tight")
    panels = figure.subplots(2, 3).flat
    for axes, name in zip(panels, ("length", "beam", "vocabulary", "width", "workers"), strict=False):
        lines(axes, [result for result in results if name in result], name, "ms_a_sentence")
        axes.set(xlabel=name, ylabel="ms a sentence, one thread each")
    panels[-1].set_axis_off()
    figure.savefig(path, dpi=110)


def main() -> None:
    """Measure, print, and write JSON and PNG."""
    arguments = options(__doc__, rounds=5).parse_args()
    allowed = sorted(os.sched_getaffinity(0))
    pin(cores()[0])
    graph = shipped()
    record = begin("python -m benchmarks.growth", ["onnxruntime", "torch", "numpy"])
    record |= {"tokens": {"read": READ, "written": WRITTEN}, "rounds": arguments.rounds, "results": []}
    with Peer.of("ctranslate") as ctranslate:
        record["peers"] = ctranslate.versions
        contenders = {
            "Hoiquy LSTM int8": partial(ours, graph),
            "CTranslate2 Transformer-base int8": partial(theirs, ctranslate, shape="base"),
            "CTranslate2 Transformer-tiny int8": partial(theirs, ctranslate, shape="tiny"),
        }
        for changed, runs in cases(contenders):
            record["results"] += compare(in_turn(runs, arguments.rounds, 10), "ms_a_sentence", 1000, **changed)
    for count in range(1, len(allowed) + 1):
        with ExitStack() as stack:
            runs = {"Hoiquy LSTM int8": workers(stack, allowed[:count])}
            record["results"] += compare(in_turn(runs, arguments.rounds), "ms_a_sentence", 1000, workers=count)
    write(record, arguments.out / "growth.json")
    draw(record["results"], arguments.out / "growth.png")


if __name__ == "__main__":
    main()
