"""Bodies of requests: their bytes, within limits, as the values that they hold, whatever their content type."""

import json
import re
import time
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qs

from flask import Request
from werkzeug.exceptions import RequestEntityTooLarge

from service.errors import ApiError, short
from service.settings import Settings

_FORM = "application/x-www-form-urlencoded"
_PARTS = "multipart/form-data"
_TYPES = "`Content-Type: application/json` for JSON, `Content-Type: text/plain` for a text"
_FIELDS = re.compile(r"[\w.-]++=[^&=\s]*+(?:&[\w.-]++=[^&=\s]*+)*+")
"""What is a form, and no text that has a sign of equality."""
_FIELD = re.compile(r"[\w.-]++=")
_PLAIN = ("text/plain", _FORM, "")
_UNUSABLE = re.compile("[\x00\ud800-\udfff]")
_DISCARD_BYTES, _DISCARD_SECONDS = 64 * 1024 * 1024, 2


class Form(dict[str, Any]):
    """The fields of a form, which are all texts: "2" can be a number, "true" a truth."""


def read_values(request: Request, settings: Settings, *, form: str = "text") -> Any:
    """What a body holds: JSON; a form, if it has the field `form` or `text`; else plain text, which is
    `{"text": TEXT}`, and also what `curl -d` sends, as a form without a field.

    Raises ApiError: 400 not JSON, not UTF-8 or no form of ours, 413 over the limit of bytes, 415 another content type,
    422 a character that is none.
    """
    values = _values(request, settings, form)
    check_characters(values)
    return values


def _values(request: Request, settings: Settings, form: str) -> Any:
    kind = request.mimetype
    if kind == _PARTS:
        return _known(_parts(request, settings), form)
    if kind != "application/json" and kind not in _PLAIN:
        raise ApiError(
            415, "Validation", f"content type {kind!r} is not read here: send application/json or text/plain"
        )
    # Read before parsing, so that the limit on bytes comes first.
    try:
        data = request.get_data(cache=False)
    except RequestEntityTooLarge as error:
        raise _too_large(request, settings) from error
    try:
        body = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ApiError(400, "Validation", f"the body is not UTF-8: {error.reason} at byte {error.start}") from error
    if kind == "application/json":
        return read_json(body, "the body")
    if kind == _FORM and (_FIELDS.fullmatch(body) or _begins_as_form(body, form)):
        return _known(_fields(body), form)
    return _plain(body, declared=kind == "text/plain")


def _begins_as_form(body: str, form: str) -> bool:
    """Whether it is a form whose blanks were not written as such, and no text with a sign of equality somewhere."""
    parts = body.split("&")
    wrong = [part for part in parts if not _FIELD.match(part)]
    if not {form, "text"} & {part.partition("=")[0] for part in parts if part not in wrong}:
        return False
    if wrong and parts[0] not in wrong:
        message = f"the form has a part {short(wrong[0])!r}, which is no field: write & as %26"
        raise ApiError(400, "Validation", f"{message} (curl --data-urlencode does), or name what the body is: {_TYPES}")
    return not wrong


def _known(fields: Form, form: str) -> Form:
    """A form that has a field of ours. Raises ApiError 400."""
    if {form, "text"} & fields.keys():
        return fields
    names = " or ".join(dict.fromkeys((form, "text")))
    raise ApiError(400, "Validation", f"the form has no field {names}: send one, or name what the body is: {_TYPES}")


def _parts(request: Request, settings: Settings) -> Form:
    """The fields of a form in parts."""
    request.max_form_memory_size = settings.max_request_bytes
    try:
        found = request.form.to_dict(flat=False)
    except RequestEntityTooLarge as error:
        raise _too_large(request, settings) from error
    return _form(found)


def _form(found: dict[str, list[str]]) -> Form:
    """A field that is there more than once is a list; a part of a form that has no name is none."""
    return Form({name: values[0] if len(values) == 1 else values for name, values in found.items() if name is not None})


def _too_large(request: Request, settings: Settings) -> ApiError:
    discard(request)
    message = f"the body has more than {settings.max_request_bytes} bytes: send less at once"
    return ApiError(413, "TooLarge", message)


def discard(request: Request) -> None:
    """Read what is left of a body that is refused, within bounds: who still sends does not read the answer, and a
    connection that is closed on him takes it away.
    """
    until, left = time.monotonic() + _DISCARD_SECONDS, _DISCARD_BYTES
    while left > 0 and time.monotonic() < until:
        block = request.environ["wsgi.input"].read(64 * 1024)
        left -= len(block)
        if not block:
            return


def _fields(body: str) -> Form:
    try:
        return _form(parse_qs(body, keep_blank_values=True, errors="strict", max_num_fields=1000))
    except ValueError as error:
        raise ApiError(400, "Validation", f"the form cannot be read: {error}") from error


def _plain(body: str, *, declared: bool) -> dict[str, Any]:
    """A body that is no JSON by its type is the text; but who forgets to name the type sends an object with a text.

    Raises ApiError 400 where it is other JSON, unless it is declared to be text.
    """
    if body.lstrip()[:1] in ("{", "["):
        values: Any = None
        with suppress(ApiError):
            values = read_json(body, "the body")
        if isinstance(values, dict) and "text" in values:
            return values
        if values is not None and not declared:
            raise ApiError(400, "Validation", f"the body is JSON, but its type is not: send {_TYPES}")
    return {"text": body}


def read_json(text: str, what: str) -> Any:
    """The values of a text in JSON. Raises ApiError 400, whose message calls the text `what`."""

    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is not JSON")

    try:
        return json.loads(text, parse_constant=refuse)
    except RecursionError as error:
        raise ApiError(400, "Validation", f"{what} is nested too deeply") from error
    except ValueError as error:
        raise ApiError(400, "Validation", f"{what} is not JSON: {error}") from error


def check_characters(values: Any) -> None:
    """Refuse what can be written in no file, log or answer, wherever it stands. Raises ApiError 422."""
    waiting: list[tuple[list[str | int], Any]] = [([], values)]
    while waiting:
        place, value = waiting.pop()
        if isinstance(value, str) and _UNUSABLE.search(value):
            message = f"{'.'.join(map(str, place)) or 'the body'} has a NUL character or half of a surrogate pair"
            raise ApiError(422, "Validation", f"{message}: leave it out", [{"loc": place, "message": message}])
        if isinstance(value, list):
            waiting += [([*place, index], item) for index, item in enumerate(value)]
        elif isinstance(value, dict):
            waiting += [(place, key) for key in value]
            waiting += [([*place, short(key)], item) for key, item in value.items() if not _UNUSABLE.search(key)]
