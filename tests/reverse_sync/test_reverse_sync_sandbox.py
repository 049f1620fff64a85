"""Against the sandbox, which speaks as the vendors do: values, tags and notes arrive, faults are survived, each effect happens once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from concord.connections import SandboxAccount
from reverse_sync import outbox
from reverse_sync.dispatch import Pace, apply
from reverse_sync.plan import ChangeCap, plan
from reverse_sync.store import Store, broken_link, open_store
from sandbox import accounts as credentials
from sandbox.server import Sandbox, running
from tests.reverse_sync.published import CONNECTIONS, publish, row

PACE = Pace(workers=2, backoff=timedelta(milliseconds=50), settle=timedelta(milliseconds=50), patience=timedelta(seconds=20))
NO_CAP = ChangeCap(count=None, share=None)


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with running(tmp_path_factory.mktemp("sandbox"), scale=0.2, vendors=("salesforce", "zendesk")) as started:
        yield started


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(f"sqlite:///{tmp_path / 'operations.sqlite'}")
    yield opened
    opened.close()


def reach(sandbox: Sandbox) -> dict[str, SandboxAccount]:
    return {
        "zendesk": SandboxAccount(sandbox.url("zendesk"), {
            "email": credentials.ZENDESK_EMAIL, "api_token": credentials.ZENDESK_TOKEN, "client_id": credentials.ZENDESK_CLIENT_ID,
            "client_secret": credentials.ZENDESK_CLIENT_SECRET}),
        "salesforce": SandboxAccount(sandbox.url("salesforce"), {
            "client_id": credentials.SALESFORCE_CLIENT_ID, "client_secret": credentials.SALESFORCE_CLIENT_SECRET}),
    }


def held(sandbox: Sandbox, vendor: str, collection: str) -> dict[str, dict[str, Any]]:
    return dict(sandbox.vendors[vendor].store.collection(collection))


def wishes(sandbox: Sandbox, number: int) -> list[dict[str, Any]]:
    """New values for organizations and accounts, and the hold tag on open tickets."""
    organizations = list(held(sandbox, "zendesk", "organizations").values())[:12]
    accounts = list(held(sandbox, "salesforce", "Account").values())[:12]
    tickets = [item for item in held(sandbox, "zendesk", "tickets").values() if item["status"] in ("new", "open", "pending")][:5]
    rows = [
        row("organization", str(item["id"]), {"credit_status": "hold", "overdue_amount": 100.25 + number, "overdue_days": number, "entitlement_tier": None},
            item["organization_fields"], observed_version=item["updated_at"]) for item in organizations
    ]
    rows += [
        row("Account", item["Id"], {"Credit_Status__c": "Hold", "Overdue_Amount__c": 100.25 + number, "Entitlement_Tier__c": None},
            {name: item[name] for name in ("Credit_Status__c", "Overdue_Amount__c", "Entitlement_Tier__c")},
            observed_version=item["SystemModstamp"]) for item in accounts
    ]
    rows += [
        row("ticket", str(item["id"]), {"tag_credit_hold": number % 2 == 1, "tag_lapsed_cover": False},
            {"tag_credit_hold": "concord_credit_hold" in item["tags"], "tag_lapsed_cover": False}, observed_version=item["updated_at"],
            note=f"Credit hold in the ERP, round {number}.") for item in tickets
    ]
    return rows


def settled(sandbox: Sandbox, number: int, rows: list[dict[str, Any]]) -> None:
    for item in rows:
        if item["object"] == "organization":
            fields = held(sandbox, "zendesk", "organizations")[item["record_id"]]["organization_fields"]
            assert (fields["credit_status"], fields["overdue_amount"], fields["overdue_days"], fields["entitlement_tier"]) == (
                "hold", 100.25 + number, number, None)
        elif item["object"] == "Account":
            record = held(sandbox, "salesforce", "Account")[item["record_id"]]
            assert (record["Credit_Status__c"], record["Overdue_Amount__c"], record["Entitlement_Tier__c"]) == ("Hold", 100.25 + number, None)
        else:
            assert ("concord_credit_hold" in held(sandbox, "zendesk", "tickets")[item["record_id"]]["tags"]) is (number % 2 == 1)


def test_values_tags_and_notes_arrive_and_a_second_run_writes_nothing(sandbox: Sandbox, store: Store, tmp_path: Path) -> None:
    rows = wishes(sandbox, 1)
    published = publish(tmp_path / "p.duckdb", rows)
    before = len(sandbox.journal())
    assert plan(published, store, CONNECTIONS, cap=NO_CAP).count("pending") == len(rows)
    result = apply(store, CONNECTIONS, reach(sandbox), pace=PACE)
    assert result.errors == {} and result.total("verified") == len(rows), [
        (entry.record_id, entry.state, entry.reason) for entry in outbox.entries(store) if entry.state != "verified"]
    settled(sandbox, 1, rows)
    written = len(sandbox.journal())
    assert written > before
    assert plan(published, store, CONNECTIONS, cap=NO_CAP).changes == ()
    assert apply(store, CONNECTIONS, reach(sandbox), pace=PACE).total("requests") == 0
    assert len(sandbox.journal()) == written


@pytest.mark.parametrize(("number", "kind"), [
    (2, "429"), (3, "500"), (4, "500_after"), (5, "cut_before"), (6, "cut_after"), (7, "truncated"), (8, "expired_token"), (9, "delay")])
@pytest.mark.parametrize("places", [
    [("zendesk", "PUT", "update_many"), ("salesforce", "PATCH", "composite/sobjects"), ("zendesk", "GET", "job_statuses")],
    [("zendesk", "GET", "show_many"), ("salesforce", "GET", "composite/sobjects")],
], ids=["write", "read"])
def test_each_transport_fault(
    sandbox: Sandbox, store: Store, tmp_path: Path, number: int, kind: str, places: list[tuple[str, str, str]],
) -> None:
    number += 10 if len(places) == 2 else 0
    rows = wishes(sandbox, number)
    start = len(sandbox.journal())
    plan(publish(tmp_path / "p.duckdb", rows), store, CONNECTIONS, cap=NO_CAP)
    for vendor, method, path in places:
        if (vendor, kind) != ("zendesk", "expired_token"):  # its API token does not expire
            sandbox.fault(vendor, kind, path, method=method)
    result = apply(store, CONNECTIONS, reach(sandbox), pace=PACE)
    assert result.errors == {}
    if kind == "429":  # Salesforce counts over a day and names no time: its part goes on in a later run
        [waiting] = [part for part in result.connections if part.left]
        assert waiting.connection == "salesforce" and waiting.resume_at is not None
        later = apply(store, CONNECTIONS, reach(sandbox), pace=PACE, now=lambda: datetime.now(UTC) + PACE.longest_pause)
        assert later.errors == {} and later.total("retries") == 0
    assert {state for _, state in outbox.counts(store)} == {"verified"}
    settled(sandbox, number, rows)
    assert broken_link(store) is None
    changed = [
        (entry["vendor"], effect["collection"], effect["id"], name)
        for entry in sandbox.journal()[start:] for effect in entry["effects"] for name, (old, new) in effect["changed"].items()
        if old != new and (name in ("organization_fields", "tags") or name.endswith("__c")) and effect["kind"] == "updated"
    ]
    assert len(changed) == len(set(changed)), "an effect happened twice"


def test_a_value_that_the_vendor_refuses_is_a_dead_letter_with_its_reason(sandbox: Sandbox, store: Store, tmp_path: Path) -> None:
    good, bad = list(held(sandbox, "zendesk", "organizations"))[20:22]
    crm = list(held(sandbox, "salesforce", "Account"))[20]
    published = publish(tmp_path / "p.duckdb", [
        row("organization", good, {"overdue_days": 77}, {"overdue_days": 0}),
        row("organization", bad, {"entitlement_tier": "imaginary"}, {"entitlement_tier": None}),
        row("organization", "999999", {"overdue_days": 77}, {"overdue_days": 0}),
        row("Account", crm, {"No_Such_Field__c": "x"}, {}),
    ])
    plan(published, store, CONNECTIONS, cap=NO_CAP)
    apply(store, CONNECTIONS, reach(sandbox), pace=PACE)
    found = {entry.record_id: entry for entry in outbox.entries(store)}
    assert found[good].state == "verified"
    assert (found[bad].state, found[bad].reason_class) == ("dead_letter", "validation") and "imaginary" in (found[bad].reason or "")
    assert (found["999999"].state, found["999999"].reason_class) == ("dead_letter", "record_missing")
    assert found[crm].state == "dead_letter" and "No_Such_Field__c" in (found[crm].reason or "")


def test_a_wrong_secret_stops_the_connection_and_costs_no_entry(sandbox: Sandbox, store: Store, tmp_path: Path) -> None:
    id = list(held(sandbox, "zendesk", "organizations"))[30]
    plan(publish(tmp_path / "p.duckdb", [row("organization", id, {"overdue_days": 78}, {"overdue_days": 0})]), store, CONNECTIONS, cap=NO_CAP)
    wrong = SandboxAccount(sandbox.url("zendesk"), {**reach(sandbox)["zendesk"].secrets, "api_token": "no"})
    result = apply(store, CONNECTIONS, {"zendesk": wrong}, pace=PACE)
    assert "zendesk" in result.errors
    [entry] = outbox.entries(store)
    assert (entry.state, entry.attempts) == ("pending", 0)
