"""Word documents: the text of their runs, whatever stands between."""

import io
import re
import time
import zipfile

import pytest
from test_documents import in_capitals, texts

from inference.documents.document import DocumentError
from inference.documents.kinds import read_document

RUN = "<w:r w:rsidR='1'>{}<w:t{}>{}</w:t></w:r>"
BOLD = "<w:rPr><w:b/></w:rPr>"


def word(body: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("word/document.xml", f"<?xml version='1.0'?><w:document><w:body>{body}</w:body></w:document>")
        archive.writestr("word/styles.xml", "<w:styles><w:t>No text</w:t></w:styles>")
        archive.writestr("word/header1.xml", f"<w:hdr><w:p>{RUN.format('', '', 'The head')}</w:p></w:hdr>")
        archive.writestr("word/media/image1.png", b"\x89PNG")
    return packed.getvalue()


def translated(data: bytes) -> dict[str, bytes]:
    document = read_document("a.docx", data)
    written = document.write([in_capitals(block) for block in document.blocks])
    with zipfile.ZipFile(io.BytesIO(written)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def plain(xml: bytes) -> list[str]:
    """The text of each paragraph."""
    paragraphs = re.findall("<w:p>.*?</w:p>", xml.decode(), re.DOTALL)
    return ["".join(re.findall("<w:t(?: [^>]*)?>([^<]*)</w:t>", paragraph)) for paragraph in paragraphs]


def test_word() -> None:
    first = "<w:p><w:pPr><w:jc/></w:pPr>" + RUN.format("", " xml:space='preserve'", "The ") + "<w:proofErr/>"
    first += RUN.format(BOLD, "", "red car") + RUN.format("", "", " &lt; it.") + "</w:p>"
    link = "<w:hyperlink r:id='rId1'>" + RUN.format(BOLD, "", "here") + "</w:hyperlink>"
    second = "<w:p>" + RUN.format("", "", "See ") + link + "<w:r><w:footnoteReference w:id='2'/></w:r>"
    second += RUN.format("", "", " now") + "<w:r><w:tab/></w:r>" + RUN.format("", "", " or 7") + "</w:p>"
    data = word(first + second)
    assert texts(read_document("a.docx", data)) == ["The red car < it.", "See here now", "or 7", "The head"]
    files = translated(data)
    xml = files["word/document.xml"]
    assert plain(xml) == ["THE RED CAR &lt; IT.", "SEE HERE NOW OR 7"]
    assert f'<w:r>{BOLD}<w:t xml:space="preserve">RED CAR</w:t></w:r>'.encode() in xml
    assert (
        b"<w:hyperlink r:id='rId1'><w:r><w:rPr><w:b/></w:rPr><w:t xml:space=\"preserve\">HERE</w:t></w:r></w:hyperlink>"
        in xml
    )
    assert xml.count(b"footnoteReference") == xml.count(b"<w:tab/>") == xml.count(b"<w:pPr><w:jc/></w:pPr>") == 1
    assert plain(files["word/header1.xml"]) == ["THE HEAD"]
    assert files["word/media/image1.png"] == b"\x89PNG"
    assert b"No text" in files["word/styles.xml"]


@pytest.mark.parametrize(
    "between",
    ["<w:br/>", "<w:tab/>", "<w:br w:type='page'/>", "<w:drawing><a:b c='d'/></w:drawing>", "<w:cr/><w:tab/>"],
)
def test_a_run_may_hold_more_than_words(between: str) -> None:
    run = f"<w:r>{BOLD}<w:t>The first line</w:t>{between}<w:t>and the second.</w:t></w:r>"
    data = word(f"<w:p>{run}</w:p>")
    assert texts(read_document("a.docx", data)) == ["The first line", "and the second.", "The head"]
    xml = translated(data)["word/document.xml"].decode()
    assert plain(xml.encode()) == ["THE FIRST LINEAND THE SECOND."]
    assert xml.index("LINE") < xml.index(between.partition("><")[0]) < xml.index("AND")
    assert xml.count(BOLD) == 3 + between.count("/><w:tab")


def test_a_hyphen_of_words_own_is_one() -> None:
    run = "<w:r><w:t>A re</w:t><w:noBreakHyphen/><w:t>start of the ma</w:t><w:softHyphen/><w:t>chine</w:t></w:r>"
    assert texts(read_document("a.docx", word(f"<w:p>{run}</w:p>")))[0] == "A re-start of the machine"


def test_what_a_word_document_has_that_is_not_known_stays() -> None:
    odd = (
        "<w:p><w:r><w:fldChar/></w:r><w:r><w:instrText>PAGE x</w:instrText></w:r>"
        + RUN.format("", "", "Text")
        + "</w:p>"
    )
    half = "<w:p><w:hyperlink r:id='1'>" + RUN.format("", "", "Half") + "<w:sdt/></w:hyperlink></w:p>"
    box = "<w:p><w:r><w:pict><w:p>" + RUN.format("", "", "Box") + "</w:p></w:pict></w:r></w:p>"
    xml = translated(word(odd + half + box))["word/document.xml"].decode()
    assert "PAGE x" in xml
    assert all(text in xml for text in ("TEXT", "Half", "BOX"))
    tags = re.compile("<(?!/?w:(?:r|t)[ >])[^>]*>")
    assert tags.findall(xml) == tags.findall(
        f"<?xml version='1.0'?><w:document><w:body>{odd + half + box}</w:body></w:document>"
    )


def test_a_word_document_cannot_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("inference.documents.word._MOST_BYTES", 1 << 20)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", "x" * (2 << 20))
    with pytest.raises(DocumentError, match="more than 1 MiB"):
        read_document("a.docx", packed.getvalue())


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_a_damaged_word_document_is_none(method: int) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as archive:
        archive.writestr("word/document.xml", " ".join(map(str, range(3000))))
    data = bytearray(packed.getvalue())
    for place in range(60, len(data) - 100, 97):
        damaged = data.copy()
        damaged[place : place + 9] = b"\xa5" * 9
        with pytest.raises(DocumentError):
            read_document("a.docx", bytes(damaged))


def test_a_paragraph_of_many_runs_is_more_than_one_block() -> None:
    runs = "".join(RUN.format("", " xml:space='preserve'", f"word {i} ") for i in range(2000))
    link = "<w:hyperlink r:id='1'>" + RUN.format("", "", "a link " * 200) + "</w:hyperlink>"
    data = word(f"<w:p>{runs}{link}{runs}</w:p>")
    assert all(len(text) <= 10_000 for text in texts(read_document("a.docx", data)))
    (paragraph,) = plain(translated(data)["word/document.xml"])
    words = "".join(f"WORD {i} " for i in range(2000)).split()
    assert paragraph.split() == [*words, *["A", "LINK"] * 200, *words]


@pytest.mark.parametrize("unit", ["<w:r a", "<w:bookmarkStart ", "<w:proofErr ", "<w:r><w:rPr>", "<w:r><w:b>", "<w:t "])
def test_the_longest_xml_takes_no_long_time(unit: str) -> None:
    start = time.process_time()
    read_document("a.docx", word(unit * (1_000_000 // len(unit))))
    assert time.process_time() - start < 5
