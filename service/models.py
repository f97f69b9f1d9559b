"""The models of a worker: loaded, tried on a text, or the reason why not."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from inference.checkpoint import CheckpointError
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
        except (CheckpointError, ValueError, FloatingPointError, RuntimeError) as error:
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
    """The translator and the classifier that the settings name."""

    def __init__(self, settings: Settings) -> None:
        self.translation = Model(TranslationPredictor.load, settings.translation)
        self.sentiment = Model(SentimentPredictor.load, settings.sentiment)
