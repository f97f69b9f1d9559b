"""SentencePiece models, made from the training text: the files in `tokenizers/`."""

import io
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import sentencepiece

from inference.tokenizer import BEGIN, END, PAD, UNKNOWN
from training.errors import InputError


@dataclass(frozen=True)
class SubwordConfig:
    """How a vocabulary is made."""

    vocabulary: int
    """Pieces, the 4 special ids and 256 bytes included."""
    model_type: Literal["bpe", "unigram"] = "bpe"
    coverage: float = 0.9998
    """The share of characters that get a piece; the others are spelt in bytes and so are never lost."""

    def __post_init__(self) -> None:
        if self.vocabulary < 300:
            raise ValueError(f"vocabulary is {self.vocabulary}: give 300 or more (260 are special ids and bytes)")
        if not 0.9 <= self.coverage <= 1:
            raise ValueError(f"coverage is {self.coverage}: give 0.9 to 1")


def train_subwords(config: SubwordConfig, texts: Iterable[str], threads: int = 1) -> bytes:
    """Learn a SentencePiece model from normalised texts and return its bytes.

    The normalisation inside the model is `identity`: `inference.text.normalise` is the only one, so that
    `decode(encode(text))` gives the text back to the character. Raises InputError when text and vocabulary do not fit.
    """
    model = io.BytesIO()
    try:
        sentencepiece.SentencePieceTrainer.Train(
            sentence_iterator=iter(texts),
            model_writer=model,
            vocab_size=config.vocabulary,
            model_type=config.model_type,
            character_coverage=config.coverage,
            normalization_rule_name="identity",
            remove_extra_whitespaces=False,
            byte_fallback=True,
            # A text may be smaller than the vocabulary allows for: then the vocabulary is smaller too.
            hard_vocab_limit=False,
            max_sentence_length=65536,
            pad_id=PAD,
            unk_id=UNKNOWN,
            bos_id=BEGIN,
            eos_id=END,
            pad_piece="<pad>",
            num_threads=threads,
            minloglevel=2,
        )
    except RuntimeError as error:
        needed = re.search(r"Vocabulary size is smaller than required_chars. \d+ vs (\d+)", str(error))
        fault = f"its characters alone need {needed[1]}: raise `vocabulary` above that" if needed else str(error)
        raise InputError(f"no vocabulary of {config.vocabulary} pieces from this text: {fault}") from error
    return model.getvalue()
