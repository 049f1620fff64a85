"""How a Zendesk account's service is set up and measured: groups, brands, memberships, SLA policies, metrics, timers, ratings.

What a metric is belongs to `measures`, pages to `pages`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from sandbox.protocol import Clock, Record, Response, json_response
from sandbox.zendesk import measures, records
from sandbox.zendesk.account import Account
from sandbox.zendesk.pages import Entry, Refused, invalid_attribute, list_page, whole_number
from sandbox.zendesk.records import stamp
from sandbox.zendesk.routing import Call, Route, not_found, sent_object, whole_id
from sandbox.zendesk.writes import Invalid

_LONG_AGO = "2024-01-01T00:00:00Z"
_MEMBERSHIP = 10_000_000_000  # a user's default membership has the user's id and this
_FIRST_MEMBERSHIP = 69_000_000_001
_GROUP_MEMBERSHIP = 12_000_000_000
_SCORES = ("offered", "unoffered", "received", "good", "bad", "received_with_comment", "received_without_comment", "good_with_comment",
           "good_without_comment", "bad_with_comment", "bad_without_comment")
BRANDS: tuple[Record, ...] = (
    {
        "id": 8_200_000_001, "name": "Concord Industries", "subdomain": "concord", "brand_url": "https://concord.zendesk.com",
        "host_mapping": None, "has_help_center": True, "help_center_state": "enabled", "active": True, "default": True,
        "is_deleted": False, "logo": None, "ticket_form_ids": [8_300_000_001], "signature_template": "{{agent.signature}}",
        "created_at": _LONG_AGO, "updated_at": _LONG_AGO,
    },
)
FORMS: tuple[Record, ...] = (
    {
        "id": 8_300_000_001, "name": "Default", "raw_name": "Default", "display_name": "Default", "raw_display_name": "Default",
        "position": 1, "active": True, "default": True, "end_user_visible": True, "in_all_brands": True, "restricted_brand_ids": [],
        "ticket_field_ids": [360_000_000_001 + place for place in range(6)] + [records.ORDER_FIELD_ID], "agent_conditions": [],
        "end_user_conditions": [], "created_at": _LONG_AGO, "updated_at": _LONG_AGO,
    },
)


class Service:
    """Reads over the account's records. `audits` of a ticket and `records` come from the account; nothing is kept twice."""

    def __init__(self, account: Account, clock: Clock) -> None:
        self.account, self.clock, self.store = account, clock, account.store
        self._measured: dict[int, tuple[Any, Any, Record, list[Entry]]] = {}
        self._timers: dict[int, int] = {}  # event -> the second under which exports select it
        self._shown_until = -1

    def routes(self) -> list[Route]:
        user = r"/users/(?P<id>[^/]+)"
        found: list[Route] = [
            ("GET", "/organization_memberships", self._memberships),
            ("GET", f"{user}/organization_memberships", self._memberships),
            ("GET", r"/organizations/(?P<key>[^/]+)/organization_memberships", self._memberships),
            ("GET", r"/organization_memberships/(?P<id>[^/]+)", self._membership),
            ("POST", "/organization_memberships", self._join),
            ("DELETE", r"/organization_memberships/(?P<id>[^/]+)", self._leave),
            ("PUT", r"/users/(?P<key>[^/]+)/organization_memberships/(?P<id>[^/]+)/make_default", self._make_default),
            ("GET", "/group_memberships", self._group_memberships),
            ("GET", f"{user}/group_memberships", self._group_memberships),
            ("GET", f"{user}/identities", self._identities),
            ("GET", "/groups/count", self._group_count),
            ("GET", "/group_slas/policies", lambda call: self._page(call, "group_sla_policies", [])),
            ("GET", "/custom_statuses", lambda call: json_response({"custom_statuses": _custom_statuses()})),
            ("GET", "/satisfaction_ratings", self._ratings),
            ("GET", "/satisfaction_ratings/count", self._rating_count),
            ("GET", r"/satisfaction_ratings/(?P<id>[^/]+)", self._rating),
            ("GET", "/ticket_metrics", self._metrics),
            ("GET", r"/ticket_metrics/(?P<id>[^/]+)", self._metric),
            ("GET", r"/tickets/(?P<key>[^/]+)/metrics", self._metric),
        ]
        for path, key, rows in (
            ("/groups", "groups", self._groups), ("/brands", "brands", lambda: BRANDS), ("/slas/policies", "sla_policies", lambda: measures.POLICIES),
            ("/ticket_forms", "ticket_forms", lambda: FORMS),
        ):
            found += _static(self, path, key, rows)
        return found

    def _page(self, call: Call, key: str, rows: Sequence[Record], total: int | None = None) -> Response:
        def show(row: Record) -> Record:
            return _shown(row, key, call.base)

        return json_response(list_page(call.request, call.path, key, rows, show, len(rows) if total is None else total))

    # Groups and memberships

    def _groups(self) -> Sequence[Record]:
        return sorted(self.store.collection("groups").values(), key=lambda row: row["id"])

    def _group_count(self, call: Call) -> Response:
        return json_response({"count": {"value": len(self._groups()), "refreshed_at": stamp(self.clock.now())}})

    def _group_memberships(self, call: Call) -> Response:
        rows = [
            {
                "id": user["id"] + _GROUP_MEMBERSHIP, "user_id": user["id"], "group_id": records.SUPPORT_GROUP_ID, "default": True,
                "created_at": user["created_at"], "updated_at": user["updated_at"],
            }
            for user in self.account.listed("users")
            if user["role"] != "end-user" and (not call.id or str(user["id"]) == call.id)
        ]
        return self._page(call, "group_memberships", rows)

    def memberships(self) -> list[Record]:
        """Each user's own organization as default membership, and those that were added, in the order of ids."""
        rows = []
        for user in self.account.listed("users"):
            if user.get("organization_id"):
                joined = user.get("_joined") or user["created_at"]
                rows.append({
                    "id": user["id"] + _MEMBERSHIP, "user_id": user["id"], "organization_id": user["organization_id"], "default": True,
                    "view_tickets": False, "created_at": joined, "updated_at": joined,
                })
        rows += self.store.collection("organization_memberships").copy().values()
        return sorted(rows, key=lambda row: row["id"])

    def _named(self, row: Record) -> Record:
        name = (self.store.get("organizations", str(row["organization_id"])) or {}).get("name")
        return {**row, "organization_name": name}

    def _memberships(self, call: Call) -> Response:
        rows = self.memberships()
        if call.id:
            self._found("users", call.id)
            rows = [row for row in rows if str(row["user_id"]) == call.id]
        if call.key:
            self._found("organizations", call.key)
            rows = [row for row in rows if str(row["organization_id"]) == call.key]

        def show(row: Record) -> Record:
            return _shown(self._named(row), "organization_memberships", call.base)

        return json_response(list_page(call.request, call.path, "organization_memberships", rows, show, len(rows)))

    def _held(self, id: str, key: str = "") -> Record:
        row = next((row for row in self.memberships() if str(row["id"]) == id), None)
        if row is None or (key and str(row["user_id"]) != key):
            raise Refused(not_found())
        return row

    def _membership(self, call: Call) -> Response:
        return json_response({"organization_membership": _shown(self._named(self._held(call.id)), "organization_memberships", call.base)})

    def _join(self, call: Call) -> Response:
        wanted = sent_object(call, "organization_membership")
        user = self._found("users", str(wanted.get("user_id") or ""))
        organization = self._found("organizations", str(wanted.get("organization_id") or ""))
        if any(row["user_id"] == user["id"] and row["organization_id"] == organization["id"] for row in self.memberships()):
            raise Invalid({"user_id": [{"description": "User has already been taken", "error": "DuplicateValue"}]})
        now = stamp(self.clock.now())
        row: Record = {
            "id": self.store.next_number("organization_memberships", _FIRST_MEMBERSHIP), "user_id": user["id"],
            "organization_id": organization["id"], "default": False, "view_tickets": False, "created_at": now, "updated_at": now,
        }
        if not user.get("organization_id"):
            self._move(user, organization["id"])
            row = self._held(str(user["id"] + _MEMBERSHIP))
        else:
            self.account.put("organization_memberships", row)
            self._move(user, user["organization_id"])
        return json_response({"organization_membership": _shown(self._named(row), "organization_memberships", call.base)}, 201)

    def _move(self, user: Record, organization: int | None) -> None:
        now = self.clock.now()
        moved = {"_joined": stamp(now)} if organization != user.get("organization_id") else {}
        self.account.put("users", {**user, **moved, "organization_id": organization, "updated_at": stamp(now), "_generated": records.epoch(now)})

    def _leave(self, call: Call) -> Response:
        row = self._held(call.id)
        user = self._found("users", str(row["user_id"]))
        if row["default"]:
            others = [other for other in self.memberships() if other["user_id"] == row["user_id"] and not other["default"]]
            for other in others[:1]:
                self.account.drop("organization_memberships", other["id"])
            self._move(user, others[0]["organization_id"] if others else None)
        else:
            self.account.drop("organization_memberships", row["id"])
            self._move(user, user.get("organization_id"))
        return Response(204)

    def _make_default(self, call: Call) -> Response:
        row = self._held(call.id, call.key)
        user = self._found("users", call.key)
        if not row["default"]:
            former, now = user.get("organization_id"), stamp(self.clock.now())
            self.account.put("organization_memberships", {**row, "organization_id": former, "updated_at": now})
            self._move(user, row["organization_id"])
        call_rows = [self._named(other) for other in self.memberships() if other["user_id"] == user["id"]]
        return json_response({
            "organization_memberships": [_shown(other, "organization_memberships", call.base) for other in call_rows],
            "count": len(call_rows), "next_page": None, "previous_page": None,
        })

    def _found(self, kind: str, id: str) -> Record:
        record = self.store.get(kind, whole_id(id, kind))
        if record is None:
            raise Refused(not_found())
        return record

    def _identities(self, call: Call) -> Response:
        user = self._found("users", call.id)
        values = [(kind, user[name]) for name, kind in (("email", "email"), ("phone", "phone_number")) if user.get(name)]
        rows = [
            {
                "id": user["id"] * 10 + place, "user_id": user["id"], "type": kind, "value": value, "verified": True, "primary": place == 0,
                "created_at": user["created_at"], "updated_at": user["updated_at"],
                **({"deliverable_state": "deliverable", "undeliverable_count": 0} if kind == "email" else {}),
            }
            for place, (kind, value) in enumerate(values)
        ]

        def show(row: Record) -> Record:
            return {"url": f"{call.base}/api/v2/users/{user['id']}/identities/{row['id']}.json", **row}

        return json_response(list_page(call.request, call.path, "identities", rows, show, len(rows)))

    # Ratings

    def _ratings(self, call: Call) -> Response:
        low, high = whole_number(call.request, "start_time", 0, 0), whole_number(call.request, "end_time", 2**40, 0)
        score = call.request.param("score")
        if score is not None and score not in _SCORES:
            raise invalid_attribute("score", f"score must be one of {', '.join(_SCORES)}")
        rows = [
            row for row in self._all_ratings()
            if low <= records.epoch(datetime.fromisoformat(row["created_at"])) <= high and (score is None or _has_score(row, score))
        ]
        return self._page(call, "satisfaction_ratings", rows)

    def _all_ratings(self) -> list[Record]:
        return sorted(self.store.collection("satisfaction_ratings").copy().values(), key=lambda row: row["id"])

    def _rating_count(self, call: Call) -> Response:
        return json_response({"count": {"value": len(self._all_ratings()), "refreshed_at": stamp(self.clock.now())}})

    def _rating(self, call: Call) -> Response:
        row = self._found("satisfaction_ratings", call.id)
        return json_response({"satisfaction_rating": _shown(row, "satisfaction_ratings", call.base)})

    # Metrics and timers

    def is_agent(self, user: Any) -> bool:
        record = self.store.get("users", str(user))
        return record is not None and record["role"] != "end-user"

    def _measure(self, ticket: Record) -> tuple[Record, list[Entry]]:
        """A ticket's metric set and timer events, worked out again when the ticket or its written audits changed."""
        written = self.account.written(ticket["id"])
        held = self._measured.get(ticket["id"])
        if held is None or held[0] is not ticket or held[1] != written:
            audits = self.account.audits(ticket["id"])
            timers: list[Entry] = list(measures.timer_events(ticket, audits, self.is_agent))
            held = (ticket, written, measures.metric_set(ticket, audits, self.is_agent), timers)
            self._measured[ticket["id"]] = held
        return held[2], held[3]

    def metric_set(self, ticket: Record, base: str) -> Record:
        row = self._measure(ticket)[0]
        return {"url": f"{base}/api/v2/ticket_metrics/{row['id']}.json", **row}

    def _metrics(self, call: Call) -> Response:
        """Like the list of tickets: archived ones are left out."""
        tickets = {ticket["id"]: ticket for ticket in self.account.listed("tickets")}
        rows = [{"id": measures.METRIC_OFFSET + id, "ticket_id": id} for id in tickets]

        def show(row: Record) -> Record:
            return self.metric_set(tickets[row["ticket_id"]], call.base)

        return json_response(list_page(call.request, call.path, "ticket_metrics", rows, show, len(rows)))

    def _metric(self, call: Call) -> Response:
        id = whole_id(call.key, "tickets") if call.key else str(int(whole_id(call.id, "ticket_metrics")) - measures.METRIC_OFFSET)
        return json_response({"ticket_metric": self.metric_set(self._found("tickets", id), call.base)})

    def exported_timers(self, horizon: int) -> list[Entry]:
        """Timer events in the order of selection; one that is found out later than its time comes behind what exports have shown."""
        entries: list[Entry] = []
        for ticket in list(self.store.collection("tickets").values()):
            for second, id, record in self._measure(ticket)[1]:
                at = self._timers.setdefault(id, max(second, self._shown_until + 1))
                entries.append((at, id, None if "_hidden" in ticket else record))
        self._shown_until = max(self._shown_until, horizon)
        return sorted(entries, key=lambda entry: entry[:2])


def _static(service: Service, path: str, key: str, rows: Callable[[], Sequence[Record]]) -> list[Route]:
    singular = "sla_policy" if key == "sla_policies" else key[:-1]

    def show_all(call: Call) -> Response:
        return service._page(call, key, rows())

    def show_one(call: Call) -> Response:
        row = next((row for row in rows() if str(row["id"]) == call.id), None)
        if row is None:
            raise Refused(not_found())
        return json_response({singular: _shown(row, key, call.base)})

    return [("GET", path, show_all), ("GET", path + r"/(?P<id>\d+)", show_one)]


def _shown(row: Record, key: str, base: str) -> Record:
    path = "slas/policies" if key == "sla_policies" else key
    return {"url": f"{base}/api/v2/{path}/{row['id']}.json", **{name: value for name, value in row.items() if name[0] != "_"}}


def _has_score(row: Record, score: str) -> bool:
    kind, _, rest = score.partition("_")
    if kind in ("received", "good", "bad"):
        if kind != "received" and row["score"] != kind or kind == "received" and row["score"] not in ("good", "bad"):
            return False
        return rest == "" or bool(row["comment"]) == (rest == "with_comment")
    return bool(row["score"] == kind)


def _custom_statuses() -> list[Record]:
    found = []
    for status in records.TICKET_STATUSES:
        if status == "closed":
            continue
        label = status.capitalize()
        found.append({
            "id": records.custom_status_id(status), "status_category": status, "agent_label": label, "raw_agent_label": label,
            "end_user_label": label, "raw_end_user_label": label, "description": "", "raw_description": "", "end_user_description": "",
            "raw_end_user_description": "", "active": True, "default": True, "created_at": _LONG_AGO, "updated_at": _LONG_AGO,
        })
    return found
