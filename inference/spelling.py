"""Names, numbers and times of day that a translator misspelt, written as its source has them.

What it has not learnt by heart it spells from subwords, and slips: "Giusppe" for "Giuseppe", 15.000 for 150,000.
"""

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

from inference.language import is_foreign

_WORD = re.compile(r"[^\W\d_]+")
_NUMBER = re.compile(r"(?<![\d{])\d++(?:[.,]\d++)*+(?!\})")
"""No mark for a span, such as "{10}"."""
_SHORTEST_NAME, _SHORTEST_NUMBER = 4, 2
"""Letters, and digits; shorter ones resemble each other by chance."""
_ALIKE = 0.7
"""From which similarity on two spellings are of one name or number: twice what they share, of the length of both."""
# A people is no misspelt country, nor is a plural a misspelt singular: "Canada" may be what became of "Canadians".
_DERIVED = re.compile(
    r"(.{3,})(?:[aeiou]{0,2}n|nian|[aeiou]?se?|l?ese|is?h?|ics?|ed|er|ite?|ist|t?in|al|ar|ism|um|gen|ing|ity|ly|y|o)?"
    r"e?s? \1(?:[aeiouy]{0,2}s?|i?stan|ics|ce|ium|onia|e)"
)
_OTHER_SEPARATORS = str.maketrans(".,", ",.")


def respelt(translation: str, source: str) -> str:
    """A Vietnamese translation with a name or a number of the source instead of one that resembles it, where the
    translation has not the one, and the source not the other. It has as many words as before.
    """
    for respell in (_respelt_names, _respelt_numbers, _respelt_decimals, _respelt_times):
        translation = respell(translation, source)
    return translation


def _respelt_names(translation: str, source: str) -> str:
    ours, theirs = _words(translation), _words(source)
    made_up = [word for key, word in ours.items() if key not in theirs and _looks_foreign(key)]
    if not made_up:
        return translation
    lost = [word for key, word in theirs.items() if key not in ours and word != key and len(word) >= _SHORTEST_NAME]
    found = {word: name for word, name in _pairs(made_up, lost) if not _DERIVED.fullmatch(f"{name} {word}".lower())}
    return _WORD.sub(lambda match: found.get(match[0], match[0]), translation)


def _words(text: str) -> dict[str, str]:
    """Each word of a text by its small letters."""
    return {word.lower(): word for word in _WORD.findall(text)}


def _looks_foreign(word: str) -> bool:
    return len(word) >= _SHORTEST_NAME and is_foreign(word)


def _respelt_numbers(translation: str, source: str) -> str:
    ours, theirs = _numbers(translation), _numbers(source)
    made_up = [digits for digits in ours if digits not in theirs and len(digits) >= _SHORTEST_NUMBER]
    if not made_up:
        return translation
    lost = [digits for digits in theirs if digits not in ours and len(digits) >= _SHORTEST_NUMBER]
    found = {
        ours[one]: _in_the_style_of(ours[one], theirs[other])
        for one, other in _pairs(made_up, lost)
        if abs(len(one) - len(other)) <= 1 and not _is_converted(one, theirs[other])
    }
    return _NUMBER.sub(lambda match: found.get(match[0], match[0]), translation)


_MEASURE = (
    r"\s?[%°]|[ -](?:per|million|billion|trillion|[kcm]?m|k?g|mg|m?l|mi|miles?|[kcm]\w+met\w+|met(?:er|re)s?|hectares?|"
    r"hours?|minutes?|seconds?|years?|points?|stars?|inch|feet|foot|ft|degrees?|times|tons?|tonnes?|pounds?|lit\w+|"
    r"gallons?|magnitude|dollars?|euros?|USD|VND)\b"
)
_DECIMAL_MEASURE = re.compile(
    rf"(?<![\w.,])\d{{1,9}}\.\d{{1,2}}(?={_MEASURE})|(?<=[$€£])\d{{1,9}}\.\d{{1,2}}(?!\w|[.,]\d)"
)


def _respelt_decimals(translation: str, source: str) -> str:
    """Vietnamese has a comma before a fraction; what is no measure may be a version or a chapter."""
    for number in dict.fromkeys(_DECIMAL_MEASURE.findall(source)):
        translation = re.sub(rf"(?<![\d.,]){re.escape(number)}(?!\d|[.,]\d)", number.replace(".", ","), translation)
    return translation


_TIME = re.compile(r"(?<![\w.,:])(1[0-2]|0?[1-9])(?:[:.][0-5]\d)?\s?([apAP])(?:[mM]\b|\.\s?[mM]\b)")
_PARTS = [(1, "đêm"), (12, "sáng"), (13, "trưa"), (18, "chiều"), (22, "tối"), (24, "đêm")]
"""The parts of the day, and the hour at which each ends."""
_TIME_IN_VIETNAMESE = re.compile(
    r"(?<![\w.,:])(\d{1,2})((?: giờ(?: \d{1,2}(?: phút)?)?|[:.,]\d{2}(?: giờ)?) )(sáng|trưa|chiều|tối|đêm)\b"
)


def _respelt_times(translation: str, source: str) -> str:
    """9 p.m. is "tối", and no more "chiều"."""
    parts: dict[int, set[str]] = {}
    for hour, half in _TIME.findall(source):
        clock = int(hour) % 12 + (12 if half in "pP" else 0)
        parts.setdefault(int(hour), set()).add(next(name for end, name in _PARTS if clock < end))

    def said(match: re.Match[str]) -> str:
        known = parts.get(int(match[1]), set())
        return match[1] + match[2] + (next(iter(known)) if len(known) == 1 else match[3])

    return _TIME_IN_VIETNAMESE.sub(said, translation) if parts else translation


def lost_numbers(translation: str, source: str) -> int:
    """How many numbers of the source, of two digits or more, a translation has not."""
    ours = _numbers(translation)
    return sum(1 for digits in _numbers(source) if digits not in ours and len(digits) >= _SHORTEST_NUMBER)


def _numbers(text: str) -> dict[str, str]:
    """Each number of a text by its digits."""
    return {_digits(number): number for number in _NUMBER.findall(text)}


def _digits(number: str) -> str:
    return re.sub(r"\D", "", number)


def _is_converted(digits: str, number: str) -> bool:
    """Whether a decimal number may have become these digits: 1.25 trillion are 1.250 tỷ."""
    return _DECIMAL.search(number) is not None and digits.rstrip("0") == _digits(number).rstrip("0")


_DECIMAL = re.compile(r"[.,](?!\d{3}\b)\d+\Z")


def _in_the_style_of(number: str, source: str) -> str:
    """A source's number with the separators of the other language, unless the one made up has the source's."""
    ours, theirs = (re.sub(r"\d", "", each)[:1] for each in (number, source))
    return source if ours == theirs else source.translate(_OTHER_SEPARATORS)


def _pairs(made_up: Sequence[str], lost: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Each of what was made up with what it resembles most of what was lost, if it does resemble it."""
    for one in made_up:
        alike, other = max(((_similarity(one, each), each) for each in lost), default=(0.0, ""))
        if alike >= _ALIKE:
            yield one, other


def _similarity(one: str, other: str) -> float:
    """As Ratcliff and Metzener (1988) have it."""
    return SequenceMatcher(None, one.lower(), other.lower()).ratio()
