"""Reading given records again, large reads by the bulk interface, and the places where vendors lose rows quietly."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ingestion.spec import load_system


@pytest.fixture(scope="module")
def lab(make_lab):
    return make_lab("stripe", "salesforce", "netsuite", vendor_settings={"stripe": {"requests_per_second": None}})


@pytest.fixture
def fresh(lab, tmp_path):
    return lab.elsewhere(tmp_path)


def limited(monkeypatch, name, **limits):
    """The system file with other limits, as everybody reads it."""
    system = load_system(name)
    changed = system.model_copy(update={"limits": system.limits.model_copy(update=limits)})
    monkeypatch.setattr("ingestion.run.load_system", lambda _: changed)
    monkeypatch.setattr("ingestion.client.load_system", lambda _: changed)


def change(client, name, id, text):
    if name == "salesforce":
        client.request("PATCH", f"sobjects/Account/{id}", json={"Website": text}, write=True)
    elif name == "netsuite":
        client.request("PATCH", f"record/v1/customer/{id}", json={"phone": text}, write=True)
    else:
        client.request("POST", f"customers/{id}", data={"phone": text}, write=True)


@pytest.mark.parametrize(("name", "resource", "column"), [
    ("salesforce", "accounts", "website"), ("netsuite", "customers", "phone"), ("stripe", "customers", "phone")])
def test_only_the_named_records_are_read_and_the_cursor_stays(fresh, name, resource, column):
    fresh.good(name, resources=[resource])
    ids = [id for (id,) in fresh.rows(name, resource, "SELECT id FROM t ORDER BY id LIMIT 3")]
    with fresh.client(name) as client:
        for place, id in enumerate(ids):
            change(client, name, id, f"555-000{place}")
    targeted = fresh.good(name, keys={resource: ids[:2]})
    assert targeted.rows == {resource: 2} and targeted.audits == [] and targeted.requests <= 4
    seen = dict(fresh.rows(name, resource, f"SELECT id, {column} FROM t WHERE _load_id = '{targeted.load_id}'"))
    assert seen == {ids[0]: "555-0000", ids[1]: "555-0001"}
    rest = fresh.good(name, resources=[resource])  # the third is not passed over
    assert dict(fresh.rows(name, resource, f"SELECT id, {column} FROM t WHERE _load_id = '{rest.load_id}'"))[ids[2]] == "555-0002"
    assert rest.is_complete


def test_a_record_that_is_gone_is_a_tombstone_in_a_targeted_read(fresh):
    with fresh.client("stripe") as client:
        id = client.request("POST", "customers", data={"name": "Gone Ltd"}, write=True).json()["id"]
        fresh.good("stripe", resources=["customers"])
        client.request("DELETE", f"customers/{id}", write=True)
    assert fresh.good("stripe", keys={"customers": [id]}).rows == {"customers": 1}
    assert fresh.rows("stripe", "customers", f"SELECT _deleted FROM t WHERE id = '{id}' ORDER BY _changed_at DESC, _extracted_at DESC, _load_id DESC LIMIT 1") == [(True,)]


def test_bulk_goes_through_every_page_of_its_result_by_the_locator(fresh, lab, monkeypatch):
    held = len(lab.store("salesforce").collection("Contact"))
    limited(monkeypatch, "salesforce", bulk_above=10, bulk_page=7)
    result = fresh.good("salesforce", resources=["contacts"])
    assert result.rows["contacts"] == held > 21 and result.is_complete
    assert result.requests > held // 7  # one for each page
    assert fresh.rows("salesforce", "contacts", "SELECT count(DISTINCT id) = count(*) FROM t") == [(True,)]
    assert fresh.good("salesforce", resources=["contacts"]).rows == {}  # and goes on by its newest stamp


def test_r9_a_table_beyond_the_ceiling_of_a_query_is_read_whole(fresh, lab, monkeypatch):
    """The stand-in's own ceiling is lowered: what a plain offset cannot reach there, key slices must."""
    monkeypatch.setattr("sandbox.netsuite.api.MAX_ROWS", 60)
    limited(monkeypatch, "netsuite", page_size=20, ceiling=60)
    with fresh.client("netsuite") as client:
        reached, offset, more = 0, 0, True
        while more:
            answer = client.read("POST", "query/v1/suiteql", params={"limit": 20, "offset": offset}, json={"q": "SELECT id FROM customer ORDER BY id"},
                                 headers={"Prefer": "transient"}).content
            reached, offset, more = reached + len(answer["items"]), offset + 20, answer["hasMore"]
    held = len(lab.store("netsuite").collection("customer"))
    assert reached == 60 < held  # quietly cut
    result = fresh.good("netsuite", resources=["customers", "transaction_links"])  # one key column, and three
    assert result.is_complete and result.rows["customers"] == held and result.rows["transaction_links"] > 60
    distinct = "SELECT count(*) = count(DISTINCT (previousdoc, nextdoc, linktype)) FROM t"
    assert fresh.rows("netsuite", "transaction_links", distinct) == [(True,)]  # where slices meet nothing is doubled


def test_r2_what_changes_in_the_second_of_two_equal_hours_is_read(make_lab):
    """On 1 November 2026 Los Angeles lives the hour from one to two twice: 01:50 comes before 01:10."""
    lab = make_lab("netsuite", anchor=datetime(2026, 11, 1, 8, 40, tzinfo=UTC))
    def at(moment):
        lab.sandbox.advance(seconds=(moment - lab.sandbox.clock.now()).total_seconds())

    at(datetime(2026, 11, 1, 8, 50, tzinfo=UTC))
    [(first,), (second,)] = [(id,) for id in list(lab.store("netsuite").collection("customer"))[:2]]
    with lab.client("netsuite") as client:
        change(client, "netsuite", first, "555-0150")  # 01:50 summer time
        lab.good("netsuite", resources=["customers"])
        at(datetime(2026, 11, 1, 9, 10, tzinfo=UTC))
        change(client, "netsuite", second, "555-0110")  # 01:10 winter time: a stamp before the cursor
        change(client, "netsuite", first, "555-0111")
    result = lab.good("netsuite", resources=["customers"])
    assert result.rows == {"customers": 2}
    newest = lab.rows("netsuite", "customers", f"SELECT phone, lastmodifieddate FROM t WHERE id = {first} "
                      "QUALIFY row_number() OVER (ORDER BY lastmodifieddate DESC, _extracted_at DESC, _load_id DESC) = 1")
    assert newest[0][0] == "555-0111" and newest[0][1] - datetime(2026, 11, 1, 9, 10, tzinfo=UTC) < timedelta(minutes=1)
    assert lab.good("netsuite", resources=["customers"]).is_complete


def test_r5_events_older_than_the_feed_are_made_good_by_a_full_read(make_lab):
    lab = make_lab("stripe", vendor_settings={"stripe": {"requests_per_second": None}})
    lab.good("stripe", resources=["customers"])
    [(id,)] = lab.rows("stripe", "customers", "SELECT min(id) FROM t")
    with lab.client("stripe") as client:
        change(client, "stripe", id, "555-0142")
        lab.sandbox.clock.advance(timedelta(days=32))  # nobody ran for a month: the feed has forgotten the change
        events = client.read("GET", "events", params={"types[]": ["customer.updated"], "limit": 100}).content["data"]
    assert id not in {event["data"]["object"]["id"] for event in events}
    result = lab.good("stripe", resources=["customers"])
    assert result.is_complete
    assert lab.rows("stripe", "customers", f"SELECT phone FROM t WHERE id = '{id}' ORDER BY _changed_at DESC, _extracted_at DESC, _load_id DESC LIMIT 1") == [("555-0142",)]


@pytest.mark.parametrize(("name", "resource", "collection"), [("salesforce", "accounts", "Account"), ("netsuite", "customers", "customer")])
def test_r3_r8_a_row_that_the_vendor_counts_and_does_not_give_is_missed(fresh, lab, name, resource, collection):
    id, held = next(iter(lab.store(name).collection(collection).items()))
    with lab.altered(name, collection, {id: {**held, "_hidden": True}}):
        [audit] = fresh.good(name, resources=[resource]).audits
        assert audit.expected == audit.actual + 1 and not audit.is_complete
        [again] = fresh.good(name, resources=[resource]).audits  # an audit that goes on from the last count sees it too
        assert not again.is_complete
    [healed] = fresh.good(name, resources=[resource], full=True).audits
    assert healed.is_complete


def test_r8_a_stripe_object_that_no_event_told_of_is_missed(fresh, lab):
    fresh.good("stripe", resources=["customers"])
    held = next(iter(lab.store("stripe").collection("customers").values()))
    quiet = {**held, "id": "cus_quiet", "created": int(datetime.now(UTC).timestamp())}
    with lab.altered("stripe", "customers", {"cus_quiet": quiet}):
        [audit] = fresh.good("stripe", resources=["customers"]).audits
        assert not audit.is_complete and audit.expected == audit.actual + 1
        assert fresh.good("stripe", resources=["customers"], full=True).is_complete
