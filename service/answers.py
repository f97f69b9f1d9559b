"""What is answered, for whoever reads the description of the service; and the one body of all errors."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel


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
    warnings: list[str]
    base: float | None = Field(
        None, description="The log-odds where there is no text, if an explanation was asked for."
    )
    explanation: list[Piece] | None = None


class SentimentAnswer(BaseModel):
    """What the texts were found to be, in their order."""

    results: list[ClassifiedText]
    model: str


class LibreLanguage(BaseModel):
    """The language that a text was taken for."""

    language: str
    confidence: float = Field(description="How many percent of its telling words speak for it.")


class LibreAnswer(BaseModel):
    """LibreTranslate's: one text for one, a list for a list."""

    translatedText: str | list[str]  # noqa: N815
    detectedLanguage: LibreLanguage | list[LibreLanguage] | None = Field(  # noqa: N815
        None, description="Where the source was auto."
    )
    alternatives: list[str] | list[list[str]] | None = Field(None, description="The next best, if asked for.")


class HuggingFaceTranslation(BaseModel):
    """Hugging Face's translation."""

    translation_text: str


class HuggingFaceLabel(BaseModel):
    """Hugging Face's label."""

    label: str
    score: float


_OR_PLAIN = ConfigDict(openapi_extra={"content": {"text/plain": {"schema": {"type": "string"}}}})  # type: ignore[typeddict-unknown-key]


class AnyTranslateAnswer(RootModel[TranslateAnswer | LibreAnswer | list[HuggingFaceTranslation]]):
    """In the shape of the request."""

    model_config = _OR_PLAIN


class AnySentimentAnswer(RootModel[SentimentAnswer | list[list[HuggingFaceLabel]]]):
    """In the shape of the request."""

    model_config = _OR_PLAIN


class DetectAnswer(RootModel[list[LibreLanguage]]):
    """The likeliest language."""


class TranslatedFileAnswer(BaseModel):
    """Where the translation of a file is."""

    translatedFileUrl: str  # noqa: N815


class DeepLText(BaseModel):
    """A translation, as DeepL gives it."""

    detected_source_language: str
    text: str
    billed_characters: int


class DeepLAnswer(BaseModel):
    """The translations, in the order of the texts."""

    translations: list[DeepLText]


class GlossaryAnswer(BaseModel):
    """A glossary, without its terms."""

    glossary_id: str
    ready: bool
    name: str
    source_lang: str
    target_lang: str
    creation_time: str
    entry_count: int


class GlossariesAnswer(BaseModel):
    """All glossaries of the caller."""

    glossaries: list[GlossaryAnswer]


class LanguagePair(BaseModel):
    """From which language into which one."""

    source_lang: str
    target_lang: str


class LanguagePairsAnswer(BaseModel):
    """What glossaries can be of."""

    supported_languages: list[LanguagePair]


class DocumentHandle(BaseModel):
    """What names a file, and what must be brought to see it."""

    document_id: str
    document_key: str


class DocumentStatus(BaseModel):
    """What became of a file so far, as DeepL says it."""

    document_id: str
    status: Literal["queued", "translating", "done", "error"]
    billed_characters: int | None = None
    error_message: str | None = None


class UsageAnswer(BaseModel):
    """What was used up of what there is: nothing."""

    character_count: int
    character_limit: int


class DeepLLanguage(BaseModel):
    """A language, as DeepL lists it."""

    language: str
    name: str
    supports_formality: bool | None = None


class DeepLLanguages(RootModel[list[DeepLLanguage]]):
    """The languages of one side."""


class Language(BaseModel):
    """A language, and into which ones it is translated."""

    code: str
    name: str
    targets: list[str]


class Languages(RootModel[list[Language]]):
    """The languages."""


class FrontendLanguage(BaseModel):
    """A language of LibreTranslate's page."""

    code: str
    name: str


class FrontendLanguages(BaseModel):
    """What LibreTranslate's page begins with."""

    source: FrontendLanguage
    target: FrontendLanguage


class FrontendSettings(BaseModel):
    """What LibreTranslate's clients ask before they begin."""

    apiKeys: bool  # noqa: N815
    charLimit: int  # noqa: N815
    frontendTimeout: int  # noqa: N815
    keyRequired: bool  # noqa: N815
    language: FrontendLanguages
    suggestions: bool
    supportedFilesFormat: list[str]  # noqa: N815


class AliveAnswer(BaseModel):
    """Whether a process works."""

    status: Literal["ok", "failed"]


class FileLimits(BaseModel):
    """What files are taken, and for how long they are kept."""

    kinds: list[str]
    minutes: float


class InfoAnswer(BaseModel):
    """What is served."""

    models: dict[str, dict[str, Any]] = Field(description="What the checkpoints say of themselves.")
    limits: dict[str, float]
    documents: FileLimits
    key_required: bool
    versions: dict[str, str]


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
