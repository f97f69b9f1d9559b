"""Synthetic pairs: a translator makes the side that a corpus lacks, so that a model can train on it.

Made sources are back-translation (Sennrich et al. 2016): of a target language there is more text than there are pairs.
Made targets are sequence-level distillation (Kim & Rush 2016): what a beam, or a larger model, would have said.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from sacrebleu.metrics.chrf import CHRF

from inference.checkpoint import Checkpoint, open_checkpoint
from inference.language import foreign_names
from inference.predictors import TranslationPredictor
from inference.text import LINE_BREAK_TAG, normalise, split
from training.corpora import Corpus, read
from training.data import key, split_off
from training.errors import InputError
from training.making import Making

_MAX_CHARACTERS = 1000
"""Longer texts are left out, as they are from other training text."""


@dataclass(frozen=True)
class MadeCorpus:
    """A corpus of one language, and how its other side is made."""

    corpus: Corpus
    gives: Literal["source", "target"]
    """The side that the corpus has."""
    checkpoint: str
    """The folder of the translator that makes the other side."""
    rows: int = 0
    """Only so many texts, chosen by their hash from wherever they stand; 0: all."""
    beam_size: int = 1
    nearest: bool = False
    """Of the beam's hypotheses, take the most like what the corpus has on the other side, by chrF: what the translator
    can say, and nearest to what a person said (the interpolation of Kim & Rush 2016, section 3.3)."""
    least: float = 0.0
    """Leave out a nearest one of less than this share of the person's characters: a model learns to leave out what the
    beam has left out."""
    faithful: bool = False
    """Keep a pair only where both sides have the same numbers in digits, above twelve (months have names in one
    language and numbers in the other), and the other side every foreign name of the Vietnamese one: a weak translator
    loses and invents such. Of a beam's hypotheses the first such one is taken."""
    sentences: bool = False
    """Cut the texts into sentences first."""
    mark: str = ""
    """Put before every made source, so that the model can tell it from a real one (Caswell et al. 2019)."""

    def __post_init__(self) -> None:
        if self.rows < 0 or self.beam_size < 1:
            raise ValueError(
                f"rows is {self.rows} and beam_size {self.beam_size}: give 0 (all) or more, and 1 (greedy) or more"
            )
        if self.nearest and self.faithful:
            raise ValueError("nearest and faithful each choose among hypotheses: give one of them")
        if self.nearest and self.sentences:
            raise ValueError("nearest wants a person's translation of each sentence: there is none of what is cut")
        if self.nearest and self.beam_size == 1:
            raise ValueError("nearest is true, but beam_size is 1: a beam has others to choose from")
        if not 0 <= self.least <= 1:
            raise ValueError(f"least is {self.least}: give a share of the person's characters, 0 to 1")
        if self.least and not self.nearest:
            raise ValueError(f"least is {self.least}, but nearest is false: there is no person's text to measure by")
        if self.mark and self.gives == "source":
            raise ValueError(f"mark is {self.mark!r}, but this corpus gives its sources: only made ones are marked")

    @property
    def makes(self) -> Literal["source", "target"]:
        """The side that is made."""
        return "target" if self.gives == "source" else "source"


class Synthesis:
    """Makes a corpus in a folder."""

    def __init__(self, made: MadeCorpus, languages: tuple[str, str], directory: Path, root: Path) -> None:
        """Take the languages to translate from and to; the given texts are found below `root`.

        Raises InputError when what is in `directory` was made in another way.
        """
        self.made, self.languages = made, languages
        self._rows = _rows(made, root)
        given: dict[str, list[str]] = {
            made.gives: [row.text for row in self._rows],
            "origin": [row.origin for row in self._rows],
        }
        how = {name: getattr(made, name) for name in ("beam_size", "mark", "nearest", "least", "faithful")}
        self._making = Making(directory, made.makes, given, how)

    def _translator(self) -> Checkpoint:
        checkpoint = open_checkpoint(Path(self.made.checkpoint), "translation")
        theirs = checkpoint.config["source_language"], checkpoint.config["target_language"]
        if theirs != self.languages:
            needed, found = (f"{one!r} to {other!r}" for one, other in (self.languages, theirs))
            raise InputError(f"{checkpoint.path} translates from {found}: name a translator from {needed}")
        return checkpoint

    def pairs(self) -> Corpus:
        """What was made, as a corpus to train on. Raises InputError when it is not whole yet."""
        return self._making.corpus(self.made.corpus.weights, self.made.corpus.weight)

    def run(self, processes: int) -> None:
        """Make what is still to be made.

        Raises KeyboardInterrupt when told to stop, after the lines under way; CheckpointError, or InputError when the
        checkpoint is not the one that made the lines so far, or translates between other languages.
        """
        if self._making.done() < len(self._rows):
            makers = {"checkpoint": self._translator().version}
            self._making.run(self._rows, makers, _begin, (self.made,), _translate, processes)
        elif Path(self.made.checkpoint).exists():
            self._making.tell({"checkpoint": self._translator().version})


class _Row(NamedTuple):
    text: str
    """What is translated."""
    like: str
    """What its translation shall be like; "": as the translator likes."""
    origin: str


def _rows(made: MadeCorpus, root: Path) -> list[_Row]:
    """The given texts, each once."""
    fields = (made.gives, "origin", *((made.makes,) if made.nearest else ()))
    fit: dict[str, _Row] = {}
    for _, (given, origin, *like) in read(made.corpus, fields, root):
        if made.corpus.weights.get(origin, made.corpus.weight) == 0:
            continue
        texts = split(LINE_BREAK_TAG.sub("\n", given)).sentences if made.sentences else [given]
        for text in map(normalise, texts):
            if 0 < len(text) <= _MAX_CHARACTERS:
                fit.setdefault(text, _Row(text, normalise("".join(like)), origin))
    if not fit:
        raise InputError(f"{made.corpus} has no texts")
    rows = list(fit.values())
    return [rows[i] for i in split_off(list(map(key, fit)), made.rows or len(rows), seed=0)]


_predictor: TranslationPredictor
_made: MadeCorpus


def _begin(made: MadeCorpus) -> None:
    """Load a process's translator."""
    global _predictor, _made
    _predictor = TranslationPredictor(open_checkpoint(Path(made.checkpoint), "translation"), batch_rows=64)
    _made = made


def _translate(rows: Sequence[_Row]) -> list[str]:
    others = _made.beam_size - 1 if _made.nearest or _made.faithful else 0
    results = _predictor.predict([row.text for row in rows], _made.beam_size, alternatives=others)
    return [
        _chosen(row, [normalise(text) for text in (result.text, *result.alternatives)])
        for row, result in zip(rows, results, strict=True)
    ]


def _chosen(row: _Row, hypotheses: Sequence[str]) -> str:
    """The hypothesis to learn from; none is "", which is no row to train on."""
    if _made.faithful:
        config = _predictor.checkpoint.config
        languages = [config["source_language"], config["target_language"]]
        hypotheses = [text for text in hypotheses if _is_faithful((row.text, text), languages)]
    if not hypotheses:
        return ""
    if not _made.nearest:
        return _made.mark + hypotheses[0]
    chosen = max(hypotheses, key=lambda text: _likeness(text, row.like))
    return _made.mark + chosen if len(chosen) >= _made.least * len(row.like) else ""


def _is_faithful(pair: tuple[str, str], languages: Sequence[str]) -> bool:
    one, other = (
        {number for digits in _DIGITS.findall(text) if int(number := re.sub("[.,]", "", digits)) > _MONTHS}
        for text in pair
    )
    if one != other:
        return False
    return all(
        foreign_names(pair[side]) <= set(re.findall(r"[^\W\d_]+", pair[1 - side].lower()))
        for side, language in enumerate(languages)
        if language == "vi"
    )


_DIGITS = re.compile(r"[0-9]+(?:[.,][0-9]+)*")
_MONTHS = 12


_CHRF = CHRF()


def _likeness(text: str, like: str) -> float:
    return float(_CHRF.sentence_score(text, [like]).score) if like else 0.0
