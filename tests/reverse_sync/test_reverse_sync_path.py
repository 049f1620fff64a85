"""The whole way: published table, plan, outbox, vendor, read-back."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from reverse_sync import outbox
from reverse_sync.dispatch import Pace, apply
from reverse_sync.plan import plan
from reverse_sync.store import Store, broken_link
from tests.reverse_sync.published import CONNECTIONS, account, accounts, organization, publish, row, ticket
from tests.reverse_sync.standin import Standin

FAST = Pace(backoff=timedelta(milliseconds=50), settle=timedelta(milliseconds=20), patience=timedelta(seconds=20))


def test_a_difference_is_sent_read_back_and_not_planned_again(tmp_path: Path, store: Store, vendor: Standin) -> None:
    organization(vendor, "31", credit_status="ok", erp_balance=10, details="theirs")
    account(vendor, "001A", Credit_Status__c="OK", Name="Acme")
    ticket(vendor, "501", "vip")
    published = publish(tmp_path / "published.duckdb", [
        row("organization", "31", {"credit_status": "hold", "erp_balance": 12.50}, {"credit_status": "ok", "erp_balance": 10}),
        row("Account", "001A", {"Credit_Status__c": "Hold"}, {"Credit_Status__c": "OK"}),
        row("ticket", "501", {"tag_credit_hold": True, "tag_lapsed_cover": False}, {"tag_credit_hold": False, "tag_lapsed_cover": False},
            note="Customer is on credit hold."),
    ])
    first = plan(published, store, CONNECTIONS)
    assert first.count("pending") == 3
    result = apply(store, CONNECTIONS, accounts(vendor), pace=FAST)
    assert (result.total("sent"), result.total("verified"), result.errors) == (3, 3, {}), result
    assert vendor.organizations["31"]["organization_fields"] == {"credit_status": "hold", "erp_balance": 12.5, "details": "theirs"}
    assert vendor.accounts["001A"]["Credit_Status__c"] == "Hold"
    assert vendor.tickets["501"]["tags"] == ["concord_credit_hold", "vip"]
    [note] = vendor.comments["501"]
    assert note.startswith("Customer is on credit hold.\n\n[concord ")
    # the observation is as old as before: the receipt is newer
    writes = len(vendor.writes)
    second = plan(published, store, CONNECTIONS)
    assert second.changes == () and sum(target.unchanged for target in second.targets) == 3
    assert apply(store, CONNECTIONS, accounts(vendor), pace=FAST).total("requests") == 0
    assert len(vendor.writes) == writes
    assert outbox.counts(store) == {("salesforce", "verified"): 1, ("zendesk", "verified"): 2}
    assert broken_link(store) is None
