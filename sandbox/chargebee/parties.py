"""What Chargebee does when the API asks for a change of customers, their contacts and hierarchy, comments, orders and quotes.

Runs like writes: under the store's lock, parameters typed, everything checked before the first change.
"""

from __future__ import annotations

from typing import Any

from sandbox.chargebee.params import duplicate, wrong, wrong_state
from sandbox.chargebee.shapes import card_of, render
from sandbox.chargebee.site import Site
from sandbox.chargebee.writes import Answer, Params, changeable, custom, priced_lines, show, stamped
from sandbox.protocol import Record

CUSTOMER_FIELDS = (
    "first_name", "last_name", "email", "phone", "company", "auto_collection", "net_term_days", "allow_direct_debit", "vat_number",
    "taxability", "locale", "preferred_currency_code", "meta_data", "customer_type", "business_entity_id", "offline_payment_method",
    "invoice_notes", "registered_for_gst", "consolidated_invoicing", "entity_code", "exempt_number", "auto_close_invoices", "fraud_flag")
_DIRECTIONS = frozenset(("complete_hierarchy", "subordinates", "path_to_root", "immediate_children"))


def _customer(site: Site, record: Record) -> Answer:
    return {"customer": render(site, "customers", record), **card_of(record)}


def _address(given: dict[str, Any], before: Record | None = None) -> dict[str, Any]:
    merged = {**(before or {}), **given}
    return {**{name: text for name, text in merged.items() if text is not None},
            "validation_status": merged.get("validation_status") or "not_validated", "object": "billing_address"}


def create_customer(site: Site, id: str, params: Params) -> Answer:
    wanted = params.get("id")
    if wanted and site.get("customers", wanted) is not None:
        raise duplicate(wanted)
    fields = {name: params[name] for name in CUSTOMER_FIELDS if params.get(name) is not None}
    record = site.put("customers", {
        **stamped(site), "id": wanted or site.new_id("customer"), "auto_collection": "on", "net_term_days": 0, "allow_direct_debit": False,
        "created_at": site.now(), "taxability": "taxable", "pii_cleared": "active", "channel": "web", "card_status": "no_card",
        "promotional_credits": 0, "refundable_credits": 0, "excess_payments": 0, "unbilled_charges": 0, "mrr": 0,
        **({"billing_address": _address(params["billing_address"])} if params.get("billing_address") else {}),
        **({"vat_number_status": "not_validated"} if params.get("vat_number") else {}), **fields, **custom(params)})
    site.tell("customers", None, record)
    return _customer(site, record)


def update_customer(site: Site, id: str, params: Params) -> Answer:
    before = changeable(site, "customers", id)
    fields = {name: params[name] for name in CUSTOMER_FIELDS if name in params}
    record = site.change("customers", id, **fields, **custom(params))
    site.tell("customers", before, record)
    return _customer(site, record)


def update_billing_info(site: Site, id: str, params: Params) -> Answer:
    before = changeable(site, "customers", id)
    fields: dict[str, Any] = {name: params[name] for name in ("vat_number", "registered_for_gst") if name in params}
    if params.get("billing_address"):
        fields["billing_address"] = _address(params["billing_address"])
    record = site.change("customers", id, **fields)
    site.tell("customers", before, record)
    return _customer(site, record)


def delete_customer(site: Site, id: str, params: Params) -> Answer:
    before = changeable(site, "customers", id)
    living = [row for row in site.rows_by("subscriptions", "customer_id", id) if row["status"] not in ("cancelled", "transferred")
              and not row.get("deleted")]
    if living:
        raise wrong_state("The customer has live subscriptions, so it cannot be deleted.")
    for row in site.rows_by("subscriptions", "customer_id", id):
        site.tell("subscriptions", row, site.change("subscriptions", row["id"], deleted=True))
    record = site.change("customers", id, deleted=True)
    site.tell("customers", before, record)
    return _customer(site, record)


# ------------------------------------------------------------------ contacts


def add_contact(site: Site, id: str, params: Params) -> Answer:
    before, given = changeable(site, "customers", id), params.get("contact") or {}
    if not given.get("email"):
        raise wrong("contact[email]", "cannot be blank")
    contacts = before.get("contacts") or []
    contact = {"id": site.new_id("contact"), "enabled": True, "send_account_email": False, "send_billing_email": False,
               **{name: value for name, value in given.items() if value is not None}, "object": "contact"}
    if any(one["id"] == contact["id"] for one in contacts):
        raise duplicate(contact["id"])
    return _contacts(site, before, [*contacts, contact])


def update_contact(site: Site, id: str, params: Params) -> Answer:
    before, given = changeable(site, "customers", id), params.get("contact") or {}
    contacts = before.get("contacts") or []
    if not any(one["id"] == given.get("id") for one in contacts):
        raise wrong("contact[id]", f"{given.get('id')} is not a contact of the customer")
    changed = [{name: value for name, value in {**one, **given}.items() if value is not None} if one["id"] == given["id"] else one
               for one in contacts]
    return _contacts(site, before, changed)


def delete_contact(site: Site, id: str, params: Params) -> Answer:
    before, given = changeable(site, "customers", id), params.get("contact") or {}
    contacts = before.get("contacts") or []
    left = [one for one in contacts if one["id"] != given.get("id")]
    if len(left) == len(contacts):
        raise wrong("contact[id]", f"{given.get('id')} is not a contact of the customer")
    return _contacts(site, before, left)


def _contacts(site: Site, before: Record, contacts: list[Any]) -> Answer:
    record = site.change("customers", before["id"], contacts=contacts or None)
    site.tell("customers", before, record)
    return _customer(site, record)


# ------------------------------------------------------------------ hierarchy


def relate(site: Site, id: str, params: Params) -> Answer:
    before = changeable(site, "customers", id)
    kept = before.get("relationship") or {"payment_owner_id": id, "invoice_owner_id": id}
    wanted = {**kept, **{name: params[name] for name in ("parent_id", "payment_owner_id", "invoice_owner_id") if params.get(name)}}
    above, steps = wanted.get("parent_id"), 0
    while above is not None and steps < 20:
        parent = changeable(site, "customers", above, param="parent_id")
        if above == id:
            raise wrong("parent_id", "would make the customer its own ancestor")
        above, steps = (parent.get("relationship") or {}).get("parent_id"), steps + 1
    record = site.change("customers", id, relationship=wanted)
    site.tell("customers", before, record, extra="hierarchy_created")
    return _customer(site, record)


def unrelate(site: Site, id: str, params: Params) -> Answer:
    before = changeable(site, "customers", id)
    if not before.get("relationship"):
        raise wrong_state("The customer is in no hierarchy.")
    record = site.change("customers", id, relationship=None)
    site.tell("customers", before, record, extra="hierarchy_deleted")
    return _customer(site, record)


def hierarchy(site: Site, id: str, operation: str | None) -> list[dict[str, Any]]:
    """The customers of a hierarchy in the wanted direction, the asked one included where the direction holds it."""
    if operation not in _DIRECTIONS:
        raise wrong("hierarchy_operation_type", f"invalid value '{operation}', allowed values are {', '.join(sorted(_DIRECTIONS))}")
    start = changeable(site, "customers", id)

    def children(of: str) -> list[str]:
        rows = site.store.collection("customers").values()
        return [row["id"] for row in rows if (row.get("relationship") or {}).get("parent_id") == of and not row.get("deleted")]

    def path(of: Record) -> list[str]:
        found, above = [of["id"]], (of.get("relationship") or {}).get("parent_id")
        while above is not None and above not in found:
            found.append(above)
            above = ((site.get("customers", above) or {}).get("relationship") or {}).get("parent_id")
        return found

    def below(of: str) -> list[str]:
        found = [of]
        for child in children(of):
            found += below(child)
        return found

    ids = {"path_to_root": lambda: path(start), "subordinates": lambda: below(id), "immediate_children": lambda: children(id),
           "complete_hierarchy": lambda: below(path(start)[-1])}[operation]()
    result = []
    for one in ids:
        held = (site.get("customers", one) or {}).get("relationship") or {"payment_owner_id": one, "invoice_owner_id": one}
        result.append({"customer_id": one, **held, "children_ids": children(one), "has_children": bool(children(one)), "object": "hierarchy"})
    return result


# ------------------------------------------------------------------ comments, orders, quotes


def create_comment(site: Site, id: str, params: Params) -> Answer:
    comment = site.put("comments", {
        "id": site.new_id("comment"), "entity_type": params["entity_type"], "entity_id": params["entity_id"], "notes": params["notes"],
        "added_by": params.get("added_by") or site.user, "created_at": site.now(), "type": "user"})
    return show(site, comment=("comments", comment))


def delete_comment(site: Site, id: str, params: Params) -> Answer:
    comment = changeable(site, "comments", id)
    answer = show(site, comment=("comments", comment))
    site.remove("comments", id)
    return answer


_ORDER_FIELDS = ("status", "reference_id", "fulfillment_status", "note", "tracking_id", "tracking_url", "batch_id", "shipment_carrier",
                 "shipping_date", "shipped_at", "delivered_at", "cancellation_reason", "order_date")


def create_order(site: Site, id: str, params: Params) -> Answer:
    invoice = changeable(site, "invoices", params["invoice_id"], param="invoice_id")
    wanted = params.get("id") or site.new_id("order")
    if site.get("orders", wanted) is not None:
        raise duplicate(wanted)
    order = site.put("orders", {
        **stamped(site), "id": wanted, "document_number": str(site.store.next_number("chargebee_order_number", 90_001)), "invoice_id": invoice["id"],
        "customer_id": invoice["customer_id"], "subscription_id": invoice.get("subscription_id"), "status": "new",
        "payment_status": "paid" if invoice["status"] == "paid" else "not_paid", "order_type": "manual", "price_type": invoice["price_type"],
        "order_date": site.now(), "created_by": site.user, "tax": invoice["tax"], "sub_total": invoice["sub_total"], "total": invoice["total"],
        "amount_paid": invoice["amount_paid"], "amount_adjusted": invoice["amount_adjusted"], "discount": 0, "created_at": site.now(),
        "is_resent": False, "is_gifted": False, "currency_code": invoice["currency_code"], "order_line_items": [],
        **{name: params[name] for name in _ORDER_FIELDS if params.get(name) is not None}})
    site.tell("orders", None, order)
    site.change("invoices", invoice["id"], _orders=[*invoice["_orders"], wanted])
    return show(site, order=("orders", order))


def update_order(site: Site, id: str, params: Params) -> Answer:
    before = changeable(site, "orders", id)
    fields = {name: params[name] for name in _ORDER_FIELDS if name in params}
    if "status" in fields and fields["status"] != before["status"]:
        fields["status_update_at"] = site.now()
    order = site.change("orders", id, **fields)
    site.tell("orders", before, order)
    return show(site, order=("orders", order))


def cancel_order(site: Site, id: str, params: Params) -> Answer:
    before = changeable(site, "orders", id)
    if before["status"] in ("cancelled", "complete", "delivered"):
        raise wrong_state(f"The order is {before['status']}, so it cannot be cancelled.")
    order = site.change("orders", id, status="cancelled", cancelled_at=params.get("cancelled_at") or site.now(),
                        cancellation_reason=params["cancellation_reason"])
    site.tell("orders", before, order)
    return show(site, order=("orders", order))


def delete_order(site: Site, id: str, params: Params) -> Answer:
    before = changeable(site, "orders", id)
    order = site.change("orders", id, deleted=True)
    site.tell("orders", before, order)
    return show(site, order=("orders", order))


def create_quote(site: Site, id: str, params: Params) -> Answer:
    """A quote for one-time charges."""
    if not params.get("customer_id"):
        raise wrong("customer_id", "cannot be blank")
    customer = changeable(site, "customers", params["customer_id"], param="customer_id")
    currency = params.get("currency_code") or customer.get("preferred_currency_code") or site.base_currency
    lines = priced_lines(site, currency, params.get("item_prices") or [], params.get("charges") or [])
    if not lines:
        raise wrong("item_prices", "at least one item price or charge should be given")
    total, now = sum(line[6] for line in lines), site.now()
    quote = site.put("quotes", {
        **stamped(site), "id": site.new_id("quote"), "name": params.get("name"), "po_number": params.get("po_number"),
        "customer_id": customer["id"], "status": "open", "operation_type": "onetime_invoice", "price_type": "tax_exclusive",
        "valid_till": params.get("expires_at") or now + 30 * 86_400, "date": now, "total_payable": total, "charge_on_acceptance": total,
        "sub_total": total, "total": total, "credits_applied": 0, "amount_paid": 0, "amount_due": total, "version": 1,
        "currency_code": currency, "billing_address": customer.get("billing_address"), "_tax": 0, "_lines": lines, "_period": [now, now]})
    site.tell("quotes", None, quote)
    return show(site, quote=("quotes", quote))


def update_quote_status(site: Site, id: str, params: Params) -> Answer:
    before = changeable(site, "quotes", id)
    if before["status"] in ("invoiced", "closed"):
        raise wrong_state(f"The quote is {before['status']}, so its status cannot change.")
    quote = site.change("quotes", id, status=params["status"])
    site.tell("quotes", before, quote)
    return show(site, quote=("quotes", quote))


def delete_quote(site: Site, id: str, params: Params) -> Answer:
    before = changeable(site, "quotes", id)
    quote = site.change("quotes", id, deleted=True)
    site.tell("quotes", before, quote)
    return show(site, quote=("quotes", quote))
