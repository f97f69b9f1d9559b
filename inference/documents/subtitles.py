"""Subtitles (.srt, .vtt): numbers and times stay, a sentence may go on in the next line or cue."""

import re

from inference.blocks import Page
from inference.documents.document import DocumentError
from inference.markup import Reader

_CUE = re.compile(
    r"^[ \t]*(?:\d+:)?\d+:\d\d[,.]\d{1,3}[ \t]+-->[ \t]+(?:\d+:)?\d+:\d\d[,.]\d{1,3}[^\n]*\n"
    r"(?P<text>(?:[ \t]*\S[^\n]*(?:\n|\Z))*)",
    re.MULTILINE,
)
_TAG = re.compile(r"</?([a-zA-Z]++)[^<>]*+>|\{\\[^{}]*\}")
_ENDS = ".!?…:\"”')]♪>"
_SPEAKERS = "-–♪"
_JOINED = 3
"""Cues that a sentence may go on into."""


def read_subtitles(text: str) -> Page:
    """Blocks are a cue's lines, joined, with those of the cues that they go on in; speakers' lines stand alone.

    Raises DocumentError when there is no cue.
    """
    cues = [_lines(text, *cue.span("text")) for cue in _CUE.finditer(text)]
    if not cues:
        raise DocumentError("it has no subtitles: a line such as 00:00:01,000 --> 00:00:02,000 is above each")
    reader = Reader(str, str)
    end, joined = 0, 0
    for lines in filter(None, cues):
        goes_on = joined < _JOINED and text[lines[0][0]].islower() and end > 0 and text[end - 1] not in _ENDS
        joined = joined + 1 if goes_on else 0
        for number, (start, stop) in enumerate(lines):
            same = goes_on if number == 0 else text[start] not in _SPEAKERS
            (reader.line_break if same else reader.boundary)(text[end:start])
            _read_line(reader, text[start:stop])
            end = stop
    reader.boundary(text[end:])
    return reader.page()


def _lines(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """Where the lines of a part of a text begin and end, without the blanks around them."""
    return [match.span() for match in re.compile(r"\S(?:[^\n]*\S)?").finditer(text, start, end)]


def _read_line(reader: Reader, line: str) -> None:
    dash = re.match(rf"[{_SPEAKERS}]\s*", line)
    if dash:
        reader.boundary(dash.group())
        line = line[dash.end() :]
    position = 0
    for tag in _TAG.finditer(line):
        reader.words(line[position : tag.start()])
        name = (tag.group(1) or "").lower()
        if not name:
            reader.single(tag.group())
        elif tag.group().startswith("</"):
            reader.close(tag.group(), name)
        else:
            reader.open(tag.group(), name)
        position = tag.end()
    reader.words(line[position:])
