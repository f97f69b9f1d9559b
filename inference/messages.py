"""Messages of programs in ICU's form: "{count, plural, one {# file} other {# files}}" has keywords, not words."""

import re

_NESTED = "[^{}]*+"
for _ in range(6):
    _NESTED = rf"(?:[^{{}}]++|\{{{_NESTED}\}})*+"
MESSAGE = rf"\{{\s*+[\w.]{{1,80}}+\s*+,\s*+(?:plural|select|selectordinal)\s*+,{_NESTED}\}}"
"""An argument that chooses between texts, with all of them, and with what they have in braces in turn."""
_MESSAGE = re.compile(MESSAGE)
_STAND_IN = "\ufdd0"
"""No character, so that no text has it."""


def fold(text: str) -> tuple[str, list[str]]:
    """A text with one character in the place of each of its messages, and these in order."""
    if _STAND_IN in text:
        return text, []
    return _MESSAGE.sub(_STAND_IN, text), _MESSAGE.findall(text)


def unfold(text: str, messages: list[str]) -> str:
    """A piece of such a text with its messages back; they are taken from the list."""
    return re.sub(_STAND_IN, lambda _: messages.pop(0), text) if messages else text
