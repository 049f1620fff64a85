"""Stripe's coupons, promotion codes and the discounts that they give to subscriptions: what the API may make, change and delete.

Payload shapes belong to shapes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.protocol import Record
from sandbox.stripe.params import merged_metadata
from sandbox.stripe.writes import Call, Params, referred, update, wrong


def create_coupon(call: Call, params: Params) -> Record:
    account = call.account
    given = [name for name in ("percent_off", "amount_off") if name in params]
    if len(given) != 1:
        raise wrong("You must pass exactly one of percent_off and amount_off.", "percent_off", "parameter_missing")
    if given == ["amount_off"] and "currency" not in params:
        raise wrong("You must pass currency when passing amount_off.", "currency", "parameter_missing")
    if "percent_off" in params and not 0 < params["percent_off"] <= 100:
        raise wrong("Invalid percent_off: must be greater than 0 and at most 100.", "percent_off", "parameter_invalid_decimal")
    duration = params.get("duration", "once")
    if (duration == "repeating") != ("duration_in_months" in params):
        raise wrong("You must pass duration_in_months exactly when the duration is repeating.", "duration_in_months", "parameter_missing")
    id = params.get("id") or account.new_id("coupons")
    if account.live("coupons", id) is not None:
        raise wrong("Coupon already exists.", "id", "resource_already_exists")
    record: Record = {
        "id": id, "created": account.now(), "name": params.get("name"), "duration": duration,
        "duration_in_months": params.get("duration_in_months"), "amount_off": params.get("amount_off"),
        "currency": params["currency"].lower() if "amount_off" in params else None,
        "percent_off": float(params["percent_off"]) if "percent_off" in params else None, "max_redemptions": params.get("max_redemptions"),
        "redeem_by": params.get("redeem_by"), "times_redeemed": 0, "metadata": merged_metadata({}, params.get("metadata", {})),
    }
    account.put("coupons", record)
    call.emit("coupon.created", "coupons", record)
    return record


def update_coupon(call: Call, record: Record, params: Params) -> Record:
    return update(call, "coupons", record, params, ("name",), "coupon.updated")


def delete_coupon(call: Call, record: Record) -> Record:
    call.emit("coupon.deleted", "coupons", record)
    call.account.delete("coupons", record["id"])
    return {"id": record["id"], "deleted": True}


def create_promotion_code(call: Call, params: Params) -> Record:
    account = call.account
    coupon = referred(account, "coupons", params["promotion"]["coupon"], "promotion[coupon]")
    if "customer" in params:
        referred(account, "customers", params["customer"], "customer")
    id = account.new_id("promotion_codes")
    code = params.get("code") or id[-8:].upper()
    if any(row["active"] for row in account.rows_by("promotion_codes", "code", code)):
        raise wrong("An active promotion code with this code already exists.", "code", "resource_already_exists")
    record: Record = {
        "id": id, "created": account.now(), "active": params.get("active", True), "code": code, "customer": params.get("customer"),
        "expires_at": params.get("expires_at"), "max_redemptions": params.get("max_redemptions"), "times_redeemed": 0,
        "restrictions": {"first_time_transaction": False, "minimum_amount": None, "minimum_amount_currency": None},
        "metadata": merged_metadata({}, params.get("metadata", {})), "_coupon": coupon["id"],
    }
    account.put("promotion_codes", record)
    call.emit("promotion_code.created", "promotion_codes", record)
    return record


def give(call: Call, subscription: Record, wanted: Sequence[Mapping[str, Any]]) -> list[str]:
    """The discounts that the subscription has from now on; those that are named by their own id stay."""
    account, ids = call.account, []
    for number, entry in enumerate(wanted):
        named = [name for name in ("coupon", "promotion_code", "discount") if entry.get(name)]
        if len(named) != 1:
            raise wrong(f"Pass exactly one of coupon, promotion_code and discount in discounts[{number}].", f"discounts[{number}]")
        if named == ["discount"]:
            if entry["discount"] not in subscription["_discounts"]:
                raise wrong("The subscription has no such discount.", f"discounts[{number}][discount]")
            ids.append(str(entry["discount"]))
            continue
        code = None
        if named == ["promotion_code"]:
            code = referred(account, "promotion_codes", entry["promotion_code"], f"discounts[{number}][promotion_code]")
        coupon = referred(account, "coupons", code["_coupon"] if code else entry["coupon"], f"discounts[{number}][coupon]")
        if not is_valid(coupon, account.now()):
            raise wrong("This coupon can no longer be redeemed.", f"discounts[{number}][coupon]", "coupon_expired")
        id = account.new_id("discounts")
        account.put("discounts", {
            "id": id, "created": account.now(), "customer": subscription["customer"], "subscription": subscription["id"],
            "promotion_code": code["id"] if code else None, "start": account.now(), "end": None, "_coupon": coupon["id"]})
        account.change("coupons", coupon["id"], times_redeemed=coupon["times_redeemed"] + 1)
        ids.append(id)
    return ids


def is_valid(coupon: Record, now: int) -> bool:
    return (coupon["redeem_by"] is None or coupon["redeem_by"] > now) and (
        coupon["max_redemptions"] is None or coupon["times_redeemed"] < coupon["max_redemptions"])
