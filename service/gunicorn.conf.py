"""gunicorn's settings: one gthread worker a core, each with one compute thread, its models loaded after the fork."""

import json
import math
import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

# What workers share; a folder of this server's own, so that what an earlier one left is not counted again. This file is
# read anew on SIGHUP: then the folder stays.
_owner, _, _folder = os.environ.get("_HOIQUY_SHARED", "").partition(" ")
_store = os.environ.get("HOIQUY_STORE", "")
if _folder and _store == f"{_folder}/store":
    _store = ""  # which this file had set
if _owner != str(os.getpid()):
    _folder = tempfile.mkdtemp(prefix="hoiquy-")
    os.environ["_HOIQUY_SHARED"] = f"{os.getpid()} {_folder}"
_shared = Path(_folder)
(_shared / "metrics").mkdir(exist_ok=True)
os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(_shared / "metrics")
os.environ["HOIQUY_STORE"] = _store or f"{_shared}/store"

# It looks at the environment when it is imported.
from gunicorn import util  # noqa: E402
from gunicorn.http.unreader import SocketUnreader  # noqa: E402
from prometheus_client.multiprocess import mark_process_dead  # noqa: E402
from redis.exceptions import RedisError  # noqa: E402

from inference.cores import count_cores  # noqa: E402
from service.access import Access  # noqa: E402
from service.settings import Settings, SettingsError  # noqa: E402
from service.store import open_store  # noqa: E402


def _refuse(message: str) -> NoReturn:
    shutil.rmtree(_shared, ignore_errors=True)
    sys.exit(f"error: {message}")


try:
    _settings = Settings.from_environment()
    Access(_settings)  # A bad file of keys is told once, here, and not by each worker that dies of it.
except SettingsError as error:
    _refuse(str(error))

_host = f"[{_settings.host}]" if ":" in _settings.host else _settings.host  # an IPv6 address
bind = f"{_host}:{_settings.port}"
worker_class = "gthread"
workers = _settings.workers or count_cores()
threads = _settings.threads
# Native threads do not survive a fork, so nothing is loaded before it.
preload_app = False
# A heartbeat file on a disk can block a worker.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None
# Longer than the longest request.
graceful_timeout = math.ceil(_settings.timeout) + 5
keepalive = 75
accesslog = None


_ROOT = Path(__file__).parent.parent


def _code() -> list[tuple[str, int]]:
    files = [file for package in ("inference", "service") for file in (_ROOT / package).rglob("*.py")]
    return sorted((str(file), file.stat().st_mtime_ns) for file in files)


def _careful(server: Any, reload: Callable[[], None]) -> Callable[[], None]:
    """What SIGHUP does: as gunicorn, but not where the new workers could not serve, which would be the end of all."""
    code = _code()

    def reload_what_works() -> None:
        if _code() != code:
            fault = "the code has changed since the start, which only a restart takes up"
        else:
            # In another process, whose threads no worker inherits.
            check = [sys.executable, "-m", "service.check"]
            environment = {name: value for name, value in os.environ.items() if name != "PROMETHEUS_MULTIPROC_DIR"}
            said = subprocess.run(check, cwd=_ROOT, env=environment, capture_output=True, text=True, check=False)
            # Not by its status, which gunicorn, waiting for its workers, may take away.
            fault = "" if said.stdout.strip() == "ok" else said.stdout.strip() or said.stderr.strip()
        if fault:
            server.log.error("not reloaded, all stays as it was: %s", fault)
        else:
            reload()

    return reload_what_works


def post_fork(server: Any, worker: Any) -> None:  # noqa: ARG001
    """Let no client hold a thread that says nothing: what is accepted inherits this from what listens (in Linux)."""
    for listener in worker.sockets:
        listener.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", _SILENCE, 0))


_SILENCE = 10
"""Seconds without a byte of a request that has begun, after which its client is taken to have gone."""
_chunk = SocketUnreader.chunk


def _chunk_or_end(self: SocketUnreader, size_hint: int | None = None) -> bytes:
    try:
        return bytes(_chunk(self, size_hint))
    except BlockingIOError:
        return b""


SocketUnreader.chunk = _chunk_or_end


def on_starting(server: Any) -> None:
    """Tell at once, and in one line, that the port cannot be had; gunicorn would try again for seconds."""
    server.reload = _careful(server, server.reload)
    try:
        open_store(_settings.store).get("none")
    except RedisError as error:
        # It may yet come, and texts are translated without it.
        print(f"warning: HOIQUY_STORE does not answer, and what is kept there waits: {error}", file=sys.stderr)
    if "GUNICORN_FD" in os.environ or "LISTEN_FDS" in os.environ:
        return  # The socket is handed down by the server before this one, or by systemd.
    try:
        family, *_, address = socket.getaddrinfo(_settings.host, _settings.port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except socket.gaierror as error:
        _refuse(f"HOIQUY_HOST={_settings.host}: {error.strerror}; give an address of this machine, or 0.0.0.0 for all")
    except OSError as error:
        _refuse(f"cannot listen on {bind}: {error.strerror}; choose another port: make serve PORT=9000")


def on_exit(server: Any) -> None:  # noqa: ARG001
    """Leave nothing behind."""
    shutil.rmtree(_shared, ignore_errors=True)


def child_exit(server: Any, worker: Any) -> None:  # noqa: ARG001
    """Count what a worker did, but no longer what it was doing."""
    mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]


control_socket_disable = True


def _write_error(sock: socket.socket, status: int, reason: str, message: str) -> None:
    """Answer what gunicorn itself refuses (a line too long, a header that is none) with the one error body."""
    told = f"the request cannot be read: {message or reason}"[:200]
    kind = "Validation" if status < 500 else "Internal"
    body = json.dumps({"error": told, "message": told, "error_type": kind, "errors": [], "request_id": ""}).encode()
    head = f"HTTP/1.1 {status} {reason}\r\nConnection: close\r\nContent-Type: application/json\r\n"
    util.write_nonblock(sock, f"{head}Content-Length: {len(body)}\r\n\r\n".encode("latin1") + body)


util.write_error = _write_error
