"""Changing the numbers that a sentence and its translation share: there are more numbers than any corpus has."""

import re
from collections import Counter

import numpy as np
from num2words import num2words

Pair = tuple[str, str]
# "One" is a pronoun too, and above a hundred there are many ways to say a number.
_FIRST, _LAST = 2, 99


class NumberWords:
    """The words of a language for 2 to 99, found and changed in a text.

    Raises:
        ValueError: no number words are known for this language.
    """

    def __init__(self, language: str) -> None:
        try:
            self._words: dict[int, str] = {value: num2words(value, lang=language) for value in range(_FIRST, _LAST + 1)}
        except NotImplementedError as error:
            raise ValueError(f"no number words are known for language {language!r}: set noise.numbers to 0") from error
        self._values = {word: value for value, word in self._words.items()}
        # The longest first: twenty-one is not twenty.
        longest = sorted(self._values, key=len, reverse=True)
        self._pattern = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest))})(?!\w)", re.IGNORECASE)

    def once(self, text: str) -> set[int]:
        """The numbers that the text says once."""
        counts = Counter(self._values[word.lower()] for word in self._pattern.findall(text))
        return {value for value, count in counts.items() if count == 1}

    def change(self, text: str, new: dict[int, int]) -> str:
        """Say `new[n]` for each n of `new`; a capital at the beginning stays."""

        def changed(match: re.Match[str]) -> str:
            value = self._values[match.group().lower()]
            word = self._words[new.get(value, value)]
            return word.capitalize() if match.group()[0].isupper() else word

        return self._pattern.sub(changed, text)


def change_digits(pair: Pair, rng: np.random.Generator) -> Pair:
    """Other digits, as many, where both sides have the same ones."""
    source, target = (sorted(re.findall(r"\d+", text)) for text in pair)
    if source != target:
        return pair
    # A zero comes first only where one was.
    new = {run: str(rng.integers(1, 10)) if run[0] != "0" else "0" for run in dict.fromkeys(source)}
    new = {run: first + "".join(map(str, rng.integers(0, 10, size=len(run) - 1))) for run, first in new.items()}
    source_text, target_text = (re.sub(r"\d+", lambda match: new[match.group()], text) for text in pair)
    return source_text, target_text


def change_numbers(pair: Pair, words: tuple[NumberWords, NumberWords], rng: np.random.Generator) -> Pair:
    """Change the digits that both sides have, and the number words that both have once, the same way on both."""
    source, target = pair
    shared = sorted(words[0].once(source) & words[1].once(target))
    # "Five" is "năm", and "năm" is a year: where the digit is there, the word is something else.
    new = {value: int(rng.integers(_FIRST, _LAST + 1)) for value in shared if str(value) not in target}
    return change_digits((words[0].change(source, new), words[1].change(target, new)), rng)
