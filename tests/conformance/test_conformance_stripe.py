"""Stripe: the stand-in's answers against the OpenAPI text of an early version and the field tables of a late one, and the connector."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests

from sandbox.accounts import settings as credentials
from sandbox.server import running
from sandbox.world.plant import FaultPlan
from tests.conformance.described import described, lacking, only_with, sample, validator, violations
from tests.conformance.vendor_mock import Asked, Told, installed, served

pytestmark = only_with("stripe")
LATE, EARLY = "2026-10-28.endive", "2023-08-16"
LISTS = {
    "customers": "customer", "products": "product", "prices": "price", "subscriptions": "subscription", "invoices": "invoice",
    "charges": "charge", "payment_intents": "payment_intent", "refunds": "refund", "credit_notes": "credit_note", "disputes": "dispute",
    "events": "event", "balance_transactions": "balance_transaction", "payouts": "payout", "coupons": "coupon", "plans": "plan",
    "invoiceitems": "invoiceitem", "invoice_payments": "invoice_payment", "promotion_codes": "promotion_code",
    "subscription_schedules": "subscription_schedule", "tax_rates": "tax_rate", "billing/meters": "billing.meter",
    "test_helpers/test_clocks": "test_helpers.test_clock", "webhook_endpoints": "webhook_endpoint", "payment_methods": "payment_method",
}
# what an account has none of until somebody makes one
MADE: dict[str, dict[str, Any]] = {
    "tax_rates": {"display_name": "VAT", "inclusive": "false", "percentage": "19"},
    "billing/meters": {"display_name": "Calls", "event_name": "calls", "default_aggregation[formula]": "sum"},
    "test_helpers/test_clocks": {"frozen_time": "1800000000", "name": "Year end"},
    "webhook_endpoints": {"url": "https://hooks.example/stripe", "enabled_events[]": "*", "description": "All of them"},
}


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    home = tmp_path_factory.mktemp("home")
    settings = {"stripe": {"requests_per_second": None}}
    with running(
        home, scale=0.02, vendors=("stripe",), faults=FaultPlan(), vendor_settings=settings,
    ) as sandbox, requests.Session() as session:
        session.headers.update({"Authorization": f"Bearer {credentials('stripe', home)['api_key']}"})
        session.base = sandbox.url("stripe")  # type: ignore[attr-defined]
        for path, form in MADE.items():
            made = session.post(f"{sandbox.url('stripe')}/v1/{path}", data=form)
            assert made.status_code == 200, made.text
        yield session


def get(account: Any, path: str, version: str = LATE, **params: Any) -> requests.Response:
    answer: requests.Response = account.get(f"{account.base}/v1/{path}", params=params, headers={"Stripe-Version": version})
    return answer


@pytest.fixture(scope="module")
def early() -> dict[str, Any]:
    return described("stripe", "spec3_2023-08-16.trimmed.json")


@pytest.fixture(scope="module")
def late() -> dict[str, Any]:
    tables: dict[str, Any] = sample("stripe", "objects_2026-10-28.endive.json")
    return tables


LATER_ONLY = {"invoice_payments", "billing/meters", "tax_rates"}


@pytest.mark.parametrize("path", sorted(LISTS.keys() - LATER_ONLY))
def test_early_answers_fit_the_openapi_schemas(account: Any, early: dict[str, Any], path: str) -> None:
    schema = early["paths"].get(f"/v1/{path}", {}).get("get", {}).get("responses", {}).get("200", {})
    answer = get(account, path, EARLY, limit=100, **({"status": "all"} if path == "subscriptions" else {}))
    assert answer.status_code == 200 and answer.headers["Stripe-Version"] == EARLY, answer.text
    assert answer.json()["data"] or path not in MADE
    found = violations(validator(early, schema["content"]["application/json"]["schema"]), [answer.json()])
    assert found == []


def declared(tables: Mapping[str, Any], shape: Any, value: Any, path: str) -> Iterator[str]:
    """Where a value differs from a field table: undeclared fields, other JSON types, fields that may not be absent."""
    if value is None:
        if not shape.get("nullable"):
            yield f"{path}: null"
        return
    if "enum" in shape:
        if value not in shape["enum"]:
            yield f"{path}: {value!r} is none of {shape['enum']}"
    elif "expandable" in shape:
        if not isinstance(value, str):
            yield f"{path}: {type(value).__name__} instead of an id"
    elif "fields" in shape:
        yield from fields(tables, shape["fields"], value, path)
    elif "list_of" in shape:
        if not isinstance(value, list):
            yield f"{path}: not an array"
        for each in value if isinstance(value, list) else ():
            yield from declared(tables, shape["list_of"], each, f"{path}[]")
    elif "list_object_of" in shape:
        if set(value) - {"object", "data", "has_more", "url", "total_count"} or value.get("object") != "list":
            yield f"{path}: no list object"
        for each in value["data"]:
            yield from declared(tables, shape["list_object_of"], each, f"{path}[]")
    elif "ref" in shape:
        table = tables.get(named(shape["ref"]))
        if table is not None:
            yield from fields(tables, table, value, path)
    elif "type" in shape:
        kinds = {
            "string": str, "integer": int, "boolean": bool, "number": (int, float), "map": dict, "decimal string": str, "object": dict}
        kind = kinds.get(shape["type"])
        if kind is not None and (not isinstance(value, kind) or (kind is int and isinstance(value, bool))):  # type: ignore[arg-type]
            yield f"{path}: {type(value).__name__} instead of {shape['type']}"


def named(reference: str) -> str:
    """`InvoiceLineItem` as `invoice_line_item`."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in reference).lstrip("_")


def fields(tables: Mapping[str, Any], table: Mapping[str, Any], value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{path}: {type(value).__name__} instead of an object"
        return
    for name, inner in value.items():
        if name not in table:
            yield f"{path}.{name}: not declared"
        else:
            yield from declared(tables, table[name], inner, f"{path}.{name}")
    for name, shape in table.items():
        if name not in value and not shape.get("nullable"):
            yield f"{path}.{name}: absent"


@pytest.mark.parametrize("path", LISTS)
def test_late_answers_fit_the_field_tables(account: Any, late: dict[str, Any], path: str) -> None:
    answer = get(account, path, limit=100, **({"status": "all"} if path == "subscriptions" else {}))
    assert answer.status_code == 200 and answer.headers["Stripe-Version"] == LATE
    assert set(answer.json()) == {"object", "url", "has_more", "data"} and answer.json()["url"] == f"/v1/{path}"
    found = {text for row in answer.json()["data"] for text in declared(late, {"fields": late[LISTS[path]]}, row, LISTS[path])}
    if path == "events":  # the object of an event is one of its own kind, in the version in which it was told
        found = {text for text in found if not text.startswith("event.data.object")}
        types = {row["type"] for row in answer.json()["data"]}
        assert types <= set(late["_event_types"])
    assert found == set()


SAMPLES = {
    "customer.json": ("customers", {"discount", "shipping"}), "invoice.json": ("invoices", {"subscription", "parent.subscription_details.metadata"}),
    "subscription.json": ("subscriptions", {
        "pause_collection", "pending_update", "discount", "transfer_data", "billing_schedules", "payment_settings.payment_method_options",
        "pending_invoice_item_interval"}),
    "charge.json": ("charges", set()), "refund.json": ("refunds", set()), "dispute.json": ("disputes", set()),
    "credit_note.json": ("credit_notes", set()), "invoice_payment.json": ("invoice_payments", set()),
    "event_credit_note_created.json": ("events", {"data"}), "list_customers_page1.json": ("customers", {"data"}),
}


@pytest.mark.parametrize("name", SAMPLES)
def test_answers_have_every_field_of_the_samples(account: Any, name: str) -> None:
    """`without`: free fixture values of features that no row of the world uses."""
    path, without = SAMPLES[name]
    content = get(account, path, limit=100, **({"status": "all"} if path == "subscriptions" else {})).json()
    expected = sample("stripe", "samples", name)
    answers = [content] if expected.get("object") == "list" else content["data"]
    assert answers and lacking(expected, answers, without | {"metadata", *(f"{each}" for each in FREE)}) == []


FREE = {"lines.data[].metadata", "items.data[].metadata", "items.data[].price.metadata"}


def parameters(operation: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Each documented filter of a list with a value that is surely legal; cursors and references to other records are left out."""
    for name, told in operation.items():
        plain = name.rstrip("*")
        if plain in ("starting_after", "ending_before", "expand", "test_clock", "customer", "customer_account"):
            continue
        if isinstance(told, str) and told.startswith("range"):
            yield f"{plain}[gte]", "1600000000"
        elif isinstance(told, str) and "|" in told and " " not in told:
            yield plain, told.split("|")[0]
        elif told == "integer":
            yield plain, "5"
        elif told == "boolean":
            yield plain, "true"


@pytest.mark.parametrize("path", [
    "customers", "invoices", "subscriptions", "credit_notes", "refunds", "charges", "payment_intents", "disputes", "events", "products", "prices",
    "invoice_payments", "balance_transactions", "payouts", "coupons", "payment_methods", "billing/meters", "test_helpers/test_clocks"])
def test_documented_parameters_are_taken_and_others_refused(account: Any, path: str) -> None:
    operations = sample("stripe", "request_params_2026-10-28.endive.json")
    for name, value in parameters(operations[f"{LISTS[path].replace('.', '/')}_list"]):
        answer = get(account, path, **{name: value})
        assert answer.status_code == 200, (name, answer.text)
    unknown = get(account, path, foo="1")
    error = unknown.json()["error"]
    assert (unknown.status_code, error["code"], error["param"]) == (400, "parameter_unknown", "foo")
    for limit in ("0", "101"):
        assert get(account, path, limit=limit).status_code == 400


def test_errors_have_the_forms_of_the_samples(account: Any) -> None:
    errors = sample("stripe", "samples", "errors.json")
    skipped = {"error.request_log_url", "error.doc_url"}
    missing = account.post(f"{account.base}/v1/credit_notes", data={"amount": "5"})
    assert missing.status_code == 400 and lacking(errors["400_missing_param"]["body"], [missing.json()], skipped) == []
    assert missing.json()["error"]["code"] == "parameter_missing"
    nobody = requests.get(f"{account.base}/v1/customers", headers={"Authorization": "Bearer sk_test_wrong"})
    assert nobody.status_code == 401 and lacking(errors["401_bad_key"]["body"], [nobody.json()], skipped) == []
    gone = get(account, "customers/cus_nosuch")
    assert gone.status_code == 404 and gone.json()["error"]["code"] == "resource_missing" and gone.json()["error"]["param"] == "id"
    made = account.post(f"{account.base}/v1/customers", data={"name": "Conformance"}, headers={"Idempotency-Key": "conf-1"})
    again = account.post(f"{account.base}/v1/customers", data={"name": "Conformance"}, headers={"Idempotency-Key": "conf-1"})
    other = account.post(f"{account.base}/v1/customers", data={"name": "Else"}, headers={"Idempotency-Key": "conf-1"})
    assert made.json()["id"] == again.json()["id"] and again.headers["Idempotent-Replayed"] == "true"
    assert other.status_code == 400 and lacking(errors["400_idempotency_mismatch"]["body"], [other.json()]) == []
    deleted = account.delete(f"{account.base}/v1/customers/{made.json()['id']}")
    assert deleted.status_code == 200 and set(deleted.json()) == set(sample("stripe", "samples", "deleted_customer.json"))
    assert get(account, f"customers/{made.json()['id']}").json() == deleted.json()


# the connector


def contents() -> dict[str, list[dict[str, Any]]]:
    def one(name: str) -> dict[str, Any]:
        content: dict[str, Any] = sample("stripe", "samples", f"{name}.json")
        return content

    fixtures = sample("stripe", "fixtures3_2026-08-21.json")["resources"]
    return {
        "customers": [*one("list_customers_page1")["data"], *one("list_customers_page2")["data"]], "subscriptions": [one("subscription")],
        "invoices": [one("invoice")], "charges": [one("charge")], "refunds": [one("refund")], "disputes": [one("dispute")],
        "credit_notes": [one("credit_note")], "invoice_payments": [one("invoice_payment")], "products": [fixtures["product"]],
        "prices": [fixtures["price"]], "events": []}


def answering(asked: Asked, held: dict[str, list[dict[str, Any]]], version: str) -> Told:
    headers = {"Stripe-Version": version, "Request-Id": "req_1"}
    if asked.headers.get("authorization") != "Bearer sk_live_mine":
        return Told(sample("stripe", "samples", "errors.json")["401_bad_key"]["body"], 401, headers)
    if asked.headers.get("stripe-version") != version:
        return Told({"error": {"type": "invalid_request_error", "message": "Invalid Stripe API version"}}, 400, headers)
    path, _, id = asked.path.removeprefix("/v1/").partition("/")
    rows = held.get(asked.path.removeprefix("/v1/"), held.get(path, []) if "/" not in id else [])  # lists that no sample is of are empty
    if id and "/" not in id and path in held:
        found = [row for row in rows if row["id"] == id]
        return Told(found[0], headers=headers) if found else Told({"error": {"type": "invalid_request_error", "code": "resource_missing"}}, 404, headers)
    limit = min(int(asked.query.get("limit", "10")), 3)
    rows = sorted(rows, key=lambda row: -row["created"])
    if since := asked.query.get("created[gte]"):
        rows = [row for row in rows if row["created"] >= int(since)]
    if after := asked.query.get("starting_after"):
        rows = rows[[row["id"] for row in rows].index(after) + 1:]
    return Told({"object": "list", "url": asked.path, "has_more": len(rows) > limit, "data": rows[:limit]}, headers=headers)


def test_connector_lands_the_published_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held = contents()
    with served(lambda asked: answering(asked, held, LATE)) as mock:
        here = installed(monkeypatch, tmp_path, mock, "stripe", "billing", {"api_key": "sk_live_mine"})
        result = here.ingest()
        assert not result.quarantined and not result.failed and all(audit.is_complete for audit in result.audits)
        assert {row["id"] for row in here.rows("customers")} == {row["id"] for row in held["customers"]}
        [invoice] = here.rows("invoices")
        assert (invoice["total"], invoice["tax"], invoice["amount_remaining"], invoice["status"]) == (35700, 5700, 0, "paid")
        assert invoice["paid_at"] == datetime.fromtimestamp(1760003605, UTC)
        [line] = here.rows("invoice_lines")
        assert (line["amount"], line["tax"], line["price"], line["product"]) == (30000, 5700, "price_SMPseat", "prod_SMPseat")
        [subscription] = here.rows("subscriptions")
        assert subscription["current_period_end"] == datetime.fromtimestamp(1762592000, UTC) and subscription["status"] == "active"
        [note] = here.rows("credit_notes")
        assert note["amount"] == held["credit_notes"][0]["amount"] and len(here.rows("credit_note_lines")) == 1
        assert [row["due_by"] for row in here.rows("disputes")] == [
            datetime.fromtimestamp(held["disputes"][0]["evidence_details"]["due_by"], UTC)]
        told_of_a_change(here, held)


def told_of_a_change(here: Any, held: dict[str, list[dict[str, Any]]]) -> None:
    """An event moves one customer and deletes another; nothing else is landed again."""
    now = int(datetime.now(UTC).timestamp())
    first, second = held["customers"][:2]
    held["customers"][0] = {**first, "name": "Acme SE"}
    held["customers"].remove(second)
    held["events"] = [
        {**sample("stripe", "samples", "event_credit_note_created.json"), "id": f"evt_{kind}", "type": f"customer.{kind}", "created": now,
         "data": {"object": row}} for kind, row in (("updated", first), ("deleted", second))]
    result = here.ingest("customers")
    assert not result.quarantined and result.rows["customers"] == 2
    after = here.rows("customers")
    assert "Acme SE" in {row["name"] for row in after} and {row["id"] for row in after if row["_deleted"]} == {second["id"]}


def test_connector_reads_the_early_shape(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    yen: dict[str, Any] = {
        "id": "in_JPY", "object": "invoice", "created": 1760000000, "currency": "jpy", "customer": "cus_1", "status": "open", "total": 500,
        "subtotal": 455, "tax": 45, "amount_due": 500, "amount_paid": 0, "amount_remaining": 500, "subscription": "sub_1", "number": "A-1",
        "billing_reason": "manual", "collection_method": "send_invoice", "total_excluding_tax": 455, "pre_payment_credit_notes_amount": 0,
        "post_payment_credit_notes_amount": 0, "due_date": None, "period_start": 1760000000, "period_end": 1760000000, "metadata": {},
        "livemode": True, "status_transitions": {"finalized_at": 1760000000, "paid_at": None, "voided_at": None, "marked_uncollectible_at": None},
        "lines": {"object": "list", "has_more": False, "url": "/v1/invoices/in_JPY/lines", "data": [{
            "id": "il_1", "object": "line_item", "amount": 455, "currency": "jpy", "description": "seat", "quantity": 1, "type": "subscription",
            "price": {"id": "price_1", "object": "price", "product": "prod_1"}, "period": {"start": 1760000000, "end": 1762592000},
            "tax_amounts": [{"amount": 45, "inclusive": False, "tax_rate": "txr_1"}], "metadata": {}, "livemode": True}]}}
    held: dict[str, list[dict[str, Any]]] = {"invoices": [yen], "events": [], "customers": []}
    with served(lambda asked: answering(asked, held, "2022-11-15")) as mock:
        here = installed(
            monkeypatch, tmp_path, mock, "stripe", "billing", {"api_key": "sk_live_mine"}, settings={"api_version": "2022-11-15"})
        assert not here.ingest("invoices").quarantined
        [invoice], [line] = here.rows("invoices"), here.rows("invoice_lines")
        assert (invoice["subscription"], invoice["tax"], line["price"], line["product"], line["tax"]) == ("sub_1", 45, "price_1", "prod_1", 45)
