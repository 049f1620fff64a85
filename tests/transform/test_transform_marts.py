"""What the marts say where a business has gone on: renewals, part invoices, voided invoices, returns turned down, covers that nobody can read."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from tests.transform.landing_fixture import RECENT, Ids, World, connections, healthy, invoice, land, setting, settings_at
from transform.build import build


def _at(day: int) -> datetime:
    return datetime(2026, 3, day, tzinfo=UTC)


def _world() -> World:
    world = setting()
    for key in range(1, 6):
        healthy(world, key)
    # one subscription under a contract and its renewal, which began two days ago: an invoice of each term, and a credit with its tax
    first = world.one("salesforce", "contracts", Ids(1).contract)
    first.update(start_date=date(2025, 3, 8), end_date=date(2026, 3, 7))
    world.add("salesforce", "contracts", **{**first, "id": "800RENEWAL", "contract_number": "R1", "start_date": date(2026, 3, 8), "end_date": date(2027, 3, 7)})
    renewed, _ = invoice(world, Ids(1), suffix="-renewed", total=24000, tax=4000, finalized=_at(9))
    world.add("stripe", "credit_notes", id="cn_1", number="CN1", invoice=renewed, customer=Ids(1).billing, status="issued", currency="usd", amount=1000,
              subtotal=833, total=1000, created=_at(9), _changed_at=_at(9))
    # voided in billing, which goes on showing what was open; due long ago
    voided, _ = invoice(world, Ids(2), suffix="-void", status="void", finalized=_at(1), in_ledger=False)
    world.one("stripe", "invoices", voided).update(due_date=_at(2), voided_at=_at(3))
    # an order in two invoices of the ERP, the first past its day; its return was turned down
    _document(world, 9010, "SalesOrd", "F", tranid="SO9010", foreigntotal=Decimal("240"), taxtotal=Decimal(0))
    for part, due in (("-first", date(2026, 3, 4)), ("-second", date(2026, 4, 30))):
        _, number = invoice(world, Ids(3), suffix=part, status="open", lines=1)
        world.one("netsuite", "transactions", number)["duedate"] = due
        world.rows["netsuite"]["transaction_lines"].append(_line(number, 7, createdfrom=9010))
    _document(world, 9301, "RtnAuth", "C", source=9010, tranid="RMA9301", foreigntotal=Decimal("10"))
    # a status that no map knows; a subscription to something that is no support
    world.one("stripe", "subscriptions", Ids(4).subscription)["status"] = "odd"
    world.add("stripe", "products", id="prod_other", name="Other", active=True, created=RECENT, updated=RECENT, _changed_at=RECENT)
    world.one("stripe", "subscription_items", "si_5")["product"] = "prod_other"
    return world


def _document(world: World, id: int, type_: str, status: str, *, source: int | None = None, **more: Any) -> None:
    world.add("netsuite", "transactions", id=id, type=type_, status=status, trandate=date(2026, 3, 3), entity=Ids(3).erp, currency=1,
              exchangerate=Decimal(1), voided=False, createddate=_at(3), lastmodifieddate=_at(4), **more)
    world.rows["netsuite"]["transaction_lines"].append(_line(id, 0, mainline=True, createdfrom=source))


def _line(document: int, number: int, **more: Any) -> dict[str, Any]:
    return {"uniquekey": document * 100 + number, "transaction": document, "linesequencenumber": number, "mainline": False, "taxline": False,
            "item": 501, "quantity": Decimal(-1), "foreignamount": Decimal(0), "linelastmodifieddate": _at(3), **more}


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    settings = settings_at(tmp_path_factory.mktemp("marts"))
    # as Excel saves it; the ledger quotes GBP at 1 USD, this table the other way round
    settings.exchange_rates.write_text("\ufeffcurrency,base_currency,rate,valid_from,valid_to\nUSD,GBP,0.8,2026-01-01,\n", encoding="utf-8")
    land(settings, _world())
    build(settings, connections())
    with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
        yield connection


def test_an_invoice_counts_for_the_contract_that_had_begun(warehouse: duckdb.DuckDBPyConnection) -> None:
    """A subscription that goes on under a renewal belongs to both contracts; a credit of 10 gives back 8.33 and its tax."""
    told = warehouse.sql("select number, contract_amount, invoiced_amount, credited_amount, remaining_amount, invoice_count from contract_balance"
                         " where contract_id in ('800RENEWAL', '" + Ids(1).contract + "') order by start_date").fetchall()
    assert told == [("00000001", 2400, 100, 0, 2300, 1), ("R1", 2400, 200, 10, Decimal("2208.33"), 1)]


def test_nothing_of_a_void_invoice_is_open_or_late(warehouse: duckdb.DuckDBPyConnection) -> None:
    row = warehouse.sql("select billing_status, open_amount, overdue_days from invoice_status where number = 'F-2-void'").fetchone()
    assert row == ("void", 0, 0)


def test_an_order_is_overdue_by_its_oldest_open_invoice_and_a_rejected_return_is_settled(warehouse: duckdb.DuckDBPyConnection) -> None:
    row = warehouse.sql("select invoice_state, payment_state, return_state, open_amount, due_date from order_status where number = 'SO9010'").fetchone()
    assert row == ("invoiced", "overdue", "settled", 240, date(2026, 4, 30))


@pytest.mark.parametrize(("key", "what"), [(4, "Cover is not certain"), (5, "No cover: no subscription in billing grants it.")])
def test_an_agent_is_told_no_more_of_a_cover_than_is_known(warehouse: duckdb.DuckDBPyConnection, key: int, what: str) -> None:
    (warned,) = warehouse.execute("select warnings from agent_context where case_id = ?", [str(Ids(key).ticket)]).fetchone() or ("",)
    assert what in str(warned) and "billing knows no subscription" not in str(warned)


def test_the_own_rates_win_whichever_way_round_they_are_quoted(warehouse: duckdb.DuckDBPyConnection) -> None:
    told = warehouse.sql("select rate, method, connection from reporting_rate where currency = 'GBP' and rate_date in (date '2025-12-31', date '2026-03-01')"
                         " order by rate_date").fetchall()
    assert told == [(1, "quoted", "netsuite"), (Decimal("1.25"), "inverted", None)]


def test_a_subscription_to_what_is_no_support_never_covered_anybody(warehouse: duckdb.DuckDBPyConnection) -> None:
    told = dict(warehouse.sql("select owner_record_id, bool_or(coalesce(is_covered, false)) from customer left join cover_history using (customer_id) group by 1").fetchall())
    assert told[str(Ids(1).erp)] and not told[str(Ids(5).erp)]
