"""Zuora's ids: 32 hexadecimal digits. An entity's row of the world always has the same one; versions and parts have ids of their own."""

from __future__ import annotations

import hashlib

# entities of the world, then what a tenant keeps beside them
_ENTITIES = frozenset({
    "customer", "contact", "product", "price", "subscription", "subscription_item", "invoice", "invoice_line", "payment", "credit_note",
    "refund", "dispute",
    "rate_plan", "rate_plan_tier", "product_rate_plan", "product_tier", "taxation_item", "payment_application", "payment_part",
    "payment_method", "refund_application", "credit_memo_item", "credit_memo_application", "credit_memo_part", "debit_memo",
    "debit_memo_item", "billing_order", "order_action", "amendment", "usage", "user", "job", "file", "created", "entity", "tenant", "other",
})


def native_id(entity: str, key: int | str) -> str:
    """Raises KeyError for an entity that a tenant does not keep. A subscription's is that of its first version, which stays its original id."""
    if entity not in _ENTITIES:
        raise KeyError(entity)
    return "8ad0" + hashlib.blake2b(f"{entity}:{key}".encode(), digest_size=14).hexdigest()
