"""Sequences drawn at random, on which memory can be measured: their answer stands at the end, what it needs before."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, NamedTuple, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from training.cells import Cell
from training.data import Array
from training.numbers import Pair
from training.recurrent import Recurrent
from training.tasks import Held, Task


class Sequences(ABC):
    """A kind of sequence, and what its answers are."""

    inputs: ClassVar[int]
    """Numbers a step reads."""
    outputs: ClassVar[int]
    """Numbers a step answers with."""
    answers: ClassVar[int] = 1
    """Last steps whose answers count."""
    quality: ClassVar[str]
    """What `score` measures, or what it is the negative of."""
    sign: ClassVar[int] = 1
    """-1 where it is the negative."""
    solved: ClassVar[float]
    """The score from which on a network is said to have solved it."""

    def __init__(self, length: int) -> None:
        if length < self.least():
            raise ValueError(f"a length is {length}: give {self.least()} or more")
        self.length = length

    @classmethod
    def least(cls) -> int:
        """The shortest length there is."""
        return 2

    @property
    def steps(self) -> int:
        """S, the steps that the network goes through."""
        return self.length

    @abstractmethod
    def draw(self, rng: np.random.Generator, rows: int) -> tuple[Array, Array]:
        """Inputs `(B, S, inputs)`, and targets `(B, answers, outputs)`, or `(B, answers)` where they are classes."""

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """The summed loss of outputs `(B, answers, outputs)`: here the squared error."""
        return F.mse_loss(outputs, targets, reduction="sum")

    def desired(self, targets: Tensor) -> Tensor:
        """Targets as the numbers `(B, answers, outputs)` that a readout is fitted to by least squares."""
        return targets

    @abstractmethod
    def score(self, outputs: Tensor, targets: Tensor) -> float:
        """How good the outputs are; more is better."""

    def solves(self, score: float) -> bool:
        """Whether a score is as good as `solved`, to the four digits that validation rounds it to."""
        return round(score, 4) >= self.solved


class NextNumber(Sequences):
    """1 2 3 4 -> 5: how an even row of numbers goes on. It begins below 100, and goes up in steps of 1, 2 or 3."""

    inputs, outputs = 1, 1
    quality, solved = "answers that round to the right number, %", 99.0
    below: ClassVar[int] = 100
    """Where the rows begin that are learnt from; what comes later is told by the distance alone."""

    def draw(self, rng: np.random.Generator, rows: int) -> tuple[Array, Array]:
        return self.rows(rng.integers(0, self.below, rows), rng.integers(1, 4, rows))

    def rows(self, first: Array, stride: Array) -> tuple[Array, Array]:
        """The rows that begin at `first (B,)` and go on in strides `(B,)`, in hundreds."""
        numbers = (first[:, None] + stride[:, None] * np.arange(self.length + 1)) / self.below
        return numbers[:, :-1, None], numbers[:, -1:, None]

    def score(self, outputs: Tensor, targets: Tensor) -> float:
        return 100 * float(((outputs - targets).abs() * self.below < 0.5).float().mean())

    @torch.inference_mode()
    def errors(self, model: nn.Module) -> dict[str, float]:
        """How far off the answers are, in the mean of rows that begin in each fifty from 0 to three times as far as
        those that are learnt from.
        """
        found = {}
        for low in range(0, 3 * self.below, 50):
            first, stride = (grid.ravel() for grid in np.meshgrid(np.arange(low, low + 50), np.arange(1, 4)))
            inputs, targets = (torch.from_numpy(side).float() for side in self.rows(first, stride))
            found[str(low)] = round(float((model(inputs) - targets).abs().mean()) * self.below, 3)
        return found


class Adding(Sequences):
    """The adding problem (Hochreiter and Schmidhuber 1997, experiment 4, in the form of Arjovsky et al. 2016).

    Each step reads a number from 0 to 1 and a mark; two steps are marked, one in each half. The answer is the sum of
    their numbers. To answer 1 always has a mean squared error of 1/6.
    """

    inputs, outputs = 2, 1
    quality, sign, solved = "mean squared error", -1, -0.01

    def draw(self, rng: np.random.Generator, rows: int) -> tuple[Array, Array]:
        numbers, marks = rng.random((rows, self.length)), np.zeros((rows, self.length))
        half = self.length // 2
        for low, high in ((0, half), (half, self.length)):
            marks[np.arange(rows), rng.integers(low, high, rows)] = 1
        return np.stack([numbers, marks], axis=-1), (numbers * marks).sum(1)[:, None, None]

    def score(self, outputs: Tensor, targets: Tensor) -> float:
        return -float(F.mse_loss(outputs, targets))


class Copying(Sequences):
    """The copy task (Hochreiter and Schmidhuber 1997; Arjovsky et al. 2016): ten symbols of eight, to be said again.

    After the symbols come `length` blanks, then a sign to speak and nine more blanks, at which the ten are to be said.
    Only these ten answers count. Guessing has 12.5 % of them right, at a cross-entropy of ln 8.
    """

    symbols, answers = 8, 10
    inputs, outputs = symbols + 2, symbols
    quality, solved = "symbols said right, %", 99.0

    @classmethod
    def least(cls) -> int:
        return 1

    @property
    def steps(self) -> int:
        return self.length + 2 * self.answers

    def draw(self, rng: np.random.Generator, rows: int) -> tuple[Array, Array]:
        said = rng.integers(0, self.symbols, (rows, self.answers))
        ids = np.full((rows, self.steps), self.symbols)
        ids[:, : self.answers] = said
        ids[:, -self.answers] = self.symbols + 1
        return np.eye(self.inputs)[ids], said

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return F.cross_entropy(outputs.flatten(0, 1), targets.flatten(), reduction="sum")

    def desired(self, targets: Tensor) -> Tensor:
        return F.one_hot(targets, self.symbols).float()

    def score(self, outputs: Tensor, targets: Tensor) -> float:
        return 100 * float((outputs.argmax(-1) == targets).float().mean())


SEQUENCES: dict[str, type[Sequences]] = {"next_number": NextNumber, "adding": Adding, "copy": Copying}
"""The word of a config -> the sequences."""


class SequenceModel(nn.Module):
    """A recurrent stack, and a linear readout of its last steps."""

    def __init__(
        self, sequences: Sequences, cell: str, hidden: int, layers: int = 1, *, bidirectional: bool = False
    ) -> None:
        super().__init__()
        self.answers = sequences.answers
        self.layers = Recurrent(cell, sequences.inputs, hidden, layers, bidirectional=bidirectional)
        self.output = nn.Linear(self.layers.output_size, sequences.outputs)

    @property
    def trained(self) -> bool:
        """Whether more than the readout learns."""
        return all(cast(Cell, cell).trained for cell in self.layers.cells)

    def read(self, x: Tensor) -> Tensor:
        """The outputs `(B, answers, D*H)` over `x (B, S, I)` where each direction has gone all the way, or nearly."""
        forward, *backward = self.layers(x).chunk(self.layers.directions, dim=-1)
        return torch.cat([forward[:, -self.answers :], *(b[:, : self.answers] for b in backward)], dim=-1)

    def forward(self, x: Tensor) -> Tensor:
        """`x (B, S, I)` -> the answers `(B, answers, O)`."""
        return cast(Tensor, self.output(self.read(x)))


class SequenceBatch(NamedTuple):
    """B sequences."""

    inputs: Tensor
    """`(B, S, I)`"""
    targets: Tensor
    """`(B, answers, O)` or `(B, answers)`"""


class SequenceTask(Task):
    """Loss and score of a network on sequences; a row is only the number that a held-out sequence is drawn by."""

    model: SequenceModel

    def __init__(self, sequences: Sequences, model: SequenceModel) -> None:
        super().__init__()
        self.sequences, self.model = sequences, model

    def lengths(self, rows: Sequence[Pair]) -> Array:
        """One each: all are equally long, so a batch is counted in sequences."""
        return np.ones(len(rows), dtype=np.int64)

    def collate(self, rows: Sequence[Pair], seed: int | None = None) -> SequenceBatch:
        """With a seed, so many new sequences; without, those of the rows' numbers, always the same."""
        if seed is None:
            drawn = [self.sequences.draw(np.random.default_rng([0, int(number)]), 1) for number, _ in rows]
        else:
            drawn = [self.sequences.draw(np.random.default_rng([1, seed]), len(rows))]
        inputs, targets = (torch.from_numpy(np.concatenate(side)) for side in zip(*drawn, strict=True))
        return SequenceBatch(inputs.float(), targets.float() if targets.is_floating_point() else targets)

    def count(self, lengths: Array) -> int:
        return len(lengths) * self.sequences.answers

    def forward(self, batch: SequenceBatch) -> Tensor:
        """The summed loss of a batch."""
        return self.sequences.loss(self.model(batch.inputs), batch.targets)

    @torch.inference_mode()
    def score(self, held: Held, loss: float) -> dict[str, float]:  # noqa: ARG002
        batch = self.collate(held.rows)
        return {"score": self.sequences.score(self.model(batch.inputs), batch.targets)}

    @torch.no_grad()
    def solve(self, rows: int, seed: int, ridge: float = 1e-6, batch_rows: int = 100) -> None:
        """Fit the readout alone, by least squares on so many sequences: how a reservoir is trained (Jaeger 2001).

        `(X^T X + ridge N) W = X^T Y`, where X `(N, D*H + 1)` is what the readout reads, and ones for the bias.
        """
        gram, moment = torch.zeros(()), torch.zeros(())
        for start in range(0, rows, batch_rows):
            batch = self.collate([("", "")] * batch_rows, seed * rows + start)
            x = self.model.read(batch.inputs).flatten(0, 1).double()
            x = torch.cat([x, x.new_ones(len(x), 1)], dim=1)
            y = self.sequences.desired(batch.targets).flatten(0, 1).double()
            gram, moment = gram + x.T @ x, moment + x.T @ y
        count = rows * self.sequences.answers
        solution = torch.linalg.solve(gram + ridge * count * torch.eye(len(gram)), moment)
        self.model.output.weight.copy_(solution[:-1].T)
        self.model.output.bias.copy_(solution[-1])
