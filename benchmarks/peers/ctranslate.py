"""CTranslate2 translates: `{"shape": "base", "rows": 16, "read": 22, "written": 25, "beam": 1}`."""

import tempfile
from functools import cache
from pathlib import Path

import ctranslate2
import numpy as np

from benchmarks.peers.answering import Work, answer
from benchmarks.peers.transformer import SHAPES, save, words


@cache
def translator(shape: str) -> ctranslate2.Translator:
    """A Transformer of this shape in int8, on one thread."""
    with tempfile.TemporaryDirectory() as folder:
        save(Path(folder), SHAPES[shape], words())
        return ctranslate2.Translator(folder, device="cpu", compute_type="int8", inter_threads=1, intra_threads=1)


def prepare(shape: str, rows: int, read: int, written: int, beam: int) -> Work:
    """What reads and writes so many tokens a row."""
    model = translator(shape)
    sources = [[f"w{i}" for i in row] for row in np.random.default_rng(0).integers(0, 30_000, size=(rows, read))]

    def work() -> None:
        found = model.translate_batch(
            sources,
            beam_size=beam,
            max_batch_size=rows,
            min_decoding_length=written,
            max_decoding_length=written,
            disable_unk=True,
        )
        assert all(len(each.hypotheses[0]) == written for each in found)

    return work


if __name__ == "__main__":
    answer(prepare, ["ctranslate2"])
