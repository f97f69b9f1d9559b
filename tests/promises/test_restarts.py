"""Replicas that are replaced under load, one after the other: nothing is lost."""

import os
import shutil
import signal
import socket
import tempfile
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from serving import Server, balancing, load, once, start, statuses, times

from service.access import hash_of


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


def test_sighup_takes_up_what_works_and_nothing_else(checkpoints: Path, tmp_path: Path) -> None:
    """Keys and checkpoints are read anew; what cannot be served changes nothing."""
    mine = tmp_path / "checkpoints"
    shutil.copytree(checkpoints, mine)
    keys = tmp_path / "keys.txt"
    keys.write_text(f"anna {hash_of('one')}\n")
    folders = set(Path(tempfile.gettempdir()).glob("hoiquy-*"))
    server = start(mine, tmp_path, keys=keys)

    def answer(key: str) -> int:
        headers = {"X-API-Key": key, "Content-Type": "application/json"}
        request = urllib.request.Request(
            f"http://127.0.0.1:{server.port}/translate", b'{"text": "Good night."}', headers
        )
        try:
            return int(urllib.request.urlopen(request, timeout=30).status)
        except urllib.error.HTTPError as error:
            return int(error.code)

    def reload(said: str) -> None:
        before = server.log.read_text().count(said)
        server.process.send_signal(signal.SIGHUP)
        until = time.monotonic() + 60
        while server.log.read_text().count(said) == before:
            assert time.monotonic() < until, server.log.read_text()
            assert server.process.poll() is None, server.log.read_text()
            time.sleep(0.1)

    def becomes(key: str, status: int) -> None:
        until = time.monotonic() + 60
        while answer(key) != status:
            assert time.monotonic() < until
            time.sleep(0.1)

    try:
        assert (answer("one"), answer("two")) == (200, 403)
        counted = server.metric("hoiquy_requests_total")
        keys.write_text("anna is no hash\n")
        reload("not reloaded, all stays as it was")
        assert answer("one") == 200
        keys.write_text(f"anna {hash_of('two')}\n")
        model = mine / "tiny-translation" / "step.onnx"
        whole = model.read_bytes()
        model.write_bytes(whole[:-1] + b"?")
        reload("not reloaded, all stays as it was")
        assert (answer("one"), answer("two")) == (200, 403)
        model.write_bytes(whole)
        reload("Booting worker")
        becomes("two", 200)
        becomes("one", 403)
        assert server.metric("hoiquy_requests_total") > counted
    finally:
        server.process.terminate()
        server.process.wait(60)
    assert set(Path(tempfile.gettempdir()).glob("hoiquy-*")) <= folders


def test_clients_that_fall_silent_hold_no_thread(checkpoints: Path, tmp_path: Path) -> None:
    """As many as there are threads, in the middle of a head and of a body."""
    head = b"POST /translate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    server = start(checkpoints, tmp_path, threads=4, max_requests=2)
    silent = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(4)]
    try:
        for number, connection in enumerate(silent):
            connection.sendall(head + (b'Content-Length: 1000\r\n\r\n{"' if number % 2 else b""))
        time.sleep(0.5)
        began = time.monotonic()
        assert once(server.port, "/livez").status == 200
        assert 5 < time.monotonic() - began < 20
        assert "Traceback" not in server.log.read_text()
    finally:
        for connection in silent:
            connection.close()
        server.process.terminate()
        server.process.wait(60)
