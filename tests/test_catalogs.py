"""Texts of programs: catalogues of messages, and JSON, with tags and without."""

import contextlib
import json
import re
import time

import polib
import pytest
from test_documents import capitals, texts, unchanged

from inference.documents.document import DocumentError
from inference.documents.kinds import read_document

CATALOG = """# A project.
msgid ""
msgstr ""
"Language: vi\\n"
"Content-Type: text/plain; charset=UTF-8\\n"
"Plural-Forms: nplurals=1; plural=0;\\n"

#. A comment
#: src/main.c:12
#, c-format
msgid "Open %s"
msgstr ""

msgctxt "verb"
msgid "Save"
msgstr "Lưu"

#, fuzzy
msgid "Print"
msgstr "In ra"

msgid "One file"
msgid_plural "%d files"
msgstr[0] ""

msgid ""
"A first line\\n"
"and a second\\n"
msgstr ""

#~ msgid "Old"
#~ msgstr ""
"""


def test_catalogs() -> None:
    document = read_document("vi.po", CATALOG.encode())
    assert texts(document) == ["Open %s", "One file", "%d files", "A first line\nand a second\n"]
    translated = capitals("vi.po", CATALOG)
    found = polib.pofile(translated)
    assert [entry.msgstr for entry in found] == ["OPEN %S", "Lưu", "In ra", "", "A FIRST LINE\nAND A SECOND\n", ""]
    assert found[3].msgstr_plural == {0: "%D FILES"}
    # Nobody has looked at what a machine made; all else is as it was, to the byte.
    assert [entry.fuzzy for entry in found] == [True, False, True, True, True, False]
    assert "#: src/main.c:12\n#, fuzzy, c-format\nmsgid" in translated
    kept = translated.replace("#, fuzzy, c-format", "#, c-format").replace('%D FILES"', '"').replace('OPEN %S"', '"')
    kept = re.sub('#, fuzzy\n(?=msgid (?:"One|""))|"A FIRST.*\n"AND.*\n', "", kept)
    assert kept == CATALOG
    assert unchanged("vi.po", CATALOG.encode()) == CATALOG.encode()


def test_a_catalog_may_have_no_head_and_other_line_ends() -> None:
    data = '#| msgid "old"\nmsgctxt "a"\nmsgid "Quit\\n"\nmsgstr ""\n'
    data += 'msgid "b"\nmsgid_plural "c"\nmsgstr[0] ""\nmsgstr[1] ""'
    made = '#, fuzzy\n#| msgid "old"\nmsgctxt "a"\nmsgid "Quit\\n"\nmsgstr "QUIT\\n"\n'
    made += '#, fuzzy\nmsgid "b"\nmsgid_plural "c"\nmsgstr[0] "B"\nmsgstr[1] "C"'
    assert capitals("a.po", data) == made
    assert capitals("a.po", data.replace("\n", "\r\n")) == made.replace("\n", "\r\n")


@pytest.mark.parametrize(
    ("text", "blocks", "found"),
    [
        ("Click <b>here</b> now", ["Click here now"], "CLICK <b>HERE</b> NOW"),
        ('<0 a="b">Go</0>\n<br/>Tom &amp; x', ["Go", "Tom {\ufdd00} x"], '<0 a="b">GO</0>\n<br/>TOM &amp; X'),
        (
            "Press <kbd>K</kbd>, <Bold>x</Bold><1/>",
            ["Press {\ufdd00}, x"],
            "PRESS <kbd>K</kbd>, <Bold>X</Bold><1/>",
        ),
        ("a < b & c\n\tx", ["a < b & c\n\tx"], "A < B & C\n\tX"),
        ("<p>One</p>\t<p>Two</p>", ["One", "Two"], "<p>ONE</p>\t<p>TWO</p>"),
    ],
)
def test_texts_of_programs_keep_their_tags_around_words(text: str, blocks: list[str], found: str) -> None:
    data = json.dumps({"key": text})
    assert texts(read_document("a.json", data.encode())) == blocks
    assert json.loads(capitals("a.json", data)) == {"key": found}
    assert json.loads(unchanged("a.json", data.encode())) == {"key": text}
    catalog = polib.POFile()
    catalog.append(polib.POEntry(msgid=text))
    (entry,) = polib.pofile(capitals("a.po", str(catalog)))
    assert entry.msgstr == found


@pytest.mark.parametrize("unit", ["# c\n", "\n", '"x"\n', '#~ msgid "a"\n#~ msgstr ""\n', 'msgstr ""\n', "#, c\n"])
def test_a_long_catalog_takes_no_long_time(unit: str) -> None:
    start = time.process_time()
    with contextlib.suppress(DocumentError):
        unchanged("a.po", ('msgid "a"\nmsgstr ""\n' + unit * 100_000)[:200_000].encode())
    assert time.process_time() - start < 5
