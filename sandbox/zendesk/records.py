"""Zendesk's form of the neutral rows: organizations, users, tickets and their audit history, and how a stored record is shown.

Stored records hold only what was set; the fields that every answer shows besides come from the defaults here. Names that
start with an underscore are the sandbox's own (`_generated`, `_hidden`) and never leave it. Rules for writes belong to
`writes`, pages and cursors to `pages`.
"""

from __future__ import annotations

import html
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sandbox.protocol import Record
from sandbox.world.model import Agent, Asset, Change, Contact, Customer, Peer, Ticket, native_id

SYSTEM_USER_ID = -1  # who changed a ticket when no person did
ORDER_FIELD_ID = 360000000101
ASSET_KEY = "asset"  # of the custom object that keeps customers' devices
SUPPORT_GROUP_ID = 11_000_000_001
CREDIT_OPTIONS = {"ok": "OK", "hold": "Hold"}
TIER_OPTIONS = {"basic": "Basic", "standard": "Standard", "premium": "Premium"}
# key -> (type, title, options of a dropdown)
ORGANIZATION_FIELDS: dict[str, tuple[str, str, dict[str, str]]] = {
    "erp_id": ("text", "ERP id", {}),
    "tax_id": ("text", "Tax id", {}),
    "credit_status": ("dropdown", "Credit status", CREDIT_OPTIONS),
    "erp_balance": ("decimal", "ERP balance", {}),
    "overdue_amount": ("decimal", "Overdue amount", {}),
    "overdue_days": ("integer", "Overdue days", {}),
    "entitlement_tier": ("dropdown", "Entitlement tier", TIER_OPTIONS),
    "entitlement_start": ("date", "Entitlement start", {}),
    "entitlement_end": ("date", "Entitlement end", {}),
}
TICKET_STATUSES = ("new", "open", "pending", "hold", "solved", "closed")
TICKET_PRIORITIES = ("urgent", "high", "normal", "low")
TICKET_TYPES = ("problem", "incident", "question", "task")
_CUSTOM_STATUS_ID = {word: 8_100_000_000 + place for place, word in enumerate(TICKET_STATUSES)}
_CHANNELS = ("email", "web", "email", "api")

# shared constants: records are never changed in place
_NONE: list[Any] = []
_ORGANIZATION_DEFAULTS: Record = {
    "shared_tickets": False,
    "shared_comments": False,
    "external_id": None,
    "domain_names": _NONE,
    "details": "",
    "notes": "",
    "group_id": None,
    "tags": _NONE,
}
_USER_DEFAULTS: Record = {
    "email": None,
    "external_id": None,
    "phone": None,
    "shared_phone_number": None,
    "role": "end-user",
    "role_type": None,
    "custom_role_id": None,
    "active": True,
    "verified": True,
    "suspended": False,
    "organization_id": None,
    "default_group_id": None,
    "alias": None,
    "details": None,
    "notes": None,
    "tags": _NONE,
    "user_fields": {},
    "time_zone": "UTC",
    "iana_time_zone": "Etc/UTC",
    "locale": "en-US",
    "locale_id": 1,
    "last_login_at": None,
    "moderator": False,
    "only_private_comments": False,
    "restricted_agent": True,
    "ticket_restriction": "requested",
    "shared": False,
    "shared_agent": False,
    "signature": None,
    "chat_only": False,
    "report_csv": False,
    "two_factor_auth_enabled": None,
    "photo": None,
}
_TICKET_DEFAULTS: Record = {
    "external_id": None,
    "type": None,
    "priority": None,
    "recipient": None,
    "requester_id": None,
    "submitter_id": None,
    "assignee_id": None,
    "organization_id": None,
    "group_id": None,
    "collaborator_ids": _NONE,
    "follower_ids": _NONE,
    "email_cc_ids": _NONE,
    "forum_topic_id": None,
    "problem_id": None,
    "has_incidents": False,
    "is_public": True,
    "due_at": None,
    "tags": _NONE,
    "satisfaction_rating": None,
    "sharing_agreement_ids": _NONE,
    "followup_ids": _NONE,
    "ticket_form_id": 8_300_000_001,
    "brand_id": 8_200_000_001,
    "allow_channelback": False,
    "allow_attachments": True,
    "from_messaging_channel": False,
}
_STEP = 10_000  # room for one ticket's audits and child events


def stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def epoch(at: datetime) -> int:
    return int(at.timestamp())


def zendesk_id(entity: str, key: int | None) -> int | None:
    return None if key is None else int(native_id("zendesk", entity, key))


def custom_status_id(status: Any) -> int | None:
    return _CUSTOM_STATUS_ID.get(status) if isinstance(status, str) else None


def with_extra(record: Record, extra: dict[str, Any]) -> Record:
    """The record with the row's extra fields over it; an object goes into the object already there."""
    merged = dict(record)
    for name, value in extra.items():
        present = merged.get(name)
        merged[name] = {**present, **value} if isinstance(present, dict) and isinstance(value, dict) else value
    return merged


def organization(row: Customer, generated: int, peer: Peer) -> Record:
    linked = row.erp_customer
    fields = {
        "erp_id": peer("erp", "customer", linked, row.key) or None,
        "tax_id": row.tax_id or None,
        "credit_status": "hold" if row.credit_hold else "ok",
        "erp_balance": float(row.balance),
        "overdue_amount": float(row.overdue_amount),
        "overdue_days": row.overdue_days,
        "entitlement_tier": row.entitlement_tier or None,
        "entitlement_start": row.entitlement_start.isoformat() if row.entitlement_start else None,
        "entitlement_end": row.entitlement_end.isoformat() if row.entitlement_end else None,
    }
    place = ", ".join(part for part in (row.street, f"{row.postcode} {row.city}".strip(), row.country) if part)
    record = {
        "id": int(native_id("zendesk", "customer", row.key)),
        "name": row.name,
        # external ids are unique: a second organization of one customer holds none
        "external_id": peer("crm", "customer", row.key, row.key) or None if linked == row.key else None,
        "domain_names": [row.domain] if row.domain else [],
        "details": place,
        "tags": dropdown_tags(fields),
        "organization_fields": fields,
        "created_at": stamp(row.created_at),
        "updated_at": stamp(row.updated_at),
    }
    return _own(with_extra(record, row.extra), generated, row.hidden)


def dropdown_tags(fields: dict[str, Any]) -> list[str]:
    return [str(fields[key]) for key, (kind, _, _) in ORGANIZATION_FIELDS.items() if kind == "dropdown" and fields.get(key)]


def contact_user(row: Contact, generated: int, peer: Peer) -> Record:
    record = {
        "id": int(native_id("zendesk", "contact", row.key)),
        "name": f"{row.first_name} {row.last_name}".strip(),
        "email": row.email or None,
        "phone": row.phone or None,
        "external_id": peer("crm", "contact", row.key, row.customer) or None,
        "role": "end-user",
        "active": not row.removed,
        "organization_id": zendesk_id("customer", row.customer),
        "_joined": stamp(row.created_at),
        "details": row.title or None,
        "created_at": stamp(row.created_at),
        "updated_at": stamp(row.updated_at),
    }
    return _own(with_extra(record, row.extra), generated, row.hidden)


def agent_user(row: Agent, generated: int, role: str = "agent") -> Record:
    record = {
        "id": int(native_id("zendesk", "agent", row.key)),
        "name": row.name,
        "email": row.email or None,
        "role": role,
        "role_type": 4 if role == "admin" else 0,
        "active": not row.removed,
        "restricted_agent": False,
        "ticket_restriction": None,
        "created_at": stamp(row.created_at),
        "updated_at": stamp(row.updated_at),
    }
    return _own(with_extra(record, row.extra), generated, row.hidden)


def ticket(row: Ticket, generated: int) -> Record:
    first = row.comments[0] if row.comments else None
    requester = zendesk_id("contact", row.contact)
    if requester is None:
        requester = zendesk_id("agent", row.assignee)
    submitter = zendesk_id("agent", first.author) if first and first.is_agent else requester
    record = {
        "id": int(native_id("zendesk", "ticket", row.key)),
        "subject": row.subject,
        "raw_subject": row.subject,
        "description": first.body if first else row.subject,
        "type": row.type if row.type in TICKET_TYPES else "task" if row.type else None,  # the desk knows four types; the rest are tags
        "priority": row.priority or None,
        "status": row.status,
        "custom_status_id": custom_status_id(row.status),
        "requester_id": requester,
        "submitter_id": submitter,
        "assignee_id": zendesk_id("agent", row.assignee),
        "group_id": SUPPORT_GROUP_ID if row.assignee is not None else None,
        "organization_id": zendesk_id("customer", row.customer),
        "tags": sorted(set(row.tags)),
        "custom_fields": [{"id": ORDER_FIELD_ID, "value": row.order_number or None}],
        "via": {"channel": _CHANNELS[row.key % len(_CHANNELS)], "source": {"from": {}, "to": {}, "rel": None}},
        "created_at": stamp(row.created_at),
        "updated_at": stamp(row.updated_at),
    }
    # what the measures are taken from, whatever else the row shows of its times
    record |= {"_opened_at": stamp(row.created_at), "_solved_at": stamp(row.solved_at or row.updated_at)}
    return _own(with_extra(record, row.extra), generated, row.hidden)


def groups(created_at: str) -> list[Record]:
    names = (("Support", True), ("Escalations", False))
    return [
        {
            "id": SUPPORT_GROUP_ID + place, "name": name, "description": "", "default": default, "deleted": False, "is_public": True,
            "created_at": created_at, "updated_at": created_at,
        }
        for place, (name, default) in enumerate(names)
    ]


def asset_record(row: Asset, sku: str, generated: int, actor_id: int) -> Record:
    record = {
        "id": native_id("zendesk", "asset", row.key),
        "name": row.name,
        "external_id": row.serial_number or None,
        "custom_object_key": ASSET_KEY,
        "custom_object_fields": {
            "organization": native_id("zendesk", "customer", row.customer),
            "sku": sku or None,
            "serial_number": row.serial_number or None,
            "status": row.status,
            "installed_on": row.installed_on.isoformat(),
            "cover_end": row.cover_end.isoformat() if row.cover_end else None,
        },
        "created_by_user_id": str(actor_id),
        "updated_by_user_id": str(actor_id),
        "created_at": stamp(row.created_at),
        "updated_at": stamp(row.updated_at),
    }
    return _own(with_extra(record, row.extra), generated, row.hidden)


def _own(record: Record, generated: int, hidden: bool) -> Record:
    record["_generated"] = generated
    if hidden:
        record["_hidden"] = True
    return record


def scrubbed(record: Record, at: datetime, actor_id: int | None) -> Record:
    """A deleted ticket as the store keeps it: whole, for a restore; exports show the scrubbed form."""
    return {**record, "_deleted_at": stamp(at), "_deleted_by": actor_id}


# History


def history(row: Ticket) -> list[Record]:
    """The audits that a ticket's comments and changes make, oldest first. Ids stay the same when the history grows."""
    key = row.key * _STEP
    audit_base, child_base = int(native_id("zendesk", "audit", key)), int(native_id("zendesk", "comment", key))
    if len(row.comments) + len(row.changes) > _STEP // 2 - 20:
        raise ValueError(f"ticket {row.key} has more history than its id range holds")
    shown = ticket(row, 0)
    requester = shown["requester_id"]
    steps: list[tuple[datetime, int, int | None, Record]] = []
    for place, (name, value) in enumerate(_first_values(row, shown)):
        child = {"id": child_base + place, "type": "Create", "field_name": name, "value": value}
        steps.append((row.created_at, place, shown["submitter_id"], child))
    for place, comment in enumerate(row.comments):
        author = zendesk_id("agent" if comment.is_agent else "contact", comment.author)
        child = comment_child(child_base + 20 + 2 * place, author, comment.body, comment.is_public)
        at = row.created_at if place == 0 else max(comment.at, row.created_at)
        steps.append((at, 20 + 2 * place, shown["submitter_id"] if place == 0 else author, child))
    for place, change in enumerate(row.changes):
        child = {"id": child_base + 21 + 2 * place, "type": "Change", **_change_values(change)}
        author = SYSTEM_USER_ID if change.agent is None else zendesk_id("agent", change.agent)
        steps.append((max(change.at, row.created_at), 21 + 2 * place, author, child))
    steps.sort(key=lambda step: step[:2])
    audits: list[Record] = []
    last: tuple[datetime, int | None] | None = None
    for at, number, author, child in steps:
        if last != (at, author):
            last = (at, author)
            audits.append(
                {
                    "id": audit_base + number,
                    "ticket_id": shown["id"],
                    "created_at": stamp(at),
                    "author_id": author if author is not None else requester,
                    "events": [],
                    "_generated": epoch(at),
                }
            )
            if row.hidden:
                audits[-1]["_hidden"] = True
        audits[-1]["events"].append(child)
    return audits


def history_times(row: Ticket) -> Iterable[tuple[int, int]]:
    """(selection time, audit id) of each audit of the history."""
    return ((audit["_generated"], audit["id"]) for audit in history(row))


def comment_child(id: int, author_id: int | None, body: str, public: bool) -> Record:
    return {"id": id, "type": "Comment", "author_id": author_id, "body": body, "public": public}


def _first_values(row: Ticket, shown: Record) -> list[tuple[str, str | None]]:
    """What the ticket held when it was opened: the old side of a field's first change, else what it holds now."""
    first: dict[str, str | None] = {}
    for change in sorted(row.changes, key=lambda change: change.at):
        first.setdefault(change.field, change.old)
    values: list[tuple[str, str | None]] = [("subject", row.subject)]
    for name in ("status", "priority", "type"):
        values.append((name, first[name] if name in first else shown[name]))
    values.append(("requester_id", _text(shown["requester_id"])))
    values.append(("organization_id", _text(shown["organization_id"])))
    if row.order_number:
        values.append((str(ORDER_FIELD_ID), row.order_number))
    return values


def _change_values(change: Change) -> Record:
    name, old, new = change.field, change.old, change.new
    if name == "assignee":
        name = "assignee_id"
        old, new = (str(zendesk_id("agent", int(value))) if value and value.isdecimal() else value for value in (old, new))
    return {"field_name": name, "previous_value": old, "value": new}


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


# How records are shown


def show_organization(record: Record, base: str) -> Record:
    return {"url": f"{base}/api/v2/organizations/{record['id']}.json", **_ORGANIZATION_DEFAULTS, **_public(record)}


def show_user(record: Record, base: str) -> Record:
    return {"url": f"{base}/api/v2/users/{record['id']}.json", **_USER_DEFAULTS, **_public(record)}


def show_ticket(record: Record, base: str) -> Record:
    shown = {"url": f"{base}/api/v2/tickets/{record['id']}.json", **_TICKET_DEFAULTS, **_public(record)}
    shown["generated_timestamp"] = record["_generated"]
    shown["fields"] = shown["custom_fields"]
    return shown


def export_organization(record: Record, base: str) -> Record:
    return {"deleted_at": None, **show_organization(record, base)}


def export_ticket(record: Record, base: str) -> Record:
    """A deleted ticket shows its id, its times and that it was deleted."""
    shown = show_ticket(record, base)
    if "_deleted_at" in record:
        shown |= {
            "status": "deleted",
            "subject": "SCRUBBED",
            "raw_subject": "SCRUBBED",
            "description": "SCRUBBED",
            "tags": [],
            "custom_fields": [],
            "fields": [],
            "updated_at": record["_deleted_at"],
        }
    return shown


def show_deleted_ticket(record: Record, actor: Record | None) -> Record:
    return {
        "id": record["id"],
        "subject": record["subject"],
        "deleted_at": record["_deleted_at"],
        "previous_state": record["status"],
        "actor": {"id": record["_deleted_by"], "name": actor["name"] if actor else None},
    }


def show_comment(child: Record, audit: Record) -> Record:
    body = child["body"]
    return {
        "id": child["id"],
        "type": "Comment",
        "author_id": child["author_id"],
        "body": body,
        "html_body": f'<div class="zd-comment" dir="auto"><p>{html.escape(body)}</p></div>',
        "plain_body": body,
        "public": child["public"],
        "attachments": [],
        "audit_id": audit["id"],
        "via": _VIA,
        "created_at": audit["created_at"],
        "metadata": {"system": {}, "custom": {}},
    }


def show_audit(audit: Record) -> Record:
    events = []
    for child in audit["events"]:
        if child["type"] == "Comment":
            event = show_comment(child, audit)
            del event["created_at"], event["metadata"], event["via"]
        else:
            event = dict(child)
        events.append(event)
    return {
        "id": audit["id"],
        "ticket_id": audit["ticket_id"],
        "created_at": audit["created_at"],
        "author_id": audit["author_id"],
        "metadata": {"system": {}, "custom": {}},
        "via": _VIA,
        "events": events,
    }


def show_ticket_event(audit: Record, with_comments: bool) -> Record:
    """An audit as the event export shows it; without the side-load a comment is only said to be there."""
    children = []
    for child in audit["events"]:
        kind = child["type"]
        if kind != "Comment":
            shown = {**child, "event_type": kind, "via": "Web service", "via_reference_id": None}
        elif with_comments:
            shown = {**show_comment(child, audit), "event_type": kind, "via_reference_id": None}
            del shown["metadata"]
        else:
            shown = {
                "id": child["id"],
                "event_type": kind,
                "comment_present": True,
                "comment_public": child["public"],
                "via": "Web service",
                "via_reference_id": None,
            }
        children.append(shown)
    return {
        "id": audit["id"],
        "ticket_id": audit["ticket_id"],
        "timestamp": audit["_generated"],
        "created_at": audit["created_at"],
        "updater_id": audit["author_id"],
        "via": "Web service",
        "system": {"client": None, "location": None, "latitude": None, "longitude": None},
        "metadata": {},
        "event_type": "Audit",
        "child_events": children,
    }


_VIA = {"channel": "api", "source": {"from": {}, "to": {}, "rel": None}}


def _public(record: Record) -> Record:
    return {name: value for name, value in record.items() if name[0] != "_"}


def field_dictionary(base: str, created_at: str) -> list[Record]:
    """The organization fields as `/organization_fields` lists them."""
    listed = []
    for place, (key, (kind, title, options)) in enumerate(ORGANIZATION_FIELDS.items()):
        id = 361_000_000_001 + place
        entry: Record = {
            "id": id,
            "url": f"{base}/api/v2/organization_fields/{id}.json",
            "key": key,
            "type": kind,
            "title": title,
            "description": "",
            "active": True,
            "system": False,
            "position": place,
            "raw_title": title,
            "created_at": created_at,
            "updated_at": created_at,
        }
        if options:
            entry["custom_field_options"] = [
                {"id": id * 10 + number, "name": name, "raw_name": name, "value": value}
                for number, (value, name) in enumerate(options.items())
            ]
        listed.append(entry)
    return listed


def ticket_field_dictionary(base: str, created_at: str) -> list[Record]:
    names = [
        ("subject", "Subject", ()),
        ("description", "Description", ()),
        ("status", "Status", TICKET_STATUSES),
        ("tickettype", "Type", TICKET_TYPES),
        ("priority", "Priority", TICKET_PRIORITIES),
        ("assignee", "Assignee", ()),
    ]
    listed: list[Record] = []
    for place, (kind, title, options) in enumerate(names):
        id = 360_000_000_001 + place
        listed.append(
            {
                "id": id,
                "type": kind,
                "title": title,
                "active": True,
                "required": place == 0,
                "removable": False,
                "created_at": created_at,
                "updated_at": created_at,
                "url": f"{base}/api/v2/ticket_fields/{id}.json",
                **({"system_field_options": [{"name": word.capitalize(), "value": word} for word in options]} if options else {}),
            }
        )
    listed.append(
        {
            "id": ORDER_FIELD_ID,
            "type": "text",
            "title": "ERP order number",
            "active": True,
            "required": False,
            "removable": True,
            "created_at": created_at,
            "updated_at": created_at,
            "url": f"{base}/api/v2/ticket_fields/{ORDER_FIELD_ID}.json",
        }
    )
    return listed
