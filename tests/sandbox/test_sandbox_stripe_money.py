"""The Stripe stand-in beside invoices and subscriptions: its ledger and payouts, discounts, tax ids, invoice items, schedules."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.sandbox.test_sandbox_stripe import BASIL, NOW, OLD, Site, error, open_site, sid, world


@pytest.fixture
def site() -> Iterator[Site]:
    with open_site(world()) as opened:
        yield opened


def post(site: Site, path: str, status: int = 200, version: str = BASIL, **form: object) -> dict:  # type: ignore[type-arg]
    answer = site.ask("POST", path, {name.replace("__", "][").replace("~", "["): value for name, value in form.items()}, version=version)
    assert answer.status == status, answer.body
    found: dict = answer.body  # type: ignore[type-arg]
    return found


def test_every_movement_of_money_has_a_balance_transaction(site: Site) -> None:
    rows = site.get("/v1/balance_transactions", limit=100)["data"]
    assert {row["source"] for row in rows if row["type"] != "payout"} == {
        sid("payment", 1), sid("payment", 2), sid("refund", 1), sid("dispute", 1)}  # a failed charge moved nothing
    assert all(row["net"] == row["amount"] - row["fee"] and row["fee"] == sum(part["amount"] for part in row["fee_details"]) for row in rows)
    charge = site.get(f"/v1/charges/{sid('payment', 1)}", **{"expand[]": "balance_transaction"})
    assert charge["balance_transaction"]["source"] == charge["id"] and charge["balance_transaction"]["amount"] == charge["amount"]
    assert charge["balance_transaction"]["status"] == ("available" if charge["created"] + 2 * 86400 <= NOW.timestamp() else "pending")
    dispute = site.get(f"/v1/disputes/{sid('dispute', 1)}")
    assert [row["amount"] for row in dispute["balance_transactions"]] == [-500] and dispute["balance_transactions"][0]["fee"] == 1500
    refund = post(site, "/v1/refunds", charge=sid("payment", 1), amount=100)
    assert site.get(f"/v1/balance_transactions/{refund['balance_transaction']}")["amount"] == -100
    assert site.get("/v1/balance_transactions", type="refund")["data"][0]["source"] == refund["id"]
    assert error(site.ask("GET", "/v1/balance_transactions?payout=po_x"), 400)["code"] == "resource_missing"


def test_payouts_hold_what_became_available(site: Site) -> None:
    for payout in site.get("/v1/payouts", limit=100)["data"]:
        rows = site.get("/v1/balance_transactions", payout=payout["id"], limit=100)["data"]
        assert sum(row["net"] for row in rows if row["type"] != "payout") == payout["amount"]
        assert [row["net"] for row in rows if row["type"] == "payout"] == [-payout["amount"]]
    assert site.get("/v1/payouts", status="failed")["data"] == []
    error(site.ask("GET", "/v1/payouts?status=lost"), 400)


def test_a_coupon_discounts_a_subscription_in_both_shapes(site: Site) -> None:
    coupon = post(site, "/v1/coupons", id="TEN", percent_off="10", duration="forever")
    assert coupon["valid"] and coupon["percent_off"] == 10.0
    assert error(site.ask("POST", "/v1/coupons", {"amount_off": 5}), 400)["param"] == "currency"
    code = site.ask("POST", "/v1/promotion_codes", {"promotion[type]": "coupon", "promotion[coupon]": "TEN", "code": "HELLO"}).body
    assert code["promotion"] == {"type": "coupon", "coupon": "TEN"}
    assert site.get(f"/v1/promotion_codes/{code['id']}", OLD)["coupon"]["id"] == "TEN"
    subscription = site.get("/v1/subscriptions", limit=1)["data"][0]["id"]
    changed = site.ask("POST", f"/v1/subscriptions/{subscription}", {"discounts[0][promotion_code]": code["id"]}).body
    [id] = changed["discounts"]
    shown = site.get(f"/v1/subscriptions/{subscription}", **{"expand[]": "discounts"})["discounts"][0]
    assert shown["id"] == id and shown["source"] == {"type": "coupon", "coupon": "TEN"}
    assert site.get(f"/v1/subscriptions/{subscription}", OLD)["discount"]["coupon"]["id"] == "TEN"
    assert site.get("/v1/coupons/TEN")["times_redeemed"] == 1
    assert site.ask("DELETE", "/v1/coupons/TEN").body == {"id": "TEN", "object": "coupon", "deleted": True}
    assert [row["type"] for row in site.get("/v1/events", type="coupon.*")["data"]] == ["coupon.deleted", "coupon.created"]


def test_tax_ids_hang_on_their_customer(site: Site) -> None:
    id = sid("customer", 5)
    [held] = site.get(f"/v1/customers/{id}/tax_ids")["data"]
    assert held["type"] == "eu_vat" and held["value"] == "DE000000005" and held["customer"] == id
    made = post(site, f"/v1/customers/{id}/tax_ids", type="gb_vat", value="GB1")
    assert error(site.ask("POST", f"/v1/customers/{id}/tax_ids", {"type": "gb_vat", "value": "GB1"}), 400)["param"] == "value"
    expanded = site.get(f"/v1/customers/{id}", **{"expand[]": "tax_ids"})["tax_ids"]
    assert {row["id"] for row in expanded["data"]} == {held["id"], made["id"]} and "tax_ids" not in site.get(f"/v1/customers/{id}")
    assert site.ask("DELETE", f"/v1/customers/{id}/tax_ids/{made['id']}").body["deleted"] is True
    assert [row["type"] for row in site.get("/v1/events", type="customer.tax_id.*")["data"]] == [
        "customer.tax_id.deleted", "customer.tax_id.created"]


def test_pending_invoice_items_in_both_shapes(site: Site) -> None:
    price = site.get("/v1/prices", limit=1)["data"][0]
    made = site.ask("POST", "/v1/invoiceitems", {"customer": sid("customer", 5), "pricing[price]": price["id"], "quantity": 3}).body
    assert made["amount"] == 3 * price["unit_amount"] and made["pricing"]["price_details"]["price"] == price["id"] and "created" not in made
    assert site.get(f"/v1/invoiceitems/{made['id']}", OLD)["price"]["id"] == price["id"]
    assert [row["id"] for row in site.get("/v1/invoiceitems", pending="true")["data"]] == [made["id"]]
    assert site.get("/v1/invoiceitems", pending="false")["data"] == []
    assert error(site.ask("POST", "/v1/invoiceitems", {"customer": sid("customer", 5)}), 400)["param"] == "amount"
    assert site.ask("DELETE", f"/v1/invoiceitems/{made['id']}").body["deleted"] is True


def test_schedules_take_over_and_release_a_subscription(site: Site) -> None:
    subscription = site.get("/v1/subscriptions", limit=1, status="active")["data"][0]["id"]
    schedule = post(site, "/v1/subscription_schedules", from_subscription=subscription)
    assert schedule["status"] == "active" and len(schedule["phases"]) == 1
    assert site.get(f"/v1/subscriptions/{subscription}")["schedule"] == schedule["id"]
    error(site.ask("POST", "/v1/subscription_schedules", {"from_subscription": subscription}), 400)
    released = post(site, f"/v1/subscription_schedules/{schedule['id']}/release")
    assert released["status"] == "released" and released["released_subscription"] == subscription and released["subscription"] is None
    error(site.ask("POST", f"/v1/subscription_schedules/{schedule['id']}/cancel", {}), 400)
    assert [row["type"] for row in site.get("/v1/events", type="subscription_schedule.*")["data"]] == [
        "subscription_schedule.released", "subscription_schedule.created"]


def test_the_official_client_reads_them(site: Site) -> None:
    client = site.client(BASIL)
    assert {row.object for row in client.v1.balance_transactions.list({"limit": 2}).auto_paging_iter()} == {"balance_transaction"}
    assert client.v1.customers.tax_ids.list(sid("customer", 5)).data[0].value == "DE000000005"
    client.v1.coupons.create({"id": "FIVE", "amount_off": 500, "currency": "usd", "duration": "once"})
    assert client.v1.coupons.retrieve("FIVE").amount_off == 500
