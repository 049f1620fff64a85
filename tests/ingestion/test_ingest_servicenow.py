"""ServiceNow end to end: ties, rights, tombstones with and without an audit, rate limits, drift, both logins."""

from __future__ import annotations

import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from concord.connections import Connection, SandboxAccount
from concord.errors import ConcordError
from concord.settings import PROJECT, load_settings
from ingestion.landing import completed_loads
from ingestion.readers import reader_of
from ingestion.spec import load_system
from sandbox.accounts import settings as credentials
from sandbox.server import running
from tests.ingestion.conftest import Lab

NAME, ROWS = "servicenow", "SELECT count(*), count(DISTINCT id) FROM t WHERE NOT _deleted"


def lab_of(home: Path, auth: str = "", **options: Any) -> Any:
    return running(home, scale=0.1, vendors=(NAME,), vendor_settings={NAME: options})


def made(sandbox: Any, home: Path, auth: str = "") -> Lab:
    return Lab(
        sandbox, load_settings({"CONCORD_HOME": str(home), "CONCORD_DATA": ""}),
        {NAME: Connection(name=NAME, system=NAME, role="support", sandbox=True, auth=auth)},
        {NAME: SandboxAccount(sandbox.url(NAME), credentials(NAME, home))})


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    home = tmp_path_factory.mktemp("home")
    with lab_of(home) as sandbox:
        yield made(sandbox, home)


@pytest.fixture
def fresh(lab: Lab, tmp_path: Path) -> Lab:
    return lab.elsewhere(tmp_path)


def audits(result: Any) -> dict[str, Any]:
    return {audit.resource: audit for audit in result.audits}


def write(lab: Lab, method: str, path: str, body: Any = None) -> Any:
    with lab.client(NAME) as client:
        answer = client.request(method, f"/api/now/table/{path}", json=body, write=True)
        return answer.json()["result"] if answer.content else None


def pages_of(lab: Lab, size: int, monkeypatch: pytest.MonkeyPatch, **limits: Any) -> None:
    system = load_system(NAME)
    small = system.model_copy(update={"limits": system.limits.model_copy(update={"page_size": size, **limits})})
    monkeypatch.setattr("ingestion.client.load_system", lambda name: small)


def test_first_read_lands_everything_typed_counted_and_a_second_nothing(fresh: Lab, lab: Lab) -> None:
    result = fresh.good(NAME)
    system = load_system(NAME)
    assert set(audits(result)) == set(system.resources)
    for name, audit in audits(result).items():
        assert audit.method == "Aggregate API count"
        if name != "contacts":  # the world hides some of them
            assert audit.is_complete and audit.expected == audit.actual, name
    store = lab.store(NAME)
    for name in ("accounts", "cases", "entitlements", "assets", "products", "task_slas", "service_contracts"):
        assert fresh.rows(NAME, name, ROWS)[0] == (len(store.collection(system.resources[name].table)),) * 2
    assert fresh.rows(NAME, "users", ROWS)[0][0] == len(store.collection("sys_user"))
    case = next(row for row in store.collection("sn_customerservice_case").values() if row["state"] == "6" and row.get("u_order_number"))
    [landed] = fresh.rows(NAME, "cases", f"SELECT number, state, priority, order_number, has_credit_hold, strftime(resolved_at, '%Y-%m-%d %H:%M:%S'), "
                          f"account_id, assignee_id FROM t WHERE id = '{case['sys_id']}'")
    assert landed == (case["number"], "6", case["priority"], case["u_order_number"], case["u_credit_hold"] == "true", case["resolved_at"],
                      case["account"], case["assigned_to"])
    account = next(iter(store.collection("customer_account").values()))
    [landed] = fresh.rows(NAME, "accounts", f"SELECT name, erp_balance::VARCHAR, overdue_days, credit_status, erp_customer_id, typeof(erp_balance), "
                          f"typeof(entitlement_start_date), typeof(updated_at) FROM t WHERE id = '{account['sys_id']}'")
    assert landed[0] == account["name"] and float(landed[1]) == float(account["u_erp_balance"]) and landed[2] == int(account["u_overdue_days"])
    assert landed[3:] == (account["u_credit_status"], account["u_erp_customer_id"], "DECIMAL(38,9)", "DATE", "TIMESTAMP WITH TIME ZONE")
    assert fresh.rows(NAME, "case_comments", "SELECT DISTINCT element FROM t ORDER BY 1") == [("comments",), ("work_notes",)]
    before = set(fresh.settings.landing.rglob("*.parquet"))
    assert fresh.good(NAME).rows == {}
    assert {file.parent.name for file in set(fresh.settings.landing.rglob("*.parquet")) - before} == {"_audit"}  # R16


def test_r1_a_change_lands_once_through_the_overlap(fresh: Lab) -> None:
    fresh.good(NAME)
    [(id,)] = fresh.rows(NAME, "accounts", "SELECT min(id) FROM t")
    write(fresh, "PATCH", f"customer_account/{id}", {"u_overdue_days": "77"})
    result = fresh.good(NAME)
    assert result.rows == {"accounts": 1}
    assert fresh.rows(NAME, "accounts", f"SELECT overdue_days, updated_by FROM t WHERE id = '{id}' ORDER BY updated_at DESC, mod_count DESC LIMIT 1") == [
        (77, "concord.integration")]
    assert fresh.good(NAME).rows == {}  # still inside the overlap


def test_r1_a_row_that_became_visible_late_is_not_lost(fresh: Lab, lab: Lab) -> None:
    """Its stamp is older than the newest one read: its transaction took longer than another that began later."""
    id, record = next(iter(lab.store(NAME).collection("sn_customerservice_case").items()))
    newest = max(row["sys_updated_on"] for row in lab.store(NAME).collection("sn_customerservice_case").values())
    late = {**record, "sys_updated_on": newest[:-2] + "00"}
    with lab.altered(NAME, "sn_customerservice_case", {id: None}):
        fresh.good(NAME, resources=["cases"])
    with lab.altered(NAME, "sn_customerservice_case", {id: late}):
        assert fresh.good(NAME, resources=["cases"]).rows == {"cases": 1}


def test_r4_ties_over_page_borders_come_once_each(fresh: Lab, lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """An import set writes hundreds of rows in one second: the sys_id decides between them."""
    store = lab.store(NAME)
    fresh.good(NAME, resources=["cases"])
    stamp = (datetime.now(UTC) + timedelta(seconds=30)).strftime("%Y-%m-%d %H:%M:%S")
    rows = list(store.collection("sn_customerservice_case").items())
    tied = {id: {**row, "sys_updated_on": stamp, "sys_mod_count": "50"} for id, row in rows[:150]}
    pages_of(fresh, 40, monkeypatch)
    with lab.altered(NAME, "sn_customerservice_case", tied):
        result = fresh.good(NAME, resources=["cases"])
        assert result.rows == {"cases": 150} and audits(result)["cases"].is_complete
        assert fresh.rows(NAME, "cases", "SELECT count(DISTINCT id) FROM t WHERE mod_count = 50") == [(150,)]
        assert fresh.good(NAME, resources=["cases"]).rows == {}


def test_a_large_table_is_read_in_ranges_of_keys(fresh: Lab, lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    vendor, asked = lab.sandbox.vendors[NAME], []
    handle = vendor.handle

    def watched(request: Any) -> Any:
        asked.append(request.param("sysparm_query") or "")
        return handle(request)

    pages_of(fresh, 20, monkeypatch)
    monkeypatch.setattr(vendor, "handle", watched)
    result = fresh.good(NAME, resources=["cases", "case_changes"])
    for table, collection in (("cases", "sn_customerservice_case"), ("case_changes", "sys_audit")):
        there = [row for row in lab.store(NAME).collection(collection).values() if row.get("tablename", "sn_customerservice_case") == "sn_customerservice_case"]
        assert fresh.rows(NAME, table, ROWS) == [(len(there), len(there))] and audits(result)[table].is_complete
    ranges = [query for query in asked if "sys_id>=" in query and "sys_id<" in query]
    assert len(ranges) > 60 and any(query.startswith("tablename=sn_customerservice_case^") for query in ranges)
    monkeypatch.setattr(vendor, "handle", handle)
    assert fresh.good(NAME, resources=["cases", "case_changes"]).rows == {}


def test_r2_a_user_outside_greenwich_is_refused_with_the_mend(fresh: Lab, lab: Lab) -> None:
    id = lab.sandbox.vendors[NAME]._account.integration_id
    user = lab.store(NAME).get("sys_user", id)
    with lab.altered(NAME, "sys_user", {id: {**user, "time_zone": "America/Los_Angeles"}}):
        error = fresh.ingest(NAME, resources=["cases"]).error
        assert error is not None and "America/Los_Angeles" in str(error) and "GMT" in error.mend
        with fresh.client(NAME) as client, pytest.raises(ConcordError, match="time zone"):
            reader_of(NAME).describe(client)


def test_r3_r8_rows_that_are_counted_but_never_listed_are_missing(fresh: Lab, lab: Lab) -> None:
    id, record = next(iter(lab.store(NAME).collection("customer_account").items()))
    with lab.altered(NAME, "customer_account", {id: {**record, "_hidden": "true"}}):
        result = fresh.good(NAME, resources=["accounts"])
    audit = audits(result)["accounts"]
    assert audit.expected == audit.actual + 1 and not audit.is_complete and not result.is_complete


def test_r3_a_table_whose_rows_are_all_cut_is_no_success(tmp_path: Path) -> None:
    with lab_of(tmp_path, hidden_tables=("sn_customerservice_case",)) as sandbox:
        result = made(sandbox, tmp_path).good(NAME, resources=["cases"])
        assert result.rows == {} and not audits(result)["cases"].is_complete and audits(result)["cases"].expected > 0


def test_short_and_empty_pages_are_no_end(fresh: Lab, lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rights cut rows after the limit: whole pages may be empty with rows behind them."""
    rows = sorted(lab.store(NAME).collection("customer_account").values(), key=lambda row: (row["sys_updated_on"], row["sys_id"]))
    cut = {row["sys_id"]: {**row, "_hidden": "true"} for row in [*rows[:25], *rows[40:52], *rows[-3:]]}
    pages_of(fresh, 10, monkeypatch)
    with lab.altered(NAME, "customer_account", cut):
        fresh.good(NAME, resources=["accounts"])
    assert fresh.rows(NAME, "accounts", ROWS) == [(len(rows) - 40, len(rows) - 40)]


def test_r7_a_delete_comes_from_the_audit(fresh: Lab) -> None:
    made_one = write(fresh, "POST", "sn_customerservice_case", {"short_description": "gone soon"})
    fresh.good(NAME)
    write(fresh, "DELETE", f"sn_customerservice_case/{made_one['sys_id']}")
    assert fresh.good(NAME).rows == {"cases": 1}
    rows = fresh.rows(NAME, "cases", f"SELECT _deleted, subject FROM t WHERE id = '{made_one['sys_id']}' ORDER BY updated_at, _extracted_at, _load_id")
    assert rows == [(False, "gone soon"), (True, None)]
    assert fresh.good(NAME).rows == {}


def test_r7_a_delete_without_an_audit_is_found_by_the_keys(tmp_path: Path) -> None:
    with lab_of(tmp_path, audits_deletes=False) as sandbox:
        lab = made(sandbox, tmp_path)
        lab.good(NAME)
        [(gone,), (other,)] = lab.rows(NAME, "cases", "SELECT id FROM t ORDER BY id LIMIT 2")
        write(lab, "POST", "sn_customerservice_case", {"short_description": "one more, so that the count alone would not tell"})
        assert lab.good(NAME, resources=["cases"]).rows == {"cases": 1}
        write(lab, "DELETE", f"sn_customerservice_case/{gone}")
        result = lab.good(NAME, resources=["cases"])
        assert result.rows == {"cases": 1} and audits(result)["cases"].expected == audits(result)["cases"].actual
        assert lab.rows(NAME, "cases", "SELECT id FROM t WHERE _deleted") == [(gone,)]
        write(lab, "DELETE", f"sn_customerservice_case/{other}")
        made_two = write(lab, "POST", "sn_customerservice_case", {"short_description": "one came, one went"})["sys_id"]
        lab.good(NAME, resources=["cases"])
        assert {id for (id,) in lab.rows(NAME, "cases", "SELECT id FROM t WHERE _deleted")} == {gone, other}
        assert lab.rows(NAME, "cases", f"SELECT _deleted FROM t WHERE id = '{made_two}'") == [(False,)]


def test_r7_without_the_right_to_the_audit_the_keys_tell(fresh: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    from ingestion.client import Client, Refused

    made_one = write(fresh, "POST", "customer_account", {"name": "Gone Ltd"})
    fresh.good(NAME, resources=["accounts"])
    write(fresh, "DELETE", f"customer_account/{made_one['sys_id']}")
    ask = Client.read

    def refused(self: Client, method: str, path: str, **how: Any) -> Any:
        if "sys_audit_delete" in path:
            raise Refused("servicenow", 403, {}, "", "Operation Failed")
        return ask(self, method, path, **how)

    monkeypatch.setattr(Client, "read", refused)
    assert fresh.good(NAME, resources=["accounts"]).rows == {"accounts": 1}
    assert fresh.rows(NAME, "accounts", f"SELECT bool_or(_deleted) FROM t WHERE id = '{made_one['sys_id']}'") == [(True,)]


def test_r7_a_table_without_an_audit_is_read_whole(fresh: Lab, lab: Lab) -> None:
    fresh.good(NAME)
    id = next(iter(lab.store(NAME).collection("sys_user_grmember")))
    with lab.altered(NAME, "sys_user_grmember", {id: None}):
        assert fresh.good(NAME).rows == {"group_members": 1}
    assert fresh.rows(NAME, "group_members", "SELECT id FROM t WHERE _deleted") == [(id,)]


def test_r10_a_broken_read_buries_nothing(fresh: Lab, lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    fresh.good(NAME, resources=["group_members", "cases"])
    pages_of(fresh, 3, monkeypatch, longest_wait=timedelta(milliseconds=1))
    lab.sandbox.fault(NAME, "429", "table/sys_user_grmember", after=2)
    result = fresh.good(NAME, resources=["group_members"])
    assert result.stopped and not result.is_complete
    assert fresh.rows(NAME, "group_members", "SELECT count(*) FROM t WHERE _deleted") == [(0,)]
    assert not fresh.good(NAME, resources=["group_members"]).stopped
    assert fresh.rows(NAME, "group_members", "SELECT count(DISTINCT id), count(*) FILTER (_deleted) FROM t") == [
        (len(lab.store(NAME).collection("sys_user_grmember")), 0)]


def test_r10_a_full_read_buries_what_is_gone(fresh: Lab, lab: Lab) -> None:
    fresh.good(NAME, resources=["accounts"])
    id = next(iter(lab.store(NAME).collection("customer_account")))
    with lab.altered(NAME, "customer_account", {id: None}):
        fresh.good(NAME, resources=["accounts"], full=True)
    assert fresh.rows(NAME, "accounts", "SELECT id FROM t WHERE _deleted") == [(id,)]


def test_threads_that_begin_together_ask_for_the_time_once(fresh: Lab) -> None:
    with fresh.client(NAME) as client, ThreadPoolExecutor(8) as threads:
        together = Barrier(8)
        said = list(threads.map(lambda _: together.wait() >= 0 and client.server_time(), range(8)))
        assert len(said) == 8 and client.usage.requests == 1


def test_r6_new_comments_of_one_case_cost_one_page(fresh: Lab) -> None:
    fresh.good(NAME)
    [(id,)] = fresh.rows(NAME, "cases", "SELECT min(id) FROM t WHERE state = '10'")
    baseline = fresh.good(NAME).requests
    write(fresh, "PATCH", f"sn_customerservice_case/{id}", {"work_notes": "called the customer"})
    result = fresh.good(NAME)
    assert result.rows == {"cases": 1, "case_comments": 1} and result.requests <= baseline
    [note] = fresh.rows(NAME, "case_comments", f"SELECT element, body, created_by FROM t WHERE case_id = '{id}' ORDER BY created_at DESC LIMIT 1")
    assert note == ("work_notes", "called the customer", "concord.integration")


def test_r9_a_transaction_that_is_cancelled_is_asked_for_less(tmp_path: Path) -> None:
    with lab_of(tmp_path, transaction_rows=60) as sandbox:
        lab = made(sandbox, tmp_path)
        result = lab.good(NAME, resources=["cases"])
        total = len(sandbox.vendors[NAME].store.collection("sn_customerservice_case"))
        assert audits(result)["cases"].is_complete and lab.rows(NAME, "cases", ROWS) == [(total, total)]
    with lab_of(tmp_path / "b", transaction_rows=10) as sandbox:
        error = made(sandbox, tmp_path / "b").ingest(NAME, resources=["cases"]).error
        assert error is not None and "maximum execution time exceeded" in str(error)


def test_r11_a_spent_quota_ends_the_run_and_the_next_goes_on(fresh: Lab, lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    pages_of(fresh, 50, monkeypatch, longest_wait=timedelta(milliseconds=1))
    lab.sandbox.fault(NAME, "429", "table/sn_customerservice_case", after=3)
    first = fresh.good(NAME, resources=["cases"])
    assert first.stopped and not first.is_complete and 0 < first.rows["cases"] < 200
    second = fresh.good(NAME, resources=["cases"])
    assert not second.stopped and second.is_complete
    total = len(lab.store(NAME).collection("sn_customerservice_case"))
    assert first.rows["cases"] + second.rows["cases"] == total
    assert fresh.rows(NAME, "cases", ROWS) == [(total, total)]
    assert fresh.good(NAME, resources=["cases"]).rows == {}


def test_r11_the_hourly_limit_is_waited_out_or_checkpointed(tmp_path: Path) -> None:
    with lab_of(tmp_path, requests_per_hour=12) as sandbox:
        lab = made(sandbox, tmp_path)
        result = lab.good(NAME)
        assert result.stopped and "2" in result.stopped and not result.is_complete
        with pytest.raises(ConcordError), lab.client(NAME) as client:
            client.request("GET", client.system.whoami)
        sandbox.advance(seconds=3601)
        with lab.client(NAME) as client:
            assert reader_of(NAME).describe(client)[1].startswith("12 requests an hour")


def test_r12_schema_drift_loses_no_row(fresh: Lab, lab: Lab) -> None:
    store = lab.store(NAME)
    cases = store.collection("sn_customerservice_case")
    fresh.good(NAME, resources=["cases"])
    ids = sorted(cases)
    changed = {id: {**cases[id], "u_new": "x", "u_order_number": cases[id].get("u_order_number", ""), "state": "1006"} for id in ids[:2]}
    changed[ids[2]] = {**cases[ids[2]], "opened_at": "yesterday", "sys_mod_count": "99"}
    changed[ids[3]] = {**cases[ids[3]], "priority": "", "sys_mod_count": "99"}
    stamp = max(row["sys_updated_on"] for row in cases.values())
    with lab.altered(NAME, "sn_customerservice_case", {id: {**row, "sys_updated_on": stamp} for id, row in changed.items()}):
        result = fresh.good(NAME, resources=["cases"])
        assert ("cases", "u_new", "added") in result.drift and ("cases", "opened_at", "retyped") in result.drift
        assert result.rows == {"cases": 3} and result.quarantined == {"cases": 1} and audits(result)["cases"].is_complete
    assert fresh.rows(NAME, "cases", "SELECT state, json_extract_string(_extra, 'u_new') FROM t WHERE json_extract_string(_extra, 'u_new') <> ''") == [
        ("1006", "x")] * 2
    assert fresh.rows(NAME, "cases", f"SELECT priority FROM t WHERE id = '{ids[3]}' ORDER BY mod_count DESC NULLS LAST LIMIT 1") == [("",)]
    [(reason,)] = fresh.rows(NAME, "_quarantine", "SELECT reason FROM t")
    assert "no time of the form" in reason


def test_r12_a_renamed_column_is_told_as_removed_and_added(fresh: Lab, lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    system = load_system(NAME)
    accounts = system.resources["accounts"]
    columns = {**accounts.columns, "tax_id": accounts.columns["tax_id"].model_copy(update={"path": "u_vat_number"})}
    renamed = system.model_copy(update={"resources": {**system.resources, "accounts": accounts.model_copy(update={"columns": columns})}})
    fresh.good(NAME, resources=["accounts"])
    monkeypatch.setattr("ingestion.run.load_system", lambda name: renamed)
    monkeypatch.setattr("ingestion.client.load_system", lambda name: renamed)
    result = fresh.good(NAME, resources=["accounts"], full=True)
    assert ("accounts", "tax_id", "removed") in result.drift and ("accounts", "u_tax_id", "added") in result.drift and result.is_complete
    assert fresh.rows(NAME, "accounts", "SELECT count(*) FROM t WHERE json_extract_string(_extra, 'u_tax_id') IS NOT NULL AND tax_id IS NULL")[0][0] > 0


def test_r14_at_most_as_many_requests_at_once_as_the_system_file_says(fresh: Lab, lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    vendor, most = lab.sandbox.vendors[NAME], [0]
    handle = vendor.handle

    def watched(request: Any) -> Any:
        most[0] = max(most[0], request.in_flight)
        return handle(request)

    monkeypatch.setattr(vendor, "handle", watched)
    fresh.good(NAME)
    assert 1 < most[0] <= load_system(NAME).limits.concurrency


def test_r19_killed_anywhere_the_next_run_completes_without_gap_or_double(fresh: Lab, lab: Lab) -> None:
    script = (
        "import sys, pickle; settings, connections, accounts = pickle.load(open(sys.argv[1], 'rb'))\n"
        "from ingestion.run import ingest\nprint('go', flush=True)\ningest(settings, connections, accounts=accounts)\n"
    )
    handed = fresh.settings.home / "handed.pickle"
    handed.write_bytes(pickle.dumps((fresh.settings, fresh.connections, fresh.accounts)))
    for wait in (0.2, 0.9, 1.6):
        process = subprocess.Popen([sys.executable, "-c", script, str(handed)], cwd=PROJECT, stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(wait)
        process.send_signal(signal.SIGKILL)
        process.wait()
    fresh.good(NAME)
    loads = ", ".join(f"'{load}'" for load in completed_loads(fresh.settings, NAME))
    for table, collection in (("accounts", "customer_account"), ("cases", "sn_customerservice_case"), ("case_changes", "sys_audit")):
        [(count, distinct)] = fresh.rows(NAME, table, f"{ROWS} AND _load_id IN ({loads})")
        expected = sum(1 for row in lab.store(NAME).collection(collection).values() if row.get("tablename", "sn_customerservice_case") == "sn_customerservice_case")
        assert count == distinct == expected


def test_r19_after_a_failed_read_the_cursor_has_not_moved(fresh: Lab, lab: Lab) -> None:
    lab.sandbox.fault(NAME, "500", "table/sn_customerservice_case", count=6)
    failed = fresh.ingest(NAME, resources=["accounts", "cases"])
    assert failed.error is not None and failed.rows == {} and not failed.is_complete
    fresh.good(NAME, resources=["accounts", "cases"])
    for table in ("accounts", "cases"):
        assert fresh.rows(NAME, table, "SELECT count(*) = count(DISTINCT id) AND count(*) > 0 FROM t") == [(True,)]


def test_a_condition_that_the_instance_drops_is_noticed(fresh: Lab, lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    fresh.good(NAME, resources=["accounts"])
    vendor = lab.sandbox.vendors[NAME]
    handle = vendor.handle

    def deaf(request: Any) -> Any:
        query = tuple((name, "^".join(part for part in value.split("^") if "sys_updated_on>" not in part) if name == "sysparm_query" else value)
                      for name, value in request.query)
        return handle(type(request)(**{**vars(request), "query": query}))

    monkeypatch.setattr(vendor, "handle", deaf)
    error = fresh.ingest(NAME, resources=["accounts"]).error
    assert error is not None and "ignored a part of the query" in str(error)


def test_a_missing_plugin_is_no_error_and_a_missing_table_is_told(fresh: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    system = load_system(NAME)
    swapped = {
        **system.resources, "sold_products": system.resources["sold_products"].model_copy(update={"table": "x_none"}),
        "cases": system.resources["cases"].model_copy(update={"table": "x_none"})}
    monkeypatch.setattr("ingestion.run.load_system", lambda name: system.model_copy(update={"resources": swapped}))
    monkeypatch.setattr("ingestion.client.load_system", lambda name: system.model_copy(update={"resources": swapped}))
    result = fresh.good(NAME, resources=["sold_products", "cases"])
    assert audits(result)["sold_products"].is_complete and result.rows == {}
    assert not audits(result)["cases"].is_complete and "no table x_none" in audits(result)["cases"].detail


def test_without_the_right_to_the_dictionary_the_declared_columns_are_read(tmp_path: Path) -> None:
    with lab_of(tmp_path, hidden_tables=("sys_dictionary", "sys_db_object")) as sandbox:
        lab = made(sandbox, tmp_path)
        result = lab.good(NAME, resources=["cases", "accounts"])
        assert result.is_complete and result.drift == []
        assert lab.rows(NAME, "cases", "SELECT count(*) FILTER (_extra IS NOT NULL), count(*) > 0 FROM t") == [(0, True)]


def test_given_records_are_read_by_id(fresh: Lab) -> None:
    fresh.good(NAME, resources=["accounts"])
    [(id,)] = fresh.rows(NAME, "accounts", "SELECT max(id) FROM t")
    write(fresh, "PATCH", f"customer_account/{id}", {"u_overdue_days": "5"})
    result = fresh.good(NAME, keys={"accounts": [id]})
    assert result.rows == {"accounts": 1}
    assert fresh.rows(NAME, "accounts", f"SELECT overdue_days FROM t WHERE id = '{id}' ORDER BY mod_count DESC LIMIT 1") == [(5,)]


def test_both_logins_and_a_token_that_ends_on_the_way(lab: Lab, tmp_path: Path) -> None:
    home = lab.settings.home
    by_token = made(lab.sandbox, home, auth="client_credentials").elsewhere(tmp_path)
    lab.sandbox.fault(NAME, "expired_token", "table/customer_account")
    assert by_token.good(NAME, resources=["accounts"]).is_complete
    account = lab.accounts[NAME]
    wrong = made(lab.sandbox, home).elsewhere(tmp_path / "wrong")
    wrong.accounts[NAME] = SandboxAccount(account.base_url, {**account.secrets, "password": "x"})
    error = wrong.ingest(NAME).error
    assert error is not None and "wrong or revoked secret" in str(error)


def test_the_connection_describes_itself_and_shows_its_newest_change(fresh: Lab) -> None:
    reader = reader_of(NAME)
    with fresh.client(NAME) as client:
        assert reader.describe(client) == ("user concord.integration", "")
        before = reader.newest_change(client)
        assert before == reader.newest_change(client) != ""
    [(id,)] = [(next(iter(fresh.store(NAME).collection("customer_account"))),)]
    seen = {before}
    for days in ("11", "12"):  # both within one second
        write(fresh, "PATCH", f"customer_account/{id}", {"u_overdue_days": days})
        with fresh.client(NAME) as client:
            seen.add(reader.newest_change(client))
    assert len(seen) == 3
