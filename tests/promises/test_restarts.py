"""Replicas that are replaced under load, one after the other: nothing is lost."""

import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

from serving import Server, balancing, load, start, statuses, times


def begin(checkpoints: Path, folder: Path, port: int | None = None) -> Server:
    """A replica."""
    return start(checkpoints, folder, port=port, proxies=1)


def test_rolling_restarts_lose_nothing(checkpoints: Path, tmp_path: Path) -> None:
    """Promise 5: two replicas behind the balancer."""
    replicas = [begin(checkpoints, tmp_path) for _ in range(2)]
    answered: list[Any] = []
    done = threading.Event()
    try:
        with balancing([replica.port for replica in replicas], tmp_path) as port:

            def request(n: int) -> tuple[str, Any]:
                return "/translate", {"text": f"See https://example.org/{n} now. Good night."}

            asking = threading.Thread(target=lambda: answered.extend(load(port, 4, lambda _: done.is_set(), request)))
            asking.start()
            for number in range(times(40, 2)):
                old = replicas[number % 2]
                time.sleep(times(2, 1))
                old.process.send_signal(signal.SIGTERM)
                assert old.process.wait(60) == 0
                replicas[number % 2] = begin(checkpoints, tmp_path, old.port)
                time.sleep(1.5)  # until the balancer has seen it
            done.set()
            asking.join()
    finally:
        for replica in replicas:
            replica.process.terminate()
            replica.process.wait(60)
    assert set(statuses(answered)) == {200}
    assert len(answered) >= times(20_000, 20)
    assert all(f"https://example.org/{n}" in answer.body["translations"][0]["text"] for n, answer in answered)


def test_what_is_under_way_is_answered_before_the_end(checkpoints: Path, tmp_path: Path) -> None:
    """A long request outlives the order to stop."""
    server = begin(checkpoints, tmp_path)
    text = "Good night. I love you. " * 600
    found: list[Any] = []
    asking = threading.Thread(
        target=lambda: found.extend(load(server.port, 1, lambda n: n >= 1, lambda _: ("/translate", {"text": text})))
    )
    asking.start()
    until = time.monotonic() + 10
    while server.metric("hoiquy_jobs") == 0 and time.monotonic() < until:
        time.sleep(0.01)
    os.kill(server.process.pid, signal.SIGTERM)
    asking.join()
    assert server.process.wait(60) == 0
    ((_, answer),) = found
    assert answer.status == 200
    assert answer.body["translations"][0]["text"].count("Tôi yêu bạn.") == 600
