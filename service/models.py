"""The models of a worker: loaded, tried on a text, or the reason why not; and their one compute thread."""

import math
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Generic, TypeVar

from inference.blocks import Page
from inference.foreign import misfit
from inference.jobs import Check
from inference.pages import TranslationRequest
from inference.pools import AnyJob, Pool
from inference.predictors import (
    PIECES,
    ExplainableJob,
    Sentiment,
    SentimentPredictor,
    Translation,
    TranslationPredictor,
)
from service.batching import Batcher, GoneError, OverloadedError, check_wanted
from service.dialects import Languages
from service.errors import ApiError
from service.metrics import MODEL
from service.schemas import SentimentRequest, TranslateRequest
from service.settings import Settings

Predictor = TypeVar("Predictor", SentimentPredictor, TranslationPredictor)


_RESERVE = 4
"""Rows of the translator's steps that short requests find free beside long ones."""
_CHARACTERS = 6
"""Characters a token, rather too many: what a request will cost is guessed before any work is put into it."""


class _Deadline:
    """When a request must have its answer, from when it was read."""

    def __init__(self, seconds: float) -> None:
        self.seconds, self.until = seconds, time.monotonic() + seconds


class Model(Generic[Predictor]):
    """One predictor, or the reason why there is none: a bad checkpoint never stops the others."""

    def __init__(self, load: Callable[[Path], Predictor], path: Path, setting: str) -> None:
        """Load the checkpoint in `path`, which `setting` named."""
        self._predictor: Predictor | None = None
        self.fault = ""
        try:
            predictor = load(path)
            predictor.predict(["Hello."])
            self._predictor = predictor
            checkpoint = predictor.checkpoint
            MODEL.labels(checkpoint.config["task"], checkpoint.config["name"], checkpoint.version).set(1)
        except Exception as error:  # ONNX Runtime's errors have no base of their own
            self.fault = str(error)
            print(f"warning: {setting}={path} is not served: {error}", file=sys.stderr, flush=True)

    def get(self) -> Predictor:
        """The predictor. Raises ApiError 503 when it could not be loaded."""
        if self._predictor is None:
            raise ApiError(503, "Overloaded", f"this model is not ready: {self.fault}")
        return self._predictor

    def pools(self, **options: int) -> list[Pool[Any]]:
        """What runs the model's jobs: a pool, or none."""
        return [] if self._predictor is None else [self._predictor.pool(**options)]

    def describe(self) -> dict[str, str]:
        """For `/health`: name and version, or the fault."""
        if self._predictor is None:
            return {"status": "failed", "error": self.fault}
        checkpoint = self._predictor.checkpoint
        return {"status": "ok", "name": checkpoint.config["name"], "version": checkpoint.version}

    def info(self) -> dict[str, Any]:
        """For `/info`: what the checkpoint says of itself."""
        if self._predictor is None:
            return self.describe()
        checkpoint = self._predictor.checkpoint
        config = checkpoint.config
        names = ("source_language", "target_language", "labels", "model", "metrics", "speed", "temperatures")
        told = {name: config[name] for name in names if name in config}
        return {**self.describe(), **told, "card": config["training"]["run"]["card"], "sha256": checkpoint.hashes}


class Models:
    """The translator and the classifier that the settings name."""

    def __init__(self, settings: Settings, fail: Callable[[], None]) -> None:
        """Load them; `fail` is called when the compute thread ends of itself."""
        self.translation = Model(TranslationPredictor.load, settings.translation, "HOIQUY_TRANSLATION")
        self.sentiment = Model(SentimentPredictor.load, settings.sentiment, "HOIQUY_SENTIMENT")
        self._translation_pools, self._sentiment_pools = (
            self.translation.pools(reserve=_RESERVE),
            self.sentiment.pools(),
        )
        self._timeout = settings.timeout
        # Threads that computed at once would share one core and its cache, and each be slower than in turn.
        self._batcher = Batcher(
            [*self._translation_pools, *self._sentiment_pools],
            settings.max_requests,
            settings.max_waiting_tokens,
            fail,
        )

    @property
    def languages(self) -> Languages:
        """What is translated into what. Raises ApiError 503 without a translator."""
        config = self.translation.get().checkpoint.config
        return config["source_language"], config["target_language"]

    def warning(self, text: str) -> str | None:
        """What who sent a text is told, where it is surely in another language than the translator reads."""
        return misfit(text, self.languages[0])

    def check_room(self, cost: float = 0) -> None:
        """Refuse a request at once where there is no room for it: to read it would take time from the others.

        Raises ApiError 429.
        """
        try:
            self._batcher.check_room(int(cost))
        except OverloadedError as error:
            raise _overloaded(error) from error

    def translate(
        self, body: TranslateRequest, is_wanted: Callable[[], bool], seconds: float = math.inf
    ) -> list[Translation]:
        """Translate a request's texts, in so many seconds at most.

        Raises ApiError: 422 not with this model, 503 no model, 429 too much under way, 504 out of time.
        """
        predictor = self.translation.get()
        deadline = _Deadline(min(seconds, self._timeout))
        beam_size = body.beam_size or predictor.languages.decode.beam_size
        self.check_room(sum(map(len, body.texts)) / _CHARACTERS * beam_size)

        def prepare(check: Check) -> TranslationRequest:
            with _refused():
                if body.format != "text":
                    return predictor.page_job(body.pages, body.beam_size, terms=body.terms, check=check)
                return predictor.job(
                    body.texts, body.beam_size, body.alternatives, align=body.alignment, terms=body.terms, check=check
                )

        return predictor.results(self._run(self._translation_pools[0], prepare, is_wanted, deadline))

    def translate_pages(self, pages: list[Page], terms: Mapping[str, str]) -> list[str]:
        """Translate a part of a file. Raises as `translate` does."""
        predictor = self.translation.get()

        def prepare(check: Check) -> TranslationRequest:
            with _refused():
                return predictor.page_job(pages, terms=terms, check=check)

        job = self._run(self._translation_pools[0], prepare, lambda: True, _Deadline(self._timeout))
        return [result.text for result in predictor.results(job)]

    def classify(self, body: SentimentRequest, is_wanted: Callable[[], bool]) -> list[Sentiment]:
        """Classify a request's texts. Raises as `translate` does."""
        predictor = self.sentiment.get()
        if body.neutral_band and not {"positive", "negative"} <= set(predictor.labels):
            has = ", ".join(map(repr, predictor.labels))
            message = f"neutral_band is between 'positive' and 'negative', but labels here are {has}: leave it out"
            raise ApiError(422, "Validation", message)
        deadline = _Deadline(self._timeout)
        # What is explained is read once more for every piece of it.
        self.check_room(sum(map(len, body.texts)) / _CHARACTERS * (1 + PIECES * body.explain))

        def prepare(check: Check) -> ExplainableJob:
            return predictor.job(body.texts, explain=body.explain, check=check)

        return predictor.results(self._run(self._sentiment_pools[0], prepare, is_wanted, deadline))

    def _run(
        self,
        pool: Pool[AnyJob],
        prepare: Callable[[Check], AnyJob],
        is_wanted: Callable[[], bool],
        deadline: _Deadline,
    ) -> AnyJob:
        """Prepare a job, which is asked before each text whether it is still wanted, and have it done."""
        try:
            job = prepare(lambda: check_wanted(is_wanted, deadline.until))
            self._batcher.submit(pool, job, job.cost, deadline.until).wait(is_wanted)
        except OverloadedError as error:
            raise _overloaded(error) from error
        except TimeoutError as error:
            message = f"this request took more than {deadline.seconds:g} s: send less text at once"
            raise ApiError(504, "Timeout", message) from error
        except GoneError as error:
            raise ApiError(499, "Timeout", str(error)) from error
        return job

    @property
    def alive(self) -> bool:
        """Whether the compute thread runs."""
        return self._batcher.alive


@contextmanager
def _refused() -> Iterator[None]:
    """What this model cannot do is the caller's to mend."""
    try:
        yield
    except ValueError as error:
        raise ApiError(422, "Validation", str(error)) from error


def _overloaded(error: OverloadedError) -> ApiError:
    return ApiError(429, "Overloaded", f"{error}: try again in a second", retry_after=1)
