"""Whether a text is in a language that a model does not read, so that who sent it can be told."""

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from functools import cache

from py3langid.langid import MODEL_FILE, LanguageIdentifier

from inference.language import sure_language

_OURS = {"en": "English", "vi": "Vietnamese"}
_NAMES = {
    "cs": "Czech",
    "da": "Danish",
    "de": "German",
    "es": "Spanish",
    "fi": "Finnish",
    "fr": "French",
    "hu": "Hungarian",
    "id": "Indonesian",
    "it": "Italian",
    "nl": "Dutch",
    "no": "Norwegian",
    "pl": "Polish",
    "pt": "Portuguese",
    "ro": "Romanian",
    "sv": "Swedish",
    "sw": "Swahili",
    "tl": "Tagalog",
    "tr": "Turkish",
}
"""What is told apart: languages in Latin script that people send."""
_SCRIPTS = {
    "ARABIC": ("ar", "Arabic"),
    "CJK": ("zh", "Chinese"),
    "CYRILLIC": ("ru", "Russian"),
    "DEVANAGARI": ("hi", "Hindi"),
    "GREEK": ("el", "Greek"),
    "HANGUL": ("ko", "Korean"),
    "HEBREW": ("he", "Hebrew"),
    "HIRAGANA": ("ja", "Japanese"),
    "KATAKANA": ("ja", "Japanese"),
    "THAI": ("th", "Thai"),
}
"""Of other scripts, which stay as they are in a translation, the language that most who write in them mean."""
_SURE = 0.95
_COMMON = frozenset(
    (
        "the a an is are was were be been to of and in on for with you i it he she we they this that not my your his "
        "her our their do does did have has had will can would could what who where when why how at by from as but or "
        "if so me him them us there here no yes please thank all any some more than then into out up about"
    ).split()
)
_ENOUGH = 0.15
"""The share of common words that only English has."""
_MOST = 2000
"""Characters that tell enough of a text."""


@cache
def _identifier() -> LanguageIdentifier:
    """langid.py (Lui & Baldwin 2012); it is read only when a text asks for it, since it takes a while."""
    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages([*_OURS, *_NAMES])
    return identifier


def misfit(text: str, *read: str) -> str | None:
    """A warning, where a text is surely in another language than those that are read, which are codes: which one it
    looks like.
    """
    return misread(_language(text), *read)


def misread(code: str | None, *read: str) -> str | None:
    """That warning, where the code of the text's language is known."""
    if code is None or code in read:
        return None
    scripts = dict(_SCRIPTS.values())
    if code in scripts:
        return f"this looks like {scripts[code]}, which is not read here"
    names = _OURS | _NAMES
    return f"this looks like {names[code]}, and was read as if it were {' or '.join(names.get(r, r) for r in read)}"


def _language(text: str) -> str | None:
    """The code of the language that a text is surely in."""
    found = detect_foreign(text)
    if found:
        return found[0]
    code = sure_language(text[:_MOST])
    return code if code == "vi" or _is_english(_plain(text)) else None


def detect_foreign(text: str) -> tuple[str, float] | None:
    """The code of such a language, and how sure that is, 0 to 1.

    Nothing is said of names, and of what has fewer than two words beside them, unless it is in another script.
    """
    written = _script(text[:_MOST])
    if written:
        return written
    plain = _plain(text)
    if len(plain) < 2 or _is_english(plain) or sure_language(text[:_MOST]) == "vi":
        return None
    code, share = _identifier().classify(text[:_MOST])
    return (code, float(share)) if share >= _SURE and code in _NAMES else None


_NOT_LATIN = re.compile("[\u0370-\u1dff\u1f00-\uffff\U00010000-\U0010ffff]")


def _script(text: str) -> tuple[str, float] | None:
    """The language that is written in a text's script, where that is none of ours, and the share of its letters."""
    other = [letter for letter in _NOT_LATIN.findall(text) if letter.isalpha()]
    share = len(other) / max(1, sum(map(str.isalpha, text))) if other else 0.0
    scripts = Counter(re.split("[ -]", unicodedata.name(letter, ""))[0] for letter in other)
    others = {script: count for script, count in scripts.items() if script in _SCRIPTS}
    if share <= 0.5 or not others:
        return None
    # Japanese has Chinese characters too, but also its own; nothing else has these.
    kana = next((script for script in ("HIRAGANA", "KATAKANA") if script in others), None)
    return _SCRIPTS[kana or max(others, key=others.__getitem__)][0], share


def _plain(text: str) -> list[str]:
    """The words of a text's beginning that are no names, as far as capitals tell."""
    beginning = text[:_MOST]
    words = re.findall(r"[^\W\d_]+", beginning.lower() if beginning.isupper() else beginning)
    return [word for word in words if word.islower()]


def _is_english(words: Sequence[str]) -> bool:
    common = sum(word in _COMMON for word in words)
    return common > 0 and common >= _ENOUGH * len(words)
