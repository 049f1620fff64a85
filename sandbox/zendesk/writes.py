"""Rules for writing Zendesk records: from what is held and what was sent to the new record, the dropped keys, or a refusal.

Pure functions over records; looking records up, storing them and answering belong to `zendesk`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sandbox.protocol import Record
from sandbox.zendesk.records import (
    ORDER_FIELD_ID,
    ORGANIZATION_FIELDS,
    TICKET_PRIORITIES,
    TICKET_STATUSES,
    TICKET_TYPES,
    comment_child,
    custom_status_id,
)

_ORGANIZATION_TEXTS = ("details", "notes")
_ORGANIZATION_FLAGS = ("shared_tickets", "shared_comments")
_USER_TEXTS = ("phone", "alias", "details", "notes", "signature", "time_zone", "locale")
_USER_FLAGS = ("verified", "suspended", "moderator", "only_private_comments")
_TICKET_REFERENCES = {"requester_id": "users", "submitter_id": "users", "assignee_id": "users", "organization_id": "organizations",
                      "group_id": "groups"}
_ROLES = ("end-user", "agent", "admin")

Exists = Callable[[str, Any], bool]  # collection, id -> whether it is there
Taken = Callable[[str, str], bool]  # field, value -> whether another record holds it


class Invalid(Exception):
    """The record would not be valid: details by field, as the answer of status 422 lists them."""

    def __init__(self, details: dict[str, list[dict[str, str]]]) -> None:
        super().__init__(str(details))
        self.details = details

    def sentence(self) -> str:
        """The first fault as a job result words it."""
        description = next(iter(self.details.values()))[0]["description"]
        return description.replace(": ", ":  ", 1)


@dataclass
class Written:
    """A new record and what was left out of the request on the way."""

    record: Record
    dropped: list[str] = field(default_factory=list)
    children: list[Record] = field(default_factory=list)  # audit children of a ticket, ids still to be given


def _fault(name: str, description: str, error: str = "InvalidValue") -> Invalid:
    return Invalid({name: [{"description": description, "error": error}]})


def _tag_list(value: Any) -> list[str]:
    if isinstance(value, str):  # the vendor splits a text at blanks and commas
        value = value.replace(",", " ").split()
    if not isinstance(value, list) or not all(isinstance(tag, str) for tag in value):
        raise _fault("tags", "Tags: is invalid")
    return sorted({tag.strip().lower().replace(" ", "_") for tag in value if tag.strip()})


def changed_tags(tags: list[str], sent: Any, method: str) -> list[str]:
    """The tags after one call of a tags endpoint: PUT adds, POST sets, DELETE removes."""
    given = _tag_list(sent)
    if method == "POST":
        return given
    return sorted(set(tags) | set(given)) if method == "PUT" else sorted(set(tags) - set(given))


def organization_change(current: Record | None, sent: Record, taken: Taken) -> Written:
    record: Record = dict(
        current
        or {
            "name": None,
            "external_id": None,
            "domain_names": [],
            "tags": [],
            "organization_fields": {key: None for key in ORGANIZATION_FIELDS},
        }
    )
    written = Written(record)
    for name, value in sent.items():
        if name == "name":
            record["name"] = _unique_name(value, taken)
        elif name == "external_id":
            record["external_id"] = _external_id(value, taken)
        elif name == "domain_names":
            domains = value.split() if isinstance(value, str) else value
            if not isinstance(domains, list) or not all(isinstance(domain, str) for domain in domains):
                raise _fault("domain_names", "Domain names: is invalid")
            record["domain_names"] = [domain.lower() for domain in domains]
        elif name in _ORGANIZATION_TEXTS:
            record[name] = "" if value is None else str(value)
        elif name in _ORGANIZATION_FLAGS:
            record[name] = _flag(name, value)
        elif name == "group_id":
            raise _fault("group_id", "Group: is invalid")
        elif name == "tags":
            record["tags"] = _tag_list(value)
        elif name == "organization_fields":
            record["organization_fields"] = _organization_fields(record["organization_fields"], value, written.dropped)
        elif name != "id":
            written.dropped.append(name)
    if not record["name"]:
        raise _fault("name", "Name: cannot be blank", "BlankValue")
    _couple_tags(record, current, sent)
    return written


def _unique_name(value: Any, taken: Taken) -> str:
    name = value.strip() if isinstance(value, str) else ""
    if not name:
        raise _fault("name", "Name: cannot be blank", "BlankValue")
    if len(name) > 255:
        raise _fault("name", "Name: is too long (maximum is 255 characters after encoding)", "ValueTooLong")
    if taken("name", name):
        raise _fault("name", f"Name: {name} has already been taken", "DuplicateValue")
    return name


def _external_id(value: Any, taken: Taken) -> str | None:
    if value is None or value == "":
        return None
    external = str(value)
    if len(external) > 255:
        raise _fault("external_id", "External: is too long (maximum is 255 characters)", "ValueTooLong")
    if taken("external_id", external):
        raise _fault("external_id", f"External: {external} has already been taken", "DuplicateValue")
    return external


def _flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise _fault(name, f"{name.replace('_', ' ').capitalize()}: is invalid")
    return value


def _organization_fields(present: Record, sent: Any, dropped: list[str]) -> Record:
    if not isinstance(sent, dict):
        raise _fault("organization_fields", "Organization fields: is invalid")
    fields = dict(present)
    for key, value in sent.items():
        if key not in ORGANIZATION_FIELDS:
            dropped.append(f"organization_fields.{key}")
        else:
            fields[key] = _field_value(key, value)
    return fields


def _field_value(key: str, value: Any) -> Any:
    kind, title, options = ORGANIZATION_FIELDS[key]
    if value is None or value == "":
        return None
    if kind == "dropdown":
        if not isinstance(value, str) or value not in options:
            raise _fault(key, f"{title}: {value} is not a valid option")
        return value
    if kind == "date":
        try:
            return date.fromisoformat(str(value)[:10]).isoformat()
        except ValueError:
            raise _fault(key, f"{title}: {value} is not a valid date") from None
    if kind == "text":
        return str(value)
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise _fault(key, f"{title}: {value} is not a number")
    try:
        number = int(value) if kind == "integer" else float(value)
    except ValueError:
        raise _fault(key, f"{title}: {value} is not a number") from None
    if not math.isfinite(number) or (kind == "integer" and number != float(value)):
        raise _fault(key, f"{title}: {value} is not a number")
    return number


def _couple_tags(record: Record, current: Record | None, sent: Record) -> None:
    """Dropdowns and tags are one thing: a chosen option is a tag, and losing the tag empties the dropdown."""
    before = (current or {}).get("organization_fields", {})
    given = sent.get("organization_fields")
    given = given if isinstance(given, dict) else {}
    fields, tags = dict(record["organization_fields"]), set(record["tags"])
    for key, (kind, _, options) in ORGANIZATION_FIELDS.items():
        if kind != "dropdown":
            continue
        if key in given:
            tags -= {before.get(key)} | set(options)
        elif "tags" in sent and fields.get(key) not in tags:
            fields[key] = next((option for option in options if option in tags), None)
        if fields.get(key):
            tags.add(str(fields[key]))
    record["organization_fields"], record["tags"] = fields, sorted(tags)


def user_change(current: Record | None, sent: Record, taken: Taken, exists: Exists) -> Written:
    record: Record = dict(current or {"role": "end-user", "active": True, "email": None, "external_id": None, "tags": []})
    written = Written(record)
    for name, value in sent.items():
        if name == "name":
            if not isinstance(value, str) or not value.strip():
                raise _fault("name", "Name: is too short (minimum one character)", "BlankValue")
            record["name"] = value.strip()
        elif name == "email":
            if value is not None and (not isinstance(value, str) or "@" not in value.strip("@")):
                raise _fault("email", f"Email: {value} is not properly formatted")
            if value and taken("email", value):
                raise _fault("email", f"Email: {value} is already being used by another user", "DuplicateValue")
            record["email"] = value.lower() if value else None
        elif name == "external_id":
            record["external_id"] = _external_id(value, taken)
        elif name == "role":
            if value not in _ROLES:
                raise _fault("role", f"Role: {value} is invalid")
            record["role"] = value
        elif name == "organization_id":
            if value is not None and not exists("organizations", value):
                raise _fault("organization_id", "Organization: is invalid")
            record["organization_id"] = None if value is None else int(value)
        elif name in _USER_TEXTS:
            record[name] = None if value is None else str(value)
        elif name in _USER_FLAGS:
            record[name] = _flag(name, value)
        elif name == "tags":
            record["tags"] = _tag_list(value)
        elif name != "id":
            written.dropped.append(name)
    if not record.get("name"):
        raise _fault("name", "Name: is too short (minimum one character)", "BlankValue")
    return written


def ticket_change(current: Record | None, sent: Record, actor_id: int, exists: Exists) -> Written:
    """A ticket made (`current` None) or changed; the audit children say what became of it."""
    if current is not None and current["status"] == "closed":
        raise Invalid({"status": [{"description": "Status closed prevents ticket update"}]})
    record: Record = dict(
        current
        or {
            "status": "new",
            "type": None,
            "priority": None,
            "tags": [],
            "custom_fields": [{"id": ORDER_FIELD_ID, "value": None}],
            "requester_id": actor_id,
            "submitter_id": actor_id,
            "via": {"channel": "api", "source": {"from": {}, "to": {}, "rel": None}},
        }
    )
    written = Written(record)
    comment: Record | None = None
    for name, value in sent.items():
        if name == "comment":
            comment = _comment(value, actor_id, exists)
        elif name == "description" and current is None:
            comment = comment or _comment({"body": value}, actor_id, exists)
        elif name in ("status", "priority", "type"):
            record[name] = _choice(name, value)
        elif name == "subject":
            if not isinstance(value, str):
                raise _fault("subject", "Subject: is invalid")
            record["subject"] = record["raw_subject"] = value
        elif name == "external_id":
            record["external_id"] = None if value is None else str(value)
        elif name in _TICKET_REFERENCES:
            if value is not None and not exists(_TICKET_REFERENCES[name], value):
                raise _fault(name.removesuffix("_id"), f"{name.removesuffix('_id').capitalize()}: is invalid")
            record[name] = None if value is None else int(value)
        elif name == "tags":
            record["tags"] = _tag_list(value)
        elif name == "custom_fields":
            record["custom_fields"] = _custom_fields(record["custom_fields"], value, written.dropped)
        elif name == "due_at":
            record["due_at"] = value
        elif name not in ("id", "additional_tags", "remove_tags", "safe_update", "updated_stamp"):
            written.dropped.append(name)
    tags = set(record["tags"]) | set(_tag_list(sent.get("additional_tags") or []))
    record["tags"] = sorted(tags - set(_tag_list(sent.get("remove_tags") or [])))
    if current is None:
        if comment is None:
            raise _fault("base", "Description: cannot be blank", "BlankValue")
        record["description"] = comment["body"]
        record.setdefault("subject", comment["body"][:150])
        record.setdefault("raw_subject", record["subject"])
    record["custom_status_id"] = custom_status_id(record["status"])
    written.children = _differences(current, record)
    if comment:
        written.children.append(comment)
    return written


def _choice(name: str, value: Any) -> str | None:
    words = {"status": TICKET_STATUSES, "priority": TICKET_PRIORITIES, "type": TICKET_TYPES}[name]
    if value is None and name != "status":
        return None
    if value not in words:
        raise _fault(name, f"{name.capitalize()}: {value} is not included in the list")
    return str(value)


def _comment(sent: Any, actor_id: int, exists: Exists) -> Record:
    if not isinstance(sent, dict):
        raise _fault("comment", "Comment: is invalid")
    body = sent.get("body") or sent.get("html_body")
    if not isinstance(body, str) or not body.strip():
        raise _fault("comment", "Comment: cannot be blank", "BlankValue")
    author = sent.get("author_id") or actor_id
    if author != actor_id and not exists("users", author):
        raise _fault("author", "Author: is invalid")
    return comment_child(0, int(author), body, _flag("public", sent.get("public", True)))


def _custom_fields(present: list[Record], sent: Any, dropped: list[str]) -> list[Record]:
    """Only the fields that are listed change."""
    if isinstance(sent, dict):
        sent = [{"id": id, "value": value} for id, value in sent.items()]
    if not isinstance(sent, list) or not all(isinstance(entry, dict) and "id" in entry for entry in sent):
        raise _fault("custom_fields", "Custom fields: is invalid")
    values = {entry["id"]: entry["value"] for entry in present}
    for entry in sent:
        id = int(entry["id"]) if str(entry["id"]).isdecimal() else entry["id"]
        if id == ORDER_FIELD_ID:
            value = entry.get("value")
            values[id] = None if value is None or value == "" else str(value)
        else:
            dropped.append(f"custom_fields.{id}")
    return [{"id": id, "value": value} for id, value in values.items()]


def _differences(current: Record | None, record: Record) -> list[Record]:
    kind = "Create" if current is None else "Change"
    children: list[Record] = []
    for name in ("subject", "status", "priority", "type", "requester_id", "assignee_id", "organization_id", "external_id", "tags"):
        _difference(children, kind, name, (current or {}).get(name), record.get(name))
    before = {entry["id"]: entry["value"] for entry in (current or {}).get("custom_fields", [])}
    for entry in record["custom_fields"]:
        _difference(children, kind, str(entry["id"]), before.get(entry["id"]), entry["value"])
    return children


def _difference(children: list[Record], kind: str, name: str, old: Any, new: Any) -> None:
    if old == new or (kind == "Create" and new in (None, [])):
        return
    child: Record = {"id": 0, "type": kind, "field_name": name, "value": _event_text(new)}
    if kind == "Change":
        child["previous_value"] = _event_text(old)
    children.append(child)


def _event_text(value: Any) -> str | None:
    return None if value is None else " ".join(value) if isinstance(value, list) else str(value)
