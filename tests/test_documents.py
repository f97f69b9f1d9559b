"""Documents: what of a file is text, and that all else comes back as it was."""

import contextlib
import json
import re
import time

import pytest

from inference.alignment import Link
from inference.blocks import Block
from inference.documents.document import Document, DocumentError
from inference.documents.kinds import KINDS, read_document


def in_capitals(block: Block) -> str:
    """A block whose translation has the same words in capitals, in the same places."""
    places = [match.span() for match in re.finditer(r"\S+", block.text)]
    return block.markup(block.text.upper(), [Link(place, place, 1.0) for place in places])


def texts(document: Document) -> list[str]:
    return [block.text for block in document.blocks]


def capitals(name: str, data: str) -> str:
    document = read_document(name, data.encode())
    return document.write([in_capitals(block) for block in document.blocks]).decode()


def unchanged(name: str, data: bytes) -> bytes:
    """The document when every block's translation is its text."""
    document = read_document(name, data)
    return document.write([block.markup(block.text, []) for block in document.blocks])


def test_text_keeps_every_blank() -> None:
    text = "\n\n  First line.  \n\tSecond, and third.\r\n\n\nLast"
    assert capitals("a.txt", text) == "\n\n  FIRST LINE.  \n\tSECOND, AND THIRD.\r\n\n\nLAST"
    assert texts(read_document("a.txt", text.encode())) == ["First line.", "Second, and third.", "Last"]


@pytest.mark.parametrize(
    ("name", "begin", "line_break", "end"),
    [("a.txt", "", "\t", ""), ("a.html", "<p>", "\n", "</p>"), ("a.md", "", "\n", ""), ("a.json", '["', "\\n", '"]')],
)
def test_a_long_line_is_more_than_one_block(name: str, begin: str, line_break: str, end: str) -> None:
    data = f"{begin}{f'He went home. She stayed; so did we.{line_break}' * 2000}{end}\n".encode()
    document = read_document(name, data)
    assert len(document.blocks) > 5
    assert all(len(text) <= 11_000 and text.endswith(".") for text in texts(document))
    assert unchanged(name, data) == data
    assert capitals(name, data.decode()).count("SO DID WE.") == 2000


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_encodings_come_back(encoding: str) -> None:
    document = read_document("a.txt", "Càfé one\ntwo".encode(encoding))
    assert document.write(["một", "hai"]) == "một\nhai".encode(encoding)


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("a.txt", b"\xff\xfe\x00", "UTF-16-LE"),
        ("a.txt", b"caf\xe9", "not UTF-8 .* at byte 3"),
        ("a.txt", b"a\x00b", "NUL"),
        ("a.json", b"{'a': 1}", "not JSON"),
        ("a.json", b"[" * 100_000, "not JSON"),
        ("a.srt", b"no subtitles here", "no subtitles"),
        ("a.po", b"# nothing\n", "no message catalogue"),
        ("a.po", b'msgid "x"\nmsgstr "y\nmsg z', "no message catalogue"),
        ("a.docx", b"PK no zip", "no Word document"),
        ("a.pdf", b"%PDF", r"\.pdf is no kind .* \.txt, .*\.docx"),
        ("README", b"x", "README is no kind"),
    ],
)
def test_what_cannot_be_read_is_named(name: str, data: bytes, words: str) -> None:
    with pytest.raises(DocumentError, match=words):
        read_document(name, data)


MARKDOWN = """---
title: Keep me
---
# A *great* title

Hello **big [world](http://x.y/z "t")** with `code x` and ![img](a.png).
Second line goes on, 2 * 3 and snake_case_name \\*not\\* &amp; fine<br>
third.  \r
Hard break.

> quote one
> goes **on
> here**

- item one
  continued
- [ ] task two
1. first
   ```sh
   make x
   ```

| Head | Other |
|---|:-:|
| a cell | **bold** |
| a\\|b | 7 |

<p align="center">
  <b>Html text</b> <img src="x.png">
</p>

Setext
======

[ref]: http://x
Note[^1] and [a][ref] by <http://auto.link>.

    indented code
"""


def test_markdown() -> None:
    assert texts(read_document("README.md", MARKDOWN.encode())) == [
        "A great title",
        "Hello big world with {\ufdd00} and img. Second line goes on, "
        "2 * 3 and snake_case_name {\ufdd01} {\ufdd02} fine",
        "third.",
        "Hard break.",
        "quote one goes on here",
        "item one continued",
        "task two",
        "first",
        "Head",
        "Other",
        "a cell",
        "bold",
        "7",
        "Html text",
        "Setext",
        "Note{\ufdd00} and a by {\ufdd01}.",
    ]
    found = capitals("README.md", MARKDOWN)
    assert found.lower() == MARKDOWN.lower()
    for kept in (
        "title: Keep me",
        '](http://x.y/z "t")',
        "`code x`",
        "![IMG](a.png)",
        "make x",
        "a\\|b",
        "indented code",
    ):
        assert kept in found
    assert "**BIG [WORLD](" in found
    assert "> GOES **ON\n> HERE**" in found
    assert unchanged("a.md", MARKDOWN.encode()) == MARKDOWN.encode()


@pytest.mark.parametrize(
    ("text", "blocks", "found"),
    [
        ("![A car](a.png)", ["A car"], "![A CAR](a.png)"),
        ("![A car](a.png) ![B](b)", ["A car", "B"], "![A CAR](a.png) ![B](b)"),
        ("[![A car](a.png 't')](x) [![B](b)](y)", ["A car", "B"], "[![A CAR](a.png 't')](x) [![B](b)](y)"),
        ("A ![car](a.png) is", ["A car is"], "A ![CAR](a.png) IS"),
        ("![](a.png) ![logo][] text", ["{\ufdd00} {\ufdd01} text"], "![](a.png) ![logo][] TEXT"),
        ("- [x] Done\n- [ ] not", ["Done", "not"], "- [x] DONE\n- [ ] NOT"),
        ("Press <kbd>Ctrl *x*</kbd>+<code>S</code> now", ["Press {\ufdd00}+{\ufdd01} now"], None),
        ('A <span translate="no">b <b>c</b></span> d', ["A {\ufdd00} d"], 'A <span translate="no">b <b>c</b></span> D'),
        ("A <kbd>never closed", ["A {\ufdd00}"], None),
    ],
)
def test_markdown_says_what_images_show_and_keeps_boxes_and_keys(
    text: str, blocks: list[str], found: str | None
) -> None:
    assert texts(read_document("a.md", text.encode())) == blocks
    kept = re.sub("Press|now", lambda match: match.group().upper(), text)
    assert capitals("a.md", text) == (found or kept)


def test_markdown_lines_are_broken_where_they_were_about() -> None:
    document = read_document("a.md", b"> one two three\n> four five six\n> seven eight nine")
    (block,) = document.blocks
    assert document.write([block.markup("a b c d e f g h i", [])]) == b"> a b c\n> d e f\n> g h i"
    # What would begin a list, or a heading, does not come to stand at the beginning of a line.
    lines = document.write([block.markup("a b c - e f # h i", [])]).decode().split("\n")
    assert " ".join(line.removeprefix("> ") for line in lines) == "a b c - e f # h i"
    assert not any(line.startswith(("> -", "> #")) for line in lines)
    # There are as many lines as there were, even where there is nothing to put on them.
    assert document.write([block.markup("a", [])]) == b"> a\n> \n> "


@pytest.mark.parametrize(
    ("root", "made"),
    [
        ('<html lang="en">', '<html lang="vi">'),
        (
            "<HTML class=a data-lang='x' title=\" lang=en \" LANG = en-US dir=ltr>",
            "<HTML class=a data-lang='x' title=\" lang=en \" LANG = vi dir=ltr>",
        ),
        ("<!-- <html lang='en'> --><html\n lang='EN'>", "<!-- <html lang='en'> --><html\n lang='vi'>"),
        ('<html lang="de">', '<html lang="de">'),
        ('<html lang="en_US">', '<html lang="en_US">'),
        ("<html>", "<html>"),
        ('<p lang="en">', '<p lang="en">'),
    ],
)
def test_the_root_of_a_page_gets_the_language_of_the_translation(root: str, made: str) -> None:
    page = "<!DOCTYPE html>\n{}<p>{} <b lang='en'>{}</b>.</p>"
    english = page.format(root, "The river rises", "again")
    document = read_document("a.html", english.encode())
    found = document.write(["Nước sông lại <b lang='en'>dâng</b>."])
    assert found.decode() == page.format(made, "Nước sông lại", "dâng")
    # What stays in its language stays to the byte.
    assert unchanged("a.html", english.encode()) == english.encode()
    assert document.write(["The river rises <b lang='en'>again</b>."]) == english.encode()


def test_who_speaks_in_a_subtitle_need_not_be_closed() -> None:
    film = "WEBVTT\n\n00:01.000 --> 00:02.000\n<v Anna>I am <c.red>here</c>.\n"
    assert capitals("a.vtt", film) == film.replace("I am", "I AM").replace("here", "HERE")


def test_html_within_markdown_is_read_as_html() -> None:
    document = read_document("a.md", b"<p>Tom &amp; Jerry</p>\n\nPlain & text\n")
    assert texts(document) == ["Tom & Jerry", "Plain & text"]
    assert document.write([block.markup("a < b", []) for block in document.blocks]) == (b"<p>a &lt; b</p>\n\na < b\n")


def test_a_link_by_its_own_name_keeps_its_address() -> None:
    assert capitals("a.md", "See [the page].\n\n[the page]: http://x\n") == (
        "SEE [THE PAGE][the page].\n\n[the page]: http://x\n"
    )


SUBTITLES = """1
00:00:01,000 --> 00:00:02,500
Hello, my <i>dear</i>
friend.

2
00:00:03,000 --> 00:00:04,000 align:start
{\\an8}I met a man who

3
00:00:04,000 --> 00:00:05,000
never came back.

4
00:00:06,000 --> 00:00:07,000
- Who is it?
- Nobody.

"""


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_subtitles(ends: str) -> None:
    data = SUBTITLES.replace("\n", ends)
    document = read_document("film.srt", data.encode())
    assert texts(document) == [
        "Hello, my dear friend.",
        "I met a man who never came back.",
        "Who is it?",
        "Nobody.",
    ]
    found = capitals("film.srt", data)
    assert found.lower() == data.lower()
    assert re.findall(".*-->.*", found) == re.findall(".*-->.*", data)
    assert unchanged("film.vtt", data.encode()) == data.encode()


def test_json() -> None:
    data = '{ "a" : "Hello",\n\t"b": ["two \\"words\\"", 3, "", "12", {"c":"caf\\u00e9"}], "d": null }\n'
    assert capitals("en.json", data) == (
        '{ "a" : "HELLO",\n\t"b": ["TWO \\"WORDS\\"", 3, "", "12", {"c":"CAFÉ"}], "d": null }\n'
    )
    assert unchanged("en.json", data.encode()) == data.encode()
    assert json.loads(capitals("en.json", data)).keys() == {"a", "b", "d"}
    odd = '["half \\ud83d a pair \\ud83d\\ude00"]'
    assert capitals("en.json", odd) == '["HALF \\ud83d A PAIR 😀"]'
    names = '{"locale": "en", "class" : "btn-primary", "title": "home", "type": "Good night", "id:": "yes"}'
    assert capitals("en.json", names) == (
        '{"locale": "en", "class" : "btn-primary", "title": "HOME", "type": "GOOD NIGHT", "id:": "YES"}'
    )


def test_chunks_are_all_blocks_in_order() -> None:
    document = read_document("a.txt", "\n".join(f"Line {i}." for i in range(100)).encode())
    chunks = list(document.chunks(50))
    assert [block.text for chunk in chunks for page in chunk for block in page.blocks] == texts(document)
    assert all(1 <= len(chunk) <= 8 for chunk in chunks)
    assert document.characters == sum(map(len, texts(document)))


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != ".docx"])
@pytest.mark.parametrize(
    "unit",
    ["<", "[", "*", "`", "![", "\\", "&", "1\n00:00:01,000 --> ", '"', "_a", "](", "<!--", "> ", "{\\", "<html a"],
)
def test_the_largest_text_takes_no_long_time(kind: str, unit: str) -> None:
    start = time.process_time()
    with contextlib.suppress(DocumentError):
        read_document(f"a{kind}", (unit * 200_000)[:200_000].encode())
    assert time.process_time() - start < 5


PARAGRAPH = "The *quick* brown fox jumps over the [lazy](http://x.y) dog.\nAnd `so` it goes on for a while.\n\n"


@pytest.mark.parametrize(
    ("name", "begin", "unit", "size"),
    [
        ("a.md", "", "[", 1_000_000),
        ("a.md", "", "![", 1_000_000),
        ("a.md", "", PARAGRAPH, 1_000_000),
        ("a.md", "", "[<code>](x) ", 200_000),
        ("a.md", "", "a<!-- ", 500_000),
        ("a.html", "<code>", "<code ", 1_000_000),
        ("a.html", "", "<kbd>a</kbd>", 500_000),
        ("a.html", "<html", " a=b", 500_000),
        ("a.srt", "1\n00:00:01,000 --> 00:00:02,000\n<", "a", 1_000_000),
    ],
)
def test_the_time_to_read_grows_with_the_length_alone(name: str, begin: str, unit: str, size: int) -> None:
    start = time.process_time()
    read_document(name, (begin + unit * (size // len(unit))).encode())
    assert time.process_time() - start < 5
