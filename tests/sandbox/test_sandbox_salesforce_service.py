"""The service org: its rows of the world, the rules of cases and of what belongs to them, and the shapes of its answers."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from concord.settings import PROJECT
from sandbox.protocol import Clock, Request, Store, Vendor
from sandbox.salesforce_service import create
from sandbox.world.model import Agent, Asset, Change, Comment, Contact, Customer, Product, Ticket, View, native_id

NOW = datetime.now(UTC).replace(microsecond=0)
DATA = "/services/data/v62.0"
SAMPLES = PROJECT.parent / "shared" / "specs" / "salesforce" / "samples" / "composed"
SECRETS = {"client_id": "concord-salesforce-service", "client_secret": "salesforce-service-secret"}


def sid(entity: str, key: int) -> str:
    return native_id("salesforce_service", entity, key)


def ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


def show(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000+0000")


def peers(role: str, entity: str, key: int, customer: int) -> str:
    return f"{role}-{entity}-{key}"


def customer(key: int, **fields: Any) -> Customer:
    defaults: dict[str, Any] = {
        "created_at": ago(300), "updated_at": ago(20), "name": f"Firm {key}", "domain": f"firm{key}.example", "tax_id": f"DE{key:09d}",
        "email": "", "phone": "+49 1", "street": "Weg 1", "city": "Ulm", "region": "BW", "postcode": "89073", "country": "DE", "currency": "EUR",
        "erp_customer": key, "balance": Decimal("120.50"), "overdue_amount": Decimal("20.25"), "overdue_days": 12,
    }
    return Customer(key=key, **{**defaults, **fields})


def ticket(key: int, **fields: Any) -> Ticket:
    defaults: dict[str, Any] = {
        "created_at": ago(5), "updated_at": ago(4), "actor": "user:2", "customer": 1, "contact": 1, "assignee": 2, "subject": f"Pump {key}",
        "type": "incident", "priority": "urgent", "status": "open", "order_number": "SO1", "tags": ["concord_credit_hold"],
        "comments": [
            Comment(at=ago(5), author=1, is_agent=False, is_public=True, body="It stopped."),
            Comment(at=ago(4.5), author=2, is_agent=True, is_public=False, body="Ask finance."),
            Comment(at=ago(4), author=2, is_agent=True, is_public=True, body="On its way."),
        ],
        "changes": [
            Change(at=ago(4.8), field="assignee", old=None, new="2", agent=2),
            Change(at=ago(4.6), field="status", old="new", new="open", agent=2),
            Change(at=ago(4.2), field="tags", old="", new="concord_credit_hold", agent=None),
        ],
    }
    return Ticket(key=key, **{**defaults, **fields})


def view(**fields: Any) -> View:
    premium = Product(
        key=1, created_at=ago(400), updated_at=ago(400), sku="SUP-P", name="Premium", description="", unit_price=Decimal("9.99"), currency="EUR",
        is_recurring=True, tier="premium")
    cover = {"entitlement_tier": "premium", "entitlement_start": NOW.date() - timedelta(days=100), "entitlement_end": NOW.date() + timedelta(days=3)}
    defaults: dict[str, Any] = {
        "products": [premium],
        "agents": [Agent(key=key, created_at=ago(400), updated_at=ago(400), name=f"Person {key}", email=f"p{key}@x.example") for key in (1, 2)],
        "customers": [
            customer(1, credit_hold=True, **cover), customer(2), customer(3, erp_customer=1), customer(4, erp_customer=None),
            customer(5, entitlement_tier="basic", entitlement_start=date(2020, 1, 1), entitlement_end=date(2020, 12, 31)),
        ],
        "contacts": [
            Contact(key=1, created_at=ago(300), updated_at=ago(300), customer=1, first_name="Ann", last_name="Lee", email="ann@firm1.example", phone="77")],
        "assets": [
            Asset(key=1, created_at=ago(200), updated_at=ago(200), customer=1, product=1, name="Pump", serial_number="SN-1", status="installed",
                  installed_on=date(2026, 1, 2), cover_end=date(2028, 1, 1)),
            Asset(key=2, created_at=ago(200), updated_at=ago(200), customer=1, product=1, name="Old", serial_number="", status="retired",
                  installed_on=date(2020, 1, 2)),
        ],
        "tickets": [
            ticket(1), ticket(2, assignee=None, status="new", tags=[], comments=[], changes=[], order_number=""),
            ticket(3, status="solved", solved_at=ago(4), customer=2, contact=None), ticket(4, status="Waiting for parts"),
            ticket(5, removed=True), ticket(6, hidden=True),
        ],
    }
    return View(**{"system": "salesforce_service", "as_of": NOW, "role": "support", "peers": peers, **defaults, **fields})


@dataclass
class Desk:
    vendor: Vendor
    clock: Clock
    token: str = ""

    def call(self, method: str, path: str, *, body: Any = None, headers: dict[str, str] | None = None, **params: str) -> tuple[int, Any]:
        sent = {"authorization": f"Bearer {self.token}", **(headers or {})}
        if body is not None:
            sent["content-type"] = "application/json"
        response = self.vendor.handle(Request(
            method, path if path.startswith("/") else f"{DATA}/{path}", "http://desk.example", tuple(params.items()), sent,
            json.dumps(body).encode() if body is not None else b""))
        kind = response.headers.get("content-type", "")
        return response.status, json.loads(response.body) if response.body and "json" in kind else response.body

    def login(self, **form: str) -> tuple[int, Any]:
        response = self.vendor.handle(Request(
            "POST", "/services/oauth2/token", "http://desk.example", (), {"content-type": "application/x-www-form-urlencoded"}, urlencode(form).encode()))
        return response.status, json.loads(response.body)

    def query(self, soql: str, *, deleted: bool = False) -> list[dict[str, Any]]:
        status, content = self.call("GET", "queryAll" if deleted else "query", q=soql)
        assert status == 200, content
        return [{key: value for key, value in row.items() if key != "attributes"} for row in content["records"]]

    def refused(self, method: str, path: str, body: Any) -> tuple[int, str]:
        status, content = self.call(method, path, body=body)
        return status, content[0]["errorCode"]

    def create(self, sobject: str, **fields: Any) -> str:
        status, content = self.call("POST", f"sobjects/{sobject}", body=fields)
        assert status == 201, content
        return str(content["id"])


def opened(**settings: Any) -> Desk:
    clock = Clock()
    vendor = create(Store(), clock, **settings)
    vendor.load(view())
    return Desk(vendor, clock)


@pytest.fixture
def desk() -> Desk:
    made = opened()
    made.token = made.login(grant_type="client_credentials", **SECRETS)[1]["access_token"]
    return made


# --- the world in it ---


def test_accounts_name_the_erp_and_the_crm(desk: Desk) -> None:
    rows = desk.query("SELECT Id, ERP_Customer_Id__c, CRM_Account_Id__c, Credit_Status__c, Overdue_Days__c, Entitlement_Tier__c FROM Account ORDER BY Id")
    assert [row["Id"] for row in rows] == [sid("customer", key) for key in range(1, 6)]
    assert [(row["ERP_Customer_Id__c"], row["CRM_Account_Id__c"]) for row in rows] == [
        ("erp-customer-1", "crm-customer-1"), ("erp-customer-2", "crm-customer-2"), ("erp-customer-1", None), (None, None),
        ("erp-customer-5", "crm-customer-5")]
    assert (rows[0]["Credit_Status__c"], rows[0]["Overdue_Days__c"], rows[0]["Entitlement_Tier__c"]) == ("Hold", 12.0, "Premium")
    assert sid("customer", 1) != native_id("salesforce", "customer", 1) and sid("customer", 1).startswith("001")


def test_a_ticket_is_a_case_with_its_comments_and_history(desk: Desk) -> None:
    [case] = desk.query(f"SELECT FIELDS(ALL) FROM Case WHERE Id = '{sid('ticket', 1)}' LIMIT 1")
    wanted = {
        "CaseNumber": "00001001", "AccountId": sid("customer", 1), "ContactId": sid("contact", 1), "OwnerId": sid("agent", 2), "Status": "Working",
        "Priority": "Critical", "Type": "Incident", "Subject": "Pump 1", "Description": "It stopped.", "IsClosed": False, "ClosedDate": None,
        "ERP_Order_Number__c": "SO1", "Credit_Hold__c": True, "Lapsed_Cover__c": False, "ContactEmail": "ann@firm1.example",
        "EntitlementId": sid("entitlement", 1), "ServiceContractId": sid("service_contract", 1), "MilestoneStatus": "Closed Violation",
        "LastModifiedById": sid("agent", 2), "SystemModstamp": show(ago(4)), "IsDeleted": False,
    }
    assert {name: case[name] for name in wanted} == wanted
    comments = desk.query(f"SELECT CommentBody, IsPublished, CreatedById, CreatorName, CreatedDate FROM CaseComment WHERE ParentId = '{case['Id']}' ORDER BY CreatedDate")
    assert [(row["CommentBody"], row["IsPublished"], row["CreatorName"]) for row in comments] == [
        ("It stopped.", True, "Ann Lee"), ("Ask finance.", False, "Person 2"), ("On its way.", True, "Person 2")]
    assert comments[1]["CreatedById"] == sid("agent", 2) and comments[1]["CreatedDate"] == show(ago(4.5))
    history = desk.query(f"SELECT Field, DataType, OldValue, NewValue FROM CaseHistory WHERE CaseId = '{case['Id']}' ORDER BY CreatedDate, Id")
    assert [tuple(row.values()) for row in history] == [
        ("created", "Text", None, None), ("Owner", "Text", None, "Person 2"), ("Owner", "EntityId", None, sid("agent", 2)),
        ("Status", "DynamicEnum", "New", "Working"), ("Credit_Hold__c", "Boolean", False, True)]
    [mail] = desk.query(f"SELECT Incoming, FromAddress, TextBody FROM EmailMessage WHERE ParentId = '{case['Id']}'")
    assert mail == {"Incoming": True, "FromAddress": "ann@firm1.example", "TextBody": "It stopped."}


def test_statuses_owners_and_unknown_words(desk: Desk) -> None:
    rows = {row["Id"]: row for row in desk.query("SELECT Id, Status, IsClosed, OwnerId, EntitlementId, Owner.Name FROM Case")}
    assert set(rows) == {sid("ticket", key) for key in (1, 2, 3, 4)}  # one is deleted, one is withheld
    queue = desk.query("SELECT Id FROM Group WHERE Type = 'Queue'")[0]["Id"]
    assert (rows[sid("ticket", 2)]["OwnerId"], rows[sid("ticket", 2)]["Status"]) == (queue, "New")
    solved = rows[sid("ticket", 3)]
    assert (solved["Status"], solved["IsClosed"], solved["EntitlementId"]) == ("Solved", True, None)
    assert rows[sid("ticket", 4)]["Status"] == "Waiting for parts" and rows[sid("ticket", 1)]["Owner"]["Name"] == "Person 2"
    assert desk.call("GET", "query", q="SELECT COUNT() FROM Case")[1]["totalSize"] == 5  # the withheld one is counted
    assert desk.call("GET", f"sobjects/Case/{sid('ticket', 6)}")[0] == 200
    [gone] = desk.query("SELECT Id FROM Case WHERE IsDeleted = true", deleted=True)
    assert gone["Id"] == sid("ticket", 5)
    assert desk.query("SELECT MasterLabel FROM CaseStatus WHERE IsClosed = true ORDER BY SortOrder") == [{"MasterLabel": "Solved"}, {"MasterLabel": "Closed"}]


def test_cover_is_a_contract_with_a_line_and_an_entitlement_and_ends_by_the_calendar(desk: Desk) -> None:
    [covered, lapsed] = desk.query("SELECT AccountId, Name, Tier__c, Status, ServiceContractId, ContractLineItemId FROM Entitlement ORDER BY Id")
    assert (covered["AccountId"], covered["Tier__c"], covered["Status"], lapsed["Status"]) == (sid("customer", 1), "Premium", "Active", "Expired")
    [contract] = desk.query(
        f"SELECT Status, LineItemCount, GrandTotal, (SELECT Product2Id, TotalPrice FROM ContractLineItems) FROM ServiceContract WHERE Id = '{covered['ServiceContractId']}'")
    assert (contract["Status"], contract["LineItemCount"], contract["GrandTotal"]) == ("Active", 1, 9.99)
    assert contract["ContractLineItems"]["records"][0]["Product2Id"] == sid("product", 1)
    before = desk.query("SELECT SystemModstamp FROM Entitlement ORDER BY Id")
    desk.clock.advance(timedelta(days=5))
    desk.token = desk.login(grant_type="client_credentials", **SECRETS)[1]["access_token"]
    assert [row["Status"] for row in desk.query("SELECT Status FROM Entitlement")] == ["Expired", "Expired"]
    assert desk.query("SELECT SystemModstamp FROM Entitlement ORDER BY Id") == before  # nobody touched the row
    assert desk.query("SELECT Id FROM Entitlement WHERE Status = 'Active'") == []


def test_assets_and_milestones(desk: Desk) -> None:
    first, second = desk.query("SELECT AccountId, Product2Id, ProductCode, SerialNumber, Status, InstallDate, UsageEndDate FROM Asset ORDER BY Id")
    assert first == {
        "AccountId": sid("customer", 1), "Product2Id": sid("product", 1), "ProductCode": "SUP-P", "SerialNumber": "SN-1", "Status": "Installed",
        "InstallDate": "2026-01-02", "UsageEndDate": "2028-01-01"}
    assert (second["Status"], second["SerialNumber"]) == ("Obsolete", None)
    timers = desk.query(f"SELECT TargetResponseInMins, IsCompleted, IsViolated, ElapsedTimeInMins, TimeRemainingInMins FROM CaseMilestone WHERE CaseId = '{sid('ticket', 1)}'")
    assert timers == [{"TargetResponseInMins": 60, "IsCompleted": True, "IsViolated": True, "ElapsedTimeInMins": 288, "TimeRemainingInMins": "00:00"}]
    [timer] = desk.query(f"SELECT Id, StartDate FROM CaseMilestone WHERE CaseId = '{sid('ticket', 2)}'")
    assert desk.refused("POST", "sobjects/CaseMilestone", {"StartDate": timer["StartDate"]})[0] == 400
    assert desk.call("DELETE", f"sobjects/CaseMilestone/{timer['Id']}")[0] == 400
    assert desk.refused("PATCH", f"sobjects/CaseMilestone/{timer['Id']}", {"IsCompleted": True}) == (400, "INVALID_FIELD_FOR_INSERT_UPDATE")
    assert desk.call("PATCH", f"sobjects/CaseMilestone/{timer['Id']}", body={"CompletionDate": show(NOW)})[0] == 204
    assert desk.query(f"SELECT IsCompleted FROM CaseMilestone WHERE Id = '{timer['Id']}'") == [{"IsCompleted": True}]


def test_a_later_view_moves_what_changed_and_keeps_what_clients_wrote(desk: Desk) -> None:
    id = sid("ticket", 1)
    desk.call("PATCH", f"sobjects/Case/{id}", body={"Lapsed_Cover__c": True})
    told = ticket(1, status="solved", updated_at=NOW, solved_at=NOW, assignee=1)
    told.comments.append(Comment(at=NOW, author=1, is_agent=True, is_public=True, body="Done."))
    told.changes.append(Change(at=NOW, field="status", old="open", new="solved", agent=1))
    desk.vendor.apply(view(tickets=[told], customers=[customer(1, updated_at=NOW)], assets=[], contacts=[]))
    [case] = desk.query(f"SELECT Status, Lapsed_Cover__c, OwnerId, SystemModstamp FROM Case WHERE Id = '{id}'")
    assert (case["Status"], case["Lapsed_Cover__c"]) == ("Solved", True) and case["SystemModstamp"] >= show(NOW)
    assert case["OwnerId"].startswith("005") and case["OwnerId"] != sid("agent", 2)
    assert len(desk.query(f"SELECT Id FROM CaseComment WHERE ParentId = '{id}'")) == 4
    # the customer has no cover any more
    assert desk.query(f"SELECT Id FROM Entitlement WHERE AccountId = '{sid('customer', 1)}'") == []
    [gone] = desk.query(f"SELECT Id, IsDeleted FROM Entitlement WHERE AccountId = '{sid('customer', 1)}'", deleted=True)
    assert gone["IsDeleted"]
    desk.vendor.apply(view(tickets=[told], assets=[], contacts=[]))  # and has it back
    assert len(desk.query(f"SELECT Id FROM Entitlement WHERE AccountId = '{sid('customer', 1)}'")) == 1


# --- the rules of cases ---


def test_a_written_case_is_numbered_tracked_and_closed(desk: Desk) -> None:
    id = desk.create("Case", ContactId=sid("contact", 1), Subject="New", Origin="Web", Comments="Opened by phone")
    [case] = desk.query(f"SELECT CaseNumber, AccountId, Status, Priority, IsClosed, ContactEmail, Comments FROM Case WHERE Id = '{id}'")
    assert case["CaseNumber"].isdigit() and len(case["CaseNumber"]) == 8 and case["Comments"] is None
    assert (case["AccountId"], case["Status"], case["Priority"], case["IsClosed"]) == (sid("customer", 1), "New", "Medium", False)
    assert desk.query(f"SELECT CommentBody, IsPublished FROM CaseComment WHERE ParentId = '{id}'") == [{"CommentBody": "Opened by phone", "IsPublished": False}]
    queue = desk.query("SELECT Id FROM Group WHERE Type = 'Queue'")[0]["Id"]
    assert desk.call("PATCH", f"sobjects/Case/{id}", body={"Status": "Closed", "OwnerId": queue})[0] == 204
    [closed] = desk.query(f"SELECT IsClosed, ClosedDate FROM Case WHERE Id = '{id}'")
    assert closed["IsClosed"] and closed["ClosedDate"] is not None
    steps = [tuple(row.values()) for row in desk.query(f"SELECT Field, DataType, NewValue FROM CaseHistory WHERE CaseId = '{id}' ORDER BY CreatedDate, Id")]
    assert ("created", "Text", None) in steps and ("Status", "DynamicEnum", "Closed") in steps
    assert ("Owner", "Text", "Support") in steps and ("Owner", "EntityId", queue) in steps
    desk.call("PATCH", f"sobjects/Case/{id}", body={"Status": "Working"})
    assert desk.query(f"SELECT IsClosed, ClosedDate FROM Case WHERE Id = '{id}'") == [{"IsClosed": False, "ClosedDate": None}]


def test_a_comment_moves_its_case_and_has_a_limit_in_bytes(desk: Desk) -> None:
    id = sid("ticket", 3)
    before = desk.query(f"SELECT SystemModstamp FROM Case WHERE Id = '{id}'")[0]["SystemModstamp"]
    made = desk.create("CaseComment", ParentId=id, CommentBody="Hello", IsPublished=False)
    assert desk.query(f"SELECT SystemModstamp FROM Case WHERE Id = '{id}'")[0]["SystemModstamp"] > before
    assert desk.query(f"SELECT CreatorName FROM CaseComment WHERE Id = '{made}'") == [{"CreatorName": "Concord Integration"}]
    assert desk.refused("POST", "sobjects/CaseComment", {"ParentId": id, "CommentBody": "ü" * 2_001}) == (400, "STRING_TOO_LONG")
    assert desk.refused("POST", "sobjects/CaseComment", {"CommentBody": "to nobody"}) == (400, "REQUIRED_FIELD_MISSING")
    assert desk.refused("POST", "sobjects/CaseComment", {"ParentId": sid("customer", 1), "CommentBody": "x"}) == (400, "MALFORMED_ID")
    status, content = desk.call("GET", "query", q="SELECT Id FROM CaseComment WHERE CommentBody = 'Hello'")
    assert (status, content[0]["errorCode"]) == (400, "INVALID_FIELD")  # a long text cannot be filtered


@pytest.mark.parametrize(("path", "body", "code"), [
    ("Case", {"OwnerId": sid("customer", 1)}, "MALFORMED_ID"),
    ("Case", {"AccountId": "001000000000000AAA"}, "INVALID_CROSS_REFERENCE_KEY"),
    ("Case", {"CaseNumber": "7"}, "INVALID_FIELD_FOR_INSERT_UPDATE"),
    ("Case", {"Nope__c": 1}, "INVALID_FIELD"),
    ("Case", {"Credit_Hold__c": "yes"}, "JSON_PARSER_ERROR"),
    ("CaseHistory", {"CaseId": sid("ticket", 1)}, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"),
    ("Entitlement", {"Name": "x"}, "REQUIRED_FIELD_MISSING"),
    ("Entitlement", {"Name": "x", "AccountId": sid("customer", 1), "Status": "Active"}, "INVALID_FIELD_FOR_INSERT_UPDATE"),
    ("Asset", {"Name": "x"}, "FIELD_INTEGRITY_EXCEPTION"),
    ("ContractLineItem", {"ServiceContractId": sid("service_contract", 1), "Quantity": 1}, "REQUIRED_FIELD_MISSING"),
])
def test_refused_writes(desk: Desk, path: str, body: dict[str, Any], code: str) -> None:
    assert desk.refused("POST", f"sobjects/{path}", body) == (400, code)


def test_service_contract_lines_total_up(desk: Desk) -> None:
    contract = desk.create("ServiceContract", Name="More", AccountId=sid("customer", 2), StartDate="2026-01-01", Term=12, Tax=3)
    line = {"ServiceContractId": contract, "PricebookEntryId": sid("price", 1), "Quantity": 10, "UnitPrice": 5}
    desk.create("ContractLineItem", **line)
    desk.create("ContractLineItem", **line, Discount=20)
    [held] = desk.query(f"SELECT EndDate, LineItemCount, Subtotal, TotalPrice, Discount, GrandTotal FROM ServiceContract WHERE Id = '{contract}'")
    assert held == {"EndDate": "2026-12-31", "LineItemCount": 2, "Subtotal": 100.0, "TotalPrice": 90.0, "Discount": 10.0, "GrandTotal": 93.0}


def test_orders_go_from_draft_to_active(desk: Desk) -> None:
    book = desk.query("SELECT Id FROM Pricebook2")[0]["Id"]
    order = {"AccountId": sid("customer", 1), "EffectiveDate": "2026-02-01", "Status": "Draft"}
    assert desk.refused("POST", "sobjects/Order", {**order, "Status": "Activated"}) == (400, "FAILED_ACTIVATION")
    bare = desk.create("Order", **order)
    item = {"PricebookEntryId": sid("price", 1), "Quantity": 2, "UnitPrice": 10.5}
    assert desk.refused("POST", "sobjects/OrderItem", {**item, "OrderId": bare}) == (400, "FIELD_INTEGRITY_EXCEPTION")
    id = desk.create("Order", **order, Pricebook2Id=book)
    assert desk.refused("PATCH", f"sobjects/Order/{id}", {"Status": "Activated"}) == (400, "FAILED_ACTIVATION")
    desk.create("OrderItem", **item, OrderId=id)
    assert desk.query(f"SELECT TotalAmount, StatusCode FROM Order WHERE Id = '{id}'") == [{"TotalAmount": 21.0, "StatusCode": "Draft"}]
    assert desk.call("PATCH", f"sobjects/Order/{id}", body={"Status": "Activated"})[0] == 204
    assert desk.refused("PATCH", f"sobjects/Order/{id}", {"EffectiveDate": "2026-03-01"}) == (400, "FIELD_INTEGRITY_EXCEPTION")
    assert desk.refused("POST", "sobjects/OrderItem", {**item, "OrderId": id}) == (400, "FIELD_INTEGRITY_EXCEPTION")


def test_deleting_a_case_takes_its_parts_along(desk: Desk) -> None:
    assert desk.call("DELETE", f"sobjects/Case/{sid('ticket', 1)}")[0] == 204
    for name, column in (("CaseComment", "ParentId"), ("CaseHistory", "CaseId"), ("CaseMilestone", "CaseId"), ("EmailMessage", "ParentId")):
        assert desk.query(f"SELECT Id FROM {name} WHERE {column} = '{sid('ticket', 1)}'") == []
        assert all(row["IsDeleted"] for row in desk.query(f"SELECT IsDeleted FROM {name} WHERE {column} = '{sid('ticket', 1)}'", deleted=True))


# --- logins, trees, graphs, descriptions ---


def test_a_signed_assertion_logs_in() -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    desk = opened(public_key=key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode())
    claims: dict[str, Any] = {
        "iss": SECRETS["client_id"], "sub": "integration@concord.example.service", "aud": "https://login.salesforce.com",
        "exp": int(desk.clock.now().timestamp()) + 120}

    def ask(**changes: Any) -> tuple[int, Any]:
        return desk.login(grant_type="urn:ietf:params:oauth:grant-type:jwt-bearer", assertion=jwt.encode({**claims, **changes}, private, "RS256"))

    status, content = ask()
    assert status == 200 and not {"signature", "issued_at", "expires_in"} & content.keys()
    desk.token = content["access_token"]
    assert desk.call("GET", "limits")[0] == 200
    for changes, error in (
        ({"exp": claims["exp"] + 600}, "invalid_grant"), ({"exp": claims["exp"] - 600}, "invalid_grant"), ({"aud": "https://elsewhere.example"}, "invalid_grant"),
        ({"sub": "nobody"}, "invalid_grant"), ({"iss": "other"}, "invalid_client_id")):
        assert (ask(**changes)[0], ask(**changes)[1]["error"]) == (400, error)
    assert opened().login(grant_type="urn:ietf:params:oauth:grant-type:jwt-bearer", assertion=jwt.encode(claims, private, "RS256"))[0] == 400
    assert desk.login(grant_type="refresh_token", refresh_token="x", **SECRETS)[1]["error"] == "invalid_grant"
    assert desk.login(grant_type="client_credentials", client_id="concord-salesforce", client_secret="salesforce-sandbox-secret")[0] == 400


def test_a_tree_is_made_whole_or_not_at_all(desk: Desk) -> None:
    record = {
        "attributes": {"type": "Account", "referenceId": "a"}, "Name": "Tree Ltd",
        "Contacts": {"records": [{"attributes": {"type": "Contact", "referenceId": "c"}, "LastName": "Leaf"}]}}
    status, content = desk.call("POST", "composite/tree/Account", body={"records": [record]})
    assert (status, content["hasErrors"], [item["referenceId"] for item in content["results"]]) == (201, False, ["a", "c"])
    assert desk.query(f"SELECT Account.Name FROM Contact WHERE Id = '{content['results'][1]['id']}'")[0]["Account"]["Name"] == "Tree Ltd"
    bad = replace_last_name(record)
    status, content = desk.call("POST", "composite/tree/Account", body={"records": [bad]})
    assert (status, content["results"][0]["referenceId"], content["results"][0]["errors"][0]["statusCode"]) == (400, "c", "REQUIRED_FIELD_MISSING")
    assert desk.query("SELECT Id FROM Account WHERE Name = 'Bush Ltd'") == []


def replace_last_name(record: dict[str, Any]) -> dict[str, Any]:
    return {**record, "Name": "Bush Ltd", "Contacts": {"records": [{"attributes": {"type": "Contact", "referenceId": "c"}, "FirstName": "x"}]}}


def test_graphs_stand_and_fall_alone(desk: Desk) -> None:
    def graph(name: str, last: dict[str, Any]) -> dict[str, Any]:
        return {"graphId": name, "compositeRequest": [
            {"method": "POST", "url": f"{DATA}/sobjects/Account", "referenceId": "a", "body": {"Name": name}},
            {"method": "POST", "url": f"{DATA}/sobjects/Case", "referenceId": "b", "body": {"AccountId": "@{a.id}", **last}}]}

    status, content = desk.call("POST", "composite/graph", body={"graphs": [graph("good", {"Subject": "x"}), graph("bad", {"Nope": 1})]})
    assert (status, [one["isSuccessful"] for one in content["graphs"]]) == (200, [True, False])
    assert [row["Name"] for row in desk.query("SELECT Name FROM Account WHERE Name IN ('good', 'bad')")] == ["good"]
    assert [part["httpStatusCode"] for part in content["graphs"][1]["graphResponse"]["compositeResponse"]] == [400, 400]


def test_descriptions_are_dated_and_name_every_target(desk: Desk) -> None:
    status, content = desk.call("GET", "sobjects/Case/describe")
    fields = {field["name"]: field for field in content["fields"]}
    assert status == 200 and fields["OwnerId"]["referenceTo"] == ["User", "Group"] and fields["Status"]["defaultValue"] == "New"
    assert [entry["value"] for entry in fields["Priority"]["picklistValues"]] == ["Critical", "High", "Medium", "Low"]
    assert not fields["CaseNumber"]["updateable"] and fields["Comments"]["createable"]
    assert {child["relationshipName"] for child in content["childRelationships"]} >= {"CaseComments", "Histories", "EmailMessages", "CaseMilestones"}
    assert desk.call("GET", "sobjects/Case/describe", headers={"if-modified-since": "Fri, 01 Jan 2100 00:00:00 GMT"})[0] == 304
    history = desk.call("GET", "sobjects/CaseHistory/describe")[1]
    assert "SystemModstamp" not in {field["name"] for field in history["fields"]} and not history["updateable"]


def test_histories_go_through_bulk_too(desk: Desk) -> None:
    job = desk.call("POST", "jobs/query", body={"operation": "queryAll", "query": "SELECT Id, Field, NewValue, CreatedDate FROM CaseHistory"})[1]
    for _ in range(3):
        state = desk.call("GET", f"jobs/query/{job['id']}")[1]["state"]
    assert state == "JobComplete"
    rows = list(csv.DictReader(io.StringIO(desk.call("GET", f"jobs/query/{job['id']}/results", headers={"accept": "text/csv"})[1].decode())))
    assert {row["Field"] for row in rows} >= {"created", "Status", "Owner", "Credit_Hold__c"}
    assert {row["NewValue"] for row in rows if row["Field"] == "Credit_Hold__c"} == {"true"}


# --- the shapes of the samples ---



def _sampled() -> list[tuple[str, dict[str, Any]]]:
    found: list[tuple[str, dict[str, Any]]] = []
    for name in ("query_case_bundle", "query_contract_order_asset_entitlement"):
        file = SAMPLES / f"{name}.json"
        if file.exists():
            found += [(kind, content["records"][0]) for kind, content in json.loads(file.read_text()).items()]
    for name in ("query_account_page1", "query_contact", "query_opportunity_with_lines"):
        file = SAMPLES / f"{name}.json"
        if file.exists():
            record = json.loads(file.read_text())["records"][0]
            found.append((record["attributes"]["type"], record))
            found += [("OpportunityLineItem", line) for line in (record.get("OpportunityLineItems") or {}).get("records", [])[:1]]
    return found


@pytest.mark.skipif(not SAMPLES.exists(), reason="no samples beside the project")
@pytest.mark.parametrize(("kind", "sample"), _sampled(), ids=[kind for kind, _ in _sampled()])
def test_every_field_of_a_sample_is_ours_with_its_type(desk: Desk, kind: str, sample: dict[str, Any]) -> None:
    described = {field["name"]: field["type"] for field in desk.call("GET", f"sobjects/{kind}/describe")[1]["fields"]}
    json_types: dict[str, Any] = {
        "boolean": bool, "int": int, "double": (int, float), "currency": (int, float), "percent": (int, float), "address": dict}
    for name, value in sample.items():
        if name == "attributes" or isinstance(value, dict) and name not in described:  # parents and children have answers of their own
            continue
        assert name in described, f"{kind}.{name}"
        if value is not None:
            assert isinstance(value, json_types.get(described[name], str)), (kind, name, described[name], value)
    rows = desk.query(f"SELECT {', '.join(name for name in sample if name in described)} FROM {kind} LIMIT 5")
    for name, value in sample.items():
        shown = [row[name] for row in rows if name in described and row[name] is not None]
        if value is not None and not isinstance(value, dict) and shown:
            assert all(isinstance(one, (int, float) if isinstance(value, float) else type(value)) for one in shown), (kind, name, shown)


def _differs(sample: Any, ours: Any, path: str = "") -> Iterator[str]:
    """Where our answer lacks a field of the sample or has another JSON type; null fits everything."""
    if sample is None or ours is None:
        return
    if {type(sample), type(ours)} != {int, float} and type(sample) is not type(ours):
        yield f"{path}: {type(ours).__name__}"
        return
    if isinstance(sample, dict):
        yield from (f"{path}.{name} is missing" for name in sample if name not in ours)
        for name in sample.keys() & ours.keys():
            yield from _differs(sample[name], ours[name], f"{path}.{name}")
    elif isinstance(sample, list) and sample and ours:
        yield from _differs(sample[0], ours[0], f"{path}[]")


@pytest.mark.skipif(not SAMPLES.exists(), reason="no samples beside the project")
def test_answers_have_the_fields_of_the_samples(desk: Desk) -> None:
    def sample(name: str) -> Any:
        return json.loads((SAMPLES / f"{name}.json").read_text())

    login = desk.login(grant_type="client_credentials", **SECRETS)[1]
    assert list(_differs(sample("token_client_credentials"), login)) == []
    job = desk.call("POST", "jobs/query", body={"operation": "query", "query": "SELECT Id FROM Account"})[1]
    assert list(_differs(sample("bulk2_query_job")["created"], job)) == []
    for _ in range(3):
        job = desk.call("GET", f"jobs/query/{job['id']}")[1]
    assert job["state"] == "JobComplete" and list(_differs(sample("bulk2_query_job")["complete"], job)) == []
    window: dict[str, Any] = {"start": (NOW - timedelta(days=10)).isoformat(), "end": NOW.isoformat()}
    assert list(_differs(sample("getDeleted_account"), desk.call("GET", "sobjects/Case/deleted", **window)[1])) == []
    assert list(_differs(sample("getUpdated_account"), desk.call("GET", "sobjects/Case/updated", **window)[1])) == []
    described = desk.call("GET", "sobjects/Account/describe")[1]
    trimmed = sample("describe_account_trimmed")
    fields = {field["name"]: field for field in described["fields"]}
    assert list(_differs({key: value for key, value in trimmed.items() if key != "fields"}, described)) == []
    for field in trimmed["fields"]:
        ours = fields[field["name"]]
        assert list(_differs(field, ours)) == [], field["name"]
        assert (field["type"], field["custom"]) == (ours["type"], ours["custom"]), field["name"]


# reasons why a field of the recorded answers is not ours: placeholders of the wrong type, addresses of pages in the user interface
NOT_OURS = ("externalId: bool", "picklistValues", "referenceTo", "junction", "urls.ui")


@pytest.mark.skipif(not SAMPLES.exists(), reason="no samples beside the project")
def test_descriptions_and_jobs_have_the_recorded_fields(desk: Desk) -> None:
    recorded = {(entry["method"], entry["path"]): entry for entry in json.loads((SAMPLES.parent / "recorded_platform_v64.json").read_text())}

    def body(method: str, path: str) -> Any:
        return next(answer["body"] for answer in recorded[method, f"/services/data/v64.0/{path}"]["responses"] if answer["body"])

    found = list(_differs(body("GET", "sobjects/{SOBJECT_API_NAME}/describe"), desk.call("GET", "sobjects/Account/describe")[1]))
    assert [one for one in found if not any(reason in one for reason in NOT_OURS)] == []
    job = desk.call("POST", "jobs/query", body={"operation": "query", "query": "SELECT Id FROM Account"})[1]
    for _ in range(3):
        told = desk.call("GET", f"jobs/query/{job['id']}")[1]
    assert list(_differs(body("GET", "jobs/query/{jobId}"), told)) == []
    assert list(_differs(body("GET", "jobs/query/{jobId}/resultPages"), desk.call("GET", f"jobs/query/{job['id']}/resultPages")[1])) == []
    made = desk.call("POST", "jobs/ingest", body={"object": "Account", "operation": "update"})[1]
    assert list(_differs(body("POST", "jobs/ingest"), made)) == []
    assert list(_differs(body("GET", "jobs/ingest/{jobId}"), desk.call("GET", f"jobs/ingest/{made['id']}")[1])) == []
    assert list(_differs(body("GET", "queryAll"), desk.call("GET", "queryAll", q="SELECT Id, Name FROM Account")[1])) == []
    assert list(_differs(body("GET", "limits/recordCount"), desk.call("GET", "limits/recordCount", sObjects="Case")[1])) == []


def test_errors_have_the_sampled_form(desk: Desk) -> None:
    anonymous = replace(desk, token="nobody")
    assert anonymous.call("GET", "limits") == (401, [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}])
    assert desk.call("GET", "sobjects/Nothing__c") == (404, [{"errorCode": "NOT_FOUND", "message": "The requested resource does not exist"}])
    status, content = desk.call("POST", "sobjects/Account", body={})
    assert (status, content) == (400, [{"message": "Required fields are missing: [Name]", "errorCode": "REQUIRED_FIELD_MISSING", "fields": ["Name"]}])
