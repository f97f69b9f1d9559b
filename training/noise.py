"""What training texts go through, anew each time that they are seen: so that a model copes with how people write."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TypeVar

import numpy as np

from training.antonyms import turned_round
from training.names import swap_names
from training.numbers import NumberWords, Pair, change_numbers

_STOPS = ".!?…"
Choice = TypeVar("Choice")


def _check_shares(config: "NoiseConfig | TextNoiseConfig") -> None:
    for field in fields(config):
        if not 0 <= getattr(config, field.name) <= 1:
            raise ValueError(f"{field.name} is {getattr(config, field.name)}: give 0 to 1")


@dataclass(frozen=True)
class NoiseConfig:
    """Shares of the training rows, 0 to 1; 0 leaves the rows as they are."""

    lower: float = 0.0
    """Sources in small letters; what they are to become keeps its own."""
    titled: float = 0.0
    """Sources With Every Word In Capitals, as headings are."""
    unpunctuated: float = 0.0
    """Sources without the mark at their end; a translation loses its own too."""
    copied: float = 0.0
    """Rows in which both sides get the same link, address, placeholder, code, number, name or emoji, made up at random:
    what is to be copied is never learnt by heart (Currey et al. 2017, who copy whole sentences)."""
    numbers: float = 0.0
    """Rows in which the numbers that both sides have are changed into others, in digits or in words."""
    subword_dropout: float = 0.0
    """For BPE, the share of merges that are left out (BPE-dropout, Provilkov et al. 2020); for a unigram model, the
    smoothing of the distribution that segmentations are drawn from (Kudo 2018, section 3.3)."""

    def __post_init__(self) -> None:
        _check_shares(self)
        if self.lower + self.titled > 1:
            raise ValueError(f"lower {self.lower} and titled {self.titled} are shares of the same rows: give at most 1")


@dataclass(frozen=True)
class TextNoiseConfig:
    """Shares of a classifier's training rows, 0 to 1; 0 leaves the rows as they are."""

    unmarked: float = 0.0
    """Texts whose letters lose their marks, as Vietnamese typed in haste: "dep qua" for "đẹp quá"."""
    renamed: float = 0.0
    """Texts in which other people are named, of other peoples, so that these decide nothing."""
    flipped: float = 0.0
    """Texts, `positive` or `negative`, that are turned round where they can be (see `training.antonyms`)."""

    def __post_init__(self) -> None:
        _check_shares(self)

    def disturb(self, row: Pair, rng: np.random.Generator) -> Pair:
        """A text and its label, with the noise that `rng` draws for them."""
        unmarked, renamed, flipped = rng.random(3)
        text, label = row
        if flipped < self.flipped:
            text, label = turned_round(text, label)
        if renamed < self.renamed:
            text = swap_names(text, rng)
        return (without_marks(text) if unmarked < self.unmarked else text), label


def without_marks(text: str) -> str:
    """A text in the letters that have no marks, đ among those that have."""
    letters = unicodedata.normalize("NFD", text.replace("đ", "d").replace("Đ", "D"))
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


class Noise:
    """The noise of a pair of languages.

    Raises:
        ValueError: numbers are to be changed, and the number words of a language are not known.
    """

    def __init__(self, config: NoiseConfig, source_language: str, target_language: str) -> None:
        self.config, self.target_language = config, target_language
        self._words = (NumberWords(source_language), NumberWords(target_language)) if config.numbers else None

    def disturb(self, row: Pair, rng: np.random.Generator) -> Pair:
        """A pair of source and translation, with the noise that `rng` draws for it."""
        config = self.config
        case, unpunctuated, copied, numbers = rng.random(4)
        if self._words and numbers < config.numbers:
            row = change_numbers(row, self._words, rng)
        source, target = row
        if unpunctuated < config.unpunctuated and source.rstrip(_STOPS):
            source, target = source.rstrip(_STOPS), target.rstrip(_STOPS) or target
        if case < config.lower:
            source = source.lower()
        elif case < config.lower + config.titled:
            source = re.sub(r"(?<!\S)[a-z]", lambda match: match.group().upper(), source)
        if copied < config.copied:
            words = [word for word in source.split() if word.isascii() and word.isalpha() and len(word) > 2]
            source, target = _with_copy(source, target, literal(rng, words), rng)
        return source, target


def _with_copy(source: str, target: str, copy: str, rng: np.random.Generator) -> Pair:
    """Put `copy` in the place of a word that both sides have once, a name or a number; else at the end of both."""
    words = [word for word in re.findall(r"\w+", source) if not word.islower()]
    shared = [word for word in words if _once(word, source) and _once(word, target)]
    if not shared:
        return f"{source} {copy}", f"{target} {copy}"
    word = shared[rng.integers(len(shared))]
    return source.replace(word, copy), target.replace(word, copy)


def _once(word: str, text: str) -> bool:
    return text.count(word) == 1 and re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text) is not None


_ONSETS = "b c d f g h j k l m n p r s t v w z br ch cl cr dr fl gr kl pl pr sch sh sl st th tr".split()
_CODAS = ["", "", "", *"n r s t l m ck ng ld rt x nd".split()]
# Each * stands for a word.
_PLACEHOLDERS = ["%s", "%d", "%1$s", "{0}", "{1}", "{{*}}", "{*}", "${*}", "$*", "<*>", "[*]", "%*%", ":*"]
_LINKS = [
    *("https://*.com/*", "http://www.*.org/*?*=2", "https://*.net", "www.*.vn", "www.*.com", "*.io/*/*", "*.*@*.com"),
    *("*@*.org", "http://*.*/*?*=1&*=2", "https://*.org/*-*"),
]
_CODES = [
    *("`*`", "`*_*()`", "`* --*`", "`* * *`", "`* *`", "*_*.py", "/*/*.conf", "*.*()", "`*.*`", "*-*.pdf", "*_*.txt"),
    *("@*", "#*", "@*_*", "--*"),
]
_SIGNS = [
    *(range(0x1F600, 0x1F650), range(0x1F300, 0x1F5FF), range(0x1F680, 0x1F6C0), range(0x2190, 0x2194)),
    *([0x2764, 0x2713, 0x2605, 0x2122, 0x20AC, 0x260E],),
]
# Hiragana, Chinese, Korean, Russian, Thai.
_SCRIPTS = [
    range(0x3042, 0x3090),
    range(0x4E00, 0x7000),
    range(0xAC00, 0xD000),
    range(0x430, 0x450),
    range(0xE01, 0xE2F),
]


def literal(rng: np.random.Generator, words: Sequence[str]) -> str:
    """Something that a translation copies, made up; of the words in a link or in code, half are of `words`."""

    def pick(choices: Sequence[Choice]) -> Choice:
        return choices[int(rng.integers(len(choices)))]

    def word(real: float = 0.5) -> str:
        # Real words are to be left alone too, in a link; and they are whole subwords, which made-up ones are not.
        if words and rng.random() < real:
            return pick(words)
        return "".join(pick(_ONSETS) + pick("aeiou") + pick(_CODAS) for _ in range(rng.integers(1, 4)))

    def filled(pattern: str) -> str:
        return re.sub(r"\*", lambda _: word(), pattern)

    digits = "".join(map(str, rng.integers(0, 10, size=rng.integers(2, 8))))
    match rng.integers(8):
        case 0 | 1:
            return filled(pick(_LINKS))
        case 2:
            return filled(pick(_PLACEHOLDERS))
        case 3:
            return filled(pick(_CODES))
        case 4:
            return pick([digits, f"{digits[0]}.{digits[1:3]}.0", f"{word().upper()}{digits}", f"{word()}{digits[:2]}"])
        case 5:
            return pick(["#", "@"]) + "".join(word().capitalize() for _ in range(rng.integers(1, 3)))
        case 6:
            script = pick(_SCRIPTS)
            count = rng.integers(1, 4)
            return pick(["".join(chr(pick(script)) for _ in range(count)), chr(pick(pick(_SIGNS)))])
        case _:
            return " ".join(word(real=0).capitalize() for _ in range(rng.integers(1, 3)))
