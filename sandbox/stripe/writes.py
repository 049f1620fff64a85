"""What Stripe does when the API asks for a change: customers, catalogue, subscriptions, invoices, refunds and credit notes.

Every function runs under the store's lock, with parameters already typed, and checks everything before its first change. What does
not belong here: routing and parameter types (sandbox.stripe.api), payloads (sandbox.stripe.shapes).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from sandbox.protocol import Record
from sandbox.stripe import balance
from sandbox.stripe.account import NOUN, Account, is_chargeable
from sandbox.stripe.params import StripeError, merged_metadata, missing
from sandbox.stripe.shapes import decimal_text, line_id
from sandbox.stripe.world import credit_invoice

Params = Mapping[str, Any]


@dataclass(frozen=True)
class Call:
    """One API call on the account: who asked and with which key, for the events that it causes."""

    account: Account
    request_id: str
    idempotency_key: str | None = None

    def emit(self, type: str, kind: str, record: Record, before: Record | None = None) -> None:
        self.account.emit(type, kind, record, before=before,
                          request={"id": self.request_id, "idempotency_key": self.idempotency_key})


def referred(account: Account, kind: str, id: str, param: str) -> Record:
    record = account.live(kind, id)
    if record is None:
        raise missing(NOUN[kind], id, param, 400)
    return record


def wrong(message: str, param: str | None = None, code: str | None = None) -> StripeError:
    return StripeError(message, param=param, code=code)


def _changed(params: Params, record: Record, names: tuple[str, ...]) -> dict[str, Any]:
    fields = {name: params[name] for name in names if name in params}
    if "metadata" in params:
        fields["metadata"] = merged_metadata(record.get("metadata", {}), params["metadata"])
    return fields


def update(call: Call, kind: str, record: Record, params: Params, names: tuple[str, ...], event: str) -> Record:
    """Change plain fields and metadata; an event only where something changed."""
    before, after = call.account.change(kind, record["id"], **_changed(params, record, names))
    if before != after and event:
        call.emit(event, kind, after, before)
    return after


# ------------------------------------------------------------------ customers and their balance

CUSTOMERS_OF_A_CLOCK = 3
CUSTOMER_FIELDS = ("name", "email", "phone", "description", "tax_exempt", "preferred_locales")


def _address(params: Params, old: Mapping[str, Any] | None) -> dict[str, Any]:
    if "address" not in params:
        return {}
    if params["address"] is None:
        return {"address": None}
    empty = dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"))
    return {"address": {**empty, **(old or {}), **params["address"]}}


def create_customer(call: Call, params: Params) -> Record:
    account = call.account
    if "test_clock" in params:
        referred(account, "test_helpers/test_clocks", params["test_clock"], "test_clock")
        if len(account.rows_by("customers", "_test_clock", params["test_clock"])) >= CUSTOMERS_OF_A_CLOCK:
            raise wrong(f"You have reached the maximum of {CUSTOMERS_OF_A_CLOCK} customers on one test clock.", "test_clock")
    id = account.new_id("customers")
    record: Record = {
        "id": id, "created": account.now(), "name": None, "email": None, "phone": None, "description": None, "currency": None, "balance": 0,
        "delinquent": False, "tax_exempt": "none", "preferred_locales": [], "address": None, "invoice_prefix": id[4:12].upper(),
        "next_invoice_sequence": 1, "metadata": {}, **({"_test_clock": params["test_clock"]} if "test_clock" in params else {}),
    }
    record |= _changed(params, record, CUSTOMER_FIELDS) | _address(params, None)
    account.put("customers", record)
    call.emit("customer.created", "customers", record)
    return record


def update_customer(call: Call, record: Record, params: Params) -> Record:
    fields = _changed(params, record, CUSTOMER_FIELDS) | _address(params, record["address"])
    before, after = call.account.change("customers", record["id"], **fields)
    if before != after:
        call.emit("customer.updated", "customers", after, before)
    return after


def delete_customer(call: Call, record: Record) -> Record:
    account = call.account
    for subscription in account.rows_by("subscriptions", "customer", record["id"]):
        if subscription["status"] not in ("canceled", "incomplete_expired"):
            cancel_subscription(call, subscription, {})
    call.emit("customer.deleted", "customers", record)
    return account.put("customers", {"id": record["id"], "deleted": True, "created": record["created"]})


def change_balance(call: Call, customer: Record, amount: int, type: str, **fields: Any) -> Record:
    """A line of the customer's ledger; a negative amount is credit for the customer."""
    account = call.account
    before, after = account.change("customers", customer["id"], balance=customer["balance"] + amount)
    line = account.put("customer_balance_transactions", {
        "id": account.new_id("customer_balance_transactions"), "created": account.now(), "amount": amount,
        "currency": fields.pop("currency", customer["currency"]), "customer": customer["id"], "ending_balance": after["balance"],
        "type": type, "credit_note": None, "invoice": None, "description": None, "metadata": {}, **fields})
    call.emit("customer.updated", "customers", after, before)
    return line


def create_balance_transaction(call: Call, customer: Record, params: Params) -> Record:
    currency = params["currency"].lower()
    if customer["currency"] is None:
        _, customer = call.account.change("customers", customer["id"], currency=currency)
    elif customer["currency"] != currency:
        raise wrong(f"The customer's currency is {customer['currency']}; a balance in {currency} cannot be kept beside it.", "currency")
    if params["amount"] == 0:
        raise wrong("The amount of a balance transaction cannot be 0.", "amount")
    _payable(params["amount"], currency, "amount")
    return change_balance(call, customer, params["amount"], "adjustment", description=params.get("description"),
                          metadata=merged_metadata({}, params.get("metadata", {})))


def _payable(amount: int, currency: str, param: str) -> None:
    if not is_chargeable(amount, currency):
        raise wrong(f"Invalid amount: amounts in {currency.upper()} must leave the smallest places at 0 (it currently is '{amount}').", param,
                    "parameter_invalid_integer")


# ------------------------------------------------------------------ products and prices

PRODUCT_FIELDS = ("name", "description", "active", "default_price")


def create_product(call: Call, params: Params) -> Record:
    account, now = call.account, call.account.now()
    record: Record = {"id": account.new_id("products"), "created": now, "updated": now, "name": params["name"], "description": None,
                      "active": True, "default_price": None, "metadata": {}}
    record |= _changed(params, record, PRODUCT_FIELDS)
    account.put("products", record)
    call.emit("product.created", "products", record)
    return record


def update_product(call: Call, record: Record, params: Params) -> Record:
    if params.get("default_price"):
        price = referred(call.account, "prices", params["default_price"], "default_price")
        if price["product"] != record["id"]:
            raise wrong(f"The price {price['id']} belongs to another product.", "default_price")
    fields = _changed(params, record, PRODUCT_FIELDS)
    before, after = call.account.change("products", record["id"], **fields, updated=call.account.now())
    call.emit("product.updated", "products", after, before)
    return after


def delete_product(call: Call, record: Record) -> Record:
    if call.account.ids_by("prices", "product", record["id"]):
        raise wrong("This product cannot be deleted because it has one or more user-created prices.")
    call.emit("product.deleted", "products", record)
    call.account.delete("products", record["id"])
    return {"id": record["id"], "deleted": True}


def create_price(call: Call, params: Params, id: str | None = None) -> Record:
    """`id`: the caller's own, where it is made under the older name of a plan."""
    account = call.account
    product = referred(account, "products", params["product"], "product")
    given = [name for name in ("unit_amount", "unit_amount_decimal") if name in params]
    if len(given) != 1:
        raise wrong("Pass exactly one of unit_amount and unit_amount_decimal.", "unit_amount", "parameter_missing")
    amount = Decimal(params[given[0]])
    if amount < 0:
        raise wrong("This value must be greater than or equal to 0.", given[0], "parameter_invalid_integer")
    currency = params["currency"].lower()
    if amount == amount.to_integral_value():
        _payable(int(amount), currency, given[0])
    recurring = params.get("recurring")
    record: Record = {
        "id": id or account.new_id("prices"), "created": account.now(), "product": product["id"], "active": params.get("active", True),
        "currency": currency, "type": "recurring" if recurring else "one_time",
        "unit_amount": int(amount) if amount == amount.to_integral_value() else None, "unit_amount_decimal": decimal_text(amount),
        "recurring": {"interval_count": 1, **recurring} if recurring else None, "lookup_key": params.get("lookup_key"),
        "nickname": params.get("nickname"), "metadata": merged_metadata({}, params.get("metadata", {})),
    }
    account.put("prices", record)
    call.emit("price.created", "prices", record)
    return record


# ------------------------------------------------------------------ subscriptions


def update_subscription(call: Call, record: Record, params: Params, also: Mapping[str, Any] | None = None) -> Record:
    account = call.account
    if record["status"] in ("canceled", "incomplete_expired") and set(params) - {"metadata", "expand"}:
        raise wrong("A canceled subscription can only update its metadata and cancellation details.")
    items = [dict(item) for item in record["_items"]]
    for number, change in enumerate(params.get("items", ())):
        _change_item(account, record, items, change, number)
    if params.get("items") and params.get("proration_behavior", "create_prorations") != "none":
        raise wrong("This account keeps no prorations: send proration_behavior=none to change items.", "proration_behavior")
    fields = _changed(params, record, ("description", "days_until_due", "collection_method"))
    fields["_items"] = items
    if params.get("collection_method") == "send_invoice" and not (params.get("days_until_due") or record["days_until_due"]):
        raise wrong("You must pass days_until_due when collection_method is send_invoice.", "days_until_due", "parameter_missing")
    if "cancel_at_period_end" in params and "cancel_at" in params:
        raise wrong("You may only specify one of these parameters: cancel_at, cancel_at_period_end.", "cancel_at")
    if "cancel_at_period_end" in params:
        wants = params["cancel_at_period_end"]
        fields |= {"cancel_at_period_end": wants, "cancel_at": record["_period_end"] if wants else None,
                   "canceled_at": account.now() if wants else None}
    if "cancel_at" in params:
        if params["cancel_at"] is not None and params["cancel_at"] <= account.now():
            raise wrong("The cancellation must lie in the future.", "cancel_at")
        fields |= {"cancel_at": params["cancel_at"], "cancel_at_period_end": False,
                   "canceled_at": account.now() if params["cancel_at"] is not None else None}
    if "pause_collection" in params:
        pause = params["pause_collection"]
        fields["pause_collection"] = {"resumes_at": None, **pause} if pause else None
    before, after = account.change("subscriptions", record["id"], **fields, **(also or {}))
    if before != after:
        call.emit("customer.subscription.updated", "subscriptions", after, before)
    return after


def _change_item(account: Account, record: Record, items: list[dict[str, Any]], change: Params, number: int) -> None:
    id = change.get("id")
    if change.get("price"):
        price = referred(account, "prices", change["price"], f"items[{number}][price]")
        if price["currency"] != record["currency"] or not price["recurring"]:
            raise wrong("The price must be recurring and in the subscription's currency.", f"items[{number}][price]")
    if id is None:
        if not change.get("price"):
            raise wrong(f"Missing required param: items[{number}][price].", f"items[{number}][price]", "parameter_missing")
        items.append({"id": account.new_id("subscription_items"), "created": account.now(), "price": change["price"],
                      "quantity": change.get("quantity", 1), "metadata": merged_metadata({}, change.get("metadata", {}))})
        return
    item = next((item for item in items if item["id"] == id), None)
    if item is None:
        raise missing("subscription_item", id, f"items[{number}][id]", 400)
    if change.get("deleted"):
        if len(items) == 1:
            raise wrong("A subscription must keep at least one item.", f"items[{number}][deleted]")
        items.remove(item)
        return
    item |= {name: change[name] for name in ("price", "quantity") if name in change}
    if "metadata" in change:
        item["metadata"] = merged_metadata(item["metadata"], change["metadata"])


def cancel_subscription(call: Call, record: Record, params: Params) -> Record:
    if record["status"] in ("canceled", "incomplete_expired"):
        raise missing("subscription", record["id"])
    if params.get("invoice_now") or params.get("prorate"):
        raise wrong("This account keeps no prorations.", "invoice_now" if params.get("invoice_now") else "prorate")
    now = call.account.now()
    before, after = call.account.change("subscriptions", record["id"], status="canceled", canceled_at=now, ended_at=now)
    call.emit("customer.subscription.deleted", "subscriptions", after, before)
    return after


# ------------------------------------------------------------------ invoices

FINAL_FIELDS = ("description", "footer", "auto_advance")  # still open to change once the invoice is final


def update_invoice(call: Call, record: Record, params: Params) -> Record:
    closed = [name for name in params if name not in (*FINAL_FIELDS, "metadata", "expand")]
    if closed and record["status"] != "draft":
        raise wrong("This invoice is no longer editable.", closed[0], "invoice_not_editable")
    return update(call, "invoices", record, params, (*FINAL_FIELDS, "due_date", "number", "collection_method"), "invoice.updated")


def _move(call: Call, record: Record, event: str, mark: str | None = None, **fields: Any) -> Record:
    transitions = {**record["status_transitions"], **({mark: call.account.now()} if mark else {})}
    before, after = call.account.change("invoices", record["id"], status_transitions=transitions, **fields)
    call.emit(event, "invoices", after, before)
    call.emit("invoice.updated", "invoices", after, before)
    return after


def finalize_invoice(call: Call, record: Record, params: Params) -> Record:
    if record["status"] != "draft":
        raise wrong("This invoice is already finalized, you can't re-finalize a non-draft invoice.", None, "invoice_not_editable")
    account = call.account
    customer = account.live("customers", record["customer"])
    if customer is None:
        raise wrong("The customer of this invoice has been deleted.", None, "resource_missing")
    sequence = customer["next_invoice_sequence"]
    account.change("customers", customer["id"], next_invoice_sequence=sequence + 1)
    return _move(call, record, "invoice.finalized", "finalized_at", status="open",
                 number=record["number"] or f"{customer['invoice_prefix']}-{sequence:04d}")


def pay_invoice(call: Call, record: Record, params: Params) -> Record:
    if record["status"] == "paid":
        raise wrong("Invoice is already paid", None, "invoice_already_paid")
    if record["status"] not in ("open", "uncollectible"):
        raise wrong(f"A {record['status']} invoice cannot be paid.", None, "invoice_not_payable")
    account, amount = call.account, record["amount_remaining"]
    if params.get("payment_method") == "pm_card_chargeDeclined":
        raise StripeError("Your card was declined.", status=402, type="card_error", code="card_declined", param="",
                          decline_code="generic_decline")
    fields: dict[str, Any] = {"status": "paid", "attempted": True, "amount_paid": record["amount_paid"] + amount, "amount_remaining": 0,
                              "_paid_out_of_band": params.get("paid_out_of_band", False)}
    if amount and not params.get("paid_out_of_band"):
        now = account.now()
        charge, intent = account.new_id("charges"), account.new_id("payment_intents")
        shared = {"created": now, "amount": amount, "currency": record["currency"], "customer": record["customer"],
                  "_invoice": record["id"]}
        intended = account.put("payment_intents", {**shared, "id": intent, "amount_received": amount, "latest_charge": charge,
                                        "status": "succeeded", "metadata": {}})
        paid = account.put("charges", balance.book_charge(account, {
            **shared, "id": charge, "amount_captured": amount, "amount_refunded": 0, "payment_intent": intent, "status": "succeeded",
            "paid": True, "captured": True, "refunded": False, "disputed": False, "failure_code": None, "failure_message": None,
            "description": None, "receipt_email": None, "metadata": {"invoice_id": record["id"]}}, charge))
        payment = account.put("invoice_payments", {
            "id": account.new_id("invoice_payments"), "created": now, "invoice": record["id"], "amount_paid": amount,
            "amount_requested": amount, "currency": record["currency"], "is_default": True, "status": "paid",
            "payment": {"type": "payment_intent", "payment_intent": intent}, "_payment_intent": intent,
            "status_transitions": {"canceled_at": None, "paid_at": now}})
        fields |= {"_charge": charge, "_payment_intent": intent}
        call.emit("payment_intent.succeeded", "payment_intents", intended)
        call.emit("charge.succeeded", "charges", paid)
        call.emit("invoice_payment.paid", "invoice_payments", payment)
    return _move(call, record, "invoice.paid", "paid_at", **fields)


def void_invoice(call: Call, record: Record, params: Params) -> Record:
    if record["status"] not in ("open", "uncollectible"):
        raise wrong(f"You can only void open or uncollectible invoices; this one is {record['status']}.", None, "invoice_not_editable")
    return _move(call, record, "invoice.voided", "voided_at", status="void")


def mark_uncollectible(call: Call, record: Record, params: Params) -> Record:
    if record["status"] != "open":
        raise wrong(f"You can only mark open invoices as uncollectible; this one is {record['status']}.", None, "invoice_not_editable")
    return _move(call, record, "invoice.marked_uncollectible", "marked_uncollectible_at", status="uncollectible")


def delete_invoice(call: Call, record: Record) -> Record:
    if record["status"] != "draft":
        raise wrong("You can only delete draft invoices.", None, "invoice_not_editable")
    call.emit("invoice.deleted", "invoices", record)
    call.account.delete("invoices", record["id"])
    return {"id": record["id"], "deleted": True}


# ------------------------------------------------------------------ refunds and disputes


def _unrefunded(charge: Record) -> int:
    return int(charge["amount_captured"] - charge["amount_refunded"])


def check_refund(charge: Record, amount: int | None, param: str = "amount") -> int:
    """The amount to refund. Raises StripeError when the charge does not bear it."""
    if charge["status"] != "succeeded":
        raise wrong(f"Charge {charge['id']} has not succeeded and cannot be refunded.", "charge", "charge_not_refundable")
    rest = _unrefunded(charge)
    if rest <= 0:
        raise wrong(f"Charge {charge['id']} has already been refunded.", None, "charge_already_refunded")
    if charge["disputed"]:
        raise wrong(f"Charge {charge['id']} has been charged back; cannot issue a refund.", None, "charge_disputed")
    wanted = rest if amount is None else amount
    if wanted > rest:
        raise wrong(f"Refund amount ({wanted}) is greater than unrefunded amount on charge ({rest})", param)
    _payable(wanted, charge["currency"], param)
    return wanted


def make_refund(call: Call, charge: Record, amount: int, **fields: Any) -> Record:
    account = call.account
    id = account.new_id("refunds")
    refund = account.put("refunds", balance.book_refund(account, {
        "id": id, "created": account.now(), "amount": amount, "currency": charge["currency"],
        "charge": charge["id"], "payment_intent": charge["payment_intent"], "status": "succeeded", "reason": None, "metadata": {}, **fields}, id))
    refunded = charge["amount_refunded"] + amount
    before, after = account.change("charges", charge["id"], amount_refunded=refunded, refunded=refunded >= charge["amount"])
    call.emit("refund.created", "refunds", refund)
    call.emit("charge.refunded", "charges", after, before)
    return refund


def create_refund(call: Call, params: Params) -> Record:
    account = call.account
    if "charge" in params:
        charge = referred(account, "charges", params["charge"], "charge")
    elif "payment_intent" in params:
        intent = referred(account, "payment_intents", params["payment_intent"], "payment_intent")
        charge = referred(account, "charges", intent["latest_charge"], "payment_intent")
    else:
        raise wrong("One of the following params should be provided for this request: payment_intent or charge.", None, "parameter_missing")
    amount = check_refund(charge, params.get("amount"))
    return make_refund(call, charge, amount, reason=params.get("reason"), metadata=merged_metadata({}, params.get("metadata", {})))


def close_dispute(call: Call, record: Record, params: Params) -> Record:
    if record["status"] not in ("needs_response", "warning_needs_response"):
        raise wrong("This dispute is already closed or under review.")
    before, after = call.account.change("disputes", record["id"], status="lost")
    call.emit("charge.dispute.closed", "disputes", after, before)
    return after


# ------------------------------------------------------------------ credit notes


def _line_tax(params: Params, number: int, share: Decimal, invoice_tax: int) -> int:
    """Given tax amounts, or the invoice line's own tax in the proportion credited."""
    if params.get("tax_amounts"):
        return sum(item["amount"] for item in params["tax_amounts"])
    return int((share * invoice_tax).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def _note_line(account: Account, invoice: Record, params: Params, number: int) -> dict[str, Any]:
    at = f"lines[{number}]"
    line: dict[str, Any] = {"type": params["type"], "invoice_line_item": None, "quantity": params.get("quantity"), "unit_amount": None,
                            "unit_amount_decimal": None, "description": params.get("description")}
    if params["type"] == "custom_line_item":
        unit = params.get("unit_amount_decimal", params.get("unit_amount"))
        for name, value in (("description", params.get("description")), ("quantity", params.get("quantity")), ("unit_amount", unit)):
            if value is None:
                raise wrong(f"Missing required param: {at}[{name}].", f"{at}[{name}]", "parameter_missing")
        exact = Decimal(unit)
        amount = int((exact * params["quantity"]).quantize(Decimal(1), rounding=ROUND_HALF_UP))
        return line | {"amount": amount, "unit_amount": int(exact) if exact == exact.to_integral_value() else None,
                       "unit_amount_decimal": decimal_text(exact), "tax": _line_tax(params, number, Decimal(0), 0)}
    if not params.get("invoice_line_item"):
        raise wrong(f"Missing required param: {at}[invoice_line_item].", f"{at}[invoice_line_item]", "parameter_missing")
    billed = next((row for row in account.lines(invoice["id"]) if line_id(invoice, row[0]) == params["invoice_line_item"]), None)
    if billed is None:
        raise missing("invoice line item", params["invoice_line_item"], f"{at}[invoice_line_item]", 400)
    _, _, _, description, quantity, unit_decimal, billed_amount, billed_tax = billed
    if ("quantity" in params) == ("amount" in params):
        raise wrong(f"Pass exactly one of {at}[quantity] and {at}[amount].", f"{at}[amount]", "parameter_missing")
    if "quantity" in params:
        if params["quantity"] > Decimal(quantity):
            raise wrong(f"The quantity is larger than the {quantity} of the invoice line.", f"{at}[quantity]")
        amount = int((Decimal(billed_amount) * params["quantity"] / Decimal(quantity)).quantize(Decimal(1), rounding=ROUND_HALF_UP))
    else:
        amount = params["amount"]
    credited = sum(row["amount"] for note in account.rows_by("credit_notes", "invoice", invoice["id"]) if note["status"] == "issued"
                   for row in note["_lines"] if row["invoice_line_item"] == params["invoice_line_item"])
    if amount > billed_amount - credited:
        raise wrong(f"The amount is larger than what is left to credit on the invoice line ({billed_amount - credited}).", f"{at}[amount]")
    share = Decimal(amount) / Decimal(billed_amount) if billed_amount else Decimal(0)
    return line | {"invoice_line_item": params["invoice_line_item"], "amount": amount, "description": description,
                   "unit_amount_decimal": unit_decimal, "tax": _line_tax(params, number, share, billed_tax)}


@dataclass(frozen=True)
class _Plan:
    """A credit note that passed every check, with what it will move."""

    invoice: Record
    record: Record
    charge: Record | None
    refund_amount: int
    credit_amount: int


def _plan(account: Account, params: Params, *, is_basil: bool) -> _Plan:
    invoice = referred(account, "invoices", params["invoice"], "invoice")
    if invoice["status"] not in ("open", "paid", "uncollectible"):
        raise wrong(f"You can only create credit notes for finalized invoices; this one is {invoice['status']}.", "invoice")
    if "shipping_cost" in params:
        raise wrong("The invoice has no shipping cost to credit.", "shipping_cost")
    if ("amount" in params) == ("lines" in params):
        raise wrong("You must pass exactly one of amount, lines or shipping_cost.", "amount", "parameter_missing")
    if "amount" in params:
        lines = [{"type": "custom_line_item", "invoice_line_item": None, "quantity": 1, "unit_amount": params["amount"],
                  "unit_amount_decimal": str(params["amount"]), "description": params.get("memo"), "amount": params["amount"], "tax": 0}]
    else:
        lines = [_note_line(account, invoice, line, number) for number, line in enumerate(params["lines"])]
    subtotal, tax = sum(line["amount"] for line in lines), sum(line["tax"] for line in lines)
    total, currency = subtotal + tax, invoice["currency"]
    if total <= 0:
        raise wrong(f"This value must be greater than or equal to 1 (it currently is '{total}').", "amount", "parameter_invalid_integer")
    _payable(total, currency, "amount")
    issued = [note for note in account.rows_by("credit_notes", "invoice", invoice["id"]) if note["status"] == "issued"]
    left = invoice["total"] - sum(note["total"] for note in issued)
    if total > left:
        raise wrong(f"The amount of the credit note ({total}) exceeds what can still be credited on the invoice ({left}).", "amount")
    remaining = max(invoice["amount_remaining"], 0) if invoice["status"] != "paid" else 0
    pre = min(total, remaining)
    post = total - pre

    charge = account.live("charges", invoice["_charge"])
    refund_amount, credit_amount = params.get("refund_amount", 0), params.get("credit_amount", 0)
    out_of_band = params.get("out_of_band_amount", 0)
    links = []
    given = list(params.get("refunds", ()))
    if "refund" in params:
        if is_basil:
            raise StripeError("Received unknown parameter: refund", code="parameter_unknown", param="refund", is_validation=True)
        given.append({"refund": params["refund"]})
    taken = {link["refund"] for note in issued for link in note["_refunds"]}
    for number, link in enumerate(given):
        refund = referred(account, "refunds", link.get("refund") or "", f"refunds[{number}][refund]")
        if charge is None or refund["charge"] != charge["id"] or refund["id"] in taken:
            raise wrong(f"The refund {refund['id']} is not a free refund of this invoice's payment.", f"refunds[{number}][refund]")
        amount = link.get("amount_refunded", refund["amount"])
        if amount > refund["amount"]:
            raise wrong("The linked amount is larger than the refund.", f"refunds[{number}][amount_refunded]")
        links.append({"amount_refunded": amount, "payment_record_refund": None, "refund": refund["id"], "type": "refund"})
    distributed = refund_amount + credit_amount + out_of_band + sum(link["amount_refunded"] for link in links)
    if distributed != post:
        raise wrong(f"The sum of refund_amount, refunds, credit_amount and out_of_band_amount ({distributed}) must equal the post payment "
                    f"amount of the credit note ({post}).", "refund_amount" if refund_amount else "credit_amount")
    if refund_amount:
        if charge is None:
            raise wrong("The invoice has no payment to refund.", "refund_amount")
        check_refund(charge, refund_amount, "refund_amount")
    if credit_amount:
        customer = account.live("customers", invoice["customer"])
        if customer is None or customer["currency"] not in (None, currency):
            raise wrong("The customer's balance cannot take this credit.", "credit_amount")
    record: Record = {
        "created": account.now(), "number": f"{invoice['number']}-CN-{len(account.ids_by('credit_notes', 'invoice', invoice['id'])) + 1:02d}",
        "status": "issued", "type": "pre_payment" if not post else "post_payment" if not pre else "mixed", "reason": params.get("reason"),
        "customer": invoice["customer"], "invoice": invoice["id"], "currency": currency, "amount": total, "subtotal": subtotal,
        "total": total, "customer_balance_transaction": None, "memo": params.get("memo"),
        "effective_at": params.get("effective_at", account.now()), "out_of_band_amount": out_of_band or None, "voided_at": None,
        "metadata": merged_metadata({}, params.get("metadata", {})), "_pre": pre, "_post": post, "_tax": tax, "_refunds": links,
        "_lines": lines,
    }
    return _Plan(invoice, record, charge, refund_amount, credit_amount)


def preview_credit_note(account: Account, params: Params, *, is_basil: bool) -> Record:
    record = _plan(account, params, is_basil=is_basil).record
    lines = [{**line, "id": f"cnli_preview{number}"} for number, line in enumerate(record["_lines"])]
    return {"id": "cn_preview", **record, "_lines": lines}


def create_credit_note(call: Call, params: Params, *, is_basil: bool) -> Record:
    account = call.account
    plan = _plan(account, params, is_basil=is_basil)
    id = account.new_id("credit_notes")
    lines = [{**line, "id": f"cnli_{id.removeprefix('cn_')}{number}"} for number, line in enumerate(plan.record["_lines"])]
    record = {"id": id, **plan.record, "_lines": lines}
    if plan.refund_amount and plan.charge is not None:
        refund = make_refund(call, plan.charge, plan.refund_amount)
        record["_refunds"] = [*record["_refunds"], {
            "amount_refunded": plan.refund_amount, "payment_record_refund": None, "refund": refund["id"], "type": "refund"}]
    if plan.credit_amount:
        customer = account.store.collection("customers")[record["customer"]]
        line = change_balance(call, customer, -plan.credit_amount, "credit_note", credit_note=id, invoice=plan.invoice["id"],
                              currency=record["currency"])
        record["customer_balance_transaction"] = line["id"]
    account.put("credit_notes", record)
    call.emit("credit_note.created", "credit_notes", record)
    before = plan.invoice
    credit_invoice(account, before["id"])
    pre, is_settled = record["_pre"], before["status"] != "paid" and before["amount_remaining"] - record["_pre"] == 0
    fields: dict[str, Any] = {"amount_due": before["amount_due"] - pre, "amount_remaining": before["amount_remaining"] - pre}
    if is_settled and record["_pre"]:
        fields |= {"status": "paid", "status_transitions": {**before["status_transitions"], "paid_at": account.now()}}
    _, after = account.change("invoices", before["id"], **fields)
    if after["status"] != before["status"]:
        call.emit("invoice.paid", "invoices", after, before)
    call.emit("invoice.updated", "invoices", after, before)
    return record


def void_credit_note(call: Call, record: Record, params: Params) -> Record:
    account = call.account
    if record["status"] != "issued":
        raise wrong("This credit note is already void.")
    invoice = account.live("invoices", record["invoice"])
    if record["_post"] or invoice is None or invoice["status"] != "open":
        raise wrong("You can only void credit notes that lowered an open invoice before its payment.")
    before, after = account.change("credit_notes", record["id"], status="void", voided_at=account.now())
    credit_invoice(account, invoice["id"])
    _, changed = account.change("invoices", invoice["id"], amount_due=invoice["amount_due"] + record["_pre"],
                                amount_remaining=invoice["amount_remaining"] + record["_pre"])
    call.emit("credit_note.voided", "credit_notes", after, before)
    call.emit("invoice.updated", "invoices", changed, invoice)
    return after
