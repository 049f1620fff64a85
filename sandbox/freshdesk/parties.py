"""Contacts and companies of the Freshdesk stand-in: lists, single views, writes, merges and deletions.

What a write may hold belongs to `writes`, how records look to `records`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from sandbox.freshdesk import fields, records, writes
from sandbox.freshdesk.account import Account
from sandbox.freshdesk.answers import invalid, moment_param, one_of, only, page, unknown_id, wrong_verb
from sandbox.freshdesk.calls import PAGING, Call, Handler, bare, created, known, number, numbers
from sandbox.freshdesk.records import stamp
from sandbox.protocol import Clock, Record, Response, Store, json_response

_CONTACT_STATES = ("blocked", "deleted", "unverified", "verified")


class Parties:
    def __init__(self, store: Store, clock: Clock, account: Account, *, count_list: Callable[[], None], companies_filter: bool) -> None:
        """`count_list` counts a list of contacts against the plan's limit; without `companies_filter` updated_since is passed over."""
        self.store = store
        self._clock, self._account, self._count_list, self._companies_filter = clock, account, count_list, companies_filter

    def routes(self) -> list[tuple[str, str, Handler]]:
        id = r"/(?P<id>\d+)"
        return [
            ("GET", "/contacts", self._list_contacts),
            ("POST", "/contacts", self._create_contact),
            ("POST", "/contacts/merge", self._merge_contacts),
            ("GET", "/(?P<kind>contacts|companies)/autocomplete", self._autocomplete),
            ("GET", f"/contacts{id}", self._show_contact),
            ("PUT", f"/contacts{id}", self._update_contact),
            ("DELETE", f"/contacts{id}", self._delete_contact),
            ("PUT", f"/contacts{id}/restore", self._restore_contact),
            ("DELETE", f"/contacts{id}/hard_delete", self._hard_delete_contact),
            ("GET", "/companies", self._list_companies),
            ("POST", "/companies", self._create_company),
            ("GET", f"/companies{id}", self._show_company),
            ("PUT", f"/companies{id}", self._update_company),
            ("DELETE", f"/companies{id}", self._delete_company),
        ]

    def _now(self) -> str:
        return stamp(self._clock.now())

    def _later(self, record: Record) -> str:
        return max(self._now(), record["updated_at"])

    def _found(self, kind: str, id: str) -> Record:
        found = self.store.get(kind, str(int(id)))
        if found is None:
            raise unknown_id()
        return found

    # Contacts

    def _list_contacts(self, call: Call) -> Response:
        request = call.request
        only(request, (*PAGING, "updated_since", "_updated_since", "state", "email", "mobile", "phone", "company_id", "unique_external_id"))
        self._count_list()
        state = request.param("state")
        if state is not None and state not in _CONTACT_STATES:
            raise invalid([one_of("state", _CONTACT_STATES)])
        since = moment_param(request, "updated_since", "_updated_since") or ""
        filters = [(name, text) for name in ("email", "mobile", "phone", "company_id", "unique_external_id") if (text := request.param(name)) is not None]

        def build() -> list[Record]:
            rows = self._account.shown("contacts", lambda row: row["id"] * 2_654_435_761 % 4_294_967_296)
            rows = [row for row in rows if _in_state(row, state) and row["updated_at"] >= since]
            return [row for row in rows if all(str(row[name] or "").lower() == text.lower() for name, text in filters)]

        return page(request, self._account.cached(f"contacts {state} {since} {filters}", "contacts", build), bare)

    def _show_contact(self, call: Call) -> Response:
        only(call.request, ())
        return json_response(self._contact(self._found("contacts", call.id)))

    def _contact(self, row: Record) -> Record:
        """A single view tells more of the other companies than a list does."""
        others = []
        for id in row["other_companies"]:
            company = self.store.get("companies", str(id))
            others.append({"company_id": id, "view_all_tickets": False, "name": company["name"] if company else None})
        return {**bare(row), "other_companies": others, "avatar": None}

    def _agent_emails(self) -> frozenset[str]:
        return frozenset((row["contact"]["email"] or "").lower() for row in self.store.collection("agents").values())

    def _create_contact(self, call: Call) -> Response:
        new = records.new_contact(0, self._now())
        record = writes.contact(None, call.body, self._holder("contacts"), self._account.exists, new, self._agent_emails())
        record["id"] = self._account.new_id("contacts")
        if record["company_id"] is None and "company_id" not in call.body and record["email"]:  # the company that has the domain
            domain = record["email"].rpartition("@")[2].lower()
            record["company_id"] = next((row["id"] for row in self.store.collection("companies").values() if domain in row["domains"]), None)
        self._account.put("contacts", record)
        return created(call, "contacts", self._contact(record))

    def _holder(self, kind: str) -> Callable[[str, str], int | None]:
        return lambda name, value: self._account.holder(kind, name, value)

    def _update_contact(self, call: Call) -> Response:
        held = self._found("contacts", call.id)
        if held.get("deleted"):
            raise wrong_verb("PUT", ["GET"])
        record = writes.contact(held, call.body, self._holder("contacts"), self._account.exists, held, self._agent_emails())
        record = {**record, "updated_at": self._later(held)}
        self._account.put("contacts", record)
        return json_response(self._contact(record))

    def _delete_contact(self, call: Call) -> Response:
        held = self._found("contacts", call.id)
        if held.get("deleted"):
            raise wrong_verb("DELETE", ["GET"])
        self._account.put("contacts", {**held, "deleted": True, "updated_at": self._later(held)})
        return Response(204)

    def _restore_contact(self, call: Call) -> Response:
        held = self._found("contacts", call.id)
        if not held.get("deleted"):
            raise unknown_id()
        self._account.put("contacts", {**{name: value for name, value in held.items() if name != "deleted"}, "updated_at": self._later(held)})
        return Response(204)

    def _hard_delete_contact(self, call: Call) -> Response:
        held = self._found("contacts", call.id)
        if not held.get("deleted") and (call.request.param("force") or "").lower() != "true":
            raise wrong_verb("DELETE", ["GET"])
        for id in [id for id, row in self.store.collection("tickets").items() if row["requester_id"] == held["id"]]:
            self._account.drop("tickets", id)
        self._account.drop("contacts", call.id)
        return Response(204)

    def _merge_contacts(self, call: Call) -> Response:
        body = known(call.body, {"primary_contact_id", "secondary_contact_ids", "contact"})
        primary = self._found("contacts", str(number(body, "primary_contact_id")))
        secondaries = [self._found("contacts", str(id)) for id in numbers(body, "secondary_contact_ids")]
        if isinstance(body.get("contact"), dict):
            free = self._holder("contacts")
            ours = {row["id"] for row in secondaries}
            changed = writes.contact(
                primary, body["contact"], lambda name, value: None if free(name, value) in ours else free(name, value), self._account.exists, primary,
                self._agent_emails())
            self._account.put("contacts", {**changed, "updated_at": self._later(primary)})
        gone = {row["id"] for row in secondaries}
        for row in secondaries:
            self._account.put("contacts", {**row, "deleted": True, "updated_at": self._later(row)})
        for row in [row for row in self.store.collection("tickets").values() if row["requester_id"] in gone]:
            self._account.put("tickets", {**row, "requester_id": primary["id"], "updated_at": self._later(row)})
        return Response(204)

    def _autocomplete(self, call: Call) -> Response:
        name = "term" if call.kind == "contacts" else "name"
        only(call.request, (name,))
        text = (call.request.param(name) or "").lower()
        if not text:
            raise invalid([(name, "It should not be blank as this is a mandatory field", "missing_field")])
        rows = [
            {"id": row["id"], "name": row["name"]} for row in self._account.shown(call.kind, lambda row: row["id"])
            if not row.get("deleted") and any(word.startswith(text) for word in (str(row["name"]).lower(), *str(row["name"]).lower().split()))
        ]
        return json_response(rows[:10] if call.kind == "contacts" else {"companies": rows[:10]})

    # Companies

    def _list_companies(self, call: Call) -> Response:
        only(call.request, (*PAGING, "updated_since"))
        since = (moment_param(call.request, "updated_since") or "") if self._companies_filter else ""

        def build() -> list[Record]:
            return [row for row in self._account.shown("companies", lambda row: (str(row["name"]).lower(), row["id"])) if row["updated_at"] >= since]

        return page(call.request, self._account.cached(f"companies {since}", "companies", build), company_view)

    def _show_company(self, call: Call) -> Response:
        only(call.request, ())
        return json_response(company_view(self._found("companies", call.id)))

    def _create_company(self, call: Call) -> Response:
        now = self._now()
        new: Record = {
            "id": 0, "name": None, "description": None, "note": None, "domains": [], "created_at": now, "updated_at": now,
            "custom_fields": dict.fromkeys(fields.COMPANY_CUSTOM), "health_score": None, "account_tier": None, "renewal_date": None,
            "industry": None,
        }
        record = writes.company(None, call.body, self._holder("companies"), new)
        record["id"] = self._account.new_id("companies")
        self._account.put("companies", record)
        return created(call, "companies", company_view(record))

    def _update_company(self, call: Call) -> Response:
        held = self._found("companies", call.id)
        record = writes.company(held, call.body, self._holder("companies"), held) | {"updated_at": self._later(held)}
        self._account.put("companies", record)
        return json_response(company_view(record))

    def _delete_company(self, call: Call) -> Response:
        """Gone for good; its contacts stay without a company."""
        held = self._found("companies", call.id)
        self._account.drop("companies", str(held["id"]))
        for row in [row for row in self.store.collection("contacts").values() if row["company_id"] == held["id"]]:
            self._account.put("contacts", {**row, "company_id": None, "updated_at": self._later(row)})
        return Response(204)


def company_view(record: Record) -> Record:
    """Some accounts' companies tell their times with an offset; here a quarter of them do."""
    shown = bare(record)
    if record["id"] % 4 == 0:
        for name in ("created_at", "updated_at"):
            shown[name] = _with_offset(record[name])
    return shown


def _with_offset(text: str) -> str:
    at = datetime.fromisoformat(text) + timedelta(hours=5, minutes=30)
    return at.strftime("%Y-%m-%dT%H:%M:%S+05:30")


def _in_state(row: Record, state: str | None) -> bool:
    if row.get("deleted"):
        return state == "deleted"
    if row.get("_blocked"):
        return state == "blocked"
    return state is None or (state == "verified" and row["active"]) or (state == "unverified" and not row["active"])
