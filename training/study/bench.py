"""The study: every member of the recurrent family on every task, each training once, and a report of what came out."""

import json
import platform
import time
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from inference.files import write_atomically
from training.config import read_run
from training.data import Split
from training.errors import InputError
from training.study.config import CorpusTask, DrawnTask, StudyConfig, Trial, load_study
from training.study.outcomes import Outcomes
from training.study.report import write_report
from training.study.trials import Result, run_corpus, run_drawn
from training.tasks import Held


def study(path: Path, runs: Path) -> None:
    """Train what the report has no result for yet, below `runs/`, keep each result as it comes, and write the report.

    Raises InputError as a run does, and KeyboardInterrupt when told to stop: the same command goes on.
    """
    config = load_study(path)
    report = path.parent / config.report
    report.parent.mkdir(parents=True, exist_ok=True)
    bench = Bench(config, path, runs / report.name)
    results = _read(report.with_suffix(".json"))
    digests = {trial: bench.digest(trial) for trial in config.trials()}
    due = [trial for trial in digests if trial not in _current(results, digests)]
    torch.set_num_threads(1)
    try:
        for trial in tqdm(due, initial=len(digests) - len(due), total=len(digests), unit="trial"):
            tqdm.write(f"study: {trial.key}")
            began = time.process_time()
            result = bench.run(trial, digests[trial])
            made = {"seconds": round(time.process_time() - began, 1), "machine": _machine()}
            results[trial.key] = {"digest": digests[trial], **result, **made}
            _write(report.with_suffix(".json"), results)
    finally:
        # When stopped, too: with what there is.
        if done := _current(results, digests):
            write_report(Outcomes(config, done), path.name, report)


class Bench:
    """Trains the trials of one study."""

    def __init__(self, config: StudyConfig, path: Path, runs: Path) -> None:
        self.config, self.runs = config, runs
        self._bases: dict[str, tuple[Path, dict[str, Any]]] = {}
        for name, task in config.tasks.items():
            if isinstance(task, CorpusTask):
                base = path.parent / task.base
                self._bases[name] = base, read_run(base)
                if (kind := self._bases[name][1].get("task")) != task.kind:
                    raise InputError(f"{base} is a run of {kind}, and {name} is {task.kind}: name another base")
        self._splits: dict[str, tuple[Split, list[Held]]] = {}

    def digest(self, trial: Trial) -> str:
        """See `StudyConfig.digest`."""
        _, base = self._bases.get(trial.task, (None, {}))
        return self.config.digest(trial, base)

    def run(self, trial: Trial, digest: str) -> Result:
        """Train one member and measure it, in a folder of its own, from where it was stopped."""
        task, member = self.config.tasks[trial.task], self.config.members[trial.member]
        directory = self.runs / f"{trial.key}-{digest}"
        if isinstance(task, DrawnTask):
            return run_drawn(task, trial, member, directory)
        return run_corpus(task, trial, member, directory, self._bases[trial.task], self._splits)


def _current(results: dict[str, Result], digests: dict[Trial, str]) -> dict[Trial, Result]:
    """The results that are of these trials as they are set now."""
    return {t: results[t.key] for t, digest in digests.items() if results.get(t.key, {}).get("digest") == digest}


def _machine() -> str:
    """The processor and what computes on it."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines() if Path("/proc/cpuinfo").exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{names[0] if names else platform.machine()}, one thread, torch {torch.__version__}"


def _read(path: Path) -> dict[str, Result]:
    results: dict[str, Result] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return results


def _write(path: Path, results: dict[str, Result]) -> None:
    """A result a line."""
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(result)}" for name, result in results.items())
    write_atomically(path, lambda beside: beside.write_text(f"{{\n{lines}\n}}\n", encoding="utf-8"))
