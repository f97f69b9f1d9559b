"""`python -m training run CONFIG`: make a checkpoint from text files, all at once or stage by stage."""

import argparse
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from safetensors import SafetensorError

from inference.checkpoint import CheckpointError
from training.ablation import ablate
from training.config import data_root, load_config
from training.errors import InputError
from training.material import Places
from training.pipelines import pipeline
from training.study.bench import study
from training.study.gradients import gradients

STAGES = ("synthesise", "subwords", "pretrain", "fit", "export", "evaluate")
COMMANDS: dict[str, Callable[[Path], None]] = {
    "ablate": lambda config: ablate(config, Path("runs") / "ablations"),
    "study": lambda config: study(config, Path("runs") / "study"),
    "gradients": lambda run: gradients(run, Path("runs") / "gradients"),
}
"""What is no stage of one run."""


def main() -> int:
    """Run the stages asked for: 2 when config or data must be mended, 1 when training broke, 130 when stopped."""
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    parser.add_argument(
        "stage",
        choices=("run", *STAGES, *COMMANDS),
        help="run: all stages, one after the other; ablate: train the variants that a config lists, and compare them; "
        "study: compare the recurrent family; gradients: how far they reach back through a run's model",
    )
    parser.add_argument(
        "config",
        type=Path,
        help="a TOML file, such as training/configs/translation.toml; for gradients, a run's folder",
    )
    arguments = parser.parse_args()
    try:
        if arguments.stage in COMMANDS:
            COMMANDS[arguments.stage](arguments.config)
            return 0
        config = load_config(arguments.config)
        stages = pipeline(config, Places(data_root(config, arguments.config), config=arguments.config))
        stages.places.check()
        wanted = STAGES if arguments.stage == "run" else (arguments.stage,)
        # The processes that share a fit are started with this same command; only the first does the rest.
        helper = int(os.environ.get("LOCAL_RANK", "0")) > 0
        if arguments.stage == "run" and not helper:
            for first in config.before:
                if code := _make(arguments.config.parent / first, stages.places):
                    return code
        for stage in ("fit",) if helper else wanted:
            getattr(stages, stage)()
        if arguments.stage == "run" and not helper:
            print(f"serve it: HOIQUY_{config.task.upper()}={stages.checkpoint_directory} make serve")
    except (InputError, CheckpointError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except (OSError, SafetensorError) as error:
        print(f"error: {error}: see that it can be written, and that the disk has room", file=sys.stderr)
        return 2
    except FloatingPointError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt as error:
        print(str(error) or "stopped; the same command goes on from there", file=sys.stderr)
        return 130
    return 0


def _make(config: Path, places: Places) -> int:
    """Run another run to its end if its checkpoint is not there, in a process of its own; returns its exit status."""
    if (places.checkpoints / load_config(config).name).exists():
        return 0
    print(f"first comes {config}", flush=True)
    return subprocess.run([sys.executable, "-m", "training", "run", str(config)], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
