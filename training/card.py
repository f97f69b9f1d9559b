"""The model card: what a checkpoint is, what it was made of and how well it does, written from its own config."""

from collections.abc import Iterator
from typing import Any

from training.config import CardConfig


def model_card(config: dict[str, Any], card: CardConfig) -> str:
    """The text of MODEL_CARD.md for a checkpoint's config.json and the words of its run's config."""
    training = config["training"]
    run, progress, rows = training["run"], training["progress"], training["rows"]
    fit, items = run["fit"], "target tokens" if config["task"] == "translation" else "texts"
    model = ", ".join(f"{name} {value}" for name, value in config["model"].items())
    start = f"Started from {training['init_from']}. " if training["init_from"] else ""
    if run.get("keep"):
        start += f"Of the weights it started from, a share of {run['keep']} is kept, averaged with those of the fit. "
    if run.get("pretrain"):
        updates = run["pretrain"]["fit"]["updates"]
        start += f"Embedding and first layer were pretrained as a language model, in {updates} updates. "
    weights = "7-bit integers a channel, activations 8 bits (int8 graphs)" if config["int8"] else "fp32"
    half = " `model.safetensors` holds them in fp16." if run.get("weights", True) else ""
    return f"""# {config["name"]}

{card.summary}

Task: {config["task"]}. Model: {model}. Weights in the served graphs: {weights}.{half}

## Scores

{_scores(config["metrics"])}

Scored by `python -m training evaluate` through the predictor that serves, with its default settings where no
variant is named.{_speed(config.get("speed"))}{_calibration(config)}

## Data

{card.data}

{rows["kept"]:,} of {rows["read"]:,} training rows were kept{_dropped(rows["dropped"])}.{_cut(run["data"]["dev_rows"])}

## Terms of use of the data

{card.terms}

## Limits

{card.limits}

## Recipe

{start}{progress["update"]} updates, the best at {progress["best_update"]} (averaged weights); {progress["items"]:,}
{items} seen; rate {fit["rate"]}, warm-up {fit["warmup"]}, {fit["batch_tokens"]} tokens a batch, batches an update:
{fit["accumulate"]}; label smoothing {run["label_smoothing"]}, seed {run["seed"]}.
Commit {training["commit"]}; torch {training["torch"]}, onnxruntime {training["onnxruntime"]}, Python
{training["python"]}. `config.json` beside this card has the whole recipe.{_command(training.get("command"))}
"""


def _command(command: str | None) -> str:
    return f" Made by `{command}`." if command else ""


def _dropped(reasons: dict[str, int]) -> str:
    return f" (dropped: {', '.join(f'{count:,} {reason}' for reason, count in reasons.items())})" if reasons else ""


def _cut(dev_rows: int) -> str:
    return f" {dev_rows:,} of them are the dev set." if dev_rows else ""


def _scores(metrics: dict[str, dict[str, Any]]) -> str:
    if not metrics:
        return "Not scored yet."
    first = next(iter(metrics.values()))
    names = [
        n for n, v in first.items() if n != "rows" and not isinstance(v, dict) and not n.endswith(("_signature", "_pm"))
    ]
    lines = [f"| set | rows | {' | '.join(names)} |", "|---" * (len(names) + 2) + "|"]
    for name, values in metrics.items():
        for label, variant in _variants(name, values):
            figures = [
                f"{variant[n]} ± {variant[n + '_pm']}" if n + "_pm" in variant else str(variant[n]) for n in names
            ]
            lines.append(f"| {label} | {values['rows']} | {' | '.join(figures)} |")
    signatures = {v for values in metrics.values() for n, v in values.items() if n.endswith("_signature")}
    return "\n".join(lines + [""] + [f"Signature: `{signature}`" for signature in sorted(signatures)])


def _variants(label: str, values: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """A set's values, and those of the variants within: decoded by a beam, by the fp32 graphs."""
    yield label, values
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _variants(f"{label}, {name}", value)


def _calibration(config: dict[str, Any]) -> str:
    if not config.get("temperatures"):
        return ""
    heats = ", ".join(f"{language} {heat}" for language, heat in config["temperatures"].items())
    told = (
        f"\n\nIts log-probabilities are divided by a temperature for each language, fitted on the dev sets: {heats}. "
        "Figures after ± are half of the 95 % interval (bootstrap)."
    )
    # The plot is of the test sets.
    if not config["training"]["run"]["data"]["test"]:
        return told
    return f"{told} How often it is right when it is how sure:\n\n![calibration](calibration.png)"


def _speed(speed: dict[str, Any] | None) -> str:
    if speed is None:
        return ""
    return (
        f"\n\nOne text of {speed['set']} after the other ({speed['texts']} of them, {speed['mean_words']} words on "
        f"average), one thread, on the machine that scored it: {speed['median_ms']} ms in the median, "
        f"{speed['p95_ms']} ms at the 95th percentile."
    )
