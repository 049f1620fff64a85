"""What Chargebee does when the API asks for a change of money: credit notes, invoices, payments, refunds and promotional credits.

Every function runs under the store's lock, with parameters already typed, and checks everything before its first change. What does not
belong here: customers and small records (parties), subscriptions (subscriptions), the catalogue (catalogue), routes (api).
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from sandbox.chargebee.params import ChargebeeError, missing, payment_failed, wrong, wrong_state
from sandbox.chargebee.shapes import line_id, make_line, render
from sandbox.chargebee.site import NOUN, Site
from sandbox.protocol import Record

Params = Mapping[str, Any]
Answer = dict[str, Any]
_OPEN = frozenset(("posted", "payment_due", "not_paid"))


def changeable(site: Site, kind: str, id: object, *, param: str | None = None) -> Record:
    """The record, unless there is none or it was deleted."""
    record = site.live(kind, id)
    if record is None:
        refusal = missing(NOUN[kind], id)
        if param is not None:
            refusal.param = param
        raise refusal
    return record


def show(site: Site, **records: tuple[str, Record | None]) -> Answer:
    """The envelope of an answer: name -> (collection, record)."""
    return {name: render(site, kind, record) for name, (kind, record) in records.items() if record is not None}


def custom(params: Params) -> dict[str, Any]:
    return {name: value for name, value in params.items() if name.startswith("cf_")}


def given(row: Params, name: str, default: int) -> int:
    """A whole number of a row, the default where it is missing or cleared."""
    value = row.get(name)
    return default if value is None else int(value)


def stamped(site: Site, **fields: Any) -> dict[str, Any]:
    now = site.now()
    return {**fields, "updated_at": now, "resource_version": site.now_ms(), "deleted": False}


# ------------------------------------------------------------------ credit notes


def create_credit_note(site: Site, id: str, params: Params) -> Answer:
    kind = params["type"]
    invoice = changeable(site, "invoices", params["reference_invoice_id"], param="reference_invoice_id") \
        if params.get("reference_invoice_id") else None
    if invoice is None:
        if kind != "refundable":
            raise wrong("reference_invoice_id", f"cannot be blank for a credit note of type {kind}")
        if not params.get("customer_id"):
            raise wrong("customer_id", "cannot be blank without reference_invoice_id")
    elif params.get("customer_id"):
        raise wrong("customer_id", "cannot be given together with reference_invoice_id")
    rows = params.get("line_items")
    if (params.get("total") is None) == (not rows):
        raise wrong("total", "either total or line_items should be given, and not both")
    customer = changeable(site, "customers", invoice["customer_id"] if invoice else params["customer_id"], param="customer_id")
    currency = invoice["currency_code"] if invoice else params.get("currency_code") or customer.get("preferred_currency_code") or site.base_currency
    lines, net, tax = _credited_lines(invoice, params.get("total"), rows or [])
    total = net + tax
    if total <= 0:
        raise wrong("total", "must be greater than zero")
    if invoice is not None:
        if invoice["status"] in ("voided", "pending"):
            raise wrong_state(f"The invoice is {invoice['status']}, so a credit note cannot be created.")
        _within(site, invoice, kind, total)
    now, note_id = params.get("date") or site.now(), site.new_id("credit_note")
    is_adjustment = kind == "adjustment"
    note = site.put("credit_notes", {
        **stamped(site), "id": note_id, "customer_id": customer["id"], "subscription_id": (invoice or {}).get("subscription_id"),
        "reference_invoice_id": invoice["id"] if invoice else None, "type": kind, "status": "adjusted" if is_adjustment else "refund_due",
        "reason_code": params.get("reason_code") or ("other" if params.get("create_reason_code") else None),
        "create_reason_code": params.get("create_reason_code") or (params.get("reason_code") or "").replace("_", " ").title() or None,
        "date": now, "price_type": "tax_exclusive", "exchange_rate": site.exchange_rate(currency), "total": total, "sub_total": net,
        "amount_allocated": total if is_adjustment else 0, "amount_refunded": 0, "amount_available": 0 if is_adjustment else total,
        "generated_at": site.now(), "channel": "web", "currency_code": currency, "base_currency_code": site.base_currency,
        "round_off_amount": 0, "fractional_correction": 0, "notes": [{"note": params["customer_notes"]}] if params.get("customer_notes") else None,
        **custom(params), "_comment": params.get("comment"), "_tax": tax, "_lines": lines, "_period": [now, now],
        "_allocations": [[invoice["id"], total, site.now()]] if invoice and is_adjustment else [], "_refunds": []})
    site.tell("credit_notes", None, note)
    if invoice is not None:
        links = [*invoice["_notes"], [note_id, total, site.now(), "adjusted" if is_adjustment else "issued"]]
        if is_adjustment:
            invoice = settle(site, invoice["id"], amount_adjusted=invoice["amount_adjusted"] + total, _notes=links)
        else:
            invoice = site.change("invoices", invoice["id"], _notes=links)
            site.tell("invoices", invoice, invoice)
    if not is_adjustment:
        _credit_customer(site, customer["id"], total)
    return show(site, credit_note=("credit_notes", note), invoice=("invoices", invoice))


def _within(site: Site, invoice: Record, kind: str, total: int) -> None:
    """An adjustment goes up to what is open less payments under way; anything else up to what was paid and not credited yet."""
    if kind == "adjustment":
        if invoice["status"] not in _OPEN:
            raise wrong_state(f"The invoice is {invoice['status']}: an adjustment credit note needs an invoice that is posted, payment due or "
                              "not paid.")
        under_way = sum(link[1] for link in invoice["_payments"] if (site.get("transactions", link[0]) or {}).get("status") == "in_progress")
        if total > invoice["amount_due"] - under_way:
            raise wrong("total", f"cannot be more than the amount due {invoice['amount_due'] - under_way}")
        return
    credited = sum(note["total"] for link in invoice["_notes"] if link[3] == "issued"
                   and (note := site.live("credit_notes", link[0])) is not None and note["status"] != "voided")
    if total > invoice["amount_paid"] + invoice["credits_applied"] - credited:
        raise wrong("total", f"cannot be more than the refundable amount {invoice['amount_paid'] + invoice['credits_applied'] - credited}")


def _credited_lines(invoice: Record | None, total: int | None, rows: list[dict[str, Any]]) -> tuple[list[Any], int, int]:
    """Lines with net and tax sums. A total is split over the invoice's lines by their share, the rest on the last one."""
    if total is not None:
        if invoice is None or not invoice["_lines"] or invoice["total"] <= 0:
            return [make_line(1, None, "adhoc", "Credit", Decimal(1), total, total, 0)], total, 0
        tax = _share(invoice["tax"], total, invoice["total"])
        first = invoice["_lines"][0]
        net = total - tax
        return [make_line(1, None, "adhoc", "Credit", Decimal(1), net, net, tax, line_id("invoice", invoice["id"], first[0]))], net, tax
    billed = {line_id("invoice", invoice["id"], line[0]): line for line in invoice["_lines"]} if invoice else {}
    lines: list[Any] = []
    for number, row in enumerate(rows, start=1):
        reference = row.get("reference_line_item_id")
        line = billed.get(reference) if reference else None
        if invoice is not None and line is None:
            raise wrong("line_items[reference_line_item_id]", f"{reference} is not a line item of the invoice")
        quantity = given(row, "quantity", 1)
        amount = row.get("amount")
        if amount is None:
            if row.get("unit_amount") is None:
                raise wrong("line_items[amount]", "either amount or unit_amount should be given")
            amount = row["unit_amount"] * quantity
        tax = _share(line[7], amount, line[6]) if line and line[6] else 0
        lines.append(make_line(
            number, None, "adhoc", row.get("description") or (line[3] if line else "Credit"), Decimal(quantity),
            given(row, "unit_amount", amount), amount, tax, reference))
    return lines, sum(line[6] for line in lines), sum(line[7] for line in lines)


def _share(whole: int, part: int, of: int) -> int:
    return int((Decimal(whole) * part / of).quantize(Decimal(1), rounding=ROUND_HALF_UP)) if of else 0


def _credit_customer(site: Site, id: str, amount: int) -> None:
    customer = site.get("customers", id)
    if customer is not None:
        site.change("customers", id, refundable_credits=max(0, customer["refundable_credits"] + amount))


def refund_credit_note(site: Site, id: str, params: Params) -> Answer:
    return _refund_note(site, id, params.get("refund_amount"), "card", params.get("refund_reason_code"), {})


def record_credit_note_refund(site: Site, id: str, params: Params) -> Answer:
    sent = params.get("transaction") or {}
    if not sent.get("payment_method"):
        raise wrong("transaction[payment_method]", "cannot be blank")
    return _refund_note(site, id, sent.get("amount"), sent["payment_method"], params.get("refund_reason_code"), sent)


def _refund_note(site: Site, id: str, amount: int | None, method: str, reason: str | None, sent: Params) -> Answer:
    note = changeable(site, "credit_notes", id)
    if note["status"] != "refund_due":
        raise wrong_state(f"The credit note is {note['status']}, so it cannot be refunded.")
    amount = note["amount_available"] if amount is None else amount
    if not 0 < amount <= note["amount_available"]:
        raise wrong("refund_amount", f"must be between 1 and the available amount {note['amount_available']}")
    invoice = site.get("invoices", note.get("reference_invoice_id"))
    paid_by = next((link[0] for link in invoice["_payments"]
                    if (site.get("transactions", link[0]) or {}).get("status") == "success"), None) if invoice else None
    is_offline = bool(sent)
    if paid_by is None and not is_offline:
        raise payment_failed("There is no online payment that could be refunded.", "payment_method_not_present")
    refund = _refund_transaction(site, note["customer_id"], note["currency_code"], amount, method, paid_by, sent, reason, [note["id"]])
    left = note["amount_available"] - amount
    note = site.change("credit_notes", id, amount_refunded=note["amount_refunded"] + amount, amount_available=left,
                       status="refund_due" if left else "refunded", refunded_at=site.now(),
                       _refunds=[*note["_refunds"], [refund["id"], amount, site.now()]])
    site.tell("credit_notes", note, note)
    _credit_customer(site, note["customer_id"], -amount)
    return show(site, credit_note=("credit_notes", note), transaction=("transactions", refund))


def _refund_transaction(
    site: Site, customer: str, currency: str, amount: int, method: str, payment: str | None, sent: Params, reason: str | None, notes: list[str],
) -> Record:
    now = sent.get("date") or site.now()
    refund = site.put("transactions", {
        **stamped(site), "id": site.new_id("refund"), "customer_id": customer, "payment_method": method,
        "gateway": "not_applicable" if sent else "chargebee", "type": "refund", "date": now, "exchange_rate": site.exchange_rate(currency),
        "amount": amount, "status": "success", "currency_code": currency, "base_currency_code": site.base_currency, "refunded_txn_id": payment,
        "reference_number": sent.get("reference_number"), "_reason": reason, "_invoices": [], "_refunds": [],
        "_notes": [[note, amount, now] for note in notes]})
    site.tell("transactions", None, refund, extra="payment_refunded")
    paid = site.get("transactions", payment)
    if paid is not None:
        site.change("transactions", paid["id"], _refunds=[*paid["_refunds"], refund["id"]])
    return refund


def void_credit_note(site: Site, id: str, params: Params) -> Answer:
    note = changeable(site, "credit_notes", id)
    if note["status"] == "voided" or note["amount_refunded"]:
        raise wrong_state(f"The credit note is {note['status']}, so it cannot be voided.")
    _release(site, note)
    note = site.change("credit_notes", id, status="voided", voided_at=site.now(), amount_allocated=0, amount_available=0, _allocations=[])
    site.tell("credit_notes", note, note)
    return show(site, credit_note=("credit_notes", note))


def delete_credit_note(site: Site, id: str, params: Params) -> Answer:
    before = changeable(site, "credit_notes", id)
    if before["amount_refunded"]:
        raise wrong_state("The credit note was refunded, so it cannot be deleted.")
    _release(site, before)
    note = site.change("credit_notes", id, deleted=True)
    site.tell("credit_notes", before, note)
    return show(site, credit_note=("credit_notes", note))


def _release(site: Site, note: Record) -> None:
    """What the note had settled is open again."""
    for invoice_id, amount, _ in note["_allocations"]:
        invoice = site.get("invoices", invoice_id)
        if invoice is None:
            continue
        links = [link for link in invoice["_notes"] if link[0] != note["id"]]
        field = "amount_adjusted" if note["type"] == "adjustment" else "credits_applied"
        settle(site, invoice_id, **{field: max(0, invoice[field] - amount)}, _notes=links)
    if note["type"] != "adjustment" and note["amount_available"]:
        _credit_customer(site, note["customer_id"], -note["amount_available"])


def update_credit_note(site: Site, id: str, params: Params) -> Answer:
    changeable(site, "credit_notes", id)
    note = site.change("credit_notes", id, _comment=params.get("comment"), **custom(params))
    site.tell("credit_notes", note, note)
    return show(site, credit_note=("credit_notes", note))


# ------------------------------------------------------------------ invoices


def settle(site: Site, id: str, **fields: Any) -> Record:
    """Change an invoice's amounts; what is open and its status follow from them."""
    before = site.store.collection("invoices")[id]
    after = {**before, **fields}
    due = after["total"] - after["amount_paid"] - after["amount_adjusted"] - after["credits_applied"]
    status, paid_at = after["status"], after.get("paid_at")
    if due <= 0 and status in _OPEN:
        status, paid_at = "paid", site.now()
    elif due > 0 and status == "paid":
        status, paid_at = "payment_due" if (after.get("due_date") or 0) < site.now() else "posted", None
    invoice = site.change("invoices", id, **fields, amount_due=due, amount_to_collect=due, status=status, paid_at=paid_at)
    site.tell("invoices", before, invoice)
    return invoice


def record_payment(site: Site, id: str, params: Params) -> Answer:
    sent = params.get("transaction") or {}
    if not sent.get("payment_method"):
        raise wrong("transaction[payment_method]", "cannot be blank")
    return _pay(site, id, sent.get("amount"), sent["payment_method"], sent)


def collect_payment(site: Site, id: str, params: Params) -> Answer:
    customer = site.get("customers", changeable(site, "invoices", id)["customer_id"])
    if customer is None or customer.get("_card") is None and not customer.get("primary_payment_source_id"):
        raise payment_failed("The customer has no payment method.", "payment_method_not_present")
    return _pay(site, id, params.get("amount"), "card", {})


def _pay(site: Site, id: str, amount: int | None, method: str, sent: Params) -> Answer:
    invoice = changeable(site, "invoices", id)
    if invoice["status"] not in _OPEN:
        raise wrong_state(f"The invoice is {invoice['status']}, so no payment can be recorded.")
    amount = invoice["amount_due"] if amount is None else amount
    if amount <= 0:
        raise wrong("transaction[amount]", "must be greater than zero")
    applied, status, now = min(amount, invoice["amount_due"]), sent.get("status") or "success", sent.get("date") or site.now()
    currency = invoice["currency_code"]
    payment = site.put("transactions", {
        **stamped(site), "id": site.new_id("payment"), "customer_id": invoice["customer_id"], "subscription_id": invoice.get("subscription_id"),
        "payment_method": method, "gateway": "not_applicable" if sent else "chargebee", "type": "payment", "date": now,
        "settled_at": now if status == "success" else None, "exchange_rate": site.exchange_rate(currency), "amount": amount, "status": status,
        "id_at_gateway": sent.get("id_at_gateway"), "reference_number": sent.get("reference_number"), "currency_code": currency,
        "base_currency_code": site.base_currency, "amount_unused": amount - applied if status == "success" else 0,
        "error_code": sent.get("error_code"), "error_text": sent.get("error_text"),
        "_invoices": [[id, applied, now]], "_refunds": [], "_notes": []})
    site.tell("transactions", None, payment, extra={"success": "payment_succeeded", "failure": "payment_failed"}.get(status, ""))
    links = [*invoice["_payments"], [payment["id"], applied, now]]
    if status == "success":
        invoice = settle(site, id, amount_paid=invoice["amount_paid"] + applied, _payments=links)
        if amount > applied:
            customer = site.store.collection("customers")[invoice["customer_id"]]
            site.change("customers", customer["id"], excess_payments=customer["excess_payments"] + amount - applied)
    else:
        invoice = site.change("invoices", id, _payments=links)
    return show(site, invoice=("invoices", invoice), transaction=("transactions", payment))


def void_invoice(site: Site, id: str, params: Params) -> Answer:
    before = changeable(site, "invoices", id)
    if before["status"] not in _OPEN or before["amount_paid"] or before["credits_applied"]:
        raise wrong_state(f"The invoice is {before['status']}, so it cannot be voided.")
    invoice = site.change("invoices", id, status="voided", voided_at=site.now(), amount_due=0, amount_to_collect=0,
                          void_reason_code=params.get("void_reason_code"))
    site.tell("invoices", before, invoice)
    return show(site, invoice=("invoices", invoice))


def write_off_invoice(site: Site, id: str, params: Params) -> Answer:
    """The open amount becomes an adjustment credit note with the reason write_off."""
    invoice = changeable(site, "invoices", id)
    if invoice["status"] not in _OPEN:
        raise wrong_state(f"The invoice is {invoice['status']}, so it cannot be written off.")
    amount = invoice["amount_due"]
    made = create_credit_note(site, "", {"type": "adjustment", "reference_invoice_id": id, "total": amount, "reason_code": "write_off",
                                         "comment": params.get("comment")})
    written = site.change("invoices", id, write_off_amount=invoice["write_off_amount"] + amount)
    return {**show(site, invoice=("invoices", written)), "credit_note": made["credit_note"]}


def apply_credits(site: Site, id: str, params: Params) -> Answer:
    invoice = changeable(site, "invoices", id)
    if invoice["status"] not in _OPEN:
        raise wrong_state(f"The invoice is {invoice['status']}, so no credits can be applied.")
    wanted = [row["id"] for row in params.get("credit_notes") or []]
    notes = [changeable(site, "credit_notes", note) for note in wanted] or [
        note for note in site.rows_by("credit_notes", "customer_id", invoice["customer_id"])
        if note["status"] == "refund_due" and not note.get("deleted")]
    for note in notes:
        if note["customer_id"] != invoice["customer_id"] or note["status"] != "refund_due":
            raise wrong_state(f"The credit note {note['id']} has no credits for this invoice.")
        invoice = site.store.collection("invoices")[id]
        amount = min(note["amount_available"], invoice["amount_due"])
        if amount <= 0:
            break
        left = note["amount_available"] - amount
        changed = site.change("credit_notes", note["id"], amount_available=left, amount_allocated=note["amount_allocated"] + amount,
                              status="refund_due" if left else "refunded", _allocations=[*note["_allocations"], [id, amount, site.now()]])
        site.tell("credit_notes", note, changed)
        settle(site, id, credits_applied=invoice["credits_applied"] + amount, _notes=[*invoice["_notes"], [note["id"], amount, site.now(), "applied"]])
        _credit_customer(site, invoice["customer_id"], -amount)
    return show(site, invoice=("invoices", site.get("invoices", id)))


def refund_invoice(site: Site, id: str, params: Params) -> Answer:
    return _refund_invoice(site, id, params.get("refund_amount"), params, {})


def record_invoice_refund(site: Site, id: str, params: Params) -> Answer:
    sent = params.get("transaction") or {}
    if not sent.get("payment_method"):
        raise wrong("transaction[payment_method]", "cannot be blank")
    return _refund_invoice(site, id, sent.get("amount"), params, sent)


def _refund_invoice(site: Site, id: str, amount: int | None, params: Params, sent: Params) -> Answer:
    invoice = changeable(site, "invoices", id)
    if not invoice["amount_paid"]:
        raise wrong_state("The invoice has no payment that could be refunded.")
    reasons = params.get("credit_note") or {}
    made = create_credit_note(site, "", {
        "type": "refundable", "reference_invoice_id": id, "total": invoice["amount_paid"] if amount is None else amount,
        "reason_code": reasons.get("reason_code"), "create_reason_code": reasons.get("create_reason_code"),
        "customer_notes": params.get("customer_notes"), "comment": params.get("comment")})
    note = made["credit_note"]["id"]
    paid = _refund_note(site, note, None, sent.get("payment_method", "card"), None, sent)
    return {**show(site, invoice=("invoices", site.get("invoices", id))), "transaction": paid["transaction"], "credit_note": paid["credit_note"]}


def delete_invoice(site: Site, id: str, params: Params) -> Answer:
    before = changeable(site, "invoices", id)
    if before["amount_paid"]:
        raise wrong_state("The invoice has payments, so it cannot be deleted.")
    invoice = site.change("invoices", id, deleted=True)
    site.tell("invoices", before, invoice)
    return show(site, invoice=("invoices", invoice))


def update_invoice(site: Site, id: str, params: Params) -> Answer:
    before = changeable(site, "invoices", id)
    fields = {name: params[name] for name in ("vat_number", "po_number") if name in params}
    if params.get("billing_address"):
        fields["billing_address"] = {**(before.get("billing_address") or {}), **params["billing_address"], "object": "billing_address"}
    invoice = site.change("invoices", id, **fields, **custom(params))
    site.tell("invoices", before, invoice)
    return show(site, invoice=("invoices", invoice))


def create_invoice(site: Site, id: str, params: Params) -> Answer:
    if not params.get("customer_id"):
        raise wrong("customer_id", "cannot be blank")
    customer = changeable(site, "customers", params["customer_id"], param="customer_id")
    currency = params.get("currency_code") or customer.get("preferred_currency_code") or site.base_currency
    lines = priced_lines(site, currency, params.get("item_prices") or [], params.get("charges") or [])
    if not lines:
        raise wrong("item_prices", "at least one item price or charge should be given")
    total, now, days = sum(line[6] for line in lines), params.get("invoice_date") or site.now(), params.get("net_term_days")
    days = customer["net_term_days"] if days is None else days
    invoice = site.put("invoices", {
        **stamped(site), "id": site.new_id("invoice"), "customer_id": customer["id"], "subscription_id": params.get("subscription_id"),
        "recurring": False, "status": "paid" if total == 0 else "posted" if days else "payment_due", "price_type": "tax_exclusive", "date": now,
        "due_date": now + days * 86_400, "net_term_days": days, "exchange_rate": site.exchange_rate(currency), "total": total, "amount_paid": 0,
        "amount_adjusted": 0, "write_off_amount": 0, "credits_applied": 0, "amount_due": total, "amount_to_collect": total,
        "round_off_amount": 0, "first_invoice": not site.bucket("invoices", "customer_id", customer["id"]), "has_advance_charges": False,
        "currency_code": currency, "base_currency_code": site.base_currency, "generated_at": site.now(), "is_gifted": False,
        "term_finalized": True, "channel": "web", "tax": 0, "sub_total": total, "po_number": params.get("po_number"),
        "billing_address": customer.get("billing_address"), **custom(params), "_lines": lines, "_period": [now, now], "_payments": [],
        "_notes": [], "_orders": []})
    site.tell("invoices", None, invoice)
    return show(site, invoice=("invoices", invoice))


def priced_lines(site: Site, currency: str, prices: list[dict[str, Any]], charges: list[dict[str, Any]]) -> list[Any]:
    """Line items of item prices and of one-time charges."""
    lines: list[Any] = []
    for row in prices:
        price = changeable(site, "item_prices", row["item_price_id"], param="item_prices[item_price_id]")
        if price["currency_code"] != currency:
            raise wrong("item_prices[item_price_id]", f"{price['id']} is not priced in {currency}")
        quantity, unit = given(row, "quantity", 1), given(row, "unit_price", price["price"])
        lines.append(make_line(len(lines) + 1, price["id"], f"{price['item_type']}_item_price", price["external_name"], Decimal(quantity), unit,
                               unit * quantity, 0))
    for row in charges:
        if row.get("amount") is None or row["amount"] <= 0:
            raise wrong("charges[amount]", "must be greater than zero")
        lines.append(make_line(len(lines) + 1, None, "adhoc", row["description"], Decimal(1), row["amount"], row["amount"], 0))
    return lines


# ------------------------------------------------------------------ transactions and promotional credits


def refund_transaction(site: Site, id: str, params: Params) -> Answer:
    return _refund_payment(site, id, params.get("amount"), "card", {})


def record_transaction_refund(site: Site, id: str, params: Params) -> Answer:
    if not params.get("payment_method"):
        raise wrong("payment_method", "cannot be blank")
    return _refund_payment(site, id, params.get("amount"), params["payment_method"], params)


def _refund_payment(site: Site, id: str, amount: int | None, method: str, sent: Params) -> Answer:
    payment = changeable(site, "transactions", id)
    unused = payment.get("amount_unused") or 0
    if payment["type"] != "payment" or payment["status"] != "success" or not unused:
        raise wrong_state("The transaction has no unused amount that could be refunded.")
    amount = unused if amount is None else amount
    if not 0 < amount <= unused:
        raise wrong("amount", f"must be between 1 and the unused amount {unused}")
    refund = _refund_transaction(site, payment["customer_id"], payment["currency_code"], amount, method, id, sent, None, [])
    site.change("transactions", id, amount_unused=unused - amount)
    return show(site, transaction=("transactions", refund))


def delete_offline_transaction(site: Site, id: str, params: Params) -> Answer:
    before = changeable(site, "transactions", id)
    if before["gateway"] != "not_applicable":
        raise wrong_state("Only an offline transaction can be deleted.")
    transaction = site.change("transactions", id, deleted=True)
    site.tell("transactions", before, transaction)
    return show(site, transaction=("transactions", transaction))


def change_promotional_credits(how: str) -> Any:
    """`add`, `deduct` or `set` the customer's promotional credits: each leaves a line in its ledger."""

    def run(site: Site, id: str, params: Params) -> Answer:
        customer = changeable(site, "customers", params["customer_id"], param="customer_id")
        amount = params.get("amount")
        if amount is None:
            raise wrong("amount", "cannot be blank")
        held = customer["promotional_credits"]
        difference = amount if how == "add" else -amount if how == "deduct" else amount - held
        if amount < (0 if how == "set" else 1):
            raise wrong("amount", "must be greater than zero")
        if held + difference < 0:
            raise ChargebeeError(400, "invalid_request", "The customer has not that many promotional credits.", param="amount")
        changed = site.change("customers", customer["id"], promotional_credits=held + difference)
        credit = site.put("promotional_credits", {
            "id": site.new_id("promotional_credit"), "customer_id": customer["id"], "type": "increment" if difference >= 0 else "decrement",
            "amount": abs(difference), "currency_code": params.get("currency_code") or customer.get("preferred_currency_code") or site.base_currency,
            "description": params["description"], "credit_type": params.get("credit_type") or "general", "reference": params.get("reference"),
            "closing_balance": held + difference, "done_by": site.user, "created_at": site.now()})
        site.emit("promotional_credits_added" if difference >= 0 else "promotional_credits_deducted", "promotional_credits", credit,
                  others={"customers": customer["id"]})
        return show(site, customer=("customers", changed), promotional_credit=("promotional_credits", credit))

    return run
