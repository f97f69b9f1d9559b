"""Files that go through the shipped translator come back whole: all that is no text as it was, all that is changed."""

import json
import re
from collections import Counter
from html.parser import HTMLParser

import polib
import pytest
from conftest import ROOT

from inference.documents.kinds import read_document
from inference.predictors import TranslationPredictor

NEWS = """<!DOCTYPE html>
<html lang="en">
<head><title>The river rises again</title><style>p { color: #333 }</style></head>
<body>

<h1>The river rises <em>again</em></h1>
<p class="by">By <a href="/people/anna">Anna Smith</a> &amp; Tom Brown &#8212; 3 May 2024</p>

<p><img src="/img/river.jpg" alt="The river in May"> More than 200 families left their homes on
Friday, said <a href="https://example.org/?a=1&amp;b=2" title="a > b">the <strong>local council</strong></a>.</p>
<ul>
  <li>The school is <b>closed</b> until Monday.</li>
  <li>Water costs &lt; 5 dollars a bottle.</li>
</ul>

<p>Write to @<span class="user">anna</span> or run <code>river --level</code> to see the level.<br>Stay safe!</p>
<!-- the end -->
</body>
</html>
"""

README = """# A small library

It reads **every file** in a folder, and [writes a report](docs/report.md "The report").

## How to use it

1. Install it with `pip install small`.
2. Then run `small --all` in your *home* folder:

```sh
small --all   # this is no text
```

| Option | What it does |
|:-------|-------------:|
| `--all` | reads all files |
| `--fast` | is less careful |

> It is free, and it will stay free.

![A picture of a report](report.png)

- [ ] Write more tests
- [x] Read the [guide](https://example.org/guide)
"""

FILM = """1
00:00:01,000 --> 00:00:03,500
Where have you been
all this time?

2
00:00:04,000 --> 00:00:06,250
- I was at <i>home</i>.
- Nobody believes you.

3
00:00:07,000 --> 00:00:09,000 align:start
We have to leave now.

"""

CATALOG = """msgid ""
msgstr ""
"Language: vi\\n"
"Content-Type: text/plain; charset=UTF-8\\n"
"Plural-Forms: nplurals=1; plural=0;\\n"

#: src/open.c:7
#, c-format
msgid "The file %s could not be opened."
msgstr ""

#, python-brace-format
msgid "Hello {name}, you have {count} new messages."
msgstr ""

msgid "Save"
msgstr "Lưu lại"

#, c-format
msgid "%d file was deleted."
msgid_plural "%d files were deleted."
msgstr[0] ""

msgid "Read <a href=\\"%(url)s\\">the rules</a> before you write."
msgstr ""
"""

MESSAGES = """{
  "title": "Welcome to our shop",
  "cart": { "empty": "Your cart is empty.", "total": "You pay {amount} for {count} things.", "most": 99 },
  "links": ["Read our <b>terms</b> first.", "", "https://example.org/terms"],
  "open": true
}
"""


@pytest.fixture(scope="module")
def predictor() -> TranslationPredictor:
    return TranslationPredictor.load(ROOT / "checkpoints" / "translation-en-vi")


def translated(predictor: TranslationPredictor, name: str, text: str) -> str:
    """A file's translation, in which every block has some text."""
    document = read_document(name, text.encode())
    pages = [page for chunk in document.chunks(2000) for page in chunk]
    blocks = [result.text for result in predictor.predict_pages(pages)]
    assert all(map(str.strip, blocks))
    return document.write(blocks).decode()


class Nesting(HTMLParser):
    """Which tag stands in which, and how often; that each is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open, self.pairs = [""], Counter[tuple[str, str]]()
        self.feed(text)
        assert self.open == [""]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        self.pairs[self.open[-1], tag] += 1
        if tag not in ("br", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def blank_lines(text: str) -> list[int]:
    return [number for number, line in enumerate(text.split("\n")) if not line.strip()]


def test_a_page_of_news(predictor: TranslationPredictor) -> None:
    found = translated(predictor, "news.html", NEWS)
    tags = re.compile(r"<!--.*?-->|<(?:[^<>\"]|\"[^\"]*\")*>")
    assert Counter(tags.findall(found)) == Counter(tags.findall(NEWS.replace('lang="en"', 'lang="vi"')))
    assert Nesting(found).pairs == Nesting(NEWS).pairs
    assert len(blank_lines(found)) == len(blank_lines(NEWS))
    assert not re.search(r"&(?!amp;|lt;|#8212;)", found)
    assert "&lt; 5" in found
    assert "@<span" in found
    for kept in ("p { color: #333 }", "<code>river --level</code>", "<!-- the end -->"):
        assert kept in found
    for gone in ("The river rises", "families", "closed", "bottle", "Stay safe"):
        assert gone not in re.sub("<[^<>]*>", "", found)


def test_a_readme(predictor: TranslationPredictor) -> None:
    found = translated(predictor, "README.md", README)
    assert blank_lines(found) == blank_lines(README)
    for pattern in (
        r"`[^`\n]+`",
        r"\]\([^()]*\)",
        r"```sh\n.*?```",
        r"\|:-+\|-+:\|",
        r"!\[",
        r"\*\*",
        r"(?<!\*)\*(?!\*)",
    ):
        kept = re.compile(pattern, re.DOTALL)
        assert Counter(kept.findall(found)) == Counter(kept.findall(README))
    beginnings = re.compile(r"^(?:#+ |\d\. |> |- \[[ x]\] |\||```)", re.MULTILINE)
    assert beginnings.findall(found) == beginnings.findall(README)
    assert [line.count("|") for line in found.split("\n")] == [line.count("|") for line in README.split("\n")]
    for gone in ("small library", "every file", "How to use", "reads all", "picture", "more tests", "guide]"):
        assert gone not in found


def test_subtitles(predictor: TranslationPredictor) -> None:
    found = translated(predictor, "film.srt", FILM)
    kept = re.compile(r"^\d+$|^.*-->.*$|^- |</?i>", re.MULTILINE)
    assert kept.findall(found) == kept.findall(FILM)
    assert blank_lines(found) == blank_lines(FILM)
    assert all(len(cue.split("\n")) > 2 for cue in found.strip().split("\n\n"))
    for gone in ("Where", "home", "Nobody", "leave"):
        assert gone not in found


def test_a_catalogue(predictor: TranslationPredictor) -> None:
    found = translated(predictor, "vi.po", CATALOG)
    entries = list(zip(polib.pofile(found), polib.pofile(CATALOG), strict=True))
    holes = re.compile(r"%(?:\(\w+\))?[a-z]|\{\w+\}|</?a[^<>]*>")
    for entry, was in entries:
        assert (entry.msgid, entry.msgid_plural, entry.occurrences) == (was.msgid, was.msgid_plural, was.occurrences)
        assert set(entry.flags) - {"fuzzy"} == set(was.flags)
        made = entry.msgstr or entry.msgstr_plural[0]
        assert sorted(holes.findall(made)) == sorted(holes.findall(was.msgid_plural or was.msgid))
        assert made.strip() != was.msgid
    assert [entry.msgstr for entry, _ in entries if not entry.fuzzy] == ["Lưu lại"]
    assert found.startswith(CATALOG[: CATALOG.index("#: src")])


def test_messages_in_json(predictor: TranslationPredictor) -> None:
    found, was = json.loads(translated(predictor, "en.json", MESSAGES)), json.loads(MESSAGES)
    assert (list(found), list(found["cart"])) == (list(was), list(was["cart"]))
    assert (found["cart"]["most"], found["open"], found["links"][1:]) == (99, True, was["links"][1:])
    assert sorted(re.findall(r"\{\w+\}", found["cart"]["total"])) == ["{amount}", "{count}"]
    assert re.findall("</?b>", found["links"][0]) == ["<b>", "</b>"]
    for text, before in ((found["title"], was["title"]), (found["cart"]["empty"], was["cart"]["empty"])):
        assert text
        assert text != before
