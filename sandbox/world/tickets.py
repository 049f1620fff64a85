"""Support tickets: their words, their history of changes, and the tags that Concord keeps on them."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

from sandbox.world.model import Agent, Change, Comment, Contact, Order, Ticket, View
from sandbox.world.parties import moment_between

HOLD_TAG, LAPSED_TAG = "concord_credit_hold", "concord_lapsed_cover"
OPEN_STATUSES = ("new", "open", "pending", "hold")

_TOPICS = (
    ("Invoice does not match the order", "question"),
    ("Delivery has not arrived", "problem"),
    ("Unit stopped working", "incident"),
    ("Cannot sign in to the portal", "incident"),
    ("Change of billing address", "task"),
    ("Question about renewal", "question"),
    ("Wrong item received", "problem"),
    ("Request for a return label", "task"),
    ("Slow response of the service", "incident"),
    ("Copy of an invoice needed", "question"),
)
_ASKS = ("Could you please look into this?", "This stops our work, please help.", "We need this before the end of the week.")
_REPLIES = (
    "Thanks for writing, we are looking into it.",
    "Could you send us the serial number?",
    "This is fixed now, please check on your side.",
)
_PATHS = {
    "new": (),
    "open": ("open",),
    "pending": ("open", "pending"),
    "hold": ("open", "hold"),
    "solved": ("open", "solved"),
    "closed": ("open", "pending", "open", "solved", "closed"),
}


def make_ticket(
    rng: random.Random,
    key: int,
    at: datetime,
    status: str,
    customer: int,
    contact: Contact,
    agents: list[Agent],
    orders: list[Order],
    anchor: datetime,
) -> Ticket:
    subject, kind = rng.choice(_TOPICS)
    agent = rng.choice(agents)
    latest = anchor - timedelta(minutes=10)
    changes: list[Change] = []
    moment, old = at, "new"
    path = _PATHS[status]
    if status == "closed" and rng.random() < 0.5:
        path = ("open", "solved", "closed")
    for new in path:
        moment = min(moment + timedelta(seconds=rng.randint(600, 300_000)), latest)
        changes.append(Change(at=moment, field="status", old=old, new=new, agent=None if new == "closed" else agent.key))
        old = new
    comments = [Comment(at=at, author=contact.key, is_agent=False, is_public=True, body=f"{subject}. {rng.choice(_ASKS)}")]
    for _ in range(rng.randint(0, 3) if changes else 0):
        by_agent = rng.random() < 0.6
        comments.append(
            Comment(
                at=moment_between(rng, at, moment),
                author=agent.key if by_agent else contact.key,
                is_agent=by_agent,
                is_public=not by_agent or rng.random() < 0.8,
                body=rng.choice(_REPLIES if by_agent else _ASKS),
            )
        )
    comments.sort(key=lambda comment: comment.at)
    order = rng.choice(orders) if orders and rng.random() < 0.4 else None
    return Ticket(
        key=key,
        created_at=at,
        updated_at=max([at, *(change.at for change in changes), *(comment.at for comment in comments)]),
        actor=f"user:{agent.key}",
        customer=customer,
        contact=contact.key,
        assignee=agent.key if changes else None,
        subject=subject,
        type=kind,
        priority=rng.choice(("low", "normal", "normal", "high", "urgent")),
        status=status,
        order=order.key if order else None,
        order_number=order.number if order else "",
        tags=[kind],
        comments=comments,
        changes=changes,
        solved_at=next((change.at for change in reversed(changes) if change.new == "solved"), None),
    )


def tag_open_tickets(view: View, customers: set[int], tag: str) -> None:
    """Put the tag on every open ticket of these customers, as the integration would have done."""
    for ticket in view.tickets:
        if ticket.customer in customers and ticket.status in OPEN_STATUSES and tag not in ticket.tags:
            ticket.tags = [*ticket.tags, tag]
