"""Files that are sent whole, by our own addresses and by DeepL's unmodified client; glossaries too."""

import io
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import deepl
import pytest
from flask.testing import FlaskClient
from test_documents import SUBTITLES
from werkzeug.serving import make_server

from service.app import create_app
from service.errors import ApiError
from service.glossaries import read_terms
from service.settings import Settings

MARKDOWN = "# Good night.\n\n> I love you.\n\n```sh\nmake serve\n```\n"


def app_for(toys: Path, **values: Any) -> Any:
    folder = toys / "checkpoints"
    paths = {"translation": folder / "tiny-translation", "sentiment": folder / "tiny-sentiment"}
    return create_app(Settings(**paths, **values))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def client(toys: Path, tmp_path_factory: pytest.TempPathFactory) -> FlaskClient:
    store = str(tmp_path_factory.mktemp("store"))
    return app_for(toys, store=store, max_document_bytes=20_000).test_client()  # type: ignore[no-any-return]


def send(client: FlaskClient, name: str, data: bytes) -> Any:
    return client.post("/documents", data={"file": (io.BytesIO(data), name)})


def ended(client: FlaskClient, identity: str) -> dict[str, Any]:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        state: dict[str, Any] = client.get(f"/documents/{identity}").get_json()
        if state["status"] in ("done", "error"):
            return state
        time.sleep(0.05)
    raise AssertionError("the file was not translated in a minute")


def test_a_file_there_and_back(client: FlaskClient) -> None:
    begun = send(client, "READ ME.md", MARKDOWN.encode())
    assert begun.status_code == 202
    state = begun.get_json()
    assert (state["name"], state["total"], state["status"]) == ("READ ME.md", 2, "queued")
    assert ended(client, state["id"]) == {**state, "status": "done", "done": 2}
    answer = client.get(f"/documents/{state['id']}/result")
    assert answer.get_data(as_text=True) == "# Chúc ngủ ngon.\n\n> Tôi yêu bạn.\n\n```sh\nmake serve\n```\n"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="READ ME.vi.md"'
    assert client.delete(f"/documents/{state['id']}").status_code == 204
    assert client.get(f"/documents/{state['id']}").status_code == 404
    assert client.get(f"/documents/{state['id']}/result").status_code == 404


@pytest.mark.parametrize(
    ("name", "data", "status", "message"),
    [
        ("a.pdf", b"x", 422, r"file: .pdf is no kind"),
        ("a.txt", b"caf\xe9", 422, "not UTF-8"),
        ("a.docx", b"PK", 422, "no Word document"),
        ("a.txt", b"x" * 20_001, 413, "20001 bytes"),
        ("a.txt", b"x" * 200_000, 413, "but 20000 are taken"),
    ],
)
def test_what_cannot_be_taken_is_named(client: FlaskClient, name: str, data: bytes, status: int, message: str) -> None:
    refused = send(client, name, data)
    assert (refused.status_code, message in refused.get_json()["message"].replace(".pdf", ".pdf")) == (status, True)


def test_terms_hold_in_files_too(client: FlaskClient) -> None:
    sent = {"file": (io.BytesIO(b"I love Y."), "a.txt"), "glossary": '{"Y": "ZZ"}', "protect": '["love"]'}
    identity = client.post("/documents", data=sent).get_json()["id"]
    ended(client, identity)
    found = client.get(f"/documents/{identity}/result").get_data(as_text=True)
    assert "ZZ" in found
    assert "love" in found
    for status, bad in (
        (400, {"glossary": "{"}),
        (422, {"protect": '{"a": 1}'}),
        (422, {"glossary": '{"": "x"}'}),
        (422, {"beam_size": "2"}),
    ):
        refused = client.post("/documents", data={"file": (io.BytesIO(b"x"), "a.txt"), **bad})
        assert (refused.status_code, next(iter(bad)) in refused.get_json()["message"]) == (status, True)


def test_no_file_at_all(client: FlaskClient) -> None:
    assert client.post("/documents", data={"file": "text"}, content_type="multipart/form-data").status_code == 422
    assert client.post("/documents", json={"file": "text"}).status_code == 415
    assert client.get("/documents/../../etc/passwd").status_code == 404
    assert client.get("/documents/%2e%2e%2fx/result").status_code == 404


def test_a_part_without_a_name_is_no_field(client: FlaskClient) -> None:
    for path, status in (("/documents", 202), ("/v2/document", 200), ("/translate", 400)):
        parts = b'name="file"; filename="a.txt"', b"", *([b'name="target_lang"'] if "v2" in path else [])
        each = [b"--x\r\nContent-Disposition: form-data; %s\r\n\r\nVI\r\n" % part for part in parts]
        body = b"".join(each) + b"--x--\r\n"
        answer = client.post(path, data=body, content_type="multipart/form-data; boundary=x")
        assert answer.status_code == status


def test_a_name_is_no_header(client: FlaskClient) -> None:
    form = {"file": (io.BytesIO(b"Good night."), "b.txt"), "target_lang": "VI", "filename": "a\r\nX: y.txt"}
    begun = client.post("/v2/document", data=form).get_json()
    ended(client, begun["document_id"])
    key = {"document_key": begun["document_key"]}
    answer = client.post(f"/v2/document/{begun['document_id']}/result", json=key)
    assert (answer.status_code, answer.headers["Content-Disposition"]) == (200, 'attachment; filename="aX: y.vi.txt"')
    refused = send(client, f"a.{'b' * 50_000}", b"x").get_json()
    assert len(refused["message"]) < 1000


def test_a_field_beside_a_file_is_bounded(toys: Path) -> None:
    client = app_for(toys, max_request_bytes=1000).test_client()
    form = {"file": (io.BytesIO(b"Good night."), "a.txt"), "glossary": " " * 2000}
    answer = client.post("/documents", data=form)
    assert answer.status_code == 413
    assert "what is beside it 1000" in answer.get_json()["message"]
    bad = client.post("/documents", data={**form, "file": (io.BytesIO(b"x"), "a.txt"), "glossary": '{"a": "\\ud800"}'})
    assert (bad.status_code, bad.get_json()["message"]) == (
        422,
        "glossary.a has a NUL character or half of a surrogate pair: leave it out",
    )


def test_what_cannot_be_read_takes_no_place(toys: Path) -> None:
    client = app_for(toys, max_documents=1).test_client()
    assert [send(client, "a.docx", b"x").status_code for _ in range(3)] == [422, 422, 422]
    assert send(client, "a.txt", b"Good night.").status_code == 202


def test_a_translation_that_was_forgotten_is_said_to_be(client: FlaskClient) -> None:
    state = send(client, "a.txt", b"Good night.").get_json()
    ended(client, state["id"])
    client.application.extensions["hoiquy"].documents._store.delete(f"result/{state['id']}")
    answer = client.get(f"/documents/{state['id']}/result")
    assert answer.status_code == 404
    assert "forgotten to make room" in answer.get_json()["message"]


def test_a_file_that_is_deleted_at_its_end_stays_so(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    documents = client.application.extensions["hoiquy"].documents
    translate, begun, go_on = documents._translate, threading.Event(), threading.Event()

    def wait(pages: Any, terms: Any) -> list[str]:
        begun.set()
        go_on.wait(10)
        return translate(pages, terms)  # type: ignore[no-any-return]

    monkeypatch.setattr(documents, "_translate", wait)
    state = send(client, "a.txt", b"Good night.").get_json()
    assert begun.wait(10)
    assert client.delete(f"/documents/{state['id']}").status_code == 204
    go_on.set()
    until = time.monotonic() + 10
    while documents._places._value < 8 and time.monotonic() < until:
        time.sleep(0.01)
    assert client.get(f"/documents/{state['id']}").status_code == 404


@pytest.mark.parametrize("name", ["Đơn xin.md", "日本語.md"])
def test_a_result_has_the_name_of_the_file_in_any_letters(client: FlaskClient, name: str) -> None:
    identity = send(client, name, b"Good night.").get_json()["id"]
    ended(client, identity)
    said = client.get(f"/documents/{identity}/result").headers["Content-Disposition"]
    assert said.isascii()  # gunicorn sends no other
    encoded = re.findall(r"filename\*=UTF-8''(\S+)", said)
    assert [unquote(each) for each in encoded] == [name.replace(".md", ".vi.md")]


def test_behind_a_proxy_the_address_of_a_translation_is_the_proxys(toys: Path) -> None:
    client = app_for(toys, proxies=1).test_client()
    headers = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "nlp.example.org", "X-Forwarded-Prefix": "/vi"}
    form = {"file": (io.BytesIO(b"Good night."), "a.txt"), "source": "en", "target": "vi"}
    address = client.post("/translate_file", data=form, headers=headers).get_json()["translatedFileUrl"]
    assert address.startswith("https://nlp.example.org/vi/documents/")


def test_a_file_in_another_language_is_warned_of(client: FlaskClient) -> None:
    french = send(client, "a.md", b"# Bonjour tout le monde, comment allez-vous ?\n").get_json()
    assert french["warnings"] == ["this looks like French, and was read as if it were English"]
    assert send(client, "a.md", b"# Good night, my dear friends.\n").get_json()["warnings"] == []


def test_a_name_is_no_path(client: FlaskClient) -> None:
    state = send(client, "../../etc/a.txt", b"Good night.").get_json()
    assert state["name"] == "a.txt"
    ended(client, state["id"])


def test_what_goes_wrong_is_said(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    documents = client.application.extensions["hoiquy"].documents

    def fail(*_: Any) -> list[str]:
        raise ApiError(503, "Overloaded", "this model is not ready")

    monkeypatch.setattr(documents, "_translate", fail)
    state = ended(client, send(client, "a.txt", b"Good night.").get_json()["id"])
    assert (state["status"], state["error"]) == ("error", "this model is not ready")
    refused = client.get(f"/documents/{state['id']}/result")
    assert (refused.status_code, refused.get_json()["message"]) == (409, "this model is not ready")


def test_files_are_bounded_in_number_and_wait_for_others(toys: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    client = app_for(toys, max_documents=1).test_client()
    documents = client.application.extensions["hoiquy"].documents
    translate, go_on, asked = documents._translate, threading.Event(), []

    def busy(pages: Any, terms: Any) -> list[str]:
        asked.append(pages)
        if not go_on.is_set():
            raise ApiError(429, "Overloaded", "too much under way", retry_after=1)
        return translate(pages, terms)  # type: ignore[no-any-return]

    monkeypatch.setattr(documents, "_translate", busy)
    first = send(client, "a.txt", b"Good night.").get_json()
    refused = send(client, "b.txt", b"Good night.")
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "10")
    assert client.get(f"/documents/{first['id']}/result").status_code == 409
    go_on.set()
    assert ended(client, first["id"])["status"] == "done"
    assert len(asked) > 1
    assert send(client, "b.txt", b"Good night.").status_code == 202


@pytest.mark.parametrize(("times", "status"), [(3, "done"), (4, "error")])
def test_a_part_that_was_late_is_tried_again(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, times: int, status: str
) -> None:
    documents = client.application.extensions["hoiquy"].documents
    translate, asked = documents._translate, []

    def late(pages: Any, terms: Any) -> list[str]:
        asked.append(pages)
        if len(asked) <= times:
            raise ApiError(504, "Timeout", "this request took more than 30 s")
        return translate(pages, terms)  # type: ignore[no-any-return]

    monkeypatch.setattr(documents, "_translate", late)
    assert ended(client, send(client, "a.txt", b"Good night.").get_json()["id"])["status"] == status


@pytest.fixture
def deserted(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> str:
    """The id of a file whose worker has ended, a minute and more ago."""
    documents = client.application.extensions["hoiquy"].documents
    with monkeypatch.context() as ending:
        ending.setattr(documents, "_run", lambda *_: documents._places.release())
        form = {"file": (io.BytesIO(b"I love Y."), "a.txt"), "glossary": '{"Y": "ZZ"}'}
        identity = str(client.post("/documents", data=form).get_json()["id"])
    assert client.get(f"/documents/{identity}").get_json()["status"] == "queued"
    now = time.time
    monkeypatch.setattr("service.documents.time.time", lambda: now() + 61)
    return identity


def test_a_file_whose_worker_is_gone_is_begun_with_anew(client: FlaskClient, deserted: str) -> None:
    assert ended(client, deserted)["status"] == "done"
    assert "ZZ" in client.get(f"/documents/{deserted}/result").get_data(as_text=True)


def test_a_file_that_workers_die_of_is_given_up(
    client: FlaskClient, deserted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    documents = client.application.extensions["hoiquy"].documents
    monkeypatch.setattr(documents, "_run", lambda *_: documents._places.release())
    now, states = time.time, []
    for extra in (0, 65, 130):
        monkeypatch.setattr("service.documents.time.time", lambda extra=extra: now() + extra)
        states.append(client.get(f"/documents/{deserted}").get_json()["status"])
    assert states == ["queued", "queued", "error"]
    state = client.get(f"/documents/{deserted}").get_json()
    assert state["error"] == "its translation was broken off: send it again"


def test_who_asks_at_the_same_time_begins_with_it_once(client: FlaskClient, deserted: str) -> None:
    documents = client.application.extensions["hoiquy"].documents
    assert documents._store.claim(f"again/{deserted}/1", 60)
    assert client.get(f"/documents/{deserted}").get_json()["status"] == "queued"
    assert documents._places._value == 8


def test_libretranslates_way_to_send_a_file(client: FlaskClient, toys: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def sent(to: FlaskClient, name: str = "a.txt", **form: str) -> Any:
        data = {"file": (io.BytesIO(b"Good night."), name), "source": "en", "target": "vi", **form}
        return to.post("/translate_file", data=data)

    address = sent(client).get_json()["translatedFileUrl"]
    assert address.startswith("http://localhost/documents/")
    answer = client.get(address)
    assert answer.get_data(as_text=True) == "Chúc ngủ ngon."
    assert answer.headers["Content-Disposition"] == 'attachment; filename="a.vi.txt"'
    for refused, message in (
        (sent(client, target="de"), "target is 'de': give vi"),
        (sent(client, "a.pdf"), "file: .pdf is no kind"),
    ):
        assert refused.status_code in (400, 422)
        assert message in refused.get_json()["message"]
    slow = app_for(toys, timeout=1).test_client()
    monkeypatch.setattr(
        slow.application.extensions["hoiquy"].documents,
        "_translate",
        lambda pages, _: time.sleep(3) or [""] * len(pages),
    )
    late = sent(slow)
    assert (late.status_code, "it will be at http://localhost/documents/" in late.get_json()["message"]) == (504, True)


@pytest.fixture(scope="module")
def translator(toys: Path) -> Iterator[deepl.Translator]:
    running = make_server("127.0.0.1", 0, app_for(toys), threaded=True)
    thread = threading.Thread(target=running.serve_forever)
    thread.start()
    yield deepl.Translator("any:fx", server_url=f"http://127.0.0.1:{running.server_port}")
    running.shutdown()
    thread.join()
    running.server_close()


def test_deepls_client_sends_a_file(
    translator: deepl.Translator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deepl.translator.time.sleep", lambda _: None)  # it would wait five seconds at a time
    source, target = tmp_path / "film.srt", tmp_path / "phim.srt"
    source.write_text(SUBTITLES)
    status = translator.translate_document_from_filepath(source, target, target_lang="VI")
    assert status.done
    assert status.billed_characters == sum(map(len, ("Hello, my dear friend.", "Who is it?", "Nobody."))) + len(
        "I met a man who never came back."
    )
    assert [line for line in target.read_text().splitlines() if "-->" in line] == [
        line for line in SUBTITLES.splitlines() if "-->" in line
    ]
    with pytest.raises(deepl.DeepLException, match="no kind of document"):
        translator.translate_document(io.BytesIO(b"x"), io.BytesIO(), filename="a.pdf", target_lang="VI")


def test_what_deepl_does_to_files_and_we_do_not_is_refused(client: FlaskClient) -> None:
    for asked in ({"target_lang": "DE"}, {"formality": "less"}, {"output_format": "pdf"}, {"glossary_ids": "a,b"}):
        sent = {"file": (io.BytesIO(b"Good night."), "a.txt"), "target_lang": "VI", **asked}
        refused = client.post("/v2/document", data=sent)
        assert (refused.status_code, next(iter(asked)) in refused.get_json()["message"]) == (400, True)


def test_deepls_client_keeps_glossaries(translator: deepl.Translator) -> None:
    made = translator.create_glossary("mine", "EN", "VI", {"Y": "ZZ", "X": "Quận X"})
    assert (made.ready, made.entry_count, made.source_lang, made.target_lang) == (True, 2, "EN", "VI")
    assert [each.glossary_id for each in translator.list_glossaries()] == [made.glossary_id]
    assert translator.get_glossary(made.glossary_id).name == "mine"
    assert translator.get_glossary_entries(made) == {"Y": "ZZ", "X": "Quận X"}
    found = translator.translate_text("I love Y.", source_lang="EN", target_lang="VI", glossary=made)
    assert "ZZ" in found.text
    assert [(pair.source_lang, pair.target_lang) for pair in translator.get_glossary_languages()] == [("en", "vi")]
    translator.delete_glossary(made)
    with pytest.raises(deepl.exceptions.GlossaryNotFoundException):
        translator.get_glossary(made.glossary_id)
    with pytest.raises(deepl.DeepLException, match="target_lang is 'DE': give vi"):
        translator.create_glossary("mine", "EN", "DE", {"a": "b"})


@pytest.mark.parametrize(
    ("entries", "form", "message"),
    [
        ("one column", "tsv", "line 1 has 1 columns"),
        ("a,b,c", "csv", "line 1 has 3 columns"),
        ("", "tsv", "no term"),
        ('"a', "csv", "line 1"),
        ("a\t" + "x" * 300, "tsv", "give 1 to 200"),
    ],
)
def test_a_bad_glossary_is_refused(client: FlaskClient, entries: str, form: str, message: str) -> None:
    body = {"name": "g", "source_lang": "en", "target_lang": "vi", "entries": entries, "entries_format": form}
    refused = client.post("/v2/glossaries", json=body)
    assert refused.status_code in (400, 422)
    assert message in refused.get_json()["message"]


def test_a_quote_in_a_table_of_tabs_is_a_quote() -> None:
    assert read_terms('"Foo" bar\tx\n"Foo"\t"Phu"', "tsv") == {'"Foo" bar': "x", '"Foo"': '"Phu"'}
    assert read_terms('"Foo, ""bar"""," x"', "csv") == {'Foo, "bar"': "x"}


def test_a_document_opens_with_its_key_alone(client: FlaskClient) -> None:
    sent = {"file": (io.BytesIO(b"Good night."), "a.txt"), "target_lang": "VI"}
    handle = client.post("/v2/document", data=sent).get_json()
    address = f"/v2/document/{handle['document_id']}"
    assert client.post(address, json={"document_key": "other"}).status_code == 404
    assert client.post(address, json={}).status_code == 422
    ended(client, handle["document_id"])
    assert client.post(address, json={"document_key": handle["document_key"]}).get_json()["status"] == "done"
    form = {"document_key": handle["document_key"]}
    assert client.post(f"{address}/result", data=form).get_data(as_text=True) == "Chúc ngủ ngon."
    # As with DeepL, what was fetched is forgotten.
    assert client.post(f"{address}/result", data=form).status_code == 404
