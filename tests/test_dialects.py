"""Clients of LibreTranslate, DeepL and Hugging Face, unmodified, ask a running server; and what they send, by hand."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import deepl
import pytest
from flask.testing import FlaskClient
from huggingface_hub import InferenceClient
from libretranslatepy import LibreTranslateAPI
from werkzeug.serving import make_server

from service.app import create_app
from service.dialects import DeepLRequest, LibreRequest
from service.settings import Settings


@pytest.fixture(scope="module")
def server(toys: Path) -> Iterator[tuple[str, FlaskClient]]:
    """The address of a server of the toys, and a client of its application."""
    folder = toys / "checkpoints"
    app = create_app(Settings(translation=folder / "tiny-translation", sentiment=folder / "tiny-sentiment"))
    running = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=running.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{running.server_port}", app.test_client()
    running.shutdown()
    thread.join()
    running.server_close()


def test_libretranslates_client(server: tuple[str, FlaskClient]) -> None:
    client = LibreTranslateAPI(server[0])
    assert client.translate("I love you.", "en", "vi") == "Tôi yêu bạn."
    assert client.detect("Tôi yêu bạn rất nhiều.")[0]["language"] == "vi"
    assert [language["code"] for language in client.languages()] == ["en", "vi"]


def test_deepls_client(server: tuple[str, FlaskClient]) -> None:
    client = deepl.Translator("any:fx", server_url=server[0])
    (first, second) = client.translate_text(["I love you.", "Good night."], source_lang="EN", target_lang="VI")
    assert (first.text, first.detected_source_lang, first.billed_characters) == ("Tôi yêu bạn.", "EN", 11)
    assert second.text == "Chúc ngủ ngon."
    marked = client.translate_text("<b>Good night.</b>", target_lang="VI", tag_handling="html")
    assert (marked.text, isinstance(marked, list)) == ("<b>Chúc ngủ ngon.</b>", False)
    assert client.get_usage().character.valid
    assert [language.code for language in client.get_source_languages()] == ["EN"]
    assert [language.code for language in client.get_target_languages()] == ["VI"]
    with pytest.raises(deepl.DeepLException, match="target_lang is 'DE': give vi"):
        client.translate_text("Hello", target_lang="DE")


def test_deepls_tags(server: tuple[str, FlaskClient]) -> None:
    client = deepl.Translator("any:fx", server_url=server[0])

    def ask(text: str, **options: Any) -> str:
        return str(client.translate_text(text, target_lang="VI", tag_handling="xml", **options))

    assert ask("<keep>Good night.</keep><x>Good night.</x>", ignore_tags="keep,k") == (
        "<keep>Good night.</keep><x>Chúc ngủ ngon.</x>"
    )
    assert ask("Good night.<cut/>I love you.", splitting_tags=["cut"]) == "Chúc ngủ ngon.<cut/>Tôi yêu bạn."
    assert ask("<a>Good</a> <b>night.</b>", non_splitting_tags=["a", "b"], formality="prefer_more")
    with pytest.raises(deepl.DeepLException, match="formality is 'more': there is one form only"):
        ask("a", formality="more")
    with pytest.raises(deepl.DeepLException, match="custom_instructions is not offered here"):
        ask("a", custom_instructions=["Be brief."])
    form = {"text": "<k>Good night.</k>", "target_lang": "VI", "tag_handling": "xml", "ignore_tags": "k"}
    assert server[1].post("/v2/translate", data=form).get_json()["translations"][0]["text"] == form["text"]
    assert server[1].post("/v2/translate", json={**form, "ignore_tags": 3}).status_code == 422


def test_the_language_is_said_where_the_shapes_have_a_place_for_it(server: tuple[str, FlaskClient]) -> None:
    french = "Bonjour tout le monde, comment allez-vous ?"
    client = deepl.Translator("any:fx", server_url=server[0])
    found = client.translate_text(["Hi", french, "Tôi yêu bạn."], target_lang="VI")
    assert [each.detected_source_lang for each in found] == ["EN", "FR", "VI"]
    # Who says what it is knows.
    assert client.translate_text(french, source_lang="EN", target_lang="VI").detected_source_lang == "EN"
    answer = server[1].post("/translate", json={"q": [french, "Hi"], "source": "auto", "target": "vi"}).get_json()
    assert [each["language"] for each in answer["detectedLanguage"]] == ["fr", "en"]
    assert server[1].post("/detect", data={"q": french}).get_json()[0]["language"] == "fr"
    assert server[1].post("/detect", data=french, content_type="text/plain").get_json()[0]["language"] == "fr"


def test_hugging_faces_client(server: tuple[str, FlaskClient]) -> None:
    address, _ = server
    labels = InferenceClient(model=f"{address}/sentiment").text_classification("The best coffee in town!")
    assert [label.label for label in labels] == ["positive", "negative"]
    assert sum(label.score for label in labels) == pytest.approx(1)
    assert len(InferenceClient(model=f"{address}/sentiment").text_classification("Fine.", top_k=1)) == 1
    assert InferenceClient(model=f"{address}/translate").translation("Good night.").translation_text == "Chúc ngủ ngon."


def test_weblate_sends_a_list_and_gets_one_of_equal_length(server: tuple[str, FlaskClient]) -> None:
    body = {"q": ["Good night.", "", "I love you."], "source": "en", "target": "vi", "format": "html", "api_key": ""}
    answer = server[1].post("/translate", json=body).get_json()
    assert answer == {"translatedText": ["Chúc ngủ ngon.", "", "Tôi yêu bạn."]}


def test_mastodon_sends_html_and_wants_the_language(server: tuple[str, FlaskClient]) -> None:
    body = {"q": ["<p>Good night.</p>"], "source": "auto", "target": "vi", "format": "html"}
    answer = server[1].post("/translate", json=body).get_json()
    assert answer["translatedText"] == ["<p>Chúc ngủ ngon.</p>"]
    assert answer["detectedLanguage"][0]["language"] == "en"
    assert 0 < answer["detectedLanguage"][0]["confidence"] <= 100


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Bonjour tout le monde, comment allez-vous ?", "fr"),
        ("Guten Tag, ich wollte nur sagen, wie schön das gestern war.", "de"),
        ("Tôi yêu bạn rất nhiều.", "vi"),
        ("I love you very much.", "en"),
    ],
)
def test_tags_are_no_language(server: tuple[str, FlaskClient], text: str, language: str) -> None:
    mention = '<p><span class="h-card"><a href="https://example.org/@anna" class="u-url">@<span>anna</span></a></span>'
    html = f"{mention} {text}</p>"
    answer = server[1].post("/translate", json={"q": [html], "target": "vi", "format": "html"}).get_json()
    assert answer["detectedLanguage"][0]["language"] == language
    answer = server[1].post("/v2/translate", json={"text": [html], "target_lang": "VI", "tag_handling": "html"})
    assert answer.get_json()["translations"][0]["detected_source_language"] == language.upper()
    native = server[1].post("/translate", json={"text": html, "format": "html"}).get_json()
    assert bool(native["translations"][0]["warnings"]) == (language != "en")


@pytest.mark.parametrize(
    ("parameters", "status"),
    [
        (None, 200),
        ({"function_to_apply": "softmax", "top_k": 1}, 200),
        ({"src_lang": "en"}, 422),
        ({"function_to_apply": "sigmoid"}, 422),
        ({"generate_parameters": {"num_beams": 2}}, 422),
        ({"truncation": "longest_first"}, 422),
    ],
)
def test_parameters_that_would_change_the_answer_are_refused(
    server: tuple[str, FlaskClient], parameters: Any, status: int
) -> None:
    body = {"inputs": "Good night.", "parameters": parameters}
    assert server[1].post("/sentiment", json=body).status_code == status


def test_the_languages_of_hugging_faces_client(server: tuple[str, FlaskClient]) -> None:
    client = InferenceClient(model=f"{server[0]}/translate")
    for source, target in (("en_XX", "vi_VN"), ("eng_Latn", "vie_Latn"), ("en", "vi")):
        found = client.translation("Good night.", src_lang=source, tgt_lang=target)
        assert found.translation_text == "Chúc ngủ ngon."
    wrong = {"inputs": "Good night.", "parameters": {"tgt_lang": "fr_XX"}}
    answer = server[1].post("/translate", json=wrong)
    assert (answer.status_code, answer.get_json()["message"]) == (400, "tgt_lang is 'fr_XX': give vi")


def test_what_deepls_client_would_send_again_it_is_not_to(
    server: tuple[str, FlaskClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.deepl._PATIENCE", 1e-6)
    answer = server[1].post("/v2/translate", json={"text": ["Good night."], "target_lang": "VI"})
    assert answer.status_code == 413
    assert "send less text at once" in answer.get_json()["message"]


def test_a_form_of_libretranslate(server: tuple[str, FlaskClient]) -> None:
    answer = server[1].post(
        "/translate", data={"q": "I love you.", "source": "en", "target": "vi", "alternatives": "1"}
    )
    body = answer.get_json()
    assert body["translatedText"] == "Tôi yêu bạn."
    assert len(body["alternatives"]) == 1
    for kind in ("application/x-www-form-urlencoded", "multipart/form-data"):
        form = {"q": "Good night.", "source": "en", "target": "vi"}
        assert (
            server[1].post("/translate", data=form, content_type=kind).get_json()["translatedText"] == "Chúc ngủ ngon."
        )
    # What is no form of theirs is a text, even with a sign of equality.
    plain = server[1].post("/translate", data="Good night. x=1", content_type="application/x-www-form-urlencoded")
    assert plain.get_json()["translations"][0]["text"].startswith("Chúc ngủ ngon.")


@pytest.mark.parametrize(
    ("path", "body", "status", "message"),
    [
        ("/translate", {"q": "a", "target": "de"}, 400, "target is 'de': give vi"),
        ("/translate", {"q": "a", "source": "fr"}, 400, "source is 'fr': give auto or en"),
        ("/translate", {"q": "a", "text": "b"}, 422, "the body has text and q: give one of them"),
        ("/translate", {"q": 3}, 400, "q: give a text or a list of texts; it is 3"),
        ("/translate", {"q": "a", "target": "d" * 100_000}, 400, "d…': give vi"),
        ("/translate", {"q": "a", "alternatives": 99}, 422, "alternatives is 99: at most 5"),
        ("/v2/translate", {"text": ["a"]}, 422, "target_lang: is missing"),
        ("/v2/translate", {"text": ["a"], "target_lang": "EN"}, 400, "target_lang is 'EN': give vi"),
        ("/sentiment", {"inputs": {"a": 1}}, 422, "inputs"),
        ("/detect", {"q": 3}, 400, "q: input should be a valid string (given: 3)"),
        ("/detect", [], 400, "body: a JSON object is needed"),
        ("/detect", {"q": "a" * 20_001}, 413, "q has 20001 characters, but a text may have 20000"),
        ("/v2/document/x", {"document_key": "\ud800"}, 422, "document_key has a NUL"),
        ("/v2/translate", {"text": ["a"], "target_lang": "VI", "glossary_id": "\ud800"}, 422, "glossary_id has a NUL"),
    ],
)
def test_bad_requests_have_the_one_error_body(
    server: tuple[str, FlaskClient], path: str, body: Any, status: int, message: str
) -> None:
    response = server[1].post(path, data=json.dumps(body), content_type="application/json")
    error = response.get_json()
    assert response.status_code == status
    assert message in error["message"]
    assert len(error["message"]) < 500
    assert error.keys() == {"error", "message", "error_type", "errors", "request_id"}


def test_other_translators_have_other_languages() -> None:
    asked = LibreRequest(q="Xin chào", source="vi", target="en")
    assert asked.native(("vi", "en"))["text"] == "Xin chào"
    assert LibreRequest(q="Xin chào").native(("vi", "en"))["text"] == "Xin chào"
    with pytest.raises(ValueError, match="source is 'vi': give auto or en"):
        asked.native(("en", "vi"))
    with pytest.raises(ValueError, match="target_lang is 'vi': give en"):
        DeepLRequest(text="a", target_lang="vi").native(("vi", "en"))


def test_what_clients_ask_before_they_begin(server: tuple[str, FlaskClient]) -> None:
    settings = server[1].get("/frontend/settings").get_json()
    assert settings["language"]["target"]["code"] == "vi"
    assert settings["charLimit"] == 20_000
    assert ".docx" in settings["supportedFilesFormat"]
