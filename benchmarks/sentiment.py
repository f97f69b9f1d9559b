"""`python -m benchmarks.sentiment`: our classifier against a DistilBERT and a bag of embeddings, one thread each.

All read the same number of tokens, ready as identifiers. Ours is the shipped one, which classifies text after text
(docs/equal-bytes.md); the peers' weights are random. DistilBERT's has 6 layers of 768 and is int8 in ONNX Runtime, as
ours; it reads 512 tokens at once, ours 600: 1,000 are two windows for both. The bag is what fastText computes: the mean
of a row for each token and each pair of neighbours, 100 wide, and a linear layer. It is the fastest that reads at all.
"""

from functools import partial

import numpy as np

from benchmarks.measuring import ROOT, Run, begin, compare, cores, in_turn, options, pin, timed, write
from benchmarks.peer import Peer
from benchmarks.plots import draw
from inference.jobs import SentimentJob
from inference.predictors import SentimentPredictor

TOKENS, BATCHES = (20, 200, 1000), (1, 32)
BUCKETS, WIDTH = 200_000, 100


def texts(rows: int, tokens: int) -> list[list[int]]:
    """Texts that read nothing like texts."""
    return np.random.default_rng(0).integers(300, 5000, size=(rows, tokens)).tolist()


def ours(predictor: SentimentPredictor, rows: int, tokens: int) -> Run:
    """What classifies so many texts."""
    ids = texts(rows, tokens)

    def work() -> None:
        job = SentimentJob(ids, predictor.window)
        while not job.finished:
            job.advance(predictor.graph)
        job.result()

    return timed(work)


def bag(rows: int, tokens: int) -> Run:
    """The same with a bag of embeddings."""
    rng = np.random.default_rng(0)
    table = rng.normal(size=(BUCKETS, WIDTH)).astype(np.float32)
    output = rng.normal(size=(WIDTH, 2)).astype(np.float32)
    ids = [np.array(row) for row in texts(rows, tokens)]

    def work() -> None:
        for row in ids:
            pairs = (row[:-1] * 116_049_371 + row[1:]) % BUCKETS
            table[np.concatenate([row, pairs])].mean(0) @ output

    return timed(work)


def main() -> None:
    """Measure, print, and write JSON and PNG."""
    arguments = options(__doc__, rounds=15).parse_args()
    pin(cores()[0])
    predictor = SentimentPredictor.load(ROOT / "checkpoints" / "sentiment-en-vi")
    record = begin("python -m benchmarks.sentiment", ["onnxruntime", "numpy"])
    record |= {"rounds": arguments.rounds, "results": []}
    with Peer.of("distilbert") as distilbert:
        record["peers"] = distilbert.versions
        contenders = {
            "Hoiquy BiLSTM int8": partial(ours, predictor),
            "DistilBERT int8": distilbert.prepare,
            "bag of embeddings": bag,
        }
        for rows in BATCHES:
            for tokens in TOKENS:
                runs = {name: make(rows=rows, tokens=tokens) for name, make in contenders.items()}
                times = in_turn(runs, arguments.rounds)
                record["results"] += compare(times, "ms_a_text", 1000 / rows, batch=rows, tokens=tokens)
    write(record, arguments.out / "sentiment.json")
    panels = [(f"batch {rows}", [r for r in record["results"] if r["batch"] == rows]) for rows in BATCHES]
    draw(panels, "tokens", "ms_a_text", ("tokens in a text", "ms a text, one thread"), arguments.out / "sentiment.png")


if __name__ == "__main__":
    main()
