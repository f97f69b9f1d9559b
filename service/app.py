"""Make the Flask application: wiring only."""

import re
import secrets
import time

from flask import Flask, Response, g, request

from service.errors import register_errors
from service.metrics import REQUESTS, SECONDS
from service.models import Models
from service.page import page
from service.routes import routes
from service.settings import Settings

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


def create_app(settings: Settings) -> Flask:
    """The application with the settings' models, loaded here: in a worker, after the fork."""
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = settings.max_request_bytes
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.extensions["hoiquy"] = {"settings": settings, "models": Models(settings)}
    register_errors(app)
    app.register_blueprint(routes)
    app.register_blueprint(page)

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
