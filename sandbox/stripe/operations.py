"""The operations of Stripe's API: what each list takes and filters, what each write takes and which function does it.

What does not belong here: routing and transport (api), types of parameters (params), the writes themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.protocol import Record
from sandbox.stripe import agreements, discounts, endpoints, metering, rates, writes
from sandbox.stripe.params import (
    ADDRESS,
    CLEARABLE,
    EXPAND,
    B,
    Choice,
    DecimalText,
    Either,
    ListOf,
    Metadata,
    N,
    Range,
    S,
    Shape,
    Text,
    Whole,
)
from sandbox.stripe.writes import Call

# ------------------------------------------------------------------ lists: filters by kind

C: dict[str, Any] = {"created": Range()}
_INTERVAL = Choice(("day", "week", "month", "year"))


@dataclass(frozen=True)
class Listed:
    """How a collection is listed: its own parameters, those that name a record of another kind, and those that equal a field."""

    params: Mapping[str, Any]
    references: Mapping[str, str] = field(default_factory=dict)  # parameter -> kind that must exist
    equal: Mapping[str, str] = field(default_factory=dict)  # parameter -> field
    permission: str = ""


LISTS: Mapping[str, Listed] = {
    "customers": Listed({**C, "email": S, "test_clock": S}, equal={"email": "email"}),
    "products": Listed({**C, "active": B, "ids": ListOf(S), "shippable": B, "url": S, "type": Choice(("good", "service"))},
                       equal={"active": "active"}),
    "prices": Listed({**C, "active": B, "currency": S, "product": S, "type": Choice(("one_time", "recurring")),
                      "lookup_keys": ListOf(S, 10),
                      "recurring": Shape({"interval": _INTERVAL, "meter": S, "usage_type": Choice(("licensed", "metered"))})},
                     references={"product": "products"},
                     equal={"active": "active", "currency": "currency", "product": "product", "type": "type"}),
    "subscriptions": Listed({
        **C, "customer": S, "price": S, "plan": S, "collection_method": Choice(("charge_automatically", "send_invoice")),
        "status": Choice(("active", "all", "canceled", "ended", "incomplete", "incomplete_expired", "past_due", "paused", "trialing",
                          "unpaid")),
        "current_period_start": Range(), "current_period_end": Range(), "test_clock": S, "automatic_tax": Shape({"enabled*": B})},
        references={"customer": "customers", "price": "prices", "plan": "prices"},
        equal={"customer": "customer", "collection_method": "collection_method"}),
    "invoices": Listed({
        **C, "customer": S, "subscription": S, "status": Choice(("draft", "open", "paid", "uncollectible", "void")),
        "collection_method": Choice(("charge_automatically", "send_invoice")), "due_date": Range()},
        references={"customer": "customers", "subscription": "subscriptions"},
        equal={"customer": "customer", "subscription": "_subscription", "status": "status", "collection_method": "collection_method"}),
    "invoice_payments": Listed({
        **C, "invoice": S, "status": Choice(("canceled", "open", "paid")),
        "payment": Shape({"type*": Choice(("payment_intent", "payment_record")), "payment_intent": S, "payment_record": S})},
        references={"invoice": "invoices"}, equal={"invoice": "invoice", "status": "status"}),
    "charges": Listed({**C, "customer": S, "payment_intent": S, "transfer_group": S},
                      references={"customer": "customers", "payment_intent": "payment_intents"},
                      equal={"customer": "customer", "payment_intent": "payment_intent", "transfer_group": "transfer_group"}),
    "payment_intents": Listed({**C, "customer": S}, references={"customer": "customers"}, equal={"customer": "customer"}),
    "refunds": Listed({**C, "charge": S, "payment_intent": S}, references={"charge": "charges", "payment_intent": "payment_intents"},
                      equal={"charge": "charge", "payment_intent": "payment_intent"}),
    "disputes": Listed({**C, "charge": S, "payment_intent": S}, references={"charge": "charges", "payment_intent": "payment_intents"},
                       equal={"charge": "charge", "payment_intent": "payment_intent"}),
    "credit_notes": Listed({**C, "customer": S, "invoice": S}, references={"customer": "customers", "invoice": "invoices"},
                           equal={"customer": "customer", "invoice": "invoice"}),
    "balance_transactions": Listed({**C, "currency": S, "payout": S, "source": S, "type": S}, references={"payout": "payouts"},
                                   equal={"currency": "currency", "payout": "_payout", "source": "source", "type": "type"}),
    "payouts": Listed({**C, "arrival_date": Range(), "status": Choice(("pending", "in_transit", "paid", "failed", "canceled")),
                       "destination": S}, equal={"status": "status", "destination": "destination"}),
    "coupons": Listed({**C}),
    "promotion_codes": Listed({**C, "active": B, "code": S, "coupon": S, "customer": S},
                              references={"coupon": "coupons", "customer": "customers"},
                              equal={"active": "active", "code": "code", "coupon": "_coupon", "customer": "customer"}),
    "subscription_schedules": Listed({**C, "customer": S, "scheduled": B, "canceled_at": Range(), "completed_at": Range(),
                                      "released_at": Range()}, references={"customer": "customers"}, equal={"customer": "customer"}),
    "invoiceitems": Listed({**C, "customer": S, "invoice": S, "pending": B}, references={"customer": "customers", "invoice": "invoices"},
                           equal={"customer": "customer", "invoice": "invoice"}),
    "plans": Listed({**C, "active": B, "product": S}, references={"product": "products"}, equal={"active": "active", "product": "product"}),
    "tax_rates": Listed({**C, "active": B, "inclusive": B}, equal={"active": "active", "inclusive": "inclusive"}),
    "payment_methods": Listed({"customer": S, "customer_account": S, "type": S, "allow_redisplay": Choice(("always", "limited", "unspecified"))},
                              references={"customer": "customers"}, equal={"customer": "customer", "type": "type"}),
    "webhook_endpoints": Listed({}),
    "test_helpers/test_clocks": Listed({}),
    "billing/meters": Listed({"status": Choice(("active", "inactive"))}, equal={"status": "status"}),
    "events": Listed({**C, "type": S, "types": ListOf(S, 20), "delivery_success": B}),
}
# the fields that an index serves: each is selective enough to be worth one
INDEXED = ("_subscription", "customer", "invoice", "charge", "payment_intent", "product", "email")
# kinds that are another name of records that are kept once
STORED = {"plans": "prices"}
# kinds of which nothing is listed, only made
WRITTEN_ONLY = frozenset(("billing/meter_events",))

# ------------------------------------------------------------------ writes: parameters and functions

_META = {"metadata": Metadata()}
_TAX_AMOUNTS = ListOf(Shape({"amount*": N, "tax_rate*": S, "taxable_amount*": N}), 10)
_CUSTOMER = {"name": CLEARABLE, "email": Text(512, True), "phone": Text(20, True), "description": CLEARABLE, "address": ADDRESS,
             "tax_exempt": Choice(("none", "exempt", "reverse")), "preferred_locales": ListOf(S), **_META, **EXPAND}
_PRODUCT = {"description": CLEARABLE, "active": B, **_META, **EXPAND}
CREDIT_NOTE = {
    "invoice*": S, "amount": Whole(0), "credit_amount": Whole(0), "refund_amount": Whole(0), "out_of_band_amount": Whole(0),
    "refunds": ListOf(Shape({"refund": S, "amount_refunded": Whole(1), "type": Choice(("refund",))})), "refund": S,
    "lines": ListOf(Shape({
        "type*": Choice(("invoice_line_item", "custom_line_item")), "invoice_line_item": S, "amount": Whole(0), "quantity": Whole(0),
        "unit_amount": N, "unit_amount_decimal": DecimalText(), "description": S, "tax_amounts": _TAX_AMOUNTS, **_META})),
    "shipping_cost": Shape({"shipping_rate": S}), "memo": S, "effective_at": N, "email_type": Choice(("credit_note", "none")),
    "reason": Choice(("duplicate", "fraudulent", "order_change", "product_unsatisfactory")), **_META, **EXPAND,
}

Write = Callable[[Call, Record, Mapping[str, Any]], Record]


@dataclass(frozen=True)
class Action:
    """A POST on one record: `/v1/<kind>/<id>` for the empty name, else `/v1/<kind>/<id>/<name>`."""

    params: Mapping[str, Any]
    run: Write


def _plain(kind: str, names: tuple[str, ...], event: str) -> Write:
    return lambda call, record, params: writes.update(call, kind, record, params, names, event)


_END_BEHAVIOR = Choice(("cancel", "none", "release", "renew"))
_PHASES = ListOf(Shape({"items*": ListOf(Shape({"price*": S, "quantity": Whole(0)}), 20), "end_date": N}), 10)

_BILLING = Shape({"address": ADDRESS, "email": CLEARABLE, "name": CLEARABLE, "phone": CLEARABLE})
_TAX_RATE = {"active": B, "country": CLEARABLE, "description": CLEARABLE, "jurisdiction": CLEARABLE, "state": CLEARABLE, "tax_type": CLEARABLE,
             **_META, **EXPAND}

CREATES: Mapping[str, tuple[Mapping[str, Any], Callable[[Call, Mapping[str, Any]], Record]]] = {
    "customers": ({**_CUSTOMER, "test_clock": S}, writes.create_customer),
    "products": ({"name*": S, **_PRODUCT}, writes.create_product),
    "prices": ({"currency*": Text(3), "product*": S, "unit_amount": N, "unit_amount_decimal": DecimalText(), "active": B, "nickname": S,
                "lookup_key": S, "recurring": Shape({"interval*": _INTERVAL, "interval_count": Whole(1, 36)}), **_META, **EXPAND},
               writes.create_price),
    "refunds": ({"charge": S, "payment_intent": S, "amount": Whole(1), **_META, **EXPAND,
                 "reason": Choice(("duplicate", "fraudulent", "requested_by_customer"))}, writes.create_refund),
    "coupons": ({"id": S, "name": S, "duration": Choice(("forever", "once", "repeating")), "duration_in_months": Whole(1),
                 "amount_off": Whole(1), "currency": Text(3), "percent_off": DecimalText(), "max_redemptions": Whole(1), "redeem_by": N,
                 **_META, **EXPAND}, discounts.create_coupon),
    "promotion_codes": ({"promotion*": Shape({"type*": Choice(("coupon",)), "coupon*": S}), "active": B, "code": S, "customer": S,
                         "expires_at": N, "max_redemptions": Whole(1), **_META, **EXPAND}, discounts.create_promotion_code),
    "invoiceitems": ({"customer*": S, "amount": N, "currency": Text(3), "description": S, "invoice": S, "quantity": Whole(0),
                      "pricing": Shape({"price*": S}), "period": Shape({"start*": N, "end*": N}), **_META, **EXPAND},
                     agreements.create_invoice_item),
    "subscription_schedules": ({"customer": S, "from_subscription": S, "start_date": N, "end_behavior": _END_BEHAVIOR, "phases": _PHASES,
                                **_META, **EXPAND}, agreements.create_schedule),
    "plans": ({"currency*": Text(3), "interval*": _INTERVAL, "interval_count": Whole(1, 36), "amount": Whole(0), "amount_decimal": DecimalText(),
               "id": S, "active": B, "nickname": S, "usage_type": Choice(("licensed",)), "billing_scheme": Choice(("per_unit",)),
               "product*": Either(Shape({"name*": S, "active": B, **_META}), S), **_META, **EXPAND}, rates.create_plan),
    "tax_rates": ({"display_name*": Text(50), "inclusive*": B, "percentage*": DecimalText(), **_TAX_RATE}, rates.create_tax_rate),
    "payment_methods": ({"type": S, "customer": S, "card": Shape({"token": S, "number": S, "exp_month": Whole(1, 12), "exp_year": N, "cvc": S}),
                         "billing_details": _BILLING, **_META, **EXPAND}, rates.create_payment_method),
    "webhook_endpoints": ({"url*": S, "enabled_events*": ListOf(S), "api_version": S, "description": CLEARABLE, "connect": B, **_META, **EXPAND},
                          endpoints.create_endpoint),
    "test_helpers/test_clocks": ({"frozen_time*": N, "name": S, **EXPAND}, endpoints.create_clock),
    "billing/meters": ({
        "display_name*": S, "event_name*": Text(100), "default_aggregation*": Shape({"formula*": Choice(("count", "last", "sum"))}),
        "event_time_window": Choice(("day", "hour")), "customer_mapping": Shape({"event_payload_key*": S, "type*": Choice(("by_id",))}),
        "value_settings": Shape({"event_payload_key*": S}), **EXPAND}, metering.create_meter),
    "billing/meter_events": ({"event_name*": S, "payload*": Metadata(), "identifier": Text(100), "timestamp": N, **EXPAND}, metering.report_usage),
}


def _subscription(call: Call, record: Record, params: Mapping[str, Any]) -> Record:
    """Discounts first, so that the change of both is one change."""
    given = {"_discounts": discounts.give(call, record, params["discounts"])} if "discounts" in params else {}
    return writes.update_subscription(call, record, params, given)


ACTIONS: Mapping[tuple[str, str], Action] = {
    ("customers", ""): Action(_CUSTOMER, writes.update_customer),
    ("products", ""): Action({"name": S, "default_price": S, **_PRODUCT}, writes.update_product),
    ("prices", ""): Action({"active": B, "nickname": CLEARABLE, "lookup_key": CLEARABLE, **_META, **EXPAND},
                           _plain("prices", ("active", "nickname", "lookup_key"), "price.updated")),
    ("subscriptions", ""): Action({
        "items": ListOf(Shape({"id": S, "price": S, "quantity": Whole(0), "deleted": B, **_META}), 20), "cancel_at": Whole(can_clear=True),
        "cancel_at_period_end": B, "collection_method": Choice(("charge_automatically", "send_invoice")), "days_until_due": Whole(0),
        "description": CLEARABLE, "proration_behavior": Choice(("always_invoice", "create_prorations", "none")),
        "pause_collection": Shape({"behavior*": Choice(("keep_as_draft", "mark_uncollectible", "void")), "resumes_at": N}, True),
        "discounts": ListOf(Shape({"coupon": S, "promotion_code": S, "discount": S}), 20), **_META, **EXPAND}, _subscription),
    ("invoices", ""): Action({
        "description": CLEARABLE, "footer": CLEARABLE, "auto_advance": B, "due_date": N, "number": CLEARABLE,
        "collection_method": Choice(("charge_automatically", "send_invoice")), **_META, **EXPAND}, writes.update_invoice),
    ("invoices", "finalize"): Action({"auto_advance": B, **EXPAND}, writes.finalize_invoice),
    ("invoices", "pay"): Action({"paid_out_of_band": B, "payment_method": S, "off_session": B, **EXPAND}, writes.pay_invoice),
    ("invoices", "void"): Action(EXPAND, writes.void_invoice),
    ("invoices", "mark_uncollectible"): Action(EXPAND, writes.mark_uncollectible),
    ("charges", ""): Action({"description": CLEARABLE, "receipt_email": S, **_META, **EXPAND},
                            _plain("charges", ("description", "receipt_email"), "charge.updated")),
    ("payment_intents", ""): Action({**_META, **EXPAND}, _plain("payment_intents", (), "")),
    ("refunds", ""): Action({**_META, **EXPAND}, _plain("refunds", (), "refund.updated")),
    ("disputes", ""): Action({**_META, **EXPAND}, _plain("disputes", (), "charge.dispute.updated")),
    ("disputes", "close"): Action(EXPAND, writes.close_dispute),
    ("credit_notes", ""): Action({"memo": S, **_META, **EXPAND}, _plain("credit_notes", ("memo",), "credit_note.updated")),
    ("credit_notes", "void"): Action(EXPAND, writes.void_credit_note),
    ("coupons", ""): Action({"name": S, **_META, **EXPAND}, discounts.update_coupon),
    ("promotion_codes", ""): Action({"active": B, **_META, **EXPAND}, _plain("promotion_codes", ("active",), "promotion_code.updated")),
    ("invoiceitems", ""): Action({"amount": N, "description": S, **_META, **EXPAND}, agreements.update_invoice_item),
    ("payouts", ""): Action({**_META, **EXPAND}, _plain("payouts", (), "payout.updated")),
    ("subscription_schedules", ""): Action({"end_behavior": _END_BEHAVIOR, "phases": _PHASES, **_META, **EXPAND}, agreements.update_schedule),
    ("subscription_schedules", "cancel"): Action({"invoice_now": B, "prorate": B, **EXPAND}, agreements.cancel_schedule),
    ("subscription_schedules", "release"): Action({"preserve_cancel_date": B, **EXPAND}, agreements.release_schedule),
    ("plans", ""): Action({"active": B, "nickname": CLEARABLE, "product": S, **_META, **EXPAND}, rates.update_plan),
    ("tax_rates", ""): Action({"display_name": Text(50), **_TAX_RATE}, rates.update_tax_rate),
    ("payment_methods", ""): Action({"billing_details": _BILLING, "card": Shape({"exp_month": Whole(1, 12), "exp_year": N}), **_META, **EXPAND},
                                    rates.update_payment_method),
    ("payment_methods", "attach"): Action({"customer*": S, **EXPAND}, rates.attach_payment_method),
    ("payment_methods", "detach"): Action(EXPAND, rates.detach_payment_method),
    ("webhook_endpoints", ""): Action({"url": S, "enabled_events": ListOf(S), "description": CLEARABLE, "disabled": B, **_META, **EXPAND},
                                      endpoints.update_endpoint),
    ("test_helpers/test_clocks", "advance"): Action({"frozen_time*": N, **EXPAND}, endpoints.advance_clock),
    ("billing/meters", ""): Action({"display_name": S, **EXPAND}, metering.update_meter),
    ("billing/meters", "deactivate"): Action(EXPAND, metering.deactivate_meter),
    ("billing/meters", "reactivate"): Action(EXPAND, metering.reactivate_meter),
}
DELETES: Mapping[str, tuple[Mapping[str, Any], Write]] = {
    "customers": ({}, lambda call, record, params: writes.delete_customer(call, record)),
    "products": ({}, lambda call, record, params: writes.delete_product(call, record)),
    "invoices": ({}, lambda call, record, params: writes.delete_invoice(call, record)),
    "coupons": ({}, lambda call, record, params: discounts.delete_coupon(call, record)),
    "plans": ({}, lambda call, record, params: rates.delete_plan(call, record)),
    "webhook_endpoints": ({}, lambda call, record, params: endpoints.delete_endpoint(call, record)),
    "test_helpers/test_clocks": ({}, lambda call, record, params: endpoints.delete_clock(call, record)),
    "invoiceitems": ({}, lambda call, record, params: agreements.delete_invoice_item(call, record)),
    "subscriptions": ({"invoice_now": B, "prorate": B, "cancellation_details": Shape({"comment": CLEARABLE, "feedback": CLEARABLE}),
                       **EXPAND}, writes.cancel_subscription),
}
