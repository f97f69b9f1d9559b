"""Jobs and pools on a translator whose answers are known: who joins, who leaves, and who is not harmed."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import cast

import numpy as np
import pytest
from copying import as_graph, copying

from inference.alignment import Link
from inference.decoding import Array, Hypothesis
from inference.engine import SentimentGraph
from inference.jobs import SentimentJob, TranslationJob
from inference.pools import SentimentPool, TranslationPool
from inference.sentences import Output, Sentence
from inference.spans import NO_TERMS, Terms, mark
from inference.tokenizer import END

TEXTS = ["One. Two is longer.\n\n Three", "", "SHOUTED HERE", "See https://a.example/x now.", " 12 "]


def run(pool: TranslationPool, jobs: Sequence[TranslationJob]) -> list[TranslationJob]:
    """Run jobs to their end; returns them in the order in which they ended."""
    for job in jobs:
        pool.add(job)
    ended = []
    while pool.busy:
        ended += pool.step()
    return ended


@pytest.mark.parametrize("rows", [1, 3, 16])
@pytest.mark.parametrize("beam_size", [1, 3])
def test_texts_come_back_whole(rows: int, beam_size: int) -> None:
    languages, graph = copying()
    jobs = [TranslationJob(languages, TEXTS, beam_size, 0), TranslationJob(languages, TEXTS[::-1], beam_size, 0)]
    run(TranslationPool(as_graph(graph), rows, 1000), jobs)
    assert [texts for texts, *_ in jobs[0].result()] == [[text] for text in TEXTS]
    assert [cut for _, cut, *_ in jobs[1].result()] == [False] * 5
    assert max(graph.rows) <= max(rows, beam_size)


def test_a_short_job_does_not_wait_for_a_long_one() -> None:
    languages, graph = copying()
    long = TranslationJob(languages, ["\n".join(["A line of some length"] * 40)], 1, 0)
    short = TranslationJob(languages, ["He is at it"], 1, 0)
    pool = TranslationPool(as_graph(graph), 4, 1000)
    pool.add(long)
    for _ in range(30):
        assert pool.step() == []
    pool.add(short)
    while not short.finished:
        pool.step()
    # It joined as soon as one of the four rows was free, and has eleven characters and an end.
    assert len(graph.rows) == 2 * len("A line of some length.") + len("He is at it.")
    assert run(pool, []) == [long]


def test_a_newcomer_finds_its_reserve_free() -> None:
    languages, graph = copying()
    long = TranslationJob(languages, ["\n".join(["A line of some length"] * 40)], 1, 0)
    short = TranslationJob(languages, ["Hi\nYou\nMe"], 1, 0)
    pool = TranslationPool(as_graph(graph), 4, 1000, reserve=1)
    pool.add(long)
    for _ in range(10):
        pool.step()
    assert graph.rows[-1] == 3
    pool.add(short)
    while not short.finished:
        pool.step()
    # Its first line joined at once; the others, when one of the three rows was free.
    assert graph.rows[10] == 4
    assert len(graph.rows) < 2 * len("A line of some length.") + 8


def test_jobs_take_turns() -> None:
    languages, graph = copying()
    first, second = (TranslationJob(languages, ["aaa\n" * 4], 1, 0) for _ in range(2))
    ended = run(TranslationPool(as_graph(graph), 2, 1000), [first, second])
    assert ended == [first, second]
    # Were the first served before the second, they would end 8 steps apart.
    assert len(graph.rows) == 4 * 4


def test_padded_tokens_are_bounded() -> None:
    languages, graph = copying()
    jobs = [TranslationJob(languages, ["x" * 20], 1, 0) for _ in range(8)]
    run(TranslationPool(as_graph(graph), 8, 50), jobs)
    assert max(graph.rows) == 2
    run(TranslationPool(as_graph(graph), 8, 5), [TranslationJob(languages, ["x" * 20], 1, 0)])


@pytest.mark.parametrize(("bad", "message"), [("no| please", "no | here"), ("one = two", "NaN")])
def test_what_one_job_meets_with_harms_no_other(bad: str, message: str) -> None:
    languages, graph = copying()
    good = [TranslationJob(languages, ["Good day.\nGood night."], 1, 0) for _ in range(3)]
    broken = TranslationJob(languages, ["before\n" + bad + "\nbehind"], 1, 0)
    pool = TranslationPool(as_graph(graph), 4, 1000)
    run(pool, [good[0], broken, *good[1:]])
    assert message in str(broken.error)
    for job in good:
        assert job.error is None
        assert [result[:3] for result in job.result()] == [(["Good day.\nGood night."], False, [])]
    assert not pool.busy


def test_a_fault_in_what_follows_a_search_is_its_jobs_own(monkeypatch: pytest.MonkeyPatch) -> None:
    languages, graph = copying()
    broken, good = (TranslationJob(languages, ["text"], 1, 0) for _ in range(2))
    monkeypatch.setattr(broken, "end", lambda *_: 1 / 0)
    assert run(TranslationPool(as_graph(graph), 4, 1000), [broken, good]) == [broken, good]
    assert isinstance(broken.error, ZeroDivisionError)
    assert good.result()[0].texts == ["text"]


def test_a_step_that_fails_ends_who_took_part_and_the_pool_goes_on() -> None:
    languages, graph = copying()
    pool = TranslationPool(as_graph(graph), 1, 1000)
    first, second = (TranslationJob(languages, ["text"], 1, 0) for _ in range(2))
    pool.add(first)
    pool.step()
    pool.add(second)
    graph.broken = True
    assert pool.step() == [first]
    assert str(first.error) == "broken"
    graph.broken = False
    assert run(pool, []) == [second]
    assert second.error is None


def test_a_dropped_job_leaves_at_once() -> None:
    languages, graph = copying()
    stays, leaves = (TranslationJob(languages, ["some words\nmore words"], 2, 0) for _ in range(2))
    pool = TranslationPool(as_graph(graph), 16, 1000)
    pool.add(stays)
    pool.add(leaves)
    pool.step()
    pool.step()
    pool.drop(leaves)
    assert run(pool, []) == [stays]
    assert stays.result()[0].texts == ["some words\nmore words"]
    assert max(graph.rows[2:]) == 4


def test_the_checkpoints_beam_unless_another_is_asked_for_and_a_wide_one_for_alternatives() -> None:
    languages, _ = copying(beam_size=2, relative_threshold=0.5)

    def beams(beam_size: int | None, alternatives: int = 0) -> tuple[int, bool]:
        job = TranslationJob(languages, ["Some words"], beam_size, alternatives)
        (sentence,) = job.waiting
        assert job.cost == len(sentence.ids) * sentence.beam_size
        return sentence.beam_size, sentence.wide

    assert beams(None) == (2, False)
    assert beams(1) == (1, False)
    assert beams(4) == (4, False)
    assert beams(None, alternatives=2) == (3, True)
    assert beams(4, alternatives=2) == (4, True)


def test_what_a_beam_that_gives_hypotheses_up_leaves_odd_is_searched_again_without() -> None:
    languages, graph = copying(relative_threshold=0.5, retry_beam_size=3)
    pool = TranslationPool(as_graph(graph), 100, 10**6)
    job = TranslationJob(languages, ["Some words"], 4, 0)
    (sentence,) = job.waiting
    searched: list[tuple[int, bool]] = []
    begin = job.begin
    job.begin = lambda: searched.append((sentence.beam_size, sentence.wide)) or begin()  # type: ignore
    sentence.is_odd = lambda _: True  # type: ignore
    run(pool, [job])
    assert searched == [(4, False), (4, True)]


def test_what_greedy_leaves_unfinished_is_searched_again_and_then_taken_apart() -> None:
    languages, _ = copying(retry_beam_size=3)
    job = TranslationJob(languages, ["See a.txt and b.txt now"], 1, 0)
    sentence, _ = job.begin()
    assert sentence.marked.text == "See {0} and {1} now"
    ids = languages.target.encode

    def found(text: str, finished: bool = True) -> Hypothesis:
        return Hypothesis(tuple(ids([text])[0]), -1.0, finished)

    job.end(sentence, [found("See {0} and {0}")])
    assert (sentence.beam_size, job.waiting[0]) == (3, sentence)
    job.begin()
    job.end(sentence, [found("See {0}"), found("{1} {0} see", False), found("{0} {1}", False)])
    assert job.finished
    assert job.result() == [(["b.txt a.txt see"], True, [], pytest.approx(math.exp(-1 / 11)))]  # "{1} {0} see"

    job = TranslationJob(languages, ["See a.txt and b.txt now"], 3, 0)
    sentence, _ = job.begin()
    job.end(sentence, [found("See")])
    for word in ("See", "and", "now"):
        part, _ = job.begin()
        assert part.marked.text == word
        job.end(part, [found(word.upper())])
    assert job.result() == [(["SEE a.txt AND b.txt NOW"], False, [], pytest.approx(math.exp(-3 / (3 * 4))))]


def test_what_is_odd_is_searched_again_and_taken_only_where_there_is_nothing_else() -> None:
    languages, _ = copying(retry_beam_size=3)
    source, good, short, loop = "He went home and slept.", "he went, he slept.", "he slept.", "he he he he he went."

    def after(*rounds: Sequence[str], text: str = source) -> tuple[bool, list[str]]:
        job = TranslationJob(languages, [text], 1, 0)
        for said in rounds:
            sentence, _ = job.begin()
            job.end(sentence, [Hypothesis(tuple(languages.target.encode([each])[0]), -1.0, True) for each in said])
        return job.finished, job.result()[0].texts

    assert after([good]) == (True, [good.capitalize()])
    assert after([short])[0] is False
    assert after([short], [short, loop, good]) == (True, [good.capitalize()])
    assert after([loop], [loop, short]) == (True, [loop.capitalize()])
    assert after(["no"], text="He slept.") == (True, ["No."])
    assert after(["he"], text="Misunderstandings happen.") == (True, ["He."])


def test_pieces_between_spans_are_translated_without_the_marks_around_them() -> None:
    languages, _ = copying(retry_beam_size=1)
    text = "The bank at www.a.org/x, (or visit `b c`): e.g. go, x, {d}!"
    job = TranslationJob(languages, [text], 1, 0, align=True, terms=Terms({"bank": "nhà băng"}))

    def end(said: str) -> None:
        sentence, _ = job.begin()
        job.end(sentence, [Hypothesis(tuple(languages.target.encode([said])[0]), -1.0, True)])
        sentence.links = [Link(word, word, 1.0) for word in sentence.marked.words(said)]

    end("lost")
    pieces = {"The": "A", "at": "Tai", "or visit": "Hoac tham", "e.g. go, x": "VD Di"}
    while job.waiting:
        end(pieces.pop(job.waiting[0].marked.text))
    assert not pieces
    result = job.result()[0]
    assert result.texts == ["A nhà băng tai www.a.org/x, (hoac tham `b c`): VD Di, {d}!"]
    # Links are of whole words, and there are such of what stands between the pieces.
    linked = [(text[slice(*link.source)], result.texts[0][slice(*link.target)]) for link in result.links]
    assert linked[:3] == [("The", "A"), ("bank", "nhà"), ("at", "tai")]
    assert linked[-1] == ("{d}!", "{d}!")
    assert ("www.a.org/x,", "www.a.org/x,") in linked
    assert ("(or", "(hoac") in linked


def test_names_and_numbers_are_spelt_as_in_the_source_and_linked_so() -> None:
    languages, graph = copying(retry_beam_size=1)
    text = "Giuseppe has 150,000 followers"
    job = TranslationJob(replace(languages, source_language="en", target_language="vi"), [text], 1, 0, align=True)
    sentence, _ = job.begin()
    (ids,) = languages.target.encode(["Giusppe co 15.000 nguoi"])
    job.end(sentence, [Hypothesis(tuple(ids), -1.0, True)])
    while job.linking:
        job.advance(as_graph(graph))
    result = job.result()[0]
    assert result.texts == ["Giuseppe co 150.000 nguoi"]
    linked = [result.texts[0][slice(*link.target)] for link in result.links]
    assert list(dict.fromkeys(linked)) == result.texts[0].split()


def test_an_abbreviation_becomes_no_small_word() -> None:
    languages, _ = copying(retry_beam_size=3)

    def after(text: str, *said: str) -> str:
        job = TranslationJob(languages, [text], 3, 0, align=True)
        sentence, _ = job.begin()
        job.end(sentence, [Hypothesis(tuple(languages.target.encode([each])[0]), -1.0, True) for each in said])
        assert not job.waiting
        return job.result()[0].texts[0]

    assert after("UI:", "O", "Or:", "UI:") == "UI:"
    assert after("ECE", "O", "Or") == "ECE"
    assert after("USA", "Hoa Ky", "USA") == "Hoa Ky"
    assert after("oh", "O") == "O"


@pytest.mark.parametrize(
    ("text", "said", "expected"),
    [
        ("Milk", {"Milk": ("Mik", -3.0), "milk": ("sua", -1.0)}, "Sua"),
        ("Rome", {"Rome": ("Roma", -1.0), "rome": ("rum", -3.0)}, "Roma"),
        ("NATO", {"NATO": ("Nato", -1.0)}, "Nato"),
        (
            "GO IN",
            {"GO IN": ("Goin", -3.0), "go in": ("vao", -1.0), "Go in": ("Di", -2.0), "Go In": ("O", -3.0)},
            "VAO",
        ),
        ("Sign In", {"Sign In": ("Ky", -2.0), "sign in": ("dau", -3.0), "Sign in": ("vao", -1.0)}, "Vao"),
        ("milk", {"milk": ("sua", -1.0)}, "sua"),
        ("Look at the milk", {"Look at the milk": ("nhin vao sua", -1.0)}, "Nhin vao sua"),
    ],
)
def test_a_short_text_is_read_in_all_letters(text: str, said: dict[str, tuple[str, float]], expected: str) -> None:
    languages, _ = copying()
    job = TranslationJob(languages, [text], 1, 0)
    left = dict(said)
    while not job.finished:
        sentence, _ = job.begin()
        (ids,), read = languages.source.encode([sentence.reading.text]), sentence.reading.text
        assert sentence.ids == ids
        translation, log_prob = left.pop(read)
        tokens = tuple(languages.target.encode([translation])[0])
        job.end(sentence, [Hypothesis(tokens, log_prob * (len(tokens) + 1), True)])
    assert not left
    assert job.result()[0].texts == [expected]
    assert job.result()[0].score == pytest.approx(math.exp(max(log_prob for _, log_prob in said.values())))


def test_what_bytes_do_not_make_whole_is_searched_again(monkeypatch: pytest.MonkeyPatch) -> None:
    languages, _ = copying(retry_beam_size=3)
    broken, good = (tuple(languages.target.encode([each])[0]) for each in ("He went h me", "he went home"))
    monkeypatch.setattr(languages.target, "is_whole", lambda ids: ids != broken)
    job = TranslationJob(languages, ["He went home"], 1, 0)
    job.end(job.begin()[0], [Hypothesis(broken, -1.0, True)])
    assert not job.finished
    job.end(job.begin()[0], [Hypothesis(broken, -1.0, True), Hypothesis(good, -2.0, True)])
    assert job.result()[0].texts == ["He went home"]


def test_list_marks_tabs_and_what_has_no_word_are_not_the_models() -> None:
    languages, graph = copying()
    text = "a) Open\tit\n> b. Shut\n12 kg\nOk"
    job = TranslationJob(languages, [text], 1, 0, align=True)
    assert sorted(sentence.marked.text for sentence in job.waiting) == ["Open", "Shut", "it"]
    run(TranslationPool(as_graph(graph), 8, 1000), [job])
    result = job.result()[0]
    assert result.texts == [text]
    assert [text[slice(*link.source)] for link in result.links] == text.split()


def test_full_width_letters_are_read_as_others_are() -> None:
    languages, graph = copying()
    job = TranslationJob(languages, ["Ｓｅｅ ５ ﬁsh，ok？ 東京（日本）", "５ ＋ ３"], 1, 0)
    run(TranslationPool(as_graph(graph), 8, 1000), [job])
    assert [texts for texts, *_ in job.result()] == [["See 5 fish,ok? 東京（日本）"], ["５ ＋ ３"]]


def test_terms_and_numbers_are_linked_where_they_stood() -> None:
    languages, graph = copying()
    text = "The bank has 1,234,567.5 boats"
    job = TranslationJob(languages, [text], 1, 0, align=True, terms=Terms({"bank": "nhàbăngnhànước"}))
    run(TranslationPool(as_graph(graph), 8, 1000), [job])
    result = job.result()[0]
    assert [text[slice(*link.source)] for link in result.links] == text.split()
    assert [result.texts[0][slice(*link.target)] for link in result.links] == result.texts[0].split()


@pytest.mark.parametrize(
    ("source", "said", "separator", "expected"),
    [
        ("Tom and Ann", "Tom và Ann.", ", ", "Tom và Ann"),
        ("Tom and Ann", "Tom và Ann,", "; ", "Tom và Ann"),
        ("Tom and Ann", "Tom và Ann.", " ", "Tom và Ann."),
        ("Tom and Ann", "Tom và Ann.", "", "Tom và Ann."),
        ("in the U.S.", "ở Mỹ.", ", ", "ở Mỹ."),
        ("and so on", "v.v.", ", ", "v.v."),
        ("Tom and", "Tom và...", ", ", "Tom và"),
        ("Tom", ".", ", ", "."),
    ],
)
def test_a_comma_behind_a_piece_takes_the_place_of_its_full_stop(
    source: str, said: str, separator: str, expected: str
) -> None:
    sentence = Sentence(mark(source, "vi", NO_TERMS))
    sentence.output = Output((said, said), True)
    sentence.end_before(separator)
    assert sentence.output == Output((expected, expected), True)


def test_pieces_of_a_list_are_joined_by_its_own_marks(monkeypatch: pytest.MonkeyPatch) -> None:
    languages, graph = copying()
    decode = languages.target.decode
    monkeypatch.setattr(languages.target, "decode", lambda rows: [text.rstrip(".") + "." for text in decode(rows)])
    job = TranslationJob(languages, ["We saw a cat, a dog; some cows, a horse, some pigs; and a hen."], 1, 0)
    run(TranslationPool(as_graph(graph), 8, 1000), [job])
    assert job.result()[0].texts == ["We saw a cat, a dog; some cows, a horse, some pigs; and a hen."]


def test_marks_that_a_model_makes_up_go() -> None:
    """Before they did, such a sentence was searched for again without end."""
    languages, _ = copying(retry_beam_size=3)
    for said, expected in (("See {0} now", "See now"), ("{1}", "Look at it now")):
        job = TranslationJob(languages, ["Look at it now"], 3, 0)
        sentence, _ = job.begin()
        job.end(sentence, [Hypothesis(tuple(languages.target.encode([said])[0]), -1.0, True)])
        assert job.finished
        assert job.result()[0][:2] == ([expected], False)


@pytest.mark.parametrize("beam_size", [1, 2])
def test_words_are_linked_to_what_they_became(beam_size: int) -> None:
    languages, graph = copying()
    text = "  See  a.txt now,\n\nplease. LOOK AT `a  b` HERE 😊! 12"
    job = TranslationJob(languages, [text, ""], beam_size, 0, align=True)
    run(TranslationPool(as_graph(graph), 8, 1000), [job])
    ((translation,), _, found, score), (_, _, nothing, _) = job.result()
    assert score == pytest.approx(math.exp(-0.1))
    assert nothing == []
    assert translation == text.replace("See  a", "See a")
    assert all(link.weight == 1 for link in found)
    assert [translation[slice(*link.target)] for link in found] == [text[slice(*link.source)] for link in found]
    words = ["See", "a.txt", "now,", "please.", "LOOK", "AT", "`a  b`", "HERE", "😊!", "12"]
    assert [text[slice(*link.source)] for link in found] == words


class _Counting:
    """A tokenizer and a classifier in one: a text of n words has n tokens, and its first class n parts of ten."""

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        return [[FIRST] * len(text.split()) for text in texts]

    def classify(self, ids: Sequence[int]) -> Array:
        assert END not in ids
        if len(ids) == 7:
            raise RuntimeError("seven")
        return np.log([len(ids) / 10, 1 - len(ids) / 10])


FIRST = 5


def test_sentiment_jobs_take_turns_window_by_window() -> None:
    counting = _Counting()
    pool = SentimentPool(cast(SentimentGraph, counting))
    jobs = [SentimentJob(counting.encode(texts), 4) for texts in (["w " * 8, "w w"], ["w"], [])]
    bad = SentimentJob(counting.encode(["w " * 7]), 10)
    ended = []
    for job in (*jobs, bad):
        pool.add(job)
    while pool.busy:
        ended += pool.step()
    assert ended == [jobs[1], jobs[2], bad, jobs[0]]
    assert str(bad.error) == "seven"
    np.testing.assert_allclose(np.exp(jobs[0].result()), [[0.4, 0.6], [0.2, 0.8]])
    np.testing.assert_allclose(np.exp(jobs[1].result()), [[0.1, 0.9]])
    assert [job.cost for job in jobs] == [10, 1, 0]
    assert jobs[2].result() == []
