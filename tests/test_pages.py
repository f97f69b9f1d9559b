"""Pages on their way through a model: what a translation has lost of their elements is asked for once more."""

from pathlib import Path

import pytest

from inference.engine import TranslationGraph
from inference.placing import Element, Placing
from inference.predictors import TranslationPredictor


@pytest.fixture(scope="module")
def predictor(toys: Path) -> TranslationPredictor:
    return TranslationPredictor.load(toys / "checkpoints" / "tiny-translation")


def test_what_was_lost_is_translated_by_itself(
    predictor: TranslationPredictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(_: Placing, elements: list[Element]) -> list[Element]:
        return [element for element in elements if element.opening == "<b>"]

    monkeypatch.setattr(Placing, "lost", lost)
    # What the toy translates is hardly ever surer than at first.
    monkeypatch.setattr("inference.pages._LEAST", 0)
    texts = [
        "<p>Good night, <b>Anna</b>.</p><i>I love you.</i>",
        "<p><u>x</u> <b><i>Good night.</i></b></p>",
        "<b></b>",
    ]
    first, second, third = predictor.predict(texts, markup=True)
    # A word by itself stays: nobody knows what it means there.
    assert first.text.count("<b>Anna</b>") == 1
    assert first.text.endswith("</p><i>Tôi yêu bạn.</i>")
    assert "<b><i>Chúc ngủ ngon.</i></b>" in second.text
    assert third.text == "<b></b>"


def test_nothing_is_asked_again_where_nothing_is_lost(predictor: TranslationPredictor) -> None:
    job = predictor.job(["<b>Good night.</b>"], markup=True)
    pool = predictor.pool()
    pool.add(job)
    while pool.busy:
        pool.step()
    assert len(job._documents) == 1
    assert [found.text for found in predictor.results(job)] == ["<b>Chúc ngủ ngon.</b>"]


def test_evidence_is_asked_for_where_elements_begin_and_end(
    predictor: TranslationPredictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    evidence = TranslationGraph.evidence

    def counted(graph: TranslationGraph, source: list[int], target: list[int], parts: list[list[int]]) -> object:
        found = evidence(graph, source, target, parts)
        assert found.shape == (len(target) + 1, len(parts))
        asked.append(len(parts))
        return found

    monkeypatch.setattr(TranslationGraph, "evidence", counted)
    predictor.predict(["<b>Good night.</b> I love you.", "I love you.<br>Good night."], markup=True)
    assert asked == []
    (found,) = predictor.predict(["I <b>love</b> you."], markup=True)
    assert (asked, found.text.count("<b>")) == ([3], 1)


def test_what_a_token_owes_to_a_part_is_what_it_loses_without_it(predictor: TranslationPredictor) -> None:
    (source,) = predictor.languages.source.encode(["I love you."])
    (target,) = predictor.languages.target.encode(["Tôi yêu bạn."])
    found = predictor.graph.evidence(source, target, [[], range(len(source)), *([[0]] * 20)])
    assert found.shape[1] == 22
    assert (found[:, 0] == 0).all()
    assert found[:, 1].max() > found[:, 2].max() > 0
    assert abs(found[:, 2:] - found[:, 2:3]).max() < 1e-4
