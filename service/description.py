"""How the service describes itself: OpenAPI 3.1 at /openapi.json, and pages that show it, without the internet."""

from pathlib import Path
from typing import Any

import flask_openapi3_swagger
from flask import Blueprint, Response, current_app, jsonify, send_from_directory
from flask_openapi3 import Info, OpenAPI
from pydantic import BaseModel

from service.answers import ErrorAnswer

description = Blueprint("description", __name__)

ERRORS: dict[str | int, Any] = {
    code: {"content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{ErrorAnswer.__name__}"}}}}
    for code in (400, 403, 404, 405, 409, 413, 415, 422, 429, 500, 503, 504)
}
"""The errors that a request can meet. As references, since of a class each view would make the schema for each code."""
INFO = Info(
    title="Hoiquy",
    version="0.1.0",
    description="Sentiment of texts, and translation from English into Vietnamese, on your own machine.",
)
SECURITY: dict[str, Any] = {
    "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    "bearer": {"type": "http", "scheme": "bearer"},
}
_INTERFACE = Path(flask_openapi3_swagger.__file__).parent / "templates" / "swagger"
_HTML = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Hoiquy: the API</title>
<link rel="stylesheet" href="docs/css/swagger-ui.css">
</head>
<body>
<div id="interface"></div>
<script src="docs/js/swagger-ui-bundle.js"></script>
<script src="docs/begin.js"></script>
</body>
</html>
"""
_BEGIN = 'SwaggerUIBundle({url: "openapi.json", dom_id: "#interface", deepLinking: true, validatorUrl: null});\n'
# The interface sets styles from its script.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)


def takes(
    *schemas: type[BaseModel], plain: bool = False, file: tuple[str, ...] | None = None, needs: tuple[str, ...] = ()
) -> dict[str, Any]:
    """The description of a body: one of these shapes as JSON or as a form, or else plain text, or a form with a file,
    which may have these other fields, and needs those.
    """
    content: dict[str, Any] = {}
    if schemas:
        references = [{"$ref": f"#/components/schemas/{schema.__name__}"} for schema in schemas]
        schema = {"schema": {"anyOf": references} if len(references) > 1 else references[0]}
        content = {"application/json": schema, "application/x-www-form-urlencoded": schema}
    if plain:
        content["text/plain"] = {"schema": {"type": "string"}}
    if file is not None:
        fields = {name: {"type": "string"} for name in (*needs, *file)}
        binary = {"type": "string", "format": "binary"}
        content["multipart/form-data"] = {
            "schema": {"type": "object", "properties": {"file": binary, **fields}, "required": ["file", *needs]}
        }
    return {"requestBody": {"required": True, "content": content}}


def gives(media_type: str, form: str | None = None) -> dict[str, Any]:
    """The description of an answer that is no JSON."""
    schema = {"type": "string"} if form is None else {"type": "string", "format": form}
    return {"content": {media_type: {"schema": schema}}}


def describe(app: OpenAPI, *schemas: type[BaseModel]) -> None:
    """Let the description know shapes that `takes` names."""
    for schema in schemas:
        whole = schema.model_json_schema(ref_template="#/components/schemas/{model}")
        parts = whole.pop("$defs", {})
        app.components_schemas.update({**parts, schema.__name__: whole})


@description.get("/openapi.json")
def specification() -> Response:
    """The description of this service."""
    assert isinstance(current_app, OpenAPI)
    return jsonify(current_app.api_doc)


@description.get("/docs")
def pages() -> Response:
    """The description, to be read and tried."""
    return _guarded(Response(_HTML, mimetype="text/html"))


@description.get("/docs/begin.js")
def begin() -> Response:
    """What starts the page."""
    return _guarded(Response(_BEGIN, mimetype="text/javascript"))


@description.get("/docs/<path:name>")
def asset(name: str) -> Response:
    """A part of the page."""
    return _guarded(send_from_directory(_INTERFACE, name, max_age=86400))


def _guarded(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = _POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
