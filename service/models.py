"""The models of a worker: loaded, tried on a text, or the reason why not."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Generic, TypeVar

from inference.predictors import SentimentPredictor, TranslationPredictor
from service.errors import ApiError
from service.settings import Settings

Predictor = TypeVar("Predictor", SentimentPredictor, TranslationPredictor)


class Model(Generic[Predictor]):
    """One predictor, or the reason why there is none: a bad checkpoint never stops the others."""

    def __init__(self, load: Callable[[Path], Predictor], path: Path) -> None:
        self._predictor: Predictor | None = None
        self.fault = ""
        try:
            predictor = load(path)
            predictor.predict(["Hello."])
            self._predictor = predictor
        except Exception as error:  # ONNX Runtime's errors have no base of their own
            self.fault = str(error)
            print(f"not serving {path}: {error}", file=sys.stderr, flush=True)

    def get(self) -> Predictor:
        """The predictor. Raises ApiError 503 when it could not be loaded."""
        if self._predictor is None:
            raise ApiError(503, "Overloaded", f"this model is not ready: {self.fault}")
        return self._predictor

    def describe(self) -> dict[str, str]:
        """For `/health`: name and version, or the fault."""
        if self._predictor is None:
            return {"status": "failed", "error": self.fault}
        checkpoint = self._predictor.checkpoint
        return {"status": "ok", "name": checkpoint.config["name"], "version": checkpoint.version}


class Models:
    """The translator and the classifier that the settings name, and the one compute thread that they share."""

    def __init__(self, settings: Settings) -> None:
        self.translation = Model(TranslationPredictor.load, settings.translation)
        self.sentiment = Model(SentimentPredictor.load, settings.sentiment)
        self._timeout = settings.timeout
        self._computing = Lock()

    @contextmanager
    def turn(self) -> Iterator[float]:
        """Wait for the worker's compute thread to be free, and hold it; gives when the request's time is over.

        Threads that compute at once would share one core and its cache, and each would be slower than in turn. Raises
        ApiError 503 when there was no turn in time, and 504 for a TimeoutError of what is done in it.
        """
        until = time.monotonic() + self._timeout
        if not self._computing.acquire(timeout=self._timeout):
            raise ApiError(503, "Overloaded", f"there was no turn for this request within {self._timeout} s: try again")
        try:
            yield until
        except TimeoutError as error:
            raise ApiError(
                504, "Timeout", f"this request took more than {self._timeout} s: send less text at once"
            ) from error
        finally:
            self._computing.release()
