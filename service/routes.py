"""The views: read the request, call the predictor, write the answer."""

import socket
from importlib.metadata import version
from typing import Any

from flask import Blueprint, Response, current_app, jsonify, request

from inference.predictors import Sentiment, Translation
from service.bodies import read_values
from service.dialects import NAMES, SOURCE, TARGET, DeepLRequest, HuggingFaceRequest, LibreRequest, confidence
from service.errors import ApiError
from service.metrics import exposition
from service.models import Models
from service.schemas import SentimentRequest, TranslateRequest, checked, validated
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
    """Translate one text or a list; the key, `text`, `q` or `inputs`, says whose shapes are spoken."""
    settings, models = _context()
    values = read_values(request, settings, form="q")
    match _dialect(values):
        case "q":
            return _foreign_translation(values, LibreRequest)
        case "inputs":
            return _foreign_translation(values, HuggingFaceRequest)
    body = validated(TranslateRequest, values, settings)
    results = _translate(body)
    if _wants_plain_text():
        return Response("\n".join(result.text for result in results) + "\n", mimetype="text/plain")
    return jsonify(
        translations=[_translated(body, text, result) for text, result in zip(body.texts, results, strict=True)],
        model=models.translation.get().checkpoint.config["name"],
    )


@routes.post("/v2/translate")
def deepl_translate() -> Response:
    """As DeepL does."""
    settings, _ = _context()
    return _foreign_translation(read_values(request, settings, form="text"), DeepLRequest)


def _dialect(values: Any) -> str:
    """Which of the keys that a body must have one of it has."""
    found = [key for key in ("text", "q", "inputs") if isinstance(values, dict) and key in values]
    if len(found) > 1:
        message = f"the body has {' and '.join(found)}: give one of them"
        raise ApiError(422, "Validation", message, [{"loc": found, "message": message}])
    return found[0] if found else "text"


def _foreign_translation(values: Any, dialect: type[LibreRequest | DeepLRequest | HuggingFaceRequest]) -> Response:
    settings, _ = _context()
    asked = checked(dialect, values)
    try:
        body = validated(TranslateRequest, asked.native(), settings)
    except ValueError as error:
        raise ApiError(400, "Validation", str(error)) from error
    return jsonify(asked.answer(_translate(body)))


def _translate(body: TranslateRequest) -> list[Translation]:
    settings, models = _context()
    _check_limit("beam_size", body.beam_size or 1, settings.max_beam_size)
    _check_limit("alternatives", body.alternatives, settings.max_alternatives)
    return models.translate(body, _is_connected)


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
    """Classify one text or a list, in our shapes or Hugging Face's."""
    settings, models = _context()
    values = read_values(request, settings)
    if _dialect(values) == "inputs":
        asked = checked(HuggingFaceRequest, values)
        found = models.classify(validated(SentimentRequest, asked.native(), settings), _is_connected)
        return jsonify(asked.labels(found))
    body = validated(SentimentRequest, values, settings)
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


@routes.get("/languages")
def languages() -> Response:
    """The languages, as LibreTranslate lists them."""
    return jsonify(
        [
            {"code": SOURCE, "name": NAMES[SOURCE], "targets": [TARGET]},
            {"code": TARGET, "name": NAMES[TARGET], "targets": []},
        ]
    )


@routes.post("/detect")
def detect() -> Response:
    """The language of a text, as LibreTranslate says it."""
    settings, _ = _context()
    values = read_values(request, settings, form="q")
    if not isinstance(values, dict) or not isinstance(values.get("q"), str):
        raise ApiError(400, "Validation", "q: give a text")
    language, sure = confidence(values["q"])
    return jsonify([{"language": language, "confidence": sure}])


@routes.get("/frontend/settings")
def frontend_settings() -> Response:
    """What LibreTranslate's clients ask before they begin."""
    settings, _ = _context()
    return jsonify(
        apiKeys=False,
        charLimit=settings.max_text_characters,
        frontendTimeout=500,
        keyRequired=False,
        language={"source": {"code": SOURCE, "name": NAMES[SOURCE]}, "target": {"code": TARGET, "name": NAMES[TARGET]}},
        suggestions=False,
        supportedFilesFormat=[],
    )


@routes.get("/v2/usage")
def usage() -> Response:
    """What DeepL's clients ask: there is nothing to use up."""
    return jsonify(character_count=0, character_limit=1_000_000_000_000)


@routes.get("/v2/languages")
def deepl_languages() -> Response:
    """The languages, as DeepL lists them; its client says in a form body which side it means."""
    side = request.form.get("type") or request.args.get("type", "source")
    code = TARGET if side == "target" else SOURCE
    entry: dict[str, Any] = {"language": code.upper(), "name": NAMES[code]}
    return jsonify([{**entry, "supports_formality": False} if side == "target" else entry])


@routes.get("/livez")
def alive() -> tuple[Response, int]:
    """Whether this process can answer at all."""
    _, models = _context()
    return jsonify(status="ok" if models.alive else "failed"), 200 if models.alive else 503


@routes.get("/metrics")
def metrics() -> Response:
    """What all workers have counted, for Prometheus."""
    data, kind = exposition()
    return Response(data, content_type=kind)


@routes.get("/info")
def info() -> Response:
    """What is served: the checkpoints with their scores and hashes, the limits, the versions."""
    settings, models = _context()
    limits = {name: value for name, value in settings.model_dump().items() if name.startswith("max_")}
    return jsonify(
        models={"translation": models.translation.info(), "sentiment": models.sentiment.info()},
        limits={**limits, "timeout": settings.timeout},
        versions={name: version(name) for name in ("hoiquy", "onnxruntime", "sentencepiece", "numpy")},
    )


@routes.get("/readyz")
@routes.get("/health")
def health() -> tuple[Response, int]:
    """Whether every model of this worker answered a text when it was loaded."""
    _, models = _context()
    described = {"translation": models.translation.describe(), "sentiment": models.sentiment.describe()}
    healthy = models.alive and all(model["status"] == "ok" for model in described.values())
    return jsonify(status="ok" if healthy else "failed", models=described), 200 if healthy else 503
