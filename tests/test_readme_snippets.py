"""What the README shows is run: its requests, its answers, its clients, its commands."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import deepl
import pytest
from conftest import ROOT
from huggingface_hub import InferenceClient
from libretranslatepy import LibreTranslateAPI
from test_end_to_end import fetch, free_port
from test_word import RUN, word

README, RETRAINING = ((ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "docs/retraining.md"))
SHELL = [
    line
    for block in re.findall(r"```sh\n(.*?)```", README + RETRAINING, re.DOTALL)
    for line in block.splitlines()
    if line
]
REQUESTS = [line for line in SHELL if line.startswith("curl ")]
COMMANDS = [line for line in SHELL if line.startswith("hoiquy ")]
OTHERS = ("make ", ". .venv", "python -m training ", "HOIQUY_TRANSLATION=")
"""What other tests run, or what is too long to be run."""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """A server as `make serve` starts it."""
    port = free_port()
    command = [sys.executable, "-m", "inference", "serve", "--port", str(port)]
    environment = {**{k: v for k, v in os.environ.items() if not k.startswith("HOIQUY_")}, "HOIQUY_WORKERS": "1"}
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"http://localhost:{port}"
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            fetch(f"{address}/health")
            break
        except OSError:
            time.sleep(0.05)
    yield address
    process.terminate()
    process.wait(30)


def test_nothing_is_left_out() -> None:
    assert len(REQUESTS) >= 7
    assert len(COMMANDS) == 4
    rest = [line for line in SHELL if line not in REQUESTS + COMMANDS]
    assert all(line.startswith(OTHERS) for line in rest), rest


def told(value: Any) -> Any:
    """An answer with four digits of its probabilities, as the README shows it."""
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, dict):
        return {name: told(each) for name, each in value.items()}
    return [told(each) for each in value] if isinstance(value, list) else value


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl on this machine")
def test_its_requests_have_the_answers_that_it_shows(server: str) -> None:
    identity, answers = "", []
    for line in REQUESTS:
        asked = line.replace("localhost:8000", server.removeprefix("http://")).replace("/ID", f"/{identity}")
        for _ in range(600):
            done = subprocess.run(["bash", "-c", f"curl -sS {asked[5:]}"], cwd=ROOT, capture_output=True, check=True)
            if b"not done yet" not in done.stdout:
                break
            time.sleep(0.1)
        answers.append(done.stdout.decode())
        assert not answers[-1].startswith('{"error"'), line
        identity = json.loads(answers[-1])["id"] if "-F file=@" in line else identity
    assert answers[-1].startswith("# ")  # the README, translated
    assert answers[-1].count("```") == README.count("```")
    shown = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", README, re.DOTALL)]
    said = [told(json.loads(answer)) for answer in answers[:-1]]
    assert shown
    assert all(each in said for each in shown)


def test_its_clients_work(server: str, capsys: pytest.CaptureFixture[str]) -> None:
    (block,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    names = {"LibreTranslateAPI": LibreTranslateAPI, "deepl": deepl, "InferenceClient": InferenceClient}
    exec(block.replace("http://localhost:8000", server), names)  # it is our own


@pytest.mark.parametrize("line", COMMANDS)
def test_its_commands_work(line: str, tmp_path: Path) -> None:
    for name in ("english.txt", "corpus.txt"):
        (tmp_path / name).write_text("Good morning.\n\nThank you very much.\n")
    (tmp_path / "report.docx").write_bytes(word("<w:p>" + RUN.format("", "", "Good morning.") + "</w:p>"))
    (tmp_path / "checkpoints").symlink_to(ROOT / "checkpoints")
    command = line.partition("#")[0].replace("hoiquy ", f"{sys.executable} -m inference ", 1)
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    made = {path.name for path in tmp_path.iterdir()} - {"english.txt", "corpus.txt", "report.docx", "checkpoints"}
    assert "info" in line or len(made) == 1
