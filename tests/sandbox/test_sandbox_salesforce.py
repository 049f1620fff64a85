"""The Salesforce stand-in, driven over TLS by the community client and by plain HTTP requests."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
import requests
import simple_salesforce as official
from simple_salesforce.exceptions import (
    SalesforceExpiredSession,
    SalesforceMalformedRequest,
    SalesforceMoreThanOneRecord,
    SalesforceOperationError,
    SalesforceRefusedRequest,
    SalesforceResourceNotFound,
)

from sandbox import server
from sandbox.accounts import tls_files
from sandbox.protocol import Clock, Request, Store
from sandbox.salesforce import api as stand_in
from sandbox.salesforce.soql import full_id
from sandbox.world.model import Agent, Contact, Contract, Customer, Line, Opportunity, Product, View, native_id
from tests.sandbox.served import served

NOW = datetime.now(UTC).replace(microsecond=0)
CONTACTS = 4_321
DATA = "/services/data/v62.0"


def sid(entity: str, key: int) -> str:
    return native_id("salesforce", entity, key)


def ago(days: float) -> datetime:
    return (NOW - timedelta(days=days)).replace(microsecond=0)


def soql_time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def customer(key: int, **fields: Any) -> Customer:
    defaults: dict[str, Any] = {
        "created_at": ago(200 - key),
        "updated_at": ago(50 - key),
        "name": f"Firm {key}",
        "domain": f"firm{key}.example",
        "tax_id": f"DE{key:09d}",
        "email": f"pay@firm{key}.example",
        "phone": "+49 1",
        "street": "Weg 1",
        "city": "Ulm",
        "region": "BW",
        "postcode": "89073",
        "country": "DE",
        "currency": "EUR",
        "erp_customer": key,
        "credit_limit": Decimal("1000.50"),
    }
    return Customer(key=key, **{**defaults, **fields})


def contact(key: int, **fields: Any) -> Contact:
    defaults: dict[str, Any] = {
        "created_at": ago(100),
        "updated_at": ago(30),
        "customer": 1 + key % 3,
        "first_name": "Ann",
        "last_name": f"Name{key}",
        "email": f"ann{key}@x.example",
        "phone": "1",
    }
    return Contact(key=key, **{**defaults, **fields})


def opportunity(key: int, stage: str, lines: int) -> Opportunity:
    rows = [
        Line(
            number=n,
            product=1,
            description=f'Seats, "{n}"\nsecond line',
            quantity=Decimal(n),
            unit_price=Decimal("9.99"),
            amount=Decimal("9.99") * n,
        )
        for n in range(1, lines + 1)
    ]
    return Opportunity(
        key=key,
        created_at=ago(40),
        updated_at=ago(20),
        customer=1,
        name=f"Deal {key}",
        stage=stage,
        amount=Decimal("99.90"),
        currency="EUR",
        close_date=date(2026, 3, key),
        probability=90,
        lines=rows,
        order=key,
    )


def peers(role: str, entity: str, key: int, customer: int) -> str:
    return native_id({"erp": "netsuite", "billing": "stripe"}[role], entity, key)


def small_view() -> View:
    product = Product(
        key=1,
        created_at=ago(300),
        updated_at=ago(300),
        sku="SUP-P",
        name="Premium",
        description="",
        unit_price=Decimal("9.99"),
        currency="EUR",
        is_recurring=True,
        tier="premium",
    )
    contract = Contract(
        key=1,
        created_at=ago(90),
        updated_at=ago(90),
        customer=1,
        number="00000001",
        status="activated",
        start_date=date(2026, 1, 31),
        term_months=12,
        tier="premium",
        subscription=5,
    )
    agents = [
        Agent(key=key, created_at=ago(400), updated_at=ago(400), actor="system", name=f"Person {key}", email=f"p{key}@x.example")
        for key in (1, 2, 3)
    ]
    return View(
        system="salesforce",
        as_of=NOW,
        peers=peers,
        agents=agents,
        products=[product],
        contracts=[contract],
        customers=[
            customer(1, actor="user:2", credit_hold=True, entitlement_tier="premium", entitlement_start=date(2026, 1, 1)),
            customer(2, parent=1),
            customer(3, erp_customer=7),
            customer(4, erp_customer=7),
            customer(5, hidden=True),
            customer(6, removed=True, updated_at=ago(2)),
            customer(7, removed=True, updated_at=ago(40)),
            customer(8, erp_customer=None, extra={"Region_Code__c": "EMEA"}),
        ],
        contacts=[contact(key) for key in range(1, CONTACTS + 1)],
        opportunities=[opportunity(1, "won", 2), opportunity(2, "Verbal Commit", 0)],
    )


@dataclass
class Running:
    vendor: stand_in.Salesforce
    clock: Clock
    url: str
    session: requests.Session

    def token(self) -> str:
        form = {"grant_type": "client_credentials", "client_id": "concord-salesforce", "client_secret": "salesforce-sandbox-secret"}
        answer = self.session.post(f"{self.url}/services/oauth2/token", data=form)
        assert answer.status_code == 200, answer.text
        assert "expires_in" not in answer.json()
        return str(answer.json()["access_token"])

    def call(self, method: str, path: str, token: str | None = None, **more: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {token or self.token()}", **more.pop("headers", {})}
        return self.session.request(method, f"{self.url}{path}", headers=headers, **more)

    def query(self, soql: str, *, deleted: bool = False) -> dict[str, Any]:
        answer = self.call("GET", f"{DATA}/{'queryAll' if deleted else 'query'}/", params={"q": soql})
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def refusal(self, soql: str) -> tuple[int, str]:
        answer = self.call("GET", f"{DATA}/query", params={"q": soql})
        return answer.status_code, str(answer.json()[0]["errorCode"])

    def client(self, version: str = "62.0") -> official.Salesforce:
        return official.Salesforce(instance_url=self.url, session_id=self.token(), session=self.session, version=version)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return tls_files(tmp_path_factory.mktemp("tls"))


def serve(certificate: tuple[Path, Path], prefix: str = "", **settings: Any) -> Iterator[Running]:
    clock = Clock()
    vendor = stand_in.create(Store(), clock, **settings)
    assert isinstance(vendor, stand_in.Salesforce)
    vendor.load(small_view())

    session = requests.Session()
    session.verify = str(certificate[0])
    session.trust_env = False  # a CA bundle in the environment would win over ours
    with session, served(vendor.handle, clock, prefix=prefix, certificate=certificate) as url:
        yield Running(vendor, clock, url, session)


@pytest.fixture
def org(certificate: tuple[Path, Path]) -> Iterator[Running]:
    yield from serve(certificate)


@pytest.fixture(scope="module")
def unchanged(certificate: tuple[Path, Path]) -> Iterator[Running]:
    """An org for tests that only read."""
    yield from serve(certificate)


# --- the community client ------------------------------------------------------------------------------------------------


def test_client_pages_through_a_query(org: Running) -> None:
    client = org.client()
    first = client.query("SELECT Id, LastName FROM Contact ORDER BY SystemModstamp, Id")
    assert (first["totalSize"], first["done"], len(first["records"])) == (CONTACTS, False, 2_000)
    assert first["nextRecordsUrl"].startswith("/services/data/v62.0/query/01g")
    every = client.query_all("SELECT Id, LastName FROM Contact ORDER BY SystemModstamp, Id")["records"]
    assert len({row["Id"] for row in every}) == CONTACTS
    assert client.limits()["DailyApiRequests"]["Max"] == 100_000
    assert client.api_usage["api-usage"].total == 100_000
    assert client.is_sandbox() is True


def test_client_writes_and_upserts(org: Running) -> None:
    client = org.client()
    made = client.Account.create({"Name": "New", "ERP_Customer_Id__c": "C-9"})
    assert made["success"] and len(made["id"]) == 18
    assert client.Account.update(made["id"][:15], {"Credit_Status__c": "Hold"}) == 204
    row = client.Account.get_by_custom_id("ERP_Customer_Id__c", "C-9")
    assert (row["Id"], row["Credit_Status__c"], row["LastModifiedById"]) == (made["id"], "Hold", sid("agent", 1))
    assert client.Account.upsert("ERP_Customer_Id__c/C-9", {"Name": "Newer"}) == 200
    assert client.Account.upsert("ERP_Customer_Id__c/C-10", {"Name": "Another"}) == 201
    assert client.Account.delete(made["id"]) == 204
    gone = client.Account.deleted(NOW - timedelta(days=1), datetime.now(UTC) + timedelta(minutes=5))
    assert [item["id"] for item in gone["deletedRecords"]] == [made["id"]]
    updated = client.Account.updated(NOW - timedelta(days=1), datetime.now(UTC) + timedelta(minutes=5))
    assert len(updated["ids"]) == 1
    assert "Credit_Status__c" in [item["name"] for item in client.Account.describe()["fields"]]


def test_client_error_classes(org: Running) -> None:
    client = org.client()
    with pytest.raises(SalesforceMalformedRequest) as malformed:
        client.query("SELECT Foo__c FROM Account")
    assert malformed.value.content[0]["errorCode"] == "INVALID_FIELD"
    with pytest.raises(SalesforceResourceNotFound):
        client.Account.get(sid("customer", 999))
    with pytest.raises(SalesforceMoreThanOneRecord) as several:
        client.Account.upsert(f"ERP_Customer_Id__c/{native_id('netsuite', 'customer', 7)}", {"Name": "x"})
    assert several.value.content == [f"{DATA}/sobjects/Account/{sid('customer', key)}" for key in (3, 4)]
    org.vendor.expire_tokens()
    with pytest.raises(SalesforceExpiredSession):
        client.query("SELECT Id FROM Account")


def test_client_quota_refusal(certificate: tuple[Path, Path]) -> None:
    for org in serve(certificate, daily_api_requests=2):
        client = org.client()
        client.query("SELECT Id FROM Account")
        client.query("SELECT Id FROM Account")
        with pytest.raises(SalesforceRefusedRequest) as refused:
            client.query("SELECT Id FROM Account")
        assert refused.value.content[0]["errorCode"] == "REQUEST_LIMIT_EXCEEDED"
        org.clock.advance(timedelta(hours=25))
        answer = org.call("GET", f"{DATA}/query", params={"q": "SELECT COUNT() FROM Account"})
        assert answer.headers["Sforce-Limit-Info"] == "api-usage=1/2"


def test_client_bulk_query_and_ingest(org: Running) -> None:
    client = org.client()
    pages = list(client.bulk2.Contact.query("SELECT Id, Account.Name, SystemModstamp, Title FROM Contact", max_records=2_000, wait=0.01))
    rows = [row for page in pages for row in csv.DictReader(io.StringIO(page))]
    assert len(pages) == 3 and len({row["Id"] for row in rows}) == CONTACTS
    assert rows[0]["SystemModstamp"] == ago(30).strftime("%Y-%m-%dT%H:%M:%S.000Z") and rows[0]["Title"] == ""
    assert rows[0]["Account.Name"].startswith("Firm ")
    lines = list(client.bulk2.OpportunityLineItem.query("SELECT Description FROM OpportunityLineItem", wait=0.01))
    assert 'Seats, "1"\nsecond line' in {row["Description"] for row in csv.DictReader(io.StringIO(lines[0]))}
    with pytest.raises(SalesforceOperationError, match="INVALID_FIELD"):
        list(client.bulk2.Contact.query("SELECT Foo__c FROM Contact", wait=0.01))
    records = [
        {"ERP_Customer_Id__c": native_id("netsuite", "customer", 1), "Name": "Firm 1 renamed", "Credit_Status__c": "OK"},
        {"ERP_Customer_Id__c": "C-77", "Name": "Fresh", "Credit_Status__c": ""},
        {"ERP_Customer_Id__c": "C-78", "Name": "Bad", "Credit_Status__c": "Nonsense"},
    ]
    (done,) = client.bulk2.Account.upsert(records=records, external_id_field="ERP_Customer_Id__c", wait=0.01)
    assert (done["numberRecordsTotal"], done["numberRecordsFailed"]) == (3, 1)
    good = list(csv.DictReader(io.StringIO(client.bulk2.Account.get_successful_records(done["job_id"]))))
    assert [row["sf__Created"] for row in good] == ["false", "true"] and good[0]["sf__Id"] == sid("customer", 1)
    bad = list(csv.DictReader(io.StringIO(client.bulk2.Account.get_failed_records(done["job_id"]))))
    assert bad[0]["sf__Error"].startswith("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST:") and bad[0]["sf__Error"].endswith(
        ":Credit_Status__c --"
    )


# --- login ---------------------------------------------------------------------------------------------------------------


def test_token_errors_and_expiry(org: Running) -> None:
    url = f"{org.url}/services/oauth2/token"
    form = {"grant_type": "client_credentials", "client_id": "concord-salesforce", "client_secret": "wrong"}
    assert org.session.post(url, data=form).json()["error"] == "invalid_client"
    assert org.session.post(url, data={**form, "client_id": "other"}).json()["error"] == "invalid_client_id"
    assert org.session.post(url, data={**form, "grant_type": "password"}).json()["error"] == "unsupported_grant_type"
    basic = org.session.post(url, data={"grant_type": "client_credentials"}, auth=("concord-salesforce", "salesforce-sandbox-secret"))
    assert basic.json()["instance_url"] == org.url and basic.json()["issued_at"].isdigit()
    assert basic.json()["id"].rsplit("/", 1)[-1] == sid("agent", 1)
    token = basic.json()["access_token"]
    assert "!" in token
    org.clock.advance(timedelta(hours=1, minutes=59))
    assert org.call("GET", f"{DATA}/limits", token).status_code == 200  # each use keeps the session alive
    org.clock.advance(timedelta(hours=1, minutes=59))
    assert org.call("GET", f"{DATA}/limits", token).status_code == 200
    org.clock.advance(timedelta(hours=2, seconds=1))
    expired = org.call("GET", f"{DATA}/limits", token)
    assert (expired.status_code, expired.json()[0]["errorCode"]) == (401, "INVALID_SESSION_ID")
    assert org.session.get(f"{org.url}/services/data").json()[6] == {
        "label": "Winter '25",
        "url": "/services/data/v62.0",
        "version": "62.0",
    }
    assert org.call("GET", "/services/data/v99.0/limits").status_code == 404
    assert org.call("GET", "/services/data/v40.0/limits").status_code == 410


# --- SOQL ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("where", "keys"),
    [
        ("Name = 'firm 1'", [1]),
        ("Name != 'Firm 1'", [2, 3, 4, 8]),
        ("Name LIKE 'Firm%' AND (NOT Name LIKE '%_ 2')", [1, 3, 4, 8]),
        ("Name LIKE 'Firm\\%'", []),
        ("ParentId = null", [1, 3, 4, 8]),
        ("ERP_Customer_Id__c = null OR Parent.Name = 'Firm 1'", [2, 8]),
        ("Credit_Limit__c > 1000 AND Credit_Limit__c <= 1000.5", [1, 2, 3, 4, 8]),
        ("Overdue_Days__c < 0", []),
        ("Name IN ('Firm 1','FIRM 3')", [1, 3]),
        ("Name NOT IN ('Firm 1','Firm 3')", [2, 4, 8]),
        ("Entitlement_Start__c >= 2026-01-01", [1]),
        ("SystemModstamp >= {47 days ago}Z AND SystemModstamp < {46 days ago}Z", [3]),
        ("SystemModstamp > {47 days ago}+00:00", [4, 8]),
        ("Id IN (SELECT AccountId FROM Opportunity WHERE IsWon = true)", [1]),
        ("Id = '" + sid("customer", 2)[:15] + "'", [2]),
        ("CreatedDate = LAST_N_DAYS:365", [1, 2, 3, 4, 8]),
        ("CreatedDate > TODAY", []),
        ("Region_Code__c = 'emea'", [8]),
    ],
)
def test_where(unchanged: Running, where: str, keys: list[int]) -> None:
    for days in (46, 47):
        where = where.replace(f"{{{days} days ago}}", soql_time(ago(days)).removesuffix("Z"))
    rows = unchanged.query(f"SELECT Id FROM Account WHERE {where} ORDER BY SystemModstamp ASC NULLS LAST, Id ASC")["records"]
    assert [row["Id"] for row in rows] == [sid("customer", key) for key in keys]


def test_relationships_order_and_aggregates(unchanged: Running) -> None:
    deals = unchanged.query(
        "SELECT Name, Account.ERP_Customer_Id__c, Account.Owner.Name, (SELECT Quantity, ProductCode FROM OpportunityLineItems ORDER BY SortOrder DESC) "
        "FROM Opportunity o ORDER BY o.CloseDate DESC"
    )["records"]
    assert [row["Name"] for row in deals] == ["Deal 2", "Deal 1"]
    assert deals[0]["OpportunityLineItems"] is None and deals[1]["OpportunityLineItems"]["totalSize"] == 2
    assert [line["Quantity"] for line in deals[1]["OpportunityLineItems"]["records"]] == [2.0, 1.0]
    assert deals[1]["Account"]["ERP_Customer_Id__c"] == native_id("netsuite", "customer", 1)
    assert deals[1]["Account"]["Owner"]["Name"].startswith("Person")
    assert deals[1]["attributes"]["url"] == f"{DATA}/sobjects/Opportunity/{sid('opportunity', 1)}"
    stages = {
        row["StageName"]: (row["IsClosed"], row["IsWon"])
        for row in unchanged.query("SELECT StageName, IsClosed, IsWon FROM Opportunity")["records"]
    }
    assert stages == {"Closed Won": (True, True), "Verbal Commit": (False, False)}
    tiers = [
        row["Entitlement_Tier__c"]
        for row in unchanged.query("SELECT Entitlement_Tier__c FROM Account ORDER BY Entitlement_Tier__c DESC")["records"]
    ]
    assert tiers == [None, None, None, None, "Premium"]
    first = unchanged.query("SELECT Id FROM Account ORDER BY Name LIMIT 2 OFFSET 1")
    assert [row["Id"] for row in first["records"]] == [sid("customer", 2), sid("customer", 3)]
    counted = unchanged.query("SELECT AccountId, COUNT(Id) n FROM Contact GROUP BY AccountId ORDER BY AccountId")["records"]
    assert sum(row["n"] for row in counted) == CONTACTS and counted[0]["attributes"] == {"type": "AggregateResult"}
    address = unchanged.query("SELECT BillingAddress FROM Account LIMIT 1")["records"][0]["BillingAddress"]
    assert (address["city"], address["postalCode"]) == ("Ulm", "89073")
    contract = unchanged.query("SELECT Status, EndDate, ContractTerm, Billing_Subscription_Id__c FROM Contract")["records"][0]
    assert (contract["EndDate"], contract["ContractTerm"]) == ("2027-01-30", 12)
    assert contract["Billing_Subscription_Id__c"] == native_id("stripe", "subscription", 5)


@pytest.mark.parametrize(
    ("soql", "code"),
    [
        ("SELECT FROM Account", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account WHERE", "MALFORMED_QUERY"),
        ("SELECT Id FROM Accounts", "INVALID_TYPE"),
        ("SELECT Id, Name FROM Account WHERE Name = 'a' AND Name = 'b' OR Name = 'c'", "MALFORMED_QUERY"),
        ("SELECT * FROM Account", "MALFORMED_QUERY"),
        ("SELECT Foo FROM Account", "INVALID_FIELD"),
        ("SELECT Foo.Name FROM Contact", "INVALID_FIELD"),
        ("SELECT Id, Id FROM Account", "INVALID_FIELD"),
        ("SELECT Id FROM Account WHERE Name = 5", "INVALID_FIELD"),
        ("SELECT Id FROM Account WHERE SystemModstamp > '2026-01-01T00:00:00Z'", "INVALID_FIELD"),
        ("SELECT Id FROM Account WHERE SystemModstamp > 2026-01-01", "INVALID_FIELD"),
        ("SELECT Id FROM Account WHERE IsDeleted = 'false'", "INVALID_FIELD"),
        ("SELECT Id FROM Account OFFSET 2001", "NUMBER_OUTSIDE_VALID_RANGE"),
        ("SELECT FIELDS(ALL) FROM Account", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account WHERE Id = 'xyz'", "INVALID_QUERY_FILTER_OPERATOR"),
        ("SELECT Id, COUNT(Id) FROM Account", "MALFORMED_QUERY"),
        ("SELECT Id, (SELECT Id FROM Nothing) FROM Account", "INVALID_TYPE"),
        ("SELECT Id FROM Account WHERE Description = 'x'", "INVALID_FIELD"),
        ("SELECT Id FROM Account HAVING Id = null", "MALFORMED_QUERY"),
        ("SELECT IsDeleted FROM User", "INVALID_FIELD"),
        ("", "MALFORMED_QUERY"),
    ],
)
def test_refused_queries(unchanged: Running, soql: str, code: str) -> None:
    assert unchanged.refusal(soql) == (400, code)


def test_cursors_are_pinned_and_expire(org: Running) -> None:
    token = org.token()
    small = {"Sforce-Query-Options": "batchSize=200"}
    first = org.call("GET", f"{DATA}/query", token, params={"q": "SELECT Id FROM Contact"}, headers=small).json()
    assert len(first["records"]) == 200 and not first["done"]
    org.vendor.apply(View(system="salesforce", as_of=NOW, contacts=[contact(9_001)]))
    second = org.call("GET", first["nextRecordsUrl"], token).json()
    assert (second["totalSize"], len(second["records"])) == (CONTACTS, 200)  # later rows do not shift an open cursor
    assert org.call("GET", f"{DATA}/query/01g000000000000AAA-2000", token).json()[0]["errorCode"] == "INVALID_QUERY_LOCATOR"
    too_small = org.call(
        "GET", f"{DATA}/query", token, params={"q": "SELECT Id FROM Contact"}, headers={"Sforce-Query-Options": "batchSize=10"}
    )
    assert too_small.status_code == 400
    org.clock.advance(timedelta(days=2, minutes=1))
    assert org.call("GET", second["nextRecordsUrl"]).json()[0]["errorCode"] == "INVALID_QUERY_LOCATOR"
    ids = ",".join(f"'{sid('contact', key)}'" for key in range(1, 1_000))
    assert org.refusal(f"SELECT Id FROM Contact WHERE Id IN ({ids})") == (414, "URI_TOO_LONG")


def test_mounted_below_a_path(certificate: tuple[Path, Path]) -> None:
    for org in serve(certificate, prefix="/salesforce"):
        token = org.token()
        first = org.call("GET", f"{DATA}/query", token, params={"q": "SELECT Id FROM Contact"}).json()
        assert first["nextRecordsUrl"].startswith(f"/salesforce{DATA}/query/")
        on_host = org.session.get(
            org.url.removesuffix("/salesforce") + first["nextRecordsUrl"], headers={"Authorization": f"Bearer {token}"}
        )
        below_instance = org.call("GET", first["nextRecordsUrl"], token)
        assert on_host.json()["records"] == below_instance.json()["records"]


def test_hidden_and_deleted_rows(unchanged: Running) -> None:
    hidden, recent, old = (sid("customer", key) for key in (5, 6, 7))
    visible = {row["Id"] for row in unchanged.query("SELECT Id FROM Account")["records"]}
    assert not visible & {hidden, recent, old} and len(visible) == 5
    assert unchanged.query("SELECT COUNT() FROM Account")["totalSize"] == 6
    assert unchanged.query("SELECT COUNT(Id) n FROM Account")["records"][0]["n"] == 6
    counts = unchanged.call("GET", f"{DATA}/limits/recordCount", params={"sObjects": "Account,Contact"}).json()["sObjects"]
    assert counts == [{"count": 6, "name": "Account"}, {"count": CONTACTS, "name": "Contact"}]
    assert unchanged.call("GET", f"{DATA}/sobjects/Account/{hidden}").json()["Name"] == "Firm 5"
    trash = unchanged.query("SELECT Id, IsDeleted, SystemModstamp FROM Account WHERE IsDeleted = true", deleted=True)["records"]
    assert [row["Id"] for row in trash] == [recent]  # the other one has left the recycle bin
    assert unchanged.query(f"SELECT Id FROM Account WHERE Id IN ('{recent}','{old}')", deleted=True)["totalSize"] == 1
    assert unchanged.call("GET", f"{DATA}/sobjects/Account/{recent}").json()[0]["errorCode"] == "ENTITY_IS_DELETED"
    window = {"start": soql_time(ago(14)), "end": soql_time(NOW)}
    answer = unchanged.call("GET", f"{DATA}/sobjects/Account/deleted/", params=window).json()
    assert [item["id"] for item in answer["deletedRecords"]] == [recent]
    early = unchanged.call("GET", f"{DATA}/sobjects/Account/deleted", params={**window, "start": soql_time(ago(16))})
    assert early.json()[0]["errorCode"] == "INVALID_REPLICATION_DATE"


# --- writes --------------------------------------------------------------------------------------------------------------


def test_collections_give_each_record_its_result(org: Running) -> None:
    def item(key: int, **fields: Any) -> dict[str, Any]:
        return {"attributes": {"type": "Account"}, "id": sid("customer", key), **fields}

    records = [
        item(1, Credit_Status__c="OK", ERP_Balance__c="12.3456"),
        item(2, Credit_Status__c="Perhaps"),
        item(6, Name="x"),
        item(99, Name="x"),
        item(3, Name="x" * 256),
        item(1, Name="again"),
        item(4, Name=None),
        item(8, SystemModstamp="2026-01-01T00:00:00Z"),
    ]
    answer = org.call("PATCH", f"{DATA}/composite/sobjects", json={"allOrNone": False, "records": records})
    assert answer.status_code == 200
    assert answer.json()[0] == {"id": sid("customer", 1), "success": True, "errors": []}
    codes = [result["errors"][0]["statusCode"] for result in answer.json()[1:]]
    assert codes == [
        "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
        "ENTITY_IS_DELETED",
        "INVALID_CROSS_REFERENCE_KEY",
        "STRING_TOO_LONG",
        "DUPLICATE_VALUE",
        "REQUIRED_FIELD_MISSING",
        "INVALID_FIELD_FOR_INSERT_UPDATE",
    ]
    assert org.query(f"SELECT ERP_Balance__c FROM Account WHERE Id = '{sid('customer', 1)}'")["records"][0]["ERP_Balance__c"] == 12.346
    strict = org.call(
        "PATCH", f"{DATA}/composite/sobjects", json={"allOrNone": True, "records": [item(1, Name="changed"), item(2, Credit_Status__c="?")]}
    )
    assert [result["errors"][0]["statusCode"] for result in strict.json()] == [
        "ALL_OR_NONE_OPERATION_ROLLED_BACK",
        "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
    ]
    row = org.vendor.store.get("Account", sid("customer", 1))
    assert row is not None and row["Name"] == "Firm 1" and row["LastModifiedById"] == sid("agent", 1)


def test_collections_refused_as_a_whole(org: Running) -> None:
    def send(records: list[dict[str, Any]]) -> tuple[int, str]:
        answer = org.call("PATCH", f"{DATA}/composite/sobjects", json={"records": records})
        return answer.status_code, answer.json()[0]["errorCode"]

    good = {"attributes": {"type": "Account"}, "id": sid("customer", 1), "Name": "kept out"}
    assert send([good] * 201) == (400, "EXCEEDED_ID_LIMIT")
    assert send([{"id": sid("customer", 1)}]) == (400, "INVALID_INPUT")
    assert send([good, {**good, "Nothing__c": 1}]) == (400, "INVALID_FIELD")
    assert send([good, {**good, "Credit_Limit__c": "much"}]) == (400, "JSON_PARSER_ERROR")
    other = {"attributes": {"type": "Contact"}, "id": sid("contact", 1)}
    assert send([good, other] * 6) == (400, "LIMIT_EXCEEDED")
    assert (
        org.call("PATCH", f"{DATA}/composite/sobjects", data="{", headers={"Content-Type": "application/json"}).json()[0]["errorCode"]
        == "JSON_PARSER_ERROR"
    )
    assert org.call("PATCH", f"{DATA}/composite/sobjects", data="a=b", headers={"Content-Type": "text/plain"}).status_code == 415
    assert org.call("PUT", f"{DATA}/composite/sobjects", json={}).status_code == 405
    assert org.query("SELECT COUNT() FROM Account WHERE Name = 'kept out'")["totalSize"] == 0


def test_collection_upsert_retrieve_and_delete(org: Running) -> None:
    records = [
        {"attributes": {"type": "Account"}, "ERP_Customer_Id__c": native_id("netsuite", "customer", 1), "Name": "One"},
        {"attributes": {"type": "Account"}, "ERP_Customer_Id__c": "C-50", "Name": "Fifty"},
        {"attributes": {"type": "Account"}, "ERP_Customer_Id__c": native_id("netsuite", "customer", 7), "Name": "Ambiguous"},
        {"attributes": {"type": "Account"}, "Name": "No key"},
    ]
    answer = org.call("PATCH", f"{DATA}/composite/sobjects/Account/ERP_Customer_Id__c", json={"records": records}).json()
    assert [item.get("created") for item in answer] == [False, True, None, None]
    assert [item["errors"][0]["statusCode"] for item in answer[2:]] == ["DUPLICATE_EXTERNAL_ID", "MISSING_ARGUMENT"]
    made = answer[1]["id"]
    wanted = {"ids": [made, sid("customer", 77), sid("customer", 1)[:15]], "fields": ["Name"]}
    rows = org.call("POST", f"{DATA}/composite/sobjects/Account", json=wanted).json()
    assert [row and row["Name"] for row in rows] == ["Fifty", None, "One"]
    gone = org.call("DELETE", f"{DATA}/composite/sobjects", params={"ids": f"{made},{sid('customer', 77)}", "allOrNone": "false"}).json()
    assert [item["success"] for item in gone] == [True, False]
    child = org.call(
        "POST",
        f"{DATA}/sobjects/Contact",
        json={"LastName": "Kin", "Account": {"ERP_Customer_Id__c": native_id("netsuite", "customer", 2)}},
    )
    assert child.status_code == 201
    assert (org.vendor.store.get("Contact", child.json()["id"]) or {})["AccountId"] == sid("customer", 2)


def test_conditional_writes_and_stamps(org: Running) -> None:
    path = f"{DATA}/sobjects/Account/{sid('customer', 1)}"
    seen = org.call("GET", path)
    changed = ago(49)
    assert seen.headers["Last-Modified"] == format_datetime(changed, usegmt=True)
    before = {"If-Unmodified-Since": format_datetime(changed - timedelta(seconds=1), usegmt=True)}
    assert org.call("PATCH", path, json={"Name": "n"}, headers=before).status_code == 412
    same = {"If-Unmodified-Since": seen.headers["Last-Modified"]}
    assert org.call("PATCH", path, json={"Credit_Status__c": "OK"}, headers=same).status_code == 204
    assert org.call("PATCH", path, json={"Credit_Status__c": "Hold"}, headers=same).status_code == 412
    assert org.call("PATCH", path, json={"Name": "n"}, headers={"If-Match": seen.headers["ETag"]}).status_code == 412
    row = org.call("GET", path).json()
    assert row["SystemModstamp"] == row["LastModifiedDate"] >= NOW.strftime("%Y-%m-%dT%H:%M:%S.000+0000")
    assert org.call("GET", path, headers={"If-Modified-Since": format_datetime(datetime.now(UTC), usegmt=True)}).status_code == 304
    for body, code in (
        ({"Id": sid("customer", 1)}, "INVALID_FIELD"),
        ({"OwnerId": sid("customer", 1)}, "MALFORMED_ID"),
        ({"OwnerId": sid("agent", 99)}, "INVALID_CROSS_REFERENCE_KEY"),
        ({"CreatedDate": "x"}, "INVALID_FIELD_FOR_INSERT_UPDATE"),
    ):
        answer = org.call("PATCH", path, json=body)
        assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, code)
    key = native_id("netsuite", "customer", 1)
    doubled = org.call("PATCH", f"{DATA}/sobjects/Account/ERP_Customer_Id__c/{key}", json={"ERP_Customer_Id__c": key})
    assert doubled.json()[0]["errorCode"] == "INVALID_FIELD"
    assert org.call("PATCH", f"{DATA}/sobjects/Account/Tax_Id__c/1", json={"Name": "x"}).status_code == 404
    absent = org.call("PATCH", f"{DATA}/sobjects/Account/ERP_Customer_Id__c/C-1?updateOnly=true", json={"Name": "x"})
    assert absent.status_code == 404


def test_state_rules(org: Running) -> None:
    account = sid("customer", 1)
    assert (
        org.call("POST", f"{DATA}/sobjects/Contract", json={"AccountId": account, "Status": "Activated"}).json()[0]["errorCode"]
        == "FAILED_ACTIVATION"
    )
    made = org.call("POST", f"{DATA}/sobjects/Contract", json={"AccountId": account, "StartDate": "2026-02-01", "ContractTerm": 1}).json()[
        "id"
    ]
    assert org.call("PATCH", f"{DATA}/sobjects/Contract/{made}", json={"Status": "Activated"}).status_code == 204
    frozen = org.call("PATCH", f"{DATA}/sobjects/Contract/{made}", json={"StartDate": "2026-03-01"})
    assert frozen.json()[0]["errorCode"] == "FIELD_INTEGRITY_EXCEPTION"
    assert (org.vendor.store.get("Contract", made) or {})["EndDate"] == "2026-02-28"
    assert org.call("PATCH", f"{DATA}/sobjects/Opportunity/{sid('opportunity', 2)}", json={"StageName": "Closed Won"}).status_code == 204
    deal = org.vendor.store.get("Opportunity", sid("opportunity", 2)) or {}
    assert (deal["IsWon"], deal["IsClosed"], deal["Probability"]) == (True, True, 100.0)
    line = {"OpportunityId": deal["Id"], "PricebookEntryId": sid("price", 1), "Quantity": 2, "UnitPrice": 5, "TotalPrice": 10}
    assert org.call("POST", f"{DATA}/sobjects/OpportunityLineItem", json=line).json()[0]["errorCode"] == "FIELD_INTEGRITY_EXCEPTION"
    del line["TotalPrice"]
    assert org.call("POST", f"{DATA}/sobjects/OpportunityLineItem", json=line).status_code == 201
    assert org.call("DELETE", f"{DATA}/sobjects/Opportunity/{deal['Id']}").status_code == 204
    assert org.query(f"SELECT COUNT() FROM OpportunityLineItem WHERE OpportunityId = '{deal['Id']}'")["totalSize"] == 0
    assert org.call("DELETE", f"{DATA}/sobjects/User/{sid('agent', 2)}").status_code == 400


def test_composite_and_batch(org: Running) -> None:
    parts = [
        {"method": "POST", "url": f"{DATA}/sobjects/Account", "referenceId": "firm", "body": {"Name": "Made"}},
        {
            "method": "POST",
            "url": f"{DATA}/sobjects/Contact",
            "referenceId": "person",
            "body": {"LastName": "L", "AccountId": "@{firm.id}"},
        },
        {"method": "GET", "url": f"{DATA}/query?q=SELECT+Name+FROM+Account+WHERE+Id='@{{firm.id}}'", "referenceId": "look"},
    ]
    answers = org.call("POST", f"{DATA}/composite", json={"compositeRequest": parts}).json()["compositeResponse"]
    assert [answer["httpStatusCode"] for answer in answers] == [201, 201, 200]
    assert answers[2]["body"]["records"][0]["Name"] == "Made"
    count = org.query("SELECT COUNT() FROM Account")["totalSize"]
    bad = {"method": "POST", "url": f"{DATA}/sobjects/Contact", "referenceId": "bad", "body": {}}
    strict = org.call("POST", f"{DATA}/composite", json={"allOrNone": True, "compositeRequest": [parts[0], bad]}).json()[
        "compositeResponse"
    ]
    assert [answer["body"][0]["errorCode"] for answer in strict] == ["PROCESSING_HALTED", "REQUIRED_FIELD_MISSING"]
    assert org.query("SELECT COUNT() FROM Account")["totalSize"] == count
    batch = org.call(
        "POST",
        f"{DATA}/composite/batch",
        json={
            "batchRequests": [
                {"method": "PATCH", "url": f"v62.0/sobjects/Account/{sid('customer', 1)}", "richInput": {"Name": "B"}},
                {"method": "GET", "url": "v62.0/nothing"},
            ]
        },
    ).json()
    assert batch["hasErrors"] and [item["statusCode"] for item in batch["results"]] == [204, 404]
    assert org.call("POST", f"{DATA}/composite", json={"compositeRequest": [bad] * 26}).status_code == 400
    assert org.call("POST", f"{DATA}/composite/forest/Account", json={}).status_code == 404


# --- Bulk 2.0 ------------------------------------------------------------------------------------------------------------


def test_bulk_query_job_states_and_refusals(org: Running) -> None:
    token = org.token()
    jobs = f"{DATA}/jobs/query"
    job = org.call("POST", jobs, token, json={"operation": "queryAll", "query": "SELECT Id, IsDeleted FROM Account"}).json()
    assert job["state"] == "UploadComplete" and job["apiVersion"] == 62.0 and job["id"].startswith("750")
    assert org.call("GET", f"{jobs}/{job['id']}/results", token).status_code == 400
    assert org.call("GET", f"{jobs}/{job['id']}", token).json()["state"] == "InProgress"
    done = org.call("GET", f"{jobs}/{job['id'][:15]}", token).json()
    assert (done["state"], done["numberRecordsProcessed"], done["jobType"]) == ("JobComplete", 6, "V2Query")
    first = org.call("GET", f"{jobs}/{job['id']}/results", token, params={"maxRecords": "4"})
    assert first.headers["Sforce-NumberOfRecords"] == "4" and first.headers["Sforce-Locator"] != "null"
    last = org.call("GET", f"{jobs}/{job['id']}/results", token, params={"maxRecords": "4", "locator": first.headers["Sforce-Locator"]})
    assert last.headers["Sforce-Locator"] == "null" and last.text.splitlines()[0] == '"Id","IsDeleted"'
    assert first.text.count('"true"') + last.text.count('"true"') == 1
    assert org.call("GET", f"/services/data/v61.0/jobs/query/{job['id']}/results", token).status_code == 409
    assert (
        org.call("GET", f"{jobs}/{job['id']}/results", token, params={"locator": "zzz"}).json()[0]["errorCode"] == "INVALID_QUERY_LOCATOR"
    )
    assert org.call("DELETE", f"{jobs}/{job['id']}", token).status_code == 204
    assert org.call("GET", f"{jobs}/{job['id']}", token).status_code == 404
    for soql, code in (
        ("SELECT COUNT() FROM Account", "API_ERROR"),
        ("SELECT Id FROM Account OFFSET 5", "API_ERROR"),
        ("SELECT Id FROM", "API_ERROR"),
        ("SELECT Id, (SELECT Id FROM Contacts) FROM Account", "API_ERROR"),
        ("SELECT Id FROM Nothing", "INVALIDENTITY"),
    ):
        refused = org.call("POST", jobs, token, json={"operation": "query", "query": soql})
        assert (refused.status_code, refused.json()[0]["errorCode"]) == (400, code)
    compound = org.call("POST", jobs, token, json={"operation": "query", "query": "SELECT BillingAddress FROM Account"}).json()["id"]
    states = [org.call("GET", f"{jobs}/{compound}", token).json() for _ in range(2)]
    assert [item["state"] for item in states] == ["InProgress", "Failed"] and "compound" in states[1]["errorMessage"]
    stopped = org.call("POST", jobs, token, json={"operation": "query", "query": "SELECT Id FROM Account"}).json()["id"]
    assert org.call("PATCH", f"{jobs}/{stopped}", token, json={"state": "Aborted"}).json()["state"] == "Aborted"
    assert org.call("GET", f"{jobs}/{stopped}/results", token).status_code == 400


def test_bulk_ingest_update_by_id(org: Running) -> None:
    token = org.token()
    jobs = f"{DATA}/jobs/ingest"
    job = org.call("POST", jobs, token, json={"object": "Account", "operation": "update", "contentType": "CSV", "lineEnding": "LF"}).json()
    assert job["state"] == "Open" and job["contentUrl"] == f"services/data/v62.0/jobs/ingest/{job['id']}/batches"
    text = f"Id,Entitlement_Tier__c,Phone,Overdue_Days__c\n{sid('customer', 1)},#N/A,,12\n{sid('customer', 2)},Gold,,\n{sid('customer', 3)},,,soon\n"
    assert org.call("PUT", f"/{job['contentUrl']}", token, data=text, headers={"Content-Type": "application/json"}).status_code == 415
    assert org.call("PUT", f"/{job['contentUrl']}", token, data=text, headers={"Content-Type": "text/csv"}).status_code == 201
    assert org.call("PUT", f"/{job['contentUrl']}", token, data=text, headers={"Content-Type": "text/csv"}).status_code == 400
    assert org.call("PATCH", f"{jobs}/{job['id']}", token, json={"state": "UploadComplete"}).json()["state"] == "UploadComplete"
    org.call("GET", f"{jobs}/{job['id']}", token)
    done = org.call("GET", f"{jobs}/{job['id']}", token).json()
    assert (done["state"], done["numberRecordsProcessed"], done["numberRecordsFailed"]) == ("JobComplete", 3, 2)
    failed = list(csv.DictReader(io.StringIO(org.call("GET", f"{jobs}/{job['id']}/failedResults/", token).text)))
    assert [row["sf__Error"].split(":")[0] for row in failed] == [
        "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
        "INVALID_TYPE_ON_FIELD_IN_RECORD",
    ]
    row = org.vendor.store.get("Account", sid("customer", 1)) or {}
    assert (row["Entitlement_Tier__c"], row["Phone"], row["Overdue_Days__c"]) == (None, "+49 1", 12.0)


# --- the world moves on --------------------------------------------------------------------------------------------------


def test_apply_keeps_what_clients_wrote(org: Running) -> None:
    first = sid("customer", 1)
    assert org.call("PATCH", f"{DATA}/sobjects/Account/{first}", json={"Credit_Status__c": "OK"}).status_code == 204
    written = (org.vendor.store.get("Account", first) or {})["SystemModstamp"]
    same = {"credit_hold": True, "entitlement_tier": "premium", "entitlement_start": date(2026, 1, 1), "actor": "user:3"}
    moved = customer(1, phone="+49 2", **{**same, "updated_at": ago(1)})
    org.vendor.apply(View(system="salesforce", as_of=NOW, customers=[moved, customer(2, removed=True, updated_at=NOW)]))
    row = org.vendor.store.get("Account", first) or {}
    assert (row["Phone"], row["Credit_Status__c"]) == ("+49 2", "OK")
    assert row["SystemModstamp"] > written and row["LastModifiedById"] == sid("agent", 3)
    assert [
        item["Id"] for item in org.query("SELECT Id FROM Account WHERE IsDeleted = true ORDER BY SystemModstamp", deleted=True)["records"]
    ][-1] == sid("customer", 2)
    assert full_id(first[:15]) == first and full_id(first[:15] + "zzz") is None


def test_a_won_deal_became_an_order_and_every_deal_has_a_history(unchanged: Running) -> None:
    [order] = unchanged.query(
        "SELECT OpportunityId, AccountId, Status, OrderReferenceNumber, TotalAmount, EffectiveDate, "
        "(SELECT Product2Id, Quantity, UnitPrice, TotalPrice, OrderItemNumber FROM OrderItems ORDER BY OrderItemNumber) FROM Order"
    )["records"]
    lines = order.pop("OrderItems")["records"]
    assert {key: value for key, value in order.items() if key != "attributes"} == {
        "OpportunityId": sid("opportunity", 1),
        "AccountId": sid("customer", 1),
        "Status": "Activated",
        "OrderReferenceNumber": native_id("netsuite", "order", 1),
        "TotalAmount": 29.97,
        "EffectiveDate": "2026-03-01",
    }
    assert [(line["Quantity"], line["TotalPrice"], line["Product2Id"]) for line in lines] == [
        (1.0, 9.99, sid("product", 1)), (2.0, 19.98, sid("product", 1))]
    history = unchanged.query("SELECT OpportunityId, StageName, Amount FROM OpportunityHistory ORDER BY OpportunityId")["records"]
    assert [(row["StageName"], row["Amount"]) for row in history] == [("Closed Won", 99.9), ("Verbal Commit", 99.9)]
    [deal] = unchanged.query(f"SELECT Fiscal, FiscalQuarter, FiscalYear FROM Opportunity WHERE Id = '{sid('opportunity', 1)}'")["records"]
    assert (deal["Fiscal"], deal["FiscalQuarter"], deal["FiscalYear"]) == ("2026 1", 1, 2026)
    relations = unchanged.query(f"SELECT ContactId, IsDirect FROM AccountContactRelation WHERE ContactId = '{sid('contact', 5)}'")["records"]
    assert [(row["ContactId"], row["IsDirect"]) for row in relations] == [(sid("contact", 5), True)]


def test_an_order_is_dropped_with_its_deal_lost_again(org: Running) -> None:
    lost = small_view()
    lost.opportunities = [opportunity(1, "lost", 1)]
    lost.opportunities[0].updated_at = NOW
    org.vendor.apply(lost)
    assert org.query("SELECT Id FROM Order")["records"] == [] == org.query("SELECT Id FROM OrderItem")["records"]
    assert [row["IsDeleted"] for row in org.query("SELECT IsDeleted FROM Order", deleted=True)["records"]] == [True]
    assert len(org.query("SELECT Id FROM OpportunityLineItem")["records"]) == 1
    stages = org.query(f"SELECT StageName FROM OpportunityHistory WHERE OpportunityId = '{sid('opportunity', 1)}'")["records"]
    assert {row["StageName"] for row in stages} == {"Closed Won", "Closed Lost"}  # a history only grows


def test_people_are_never_the_integration_user(unchanged: Running) -> None:
    users = {row["Id"]: row["Username"] for row in unchanged.query("SELECT Id, Username FROM User WHERE UserType = 'Standard'")["records"]}
    assert users[sid("agent", 1)] == "integration@concord.example" and len(users) == 4
    modified = unchanged.query(f"SELECT LastModifiedById FROM Account WHERE Id = '{sid('customer', 1)}'")["records"][0]["LastModifiedById"]
    assert modified == sid("agent", 2)


def test_hidden_fields_do_not_exist_for_the_integration_user(certificate: tuple[Path, Path]) -> None:
    for org in serve(certificate, hidden_fields=frozenset({"Account.Tax_Id__c"})):
        assert org.refusal("SELECT Tax_Id__c FROM Account") == (400, "INVALID_FIELD")
        assert "Tax_Id__c" not in org.call("GET", f"{DATA}/sobjects/Account/{sid('customer', 1)}").json()


def test_restart_keeps_writes_and_found_fields(tmp_path: Path) -> None:
    def started() -> stand_in.Salesforce:
        store = Store(tmp_path / "log.jsonl")
        vendor = stand_in.create(store, Clock())
        assert isinstance(vendor, stand_in.Salesforce)
        vendor.load(small_view())
        store.open_log()
        return vendor

    first = started()
    first.apply(View(system="salesforce", as_of=NOW, customers=[customer(2, parent=1, phone="+1", updated_at=NOW, extra={"Score__c": 4})]))
    login = Request(
        "POST",
        "/services/oauth2/token",
        "http://x",
        headers={"content-type": "application/x-www-form-urlencoded"},
        body=b"grant_type=client_credentials&client_id=concord-salesforce&client_secret=salesforce-sandbox-secret",
    )
    second = started()
    token = second.handle(login).body.split(b'"access_token":"')[1].split(b'"')[0].decode()
    query = (("q", f"SELECT Phone, Score__c FROM Account WHERE Id = '{sid('customer', 2)}'"),)
    answer = second.handle(Request("GET", f"{DATA}/query", "http://x", query, {"authorization": f"Bearer {token}"}))
    assert answer.status == 200, answer.body
    assert b'"Phone":"+1","Score__c":4' in answer.body


def test_served_by_the_sandbox_with_its_journal(tmp_path: Path) -> None:
    """The generated world on the sandbox's own TLS port; a restart keeps what the client wrote."""

    def client(sandbox: server.Sandbox, session: requests.Session) -> official.Salesforce:
        session.verify, session.trust_env = str(tls_files(tmp_path)[0]), False
        form = {"grant_type": "client_credentials", "client_id": "concord-salesforce", "client_secret": "salesforce-sandbox-secret"}
        answer = session.post(f"{sandbox.tls_url}/services/oauth2/token", data=form).json()
        return official.Salesforce(instance_url=answer["instance_url"], session_id=answer["access_token"], session=session, version="62.0")

    with server.running(tmp_path, scale=0.1, vendors=("salesforce",)) as sandbox, requests.Session() as session:
        org = client(sandbox, session)
        accounts = org.query_all("SELECT Id, Name FROM Account")["records"]
        assert len(accounts) == org.query("SELECT COUNT() FROM Account")["totalSize"] > 10
        assert org.Account.update(accounts[0]["Id"], {"Credit_Status__c": "Hold"}) == 204
        (entry,) = sandbox.journal("salesforce")
        assert (entry["method"], entry["status"], len(entry["effects"])) == ("PATCH", 204, 1)
        sandbox.fault("salesforce", "429", "query")
        with pytest.raises(SalesforceRefusedRequest):
            org.query("SELECT Id FROM Account")
        sandbox.fault("salesforce", "expired_token", "query")
        with pytest.raises(SalesforceExpiredSession):
            org.query("SELECT Id FROM Account")
        sandbox.advance(days=2)
    with server.running(tmp_path, scale=0.1, vendors=("salesforce",)) as sandbox, requests.Session() as session:
        row = client(sandbox, session).Account.get(accounts[0]["Id"])
        assert (row["Credit_Status__c"], row["LastModifiedById"]) == ("Hold", sid("agent", 1))
