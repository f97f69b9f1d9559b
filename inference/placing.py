"""Where inline elements go in a translation: around the words that attended to theirs.

Each word of the translation has shares in those of the source. An element goes around the run of words for which the
odds that they are its own, rather than any other's, multiply to the most: so a word of little share is in it where it
stands between two of much, and at an end it is not.
"""

import heapq
import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from operator import itemgetter

import numpy as np
import numpy.typing as npt

from inference.alignment import BoolArray, Link, Span

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
_MARKS = ".,;:!?…()[]\"'“”‘’«»"
_CORE = re.compile(rf"[^\s{re.escape(_MARKS)}](?:.*[^\s{re.escape(_MARKS)}])?", re.DOTALL)
"""A text without the marks at its ends."""
_LEAST = 0.15
"""The share from which a word can be an element's."""
_DOUBT = 0.1
"""Added to both sides of odds: no share is quite 0, or 1."""
_NEVER = -1e6
"""The log-odds of a word that is another element's."""
_LINK = re.compile(r"<a\b|!?\[", re.IGNORECASE)
_CONTENT = re.compile(r"[^\W\d_]{4,}")
"""A word that says something, rather than "the" or "is"."""


@dataclass
class Element:
    """An inline tag, or a pair of them with what stands between."""

    opening: str
    closing: str
    span: Span
    """Where its text stands in its block's."""
    glued: bool
    """Whether there is no blank before it."""
    marks: tuple[bool, bool] = (False, False)
    """Whether its text begins, and ends, with marks such as quotes and full stops."""
    children: list["Element"] = field(default_factory=list)

    @property
    def empty(self) -> bool:
        """Whether it has no text."""
        return self.span[0] == self.span[1]

    def close(self, tag: str, text: str) -> None:
        """End it with a tag, behind what is now its block's text."""
        inner = text[self.span[0] :].strip()
        self.closing, self.span = tag, (self.span[0], len(text))
        self.marks = inner[:1] in _MARKS, inner[-1:] in _MARKS

    def moved(self, place: Callable[[int], int], gone: Sequence["Element"] = ()) -> "Element":
        """The same in a text whose places are others, without those children that are gone."""
        children = [child.moved(place, gone) for child in self.children if not any(child is each for each in gone)]
        return replace(self, span=(place(self.span[0]), place(self.span[1])), children=children)


def _is_said(text: str) -> bool:
    """Whether it has a letter or a digit."""
    return any(map(str.isalnum, text))


def _shares(weights: FloatArray, sources: IntArray, targets: IntArray) -> FloatArray:
    """The shares of links: a weight counts by what part it is of all that the source word gets, since what attends to
    everything says little of any; those of each target add up to 1.
    """
    if not weights.size:
        return weights
    _, columns = np.unique(sources, return_inverse=True)
    shares = weights * weights / np.bincount(columns, weights)[columns]
    found: FloatArray = shares / np.bincount(targets, shares)[targets]
    return found


class Placing:
    """A text and its translation, word by word."""

    def __init__(self, source: str, text: str, links: Sequence[Link]) -> None:
        """The links of each word of the translation become its shares, which add up to 1."""
        self._source, self._text = source, text
        self._words = [match.span() for match in re.finditer(r"\S+", text)]
        self._said = np.array([_is_said(text[start:end]) for start, end in self._words], dtype=bool)
        # What was kept whole may be several words, each of which is linked as it is.
        found = sorted(
            ((link, number) for link in links for number in self._within(link.target)), key=lambda each: each[0].source
        )
        self._starts, self._ends = [link.source[0] for link, _ in found], [link.source[1] for link, _ in found]
        self._targets = np.array([number for _, number in found], dtype=np.intp)
        self._shares = _shares(np.array([link.weight for link, _ in found]), np.array(self._starts), self._targets)
        self._sources = np.full((len(self._words), 2), -1)
        for number in np.argsort(-self._shares, kind="stable")[::-1]:
            self._sources[self._targets[number]] = found[number][0].source

    def _within(self, span: Span) -> range:
        """The numbers of the translation's words that a span has."""
        first = bisect_left(self._words, span[0], key=itemgetter(0))
        return range(first, bisect_right(self._words, span[1], key=itemgetter(1)))

    def lost(self, elements: Sequence[Element]) -> list[Element]:
        """The elements of which no word of the translation is, and those that have got the words of others too; but
        where no more would be lost than the emphasis of a word.
        """
        within, whole = (0, len(self._words)), (0, len(self._source))
        lost = self._lost(elements, within, whole)
        if lost:
            return lost
        ranges = [span for span in self._ranges(elements, within, whole) if span]
        free = np.setdiff1d(np.flatnonzero(self._said), [word for span in ranges for word in range(*span)])
        return [e for e in elements if self._is_worth(e)] if not free.size and self._others(elements, whole) else []

    def _others(self, elements: Sequence[Element], whole: Span) -> bool:
        """Whether a word outside the elements says something."""
        return bool(elements) and _CONTENT.search(self._around(elements, whole)) is not None

    def _lost(self, elements: Sequence[Element], within: Span, whole: Span) -> list[Element]:
        lost = []
        for element, span in zip(elements, self._ranges(elements, within, whole), strict=True):
            if span:
                lost += self._lost(element.children, span, element.span)
            elif self._is_worth(element):
                lost.append(element)
        return lost

    def _is_worth(self, element: Element) -> bool:
        """Whether an element is asked for once more: a link, some words, or a word that looks like a name."""
        text = self._source[slice(*element.span)].strip()
        name = element.span[0] > 0 and not text[:1].islower()
        return _is_said(text) and (name or " " in text or _LINK.match(element.opening) is not None)

    def _has_text(self, element: Element) -> bool:
        return _is_said(self._source[slice(*element.span)])

    def _around(self, elements: Sequence[Element], whole: Span) -> str:
        """What of a part of the source stands around the elements in it."""
        places = [whole[0], *(place for element in elements for place in element.span), whole[1]]
        return " ".join(self._source[start:end] for start, end in zip(places[::2], places[1::2], strict=True))

    def _ranges(self, elements: Sequence[Element], within: Span, whole: Span) -> list[Span | None]:
        """The words of each element, which are no other's; the surest choose first."""
        texts = [number for number, element in enumerate(elements) if self._has_text(element)]
        if len(texts) == 1 and within[0] < within[1] and not _is_said(self._around(elements, whole)):
            return [within if number in texts else None for number in range(len(elements))]
        own = [self._own(element) for element in elements]
        # A word of which one part is in one element and one in another is neither's.
        owners = np.zeros(len(self._shares), dtype=np.intp)
        for number in texts:
            owners[own[number]] += 1
        shares = np.where(owners > 1, 0, self._shares)
        free = np.zeros(len(self._words), dtype=bool)
        free[slice(*within)] = True
        ranges: list[Span | None] = [None] * len(elements)
        kept = {number: self._kept(elements[number]) for number in texts}
        for number, span in kept.items():
            if span and free[slice(*span)].all() and list(kept.values()).count(span) == 1:
                ranges[number] = span
        for span in filter(None, ranges):
            free[slice(*span)] = False
        queue = [(*self._run(own[number], shares, free), number) for number in texts if not ranges[number]]
        heapq.heapify(queue)
        while queue:
            _, (first, last), number = heapq.heappop(queue)
            if free[first:last].all():
                if first < last:
                    ranges[number] = (first, last)
                free[first:last] = False
            else:
                heapq.heappush(queue, (*self._run(own[number], shares, free), number))
        return ranges

    def _kept(self, element: Element) -> Span | None:
        """The word of the translation that an element's one word, or the word that it is in, still is: a name, a number
        or an address says better than attention whose it is. None where that is a small-lettered word, which another
        language may have too, or not just one of either text.
        """
        start, stop = element.span
        inner = self._source[start:stop].strip()
        before = self._source[:start].rpartition(" ")[2]
        core = _CORE.search(before + inner + self._source[stop:].partition(" ")[0])
        word = core.group() if core else ""
        if len(word) < 3 or not inner or (word.isalpha() and word.islower()) or re.search(r"\s", word):
            return None
        once = [number for number, (first, last) in enumerate(self._words) if word in self._text[first:last]]
        return (once[0], once[0] + 1) if len(once) == 1 and self._source.count(word) == 1 else None

    def _own(self, element: Element) -> slice:
        """Which links are of an element's words, be it in part."""
        first, last = element.span
        return slice(bisect_right(self._ends, first), bisect_left(self._starts, last))

    def _run(self, own: slice, shares: FloatArray, free: BoolArray) -> tuple[float, Span]:
        """The run of free words that has the greatest odds, and their logarithm, negative; an empty run where none has
        a share that counts.
        """
        share = np.bincount(self._targets[own], shares[own], minlength=1)
        can = np.flatnonzero((share >= _LEAST) & (self._said & free)[: len(share)])
        if not can.size:
            return 0.0, (0, 0)
        near = slice(can[0], can[-1] + 1)
        odds = np.log((share[near] + _DOUBT) / (1 - share[near] + _DOUBT))
        odds[~self._said[near]] = 0  # marks by themselves are nobody's
        odds[~free[near]] = _NEVER
        total = np.concatenate([[0], np.cumsum(odds)])
        gain = total[1:] - np.minimum.accumulate(total)[:-1]
        last = int(gain.argmax()) + 1
        first = last - 1 - int(total[last - 1 :: -1].argmin())
        return -float(gain[last - 1]), (int(can[0]) + first, int(can[0]) + last)

    def inserts(self, elements: Sequence[Element]) -> list[tuple[int, str]]:
        """Where in the translation each tag goes, in order: elements stand in order, none crosses another."""
        inserts: list[tuple[int, str]] = []
        self._place(elements, (0, len(self._words)), (0, len(self._source)), inserts)
        return inserts

    def _place(self, elements: Sequence[Element], within: Span, whole: Span, inserts: list[tuple[int, str]]) -> None:
        ranges = self._ranges(elements, within, whole)
        free = self._said.copy()
        for taken in filter(None, ranges):
            free[slice(*taken)] = False
        found = []
        for number, (element, span) in enumerate(zip(elements, ranges, strict=True)):
            if span is None and self._has_text(element):
                span = self._nearest(element, within, whole, free)
            span = span or (self._beside(element, within),) * 2
            found.append((span[0], number, span[1], element))
        done = within[0]
        for first, _, last, element in sorted(found, key=lambda item: item[:2]):
            first = max(first, done)
            last = max(last, first)
            self._insert(element, first, last, inserts)
            done = last

    def _nearest(self, element: Element, within: Span, whole: Span, free: BoolArray) -> Span | None:
        """The word that attended to the element most, or else stands about where it stood, of those that are free."""
        words = within[0] + np.flatnonzero(free[slice(*within)])
        if not words.size:
            return None
        own = self._own(element)
        share = np.bincount(self._targets[own], self._shares[own], minlength=len(self._words))[words]
        place = (element.span[0] - whole[0]) / max(1, whole[1] - whole[0])
        wanted = within[0] + place * (within[1] - within[0])
        word = int(words[np.lexsort((np.abs(words - wanted), -share))[0]])
        free[word] = False
        return word, word + 1

    def _beside(self, element: Element, within: Span) -> int:
        """The word before which a tag without text goes."""
        place = element.span[0]
        starts, ends = self._sources[slice(*within)].T
        if not element.empty:
            return within[1]
        if not self._source[:place].strip():
            return within[0]
        # It stands right behind the word that it stood behind, or else before the next one.
        behind = within[0] + 1 + np.flatnonzero((starts < place) & (place <= ends))
        before = within[0] + np.flatnonzero(starts >= place)
        mine = behind[-1:] if element.glued and behind.size else before[:1]
        return int(mine[0]) if mine.size else within[1]

    def _insert(self, element: Element, first: int, last: int, inserts: list[tuple[int, str]]) -> None:
        """Put an element around these words, or between two, and its children within."""
        words = self._words
        glued = element.glued and first == last
        begin = words[first - 1][1] if first and (glued or first == len(words)) else words[first][0] if words else 0
        end = words[last - 1][1] if last > first else begin
        if last > first:
            begin, end = self._trimmed(element, begin, end)
        # At the end there is no blank left that could stand before a tag.
        lone = element.empty and not element.glued
        apart = " " if lone and words and first == len(words) else ""
        # Tags stand in order, whatever marks their words begin with.
        done = inserts[-1][0] if inserts else 0
        inserts.append((max(begin, done), apart + element.opening))
        self._place(element.children, (first, last), element.span, inserts)
        if element.closing:
            inserts.append((max(end, inserts[-1][0]), element.closing))

    def _trimmed(self, element: Element, begin: int, end: int) -> Span:
        """An element's part of the translation without what stood beside it, in its first and last word, and does so
        still: the "@" of "@<b>anna</b>". A mark beside a word is in the element where it was so before.
        """
        start, stop = element.span
        inner, text = self._source[start:stop], self._text[begin:end]
        before = "" if inner.startswith(" ") else self._source[:start].rpartition(" ")[2]
        behind = "" if inner.endswith(" ") else self._source[stop:].partition(" ")[0]
        if len(before) + len(behind) < len(text):
            begin += len(before) if text.startswith(before) else 0
            end -= len(behind) if text.endswith(behind) else 0
        core = _CORE.search(self._text, begin, end)
        first, last = core.span() if core else (begin, end)
        return begin if element.marks[0] else first, end if element.marks[1] else last
