"""Stripe's meters, the usage that is reported to them, and its sums by customer and time.

Payload shapes belong to shapes.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from sandbox.protocol import Record
from sandbox.stripe.account import Account
from sandbox.stripe.writes import Call, Params, update, wrong

_DAY = 86_400
_PAST, _AHEAD = 35 * _DAY, 300  # how far from now a usage may lie
_WINDOW = {"hour": 3600, "day": _DAY}


def create_meter(call: Call, params: Params) -> Record:
    account, now = call.account, call.account.now()
    if any(row["status"] == "active" for row in account.rows_by("billing/meters", "event_name", params["event_name"])):
        raise wrong(f"An active meter already exists for event name {params['event_name']}.", "event_name", "resource_already_exists")
    record: Record = {
        "id": account.new_id("billing/meters"), "created": now, "updated": now, "display_name": params["display_name"],
        "event_name": params["event_name"], "event_time_window": params.get("event_time_window"), "status": "active",
        "customer_mapping": {"event_payload_key": "stripe_customer_id", "type": "by_id", **params.get("customer_mapping", {})},
        "default_aggregation": dict(params["default_aggregation"]),
        "value_settings": {"event_payload_key": "value", **params.get("value_settings", {})},
        "status_transitions": {"deactivated_at": None},
    }
    account.put("billing/meters", record)
    call.emit("billing.meter.created", "billing/meters", record)
    return record


def update_meter(call: Call, record: Record, params: Params) -> Record:
    return update(call, "billing/meters", record, {**params, "updated": call.account.now()}, ("display_name", "updated"), "billing.meter.updated")


def deactivate_meter(call: Call, record: Record, params: Params) -> Record:
    return _switch(call, record, "inactive", "billing.meter.deactivated")


def reactivate_meter(call: Call, record: Record, params: Params) -> Record:
    return _switch(call, record, "active", "billing.meter.reactivated")


def _switch(call: Call, record: Record, status: str, event: str) -> Record:
    if record["status"] == status:
        raise wrong(f"This meter is already {status}.")
    now = call.account.now()
    before, after = call.account.change(
        "billing/meters", record["id"], status=status, updated=now, status_transitions={"deactivated_at": now if status == "inactive" else None})
    call.emit(event, "billing/meters", after, before)
    return after


def report_usage(call: Call, params: Params) -> Record:
    account, now = call.account, call.account.now()
    meter = next((row for row in account.rows_by("billing/meters", "event_name", params["event_name"]) if row["status"] == "active"), None)
    if meter is None:
        raise wrong(f"No active meter found for event name {params['event_name']}.", "event_name", "resource_missing")
    payload: Mapping[str, str] = params["payload"]
    customer, value = (payload.get(meter[name]["event_payload_key"]) for name in ("customer_mapping", "value_settings"))
    if not customer or account.live("customers", customer) is None:
        raise wrong(f"The payload names no customer of this account in '{meter['customer_mapping']['event_payload_key']}'.", "payload")
    if meter["default_aggregation"]["formula"] != "count":
        try:
            Decimal(value or "")
        except InvalidOperation:
            raise wrong(f"The payload has no number in '{meter['value_settings']['event_payload_key']}'.", "payload") from None
    at = params.get("timestamp", now)
    if not now - _PAST <= at <= now + _AHEAD:
        raise wrong("The timestamp must be within the past 35 days and not more than 5 minutes in the future.", "timestamp", "timestamp_invalid")
    number = account.new_id("billing/meter_events")
    identifier = params.get("identifier") or number
    if any(row["timestamp"] > at - _DAY for row in account.rows_by("billing/meter_events", "identifier", identifier)):
        raise wrong(f"An event already exists with identifier {identifier}.", "identifier", "resource_already_exists")
    return account.put("billing/meter_events", {
        "id": number, "created": now, "event_name": params["event_name"], "identifier": identifier, "payload": dict(payload), "timestamp": at,
        "_meter": meter["id"], "_customer": customer})


def summaries(account: Account, meter: Record, params: Params) -> list[dict[str, Any]]:
    """The sums of a customer's usage, newest window first: the whole span, or each of its hours or days in which there was any."""
    start, end, grouping = params["start_time"], params["end_time"], params.get("value_grouping_window")
    step = _WINDOW.get(grouping or "", end - start)
    for name, moment in (("start_time", start), ("end_time", end)):
        if moment % (_WINDOW[grouping] if grouping else 60):
            raise wrong(f"{name} must lie on the bounds of the {grouping or 'minute'}.", name, "parameter_invalid_integer")
    if end <= start:
        raise wrong("end_time must be behind start_time.", "end_time", "parameter_invalid_integer")
    windows: dict[int, list[Record]] = {} if grouping else {start: []}
    for row in account.rows_by("billing/meter_events", "_meter", meter["id"]):
        if row["_customer"] == params["customer"] and start <= row["timestamp"] < end:
            windows.setdefault(start + (row["timestamp"] - start) // step * step, []).append(row)
    key, formula = meter["value_settings"]["event_payload_key"], meter["default_aggregation"]["formula"]
    return [{
        "id": account.named_id("billing/meter_event_summaries", f"{meter['id']}:{params['customer']}:{at}:{at + step}"),
        "object": "billing.meter_event_summary", "aggregated_value": _total(windows[at], key, formula), "start_time": at, "end_time": at + step,
        "livemode": account.is_live, "meter": meter["id"]} for at in sorted(windows, reverse=True)]


def _total(rows: list[Record], key: str, formula: str) -> float:
    if formula == "count":
        return float(len(rows))
    values = [Decimal(row["payload"][key]) for row in sorted(rows, key=lambda row: int(row["timestamp"]))]
    return float((values[-1] if values else Decimal(0)) if formula == "last" else sum(values, Decimal(0)))
