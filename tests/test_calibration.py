"""Temperatures of data whose temperature is known, and the plot."""

import numpy as np
import pytest

from training.calibration import reliability_plot, temperature, temperatures


def drawn(heat: float, count: int = 20_000) -> tuple[np.ndarray, np.ndarray]:
    """Logits, and labels drawn from softmax(logits / heat)."""
    rng = np.random.default_rng(1)
    logits = rng.normal(size=(count, 3)) * 2
    shares = np.exp(logits / heat)
    shares /= shares.sum(axis=1, keepdims=True)
    labels = (rng.random((count, 1)) > shares.cumsum(axis=1)).sum(axis=1)
    return logits, labels


@pytest.mark.parametrize("heat", [0.5, 1.0, 2.5])
def test_the_temperature_that_drew_the_labels_is_found(heat: float) -> None:
    assert temperature(*drawn(heat)) == pytest.approx(heat, rel=0.04)


def test_a_few_texts_that_are_all_right_prove_no_certainty() -> None:
    logits = np.zeros((100, 3))
    logits[:, 1] = 3.0
    found = temperature(logits, np.ones(100, dtype=int))
    assert 0.4 < found < 1
    assert found < temperature(logits[:20], np.ones(20, dtype=int)) < 1


def test_classes_that_cannot_be_count_nothing() -> None:
    logits, labels = drawn(2.0)
    wide = np.concatenate([logits, np.full((len(logits), 1), -np.inf)], axis=1)
    assert temperature(wide, labels) == pytest.approx(temperature(logits, labels))


def test_a_language_has_its_own_and_few_texts_have_none() -> None:
    (hot, warm), (cold, cool) = drawn(2.0, 4000), drawn(0.5, 4000)
    languages = ["en"] * 4000 + ["vi"] * 4000 + ["xx"] * 3
    found = temperatures(np.concatenate([hot, cold, hot[:3]]), np.concatenate([warm, cool, warm[:3]]), languages)
    assert found.keys() == {"en", "vi"}
    assert found["en"] == pytest.approx(2, rel=0.1)
    assert found["vi"] == pytest.approx(0.5, rel=0.1)


def test_the_plot_is_a_picture() -> None:
    assert reliability_plot({"a": (np.array([0.5, 0.9, 1.0]), np.array([0.0, 1.0, 1.0]))}).startswith(b"\x89PNG")
