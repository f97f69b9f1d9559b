"""Plain text and JSON: what is no text stays to the byte."""

import json
import re

from inference.blocks import Block, Page
from inference.documents.document import DocumentError

_STRING = re.compile(r'"(?:[^"\\]|\\.)*+"(\s*+:)?', re.DOTALL)


def _page(text: str, blocks: list[tuple[int, int, Block]]) -> Page:
    """The page whose blocks stand at these places of a text."""
    separators, end = [], 0
    for start, stop, _ in blocks:
        separators.append(text[end:start])
        end = stop
    return Page([block for *_, block in blocks], [*separators, text[end:]])


def _as_it_is(text: str) -> str:
    return text


def read_text(text: str) -> Page:
    """Every line is a block: a line never goes on in the next one."""
    lines = re.finditer(r"[^\s](?:[^\r\n]*[^\s])?", text)
    return _page(text, [(*m.span(), Block(m.group(), [], [], _as_it_is, raw=m.group())) for m in lines])


def read_json(text: str) -> Page:
    """Every string is a block, but for the names of an object's members. Raises DocumentError when it is not JSON."""
    try:
        json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DocumentError(f"it is not JSON: {error}") from error
    blocks = []
    for match in _STRING.finditer(text):
        value = "" if match.group(1) else json.loads(match.group())
        if any(map(str.isalpha, value)):
            blocks.append((*match.span(), Block(value, [], [], _quoted, raw=match.group())))
    return _page(text, blocks)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
