"""Metrics by hand."""

import numpy as np
import pytest

from training.metrics import expected_calibration_error, macro_f1, sentiment_metrics, translation_metrics


def test_translation_metrics_carry_their_signatures() -> None:
    metrics = translation_metrics(["the cat sat on the mat"], ["the cat sat on the mat"])
    assert metrics["bleu"] == 100.0
    assert metrics["chrf"] == 100.0
    assert metrics["bleu_signature"].startswith("nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:")
    # 5 of 6 unigrams, 3 of 5, 2 of 4 and 1 of 3 more: the geometric mean of the precisions, no brevity penalty.
    metrics = translation_metrics(["the cat sat in the mat"], ["the cat sat on the mat"])
    assert metrics["bleu"] == pytest.approx(100 * (5 / 6 * 3 / 5 * 1 / 4 * 1 / 6) ** 0.25, abs=0.01)


def test_calibration_error() -> None:
    confidence, right = np.array([0.95, 0.95, 0.55, 0.55]), np.array([1.0, 1.0, 1.0, 0.0])
    assert expected_calibration_error(confidence, right) == pytest.approx(0.5 * 0.05 + 0.5 * 0.05)
    assert expected_calibration_error(np.array([1.0, 1.0]), np.array([1.0, 1.0])) == 0


def test_macro_f1() -> None:
    predicted, true = np.array([0, 0, 2, 2]), np.array([0, 2, 2, 2])
    # 0: precision 1/2, recall 1; 1 is nowhere; 2: precision 1, recall 2/3
    assert macro_f1(predicted, true) == pytest.approx((2 / 3 + 4 / 5) / 2)


def test_bleu_counts_characters_where_there_are_no_blanks() -> None:
    one = translation_metrics(["我今天早上去了一家很大的商店"], ["我今天早上去了一家很小的商店"], "zh")
    assert one["bleu"] > 50
    assert "tok:zh" in one["bleu_signature"]
    assert "tok:13a" in translation_metrics(["a b"], ["a b"], "vi")["bleu_signature"]


def test_sentiment_metrics() -> None:
    scores = [{"bad": 0.9, "good": 0.1}, {"bad": 0.2, "good": 0.8}, {"bad": 0.6, "good": 0.4}]
    metrics = sentiment_metrics(scores, ["bad", "good", "good"])
    assert metrics["accuracy"] == pytest.approx(66.67)
    assert metrics["macro_f1"] == pytest.approx(66.67)
    assert metrics["ece"] == pytest.approx(100 * (0.1 + 0.2 + 0.6) / 3, abs=0.01)
    assert metrics["outside"] == 0
    assert metrics["accuracy_at_90"] == pytest.approx(66.67)


def test_the_interval_is_the_binomials() -> None:
    rng = np.random.default_rng(0)
    truth = ["good"] * 1000
    scores = [{"bad": 1 - p, "good": p} for p in np.where(rng.random(1000) < 0.8, 0.9, 0.4)]
    metrics = sentiment_metrics(scores, ["bad", *truth[1:]])
    share = metrics["accuracy"] / 100
    assert metrics["accuracy_pm"] == pytest.approx(196 * (share * (1 - share) / 1000) ** 0.5, rel=0.1)
    # The surest nine tenths are all that are sure, and some of the others.
    assert metrics["accuracy_at_90"] == pytest.approx(100 * share / 0.9, abs=0.2)


def test_a_set_without_a_label_is_scored_on_those_that_it_has() -> None:
    scores = [{"bad": 0.3, "so-so": 0.5, "good": 0.2}, {"bad": 0.2, "so-so": 0.2, "good": 0.6}]
    metrics = sentiment_metrics(scores, ["bad", "good"])
    assert (metrics["accuracy"], metrics["macro_f1"], metrics["outside"]) == (100, 100, 50)
    assert metrics["ece"] == pytest.approx(100 * (0.4 + 0.25) / 2, abs=0.01)
