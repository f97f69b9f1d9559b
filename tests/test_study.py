"""The study end to end on tiny trials; its statistics by hand, and its findings on results that are made up."""

import json
import math
import re
import shutil
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import ROOT
from torch import nn

from training.errors import InputError
from training.sharing import claimed
from training.study.bench import Bench, study
from training.study.config import DrawnTask, StudyConfig, Trial, load_study
from training.study.findings import findings
from training.study.outcomes import Outcomes, difference, interval
from training.study.plots import pictures
from training.study.report import table
from training.study.sequences import SEQUENCES, SequenceModel, SequenceTask
from training.study.trials import largest_hidden, run_drawn, settle

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


NUMBERS = CONFIG[: CONFIG.index("[tasks.adding]")] + CONFIG[CONFIG.index("[tasks.numbers]") :]
"""Nothing to train."""


def config(folder: Path, text: str = CONFIG) -> Path:
    """The study's file, and the toys' beside it, to be trained for two updates; `cut.toml` cuts its dev set."""
    for task in ("sentiment", "translation"):
        toy = (TINY / f"tiny-{task}.toml").read_text(encoding="utf-8").replace('root = "tiny"', f'root = "{TINY}/tiny"')
        lines = [line for line in toy.splitlines() if line.split(" ")[0] not in ("updates", "warmup", "validate_every")]
        lines.insert(lines.index("[fit]") + 1, "updates = 2\nwarmup = 1\nvalidate_every = 2")
        (folder / f"{task}.toml").write_text("\n".join(lines), encoding="utf-8")
        if task == "sentiment":
            lines[next(i for i, line in enumerate(lines) if line.startswith("dev = "))] = "dev_rows = 8"
            (folder / "cut.toml").write_text("\n".join(lines), encoding="utf-8")
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
        assert ("memory" in result) == ("-lstm-" in name)
        assert {"seconds", "machine", "commit"} <= result.keys()
    reservoir = results["numbers-4-esn-1"]
    assert (reservoir["updates"], reservoir["trained"]) == (0, reservoir["hidden"] + 1)
    assert results["opinions-reservoir-1"]["trained"] == 2 * (2 * results["opinions-reservoir-1"]["hidden"] + 1)
    assert results["phrases-rnn-2"]["decode_ms"] > 0
    report = (tmp_path / "report.md").read_text()
    assert "14 trainings, all of them" in report
    assert f"commit {results['phrases-rnn-2']['commit']})" in report
    assert report.count("Served is what is exported") == 2
    assert "| `lstm` |  | Long short-term memory (Hochreiter and Schmidhuber 1997) with the forget gate" in report
    assert "| `reservoir` | radius 0.9, leak 1 | A reservoir: drawn once and never trained" in report
    assert "### What they remember" in report
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
    """In the second seed of a run whose dev set is cut from its rows; with its runs, and without them."""
    opinions = TEXTS[: TEXTS.index("[tasks.phrases]")]
    text = NUMBERS + opinions.replace("sentiment.toml", "cut.toml").replace("reservoir", "rnn")
    found = []
    for folder in (tmp_path / name for name in ("whole", "stopped", "lost")):
        folder.mkdir()
        path = config(folder, text)
        if folder.name != "whole":
            with monkeypatch.context() as patch:
                patch.setattr(Bench, "run", stopping_at("opinions-rnn-2"))
                with pytest.raises(KeyboardInterrupt):
                    study(path, folder / "runs")
            assert len(json.loads((folder / "report.json").read_text())) == 3
            assert "3 trainings, of 4: **the others are not done yet**" in (folder / "report.md").read_text()
        if folder.name == "lost":
            shutil.rmtree(folder / "runs")
        study(path, folder / "runs")
        found.append(json.loads((folder / "report.json").read_text()))
        for result in found[-1].values():
            for name in ("seconds", "tokens_per_second", "decode_ms"):
                result.pop(name, None)
    assert found[0] == found[1] == found[2]


def stopping_at(key: str) -> Any:
    """A `Bench.run` that is stopped in a trial."""
    run = Bench.run

    def stopped(self: Bench, trial: Trial, directory: Path) -> dict[str, Any]:
        if trial.key == key:
            raise KeyboardInterrupt
        return run(self, trial, directory)

    return stopped


def test_a_study_that_is_started_twice_shares_its_trials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, run, trained = config(tmp_path, NUMBERS), Bench.run, []

    def run_beside_another(self: Bench, trial: Trial, directory: Path) -> dict[str, Any]:
        trained.append(trial.key)
        if trial.seed == 1:
            study(path, tmp_path / "runs")  # As another process would, in the midst of this trial.
            assert "1 trainings, of 2" in (tmp_path / "report.md").read_text()
        return run(self, trial, directory)

    monkeypatch.setattr(Bench, "run", run_beside_another)
    study(path, tmp_path / "runs")
    assert trained == ["numbers-4-esn-1", "numbers-4-esn-2"]
    assert list(json.loads((tmp_path / "report.json").read_text())) == trained
    assert "2 trainings, all of them" in (tmp_path / "report.md").read_text()
    # What the config has no more, the results and the report have no more.
    config(tmp_path, NUMBERS.replace("seeds = [1, 2]", "seeds = [2, 3]"))
    study(path, tmp_path / "runs")
    assert list(json.loads((tmp_path / "report.json").read_text())) == ["numbers-4-esn-2", "numbers-4-esn-3"]


def test_a_folder_is_claimed_once(tmp_path: Path) -> None:
    with claimed(tmp_path / "trial") as first, claimed(tmp_path / "trial") as second:
        assert (first, second) == (True, False)
    with claimed(tmp_path / "trial") as again:
        assert again


def test_the_time_of_a_trial_that_was_stopped_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(load_study(config(tmp_path, NUMBERS)), tmp_path / "study.toml", tmp_path / "runs")
    monkeypatch.setattr("training.study.bench.time.process_time", iter([0.0, 70.0, 0.0, 5.0]).__next__)
    outcomes: list[Any] = [KeyboardInterrupt(), {"score": 1.0}]

    def run(*_: object) -> dict[str, Any]:
        outcome = outcomes.pop(0)
        if isinstance(outcome, KeyboardInterrupt):
            raise outcome
        return dict(outcome)

    monkeypatch.setattr(Bench, "_run", run)
    trial = Trial("numbers", 4, "esn", 1)
    with pytest.raises(KeyboardInterrupt):
        bench.run(trial, tmp_path)
    assert bench.run(trial, tmp_path)["seconds"] == 75


def test_what_broke_a_trial_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study_config = load_study(config(tmp_path))
    task = study_config.tasks["adding"]
    assert isinstance(task, DrawnTask)
    forward, updates = SequenceTask.forward, 0

    def explode(self: SequenceTask, batch: Any) -> torch.Tensor:
        nonlocal updates
        updates += self.training
        return forward(self, batch) * (1e25 if updates == 3 and self.training else 1)

    monkeypatch.setattr(SequenceTask, "forward", explode)
    trial = Trial("adding", 6, "rnn", 1)
    result = run_drawn(task, trial, study_config.members["rnn"], tmp_path / "run")
    assert result["updates"] == 3
    assert result["diverged"]["norm"] == "inf"
    assert float(result["diverged"]["loss"]) > 1e20
    assert [update for update, _ in result["norms"]] == [2]


def test_a_uniform_member_begins_as_torch_does() -> None:
    members = load_study(ROOT / "training" / "configs" / "study.toml").members
    torch.manual_seed(0)
    model = SequenceModel(SEQUENCES["adding"](5), "rnn", 25)
    settle(model, members["rnn_uniform"])
    weight = model.layers.cells[0].weight_hh
    assert 0.19 < weight.abs().max() <= 0.2
    assert abs(weight.mean()) < 0.02


def test_ours_in_small(tmp_path: Path) -> None:
    """study-small.toml itself, cut to two updates and to a member or two a task."""
    text = (ROOT / "training/configs/study-small.toml").read_text(encoding="utf-8")
    members = iter(
        [["lstm_both", "esn"], ["rnn_uniform", "lstm_two", "irnn_unclipped"], ["gru"], ["irnn"], ["coupled"]]
    )
    text = re.sub(r"^members = .*$", lambda _: f"members = {json.dumps(next(members))}", text, flags=re.MULTILINE)
    for name, value in {"updates": 2, "warmup": 1, "validate_every": 2, "save_every": 2}.items():
        text = re.sub(rf"^{name} = .*$", f"{name} = {value}", text, flags=re.MULTILINE)
    for task in ("sentiment", "translation"):
        text = text.replace(f"tiny-{task}.toml", f"{task}.toml")
    path = config(tmp_path, text.replace("../../runs/study-small/report", "report"))
    study(path, tmp_path / "runs")
    results = json.loads((tmp_path / "report.json").read_text())
    assert len(results) == len(load_study(path).trials()) == 2 * (2 + 3 * 2 + 1 + 1 + 1)
    report = (tmp_path / "report.md").read_text()
    assert all(f"## {task}" in report for task in ("numbers", "adding", "copying", "opinions", "phrases"))


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
[members.irnn]
cell = "rnn_relu"
[members.lstm]
cell = "lstm"
[members.peephole]
cell = "peephole"
[members.rnn_uniform]
cell = "rnn"
uniform = true
[members.rnn_unclipped]
cell = "rnn"
clip = false
[tasks.adding]
kind = "adding"
lengths = [50, 200, 400]
budget = 300
seeds = [1, 2, 3]
[tasks.adding.fit]
updates = 400
[tasks.reviews]
kind = "sentiment"
base = "sentiment.toml"
budget = 300
seeds = [1, 2, 3]
members = ["rnn", "lstm", "peephole"]
"""
FAILING = dict.fromkeys(("rnn", "irnn", "rnn_uniform", "rnn_unclipped"), 0.16)
LEFT = {"rnn": 1e-9, "irnn": 0.5, "lstm": 1e-4, "peephole": 0.2, "rnn_uniform": 1e-29, "rnn_unclipped": 1e-9}


def made_up(config: StudyConfig, errors: dict[str, float], left: dict[str, float], right: dict[str, float]) -> Outcomes:
    """Results in which a member has an error, and as much left of its gradient after training, a hundredth before, and
    a thousand times as much along a memory; and so many texts right.
    """

    def result(trial: Trial) -> dict[str, Any]:
        if trial.task == "reviews":
            score = right[trial.member] + 0.1 * trial.seed
            return {"score": score, "updates": 400, "hidden": 5, "diverged": None, "trained": 1, "norms": []}
        error, share = errors[trial.member] * (1 + 0.01 * trial.seed), left[trial.member]
        flow = {"distance": [0, 199], "first": [2.0, share / 50], "last": [2.0, 2 * share]}
        memory = {"distance": [0, 199], "first": [1.0, share], "last": [1.0, 1000 * share]}
        outcome = {"score": -error, "solved": error <= 0.01, "updates": 400, "diverged": None, "flow": flow}
        if trial.member in ("lstm", "peephole"):
            outcome["memory"] = memory
        if trial.member == "rnn_unclipped" and trial.seed == 1:
            outcome |= {"diverged": {"loss": "1e+30", "norm": "inf"}, "updates": 17}
        norms = [[1, 5.0], [2, 900.0 if trial.member == "rnn_unclipped" else 7.0]]
        return {**outcome, "norms": norms, "parameters": 300, "trained": 300, "hidden": 5, "tokens_per_second": 9}

    return Outcomes(config, {trial: result(trial) for trial in config.trials()})


def test_findings_are_what_the_numbers_say(tmp_path: Path) -> None:
    path = tmp_path / "study.toml"
    path.write_text(MADE_UP, encoding="utf-8")
    config = load_study(path)
    right = {"rnn": 70.0, "lstm": 85.0, "peephole": 85.1}
    solving = {**FAILING, "lstm": 0.003, "peephole": 0.003, "irnn": 0.003}
    headings = findings(made_up(config, solving, LEFT, right))
    assert list(headings) == [
        "What they remember",
        "What is left of a gradient",
        "Texts, and the variants of the LSTM",
    ]
    said = [*chain(*headings.values())]
    text = "\n".join(said)
    firm = next(line for line in said if line.startswith("Adding (`adding`, length 200, rate 0.001): "))
    assert "`rnn` solves 0 of 3" in firm
    assert "`rnn` solves 0 of 3 (mean squared error 0.163 ± 0.00397; always 1: 0.167)" in firm
    assert "`lstm` solves 3 of 3 after 400 ± 0 updates; as theory" in firm
    assert "`irnn`, begun as the identity, as Le et al. (2015) has it." in firm
    assert "not" not in firm
    # Theory is firm at 200, and has a say there alone.
    assert not any("theory" in line for line in said if line.startswith("Adding") and "length 200" not in line)
    assert (
        "`peephole` less `lstm`: reviews +0.1 ± 0.35: within noise, as Greff et al. (2017) has it; with 3 seeds" in text
    )
    assert "Adding (`adding`, length 400, rate 0.001), of which Greff et al. say nothing: `peephole` solves 3" in text
    assert "Ranks, reviews (dev accuracy, %): `peephole` 85.3 ± 0.248, `lstm` 85.2 ± 0.248, `rnn` 70.2" in text
    assert "Within noise of the first: `lstm`." in text
    assert (
        "after training: 199 steps before the last, there is left: `rnn_uniform` 1·10^-29, `rnn` 1·10^-9, "
        "`irnn` 0.5, `lstm` 1·10^-4 (along c 0.1) of it. Less than a thousandth: `rnn_uniform`, `rnn`." in text
    )
    assert "`rnn`'s gradient 1·10^-9 is left, of `lstm`'s 1·10^-4 (along c 0.1): as theory" in text
    assert "orthogonal" not in text
    assert "praised" not in text
    assert (
        "with it (`rnn`) and without (`rnn_unclipped`): length 50: solved 0 of 3, largest norm 7, against solved 0 of "
        "3, broke 1 of 3 (at update 17), largest norm 900; length 200: " in text
    )
    # The other way round, it is said as plainly.
    failing = {**FAILING, "lstm": 0.16, "peephole": 0.003}
    text = "\n".join(
        chain(*findings(made_up(config, failing, {**LEFT, "rnn": 0.5}, {**right, "peephole": 89.0})).values())
    )
    assert "`lstm` solves 0 of 3 (mean squared error 0.163 ± 0.00397; always 1: 0.167); **not** as theory" in text
    assert "begun as the identity, **not** as Le et al. (2015) has it" in text
    assert "**not** as Greff et al. (2017) has it" in text
    assert "`lstm`'s 1·10^-4 (along c 0.1): **not** as theory" in text
    assert "keeps as much as `lstm` or more: its U is orthogonal" in text
    assert "Begun as textbooks do, `rnn_uniform` has 1·10^-30 or less left." in text
    text = "\n".join(chain(*findings(made_up(config, solving, LEFT, {**right, "rnn": 87.0})).values()))
    assert (
        "**Not** what gates are praised for, reviews: `rnn` is 2 ± 0.351 ahead of `lstm`; gated, and not to be told "
        "apart from `rnn`: none. What is behind it was not tried. It may be that 400 updates are few, that `rnn` has 5"
    ) in text


def test_what_broke_before_it_had_learnt_has_no_score(tmp_path: Path) -> None:
    path = tmp_path / "study.toml"
    path.write_text(MADE_UP, encoding="utf-8")
    same = dict.fromkeys(LEFT, 0.1)
    outcomes = made_up(load_study(path), same, same, same)
    for trial, result in outcomes.results.items():
        if trial.member == "irnn" and trial.length == 200:
            result.update({"diverged": {"loss": "nan", "norm": "nan"}, "updates": trial.seed})
    assert outcomes.quality("adding", 200, "irnn") == []
    assert not len(outcomes.flow("adding", 200, "irnn", "last")[0])
    assert len(outcomes.flow("adding", 200, "irnn", "first")[0])
    text = "\n".join(chain(*findings(outcomes).values()))
    assert "`irnn` solves 0 of 3 (broke 3 times, at update 1, 2, 3)" in text
    assert "**not** as Le et al. (2015) has it, who solve it with such a network: here it broke each time" in text
    row = next(line for line in table(outcomes, "adding").splitlines() if line.startswith("| `irnn` |"))
    assert "| –; 0 of 3; –; 3 broke |" in row


def test_a_picture_for_everything_there_is(tmp_path: Path) -> None:
    path = tmp_path / "study.toml"
    path.write_text(MADE_UP, encoding="utf-8")
    same = dict.fromkeys(LEFT, 0.1)
    outcomes = made_up(load_study(path), same, same, same)
    drawn = pictures(outcomes)
    assert set(drawn) == {"adding.png", "adding-flow.png", "adding-gates.png", "adding-norms.png", "reviews.png"}
    assert len(drawn["adding-flow.png"].axes) == 4
    for axes in drawn["adding-gates.png"].axes:
        assert set(axes.get_legend_handles_labels()[1]) == {"rnn", "irnn", "lstm", "peephole"}
    part = {trial: result for trial, result in outcomes.results.items() if trial.length == 50 and trial.member == "rnn"}
    drawn = pictures(Outcomes(replace(outcomes.config), part))
    assert set(drawn) == {"adding-flow.png"}
    assert len(drawn["adding-flow.png"].axes) == 2


def test_a_picture_of_flow_cuts_no_line_off(tmp_path: Path) -> None:
    path = tmp_path / "study.toml"
    path.write_text(MADE_UP, encoding="utf-8")
    same = dict.fromkeys(LEFT, 0.1)
    through, *_ = pictures(made_up(load_study(path), same, LEFT, same))["adding-flow.png"].axes
    lowest = min(float(line.get_ydata()[-1]) for line in through.lines)
    assert lowest == pytest.approx(1e-30, rel=1e-6, abs=0)
    assert through.get_ylim()[0] < lowest
