"""Stripe's webhook endpoints and test clocks: what the API may make, change and delete.

Payload shapes belong to shapes; what is sent to an endpoint belongs to api.
"""

from __future__ import annotations

from sandbox.protocol import Record
from sandbox.stripe.params import merged_metadata
from sandbox.stripe.writes import Call, Params, delete_customer, update, wrong

_DAY = 86_400
_MOST_ENDPOINTS = 16
_YEARS = 2 * 365 * _DAY  # how far a clock without subscriptions may be moved at once

# ------------------------------------------------------------------ webhook endpoints


def create_endpoint(call: Call, params: Params) -> Record:
    account = call.account
    _check(params)
    if account.count("webhook_endpoints") >= _MOST_ENDPOINTS:
        raise wrong(f"You have reached the maximum of {_MOST_ENDPOINTS} test webhook endpoints.")
    record: Record = {
        "id": account.new_id("webhook_endpoints"), "created": account.now(), "url": params["url"], "enabled_events": list(params["enabled_events"]),
        "api_version": params.get("api_version"), "application": None, "description": params.get("description"), "status": "enabled",
        "metadata": merged_metadata({}, params.get("metadata", {})),
    }
    account.put("webhook_endpoints", record)
    return {**record, "secret": account.webhook_secret}  # told once, and never again


def _check(params: Params) -> None:
    if "url" in params and not params["url"].startswith(("https://", "http://")):
        raise wrong("Invalid URL: An explicit scheme (such as https) must be provided.", "url", "url_invalid")
    if "enabled_events" in params and (not params["enabled_events"] or ("*" in params["enabled_events"] and len(params["enabled_events"]) > 1)):
        raise wrong("Invalid enabled_events: name event types, or `*` alone for all of them.", "enabled_events")


def update_endpoint(call: Call, record: Record, params: Params) -> Record:
    _check(params)
    told = dict(params)
    if "disabled" in told:
        told["status"] = "disabled" if told["disabled"] else "enabled"
    return update(call, "webhook_endpoints", record, told, ("url", "enabled_events", "description", "status"), "")


def delete_endpoint(call: Call, record: Record) -> Record:
    call.account.delete("webhook_endpoints", record["id"])
    return {"id": record["id"], "deleted": True}


# ------------------------------------------------------------------ test clocks


def create_clock(call: Call, params: Params) -> Record:
    account = call.account
    record: Record = {
        "id": account.new_id("test_helpers/test_clocks"), "created": account.now(), "deletes_after": account.now() + 30 * _DAY,
        "frozen_time": params["frozen_time"], "name": params.get("name"), "status": "ready", "status_details": {},
    }
    account.put("test_helpers/test_clocks", record)
    call.emit("test_helpers.test_clock.created", "test_helpers/test_clocks", record)
    return record


def advance_clock(call: Call, record: Record, params: Params) -> Record:
    """The answer shows the clock on its way; it has arrived when it is next looked at."""
    account, target = call.account, params["frozen_time"]
    if target <= record["frozen_time"]:
        raise wrong("The frozen_time must be later than the clock's current frozen_time.", "frozen_time")
    if target > record["frozen_time"] + _YEARS:
        raise wrong("A test clock cannot be advanced by more than two years at once.", "frozen_time")
    moving = {**record, "status": "advancing", "status_details": {"advancing": {"target_frozen_time": target}}}
    call.emit("test_helpers.test_clock.advancing", "test_helpers/test_clocks", moving, record)
    _, after = account.change("test_helpers/test_clocks", record["id"], frozen_time=target)
    call.emit("test_helpers.test_clock.ready", "test_helpers/test_clocks", after, moving)
    return moving


def delete_clock(call: Call, record: Record) -> Record:
    """Its customers go with it."""
    for customer in call.account.rows_by("customers", "_test_clock", record["id"]):
        delete_customer(call, customer)
    call.emit("test_helpers.test_clock.deleted", "test_helpers/test_clocks", record)
    call.account.delete("test_helpers/test_clocks", record["id"])
    return {"id": record["id"], "deleted": True}
