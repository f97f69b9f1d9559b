"""The sentiment classifier: embedding -> deep bidirectional recurrence -> pooling over true lengths -> logits.

Beside it, if wanted, stands a wide part that knows no order but that of neighbours: it errs on other texts.
"""

from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from inference.tokenizer import BEGIN
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
    wide: int = 0
    """Buckets of the wide part's pairs of neighbours; 0: there is no wide part."""
    wide_dropout: float = 0.5
    """The share of a text's subwords and pairs that the wide part does not see in training."""

    def __post_init__(self) -> None:
        cell_class(self.cell)
        for name in ("embedding", "hidden", "layers"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}: give 1 or more")
        if self.upper < 0:
            raise ValueError(f"upper is {self.upper}: give 0 (as hidden) or more")
        if self.wide < 0:
            raise ValueError(f"wide is {self.wide}: give 0 (no wide part) or more buckets")
        for name in ("dropout", "word_dropout", "wide_dropout"):
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


WIDE_SCALE = 5.0
"""What the wide part's weights are multiplied by: in effect its learning rate, a multiple of the deep part's."""
PAIR = 15_485_863
"""A prime that spreads pairs over buckets."""


class Wide(nn.Module):
    """A straight line: each subword, and each pair of neighbours, has a weight for each class, and a text has their sum
    over the root of their number.

    Beside a deep network as in Cheng et al. (2016), Wide & Deep Learning; pairs as in Wang and Manning (2012), Simple,
    Good Sentiment; hashed as in Weinberger et al. (2009), so that no list of them is kept.
    """

    def __init__(self, vocabulary: int, buckets: int, classes: int, dropout: float) -> None:
        """`weight (V + buckets, C)`: the subwords' rows, then the pairs'."""
        super().__init__()
        self.vocabulary, self.buckets = vocabulary, buckets
        self.weight = nn.Parameter(torch.zeros(vocabulary + buckets, classes))
        self.dropout = nn.Dropout(dropout)
        """Of whole features, since a text has each but once or twice."""

    def forward(self, ids: Tensor, lengths: Tensor) -> Tensor:
        """`ids (B, S)`, `lengths (B,)` -> logits `(B, C)`."""
        before = torch.cat([torch.full_like(ids[:, :1], BEGIN), ids[:, :-1]], dim=1)
        pairs = self.vocabulary + (before * PAIR + ids) % self.buckets
        seen = self.dropout(mask(lengths, ids.shape[1]).repeat(1, 2).to(self.weight.dtype))
        rows = F.embedding_bag(torch.cat([ids, pairs], dim=1), self.weight, mode="sum", per_sample_weights=seen)
        return rows * WIDE_SCALE / (2 * lengths[:, None]).sqrt()


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
        self.wide = Wide(vocabulary, c.wide, classes, c.wide_dropout) if c.wide else None

    def forward(self, ids: Tensor, lengths: Tensor) -> Tensor:
        """`ids (B, S)`, `lengths (B,)` -> logits `(B, C)`."""
        return torch.stack(self.parts(ids, lengths)).sum(0)

    def parts(self, ids: Tensor, lengths: Tensor) -> list[Tensor]:
        """The logits of the deep part and, if there is one, of the wide part, `(B, C)` each.

        Each has a loss of its own: as one, the wide part would learn texts by heart, and the deep one little from them.
        """
        pooled = pool(self.layers(self.embedding(ids), lengths), lengths)
        deep = cast(Tensor, self.output(self.dropout(pooled))).float()
        return [deep, self.wide(ids, lengths)] if self.wide else [deep]
