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
        ("Press #️⃣, 3️⃣ or 1⃣ ‼️", "Press {0}, {1} or {2}", ["#️⃣", "3️⃣", "1⃣ ‼️"]),
        (
            "Copy C:\\Users\\anna\\a, c:/x/y. to (C:\\Program Files (x86)\\b) or \\\\pc\\d.",
            "Copy {0}, {1}. to ({2}) or {3}.",
            ["C:\\Users\\anna\\a", "c:/x/y", "C:\\Program Files (x86)\\b", "\\\\pc\\d"],
        ),
        (
            "Run ./run.sh in ../data, ~/notes/, .. or ../../x.y. See /tmp/a.b.",
            "Run {0} in {1}, {2}, .. or {3}. See {4}.",
            ["./run.sh", "../data", "~/notes/", "../../x.y", "/tmp/a.b"],
        ),
        (
            "Edit .env, (.gitignore) and .bashrc. A .docx file of .NET in /etc.",
            "Edit {0}, ({1}) and {2}. A {3} file of {4} in {5}.",
            [".env", ".gitignore", ".bashrc", ".docx", ".NET", "/etc"],
        ),
        (
            "If $E = mc^2$, $x$, $$a b$$ or \\(a + b_1\\), \\[ \\alpha \\] holds, ok.",
            "If {0}, {1}, {2} or {3}, {4} holds, ok.",
            ["$E = mc^2$", "$x$", "$$a b$$", "\\(a + b_1\\)", "\\[ \\alpha \\]"],
        ),
        ("10 m² of CO₂, x^2 ~5 a~b ^_^", "10 {0} of {1}, {2} {3} a{4}b {5}", ["m²", "CO₂", "x^2", "~5", "~", "^_^"]),
        ("See 「東京、（日本）！」 or ﾃｽﾄ.", "See {0} or {1}.", ["「東京、（日本）！」", "ﾃｽﾄ"]),
        ("Caf\ufffd", "Caf{0}", ["\ufffd"]),
        ("Take 2 1/2 cups, 1/2 tablet.", "Take {0} cups, {1} tablet.", ["2 1/2", "1/2"]),
        ("10 x 20 x 30 cm, 3m x 4m at 350°F", "{0}, {1} at {2}", ["10 x 20 x 30 cm", "3m x 4m", "350°F"]),
        ("ISBN 978-3-16-148410-0, doi:10.1000/xyz.", "ISBN {0}, {1}.", ["978-3-16-148410-0", "doi:10.1000/xyz"]),
        (
            "It ended 7-6 (7-4), 6-3; call +1 555 123 4567.",
            "It ended {0}; call {1}.",
            ["7-6 (7-4), 6-3", "+1 555 123 4567"],
        ),
        ("A 4x4 in June, McDonald's of Hạ Long Bay", "A {0} in June, McDonald's of {1} Bay", ["4x4", "Hạ Long"]),
        ("Nike® on JavaScript :-)", "{0} on {1} {2}", ["Nike®", "JavaScript", ":-)"]),
        ("(a) rent, (iv) file(s); f(x) ```python", "{0} rent, {1} file(s); f(x) {2}", ["(a)", "(iv)", "```python"]),
        (
            "Nguyễn Văn An is in Đà Nẵng, So Hà ate phở.",
            "{0} is in {1}, So {2} ate {3}.",
            ["Nguyễn Văn An", "Đà Nẵng", "Hà", "phở"],
        ),
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
        "He paid $1,200 (50.50) in the 1990s, on the 20th.",
        "It costs $5 and $10, or $5 and 5$. US$5 = A$8.",
        "Pay $5 a day (x = y) and 3 $ or \\[a note\\].",
        "He/she went at 5 km/h...and on, w/o 1 or .5 of it etc.",
        "I went home .Then I slept. …/data .how",
        "Put it here: no /or there. a:b",
        "Pi is 3.14, 1,000 is 10,0.5 and 1234.5",
        "Ｓｅｅ ５ apples，ok！",
        "a < b and c > d; rock 'n' roll -- well-known.",
        "I'm #1 of 4 at 12:30, 3-1 on 5/6/2020.",
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
        ("Run {0}.", "Chạy {0}!", "Chạy {0}."),
        ("Run {0}", "Chạy {0}", "Chạy {0}"),
    ],
)
def test_a_full_stop_behind_a_mark_stays(text: str, translation: str, found: str) -> None:
    assert mark(text, "vi").ended(translation) == found
    assert mark(text, "vi").restore(translation) == found


@pytest.mark.parametrize(
    ("sentence", "marked", "spans"),
    [
        ("It costs €30 or £1,234.50.", "It costs {0} or {1}.", ("30 euro", "1.234,50 bảng")),
        (
            "He has $400k, $3.4B and €1.5 million, ok.",
            "He has {0}, {1} and {2}, ok.",
            ("400 nghìn đô la", "3,4 tỷ đô la", "1,5 triệu euro"),
        ),
        ("Pay $1,250.00 a month.", "Pay {0} a month.", ("1.250,00 đô la",)),
        ("See Fig. 3a and Vol. 2, p. 7.", "See {0} and {1}, {2}.", ("hình 3a", "tập 2", "trang 7")),
        ("“Fig. 3 is big.”", "“{0} is big.”", ("Hình 3",)),
        ("He made up. 3 came. Sec. 5-7", "He made up. 3 came. Sec. 5-7", ()),
        # The model's.
        (
            "$5, $1,250 and $1.5 million; £20-£30, a £5-million, €1.000",
            "$5, $1,250 and $1.5 million; £20-£30, a £5-million, €1.000",
            (),
        ),
    ],
)
def test_sums_of_money_and_places_in_a_book_are_said_in_vietnamese(
    sentence: str, marked: str, spans: tuple[str, ...]
) -> None:
    found = mark(sentence, "vi")
    assert (found.text, found.spans) == (marked, spans)
    assert "đô la" not in "".join(mark(sentence, "fr").spans)


def test_terms_come_before_what_is_kept_as_a_whole() -> None:
    terms = Terms({"JavaScript": "JS", "Windows": "Cửa sổ", "24/7": "cả ngày"})
    assert mark("JavaScript on Windows™ 24/7", "vi", terms).spans == ("JS", "Cửa sổ", "cả ngày")


def test_a_mark_that_was_spoilt_is_none() -> None:
    assert mark("Open a.txt", "vi").restore("Mở {0} {3.}") is None
    assert mark("Open { a.txt", "vi").restore("Mở { {0}") == "Mở { a.txt"


def test_what_stands_around_spans_is_a_document() -> None:
    found = mark("Open a.txt , or b.txt https://c.example/", "vi")
    document = found.document()
    assert document.sentences == ("Open", "or")
    assert document.join(["Mở", "hay"]) == "Mở a.txt , hay b.txt https://c.example/"
    found = mark("(e.g. {a}), “é́” {b} ?! C++ {c} etc.", "vi")
    document = found.document()
    assert document.sentences == ("e.g.", "é́", "C", "etc")
    assert document.join(document.sentences) == "(e.g. {a}), “é́” {b} ?! C++ {c} etc."


@pytest.mark.parametrize(
    ("english", "vietnamese"),
    [
        ("1,234,567", "1.234.567"),
        ("1,234,567.89", "1.234.567,89"),
        ("12,345.67", "12.345,67"),
        ("1,000.50", "1.000,50"),
        ("₹1,234.5", "₹1.234,5"),
    ],
)
def test_large_numbers_are_written_as_in_the_target_language(english: str, vietnamese: str) -> None:
    for language, expected in (("en", english), ("vi", vietnamese)):
        assert [mark(number, language).spans for number in (english, vietnamese)] == [(expected,), (expected,)]
        assert mark(f"It is ({english}).", language).text == "It is ({0})."
    assert mark(english, "fr").spans == (english,)


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
        "$",
        "$a=",
        "$ =",
        "\\(",
        "\\(=",
        "\\[a ",
        "C:\\",
        "C:\\a b",
        "\\",
        "\\\\a",
        "/.",
        "./",
        "../",
        " /ab",
        "~",
        "~5.",
        " .",
        " .a-",
        "1,234",
        "1,234.",
        "1️⃣",
        "（",
        "東，",
        "m²",
        "a^",
        "x₂",
        "+12 ",
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
    assert mark("The bank is bank.", "vi", terms).sources == ("bank", "bank")
    with pytest.raises(ValueError, match="a term is empty"):
        Terms({" ": "x"})


def test_a_term_is_whole_words_and_the_longest() -> None:
    terms = Terms({"new": "mới", "new car": "xe", ".NET": "dotnet", "@anna": "An", "don't": "đừng", "ß": "S"})
    text = "new cars, new car new, newer; a ASP.NET .NET, x@anna @anna I don't; don't!ß"
    found = [(text[start:end], translation) for start, end, translation in terms.find(text)]
    assert found == [
        ("new", "mới"),
        ("new car", "xe"),
        ("new", "mới"),
        (".NET", "dotnet"),
        ("@anna", "An"),
        ("don't", "đừng"),
        ("don't", "đừng"),
        ("ß", "S"),
    ]


def test_in_a_shouted_sentence_terms_are_shouted() -> None:
    terms = Terms({"bank": "nhà băng", "US": "Mỹ", "us": "chúng tôi"})
    assert mark("THE BANK IS CLOSED.", "vi", terms).spans == ("NHÀ BĂNG",)
    assert mark("The BANK is closed.", "vi", terms).spans == ()
    assert mark("THE US.", "vi", terms).spans == ("Mỹ",)


def test_many_terms_in_a_long_text_take_no_long_time() -> None:
    terms = Terms({f"term number {n}": "x" for n in range(5000)})
    start = time.perf_counter()
    found = list(terms.find("a term number 77 here and nothing there, " * 5000))
    assert len(found) == 5000
    assert time.perf_counter() - start < 1


@pytest.mark.parametrize(
    ("source", "translation", "expected"),
    [
        ("The bank is shut.", "{0} đóng cửa.", "Nhà băng đóng cửa."),
        ("“The bank is shut.", "“{0} đóng cửa.", "“Nhà băng đóng cửa."),
        ("the bank is shut.", "{0} đóng cửa.", "nhà băng đóng cửa."),
        ("The bank is shut.", "Hôm nay {0} đóng cửa.", "Hôm nay nhà băng đóng cửa."),
        ("The npm is shut.", "{0} đóng cửa.", "npm đóng cửa."),
        ("The phone is shut.", "{0} đóng cửa.", "iPhone đóng cửa."),
        ("The void is shut.", "{0} đóng cửa.", " đóng cửa."),
        ("The bank.txt is shut.", "{0} đóng cửa.", "bank.txt đóng cửa."),
    ],
)
def test_a_term_begins_a_translation_as_the_sentence_began(source: str, translation: str, expected: str) -> None:
    terms = Terms({"bank": "nhà băng", "npm": "npm", "phone": "iPhone", "void": ""})
    found = mark(source, "vi", terms)
    assert found.restore(translation) == expected
    assert [expected[slice(*place)] for place in found.words(translation)][-1] == "cửa."


@pytest.mark.parametrize(
    ("source", "translation", "expected"),
    [
        ("It is big.", "Lớn..", "Lớn."),
        ("It is...", "Nó..", "Nó..."),
        ("It is.", "Nó...", "Nó."),
        ("Hi Sarah,", "Chào Sarah.", "Chào Sarah,"),
        ("What???", "Gì?", "Gì???"),
        ("Is it?", "Nó.", "Nó?"),
        ("Sign in", "Đăng nhập.", "Đăng nhập"),
        ("milk etc.", "sữa, v.v.", "sữa, v.v."),
        ("milk and so on", "sữa, v.v.", "sữa, v.v."),
        ("“Go.”", "“Đi”.", "“Đi”."),
        ("He said “go”.", "Anh nói “đi.”", "Anh nói “đi.”"),
        ("Go {a}.", "{0}..", "{a}."),
    ],
)
def test_a_translation_ends_as_its_source_does(source: str, translation: str, expected: str) -> None:
    assert mark(source, "vi").restore(translation) == expected
