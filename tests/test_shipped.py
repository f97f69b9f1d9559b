"""The checkpoints in this repository: whole, made by the configs beside the code, good at what anybody tries first."""

import pytest
from conftest import ROOT

from inference.checkpoint import open_checkpoint
from inference.predictors import SentimentPredictor, TranslationPredictor
from training.card import model_card
from training.config import load_config, run_from

SHIPPED = {
    "translation-en-vi": ("translation", "translation-on"),
    "translation-vi-en": ("translation", "translation-vi-en"),
    "sentiment-en": ("sentiment", "sentiment"),
}
"""Name -> task and config."""


@pytest.mark.parametrize("name", SHIPPED)
def test_a_checkpoint_is_what_its_config_makes(name: str) -> None:
    task, file = SHIPPED[name]
    config = load_config(ROOT / "training" / "configs" / f"{file}.toml")
    checkpoint = open_checkpoint(ROOT / "checkpoints" / name, task)
    assert run_from(checkpoint.config["training"]["run"]) == config
    assert checkpoint.read("MODEL_CARD.md").decode() == model_card(checkpoint.config, config.card)
    models = [file for file in checkpoint.hashes if file.endswith(".model")]
    assert models
    for file in models:
        assert checkpoint.read(file) == (ROOT / "tokenizers" / name / file).read_bytes()


@pytest.mark.parametrize(
    ("name", "metric", "loss"),
    [("translation-en-vi", "bleu", 0.3), ("translation-vi-en", "bleu", 0.3), ("sentiment-en", "accuracy", 0.3)],
)
def test_small_integers_cost_little(name: str, metric: str, loss: float) -> None:
    metrics = open_checkpoint(ROOT / "checkpoints" / name, SHIPPED[name][0]).config["metrics"]
    differences = [held["fp32"][metric] - held[metric] for held in metrics.values() if "fp32" in held]
    assert differences
    assert sum(differences) / len(differences) <= loss


def test_everyday_english_becomes_vietnamese() -> None:
    predictor = TranslationPredictor.load(ROOT / "checkpoints" / "translation-en-vi")
    expected = {
        "I love you.": {"Tôi yêu bạn.", "Anh yêu em.", "Em yêu anh.", "Tôi yêu anh.", "Tôi yêu em."},
        "Thank you very much.": {
            "Cảm ơn bạn rất nhiều.",
            "Cảm ơn rất nhiều.",
            "Cám ơn bạn rất nhiều.",
            "Cám ơn rất nhiều.",
        },
        "What is your name?": {
            "Tên bạn là gì?",
            "Bạn tên là gì?",
            "Tên của bạn là gì?",
            "Tên anh là gì?",
            "Anh tên gì?",
        },
    }
    for text, result in zip(expected, predictor.predict(list(expected)), strict=True):
        assert result.text in expected[text]
        assert not result.truncated


def test_praise_and_blame_are_told_apart() -> None:
    predictor = SentimentPredictor.load(ROOT / "checkpoints" / "sentiment-en")
    texts = {
        "A wonderful, moving film with a superb cast.": "positive",
        "I loved every minute of it and would gladly see it again.": "positive",
        "A dull, stupid film; I wanted my money back.": "negative",
        "The worst acting that I have seen in years, and a terrible script.": "negative",
    }
    assert [result.label for result in predictor.predict(list(texts))] == list(texts.values())
