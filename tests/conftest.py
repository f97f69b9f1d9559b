"""The two toys, trained once a session by the same command that users run."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def run_training(stage: str, config: Path, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """`python -m training STAGE CONFIG`, with its runs, tokenizers and checkpoints below `folder`."""
    return subprocess.run(
        [sys.executable, "-m", "training", stage, str(config)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="session")
def toys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `checkpoints/tiny-translation` and `checkpoints/tiny-sentiment`, and the runs that made them."""
    folder = tmp_path_factory.mktemp("toys")
    for task in ("translation", "sentiment"):
        done = run_training("run", ROOT / f"training/configs/tiny-{task}.toml", folder)
        assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="session")
def checkpoints(toys: Path) -> Path:
    """The folder of the toys' checkpoints."""
    return toys / "checkpoints"


@pytest.fixture
def toy_copy(toys: Path, tmp_path: Path) -> Path:
    """The toys' checkpoints, to be harmed."""
    shutil.copytree(toys / "checkpoints", tmp_path / "checkpoints")
    return tmp_path / "checkpoints"
