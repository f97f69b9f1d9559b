"""The views for files that are translated whole."""

import json
import time
from pathlib import PurePath
from typing import Any

from flask import Response, g, jsonify, request
from flask_openapi3 import APIBlueprint, Tag
from pydantic import BaseModel
from werkzeug.exceptions import RequestEntityTooLarge

from service.answers import DocumentAnswer, fields
from service.bodies import discard
from service.context import check_access, context
from service.description import ERRORS, takes
from service.dialects import LibreRequest
from service.documents import State
from service.errors import ApiError
from service.schemas import TranslateRequest, checked

files = APIBlueprint(
    "files", __name__, abp_tags=[Tag(name="Files", description="Whole files, translated in the background.")]
)


class DocumentPath(BaseModel):
    """The file that an address names."""

    identity: str


@files.post("/documents", responses={202: DocumentAnswer, **ERRORS}, openapi_extensions=takes(file=True))
def begin() -> tuple[Response, int]:
    """Begin to translate a file; ask at its address what became of it.

    The form may have a `glossary` and a `protect`, as a request of texts has them, in JSON.
    """
    check_access()
    name, data, form = read_upload()
    options = {field: _json(form, field) for field in ("glossary", "protect") if field in form}
    terms = checked(TranslateRequest, {"text": "", **options}).terms
    context().models.translation.get()  # Better refused now than found broken later.
    return jsonify(_answer(context().documents.add(name, data, terms))), 202


def _json(form: dict[str, Any], field: str) -> Any:
    try:
        return json.loads(form[field])
    except (ValueError, RecursionError) as error:
        message = f"{field} is not JSON: {error}"
        raise ApiError(422, "Validation", message, [{"loc": [field], "message": message}]) from error


@files.get("/documents/<identity>", responses={200: DocumentAnswer, **ERRORS})
def state(path: DocumentPath) -> Response:
    """What became of a file so far."""
    check_access()
    return jsonify(_answer(context().documents.state(path.identity)))


@files.get("/documents/<identity>/result")
def result(path: DocumentPath) -> Response:
    """The translated file."""
    check_access()
    return download(path.identity)


@files.delete("/documents/<identity>")
def forget(path: DocumentPath) -> tuple[str, int]:
    """Forget a file and its translation."""
    check_access()
    context().documents.delete(path.identity)
    return "", 204


@files.post("/translate_file", responses=ERRORS, openapi_extensions=takes(file=True))
def translate_file() -> Response:
    """Translate a file as LibreTranslate does: the answer comes when it is done, and has the translation's address."""
    here = context()
    name, data, form = read_upload()
    g.caller = here.access.check(request, form)
    try:
        checked(LibreRequest, {**form, "q": ""}).native(here.models.languages)
    except ValueError as error:
        raise ApiError(400, "Validation", str(error)) from error
    state = here.documents.add(name, data, {})
    address = f"{request.host_url}documents/{state.id}/result"
    until = time.monotonic() + here.settings.timeout
    while state.status not in ("done", "error"):
        if time.monotonic() > until:
            raise ApiError(504, "Timeout", f"it takes longer than {here.settings.timeout:g} s; it will be at {address}")
        time.sleep(0.05)
        state = here.documents.state(state.id)
    if state.error:
        raise ApiError(422, "Validation", f"file: {state.error}")
    return jsonify(translatedFileUrl=address)


def read_upload() -> tuple[str, bytes, dict[str, Any]]:
    """The name and bytes of the file in a form, and the form's other fields. Raises ApiError: 413, 415, 422."""
    most = context().settings.max_document_bytes
    # A form has some bytes of its own beside the file's.
    request.max_content_length = most + 64 * 1024
    if request.mimetype != "multipart/form-data":
        raise ApiError(415, "Validation", "send the file as multipart/form-data, in the field `file`")
    try:
        upload = request.files.get("file")
        form = request.form.to_dict()
    except RequestEntityTooLarge as error:
        discard(request)
        raise ApiError(413, "TooLarge", f"the file has more than {most} bytes: split it") from error
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
    response.headers.set("Content-Disposition", "attachment", filename=target)
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def _answer(state: State) -> dict[str, Any]:
    said = {"error": state.error} if state.error else {}
    return fields(
        DocumentAnswer(id=state.id, name=state.name, status=state.status, done=state.done, total=state.total, **said)
    )
