"""Lines of any number through a model: in order, in constant memory, on all cores; to be stopped and gone on with."""

import json
import os
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from itertools import chain, islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any, BinaryIO

from tqdm import tqdm

from inference.files import force_to_disk, write_atomically

LINES = 64
"""Lines that are predicted together."""
_AHEAD = 4
"""Such chunks that each process has before it."""

Predict = Callable[[list[str]], list[str]]
"""One line for each line."""


class LinesError(ValueError):
    """Input that cannot be read, or output that is another's; the message says how to mend it."""


def read_lines(file: Iterable[bytes], skipped: int = 0) -> Iterator[str]:
    """The lines of a file behind the first `skipped`, without their ends. Raises LinesError on what is not UTF-8."""
    for number, line in enumerate(file, start=1):
        if number > skipped:
            try:
                yield line.decode("utf-8-sig" if number == 1 else "utf-8").removesuffix("\n").removesuffix("\r")
            except UnicodeDecodeError as error:
                raise LinesError(f"line {number}: not UTF-8 ({error.reason} at byte {error.start})") from error


def predicted(
    lines: Iterable[str], make: Callable[[], Predict], processes: int, together: int = LINES
) -> Iterator[str]:
    """A line for each line, in order; `make` gives each process its model.

    With one process, or so few lines that more do not pay, all is done here.
    """
    source = iter(lines)
    chunks = iter(lambda: list(islice(source, together)), [])
    first = list(islice(chunks, 1 if processes == 1 else 2))
    if processes == 1 or len(first) < 2:
        predict = make()
        for chunk in chain(first, chunks):
            yield from predict(chunk)
        return
    under_way: deque[Future[list[str]]] = deque()
    with ProcessPoolExecutor(processes, get_context("spawn"), _begin, (make,)) as pool:
        try:
            for chunk in chain(first, chunks):
                under_way.append(pool.submit(_predict, chunk))
                if len(under_way) > processes * _AHEAD:
                    yield from under_way.popleft().result()
            while under_way:
                yield from under_way.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)


_model: Predict


def _begin(make: Callable[[], Predict]) -> None:
    # A Ctrl-C reaches the whole group: only the first process shall heed it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    global _model
    _model = make()


def _predict(lines: list[str]) -> list[str]:
    return _model(lines)


def predict_file(source: Path, target: Path, how: dict[str, Any], make: Callable[[], Predict], processes: int) -> None:
    """Write a line for each line of a file. What was written before an end by force is kept, and gone on with.

    `how` says what the lines are made with. Raises LinesError when `target` is there, or what was begun was begun from
    other lines, or in another way.
    """
    if target.exists():
        raise LinesError(f"{target} is there already: remove it, or name another with --output")
    partial, record = (target.with_name(f"{target.name}.{kind}") for kind in ("partial", "partial.json"))
    about = source.stat()
    said = {"source": str(source.resolve()), "bytes": about.st_size, "changed": about.st_mtime_ns, **how}
    if not record.exists():
        partial.unlink(missing_ok=True)
        write_atomically(record, lambda beside: beside.write_text(json.dumps(said), encoding="utf-8"))
    elif json.loads(record.read_text(encoding="utf-8")) != said:
        raise LinesError(f"{partial} was begun from other lines, or in another way: remove it and {record}")
    with (
        partial.open("a+b") as written,
        source.open("rb") as file,
        tqdm(total=about.st_size, unit="B", unit_scale=True, desc=str(target)) as bar,
    ):
        for line in predicted(read_lines(_told(file, bar), _whole_lines(written)), make, processes):
            written.write(f"{line}\n".encode())
            written.flush()
        os.fsync(written.fileno())
    partial.replace(target)
    record.unlink()
    force_to_disk(target.parent)


def _told(file: Iterable[bytes], bar: "tqdm[Any]") -> Iterator[bytes]:
    for line in file:
        bar.update(len(line))
        yield line


def _whole_lines(file: BinaryIO) -> int:
    """How many lines a file has; half a line at its end is cut off."""
    file.seek(0)
    lines, end, place = 0, 0, 0
    while block := file.read(1 << 20):
        lines += block.count(b"\n")
        if b"\n" in block:
            end = place + block.rindex(b"\n") + 1
        place += len(block)
    file.truncate(end)
    return lines
