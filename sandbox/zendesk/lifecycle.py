"""The ends of Zendesk's records: merges of users, organizations and tickets, permanent deletion, and the lists of the deleted.

Ordinary writes belong to `writes` and `api`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sandbox.protocol import Clock, Record, Response, json_response
from sandbox.zendesk import records
from sandbox.zendesk.account import Account
from sandbox.zendesk.pages import Refused, list_page
from sandbox.zendesk.records import epoch, stamp
from sandbox.zendesk.routing import Call, Route, not_found, sent_object, whole_id
from sandbox.zendesk.writes import Invalid

Queue = Callable[[Call, str, list[Record], Callable[[int, Record], Record]], Response]
WriteTicket = Callable[[Record, Record], None]  # a ticket and what to change in it
_USER_OF_TICKET = ("requester_id", "submitter_id", "assignee_id")


class Lifecycle:
    def __init__(self, account: Account, clock: Clock, actor_id: int, queue: Queue, write_ticket: WriteTicket) -> None:
        self.account, self.clock, self.store = account, clock, account.store
        self.actor_id, self.queue, self.write_ticket = actor_id, queue, write_ticket

    def routes(self) -> list[Route]:
        id = r"(?P<id>[^/]+)"
        return [
            ("PUT", f"/users/{id}/merge", self._merge_users),
            ("POST", f"/organizations/{id}/merge", self._merge_organizations),
            ("PUT", f"/organizations/{id}/merge", self._merge_organizations),
            ("GET", f"/organizations/{id}/merges", self._merges),
            ("GET", f"/organization_merges/{id}", self._merge),
            ("POST", f"/tickets/{id}/merge", self._merge_tickets),
            ("DELETE", f"/deleted_tickets/{id}", self._destroy_ticket),
            ("GET", "/deleted_users", self._deleted_users),
            ("GET", "/deleted_users/count", self._deleted_count),
            ("GET", f"/deleted_users/{id}", self._deleted_user),
            ("DELETE", f"/deleted_users/{id}", self._destroy_user),
        ]

    def _found(self, kind: str, id: Any) -> Record:
        record = self.store.get(kind, whole_id(str(id), kind))
        if record is None:
            raise Refused(not_found())
        return record

    def _touched(self, record: Record, **fields: Any) -> Record:
        now = self.clock.now()
        return {**record, **fields, "updated_at": stamp(now), "_generated": epoch(now)}

    # Merges

    def _merge_users(self, call: Call) -> Response:
        """The user of the path is lost to the one of the body: its tickets move, it stays as an inactive user."""
        loser, winner = self._found("users", call.id), self._found("users", sent_object(call, "user").get("id"))
        if loser["id"] == winner["id"] or any(user["role"] != "end-user" or not user["active"] for user in (loser, winner)):
            raise Invalid({"base": [{"description": "Only two different active end users can be merged", "error": "InvalidValue"}]})
        for ticket in list(self.store.collection("tickets").values()):
            moved = {name: winner["id"] for name in _USER_OF_TICKET if ticket.get(name) == loser["id"]}
            if moved:
                self.account.put("tickets", self._touched(ticket, **moved))
        self.account.put("users", self._touched(loser, active=False, email=None))
        gained = {name: loser.get(name) for name in ("email", "phone", "external_id") if not winner.get(name) and loser.get(name)}
        merged = self._touched(winner, **gained)
        self.account.put("users", merged)
        return json_response({"user": records.show_user(merged, call.base)})

    def _merge_organizations(self, call: Call) -> Response:
        loser = self._found("organizations", call.id)
        winner = self._found("organizations", sent_object(call, "organization_merge").get("winner_id"))
        if loser["id"] == winner["id"]:
            raise Invalid({"winner_id": [{"description": "Winner and loser must differ", "error": "InvalidValue"}]})
        for kind in ("users", "tickets"):
            for row in [row for row in self.store.collection(kind).values() if row.get("organization_id") == loser["id"]]:
                self.account.put(kind, self._touched(row, organization_id=winner["id"]))
        domains = list(dict.fromkeys([*winner["domain_names"], *loser["domain_names"]]))
        self.account.put("organizations", self._touched(winner, domain_names=domains))
        self.account.drop("organizations", loser["id"])
        self.account.put("deleted_organizations", {**self._touched(loser), "deleted_at": stamp(self.clock.now())})
        id = f"01M{self.store.next_number('organization_merges', 1):023d}"
        merge = {"id": id, "winner_id": winner["id"], "loser_id": loser["id"], "status": "complete"}
        self.store.put("organization_merges", id, merge)
        return json_response({"organization_merge": {**self._merge_shown(merge, call.base), "status": "new"}})

    def _merge_shown(self, merge: Record, base: str) -> Record:
        return {"url": f"{base}/api/v2/organization_merges/{merge['id']}.json", **merge}

    def _merge(self, call: Call) -> Response:
        merge = self.store.get("organization_merges", call.id)
        if merge is None:
            raise Refused(not_found())
        return json_response({"organization_merge": self._merge_shown(merge, call.base)})

    def _merges(self, call: Call) -> Response:
        id = int(whole_id(call.id, "organizations"))
        rows = [merge for merge in self.store.collection("organization_merges").copy().values() if id in (merge["winner_id"], merge["loser_id"])]
        return json_response(list_page(call.request, call.path, "organization_merges", rows, lambda row: self._merge_shown(row, call.base), len(rows)))

    def _merge_tickets(self, call: Call) -> Response:
        """The tickets of the body are closed into the one of the path."""
        target, ids = self._found("tickets", call.id), call.body.get("ids")
        if not isinstance(ids, list) or not 0 < len(ids) <= 5:
            raise Refused(json_response({"error": {"title": "Invalid attribute", "message": "Parameter ids must name 1 to 5 tickets"}}, 400))
        if target["status"] == "closed":
            raise Invalid({"status": [{"description": "Status closed prevents ticket update"}]})

        def work(index: int, item: Record) -> Record:
            source = self.store.get("tickets", str(item["id"]))
            if source is None or source["id"] == target["id"]:
                raise Invalid({"base": [{"description": "Ticket not found", "error": "RecordNotFound"}]})
            body = str(call.body.get("source_comment") or f"This request was closed and merged into request #{target['id']}.")
            self.write_ticket(source, {"status": "closed", "additional_tags": ["closed_by_merge"], "comment": {"body": body, "public": False}})
            return {"id": source["id"], "action": "merge", "success": True, "status": "Updated"}

        response = self.queue(call, "Merge", [{"id": id} for id in ids], work)
        body = str(call.body.get("target_comment") or f"Requests {', '.join(f'#{id}' for id in ids)} were closed and merged into this request.")
        self.write_ticket(target, {"comment": {"body": body, "public": False}})
        return response

    # The deleted

    def _destroy_ticket(self, call: Call) -> Response:
        """The ticket leaves the bin for good; exports go on showing that it was deleted."""
        held = self._found("deleted_tickets", call.id)
        if "_scrubbed" in held:
            raise Refused(not_found())
        now = self.clock.now()

        def work(index: int, item: Record) -> Record:
            gone = {**held, "subject": "SCRUBBED", "raw_subject": "SCRUBBED", "description": "SCRUBBED", "_scrubbed": True, "_generated": epoch(now)}
            self.account.put("deleted_tickets", gone)
            return {"id": held["id"], "action": "delete", "success": True, "status": "Deleted"}

        return self.queue(call, "Delete", [{"id": held["id"]}], work)

    def _gone(self) -> list[Record]:
        rows = self.store.collection("users").copy().values()
        return sorted((row for row in rows if not row["active"] and not row.get("permanently_deleted")), key=lambda row: row["id"])

    def _deleted_users(self, call: Call) -> Response:
        rows = self._gone()
        return json_response(list_page(call.request, call.path, "deleted_users", rows, lambda row: _shown_deleted(row, call.base), len(rows)))

    def _deleted_count(self, call: Call) -> Response:
        return json_response({"count": {"value": len(self._gone()), "refreshed_at": stamp(self.clock.now())}})

    def _one_gone(self, call: Call) -> Record:
        record = self._found("users", call.id)
        if record["active"] or record.get("permanently_deleted"):
            raise Refused(not_found())
        return record

    def _deleted_user(self, call: Call) -> Response:
        return json_response({"deleted_user": _shown_deleted(self._one_gone(call), call.base)})

    def _destroy_user(self, call: Call) -> Response:
        record = self._one_gone(call)
        erased = self._touched(record, name="Permanently Deleted User", email=None, phone=None, details=None, notes=None, permanently_deleted=True)
        self.account.put("users", erased)
        return json_response({"deleted_user": _shown_deleted(erased, call.base)})


def _shown_deleted(record: Record, base: str) -> Record:
    shown = records.show_user(record, base)
    names = ("id", "name", "email", "role", "active", "organization_id", "phone", "shared_phone_number", "locale", "locale_id", "photo",
             "time_zone", "created_at", "updated_at")
    return {"url": f"{base}/api/v2/deleted_users/{record['id']}.json", **{name: shown.get(name) for name in names}}
