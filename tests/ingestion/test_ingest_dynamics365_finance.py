"""Dynamics 365 Finance end to end: companies, whole reads that are compared, days that cut, rows read again, deletes, drift, faults."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from ingestion import poll
from ingestion.client import Refused, Unavailable
from ingestion.readers import Wanted, odata_v4
from ingestion.spec import load_system
from sandbox.dynamics365_finance.ids import company_of
from sandbox.world.model import Order, View, native_id

NAME = "dynamics365_finance"
SYSTEM = load_system(NAME)
DOCUMENTS = {"orders": "orders", "shipments": "shipments", "returns": "returns", "contacts": "contacts", "customers": "customers"}


@pytest.fixture(scope="module")
def lab(make_lab):
    return make_lab(NAME)


@pytest.fixture
def fresh(lab, tmp_path):
    return lab.elsewhere(tmp_path)


@pytest.fixture
def tell(lab):
    """The world goes on in the environment; what was told is taken back after the test."""
    vendor = lab.sandbox.vendors[NAME]
    world = lab.sandbox.world.views[NAME]
    undo: dict[str, dict[int, Any]] = {}

    def apply(**rows: list[Any]) -> None:
        for name, changed in rows.items():
            known = {row.key: row for row in getattr(world, name)}
            undo.setdefault(name, {}).update({row.key: known.get(row.key, replace(row, removed=True)) for row in changed})
        vendor.apply(View(system=NAME, as_of=lab.sandbox.world.as_of, role="erp", peers=world.peers, **rows))
        vendor.store.take_effects()

    yield apply
    vendor.apply(View(system=NAME, as_of=lab.sandbox.world.as_of, role="erp", peers=world.peers,
                      **{name: list(rows.values()) for name, rows in undo.items()}))
    vendor.store.take_effects()


def _first(lab, name, fits=lambda row: True):
    return next(row for row in getattr(lab.sandbox.world.views[NAME], name) if fits(row))


def _later(lab):
    """Far enough on that a missing row counts as gone and not as late."""
    lab.sandbox.advance(seconds=10)


def test_everything_of_both_companies_lands_typed_and_audited(fresh, lab):
    result = fresh.good(NAME)
    world = lab.sandbox.world.views[NAME]
    assert {name: result.rows[name] for name in DOCUMENTS} == {name: len(getattr(world, rows)) for name, rows in DOCUMENTS.items()}
    assert result.rows["products"] == 2 * len(world.products)  # released to both companies
    assert result.rows["invoices"] == len(world.invoices) + len(world.credit_notes)
    assert result.rows["order_lines"] == sum(len(order.lines) for order in world.orders)
    assert result.rows["transactions"] == len(world.invoices) + len(world.credit_notes) + len(world.payments) + len(world.refunds)
    assert set(result.rows) == set(SYSTEM.resources) and not result.drift and not result.quarantined
    assert all(audit.is_complete and audit.expected in (None, audit.actual) for audit in result.audits)
    assert fresh.rows(NAME, "customers", "SELECT DISTINCT data_area_id FROM t ORDER BY 1") == [("demf",), ("usmf",)]
    assert fresh.rows(NAME, "customers", "SELECT typeof(credit_limit), typeof(address_valid_to), typeof(credit_limit_expires_on) FROM t LIMIT 1") == [
        ("DECIMAL(38,9)", "TIMESTAMP WITH TIME ZONE", "DATE")]


def test_values_are_exact(fresh, lab):
    fresh.good(NAME)
    world = lab.sandbox.world.views[NAME]
    paid = _first(lab, "payments", lambda row: row.status == "succeeded" and row.invoice is not None)
    [(amount, day, due, company)] = fresh.rows(
        NAME, "transactions", f"SELECT amount, transaction_date, due_date, data_area_id FROM t WHERE record_id = {native_id(NAME, 'payment', paid.key)}")
    assert (-amount, day, due, company) == (paid.amount, paid.paid_at.date(), None, company_of(paid.customer))
    landed = [row[0] for row in fresh.rows(NAME, "transactions", "SELECT record_id FROM t")]
    wanted = {int(native_id(NAME, "payment", row.key)) for row in world.payments}
    assert wanted <= set(landed) and len(landed) == len(set(landed)) and min(landed) > 2**53  # not one rounded into another
    invoice = _first(lab, "invoices", lambda row: row.order is not None)
    assert fresh.rows(NAME, "invoices", "SELECT total_amount, total_tax_amount, invoice_date, customers_order_reference FROM t "
                      f"WHERE invoice_number = '{native_id(NAME, 'invoice', invoice.key)}'") == [
        (invoice.total, invoice.tax, invoice.invoice_date, invoice.number)]
    [(shipped, delivered)] = fresh.rows(NAME, "shipments", "SELECT count(document_date), count(delivered_on) FROM t")
    assert shipped == sum(row.shipped_at is not None for row in world.shipments)
    assert delivered == sum(row.delivered_at is not None for row in world.shipments)
    assert fresh.rows(NAME, "customers", "SELECT count(address_valid_to) FROM t") == [(0,)]  # 2154 is never


def test_r16_a_run_without_news_lands_nothing_and_asks_little(fresh):
    first = fresh.good(NAME)
    again = fresh.good(NAME)
    assert again.rows == {} and again.error is None and again.is_complete
    assert again.requests < first.requests + 40


def test_r7_r10_what_vanished_is_a_tombstone_but_only_after_a_complete_read(fresh, lab):
    fresh.good(NAME)
    _later(lab)
    customer = _first(lab, "customers")
    id = f"{native_id(NAME, 'customer', customer.key)}"
    key = next(key for key in lab.store(NAME).collection("CustomersV3") if key.endswith(id))
    with lab.altered(NAME, "CustomersV3", {key: None}):
        lab.sandbox.fault(NAME, "500", "CustomersV3", count=50)
        assert fresh.ingest(NAME).error is not None
        assert fresh.rows(NAME, "customers", "SELECT count(*) FROM t WHERE _deleted") == [(0,)]
        lab.sandbox.faults.clear()
        result = fresh.good(NAME)
        assert result.rows == {"customers": 1}
        assert fresh.rows(NAME, "customers", "SELECT customer_account, organization_name FROM t WHERE _deleted") == [(id, None)]
    assert fresh.good(NAME).rows == {"customers": 1}  # and it is back


def test_a_hold_lands_as_one_new_version_with_its_stamp(fresh, lab):
    fresh.good(NAME)
    customer = next(row for row in fresh.rows(NAME, "customers", "SELECT customer_account, data_area_id FROM t WHERE on_hold_status = 'No' AND data_area_id = 'demf' LIMIT 1"))
    before = poll.newest_change(lab.connections[NAME], lab.accounts[NAME])
    with fresh.client(NAME) as client:
        address = f"CustomersV3(dataAreaId='{customer[1]}',CustomerAccount='{customer[0]}')?cross-company=true"
        client.request("PATCH", address, json={"OnHoldStatus": "All"}, write=True)
        assert poll.newest_change(lab.connections[NAME], lab.accounts[NAME]) != before
        result = fresh.good(NAME)
        assert result.rows == {"customers": 1, "customer_stamps": 1}
        assert fresh.rows(NAME, "customers", f"SELECT on_hold_status FROM t WHERE customer_account = '{customer[0]}' ORDER BY _changed_at DESC, _load_id DESC LIMIT 1") == [("All",)]
        assert fresh.rows(NAME, "customer_stamps", f"SELECT modified_by FROM t WHERE customer_account = '{customer[0]}' ORDER BY modified_at DESC, _load_id DESC LIMIT 1") == [("integration",)]
        client.request("PATCH", address, json={"OnHoldStatus": "No"}, write=True)
    assert fresh.good(NAME).rows["customers"] == 1  # back to what it was is news too


def test_r6_an_open_order_is_read_again_until_it_is_done_and_its_lines_follow(fresh, lab, tell):
    fresh.good(NAME)
    order = _first(lab, "orders", lambda row: row.status in ("pending_fulfillment", "partially_fulfilled", "pending_billing", "pending_approval"))
    number = native_id(NAME, "order", order.key)
    tell(orders=[replace(order, status="billed")])
    result = fresh.good(NAME)
    assert result.rows == {"orders": 1, "order_lines": len(order.lines)}
    assert fresh.rows(NAME, "orders", f"SELECT status FROM t WHERE sales_order_number = '{number}' ORDER BY _changed_at DESC, _load_id DESC LIMIT 1") == [("Invoiced",)]
    assert fresh.good(NAME).rows == {}


def test_r6_a_new_order_brings_its_lines_and_a_vanished_line_is_buried(fresh, lab, tell):
    fresh.good(NAME)
    old = _first(lab, "orders", lambda row: len(row.lines) >= 2)
    now = lab.sandbox.world.as_of
    new = replace(old, key=900_001, status="pending_fulfillment", created_at=now, updated_at=now, opportunity=None)
    assert isinstance(new, Order)
    tell(orders=[new])
    assert fresh.good(NAME).rows == {"orders": 1, "order_lines": len(new.lines)}
    tell(orders=[replace(new, lines=new.lines[:1])])
    assert fresh.good(NAME).rows == {"order_lines": len(new.lines) - 1}
    assert fresh.rows(NAME, "order_lines", "SELECT count(*) FROM t WHERE _deleted") == [(len(new.lines) - 1,)]


def test_r7_an_open_order_that_is_deleted_is_a_tombstone(fresh, lab, tell):
    now = lab.sandbox.world.as_of
    old = _first(lab, "orders")
    new = replace(old, key=900_002, status="pending_fulfillment", created_at=now, updated_at=now, opportunity=None)
    tell(orders=[new])
    fresh.good(NAME)
    tell(orders=[replace(new, removed=True)])
    assert fresh.good(NAME).rows == {"orders": 1, "order_lines": len(new.lines)}
    assert fresh.rows(NAME, "orders", "SELECT sales_order_number FROM t WHERE _deleted") == [(native_id(NAME, "order", new.key),)]


@pytest.mark.parametrize("bi_entities", [True, False])
def test_r5_a_payment_closes_the_invoices_transaction(make_lab, bi_entities):
    lab = make_lab(NAME, scale=0.05, vendor_settings={NAME: {"bi_entities": bi_entities}})
    first = lab.good(NAME)
    assert ("packing_slips" in first.rows) is bi_entities and first.is_complete
    world = lab.sandbox.world.views[NAME]
    invoice = next(row for row in world.invoices if row.status == "open" and row.amount_remaining > 0)
    done = replace(invoice, status="paid", amount_paid=invoice.total, amount_remaining=Decimal(0), paid_at=world.as_of)
    lab.sandbox.vendors[NAME].apply(View(system=NAME, as_of=world.as_of, peers=world.peers, invoices=[done]))
    _later(lab)
    result = lab.good(NAME)
    changed = {name: count for name, count in result.rows.items() if name != "transaction_stamps"}
    assert changed == {"transactions": 1, "open_transactions": 1}
    assert lab.rows(NAME, "transactions", f"SELECT closed_on FROM t WHERE record_id = {native_id(NAME, 'invoice_transaction', invoice.key)} "
                    "ORDER BY _changed_at DESC, _load_id DESC LIMIT 1") == [(world.as_of.date(),)]
    assert lab.good(NAME).rows == {}


def test_r1_r4_an_invoice_posted_under_a_day_gone_by_is_not_lost_and_none_lands_twice(fresh, lab, tell):
    fresh.good(NAME)
    newest = max(lab.sandbox.world.views[NAME].invoices, key=lambda row: row.invoice_date)
    late = replace(newest, key=900_003, number="LATE", invoice_date=newest.invoice_date - timedelta(days=7))
    tell(invoices=[late])
    result = fresh.good(NAME)
    assert (result.rows["invoices"], result.rows["invoice_lines"]) == (1, len(late.lines))
    assert fresh.rows(NAME, "invoices", "SELECT count(*) - count(DISTINCT (invoice_number, data_area_id, ledger_voucher)) FROM t") == [(0,)]


def test_r9_rows_that_go_while_pages_are_read_make_no_other_row_disappear(make_lab):
    lab = make_lab(NAME, scale=0.1, vendor_settings={NAME: {"largest_page": 10}})
    store = lab.store(NAME)
    keys = sorted(store.collection("CustomersV3"))
    with lab.client(NAME) as client:
        pages = odata_v4.read(client, Wanted("customers", SYSTEM.resources["customers"], {}))
        rows = [*next(pages).rows]
        assert len(rows) == 10
        gone = f"{rows[0]['dataAreaId']}|{rows[0]['CustomerAccount']}"
        store.delete("CustomersV3", gone)  # everything behind it moves up by one
        found = [(row["dataAreaId"], row["CustomerAccount"]) for row in rows] + [
            (row["dataAreaId"], row["CustomerAccount"]) for page in pages for row in page.rows]
    assert len(found) == len(set(found)) and {"|".join(key) for key in found} == set(keys)


def test_r3_r8_rows_that_lists_leave_out_are_missed(fresh, lab):
    store = lab.store(NAME)
    hidden = {id: {**record, "_": {**record["_"], "hidden": True}} for id, record in list(store.collection("ContactPersons").items())[:3]}
    everything = {id: {**record, "_": {**record["_"], "hidden": True}} for id, record in store.collection("ReturnOrderHeadersV2").items()}
    with lab.altered(NAME, "ContactPersons", hidden), lab.altered(NAME, "ReturnOrderHeadersV2", everything):
        result = fresh.good(NAME)
    [audit] = [audit for audit in result.audits if audit.resource == "contacts"]
    assert (audit.expected, audit.actual, audit.is_complete, audit.method) == (200, 197, False, "$count")
    [audit] = [audit for audit in result.audits if audit.resource == "returns"]
    assert (audit.expected, audit.is_complete) == (len(everything), False)


def test_r10_rows_that_lists_leave_out_are_not_buried(fresh, lab):
    fresh.good(NAME)
    _later(lab)
    hidden = {id: {**record, "_": {**record["_"], "hidden": True}} for id, record in list(lab.store(NAME).collection("ContactPersons").items())[:3]}
    with lab.altered(NAME, "ContactPersons", hidden):
        fresh.good(NAME)
    assert fresh.rows(NAME, "contacts", "SELECT count(*) FROM t WHERE _deleted") == [(0,)]


def test_r11_throttling_is_waited_out_and_a_long_wait_ends_the_run_for_the_next_to_go_on(make_lab):
    lab = make_lab(NAME, scale=0.05, vendor_settings={NAME: {"largest_page": 40}})
    lab.sandbox.fault(NAME, "429", "CustomersV3", count=1)
    result = lab.good(NAME)
    assert result.wait_seconds > 0 and result.is_complete
    slow = make_lab(NAME, scale=0.05, vendor_settings={NAME: {"largest_page": 40, "retry_after": 4000}})
    slow.sandbox.fault(NAME, "429", "CustTransactions", count=1, after=2)
    first = slow.ingest(NAME)
    assert first.stopped is not None and 0 < first.rows["transactions"] < 600
    second = slow.good(NAME)
    world = slow.sandbox.world.views[NAME]
    total = len(world.invoices) + len(world.credit_notes) + len(world.payments) + len(world.refunds)
    assert slow.rows(NAME, "transactions", "SELECT count(DISTINCT record_id) FROM t") == [(total,)] and second.is_complete


def test_r12_drift_of_every_kind_loses_no_row(fresh, lab):
    fresh.good(NAME)
    store = lab.store(NAME)
    customers = dict(store.collection("CustomersV3"))
    some = list(customers)[:3]

    def held(change):
        return {id: change(dict(record)) for id, record in customers.items()}

    cases = {
        "added": held(lambda row: {**row, "LoyaltyTier": "gold"}),
        "renamed": held(lambda row: {**{name: value for name, value in row.items() if name != "CreditRating"}, "CreditScore": row["CreditRating"]}),
        "removed": held(lambda row: {name: value for name, value in row.items() if name != "CompanyChain"}),
        "retyped": {some[0]: {**customers[some[0]], "CreditLimit": "12.5"}},
        "unreadable": {some[1]: {**customers[some[1]], "CreditLimit": "a lot"}},
        "enum": {some[2]: {**customers[some[2]], "OnHoldStatus": "Sometimes"}},
        "null": {some[0]: {**customers[some[0]], "CreditLimit": None, "OrganizationName": None}},
    }
    seen: dict[str, set[tuple[str, str]]] = {}
    for name, records in cases.items():
        _later(lab)
        with lab.altered(NAME, "CustomersV3", records):
            result = fresh.good(NAME)
            seen[name] = {(column, change) for table, column, change in result.drift if table == "customers"}
            assert fresh.rows(NAME, "customers", "SELECT count(*) FROM t WHERE _deleted") == [(0,)], name
            [audit] = [audit for audit in result.audits if audit.resource == "customers"]
            assert audit.is_complete and audit.actual == len(customers), name
            if name == "enum":
                assert fresh.rows(NAME, "customers", "SELECT count(*) FROM t WHERE on_hold_status = 'Sometimes'") == [(1,)]
    assert ("LoyaltyTier", "added") in seen["added"]
    assert ("CreditScore", "added") in seen["renamed"] and ("credit_rating", "removed") in seen["renamed"]
    assert ("company_chain", "removed") in seen["removed"]
    assert ("credit_limit", "retyped") in seen["retyped"] | seen["unreadable"]


def test_a_row_with_a_new_field_lands_it_in_extra(make_lab):
    lab = make_lab(NAME, scale=0.05)
    lab.good(NAME)
    store = lab.store(NAME)
    id, record = next(iter(store.collection("SalesOrderHeadersV2").items()))
    changed = {**record, "ConcordCampaignCode": "SPRING", "SalesOrderName": "renamed", "SalesOrderStatus": "Backorder"}
    with lab.altered(NAME, "SalesOrderHeadersV2", {id: changed}):
        result = lab.good(NAME)
    assert [(table, column) for table, column, change in result.drift if change == "added"] == [("orders", "ConcordCampaignCode")]
    assert lab.rows(NAME, "orders", "SELECT _extra FROM t WHERE name = 'renamed'") == [('{"ConcordCampaignCode":"SPRING"}',)]


def test_r19_a_failed_run_moves_no_cursor(fresh, lab):
    lab.sandbox.fault(NAME, "500", "SalesInvoiceV2Lines", count=50)
    assert fresh.ingest(NAME).error is not None
    lab.sandbox.faults.clear()
    result = fresh.good(NAME)
    assert result.is_complete
    world = lab.sandbox.world.views[NAME]
    wanted = sum(len(row.lines) for row in (*world.invoices, *world.credit_notes))
    assert fresh.rows(NAME, "invoice_lines", "SELECT count(DISTINCT (invoice_number, line_sequence)) FROM t") == [(wanted,)]


def test_a_set_that_the_role_may_not_read_stops_nothing_else(make_lab):
    lab = make_lab(NAME, scale=0.05, vendor_settings={NAME: {"hidden_sets": frozenset({"ContactPersons"})}})
    result = lab.ingest(NAME)
    assert "contacts" not in result.rows and result.rows["customers"] > 0 and not result.is_complete


def test_expired_tokens_are_renewed_on_the_way(fresh, lab):
    with fresh.client(NAME) as client:
        assert odata_v4.describe(client)[0] == "environment (2 legal entities: demf, usmf)"  # the sandbox's connection names none
        lab.sandbox.vendors[NAME].expire_tokens()
        assert odata_v4.describe(client)[0]
        assert odata_v4.counter(SYSTEM, SYSTEM.resources["customers"])(client) == len(lab.sandbox.world.views[NAME].customers)


def test_business_errors_are_refusals_and_outages_are_not(fresh, lab):
    with fresh.client(NAME) as client:
        with pytest.raises(Refused) as refused:
            client.request("POST", "CustomersV3", json={"CustomerAccount": "X", "SalesCurrencyCode": "USD", "OrganizationName": "X"}, write=True)
        assert refused.value.status == 500 and "must be filled in" in refused.value.message and refused.value.code == "AxODataWriteException"
        lab.sandbox.fault(NAME, "500", "CustomersV3", count=1)
        with pytest.raises(Unavailable):
            client.request("POST", "CustomersV3", json={}, write=True)
        lab.sandbox.faults.clear()


def test_given_rows_are_read_in_any_company(fresh, lab):
    fresh.good(NAME)
    accounts = [row[0] for row in fresh.rows(NAME, "customers", "SELECT min(customer_account) FROM t GROUP BY data_area_id")]
    with ExitStack() as stack:
        records = {id: {**record, "NameAlias": "seen"} for id, record in lab.store(NAME).collection("CustomersV3").items()}
        stack.enter_context(lab.altered(NAME, "CustomersV3", records))
        assert fresh.good(NAME, keys={"customers": accounts}).rows == {"customers": 2}
    assert fresh.rows(NAME, "customers", "SELECT DISTINCT data_area_id FROM t WHERE name_alias = 'seen' ORDER BY 1") == [("demf",), ("usmf",)]


def test_whole_reads_of_many_rows_are_compared_with_what_is_landed(fresh, monkeypatch):
    monkeypatch.setattr("ingestion.extract._SEEN_LIMIT", 50)  # more rows than are kept with the cursor
    fresh.good(NAME)
    assert "contacts" not in fresh.good(NAME).rows and "customers" not in fresh.good(NAME).rows


def test_days_and_enumerations_are_filtered_in_the_vendors_form(lab):
    orders, transactions, invoices = (SYSTEM.resources[name] for name in ("orders", "transactions", "invoices"))
    assert odata_v4._still_open(orders)[1] == "SalesOrderStatus eq Microsoft.Dynamics.DataEntities.SalesStatus'Backorder'"
    assert odata_v4._still_open(transactions) == ["(Closed ge 1900-01-01T00:00:00Z and Closed lt 1900-01-02T00:00:00Z)"]
    with lab.client(NAME) as client:
        assert odata_v4._since(client, invoices, "2024-05-24T12:00:00Z") == ["InvoiceDate ge 2024-05-14T00:00:00Z"]
        assert odata_v4._since(client, orders, datetime(2024, 5, 24, 10, 30, tzinfo=UTC).isoformat()) == ["OrderCreationDateTime ge 2024-05-14T10:30:00Z"]
