"""Which account of a role serves which customer, and what each account then holds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from sandbox.protocol import SandboxError
from sandbox.server import _with
from sandbox.world.advance import advance_world
from sandbox.world.build import World, build_world
from sandbox.world.landscape import DEFAULT, Account, region_of
from sandbox.world.model import native_id
from sandbox.world.plant import default_plan

ANCHOR = datetime(2026, 3, 2, 9, tzinfo=UTC)
TWO_OF_EACH = (
    Account("netsuite_us", "netsuite", "erp", "amer"), Account("netsuite_rest", "netsuite", "erp", "emea"),
    Account("salesforce", "salesforce", "crm"), Account("stripe", "stripe", "billing"), Account("zendesk", "zendesk", "support", "amer"),
    Account("zendesk_eu", "zendesk", "support", "eu"),
)


@pytest.fixture(scope="module")
def world() -> World:
    return build_world(7, 0.5, default_plan(0.5), None, ANCHOR, TWO_OF_EACH)


def test_each_customer_has_one_account_a_role_and_takes_its_documents_along(world: World) -> None:
    views = world.views
    for left, right in (("netsuite_us", "netsuite_rest"), ("zendesk", "zendesk_eu")):
        keys = [{row.key for row in views[name].customers} for name in (left, right)]
        assert keys[0] and keys[1] and not keys[0] & keys[1]
        for name, mine in zip((left, right), keys, strict=True):
            for rows in (views[name].orders, views[name].invoices, views[name].tickets, views[name].shipments, views[name].returns):
                assert {row.customer for row in rows} <= mine
    assert "emea" not in {region_of(row.country) for row in views["netsuite_us"].customers}
    assert "amer" not in {region_of(row.country) for row in views["zendesk_eu"].customers}
    whole = build_world(7, 0.5, default_plan(0.5), None, ANCHOR)
    assert len(views["netsuite_us"].invoices) + len(views["netsuite_rest"].invoices) == len(whole.views["netsuite"].invoices)
    assert [row.sku for row in views["netsuite_us"].products] == [row.sku for row in views["netsuite_rest"].products]


def test_references_lead_to_the_account_that_serves_the_customer(world: World) -> None:
    crm = world.views["salesforce"]
    linked = [row for row in crm.customers if row.erp_customer is not None]
    for row in linked[:50]:
        assert crm.peer("erp", "customer", row.erp_customer, row.key) == native_id("netsuite", "customer", row.key)
    assert crm.peer("erp", "order", None, 1) == "" and crm.peer("erp", "ticket", 1, 1) == ""


def test_what_a_missing_role_would_show_is_not_in_the_truth() -> None:
    whole = build_world(7, 0.5, default_plan(0.5), None, ANCHOR)
    without = build_world(7, 0.5, default_plan(0.5), None, ANCHOR, tuple(account for account in DEFAULT if account.role != "support"))
    assert set(without.views) == {"netsuite", "salesforce", "stripe"}
    assert {fault.kind for fault in whole.truth} - {fault.kind for fault in without.truth} >= {"hold_not_propagated_support", "tier_mismatch"}
    assert not any(subject.connection == "zendesk" for fault in without.truth for subject in fault.subjects)
    assert without.views["salesforce"].peer("support", "customer", 1, 1) == ""


def test_the_truth_names_accounts_and_native_ids(world: World) -> None:
    names = {account.name for account in TWO_OF_EACH}
    for fault in world.truth:
        for subject in fault.subjects:
            assert subject.connection in names and subject.key is None
    invoices = {native_id("netsuite", "invoice", row.key): name for name in ("netsuite_us", "netsuite_rest") for row in world.views[name].invoices}
    named = [subject for fault in world.truth for subject in fault.subjects if subject.entity == "invoice" and subject.connection.startswith("netsuite")]
    assert named and all(invoices[subject.id] == subject.connection for subject in named)


def test_a_day_reaches_the_account_of_its_customer() -> None:
    world = build_world(7, 0.5, default_plan(0.5), None, ANCHOR, TWO_OF_EACH)
    told = advance_world(world, ANCHOR + timedelta(days=1))
    assert set(told) == {account.name for account in TWO_OF_EACH} - {"salesforce"}  # stale by the default plan
    for name in ("netsuite_us", "netsuite_rest"):
        mine = {row.key for row in world.views[name].customers}
        assert {row.customer for row in told[name].invoices} <= mine
        assert told[name].invoices == [row for row in told[name].invoices if row.customer in mine]
    assert len(told["netsuite_us"].invoices) + len(told["netsuite_rest"].invoices) == len(told["stripe"].invoices)


def test_a_system_that_is_asked_for_takes_the_place_of_its_role() -> None:
    assert [account.name for account in _with(DEFAULT, ("zuora", "netsuite"))] == ["netsuite", "salesforce", "zendesk", "zuora"]
    assert _with(DEFAULT, ("stripe",)) == DEFAULT
    with pytest.raises(SandboxError, match="sugar"):
        _with(DEFAULT, ("sugar",))
