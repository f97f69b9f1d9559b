"""Word documents (.docx): the text of runs, with their formatting around what their words became."""

import html
import io
import lzma
import re
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from inference.blocks import LONGEST, Block
from inference.documents.document import Document, DocumentError
from inference.markup import Reader

_PARTS = re.compile(r"word/(?:document|header\d*|footer\d*|footnotes|endnotes)\.xml")
_MOST_BYTES = 100 * 1024 * 1024
"""Unpacked; a small file can hold a very large one."""
_PROPERTIES = r"(?P<format>(?:<w:rPr>(?:(?!</?w:rPr[ >]).)*</w:rPr>|<w:rPr/>)?)"
_WORDS = r"(?:<w:t(?: [^<>]*)?>[^<]*</w:t>|<w:t/>|<w:noBreakHyphen/>|<w:softHyphen/>|<w:lastRenderedPageBreak/>)++"
_OTHER = (
    r"<(?!w:(?:r|rPr|t)[ />])\w+:\w+(?: [^<>]*)?/>"
    r"|<(?P<name>(?!w:(?:r|rPr|t)[ />])\w+:\w+)(?: [^<>]*)?>(?:(?!<w:r[ >]|</?(?P=name)[ >]).)*+</(?P=name)>"
)
"""Something else within a run, such as a break, a tab or a picture; but nothing that has runs of its own."""
_MIXED = re.compile(rf"(?P<begin><w:r(?: [^<>]*)?>){_PROPERTIES}(?P<content>(?:{_WORDS}|{_OTHER})++)</w:r>", re.DOTALL)
_CONTENT = re.compile(rf"{_WORDS}|{_OTHER}", re.DOTALL)
_PIECE = re.compile(
    "|".join(
        (
            rf"(?P<run><w:r(?: [^<>]*)?>{_PROPERTIES}{_WORDS}</w:r>)",
            r"(?P<note><w:r(?: [^<>]*)?>(?:<w:rPr>(?:(?!</?w:rPr[ >]).)*</w:rPr>)?"
            r"<w:(?:footnote|endnote)Reference[^<>]*/></w:r>|<w:bookmark(?:Start|End)[^<>]*/>)",
            r"(?P<proof><w:proofErr[^<>]*/>)",
            r"(?P<link><w:hyperlink(?: [^<>]*)?>)",
            r"(?P<unlink></w:hyperlink>)",
        )
    ),
    re.DOTALL,
)
_TEXT = re.compile(r"<w:t(?: [^<>]*)?>([^<]*)</w:t>|<w:noBreakHyphen/>")
# Within a translation: an element begins, its number, that ends; it ends; something that has no text, its number.
_OPEN, _NUMBERED, _CLOSE, _ALONE, _SAME = "\ufdd2", "\ufdd3", "\ufdd4", "\ufdd5", "\ufdd6"
_MARK = re.compile(f"({_OPEN}\\d+{_NUMBERED}|{_CLOSE}|{_ALONE}\\d+{_NUMBERED})")
_MARKS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufdd0-\ufddf]")


@dataclass
class _Part:
    """An XML file of the document: what stands between its texts, and these."""

    name: str
    separators: list[str]
    passages: list["_Passage"]


@dataclass
class _Passage:
    """A run of text in a paragraph."""

    raw: str
    base: str
    """The formatting of most of it."""
    block: Block
    tags: list[tuple[str, str]]
    """What begins and ends each element; of formatting, nothing ends it."""
    blanks: tuple[str, str]
    """Before and behind the text."""

    def render(self, marked: str) -> str:
        """The XML of a translation with marks."""
        if marked == _SAME:
            return self.raw
        formats, ends, parts = [self.base], [""], list[str]()
        lead, trail = self.blanks
        for piece in _MARK.split(f"{lead}{marked}{trail}"):
            if piece.startswith(_OPEN):
                begin, end = self.tags[int(piece[1:-1])]
                formats.append(formats[-1] if end else begin)
                ends.append(end)
                parts.append(begin if end else "")
            elif piece == _CLOSE:
                formats.pop()
                parts.append(ends.pop())
            elif piece.startswith(_ALONE):
                parts.append(self.tags[int(piece[1:-1])][0])
            elif piece:
                parts.append(_run(formats[-1], piece))
        return "".join(parts)


def _run(formatting: str, text: str) -> str:
    return f'<w:r>{formatting}<w:t xml:space="preserve">{html.escape(text, quote=False)}</w:t></w:r>'


def read_word(data: bytes) -> Document:
    """A document whose blocks are the runs of text in its paragraphs, headers, footers and notes.

    Raises DocumentError when it is no such document.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if sum(info.file_size for info in archive.infolist()) > _MOST_BYTES:
                raise DocumentError(f"it unpacks to more than {_MOST_BYTES >> 20} MiB: split it")
            files = [(info, archive.read(info)) for info in archive.infolist()]
        parts = [_part(info.filename, _apart(xml.decode())) for info, xml in files if _PARTS.fullmatch(info.filename)]
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, OSError, EOFError, RuntimeError, ValueError) as error:
        if isinstance(error, DocumentError):
            raise
        raise DocumentError(f"it is no Word document: {error}") from error
    if not any(part.name == "word/document.xml" for part in parts):
        raise DocumentError("it is no Word document: it has no word/document.xml")

    def write(blocks: Sequence[str]) -> bytes:
        left = iter(blocks)
        texts = {part.name: _joined(part, [next(left) for _ in part.passages]) for part in parts}
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            for info, content in files:
                text = texts.get(info.filename)
                archive.writestr(info, content if text is None else text.encode(), compress_type=info.compress_type)
        return packed.getvalue()

    return Document([passage.block for part in parts for passage in part.passages], write)


def _joined(part: _Part, blocks: Sequence[str]) -> str:
    pieces = [part.separators[0]]
    for passage, marked, separator in zip(part.passages, blocks, part.separators[1:], strict=True):
        pieces += [passage.render(marked), separator]
    return "".join(pieces)


def _apart(xml: str) -> str:
    """The same with the words of a run, and each break, tab or picture between them, in runs of their own."""

    def parted(match: re.Match[str]) -> str:
        begin = match.group("begin") + match.group("format")
        return "".join(f"{begin}{each.group()}</w:r>" for each in _CONTENT.finditer(match.group("content")))

    return _MIXED.sub(parted, xml)


def _part(name: str, xml: str) -> _Part:
    """Take an XML file apart."""
    part = _Part(name, [], [])
    end = 0
    for pieces in _sequences(xml):
        passage = _passage(xml, pieces)
        if passage:
            part.separators.append(xml[end : pieces[0].start()])
            part.passages.append(passage)
            end = pieces[-1].end()
    part.separators.append(xml[end:])
    return part


def _sequences(xml: str) -> list[list[re.Match[str]]]:
    """Pieces that follow upon each other with nothing between, with no more text than makes one block."""
    sequences: list[list[re.Match[str]]] = []
    length = links = 0
    for match in _PIECE.finditer(xml):
        length += len(_text(match))
        # Half of a link would not be translated.
        room = LONGEST if links else LONGEST // 2
        if sequences and sequences[-1][-1].end() == match.start() and length <= room:
            sequences[-1].append(match)
        else:
            sequences.append([match])
            length, links = len(_text(match)), 0
        links += (match.lastgroup == "link") - (match.lastgroup == "unlink")
    return sequences


def _passage(xml: str, pieces: Sequence[re.Match[str]]) -> _Passage | None:
    """The text of a sequence of pieces; None when it has no letter, or half of a link."""
    kinds = [piece.lastgroup if piece.lastgroup != "format" else "run" for piece in pieces]
    texts = [_text(piece) for piece in pieces]
    if kinds.count("link") != kinds.count("unlink") or not any(map(str.isalpha, "".join(texts))):
        return None
    lengths: dict[str, int] = {}
    for piece, text in zip(pieces, texts, strict=True):
        lengths[piece.group("format") or ""] = lengths.get(piece.group("format") or "", 0) + len(text)
    base = max(lengths, key=lambda formatting: lengths[formatting])
    reader = Reader(str, str)
    tags: list[tuple[str, str]] = []
    for piece, kind, text in zip(pieces, kinds, texts, strict=True):
        formatting = piece.group("format") or ""
        if kind == "run" and formatting == base:
            reader.words(text)
        elif kind == "run":
            tags.append((formatting, ""))
            reader.open(f"{_OPEN}{len(tags) - 1}{_NUMBERED}", "run")
            reader.words(text)
            reader.close(_CLOSE, "run")
        elif kind == "link":
            tags.append((piece.group(), "</w:hyperlink>"))
            reader.open(f"{_OPEN}{len(tags) - 1}{_NUMBERED}", "link")
        elif kind == "unlink":
            reader.close(_CLOSE, "link")
        elif kind == "note":
            tags.append((piece.group(), ""))
            reader.single(f"{_ALONE}{len(tags) - 1}{_NUMBERED}")
    (block,) = reader.page().blocks
    block.raw = _SAME
    whole = "".join(texts)
    blanks = whole[: len(whole) - len(whole.lstrip())], whole[len(whole.rstrip()) :]
    return _Passage(xml[pieces[0].start() : pieces[-1].end()], base, block, tags, blanks)


def _text(piece: re.Match[str]) -> str:
    if not piece.group("run"):
        return ""
    words = ["-" if match.group(1) is None else match.group(1) for match in _TEXT.finditer(piece.group())]
    return _MARKS.sub("", html.unescape("".join(words)))
