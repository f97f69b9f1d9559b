"""A peer in a process of its own, from an environment of its own, that takes its turn when it is told to.

One line of JSON a command and one a reply (`benchmarks/peers/answering.py` is the other end). The peer reads its own
watch, so that the pipe's microseconds are nobody's.
"""

import json
import os
import subprocess
from collections.abc import Sequence
from typing import Any, Self

from benchmarks.measuring import ROOT, Run

PYTHON = ROOT / ".venv" / "peers" / "bin" / "python"
ONE_THREAD = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "MKL", "OPENBLAS")} | {"ORT_DISABLE_TELEMETRY": "1"}


class PeerError(Exception):
    """A peer that failed, in its own words."""


class Peer:
    """A process that prepares pieces of work and does one when asked to."""

    def __init__(self, command: Sequence[str]) -> None:
        """Start it. Raises PeerError when it does not begin."""
        self._process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, **ONE_THREAD},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.versions: dict[str, str] = self._reply()["versions"]

    @classmethod
    def of(cls, module: str) -> Self:
        """The peer `benchmarks/peers/MODULE.py`."""
        return cls([str(PYTHON), "-m", f"benchmarks.peers.{module}"])

    def prepare(self, **work: Any) -> Run:
        """Prepare a piece of work; what is returned does it, in the peer. Raises PeerError, as doing it does."""
        handle = self._ask({"prepare": work})["handle"]
        return lambda: float(self._ask({"run": handle})["seconds"])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> int:
        """Let the process end, as it does when nothing more can be asked; returns its exit code."""
        assert self._process.stdin and self._process.stdout
        self._process.stdin.close()
        self._process.stdout.close()
        return self._process.wait()

    def _ask(self, command: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()
        return self._reply()

    def _reply(self) -> dict[str, Any]:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise PeerError(f"{self._process.args!r} ended with code {self.close()}; its own words are above")
        reply: dict[str, Any] = json.loads(line)
        if "error" in reply:
            raise PeerError(reply["error"])
        return reply
