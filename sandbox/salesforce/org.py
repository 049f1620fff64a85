"""The org behind the Salesforce stand-in: settings, rows with their caches and indexes, ids, and the error every module raises.

Belongs here: state that queries, writes and jobs share. Does not belong here: HTTP routes, the query language, write rules.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sandbox.protocol import Clock, Record, Store
from sandbox.salesforce.catalogue import SObject
from sandbox.salesforce.ids import POD, native_id, salesforce_id
from sandbox.salesforce.schema import catalogue
from sandbox.salesforce.service_objects import COVERED
from sandbox.salesforce.soql import full_id, parse_stamp, stamp

RECYCLE_BIN_DAYS = 15
INTEGRATION_USER = native_id("agent", 1)
AUTOMATED_USER = salesforce_id("005", 999_999_999)
STANDARD_PRICEBOOK = native_id("pricebook", 1)
_FIRST_API_NUMBER = 1_000_000_000_000  # ids of rows made through the API stay clear of those of the world


@dataclass(frozen=True)
class Settings:
    """Credentials and limits of the org. `hidden_fields` ("Account.Tax_Id__c") are those the integration user may not see.

    `cloud`: sales or service, which rows of the world the org keeps. `pod`: characters 4 to 6 of its rows' ids.
    `public_key`: PEM of the certificate with which a client may log in by a signed assertion; none, no such login.
    """

    name: str = "salesforce"
    cloud: str = "sales"
    pod: str = POD
    public_key: str = ""
    client_id: str = "concord-salesforce"
    client_secret: str = "salesforce-sandbox-secret"
    username: str = "integration@concord.example"
    session_timeout: timedelta = timedelta(hours=2)
    daily_api_requests: int = 100_000
    daily_query_jobs: int = 10_000
    batch_size: int = 2_000
    cursor_life: timedelta = timedelta(days=2)
    open_cursors: int = 100
    uri_limit: int = 16_384
    bulk_in_progress_polls: int = 1  # how often a status request of a job answers InProgress
    bulk_page: int = 50_000
    bulk_upload_bytes: int = 150_000_000
    hidden_fields: frozenset[str] = frozenset()
    currencies: tuple[str, ...] = (
        "USD",
        "EUR",
        "GBP",
        "JPY",
        "KWD",
        "AUD",
        "BRL",
        "CAD",
        "CHF",
        "CNY",
        "CZK",
        "DKK",
        "HKD",
        "HUF",
        "ILS",
        "INR",
        "KRW",
        "MXN",
        "NOK",
        "NZD",
        "PLN",
        "SEK",
        "SGD",
        "THB",
        "TRY",
        "ZAR",
        "BHD",
        "SAR",
        "AED",
    )


class ApiError(Exception):
    """A refusal of the REST API."""

    def __init__(self, status: int, code: str, message: str, fields: Sequence[str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.fields = fields

    def body(self) -> list[dict[str, Any]]:
        entry: dict[str, Any] = {"message": self.message, "errorCode": self.code}
        if self.fields is not None:
            entry["fields"] = list(self.fields)
        return [entry]

    def item(self) -> dict[str, Any]:
        """The same refusal as one entry of a per-record result."""
        return {"statusCode": self.code, "message": self.message, "fields": list(self.fields or ())}


@dataclass(frozen=True)
class _Rows:
    version: tuple[int, date | None]
    live: list[Record]
    withheld: list[Record]
    deleted: list[Record]


class Org:
    """Rows of one org. Implements `sandbox.salesforce.plan.Rows`."""

    def __init__(self, store: Store, clock: Clock, settings: Settings) -> None:
        self.store = store
        self.clock = clock
        self.settings = settings
        self._versions: dict[str, int] = {}
        self._rows: dict[str, _Rows] = {}
        self._external: dict[tuple[str, str], dict[str, list[str]]] = {}
        self._found: tuple[int, dict[str, dict[str, str]]] = (0, {})
        self.organization_id = salesforce_id("00D", 1, settings.pod)
        self.catalogue = catalogue(settings.cloud, settings.hidden_fields, settings.currencies, self._extensions)

    def now(self) -> datetime:
        return self.clock.now()

    def stamp(self) -> str:
        return stamp(self.clock.now())

    def sobject(self, name: str) -> SObject | None:
        return self.catalogue.get(name)

    def need_sobject(self, name: str) -> SObject:
        found = self.sobject(name)
        if found is None:
            raise ApiError(404, "NOT_FOUND", "The requested resource does not exist")
        return found

    # rows

    def row(self, name: str, id: str) -> Record | None:
        found = self.store.get(name, id)
        return found if found is None or name not in COVERED else self._of_today(found)

    def _of_today(self, row: Record) -> Record:
        """Cover begins and ends by the calendar, without a change of its row's stamps."""
        today = self.clock.now().date().isoformat()
        start, end = row.get("StartDate"), row.get("EndDate")
        status = "Inactive" if start is None or start > today else "Expired" if end is not None and end < today else "Active"
        return row if row.get("Status") == status else {**row, "Status": status}

    def readable(self, row: Record, *, deleted: bool) -> bool:
        if not row.get("IsDeleted"):
            return True
        return deleted and not row.get("_purged") and row["SystemModstamp"] >= self._bin_horizon()

    def _bin_horizon(self) -> str:
        return stamp(self.clock.now() - timedelta(days=RECYCLE_BIN_DAYS))

    def rows(self, name: str, *, deleted: bool) -> tuple[Sequence[Record], Sequence[Record]]:
        split = self._split(name)
        if not deleted or not split.deleted:
            return split.live, split.withheld
        return [*split.live, *(row for row in split.deleted if self.readable(row, deleted=True))], split.withheld

    def deleted_rows(self, name: str) -> list[Record]:
        return self._split(name).deleted

    def count(self, name: str) -> int:
        split = self._split(name)
        return len(split.live) + len(split.withheld)

    def _split(self, name: str) -> _Rows:
        version = self._versions.get(name, 0), self.clock.now().date() if name in COVERED else None
        cached = self._rows.get(name)
        if cached is not None and cached.version == version:
            return cached
        live: list[Record] = []
        withheld: list[Record] = []
        deleted: list[Record] = []
        for row in list(self.store.collection(name).values()):
            if name in COVERED:
                row = self._of_today(row)
            (deleted if row.get("IsDeleted") else withheld if row.get("_hidden") else live).append(row)
        fresh = _Rows(version, live, withheld, deleted)
        self._rows[name] = fresh
        return fresh

    def put(self, name: str, record: Record) -> None:
        id = record["Id"]
        before = self.store.get(name, id)
        self.store.put(name, id, record)
        self._versions[name] = self._versions.get(name, 0) + 1  # after the row is in place: a reader in between rebuilds once more
        for (owner, column), index in self._external.items():
            if owner == name:
                _move(index, column, before, record)

    def remove(self, name: str, id: str) -> None:
        """Take back a row that a rolled-back request had made."""
        before = self.store.get(name, id)
        self.store.delete(name, id)
        self._versions[name] = self._versions.get(name, 0) + 1
        for (owner, column), index in self._external.items():
            if owner == name:
                _move(index, column, before, None)

    def forget_caches(self) -> None:
        self._rows.clear()
        self._external.clear()
        self._found = (0, {})

    def find_external(self, name: str, column: str, value: str) -> list[str]:
        """Ids of the live rows whose external-id field holds the value, without regard to case."""
        index = self._external.get((name, column))
        if index is None:
            with self.store.lock:
                index = {}
                for row in self.store.collection(name).values():
                    _move(index, column, None, row)
                self._external[name, column] = index
        return sorted(index.get(value.casefold(), ()))

    def new_id(self, sobject: SObject) -> str:
        return salesforce_id(sobject.prefix, self.store.next_number(f"salesforce.{sobject.name}", _FIRST_API_NUMBER), self.settings.pod)

    def world_id(self, entity: str, key: int) -> str:
        """The id of a row of the world in this org."""
        return native_id(entity, key, self.settings.pod)

    def user_ids(self) -> list[str]:
        """The people: the users that are neither the integration user nor the automated process."""
        return sorted(id for id in self.store.collection("User") if id not in (INTEGRATION_USER, AUTOMATED_USER))

    # fields that the data carries beyond the catalogue

    def _extensions(self, name: str) -> dict[str, str]:
        known = self.store.collection("_field")
        if self._found[0] != len(known):
            found: dict[str, dict[str, str]] = {}
            for entry in list(known.values()):
                found.setdefault(entry["object"], {})[entry["field"]] = entry["type"]
            self._found = (len(known), found)
        return self._found[1].get(name, {})

    def add_field(self, name: str, column: str, value: Any) -> None:
        """Make a field of the data part of the object: new to the catalogue, or of another type than the catalogue says."""
        base = self.catalogue.objects[name.lower()].field(column)
        kind = _type_of(value)
        if value is None or (
            base is not None and (base.type == kind or (base.number and kind == "double") or (base.text and kind == "string"))
        ):
            return
        if base is not None and base.type in ("id", "reference", "date", "datetime") and kind == "string" and _fits(base.type, value):
            return
        id = f"{name}.{column}"
        if self.store.get("_field", id) is None:
            self.store.put("_field", id, {"object": name, "field": column, "type": kind})


def _move(index: dict[str, list[str]], column: str, before: Record | None, after: Record | None) -> None:
    if before is not None and before.get(column) is not None and not before.get("IsDeleted"):
        ids = index.get(str(before[column]).casefold(), [])
        if before["Id"] in ids:
            ids.remove(before["Id"])
    if after is not None and after.get(column) is not None and not after.get("IsDeleted"):
        index.setdefault(str(after[column]).casefold(), []).append(after["Id"])


def _type_of(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, float)):
        return "double"
    if isinstance(value, str) and _fits("date", value):
        return "date"
    if isinstance(value, str) and _fits("datetime", value):
        return "datetime"
    return "string"


def _fits(kind: str, value: Any) -> bool:
    text = str(value)
    if kind in ("id", "reference"):
        return full_id(text) is not None
    try:
        if kind == "date":
            return len(text) == 10 and bool(datetime.strptime(text, "%Y-%m-%d"))
        return text.endswith("+0000") and bool(parse_stamp(text))
    except ValueError:
        return False
