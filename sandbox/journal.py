"""The journal of writes that the sandbox received, in order, kept as JSON lines. Records themselves belong to the stores."""

from __future__ import annotations

import threading
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from sandbox.protocol import Effect, Request, Response

_KEY_HEADERS = ("idempotency-key", "x-idempotency-key", "x-netsuite-idempotency-key", "if-match", "if-unmodified-since")
_SECRETS = ("client_secret", "client_assertion", "refresh_token", "access_token", "password")


def changed_fields(effect: Effect) -> dict[str, list[Any]]:
    """Each field of the record that the effect changed, as [before, after]."""
    before, after = effect.before or {}, effect.after or {}
    names = list(before) + [name for name in after if name not in before]
    return {name: [before.get(name), after.get(name)] for name in names if before.get(name) != after.get(name)}


def parsed_body(request: Request) -> Any:
    """The body as JSON or as form fields where it is one of these, else as text; secrets of a login are left out."""
    if not request.body:
        return None
    if "x-www-form-urlencoded" in request.headers.get("content-type", ""):
        fields: dict[str, Any] = {}
        for name, value in request.form():
            fields[name] = value if name not in fields else [*_as_list(fields[name]), value]
        return {name: "(left out)" if name in _SECRETS else value for name, value in fields.items()}
    try:
        return request.json()
    except ValueError:
        return request.body.decode(errors="replace")


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


class Journal:
    """Append-only: entries already in the file are read back, so numbering goes on after a restart."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._entries: list[dict[str, Any]] = []
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            raw = path.read_bytes()
            whole = raw[: raw.rfind(b"\n") + 1]
            self._entries = [orjson.loads(line) for line in whole.splitlines()]
            if len(whole) != len(raw):  # a line cut by a kill was never acknowledged
                path.write_bytes(whole)
        self._file = path.open("ab", buffering=0)

    def record(
        self, vendor: str, at: datetime, request: Request, response: Response | None, effects: list[Effect], fault: str | None
    ) -> None:
        """Note one write. `response` is None when the connection was cut before the vendor saw the request."""
        entry = {
            "at": at.isoformat(),
            "vendor": vendor,
            "method": request.method,
            "path": request.path,
            "query": [list(pair) for pair in request.query],
            "keys": {name: request.headers[name] for name in _KEY_HEADERS if name in request.headers},
            "body": parsed_body(request),
            "status": response.status if response else None,
            "effects": [
                {
                    "collection": effect.collection,
                    "id": effect.id,
                    "kind": "created" if effect.before is None else "deleted" if effect.after is None else "updated",
                    "changed": changed_fields(effect),
                }
                for effect in effects
            ],
            "fault": fault,
        }
        with self._lock:
            entry = {"seq": (self._entries[-1]["seq"] if self._entries else 0) + 1, **entry}
            line = orjson.dumps(entry, default=str)
            self._file.write(line + b"\n")
            self._entries.append(entry)

    def entries(self, vendor: str | None = None, since: int = 0) -> list[dict[str, Any]]:
        """Entries with a number above `since`, oldest first."""
        with self._lock:
            return [entry for entry in self._entries if entry["seq"] > since and vendor in (None, entry["vendor"])]

    def close(self) -> None:
        self._file.close()
