"""HTML: what is text is translated, tags stay around the words that they stood around, everything else stays as it is.

A block of text is translated as if it had no tags; then each inline element is put around what its words became, as far
as attention tells. Tags, attributes, comments and what is not to be translated come back byte by byte.
"""

import html
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from inference.alignment import Link, Span
from inference.decoding import Array

_TOKEN = re.compile(r"<!--|<[!?][^<>]*+>|</?[a-zA-Z](?:[^<>\"']|\"[^\"<]*+\"|'[^'<]*+')*+>")
_NAME = re.compile(r"</?([a-zA-Z][\w:-]*)")
_VOID = frozenset("area base br col embed hr img input link meta param source track wbr".split())
_INLINE = frozenset(
    (
        "a abbr acronym b bdi bdo big cite code data del dfn em font i img input ins kbd label mark meter q s samp "
        "small span strike strong sub sup time tt u var wbr"
    ).split()
)
_OPAQUE = frozenset("script style code pre textarea kbd samp var svg math noscript template iframe object".split())
_DEEPEST = 50
"""Elements within each other; what is deeper is a tag by itself."""
_LONGEST = 10_000
"""Characters of a block, then another one begins: so the time to read a text grows with its length alone."""
_SLOT = re.compile("\\{\ue000(\\d+)\\}")
_MARKS = ".,;:!?…()[]\"'“”‘’«»"
_CORE = re.compile(rf"[^\s{re.escape(_MARKS)}](?:.*[^\s{re.escape(_MARKS)}])?", re.DOTALL)
"""A text without the marks at its ends."""
_BREAK = "\ue001"
_LINE_START = re.compile(r"[-+*#>=|:~`]|\d+[.)]")
"""What must not come to stand at the beginning of a line, where it can mean something else."""
_NO_TRANSLATION = re.compile(r"\btranslate\s*=\s*[\"']?no\b|\bclass\s*=\s*[\"'][^\"']*\bnotranslate\b", re.IGNORECASE)


@dataclass
class _Element:
    """An inline tag, or a pair of them with what stands between."""

    opening: str
    closing: str
    span: Span
    """Where its text stands in its block's."""
    glued: bool
    """Whether there is no blank before it."""
    marks: tuple[bool, bool] = (False, False)
    """Whether its text begins, and ends, with marks such as quotes and full stops."""
    children: list["_Element"] = field(default_factory=list)


@dataclass
class Block:
    """A run of text, with inline tags, that is one paragraph."""

    text: str
    """Without tags and entities; what is not to be translated is a slot in braces."""
    elements: list[_Element]
    kept: list[str]
    """What is in the slots."""
    escape: Callable[[str], str]
    """Makes text fit to stand between tags."""
    breaks: list[tuple[int, str]] = field(default_factory=list)
    """Line breaks within the text that mean no more than a blank: where they stand, and what they are."""
    raw: str = ""
    """The block as it was; it is put back when its translation is its text."""

    def markup(self, translation: str, links: Sequence[Link]) -> str:
        """The translation with the elements around what their words became."""
        if self.raw and translation == self.text:
            return self.raw
        words = [match.span() for match in re.finditer(r"\S+", translation)]
        best: dict[Span, tuple[float, Span]] = {}
        for link in links:
            if link.weight > best.get(link.target, (0.0, (0, 0)))[0]:
                best[link.target] = (link.weight, link.source)
        sources = np.array([best[word][1] if word in best else (-1, -1) for word in words]).reshape(-1, 2)
        inserts: list[tuple[int, str]] = []
        _place(self.elements, translation, words, sources, (0, len(words)), inserts)
        broken = self._broken(translation)
        parts, start = [], 0
        for place, tag in inserts:
            parts += [self.escape(broken[start:place]), tag]
            start = place
        marked = "".join([*parts, self.escape(broken[start:])])
        for _, line_break in self.breaks:
            marked = marked.replace(_BREAK, line_break, 1)
        return _SLOT.sub(lambda match: self.kept[int(match.group(1))], marked)

    def _broken(self, translation: str) -> str:
        """The translation with a mark in the place of those blanks that are to be line breaks: lines are about as long,
        beside each other, as they were.
        """
        letters = list(translation)
        gaps = [m.start() for m in re.finditer(r" (?=\S)", translation) if not _LINE_START.match(translation, m.end())]
        for place, _ in self.breaks:
            wanted = place / len(self.text) * len(translation)
            if not gaps:
                letters += _BREAK
                continue
            nearest = min(gaps, key=lambda gap: abs(gap - wanted))
            letters[nearest] = _BREAK
            gaps = [gap for gap in gaps if gap > nearest]
        return "".join(letters)


def _place(
    elements: Sequence[_Element],
    text: str,
    words: Sequence[Span],
    sources: Array,
    within: Span,
    inserts: list[tuple[int, str]],
) -> None:
    """Say where in the translation each tag goes: elements in order, none into another, all `within` these words."""
    found = []
    for number, element in enumerate(elements):
        (start, end), empty = element.span, element.span[0] == element.span[1]
        starts, ends = sources[within[0] : within[1]].T
        mine = within[0] + np.flatnonzero((starts < end) & (start < ends))
        if empty:
            # It stands right behind the word that it stood behind, or else before the next one.
            behind = within[0] + 1 + np.flatnonzero((starts < start) & (start <= ends))
            before = within[0] + np.flatnonzero(starts >= start)
            mine = behind[-1:] if element.glued and behind.size else before[:1]
        first = int(mine[0]) if mine.size else within[1]
        found.append((first, number, first if empty or not mine.size else int(mine[-1]) + 1, element))
    done = within[0]
    for first, _, last, element in sorted(found, key=lambda item: item[:2]):
        first = max(first, done)
        last = max(last, first)
        glued = element.glued and first == last
        begin = words[first - 1][1] if first and (glued or first == len(words)) else words[first][0] if words else 0
        end = words[last - 1][1] if last > first else begin
        if last > first:
            # A mark beside a word is in the element where it was so before.
            core = _CORE.search(text, begin, end)
            begin, end = (
                outer if inside or not core else inner
                for outer, inner, inside in zip(
                    (begin, end), core.span() if core else (0, 0), element.marks, strict=True
                )
            )
        # At the end there is no blank left that could stand before a tag.
        lone = element.span[0] == element.span[1] and not element.glued
        apart = " " if lone and words and first == len(words) else ""
        inserts.append((begin, apart + element.opening))
        _place(element.children, text, words, sources, (first, last), inserts)
        if element.closing:
            inserts.append((end, element.closing))
        done = last


@dataclass
class Page:
    """An HTML text: blocks to be translated, and what stands between them."""

    blocks: list[Block]
    separators: list[str]
    """One more than there are blocks."""

    def join(self, blocks: Sequence[str]) -> str:
        """The text with other blocks in the same places."""
        parts = [self.separators[0]]
        for block, separator in zip(blocks, self.separators[1:], strict=True):
            parts += [block, separator]
        return "".join(parts)


def escape_html(text: str) -> str:
    """Text as it stands between tags."""
    return html.escape(text, quote=False)


def read_html(text: str) -> Page:
    """Take an HTML text apart; whatever its tags are, closed or not, `join` puts every one of them back."""
    reader = Reader(html.unescape, escape_html)
    position = 0
    while position < len(text):
        match = _TOKEN.search(text, position)
        reader.words(text[position : match.start() if match else len(text)])
        if match is None:
            break
        position = _read_comment(reader, text, match) if match.group() == "<!--" else _read_tag(reader, text, match)
    return reader.page()


def _read_comment(reader: "Reader", text: str, match: re.Match[str]) -> int:
    end = text.find("-->", match.end()) + 3
    if end < 3:  # to a browser all the rest is the comment
        reader.boundary(text[match.start() :])
        return len(text)
    reader.single(text[match.start() : end])
    return end


def _read_tag(reader: "Reader", text: str, match: re.Match[str]) -> int:
    """Take a tag, or the whole of an element that is not to be translated; returns where the text goes on."""
    tag = match.group()
    found = _NAME.match(tag)
    if found is None:  # a declaration
        reader.single(tag)
        return match.end()
    name, closes, alone = found.group(1).lower(), tag.startswith("</"), tag.endswith("/>")
    if not closes and not alone and name not in _VOID and (name in _OPAQUE or _NO_TRANSLATION.search(tag)):
        end = _end_of(text, match.end(), name)
        if name in _INLINE:
            reader.keep(text[match.start() : end])
        else:
            reader.boundary(text[match.start() : end])
        return end
    read_tag_into(reader, tag)
    return match.end()


def read_tag_into(reader: "Reader", tag: str) -> None:
    """Take one tag of HTML."""
    found = _NAME.match(tag)
    name = found.group(1).lower() if found else ""
    if name not in _INLINE:
        reader.boundary(tag)
    elif tag.startswith("</"):
        reader.close(tag, name)
    elif tag.endswith("/>") or name in _VOID:
        reader.single(tag)
    else:
        reader.open(tag, name)


def _end_of(text: str, start: int, name: str) -> int:
    """Where an element ends whose opening tag ends at `start`: behind its closing tag, or with the text."""
    depth = 1
    for match in re.compile(rf"<(/?){re.escape(name)}(?=[\s/>])[^>]*>", re.IGNORECASE).finditer(text, start):
        depth += -1 if match.group(1) else 1
        if depth == 0:
            return match.end()
    return len(text)


class Reader:
    """Collects the blocks of a text from its pieces, in order."""

    def __init__(self, plain: Callable[[str], str], escape: Callable[[str], str]) -> None:
        """Take what makes of a piece the text that it shows, and what turns such text back."""
        self._plain, self._escape = plain, escape
        self._blocks: list[Block] = []
        self._separators = [""]
        self._begin()

    def page(self) -> Page:
        """What was read."""
        self.flush()
        return Page(self._blocks, self._separators)

    def _begin(self) -> None:
        self._raw: list[str] = []
        self._text = ""
        self._roots: list[_Element] = []
        self._open: list[tuple[str, _Element]] = []
        self._kept: list[str] = []
        self._breaks: list[tuple[int, str]] = []

    def add(self, page: Page) -> None:
        """A part that was read in another way."""
        self.flush()
        self._separators[-1] += page.separators[0]
        self._blocks += page.blocks
        self._separators += page.separators[1:]

    def words(self, text: str) -> None:
        """Text between tags. White space of any kind is one blank, as in a browser."""
        if len(self._text) > _LONGEST:
            self.flush()
        self._raw.append(text)
        plain = re.sub(r"\s+", " ", self._plain(text))
        self._text += plain.lstrip() if self._text.endswith(" ") or not self._text else plain

    def line_break(self, raw: str) -> None:
        """The end of a line within the text, with what begins the next one."""
        self._raw.append(raw)
        if not self._text.strip():
            return
        self._text = self._text.rstrip() + " "
        self._breaks.append((len(self._text), raw))

    def keep(self, raw: str) -> None:
        """Something within the text that stays as it is."""
        self._raw.append(raw)
        self._text += f"{{\ue000{len(self._kept)}}}"
        self._kept.append(raw)

    def single(self, tag: str) -> None:
        """A tag that has no text."""
        self._raw.append(tag)
        self._add(self._element(tag))

    def _element(self, tag: str) -> _Element:
        place = len(self._text)
        return _Element(tag, "", (place, place), self._text[-1:].strip() != "")

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
        element.closing, element.span = tag, (element.span[0], len(self._text))
        inner = self._text[element.span[0] :].strip()
        element.marks = inner[:1] in _MARKS, inner[-1:] in _MARKS

    def _add(self, element: _Element) -> None:
        (self._open[-1][1].children if self._open else self._roots).append(element)

    def boundary(self, raw: str) -> None:
        """What ends a block, and stands before the next one."""
        self.flush()
        self._separators[-1] += raw

    def flush(self) -> None:
        """End the block."""
        if self._text.strip():
            raw = "".join(self._raw)
            # Blanks around a block are its neighbours': they come back as they were.
            self._separators[-1] += raw[: len(raw) - len(raw.lstrip())]
            text, core = self._text.rstrip(), raw.strip()
            self._blocks.append(Block(text, self._roots, self._kept, self._escape, self._breaks, core))
            self._separators.append(raw[len(raw.rstrip()) :])
        else:
            self._separators[-1] += "".join(self._raw)
        self._begin()
