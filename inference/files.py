"""Files that are whole or not there: written beside their place, forced to disk, then renamed into it."""

import os
from collections.abc import Callable
from pathlib import Path


def force_to_disk(path: Path) -> None:
    """Wait until a file, or a folder's list of names, is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` make a file beside `path`, then put it in place of what was there."""
    partial = path.with_name(path.name + ".partial")
    try:
        write(partial)
        force_to_disk(partial)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    partial.replace(path)
    force_to_disk(path.parent)
