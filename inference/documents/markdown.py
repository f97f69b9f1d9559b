"""Markdown: blocks as CommonMark sees them; emphasis, links and code go with their words, all other marks stay."""

import re
from bisect import bisect_right
from collections.abc import Iterator
from typing import Any, NamedTuple

from markdown_it import MarkdownIt
from markdown_it.common.utils import normalizeReference
from markdown_it.token import Token

from inference.blocks import Page
from inference.markup import Reader, end_of_kept, read_html, read_tag_into

_PARSER = MarkdownIt("commonmark").enable("table").disable(["inline", "text_join"])
_FRONT_MATTER = re.compile(r"\A---[ \t]*\n.*?\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
# Lengths are bounded, so that the time to read a text grows with its length alone.
_TARGET = (
    r"(?:\((?:[^()\s\\]|\\.|\([^()\s]{0,500}\)){0,2000}+(?:\s+(?:\"[^\"]{0,500}\"|'[^']{0,500}'))?\s{0,9}\)"
    r"|\[[^\[\]]{0,500}\])"
)
_INLINE = re.compile(
    "|".join(
        (
            r"(?P<code>(?<!`)(?P<ticks>`{1,9}+)[^`]{1,2000}+(?:(?!(?P=ticks)(?!`))`++[^`]{1,2000}+){0,50}+(?P=ticks)(?!`))",
            r"(?P<escape>(?<!\w)\w{0,50}+(?:\\[!-/:-@\[-`{-~]\w{0,50}+|&#?\w{1,31};\w{0,50}+){1,50}+)",
            rf"(?P<image>!\[(?P<alt>(?:[^\[\]\\]|\\.){{0,500}}+)\](?P<source>{_TARGET}))",
            r"(?P<note>\[\^[^\[\]\s]{1,100}\])",
            r"(?P<box>\A\[[ xX]\](?=\s))",
            r"(?P<link>\[(?P<words>(?:[^\[\]\\`!]|\\.|`[^`]{0,500}`|!\[[^\[\]]{0,500}\]\([^()]{0,2000}\)|!){0,2000}+)\]"
            rf"(?P<target>{_TARGET}))",
            r"(?P<shortcut>\[(?P<label>[^\[\]]{1,500})\](?:\[\])?)",
            r"(?P<address><[a-zA-Z][a-zA-Z0-9+.-]{1,31}:[^<>\s]{0,2000}>|<[^<>\s@]{1,100}@[^<>\s]{1,200}>)",
            r"(?P<comment><!--(?:(?!<!--|-->).){0,5000}+-->)",
            r"(?P<tag></?[a-zA-Z][\w-]{0,40}+(?:[^<>\"']|\"[^\"]{0,2000}\"|'[^']{0,2000}'){0,2000}+>)",
            r"(?P<hard>(?: {2,}|\\)\n)",
            r"(?P<soft>[ \t]?\n)",
            r"(?P<mark>\*{1,3}|~~|(?<!\w)_{1,3}|_{1,3}(?!\w))",
        )
    ),
    re.DOTALL,
)
_IMAGE = re.compile(rf"!\[[^\[\]]{{0,500}}+\]{_TARGET}|\](?:{_TARGET})")
"""An image, and the end of a link that may have one for its text."""
_REACH = 2000
"""Characters in which emphasis ends that has begun."""


def read_markdown(text: str) -> Page:
    """Take a Markdown text apart; code, addresses, tags and the marks of its structure are no text."""
    reader = Reader(str, str)
    head = _FRONT_MATTER.match(text)
    end = head.end() if head else 0
    reader.boundary(text[:end])
    env: dict[str, Any] = {}
    for run in _runs(text, end, env):
        reader.boundary(text[end : run.starts[0]])
        end = run.starts[-1] + len(run.lines[-1])
        if run.html:
            reader.add(read_html(text[run.starts[0] : end]))
        else:
            _Inline(reader, text, run, env.get("references", {}))
    reader.boundary(text[end:])
    return reader.page()


class _Run(NamedTuple):
    """A running text, or a block of HTML: its lines, without what they begin with ("> ", blanks), and their places."""

    lines: list[str]
    starts: list[int]
    html: bool


def _runs(text: str, begin: int, env: dict[str, Any]) -> Iterator[_Run]:
    """The running texts and HTML blocks of a text, in order; the addresses that it names go into `env`."""
    starts = [begin + match.start() for match in re.finditer(r"^", text[begin:], re.MULTILINE)] + [len(text)]
    end, rows = begin, (0, 0)
    for token in _PARSER.parse(text[begin:], env):
        rows = (token.map[0], token.map[1]) if token.map else rows
        first, last = (starts[min(row, len(starts) - 1)] for row in rows)
        run = _run(text, token, max(end, first), last) if token.type in ("inline", "html_block") else None
        if run:
            yield run
            end = run.starts[-1] + len(run.lines[-1])


def _run(text: str, token: Token, start: int, stop: int) -> _Run | None:
    """A token's text where it stands. None where it is empty, or not found as it is, such as in a table's cell with an
    escaped bar: then it is not translated.
    """
    lines = [line.lstrip() for line in token.content.rstrip().split("\n")]
    starts = []
    for line in lines:
        place = text.find(line, start, stop)
        if place < 0:
            return None
        starts.append(place)
        start = place + len(line)
    return _Run(lines, starts, token.type == "html_block") if any(lines) else None


class _Inline:
    """Reads the marks within a running text."""

    def __init__(self, reader: Reader, text: str, run: _Run, references: dict[str, Any]) -> None:
        self._reader, self._text, self._run, self._references = reader, text, run, references
        self._content = "\n".join(run.lines)
        self._firsts = [0]
        for line in run.lines:
            self._firsts.append(self._firsts[-1] + len(line) + 1)
        self._open: list[str] = []
        self._alone = not any(map(str.isalnum, _IMAGE.sub("", self._content)))
        self._read(0, len(self._content))

    def _raw(self, start: int, end: int) -> str:
        """What stands between two places of the content, with what lines begin with."""
        return self._text[self._place(start) : self._place(end)]

    def _place(self, place: int) -> int:
        line = bisect_right(self._firsts, place, hi=len(self._run.lines)) - 1
        return self._run.starts[line] + place - self._firsts[line]

    def _read(self, start: int, stop: int) -> None:
        for match in _INLINE.finditer(self._content, start, stop):
            if match.start() < start:
                continue
            self._reader.words(self._raw(start, match.start()))
            start = end_of_kept(self._content, match.group(), match.end(), stop=stop)
            if start > match.end():
                self._reader.keep(self._raw(match.start(), start))
            else:
                self._take(match, stop)
        self._reader.words(self._raw(start, stop))

    def _take(self, match: re.Match[str], stop: int) -> None:
        raw = self._raw(*match.span())
        match match.lastgroup:
            case "hard" | "box":
                self._reader.boundary(raw)
            case "image" if match.group("alt").strip() and match.group("source") != "[]":
                self._image(match.span("alt"), f"]{self._raw(*match.span('source'))}")
            case "soft":
                self._reader.line_break(raw)
            case "link":
                self._link(match.span("words"), f"]{self._raw(*match.span('target'))}")
            case "shortcut" if normalizeReference(match.group("label")) in self._references:
                # The label that is found by its name becomes the text of a link that keeps the name.
                self._link(match.span("label"), f"][{self._raw(*match.span('label'))}]")
            case "shortcut":
                self._reader.words(raw)
            case "tag":
                read_tag_into(self._reader, raw)
            case "mark":
                self._mark(raw, match.start(), match.end(), stop)
            case "comment":
                self._reader.single(raw)
            case _:
                self._reader.keep(raw)

    def _link(self, words: tuple[int, int], closing: str) -> None:
        self._reader.open("[", "[")
        self._read(*words)
        self._reader.close(closing, "[")

    def _image(self, words: tuple[int, int], closing: str) -> None:
        """What is said of an image; images without text around them say it each for itself."""
        if self._alone:
            self._reader.boundary("![")
            self._reader.words(self._raw(*words))
            self._reader.boundary(closing)
        else:
            self._reader.open("![", "![")
            self._reader.words(self._raw(*words))
            self._reader.close(closing, "![")

    def _mark(self, raw: str, start: int, end: int, stop: int) -> None:
        """Emphasis begins before a word and ends behind one; a mark between blanks is a character like others."""
        before, after = self._content[max(0, start - 1) : start], self._content[end : min(end + 1, stop)]
        if self._open[-1:] == [raw] and before.strip():
            self._open.pop()
            self._reader.close(raw, raw)
        elif after.strip() and self._content.find(raw, end, min(stop, end + _REACH)) >= 0:
            self._open.append(raw)
            self._reader.open(raw, raw)
        else:
            self._reader.words(raw)
