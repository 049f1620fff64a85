"""Chargebee's payload shapes: documents with their lines and links, sibling objects, and the rule that nothing is ever null.

What does not belong here: what a request changes (writes), which records a list selects (filters).
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import orjson

from sandbox.chargebee.ids import native_id
from sandbox.chargebee.params import wrong
from sandbox.chargebee.site import NOUN, Site
from sandbox.protocol import Record

MOST_LINES = 300  # what line_items_limit may ask for
Line = tuple[Any, ...]  # number, price id, entity type, description, quantity text, unit amount, amount, tax, reference line, extra


def render(site: Site, kind: str, record: Record, *, lines: int = MOST_LINES, offset: int = 0) -> dict[str, Any]:
    """The record as the API shows it. `lines`, `offset`: which line items of a document."""
    shown: dict[str, Any] = {name: value for name, value in record.items() if value is not None and not name.startswith("_")}
    shown["object"] = NOUN[kind]
    match kind:
        case "invoices":
            _document(site, shown, record, lines, offset)
            _invoice_links(site, shown, record)
        case "credit_notes":
            _document(site, shown, record, lines, offset)
            _credit_note_links(site, shown, record)
        case "quotes":
            _document(site, shown, record, lines, offset)
        case "transactions":
            _transaction_links(site, shown, record)
        case "events":
            shown["content"] = {NOUN[other]: render(site, other, content) for other, content in record["_content"]}
            shown["api_version"] = "v2"
            shown["webhooks"] = [{"id": "whv2_1", "webhook_status": record["webhook_status"], "object": "webhook"}]
    shown |= record.get("_extra") or {}
    return shown


def wrapped(site: Site, kind: str, record: Record, *, lines: int = MOST_LINES) -> dict[str, Any]:
    """The record under its name, with the siblings that a list repeats beside it."""
    found = {NOUN[kind]: render(site, kind, record, lines=lines)}
    if kind == "subscriptions":
        customer = site.get("customers", record["customer_id"])
        if customer is not None:
            found["customer"] = render(site, "customers", customer)
            found |= card_of(customer)
    elif kind == "customers":
        found |= card_of(record)
    return found


def card_of(customer: Record) -> dict[str, Any]:
    """The sibling card of a customer that pays with one."""
    card = customer.get("_card")
    return {} if card is None else {"card": {**card, "customer_id": customer["id"], "object": "card"}}


# ------------------------------------------------------------------ documents


def line_id(kind: str, document: str, number: int) -> str:
    return native_id("invoice_line" if kind == "invoice" else "credit_note_line", f"{document}:{number}")


def make_line(
    number: int, price: str | None, entity_type: str, description: str, quantity: Decimal, unit_amount: int, amount: int, tax: int,
    reference: str | None = None, extra: Mapping[str, Any] | None = None,
) -> list[Any]:
    text = format(quantity.normalize(), "f")
    return [number, price, entity_type, description, text, unit_amount, amount, tax, reference, dict(extra) if extra else None]


def _document(site: Site, shown: dict[str, Any], record: Record, limit: int, offset: int) -> None:
    held: list[Line] = record["_lines"]
    chosen = held[offset:offset + limit] if offset or len(held) > limit else held
    if offset + limit < len(held):
        shown["line_items_next_offset"] = orjson.dumps([str(offset + limit)]).decode()
    start, end = record["_period"]
    noun, name = shown["object"], "VAT"
    items, taxes = [], []
    for number, price, entity_type, description, quantity, unit_amount, amount, tax, reference, extra in chosen:
        id = line_id(noun, record["id"], number)
        rate = round(tax * 100 / amount, 2) if tax and amount else 0.0
        item: dict[str, Any] = {
            "id": id, "date_from": start, "date_to": end, "unit_amount": unit_amount, "amount": amount, "pricing_model": "per_unit",
            "is_taxed": tax != 0, "tax_amount": tax, "object": "line_item", "customer_id": record["customer_id"], "description": description,
            "entity_type": entity_type, "discount_amount": 0, "item_level_discount_amount": 0, "metered": False,
        }
        if "." in quantity:
            item["quantity_in_decimal"], item["quantity"] = quantity, int(Decimal(quantity))
        else:
            item["quantity"] = int(quantity)
        if tax:
            item["tax_rate"] = rate
            taxes.append({
                "object": "line_item_tax", "line_item_id": id, "tax_name": name, "tax_rate": rate, "taxable_amount": amount, "tax_amount": tax,
                "is_partial_tax_applied": False, "is_non_compliance_tax": False})
        if record.get("subscription_id"):
            item["subscription_id"] = record["subscription_id"]
        if price is not None:
            item["entity_id"] = price
        if reference is not None:
            item["reference_line_item_id"] = reference
        if extra:
            item |= extra
        items.append(item)
    total_tax = record.get("tax", record.get("_tax", 0))
    shown |= {
        "line_items": items, "line_item_taxes": taxes,
        "taxes": [{"object": "tax", "name": name, "description": name, "amount": total_tax}] if total_tax else [],
    }


def line_offset(text: str | None) -> int:
    if not text:
        return 0
    try:
        [place] = orjson.loads(text)
        return int(place)
    except (orjson.JSONDecodeError, ValueError, TypeError):
        raise wrong("line_items_offset", "is not an offset of these line items") from None


def _note_link(site: Site, id: str) -> dict[str, Any]:
    note = site.get("credit_notes", id) or {}
    found = {"cn_id": id, "cn_reason_code": note.get("reason_code"), "cn_create_reason_code": note.get("create_reason_code"),
             "cn_date": note.get("date"), "cn_status": note.get("status", "refund_due")}
    return {name: value for name, value in found.items() if value is not None}


def _invoice_links(site: Site, shown: dict[str, Any], record: Record) -> None:
    payments = []
    for id, amount, at in record["_payments"]:
        payment = site.get("transactions", id) or {}
        link = {"txn_id": id, "applied_amount": amount, "applied_at": at, "txn_status": payment.get("status"),
                "txn_date": payment.get("date"), "txn_amount": payment.get("amount")}
        payments.append({name: value for name, value in link.items() if value is not None})
    applied: list[Record] = []
    adjusted: list[Record] = []
    issued: list[Record] = []
    for id, amount, at, how in record["_notes"]:
        link = _note_link(site, id)
        note = site.get("credit_notes", id)
        if note is not None and note.get("deleted"):
            continue
        if how == "applied":
            applied.append({**link, "applied_amount": amount, "applied_at": at})
        else:
            link["cn_total"] = note["total"] if note else amount
            (adjusted if how == "adjusted" else issued).append(link)
    orders = []
    for id in record["_orders"]:
        order = site.get("orders", id)
        if order is not None:
            names = ("id", "document_number", "status", "order_type", "reference_id", "fulfillment_status", "batch_id", "created_at")
            orders.append({**{name: order[name] for name in names if order.get(name) is not None}, "object": "linked_order"})
    shown |= {
        "linked_payments": payments, "applied_credits": applied, "adjustment_credit_notes": adjusted, "issued_credit_notes": issued,
        "linked_orders": orders, "dunning_attempts": record.get("_dunning") or [],
    }


def _refund_link(site: Site, id: str, amount: int, at: int) -> dict[str, Any]:
    refund = site.get("transactions", id) or {}
    link = {"txn_id": id, "applied_amount": amount, "applied_at": at, "txn_status": refund.get("status"), "txn_date": refund.get("date"),
            "txn_amount": refund.get("amount"), "refund_reason_code": refund.get("_reason")}
    return {name: value for name, value in link.items() if value is not None}


def _credit_note_links(site: Site, shown: dict[str, Any], record: Record) -> None:
    allocations = []
    for id, amount, at in record["_allocations"]:
        invoice = site.get("invoices", id) or {}
        link = {"invoice_id": id, "allocated_amount": amount, "allocated_at": at, "invoice_date": invoice.get("date"),
                "invoice_status": invoice.get("status", "posted")}
        allocations.append({name: value for name, value in link.items() if value is not None})
    shown |= {"line_item_discounts": [], "linked_refunds": [_refund_link(site, *link) for link in record["_refunds"]],
              "allocations": allocations}


def _transaction_links(site: Site, shown: dict[str, Any], record: Record) -> None:
    if record["type"] == "refund":
        notes = []
        for id, amount, at in record["_notes"]:
            note = site.get("credit_notes", id)
            link = {**_note_link(site, id), "applied_amount": amount, "applied_at": at}
            if note is not None:
                link["cn_total"] = note["total"]
                if note.get("reference_invoice_id"):
                    link["cn_reference_invoice_id"] = note["reference_invoice_id"]
            notes.append(link)
        shown["linked_credit_notes"] = notes
        payment = site.get("transactions", record.get("refunded_txn_id"))
        shown["linked_payments"] = [] if payment is None else [
            {"id": payment["id"], "status": payment["status"], "amount": payment["amount"], "date": payment["date"]}]
        return
    invoices = []
    for id, amount, at in record["_invoices"]:
        invoice = site.get("invoices", id) or {}
        link = {"invoice_id": id, "applied_amount": amount, "applied_at": at, "invoice_date": invoice.get("date"),
                "invoice_total": invoice.get("total"), "invoice_status": invoice.get("status", "posted")}
        invoices.append({name: value for name, value in link.items() if value is not None})
    refunds = []
    for id in record["_refunds"]:
        refund = site.get("transactions", id)
        if refund is not None:
            refunds.append({"txn_id": id, "txn_status": refund["status"], "txn_date": refund["date"], "txn_amount": refund["amount"]})
    shown |= {"linked_invoices": invoices, "linked_refunds": refunds}
