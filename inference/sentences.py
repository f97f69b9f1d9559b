"""A sentence on its way through a translator: what is read of it, what was found, which of its words became which."""

import math
import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import NamedTuple

from inference.abbreviations import spelt_out
from inference.alignment import Link, Span
from inference.decoding import Hypothesis, is_odd
from inference.quotes import double_quoted, quoted_like
from inference.readings import Reading, readings
from inference.spans import Marked
from inference.spelling import lost_numbers
from inference.text import (
    BETWEEN_PIECES,
    Document,
    begun_like,
    gone_on,
    is_abbreviation,
    is_shouted,
    narrow,
    unshout,
)
from inference.tokenizer import Tokenizer

_FEW = 2
"""Words of a sentence of which a translation's length says nothing."""
_MOST_EDGES = 32
"""Words of a sentence that are told apart."""


class Output(NamedTuple):
    """A sentence's translations, best first, and whether the end token of the best one came."""

    texts: tuple[str, ...]
    finished: bool


class Tried(NamedTuple):
    """A reading of a sentence, and what was found for it."""

    reading: Reading
    output: Output | None
    best: Hypothesis | None

    def merit(self) -> tuple[bool, float]:
        """Whether there is something that came to its end, and how likely its tokens are: the more, the better."""
        done = self.output is not None and bool(self.output.texts) and self.output.finished
        return done, self.best.log_prob / (len(self.best.ids) + self.best.finished) if self.best else -math.inf


@dataclass(eq=False)
class Sentence:
    """A sentence on its way."""

    marked: Marked
    """Links and the like are marks, while the model works."""
    within: bool = False
    """Whether it stands between spans of another one, or goes on with the one before."""
    begins: bool = False
    """Whether it is the beginning of the sentence that it stands within."""
    linked: bool = False
    """Whether it is to be said which of its words became which,"""
    edges: list[int] = field(default_factory=list)
    """and the numbers of words of which attention says too little, since an element begins or ends there."""
    beam_size: int = 1
    wide: bool = False
    """Whether its beam keeps what it has room for, however unlikely."""
    reading: Reading = field(default_factory=lambda: Reading("", []))
    """What the model reads,"""
    requoted: bool = False
    """perhaps with other quotes,"""
    others: list[Reading] = field(default_factory=list)
    """what it is to read, too, where a text is short,"""
    tried: list[Tried] = field(default_factory=list)
    """and what it has read."""
    output: Output | None = None
    best: Hypothesis | None = None
    """What the best translation was decoded from."""
    links: list[Link] = field(default_factory=list)
    document: Document | None = None
    """Where no search kept every span: what stands around the spans,"""
    parts: list["Sentence"] = field(default_factory=list)
    """and that as sentences of their own."""

    @property
    def ids(self) -> list[int]:
        """What the model reads, in its subwords."""
        return self.reading.ids

    @property
    def shouted(self) -> bool:
        """All in capitals, which the model has hardly seen: they are taken off, and put on again."""
        text = self.marked.text
        return is_shouted(text) or (text.isupper() and self.reading.text != narrow(text))

    def read_by(self, tokenizer: Tokenizer, *, english: bool = False) -> None:
        """Take what the model is to read, of a text that is in English or in some language."""
        text = narrow(self.marked.text)
        text = spelt_out(double_quoted(text)) if english else text
        self.requoted = english
        alone = not (self.within or self.marked.spans)
        found = readings(text, tokenizer.encode) if alone else [Reading(text, tokenizer.encode([text])[0])]
        if is_shouted(text) and [reading.text for reading in found] == [text]:
            text = unshout(text)
            found = [Reading(text, tokenizer.encode([text])[0])]
        self.reading, *self.others = found

    def read_on(self) -> bool:
        """Whether there is another reading, which is then the sentence's; else the best of all is."""
        if not (self.others or self.tried):
            return False
        self.tried.append(Tried(self.reading, self.output, self.best))
        if self.others:
            self.reading = self.others.pop()
            return True
        self.reading, self.output, self.best = max(self.tried, key=Tried.merit)
        return False

    def restore(self, translation: str) -> str | None:
        """A translation with spans and capitals back; None when it has lost a span."""
        return self.marked.restore(self._cased(translation))

    def plain(self, translation: str) -> str:
        """A translation of what has no spans, without marks that the model made up."""
        return self.marked.plain(self._cased(translation))

    def faults(self, translation: str) -> tuple[bool, int]:
        """What speaks against a translation, with spans back, while there is another: that it is odd, and how many
        numbers it has lost.
        """
        return self.is_odd(translation), lost_numbers(translation, self._source)

    @property
    def _source(self) -> str:
        return self.marked.restore(self.marked.text) or self.marked.text

    def is_odd(self, translation: str) -> bool:
        """Whether a translation is none: see `is_odd`. Of so few words anything may do, but an abbreviation becomes no
        word.
        """
        source = self._source
        if self.is_abbreviation and not self.shouted:
            return not (" " in translation or is_abbreviation(translation))
        return len(source.split()) > _FEW and is_odd(source, translation)

    @property
    def is_abbreviation(self) -> bool:
        """Whether it is one, and nothing else: then its translation is one too, or some words."""
        return is_abbreviation(self.marked.text)

    def stay(self) -> None:
        """Be its own translation."""
        self.output, self.best = Output((self._source,), True), None
        places = zip(self.marked.source_words(), self.marked.words(self.marked.text), strict=True)
        self.links = [Link(source, target, 1.0) for source, target in places]

    def end_before(self, separator: str) -> None:
        """Leave a comma or semicolon to what stands behind: a translator ends what it takes for a sentence."""
        if self.output and separator[:1] in tuple(BETWEEN_PIECES) and not self.marked.text.endswith(tuple(_STOPS)):
            self.output = self.output._replace(texts=tuple(map(_unended, self.output.texts)))

    @property
    def told_apart(self) -> list[int]:
        """The numbers of words that evidence is asked for: `edges`, but none where there are too many."""
        return self.edges if len(self.edges) <= _MOST_EDGES else []

    @property
    def cost(self) -> int:
        """Tokens that the model reads for it."""
        return len(self.ids) * (self.beam_size + self.linked * (1 + len(self.told_apart)))

    @property
    def whole(self) -> Output:
        """What was found, or what was found for its parts, put together."""
        if self.document:
            parts = [part.whole for part in self.parts]
            return Output((self.document.join([part.texts[0] for part in parts]),), all(p.finished for p in parts))
        assert self.output
        return self.output

    @property
    def evidence(self) -> tuple[float, int]:
        """The log-probability of what its translation was decoded from, and how many tokens that has."""
        if self.document:
            log_probs, tokens = zip((0.0, 0), *(part.evidence for part in self.parts), strict=True)
            return sum(log_probs), sum(tokens)
        return (self.best.log_prob, len(self.best.ids) + self.best.finished) if self.best else (0.0, 0)

    def _cased(self, translation: str) -> str:
        translation = quoted_like(translation, self.marked.text) if self.requoted else translation
        if self.shouted:
            return translation.upper()
        goes_on = self.within and not self.begins
        return (gone_on if goes_on else begun_like)(translation, self.marked.text)


_STOPS = ".,;"


def _unended(text: str) -> str:
    return text if text.endswith("v.v.") else text.rstrip(_STOPS) or text


def links_of(document: Document, sentences: Sequence[Sentence], sources: Document | None = None) -> list[Link]:
    """The links of sentences and of the words between them, seen from the beginning of the document that they make, and
    of the one that they were made of.
    """
    sources = sources or document
    found: list[Link] = []
    source = target = 0
    for number, (before, behind) in enumerate(zip(sources.separators, document.separators, strict=True)):
        pairs = zip(_ALONE.finditer(before), _ALONE.finditer(behind), strict=False)
        found += [Link(one.span(), other.span(), 1.0).moved(source, target) for one, other in pairs]
        source, target = source + len(before), target + len(behind)
        if number < len(sentences):
            sentence, inner = sentences[number], sentences[number].links
            if sentence.document:
                inner = links_of(sentence.document, sentence.parts, sentence.marked.source_document())
            found += [link.moved(source, target) for link in inner]
            source += len(sources.sentences[number])
            target += len(sentence.whole.texts[0])
    return found


_ALONE = re.compile(r"(?<!\S)\S+(?!\S)")


def on_words(links: Sequence[Link], source: str, target: str) -> list[Link]:
    """The same links of whole words, with the marks around them that were separators."""
    sources, targets = ([match.span() for match in re.finditer(r"\S+", text)] for text in (source, target))
    return [Link(_whole(link.source, sources), _whole(link.target, targets), link.weight) for link in links]


def _whole(span: Span, words: Sequence[Span]) -> Span:
    first, last = (bisect_right(words, place, key=itemgetter(0)) - 1 for place in (span[0], span[1] - 1))
    return words[first][0], words[last][1]
