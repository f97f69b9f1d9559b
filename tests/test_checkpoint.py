"""A checkpoint is read only when every byte is the one that was written."""

import json
from pathlib import Path

import numpy as np
import pytest

from inference.checkpoint import CheckpointError, open_checkpoint, write_checkpoint

FILES = {"a.onnx": bytes(range(256)) * 4, "tokenizer.model": b"model"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    write_checkpoint(tmp_path / "c", {"task": "toy", "labels": ["á"]}, FILES)
    return tmp_path / "c"


def test_what_is_written_is_read(path: Path) -> None:
    checkpoint = open_checkpoint(str(path), "toy")
    assert checkpoint.config == {"task": "toy", "labels": ["á"]}
    assert {name: checkpoint.read(name) for name in FILES} == FILES
    assert sorted(p.name for p in path.parent.iterdir()) == ["c"]


def test_a_new_checkpoint_takes_the_place_of_the_old(path: Path) -> None:
    before = open_checkpoint(path, "toy").version
    write_checkpoint(path, {"task": "toy"}, {"b": b"1"})
    after = open_checkpoint(path, "toy")
    assert set(after.hashes) == {"b", "config.json"}
    assert after.version != before
    assert sorted(p.name for p in path.parent.iterdir()) == ["c"]


def test_a_writer_killed_between_its_renames_loses_nothing(path: Path) -> None:
    before = open_checkpoint(path, "toy").version
    path.rename(path.with_name("c.old"))  # as it is left by such a kill
    path.with_name("c.partial").mkdir()
    with pytest.raises(FileNotFoundError):
        write_checkpoint(path, {"task": "toy"}, {"no/such/folder": b"1"})
    assert open_checkpoint(path, "toy").version == before


def test_every_truncation_and_flipped_bit_is_refused(path: Path) -> None:
    rng = np.random.default_rng(0)
    names = [*FILES, "config.json", "manifest.json"]
    for trial in range(2000):
        file = path / names[trial % len(names)]
        good = file.read_bytes()
        bad = bytearray(good)
        if trial % 2:
            del bad[rng.integers(len(good)) :]
        else:
            bad[rng.integers(len(good))] ^= 1 << rng.integers(8)
        file.write_bytes(bad)
        # A flipped bit in the white space of the manifest changes nothing that counts.
        if file.name != "manifest.json" or _differs(good, bytes(bad)):
            with pytest.raises(CheckpointError, match=file.name.replace(".", r"\.") + "|manifest|format|has no"):
                open_checkpoint(path, "toy")
        file.write_bytes(good)
    open_checkpoint(path, "toy")


def _differs(good: bytes, bad: bytes) -> bool:
    try:
        return bool(json.loads(good) != json.loads(bad))
    except ValueError:
        return True


@pytest.mark.parametrize(
    ("break_it", "message"),
    [
        (lambda p: (p / "a.onnx").unlink(), "is not whole"),
        (lambda p: (p / "manifest.json").unlink(), "is no checkpoint"),
        (lambda p: (p / "manifest.json").write_text('{"format": 99, "sha256": {}}'), "has format 99"),
        (lambda p: (p / "manifest.json").write_text("[]"), "is no checkpoint"),
    ],
)
def test_faults_are_named(path: Path, break_it, message: str) -> None:
    break_it(path)
    with pytest.raises(CheckpointError, match=message):
        open_checkpoint(path, "toy")


def test_another_task_is_refused(path: Path) -> None:
    with pytest.raises(CheckpointError, match="is for 'toy', not 'translation'"):
        open_checkpoint(path, "translation")


def test_only_files_of_the_manifest_are_read(path: Path) -> None:
    (path / "extra").write_bytes(b"x")
    with pytest.raises(CheckpointError, match="has no extra"):
        open_checkpoint(path, "toy").read("extra")
    with pytest.raises(CheckpointError, match=r"has no \.\./c/a\.onnx"):
        open_checkpoint(path, "toy").read("../c/a.onnx")
