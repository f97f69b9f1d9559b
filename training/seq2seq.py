"""The translator: a BiLSTM encoder, and an LSTM decoder that attends to it, one step at a time.

The decoder is GNMT's (Wu et al. 2016, section 3): its first layer's output is the query, and the context feeds the
layers above and the readout. No output of attention goes back into the first layer, so that in training each layer
runs over the whole target at once, in torch's fused kernel, where input feeding (Luong et al. 2015) needs a loop.
`benchmarks/decoder_attention.py` measures the two.
"""

from dataclasses import dataclass
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from training.cells import Cell, State, cell_class
from training.embedding import Embedding
from training.recurrent import LockedDropout, Recurrent, mask, unroll


@dataclass(frozen=True)
class Seq2SeqConfig:
    """The shape of a translator."""

    cell: str = "lstm"
    """A word of `training.cells.CELLS`, for encoder and decoder."""
    embedding: int = 512
    """E, the width of source and target embeddings and of the readout."""
    hidden: int = 512
    """H, the width of the decoder's layers and of the encoder's outputs (both directions together)."""
    encoder_layers: int = 2
    bidirectional: bool = True
    """Whether the encoder reads the source both ways, with H / 2 each, or forward only."""
    decoder_layers: int = 2
    """At least 2: the first queries, the others read the context."""
    heads: int = 4
    """Attention heads; they divide H."""
    dropout: float = 0.2
    """Locked dropout on embeddings, between layers and on the readout."""
    word_dropout: float = 0.1
    """The share of source and target input words replaced by <unk> in training (Gal and Ghahramani 2016)."""

    def __post_init__(self) -> None:
        cell_class(self.cell)
        for name in ("embedding", "hidden", "encoder_layers", "heads"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}: give 1 or more")
        if self.hidden % 2 or self.hidden % self.heads:
            raise ValueError(f"hidden is {self.hidden}: it must be even and a multiple of heads ({self.heads})")
        if self.decoder_layers < 2:
            raise ValueError(f"decoder_layers is {self.decoder_layers}: give 2 or more (the first one is the query)")
        for name in ("dropout", "word_dropout"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}: give at least 0 and less than 1")


class Memory(NamedTuple):
    """What the decoder reads of the source. Projected once a sentence, not once a step."""

    keys: Tensor
    """`(B, S, H)`"""
    values: Tensor
    """`(B, S, H)`"""
    mask: Tensor
    """`(B, S)` bool, True where a source token is."""


class Encoder(nn.Module):
    """Source ids to what the decoder needs: the memory, and the first state of each decoder layer."""

    def __init__(self, config: Seq2SeqConfig, vocabulary: int) -> None:
        super().__init__()
        c = config
        self.embedding = Embedding(vocabulary, c.embedding, c.dropout, c.word_dropout)
        self.layers = Recurrent(
            c.cell,
            c.embedding,
            c.hidden // 2 if c.bidirectional else c.hidden,
            c.encoder_layers,
            bidirectional=c.bidirectional,
            dropout=c.dropout,
        )
        self.bidirectional = c.bidirectional
        self.dropout = LockedDropout(c.dropout)
        self.keys = nn.Linear(c.hidden, c.hidden)
        self.values = nn.Linear(c.hidden, c.hidden)
        self.bridge = nn.Linear(c.hidden, c.decoder_layers * c.hidden)

    def forward(self, source: Tensor, lengths: Tensor) -> tuple[Memory, Tensor]:
        """`source (B, S)`, `lengths (B,)` -> memory, and the first h of every decoder layer `(B, L*H)`.

        The bridge reads the outputs where a direction has seen the whole sentence: at the first token, after the
        backward layer (Bahdanau et al. 2015, appendix A.2.2), or at the last token, when there is none.
        """
        outputs = self.dropout(self.layers(self.embedding(source), lengths))
        memory = Memory(self.keys(outputs), self.values(outputs), mask(lengths, source.shape[1]))
        seen = outputs[:, 0] if self.bidirectional else outputs[torch.arange(len(lengths)), lengths - 1]
        return memory, torch.tanh(self.bridge(seen))


def attend(query: Tensor, memory: Memory, heads: int) -> tuple[Tensor, Tensor]:
    """Scaled dot-product attention (Vaswani et al. 2017, section 3.2.2), the query taken as it is.

    `query (B, T, H)` -> the context `(B, T, H)` and the weights of each head `(B, heads, T, S)`, which sum to 1.
    """

    def split(x: Tensor) -> Tensor:
        return x.reshape(*x.shape[:2], heads, -1).transpose(1, 2)

    q, k, v = split(query), split(memory.keys), split(memory.values)
    scores = (q @ k.transpose(-1, -2)).float() * q.shape[-1] ** -0.5
    weights = scores.masked_fill(~memory.mask[:, None, None], -torch.inf).softmax(-1)
    return (weights.to(v.dtype) @ v).transpose(1, 2).flatten(2), weights


class Decoder(nn.Module):
    """Layers of one cell; the first queries the memory, the others and the readout see the context too."""

    def __init__(self, config: Seq2SeqConfig, vocabulary: int) -> None:
        super().__init__()
        c = config
        self.heads = c.heads
        self.embedding = Embedding(vocabulary, c.embedding, c.dropout, c.word_dropout)
        make = cell_class(c.cell)
        self.cells = nn.ModuleList(
            make(c.embedding if layer == 0 else 2 * c.hidden, c.hidden) for layer in range(c.decoder_layers)
        )
        self.readout = nn.Linear(2 * c.hidden, c.embedding)
        self.output_bias = nn.Parameter(torch.zeros(vocabulary))
        self.dropout = LockedDropout(c.dropout)

    def first_states(self, bridge: Tensor) -> list[State]:
        """A state for each layer, from the encoder's bridge `(B, L*H)`: h from there, the other members zero."""
        states = []
        for cell, h in zip(self.cells, bridge.chunk(len(self.cells), dim=-1), strict=True):
            states.append((h.contiguous(), *cast(Cell, cell).zero_state(h)[1:]))
        return states

    def forward(self, target: Tensor, memory: Memory, states: list[State]) -> tuple[Tensor, list[State]]:
        """Run over `target (B, T)`, the begin token first.

        Returns the readout `(B, T, E)`, from which `logits` follow, and the states after the last step.
        """
        after = []
        x, state = unroll(cast(Cell, self.cells[0]), self.embedding(target), states[0])
        after.append(state)
        context, _ = attend(x, memory, self.heads)
        context = self.dropout(context)
        for cell, state in zip(self.cells[1:], states[1:], strict=True):
            x, state = unroll(cast(Cell, cell), torch.cat([self.dropout(x), context], dim=-1), state)
            after.append(state)
        readout = self.readout(torch.cat([self.dropout(x), context], dim=-1))
        return readout, after

    def logits(self, readout: Tensor) -> Tensor:
        """`(..., E) -> (..., V)`: the output weights are the target embeddings (Press and Wolf 2017)."""
        return F.linear(readout, self.embedding.weight, self.output_bias)


class Seq2Seq(nn.Module):
    """Encoder and decoder; `forward` for training, `encode` and `step` for decoding."""

    def __init__(self, config: Seq2SeqConfig, source_vocabulary: int, target_vocabulary: int) -> None:
        super().__init__()
        self.config = config
        self.encoder = Encoder(config, source_vocabulary)
        self.decoder = Decoder(config, target_vocabulary)
        self.dropout = LockedDropout(config.dropout)

    def forward(self, source: Tensor, lengths: Tensor, target: Tensor) -> Tensor:
        """The readout `(B, T, E)` for every position of `target (B, T)`, each seeing the true tokens before it."""
        memory, bridge = self.encoder(source, lengths)
        readout, _ = self.decoder(target, memory, self.decoder.first_states(bridge))
        return cast(Tensor, self.dropout(readout))

    def encode(self, source: Tensor, lengths: Tensor) -> State:
        """The decoder's state before the first token: keys, values, mask, then each layer's state. All `(B, ...)`."""
        memory, bridge = self.encoder(source, lengths)
        return (*memory, *(s for state in self.decoder.first_states(bridge) for s in state))

    def step(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        """One token of each row `(B,)` -> log-probabilities of the next `(B, V)` and the next state."""
        memory, flat = Memory(*state[:3]), state[3:]
        size = cast(Cell, self.decoder.cells[0]).states
        states = [flat[i : i + size] for i in range(0, len(flat), size)]
        readout, states = self.decoder(tokens[:, None], memory, states)
        log_probs = self.decoder.logits(readout[:, 0]).float().log_softmax(-1)
        return log_probs, (*memory, *(s for after in states for s in after))
