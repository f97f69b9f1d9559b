"""What a forked process does: it imports no more than that."""

import os
import runpy
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def run_here(arguments: list[str], folder: Path, outputs: list[Path]) -> None:
    """Be `python -m ARGUMENTS` in a folder, with standard output and standard error going into files."""
    for number, output in enumerate(outputs, start=1):
        with output.open("wb") as file:
            os.dup2(file.fileno(), number)
    os.chdir(folder)
    os.environ |= {"PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"}
    sys.path.insert(0, str(ROOT))
    sys.argv = arguments
    sys.modules.pop(f"{arguments[0]}.__main__", None)  # It is to be run, though it may have been imported.
    runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)
