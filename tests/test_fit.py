"""The loop: it learns, averages, refuses NaN, stops early, and resumes to the same weights after a kill."""

import dataclasses
import json
import os
import random
import signal
import subprocess
import sys
import time
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import ROOT, run_training
from safetensors.torch import load_file

from inference.decoding import DecodeConfig
from inference.tokenizer import Tokenizer
from training.errors import InputError
from training.fit import DivergedError, FitConfig, Trainer, devices_for, runs_bf16
from training.noise import Noise, NoiseConfig
from training.seq2seq import Seq2Seq, Seq2SeqConfig
from training.state import load_progress
from training.subwords import SubwordConfig, train_subwords
from training.tasks import Held, TranslationTask, summed_cross_entropy

ROWS = [("one two", "một hai"), ("two three", "hai ba"), ("three one", "ba một"), ("one", "một")] * 3
TOKENIZER = Tokenizer(train_subwords(SubwordConfig(300, "unigram"), [f"{a} {b}" for a, b in ROWS]))


def trainer(
    directory: Path, settings: dict[str, Any] | None = None, noise: NoiseConfig | None = None, **config: Any
) -> Trainer:
    torch.manual_seed(0)
    model = Seq2Seq(Seq2SeqConfig(embedding=8, hidden=8, heads=2), len(TOKENIZER), len(TOKENIZER))
    task = TranslationTask(model, TOKENIZER, TOKENIZER, 0.1, DecodeConfig(), Noise(noise or NoiseConfig(), "en", "vi"))
    values = {
        "updates": 6,
        "batch_tokens": 20,
        "warmup": 2,
        "validate_every": 3,
        "save_every": 1,
        "threads": 1,
        "accelerator": "cpu",
        "precision": "32-true",
    } | config
    return Trainer(
        task, FitConfig(**values), directory, 1, ROWS, np.ones(len(ROWS)), [Held("dev", ROWS[:4])], settings or {}
    )


def tiny(config: Path, *changes: tuple[str, str], more: str = "") -> Path:
    """The tiny translator's config, changed, on the CPU in fp32; `more` goes into its last table, [fit]."""
    text = (ROOT / "training/configs/tiny-translation.toml").read_text(encoding="utf-8")
    for old, new in (('root = "tiny"', f'root = "{ROOT}/training/configs/tiny"'), *changes):
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    config.write_text(f'{text}accelerator = "cpu"\nprecision = "32-true"\n{more}', encoding="utf-8")
    return config


def start_fit(config: Path, folder: Path) -> tuple[subprocess.Popen[str], Path]:
    """`python -m training fit` in `folder`, once it has saved a state later than any before, and that state."""
    state = folder / "runs" / "tiny-translation" / "state.safetensors"
    before = state.stat().st_mtime_ns if state.exists() else 0
    process = subprocess.Popen(
        [sys.executable, "-m", "training", "fit", str(config)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 120
    while not (state.exists() and state.stat().st_mtime_ns > before):
        assert process.poll() is None, "training ended before it saved a state"
        assert time.monotonic() < deadline, "no state was saved"
        time.sleep(0.005)
    return process, state


def weights(directory: Path) -> dict[str, torch.Tensor]:
    return load_file(directory / "state.safetensors")


def test_a_stopped_run_goes_on_to_the_same_weights(tmp_path: Path) -> None:
    trainer(tmp_path / "whole").run()
    part = trainer(tmp_path / "parts", save_every=100)
    forward = part.task.forward

    def stopped_in_the_second_update(batch: Any) -> torch.Tensor:
        if part.progress.update == 1:
            os.kill(os.getpid(), signal.SIGTERM)
        return forward(batch)

    part.task.forward = stopped_in_the_second_update  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt, match="stopped after update 2; the same command goes on from there"):
        part.run()
    trainer(tmp_path / "parts").run()
    for name in ("state.safetensors", "best.safetensors", "history.jsonl"):
        assert (tmp_path / "parts" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_a_signal_to_one_process_stops_all_after_the_same_update(tmp_path: Path) -> None:
    config = tiny(tmp_path / "run.toml", ("updates = 250", "updates = 100000"), more="accumulate = 2\ndevices = 2\n")
    assert run_training("subwords", config, tmp_path).returncode == 0
    process, state = start_fit(config, tmp_path)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    update = load_progress(state).update
    assert errors.count(f"stopped after update {update}; the same command goes on from there") == 2, errors


def test_other_learning_rates_are_refused_but_not_a_later_decay(tmp_path: Path) -> None:
    trainer(tmp_path, decay=1).run()
    with pytest.raises(InputError, match="has 6 updates with other learning rates"):
        trainer(tmp_path, updates=12, decay=8).run()
    longer = trainer(tmp_path, updates=8, decay=2)
    longer.run()
    assert longer.progress.update == 8


def test_an_update_does_not_depend_on_how_it_is_shared(tmp_path: Path) -> None:
    """Two batches an update: on one device, one after the other, or on two devices. The same weights either way."""
    changes = (("updates = 250", "updates = 4"), ("warmup = 20", "warmup = 2"), ("\ndropout = 0.0", "\ndropout = 0.2"))
    finals = []
    for devices in (1, 2):
        config = tiny(tmp_path / f"{devices}.toml", *changes, more=f"accumulate = 2\ndevices = {devices}\n")
        (tmp_path / str(devices)).mkdir()
        for stage in ("subwords", "fit"):
            done = run_training(stage, config, tmp_path / str(devices))
            assert done.returncode == 0, done.stderr
        finals.append(weights(tmp_path / str(devices) / "runs" / "tiny-translation"))
    for name, tensor in finals[0].items():
        torch.testing.assert_close(tensor, finals[1][name], atol=2e-5, rtol=1e-3, msg=name)


def test_nan_is_refused_and_the_last_state_stays(tmp_path: Path) -> None:
    run = trainer(tmp_path, decay=1)
    run.run()
    before = (tmp_path / "state.safetensors").read_bytes()
    again = trainer(tmp_path, updates=12, decay=1)
    with torch.no_grad():
        original = again.task.forward

        def broken(batch: Any) -> torch.Tensor:
            loss = original(batch)
            return loss * torch.nan if again.progress.update >= 6 else loss

        again.task.forward = broken  # type: ignore[method-assign]
    with pytest.raises(DivergedError, match=r"update 7: .*NaN.*lower `rate`") as raised:
        again.run()
    assert raised.value.record["update"] == 7
    assert (tmp_path / "state.safetensors").read_bytes() == before


def test_other_settings_are_refused(tmp_path: Path) -> None:
    trainer(tmp_path, settings={"seed": 1, "noise": {"lower": 0.1, "old": 0.0}}, updates=2).run()
    with pytest.raises(
        InputError, match=r"\(seed was 1, is 2; noise\.lower was 0\.1, is 0\.2\): change them back, or remove"
    ):
        trainer(tmp_path, settings={"seed": 2, "noise": {"lower": 0.2, "old": 0.0}}).run()
    # Options that came and went with versions, and are off.
    with pytest.raises(InputError, match=r"\(noise\.new was None, is 0\.5\)"):
        trainer(tmp_path, settings={"seed": 1, "noise": {"lower": 0.1, "new": 0.5}}).run()
    trainer(tmp_path, settings={"seed": 1, "noise": {"lower": 0.1, "new": 0.0}}, updates=3).run()


def test_patience_stops_early(tmp_path: Path) -> None:
    run = trainer(tmp_path, updates=100, validate_every=1, patience=3, rate=1e-9, save_every=100)
    run.run()
    assert run.progress.update == run.progress.best_update + 3 < 100
    assert load_progress(tmp_path / "state.safetensors") == run.progress


@pytest.mark.skipif(not runs_bf16(), reason="this CPU has no bf16")
def test_bf16_learns_the_same(tmp_path: Path) -> None:
    """To the precision of bf16, and with weights, averages and states in fp32."""
    finals = []
    for precision in ("32-true", "bf16-mixed"):
        run = trainer(tmp_path / precision, precision=precision, updates=3)
        run.run()
        finals.append(weights(tmp_path / precision))
        assert run.fabric._precision.precision == precision
    for name, tensor in finals[0].items():
        if name.startswith("model."):
            assert finals[1][name].dtype == torch.float32
            torch.testing.assert_close(finals[1][name], tensor, atol=2e-2, rtol=0.1)
    assert any(not torch.equal(tensor, finals[1][name]) for name, tensor in finals[0].items())


def test_bf16_where_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.fit.runs_bf16", lambda: False)
    with pytest.raises(InputError, match=r'precision is "bf16-mixed", .*"auto" or "32-true"'):
        trainer(tmp_path, precision="bf16-mixed")
    assert trainer(tmp_path, precision="32-true").fabric._precision.precision == "32-true"


def test_what_has_vanished_is_zero_in_training(tmp_path: Path) -> None:
    torch.set_flush_denormal(False)
    assert (torch.tensor(1e-30) * torch.tensor(1e-10)).item() > 0
    trainer(tmp_path)
    assert (torch.tensor(1e-30) * torch.tensor(1e-10)).item() == 0


def test_gpus_share_an_update_as_far_as_there_are_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    config = FitConfig(updates=1, warmup=0, accumulate=6, devices=6)
    assert devices_for(config) == 6
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    for gpus, expected in ((1, 1), (2, 2), (4, 3), (8, 6)):
        monkeypatch.setattr(torch.cuda, "device_count", lambda n=gpus: n)
        assert devices_for(config) == expected
    assert devices_for(dataclasses.replace(config, accelerator="cpu")) == 6


def test_the_average_follows_the_weights(tmp_path: Path) -> None:
    run = trainer(tmp_path, average=0.5)
    name, parameter = next(iter(run.task.model.named_parameters()))
    values = []
    for _ in range(3):
        run.update()
        values.append(parameter.detach().clone())
    # The first update copies; the decay of the next two is min(0.5, (1 + n) / (10 + n)).
    expected = values[0]
    for n, value in ((1, values[1]), (2, values[2])):
        keep = min(0.5, (1 + n) / (10 + n))
        expected = keep * expected + (1 - keep) * value
    torch.testing.assert_close(dict(run.averaged.module.named_parameters())[name].detach(), expected)


def test_history_and_curves(tmp_path: Path) -> None:
    trainer(tmp_path, log_every=2).run()
    records = [json.loads(line) for line in (tmp_path / "history.jsonl").read_text().splitlines()]
    assert [r["update"] for r in records] == [2, 3, 4, 6]
    assert {"train_loss", "rate", "gradient_norm", "epoch"} <= records[0].keys()
    assert {"on_dev_loss", "on_dev_score", "dev_loss", "score"} <= records[1].keys()
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert list((tmp_path / "tensorboard").iterdir())


def test_the_largest_norm_is_that_of_all_updates_since_the_line_before(tmp_path: Path) -> None:
    run = trainer(tmp_path, log_every=2)
    update, norms = run.update, []

    def noting() -> dict[str, float]:
        record = update()
        norms.append(record["gradient_norm"])
        return record

    run.update = noting  # type: ignore[method-assign]
    run.run()
    lines = (tmp_path / "history.jsonl").read_text().splitlines()
    found = [json.loads(line)["largest_gradient_norm"] for line in lines]
    # Lines come after updates 2, 3, 4 and 6.
    assert found == [max(norms[:2]), norms[2], norms[3], max(norms[4:])]


def test_the_learning_rate_and_clipping_are_what_the_config_says(tmp_path: Path) -> None:
    run = trainer(tmp_path, rate=0.5, warmup=5, clip=1e-3)
    record = run.update()
    assert record["rate"] == pytest.approx(0.1)
    assert record["gradient_norm"] > 1e-3


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_chunked_cross_entropy_is_the_plain_one(smoothing: float) -> None:
    torch.manual_seed(0)
    readout, weight, bias = torch.randn(1300, 8, requires_grad=True), torch.randn(11, 8), torch.randn(11)
    target = torch.randint(0, 11, (1300,))
    loss = summed_cross_entropy(readout, weight, bias, target, smoothing)
    (gradient,) = torch.autograd.grad(loss, readout)
    log_probs = (readout @ weight.T + bias).log_softmax(-1)
    picked = log_probs.gather(1, target[:, None]).sum()
    expected = -(1 - smoothing) * picked - smoothing * log_probs.mean(1).sum()
    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(gradient, torch.autograd.grad(expected, readout)[0], atol=1e-5, rtol=1e-4)


def test_kill_9_and_the_same_command_again_give_the_same_bytes(tmp_path: Path) -> None:
    """The tiny translator, killed twice at random moments, against an uninterrupted run: best and last weights."""
    config = tiny(
        tmp_path / "run.toml",
        ("updates = 250", "updates = 60"),
        ("save_every = 50", "save_every = 5"),
        ("validate_every = 125", "validate_every = 20"),
    )
    digests = {}
    for folder in ("killed", "whole"):
        (tmp_path / folder).mkdir()
        assert run_training("subwords", config, tmp_path / folder).returncode == 0
        for _ in range(2 if folder == "killed" else 0):
            process, _ = start_fit(config, tmp_path / folder)
            time.sleep(random.uniform(0, 0.15))
            process.send_signal(signal.SIGKILL)
            process.communicate()
        done = run_training("fit", config, tmp_path / folder)
        assert done.returncode == 0, done.stderr
        run = tmp_path / folder / "runs" / "tiny-translation"
        digests[folder] = {
            name: sha256((run / name).read_bytes()).hexdigest() for name in ("state.safetensors", "best.safetensors")
        }
        digests[folder]["history"] = (run / "history.jsonl").read_text()
    assert digests["killed"] == digests["whole"]
