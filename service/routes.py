"""The views that translate and classify: read the request, call the predictor, write the answer."""

import math
from collections.abc import Mapping
from typing import Any

from flask import Response, jsonify, request
from flask_openapi3 import APIBlueprint, Tag

from inference.foreign import detect_foreign, misread
from inference.predictors import Sentiment, Translation
from service.answers import (
    AnySentimentAnswer,
    AnyTranslateAnswer,
    ClassifiedText,
    DetectAnswer,
    Link,
    Piece,
    SentimentAnswer,
    TranslateAnswer,
    TranslatedText,
    fields,
)
from service.context import context, is_connected, read_body
from service.description import ERRORS, takes
from service.dialects import (
    DeepLRequest,
    DetectRequest,
    HuggingFaceClassificationRequest,
    HuggingFaceTranslationRequest,
    LibreRequest,
    confidence,
    language_name,
)
from service.errors import ApiError
from service.schemas import SentimentRequest, TranslateRequest, checked, validated

routes = APIBlueprint(
    "routes",
    __name__,
    abp_responses=ERRORS,
    abp_tags=[
        Tag(
            name="Texts",
            description="Translation and sentiment, also in the shapes of LibreTranslate and Hugging Face.",
        )
    ],
)


def _wants_plain_text() -> bool:
    return request.accept_mimetypes.best_match(["application/json", "text/plain"]) == "text/plain"


@routes.post(
    "/translate",
    responses={200: AnyTranslateAnswer},
    openapi_extensions=takes(TranslateRequest, LibreRequest, HuggingFaceTranslationRequest, plain=True),
)
def translate() -> Response:
    """Translate one text or a list; the key (text, q or inputs) says whose shapes are spoken."""
    here = context()
    here.models.check_room()
    values = read_body(form="q")
    match _dialect(values):
        case "q":
            return foreign_translation(values, LibreRequest)
        case "inputs":
            return foreign_translation(values, HuggingFaceTranslationRequest)
    body = validated(TranslateRequest, values, here.settings)
    results = _translate(body)
    if _wants_plain_text():
        return Response("\n".join(result.text for result in results) + "\n", mimetype="text/plain")
    texts = [_translated(body, *each) for each in zip(body.texts, body.plain_texts, results, strict=True)]
    name = here.models.translation.get().checkpoint.config["name"]
    return jsonify(fields(TranslateAnswer(translations=texts, model=name)))


def _dialect(values: Any) -> str:
    """Which of the keys that a body must have one of it has."""
    found = [key for key in ("text", "q", "inputs") if isinstance(values, dict) and key in values]
    if len(found) > 1:
        message = f"the body has {' and '.join(found)}: give one of them"
        raise ApiError(422, "Validation", message, [{"loc": found, "message": message}])
    return found[0] if found else "text"


def foreign_translation(
    values: Any,
    dialect: type[LibreRequest | DeepLRequest | HuggingFaceTranslationRequest],
    terms: Mapping[str, str] | None = None,
    seconds: float = math.inf,
) -> Response:
    """Translate as another service does, in so many seconds at most. Raises ApiError."""
    here = context()
    try:
        asked = checked(dialect, values, dialect.status)
        native = asked.native(here.models.languages)
        body = validated(TranslateRequest, {**native, "glossary": dict(terms or {})}, here.settings)
    except ValueError as error:
        raise ApiError(400, "Validation", str(error)) from error
    return jsonify(asked.answer(_translate(body, seconds), body.plain_texts))


def _translate(body: TranslateRequest, seconds: float = math.inf) -> list[Translation]:
    here = context()
    _check_limit("beam_size", body.beam_size or 1, here.settings.max_beam_size)
    _check_limit("alternatives", body.alternatives, here.settings.max_alternatives)
    return here.models.translate(body, is_connected, seconds)


def _check_limit(name: str, value: int, most: int) -> None:
    if value > most:
        message = f"{name} is {value}: at most {most}"
        raise ApiError(422, "Validation", message, [{"loc": [name], "message": message}])


def _translated(body: TranslateRequest, text: str, plain: str, result: Translation) -> TranslatedText:
    """What is said of one text, which without its tags is plain."""
    asked: dict[str, Any] = {}
    if body.alternatives:
        asked["alternatives"] = list(result.alternatives)
    if body.scores:
        asked["score"] = result.score
    if body.alignment:
        asked["alignment"] = [
            Link(source=link.source, target=link.target, weight=link.weight) for link in result.alignment
        ]
    return TranslatedText(
        text=result.text, **asked, truncated=result.truncated, warnings=_warnings(text, plain, result)
    )


def _warnings(text: str, plain: str, result: Translation) -> list[str]:
    models = context().models
    if any(map(str.isalpha, plain)) and text.strip() == result.text.strip():
        source = language_name(models.languages[0])
        return [f"nothing was translated: the text may be no {source}, or a name, or have no words"]
    warning = models.warning(plain)
    return [warning] if warning else []


@routes.post(
    "/sentiment",
    responses={200: AnySentimentAnswer},
    openapi_extensions=takes(SentimentRequest, HuggingFaceClassificationRequest, plain=True),
)
def sentiment() -> Response:
    """Classify one text or a list, in our shapes or Hugging Face's."""
    here = context()
    here.models.check_room()
    values = read_body()
    if _dialect(values) == "inputs":
        asked = checked(HuggingFaceClassificationRequest, values)
        found = here.models.classify(validated(SentimentRequest, asked.native(), here.settings), is_connected)
        return jsonify(asked.answer(found))
    body = validated(SentimentRequest, values, here.settings)
    found = here.models.classify(body, is_connected)
    results = [_classified(body, text, result) for text, result in zip(body.texts, found, strict=True)]
    if _wants_plain_text():
        return Response("".join(f"{r.label or ''}\t{r.score:.4f}\n" for r in results), mimetype="text/plain")
    name = here.models.sentiment.get().checkpoint.config["name"]
    return jsonify(fields(SentimentAnswer(results=results, model=name)))


_READ = ("en", "vi")
"""The languages of texts that are classified."""


def _classified(body: SentimentRequest, text: str, result: Sentiment) -> ClassifiedText:
    """What is said of one text."""
    scores = sorted(result.scores.items(), key=lambda item: -item[1])
    label: str | None = result.label if result.score >= body.threshold else None
    if abs(result.scores.get("positive", 1.0) - result.scores.get("negative", 0.0)) < body.neutral_band:
        label = "neutral"
    language = (detect_foreign(text) or (result.language,))[0]
    warning = misread(language, *_READ)
    asked: dict[str, Any] = {}
    if body.explain:
        pieces = [(text[share.start : share.end], share) for share in result.explanation]
        asked["base"] = result.base
        asked["explanation"] = [
            Piece(text=words, start=share.start, end=share.end, score=share.score) for words, share in pieces
        ]
    return ClassifiedText(
        label=label,
        score=result.score,
        scores=dict(scores[: body.top_k]),
        language=language,
        truncated=False,
        warnings=[warning] if warning else [],
        **asked,
    )


@routes.post("/detect", responses={200: DetectAnswer}, openapi_extensions=takes(DetectRequest, plain=True))
def detect() -> Response:
    """The language of a text, as LibreTranslate says it."""
    values = read_body(form="q")
    if isinstance(values, dict) and values.keys() == {"text"}:
        values = {"q": values["text"]}
    text = checked(DetectRequest, values, DetectRequest.status).q
    most = context().settings.max_text_characters
    if len(text) > most:
        raise ApiError(413, "TooLarge", f"q has {len(text)} characters, but a text may have {most}")
    language, sure = confidence(text)
    return jsonify([{"language": language, "confidence": sure}])
