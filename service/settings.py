"""The service's settings, from environment variables that begin with HOIQUY_."""

import os
import re
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from limits import parse_many
from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict

from service.store import is_redis, open_store

_PREFIX = "HOIQUY_"
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^/\s*]+")
_OTHERS = frozenset({"HOIQUY_DATA"})
"""Variables with the prefix that belong to training."""
_LINK = re.compile(r"HOIQUY_(?:SERVICE_(?:HOST|PORT(?:_\w+)?)|PORT_\d+_(?:TCP|UDP)(?:_\w+)?)")
"""What Kubernetes tells every container of a Service that is called hoiquy; it takes HOIQUY_PORT for that, too."""


class SettingsError(Exception):
    """A setting that cannot be used; the message names the variable, its value and the cure."""


class Settings(BaseSettings):
    """What an operator may set. Every limit is refused with an error that names it; nothing is cut in silence."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, env_ignore_empty=True, frozen=True)

    translation: Path = Path("checkpoints/translation-en-vi")
    """The translator's checkpoint."""
    sentiment: Path = Path("checkpoints/sentiment-en-vi")
    """The classifier's checkpoint."""
    host: str = "127.0.0.1"
    """The address to listen on; 0.0.0.0 for every one."""
    port: int = Field(8000, ge=1, le=65535)
    workers: int = Field(0, ge=0, le=256)
    """Processes, each with one compute thread; 0: one a core."""
    threads: int = Field(64, ge=1, le=256)
    """Connections that a worker serves at once: more than `max_requests`, so that one is left to refuse with."""
    max_requests: int = Field(32, ge=1)
    """Requests that a worker has under way; more are refused with 429."""
    max_waiting_tokens: int = Field(200_000, ge=1)
    """Tokens of all requests that a worker has under way, times their beam; more are refused with 429."""
    max_texts: int = Field(128, ge=1)
    """Texts in a request."""
    max_text_characters: int = Field(20_000, ge=1)
    """Characters in a text."""
    max_request_characters: int = Field(250_000, ge=1)
    """Characters of all texts of a request together."""
    max_request_bytes: int = Field(2 * 1024 * 1024, ge=1)
    """Bytes of a request's body."""
    max_beam_size: int = Field(10, ge=1)
    max_alternatives: int = Field(5, ge=0)
    timeout: float = Field(30, gt=0, le=3600)
    """Seconds that a request may take, the wait for its turn included."""
    max_document_bytes: int = Field(5 * 1024 * 1024, ge=1)
    """Bytes of a file that is translated whole."""
    max_documents: int = Field(8, ge=0)
    """Files that a worker has under way; more are refused with 429."""
    max_glossaries: int = Field(100, ge=0)
    """Glossaries that a caller keeps here."""
    document_minutes: int = Field(60, ge=1)
    """Minutes after which a file, and its translation, are forgotten."""
    store: str = ""
    """Where glossaries and files under way are kept: a folder (by default one for a time), or redis://HOST:PORT/0."""
    keys: Path | None = None
    """A file of API keys' hashes; without it none is asked for."""
    rate_limit: str = ""
    """Requests of one caller, such as "600/minute; 20/second"; with more than one process they are counted in Redis."""
    proxies: int = Field(0, ge=0, le=10)
    """Proxies in front that write X-Forwarded-For; with 0 that header is not believed."""
    cors_origins: str = ""
    """Origins, separated by commas, whose pages may ask, such as https://example.org; * for all."""

    @field_validator("port", mode="before")
    @classmethod
    def _is_ours(cls, value: Any) -> Any:
        return cls.model_fields["port"].default if str(value).startswith(("tcp://", "udp://")) else value

    @field_validator("rate_limit")
    @classmethod
    def _is_a_rate(cls, value: str) -> str:
        with suppress(ValueError):
            if all(limit.amount > 0 for limit in (parse_many(value) if value else ())):
                return value
        raise ValueError('give rates of 1 and more, such as "600/minute; 20/second"')

    @field_validator("store")
    @classmethod
    def _is_a_place(cls, value: str) -> str:
        if is_redis(value):
            open_store(value)
        elif "://" in value:
            raise ValueError("give a folder, or redis://HOST:PORT/0")
        elif value:
            try:
                Path(value).mkdir(parents=True, exist_ok=True)
                tempfile.TemporaryFile(dir=value).close()
            except OSError as error:
                raise ValueError(f"nothing can be kept there ({error.strerror}): give another folder") from error
        return value

    @field_validator("cors_origins")
    @classmethod
    def _are_origins(cls, value: str) -> str:
        for origin in value.split(",") if value else []:
            if origin.strip() != "*" and not _ORIGIN.fullmatch(origin.strip()):
                raise ValueError(f"{origin.strip()!r} is no origin: give https://example.org, without a slash behind")
        return value

    @model_validator(mode="after")
    def _has_threads_to_refuse_with(self) -> Self:
        if self.threads <= self.max_requests:
            raise ValueError(
                f"HOIQUY_THREADS is {self.threads}, but must be more than HOIQUY_MAX_REQUESTS, {self.max_requests}, so "
                "that a thread is left to refuse with"
            )
        return self

    @model_validator(mode="after")
    def _counts_in_one_place(self) -> Self:
        if self.rate_limit and self.workers != 1 and not is_redis(self.store):
            raise ValueError(
                "HOIQUY_RATE_LIMIT needs one place to count in: set HOIQUY_STORE to redis://HOST:PORT/0, or "
                "HOIQUY_WORKERS to 1"
            )
        return self

    @classmethod
    def from_environment(cls) -> Self:
        """Read the settings. Raises SettingsError on an unknown variable with the prefix or an unusable value."""
        known = {_PREFIX + name.upper() for name in cls.model_fields} | _OTHERS
        ours = (name for name in os.environ if name.upper().startswith(_PREFIX) and not _LINK.fullmatch(name))
        unknown = sorted(name for name in ours if name not in known)
        if unknown:
            raise SettingsError(f"unknown setting {', '.join(unknown)}: choose among {', '.join(sorted(known))}")
        try:
            return cls()  # type: ignore[call-arg]  # mypy does not see the defaults that Field gives
        except ValidationError as error:
            faults = [_fault(e) for e in error.errors()]
            raise SettingsError("; ".join(faults)) from error


def _fault(error: ErrorDetails) -> str:
    if not error["loc"]:
        return error["msg"].removeprefix("Value error, ")
    message = error["msg"].removeprefix("Value error, ")
    return f"{_PREFIX}{str(error['loc'][0]).upper()}={error['input']!r}: {message}"
