"""Message catalogues of gettext (.po): what has no translation yet gets one, everything else stays."""

from collections.abc import Sequence

import polib

from inference.blocks import Block
from inference.documents.document import Document, DocumentError, Encoding


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
    entries = [entry for entry in catalog if not entry.obsolete and not entry.translated() and not entry.fuzzy]
    texts = [text for entry in entries for text in (entry.msgid, entry.msgid_plural) if text]

    def write(blocks: Sequence[str]) -> bytes:
        left = iter(blocks)
        for entry in entries:
            _translate(entry, next(left), next(left) if entry.msgid_plural else "")
        # polib writes a header even where there was none.
        return encoding.encode(str(catalog) if catalog.metadata else str(catalog).partition("\n\n")[2])

    return Document([Block(text, [], [], str) for text in texts], write)


def _translate(entry: polib.POEntry, singular: str, plural: str) -> None:
    if not entry.msgid_plural:
        entry.msgstr = singular
        return
    # A language without plural forms has one, which stands for all numbers.
    forms = sorted(entry.msgstr_plural) or [0]
    entry.msgstr_plural = {form: singular if form == 0 and len(forms) > 1 else plural for form in forms}
