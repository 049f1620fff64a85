"""Oracle Fusion end to end: slices, lists without filter, rows under accounts, SOAP profiles, both logins, drift of the contract."""

from __future__ import annotations

import pickle
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from concord.connections import SandboxAccount
from ingestion.landing import completed_loads
from ingestion.readers import reader_of
from ingestion.spec import load_system
from sandbox.world.model import native_id

NAME = "oracle_fusion"
PROJECT = Path(__file__).resolve().parents[2]
CRM = "/crmRestApi/resources/11.13.18.05/"
PROFILE = "http://xmlns.oracle.com/apps/financials/receivables/customers/customerProfileService/"


@pytest.fixture(scope="module")
def lab(make_lab):
    return make_lab(NAME, scale=0.05)


@pytest.fixture
def fresh(lab, tmp_path):
    return lab.elsewhere(tmp_path)


@pytest.fixture
def seen(lab, monkeypatch):
    """Every request that the vendor gets: method, path, query, and how many ran at once."""
    vendor, requests = lab.sandbox.vendors[NAME], []
    handle = vendor.handle

    def watch(request):
        requests.append((request.method, request.path, dict(request.query), request.in_flight))
        return handle(request)

    monkeypatch.setattr(vendor, "handle", watch)
    return requests


@contextmanager
def held(lab, collection, records):
    vendor = lab.sandbox.vendors[NAME]
    try:
        with lab.altered(NAME, collection, records):
            vendor.forget()
            yield
    finally:
        vendor.forget()


def write(fresh, method, path, body=None, **options):
    with fresh.client(NAME) as client:
        return client.request(method, path, json=body, write=True, **options)


def first_of(lab, collection, **wanted):
    return next((key, record) for key, record in lab.store(NAME).collection(collection).items() if all(record.get(name) == value for name, value in wanted.items()))


def newest(fresh, table, column, key, id, version="updated_at"):
    return fresh.rows(NAME, table, f"SELECT {column} FROM t WHERE {key} = {id} ORDER BY {version} DESC NULLS LAST, _extracted_at DESC, _load_id DESC LIMIT 1")[0][0]


def smaller(monkeypatch, **limits):
    system = load_system(NAME)
    small = system.model_copy(update={"limits": system.limits.model_copy(update=limits)})
    monkeypatch.setattr("ingestion.client.load_system", lambda name: small)


def pay(fresh, lab):
    """A receipt that settles an open invoice by ten; the invoice keeps its stamp."""
    key, record = next((key, record) for key, record in lab.store(NAME).collection("receivablesInvoices").items() if (record["InvoiceBalanceAmount"] or 0) > 100)
    answer = write(fresh, "POST", "standardReceipts", {
        "ReceiptNumber": f"T-{time.monotonic_ns()}", "ReceiptDate": "2026-01-05", "Amount": 10, "Currency": record["InvoiceCurrencyCode"],
        "BusinessUnit": record["BusinessUnit"], "ReceiptMethod": "Electronic", "CustomerAccountNumber": record["BillToCustomerNumber"],
        "remittanceReferences": [{"ReceiptMatchBy": "Transaction Number", "ReferenceNumber": record["TransactionNumber"], "ReferenceAmount": 10}]})
    return key, record, answer.json()


# --- reading ---------------------------------------------------------------------------------------------------------------


def test_first_read_is_complete_and_a_second_lands_nothing(fresh, lab):
    first = fresh.good(NAME)
    assert first.is_complete, [audit for audit in first.audits if not audit.is_complete]
    assert {audit.resource for audit in first.audits} == set(load_system(NAME).resources)
    assert not first.quarantined and not first.drift
    held_there = {"customers": "hubOrganizations", "orders": "salesOrdersForOrderHub", "invoices": "receivablesInvoices", "receipts": "standardReceipts",
                  "credit_memos": "receivablesCreditMemos", "shipments": "shipments", "items": "itemsV2", "persons": "hubPersons"}
    for table, collection in held_there.items():
        assert first.rows[table] == len(lab.store(NAME).collection(collection)), table
    assert fresh.good(NAME).rows == {}  # R16: a run without news succeeds


def test_rows_land_as_the_vendor_holds_them(fresh, lab):
    fresh.good(NAME, resources=["invoices", "customers"])
    key, record = next(iter(lab.store(NAME).collection("receivablesInvoices").items()))
    [row] = fresh.rows(NAME, "invoices", f"SELECT amount::DOUBLE, balance::DOUBLE, currency, cross_reference, payment_reference, due_date::VARCHAR FROM t WHERE invoice_id = {key}")
    assert row == (record["EnteredAmount"], record["InvoiceBalanceAmount"], record["InvoiceCurrencyCode"], record.get("CrossReference"), record["StructuredPaymentReference"], record["DueDate"])
    tax = sum(line["TaxAmount"] for one in record["receivablesInvoiceLines"] for line in one.get("receivablesInvoiceLineTaxLines", ()))
    assert fresh.rows(NAME, "invoice_lines", f"SELECT sum(tax_amount)::DOUBLE, count(*) FROM t WHERE invoice_id = {key}") == [(pytest.approx(tax), len(record["receivablesInvoiceLines"]))]
    assert fresh.rows(NAME, "customers", f"SELECT name, updated_at::VARCHAR LIKE '20%' FROM t WHERE party_id = {native_id(NAME, 'customer', 1)}")[0][1]


def test_r1_r4_a_change_lands_once_through_the_overlap(fresh, lab):
    fresh.good(NAME, resources=["customers"])
    [(number, id)] = fresh.rows(NAME, "customers", "SELECT party_number, party_id FROM t ORDER BY party_id LIMIT 1")
    write(fresh, "PATCH", f"{CRM}hubOrganizations/{number}", {"URL": "https://changed.example"})
    assert fresh.good(NAME, resources=["customers"]).rows == {"customers": 1}
    assert fresh.good(NAME, resources=["customers"]).rows == {}  # still inside the overlap
    assert newest(fresh, "customers", "website", "party_id", id) == "https://changed.example"


def test_r2_the_filter_is_a_moment_with_its_offset_and_milliseconds(fresh, seen):
    fresh.good(NAME, resources=["customers"])
    seen.clear()
    fresh.good(NAME, resources=["customers"])
    asked = [query["q"] for _, path, query, _ in seen if path.endswith("hubOrganizations") and "q" in query]
    assert asked and all("." in q and "+00:00'" in q for q in asked)


def test_r5_only_what_changed_is_asked_for(fresh, lab, seen):
    fresh.good(NAME, resources=["orders", "items", "persons", "inventory_organizations"])
    seen.clear()
    _, record = first_of(lab, "salesOrdersForOrderHub", StatusCode="OPEN")
    write(fresh, "PATCH", f"salesOrdersForOrderHub/{record['OrderKey']}", {"CustomerPONumber": "PO-1"})
    result = fresh.good(NAME, resources=["orders", "items", "persons", "inventory_organizations"])
    assert result.rows["orders"] == 1 and set(result.rows) <= {"orders", "order_lines", "order_totals", "order_holds"}
    assert result.requests < 20
    assert all("LastUpdateDate" in query.get("q", "") for _, path, query, _ in seen if path.endswith("salesOrdersForOrderHub") and "expand" in query)


def test_r5_a_payment_is_seen_though_the_invoice_keeps_its_stamp(fresh, lab):
    fresh.good(NAME, resources=["invoices", "receipts", "receipt_applications"])
    key, before, receipt = pay(fresh, lab)
    result = fresh.good(NAME, resources=["invoices", "receipts", "receipt_applications"])
    assert result.rows["invoices"] == 1 and result.rows["receipts"] == 1
    assert float(newest(fresh, "invoices", "balance", "invoice_id", key)) == before["InvoiceBalanceAmount"] - 10
    assert float(newest(fresh, "invoice_installments", "paid_amount", "invoice_id", key, "_changed_at")) >= 10
    assert fresh.rows(NAME, "receipt_applications", f"SELECT invoice_id FROM t WHERE receipt_id = {receipt['StandardReceiptId']}") == [(int(key),)]
    assert fresh.good(NAME, resources=["invoices", "receipts", "receipt_applications"]).rows == {}


def test_r6_applications_are_read_for_the_accounts_of_changed_receipts_only(fresh, lab, seen):
    fresh.good(NAME, resources=["receipts", "receipt_applications"])
    first = sum("/child/standardReceiptApplications" in path for _, path, _, _ in seen)
    assert first == len(lab.store(NAME).collection("receivablesCustomerAccountActivities"))
    assert all("ApplicationLimitByDays=36500" in query["finder"] for _, path, query, _ in seen if "/child/standardReceiptApplications" in path)
    seen.clear()
    pay(fresh, lab)
    result = fresh.good(NAME, resources=["receipts", "receipt_applications"])
    assert result.rows == {"receipts": 1, "receipt_references": 1, "receipt_applications": 1}
    assert sum("/child/standardReceiptApplications" in path for _, path, _, _ in seen) == 1


def test_r6_children_come_with_their_parent_and_vanish_with_it(fresh, lab):
    fresh.good(NAME, resources=["customers"])
    key, record = next((key, record) for key, record in lab.store(NAME).collection("hubOrganizations").items() if len(record["ContactPoint"]) == 3)
    point = record["ContactPoint"][0]["ContactPointId"]
    write(fresh, "DELETE", f"{CRM}hubOrganizations/{record['PartyNumber']}/child/ContactPoint/{point}")
    assert fresh.good(NAME, resources=["customers"]).rows == {"customers": 1, "customer_contact_points": 1}
    assert fresh.rows(NAME, "customer_contact_points", f"SELECT _deleted FROM t WHERE contact_point_id = {point} ORDER BY _extracted_at, _load_id") == [(False,), (True,)]


def test_a_credit_hold_set_in_the_profile_service_lands(fresh, lab):
    fresh.good(NAME, resources=["customer_profiles"])
    id, number = fresh.rows(NAME, "customer_profiles", "SELECT account_id, account_number FROM t WHERE credit_hold = 'N' ORDER BY 1 LIMIT 1")[0]
    body = (f'<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" xmlns:t="{PROFILE}types/" xmlns:c="{PROFILE}"><e:Body><t:updateCustomerProfile>'
            f"<t:customerProfile><c:AccountNumber>{number}</c:AccountNumber><c:CreditHold>Y</c:CreditHold></t:customerProfile></t:updateCustomerProfile></e:Body></e:Envelope>")
    with fresh.client(NAME) as client:
        client.request("POST", "/fscmService/ReceivablesCustomerProfileService", data=body.encode(), headers={"Content-Type": "text/xml", "Accept": "text/xml"}, write=True)
    fresh.sandbox.advance(seconds=2)  # versions of one second are told apart by their loads only
    assert fresh.good(NAME, resources=["customer_profiles"]).rows == {"customer_profiles": 1}
    assert newest(fresh, "customer_profiles", "credit_hold", "account_id", id, "_changed_at") == "Y"


# --- deletes and completeness ----------------------------------------------------------------------------------------------


def test_r7_a_deleted_party_is_a_tombstone_with_its_children(fresh):
    number = write(fresh, "POST", f"{CRM}hubOrganizations", {"OrganizationName": "Gone Ltd", "Address": [{"Address1": "1", "City": "X", "Country": "US"}]}).json()["PartyNumber"]
    fresh.good(NAME, resources=["customers"])
    id = fresh.rows(NAME, "customers", f"SELECT party_id FROM t WHERE party_number = '{number}'")[0][0]
    write(fresh, "DELETE", f"{CRM}hubOrganizations/{number}")
    assert fresh.good(NAME, resources=["customers"]).rows == {"customers": 1, "customer_addresses": 1}
    assert newest(fresh, "customers", "_deleted", "party_id", id) is True
    assert fresh.good(NAME, resources=["customers"]).rows == {}


def test_r7_what_a_list_without_filter_no_longer_holds_is_a_tombstone(fresh, lab):
    fresh.good(NAME, resources=["shipments", "customer_accounts"])
    gone, account = (next(iter(lab.store(NAME).collection(name))) for name in ("shipments", "receivablesCustomerAccountActivities"))
    with held(lab, "shipments", {gone: None}), held(lab, "receivablesCustomerAccountActivities", {account: None}):
        time.sleep(6)  # a row read just now is not settled yet
        assert fresh.good(NAME, resources=["shipments", "customer_accounts"]).rows == {"shipments": 1, "customer_accounts": 1}
    assert newest(fresh, "shipments", "_deleted", "delivery_id", gone) is True
    assert newest(fresh, "customer_accounts", "_deleted", "account_id", account, "_changed_at") is True


def test_r7_an_incomplete_invoice_that_was_deleted_is_a_tombstone(fresh, lab):
    made = write(fresh, "POST", "receivablesInvoices", {
        "BusinessUnit": "Operations BU", "TransactionSource": "Manual", "TransactionType": "Invoice", "TransactionDate": "2026-01-02",
        "BillToCustomerNumber": "100001", "InvoiceCurrencyCode": "USD", "receivablesInvoiceLines": [{"Description": "x", "Quantity": 1, "UnitSellingPrice": 9}]}).json()
    fresh.good(NAME, resources=["invoices"])
    write(fresh, "DELETE", f"receivablesInvoices/{made['CustomerTransactionId']}")
    fresh.good(NAME, resources=["invoices"])
    assert newest(fresh, "invoices", "_deleted", "invoice_id", made["CustomerTransactionId"]) is True


def test_r10_a_read_that_broke_off_buries_nothing(fresh, lab, monkeypatch):
    fresh.good(NAME, resources=["receipts"])
    smaller(monkeypatch, page_size=50, longest_wait=timedelta(milliseconds=1))
    gone = list(lab.store(NAME).collection("standardReceipts"))[-1]
    with held(lab, "standardReceipts", {gone: None}):
        lab.sandbox.fault(NAME, "429", "standardReceipts", after=2, count=1)
        result = fresh.good(NAME, resources=["receipts"])
        assert result.stopped and not result.is_complete
    assert fresh.rows(NAME, "receipts", "SELECT count(*) FROM t WHERE _deleted") == [(0,)]


def test_r10_lost_data_access_looks_like_an_empty_list_and_buries_nothing(fresh, lab, monkeypatch):
    import dataclasses

    fresh.good(NAME, resources=["receipts", "invoices", "customers"])
    vendor = lab.sandbox.vendors[NAME]
    monkeypatch.setattr(vendor, "_settings", dataclasses.replace(vendor._settings, business_units=frozenset({"Other BU"})))
    vendor.forget()
    try:
        result = fresh.good(NAME, resources=["receipts", "invoices", "customers"])
    finally:
        monkeypatch.undo()
        vendor.forget()
    assert set(result.failed) == {"receipts", "invoices"} and not result.is_complete
    for table in ("receipts", "invoices"):
        assert fresh.rows(NAME, table, "SELECT count(*) FROM t WHERE _deleted") == [(0,)]
    assert fresh.good(NAME, resources=["receipts", "invoices"]).is_complete


def test_deletes_that_may_not_be_read_do_not_stop_the_parties(fresh, lab, monkeypatch):
    import dataclasses

    fresh.good(NAME, resources=["customers", "deleted_records"])
    vendor = lab.sandbox.vendors[NAME]
    monkeypatch.setattr(vendor, "_settings", dataclasses.replace(vendor._settings, forbidden=frozenset({"deletedRecords"})))
    result = fresh.good(NAME, resources=["customers", "deleted_records"])
    assert list(result.failed) == ["deleted_records"] and not result.is_complete


def test_r3_r8_fewer_rows_than_the_vendor_counts_is_incomplete(fresh, lab):
    hidden = {key: {**record, "_hidden": True} for key, record in list(lab.store(NAME).collection("receivablesInvoices").items())[:3]}
    with held(lab, "receivablesInvoices", hidden):
        result = fresh.good(NAME, resources=["invoices"])
    [audit] = result.audits
    assert not audit.is_complete and audit.expected == audit.actual + 3 and audit.method == "totalResults"
    everything = {key: {**record, "_hidden": True} for key, record in lab.store(NAME).collection("itemsV2").items()}
    with held(lab, "itemsV2", everything):
        assert not fresh.good(NAME, resources=["items"]).is_complete  # nothing came, and that is no success


def test_r9_pages_smaller_than_the_lists_lose_and_double_nothing(fresh, lab, monkeypatch):
    smaller(monkeypatch, page_size=7)
    result = fresh.good(NAME, resources=["invoices", "orders", "receipts", "shipment_lines", "currencies", "items"])
    assert result.is_complete
    for table, key in (("invoices", "invoice_id"), ("orders", "header_id"), ("receipts", "receipt_id"), ("shipment_lines", "shipment_line_id")):
        assert fresh.rows(NAME, table, f"SELECT count(*) - count(DISTINCT {key}) FROM t") == [(0,)]


def test_r4_a_row_that_changes_between_two_pages_is_neither_lost_nor_in_the_way(fresh, lab, monkeypatch):
    smaller(monkeypatch, page_size=20)
    vendor, pages = lab.sandbox.vendors[NAME], []
    handle = vendor.handle

    def meddle(request):
        answer = handle(request)
        if request.path.endswith("hubOrganizations") and "expand" in dict(request.query):
            pages.append(1)
            if len(pages) == 2:  # a row of the first page moves to the end of any order by time
                record = vendor.store.get("hubOrganizations", native_id(NAME, "customer", 1))
                vendor._put("hubOrganizations", native_id(NAME, "customer", 1), {**record, "LastUpdateDate": "2026-11-21T00:00:00.000+00:00", "Comments": "moved"})
        return answer

    monkeypatch.setattr(vendor, "handle", meddle)
    result = fresh.good(NAME, resources=["customers"])
    assert result.is_complete and len(pages) > 3
    assert fresh.rows(NAME, "customers", "SELECT count(*) = count(DISTINCT party_id) FROM t") == [(True,)]


def test_a_long_nested_list_is_read_on_from_its_own_address(fresh, lab, monkeypatch):
    key, record = next(iter(lab.store(NAME).collection("receivablesInvoices").items()))
    line = record["receivablesInvoiceLines"][0]
    lines = [{**line, "CustomerTransactionLineId": 320_900_000_000_000 + place, "LineNumber": place} for place in range(1, 41)]
    monkeypatch.setattr(lab.sandbox.vendors[NAME]._answers, "_expanded_limit", 15)
    smaller(monkeypatch, page_size=10)
    with held(lab, "receivablesInvoices", {key: {**record, "receivablesInvoiceLines": lines}}):
        fresh.good(NAME, resources=["invoices"], keys={"invoices": [int(key)]})
    assert fresh.rows(NAME, "invoice_lines", f"SELECT count(DISTINCT line_id), sum(tax_amount) > 0 FROM t WHERE invoice_id = {key}") == [
        (40, bool(line.get("receivablesInvoiceLineTaxLines")) or None)]


# --- trouble ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["500", "truncated", "cut_before", "cut_after"])
def test_trouble_while_reading_is_waited_out(fresh, lab, kind):
    lab.sandbox.fault(NAME, kind, "salesOrders|itemsV2", count=2)
    assert fresh.good(NAME, resources=["orders", "items"]).is_complete


def test_r11_a_spent_quota_ends_the_run_cleanly_and_the_next_goes_on(fresh, lab, monkeypatch):
    smaller(monkeypatch, page_size=20, longest_wait=timedelta(milliseconds=1))
    lab.sandbox.fault(NAME, "429", "hubOrganizations", after=2, count=1)
    first = fresh.good(NAME, resources=["customers"])
    assert first.stopped and not first.is_complete and 0 < first.rows["customers"] < 100
    second = fresh.good(NAME, resources=["customers"])
    assert not second.stopped and second.is_complete
    assert fresh.rows(NAME, "customers", "SELECT count(*) - count(DISTINCT party_id) FROM t") == [(0,)]


def test_r14_detail_reads_run_side_by_side_within_the_bound(fresh, seen):
    fresh.good(NAME, resources=["customer_profiles", "receipt_applications"])
    busiest = max(in_flight for _, _, _, in_flight in seen)
    assert 1 < busiest <= load_system(NAME).limits.concurrency


def test_r19_after_a_failed_read_the_cursor_has_not_moved(fresh, lab):
    fresh.good(NAME, resources=["customers", "persons"])
    [(number, id)] = fresh.rows(NAME, "customers", "SELECT party_number, party_id FROM t ORDER BY party_id DESC LIMIT 1")
    write(fresh, "PATCH", f"{CRM}hubOrganizations/{number}", {"URL": "https://once.example"})
    lab.sandbox.fault(NAME, "500", "hubPersons", count=6)
    failed = fresh.ingest(NAME, resources=["customers", "persons"])
    assert failed.error is not None and failed.rows == {}
    result = fresh.good(NAME, resources=["customers", "persons"])
    assert fresh.rows(NAME, "customers", f"SELECT party_id FROM t WHERE _load_id = '{result.load_id}' AND NOT _deleted") == [(id,)]
    assert newest(fresh, "customers", "website", "party_id", id) == "https://once.example"


@pytest.mark.slow
def test_r19_killed_anywhere_the_next_run_completes_without_gap_or_double(fresh, lab):
    script = (
        "import sys, pickle; settings, connections, accounts = pickle.load(open(sys.argv[1], 'rb'))\n"
        "from ingestion.run import ingest\nprint('go', flush=True)\ningest(settings, connections, accounts=accounts)\n")
    handed = fresh.settings.home / "handed.pickle"
    handed.write_bytes(pickle.dumps((fresh.settings, fresh.connections, fresh.accounts)))
    for wait in (0.3, 0.9, 1.6):
        process = subprocess.Popen([sys.executable, "-c", script, str(handed)], cwd=PROJECT, stdout=subprocess.PIPE)
        process.stdout.readline()
        time.sleep(wait)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert fresh.good(NAME).error is None
    loads = ", ".join(f"'{load}'" for load in completed_loads(fresh.settings, NAME))
    for table, key, collection in (("invoices", "invoice_id", "receivablesInvoices"), ("orders", "header_id", "salesOrdersForOrderHub")):
        count, distinct = fresh.rows(NAME, table, f"SELECT count(*), count(DISTINCT {key}) FROM t WHERE NOT _deleted AND _load_id IN ({loads})")[0]
        assert count == distinct == len(lab.store(NAME).collection(collection))


def test_an_expired_token_is_renewed(fresh, lab):
    fresh.connections[NAME], before = fresh.connections[NAME].model_copy(update={"auth": "client_credentials"}), fresh.connections[NAME]
    try:
        with fresh.client(NAME) as client:
            client.server_time()
            lab.sandbox.vendors[NAME].expire_tokens()
            client.request("GET", client.system.whoami)
        assert fresh.good(NAME, resources=["customers"]).is_complete
    finally:
        fresh.connections[NAME] = before


def test_a_wrong_password_is_one_clear_message(fresh):
    account = fresh.accounts[NAME]
    fresh.accounts[NAME] = SandboxAccount(account.base_url, {**account.secrets, "password": "x"})
    try:
        error = fresh.ingest(NAME).error
        assert error is not None and "wrong or revoked secret" in str(error)
    finally:
        fresh.accounts[NAME] = account


def test_a_resource_without_privilege_fails_alone(fresh, lab, monkeypatch):
    import dataclasses

    vendor = lab.sandbox.vendors[NAME]
    monkeypatch.setattr(vendor, "_settings", dataclasses.replace(vendor._settings, forbidden=frozenset({"standardReceipts"})))
    result = fresh.good(NAME, resources=["receipts", "customers"])
    assert list(result.failed) == ["receipts"] and result.rows["customers"] > 0


def test_targeted_reads_take_given_records_only(fresh, lab):
    fresh.good(NAME, resources=["orders", "customer_profiles"])
    key, record = first_of(lab, "salesOrdersForOrderHub", StatusCode="OPEN")
    write(fresh, "PATCH", f"salesOrdersForOrderHub/{record['OrderKey']}", {"Comments": "now"})
    result = fresh.good(NAME, keys={"orders": [int(key)]})
    assert result.rows["orders"] == 1 and result.requests < 5
    assert newest(fresh, "orders", "comments", "header_id", key) == "now"


def test_describe_and_newest_change(fresh, lab):
    reader = reader_of(load_system(NAME).protocol)
    with fresh.client(NAME) as client:
        assert "Parent Company" in reader.describe(client)[0]
        before = reader.newest_change(client)
        assert reader.newest_change(client) == before
        _, record = first_of(lab, "salesOrdersForOrderHub", StatusCode="OPEN")
        client.request("PATCH", f"salesOrdersForOrderHub/{record['OrderKey']}", json={"Comments": "later"}, write=True)
        assert reader.newest_change(client) != before


# --- drift of the contract -------------------------------------------------------------------------------------------------


def drifted(lab, **changes):
    return {key: {**record, **changes} for key, record in lab.store(NAME).collection("receivablesInvoices").items()}


def test_r12_an_added_and_a_renamed_field_lose_no_row(fresh, lab, monkeypatch):
    answers = lab.sandbox.vendors[NAME]._answers
    monkeypatch.setattr(answers, "_unseen", frozenset({"receivablesInvoices.Comments"}))
    monkeypatch.setattr(answers, "_templates", {})
    with held(lab, "receivablesInvoices", drifted(lab, Remarks="renamed", Grade_c="A")):
        result = fresh.good(NAME, resources=["invoices"])
    assert result.is_complete
    assert {drift[1:] for drift in result.drift} == {("Remarks", "added"), ("Grade_c", "added"), ("comments", "removed")}
    assert fresh.rows(NAME, "invoices", "SELECT DISTINCT _extra->>'Grade_c', comments FROM t") == [("A", None)]


@pytest.mark.parametrize(("change", "column", "landed"), [
    ({"EnteredAmount": "44.50"}, "amount", "44.500000000"), ({"LastUpdatedBy": 7}, "updated_by", "7"), ({"InvoiceStatus": 7}, "status", "7"), ({"DocumentNumber": "12"}, "document_number", "12"),
])
def test_r12_a_retyped_field_lands_by_its_value_and_is_told(fresh, lab, change, column, landed):
    with held(lab, "receivablesInvoices", drifted(lab, **change)):
        result = fresh.good(NAME, resources=["invoices"])
    assert result.is_complete and [drift[1:] for drift in result.drift] == [(column, "retyped")]
    assert fresh.rows(NAME, "invoices", f"SELECT DISTINCT {column}::VARCHAR FROM t") == [(landed,)]


def test_r12_a_value_that_no_column_holds_is_quarantined_not_lost(fresh, lab):
    with held(lab, "receivablesInvoices", drifted(lab, DueDate="soon")):
        result = fresh.good(NAME, resources=["invoices"])
    assert result.is_complete and "invoices" not in result.rows  # all of them are there, in the quarantine
    assert fresh.rows(NAME, "_quarantine", "SELECT DISTINCT \"column\" FROM t WHERE resource = 'invoices'") == [("due_date",)]


def test_r12_a_new_word_and_a_null_land_as_they_are(fresh, lab):
    with held(lab, "receivablesInvoices", drifted(lab, InvoiceStatus="Pending approval", DueDate=None)):
        result = fresh.good(NAME, resources=["invoices"])
    assert result.is_complete and not result.quarantined
    assert fresh.rows(NAME, "invoices", "SELECT DISTINCT status, due_date FROM t") == [("Pending approval", None)]
