"""Schema drift as the vendors' own descriptions show it: told once, at the look that first differs from the baseline."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from ingestion.readers import Drift
from ingestion.schema import _differences


@pytest.fixture(scope="module")
def lab(make_lab):
    return make_lab("salesforce", "netsuite")


@pytest.fixture
def fresh(lab, tmp_path):
    return lab.elsewhere(tmp_path)


@pytest.fixture
def shows(lab):
    """A block in which the vendor describes one field more, or one of another type."""

    @contextmanager
    def change(name: str, field: str, kind: str) -> Iterator[None]:
        if name == "salesforce":
            with lab.altered("salesforce", "_field", {f"Account.{field}": {"object": "Account", "field": field, "type": kind}}):
                yield
            return
        id, held = next(iter(lab.store("netsuite").collection("customer").items()))
        with lab.altered("netsuite", "customer", {id: {**held, field: "EU"}}):
            yield

    return change


PLACES = {"salesforce": ("accounts", "Region_Code__c", "Account"), "netsuite": ("customers", "custentity_region", "customer")}


@pytest.mark.parametrize("name", PLACES)
def test_a_new_field_and_its_end_are_told_once(fresh, shows, name):
    resource, field, record = PLACES[name]
    first = fresh.good(name, resources=[resource])
    assert first.drift == [] and not first.notes  # the baseline: fields that the system file does not list are no news
    with shows(name, field, "string"):
        assert fresh.good(name, resources=[resource]).drift == [(resource, field, "added")]
        assert fresh.good(name, resources=[resource]).drift == []
    assert fresh.good(name, resources=[resource]).drift == [(resource, field, "removed")]
    assert fresh.good(name, resources=[resource], full=True).drift == []
    told = fresh.rows(name, "_schema_drift", "SELECT column_name, change, detail FROM t ORDER BY _load_id")
    assert [row[:2] for row in told] == [(field, "added"), (field, "removed")] and record in told[0][2]


def test_a_field_of_another_type_is_told_under_our_column(fresh, shows):
    fresh.good("salesforce", resources=["contracts", "accounts"])
    with shows("salesforce", "NumberOfEmployees", "string"), shows("salesforce", "Overdue_Days__c", "string"):
        result = fresh.good("salesforce", resources=["contracts", "accounts"])
    assert ("accounts", "overdue_days", "retyped") in result.drift and all(table == "accounts" for table, _, _ in result.drift)


def test_each_object_is_described_once_a_run_and_not_sent_again_unchanged(fresh, lab):
    for name in PLACES:
        fresh.good(name)
    import dlt

    pipeline = dlt.pipeline("salesforce", pipelines_dir=str(fresh.settings.dlt))
    held = pipeline.state["sources"]["salesforce"]["resources"]["accounts"]["place"]["schema"]["Account"]
    assert held["fields"]["Id"] == "id" and held["fields"]["Website"].endswith("?") and held["etag"]
    with fresh.client("salesforce") as client:
        answer = client.request("GET", "sobjects/Account/describe", headers={"If-None-Match": held["etag"]})
    assert answer.status_code == 304
    pipeline = dlt.pipeline("netsuite", pipelines_dir=str(fresh.settings.dlt))
    held = pipeline.state["sources"]["netsuite"]["resources"]["transactions"]["place"]["schema"]
    assert {"salesOrder", "invoice", "creditMemo"} <= set(held) and held["invoice"]["fields"]["tranid"] == "string?"


def test_a_vendor_that_does_not_describe_itself_is_read_all_the_same(fresh, lab):
    lab.sandbox.fault("netsuite", "500", "metadata-catalog", after=1, count=6)
    result = fresh.good("netsuite", resources=["customers"])
    assert result.is_complete and result.rows["customers"] > 0 and "does not describe" in result.notes[0]


@pytest.mark.parametrize(("was", "became", "change"), [
    ("string", "string?", "nullability"), ("string?", "string", "nullability"), ("string", "double?", "retyped"), ("string?", "string?", None),
])
def test_a_field_that_may_be_empty_now_is_told_apart_from_a_retyped_one(was, became, change):
    found = _differences("Account", {"Tier__c": was}, {"Tier__c": became}, {"Tier__c": "tier"})
    assert [(drift.column, drift.change) for drift in found] == ([("tier", change)] if change else [])
    assert all(isinstance(drift, Drift) and "Account" in drift.detail for drift in found)
