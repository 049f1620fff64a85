"""Salesforce end to end, the sales and the service org by one reader: what lands, and each promise of reliability that applies."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from ingestion.readers import reader_of
from ingestion.spec import load_system
from sandbox.world.model import native_id
from sandbox.world.plant import FaultPlan

ORGS = ("salesforce", "salesforce_service")
PAGE = 40


@pytest.fixture(scope="module")
def lab(make_lab):
    settings = {"batch_size": PAGE, "bulk_page": PAGE, "cursor_life": timedelta(days=2)}
    return make_lab(*ORGS, faults=FaultPlan(), vendor_settings={name: settings for name in ORGS})


@pytest.fixture
def fresh(lab, tmp_path):
    return lab.elsewhere(tmp_path)


@pytest.fixture
def limits(monkeypatch):
    """Other limits of a system file, as an installation might set them."""

    def change(name: str, **values) -> None:
        system = load_system(name)
        changed = system.model_copy(update={"limits": system.limits.model_copy(update=values)})
        for module in ("ingestion.run", "ingestion.client"):
            monkeypatch.setattr(f"{module}.load_system", lambda asked: changed if asked == name else load_system(asked))

    return change


def held(lab, name, sobject, **where):
    """The org's live rows."""
    rows = lab.store(name).collection(sobject).values()
    return [row for row in rows if not row.get("IsDeleted") and all(row.get(key) == value for key, value in where.items())]


def write(fresh, name, method, path, body=None):
    with fresh.client(name) as client:
        response = client.request(method, path, json=body, write=True)
        return response.json() if response.content else None


def newest(fresh, name, table, id, columns):
    query = f"SELECT {columns} FROM t WHERE id = '{id}' ORDER BY _extracted_at DESC, _load_id DESC, _changed_at DESC NULLS LAST LIMIT 1"
    stamp = "created_at" if table == "case_history" else "system_modstamp"
    return fresh.rows(name, table, query.replace("_changed_at", stamp))


# --- what lands ---


@pytest.mark.parametrize("name", ORGS)
def test_every_resource_lands_as_often_as_the_org_has_it(fresh, lab, name):
    result = fresh.good(name)
    assert result.is_complete and not result.quarantined and not result.drift and not result.notes, (result.audits, result.notes)
    for resource, spec in load_system(name).resources.items():
        landed = fresh.rows(name, resource, "SELECT count(DISTINCT id) FROM t WHERE NOT _deleted")[0][0]
        assert landed == len(held(lab, name, spec.sobject)), resource
    assert fresh.good(name).rows == {}  # R4, R16: nothing new, and that is no failure


def test_a_case_and_its_parts_land_value_by_value(fresh, lab):
    fresh.good("salesforce_service")
    case = next(row for row in held(lab, "salesforce_service", "Case") if row["EntitlementId"] and row["ERP_Order_Number__c"] and row["IsClosed"])
    [row] = fresh.rows(
        "salesforce_service", "cases",
        "SELECT number, account_id, contact_id, owner_id, status, priority, erp_order_number, is_closed, credit_hold, closed_at, entitlement_id, "
        f"system_modstamp FROM (SELECT *, case_number AS number FROM t) WHERE id = '{case['Id']}'")
    at = datetime.fromisoformat(case["SystemModstamp"])
    assert row == (
        case["CaseNumber"], case["AccountId"], case["ContactId"], case["OwnerId"], case["Status"], case["Priority"], case["ERP_Order_Number__c"], True,
        case["Credit_Hold__c"], datetime.fromisoformat(case["ClosedDate"]), case["EntitlementId"], at)
    comments = {row["Id"]: row for row in held(lab, "salesforce_service", "CaseComment", ParentId=case["Id"])}
    landed = fresh.rows("salesforce_service", "case_comments", f"SELECT id, is_published, comment_body, created_by_id FROM t WHERE case_id = '{case['Id']}'")
    assert sorted(landed) == sorted((id, row["IsPublished"], row["CommentBody"], row["CreatedById"]) for id, row in comments.items()) != []
    steps = fresh.rows("salesforce_service", "case_history", f"SELECT field, old_value, new_value FROM t WHERE case_id = '{case['Id']}' ORDER BY id")
    assert steps == [(row["Field"], row["OldValue"], row["NewValue"]) for row in sorted(
        held(lab, "salesforce_service", "CaseHistory", CaseId=case["Id"]), key=lambda row: row["Id"])]


def test_accounts_carry_their_links_and_amounts(fresh, lab):
    fresh.good("salesforce_service", resources=["accounts"])
    account = next(row for row in held(lab, "salesforce_service", "Account") if row["CRM_Account_Id__c"] and row["Overdue_Amount__c"])
    [row] = fresh.rows(
        "salesforce_service", "accounts",
        f"SELECT erp_customer_id, crm_account_id, overdue_amount, overdue_days, credit_status, entitlement_tier FROM t WHERE id = '{account['Id']}'")
    assert row == (
        account["ERP_Customer_Id__c"], account["CRM_Account_Id__c"], Decimal(str(account["Overdue_Amount__c"])), int(account["Overdue_Days__c"]),
        account["Credit_Status__c"], account["Entitlement_Tier__c"])
    assert account["CRM_Account_Id__c"] in lab.store("salesforce").collection("Account")


def test_a_won_opportunity_has_its_order_and_lines(fresh, lab):
    fresh.good("salesforce")
    [(id, opportunity, reference, total, status)] = fresh.rows(
        "salesforce", "orders", "SELECT id, opportunity_id, order_reference_number, total_amount, status FROM t ORDER BY id LIMIT 1")
    won = lab.store("salesforce").get("Opportunity", opportunity)
    assert won["IsWon"] and (reference, status) == (won["ERP_Sales_Order_Id__c"], "Activated")
    [(lines, amount)] = fresh.rows("salesforce", "order_lines", f"SELECT count(*), sum(total_price) FROM t WHERE order_id = '{id}'")
    assert lines > 0 and amount == total


def test_bulk_lands_what_rest_lands(fresh, tmp_path, limits):
    names = ["accounts", "cases", "case_history", "case_comments", "entitlements"]
    fresh.good("salesforce_service", resources=names)
    other = fresh.elsewhere(tmp_path / "bulk")
    limits("salesforce_service", bulk_above=10, bulk_page=PAGE)
    result = other.good("salesforce_service", resources=names)
    assert result.is_complete and not result.drift and not result.quarantined
    for name in names:
        query = f"SELECT {', '.join(load_system('salesforce_service').resources[name].columns)} FROM t ORDER BY id"
        assert other.rows("salesforce_service", name, query) == fresh.rows("salesforce_service", name, query) != [], name
    assert other.good("salesforce_service", resources=names).rows == {}


def test_an_object_of_a_feature_that_is_off_is_no_error(fresh, lab):
    objects = lab.sandbox.vendors["salesforce_service"].org.catalogue.objects
    kept = objects.pop("casemilestone")
    try:
        result = fresh.good("salesforce_service", resources=["case_milestones", "case_statuses"])
        assert result.is_complete and not result.failed and not result.drift
    finally:
        objects["casemilestone"] = kept
    assert fresh.good("salesforce_service", resources=["case_milestones"]).rows["case_milestones"] > 0


# --- reliability ---


def test_r1_a_row_that_commits_late_with_an_older_stamp_is_not_lost(fresh, lab):
    fresh.good("salesforce_service", resources=["cases"])
    case = max(held(lab, "salesforce_service", "Case"), key=lambda row: row["SystemModstamp"])
    late = {**case, "Id": native_id("salesforce_service", "ticket", 987_654), "Subject": "Late", "CaseNumber": "99999999"}
    late["SystemModstamp"] = (datetime.fromisoformat(case["SystemModstamp"]) - timedelta(minutes=8)).strftime("%Y-%m-%dT%H:%M:%S.000+0000")
    with lab.altered("salesforce_service", "Case", {late["Id"]: late}):
        assert fresh.good("salesforce_service", resources=["cases"]).rows == {"cases": 1}
        assert fresh.good("salesforce_service", resources=["cases"]).rows == {}


def test_r2_stamps_are_utc_to_the_second(fresh, lab):
    fresh.good("salesforce_service", resources=["case_history"])
    for id, at in fresh.rows("salesforce_service", "case_history", "SELECT id, created_at FROM t ORDER BY id LIMIT 5"):
        assert at == datetime.fromisoformat(lab.store("salesforce_service").get("CaseHistory", id)["CreatedDate"])


def test_r3_r8_rows_that_the_org_counts_and_does_not_show_make_the_read_incomplete(fresh, lab):
    some = {row["Id"]: {**row, "_hidden": True} for row in held(lab, "salesforce_service", "Case")[:2]}
    with lab.altered("salesforce_service", "Case", some):
        result = fresh.good("salesforce_service", resources=["cases"])
    [audit] = result.audits
    assert not result.is_complete and audit.expected == audit.actual + 2 and audit.method == "SELECT COUNT()"
    every = {row["Id"]: {**row, "_hidden": True} for row in held(lab, "salesforce_service", "Asset")}
    with lab.altered("salesforce_service", "Asset", every):
        empty = fresh.good("salesforce_service", resources=["assets"])
    assert empty.rows.get("assets", 0) == 0 and not empty.is_complete


def test_r4_many_rows_of_one_second_over_page_borders_come_once_each(fresh, lab):
    cases = held(lab, "salesforce_service", "Case")
    assert len(cases) > 3 * PAGE
    at = max(row["SystemModstamp"] for row in cases)
    with lab.altered("salesforce_service", "Case", {row["Id"]: {**row, "SystemModstamp": at} for row in cases}):
        result = fresh.good("salesforce_service", resources=["cases"])
        assert result.is_complete and result.rows == {"cases": len(cases)}
        assert fresh.good("salesforce_service", resources=["cases"]).rows == {}


def test_r5_a_change_by_the_org_itself_moves_only_the_system_stamp_and_is_seen(fresh, lab):
    fresh.good("salesforce_service", resources=["accounts"])
    account = held(lab, "salesforce_service", "Account")[0]
    moved = {**account, "Rating": "Hot", "SystemModstamp": lab.sandbox.vendors["salesforce_service"].org.stamp()}
    with lab.altered("salesforce_service", "Account", {account["Id"]: moved}):
        assert fresh.good("salesforce_service", resources=["accounts"]).rows == {"accounts": 1}
    assert newest(fresh, "salesforce_service", "accounts", account["Id"], "rating") == [("Hot",)]


def test_r6_one_new_comment_costs_its_row_its_case_and_no_more(fresh, lab):
    fresh.good("salesforce_service")
    id = held(lab, "salesforce_service", "Case")[0]["Id"]
    write(fresh, "salesforce_service", "POST", "sobjects/CaseComment", {"ParentId": id, "CommentBody": "Called."})
    result = fresh.good("salesforce_service")
    assert result.rows == {"case_comments": 1, "cases": 1}
    assert result.requests < 5 * len(load_system("salesforce_service").resources)


def test_r7_deletes_come_from_the_bin_and_hard_ones_by_a_sweep(fresh, lab):
    made = write(fresh, "salesforce_service", "POST", "sobjects/Case", {"Subject": "Short", "AccountId": held(lab, "salesforce_service", "Account")[0]["Id"]})
    write(fresh, "salesforce_service", "POST", "sobjects/CaseComment", {"ParentId": made["id"], "CommentBody": "x"})
    fresh.good("salesforce_service")
    write(fresh, "salesforce_service", "DELETE", f"sobjects/Case/{made['id']}")
    result = fresh.good("salesforce_service")
    assert result.rows["cases"] == 1 and result.rows["case_comments"] == 1 and result.is_complete
    assert newest(fresh, "salesforce_service", "cases", made["id"], "_deleted, is_deleted") == [(True, True)]
    asset = held(lab, "salesforce_service", "Asset")[0]
    with lab.altered("salesforce_service", "Asset", {asset["Id"]: None}):  # past the bin: no trace of it anywhere
        assert fresh.good("salesforce_service", resources=["assets"]).rows == {}
        fresh.good("salesforce_service", resources=["assets"], full=True)
    assert fresh.rows("salesforce_service", "assets", f"SELECT _deleted FROM t WHERE id = '{asset['Id']}' ORDER BY _extracted_at, _load_id") == [(False,), (True,)]


def test_r5_r7_after_a_gap_longer_than_the_bin_keeps_rows_a_sweep_of_keys_finds_what_vanished(fresh, lab):
    fresh.good("salesforce_service", resources=["assets", "products"])
    asset, hidden = held(lab, "salesforce_service", "Asset")[1:3]
    import dlt

    pipeline = dlt.pipeline("salesforce_service", pipelines_dir=str(fresh.settings.dlt))

    def sleep() -> None:  # as after twenty days without a run
        with pipeline.managed_state() as state:
            for place in state["sources"]["salesforce_service"]["resources"].values():
                place["place"]["at"] = (datetime.fromisoformat(place["place"]["at"]) - timedelta(days=20)).isoformat()

    with lab.altered("salesforce_service", "Asset", {asset["Id"]: None}):
        assert fresh.good("salesforce_service", resources=["assets"]).rows == {}  # the bin would have told
        sleep()
        with lab.altered("salesforce_service", "Asset", {hidden["Id"]: {**hidden, "_hidden": True}}):
            assert fresh.good("salesforce_service", resources=["assets"]).rows == {}  # R10: the list is not whole, so nothing is buried
        sleep()
        result = fresh.good("salesforce_service", resources=["assets", "products"])
        assert result.rows == {"assets": 1} and result.is_complete
        assert fresh.good("salesforce_service", resources=["assets", "products"]).rows == {}
    rows = fresh.rows("salesforce_service", "assets", f"SELECT id, _deleted FROM t WHERE _deleted OR id = '{asset['Id']}' ORDER BY _extracted_at, _load_id")
    assert rows == [(asset["Id"], False), (asset["Id"], True)]


def test_r10_a_read_that_stops_early_deletes_nothing(fresh, lab):
    fresh.good("salesforce_service", resources=["cases"])
    lab.sandbox.fault("salesforce_service", "429", "query/01g", after=1)
    result = fresh.good("salesforce_service", resources=["cases"], full=True)
    assert result.stopped and not result.is_complete
    assert fresh.rows("salesforce_service", "cases", "SELECT count(*) FROM t WHERE _deleted") == [
        (sum(bool(row.get("IsDeleted")) for row in lab.store("salesforce_service").collection("Case").values()),)]


def test_r11_a_spent_quota_ends_the_run_and_the_next_goes_on_from_there(fresh, lab):
    lab.sandbox.fault("salesforce_service", "429", "query/01g", after=2)
    first = fresh.good("salesforce_service", resources=["case_history"])
    assert first.stopped and first.rows == {"case_history": 3 * PAGE} and not first.is_complete
    second = fresh.good("salesforce_service", resources=["case_history"])
    whole = len(held(lab, "salesforce_service", "CaseHistory"))
    assert second.is_complete and whole - 3 * PAGE <= second.rows["case_history"] < whole


def test_r11_a_bulk_read_goes_on_in_the_job_that_it_had(fresh, lab, limits):
    limits("salesforce_service", bulk_above=10, bulk_page=PAGE)
    jobs = lab.sandbox.vendors["salesforce_service"].jobs
    before = len(jobs.queries)
    lab.sandbox.fault("salesforce_service", "429", "jobs/query/.*/results", after=3)
    first = fresh.good("salesforce_service", resources=["case_history"])
    assert first.stopped and first.rows == {"case_history": 3 * PAGE}
    second = fresh.good("salesforce_service", resources=["case_history"])
    assert second.is_complete and second.rows["case_history"] == len(lab.store("salesforce_service").collection("CaseHistory")) - 3 * PAGE
    assert len(jobs.queries) == before + 1
    write(fresh, "salesforce_service", "PATCH", f"sobjects/Case/{held(lab, 'salesforce_service', 'Case')[0]['Id']}", {"Priority": "Low"})
    assert set(fresh.good("salesforce_service", resources=["case_history"]).rows) <= {"case_history"}  # and follows changes from then on


def test_r12_a_hidden_field_lands_null_and_its_past_stays(fresh, lab):
    fresh.good("salesforce_service", resources=["accounts"])
    org = lab.sandbox.vendors["salesforce_service"].org
    account = org.catalogue.objects["account"]
    org.catalogue.objects["account"] = replace(account, fields={key: one for key, one in account.fields.items() if key != "tax_id__c"})
    id = held(lab, "salesforce_service", "Account")[0]["Id"]
    try:
        write(fresh, "salesforce_service", "PATCH", f"sobjects/Account/{id}", {"Site": "North"})
        result = fresh.good("salesforce_service", resources=["accounts"])
    finally:
        org.catalogue.objects["account"] = account
    assert result.rows["accounts"] >= 1 and result.drift == [("accounts", "tax_id", "removed")]
    rows = fresh.rows("salesforce_service", "accounts", f"SELECT tax_id FROM t WHERE id = '{id}' ORDER BY _extracted_at, _load_id")
    assert rows[0][0] and rows[-1] == (None,)


def test_r13_a_dead_page_cursor_is_taken_up_at_the_last_row(fresh, lab):
    vendor = lab.sandbox.vendors["salesforce_service"]
    deaths = []

    def forget(event):
        if event.kind == "rows" and event.resource == "case_history" and len(deaths) < 2:
            deaths.append(event.rows)
            vendor._cursors.clear()

    result = fresh.good("salesforce_service", resources=["case_history"], progress=forget)
    rows = held(lab, "salesforce_service", "CaseHistory")
    assert len(deaths) == 2 and result.is_complete
    assert fresh.rows("salesforce_service", "case_history", "SELECT count(DISTINCT id) FROM t WHERE NOT _deleted") == [(len(rows),)]
    deaths.clear()
    full = fresh.good("salesforce_service", resources=["case_history"], full=True, progress=forget)  # no row counts as vanished
    assert full.is_complete and fresh.rows("salesforce_service", "case_history", "SELECT count(*) FROM t WHERE _deleted AND field IS NULL") == [(0,)]


def test_r13_a_bulk_job_that_the_org_forgot_is_begun_anew(fresh, lab, limits):
    limits("salesforce_service", bulk_above=10, bulk_page=PAGE)
    jobs = lab.sandbox.vendors["salesforce_service"].jobs
    lab.sandbox.fault("salesforce_service", "429", "jobs/query/.*/results", after=2)
    assert fresh.good("salesforce_service", resources=["cases"]).stopped
    jobs.queries.clear()  # a week later
    result = fresh.good("salesforce_service", resources=["cases"])
    assert result.is_complete and len(jobs.queries) == 1
    assert fresh.rows("salesforce_service", "cases", "SELECT count(DISTINCT id) FROM t WHERE NOT _deleted") == [(len(held(lab, "salesforce_service", "Case")),)]


def test_r14_never_more_requests_at_once_than_the_system_file_allows(fresh, lab):
    vendor = lab.sandbox.vendors["salesforce_service"]
    seen = []

    class Watching:
        """The vendor with an eye on how many requests it has at once."""

        def __getattr__(self, name):
            return getattr(vendor, name)

        def handle(self, request):
            seen.append(request.in_flight)
            return vendor.handle(request)

    lab.sandbox.fault("salesforce_service", "delay", "", count=20, seconds=0.05)
    lab.sandbox.vendors["salesforce_service"] = Watching()
    try:
        fresh.good("salesforce_service")
    finally:
        lab.sandbox.vendors["salesforce_service"] = vendor
        lab.sandbox.faults.clear()
    assert 1 < max(seen) <= load_system("salesforce_service").limits.concurrency


def test_r19_a_run_that_fails_moves_no_cursor(fresh, lab):
    fresh.good("salesforce_service", resources=["cases", "accounts"])
    id = held(lab, "salesforce_service", "Case")[1]["Id"]
    write(fresh, "salesforce_service", "PATCH", f"sobjects/Case/{id}", {"Reason": "Breakdown"})
    lab.sandbox.fault("salesforce_service", "500", "queryAll", count=60)
    assert fresh.ingest("salesforce_service", resources=["cases", "accounts"]).error is not None
    lab.sandbox.faults.clear()
    assert fresh.good("salesforce_service", resources=["cases", "accounts"]).rows == {"cases": 1}


@pytest.mark.parametrize("kind", ["500", "cut_before", "cut_after", "truncated", "expired_token"])
@pytest.mark.parametrize("bulk", [False, True], ids=["rest", "bulk"])
def test_transport_faults_cost_no_row(fresh, lab, limits, kind, bulk):
    if bulk:
        limits("salesforce_service", bulk_above=10, bulk_page=PAGE)
    for path in ("queryAll|query/01g", "jobs/query/.*/results", "jobs/query$"):
        lab.sandbox.fault("salesforce_service", kind, path)
    result = fresh.good("salesforce_service", resources=["cases"])
    lab.sandbox.faults.clear()
    assert result.is_complete and fresh.rows("salesforce_service", "cases", "SELECT count(DISTINCT id) FROM t WHERE NOT _deleted") == [
        (len(held(lab, "salesforce_service", "Case")),)]


# --- drift of the contract ---


@contextmanager
def described(lab, sobject: str, change) -> Iterator[None]:
    """The org describes the object otherwise while the block runs."""
    objects = lab.sandbox.vendors["salesforce_service"].org.catalogue.objects
    before = objects[sobject.lower()]
    objects[sobject.lower()] = replace(before, fields=change(dict(before.fields)))
    try:
        yield
    finally:
        objects[sobject.lower()] = before


def renamed(fields):
    field = fields.pop("erp_order_number__c")
    return {**fields, "order_no__c": replace(field, name="Order_No__c")}


def required(fields):
    return {**fields, "subject": replace(fields["subject"], required=True)}


@pytest.mark.parametrize(("change", "told"), [
    (lambda fields: {**fields, "region__c": replace(fields["subject"], name="Region__c")}, {("Region__c", "added")}),
    (lambda fields: {key: one for key, one in fields.items() if key != "reason"}, {("reason", "removed")}),
    (renamed, {("erp_order_number", "removed"), ("Order_No__c", "added")}),
    (required, {("subject", "nullability")}),
], ids=["added", "removed", "renamed", "nullability"])
def test_drift_in_the_description_is_told_and_costs_no_row(fresh, lab, change, told):
    fresh.good("salesforce_service", resources=["cases"])
    id = held(lab, "salesforce_service", "Case")[0]["Id"]
    with described(lab, "Case", change):
        write(fresh, "salesforce_service", "PATCH", f"sobjects/Case/{id}", {"Language": "de"})
        result = fresh.good("salesforce_service", resources=["cases"])
    write(fresh, "salesforce_service", "PATCH", f"sobjects/Case/{id}", {"Language": None})
    assert {(column, kind) for _, column, kind in result.drift} == told and result.is_complete
    assert newest(fresh, "salesforce_service", "cases", id, "language") == [("de",)]


def test_drift_of_a_type_lands_what_can_be_kept_and_is_told(fresh, lab):
    fresh.good("salesforce_service", resources=["assets"])
    asset = held(lab, "salesforce_service", "Asset")[0]
    at = lab.sandbox.vendors["salesforce_service"].org.stamp()
    changed = {**asset, "SerialNumber": 4711, "Quantity": "many", "SystemModstamp": at}
    with lab.altered("salesforce_service", "Asset", {asset["Id"]: changed}):
        result = fresh.good("salesforce_service", resources=["assets"])
    assert {entry[1:] for entry in result.drift} == {("serial_number", "retyped"), ("quantity", "retyped")}
    assert result.quarantined == {"assets": 1} and result.is_complete  # the text that is no number waits there with its row


def test_a_new_status_lands_as_it_is(fresh, lab):
    id = held(lab, "salesforce_service", "Case")[2]["Id"]
    before = lab.store("salesforce_service").get("Case", id)["Status"]
    write(fresh, "salesforce_service", "PATCH", f"sobjects/Case/{id}", {"Status": "Waiting for parts"})
    fresh.good("salesforce_service", resources=["cases"])
    assert newest(fresh, "salesforce_service", "cases", id, "status") == [("Waiting for parts",)]
    write(fresh, "salesforce_service", "PATCH", f"sobjects/Case/{id}", {"Status": before})


# --- what others ask of the reader ---


def test_the_reader_tells_who_we_are_and_when_something_changed(fresh, lab):
    reader = reader_of("soql")
    for name in ORGS:
        with fresh.client(name) as client:
            who, quota = reader.describe(client)
            assert who.startswith("user 005") and "00D" in who and " of 100000 requests today" in quota
            before = reader.newest_change(client)
            client.request("PATCH", f"sobjects/Account/{held(lab, name, 'Account')[3]['Id']}", json={"Site": "South"}, write=True)
            moved = reader.newest_change(client)
            assert before and moved != before
    with fresh.client("salesforce_service") as client:
        client.request("PATCH", f"sobjects/Case/{held(lab, 'salesforce_service', 'Case')[3]['Id']}", json={"Language": "de"}, write=True)
        assert reader.newest_change(client) != moved


def test_given_records_are_read_again(fresh, lab):
    fresh.good("salesforce_service", resources=["cases"])
    id = held(lab, "salesforce_service", "Case")[4]["Id"]
    write(fresh, "salesforce_service", "PATCH", f"sobjects/Case/{id}", {"Language": "fr"})
    result = fresh.good("salesforce_service", keys={"cases": [id]})
    assert result.rows == {"cases": 1} and newest(fresh, "salesforce_service", "cases", id, "language") == [("fr",)]
