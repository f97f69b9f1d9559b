"""Drawn sequences by their own rules; a readout that is solved against one that torch solves."""

import numpy as np
import pytest
import torch

from training.study.sequences import SEQUENCES, Adding, Copying, NextNumber, SequenceModel, Sequences, SequenceTask
from training.tasks import Held

ROWS = [(str(n), "") for n in range(6)]


def task(sequences: Sequences, cell: str = "lstm", hidden: int = 5, *, bidirectional: bool = False) -> SequenceTask:
    torch.manual_seed(0)
    return SequenceTask(sequences, SequenceModel(sequences, cell, hidden, bidirectional=bidirectional))


@pytest.mark.parametrize("kind", SEQUENCES)
def test_shapes(kind: str) -> None:
    sequences = SEQUENCES[kind](6)
    learner = task(sequences, bidirectional=True)
    batch = learner.collate(ROWS)
    assert batch.inputs.shape == (6, sequences.steps, sequences.inputs)
    answers = learner.model(batch.inputs)
    assert answers.shape == (6, sequences.answers, sequences.outputs)
    assert learner(batch).shape == ()
    assert learner.count(learner.lengths(ROWS)) == 6 * sequences.answers


@pytest.mark.parametrize("kind", SEQUENCES)
def test_held_out_rows_are_always_the_same_and_those_of_training_new_by_seed(kind: str) -> None:
    learner = task(SEQUENCES[kind](6))
    held = learner.collate(ROWS)
    for a, b in zip(learner.collate(ROWS[2:4]), held, strict=True):
        assert torch.equal(a, b[2:4])
    drawn = [learner.collate(ROWS, seed).inputs for seed in (1, 1, 2)]
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])


def test_the_next_number_goes_on_as_the_row_does() -> None:
    inputs, targets = NextNumber(4).rows(np.array([1, 20]), np.array([1, 3]))
    np.testing.assert_allclose(100 * inputs[:, :, 0], [[1, 2, 3, 4], [20, 23, 26, 29]])
    np.testing.assert_allclose(100 * targets[:, :, 0], [[5], [32]])
    inputs, _ = NextNumber(4).draw(np.random.default_rng(0), 500)
    assert (inputs[:, 0].min(), inputs[:, 0].max()) == (0, 0.99)
    assert NextNumber(4).score(torch.tensor([0.0549, 0.051]), torch.tensor([0.05, 0.055])) == 100
    assert NextNumber(4).score(torch.tensor([0.0549, 0.06]), torch.tensor([0.05, 0.05])) == 50


def test_errors_beyond_the_range_are_those_of_the_model() -> None:
    class Last(torch.nn.Module):
        """Says the last number again: it is off by the stride, 2 in the mean."""

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x[:, -1:]

    assert NextNumber(4).errors(Last()) == pytest.approx(dict.fromkeys(("0", "50", "100", "150", "200", "250"), 2))


def test_what_is_added_is_marked_once_in_each_half() -> None:
    inputs, targets = Adding(11).draw(np.random.default_rng(0), 300)
    numbers, marks = inputs[..., 0], inputs[..., 1]
    assert (marks[:, :5].sum(1) == 1).all()
    assert (marks[:, 5:].sum(1) == 1).all()
    np.testing.assert_allclose((numbers * marks).sum(1), targets[:, 0, 0])
    always_one = Adding(11).score(torch.ones(300), torch.from_numpy(targets[:, 0, 0]).float())
    assert always_one == pytest.approx(-1 / 6, abs=0.03)


def test_solved_is_judged_to_the_digits_that_validation_rounds_to() -> None:
    assert Adding(4).solves(-0.01004)
    assert not Adding(4).solves(-0.0101)
    assert NextNumber(4).solves(99)


def test_what_is_copied_is_said_then_asked_for() -> None:
    copying = Copying(5)
    inputs, targets = copying.draw(np.random.default_rng(0), 20)
    ids = inputs.argmax(-1)
    assert ids.shape == (20, 25)
    np.testing.assert_array_equal(ids[:, :10], targets)
    assert (ids[:, 10:15] == 8).all()  # blanks
    assert (ids[:, 15] == 9).all()  # speak
    assert (ids[:, 16:] == 8).all()
    said = torch.from_numpy(targets)
    assert copying.score(copying.desired(said), said) == 100
    assert copying.score(copying.desired((said + 1) % 8), said) == 0
    guess = copying.loss(torch.zeros(20, 10, 8), said) / said.numel()
    assert guess.item() == pytest.approx(np.log(8))


def test_each_direction_is_read_where_it_has_seen_all() -> None:
    learner = task(Adding(6), bidirectional=True)
    x = torch.randn(3, 6, 2)
    outputs = learner.model.layers(x)
    torch.testing.assert_close(learner.model.read(x)[:, 0], torch.cat([outputs[:, -1, :5], outputs[:, 0, 5:]], dim=1))


@pytest.mark.parametrize("kind", SEQUENCES)
def test_a_solved_readout_is_the_least_squares_solution(kind: str) -> None:
    learner = task(SEQUENCES[kind](4), "esn")
    learner.solve(200, seed=3, ridge=0.0, batch_rows=200)
    batch = learner.collate([("", "")] * 200, 3 * 200)
    x = learner.model.read(batch.inputs).flatten(0, 1)
    y = learner.sequences.desired(batch.targets).flatten(0, 1)
    expected = torch.linalg.lstsq(torch.cat([x, torch.ones(len(x), 1)], dim=1).double(), y.double()).solution
    torch.testing.assert_close(learner.model.output.weight.T.double(), expected[:-1], atol=1e-3, rtol=1e-3)
    torch.testing.assert_close(learner.model.output.bias.double(), expected[-1], atol=1e-3, rtol=1e-3)


def test_a_reservoir_goes_on_with_a_row_of_numbers() -> None:
    learner = task(NextNumber(4), "esn", 20)
    assert not learner.model.trained
    learner.solve(1000, seed=1)
    assert learner.score(Held("dev", [(str(n), "") for n in range(100)]), 0.0)["score"] > 90


def test_lengths_are_checked() -> None:
    with pytest.raises(ValueError, match="a length is 1: give 2 or more"):
        Adding(1)
