"""The study's TOML file: strict, and with a digest that tells what a result is of."""

from dataclasses import replace
from pathlib import Path

import pytest
from conftest import ROOT

from training.errors import InputError
from training.study.config import DrawnTask, StudyConfig, Trial, load_study

CONFIG = """
report = "report"
[members.rnn]
cell = "rnn"
[members.both]
cell = "lstm"
bidirectional = true
[tasks.adding]
kind = "adding"
lengths = [8, 9]
budget = 300
seeds = [1, 2]
[tasks.adding.fit]
updates = 4
warmup = 1
"""


def load(folder: Path, text: str) -> StudyConfig:
    path = folder / "study.toml"
    path.write_text(text, encoding="utf-8")
    return load_study(path)


def test_trials_are_every_task_length_seed_and_member(tmp_path: Path) -> None:
    trials = load(tmp_path, CONFIG).trials()
    assert [trial.key for trial in trials[:5]] == [
        "adding-8-rnn-1",
        "adding-8-both-1",
        "adding-8-rnn-2",
        "adding-8-both-2",
        "adding-9-rnn-1",
    ]
    assert len(trials) == 8
    only = load(tmp_path, CONFIG.replace("budget", 'members = ["rnn"]\nbudget')).trials()
    assert {trial.member for trial in only} == {"rnn"}


def test_a_digest_changes_with_what_changes_a_result_and_with_nothing_else(tmp_path: Path) -> None:
    config = load(tmp_path, CONFIG)
    trial = Trial("adding", 8, "rnn", 1)
    task = config.tasks["adding"]
    assert isinstance(task, DrawnTask)
    digest = config.digest(trial, {})

    def of(task: DrawnTask) -> str:
        return replace(config, tasks={"adding": task}).digest(trial, {})

    assert of(replace(task, seeds=(1, 2, 3), lengths=(8, 10), members=("rnn",))) == digest
    assert of(replace(task, budget=301)) != digest
    assert of(replace(task, fit=replace(task.fit, rate=0.1))) != digest
    assert config.digest(replace(trial, length=9), {}) != digest
    assert config.digest(replace(trial, seed=2), {}) != digest
    assert config.digest(replace(trial, member="both"), {}) != digest
    assert config.digest(trial, {"model": {"embedding": 3}}) != digest


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('cell = "rnn"', 'cell = "rnnn"', r"members\.rnn: cell is 'rnnn': choose one of rnn,"),
        ("bidirectional", "bidirektional", "bidirektional is no key of a study; there are cell, layers"),
        ("updates = 4", "update = 4", r"fit\.update is no key of a study; there are updates, batch_tokens"),
        ("updates = 4", "updates = 0", r"tasks\.adding: fit: updates is 0: give 1 or more"),
        ("updates = 4", 'updates = "4"', r"fit\.updates: .*integer.* \(given: '4'\)"),
        ('kind = "adding"', 'kind = "addition"', "kind is 'addition': choose one of next_number, adding, copy"),
        ('kind = "adding"', 'kind = "copy"', r"both reads both ways"),
        ('kind = "adding"', 'kind = "adding"\nmembers = ["lstm"]', "members has lstm: choose among rnn, both"),
        ("seeds = [1, 2]", "seeds = [1]", r"seeds are \(1,\): give 2 to 10"),
        ("lengths = [8, 9]", "lengths = [1]", "a length is 1: give 2 or more"),
        ("budget = 300", "budget = 0", "budget is 0: give 1 or more"),
        ("members.both", "members.Both", "called 'Both'"),
        ('report = "report"', 'reports = "report"', "report, reports: the keys are report, members, tasks"),
        ('cell = "lstm"', 'cell = "esn"\nleak = 0.0', r"radius 0\.9 must be above 0, and leak 0\.0"),
    ],
)
def test_faults_are_named(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in CONFIG
    with pytest.raises(InputError, match=message):
        load(tmp_path, CONFIG.replace(old, new))


@pytest.mark.parametrize("name", ["study.toml", "study-small.toml"])
def test_ours_are_whole(name: str) -> None:
    config = load_study(ROOT / "training" / "configs" / name)
    cells = {member.cell for member in config.members.values()}
    assert cells == {"rnn", "rnn_relu", "gru", "lstm", "lstm_f0", "peephole", "coupled", "esn"}
    assert {task.kind for task in config.tasks.values()} == {
        "next_number",
        "adding",
        "copy",
        "sentiment",
        "translation",
    }
    assert any(member.bidirectional for member in config.members.values())
    assert any(member.layers == 2 for member in config.members.values())
    assert any(not member.clip for member in config.members.values())
