"""Ablations: variants of one run, each trained in the same way, and a table of what each of them brings on dev."""

import dataclasses
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256
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
    results = _Results(report, {name: _digest(run, data_root(run, base)) for name, run in variants.items()})
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
    """What came out of the variants, in REPORT.json, to which several processes may add."""

    def __init__(self, report: Path, digests: dict[str, str]) -> None:
        self.path, self.digests = report.with_suffix(".json"), digests

    def read(self) -> dict[str, dict[str, Any]]:
        """Those of the variants as they are set now, in the order of the config."""
        found = _read(self.path)
        return {n: found[n] for n, digest in self.digests.items() if found.get(n, {}).get("digest") == digest}

    def add(self, name: str, result: dict[str, Any], runs: Path) -> None:
        """Write a result beside those that there are by now."""
        with locked(runs):
            found = {**self.read(), name: {"digest": self.digests[name], **result}}
            ordered = {each: found[each] for each in self.digests if each in found}
            _write(self.path, json.dumps(ordered, indent=1, ensure_ascii=False) + "\n")


def _config(values: dict[str, Any]) -> AblationConfig:
    keys = [each.name for each in dataclasses.fields(AblationConfig)]
    if unknown := set(values) - set(keys):
        raise ValueError(f"{', '.join(sorted(unknown))}: the keys are {', '.join(keys)}")
    return TypeAdapter(AblationConfig).validate_json(json.dumps(values, allow_nan=False))


def _digest(run: AnyRun, root: Path) -> str:
    """What tells a result from another's: the run, and how large its files are."""
    values = dataclasses.asdict(run)
    del values["card"], values["name"]
    corpora = (*run.data.train, *(held.corpus for held in run.data.dev))
    files = [root / name for corpus in corpora for name in (*corpus.lines.values(), corpus.table) if name]
    values["sizes"] = [file.stat().st_size for file in files if file.is_file()]
    return sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]


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
