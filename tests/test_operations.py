"""What the container files promise: nothing runs as root, everything has its bounds, and times fit into each other."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import ROOT

from service.settings import Settings

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
BALANCER = (ROOT / "deploy" / "haproxy.cfg").read_text(encoding="utf-8")
TIMEOUT = Settings().timeout  # type: ignore[call-arg]


def seconds(text: str) -> int:
    found = re.fullmatch(r"(\d+)s", text)
    assert found
    return int(found.group(1))


def balancer_seconds(name: str) -> int:
    return seconds(re.findall(rf"timeout {name} +(\S+)", BALANCER)[0])


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_guarded(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not service.get("privileged")
    assert "healthcheck" in service
    assert {"cpus", "memory"} <= service["deploy"]["resources"]["limits"].keys()
    # What others need not reach, listens on this machine alone.
    assert all(port.startswith(("127.0.0.1:", "${BIND:-127.0.0.1:")) for port in service.get("ports", []))


def test_the_image_does_not_run_as_root() -> None:
    lines = (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()
    users = [line for line in lines if line.startswith("USER ")]
    assert users == ["USER hoiquy"]
    assert lines.index(users[0]) < next(i for i, line in enumerate(lines) if line.startswith("CMD"))


def test_the_image_has_every_package() -> None:
    """Whole, or its first file, without which the others could not be installed."""
    lines = (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()
    copied = {line.split()[1] for line in lines if line.startswith("COPY ")}
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]["packages"]
    for package in listed:
        path = package.replace(".", "/")
        assert {path, path.split("/")[0], f"{path}/__init__.py"} & copied, package


def test_every_file_of_data_is_packaged() -> None:
    patterns = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"][
        "package-data"
    ]
    for package in ("inference", "training", "service"):
        folder = ROOT / package
        packaged = {path for pattern in patterns.get(package, []) for path in folder.glob(pattern)}
        data = {path for path in folder.rglob("*.*") if path.is_file() and path.suffix not in (".py", ".pyc")}
        assert data == packaged


def test_what_the_image_copies_is_not_ignored() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    patterns = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    for line in re.findall(r"^COPY (.+) \S+$", dockerfile, re.MULTILINE):
        for path in line.split():
            assert (ROOT / path).exists()
            # The last pattern that a path, or a folder above it, fits decides.
            above = {path, *map(str, Path(path).parents)}
            deciding = [pattern for pattern in patterns if pattern == "*" or pattern.removeprefix("!") in above][-1]
            assert deciding.startswith("!"), path


def test_times_fit_into_each_other() -> None:
    assert TIMEOUT < balancer_seconds("server") < balancer_seconds("client")
    assert seconds(SERVICES["hoiquy"]["stop_grace_period"]) > TIMEOUT
    assert balancer_seconds("server") < seconds(SERVICES["balancer"]["stop_grace_period"])
    config = (ROOT / "service" / "gunicorn.conf.py").read_text(encoding="utf-8")
    # An idle connection is closed by the balancer, not by the service just when a request is on its way.
    assert int(re.findall(r"^keepalive = (\d+)", config, re.MULTILINE)[0]) > balancer_seconds("http-keep-alive")


def test_replicas_share_what_they_must() -> None:
    hoiquy = SERVICES["hoiquy"]
    assert hoiquy["deploy"]["replicas"] == 2
    assert hoiquy["environment"]["HOIQUY_STORE"].startswith("redis://redis:")
    assert hoiquy["environment"]["HOIQUY_PROXIES"] == "1"
    assert "ports" not in hoiquy
    # What the two must agree on, and where they listen, is not the operator's to set; nor is a time that others go by.
    known = {f"HOIQUY_{name.upper()}" for name in Settings.model_fields}
    assert known - hoiquy["environment"].keys() == {"HOIQUY_HOST", "HOIQUY_PORT", "HOIQUY_TIMEOUT"}
    assert hoiquy["environment"].keys() <= known


def test_an_empty_setting_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """As compose gives them where the operator sets nothing."""
    for name in ("HOIQUY_KEYS", "HOIQUY_RATE_LIMIT", "HOIQUY_STORE"):
        monkeypatch.setenv(name, "")
    assert Settings() == Settings(keys=None)


def test_prometheus_is_asked_for() -> None:
    assert SERVICES["prometheus"]["profiles"] == ["watch"]
    assert all("profiles" not in service for name, service in SERVICES.items() if name != "prometheus")


def test_the_balancers_config_is_one() -> None:
    program = shutil.which("haproxy")
    if program is None:
        pytest.skip("no haproxy on this machine")
    done = subprocess.run([program, "-c", "-f", ROOT / "deploy" / "haproxy.cfg"], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_balancers_own_errors_have_the_one_body() -> None:
    bodies = re.findall(r"application/json lf-string '([^']*)'", BALANCER)
    assert len(bodies) == 6
    for body in bodies:
        assert yaml.safe_load(body).keys() == {"error", "message", "error_type", "errors", "request_id"}


def test_a_worker_has_more_time_to_end_than_a_request() -> None:
    command = [
        sys.executable,
        "-m",
        "gunicorn",
        "--config",
        "service/gunicorn.conf.py",
        "--print-config",
        "service.wsgi:app",
    ]
    environment = {**os.environ, "HOIQUY_TIMEOUT": "29.5"}
    printed = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout
    grace = int(re.findall(r"^graceful_timeout += (\d+)", printed, re.MULTILINE)[0])
    assert 29.5 < balancer_seconds("server") <= grace < seconds(SERVICES["hoiquy"]["stop_grace_period"])
