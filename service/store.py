"""What workers, and replicas, must have in common: glossaries and documents under way; in a folder, or in Redis."""

import secrets
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import redis

from inference.files import write_atomically


class Store(ABC):
    """Values by key, some of them for a time only. A key is a path of names: "glossary/ID"."""

    @abstractmethod
    def put(self, key: str, value: bytes, seconds: float | None = None) -> None:
        """Keep a value, for good or for so many seconds."""

    @abstractmethod
    def get(self, key: str) -> bytes | None:
        """The value, if there is one whose time is not over."""

    @abstractmethod
    def delete(self, key: str) -> None:
        """Forget a value, if there is one."""

    @abstractmethod
    def claim(self, key: str, seconds: float) -> bool:
        """Keep a key that nobody has kept before, for so many seconds; whether it was so."""

    @abstractmethod
    def values(self, folder: str) -> Iterator[bytes]:
        """The values of the keys that begin with `folder` and a slash, in no order."""


class FolderStore(Store):
    """Values as files below a folder, for all workers of one machine."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def _path(self, key: str) -> Path:
        # A key may hold what a caller wrote: its hash is a harmless name.
        folder, _, name = key.rpartition("/")
        return self._folder / sha256(folder.encode()).hexdigest() / sha256(name.encode()).hexdigest()

    def put(self, key: str, value: bytes, seconds: float | None = None) -> None:
        path = self._place(key)
        until = "" if seconds is None else str(time.time() + seconds)
        write_atomically(path, lambda beside: beside.write_bytes(f"{until}\n".encode() + value))

    def _place(self, key: str) -> Path:
        """Where a key's file is to be, in a folder that there is, of which what is over its time was taken away."""
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._sweep(path.parent)
        return path

    def get(self, key: str) -> bytes | None:
        return _read(self._path(key))

    def delete(self, key: str) -> None:
        self._path(key).unlink(missing_ok=True)

    def claim(self, key: str, seconds: float) -> bool:
        try:
            with self._place(key).open("xb") as file:
                file.write(f"{time.time() + seconds}\n".encode())
        except FileExistsError:
            return False
        return True

    def values(self, folder: str) -> Iterator[bytes]:
        for path in sorted(self._path(f"{folder}/").parent.glob("*")):
            # One that is being written has a name of its own.
            value = None if path.suffix else _read(path)
            if value is not None:
                yield value

    def _sweep(self, folder: Path) -> None:
        """Take away what is over its time, and what was left half written long ago."""
        for path in folder.glob("*"):
            if not path.suffix:
                _read(path, 0)
                continue
            with suppress(FileNotFoundError):
                if path.stat().st_mtime < time.time() - _LEFT:
                    path.unlink()


_LEFT = 3600
"""Seconds after which nobody writes a file any more."""


def _read(path: Path, most: int = -1) -> bytes | None:
    """So many bytes of the value in a file, or all; it is removed when its time is over."""
    try:
        with path.open("rb") as file:
            until = file.readline().rstrip(b"\n")
            value = file.read(most)
    except FileNotFoundError:
        return None
    if until and float(until) < time.time():
        path.unlink(missing_ok=True)
        return None
    return value


def _redis_key(key: str) -> str:
    # The pattern that finds the keys of a folder must not find others, whatever is in its name.
    folder, _, name = key.rpartition("/")
    return f"hoiquy/{sha256(folder.encode()).hexdigest()}/{name}"


class RedisStore(Store):
    """Values in Redis, for replicas on several machines."""

    def __init__(self, url: str) -> None:
        # A server that hangs must not hang ours.
        self._redis = redis.Redis.from_url(url, socket_timeout=2, socket_connect_timeout=2)

    def put(self, key: str, value: bytes, seconds: float | None = None) -> None:
        self._redis.set(_redis_key(key), value, px=None if seconds is None else max(1, int(1000 * seconds)))

    def get(self, key: str) -> bytes | None:
        return self._redis.get(_redis_key(key))  # type: ignore[return-value]

    def delete(self, key: str) -> None:
        self._redis.delete(_redis_key(key))

    def claim(self, key: str, seconds: float) -> bool:
        return bool(self._redis.set(_redis_key(key), b"", px=max(1, int(1000 * seconds)), nx=True))

    def values(self, folder: str) -> Iterator[bytes]:
        for key in self._redis.scan_iter(_redis_key(f"{folder}/*")):
            value = self._redis.get(key)
            if value is not None:
                yield value  # type: ignore[misc]


def open_store(place: str) -> Store:
    """The store that a setting names: a folder, or the address of a Redis; else a folder of this process alone."""
    if is_redis(place):
        return RedisStore(place)
    return FolderStore(Path(place or f"{tempfile.gettempdir()}/hoiquy-{secrets.token_hex(8)}"))


def is_redis(place: str) -> bool:
    """Whether a setting names a Redis."""
    return place.startswith(("redis://", "rediss://"))
