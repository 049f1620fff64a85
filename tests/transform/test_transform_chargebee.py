"""A Chargebee site becomes the warehouse's entities: amounts in major units, its words decoded, only what exists."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

from concord.connections import Connection, SandboxAccount
from concord.settings import Settings, load_settings
from ingestion.run import ingest
from tests.chargebee_company import KEY, cid, company, serving
from tests.dbt_cache import NAME
from transform.build import build


@dataclass
class Warehouse:
    settings: Settings

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.settings.warehouse), read_only=True) as database:
            return database.execute(query).fetchall()


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    home = tmp_path_factory.mktemp("chargebee")
    settings = load_settings({"CONCORD_HOME": str(Path(home) / "home"), "CONCORD_DATA": "", NAME: os.environ[NAME]})
    connections = {"cb": Connection(name="cb", system="chargebee", role="billing", sandbox=True, settings={"site": "concord-test"})}
    with serving(Path(home) / "site", company()) as site:
        [result] = ingest(settings, connections, accounts={"cb": SandboxAccount(site.url, {"api_key": KEY})})
    assert result.error is None
    build(settings, connections)
    yield Warehouse(settings)


def test_invoices(built: Warehouse) -> None:
    found = {id: rest for id, *rest in built.rows(
        "select invoice_id, number, status, status_raw, currency, total_amount::varchar, open_amount::varchar from invoice")}
    assert found[cid("invoice", 1)] == ["R-1", "open", "posted", "USD", "156.000000", "156.000000"]
    assert found[cid("invoice", 4)][3:5] == ["JPY", "1200.000000"] and found[cid("invoice", 5)][3:5] == ["KWD", "3.000000"]
    assert {n: found[cid("invoice", n)][1] for n in (2, 3, 7, 8, 9, 10)} == {
        2: "paid", 3: "draft", 7: None, 8: "open", 9: "void", 10: "uncollectible"}
    assert found[cid("invoice", 13)][4:] == ["24.000000", "18.000000"]
    assert built.rows(f"select billing_invoice_id, erp_order_id from invoice where invoice_id = '{cid('invoice', 2)}'") == [
        (cid("invoice", 2), "erp-order-7")]


def test_lines_carry_the_products_sku_and_major_units(built: Warehouse) -> None:
    assert built.rows(f"select distinct sku, amount::varchar, tax_amount::varchar from invoice_line where invoice_id = '{cid('invoice', 1)}'") == [
        ("SEAT", "10.000000", "2.000000")]


def test_subscriptions(built: Warehouse) -> None:
    found = {id: rest for id, *rest in built.rows(
        "select subscription_id, status, status_raw, contract_id, ended_at is not null from subscription")}
    assert {n: found[cid("subscription", n)] for n in range(1, 7)} == {
        1: ["active", "active", "crm-contract-1", False], 2: ["canceled", "cancelled", "crm-contract-2", True],
        3: ["past_due", "past_due", "crm-contract-3", False], 4: ["trialing", "in_trial", "crm-contract-4", False],
        5: ["active", "non_renewing", "crm-contract-5", False], 6: [None, "in_limbo", "crm-contract-6", False]}
    assert built.rows(f"select tier, period_amount::varchar from subscription where subscription_id = '{cid('subscription', 1)}'") == [
        ("standard", "30.000000")]


def test_money_that_moved(built: Warehouse) -> None:
    assert built.rows("select payment_id, status, amount::varchar from payment order by amount") == [
        (cid("payment", 4), "pending", "1.000000"), (cid("payment", 3), "failed", "8.000000"),
        (cid("payment", 2), "succeeded", "9.000000"), (cid("payment", 1), "succeeded", "24.000000")]
    assert built.rows("select refund_id, status, amount::varchar from refund") == [(cid("refund", 1), "succeeded", "6.000000")]
    assert built.rows("select credit_note_id, status, total_amount::varchar from credit_note order by 1") == [
        (cid("credit_note", 1), "applied", "6.000000"), (cid("credit_note", 2), "applied", "6.000000"), (cid("credit_note", 3), "void", "6.000000")]


def test_customers_and_products(built: Warehouse) -> None:
    assert built.rows("select count(*) from customer_record where connection = 'cb'") == [(25,)]  # one was deleted, one is hidden
    assert built.rows("select sku, is_active from product order by sku") == [("BOX", False), ("SEAT", True)]


def test_a_status_that_nobody_knows_is_a_finding(built: Warehouse) -> None:
    assert {row[0] for row in built.rows("select right_value from drift where drift_id = 'D5'")} == {"in_limbo"}
