"""What the pipelines of the two tasks say: parallel text to a translator, labelled text to a classifier."""

import dataclasses
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, cast

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor

from inference.checkpoint import CONFIG, Checkpoint, write_checkpoint
from inference.decoding import is_odd
from inference.predictors import SentimentPredictor, TranslationPredictor
from inference.text import classifier_form, normalise
from inference.tokenizer import Tokenizer
from training.calibration import reliability_plot, temperatures
from training.classifier import SentimentClassifier
from training.config import AnyRun, SentimentRun, TranslationRun
from training.corpora import Corpus
from training.data import Split, clean, key, pair_fault, text_fault
from training.errors import InputError
from training.graph_builder import Tensors
from training.graphs import classifier_graph, encoder_graph, step_graph
from training.language_model import LanguageModel, pieces
from training.material import Places
from training.metrics import among, judged, sentiment_metrics, translation_metrics
from training.noise import Noise
from training.pipeline import Pipeline
from training.recovery import check_readable, recovered
from training.seq2seq import Seq2Seq
from training.subwords import SubwordConfig
from training.synthesis import Synthesis
from training.tasks import Held, PretrainTask, SentimentTask, Task, TranslationTask
from training.teaching import Teaching, distribution


class TranslationPipeline(Pipeline):
    """Parallel text to a translator."""

    fields = ("source", "target")
    config: TranslationRun

    def tidy(self, first: str, second: str) -> tuple[str, str]:
        return normalise(first), normalise(second)

    def fault(self, first: str, second: str) -> str | None:
        config = self.config
        return pair_fault(first, second, config.data.clean, config.source_language, config.target_language)

    def check(self, row: tuple[str, str], where: str) -> None:
        """Every pair of texts can be a translation."""

    def vocabularies(self) -> dict[str, tuple[SubwordConfig, int]]:
        return {"source": (self.config.source_subwords, 0), "target": (self.config.target_subwords, 1)}

    def task(self, tokenizers: dict[str, Tokenizer]) -> TranslationTask:
        source, target = tokenizers["source"], tokenizers["target"]
        config = self.config
        model = Seq2Seq(config.model, len(source), len(target))
        noise = Noise(config.noise, config.source_language, config.target_language)
        return TranslationTask(model, source, target, config.label_smoothing, config.decode, noise)

    def graphs(self, task: Task, tensors: Tensors, *, int8: bool) -> dict[str, bytes]:
        values, readout = cast(TranslationTask, task).ranges(
            [row for held in self.splits[1] for row in held.rows][:1000]
        )
        config = self.config.model
        return {
            "encoder.onnx": encoder_graph(config, tensors, values, int8=int8),
            "step.onnx": step_graph(config, tensors, values, readout, int8=int8),
        }

    def corpora(self) -> Sequence[Corpus]:
        return (*super().corpora(), *(synthesis.pairs() for synthesis in self._syntheses()))

    def _syntheses(self) -> Iterator[Synthesis]:
        config = self.config
        sides = {"source": config.source_language, "target": config.target_language}
        for number, made in enumerate(config.made):
            languages = sides[made.gives], sides[made.makes]
            yield Synthesis(made, languages, self.directory / "made" / str(number), self.places.data)

    def synthesise(self) -> None:
        """Let translators make the other sides of the corpora of one language, in `runs/NAME/made/`."""
        for synthesis in self._syntheses():
            synthesis.run(self.config.fit.devices)

    def pretrain(self) -> None:
        """A translator begins with `fit`."""

    def check_recoverable(self, checkpoint: Checkpoint) -> None:
        check_readable(checkpoint, self.config.model)

    def recovered(self, checkpoint: Checkpoint) -> dict[str, Tensor]:
        return recovered(checkpoint, self.config.model)

    def serving(self) -> dict[str, Any]:
        return {
            "source_language": self.config.source_language,
            "target_language": self.config.target_language,
            "decode": dataclasses.asdict(self.config.decode),
        }

    def predictor(self, checkpoint: Checkpoint) -> TranslationPredictor:
        return TranslationPredictor(checkpoint)

    def measure(self, checkpoint: Checkpoint, held: Held) -> dict[str, Any]:
        asked = {name: self._measure(checkpoint, held, size) for name, size in self._beams().items()}
        return {**self._measure(checkpoint, held), **asked}

    def _beams(self) -> dict[str, int]:
        """What a caller may ask for instead of what is served."""
        return {name: size for name, size in _BEAMS.items() if size != self.config.decode.beam_size}

    def _measure(self, checkpoint: Checkpoint, held: Held, beam_size: int | None = None) -> dict[str, Any]:
        sources, references = zip(*held.rows, strict=True)
        outputs = self.predictor(checkpoint).predict(sources, beam_size)
        return {
            **translation_metrics([output.text for output in outputs], references, self.config.target_language),
            "odd": sum(is_odd(source, output.text) for source, output in zip(sources, outputs, strict=True)),
            "truncated": sum(output.truncated for output in outputs),
        }


class SentimentPipeline(Pipeline):
    """Labelled text to a classifier."""

    fields = ("text", "label")
    config: SentimentRun

    def __init__(self, config: SentimentRun, places: Places) -> None:
        super().__init__(config, places)
        self._predicted: dict[tuple[str, str], list[dict[str, float]]] = {}

    def tidy(self, first: str, second: str) -> tuple[str, str]:
        return classifier_form(first, lowercase=self.config.lowercase, spaced=self.config.spaced), second

    def fault(self, first: str, second: str) -> str | None:  # noqa: ARG002
        return text_fault(first, self.config.data.clean)

    def check(self, row: tuple[str, str], where: str) -> None:
        if distribution(row[1], self.config.labels) is None:
            raise InputError(
                f"{where}: label {row[1]!r} is none of {', '.join(self.config.labels)}; "
                "set `labels` of the run, or of the corpus"
            )

    def check_held(self, row: tuple[str, str], where: str) -> None:
        self.check(row, where)
        if row[1] not in self.config.labels:
            raise InputError(f"{where}: the label {row[1]!r} is a soft one, by which nothing is measured: give a class")

    def check_split(self, split: Split) -> None:
        counts = self._counts([label for _, label in split.rows])
        if missing := [label for label, count in counts.items() if not count]:
            message = f"no training row is {' or '.join(map(repr, missing))}"
            if not self.config.init_from:
                raise InputError(f"{message}: give such rows, or leave it out of `labels`")
            print(f"note: {message}, which the model will unlearn")

    def check_cut(self, cut: Held, rows: Sequence[tuple[str, str]]) -> None:
        for row in cut.rows:
            self.check_held(row, "dev_rows")
        there, counts = (self._counts([label for _, label in each]) for each in (cut.rows, rows))
        if missing := [label for label in counts if counts[label] and not there[label]]:
            message = f"none of the {len(cut.rows)} dev_rows is {' or '.join(map(repr, missing))}"
            raise InputError(f"{message}, so nothing would be known of it: give more, or name a dev set")

    def about(self, split: Split) -> str:
        counts = self._counts([label for _, label in split.rows])
        return f"{split.report} ({', '.join(f'{count} {label}' for label, count in counts.items())})"

    def _counts(self, labels: Sequence[str]) -> dict[str, int]:
        """How many rows have each class as their likeliest."""
        counts = dict.fromkeys(self.config.labels, 0)
        for label, count in Counter(labels).items():
            shares = distribution(label, self.config.labels) or [0.0]
            counts[self.config.labels[int(np.argmax(shares))]] += count
        return counts

    def vocabularies(self) -> dict[str, tuple[SubwordConfig, int]]:
        return {"tokenizer": (self.config.subwords, 0)}

    def task(self, tokenizers: dict[str, Tokenizer]) -> SentimentTask:
        tokenizer = tokenizers["tokenizer"]
        model = SentimentClassifier(self.config.model, len(tokenizer), len(self.config.labels))
        smoothing, window, noise = self.config.label_smoothing, self.config.window, self.config.noise
        return SentimentTask(model, tokenizer, self.config.labels, smoothing, window, noise)

    def graphs(self, task: Task, tensors: Tensors, *, int8: bool) -> dict[str, bytes]:  # noqa: ARG002
        return {"classifier.onnx": classifier_graph(self.config.model, tensors, int8=int8)}

    def corpora(self) -> Sequence[Corpus]:
        return (*super().corpora(), *(teaching.rows() for teaching in self._teachings()))

    def _teachings(self) -> Iterator[Teaching]:
        translated = any(taught.translator for taught in self.config.taught)
        held_out = self.held_out(self.held("dev")) if translated else set()
        for number, taught in enumerate(self.config.taught):
            directory = self.directory / "taught" / str(number)
            yield Teaching(
                taught,
                self.config.labels,
                directory,
                self.places.data,
                lambda text: key(self.tidy(text, "")[0]) in held_out,
            )

    def synthesise(self) -> None:
        """Let classifiers label texts, in `runs/NAME/taught/`."""
        for teaching in self._teachings():
            teaching.run(self.config.fit.devices)

    def pretrain(self) -> None:
        """Teach the embedding and the first layer to predict neighbouring subwords, in `runs/NAME/pretrain/`."""
        config = self.config.pretrain
        if config is None:
            return
        _, dev = self.splits
        split = clean(
            config.train,
            self.fields,
            self.places.data,
            self.tidy,
            self.fault,
            lambda *_: None,
            self.held_out(dev),
            optional=("label", "origin"),
        )
        print(f"pretraining data: {split.report}")
        cut = [pieces(text, config.words) for text, _ in split.rows]
        split = split.part(np.repeat(np.arange(len(cut)), [len(row) for row in cut]))
        split = dataclasses.replace(split, rows=[(piece, "") for row in cut for piece in row])
        torch.manual_seed(self.config.seed)
        tokenizer = self.tokenizers()["tokenizer"]
        # Layers above the first would have seen what they are to predict: they begin with `fit`.
        shape = dataclasses.replace(self.config.model, layers=1, dropout=config.dropout, word_dropout=0.0, wide=0)
        classifier = SentimentClassifier(shape, len(tokenizer), len(self.config.labels))
        task = PretrainTask(LanguageModel(classifier, config.candidates), tokenizer, self.config.window)
        sample = [Held(held.name, held.rows[:_PRETRAIN_DEV]) for held in dev]
        self.train(task, config.fit, self.directory / "pretrain", split, sample, {})

    def pretrained(self) -> dict[str, Tensor]:
        if self.config.pretrain is None:
            tensors = super().pretrained()
            if self.initial and tuple(self.initial.config["labels"]) != self.config.labels:
                # Other classes: what tells them apart is learnt anew, on top of what reads.
                tensors = {name: t for name, t in tensors.items() if not name.startswith(("output.", "wide."))}
            return tensors
        best = self.directory / "pretrain" / "best.safetensors"
        if not best.exists():
            raise InputError(f"there is no {best}: run `python -m training pretrain CONFIG` first")
        tensors = load_file(best)
        return {name: tensor for name, tensor in tensors.items() if name.startswith(("embedding.", "layers."))}

    def serving(self) -> dict[str, Any]:
        return {
            "labels": list(self.config.labels),
            "window": self.config.window,
            "lowercase": self.config.lowercase,
            "spaced": self.config.spaced,
        }

    def predictor(self, checkpoint: Checkpoint) -> SentimentPredictor:
        return SentimentPredictor(checkpoint)

    def calibrated(self, checkpoint: Checkpoint, dev: Sequence[Held]) -> Checkpoint:
        """With a temperature for each language."""
        predictor = self.predictor(checkpoint)
        predictor.temperatures = {}
        log_probs, truth, languages = [], [], []
        for held in dev:
            labels = [label for _, label in held.rows]
            there = np.isin(self.config.labels, labels)
            for result, label in zip(predictor.predict([text for text, _ in held.rows]), labels, strict=True):
                log_probs.append(np.where(there, np.log(np.maximum(list(result.scores.values()), 1e-30)), -np.inf))
                truth.append(self.config.labels.index(label))
                languages.append(result.language)
        config = {
            **checkpoint.config,
            "temperatures": temperatures(np.stack(log_probs), np.array(truth), languages),
        }
        files = {name: checkpoint.read(name) for name in checkpoint.hashes if name != CONFIG}
        return write_checkpoint(checkpoint.path, config, files)

    def plots(self, checkpoint: Checkpoint) -> dict[str, bytes]:
        sets = {}
        for held in self.held("test"):
            scores, labels = self._scores(checkpoint, held)
            _, confidence, right = judged(among(scores, labels), labels)
            sets[held.name] = (confidence, right)
        return {"calibration.png": reliability_plot(sets)} if sets else {}

    def measure(self, checkpoint: Checkpoint, held: Held) -> dict[str, Any]:
        return sentiment_metrics(*self._scores(checkpoint, held))

    def _scores(self, checkpoint: Checkpoint, held: Held) -> tuple[list[dict[str, float]], list[str]]:
        """Each text's probabilities, kept for who asks again, and its label."""
        kept = self._predicted.setdefault((checkpoint.version, held.name), [])
        if not kept:
            kept += [result.scores for result in self.predictor(checkpoint).predict([text for text, _ in held.rows])]
        return kept, [label for _, label in held.rows]


_BEAMS = {"greedy": 1, "beam 5": 5}
"""Scored beside what is served: what a caller gains or loses who asks for it."""
_PRETRAIN_DEV = 200
"""Dev texts that measure the perplexity: every position of them is a choice among the whole vocabulary."""

PIPELINES: dict[str, type[Pipeline]] = {"translation": TranslationPipeline, "sentiment": SentimentPipeline}


def pipeline(config: AnyRun, places: Places) -> Pipeline:
    """The pipeline of a run's task."""
    return PIPELINES[config.task](config, places)
