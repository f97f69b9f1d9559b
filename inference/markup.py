"""HTML: what is text is translated, tags stay around the words that they stood around, everything else stays as it is.

A block of text is translated as if it had no tags; then each inline element is put around what its words became, as far
as attention tells. Tags, attributes, comments and what is not to be translated come back byte by byte.
"""

import html
import re
import sys
from collections.abc import Callable

from inference.blocks import LONGEST, Block, Page, slot, without_marks
from inference.placing import Element
from inference.tags import CDATA, HTML, Tags
from inference.text import cut

_TOKEN = re.compile(rf"<!--|{CDATA}|<[!?][^<>]*+>" r"|</?[a-zA-Z](?:[^<>\"']|\"[^\"<]*+\"|'[^'<]*+')*+>")
_NAME = re.compile(r"</?([a-zA-Z][\w:-]*)")
_DEEPEST = 50
"""Elements within each other; what is deeper is a tag by itself."""
_NO_TRANSLATION = re.compile(r"\btranslate\s*=\s*[\"']?no\b|\bclass\s*=\s*[\"'][^\"']*\bnotranslate\b", re.IGNORECASE)


def escape_html(text: str) -> str:
    """Text as it stands between tags."""
    return html.escape(text, quote=False)


def read_html(text: str, tags: Tags = HTML) -> Page:
    """Take an HTML text apart, or one in XML; whatever its tags are, closed or not, `join` puts all of them back."""
    reader = Reader(html.unescape, escape_html)
    position = 0
    while position < len(text):
        match = _TOKEN.search(text, position)
        reader.words(text[position : match.start() if match else len(text)])
        if match is None:
            break
        if match.group() == "<!--":
            position = _read_comment(reader, text, match)
        else:
            position = _read_tag(reader, text, match, tags)
    return reader.page()


def _read_comment(reader: "Reader", text: str, match: re.Match[str]) -> int:
    end = text.find("-->", match.end()) + 3
    if end < 3:  # to a browser all the rest is the comment
        reader.boundary(text[match.start() :])
        return len(text)
    reader.single(text[match.start() : end])
    return end


def _read_tag(reader: "Reader", text: str, match: re.Match[str], tags: Tags) -> int:
    """Take a tag, or the whole of an element that is not to be translated; returns where the text goes on."""
    tag = match.group()
    found = _NAME.match(tag)
    if found is None:  # a declaration, or text that is to be read as it is
        (reader.keep if tag.startswith("<![CDATA[") else reader.single)(tag)
        return match.end()
    name = found.group(1).lower()
    end = end_of_kept(text, tag, match.end(), tags)
    if end > match.end():
        (reader.boundary if tags.split(name) else reader.keep)(text[match.start() : end])
        return end
    read_tag_into(reader, tag, tags)
    return match.end()


def read_tag_into(reader: "Reader", tag: str, tags: Tags = HTML) -> None:
    """Take one tag."""
    found = _NAME.match(tag)
    name = found.group(1).lower() if found else ""
    if tags.split(name):
        reader.boundary(tag)
    elif tag.startswith("</"):
        reader.close(tag, name)
    elif tag.endswith("/>") or name in tags.void:
        reader.single(tag)
    else:
        reader.open(tag, name)


def end_of_kept(text: str, tag: str, start: int, tags: Tags = HTML, stop: int = sys.maxsize) -> int:
    """Where an element that is not to be translated ends, whose opening tag ends at `start`: behind its closing tag, or
    with the text, or at `stop`. Of any other tag it is `start`.
    """
    found = _NAME.match(tag)
    name = found.group(1).lower() if found else ""
    if tag.startswith("</") or tag.endswith("/>") or name in tags.void:
        return start
    if name not in tags.kept and not _NO_TRANSLATION.search(tag):
        return start
    depth = 1
    for match in re.compile(rf"<(/?){re.escape(name)}(?=[\s/>])[^<>]*+>", re.IGNORECASE).finditer(text, start, stop):
        depth += -1 if match.group(1) else 1
        if depth == 0:
            return match.end()
    return min(len(text), stop)


class Reader:
    """Collects the blocks of a text from its pieces, in order."""

    def __init__(self, plain: Callable[[str], str], escape: Callable[[str], str]) -> None:
        """Take what makes of a piece the text that it shows, and what turns such text back."""
        self._plain, self._escape = plain, escape
        self._page = Page([], [""])
        self._begin()

    def page(self) -> Page:
        """What was read."""
        self.flush()
        return self._page

    def _begin(self) -> None:
        self._raw: list[str] = []
        self._text = ""
        self._roots: list[Element] = []
        self._open: list[tuple[str, Element]] = []
        self._kept: list[str] = []
        self._breaks: list[tuple[int, str]] = []

    def add(self, page: Page) -> None:
        """A part that was read in another way."""
        self.flush()
        self._page.add("", page)

    def words(self, text: str) -> None:
        """Text between tags. White space of any kind, be it unbreakable, is one blank."""
        for piece in cut(text, LONGEST) if len(text) > LONGEST else [text]:
            self._limit(len(piece))
            self._raw.append(piece)
            plain = re.sub(r"\s+", " ", without_marks(self._plain(piece)))
            self._text += plain.lstrip() if self._text.endswith(" ") or not self._text else plain

    def _limit(self, more: int) -> None:
        if len(self._text) + more > LONGEST:
            self.flush()

    def line_break(self, raw: str) -> None:
        """The end of a line within the text, with what begins the next one."""
        self._raw.append(raw)
        if not self._text.strip():
            return
        self._text = self._text.rstrip() + " "
        self._breaks.append((len(self._text), raw))

    def keep(self, raw: str) -> None:
        """Something within the text that stays as it is."""
        self._limit(0)
        self._raw.append(raw)
        self._text += slot(len(self._kept))
        self._kept.append(raw)

    def single(self, tag: str) -> None:
        """A tag that has no text."""
        self._raw.append(tag)
        self._add(self._element(tag))

    def _element(self, tag: str) -> Element:
        place = len(self._text)
        return Element(tag, "", (place, place), self._text[-1:].strip() != "")

    def open(self, tag: str, name: str) -> None:
        """The beginning of an inline element."""
        self._raw.append(tag)
        element = self._element(tag)
        self._add(element)
        if len(self._open) < _DEEPEST:
            self._open.append((name, element))

    def close(self, tag: str, name: str) -> None:
        """The end of one; of none that is open, it is a tag by itself."""
        if not self._open or self._open[-1][0] != name:
            self.single(tag)
            return
        self._raw.append(tag)
        _, element = self._open.pop()
        element.close(tag, self._text)

    def _add(self, element: Element) -> None:
        (self._open[-1][1].children if self._open else self._roots).append(element)

    def boundary(self, raw: str) -> None:
        """What ends a block, and stands before the next one."""
        self.flush()
        self._page.ended(raw)

    def flush(self) -> None:
        """End the block. What has not been closed is a tag by itself: what began within it stands beside it."""
        while self._open:
            _, element = self._open.pop()
            (self._open[-1][1].children if self._open else self._roots).extend(element.children)
            element.children = []
        # A line break at the end of a block, and blanks around it, are its neighbours': they come back as they were.
        text, last = self._text.rstrip(), ""
        if self._breaks and self._breaks[-1][0] > len(text):
            _, last = self._breaks.pop()
        raw = "".join(self._raw).removesuffix(last)
        if text:
            lead, trail = raw[: len(raw) - len(raw.lstrip())], raw[len(raw.rstrip()) :] + last
            block = Block(text, self._roots, self._kept, self._escape, self._breaks, raw.strip())
            self._page.add(lead, Page([block], ["", trail]))
        else:
            self._page.ended(raw + last)
        self._begin()
