"""Blocks: a run of text with inline tags that is one paragraph, and how its translation gets them back."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

from inference.alignment import Link
from inference.placing import Element, Placing
from inference.text import Document, cut

LONGEST = 10_000
"""Characters of a block, then another one begins: so the time to read a text grows with its length alone, and a part of
one can be translated in time."""
# Noncharacters, which Unicode keeps for such uses: no text has them.
_HELD, _BREAK = "\ufdd0", "\ufdd1"
_SLOT = re.compile(rf"\{{{_HELD}(\d+)\}}")
_LINE_START = re.compile(r"[-+*#>=|:~`]|\d+[.)]")
"""What must not come to stand at the beginning of a line, where it can mean something else."""


def slot(number: int) -> str:
    """What stands in a block's text for what is not to be translated."""
    return f"{{{_HELD}{number}}}"


_OURS = re.compile("[\ufdd0-\ufddf]")


def without_marks(text: str) -> str:
    """A text without the characters that stand for something here, should it have any."""
    return _OURS.sub("", text)


@dataclass
class Block:
    """A run of text, with inline tags, that is one paragraph."""

    text: str
    """Without tags and entities; what is not to be translated is a slot in braces."""
    elements: list[Element]
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
        broken = self._broken(translation)
        parts, start = [], 0
        for place, tag in Placing(self.text, translation, links).inserts(self.elements):
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

    def apart(self, translation: str, links: Sequence[Link]) -> "Apart | None":
        """The block with what this translation has lost of its elements taken out; None where it has lost none."""
        if self.raw and translation == self.text:
            return None
        lost = Placing(self.text, translation, links).lost(self.elements)
        return _apart(self, sorted(lost, key=lambda element: element.span)) if lost else None


class Apart(NamedTuple):
    """A block with slots for elements of which a translation had no words, and these as blocks of their own."""

    outer: Block
    inner: list[Block]
    tags: list[tuple[str, str]]
    """What stands around each of these."""

    def markup(self, translation: str, links: Sequence[Link], inner: Sequence[str]) -> str:
        """The translation with the elements in the slots."""
        first = len(self.outer.kept) - len(inner)
        self.outer.kept[first:] = [begin + text + end for (begin, end), text in zip(self.tags, inner, strict=True)]
        return self.outer.markup(translation, links)


def _apart(block: Block, lost: Sequence[Element]) -> Apart:
    """Take these elements out, which are in order, and none of them in another."""
    slots = [slot(number) for number in range(len(block.kept), len(block.kept) + len(lost))]
    parts, inner, tags, start = [], [], [], 0
    for element, mark in zip(lost, slots, strict=True):
        first, last = element.span
        text = block.text[first:last]
        lead, trail = text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :]
        children = [child.moved(partial(_before, first + len(lead))) for child in element.children]
        inner.append(Block(text.strip(), children, block.kept, block.escape))
        tags.append((element.opening + lead, trail + element.closing))
        parts += [block.text[start:first], mark]
        start = last

    def place(old: int) -> int:
        """Where a place of the text has gone to."""
        before = [(mark, e.span) for mark, e in zip(slots, lost, strict=True) if e.span[1] <= old]
        return old + sum(len(mark) - (end - start) for mark, (start, end) in before)

    elements = [e.moved(place, lost) for e in block.elements if not any(e is gone for gone in lost)]
    breaks = [(place(old), line_break) for old, line_break in block.breaks]
    text = "".join([*parts, block.text[start:]])
    return Apart(Block(text, elements, [*block.kept, *slots], block.escape, breaks), inner, tags)


def _before(start: int, place: int) -> int:
    """A place as seen from `start`."""
    return max(0, place - start)


def plain_page(text: str, escape: Callable[[str], str] = str) -> "Page":
    """A text without tags as one block, or as several where it is very long. It is written as `escape` writes it."""
    pieces = (
        Document.of((piece, True) for piece in cut(text, LONGEST))
        if len(text) > LONGEST
        else Document((text,), ("", ""))
    )
    blocks = [Block(piece, [], [], escape, raw=escape(piece)) for piece in pieces.sentences]
    return Page(blocks, list(map(escape, pieces.separators)))


@dataclass
class Page:
    """A text taken apart: blocks to be translated, and what stands between them."""

    blocks: list[Block]
    separators: list[str]
    """One more than there are blocks."""

    @property
    def text(self) -> str:
        """The words of its blocks, a line each."""
        return "\n".join(_SLOT.sub("", block.text) for block in self.blocks)

    def add(self, before: str, page: "Page") -> None:
        """Go on with these characters, and then with another page."""
        self.separators[-1] += before + page.separators[0]
        self.blocks += page.blocks
        self.separators += page.separators[1:]

    def ended(self, behind: str) -> "Page":
        """The page with these characters at its end."""
        self.separators[-1] += behind
        return self

    def join(self, blocks: Sequence[str]) -> str:
        """The text with other blocks in the same places."""
        parts = [self.separators[0]]
        for block, separator in zip(blocks, self.separators[1:], strict=True):
            parts += [block, separator]
        return "".join(parts)
