"""Tokenizer: text <-> subword ids, over a SentencePiece model."""

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import sentencepiece
from numpy.typing import NDArray

from inference.text import normalise

PAD, UNKNOWN, BEGIN, END = 0, 1, 2, 3
"""The special ids, the same in every model of this project (`training.subwords` asks SentencePiece for them)."""


def pad(rows: Sequence[Sequence[int] | NDArray[Any]]) -> tuple[np.ndarray, np.ndarray]:
    """Stack rows of ids into `(B, S)` int64, filled up with PAD on the right, and their lengths `(B,)` int64."""
    lengths = np.array([len(row) for row in rows], dtype=np.int64)
    ids = np.full((len(rows), int(lengths.max(initial=0))), PAD, dtype=np.int64)
    for row, values in enumerate(rows):
        ids[row, : len(values)] = values
    return ids, lengths


class Tokenizer:
    """Encode text to subword ids and back. `decode(encode(text)) == normalise(text)` for every text (byte fallback)."""

    def __init__(self, model: bytes) -> None:
        """Take the bytes of a SentencePiece model.

        Raises ValueError when they are no such model or its special ids are not this project's.
        """
        self.model = model
        self._processor = sentencepiece.SentencePieceProcessor()
        try:
            self._processor.LoadFromSerializedProto(model)
        except RuntimeError as error:
            raise ValueError(f"these {len(model)} bytes are not a SentencePiece model") from error
        special = tuple(self._processor.PieceToId(piece) for piece in ("<pad>", "<unk>", "<s>", "</s>"))
        if special != (PAD, UNKNOWN, BEGIN, END):
            raise ValueError(f"special ids are {special}, not {(PAD, UNKNOWN, BEGIN, END)}: train it with `subwords`")

    @classmethod
    def load(cls, path: Path) -> "Tokenizer":
        """Read a `.model` file."""
        return cls(path.read_bytes())

    def __len__(self) -> int:
        """The size of the vocabulary, special ids included."""
        return int(self._processor.GetPieceSize())

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """The subword ids of each text, without special ids."""
        # One by one: for a list SentencePiece starts a thread, which takes longer than a sentence.
        return [self._processor.Encode(normalise(text)) for text in texts]

    def pieces(self, ids: Sequence[int]) -> list[str]:
        """The subwords of ids, as the model writes them."""
        return [str(self._processor.IdToPiece(int(i))) for i in ids]

    def sample(self, texts: Sequence[str], alpha: float, seed: int) -> list[list[int]]:
        """As `encode`, but each segmentation is drawn at random: `alpha` is the share of merges that BPE leaves out.

        The same texts and seed give the same ids. For training; serving always encodes in the one best way.
        """
        sentencepiece.set_random_generator_seed(seed % 2**32)
        texts = [normalise(text) for text in texts]
        return list(self._processor.Encode(texts, enable_sampling=True, nbest_size=-1, alpha=alpha, num_threads=1))

    def decode(self, rows: Sequence[Sequence[int]]) -> list[str]:
        """The text of each row of ids; special ids write nothing, nor do bytes that make no character."""
        return [self._decode([int(i) for i in row]) for row in rows]

    def is_whole(self, ids: Sequence[int]) -> bool:
        """Whether all bytes among ids make characters."""
        return "\ufffd" not in self._processor.Decode([int(i) for i in ids])

    def _decode(self, ids: list[int]) -> str:
        text = str(self._processor.Decode(ids))
        return normalise(self._processor.Decode(self._mended(ids))) if "\ufffd" in text else text

    def _mended(self, ids: list[int]) -> list[int]:
        """Ids without the bytes that make no character."""
        whole: list[int] = []
        for are_bytes, run in groupby(ids, self._processor.IsByte):
            if are_bytes:
                value = bytes(int(piece[1:-1], 16) for piece in self.pieces(list(run)))
                run = (self._processor.PieceToId(f"<0x{byte:02X}>") for byte in value.decode(errors="ignore").encode())
            whole += run
        return whole
