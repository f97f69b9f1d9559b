"""Whether a text is in a language that a translator does not read, so that who sent it can be told."""

import re
from functools import cache

from py3langid.langid import MODEL_FILE, LanguageIdentifier

_NAMES = {
    "cs": "Czech",
    "de": "German",
    "es": "Spanish",
    "fi": "Finnish",
    "fr": "French",
    "id": "Indonesian",
    "it": "Italian",
    "nl": "Dutch",
    "pl": "Polish",
    "pt": "Portuguese",
    "sv": "Swedish",
    "tr": "Turkish",
}
"""What is told apart: languages in Latin script that people send. Other scripts stay as they are in a translation."""
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


@cache
def _identifier() -> LanguageIdentifier:
    """langid.py (Lui & Baldwin 2012); it is read only when a text asks for it, since it takes a while."""
    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages(["en", "vi", *_NAMES])
    return identifier


def foreign_language(text: str) -> str | None:
    """The name of a language that is neither English nor Vietnamese, where a text is surely in it."""
    found = detect_foreign(text)
    return _NAMES[found[0]] if found else None


def detect_foreign(text: str) -> tuple[str, float] | None:
    """The code of such a language, and how sure that is, 0 to 1.

    Nothing is said of names, and of what has fewer than two words beside them.
    """
    words = re.findall(r"[^\W\d_]+", text)
    plain = [word for word in words if word.islower()]
    if len(plain) < 2 or sum(word in _COMMON for word in plain) >= _ENOUGH * len(plain):
        return None
    code, share = _identifier().classify(text[:2000])
    return (code, float(share)) if share >= _SURE and code in _NAMES else None
