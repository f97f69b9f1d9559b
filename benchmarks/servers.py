"""Servers that are measured: started on one core, waited for, ended."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from benchmarks.load import ask
from benchmarks.measuring import ROOT, pin
from benchmarks.peer import ONE_THREAD, PYTHON

MOST_CLIENTS = 64
START = 120
"""Seconds that a server may take to answer its first request."""


@dataclass(frozen=True)
class Server:
    """A server that translates."""

    port: int
    pid: int
    seconds: float
    """From its start to its first translation."""

    @property
    def megabytes(self) -> float:
        """The memory of its processes, where what they share is counted once (PSS)."""
        return sum(map(_proportional_set, _family(self.pid))) / 1024


def _family(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(each for child in children for each in _family(int(child)))]


def _proportional_set(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def free_port() -> int:
    """A port of this machine that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(
    command: Sequence[str], environment: Mapping[str, str], folder: Path, port: int, core: int
) -> Iterator[Server]:
    """A server that translates, on one core; its log is in `folder`. Raises RuntimeError if it does not translate."""
    before = os.sched_getaffinity(0)
    with (folder / "server.log").open("w") as log:
        pin(core)
        start = time.monotonic()
        process = subprocess.Popen(
            command, cwd=folder, env={**os.environ, **ONE_THREAD, **environment}, stdout=log, stderr=log
        )
        os.sched_setaffinity(0, before)
    try:
        _wait(process, port, folder / "server.log")
        yield Server(port, process.pid, time.monotonic() - start)
    finally:
        process.terminate()
        process.wait(60)


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    until, fault = time.monotonic() + START, ""
    while time.monotonic() < until and process.poll() is None:
        connection = HTTPConnection("127.0.0.1", port, timeout=START)
        with suppress(OSError, HTTPException):
            fault = ask(connection, "We are here.")
            if not fault:
                return
        connection.close()
        time.sleep(0.02)
    raise RuntimeError(f"the server on port {port} does not translate {fault}: {log.read_text()[-2000:]}")


def ours(application: str, folder: Path, core: int) -> AbstractContextManager[Server]:
    """Our service, one worker, with room for all the clients: `application` is what gunicorn runs."""
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "--config", str(ROOT / "service" / "gunicorn.conf.py"), application]
    environment = {
        "PYTHONPATH": str(ROOT),
        "HOIQUY_PORT": str(port),
        "HOIQUY_WORKERS": "1",
        "HOIQUY_MAX_REQUESTS": str(2 * MOST_CLIENTS),
        "HOIQUY_THREADS": str(3 * MOST_CLIENTS),
        "HOIQUY_TRANSLATION": str(ROOT / "checkpoints" / "translation-en-vi"),
        "HOIQUY_SENTIMENT": str(ROOT / "checkpoints" / "sentiment-en-vi"),
    }
    return serving(command, environment, folder, port, core)


def libretranslate(packages: Path, beam: int, folder: Path, core: int) -> AbstractContextManager[Server]:
    """LibreTranslate as it comes, but with packages of ours and a beam; all that it keeps is in `folder`."""
    port = free_port()
    command = [str(PYTHON.parent / "libretranslate"), "--host", "127.0.0.1", "--port", str(port), "--disable-web-ui"]
    environment = {
        "HOME": str(folder),
        "ARGOS_PACKAGES_DIR": str(packages),
        "ARGOS_BEAM_SIZE": str(beam),
        "ARGOS_INTRA_THREADS": "1",
    }
    return serving(command, environment, folder, port, core)
