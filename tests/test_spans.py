"""Spans: what is one and what is not, and that they come back."""

import time

import pytest

from inference.spans import Terms, mark


@pytest.mark.parametrize(
    ("sentence", "marked", "spans"),
    [
        ("See https://a.example/x_(y)?b=1&c=2.", "See {0}.", ["https://a.example/x_(y)?b=1&c=2"]),
        (
            "(at http://a.example/b), or www.example.org!",
            "(at {0}), or {1}!",
            ["http://a.example/b", "www.example.org"],
        ),
        ("Write to first.last+tag@mail.example.org.", "Write to {0}.", ["first.last+tag@mail.example.org"]),
        ("Run `pip install x` and get_name().", "Run {0} and {1}.", ["`pip install x`", "get_name()"]),
        (
            "Hello {name}, %d of %(all)s, %APPDATA%",
            "Hello {0}, {1} of {2}, {3}",
            ["{name}", "%d", "%(all)s", "%APPDATA%"],
        ),
        (
            "{n, plural, one {# file} other {{n} files}} left.",
            "{0} left.",
            ["{n, plural, one {# file} other {{n} files}}"],
        ),
        (
            "By {who, select, male {him. And\nhim} other {{n,plural,=1 {a}other{b}}}}, {now, date, short}",
            "By {0}, {1}",
            ["{who, select, male {him. And\nhim} other {{n,plural,=1 {a}other{b}}}}", "{now, date, short}"],
        ),
        ("Swap {1} and {0}.", "Swap {0} and {1}.", ["{1}", "{0}"]),
        ("<b>Bold</b> ${x} $PATH", "{0}Bold{1} {2} {3}", ["<b>", "</b>", "${x}", "$PATH"]),
        ("Follow @hoiquy and #MachineLearning!", "Follow {0} and {1}!", ["@hoiquy", "#MachineLearning"]),
        (
            "Save a_b.txt in /usr/lib, report.pdf too.",
            "Save {0} in {1}, {2} too.",
            ["a_b.txt", "/usr/lib", "report.pdf"],
        ),
        ("Version 2.13.0 of VN123 --force", "Version {0} of {1} {2}", ["2.13.0", "VN123", "--force"]),
        ("Call +84 912 345 678.", "Call {0}.", ["+84 912 345 678"]),
        ("I am happy 😊🎉 ❤️ today", "I am happy {0} today", ["😊🎉 ❤️"]),
        ("Ask 東京 大学 or Привет мир.", "Ask {0} or {1}.", ["東京 大学", "Привет мир"]),
        ("It has 97,338,579 people.", "It has {0} people.", ["97.338.579"]),
    ],
)
def test_spans_are_marked_and_come_back(sentence: str, marked: str, spans: list[str]) -> None:
    found = mark(sentence, "vi")
    assert (found.text, list(found.spans)) == (marked, spans)
    assert found.restore(found.text) == sentence.replace(",338,", ".338.")


@pytest.mark.parametrize(
    "sentence",
    [
        "The U.S. Army, e.g. in Hanoi, and/or a.m.",
        "50% off, 5% discount, 100%!",
        "He paid $1,200 (3,250.50) in the 1990s, on the 20th.",
        "a < b and c > d; rock 'n' roll -- well-known.",
        "I'm #1 of 3/4 at 12:30, 3-1.",
        "Nguyễn Văn Nam ở Đà Nẵng, naïve café.",
        "VND54 and USD20",
    ],
)
def test_words_and_numbers_are_the_models(sentence: str) -> None:
    assert mark(sentence, "vi").text == sentence


def test_a_translation_has_each_mark_once() -> None:
    found = mark("Open a.txt and b.txt.", "vi")
    assert found.restore("Mở {1} và { 0 }.") == "Mở b.txt và a.txt."
    assert found.restore("Mở {1}.") is None
    assert found.restore("Mở {1}, {1} và {0}.") is None
    assert found.restore("Mở {1} và {2}.") is None


def test_a_pair_of_tags_keeps_what_stood_between() -> None:
    found = mark("Click <b>here</b> or <i>{x}</i><br/> to <0>go</0> on<u></u>.", "vi")
    assert found.text == "Click {0}here{1} or {2}{3}{4}{5} to {6}go{7} on{8}{9}."
    assert found.restore("A {0}b{1} c {2}{3}{4}{5} d {6}e{7} f{8}{9}") is not None
    assert found.restore("A b {0}.{1} c {2}{3}{4}{5} d {6}e{7} f{8}{9}") is None
    assert found.restore("A {1}b{0} c {2}{3}{4}{5} d {6}e{7} f{8}{9}") is None
    assert found.restore("A {0}b{1} c {3}{2}{4}{5} d {6}e{7} f{8}{9}") is None


@pytest.mark.parametrize(
    ("text", "translation", "found"),
    [
        ("Run {0}.", "Chạy {0}", "Chạy {0}."),
        ("Run {0}.", "Chạy {0}!", "Chạy {0}!"),
        ("Run {0}", "Chạy {0}", "Chạy {0}"),
    ],
)
def test_a_full_stop_behind_a_span_stays(text: str, translation: str, found: str) -> None:
    assert mark(text, "vi").ended(translation) == found
    assert mark(text, "vi").restore(translation) == found


def test_what_stands_around_spans_is_a_document() -> None:
    found = mark("Open a.txt , or b.txt https://c.example/", "vi")
    document = found.document()
    assert document.sentences == ("Open", ", or")
    assert document.join(["Mở", ", hay"]) == "Mở a.txt , hay b.txt https://c.example/"


@pytest.mark.parametrize("language", ["en", "vi"])
def test_large_numbers_are_grouped_as_the_target_language_does(language: str) -> None:
    assert mark("1,234,567", language).spans == mark("1.234.567", language).spans


@pytest.mark.parametrize(
    "unit",
    [
        "{a,select,",
        "{a,select,{}",
        "{a,select,a {b} ",
        "`",
        "a.",
        "_",
        "a_",
        "{",
        "<a",
        "/a",
        "1 ",
        "12 ",
        "@",
        "a@",
        "www.",
        "日 ",
        "🎉 ",
        "-",
        "a-",
        "%(",
        "a",
    ],
)
def test_a_sentence_of_the_greatest_length_takes_milliseconds(unit: str) -> None:
    sentence = (unit * 400)[:400]
    start = time.perf_counter()
    mark(sentence, "vi")
    assert time.perf_counter() - start < 0.1


def test_terms_become_what_they_shall() -> None:
    terms = Terms({"bank": "ngân hàng", "New York": "Nữu Ước", "New York Times": "NYT", "C++": "C++"})
    found = mark("Bank, bank and banks: New York Times in New York on C++ at bank.example.com", "vi", terms)
    assert found.text == "{0}, {1} and banks: {2} in {3} on {4} at {5}"
    assert found.spans == ("Ngân hàng", "ngân hàng", "NYT", "Nữu Ước", "C++", "bank.example.com")
    with pytest.raises(ValueError, match="a term is empty"):
        Terms({" ": "x"})
