"""Pages on their way through a model: what a translation has lost of their elements is asked for once more."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from inference.decoding import Array, State
from inference.engine import TranslationGraph, Work, at_once
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


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """For each sentence that is linked, the parts of it that are told apart."""
    counts: list[int] = []
    align = TranslationGraph.align

    def counted(
        graph: TranslationGraph, source: list[int], target: list[int], parts: list[list[int]]
    ) -> Work[tuple[Array, Array]]:
        attention, evidence = yield from align(graph, source, target, parts)
        assert attention.shape == (len(target) + 1, len(source) + 1)
        assert evidence.shape == (len(target) + 1, len(parts))
        counts.append(len(parts))
        return attention, evidence

    monkeypatch.setattr(TranslationGraph, "align", counted)
    return counts


def test_evidence_is_asked_for_where_elements_begin_and_end(predictor: TranslationPredictor, asked: list[int]) -> None:
    predictor.predict(["<b>Good night.</b> I love you.", "I love you.<br>Good night."], markup=True)
    assert asked == [0, 0]  # one of each block that has an element
    asked.clear()
    (found,) = predictor.predict(["I <b>love</b> you."], markup=True)
    assert (asked, found.text.count("<b>")) == ([3], 1)


def test_nothing_is_linked_where_there_are_no_tags(predictor: TranslationPredictor, asked: list[int]) -> None:
    found = predictor.predict(["<p>Good night.</p><p>I love you.</p>", "Good night."], markup=True)
    assert [each.text for each in found] == ["<p>Chúc ngủ ngon.</p><p>Tôi yêu bạn.</p>", "Chúc ngủ ngon."]
    assert asked == []
    (linked,) = predictor.predict(["Good night."], align=True)
    assert linked.alignment
    assert asked == [0]


def test_where_there_are_many_tags_attention_must_do(predictor: TranslationPredictor, asked: list[int]) -> None:
    text = " ".join(["I", *["<b>love</b>"] * 40, "you."])
    (found,) = predictor.predict([text], markup=True)
    assert found.text.count("<b>") == found.text.count("</b>") == 40
    assert asked
    assert set(asked) <= {0}


def test_a_step_is_short_whatever_the_tags(predictor: TranslationPredictor, monkeypatch: pytest.MonkeyPatch) -> None:
    """What else is under way waits for no more than a few rows, however many tags a text has."""
    rows: list[int] = []
    run = predictor.graph._run

    def counted(outputs: Sequence[str], tokens: Array, state: State) -> list[Array]:
        rows.append(len(tokens))
        return run(outputs, tokens, state)

    monkeypatch.setattr(predictor.graph, "_run", counted)
    encode = predictor.graph.encode
    encoded: list[int] = []
    monkeypatch.setattr(predictor.graph, "encode", lambda ids: encoded.append(len(ids)) or encode(ids))
    page = " ".join(f"<b>I</b> <i>love</i> you <u>{word}</u>." for word in ("so", "and", "then") * 4)
    job, pool, longest = predictor.job([page], markup=True), predictor.pool(), (0, 0)
    pool.add(job)
    steps = 0
    while pool.busy:
        pool.step()
        steps += 1
        longest = max(longest[0], sum(rows)), max(longest[1], len(encoded))
        rows.clear()
        encoded.clear()
    assert not job.error
    assert predictor.results(job)[0].text.count("<u>") == 12
    # Those that are decoded; and a piece of linking.
    assert longest[0] <= 16 + 2 * 16
    assert longest[1] <= 4 + 1
    assert steps > 12 * 4


def test_jobs_take_turns_in_linking(predictor: TranslationPredictor) -> None:
    """A short text does not wait for a long one's links."""
    pool = predictor.pool()
    long = predictor.job(["<b>Good</b> night. " * 40], markup=True)
    short = predictor.job(["<b>Good</b> night."], markup=True)
    pool.add(long)
    while not long.linking:
        pool.step()
    pool.add(short)
    ended: list[object] = []
    while not ended:
        ended = pool.step()
    assert ended == [short]
    assert long.linking
    pool.drop(long)
    assert not pool.busy
    assert pool.step() == []


def test_an_error_in_linking_is_its_jobs_own(predictor: TranslationPredictor, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(graph: TranslationGraph, *_: object) -> Work[tuple[Array, Array]]:
        yield
        raise RuntimeError("no memory")

    monkeypatch.setattr(TranslationGraph, "align", broken)
    pool = predictor.pool()
    marked, plain = predictor.job(["<b>Good</b> night."], markup=True), predictor.job(["Good night."])
    pool.add(marked)
    pool.add(plain)
    while pool.busy:
        pool.step()
    assert str(marked.error) == "no memory"
    assert predictor.results(plain)[0].text == "Chúc ngủ ngon."


def test_what_a_token_owes_to_a_part_is_what_it_loses_without_it(predictor: TranslationPredictor) -> None:
    (source,) = predictor.languages.source.encode(["I love you."])
    (target,) = predictor.languages.target.encode(["Tôi yêu bạn."])
    alone, nothing = at_once(predictor.graph.align(source, target))
    attention, found = at_once(predictor.graph.align(source, target, [[], range(len(source)), *([[0]] * 20)]))
    assert (found.shape[1], nothing.shape[1]) == (22, 0)
    np.testing.assert_array_equal(attention, alone)
    assert (found[:, 0] == 0).all()
    assert found[:, 1].max() > found[:, 2].max() > 0
    assert abs(found[:, 2:] - found[:, 2:3]).max() < 1e-4
