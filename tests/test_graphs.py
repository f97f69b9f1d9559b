"""The exported graphs against the torch models: every cell, fp32 to 1e-4, int8 close."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch

from inference.decoding import Arrays, State, concatenate
from inference.engine import Memories, SentimentGraph, TranslationGraph, at_once
from inference.tokenizer import BEGIN, END, pad
from training.cells import CELLS
from training.classifier import ClassifierConfig, SentimentClassifier
from training.graph_builder import quantise
from training.graphs import classifier_graph, encoder_graph, step_graph
from training.recurrent import unroll
from training.seq2seq import Seq2Seq, Seq2SeqConfig, attend

ROWS = [[7, 5, 9, 30, 4], [11], [8, 8, 21]]


def randomised(model: torch.nn.Module) -> dict[str, np.ndarray]:
    """Give every parameter a value that matters, biases and peepholes too, and return them."""
    torch.manual_seed(3)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    model.eval()
    return {name: t.detach().numpy() for name, t in model.state_dict().items()}


def translator(cell: str, *, int8: bool, bidirectional: bool = True) -> tuple[Seq2Seq, TranslationGraph]:
    config = Seq2SeqConfig(
        cell=cell,
        embedding=12,
        hidden=16,
        encoder_layers=2,
        bidirectional=bidirectional,
        decoder_layers=3,
        heads=2,
    )
    model = Seq2Seq(config, 40, 50)
    tensors = randomised(model)
    return model, TranslationGraph(
        encoder_graph(config, tensors, 4.0, int8=int8), step_graph(config, tensors, 4.0, 8.0, int8=int8)
    )


def encoded(graph: TranslationGraph, rows: Sequence[Sequence[int]]) -> State:
    """The state of a batch."""
    states = [graph.encode(row) for row in rows]
    return State(graph.gathering()([state.memory for state in states]), concatenate([state.layers for state in states]))


def test_memories_of_rows_that_come_and_go_are_as_gathered_anew() -> None:
    rng, place = np.random.default_rng(0), Memories()

    def memory() -> Arrays:
        length = int(rng.integers(1, 40))
        keys, values = rng.random((2, 3, length)), rng.random((2, length, 4))
        return keys, values, np.ones(length, dtype=bool)

    rows = [memory()]
    for _ in range(200):
        if rng.random() < 0.5 or len(rows) == 1:
            rows.append(memory())
        else:
            rows[rng.integers(len(rows))] = rows[-1]
            rows.pop()
        for kept, anew in zip(place.gather(rows), Memories().gather(rows), strict=True):
            assert np.array_equal(kept, anew)
        keys, values, mask = place.gather(rows)
        assert mask.shape[1] % 16 == 0
        for row, (k, v, m) in enumerate(rows):
            assert np.array_equal(keys[row, :, :, : len(m)], k)
            assert np.array_equal(values[row, :, : len(m)], v)
            assert mask[row].sum() == len(m)
            assert not keys[row, :, :, len(m) :].any()


@torch.inference_mode()
def both_decode(model: Seq2Seq, graph: TranslationGraph, steps: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Log-probabilities of torch and engine over some steps, for a padded batch of unequal rows."""
    source, lengths = pad([[*row, END] for row in ROWS])
    torch_state = model.encode(torch.from_numpy(source), torch.from_numpy(lengths))
    state = encoded(graph, ROWS)
    outputs = []
    for step in range(steps):
        tokens = np.array([2, 6 + step, 9])
        expected, torch_state = model.step(torch.from_numpy(tokens), torch_state)
        actual, layers = graph.step(tokens, state)
        state = state._replace(layers=layers)
        outputs.append((expected.numpy(), actual))
    return outputs


@pytest.mark.parametrize("bidirectional", [True, False])
@pytest.mark.parametrize("cell", CELLS)
def test_translation_graphs_are_the_model(cell: str, bidirectional: bool) -> None:
    for expected, actual in both_decode(*translator(cell, int8=False, bidirectional=bidirectional), steps=4):
        assert expected.shape == (3, 50)
        np.testing.assert_allclose(actual, expected, atol=1e-4)


@pytest.mark.parametrize("cell", [cell for cell in CELLS if cell != "rnn_relu"])
def test_int8_translation_graphs_are_near_the_model(cell: str) -> None:
    for expected, actual in both_decode(*translator(cell, int8=True), steps=4):
        error = np.abs(np.exp(actual) - np.exp(expected)).max()
        assert 0 < error < 0.1


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("int8", [False, True])
@pytest.mark.parametrize("bidirectional", [True, False])
def test_classifier_graph_is_the_model(cell: str, int8: bool, bidirectional: bool) -> None:
    form = {"embedding": 12, "hidden": 10, "upper": 6, "layers": 2}
    config = ClassifierConfig(cell=cell, bidirectional=bidirectional, wide=64 * bidirectional, **form)
    model = SentimentClassifier(config, 40, 3)
    graph = SentimentGraph(classifier_graph(config, randomised(model), int8=int8))
    ids, lengths = pad([[*row, END] for row in ROWS])
    with torch.inference_mode():
        expected = model(torch.from_numpy(ids), torch.from_numpy(lengths)).log_softmax(-1).numpy()
    np.testing.assert_allclose(
        np.exp([graph.classify(row) for row in ROWS]), np.exp(expected), atol=0.06 if int8 else 1e-5
    )


def test_quantise_uses_seven_bits_and_keeps_zero_channels() -> None:
    weight = np.array([[0.3, -1.0, 0.25], [0.0, 0.0, 0.0]], dtype=np.float32)
    integers, scale = quantise(weight, axis=1)
    assert integers.dtype == np.int8
    assert integers.tolist() == [[19, -63, 16], [0, 0, 0]]
    np.testing.assert_allclose(scale, [1 / 63, 1.0], rtol=1e-6)


@pytest.mark.parametrize("int8", [False, True])
def test_alignment_is_the_models_attention(int8: bool) -> None:
    model, graph = translator("lstm", int8=int8)
    source, target = ROWS[0], [9, 30, 12]
    ids = torch.tensor([[*source, END]])
    with torch.inference_mode():
        memory, bridge = model.encoder(ids, torch.tensor([ids.shape[1]]))
        queries, _ = unroll(
            model.decoder.cells[0],
            model.decoder.embedding(torch.tensor([[BEGIN, *target]])),
            model.decoder.first_states(bridge)[0],
        )
        _, weights = attend(queries, memory, 2)
    found, _ = at_once(graph.align(source, target))
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(found, weights[0].mean(dim=0).numpy(), atol=0.1 if int8 else 1e-4)


def test_int8_steps_do_not_feel_their_neighbours() -> None:
    _, graph = translator("lstm", int8=True)
    together, _ = graph.step(np.array([2, 2, 2]), encoded(graph, ROWS))
    for row, ids in enumerate(ROWS):
        alone, _ = graph.step(np.array([2]), encoded(graph, [ids]))
        np.testing.assert_array_equal(alone[0], together[row])
