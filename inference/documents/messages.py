"""Texts of programs: what stands in a catalogue or in JSON, with tags of any name around some of its words."""

import re
from collections.abc import Callable

from inference.blocks import Page, plain_page
from inference.markup import Reader, end_of_kept
from inference.tags import PROGRAMS

_TAG = re.compile(
    r"<(?P<close>/?)(?P<name>[a-zA-Z][\w.:-]{0,60}+|\d{1,3})(?:[^<>\"']|\"[^\"<]*+\"|'[^'<]*+')*+>|&#?\w{1,31}+;|[\r\n]+"
)


def read_message(text: str, escape: Callable[[str], str], plain: Callable[[str], str]) -> Page:
    """Take a text apart. It is written as `escape` writes it, which `plain` takes back."""
    reader, place = Reader(plain, escape), 0
    if not any(match.group("name") for match in _TAG.finditer(text)):
        return plain_page(text, escape)
    while match := _TAG.search(text, place):
        reader.words(escape(text[place : match.start()]))
        place = end_of_kept(text, match.group(), match.end())
        raw = escape(text[match.start() : place])
        if place > match.end() or match.group().startswith("&"):
            reader.keep(raw)
        elif match.group("name") is None or PROGRAMS.split(match.group("name").lower()):
            reader.boundary(raw)
        elif match.group("close"):
            reader.close(raw, match.group("name"))
        elif match.group().endswith("/>"):
            reader.single(raw)
        else:
            reader.open(raw, match.group("name"))
    reader.words(escape(text[place:]))
    return reader.page()
