"""Plain text and JSON: what is no text stays to the byte."""

import json
import re

from inference.blocks import Page, plain_page
from inference.documents.document import DocumentError
from inference.documents.messages import read_message

_NO_TEXT = frozenset("class classname color colour href icon id key lang language locale src type url".split())
"""Names of members whose values are no texts, where these have small letters and no blanks."""
_STRING = re.compile(r'"(?:[^"\\]|\\.)*+"(\s*+:)?', re.DOTALL)


def read_text(text: str) -> Page:
    """Every line is a block: a line never goes on in the next one."""
    page = Page([], [""])
    end = 0
    for match in re.finditer(r"[^\s](?:[^\r\n]*[^\s])?", text):
        page.add(text[end : match.start()], plain_page(match.group()))
        end = match.end()
    return page.ended(text[end:])


def read_json(text: str) -> Page:
    """Every string is a text, but for the names of an object's members, and for what some of these names. Raises
    DocumentError when it is not JSON.
    """
    try:
        json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DocumentError(f"it is not JSON: {error}") from error
    page = Page([], [""])
    end, name = 0, ""
    for match in _STRING.finditer(text):
        if match.group(1):
            name = str(json.loads(match.group().rstrip(": \t\r\n"))).lower()
            continue
        value = json.loads(match.group())
        named = name in _NO_TEXT and value == value.lower() and " " not in value
        if any(map(str.isalpha, value)) and not named:
            found = read_message(value, _quoted, _unquoted)
            if found.separators == ["", ""]:
                found.blocks[0].raw = match.group()[1:-1]
            page.add(text[end : match.start() + 1], found)
            end = match.end() - 1
    return page.ended(text[end:])


def _quoted(text: str) -> str:
    # Half of a pair of surrogates can be written in JSON, and in no UTF-8.
    return re.sub("[\ud800-\udfff]", lambda m: f"\\u{ord(m[0]):04x}", json.dumps(text, ensure_ascii=False)[1:-1])


def _unquoted(text: str) -> str:
    return str(json.loads(f'"{text}"'))
