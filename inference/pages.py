"""Pages on their way through a model: what a translation has lost of their inline elements is asked for once more."""

from collections.abc import Iterator, Sequence

from inference.blocks import Apart, Block, Page
from inference.engine import TranslationGraph
from inference.jobs import Languages, Result, Sentence, TranslationJob
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
    ) -> None:
        self.pages = pages
        self._blocks = [block for page in pages for block in page.blocks]
        self._apart: dict[int, Apart] | None = None
        texts = [*texts, *(block.text for block in self._blocks)]
        super().__init__(languages, texts, beam_size, alternatives, align=align, terms=terms)

    def link(self, sentence: Sentence, graph: TranslationGraph) -> None:
        """See `TranslationJob`; after the last sentence, blocks that have lost something wait once more."""
        super().link(sentence, graph)
        if self._blocks and self.finished and self._apart is None:
            found = zip(self._blocks, super().result(), strict=True)
            apart = [block.apart(result.texts[0], result.links) for block, result in found]
            self._apart = {number: each for number, each in enumerate(apart) if each}
            self.add([text for each in self._apart.values() for text in (each.outer.text, *map(_alone, each.inner))])

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
