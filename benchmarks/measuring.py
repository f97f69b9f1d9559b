"""What all benchmarks share: contenders take turns, ratios come with their quartiles, records say how they were made.

On a shared machine seconds move by tens of percent from minute to minute. So contenders are timed in turn, round by
round, and what counts is the ratio within a round. Each computes on one thread, and its seconds are those that the
processor worked for it: on a quiet machine they are the wall's, on a busy one they leave out the others' turns.
"""

import argparse
import json
import os
import platform
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"

Run = Callable[[], float]
"""Does a piece of work and returns the seconds that it took."""


def timed(work: Callable[[], object]) -> Run:
    """The same work with a watch."""

    def run() -> float:
        start = time.process_time()
        work()
        return time.process_time() - start

    return run


def in_turn(runs: Mapping[str, Run], rounds: int, budget: float = 20) -> dict[str, list[float]]:
    """The seconds of every contender in each round; a round before them warms up and does not count.

    After three rounds no more are begun when `budget` seconds are over.
    """
    times: dict[str, list[float]] = {name: [] for name in runs}
    until = time.monotonic() + budget
    for turn in range(rounds + 1):
        if turn > 3 and time.monotonic() > until:
            break
        for name, run in runs.items():
            seconds = run()
            if turn:
                times[name].append(seconds)
    return times


def quartiles(values: Iterable[float], digits: int = 2) -> list[float]:
    """The first quartile, the median and the third one."""
    return [round(float(q), digits) for q in np.quantile(list(values), (0.25, 0.5, 0.75))]


def ratios(values: Sequence[float], ours: Sequence[float]) -> list[float]:
    """How many times ours another contender's figures are, round by round: their quartiles."""
    return quartiles(value / mine for value, mine in zip(values, ours, strict=True))


def compare(times: Mapping[str, Sequence[float]], unit: str, scale: float, **case: Any) -> list[dict[str, Any]]:
    """A result for each contender, the first of which is ours: seconds times `scale`, and the ratio to ours. Printed.

    `case` says what was measured; it stands in every result.
    """
    ours = next(iter(times.values()))
    results = []
    for name, values in times.items():
        low, middle, high = ratios(values, ours)
        figure = round(scale * float(np.median(values)), 4)
        results.append({"contender": name, **case, unit: figure, "times_ours": middle, "quartiles": [low, high]})
        told = "".join(f"{key} {value}, " for key, value in case.items())
        print(f"{told}{name:36} {figure:10.3f} {unit}, {middle:7.2f} ({low} to {high}) times ours", flush=True)
    return results


def pin(core: int) -> None:
    """Compute on one core; a process that is started from here does too."""
    os.sched_setaffinity(0, {core})


def cores() -> tuple[int, int]:
    """The core to measure on, and another one, where there is one, for what makes the load."""
    allowed = sorted(os.sched_getaffinity(0))
    return allowed[-1], allowed[0]


def machine() -> str:
    """The processor and how many cores of it there are."""
    names = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    name = names[0].split(":", 1)[1].strip() if names else platform.machine()
    vnni = "avx512_vnni" in Path("/proc/cpuinfo").read_text()
    return f"{name}, {os.cpu_count()} cores, {'with' if vnni else 'without'} AVX-512 VNNI"


def commit() -> str:
    """The commit that is measured, with a plus where files differ from it that are not results; empty outside a
    checkout.
    """

    def told(*command: str) -> str:
        return subprocess.run(["git", *command], cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()

    differs = told("status", "--porcelain", "--", ".", ":!benchmarks/results", ":!README.md")
    return told("rev-parse", "--short", "HEAD") + ("+" if differs else "")


def options(doc: str | None, rounds: int) -> argparse.ArgumentParser:
    """The command line of a benchmark that says `doc` of itself."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=rounds)
    parser.add_argument("--out", type=Path, default=RESULTS)
    return parser


def begin(command: str, packages: Sequence[str]) -> dict[str, Any]:
    """What a record says before its results: how, where and with what they were made.

    `load` is the load average before: what else the machine was doing.
    """
    return {
        "command": command,
        "commit": commit(),
        "machine": machine(),
        "load": round(os.getloadavg()[0], 1),
        "versions": {name: version(name) for name in packages},
    }


def write(record: Mapping[str, Any], path: Path) -> None:
    """Write a record as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
