"""Text as people have it: normalise it, cut it into sentences, and put it together again."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

# Controls that carry no text. Tab, newline and their like are white space and become one blank;
# U+200C and U+200D stay, since emoji are built with them.
_CONTROLS = re.compile("[\x00-\x08\x0e-\x1b\x7f\x80-\x84\x86-\x9f\u200b\u200e\u200f\u202a-\u202e\u2060\ufeff]")
_BLANKS = re.compile(r"\s+")
_LINE_BREAK_TAG = re.compile(r"<\s*/?\s*br\s*/?\s*>", re.IGNORECASE)


def normalise(text: str) -> str:
    """Return the one form in which models see a text: NFC, no control characters, single blanks, no blanks around.

    Vietnamese is written both composed and decomposed; NFC makes the two the same bytes. Every other character is
    kept as it is: nothing is lower-cased, folded or lost.
    """
    return _BLANKS.sub(" ", _CONTROLS.sub("", unicodedata.normalize("NFC", text))).strip()


def drop_line_break_tags(text: str) -> str:
    """Replace each HTML `<br>` by a blank: reviews copied from the web are full of them."""
    return _LINE_BREAK_TAG.sub(" ", text)
