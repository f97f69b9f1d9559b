"""gunicorn's settings: one gthread worker a core, each with one compute thread, its models loaded after the fork."""

import os
import sys
from pathlib import Path

from service.settings import Settings, SettingsError

try:
    _settings = Settings.from_environment()
except SettingsError as error:
    sys.exit(f"error: {error}")

_host = f"[{_settings.host}]" if ":" in _settings.host else _settings.host  # an IPv6 address
bind = f"{_host}:{_settings.port}"
worker_class = "gthread"
workers = _settings.workers or len(os.sched_getaffinity(0))
threads = _settings.threads
# Native threads do not survive a fork, so nothing is loaded before it.
preload_app = False
# A heartbeat file on a disk can block a worker.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None
graceful_timeout = _settings.timeout
keepalive = 75
accesslog = None
control_socket_disable = True
