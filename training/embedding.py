"""Ids to vectors, with the two dropouts of words."""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from inference.tokenizer import PAD, UNKNOWN
from training.recurrent import LockedDropout


class Embedding(nn.Module):
    """Ids `(B, S)` to vectors `(B, S, E)`, with word dropout and locked dropout."""

    def __init__(self, vocabulary: int, size: int, dropout: float, word_dropout: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(vocabulary, size) * size**-0.5)
        self.dropout, self.word_dropout = LockedDropout(dropout), word_dropout
        self.scale = size**0.5

    def forward(self, ids: Tensor) -> Tensor:
        if self.training and self.word_dropout:
            dropped = torch.rand(ids.shape, device=ids.device) < self.word_dropout
            ids = ids.masked_fill(dropped & (ids != PAD), UNKNOWN)
        return cast(Tensor, self.dropout(F.embedding(ids, self.weight) * self.scale))
