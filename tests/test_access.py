"""Keys, rate limits, addresses and origins: all off, until they are set."""

import io
import time
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from service.access import hash_of, read_keys
from service.app import create_app
from service.settings import Settings, SettingsError

BODY = {"text": "Good night."}


def client_for(toys: Path, **values: Any) -> FlaskClient:
    folder = toys / "checkpoints"
    paths = {"translation": folder / "tiny-translation", "sentiment": folder / "tiny-sentiment"}
    return create_app(Settings(**paths, **values)).test_client()  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def guarded(toys: Path, tmp_path_factory: pytest.TempPathFactory) -> FlaskClient:
    keys = tmp_path_factory.mktemp("keys") / "keys.txt"
    keys.write_text(f"# who may ask\n\nanna {hash_of('secret-of-anna')}\nbinh {hash_of('secret-of-binh')}\n")
    return client_for(toys, keys=keys, store=str(keys.parent / "store"))


@pytest.mark.parametrize(
    "headers",
    [
        {"X-API-Key": "secret-of-anna"},
        {"Authorization": "Bearer secret-of-anna"},
        {"Authorization": "DeepL-Auth-Key secret-of-anna"},
        {"Authorization": "bearer  secret-of-binh"},
    ],
)
def test_a_key_opens(guarded: FlaskClient, headers: dict[str, str]) -> None:
    assert guarded.post("/translate", json=BODY, headers=headers).status_code == 200
    assert guarded.post("/sentiment", json=BODY, headers=headers).status_code == 200
    assert guarded.get("/v2/usage", headers=headers).status_code == 200


def test_a_key_in_the_body_opens(guarded: FlaskClient) -> None:
    assert guarded.post("/translate", json={**BODY, "api_key": "secret-of-anna"}).status_code == 200
    form = {"q": "Good night.", "target": "vi", "api_key": "secret-of-anna"}
    assert guarded.post("/translate", data=form).get_json()["translatedText"] == "Chúc ngủ ngon."
    assert guarded.post("/detect", data={"q": "Good night.", "api_key": "secret-of-anna"}).status_code == 200
    for path in ("/documents", "/v2/document"):
        file = {"file": (io.BytesIO(b"Good night."), "a.txt"), "api_key": "secret-of-anna"}
        file |= {"target_lang": "VI"} if path == "/v2/document" else {}
        assert guarded.post(path, data=file).status_code in (200, 202)
        file = {"file": (io.BytesIO(b"Good night."), "a.txt"), "target_lang": "VI"}
        assert guarded.post(path, data=file).status_code == 403
    half = b'{"text": "Good night.", "api_key": "\\ud800"}'
    assert guarded.post("/translate", data=half, content_type="application/json").status_code == 422


@pytest.mark.parametrize(
    ("path", "headers", "body"),
    [
        ("/translate", {}, BODY),
        ("/translate", {"X-API-Key": "secret-of-ann"}, BODY),
        ("/translate?api_key=secret-of-anna", {}, BODY),
        ("/translate", {"Authorization": "Basic secret-of-anna"}, BODY),
        ("/sentiment", {}, {**BODY, "api_key": ["secret-of-anna"]}),
        ("/v2/translate", {}, {"text": ["a"], "target_lang": "VI"}),
        ("/v2/glossaries", {}, {}),
        ("/detect", {}, {"q": "a"}),
    ],
)
def test_without_a_key_nothing_opens(guarded: FlaskClient, path: str, headers: dict[str, str], body: Any) -> None:
    response = guarded.post(path, json=body, headers=headers)
    assert (response.status_code, response.get_json()["error_type"]) == (403, "Auth")
    assert "secret" not in response.get_data(as_text=True)


@pytest.mark.parametrize(
    "path", ["/documents/x", "/documents/x/result", "/v2/glossaries", "/v2/usage", "/v2/languages"]
)
def test_what_has_no_body_needs_a_key_too(guarded: FlaskClient, path: str) -> None:
    assert guarded.get(path).status_code == 403


@pytest.mark.parametrize("path", ["/", "/livez", "/readyz", "/health", "/info", "/languages", "/metrics", "/docs"])
def test_what_tells_nothing_needs_none(guarded: FlaskClient, path: str) -> None:
    assert guarded.get(path, headers={"Accept": "text/html"}).status_code == 200
    assert guarded.get("/info").get_json()["key_required"] is True


def test_glossaries_are_their_owners_own(guarded: FlaskClient) -> None:
    body = {"name": "g", "source_lang": "en", "target_lang": "vi", "entries": "cat\tmèo"}
    anna, binh = ({"X-API-Key": f"secret-of-{name}"} for name in ("anna", "binh"))
    made = guarded.post("/v2/glossaries", json=body, headers=anna).get_json()["glossary_id"]
    assert guarded.get(f"/v2/glossaries/{made}", headers=anna).status_code == 200
    assert guarded.get(f"/v2/glossaries/{made}", headers=binh).status_code == 404
    assert guarded.get("/v2/glossaries", headers=binh).get_json() == {"glossaries": []}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "there is no key in it"),
        ("anna secret", "line 1: a line is NAME HASH"),
        (None, "HOIQUY_KEYS=.*No such file"),
    ],
)
def test_a_file_of_keys_is_read_with_care(tmp_path: Path, text: str | None, message: str) -> None:
    path = tmp_path / "keys"
    if text is not None:
        path.write_text(text)
    with pytest.raises(SettingsError, match=message):
        read_keys(path)


def test_who_asks_too_often_waits(toys: Path) -> None:
    client = client_for(toys, rate_limit="3/minute", workers=1)
    assert [client.post("/translate", json=BODY).status_code for _ in range(5)] == [200, 200, 200, 429, 429]
    refused = client.post("/sentiment", json=BODY)
    assert refused.get_json()["error_type"] == "RateLimited"
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    # What is written in a header is no other address.
    spoofed = client.post("/translate", json=BODY, headers={"X-Forwarded-For": "10.9.8.7"})
    assert spoofed.status_code == 429
    other = client.post("/translate", json=BODY, environ_overrides={"REMOTE_ADDR": "10.0.0.2"})
    assert other.status_code == 200


def test_what_one_limit_refuses_does_not_count_for_another(toys: Path) -> None:
    client = client_for(toys, rate_limit="6/minute; 2/second", workers=1)

    def ask() -> list[int]:
        return [client.post("/translate", json=BODY).status_code for _ in range(5)]

    assert ask().count(200) == 2
    time.sleep(1.05)
    assert ask().count(200) == 2
    time.sleep(1.05)
    assert ask().count(200) == 2
    time.sleep(1.05)
    assert ask().count(200) == 0


def test_a_proxy_that_is_known_tells_the_address(toys: Path) -> None:
    client = client_for(toys, rate_limit="1/minute", workers=1, proxies=1)

    def ask(forwarded: str) -> int:
        return client.post("/translate", json=BODY, headers={"X-Forwarded-For": forwarded}).status_code

    assert [ask("10.0.0.1"), ask("10.0.0.2"), ask("10.0.0.1")] == [200, 200, 429]
    # The last one is the proxy's own word; what stands before it, anybody may have written.
    assert ask("6.6.6.6, 10.0.0.1") == 429


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"threads": 4}, "HOIQUY_THREADS is 4, but must be more than HOIQUY_MAX_REQUESTS, 32"),
        ({"cors_origins": "example.org"}, "'example.org' is no origin: give https://example.org"),
        ({"cors_origins": "https://a.org, https://example.org/"}, "'https://example.org/' is no origin"),
    ],
)
def test_settings_that_cannot_work_are_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Settings(**values)


def test_to_ask_how_far_a_file_is_has_no_limit(toys: Path) -> None:
    client = client_for(toys, rate_limit="3/hour", workers=1)
    state = client.post("/documents", data={"file": (io.BytesIO(b"Good night."), "a.txt")}).get_json()
    assert [client.get(f"/documents/{state['id']}").status_code for _ in range(9)] == [200] * 9
    assert [client.get(f"/documents/{'0' * 32}/result").status_code for _ in range(3)] == [404, 404, 429]


def test_glossaries_are_bounded_in_number(toys: Path) -> None:
    client = client_for(toys, max_glossaries=1)
    body = {"name": "g", "source_lang": "en", "target_lang": "vi", "entries": "cat\tmèo"}
    made = client.post("/v2/glossaries", json=body)
    assert made.status_code == 201
    refused = client.post("/v2/glossaries", json=body)
    assert (refused.status_code, refused.get_json()["error_type"]) == (413, "TooLarge")
    client.delete(f"/v2/glossaries/{made.get_json()['glossary_id']}")
    assert client.post("/v2/glossaries", json=body).status_code == 201


def test_other_pages_may_ask_only_where_they_are_named(toys: Path) -> None:
    origin = {"Origin": "https://example.org"}
    closed = client_for(toys).post("/translate", json=BODY, headers=origin)
    assert "Access-Control-Allow-Origin" not in closed.headers
    client = client_for(toys, cors_origins="https://example.org, https://example.com")
    opened = client.post("/translate", json=BODY, headers=origin)
    assert opened.headers["Access-Control-Allow-Origin"] == "https://example.org"
    asked = {**origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    assert client.options("/translate", headers=asked).headers["Access-Control-Allow-Origin"] == "https://example.org"
    strange = client.post("/translate", json=BODY, headers={"Origin": "https://example.net"})
    assert "Access-Control-Allow-Origin" not in strange.headers
