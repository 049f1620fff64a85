"""Who calls and how often: API keys and the credits of an account, counted by the minute. Routes and records belong to `api`."""

from __future__ import annotations

import base64
import binascii
import threading
from collections.abc import Callable
from dataclasses import dataclass
from hmac import compare_digest

from sandbox.protocol import Request

MINUTE = 60


def is_known(request: Request, api_key: str) -> bool:
    """The API key is the user of a Basic login; the password may be anything."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return False
    try:
        user, colon, _ = base64.b64decode(value.strip(), validate=True).partition(b":")
    except (binascii.Error, ValueError):
        return False
    return bool(colon) and compare_digest(user, api_key.encode())


@dataclass(frozen=True)
class Spent:
    limit: int
    remaining: int  # below zero: refused
    reset: int  # seconds until the count begins anew


class Credits:
    """Credits counted in windows of a minute of the account's clock; a window begins with its first request."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._windows: dict[str, tuple[float, int]] = {}

    def spend(self, name: str, limit: int | None, cost: int = 1) -> Spent:
        if limit is None:
            return Spent(1_000_000, 1_000_000 - cost, MINUTE)
        now = self._now()
        with self._lock:
            begun, used = self._windows.get(name, (now, 0))
            if now - begun >= MINUTE:
                begun, used = now, 0
            fits = used < limit
            used += cost
            self._windows[name] = (begun, used)
        reset = max(1, int(begun + MINUTE - now + 0.999))
        return Spent(limit, max(0, limit - used) if fits else -1, reset)
