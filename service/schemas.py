"""Requests and answers: what a body may hold, within the limits of the settings."""

import json
from functools import cached_property
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails

from inference.blocks import Page
from inference.markup import read_html
from inference.tags import HTML, xml_tags
from service.bodies import Form, read_json
from service.errors import ApiError, short
from service.settings import Settings

_LONGEST_TERM = 200
_MOST_TERMS = 5000
_MOST_TAGS = 100


def _are_texts(value: Any) -> Any:
    for index, item in enumerate(value if isinstance(value, list) else [value]):
        if not isinstance(item, str):
            place = f"item {index}" if isinstance(value, list) else "it"
            raise ValueError(f"give a text or a list of texts; {place} is {json.dumps(item)[:40]}")  # noqa: TRY004
    return value


Texts = Annotated[str | list[str], BeforeValidator(_are_texts)]


class TextRequest(BaseModel):
    """What requests of both kinds have."""

    model_config = ConfigDict(extra="forbid", strict=True, use_attribute_docstrings=True)

    text: Texts
    """One text, or a list of texts that are answered in the same order."""

    @property
    def texts(self) -> list[str]:
        return [self.text] if isinstance(self.text, str) else self.text


class TranslateRequest(TextRequest):
    """The body of `POST /translate`."""

    beam_size: int | None = Field(None, ge=1)
    """Hypotheses kept a sentence: more is better and slower; the checkpoint's default when left out."""
    alternatives: int = Field(0, ge=0)
    """Other translations of each text, the next best; the beam is widened to find them."""
    format: Literal["text", "html", "xml"] = "text"
    """In HTML and XML tags stay around what they stood around, and what is not text stays as it is."""
    ignore_tags: list[str] = Field(default_factory=list, max_length=_MOST_TAGS)
    """Names of tags: what is in them stays as it is."""
    splitting_tags: list[str] = Field(default_factory=list, max_length=_MOST_TAGS)
    """Names of tags at which a sentence ends."""
    non_splitting_tags: list[str] = Field(default_factory=list, max_length=_MOST_TAGS)
    """Names of tags at which it does not."""
    glossary: dict[str, str] = Field(default_factory=dict, max_length=_MOST_TERMS)
    """Term -> how it is to be translated."""
    protect: list[str] = Field(default_factory=list, max_length=_MOST_TERMS)
    """Terms that stay as they are."""
    scores: bool = False
    """Say how sure the translator is, from 0 to 1."""
    alignment: bool = False
    """Say which words became which."""

    @field_validator("glossary", mode="before")
    @classmethod
    def _is_of_a_form(cls, value: Any) -> Any:
        # A form has only texts.
        return read_json(value, "glossary") if isinstance(value, str) else value

    @field_validator("glossary", "protect", mode="after")
    @classmethod
    def _has_no_empty_term(cls, value: Any) -> Any:
        for term in [*value, *(value.values() if isinstance(value, dict) else [])]:
            if not term.strip() or len(term) > _LONGEST_TERM:
                raise ValueError(f"a term has {len(term.strip())} characters: give 1 to {_LONGEST_TERM}")
        return value

    @model_validator(mode="after")
    def _asks_of_markup_what_there_is(self) -> Self:
        asked = [name for name in ("alternatives", "alignment") if getattr(self, name)]
        if asked and self.format != "text":
            raise ValueError(f"{asked[0]} is of plain text: leave it out, or the format")
        return self

    @property
    def terms(self) -> dict[str, str]:
        """Glossary and protected terms together."""
        return {**{term: term for term in self.protect}, **self.glossary}

    @cached_property
    def pages(self) -> list[Page]:
        """The texts, which are in HTML or XML, taken apart."""
        asked = self.ignore_tags, self.splitting_tags, self.non_splitting_tags
        tags = [HTML if self.format == "html" else xml_tags(text) for text in self.texts]
        return [read_html(text, each.asked(*asked)) for text, each in zip(self.texts, tags, strict=True)]

    @property
    def plain_texts(self) -> list[str]:
        """The texts without their tags."""
        return self.texts if self.format == "text" else [page.text for page in self.pages]


class SentimentRequest(TextRequest):
    """The body of `POST /sentiment`."""

    top_k: int | None = Field(None, ge=1)
    """Name only so many of the likeliest labels in `scores`."""
    threshold: float = Field(0.0, ge=0, le=1)
    """The label is null where the likeliest one's probability is less."""
    neutral_band: float = Field(0.0, ge=0, le=1)
    """The label is "neutral" where the probabilities of "positive" and "negative" differ by less."""
    explain: bool = False
    """Say what each word adds to the log-odds of the label; takes as many classifications as there are words, twice."""


AnyRequest = TypeVar("AnyRequest", bound=TextRequest)
Schema = TypeVar("Schema", bound=BaseModel)
_MOST = 10
"""Errors that an answer names."""


def validated(schema: type[AnyRequest], values: Any, settings: Settings) -> AnyRequest:
    """Values of a body as a request of ours. Raises ApiError as `checked` does, and 413 over a limit of size."""
    parsed = checked(schema, values)
    _check_texts(parsed.texts, settings)
    return parsed


def checked(schema: type[Schema], values: Any, status: int = 422) -> Schema:
    """Values as `schema`. Raises ApiError, of this status, that names what does not fit."""
    try:
        if not isinstance(values, Form):
            return schema.model_validate(values)
        # What is there once may be a list of one.
        lists = [name for name, field in schema.model_fields.items() if field.annotation == list[str]]
        more = {name: [values[name]] for name in lists if isinstance(values.get(name), str)}
        return schema.model_validate({**values, **more}, strict=False)
    except ValidationError as error:
        found = error.errors(include_url=False)
        places = [[part if isinstance(part, int) else short(part) for part in e["loc"]] for e in found[:_MOST]]
        messages = [short(_message(e)) for e in found[:_MOST]]
        errors = [{"loc": place, "message": message} for place, message in zip(places, messages, strict=True)]
        sentence = "; ".join(
            f"{'.'.join(map(str, place)) or 'body'}: {message}" for place, message in zip(places, messages, strict=True)
        )
        if len(found) > _MOST:
            sentence += f"; and {len(found) - _MOST} more"
        raise ApiError(status, "Validation", sentence, errors) from error


def _message(error: ErrorDetails) -> str:
    """One of pydantic's errors in our users' words."""
    words = {
        "missing": "is missing",
        "extra_forbidden": "is no key of this request",
        "model_type": "a JSON object is needed",
    }
    if error["type"] in words:
        return words[error["type"]]
    if error["type"] == "value_error":
        return error["msg"].removeprefix("Value error, ")
    given = error["input"]
    shown = f" (given: {given!r})" if isinstance(given, (str, int, float, bool)) and len(str(given)) <= 40 else ""
    return f"{error['msg'][0].lower()}{error['msg'][1:]}{shown}"


def _check_texts(texts: list[str], settings: Settings) -> None:
    if not texts:
        raise ApiError(
            422, "Validation", "text: the list is empty", [{"loc": ["text"], "message": "the list is empty"}]
        )
    if len(texts) > settings.max_texts:
        raise ApiError(413, "TooLarge", f"{len(texts)} texts, but a request may have {settings.max_texts}")
    for index, text in enumerate(texts):
        if len(text) > settings.max_text_characters:
            raise ApiError(
                413,
                "TooLarge",
                f"text {index} has {len(text)} characters, but a text may have {settings.max_text_characters}",
            )
    total = sum(map(len, texts))
    if total > settings.max_request_characters:
        raise ApiError(
            413,
            "TooLarge",
            f"the texts have {total} characters, but a request may have {settings.max_request_characters}",
        )
