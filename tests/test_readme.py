"""What the README says is so: its settings, its configs, its scores."""

import json
import re
from pathlib import Path

import pytest
from conftest import ROOT

from service.settings import Settings
from training.config import load_config

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_table_of_settings_is_the_settings() -> None:
    rows = re.findall(r"^\| `HOIQUY_(\w+)` \| `([^`]*)` \|", README, re.MULTILINE)
    expected = {name.upper(): str(field.default) for name, field in Settings.model_fields.items()}
    assert dict(rows) == expected


@pytest.mark.parametrize("text", re.findall(r"```toml\n(.*?)```", README, re.DOTALL))
def test_configs_are_valid(tmp_path: Path, text: str) -> None:
    path = tmp_path / "run.toml"
    path.write_text(text, encoding="utf-8")
    assert load_config(path).name.startswith("my-")


def test_files_that_it_names_are_there() -> None:
    for name in re.findall(r"`((?:training|inference|tests)/[\w./-]+)`", README):
        assert (ROOT / name).exists(), name


def test_scores_are_those_of_the_checkpoints() -> None:
    expected = set()
    for path in (ROOT / "checkpoints").glob("*/config.json"):
        config = json.loads(path.read_text(encoding="utf-8"))
        for name, metrics in config["metrics"].items():
            if "fp32" not in metrics:  # a dev set is measured in both precisions, a test set as it is served
                for metric in {"bleu", "chrf", "accuracy", "macro_f1", "ece"} & metrics.keys():
                    expected.add((config["name"], name, str(metrics["rows"]), metric, str(metrics[metric])))
    quoted = re.findall(r"^\| ([\w-]+) \| (\w+) \| (\d+) \| (\w+) \| ([\d.]+) \|$", README, re.MULTILINE)
    assert set(quoted) == expected
