"""A document: the blocks of a file that are text, and how the file is written with others in their places."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from inference.blocks import Block, Page


class DocumentError(ValueError):
    """A file that cannot be read as what it says that it is; the message says why."""


@dataclass(frozen=True)
class Document:
    """A file taken apart."""

    blocks: list[Block]
    """What is to be translated, in order."""
    write: Callable[[Sequence[str]], bytes]
    """The file with one text for each block, as `Block.markup` gives it."""

    @property
    def characters(self) -> int:
        """Characters to be translated."""
        return sum(len(block.text) for block in self.blocks)

    @property
    def text(self) -> str:
        """What is to be translated, a block a line."""
        return "\n".join(block.text for block in self.blocks)

    def chunks(self, characters: int) -> Iterator[list[Page]]:
        """The blocks in order, each a page, so many together as have about this many characters."""
        chunk: list[Page] = []
        size = 0
        for block in self.blocks:
            if chunk and size + len(block.text) > characters:
                yield chunk
                chunk, size = [], 0
            chunk.append(Page([block], ["", ""]))
            size += len(block.text)
        if chunk:
            yield chunk


_MARKS = {"utf-8": b"\xef\xbb\xbf", "utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}
"""Byte order marks."""


@dataclass(frozen=True)
class Encoding:
    """How a file's characters are written; the same way back."""

    name: str
    mark: bytes

    def encode(self, text: str) -> bytes:
        """Text as bytes, with the byte order mark that there was."""
        return self.mark + text.encode(self.name)


def decode(data: bytes) -> tuple[str, Encoding]:
    """The text of a file in UTF-8, or in UTF-16 with a byte order mark. Raises DocumentError."""
    name, mark = next(((name, mark) for name, mark in _MARKS.items() if data.startswith(mark)), ("utf-8", b""))
    try:
        text = data[len(mark) :].decode(name)
    except UnicodeDecodeError as error:
        raise DocumentError(f"it is not {name.upper()} ({error.reason} at byte {error.start}): save it so") from error
    if "\x00" in text:
        raise DocumentError("it has NUL characters, so it is no text")
    return text, Encoding(name, mark)


def of_page(page: Page, encoding: Encoding) -> Document:
    """The document that a text makes."""
    return Document(page.blocks, lambda blocks: encoding.encode(page.join(blocks)))
