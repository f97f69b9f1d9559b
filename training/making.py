"""Training text that models make, line by line, in worker processes: it can be stopped, and goes on where it was."""

import json
import signal
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from hashlib import sha256
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

from tqdm import tqdm

from inference.files import write_atomically
from training.corpora import Corpus
from training.errors import InputError
from training.stopping import stoppable

_LINES = 256
"""Lines that are made and written together: what an end by force can cost."""

Row = TypeVar("Row")


class Making:
    """A folder of aligned text files, one of which is made from the others."""

    def __init__(self, directory: Path, makes: str, given: Mapping[str, Sequence[str]], how: dict[str, Any]) -> None:
        """Take the name of what is made, the lines that there are, by name, and how it is made.

        Raises InputError when what is in `directory` was made in another way.
        """
        self.directory, self.makes, self.given = directory, makes, given
        lines = "\n".join("\n".join(lines) for lines in given.values())
        self.how = {**how, "given": sha256(lines.encode()).hexdigest()}
        self.rows = len(next(iter(given.values())))
        if self._record.exists():
            self._check_record(self.how)

    @property
    def _record(self) -> Path:
        return self.directory / "made.json"

    def _path(self, name: str) -> Path:
        return self.directory / f"{name}.txt"

    def _check_record(self, how: dict[str, Any]) -> None:
        before = json.loads(self._record.read_text(encoding="utf-8"))
        # A record that does not say what there was no choice of says that it was not done.
        changed = [
            f"{name} was {before.get(name)}, is {value}"
            for name, value in how.items()
            if (before.get(name) or None) != (value or None)
        ]
        if changed:
            raise InputError(
                f"what is in {self.directory} was made in another way ({'; '.join(changed)}): change it back, "
                "or remove that folder to make it anew"
            )

    def corpus(self, weights: dict[str, float], weight: float) -> Corpus:
        """What was made, with what was given, to train on. Raises InputError when it is not whole yet."""
        if self.done() < self.rows:
            raise InputError(f"{self._path(self.makes)} is not whole: run `python -m training synthesise CONFIG` first")
        lines = {name: str(self._path(name).absolute()) for name in (*self.given, self.makes)}
        there = weights.keys() & set(self.given["origin"])
        return Corpus(lines=lines, weights={origin: weights[origin] for origin in there}, weight=weight)

    def tell(self, makers: Mapping[str, Any]) -> None:
        """Say whether what is whole was made by others than would make it now."""
        before = json.loads(self._record.read_text(encoding="utf-8"))
        others = [f"{name} {before[name]}" for name, version in makers.items() if before.get(name) != version]
        if others:
            print(f"note: {self.directory} was made by {', '.join(others)}: remove it to have it made anew")

    def lines(self, name: str) -> list[str]:
        """The lines of what was given, or made."""
        return self._path(name).read_text(encoding="utf-8").split("\n")[:-1]

    def done(self) -> int:
        """How many lines are whole; half a line, left by an end by force, is cut off."""
        path = self._path(self.makes)
        if not path.exists():
            return 0
        whole = path.read_bytes()
        whole = whole[: whole.rfind(b"\n") + 1]
        with path.open("r+b") as file:
            file.truncate(len(whole))
        return whole.count(b"\n")

    def run(
        self,
        rows: Sequence[Row],
        makers: dict[str, Any],
        begin: Callable[..., None],
        arguments: tuple[Any, ...],
        make: Callable[[Sequence[Row]], list[str]],
        processes: int,
    ) -> None:
        """Make what is still to be made: `make` turns rows into lines, in processes that `begin(*arguments)` started.

        `makers` are the versions of what makes them. Raises InputError when others made the lines so far, and
        KeyboardInterrupt when told to stop, after the lines under way.
        """
        done = self.done()
        if self._record.exists():
            self._check_record({**self.how, **makers})
        else:
            self.directory.mkdir(parents=True, exist_ok=True)
            for name, lines in self.given.items():
                _write(self._path(name), lines)
            _write(self._record, [json.dumps({**self.how, **makers}, indent=1)])
        chunks = [rows[i : i + _LINES] for i in range(done, len(rows), _LINES)]
        output = self._path(self.makes)
        pool = ProcessPoolExecutor(processes, get_context("spawn"), _begin, (begin, arguments))
        bar = tqdm(total=len(rows), initial=done, unit="line", desc=f"{output}")
        with stoppable("stopping after these lines") as asked, output.open("a", encoding="utf-8") as file, bar:
            try:
                for lines in pool.map(make, chunks):
                    file.write("".join(f"{line}\n" for line in lines))
                    file.flush()
                    bar.update(len(lines))
                    if asked():
                        raise KeyboardInterrupt(f"stopped after line {bar.n}; the same command goes on from there")
            finally:
                pool.shutdown(cancel_futures=True)


def _begin(begin: Callable[..., None], arguments: tuple[Any, ...]) -> None:
    # A Ctrl-C reaches the whole group: only the first process shall heed it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    begin(*arguments)


def _write(path: Path, lines: Iterable[str]) -> None:
    text = "".join(f"{line}\n" for line in lines)
    write_atomically(path, lambda beside: beside.write_text(text, encoding="utf-8"))
