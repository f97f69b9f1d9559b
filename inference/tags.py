"""What the tags of a text do: which end a running text, and whose text stays as it is."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

_INLINE = frozenset(
    (
        "a abbr acronym b bdi bdo big cite code data del dfn em font i img input ins kbd label mark meter q s samp "
        "small span strike strong sub sup time tt u var wbr"
    ).split()
)
_BLOCKS = frozenset(
    (
        "address article aside blockquote br center dd div dl dt footer form h1 h2 h3 h4 h5 h6 header hr li main nav "
        "ol p pre section table tbody td tfoot th thead tr ul"
    ).split()
)
_OPAQUE = frozenset("script style code pre textarea kbd samp var svg math noscript template iframe object".split())
_VOID = frozenset("area base br col embed hr img input link meta param source track wbr".split())
CDATA = r"<!\[CDATA\[(?:[^\]]|\](?!\]>))*+\]\]>"
"""Text of XML that is to be read as it is: it stays so."""
_TAG = re.compile(rf"{CDATA}" r"|<(/?)([a-zA-Z_][\w:.-]*)(?:[^<>\"']|\"[^\"<]*+\"|'[^'<]*+')*+>")


@dataclass(frozen=True)
class Tags:
    """Which tags do what; names are in small letters."""

    kept: frozenset[str] = _OPAQUE
    """What is in these stays as it is."""
    splitting: frozenset[str] = _BLOCKS
    """These end a running text."""
    inline: frozenset[str] | None = None
    """These do not, and all others do; None: others do not either."""

    void: frozenset[str] = _VOID
    """These have nothing that closes them."""

    def split(self, name: str) -> bool:
        """Whether a tag ends a running text."""
        return name in self.splitting or (self.inline is not None and name not in self.inline)

    def asked(self, ignored: Iterable[str], splitting: Iterable[str], inline: Iterable[str]) -> "Tags":
        """The same where a caller says what tags of his do."""
        kept, ends, goes_on = (frozenset(map(str.lower, names)) for names in (ignored, splitting, inline))
        among = None if self.inline is None else (self.inline | goes_on | kept) - ends
        return Tags(self.kept | kept, (self.splitting | ends) - goes_on, among, self.void)


HTML = Tags(splitting=frozenset(), inline=_INLINE)
PROGRAMS = Tags()
"""Of the texts of programs: whatever is no block of HTML stands around words."""


def xml_tags(text: str) -> Tags:
    """Those of an XML text: what stands in an element beside other elements only ends a running text, as does that."""
    splitting, inline = set[str](), set[str]()
    opened: list[set[str]] = [set()]
    said, end = [False], 0
    for match in _TAG.finditer(text):
        said[-1] |= bool(text[end : match.start()].strip()) or match.group(2) is None
        end = match.end()
        if match.group(2) is None:
            continue
        if match.group(1):
            if len(opened) > 1:
                (inline if said.pop() else splitting).update(opened.pop())
            continue
        opened[-1].add(match.group(2).lower())
        if not match.group().endswith("/>"):
            opened.append(set())
            said.append(False)
    said[-1] |= bool(text[end:].strip())
    for names, has_text in zip(opened, said, strict=True):
        (inline if has_text else splitting).update(names)
    return Tags(frozenset(), frozenset(splitting - inline), void=frozenset())
