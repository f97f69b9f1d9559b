"""Long work is told to stop, and ends where it loses nothing."""

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tqdm import tqdm


@contextmanager
def stoppable(message: str) -> Iterator[Callable[[], bool]]:
    """Let SIGINT and SIGTERM ask for an end, with a message; gives what says whether they did."""
    asked = False

    def request(*_: object) -> None:
        nonlocal asked
        asked = True
        tqdm.write(message, file=sys.stderr)

    before = {number: signal.signal(number, request) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
