"""The world's neutral rows as Chargebee's records, and the events of the last 90 days that go with them.

What does not belong here: payload shapes (shapes), and changes asked for through the API (writes, subscriptions, catalogue).
"""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, date, datetime, time
from typing import Any

from sandbox.chargebee.ids import native_id
from sandbox.chargebee.shapes import line_id, make_line
from sandbox.chargebee.site import EVENT_TYPES, EVENT_WINDOW, Site, exponent, minor_units
from sandbox.protocol import Record
from sandbox.world.model import (
    Contact,
    CreditNote,
    Customer,
    Dispute,
    Invoice,
    Line,
    Payment,
    Product,
    Refund,
    Row,
    Subscription,
    View,
)

_DAY = 86_400
_YEARLY_FROM = 300 * _DAY  # a billing period at least this long is a year's
FAMILY = native_id("item_family", "concord")
_INVOICE = {"draft": "pending", "paid": "paid", "void": "voided", "uncollectible": "not_paid"}
_SUBSCRIPTION = {"trialing": "in_trial", "past_due": "active", "unpaid": "active", "canceled": "cancelled", "incomplete": "future",
                 "incomplete_expired": "cancelled"}
_PAYMENT = {"succeeded": "success", "pending": "in_progress", "failed": "failure"}
_DISPUTE = {"needs_response": "initiated", "warning_needs_response": "initiated", "under_review": "in_review",
            "warning_under_review": "in_review", "warning_closed": "cancelled", "charge_refunded": "cancelled"}
_OWING = frozenset(("past_due", "unpaid"))
_REASONS = frozenset(("write_off", "subscription_change", "subscription_cancellation", "subscription_pause", "chargeback",
                      "product_unsatisfactory", "service_unsatisfactory", "order_change", "order_cancellation", "waiver", "other", "fraudulent"))
# what other rows and the API add to a record of the world, kept when its row comes again
_KEPT = {
    "invoices": ("_payments", "_notes", "_orders", "_dunning"), "transactions": ("_invoices", "_refunds", "_notes"),
    "credit_notes": ("_allocations", "_refunds"), "customers": ("_card", "contacts", "meta_data", "promotional_credits"),
    "subscriptions": ("meta_data",),
}


def _at(moment: datetime) -> int:
    return int(moment.timestamp())


def _day(day: date) -> int:
    return _at(datetime.combine(day, time(), UTC))


def load(site: Site, view: View, migrated_before: int) -> None:
    """A whole world into an empty site, with its recent history. Rows untouched since `migrated_before` carry no change stamp."""
    _Writer(site, view, migrated_before, is_history=True).write()


def apply(site: Site, view: View) -> None:
    """Rows that came or changed, with the events of now."""
    _Writer(site, view, 0, is_history=False).write()


class _Writer:
    """One pass over a view: puts records, remembers what changed, and at the end tells of it in the order of time."""

    def __init__(self, site: Site, view: View, migrated_before: int, *, is_history: bool) -> None:
        self.site, self.view, self.migrated_before, self.is_history = site, view, migrated_before, is_history
        self.as_of, self.since = _at(view.as_of), _at(view.as_of - EVENT_WINDOW)
        self.changed: list[tuple[str, Row, Record | None, str]] = []
        self.contacts: dict[int, list[Contact]] = defaultdict(list)
        for contact in view.contacts:
            self.contacts[contact.customer].append(contact)
        self.payments_of: dict[int, list[Payment]] = defaultdict(list)
        for payment in view.payments:
            if payment.invoice is not None:
                self.payments_of[payment.invoice].append(payment)
        self.refunds_of: dict[int, list[Refund]] = defaultdict(list)
        self.refunds_by_note: dict[int, list[Refund]] = defaultdict(list)
        for refund in view.refunds:
            self.refunds_of[refund.payment].append(refund)
            if refund.credit_note is not None:
                self.refunds_by_note[refund.credit_note].append(refund)
        self.notes_of: dict[int, list[CreditNote]] = defaultdict(list)
        for note in view.credit_notes:
            if note.invoice is not None:
                self.notes_of[note.invoice].append(note)
        self.first: dict[int, int] = {}  # the first invoice of each customer
        for invoice in sorted(view.invoices, key=lambda invoice: (invoice.finalized_at, invoice.key), reverse=True):
            self.first[invoice.customer] = invoice.key

    def write(self) -> None:
        view = self.view
        self.currencies()
        for product in view.products:
            self.product(product)
        for customer in view.customers:
            self.customer(customer)
        for subscription in view.subscriptions:
            self.subscription(subscription)
        for invoice in view.invoices:
            self.invoice(invoice)
        for payment in view.payments:
            self.payment(payment)
        for refund in view.refunds:
            self.refund(refund)
        for note in view.credit_notes:
            self.credit_note(note)
        for dispute in view.disputes:
            self.put("disputes", dispute, _dispute(dispute))
        self.balances()
        self.tell()

    # ---------------------------------------------------------------- one record

    def put(self, kind: str, row: Row, record: Record) -> bool:
        """Keep the row's record with its stamps, or as deleted; True where it differs from what was kept."""
        site, id = self.site, record["id"]
        before = None if self.is_history else site.get(kind, id)
        if before is not None:
            for name in _KEPT.get(kind, ()):
                if before.get(name) and not record.get(name):
                    record[name] = before[name]
            record |= {name: value for name, value in before.items() if name.startswith("cf_") and name not in record}
        created, updated = _at(row.created_at), _at(row.updated_at)
        if updated > created or updated >= self.migrated_before:
            record["updated_at"] = updated
        if row.removed:
            record["deleted"] = True
            if kind in ("items", "item_prices"):
                record["status"] = "deleted"
        if row.extra:
            record["_extra"] = dict(row.extra)
        if row.hidden:
            record["_hidden"] = True
        record["resource_version"] = updated * 1000 + row.key % 997
        if before is not None:
            ours = {name: value for name, value in before.items() if name not in ("_seq", "updated_at", "resource_version")}
            if ours == {name: value for name, value in record.items() if name not in ("_seq", "updated_at", "resource_version")}:
                return False
            record["resource_version"] = max(record["resource_version"], (before.get("resource_version") or 0) + 1)
        site.put(kind, record)
        self.changed.append((kind, row, before, id))
        return True

    # ---------------------------------------------------------------- catalogue

    def currencies(self) -> None:
        site = self.site
        codes = {site.base_currency, *(row.currency for row in self.view.customers), *(row.currency for row in self.view.products)}
        for code in sorted(codes, key=lambda code: (code != site.base_currency, code)):
            if site.get("currencies", f"cur_{code}") is None:
                is_base = code == site.base_currency
                site.put("currencies", {
                    "id": f"cur_{code}", "enabled": True, "currency_code": code, "is_base_currency": is_base,
                    **({} if is_base else {"forex_type": "manual", "manual_exchange_rate": str(site.exchange_rate(code))})})
        if self.view.products and site.get("item_families", FAMILY) is None:
            at = min(_at(product.created_at) for product in self.view.products)
            site.put("item_families", {"id": FAMILY, "name": "Concord", "status": "active", "channel": "web", "updated_at": at,
                                       "resource_version": at * 1000, "deleted": False})

    def product(self, row: Product) -> None:
        kind = "plan" if row.is_recurring else "charge"
        id = native_id("product", row.key)
        self.put("items", row, {
            "id": id, "name": row.name, "external_name": row.name, "description": row.description or None,
            "status": "active" if row.is_active else "archived", "item_family_id": FAMILY, "type": kind, "is_shippable": not row.is_recurring,
            "is_giftable": False, "enabled_for_checkout": True, "enabled_in_portal": True, "included_in_mrr": row.is_recurring,
            "item_applicability": "all", "metered": False, "channel": "web", "deleted": False,
            "metadata": {"sku": row.sku, **({"tier": row.tier} if row.tier else {})},
            **({"archived_at": _at(row.updated_at)} if not row.is_active else {}),
        })
        self.price(row, row.currency, row.unit_price, "month" if row.is_recurring else None, row)

    def price(self, product: Product | None, currency: str, amount: Any, unit: str | None, row: Row, key: int | None = None) -> str:
        """The price of a product at this amount. Another amount of the same product is another price."""
        number = product.key if product is not None else key
        minor = amount.scaleb(exponent(currency))
        is_whole = minor == minor.to_integral_value()
        base = native_id("price", number if number is not None else 0)
        kept = self.site.get("item_prices", base)
        wanted = {"currency_code": currency, "price": minor_units(amount, currency), "period_unit": unit}
        if kept is not None and any(kept.get(name) != value for name, value in wanted.items()):
            suffix = {"month": "Monthly", "year": "Yearly"}.get(unit or "", "Once")
            base = native_id("price", f"{number}-{currency}-{suffix}-{format(minor.normalize(), 'f')}")
            kept = self.site.get("item_prices", base)
        if kept is None or product is not None and row is product:
            item = self.site.get("items", native_id("product", number if number is not None else 0))
            kind = item["type"] if item else "plan" if unit else "charge"
            name = f"{item['name'] if item else base} {currency} {unit or 'once'}"
            sku = ((item or {}).get("metadata") or {}).get("sku")
            record: Record = {
                "id": base, "name": name, "external_name": item["name"] if item else base, "item_family_id": FAMILY,
                "item_id": native_id("product", number if number is not None else 0), "item_type": kind,
                "status": "active" if product is None or product.is_active else "archived", "pricing_model": "per_unit", **wanted,
                "period": 1 if unit else None, "free_quantity": 0, "channel": "web", "created_at": _at(row.created_at), "is_taxable": True,
                "archivable": True, "show_description_in_invoices": False, "show_description_in_quotes": False, "deleted": False,
                **({"price_in_decimal": format(amount.normalize(), "f")} if not is_whole else {}),
                **({"accounting_detail": {"sku": sku}} if sku else {}),
            }
            self.put("item_prices", _plain(row), record)
        return base

    # ---------------------------------------------------------------- customers and subscriptions

    def customer(self, row: Customer) -> None:
        id = native_id("customer", row.key)
        address = {"company": row.name, "email": row.email, "phone": row.phone, "line1": row.street, "city": row.city, "state": row.region,
                   "country": row.country, "zip": row.postcode}
        parent = native_id("customer", row.parent) if row.parent is not None else None
        contacts = [{
            "id": native_id("contact", contact.key), "first_name": contact.first_name, "last_name": contact.last_name,
            "email": contact.email, **({"phone": contact.phone} if contact.phone else {}), **({"label": contact.title} if contact.title else {}),
            "enabled": True, "send_account_email": False, "send_billing_email": False, "object": "contact",
        } for contact in self.contacts.get(row.key, ()) if not contact.removed]
        self.put("customers", row, {
            "id": id, "company": row.name, "email": row.email or None, "phone": row.phone or None, "vat_number": row.tax_id or None,
            **({"vat_number_status": "not_validated"} if row.tax_id else {}),
            "auto_collection": "off" if row.terms_days else "on", "net_term_days": row.terms_days, "allow_direct_debit": False,
            "created_at": _at(row.created_at), "taxability": "taxable", "pii_cleared": "active", "channel": "web", "deleted": False,
            "billing_address": {**{name: text for name, text in address.items() if text}, "validation_status": "not_validated",
                                "object": "billing_address"},
            "card_status": "no_card", **({"contacts": contacts} if contacts else {}),
            "promotional_credits": 0, "refundable_credits": 0, "excess_payments": 0, "unbilled_charges": 0,
            "preferred_currency_code": row.currency, "mrr": 0, "cf_domain": row.domain or None,
            "cf_erp_customer_id": self.view.peer("erp", "customer", row.erp_customer, row.key) or None,
            **({"relationship": {"parent_id": parent, "payment_owner_id": id, "invoice_owner_id": id}} if parent else {}),
        })

    def subscription(self, row: Subscription) -> None:
        id, site, currency = native_id("subscription", row.key), self.site, row.currency
        start, end = _at(row.period_start), _at(row.period_end)
        unit = "year" if end - start >= _YEARLY_FROM else "month"
        price = self.price(None, currency, row.unit_price, unit, row, row.product)
        unit_price = minor_units(row.unit_price, currency)
        ended, canceled = (_at(moment) if moment else None for moment in (row.ended_at, row.canceled_at))
        status = _SUBSCRIPTION.get(row.status, row.status)
        if status == "active" and canceled and not ended:
            status = "non_renewing"
        started, amount = _at(row.start_at), unit_price * row.quantity
        is_over = status == "cancelled"
        begun = status not in ("future", "in_trial")
        mrr = 0 if is_over else amount // 12 if unit == "year" else amount
        contract = self._contract(row, id, unit, amount) if row.contract is not None else None
        customer = site.get("customers", native_id("customer", row.customer))
        self.put("subscriptions", row, {
            "id": id, "billing_period": 1, "billing_period_unit": unit, "customer_id": native_id("customer", row.customer), "status": status,
            "start_date": started if status == "future" else None, "current_term_start": start, "current_term_end": end,
            "next_billing_at": None if is_over or status == "non_renewing" else end, "created_at": _at(row.created_at), "started_at": started,
            "activated_at": started if begun else None, "cancelled_at": (ended or end) if is_over else end if status == "non_renewing" else None,
            "cancel_schedule_created_at": canceled if status == "non_renewing" else None,
            "cancel_reason": "not_paid" if row.status == "incomplete_expired" else None,
            **({"trial_start": started, "trial_end": end} if status == "in_trial" else {}),
            "has_scheduled_changes": False, "has_scheduled_advance_invoices": False, "channel": "web", "deleted": False,
            "decommissioned": False, "currency_code": currency,
            "auto_collection": customer["auto_collection"] if customer else "off",
            "subscription_items": [{
                "item_price_id": price, "item_type": "plan", "quantity": row.quantity, "unit_price": unit_price, "amount": amount,
                "free_quantity": 0, "object": "subscription_item"}],
            "due_invoices_count": 1 if row.status in _OWING else 0,
            **({"due_since": start, "total_dues": amount} if row.status in _OWING else {}),
            "mrr": mrr, "arr": mrr * 12, "exchange_rate": site.exchange_rate(currency), "base_currency_code": site.base_currency,
            "contract_term": contract,
            "cf_crm_contract_id": self.view.peer("crm", "contract", row.contract, row.customer) or None,
        })
        if contract:
            site.put("contract_terms", {**contract, "_hidden": row.hidden})

    def _contract(self, row: Subscription, subscription: str, unit: str, amount: int) -> Record:
        start = _at(row.start_at)
        cycles = 1 if unit == "year" else 12
        status = {"canceled": "cancelled"}.get(row.status, "active")
        return {
            "id": native_id("contract", row.contract if row.contract is not None else 0), "status": status, "contract_start": start,
            "contract_end": max(start + 365 * _DAY, _at(row.period_end)), "billing_cycle": cycles, "action_at_term_end": "renew",
            "total_contract_value": amount * cycles, "total_contract_value_before_tax": amount * cycles, "cancellation_cutoff_period": 0,
            "created_at": _at(row.created_at), "subscription_id": subscription, "object": "contract_term",
        }

    # ---------------------------------------------------------------- documents

    def lines(self, rows: list[Line], currency: str, credited: Record | None = None) -> list[Any]:
        """Line items; those of a credit note name the line of the credited invoice that has the same price."""
        billed = {line[1]: line_id("invoice", credited["id"], line[0]) for line in reversed(credited["_lines"])} if credited else {}
        found = []
        for line in rows:
            item, price = self.site.get("items", native_id("product", line.product)), native_id("price", line.product)
            kind = f"{item['type'] if item else 'charge'}_item_price"
            found.append(make_line(
                line.number, price, kind, line.description, line.quantity, minor_units(line.unit_price, currency),
                minor_units(line.amount, currency), minor_units(line.tax, currency), billed.get(price)))
        return found

    def invoice(self, row: Invoice) -> None:
        site, id, currency = self.site, native_id("invoice", row.key), row.currency
        total, paid, due, tax, net = (minor_units(amount, currency) for amount in
                                      (row.total, row.amount_paid, row.amount_remaining, row.tax, row.subtotal))
        is_draft, start = row.status == "draft", _day(row.invoice_date)
        status = _INVOICE.get(row.status, row.status)
        if status == "open":
            status = "payment_due" if _day(row.due_date) < self.as_of else "posted"
        subscription = native_id("subscription", row.subscription) if row.subscription is not None else None
        kept = site.get("subscriptions", subscription)
        length = kept["current_term_end"] - kept["current_term_start"] if kept else 0
        notes, adjusted = self._notes(row, due)
        customer = site.get("customers", native_id("customer", row.customer))
        paid_at = _at(row.paid_at) if row.paid_at else _at(row.updated_at)
        order = self._order(row, id) if row.order is not None else None
        payments = [[native_id("payment", payment.key), minor_units(payment.amount, currency), _at(payment.paid_at)]
                    for payment in self.payments_of.get(row.key, ())]
        self.put("invoices", row, {
            "id": id, "customer_id": native_id("customer", row.customer), "subscription_id": subscription,
            "recurring": row.subscription is not None, "status": status, "price_type": "tax_exclusive", "date": _at(row.finalized_at),
            "due_date": None if is_draft else _day(row.due_date), "net_term_days": (row.due_date - row.invoice_date).days,
            "exchange_rate": site.exchange_rate(currency), "total": total, "amount_paid": paid, "amount_adjusted": adjusted,
            "write_off_amount": 0, "credits_applied": 0, "amount_due": 0 if status == "voided" else due,
            "paid_at": paid_at if status == "paid" else None,
            "voided_at": _at(row.updated_at) if status == "voided" else None,
            "dunning_status": "exhausted" if status == "not_paid" else None, "deleted": False, "first_invoice": self.first[row.customer] == row.key,
            "amount_to_collect": 0 if status in ("paid", "voided") else due, "round_off_amount": 0, "has_advance_charges": False,
            "currency_code": currency, "base_currency_code": site.base_currency, "generated_at": None if is_draft else _at(row.finalized_at),
            "is_gifted": False, "term_finalized": True, "channel": "web", "tax": tax, "sub_total": net,
            "vat_number": (customer or {}).get("vat_number"), "billing_address": (customer or {}).get("billing_address"),
            "cf_invoice_number": row.number or None,
            "_lines": self.lines(row.lines, currency), "_period": [start, start + length], "_payments": payments, "_notes": notes,
            "_orders": [order] if order else [],
        })

    def _notes(self, row: Invoice, due: int) -> tuple[list[Any], int]:
        """Credit notes of an invoice: what lowers the open amount adjusts it, what was paid before is issued beside it."""
        currency = row.currency
        room = minor_units(row.total, currency) - minor_units(row.amount_paid, currency) - due
        links, adjusted = [], 0
        for note in self.notes_of.get(row.key, ()):
            amount = minor_units(note.total, currency)
            is_adjustment = note.status != "void" and not self.refunds_by_note.get(note.key) and adjusted + amount <= room
            if is_adjustment:
                adjusted += amount
            links.append([native_id("credit_note", note.key), amount, _at(note.created_at), "adjusted" if is_adjustment else "issued"])
        return links, max(0, room) if row.status != "void" else 0

    def _order(self, row: Invoice, invoice: str) -> str:
        """The order behind an invoice, which names the ERP's own."""
        id = native_id("order", row.order if row.order is not None else 0)
        reference = self.view.peer("erp", "order", row.order, row.customer)
        created = _at(row.created_at)
        record = {
            "id": id, "document_number": str(row.order), "invoice_id": invoice, "customer_id": native_id("customer", row.customer),
            "status": "new", "payment_status": "paid" if row.status == "paid" else "not_paid", "order_type": "manual",
            "price_type": "tax_exclusive", "reference_id": reference or None, "order_date": created, "created_by": "api",
            "tax": minor_units(row.tax, row.currency), "sub_total": minor_units(row.subtotal, row.currency),
            "total": minor_units(row.total, row.currency), "amount_paid": minor_units(row.amount_paid, row.currency), "amount_adjusted": 0,
            "refundable_credits_issued": 0, "refundable_credits": 0, "rounding_adjustement": 0, "discount": 0, "created_at": created,
            "is_resent": False, "is_gifted": False, "deleted": row.removed, "currency_code": row.currency,
            "order_line_items": [{
                "id": native_id("order", f"{row.order}:{line.number}"), "invoice_id": invoice,
                "invoice_line_item_id": native_id("invoice_line", f"{invoice}:{line.number}"),
                "unit_price": minor_units(line.unit_price, row.currency), "description": line.description,
                "amount": minor_units(line.amount, row.currency), "tax_amount": minor_units(line.tax, row.currency), "is_shippable": True,
                "fulfillment_quantity": int(line.quantity), "status": "queued", "entity_type": "charge_item_price",
                "entity_id": native_id("price", line.product), "object": "order_line_item",
            } for line in row.lines],
        }
        shadow = _plain(row)
        shadow.hidden = row.hidden
        self.put("orders", shadow, record)
        return id

    def payment(self, row: Payment) -> None:
        site, id, currency, at = self.site, native_id("payment", row.key), row.currency, _at(row.paid_at)
        amount, status = minor_units(row.amount, currency), _PAYMENT.get(row.status, row.status)
        invoice = native_id("invoice", row.invoice) if row.invoice is not None else None
        kept = site.get("invoices", invoice)
        refunds = [native_id("refund", refund.key) for refund in self.refunds_of.get(row.key, ())]
        self.put("transactions", row, {
            "id": id, "customer_id": native_id("customer", row.customer), "subscription_id": (kept or {}).get("subscription_id"),
            "payment_method": "card", "gateway": "chargebee", "gateway_account_id": "gw_concord", "type": "payment", "date": at,
            "settled_at": at if status == "success" else None, "exchange_rate": site.exchange_rate(currency), "amount": amount,
            "id_at_gateway": f"cb_{id[4:]}", "status": status, "reference_number": row.number or None, "deleted": False,
            "currency_code": currency, "base_currency_code": site.base_currency, "amount_unused": amount if invoice is None and status == "success" else 0,
            "masked_card_number": "************1111",
            **({"error_code": "card_declined", "error_text": "The card was declined."} if status == "failure" else {}),
            "_invoices": [[invoice, amount, at]] if invoice else [], "_refunds": refunds, "_notes": [],
        })
        if kept is not None and all(link[0] != id for link in kept["_payments"]):
            site.relink("invoices", kept["id"], _payments=[*kept["_payments"], [id, amount, at]])

    def refund(self, row: Refund) -> None:
        site, id, currency, at = self.site, native_id("refund", row.key), row.currency, _at(row.created_at)
        amount, payment = minor_units(row.amount, currency), native_id("payment", row.payment)
        note = native_id("credit_note", row.credit_note) if row.credit_note is not None else None
        self.put("transactions", row, {
            "id": id, "customer_id": native_id("customer", row.customer), "payment_method": "card", "gateway": "chargebee",
            "gateway_account_id": "gw_concord", "type": "refund", "date": at, "exchange_rate": site.exchange_rate(currency), "amount": amount,
            "id_at_gateway": f"cb_{id[4:]}", "status": _PAYMENT.get(row.status, row.status), "deleted": False, "currency_code": currency,
            "base_currency_code": site.base_currency, "refunded_txn_id": payment, "masked_card_number": "************1111",
            "_reason": row.reason or None, "_invoices": [], "_refunds": [], "_notes": [[note, amount, at]] if note else [],
        })
        kept = site.get("transactions", payment)
        if kept is not None and id not in kept["_refunds"]:
            site.relink("transactions", payment, _refunds=[*kept["_refunds"], id])
        document = site.get("credit_notes", note)
        if document is not None and all(link[0] != id for link in document["_refunds"]):
            refunded = document["amount_refunded"] + (amount if row.status == "succeeded" else 0)
            site.change("credit_notes", document["id"], amount_refunded=refunded, amount_available=document["total"] - refunded,
                        status="refunded" if refunded >= document["total"] else "refund_due", refunded_at=at,
                        _refunds=[*document["_refunds"], [id, amount, at]])

    def credit_note(self, row: CreditNote) -> None:
        site, id, currency, at = self.site, native_id("credit_note", row.key), row.currency, _at(row.created_at)
        total, net, tax = (minor_units(amount, currency) for amount in (row.total, row.subtotal, row.tax))
        invoice = native_id("invoice", row.invoice) if row.invoice is not None else None
        kept = site.get("invoices", invoice)
        links = [link for link in kept["_notes"] if link[0] == id] if kept else []
        how = links[0][3] if links else "issued"
        refunds = [[native_id("refund", refund.key), minor_units(refund.amount, currency), _at(refund.created_at)]
                   for refund in self.refunds_by_note.get(row.key, ())]
        refunded = sum(minor_units(refund.amount, currency) for refund in self.refunds_by_note.get(row.key, ()) if refund.status == "succeeded")
        is_adjustment, is_void = how == "adjusted", row.status == "void"
        status = "voided" if is_void else row.status if row.status != "issued" else "adjusted" if is_adjustment \
            else "refunded" if refunded >= total > 0 else "refund_due"
        reason = row.reason if row.reason in _REASONS else "other" if row.reason else None
        self.put("credit_notes", row, {
            "id": id, "customer_id": native_id("customer", row.customer), "subscription_id": (kept or {}).get("subscription_id"),
            "reference_invoice_id": invoice, "type": "adjustment" if is_adjustment else "refundable", "reason_code": reason,
            "create_reason_code": row.reason.replace("_", " ").title() if row.reason else None, "status": status, "date": at,
            "price_type": "tax_exclusive", "exchange_rate": site.exchange_rate(currency), "total": total,
            "amount_allocated": total if is_adjustment else 0, "amount_refunded": refunded,
            "amount_available": 0 if is_adjustment or is_void else max(0, total - refunded),
            "refunded_at": refunds[-1][2] if refunded else None, "voided_at": _at(row.updated_at) if is_void else None, "generated_at": at,
            "channel": "web", "deleted": False, "currency_code": currency, "base_currency_code": site.base_currency, "sub_total": net,
            "round_off_amount": 0, "fractional_correction": 0, "cf_credit_note_number": row.number or None,
            "_tax": tax, "_lines": self.lines(row.lines, currency, kept), "_period": [at, at],
            "_allocations": [[invoice, total, at]] if is_adjustment else [], "_refunds": refunds,
        })
        if kept is not None and not links:
            site.relink("invoices", kept["id"], _notes=[*kept["_notes"], [id, total, at, "issued"]])

    # ---------------------------------------------------------------- sums and events

    def balances(self) -> None:
        """What customers' records say of their subscriptions and credits."""
        site = self.site
        touched = {native_id("customer", row.customer) for rows in (self.view.subscriptions, self.view.credit_notes, self.view.payments)
                   for row in rows}
        mrr: dict[str, int] = defaultdict(int)
        credits: dict[str, int] = defaultdict(int)
        excess: dict[str, int] = defaultdict(int)
        if not touched:
            return
        for record in site.store.collection("subscriptions").values():
            mrr[record["customer_id"]] += record["mrr"]
        for record in site.store.collection("credit_notes").values():
            if record["status"] == "refund_due":
                credits[record["customer_id"]] += record["amount_available"]
        for record in site.store.collection("transactions").values():
            excess[record.get("customer_id", "")] += record.get("amount_unused") or 0
        for id in touched:
            customer = site.get("customers", id)
            if customer is not None:
                wanted = {"mrr": mrr[id], "refundable_credits": credits[id], "excess_payments": excess[id]}
                if any(customer.get(name) != value for name, value in wanted.items()):
                    site.relink("customers", id, **wanted)

    def tell(self) -> None:
        """The events of what changed, oldest first."""
        told: list[tuple[int, str, str, str]] = []
        for kind, row, before, id in self.changed:
            types = EVENT_TYPES.get(kind)
            if types is None:  # a record that no list shows is still told of by its events
                continue
            created, updated = _at(row.created_at), _at(row.updated_at)
            if before is None:
                told.append((created, types[0], kind, id))
                if kind == "transactions":
                    record = self.site.get(kind, id) or {}
                    turn = {("payment", "success"): "payment_succeeded", ("payment", "failure"): "payment_failed",
                            ("refund", "success"): "payment_refunded"}.get((record.get("type", ""), record.get("status", "")), "")
                    told.append((created, turn, kind, id))
            if before is not None or updated > created:
                told.append((updated, types[2] if row.removed else types[1], kind, id))
        told.sort(key=lambda entry: entry[0])
        site = self.site
        for at, type, kind, id in told:
            if at < self.since:
                continue
            kept = site.get(kind, id)
            if kept is not None:
                others = {"customers": kept["customer_id"]} if kind == "subscriptions" else {}
                site.emit(type, kind, kept, at=at, key=f"{type}:{id}:{at}", others=others, source="scheduled_job")


def _plain(row: Row) -> Row:
    """The stamps of a row without its faults, for a record that only follows from it."""
    return Row(key=row.key, created_at=row.created_at, updated_at=row.updated_at, actor=row.actor)


def _dispute(row: Dispute) -> Record:
    at = _at(row.created_at)
    return {
        "id": native_id("dispute", row.key), "customer_id": native_id("customer", row.customer),
        "transaction_id": native_id("payment", row.payment), "gateway_account_id": "gw_concord",
        "id_at_gateway": f"dp_{row.key}", "currency_code": row.currency, "amount": minor_units(row.amount, row.currency),
        "reason": row.reason, "status": _DISPUTE.get(row.status, row.status),
        "type": "inquiry" if row.status.startswith("warning_") else "chargeback", "is_partial_dispute": False, "created_at": at,
    }
