"""The two toys, trained once a session by the same command that users run."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from functools import cache
from multiprocessing import forkserver, get_context
from multiprocessing.context import ForkServerContext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import pytest
import redis
from forked import run_here

ROOT = Path(__file__).parent.parent


class Done(NamedTuple):
    """What a command left."""

    returncode: int | None
    stdout: str
    stderr: str


@cache
def _forks() -> ForkServerContext:
    """Makes processes that have imported torch already, which takes longer than what most tests do with it."""
    context = get_context("forkserver")
    context.set_forkserver_preload(["training.__main__"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_HUB_OFFLINE", "1")
        forkserver.ensure_running()
    return context


def run_training(stage: str, config: Path, folder: Path) -> Done:
    """`python -m training STAGE CONFIG`, with its runs, tokenizers and checkpoints below `folder`."""
    with TemporaryDirectory() as place:
        outputs = [Path(place, name) for name in ("stdout", "stderr")]
        process = _forks().Process(target=run_here, args=(["training", stage, str(config)], folder, outputs))
        process.start()
        process.join()
        return Done(process.exitcode, *(output.read_text(encoding="utf-8") for output in outputs))


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
