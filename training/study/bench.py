"""The study: every member of the recurrent family on every task, each training once, and a report of what came out."""

import json
import platform
import time
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from inference.files import write_atomically
from training.config import AnyRun, checked, read_run, run_from
from training.data import Split
from training.errors import InputError
from training.pipeline import commit
from training.sharing import claimed, locked
from training.study.config import CorpusTask, DrawnTask, StudyConfig, Trial, load_study
from training.study.outcomes import Outcomes
from training.study.report import write_report
from training.study.trials import Result, run_corpus, run_drawn
from training.tasks import Held


def study(path: Path, runs: Path) -> None:
    """Train what the report has no result for yet, below `runs/`, keep each result as it comes, and write the report.

    The same command may run several times at once: each takes trainings that no other has, and the last one to end
    reports them all. Raises InputError as a run does, and KeyboardInterrupt when told to stop: the same command goes
    on.
    """
    config = load_study(path)
    report = path.parent / config.report
    bench = Bench(config, path, runs / report.name)
    results = Results(report, {trial: bench.digest(trial) for trial in config.trials()})
    done = results.read()
    due = [trial for trial in results.digests if trial not in done]
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)  # As training has it: paces are taken without a trainer.
    try:
        for trial in tqdm(due, initial=len(done), total=len(results.digests), unit="trial"):
            directory = bench.directory(trial)
            with claimed(directory) as mine:
                if mine and trial not in results.read():
                    tqdm.write(f"study: {trial.key}")
                    results.add(trial, bench.run(trial, directory))
    finally:
        # When stopped, too: with what there is.
        with locked(report):
            if done := results.read():
                results.write(done)
                write_report(Outcomes(config, done), path.name, report)


class Results:
    """What came out of the trials of a study, in REPORT.json, to which several processes may add."""

    def __init__(self, report: Path, digests: dict[Trial, str]) -> None:
        """`digests` has every trial that there is to be."""
        self.report, self.digests = report, digests

    @property
    def path(self) -> Path:
        """The file."""
        return self.report.with_suffix(".json")

    def read(self) -> dict[Trial, Result]:
        """The results that are of these trials as they are set now."""
        found: dict[str, Result] = json.loads(self.path.read_text(encoding="utf-8")) if self.path.exists() else {}
        return {t: found[t.key] for t, digest in self.digests.items() if found.get(t.key, {}).get("digest") == digest}

    def add(self, trial: Trial, result: Result) -> None:
        """Write a result beside those that there are by now."""
        with locked(self.report):
            self.write({**self.read(), trial: {"digest": self.digests[trial], **result}})

    def write(self, results: dict[Trial, Result]) -> None:
        """Write these and no others, a result a line, in the order of the config."""
        told = [f"{json.dumps(t.key)}: {json.dumps(results[t])}" for t in self.digests if t in results]
        text = "{\n" + ",\n".join(told) + "\n}\n"
        write_atomically(self.path, lambda beside: beside.write_text(text, encoding="utf-8"))


class Bench:
    """Trains the trials of one study."""

    def __init__(self, config: StudyConfig, path: Path, runs: Path) -> None:
        self.config, self.runs = config, runs
        # What is at work is the code that there was when it began.
        self._made = {"machine": _machine(), "commit": commit()}
        self._bases: dict[str, tuple[Path, dict[str, Any], AnyRun]] = {}
        for name, task in config.tasks.items():
            if isinstance(task, CorpusTask):
                base = path.parent / task.base
                values = read_run(base)
                self._bases[name] = base, values, checked(run_from, values, base)
                if (kind := values.get("task")) != task.kind:
                    raise InputError(f"{base} is a run of {kind}, and {name} is {task.kind}: name another base")
        self._splits: dict[str, tuple[Split, list[Held]]] = {}

    def digest(self, trial: Trial) -> str:
        """See `StudyConfig.digest`."""
        _, _, base = self._bases.get(trial.task, (None, None, None))
        return self.config.digest(trial, base)

    def directory(self, trial: Trial) -> Path:
        """Where a trial is trained."""
        return self.runs / f"{trial.key}-{self.digest(trial)}"

    def run(self, trial: Trial, directory: Path) -> Result:
        """Train one member and measure it, from where it was stopped, and say how it was made."""
        clock = directory / "seconds.txt"
        before = float(clock.read_text(encoding="utf-8")) if clock.exists() else 0.0
        began = time.process_time()
        try:
            result = self._run(trial, directory)
        finally:
            # So that the time of a trial that was stopped counts as well.
            seconds = round(before + time.process_time() - began, 1)
            clock.write_text(f"{seconds}\n", encoding="utf-8")
        return {**result, "seconds": seconds, **self._made}

    def _run(self, trial: Trial, directory: Path) -> Result:
        task, member = self.config.tasks[trial.task], self.config.members[trial.member]
        if isinstance(task, DrawnTask):
            return run_drawn(task, trial, member, directory)
        path, values, _ = self._bases[trial.task]
        return run_corpus(task, trial, member, directory, (path, values), self._splits)


def _machine() -> str:
    """The processor and what computes on it."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines() if Path("/proc/cpuinfo").exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{names[0] if names else platform.machine()}, one thread, torch {torch.__version__}"
