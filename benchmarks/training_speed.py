"""`python -m benchmarks.training_speed`: our translator's training against JoeyNMT's, on one thread.

Same sizes (BiLSTM encoder and LSTM decoder of two layers, 512), same vocabularies, same batches of random subwords,
with dropout, label smoothing, clipping and AdamW; target tokens a second. Ours is the whole update of
`training/fit.py`: tokenising, padding, the running average of the weights. JoeyNMT gets its batches ready. What differs
is the decoder: in JoeyNMT's, what attention gives goes back into the first layer, so that it is stepped through the
target, where ours runs over the whole target at once (training/seq2seq.py). On a CPU, JoeyNMT trains in fp32 and takes
nothing else; what bf16 would bring it is measured too, as is ours in fp32.
"""

from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import numpy as np

from benchmarks.measuring import ROOT, Run, begin, compare, cores, in_turn, options, pin, timed, write
from benchmarks.peer import Peer
from benchmarks.plots import bars
from inference.decoding import DecodeConfig
from inference.tokenizer import PAD, Tokenizer
from training.fit import FitConfig, Trainer, precision_for
from training.noise import Noise, NoiseConfig
from training.seq2seq import Seq2Seq, Seq2SeqConfig
from training.tasks import TranslationTask

UPDATES = 2
"""Updates in a piece of work."""
FIT = FitConfig(updates=10_000, threads=1, accelerator="cpu")
NAMES = {"bf16-mixed": "bf16", "32-true": "fp32"}
SIZES = {"embedding": 512, "hidden": 512, "layers": 2, "dropout": 0.15}


def pairs(source: Tokenizer, target: Tokenizer) -> list[tuple[str, str]]:
    """Texts of random subwords, some 5 to 45 on each side."""
    rng = np.random.default_rng(0)

    def text(tokenizer: Tokenizer, length: int) -> str:
        return tokenizer.decode([rng.integers(300, len(tokenizer), size=length).tolist()])[0]

    lengths = [int(length) for length in rng.integers(5, 40, size=1000)]
    return [(text(source, length), text(target, length + length // 8)) for length in lengths]


def trainer(precision: Literal["32-true", "bf16-mixed"], folder: Path) -> Trainer:
    """Our trainer on these texts."""
    source, target = (
        Tokenizer.load(ROOT / "tokenizers" / "translation-en-vi" / f"{side}.model") for side in ("source", "target")
    )
    config = Seq2SeqConfig(embedding=SIZES["embedding"], hidden=SIZES["hidden"], dropout=SIZES["dropout"])
    model = Seq2Seq(config, len(source), len(target))
    task = TranslationTask(model, source, target, 0.1, DecodeConfig(), Noise(NoiseConfig(), "en", "vi"))
    rows = pairs(source, target)
    return Trainer(task, replace(FIT, precision=precision), folder / precision, 1, rows, np.ones(len(rows)), [], {})


def ours(trainer: Trainer) -> Run:
    """Updates on the first batches of the stream, the same ones each time."""

    def work() -> None:
        trainer.batches.seek(0, 0)
        for _ in range(UPDATES):
            trainer.update()

    return timed(work)


def first_batches(trainer: Trainer) -> list[tuple[list[list[int]], list[list[int]]]]:
    """The same batches as ids, end tokens included."""
    trainer.batches.seek(0, 0)
    found = []
    for _ in range(UPDATES):
        batch = trainer.task.collate([trainer.rows[row] for row in next(trainer.batches)])
        sources = [row[:length].tolist() for row, length in zip(batch.source, batch.lengths, strict=True)]
        found.append((sources, [row[row != PAD].tolist() for row in batch.outputs]))
    return found


def measure(folder: Path, rounds: int) -> dict[str, Any]:
    """All contenders in turn: the peers' versions, the tokens of a piece of work, the results."""
    # bf16 first, where the processor has it: it is what both would be trained in.
    fastest = precision_for(FIT)
    trainers = {NAMES[precision]: trainer(precision, folder) for precision in dict.fromkeys((fastest, "32-true"))}
    one = next(iter(trainers.values()))
    batches = first_batches(one)
    tokens = sum(len(row) for _, targets in batches for row in targets)
    with Peer.of("joey") as joey:
        sizes = [len(tokenizer) for tokenizer in (one.task.source, one.task.target)]
        prepare = partial(joey.prepare, batches=batches, vocabularies=sizes, sizes=SIZES)
        runs = {f"Hoiquy, {name}": ours(each) for name, each in trainers.items()}
        runs |= {f"JoeyNMT, {name}": prepare(bf16=name == "bf16") for name in trainers}
        results = compare(in_turn(runs, rounds, budget=120), "us_a_target_token", 1e6 / tokens)
    for result in results:
        result["target_tokens_a_second"] = round(1e6 / result["us_a_target_token"])
    return {"peers": joey.versions, "target_tokens": tokens, "results": results}


def main() -> None:
    """Measure, print, and write JSON and PNG."""
    arguments = options(__doc__, rounds=7).parse_args()
    pin(cores()[0])
    record = begin("python -m benchmarks.training_speed", ["torch", "lightning-fabric", "numpy"])
    record |= {"rounds": arguments.rounds, "sizes": SIZES}
    with TemporaryDirectory() as folder:
        record |= measure(Path(folder), arguments.rounds)
    write(record, arguments.out / "training_speed.json")
    label = "target tokens a second in training, one thread"
    bars(record["results"], "target_tokens_a_second", label, arguments.out / "training_speed.png")


if __name__ == "__main__":
    main()
