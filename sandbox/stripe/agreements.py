"""What the API may change beside invoices and subscriptions themselves: tax ids, invoice items, subscription schedules.

Payload shapes belong to shapes.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from sandbox.protocol import Record
from sandbox.stripe.params import merged_metadata
from sandbox.stripe.shapes import decimal_text
from sandbox.stripe.writes import Call, Params, cancel_subscription, referred, update, wrong

# ------------------------------------------------------------------ tax ids


def create_tax_id(call: Call, customer: Record, params: Params) -> Record:
    account = call.account
    held = account.rows_by("tax_ids", "customer", customer["id"])
    if any(row["value"] == params["value"] and row["type"] == params["type"] for row in held):
        raise wrong("This tax id is already in use by this customer.", "value", "tax_id_invalid")
    prefix = params["type"].partition("_")[0].upper()
    record = tax_id_record(account.new_id("tax_ids"), customer["id"], account.now(), params["type"], params["value"],
                           params["value"][:2].upper() if prefix == "EU" else prefix)
    account.put("tax_ids", record)
    call.emit("customer.tax_id.created", "tax_ids", record)
    return record


def tax_id_record(id: str, customer: str, created: int, type: str, value: str, country: str | None) -> Record:
    return {"id": id, "created": created, "customer": customer, "country": country, "type": type, "value": value}


def delete_tax_id(call: Call, record: Record) -> Record:
    call.emit("customer.tax_id.deleted", "tax_ids", record)
    call.account.delete("tax_ids", record["id"])
    return {"id": record["id"], "deleted": True}


# ------------------------------------------------------------------ invoice items


def create_invoice_item(call: Call, params: Params) -> Record:
    account = call.account
    customer = referred(account, "customers", params["customer"], "customer")
    price = referred(account, "prices", params["pricing"]["price"], "pricing[price]") if "pricing" in params else None
    if (price is None) == ("amount" not in params):
        raise wrong("Pass exactly one of amount and pricing.", "amount", "parameter_missing")
    if price is None and "currency" not in params:
        raise wrong("Missing required param: currency.", "currency", "parameter_missing")
    invoice = referred(account, "invoices", params["invoice"], "invoice") if "invoice" in params else None
    if invoice is not None and invoice["status"] != "draft":
        raise wrong("This invoice is no longer editable.", "invoice", "invoice_not_editable")
    quantity = params.get("quantity", 1)
    unit = Decimal(price["unit_amount_decimal"]) if price else Decimal(params["amount"])
    amount = int((unit * quantity).quantize(Decimal(1), rounding=ROUND_HALF_UP)) if price else params["amount"]
    now = account.now()
    period = params.get("period") or {"start": now, "end": now}
    record = invoice_item_record(
        account.new_id("invoiceitems"), now, customer["id"], invoice["id"] if invoice else None, price["currency"] if price else params["currency"].lower(),
        amount, quantity, decimal_text(unit), params.get("description"), period, price["id"] if price else None, price["product"] if price else None)
    record["metadata"] = merged_metadata({}, params.get("metadata", {}))
    account.put("invoiceitems", record)
    call.emit("invoiceitem.created", "invoiceitems", record)
    return record


def invoice_item_record(
    id: str, created: int, customer: str, invoice: str | None, currency: str, amount: int, quantity: Any, unit: str, description: str | None,
    period: dict[str, int], price: str | None, product: str | None,
) -> Record:
    return {
        "id": id, "created": created, "customer": customer, "invoice": invoice, "currency": currency, "amount": amount,
        "description": description, "period": period, "metadata": {}, "_quantity": quantity, "_unit": unit, "_price": price, "_product": product,
    }


def _is_free(call: Call, record: Record) -> None:
    invoice = call.account.live("invoices", record["invoice"])
    if invoice is not None and invoice["status"] != "draft":
        raise wrong("This invoice item is on an invoice that is no longer editable.", None, "invoice_not_editable")


def update_invoice_item(call: Call, record: Record, params: Params) -> Record:
    _is_free(call, record)
    return update(call, "invoiceitems", record, params, ("amount", "description"), "invoiceitem.updated")


def delete_invoice_item(call: Call, record: Record) -> Record:
    _is_free(call, record)
    call.emit("invoiceitem.deleted", "invoiceitems", record)
    call.account.delete("invoiceitems", record["id"])
    return {"id": record["id"], "deleted": True}


# ------------------------------------------------------------------ subscription schedules


def create_schedule(call: Call, params: Params) -> Record:
    account, now = call.account, call.account.now()
    if ("from_subscription" in params) == ("customer" in params):
        raise wrong("Pass exactly one of customer and from_subscription.", "customer", "parameter_missing")
    if "from_subscription" in params:
        if "phases" in params:
            raise wrong("You cannot set phases if from_subscription is set.", "phases")
        subscription = referred(account, "subscriptions", params["from_subscription"], "from_subscription")
        if subscription["_schedule"]:
            raise wrong("You cannot migrate a subscription that is already attached to a schedule.", "from_subscription")
        start, end = subscription["_period_start"], subscription["_period_end"]
        items = [{"price": item["price"], "quantity": item["quantity"]} for item in subscription["_items"]]
        phases = [{"start_date": start, "end_date": end, "items": items, "currency": subscription["currency"]}]
        customer, status = subscription["customer"], "active"
    else:
        customer = referred(account, "customers", params["customer"], "customer")["id"]
        if not params.get("phases") or params.get("start_date", 0) <= now:
            raise wrong("This account takes schedules that start later: pass phases and a start_date in the future.", "start_date")
        phases, status, subscription = _phases(call, params), "not_started", None
    record: Record = {
        "id": account.new_id("subscription_schedules"), "created": now, "customer": customer, "status": status,
        "subscription": subscription["id"] if subscription else None, "released_subscription": None, "released_at": None, "canceled_at": None,
        "completed_at": None, "end_behavior": params.get("end_behavior", "release"),
        "metadata": merged_metadata({}, params.get("metadata", {})), "_phases": phases,
    }
    account.put("subscription_schedules", record)
    if subscription:
        account.change("subscriptions", subscription["id"], _schedule=record["id"])
    call.emit("subscription_schedule.created", "subscription_schedules", record)
    return record


def _phases(call: Call, params: Params) -> list[dict[str, Any]]:
    phases, start = [], params.get("start_date", call.account.now())
    for number, phase in enumerate(params["phases"]):
        items = []
        for place, item in enumerate(phase["items"]):
            price = referred(call.account, "prices", item["price"], f"phases[{number}][items][{place}][price]")
            items.append({"price": price["id"], "quantity": item.get("quantity", 1)})
        end = phase.get("end_date")
        if end is None or end <= start:
            raise wrong("A phase needs an end_date behind its start.", f"phases[{number}][end_date]", "parameter_missing")
        phases.append({"start_date": start, "end_date": end, "items": items, "currency": price["currency"]})
        start = end
    return phases


def update_schedule(call: Call, record: Record, params: Params) -> Record:
    if record["status"] not in ("not_started", "active"):
        raise wrong(f"You cannot update a subscription schedule that is {record['status']}.")
    fields: dict[str, Any] = {"_phases": _phases(call, {"start_date": record["_phases"][0]["start_date"], **params})} if "phases" in params else {}
    if "end_behavior" in params:
        fields["end_behavior"] = params["end_behavior"]
    if "metadata" in params:
        fields["metadata"] = merged_metadata(record["metadata"], params["metadata"])
    before, after = call.account.change("subscription_schedules", record["id"], **fields)
    if before != after:
        call.emit("subscription_schedule.updated", "subscription_schedules", after, before)
    return after


def cancel_schedule(call: Call, record: Record, params: Params) -> Record:
    return _end(call, record, "canceled")


def release_schedule(call: Call, record: Record, params: Params) -> Record:
    return _end(call, record, "released")


def _end(call: Call, record: Record, status: str) -> Record:
    account = call.account
    if record["status"] not in ("not_started", "active"):
        raise wrong(f"You cannot end a subscription schedule that is currently {record['status']}.")
    subscription = account.live("subscriptions", record["subscription"])
    fields: dict[str, Any] = {"status": status, f"{status}_at": account.now()}
    if subscription is not None:
        account.change("subscriptions", subscription["id"], _schedule=None)
        if status == "canceled":
            cancel_subscription(call, account.store.collection("subscriptions")[subscription["id"]], {})
        else:
            fields |= {"released_subscription": subscription["id"], "subscription": None}
    before, after = account.change("subscription_schedules", record["id"], **fields)
    call.emit(f"subscription_schedule.{status}", "subscription_schedules", after, before)
    return after
