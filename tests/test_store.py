"""What workers share: a folder, and Redis where there is one."""

import os
import time
from pathlib import Path

import pytest

from service.store import FolderStore, RedisStore, Store, open_store


@pytest.fixture(params=["folder", "redis"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "folder":
        return open_store(str(tmp_path / "store"))
    return open_store(request.getfixturevalue("redis_server")[1])


def test_what_is_put_is_there_until_it_is_deleted(store: Store) -> None:
    assert store.get("glossary/anna/1") is None
    store.put("glossary/anna/1", b"one\ntwo")
    store.put("glossary/anna/2", b"\x00\xff")
    store.put("glossary/anna b/1", b"other")
    assert store.get("glossary/anna/1") == b"one\ntwo"
    assert sorted(store.values("glossary/anna")) == [b"\x00\xff", b"one\ntwo"]
    store.put("glossary/anna/1", b"new")
    assert store.get("glossary/anna/1") == b"new"
    store.delete("glossary/anna/1")
    store.delete("glossary/anna/1")
    assert store.get("glossary/anna/1") is None
    assert list(store.values("glossary/anna")) == [b"\x00\xff"]


def test_a_folder_is_a_name_and_no_pattern(store: Store) -> None:
    for owner in ("anna", "anna/work", "bob[1]"):
        store.put(f"glossary/{owner}/1", owner.encode())
    assert list(store.values("glossary/anna")) == [b"anna"]
    assert list(store.values("glossary/bob[1]")) == [b"bob[1]"]
    assert list(store.values("glossary/*")) == []


def test_a_key_is_claimed_once_at_a_time(store: Store) -> None:
    assert [store.claim("again/1", 0.3) for _ in range(3)] == [True, False, False]
    assert store.claim("again/2", 60)
    time.sleep(0.4)
    assert store.claim("again/1", 60)


def test_what_is_put_for_a_time_goes(store: Store) -> None:
    store.put("document/1", b"x", seconds=0.2)
    assert store.get("document/1") == b"x"
    time.sleep(0.3)
    assert store.get("document/1") is None


def test_nothing_that_a_caller_writes_is_a_path(tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "store")
    store.put("glossary/../../etc/passwd/..", b"x")
    assert store.get("glossary/../../etc/passwd/..") == b"x"
    assert [path.name for path in tmp_path.iterdir()] == ["store"]


def test_what_is_over_its_time_is_taken_away(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    store.put("document/1", b"x", seconds=0.01)
    time.sleep(0.05)
    store.put("document/2", b"y", seconds=60)
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 1


def test_what_is_half_written_is_no_value(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    store.put("glossary/anna/1", b"whole")
    (whole,) = (path for path in tmp_path.rglob("*") if path.is_file())
    for age in (0, 7200):
        left = whole.with_name(f"{age}.partial")
        left.write_bytes(b"")
        os.utime(left, (time.time() - age,) * 2)
    assert list(store.values("glossary/anna")) == [b"whole"]
    store.put("glossary/anna/2", b"other")
    assert [path.name for path in whole.parent.glob("*.partial")] == ["0.partial"]


def test_an_address_of_redis_is_one() -> None:
    assert isinstance(open_store("redis://localhost:1/0"), RedisStore)
