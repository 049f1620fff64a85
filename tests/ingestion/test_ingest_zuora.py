"""Zuora end to end: pages by update stamp, Data Query for bulk, counts and deletes, versions, silent balances, faults and a changing contract."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import dlt
import pytest

from concord.errors import ConcordError
from ingestion.client import NotPermitted
from ingestion.poll import newest_change
from ingestion.readers import zuora
from ingestion.spec import load_system
from ingestion.status import test_connection as connection_status
from sandbox.world.model import native_id

SYSTEM = load_system("zuora")


def zid(entity: str, key: int | str) -> str:
    return native_id("zuora", entity, key)


@pytest.fixture(scope="module")
def lab(make_lab):
    return make_lab("zuora", scale=0.05, vendor_settings={"zuora": {"requests_per_minute": 0, "job_seconds": 0.0}})


@pytest.fixture
def fresh(lab, tmp_path):
    return lab.elsewhere(tmp_path)


@pytest.fixture
def asked(lab, monkeypatch):
    """What the vendor was asked: (method, path, query) in order."""
    seen: list[tuple[str, str, dict[str, str], Any]] = []
    vendor = lab.sandbox.vendors["zuora"]
    handle = vendor.handle

    def note(request):
        seen.append((request.method, request.path, dict(request.query), request.body))
        return handle(request)

    monkeypatch.setattr(vendor, "handle", note)
    return seen


def tenant(lab):
    return lab.sandbox.vendors["zuora"]._account


def with_limits(monkeypatch, **limits: Any):
    changed = SYSTEM.model_copy(update={"limits": SYSTEM.limits.model_copy(update=limits)})
    for place in ("ingestion.run.load_system", "ingestion.client.load_system"):
        monkeypatch.setattr(place, lambda name: changed)
    return changed


# ------------------------------------------------------------------ the whole, then changes


def test_everything_lands_and_a_second_run_lands_nothing(fresh, lab):
    first = fresh.good("zuora")
    assert first.is_complete, first.audits
    assert {audit.resource for audit in first.audits} == set(SYSTEM.resources)
    assert not first.quarantined
    for audit in first.audits:
        kind = SYSTEM.resources[audit.resource].path.removeprefix("object-query/")
        assert audit.expected == audit.actual == tenant(lab).total(kind), audit.resource
    assert first.rows["invoice_items"] > first.rows["invoices"] > 100 and first.rows["subscriptions"] > first.rows["accounts"] / 2
    assert fresh.good("zuora").rows == {}


def test_values_arrive_exactly(fresh, lab):
    fresh.good("zuora", resources=["accounts", "contacts", "invoices", "invoice_items", "subscriptions"])
    view = lab.sandbox.world.views["zuora"]
    row = next(invoice for invoice in view.invoices if invoice.status == "open" and not invoice.hidden)
    [landed] = fresh.rows("zuora", "invoices", f"""
        SELECT amount, tax_amount, balance, invoice_date, updated_at, account_id, status, currency FROM t WHERE id = '{zid('invoice', row.key)}'""")
    assert landed == (row.total, row.tax, row.amount_remaining, row.invoice_date, row.updated_at, zid("customer", row.customer), "Posted", row.currency)
    lines = fresh.rows("zuora", "invoice_items", f"""
        SELECT charge_amount, tax_amount, quantity FROM t WHERE invoice_id = '{zid('invoice', row.key)}' ORDER BY id""")
    assert sorted(lines) == sorted((line.amount, line.tax, line.quantity) for line in row.lines)
    customer = next(one for one in view.customers if one.erp_customer is not None and not one.hidden and not one.removed)
    [account] = fresh.rows("zuora", "accounts", f"SELECT name, vat_id, erp_customer_id IS NOT NULL, domain FROM t WHERE id = '{zid('customer', customer.key)}'")
    assert account == (customer.name, customer.tax_id or None, True, customer.domain or None)
    total = sum(invoice.total for invoice in view.invoices if not invoice.hidden and not invoice.removed)
    assert fresh.rows("zuora", "invoices", "SELECT sum(amount) FROM t") == [(total,)]


def test_amounts_are_no_floats_on_the_way(fresh, lab):
    id, account = next(iter(lab.store("zuora").collection("accounts").items()))
    with lab.altered("zuora", "accounts", {id: {**account, "balance": 123456789012.37, "mrr": 0.1}}):
        fresh.good("zuora", resources=["accounts"])
    assert fresh.rows("zuora", "accounts", f"SELECT balance, monthly_recurring_revenue FROM t WHERE id = '{id}'") == [
        (Decimal("123456789012.37"), Decimal("0.1"))]


def test_r1_r4_a_change_lands_once_through_overlap_and_page_borders(fresh, monkeypatch):
    with_limits(monkeypatch, page_size=7)
    fresh.good("zuora", resources=["accounts"])
    [(count, distinct)] = fresh.rows("zuora", "accounts", "SELECT count(*), count(DISTINCT id) FROM t")
    assert count == distinct
    [(id,)] = fresh.rows("zuora", "accounts", "SELECT min(id) FROM t")
    with fresh.client("zuora") as client:
        client.request("PUT", f"v1/accounts/{id}", json={"notes": "changed"}, write=True)
    assert fresh.good("zuora", resources=["accounts"]).rows == {"accounts": 1}
    assert fresh.good("zuora", resources=["accounts"]).rows == {}  # still inside the overlap
    assert fresh.rows("zuora", "accounts", f"SELECT notes FROM t WHERE id = '{id}' ORDER BY updated_at DESC, _load_id DESC LIMIT 1") == [("changed",)]


def test_r1_a_row_stamped_before_the_cursor_but_seen_late_is_not_lost(fresh, lab):
    fresh.good("zuora", resources=["accounts"])
    books = tenant(lab)
    at, id = books.by_change("accounts")[-1]
    late = {**books.get("accounts", id), "id": zid("customer", "late"), "accountNumber": "A-late",
            "updatedDate": books.stamp(datetime.fromtimestamp(at, UTC) - timedelta(minutes=2))}
    with lab.altered("zuora", "accounts", {late["id"]: late}):
        assert fresh.good("zuora", resources=["accounts"]).rows == {"accounts": 1}


def test_r2_stamps_of_both_offsets_become_utc_and_order_by_the_moment(fresh, lab):
    """Around the end of summer time the later stamp is the smaller text."""
    books = tenant(lab)
    first, second = list(lab.store("zuora").collection("accounts"))[:2]
    before, after = datetime(2026, 11, 1, 8, 45, tzinfo=UTC), datetime(2026, 11, 1, 9, 15, tzinfo=UTC)
    records = {id: {**books.get("accounts", id), "updatedDate": books.stamp(at)} for id, at in ((first, before), (second, after))}
    assert records[first]["updatedDate"] > records[second]["updatedDate"]  # 01:45-07:00 against 01:15-08:00
    with lab.altered("zuora", "accounts", records):
        fresh.good("zuora", resources=["accounts"])
    found = dict(fresh.rows("zuora", "accounts", f"SELECT id, updated_at FROM t WHERE id IN ('{first}', '{second}')"))
    assert found == {first: before, second: after}


def test_a_second_run_asks_only_for_what_changed(fresh, asked):
    fresh.good("zuora", resources=["invoices"])
    asked.clear()
    fresh.good("zuora", resources=["invoices"])
    lists = [query for method, path, query, _ in asked if path == "/object-query/invoices"]
    assert len(lists) == 1 and lists[0]["filter[]"].startswith("updateddate.GE:2") and lists[0]["sort[]"] == "updateddate.ASC"
    assert len(asked) < 12


def test_newest_change_moves_with_a_change(fresh):
    connection, account = fresh.connections["zuora"], fresh.accounts["zuora"]
    before = newest_change(connection, account)
    assert before and newest_change(connection, account) == before
    with fresh.client("zuora") as client:
        client.request("PUT", "v1/accounts/A00000002", json={"notes": datetime.now(UTC).isoformat()}, write=True)
    assert newest_change(connection, account) != before


def test_a_connection_tells_who_and_what_is_left(fresh):
    status = connection_status(fresh.connections["zuora"], fresh.accounts["zuora"])
    assert status.reachable and "Invoice Settlement" in status.who and status.quota and status.login == "client_credentials"
    wrong = fresh.accounts["zuora"].__class__(fresh.accounts["zuora"].base_url, {"client_id": "x", "client_secret": "y"})
    assert not connection_status(fresh.connections["zuora"], wrong).reachable


def test_r6_only_rows_of_what_changed_come_again(fresh, lab):
    fresh.good("zuora")
    invoice = next(row for row in tenant(lab).records("invoices") if row["status"] == "Posted" and row["balance"] > 50)
    item = tenant(lab).items_of(invoice["id"])[0]
    with fresh.client("zuora") as client:
        made = client.request("POST", f"v1/credit-memos/invoice/{invoice['id']}", write=True, json={
            "items": [{"invoiceItemId": item["id"], "skuName": "Goods", "amount": 2.0}], "autoPost": True,
            "autoApplyToInvoiceUponPosting": True}).json()
    assert made["success"] and made["appliedAmount"] == 2.0
    result = fresh.good("zuora")
    assert result.rows == {"credit_memos": 1, "credit_memo_items": 1, "credit_memo_applications": 1, "invoices": 1, "accounts": 1}


def test_r13_a_cursor_that_dies_is_replaced_by_the_last_stamp(fresh, lab, monkeypatch):
    with_limits(monkeypatch, page_size=20, bulk_above=0)
    vendor = lab.sandbox.vendors["zuora"]
    handle, calls = vendor.handle, [0]

    def forgetting(request):
        if request.path == "/object-query/invoices" and request.param("cursor"):
            calls[0] += 1
            if calls[0] in (3, 9):
                return handle(replace(request, query=(("cursor", "dead"),)))
        return handle(request)

    monkeypatch.setattr(vendor, "handle", forgetting)
    assert fresh.good("zuora", resources=["invoices"]).is_complete and calls[0] > 9
    assert fresh.rows("zuora", "invoices", "SELECT count(*) - count(DISTINCT id) FROM t") == [(0,)]


# ------------------------------------------------------------------ versions, balances, deletes


def test_a_subscription_change_is_a_new_row_of_the_same_agreement(fresh, lab):
    fresh.good("zuora")
    row = next(row for row in tenant(lab).records("subscriptions") if row["isLatestVersion"] and row["status"] == "Active")
    with fresh.client("zuora") as client:
        order = client.request("POST", "v1/orders", write=True, json={
            "orderDate": "2026-11-21", "existingAccountNumber": tenant(lab).get("accounts", row["accountId"])["accountNumber"],
            "subscriptions": [{"subscriptionNumber": row["name"], "orderActions": [{
                "type": "UpdateProduct", "triggerDates": [{"name": "ContractEffective", "triggerDate": "2026-11-21"}],
                "updateProduct": {"chargeUpdates": [{"pricing": {"recurringPerUnit": {"quantity": 9}}}]}}]}]}).json()
    assert order["success"]
    result = fresh.good("zuora")
    assert result.rows["subscriptions"] == 2  # the new version, and the older one that expired with it
    assert result.rows["rate_plans"] == result.rows["rate_plan_charges"] == 1 and result.is_complete
    versions = fresh.rows("zuora", "subscriptions", f"""
        SELECT id, version, is_latest_version, status FROM (SELECT *, row_number() OVER (PARTITION BY id ORDER BY updated_at DESC, _extracted_at DESC, _load_id DESC) AS n
        FROM t WHERE original_id = '{row['originalId']}') WHERE n = 1 ORDER BY version""")
    assert [(version, latest, status) for _, version, latest, status in versions][-2:] == [
        (row["version"], False, "Expired"), (row["version"] + 1, True, "Active")]
    assert len({id for id, *_ in versions}) == len(versions)


def test_a_balance_that_moves_without_a_stamp_is_read_again(make_lab, tmp_path):
    """Whether an application moves the invoice's own stamp the vendor does not say."""
    silent = make_lab("zuora", scale=0.05, vendor_settings={"zuora": {"requests_per_minute": 0, "job_seconds": 0.0, "moves_stamps": False}})
    silent.good("zuora")
    books = tenant(silent)
    invoice = next(row for row in books.records("invoices") if row["balance"] > 10 and row["status"] == "Posted")
    with silent.client("zuora") as client:
        paid = client.request("POST", "v1/payments", write=True, json={
            "accountId": invoice["accountId"], "amount": 3.5, "currency": invoice["currency"], "type": "External",
            "invoices": [{"invoiceId": invoice["id"], "amount": 3.5}]}).json()
    assert paid["success"] and books.get("invoices", invoice["id"])["updatedDate"] == invoice["updatedDate"]
    result = silent.good("zuora")
    assert result.rows["invoices"] == 1 and result.rows["accounts"] == 1
    [(balance,)] = silent.rows("zuora", "invoices", f"SELECT balance FROM t WHERE id = '{invoice['id']}' ORDER BY updated_at DESC, _extracted_at DESC, _load_id DESC LIMIT 1")
    assert balance == Decimal(str(invoice["balance"])) - Decimal("3.5")


def test_r7_deletes_come_from_data_query(fresh, lab):
    with fresh.client("zuora") as client:
        made = client.request("POST", "v1/accounts", write=True, json={
            "name": "Gone Ltd", "currency": "EUR", "billToContact": {"firstName": "A", "lastName": "B", "country": "DE"}}).json()
        fresh.good("zuora", resources=["accounts", "contacts"])
        client.request("DELETE", f"v1/accounts/{made['accountId']}", write=True)
    result = fresh.good("zuora", resources=["accounts", "contacts"])
    assert result.rows == {"accounts": 1, "contacts": 1} and result.is_complete
    assert fresh.rows("zuora", "accounts", f"SELECT _deleted FROM t WHERE id = '{made['accountId']}' ORDER BY _load_id, _deleted") == [(False,), (True,)]
    assert fresh.good("zuora", resources=["accounts", "contacts"]).rows == {}  # told of for thirty days, landed once


def gap_of(fresh, days: float) -> None:
    """As after that many days without a run."""
    pipeline = dlt.pipeline("zuora", pipelines_dir=str(fresh.settings.dlt))
    with pipeline.managed_state() as state:
        place = state["sources"]["zuora"]["resources"]["contacts"]["place"]
        place["deletes"] = (datetime.fromisoformat(place["deletes"]) - timedelta(days=days)).isoformat()


def test_r5_a_gap_longer_than_deletes_are_told_of_forces_a_look_at_every_key(fresh, lab):
    fresh.good("zuora", resources=["contacts"])
    id = next(iter(lab.store("zuora").collection("contacts")))
    with lab.altered("zuora", "contacts", {id: None}):  # gone, and nobody tells of it any more
        assert fresh.good("zuora", resources=["contacts"]).rows == {}
        gap_of(fresh, 40)
        assert fresh.good("zuora", resources=["contacts"]).rows == {"contacts": 1}
    assert fresh.rows("zuora", "contacts", f"SELECT bool_or(_deleted) FROM t WHERE id = '{id}'") == [(True,)]


def test_r10_a_list_that_hides_rows_buries_nothing_after_a_gap(fresh, lab):
    fresh.good("zuora", resources=["contacts"])
    books, id = tenant(lab), next(iter(lab.store("zuora").collection("contacts")))
    books.hide("contacts", id)
    books._cache.clear()
    try:
        gap_of(fresh, 40)
        assert fresh.good("zuora", resources=["contacts"]).rows == {}
    finally:
        lab.store("zuora").delete("_hidden", id)
        books._cache.clear()


def test_r7_without_data_query_a_full_read_sweeps(fresh, lab):
    fresh.connections["zuora"], before = fresh.connections["zuora"].model_copy(update={"settings": {"deletes": "none"}}), fresh.connections["zuora"]
    try:
        id, record = next((id, row) for id, row in lab.store("zuora").collection("contacts").items())
        fresh.good("zuora", resources=["contacts"])
        with lab.altered("zuora", "contacts", {id: None}):
            assert fresh.good("zuora", resources=["contacts"]).rows == {}
            assert fresh.good("zuora", resources=["contacts"], full=True).is_complete
        deleted = fresh.rows("zuora", "contacts", f"SELECT bool_or(_deleted) FROM t WHERE id = '{id}'")
        assert deleted == [(True,)]
    finally:
        fresh.connections["zuora"] = before


def test_r10_a_read_that_breaks_off_deletes_nothing(fresh, lab, monkeypatch):
    fresh.good("zuora", resources=["contacts"])
    with_limits(monkeypatch, page_size=20, longest_wait=timedelta(milliseconds=1))
    lab.sandbox.fault("zuora", "429", "object-query/contacts", after=2, count=1)
    result = fresh.good("zuora", resources=["contacts"], full=True)
    assert result.stopped and not result.is_complete
    assert fresh.rows("zuora", "contacts", "SELECT count(*) FROM t WHERE _deleted") == [(0,)]


# ------------------------------------------------------------------ counts, bulk, ceilings


def test_r8_rows_that_the_lists_hide_are_missed(fresh, lab):
    books = tenant(lab)
    ids = list(lab.store("zuora").collection("invoices"))[:3]
    for id in ids:
        books.hide("invoices", id)
    books._cache.clear()
    try:
        [audit] = fresh.good("zuora", resources=["invoices"]).audits
        assert not audit.is_complete and audit.expected == audit.actual + 3
    finally:
        for id in ids:
            lab.store("zuora").delete("_hidden", id)
        books._cache.clear()


def test_r3_r16_no_rows_are_fine_only_where_the_vendor_has_none(fresh, lab):
    [audit] = fresh.good("zuora", resources=["debit_memos"]).audits
    assert (audit.expected, audit.actual, audit.is_complete) == (0, 0, True)
    everything = {id: None for id in lab.store("zuora").collection("refunds")}
    books = tenant(lab)
    for id in everything:
        books.hide("refunds", id)
    books._cache.clear()
    try:
        [audit] = fresh.good("zuora", resources=["refunds"]).audits
        assert not audit.is_complete and audit.actual == 0 < audit.expected
    finally:
        for id in everything:
            lab.store("zuora").delete("_hidden", id)
        books._cache.clear()


def test_r9_bulk_and_pages_give_the_same_rows(fresh, tmp_path, monkeypatch, asked):
    tables = ["accounts", "invoices", "invoice_items", "credit_memos", "subscriptions"]
    fresh.good("zuora", resources=tables)
    other = fresh.elsewhere(tmp_path / "bulk")
    with_limits(monkeypatch, bulk_above=5, bulk_page=50)
    asked.clear()
    result = other.good("zuora", resources=tables)
    assert result.is_complete
    assert not [path for _, path, query, _ in asked if path.startswith("/object-query") and query.get("pageSize") != "1"]  # one is asked for the time
    for table in tables:
        columns = ", ".join(SYSTEM.resources[table].columns)
        query = f"SELECT {columns} FROM t ORDER BY id"
        assert other.rows("zuora", table, query) == fresh.rows("zuora", table, query) != []
    again = other.good("zuora", resources=tables).rows  # the cursor stands where the file ended
    assert again.keys() <= {"accounts", "invoices", "credit_memos"} and sum(again.values()) < 20  # those that others touched just now
    assert other.good("zuora", resources=tables).rows == {}


def test_r9_a_page_size_that_the_vendor_refuses_is_halved(fresh, lab, monkeypatch):
    monkeypatch.setattr("sandbox.zuora.objectquery.MOST_ROWS", 50)
    assert fresh.good("zuora", resources=["accounts"]).is_complete


def test_rows_of_one_second_over_many_pages_all_land(fresh, lab, monkeypatch):
    with_limits(monkeypatch, page_size=3)
    books = tenant(lab)
    at = books.stamp(datetime(2026, 10, 1, 12, tzinfo=UTC))
    same = {id: {**row, "updatedDate": at} for id, row in list(lab.store("zuora").collection("products").items())}
    with lab.altered("zuora", "products", same):
        assert fresh.good("zuora", resources=["products"]).rows == {"products": len(same)}


# ------------------------------------------------------------------ limits, faults, time


def test_r11_a_spent_quota_checkpoints_and_the_next_run_goes_on(fresh, lab, monkeypatch, asked):
    with_limits(monkeypatch, page_size=20, longest_wait=timedelta(milliseconds=1), bulk_above=0)
    lab.sandbox.fault("zuora", "429", "object-query/invoices", after=5, count=1)
    first = fresh.good("zuora", resources=["invoices"])
    assert first.stopped and first.rows == {"invoices": 100}
    asked.clear()
    second = fresh.good("zuora", resources=["invoices"])
    assert not second.stopped and second.is_complete
    assert "1970" not in [query for _, path, query, _ in asked if path == "/object-query/invoices"][0]["filter[]"]
    assert fresh.rows("zuora", "invoices", "SELECT count(*) - count(DISTINCT id) FROM t") == [(0,)]


@pytest.mark.parametrize("kind", ["429", "500", "cut_after", "cut_before", "truncated", "expired_token"])
def test_trouble_on_the_way_costs_no_row(fresh, lab, kind, monkeypatch):
    if kind == "429":
        monkeypatch.setattr(lab.sandbox.vendors["zuora"], "rate_limited", lambda request: lab.sandbox.vendors["zuora"]._limited(1))
    lab.sandbox.fault("zuora", kind, "object-query/payments|query/jobs", count=1 if kind == "expired_token" else 2, after=1)
    result = fresh.good("zuora", resources=["payments"])
    assert result.is_complete and result.rows["payments"] > 100


def test_success_false_with_status_200_is_no_success(fresh, lab, monkeypatch):
    vendor = lab.sandbox.vendors["zuora"]
    handle = vendor.handle

    def refusing(request):
        if request.path in ("/object-query/accounts", "/v1/action/query"):
            from sandbox.zuora.answers import failure
            return failure(60, "Something went wrong")
        if request.path == "/object-query/contacts":
            from sandbox.protocol import json_response
            return json_response({"Success": False, "Errors": [{"Code": "LOCK_COMPETITION", "Message": "locked"}]})
        return handle(request)

    monkeypatch.setattr(vendor, "handle", refusing)
    for resource in ("accounts", "contacts"):
        result = fresh.ingest("zuora", resources=[resource])
        assert isinstance(result.error, ConcordError) and "refused" in str(result.error)
        assert not result.rows


def test_a_kind_that_is_not_permitted_stops_nobody_else(make_lab):
    narrow = make_lab("zuora", scale=0.05, vendor_settings={"zuora": {
        "requests_per_minute": 0, "job_seconds": 0.0, "invoice_settlement": False, "forbidden": ["contacts"]}})
    result = narrow.good("zuora")
    refused = {audit.resource for audit in result.audits if not audit.is_complete}
    assert refused == {"contacts", "payment_applications", "refund_applications", "credit_memos", "credit_memo_items", "credit_memo_applications",
                       "debit_memos", "debit_memo_items"}
    assert result.rows["invoices"] > 100
    assert "no Invoice Settlement" in connection_status(narrow.connections["zuora"], narrow.accounts["zuora"]).who
    assert narrow.good("zuora").rows == {}  # what others moved cannot be asked there, and is not missed


def test_r14_no_more_at_once_than_the_connection_allows(fresh, lab, monkeypatch):
    with_limits(monkeypatch, concurrency=3)
    vendor = lab.sandbox.vendors["zuora"]
    handle, lock, most = vendor.handle, threading.Lock(), [0]

    def watched(request):
        with lock:
            most[0] = max(most[0], request.in_flight)
        return handle(request)

    monkeypatch.setattr(vendor, "handle", watched)
    fresh.good("zuora")
    assert 1 <= most[0] <= 3


def test_r19_a_load_that_did_not_complete_leaves_the_cursor_where_it_was(fresh, lab, monkeypatch):
    fresh.good("zuora", resources=["accounts"])
    with fresh.client("zuora") as client:
        client.request("PUT", "v1/accounts/A00000003", json={"notes": "again"}, write=True)

    def broken(*args: Any, **options: Any) -> Any:
        raise RuntimeError("the disk is gone")

    with monkeypatch.context() as patch:
        patch.setattr(dlt.Pipeline, "load", broken)
        with pytest.raises(Exception, match="disk is gone"):
            fresh.good("zuora", resources=["accounts"])
    assert fresh.good("zuora", resources=["accounts"]).rows.get("accounts", 0) >= 0
    assert fresh.rows("zuora", "accounts", f"SELECT count(*) FROM t WHERE id = '{zid('customer', 3)}' AND notes = 'again'")[0][0] >= 1


def test_a_targeted_read_fetches_what_was_named(fresh, asked):
    fresh.good("zuora", resources=["accounts"])
    asked.clear()
    fresh.good("zuora", resources=["accounts"], keys={"accounts": [zid("customer", 1), zid("customer", 2)]})
    lists = [query["filter[]"] for _, path, query, _ in asked if path == "/object-query/accounts"]
    assert any(text.startswith("id.IN:[") and zid("customer", 1) in text for text in lists)


def test_a_file_on_a_strange_host_is_not_fetched(fresh):
    with fresh.client("zuora") as client, pytest.raises(ConcordError, match="unknown host"):
        client.download("https://files.evil.example/x.csv", ("amazonaws.com",))


def test_a_failed_job_is_an_error_with_its_reason(fresh):
    from ingestion.readers import Wanted

    with fresh.client("zuora") as client, pytest.raises(ConcordError, match="COLUMN_NOT_FOUND"):
        zuora._run(client, Wanted("accounts", SYSTEM.resources["accounts"], {}), "SELECT nope FROM account")


def test_permission_words_become_notpermitted(fresh, lab, monkeypatch):
    from ingestion.readers import Wanted

    monkeypatch.setattr(lab.sandbox.vendors["zuora"], "settings", lab.sandbox.vendors["zuora"].settings.__class__(forbidden=frozenset({"orders"})))
    with fresh.client("zuora") as client, pytest.raises(NotPermitted, match="50000010"):
        list(zuora.read(client, Wanted("orders", SYSTEM.resources["orders"], {"since": "2026-01-01T00:00:00+00:00"})))


# ------------------------------------------------------------------ a contract that changes


def drift_of(fresh, lab, kind: str, change: Any, resource: str = "") -> tuple[Any, int]:
    """Ingest while every record of the kind is changed so; the result and how many rows landed."""
    resource = resource or kind.replace("-", "_")
    records = {id: change(dict(row)) for id, row in lab.store("zuora").collection(kind).items()}
    with lab.altered("zuora", kind, records):
        result = fresh.good("zuora", resources=[resource])
    landed = fresh.rows("zuora", resource, "SELECT count(DISTINCT id) FROM t")[0][0]
    quarantined = sum(result.quarantined.values()) if isinstance(result.quarantined, dict) else len(result.quarantined)
    assert landed + quarantined == len(records)
    return result, landed


def changes_of(result: Any) -> set[tuple[str, str]]:
    return {(column, change) for _, column, change in result.drift}


def test_drift_an_added_field_is_kept_and_told(fresh, lab):
    result, _ = drift_of(fresh, lab, "refunds", lambda row: {**row, "riskScore": 7})
    assert ("riskScore", "added") in changes_of(result)
    assert fresh.rows("zuora", "refunds", "SELECT DISTINCT _extra FROM t") == [('{"riskScore":7}',)]


def test_drift_a_renamed_custom_field_is_both(fresh, lab):
    """An administrator renames the field: the old one is gone from every record, the new one is unknown."""
    books = tenant(lab)
    custom = books.catalogue.custom["accounts"]
    kept = custom.pop("Domain__c")
    try:
        result, _ = drift_of(fresh, lab, "accounts", lambda row: {**{name: value for name, value in row.items() if name != "Domain__c"},
                                                                   "WebDomain__c": row.get("Domain__c")})
    finally:
        custom["Domain__c"] = kept
    assert {("domain", "removed"), ("WebDomain__c", "added")} <= changes_of(result)


def test_drift_a_removed_field_leaves_nulls_and_is_told(fresh, lab):
    books = tenant(lab)
    custom = books.catalogue.custom["invoices"]
    kept = custom.pop("ErpOrderId__c")
    try:
        result, landed = drift_of(fresh, lab, "invoices", lambda row: {name: value for name, value in row.items() if name != "ErpOrderId__c"})
    finally:
        custom["ErpOrderId__c"] = kept
    assert ("erp_order_id", "removed") in changes_of(result) and landed > 100
    assert fresh.rows("zuora", "invoices", "SELECT count(erp_order_id) FROM t") == [(0,)]


def test_drift_a_retyped_field_keeps_its_value_and_is_told(fresh, lab):
    result, _ = drift_of(fresh, lab, "payments", lambda row: {**row, "amount": f"{row['amount']:.3f}"})
    assert ("amount", "retyped") in changes_of(result) and not result.quarantined
    [(total,)] = fresh.rows("zuora", "payments", "SELECT sum(amount) FROM t")
    assert total == sum(Decimal(str(row["amount"])) for row in lab.store("zuora").collection("payments").values())


def test_drift_a_value_that_does_not_fit_is_quarantined_not_lost(fresh, lab):
    result, landed = drift_of(fresh, lab, "refunds", lambda row: {**row, "amount": "a lot"} if row["refundNumber"].endswith("2") else row)
    assert result.quarantined and landed < len(lab.store("zuora").collection("refunds"))


def test_drift_a_new_status_lands_as_it_is(fresh, lab):
    drift_of(fresh, lab, "credit-memos", lambda row: {**row, "status": "UnderAudit"})
    assert fresh.rows("zuora", "credit_memos", "SELECT DISTINCT status FROM t") == [("UnderAudit",)]


def test_drift_a_field_that_turns_null_loses_no_row(fresh, lab):
    result, landed = drift_of(fresh, lab, "accounts", lambda row: {name: value for name, value in row.items() if name != "currency"})
    assert landed == len(lab.store("zuora").collection("accounts")) and not result.quarantined
    assert fresh.rows("zuora", "accounts", "SELECT count(currency) FROM t") == [(0,)]
