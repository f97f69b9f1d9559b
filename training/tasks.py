"""What is trained: a task turns rows into batches, a batch into a loss, and a model into a validation score."""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import sacrebleu
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from inference.decoding import Array, Arrays, DecodeConfig, State, decode
from inference.tokenizer import BEGIN, END, PAD, Tokenizer, pad
from training.classifier import SentimentClassifier
from training.data import buckets
from training.language_model import LanguageModel
from training.metrics import bleu_tokens
from training.noise import Noise, TextNoiseConfig
from training.numbers import Pair
from training.seq2seq import Memory, Seq2Seq
from training.teaching import distribution

_CHUNK = 512
"""Rows of logits held at once: the whole `(B * T, V)` is never made, which is slower for want of cache."""


@dataclass(frozen=True)
class Held:
    """A dev or test set: its name and its rows as they are in the file."""

    name: str
    rows: list[Pair]


Batch = tuple[Tensor, ...]
"""A named tuple of a batch's tensors."""


class Task(nn.Module, ABC):
    """What the loop trains: its `forward` takes a batch and gives the summed loss."""

    model: nn.Module

    @abstractmethod
    def lengths(self, rows: Sequence[Pair]) -> Array:
        """The tokens of each row, end token counted: `(N,)`, or `(N, 2)` for two sides."""

    @abstractmethod
    def collate(self, rows: Sequence[Pair], seed: int | None = None) -> Batch:
        """Rows -> a padded batch; with a seed, as the noise that it draws leaves them."""

    @abstractmethod
    def count(self, lengths: Array) -> int:
        """The loss items, target tokens or texts, of rows with these `lengths`: what a summed loss is divided by."""

    @abstractmethod
    def score(self, held: Held, loss: float) -> dict[str, float]:
        """How good the model is on a dev set, where `loss` is its mean: `score`, more is better, and other curves."""


def summed_cross_entropy(readout: Tensor, weight: Tensor, bias: Tensor, target: Tensor, smoothing: float) -> Tensor:
    """The cross-entropy of `softmax(readout W^T + b)` against `target`, summed over N rows, in fp32 and in chunks.

    `readout (N, E)`, `weight (V, E)`, `bias (V,)`, `target (N,)`; label smoothing as in Szegedy et al. (2016),
    section 7.
    """
    losses = [
        F.cross_entropy(F.linear(x, weight, bias).float(), t, reduction="sum", label_smoothing=smoothing)
        for x, t in zip(torch.split(readout, _CHUNK), torch.split(target, _CHUNK), strict=True)
    ]
    return torch.stack(losses).sum()


class TranslationBatch(NamedTuple):
    """Padded ids of B pairs."""

    source: Tensor
    """`(B, S)`"""
    lengths: Tensor
    """`(B,)`, of the source"""
    inputs: Tensor
    """`(B, T)`, the begin token, then the target"""
    outputs: Tensor
    """`(B, T)`, the target, then the end token"""


class TranslationTask(Task):
    """Loss and dev BLEU of a translator; the module that the loop trains."""

    model: Seq2Seq

    def __init__(
        self,
        model: Seq2Seq,
        source: Tokenizer,
        target: Tokenizer,
        smoothing: float,
        decode: DecodeConfig,
        noise: Noise,
    ) -> None:
        super().__init__()
        self.model, self.source, self.target = model, source, target
        self.smoothing, self.decode, self.noise = smoothing, decode, noise

    def lengths(self, rows: Sequence[Pair]) -> Array:
        sides = zip(self.source.encode([s for s, _ in rows]), self.target.encode([t for _, t in rows]), strict=True)
        return np.array([(len(s) + 1, len(t) + 1) for s, t in sides])

    def collate(self, rows: Sequence[Pair], seed: int | None = None) -> TranslationBatch:
        if seed is not None:
            rng = np.random.default_rng(seed)
            rows = [self.noise.disturb(row, rng) for row in rows]
        sides = zip((self.source, self.target), ([s for s, _ in rows], [t for _, t in rows]), strict=True)
        alpha = self.noise.config.subword_dropout if seed is not None else 0.0
        encoded = [t.sample(texts, alpha, seed or 0) if alpha else t.encode(texts) for t, texts in sides]
        source, lengths = pad([[*ids, END] for ids in encoded[0]])
        inputs, _ = pad([[BEGIN, *ids] for ids in encoded[1]])
        outputs, _ = pad([[*ids, END] for ids in encoded[1]])
        return TranslationBatch(*map(torch.from_numpy, (source, lengths, inputs, outputs)))

    def count(self, lengths: Array) -> int:
        return int(lengths[:, 1].sum())

    def forward(self, batch: TranslationBatch) -> Tensor:
        """The summed loss of a batch."""
        readout = self.model(batch.source, batch.lengths, batch.inputs)
        real = batch.outputs != PAD
        decoder = self.model.decoder
        smoothing = self.smoothing if self.training else 0.0
        return summed_cross_entropy(
            readout[real], decoder.embedding.weight, decoder.output_bias, batch.outputs[real], smoothing
        )

    @torch.inference_mode()
    def ranges(self, rows: Sequence[Pair]) -> tuple[float, float]:
        """The largest absolute value in the memory's values and in the readout, over these rows."""
        values, readout = 0.0, 0.0
        for index in buckets(self.lengths(rows), np.arange(len(rows)), 4096, 0, 0):
            batch = self.collate([rows[i] for i in index])
            memory, bridge = self.model.encoder(batch.source, batch.lengths)
            out, _ = self.model.decoder(batch.inputs, memory, self.model.decoder.first_states(bridge))
            values = max(values, float(memory.values[memory.mask].abs().max()))
            readout = max(readout, float(out[batch.outputs != PAD].abs().max()))
        return values, readout

    @torch.inference_mode()
    def translate(self, texts: Sequence[str], batch_rows: int = 64) -> list[str]:
        """Decode greedily with the model in torch, through the same search that serves."""
        device = next(self.model.parameters()).device

        def arrays(tensors: Sequence[Tensor]) -> Arrays:
            return tuple(t.float().cpu().numpy() if t.is_floating_point() else t.cpu().numpy() for t in tensors)

        def step(tokens: Array, state: State) -> tuple[Array, Arrays]:
            inputs = tuple(torch.from_numpy(a).to(device) for a in (*state.memory, *state.layers))
            log_probs, after = self.model.step(torch.from_numpy(tokens).to(device), inputs)
            return log_probs.cpu().numpy(), arrays(after[len(state.memory) :])

        ids = self.source.encode(texts)
        order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
        output = [""] * len(ids)
        for start in range(0, len(order), batch_rows):
            rows = order[start : start + batch_rows]
            source, lengths = pad([[*ids[i], END] for i in rows])
            state = self.model.encode(torch.from_numpy(source).to(device), torch.from_numpy(lengths).to(device))
            memory, layers = arrays(state[: len(Memory._fields)]), arrays(state[len(Memory._fields) :])
            found = decode(step, State(memory, layers), [self.decode.search(ids[i], 1) for i in rows])
            for i, text in zip(rows, self.target.decode([best.ids for best, *_ in found]), strict=True):
                output[i] = text
        return output

    def score(self, held: Held, loss: float) -> dict[str, float]:  # noqa: ARG002
        """BLEU of greedy decoding on a dev set."""
        output = self.translate([source for source, _ in held.rows])
        tokens = bleu_tokens(self.noise.target_language)
        bleu = sacrebleu.corpus_bleu(output, [[target for _, target in held.rows]], tokenize=tokens)
        return {"score": bleu.score, "length_ratio": bleu.sys_len / max(1, bleu.ref_len)}


class SentimentBatch(NamedTuple):
    """Padded ids of B texts."""

    ids: Tensor
    """`(B, S)`"""
    lengths: Tensor
    """`(B,)`"""
    targets: Tensor
    """`(B, C)`, the probability of each class"""


class TextTask(Task):
    """What the tasks on single texts share: rows are cut to a window of tokens."""

    tokenizer: Tokenizer
    window: int

    def encode(self, rows: Sequence[Pair]) -> list[list[int]]:
        """The ids of each row's text, the end token included."""
        return [[*ids[: self.window], END] for ids in self.tokenizer.encode([text for text, _ in rows])]

    def lengths(self, rows: Sequence[Pair]) -> Array:
        return np.array([len(ids) for ids in self.encode(rows)])


class SentimentTask(TextTask):
    """Loss and dev accuracy of a classifier; the module that the loop trains."""

    model: SentimentClassifier

    def __init__(
        self,
        model: SentimentClassifier,
        tokenizer: Tokenizer,
        labels: Sequence[str],
        smoothing: float,
        window: int,
        noise: TextNoiseConfig,
    ) -> None:
        super().__init__()
        self.model, self.tokenizer, self.labels = model, tokenizer, list(labels)
        self.smoothing, self.window, self.noise = smoothing, window, noise

    def collate(self, rows: Sequence[Pair], seed: int | None = None) -> SentimentBatch:
        if seed is not None:
            rng = np.random.default_rng(seed)
            rows = [self.noise.disturb(row, rng) for row in rows]
        ids, lengths = pad(self.encode(rows))
        targets = np.array([distribution(label, self.labels) for _, label in rows], dtype=np.float32)
        return SentimentBatch(*map(torch.from_numpy, (ids, lengths, targets)))

    def count(self, lengths: Array) -> int:
        return len(lengths)

    def forward(self, batch: SentimentBatch) -> Tensor:
        """The summed loss of a batch: in training, that of each part of the model, else of what they say together."""
        smoothing = self.smoothing if self.training else 0.0
        parts = self.model.parts(batch.ids, batch.lengths)
        said = torch.stack(parts if self.training else [torch.stack(parts).sum(0)])
        targets = batch.targets.expand(len(said), *batch.targets.shape)
        return F.cross_entropy(said.flatten(0, 1), targets.flatten(0, 1), reduction="sum", label_smoothing=smoothing)

    @torch.inference_mode()
    def score(self, held: Held, loss: float) -> dict[str, float]:  # noqa: ARG002
        """Accuracy in percent on a dev set, among the labels that it has."""
        device = next(self.model.parameters()).device
        others = [i for i, label in enumerate(self.labels) if label not in {label for _, label in held.rows}]
        right = 0
        for index in buckets(self.lengths(held.rows), np.arange(len(held.rows)), 16384, 0, 0):
            batch = self.collate([held.rows[i] for i in index])
            logits = self.model(batch.ids.to(device), batch.lengths.to(device)).cpu()
            logits[:, others] = -torch.inf
            right += int((logits.argmax(-1) == batch.targets.argmax(-1)).sum())
        return {"score": 100 * right / len(held.rows)}


class TextBatch(NamedTuple):
    """Padded ids of B texts."""

    ids: Tensor
    """`(B, S)`"""
    lengths: Tensor
    """`(B,)`"""


class PretrainTask(TextTask):
    """Loss and dev perplexity of the language model that a classifier begins as."""

    model: LanguageModel

    def __init__(self, model: LanguageModel, tokenizer: Tokenizer, window: int) -> None:
        super().__init__()
        self.model, self.tokenizer, self.window = model, tokenizer, window

    def collate(self, rows: Sequence[Pair], seed: int | None = None) -> TextBatch:  # noqa: ARG002
        return TextBatch(*map(torch.from_numpy, pad(self.encode(rows))))

    def count(self, lengths: Array) -> int:
        return int((self.model.directions * (lengths - 1) - 1).clip(0).sum())

    def forward(self, batch: TextBatch) -> Tensor:
        """The summed loss of a batch, of a sample of the vocabulary in training."""
        directions = self.model(batch.ids, batch.lengths)
        if self.training:
            return torch.stack([self.model.sampled_loss(*direction) for direction in directions]).sum()
        weight, bias = self.model.embedding.weight, self.model.bias
        return torch.stack([summed_cross_entropy(x, weight, bias, y, 0.0) for x, y in directions]).sum()

    def score(self, held: Held, loss: float) -> dict[str, float]:  # noqa: ARG002
        """The perplexity, negated."""
        return {"score": -math.exp(loss)}
