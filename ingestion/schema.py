"""What a vendor says its records look like, held against what it said last time. What the records themselves show is extract.py's.

Only vendors that describe themselves are asked: Salesforce (describe) and NetSuite (metadata catalogue). The first look is a
baseline and reports nothing; it is kept with the resource's cursor, so that a change is told once.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from ingestion.client import Client, RateLimited, Refused, Unavailable
from ingestion.readers import Drift
from ingestion.spec import Resource, System

# record type -> {"fields": {name: type, with a `?` where it may be empty}, "etag": the vendor's mark of this description}
Described = dict[str, dict[str, Any]]
_CATALOGUE = "record/v1/metadata-catalog"


@dataclass(frozen=True)
class Look:
    """`described`: to be kept for the next look. `note`: why nothing could be seen."""

    described: Described
    drift: Sequence[Drift] = field(default_factory=tuple)
    note: str = ""


class Schemas:
    """The vendor's descriptions of one run; several threads may look. What all resources share is asked for once."""

    def __init__(self, client: Client, system: System) -> None:
        self._client, self._system = client, system
        self._lock = threading.Lock()
        self._catalogue: dict[str, dict[str, str]] | None = None

    def look(self, resource: Resource, before: Described) -> Look:
        """What changed since `before`. A vendor that does not answer leaves the baseline as it is; the records land all the same."""
        ask = {"soql": self._soql, "suiteql": self._suiteql}.get(self._system.protocol)
        if ask is None:
            return Look(before)
        try:
            now = ask(resource, before)
        except (Refused, RateLimited, Unavailable) as error:
            return Look(before, note=f"the vendor does not describe it: {error.what}")
        columns = {path: name for name, column in resource.columns.items() for path in column.alternatives}
        found: dict[tuple[str, str], Drift] = {}
        for record, described in now.items():
            if record in before:  # a record type that was not visible before has no past to differ from
                for drift in _differences(record, before[record]["fields"], described["fields"], columns):
                    found.setdefault((drift.column, drift.change), drift)
        return Look(before | now, tuple(found.values()))

    def _soql(self, resource: Resource, before: Described) -> Described:
        known = before.get(resource.sobject) or {}
        headers = {"If-None-Match": known["etag"]} if known.get("etag") else {}
        response = self._client.request("GET", f"sobjects/{resource.sobject}/describe", headers=headers)
        if response.status_code == 304:
            return {resource.sobject: known}
        fields = {entry["name"]: entry["type"] + ("?" if entry["nillable"] else "") for entry in orjson.loads(response.content)["fields"]}
        return {resource.sobject: {"fields": fields, "etag": response.headers.get("ETag", "")}}

    def _suiteql(self, resource: Resource, before: Described) -> Described:
        with self._lock:
            if self._catalogue is None:
                self._catalogue = self._read_catalogue()
        return {record: {"fields": self._catalogue[record]} for record in resource.records if record in self._catalogue}

    def _read_catalogue(self) -> dict[str, dict[str, str]]:
        wanted = {record for resource in self._system.resources.values() for record in resource.records}
        # asking for a type that the role does not see would be an error
        names = sorted(wanted & {entry["name"] for entry in self._client.read("GET", _CATALOGUE).content["items"]})
        if not names:
            return {}
        content = self._client.read(
            "GET", _CATALOGUE, params={"select": ",".join(names)}, headers={"Accept": "application/swagger+json"}).content
        schemas: Mapping[str, Any] = content["components"]["schemas"]
        return {
            name: {column.lower(): _shown(entry) for column, entry in schemas[name]["properties"].items()} for name in names if name in schemas}


def _shown(entry: Mapping[str, Any]) -> str:
    return str(entry.get("format") or entry.get("type") or "object") + ("?" if entry.get("nullable") else "")


def _differences(record: str, before: Mapping[str, str], now: Mapping[str, str], columns: Mapping[str, str]) -> list[Drift]:
    def named(name: str) -> str:
        return columns.get(name, name)

    found = [Drift(named(name), "added", f"{record} has a new field of type {now[name].rstrip('?')}") for name in now if name not in before]
    found += [Drift(named(name), "removed", f"{record} has it no more") for name in before if name not in now]
    for name in before.keys() & now.keys():
        was, became = before[name], now[name]
        if was.rstrip("?") != became.rstrip("?"):
            found.append(Drift(named(name), "retyped", f"{record} had it as {was.rstrip('?')}, now as {became.rstrip('?')}"))
        elif was != became:
            found.append(Drift(named(name), "nullability", f"{record} {'lets it be empty now' if became.endswith('?') else 'requires it now'}"))
    return found
