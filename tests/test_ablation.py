"""Ablations: every variant is trained once, resumed where it was, and compared with the first."""

import json
from pathlib import Path

import pytest
from conftest import ROOT, run_training

from training import ablation
from training.ablation import ablate, table
from training.config import AnyRun, merged
from training.errors import InputError

TINY = ROOT / "training" / "configs" / "tiny-translation.toml"
CONFIG = f"""
base = "{TINY}"
report = "report"
[common.fit]
updates = 4
warmup = 1
validate_every = 2
[variants.base]
[variants.small.model]
hidden = 32
"""


def test_changes_are_merged_table_by_table() -> None:
    base = {"a": {"b": 1, "c": {"d": 2}}, "e": [1, 2]}
    assert merged(base, {"a": {"c": {"d": 3}}, "e": [4], "f": 5}) == {"a": {"b": 1, "c": {"d": 3}}, "e": [4], "f": 5}
    assert base == {"a": {"b": 1, "c": {"d": 2}}, "e": [1, 2]}


def test_variants_are_trained_once_and_compared(tmp_path: Path) -> None:
    config = tmp_path / "ablations.toml"
    config.write_text(CONFIG, encoding="utf-8")
    done = run_training("ablate", config, tmp_path)
    assert done.returncode == 0, done.stderr
    results = json.loads((tmp_path / "report.json").read_text())
    assert list(results) == ["base", "small"]
    assert [v["update"] for v in results["small"]["validations"]] == [2, 4]
    assert results["small"]["parameters"] < results["base"]["parameters"]
    lines = (tmp_path / "report.md").read_text().splitlines()
    assert lines[-2].split(" | ")[-3:] == ["+0.00", f"{results['base']['validations'][-1]['dev_loss']:.3f}", "+0.000 |"]
    assert "`model.hidden = 32`" in lines[-1]
    # A third is added, and there is a setting that the report knows nothing of: the first two are not trained again.
    config.write_text(CONFIG + "[variants.gru.model]\ncell = 'gru'\n", encoding="utf-8")
    del results["small"]["run"]["keep"]
    (tmp_path / "report.json").write_text(json.dumps(results))
    again = run_training("ablate", config, tmp_path)
    assert again.stdout.count("ablation: ") == 1
    assert "ablation: gru" in again.stdout


@pytest.mark.parametrize(
    "stale",
    [
        {"run": {"label_smoothing": 0.2}},
        {"run": {"no_setting": 1}},
        {"run": False},  # None at all, as in the reports of old.
        {"sizes": {"translation.tsv": 1}},
    ],
)
def test_a_result_of_something_else_does_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stale: dict
) -> None:
    trained = []

    def train(run: AnyRun, base: Path, runs: Path) -> dict:
        trained.append(run.name)
        return {"parameters": 1, "validations": [{"update": 4, "score": 0.5, "dev_loss": 1.5}]}

    monkeypatch.setattr(ablation, "_train", train)
    config, report = tmp_path / "ablations.toml", tmp_path / "report.json"
    config.write_text(CONFIG, encoding="utf-8")
    ablate(config, tmp_path / "runs")
    assert trained == ["base", "small"]
    results = json.loads(report.read_text())
    report.write_text(json.dumps(merged(results, {"small": stale})))
    ablate(config, tmp_path / "runs")
    assert trained == ["base", "small", "small"]
    assert json.loads(report.read_text()) == results


def test_the_table_of_the_translators_ablations_is_that_of_the_logged_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command that it names writes it, and trains nothing."""
    config = Path("training/configs/ablations.toml")
    files = (config, config.with_name("translation-first.toml"), Path("docs/translator-ablations.json"))
    for file in files:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_bytes((ROOT / file).read_bytes())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(ablation, "_train", lambda run, *_: pytest.fail(f"{run.name} is not in the report"))
    ablate(config, tmp_path / "runs")
    written = Path("docs/translator-ablations.md")
    assert written.read_text(encoding="utf-8") == (ROOT / written).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("hidden = 32", "hiden = 32", r"ablations\.toml: model\.hiden: is no key of a config"),
        (
            "[variants.base]",
            "[variant.base]",
            r"ablations\.toml .*variant: the keys are base, report, variants, common, about",
        ),
        ("warmup = 1", "warmup = 1\ndevices = 2\naccumulate = 2", "set common.fit.devices = 1"),
        (CONFIG[CONFIG.index("[variants") :], "[variants]", "variants is empty: name one"),
    ],
)
def test_faults_are_named(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in CONFIG
    config = tmp_path / "ablations.toml"
    config.write_text(CONFIG.replace(old, new), encoding="utf-8")
    with pytest.raises(InputError, match=message):
        ablate(config, tmp_path / "runs")


def test_the_table_says_what_each_brings() -> None:
    def result(changes: dict, score: float) -> dict:
        record = {
            "update": 9,
            "on_x_score": score,
            "on_y_score": 2 * score,
            "score": 1.5 * score,
            "dev_loss": 5 - score,
        }
        return {"changes": changes, "parameters": 2_000_000, "validations": [record]}

    results = {"base": result({}, 1.0), "more": result({"model": {"heads": 8}, "made": []}, 2.0)}
    text = table(results, "a.toml", "b.toml", "\nOne seed.\n")
    assert text.endswith(" |\n\nOne seed.\n")
    assert "| variant | changes | weights | updates | x | y | mean |  | dev loss |  |" in text
    assert (
        "| more | `model.heads = 8`, other `made` | 2.0 M | 9 | 2.00 | 4.00 | 3.00 | +1.50 | 3.000 | -1.000 |" in text
    )
