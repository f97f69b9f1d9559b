"""Message catalogues of gettext (.po): what has no translation yet gets one, everything else stays."""

import re
from collections.abc import Sequence

import polib

from inference.documents.document import Document, DocumentError, Encoding
from inference.documents.messages import read_message

_LINE = r"[ \t]*\"[^\r\n]*\"[ \t]*(?:\r?\n|\Z)"
_TRANSLATION = re.compile(rf"(?:^[ \t]*msgstr(?:\[\d+\])?{_LINE}(?:^{_LINE})*+)++", re.MULTILINE)


def read_catalog(text: str, encoding: Encoding) -> Document:
    """A document whose blocks are the untranslated messages; of one that has a plural, singular and plural.

    Raises DocumentError when it is no catalogue.
    """
    try:
        # polib takes what is no text of a catalogue for a path.
        catalog = polib.pofile(text if "\n" in text else text + "\n", check_for_duplicates=False)
    except (OSError, ValueError) as error:
        raise DocumentError(f"it is no message catalogue: {error}") from error
    if not catalog:
        raise DocumentError("it is no message catalogue: there is no msgid in it")
    entries = [entry for entry in catalog if not entry.obsolete]
    # The first one may be the catalogue's head, which polib does not count.
    places = [match.span() for match in _TRANSLATION.finditer(text)]
    if not len(entries) <= len(places) <= len(entries) + 1:
        raise DocumentError("it is no message catalogue: there is a msgid without a msgstr in it")
    heads = [0, *(end for _, end in places)]
    spans = list(zip(heads, places, strict=False))[len(places) - len(entries) :]
    waiting = [(e, *span) for e, span in zip(entries, spans, strict=True) if not (e.translated() or e.fuzzy)]
    messages = [[text for text in (entry.msgid, entry.msgid_plural) if text] for entry, *_ in waiting]
    pages = [[read_message(text, str, str) for text in group] for group in messages]

    def write(blocks: Sequence[str]) -> bytes:
        left, parts, end = iter(blocks), [], 0
        for (entry, head, (first, last)), group in zip(waiting, pages, strict=True):
            found = [page.join([next(left) for _ in page.blocks]) for page in group]
            parts += [text[end:head], _written(entry, text[head:first], text[first:last], found)]
            end = last
        return encoding.encode("".join([*parts, text[end:]]))

    return Document([block for group in pages for page in group for block in page.blocks], write)


def _written(entry: polib.POEntry, head: str, empty: str, found: Sequence[str]) -> str:
    """An entry with its translation, and the flag that says that nobody has looked at it; what has become nothing else
    than it was stays as it is.
    """
    if found == [text for text in (entry.msgid, entry.msgid_plural) if text]:
        return head + empty
    if entry.msgid_plural:
        # A language without plural forms has one, which stands for all numbers.
        forms = sorted(entry.msgstr_plural) or [0]
        plural = {form: found[0] if form == 0 and len(forms) > 1 else found[1] for form in forms}
        made = polib.POEntry(msgid="", msgid_plural="", msgstr_plural=plural)
    else:
        made = polib.POEntry(msgid="", msgstr=found[0])
    lines = str(made)[str(made).index("msgstr") :].rstrip("\n").split("\n")
    end = "\r\n" if "\r\n" in empty else "\n"
    return _flagged(head, end) + end.join(lines) + (end if empty.endswith("\n") else "")


def _flagged(head: str, end: str) -> str:
    if re.search(r"^#,", head, re.MULTILINE):
        return re.sub(r"^#,", "#, fuzzy,", head, count=1, flags=re.MULTILINE)
    return re.sub(r"^(?=[ \t]*(?:msg|#\|))", f"#, fuzzy{end}", head, count=1, flags=re.MULTILINE)
