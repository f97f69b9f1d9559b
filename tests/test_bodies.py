"""Bodies as people send them: forms, and JSON whose type was forgotten."""

from typing import Any

import pytest
from flask import Flask, Request
from werkzeug.test import EnvironBuilder

from service.bodies import read_values
from service.errors import ApiError
from service.settings import Settings

FORM = "application/x-www-form-urlencoded"


def read(data: Any, kind: str | None, form: str = "q") -> Any:
    request = Request(EnvironBuilder(method="POST", data=data, content_type=kind).get_environ())
    with Flask(__name__).app_context():
        return read_values(request, Settings(max_request_bytes=2000), form=form)


@pytest.mark.parametrize(
    ("data", "values"),
    [
        ("q=Hello+you&source=en", {"q": "Hello you", "source": "en"}),
        ("text=Hello+you", {"text": "Hello you"}),
        ("source=en&q=a&q=b c", {"source": "en", "q": ["a", "b c"]}),
        ("Good night. x=1", {"text": "Good night. x=1"}),
        ("See http://a.bc/s?hl=en&q=cats for more.", {"text": "See http://a.bc/s?hl=en&q=cats for more."}),
        ("hl=en&q=cats for more", {"hl": "en", "q": "cats for more"}),
        ("text", {"text": "text"}),
        ("Q&A: text=1", {"text": "Q&A: text=1"}),
        ("I wrote text=1, q=2", {"text": "I wrote text=1, q=2"}),
        ("100%FF = x", {"text": "100%FF = x"}),
        ("aGVsbG8==", {"text": "aGVsbG8=="}),
        ('{"text": "Hello"}', {"text": "Hello"}),
        ("{Hello} [you]", {"text": "{Hello} [you]"}),
        ("[Hello]", {"text": "[Hello]"}),
    ],
)
def test_what_a_form_holds(data: str, values: dict[str, Any]) -> None:
    assert read(data, FORM) == values


@pytest.mark.parametrize("kind", [FORM, None])
@pytest.mark.parametrize("data", ['{"q": "Hello", "source": "en"}', ' ["Hello"]', '{"inputs": "x"}', "{}"])
def test_json_without_its_type_is_refused(data: str, kind: str | None) -> None:
    with pytest.raises(ApiError, match=r"the body is JSON, .*Content-Type: application/json") as refused:
        read(data, kind)
    assert refused.value.status == 400
    assert read(data, "text/plain") == {"text": data}


@pytest.mark.parametrize("data", ["Q=Hello&source=en", "inputs=x", "x=1"])
def test_a_form_without_a_field_of_ours_is_refused(data: str) -> None:
    with pytest.raises(ApiError, match=r"no field q or text: .*Content-Type: application/json") as refused:
        read(data, FORM)
    assert refused.value.status == 400


def test_a_sign_that_was_not_escaped_takes_nothing_away() -> None:
    with pytest.raises(ApiError, match=r"a part ' Jerry are friends.', which is no field: write & as %26") as refused:
        read("q=Tom & Jerry are friends.", FORM)
    assert refused.value.status == 400


def test_a_form_in_parts() -> None:
    kind = "multipart/form-data"
    assert read({"q": ["a", "ă"], "source": "en"}, kind) == {"q": ["a", "ă"], "source": "en"}
    assert read({"text": "a"}, kind, "text") == {"text": "a"}
    with pytest.raises(ApiError, match="no field q or text"):
        read({"x": "a"}, kind)
    with pytest.raises(ApiError, match="more than 2000 bytes"):
        read({"q": "a" * 3000}, kind)
