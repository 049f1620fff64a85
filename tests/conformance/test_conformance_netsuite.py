"""NetSuite: the stand-in's records, queries and errors against samples of their form, and the connector against a mock account."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import requests
from requests_oauthlib import OAuth1

from sandbox.accounts import settings as credentials
from sandbox.server import running
from sandbox.world.plant import FaultPlan
from tests.conformance.described import lacking, only_with, sample
from tests.conformance.vendor_mock import Asked, Told, installed, served

pytestmark = only_with("netsuite")
REST = "/services/rest"


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    home = tmp_path_factory.mktemp("home")
    account = credentials("netsuite", home)
    with running(home, scale=0.02, vendors=("netsuite",), faults=FaultPlan()) as sandbox, requests.Session() as session:
        session.auth = OAuth1(
            account["consumer_key"], account["consumer_secret"], account["token_id"], account["token_secret"], signature_method="HMAC-SHA256",
            realm=account["account"])
        session.base = sandbox.url("netsuite") + REST  # type: ignore[attr-defined]
        yield session


def composed(name: str) -> Any:
    return sample("netsuite", "samples", "composed", f"{name}.json")


def query(company: Any, text: str, limit: int = 1000) -> requests.Response:
    answer: requests.Response = company.post(
        f"{company.base}/query/v1/suiteql?limit={limit}&offset=0", json={"q": text}, headers={"Prefer": "transient"})
    return answer


def record(company: Any, kind: str, table: str, where: str) -> list[dict[str, Any]]:
    ids = [row["id"] for row in query(company, f"SELECT id FROM {table} {where} ORDER BY id", 10).json()["items"]]
    answers = [company.get(f"{company.base}/record/v1/{kind}/{id}?expandSubResources=true") for id in ids]
    assert answers and all(answer.status_code == 200 for answer in answers), answers[0].text
    return [answer.json() for answer in answers]


def test_records_have_every_field_of_the_samples(company: Any) -> None:
    customers = record(company, "customer", "customer", "")
    found = lacking(composed("customer_get_expanded"), customers)
    orders = record(company, "salesOrder", "transaction", "WHERE type = 'SalesOrd'")
    found += lacking(composed("salesOrder_get_expanded"), orders)
    assert found == []
    assert all(isinstance(row["id"], str) and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", row["lastModifiedDate"]) for row in customers)


def test_lists_and_queries_have_the_forms_of_the_samples(company: Any) -> None:
    listed = company.get(f"{company.base}/record/v1/customer?limit=2")
    assert listed.status_code == 200 and lacking(composed("customer_list"), [listed.json()]) == []
    page = query(
        company, "SELECT id, type, tranid, status, entity, currency, foreigntotal, trandate, duedate, "
        "TO_CHAR(lastmodifieddate, 'YYYY-MM-DD\"T\"HH24:MI:SS') AS lastmodified FROM transaction WHERE type IN ('SalesOrd', 'CustInvc') ORDER BY id DESC", 40)
    assert page.status_code == 200 and lacking(composed("suiteql_transaction_page"), [page.json()]) == []
    for row in page.json()["items"]:
        assert all(isinstance(value, str) for name, value in row.items() if name != "links") and row["links"] == []
        assert re.fullmatch(r"\d{1,2}/\d{1,2}/\d{4}", row["trandate"])
    following = {link["rel"]: link["href"] for link in page.json()["links"]}
    assert "offset=40" in following["next"]


def test_errors_have_the_forms_of_the_samples(company: Any) -> None:
    wrong = query(company, "SELECT nosuch FROM customer")
    assert wrong.status_code == 400 and lacking(composed("error_400"), [wrong.json()], {"o:errorDetails[].o:errorPath", "o:errorDetails[].o:errorQueryParam"}) == []
    nobody = requests.post(f"{company.base}/query/v1/suiteql", json={"q": "SELECT id FROM customer"}, headers={"Prefer": "transient"})
    assert nobody.status_code == 401 and lacking(composed("error_401"), [nobody.json()]) == [] and "WWW-Authenticate" in nobody.headers
    impatient = company.post(f"{company.base}/query/v1/suiteql", json={"q": "SELECT id FROM customer"})
    assert impatient.status_code == 400  # the header `Prefer: transient` is required
    assert company.get(f"{company.base}/record/v1/customer/999999999").status_code == 404
    assert company.get(f"{company.base}/record/v1/customer?limit=1001").status_code == 400


# the connector


def answering(asked: Asked, held: dict[str, list[dict[str, Any]]]) -> Told:
    """SuiteQL as far as a reader needs it: columns, conditions on whole numbers and stamps, one order."""
    login = asked.headers.get("authorization", "")
    if 'realm="1234567_SB1"' not in login or 'oauth_consumer_key="ck"' not in login or 'oauth_signature_method="HMAC-SHA256"' not in login:
        return Told(composed("error_401"), 401, {"WWW-Authenticate": "OAuth"})
    if asked.path == f"{REST}/record/v1/metadata-catalog":
        return Told({"items": [], "links": []})
    if asked.headers.get("prefer") != "transient":
        return Told(composed("error_400"), 400)
    parts = re.fullmatch(r"SELECT (.+) FROM (\w+)(?: WHERE (.+?))?(?: ORDER BY (.+))?", asked.json["q"])
    assert parts, asked.json["q"]
    selected, table, where, order = parts.groups()
    rows = list(held.get(table, []))
    if selected == "COUNT(*) AS n":
        return Told({"items": [{"links": [], "n": str(len(rows))}], "count": 1, "hasMore": False, "offset": 0, "totalResults": 1, "links": []})
    for name, sign, number in re.findall(r"(\w+) (>=|>|<>) (-?\d+)\b", where or ""):
        rows = [row for row in rows if name in row and {
            ">=": float(row[name]) >= int(number), ">": float(row[name]) > int(number), "<>": float(row[name]) != int(number)}[sign]]
    for name, low in re.findall(r"(\w+) >= TO_TIMESTAMP\('([^']+)'", where or ""):
        rows = [row for row in rows if row.get(name, "") >= low.replace(" ", "T")]
    key = (order or "id").split(",")[0].strip()
    rows = sorted(rows, key=lambda row: int(row[key]) if str(row.get(key)).isdigit() else 0)
    names = re.findall(r"(?:AS )?(\w+)(?:,|$)", re.sub(r"'[^']*'", "", selected))
    offset, limit = int(asked.query["offset"]), int(asked.query["limit"])
    shown = [{"links": [], **{name: row[name] for name in names if name in row}} for row in rows[offset:offset + min(limit, 2)]]
    more = offset + len(shown) < len(rows)
    return Told({"links": [], "count": len(shown), "hasMore": more, "items": shown, "offset": offset, "totalResults": len(rows)})


def test_connector_lands_the_sample_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    transactions = [
        {**{name: value for name, value in row.items() if name not in ("links", "lastmodified")}, "lastmodifieddate": row["lastmodified"],
         "createddate": "2024-05-01T03:00:00", **{
            name: datetime.strptime(row[name], "%m/%d/%Y").date().isoformat() for name in ("trandate", "duedate") if name in row}}
        for row in composed("suiteql_transaction_page")["items"]]
    customers = [{
        "id": "107", "entityid": "CUST-107 Acme", "externalid": "CRM-001", "companyname": "Acme", "email": "ap@acme.test", "currency": "1",
        "creditlimit": ".5", "creditholdoverride": "AUTO", "balancesearch": "1200.5", "isinactive": "F", "datecreated": "2023-01-15T00:15:00",
        "lastmodifieddate": "2024-05-24T06:36:00"}]
    held = {"transaction": transactions, "customer": customers}
    with served(lambda asked: answering(asked, held)) as mock:
        secrets = {"consumer_key": "ck", "consumer_secret": "cs", "token_id": "ti", "token_secret": "ts"}
        here = installed(
            monkeypatch, tmp_path, mock, "netsuite", "erp", secrets, auth="oauth1",
            settings={"account": "1234567_SB1", "time_zone": "America/Los_Angeles"})
        result = here.ingest("customers", "transactions")
        assert not result.quarantined and not result.failed and all(audit.is_complete for audit in result.audits)
        landed = {row["tranid"]: row for row in here.rows("transactions")}
        assert (landed["INV1301"]["foreigntotal"], landed["INV1301"]["duedate"]) == (Decimal("1200.5"), date(2024, 6, 9))
        assert landed["SO1234"]["duedate"] is None and landed["SO1234"]["entity"] == 107
        # the account's own clock, told as the moment it was
        assert str(landed["SO1234"]["lastmodifieddate"]).startswith("2024-05-24 13:36:00")
        [customer] = here.rows("customers")
        assert (customer["creditlimit"], customer["isinactive"]) == (Decimal("0.5"), False)
        held["customer"][0] = {**customers[0], "companyname": "Acme SE", "lastmodifieddate": "2024-05-25T06:36:00"}
        again = here.ingest("customers")
        assert not again.quarantined and again.rows["customers"] == 1
