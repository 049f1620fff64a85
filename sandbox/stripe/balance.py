"""Stripe's own ledger of the account: a balance transaction for all money that moved, and the payouts that empty the balance.

Payload shapes belong to shapes; what moves money to writes and world.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sandbox.protocol import Record
from sandbox.stripe.account import Account, exponent

SETTLES_AFTER = 2 * 86_400
_DAY = 86_400
_CATEGORY = {"charge": "charge", "refund": "refund", "adjustment": "dispute"}


def fee_of(amount: int, currency: str) -> int:
    """2.9 % and thirty cents, in the currency's smallest unit."""
    return amount * 29 // 1000 + 30 * 10 ** exponent(currency) // 100


def book(account: Account, type: str, source: Record, amount: int, fee: int, key: str) -> str:
    """Enter a movement once; returns the id of its transaction. `amount` is negative for money that leaves."""
    id = account.named_id("balance_transactions", key)
    if account.get("balance_transactions", id) is None:
        record: Record = {
            "id": id, "created": source["created"], "amount": amount, "currency": source["currency"], "fee": fee, "net": amount - fee,
            "fee_details": [{"amount": fee, "application": None, "currency": source["currency"], "description": "Stripe processing fees",
                             "type": "stripe_fee"}] if fee else [],
            "available_on": source["created"] + SETTLES_AFTER, "exchange_rate": None, "description": None, "type": type,
            "reporting_category": _CATEGORY.get(type, type), "source": source["id"], "balance_type": "payments", "_payout": None,
        }
        if source.get("_hidden"):
            record["_hidden"] = True
        account.put("balance_transactions", record)
    return id


def book_charge(account: Account, charge: Record, key: str) -> Record:
    """The charge with its transaction; one that did not succeed moved nothing."""
    if charge["status"] != "succeeded":
        return charge
    return {**charge, "_txn": book(account, "charge", charge, charge["amount"], fee_of(charge["amount"], charge["currency"]), key)}


def book_refund(account: Account, refund: Record, key: str) -> Record:
    if refund["status"] not in ("succeeded", "pending"):
        return refund
    return {**refund, "_txn": book(account, "refund", refund, -refund["amount"], 0, key)}


def book_dispute(account: Account, dispute: Record, key: str) -> Record:
    """An inquiry moves nothing yet; a dispute takes the amount and a fee, and a won one gives the amount back."""
    if dispute["status"].startswith("warning_"):
        return dispute
    fee = 15 * 10 ** exponent(dispute["currency"])
    ids = [book(account, "adjustment", dispute, -dispute["amount"], fee, key)]
    if dispute["status"] == "won":
        ids.append(book(account, "adjustment", dispute, dispute["amount"], 0, f"{key}-won"))
    return {**dispute, "_txns": ids}


def _week(moment: int) -> int:
    """The Monday of the week, as unix time."""
    at = datetime.fromtimestamp(moment, UTC)
    monday = (at - timedelta(days=at.weekday())).replace(hour=0, minute=0, second=0, microsecond=0)
    return int(monday.timestamp())


def pay_out(account: Account, now: int, since: int) -> None:
    """One payout a currency and week, on the Monday after it, of what became available in it; told of where it lies behind `since`."""
    due: dict[tuple[int, str], list[Record]] = {}
    for record in account.store.collection("balance_transactions").values():
        monday = _week(record["available_on"]) + 7 * _DAY
        if record["_payout"] is None and record["type"] != "payout" and not record.get("_hidden") and monday <= now:
            due.setdefault((monday, record["currency"]), []).append(record)
    for (monday, currency), records in sorted(due.items()):
        amount = sum(record["net"] for record in records)
        id = account.named_id("payouts", f"{currency}-{monday}")
        if amount <= 0 or account.get("payouts", id) is not None:
            continue
        arrival = monday + 2 * _DAY
        status = "paid" if arrival <= now else "in_transit"
        payout: Record = {
            "id": id, "created": monday, "amount": amount, "currency": currency, "arrival_date": arrival, "automatic": True,
            "status": status, "method": "standard", "type": "bank_account", "source_type": "card", "destination": f"ba_{currency}",
            "description": "STRIPE PAYOUT", "statement_descriptor": None, "metadata": {}, "_txn": None,
        }
        payout["_txn"] = book(account, "payout", payout, -amount, 0, f"payout-{currency}-{monday}")
        account.put("payouts", payout)
        account.change("balance_transactions", payout["_txn"], _payout=id, available_on=monday)
        for record in records:
            account.change("balance_transactions", record["id"], _payout=id)
        if monday >= since:
            account.emit("payout.created", "payouts", {**payout, "status": "in_transit"}, at=monday, key=f"payout.created:{id}")
        if status == "paid" and arrival >= since:
            account.emit("payout.paid", "payouts", payout, before={**payout, "status": "in_transit"}, at=arrival, key=f"payout.paid:{id}")
    for payout in list(account.store.collection("payouts").values()):
        if payout["status"] == "in_transit" and payout["arrival_date"] <= now:
            before, after = account.change("payouts", payout["id"], status="paid")
            account.emit("payout.paid", "payouts", after, before=before, at=payout["arrival_date"], key=f"payout.paid:{payout['id']}")


def shown_status(record: Record, now: int) -> str:
    return "available" if record["available_on"] <= now else "pending"


def shown(record: Record, now: int) -> dict[str, Any]:
    return {"status": shown_status(record, now)}
