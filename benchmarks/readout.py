"""`python -m benchmarks.readout`: what would a smaller readout save of a decoder's step?

The readout's matrix, H x V, is a third of what a step multiplies by. Three ways to make it smaller: a shortlist, of the
800 target subwords that a dictionary allows for the source (Jean et al. 2015; here a graph of so small a vocabulary, so
that gathering the shortlist's rows costs nothing: the most that it could save), a bottleneck, which projects to half
the width first (E = H / 2), and half the vocabulary. Random weights: time does not depend on what they are.
"""

import argparse

import numpy as np
import torch

from benchmarks.measuring import compare, in_turn, timed
from inference.decoding import State, concatenate
from inference.engine import TranslationGraph
from training.graphs import encoder_graph, step_graph
from training.seq2seq import Seq2Seq, Seq2SeqConfig

SHAPES = {
    "V 5,000, E 512": (5000, 512),
    "shortlist: V 800, E 512": (800, 512),
    "bottleneck: V 5,000, E 256": (5000, 256),
    "half: V 2,500, E 512": (2500, 512),
}
READ = 22
"""Source tokens."""


def graph(vocabulary: int, embedding: int) -> TranslationGraph:
    """A translator of the shipped one's shape, but for its readout."""
    config = Seq2SeqConfig(embedding=embedding, hidden=512)
    tensors = {name: t.numpy() for name, t in Seq2Seq(config, 1000, vocabulary).state_dict().items()}
    return TranslationGraph(
        encoder_graph(config, tensors, 4.0, int8=True), step_graph(config, tensors, 4.0, 8.0, int8=True)
    )


def main() -> None:
    """Measure all in turn and print their medians and ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=300)
    arguments = parser.parse_args()
    torch.manual_seed(1)
    graphs = {name: graph(*shape) for name, shape in SHAPES.items()}
    for rows in (1, 16):
        runs = {}
        for name, each in graphs.items():
            first = each.encode(list(range(300, 300 + READ)))
            state = State(each.gathering()([first.memory] * rows), concatenate([first.layers] * rows))
            tokens = np.full(rows, 300)
            runs[name] = timed(lambda each=each, tokens=tokens, state=state: each.step(tokens, state))
        compare(in_turn(runs, arguments.rounds), "us_a_step", 1e6, rows=rows)


if __name__ == "__main__":
    main()
