"""Ablations: variants of one run, each trained in the same way, and a table of what each of them brings on dev."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, TypeAdapter
from safetensors.torch import load_file

from inference.files import write_atomically
from training.config import AnyRun, checked, data_root, merged, read_run, read_toml, run_from
from training.errors import InputError
from training.material import Places
from training.pipelines import pipeline
from training.sharing import claimed, locked


@dataclass(frozen=True)
class AblationConfig:
    """A TOML file of variants."""

    __pydantic_config__ = ConfigDict(strict=True)

    base: str
    """The config of the run that is varied, seen from this one's folder."""
    report: str
    """Results go to REPORT.json, which is added to, and REPORT.md, seen from this config's folder."""
    variants: dict[str, dict[str, Any]]
    """Name -> what is other than in the base. The first is what the others are compared with."""
    common: dict[str, Any] = field(default_factory=dict)
    """What is other than in the base in all of them."""
    about: str = ""
    """What a reader of the report has to know besides, in Markdown."""


def ablate(path: Path, runs: Path) -> None:
    """Train every variant that the report does not have yet, in `runs/`, keep each result as it comes, and write the
    report.

    The same command may run several times at once: each takes variants that no other has, and the last one to end
    reports them all.

    Raises InputError as a run does, and KeyboardInterrupt when told to stop: the same command goes on.
    """
    config = checked(_config, read_toml(path), path)
    base = path.parent / config.base
    values = merged(read_run(base), config.common)
    variants = {
        name: checked(run_from, {**merged(values, changes), "name": name}, path)
        for name, changes in config.variants.items()
    }
    if not variants:
        raise InputError(f"{path}: variants is empty: name one")
    if any(run.fit.devices > 1 for run in variants.values()):
        raise InputError(f"{path}: a variant trains on more than 1 device: set common.fit.devices = 1")
    report = path.parent / config.report
    results = _Results(report, variants, base)
    try:
        for name, run in variants.items():
            with claimed(runs / name) as mine:
                if mine and name not in results.read():
                    print(f"ablation: {name}")
                    results.add(name, {"changes": config.variants[name], **_train(run, base, runs)}, runs)
    finally:
        # When stopped, too: with what there is.
        with locked(runs):
            if done := results.read():
                _write(report.with_suffix(".md"), table(done, str(path), base.name, config.about))


class _Results:
    """What came out of the variants, in REPORT.json, to which several processes may add: of each its whole run, and how
    large its files were, which tell it from the results of others.
    """

    def __init__(self, report: Path, variants: dict[str, AnyRun], base: Path) -> None:
        self.path, self.variants, self.base = report.with_suffix(".json"), variants, base

    def read(self) -> dict[str, dict[str, Any]]:
        """Those of the variants as they are set now, in the order of the config."""
        found = _read(self.path)
        return {name: found[name] for name, run in self.variants.items() if self._of(run, found.get(name))}

    def _of(self, run: AnyRun, result: dict[str, Any] | None) -> bool:
        """Whether a result is this run's, with the files as they are; of files that are not here, nobody can say."""
        if result is None:
            return False
        try:
            # A setting that is younger than the result gets its default, which is what it was trained with.
            trained = run_from({**result["run"], "card": asdict(run.card)})
        except (KeyError, ValueError):  # It tells of no run, or of settings that are no more.
            return False
        sizes = result["sizes"]
        return trained == run and all(sizes.get(name, size) == size for name, size in _sizes(run, self.base).items())

    def add(self, name: str, result: dict[str, Any], runs: Path) -> None:
        """Write a result beside those that there are by now."""
        run = self.variants[name]
        settings = {key: value for key, value in asdict(run).items() if key != "card"}
        with locked(runs):
            found = {**self.read(), name: {**result, "run": settings, "sizes": _sizes(run, self.base)}}
            ordered = {each: found[each] for each in self.variants if each in found}
            _write(self.path, json.dumps(ordered, indent=1, ensure_ascii=False) + "\n")


def _config(values: dict[str, Any]) -> AblationConfig:
    keys = [each.name for each in fields(AblationConfig)]
    if unknown := set(values) - set(keys):
        raise ValueError(f"{', '.join(sorted(unknown))}: the keys are {', '.join(keys)}")
    return TypeAdapter(AblationConfig).validate_json(json.dumps(values, allow_nan=False))


def _sizes(run: AnyRun, base: Path) -> dict[str, int]:
    """How many bytes there are in those of the run's files that are here."""
    root = data_root(run, base)
    corpora = (*run.data.train, *(held.corpus for held in run.data.dev))
    names = [name for corpus in corpora for name in (*corpus.lines.values(), corpus.table) if name]
    return {name: (root / name).stat().st_size for name in names if (root / name).is_file()}


def _train(run: AnyRun, base: Path, runs: Path) -> dict[str, Any]:
    """Train a variant; its dev scores at every validation."""
    places = Places(data_root(run, base), runs, runs / "tokenizers", runs / "checkpoints")
    stages = pipeline(run, places)
    for stage in (stages.synthesise, stages.subwords, stages.pretrain, stages.fit):
        stage()
    lines = (stages.directory / "history.jsonl").read_text(encoding="utf-8").splitlines()
    validations = [
        {name: value for name, value in record.items() if name not in _TRAINING}
        for record in map(json.loads, lines)
        if "score" in record
    ]
    weights = load_file(stages.directory / "best.safetensors")
    return {"parameters": sum(tensor.numel() for tensor in weights.values()), "validations": validations}


_TRAINING = ("epoch", "rate", "gradient_norm", "largest_gradient_norm", "train_loss")
"""What a record says that is not of a validation."""


def table(results: dict[str, dict[str, Any]], config: str, base: str, about: str = "") -> str:
    """The report in Markdown: the last validation of each variant beside the first variant's, and what it is about."""
    last = {name: result["validations"][-1] for name, result in results.items()}
    reference = next(iter(last.values()))
    sets = [name for name in reference if name.startswith("on_") and name.endswith("_score")]
    head = ["variant", "changes", "weights", "updates", *(name[3:-6] for name in sets), "mean", "", "dev loss", ""]
    rows = [
        [
            name,
            _changes(results[name]["changes"]),
            f"{results[name]['parameters'] / 1e6:.1f} M",
            str(record["update"]),
            *(f"{record[one]:.2f}" for one in sets),
            f"{record['score']:.2f}",
            f"{record['score'] - reference['score']:+.2f}",
            f"{record['dev_loss']:.3f}",
            f"{record['dev_loss'] - reference['dev_loss']:+.3f}",
        ]
        for name, record in last.items()
    ]
    lines = [_row(head), "|---" * len(head) + "|", *map(_row, rows)]
    text = f"""# What each way brings

Written by `python -m training ablate {config}`: variants of `{base}`, each at its last
validation on the dev sets (the averaged weights); the differences are to {next(iter(last))}.

{chr(10).join(lines)}
"""
    return f"{text}\n{about.strip()}\n" if about else text


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _changes(changes: dict[str, Any], prefix: str = "") -> str:
    """The changes as `table.key = value`; long ones, such as corpora, by their key alone."""
    texts = []
    for name, value in changes.items():
        if isinstance(value, dict):
            texts.append(_changes(value, f"{prefix}{name}."))
        else:
            texts.append(f"`{prefix}{name} = {value}`" if not isinstance(value, list) else f"other `{prefix}{name}`")
    return ", ".join(texts)


def _read(path: Path) -> dict[str, dict[str, Any]]:
    results: dict[str, dict[str, Any]] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return results


def _write(path: Path, text: str) -> None:
    write_atomically(path, lambda beside: beside.write_text(text, encoding="utf-8"))
