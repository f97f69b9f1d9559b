"""The study's TOML file: strict, and with a digest that tells what a result is of."""

from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from conftest import ROOT

from training.cells import CELLS
from training.config import read_run, run_from
from training.errors import InputError
from training.study.config import DrawnTask, Member, StudyConfig, Trial, load_study

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
    digest = config.digest(trial, None)

    def of(task: DrawnTask) -> str:
        return replace(config, tasks={"adding": task}).digest(trial, None)

    assert of(replace(task, seeds=(1, 2, 3), lengths=(8, 10), members=("rnn",))) == digest
    assert of(replace(task, budget=301)) != digest
    assert of(replace(task, fit=replace(task.fit, rate=0.1))) != digest
    assert config.digest(replace(trial, length=9), None) != digest
    assert config.digest(replace(trial, seed=2), None) != digest
    assert config.digest(replace(trial, member="both"), None) != digest


def test_a_digest_knows_nothing_of_what_is_as_it_is_by_default(tmp_path: Path) -> None:
    trial = Trial("adding", 8, "rnn", 1)
    said = CONFIG.replace('cell = "rnn"', 'cell = "rnn"\nleak = 1.0\nuniform = false').replace(
        "warmup", "clip = 1.0\nwarmup"
    )
    assert load(tmp_path, said).digest(trial, None) == load(tmp_path, CONFIG).digest(trial, None)

    @dataclass(frozen=True)
    class Later(Member):
        """With a setting that this version does not know."""

        peeps: bool = False

    config = load(tmp_path, CONFIG)
    for peeps in (False, True):
        later = replace(config, members={**config.members, "rnn": Later("rnn", peeps=peeps)})
        assert (later.digest(trial, None) == config.digest(trial, None)) is not peeps


def test_a_digest_knows_the_run_but_not_its_card(tmp_path: Path) -> None:
    config, trial = load(tmp_path, CONFIG), Trial("adding", 8, "rnn", 1)
    values = read_run(ROOT / "training" / "configs" / "tiny-sentiment.toml")
    digest = config.digest(trial, run_from(values))
    same = {**values, "name": "other", "card": {"summary": "Another."}, "seed": 1}
    assert config.digest(trial, run_from(same)) == digest
    for other in ({"seed": 2}, {"model": {**values["model"], "embedding": 3}}):
        assert config.digest(trial, run_from({**values, **other})) != digest


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
        ('cell = "lstm"', 'cell = "esn"\nuniform = true', "cell esn has a radius to begin with: leave uniform out"),
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
    assert cells == set(CELLS)
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
