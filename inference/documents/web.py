"""Web pages (.html): what their text is says `inference.markup`; the root says which language it is in."""

import re
from collections.abc import Sequence
from dataclasses import replace

from inference.documents.document import Document, Encoding
from inference.language import language_of
from inference.markup import read_html

_START = re.compile(r"<!--|-->|<html(?=\s)", re.IGNORECASE)
_LANGUAGE = re.compile(
    r"<html(?:\s+(?!lang[\s=>])[^\s=<>\"']++(?:\s*=\s*(?:\"[^\"<]*+\"|'[^'<]*+'|[^\s<>\"']++))?)*+"
    r"\s+lang\s*=\s*[\"']?(?P<name>[a-z]+)(?P<region>(?:-\w+)*)(?=[\s\"'>])",
    re.IGNORECASE,
)


def read_web_page(text: str, encoding: Encoding) -> Document:
    """The document that a page makes. Where its root has the language of its text, it gets the translation's."""
    page = read_html(text)
    head, was = page.separators[0], language_of(page.text)
    said = _language(head)

    def write(blocks: Sequence[str]) -> bytes:
        made = language_of(read_html("\n".join(blocks)).text)
        if not said or not said["name"].lower() == was != made:
            return encoding.encode(page.join(blocks))
        begin = head[: said.start("name")] + made + head[said.end("region") :]
        return encoding.encode(replace(page, separators=[begin, *page.separators[1:]]).join(blocks))

    return Document(page.blocks, write)


def _language(head: str) -> re.Match[str] | None:
    """Where the root says its language; one in a comment is none."""
    is_comment = False
    for start in _START.finditer(head):
        if start.group() in ("<!--", "-->"):
            is_comment = start.group() == "<!--"
        elif not is_comment:
            return _LANGUAGE.match(head, start.start())
    return None
