"""The one error body, for every code."""

from typing import Any, Literal

from flask import Flask, Response, g, jsonify, request
from redis.exceptions import RedisError
from werkzeug.exceptions import HTTPException, MethodNotAllowed

ErrorType = Literal["Validation", "TooLarge", "RateLimited", "Overloaded", "Timeout", "NotFound", "Auth", "Internal"]


class ApiError(Exception):
    """A refusal: its status, kind, sentence, the places in the request that it is about, and when to try again."""

    def __init__(
        self,
        status: int,
        kind: ErrorType,
        message: str,
        errors: list[dict[str, Any]] | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.kind, self.message, self.errors = status, kind, message, errors or []
        self.retry_after = retry_after
        """Seconds."""


def short(text: str) -> str:
    """What of a request's own words an answer may quote: an answer must not grow with what is wrong."""
    return text if len(text) <= 200 else text[:200] + "…"


_KINDS: dict[int, ErrorType] = {404: "NotFound", 413: "TooLarge", 429: "RateLimited", 503: "Overloaded", 504: "Timeout"}


_NOTHING = "there is nothing here: POST /translate and /sentiment, GET /docs, /health and /info are"


def _response(status: int, kind: ErrorType, message: str, errors: list[dict[str, Any]]) -> Response:
    response = jsonify(
        error=message, message=message, error_type=kind, errors=errors, request_id=g.get("request_id", "")
    )
    response.status_code = status
    return response


def register_errors(app: Flask) -> None:
    """Answer every error, ours, Flask's and the unforeseen, with the one body."""

    @app.errorhandler(ApiError)
    def refused(error: ApiError) -> Response:
        response = _response(error.status, error.kind, error.message, error.errors)
        if error.retry_after is not None:
            response.headers["Retry-After"] = str(error.retry_after)
        return response

    @app.errorhandler(HTTPException)
    def http(error: HTTPException) -> Response:
        status = error.code or 500
        kind = _KINDS.get(status, "Validation" if status < 500 else "Internal")
        message = _NOTHING if status == 404 else error.description or error.name
        if isinstance(error, MethodNotAllowed):
            message = f"this address does not take {request.method}: it takes {', '.join(error.valid_methods or [])}"
        response = _response(status, kind, short(message), [])
        for name, value in error.get_headers():
            if name.lower() not in ("content-type", "content-length"):
                response.headers[name] = value
        return response

    @app.errorhandler(RedisError)
    def without_store(error: RedisError) -> Response:
        app.logger.error("the store cannot be reached: %s", type(error).__name__)
        response = _response(503, "Overloaded", "the service cannot reach its store: try again later", [])
        response.headers["Retry-After"] = "1"
        return response

    @app.errorhandler(Exception)
    def unforeseen(error: Exception) -> Response:
        # The text of the request is in no log: only what went wrong and where.
        app.logger.error("request %s failed", g.get("request_id", ""), exc_info=error)
        return _response(500, "Internal", "the service failed on this request; its log says why", [])
