"""The keys under which a Dynamics environment keeps the world's rows. Number sequences are shared by all companies.

Record ids of transactions lie beyond 2^53 on purpose: a client that reads them as floating point numbers mixes them up.
"""

from __future__ import annotations

COMPANIES = ("usmf", "demf")
_EVERY_THIRD = 3
_RECORD_ID = {
    "payment": 9_007_300_000_000_001, "refund": 9_007_400_000_000_001, "invoice_transaction": 9_007_500_000_000_001,
    "credit_transaction": 9_007_600_000_000_001, "reversal": 9_007_700_000_000_001, "free_text_invoice": 9_007_800_000_000_001,
}
_FORM = {
    "contact": "{:09d}", "product": "P{:06d}", "order": "SO{:06d}", "invoice": "CIV-{:07d}", "credit_note": "CRN-{:07d}",
    "shipment": "PSV-{:07d}", "return": "RSO-{:06d}", "agent": "{:06d}", "party": "1{:08d}", "location": "2{:08d}", "journal": "J{:07d}",
    "invoice_voucher": "ARI-{:07d}", "credit_voucher": "ARC-{:07d}", "payment_voucher": "ARP-{:07d}", "refund_voucher": "ARR-{:07d}",
    "reversal_voucher": "ARX-{:07d}",
}


def company_of(customer: int) -> str:
    """The legal entity that serves a customer of the world."""
    return COMPANIES[1] if customer % _EVERY_THIRD == 0 else COMPANIES[0]


def native_id(entity: str, key: int | str) -> str:
    """The key value of a row within its company; payments and refunds are transactions and known by their record id."""
    number = int(key)
    if entity == "customer":
        return f"{'US' if company_of(number) == COMPANIES[0] else 'DE'}-{number:06d}"
    if entity in _RECORD_ID:
        return str(_RECORD_ID[entity] + number)
    return _FORM[entity].format(number)


def lot_id(document: int, line: int) -> str:
    """The inventory lot of an order's line."""
    return f"{document * 10_000 + line:012d}"


def return_lot_id(document: int, line: int) -> str:
    return f"R{document * 10_000 + line:011d}"
