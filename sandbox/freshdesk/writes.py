"""What a write to Freshdesk may hold: each record checked field by field, every fault named, unknown fields refused.

A body is taken whole or not at all. Routes, answers and what follows from a write belong to `api`.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable
from typing import Any

from sandbox.freshdesk import fields
from sandbox.freshdesk.answers import Fault, day, invalid, mistyped, moment, one_of, unexpected
from sandbox.freshdesk.fields import Custom
from sandbox.protocol import Record

Exists = Callable[[str, Any], bool]  # kind, id -> whether it is there
Holder = Callable[[str, str], int | None]  # field, value -> id of the record that holds it
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_TAG = re.compile(r"<[^>]+>")
_COMPANY_TEXTS = ("name", "description", "note")
_CONTACT_TEXTS = ("name", "phone", "mobile", "twitter_id", "unique_external_id", "address", "description", "job_title", "language", "time_zone")
_CONTACT_KEYS = ("email", "phone", "mobile", "twitter_id", "unique_external_id")
_READ_ONLY = frozenset({"id", "created_at", "updated_at", "deleted", "spam", "stats", "active", "is_escalated", "fr_escalated"})
_TICKET_REFERENCES = {"responder_id": "agents", "group_id": "groups", "product_id": "products", "company_id": "companies",
                      "internal_agent_id": "agents", "internal_group_id": "groups"}
_BLANK = "It should not be blank as this is a mandatory field"


def plain(text: str) -> str:
    return html.unescape(_TAG.sub(" ", text)).strip()


def _body(sent: Any) -> Record:
    if not isinstance(sent, dict) or not sent:
        raise invalid([("body", "The request holds no fields", "missing_field")])
    return sent


def _text(name: str, value: Any, faults: list[Fault], longest: int = 65_535) -> Any:
    if value is not None and not isinstance(value, str):
        faults.append(mistyped(name, "String"))
    elif value is not None and len(value) > longest:
        faults.append((name, f"Has {len(value)} characters, it can have maximum of {longest} characters", "invalid_value"))
    return value


def _texts(name: str, value: Any, faults: list[Fault]) -> Any:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        faults.append(mistyped(name, "Array of Strings"))
        return value
    return list(dict.fromkeys(value))


def _choice(name: str, value: Any, choices: Iterable[Any], faults: list[Fault], *, nullable: bool = True) -> Any:
    known = list(choices)
    if value is None and nullable:
        return None
    if isinstance(value, bool) or value not in known:
        is_number = bool(known) and isinstance(known[0], int)
        faults.append(mistyped(name, "Positive Integer") if is_number and not isinstance(value, int) else one_of(name, known))
    return value


def _reference(name: str, value: Any, kind: str, exists: Exists, faults: list[Fault]) -> Any:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int):
        faults.append(mistyped(name, "Positive Integer"))
    elif not exists(kind, value):
        faults.append((name, f"There is no {kind.removesuffix('s').replace('companie', 'company')} matching the given {name}", "invalid_value"))
    return value


def custom_fields(held: Record, sent: Any, known: dict[str, Custom], faults: list[Fault]) -> Record:
    """Only the fields that are sent change."""
    if not isinstance(sent, dict):
        faults.append(mistyped("custom_fields", "Key/value pair"))
        return held
    changed = dict(held)
    for name, value in sent.items():
        one = known.get(name)
        if one is None and name not in held:
            faults.append(unexpected(f"custom_fields.{name}" if name.startswith("cf_") else name))
            continue
        changed[name] = value if one is None else _custom(name, one, value, faults)
    return changed


def _custom(name: str, one: Custom, value: Any, faults: list[Fault]) -> Any:
    if value is None:
        return None
    if one.kind == "custom_dropdown":
        return _choice(name, value, one.choices, faults)
    if one.kind == "custom_date":
        at = day(value)
        if at is None:
            faults.append((name, "It should be in the 'YYYY-MM-DD' format", "invalid_value"))
        return at
    if one.kind == "custom_number":
        if isinstance(value, bool) or not isinstance(value, int):
            faults.append(mistyped(name, "Integer"))
        return value
    if one.kind == "custom_decimal":
        if isinstance(value, bool) or not isinstance(value, int | float):
            faults.append(mistyped(name, "Number"))
        return value
    return _text(name, value, faults, 255)


def company(held: Record | None, sent: Any, holder: Holder, new: Record) -> Record:
    record, faults = dict(held or new), list[Fault]()
    clash: list[Fault] = []
    for name, value in _body(sent).items():
        if name in _COMPANY_TEXTS:
            record[name] = _text(name, value, faults, 255 if name == "name" else 65_535)
        elif name == "domains":
            record[name] = _texts(name, value, faults)
        elif name == "health_score":
            record[name] = _choice(name, value, fields.HEALTH_SCORES, faults)
        elif name == "account_tier":
            record[name] = _choice(name, value, fields.ACCOUNT_TIERS, faults)
        elif name == "industry":
            record[name] = _choice(name, value, fields.INDUSTRIES, faults)
        elif name == "renewal_date":
            at = None if value is None else moment(value) if isinstance(value, str) else None
            if at is None and value is not None:
                faults.append((name, "It should be in the 'YYYY-MM-DD' format", "invalid_value"))
            record[name] = at and at[:10] + "T00:00:00Z"
        elif name == "custom_fields":
            record[name] = custom_fields(record[name], value, fields.COMPANY_CUSTOM, faults)
        elif name in _READ_ONLY:
            faults.append((name, "It is a read-only field", "readonly_field"))
        else:
            faults.append(unexpected(name))
    if not isinstance(record.get("name"), str) or not record["name"].strip():
        faults.append(("name", _BLANK, "missing_field"))
    elif "name" in sent and (other := holder("name", record["name"])) is not None and other != record["id"]:
        clash.append(("name", "It should be a unique value", "duplicate_value"))
    _done(faults, clash)
    return record


def contact(held: Record | None, sent: Any, holder: Holder, exists: Exists, new: Record, agent_emails: frozenset[str]) -> Record:
    record, faults = dict(held or new), list[Fault]()
    clash: list[Fault] = []
    for name, value in _body(sent).items():
        if name in _CONTACT_TEXTS:
            record[name] = _text(name, value, faults, 255 if name not in ("address", "description") else 65_535)
        elif name == "email":
            if value is not None and (not isinstance(value, str) or not _EMAIL.fullmatch(value)):
                faults.append((name, "It should be in the 'valid email address' format", "invalid_value"))
            elif value is not None and value.lower() in agent_emails:
                faults.append((name, "It belongs to an agent", "invalid_value"))
            record[name] = value
        elif name in ("tags", "other_emails"):
            record[name] = _texts(name, value, faults)
        elif name == "company_id":
            record[name] = _reference(name, value, "companies", exists, faults)
        elif name == "view_all_tickets":
            if not isinstance(value, bool):
                faults.append(mistyped(name, "Boolean"))
            record[name] = value
        elif name == "other_companies":
            record[name] = _other_companies(value, exists, faults)
        elif name == "custom_fields":
            record[name] = custom_fields(record[name], value, fields.CONTACT_CUSTOM, faults)
        elif name in _READ_ONLY:
            faults.append((name, "It is a read-only field", "readonly_field"))
        else:
            faults.append(unexpected(name))
    if not isinstance(record.get("name"), str) or not record["name"].strip():
        faults.append(("name", _BLANK, "missing_field"))
    if not any(record.get(name) for name in _CONTACT_KEYS):
        faults.append(("email", f"Please fill at least 1 of {', '.join(_CONTACT_KEYS)} fields", "missing_field"))
    other = None
    for name in ("email", "unique_external_id"):
        if isinstance(sent.get(name), str) and (found := holder(name, sent[name])) is not None and found != record["id"]:
            clash.append((name, "It should be a unique value", "duplicate_value"))
            other = other or found
    _done(faults, clash, other)
    return record


def _other_companies(value: Any, exists: Exists, faults: list[Fault]) -> Any:
    if not isinstance(value, list) or not all(isinstance(one, dict) and set(one) <= {"company_id", "view_all_tickets"} for one in value):
        faults.append(mistyped("other_companies", "Array of objects"))
        return []
    for one in value:
        _reference("company_id", one.get("company_id"), "companies", exists, faults)
    return [one.get("company_id") for one in value]


def ticket(
    held: Record | None, sent: Any, exists: Exists, new: Record, statuses: Iterable[int], requester_of: Callable[[str, str], int | None],
) -> Record:
    """`requester_of`: field and value -> the contact with it."""
    record, faults = dict(held or new), list[Fault]()
    codes = list(statuses)
    given = _body(sent)
    for name, value in given.items():
        if name == "subject":
            record[name] = _text(name, value, faults, 255)
        elif name == "description":
            if isinstance(value, str):
                record["_description"], record["_description_text"] = value, plain(value)
            else:
                faults.append(mistyped(name, "String"))
        elif name == "status":
            record[name] = _choice(name, value, codes, faults, nullable=False)
        elif name == "priority":
            record[name] = _choice(name, value, fields.PRIORITIES, faults, nullable=False)
        elif name == "source":
            record[name] = _choice(name, value, sorted(fields.WRITABLE_SOURCES), faults, nullable=False)
        elif name == "type":
            record[name] = _choice(name, value, fields.TYPES, faults)
        elif name in _TICKET_REFERENCES:
            record[name] = _reference(name, value, _TICKET_REFERENCES[name], exists, faults)
        elif name == "requester_id":
            if isinstance(value, bool) or not isinstance(value, int):
                faults.append(mistyped(name, "Positive Integer"))
            elif not (exists("contacts", value) or exists("agents", value)):
                faults.append((name, "There is no contact matching the given requester_id", "invalid_value"))
            record[name] = value
        elif name in ("email", "phone", "twitter_id", "unique_external_id"):
            if not isinstance(value, str):
                faults.append(mistyped(name, "String"))
            elif (found := requester_of(name, value)) is not None:
                record["requester_id"] = found
            elif name != "email" or not _EMAIL.fullmatch(value):
                faults.append((name, "There is no contact matching the given value", "invalid_value"))
        elif name in ("tags", "cc_emails"):
            record[name] = _texts(name, value, faults)
        elif name in ("due_by", "fr_due_by"):
            at = moment(value) if isinstance(value, str) else None
            if at is None or at <= record["created_at"]:
                faults.append((name, "It should be a time after the ticket was created, in the ISO8601 format", "invalid_value"))
            record[name] = at
        elif name == "name" and held is None:
            _text(name, value, faults, 255)
        elif name == "custom_fields":
            record[name] = custom_fields(record[name], value, fields.TICKET_CUSTOM, faults)
        elif name in _READ_ONLY:
            faults.append((name, "It is a read-only field", "readonly_field"))
        else:
            faults.append(unexpected(name))
    if held is None:
        if not any(given.get(name) for name in ("requester_id", *_CONTACT_KEYS)):
            faults.append(("requester_id", f"One of the following is mandatory: requester_id, {', '.join(_CONTACT_KEYS)}", "missing_field"))
        faults += [(name, _BLANK, "missing_field") for name in ("subject", "description", "status", "priority") if given.get(name) in (None, "")]
    _done(faults, [])
    return record


def note(sent: Any, known: Iterable[str]) -> Record:
    """The fields of a note, reply or edit that was sent."""
    given, faults = _body(sent), list[Fault]()
    names = set(known)
    for name, value in given.items():
        if name not in names:
            faults.append(unexpected(name))
        elif name in ("private", "incoming"):
            if not isinstance(value, bool):
                faults.append(mistyped(name, "Boolean"))
        elif name in ("notify_emails", "cc_emails", "bcc_emails"):
            _texts(name, value, faults)
        elif name == "user_id":
            if isinstance(value, bool) or not isinstance(value, int):
                faults.append(mistyped(name, "Positive Integer"))
        elif not isinstance(value, str):
            faults.append(mistyped(name, "String"))
    if not given.get("body"):
        faults.append(("body", _BLANK, "missing_field"))
    _done(faults, [])
    return given


_DURATION = re.compile(r"\d{1,3}:[0-5]\d")


def time_entry(held: Record | None, sent: Any, exists: Exists, new: Record) -> Record:
    record, faults = dict(held or new), list[Fault]()
    for name, value in (sent if isinstance(sent, dict) else {}).items():
        if name in ("billable", "timer_running"):
            if not isinstance(value, bool):
                faults.append(mistyped(name, "Boolean"))
        elif name == "agent_id":
            _reference(name, value, "agents", exists, faults)
        elif name == "time_spent":
            if not isinstance(value, str) or not _DURATION.fullmatch(value):
                faults.append((name, "It should be in the 'hh:mm' format", "invalid_value"))
        elif name in ("executed_at", "start_time"):
            at = moment(value) if isinstance(value, str) else None
            if at is None:
                faults.append((name, "It should be in the 'combined date and time ISO8601' format", "invalid_value"))
            value = at
        elif name == "note":
            _text(name, value, faults)
        else:
            faults.append(unexpected(name))
        record[name] = value
    _done(faults, [])
    return record


def sla_policy(held: Record | None, sent: Any, exists: Exists, new: Record) -> Record:
    record, faults = dict(held or new), list[Fault]()
    for name, value in _body(sent).items():
        if name in ("name", "description"):
            record[name] = _text(name, value, faults, 255)
        elif name == "active":
            if not isinstance(value, bool):
                faults.append(mistyped(name, "Boolean"))
            record[name] = value
        elif name == "applicable_to":
            record[name] = _applicable(value, exists, faults)
        elif name == "sla_target":
            record[name] = _targets(record["sla_target"], value, faults)
        elif name == "escalation":
            if not isinstance(value, dict):
                faults.append(mistyped(name, "Key/value pair"))
            record[name] = value
        else:
            faults.append(unexpected(name))
    if not record.get("name"):
        faults.append(("name", _BLANK, "missing_field"))
    if held is None:
        faults += [(name, _BLANK, "missing_field") for name in ("sla_target", "applicable_to") if not record.get(name)]
    _done(faults, [])
    return record


def _applicable(value: Any, exists: Exists, faults: list[Fault]) -> Any:
    kinds = {"company_ids": "companies", "group_ids": "groups", "product_ids": "products", "sources": "", "ticket_types": ""}
    if not isinstance(value, dict):
        faults.append(mistyped("applicable_to", "Key/value pair"))
        return value
    for name, ids in value.items():
        if name not in kinds:
            faults.append(unexpected(f"applicable_to.{name}"))
        elif not isinstance(ids, list):
            faults.append(mistyped(name, "Array"))
        elif kinds[name]:
            for id in ids:
                _reference(name, id, kinds[name], exists, faults)
    return value


def _targets(held: Record, value: Any, faults: list[Fault]) -> Any:
    names = {f"priority_{code}" for code in fields.PRIORITIES}
    if not isinstance(value, dict) or not set(value) <= names:
        faults.append(mistyped("sla_target", "Key/value pair"))
        return held
    for name, target in value.items():
        for limit in ("respond_within", "resolve_within"):
            seconds = target.get(limit) if isinstance(target, dict) else None
            if isinstance(seconds, bool) or not isinstance(seconds, int) or seconds < 900 or seconds % 60:
                faults.append((f"{name}.{limit}", "It should be a multiple of 60 and at least 900", "invalid_value"))
    return {**held, **value}


def _done(faults: list[Fault], clash: list[Fault], holder: int | None = None) -> None:
    if faults:
        raise invalid([*faults, *clash])
    if clash:
        raise invalid(clash, 409, holder)
