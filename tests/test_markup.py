"""HTML: what is a block, what stays, and where tags go when words change places."""

import html
import re
import time

import pytest

from inference.alignment import Link
from inference.blocks import Block, Page
from inference.markup import read_html
from inference.tags import HTML, xml_tags


def same(block: Block) -> str:
    """A block whose translation is its text, put together as any other is."""
    block.raw = ""
    places = [match.span() for match in re.finditer(r"\S+", block.text)]
    return block.markup(block.text, [Link(place, place, 1.0) for place in places])


def back(page: Page) -> str:
    return page.join([same(block) for block in page.blocks])


@pytest.mark.parametrize(
    ("text", "blocks"),
    [
        ("Just text.", ["Just text."]),
        ("<p>One <b>two</b> three.</p>\n<p>Four.</p>", ["One two three.", "Four."]),
        ('<div class="a>b"><h1>Title</h1><ul><li>x</li><li>y</li></ul></div>', ["Title", "x", "y"]),
        ("a<br>b<br/>c", ["a", "b", "c"]),
        ("<p>Tom &amp; Jerry &lt;3</p>", ["Tom & Jerry <3"]),
        ("<script>if (a < b) { alert('<p>x</p>') }</script><p>Text</p>", ["Text"]),
        ("<style>p { color: red }</style>", []),
        ("<p>Run <code>pip <b>x</b></code> now</p>", ["Run {\ufdd00} now"]),
        ('<p>The <span translate="no">Big <i>Apple</i></span> is big</p>', ["The {\ufdd00} is big"]),
        ('<div translate="no"><div>no</div> never</div><p>yes</p>', ["yes"]),
        ('<p class="x notranslate y">no</p>yes', ["yes"]),
        ("<!-- <p>no</p> --><p>yes<!-- no --> and</p>", ["yes and"]),
        ("<!DOCTYPE html><html><head><title>T</title></head><body>B</body></html>", ["T", "B"]),
        ("  <p>  </p>  ", []),
        ("<p>icon \ue000 {\ue0005} &#xE001;</p>".replace("&#xE001;", "\ue001"), ["icon \ue000 {\ue0005} \ue001"]),
        ("<p>img <img src='a.png' alt='x > y'> here</p>", ["img here"]),
        ("", []),
    ],
)
def test_what_is_text_and_everything_comes_back(text: str, blocks: list[str]) -> None:
    page = read_html(text)
    assert [block.text for block in page.blocks] == blocks
    assert back(page) == text.replace("y'> here", "y'>here")  # of two blanks with nothing between, one is left


@pytest.mark.parametrize(
    "text",
    [
        "<p>unclosed <b>bold <i>both</p><p>after</i> it</b></p>",
        "</p></b>stray",
        "<b><p>inside</p></b>",
        "a < b and c > d, 1 <2",
        "<a href='x'>one<b>two</a>three</b>",
        "<p>tags<i></i><b></b> only</p>",
        "&nbsp;&copy; 2026 &unknown; &#39;",
        "<code>never closed",
        "<p>x</p><!-- never closed",
        "<3 <<b>> <",
    ],
)
def test_bad_html_loses_no_tag(text: str) -> None:
    tags = re.findall(r"</?\w[^<>]*>", text)
    found = back(read_html(text))
    assert sorted(re.findall(r"</?\w[^<>]*>", found)) == sorted(tags)
    # Nothing that was text has become a tag.
    assert (
        html.unescape(re.sub(r"</?\w[^<>]*>", "", found)).split()
        == html.unescape(re.sub(r"</?\w[^<>]*>", "", text)).replace("\xa0", " ").split()
    )


@pytest.mark.parametrize(
    ("text", "blocks"),
    [
        ("Go <x>home</x> now<y/>", ["Go home now"]),
        ("<doc><item>One</item>\n<item>Two <x id='1'>or</x> three</item></doc>", ["One", "Two or three"]),
        ("<link>Home</link>", ["Home"]),
        ("Go <keep>home &amp; <b>on</b></keep> now<br/>", ["Go {\ufdd00} now"]),
        ("Go <cut>home</cut> now", ["Go", "home", "now"]),
        ("<p>One</p><p>two</p>", ["One", "two"]),
        ("<row><on>One</on> <on>two</on></row>", ["One two"]),
        ("<a>never closed</b></c>", ["never closed"]),
        ("<t><![CDATA[Go <b>home</b> ]] > now.]]></t>", ["{\ufdd00}"]),
        ("<t>Go <![CDATA[a <t> b]]> now <x>or</x></t>", ["Go {\ufdd00} now or"]),
    ],
)
def test_xml_is_outlined_and_its_tags_do_what_a_caller_says(text: str, blocks: list[str]) -> None:
    page = read_html(text, xml_tags(text).asked(["KEEP"], ["cut"], ["on"]))
    assert [block.text for block in page.blocks] == blocks
    assert back(page) == text


def test_what_looks_like_a_mark_of_ours_is_none() -> None:
    (block,) = read_html("a {\ufdd07} <code>b</code>\ufdd1 c").blocks
    assert block.markup("x {7} {\ufdd00} c", []) == "x {7} <code>b</code> c"


def test_what_tags_of_html_do_can_be_said_too() -> None:
    tags = HTML.asked(["b", "x"], ["i"], ["p", "new"])
    (block, second) = read_html("<p>One</p> <new>two</new> <b>no</b> <x>no</x> <i>three</i>", tags).blocks
    assert (block.text, second.text) == ("One two {\ufdd00} {\ufdd01}", "three")


def test_tags_follow_their_words() -> None:
    (block,) = read_html('<p>the <a href="?a=1&amp;b=2">red <i>car</i></a> is <b>new</b>.</p>').blocks
    translation = "chiếc xe đỏ thì mới."
    words = {word: (m.start(), m.end()) for word, m in ((m.group(), m) for m in re.finditer(r"\S+", translation))}
    source = {word: (m.start(), m.end()) for word, m in ((m.group(), m) for m in re.finditer(r"\S+", block.text))}
    pairs = [("chiếc", "the"), ("xe", "car"), ("đỏ", "red"), ("thì", "is"), ("mới.", "new.")]
    links = [Link(source[theirs], words[mine], 0.9) for mine, theirs in pairs]
    links.append(Link(source["the"], words["đỏ"], 0.1))  # the weaker link does not count
    assert block.markup(translation, links) == ('chiếc <a href="?a=1&amp;b=2"><i>xe</i> đỏ</a> thì <b>mới</b>.')


def test_elements_do_not_cross() -> None:
    (block,) = read_html("<b>a b</b> <i>c d</i>").blocks
    # a and d change places with c and b: the elements' words interleave.
    source = [(0, 1), (2, 3), (4, 5), (6, 7)]
    target = [(0, 1), (2, 3), (4, 5), (6, 7)]
    order = [0, 2, 1, 3]
    found = block.markup("w x y z", [Link(source[o], target[i], 1.0) for i, o in enumerate(order)])
    assert (
        re.sub(r"[a-z ]", "", found.replace("<b>", "[").replace("</b>", "]").replace("<i>", "(").replace("</i>", ")"))
        == "[]()"
    )


def test_a_translation_cannot_make_a_tag() -> None:
    (block,) = read_html("<p>harmless</p>").blocks
    assert block.markup("<script>alert(1)</script> & more", []) == "&lt;script&gt;alert(1)&lt;/script&gt; &amp; more"


@pytest.mark.parametrize(
    ("text", "translation", "marked"),
    [
        ("<p>It is <b>new</b>.</p>", "Nó mới.", "Nó <b>mới</b>."),
        ("<p>It is <b>new.</b></p>", "Nó mới.", "Nó <b>mới.</b>"),
        ('<p>"<i>new</i>" it</p>', '"mới" nó', '"<i>mới</i>" nó'),
        ('<p>x <q>"new"</q></p>', 'y "mới"', 'y <q>"mới"</q>'),
    ],
)
def test_marks_stay_in_or_out(text: str, translation: str, marked: str) -> None:
    (block,) = read_html(text).blocks
    words, theirs = ([m.span() for m in re.finditer(r"\S+", each)] for each in (translation, block.text))
    links = [Link(theirs[-1] if i == len(words) - 1 else theirs[0], word, 1.0) for i, word in enumerate(words)]
    assert block.markup(translation, links) == marked


def linked(text: str, translation: str, sources: str) -> tuple[Block, list[Link]]:
    """A block, and links of each word of its translation to one of its own; of a "-" there is none."""
    (block,) = read_html(text).blocks
    places = {m.group(): m.span() for m in re.finditer(r"\S+", block.text)}
    words = [m.span() for m in re.finditer(r"\S+", translation)]
    pairs = zip(words, sources.split(), strict=True)
    return block, [Link(places[source], word, 0.9) for word, source in pairs if source != "-"]


@pytest.mark.parametrize(
    ("text", "translation", "sources", "marked"),
    [
        # The words of an element are one run of them, and none of another element's.
        (
            "the <b>big</b> <i>dog</i> ran",
            "con chó rất to chó",
            "dog dog - big dog",
            "<i>con chó</i> rất <b>to</b> chó",
        ),
        ("see <b>my page</b> now", "a b c d e f", "my - - - - page", "<b>a</b> b c d e f"),
        # A name, a number or an address that is still there, once, says better whose it is than attention does.
        (
            "write to <b>anna@x.org</b> now",
            "viết cho anna@x.org ngay",
            "write anna@x.org to now",
            "viết cho <b>anna@x.org</b> ngay",
        ),
        ("ask <b>Anna</b>, <i>Bob</i>", "hỏi Bob, Anna", "ask Anna, Bob", "hỏi <i>Bob</i>, <b>Anna</b>"),
        # Of two, attention says which.
        ("Anna saw <b>Anna</b>", "Anna thấy Anna", "- saw Anna", "Anna thấy <b>Anna</b>"),
        # Marks by themselves are nobody's.
        ("go <b>here</b> now", "đi - vào", "go here here", "đi - <b>vào</b>"),
        # What is all of the text is all of the translation.
        ("<b>red car</b>!", "xe đỏ!", "- -", "<b>xe đỏ</b>!"),
        ("<b>red <i>car</i></b>", "xe đỏ", "car -", "<b><i>xe</i> đỏ</b>"),
        # What is never closed is a tag by itself, which stands where it stood: before the text, or a word.
        ("<u>a red <i>car</i>", "cái xe đỏ", "- car red", "<u>cái <i>xe</i> đỏ"),
        ("a <u>red <i>car</i>", "xe đỏ", "car red", "<u><i>xe</i> đỏ"),
    ],
)
def test_an_element_stands_around_its_own_words(text: str, translation: str, sources: str, marked: str) -> None:
    block, links = linked(text, translation, sources)
    assert block.apart(translation, links) is None
    assert block.markup(translation, links) == marked


@pytest.mark.parametrize(
    ("text", "translation", "weights", "marked"),
    [
        # What attends to everything says little: "Tôi" is more of what "I" gets than of what "here" gets.
        ("I am <b>here</b>.", "Tôi ở đây.", [[3, 1, 4], [1, 5, 3], [0, 1, 9]], "Tôi ở <b>đây</b>."),
        # A word of little share is in an element between two of much, and not at its end.
        ("see <b>it all</b> on", "a b c d", [[6, 4, 0, 0], [0, 8, 0, 0], [5, 3, 0, 0], [0, 0, 8, 0]], "a <b>b c d</b>"),
        ("see <b>it all</b> on", "a b c d", [[0, 9, 0, 0], [0, 0, 9, 0], [3, 3, 0, 0], [0, 0, 0, 9]], "<b>a b</b> c d"),
        # The surest choose first.
        ("<b>one</b> <i>two</i>", "a b", [[5, 4], [9, 1]], "<i>a</i> <b>b</b>"),
    ],
)
def test_an_element_goes_where_the_odds_are_for_it(
    text: str, translation: str, weights: list[list[int]], marked: str
) -> None:
    (block,) = read_html(text).blocks
    words, theirs = ([m.span() for m in re.finditer(r"\S+", each)] for each in (translation, block.text))
    rows = zip(words, weights, strict=True)
    links = [Link(theirs[i], word, weight / 10) for word, row in rows for i, weight in enumerate(row) if weight]
    assert block.markup(translation, links) == marked


@pytest.mark.parametrize(
    ("text", "translation", "sources", "outer", "inner"),
    [
        ("Press <b>Enter</b> now.", "Nhấn ngay.", "Press now.", "Press {\ufdd00} now.", ["Enter"]),
        # It would stand around the words of others.
        ("Press <b>Enter</b>.", "Nhấn.", "Enter.", "Press {\ufdd00}.", ["Enter"]),
        ("a <code>x</code> <b>c <i>d</i></b> <u>e</u> f", "a c {\ufdd00} f", "a e - f", None, ["c d"]),
        ("on <i>Ctrl</i>+<b>S</b> too", "ấn Ctrl+S", "on Ctrl+S", "on {\ufdd00}+{\ufdd01} too", ["Ctrl", "S"]),
        ("<b>one <i>Two</i></b> three", "một ba", "one three", "one {\ufdd00} three", ["Two"]),
        ('the <a href="x">page</a> now', "nay", "now", "the {\ufdd00} now", ["page"]),
    ],
)
def test_what_a_translation_has_lost_is_taken_out(
    text: str, translation: str, sources: str, outer: str | None, inner: list[str]
) -> None:
    block, links = linked(text, translation, sources)
    apart = block.apart(translation, links)
    assert apart
    assert (apart.outer.text, [each.text for each in apart.inner]) == (
        outer or "a {\ufdd00} {\ufdd01} e f",
        inner,
    )
    # With nothing changed it is the text that it was.
    places = [match.span() for match in re.finditer(r"\S+", apart.outer.text)]
    assert apart.markup(apart.outer.text, [Link(p, p, 1.0) for p in places], [same(b) for b in apart.inner]) == text


def test_the_emphasis_of_a_word_is_not_worth_another_translation() -> None:
    block, links = linked("that is <em>not</em> so <b>very</b> good", "ấy không phải rất tốt", "that is so good good")
    assert block.apart("ấy không phải rất tốt", links) is None
    # It stands around what attended to it, if only a little; of words that are its owner's, it gets one.
    source, (_, second, _, fourth, _) = [m.span() for m in re.finditer(r"\S+", block.text)], [x.target for x in links]
    links += [Link(source[2], second, 0.12), Link(source[4], fourth, 0.3)]
    assert block.markup("ấy không phải rất tốt", links) == "ấy <em>không</em> phải <b>rất</b> tốt"


def test_an_element_that_has_no_word_stands_around_the_nearest() -> None:
    (block,) = read_html("one <b>two</b> three <i>four</i>").blocks
    assert block.markup("a b c d", []) == "a <b>b</b> c <i>d</i>"
    assert block.markup("a", []) == "<b>a</b><i></i>"


@pytest.mark.parametrize(
    "unit",
    ["<!--", "<a ", '<a "', "<", "<b>", "</b>", "<b>x ", "<i/>", "<![CDATA[", "<p>x</p>", "<b>x</b> ", "<b>x</b>"],
)
def test_the_longest_text_takes_no_long_time(unit: str) -> None:
    start = time.process_time()
    back(read_html((unit * 20_000)[:20_000]))
    assert time.process_time() - start < 2


@pytest.mark.parametrize(
    ("text", "translation", "sources", "marked"),
    [
        ("Write to @<b>anna</b> now", "Viết cho @anna ngay", "Write to @anna now", "Viết cho @<b>anna</b> ngay"),
        ("drink H<sub>2</sub>O", "uống H2O", "drink H2O", "uống H<sub>2</sub>O"),
        ("<b>Tom</b>'s (<i>old</i>) car", "xe (cũ) Tom's", "car (old) Tom's", "xe (<i>cũ</i>) <b>Tom</b>'s"),
        ("pre<b>view it</b>", "xem trước", "preview it", "<b>xem trước</b>"),
        ("see <a>red <b>(x)</b></a>", "xem (x) đỏ", "see (x) red", "xem (<a><b>x)</b> đỏ</a>"),
    ],
)
def test_an_element_within_a_word_stays_there(text: str, translation: str, sources: str, marked: str) -> None:
    block, links = linked(text, translation, sources)
    assert block.markup(translation, links) == marked
