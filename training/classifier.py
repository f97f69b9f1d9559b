"""The sentiment classifier: embedding -> deep bidirectional recurrence -> pooling over true lengths -> logits."""

from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from training.cells import cell_class
from training.embedding import Embedding
from training.recurrent import Recurrent, mask


@dataclass(frozen=True)
class ClassifierConfig:
    """The shape of a classifier."""

    cell: str = "lstm"
    """A word of `training.cells.CELLS`."""
    embedding: int = 256
    """E"""
    hidden: int = 256
    """H, in each direction"""
    upper: int = 0
    """The same for the layers above the first; 0: H too."""
    layers: int = 1
    bidirectional: bool = True
    """Whether the text is read both ways, or forward only."""
    dropout: float = 0.3
    """Locked dropout on embeddings and between layers, plain dropout on the pooled text."""
    word_dropout: float = 0.1
    """The share of input words replaced by <unk> in training."""

    def __post_init__(self) -> None:
        cell_class(self.cell)
        for name in ("embedding", "hidden", "layers"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}: give 1 or more")
        if self.upper < 0:
            raise ValueError(f"upper is {self.upper}: give 0 (as hidden) or more")
        for name in ("dropout", "word_dropout"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}: give at least 0 and less than 1")


def pool(x: Tensor, lengths: Tensor) -> Tensor:
    """The maximum and the mean over the true length of each row: `x (B, S, F)`, `lengths (B,)` -> `(B, 2*F)`.

    Howard and Ruder (2018), section 3.3, without the last state, which a backward layer reads at the first token.
    """
    real = mask(lengths, x.shape[1])[:, :, None]
    largest = x.masked_fill(~real, -torch.inf).amax(1)
    mean = (x * real).sum(1) / lengths[:, None]
    return torch.cat([largest, mean], dim=-1)


class SentimentClassifier(nn.Module):
    """Texts to logits."""

    def __init__(self, config: ClassifierConfig, vocabulary: int, classes: int) -> None:
        super().__init__()
        c = config
        self.config = config
        self.embedding = Embedding(vocabulary, c.embedding, c.dropout, c.word_dropout)
        # Only what reads a reservoir learns.
        self.embedding.requires_grad_(cell_class(c.cell).trained)
        self.layers = Recurrent(
            c.cell,
            c.embedding,
            c.hidden,
            c.layers,
            upper_size=c.upper,
            bidirectional=c.bidirectional,
            dropout=c.dropout,
        )
        self.dropout = nn.Dropout(c.dropout)
        self.output = nn.Linear(2 * self.layers.output_size, classes)

    def forward(self, ids: Tensor, lengths: Tensor) -> Tensor:
        """`ids (B, S)`, `lengths (B,)` -> logits `(B, C)`."""
        pooled = pool(self.layers(self.embedding(ids), lengths), lengths)
        return cast(Tensor, self.output(self.dropout(pooled)))
