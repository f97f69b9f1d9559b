"""The guide holds: its code runs, its files are there, its picture is made by its command."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT

from inference.checkpoint import open_checkpoint
from inference.engine import at_once
from inference.predictors import TranslationPredictor
from training.__main__ import COMMANDS, STAGES
from training.study.attention import attended, main
from training.study.gradients import gradients

GUIDE = (ROOT / "docs" / "guide.md").read_text(encoding="utf-8")
COMMAND_LINES = re.findall(r"^    (python -m .*|.* \| python -m .*)$", GUIDE, re.MULTILINE)


def test_its_code_runs_and_says_what_it_says(capsys: pytest.CaptureFixture[str]) -> None:
    said = []
    for code in re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL):
        exec(code, {})
        said.append(capsys.readouterr().out)
    plain, gated, through_time = (re.sub("grad_fn=<.*?>", "...", text).strip() for text in said)
    assert plain == "tensor([[-0.2913,  0.2913]], ...)"
    assert gated == "tensor([[0.1246, 0.0952]], ...) tensor([[0.3016, 0.1673]], ...)"
    assert f"prints `{plain}`" in GUIDE
    assert f"prints `{gated}`" in GUIDE
    *lines, step = through_time.splitlines()
    norms = [float(line.split()[1]) for line in lines]
    assert norms[4] == pytest.approx(2**0.5)  # the loss is the sum of two units
    assert norms == sorted(norms)
    before, after = map(float, step.split(" -> "))
    assert after < before


def test_its_commands_and_files_are_there() -> None:
    assert len(COMMAND_LINES) == 6
    for line in COMMAND_LINES:
        for name in re.findall(r"(?:training|tests|checkpoints)/[\w./-]+", line):
            assert (ROOT / name).exists() or name == "checkpoints/tiny-translation", name
        stage = re.search(r"python -m training (\w+)", line)
        assert not stage or stage[1] in ("run", *STAGES, *COMMANDS)
    for link in re.findall(r"\]\((?!http)([^)]+)\)", GUIDE):
        assert (ROOT / "docs" / link).exists(), link


def test_its_picture_is_made_by_its_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command = next(line for line in COMMAND_LINES if "training.study.attention" in line)
    checkpoint, sentence = re.findall(r'attention (\S+) "(.*)"', command)[0]
    picture = tmp_path / "attention.png"
    monkeypatch.setattr("sys.argv", ["attention", str(ROOT / checkpoint), sentence, str(picture)])
    assert main() == 0
    assert capsys.readouterr().out.strip()
    assert picture.read_bytes().startswith(b"\x89PNG")
    monkeypatch.setattr("sys.argv", ["attention", str(tmp_path), sentence, str(picture)])
    assert main() == 2
    assert "is no checkpoint" in capsys.readouterr().err


def test_gradients_are_followed_through_what_it_shows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Row by row; the numbers are those of the classifier that was shipped when it was written."""
    checkpoint = next(line.split()[-1] for line in COMMAND_LINES if "training gradients" in line)
    gradients(ROOT / checkpoint, tmp_path)
    printed = capsys.readouterr().out.splitlines()[:-1]
    shown = re.search(r"^    steps back.*?\n\n", GUIDE, re.MULTILINE | re.DOTALL)
    assert shown
    rows = [line.split() for line in shown[0].splitlines() if line]
    assert rows[0] == printed[0].split()
    assert [row[0] for row in rows] == [line.split()[0] for line in printed]


def test_its_toy_answers(toys: Path) -> None:
    """Which the first of its two commands has trained, for all tests."""
    line = next(line for line in COMMAND_LINES if line.startswith("echo"))
    said, command = line.split(" | ")
    done = subprocess.run(
        [sys.executable, *shlex.split(command)[1:]],
        cwd=toys,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        input=shlex.split(said)[1],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "Chúc ngủ ngon.\n"
    assert f"`{done.stdout.strip()}`" in GUIDE


def test_words_attend_as_their_subwords_do(toys: Path) -> None:
    predictor = TranslationPredictor(open_checkpoint(toys / "checkpoints" / "tiny-translation", "translation"))
    text, source, target, weights = attended(predictor, "How old are you?")
    assert text == "Bạn bao nhiêu tuổi?"
    assert source == ["How", "old", "are", "you?", "<end>"]
    assert target == ["Bạn", "bao", "nhiêu", "tuổi?", "<end>"]
    np.testing.assert_allclose(weights.sum(axis=1), 1, rtol=1e-5)
    ids = [predictor.languages.source.encode(["How old are you?"])[0], predictor.languages.target.encode([text])[0]]
    found, _ = at_once(predictor.graph.align(*ids))
    np.testing.assert_allclose(weights[-1, -1], found[-1, -1], rtol=1e-5)  # the ends are a subword each
    with pytest.raises(ValueError, match="give a sentence with words"):
        attended(predictor, "")
