"""The ServiceNow stand-in over HTTP: logins, encoded queries, display modes, paging, writes, batches, import sets, limits."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import requests

from concord.settings import PROJECT
from sandbox.protocol import Clock, Store
from sandbox.servicenow.api import ServiceNow, create
from sandbox.servicenow.ids import native_id
from sandbox.world.model import Agent, Asset, Change, Comment, Contact, Customer, Product, Ticket, View
from tests.sandbox.served import served as served_alone

NOW = datetime.now(UTC).replace(microsecond=0)
SPECS = PROJECT.parent / "shared" / "specs" / "servicenow" / "samples"
USER = ("concord.integration", "servicenow-sandbox-password")


def ago(**step: float) -> datetime:
    return NOW - timedelta(**step)


def customer(key: int, **changes: Any) -> Customer:
    values: dict[str, Any] = {
        "key": key, "created_at": ago(days=400), "updated_at": ago(days=10) + timedelta(hours=key), "name": f"Northwind {key}",
        "domain": f"northwind{key}.example", "tax_id": f"DE{key:09d}", "email": "", "phone": "+49 40 1", "street": "Kai 1",
        "city": "Hamburg", "region": "", "postcode": "20457", "country": "DE", "currency": "EUR", "erp_customer": key,
        "balance": Decimal("1250.75"), "credit_hold": key == 2, "entitlement_tier": "standard" if key == 1 else "",
        "entitlement_start": date(2026, 1, 1) if key == 1 else None, "entitlement_end": (NOW + timedelta(days=90)).date() if key == 1 else None,
    }
    return Customer(**{**values, **changes})


def ticket(key: int, **changes: Any) -> Ticket:
    opened = ago(days=5) + timedelta(minutes=key)
    values: dict[str, Any] = {
        "key": key, "created_at": opened, "updated_at": opened + timedelta(hours=2), "actor": "user:1", "customer": 1, "contact": 1,
        "assignee": 1, "subject": f"Pump {key} stopped", "type": "incident", "priority": "high", "status": "open",
        "order_number": f"SO{key}", "tags": ["incident", "concord_credit_hold"] if key == 2 else ["incident"],
        "comments": [
            Comment(at=opened, author=1, is_agent=False, is_public=True, body="It stopped this morning."),
            Comment(at=opened + timedelta(hours=1), author=1, is_agent=True, is_public=False, body="Check the fuse."),
            Comment(at=opened + timedelta(hours=2), author=1, is_agent=True, is_public=True, body="A technician comes today."),
        ],
        "changes": [Change(at=opened + timedelta(hours=1), field="status", old="new", new="open", agent=1)],
    }
    return Ticket(**{**values, **changes})


def peers(role: str, entity: str, key: int, customer: int) -> str:
    return f"{role.upper()}-{entity}-{key}"


def world(**parts: Any) -> View:
    values: dict[str, Any] = {
        "customers": [customer(1), customer(2, parent=1), customer(3, erp_customer=None)],
        "contacts": [Contact(key=1, created_at=ago(days=300), updated_at=ago(days=30), customer=1, first_name="Ada", last_name="Meyer",
                             email="ada@northwind1.example", phone="+49 40 2", title="Buyer")],
        "agents": [Agent(key=1, created_at=ago(days=500), updated_at=ago(days=500), name="Sam Agent", email="sam@concord.example")],
        "products": [Product(key=1, created_at=ago(days=500), updated_at=ago(days=500), sku="PUMP-1", name="Pump", description="A pump",
                             unit_price=Decimal("99.90"), currency="EUR", is_recurring=False)],
        "assets": [Asset(key=1, created_at=ago(days=100), updated_at=ago(days=100), customer=1, product=1, name="Pump in hall 3",
                         serial_number="SN-1", status="installed", installed_on=date(2026, 1, 5), cover_end=date(2028, 1, 5))],
        "tickets": [ticket(key) for key in (1, 2)],
    }
    return View(system="servicenow", as_of=NOW, role="support", peers=peers, **{**values, **parts})


class Desk:
    """A served instance and a client of it."""

    def __init__(self, url: str, vendor: ServiceNow, clock: Clock) -> None:
        self.url, self.vendor, self.clock = url, vendor, clock
        self.session = requests.Session()
        self.session.auth = USER
        self.session.headers["Accept"] = "application/json"

    def call(self, method: str, path: str, **how: Any) -> requests.Response:
        return self.session.request(method, path if path.startswith("http") else f"{self.url}/api/{path}", timeout=10, **how)

    def get(self, path: str, status: int = 200, **params: Any) -> Any:
        answer = self.call("GET", path, params=params)
        assert answer.status_code == status, answer.text
        return answer.json()

    def rows(self, table: str, query: str = "", **params: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.get(f"now/table/{table}", sysparm_query=query, **params)["result"]
        return found

    def send(self, method: str, path: str, body: Any, status: int, **params: Any) -> Any:
        answer = self.call(method, path, json=body, params=params)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None


class Served:
    """Serves instances over HTTP until the test ends."""

    def __init__(self) -> None:
        self._open = ExitStack()

    def __call__(self, view: View | None = None, log: Path | None = None, **settings: Any) -> Desk:
        clock, store = Clock(), Store(log)
        vendor = create(store, clock, **settings)
        vendor.load(view or world())
        store.open_log()
        return Desk(self._open.enter_context(served_alone(vendor.handle, clock)), vendor, clock)

    def close(self) -> None:
        self._open.close()


@pytest.fixture
def served() -> Iterator[Served]:
    made = Served()
    yield made
    made.close()


@pytest.fixture
def desk(served: Served) -> Desk:
    return served()


def case_id(key: int) -> str:
    return native_id("ticket", key)


def account_id(key: int) -> str:
    return native_id("customer", key)


# Logins


def test_wrong_or_no_credentials_are_refused(desk: Desk) -> None:
    for auth in (None, ("concord.integration", "x"), ("eve", USER[1])):
        answer = requests.get(f"{desk.url}/api/now/table/incident", auth=auth, timeout=10)
        assert answer.status_code == 401 and answer.headers["WWW-Authenticate"] == 'BASIC realm="Service-now"'
        assert answer.json() == {
            "error": {"message": "User Not Authenticated", "detail": "Required to provide Auth information"}, "status": "failure"}


def token(desk: Desk, status: int = 200, **form: str) -> dict[str, Any]:
    client = {"client_id": "concord-servicenow", "client_secret": "servicenow-sandbox-secret"}
    answer = requests.post(f"{desk.url}/oauth_token.do", data=client | form, timeout=10)
    assert answer.status_code == status, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_a_token_is_the_same_until_it_ends_and_counts_down(desk: Desk) -> None:
    first = token(desk, grant_type="password", username=USER[0], password=USER[1])
    assert (first["token_type"], first["scope"], first["expires_in"]) == ("Bearer", "useraccount", 1799)
    desk.clock.advance(timedelta(seconds=600))
    again = token(desk, grant_type="refresh_token", refresh_token=first["refresh_token"])
    assert again["access_token"] == first["access_token"] and 1190 <= again["expires_in"] <= 1199
    bearer = {"Authorization": f"Bearer {first['access_token']}"}
    url = f"{desk.url}/api/now/table/sn_customerservice_case"
    assert requests.get(url, headers=bearer, timeout=10).status_code == 200
    desk.clock.advance(timedelta(seconds=1300))
    assert requests.get(url, headers=bearer, timeout=10).status_code == 401
    fresh = token(desk, grant_type="client_credentials")
    assert fresh["access_token"] != first["access_token"] and "refresh_token" not in fresh
    desk.vendor.expire_tokens()
    assert requests.get(url, headers={"Authorization": f"Bearer {fresh['access_token']}"}, timeout=10).status_code == 401


def test_tokens_take_forms_only_and_the_right_secrets(desk: Desk) -> None:
    assert token(desk, 401, grant_type="password", username=USER[0], password="x") == {
        "error_description": "access_denied", "error": "server_error"}
    assert token(desk, 401, grant_type="client_credentials", client_secret="x")["error"] == "invalid_client"
    body = {"grant_type": "client_credentials", "client_id": "concord-servicenow", "client_secret": "servicenow-sandbox-secret"}
    assert requests.post(f"{desk.url}/oauth_token.do", json=body, timeout=10).status_code == 401


# What records hold


def test_an_account_names_its_peers_and_what_others_own(desk: Desk) -> None:
    plain = {row["sys_id"]: row for row in desk.rows("customer_account", sysparm_exclude_reference_link="true")}
    one, two, three = (plain[account_id(key)] for key in (1, 2, 3))
    assert (one["u_erp_customer_id"], one["u_crm_account_id"]) == ("ERP-customer-1", "CRM-customer-1")
    assert (three["u_erp_customer_id"], three["u_crm_account_id"]) == ("", "")
    assert (one["u_credit_status"], two["u_credit_status"], one["u_erp_balance"], one["u_overdue_days"]) == ("ok", "hold", "1250.75", "0")
    assert (one["u_entitlement_tier"], one["u_entitlement_start"], two["u_entitlement_tier"]) == ("standard", "2026-01-01", "")
    assert two["account_parent"] == one["sys_id"] == two["parent"] and two["account_path"] == "~~~~1/~~~~2"
    assert (one["number"], one["customer"], one["zip"], one["primary_contact"]) == ("ACCT0000001", "true", "20457", native_id("contact", 1))
    assert all(isinstance(value, str) for row in plain.values() for value in row.values())
    assert re.fullmatch(r"[0-9a-f]{32}", one["sys_id"])


def test_a_case_carries_codes_and_its_journal_and_audit_stand_beside_it(desk: Desk) -> None:
    case = desk.get(f"now/table/sn_customerservice_case/{case_id(2)}", sysparm_exclude_reference_link="true")["result"]
    assert (case["state"], case["priority"], case["category"], case["u_order_number"]) == ("10", "2", "1", "SO2")
    assert (case["u_credit_hold"], case["u_lapsed_cover"], case["active"], case["comments"]) == ("true", "false", "true", "")
    assert case["entitlement"] == native_id("entitlement", 1) and case["sys_updated_by"] == "sam"
    journal = desk.rows("sys_journal_field", f"element_id={case_id(2)}^ORDERBYsys_created_on")
    assert [(entry["element"], entry["value"], entry["sys_created_by"]) for entry in journal] == [
        ("work_notes", "Check the fuse.", "sam"), ("comments", "A technician comes today.", "sam")]
    [change] = desk.rows("sys_audit", f"documentkey={case_id(2)}")
    assert (change["fieldname"], change["oldvalue"], change["newvalue"]) == ("state", "1", "10")


def test_unknown_status_words_pass_through(served: Served) -> None:
    desk = served(world(tickets=[ticket(1, status="escalated", priority="blocker")]))
    [case] = desk.rows("sn_customerservice_case")
    assert (case["state"], case["priority"]) == ("escalated", "blocker")


def test_cover_assets_and_products_are_linked(desk: Desk) -> None:
    [entitlement] = desk.rows("service_entitlement", sysparm_exclude_reference_link="true")
    assert (entitlement["state"], entitlement["account"], entitlement["u_tier"]) == ("active", account_id(1), "standard")
    [line] = desk.rows("sn_pss_core_service_contract_line", f"contract={entitlement['contract']}", sysparm_exclude_reference_link="true")
    assert line["sys_id"] == entitlement["service_contract_line"]
    [asset] = desk.rows("alm_asset", sysparm_exclude_reference_link="true")
    [model] = desk.rows("cmdb_model", f"sys_id={asset['model']}")
    assert (asset["install_status"], asset["warranty_expiration"], model["model_number"]) == ("1", "2028-01-05", "PUMP-1")
    [covered] = desk.rows("sn_install_base_m2m_contract_sold_product", f"entitlement={entitlement['sys_id']}")
    assert covered["sold_product"]["value"] == native_id("sold_product", 1)
    slas = desk.rows("task_sla", f"task={case_id(1)}", sysparm_exclude_reference_link="true")
    assert [(sla["stage"], sla["has_breached"]) for sla in slas] == [("in_progress", "false")]


def test_a_customer_who_lost_the_cover_loses_the_entitlement(desk: Desk) -> None:
    desk.vendor.apply(world(customers=[customer(1, entitlement_tier="", entitlement_start=None, entitlement_end=None, updated_at=NOW)]))
    assert desk.rows("service_entitlement") == []
    deleted = desk.rows("sys_audit_delete", "tablename=service_entitlement")
    assert [row["documentkey"] for row in deleted] == [native_id("entitlement", 1)]


def test_tables_that_extend_another_are_found_under_it(desk: Desk) -> None:
    users = {row["sys_id"]: row["sys_class_name"] for row in desk.rows("sys_user")}
    assert users[native_id("contact", 1)] == "customer_contact" and users[native_id("agent", 1)] == "sys_user"
    assert {row["sys_id"] for row in desk.rows("customer_contact")} == {native_id("contact", 1)}
    assert {row["sys_class_name"] for row in desk.rows("core_company")} == {"customer_account"}
    assert {row["sys_class_name"] for row in desk.rows("task")} == {"sn_customerservice_case"}
    assert "account" not in desk.get(f"now/table/sys_user/{native_id('contact', 1)}")["result"]


# Display modes


def test_references_in_all_modes(desk: Desk) -> None:
    path, link = f"now/table/sn_customerservice_case/{case_id(1)}", f"{desk.url}/api/now/table/customer_account/{account_id(1)}"

    def shown(mode: str, exclude: str) -> Any:
        result = desk.get(path, sysparm_display_value=mode, sysparm_exclude_reference_link=exclude, sysparm_fields="account,state,asset")["result"]
        return result["account"], result["state"], result["asset"]

    assert shown("false", "false") == ({"link": link, "value": account_id(1)}, "10", "")
    assert shown("false", "true") == (account_id(1), "10", "")
    assert shown("true", "false") == ({"display_value": "Northwind 1", "link": link}, "Open", "")
    assert shown("true", "true") == ("Northwind 1", "Open", "")
    empty, state = {"display_value": "", "value": ""}, {"display_value": "Open", "value": "10"}
    assert shown("all", "false") == ({"display_value": "Northwind 1", "link": link, "value": account_id(1)}, state, empty)
    assert shown("all", "true") == ({"display_value": "Northwind 1", "value": account_id(1)}, state, empty)


def test_display_values_are_in_the_users_zone_and_journals_one_text(served: Served) -> None:
    desk = served(user_time_zone="America/Los_Angeles")
    result = desk.get(f"now/table/sn_customerservice_case/{case_id(1)}", sysparm_display_value="all", sysparm_fields="opened_at,work_notes")["result"]
    raw, shown = (datetime.fromisoformat(result["opened_at"][kind]) for kind in ("value", "display_value"))
    assert raw - shown in (timedelta(hours=7), timedelta(hours=8))
    assert result["work_notes"]["value"] == "" and "Sam Agent (Work notes)\nCheck the fuse." in result["work_notes"]["display_value"]


def test_only_known_fields_and_paths_are_shown(desk: Desk) -> None:
    fields = "number,account.name,account.primary_contact.email,nope,account.nope"
    result = desk.get(f"now/table/sn_customerservice_case/{case_id(1)}", sysparm_fields=fields)["result"]
    assert result == {"number": "CS0000001", "account.name": "Northwind 1", "account.primary_contact.email": "ada@northwind1.example"}


# Queries


@pytest.mark.parametrize(("query", "found"), [
    ("u_credit_status=hold", {2}), ("u_credit_status!=hold", {1, 3}), ("u_credit_statusINok,none", {1, 3}), ("u_credit_statusNOT INok", {2}),
    ("nameLIKEwind 2", {2}), ("nameNOT LIKEwind 2", {1, 3}), ("nameSTARTSWITHNorth", {1, 2, 3}), ("nameENDSWITH3", {3}),
    ("u_erp_customer_idISEMPTY", {3}), ("u_erp_customer_idISNOTEMPTY", {1, 2}), ("u_erp_balance>1000^u_credit_status=hold", {2}),
    ("u_erp_balance<1000", set()), ("u_erp_balanceBETWEEN1000@2000", {1, 2, 3}), ("numberBETWEENACCT0000002@ACCT0000003", {2, 3}),
    ("name=Northwind 1^ORname=Northwind 3", {1, 3}), ("name=Northwind 1^NQname=Northwind 3", {1, 3}),
    ("u_credit_status=ok^name=Northwind 1^NQname=Northwind 2", {1, 2}), ("account_parent.name=Northwind 1", {2}),
    ("account_parentSTARTSWITHNorth", {2}), ("account_parentSAMEASparent^account_parentISNOTEMPTY", {2}), ("nope=1", {1, 2, 3}),
    ("nope=1^u_credit_status=hold", {2}), ("sys_created_on<=javascript:gs.daysAgoStart(1)", {1, 2, 3}),
    ("sys_created_on>javascript:gs.dateGenerate('2020-01-01','00:00:00')", {1, 2, 3}), ("sys_created_on>javascript:gs.unknown()", {1, 2, 3}),
    ("u_erp_balance=1250.750", {1, 2, 3}), ("nameANYTHING", {1, 2, 3}), ("name=a^^b", set()),
])
def test_encoded_queries(desk: Desk, query: str, found: set[int]) -> None:
    keys = {account_id(key): key for key in (1, 2, 3)}
    assert {keys[row["sys_id"]] for row in desk.rows("customer_account", query, sysparm_fields="sys_id")} == found
    assert desk.get("now/stats/customer_account", sysparm_count="true", sysparm_query=query)["result"]["stats"]["count"] == str(len(found))


def test_an_invalid_query_finds_nothing_where_the_property_says_so(served: Served) -> None:
    desk = served(invalid_query_returns_no_rows=True)
    assert desk.rows("customer_account", "nope=1") == [] and len(desk.rows("customer_account", "customer=true")) == 3


def test_pairs_of_name_and_value_take_labels(desk: Desk) -> None:
    assert len(desk.get("now/table/sn_customerservice_case", state="Open")["result"]) == 2
    assert desk.get("now/table/sn_customerservice_case", state="closed")["result"] == []
    assert len(desk.get("now/table/sn_customerservice_case", assigned_to="sam", active="true")["result"]) == 2
    assert len(desk.get("now/table/sn_customerservice_case", account="Northwind 1", sysparm_view="False")["result"]) == 2


def test_date_literals_are_in_the_users_zone(served: Served) -> None:
    desk = served(user_time_zone="America/Los_Angeles")
    [stamp] = [row["sys_updated_on"] for row in desk.rows("customer_account", "name=Northwind 1")]
    assert desk.rows("customer_account", f"sys_updated_on={stamp}") == []
    assert len(served().rows("customer_account", f"sys_updated_on={stamp}")) == 1


def test_ties_are_paged_by_keyset_without_loss_or_double(served: Served) -> None:
    moments = [ago(days=1), ago(hours=2)]
    desk = served(world(tickets=[ticket(key, updated_at=moments[key % 2]) for key in range(1, 41)]))
    order, last = "ORDERBYsys_updated_on^ORDERBYsys_id", None
    seen: list[tuple[str, str]] = []
    while True:
        query = order if last is None else f"sys_updated_on>{last[0]}^NQsys_updated_on={last[0]}^sys_id>{last[1]}^{order}"
        answer = desk.call("GET", "now/table/sn_customerservice_case", params={"sysparm_query": query, "sysparm_limit": 7})
        rows = answer.json()["result"]
        assert int(answer.headers["X-Total-Count"]) == 40 - len(seen)
        seen += [(row["sys_updated_on"], row["sys_id"]) for row in rows]
        last = seen[-1]
        if 'rel="next"' not in answer.headers["Link"]:
            break
    assert len(seen) == len(set(seen)) == 40 and seen == sorted(seen)


def test_keyset_with_a_base_filter_and_orders_downwards(served: Served) -> None:
    desk = served(world(tickets=[ticket(key, status="open" if key % 3 else "closed") for key in range(1, 31)]))
    ids = sorted(case_id(key) for key in range(1, 31) if key % 3)
    found = [row["sys_id"] for row in desk.rows("sn_customerservice_case", f"active=true^sys_id>{ids[4]}^ORDERBYsys_id")]
    assert found == ids[5:]
    numbers = [row["number"] for row in desk.rows("sn_customerservice_case", "ORDERBYDESCnumber", sysparm_limit="3")]
    assert numbers == ["CS0000030", "CS0000029", "CS0000028"]
    states = [row["state"] for row in desk.rows("sn_customerservice_case", "ORDERBYstate^ORDERBYnumber")]
    assert states == ["3"] * 10 + ["10"] * 20


# Paging


def test_counts_and_links(desk: Desk) -> None:
    answer = desk.call("GET", "now/table/customer_account", params={"sysparm_limit": 2, "sysparm_query": "customer=true^ORDERBYnumber"})
    assert answer.headers["X-Total-Count"] == "3" and answer.headers["Content-Type"] == "application/json;charset=UTF-8"
    links = {relation: url for url, relation in re.findall(r'<([^>]*)>;rel="(\w+)"', answer.headers["Link"])}
    assert set(links) == {"next", "first", "last"}
    following = desk.call("GET", links["next"])
    assert [row["number"] for row in following.json()["result"]] == ["ACCT0000003"]
    assert {relation for _, relation in re.findall(r'<([^>]*)>;rel="(\w+)"', following.headers["Link"])} == {"prev", "first", "last"}
    bare = desk.call("GET", "now/table/customer_account", params={"sysparm_no_count": "true", "sysparm_suppress_pagination_header": "true"})
    assert "X-Total-Count" not in bare.headers and "Link" not in bare.headers and len(bare.json()["result"]) == 3
    assert desk.get("now/table/customer_account", 400, sysparm_offset="-1")["status"] == "failure"


def test_an_empty_list_is_an_error_in_version_one_only(desk: Desk) -> None:
    assert desk.get("now/table/incident") == {"result": []} == desk.get("now/v2/table/incident")
    assert desk.get("now/v1/table/incident", 404)["error"]["message"] == "No Record found"
    assert len(desk.get("now/v1/table/customer_account")["result"]) == 3


def test_rights_cut_rows_after_the_limit(served: Served) -> None:
    desk = served(world(customers=[customer(key, hidden=key in (1, 2)) for key in (1, 2, 3, 4)]))
    first = desk.call("GET", "now/table/customer_account", params={"sysparm_query": "ORDERBYnumber", "sysparm_limit": 2})
    assert first.json() == {"result": []} and first.headers["X-Total-Count"] == "4" and 'rel="next"' in first.headers["Link"]
    assert len(desk.rows("customer_account", "ORDERBYnumber")) == 2
    assert desk.get("now/stats/customer_account", sysparm_count="true")["result"]["stats"]["count"] == "4"
    assert desk.get(f"now/table/customer_account/{account_id(1)}")["result"]["name"] == "Northwind 1"
    cut = served(hidden_tables=("sys_user",))
    assert cut.rows("customer_contact") == [] and cut.get(f"now/table/sys_user/{native_id('agent', 1)}", 404)


def test_a_cancelled_transaction_answers_200_with_an_error(served: Served) -> None:
    answer = served(transaction_rows=2).get("now/table/customer_account")
    assert len(answer["result"]) == 2 and answer["status"] == "failure"
    assert answer["error"]["message"] == "Transaction cancelled: maximum execution time exceeded"


# Errors


def test_refusals(desk: Desk) -> None:
    assert desk.get("now/table/foo", 400) == {"error": {"message": "Invalid table foo", "detail": None}, "status": "failure"}
    assert desk.get(f"now/table/customer_account/{'0' * 32}", 404) == {
        "error": {"message": "No Record found", "detail": "Record doesn't exist or ACL restricts the record retrieval"}, "status": "failure"}
    assert desk.get("now/nothing/here", 404)["error"]["message"] == "Requested URI does not represent any resource"
    assert desk.call("DELETE", "now/table/customer_account").status_code == 405
    assert desk.call("GET", "now/table/incident", headers={"Accept": "image/png"}).status_code == 406
    path = "now/table/sn_customerservice_case"
    assert desk.call("POST", path, data="x=1", headers={"Content-Type": "application/x-www-form-urlencoded"}).status_code == 415
    answer = desk.call("POST", path, data="{", headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["error"]["message"]) == (400, "Exception while reading request")
    for table in ("sys_audit", "sys_journal_field", "sys_choice"):
        assert desk.send("POST", f"now/table/{table}", {"name": "x"}, 403)["error"]["detail"].startswith("ACL Exception Insert Failed")


def test_answers_come_as_xml_to_those_who_ask(desk: Desk) -> None:
    answer = desk.call("GET", "now/table/customer_account", params={"sysparm_limit": 1, "sysparm_fields": "number"}, headers={"Accept": "application/xml"})
    assert answer.headers["Content-Type"].startswith("application/xml") and "<response><result><number>ACCT" in answer.text


def test_fields_without_right(served: Served) -> None:
    desk = served(hidden_fields=("customer_account.u_tax_id",))
    assert "u_tax_id" not in desk.rows("customer_account")[0]
    assert desk.get("now/table/customer_account", 403, sysparm_query="u_tax_id=DE1")["error"]["message"] == "Insufficient rights to query records"


def test_the_hourly_limit(served: Served) -> None:
    desk = served(requests_per_hour=2)
    first = desk.call("GET", "now/table/incident")
    assert first.headers["X-RateLimit-Limit"] == "2" and len(first.headers["X-RateLimit-Rule"]) == 32
    assert int(first.headers["X-RateLimit-Reset"]) % 3600 == 0
    desk.call("GET", "now/table/incident")
    third = desk.call("GET", "now/table/incident")
    assert third.status_code == 429 and 0 < int(third.headers["Retry-After"]) <= 3600
    assert third.json()["error"] == {"message": "Rate limit exceeded", "detail": "Rate limit of 2 requests per hour for Table API exceeded"}
    desk.clock.advance(timedelta(hours=1))
    assert desk.call("GET", "now/table/incident").status_code == 200
    assert "X-RateLimit-Limit" not in served().call("GET", "now/table/incident").headers


# Writes


def test_a_change_moves_the_stamp_the_count_and_the_audit(desk: Desk) -> None:
    path = f"now/table/customer_account/{account_id(1)}"
    before = desk.get(path)["result"]
    after = desk.send("PATCH", path, {"u_credit_status": "hold", "u_overdue_days": 3, "nope": 1, "sys_mod_count": "99"}, 200)["result"]
    assert (after["u_credit_status"], after["u_overdue_days"], after["sys_updated_by"]) == ("hold", "3", "concord.integration")
    assert int(after["sys_mod_count"]) == int(before["sys_mod_count"]) + 1 and after["sys_updated_on"] >= stamp(NOW)
    assert "nope" not in after and after["name"] == before["name"]
    audit = desk.rows("sys_audit", f"documentkey={account_id(1)}^ORDERBYfieldname")
    assert [(row["fieldname"], row["oldvalue"], row["newvalue"]) for row in audit] == [("u_credit_status", "ok", "hold"), ("u_overdue_days", "0", "3")]
    same = desk.send("PUT", path, {"u_credit_status": "hold", "u_overdue_days": "not a number"}, 200)["result"]
    assert same["sys_mod_count"] == after["sys_mod_count"]
    assert desk.send("PATCH", path, {"u_overdue_days": ""}, 200)["result"]["u_overdue_days"] == ""
    assert desk.call("POST", path, json={"city": "Kiel"}, headers={"X-HTTP-Method-Override": "PATCH"}).json()["result"]["city"] == "Kiel"


def stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%S")


def test_a_new_case_is_numbered_and_its_notes_are_journal_entries(desk: Desk) -> None:
    answer = desk.call("POST", "now/table/sn_customerservice_case", json={
        "short_description": "Late", "account": account_id(2), "work_notes": "called", "comments": "We are on it.", "u_credit_hold": True})
    case = answer.json()["result"]
    assert answer.status_code == 201 and answer.headers["Location"] == f"{desk.url}/api/now/table/sn_customerservice_case/{case['sys_id']}"
    assert re.fullmatch(r"CS\d{7}", case["number"]) and (case["state"], case["priority"], case["u_credit_hold"]) == ("1", "4", "true")
    assert case["account"]["value"] == account_id(2) and case["work_notes"] == ""
    notes = {row["element"]: row["value"] for row in desk.rows("sys_journal_field", f"element_id={case['sys_id']}")}
    assert notes == {"work_notes": "called", "comments": "We are on it."}
    short = desk.send("POST", "now/table/incident", {"impact": "1", "urgency": "1", "priority": "5"}, 201, sysparm_fields="number,priority")
    assert set(short["result"]) == {"number", "priority"} and short["result"]["priority"] == "1"
    silent = desk.call("POST", "now/table/incident", json={}, headers={"X-no-response-body": "true"})
    assert (silent.status_code, silent.content) == (201, b"")


def test_states_drive_the_dates_of_a_case(desk: Desk) -> None:
    path = f"now/table/sn_customerservice_case/{case_id(1)}"
    solved = desk.send("PATCH", path, {"state": "6"}, 200)["result"]
    assert solved["resolved_at"] and solved["resolved_by"]["value"] == native_id("agent", 0) and solved["active"] == "true"
    closed = desk.send("PATCH", path, {"state": "Closed"}, 200, sysparm_input_display_value="true")["result"]
    assert (closed["state"], closed["active"]) == ("3", "false") and closed["closed_at"]
    again = desk.send("PATCH", path, {"state": "10"}, 200)["result"]
    assert (again["active"], again["closed_at"], again["resolved_at"]) == ("true", "", "")


def test_rights_and_policies_of_writes(served: Served) -> None:
    desk = served(
        unwritable_tables=("alm_asset",), read_only_fields=("customer_account.u_tax_id",), mandatory_fields=("sn_customerservice_case.contact",))
    refused = desk.send("PATCH", f"now/table/alm_asset/{native_id('asset', 1)}", {"asset_tag": "x"}, 403)
    assert refused["error"] == {"message": "Operation Failed", "detail": "ACL Exception Update Failed due to security constraints"}
    kept = desk.send("PATCH", f"now/table/customer_account/{account_id(1)}", {"u_tax_id": "x", "city": "Bonn"}, 200)["result"]
    assert (kept["u_tax_id"], kept["city"]) == ("DE000000001", "Bonn")
    assert "Data Policy Exception" in desk.send("POST", "now/table/sn_customerservice_case", {"short_description": "x"}, 403)["error"]["detail"]
    code = desk.send("PATCH", f"now/table/customer_account/{account_id(1)}", {"account_code": "~~~~2"}, 403)
    assert "Unique Key violation" in code["error"]["detail"]


def test_deleted_rows_are_gone_and_leave_a_line(served: Served) -> None:
    desk = served()
    assert desk.call("DELETE", f"now/table/sn_customerservice_case/{case_id(1)}").status_code == 204
    desk.get(f"now/table/sn_customerservice_case/{case_id(1)}", 404)
    [line] = desk.rows("sys_audit_delete", "tablename=sn_customerservice_case")
    assert (line["documentkey"], line["display_value"], line["user"]) == (case_id(1), "CS0000001", "concord.integration")
    assert desk.rows("sys_journal_field", f"element_id={case_id(1)}") == []
    quiet = served(audits_deletes=False)
    quiet.call("DELETE", f"now/table/sn_customerservice_case/{case_id(1)}")
    assert quiet.rows("sys_audit_delete") == []


def test_a_removed_row_of_the_world_is_deleted_the_same_way(served: Served) -> None:
    desk = served()
    desk.vendor.apply(world(customers=[], contacts=[], tickets=[ticket(1, removed=True, updated_at=NOW)]))
    assert [row["sys_id"] for row in desk.rows("sn_customerservice_case")] == [case_id(2)]
    [line] = desk.rows("sys_audit_delete", "tablename=sn_customerservice_case")
    assert (line["documentkey"], line["sys_created_on"]) == (case_id(1), stamp(NOW))
    born_dead = served(world(tickets=[ticket(9, removed=True)]))
    assert born_dead.rows("sn_customerservice_case") == []
    assert [row["documentkey"] for row in born_dead.rows("sys_audit_delete", "tablename=sn_customerservice_case")] == [case_id(9)]


def test_the_world_moves_on_without_undoing_what_was_written(desk: Desk) -> None:
    path = f"now/table/customer_account/{account_id(1)}"
    desk.send("PATCH", path, {"u_credit_status": "hold"}, 200)
    desk.vendor.apply(world(customers=[customer(1, city="Kiel", updated_at=NOW + timedelta(minutes=1))]))
    after = desk.get(path)["result"]
    assert (after["city"], after["u_credit_status"], after["sys_updated_on"]) == ("Kiel", "hold", stamp(NOW + timedelta(minutes=1)))


def test_what_was_written_survives_a_restart(served: Served, tmp_path: Path) -> None:
    first = served(log=tmp_path / "store.jsonl")
    made = first.send("POST", "now/table/sn_customerservice_case", {"short_description": "kept"}, 201)["result"]
    first.send("PATCH", f"now/table/customer_account/{account_id(1)}", {"city": "Kiel"}, 200)
    second = served(log=tmp_path / "store.jsonl")
    assert second.get(f"now/table/sn_customerservice_case/{made['sys_id']}")["result"]["number"] == made["number"]
    assert second.get(f"now/table/customer_account/{account_id(1)}")["result"]["city"] == "Kiel"


# Batches and import sets


def item(id: str, method: str, url: str, body: Any = None, **more: Any) -> dict[str, Any]:
    headers = [{"name": "Content-Type", "value": "application/json"}, {"name": "Accept", "value": "application/json"}]
    encoded = {"body": base64.b64encode(json.dumps(body).encode()).decode()} if body is not None else {}
    return {"id": id, "method": method, "url": url, "headers": headers, "exclude_response_headers": True, **encoded, **more}


def test_a_batch_answers_item_by_item_and_leaves_what_is_over_its_budget(served: Served) -> None:
    desk = served(batch_items=3)
    answer = desk.send("POST", "now/v1/batch", {"batch_request_id": "b", "rest_requests": [
        item("1", "PATCH", f"/api/now/table/customer_account/{account_id(1)}?sysparm_fields=city", {"city": "Kiel"}),
        item("2", "PATCH", f"/api/now/table/customer_account/{'0' * 32}", {"city": "Kiel"}),
        item("3", "GET", "/api/now/table/customer_account?sysparm_query=city%3DKiel&sysparm_fields=number", exclude_response_headers=False),
        item("7", "GET", "/api/now/table/incident"),
    ]}, 200)
    assert answer["batch_request_id"] == "b" and answer["unserviced_requests"] == ["7"]
    one, two, three = answer["serviced_requests"]
    assert (one["status_code"], json.loads(base64.b64decode(one["body"]))) == (200, {"result": {"city": "Kiel"}})
    assert (two["status_code"], two["status_text"], two["headers"]) == (404, "Not Found", [])
    assert json.loads(base64.b64decode(three["body"])) == {"result": [{"number": "ACCT0000001"}]}
    assert "X-Total-Count" in {header["name"] for header in three["headers"]}
    assert desk.send("POST", "now/v1/batch", {"rest_requests": [{"id": "1"}]}, 400)["status"] == "failure"
    large = desk.call("POST", "now/v1/batch", headers={"X-BATCHREQUEST-MAX-OUTPUT-SIZE": "50"}, json={
        "rest_requests": [item("1", "GET", "/api/now/table/incident"), item("2", "GET", "/api/now/table/customer_account")]}).json()
    assert [one["id"] for one in large["serviced_requests"]] == ["1"] and large["unserviced_requests"] == ["2"]


def test_an_import_set_upserts_by_its_coalesce_column(desk: Desk) -> None:
    path = "now/import/u_erp_account_status"
    answer = desk.send("POST", path, {"u_erp_customer_id": "ERP-customer-1", "u_credit_status": "hold"}, 201)
    [result] = answer["result"]
    assert (result["status"], result["sys_id"], result["display_value"]) == ("updated", account_id(1), "Northwind 1")
    assert desk.get(f"now/table/customer_account/{account_id(1)}")["result"]["u_credit_status"] == "hold"
    again = desk.send("POST", path, {"u_erp_customer_id": "ERP-customer-1", "u_credit_status": "hold"}, 201)["result"][0]
    assert again["status"] == "ignored"
    assert desk.send("POST", path, {"u_credit_status": "hold"}, 201)["result"][0]["status"] == "error"
    many = desk.send("POST", f"{path}/insertMultiple", {"records": [{"Erp customer id": "ERP-customer-2", "Overdue days": "4"}]}, 201)
    assert set(many) == {"import_set_id", "multi_import_set_id"}
    assert desk.get(f"now/table/customer_account/{account_id(2)}")["result"]["u_overdue_days"] == "4"


# Aggregates and scripted APIs


def test_aggregates(desk: Desk) -> None:
    def stats(table: str, **params: Any) -> Any:
        return desk.get(f"now/stats/{table}", **params)["result"]

    newest = max(row["sys_updated_on"] for row in desk.rows("customer_account"))
    assert stats("customer_account", sysparm_count="true", sysparm_max_fields="sys_updated_on", sysparm_sum_fields="u_erp_balance") == {
        "stats": {"count": "3", "max": {"sys_updated_on": newest}, "sum": {"u_erp_balance": "3752.25"}}}
    groups = stats("customer_account", sysparm_count="true", sysparm_group_by="u_credit_status", sysparm_display_value="all")
    assert groups == [
        {"stats": {"count": "1"}, "groupby_fields": [{"field": "u_credit_status", "display_value": "Hold", "value": "hold"}]},
        {"stats": {"count": "2"}, "groupby_fields": [{"field": "u_credit_status", "display_value": "OK", "value": "ok"}]}]
    having = stats("customer_account", sysparm_count="true", sysparm_group_by="u_credit_status", sysparm_having="count^u_credit_status^>^1")
    assert [group["groupby_fields"][0]["value"] for group in having] == ["ok"]
    average = stats("customer_account", sysparm_avg_fields="u_erp_balance", sysparm_query="u_credit_status=hold")
    assert average == {"stats": {"avg": {"u_erp_balance": "1250.7500"}}}


def test_scripted_apis(served: Served) -> None:
    desk = served(world(customers=[customer(key) for key in range(1, 13)]))
    listed = desk.call("GET", "now/account")
    assert len(listed.json()["result"]) == 10 and 'rel="next"' in listed.headers["Link"]
    case = desk.get(f"sn_customerservice/case/{case_id(1)}")["result"]
    assert case["account"] == account_id(1)
    stream = desk.get(f"sn_customerservice/case/{case_id(1)}/activities")["result"]
    assert [entry["value"] for entry in stream["entries"]] == ["A technician comes today.", "Check the fuse."]
    assert {"label": "Open", "value": "10"} in desk.get("sn_customerservice/case/field_values/state")["result"]
    changed = desk.send("PUT", f"sn_customerservice/case/{case_id(1)}", {"priority": "1"}, 200)["result"]
    assert changed["priority"] == "1"
    contact = desk.send("POST", "now/contact", {"first_name": "Bo", "last_name": "Li"}, 201)["result"]
    assert desk.get(f"now/contact/{contact}")["result"]["name"] == "Bo Li"
    cover = desk.get(f"sn_pss_core/entitlement/{native_id('entitlement', 1)}")["result"]
    assert cover["consumer"] is None and len(cover["sold_products_covered"]) == 1 == len(cover["install_base_items_covered"])
    contract = desk.get(f"sn_pss_core/servicecontract/{native_id('service_contract', 1)}")["result"]
    assert contract["service_contract_lines"][0]["entitlements"][0]["sys_id"] == native_id("entitlement", 1)


def test_the_instance_describes_itself(served: Served) -> None:
    desk = served(world(tickets=[ticket(1, extra={"brand_new": 7})]))
    chain = desk.rows("sys_db_object", "name=sn_customerservice_case", sysparm_fields="name,super_class.name")
    assert chain == [{"name": "sn_customerservice_case", "super_class.name": "task"}]
    entries = {row["element"]: row["internal_type"] for row in desk.rows("sys_dictionary", "name=sn_customerservice_case^elementISNOTEMPTY")}
    assert entries["u_credit_hold"] == "boolean" and entries["account"] == "reference" and entries["brand_new"] == "string"
    assert desk.rows("sn_customerservice_case")[0]["brand_new"] == "7"
    labels = {row["value"]: row["label"] for row in desk.rows("sys_choice", "name=sn_customerservice_case^element=state^language=en")}
    assert labels == {"1": "New", "10": "Open", "18": "Awaiting Info", "6": "Resolved", "3": "Closed", "7": "Cancelled"}


# The vendor's samples


def samples(name: str) -> list[dict[str, Any]]:
    path = SPECS / "official_docs" / name
    if not path.exists():
        pytest.skip("the vendor's samples are not here")
    return [entry for entry in json.loads(path.read_text()) if "body" in entry]


def assert_shaped(ours: dict[str, Any], sample: dict[str, Any], where: str, without: frozenset[str] = frozenset()) -> None:
    """Every field of the sample is in ours with the same JSON type; a reference may be empty, which is a text."""
    for name, value in sample.items():
        if name in without:
            continue
        assert name in ours, f"{where}: {name}"
        if value is None or ours[name] is None or "" in (value, ours[name]):
            continue
        assert type(ours[name]) is type(value), f"{where}: {name}"


def first(result: Any) -> dict[str, Any]:
    found: dict[str, Any] = result[0] if isinstance(result, list) else result
    return found


@pytest.mark.parametrize(("file", "path"), [
    ("account-api.json", f"now/account/{account_id(1)}"), ("contact-api.json", f"now/contact/{native_id('contact', 1)}")])
def test_scripted_records_have_the_samples_fields(desk: Desk, file: str, path: str) -> None:
    for sample in samples(file):
        if isinstance(sample["body"].get("result"), dict | list):
            assert_shaped(desk.get(path)["result"], first(sample["body"]["result"]), sample["section"])


def test_cases_have_the_samples_fields(desk: Desk) -> None:
    path = f"sn_customerservice/case/{case_id(1)}"
    for sample in samples("case-api.json"):
        section, body = sample["section"], sample["body"]["result"]
        if section.endswith("activities"):
            stream = desk.get(f"{path}/activities")["result"]
            assert_shaped(stream, body, section)
            assert_shaped(stream["entries"][0], body["entries"][0], section)
        elif section.endswith("field_name}"):
            assert_shaped(first(desk.get("sn_customerservice/case/field_values/contact")["result"]), first(body), section)
        elif "GET" in section:
            # a list nests the records it refers to where the sample asked for it by a query of dot-walked fields
            assert_shaped(desk.get(path)["result"], first(body), section, frozenset(name for name, value in first(body).items() if isinstance(value, dict)))
        else:
            assert set(first(body)) <= set(desk.get(path)["result"]), section


def test_entitlements_and_contracts_have_the_samples_fields(desk: Desk) -> None:
    [one, *_] = [entry for entry in samples("entitlement-api.json") if "GET" in entry["section"]]
    ours = desk.get(f"sn_pss_core/entitlement/{native_id('entitlement', 1)}")["result"]
    assert_shaped(ours, one["body"]["result"], one["section"])
    for name in ("sold_products_covered", "install_base_items_covered"):
        assert_shaped(ours[name][0], one["body"]["result"][name][0], name)
    [line] = [entry for entry in samples("servicecontract-api.json") if entry["section"].endswith("GET /sn_pss_core/servicecontract/contractline/{id}")]
    ours = desk.get(f"sn_pss_core/servicecontract/contractline/{native_id('service_contract_line', 1)}")["result"]
    assert_shaped(ours, line["body"]["result"], line["section"])


def test_incidents_have_the_samples_fields(desk: Desk) -> None:
    incident = desk.send("POST", "now/table/incident", {"short_description": "x"}, 201)["result"]
    for sample in samples("c_TableAPI.json"):
        result = first(sample["body"]["result"])
        if "caller_id" in result:
            assert_shaped(incident, result, sample["section"])


def test_composed_samples_match_in_every_mode(desk: Desk) -> None:
    folder = SPECS / "composed"
    if not folder.exists():
        pytest.skip("the samples are not here")
    path = f"now/table/sn_customerservice_case/{case_id(1)}"
    # u_erp_status is another company's column
    theirs = frozenset({"u_erp_status"})
    for file, ours in (
        ("case_display_false.json", desk.get(path)["result"]),
        ("case_display_all.json", desk.get(path, sysparm_display_value="all")["result"]),
        ("customer_account_page1_display_false.json", desk.rows("customer_account", "number=ACCT0000002")[0]),
        ("customer_account_exclude_reference_link.json", desk.rows("customer_account", "number=ACCT0000002", sysparm_exclude_reference_link="true")[0]),
        ("customer_account_display_all.json", desk.rows("customer_account", "number=ACCT0000002", sysparm_display_value="all")[0]),
        ("sys_journal_field.json", desk.rows("sys_journal_field")[0]),
    ):
        sample = first(json.loads((folder / file).read_text())["result"])
        assert_shaped(ours, sample, file, theirs)
        for name, value in sample.items():
            if isinstance(value, dict) and name not in theirs and isinstance(ours[name], dict) and ours[name].get("value"):
                assert set(value) <= set(ours[name]), f"{file}: {name}"
