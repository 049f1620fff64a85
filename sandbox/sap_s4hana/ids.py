"""SAP's numbers of the world's rows: each kind of document and master record has its own number range."""

from __future__ import annotations

_OFFSET = {
    "customer": 17_100_000, "contact": 9_980_000_000, "agent": 9_980_000_000, "product": 30_000_000, "order": 1_000_000,
    "invoice": 90_000_000, "credit_note": 98_000_000, "credit_memo_request": 70_000_000, "shipment": 80_000_000, "return": 60_000_000,
    "return_delivery": 84_000_000, "payment": 1_400_000_000, "refund": 1_500_000_000, "invoice_posting": 9_400_000_000,
    "credit_posting": 9_500_000_000, "relationship": 500_000, "address": 20_000_000, "cancellation": 96_000_000,
    "credit_cancellation": 99_000_000,
}


def native_id(entity: str, key: int | str) -> str:
    number = str(_OFFSET[entity] + int(key))
    return f"CB{number}" if entity == "agent" else number
