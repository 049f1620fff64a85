"""Chargebee: the stand-in's answers and parameters against an OpenAPI text made from the official client, and the connector."""

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
from tests.conformance.described import described, lacking, only_with, sample, undeclared, validator, violations
from tests.conformance.vendor_mock import Asked, Told, installed, served

pytestmark = only_with("chargebee")
LISTS = {
    "customers": "Customer", "items": "Item", "item_prices": "ItemPrice", "item_families": "ItemFamily", "subscriptions": "Subscription",
    "invoices": "Invoice", "credit_notes": "CreditNote", "transactions": "Transaction", "events": "Event", "coupons": "Coupon",
    "payment_sources": "PaymentSource", "orders": "Order", "usages": "Usage", "unbilled_charges": "UnbilledCharge",
    "promotional_credits": "PromotionalCredit", "comments": "Comment",
}


NOT_TYPED = {"object", "base_currency_code", "mrr", "exchange_rate"}  # the client's types leave them out, the samples have them


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    home = tmp_path_factory.mktemp("home")
    with running(home, scale=0.02, vendors=("chargebee",), faults=FaultPlan()) as sandbox, requests.Session() as session:
        session.auth = (credentials("chargebee", home)["api_key"], "")
        session.base = sandbox.url("chargebee")  # type: ignore[attr-defined]
        yield session


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return described("chargebee", "chargebee_api_v2_pc_v2.derived.json")


def get(site: Any, path: str, **params: Any) -> requests.Response:
    answer: requests.Response = site.get(f"{site.base}/api/v2/{path}", params=params)
    return answer


def nulls(value: Any, path: str = "") -> Iterator[str]:
    if value is None:
        yield path
    for name, each in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from nulls(each, f"{path}.{name if isinstance(name, str) else '[]'}")


@pytest.mark.parametrize("path", LISTS)
def test_lists_answer_as_described(site: Any, document: dict[str, Any], path: str) -> None:
    answer = get(site, path, limit=100)
    assert answer.status_code == 200, answer.text
    content = answer.json()
    assert set(content) <= {"list", "next_offset"}
    schema = document["paths"][f"/{path}"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert violations(validator(document, schema), [content]) == []
    root = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in LISTS[path]).lstrip("_")
    rows = [member[root] for member in content["list"]]
    kind = {"$ref": f"#/components/schemas/{LISTS[path]}"}
    assert sorted({text for row in rows for text in undeclared(document, kind, row, known=NOT_TYPED)}) == []
    if path != "events":
        assert sorted({text for row in rows for text in nulls(row)}) == []  # what has no value is left out
    assert all(row["object"] == root for row in rows)
    if rows and path not in ("usages", "unbilled_charges"):
        assert get(site, f"{path}/{rows[0]['id']}").json()[root]["id"] == rows[0]["id"]


def value_of(name: str, schema: Mapping[str, Any]) -> str | None:
    operator = name.rpartition("[")[2].rstrip("]")
    if name in ("limit", "offset"):
        return {"limit": "5"}.get(name)
    if operator in ("asc", "desc") or name.startswith("sort_by"):
        return str(schema["enum"][0]) if schema.get("enum") else None
    if operator == "is_present":
        return "true"
    if operator == "between":
        return "[1600000000,1900000000]"
    if operator in ("in", "not_in"):
        return f'["{schema["enum"][0] if schema.get("enum") else 1}"]'
    if schema.get("enum"):
        return str(schema["enum"][0])
    if schema.get("type") == "boolean":
        return "true"
    if schema.get("type") == "integer" or operator in ("after", "before", "on", "lt", "gt", "lte", "gte"):
        return "1700000000"
    return "1" if schema.get("type") == "string" else None


@pytest.mark.parametrize("path", LISTS)
def test_every_documented_filter_is_taken(site: Any, document: dict[str, Any], path: str) -> None:
    refused = []
    for parameter in document["paths"][f"/{path}"]["get"]["parameters"]:
        value = value_of(parameter["name"], parameter["schema"])
        if value is None:
            continue
        answer = get(site, path, **{parameter["name"]: value})
        if answer.status_code != 200:
            refused.append((parameter["name"], value, answer.status_code, answer.json().get("message")))
    assert not refused, "\n".join(map(str, refused))


def composed(name: str) -> Any:
    return sample("chargebee", "samples", name)


PERSON = {f"list[].customer.{place}{name}" for place in ("", "billing_address.") for name in ("first_name", "last_name")}  # customers are companies
SAMPLES = {
    "list_customers_page1.json": ("customers", {*PERSON, "next_offset", "list[].customer.meta_data", "list[].customer.contacts", "list[].customer.cf_erp_customer_no"}),
    "list_invoices.json": ("invoices", set()), "list_subscriptions.json": ("subscriptions", {
        *PERSON, "next_offset", "list[].customer.meta_data", "list[].customer.contacts", "list[].customer.cf_erp_customer_no"}),
    "list_transactions.json": ("transactions", set()),
}


@pytest.mark.parametrize("name", SAMPLES)
def test_answers_have_every_field_of_the_samples(site: Any, name: str) -> None:
    """`without`: what each site has fields and contacts of its own for."""
    path, without = SAMPLES[name]
    newest = {"sort_by[desc]": "date"} if path == "transactions" else {}  # the oldest carry no stamp
    assert lacking(composed(name), [get(site, path, limit=100, **newest).json()], without) == []


def test_errors_are_those_of_the_samples(site: Any) -> None:
    errors = composed("errors.json")
    legacy = {"error_code", "error_msg", "error_param"}
    nobody = requests.get(f"{site.base}/api/v2/customers", auth=("wrong", ""))
    assert nobody.status_code == 401 and lacking(errors["401"]["body"], [nobody.json()], legacy) == []
    for wrong in ("0", "101"):
        answer = get(site, "customers", limit=wrong)
        assert answer.status_code == 400 and lacking(errors["400_param"]["body"], [answer.json()], legacy) == []
        assert (answer.json()["api_error_code"], answer.json()["param"]) == ("param_wrong_value", "limit")
    gone = get(site, "customers/none")
    assert gone.status_code == 404 and lacking(errors["404"]["body"], [gone.json()], legacy) == []
    assert gone.json()["api_error_code"] == "resource_not_found"
    verb = site.delete(f"{site.base}/api/v2/customers/none")
    assert verb.status_code == 405 and verb.json()["api_error_code"] == "http_method_not_supported"
    assert get(site, "credit_notes", **{"sort_by[asc]": "updated_at"}).status_code == 400
    made = site.post(f"{site.base}/api/v2/customers", data={"id": "conf-1", "company": "Conformance"}, headers={"chargebee-idempotency-key": "k1"})
    again = site.post(f"{site.base}/api/v2/customers", data={"id": "conf-1", "company": "Conformance"}, headers={"chargebee-idempotency-key": "k1"})
    other = site.post(f"{site.base}/api/v2/customers", data={"id": "conf-2"}, headers={"chargebee-idempotency-key": "k1"})
    assert made.status_code == 200 and again.json() == made.json() and again.headers["chargebee-idempotency-replayed"] == "true"
    assert other.status_code == 422 and other.json()["api_error_code"] == errors["422_idempotency"]["body"]["api_error_code"]
    double = site.post(f"{site.base}/api/v2/customers", data={"id": "conf-1"})
    assert double.status_code == 400 and lacking(errors["400_duplicate"]["body"], [double.json()], legacy) == []


# the connector


def contents() -> dict[str, list[dict[str, Any]]]:
    customers = [*composed("list_customers_page1.json")["list"], *composed("list_customers_last_page.json")["list"]]
    return {
        "customers": customers, "invoices": composed("list_invoices.json")["list"], "subscriptions": composed("list_subscriptions.json")["list"],
        "transactions": composed("list_transactions.json")["list"],
        "credit_notes": [{"credit_note": composed("credit_note_create_response.json")["credit_note"]}]}


def answering(asked: Asked, held: dict[str, list[dict[str, Any]]]) -> Told:
    if asked.basic != ("live_key", ""):
        return Told(composed("errors.json")["401"]["body"], 401)
    path = asked.path.removeprefix("/api/v2/")
    members = list(held.get(path, []))
    if path == "events":
        return Told({"list": []})
    root = {"customers": "customer", "invoices": "invoice", "subscriptions": "subscription", "transactions": "transaction",
            "credit_notes": "credit_note"}.get(path, "")
    stamp = lambda member, name: member[root].get(name) or 0  # noqa: E731
    for name, value in asked.query.items():
        if name.endswith("[after]"):
            members = [each for each in members if stamp(each, name[:-7]) > int(value)]
        elif name.endswith("[between]"):
            low, high = (int(bound) for bound in value.strip("[]").split(","))
            members = [each for each in members if low <= stamp(each, name[:-9]) <= high]
        elif name.startswith("sort_by"):
            members = sorted(members, key=lambda each: stamp(each, value), reverse="desc" in name)
    place = int(asked.query.get("offset", "0"))
    following = {"next_offset": str(place + 1)} if place + 1 < len(members) else {}
    return Told({"list": members[place:place + 1], **following})


def test_connector_lands_the_sample_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held = contents()
    with served(lambda asked: answering(asked, held)) as mock:
        here = installed(monkeypatch, tmp_path, mock, "chargebee", "billing", {"api_key": "live_key"})
        result = here.ingest()
        assert not result.quarantined and not result.failed
        customers = {row["id"]: row for row in here.rows("customers")}
        assert set(customers) == {member["customer"]["id"] for member in held["customers"]}
        assert customers["AzZlut1"]["updated_at"] == datetime.fromtimestamp(1760000500, UTC)
        [invoice] = here.rows("invoices")
        assert (invoice["total"], invoice["amount_due"], invoice["tax"], invoice["status"]) == (35700, 35700, 5700, "payment_due")
        [line] = here.rows("invoice_lines")
        assert (line["amount"], line["quantity"], line["invoice_id"]) == (30000, 12, "INV-1001")
        [subscription] = here.rows("subscriptions")
        assert subscription["current_term_end"] == datetime.fromtimestamp(1762678400, UTC)
        assert len(here.rows("subscription_items")) == 1
        [payment] = here.rows("transactions")
        assert (payment["amount"], payment["status"]) == (35700, "success")
        [note] = here.rows("credit_notes")
        assert (note["total"], note["status"]) == (5950, "adjusted")
        held["customers"][0]["customer"] |= {
            "company": "Acme SE", "updated_at": int(datetime.now(UTC).timestamp()), "resource_version": int(datetime.now(UTC).timestamp() * 1000)}
        again = here.ingest("customers")
        assert not again.quarantined and again.rows["customers"] == 1
        assert {row["company"] for row in here.rows("customers")} >= {"Acme GmbH", "Acme SE"}
