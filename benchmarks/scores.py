"""`python -m benchmarks.scores`: what the shipped checkpoints score on their test sets, put into the README."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.measuring import ROOT
from inference.checkpoint import open_checkpoint

SHIPPED = ("translation-en-vi", "translation-vi-en", "sentiment-en-vi")
_COLUMNS = {
    "translation": (("translator", "test set", "sentences", "BLEU", "chrF"), ("rows", "bleu", "chrf")),
    "sentiment": (
        ("classifier", "test set", "texts", "accuracy", "macro-F1", "ECE"),
        ("rows", "accuracy", "macro_f1", "ece"),
    ),
}
"""Of each task: a table's headings, and the metrics below all but the first two."""


def scores(folder: Path = ROOT / "checkpoints", names: Sequence[str] = SHIPPED) -> Iterator[str]:
    """A table of each task in Markdown. Dev sets are left out."""
    for task, (headings, metrics) in _COLUMNS.items():
        rows = [headings, ("---",) * len(headings)]
        for name in names:
            config = open_checkpoint(folder / name).config
            if config["task"] == task:
                tests = [held["name"] for held in config["training"]["run"]["data"]["test"]]
                rows += [(name, held, *(str(config["metrics"][held][m]) for m in metrics)) for held in tests]
        yield "\n".join(f"| {' | '.join(row)} |" for row in rows)


def put(readme: str, table: str) -> str:
    """The README with a table in place of the one with the same headings. Raises ValueError when it has none."""
    first = table.split("\n", 1)[0]
    old = re.compile(rf"^{re.escape(first)}\n(?:\|[^\n]*\n)+", re.MULTILINE)
    if not old.search(readme):
        raise ValueError(f"the README has no table that begins with {first}")
    return old.sub(lambda _: f"{table}\n", readme)


def main() -> None:
    """Write the README."""
    path = ROOT / "README.md"
    readme = path.read_text(encoding="utf-8")
    for table in scores():
        print(table, end="\n\n")
        readme = put(readme, table)
    path.write_text(readme, encoding="utf-8")


if __name__ == "__main__":
    main()
