"""The views: read the request, call the predictor, write the answer."""

import socket
from typing import Any

from flask import Blueprint, Response, current_app, jsonify, request

from inference.predictors import Sentiment, Translation
from service.errors import ApiError
from service.models import Models
from service.schemas import SentimentRequest, TranslateRequest, parse
from service.settings import Settings

routes = Blueprint("routes", __name__)


def _context() -> tuple[Settings, Models]:
    extension = current_app.extensions["hoiquy"]
    return extension["settings"], extension["models"]


def _is_connected() -> bool:
    """Whether the client still waits: gunicorn's socket has nothing to read, rather than its end."""
    connection = request.environ.get("gunicorn.socket")
    if connection is None:
        return True
    try:
        return bool(connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT))
    except BlockingIOError:
        return True
    except OSError:
        return False


def _wants_plain_text() -> bool:
    return request.accept_mimetypes.best_match(["application/json", "text/plain"]) == "text/plain"


@routes.post("/translate")
def translate() -> Response:
    """Translate one text or a list."""
    settings, models = _context()
    body = parse(request, TranslateRequest, settings)
    _check_limit("beam_size", body.beam_size or 1, settings.max_beam_size)
    _check_limit("alternatives", body.alternatives, settings.max_alternatives)
    results = models.translate(body, _is_connected)
    if _wants_plain_text():
        return Response("\n".join(result.text for result in results) + "\n", mimetype="text/plain")
    return jsonify(
        translations=[_translated(body, text, result) for text, result in zip(body.texts, results, strict=True)],
        model=models.translation.get().checkpoint.config["name"],
    )


def _check_limit(name: str, value: int, most: int) -> None:
    if value > most:
        message = f"{name} is {value}: at most {most}"
        raise ApiError(422, "Validation", message, [{"loc": [name], "message": message}])


def _translated(body: TranslateRequest, text: str, result: Translation) -> dict[str, Any]:
    """What is said of one text."""
    answer: dict[str, Any] = {"text": result.text}
    if body.alternatives:
        answer["alternatives"] = list(result.alternatives)
    if body.scores:
        answer["score"] = result.score
    if body.alignment:
        answer["alignment"] = [
            {"source": link.source, "target": link.target, "weight": link.weight} for link in result.alignment
        ]
    return {**answer, "truncated": result.truncated, "warnings": _warnings(text, result)}


def _warnings(text: str, result: Translation) -> list[str]:
    if any(map(str.isalpha, text)) and text.strip() == result.text.strip():
        return ["nothing was translated: the text is not English, or has no words"]
    return []


@routes.post("/sentiment")
def sentiment() -> Response:
    """Classify one text or a list."""
    settings, models = _context()
    body = parse(request, SentimentRequest, settings)
    found = models.classify(body, _is_connected)
    results = [_classified(body, text, result) for text, result in zip(body.texts, found, strict=True)]
    if _wants_plain_text():
        return Response("".join(f"{r['label']}\t{r['score']:.4f}\n" for r in results), mimetype="text/plain")
    return jsonify(
        results=results,
        model=models.sentiment.get().checkpoint.config["name"],
    )


def _classified(body: SentimentRequest, text: str, result: Sentiment) -> dict[str, Any]:
    """What is said of one text."""
    scores = sorted(result.scores.items(), key=lambda item: -item[1])
    label: str | None = result.label if result.score >= body.threshold else None
    if abs(result.scores.get("positive", 1.0) - result.scores.get("negative", 0.0)) < body.neutral_band:
        label = "neutral"
    answer: dict[str, Any] = {
        "label": label,
        "score": result.score,
        "scores": dict(scores[: body.top_k]),
        "language": result.language,
        "truncated": False,
    }
    if body.explain:
        answer["base"] = result.base
        answer["explanation"] = [
            {"text": text[share.start : share.end], "start": share.start, "end": share.end, "score": share.score}
            for share in result.explanation
        ]
    return answer


@routes.get("/health")
def health() -> tuple[Response, int]:
    """Whether every model of this worker answered a text when it was loaded."""
    _, models = _context()
    described = {"translation": models.translation.describe(), "sentiment": models.sentiment.describe()}
    healthy = models.alive and all(model["status"] == "ok" for model in described.values())
    return jsonify(status="ok" if healthy else "failed", models=described), 200 if healthy else 503
