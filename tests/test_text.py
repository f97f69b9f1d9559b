"""Normalisation and sentence splitting."""

import time
import unicodedata

import pytest

from inference.quotes import double_quoted, quoted_like
from inference.text import (
    LONGEST_SENTENCE,
    begun_like,
    classifier_form,
    cut,
    gone_on,
    is_abbreviation,
    is_shouted,
    is_wordless,
    narrow,
    normalise,
    split,
    unshout,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("  two\t\n blanks\u00a0here ", "two blanks here"),
        (unicodedata.normalize("NFD", "Tiếng Việt"), "Tiếng Việt"),
        ("a\x00b\ufeffc\u200bd", "abcd"),
        ("line\u2028separator\x85next", "line separator next"),
        ("👩\u200d👩\u200d👧 family", "👩\u200d👩\u200d👧 family"),
        ("½ ™ Ａ ﬁ", "½ ™ Ａ ﬁ"),  # compatibility characters are kept: nothing is lost
        ("", ""),
    ],
)
def test_normalise(text: str, expected: str) -> None:
    assert normalise(text) == expected
    assert normalise(expected) == expected


def test_classifier_form() -> None:
    text = "Good<br /><br/>bad<BR>fair</br>END<b>r</b> ĐẸP"
    assert classifier_form(text, lowercase=False) == "Good bad fair END<b>r</b> ĐẸP"
    assert classifier_form(text, lowercase=True) == "good bad fair end<b>r</b> đẹp"


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (("Don't stop!", "Do n't stop !", "Don’t stop!"), "don't stop !"),
        (('"It\'s" (no)', "`` It 's '' -LRB- no -RRB-", "&quot;It’s&quot; (no)"), '" it\'s " ( no )'),
        (("so-so...", "so - so . . .", "so–so…"), "so - so . . ."),
        (("The dogs' <i class='x'>bone</i>", "The dogs ' bone"), "the dogs ' bone"),
        (("Sooooo good!!!!!!", "sooo good ! ! !"), "sooo good ! ! !"),
        (("See http://t.co/x?y=1 @anna_b", "see www.a.vn @bob"), "see http @ user"),
        (("hay ❤️👍🏽", "hay ❤ ️ 👍 🏽"), "hay ❤ 👍"),
        (("Cháy hết cạo", "cha\u0301y hê\u0301t ca ̣o"), "cháy hết cạo"),
        (("a < b > c", "a < b >c", "a &lt; b > c"), "a < b > c"),
        (('"a b"', "“a b”", "<p> `` a b '' </p>", "a b"), "a b"),
        (('"a" b "c"', "“a” b ``c''"), '" a " b " c "'),
    ],
)
def test_spaced_classifier_form(texts: tuple[str, ...], expected: str) -> None:
    for text in texts:
        assert classifier_form(text, lowercase=True, spaced=True) == expected
    assert classifier_form(expected, lowercase=True, spaced=True) == expected


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("One. Two! Three? Four", ["One.", "Two!", "Three?", "Four"]),
        ("Mr. Smith met Dr. Jones at 3.30 p.m. on Monday.", ["Mr. Smith met Dr. Jones at 3.30 p.m. on Monday."]),
        ("It costs $3.50. Cheap!", ["It costs $3.50.", "Cheap!"]),
        ('He said "Go." Then he left.', ['He said "Go."', "Then he left."]),
        ("J. K. Rowling wrote it. I read it.", ["J. K. Rowling wrote it.", "I read it."]),
        (
            "See https://example.com/a.b?c=d. Or mail me@example.com.",
            ["See https://example.com/a.b?c=d.", "Or mail me@example.com."],
        ),
        ("Wait... what? Yes.", ["Wait... what?", "Yes."]),
        (
            "Hi. {n, plural, one {A. B.\nC.} other {D}} left. E",
            ["Hi.", "{n, plural, one {A. B.\nC.} other {D}} left.", "E"],
        ),
        ("\ufdd0 {n, select, a {B.}} C", ["\ufdd0 {n, select, a {B.}} C"]),
        ("Use it, e.g. for tests. Fine.", ["Use it, e.g. for tests.", "Fine."]),
        ("Yahoo! is a company. Really.", ["Yahoo! is a company.", "Really."]),
        ("1. Open the door", ["1. Open the door"]),
        ("first line\nsecond line", ["first line", "second line"]),
        ("\tName:\tAnna Smith\t\tHanoi", ["Name:", "Anna Smith", "Hanoi"]),
        ("你好。世界！", ["你好。", "世界！"]),
        ("The U.S. Army came. It left.", ["The U.S. Army came.", "It left."]),
        ("He left in 1999. 2000 was better.", ["He left in 1999.", "2000 was better."]),
        ("Are you sure? No. I am not.", ["Are you sure?", "No.", "I am not."]),
        ("See No. 7 and pp. 3-9. Done.", ["See No. 7 and pp. 3-9.", "Done."]),
        ("   ", []),
        ("", []),
    ],
)
def test_split(text: str, sentences: list[str]) -> None:
    assert list(split(text).sentences) == sentences


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n\n ",
        "\n\nA b. C d.\r\n\r\n  E!\tF?  \n",
        "x" * 1000,
        "word " * 300,
        "A.\u2028B.\x0bC.",
        "a; " * 200 + "\n",
        "\tName:\tAnna\t\n",
        "- a) [x] One.\n…and\n1. (ii) two\n- \n",
    ],
)
def test_nothing_is_lost(text: str) -> None:
    document = split(text)
    assert document.join(document.sentences) == text
    assert all(sentence == sentence.strip() != "" for sentence in document.sentences)
    document = document.without_marks_around()
    assert document.join(document.sentences) == text
    assert all(sentence == sentence.strip() != "" for sentence in document.sentences)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("- Open it", "Open it"),
        ("– … and then", "and then"),
        ("> * [x] Open it", "Open it"),
        ("a) Open it", "Open it"),
        ("(iv) 12) Open it", "Open it"),
        ("C. Open it", "Open it"),
        ("Q: Open it?", "Open it?"),
        ("✅ ⚠️ Open it", "Open it"),
        ("...open it", "open it"),
        ("-5 degrees", "-5 degrees"),
        ("1.5 metres", "1.5 metres"),
        ("2019. It is", "2019. It is"),
        ("J. Smith's book", "J. Smith's book"),
        ("*bold* text", "*bold* text"),
        ("#1 of all", "#1 of all"),
        ("a)", "a)"),
        ("I am", "I am"),
    ],
)
def test_list_marks_are_no_part_of_a_sentence(text: str, sentence: str) -> None:
    assert split(text).without_marks_around().sentences == (sentence,)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", True),
        ("12.5 %", True),
        ("12 kg", True),
        ("3 x 4 cm", True),
        ("b)", True),
        ("(iv).", True),
        ("X", True),
        ("Ok!", True),
        ("e.g.", True),
        ("{0} vs. {1}", True),
        ("I", False),
        ("5 pm", False),
        ("5 p.m.", False),
        ("U.S.", False),
        ("5th", False),
        ("my", False),
        ("Mr", False),
        ("UI", False),
        ("ở", False),
        ("ạ", False),
        ("books", False),
        ("x" * 9, False),
    ],
)
def test_what_has_no_word(text: str, expected: bool) -> None:
    assert is_wordless(text) == expected


def test_abbreviations() -> None:
    assert [is_abbreviation(text) for text in ("UI", "ECE:", "A", "U.S.", "Ui", "UI X", "MENU")] == [True] * 2 + [
        False
    ] * 5


def test_full_width_letters_are_narrow() -> None:
    assert narrow("Ｈｉ！ （１２～）") == "Hi! (12~)"
    assert narrow("oﬃce well\u2011kept soft\u00adly、ok。") == "office well-kept softly,ok."
    assert narrow("Đà Nẵng ｱ 東") == "Đà Nẵng ｱ 東"


@pytest.mark.parametrize(
    "part",
    [
        ".",
        "?!",
        "a. ",
        '."',
        "...) ",
        "<",
        "< ",
        "<br ",
        "</ ",
        "<a",
        "-lr",
        "&",
        "@",
        "'",
        "。",
        "\n",
        "- ",
        "(a) ",
        "k",
        "kg ",
    ],
)
def test_a_long_text_of_marks_takes_no_longer_than_another(part: str) -> None:
    text = part * (20_000 // len(part))
    start = time.process_time()
    split(text).without_marks_around()
    is_wordless(text)
    for begun in (text, "<" + text):
        classifier_form(begun, lowercase=True)
        classifier_form(begun, lowercase=True, spaced=True)
    assert time.process_time() - start < 0.5


@pytest.mark.parametrize("part", ["He went home. ", "word ", "x", "No. ", "«Ah!» (So) "])
def test_the_time_for_a_line_grows_with_its_length_alone(part: str) -> None:
    text = part * (500_000 // len(part))
    start = time.process_time()
    assert "".join(cut(text, 10_000)) == text
    assert time.process_time() - start < 5


def test_a_long_text_is_cut_between_sentences() -> None:
    sentence = "The plan {count, plural, one {was. It} other {were. They}} good; nobody (e.g. Mr. Smith) minded. "
    pieces = cut(sentence * 50, 1000)
    assert "".join(pieces) == sentence * 50
    assert all(500 < len(piece) <= 1100 for piece in pieces[:-1])
    assert all(piece.count(sentence.strip()) * len(sentence) - 1 <= len(piece) for piece in pieces)
    assert all(piece.strip().endswith("minded.") for piece in pieces)
    assert cut("", 10) == [""]


@pytest.mark.parametrize(
    ("source", "text", "expected"),
    [
        ("Rain fell.", "mưa rơi.", "Mưa rơi."),
        ("“Rain", "“ướt", "“Ướt"),
        ("rain fell", "mưa rơi", "mưa rơi"),
        ("Rain", "Mưa", "Mưa"),
        ("Rain", "{0} mưa", "{0} mưa"),
        ("{0} Rain", "mưa", "mưa"),
        ("Rain", "3 giờ", "3 giờ"),
        ("3 a.m.", "ba giờ", "ba giờ"),
        ("Rain", "", ""),
    ],
)
def test_a_translation_begins_as_its_source_does(source: str, text: str, expected: str) -> None:
    assert begun_like(text, source) == expected


@pytest.mark.parametrize(
    ("source", "text", "expected"),
    [
        ("is shut", "Đóng cửa", "đóng cửa"),
        ("is shut", "“Đóng cửa”", "“đóng cửa”"),
        ("in hanoi", "Hà Nội có", "Hà Nội có"),
        ("in hanoi", "Ở Hà Nội", "ở Hà Nội"),
        ("who went to Oxford", "Người đến Oxford", "người đến Oxford"),
        ("says Anna", "Anna nói", "Anna nói"),
        ("tôi đi", "I am going", "I am going"),
        ("12 people went", "Mười hai người đã đi", "mười hai người đã đi"),
        ("Is shut", "đóng cửa", "Đóng cửa"),
        ("Is shut", "Đóng cửa", "Đóng cửa"),
        ("an ad", "QC", "QC"),
        ("shut", "", ""),
        ("and Russian", "Tiếng Nga", "tiếng Nga"),
        ("Spanish and Thai", "Tiếng Tây Ban Nha", "tiếng Tây Ban Nha"),
        ("I'm here", "Tôi ở đây", "tôi ở đây"),
        ("Vienna is far", "Viên ở xa", "Viên ở xa"),
        ("the US said", "Mỹ cho biết", "Mỹ cho biết"),
        ("cosmetics are cheap", "Mỹ phẩm rẻ", "mỹ phẩm rẻ"),
    ],
)
def test_what_stands_within_a_sentence_begins_as_its_source_does(source: str, text: str, expected: str) -> None:
    assert gone_on(text, source) == expected


def test_a_piece_of_a_long_sentence_goes_on_with_the_one_before() -> None:
    document = split("One two, three four. Five six, seven.\nEight nine (ten!) eleven", longest=12)
    pieces = [(sentence, document.goes_on(number)) for number, sentence in enumerate(document.sentences)]
    assert pieces == [
        ("One two", False),
        ("three four.", True),
        ("Five six", False),
        ("seven.", True),
        ("Eight nine", False),
        ("(ten!)", True),
        ("eleven", False),
    ]


def test_long_sentences_are_cut_into_even_pieces() -> None:
    words = "aa (b) " * 200
    lengths = [len(piece) for piece in split(words.strip().replace(")", "")).sentences]
    assert max(lengths) <= LONGEST_SENTENCE
    assert max(lengths) - min(lengths) <= 6


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("We saw a cat, a dog, two cows, a horse, and a pig.", ["We saw a cat, a dog, two cows, a horse, and a pig."]),
        (
            "We saw a cat, a dog, two cows, a horse, some pigs, and a hen.",
            ["We saw a cat, a dog, two cows", "a horse, some pigs, and a hen."],
        ),
        (
            "Tom, Ann, Bob, Eve, Joe, Max, and Liz went home when the sun had set behind the hills.",
            ["Tom, Ann, Bob, Eve, Joe, Max", "and Liz went home when the sun had set behind the hills."],
        ),
        ("a, b, c; d, e, f,", ["a, b, c", "d, e, f,"]),
    ],
)
def test_long_lists_are_cut_between_items(text: str, pieces: list[str]) -> None:
    document = split(text)
    assert list(document.sentences) == pieces
    assert document.join(document.sentences) == text
    assert [document.goes_on(number) for number in range(1, len(pieces))] == [True] * (len(pieces) - 1)


def test_separators_stay_around_other_sentences() -> None:
    document = split("  Hi there.\n\n- One.  Two!\n")
    assert document.join(["A", "B", "C"]) == "  A\n\nB  C\n"


def test_long_sentences_are_cut_at_clauses_then_blanks_then_anywhere() -> None:
    clauses = split("one two three, four five six, seven", longest=20)
    assert clauses.sentences == ("one two three", "four five six, seven")
    assert split("aaa bbb ccc ddd", longest=8).sentences == ("aaa bbb", "ccc ddd")
    assert split("abcdefghij", longest=4).sentences == ("abcd", "efgh", "ij")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I LOVE YOU.", True),
        ("STOP!", True),
        ("WHO", False),
        ("NASA.", False),
        ("I.", False),
        ("A B C", False),
        ("THE iPhone", False),
        ("12345!", False),
    ],
)
def test_is_shouted(text: str, expected: bool) -> None:
    assert is_shouted(text) == expected


def test_unshout() -> None:
    assert unshout('"STOP! I DO NOT THINK I\'M READY."') == '"Stop! I do not think I\'m ready."'
    assert unshout("24 HOURS") == "24 Hours"
    assert unshout("THE U.S. LEFT AT 5 P.M., E.G. I.") == "The U.S. left at 5 p.m., e.g. I."
    assert unshout("123") == "123"


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("Home | About us |", ("Home", "|", "About us", "|")),
        ("Home > Products > Shoes", ("Home", ">", "Products", ">", "Shoes")),
        ("Yes/No", ("Yes", "/", "No")),
        ("NOTE: Do not open.", ("NOTE:", "Do not open.")),
        (
            "He moved to the U.S. She stayed in the U.K. It rained.",
            ("He moved to the U.S.", "She stayed in the U.K.", "It rained."),
        ),
        ("He left.She stayed. Thanks!See you.", ("He left.", "She stayed.", "Thanks!", "See you.")),
        # One each.
        ("If x > y then do it all again, 5 > 3", ("If x > y then do it all again, 5 > 3",)),
        ("TCP/IP at 5 km/h, and/or", ("TCP/IP at 5 km/h, and/or",)),
        ("NOTE: DO NOT OPEN", ("NOTE: DO NOT OPEN",)),
        ("The U.S. Army in the U.S. Senate", ("The U.S. Army in the U.S. Senate",)),
        ("See Amazon.Com and fmt.Println in Node.js", ("See Amazon.Com and fmt.Println in Node.js",)),
        ("Go to Settings > Privacy now.", ("Go to Settings > Privacy now.",)),
        ("Press Ctrl > C", ("Press Ctrl > C",)),
        ("the U.S. I-95 highway", ("the U.S. I-95 highway",)),
    ],
)
def test_cells_steps_choices_and_labels_stand_for_themselves(text: str, sentences: tuple[str, ...]) -> None:
    document = split(text)
    assert document.sentences == sentences
    assert document.join(sentences) == text
    assert not any(document.goes_on(number) for number, each in enumerate(sentences) if any(map(str.isalnum, each)))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("(Cancel)", "Cancel"),
        ("- **“Go on.”**", "Go on."),
        ("'Cancel'", "Cancel"),
        ('"Yes" and "No"', '"Yes" and "No"'),
        ("(a or b) and (c)", "(a or b) and (c)"),
        ("'It's ok'", "'It's ok'"),
        ("()", "()"),
        ("(I)", "(I)"),
    ],
)
def test_marks_around_a_sentence_are_not_its_own(text: str, sentence: str) -> None:
    document = split(text).without_marks_around()
    assert document.sentences == (sentence,)
    assert document.join(document.sentences) == text


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("'Go,' he said.", '"Go," he said.'),
        ("‘I don’t,’ he said, ‘but I’ll ask.’", "“I don’t,” he said, “but I’ll ask.”"),
        ("the dogs' and the cats' milk, it's", "the dogs' and the cats' milk, it's"),
        ("Give 'em the boys' '90s kids' toys", "Give 'em the boys' '90s kids' toys"),
        ("He said “it’s ‘ok’”.", "He said “it’s ‘ok’”."),
    ],
)
def test_single_quotes_are_read_as_double_ones(text: str, read: str) -> None:
    assert double_quoted(text) == read
    assert quoted_like(read, text) == text


def test_what_capitals_are_no_shouting() -> None:
    assert [is_shouted(text) for text in ("USA, UK, EU", "USD 100 = 2,400,000 VND", "ABC AND DEF AND GHI")] == [
        False
    ] * 3
    assert [
        is_shouted(text) for text in ("GO IN", "US, UK SIGN DEAL", "STOP!", "COME, SEE AND BUY!", "PRICE: 5 VND")
    ] == [True] * 5
