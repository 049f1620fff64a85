"""NetSuite: goods, returns, users and rates land; tables without a stamp; amounts that move in silence; its schema drift."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from ingestion.spec import load_system
from sandbox.netsuite.catalogue import RECORD_TYPES

NEWEST = "QUALIFY row_number() OVER (PARTITION BY id ORDER BY {stamp} DESC, _extracted_at DESC, _load_id DESC) = 1"


@pytest.fixture(scope="module")
def lab(make_lab):
    return make_lab("netsuite")


@pytest.fixture
def fresh(lab, tmp_path):
    return lab.elsewhere(tmp_path)


def made(client: Any, path: str, **body: Any) -> str:
    return str(client.request("POST", f"record/v1/{path}", json=body, write=True).headers["Location"].rsplit("/", 1)[1])


def order_of(client: Any, customer: int, quantity: int = 2) -> str:
    lines = {"items": [{"item": {"id": "501"}, "quantity": quantity, "rate": 10}]}
    return made(client, "salesOrder", entity={"id": str(customer)}, orderStatus="B", item=lines)


def held(lab: Any, type_: str) -> list[dict[str, Any]]:
    return [record for record in lab.store("netsuite").collection("transaction").values() if record["type"] == type_]


# --- everything lands -------------------------------------------------------------------------------------------------


def test_goods_returns_users_and_rates_land_as_they_are(fresh, lab):
    fresh.good("netsuite")
    counts = dict(fresh.rows("netsuite", "transactions", "SELECT type, count(*) FROM t GROUP BY type"))
    for type_ in ("SalesOrd", "CustInvc", "CustPymt", "CustCred", "RtnAuth", "ItemShip", "ItemRcpt"):
        assert counts[type_] == len(held(lab, type_)) > 0, type_
    sent = next(record for record in held(lab, "ItemShip") if record["status"] == "C")
    row = fresh.rows("netsuite", "transactions", f"SELECT tranid, status, shipdate, actualshipdate, shipcarrier, foreigntotal FROM t WHERE id = {sent['id']}")
    assert row == [(sent["tranid"], "C", date.fromisoformat(sent["shipdate"]), date.fromisoformat(sent["actualshipdate"]), sent["shipcarrier"], None)]
    assert fresh.rows("netsuite", "shipment_tracking_numbers", f"SELECT number FROM t WHERE transaction = {sent['id']}") == [
        (sent["_packages"][0]["tracking"],)]
    assert fresh.rows("netsuite", "transaction_lines", f"SELECT DISTINCT createdfrom FROM t WHERE transaction = {sent['id']}") == [
        (int(sent["_createdfrom"]),)]
    back = held(lab, "RtnAuth")[0]
    assert fresh.rows("netsuite", "transactions", f"SELECT memo, -foreigntotal FROM t WHERE id = {back['id']}") == [
        (back["memo"], Decimal(str(-back["foreigntotal"])))]
    assert fresh.rows("netsuite", "employees", "SELECT count(*), count(email) FROM t") == [(10, 10)]
    assert fresh.rows("netsuite", "currency_rates", "SELECT exchangerate, effectivedate FROM t WHERE transactioncurrency = 2 ORDER BY id") == [
        (Decimal("1.0682"), date(2014, 1, 1)), (Decimal("1.09"), date(2015, 1, 1))]
    assert fresh.rows("netsuite", "terms", "SELECT name FROM t WHERE daysuntilnetdue = 30") == [("Net 30",)]
    assert fresh.rows("netsuite", "customer_subsidiaries", "SELECT DISTINCT subsidiary, isprimarysub FROM t") == [(1, True)]


# --- tables without a stamp of their own ------------------------------------------------------------------------------


def test_r6_tracking_numbers_follow_the_transactions_that_changed(fresh, lab):
    fresh.good("netsuite")
    [(customer,)] = fresh.rows("netsuite", "customers", "SELECT min(id) FROM t")
    with fresh.client("netsuite") as client:
        order = order_of(client, customer)
        parcel = {"items": [{"packageTrackingNumber": "1Z-OLD"}, {"packageTrackingNumber": "1Z-KEPT"}]}
        sent = made(client, f"salesOrder/{order}/!transform/itemFulfillment", package=parcel)
        first = fresh.good("netsuite")
        assert first.rows["shipment_tracking_numbers"] == 2 and first.is_complete
        client.request("PATCH", f"record/v1/itemFulfillment/{sent}", json={"package": {"items": [{"packageTrackingNumber": "1Z-NEW"}]}}, write=True)
    second = fresh.good("netsuite")
    assert second.is_complete and second.rows["shipment_tracking_numbers"] == 2  # one says another number, one is gone
    alive = fresh.rows("netsuite", "shipment_tracking_numbers", f"SELECT number, _deleted FROM t WHERE transaction = {sent} "
                       "QUALIFY row_number() OVER (PARTITION BY trackingnumber ORDER BY _changed_at DESC, _extracted_at DESC, _load_id DESC) = 1 ORDER BY trackingnumber")
    assert [(number, gone) for number, gone in alive if not gone] == [("1Z-NEW", False)] and len(alive) == 2
    # R10: what was not asked for is not gone
    [(buried,)] = fresh.rows("netsuite", "shipment_tracking_numbers", f"SELECT count(*) FROM t WHERE _deleted AND transaction <> {sent}")
    assert buried == 0
    assert "shipment_tracking_numbers" not in fresh.good("netsuite").rows


def test_r5_r7_an_employees_change_and_end_are_found_by_comparing(fresh, lab):
    fresh.good("netsuite", resources=["employees"])
    store = lab.store("netsuite").collection("employee")
    (one, first), (two, _) = list(store.items())[:2]
    fresh.sandbox.advance(seconds=30)  # what changed within the last seconds may only be late
    with lab.altered("netsuite", "employee", {one: {**first, "email": "new@concord.example"}, two: None}):
        result = fresh.good("netsuite", resources=["employees"])
        assert result.rows == {"employees": 2} and result.is_complete
        state = fresh.rows("netsuite", "employees", f"SELECT id, email, _deleted FROM t WHERE id IN ({one}, {two}) {NEWEST.format(stamp='_changed_at')} ORDER BY id")
        assert state[0] == (int(one), "new@concord.example", False) and state[1][2] is True
        assert fresh.good("netsuite", resources=["employees"]).rows == {}


def test_r9_a_table_without_cursor_beyond_the_ceiling_is_read_whole(fresh, lab, monkeypatch):
    monkeypatch.setattr("sandbox.netsuite.api.MAX_ROWS", 60)
    system = load_system("netsuite")
    small = system.model_copy(update={"limits": system.limits.model_copy(update={"page_size": 20, "ceiling": 60})})
    monkeypatch.setattr("ingestion.run.load_system", lambda name: small)
    monkeypatch.setattr("ingestion.client.load_system", lambda name: small)
    with fresh.client("netsuite") as client:  # the ceiling is there: what lies beyond is not given
        assert client.read("POST", "query/v1/suiteql", params={"limit": 20, "offset": 40}, json={"q": "SELECT id FROM transaction ORDER BY id"},
                           headers={"Prefer": "transient"}).content["hasMore"] is False
    result = fresh.good("netsuite", resources=["shipment_tracking_numbers"])
    expected = sum(len(record.get("_packages", ())) for record in held(lab, "ItemShip"))
    assert result.rows["shipment_tracking_numbers"] == expected > 60 and result.is_complete


# --- amounts that move without the stamp ------------------------------------------------------------------------------


def test_r5_an_open_amount_that_moves_without_a_stamp_is_read_again(fresh, lab):
    fresh.good("netsuite", resources=["transactions", "customers"])
    invoice = next(record for record in held(lab, "CustInvc") if record["status"] == "A")
    customer = lab.store("netsuite").get("customer", invoice["entity"])
    paid = {**invoice, "foreignamountunpaid": 0.0, "foreignamountpaid": invoice["foreigntotal"], "status": "B"}
    with lab.altered("netsuite", "transaction", {invoice["id"]: paid}), lab.altered("netsuite", "customer", {customer["id"]: {**customer, "balancesearch": 12345.5}}):
        result = fresh.good("netsuite", resources=["transactions", "customers"])
        assert result.rows == {"transactions": 1, "customers": 1}
        newest = f"SELECT status, foreignamountunpaid FROM t WHERE id = {invoice['id']} {NEWEST.format(stamp='lastmodifieddate')}"
        assert fresh.rows("netsuite", "transactions", newest) == [("B", Decimal(0))]
        assert fresh.rows("netsuite", "customers", f"SELECT balancesearch FROM t WHERE id = {customer['id']} {NEWEST.format(stamp='lastmodifieddate')}") == [
            (Decimal("12345.5"),)]
        assert fresh.good("netsuite", resources=["transactions", "customers"]).rows == {}


def test_r1_what_moved_with_its_stamp_lands_once(fresh, lab):
    fresh.good("netsuite", resources=["transactions"])
    [(id, customer)] = fresh.rows("netsuite", "transactions", "SELECT id, entity FROM t WHERE type = 'CustInvc' AND status = 'A' ORDER BY id LIMIT 1")
    with fresh.client("netsuite") as client:
        payment = made(client, f"invoice/{id}/!transform/customerPayment")
    result = fresh.good("netsuite", resources=["transactions"])
    assert result.rows == {"transactions": 2}
    assert fresh.rows("netsuite", "transactions", f"SELECT id FROM t WHERE _load_id = '{result.load_id}' ORDER BY id") == [(id,), (int(payment),)]
    assert fresh.good("netsuite", resources=["transactions"]).rows == {}


# --- deletes and partial reads ----------------------------------------------------------------------------------------


def test_r7_a_deleted_return_is_a_tombstone_and_its_lines_go_with_it(fresh, lab):
    [(customer,)] = [(int(next(iter(lab.store("netsuite").collection("customer")))),)]
    with fresh.client("netsuite") as client:
        back = made(client, "returnAuthorization", entity={"id": str(customer)}, item={"items": [{"item": {"id": "501"}, "quantity": 1, "rate": 5}]})
        fresh.good("netsuite", resources=["transactions", "transaction_lines"])
        client.request("DELETE", f"record/v1/returnAuthorization/{back}", write=True)
    result = fresh.good("netsuite", resources=["transactions", "transaction_lines"])
    assert result.is_complete
    assert fresh.rows("netsuite", "transactions", f"SELECT _deleted FROM t WHERE id = {back} ORDER BY _load_id DESC LIMIT 1") == [(True,)]
    newest = "QUALIFY row_number() OVER (PARTITION BY uniquekey ORDER BY _load_id DESC) = 1"
    assert set(fresh.rows("netsuite", "transaction_lines", f"SELECT _deleted FROM t WHERE transaction = {back} {newest}")) == {(True,)}


def test_r10_r11_a_read_that_stops_half_way_buries_nothing_and_goes_on(fresh, lab, monkeypatch):
    system = load_system("netsuite")
    short = system.model_copy(update={"limits": system.limits.model_copy(update={"page_size": 4, "longest_wait": timedelta(milliseconds=1)})})
    fresh.good("netsuite", resources=["employees"])
    monkeypatch.setattr("ingestion.run.load_system", lambda name: short)
    monkeypatch.setattr("ingestion.client.load_system", lambda name: short)
    lab.sandbox.fault("netsuite", "429", "suiteql", after=2, count=1)
    stopped = fresh.good("netsuite", resources=["employees"])
    assert stopped.stopped and not stopped.is_complete
    assert fresh.rows("netsuite", "employees", "SELECT count(*) FILTER (_deleted) FROM t") == [(0,)]
    assert fresh.good("netsuite", resources=["employees"]).is_complete


def test_r19_after_a_failed_read_the_cursor_has_not_moved(fresh, lab):
    fresh.good("netsuite", resources=["transactions"])
    [(customer,)] = [(int(next(iter(lab.store("netsuite").collection("customer")))),)]
    with fresh.client("netsuite") as client:
        order = order_of(client, customer)
    lab.sandbox.fault("netsuite", "500", "suiteql", after=1, count=50)
    assert fresh.ingest("netsuite", resources=["transactions"]).error is not None
    lab.sandbox.faults.clear()
    result = fresh.good("netsuite", resources=["transactions"])
    news = fresh.rows("netsuite", "transactions", f"SELECT id FROM t WHERE _load_id = '{result.load_id}' AND NOT _deleted")
    assert news == [(int(order),)]
    assert fresh.rows("netsuite", "transactions", f"SELECT count(*) FROM t WHERE id = {order}") == [(1,)]


def test_r14_the_account_is_never_asked_more_at_once_than_it_allows(fresh, lab, monkeypatch):
    vendor = lab.sandbox.vendors["netsuite"]
    most: list[int] = []
    handle = vendor.handle

    def counted(request: Any) -> Any:
        most.append(request.in_flight)
        return handle(request)

    monkeypatch.setattr(vendor, "handle", counted)
    assert fresh.good("netsuite").is_complete
    assert 1 < max(most) <= load_system("netsuite").limits.concurrency


# --- contract drift ---------------------------------------------------------------------------------------------------


@pytest.fixture
def drifting(fresh, lab, monkeypatch) -> Callable[..., Any]:
    """All customers as the vendor holds them after a change, read by an installation that knew them before."""
    engine = lab.sandbox.vendors["netsuite"]._engine

    def read(alter: Callable[[dict[str, Any]], dict[str, Any]] = dict, hidden: tuple[str, ...] = ()) -> Any:
        assert fresh.good("netsuite", resources=["customers"]).drift == []
        before = engine._hidden_columns
        records = {id: alter(record) for id, record in lab.store("netsuite").collection("customer").items()}
        with lab.altered("netsuite", "customer", records):
            engine._hidden_columns = frozenset(hidden)
            lab.sandbox.vendors["netsuite"]._fresh_version()
            engine._refresh_schema()
            try:
                result = fresh.good("netsuite", resources=["customers"], full=True)
            finally:
                engine._hidden_columns = before
                engine._refresh_schema()
        assert fresh.rows("netsuite", "customers", "SELECT count(DISTINCT id) FROM t WHERE NOT _deleted") == [(len(records),)]
        return result

    return read


def landed(fresh: Any, result: Any, column: str) -> set[Any]:
    return {value for (value,) in fresh.rows("netsuite", "customers", f"SELECT {column} FROM t WHERE _load_id = '{result.load_id}'")}


def test_drift_a_removed_column_lands_null_and_is_told(fresh, drifting):
    result = drifting(hidden=("customer.phone",))
    assert ("customers", "phone", "removed") in result.drift and result.is_complete
    assert landed(fresh, result, "phone") == {None}


def test_drift_a_renamed_column_is_both(drifting):
    result = drifting(lambda row: {**row, "custentity_phone": row["phone"]}, hidden=("customer.phone",))
    assert {("customers", "phone", "removed"), ("customers", "custentity_phone", "added")} <= set(result.drift)


def test_drift_an_added_field_is_told(drifting):
    result = drifting(lambda row: {**row, "custentity_region": "EMEA"})
    assert ("customers", "custentity_region", "added") in result.drift


def test_drift_a_new_word_lands_as_it_is(fresh, drifting):
    result = drifting(lambda row: {**row, "searchstage": "Dormant"})
    assert landed(fresh, result, "searchstage") == {"Dormant"} and not result.quarantined


def test_drift_a_value_that_turns_null_loses_no_row(fresh, drifting):
    result = drifting(lambda row: {**row, "companyname": None, "currency": None})
    assert landed(fresh, result, "companyname") == {None} and not result.quarantined


def test_drift_a_field_that_must_be_given_now_is_told(fresh, drifting, monkeypatch):
    kind = RECORD_TYPES["customer"]

    def required(row: dict[str, Any]) -> dict[str, Any]:
        monkeypatch.setitem(RECORD_TYPES, "customer", replace(kind, required=("subsidiary", "companyName")))
        return dict(row)

    result = drifting(required)
    assert ("customers", "companyname", "nullability") in result.drift


def test_drift_a_retyped_field_is_told_and_what_does_not_fit_is_kept(fresh, lab):
    """A number that becomes a text is no number: the row waits in the quarantine with its reason, the others land."""
    fresh.good("netsuite", resources=["customers"])
    id, record = next(iter(lab.store("netsuite").collection("customer").items()))
    changed = {**record, "creditlimit": "a lot", "lastmodifieddate": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")}
    with lab.altered("netsuite", "customer", {id: changed}):
        result = fresh.good("netsuite", resources=["customers"])
    assert result.quarantined
    [(key, column, raw)] = fresh.rows("netsuite", "_quarantine", "SELECT key, \"column\", raw FROM t")
    assert (key, column) == (id, "creditlimit") and "a lot" in raw
    assert fresh.good("netsuite", resources=["customers"], full=True).is_complete
