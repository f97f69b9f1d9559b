"""`training gradients`: on a run, on a checkpoint, on a trial of a study; and what it says of other folders."""

import copy
from pathlib import Path

import pytest
import torch
from conftest import ROOT, run_training
from safetensors.torch import save_file

from inference.checkpoint import open_checkpoint, write_checkpoint
from training.errors import InputError
from training.state import Progress, save_state
from training.study.gradient_flow import flow
from training.study.gradients import gradients, table
from training.study.sequences import SEQUENCES, SequenceModel, SequenceTask


@pytest.mark.parametrize("task", ["translation", "sentiment"])
def test_a_run_and_its_checkpoint_say_the_same(
    toys: Path, tmp_path: Path, task: str, capsys: pytest.CaptureFixture[str]
) -> None:
    said = []
    for folder in ("runs", "checkpoints"):
        gradients(toys / folder / f"tiny-{task}", tmp_path)
        said.append(capsys.readouterr().out.splitlines())
        assert (tmp_path / f"tiny-{task}.png").read_bytes().startswith(b"\x89PNG")
    assert said[0][0].split() == ["steps", "back", *(str(2**n) for n in range(len(said[0][0].split()) - 2))]
    cells = [line.split()[0] for line in said[0][1:-1]]
    expected = {
        "translation": [*(f"encoder.layers.cells.{n}" for n in range(4)), "decoder.cells.0", "decoder.cells.1"],
        "sentiment": ["layers.cells.0", "layers.cells.1"],
    }
    assert cells == [f"{cell}{member}" for cell in expected[task] for member in ("", ".c")]
    for run, checkpoint in zip(said[0][1:-1], said[1][1:-1], strict=True):
        # A checkpoint's weights have half the precision.
        assert [float(n) for n in run.split()[1:]] == pytest.approx([float(n) for n in checkpoint.split()[1:]], rel=0.1)


def test_a_translator_without_weights_is_read_off_its_graphs(
    toys: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = open_checkpoint(toys / "checkpoints" / "tiny-translation", "translation")
    files = {name: whole.read(name) for name in whole.hashes if name not in ("config.json", "model.safetensors")}
    said = []
    for folder in (whole.path, write_checkpoint(tmp_path / "light", whole.config, files).path):
        gradients(folder, tmp_path / "pictures")
        said.append([line.split() for line in capsys.readouterr().out.splitlines()[1:-1]])
    for light, full in zip(*said, strict=True):
        assert light[0] == full[0]
        # What is left of a gradient one step before, with seven bits a weight.
        assert float(light[1]) == pytest.approx(float(full[1]), rel=0.3)


def test_a_classifier_without_weights_is_refused(toy_copy: Path, tmp_path: Path) -> None:
    (toy_copy / "tiny-sentiment" / "model.safetensors").unlink()
    with pytest.raises(InputError, match="holds no model that was trained here"):
        gradients(toy_copy / "tiny-sentiment", tmp_path)


def test_the_command(toys: Path, tmp_path: Path) -> None:
    done = run_training("gradients", Path("checkpoints") / "tiny-sentiment", toys)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "gradients: runs/gradients/tiny-sentiment.png"
    with pytest.raises(InputError, match="tests holds no model that was trained here"):
        gradients(ROOT / "tests", tmp_path)


def test_a_trial_of_a_study(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.manual_seed(0)
    sequences = SEQUENCES["adding"](9)
    shape = {"cell": "gru", "hidden": 4, "layers": 2, "bidirectional": True}
    task = SequenceTask(sequences, SequenceModel(sequences, **shape))
    run = tmp_path / "run"
    run.mkdir()
    save_file(task.model.state_dict(), run / "best.safetensors")
    settings = {"drawn": {"kind": "adding", "length": 9, **shape}}
    optimiser = torch.optim.SGD(task.parameters())
    save_state(run / "state.safetensors", settings, Progress(), task.model, copy.deepcopy(task.model), optimiser)
    gradients(run, tmp_path / "pictures")
    printed = capsys.readouterr().out.splitlines()
    assert printed[:-1] == table(flow(task, [task.collate([(str(n), "") for n in range(8)])]))


def test_a_run_without_a_tokenizer_is_told_to_export(toys: Path, tmp_path: Path) -> None:
    run = tmp_path / "bare"
    run.mkdir()
    for name in ("best.safetensors", "state.safetensors"):
        (run / name).write_bytes((toys / "runs" / "tiny-sentiment" / name).read_bytes())
    with pytest.raises(InputError, match="export the run first"):
        gradients(run, tmp_path)
