"""Salesforce, sales and service: the stand-ins against recorded and composed answers, and the connectors against a mock org of them."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import requests

from sandbox.accounts import settings as credentials
from sandbox.server import running
from tests.conformance.described import lacking, only_with, sample
from tests.conformance.vendor_mock import Asked, Told, installed, served

pytestmark = only_with("salesforce")
ORGS = ("salesforce", "salesforce_service")
ROOT = "/services/data/v62.0"


def composed(name: str) -> Any:
    return sample("salesforce", "samples", "composed", name)


def recorded(method: str, path: str) -> Any:
    [operation] = [
        each for each in sample("salesforce", "samples", "recorded_platform_v64.json")
        if each["method"] == method and each["path"] == "/services/data/v64.0" + path]
    return next(answer["body"] for answer in operation["responses"] if answer.get("body") is not None)


class Org:
    """A logged-in session with one stand-in."""

    def __init__(self, base: str, account: Mapping[str, str]) -> None:
        self.base, self.session = base, requests.Session()
        answer = requests.post(f"{base}/services/oauth2/token", data={
            "grant_type": "client_credentials", "client_id": account["client_id"], "client_secret": account["client_secret"]})
        self.token = answer.json()
        self.session.headers["Authorization"] = f"Bearer {self.token['access_token']}"

    def send(self, method: str, path: str, **options: Any) -> requests.Response:
        return self.session.request(method, self.base + (path if path.startswith("/services") else ROOT + path), **options)

    def rows(self, query: str) -> list[dict[str, Any]]:
        answer = self.send("GET", f"/query/?{urlencode({'q': query})}")
        assert answer.status_code == 200, answer.text
        return answer.json()["records"]


@pytest.fixture(scope="module")
def orgs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Org]]:
    home = tmp_path_factory.mktemp("home")
    with running(home, scale=0.02, vendors=ORGS) as sandbox:
        yield {name: Org(sandbox.url(name), credentials(name, home)) for name in ORGS}


@pytest.fixture(params=ORGS)
def org(request: pytest.FixtureRequest, orgs: dict[str, Org]) -> Org:
    return orgs[request.param]


QUERIES = {
    "query_account_page1.json": ["salesforce", "salesforce_service"], "query_account_page2.json": ["salesforce", "salesforce_service"],
    "query_contact.json": ["salesforce", "salesforce_service"], "query_opportunity_with_lines.json": ["salesforce"],
    "query_contract_order_asset_entitlement.json": ["salesforce", "salesforce_service"], "query_case_bundle.json": ["salesforce_service"],
}
NOT_OURS = {"ERP_Status__c", "ERP_Synced_At__c"}  # each company makes its own custom fields; these are not Concord's
ABSENT = {"salesforce": {"ServiceContract", "Entitlement", "Asset"}, "salesforce_service": {"Contract", "Order"}}  # one org sells, the other serves


@pytest.mark.parametrize(("file", "name"), [(file, name) for file, names in QUERIES.items() for name in names])
def test_queries_answer_every_field_of_the_samples(orgs: dict[str, Org], file: str, name: str) -> None:
    content = composed(file)
    for answer in [content] if "records" in content else list(content.values()):
        for expected in answer["records"]:
            kind = expected["attributes"]["type"]
            if kind in ABSENT[name]:
                continue
            fields = [
                *(key for key, value in expected.items() if key not in NOT_OURS and not isinstance(value, dict) and key != "Account"),
                *(["Account.Name", "Account.ERP_Customer_Id__c"] if "Account" in expected else [])]
            if lines := expected.get("OpportunityLineItems"):
                inner = [key for key in lines["records"][0] if key != "attributes"]
                fields.append(f"(SELECT {', '.join(inner)} FROM OpportunityLineItems)")
            rows = orgs[name].rows(f"SELECT {', '.join(fields)} FROM {kind} LIMIT 200")
            assert rows, kind
            found = lacking(expected, rows, NOT_OURS | {"Account.ERP_Status__c"})
            assert found == [], kind
            assert all(re.fullmatch(r"\w{18}", row["Id"]) and f"{ROOT}/sobjects/{kind}/{row['Id']}" in row["attributes"]["url"] for row in rows)
            moments = [row[field] for row in rows for field in ("SystemModstamp", "CreatedDate") if row.get(field)]
            assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000\+0000", text) for text in moments)


def test_ids_carry_the_right_suffix(org: Org) -> None:
    for row in org.rows("SELECT Id FROM Account LIMIT 50"):
        chunks = [row["Id"][place:place + 5] for place in (0, 5, 10)]
        suffix = "".join("ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"[sum(1 << bit for bit, one in enumerate(chunk) if one.isupper())] for chunk in chunks)
        assert row["Id"][15:] == suffix


def test_login_has_the_form_of_the_sample(org: Org) -> None:
    assert lacking(composed("token_client_credentials.json"), [org.token]) == []
    assert "expires_in" not in org.token and org.token["issued_at"].isdigit() and "!" in org.token["access_token"]
    wrong = requests.post(f"{org.base}/services/oauth2/token", data={"grant_type": "client_credentials", "client_id": "x", "client_secret": "y"})
    assert wrong.status_code == 400 and lacking(composed("errors.json")["oauth_400"], [wrong.json()]) == []
    form = {"token": org.token["access_token"], "token_type_hint": "access_token", "client_id": "x", "client_secret": "y"}
    assert requests.post(f"{org.base}/services/oauth2/introspect", data=form).status_code >= 400
    known = org.send("GET", "/services/oauth2/userinfo").json()
    assert {"user_id", "organization_id", "preferred_username"} <= set(known)


def test_platform_answers_have_the_recorded_forms(org: Org) -> None:
    versions = requests.get(f"{org.base}/services/data")
    assert versions.status_code == 200 and lacking(recorded_versions()[-1:], [versions.json()]) == []
    assert [each["version"] for each in versions.json()] == sorted((each["version"] for each in versions.json()), key=float)
    root = org.send("GET", "/")
    assert {"sobjects", "query", "queryAll", "limits", "composite", "jobs"} <= set(root.json())
    limits = org.send("GET", "/limits")
    assert re.fullmatch(r"api-usage=\d+/\d+.*", limits.headers["Sforce-Limit-Info"])
    expected = recorded("GET", "/limits")
    named = {name: expected[name] for name in ("DailyApiRequests", "DailyBulkV2QueryJobs", "DailyBulkApiBatches", "DataStorageMB") if name in expected}
    assert lacking(named, [limits.json()]) == []
    assert lacking(recorded("GET", "/limits/recordCount")["sObjects"][0], org.send("GET", "/limits/recordCount?sObjects=Account,Contact").json()["sObjects"]) == []
    described = org.send("GET", "/sobjects/Account/describe").json()
    trimmed = composed("describe_account_trimmed.json")
    assert lacking({key: value for key, value in trimmed.items() if key != "fields"}, [described]) == []
    for field in trimmed["fields"]:
        ours = [each for each in described["fields"] if each["name"] == field["name"]]
        if field["name"] in NOT_OURS:
            continue
        assert ours and lacking(field, ours) == [], field["name"]
        assert (ours[0]["type"], ours[0]["calculated"]) == (field["type"], field["calculated"]), field["name"]
    catalogue = org.send("GET", "/sobjects").json()
    assert {"sobjects"} <= set(catalogue) and all({"name", "keyPrefix", "queryable", "urls"} <= set(each) for each in catalogue["sobjects"])


def recorded_versions() -> Any:
    [operation] = [each for each in sample("salesforce", "samples", "recorded_platform_v64.json") if each["path"] == "/services/data"]
    return operation["responses"][0]["body"]


def test_writes_have_the_recorded_forms(org: Org) -> None:
    made = org.send("POST", "/sobjects/Account", json={"Name": "Conformance"})
    assert made.status_code == 201 and lacking(recorded("POST", "/sobjects/{SOBJECT_API_NAME}"), [made.json()]) == []
    assert made.headers["Location"].endswith(made.json()["id"])
    id = made.json()["id"]
    patch = org.send("PATCH", "/composite/sobjects", json={"allOrNone": False, "records": [
        {"attributes": {"type": "Account"}, "id": id, "Name": "Conformance 2"}, {"attributes": {"type": "Account"}, "id": "0015g0000000zzzAAA", "Name": "?"}]})
    assert patch.status_code == 200
    expected = composed("collections_patch.json")["response"]
    assert lacking(expected[0], patch.json()[:1]) == [] and lacking(expected[1], patch.json()[1:]) == []
    upsert = org.send("PATCH", "/composite/sobjects/Account/ERP_Customer_Id__c", json={
        "allOrNone": False, "records": [{"attributes": {"type": "Account"}, "ERP_Customer_Id__c": f"conf-{id}", "Name": "Conformance 3"}]})
    assert lacking(recorded("PATCH", "/composite/sobjects/{SOBJECT_API_NAME}/{FIELD_NAME}"), [upsert.json()]) == []
    composite = org.send("POST", "/composite", json={"compositeRequest": [
        {"method": "POST", "url": f"{ROOT}/sobjects/Account", "referenceId": "refAccount", "body": {"Name": "Composite"}},
        {"method": "POST", "url": f"{ROOT}/sobjects/Contact", "referenceId": "refContact", "body": {"LastName": "C", "AccountId": "@{refAccount.id}"}}]})
    assert lacking(recorded("POST", "/composite"), [composite.json()]) == []
    tree = org.send("POST", "/composite/tree/Account", json={"records": [{"attributes": {"type": "Account", "referenceId": "ref1"}, "name": "T"}]})
    assert tree.status_code == 201 and lacking(recorded("POST", "/composite/tree/{SOBJECT_API_NAME}"), [tree.json()]) == []
    graph = org.send("POST", "/composite/graph", json={"graphs": [{"graphId": "g", "compositeRequest": [
        {"method": "POST", "url": f"{ROOT}/sobjects/Account", "referenceId": "newAccount", "body": {"Name": "G"}}]}]})
    assert lacking(recorded("POST", "/composite/graph"), [graph.json()]) == []
    batch = org.send("POST", "/composite/batch", json={"batchRequests": [{"method": "GET", "url": "v62.0/query/?q=SELECT+Id+FROM+Account+LIMIT+2"}]})
    assert set(batch.json()) == {"hasErrors", "results"} and batch.json()["results"][0]["statusCode"] == 200
    retrieved = org.send("GET", f"/composite/sobjects/Account?ids={id}&fields=Name,Id")
    assert lacking(recorded("GET", "/composite/sobjects/{SOBJECT_API_NAME}"), [retrieved.json()]) == []
    deleted = org.send("DELETE", f"/composite/sobjects?ids={id}&allOrNone=true")
    assert deleted.status_code == 200 and lacking(recorded("DELETE", "/composite/sobjects"), [deleted.json()]) == []
    gone = org.send("GET", f"/sobjects/Account/deleted/?{urlencode({'start': '2026-11-15T00:00:00Z', 'end': '2099-01-01T00:00:00Z'})}")
    assert gone.status_code == 200 and lacking(composed("getDeleted_account.json"), [gone.json()]) == []
    deleted_one = org.send("DELETE", f"/sobjects/Account/{id}")
    assert deleted_one.status_code == 404 and deleted_one.json()[0]["errorCode"] == composed("errors.json")["404_deleted"][0]["errorCode"]


def test_errors_are_those_of_the_samples(org: Org) -> None:
    errors = composed("errors.json")
    wrong = org.send("GET", "/query/?q=SELECT+Foo__c+FROM+Account")
    assert wrong.status_code == 400 and wrong.json()[0]["errorCode"] == "INVALID_FIELD"
    assert errors["400_invalid_field"][0]["message"].rstrip(".") in wrong.json()[0]["message"].replace("\n", " ")
    nobody = requests.get(f"{org.base}{ROOT}/limits", headers={"Authorization": "Bearer nothing"})
    assert (nobody.status_code, nobody.json()) == (401, errors["401"])
    needed = org.send("POST", "/sobjects/Account", json={})
    assert needed.status_code == 400 and needed.json() == errors["400_required"]
    missing = org.send("GET", "/sobjects/Account/0015g0000000zzzAAA")
    assert missing.status_code == 404 and missing.json()[0]["errorCode"] == "NOT_FOUND"
    assert org.send("GET", "/services/data/v20.0/limits").status_code in (404, 410)


def test_bulk_jobs_have_the_forms_of_the_samples(org: Org) -> None:
    sampled = composed("bulk2_query_job.json")
    made = org.send("POST", "/jobs/query", json={"operation": "query", "query": "SELECT Id, Name, SystemModstamp FROM Account"})
    assert made.status_code == 200 and lacking(sampled["created"], [made.json()]) == []
    assert lacking(recorded("POST", "/jobs/query"), [made.json()]) == []
    job = made.json()
    for _ in range(200):
        job = org.send("GET", f"/jobs/query/{job['id']}").json()
        if job["state"] == "JobComplete":
            break
    assert lacking(sampled["complete"], [job]) == []
    result = org.send("GET", f"/jobs/query/{job['id']}/results?maxRecords=2", headers={"Accept": "text/csv"})
    assert result.headers["Sforce-NumberOfRecords"] == "2" and result.headers["Sforce-Locator"] not in ("", "null")
    assert result.headers["Content-Type"].startswith("text/csv") and result.text.splitlines()[0] == '"Id","Name","SystemModstamp"'
    assert all(row["SystemModstamp"].endswith(".000Z") for row in csv.DictReader(io.StringIO(result.text)))
    rest = org.send("GET", f"/jobs/query/{job['id']}/results?locator={result.headers['Sforce-Locator']}", headers={"Accept": "text/csv"})
    assert rest.headers["Sforce-Locator"] == "null"
    listed = org.send("GET", "/jobs/query?jobType=V2Query").json()
    assert {"done", "nextRecordsUrl", "records"} <= set(listed)
    ingest = composed("bulk2_ingest_job.json")
    opened = org.send("POST", "/jobs/ingest", json={
        "object": "Account", "operation": "upsert", "externalIdFieldName": "ERP_Customer_Id__c", "contentType": "CSV", "lineEnding": "LF"})
    assert opened.status_code == 200 and lacking(ingest["open"], [opened.json()]) == []
    sent = org.send("PUT", f"/{opened.json()['contentUrl']}", data=b"ERP_Customer_Id__c,Name\nbulk-1,Bulk\nbulk-2,\n", headers={"Content-Type": "text/csv"})
    assert sent.status_code == 201
    closed = org.send("PATCH", f"/jobs/ingest/{opened.json()['id']}", json={"state": "UploadComplete"})
    assert closed.status_code == 200 and lacking(recorded("PATCH", "/jobs/ingest/{jobId}"), [closed.json()]) == []
    for _ in range(200):
        job = org.send("GET", f"/jobs/ingest/{opened.json()['id']}").json()
        if job["state"] == "JobComplete":
            break
    assert lacking(ingest["complete_with_failures"], [job]) == [] and job["numberRecordsFailed"] == 1
    good = org.send("GET", f"/jobs/ingest/{job['id']}/successfulResults").text.splitlines()
    bad = org.send("GET", f"/jobs/ingest/{job['id']}/failedResults").text.splitlines()
    assert good[0].startswith('"sf__Id","sf__Created"') and bad[0].startswith('"sf__Id","sf__Error"') and len(good) == len(bad) == 2


# the connectors


FIELD = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")


def contents() -> dict[str, list[dict[str, Any]]]:
    held = {"Account": [*composed("query_account_page1.json")["records"], *composed("query_account_page2.json")["records"]]}
    held["Account"] = [row for row in held["Account"] if row["Name"] != "Avid Corp"] + composed("queryAll_account_merged.json")["records"]
    for file in ("query_contact.json", "query_opportunity_with_lines.json"):
        for row in composed(file)["records"]:
            held.setdefault(row["attributes"]["type"], []).append(row)
    for file in ("query_contract_order_asset_entitlement.json", "query_case_bundle.json"):
        for kind, answer in composed(file).items():
            held[kind] = answer["records"]
    held["OpportunityLineItem"] = held["Opportunity"][0]["OpportunityLineItems"]["records"]
    return held


def answering(asked: Asked, held: dict[str, list[dict[str, Any]]], size: int) -> Told:
    if asked.path == "/services/oauth2/token":
        good = asked.form == {"grant_type": "client_credentials", "client_id": "id", "client_secret": "secret"}
        token = {**composed("token_client_credentials.json"), "instance_url": asked.base_url}
        return Told(token) if good else Told(composed("errors.json")["oauth_400"], 400)
    if asked.headers.get("authorization") != f"Bearer {composed('token_client_credentials.json')['access_token']}":
        return Told(composed("errors.json")["401"], 401)
    if asked.path == "/services/oauth2/userinfo":
        return Told({"user_id": "0055g00000AAAAjAAP", "organization_id": "00D5g000001AbCdEAK", "preferred_username": "concord@acme.example"})
    path = asked.path.removeprefix(ROOT).strip("/")
    headers = {"Sforce-Limit-Info": "api-usage=18/15000", "Content-Type": "application/json;charset=UTF-8"}
    if path == "limits":
        return Told(recorded("GET", "/limits"), headers=headers)
    if path.startswith("query/01g"):
        written, place = path.removeprefix("query/01g").rsplit("-", 1)
        return page(bytes.fromhex(written).decode(), int(place), held, size, headers, everything=True)
    if path in ("query", "queryAll"):
        return page(asked.query["q"], 0, held, size, headers, everything=path == "queryAll")
    return Told(composed("errors.json")["404"], 404, headers)


def page(query: str, place: int, held: dict[str, list[dict[str, Any]]], size: int, headers: dict[str, str], everything: bool) -> Told:
    """One page of a query: the fields asked for, null where the sample says nothing of a standard field."""
    parts = re.fullmatch(r"SELECT (.+?) FROM (\w+)(?: WHERE (.+?))?(?: ORDER BY .+?)?(?: LIMIT \d+)?", query)
    assert parts, query
    selected, kind, where = parts.groups()
    if kind not in held:
        return Told([{"message": f"sObject type '{kind}' is not supported.", "errorCode": "INVALID_TYPE"}], 400, headers)
    rows = [row for row in held[kind] if everything or not row.get("IsDeleted")]
    if selected == "COUNT()":
        return Told({"totalSize": len(rows), "done": True, "records": []}, headers=headers)
    names = FIELD.findall(selected)
    unknown = [name for name in names if name.endswith("__c") and name not in held[kind][0]]
    if unknown:
        message = f"\nSELECT {selected[:40]}\n       ^\nERROR at Row:1:Column:8\nNo such column '{unknown[0]}' on entity '{kind}'. If you are attempting"
        return Told([{"message": message, "errorCode": "INVALID_FIELD"}], 400, headers)
    if where and (bound := re.fullmatch(r"(\w+) >= (\S+)", where)):
        rows = [row for row in rows if datetime.fromisoformat(row[bound[1]]) >= datetime.fromisoformat(bound[2])]
    stamp = "SystemModstamp" if "SystemModstamp" in held[kind][0] else "CreatedDate"
    rows = sorted(rows, key=lambda row: (row[stamp], row["Id"]))
    shown = [
        {"attributes": row["attributes"], **{name: row.get(name, False if name == "IsDeleted" else None) for name in names}}
        for row in rows[place:place + size]]
    done = place + size >= len(rows)
    following = {} if done else {"nextRecordsUrl": f"{ROOT}/query/01g{query.encode().hex()}-{place + size}"}
    return Told({"totalSize": len(rows), "done": done, **following, "records": shown}, headers=headers)


def test_sales_connector_lands_the_sample_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held = contents()
    with served(lambda asked: answering(asked, held, 2)) as mock:
        here = installed(monkeypatch, tmp_path, mock, "salesforce", "crm", {"client_id": "id", "client_secret": "secret"})
        result = here.ingest("accounts", "contacts", "opportunities", "opportunity_lines", "contracts", "orders", "assets", "account_contacts")
        assert not result.quarantined and not result.failed and all(audit.is_complete for audit in result.audits)
        accounts = {row["name"]: row for row in here.rows("accounts")}
        assert set(accounts) == {row["Name"] for row in held["Account"]}
        acme, merged = accounts["Acme GmbH"], accounts["Avid Corp"]
        assert (acme["annual_revenue"], acme["number_of_employees"], acme["erp_customer_id"]) == (Decimal("5600000"), 120, "C-100")
        assert acme["system_modstamp"] == datetime(2026, 1, 15, 9, 30, tzinfo=UTC) and acme["last_activity_date"] == date(2026, 1, 14)
        assert accounts["Acme Austria GmbH"]["parent_id"] == acme["id"]
        assert merged["is_deleted"] is True and merged["_deleted"] is True and merged["master_record_id"] == accounts["Boxeo Canada"]["id"]
        [deal] = here.rows("opportunities")
        assert (deal["amount"], deal["is_won"], deal["close_date"]) == (Decimal("25200"), True, date(2026, 1, 15))
        lines = sorted(here.rows("opportunity_lines"), key=lambda row: row["total_price"])
        assert [(row["quantity"], row["unit_price"], row["discount"]) for row in lines] == [(2, 2000, 10), (12, 1800, None)]
        [contract] = here.rows("contracts")
        assert (contract["status"], contract["start_date"], contract["end_date"]) == ("Activated", date(2026, 2, 1), date(2027, 1, 31))
        [order] = here.rows("orders")
        assert (order["total_amount"], order["order_reference_number"]) == (Decimal("25200"), "SO-5001")
        moved = {**held["Account"][0], "Name": "Acme SE", "SystemModstamp": "2026-01-16T08:00:00.000+0000"}
        held["Account"][0] = moved
        again = here.ingest("accounts")
        assert not again.quarantined and again.rows["accounts"] == 1
        assert "Acme SE" in {row["name"] for row in here.rows("accounts")}


def test_service_connector_lands_the_sample_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held = contents()
    with served(lambda asked: answering(asked, held, 2000)) as mock:
        here = installed(monkeypatch, tmp_path, mock, "salesforce_service", "support", {"client_id": "id", "client_secret": "secret"})
        result = here.ingest(
            "accounts", "contacts", "cases", "case_comments", "case_history", "case_milestones", "assets", "service_contracts", "entitlements")
        assert not result.quarantined and not result.failed and all(audit.is_complete for audit in result.audits)
        [case] = here.rows("cases")
        assert case["case_number"] == "00001026" and case["is_closed"] is False and case["status"] == "Working"
        assert len(here.rows("accounts")) == len(held["Account"]) and len(here.rows("case_history")) == 2
        [milestone] = here.rows("case_milestones")
        assert milestone["target_at"] == datetime(2026, 1, 15, 12, tzinfo=UTC)
        [entitlement] = here.rows("entitlements")
        assert (entitlement["start_date"], entitlement["end_date"], entitlement["status"]) == (date(2026, 1, 1), date(2026, 12, 31), "Active")
        [cover] = here.rows("service_contracts")
        assert cover["grand_total"] == Decimal("25200")
        assert [row["comment_body"] for row in here.rows("case_comments")] == ["Called the customer"]
