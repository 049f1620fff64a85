"""What we may not read fails alone: the rest lands, its cursor stays, and nobody takes it for complete."""

from __future__ import annotations

import dataclasses

import pytest

from concord.connections import SandboxAccount
from ingestion.client import NotPermitted
from ingestion.spec import load_system

KEYS = {"rk_some": {"*": "read", "charges": "none"}, "rk_none": {"balance": "read"}}
SEEN = {"salesforce": ("accounts", "sobject", "Secret__c"), "netsuite": ("customers", "table", "secret")}


@pytest.fixture(scope="module")
def lab(make_lab):
    return make_lab("stripe", "salesforce", "netsuite", vendor_settings={"stripe": {"restricted_keys": KEYS}})


@pytest.fixture
def fresh(lab, tmp_path):
    return lab.elsewhere(tmp_path)


def with_key(fresh, key):
    account = fresh.accounts["stripe"]
    return dataclasses.replace(fresh, accounts={**fresh.accounts, "stripe": SandboxAccount(account.base_url, {**account.secrets, "api_key": key})})


def newest_audit(fresh, name, resource):
    [row] = fresh.rows(name, "_audit", f"SELECT is_complete, expected, detail FROM t WHERE resource = '{resource}' "
                                       "QUALIFY row_number() OVER (PARTITION BY method ORDER BY _load_id DESC) = 1")
    return row


def test_a_forbidden_resource_fails_alone_and_goes_on_from_its_cursor(fresh):
    fresh.good("stripe", resources=["charges", "customers"])
    [(before,)] = fresh.rows("stripe", "charges", "SELECT count(*) FROM t")
    [(id,)] = fresh.rows("stripe", "charges", "SELECT min(id) FROM t")
    with fresh.client("stripe") as client:
        client.request("POST", f"charges/{id}", data={"metadata[invoice_id]": "in_seen_later"}, write=True)
    result = with_key(fresh, "rk_some").good("stripe", resources=["charges", "customers"])
    assert list(result.failed) == ["charges"] and "403" in result.failed["charges"] and not result.is_complete
    assert {audit.resource: audit.is_complete for audit in result.audits} == {"charges": False, "customers": True}
    complete, expected, detail = newest_audit(fresh, "stripe", "charges")
    assert not complete and expected is None and "403" in detail  # what raises D14
    healed = fresh.good("stripe", resources=["charges", "customers"])
    assert healed.rows == {"charges": 1} and healed.is_complete  # the change of before was not passed over
    assert newest_audit(fresh, "stripe", "charges")[0]  # the same method, so the finding closes
    assert fresh.rows("stripe", "charges", "SELECT count(*) FROM t") == [(before + 1,)]


def test_a_first_read_without_one_permission_lands_the_others(fresh):
    result = with_key(fresh, "rk_some").good("stripe")
    assert list(result.failed) == ["charges"] and result.rows["customers"] > 0 and "charges" not in result.rows
    assert fresh.rows("stripe", "charges", "SELECT count(*) FROM t") == [(0,)]  # an empty file with the schema is there all the same
    assert fresh.good("stripe").rows["charges"] > 0


def test_nothing_permitted_at_all_fails_the_connection(fresh):
    error = with_key(fresh, "rk_none").ingest("stripe").error
    assert isinstance(error, NotPermitted) and "403" in error.what


def test_a_refused_login_still_fails_the_connection(fresh):
    error = with_key(fresh, "sk_test_wrong").ingest("stripe").error
    assert error is not None and "wrong or revoked secret" in error.what


@pytest.mark.parametrize("name", SEEN)
def test_an_object_outside_the_roles_sight_fails_alone(fresh, monkeypatch, name):
    system = load_system(name)
    resource, place, hidden = SEEN[name]
    unseen = system.resources[resource].model_copy(update={place: hidden})
    narrowed = system.model_copy(update={"resources": {**system.resources, resource: unseen}})
    monkeypatch.setattr("ingestion.run.load_system", lambda _: narrowed)
    result = fresh.good(name, resources=[resource, "contacts"])
    assert list(result.failed) == [resource] and result.rows["contacts"] > 0
    assert not newest_audit(fresh, name, resource)[0] and newest_audit(fresh, name, "contacts")[0]
