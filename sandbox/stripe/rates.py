"""Stripe's tax rates, plans (the legacy view of recurring prices) and payment methods: what the API may make, change and delete.

Payload shapes belong to shapes.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sandbox.protocol import Record
from sandbox.stripe.params import merged_metadata
from sandbox.stripe.world import card_record, tax_rate_record
from sandbox.stripe.writes import Call, Params, create_price, create_product, referred, update, wrong

TEST_CARDS = {  # the tokens that stand for a card without its number
    "tok_visa": ("visa", "4242"), "tok_mastercard": ("mastercard", "4444"), "tok_amex": ("amex", "8431"), "tok_discover": ("discover", "1117"),
}

# ------------------------------------------------------------------ tax rates


def create_tax_rate(call: Call, params: Params) -> Record:
    account, percentage = call.account, Decimal(params["percentage"])
    if not 0 <= percentage <= 100:
        raise wrong("Invalid percentage: must be between 0 and 100.", "percentage", "parameter_invalid_decimal")
    told = {name: params[name] for name in ("active", "country", "state", "jurisdiction", "description", "tax_type") if name in params}
    record = tax_rate_record(account.new_id("tax_rates"), account.now(), percentage, display_name=params["display_name"],
                             inclusive=params["inclusive"], metadata=merged_metadata({}, params.get("metadata", {})), **told)
    account.put("tax_rates", record)
    call.emit("tax_rate.created", "tax_rates", record)
    return record


def update_tax_rate(call: Call, record: Record, params: Params) -> Record:
    names = ("active", "country", "state", "jurisdiction", "description", "display_name", "tax_type")
    return update(call, "tax_rates", record, params, names, "tax_rate.updated")


# ------------------------------------------------------------------ plans


def create_plan(call: Call, params: Params) -> Record:
    """A recurring price under the older name; a product that is described rather than named comes into being with it."""
    account, product = call.account, params["product"]
    if isinstance(product, dict):
        product = create_product(call, product)["id"]
    if ("amount" in params) == ("amount_decimal" in params):
        raise wrong("Pass exactly one of amount and amount_decimal.", "amount", "parameter_missing")
    id = params.get("id")
    if id is not None and account.live("prices", id) is not None:
        raise wrong("Plan already exists.", "id", "resource_already_exists")
    told: dict[str, Any] = {name: params[name] for name in ("currency", "active", "nickname", "metadata") if name in params}
    told |= {f"unit_{name}": params[name] for name in ("amount", "amount_decimal") if name in params}
    recurring = {"interval": params["interval"], "interval_count": params.get("interval_count", 1)}
    record = create_price(call, {**told, "product": product, "recurring": recurring}, id)
    call.emit("plan.created", "plans", record)
    return record


def update_plan(call: Call, record: Record, params: Params) -> Record:
    if "product" in params:
        referred(call.account, "products", params["product"], "product")
    after = update(call, "prices", record, params, ("active", "nickname", "product"), "price.updated")
    if after != record:
        call.emit("plan.updated", "plans", after, record)
    return after


def delete_plan(call: Call, record: Record) -> Record:
    """Subscriptions that run on it go on."""
    call.emit("plan.deleted", "plans", record)
    call.emit("price.deleted", "prices", record)
    call.account.delete("prices", record["id"])
    return {"id": record["id"], "deleted": True}


# ------------------------------------------------------------------ payment methods


def create_payment_method(call: Call, params: Params) -> Record:
    account, card = call.account, params.get("card") or {}
    if "customer" in params:
        raise wrong("A payment method is attached to a customer by its own call.", "customer")
    if params.get("type", "card") != "card":
        raise wrong(f"The payment method type \"{params['type']}\" is not activated in this account.", "type")
    if "token" in card:
        if card["token"] not in TEST_CARDS:
            raise wrong(f"No such token: '{card['token']}'", "card[token]", "resource_missing")
        (brand, last4), expires = TEST_CARDS[card["token"]], (12, 2034)
    elif {"number", "exp_month", "exp_year"} <= card.keys():
        number = card["number"].replace(" ", "")
        if not (number.isdigit() and 12 <= len(number) <= 19):
            raise wrong("Your card number is incorrect.", "card[number]", "incorrect_number")
        brand = {"4": "visa", "5": "mastercard", "3": "amex", "6": "discover"}.get(number[0], "unknown")
        last4, expires = number[-4:], (card["exp_month"], card["exp_year"])
    else:
        raise wrong("Missing required param: card[number].", "card[number]", "parameter_missing")
    record = card_record(account.new_id("payment_methods"), account.now(), None, brand, last4, expires,
                         metadata=merged_metadata({}, params.get("metadata", {})), _billing=dict(params.get("billing_details") or {}))
    return account.put("payment_methods", record)


def update_payment_method(call: Call, record: Record, params: Params) -> Record:
    if record["customer"] is None:
        raise wrong("You must save this PaymentMethod to a customer before you can update it.")
    billing = {**record["_billing"], **(params.get("billing_details") or {})}
    card = params.get("card") or {}
    expires = [card.get("exp_month", record["_expires"][0]), card.get("exp_year", record["_expires"][1])]
    metadata = merged_metadata(record["metadata"], params.get("metadata", {}))
    before, after = call.account.change("payment_methods", record["id"], _billing=billing, _expires=expires, metadata=metadata)
    if before != after:
        call.emit("payment_method.updated", "payment_methods", after, before)
    return after


def attach_payment_method(call: Call, record: Record, params: Params) -> Record:
    customer = referred(call.account, "customers", params["customer"], "customer")
    if record["customer"] not in (None, customer["id"]):
        raise wrong("The payment method you provided has already been attached to a customer.", None)
    if record.get("_detached"):
        raise wrong("This PaymentMethod was previously used and was detached from a Customer; it may not be used again.")
    _, after = call.account.change("payment_methods", record["id"], customer=customer["id"])
    call.emit("payment_method.attached", "payment_methods", after)
    return after


def detach_payment_method(call: Call, record: Record, params: Params) -> Record:
    if record["customer"] is None:
        raise wrong("The payment method you provided is not attached to a customer so detachment is impossible.")
    before, after = call.account.change("payment_methods", record["id"], customer=None, _detached=True)
    call.emit("payment_method.detached", "payment_methods", after, before)
    return after
