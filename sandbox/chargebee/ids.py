"""Chargebee's ids of the world's rows: document numbers, readable slugs of the catalogue, and short random-looking texts."""

from __future__ import annotations

import hashlib
import string

_ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
_SLUG = {"product": "product", "price": "price", "item_family": "family"}
_DOCUMENT = {"invoice": "INV-", "credit_note": "CN-"}
_PREFIX = {
    "customer": "", "subscription": "", "payment": "txn_", "refund": "txn_", "dispute": "dis_", "order": "", "contract": "",
    "event": "ev_", "invoice_line": "li_", "credit_note_line": "li_", "contact": "contact_", "comment": "cmt_", "promotional_credit": "pc_",
    "quote": "", "usage": "usg_", "unbilled_charge": "li_", "payment_source": "pm_", "export": "exp_", "discount": "",
}


def native_id(entity: str, key: int | str) -> str:
    """Raises KeyError for what Chargebee does not keep. Invoices and credit notes go by their document numbers."""
    if entity in _DOCUMENT:
        return f"{_DOCUMENT[entity]}{key:06d}" if isinstance(key, int) else f"{_DOCUMENT[entity]}{key}"
    if entity in _SLUG:
        return f"{_SLUG[entity]}-{key}"
    if entity == "subscription_item":  # an item of a subscription has no id of its own: the subscription and the price name it
        return f"{native_id('subscription', key)}|{native_id('price', key)}"
    prefix = _PREFIX[entity]
    number = int.from_bytes(hashlib.blake2b(f"{entity}:{key}".encode(), digest_size=11).digest(), "big")
    text = ""
    while number:
        number, digit = divmod(number, 62)
        text = _ALPHABET[digit] + text
    return f"{prefix}Az{text.rjust(14, '0')[-14:]}"
