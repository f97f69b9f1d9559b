"""What is answered, for whoever reads the description of the service; and the one body of all errors."""

from typing import Any, Literal

from pydantic import BaseModel, Field


class ErrorPlace(BaseModel):
    """A place in a request that is wrong."""

    loc: list[str | int]
    message: str


class ErrorAnswer(BaseModel):
    """The body of every error."""

    error: str = Field(description="What is wrong, and the cure.")
    message: str = Field(description="The same sentence.")
    error_type: Literal[
        "Validation", "TooLarge", "RateLimited", "Overloaded", "Timeout", "NotFound", "Auth", "Internal"
    ]
    errors: list[ErrorPlace]
    request_id: str


class Link(BaseModel):
    """A word of the text, and one of its translation."""

    source: tuple[int, int] = Field(description="Where the word begins and ends, in characters (code points).")
    target: tuple[int, int]
    weight: float = Field(description="The share of the target word's attention.")


class TranslatedText(BaseModel):
    """A translation."""

    text: str
    alternatives: list[str] | None = Field(None, description="The next best, if asked for.")
    score: float | None = Field(None, description="How sure the translator is, 0 to 1, if asked for.")
    alignment: list[Link] | None = Field(None, description="Which words became which, if asked for.")
    truncated: bool = Field(description="Whether a sentence may lack its end.")
    warnings: list[str]


class TranslateAnswer(BaseModel):
    """The translations, in the order of the texts."""

    translations: list[TranslatedText]
    model: str


class Piece(BaseModel):
    """What a piece of a text, mostly a word, adds to the log-odds of the label."""

    text: str
    start: int
    end: int
    score: float


class ClassifiedText(BaseModel):
    """What a text was found to be."""

    label: str | None = Field(description="null below the threshold.")
    score: float = Field(description="The probability of the likeliest label.")
    scores: dict[str, float]
    language: str
    truncated: bool
    base: float | None = Field(
        None, description="The log-odds where there is no text, if an explanation was asked for."
    )
    explanation: list[Piece] | None = None


class SentimentAnswer(BaseModel):
    """What the texts were found to be, in their order."""

    results: list[ClassifiedText]
    model: str


class Language(BaseModel):
    """A language, and into which ones it is translated."""

    code: str
    name: str
    targets: list[str]


class DocumentAnswer(BaseModel):
    """What became of a file so far."""

    id: str
    name: str
    status: Literal["queued", "translating", "done", "error"]
    done: int = Field(description="Parts of its text that are translated,")
    total: int = Field(description="of so many.")
    error: str | None = None
    warnings: list[str]


class HealthAnswer(BaseModel):
    """Whether every model answered a text when it was loaded."""

    status: Literal["ok", "failed"]
    models: dict[str, dict[str, Any]]


def fields(answer: BaseModel) -> dict[str, Any]:
    """An answer without what was not asked for."""
    return answer.model_dump(exclude_unset=True)
