"""The history of a run: a line of JSON a record, TensorBoard, and one PNG of its curves."""

import json
import time
from pathlib import Path

from matplotlib.figure import Figure
from torch.utils.tensorboard import SummaryWriter

from inference.files import write_atomically

Record = dict[str, float]
"""Name -> value; `update` says when."""

PANELS = {
    "loss": "training and dev loss",
    "score": "dev score",
    "rate": "learning rate",
    "gradient_norm": "gradient norm",
}
"""A series belongs to the panel that its name ends with."""


MEANS = {"score", "dev_loss"}
"""Means over the dev sets, which tell nothing new when there is but one."""


class History:
    """What a run logged up to an update; records that came later are forgotten, since they will be made again."""

    def __init__(self, directory: Path, update: int) -> None:
        self._lines, self._curves = directory / "history.jsonl", directory / "curves.png"
        old = self._lines.read_text(encoding="utf-8").splitlines() if self._lines.exists() else []
        # A disk that was full may have left half a line.
        whole = [line for line in old if line.endswith("}")]
        self.records: list[Record] = [r for r in map(json.loads, whole) if r["update"] <= update]
        text = "".join(json.dumps(record) + "\n" for record in self.records)
        write_atomically(self._lines, lambda beside: beside.write_text(text, encoding="utf-8"))
        self._board = SummaryWriter(str(directory / "tensorboard"), purge_step=update)
        self._drawn = time.monotonic()

    def add(self, record: Record) -> None:
        """Log a record; one with a score also draws the curves, though not time and again."""
        self.records.append(record)
        with self._lines.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")
        for name, value in record.items():
            if name != "update":
                self._board.add_scalar(name, value, int(record["update"]))
        if "score" in record and time.monotonic() - self._drawn > _REDRAW:
            plot(self.records, self._curves)
            self._drawn = time.monotonic()

    def close(self) -> None:
        """Draw the curves a last time, and end the TensorBoard file."""
        plot(self.records, self._curves)
        self._board.close()


_REDRAW = 30
"""Seconds between drawings: a small run validates more often than anyone looks, and a drawing takes half a second."""


def plot(records: list[Record], path: Path) -> None:
    """Draw loss, score, learning rate and gradient norm against the update, and write a PNG."""
    figure = Figure(figsize=(11, 7), layout="constrained")
    for axes, (panel, title) in zip(figure.subplots(2, 2).flat, PANELS.items(), strict=True):
        names = {k for record in records for k in record if k.endswith(panel)}
        if len(names - MEANS - {"train_loss"}) == 1:
            names -= MEANS
        for name in sorted(names):
            points = [(r["update"], r[name]) for r in records if name in r]
            axes.plot(*zip(*points, strict=True), label=name, marker="." if len(points) < 40 else "")
            axes.legend()
        axes.set(title=title, xlabel="update")
        axes.grid(alpha=0.3)
    figure.savefig(path, dpi=100)
