"""Stripe, Salesforce and NetSuite end to end: update feeds, children, tombstones, ceilings, both logins."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from ingestion.spec import load_system


@pytest.fixture(scope="module")
def lab(make_lab):
    return make_lab("stripe", "salesforce", "netsuite", vendor_settings={"stripe": {"requests_per_second": None}})


@pytest.fixture
def fresh(lab, tmp_path):
    return lab.elsewhere(tmp_path)


def form(client, path, **data):
    return client.request("POST", path, data=data, write=True).json()


@pytest.mark.parametrize("name", ["stripe", "salesforce", "netsuite"])
def test_first_read_is_complete_and_a_second_lands_nothing(fresh, name):
    first = fresh.good(name)
    assert first.is_complete, first.audits
    assert {audit.resource for audit in first.audits} == set(load_system(name).resources)
    assert not first.quarantined
    assert fresh.good(name).rows == {}


def test_r5_a_changed_object_comes_by_the_events_feed_as_it_is_now(fresh):
    fresh.good("stripe")
    [(id,)] = fresh.rows("stripe", "customers", "SELECT min(id) FROM t")
    with fresh.client("stripe") as client:
        form(client, f"customers/{id}", phone="1")
        form(client, f"customers/{id}", phone="2")
    result = fresh.good("stripe")
    assert result.rows == {"customers": 1}
    assert fresh.rows("stripe", "customers", f"SELECT phone FROM t WHERE id = '{id}' ORDER BY _changed_at DESC, _extracted_at DESC, _load_id DESC LIMIT 1") == [("2",)]
    assert fresh.good("stripe").rows == {}  # the same events are not read again


def test_r5_a_gap_beyond_the_feeds_window_forces_a_full_read(fresh):
    fresh.good("stripe", resources=["customers"])
    [(id, count)] = fresh.rows("stripe", "customers", "SELECT min(id), count(*) FROM t")
    with fresh.client("stripe") as client:
        form(client, f"customers/{id}", phone="3")
    import dlt

    pipeline = dlt.pipeline("stripe", pipelines_dir=str(fresh.settings.dlt))
    with pipeline.managed_state() as state:  # as after forty days without a run
        state["sources"]["stripe"]["resources"]["customers"]["place"]["since"] -= 40 * 86400
    result = fresh.good("stripe", resources=["customers"])
    assert result.audits[0].is_complete
    assert fresh.rows("stripe", "customers", f"SELECT phone FROM t WHERE id = '{id}' ORDER BY _changed_at DESC, _extracted_at DESC, _load_id DESC LIMIT 1") == [("3",)]


def test_r7_a_customer_deleted_in_stripe_is_a_tombstone(fresh):
    with fresh.client("stripe") as client:
        id = form(client, "customers", name="Gone Ltd")["id"]
        fresh.good("stripe", resources=["customers"])
        client.request("DELETE", f"customers/{id}", write=True)
    assert fresh.good("stripe", resources=["customers"]).rows == {"customers": 1}
    assert fresh.rows("stripe", "customers", f"SELECT _deleted FROM t WHERE id = '{id}' ORDER BY _changed_at, _extracted_at, _load_id") == [(False,), (True,)]


def test_nested_lists_are_read_beyond_their_first_ten(fresh, lab):
    id, held = next(iter(lab.store("stripe").collection("invoice_lines").items()))
    first = held["rows"][0]
    many = {"rows": [(number, *first[1:]) for number in range(1, 14)]}
    with lab.altered("stripe", "invoice_lines", {id: many}):
        with fresh.client("stripe") as client:
            nested = client.read("GET", f"invoices/{id}").content["lines"]
        assert nested["has_more"] and len(nested["data"]) == 10
        fresh.good("stripe", resources=["invoices"])
    assert fresh.rows("stripe", "invoice_lines", f"SELECT count(DISTINCT id) FROM t WHERE invoice = '{id}'") == [(13,)]


def test_r1_a_salesforce_change_lands_once_through_the_overlap(fresh):
    fresh.good("salesforce")
    [(id,)] = fresh.rows("salesforce", "accounts", "SELECT min(id) FROM t")
    with fresh.client("salesforce") as client:
        client.request("PATCH", f"sobjects/Account/{id}", json={"Website": "https://changed.example"}, write=True)
    assert fresh.good("salesforce").rows == {"accounts": 1}
    assert fresh.good("salesforce").rows == {}  # still inside the overlap, not landed twice
    rows = fresh.rows("salesforce", "accounts", f"SELECT website FROM t WHERE id = '{id}' ORDER BY system_modstamp DESC, _load_id DESC LIMIT 1")
    assert rows == [("https://changed.example",)]


def test_r7_a_salesforce_delete_comes_with_queryall(fresh):
    with fresh.client("salesforce") as client:
        id = client.request("POST", "sobjects/Account", json={"Name": "Gone Ltd"}, write=True).json()["id"]
        fresh.good("salesforce", resources=["accounts"])
        client.request("DELETE", f"sobjects/Account/{id}", write=True)
    result = fresh.good("salesforce", resources=["accounts"])
    assert result.rows == {"accounts": 1} and result.is_complete
    assert fresh.rows("salesforce", "accounts", f"SELECT _deleted, is_deleted FROM t WHERE id = '{id}' ORDER BY _extracted_at DESC, _load_id DESC, _deleted DESC LIMIT 1") == [(True, True)]


def test_bulk_reads_the_same_rows_as_rest(fresh, tmp_path, monkeypatch):
    fresh.good("salesforce", resources=["contacts"])
    other = fresh.elsewhere(tmp_path / "bulk")
    system = load_system("salesforce")
    limits = system.limits.model_copy(update={"bulk_above": 10})
    monkeypatch.setattr("ingestion.run.load_system", lambda name: system.model_copy(update={"limits": limits}))
    monkeypatch.setattr("ingestion.client.load_system", lambda name: system.model_copy(update={"limits": limits}))
    other.good("salesforce", resources=["contacts"])
    columns = ", ".join(system.resources["contacts"].columns)
    query = f"SELECT {columns} FROM t ORDER BY id"
    assert other.rows("salesforce", "contacts", query) == fresh.rows("salesforce", "contacts", query) != []


def test_an_expired_token_is_renewed_once(fresh, lab):
    for name in ("salesforce", "netsuite"):
        with fresh.client(name) as client:
            client.server_time()
            lab.sandbox.vendors[name].expire_tokens()
            client.request("GET", client.system.whoami)


def test_netsuite_takes_the_signed_header_too(fresh):
    fresh.connections["netsuite"], before = fresh.connections["netsuite"].model_copy(update={"auth": "oauth1"}), fresh.connections["netsuite"]
    try:
        assert fresh.good("netsuite", resources=["customers"]).is_complete
    finally:
        fresh.connections["netsuite"] = before


def test_r2_local_stamps_become_utc(fresh, lab):
    fresh.good("netsuite", resources=["customers"])
    id, stamp = fresh.rows("netsuite", "customers", "SELECT id, lastmodifieddate FROM t ORDER BY id LIMIT 1")[0]
    record = lab.store("netsuite").get("customer", str(id))
    assert stamp == datetime.fromisoformat(record["lastmodifieddate"]).astimezone(stamp.tzinfo)


def test_r2_a_change_before_local_midnight_is_not_lost(fresh, lab):
    fresh.good("netsuite")
    [(id,)] = fresh.rows("netsuite", "customers", "SELECT min(id) FROM t")
    with fresh.client("netsuite") as client:
        client.request("PATCH", f"record/v1/customer/{id}", json={"phone": "555"}, write=True)
    assert fresh.good("netsuite").rows == {"customers": 1}
    assert fresh.good("netsuite").rows == {}


def test_r7_netsuite_deletes_come_from_deletedrecord(fresh, lab):
    fresh.good("netsuite", resources=["customers"])
    with fresh.client("netsuite") as client:
        location = client.request(
            "POST", "record/v1/customer", json={"companyName": "Gone Ltd", "subsidiary": {"id": "1"}}, write=True).headers["Location"]
        id = location.rsplit("/", 1)[1]
        assert fresh.good("netsuite", resources=["customers"]).rows == {"customers": 1}
        client.request("DELETE", f"record/v1/customer/{id}", write=True)
    assert fresh.good("netsuite", resources=["customers"]).rows == {"customers": 1}
    assert fresh.rows("netsuite", "customers", f"SELECT _deleted FROM t WHERE id = {id} ORDER BY lastmodifieddate, _extracted_at, _load_id") == [(False,), (True,)]
    assert fresh.good("netsuite", resources=["customers"]).rows == {}


def test_r6_only_lines_of_changed_transactions_are_read_again(fresh, lab):
    fresh.good("netsuite")
    lines = fresh.rows("netsuite", "transaction_lines", "SELECT count(*) FROM t")[0][0]
    [(id,)] = fresh.rows("netsuite", "transactions", "SELECT min(id) FROM t WHERE type = 'SalesOrd'")
    with fresh.client("netsuite") as client:
        client.request("PATCH", f"record/v1/salesOrder/{id}", json={"memo": "changed"}, write=True)
    result = fresh.good("netsuite")
    assert result.rows["transactions"] == 1
    assert result.rows.get("transaction_lines", 0) < 20 < lines
    assert result.requests < 45


def test_r9_more_rows_than_one_query_reaches(fresh, monkeypatch):
    system = load_system("netsuite")
    small = system.model_copy(update={"limits": system.limits.model_copy(update={"page_size": 50, "ceiling": 100})})
    monkeypatch.setattr("ingestion.client.load_system", lambda name: small)
    result = fresh.good("netsuite", resources=["customers", "transaction_links"])
    assert result.is_complete and result.rows["transaction_links"] > 100


def test_r12_a_column_that_the_vendor_hides_lands_null_and_is_told(fresh, monkeypatch, tmp_path):
    system = load_system("salesforce")
    accounts = system.resources["accounts"]
    columns = {**accounts.columns, "gone": accounts.columns["name"].model_copy(update={"path": "Gone__c"})}
    wide = system.model_copy(update={"resources": {**system.resources, "accounts": accounts.model_copy(update={"columns": columns})}})
    fresh.good("salesforce", resources=["accounts"])
    monkeypatch.setattr("ingestion.run.load_system", lambda name: wide)
    result = fresh.good("salesforce", resources=["accounts"], full=True)
    assert result.drift == [("accounts", "gone", "removed")] and result.is_complete
    assert fresh.rows("salesforce", "accounts", "SELECT count(*), count(gone), count(DISTINCT id) * 2 FROM t")[0][1] == 0


def test_r11_a_spent_quota_ends_the_run_cleanly_and_the_next_goes_on(fresh, lab, monkeypatch):
    system = load_system("netsuite")
    short = system.model_copy(update={"limits": system.limits.model_copy(update={"page_size": 20, "longest_wait": timedelta(milliseconds=1)})})
    monkeypatch.setattr("ingestion.client.load_system", lambda name: short)
    lab.sandbox.fault("netsuite", "429", "suiteql", after=2, count=1)
    first = fresh.good("netsuite", resources=["customers"])
    assert first.stopped and not first.is_complete and 0 < first.rows["customers"] < 100
    second = fresh.good("netsuite", resources=["customers"])
    assert not second.stopped and second.is_complete
    assert first.rows["customers"] + second.rows["customers"] == fresh.rows("netsuite", "customers", "SELECT count(DISTINCT id) FROM t")[0][0]
