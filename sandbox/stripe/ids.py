"""Stripe's ids of the world's rows: a prefix that tells the object, and a digest."""

from __future__ import annotations

import hashlib

_PREFIX = {
    "customer": "cus_", "product": "prod_", "price": "price_", "subscription": "sub_", "subscription_item": "si_", "invoice": "in_",
    "invoice_line": "il_", "payment": "ch_", "payment_intent": "pi_", "credit_note": "cn_", "credit_note_line": "cnli_",
    "refund": "re_", "dispute": "dp_", "event": "evt_", "invoice_payment": "inpay_",
    "balance_transaction": "txn_", "payout": "po_", "coupon": "", "promotion_code": "promo_", "discount": "di_", "tax_id": "txi_",
    "invoice_item": "ii_", "subscription_schedule": "sub_sched_", "tax_rate": "txr_", "payment_method": "pm_", "webhook_endpoint": "we_",
    "test_clock": "clock_", "meter": "mtr_", "meter_event": "mtrevt_", "meter_event_summary": "mtrusg_",
}


def native_id(entity: str, key: int | str) -> str:
    digest = hashlib.blake2b(f"{entity}:{key}".encode(), digest_size=10).hexdigest()
    return _PREFIX[entity] + digest
