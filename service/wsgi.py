"""What gunicorn runs: `service.wsgi:app`, with the settings of the environment."""

import os
import signal

from service.app import create_app
from service.settings import Settings


def _end() -> None:
    """End this worker, which can compute no more: gunicorn puts another one in its place."""
    os.kill(os.getpid(), signal.SIGTERM)


app = create_app(Settings.from_environment(), _end)
