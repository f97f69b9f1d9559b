"""The two toys, trained once a session by the same command that users run."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

ROOT = Path(__file__).parent.parent


def run_training(stage: str, config: Path, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """`python -m training STAGE CONFIG`, with its runs, tokenizers and checkpoints below `folder`."""
    return subprocess.run(
        [sys.executable, "-m", "training", stage, str(config)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="session")
def toys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `checkpoints/tiny-translation` and `checkpoints/tiny-sentiment`, and the runs that made them."""
    folder = tmp_path_factory.mktemp("toys")
    for task in ("translation", "sentiment"):
        done = run_training("run", ROOT / f"training/configs/tiny-{task}.toml", folder)
        assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="session")
def checkpoints(toys: Path) -> Path:
    """The folder of the toys' checkpoints."""
    return toys / "checkpoints"


@pytest.fixture
def toy_copy(toys: Path, tmp_path: Path) -> Path:
    """The toys' checkpoints, to be harmed."""
    shutil.copytree(toys / "checkpoints", tmp_path / "checkpoints")
    return tmp_path / "checkpoints"


@pytest.fixture
def redis_server(tmp_path: Path) -> "Iterator[tuple[subprocess.Popen[bytes], str]]":
    """A Redis of the test's own: its process, and its address."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("no redis-server on this machine")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [program, "--port", str(port), "--dir", tmp_path, "--save", ""]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process, redis.Redis(port=port) as asked:
        for _ in range(100):
            try:
                asked.ping()
                break
            except redis.ConnectionError:
                time.sleep(0.05)
        yield process, f"redis://127.0.0.1:{port}/0"
        process.terminate()
