"""Texts on their way through a model: what waits, what became of the rest. `inference.pools` runs them together."""

import math
import re
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import NamedTuple

import numpy as np

from inference.alignment import Link, Span, links, of_words, parts, weighed
from inference.decoding import Array, DecodeConfig, Hypothesis, Search, is_odd
from inference.engine import SentimentGraph, TranslationGraph
from inference.language import is_vietnamese
from inference.readings import Reading, readings
from inference.spans import NO_TERMS, Marked, Terms, mark
from inference.text import (
    Document,
    begun_like,
    gone_on,
    is_abbreviation,
    is_shouted,
    is_wordless,
    narrow,
    split,
    unshout,
)
from inference.tokenizer import Tokenizer

_DONE = object()
_AT_ONCE = 32
"""Sentences that are read without a check."""
_FEW = 2
"""Words of a sentence of which a translation's length says nothing."""


Check = Callable[[], None]
"""Called time and again while texts are read, which takes its time: what it raises ends that."""


def no_check() -> None:
    """Let all texts be read."""


class Job:
    """Texts that one caller has sent together."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        """Why there is no result."""
        self.cost = 0
        """Tokens that a model reads for it."""


class Result(NamedTuple):
    """What became of a text."""

    texts: list[str]
    """Its translations, best first."""
    truncated: bool
    """Whether a sentence may lack its end, since it came to its length bound or turned in a loop."""
    links: list[Link]
    """Which words of the text the best translation's are, where that was asked for."""
    score: float
    """How sure the translator is of the best one: the geometric mean of the probabilities of its tokens."""


class Output(NamedTuple):
    """A sentence's translations, best first, and whether the end token of the best one came."""

    texts: tuple[str, ...]
    finished: bool


@dataclass(frozen=True)
class Languages:
    """What reads sentences and writes translations."""

    source: Tokenizer
    target: Tokenizer
    target_language: str
    decode: DecodeConfig


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
    """Whether it stands between spans of another one."""
    linked: bool = False
    """Whether it is to be said which of its words became which,"""
    edges: list[int] = field(default_factory=list)
    """and the numbers of words of which attention says too little, since an element begins or ends there."""
    beam_size: int = 1
    reading: Reading = field(default_factory=lambda: Reading("", []))
    """What the model reads,"""
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

    def read_by(self, tokenizer: Tokenizer) -> None:
        """Take what the model is to read."""
        text = narrow(self.marked.text)
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

    def is_odd(self, translation: str) -> bool:
        """Whether a translation, with spans back, is none to be taken while there is another: see `is_odd`. Of so few
        words anything may do, but an abbreviation becomes no word.
        """
        source = self.marked.restore(self.marked.text) or self.marked.text
        if self.is_abbreviation and not self.shouted:
            return not (" " in translation or is_abbreviation(translation))
        return len(source.split()) > _FEW and is_odd(source, translation)

    @property
    def is_abbreviation(self) -> bool:
        """Whether it is one, and nothing else: then its translation is one too, or some words."""
        return is_abbreviation(self.marked.text)

    def stay(self) -> None:
        """Be its own translation."""
        self.output, self.best = Output((self.marked.restore(self.marked.text) or "",), True), None
        places = zip(self.marked.source_words(), self.marked.words(self.marked.text), strict=True)
        self.links = [Link(source, target, 1.0) for source, target in places]

    def _cased(self, translation: str) -> str:
        if self.shouted:
            return translation.upper()
        return (gone_on if self.within else begun_like)(translation, self.marked.text)


def _shortness(sentence: Sentence) -> int:
    """By which the longest come first, so that like ones meet."""
    return -len(sentence.ids)


class TranslationJob(Job):
    """Texts to be translated, sentence by sentence; every blank and newline between sentences stays."""

    def __init__(
        self,
        languages: Languages,
        texts: Sequence[str],
        beam_size: int | None,
        alternatives: int,
        *,
        align: bool = False,
        terms: Terms = NO_TERMS,
        check: Check = no_check,
    ) -> None:
        """Cut the texts into sentences; without a `beam_size` each has what suits it. A beam is wide enough for one
        hypothesis more than the alternatives wanted.
        """
        super().__init__()
        self._languages, self._alternatives, self._align, self._terms = languages, alternatives, align, terms
        self._beam_size = beam_size
        self._documents: list[Document] = []
        self._sentences: list[Sentence] = []
        self._running = 0
        self.waiting: deque[Sentence] = deque()
        self._unlinked: deque[Sentence] = deque()
        self._work: Iterator[None] | None = None
        """The linking of a sentence that has begun."""
        self.add(texts, check)
        self.cost = self._cost()

    def add(self, texts: Sequence[str], check: Check = no_check) -> None:
        """More texts to be translated."""
        for text in texts:
            check()
            document = split(text).without_list_marks()
            self._documents.append(document)
            for first in range(0, len(document.sentences), _AT_ONCE):
                check()
                some = document.sentences[first : first + _AT_ONCE]
                self._sentences += self._enter(some, self._beam_size, self._alternatives + 1, linked=self._align)
        self.waiting = deque(sorted(self.waiting, key=_shortness))

    def _cost(self) -> int:
        return sum(len(s.ids) * (s.beam_size + s.linked * (1 + len(_told_apart(s)))) for s in self.waiting)

    @property
    def linking(self) -> bool:
        """Whether there are sentences that have their translation, but not their links."""
        return bool(self._unlinked or self._work)

    @property
    def finished(self) -> bool:
        """Whether nothing is left to do."""
        return not (self.waiting or self._running or self.linking)

    def begin(self) -> tuple[Sentence, Search]:
        """Take the next sentence that waits, and how to search for its translation."""
        sentence = self.waiting.popleft()
        self._running += 1
        return sentence, self._languages.decode.search(sentence.ids, sentence.beam_size)

    def end(self, sentence: Sentence, hypotheses: Sequence[Hypothesis]) -> None:
        """Take what was found for a sentence; it may have to be searched for again, or in another reading."""
        self._running -= 1
        if not self._is_settled(sentence, hypotheses):
            return
        if sentence.read_on():
            self.waiting.appendleft(sentence)
        elif sentence.linked and sentence.best:
            self._unlinked.append(sentence)

    def _is_settled(self, sentence: Sentence, hypotheses: Sequence[Hypothesis]) -> bool:
        """Take what was found for a reading of a sentence; whether it need not be searched for again."""
        texts = map(sentence.restore, self._languages.target.decode([h.ids for h in hypotheses]))
        whole = self._languages.target.is_whole
        kept = [
            (text, h, sentence.is_odd(text) or not whole(h.ids))
            for text, h in zip(texts, hypotheses, strict=True)
            if text is not None
        ]
        kept.sort(key=lambda each: (not each[1].finished, each[2]))
        # Two ways of cutting a text into subwords are two hypotheses, but one translation.
        found = tuple(dict.fromkeys(text for text, *_ in kept))
        sentence.best = kept[0][1] if kept else None
        sentence.output = Output(found, bool(kept) and kept[0][1].finished)
        if found and sentence.output.finished and not kept[0][2]:
            return True
        wider = self._languages.decode.retry_beam_size
        if sentence.beam_size < wider:
            # A beam drops loops, and one of its hypotheses may have the marks that the likeliest one lost.
            sentence.beam_size = wider
            self.waiting.appendleft(sentence)
            return False
        if found and sentence.is_abbreviation and not sentence.shouted:
            if sentence.is_odd(found[0]):
                sentence.stay()
        elif not found and not sentence.marked.spans:
            # There is nothing to take apart: it is a mark too many that every hypothesis has.
            text = sentence.plain(self._languages.target.decode([hypotheses[0].ids])[0])
            sentence.output = Output((text,), hypotheses[0].finished)
        elif not found:
            # Worse language, but nothing is lost.
            sentence.document = sentence.marked.document()
            sentence.parts = self._enter(sentence.document.sentences, 1, 1, within=True, linked=sentence.linked)
        return True

    def advance(self, graph: TranslationGraph) -> None:
        """Do a piece of the linking."""
        if not self._work:
            self._work = self._link(self._unlinked.popleft(), graph)
        if next(self._work, _DONE) is _DONE:
            self._work = None

    def _link(self, sentence: Sentence, graph: TranslationGraph) -> Iterator[None]:
        """Find which words became which."""
        assert sentence.best
        ids, words = sentence.best.ids, _told_apart(sentence)
        source, target = self._languages.source.pieces(sentence.ids), self._languages.target.pieces(ids)
        text = sentence.marked.ended(self._languages.target.decode([ids])[0])
        places = sentence.marked.source_words(), sentence.marked.words(text)
        attention, evidence = yield from graph.align(sentence.ids, ids, parts(source, words))
        sentence.links = links(attention, source, target, *places)
        if sentence.links and words:
            known = of_words(evidence, target, words, len(places[0]))
            sentence.links = weighed(sentence.links, known, *places)

    def result(self) -> list[Result]:
        """What became of each text."""
        sentences = iter(self._sentences)
        return [self._joined(document, [next(sentences) for _ in document.sentences]) for document in self._documents]

    def _joined(self, document: Document, sentences: Sequence[Sentence]) -> Result:
        outputs = [_output(sentence) for sentence in sentences]
        most = min(self._alternatives + 1, max((len(output.texts) for output in outputs), default=1))
        texts = [document.join([o.texts[min(i, len(o.texts) - 1)] for o in outputs]) for i in range(most)]
        found = (
            _on_words(_links(document, sentences), document.join(document.sentences), texts[0])
            if self._align or any(sentence.linked for sentence in sentences)
            else []
        )
        log_prob, tokens = (sum(each) for each in zip((0.0, 0), *map(_evidence, sentences), strict=True))
        return Result(texts, not all(output.finished for output in outputs), found, math.exp(log_prob / max(1, tokens)))

    def _enter(
        self, texts: Sequence[str], beam_size: int | None, least: int, *, within: bool = False, linked: bool
    ) -> list[Sentence]:
        """Sentences of texts; those that a model must translate wait, the longest first. Each has the beam given, or
        what suits it, but no narrower one than `least`.
        """
        marked = [mark(text, self._languages.target_language, self._terms) for text in texts]
        sentences = [Sentence(m, within, linked) for m in marked]
        for sentence in sentences:
            if self._stays(sentence.marked.text):
                sentence.stay()
        words = [sentence for sentence in sentences if not sentence.output]
        for sentence in words:
            sentence.read_by(self._languages.source)
            wanted = self._languages.decode.beam_for(sentence.ids) if beam_size is None else beam_size
            sentence.beam_size = max(wanted, least)
        self.waiting.extend(sorted(words, key=_shortness))
        return sentences

    def _stays(self, sentence: str) -> bool:
        """Whether a sentence is its own translation: it has no word (a number, an emoji), or is Vietnamese already
        where that is the target.
        """
        return is_wordless(sentence) or (self._languages.target_language == "vi" and is_vietnamese(sentence))


_MOST_EDGES = 32
"""Words of a sentence that are told apart; where there are more, all is left to attention."""


def _told_apart(sentence: Sentence) -> list[int]:
    return sentence.edges if len(sentence.edges) <= _MOST_EDGES else []


def _output(sentence: Sentence) -> Output:
    if sentence.document:
        parts = [_output(part) for part in sentence.parts]
        return Output((sentence.document.join([part.texts[0] for part in parts]),), all(p.finished for p in parts))
    assert sentence.output
    return sentence.output


def _evidence(sentence: Sentence) -> tuple[float, int]:
    """The log-probability of what a sentence's translation was decoded from, and its tokens."""
    if sentence.document:
        log_probs, tokens = zip((0.0, 0), *map(_evidence, sentence.parts), strict=True)
        return sum(log_probs), sum(tokens)
    best = sentence.best
    return (best.log_prob, len(best.ids) + best.finished) if best else (0.0, 0)


def _links(document: Document, sentences: Sequence[Sentence], sources: Document | None = None) -> list[Link]:
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
                inner = _links(sentence.document, sentence.parts, sentence.marked.source_document())
            found += [link.moved(source, target) for link in inner]
            source += len(sources.sentences[number])
            target += len(_output(sentence).texts[0])
    return found


_ALONE = re.compile(r"(?<!\S)\S+(?!\S)")


def _on_words(links: Sequence[Link], source: str, target: str) -> list[Link]:
    """The same links of whole words, with the marks around them that were separators."""
    sources, targets = ([match.span() for match in re.finditer(r"\S+", text)] for text in (source, target))
    return [Link(_whole(link.source, sources), _whole(link.target, targets), link.weight) for link in links]


def _whole(span: Span, words: Sequence[Span]) -> Span:
    first, last = (bisect_right(words, place, key=itemgetter(0)) - 1 for place in (span[0], span[1] - 1))
    return words[first][0], words[last][1]


class SentimentJob(Job):
    """Texts to be classified, each read in equal windows of at most so many tokens."""

    def __init__(self, rows: Sequence[Sequence[int]], window: int) -> None:
        """Take the ids of each text."""
        super().__init__()
        counts = [max(1, math.ceil(len(row) / window)) for row in rows]
        self._windows = [np.array_split(np.array(row, dtype=np.int64), n) for row, n in zip(rows, counts, strict=True)]
        self.cost = sum(map(len, rows))
        self.waiting = deque((i, part) for i, parts in enumerate(self._windows) for part in parts)
        self._log_probs: list[list[Array]] = [[] for _ in rows]

    @property
    def finished(self) -> bool:
        """Whether nothing is left to do."""
        return not self.waiting

    def advance(self, graph: SentimentGraph) -> None:
        """Classify the next window."""
        text, window = self.waiting[0]
        self._log_probs[text].append(graph.classify(window.tolist()))
        self.waiting.popleft()

    def result(self) -> list[Array]:
        """The log-probabilities `(C,)` of each text's classes, not made to add up to 1: the mean of its windows', by
        length, so that no word is left out.
        """
        return [
            np.average(found, axis=0, weights=[max(1, len(window)) for window in windows])
            for found, windows in zip(self._log_probs, self._windows, strict=True)
        ]
