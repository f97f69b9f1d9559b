"""Text as people have it: normalise it, cut it into sentences, and put it together again."""

import html
import math
import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Self

from inference.messages import fold, unfold

# Controls that carry no text. Tab, newline and their like are white space and become one blank;
# U+200C and U+200D stay, since emoji are built with them.
_CONTROLS = re.compile("[\x00-\x08\x0e-\x1b\x7f\x80-\x84\x86-\x9f\u200b\u200e\u200f\u202a-\u202e\u2060\ufeff]")
_BLANKS = re.compile(r"\s+")
# Possessive (`*+`), here and below: a run is taken once, so that a text of 20,000 dots or blanks costs linear time.
LINE_BREAK_TAG = re.compile(r"<\s*+(?:/\s*+)?br\s*+(?:/\s*+)?>", re.IGNORECASE)


def normalise(text: str) -> str:
    """Return the one form in which models see a text: NFC, no control characters, single blanks, no blanks around.

    Vietnamese is written both composed and decomposed; NFC makes the two the same bytes. Every other character is
    kept as it is: nothing is lower-cased, folded or lost.
    """
    return _BLANKS.sub(" ", _CONTROLS.sub("", unicodedata.normalize("NFC", text))).strip()


def classifier_form(text: str, *, lowercase: bool, spaced: bool = False) -> str:
    """Return the form in which a classifier sees a text: normalised, in small letters or spaced if it was trained so.

    Each HTML `<br>` becomes a blank: reviews copied from the web are full of them. Spaced, every mark stands by itself,
    and contractions are whole: "don't stop!" and a treebank's "do n't stop !" become the same text. So do links, HTML
    entities, curly quotes; other tags go, and quotes around the whole text, and what is repeated is repeated three
    times at most ("sooooo").
    """
    text = LINE_BREAK_TAG.sub(" ", text)
    if spaced:
        text = html.unescape(text).translate(_PLAIN_QUOTES)
        text = _LOOSE_MARK.sub(r"\1", text)
        for pattern, form in _SPACED:
            text = pattern.sub(form, text)
        text = _QUOTED.sub(r"\1", text)
    text = normalise(text)
    return text.lower() if lowercase else text


_PLAIN_QUOTES = str.maketrans({"’": "'", "‘": "'", "´": "'", "“": '"', "”": '"', "…": "...", "–": "-", "—": "-"})
# Some corpora were cut between a letter and its accent.
_LOOSE_MARK = re.compile("(?<=[^\\W\\d_]) ([\u0300\u0301\u0303\u0309\u0323])")
_SPACED = [
    (re.compile(r"<(?:/\s*+)?[a-zA-Z][^<>]{0,200}+>"), " "),
    (re.compile(r"https?://\S++|www\.\S++"), " http "),
    (re.compile(r"(?<!\w)@\w++"), " @user "),
    (re.compile(r"-l[rs]b-", re.IGNORECASE), " ( "),
    (re.compile(r"-r[rs]b-", re.IGNORECASE), " ) "),
    (re.compile(r"``|''"), ' " '),
    (re.compile(r" n't\b", re.IGNORECASE), "n't"),
    (re.compile(r" '(?=(?:s|re|ve|ll|d|m)\b)", re.IGNORECASE), "'"),
    # Four or more of the same are three.
    (re.compile(r"(\S)\1{3,}+"), r"\1\1\1"),
    # What changes an emoji's look, not what it says.
    (re.compile("[\u200d\ufe0f\U0001f3fb-\U0001f3ff]"), ""),
    # A mark within a word stays, as in "don't"; underscores are letters.
    (re.compile(r"(?<!\w)'|'(?!\w)|[^\w\s'\u0300-\u036f]"), r" \g<0> "),
]
_QUOTED = re.compile(r'\A\s*+"([^"]*+)"\s*+\Z')


def is_shouted(text: str) -> bool:
    """Whether a text is in capitals throughout: two words or more, or one with a mark of exclamation.

    A word alone may be an abbreviation ("WHO"), which means something else in small letters; so may those of a list
    ("USA, UK, EU"), and what stands beside a number ("USD 100 = 2,400,000 VND").
    """
    if not text.isupper() or text.endswith("!"):
        return text.isupper()
    return len(re.findall(r"[^\W\d_]{2,}", _ABBREVIATIONS.sub(" ", text))) > 1 or ": " in text


_ABBREVIATIONS = re.compile(
    r"(?<!\w)[A-Z]{2,4}(?:(?:, (?:AND |OR )?| AND | OR |/)[A-Z]{2,4}){2,}(?!\w)|"
    r"\A(?:USD|VND|EUR|GBP|JPY|CNY)\b|\b(?:USD|VND|EUR)\Z"
)


_LOUD_ALWAYS = re.compile(r"\b(I\b|(?!P\.M|A\.M|E\.G|I\.E)(?:[A-Z]\.){2,}+)")


def unshout(text: str) -> str:
    """A text in capitals as it would be written quietly: small letters, the first one, "I" and "U.S." capitals."""
    parts = _LOUD_ALWAYS.split(text)
    quiet = "".join(part if i % 2 else part.lower() for i, part in enumerate(parts))
    return re.sub(r"[^\W\d_]", lambda match: match.group().upper(), quiet, count=1)


# What may stand before the first letter: quotes, brackets, a dash, but no number and no mark for a span.
_FIRST_LETTER = re.compile(r"([^\w{]*+)([^\W\d_])")


def begins_with_capital(text: str) -> bool:
    """Whether the first letter of a text is a capital."""
    first = _FIRST_LETTER.match(text)
    return first is not None and first[2].isupper()


def begun_like(text: str, source: str) -> str:
    """A translation with a capital first letter, if its source has one."""
    ours = _FIRST_LETTER.match(text)
    if not (ours and begins_with_capital(source)):
        return text
    return ours[1] + ours[2].upper() + text[ours.end() :]


_WORD = re.compile(r"\w++")


def gone_on(text: str, source: str) -> str:
    """A translation of what stands within a sentence: it begins with a small letter, unless its first word may be a
    name: where its source begins with one, or the source has that word, too, or it has more capitals in it or right
    behind it, or is a country; or "I".
    """
    first = _FIRST_LETTER.match(text)
    if not first:
        return text
    word, next_one = [*_WORD.findall(text, first.start(2)), ""][:2]
    theirs = _WORD.findall(source)
    behind = word[1:] + next_one
    is_named = begins_with_capital(source) and theirs[0] != "I"
    is_name = word.lower() not in _BEFORE_NAMES and (
        is_named or behind != behind.lower() or (word in _COUNTRIES and source != source.lower())
    )
    if is_name or word == "I" or word in theirs:
        return begun_like(text, source)
    return first[1] + first[2].lower() + text[first.end() :]


_COUNTRIES = frozenset("Áo Bỉ Đức Lào Mỹ Nga Nhật Pháp Úc Ý".split())
"""Those of one syllable; in small letters most of these are words."""
_BEFORE_NAMES = frozenset(
    (
        "các cho của do dù khi không mà mặc mỗi một nếu người nhưng những như nước ở rằng sau tại tháng theo thì thứ "
        "tiếng trên trong trước từ và vào về vì với"
    ).split()
)
"""Words that are no names where one follows: "tiếng Nga", "và Trung Quốc"."""
_ABBREVIATION = re.compile(r"[A-Z]{2,3}\W{0,3}")
_NO_WORDS = re.compile(
    r"(?:[\W\d_]++|(?<![^\W\d_])(?:[oO][kK]|e\.g|i\.e|etc|[A-HJ-Za-hj-z]|(?!pm|st|nd|rd|th)[b-df-hj-np-tv-xz]{2,5}|"
    r"[ivx]{2,5})(?!\w|\.\w))*+"
)


def is_abbreviation(text: str) -> bool:
    """Whether a text is two or three capitals, such as "UI"."""
    return _ABBREVIATION.fullmatch(text) is not None


def is_wordless(text: str) -> bool:
    """Whether there is nothing in a text to be translated: no letter, or only single ones and such as units and
    numbers have ("12 kg", "b)", "iv."); a translator has guesses for these.
    """
    return _NO_WORDS.fullmatch(text) is not None


_NARROW = str.maketrans(
    {chr(wide): chr(wide - 0xFEE0) for wide in range(0xFF01, 0xFF5F)}
    | {"\u3001": ",", "\u3002": ".", "\u2010": "-", "\u2011": "-", "\xad": ""}
    | {"\ufb00": "ff", "\ufb01": "fi", "\ufb02": "fl", "\ufb03": "ffi", "\ufb04": "ffl"}
)


def narrow(text: str) -> str:
    """A text as a translator reads it: full-width letters, digits and marks are ASCII, as are hyphens and ligatures."""
    return text if text.isascii() else text.translate(_NARROW)


_CLOSERS = "\"'”’»)]}*_"
_OPENERS = "\"'“‘«([{*_¿¡-–—#@$€£₫"
# A run of enders, with what closes around it, then blanks. Ideographic enders need no blank after them.
_BEGINS = (
    r"(?:He|She|It|They|We|You|My|His|Her|Their|Our|The|This|That|There|But|And|In|I|If|When|Please|Thanks?|See|What|"
    r"How|Why|Where)(?:['’][a-z]{1,2})? (?=[a-z])"
)
"""What begins a sentence, and is no name."""
_BOUNDARY = re.compile(
    rf"(?<![.!?…])[.!?…]++[{re.escape(_CLOSERS)}]*+(?=\s)|[。！？]++[{re.escape(_CLOSERS)}]*+"
    # A blank was forgotten, and it is no address.
    rf"|(?<=[a-z]{{2}})[.!?](?={_BEGINS})" + "".join(rf"(?<![./@:_]\w{{{n}}}.)" for n in range(2, 12))
)
_ENDED = re.compile(rf"[.!?…。！？][{re.escape(_CLOSERS)}]*+\Z")
# After a title the sentence goes on; after others ("etc.", "p.m.") one begins.
_TITLES = frozenset(
    (
        "mr mrs ms dr prof rev hon st gen col lt sgt capt sen rep gov pres adm maj cpl messrs mt ft vs v "
        "e.g i.e cf viz ts ths gs pgs tp q bs ks cn"
    ).split()
)
# After these it goes on before a number: "No. 7", "pp. 3-9", "Jan. 5", but "She said no."
_REFERENCES = frozenset(
    "no nos vol ch sec p pp fig figs eq approx ca ext max min jan feb mar apr jun jul aug sep sept oct nov dec".split()
)
_LIST_MARKS = re.compile(
    "(?:(?:[>*•·‣+~#\u2010-\u2015\u2190-\u2bff\U0001f300-\U0001faff\ufe0f-]++|"
    r"\(?(?:[A-Za-z]|[ivx]{2,4}|\d{1,3})\)|(?:[A-D]|[IVX]{1,4}|\d{1,3})\.|[QA]:|\[[ xX]\])\s++|"
    r"(?:…|\.{3})\s*+){1,4}+(?=\S)"
)
LONGEST_SENTENCE = 220
"""Characters; what is longer is cut, since a translator loses the more of a sentence the longer it is."""
BETWEEN_PIECES = ",;，；"
"""Marks that are left out of what a translator reads, where a sentence is cut at one."""
_MOST_CLAUSES, _CLAUSES = 5, 4
"""Clauses, or items, of a sentence that is not cut, and of a piece: of long lists a translator loses items."""


_WRAPS = {"**": "**", "*": "*", "(": ")", "[": "]", '"': '"', "“": "”", "‘": "’", "'": "'", "«": "»"}


def _wrapping(text: str, first: int, last: int) -> int:
    """How wide the marks are that stand around a part of a text, and nowhere within."""
    for opening, closing in _WRAPS.items():
        width = len(opening)
        within = text[first + width : last - width]
        if text.startswith(opening, first) and text.endswith(closing, first + width, last):
            apart = opening not in within and closing not in within and within.strip() == within and len(within) > 1
            return width if apart else 0
    return 0


@dataclass(frozen=True)
class Document:
    """A text as its sentences and what stands between them: `separators` has one more member than `sentences`."""

    sentences: tuple[str, ...]
    separators: tuple[str, ...]

    def join(self, sentences: Sequence[str]) -> str:
        """The text with other sentences in the same places; `join(self.sentences)` is the text itself."""
        parts = [self.separators[0]]
        for sentence, separator in zip(sentences, self.separators[1:], strict=True):
            parts += [sentence, separator]
        return "".join(parts)

    def without_marks_around(self) -> Self:
        """The same, with a bullet, "a)" or the like before a sentence, and brackets, quotes or stars around it, among
        the separators.
        """
        sentences, separators = list(self.sentences), list(self.separators)
        for number, sentence in enumerate(sentences):
            found = _LIST_MARKS.match(sentence)
            first, last = found.end() if found else 0, len(sentence)
            while width := _wrapping(sentence, first, last):
                first, last = first + width, last - width
            separators[number] += sentence[:first]
            separators[number + 1] = sentence[last:] + separators[number + 1]
            sentences[number] = sentence[first:last]
        return type(self)(tuple(sentences), tuple(separators))

    def goes_on(self, number: int) -> bool:
        """Whether a sentence goes on with the one before: the two are pieces of one."""
        if number == 0 or self.separators[number].strip(BETWEEN_PIECES + " "):
            return False
        before = self.sentences[number - 1]
        is_label = before.isupper() and before.endswith(":")
        return not is_label and any(map(str.isalnum, before)) and _ENDED.search(before) is None

    @classmethod
    def of(cls, pieces: Iterable[tuple[str, bool]]) -> Self:
        """A document from its pieces in order, each with whether it is a sentence; blanks around it are not."""
        sentences: list[str] = []
        separators = [""]
        for piece, is_sentence in pieces:
            core = piece.strip()
            if not is_sentence or not core:
                separators[-1] += piece
                continue
            lead = len(piece) - len(piece.lstrip())
            separators[-1] += piece[:lead]
            sentences.append(core)
            separators.append(piece[lead + len(core) :])
        return cls(tuple(sentences), tuple(separators))


def split(text: str, longest: int = LONGEST_SENTENCE) -> Document:
    """Cut a text into sentences. Every blank, tab and newline around them is kept as a separator.

    A line never goes on in the next one, nor a cell behind a tab. Sentences of more than `longest` characters, or of
    many clauses or items, are cut into pieces of about the same size, at clause marks, else blanks, else anywhere;
    commas and semicolons between pieces are separators. A message in braces is one character, whatever it holds.
    """
    folded, messages = fold(text)
    return Document.of(
        (unfold(piece, messages), is_sentence)
        for sentence in _sentences(folded)
        for piece, is_sentence in _apart(_shorten(sentence, longest))
    )


def _sentences(text: str) -> Iterator[str]:
    for line in re.split(r"(\r\n|[\n\r\t\v\f\x85\u2028\u2029])", text):
        for cell in _cells(line):
            start = 0
            for end in (*_ends(cell), len(cell)):
                yield cell[start:end]
                start = end


def _cells(line: str) -> list[str]:
    """The parts of a line that stand for themselves, and what stands between: cells of a table, the steps of a path
    through a menu, words to choose from ("Yes/No"), a label in capitals before a text ("NOTE: Do not open.").
    """
    if _CHOICE.fullmatch(line):
        return re.split("(/)", line)
    cells = _STEP.split(line)
    if not all(_IS_STEP.fullmatch(cell) for cell in cells[::2]):
        cells = [line]
    cells = [part for cell in cells for part in _CELL.split(cell)]
    label = _LABEL.match(cells[0])
    return [label.group(), cells[0][label.end() :], *cells[1:]] if label else cells


_CELL = re.compile(r"((?<!\S)\|+(?!\S))")
_STEP = re.compile(r"((?<=\S) [>›»→•·] (?=\S))")
_IS_STEP = re.compile(r"\s*[A-Z][^\W\d_]+(?: [\w&-]+){0,3}\s*")
_CHOICE = re.compile(r"\s*[A-Za-z][a-z]+(?:/[A-Za-z][a-z]+){1,3}[:?]?\s*")
_LABEL = re.compile(r"[A-Z]{3,20}(?: [A-Z]{2,20}){0,2}:\s+(?=\S*[a-z])")


def cut(text: str, longest: int) -> list[str]:
    """A text in pieces of about so many characters at most, which together are the text; a sentence is in one of them,
    unless it alone is longer.
    """
    folded, messages = fold(text)
    pieces = [""]
    for sentence in _sentences(folded):
        whole = unfold(sentence, messages)
        for part in [whole] if len(whole) <= longest else (unfold(each, messages) for each in _shorten(sentence)):
            if len(pieces[-1]) + len(part) > longest:
                pieces.append("")
            pieces[-1] += part
    return pieces


def _ends(line: str) -> list[int]:
    """Where the sentences of a line end, the last one left out. No more is looked at around a mark than a sentence may
    have: so the time grows with the line's length alone.
    """
    ends = []
    for match in _BOUNDARY.finditer(line):
        end = match.end()
        rest = line[end : end + LONGEST_SENTENCE].lstrip()
        if rest and _is_end(line[max(0, end - LONGEST_SENTENCE) : end], match.group(), rest):
            ends.append(end)
    return ends


def _is_end(before: str, mark: str, rest: str) -> bool:
    follows = rest.lstrip(_OPENERS + " ")[:1] or rest[:1]
    if mark[0] in "。！？":
        return True
    # A small letter goes on with the sentence, whatever mark stands before it ("Yahoo! is", "etc. and").
    if follows.islower():
        return False
    if mark.rstrip(_CLOSERS) != ".":
        return True
    word = before[: -len(mark)].rsplit(maxsplit=1)[-1].lstrip(_OPENERS) if before[: -len(mark)].strip() else ""
    if not word or (word.isdigit() and len(before) - len(mark) == len(word)):
        return False  # a list mark such as "1." at the start of a line
    if re.fullmatch(r"[A-ZĐ]|(?:[A-Z]\.)+[A-Z]", word):
        # An initial, as in "J. Smith", or "U.S. Army", but "in the U.S. She".
        return "." in word and re.match(_BEGINS, rest) is not None
    if word.lower() in _REFERENCES:
        return not follows.isdigit()
    return word.lower() not in _TITLES


_CLAUSE_END = re.compile(r"[;:,，；)–—](?=\s)")


def _shorten(sentence: str, longest: int = LONGEST_SENTENCE) -> list[str]:
    pieces: list[str] = []
    start, end = 0, len(sentence.rstrip())
    marks = [match.end() for match in _CLAUSE_END.finditer(sentence, 0, end)]
    while True:
        blanks = _BLANKS.match(sentence, start)
        lead = blanks.end() if blanks else start
        passed = bisect_right(marks, lead)
        clauses = len(marks) - passed + 1
        parts = max(math.ceil((end - lead) / longest), math.ceil(clauses / _CLAUSES) if clauses > _MOST_CLAUSES else 1)
        if parts <= 1:
            return [*pieces, sentence[start:]]
        even, last = (end - lead) / parts, lead + longest
        places = marks[passed : bisect_right(marks, last, passed)]
        if end > last:
            # Pieces are of some size.
            first = lead + int(even / 2)
            places = places[bisect_left(places, first) :] or [
                m.start() for m in _BLANKS.finditer(sentence, first, last)
            ]
        cut = min(places or [last], key=lambda place: abs(place - lead - even))
        pieces.append(sentence[start:cut])
        start = cut


def _apart(pieces: Sequence[str]) -> Iterator[tuple[str, bool]]:
    """Pieces of a sentence without the mark between two, and such marks."""
    for piece in pieces[:-1]:
        core = piece.rstrip()
        kept = len(core) - (core[-1:] in tuple(BETWEEN_PIECES))
        yield piece[:kept], True
        yield piece[kept:], False
    yield pieces[-1], True
