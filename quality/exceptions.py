"""Exceptions are worked: open, acknowledged, resolved, accepted, closed; every step is an event that stays.

The data closes an exception when it agrees and opens it again when it does not; a person says who works on it, that it is resolved, or
that the difference is accepted. What belongs here: these rules. What does not: which exceptions there are, which the models under
transform/models/drift and transform/models/reconciled say, and what their tables look like (store).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from concord.errors import UsageError
from quality.kinds import check_teams, kind_domains, resolved_grace
from quality.store import STATES, exception_events, exceptions, writing

CONCORD = "concord"  # who acts when the data decides
# what a person may do, from which states, and where it leads; None: the state stays
_STEPS: Mapping[str, tuple[tuple[str, ...], str | None]] = {
    "acknowledged": (("open",), "acknowledged"),
    "assigned": (("open", "acknowledged", "resolved", "accepted"), None),
    "resolved": (("open", "acknowledged", "accepted"), "resolved"),
    "accepted": (("open", "acknowledged", "resolved"), "accepted"),
    "reopened": (("acknowledged", "resolved", "accepted"), "open"),
    "commented": (STATES, None),
}
# the part of a row that the data says anew at each look
_DATA = ("class", "severity", "data_role", "customer_id", "customer_name", "correlation_id", "left_connection", "left_id", "right_connection",
         "right_id", "left_value", "right_value", "exposure", "currency", "since", "detail", "as_of")
_TIMES = ("since", "as_of", "opened_at", "last_seen_at", "state_at", "state_as_of", "at")


@dataclass(frozen=True)
class Recorded:
    """What one look at the data changed: ids of exceptions."""

    opened: tuple[str, ...]
    reopened: tuple[str, ...]
    closed: tuple[str, ...]
    still_open: int


@dataclass(frozen=True)
class Filter:
    """Which exceptions are meant; every part that is given must fit. Without states those that are not closed."""

    domain: str | None = None
    owner: str | None = None
    states: tuple[str, ...] = ()
    older_than: timedelta | None = None
    over: Decimal | None = None
    assignee: str | None = None


def from_drift(rows: Iterable[Mapping[str, Any]], names: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
    """Rows of the `drift` table as exceptions. `names`: customer id -> name."""
    domains = kind_domains()
    return [
        {
            **{name: row.get(name) for name in _DATA}, "exception_id": str(row["finding_id"]), "source": "drift",
            "domain": domains.get(str(row["drift_id"]), "other"), "data_role": row["owner_role"], "customer_id": row.get("golden_customer_id"),
            "customer_name": (names or {}).get(str(row.get("golden_customer_id"))),
        }
        for row in rows
    ]


def from_reconciliation(rows: Iterable[Mapping[str, Any]], taken: Sequence[Mapping[str, Any]] = ()) -> list[dict[str, Any]]:
    """Rows of the `reconciliation_exception` table, without those that are findings already (`taken`): nothing is worked twice."""
    known = {_subject(row) for row in taken}
    return [
        {**{name: row.get(name) for name in _DATA}, "exception_id": str(row["exception_id"]), "source": "reconciliation",
         "domain": row["domain"], "data_role": row["owner_role"]}
        for row in rows if _subject(row) not in known
    ]


def _subject(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(row.get(name) for name in ("domain", "class", "left_connection", "left_id", "right_connection", "right_id"))


def record(engine: sa.Engine, seen: Iterable[Mapping[str, Any]], at: datetime | None = None) -> Recorded:
    """Bring the exceptions up to what the data shows now, in one transaction. `seen`: every exception that is true now.

    A resolved one opens again once data that was read later, and after the grace, still disagrees; an accepted one once its values
    have changed, more is at risk, or its day is over. Seeing the same rows twice changes nothing but the time of the last look.
    """
    at = at or datetime.now(UTC)
    grace = resolved_grace()
    rows = {str(row["exception_id"]): row for row in seen}
    opened: list[str] = []
    reopened: list[str] = []
    events: list[dict[str, Any]] = []
    inserted: list[dict[str, Any]] = []
    updated: list[dict[str, Any]] = []
    with writing(engine) as store:
        known = {str(row["exception_id"]): _read(row) for row in store.execute(sa.select(exceptions)).mappings()}
        for exception_id, row in rows.items():
            now: dict[str, Any] = {name: _utc(row.get(name)) if name in _TIMES else row.get(name) for name in _DATA}
            before = known.get(exception_id)
            if before is None:
                opened.append(exception_id)
                inserted.append({
                    **now, "exception_id": exception_id, "source": row["source"], "domain": row["domain"], "state": "open", "opened_at": at,
                    "last_seen_at": at, "state_at": at, "state_as_of": now["as_of"], "times_opened": 1})
                events.append(_event(exception_id, "opened", at, None, "open", now["as_of"], role=now["data_role"]))
                continue
            change = {**{f"new_{name}": value for name, value in now.items()}, "id": exception_id, "seen": at}
            if why := _returns(before, now, at, grace):
                reopened.append(exception_id)
                events.append(_event(exception_id, "reopened", at, before["state"], "open", now["as_of"], comment=why,
                                     role=before["given_role"] or now["data_role"]))
                change |= {"to": "open", "since_state": at, "since_as_of": now["as_of"], "times": before["times_opened"] + 1,
                           "until": None, "kept": None}
            else:
                change |= {"to": before["state"], "since_state": before["state_at"], "since_as_of": before["state_as_of"],
                           "times": before["times_opened"], "until": before["accepted_until"], "kept": before["accepted_exposure"]}
            updated.append(change)
        gone = [row for row in known.values() if row["state"] != "closed" and row["exception_id"] not in rows]
        newest = max((row["as_of"] for row in map(_read, rows.values()) if row.get("as_of")), default=None)
        events += [
            _event(row["exception_id"], "closed", at, row["state"], "closed", newest, comment="the data agrees",
                   role=row["given_role"] or row["data_role"]) for row in gone]
        if inserted:
            store.execute(sa.insert(exceptions), inserted)
        if updated:
            store.execute(sa.update(exceptions).where(exceptions.c.exception_id == sa.bindparam("id")).values(
                **{name: sa.bindparam(f"new_{name}") for name in _DATA}, last_seen_at=sa.bindparam("seen"), state=sa.bindparam("to"),
                state_at=sa.bindparam("since_state"), state_as_of=sa.bindparam("since_as_of"), times_opened=sa.bindparam("times"),
                accepted_until=sa.bindparam("until"), accepted_exposure=sa.bindparam("kept")), updated)
        if gone:
            store.execute(sa.update(exceptions).where(exceptions.c.exception_id == sa.bindparam("id")).values(
                state="closed", state_at=at, state_as_of=newest, accepted_until=None, accepted_exposure=None),
                [{"id": row["exception_id"]} for row in gone])
        if events:
            store.execute(sa.insert(exception_events), events)
    return Recorded(tuple(opened), tuple(reopened), tuple(row["exception_id"] for row in gone), len(rows) - len(opened) - len(reopened))


def _returns(before: Mapping[str, Any], now: Mapping[str, Any], at: datetime, grace: timedelta) -> str:
    """Why an exception that the data still shows goes back to open; empty where it stays in its state."""
    state = before["state"]
    if state == "closed":
        return "the data disagrees again"
    if state == "resolved":
        read_since = before["state_as_of"] is None or (now["as_of"] is not None and now["as_of"] > before["state_as_of"])
        return "the data still disagrees" if read_since and at >= before["state_at"] + grace else ""
    if state == "accepted":
        if before["accepted_until"] is not None and at.date() > before["accepted_until"]:
            return f"it was accepted until {before['accepted_until']}"
        if any(before[name] != now[name] for name in ("left_value", "right_value", "currency")):
            return "the accepted values have changed"
        if _amount(now["exposure"]) > _amount(before["accepted_exposure"]):
            return "more is at risk than was accepted"
    return ""


def decide(
    engine: sa.Engine, exception_id: str, step: str, *, who: str, at: datetime | None = None, comment: str | None = None,
    assignee: str | None = None, owner_role: str | None = None, until: date | None = None, minutes: int | None = None,
) -> dict[str, Any]:
    """A person's step on one exception: acknowledged, assigned, resolved, accepted, reopened or commented. Returns it as it then is.

    Raises UsageError when the step cannot be taken from where the exception stands, or when its reason is missing.
    """
    at = at or datetime.now(UTC)
    allowed, leads_to = _STEPS[step]
    if step in ("accepted", "commented") and not (comment or "").strip():
        raise UsageError("needs a comment.", where=exception_id[:12], field=step, mend="Say why with --comment.")
    if step == "assigned" and not (assignee or owner_role):
        raise UsageError("names nobody.", where=exception_id[:12], field=step, mend="Name a person, or a team with --owner.")
    if owner_role:
        check_teams(owner_role)
    if until is not None and until < at.date():
        raise UsageError(f"{until} is over.", where=exception_id[:12], field="until", mend="Name a day that is still to come.")
    with writing(engine) as store:
        row = store.execute(sa.select(exceptions).where(exceptions.c.exception_id == exception_id).with_for_update()).mappings().first()
        if row is None:
            raise UsageError("is not known.", where=exception_id, field="exception")
        before = _read(row)
        if before["state"] not in allowed:
            why = "the data agrees; it opens by itself when that changes" if before["state"] == "closed" else f"allowed from {', '.join(allowed)}"
            raise UsageError(f"is {before['state']} and cannot be {step} ({why}).", where=exception_id[:12], field="exception")
        state = leads_to or before["state"]
        changed: dict[str, Any] = {}
        if leads_to is not None:
            changed |= {"state": state, "state_at": at, "state_as_of": before["as_of"],
                        "accepted_until": until if step == "accepted" else None,
                        "accepted_exposure": _amount(before["exposure"]) if step == "accepted" else None}
        if assignee:
            changed["assignee"] = assignee
        elif step == "acknowledged" and before["assignee"] is None:
            changed["assignee"] = who
        if owner_role:
            changed["given_role"] = owner_role
        if changed:
            store.execute(sa.update(exceptions).where(exceptions.c.exception_id == exception_id).values(**changed))
        after = before | changed
        store.execute(sa.insert(exception_events).values(**_event(
            exception_id, step, at, before["state"], state, before["as_of"], who=who, comment=comment, until=until, minutes=minutes,
            role=after["given_role"] or after["data_role"], assignee=after["assignee"])))
    return _shown(after)


def find(engine: sa.Engine, text: str) -> str:
    """The id that begins with `text`. Raises UsageError when none does, or several."""
    with engine.connect() as store:
        ids: list[str] = list(store.scalars(sa.select(exceptions.c.exception_id).where(exceptions.c.exception_id.startswith(text, autoescape=True)).limit(4)))
    if text in ids or len(ids) == 1:
        return text if text in ids else str(ids[0])
    if not ids:
        raise UsageError("no exception has an id that begins so.", where=text, mend="List them with `concord exceptions --state all`.")
    raise UsageError(f"is ambiguous: {', '.join(sorted(ids)[:3])}...", where=text, mend="Write more of the id.")


def listed(engine: sa.Engine, which: Filter | None = None) -> list[dict[str, Any]]:
    """The exceptions that fit, the costliest first and of these the oldest."""
    which = which or Filter()
    if unknown := [state for state in which.states if state not in STATES]:
        raise UsageError(f"no state is called {unknown[0]!r}.", where="exceptions", field="state", mend=f"Known: {', '.join(STATES)}.")
    if which.owner:
        check_teams(which.owner)
    query = sa.select(exceptions).where(exceptions.c.state.in_(which.states or tuple(state for state in STATES if state != "closed")))
    if which.domain:
        query = query.where(exceptions.c.domain == which.domain)
    with engine.connect() as store:
        rows = [_shown(_read(row)) for row in store.execute(query).mappings()]
    kept = [
        row for row in rows
        if (which.owner is None or set(which.owner.split("+")) <= set(row["owner_role"].split("+")))
        and (which.assignee is None or row["assignee"] == which.assignee)
        and (which.older_than is None or (row["age"] is not None and row["age"] > which.older_than))
        and (which.over is None or _amount(row["exposure"]) > which.over)
    ]
    return sorted(kept, key=lambda row: (-_amount(row["exposure"]), -(row["age"] or timedelta(0)), row["exception_id"]))


def events_of(engine: sa.Engine, exception_id: str) -> list[dict[str, Any]]:
    """Everything that ever happened to an exception, oldest first."""
    with engine.connect() as store:
        query = sa.select(exception_events).where(exception_events.c.exception_id == exception_id).order_by(exception_events.c.event_id)
        return [_read(row) for row in store.execute(query).mappings()]


def current(engine: sa.Engine) -> list[dict[str, Any]]:
    """Every exception as it is now, in the order of their ids."""
    with engine.connect() as store:
        return [_shown(_read(row)) for row in store.execute(sa.select(exceptions).order_by(exceptions.c.exception_id)).mappings()]


def events(engine: sa.Engine) -> list[dict[str, Any]]:
    """Every event of every exception, oldest first; without its comment, which may say anything of anybody."""
    with engine.connect() as store:
        rows = [_read(row) for row in store.execute(sa.select(exception_events).order_by(exception_events.c.event_id)).mappings()]
    return [
        {**{name: value for name, value in row.items() if name not in ("comment", "who", "at")}, "happened_at": row["at"],
         "is_by_person": row["who"] != CONCORD} for row in rows]


def mark(engine: sa.Engine) -> str:
    """Another text whenever an exception has changed or something was done about one."""
    with engine.connect() as store:
        newest = store.execute(sa.select(sa.func.count(), sa.func.max(exceptions.c.last_seen_at))).one()
        last = store.scalar(sa.select(sa.func.max(exception_events.c.event_id)))
    return f"{newest[0]} {newest[1]} {last}"


def _event(
    exception_id: str, event: str, at: datetime, from_state: str | None, to_state: str, as_of: datetime | None, *, who: str = CONCORD,
    comment: str | None = None, role: str | None = None, assignee: str | None = None, until: date | None = None, minutes: int | None = None,
) -> dict[str, Any]:
    return {"exception_id": exception_id, "at": at, "as_of": as_of, "event": event, "who": who, "from_state": from_state,
            "to_state": to_state, "owner_role": role, "assignee": assignee, "until": until, "minutes": minutes, "comment": comment}


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    """With what follows from the columns: who owns it, and how old it was when the data was read."""
    age = row["as_of"] - row["since"] if row["as_of"] is not None and row["since"] is not None else None
    return {**row, "owner_role": row["given_role"] or row["data_role"], "age": max(age, timedelta(0)) if age is not None else None}


def _read(row: Mapping[Any, Any]) -> dict[str, Any]:
    """A stored row with its times in UTC; SQLite keeps no zone."""
    return {name: _utc(value) if name in _TIMES else value for name, value in row.items()}


def _utc(moment: datetime | None) -> datetime | None:
    if moment is None:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _amount(amount: Any) -> Decimal:
    return Decimal(0) if amount is None else Decimal(str(amount))
