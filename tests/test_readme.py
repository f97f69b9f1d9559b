"""What the README says is so: its settings, its configs, its scores."""

import re
from pathlib import Path

import pytest
from conftest import ROOT, run_training

from benchmarks.report import report
from benchmarks.scores import put, scores
from inference.checkpoint import open_checkpoint
from service.settings import Settings
from training.config import load_config

README, RETRAINING = ((ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "docs/retraining.md"))


def test_the_table_of_settings_is_the_settings() -> None:
    rows = re.findall(r"^\| `HOIQUY_(\w+)` \| (?:`([^`]*)` )?\|", README, re.MULTILINE)
    defaults = {name.upper(): field.default for name, field in Settings.model_fields.items()}
    expected = {name: "" if default is None else str(default) for name, default in defaults.items()}
    assert dict(rows) == expected


@pytest.mark.parametrize("text", re.findall(r"```toml\n(.*?)```", RETRAINING, re.DOTALL))
def test_its_configs_train_on_the_files_that_they_name(tmp_path: Path, text: str) -> None:
    """As they stand, but smaller: pairs of text files, and a TSV with other columns and labels than ours."""
    pairs = [f"{a} {b} {c}" for a in range(10) for b in range(10) for c in ("red", "green", "blue", "white")]
    reviews = [f"{grade}\tIt was {grade} for {a}." for grade in ("bad", "fair", "good") for a in range(100)]
    for name, first, rows in (
        ("train.en", "", pairs),
        ("train.vi", "", pairs),
        ("reviews.tsv", "grade\treview\n", reviews),
    ):
        # The first row twice, to be dropped and counted.
        (tmp_path / name).write_text(first + "\n".join([rows[0], *rows]) + "\n", encoding="utf-8")
    small = {"vocabulary": 300, "hidden": 16, "embedding": 16, "updates": 4, "warmup": 2, "dev_rows": 20}
    if "init_from" in text:
        text = text.replace('= "checkpoints/', f'= "{ROOT}/checkpoints/')
        del small["hidden"], small["embedding"]
    for name, value in small.items():
        text = re.sub(rf"^{name} = \d+", f"{name} = {value}", text, flags=re.MULTILINE)
    path = tmp_path / "run.toml"
    path.write_text(text, encoding="utf-8")
    done = run_training("run", path, tmp_path)
    assert done.returncode == 0, done.stderr
    config = load_config(path)
    assert config.name.startswith("my-")
    checkpoint = open_checkpoint(tmp_path / "checkpoints" / config.name, config.task)
    assert checkpoint.config["metrics"]["dev"]["rows"] == 20
    assert checkpoint.config["training"]["rows"]["dropped"] == {"duplicate": 1, "cut off as dev rows": 20}
    assert "dropped: 1 duplicate" in checkpoint.read("MODEL_CARD.md").decode()


def test_what_it_says_of_made_text_makes_text(tmp_path: Path) -> None:
    """The sources of three lines, by the shipped translator back, for the README's own translator."""
    config, *_ = re.findall(r"```toml\n(.*?)```", RETRAINING, re.DOTALL)
    (made,) = re.findall(r"```\n(\[\[made\]\].*?)```", RETRAINING, re.DOTALL)
    (tmp_path / "more.vi").write_text("Tôi sống ở Hà Nội.\nCảm ơn bạn.\nHôm nay trời mưa.\n", encoding="utf-8")
    (tmp_path / "run.toml").write_text(
        config + made.replace('"checkpoints/', f'"{ROOT}/checkpoints/'), encoding="utf-8"
    )
    done = run_training("synthesise", tmp_path / "run.toml", tmp_path)
    assert done.returncode == 0, done.stderr
    sources = (tmp_path / "runs" / "my-translator" / "made" / "0" / "source.txt").read_text(encoding="utf-8")
    assert sources.splitlines()[:2] == ["I live in Hanoi.", "Thank you."]


def test_files_that_it_names_are_there() -> None:
    for name in re.findall(r"`((?:training|inference|tests|benchmarks|docs)/[\w./-]+)`", README + RETRAINING):
        assert (ROOT / name).exists(), name


def test_scores_are_those_of_the_checkpoints() -> None:
    tables = list(scores())
    assert len(tables) == 2
    for table in tables:
        assert f"\n{table}\n" in README, "python -m benchmarks.scores"
    assert put(README, tables[0]) == README


def test_speeds_are_those_that_were_measured() -> None:
    for name, part in report().items():
        assert part in README, f"{name}: python -m benchmarks.report"
