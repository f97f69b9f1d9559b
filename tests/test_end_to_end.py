"""From a trained toy to an answer over HTTP, under gunicorn; and the same from the command line."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from conftest import ROOT


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def fetch(url: str, body: bytes | None = None, kind: str = "text/plain") -> dict:
    request = urllib.request.Request(url, body, {"Content-Type": kind})
    with urllib.request.urlopen(request, timeout=30) as response:
        return dict(json.load(response))


@pytest.fixture(scope="module")
def server(toys: Path) -> Iterator[str]:
    port = free_port()
    environment = {
        **os.environ,
        "HOIQUY_PORT": str(port),
        "HOIQUY_WORKERS": "2",
        "HOIQUY_TRANSLATION": str(toys / "checkpoints" / "tiny-translation"),
        "HOIQUY_SENTIMENT": str(toys / "checkpoints" / "tiny-sentiment"),
    }
    command = [sys.executable, "-m", "gunicorn", "--config", "service/gunicorn.conf.py", "service.wsgi:app"]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True)
    url = f"http://127.0.0.1:{port}"
    for _ in range(600):
        try:
            fetch(f"{url}/health")
            break
        except OSError:
            assert process.poll() is None, process.stderr.read() if process.stderr else ""
            time.sleep(0.05)
    yield url
    process.terminate()
    assert process.wait(30) == 0
    if process.stderr:
        process.stderr.close()


def test_translate_and_sentiment_over_http(server: str) -> None:
    assert fetch(f"{server}/translate", b"I love you.")["translations"][0]["text"] == "Tôi yêu bạn."
    assert fetch(f"{server}/sentiment", b"The best coffee in town!")["results"][0]["label"] == "positive"


def test_every_answer_belongs_to_its_request(server: str) -> None:
    rows = (ROOT / "training/configs/tiny/translation.tsv").read_text(encoding="utf-8").splitlines()[1:]
    pairs = [tuple(row.split("\t")) for row in rows] * 6

    def ask(pair: tuple[str, ...]) -> bool:
        return bool(fetch(f"{server}/translate", pair[0].encode())["translations"][0]["text"] == pair[1])

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(ask, pairs))


def test_a_port_that_is_taken_and_a_store_that_is_not_there_are_told_at_once(server: str) -> None:
    port = server.rpartition(":")[2]
    command = [sys.executable, "-m", "gunicorn", "--config", "service/gunicorn.conf.py", "service.wsgi:app"]
    environment = {**os.environ, "HOIQUY_PORT": port, "HOIQUY_STORE": "redis://127.0.0.1:1/0"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    wanted = (
        f"error: cannot listen on 127.0.0.1:{port}: Address already in use; choose another port: make serve PORT=9000"
    )
    assert done.stderr.splitlines()[-1] == wanted
    # That there is no Redis is told too, but stops nothing.
    assert "warning: HOIQUY_STORE does not answer" in done.stderr


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        (
            "HOST",
            "999.1.1.1",
            "error: HOIQUY_HOST=999.1.1.1: Name or service not known; give an address of this machine",
        ),
        ("PORT", "0", "error: HOIQUY_PORT='0'"),
        ("KEYS", "/nowhere", "error: HOIQUY_KEYS=/nowhere: "),
    ],
)
def test_a_server_that_cannot_start_says_why_and_leaves_nothing(
    tmp_path: Path, setting: str, value: str, message: str
) -> None:
    command = [sys.executable, "-m", "gunicorn", "--config", "service/gunicorn.conf.py", "service.wsgi:app"]
    environment = {**os.environ, f"HOIQUY_{setting}": value, "TMPDIR": str(tmp_path)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(message)
    assert not list(tmp_path.iterdir())


def test_nobody_is_told_of_what_is_done_here(tmp_path: Path, toys: Path) -> None:
    """ONNX Runtime would keep a record of machine, models and runs in the home directory, and send it to its maker."""
    code = (
        "import os, sys; from pathlib import Path; from inference.predictors import SentimentPredictor as P; "
        "P.load(Path(sys.argv[1])).predict(['Good.']); "
        "print([os.readlink(f'/proc/self/fd/{n}') for n in range(3, 64) if os.path.exists(f'/proc/self/fd/{n}')])"
    )
    home = tmp_path / "home"
    home.mkdir()
    inherited = {
        name: value for name, value in os.environ.items() if name not in ("ORT_DISABLE_TELEMETRY", "XDG_CACHE_HOME")
    }
    done = subprocess.run(
        [sys.executable, "-c", code, str(toys / "checkpoints" / "tiny-sentiment")],
        env={**inherited, "HOME": str(home), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert not list(home.iterdir())
    assert ".db" not in done.stdout


def test_the_command_line_gives_the_servers_answers(toys: Path) -> None:
    for task, name, expected in (
        ("translate", "tiny-translation", "Chúc ngủ ngon.\n\nTôi yêu bạn.\n"),
        ("sentiment", "tiny-sentiment", None),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "inference", task, "--checkpoint", str(toys / "checkpoints" / name)],
            input="Good night.\n\nI love you.\n",
            capture_output=True,
            text=True,
            cwd=ROOT,
            check=True,
        )
        assert expected is None or done.stdout == expected
        assert len(done.stdout.splitlines()) == 3


def test_the_command_line_names_a_missing_checkpoint() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "inference", "translate", "--checkpoint", "nowhere"],
        input="x\n",
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("error: nowhere is no checkpoint")
