"""The translator and the classifier in torch: shapes, masks, and the one step against the whole."""

import pytest
import torch

from inference.tokenizer import BEGIN, PAD, UNKNOWN
from training.cells import CELLS
from training.classifier import ClassifierConfig, SentimentClassifier, pool
from training.embedding import Embedding
from training.seq2seq import Memory, Seq2Seq, Seq2SeqConfig, attend

SOURCE = torch.tensor([[7, 8, 9, 3], [5, 3, PAD, PAD]])
LENGTHS = torch.tensor([4, 2])
TARGET = torch.tensor([[BEGIN, 6, 7, 8], [BEGIN, 9, PAD, PAD]])


def translator(cell: str = "lstm", *, bidirectional: bool = True) -> Seq2Seq:
    torch.manual_seed(0)
    config = Seq2SeqConfig(cell=cell, embedding=6, hidden=8, bidirectional=bidirectional, heads=2)
    return Seq2Seq(config, 12, 15).eval()


@pytest.mark.parametrize("cell", CELLS)
def test_steps_are_the_teacher_forced_run(cell: str) -> None:
    model = translator(cell)
    with torch.inference_mode():
        logits = model.decoder.logits(model(SOURCE, LENGTHS, TARGET))
        assert logits.shape == (2, 4, 15)
        state = model.encode(SOURCE, LENGTHS)
        for t in range(4):
            log_probs, state = model.step(TARGET[:, t], state)
            torch.testing.assert_close(log_probs, logits[:, t].log_softmax(-1), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("bidirectional", [True, False])
def test_padding_of_the_source_changes_nothing(bidirectional: bool) -> None:
    model = translator(bidirectional=bidirectional)
    with torch.inference_mode():
        expected = model(SOURCE, LENGTHS, TARGET)
        other = SOURCE.clone()
        other[1, 2:] = 11
        assert torch.equal(model(other, LENGTHS, TARGET), expected)
        alone = model(SOURCE[1:, :2], LENGTHS[1:], TARGET[1:])
        torch.testing.assert_close(alone[0], expected[1], atol=1e-6, rtol=1e-5)


def test_the_future_of_the_target_changes_nothing() -> None:
    model = translator()
    with torch.inference_mode():
        expected = model(SOURCE, LENGTHS, TARGET)
        other = TARGET.clone()
        other[:, 3] = 14
        actual = model(SOURCE, LENGTHS, other)
    assert torch.equal(actual[:, :3], expected[:, :3])
    assert not torch.equal(actual[:, 3], expected[:, 3])


def test_attention_by_hand() -> None:
    """One head of width 1: scores q * k, so weights e^k / sum."""
    keys = torch.tensor([[[0.0], [torch.log(torch.tensor(3.0))], [50.0]]])
    values = torch.tensor([[[1.0], [5.0], [1000.0]]])
    memory = Memory(keys, values, torch.tensor([[True, True, False]]))
    context, weights = attend(torch.ones(1, 1, 1), memory, heads=1)
    torch.testing.assert_close(weights[0, 0, 0], torch.tensor([0.25, 0.75, 0.0]))
    torch.testing.assert_close(context, torch.tensor([[[4.0]]]))


def test_attention_heads_see_their_own_part() -> None:
    torch.manual_seed(0)
    q, k, v = torch.randn(2, 3, 8), torch.randn(2, 5, 8), torch.randn(2, 5, 8)
    seen = torch.ones(2, 5, dtype=torch.bool)
    context, weights = attend(q, Memory(k, v, seen), heads=2)
    assert weights.shape == (2, 2, 3, 5)
    torch.testing.assert_close(weights.sum(-1), torch.ones(2, 2, 3))
    half, _ = attend(q[..., 4:], Memory(k[..., 4:], v[..., 4:], seen), heads=1)
    torch.testing.assert_close(context[..., 4:], half)


def test_output_weights_are_the_embeddings() -> None:
    model = translator()
    names = {name for name, _ in model.named_parameters()}
    assert {n for n in names if "output" in n} == {"decoder.output_bias"}
    readout = torch.randn(3, 6)
    torch.testing.assert_close(
        model.decoder.logits(readout), readout @ model.decoder.embedding.weight.T + model.decoder.output_bias
    )


def test_word_dropout_spares_padding() -> None:
    torch.manual_seed(0)
    embedding = Embedding(12, 4, dropout=0.0, word_dropout=0.5)
    ids = torch.tensor([[5] * 50 + [PAD] * 50])
    rows = embedding(ids)[0]
    unknown = (rows == embedding.weight[UNKNOWN] * 2.0).all(-1)
    assert 10 < unknown[:50].sum() < 40
    assert not unknown[50:].any()
    assert not (embedding.eval()(ids)[0] == embedding.weight[UNKNOWN] * 2.0).all(-1).any()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"cell": "gruu"}, "cell is 'gruu'"),
        ({"hidden": 10, "heads": 4}, "hidden is 10"),
        ({"decoder_layers": 1}, "decoder_layers is 1"),
        ({"word_dropout": 1.0}, r"word_dropout is 1\.0"),
    ],
)
def test_config_names_the_value(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Seq2SeqConfig(**change)  # type: ignore[arg-type]


def test_pool_by_hand() -> None:
    x = torch.tensor([[[1.0, -2.0], [3.0, -4.0], [99.0, 99.0]]])
    assert pool(x, torch.tensor([2])).tolist() == [[3.0, -2.0, 2.0, -3.0]]


def randomly_wide(model: SentimentClassifier) -> SentimentClassifier:
    """The model with a wide part that says something: it begins with zeros."""
    assert model.wide
    torch.nn.init.normal_(model.wide.weight)
    return model


def test_wide_part_by_hand() -> None:
    """Of the text "5 3": its subwords, and the pairs of begin and 5, of 5 and 3."""
    model = randomly_wide(SentimentClassifier(ClassifierConfig(embedding=6, hidden=5, wide=30), 12, 3)).eval()
    assert model.wide
    weight = model.wide.weight
    pairs = [12 + (before * 15_485_863 + token) % 30 for before, token in ((BEGIN, 5), (5, 3))]
    expected = (weight[5] + weight[3] + weight[pairs[0]] + weight[pairs[1]]) * 5 / 2
    deep, wide = model.parts(torch.tensor([[5, 3]]), torch.tensor([2]))
    torch.testing.assert_close(wide[0], expected)
    torch.testing.assert_close(model(torch.tensor([[5, 3]]), torch.tensor([2])), deep + wide)


@pytest.mark.parametrize("cell", CELLS)
def test_classifier_ignores_padding(cell: str) -> None:
    torch.manual_seed(0)
    config = ClassifierConfig(cell=cell, embedding=6, hidden=5, layers=2, wide=30)
    model = randomly_wide(SentimentClassifier(config, 12, 3).eval())
    logits = model(SOURCE, LENGTHS)
    assert logits.shape == (2, 3)
    other = SOURCE.clone()
    other[1, 2:] = 11
    assert torch.equal(model(other, LENGTHS), logits)
    torch.testing.assert_close(model(SOURCE[1:, :2], LENGTHS[1:])[0], logits[1], atol=1e-6, rtol=1e-5)
