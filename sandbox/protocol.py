"""The seam between the HTTP server and a vendor: request, response, store, clock, and what a vendor must offer."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from io import FileIO
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import parse_qsl

import orjson

from sandbox.world.model import View

Record = dict[str, Any]


class SandboxError(Exception):
    """The sandbox cannot do what was asked; the message says what to change."""


class Clock:
    """UTC now plus an offset that only grows; vendors take every time from here."""

    def __init__(self, offset: timedelta = timedelta()) -> None:
        self._offset = offset

    def now(self) -> datetime:
        return datetime.now(UTC) + self._offset

    @property
    def offset(self) -> timedelta:
        return self._offset

    def advance(self, step: timedelta) -> None:
        if step < timedelta():
            raise ValueError("the clock only moves forward")
        self._offset += step


@dataclass(frozen=True)
class Request:
    """One HTTP request as the vendor sees it.

    `path` starts with "/" and is relative to the vendor's root; `base_url` is scheme, host and mount prefix without a
    trailing slash: links in answers are built from it. Header names are lower case. `query` keeps order and repeats.
    `in_flight` counts this vendor's requests now running, this one included.
    """

    method: str
    path: str
    base_url: str
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    in_flight: int = 1

    def param(self, name: str, default: str | None = None) -> str | None:
        return next((value for key, value in self.query if key == name), default)

    def params(self, name: str) -> list[str]:
        return [value for key, value in self.query if key == name]

    def json(self) -> Any:
        """The body parsed as JSON. Raises `orjson.JSONDecodeError` (a ValueError) when it is not JSON."""
        return orjson.loads(self.body)

    def form(self) -> list[tuple[str, str]]:
        return parse_qsl(self.body.decode(), keep_blank_values=True)


@dataclass
class Response:
    """What the vendor answers. `is_write` False keeps a POST that only reads (token, query) out of the journal."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    is_write: bool = True


def json_response(
    content: Any, status: int = 200, headers: Mapping[str, str] | None = None, *, is_write: bool = True,
    content_type: str = "application/json; charset=utf-8",
) -> Response:
    return Response(status, orjson.dumps(content), {"content-type": content_type, **(headers or {})}, is_write)


@dataclass(frozen=True)
class Effect:
    """One record changed by a request: `before` is None for a create, `after` is None for a delete."""

    collection: str
    id: str
    before: Record | None
    after: Record | None


class Store:
    """The records of one vendor account, in memory, with a write-ahead file so that a restart keeps what was written.

    Records are replaced, never changed in place: `put` takes a whole new record. `lock` serialises requests that write.
    """

    def __init__(self, log: Path | None = None) -> None:
        self.lock = threading.RLock()
        self._collections: dict[str, dict[str, Record]] = {}
        self._sequence: dict[str, int] = {}
        self._effects: list[Effect] = []
        self._log_path = log
        self._log: FileIO | None = None

    def collection(self, name: str) -> dict[str, Record]:
        return self._collections.setdefault(name, {})

    def get(self, collection: str, id: str) -> Record | None:
        return self._collections.get(collection, {}).get(str(id))

    def put(self, collection: str, id: str, record: Record) -> None:
        rows = self.collection(collection)
        self._effects.append(Effect(collection, str(id), rows.get(str(id)), record))
        rows[str(id)] = record
        self._append(collection, str(id), record)

    def delete(self, collection: str, id: str) -> None:
        rows = self.collection(collection)
        before = rows.pop(str(id), None)
        if before is not None:
            self._effects.append(Effect(collection, str(id), before, None))
            self._append(collection, str(id), None)

    def next_number(self, name: str, start: int = 1) -> int:
        """A running number that survives a restart, for ids of records created through the API."""
        number = self._sequence.get(name, start - 1) + 1
        self._sequence[name] = number
        self._append("_sequence", name, {"value": number})
        return number

    def take_effects(self) -> list[Effect]:
        """The changes since the last call; the server writes them to the journal."""
        effects, self._effects = self._effects, []
        return effects

    def open_log(self) -> None:
        """Replay the write-ahead file over the rendered world, then keep appending to it."""
        if self._log_path is None:
            return
        if self._log_path.exists():
            with self._log_path.open("rb") as lines:
                for line in lines:
                    if not line.endswith(b"\n"):  # a cut last line was never acknowledged
                        break
                    entry = orjson.loads(line)
                    if entry["c"] == "_sequence":
                        self._sequence[entry["i"]] = entry["r"]["value"]
                    elif entry["r"] is None:
                        self.collection(entry["c"]).pop(entry["i"], None)
                    else:
                        self.collection(entry["c"])[entry["i"]] = entry["r"]
        self._log_path.parent.mkdir(parents=True, exist_ok=True)
        self._log = self._log_path.open("ab", buffering=0)

    def _append(self, collection: str, id: str, record: Record | None) -> None:
        if self._log is not None:
            self._log.write(orjson.dumps({"c": collection, "i": id, "r": record}) + b"\n")


class Vendor(Protocol):
    """One vendor account. Constructed as `VendorClass(store, clock, settings)`; `settings` holds credentials and limits."""

    name: str
    store: Store

    def load(self, view: View) -> None:
        """Fill the store with the vendor's form of its view of the world, history included; no events for clients yet."""

    def apply(self, view: View) -> None:
        """The world moved on: upsert the rows of this (partial) view, with the events that the vendor would emit."""

    def handle(self, request: Request) -> Response: ...

    def rate_limited(self, request: Request) -> Response:
        """The vendor's own answer for too many requests (429, or 403 with its error code), with its headers."""

    def unavailable(self, request: Request) -> Response:
        """The vendor's own answer for an internal error."""

    def expire_tokens(self) -> None:
        """Every access token handed out so far stops working."""


