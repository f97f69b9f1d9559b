"""The views that say what is served, and how it fares."""

from importlib.metadata import version

from flask import Response, jsonify
from flask_openapi3 import APIBlueprint, Tag

from inference.documents.kinds import KINDS
from service.answers import AliveAnswer, FrontendSettings, HealthAnswer, InfoAnswer, Languages
from service.context import context
from service.description import ERRORS, gives
from service.dialects import language_name
from service.metrics import exposition

status = APIBlueprint(
    "status",
    __name__,
    abp_responses=ERRORS,
    abp_tags=[Tag(name="Status", description="What is served, and how it fares.")],
)


@status.get("/languages", responses={200: Languages})
def languages() -> Response:
    """The languages, as LibreTranslate lists them."""
    source, target = map(_language, context().models.languages)
    return jsonify([{**source, "targets": [target["code"]]}, {**target, "targets": []}])


def _language(code: str) -> dict[str, str]:
    return {"code": code, "name": language_name(code)}


@status.get("/frontend/settings", responses={200: FrontendSettings})
def frontend_settings() -> Response:
    """What LibreTranslate's clients ask before they begin."""
    here = context()
    source, target = map(_language, here.models.languages)
    return jsonify(
        apiKeys=here.access.needs_key,
        charLimit=here.settings.max_text_characters,
        frontendTimeout=500,
        keyRequired=here.access.needs_key,
        language={"source": source, "target": target},
        suggestions=False,
        supportedFilesFormat=_kinds(),
    )


def _kinds() -> list[str]:
    """What kinds of files are taken."""
    return list(KINDS) if context().settings.max_documents else []


@status.get("/livez", responses={200: AliveAnswer, 503: AliveAnswer})
def alive() -> tuple[Response, int]:
    """Whether this process can answer at all."""
    works = context().models.alive
    return jsonify(status="ok" if works else "failed"), 200 if works else 503


@status.get("/metrics", responses={200: gives("text/plain")})
def metrics() -> Response:
    """What all workers have counted, for Prometheus."""
    data, kind = exposition()
    return Response(data, content_type=kind)


@status.get("/info", responses={200: InfoAnswer})
def info() -> Response:
    """What is served: the checkpoints with their scores and hashes, the limits, the versions."""
    here = context()
    limits = {name: value for name, value in here.settings.model_dump().items() if name.startswith("max_")}
    return jsonify(
        models={"translation": here.models.translation.info(), "sentiment": here.models.sentiment.info()},
        limits={**limits, "timeout": here.settings.timeout},
        documents={
            "kinds": _kinds(),
            "minutes": here.settings.document_minutes,
        },
        key_required=here.access.needs_key,
        versions={name: version(name) for name in ("hoiquy", "onnxruntime", "sentencepiece", "numpy")},
    )


@status.get("/readyz", responses={200: HealthAnswer, 503: HealthAnswer})
@status.get("/health", responses={200: HealthAnswer, 503: HealthAnswer})
def health() -> tuple[Response, int]:
    """Whether every model of this worker answered a text when it was loaded."""
    models = context().models
    described = {"translation": models.translation.describe(), "sentiment": models.sentiment.describe()}
    healthy = models.alive and all(model["status"] == "ok" for model in described.values())
    return jsonify(status="ok" if healthy else "failed", models=described), 200 if healthy else 503
