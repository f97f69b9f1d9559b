"""Which attention for the decoder? Target tokens a second in training, GNMT-style against input feeding.

    python benchmarks/decoder_attention.py [--hidden 512] [--rounds 5]

GNMT-style (training/seq2seq.py): the first layer queries, the context goes up; each layer runs over the whole target
in one fused call. Input feeding (Luong et al. 2015, section 3.3): the last attentional vector is an input of the first
layer, so the decoder must be stepped through the target. Same sizes, same batches, alternating rounds; prints JSON.
"""

import argparse
import json
import statistics
import time

import torch
from torch import Tensor, nn

from training.seq2seq import Decoder, Memory, Seq2Seq, Seq2SeqConfig, attend
from training.tasks import summed_cross_entropy

SOURCE, TARGET, ROWS, VOCABULARY = 24, 28, 50, (8000, 5000)


class InputFeedingDecoder(Decoder):
    """Luong's decoder: layers, then attention by the last one, whose readout is fed to the first at the next step."""

    def __init__(self, config: Seq2SeqConfig, vocabulary: int) -> None:
        super().__init__(config, vocabulary)
        first, width = self.cells[0], config.embedding
        self.cells = nn.ModuleList(
            type(first)(2 * width if layer == 0 else config.hidden, config.hidden)
            for layer in range(config.decoder_layers)
        )

    def forward(self, target: Tensor, memory: Memory, states: list) -> tuple[Tensor, list, Tensor]:
        """As `Decoder.forward`, one step after the other."""
        embedded = self.embedding(target)
        fed, readouts = torch.zeros_like(embedded[:, 0]), []
        for t in range(target.shape[1]):
            x = torch.cat([embedded[:, t], fed], dim=-1)
            after = []
            for cell, state in zip(self.cells, states, strict=True):
                after.append(cell(x, state))
                x = after[-1][0]
            states = after
            context, weights = attend(x[:, None], memory, self.heads)
            fed = torch.tanh(self.readout(torch.cat([x, context[:, 0]], dim=-1)))
            readouts.append(fed)
        return torch.stack(readouts, dim=1), states, weights.mean(1)


def tokens_a_second(model: Seq2Seq, batch: tuple[Tensor, ...]) -> float:
    """One training step, forward and backward."""
    source, lengths, target = batch
    start = time.perf_counter()
    readout = model(source, lengths, target).flatten(0, 1)
    decoder = model.decoder
    summed_cross_entropy(readout, decoder.embedding.weight, decoder.output_bias, target.flatten(), 0.1).backward()
    model.zero_grad()
    return target.numel() / (time.perf_counter() - start)


def main() -> None:
    """Measure both in turn and print the medians and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hidden", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(1)
    config = Seq2SeqConfig(embedding=arguments.hidden, hidden=arguments.hidden)
    gnmt, feeding = Seq2Seq(config, *VOCABULARY), Seq2Seq(config, *VOCABULARY)
    feeding.decoder = InputFeedingDecoder(config, VOCABULARY[1])
    batch = (
        torch.randint(4, VOCABULARY[0], (ROWS, SOURCE)),
        torch.full((ROWS,), SOURCE),
        torch.randint(4, VOCABULARY[1], (ROWS, TARGET)),
    )
    rates: dict[str, list[float]] = {"gnmt": [], "input_feeding": []}
    for turn in range(arguments.rounds + 1):
        for name, model in (("gnmt", gnmt), ("input_feeding", feeding)):
            rate = tokens_a_second(model, batch)
            if turn:  # the first round warms up
                rates[name].append(rate)
    ratios = [a / b for a, b in zip(*rates.values(), strict=True)]
    report = {name: round(statistics.median(values)) for name, values in rates.items()}
    print(json.dumps({**report, "ratio": [round(f(ratios), 2) for f in (min, statistics.median, max)]}))


if __name__ == "__main__":
    main()
