"""NetSuite's ids of the world's rows. It numbers every transaction from one sequence; entities have their own."""

from __future__ import annotations

_OFFSET = {
    "customer": 1_000, "contact": 2_000_000, "product": 500, "agent": 10, "order": 10_000_000, "invoice": 20_000_000,
    "payment": 40_000_000, "credit_note": 50_000_000, "refund": 60_000_000, "shipment": 70_000_000, "return": 80_000_000,
    "receipt": 85_000_000,
}


def native_id(entity: str, key: int | str) -> str:
    return str(_OFFSET[entity] + int(key))
