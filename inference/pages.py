"""Pages on their way through a model: what a translation has lost of their inline elements is asked for once more."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import chain

from inference.alignment import Span
from inference.blocks import Apart, Block, Page
from inference.decoding import Hypothesis
from inference.engine import TranslationGraph
from inference.jobs import Check, Languages, Result, TranslationJob
from inference.placing import Element
from inference.sentences import Sentence
from inference.spans import Terms


class TranslationRequest(TranslationJob):
    """Texts to be translated, or pages: then the texts of their blocks are."""

    def __init__(
        self,
        languages: Languages,
        texts: Sequence[str],
        pages: Sequence[Page],
        beam_size: int | None,
        alternatives: int,
        *,
        align: bool,
        terms: Terms,
        check: Check,
    ) -> None:
        self.pages = pages
        self._blocks = [block for page in pages for block in page.blocks]
        self._apart: dict[int, Apart] | None = None
        texts = [*texts, *(block.text for block in self._blocks)]
        super().__init__(languages, texts, beam_size, alternatives, align=align, terms=terms, check=check)
        self._find_edges(self._blocks)
        self.cost = self._cost()

    def _find_edges(self, blocks: Sequence[Block]) -> None:
        """Find the words where elements begin and end of the last blocks that were added; where there are none, nobody
        asks which words became which.
        """
        documents = self._documents[len(self._documents) - len(blocks) :]
        sentences = iter(self._sentences[len(self._sentences) - sum(len(each.sentences) for each in documents) :])
        for block, document in zip(blocks, documents, strict=True):
            place = 0
            for before, text in zip(document.separators, document.sentences, strict=False):
                place += len(before)
                sentence = next(sentences)
                sentence.linked = bool(block.elements)
                edges = _edges(block.elements, (place, place + len(text)))
                sentence.edges = _near(edges, sentence.marked.source_words()) if edges else []
                place += len(text)

    def end(self, sentence: Sentence, hypotheses: Sequence[Hypothesis]) -> None:
        """See `TranslationJob`."""
        super().end(sentence, hypotheses)
        self._ask_again()

    def advance(self, graph: TranslationGraph) -> None:
        """See `TranslationJob`."""
        super().advance(graph)
        self._ask_again()

    def _ask_again(self) -> None:
        """After the last sentence, let blocks that have lost something wait once more."""
        if not (self._blocks and self.finished and self._apart is None):
            return
        found = zip(self._blocks, super().result(), strict=True)
        apart = [block.apart(result.texts[0], result.links) for block, result in found]
        self._apart = {number: each for number, each in enumerate(apart) if each}
        self.add([text for each in self._apart.values() for text in (each.outer.text, *map(_alone, each.inner))])
        self._find_edges([block for each in self._apart.values() for block in (each.outer, *each.inner)])

    def result(self) -> list[Result]:
        """What became of each text, or page."""
        results = super().result()
        if not self.pages:
            return results
        again = iter(results[len(self._blocks) :])
        marked = []
        for number, (block, found) in enumerate(zip(self._blocks, results, strict=False)):
            apart = (self._apart or {}).get(number)
            better = _again(apart, next(again), again) if apart else None
            marked.append(better if better and better.score >= _LEAST * found.score else _marked(block, found))
        blocks = iter(marked)
        return [_page(page, [next(blocks) for _ in page.blocks]) for page in self.pages]


_NEAR = 1
"""Words on either side of where an element begins or ends, that may be what a word came from."""


def _edges(elements: Sequence[Element], within: Span) -> set[int]:
    """Where in a part of a block elements begin and end that are not all of it, from its beginning."""
    first, last = within
    found = set[int]()
    for element in elements:
        start, end = element.span
        if start < last and first < end and not (start <= first and last <= end):
            found |= {max(start, first) - first, min(end, last) - first}
        found |= _edges(element.children, within)
    return found


def _near(edges: set[int], words: Sequence[Span]) -> list[int]:
    """The numbers of the words near these places."""
    starts = [start for start, _ in words]
    middles = [bisect_left(starts, edge) for edge in edges]
    near = chain.from_iterable(range(middle - _NEAR, middle + _NEAR) for middle in middles)
    return sorted({number for number in near if 0 <= number < len(words)})


_LEAST = 0.75
"""How sure the second translation must be beside the first."""


def _alone(block: Block) -> str:
    """What is translated of a text that stood within another: a word by itself can mean anything, and stays."""
    return block.text if " " in block.text else ""


def _marked(block: Block, found: Result) -> Result:
    """A block with its tags."""
    return found._replace(texts=[block.markup(found.texts[0], found.links)], links=[])


def _again(apart: Apart, outer: Result, inner: Iterator[Result]) -> Result:
    """A block of which something had been lost, with its tags."""
    texts = [
        block.markup(found.texts[0] or block.text, found.links)
        for block, found in zip(apart.inner, inner, strict=False)
    ]
    return outer._replace(texts=[apart.markup(outer.texts[0], outer.links, texts)], links=[])


def _page(page: Page, blocks: Sequence[Result]) -> Result:
    text = page.join([block.texts[0] for block in blocks])
    least = min((block.score for block in blocks), default=1.0)
    return Result([text], any(block.truncated for block in blocks), [], least)
