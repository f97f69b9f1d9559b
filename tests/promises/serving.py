"""Servers as processes, and load on them: what the tests of the promises have in common."""

import http.client
import json
import math
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent.parent
FULL = os.environ.get("HOIQUY_SOAK") == "1"
"""Whether the promises are tried at their full figures, which takes an hour, or only a little."""


def times(full: int, little: int) -> int:
    """How often something is tried."""
    return full if FULL else little


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@dataclass
class Answer:
    """What came back, and after how many seconds."""

    status: int
    """0: nothing did."""
    body: Any
    seconds: float
    headers: dict[str, str] = field(default_factory=dict)


class Client:
    """One connection that is kept open."""

    def __init__(self, port: int, timeout: float = 60) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)

    def ask(self, path: str, body: Any = None, headers: dict[str, str] | None = None, method: str = "") -> Answer:
        """Send a request, JSON unless it is bytes, and wait for the answer."""
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        kind = {} if body is None or isinstance(body, bytes) else {"Content-Type": "application/json"}
        start = time.perf_counter()
        try:
            self._connection.request(
                method or ("GET" if data is None else "POST"), path, data, {**kind, **(headers or {})}
            )
            response = self._connection.getresponse()
            text = response.read()
        except (OSError, http.client.HTTPException):
            self._connection.close()
            return Answer(0, None, time.perf_counter() - start)
        with suppress(ValueError):
            return Answer(response.status, json.loads(text), time.perf_counter() - start, dict(response.headers))
        return Answer(response.status, text, time.perf_counter() - start, dict(response.headers))

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()


def once(port: int, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Answer:
    """One request on a connection of its own."""
    with Client(port) as client:
        return client.ask(path, body, headers)


@dataclass
class Server:
    """A running gunicorn."""

    process: "subprocess.Popen[bytes]"
    port: int
    log: Path

    def workers(self) -> list[int]:
        """Its processes that answer."""
        found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(self.process.pid)], capture_output=True, check=False)
        return [int(pid) for pid in found.stdout.split()]

    def metric(self, name: str) -> float:
        """The sum of a metric over its labels."""
        text = once(self.port, "/metrics").body.decode()
        return sum(float(value) for value in re.findall(rf"^{name}(?:{{[^}}]*}})? (\S+)$", text, re.MULTILINE))


def environment(checkpoints: Path, port: int, **settings: Any) -> dict[str, str]:
    """What a server of the toys in `checkpoints` is started with."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("HOIQUY_")}
    paths = {"translation": checkpoints / "tiny-translation", "sentiment": checkpoints / "tiny-sentiment"}
    chosen = {"port": port, "workers": 1, **paths, **settings}
    return {**others, **{f"HOIQUY_{name.upper()}": str(value) for name, value in chosen.items()}}


def start(checkpoints: Path, folder: Path, **settings: Any) -> Server:
    """Start a server, and wait until it is ready."""
    port = settings.pop("port", None) or free_port()
    log = folder / f"server-{port}.log"
    command = [sys.executable, "-m", "gunicorn", "--config", "service/gunicorn.conf.py", "service.wsgi:app"]
    with log.open("ab") as file:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment(checkpoints, port, **settings), stdout=file, stderr=file
        )
    until = time.monotonic() + 60
    while once(port, "/readyz").status != 200:
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < until, log.read_text()
        time.sleep(0.05)
    return Server(process, port, log)


@contextmanager
def serving(checkpoints: Path, folder: Path, **settings: Any) -> Iterator[Server]:
    """A server while the block runs."""
    server = start(checkpoints, folder, **settings)
    try:
        yield server
    finally:
        server.process.terminate()
        server.process.wait(60)


@contextmanager
def balancing(ports: list[int], folder: Path) -> Iterator[int]:
    """The balancer of the compose file, as a process, before servers on these ports; gives its own port."""
    program = shutil.which("haproxy")
    if program is None:
        pytest.skip("no haproxy on this machine")
    port = free_port()
    text = (ROOT / "deploy" / "haproxy.cfg").read_text(encoding="utf-8")
    servers = "\n".join(f"    server replica{i} 127.0.0.1:{each}" for i, each in enumerate(ports))
    text = re.sub(r"    server-template .*", servers, text).replace("bind :8000", f"bind 127.0.0.1:{port}")
    text = text[: text.index("resolvers names")]
    config = folder / "haproxy.cfg"
    config.write_text(text)
    process = subprocess.Popen([program, "-f", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 30
        while once(port, "/readyz").status != 200:
            assert time.monotonic() < until
            time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait(30)


def load(
    port: int,
    clients: int,
    until: Callable[[int], bool],
    request: Callable[[int], tuple[str, Any]],
    rate: float = math.inf,
) -> list[tuple[int, Answer]]:
    """Let so many clients ask, each one request after the other, while `until(n)` is false of the n-th request of all;
    the n-th is not sent before its time, at so many a second.

    Gives the numbers of the requests with their answers.
    """
    lock, number, start = threading.Lock(), iter(range(10**9)), time.monotonic()
    found: list[tuple[int, Answer]] = []

    def run() -> None:
        with Client(port) as client:
            while True:
                with lock:
                    n = next(number)
                if until(n):
                    return
                time.sleep(max(0.0, start + n / rate - time.monotonic()))
                answer = client.ask(*request(n))
                with lock:
                    found.append((n, answer))

    threads = [threading.Thread(target=run) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def statuses(answers: list[tuple[int, Answer]]) -> Counter[int]:
    """How often each status came."""
    return Counter(answer.status for _, answer in answers)


def quantile(values: list[float], share: float) -> float:
    """The value that this share of all lie below."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]
