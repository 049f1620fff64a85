"""What Zendesk measures of a ticket: its metric set, the events of its timers, the SLA policies, and the customer's rating.

Pure functions over tickets and their audits; where they are listed belongs to `service`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sandbox.protocol import Record
from sandbox.zendesk.records import epoch, stamp

SOLVED = frozenset(("solved", "closed"))
METRIC_OFFSET = 61_000_000_000  # a ticket's metric set has an id of its own
_EVENTS = 100  # room for one ticket's timer events
_TARGETS = {"urgent": (60, 480), "high": (240, 1440)}  # minutes to the first reply, to the solution
POLICIES: tuple[Record, ...] = (
    {
        "id": 25_000_001, "title": "Urgent and high", "description": "Answer and solve within hours", "position": 1,
        "filter": {"all": [{"field": "priority", "operator": "greater_than", "value": "normal"}], "any": []},
        "policy_metrics": [
            {"priority": priority, "metric": metric, "target": target, "business_hours": False}
            for priority, (reply, solution) in _TARGETS.items()
            for metric, target in (("first_reply_time", reply), ("total_resolution_time", solution))
        ],
        "created_at": "2024-01-01T00:00:00Z", "updated_at": "2024-01-01T00:00:00Z",
    },
)

IsAgent = Callable[[Any], bool]


class _Life:
    """The moments of a ticket that its measures are made of."""

    def __init__(self, ticket: Record, audits: Sequence[Record], is_agent: IsAgent) -> None:
        self.opened = datetime.fromisoformat(ticket.get("_opened_at") or ticket["created_at"])
        self.first_reply: datetime | None = None
        self.replies = self.reopens = self.assignees = 0
        self.last_comment = self.requester_at = self.assigned = self.first_assigned = self.status_at = None  # type: datetime | None
        self.spent: dict[str, timedelta] = {}
        self.steps: list[tuple[datetime, str]] = []
        self.first_solved: datetime | None = None
        self.solved: datetime | None = None
        status, since, requester = "new", self.opened, ticket.get("requester_id")
        for number, audit in enumerate(audits):
            at = datetime.fromisoformat(audit["created_at"])
            for child in audit["events"]:
                if child["type"] == "Comment":
                    self.last_comment = at
                    if is_agent(child["author_id"]):
                        if number and child["public"]:
                            self.replies += 1
                            self.first_reply = self.first_reply or at
                    elif child["author_id"] == requester:
                        self.requester_at = at
                elif child.get("field_name") == "assignee_id" and child.get("value"):
                    self.assigned, self.first_assigned = at, self.first_assigned or at
                    self.assignees += 1
                elif child.get("field_name") == "status" and child.get("value"):
                    self.spent[status] = self.spent.get(status, timedelta()) + (at - since)
                    before, status, since = status, child["value"], at
                    self.status_at = at
                    self.steps.append((at, status))
                    if status in SOLVED and before not in SOLVED:
                        self.solved, self.first_solved = at, self.first_solved or at
                    elif before in SOLVED and status not in SOLVED:
                        self.reopens += 1
        if ticket["status"] not in SOLVED:
            self.solved = None
        elif self.solved is None:  # it came solved, with no step that says when
            self.solved = datetime.fromisoformat(ticket.get("_solved_at") or ticket["updated_at"])
            self.first_solved = self.solved
        if ticket.get("assignee_id") and self.assigned is None:
            self.assigned, self.first_assigned, self.assignees = self.opened, self.opened, 1


def _text(at: datetime | None) -> str | None:
    return None if at is None else stamp(at)


def _minutes(span: timedelta | None) -> Record:
    """The account counts round the clock: business hours are calendar hours."""
    minutes = None if span is None else int(span.total_seconds()) // 60
    return {"calendar": minutes, "business": minutes}


def metric_set(ticket: Record, audits: Sequence[Record], is_agent: IsAgent) -> Record:
    life = _Life(ticket, audits, is_agent)

    def since_opened(at: datetime | None) -> timedelta | None:
        return None if at is None else at - life.opened

    waited = sum((life.spent.get(status, timedelta()) for status in ("new", "open", "hold")), timedelta())
    reply = since_opened(life.first_reply)
    return {
        "id": METRIC_OFFSET + ticket["id"], "ticket_id": ticket["id"], "created_at": ticket["created_at"], "updated_at": ticket["updated_at"],
        "group_stations": 1 if ticket.get("group_id") else 0, "assignee_stations": life.assignees, "reopens": life.reopens,
        "replies": life.replies, "assignee_updated_at": _text(life.assigned), "requester_updated_at": _text(life.requester_at or life.opened),
        "status_updated_at": _text(life.status_at or life.opened), "custom_status_updated_at": _text(life.status_at or life.opened),
        "initially_assigned_at": _text(life.first_assigned), "assigned_at": _text(life.assigned), "solved_at": _text(life.solved),
        "latest_comment_added_at": _text(life.last_comment), "reply_time_in_minutes": _minutes(reply),
        "reply_time_in_seconds": {"calendar": None if reply is None else int(reply.total_seconds())},
        "first_resolution_time_in_minutes": _minutes(since_opened(life.first_solved)),
        "full_resolution_time_in_minutes": _minutes(since_opened(life.solved)),
        "agent_wait_time_in_minutes": _minutes(life.spent.get("pending", timedelta())),
        "requester_wait_time_in_minutes": _minutes(waited), "on_hold_time_in_minutes": _minutes(life.spent.get("hold", timedelta())),
    }


def timer_events(ticket: Record, audits: Sequence[Record], is_agent: IsAgent) -> list[tuple[int, int, Record]]:
    """The events of the reply and the resolution timer as (second, id, record), oldest first."""
    life, number = _Life(ticket, audits, is_agent), ticket["id"] * _EVENTS
    targets = _TARGETS.get(ticket.get("priority") or "")
    found: list[tuple[datetime, int, Record]] = []  # each kind of event has its own place: ids stay when more is known
    for place, metric, end, target in (
        (0, "reply_time", life.first_reply, targets[0] if targets else None), (10, "resolution_time", life.solved, targets[1] if targets else None),
    ):
        base = {"ticket_id": ticket["id"], "metric": metric, "instance_id": 1}
        found.append((life.opened, place, {**base, "type": "activate"}))
        if target is not None:
            policy = {name: POLICIES[0][name] for name in ("id", "title", "description")}
            sla = {"target": target, "business_hours": False, "policy": policy}
            found.append((life.opened, place + 1, {**base, "type": "apply_sla", "sla": sla}))
            due = life.opened + timedelta(minutes=target)
            if end is not None and end > due:
                found.append((due, place + 2, {**base, "type": "breach", "deleted": False}))
        if end is not None:
            found.append((end, place + 3, {**base, "type": "fulfill"}))
    found += [(life.opened, 20 + place, {"ticket_id": ticket["id"], "metric": metric, "instance_id": 0, "type": "measure"})
              for place, metric in enumerate(("reply_time", "resolution_time", "requester_wait_time"))]
    found += _waits(ticket["id"], life)
    return sorted((epoch(at), number + place, {"id": number + place, **record, "time": stamp(at)}) for at, place, record in found)


def _waits(ticket_id: int, life: _Life) -> list[tuple[datetime, int, Record]]:
    """The timer of how long the requester waits: it stands still while the ticket is pending and has ended where it is solved."""
    base = {"ticket_id": ticket_id, "metric": "requester_wait_time", "instance_id": 1}
    found: list[tuple[datetime, int, Record]] = [(life.opened, 30, {**base, "type": "activate"})]
    waited, since, place = timedelta(), life.opened, 31
    runs = True
    for at, status in life.steps:
        ends = status == "pending" or status in SOLVED
        if runs and ends:
            waited += at - since
            found.append((at, place, {**base, "type": "pause" if status == "pending" else "fulfill"}))
            found.append((at, place + 1, {**base, "type": "update_status", "status": _minutes(waited)}))
        elif not runs and not ends:
            since = at
            found.append((at, place, {**base, "type": "activate"}))
        else:
            continue
        runs, place = not ends, place + 2
        if place >= _EVENTS - 1:  # the room of one ticket is used up
            break
    return found


def rating(ticket: Record, solved_at: str, key: int, as_of: datetime) -> Record | None:
    """What the requester said of a solved ticket; about one in three says something."""
    if key % 3 or not ticket.get("requester_id"):
        return None
    at = datetime.fromisoformat(solved_at) + timedelta(hours=1 + key % 20)
    if at > as_of:
        return None
    is_good = key % 5 != 0
    return {
        "id": 35_000_000_000 + ticket["id"], "ticket_id": ticket["id"], "requester_id": ticket["requester_id"],
        "assignee_id": ticket.get("assignee_id"), "group_id": ticket.get("group_id"), "score": "good" if is_good else "bad",
        "comment": None, "reason": None if is_good else "The issue took too long to resolve", "reason_id": 0 if is_good else 100,
        "reason_code": 0 if is_good else 1, "created_at": stamp(at), "updated_at": stamp(at),
    }
