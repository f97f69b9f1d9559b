"""What is sent that should not be: a clear refusal with the one body, and no worker that dies of it."""

import random
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from serving import Client, Server, balancing, once, serving, times

from service.app import create_app
from service.settings import Settings

BODY_KEYS = {"error", "message", "error_type", "errors", "request_id"}
AS_DESCRIBED = [content_type_conformance, response_schema_conformance, status_code_conformance]
PATHS = ("/translate", "/sentiment", "/detect", "/v2/translate", "/v2/glossaries", "/v2/document/x", "/documents")
BODIES: list[bytes] = [
    b"",
    b"{",
    b"[]",
    b"[" * 100_000,
    b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    b"null",
    b"true",
    b"1e999",
    b"NaN",
    b'{"text": NaN}',
    b'{"text": Infinity}',
    b'{"text": null}',
    b'{"text": 1}',
    b'{"text": {}}',
    b'{"text": []}',
    b'{"text": [[]]}',
    b'{"text": ["a", 1]}',
    b'{"text": "a", "text": 2}',
    b'{"text": "a", "unknown": 1}',
    b'{"text": "\\ud800"}',
    b'{"text": "\\u0000"}',
    b'{"text": "a", "glossary": {"a": "\\ud800"}}',
    b'{"text": "a", "api_key": "\\ud800"}',
    b'{"text": "a", "\\ud800": 1}',
    b'{"document_key": "\\ud800"}',
    b'{"text": ["a"], "target_lang": "VI", "glossary_id": "\\ud800"}',
    b'{"name": "a", "source_lang": "en", "target_lang": "vi", "entries": "a\\t\\ud800"}',
    b'{"text": "a", "beam_size": 0}',
    b'{"text": "a", "beam_size": 1e9}',
    b'{"text": "a", "beam_size": "4"}',
    b'{"text": "a", "alternatives": -1}',
    b'{"text": "a", "alternatives": 1000}',
    b'{"text": "a", "format": "pdf"}',
    b'{"text": "a", "glossary": []}',
    b'{"text": "a", "glossary": {"": ""}}',
    b'{"text": "a", "protect": [1]}',
    b'{"text": "a", "threshold": 2}',
    b'{"text": "a", "top_k": 0}',
    b'{"text": "a", "q": "b"}',
    b'{"q": ["a", null], "target": "vi"}',
    b'{"q": "a", "target": 3}',
    b'{"inputs": {"a": "b"}}',
    b'{"inputs": "a", "parameters": []}',
    b'{"text": ["a"], "target_lang": ["VI"]}',
    "{}".encode("utf-16"),
    b"\xff\xfe\xfd",
    b'{"text": "\xed\xa0\x80"}',
    b"text=%ff%fe",
    b"q=a&q=b&target=vi&alternatives=x",
    b"%00" * 100,
    b"\x00" * 100,
]
KINDS = (
    "application/json",
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data",
    "image/png",
    "",
    "x",
)


@pytest.fixture(scope="module")
def running(checkpoints: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(checkpoints, tmp_path_factory.mktemp("input")) as server:
        yield server


def test_bad_bodies_are_refused_one_and_all(running: Server) -> None:
    """Promise 18, by hand: more than 300 bodies, types and addresses, each with each of others."""
    workers = running.workers()
    asked = [(path, body, kind) for path in PATHS for body in BODIES for kind in KINDS]
    chosen = asked if times(1, 0) else random.Random(1).sample(asked, 350)
    for path, body, kind in chosen:
        answer = once(running.port, path, body, {"Content-Type": kind})
        assert 200 <= answer.status < 500, (path, body[:60], kind, answer)
        if answer.status >= 400:
            assert answer.body.keys() == BODY_KEYS, (path, body[:60], kind)
            assert len(answer.body["message"]) < 5000
    assert running.workers() == workers


@pytest.mark.parametrize(
    "path",
    [
        "/../../etc/passwd",
        "/static/..%2f..%2fsettings.py",
        "/static/../../wsgi.py",
        "/docs/..%2f..%2f..%2fetc/passwd",
        "/docs/../../../etc/passwd",
        "/documents/..%2f..%2fetc%2fpasswd/result",
        "/v2/glossaries/..%2f..%2fx/entries",
        "/%00",
        "/" + "a" * 5000,
        "//example.org/translate",
    ],
)
def test_no_address_leads_elsewhere(running: Server, path: str) -> None:
    """Promise 13."""
    answer = once(running.port, path)
    assert answer.status in (400, 404, 414)
    assert b"root:" not in (answer.body if isinstance(answer.body, bytes) else b"")


@pytest.mark.parametrize("name", ["model", "checkpoint", "url", "path"])
def test_no_request_names_a_model(running: Server, name: str) -> None:
    for value in ("../../etc/passwd", "http://127.0.0.1:1/x", "file:///etc/passwd"):
        answer = once(running.port, "/translate", {"text": "a", name: value})
        assert answer.status == 422


def test_sizes_are_refused_before_they_are_read(running: Server) -> None:
    """Promise 19."""
    once(running.port, "/translate", {"text": "a"})
    for body in (b"x" * 10_000_000, b'{"text": "%s"}' % (b"x" * 10_000_000), b"x" * 1_000_000):
        answer = once(running.port, "/translate", body, {"Content-Type": "application/json"})
        assert answer.status in (400, 413)
        assert answer.seconds < times(200, 1000) / 1000
    word = once(running.port, "/translate", {"text": "x" * 1_000_000})
    assert (word.status, word.body["error_type"]) == (413, "TooLarge")
    assert word.seconds < times(200, 1000) / 1000


def test_text_is_in_no_log_and_no_metric(running: Server) -> None:
    """Promises 24 and 25."""
    evil = "kanarienvogel\r\nforged: line\x1b[31m\u2028"
    with Client(running.port) as client:
        for n in range(times(10_000, 100)):
            client.ask(
                "/translate",
                {"text": f"{evil}{n}"},
                {"X-API-Key": "kanarienvogel-key", "Authorization": "Bearer kanarienvogel"},
            )
            client.ask("/sentiment", {"text": [f"{evil}{n}", 3]})
            client.ask(f"/kanarienvogel-{n}", None, {"X-Request-ID": "kanarienvogel\tx"})
    metrics = once(running.port, "/metrics").body
    assert b"kanarienvogel" not in metrics
    assert b"127.0.0.1" not in metrics
    assert b"kanarienvogel" not in running.log.read_bytes()
    assert b"forged" not in running.log.read_bytes()


def test_whatever_is_made_of_the_description_is_answered(checkpoints: Path) -> None:
    """Promise 18: requests that schemathesis makes of our own description, fitting it and not; so are the answers."""
    paths = {"translation": checkpoints / "tiny-translation", "sentiment": checkpoints / "tiny-sentiment"}
    app = create_app(Settings(**paths, max_text_characters=500, max_texts=4))  # type: ignore[arg-type]
    seen = 0

    def answered(case: Any) -> None:
        nonlocal seen
        seen += 1
        answer = case.call()
        assert answer.status_code < 500, case.as_curl_command()
        if answer.status_code >= 400:
            assert answer.json().keys() == BODY_KEYS, case.as_curl_command()
        case.validate_response(answer, checks=AS_DESCRIBED)

    few = settings(max_examples=times(600, 3), deadline=None, database=None, suppress_health_check=list(HealthCheck))
    for result in schemathesis.openapi.from_wsgi("/openapi.json", app).get_all_operations():
        for mode in schemathesis.GenerationMode:
            # What takes nothing can be asked in no wrong way.
            with suppress(Unsatisfiable):
                given(case=result.ok().as_strategy(mode))(few(lambda case: answered(case)))()
    assert seen >= times(10_000, 50)


GOOD: list[tuple[str, str, Any]] = [
    ("POST", "/translate", {"text": ["Good night.", ""], "alternatives": 2, "alignment": True, "scores": True}),
    ("POST", "/translate", {"q": "Good night.", "alternatives": 1}),
    ("POST", "/translate", {"q": ["Good night.", "Where?"], "source": "auto", "target": "vi"}),
    ("POST", "/translate", {"inputs": "Good night."}),
    ("POST", "/sentiment", {"text": "A dull film.", "explain": True}),
    ("POST", "/sentiment", {"text": ["A dull film.", "Phim hay."], "threshold": 0.99}),
    ("POST", "/sentiment", {"inputs": ["A dull film."]}),
    ("POST", "/detect", {"q": "Where?"}),
    ("POST", "/v2/translate", {"text": ["Good night."], "target_lang": "VI"}),
    (
        "POST",
        "/v2/glossaries",
        {"name": "ours", "source_lang": "en", "target_lang": "vi", "entries": "bank\tngân hàng"},
    ),
    *(
        ("GET", path, None)
        for path in (
            *("/v2/glossaries", "/v2/glossary-language-pairs", "/v2/usage", "/v2/languages", "/languages"),
            *("/frontend/settings", "/livez", "/readyz", "/health", "/info", "/metrics"),
        )
    ),
]


def test_what_is_answered_to_good_requests_is_as_described(checkpoints: Path) -> None:
    paths = {"translation": checkpoints / "tiny-translation", "sentiment": checkpoints / "tiny-sentiment"}
    described = schemathesis.openapi.from_wsgi("/openapi.json", create_app(Settings(**paths)))  # type: ignore[arg-type]
    for method, path, body in GOOD:
        asked = {"body": body, "media_type": "application/json"} if body else {}
        case = described[path][method].Case(**asked)
        answer = case.call()
        assert answer.status_code < 300, (path, answer.text)
        case.validate_response(answer, checks=AS_DESCRIBED)
    for operation in (result.ok() for result in described.get_all_operations()):
        assert any(code.startswith("2") for code in operation.definition.raw["responses"]), operation.label


def test_what_gunicorn_refuses_has_the_one_body_too(running: Server) -> None:
    long = once(running.port, "/" + "a" * 5000)
    assert (long.status, long.body.keys()) == (414, BODY_KEYS)
    assert "cannot be read" in long.body["message"]


@pytest.mark.parametrize(("trusted", "statuses"), [("127.0.0.1", [200] * 4), ("", [200, 200, 429, 429])])
def test_behind_another_proxy_clients_are_told_apart(
    checkpoints: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trusted: str, statuses: list[int]
) -> None:
    """Where it is said to be one that is believed; of anybody else the address alone counts."""
    if trusted:
        monkeypatch.setenv("TRUSTED_PROXY", trusted)
    with (
        serving(checkpoints, tmp_path, proxies=1, rate_limit="2/hour") as server,
        balancing([server.port], tmp_path) as port,
    ):
        asked = [{"X-Forwarded-For": f"203.0.113.{number}"} for number in range(4)]
        assert [once(port, "/translate", {"text": "Good night."}, each).status for each in asked] == statuses


def test_the_balancer_hides_the_counts_and_gives_an_id(running: Server, tmp_path: Path) -> None:
    with balancing([running.port], tmp_path) as port:
        for path in ("/metrics", "/%6detrics", "/metrics/", "//metrics", "/metrics?x=1"):
            assert once(port, path).status in (308, 404), path
        found = once(port, "/%6detrics")
        assert found.body.keys() == BODY_KEYS
        assert found.body["request_id"] == found.headers["x-request-id"] != ""
        named = once(port, "/translate", {"text": "Good night."}, {"X-Request-ID": "mine-1"})
        assert (named.status, named.headers["x-request-id"]) == (200, "mine-1")
