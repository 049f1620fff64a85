"""What Chargebee does when the API asks for a change of subscriptions, their usage, and the catalogue that they are made of.

Runs like writes: under the store's lock, parameters typed, everything checked before the first change.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sandbox.chargebee.params import duplicate, wrong, wrong_state
from sandbox.chargebee.shapes import card_of, render
from sandbox.chargebee.site import NOUN, Site
from sandbox.chargebee.writes import Answer, Params, changeable, custom, given, show, stamped
from sandbox.protocol import Record

_DAY = 86_400
_SECONDS = {"day": _DAY, "week": 7 * _DAY, "month": 30 * _DAY, "year": 365 * _DAY}
_LIVING = frozenset(("future", "in_trial", "active", "non_renewing", "paused"))


def _shown(site: Site, record: Record) -> Answer:
    answer: Answer = {"subscription": render(site, "subscriptions", record)}
    customer = site.get("customers", record["customer_id"])
    if customer is not None:
        answer |= {"customer": render(site, "customers", customer), **card_of(customer)}
    return answer


def _changed(site: Site, before: Record, event: str = "", **fields: Any) -> Answer:
    record = site.change("subscriptions", before["id"], **fields)
    site.tell("subscriptions", before, record, extra=event)
    return _shown(site, record)


def _items(site: Site, currency: str, rows: list[dict[str, Any]], before: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Subscription items of the given rows; a price that was there keeps what the row does not name."""
    held = {item["item_price_id"]: item for item in before}
    items = []
    for row in rows:
        id = str(row["item_price_id"])
        price = changeable(site, "item_prices", id, param="subscription_items[item_price_id][0]")
        if price["currency_code"] != currency:
            raise wrong("subscription_items[item_price_id][0]", f"{id} is not priced in {currency}")
        kept: Params = held.get(id, {})
        quantity = given(row, "quantity", int(kept.get("quantity", 1)))
        unit = given(row, "unit_price", int(kept.get("unit_price", price["price"])))
        options = {name: row[name] for name in ("billing_cycles", "trial_end", "service_period_days", "charge_on_event", "charge_once",
                                              "charge_on_option", "quantity_in_decimal") if row.get(name) is not None}
        items.append({"item_price_id": id, "item_type": price["item_type"], "quantity": quantity, "unit_price": unit, "amount": unit * quantity,
                      "free_quantity": price["free_quantity"], **options, "object": "subscription_item"})
    return items


def _recurring(items: list[dict[str, Any]], unit: str) -> dict[str, int]:
    amount = sum(item["amount"] for item in items if item["item_type"] != "charge")
    mrr = amount // 12 if unit == "year" else amount * 4 if unit == "week" else amount * 30 if unit == "day" else amount
    return {"mrr": mrr, "arr": mrr * 12}


def _plan(site: Site, items: list[dict[str, Any]]) -> Record:
    plans = [item for item in items if item["item_type"] == "plan"]
    if len(plans) != 1:
        raise wrong("subscription_items[item_price_id][0]", "exactly one plan item price should be given")
    return changeable(site, "item_prices", plans[0]["item_price_id"])


def create_subscription(site: Site, id: str, params: Params) -> Answer:
    customer = changeable(site, "customers", id, param="customer_id")
    wanted = params.get("id") or site.new_id("subscription")
    if site.get("subscriptions", wanted) is not None:
        raise duplicate(wanted)
    rows = params.get("subscription_items") or []
    if not rows:
        raise wrong("subscription_items[item_price_id][0]", "cannot be blank")
    first = changeable(site, "item_prices", rows[0]["item_price_id"], param="subscription_items[item_price_id][0]")
    items = _items(site, first["currency_code"], rows, [])
    plan, now = _plan(site, items), site.now()
    unit, start, trial_end = plan.get("period_unit") or "month", params.get("start_date") or now, params.get("trial_end")
    status = "future" if start > now else "in_trial" if trial_end and trial_end > now else "active"
    term_end = start + _SECONDS[unit] * (plan.get("period") or 1)
    record: Record = {
        **stamped(site), "id": wanted, "billing_period": plan.get("period") or 1, "billing_period_unit": unit, "customer_id": customer["id"],
        "status": status, "created_at": now, "started_at": start if status != "future" else None,
        "start_date": start if status == "future" else None, "activated_at": start if status == "active" else None,
        **({"trial_start": start, "trial_end": trial_end, "next_billing_at": trial_end} if status == "in_trial" else {}),
        **({"current_term_start": start, "current_term_end": term_end, "next_billing_at": term_end} if status == "active" else {}),
        "has_scheduled_changes": False, "has_scheduled_advance_invoices": False, "channel": "web", "decommissioned": False,
        "currency_code": first["currency_code"], "auto_collection": params.get("auto_collection") or customer["auto_collection"],
        "subscription_items": items, "due_invoices_count": 0, **_recurring(items, unit),
        "exchange_rate": site.exchange_rate(first["currency_code"]), "base_currency_code": site.base_currency,
        **{name: params[name] for name in ("po_number", "net_term_days", "meta_data", "remaining_billing_cycles") if params.get(name) is not None},
        **custom(params)}
    term = params.get("contract_term")
    if term is not None:
        cycles = 1 if unit == "year" else 12
        value = sum(item["amount"] for item in items) * cycles
        record["contract_term"] = {
            "id": site.new_id("contract"), "status": "active", "contract_start": term.get("contract_start") or start,
            "contract_end": (term.get("contract_start") or start) + 365 * _DAY, "billing_cycle": cycles,
            "action_at_term_end": term.get("action_at_term_end") or "renew", "total_contract_value": value,
            "total_contract_value_before_tax": value, "cancellation_cutoff_period": term.get("cancellation_cutoff_period") or 0,
            "created_at": now, "subscription_id": wanted, "object": "contract_term"}
        site.emit("contract_term_created", "contract_terms", site.put("contract_terms", dict(record["contract_term"])))
    site.put("subscriptions", record)
    site.tell("subscriptions", None, record)
    return _shown(site, record)


def update_subscription(site: Site, id: str, params: Params) -> Answer:
    before = changeable(site, "subscriptions", id)
    if before["status"] == "cancelled" and not params.get("reactivate"):
        raise wrong_state("The subscription is cancelled, so it cannot be changed.")
    fields: dict[str, Any] = {name: params[name] for name in ("po_number", "net_term_days", "meta_data", "auto_collection") if name in params}
    fields |= custom(params)
    later = params.get("end_of_term") or params.get("change_option") in ("end_of_term", "specific_date")
    rows = params.get("subscription_items") or []
    if rows or params.get("mandatory_items_to_remove"):
        held = before["subscription_items"]
        wanted = _items(site, before["currency_code"], rows, held)
        named = {item["item_price_id"] for item in wanted} | set(params.get("mandatory_items_to_remove") or ())
        if any(item["item_type"] == "plan" for item in wanted):
            named |= {item["item_price_id"] for item in held if item["item_type"] == "plan"}
        items = wanted if params.get("replace_items_list") else [*[item for item in held if item["item_price_id"] not in named], *wanted]
        _plan(site, items)
        if later:
            moment = params.get("changes_scheduled_at") if params.get("change_option") == "specific_date" else before.get("current_term_end")
            if moment is None:
                raise wrong("changes_scheduled_at", "cannot be blank")
            fields |= {"has_scheduled_changes": True, "changes_scheduled_at": moment, "_scheduled": items}
        else:
            fields |= {"subscription_items": items, **_recurring(items, before.get("billing_period_unit") or "month")}
    if params.get("reactivate") and before["status"] == "cancelled":
        fields |= _revived(site, before)
    event = "subscription_changes_scheduled" if "_scheduled" in fields else ""
    answer = _changed(site, before, event, **fields)
    record = site.store.collection("subscriptions")[id]
    customer = site.get("customers", record["customer_id"])
    if customer is not None and record["mrr"] != before["mrr"]:
        site.relink("customers", customer["id"], mrr=customer.get("mrr", 0) + record["mrr"] - before["mrr"])
        answer = _shown(site, record)
    return answer


def scheduled(site: Site, id: str) -> Answer:
    """The subscription as it will be after its scheduled changes."""
    record = changeable(site, "subscriptions", id)
    if not record.get("has_scheduled_changes"):
        raise wrong_state("The subscription has no scheduled changes.")
    return _shown(site, {**record, "subscription_items": record["_scheduled"]})


def remove_scheduled(site: Site, id: str, params: Params) -> Answer:
    before = changeable(site, "subscriptions", id)
    if not before.get("has_scheduled_changes"):
        raise wrong_state("The subscription has no scheduled changes.")
    return _changed(site, before, "subscription_scheduled_changes_removed", has_scheduled_changes=False, changes_scheduled_at=None,
                    _scheduled=None)


def cancel(site: Site, id: str, params: Params) -> Answer:
    before = changeable(site, "subscriptions", id)
    if before["status"] not in _LIVING:
        raise wrong_state(f"The subscription is {before['status']}, so it cannot be cancelled.")
    option = params.get("cancel_option") or ("end_of_term" if params.get("end_of_term") else "immediately")
    reason = params.get("cancel_reason_code")
    if option == "immediately":
        contract = {**before["contract_term"], "status": "cancelled"} if before.get("contract_term") else None
        return _changed(site, before, "subscription_cancelled", status="cancelled", cancelled_at=site.now(), next_billing_at=None,
                        cancel_reason_code=reason, mrr=0, arr=0, contract_term=contract)
    at = params.get("cancel_at") if option == "specific_date" else before.get("current_term_end")
    if at is None:
        raise wrong("cancel_at", "cannot be blank")
    return _changed(site, before, "subscription_cancellation_scheduled", status="non_renewing", cancelled_at=at, next_billing_at=None,
                    cancel_schedule_created_at=site.now(), cancel_reason_code=reason)


def remove_scheduled_cancellation(site: Site, id: str, params: Params) -> Answer:
    before = changeable(site, "subscriptions", id)
    if before["status"] != "non_renewing":
        raise wrong_state(f"The subscription is {before['status']}: no cancellation is scheduled.")
    return _changed(site, before, "subscription_scheduled_cancellation_removed", status="active", cancelled_at=None,
                    cancel_schedule_created_at=None, cancel_reason_code=None, next_billing_at=before.get("current_term_end"))


def _revived(site: Site, before: Record) -> dict[str, Any]:
    now = site.now()
    unit = before.get("billing_period_unit") or "month"
    end = now + _SECONDS[unit] * (before.get("billing_period") or 1)
    return {"status": "active", "cancelled_at": None, "cancel_reason": None, "cancel_reason_code": None, "current_term_start": now,
            "current_term_end": end, "next_billing_at": end, "activated_at": now, **_recurring(before["subscription_items"], unit)}


def reactivate(site: Site, id: str, params: Params) -> Answer:
    before = changeable(site, "subscriptions", id)
    if before["status"] != "cancelled":
        raise wrong_state(f"The subscription is {before['status']}, so it cannot be reactivated.")
    return _changed(site, before, "subscription_reactivated", **_revived(site, before))


def pause(site: Site, id: str, params: Params) -> Answer:
    before = changeable(site, "subscriptions", id)
    if before["status"] not in ("active", "non_renewing"):
        raise wrong_state(f"The subscription is {before['status']}, so it cannot be paused.")
    if params.get("pause_option") in ("end_of_term", "specific_date"):
        at = params.get("pause_date") or before.get("current_term_end")
        return _changed(site, before, "subscription_pause_scheduled", pause_date=at, resume_date=params.get("resume_date"))
    return _changed(site, before, "subscription_paused", status="paused", pause_date=site.now(), resume_date=params.get("resume_date"),
                    next_billing_at=None)


def resume(site: Site, id: str, params: Params) -> Answer:
    before = changeable(site, "subscriptions", id)
    if before["status"] != "paused":
        raise wrong_state(f"The subscription is {before['status']}, so it cannot be resumed.")
    if params.get("resume_option") == "specific_date":
        return _changed(site, before, "subscription_resumption_scheduled", resume_date=params.get("resume_date"))
    return _changed(site, before, "subscription_resumed", status="active", pause_date=None, resume_date=None,
                    next_billing_at=before.get("current_term_end"))


def change_term_end(site: Site, id: str, params: Params) -> Answer:
    before = changeable(site, "subscriptions", id)
    if before["status"] not in ("in_trial", "active", "non_renewing"):
        raise wrong_state(f"The subscription is {before['status']}: its term has no end to change.")
    end = params["term_ends_at"]
    name = "trial_end" if before["status"] == "in_trial" else "current_term_end"
    return _changed(site, before, **{name: end}, next_billing_at=None if before["status"] == "non_renewing" else end)


def delete_subscription(site: Site, id: str, params: Params) -> Answer:
    return _changed(site, changeable(site, "subscriptions", id), deleted=True)


# ------------------------------------------------------------------ usage


def create_usage(site: Site, id: str, params: Params) -> Answer:
    subscription = changeable(site, "subscriptions", id)
    wanted = params.get("id")
    kept = site.get("usages", wanted) if wanted else None
    if kept is not None:
        if params.get("dedupe_option") == "skip":
            return show(site, usage=("usages", kept))
        if params.get("dedupe_option") != "update_existing":
            raise duplicate(wanted or "")
    usage = {
        "id": wanted or site.new_id("usage"), "usage_date": params["usage_date"], "subscription_id": subscription["id"],
        "item_price_id": params["item_price_id"], "quantity": params["quantity"], "source": "api", "note": params.get("note"),
        "created_at": (kept or {}).get("created_at") or site.now(), "updated_at": site.now(), "resource_version": site.now_ms()}
    return show(site, usage=("usages", site.put("usages", usage)))


def delete_usage(site: Site, id: str, params: Params) -> Answer:
    usage = site.get("usages", params["id"])
    if usage is None or usage["subscription_id"] != id:
        raise wrong("id", f"{params['id']} is not a usage of the subscription")
    answer = show(site, usage=("usages", usage))
    site.remove("usages", usage["id"])
    return answer


# ------------------------------------------------------------------ catalogue

Write = Callable[[Site, str, Params], Answer]


def create_entry(kind: str, defaults: dict[str, Any]) -> Write:
    """A new item family, item, item price or coupon under the caller's id."""

    def run(site: Site, id: str, params: Params) -> Answer:
        if site.get(kind, params["id"]) is not None:
            raise duplicate(params["id"])
        fields = {name: value for name, value in params.items() if value is not None}
        if kind == "items":
            changeable(site, "item_families", params["item_family_id"], param="item_family_id")
        elif kind == "item_prices":
            item = changeable(site, "items", params["item_id"], param="item_id")
            fields = {"item_family_id": item["item_family_id"], "item_type": item["type"], "external_name": item["name"],
                      "currency_code": site.base_currency, "created_at": site.now(), **fields}
            if item["type"] != "charge" and not fields.get("period_unit"):
                raise wrong("period_unit", f"cannot be blank for an item of type {item['type']}")
        elif kind == "coupons":
            fields["created_at"] = site.now()
        record = site.put(kind, {**stamped(site), **defaults, **fields})
        site.tell(kind, None, record)
        return show(site, **{NOUN[kind]: (kind, record)})

    return run


def update_entry(kind: str) -> Write:
    def run(site: Site, id: str, params: Params) -> Answer:
        before = changeable(site, kind, id)
        record = site.change(kind, id, **params)
        site.tell(kind, before, record)
        return show(site, **{NOUN[kind]: (kind, record)})

    return run


def delete_entry(kind: str) -> Write:
    def run(site: Site, id: str, params: Params) -> Answer:
        before = changeable(site, kind, id)
        record = site.change(kind, id, deleted=True, status="deleted")
        site.tell(kind, before, record)
        return show(site, **{NOUN[kind]: (kind, record)})

    return run
