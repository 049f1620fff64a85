"""Freshdesk's ids of the world's rows: tickets are numbered from 1 in each account, everything else has a global number."""

from __future__ import annotations

ASSET_PREFIX = "AST"
COMMENTS_PER_TICKET = 1_000  # a comment's key is the ticket's key times this, plus its place among the ticket's comments
_OFFSET = {
    "customer": 43_000_000_000, "contact": 43_100_000_000, "agent": 43_200_000_000, "product": 43_300_000_000, "ticket": 0,
    "comment": 44_000_000_000, "time_entry": 47_000_000_000, "rating": 48_000_000_000,
}


def native_id(entity: str, key: int | str) -> str:
    if entity == "asset":
        return f"{ASSET_PREFIX}-{int(key)}"
    return str(_OFFSET[entity] + int(key))
