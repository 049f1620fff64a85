"""ServiceNow: the stand-in's answers against the platform's published examples, and the connector against a mock that serves them."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import requests

from sandbox.accounts import settings as credentials
from sandbox.server import running
from tests.conformance.described import lacking, only_with, sample
from tests.conformance.vendor_mock import Asked, Mock, Told, installed, served

pytestmark = only_with("servicenow")
TABLES = {
    "account-api.json": ("customer_account", "now/account"), "contact-api.json": ("customer_contact", "now/contact"),
    "case-api.json": ("sn_customerservice_case", "sn_customerservice/case"),
}


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[requests.Session]:
    home = tmp_path_factory.mktemp("home")
    account = credentials("servicenow", home)
    with running(home, scale=0.02, vendors=("servicenow",)) as sandbox, requests.Session() as session:
        session.auth = (account["username"], account["password"])
        session.headers["Accept"] = "application/json"
        session.params = {}
        session.base = sandbox.url("servicenow")  # type: ignore[attr-defined]
        session.account = account  # type: ignore[attr-defined]
        # the samples show a subsidiary: one account is made another's
        first, second = get(session, "now/table/customer_account", sysparm_limit="2").json()["result"]
        answer = session.patch(
            f"{session.base}/api/now/table/customer_account/{second['sys_id']}",  # type: ignore[attr-defined]
            json={"account_parent": first["sys_id"], "parent": first["sys_id"]})
        assert answer.status_code == 200
        yield session


def get(instance: Any, path: str, **params: str) -> requests.Response:
    return instance.get(f"{instance.base}/api/{path}", params=params)


def composed(name: str) -> Any:
    return sample("servicenow", "samples", "composed", name)


def documented(name: str, section: str) -> list[Any]:
    """Answers of the published examples whose section begins so."""
    return [
        each["body"]["result"] for each in sample("servicenow", "samples", "official_docs", name)
        if each["section"].startswith(section) and isinstance(each.get("body"), dict) and "result" in each["body"]]


@pytest.mark.parametrize(("name", "table", "params"), [
    ("case_display_all.json", "sn_customerservice_case", {"sysparm_display_value": "all"}),
    ("case_display_false.json", "sn_customerservice_case", {}),
    ("customer_account_display_all.json", "customer_account", {"sysparm_display_value": "all"}),
    ("customer_account_exclude_reference_link.json", "customer_account", {"sysparm_exclude_reference_link": "true"}),
    ("customer_account_page1_display_false.json", "customer_account", {}),
    ("sys_journal_field.json", "sys_journal_field", {"sysparm_exclude_reference_link": "true"}),
])
def test_records_have_every_field_of_the_samples_in_each_display_mode(instance: Any, name: str, table: str, params: dict[str, str]) -> None:
    answer = get(instance, f"now/table/{table}", sysparm_limit="400", **params)
    assert answer.status_code == 200 and answer.headers["Content-Type"] == "application/json;charset=UTF-8"
    rows = answer.json()["result"]
    expected = composed(name)["result"]
    expected = expected if isinstance(expected, list) else [expected]
    # each company makes its own u_ columns; these are not Concord's
    found = [each for one in expected for each in lacking(one, rows, {"u_erp_status"})]
    assert rows and found == []
    system = [row["sys_id"]["value"] if isinstance(row["sys_id"], dict) else row["sys_id"] for row in rows]
    assert all(re.fullmatch("[0-9a-f]{32}", id) for id in system)


def test_every_raw_value_is_text_or_a_reference(instance: Any) -> None:
    for table in (
        "customer_account", "customer_contact", "sn_customerservice_case", "service_entitlement", "alm_asset", "sys_user", "sys_user_group",
        "sys_user_grmember", "cmdb_model", "task_sla", "contract_sla", "sys_choice", "sys_audit", "core_company", "task",
        "sn_pss_core_service_contract", "sn_pss_core_service_contract_line", "sn_install_base_sold_product", "sn_install_base_item",
    ):
        answer = get(instance, f"now/table/{table}", sysparm_limit="50")
        assert answer.status_code == 200, table
        for row in answer.json()["result"]:
            for name, value in row.items():
                assert isinstance(value, str) or set(value) == {"link", "value"}, (table, name, value)
                if name in ("sys_created_on", "sys_updated_on"):
                    datetime.strptime(value, "%Y-%m-%d %H:%M:%S")


@pytest.mark.parametrize("name", TABLES)
def test_scripted_interfaces_answer_the_fields_of_the_published_examples(instance: Any, name: str) -> None:
    table, path = TABLES[name]
    section = {"account-api.json": "Account - GET", "contact-api.json": "Contact - GET", "case-api.json": "Case - GET /sn_customerservice/case/{id}"}[name]
    answer = get(instance, path)
    assert answer.status_code == 200
    rows = answer.json()["result"]
    assert len(rows) == 10  # the interface's own default
    one = get(instance, f"{path}/{rows[0]['sys_id']}")
    assert one.status_code == 200 and one.json()["result"]["sys_id"] == rows[0]["sys_id"]
    for result in documented(name, section):
        for expected in result if isinstance(result, list) else [result]:
            if "entries" in expected or "label" in expected:  # a case's activities, the labels of a field's values
                continue
            plain = {field: value for field, value in expected.items() if not field.startswith(("u_", "x_"))}
            assert lacking(plain, rows) == []


def test_case_activities_have_the_published_form(instance: Any) -> None:
    journal = get(instance, "now/table/sys_journal_field", sysparm_query="name=sn_customerservice_case^element=comments", sysparm_limit="1")
    case = journal.json()["result"][0]["element_id"]
    answer = get(instance, f"sn_customerservice/case/{case}/activities")
    assert answer.status_code == 200
    [expected] = [each for each in documented("case-api.json", "Case - GET") if isinstance(each, dict) and "entries" in each][:1]
    assert lacking(expected, [answer.json()["result"]]) == []


def test_labels_of_a_field_have_the_published_form(instance: Any) -> None:
    answer = get(instance, "sn_customerservice/case/field_values/state")
    labels = [each for found in documented("case-api.json", "Case - GET") if isinstance(found, list) for each in found if "label" in each]
    assert answer.status_code == 200 and labels and lacking(labels, [answer.json()["result"]]) == []
    assert {("1", "New"), ("10", "Open"), ("18", "Awaiting Info"), ("6", "Resolved"), ("3", "Closed")} <= {
        (each["value"], each["label"]) for each in answer.json()["result"]}


def test_entitlements_have_the_published_form(instance: Any) -> None:
    ids = [row["sys_id"] for row in get(instance, "now/table/service_entitlement", sysparm_limit="40").json()["result"]]
    found = [get(instance, f"sn_pss_core/entitlement/{id}").json()["result"] for id in ids]
    for expected in documented("entitlement-api.json", "Entitlement - GET"):
        assert lacking(expected, found) == []


def test_paging_headers_and_counts(instance: Any) -> None:
    first = get(instance, "now/table/customer_account", sysparm_limit="2", sysparm_query="ORDERBYsys_id")
    total = int(first.headers["X-Total-Count"])
    relations = dict(re.findall(r'<([^>]*)>;rel="(\w+)"', first.headers["Link"]))
    assert set(relations.values()) >= {"next", "first", "last"}
    following = [url for url, rel in relations.items() if rel == "next"]
    second = instance.get(following[0]).json()["result"]
    assert {row["sys_id"] for row in second}.isdisjoint(row["sys_id"] for row in first.json()["result"])
    stats = get(instance, "now/stats/customer_account", sysparm_count="true")
    assert lacking(composed("stats_count.json"), [stats.json()]) == [] and stats.json()["result"]["stats"]["count"] == str(total)
    assert "Link" not in get(instance, "now/table/customer_account", sysparm_limit="2", sysparm_suppress_pagination_header="true").headers
    assert "X-Total-Count" not in get(instance, "now/table/customer_account", sysparm_limit="2", sysparm_no_count="true").headers
    grouped = get(instance, "now/stats/sn_customerservice_case", sysparm_group_by="state", sysparm_count="true").json()["result"]
    assert all(set(group) == {"stats", "groupby_fields"} and {"field", "value"} <= set(group["groupby_fields"][0]) for group in grouped)


def test_silent_and_loud_refusals(instance: Any) -> None:
    everything = get(instance, "now/table/customer_account", sysparm_limit="1").headers["X-Total-Count"]
    wrong = get(instance, "now/table/customer_account", sysparm_limit="1", sysparm_query="nosuch=1")
    assert wrong.status_code == 200 and wrong.headers["X-Total-Count"] == everything
    left = get(instance, "now/table/customer_account", sysparm_limit="1", sysparm_fields="sys_id,nosuch").json()["result"]
    assert list(left[0]) == ["sys_id"]
    for version, status in (("v1/", 404), ("v2/", 200), ("", 200)):
        assert get(instance, f"now/{version}table/customer_account", sysparm_query="name=nobody at all").status_code == status
    errors = composed("errors.json")
    invalid = get(instance, "now/table/foo")
    assert invalid.status_code == 400 and invalid.json() == errors["400"]
    gone = get(instance, f"now/table/customer_account/{'0' * 32}")
    assert gone.status_code == 404 and gone.json() == errors["404"]
    nobody = requests.get(f"{instance.base}/api/now/table/customer_account", headers={"Accept": "application/json"})
    assert nobody.status_code == 401 and nobody.json() == errors["401"] and nobody.headers["WWW-Authenticate"].startswith("BASIC")
    bare = instance.post(f"{instance.base}/api/now/table/customer_account", data="<a/>", headers={"Content-Type": "text/plain"})
    assert bare.status_code in (400, 415)


def test_login_batch_and_import_have_the_forms_of_the_samples(instance: Any) -> None:
    form = {"grant_type": "client_credentials", "client_id": instance.account["client_id"], "client_secret": instance.account["client_secret"]}
    token = requests.post(f"{instance.base}/oauth_token.do", data=form)
    assert token.status_code == 200 and lacking(composed("oauth_token.json"), [token.json()], {"refresh_token"}) == []
    password = requests.post(f"{instance.base}/oauth_token.do", data={
        **form, "grant_type": "password", "username": instance.account["username"], "password": instance.account["password"]})
    assert lacking(composed("oauth_token.json"), [password.json()]) == []
    assert requests.post(f"{instance.base}/oauth_token.do", json=form).status_code >= 400
    id = get(instance, "now/table/customer_account", sysparm_limit="1").json()["result"][0]["sys_id"]
    item = {
        "id": "1", "method": "PATCH", "url": f"/api/now/table/customer_account/{id}?sysparm_fields=sys_id", "exclude_response_headers": True,
        "headers": [{"name": "Content-Type", "value": "application/json"}, {"name": "Accept", "value": "application/json"}],
        "body": base64.b64encode(b'{"u_credit_status": "hold"}').decode()}
    batch = instance.post(f"{instance.base}/api/now/v1/batch", json={"batch_request_id": "1", "rest_requests": [item]})
    expected = composed("batch.json")
    assert batch.status_code == 200 and lacking(expected.get("response", {}), [batch.json()]) == []
    assert batch.json()["serviced_requests"][0]["status_code"] == 200 and batch.json()["unserviced_requests"] == []


# the connector


LOGIN = ("concord.integration", "not the sandbox's")
ADDED = {  # composed: the sheet's other tables, one row each
    "service_entitlement": {
        "sys_id": "5a651515d1f53110f8776589fa411f7b", "number": "ENT0001", "entitlement_name": "Gold", "account": "86837a386f0331003b3c498f5d3ee4ca",
        "contract": "", "service_contract_line": "", "product": "", "asset": "", "state": "active", "active": "true", "unit": "hours",
        "total_units": "10.5", "remaining_units": "", "start_date": "2026-01-01", "end_date": "2026-12-31"},
    "sys_user": {
        "sys_id": "da419c1fc312310015519f2974d3ae15", "user_name": "john.jason", "name": "John Jason", "email": "john@acme.example", "title": "",
        "active": "true", "locked_out": "false", "manager": "", "department": "", "time_zone": "GMT", "last_login_time": "",
        "sys_class_name": "sys_user"},
}
STAMPS = {
    "sys_created_on": "2025-06-01 08:00:00", "sys_created_by": "admin", "sys_updated_on": "2026-01-15 09:30:00", "sys_updated_by": "admin",
    "sys_mod_count": "4"}


def contents() -> dict[str, list[dict[str, Any]]]:
    cases = composed("case_display_false.json")["result"]
    plain = {name: value["value"] if isinstance(value, dict) else value for name, value in cases.items()}
    [contacts] = [each for each in documented("contact-api.json", "Contact - GET") if isinstance(each, list)][:1]
    return {
        "customer_account": composed("customer_account_exclude_reference_link.json")["result"], "sn_customerservice_case": [plain],
        "customer_contact": contacts, "sys_journal_field": composed("sys_journal_field.json")["result"],
        "sys_audit_delete": composed("sys_audit_delete.json")["result"], **{table: [{**row, **STAMPS}] for table, row in ADDED.items()}}


def answering(asked: Asked, held: dict[str, list[dict[str, Any]]], dictionary: bool) -> Told:
    """The Table API as far as a reader needs it: conditions on key and stamp, orders, fields, totals; other tables do not exist."""
    if asked.path == "/oauth_token.do":
        good = asked.form == {"grant_type": "client_credentials", "client_id": "id", "client_secret": "secret"}
        return Told({**composed("oauth_token.json"), "access_token": "t1"}) if good else Told({"error": "invalid_client"}, 401)
    if asked.basic != LOGIN and asked.headers.get("authorization") != "Bearer t1":
        return Told(composed("errors.json")["401"], 401)
    kind, table = asked.path.rsplit("/", 2)[1:]
    query = asked.query.get("sysparm_query", "")
    if table == "sys_user" and "gs.getUserName()" in query:
        return Told({"result": [{"sys_id": "0" * 32, "user_name": LOGIN[0], "name": "Concord", "time_zone": "GMT"}]})
    if dictionary and table == "sys_db_object":
        return Told({"result": [{"name": name, "super_class.name": "", "super_class.super_class.name": ""} for name in held]})
    if dictionary and table == "sys_dictionary":
        columns = [{"name": name, "element": column} for name, rows in held.items() for column in sorted({key for row in rows for key in row})]
        return Told({"result": columns}, headers={"X-Total-Count": str(len(columns))})
    if table not in held:
        if table in ("sys_db_object", "sys_dictionary"):
            return Told(composed("errors.json")["403"], 403)
        return Told({"error": {"message": f"Invalid table {table}", "detail": None}, "status": "failure"}, 400)
    alternatives = query.split("^NQ")
    rows = [row for row in held[table] if any(all(fits(row, part) for part in each.split("^")) for each in alternatives)]
    if kind == "stats":
        return Told({"result": {"stats": {"count": str(len(rows))}}})
    for column in reversed(re.findall(r"ORDERBY(\w+)", query)):
        rows = sorted(rows, key=lambda row: row[column])
    offset, limit = int(asked.query.get("sysparm_offset", "0")), int(asked.query.get("sysparm_limit", "10000"))
    fields = asked.query["sysparm_fields"].split(",")
    page = [{name: row[name] for name in fields if name in row} for row in rows[offset:offset + limit]]
    return Told({"result": page}, headers={"X-Total-Count": str(len(rows)), "Content-Type": "application/json;charset=UTF-8"})


def fits(row: dict[str, Any], condition: str) -> bool:
    if match := re.fullmatch(r"(\w+?)(>=|<=|=|>|<|IN)(.*)", condition):
        name, sign, value = match.groups()
        held = row.get(name, "")
        return {
            ">=": held >= value, "<=": held <= value, "=": held == value or name in ("name", "tablename"), ">": held > value, "<": held < value,
            "IN": held in value.split(",")}[sign]
    return True


@pytest.mark.parametrize("dictionary", [True, False])
@pytest.mark.parametrize("auth", ["basic", "client_credentials"])
def test_connector_lands_the_published_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, auth: str, dictionary: bool) -> None:
    held = contents()
    with served(lambda asked: answering(asked, held, dictionary)) as mock:
        secrets = {"username": LOGIN[0], "password": LOGIN[1]} if auth == "basic" else {"client_id": "id", "client_secret": "secret"}
        here = installed(monkeypatch, tmp_path, mock, "servicenow", "support", secrets, auth=auth)
        result = here.ingest("accounts", "contacts", "users", "cases", "case_comments", "entitlements")
        assert not result.quarantined and not result.failed and all(audit.is_complete for audit in result.audits)
        accounts = {row["id"]: row for row in here.rows("accounts")}
        boxeo, emea = accounts["86837a386f0331003b3c498f5d3ee4ca"], accounts["3eedd08413651200042ab3173244b088"]
        assert (boxeo["name"], boxeo["is_customer"], boxeo["parent_id"] or None, boxeo["mod_count"]) == ("Boxeo", True, None, 5)
        assert (emea["parent_id"], emea["registration_code"]) == (boxeo["id"], "BOXEO-EMEA") and emea["erp_customer_id"] == "C-201"
        assert boxeo["updated_at"].replace(tzinfo=None) == datetime(2026, 1, 15, 9, 30)
        [case] = here.rows("cases")
        assert (case["number"], case["state"], case["is_active"], case["account_id"]) == ("CS0000871", "10", True, boxeo["id"])
        assert case["opened_at"].replace(tzinfo=None) == datetime(2026, 1, 15, 8) and case["resolved_at"] is None
        [comment] = here.rows("case_comments")
        assert (comment["case_id"], comment["element"]) == (case["id"], "work_notes")
        [entitlement] = here.rows("entitlements")
        assert (entitlement["total_units"], entitlement["remaining_units"]) == (Decimal("10.5"), None)
        assert (entitlement["start_date"], entitlement["end_date"]) == (date(2026, 1, 1), date(2026, 12, 31))
        assert len(here.rows("contacts")) == len(held["customer_contact"])
        assert changed_and_deleted(here, held, mock)


def changed_and_deleted(here: Any, held: dict[str, list[dict[str, Any]]], mock: Mock) -> bool:
    """A second read brings a changed account and the tombstone of a deleted one, and no other row."""
    moved, gone = held["customer_account"]
    held["customer_account"] = [{**moved, "name": "Boxeo SE", "sys_updated_on": "2026-01-15 09:31:00", "sys_mod_count": "6"}]
    before, asked = len(here.rows("accounts")), len(mock.asked)
    result = here.ingest("accounts")
    after = here.rows("accounts")
    assert not result.quarantined and len(mock.asked) > asked
    assert {row["id"] for row in after if row["_deleted"]} == {gone["sys_id"]}
    assert [row["name"] for row in after if row["mod_count"] == 6] == ["Boxeo SE"]
    return len(after) == before + 2
