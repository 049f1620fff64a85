"""Zendesk's ids of the world's rows."""

from __future__ import annotations

_OFFSET = {
    "customer": 31_000_000_000, "contact": 42_000_000_000, "agent": 41_000_000_000, "ticket": 5_000, "comment": 71_000_000_000,
    "audit": 81_000_000_000,
}


def native_id(entity: str, key: int | str) -> str:
    if entity == "asset":  # a custom object's record: 26 letters and digits that sort as they were made
        return f"01J{int(key):023d}"
    return str(_OFFSET[entity] + int(key))
