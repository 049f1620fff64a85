"""The world's neutral rows as Stripe's records, and the events of the last 30 days that go with them.

What does not belong here: payload shapes (sandbox.stripe.shapes), and changes asked for through the API (sandbox.stripe.writes).
"""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from sandbox.protocol import Record
from sandbox.stripe import balance
from sandbox.stripe.account import EVENT_WINDOW, Account, exponent, minor_units
from sandbox.stripe.shapes import decimal_text, line_id, tax_percentage
from sandbox.world.model import CreditNote, Customer, Dispute, Invoice, Payment, Peer, Product, Refund, Row, Subscription, View, native_id

_DAY = 86_400
_YEARLY_FROM = 300 * _DAY  # a billing period at least this long is a year's
_DISPUTE_ENDED = frozenset(("won", "lost", "warning_closed", "prevented"))
_SINGLE_EVENT = frozenset(("prices",))
_EUROPEAN = frozenset((
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IT", "LT", "LU", "LV", "MT", "NL", "PL", "PT",
    "RO", "SE", "SI", "SK",
))
_NATIONAL = {"GB": "gb_vat", "US": "us_ein", "CH": "ch_vat", "NO": "no_vat", "CA": "ca_bn", "AU": "au_abn", "JP": "jp_cn", "IN": "in_gst"}
_INTENT_ENDS = {"succeeded": "payment_intent.succeeded", "requires_payment_method": "payment_intent.payment_failed"}
_CREDIT_REASONS = frozenset(("duplicate", "fraudulent", "order_change", "product_unsatisfactory"))


def _id(entity: str, key: int | str) -> str:
    return native_id("stripe", entity, key)


def _at(moment: datetime) -> int:
    return int(moment.timestamp())


def _day(day: date) -> int:
    return _at(datetime.combine(day, time(), UTC))


def tax_id_type(country: str) -> str:
    return "eu_vat" if country in _EUROPEAN else _NATIONAL.get(country, "unknown")


def _marks(row: Row) -> Record:
    """What the renderer and the index need besides the vendor's own fields."""
    marks: Record = {}
    if row.extra:
        marks["_extra"] = dict(row.extra)
    if row.hidden:
        marks["_hidden"] = True
    return marks


def load(account: Account, view: View) -> None:
    """A whole world into an empty account, with its recent history."""
    _upsert(account, view, is_history=True)


def apply(account: Account, view: View) -> None:
    """Rows that came or changed, with the events of now."""
    _upsert(account, view, is_history=False)


def _upsert(account: Account, view: View, *, is_history: bool) -> None:
    writer = _Writer(account, view, is_history)
    for product in view.products:
        writer.product(product)
    for customer in view.customers:
        if writer.plain("customers", customer, _customer(customer, view.peer)):
            writer.tax_id(customer)
    for subscription in view.subscriptions:
        writer.subscription(subscription)
    for invoice in view.invoices:
        writer.invoice(invoice)
    for payment in view.payments:
        writer.payment(payment)
    for note in view.credit_notes:
        writer.credit_note(note)
    for refund in view.refunds:
        writer.plain("refunds", refund, balance.book_refund(account, _refund(refund), f"refund-{refund.key}"))
    for dispute in view.disputes:
        writer.plain("disputes", dispute, balance.book_dispute(account, _dispute(dispute), f"dispute-{dispute.key}"))
    writer.totals(view)
    writer.tell()
    balance.pay_out(account, writer.as_of, writer.since)


# ------------------------------------------------------------------ one record a row


def _customer(row: Customer, peer: Peer) -> Record:
    metadata = {"erp_customer_id": peer("erp", "customer", row.erp_customer, row.key),
                "tax_id": row.tax_id, "domain": row.domain}
    return {
        "id": _id("customer", row.key), "created": _at(row.created_at), "name": row.name, "email": row.email or None,
        "phone": row.phone or None, "description": None, "currency": row.currency.lower(), "balance": 0,
        "delinquent": row.overdue_amount > 0, "tax_exempt": "none", "preferred_locales": [],
        "address": {"city": row.city or None, "country": row.country or None, "line1": row.street or None, "line2": None,
                    "postal_code": row.postcode or None, "state": row.region or None},
        "invoice_prefix": _id("customer", row.key)[4:12].upper(), "next_invoice_sequence": 1,
        "metadata": {key: text for key, text in metadata.items() if text}, **_marks(row),
    }


def price_record(id: str, product: str, created: int, currency: str, amount: Decimal, interval: str | None) -> Record:
    minor = amount.scaleb(exponent(currency))
    is_whole = minor == minor.to_integral_value()
    return {
        "id": id, "created": created, "product": product, "active": True, "currency": currency.lower(),
        "type": "recurring" if interval else "one_time", "unit_amount": int(minor) if is_whole else None,
        "unit_amount_decimal": decimal_text(minor), "recurring": {"interval": interval, "interval_count": 1} if interval else None,
        "lookup_key": None, "nickname": None, "metadata": {},
    }


def _invoice(row: Invoice, period: tuple[int, int], item: str | None, peer: Peer) -> Record:
    """The invoice without what credit notes and payments add to it."""
    currency, is_draft = row.currency, row.status == "draft"
    created, finalized = _at(row.created_at), None if row.status == "draft" else _at(row.finalized_at)
    total, paid, remaining = (minor_units(amount, currency) for amount in (row.total, row.amount_paid, row.amount_remaining))
    length = period[1] - period[0]
    paid_at = _at(row.paid_at) if row.paid_at else _at(row.updated_at) if row.status == "paid" else None
    return {
        "id": _id("invoice", row.key), "created": created, "number": None if is_draft else row.number, "status": row.status,
        "customer": _id("customer", row.customer), "currency": currency.lower(),
        "billing_reason": "subscription_cycle" if row.subscription is not None else "manual",
        "collection_method": "charge_automatically" if row.subscription is not None else "send_invoice",
        "description": None, "footer": None, "auto_advance": False, "attempted": paid > 0, "due_date": _day(row.due_date),
        "period_start": period[0] - length, "period_end": period[0],
        "subtotal": minor_units(row.subtotal, currency), "total": total,
        "amount_due": paid + remaining if paid or remaining else total, "amount_paid": paid, "amount_remaining": remaining,
        "pre_payment_credit_notes_amount": 0, "post_payment_credit_notes_amount": 0,
        "status_transitions": {
            "finalized_at": finalized, "paid_at": paid_at if row.status == "paid" else None,
            "marked_uncollectible_at": _at(row.updated_at) if row.status == "uncollectible" else None,
            "voided_at": _at(row.updated_at) if row.status == "void" else None,
        },
        "metadata": {"erp_order_id": order} if (order := peer("erp", "order", row.order, row.customer)) else {},
        "_key": row.key, "_tax": minor_units(row.tax, currency), "_line_period": list(period),
        "_subscription": _id("subscription", row.subscription) if row.subscription is not None else None, "_subscription_item": item,
        "_charge": None, "_payment_intent": None, "_paid_out_of_band": False, **_marks(row),
    }


def tax_rate_record(id: str, created: int, percentage: Decimal, **fields: Any) -> Record:
    return {
        "id": id, "created": created, "display_name": "Tax", "percentage": float(percentage), "inclusive": False, "active": True, "country": None,
        "state": None, "jurisdiction": None, "description": None, "tax_type": None, "metadata": {}, **fields,
    }


def card_record(id: str, created: int, customer: str | None, brand: str, last4: str, expires: tuple[int, int], **fields: Any) -> Record:
    return {"id": id, "created": created, "customer": customer, "type": "card", "metadata": {}, "_brand": brand, "_last4": last4,
            "_expires": list(expires), "_billing": {}, **fields}


def _refund(row: Refund) -> Record:
    reason = row.reason if row.reason in ("duplicate", "fraudulent", "requested_by_customer") else None
    return {
        "id": _id("refund", row.key), "created": _at(row.created_at), "amount": minor_units(row.amount, row.currency),
        "currency": row.currency.lower(), "charge": _id("payment", row.payment), "payment_intent": _id("payment_intent", row.payment),
        "status": "canceled" if row.removed else row.status, "reason": reason or (row.reason or None), "metadata": {}, **_marks(row),
    }


def _dispute(row: Dispute) -> Record:
    created = _at(row.created_at)
    return {
        "id": _id("dispute", row.key), "created": created, "amount": minor_units(row.amount, row.currency),
        "currency": row.currency.lower(), "charge": _id("payment", row.payment), "payment_intent": _id("payment_intent", row.payment),
        "status": row.status, "reason": row.reason, "is_charge_refundable": row.status.startswith("warning_"),
        "evidence_details": {"due_by": created + 14 * _DAY, "has_evidence": False, "past_due": False, "submission_count": 0},
        "network_reason_code": None, "metadata": {}, **_marks(row),
    }


def as_draft(record: Record) -> Record:
    """The invoice as it was before it was finalized."""
    return {**as_open(record), "status": "draft", "number": None, "status_transitions": dict.fromkeys(record["status_transitions"])}


def as_open(record: Record) -> Record:
    """The invoice as it was between finalization and its first payment or credit."""
    transitions = {**dict.fromkeys(record["status_transitions"]), "finalized_at": record["status_transitions"]["finalized_at"]}
    return {**record, "status": "open", "amount_paid": 0, "amount_due": record["total"], "amount_remaining": record["total"],
            "attempted": False, "pre_payment_credit_notes_amount": 0, "post_payment_credit_notes_amount": 0, "_charge": None,
            "_payment_intent": None, "status_transitions": transitions}


class _Writer:
    """One pass over a view: puts records, remembers what changed, and at the end tells of it in the order of time."""

    def __init__(self, account: Account, view: View, is_history: bool) -> None:
        self.account, self.is_history, self.peer = account, is_history, view.peer
        self.as_of = _at(view.as_of)
        self.since = _at(view.as_of - EVENT_WINDOW)
        self.changed: list[tuple[str, Row, Record | None, str]] = []
        self.names: dict[int, tuple[str, str]] = {}
        self.refund_links: dict[int, list[Refund]] = defaultdict(list)
        for refund in view.refunds:
            if refund.credit_note is not None:
                self.refund_links[refund.credit_note].append(refund)

    def plain(self, kind: str, row: Row, record: Record) -> bool:
        """Put a record, or delete it in the vendor's way; True when it differs from what was kept."""
        account, id = self.account, record["id"]
        before = None if self.is_history else account.get(kind, id)
        if row.removed and kind in ("customers", "products", "prices", "invoices", "charges", "payment_intents", "invoice_payments"):
            if before is None and not self.is_history:
                return False
            if kind == "customers":  # only a customer leaves a stub behind
                account.put(kind, {"id": id, "deleted": True, "created": record["created"]})
            else:
                account.delete(kind, id)
            self.changed.append((kind, row, before or record, id))
            return True
        if before is not None:
            if before.get("deleted"):
                return False
            if "metadata" in before:
                record["metadata"] = {**before["metadata"], **record["metadata"]}
            for kept in ("description", "balance", "next_invoice_sequence", "default_price", "amount_refunded", "refunded", "disputed",
                         "pre_payment_credit_notes_amount", "post_payment_credit_notes_amount", "_charge", "_payment_intent"):
                if kept in record and kept in before and not record[kept]:
                    record[kept] = before[kept]
            if before == record:
                return False
        account.put(kind, record)
        self.changed.append((kind, row, before, id))
        return True

    def tax_id(self, row: Customer) -> None:
        account, id, customer = self.account, _id("tax_id", row.key), _id("customer", row.key)
        if row.removed or not row.tax_id:
            return
        country = row.country or None
        account.put("tax_ids", {"id": id, "created": _at(row.created_at), "customer": customer, "country": country, "value": row.tax_id,
                                "type": tax_id_type(row.country), **({"_hidden": True} if row.hidden else {})})

    def taxed(self, document: Record) -> None:
        """The rate by which a document was taxed, so that its id leads to something."""
        if document["_tax"]:
            percentage = tax_percentage(document["_tax"], document["subtotal"])
            id = self.account.named_id("tax_rates", str(percentage))
            if self.account.get("tax_rates", id) is None:
                self.account.put("tax_rates", tax_rate_record(id, self.since, percentage))

    def card(self, row: Payment) -> str:
        """The card that a customer pays with."""
        id, customer = self.account.named_id("payment_methods", str(row.customer)), _id("customer", row.customer)
        if self.account.get("payment_methods", id) is None:
            payer = self.account.live("customers", customer) or {}
            billing = {name: payer.get(name) for name in ("email", "name", "phone")}
            self.account.put("payment_methods", card_record(id, _at(row.created_at), customer, "visa", "4242", (12, 2034), _billing=billing))
        return id

    def product(self, row: Product) -> None:
        account, id, created = self.account, _id("product", row.key), _at(row.created_at)
        kept = account.live("products", id)
        price = self.price(row.key, id, created, row.currency, row.unit_price, "month" if row.is_recurring else None)
        metadata = {key: text for key, text in (("sku", row.sku), ("tier", row.tier)) if text}
        record: Record = {
            "id": id, "created": created, "updated": kept["updated"] if kept else _at(row.updated_at), "name": row.name,
            "description": row.description or None, "active": row.is_active, "default_price": price, "metadata": metadata, **_marks(row),
        }
        if self.plain("products", row, record) and kept is not None and not row.removed:
            account.change("products", id, updated=_at(row.updated_at))
            if kept["default_price"] != price:
                before, after = account.change("prices", kept["default_price"], active=False)
                account.emit("price.updated", "prices", after, before=before, at=_at(row.updated_at))

    def price(self, product_key: int, product: str, created: int, currency: str, amount: Decimal, interval: str | None) -> str:
        """The price of a product at this amount. An amount never changes: another amount is another price."""
        base = _id("price", product_key)
        wanted = price_record(base, product, created, currency, amount, interval)
        same = ("currency", "unit_amount_decimal", "recurring")
        kept = self.account.get("prices", base)
        if kept is not None and any(kept[name] != wanted[name] for name in same):
            wanted["id"] = _id("price", f"{product_key}:{currency.lower()}:{wanted['unit_amount_decimal']}:{interval}")
            kept = self.account.get("prices", wanted["id"])
        if kept is None:
            self.account.put("prices", wanted)
            if created >= self.since:
                self.account.emit("price.created", "prices", wanted, at=created, key=f"price.created:{wanted['id']}")
        return str(wanted["id"])

    def subscription(self, row: Subscription) -> None:
        account, id, currency = self.account, _id("subscription", row.key), row.currency
        start, end = _at(row.period_start), _at(row.period_end)
        interval = "year" if end - start >= _YEARLY_FROM else "month"
        product = account.get("products", _id("product", row.product))
        created = _at(row.created_at)
        price = self.price(row.product, _id("product", row.product), product["created"] if product else created, currency,
                           row.unit_price, interval)
        canceled, ended = (_at(moment) if moment else None for moment in (row.canceled_at, row.ended_at))
        status = row.status
        if row.removed:  # a subscription stays for ever; its end is a cancellation
            status, canceled, ended = "canceled", canceled or _at(row.updated_at), ended or _at(row.updated_at)
        kept = account.get("subscriptions", id)
        items = [{"id": _id("subscription_item", row.key), "created": created, "price": price, "quantity": row.quantity, "metadata": {}}]
        items += kept["_items"][1:] if kept else []
        self.plain("subscriptions", row, {
            "id": id, "created": created, "customer": _id("customer", row.customer), "status": status, "currency": currency.lower(),
            "collection_method": "charge_automatically", "days_until_due": None, "description": None, "start_date": _at(row.start_at),
            "billing_cycle_anchor": _at(row.start_at),
            "cancel_at": end if canceled and not ended else None, "cancel_at_period_end": bool(canceled and not ended),
            "canceled_at": canceled, "ended_at": ended, "latest_invoice": kept["latest_invoice"] if kept else None,
            "_schedule": kept["_schedule"] if kept else None, "_discounts": kept["_discounts"] if kept else [],
            "pause_collection": None, "trial_start": _at(row.start_at) if status == "trialing" else None,
            "trial_end": end if status == "trialing" else None,
            "metadata": {"contract_id": contract} if (contract := self.peer("crm", "contract", row.contract, row.customer)) else {},
            "_period_start": start, "_period_end": end, "_items": items, **_marks(row),
        })

    def invoice(self, row: Invoice) -> None:
        account = self.account
        start = _day(row.invoice_date)
        period, item = (start, start), None
        if row.subscription is not None:
            kept = account.get("subscriptions", _id("subscription", row.subscription))
            if kept:
                period = (start, start + kept["_period_end"] - kept["_period_start"])
            item = _id("subscription_item", row.subscription)
        record = _invoice(row, period, item, self.peer)
        self.taxed(record)
        rows: list[Any] = []
        scale = exponent(row.currency)
        for line in row.lines:
            if line.product not in self.names:
                product = account.get("products", _id("product", line.product))
                self.names[line.product] = (_id("product", line.product),
                                            product["default_price"] if product else _id("price", line.product))
            product_id, price_id = self.names[line.product]
            rows.append((line.number, product_id, price_id, line.description, decimal_text(line.quantity),
                         decimal_text(line.unit_price.scaleb(scale)), minor_units(line.amount, row.currency),
                         minor_units(line.tax, row.currency)))
        if rows or not account.lines(record["id"]):
            kept_lines = account.store.get("invoice_lines", record["id"])
            if kept_lines is None or [tuple(line) for line in kept_lines["rows"]] != rows:
                account.store.put("invoice_lines", record["id"], {"rows": rows})
        if self.plain("invoices", row, record) and record["_subscription"] and not row.removed:
            kept = account.get("subscriptions", record["_subscription"])
            newest = account.get("invoices", kept["latest_invoice"]) if kept else None
            if kept and (newest is None or newest["created"] <= record["created"]) and kept["latest_invoice"] != record["id"]:
                account.change("subscriptions", kept["id"], latest_invoice=record["id"])

    def payment(self, row: Payment) -> None:
        account, created = self.account, _at(row.created_at)
        charge, intent = _id("payment", row.key), _id("payment_intent", row.key)
        amount, currency = minor_units(row.amount, row.currency), row.currency.lower()
        invoice = _id("invoice", row.invoice) if row.invoice is not None else None
        customer = _id("customer", row.customer)
        card = self.card(row)
        has_failed, is_paid = row.status == "failed", row.status == "succeeded"
        shared = {"created": created, "amount": amount, "currency": currency, "customer": customer, "_invoice": invoice, **_marks(row)}
        intended = {name: value for name, value in shared.items() if name != "_extra"}  # a row's own fields are the charge's
        self.plain("payment_intents", row, {
            **intended, "id": intent, "_payment_method": card, "amount_received": amount if is_paid else 0, "latest_charge": charge,
            "status": "succeeded" if is_paid else "processing" if row.status == "pending" else "requires_payment_method", "metadata": {}})
        self.plain("charges", row, balance.book_charge(account, {
            **shared, "id": charge, "amount_captured": 0 if has_failed else amount, "amount_refunded": 0, "payment_intent": intent,
            "status": row.status, "paid": not has_failed, "captured": not has_failed, "refunded": False, "disputed": False,
            "failure_code": "card_declined" if has_failed else None,
            "failure_message": "Your card was declined." if has_failed else None, "description": None, "receipt_email": None,
            "metadata": {"invoice_id": invoice} if invoice else {}, "_payment_method": card}, f"charge-{row.key}"))
        if invoice is None:
            return
        self.plain("invoice_payments", row, {
            "id": _id("invoice_payment", row.key), "created": created, "invoice": invoice, "amount_paid": amount if is_paid else None,
            "amount_requested": amount, "currency": currency, "is_default": True, "status": "paid" if is_paid else "open",
            "payment": {"type": "payment_intent", "payment_intent": intent},
            "status_transitions": {"canceled_at": None, "paid_at": _at(row.paid_at) if is_paid else None},
            "_payment_intent": intent, **_marks(row)})
        record = account.live("invoices", invoice)
        if record and is_paid and record["_charge"] is None:
            account.change("invoices", invoice, _charge=charge, _payment_intent=intent)

    def credit_note(self, row: CreditNote) -> None:
        account, id, currency = self.account, _id("credit_note", row.key), row.currency
        total, tax, created = minor_units(row.total, currency), minor_units(row.tax, currency), _at(row.created_at)
        invoice = account.live("invoices", _id("invoice", row.invoice)) if row.invoice is not None else None
        paid_at = invoice["status_transitions"]["paid_at"] if invoice else None
        post = total if paid_at is not None and paid_at <= created else 0
        voided = _at(row.updated_at) if row.status == "void" or row.removed else None
        links: list[dict[str, Any]] = [{"amount_refunded": minor_units(refund.amount, currency), "payment_record_refund": None,
                  "refund": _id("refund", refund.key), "type": "refund"} for refund in self.refund_links.get(row.key, ())]
        refunded = sum(link["amount_refunded"] for link in links)
        kept_lines = account.lines(invoice["id"]) if invoice else []
        by_product = {line[1]: line_id(invoice, line[0]) for line in kept_lines} if invoice and row.lines else {}
        lines = [{
            "id": _id("credit_note_line", f"{row.key}-{line.number}"), "amount": minor_units(line.amount, currency),
            "tax": minor_units(line.tax, currency), "description": line.description, "quantity": int(line.quantity),
            "unit_amount": minor_units(line.unit_price, currency), "unit_amount_decimal": decimal_text(line.unit_price.scaleb(exponent(currency))),
            "invoice_line_item": by_product.get(_id("product", line.product)),
            "type": "invoice_line_item" if _id("product", line.product) in by_product else "custom_line_item",
        } for line in row.lines]
        note = {
            "id": id, "created": created, "number": row.number, "status": "void" if row.removed else row.status,
            "type": "post_payment" if post else "pre_payment", "reason": row.reason if row.reason in _CREDIT_REASONS else None,
            "customer": _id("customer", row.customer), "invoice": _id("invoice", row.invoice) if row.invoice is not None else None,
            "currency": currency.lower(), "amount": total, "subtotal": minor_units(row.subtotal, currency), "total": total,
            "customer_balance_transaction": None, "memo": row.reason or None, "effective_at": _day(row.issue_date),
            "out_of_band_amount": max(post - refunded, 0) or None, "voided_at": voided, "metadata": {},
            "_pre": total - post, "_post": post, "_tax": tax, "_refunds": links, "_lines": lines, **_marks(row),
        }
        if invoice is None:
            self.taxed(note)
        self.plain("credit_notes", row, note)

    # ---------------------------------------------------------------- sums over related records

    def totals(self, view: View) -> None:
        account = self.account
        for invoice_id in {_id("invoice", note.invoice) for note in view.credit_notes if note.invoice is not None}:
            credit_invoice(account, invoice_id)
        for charge_id in {_id("payment", key) for key in (*(row.payment for row in view.refunds), *(row.payment for row in view.disputes))}:
            settle_charge(account, charge_id)

    # ---------------------------------------------------------------- events

    def tell(self) -> None:
        """The events of everything that changed. In a load they lie in the past, in a later change at the row's own time."""
        told: list[tuple[int, str, str, Record, Record | None]] = []
        for kind, row, before, id in self.changed:
            record = self.account.get(kind, id)
            if row.removed and (record is None or record.get("deleted")):
                if before is not None:
                    gone = record if record is not None else {"id": id, "deleted": True, "created": before["created"]}
                    noun = {"invoice_payments": "invoice_payment"}.get(kind, kind[:-1])
                    if kind in ("customers", "products", "prices", "invoices"):
                        shown = before if not before.get("deleted") else gone
                        told.append((_at(row.updated_at), f"{noun}.deleted", kind, shown, None))
            elif record is not None and kind not in _SINGLE_EVENT:
                told += self._history(kind, row, record) if before is None else self._news(kind, row, record, before)
        told.sort(key=lambda event: event[0])
        for at, type, kind, record, earlier in told:
            if self.since <= at <= self.as_of or not self.is_history:
                self.account.emit(type, kind, record, before=earlier, at=at, key=f"{type}:{record['id']}:{at}")

    def _history(self, kind: str, row: Row, record: Record) -> list[tuple[int, str, str, Record, Record | None]]:
        """A record seen for the first time: its life so far."""
        if record["created"] < self.since and _at(row.updated_at) < self.since:
            return []
        created, updated = record["created"], _at(row.updated_at)
        told: list[tuple[int, str, str, Record, Record | None]] = []

        def tell(at: int, type: str, object: Record = record, earlier: Record | None = None) -> None:
            told.append((at, type, kind, object, earlier))

        if kind == "invoices":
            tell(created, "invoice.created", as_draft(record))
            moments = record["status_transitions"]
            finalized = moments["finalized_at"]
            if finalized is not None:
                tell(finalized, "invoice.finalized", as_open(record), as_draft(record))
            for moment, type in (("paid_at", "invoice.paid"), ("voided_at", "invoice.voided"),
                                 ("marked_uncollectible_at", "invoice.marked_uncollectible")):
                if moments[moment] is not None:
                    tell(moments[moment], type, record, as_open(record))
            is_touched = finalized is not None and record["status"] == "open" and as_open(record) != record
            if updated > max(moment[0] for moment in told) or is_touched:
                tell(updated, "invoice.updated", record, as_open(record) if finalized is not None else None)
        elif kind == "charges":
            status = record["status"] if record["status"] in ("succeeded", "failed", "pending") else "updated"
            tell(created, f"charge.{status}", {**record, "amount_refunded": 0, "refunded": False, "disputed": False})
            if record["amount_refunded"]:
                refunds = self.account.rows_by("refunds", "charge", record["id"])
                tell(max(refund["created"] for refund in refunds), "charge.refunded")
            if updated > created:
                tell(updated, "charge.updated")
        elif kind == "payment_intents":
            tell(created, "payment_intent.created", {**record, "status": "requires_payment_method", "amount_received": 0})
            if (ending := _INTENT_ENDS.get(record["status"])) is not None:
                tell(created, ending)
        elif kind == "invoice_payments":
            if record["status"] == "paid":
                tell(record["status_transitions"]["paid_at"], "invoice_payment.paid")
        elif kind == "subscriptions":
            tell(created, "customer.subscription.created",
                 {**record, "status": "active", "canceled_at": None, "ended_at": None, "cancel_at": None, "cancel_at_period_end": False}
                 if record["ended_at"] else record)
            if record["ended_at"]:
                tell(max(record["ended_at"], created), "customer.subscription.deleted")
            if updated > max(created, record["ended_at"] or 0):
                tell(updated, "customer.subscription.updated")
        else:
            noun = {"disputes": "charge.dispute", "credit_notes": "credit_note"}.get(kind, kind[:-1])
            tell(created, f"{noun}.created", {**record, "status": "issued", "voided_at": None} if kind == "credit_notes" else record)
            if kind == "credit_notes" and record["voided_at"]:
                tell(record["voided_at"], "credit_note.voided")
            elif updated > created:
                ending = "closed" if kind == "disputes" and record["status"] in _DISPUTE_ENDED else \
                    "failed" if kind == "refunds" and record["status"] == "failed" else "updated"
                tell(updated, f"{noun}.{ending}")
        return told

    def _news(self, kind: str, row: Row, record: Record, before: Record) -> list[tuple[int, str, str, Record, Record | None]]:
        """A known record that changed: the vendor tells of the turn that it took, and of the update."""
        noun = {"disputes": "charge.dispute", "subscriptions": "customer.subscription", "credit_notes": "credit_note",
                "invoice_payments": "invoice_payment"}.get(kind, kind[:-1])
        at, status = _at(row.updated_at), record.get("status")
        if status == before.get("status"):
            turn = "updated"
        else:
            turn = {
                ("invoices", "paid"): "paid", ("invoices", "void"): "voided", ("invoices", "open"): "finalized",
                ("invoices", "uncollectible"): "marked_uncollectible", ("subscriptions", "canceled"): "deleted",
                ("credit_notes", "void"): "voided", ("refunds", "failed"): "failed", ("charges", "succeeded"): "succeeded",
                ("charges", "failed"): "failed", ("invoice_payments", "paid"): "paid",
            }.get((kind, str(status)), "closed" if kind == "disputes" and status in _DISPUTE_ENDED else "updated")
        if kind == "payment_intents":  # nothing else tells of one
            ending = _INTENT_ENDS.get(str(status))
            return [(at, ending, kind, record, before)] if ending is not None and status != before.get("status") else []
        if kind == "charges" and record["amount_refunded"] > before["amount_refunded"]:
            turn = "refunded"
        told: list[tuple[int, str, str, Record, Record | None]] = [(at, f"{noun}.{turn}", kind, record, before)]
        if kind == "invoices" and turn != "updated":
            told.append((at, "invoice.updated", kind, record, before))
        if kind == "invoice_payments" and turn != "paid":
            return []
        return told


# ------------------------------------------------------------------ sums that a change of one record moves in another


def credit_invoice(account: Account, id: str) -> None:
    """Bring an invoice's credit note amounts in line with its issued notes."""
    invoice = account.live("invoices", id)
    if invoice is None:
        return
    notes = [note for note in account.rows_by("credit_notes", "invoice", id) if note["status"] == "issued"]
    pre, post = sum(note["_pre"] for note in notes), sum(note["_post"] for note in notes)
    if (pre, post) != (invoice["pre_payment_credit_notes_amount"], invoice["post_payment_credit_notes_amount"]):
        account.change("invoices", id, pre_payment_credit_notes_amount=pre, post_payment_credit_notes_amount=post)


def settle_charge(account: Account, id: str) -> None:
    """Bring a charge's refunded amount and dispute mark in line with its refunds and disputes."""
    charge = account.live("charges", id)
    if charge is None:
        return
    refunded = sum(row["amount"] for row in account.rows_by("refunds", "charge", id) if row["status"] not in ("failed", "canceled"))
    disputed = bool(account.rows_by("disputes", "charge", id))
    if (refunded, disputed) != (charge["amount_refunded"], charge["disputed"]):
        account.change("charges", id, amount_refunded=refunded, refunded=refunded >= charge["amount"], disputed=disputed)
