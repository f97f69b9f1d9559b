"""Spans that a translation keeps as they are: links, addresses, code, placeholders, codes, emoji, other scripts.

While the model works, a mark stands in the place of each, "{0}", "{1}" and so on, which it treats as it does a name.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from inference.messages import MESSAGE
from inference.text import Document

_EXTENSIONS = (
    "bat bin bmp c cc cfg conf cpp css csv dll doc docx epub exe gif gz h hpp htm html ini iso jar java jpeg jpg js "
    "json log md mkv mov mp3 mp4 odt ogg pdf php png po ppt pptx ps py rar rb rs rtf sh sql srt svg tar tex toml ts "
    "tsv txt wav webp xls xlsx xml yaml yml zip"
)
_DOMAINS = "app biz ca ch cn com de dev edu es eu fr gov info io it jp me net nl org ru tv uk us vn xyz"
_ENDINGS = f"{_EXTENSIONS} {_DOMAINS}".replace(" ", "|")
# Letters of other scripts than Latin, with the marks that stand on them.
_OTHER = (
    "\u0370-\u1dbf\u1f00-\u1fff\u2c00-\u2c5f\u2c80-\u2dff\u3005-\u3007\u3031-\ua71f\ua800-\uab2f\uab70-\uf8ff"
    "\U00010000-\U0001efff\U00020000-\U0003ffff"
)
_SIGNS = "\u00a9\u00ae\u2100-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff"
_PARTS = "\u200d\ufe0e\ufe0f\u20e3\U000e0020-\U000e007f"
"""What joins or varies signs."""
_KINDS = {
    "code": r"``?[^`\n]{1,200}+``?",
    "link": r"(?:https?|ftp)://[^\s<>\"“”]{1,2000}+|\bwww\.[^\s<>\"“”]{1,2000}+",
    "address": r"[\w.+-]{1,64}+@[\w-]{1,63}+(?:\.[\w-]{1,63}+){1,8}+",
    "message": MESSAGE,
    "slot": r"\{\{[^{}\n]{0,80}+\}\}|\$?\{[^{}\n]{0,80}+\}",
    "tag": r"</?(?:[a-zA-Z][^<>\n]{0,500}+|\d{1,3}/?)>",
    "format": r"(?<![\w%])%(?:\d{1,2}\$|\(\w{1,40}+\))?[-+0#]{0,2}\d{0,3}(?:\.\d{1,2})?l{0,2}[sdifuxXc@](?!\w)",
    "variable": r"(?<![\w%])%\w{1,40}+%|(?<!\w)\$[A-Za-z_]\w{0,60}+",
    "handle": r"(?<![\w@#])[@#]\w{2,60}+(?:[.-]\w{1,60}+)*",
    "option": r"(?<![\w-])--[a-z][\w-]{1,60}+",
    "file or domain": rf"\b[\w-]{{1,80}}+(?:\.[\w-]{{1,80}}+)*?\.(?:{_ENDINGS})\b(?:/[^\s<>\"“”]{{0,2000}}+)?",
    "path": r"(?<![\w/.~])~?(?:\.{0,2}/[\w.-]{1,100}+){2,40}+/?",
    "identifier": r"\b\w{0,60}_\w{1,60}+(?:\(\))?|\b[A-Za-z]\w{1,60}+(?:\.\w{1,60}+){0,5}+\(\)",
    "version": r"\bv?\d{1,6}(?:\.\d{1,6}){2,8}+\b",
    "number of a thing": r"\b(?!VND|USD|EUR|GBP|JPY|CNY)[A-Z]{1,10}+-?\d{2,20}+[A-Z0-9]{0,20}+\b",
    "word with a number": r"\b(?!VND|USD|EUR|GBP|JPY|CNY)[A-Za-z]{2,20}\d{2,10}[A-Za-z]{0,10}\b",
    "telephone": r"(?<![\d.,+])\+?\d{2,4}(?:[ .-]\d{2,4}){2,5}(?!\d|[.,]\d)",
    "large number": r"(?<![\d.,])\d{1,3}(?:,\d{3}){2,8}(?!\d|[.,]\d)",
    "no word": r"\S{60,}+",
    "other script": rf"[{_OTHER}]++(?:[\s,、·]{{1,3}}[{_OTHER}]++)*+",
    "signs": rf"[{_SIGNS}](?:[{_SIGNS}{_PARTS}]|\s(?=[{_SIGNS}])){{0,200}}+",
}
_SPAN = re.compile("|".join(_KINDS.values()))
_MARK = re.compile(r"\{ ?(\d{1,4}) ?\}")
_TAG = re.compile(r"<(/?)(\w[\w:-]*)[^<>]*(?<!/)>")
_ENDS = ".,;:!?…'\"”’»"
_PAIRS = {")": "(", "]": "[", "}": "{"}


@dataclass(frozen=True)
class Marked:
    """A sentence with a mark in the place of each of its spans: the i-th is "{i}"."""

    text: str
    spans: tuple[str, ...]

    def ended(self, text: str) -> str:
        """A translation of `text` with the full stop that a model forgets behind a mark."""
        return text + self.text[-1] if re.search(r"\}[.!?]\Z", self.text) and text.endswith("}") else text

    def restore(self, text: str) -> str | None:
        """A translation of `text` with the spans back in; None unless it has each mark once, and no pair of tags has
        lost what stood between.
        """
        text = self.ended(text)
        if sorted(int(number) for number in _MARK.findall(text)) != list(range(len(self.spans))):
            return None
        if not all(_said_between(text, *pair) for pair in self._pairs()):
            return None
        return _MARK.sub(lambda match: self.spans[int(match.group(1))], text)

    def plain(self, text: str) -> str:
        """A translation of `text`, which has no spans, without the marks that the model made up."""
        return " ".join(_MARK.sub(" ", text).split()) or self.text

    def _pairs(self) -> Iterator[tuple[int, int]]:
        """The marks of tags and of those that close them, where something is said between."""
        opened: list[tuple[str, int]] = []
        for number, span in enumerate(self.spans):
            if tag := _TAG.fullmatch(span):
                if not tag.group(1):
                    opened.append((tag.group(2), number))
                elif opened and opened[-1][0] == tag.group(2):
                    _, first = opened.pop()
                    if _said_between(self.text, first, number):
                        yield first, number

    def words(self, text: str) -> list[tuple[int, int]]:
        """Where the words of a translation that still has its marks will stand when the spans are back."""
        places, shift = [], 0
        for match in re.finditer(r"\S+", text):
            word = _MARK.sub(lambda found: self.spans[int(found.group(1))], match.group())
            places.append((match.start() + shift, match.start() + shift + len(word)))
            shift += len(word) - len(match.group())
        return places

    def document(self) -> Document:
        """What stands around the spans as sentences, and the spans as their separators."""
        pieces = _MARK.split(self.text)
        return Document.of((self.spans[int(p)], False) if i % 2 else (p, True) for i, p in enumerate(pieces))


def _said_between(text: str, first: int, last: int) -> bool:
    """Whether there is a letter between two marks, or another mark."""
    between = re.search(rf"\{{ ?{first} ?\}}(.*)\{{ ?{last} ?\}}", text, re.DOTALL)
    return between is not None and any(map(str.isalnum, between.group(1)))


class Terms:
    """Words that a caller wants translated in his way, or not at all."""

    def __init__(self, terms: Mapping[str, str]) -> None:
        """Take term -> translation. A small first letter stands for a capital too, as at the beginning of a sentence,
        and becomes one.

        Raises ValueError when a term is empty.
        """
        if not all(map(str.strip, terms)):
            raise ValueError("a term is empty: give a word or more")
        self._terms = dict(terms)
        for term, translation in terms.items():
            self._terms.setdefault(term[0].upper() + term[1:], translation[:1].upper() + translation[1:])
        # The longest first: "New York Times" before "New York".
        longest = sorted(self._terms, key=len, reverse=True)
        self._pattern = re.compile(r"(?<!\w)(?:" + "|".join(map(re.escape, longest)) + r")(?!\w)") if terms else None

    def find(self, text: str) -> Iterator[tuple[int, int, str]]:
        """Where terms begin and end, and their translations."""
        for match in self._pattern.finditer(text) if self._pattern else ():
            yield *match.span(), self._terms[match.group()]


NO_TERMS = Terms({})


def mark(sentence: str, language: str, terms: Terms = NO_TERMS) -> Marked:
    """Put marks in the place of what a translation into `language` must not touch, and of terms.

    A placeholder that looks like a mark becomes one itself, so the two are never mistaken. Numbers of a million and
    more get the target language's marks between their groups.
    """
    spans: list[str] = []
    parts: list[str] = []
    start = 0
    for first, last, span in _found(sentence, language, terms):
        parts += [sentence[start:first], f"{{{len(spans)}}}"]
        spans.append(span)
        start = last
    return Marked("".join([*parts, sentence[start:]]), tuple(spans))


def _found(sentence: str, language: str, terms: Terms) -> Iterator[tuple[int, int, str]]:
    """Where spans begin and end, and what they become; terms are looked for between the others, not within a link."""
    start = 0
    for match in _SPAN.finditer(sentence):
        first, span = match.start(), _trimmed(match.group())
        yield from ((start + a, start + b, term) for a, b, term in terms.find(sentence[start:first]))
        start = first + len(span)
        yield first, start, _grouped(span, language)
    yield from ((start + a, start + b, term) for a, b, term in terms.find(sentence[start:]))


def _trimmed(span: str) -> str:
    """A link without the marks behind it, which are the sentence's; a bracket stays that was opened within."""
    if not re.match(r"\w", span):
        return span
    while span[-1] in _ENDS or (span[-1] in _PAIRS and span.count(span[-1]) > span.count(_PAIRS[span[-1]])):
        span = span[:-1]
    return span


_GROUP_MARKS = {"en": ",", "vi": "."}


def _grouped(span: str, language: str) -> str:
    if re.fullmatch(r"\d{1,3}(?:([.,])\d{3})(?:\1\d{3})+", span) and language in _GROUP_MARKS:
        return re.sub("[.,]", _GROUP_MARKS[language], span)
    return span
