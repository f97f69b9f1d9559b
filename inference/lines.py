"""Lines of any number through a model: in order, in constant memory, on all cores; to be stopped and gone on with."""

import fcntl
import json
import os
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from itertools import chain, islice
from multiprocessing import get_context, parent_process
from pathlib import Path
from threading import Thread
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


def read_lines(file: Iterable[bytes], name: str, skipped: int = 0) -> Iterator[str]:
    """The lines of a file, which errors call `name`, behind the first `skipped`, without their ends.

    Raises LinesError on what is not UTF-8.
    """
    for number, line in enumerate(file, start=1):
        if number > skipped:
            try:
                yield line.decode("utf-8-sig" if number == 1 else "utf-8").removesuffix("\n").removesuffix("\r")
            except UnicodeDecodeError as error:
                what = f"line {number} is not UTF-8 ({error.reason} at byte {error.start})"
                cure = "save it so, such as with iconv -f LATIN1 -t UTF-8"
                raise LinesError(f"{name}: {what}: {cure}") from error


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
    Thread(target=_end_with_the_first, daemon=True).start()
    global _model
    _model = make()


def _end_with_the_first() -> None:
    """End when the first process has ended, by force too: nobody else would end this one."""
    first = parent_process()
    if first is not None:
        first.join()
        os._exit(1)


def _predict(lines: list[str]) -> list[str]:
    return _model(lines)


def refuse_what_is_there(target: Path) -> None:
    """Raise LinesError when there is such a file."""
    if target.exists():
        raise LinesError(f"{target} is there already: remove it, or name another with --output")


@contextmanager
def claimed(target: Path) -> Iterator[BinaryIO]:
    """What is to become a file, to be written beside its place: this process's alone until that ends, even by force.

    Raises LinesError when `target` is there, or another process is at it.
    """
    refuse_what_is_there(target)
    partial = _partial(target)
    with partial.open("a+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            message = f"{target} is being written by another process: wait for it, or name another with --output"
            raise LinesError(message) from error
        try:
            refuse_what_is_there(target)  # The other process may have ended since.
            yield file
        except BaseException:
            if not os.fstat(file.fileno()).st_size:
                partial.unlink(missing_ok=True)
            raise


def _partial(target: Path) -> Path:
    return target.with_name(f"{target.name}.partial")


def _record(target: Path) -> Path:
    return target.with_name(f"{target.name}.partial.json")


def predict_file(source: Path, target: Path, how: dict[str, Any], make: Callable[[], Predict], processes: int) -> None:
    """Write a line for each line of a file. What was written before an end by force is kept, and gone on with.

    `how` says what the lines are made with. Raises LinesError when `target` is there, or another process is at it, or
    what was begun was begun from other lines, or in another way.
    """
    about = source.stat()
    said = {"source": str(source.resolve()), "bytes": about.st_size, "changed": about.st_mtime_ns, **how}
    with source.open("rb") as file, claimed(target) as written:
        record = _record(target)
        if not record.exists():
            # Hours must not go by before a line is found that cannot be read.
            deque(read_lines(file, str(source)), maxlen=0)
            file.seek(0)
            written.truncate(0)
            write_atomically(record, lambda beside: beside.write_text(json.dumps(said), encoding="utf-8"))
        elif json.loads(record.read_text(encoding="utf-8")) != said:
            begun = f"{_partial(target)} was begun from other lines, or in another way"
            raise LinesError(f"{begun}: remove it and {record}")
        try:
            with tqdm(total=about.st_size, unit="B", unit_scale=True, desc=str(target)) as bar:
                lines = read_lines(_told(file, bar), str(source), _whole_lines(written))
                for line in predicted(lines, make, processes):
                    written.write(f"{line}\n".encode())
                    written.flush()
        except ValueError:
            # The lines, or the options, are at fault: with others it is not gone on.
            written.truncate(0)
            record.unlink()
            raise
        os.fsync(written.fileno())
        _partial(target).replace(target)
    record.unlink()
    force_to_disk(target.parent)


def write_lines(lines: Iterable[str], target: Path) -> None:
    """Write lines that cannot be read twice to a file, which is there when it has all of them.

    Raises LinesError when `target` is there, or another process is at it, or what was begun there can be gone on with.
    """
    record = _record(target)
    if record.exists():
        raise LinesError(f"{_partial(target)} was begun from a file: go on with that, or remove it and {record}")
    with claimed(target) as written:
        written.truncate(0)
        for line in lines:
            written.write(f"{line}\n".encode())
        written.flush()
        os.fsync(written.fileno())
        _partial(target).replace(target)
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
