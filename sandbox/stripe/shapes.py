"""Stripe's payloads: kept records to JSON in the two shapes of the field (before basil, and basil and later), and expansion.

What does not belong here: which records an answer holds, and any change of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from sandbox.protocol import Record
from sandbox.stripe.account import NESTED_ROWS, Account
from sandbox.stripe.params import StripeError
from sandbox.world.model import native_id

Json = dict[str, Any]
BASIL = "2025-03-31"
OBJECT = {
    "customers": "customer", "products": "product", "prices": "price", "subscriptions": "subscription", "invoices": "invoice",
    "charges": "charge", "payment_intents": "payment_intent", "invoice_payments": "invoice_payment", "refunds": "refund",
    "credit_notes": "credit_note", "disputes": "dispute", "events": "event", "subscription_items": "subscription_item",
    "customer_balance_transactions": "customer_balance_transaction", "balance_transactions": "balance_transaction", "payouts": "payout",
    "coupons": "coupon", "promotion_codes": "promotion_code", "discounts": "discount", "tax_ids": "tax_id", "invoiceitems": "invoiceitem",
    "subscription_schedules": "subscription_schedule", "plans": "plan", "tax_rates": "tax_rate", "payment_methods": "payment_method",
    "webhook_endpoints": "webhook_endpoint", "test_helpers/test_clocks": "test_helpers.test_clock", "billing/meters": "billing.meter",
    "billing/meter_events": "billing.meter_event",
}
CLOVER = "2025-09-30"
MOST_EXPANSION = 4


def is_basil(version: str) -> bool:
    return version >= BASIL


def listing(url: str, data: list[Json], has_more: bool) -> Json:
    return {"object": "list", "url": url, "has_more": has_more, "data": data}


def render(account: Account, kind: str, record: Record, version: str) -> Json:
    """One object as this version shows it; unknown native fields that the world planted come last."""
    if record.get("deleted"):
        return {"id": record["id"], "object": OBJECT[kind], "deleted": True}
    shown: Json = {"id": record["id"], "object": OBJECT[kind], "livemode": account.is_live}
    shown |= {name: value for name, value in record.items() if name[0] != "_"}
    add = _ADD.get(kind)
    if add is not None:
        add(account, record, shown, version)
    return shown | record.get("_extra", {})


# ------------------------------------------------------------------ one function a kind


def _customer(account: Account, record: Record, shown: Json, version: str) -> None:
    shown |= {
        "default_source": None, "discount": None, "invoice_settings": {
            "custom_fields": None, "default_payment_method": None, "footer": None, "rendering_options": None},
        "shipping": None, "test_clock": record.get("_test_clock"),
    }


def _product(account: Account, record: Record, shown: Json, version: str) -> None:
    shown |= {"images": [], "package_dimensions": None, "shippable": None, "statement_descriptor": None, "tax_code": None,
              "unit_label": None, "url": None, "type": "service"}
    shown["marketing_features" if is_basil(version) else "features"] = []


def _price(account: Account, record: Record, shown: Json, version: str) -> None:
    shown |= {"billing_scheme": "per_unit", "custom_unit_amount": None, "tax_behavior": "exclusive", "tiers_mode": None,
              "transform_quantity": None}
    if shown["recurring"]:
        shown["recurring"] = {**shown["recurring"], "trial_period_days": None, "usage_type": "licensed"}
        shown["recurring"]["meter" if is_basil(version) else "aggregate_usage"] = None


def _plan_view(account: Account, record: Record, shown: Json, version: str) -> None:
    price = render(account, "prices", record, version)
    shown.clear()
    shown |= _plan(price) or {}
    if is_basil(version):
        shown["meter"] = None


def _plan(price: Json) -> Json | None:
    """The legacy view of a recurring price."""
    if not price.get("recurring"):
        return None
    return {
        "id": price["id"], "object": "plan", "active": price["active"], "amount": price["unit_amount"],
        "amount_decimal": price["unit_amount_decimal"], "billing_scheme": "per_unit", "created": price["created"],
        "currency": price["currency"], "interval": price["recurring"]["interval"],
        "interval_count": price["recurring"]["interval_count"], "livemode": price["livemode"], "metadata": price["metadata"],
        "nickname": price["nickname"], "product": price["product"], "tiers_mode": None, "transform_usage": None,
        "trial_period_days": None, "usage_type": "licensed",
    }


def _shown_price(account: Account, id: str | None, version: str) -> Json | None:
    record = account.get("prices", id)
    return None if record is None else render(account, "prices", record, version)


def subscription_item(account: Account, subscription: Record, item: Mapping[str, Any], version: str) -> Json:
    price = _shown_price(account, item["price"], version)
    shown: Json = {
        "id": item["id"], "object": "subscription_item", "billing_thresholds": None, "created": item["created"],
        "metadata": item["metadata"], "plan": _plan(price) if price else None, "price": price, "quantity": item["quantity"],
        "subscription": subscription["id"], "tax_rates": [],
    }
    if is_basil(version):
        shown |= {"current_period_start": subscription["_period_start"], "current_period_end": subscription["_period_end"],
                  "discounts": []}
    return shown


def _subscription(account: Account, record: Record, shown: Json, version: str) -> None:
    items = record["_items"]
    shown["items"] = listing(
        f"/v1/subscription_items?subscription={record['id']}",
        [subscription_item(account, record, item, version) for item in items[:NESTED_ROWS]], len(items) > NESTED_ROWS)
    shown |= {
        "application": None, "application_fee_percent": None, "automatic_tax": {"enabled": False}, "billing_thresholds": None,
        "payment_settings": {"payment_method_options": None, "payment_method_types": None, "save_default_payment_method": "off"},
        "trial_settings": {"end_behavior": {"missing_payment_method": "create_invoice"}},
        "cancellation_details": {"comment": None, "feedback": None, "reason": "cancellation_requested" if record["canceled_at"] else None},
        "default_payment_method": None, "default_source": None, "default_tax_rates": [], "next_pending_invoice_item_invoice": None,
        "on_behalf_of": None, "pending_invoice_item_interval": None, "pending_setup_intent": None, "pending_update": None,
        "schedule": record.get("_schedule"), "test_clock": None, "transfer_data": None,
    }
    given = record.get("_discounts") or []
    if is_basil(version):
        shown |= {
            "automatic_tax": {"enabled": False, "disabled_reason": None, "liability": None}, "billing_cycle_anchor_config": None,
            "billing_mode": {"type": "classic", "flexible": None}, "billing_schedules": [], "customer_account": None, "discounts": list(given),
            "invoice_settings": {"account_tax_ids": None, "custom_fields": None, "description": None, "footer": None, "issuer": {"type": "self"}},
            "managed_payments": None,
        }
    else:
        first = account.get("discounts", given[0]) if given else None
        shown |= {"current_period_start": record["_period_start"], "current_period_end": record["_period_end"],
                  "discount": render(account, "discounts", first, version) if first else None}


def line_id(invoice: Record, number: int) -> str:
    return native_id("stripe", "invoice_line", f"{invoice['_key']}-{number}")


def tax_percentage(tax: int, taxable: int) -> Decimal:
    """The rate behind an amount of tax: to a quarter of a percent, as rounding of small amounts hides what is finer."""
    return (Decimal(tax) * 400 / taxable).quantize(Decimal(1)) / 4 if taxable else Decimal(0)


def _rate(account: Account, document: Record) -> str:
    """Id of the rate by which an invoice was taxed, or a credit note through its invoice."""
    billed = (account.get("invoices", document.get("invoice")) if "_pre" in document else None) or document
    return account.named_id("tax_rates", str(tax_percentage(billed.get("_tax", 0), billed.get("subtotal", 0))))


def _tax(rate: str, amount: int, taxable: int, version: str) -> list[Json]:
    """One tax of an invoice, line or credit note, in the list that the version uses for it."""
    if not amount:
        return []
    if is_basil(version):
        return [{"amount": amount, "tax_behavior": "exclusive", "tax_rate_details": {"tax_rate": rate}, "taxability_reason": "standard_rated",
                 "taxable_amount": taxable, "type": "tax_rate_details"}]
    return [{"amount": amount, "inclusive": False, "tax_rate": rate, "taxability_reason": "standard_rated", "taxable_amount": taxable}]


def invoice_line(account: Account, invoice: Record, line: Sequence[Any], version: str) -> Json:
    number, product, price, description, quantity, unit_decimal, amount, tax = line
    start, end = invoice["_line_period"]
    subscription, item = invoice["_subscription"], invoice["_subscription_item"]
    whole = int(quantity) if "." not in quantity else None
    shown: Json = {
        "id": line_id(invoice, number), "object": "line_item", "amount": amount, "currency": invoice["currency"],
        "description": description, "discount_amounts": [], "discountable": True, "discounts": [], "livemode": account.is_live,
        "metadata": {}, "period": {"start": start, "end": end}, "quantity": whole,
    }
    if is_basil(version):
        shown |= {
            "invoice": invoice["id"], "quantity_decimal": quantity, "subtotal": amount, "pretax_credit_amounts": [],
            "subscription": subscription,
            "pricing": {"type": "price_details", "price_details": {"price": price, "product": product},
                        "unit_amount_decimal": unit_decimal},
            "parent": {
                "type": "subscription_item_details", "invoice_item_details": None, "subscription_item_details": {
                    "invoice_item": None, "proration": False, "proration_details": {"credited_items": None},
                    "subscription": subscription, "subscription_item": item},
            } if subscription else {
                "type": "invoice_item_details", "subscription_item_details": None, "invoice_item_details": {
                    "invoice_item": _invoice_item(invoice, number), "proration": False, "proration_details": {"credited_items": None},
                    "subscription": None},
            },
            "taxes": _tax(_rate(account, invoice), tax, amount, version),
        }
    else:
        shown_price = _shown_price(account, price, version)
        shown |= {
            "amount_excluding_tax": amount, "price": shown_price, "plan": _plan(shown_price) if shown_price and subscription else None,
            "proration": False, "proration_details": {"credited_items": None}, "subscription": subscription,
            "tax_amounts": _tax(_rate(account, invoice), tax, amount, version), "tax_rates": [], "type": "subscription" if subscription else "invoiceitem",
            "unit_amount_excluding_tax": unit_decimal,
        }
        if subscription:
            shown["subscription_item"] = item
        else:
            shown["invoice_item"] = _invoice_item(invoice, number)
    return shown


def _invoice_item(invoice: Record, number: int) -> str:
    return "ii_" + line_id(invoice, number).removeprefix("il_")


def _invoice(account: Account, record: Record, shown: Json, version: str) -> None:
    _invoice_with_lines(account, record, shown, version, account.lines(record["id"])[: NESTED_ROWS + 1], None)


def _invoice_with_lines(
    account: Account, record: Record, shown: Json, version: str, lines: Sequence[Any], line_count: int | None,
) -> None:
    has_more = (len(lines) if line_count is None else line_count) > NESTED_ROWS
    tax, subtotal, subscription = record["_tax"], record["subtotal"], record["_subscription"]
    customer = account.get("customers", record["customer"]) or {}
    shown["lines"] = listing(
        f"/v1/invoices/{record['id']}/lines",
        [invoice_line(account, record, line, version) for line in lines[:NESTED_ROWS]], has_more)
    shown |= {
        "account_country": "US", "account_name": None, "amount_shipping": 0, "attempt_count": 1 if record["attempted"] else 0,
        "account_tax_ids": None, "application": None,
        "automatic_tax": {"enabled": False, "status": None}, "custom_fields": None, "customer_address": customer.get("address"),
        "customer_email": customer.get("email"), "customer_name": customer.get("name"), "customer_phone": customer.get("phone"),
        "customer_shipping": None, "customer_tax_exempt": "none", "customer_tax_ids": [], "default_payment_method": None,
        "default_source": None, "default_tax_rates": [], "discounts": [], "effective_at": record["status_transitions"]["finalized_at"],
        "ending_balance": None if record["status"] == "draft" else 0, "from_invoice": None, "hosted_invoice_url": None,
        "invoice_pdf": None, "last_finalization_error": None, "latest_revision": None, "next_payment_attempt": None,
        "on_behalf_of": None, "payment_settings": {"default_mandate": None, "payment_method_options": None, "payment_method_types": None},
        "receipt_number": None, "rendering": None, "shipping_cost": None, "shipping_details": None, "webhooks_delivered_at": None, "starting_balance": 0, "statement_descriptor": None,
        "subtotal_excluding_tax": subtotal, "test_clock": None, "total_discount_amounts": [],
        "total_excluding_tax": record["total"] - tax,
    }
    if is_basil(version):
        shown |= {
            "automatic_tax": {"enabled": False, "disabled_reason": None, "liability": None, "provider": None, "status": None},
            "automatically_finalizes_at": None, "customer_account": None, "issuer": {"type": "self"},
            "amount_overpaid": 0, "total_taxes": _tax(_rate(account, record), tax, subtotal, version), "total_pretax_credit_amounts": [],
            "parent": {"type": "subscription_details", "quote_details": None, "subscription_details": {
                "metadata": {}, "subscription": subscription}} if subscription else None,
        }
    else:
        shown |= {
            "charge": record["_charge"], "discount": None, "paid": record["status"] == "paid",
            "paid_out_of_band": record["_paid_out_of_band"], "payment_intent": record["_payment_intent"], "quote": None,
            "subscription": subscription, "tax": tax or None, "total_tax_amounts": _tax(_rate(account, record), tax, subtotal, version),
        }


def _charge(account: Account, record: Record, shown: Json, version: str) -> None:
    has_failed = record["status"] == "failed"
    shown |= {
        "application": None, "application_fee": None, "application_fee_amount": None, "balance_transaction": record.get("_txn"),
        "billing_details": {"address": None, "email": record["receipt_email"], "name": None, "phone": None},
        "calculated_statement_descriptor": None, "failure_balance_transaction": None, "fraud_details": {}, "on_behalf_of": None,
        "outcome": {"network_status": "declined_by_network" if has_failed else "approved_by_network", "reason": record["failure_code"],
                    "seller_message": None, "type": "issuer_declined" if has_failed else "authorized"},
        "payment_method": record.get("_payment_method"), "payment_method_details": None, "receipt_number": None, "receipt_url": None, "review": None,
        "shipping": None, "source_transfer": None, "statement_descriptor": None, "statement_descriptor_suffix": None,
        "transfer_data": None, "transfer_group": None,
    }
    if is_basil(version):
        shown["billing_details"]["tax_id"] = None
        shown["outcome"] |= {"advice_code": None, "network_advice_code": None,
                             "network_decline_code": "05" if has_failed else None}
        shown["source"] = None
    else:
        shown["invoice"] = record["_invoice"]


def _payment_intent(account: Account, record: Record, shown: Json, version: str) -> None:
    shown |= {
        "amount_capturable": 0, "application": None, "automatic_payment_methods": None, "canceled_at": None, "cancellation_reason": None,
        "capture_method": "automatic", "confirmation_method": "automatic", "description": None, "last_payment_error": None,
        "next_action": None, "on_behalf_of": None, "payment_method": record.get("_payment_method"), "payment_method_options": {},
        "payment_method_types": ["card"], "processing": None, "receipt_email": None, "review": None, "setup_future_usage": None,
        "shipping": None, "statement_descriptor": None, "transfer_data": None, "transfer_group": None,
    }
    if not is_basil(version):
        shown["invoice"] = record["_invoice"]


def _refund(account: Account, record: Record, shown: Json, version: str) -> None:
    del shown["livemode"]
    shown |= {"balance_transaction": record.get("_txn"), "receipt_number": None, "source_transfer_reversal": None, "transfer_reversal": None}
    if record["status"] == "failed":
        shown |= {"failure_reason": "unknown", "failure_balance_transaction": None}
    if is_basil(version):
        paid = account.get("charges", record["charge"]) or {}
        shown |= {"customer": paid.get("customer"), "customer_account": None, "destination_details": None,
                  "payment_method": paid.get("_payment_method")}


def credit_note_line(account: Account, note: Record, line: Mapping[str, Any], version: str) -> Json:
    shown: Json = {
        "id": line["id"], "object": "credit_note_line_item", "amount": line["amount"], "description": line["description"],
        "discount_amount": 0, "discount_amounts": [], "livemode": False, "quantity": line["quantity"], "tax_rates": [],
        "type": line["type"], "unit_amount": line["unit_amount"], "unit_amount_decimal": line["unit_amount_decimal"],
    }
    if line["invoice_line_item"]:
        shown["invoice_line_item"] = line["invoice_line_item"]
    if is_basil(version):
        shown |= {"metadata": {}, "pretax_credit_amounts": [], "taxes": _tax(_rate(account, note), line["tax"], line["amount"], version)}
    else:
        shown |= {"amount_excluding_tax": line["amount"], "tax_amounts": _tax(_rate(account, note), line["tax"], line["amount"], version),
                  "unit_amount_excluding_tax": line["unit_amount_decimal"]}
    return shown


def _credit_note(account: Account, record: Record, shown: Json, version: str) -> None:
    lines = record["_lines"]
    shown["lines"] = listing(f"/v1/credit_notes/{record['id']}/lines",
                             [credit_note_line(account, record, line, version) for line in lines[:NESTED_ROWS]], len(lines) > NESTED_ROWS)
    shown |= {
        "amount_shipping": 0, "discount_amount": 0, "discount_amounts": [], "shipping_cost": None,
        "pdf": f"https://pay.stripe.com/credit_notes/{record['id']}/pdf", "subtotal_excluding_tax": record["subtotal"], "total_excluding_tax": record["total"] - record["_tax"],
    }
    if is_basil(version):
        shown |= {"customer_account": None, "pre_payment_amount": record["_pre"], "post_payment_amount": record["_post"], "pretax_credit_amounts": [],
                  "refunds": [dict(link) for link in record["_refunds"]], "total_taxes": _tax(_rate(account, record), record["_tax"], record["subtotal"], version)}
    else:
        shown |= {"refund": record["_refunds"][0]["refund"] if record["_refunds"] else None,
                  "tax_amounts": _tax(_rate(account, record), record["_tax"], record["subtotal"], version)}


_EVIDENCE = (
    "access_activity_log", "billing_address", "cancellation_policy", "cancellation_policy_disclosure", "cancellation_rebuttal",
    "customer_communication", "customer_email_address", "customer_name", "customer_purchase_ip", "customer_signature",
    "duplicate_charge_documentation", "duplicate_charge_explanation", "duplicate_charge_id", "product_description", "receipt", "refund_policy",
    "refund_policy_disclosure", "refund_refusal_explanation", "service_date", "service_documentation", "shipping_address", "shipping_carrier",
    "shipping_date", "shipping_documentation", "shipping_tracking_number", "uncategorized_file", "uncategorized_text",
)


def _dispute(account: Account, record: Record, shown: Json, version: str) -> None:
    booked = (account.get("balance_transactions", id) for id in record.get("_txns", ()))
    shown |= {"balance_transactions": [render(account, "balance_transactions", row, version) for row in booked if row is not None],
              "evidence": dict.fromkeys(_EVIDENCE)}
    if is_basil(version):
        shown["enhanced_eligibility_types"] = []
        shown["payment_method_details"] = None
        shown["evidence"]["enhanced_evidence"] = {}
        shown["evidence_details"] = {**record["evidence_details"], "enhanced_eligibility": {}, "submission_method": "not_submitted"}


def _balance_transaction(account: Account, record: Record, shown: Json, version: str) -> None:
    del shown["livemode"]
    shown["status"] = "available" if record["available_on"] <= account.now() else "pending"
    if version < CLOVER:
        shown.pop("balance_type", None)


def _payout(account: Account, record: Record, shown: Json, version: str) -> None:
    shown |= {
        "application_fee": None, "application_fee_amount": None, "balance_transaction": record["_txn"], "failure_balance_transaction": None,
        "failure_code": None, "failure_message": None, "original_payout": None, "reconciliation_status": "completed", "reversed_by": None,
    }
    if is_basil(version):
        shown |= {"payout_method": None, "trace_id": None}


def _coupon(account: Account, record: Record, shown: Json, version: str) -> None:
    is_open = record["redeem_by"] is None or record["redeem_by"] > account.now()
    shown["valid"] = is_open and (record["max_redemptions"] is None or record["times_redeemed"] < record["max_redemptions"])


def _shown_coupon(account: Account, id: str, version: str) -> Json:
    record = account.get("coupons", id)
    return {"id": id, "object": "coupon", "deleted": True} if record is None else render(account, "coupons", record, version)


def _promotion_code(account: Account, record: Record, shown: Json, version: str) -> None:
    if version >= CLOVER:
        shown["promotion"] = {"type": "coupon", "coupon": record["_coupon"]}
    else:
        shown["coupon"] = _shown_coupon(account, record["_coupon"], version)


def _discount(account: Account, record: Record, shown: Json, version: str) -> None:
    del shown["livemode"], shown["created"]
    shown |= {"checkout_session": None, "invoice": None, "invoice_item": None}
    if is_basil(version):
        shown["subscription_item"] = None
    if version >= CLOVER:
        shown["source"] = {"type": "coupon", "coupon": record["_coupon"]}
    else:
        shown["coupon"] = _shown_coupon(account, record["_coupon"], version)


def _tax_id(account: Account, record: Record, shown: Json, version: str) -> None:
    shown |= {"owner": {"type": "customer", "customer": record["customer"]},
              "verification": {"status": "unverified", "verified_address": None, "verified_name": None}}


def _invoice_item_shape(account: Account, record: Record, shown: Json, version: str) -> None:
    shown["date"] = shown.pop("created")
    shown |= {"discountable": True, "discounts": [], "proration": False, "quantity": record["_quantity"], "tax_rates": [], "test_clock": None}
    if is_basil(version):
        details = {"price": record["_price"], "product": record["_product"]} if record["_price"] else None
        shown |= {"parent": None, "net_amount": record["amount"], "proration_details": None, "quantity_decimal": str(record["_quantity"]),
                  "pricing": {"type": "price_details", "price_details": details, "unit_amount_decimal": record["_unit"]}}
    else:
        unit = record["_unit"]
        shown |= {"plan": None, "price": _shown_price(account, record["_price"], version), "subscription": None,
                  "unit_amount": int(unit) if "." not in unit else None, "unit_amount_decimal": unit}


def _subscription_schedule(account: Account, record: Record, shown: Json, version: str) -> None:
    now = account.now()
    settings: Json = {
        "application_fee_percent": None, "automatic_tax": {"enabled": False, "disabled_reason": None, "liability": None},
        "billing_cycle_anchor": "automatic", "billing_thresholds": None, "collection_method": "charge_automatically",
        "default_payment_method": None, "description": None, "on_behalf_of": None, "transfer_data": None,
        "invoice_settings": {"account_tax_ids": None, "custom_fields": None, "days_until_due": None, "description": None, "footer": None,
                             "issuer": {"type": "self"}}}
    phases = []
    for phase in record["_phases"]:
        items: list[Json] = []
        for item in phase["items"]:
            line: Json = {"billing_thresholds": None, "discounts": [], "metadata": {}, "plan": item["price"], "price": item["price"],
                          "quantity": item["quantity"], "tax_rates": []}
            items.append(line)
        phases.append({
            "add_invoice_items": [], "application_fee_percent": None, "billing_cycle_anchor": None, "billing_thresholds": None,
            "collection_method": None, "currency": phase["currency"], "default_payment_method": None, "default_tax_rates": [],
            "description": None, "discounts": [], "end_date": phase["end_date"], "invoice_settings": None, "items": items, "metadata": {},
            "on_behalf_of": None, "proration_behavior": "create_prorations", "start_date": phase["start_date"], "transfer_data": None,
            "trial_end": None})
    current = next((phase for phase in record["_phases"] if phase["start_date"] <= now < phase["end_date"]), None)
    shown |= {"application": None, "default_settings": settings, "phases": phases, "test_clock": None,
              "current_phase": {"start_date": current["start_date"], "end_date": current["end_date"]}
              if current and record["status"] == "active" else None}
    if is_basil(version):
        shown["billing_mode"] = {"type": "classic"}


def _tax_rate(account: Account, record: Record, shown: Json, version: str) -> None:
    shown["effective_percentage"] = None
    if is_basil(version):
        shown |= {"flat_amount": None, "jurisdiction_level": None, "rate_type": "percentage"}


def _payment_method(account: Account, record: Record, shown: Json, version: str) -> None:
    brand, (month, year) = record["_brand"], record["_expires"]
    address = dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"))
    told = record["_billing"]
    shown |= {
        "billing_details": {"address": {**address, **(told.get("address") or {})}, **{name: told.get(name) for name in ("email", "name", "phone")}},
        "card": {
            "brand": brand, "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"}, "country": "US",
            "exp_month": month, "exp_year": year, "fingerprint": record["id"].removeprefix("pm_")[:16], "funding": "credit",
            "generated_from": None, "last4": record["_last4"], "networks": {"available": [brand], "preferred": None},
            "three_d_secure_usage": {"supported": True}, "wallet": None,
        },
    }
    if is_basil(version):
        shown |= {"allow_redisplay": "unspecified", "customer_account": None}
        shown["billing_details"]["tax_id"] = None
        shown["card"] |= {"display_brand": brand, "regulated_status": None}


def _test_clock(account: Account, record: Record, shown: Json, version: str) -> None:
    if not is_basil(version):
        shown.pop("status_details", None)


def _event(account: Account, record: Record, shown: Json, version: str) -> None:
    """The object as it was, in the version of the event, whatever version the reader asked for."""
    kind, frozen = record["_kind"], record["api_version"]
    after = _at_event(account, kind, record["_object"], record, frozen)
    data: Json = {"object": after}
    if record["type"].endswith((".updated", ".finalized", ".paid", ".voided", ".refunded", ".marked_uncollectible", ".closed", ".canceled", ".released")):
        before = record["_before"]
        previous = {} if before is None else difference(_at_event(account, kind, before, record, frozen), after)
        if previous or record["type"].endswith(".updated"):
            data["previous_attributes"] = previous
    shown |= {"data": data, "pending_webhooks": 0}


def _at_event(account: Account, kind: str, snapshot: Record, event: Record, version: str) -> Json:
    if kind != "invoices" or snapshot.get("deleted"):
        return render(account, kind, snapshot, version)
    shown: Json = {"id": snapshot["id"], "object": "invoice", "livemode": account.is_live}
    shown |= {name: value for name, value in snapshot.items() if name[0] != "_"}
    _invoice_with_lines(account, snapshot, shown, version, event["_lines"], event["_line_count"])
    return shown | snapshot.get("_extra", {})


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> Json:
    """The earlier values of what changed: maps by their changed keys, everything else whole."""
    changed: Json = {}
    for name, value in before.items():
        other = after.get(name)
        if value == other:
            continue
        is_map = isinstance(value, dict) and isinstance(other, dict) and value.get("object") != "list"
        changed[name] = difference(value, other or {}) if is_map else value
    return changed | {name: None for name in after if name not in before}


_ADD: dict[str, Callable[[Account, Record, Json, str], None]] = {
    "customers": _customer, "products": _product, "prices": _price, "subscriptions": _subscription, "invoices": _invoice,
    "charges": _charge, "payment_intents": _payment_intent, "refunds": _refund, "credit_notes": _credit_note, "disputes": _dispute,
    "events": _event, "balance_transactions": _balance_transaction, "payouts": _payout, "coupons": _coupon, "promotion_codes": _promotion_code,
    "discounts": _discount, "tax_ids": _tax_id, "invoiceitems": _invoice_item_shape, "subscription_schedules": _subscription_schedule,
    "plans": _plan_view, "tax_rates": _tax_rate, "payment_methods": _payment_method, "test_helpers/test_clocks": _test_clock,
}


# ------------------------------------------------------------------ expansion

_REFERENCES = {
    "customer": "customers", "product": "products", "default_price": "prices", "price": "prices", "latest_invoice": "invoices",
    "invoice": "invoices", "charge": "charges", "latest_charge": "charges", "payment_intent": "payment_intents", "refund": "refunds",
    "subscription": "subscriptions", "credit_note": "credit_notes",
    "customer_balance_transaction": "customer_balance_transactions", "balance_transaction": "balance_transactions", "coupon": "coupons",
    "promotion_code": "promotion_codes", "schedule": "subscription_schedules", "discount": "discounts",
    "payment_method": "payment_methods", "default_payment_method": "payment_methods", "tax_rate": "tax_rates",
    "test_clock": "test_helpers/test_clocks",
}
# lists that an object shows only when asked: (object, field) -> kind, foreign key, url
_LISTS = {
    ("customer", "subscriptions"): ("subscriptions", "customer", "/v1/customers/{id}/subscriptions"),
    ("customer", "tax_ids"): ("tax_ids", "customer", "/v1/customers/{id}/tax_ids"),
    ("charge", "refunds"): ("refunds", "charge", "/v1/charges/{id}/refunds"),
    ("invoice", "payments"): ("invoice_payments", "invoice", "/v1/invoice_payments?invoice={id}"),
}


def expand(account: Account, shown: Json, paths: Sequence[str], version: str) -> None:
    """Replace references by their objects, along dotted paths, in an answer that nobody else holds."""
    for path in paths:
        steps = path.split(".")
        depth = len(steps) - (1 if steps[0] == "data" else 0)
        if depth > MOST_EXPANSION:
            raise StripeError(f"You cannot expand more than {MOST_EXPANSION} levels of a property. Property: {path}", param="expand",
                              is_validation=True)
        _expand(account, shown, steps, path, version)


def _expand(account: Account, shown: Any, steps: Sequence[str], path: str, version: str) -> None:
    if not steps or shown is None:
        return
    if isinstance(shown, list):
        for item in shown:
            _expand(account, item, steps, path, version)
        return
    if not isinstance(shown, dict):
        raise _cannot_expand(path)
    if shown.get("deleted"):
        return
    step, rest = steps[0], steps[1:]
    hidden_list = _LISTS.get((shown.get("object", ""), step))
    if hidden_list and (step != "payments" or is_basil(version)) and step not in shown:
        kind, key, url = hidden_list
        rows = list(reversed(account.rows_by(kind, key, shown["id"])))
        if kind == "subscriptions":
            rows = [row for row in rows if row["status"] != "canceled"]
        shown[step] = listing(url.format(id=shown["id"]), [render(account, kind, row, version) for row in rows[:NESTED_ROWS]],
                              len(rows) > NESTED_ROWS)
    elif step not in shown or shown.get("object") == "event" and step != "id":
        raise _cannot_expand(path)
    value = shown[step]
    if step == "discounts" and isinstance(value, list) and all(isinstance(id, str) for id in value):
        found = [account.get("discounts", id) for id in value]
        value = shown[step] = [render(account, "discounts", row, version) for row in found if row is not None]
    if isinstance(value, str):
        kind = _REFERENCES.get(step, "")
        record = account.get(kind, value)
        if not kind:
            raise _cannot_expand(path)
        if record is not None:
            value = shown[step] = render(account, kind, record, version)
    elif value is not None and not rest and not isinstance(value, dict | list):
        raise _cannot_expand(path)
    _expand(account, value, rest, path, version) if rest and not isinstance(value, str) else None


def _cannot_expand(path: str) -> StripeError:
    return StripeError(f"This property cannot be expanded ({path}).", param="expand", is_validation=True)


def decimal_text(value: Decimal) -> str:
    """Without exponent and trailing zeros."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
