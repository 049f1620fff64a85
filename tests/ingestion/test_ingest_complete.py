"""What Stripe and Zendesk keep beside their main records, end to end: children of changed parents, short lists, drift of a contract."""

from __future__ import annotations

import pytest

from ingestion.spec import load_system


@pytest.fixture(scope="module")
def lab(make_lab):
    return make_lab(
        "stripe", "zendesk", vendor_settings={"stripe": {"requests_per_second": None}, "zendesk": {"exports_per_minute": 10_000}})


@pytest.fixture
def fresh(lab, tmp_path):
    return lab.elsewhere(tmp_path)


def form(client, path, **data):
    return client.request("POST", path, data=data, write=True).json()


def drift_of(result, resource):
    return {(column, change) for table, column, change in result.drift if table == resource}


# Stripe


def test_stripe_ledger_lands_as_the_vendor_has_it(fresh, lab):
    fresh.good("stripe", resources=["balance_transactions", "payouts", "payment_intents", "customers"])
    held = lab.store("stripe").collection("balance_transactions")
    assert fresh.rows("stripe", "balance_transactions", "SELECT count(*), sum(net) FROM t") == [
        (len(held), sum(row["net"] for row in held.values()))]
    assert fresh.rows("stripe", "payouts", "SELECT count(*) FROM t") == [(len(lab.store("stripe").collection("payouts")),)]
    assert fresh.rows("stripe", "payment_intents", "SELECT count(*) FROM t") == [(len(lab.store("stripe").collection("payment_intents")),)]
    assert fresh.rows("stripe", "customer_tax_ids", "SELECT count(*), count(customer), count(value) FROM t") == [
        (len(lab.store("stripe").collection("tax_ids")),) * 3]


def test_r1_balance_transactions_are_read_from_the_overlap_on_and_land_once(fresh, lab):
    fresh.good("stripe", resources=["balance_transactions"])
    [(charge,)] = fresh.rows("stripe", "balance_transactions", "SELECT source FROM t WHERE type = 'charge' ORDER BY created DESC LIMIT 1")
    with fresh.client("stripe") as client:
        refund = form(client, "refunds", charge=charge, amount=1)
    result = fresh.good("stripe", resources=["balance_transactions"])
    assert result.rows == {"balance_transactions": 1} and result.requests < 6
    assert fresh.rows("stripe", "balance_transactions", f"SELECT amount FROM t WHERE source = '{refund['id']}'") == [(-1,)]
    assert fresh.good("stripe", resources=["balance_transactions"]).rows == {}


def test_a_balance_transaction_that_became_available_lands_again(fresh, lab):
    fresh.good("stripe", resources=["charges"])
    [(charge,)] = fresh.rows(
        "stripe", "charges", "SELECT id FROM t WHERE status = 'succeeded' AND amount_refunded = 0 AND NOT disputed ORDER BY id LIMIT 1")
    with fresh.client("stripe") as client:
        id = form(client, "refunds", charge=charge, amount=1)["balance_transaction"]
    fresh.good("stripe", resources=["balance_transactions"])
    lab.sandbox.advance(days=3)
    fresh.good("stripe", resources=["balance_transactions"])
    assert fresh.rows("stripe", "balance_transactions", f"SELECT status FROM t WHERE id = '{id}' ORDER BY _changed_at, _load_id") == [
        ("pending",), ("available",)]


def test_r6_r7_a_tax_id_comes_and_goes_with_its_customer(fresh):
    fresh.good("stripe", resources=["customers"])
    [(id,)] = fresh.rows("stripe", "customers", "SELECT max(id) FROM t WHERE NOT _deleted")
    with fresh.client("stripe") as client:
        made = form(client, f"customers/{id}/tax_ids", type="gb_vat", value="GB77")
        assert fresh.good("stripe", resources=["customers"]).rows == {"customer_tax_ids": 1}
        client.request("DELETE", f"customers/{id}/tax_ids/{made['id']}", write=True)
    fresh.good("stripe", resources=["customers"])
    assert fresh.rows("stripe", "customer_tax_ids", f"SELECT _deleted FROM t WHERE id = '{made['id']}' ORDER BY _load_id, _deleted") == [
        (False,), (True,)]
    assert fresh.rows("stripe", "customers", f"SELECT bool_or(_deleted) FROM t WHERE id = '{id}'") == [(False,)]


def test_ledgers_are_read_of_customers_whose_balance_moved_only(fresh):
    fresh.good("stripe", resources=["customers", "customer_balance_transactions"])
    [(id, currency)] = fresh.rows("stripe", "customers", "SELECT id, currency FROM t WHERE NOT _deleted ORDER BY id LIMIT 1")
    with fresh.client("stripe") as client:
        made = form(client, f"customers/{id}/balance_transactions", amount=-500, currency=currency)
    result = fresh.good("stripe", resources=["customer_balance_transactions"])
    assert result.rows == {"customer_balance_transactions": 1} and result.requests < 5
    assert fresh.rows("stripe", "customer_balance_transactions", "SELECT id, customer, amount, ending_balance FROM t WHERE id = "
                      f"'{made['id']}'") == [(made["id"], id, -500, made["ending_balance"])]
    assert fresh.good("stripe", resources=["customer_balance_transactions"]).rows == {}


def test_r7_an_invoice_item_that_is_no_longer_pending_is_a_tombstone(fresh, lab):
    with fresh.client("stripe") as client:
        customer = client.read("GET", "customers", params={"limit": 1}).content["data"][0]
        item = form(client, "invoiceitems", customer=customer["id"], amount=100, currency=customer["currency"])["id"]
        assert fresh.good("stripe", resources=["pending_invoice_items"]).rows == {"pending_invoice_items": 1}
        assert fresh.good("stripe", resources=["pending_invoice_items"]).rows == {}
        client.request("DELETE", f"invoiceitems/{item}", write=True)
    lab.sandbox.advance(seconds=70)  # what is as young as the read itself is not taken for gone
    fresh.good("stripe", resources=["pending_invoice_items"])
    last = f"SELECT _deleted FROM t WHERE id = '{item}' ORDER BY _changed_at DESC, _extracted_at DESC, _load_id DESC LIMIT 1"
    assert fresh.rows("stripe", "pending_invoice_items", last) == [(True,)]


def test_coupons_codes_and_schedules_come_by_their_events(fresh):
    names = ["coupons", "promotion_codes", "subscription_schedules"]
    fresh.good("stripe", resources=names)
    with fresh.client("stripe") as client:
        coupon = form(client, "coupons", percent_off="12.5", duration="once")["id"]
        form(client, "promotion_codes", **{"promotion[type]": "coupon", "promotion[coupon]": coupon})
        [subscription] = client.read("GET", "subscriptions", params={"limit": 1, "status": "active"}).content["data"]
        form(client, "subscription_schedules", from_subscription=subscription["id"])
    assert fresh.good("stripe", resources=names).rows == dict.fromkeys(names, 1)
    assert fresh.rows("stripe", "promotion_codes", f"SELECT count(*) FROM t WHERE coupon = '{coupon}'") == [(1,)]
    with fresh.client("stripe") as client:
        client.request("DELETE", f"coupons/{coupon}", write=True)
    fresh.good("stripe", resources=["coupons"])
    assert fresh.rows("stripe", "coupons", f"SELECT _deleted FROM t WHERE id = '{coupon}' ORDER BY _changed_at, _load_id")[-1] == (True,)


def test_both_payload_shapes_land_the_same(fresh, tmp_path):
    names = ["customers", "subscriptions", "credit_notes", "disputes", "balance_transactions", "payouts", "payment_intents"]
    old = fresh.elsewhere(tmp_path / "old")
    settings = {"api_version": "2022-11-15"}
    old.connections = {**old.connections, "stripe": old.connections["stripe"].model_copy(update={"settings": settings})}
    fresh.good("stripe", resources=names)
    old.good("stripe", resources=names)
    for table in (*names, "customer_tax_ids", "credit_note_lines", "subscription_items"):
        system = load_system("stripe")
        spec = system.resources[table] if table in names else system.resources[system.owner(table)].children[table]
        # what only one of the shapes has: the halves of a note's payment, the discount's coupon
        columns = [name for name in spec.columns if name not in ("pre_payment_amount", "post_payment_amount", "coupon")]
        query = f"SELECT {', '.join(columns)} FROM t ORDER BY id"
        assert fresh.rows("stripe", table, query) == old.rows("stripe", table, query), table


# Zendesk


def test_zendesk_service_lands_as_the_vendor_has_it(fresh, lab):
    result = fresh.good("zendesk")
    store = lab.store("zendesk")
    assert fresh.rows("zendesk", "assets", "SELECT count(*), count(organization_id), count(installed_on) FROM t") == [
        (len(store.collection("custom_object_records")),) * 3]
    assert fresh.rows("zendesk", "satisfaction_ratings", "SELECT count(*) FROM t") == [(len(store.collection("satisfaction_ratings")),)]
    audited = {audit.resource: audit for audit in result.audits}
    assert {"assets", "satisfaction_ratings", "groups"} <= {name for name, audit in audited.items() if audit.expected == audit.actual}
    solved = "SELECT count(*) FROM t WHERE (status IN ('solved', 'closed')) <> (solved_at IS NOT NULL)"
    assert fresh.rows("zendesk", "tickets", solved) == [(0,)]
    assert fresh.rows("zendesk", "ticket_metric_events", "SELECT count(*) - count(DISTINCT id) FROM t") == [(0,)]
    assert {row[0] for row in fresh.rows("zendesk", "ticket_metric_events", "SELECT DISTINCT type FROM t")} == {
        "activate", "apply_sla", "breach", "fulfill", "measure", "pause", "update_status"}
    assert fresh.rows("zendesk", "brands", "SELECT count(*) FROM t") == [(1,)]
    assert set(result.quarantined) <= {"users"}  # the world plants one there


def test_solved_at_follows_the_ticket(fresh, lab):
    with fresh.client("zendesk") as client:
        body = {"ticket": {"subject": "s", "comment": {"body": "b"}}}
        id = client.request("POST", "tickets", json=body, write=True).json()["ticket"]["id"]
        client.request("PUT", f"tickets/{id}", json={"ticket": {"status": "solved"}}, write=True)
    lab.sandbox.advance(seconds=70)
    fresh.good("zendesk", resources=["tickets"])
    assert fresh.rows("zendesk", "tickets", f"SELECT solved_at IS NOT NULL, first_resolution_minutes FROM t WHERE id = {id}") == [(True, 0)]
    with fresh.client("zendesk") as client:
        client.request("PUT", f"tickets/{id}", json={"ticket": {"status": "open"}}, write=True)
    fresh.good("zendesk", resources=["tickets"], keys={"tickets": [id]})  # the targeted read has the metrics too
    newest = f"SELECT solved_at, reopens FROM t WHERE id = {id} ORDER BY generated_timestamp DESC, _extracted_at DESC, _load_id DESC LIMIT 1"
    assert fresh.rows("zendesk", "tickets", newest) == [(None, 1)]


def test_r6_only_memberships_of_changed_users_are_read_again(fresh, lab):
    fresh.good("zendesk", resources=["users", "organization_memberships"])
    user, organization = fresh.rows("zendesk", "organization_memberships", "SELECT user_id, organization_id FROM t ORDER BY id LIMIT 1")[0]
    [(other,)] = [(row["id"],) for row in list(lab.store("zendesk").collection("organizations").values())[:2] if row["id"] != organization][:1]
    with fresh.client("zendesk") as client:
        body = {"organization_membership": {"user_id": user, "organization_id": other}}
        made = client.request("POST", "organization_memberships", json=body, write=True).json()["organization_membership"]["id"]
        lab.sandbox.advance(seconds=70)
        result = fresh.good("zendesk", resources=["users", "organization_memberships"])
        assert result.rows == {"users": 1, "organization_memberships": 1} and result.requests < 8
        client.request("DELETE", f"organization_memberships/{made}", write=True)
    lab.sandbox.advance(seconds=70)
    fresh.good("zendesk", resources=["users", "organization_memberships"])
    assert fresh.rows("zendesk", "organization_memberships", f"SELECT count(*) FROM t WHERE id = {made} AND _deleted") == [(1,)]
    assert fresh.rows("zendesk", "organization_memberships", "SELECT count(*) FROM t WHERE _deleted") == [(1,)]


def test_r7_a_deleted_asset_is_a_tombstone_and_a_changed_one_lands_alone(fresh, lab):
    fresh.good("zendesk", resources=["assets"])
    (first,), (second,) = fresh.rows("zendesk", "assets", "SELECT id FROM t ORDER BY id LIMIT 2")
    lab.sandbox.advance(seconds=70)
    with fresh.client("zendesk") as client:
        path = "custom_objects/asset/records"
        client.request("PATCH", f"{path}/{first}", json={"custom_object_record": {"custom_object_fields": {"status": "retired"}}}, write=True)
        client.request("DELETE", f"{path}/{second}", write=True)
    lab.sandbox.advance(seconds=70)
    assert fresh.good("zendesk", resources=["assets"]).rows == {"assets": 2}
    newest = "SELECT status, _deleted FROM t WHERE id = '{}' ORDER BY updated_at DESC, _load_id DESC LIMIT 1"
    assert fresh.rows("zendesk", "assets", newest.format(first)) == [("retired", False)]
    assert fresh.rows("zendesk", "assets", newest.format(second)) == [(None, True)]
    assert fresh.good("zendesk", resources=["assets"]).rows == {}


# a contract that moves: no row is lost, and the change is told

MOVES = {
    "renamed": lambda row, name: {**{key: value for key, value in row.items() if key != name}, f"{name}_v2": row.get(name)},
    "removed": lambda row, name: {key: value for key, value in row.items() if key != name},
    "retyped": lambda row, name: {**row, name: {"text": row.get(name)}},
    "added": lambda row, name: {**row, "brand_new": 1},
    "nulled": lambda row, name: {**row, name: None},
}


@pytest.mark.parametrize("move", [*MOVES, "new word"])
@pytest.mark.parametrize(("vendor", "resource", "collection", "name", "word"), [
    ("stripe", "charges", "charges", "payment_intent", "status"), ("zendesk", "tickets", "tickets", "subject", "priority"),
])
def test_a_moved_contract_loses_no_row_and_is_told(fresh, lab, vendor, resource, collection, name, word, move):
    store = lab.store(vendor)
    held = dict(store.collection(collection))
    if move == "new word":
        id = next(iter(held))
        records = {id: {**held[id], word: "someday"}}
    elif move == "retyped":
        id = next(iter(held))
        records = {id: MOVES[move](held[id], name)}
    else:
        records = {id: MOVES[move](row, name) for id, row in held.items()}
    with lab.altered(vendor, collection, records):
        result = fresh.good(vendor, resources=[resource], full=True)
    landed = fresh.rows(vendor, resource, "SELECT count(DISTINCT id) FROM t WHERE NOT _deleted")[0][0]
    assert landed + result.quarantined.get(resource, 0) >= len(held)
    found = drift_of(result, resource)
    if move == "new word":  # the word itself lands; the value map decides what it means (D5)
        assert fresh.rows(vendor, resource, f"SELECT count(*) FROM t WHERE {word} = 'someday'") == [(1,)]
    elif move == "nulled":  # a null fits every column: it lands as one
        assert fresh.rows(vendor, resource, f"SELECT count({name}) FROM t") == [(0,)]
    elif move == "added":
        assert ("brand_new", "added") in found
        assert fresh.rows(vendor, resource, "SELECT count(*) FROM t WHERE _extra LIKE '%brand_new%'")[0][0] >= len(held)
    elif move == "renamed":
        assert (f"{name}_v2", "added") in found
        if vendor == "stripe":
            assert (name, "removed") in found
    elif move == "removed":
        assert (name, "removed") in found
    else:
        assert (name, "retyped") in found and result.quarantined == {resource: 1}
