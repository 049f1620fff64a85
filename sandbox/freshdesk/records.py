"""Freshdesk's form of the neutral rows: companies, contacts, agents, products, tickets with their conversations, time entries and ratings.

Names that start with an underscore are the sandbox's own and never leave it. Lists, single views and writes belong elsewhere
(`api`, `parties`, `writes`); assets are records of a custom object (`custom_objects`).
"""

from __future__ import annotations

import html
import zlib
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sandbox.freshdesk.fields import FIRST_CUSTOM_STATUS, STATUSES
from sandbox.freshdesk.ids import COMMENTS_PER_TICKET, native_id
from sandbox.protocol import Record
from sandbox.world.model import Agent, Asset, Comment, Contact, Customer, Product, Ticket, View

SUPPORT_GROUP, BILLING_GROUP = 43_400_000_001, 43_400_000_002
AGENT_ROLE, ADMIN_ROLE = 43_410_000_001, 43_410_000_002
DEFAULT_SLA = 43_420_000_001
_STATUS = {"new": 2, "open": 2, "pending": 3, "hold": 7, "solved": 4, "closed": 5}
_PRIORITY = {"low": 1, "normal": 2, "high": 3, "urgent": 4}
_TYPE = {"question": "Question", "incident": "Incident", "problem": "Problem", "task": "Task"}
_SOURCES = (1, 2, 3, 1)
TIERS = ("premium", "standard", "basic")
# seconds to the first answer and to the end, by priority
_TARGETS = {1: (28_800, 432_000), 2: (14_400, 172_800), 3: (7_200, 86_400), 4: (1_800, 28_800)}


def stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def optional_stamp(at: datetime | None) -> str | None:
    return None if at is None else stamp(at)


def id_of(entity: str, key: int | None) -> int | None:
    return None if key is None else int(native_id(entity, key))


def known_id(entity: str, key: int) -> int:
    return int(native_id(entity, key))


def with_extra(record: Record, extra: dict[str, Any]) -> Record:
    """The record with the row's extra fields over it; an object goes into the object already there."""
    merged = dict(record)
    for name, value in extra.items():
        present = merged.get(name)
        merged[name] = {**present, **value} if isinstance(present, dict) and isinstance(value, dict) else value
    return merged


def _own(record: Record, hidden: bool) -> Record:
    return {**record, "_hidden": True} if hidden else record


def company(row: Customer, view: View) -> Record:
    linked = row.erp_customer is not None
    place = ", ".join(part for part in (row.street, f"{row.postcode} {row.city}".strip(), row.country) if part)
    record: Record = {
        "id": known_id("customer", row.key),
        "name": row.name,
        "description": place or None,
        "note": None,
        "domains": [row.domain] if row.domain else [],
        "created_at": stamp(row.created_at),
        "updated_at": stamp(row.updated_at),
        "custom_fields": {
            "erp_customer_id": view.peer("erp", "customer", row.erp_customer, row.key) or None if linked else None,
            "crm_account_id": view.peer("crm", "customer", row.key, row.key) or None if linked else None,
            "tax_id": row.tax_id or None,
            "parent_company_id": None if row.parent is None else native_id("customer", row.parent),
            "credit_status": "hold" if row.credit_hold else "ok",
            "erp_balance": float(row.balance),
            "overdue_amount": float(row.overdue_amount),
            "overdue_days": row.overdue_days,
            "entitlement_tier": row.entitlement_tier or None,
            "entitlement_start": row.entitlement_start.isoformat() if row.entitlement_start else None,
            "entitlement_end": row.entitlement_end.isoformat() if row.entitlement_end else None,
        },
        "health_score": None,
        "account_tier": None,
        "renewal_date": None,
        "industry": None,
    }
    return _own(with_extra(record, row.extra), row.hidden)


def new_contact(id: int, at: str) -> Record:
    return {
        "active": True, "address": None, "company_id": None, "description": None, "email": None, "id": id, "contact_type": "contact",
        "job_title": None, "language": "en", "mobile": None, "name": "", "phone": None, "time_zone": "UTC", "twitter_id": None,
        "facebook_id": None, "csat_rating": None, "preferred_source": None, "social_handler": [], "unique_external_id": None,
        "other_companies": [], "other_emails": [], "view_all_tickets": False, "tags": [], "custom_fields": {"department": None},
        "created_at": at, "updated_at": at,
    }


def contact(row: Contact, view: View) -> Record:
    record = new_contact(known_id("contact", row.key), stamp(row.created_at)) | {
        "company_id": known_id("customer", row.customer),
        "email": row.email or None,
        "job_title": row.title or None,
        "name": f"{row.first_name} {row.last_name}".strip(),
        "phone": row.phone or None,
        "unique_external_id": view.peer("crm", "contact", row.key, row.customer) or None,
        "updated_at": stamp(row.updated_at),
    }
    if row.removed:
        record["deleted"] = True
    return _own(with_extra(record, row.extra), row.hidden)


def agent(row: Agent, *, is_admin: bool = False) -> Record:
    record: Record = {
        "available": True,
        "occasional": False,
        "signature": None,
        "id": known_id("agent", row.key),
        "ticket_scope": 1,
        "type": "support_agent",
        "skill_ids": [],
        "group_ids": [SUPPORT_GROUP],
        "role_ids": [ADMIN_ROLE if is_admin else AGENT_ROLE],
        "available_since": None,
        "focus_mode": True,
        "deactivated": False,
        "created_at": stamp(row.created_at),
        "updated_at": stamp(row.updated_at),
        "contact": {
            "active": True, "email": row.email, "job_title": None, "language": "en", "last_login_at": stamp(row.updated_at), "mobile": None,
            "name": row.name, "phone": None, "time_zone": "UTC", "created_at": stamp(row.created_at), "updated_at": stamp(row.updated_at),
        },
    }
    return _own(with_extra(record, row.extra), row.hidden)


def product(row: Product) -> Record:
    """The key that all systems share, the stock number, is kept in the description: a product has no field of its own for it."""
    record: Record = {
        "id": known_id("product", row.key), "name": row.name, "description": row.sku, "default": False, "primary_email": None,
        "created_at": stamp(row.created_at), "updated_at": stamp(row.updated_at),
    }
    return _own(with_extra(record, row.extra), row.hidden)


def status_code(word: str) -> int:
    """A word that no factory status has is a status of the account's own, with a code from 8 on."""
    if word in _STATUS:
        return _STATUS[word]
    return int(word) if word.isdecimal() else FIRST_CUSTOM_STATUS + zlib.crc32(word.encode()) % 92


def own_statuses(rows: Iterable[Ticket]) -> dict[int, tuple[str, str]]:
    found = {status_code(row.status): row.status for row in rows if row.status not in _STATUS}
    return {code: (word, word) for code, word in found.items() if code not in STATUSES}


def due(created: datetime, priority: Any) -> tuple[str, str]:
    """When a ticket must be answered first and when it must be done."""
    answered, done = _TARGETS.get(priority, _TARGETS[1])
    return stamp(created + timedelta(seconds=answered)), stamp(created + timedelta(seconds=done))


def new_ticket(id: int, at: str) -> Record:
    return {
        "cc_emails": [], "fwd_emails": [], "reply_cc_emails": [], "ticket_cc_emails": [], "fr_escalated": False, "spam": False,
        "email_config_id": None, "group_id": None, "priority": 1, "requester_id": None, "responder_id": None, "source": 2,
        "company_id": None, "status": 2, "subject": None, "association_type": None, "associated_tickets_count": None, "support_email": None,
        "to_emails": None, "product_id": None, "id": id, "type": None, "due_by": None, "fr_due_by": None, "nr_due_by": None,
        "is_escalated": False, "nr_escalated": False, "internal_agent_id": None, "internal_group_id": None, "form_id": None,
        "sentiment_score": None, "custom_fields": {"cf_erp_order_number": None}, "tags": [], "created_at": at, "updated_at": at,
        "_description": "<div></div>", "_description_text": "", "_stats": NO_STATS,
    }


NO_STATS: Record = {
    "agent_responded_at": None, "requester_responded_at": None, "first_responded_at": None, "status_updated_at": None, "reopened_at": None,
    "resolved_at": None, "closed_at": None, "pending_since": None,
}


def ticket(row: Ticket) -> Record:
    first = row.comments[0] if row.comments else None
    text = first.body if first else row.subject
    requester = id_of("contact", row.contact)
    priority = _PRIORITY.get(row.priority, row.priority)
    answer_by, done_by = due(row.created_at, priority)
    record = new_ticket(known_id("ticket", row.key), stamp(row.created_at)) | {
        "group_id": BILLING_GROUP if row.subject.lower().startswith(("invoice", "copy of an invoice")) else SUPPORT_GROUP,
        "priority": priority,
        "requester_id": id_of("agent", row.assignee) if requester is None else requester,
        "responder_id": id_of("agent", row.assignee),
        "source": _SOURCES[row.key % len(_SOURCES)],
        "company_id": id_of("customer", row.customer),
        "status": status_code(row.status),
        "subject": row.subject,
        "type": _TYPE.get(row.type, row.type) or None,
        "due_by": done_by,
        "fr_due_by": answer_by,
        "custom_fields": {"cf_erp_order_number": row.order_number or None},
        "tags": sorted(set(row.tags)),
        "updated_at": stamp(row.updated_at),
        "_description": as_html(text),
        "_description_text": text,
        "_stats": _stats(row),
    }
    if row.removed:
        record["deleted"] = True
    return _own(with_extra(record, row.extra), row.hidden)


def _stats(row: Ticket) -> Record:
    """What the vendor keeps of a ticket's history: the last time of each kind of step."""
    moved = [change for change in row.changes if change.field == "status"]
    answers = [comment.at for comment in row.comments[1:] if comment.is_agent and comment.is_public]
    questions = [comment.at for comment in row.comments[1:] if not comment.is_agent]
    ended = ("solved", "closed")
    return {
        "agent_responded_at": optional_stamp(max(answers, default=None)),
        "requester_responded_at": optional_stamp(max(questions, default=None)),
        "first_responded_at": optional_stamp(min(answers, default=None)),
        "status_updated_at": stamp(max((change.at for change in moved), default=row.created_at)),
        "reopened_at": optional_stamp(max((c.at for c in moved if c.old in ended and c.new not in ended), default=None)),
        "resolved_at": optional_stamp(row.solved_at or max((c.at for c in moved if c.new in ended), default=None)) if row.status in ended else None,
        "closed_at": optional_stamp(max((c.at for c in moved if c.new == "closed"), default=row.updated_at)) if row.status == "closed" else None,
        "pending_since": optional_stamp(max((c.at for c in moved if c.new == "pending"), default=None)) if row.status == "pending" else None,
    }


def as_html(text: str) -> str:
    return f"<div>{html.escape(text, quote=False)}</div>"


def conversations(row: Ticket) -> list[Record]:
    """Everything said after the first words, which are the ticket's description."""
    return [_conversation(row, place, comment) for place, comment in enumerate(row.comments) if place]


def _conversation(row: Ticket, place: int, comment: Comment) -> Record:
    id = known_id("comment", row.key * COMMENTS_PER_TICKET + place)
    user = known_id("agent" if comment.is_agent else "contact", comment.author)
    return conversation(
        id, known_id("ticket", row.key), user, as_html(comment.body), comment.body, stamp(comment.at),
        incoming=not comment.is_agent, private=not comment.is_public)


def conversation(
    id: int, ticket_id: int, user_id: int, body: str, text: str, at: str, *, incoming: bool, private: bool, to: list[str] | None = None,
) -> Record:
    return {
        "body": body, "body_text": text, "id": id, "incoming": incoming, "private": private, "user_id": user_id, "support_email": None,
        "source": 2 if private else 0, "category": 2 if private else 1 if incoming else 3, "to_emails": to or [], "from_email": None,
        "cc_emails": [], "bcc_emails": None, "email_failure_count": None, "outgoing_failures": None, "thread_id": None,
        "thread_message_id": None, "ticket_id": ticket_id, "created_at": at, "updated_at": at, "last_edited_at": None,
        "last_edited_user_id": None, "structured_body": None, "attachments": [],
    }


def time_entries(row: Ticket) -> list[Record]:
    """A quarter of an hour for each answer of an agent."""
    return [
        {
            "billable": True, "note": None, "id": known_id("time_entry", row.key * COMMENTS_PER_TICKET + place), "timer_running": False,
            "agent_id": known_id("agent", comment.author), "ticket_id": known_id("ticket", row.key),
            "company_id": known_id("customer", row.customer), "time_spent": "00:15",
            "executed_at": stamp(comment.at), "start_time": stamp(comment.at), "created_at": stamp(comment.at), "updated_at": stamp(comment.at),
        }
        for place, comment in enumerate(row.comments) if comment.is_agent and place
    ]


def rating(row: Ticket) -> Record | None:
    """Every third ticket that was solved is rated by its requester an hour later."""
    if row.solved_at is None or row.contact is None or row.key % 3:
        return None
    at = stamp(row.solved_at + timedelta(hours=1))
    return {
        "id": known_id("rating", row.key), "survey_id": 43_430_000_001, "user_id": known_id("contact", row.contact),
        "agent_id": id_of("agent", row.assignee), "feedback": None, "group_id": SUPPORT_GROUP, "ticket_id": known_id("ticket", row.key),
        "created_at": at, "updated_at": at, "ratings": {"default_question": 103 if row.key % 2 else -103},
    }


def groups(at: str, agents: Iterable[int]) -> list[Record]:
    members = sorted(agents)
    return [
        {
            "id": id, "name": name, "description": None, "business_hour_id": 43_440_000_001, "escalate_to": None, "unassigned_for": None,
            "agent_ids": members if id == SUPPORT_GROUP else members[:1], "auto_ticket_assign": False, "created_at": at, "updated_at": at,
        }
        for id, name in ((SUPPORT_GROUP, "Support"), (BILLING_GROUP, "Billing"))
    ]


def roles(at: str) -> list[Record]:
    return [
        {"id": id, "name": name, "description": text, "default": True, "agent_type": 1, "created_at": at, "updated_at": at}
        for id, name, text in (
            (AGENT_ROLE, "Agent", "Works on tickets and contacts."), (ADMIN_ROLE, "Account Administrator", "Changes every setting."))
    ]


def business_hours(at: str) -> list[Record]:
    day = {"start_time": "8:00 am", "end_time": "5:00 pm"}
    return [{
        "id": 43_440_000_001, "name": "Default", "description": None, "time_zone": "UTC", "is_default": True,
        "business_hours": {name: day for name in ("monday", "tuesday", "wednesday", "thursday", "friday")},
        "list_of_holidays": [], "created_at": at, "updated_at": at,
    }]


def sla_policies(entitled: dict[str, list[int]], at: str) -> list[Record]:
    """One policy for each tier of support, applied to the companies that are entitled to it, and one for all others."""
    rows = [_policy(DEFAULT_SLA, "Default SLA Policy", len(TIERS) + 1, True, {}, 1, at)]
    for place, tier in enumerate(TIERS, 1):
        applicable = {"company_ids": sorted(entitled.get(tier, []))}
        rows.append(_policy(sla_id(tier), f"{tier.capitalize()} support", place, False, applicable, (1, 2, 4)[place - 1], at))
    return rows


def sla_id(tier: str) -> int:
    return DEFAULT_SLA + TIERS.index(tier) + 1


def _policy(id: int, name: str, position: int, is_default: bool, applicable: Record, factor: int, at: str) -> Record:
    targets = {
        f"priority_{priority}": {
            "respond_within": answered * factor, "next_respond_within": None, "resolve_within": done * factor, "business_hours": priority < 4,
            "escalation_enabled": priority > 2,
        }
        for priority, (answered, done) in sorted(_TARGETS.items(), reverse=True)
    }
    return {
        "id": id, "name": name, "description": "", "active": True, "sla_target": targets, "applicable_to": applicable,
        "is_default": is_default, "position": position, "escalation": {}, "created_at": at, "updated_at": at,
    }


def asset(row: Asset, skus: dict[int, str]) -> Record:
    record: Record = {
        "display_id": native_id("asset", row.key),
        "created_time": int(row.created_at.timestamp() * 1000),
        "updated_time": int(row.updated_at.timestamp() * 1000),
        "data": {
            "asset_name": row.name, "serial_number": row.serial_number, "company": native_id("customer", row.customer),
            "product_sku": skus.get(row.product), "status": row.status, "installed_on": row.installed_on.isoformat(),
            "cover_end": row.cover_end.isoformat() if row.cover_end else None,
        },
        "version": 1,
        "metadata": {"primary_field_name": "asset_name"},
    }
    return _own(with_extra(record, row.extra), row.hidden)
