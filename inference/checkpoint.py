"""The checkpoint: one directory of tensors, graphs, tokenizers and JSON, verified when read, written whole."""

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inference.files import force_to_disk

FORMAT = 1
CONFIG, MANIFEST = "config.json", "manifest.json"


class CheckpointError(Exception):
    """A checkpoint that cannot be used; the message names the file and the cure."""


@dataclass(frozen=True)
class Checkpoint:
    """A verified checkpoint."""

    path: Path
    config: dict[str, Any]
    hashes: dict[str, str]
    """File -> sha256 in hex."""

    @property
    def version(self) -> str:
        """Twelve hex digits that stand for every byte of the checkpoint."""
        return hashlib.sha256(json.dumps(self.hashes, sort_keys=True).encode()).hexdigest()[:12]

    def read(self, name: str) -> bytes:
        """The bytes of a file of the manifest, checked again: what is used is what was verified."""
        if name not in self.hashes:
            raise CheckpointError(f"{self.path} has no {name}; it has {', '.join(sorted(self.hashes))}")
        data = (self.path / name).read_bytes()
        if hashlib.sha256(data).hexdigest() != self.hashes[name]:
            raise CheckpointError(
                f"{self.path / name} is damaged: its sha256 is not the manifest's. Fetch or export it again"
            )
        return data


def open_checkpoint(path: Path | str, task: str = "") -> Checkpoint:
    """Read and verify the checkpoint in `path`, of `task` if one is named.

    Raises CheckpointError when a file is missing or damaged, the format is another one, or the task differs.
    """
    path = Path(path)
    try:
        manifest = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
        hashes = {str(name): str(digest) for name, digest in manifest["sha256"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(
            f"{path} is no checkpoint: cannot read {MANIFEST} ({error}); give a folder that `export` wrote, or "
            "one that came with the code"
        ) from error
    if manifest.get("format") != FORMAT:
        raise CheckpointError(
            f"{path} has format {manifest.get('format')!r}; this version reads {FORMAT}: export it again"
        )
    checkpoint = Checkpoint(path, {}, hashes)
    try:
        for name in hashes:
            data = checkpoint.read(name)
            if name == CONFIG:
                checkpoint.config.update(json.loads(data))
    except OSError as error:
        raise CheckpointError(f"{path} is not whole: {error}") from error
    if task and checkpoint.config.get("task") != task:
        raise CheckpointError(f"{path} is for {checkpoint.config.get('task')!r}, not {task!r}: check the folder's name")
    return checkpoint


def write_checkpoint(path: Path, config: Mapping[str, Any], files: Mapping[str, bytes]) -> Checkpoint:
    """Write a checkpoint beside `path`, force it to disk, then put it in place of what was there."""
    contents = {**files, CONFIG: (json.dumps(config, indent=1, ensure_ascii=False) + "\n").encode()}
    hashes = {name: hashlib.sha256(data).hexdigest() for name, data in sorted(contents.items())}
    contents[MANIFEST] = json.dumps({"format": FORMAT, "sha256": hashes}, indent=1).encode()
    partial, old = path.with_name(path.name + ".partial"), path.with_name(path.name + ".old")
    if old.exists() and not path.exists():
        old.rename(path)  # Whoever wrote last was killed between the two renames below.
    for leftover in (partial, old):
        shutil.rmtree(leftover, ignore_errors=True)
    partial.mkdir(parents=True)
    for name, data in contents.items():
        (partial / name).write_bytes(data)
        force_to_disk(partial / name)
    force_to_disk(partial)
    if path.exists():
        path.rename(old)
    partial.rename(path)
    force_to_disk(path.parent)
    shutil.rmtree(old, ignore_errors=True)
    return Checkpoint(path, dict(config), hashes)
