"""The kinds of documents that are read, by the ends of their names."""

from collections.abc import Callable
from pathlib import PurePath

from inference.blocks import Page
from inference.documents.catalogs import read_catalog
from inference.documents.document import Document, DocumentError, decode, of_page
from inference.documents.markdown import read_markdown
from inference.documents.plain import read_json, read_text
from inference.documents.subtitles import read_subtitles
from inference.documents.web import read_web_page
from inference.documents.word import read_word

_Reader = Callable[[bytes], Document]


def _of_text(read: Callable[[str], Page]) -> _Reader:
    def reader(data: bytes) -> Document:
        text, encoding = decode(data)
        return of_page(read(text), encoding)

    return reader


def _web_page(data: bytes) -> Document:
    return read_web_page(*decode(data))


def _catalog(data: bytes) -> Document:
    return read_catalog(*decode(data))


KINDS: dict[str, _Reader] = {
    ".txt": _of_text(read_text),
    ".md": _of_text(read_markdown),
    ".html": _web_page,
    ".htm": _web_page,
    ".srt": _of_text(read_subtitles),
    ".vtt": _of_text(read_subtitles),
    ".docx": read_word,
    ".po": _catalog,
    ".json": _of_text(read_json),
}
"""What the name of a file ends with -> what takes it apart."""


def read_document(name: str, data: bytes) -> Document:
    """Take a file apart. Raises DocumentError when its kind is not known, or it is not of that kind."""
    kind = PurePath(name).suffix.lower()
    if kind not in KINDS:
        raise DocumentError(f"{kind or name} is no kind of document that is read here: {', '.join(KINDS)} are")
    return KINDS[kind](data)
