"""The views for files that are translated whole."""

import re
import time
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from flask import Response, g, jsonify, request
from flask_openapi3 import APIBlueprint, Tag
from pydantic import BaseModel
from werkzeug.exceptions import RequestEntityTooLarge

from service.answers import DocumentAnswer, TranslatedFileAnswer, fields
from service.bodies import check_characters, discard, read_json
from service.context import check_access, context
from service.description import ERRORS, gives, takes
from service.dialects import LibreRequest
from service.documents import State
from service.errors import ApiError, short
from service.schemas import TranslateRequest, checked

files = APIBlueprint(
    "files",
    __name__,
    abp_responses=ERRORS,
    abp_tags=[Tag(name="Files", description="Whole files, translated in the background.")],
)


class DocumentPath(BaseModel):
    """The file that an address names."""

    identity: str


@files.post("/documents", responses={202: DocumentAnswer}, openapi_extensions=takes(file=("glossary", "protect")))
def begin() -> tuple[Response, int]:
    """Begin to translate a file; ask at its address what became of it.

    The form may have a `glossary` and a `protect`, as a request of texts has them, in JSON.
    """
    name, data, form = read_upload()
    fields_read = ("glossary", "protect")
    unknown = sorted(form.keys() - set(fields_read))
    if unknown:
        message = f"{short(unknown[0])!r} is no field of this form: it has file, {' and '.join(fields_read)}"
        raise ApiError(422, "Validation", message, [{"loc": [short(unknown[0])], "message": message}])
    options = {field: read_json(form[field], field) for field in fields_read if field in form}
    check_characters(options)
    terms = checked(TranslateRequest, {"text": "", **options}).terms
    context().models.translation.get()  # Better refused now than found broken later.
    return jsonify(_answer(context().documents.add(name, data, terms))), 202


@files.get("/documents/<identity>", responses={200: DocumentAnswer})
def state(path: DocumentPath) -> Response:
    """What became of a file so far."""
    check_access(counted=False)  # Who waits has to ask again and again.
    return jsonify(_answer(context().documents.state(path.identity)))


@files.get("/documents/<identity>/result", responses={200: gives("application/octet-stream", "binary")})
def result(path: DocumentPath) -> Response:
    """The translated file."""
    check_access()
    return download(path.identity)


@files.delete("/documents/<identity>", responses={204: None})
def forget(path: DocumentPath) -> tuple[str, int]:
    """Forget a file and its translation."""
    check_access()
    context().documents.delete(path.identity)
    return "", 204


@files.post(
    "/translate_file", responses={200: TranslatedFileAnswer}, openapi_extensions=takes(file=("source", "target"))
)
def translate_file() -> Response:
    """Translate a file as LibreTranslate does: the answer comes when it is done, and has the translation's address."""
    here = context()
    name, data, form = read_upload()
    try:
        checked(LibreRequest, {**form, "q": ""}, LibreRequest.status).native(here.models.languages)
    except ValueError as error:
        raise ApiError(400, "Validation", str(error)) from error
    state = here.documents.add(name, data, {})
    address = f"{request.url_root}documents/{state.id}/result"
    until = time.monotonic() + here.settings.timeout
    while not state.ended:
        if time.monotonic() > until:
            raise ApiError(504, "Timeout", f"it takes longer than {here.settings.timeout:g} s; it will be at {address}")
        time.sleep(0.05)
        state = here.documents.state(state.id)
    if state.error:
        raise ApiError(422, "Validation", f"file: {state.error}")
    return jsonify(translatedFileUrl=address)


def read_upload() -> tuple[str, bytes, dict[str, Any]]:
    """The name and bytes of the file in a form, and the form's other fields, of a caller who may send one.

    Raises ApiError: 413, 415, 422, and as `Access.check` does.
    """
    here = context()
    most, most_beside = here.settings.max_document_bytes, here.settings.max_request_bytes
    request.max_form_memory_size = most_beside
    request.max_content_length = most + most_beside
    if request.mimetype != "multipart/form-data":
        raise ApiError(415, "Validation", "send the file as multipart/form-data, in the field `file`")
    try:
        upload = request.files.get("file")
        form = {name: value for name, value in request.form.items() if name is not None}
    except RequestEntityTooLarge as error:
        discard(request)
        message = f"the form is too large: a file may have {most} bytes, and what is beside it {most_beside}"
        raise ApiError(413, "TooLarge", f"{message}; split the file") from error
    g.caller = here.access.check(request, form)
    form.pop("api_key", None)
    check_characters(form)
    if upload is None or not upload.filename:
        message = "there is no file: send one in the field `file`, with its name"
        raise ApiError(422, "Validation", message, [{"loc": ["file"], "message": message}])
    data = upload.read()
    if len(data) > most:
        raise ApiError(413, "TooLarge", f"the file has {len(data)} bytes, but {most} are taken: split it")
    return upload.filename, data, form


def download(identity: str) -> Response:
    """The translated file, to be saved beside the one that it was made of: NAME.vi.EXT. Raises ApiError."""
    here = context()
    data, name = here.documents.result(identity), PurePath(here.documents.state(identity).name)
    response = Response(data, mimetype="application/octet-stream")
    target = f"{name.stem}.{here.models.languages[1]}{name.suffix}"
    response.headers["Content-Disposition"] = _attachment(target)
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def _attachment(name: str) -> str:
    """What makes a browser save an answer under a name, which may have letters that a header may not (RFC 6266)."""
    plain = re.sub(r"[^ -~]|[\"\\]", "_", name)
    said = f'attachment; filename="{plain}"'
    return said if plain == name else f"{said}; filename*=UTF-8''{quote(name, safe='')}"


def _answer(state: State) -> dict[str, Any]:
    asked: dict[str, Any] = {"error": state.error} if state.error else {}
    asked["warnings"] = [state.warning] if state.warning else []
    return fields(
        DocumentAnswer(id=state.id, name=state.name, status=state.status, done=state.done, total=state.total, **asked)
    )
