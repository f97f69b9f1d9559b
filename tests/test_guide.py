"""The guide holds: its code runs, its files are there, its picture is made by its command."""

import re
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT

from inference.checkpoint import open_checkpoint
from inference.predictors import TranslationPredictor
from training.__main__ import COMMANDS, STAGES
from training.study.attention import attended, main

GUIDE = (ROOT / "docs" / "guide.md").read_text(encoding="utf-8")
COMMAND_LINES = re.findall(r"^    (python -m .*|.* \| python -m .*)$", GUIDE, re.MULTILINE)


def test_its_code_runs_and_says_what_it_says(capsys: pytest.CaptureFixture[str]) -> None:
    said = []
    for code in re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL):
        exec(code, {})
        said.append(capsys.readouterr().out)
    assert "-0.2913,  0.2913" in said[0]
    norms = [float(line.split()[1]) for line in said[1].splitlines()[:5]]
    assert norms[4] == pytest.approx(2**0.5)  # the loss is the sum of two units
    assert norms == sorted(norms)


def test_its_commands_and_files_are_there() -> None:
    assert len(COMMAND_LINES) == 6
    for line in COMMAND_LINES:
        for name in re.findall(r"(?:training|tests|checkpoints)/[\w./-]+", line):
            assert (ROOT / name).exists() or name == "checkpoints/tiny-translation", name
        stage = re.search(r"python -m training (\w+)", line)
        assert not stage or stage[1] in ("run", *STAGES, *COMMANDS)
    for link in re.findall(r"\]\((?!http)([^)]+)\)", GUIDE):
        assert (ROOT / "docs" / link).exists() or link == "study.md", link  # which the study writes


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


def test_words_attend_as_their_subwords_do(toys: Path) -> None:
    predictor = TranslationPredictor(open_checkpoint(toys / "checkpoints" / "tiny-translation", "translation"))
    text, source, target, weights = attended(predictor, "How old are you?")
    assert text == "Bạn bao nhiêu tuổi?"
    assert source == ["How", "old", "are", "you?", "<end>"]
    assert target == ["Bạn", "bao", "nhiêu", "tuổi?", "<end>"]
    np.testing.assert_allclose(weights.sum(axis=1), 1, rtol=1e-5)
    ids = [predictor.languages.source.encode(["How old are you?"])[0], predictor.languages.target.encode([text])[0]]
    found = predictor.graph.align(*ids)
    np.testing.assert_allclose(weights[-1, -1], found[-1, -1], rtol=1e-5)  # the ends are a subword each
    with pytest.raises(ValueError, match="give a sentence with words"):
        attended(predictor, "")
