"""The toys, and a server of them, for the promises."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from serving import Server, serving


@pytest.fixture(scope="session")
def checkpoints(toys: Path) -> Path:
    """The folder of the toys' checkpoints."""
    return toys / "checkpoints"


@pytest.fixture
def server(checkpoints: Path, tmp_path: Path) -> Iterator[Server]:
    """A server with one worker."""
    with serving(checkpoints, tmp_path) as running:
        yield running
