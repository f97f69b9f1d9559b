"""Make the Flask application: wiring only."""

import re
import secrets
import time
from collections.abc import Callable

from flask import Flask, Response, g, request
from flask_cors import CORS
from flask_openapi3 import OpenAPI, Server
from werkzeug.middleware.proxy_fix import ProxyFix

from service.access import Access
from service.answers import ErrorAnswer
from service.context import Context
from service.deepl import DocumentKey, GlossaryRequest, deepl
from service.description import INFO, SECURITY, describe, description
from service.dialects import (
    DeepLRequest,
    DetectRequest,
    HuggingFaceClassificationRequest,
    HuggingFaceTranslationRequest,
    LibreRequest,
)
from service.documents import Documents
from service.errors import register_errors
from service.files import files
from service.glossaries import Glossaries
from service.metrics import REQUESTS, SECONDS
from service.models import Models
from service.page import page
from service.routes import routes
from service.schemas import SentimentRequest, TranslateRequest
from service.settings import Settings
from service.status import status
from service.store import open_store

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


def create_app(settings: Settings, fail: Callable[[], None] = lambda: None) -> Flask:
    """The application with the settings' models, loaded here: in a worker, after the fork. `fail` is called when it can
    compute no more.
    """
    # Paths are seen from where the description is, be it below a prefix.
    here = [Server(url=".")]
    app = OpenAPI(__name__, info=INFO, servers=here, security_schemes=SECURITY, doc_ui=False, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = settings.max_request_bytes
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.extensions["hoiquy"] = _context(settings, fail)
    register_errors(app)
    for part in (routes, files, deepl, status):
        app.register_api(part)
    describe(app, TranslateRequest, SentimentRequest, LibreRequest, DeepLRequest, GlossaryRequest, DocumentKey)
    describe(app, HuggingFaceTranslationRequest, HuggingFaceClassificationRequest, DetectRequest, ErrorAnswer)
    app.register_blueprint(description)
    app.register_blueprint(page)
    if settings.proxies:
        # Only X-Forwarded-For says who asks; what the others say goes into the addresses of answers alone.
        counts = dict.fromkeys(("x_for", "x_proto", "x_host", "x_prefix"), settings.proxies)
        app.wsgi_app = ProxyFix(app.wsgi_app, **counts)  # type: ignore[method-assign]
    if settings.cors_origins:
        origins = [origin.strip() for origin in settings.cors_origins.split(",")]
        CORS(app, origins=origins, expose_headers=["X-Request-ID", "Server-Timing", "Retry-After"], max_age=600)

    @app.before_request
    def begin() -> None:
        given = request.headers.get("X-Request-ID", "")
        g.start = time.perf_counter()
        g.request_id = given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(8)

    @app.after_request
    def finish(response: Response) -> Response:
        response.headers["X-Request-ID"] = g.request_id
        seconds = time.perf_counter() - g.start
        response.headers["Server-Timing"] = f"total;dur={1000 * seconds:.1f}"
        # The rule, not the path: what anybody may write into an address must not become a label.
        route = request.url_rule.rule if request.url_rule else "none"
        REQUESTS.labels(route, response.status_code).inc()
        SECONDS.labels(route).observe(seconds)
        return response

    return app


def _context(settings: Settings, fail: Callable[[], None]) -> Context:
    models, store = Models(settings, fail), open_store(settings.store)
    seconds = 60 * settings.document_minutes
    documents = Documents(
        models.translate_pages, models.warning, store, settings.max_documents, seconds, settings.timeout
    )
    return Context(settings, models, Access(settings), Glossaries(store, settings.max_glossaries), documents)
