"""A NetSuite account becomes the warehouse's entities: goods and returns with their documents, every letter decoded, rates with their day."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from concord.connections import Connection
from tests.transform.landing_fixture import LONG_AGO, RECENT, World, healthy, land, setting, settings_at
from transform.build import build

RETURNS = {"A": "requested", "B": "approved", "C": "rejected", "D": "received", "E": "received", "F": "received", "G": "credited", "H": "closed"}
ORDERS = {"A": "pending_approval", "B": "pending_fulfillment", "C": "cancelled", "D": "partially_fulfilled",
          "E": "pending_billing_partially_fulfilled", "F": "pending_billing", "G": "billed", "H": "closed"}
PAYMENTS = {("CustPymt", "A"): "unapproved", ("CustPymt", "B"): "undeposited", ("CustPymt", "C"): "deposited", ("CashSale", "B"): "undeposited",
            ("CustDep", "A"): "undeposited", ("CustDep", "B"): "deposited", ("CustDep", "C"): "deposited"}
NOTES = {"A": "open", "B": "applied", "V": "void"}
SHIPMENTS = {"A": "picked", "B": "picked", "C": "shipped", "Z": None}


def _world() -> World:
    world = setting()
    customer = healthy(world, 1).erp

    def add(id: int, type_: str, status: str | None, source: int | None = None, **more: Any) -> None:
        world.add("netsuite", "transactions", **{
            "id": id, "tranid": f"N{id}", "type": type_, "status": status, "trandate": RECENT.date(), "entity": customer, "currency": 1,
            "exchangerate": Decimal(1), "foreigntotal": Decimal(-50), "taxtotal": Decimal(0), "voided": False, "createddate": RECENT,
            "lastmodifieddate": RECENT, **more})
        world.add("netsuite", "transaction_lines", uniquekey=id * 10, transaction=id, linesequencenumber=0, mainline=True, taxline=False,
                  subsidiary=1, createdfrom=source, linelastmodifieddate=RECENT)

    for place, letter in enumerate(ORDERS):
        add(100 + place, "SalesOrd", letter)
    add(190, "CustInvc", "A", 102, foreigntotal=Decimal(50), foreignamountunpaid=Decimal(50), foreignamountpaid=Decimal(0))
    for place, letter in enumerate(RETURNS):
        add(200 + place, "RtnAuth", letter, 190 if letter == "G" else 101, memo="defective")
    add(290, "ItemRcpt", None, 206, foreigntotal=None)
    add(291, "ItemRcpt", None, 206, foreigntotal=None, createddate=LONG_AGO)
    for place, letter in enumerate(SHIPMENTS):
        add(300 + place, "ItemShip", letter, 101, foreigntotal=None, shipdate=date(2026, 1, 2), shipcarrier="UPS",
            actualshipdate=date(2026, 1, 3) if letter == "C" else None)
    world.add("netsuite", "shipment_tracking_numbers", transaction=302, trackingnumber=1, number="1Z77", _changed_at=RECENT)
    for place, (type_, letter) in enumerate(PAYMENTS):
        add(400 + place, type_, letter, foreigntotal=Decimal(50))
    for place, letter in enumerate(NOTES):
        add(500 + place, "CustCred", letter, 206, memo="broken" if letter == "A" else None)
    world.add("netsuite", "terms", id=2, name="Net 30", daysuntilnetdue=30, isinactive=False, _changed_at=LONG_AGO)
    world.add("netsuite", "customer_subsidiaries", id=1, entity=customer, subsidiary=1, isprimarysub=True, _changed_at=LONG_AGO)
    world.add("netsuite", "customer_subsidiaries", id=2, entity=customer, subsidiary=7, isprimarysub=False, _changed_at=LONG_AGO)
    world.add("netsuite", "employees", id=13, entityid="Rita", firstname="Rita", lastname="Gomez", email="Rita@Concord.example", isinactive=False,
              _changed_at=LONG_AGO)
    for id, day, rate in ((20, date(2025, 1, 1), "1.05"), (21, date(2026, 1, 1), "1.09")):
        world.add("netsuite", "currency_rates", id=id, basecurrency=1, transactioncurrency=2, exchangerate=Decimal(rate), effectivedate=day,
                  _changed_at=LONG_AGO)
    world.rows = {"netsuite": world.rows["netsuite"]}
    return world


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], list[tuple[Any, ...]]]:
    settings = settings_at(Path(tmp_path_factory.mktemp("netsuite")))
    land(settings, _world())
    build(settings, {"netsuite": Connection(name="netsuite", system="netsuite", role="erp", sandbox=True)})

    def query(text: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(settings.warehouse), read_only=True) as database:
            return database.execute(text).fetchall()

    return query


def test_every_letter_of_the_types_is_decoded(rows: Callable[[str], list[tuple[Any, ...]]]) -> None:
    assert dict(rows("select status_raw, status from return_order")) == RETURNS
    assert dict(rows("select status_raw, status from sales_order where order_id::int < 190")) == ORDERS
    assert dict(rows("select status_raw, status from shipment")) == SHIPMENTS
    assert dict(rows("select status_raw, status from credit_note")) == NOTES
    paid = [status for (status,) in rows("select status from payment where payment_id::int >= 400 order by payment_id::int")]
    assert paid == list(PAYMENTS.values())


def test_a_return_names_order_and_invoice_and_when_it_came(rows: Callable[[str], list[tuple[Any, ...]]]) -> None:
    columns = "order_id, invoice_id, reason, amount, currency, received_at is not null, company_id, customer_id is not null"
    assert rows(f"select {columns} from return_order where return_id = '206'") == [
        ("102", "190", "defective", Decimal(50), "USD", True, "1", True)]  # made from the invoice, which names the order
    assert rows(f"select {columns} from return_order where return_id = '201'") == [
        ("101", None, "defective", Decimal(50), "USD", False, "1", True)]
    [(received,)] = rows("select received_at from return_order where return_id = '206'")
    assert received.date() == LONG_AGO.date()  # the first of two receipts


def test_a_shipment_names_order_carrier_and_days(rows: Callable[[str], list[tuple[Any, ...]]]) -> None:
    columns = "order_id, carrier, tracking_number, planned_date, shipped_at::date, delivered_at, company_id"
    assert rows(f"select {columns} from shipment where shipment_id = '302'") == [
        ("101", "UPS", "1Z77", date(2026, 1, 2), date(2026, 1, 3), None, "1")]
    assert rows("select count(*) from shipment where status <> 'shipped' and shipped_at is not null") == [(0,)]


def test_terms_company_users_rates_and_reasons(rows: Callable[[str], list[tuple[Any, ...]]]) -> None:
    assert rows("select terms, company_id from netsuite__erp_customer") == [("Net 30", "1")]
    assert rows("select agent_id, login, name, is_active from netsuite__agent") == [("13", "rita@concord.example", "Rita Gomez", True)]
    found = {currency: (rate, day) for currency, rate, day in rows("select currency, rate, valid_from from netsuite__exchange_rate order by valid_from")}
    assert found["EUR"] == (Decimal("1.09"), date(2026, 1, 1)) and found["GBP"] == (Decimal(1), LONG_AGO.date()) and len(found) == 5
    assert dict(rows("select credit_note_id, reason from netsuite__credit_note")) == {"500": "broken", "501": None, "502": None}
