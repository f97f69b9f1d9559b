"""Language-model pretraining of the classifier's own embedding and first layer, on texts whose labels nobody needs.

Dai and Le (2015), section 2, for both directions: the forward LSTM learns to predict the next subword, the backward
one the subword before. With one layer neither has seen what it predicts; the layers above begin with the classifier's
training, and read what the first has learnt, as in Peters et al. (2017).
"""

import math
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from training.classifier import SentimentClassifier
from training.recurrent import mask

_BEFORE = 260
"""Special ids and bytes, which stand before the subwords; those stand in the order of their frequency."""
_CHUNK = 512
"""Positions whose candidates are scored at once, so that the scores stay in the cache."""


def pieces(text: str, words: int) -> list[str]:
    """A text cut into pieces of at most so many words, all nearly as long as each other."""
    split = text.split()
    count = max(1, math.ceil(len(split) / words))
    cuts = [len(split) * i // count for i in range(count + 1)]
    return [" ".join(split[a:b]) for a, b in pairwise(cuts)]


class LanguageModel(nn.Module):
    """A classifier's embedding and bidirectional layer, with a readout to neighbouring subwords for each direction."""

    def __init__(self, classifier: SentimentClassifier, candidates: int) -> None:
        """Share the modules of `classifier`; a training loss compares the right subword with `candidates` others.

        Raises ValueError for more than one layer: the second would have seen what it is to predict.
        """
        super().__init__()
        c = classifier.config
        if c.layers != 1:
            raise ValueError(f"layers is {c.layers}: pretraining needs 1, a layer above has seen what it is to predict")
        self.embedding, self.layers = classifier.embedding, classifier.layers
        self.directions = self.layers.directions
        self.readouts = nn.ModuleList(nn.Linear(c.hidden, c.embedding) for _ in range(self.directions))
        self.bias = nn.Parameter(torch.zeros(len(self.embedding.weight)))
        self.candidates = candidates

    def forward(self, ids: Tensor, lengths: Tensor) -> list[tuple[Tensor, Tensor]]:
        """`ids (B, S)`, `lengths (B,)` -> for each direction the readouts `(N, E)` and the ids `(N,)` to predict.

        End tokens are read but not predicted: a piece ends where it was cut, and that says nothing of the language.
        """
        outputs = self.layers(self.embedding(ids), lengths).chunk(self.directions, dim=-1)
        text = mask(lengths - 1, ids.shape[1])
        inner = text[:, 1:]
        sides = [(outputs[0][:, :-1][inner], ids[:, 1:][inner])]
        sides += [(output[:, 1:][text[:, :-1]], ids[:, :-1][text[:, :-1]]) for output in outputs[1:]]
        return [(readout(x), wanted) for readout, (x, wanted) in zip(self.readouts, sides, strict=True)]

    def sampled_loss(self, readout: Tensor, wanted: Tensor) -> Tensor:
        """An estimate of the cross-entropy, summed over N positions, from a sample of the vocabulary.

        The sum over all wrong subwords is estimated by importance sampling (Bengio and Senecal 2003, section 3): each
        of the candidates, which all positions share, counts by how seldom it is drawn. They are drawn with replacement
        from the log-uniform distribution over ranks.
        """
        size = len(self.bias)
        drawn = torch.rand(self.candidates, device=wanted.device)
        ranks = (torch.exp(drawn * math.log(size + 1)) - 1).long().clamp(max=size - 1)
        others = (ranks + _BEFORE) % size
        share = torch.log1p(1 / (ranks.double() + 1)) / math.log(size + 1)
        # In the bias it costs nothing: no position has to be told how seldom its candidates are drawn.
        weight, bias = self.embedding.weight[others], self.bias[others] - (share * self.candidates).log().float()
        right = ((readout * self.embedding.weight[wanted]).sum(-1) + self.bias[wanted]).float()
        losses = []
        for x, y, score in zip(*(torch.split(each, _CHUNK) for each in (readout, wanted, right)), strict=True):
            wrong = F.linear(x, weight, bias).float().masked_fill(others == y[:, None], -torch.inf)
            losses.append(F.softplus(torch.logsumexp(wrong, dim=1) - score).sum())
        return torch.stack(losses).sum()
