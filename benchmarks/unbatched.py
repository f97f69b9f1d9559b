"""`gunicorn benchmarks.unbatched:app`: our service as it would be without batching, one sentence after the other."""

from inference.checkpoint import Checkpoint
from inference.predictors import TranslationPredictor
from service import models
from service.app import create_app
from service.settings import Settings


class OneByOne(TranslationPredictor):
    """A translator whose steps have a single row."""

    def __init__(self, checkpoint: Checkpoint, threads: int = 1) -> None:
        super().__init__(checkpoint, threads, batch_rows=1)


models.TranslationPredictor = OneByOne  # type: ignore[misc]
models._RESERVE = 0
app = create_app(Settings.from_environment())
