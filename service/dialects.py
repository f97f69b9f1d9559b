"""The shapes that clients of other services send and expect: LibreTranslate, DeepL, Hugging Face.

Each is turned into a request of our own and its results into the other's answer; what is computed is the same. The
shapes are facts about clients, tried with the unmodified ones.
"""

import re
from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from inference.foreign import detect_foreign
from inference.language import detect
from inference.predictors import Sentiment, Translation
from service.errors import short
from service.schemas import Texts

Languages = tuple[str, str]
"""From which language into which one."""
_NAMES = {"en": "English", "vi": "Vietnamese"}
_THREE_LETTERS = {"eng": "en", "vie": "vi"}


def language_name(code: str) -> str:
    """A language's name in English, or its code where we have none."""
    return _NAMES.get(code, code)


class Foreign(BaseModel):
    """A request of another service: what we do not know of it is let be."""

    status: ClassVar[int] = 422
    """What is answered where it does not fit."""

    model_config = ConfigDict(extra="ignore")


def language_code(language: str, known: Sequence[str], name: str) -> str:
    """A language code in our form: "vi" of "VI", "vi-VN", "vi_VN", "vie_Latn". Raises ValueError when it is none of
    those known.
    """
    code = re.split("[-_]", language.lower())[0]
    code = _THREE_LETTERS.get(code, code)
    if code not in known:
        raise ValueError(f"{name} is {short(language)!r}: give {' or '.join(known)}")
    return code


def confidence(text: str) -> tuple[str, float]:
    """The language of a text, and how many percent of its telling words speak for it.

    It is the one place where these shapes can say that a text is in a language that is not read here.
    """
    language, share = detect_foreign(text) or detect(text)
    return language, round(100 * share, 1)


def _names(value: Any) -> Any:
    """A list of names, or one text of them with commas between."""
    values = [value] if isinstance(value, str) else value
    return [name.strip() for each in values for name in each.split(",")] if _are_texts(values) else value


def _are_texts(values: Any) -> bool:
    return isinstance(values, list) and all(isinstance(value, str) for value in values)


Names = Annotated[list[str], BeforeValidator(_names)]


class LibreRequest(Foreign):
    """`POST /translate` of LibreTranslate."""

    status: ClassVar[int] = 400

    q: Texts
    source: str = "auto"
    target: str = ""
    format: Annotated[Literal["text", "html"], BeforeValidator(lambda value: value or "text")] = "text"
    alternatives: int = Field(0, ge=0)

    def native(self, languages: Languages) -> dict[str, Any]:
        """As our own request. Raises ValueError on a language that is not translated."""
        language_code(self.source, ("auto", languages[0]), "source")
        language_code(self.target or languages[1], languages[1:], "target")
        # Of HTML there are none, there as here: the list is empty.
        alternatives = 0 if self.format == "html" else self.alternatives
        return {"text": self.q, "format": self.format, "alternatives": alternatives}

    def answer(self, results: Sequence[Translation], texts: Sequence[str]) -> dict[str, Any]:
        """What LibreTranslate answers, to these texts without their tags: one text for one, a list for a list."""
        one = isinstance(self.q, str)

        def shaped(values: list[Any]) -> Any:
            return values[0] if one else values

        body: dict[str, Any] = {"translatedText": shaped([result.text for result in results])}
        if self.source.lower() == "auto":
            found = [dict(zip(("language", "confidence"), confidence(text), strict=True)) for text in texts]
            body["detectedLanguage"] = shaped(found)
        if self.alternatives:
            body["alternatives"] = shaped([list(result.alternatives) for result in results])
        return body


class DetectRequest(Foreign):
    """`POST /detect` of LibreTranslate."""

    status: ClassVar[int] = 400

    q: str


class DeepLRequest(Foreign):
    """`POST /v2/translate` of DeepL. What would change the meaning, and is not known here, is refused."""

    text: Texts
    target_lang: str
    source_lang: str | None = None
    glossary_id: str | None = None
    tag_handling: Literal["html", "xml"] | None = None
    ignore_tags: Names = []
    splitting_tags: Names = []
    non_splitting_tags: Names = []
    formality: str | None = None
    glossary_ids: Any = None
    style_id: Any = None
    translation_memory_id: Any = None
    custom_instructions: Any = None

    def native(self, languages: Languages) -> dict[str, Any]:
        """As our own request. Raises ValueError on a language that is not translated, and on what is not offered."""
        language_code(self.target_lang, languages[1:], "target_lang")
        if self.source_lang:
            language_code(self.source_lang, languages[:1], "source_lang")
        for name in ("glossary_ids", "style_id", "translation_memory_id", "custom_instructions"):
            if getattr(self, name):
                raise ValueError(f"{name} is not offered here: leave it out")
        if self.formality in ("more", "less"):
            raise ValueError(f"formality is {self.formality!r}: there is one form only; give 'prefer_{self.formality}'")
        texts = [self.text] if isinstance(self.text, str) else self.text
        tags = {name: getattr(self, name) for name in ("ignore_tags", "splitting_tags", "non_splitting_tags")}
        return {"text": texts, "format": self.tag_handling or "text", **tags}

    def answer(self, results: Sequence[Translation], texts: Sequence[str]) -> dict[str, Any]:
        """What DeepL answers, to these texts without their tags."""
        sent = [self.text] if isinstance(self.text, str) else self.text
        return {
            "translations": [
                {
                    "detected_source_language": (self.source_lang or confidence(text)[0]).split("-")[0].upper(),
                    "text": result.text,
                    "billed_characters": len(whole),
                }
                for whole, text, result in zip(sent, texts, results, strict=True)
            ]
        }


class _Parameters(BaseModel):
    # What is not known here would change the answer.
    model_config = ConfigDict(extra="forbid")


class _TranslationParameters(_Parameters):
    src_lang: str | None = None
    tgt_lang: str | None = None
    clean_up_tokenization_spaces: bool | None = None
    """There is nothing to clean up."""


class _ClassificationParameters(_Parameters):
    top_k: int | None = Field(None, ge=1)
    function_to_apply: Literal["softmax"] | None = None


_OrNone = BeforeValidator(lambda value: value or {})


class _HuggingFaceRequest(Foreign):
    inputs: Texts


class HuggingFaceTranslationRequest(_HuggingFaceRequest):
    """What the `translation` of Hugging Face's `InferenceClient` posts to an endpoint of its own."""

    parameters: Annotated[_TranslationParameters, _OrNone] = Field(default_factory=dict, validate_default=True)

    def native(self, languages: Languages) -> dict[str, Any]:
        """As our own request. Raises ValueError on a language that is not translated."""
        for name, language, known in zip(
            ("src_lang", "tgt_lang"), (self.parameters.src_lang, self.parameters.tgt_lang), languages, strict=True
        ):
            if language:
                language_code(language, (known,), name)
        return {"text": self.inputs}

    def answer(self, results: Sequence[Translation], texts: Sequence[str]) -> list[dict[str, Any]]:  # noqa: ARG002
        """What `translation` expects."""
        return [{"translation_text": result.text} for result in results]


class HuggingFaceClassificationRequest(_HuggingFaceRequest):
    """What its `text_classification` posts."""

    parameters: Annotated[_ClassificationParameters, _OrNone] = Field(default_factory=dict, validate_default=True)

    def native(self) -> dict[str, Any]:
        """As our own request."""
        return {"text": self.inputs}

    def answer(self, results: Sequence[Sentiment]) -> list[list[dict[str, Any]]]:
        """What `text_classification` expects: for each text every label, the likeliest first."""
        return [
            [
                {"label": label, "score": score}
                for label, score in sorted(result.scores.items(), key=lambda item: -item[1])[: self.parameters.top_k]
            ]
            for result in results
        ]
