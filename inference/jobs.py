"""Texts on their way through a model: what waits, what became of the rest. `inference.pools` runs them together."""

import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from inference.alignment import Link, links, of_words, parts, weighed
from inference.decoding import Array, DecodeConfig, Hypothesis, Search
from inference.engine import SentimentGraph, TranslationGraph
from inference.language import is_vietnamese
from inference.sentences import Output, Sentence, links_of, on_words
from inference.spans import NO_TERMS, Terms, mark
from inference.spelling import respelt
from inference.text import Document, is_wordless, split
from inference.tokenizer import Tokenizer

_DONE = object()
_AT_ONCE = 32
"""Sentences that are read without a check."""


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


@dataclass(frozen=True)
class Languages:
    """What reads sentences and writes translations."""

    source: Tokenizer
    target: Tokenizer
    source_language: str
    target_language: str
    decode: DecodeConfig

    @property
    def english_to_vietnamese(self) -> bool:
        """Whether these are the two that most rules around the model are of."""
        return (self.source_language, self.target_language) == ("en", "vi")


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
        """Cut the texts into sentences; without a `beam_size` they have the checkpoint's. A beam is wide enough for one
        hypothesis more than the alternatives wanted.
        """
        super().__init__()
        self._languages, self._alternatives, self._align, self._terms = languages, alternatives, align, terms
        self._beam_size = languages.decode.beam_size if beam_size is None else beam_size
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
            document = split(text).without_marks_around()
            self._documents.append(document)
            within = [document.goes_on(number) for number in range(len(document.sentences))]
            for first in range(0, len(document.sentences), _AT_ONCE):
                check()
                some = slice(first, first + _AT_ONCE)
                self._sentences += self._enter(
                    document.sentences[some], within[some], self._beam_size, self._alternatives + 1, linked=self._align
                )
        self.waiting = deque(sorted(self.waiting, key=_shortness))

    def _cost(self) -> int:
        return sum(sentence.cost for sentence in self.waiting)

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
        return sentence, self._languages.decode.search(sentence.ids, sentence.beam_size, wide=sentence.wide)

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
        texts = map(sentence.restore, self._written(sentence, hypotheses))
        whole = self._languages.target.is_whole
        kept = [
            (text, h, (not whole(h.ids), *sentence.faults(text)))
            for text, h in zip(texts, hypotheses, strict=True)
            if text is not None
        ]
        kept.sort(key=lambda each: (not each[1].finished, each[2]))
        # Two ways of cutting a text into subwords are two hypotheses, but one translation.
        found = tuple(dict.fromkeys(text for text, *_ in kept))
        sentence.best = kept[0][1] if kept else None
        sentence.output = Output(found, bool(kept) and kept[0][1].finished)
        if found and sentence.output.finished and not any(kept[0][2]):
            return True
        wider = self._languages.decode.retry_beam_size
        if wider > 1 and (sentence.beam_size < wider or not sentence.wide):
            # A beam drops loops, and one of its hypotheses may have the marks that the likeliest one lost.
            sentence.beam_size, sentence.wide = max(sentence.beam_size, wider), True
            self.waiting.appendleft(sentence)
            return False
        if found and sentence.is_abbreviation and not sentence.shouted:
            if sentence.is_odd(found[0]):
                sentence.stay()
        elif not found and not sentence.marked.spans:
            # There is nothing to take apart: it is a mark too many that every hypothesis has.
            text = sentence.plain(self._written(sentence, hypotheses[:1])[0])
            sentence.output = Output((text,), hypotheses[0].finished)
        elif not found:
            # Worse language, but nothing is lost.
            sentence.document = sentence.marked.document()
            parts = sentence.document.sentences
            sentence.parts = self._enter(parts, [True] * len(parts), 1, 1, linked=sentence.linked)
            sentence.parts[0].begins = (sentence.begins or not sentence.within) and not any(
                map(str.isalnum, sentence.document.separators[0])
            )
        return True

    def _written(self, sentence: Sentence, hypotheses: Sequence[Hypothesis]) -> list[str]:
        """The texts of hypotheses, spelt as they should be."""
        texts = self._languages.target.decode([hypothesis.ids for hypothesis in hypotheses])
        known = self._languages.english_to_vietnamese
        return [respelt(text, sentence.reading.text) for text in texts] if known else texts

    def advance(self, graph: TranslationGraph) -> None:
        """Do a piece of the linking."""
        if not self._work:
            self._work = self._link(self._unlinked.popleft(), graph)
        if next(self._work, _DONE) is _DONE:
            self._work = None

    def _link(self, sentence: Sentence, graph: TranslationGraph) -> Iterator[None]:
        """Find which words became which."""
        assert sentence.best
        ids, words = sentence.best.ids, sentence.told_apart
        source, target = self._languages.source.pieces(sentence.ids), self._languages.target.pieces(ids)
        text = sentence.marked.ended(self._written(sentence, [sentence.best])[0])
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
        for sentence, separator in zip(sentences, document.separators[1:], strict=True):
            sentence.end_before(separator)
        outputs = [sentence.whole for sentence in sentences]
        most = min(self._alternatives + 1, max((len(output.texts) for output in outputs), default=1))
        texts = [document.join([o.texts[min(i, len(o.texts) - 1)] for o in outputs]) for i in range(most)]
        found = (
            on_words(links_of(document, sentences), document.join(document.sentences), texts[0])
            if self._align or any(sentence.linked for sentence in sentences)
            else []
        )
        log_prob, tokens = (
            sum(each) for each in zip((0.0, 0), *(sentence.evidence for sentence in sentences), strict=True)
        )
        return Result(texts, not all(output.finished for output in outputs), found, math.exp(log_prob / max(1, tokens)))

    def _enter(
        self, texts: Sequence[str], within: Sequence[bool], beam_size: int, wanted: int, *, linked: bool
    ) -> list[Sentence]:
        """Sentences of texts, each with whether it stands within another; those that a model must translate wait, the
        longest first. Each has the beam given, but no narrower one than for the hypotheses wanted.
        """
        target = self._languages.target_language
        marked = [mark(text, target, self._terms, source=self._languages.source_language) for text in texts]
        sentences = [Sentence(m, inner, linked=linked) for m, inner in zip(marked, within, strict=True)]
        for sentence in sentences:
            if self._stays(sentence.marked.text):
                sentence.stay()
        words = [sentence for sentence in sentences if not sentence.output]
        pruned = self._languages.decode.relative_threshold > 0
        for sentence in words:
            sentence.read_by(self._languages.source, english=self._languages.source_language == "en")
            sentence.beam_size, sentence.wide = max(beam_size, wanted), wanted > 1 or not pruned
        self.waiting.extend(sorted(words, key=_shortness))
        return sentences

    def _stays(self, sentence: str) -> bool:
        """Whether a sentence is its own translation: it has no word (a number, an emoji), or is Vietnamese already
        where that is the target.
        """
        return is_wordless(sentence) or (self._languages.target_language == "vi" and is_vietnamese(sentence))


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
