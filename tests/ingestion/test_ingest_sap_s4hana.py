"""SAP S/4HANA end to end: `/Date()/` values, stamps of days, customers without a stamp, deletes without a trace, both logins."""

from __future__ import annotations

import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ingestion.client import Client, RateLimited
from ingestion.landing import completed_loads
from ingestion.readers import odata_v2
from ingestion.spec import System, load_system
from tests.ingestion.conftest import Lab

PROJECT = Path(__file__).resolve().parents[2]
SAP = "sap_s4hana"
ORDER = "API_SALES_ORDER_SRV/A_SalesOrder"


@pytest.fixture(scope="module")
def lab(make_lab: Callable[..., Lab]) -> Lab:
    return make_lab(SAP)


@pytest.fixture
def fresh(lab: Lab, tmp_path: Path) -> Lab:
    return lab.elsewhere(tmp_path)


@contextmanager
def altered(lab: Lab, collection: str, records: dict[str, dict[str, Any] | None]) -> Iterator[None]:
    tenant = lab.sandbox.vendors[SAP].tenant  # type: ignore[attr-defined]
    with lab.altered(SAP, collection, records):
        tenant.forget()
        yield
    tenant.forget()


def record(lab: Lab, collection: str, place: int = 0) -> tuple[str, dict[str, Any]]:
    found: list[tuple[str, dict[str, Any]]] = sorted(lab.store(SAP).collection(collection).items())
    return found[place]


def write(client: Client, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    service = path.partition("/")[0]
    token = client.request("GET", f"{service}/", headers={"x-csrf-token": "Fetch"}).headers["x-csrf-token"]
    return client.request(method, path, json=body, headers={"x-csrf-token": token, "If-Match": "*"}, write=True)


def small(monkeypatch: pytest.MonkeyPatch, **limits: Any) -> System:
    """The system as it is with other limits."""
    system = load_system(SAP)
    changed = system.model_copy(update={"limits": system.limits.model_copy(update=limits)})
    monkeypatch.setattr("ingestion.client.load_system", lambda name: changed)
    monkeypatch.setattr("ingestion.run.load_system", lambda name: changed)
    return changed


def test_r16_the_first_read_is_whole_typed_and_counted_and_a_second_lands_nothing(fresh: Lab, lab: Lab) -> None:
    first = fresh.good(SAP)
    assert first.is_complete and not first.quarantined and not first.drift, (first.audits, first.drift)
    system = load_system(SAP)
    assert {audit.resource: audit.method for audit in first.audits} == dict.fromkeys(system.resources, "$count")
    for table, collection in (("sales_orders", "A_SalesOrder"), ("sales_order_items", "A_SalesOrderItem"), ("customers", "A_Customer"),
                              ("billing_document_items", "A_BillingDocumentItem"), ("address_emails", "A_AddressEmailAddress")):
        expected = len(lab.store(SAP).collection(collection))
        assert first.rows[table] == (expected if table != "address_emails" else len(lab.store(SAP).collection("A_Customer")))
    id, held = record(lab, "A_SalesOrder")
    [(changed, ordered, net, currency, opportunity)] = fresh.rows(
        SAP, "sales_orders", f"SELECT last_changed_at, sales_order_date, total_net_amount, currency, customer_reference FROM t WHERE sales_order = '{id}'")
    ticks = int(held["LastChangeDateTime"][6:-7])
    assert changed == datetime.fromtimestamp(ticks / 1000, UTC) and isinstance(ordered, date) and currency == held["TransactionCurrency"]
    assert net == Decimal(held["TotalNetAmount"]) and opportunity == held["PurchaseOrderByCustomer"]
    [(kind, receivables)] = fresh.rows(SAP, "accounting_items", "SELECT min(account_type), count(*) FROM t")
    assert kind == "D" and receivables == first.rows["accounting_items"]
    again = fresh.good(SAP)
    assert again.rows == {} and again.is_complete


def test_r1_a_change_lands_once_through_the_overlap_with_its_items_only(fresh: Lab, lab: Lab) -> None:
    fresh.good(SAP)
    id, _ = record(lab, "A_SalesOrder")
    with fresh.client(SAP) as client:
        write(client, "PATCH", f"{ORDER}('{id}')", {"DeliveryBlockReason": "01"})
    assert fresh.good(SAP).rows == {"sales_orders": 1}  # R6: its items did not change, so none land
    assert fresh.good(SAP).rows == {}
    with fresh.client(SAP) as client:
        write(client, "PATCH", f"API_SALES_ORDER_SRV/A_SalesOrderItem(SalesOrder='{id}',SalesOrderItem='10')", {"RequestedQuantity": "7"})
    assert fresh.good(SAP).rows == {"sales_orders": 1, "sales_order_items": 1}


def test_r1_a_row_that_was_committed_late_is_not_lost(fresh: Lab, lab: Lab) -> None:
    """Its stamp lies before the newest one read."""
    fresh.good(SAP, resources=["sales_orders"])
    [(newest,)] = fresh.rows(SAP, "sales_orders", "SELECT max(last_changed_at) FROM t")
    id, held = record(lab, "A_SalesOrder", 5)
    late = int((newest - timedelta(minutes=2)).timestamp() * 1000)
    with altered(lab, "A_SalesOrder", {id: {**held, "LastChangeDateTime": f"/Date({late}+0000)/", "DeliveryBlockReason": "07"}}):
        assert fresh.good(SAP, resources=["sales_orders"]).rows == {"sales_orders": 1}


def test_r2_stamps_keep_their_thousandths_and_their_sign_of_offset(fresh: Lab, lab: Lab) -> None:
    id, held = record(lab, "A_SalesOrder", 3)
    with altered(lab, "A_SalesOrder", {id: {**held, "LastChangeDateTime": "/Date(1795000000123-0060)/"}}):
        fresh.good(SAP, resources=["sales_orders"])
    assert fresh.rows(SAP, "sales_orders", f"SELECT epoch_ms(last_changed_at) FROM t WHERE sales_order = '{id}'") == [(1795000000123,)]


def test_r5_a_hold_leaves_no_stamp_and_is_found_by_comparing_content(fresh: Lab, lab: Lab) -> None:
    fresh.good(SAP)
    id = next(id for id, held in lab.store(SAP).collection("A_Customer").items() if not held["OrderIsBlockedForCustomer"])
    with fresh.client(SAP) as client:
        before = odata_v2.newest_change(client)
        assert odata_v2.newest_change(client) == before
        write(client, "PATCH", f"API_BUSINESS_PARTNER/A_Customer('{id}')", {"OrderIsBlockedForCustomer": "01"})
        assert odata_v2.newest_change(client) != before
    assert fresh.good(SAP).rows == {"customers": 1}
    assert fresh.rows(SAP, "customers", f"SELECT order_block FROM t WHERE customer = '{id}' ORDER BY _changed_at DESC, _load_id DESC LIMIT 1") == [("01",)]
    with fresh.client(SAP) as client:
        write(client, "PATCH", f"API_BUSINESS_PARTNER/A_Customer('{id}')", {"OrderIsBlockedForCustomer": ""})
    assert fresh.good(SAP).rows == {"customers": 1}
    assert fresh.rows(SAP, "customers", f"SELECT order_block FROM t WHERE customer = '{id}' ORDER BY _changed_at DESC, _load_id DESC LIMIT 1") == [("",)]


def test_r2_deliveries_that_change_twice_in_a_day_land_twice(fresh: Lab, lab: Lab) -> None:
    """The stamp is a day: whole days are read again, so that a later change of the same day is not lost, and each lands once."""
    fresh.good(SAP, resources=["outbound_deliveries"])
    id, _ = record(lab, "A_OutbDeliveryHeader")
    for carrier in ("UPS", "DHL"):
        with fresh.client(SAP) as client:
            write(client, "PATCH", f"API_OUTBOUND_DELIVERY_SRV;v=0002/A_OutbDeliveryHeader('{id}')", {"MeansOfTransport": carrier})
        assert fresh.good(SAP, resources=["outbound_deliveries"]).rows["outbound_deliveries"] == 1
    assert fresh.good(SAP, resources=["outbound_deliveries"]).rows == {}
    newest = f"SELECT means_of_transport FROM t WHERE delivery_document = '{id}' ORDER BY _load_id DESC LIMIT 1"
    assert fresh.rows(SAP, "outbound_deliveries", newest) == [("DHL",)]


def test_a_cleared_item_is_noticed_although_its_stamp_did_not_move(fresh: Lab, lab: Lab) -> None:
    fresh.good(SAP, resources=["accounting_items", "open_items"])
    id, held = next((id, held) for id, held in sorted(lab.store(SAP).collection("A_OperationalAcctgDocItemCube").items())
                    if held["FinancialAccountType"] == "D" and not held["IsCleared"])
    now = lab.sandbox.clock.now()
    today = f"/Date({int(now.replace(hour=0, minute=0, second=0, microsecond=0).timestamp() * 1000)})/"
    paid = {**held, "IsCleared": True, "ClearingDate": today, "ClearingAccountingDocument": "1400009999", "ClearingDocFiscalYear": str(now.year)}
    with altered(lab, "A_OperationalAcctgDocItemCube", {id: paid}):
        lab.sandbox.clock.advance(timedelta(seconds=10))
        result = fresh.good(SAP, resources=["accounting_items", "open_items"])
    assert held["LastChangeDate"] is None and result.rows == {"accounting_items": 1, "open_items": 1}
    gone = f"SELECT bool_or(_deleted) FROM t WHERE accounting_document = '{held['AccountingDocument']}'"
    assert fresh.rows(SAP, "open_items", gone) == [(True,)]


def test_r3_rows_that_the_lists_leave_out_are_no_success(fresh: Lab, lab: Lab) -> None:
    hidden: dict[str, dict[str, Any] | None] = {id: {**held, "_hidden": True} for id, held in lab.store(SAP).collection("A_Product").items()}
    with altered(lab, "A_Product", hidden):
        result = fresh.good(SAP, resources=["products"])
        [audit] = result.audits
        assert not audit.is_complete and audit.expected == len(hidden) and audit.actual == 0 and result.rows == {}


def test_r8_one_order_that_is_counted_and_not_listed_makes_the_read_incomplete(fresh: Lab, lab: Lab) -> None:
    id, held = record(lab, "A_SalesOrder", 2)
    with altered(lab, "A_SalesOrder", {id: {**held, "_hidden": True}}):
        [audit] = fresh.good(SAP, resources=["sales_orders"]).audits
        assert not audit.is_complete and audit.expected == audit.actual + 1
        fresh.good(SAP, resources=["sales_orders"])
        assert fresh.rows(SAP, "sales_orders", "SELECT count(*) FROM t WHERE _deleted") == [(0,)]  # R10: hidden is not deleted


@pytest.mark.parametrize("page_size", [7, 40])
def test_r4_r9_small_pages_and_server_side_pages_give_the_same_rows(
    fresh: Lab, make_lab: Callable[..., Lab], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, page_size: int,
) -> None:
    names = ["sales_orders", "accounting_items", "business_partner_contacts", "customer_sales_areas"]
    fresh.good(SAP, resources=names)
    small(monkeypatch, page_size=page_size)
    server = fresh.sandbox.vendors[SAP]
    before, server._reads._page_size = server._reads._page_size, 5  # type: ignore[attr-defined]  # the service pages by itself: __next
    try:
        other = fresh.elsewhere(tmp_path / "other")
        assert other.good(SAP, resources=names).is_complete
    finally:
        server._reads._page_size = before  # type: ignore[attr-defined]
    for name in names:
        key = ", ".join(load_system(SAP).resources[name].key)
        query = f"SELECT {key} FROM t ORDER BY ALL"
        assert other.rows(SAP, name, query) == fresh.rows(SAP, name, query) != []


def test_r7_a_deleted_order_leaves_no_trace_and_is_found_by_the_count(fresh: Lab, lab: Lab) -> None:
    with fresh.client(SAP) as client:
        held = record(lab, "A_SalesOrder")[1]
        made = write(client, "POST", ORDER, {
            "SalesOrderType": "OR", "SalesOrganization": "1710", "DistributionChannel": "10", "OrganizationDivision": "00",
            "SoldToParty": next(id for id, row in lab.store(SAP).collection("A_Customer").items() if not row["OrderIsBlockedForCustomer"]),
            "to_Item": [{"Material": record(lab, "A_Product")[0], "RequestedQuantity": "1"}]}).json()["d"]["SalesOrder"]
        assert held["SalesOrder"] != made
        fresh.good(SAP, resources=["sales_orders"])
        write(client, "DELETE", f"{ORDER}('{made}')")
    result = fresh.good(SAP, resources=["sales_orders"])
    assert result.rows == {"sales_orders": 1, "sales_order_items": 1} and result.is_complete
    assert fresh.rows(SAP, "sales_orders", f"SELECT bool_or(_deleted) FROM t WHERE sales_order = '{made}'") == [(True,)]
    assert fresh.rows(SAP, "sales_orders", "SELECT count(*) FROM t WHERE _deleted") == [(1,)]
    assert fresh.good(SAP, resources=["sales_orders"]).rows == {}


def test_r7_a_mark_for_deletion_and_a_vanished_address_are_tombstones(fresh: Lab, lab: Lab) -> None:
    fresh.good(SAP, resources=["customers", "addresses"])
    customer, held = record(lab, "A_Customer", 1)
    address, _ = next((id, row) for id, row in lab.store(SAP).collection("A_BusinessPartnerAddress").items() if row["BusinessPartner"] == customer)
    lab.sandbox.clock.advance(timedelta(seconds=10))
    with altered(lab, "A_Customer", {customer: {**held, "DeletionIndicator": True}}), altered(lab, "A_BusinessPartnerAddress", {address: None}):
        result = fresh.good(SAP, resources=["customers", "addresses"])
    assert result.rows["customers"] == 1 and result.rows["addresses"] == 1 and result.rows["address_emails"] == 1
    assert fresh.rows(SAP, "customers", f"SELECT bool_or(_deleted) FROM t WHERE customer = '{customer}'") == [(True,)]
    assert fresh.rows(SAP, "addresses", "SELECT count(*) FROM t WHERE _deleted") == [(1,)]


def test_r10_a_broken_read_buries_nothing(fresh: Lab, lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    small(monkeypatch, page_size=20, longest_wait=timedelta(milliseconds=1))
    fresh.good(SAP, resources=["customers"])
    lab.sandbox.clock.advance(timedelta(seconds=10))
    lab.sandbox.fault(SAP, "429", "A_Customer", after=2, count=1)
    stopped = fresh.good(SAP, resources=["customers"])
    assert stopped.stopped and not stopped.is_complete
    assert fresh.rows(SAP, "customers", "SELECT count(*) FROM t WHERE _deleted") == [(0,)]


def test_r11_a_spent_quota_ends_the_run_and_the_next_goes_on_from_the_last_key(
    fresh: Lab, lab: Lab, monkeypatch: pytest.MonkeyPatch,
) -> None:
    small(monkeypatch, page_size=50, longest_wait=timedelta(milliseconds=1))
    lab.sandbox.fault(SAP, "429", "A_SalesOrder", after=2, count=1)
    first = fresh.good(SAP, resources=["sales_orders"])
    assert first.stopped and not first.is_complete and first.rows["sales_orders"] == 100
    second = fresh.good(SAP, resources=["sales_orders"])
    assert second.is_complete and second.rows["sales_orders"] == len(lab.store(SAP).collection("A_SalesOrder")) - 100


def test_r11_a_throttled_read_waits_and_shows_it(fresh: Lab, lab: Lab) -> None:
    lab.sandbox.fault(SAP, "429", "A_Product", count=1)
    assert fresh.good(SAP, resources=["products"]).wait_seconds > 0


@pytest.mark.parametrize("kind", ["500", "cut_before", "truncated"])
def test_trouble_while_reading_is_waited_out(fresh: Lab, lab: Lab, kind: str) -> None:
    lab.sandbox.fault(SAP, kind, "A_Product", count=1)
    assert fresh.good(SAP, resources=["products"]).is_complete


def changed(held: dict[str, Any], change: str) -> dict[str, Any]:
    if change == "added":
        return {**held, "YY1_Segment_SDH": "A"}
    if change == "removed":
        return {name: value for name, value in held.items() if name != "ShippingCondition"}
    if change == "renamed":
        return {("ShippingTerms" if name == "ShippingCondition" else name): value for name, value in held.items()}
    if change == "retyped":
        return {**held, "TotalNetAmount": 12.5}
    if change == "new value":
        return {**held, "OverallSDProcessStatus": "Z"}
    return {**held, "SoldToParty": None}


@pytest.mark.parametrize(("change", "told"), [
    ("added", {("sales_orders", "YY1_Segment_SDH", "added")}), ("removed", {("sales_orders", "shipping_condition", "removed")}),
    ("renamed", {("sales_orders", "shipping_condition", "removed"), ("sales_orders", "ShippingTerms", "added")}),
    ("retyped", {("sales_orders", "total_net_amount", "retyped")}), ("new value", set()), ("nullability", set()),
])
def test_r12_drift_is_told_and_loses_no_row(fresh: Lab, lab: Lab, change: str, told: set[tuple[str, str, str]]) -> None:
    fresh.good(SAP, resources=["sales_orders"])
    orders = lab.store(SAP).collection("A_SalesOrder")
    now = int(lab.sandbox.clock.now().timestamp() * 1000)
    with altered(lab, "A_SalesOrder", {id: {**changed(held, change), "LastChangeDateTime": f"/Date({now}+0000)/"} for id, held in dict(orders).items()}):
        result = fresh.good(SAP, resources=["sales_orders"])
    assert set(result.drift) == told and not result.quarantined
    assert result.rows["sales_orders"] == len(orders) and result.is_complete
    if change == "new value":
        assert fresh.rows(SAP, "sales_orders", "SELECT count(*) FROM t WHERE process_status = 'Z'") == [(len(orders),)]
    if change == "nullability":
        assert fresh.rows(SAP, "sales_orders", "SELECT count(*) FROM t WHERE customer IS NULL") == [(len(orders),)]
    if change == "added":
        assert fresh.rows(SAP, "sales_orders", "SELECT DISTINCT _extra FROM t WHERE _extra IS NOT NULL") == [('{"YY1_Segment_SDH":"A"}',)]
    if change == "retyped":
        assert fresh.rows(SAP, "sales_orders", "SELECT count(*) FROM t WHERE total_net_amount = 12.5") == [(len(orders),)]


def test_a_value_that_fits_no_day_is_quarantined_with_its_reason(fresh: Lab, lab: Lab) -> None:
    id, held = record(lab, "A_SalesOrder", 4)
    with altered(lab, "A_SalesOrder", {id: {**held, "SalesOrderDate": "20.11.2026"}}):
        result = fresh.good(SAP, resources=["sales_orders"])
    [(table, bad)] = [(entry[0], entry[1]) for entry in fresh.rows(SAP, "_quarantine", "SELECT resource, reason FROM t")]
    assert table == "sales_orders" and "/Date(milliseconds)/" in bad and result.quarantined == {"sales_orders": 1} and result.is_complete


def test_r14_no_more_requests_at_once_than_the_system_file_says(fresh: Lab, lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    limits = small(monkeypatch, concurrency=2).limits
    vendor = lab.sandbox.vendors[SAP]
    seen: list[int] = []
    handle, lock = vendor.handle, threading.Lock()

    def counted(request: Any) -> Any:
        with lock:
            seen.append(request.in_flight)
        return handle(request)

    monkeypatch.setattr(vendor, "handle", counted)
    lab.sandbox.fault(SAP, "delay", "", seconds=0.05, count=8)
    fresh.good(SAP)
    assert max(seen) == limits.concurrency == 2


def test_r19_killed_anywhere_the_next_run_completes_without_gap_or_double(fresh: Lab, lab: Lab) -> None:
    script = (
        "import sys, pickle; settings, connections, accounts = pickle.load(open(sys.argv[1], 'rb'))\n"
        "from ingestion.run import ingest\nprint('go', flush=True)\n"
        "ingest(settings, connections, accounts=accounts, resources=['sales_orders', 'customers'])\n"
    )
    handed = fresh.settings.home / "handed.pickle"
    handed.write_bytes(pickle.dumps((fresh.settings, fresh.connections, fresh.accounts)))
    for wait in (0.3, 0.9, 1.5):
        process = subprocess.Popen([sys.executable, "-c", script, str(handed)], cwd=PROJECT, stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(wait)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
    fresh.good(SAP, resources=["sales_orders", "customers"])
    loads = ", ".join(f"'{load}'" for load in completed_loads(fresh.settings, SAP))
    for table, key, collection in (("sales_orders", "sales_order", "A_SalesOrder"), ("customers", "customer", "A_Customer")):
        [(count, distinct)] = fresh.rows(SAP, table, f"SELECT count(*), count(DISTINCT {key}) FROM t WHERE NOT _deleted AND _load_id IN ({loads})")
        assert count == distinct == len(lab.store(SAP).collection(collection))


def test_r19_after_a_failed_read_the_cursor_has_not_moved(fresh: Lab, lab: Lab) -> None:
    lab.sandbox.fault(SAP, "500", "A_SalesOrder", count=6)
    failed = fresh.ingest(SAP, resources=["sales_orders"])
    assert failed.error is not None and failed.rows == {}
    assert fresh.good(SAP, resources=["sales_orders"]).rows["sales_orders"] == len(lab.store(SAP).collection("A_SalesOrder"))


def test_what_the_arrangement_does_not_cover_stops_nothing_else(make_lab: Callable[..., Lab]) -> None:
    lab = make_lab(SAP, scale=0.05, vendor_settings={SAP: {"withheld": frozenset({"API_CRDTMBUSINESSPARTNER"})}})
    result = lab.good(SAP, resources=["credit_accounts", "products"])
    assert {audit.resource: audit.is_complete for audit in result.audits} == {"credit_accounts": False, "products": True}
    assert "No authorization" in next(audit.detail for audit in result.audits if audit.resource == "credit_accounts")


def test_given_records_are_read_by_key_and_a_missing_one_is_a_tombstone(fresh: Lab, lab: Lab) -> None:
    fresh.good(SAP, resources=["sales_orders"])
    id, held = record(lab, "A_SalesOrder", 7)
    other, _ = record(lab, "A_SalesOrder", 8)
    with altered(lab, "A_SalesOrder", {id: {**held, "DeliveryBlockReason": "09"}, other: None}):
        result = fresh.good(SAP, keys={"sales_orders": [id, other]})
    assert result.rows["sales_orders"] >= 2
    assert fresh.rows(SAP, "sales_orders", f"SELECT bool_or(_deleted) FROM t WHERE sales_order = '{other}'") == [(True,)]
    assert fresh.rows(SAP, "sales_orders", f"SELECT count(*) FROM t WHERE sales_order = '{id}' AND delivery_block_reason = '09'") == [(1,)]


def test_both_logins_and_a_token_that_ends_on_the_way(fresh: Lab, lab: Lab) -> None:
    before = fresh.connections[SAP]
    fresh.connections[SAP] = before.model_copy(update={"auth": "client_credentials"})
    try:
        with fresh.client(SAP) as client:
            assert odata_v2.describe(client)[0].startswith("company codes 1710")
            lab.sandbox.vendors[SAP].expire_tokens()
            assert odata_v2.describe(client)[0].startswith("company codes 1710")
        assert fresh.good(SAP, resources=["products"]).is_complete
    finally:
        fresh.connections[SAP] = before
    with fresh.client(SAP) as client:
        assert odata_v2.describe(client)[0].startswith("company codes 1710")


def test_a_full_read_lands_everything_again_and_buries_what_is_gone(fresh: Lab, lab: Lab) -> None:
    fresh.good(SAP, resources=["billing_documents"])
    id, _ = record(lab, "A_BillingDocument")
    lab.sandbox.clock.advance(timedelta(seconds=10))
    with altered(lab, "A_BillingDocument", {id: None}):
        fresh.good(SAP, resources=["billing_documents"])
        assert fresh.rows(SAP, "billing_documents", "SELECT count(*) FROM t WHERE _deleted") == [(0,)]
        fresh.good(SAP, resources=["billing_documents"], full=True)
    assert fresh.rows(SAP, "billing_documents", f"SELECT bool_or(_deleted) FROM t WHERE billing_document = '{id}'") == [(True,)]


def test_a_limit_is_a_limit(fresh: Lab, lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    small(monkeypatch, longest_wait=timedelta(milliseconds=1))
    lab.sandbox.fault(SAP, "429", "A_Product", count=1)
    with fresh.client(SAP) as client, pytest.raises(RateLimited):
        client.read("GET", "API_PRODUCT_SRV/A_Product")
