"""The views that DeepL's clients ask: translate, glossaries, documents, usage, languages."""

import secrets
from pathlib import PurePath
from typing import Any, Literal

from flask import Response, g, jsonify, request
from flask_openapi3 import APIBlueprint, Tag
from pydantic import BaseModel, Field

from service.answers import (
    DeepLAnswer,
    DeepLLanguages,
    DocumentHandle,
    DocumentStatus,
    GlossariesAnswer,
    GlossaryAnswer,
    LanguagePairsAnswer,
    UsageAnswer,
)
from service.context import check_access, context, read_body
from service.description import ERRORS, gives, takes
from service.dialects import DeepLRequest, Foreign, language_code, language_name
from service.documents import State
from service.errors import ApiError
from service.files import download, read_upload
from service.glossaries import Glossary, read_terms, write_terms
from service.routes import foreign_translation
from service.schemas import TranslateRequest, checked

deepl = APIBlueprint(
    "deepl",
    __name__,
    url_prefix="/v2",
    abp_responses=ERRORS,
    abp_tags=[Tag(name="DeepL", description="What DeepL's clients ask for.")],
)


_PATIENCE = 9
"""Seconds, a little less than DeepL's clients wait for an answer before they send the request again."""


class GlossaryRequest(Foreign):
    """`POST /v2/glossaries`."""

    name: str = Field(min_length=1, max_length=1000)
    source_lang: str
    target_lang: str
    entries: str
    entries_format: Literal["tsv", "csv"] = "tsv"


class NumberPath(BaseModel):
    """The glossary or document that an address names."""

    number: str


class DocumentKey(Foreign):
    """What must be brought to see a document."""

    document_key: str


@deepl.post("/translate", responses={200: DeepLAnswer}, openapi_extensions=takes(DeepLRequest))
def translate() -> Response:
    """Translate as DeepL does."""
    context().models.check_room()
    values = read_body()
    asked = checked(DeepLRequest, values)
    try:
        return foreign_translation(values, DeepLRequest, _terms(asked.glossary_id), _PATIENCE)
    except ApiError as error:
        if error.status != 504:
            raise
        # What would be sent again, and take as long again, is not to be.
        raise ApiError(413, "TooLarge", error.message) from error


def _terms(number: str | None) -> dict[str, str]:
    return context().glossaries.get(_owner(), number).terms if number else {}


def _owner() -> str:
    """Whose glossaries a caller sees: his key's; without keys all are everybody's."""
    return str(g.caller) if context().access.needs_key else "all"


@deepl.post("/glossaries", responses={201: GlossaryAnswer}, openapi_extensions=takes(GlossaryRequest))
def add_glossary() -> tuple[Response, int]:
    """Keep a glossary."""
    asked = checked(GlossaryRequest, read_body(form="entries"))
    _check_languages(asked.source_lang, asked.target_lang)
    try:
        terms = read_terms(asked.entries, asked.entries_format)
    except ValueError as error:
        raise ApiError(400, "Validation", f"entries: {error}") from error
    # What a request may bring, a glossary may have.
    checked(TranslateRequest, {"text": "", "glossary": terms})
    return jsonify(_described(context().glossaries.add(_owner(), asked.name, terms))), 201


def _check_languages(source: str, target: str) -> None:
    try:
        known = context().models.languages
        language_code(source or known[0], known[:1], "source_lang")
        language_code(target, known[1:], "target_lang")
    except ValueError as error:
        raise ApiError(400, "Validation", str(error)) from error


def _described(glossary: Glossary) -> dict[str, Any]:
    source, target = context().models.languages
    return {
        "glossary_id": glossary.id,
        "ready": True,
        "name": glossary.name,
        "source_lang": source,
        "target_lang": target,
        "creation_time": glossary.created,
        "entry_count": len(glossary.terms),
    }


@deepl.get("/glossaries", responses={200: GlossariesAnswer})
def glossaries() -> Response:
    """All glossaries of the caller."""
    check_access()
    return jsonify(glossaries=[_described(each) for each in context().glossaries.all(_owner())])


@deepl.get("/glossaries/<number>", responses={200: GlossaryAnswer})
def glossary(path: NumberPath) -> Response:
    """One of them."""
    check_access()
    return jsonify(_described(context().glossaries.get(_owner(), path.number)))


@deepl.get("/glossaries/<number>/entries", responses={200: gives("text/tab-separated-values")})
def entries(path: NumberPath) -> Response:
    """Its terms."""
    check_access()
    found = context().glossaries.get(_owner(), path.number)
    return Response(write_terms(found.terms), content_type="text/tab-separated-values; charset=utf-8")


@deepl.delete("/glossaries/<number>", responses={204: None})
def delete_glossary(path: NumberPath) -> tuple[str, int]:
    """Forget one."""
    check_access()
    context().glossaries.delete(_owner(), path.number)
    return "", 204


@deepl.get("/glossary-language-pairs", responses={200: LanguagePairsAnswer})
def pairs() -> Response:
    """The languages that a glossary can be of."""
    source, target = context().models.languages
    return jsonify(supported_languages=[{"source_lang": source, "target_lang": target}])


@deepl.post(
    "/document",
    responses={200: DocumentHandle},
    openapi_extensions=takes(file=("source_lang", "filename", "glossary_id", "output_format"), needs=("target_lang",)),
)
def add_document() -> Response:
    """Begin to translate a file."""
    name, data, form = read_upload()
    try:
        checked(DeepLRequest, {**form, "text": ""}).native(context().models.languages)
        if form.get("output_format", "") not in ("", PurePath(name).suffix.removeprefix(".")):
            raise ValueError(f"output_format is {form['output_format']!r}: a file keeps its format")
    except ValueError as error:
        raise ApiError(400, "Validation", str(error)) from error
    state = context().documents.add(form.get("filename") or name, data, _terms(form.get("glossary_id")))
    return jsonify(document_id=state.id, document_key=state.key)


@deepl.post("/document/<number>", responses={200: DocumentStatus}, openapi_extensions=takes(DocumentKey))
def document(path: NumberPath) -> Response:
    """What became of a file so far."""
    state = _owned(path.number)
    answer: dict[str, Any] = {"document_id": state.id, "status": state.status}
    if state.status == "done":
        answer["billed_characters"] = state.characters
    if state.status == "error":
        answer["error_message"] = state.error
    return jsonify(answer)


@deepl.post(
    "/document/<number>/result",
    responses={200: gives("application/octet-stream", "binary")},
    openapi_extensions=takes(DocumentKey),
)
def document_result(path: NumberPath) -> Response:
    """The translated file; as DeepL does, it is forgotten when it has been fetched."""
    state = _owned(path.number)
    response = download(state.id)
    context().documents.delete(state.id)
    return response


def _owned(number: str) -> State:
    """A file, to who has its key. Raises ApiError 404."""
    # Who waits has to ask again and again.
    asked = checked(DocumentKey, read_body(form="document_key", counted=False))
    state = context().documents.state(number)
    if not secrets.compare_digest(state.key.encode(), asked.document_key.encode()):
        raise ApiError(404, "NotFound", "there is no such file")
    return state


@deepl.get("/usage", responses={200: UsageAnswer})
def usage() -> Response:
    """There is nothing to use up."""
    check_access()
    return jsonify(character_count=0, character_limit=1_000_000_000_000)


@deepl.get("/languages", responses={200: DeepLLanguages})
def languages() -> Response:
    """The languages; the client says in a form body which side it means."""
    check_access()
    side = request.form.get("type") or request.args.get("type", "source")
    code = context().models.languages[side == "target"]
    entry: dict[str, Any] = {"language": code.upper(), "name": language_name(code)}
    return jsonify([{**entry, "supports_formality": False} if side == "target" else entry])
