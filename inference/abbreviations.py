"""English abbreviations as the words that they stand for, which a translator has read: "No. 5", "Sen. Sanders"."""

import re
from collections.abc import Iterator, Mapping
from functools import partial

_ALWAYS = {"approx": "approximately", "e.g": "like", "i.e": "meaning", "vs": "versus"}
_BEFORE_NUMBERS = {
    "ca": "around",
    "ext": "extension",
    "max": "maximum",
    "min": "minimum",
    "no": "number",
    "nos": "numbers",
    "pp": "pages",
}
_CAPITALS_TOO = {"Ext": "extension", "No": "number", "Nos": "numbers"}
_BEHIND_NUMBERS = {"hrs": "hours", "min": "minutes", "mins": "minutes", "tbsp": "tablespoons", "tsp": "teaspoons"}
_BEFORE_NAMES = {
    "Capt": "Captain",
    "Dept": "Department",
    "Gen": "General",
    "Gov": "Governor",
    "Lt": "Lieutenant",
    "Mt": "Mount",
    "Prof": "Professor",
    "Rep": "Representative",
    "Rev": "Reverend",
    "Sen": "Senator",
    "Sgt": "Sergeant",
}
_MONTHS = {
    "Jan": "January",
    "Feb": "February",
    "Mar": "March",
    "Apr": "April",
    "Aug": "August",
    "Sep": "September",
    "Sept": "September",
    "Oct": "October",
    "Nov": "November",
    "Dec": "December",
}


_PLACES = {
    "Ch": "chương",
    "Eq": "phương trình",
    "Fig": "hình",
    "Sec": "mục",
    "Tab": "bảng",
    "Vol": "tập",
    "p": "trang",
}
_PLACE = re.compile(rf"(?<![\w.])({'|'.join(_PLACES)})\.\s?(\d{{1,4}}+(?:\.\d{{1,3}}+){{0,3}}[a-z]?)(?![\w-]|\.\d)")


def places(text: str) -> Iterator[tuple[int, int, str]]:
    """Where an English text refers to a figure or the like by its number ("Fig. 3"), and what that is in Vietnamese."""
    for match in _PLACE.finditer(text) if "." in text else ():
        said = f"{_PLACES[match[1]]} {match[2]}"
        begins = match[1][0].isupper() and not any(map(str.isalnum, text[: match.start()]))
        yield *match.span(), said[0].upper() + said[1:] if begins else said


def _pattern(words: Mapping[str, str], before: str, behind: str, flags: int = 0) -> re.Pattern[str]:
    longest = "|".join(map(re.escape, sorted(words, key=len, reverse=True)))
    return re.compile(rf"(?<![\w.]){before}({longest})\.{behind}", flags)


_BEGINS = r"(?:He|She|It|They|We|You|The|This|That|My|His|Her)\b"
_RULES = [
    (_ALWAYS, _pattern(_ALWAYS, "", r",?(?=\s)", re.IGNORECASE)),
    (_BEFORE_NUMBERS, _pattern(_BEFORE_NUMBERS, r"(?<!said )(?<!say )(?<!, )", r"(?=\s?\d)")),
    (_CAPITALS_TOO, _pattern(_CAPITALS_TOO, "", r"(?=\s?\d)")),
    (_BEFORE_NUMBERS, _pattern(_BEFORE_NUMBERS, r"\A", r"(?=\s?\d)", re.IGNORECASE)),
    (_BEHIND_NUMBERS, _pattern(_BEHIND_NUMBERS, r"(?<=\d )", r"(?=\s+[a-z(]|,)")),
    (_BEFORE_NAMES, _pattern(_BEFORE_NAMES, r"(?<!\. )", rf"(?=\s(?!{_BEGINS})[A-Z][a-z])")),
    (_BEFORE_NAMES, re.compile(r"(?<![\w.])(Dept)\.(?=\s(?:of|for)\b)")),
    (_MONTHS, _pattern(_MONTHS, "", r"(?=\s\d)")),
    (_MONTHS, _pattern(_MONTHS, r"(?<=\d )", r"(?=\s|,)")),
]


def spelt_out(text: str) -> str:
    """An English text with such abbreviations as words. It has as many words as before."""
    if "." not in text:
        return text
    for words, pattern in _RULES:
        text = pattern.sub(partial(_said, words), text)
    return text


def _said(words: Mapping[str, str], match: re.Match[str]) -> str:
    said = words.get(match[1]) or words[match[1].lower()]
    return said[0].upper() + said[1:] if match.start() == 0 and match[1][0].isupper() else said
