"""The stages of a run: synthesise -> subwords -> pretrain -> fit -> export -> evaluate.

Each reads the files of the last, and can run alone. Export comes before evaluation, since what is scored is what is
served: the int8 graphs, through `inference.predictors`.
"""

import dataclasses
import json
import platform
import subprocess
import time
from abc import abstractmethod
from collections.abc import Sequence
from functools import cached_property
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load, load_file, save
from torch import Tensor

from inference.checkpoint import Checkpoint, open_checkpoint, write_checkpoint
from inference.files import write_atomically
from inference.predictors import SentimentPredictor, TranslationPredictor
from inference.tokenizer import Tokenizer
from training.card import model_card
from training.config import AnyRun
from training.data import Split
from training.errors import InputError
from training.fit import FitConfig, Trainer
from training.graph_builder import Tensors
from training.material import Material, Places
from training.state import check_settings, load_progress
from training.subwords import SubwordConfig, train_subwords
from training.tasks import Held, Task


class Pipeline(Material):
    """The stages that both tasks share; a task says what differs."""

    def __init__(self, config: AnyRun, places: Places) -> None:
        super().__init__(config, places)
        self.directory = places.runs / config.name
        self.tokenizer_directory = places.tokenizers / config.name
        self.checkpoint_directory = places.checkpoints / config.name

    # What a task says.

    @abstractmethod
    def vocabularies(self) -> dict[str, tuple[SubwordConfig, int]]:
        """Tokenizer -> how it is made, and which text of a row it is made from."""

    @abstractmethod
    def task(self, tokenizers: dict[str, Tokenizer]) -> Task:
        """The task of this run with a new model."""

    @abstractmethod
    def graphs(self, task: Task, tensors: Tensors, *, int8: bool) -> dict[str, bytes]:
        """File -> ONNX graph, of the task's model with these weights."""

    @abstractmethod
    def serving(self) -> dict[str, Any]:
        """What the checkpoint's config.json tells the predictor."""

    @abstractmethod
    def predictor(self, checkpoint: Checkpoint) -> TranslationPredictor | SentimentPredictor:
        """What serves the checkpoint."""

    def calibrated(self, checkpoint: Checkpoint, dev: Sequence[Held]) -> Checkpoint:  # noqa: ARG002
        """The checkpoint with what is tuned on the dev sets after training, if anything is."""
        return checkpoint

    def plots(self, checkpoint: Checkpoint) -> dict[str, bytes]:  # noqa: ARG002
        """File -> picture of how the checkpoint does on the test sets."""
        return {}

    @abstractmethod
    def measure(self, checkpoint: Checkpoint, held: Held) -> dict[str, Any]:
        """The metrics of a checkpoint on a dev or test set, through its predictor; those of a variant stand within."""

    @cached_property
    def initial(self) -> Checkpoint | None:
        """The checkpoint that the run begins with, if any. Raises InputError when its shape is another one."""
        if not self.config.init_from:
            return None
        start = open_checkpoint(Path(self.config.init_from), self.config.task)
        if _WEIGHTS not in start.hashes:
            self.check_recoverable(start)
        mine = {**dataclasses.asdict(self.config.model), **self.serving()}
        # What a checkpoint does not say is as it was before there was a choice.
        theirs = {**dataclasses.asdict(type(self.config.model)()), **start.config["model"], **start.config}
        for free in ("dropout", "word_dropout", "wide_dropout", "decode", "window", "labels"):
            mine.pop(free, None)
        different = [f"{name} is {v}, there {theirs.get(name)}" for name, v in mine.items() if v != theirs.get(name)]
        if different:
            raise InputError(f"the run cannot start from {start.path}, of another shape: {'; '.join(different)}")
        return start

    # The stages.

    def about(self, split: Split) -> str:
        """What became of the training rows, in a line."""
        return str(split.report)

    @abstractmethod
    def synthesise(self) -> None:
        """Make the training text that the run wants made, if any."""

    def subwords(self) -> None:
        """Learn the tokenizers from the training text and write them to `tokenizers/NAME/` with how they were made.

        What was made from the same text in the same way is left as it is.
        """
        split, _ = self.splits
        print(f"data: {self.about(split)}")
        corpora = self.corpora()
        for corpus, share in zip(corpora, split.shares(len(corpora)), strict=True):
            print(f"data: {share:.1%} of an epoch's words: {corpus}")
        self.tokenizer_directory.mkdir(parents=True, exist_ok=True)
        for name, (config, side) in self.vocabularies().items():
            texts = [row[side] for row in split.rows]
            how: dict[str, Any] = {
                **dataclasses.asdict(config),
                "rows": len(texts),
                "text_sha256": sha256("\n".join(texts).encode()).hexdigest(),
                "sentencepiece": version("sentencepiece"),
            }
            if self.initial:
                how = {"init_from": self.initial.config["name"], "version": self.initial.version}
            model, record = self.tokenizer_directory / f"{name}.model", self.tokenizer_directory / f"{name}.json"
            if model.exists() and record.exists():
                # A record of how the same tokenizer was made says more than where it was taken from.
                same = self.initial and self.initial.read(model.name) == model.read_bytes()
                if same or how.items() <= json.loads(record.read_text()).items():
                    continue
            if (self.directory / "state.safetensors").exists():
                raise InputError(
                    f"the run in {self.directory} has a {name} vocabulary of other text or settings: change them back, "
                    "or remove that folder to start anew"
                )
            data = self.initial.read(f"{name}.model") if self.initial else train_subwords(config, texts)
            how["pieces"] = len(Tokenizer(data))
            _write(model, data)
            _write(record, json.dumps(how, indent=1).encode() + b"\n")
            short = not self.initial and how["pieces"] < config.vocabulary
            fewer = f" ({config.vocabulary} asked, the text has no more)" if short else ""
            print(f"subwords: {name}, {how['pieces']} pieces{fewer} -> {model}")

    def tokenizers(self) -> dict[str, Tokenizer]:
        """The run's tokenizers. Raises InputError when `subwords` has not run."""
        try:
            return {name: Tokenizer.load(self.tokenizer_directory / f"{name}.model") for name in self.vocabularies()}
        except OSError as error:
            raise InputError(f"cannot read {error.filename}: run `python -m training subwords CONFIG` first") from error

    @abstractmethod
    def pretrain(self) -> None:
        """Learn what comes before `fit`, if the run asks for it."""

    def pretrained(self) -> dict[str, Tensor]:
        """The weights that `fit` begins with, of some or all of the model's tensors; the others are random."""
        if not self.initial:
            return {}
        return load(self.initial.read(_WEIGHTS)) if _WEIGHTS in self.initial.hashes else self.recovered(self.initial)

    def check_recoverable(self, checkpoint: Checkpoint) -> None:
        """Raise InputError when the weights of a checkpoint that ships none cannot be had from what it serves with."""
        raise InputError(f"the run cannot start from {checkpoint.path}: it has no {_WEIGHTS}, only what serves")

    def recovered(self, checkpoint: Checkpoint) -> dict[str, Tensor]:
        """The weights of a checkpoint that ships none, from what it serves with."""
        raise NotImplementedError

    def fit(self) -> None:
        """Train, or go on training, in `runs/NAME/`."""
        split, dev = self.splits
        torch.manual_seed(self.config.seed)
        task = self.task(self.tokenizers())
        begin = self.pretrained()
        task.model.load_state_dict({**task.model.state_dict(), **begin})
        self.train(task, self.config.fit, self.directory, split, dev, begin)

    def train(
        self,
        task: Task,
        config: FitConfig,
        directory: Path,
        split: Split,
        dev: Sequence[Held],
        begin: dict[str, Tensor],
    ) -> None:
        """Train, or go on training, a task in a directory."""
        settings = self._settings(config, split, dev, begin)
        Trainer(task, config, directory, self.config.seed, split.rows, split.weights, dev, settings).run()

    def _settings(
        self, config: FitConfig, split: Split, dev: Sequence[Held], begin: dict[str, Tensor]
    ) -> dict[str, Any]:
        """What must be the same for a run to go on: its config, but for what changes no weight, and its data."""
        tokenizers = self.tokenizers().items()
        texts = {"train": (split.rows, split.weights.tolist()), **{held.name: held.rows for held in dev}}
        settings = dataclasses.asdict(self.config)
        for name in ("before", "card", "data", "keep", "int8", "weights", "decode", "name", "task"):
            settings.pop(name, None)
        # Where the weights begin and what is made of other text stand below, as what became of them.
        for name in ("init_from", "pretrain", "made", "taught"):
            settings.pop(name, None)
        settings["fit"] = dataclasses.asdict(config)
        # The schedule is compared rate by rate; the rest says where and how often, not what.
        for name in ("updates", "warmup", "decay", "rate", "validate_every", "save_every", "log_every", "patience"):
            del settings["fit"][name]
        for name in ("precision", "accelerator", "devices", "threads"):
            del settings["fit"][name]
        settings["begin"] = _digest(save(begin)) if begin else None
        settings["texts"] = {name: _digest(repr(rows).encode()) for name, rows in texts.items()}
        settings["tokenizers"] = {name: _digest(tokenizer.model) for name, tokenizer in tokenizers}
        return settings

    def export(self) -> None:
        """Write the best weights as a checkpoint to `checkpoints/NAME/`, and in fp32 to `runs/NAME/fp32/`.

        Raises InputError when there are none, or they were trained with other settings.
        """
        tokenizers = self.tokenizers()
        task = self.task(tokenizers)
        best, state = self.directory / "best.safetensors", self.directory / "state.safetensors"
        if not (best.exists() and state.exists()):
            raise InputError(f"there is no {best}: run `python -m training fit CONFIG` first")
        began = self.pretrained()
        check_settings(state, self._settings(self.config.fit, *self.splits, began))
        model = task.model
        weights = load_file(best)
        if self.config.keep:
            weights |= {name: torch.lerp(weights[name], t.float(), self.config.keep) for name, t in began.items()}
        model.load_state_dict(weights)
        task.eval()
        tensors = {name: t.numpy() for name, t in model.state_dict().items()}
        config = self.checkpoint_config()
        common = {f"{name}.model": t.model for name, t in tokenizers.items()}
        exact = self.graphs(task, tensors, int8=False)
        write_checkpoint(self.directory / "fp32", config, {**common, **exact})
        graphs = self.graphs(task, tensors, int8=True) if config["int8"] else exact
        files = {**common, **graphs, "MODEL_CARD.md": model_card(config, self.config.card).encode()}
        if self.config.weights:
            files[_WEIGHTS] = save({name: t.half().contiguous() for name, t in model.state_dict().items()})
        checkpoint = write_checkpoint(self.checkpoint_directory, config, files)
        print(f"export: {checkpoint.path}, version {checkpoint.version}")

    def checkpoint_config(self) -> dict[str, Any]:
        """What a checkpoint says of itself, but for its metrics."""
        report = self.splits[0].report
        packages = ("torch", "onnx", "onnxruntime", "sentencepiece", "sacrebleu")
        return {
            "task": self.config.task,
            "name": self.config.name,
            **self.serving(),
            # A rectified h has no bound, so it cannot be quantised with a constant scale.
            "int8": self.config.int8 and self.config.model.cell != "rnn_relu",
            "model": dataclasses.asdict(self.config.model),
            "training": {
                "run": dataclasses.asdict(self.config),
                "rows": {"read": report.read, "kept": report.kept, "dropped": dict(report.dropped)},
                "progress": dataclasses.asdict(load_progress(self.directory / "state.safetensors")),
                "init_from": f"{self.initial.config['name']}, version {self.initial.version}" if self.initial else None,
                "commit": commit(),
                "command": f"python -m training run {self.places.config}" if self.places.config else None,
                "python": platform.python_version(),
                **{name: version(name) for name in packages},
            },
            "metrics": {},
        }

    def evaluate(self) -> None:
        """Score the checkpoint on the test and the dev sets, beside its fp32 twin where that is; write all into it."""
        checkpoint = open_checkpoint(self.checkpoint_directory, self.config.task)
        serving = self.serving().items()
        if different := [name for name, value in serving if checkpoint.config.get(name) != _plain(value)]:
            raise InputError(f"{checkpoint.path} was exported with other {', '.join(different)}: export it again")
        dev = self.dev
        checkpoint = self.calibrated(checkpoint, dev)
        sets = (*self.held("test"), *dev)
        metrics = {held.name: {**self.measure(checkpoint, held), "rows": len(held.rows)} for held in sets}
        twin = self.directory / "fp32"
        if twin.exists():
            exact = open_checkpoint(twin, self.config.task)
            # It is to differ in its numbers alone.
            tuned = {name: checkpoint.config[name] for name in ("temperatures",) if name in checkpoint.config}
            exact = dataclasses.replace(exact, config={**exact.config, **tuned})
            for held in sets:
                metrics[held.name]["fp32"] = self.measure(exact, held)
        config = {**checkpoint.config, "metrics": metrics, "speed": self.speed(checkpoint, dev[0])}
        files = {name: checkpoint.read(name) for name in checkpoint.hashes if name != "config.json"}
        files |= {**self.plots(checkpoint), "MODEL_CARD.md": model_card(config, self.config.card).encode()}
        written = write_checkpoint(self.checkpoint_directory, config, files)
        print(json.dumps(metrics, indent=1, ensure_ascii=False))
        print(f"evaluate: {written.path}, version {written.version}")

    def speed(self, checkpoint: Checkpoint, held: Held) -> dict[str, Any]:
        """How long the predictor takes for one text after the other, on one thread."""
        predictor, texts = self.predictor(checkpoint), [text for text, _ in held.rows[:_TIMED]]
        times = []
        for text in texts:
            start = time.perf_counter()
            predictor.predict([text])
            times.append(1000 * (time.perf_counter() - start))
        words = float(np.mean([len(text.split()) for text in texts]))
        return {
            "set": held.name,
            "texts": len(texts),
            "mean_words": round(words, 1),
            "median_ms": round(float(np.median(times)), 2),
            "p95_ms": round(float(np.percentile(times, 95)), 2),
        }


_WEIGHTS = "model.safetensors"
_TIMED = 200
"""Texts whose time is taken."""


def _plain(value: Any) -> Any:
    """A value as it comes back from JSON."""
    return json.loads(json.dumps(value))


def _digest(data: bytes) -> str:
    return sha256(data).hexdigest()[:16]


def _write(path: Path, data: bytes) -> None:
    write_atomically(path, lambda beside: beside.write_bytes(data))


def commit() -> str:
    """The commit that the code is at, marked when the tree has changes; "unknown" outside a git checkout."""
    try:
        return subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=12"],
            capture_output=True,
            text=True,
            check=True,
            cwd=Path(__file__).parent,
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
