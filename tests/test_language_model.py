"""Pretraining: no direction sees what it predicts, a sample estimates the whole vocabulary, `fit` begins there."""

from pathlib import Path

import pytest
import torch
from conftest import ROOT, run_training
from safetensors.torch import load_file
from torch.nn import functional as F

from training.classifier import ClassifierConfig, SentimentClassifier
from training.language_model import LanguageModel, pieces

VOCABULARY = 400


def model(**shape: int | bool) -> LanguageModel:
    torch.manual_seed(0)
    config = ClassifierConfig(**{"embedding": 8, "hidden": 6, "dropout": 0.0, "word_dropout": 0.0, **shape})  # type: ignore[arg-type]
    return LanguageModel(SentimentClassifier(config, VOCABULARY, 2), candidates=16)


@pytest.mark.parametrize("bidirectional", [True, False])
def test_no_direction_sees_what_it_predicts(bidirectional: bool) -> None:
    language_model = model(bidirectional=bidirectional)
    ids, lengths = torch.randint(4, VOCABULARY, (2, 7)), torch.tensor([7, 5])
    before = language_model(ids, lengths)
    assert len(before) == 1 + bidirectional
    for side, (readouts, wanted) in enumerate(before):
        # The last token of each row is its end, which is not predicted; forward, nor is the first.
        rows = [ids[0, 1 - side : 6], ids[1, 1 - side : 4]]
        assert wanted.tolist() == torch.cat(rows).tolist()
        assert readouts.shape == (len(wanted), 8)
        for t in range(7):
            changed = ids.clone()
            changed[0, t] = 4 + (ids[0, t] - 3) % (VOCABULARY - 4)
            position = t - 1 if side == 0 else t  # of the prediction of token t in the first row
            if 0 <= position < len(rows[0]):
                torch.testing.assert_close(language_model(changed, lengths)[side][0][position], readouts[position])


def test_a_sample_of_the_vocabulary_estimates_the_whole() -> None:
    language_model = model()
    language_model.candidates = 200_000
    with torch.no_grad():
        language_model.bias.normal_()
        readout, wanted = torch.randn(50, 8), torch.randint(0, VOCABULARY, (50,))
        exact = F.cross_entropy(
            F.linear(readout, language_model.embedding.weight, language_model.bias), wanted, reduction="sum"
        )
        torch.testing.assert_close(language_model.sampled_loss(readout, wanted), exact, rtol=0.01, atol=0)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a b c d e f g", ["a b", "c d", "e f g"]),
        ("a b c", ["a b c"]),
        ("", [""]),
    ],
)
def test_pieces(text: str, expected: list[str]) -> None:
    assert pieces(text, 3) == expected


def test_a_second_layer_is_refused() -> None:
    with pytest.raises(ValueError, match="layers is 2: pretraining needs 1"):
        model(layers=2)


def test_fit_begins_with_what_was_pretrained(tmp_path: Path) -> None:
    tiny = ROOT / "training" / "configs" / "tiny"
    text = (ROOT / "training/configs/tiny-sentiment.toml").read_text(encoding="utf-8")
    text = text.replace('root = "tiny"', f'root = "{tiny}"').replace("updates = 60", "updates = 1")
    text = text.replace("hidden = 32", "hidden = 32\nlayers = 2")
    text = text.replace("warmup = ", "warmup = 1 # ").replace("rate = ", "rate = 1e-9 # ")
    text += '[pretrain]\ntrain = [{ table = "sentiment.tsv" }]\n[pretrain.fit]\nupdates = 40\nwarmup = 5\nrate = 1e-2\n'
    path = tmp_path / "run.toml"
    path.write_text(text, encoding="utf-8")
    assert run_training("subwords", path, tmp_path).returncode == 0
    early = run_training("fit", path, tmp_path)
    assert early.returncode == 2
    assert "run `python -m training pretrain CONFIG` first" in early.stderr
    done = run_training("run", path, tmp_path)
    assert done.returncode == 0, done.stderr
    run = tmp_path / "runs" / "tiny-sentiment"
    pretrained, fitted = load_file(run / "pretrain" / "best.safetensors"), load_file(run / "best.safetensors")
    for name in ("embedding.weight", "layers.cells.0.weight_hh"):
        torch.testing.assert_close(fitted[name], pretrained[name], atol=1e-6, rtol=0)
    losses = [line for line in (run / "pretrain" / "history.jsonl").read_text().splitlines() if "dev_loss" in line]
    assert losses
