"""Writes that are not yet in the tenant: all of them get there together, or none does."""

from __future__ import annotations

from datetime import datetime

from sandbox.protocol import Record
from sandbox.sap_s4hana.catalogue import SETS
from sandbox.sap_s4hana.tenant import Tenant
from sandbox.sap_s4hana.wire import clock_time, day, key_text, milliseconds, moment


class Draft:
    """What a request, or a changeset of a batch, wants to write. `now` is one time for all of it."""

    def __init__(self, tenant: Tenant, now: datetime) -> None:
        self.tenant, self.now = tenant, now
        self._changes: dict[tuple[str, str], Record | None] = {}

    @property
    def user(self) -> str:
        return self.tenant.organisation.technical_user

    def get(self, name: str, id: str) -> Record | None:
        if (name, id) in self._changes:
            return self._changes[name, id]
        return self.tenant.store.get(name, id)

    def put(self, name: str, record: Record) -> Record:
        self._changes[name, key_text(SETS[name], record)] = record
        return record

    def delete(self, name: str, id: str) -> None:
        self._changes[name, id] = None

    def children(self, name: str, parent_id: str) -> list[Record]:
        ids = dict.fromkeys(self.tenant.children(name, parent_id))
        ids |= dict.fromkeys(id for held, id in self._changes if held == name and id.startswith(f"{parent_id}|"))
        return [record for id in ids if (record := self.get(name, id)) is not None]

    def number(self, sequence: str, start: int) -> str:
        return str(self.tenant.store.next_number(sequence, start))

    def commit(self) -> None:
        for (name, id), record in self._changes.items():
            if record is not None:
                self.tenant.put(name, id, record)
            elif self.tenant.store.get(name, id) is not None:
                self.tenant.delete_with_children(name, id)
        self._changes = {}

    # the stamps that a change leaves

    def changed_document(self, name: str, record: Record) -> Record:
        """Always later than the stamp that the tenant holds: two changes of one record never share a version."""
        at = moment(self.now) or ""
        held = self.tenant.store.get(name, key_text(SETS[name], record)) or {}
        before = held.get("LastChangeDateTime")
        if isinstance(before, str) and milliseconds(before) >= milliseconds(at):
            at = f"/Date({milliseconds(before) + 1}+0000)/"
        return {"LastChangeDate": day(self.now), "LastChangeDateTime": at}

    def changed_partner(self) -> Record:
        return {"LastChangeDate": day(self.now), "LastChangeTime": clock_time(self.now), "LastChangedByUser": self.user,
                "ETag": f"{self.user}{self.now:%Y%m%d%H%M%S}"}

    def changed_delivery(self, record: Record) -> Record:
        version = int(record.get("DeliveryVersion") or 0) % 9999 + 1
        return {"LastChangeDate": day(self.now), "LastChangedByUser": self.user, "DeliveryVersion": f"{version:04d}"}
