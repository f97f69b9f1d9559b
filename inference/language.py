"""Which language a text is in, of the two that this project knows: by letters, syllables and common words."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from itertools import groupby

_VIETNAMESE = frozenset("ăđơưạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ")
_MARKED = _VIETNAMESE | frozenset("àáâãèéêìíòóôõùúýĩũ")
_SYLLABLE = re.compile("(?:ngh?|[cgknpt]h|gi|qu|tr|[bcdghklmnprstvx])?[aeiouy]{1,3}(?:ng|ch|nh|[cmnpt])?")
"""What a Vietnamese syllable without marks can be."""


def vietnamese_share(words: Sequence[str]) -> float:
    """The share of words with a letter that Vietnamese has and other languages in Latin script hardly ever have."""
    return sum(1 for word in words if not _VIETNAMESE.isdisjoint(word.lower())) / max(1, len(words))


def is_syllable(word: str) -> bool:
    """Whether a word in small letters, without marks, can be a Vietnamese syllable."""
    return _SYLLABLE.fullmatch(word) is not None


def is_foreign(word: str) -> bool:
    """Whether a word in small letters is no Vietnamese one: by a letter that Vietnamese has not, or its shape."""
    others = any(not letter.isascii() and letter not in _MARKED for letter in word)
    return others or (word.isascii() and not is_syllable(word))


def foreign_names(text: str) -> set[str]:
    """What is likely a name in a Vietnamese text that it shares with other languages, in small letters: its words that
    begin with a capital, go on in small letters and, without marks, are no Vietnamese syllables.
    """
    words = (word.lower() for word in _words(text) if word.isascii() and word[0].isupper() and word[1:].islower())
    return {word for word in words if not is_syllable(word)}


_ALSO_ENGLISH = frozenset(
    (
        "am any as at bay can cup day do go he her him his hot in is it man may me menu my no non not of on or run so "
        "sun tea ten than them then to up us van via we when"
    ).split()
)
_RUN = re.compile(r"[^\W\d_]+(?: [^\W\d_]+)*")


def vietnamese_words(text: str) -> Iterator[tuple[int, int]]:
    """Where Vietnamese words and names begin and end in an English text: runs of syllables with Vietnamese marks, and
    of those beside them in plain letters that begin with a capital ("Trần Văn An"), if English has not the same.
    """
    for run in () if text.isascii() else _RUN.finditer(text):
        words = [(match, _is_marked(match[0]), _may_belong(match[0])) for match in re.finditer(r"\S+", run[0])]
        for beside, group in groupby(words, lambda each: each[1] or each[2]):
            members = list(group)
            marked = [number for number, (_, is_marked, _) in enumerate(members) if is_marked]
            if beside and marked and any(len(members[number][0][0]) > 1 for number in marked):
                yield run.start() + members[0][0].start(), run.start() + members[-1][0].end()


def _is_marked(word: str) -> bool:
    """Whether a word is a Vietnamese syllable with marks."""
    small = word.lower()
    plain = "".join(c for c in unicodedata.normalize("NFD", small.replace("đ", "d")) if not unicodedata.combining(c))
    return not _MARKED.isdisjoint(small) and is_syllable(plain)


def _may_belong(word: str) -> bool:
    small = word.lower()
    return word[0].isupper() and word[1:].islower() and is_syllable(small) and small not in _ENGLISH | _ALSO_ENGLISH


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W\d_]+", unicodedata.normalize("NFC", text))


def _plain(words: Sequence[str]) -> list[str]:
    """The words that are no names, as far as capitals tell."""
    return [word for word in words if not word[0].isupper()] or [word.lower() for word in words]


def is_vietnamese(text: str) -> bool:
    """Whether a text is in Vietnamese already: of its words but for names, more bear Vietnamese marks than are no
    Vietnamese syllables, by a third of them all.

    "Nguyễn Văn Nam lives in Đà Nẵng" is English. Vietnamese written without its marks is not recognised.
    """
    if not vietnamese_share(_words(text)):
        return False
    plain = _plain(_words(text))
    marked = sum(1 for word in plain if not _MARKED.isdisjoint(word))
    others = sum(1 for word in plain if word.isascii() and not is_syllable(word))
    return 3 * (marked - others) >= len(plain)


# English words in the shape of a Vietnamese syllable, the more frequent in English;
_ENGLISH = frozenset(
    (
        "the to a i it in that on you but not be at my they by out up get been much then see too being going him say "
        "got such thing buy put seen lot set each yet keep try let trying top bit guy young seem run doing main due "
        "true men team mean room saying cheap hit pay seeing soon buying boy seat toy king meet sit trip pain pop "
        "beat key eye deep gun sea heat thin touch eat reach tech train hey rich moon paying rip suit ring kit rain "
        "queen beach hip treat pan sing quiet tree boat coach dying pot teach soap boot pet gain gym chain quit ya "
        "hi bye meat lying tray ruin pat gem neat pie yo boom pen aim trap root lion coat loop lean laying yet hat bed"
    ).split()
)
# those that are words of both;
_BOTH = frozenset(
    (
        "he so an can do no me than them may go day am don re long man u ca son song e cut non hot o sun sat cup ten "
        "die co via de la van mom tom im un com ben cat gay teen met da ha ran tea hang cop ban ho net y kim bay gang "
        "sam min mat cafe menu pizza sushi combo wifi voucher"
    ).split()
)
# and what Vietnamese is shortened to.
_SHORT = frozenset(
    (
        "k ko kg hok hem dc c ng nh nv nc ngta trc bt wa qa qan cug cx nhug nhg hnay fai mih mik bik trog xog thik "
        "chug vs sp sdt lm tl j z r vl vcl tks ak"
    ).split()
)


_STRONG = re.compile("ng|nh|kh")
"""What English words do not begin with."""
_FEW, _MANY, _SURE = 3, 5, 0.8
"""Telling words that make sure of a language; of Vietnamese, where none is written as in no other; and their share."""


def language_of(text: str) -> str:
    """Say "vi" for a Vietnamese text, with its marks or typed without them, else "en"."""
    return detect(text)[0]


def detect(text: str) -> tuple[str, float]:
    """The language of a text, as `language_of` says, and the share of its telling words that speak for it, 0 to 1."""
    vietnamese, english, strong = _telling(text)
    telling = max(1, vietnamese + english)
    # One word in the shape of a syllable may be a name, or slang, of any language.
    if is_vietnamese(text) or (vietnamese >= max(1, english) and (strong or vietnamese > 1)):
        return "vi", vietnamese / telling
    return "en", english / telling


def sure_language(text: str) -> str | None:
    """The same of a text that has enough telling words, and hardly any that speak for the other; else None.

    Words that are no Vietnamese syllables speak for "en", whatever language they are of.
    """
    vietnamese, english, _ = _telling(text)
    telling, words = vietnamese + english, _words(text)
    if english >= _FEW and english >= _SURE * telling:
        return "en"
    strong = vietnamese_share(words) > 0 or any(map(_STRONG.match, _plain(words)))
    if vietnamese >= (_FEW if strong else _MANY) and vietnamese >= _SURE * telling:
        return "vi"
    return None


def _telling(text: str) -> tuple[int, int, int]:
    """How many words of a text are Vietnamese, how many are not, and how many of the first are so beyond doubt."""
    vietnamese = english = strong = 0
    for word in _plain(_words(text)):
        if word in _BOTH:
            continue
        sure = word in _SHORT or not _MARKED.isdisjoint(word)
        if sure or (is_syllable(word) and word not in _ENGLISH):
            vietnamese += 1
            strong += sure or _STRONG.match(word) is not None
        else:
            english += 1
    return vietnamese, english, strong
