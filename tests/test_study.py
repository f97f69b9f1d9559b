"""The study end to end on tiny trials; its statistics by hand, and its findings on results that are made up."""

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT
from torch import nn

from training.errors import InputError
from training.study import bench as module
from training.study.bench import study
from training.study.config import StudyConfig, Trial, load_study
from training.study.findings import findings
from training.study.outcomes import Outcomes, difference, interval
from training.study.plots import pictures
from training.study.trials import largest_hidden

TINY = ROOT / "training" / "configs"
FIT = """
updates = 4
warmup = 1
batch_tokens = 20
validate_every = 2
save_every = 1
"""
CONFIG = f"""
report = "report"
[members.rnn]
cell = "rnn"
[members.lstm]
cell = "lstm"
[members.esn]
cell = "esn"
[members.reservoir]
cell = "esn"
[tasks.adding]
kind = "adding"
lengths = [6, 9]
budget = 300
seeds = [1, 2]
dev_rows = 20
members = ["rnn", "lstm"]
[tasks.adding.fit]
{FIT}
[tasks.numbers]
kind = "next_number"
lengths = [4]
budget = 300
seeds = [1, 2]
dev_rows = 20
members = ["esn"]
[tasks.numbers.fit]
{FIT}
"""
TEXTS = """
[tasks.opinions]
kind = "sentiment"
base = "sentiment.toml"
budget = 20_000
rows = 20
seeds = [1, 2]
members = ["reservoir"]
[tasks.phrases]
kind = "translation"
base = "translation.toml"
budget = 80_000
seeds = [1, 2]
members = ["rnn"]
"""


@pytest.fixture(autouse=True)
def no_curves(monkeypatch: pytest.MonkeyPatch) -> None:
    """The curves of each run are tested elsewhere, and drawing them takes longer than these runs."""
    monkeypatch.setattr("training.history.plot", lambda *_: None)


def config(folder: Path, text: str = CONFIG) -> Path:
    """The study's file, and the toys' beside it, to be trained for two updates."""
    for task in ("sentiment", "translation"):
        toy = (TINY / f"tiny-{task}.toml").read_text(encoding="utf-8").replace('root = "tiny"', f'root = "{TINY}/tiny"')
        lines = [line for line in toy.splitlines() if line.split(" ")[0] not in ("updates", "warmup", "validate_every")]
        lines.insert(lines.index("[fit]") + 1, "updates = 2\nwarmup = 1\nvalidate_every = 2")
        (folder / f"{task}.toml").write_text("\n".join(lines), encoding="utf-8")
    path = folder / "study.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_every_trial_is_trained_once_and_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = config(tmp_path, CONFIG + TEXTS)
    study(path, tmp_path / "runs")
    results = json.loads((tmp_path / "report.json").read_text())
    assert len(results) == 8 + 2 + 2 + 2
    for name, result in results.items():
        assert result["parameters"] <= {"opinions": 20_000, "phrases": 80_000}.get(name.split("-")[0], 300)
        assert result["flow"]["first"][0] > 0
        assert len(result["flow"]["distance"]) == len(result["flow"]["last"])
    reservoir = results["numbers-4-esn-1"]
    assert (reservoir["updates"], reservoir["trained"]) == (0, reservoir["hidden"] + 1)
    assert results["opinions-reservoir-1"]["trained"] == 2 * (2 * results["opinions-reservoir-1"]["hidden"] + 1)
    assert results["phrases-rnn-2"]["decode_ms"] > 0
    report = (tmp_path / "report.md").read_text()
    assert "14 trainings, all of them" in report
    assert report.count("| `lstm` |") == 1
    for line in report.splitlines():
        if line.startswith("!["):
            assert (tmp_path / line.split("(")[1][:-1]).read_bytes().startswith(b"\x89PNG")
    # Again, with one member changed: only its trials are left to train.
    capsys.readouterr()
    config(tmp_path, (CONFIG + TEXTS).replace('cell = "esn"', 'cell = "esn"\nleak = 0.5', 1))
    study(path, tmp_path / "runs")
    done = capsys.readouterr().out
    assert sorted(line[7:] for line in done.splitlines() if line.startswith("study: ")) == [
        "numbers-4-esn-1",
        "numbers-4-esn-2",
    ]


def test_a_study_that_was_stopped_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    text = CONFIG.replace("lengths = [6, 9]", "lengths = [6]")
    for folder in (whole, stopped):
        folder.mkdir()
    study(config(whole, text), whole / "runs")
    run, count = module.Bench.run, 0

    def break_off(self: module.Bench, trial: Trial, digest: str) -> dict[str, Any]:
        nonlocal count
        count += 1
        if count == 4:
            raise KeyboardInterrupt
        return run(self, trial, digest)

    monkeypatch.setattr(module.Bench, "run", break_off)
    with pytest.raises(KeyboardInterrupt):
        study(config(stopped, text), stopped / "runs")
    assert len(json.loads((stopped / "report.json").read_text())) == 3
    assert "3 trainings, of 6: **the others are not done yet**" in (stopped / "report.md").read_text()
    study(config(stopped, text), stopped / "runs")
    a, b = (json.loads((folder / "report.json").read_text()) for folder in (whole, stopped))
    for result in (*a.values(), *b.values()):
        for name in ("seconds", "tokens_per_second"):
            del result[name]
    assert a == b


def test_a_base_of_another_task_is_refused(tmp_path: Path) -> None:
    path = config(tmp_path, (CONFIG + TEXTS).replace("sentiment.toml", "translation.toml"))
    text = path.read_text()
    path.write_text(text[: text.index("[tasks.adding]")] + text[text.index("[tasks.opinions]") :])
    with pytest.raises(InputError, match="a run of translation, and opinions is sentiment: name another base"):
        study(path, tmp_path / "runs")


def test_the_largest_that_fits() -> None:
    assert largest_hidden(lambda h: nn.Linear(h, h), 110) == 10  # h * h + h
    assert largest_hidden(lambda h: nn.Linear(h, h), 109) == 9
    assert largest_hidden(lambda h: nn.Linear(h, h), 500, unit=4) == 20
    with pytest.raises(InputError, match="a budget of 1 parameters does not even hold H = 1"):
        largest_hidden(lambda h: nn.Linear(h, h), 1)


def test_intervals_by_hand() -> None:
    # 1, 2, 3: mean 2, deviation 1, t(2) = 4.303: 4.303 / sqrt(3)
    assert interval([1, 2, 3]) == (2, pytest.approx(4.303 / math.sqrt(3)))
    assert interval([4]).mean == 4
    assert math.isnan(interval([4]).half)
    # Variances 1 and 4: sqrt(1/3 + 4/3)
    gap = difference([1, 2, 3], [2, 4, 6])
    assert gap == (-2, pytest.approx(4.303 * math.sqrt(5 / 3)))
    assert gap.is_noise
    assert not difference([1, 1.1, 1.2], [9, 9.1, 9.2]).is_noise


MADE_UP = """
report = "report"
[members.rnn]
cell = "rnn"
[members.lstm]
cell = "lstm"
[members.peephole]
cell = "peephole"
[members.rnn_unclipped]
cell = "rnn"
clip = false
[tasks.adding]
kind = "adding"
lengths = [50, 200]
budget = 300
seeds = [1, 2, 3]
[tasks.adding.fit]
updates = 400
"""


def made_up(config: StudyConfig, errors: dict[str, float], left: dict[str, float]) -> Outcomes:
    """Results in which a member has an error, and as much left of its gradient."""

    def result(trial: Trial) -> dict[str, Any]:
        error = errors[trial.member] * (1 + 0.01 * trial.seed)
        flow = {"distance": [0, 199], "first": [2.0, 2.0], "last": [2.0, 2 * left[trial.member]]}
        norms = [[1, 5.0], [2, 900.0 if trial.member == "rnn_unclipped" else 7.0]]
        outcome = {"score": -error, "solved": error <= 0.01, "updates": 400, "diverged": False, "flow": flow}
        return {**outcome, "norms": norms, "parameters": 300, "trained": 300, "hidden": 5, "tokens_per_second": 9}

    return Outcomes(config, {trial: result(trial) for trial in config.trials()})


def test_findings_are_what_the_numbers_say(tmp_path: Path) -> None:
    path = tmp_path / "study.toml"
    path.write_text(MADE_UP, encoding="utf-8")
    config = load_study(path)
    failing = {"rnn": 0.16, "rnn_unclipped": 0.16}
    left = {"rnn": 1e-9, "lstm": 0.2, "peephole": 0.2, "rnn_unclipped": 1e-9}
    said = "\n".join(findings(made_up(config, {**failing, "lstm": 0.003, "peephole": 0.003}, left)))
    assert "Adding, length 200: `rnn` solves 0 of 3" in said
    assert "`lstm` 3 of 3 (0.00306 ± 7.45e-05): as theory" in said
    assert "not" not in said.split("Adding, length 200")[1].split("\n")[0]
    assert "`peephole` less `lstm`: adding +0 ± 0.00011: within noise, as Greff et al. (2017) has it." in said
    assert (
        "199 steps before the last, there is left: `rnn` 10^-9, `lstm` 0.2 of it. Less than a thousandth: `rnn`."
        in said
    )
    assert "`rnn`: largest norm 7, broken 0 of 3, solved 0 of 3; `rnn_unclipped`: largest norm 900" in said
    # The other way round, it is said as plainly.
    said = "\n".join(findings(made_up(config, {**failing, "lstm": 0.16, "peephole": 0.003}, left)))
    assert "`lstm` 0 of 3 (0.163 ± 0.00397): **not** as theory" in said
    assert "**not** as Greff et al. (2017) has it" in said


def test_a_picture_for_everything_there_is(tmp_path: Path) -> None:
    path = tmp_path / "study.toml"
    path.write_text(MADE_UP, encoding="utf-8")
    same = dict.fromkeys(("rnn", "lstm", "peephole", "rnn_unclipped"), 0.1)
    outcomes = made_up(load_study(path), same, same)
    assert set(pictures(outcomes)) == {"adding.png", "adding-flow.png", "adding-norms.png"}
    part = {trial: result for trial, result in outcomes.results.items() if trial.length == 50 and trial.member == "rnn"}
    fewer = Outcomes(replace(outcomes.config), part)
    assert set(pictures(fewer)) == {"adding-flow.png"}
