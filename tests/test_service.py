"""The service in one process: shapes, limits, and one error body for every code."""

import json
import math
import os
import re
import shutil
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from inference.checkpoint import open_checkpoint, write_checkpoint
from inference.cores import count_cores
from service.app import create_app
from service.settings import Settings, SettingsError


def client_for(checkpoints: Path, **values: Any) -> FlaskClient:
    paths = {"translation": checkpoints / "tiny-translation", "sentiment": checkpoints / "tiny-sentiment"}
    return create_app(Settings(**paths, **values)).test_client()  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def client(toys: Path) -> FlaskClient:
    return client_for(
        toys / "checkpoints", max_texts=3, max_text_characters=100, max_request_characters=150, max_request_bytes=1000
    )


def test_translate_one_text(client: FlaskClient) -> None:
    response = client.post("/translate", json={"text": "I love you."})
    assert response.status_code == 200
    assert response.get_json() == {
        "translations": [{"text": "Tôi yêu bạn.", "truncated": False, "warnings": []}],
        "model": "tiny-translation",
    }
    assert "Tôi" in response.get_data(as_text=True)  # not escaped


def test_translate_a_list_with_a_beam(client: FlaskClient) -> None:
    response = client.post("/translate", json={"text": ["Good night.", "", "How old are you?"], "beam_size": 3})
    texts = [t["text"] for t in response.get_json()["translations"]]
    assert texts == ["Chúc ngủ ngon.", "", "Bạn bao nhiêu tuổi?"]


def test_translation_options(client: FlaskClient) -> None:
    def ask(text: str, **options: Any) -> dict[str, Any]:
        return dict(client.post("/translate", json={"text": text, **options}).get_json()["translations"][0])

    assert ask("I love you.").keys() == {"text", "truncated", "warnings"}
    full = ask("I love you.", alternatives=2, scores=True, alignment=True)
    assert (full["text"], len(full["alternatives"])) == ("Tôi yêu bạn.", 2)
    assert 0.5 < full["score"] <= 1
    assert {tuple(link["target"]) for link in full["alignment"]} == {(0, 3), (4, 7), (8, 12)}
    assert ask("<p><b>I love you.</b></p>", format="html")["text"] == "<p><b>Tôi yêu bạn.</b></p>"
    for option in ({"alternatives": 1}, {"alignment": True}):
        refused = client.post("/translate", json={"text": "a", "format": "html", **option})
        assert (refused.status_code, next(iter(option)) in refused.get_json()["message"]) == (422, True)
    assert "ZZ" in ask("I love Y.", glossary={"Y": "ZZ"})["text"]
    assert "Y" in ask("I love Y.", protect=["Y"])["text"]
    french = ask("Le chat est dans la maison.")["warnings"]
    assert french == ["this looks like French, and was read as if it were English"]
    assert ask("Tôi yêu bạn.")["warnings"] == [
        "nothing was translated: the text may be no English, or a name, or have no words"
    ]
    for bad in ({"alternatives": 6}, {"format": "pdf"}, {"glossary": {"": "x"}}, {"protect": [" "]}, {"scores": 1}):
        refused = client.post("/translate", json={"text": "I love you.", **bad})
        assert refused.status_code == 422
        assert next(iter(bad)) in refused.get_json()["message"]


def test_sentiment(client: FlaskClient) -> None:
    response = client.post("/sentiment", json={"text": ["The best coffee in town!", "The worst coffee in town!"]})
    body = response.get_json()
    assert [r["label"] for r in body["results"]] == ["positive", "negative"]
    for result in body["results"]:
        assert sum(result["scores"].values()) == pytest.approx(1)
        assert result["score"] == result["scores"][result["label"]]
        assert result["truncated"] is False
    assert body["model"] == "tiny-sentiment"


def test_sentiment_options(client: FlaskClient) -> None:
    text = "The best coffee in town!"

    def ask(**options: Any) -> dict[str, Any]:
        return dict(client.post("/sentiment", json={"text": text, **options}).get_json()["results"][0])

    plain = ask()
    assert (plain["label"], plain["language"], "explanation" in plain) == ("positive", "en", False)
    assert list(ask(top_k=1)["scores"]) == ["positive"]
    assert ask(threshold=plain["score"])["label"] == "positive"
    assert ask(threshold=1.0)["label"] is None
    assert ask(neutral_band=1.0)["label"] == "neutral"
    assert ask(neutral_band=0.01)["label"] == "positive"
    explained = ask(explain=True)
    assert [piece["text"] for piece in explained["explanation"]] == text.split()
    assert text[explained["explanation"][1]["start"] : explained["explanation"][1]["end"]] == "best"
    odds = math.log(plain["score"] / (1 - plain["score"]))
    assert explained["base"] + sum(piece["score"] for piece in explained["explanation"]) == pytest.approx(
        odds, abs=1e-3
    )
    for bad in ({"top_k": 0}, {"threshold": 1.5}, {"neutral_band": -0.1}, {"explain": "yes"}):
        refused = client.post("/sentiment", json={"text": text, **bad})
        assert refused.status_code == 422
        assert next(iter(bad)) in refused.get_json()["message"]


def test_no_label_is_nothing_in_plain_text(client: FlaskClient) -> None:
    body = {"text": "The best coffee in town!", "threshold": 1.0}
    answer = client.post("/sentiment", json=body, headers={"Accept": "text/plain"})
    assert answer.text.startswith("\t0.")


def test_a_field_of_a_form_may_be_a_list_of_one(client: FlaskClient) -> None:
    answer = client.post("/translate", data={"text": "I love Hoiquy.", "protect": "Hoiquy"})
    assert "Hoiquy" in answer.get_json()["translations"][0]["text"]
    assert client.post("/translate", json={"text": "I love Hoiquy.", "protect": "Hoiquy"}).status_code == 422


def test_kubernetes_names_of_a_service_are_no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    told = {"PORT": "tcp://10.0.0.7:8000", "SERVICE_HOST": "10.0.0.7", "SERVICE_PORT_HTTP": "8000"}
    for name, value in {**told, "PORT_8000_TCP_ADDR": "10.0.0.7", "PORT_8000_TCP": "x"}.items():
        monkeypatch.setenv(f"HOIQUY_{name}", value)
    assert Settings.from_environment().port == 8000


@pytest.mark.parametrize(("quota", "most"), [("150000 100000", 2), ("50000 100000", 1), ("max 100000", 10**6)])
def test_there_are_no_more_cores_than_a_container_may_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quota: str, most: int
) -> None:
    monkeypatch.setattr("inference.cores._QUOTA", tmp_path / "cpu.max")
    (tmp_path / "cpu.max").write_text(f"{quota}\n")
    assert count_cores() == min(most, len(os.sched_getaffinity(0)))


def test_a_band_needs_its_two_ends(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    predictor = client.application.extensions["hoiquy"].models.sentiment.get()
    monkeypatch.setattr(predictor, "labels", ("complaint", "praise"))
    assert client.post("/sentiment", json={"text": "The best coffee in town!"}).status_code == 200
    refused = client.post("/sentiment", json={"text": "The best coffee in town!", "neutral_band": 0.2})
    assert refused.status_code == 422
    assert "neutral_band" in refused.get_json()["message"]
    assert "'complaint', 'praise'" in refused.get_json()["message"]


@pytest.mark.parametrize("kind", ["text/plain", "text/plain; charset=utf-8", "application/x-www-form-urlencoded", None])
def test_a_plain_body_is_the_text(client: FlaskClient, kind: str | None) -> None:
    response = client.post("/translate", data=b"Good night.\n\nI love you.", content_type=kind)
    assert response.get_json()["translations"][0]["text"] == "Chúc ngủ ngon.\n\nTôi yêu bạn."


@pytest.mark.parametrize("body", ['{"text": "Good night."}', ' {"text": ["Good night."]}\n'])
def test_json_is_read_as_json_where_its_type_was_forgotten(client: FlaskClient, body: str) -> None:
    answer = client.post("/translate", data=body, content_type="application/x-www-form-urlencoded").get_json()
    assert answer["translations"][0]["text"] == "Chúc ngủ ngon."
    # What only looks like it is text.
    answer = client.post("/translate", data="{Good night.", content_type="text/plain").get_json()
    assert answer["translations"][0]["text"]


def test_plain_text_answers_when_asked_for(client: FlaskClient) -> None:
    accept = {"Accept": "text/plain"}
    assert client.post("/translate", data="Good night.", headers=accept).get_data(as_text=True) == "Chúc ngủ ngon.\n"
    line = client.post("/sentiment", data="The best coffee in town!", headers=accept).get_data(as_text=True)
    label, score = line.split("\t")
    assert label == "positive"
    assert 0.5 < float(score) <= 1
    assert client.post("/translate", data="Good night.", headers={"Accept": "*/*"}).is_json


@pytest.mark.parametrize(
    ("body", "kind", "status", "error_type", "message"),
    [
        (b"{", "application/json", 400, "Validation", "not JSON"),
        (b"[" * 400 + b"]" * 400, "application/json", 422, "Validation", "body"),
        (b"\xff\xfe", "text/plain", 400, "Validation", "not UTF-8"),
        (b'{"text": NaN}', "application/json", 400, "Validation", "NaN"),
        (b'{"text": "\\ud800"}', "application/json", 422, "Validation", "surrogate"),
        (b'{"text": "a\\u0000b"}', "application/json", 422, "Validation", "NUL"),
        (b'{"text": "a", "glossary": {"a": "\\ud800"}}', "application/json", 422, "Validation", "glossary.a has a NUL"),
        (b'{"text": "a", "glossary": {"\\ud800": "a"}}', "application/json", 422, "Validation", "glossary has a NUL"),
        (b'{"text": "a", "\\udfff": 1}', "application/json", 422, "Validation", "the body has a NUL"),
        (b"{}", "application/json", 422, "Validation", "text: is missing"),
        (b"3", "application/json", 422, "Validation", "body: a JSON object is needed"),
        (b'{"text": 3}', "application/json", 422, "Validation", "text: give a text or a list of texts; it is 3"),
        (b'{"text": ["a", null]}', "application/json", 422, "Validation", "item 1 is null"),
        (b'{"text": []}', "application/json", 422, "Validation", "the list is empty"),
        (b'{"text": "a", "colour": 1}', "application/json", 422, "Validation", "colour: is no key of this request"),
        (
            b'{"text": "a", "beam_size": 0}',
            "application/json",
            422,
            "Validation",
            "greater than or equal to 1 (given: 0)",
        ),
        (b'{"text": "a", "beam_size": 11}', "application/json", 422, "Validation", "at most 10"),
        (b'{"text": "a", "beam_size": "2"}', "application/json", 422, "Validation", "valid integer (given: '2')"),
        (b'{"text": ["a", "b", "c", "d"]}', "application/json", 413, "TooLarge", "may have 3"),
        (b"a" * 101, "text/plain", 413, "TooLarge", "a text may have 100"),
        (json.dumps({"text": ["a" * 100, "b" * 51]}).encode(), "application/json", 413, "TooLarge", "may have 150"),
        (b"a" * 1001, "text/plain", 413, "TooLarge", "more than 1000 bytes"),
        (b'{"text": 3}', "application/x-www-form-urlencoded", 422, "Validation", "it is 3"),
        (b"<a/>", "application/xml", 415, "Validation", "application/json or text/plain"),
    ],
)
def test_bad_requests_get_the_one_error_body(
    client: FlaskClient, body: bytes, kind: str, status: int, error_type: str, message: str
) -> None:
    response = client.post("/translate", data=body, content_type=kind)
    error = response.get_json()
    assert (response.status_code, error["error_type"]) == (status, error_type)
    assert message in error["message"]
    assert error.keys() == {"error", "message", "error_type", "errors", "request_id"}
    assert error["error"] == error["message"]
    assert error["request_id"] == response.headers["X-Request-ID"]


def test_deeply_nested_json_is_refused(toys: Path) -> None:
    client = client_for(toys / "checkpoints")
    response = client.post("/translate", data=b"[" * 100_000, content_type="application/json")
    assert response.status_code == 400


@pytest.mark.parametrize(("method", "path", "status"), [("get", "/nowhere", 404), ("get", "/translate", 405)])
def test_unknown_places_get_the_one_error_body(client: FlaskClient, method: str, path: str, status: int) -> None:
    response = getattr(client, method)(path)
    assert response.status_code == status
    assert response.get_json()["request_id"]
    if status == 405:
        assert "POST" in response.headers["Allow"]
        assert "does not take GET: it takes " in response.get_json()["message"]


def test_in_a_form_numbers_are_numbers(client: FlaskClient) -> None:
    form = {"text": "Good night.", "beam_size": "2", "scores": "true"}
    assert 0 < client.post("/translate", data=form).get_json()["translations"][0]["score"] <= 1
    assert client.post("/translate", data={**form, "beam_size": "two"}).status_code == 422
    assert client.post("/translate", data={**form, "glossary": '{"night": "ĐÊM"}'}).status_code == 200
    assert client.post("/translate", data={**form, "glossary": "{"}).status_code == 400


def test_nothing_in_an_address_is_ignored(client: FlaskClient) -> None:
    refused = client.post("/translate?beam_size=4", json={"text": "Good night."})
    assert (refused.status_code, refused.get_json()["message"]) == (
        422,
        "the address has 'beam_size': send everything in the body",
    )


def test_a_text_to_classify_in_another_language_is_told(client: FlaskClient) -> None:
    texts = ["Le chat est dans la maison de mon ami.", "東京タワー", "Good coffee."]
    found = client.post("/sentiment", json={"text": texts}).get_json()["results"]
    assert [result["language"] for result in found] == ["fr", "ja", "en"]
    assert [result["warnings"] for result in found] == [
        ["this looks like French, and was read as if it were English or Vietnamese"],
        ["this looks like Japanese, which is not read here"],
        [],
    ]


def test_request_ids_are_echoed_when_well_formed(client: FlaskClient) -> None:
    assert client.get("/health", headers={"X-Request-ID": "abc-1.2_3"}).headers["X-Request-ID"] == "abc-1.2_3"
    assert re.fullmatch(r"total;dur=\d+\.\d", client.get("/health").headers["Server-Timing"])
    made = client.get("/health", headers={"X-Request-ID": "bad id"}).headers["X-Request-ID"]
    assert len(made) == 16


def test_health(client: FlaskClient) -> None:
    body = client.get("/health").get_json()
    assert body["status"] == "ok"
    assert body["models"]["translation"]["name"] == "tiny-translation"
    assert len(body["models"]["sentiment"]["version"]) == 12


def test_info_tells_what_is_served(client: FlaskClient) -> None:
    body = client.get("/info").get_json()
    translation = body["models"]["translation"]
    assert translation["metrics"]["train"]["bleu"] == 100
    assert len(translation["sha256"]["step.onnx"]) == 64
    assert translation["card"]["summary"]
    assert body["limits"]["max_texts"] == 3
    assert body["versions"]["onnxruntime"]
    assert client.get("/livez").get_json() == {"status": "ok"}
    assert client.get("/readyz").get_json() == client.get("/health").get_json()


def test_metrics_count_requests_and_tell_nothing_of_them(client: FlaskClient) -> None:
    def counts() -> dict[str, float]:
        lines = client.get("/metrics").get_data(as_text=True).splitlines()
        return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if line[0] != "#")}

    before = counts()
    secret = "canary-7f3a"
    client.post("/translate", data=f"Good night. {secret}")
    client.post("/sentiment", data=secret, headers={"X-Request-ID": secret})
    client.get(f"/{secret}")
    after = counts()
    gained = {name: value - before.get(name, 0) for name, value in after.items()}
    assert gained['hoiquy_requests_total{route="/translate",status="200"}'] == 1
    assert gained['hoiquy_requests_total{route="none",status="404"}'] == 1
    assert gained['hoiquy_request_seconds_count{route="/sentiment"}'] == 1
    assert gained['hoiquy_steps_total{task="sentiment"}'] == 1
    assert gained['hoiquy_tokens_total{task="translation"}'] >= 4
    assert gained["hoiquy_step_rows_count"] >= 2
    assert gained["hoiquy_jobs"] == 0
    assert not any(secret in name for name in after)
    assert any(name.startswith("hoiquy_model{") and 'name="tiny-translation"' in name for name in after)


def test_a_damaged_checkpoint_fails_alone(toy_copy: Path) -> None:
    step = toy_copy / "tiny-translation" / "step.onnx"
    step.write_bytes(step.read_bytes()[:-1])
    client = client_for(toy_copy)
    health = client.get("/health")
    assert health.status_code == 503
    assert "step.onnx is damaged" in health.get_json()["models"]["translation"]["error"]
    assert client.post("/translate", json={"text": "a"}).status_code == 503
    assert client.post("/sentiment", json={"text": "a"}).status_code == 200
    assert (client.get("/livez").status_code, client.get("/readyz").status_code) == (200, 503)
    assert "step.onnx is damaged" in client.get("/info").get_json()["models"]["translation"]["error"]


def test_an_unforeseen_fault_is_a_500_without_the_text(
    toys: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    client = client_for(toys / "checkpoints")
    graph = client.application.extensions["hoiquy"].models.sentiment.get().graph
    monkeypatch.setattr(graph, "classify", lambda _: 1 / 0)
    response = client.post("/sentiment", json={"text": "a secret"})
    assert response.status_code == 500
    assert response.get_json()["error_type"] == "Internal"
    assert "ZeroDivisionError" in caplog.text
    assert "a secret" not in caplog.text


@pytest.mark.parametrize("path", ["translate", "sentiment"])
def test_a_request_has_its_time(toys: Path, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    client = client_for(toys / "checkpoints", timeout=1)
    models = client.application.extensions["hoiquy"].models
    graph = (models.translation if path == "translate" else models.sentiment).get().graph
    name = "encode" if path == "translate" else "classify"
    compute = getattr(graph, name)
    monkeypatch.setattr(graph, name, lambda ids: (time.sleep(0.3), compute(ids))[1])
    slow = client.post(f"/{path}", json={"text": ["Fine."] * 20})
    assert (slow.status_code, slow.get_json()["error_type"]) == (504, "Timeout")
    assert client.post(f"/{path}", json={"text": "Fine."}).status_code == 200


@pytest.mark.parametrize("path", ["translate", "sentiment"])
def test_texts_are_read_only_as_long_as_somebody_waits(toys: Path, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the threads that answer, which share one lock with the one that computes."""
    client = client_for(toys / "checkpoints", timeout=0.2)
    models, read = client.application.extensions["hoiquy"].models, list[str]()
    where = models.translation.get().languages.source if path == "translate" else models.sentiment.get()
    encode = where.encode
    monkeypatch.setattr(
        type(where), "encode", lambda _, texts: (read.extend(texts), time.sleep(0.05), encode(texts))[2]
    )
    texts = [f"Fine, {number}." for number in range(20)]
    slow = client.post(f"/{path}", json={"text": texts})
    assert (slow.status_code, slow.get_json()["error_type"]) == (504, "Timeout")
    assert 0 < len(read) < 10
    read.clear()
    monkeypatch.setattr("service.routes.is_connected", lambda: False)
    assert client.post(f"/{path}", json={"text": texts}).status_code == 499
    assert not read


def test_too_much_at_once_is_refused_with_429(toys: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    client = client_for(toys / "checkpoints", max_requests=1)
    graph = client.application.extensions["hoiquy"].models.sentiment.get().graph
    classify, begun, go_on = graph.classify, threading.Event(), threading.Event()
    monkeypatch.setattr(graph, "classify", lambda ids: (begun.set(), go_on.wait(), classify(ids))[2])
    answers: list[int] = []
    first = threading.Thread(
        target=lambda: answers.append(
            client.application.test_client().post("/sentiment", json={"text": "Fine."}).status_code
        )
    )
    first.start()
    assert begun.wait(5)
    refused = client.post("/translate", json={"text": "Good night."})
    assert (refused.status_code, refused.get_json()["error_type"]) == (429, "Overloaded")
    assert refused.headers["Retry-After"] == "1"
    go_on.set()
    first.join()
    assert answers == [200]


def test_a_bad_checkpoint_does_not_stop_the_other(tmp_path: Path, toys: Path) -> None:
    shutil.copytree(toys / "checkpoints" / "tiny-sentiment", tmp_path / "tiny-sentiment")
    good = open_checkpoint(toys / "checkpoints" / "tiny-translation", "translation")
    files = {name: good.read(name) for name in good.hashes if name != "config.json"}
    for config, changed, message in (
        (good.config, {**files, "step.onnx": b"no graph"}, "ONNX Runtime cannot load a graph of 8 bytes"),
        (good.config, {**files, "source.model": b"no model"}, "these 8 bytes are not a SentencePiece model"),
        ({**good.config, "decode": {"colour": 1}}, files, "unexpected keyword argument 'colour'"),
        ({"task": "translation"}, files, "KeyError: 'source_language'"),
    ):
        write_checkpoint(tmp_path / "tiny-translation", config, changed)
        client = client_for(tmp_path)
        health = client.get("/health")
        assert health.status_code == 503
        assert message in health.get_json()["models"]["translation"]["error"]
        assert "tiny-translation is not for this version" in health.get_json()["models"]["translation"]["error"]
        assert client.post("/sentiment", json={"text": "Fine."}).status_code == 200


def test_an_error_does_not_grow_with_the_request(toys: Path) -> None:
    client = client_for(toys / "checkpoints")
    for body in (
        {"text": "x", **{f"key{i}": 1 for i in range(20_000)}},
        {"text": "x", "k" * 100_000: 1},
        {"text": int("9" * 4000)},
        {"text": "x", "beam_size": "9" * 100_000},
    ):
        response = client.post("/translate", json=body)
        assert response.status_code == 422
        assert len(response.data) < 5000
    assert "and 19990 more" in client.post("/translate", json={f"key{i}": 1 for i in range(19_999)}).get_json()["error"]


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"HOIQUY_PROT": "1"}, "unknown setting HOIQUY_PROT: choose among HOIQUY_CORS_ORIGINS, HOIQUY_DATA, "),
        ({"HOIQUY_PORT": "0"}, "HOIQUY_PORT='0': .*greater than or equal to 1"),
        ({"HOIQUY_PORT": "many"}, "HOIQUY_PORT='many'"),
        ({"HOIQUY_TIMEOUT": "inf"}, "HOIQUY_TIMEOUT='inf': .*less than or equal to 3600"),
        ({"HOIQUY_STORE": "http://x"}, "HOIQUY_STORE='http://x': give a folder, or redis://HOST:PORT/0"),
        ({"HOIQUY_STORE": "/proc/none"}, "HOIQUY_STORE='/proc/none': nothing can be kept there .*another folder"),
        ({"HOIQUY_RATE_LIMIT": "five"}, "HOIQUY_RATE_LIMIT='five': give rates .* \"600/minute; 20/second\""),
        ({"HOIQUY_RATE_LIMIT": "0/minute"}, "HOIQUY_RATE_LIMIT='0/minute': give rates of 1 and more"),
        ({"HOIQUY_STORE": "redis://here:many/0"}, "HOIQUY_STORE='redis://here:many/0': .*'many'"),
    ],
)
def test_settings_are_strict(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], message: str) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=message):
        Settings.from_environment()


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOIQUY_PORT", "9000")
    monkeypatch.setenv("HOIQUY_DATA", "/anywhere")
    assert Settings.from_environment().port == 9000
