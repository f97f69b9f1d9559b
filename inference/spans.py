"""Spans that a translation keeps as they are: links, addresses, code, placeholders, codes, emoji, other scripts.

While the model works, a mark stands in the place of each, "{0}", "{1}" and so on, which it treats as it does a name.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from inference.abbreviations import places
from inference.amounts import amounts
from inference.language import is_vietnamese, vietnamese_words
from inference.messages import MESSAGE
from inference.text import Document, begins_with_capital

_EXTENSIONS = (
    "bat bin bmp c cc cfg conf cpp css csv dll doc docx epub exe gif gz h hpp htm html ini iso jar java jpeg jpg js "
    "json log md mkv mov mp3 mp4 odt ogg pdf php png po ppt pptx ps py rar rb rs rtf sh sql srt svg tar tex toml ts "
    "tsv txt wav webp xls xlsx xml yaml yml zip"
)
_DOMAINS = "app biz ca ch cn com de dev edu es eu fr gov info io it jp me net nl org ru tv uk us vn xyz"
_ENDINGS = f"{_EXTENSIONS} {_DOMAINS}".replace(" ", "|")
_DOTTED = (
    "NET bash_history bash_profile bashrc cache cargo config conda coveragerc env flake8 git github gitkeep gitmodules "
    "gnupg htaccess htpasswd idea kube local netrc npm npmrc nvmrc profile ssh tmux tox venv vimrc vscode zprofile "
    "zshenv zshrc"
)
"""What may follow a full stop at the beginning of a name, beside extensions."""
_NAMES = rf"(?:{f'{_DOTTED} {_EXTENSIONS}'.replace(' ', '|')}|[a-z-]{{2,20}}(?:ignore|rc|attributes|config))"
# Letters of other scripts than Latin, with the marks that stand on them; and what may stand between these.
_OTHER = (
    "\u0370-\u1dbf\u1f00-\u1fff\u2c00-\u2c5f\u2c80-\u2dff\u3005-\u3007\u3031-\ua71f\ua800-\uab2f\uab70-\uf8ff"
    "\uf900-\ufaff\ufb13-\ufdcf\ufdf0-\ufdff\ufe70-\ufefe\uff66-\uffef\U00010000-\U0001efff\U00020000-\U0003ffff"
)
_BETWEEN = "\u3000-\u3004\u3008-\u3020\uff01-\uff65"
_OPENING = "\u3008\u300a\u300c\u300e\u3010\u3014\uff08\uff3b\uff5b\uff62"
_SIGNS = "\u00a9\u00ae\u203c\u2049\u2100-\u2bff\u3030\u303d\u3297\u3299\ufe0e\ufe0f\ufff9-\ufffd\U0001f000-\U0001faff"
_PARTS = "\u200d\u20e3\U000e0020-\U000e007f"
"""What joins or varies signs."""
_MORE = rf"(?:[{_SIGNS}{_PARTS}]|\s(?=[{_SIGNS}])){{0,200}}+"
_PART = r"(?:[\w.-]{0,100}[\w-]|\.{1,2}(?=/)|\.\.)"
"""Of a path: no full stop ends it."""
_IN_TEX = r"(?:[^\s\\]{1,40}+|[^\n^_={}\\]{0,200}+(?:[\^_={}]|\\(?![)\]]))[^\n]{0,200}?)"
_IN_WINDOWS = r"[^\s\\/:*?\"<>|“”]"
# Each begins with what it cannot begin without, and looks back from there: what is tried at every character is to fail
# at once.
_KINDS = {
    "fence": r"```\w{0,20}+",
    "code": r"``?[^`\n]{1,200}+``?",
    # As pandoc has it; within is a sign that sums of money have not, or a letter comes first and there is no blank.
    "formula": r"\$\$[^$\n]{1,400}+\$\$|\$(?<![\w\\]\$)(?![\s{]|\d[\d.,]*+\s[a-z(])"
    r"(?:[A-Za-z][^\s$]{0,40}+|[^$\n^_\\={}]{0,200}+[\^_\\={}][^$\n]{0,300}+)(?<!\s)\$(?![\w{])",
    "formula of TeX": rf"\\\({_IN_TEX}\\\)|\\\[{_IN_TEX}\\\]",
    "link": r"(?:https?|ftp)://[^\s<>\"“”]{1,2000}+",
    "address": r"[\w.+-](?<![\w.+-].)[\w.+-]{0,63}+@[\w-]{1,63}+(?:\.[\w-]{1,63}+){1,8}+",
    "message": MESSAGE,
    "slot": r"\{\{[^{}\n]{0,80}+\}\}|\$?\{[^{}\n]{0,80}+\}",
    "tag": r"</?(?:[a-zA-Z][^<>\n]{0,500}+|\d{1,3}/?)>",
    "format": r"%(?<![\w%]%)(?:\d{1,2}\$|\(\w{1,40}+\))?[-+0#]{0,2}\d{0,3}(?:\.\d{1,2})?l{0,2}[sdifuxXc@](?!\w)",
    "variable": r"%(?<![\w%]%)\w{1,40}+%|\$(?<!\w\$)[A-Za-z_]\w{0,60}+",
    "handle": r"[@#](?<![\w@#].)\w{2,60}+(?:[.-]\w{1,60}+)*",
    "option": r"--(?<![\w-]--)[a-z][\w-]{1,60}+",
    "relative path": rf"[.~](?<![\w/.~].)(?:(?<=\.)\.)?/(?:{_PART}(?:/{_PART}){{0,40}}+/?)?",
    "path": rf"/(?<![\w/.~]/){_PART}(?:/{_PART}){{1,40}}+/?",
    "folder": r"/(?<![^\s(\"'“‘]/)(?!(?:and|or|she|her|him)\b)[a-z][\w-]{1,40}+(?!/)",
    "name with a dot": rf"\.(?<![^\s(\"'“‘,]\.){_NAMES}\b(?:[.-]\w{{1,40}}+){{0,4}}+(?:/{_PART}){{0,40}}+",
    "share": r"\\\\[\w.-]{1,80}+\\[^\s<>|\"“”]{1,300}+",
    "large number": r"[£¥₩₹\d](?<![\d.,].)(?:(?<=\d)\d{0,2}|\d{1,3})"
    r"(?:(?:,\d{3}){1,8}\.\d{1,9}|(?:\.\d{3}){1,8},\d{1,9}|(?:,\d{3}){2,8})(?!\d|[.,]\d)",
    "about a number": r"~(?<![A-Za-z/.~]~)\d{1,12}+(?:[.,]\d{1,12}+)*",
    "flourish": r"[~^][~^_]*+",
    "number from abroad": r"\+(?<![\d.,+]\+)\d{1,4}(?:[ .-]\d{2,4}){2,5}(?!\d|[.,]\d)",
    "emoticon": r"[:;=](?<!\S.)['’]?-?[()DPpO/|*](?![\w/])|<(?<!\S<)3(?!\w)",
    "item": r"\((?<!\w\()(?:[a-hj-z]|i{1,3}|iv|vi{0,3}|ix)\)",
    "other script": rf"[{_OPENING}]{{0,5}}+[{_OTHER}](?:[{_OTHER}{_BETWEEN}]|[\s,·]{{1,3}}+(?=[{_OTHER}]))*+",
    "signs": rf"[{_SIGNS}]{_MORE}|[\d#*]\ufe0f?\u20e3{_MORE}",
}
_LENGTH = r"\d{1,6}(?:\.\d{1,3})?(?: ?(?:[kcm]?m|ft)\b)?"
_SET = r"\d{1,2}-\d{1,2}(?: \(\d{1,2}-\d{1,2}\))?"
_WORDS = {
    "link": r"www\.[^\s<>\"“”]{1,2000}+",
    "drive": rf"[A-Za-z]:(?:\\(?:{_IN_WINDOWS}{{1,80}}+(?: {_IN_WINDOWS}{{1,80}}+){{0,3}}+\\){{0,20}}+|/)"
    r"[^\s:*?\"<>|“”]{0,300}+",
    "file or domain": rf"[\w-]{{1,80}}+(?:\.[\w-]{{1,80}}+)*?\.(?:{_ENDINGS})\b(?:/[^\s<>\"“”]{{0,2000}}+)?",
    "identifier": r"\w{0,60}_\w{1,60}+(?:\(\))?|[A-Za-z]\w{1,60}+(?:\.\w{1,60}+){0,5}+\(\)",
    "version": r"v?\d{1,6}(?:\.\d{1,6}){2,8}+\b",
    "number of a thing": r"(?!VND|USD|EUR|GBP|JPY|CNY)[A-Z]{1,10}+-?\d{2,20}+[A-Z0-9]{0,20}+\b",
    "word with a number": r"(?!VND|USD|EUR|GBP|JPY|CNY)[A-Za-z]{2,20}+\d{2,10}[A-Za-z]{0,10}\b",
    "trade mark": r"[A-Za-z][\w.-]{0,40}[®™]",
    "compound": r"(?=[A-Za-z]{8})(?!Ma?c[A-Z]|[DL][aei][A-Z])[A-Z][a-z]{1,20}+(?:[A-Z][a-z]{1,20}+){1,5}\b(?!['’])",
    "fraction": r"(?:\d{1,3} )?\d{1,3}/\d{1,3}(?![\d/]|\.\d)",
    "size": rf"{_LENGTH}(?: ?[x×] ?{_LENGTH}){{1,2}}(?!\w)",
    "degrees": r"\d{1,4} ?° ?[CF]\b",
    "number in groups": r"\d{1,5}(?:-\d{1,7}){3,5}\b",
    "sets": rf"{_SET}(?:, {_SET}){{1,4}}(?![\w-])",
    "DOI": r"doi:\S{5,80}+",
    "power": r"(?:[cdkm]?m|ft|in|mi|mc|[A-Za-z\d])[²³⁰-⁹ⁿ]++(?!\w)|[A-Za-z]{1,5}[₀-₉]++\w{0,10}+"
    r"|[A-Za-z\d]{1,5}+\^(?:-?\w{1,10}+|\([^()\s]{1,20}+\)|\{[^{}\s]{1,20}+\})",
    "telephone": r"\d(?<![\d.,+]\d)\d{1,3}(?:[ .-]\d{2,4}){2,5}(?!\d|[.,]\d)",
}
"""What begins as words do."""
_NO_WORD = r"\S(?<!\w\w)\S{59,}+"
_SPAN = re.compile("|".join([*_KINDS.values(), rf"\b(?:{'|'.join(_WORDS.values())})", _NO_WORD]))
_MARK = re.compile(r"\{ ?(\d{1,4}) ?\}")
_FIRST_MARK = re.compile(r"[^\w{]*+\{ ?(\d{1,4}) ?\}")
_END_MARKS = re.compile(r"[.,;:!?…]++\Z")
_END_WITHIN = re.compile(r"[.!?…]\s")
_NOT_ENDED = ("v.v", "U.S")
"""What has a full stop of its own."""
_CORE = re.compile("\\w(?:.*[\\w\u0300-\u036f])?(?:(?<=\\.\\w)\\.)?", re.DOTALL)
"""From the first letter or digit to the last one; and the full stop of "e.g."."""
_TAG = re.compile(r"<(/?)(\w[\w:-]*)[^<>]*(?<!/)>")
_ENDS = ".,;:!?…'\"”’»"
_PAIRS = {")": "(", "]": "[", "}": "{"}


@dataclass(frozen=True)
class Marked:
    """A sentence with a mark in the place of each of its spans: the i-th is "{i}"."""

    text: str
    spans: tuple[str, ...]
    """What they become."""
    sources: tuple[str, ...]
    """What they are: the same, but for large numbers and what a caller wants translated in his way."""

    def ended(self, text: str) -> str:
        """A translation of `text` that ends in the marks in which `text` does, and in no full stop where it does in
        none.
        """
        theirs, ours = _END_MARKS.search(self.text), _END_MARKS.search(text)
        kept = text[: ours.start()] if ours else text
        if not kept or kept.endswith(_NOT_ENDED):
            return text
        if theirs and (ours or kept[-1] not in _ENDS):
            return kept + theirs.group()
        made_up = self.text[-1:].isalnum() and not _END_WITHIN.search(self.text)
        return kept if made_up and ours and ours.group() == "." else text

    def restore(self, text: str) -> str | None:
        """A translation of `text` with the spans back in; None unless it has each mark once, and no pair of tags has
        lost what stood between.
        """
        text = self.ended(text)
        if sorted(int(number) for number in _MARK.findall(text)) != list(range(len(self.spans))):
            return None
        if "{" in _MARK.sub("", text) and "{" not in _MARK.sub("", self.text):
            return None
        if not all(_said_between(text, *pair) for pair in self._pairs()):
            return None
        spans = self._begun(text)
        return _MARK.sub(lambda match: spans[int(match.group(1))], text)

    def _begun(self, text: str) -> tuple[str, ...]:
        """The spans as they stand in a translation: a caller's word in small letters that it begins with has a capital,
        as the sentence has.
        """
        first = _FIRST_MARK.match(text)
        if not first or not begins_with_capital(self.text):
            return self.spans
        number = int(first.group(1))
        span = self.spans[number]
        if span == self.sources[number] or not "".join(span.split()[:1]).islower():
            return self.spans
        return (*self.spans[:number], span[0].upper() + span[1:], *self.spans[number + 1 :])

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
        return _words(text, self.spans)

    def source_words(self) -> list[tuple[int, int]]:
        """Where the words of the sentence stand."""
        return _words(self.text, self.sources)

    def document(self) -> Document:
        """What stands around the spans as sentences, and the spans as their separators."""
        return _document(self.text, self.spans)

    def source_document(self) -> Document:
        """The same of the sentence as it was."""
        return _document(self.text, self.sources)


def _words(text: str, spans: Sequence[str]) -> list[tuple[int, int]]:
    places, shift = [], 0
    for match in re.finditer(r"\S+", text):
        word = _MARK.sub(lambda found: spans[int(found.group(1))], match.group())
        places.append((match.start() + shift, match.start() + shift + len(word)))
        shift += len(word) - len(match.group())
    return places


def _document(text: str, spans: Sequence[str]) -> Document:
    """Marks of punctuation around a piece are separators too: a model would make a sentence of ", open"."""
    pieces: list[tuple[str, bool]] = []
    for i, piece in enumerate(_MARK.split(text)):
        core = None if i % 2 else _CORE.search(piece)
        if core:
            pieces += [(piece[: core.start()], False), (core.group(), True), (piece[core.end() :], False)]
        else:
            pieces.append((spans[int(piece)] if i % 2 else piece, False))
    return Document.of(pieces)


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
        found = dict(terms)
        for term, translation in terms.items():
            found.setdefault(term[0].upper() + term[1:], translation[:1].upper() + translation[1:])
        self._terms = _TermTable(found)
        # In a text that is all in capitals, a term is so too.
        self._shouted = _TermTable({term.upper(): translation.upper() for term, translation in found.items()} | found)

    def find(self, text: str, *, shouted: bool = False) -> Iterator[tuple[int, int, str]]:
        """Where terms begin and end, and their translations; `shouted` where all is in capitals."""
        terms, done = self._shouted if shouted else self._terms, 0
        for word in _WORD.finditer(text) if terms.lengths else ():
            start = word.start()
            for length in terms.lengths.get(word.group(), ()) if start >= done else ():
                end = start + length
                translation = terms.translations.get(text[start:end])
                if translation is not None and not _GOES_ON.match(text, end):
                    yield start, end, translation
                    done = end
                    break


class _TermTable:
    """Terms, to be looked up where one may begin."""

    def __init__(self, terms: Mapping[str, str]) -> None:
        self.translations = terms
        lengths: dict[str, set[int]] = {}
        for term in terms:
            if first := _WORD.match(term):
                lengths.setdefault(first.group(), set()).add(len(term))
        # The longest first: "New York Times" before "New York".
        self.lengths = {first: sorted(found, reverse=True) for first, found in lengths.items()}
        """What a term begins with -> the lengths of such."""


_WORD = re.compile(r"(?<!\w)(?:\w+|\W)")
"""A word, or a mark that stands behind none: what a term begins with."""
_GOES_ON = re.compile(r"\w")


NO_TERMS = Terms({})


def mark(sentence: str, language: str, terms: Terms = NO_TERMS, *, source: str = "en") -> Marked:
    """Put marks in the place of what a translation from `source` into `language` must not touch, and of terms.

    A placeholder that looks like a mark becomes one itself, so the two are never mistaken. Numbers of a million and
    more, and such of a thousand with a fraction, get the target language's marks. From English into Vietnamese, words
    that are Vietnamese already stay, and sums of money and places in a book are said in it.
    """
    spans: list[str] = []
    sources: list[str] = []
    parts: list[str] = []
    start = 0
    for first, last, span in _found(sentence, language, terms, source):
        parts += [sentence[start:first], f"{{{len(spans)}}}"]
        spans.append(span)
        sources.append(sentence[first:last])
        start = last
    return Marked("".join([*parts, sentence[start:]]), tuple(spans), tuple(sources))


def _found(sentence: str, language: str, terms: Terms, source: str) -> Iterator[tuple[int, int, str]]:
    """Where spans begin and end, and what they become; terms are looked for between the others, not within a link."""
    start, shouted = 0, sentence.isupper()
    english = (source, language) == ("en", "vi") and (sentence.isascii() or not is_vietnamese(sentence))

    def between(end: int) -> Iterator[tuple[int, int, str]]:
        text = sentence[start:end]
        found = list(terms.find(text, shouted=shouted))
        if english:
            kept = [(first, last, text[first:last]) for first, last in vietnamese_words(text)]
            found = _merged(found, _merged([*amounts(text), *places(text)], kept))
        yield from ((start + a, start + b, said) for a, b, said in found)

    sums = amounts(sentence) if english else ()
    taken = [(first, last) for first, last, _ in (*terms.find(sentence, shouted=shouted), *sums)]
    for match in _SPAN.finditer(sentence):
        span = _trimmed(match.group())
        if _GIVES_WAY.fullmatch(span) and any(first < match.end() and match.start() < last for first, last in taken):
            continue
        yield from between(match.start())
        start = match.start() + len(span)
        yield match.start(), start, _grouped(span, language)
    yield from between(len(sentence))


_GIVES_WAY = re.compile(r"[£¥₩₹]?[\d., /]+|[A-Za-z]+|\S+[®™]")
"""Spans that are none where a term or a sum of money is."""
_Found = list[tuple[int, int, str]]


def _merged(first: _Found, others: _Found) -> _Found:
    """Both in order, without those of the others that have a place in common with one of the first."""
    free = [o for o in others if all(o[1] <= start or end <= o[0] for start, end, _ in first)]
    return sorted([*first, *free])


def _trimmed(span: str) -> str:
    """A link without the marks behind it, which are the sentence's; a bracket stays that was opened within."""
    if not re.match(r"[\w\\]", span):
        return span
    while span[-1] in _ENDS or (span[-1] in _PAIRS and span.count(span[-1]) > span.count(_PAIRS[span[-1]])):
        span = span[:-1]
    return span


_NUMBER_MARKS = {"en": (",", "."), "vi": (".", ",")}
"""What stands between the groups of a number, and before its fraction."""
_NUMBER = re.compile(r"[£¥₩₹]?\d{1,3}(?:([.,])\d{3})(?:(?:\1\d{3})*(?!\1)[.,]\d+|(?:\1\d{3})+)")


def _grouped(span: str, language: str) -> str:
    found = _NUMBER.fullmatch(span)
    if not found or language not in _NUMBER_MARKS:
        return span
    group, fraction = _NUMBER_MARKS[language]
    return re.sub("[.,]", lambda match: group if match.group() == found.group(1) else fraction, span)
