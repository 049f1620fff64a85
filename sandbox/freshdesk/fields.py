"""The field dictionaries of a Freshdesk account: codes, choices, custom fields, and what the field endpoints tell of them.

Values of records belong to `records`, the rules for writing them to `writes`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sandbox.protocol import Record

# code -> (name that agents see, name that requesters see)
STATUSES: dict[int, tuple[str, str]] = {
    2: ("Open", "Being Processed"),
    3: ("Pending", "Awaiting your Reply"),
    4: ("Resolved", "This ticket has been Resolved"),
    5: ("Closed", "This ticket has been Closed"),
    6: ("Waiting on Customer", "Awaiting your Reply"),
    7: ("Waiting on Third Party", "Being Processed"),
}
PRIORITIES = {1: "Low", 2: "Medium", 3: "High", 4: "Urgent"}
SOURCES = {1: "Email", 2: "Portal", 3: "Phone", 5: "Twitter", 6: "Facebook", 7: "Chat", 8: "Mobihelp", 9: "Feedback Widget",
           10: "Outbound Email", 11: "Ecommerce", 12: "Bot", 13: "Whatsapp", 15: "Web Chat"}
WRITABLE_SOURCES = frozenset({1, 2, 3, 7, 9, 10})
TYPES = ("Question", "Incident", "Problem", "Task", "Feature Request", "Refund")
FIRST_CUSTOM_STATUS = 8
HEALTH_SCORES = ("At risk", "Doing okay", "Happy")
ACCOUNT_TIERS = ("Basic", "Premium", "Enterprise")
INDUSTRIES = ("Automotive", "Consumer", "Education", "Energy", "Finance", "Health Care", "Manufacturing", "Marine", "Retail", "Technology")


@dataclass(frozen=True)
class Custom:
    """A custom field: `kind` as the field endpoints name it."""

    label: str
    kind: str
    choices: tuple[str, ...] = ()


# names of company and contact fields are plain, those of tickets begin with cf_
COMPANY_CUSTOM: dict[str, Custom] = {
    "erp_customer_id": Custom("ERP customer id", "custom_text"),
    "crm_account_id": Custom("CRM account id", "custom_text"),
    "tax_id": Custom("Tax id", "custom_text"),
    "parent_company_id": Custom("Parent company id", "custom_text"),
    "credit_status": Custom("Credit status", "custom_dropdown", ("ok", "hold")),
    "erp_balance": Custom("ERP balance", "custom_decimal"),
    "overdue_amount": Custom("Overdue amount", "custom_decimal"),
    "overdue_days": Custom("Overdue days", "custom_number"),
    "entitlement_tier": Custom("Entitlement tier", "custom_dropdown", ("basic", "standard", "premium")),
    "entitlement_start": Custom("Entitlement start", "custom_date"),
    "entitlement_end": Custom("Entitlement end", "custom_date"),
}
CONTACT_CUSTOM: dict[str, Custom] = {"department": Custom("Department", "custom_text")}
TICKET_CUSTOM: dict[str, Custom] = {"cf_erp_order_number": Custom("ERP order number", "custom_text")}

_MADE_AT = "2024-01-15T08:00:00Z"
_TICKET_DEFAULTS = (
    ("requester", "Search a requester", "default_requester", None),
    ("subject", "Subject", "default_subject", None),
    ("ticket_type", "Type", "default_ticket_type", list(TYPES)),
    ("source", "Source", "default_source", {name: code for code, name in SOURCES.items()}),
    ("status", "Status", "default_status", None),
    ("priority", "Priority", "default_priority", {name: code for code, name in PRIORITIES.items()}),
    ("group", "Group", "default_group", None),
    ("agent", "Agent", "default_agent", None),
    ("product", "Product", "default_product", None),
    ("description", "Description", "default_description", None),
    ("company", "Company", "default_company", None),
)
_COMPANY_DEFAULTS = (
    ("name", "Company Name", "default_name", None),
    ("description", "Description", "default_description", None),
    ("note", "Notes", "default_note", None),
    ("domains", "Domains for this company", "default_domains", None),
    ("health_score", "Health score", "default_health_score", list(HEALTH_SCORES)),
    ("account_tier", "Account tier", "default_account_tier", list(ACCOUNT_TIERS)),
    ("renewal_date", "Renewal date", "default_renewal_date", None),
    ("industry", "Industry", "default_industry", list(INDUSTRIES)),
)
_CONTACT_DEFAULTS = tuple(
    (name, name.replace("_", " ").capitalize(), f"default_{name}", None)
    for name in ("name", "job_title", "email", "phone", "mobile", "twitter_id", "unique_external_id", "company_name", "address", "time_zone",
                 "language", "tag_names", "description")
)


def ticket_fields(statuses: dict[int, tuple[str, str]], wanted: str | None = None) -> list[Record]:
    defaults = [
        (name, label, kind, {str(code): list(names) for code, names in statuses.items()} if name == "status" else choices)
        for name, label, kind, choices in _TICKET_DEFAULTS
    ]
    rows = _rows(43_500_000_001, defaults, TICKET_CUSTOM)
    rows = [{**row, "required_for_closure": False, "portal_cc": False, "portal_cc_to": "company"} if row["name"] == "requester"
            else {**row, "required_for_closure": False} for row in rows]
    return rows if wanted is None else [row for row in rows if row["type"] == wanted]


def company_fields() -> list[Record]:
    return _rows(43_510_000_001, _COMPANY_DEFAULTS, COMPANY_CUSTOM)


def contact_fields() -> list[Record]:
    return [{**row, "editable_in_signup": False} for row in _rows(43_520_000_001, _CONTACT_DEFAULTS, CONTACT_CUSTOM)]


def _rows(first: int, defaults: Any, custom: dict[str, Custom]) -> list[Record]:
    rows: list[Record] = []
    entries = [(*entry, True) for entry in defaults]
    entries += [(name, one.label, one.kind, list(one.choices) or None, False) for name, one in custom.items()]
    for place, (name, label, kind, choices, default) in enumerate(entries, 1):
        row: Record = {
            "id": first + place, "name": name, "label": label, "description": None, "position": place, "type": kind, "default": default,
            "customers_can_edit": False, "label_for_customers": label, "required_for_customers": False, "displayed_to_customers": default,
            "required_for_agents": name in ("name", "subject", "status", "priority", "requester", "description"),
            "created_at": _MADE_AT, "updated_at": _MADE_AT,
        }
        if choices is not None:
            row["choices"] = choices
        rows.append(row)
    return rows
