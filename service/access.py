"""Who may ask, and how often: API keys and rate limits, both off until they are set."""

import hmac
import math
import re
import secrets
import sys
import time
from hashlib import sha256
from pathlib import Path
from typing import Any

from flask import Request
from limits import RateLimitItem, parse_many
from limits.storage import MemoryStorage, storage_from_string
from limits.strategies import MovingWindowRateLimiter
from redis.exceptions import RedisError

from service.errors import ApiError
from service.metrics import UNCOUNTED
from service.settings import Settings, SettingsError
from service.store import is_redis

_LINE = re.compile(r"(\S+)\s+([0-9a-f]{64})")
_HEADER = re.compile(r"(?:DeepL-Auth-Key|Bearer)\s+(\S+)", re.IGNORECASE)


def hash_of(key: str) -> str:
    """What is kept of a key. Keys are long and random, so a plain hash tells nothing of them."""
    return sha256(key.encode()).hexdigest()


def read_keys(path: Path) -> dict[str, str]:
    """Hash -> name of the keys in a file of lines "NAME HASH"; a line may be blank, or begin with #.

    Raises SettingsError.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"HOIQUY_KEYS={path}: {error}") from error
    keys = {}
    for number, line in enumerate(lines, start=1):
        found = _LINE.fullmatch(line.strip())
        if found:
            keys[found.group(2)] = found.group(1)
        elif line.strip() and not line.startswith("#"):
            raise SettingsError(f"{path}, line {number}: a line is NAME HASH, as `hoiquy key NAME` prints it")
    if not keys:
        raise SettingsError(f"HOIQUY_KEYS={path}: there is no key in it; `hoiquy key NAME` makes one")
    return keys


class Access:
    """Says of each request whether it may be answered."""

    def __init__(self, settings: Settings) -> None:
        """Read the keys. Raises SettingsError."""
        self._keys = read_keys(settings.keys) if settings.keys else {}
        self._limits: list[RateLimitItem] = parse_many(settings.rate_limit) if settings.rate_limit else []
        # A Redis that hangs must not hang every request.
        patience = {"socket_timeout": 1, "socket_connect_timeout": 1}
        counts = storage_from_string(settings.store, **patience) if is_redis(settings.store) else MemoryStorage()
        self._limiter = MovingWindowRateLimiter(counts)

    @property
    def needs_key(self) -> bool:
        """Whether keys are on."""
        return bool(self._keys)

    def check(self, request: Request, values: Any = None, *, counted: bool = True) -> str:
        """The caller's name: his key's, or his address. `values` are the body's, which may have the key; what is not
        counted has no rate limit.

        Raises ApiError: 403 without a key where one is needed, 429 over a rate limit.
        """
        caller = self._name(request, values) if self._keys else f"address {request.remote_addr}"
        if not counted:
            return caller
        try:
            # What one limit refuses shall not count for another.
            for limit in self._limits:
                if not self._limiter.test(limit, caller):
                    self._refuse(limit, caller)
            for limit in self._limits:
                if not self._limiter.hit(limit, caller):
                    self._refuse(limit, caller)
        except RedisError:
            # Better let in uncounted than refused because a counter is away.
            UNCOUNTED.inc()
        return caller

    def _name(self, request: Request, values: Any) -> str:
        key = _key(request, values)
        if not key:
            raise ApiError(403, "Auth", "a key is needed: send it as X-API-Key, or as Authorization: Bearer")
        digest = hash_of(key)
        # Compared in constant time, with every one: how long it takes tells nothing.
        found = [name for known, name in self._keys.items() if hmac.compare_digest(known, digest)]
        if not found:
            raise ApiError(403, "Auth", "this key is not known here")
        return f"key {found[0]}"

    def _refuse(self, limit: RateLimitItem, caller: str) -> None:
        reset = self._limiter.get_window_stats(limit, caller).reset_time
        wait = max(1, math.ceil(reset - time.time()))
        raise ApiError(429, "RateLimited", f"more than {limit}: wait {wait} s", retry_after=wait)


def _key(request: Request, values: Any) -> str:
    """The key that a request brings, in any of the ways of the clients that we know; never from its address."""
    authorization = _HEADER.fullmatch(request.headers.get("Authorization", "").strip())
    body = values.get("api_key") if isinstance(values, dict) else None
    given = request.headers.get("X-API-Key") or (authorization.group(1) if authorization else body)
    return given if isinstance(given, str) else ""


def main() -> None:
    """Make a key, and the line that lets it in."""
    key = secrets.token_urlsafe(32)
    name = sys.argv[1] if len(sys.argv) == 2 else ""
    if not re.fullmatch(r"\S+", name):
        sys.exit("error: give the key a name without blanks: hoiquy key NAME")
    print(f"the key, which is shown this once: {key}", file=sys.stderr)
    print(f"{name} {hash_of(key)}")


if __name__ == "__main__":
    main()
