"""The Chargebee stand-in, driven over HTTP by the vendor's own client and by plain requests."""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import chargebee as official
import pytest
import requests

from concord.settings import PROJECT
from sandbox.chargebee.api import webhooks
from sandbox.chargebee.site import minor_units
from sandbox.protocol import Record
from sandbox.world.model import View
from tests.chargebee_company import NOW, Site, ago, cid, company, customer, invoice, many_customers, serving

SPECS = PROJECT.parent / "shared" / "specs" / "chargebee"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with serving(tmp_path, company()) as opened:
        yield opened


@pytest.fixture
def official_client(site: Site, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The vendor's client, pointed at the stand-in: host and port stand for site and domain."""
    monkeypatch.setattr(official.Chargebee, "verify_ca_certs", False)  # without it the client insists on https
    host, _, rest = site.url.removeprefix("http://").partition(".")
    return official.Chargebee(api_key="test_concord_chargebee", site=host, chargebee_domain=rest, protocol="http")


def error(answer: requests.Response, status: int, code: str) -> dict[str, Any]:
    body: dict[str, Any] = answer.json()
    assert (answer.status_code, body["api_error_code"], body["http_status_code"]) == (status, code, status), answer.text
    assert body["message"] == body["error_msg"] and body["type"]
    return body


def ids(rows: list[dict[str, Any]], noun: str) -> list[str]:
    return [row[noun]["id"] for row in rows]


# ------------------------------------------------------------------ the vendor's own client


def test_official_client_lists_with_paging(site: Site, official_client: Any) -> None:
    found, offset = [], None
    for _ in range(20):
        page = official_client.Customer.list(official_client.Customer.ListParams(limit=4, **({"offset": offset} if offset else {})))
        found += [row.customer.id for row in page.list]
        offset = page.next_offset
        if not offset:
            break
    assert found == [cid("customer", n) for n in range(25, 0, -1)][::-1]
    assert site.requests[0][2] == "limit=4"


def test_official_client_filters_and_sorts(official_client: Any) -> None:
    client, filters = official_client, official_client.Invoice
    rows = client.Invoice.list(filters.ListParams(
        limit=100, status={"in": ["paid", "voided"]}, date={"between": [int(ago(30).timestamp()), int(NOW.timestamp())]},
        sort_by={"desc": "date"})).list
    assert {row.invoice.status for row in rows} == {"paid", "voided"}
    assert [row.invoice.date for row in rows] == sorted((row.invoice.date for row in rows), reverse=True)
    [note] = client.CreditNote.list(client.CreditNote.ListParams(reference_invoice_id={"is": cid("invoice", 2)})).list
    assert note.credit_note.id == cid("credit_note", 1)
    assert note.credit_note.linked_refunds[0].txn_id == cid("refund", 1)


def test_official_client_retrieves_creates_and_updates(official_client: Any) -> None:
    client = official_client
    found = client.Invoice.retrieve(cid("invoice", 1)).invoice
    assert (found.total, found.status, len(found.line_items)) == (15600, "posted", 13)
    made = client.Customer.create(client.Customer.CreateParams(
        id="new-one", company="New & Co", email="a@new.example", billing_address={"city": "Köln", "country": "DE"},
        meta_data=json.dumps({"crm": ["001"]}), **{"cf_erp_customer_id": "77"})).customer  # type: ignore[typeddict-unknown-key]
    assert (made.company, made.billing_address.city, made.meta_data, made.cf_erp_customer_id) == ("New & Co", "Köln", {"crm": ["001"]}, "77")
    client.Customer.update("new-one", client.Customer.UpdateParams(phone="1", company=""))
    again = client.Customer.retrieve("new-one").customer
    assert (again.phone, "company" in again.raw_data) == ("1", False)
    subscription = client.Subscription.create_with_items("new-one", client.Subscription.CreateWithItemsParams(
        subscription_items=[{"item_price_id": "price-1", "quantity": 4}])).subscription
    assert (subscription.status, subscription.mrr, subscription.subscription_items[0].amount) == ("active", 4000, 4000)
    changed = client.Subscription.update_for_items(subscription.id, client.Subscription.UpdateForItemsParams(
        subscription_items=[{"item_price_id": "price-1", "quantity": 5}])).subscription
    assert changed.mrr == 5000 and changed.resource_version > subscription.resource_version
    cancelled = client.Subscription.cancel_for_items(subscription.id, client.Subscription.CancelForItemsParams(
        end_of_term=True, cancel_reason_code="Budget"))
    assert (cancelled.subscription.status, cancelled.customer.id) == ("non_renewing", "new-one")


def test_official_client_raises_its_error_classes(site: Site, official_client: Any) -> None:
    client = official_client
    with pytest.raises(official.InvalidRequestError) as gone:
        client.Customer.retrieve("nope")
    assert (gone.value.http_status_code, gone.value.api_error_code, gone.value.param) == (404, "resource_not_found", "customer_id")
    with pytest.raises(official.InvalidRequestError) as twice:
        client.Customer.create(client.Customer.CreateParams(id=cid("customer", 1)))
    assert (twice.value.api_error_code, twice.value.param) == ("duplicate_entry", "id")
    with pytest.raises(official.PaymentError) as declined:
        client.Invoice.collect_payment(cid("invoice", 1))
    assert declined.value.api_error_code == "payment_method_not_present"
    site.answers.append(site.vendor.rate_limited(None))  # type: ignore[arg-type]
    with pytest.raises(official.OperationFailedError) as limited:
        client.Customer.list()
    assert (limited.value.http_status_code, limited.value.http_headers["retry-after"]) == (429, "15")
    client.env.api_key = "wrong"
    with pytest.raises(official.APIError) as refused:
        client.Customer.list()
    assert (refused.value.http_status_code, refused.value.api_error_code) == (401, "api_authentication_failed")


def test_official_client_repeats_a_write_without_a_second_effect(site: Site, official_client: Any) -> None:
    client, header = official_client, {"chargebee-idempotency-key": "once"}
    params = client.PromotionalCredit.AddParams(customer_id=cid("customer", 1), amount=500, description="Goodwill")
    first = client.PromotionalCredit.add(params, headers=header)
    again = client.PromotionalCredit.add(params, headers=header)
    assert (first.is_idempotency_replayed, again.is_idempotency_replayed) == (False, True)
    assert first.promotional_credit.id == again.promotional_credit.id
    assert client.Customer.retrieve(cid("customer", 1)).customer.promotional_credits == 500
    assert len(client.PromotionalCredit.list().list) == 1


# ------------------------------------------------------------------ transport


def test_keys_are_verified(site: Site) -> None:
    error(site.ask("GET", "customers", key="wrong"), 401, "api_authentication_failed")
    assert requests.get(f"{site.url}/api/v2/customers", timeout=5).status_code == 401
    assert requests.get(f"{site.url}/api/v2/customers", auth=("test_concord_chargebee", "x"), timeout=5).status_code == 401
    assert site.ask("GET", "customers", key="test_concord_read_only").status_code == 200
    error(site.ask("POST", "customers", key="test_concord_read_only"), 403, "api_authorization_failed")


def test_paths_methods_and_bodies_are_refused(site: Site) -> None:
    error(site.ask("PUT", f"customers/{cid('customer', 1)}"), 405, "http_method_not_supported")
    error(site.ask("DELETE", f"customers/{cid('customer', 1)}"), 405, "http_method_not_supported")
    error(site.ask("GET", "nothing"), 404, "resource_not_found")
    error(site.ask("GET", "plans"), 400, "configuration_incompatible")
    assert error(site.ask("POST", "customers", data={"surname": "x"}), 400, "param_wrong_value")["param"] == "surname"
    answer = requests.post(f"{site.url}/api/v2/customers", json={"company": "x"}, auth=("test_concord_chargebee", ""), timeout=5)
    error(answer, 400, "invalid_request")
    assert error(site.ask("POST", "customers", data={"net_term_days": "soon"}), 400, "param_wrong_value")["param"] == "net_term_days"
    assert error(site.ask("POST", "credit_notes", data={"total": 1}), 400, "param_wrong_value")["param"] == "type"
    error(site.ask("POST", "comments", data={"entity_type": "moon", "entity_id": "x", "notes": "y"}), 400, "param_wrong_value")


def test_the_site_takes_so_many_calls_a_minute(tmp_path: Path) -> None:
    with serving(tmp_path, company(), requests_per_minute=5) as site:
        assert [site.ask("GET", "items").status_code for _ in range(5)] == [200] * 5
        answer = site.ask("GET", "items")
        assert error(answer, 429, "api_request_limit_exceeded")["type"] == "operation_failed"
        assert 1 <= int(answer.headers["retry-after"]) <= 60


def test_nothing_is_null(site: Site) -> None:
    def walk(value: Any, place: str) -> None:
        if isinstance(value, dict):
            for name, inner in value.items():
                assert not name.startswith("_"), f"{place}.{name}"
                walk(inner, f"{place}.{name}")
        elif isinstance(value, list):
            for inner in value:
                walk(inner, place)
        else:
            assert value is not None, place

    for kind in ("customers", "items", "item_prices", "subscriptions", "invoices", "credit_notes", "transactions", "orders", "disputes",
                 "events", "item_families"):
        for row in site.all(kind, {"limit": 100}):
            walk(row, kind)


# ------------------------------------------------------------------ lists


def test_limits_and_offsets(site: Site) -> None:
    assert len(site.get("customers")["list"]) == 10
    for limit in ("0", "101", "x"):
        assert error(site.ask("GET", "customers", params={"limit": limit}), 400, "param_wrong_value")["message"] == \
            "limit : must be between 1 and 100"
    first = site.get("customers", limit=10)
    assert all(isinstance(part, str) for part in json.loads(first["next_offset"]))
    error(site.ask("GET", "customers", params={"offset": "10"}), 400, "param_wrong_value")
    assert error(site.ask("GET", "customers", params={"sort_by[asc]": "company"}), 400, "param_wrong_value")["param"] == "sort_by"
    error(site.ask("GET", "credit_notes", params={"sort_by[asc]": "updated_at"}), 400, "param_wrong_value")
    error(site.ask("GET", "item_families", params={"sort_by[asc]": "updated_at"}), 400, "param_wrong_value")
    error(site.ask("GET", "customers", params={"color[is]": "red"}), 400, "param_wrong_value")
    error(site.ask("GET", "customers", params={"updated_at[gt]": "1"}), 400, "param_wrong_value")
    assert site.all("items", {"include_deleted": "true"}) == site.all("items", {})  # no such switch there: passed over
    error(site.ask("GET", "items", params={"include_deleted": "maybe"}), 400, "param_wrong_value")


def test_a_row_that_changes_while_paging_moves_to_the_end(site: Site) -> None:
    query = {"limit": 5, "sort_by[asc]": "updated_at", "updated_at[after]": 0}
    first = site.ask("GET", "customers", params=query).json()
    moved = ids(first["list"], "customer")[-1]
    site.post(f"customers/{moved}", phone="5")
    rest = site.all("customers", {**query, "offset": first["next_offset"]})
    assert ids(rest, "customer")[-1] == moved
    assert len({*ids(first["list"], "customer"), *ids(rest, "customer")}) == len(site.all("customers", query))


def test_a_filter_on_updated_at_hides_what_never_changed(site: Site) -> None:
    everything = ids(site.all("customers", {"limit": 100}), "customer")
    stamped = ids(site.all("customers", {"limit": 100, "updated_at[after]": 0}), "customer")
    hidden = [id for id in everything if id not in stamped]
    assert hidden == [cid("customer", n) for n in range(2, 26, 2)]
    assert all("updated_at" not in site.get(f"customers/{id}")["customer"] for id in hidden)
    site.post(f"customers/{hidden[0]}", phone="7")
    assert hidden[0] in ids(site.all("customers", {"limit": 100, "updated_at[after]": 0}), "customer")


@pytest.mark.parametrize(("params", "wanted"), [
    ({"status[is]": "voided"}, {9}), ({"status[in]": '["voided","pending"]'}, {9, 3}), ({"status[in]": "['voided', 'pending']"}, {9, 3}),
    ({"status[not_in]": '["posted","payment_due","paid"]'}, {3, 7, 9, 10}), ({"subscription_id[is_present]": "true"}, {1}),
    ({"total[gt]": 2400}, {1, 5}), ({"total[between]": "[1000,2000]"}, {4}), ({"id[starts_with]": "inv-00001"}, {10, 11, 12, 13}),
    ({"recurring[is]": "true"}, {1}), ({"customer_id[is]": cid("customer", 6)}, {11, 12}),
    ({"date[before]": int(ago(300).timestamp())}, {11, 12}), ({"dunning_status[is]": "exhausted"}, {10}),
    ({"date[on]": int((ago(45) + timedelta(hours=1)).timestamp())}, {8}),
])
def test_invoices_are_filtered(site: Site, params: dict[str, Any], wanted: set[int]) -> None:
    assert set(ids(site.all("invoices", {"limit": 3, **params}), "invoice")) == {cid("invoice", n) for n in wanted}


def test_subscriptions_are_found_by_what_they_hold(site: Site) -> None:
    for params in ({"item_id[is]": "product-1"}, {"item_price_id[in]": '["price-1"]'}):
        assert len(site.all("subscriptions", {"limit": 4, **params})) == 6
    assert site.all("subscriptions", {"item_id[is]": "product-2"}) == []


def test_coupons_are_found_by_the_prices_that_they_apply_to(site: Site) -> None:
    whole = {"id": "WHOLE", "name": "On the whole", "apply_on": "invoice_amount"}
    one = {"id": "ONE", "name": "On one price", "apply_on": "each_specified_item", "item_constraints[constraint][0]": "specific",
           "item_constraints[item_type][0]": "charge", "item_constraints[item_price_ids][0]": '["price-2"]'}
    for body in (whole, one):
        made = site.post("coupons/create_for_items", **body)["coupon"]
    assert made["item_constraints"] == [{"constraint": "specific", "item_type": "charge", "item_price_ids": ["price-2"]}]
    by = "applicable_item_price_ids"
    assert set(ids(site.all("coupons", {f"{by}[is]": "price-2"}), "coupon")) == {"WHOLE", "ONE"}
    assert ids(site.all("coupons", {f"{by}[in]": '["price-1"]'}), "coupon") == ["WHOLE"]
    assert site.all("coupons", {f"{by}[is]": "no-such-price"}) == []
    error(site.ask("GET", "coupons", params={f"{by}[is_not]": "price-1"}), 400, "param_wrong_value")


def test_texts_are_sorted_and_paged(site: Site) -> None:
    for number in range(5):
        site.post("items", id=f"it-{number}", name=f"N {9 - number}", type="charge", item_family_id="family-concord")
    for order, wanted in (("sort_by[asc]", sorted), ("sort_by[desc]", lambda names: sorted(names, reverse=True))):
        names = [row["item"]["name"] for row in site.all("items", {"limit": 2, order: "name"})]
        assert len(names) == 7 and names == wanted(names)


def test_ends_of_a_time_filter(site: Site) -> None:
    at = site.get(f"customers/{cid('customer', 1)}")["customer"]["updated_at"]
    for name, is_in in (("after", False), ("before", False), ("on", True)):
        assert (cid("customer", 1) in ids(site.all("customers", {f"updated_at[{name}]": at}), "customer")) is is_in
    assert cid("customer", 1) in ids(site.all("customers", {"updated_at[between]": f"[{at},{at}]"}), "customer")
    assert cid("customer", 1) in ids(site.all("customers", {"updated_at[after]": at - 1}), "customer")


def test_deleted_rows_come_only_on_demand(site: Site) -> None:
    gone = cid("customer", 26)
    assert gone not in ids(site.all("customers", {"limit": 100}), "customer")
    [stub] = [row["customer"] for row in site.all("customers", {"limit": 100, "include_deleted": "true"}) if row["customer"]["id"] == gone]
    assert stub["deleted"] is True and stub["updated_at"] == int(ago(3).timestamp())


def test_hidden_rows_are_read_by_id_only(site: Site) -> None:
    assert cid("invoice", 6) not in ids(site.all("invoices", {"limit": 100}), "invoice")
    assert site.get(f"invoices/{cid('invoice', 6)}")["invoice"]["id"] == cid("invoice", 6)


def test_lists_show_a_change_late(tmp_path: Path) -> None:
    with serving(tmp_path, company(), list_lag_seconds=30) as site:
        site.post("customers", id="fresh")
        assert "fresh" not in ids(site.all("customers", {"limit": 100}), "customer")
        assert site.get("customers/fresh")["customer"]["id"] == "fresh"
        site.clock.advance(timedelta(seconds=32))
        assert "fresh" in ids(site.all("customers", {"limit": 100}), "customer")


def test_lists_under_a_record(site: Site) -> None:
    one = cid("customer", 1)
    assert set(ids(site.get(f"customers/{one}/invoices")["list"], "invoice")) == {cid("invoice", 1), cid("invoice", 2)}
    assert ids(site.get(f"customers/{one}/subscriptions")["list"], "subscription") == [cid("subscription", 1)]
    assert ids(site.get(f"invoices/{cid('invoice', 2)}/payments")["list"], "transaction") == [cid("payment", 1)]
    assert ids(site.get(f"invoices/{cid('invoice', 2)}/orders")["list"], "order") == [cid("order", 7)]
    [contact] = site.get(f"customers/{one}/contacts")["list"]
    assert contact["contact"]["email"] == "ap@firm1.example"
    [term] = site.get(f"subscriptions/{cid('subscription', 1)}/contract_terms")["list"]
    assert term["contract_term"]["total_contract_value"] == 36000
    error(site.ask("GET", "customers/nope/invoices"), 404, "resource_not_found")


def test_hierarchies(site: Site) -> None:
    parent, child = cid("customer", 1), cid("customer", 2)
    asked = f"customers/{child}/hierarchy"
    [own, above] = site.get(asked, hierarchy_operation_type="path_to_root")["hierarchies"]
    assert (own["customer_id"], own["parent_id"], above["customer_id"]) == (child, parent, parent)
    assert set(above["children_ids"]) == {child, cid("customer", 8)}
    assert len(site.get(f"customers/{parent}/hierarchy_detail", hierarchy_operation_type="complete_hierarchy")["hierarchies"]) == 3
    error(site.ask("GET", asked), 400, "param_wrong_value")
    site.post(f"customers/{cid('customer', 3)}/relationships", parent_id=child)
    assert site.get(f"customers/{cid('customer', 3)}")["customer"]["relationship"]["parent_id"] == child
    error(site.ask("POST", f"customers/{parent}/relationships", data={"parent_id": cid("customer", 3)}), 400, "param_wrong_value")


# ------------------------------------------------------------------ the world's rows


def test_customers_subscriptions_and_catalogue(site: Site) -> None:
    one = site.get(f"customers/{cid('customer', 1)}")["customer"]
    assert (one["company"], one["vat_number"], one["cf_erp_customer_id"], one["billing_address"]["country"], one["mrr"]) == \
        ("Firm 1", "DE000000001", "erp-customer-1", "DE", 3000)
    assert "cf_erp_customer_id" not in site.get(f"customers/{cid('customer', 27)}")["customer"]
    rows = {row["subscription"]["id"]: row for row in site.all("subscriptions", {"limit": 100})}
    found = {n: rows[cid("subscription", n)]["subscription"] for n in range(1, 7)}
    assert {n: row["status"] for n, row in found.items()} == {
        1: "active", 2: "cancelled", 3: "active", 4: "in_trial", 5: "non_renewing", 6: "in_limbo"}
    assert found[1]["cf_crm_contract_id"] == "crm-contract-1" and found[1]["contract_term"]["status"] == "active"
    assert (found[3]["due_invoices_count"], found[3]["total_dues"], "due_since" in found[1]) == (1, 3000, False)
    assert rows[cid("subscription", 1)]["customer"]["id"] == cid("customer", 1)
    [plan, box] = [row["item"] for row in site.all("items", {"sort_by[asc]": "id"})]
    assert (plan["type"], plan["metadata"], box["type"], box["status"]) == ("plan", {"sku": "SEAT", "tier": "standard"}, "charge", "archived")
    prices = {row["item_price"]["id"]: row["item_price"] for row in site.all("item_prices", {})}
    assert (prices["price-1"]["price"], prices["price-1"]["period_unit"], prices["price-2"]["price"]) == (1000, "month", 750)
    assert prices["price-2"]["accounting_detail"] == {"sku": "BOX"} and "period_unit" not in prices["price-2"]


def test_documents_of_the_world(site: Site) -> None:
    found = {n: site.get(f"invoices/{cid('invoice', n)}")["invoice"] for n in (1, 2, 3, 4, 5, 7, 8, 9, 10, 13)}
    assert {n: row["status"] for n, row in found.items()} == {
        1: "posted", 2: "paid", 3: "pending", 4: "posted", 5: "posted", 7: "in_limbo", 8: "payment_due", 9: "voided", 10: "not_paid", 13: "posted"}
    assert found[7]["ai_summary"] == "late"
    assert [found[n]["total"] for n in (1, 4, 5)] == [15600, 1200, 3000]  # dollars, yen and dinars in their smallest units
    two = found[2]
    assert two["linked_orders"] == [{**two["linked_orders"][0], "reference_id": "erp-order-7"}] and two["cf_invoice_number"] == "R-2"
    assert two["linked_payments"] == [{"txn_id": cid("payment", 1), "applied_amount": 2400, "applied_at": int(ago(4).timestamp()),
                                       "txn_status": "success", "txn_date": int(ago(4).timestamp()), "txn_amount": 2400}]
    assert [link["cn_id"] for link in two["issued_credit_notes"]] == [cid("credit_note", 1)]
    thirteen = found[13]
    assert (thirteen["amount_adjusted"], thirteen["amount_due"], thirteen["adjustment_credit_notes"][0]["cn_status"]) == (600, 1800, "adjusted")
    for row in found.values():
        if row["status"] not in ("voided",):
            assert row["amount_due"] == row["total"] - row["amount_paid"] - row["amount_adjusted"] - row["credits_applied"]
        assert row["sub_total"] == sum(line["amount"] for line in row["line_items"])
        assert row["tax"] == sum(line["tax_amount"] for line in row["line_items"])
    notes = {row["credit_note"]["id"]: row["credit_note"] for row in site.all("credit_notes", {})}
    assert {id: (note["type"], note["status"], note["amount_available"]) for id, note in notes.items()} == {
        cid("credit_note", 1): ("refundable", "refunded", 0), cid("credit_note", 2): ("adjustment", "adjusted", 0),
        cid("credit_note", 3): ("refundable", "voided", 0)}
    line = notes[cid("credit_note", 1)]["line_items"][0]
    assert line["reference_line_item_id"] == two["line_items"][0]["id"]
    moves = {row["transaction"]["id"]: row["transaction"] for row in site.all("transactions", {})}
    assert {id: (row["type"], row["status"], row["amount"]) for id, row in moves.items()} == {
        cid("payment", 1): ("payment", "success", 2400), cid("payment", 2): ("payment", "success", 900),
        cid("payment", 3): ("payment", "failure", 800), cid("payment", 4): ("payment", "in_progress", 100),
        cid("refund", 1): ("refund", "success", 600)}
    assert moves[cid("payment", 2)]["amount_unused"] == 900
    assert (moves[cid("refund", 1)]["refunded_txn_id"], moves[cid("refund", 1)]["linked_credit_notes"][0]["cn_id"]) == (
        cid("payment", 1), cid("credit_note", 1))


def test_minor_units_by_currency() -> None:
    assert [minor_units(Decimal("12.345"), code) for code in ("EUR", "JPY", "KWD")] == [1235, 12, 12345]


def test_a_long_document_is_cut_and_followed(tmp_path: Path) -> None:
    view = View("chargebee", NOW, role="billing", customers=[customer(1)], invoices=[invoice(1, 1, lines=25)])
    with serving(tmp_path, view, nested_lines=10) as site:
        [row] = site.get("invoices")["list"]
        lines, offset = list(row["invoice"]["line_items"]), row["invoice"]["line_items_next_offset"]
        assert len(lines) == 10
        while offset:
            page = site.get(f"invoices/{cid('invoice', 1)}", line_items_limit=8, line_items_offset=offset)["invoice"]
            lines, offset = lines + page["line_items"], page.get("line_items_next_offset")
        assert len({line["id"] for line in lines}) == 25
        error(site.ask("GET", f"invoices/{cid('invoice', 1)}", params={"line_items_limit": 301}), 400, "param_wrong_value")


def test_rows_that_come_later_are_told_by_events(site: Site) -> None:
    before = {row["event"]["id"] for row in site.all("events", {"limit": 100})}
    later = NOW + timedelta(minutes=5)
    paid = invoice(8, 2, age=45, status="paid", updated_at=later)
    with site.vendor.store.lock:
        site.vendor.apply(View("chargebee", later, role="billing", invoices=[paid], customers=[customer(30, created_at=later, updated_at=later)]))
    site.clock.advance(timedelta(minutes=6))
    fresh = [row["event"] for row in site.all("events", {"limit": 100}) if row["event"]["id"] not in before]
    assert {(event["event_type"], next(iter(event["content"]))) for event in fresh} == {("invoice_updated", "invoice"), ("customer_created", "customer")}
    assert site.get(f"invoices/{cid('invoice', 8)}")["invoice"]["linked_payments"]  # what the API knew stays
    [only] = [row for row in site.all("events", {"limit": 100, "event_type[is]": "customer_created"}) if row["event"]["id"] not in before]
    assert only["event"]["content"]["customer"]["id"] == cid("customer", 30)


def test_events_reach_ninety_days_back(site: Site) -> None:
    site.post(f"customers/{cid('customer', 1)}", phone="1")
    assert site.get("events", **{"event_type[is]": "customer_changed", "limit": 1})["list"]
    site.clock.advance(timedelta(days=91))
    assert site.get("events", limit=1)["list"] == []


def test_webhooks_carry_the_event_and_the_endpoints_login(site: Site) -> None:
    site.post(f"customers/{cid('customer', 1)}", phone="1")
    body, login = list(webhooks(site.vendor, int(time.time()) - 5))[-1]
    event = json.loads(body)
    assert (event["event_type"], event["content"]["customer"]["phone"], event["api_version"], login[:6]) == ("customer_changed", "1", "v2", "Basic ")
    assert event == site.get(f"events/{event['id']}")["event"]


# ------------------------------------------------------------------ writes


def test_an_adjustment_lowers_what_is_due(site: Site) -> None:
    one = cid("invoice", 1)  # 156.00, of which 1.00 is under way
    answer = site.post("credit_notes", type="adjustment", reference_invoice_id=one, total=600, create_reason_code="Service", cf_ref="case-1")
    note, after = answer["credit_note"], answer["invoice"]
    assert (note["status"], note["amount_allocated"], note["total"], note["cf_ref"]) == ("adjusted", 600, 600, "case-1")
    assert note["sub_total"] + note["line_items"][0]["tax_amount"] == 600
    assert (after["amount_adjusted"], after["amount_due"], after["status"]) == (600, 15000, "posted")
    assert note["allocations"][0]["invoice_id"] == one
    assert error(site.ask("POST", "credit_notes", data={"type": "adjustment", "reference_invoice_id": one, "total": 14901}),
                 400, "param_wrong_value")["param"] == "total"
    error(site.ask("POST", "credit_notes", data={"type": "adjustment", "reference_invoice_id": cid("invoice", 2), "total": 1}), 409,
          "invalid_state_for_request")
    error(site.ask("POST", "credit_notes", data={"type": "adjustment", "reference_invoice_id": cid("invoice", 9), "total": 1}), 409,
          "invalid_state_for_request")
    voided = site.post(f"credit_notes/{note['id']}/void")["credit_note"]
    assert voided["status"] == "voided" and site.get(f"invoices/{one}")["invoice"]["amount_due"] == 15600


def test_an_adjustment_of_everything_pays_the_invoice(site: Site) -> None:
    answer = site.post("credit_notes", type="adjustment", reference_invoice_id=cid("invoice", 8), total=2400)
    assert (answer["invoice"]["status"], answer["invoice"]["amount_due"]) == ("paid", 0)
    deleted = site.post(f"credit_notes/{answer['credit_note']['id']}/delete")["credit_note"]
    assert deleted["deleted"] is True
    assert answer["credit_note"]["id"] not in ids(site.all("credit_notes", {}), "credit_note")
    assert answer["credit_note"]["id"] in ids(site.all("credit_notes", {"include_deleted": "true"}), "credit_note")
    again = site.get(f"invoices/{cid('invoice', 8)}")["invoice"]
    assert (again["status"], again["amount_due"], again["adjustment_credit_notes"]) == ("payment_due", 2400, [])


def test_a_refundable_note_is_refunded_or_applied(site: Site) -> None:
    two, one = cid("invoice", 2), cid("invoice", 1)
    error(site.ask("POST", "credit_notes", data={"type": "refundable", "reference_invoice_id": two, "total": 1801}), 400, "param_wrong_value")
    line = site.get(f"invoices/{two}")["invoice"]["line_items"][0]["id"]
    made = site.post("credit_notes", **{
        "type": "refundable", "reference_invoice_id": two, "line_items[reference_line_item_id][0]": line, "line_items[amount][0]": 500})["credit_note"]
    assert (made["status"], made["sub_total"], made["total"], made["amount_available"]) == ("refund_due", 500, 600, 600)
    assert site.get(f"customers/{cid('customer', 1)}")["customer"]["refundable_credits"] == 600
    part = site.post(f"credit_notes/{made['id']}/refund", refund_amount=100)
    assert (part["credit_note"]["status"], part["credit_note"]["amount_available"], part["transaction"]["type"]) == ("refund_due", 500, "refund")
    applied = site.post(f"invoices/{one}/apply_credits", **{"credit_notes[id][0]": made["id"]})["invoice"]
    assert (applied["credits_applied"], applied["amount_due"], applied["applied_credits"][0]["applied_amount"]) == (500, 15100, 500)
    error(site.ask("POST", f"credit_notes/{made['id']}/refund"), 409, "invalid_state_for_request")
    other = site.post("credit_notes", type="refundable", customer_id=cid("customer", 5), total=70, currency_code="USD")["credit_note"]
    paid = site.post(f"credit_notes/{other['id']}/record_refund", **{"transaction[amount]": 70, "transaction[payment_method]": "bank_transfer"})
    assert (paid["credit_note"]["status"], paid["transaction"]["amount"]) == ("refunded", 70)
    error(site.ask("POST", "credit_notes", data={"type": "store", "customer_id": cid("customer", 5), "total": 70}), 400, "param_wrong_value")


def test_invoices_are_paid_voided_written_off_and_refunded(site: Site) -> None:
    eight = cid("invoice", 8)
    paid = site.post(f"invoices/{eight}/record_payment", **{"transaction[amount]": 3000, "transaction[payment_method]": "cash"})
    assert (paid["invoice"]["status"], paid["invoice"]["amount_paid"], paid["transaction"]["amount_unused"]) == ("paid", 2400, 600)
    error(site.ask("POST", f"invoices/{eight}/void"), 409, "invalid_state_for_request")
    back = site.post(f"invoices/{eight}/refund", refund_amount=1000)
    assert (back["credit_note"]["status"], back["transaction"]["type"], back["invoice"]["status"]) == ("refunded", "refund", "paid")
    voided = site.post(f"invoices/{cid('invoice', 4)}/void", comment="wrong")["invoice"]
    assert (voided["status"], voided["amount_due"]) == ("voided", 0)
    off = site.post(f"invoices/{cid('invoice', 13)}/write_off")
    assert (off["invoice"]["write_off_amount"], off["invoice"]["amount_due"], off["credit_note"]["reason_code"]) == (1800, 0, "write_off")
    made = site.post("invoices/create_for_charge_items_and_charges", **{
        "customer_id": cid("customer", 5), "currency_code": "USD", "item_prices[item_price_id][0]": "price-2", "item_prices[quantity][0]": 2,
        "charges[amount][0]": 50, "charges[description][0]": "Setup"})["invoice"]
    assert (made["total"], [line["entity_type"] for line in made["line_items"]]) == (1550, ["charge_item_price", "adhoc"])
    assert site.post(f"invoices/{made['id']}/delete")["invoice"]["deleted"] is True


def test_contacts_comments_orders_and_quotes(site: Site) -> None:
    one = cid("customer", 1)
    added = site.post(f"customers/{one}/add_contact", **{"contact[email]": "b@firm1.example", "contact[first_name]": "B"})["customer"]["contacts"]
    assert [contact["email"] for contact in added] == ["ap@firm1.example", "b@firm1.example"]
    site.post(f"customers/{one}/delete_contact", **{"contact[id]": added[0]["id"]})
    assert [row["contact"]["email"] for row in site.get(f"customers/{one}/contacts")["list"]] == ["b@firm1.example"]
    note = site.post("comments", entity_type="customer", entity_id=one, notes="called")["comment"]
    assert ids(site.get("comments", entity_type="customer", entity_id=one)["list"], "comment") == [note["id"]]
    order = site.post("orders", invoice_id=cid("invoice", 1), reference_id="erp-9", status="queued")["order"]
    assert site.get(f"invoices/{cid('invoice', 1)}")["invoice"]["linked_orders"][0]["reference_id"] == "erp-9"
    assert site.post(f"orders/{order['id']}", status="shipped", tracking_id="T1")["order"]["status"] == "shipped"
    quote = site.post("quotes/create_for_charge_items_and_charges", **{
        "customer_id": one, "item_prices[item_price_id][0]": "price-2"})["quote"]
    assert (quote["status"], quote["total"], quote["line_items"][0]["amount"]) == ("open", 750, 750)
    assert site.post(f"quotes/{quote['id']}/update_status", status="accepted")["quote"]["status"] == "accepted"
    assert site.post(f"customers/{cid('customer', 9)}/delete")["customer"]["deleted"] is True
    error(site.ask("POST", f"customers/{one}/delete"), 409, "invalid_state_for_request")


def test_subscription_states(site: Site) -> None:
    one = cid("subscription", 1)
    assert site.post(f"subscriptions/{one}/pause")["subscription"]["status"] == "paused"
    error(site.ask("POST", f"subscriptions/{one}/pause"), 409, "invalid_state_for_request")
    assert site.post(f"subscriptions/{one}/resume")["subscription"]["status"] == "active"
    later = site.post(f"subscriptions/{one}/update_for_items", **{
        "subscription_items[item_price_id][0]": "price-1", "subscription_items[quantity][0]": 9, "end_of_term": "true"})["subscription"]
    assert (later["has_scheduled_changes"], later["subscription_items"][0]["quantity"]) == (True, 3)
    will = site.get(f"subscriptions/{one}/retrieve_with_scheduled_changes")["subscription"]
    assert will["subscription_items"][0]["quantity"] == 9
    site.post(f"subscriptions/{one}/remove_scheduled_changes")
    gone = site.post(f"subscriptions/{one}/cancel_for_items")["subscription"]
    assert (gone["status"], "next_billing_at" in gone) == ("cancelled", False)
    assert site.post(f"subscriptions/{one}/reactivate")["subscription"]["status"] == "active"
    path, usage = f"subscriptions/{one}/usages", {"id": "u1", "item_price_id": "price-1", "quantity": "2.5", "usage_date": 1_760_000_000}
    assert site.post(path, **usage)["usage"]["quantity"] == "2.5"
    error(site.ask("POST", path, data=usage), 400, "duplicate_entry")
    assert site.post(path, **{**usage, "quantity": "3", "dedupe_option": "update_existing"})["usage"]["quantity"] == "3"
    assert ids(site.get("usages")["list"], "usage") == ["u1"]


def test_the_idempotency_window_is_thirty_minutes(site: Site) -> None:
    header, path = {"chargebee-idempotency-key": "k1"}, "promotional_credits/add"
    body = {"customer_id": cid("customer", 1), "amount": 10, "description": "x"}
    first = site.ask("POST", path, data=body, headers=header)
    again = site.ask("POST", path, data=body, headers=header)
    assert again.json() == first.json() and again.headers["chargebee-idempotency-replayed"] == "true"
    assert "chargebee-idempotency-replayed" not in first.headers
    error(site.ask("POST", path, data={**body, "amount": 11}, headers=header), 422, "unable_to_process_request")
    site.clock.advance(timedelta(minutes=31))
    third = site.ask("POST", path, data=body, headers=header)
    assert third.json()["promotional_credit"]["id"] != first.json()["promotional_credit"]["id"]
    assert third.json()["customer"]["promotional_credits"] == 20


def test_exports_run_until_asked_for(site: Site) -> None:
    made = site.post("exports/invoices")["export"]
    assert made["status"] == "in_process"
    for _ in range(4):
        site.post("exports/customers")
    error(site.ask("POST", "exports/customers"), 400, "resource_limit_exceeded")
    done = site.get(f"exports/{made['id']}")["export"]
    content = requests.get(done["download"]["download_url"], timeout=5).content
    with zipfile.ZipFile(io.BytesIO(content)) as folder:
        text = folder.read("invoices.csv").decode()
    assert cid("invoice", 2) in text and cid("invoice", 6) not in text


def test_what_was_written_survives_a_restart(tmp_path: Path) -> None:
    with serving(tmp_path, company()) as site:
        site.post("customers", id="kept", company="Kept")
        note = site.post("credit_notes", type="adjustment", reference_invoice_id=cid("invoice", 1), total=600)["credit_note"]["id"]
    with serving(tmp_path, company()) as site:
        assert site.get("customers/kept")["customer"]["company"] == "Kept"
        assert site.get(f"invoices/{cid('invoice', 1)}")["invoice"]["adjustment_credit_notes"][0]["cn_id"] == note
        assert site.post("credit_notes", type="adjustment", reference_invoice_id=cid("invoice", 1), total=1)["credit_note"]["id"] != note


# ------------------------------------------------------------------ the vendor's own description

# the site's own custom fields and facts that the company of these tests has not
_NOT_SHOWN = {
    "customer": {"cf_erp_customer_no", "meta_data"}, "subscription": set(), "invoice": {"subscription_id", "notes"},
    "credit_note": {"subscription_id"}, "credit_note.line_items": {"subscription_id"}, "transaction": {"subscription_id"},
}
_PEOPLE = frozenset(("first_name", "last_name"))  # customers are companies


@pytest.mark.skipif(not SPECS.exists(), reason="the vendor's description is not at hand")
@pytest.mark.parametrize(("file", "noun", "id"), [
    ("list_customers_page1.json", "customer", ("customers", "customer", 1)),
    ("list_subscriptions.json", "subscription", ("subscriptions", "subscription", 1)),
    ("list_invoices.json", "invoice", ("invoices", "invoice", 1)), ("credit_note_create_response.json", "credit_note", ("credit_notes", "credit_note", 1)),
    ("list_transactions.json", "transaction", ("transactions", "payment", 1)),
])
def test_answers_have_the_fields_of_the_samples(site: Site, file: str, noun: str, id: tuple[str, str, int]) -> None:
    sample = json.loads((SPECS / "samples" / file).read_text())
    wanted = sample["list"][0][noun] if "list" in sample else sample[noun]
    ours = site.get(f"{id[0]}/{cid(id[1], id[2])}")[noun]

    def compare(theirs: Any, mine: Any, place: str) -> None:
        if isinstance(theirs, dict):
            missing = theirs.keys() - mine.keys() - _NOT_SHOWN.get(place, set()) - _PEOPLE
            assert not missing, f"{place}: {missing}"
            for name in theirs.keys() & mine.keys():
                compare(theirs[name], mine[name], f"{place}.{name}")
        elif isinstance(theirs, list):
            assert isinstance(mine, list), place
            if theirs and mine:
                compare(theirs[0], mine[0], place)
        else:
            numbers = (int, float)
            assert type(theirs) is type(mine) or (isinstance(theirs, numbers) and isinstance(mine, numbers)), f"{place}: {theirs!r} {mine!r}"

    compare(wanted, ours, noun)


@pytest.mark.skipif(not SPECS.exists(), reason="the vendor's description is not at hand")
def test_answers_fit_the_vendors_schemas(site: Site) -> None:
    site.post("promotional_credits/add", customer_id=cid("customer", 1), amount=1, description="x")
    site.post("comments", entity_type="customer", entity_id=cid("customer", 1), notes="x")
    site.post("quotes/create_for_charge_items_and_charges", **{"customer_id": cid("customer", 1), "item_prices[item_price_id][0]": "price-2"})
    schemas = json.loads((SPECS / "chargebee_api_v2_pc_v2.derived.json").read_text())["components"]["schemas"]
    strange = {("Subscription", "status", "in_limbo"), ("Invoice", "status", "in_limbo")}  # planted in the company

    def check(name: str, value: Record, place: str) -> None:
        schema = schemas[name]
        lacking = [field for field in schema.get("required") or [] if field not in value]
        assert not lacking, f"{place}: {lacking}"
        for field, kind in schema["properties"].items():
            if field in value and (name, field, value[field] if isinstance(value[field], str) else "") not in strange:
                check_kind(kind, value[field], f"{place}.{field}")

    def check_kind(kind: Any, value: Any, place: str) -> None:
        if "$ref" in kind:
            check(kind["$ref"].rsplit("/", 1)[1], value, place)
            return
        types = {"string": str, "integer": int, "number": (int, float), "boolean": bool, "array": list, "object": dict}
        if "type" in kind:
            assert isinstance(value, types[kind["type"]]), f"{place}: {value!r}"
            assert kind["type"] != "integer" or not isinstance(value, bool), place
        if kind.get("enum"):
            assert value in kind["enum"], f"{place}: {value!r}"
        for member in value if kind.get("type") == "array" else ():
            check_kind(kind["items"], member, place)

    checked = 0
    for kind, name in (("customers", "Customer"), ("subscriptions", "Subscription"), ("invoices", "Invoice"), ("credit_notes", "CreditNote"),
                       ("transactions", "Transaction"), ("items", "Item"), ("item_prices", "ItemPrice"), ("item_families", "ItemFamily"),
                       ("orders", "Order"), ("events", "Event"), ("promotional_credits", "PromotionalCredit"), ("comments", "Comment"),
                       ("quotes", "Quote")):
        rows = site.all(kind, {"limit": 100})
        assert rows, kind
        for row in rows:
            [noun] = [key for key in row if key not in ("card", "customer")] or ["customer"]
            check(name, row[noun], kind)
            checked += 1
    for answer, name in ((site.ask("GET", "customers/nope"), "Error404"), (site.ask("GET", "items", key="x"), "Error401"),
                         (site.ask("GET", "items", params={"limit": 0}), "Error400"), (site.ask("PUT", "items"), "Error405"),
                         (site.ask("POST", f"invoices/{cid('invoice', 2)}/void"), "Error409")):
        body = answer.json()
        lacking = [field for field in schemas[name]["required"] if field not in body]
        assert not lacking, f"{name}: {lacking}"
        allowed = schemas[name]["properties"]["type"]["enum"]
        assert body["type"] in allowed, f"{name}: {body['type']}"
    assert checked > 100


# ------------------------------------------------------------------ size


def test_many_rows_load_and_page(tmp_path: Path) -> None:
    view = many_customers(30_000)
    lines = invoice(1, 1, lines=10).lines
    view.invoices = [replace(invoice(n, n, age=1 + n % 300), lines=lines) for n in range(1, 10_001)]
    with serving(tmp_path, view) as site:
        rows = site.all("customers", {"limit": 100, "sort_by[asc]": "updated_at", "updated_at[after]": int(ago(150).timestamp())})
        assert len(rows) > 15_000
        assert len(set(ids(rows, "customer"))) == len(rows)
