"""Zendesk end to end: exports, cursors, borders, deletes, audits, faults on the way."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from concord.errors import ConcordError
from ingestion import landing
from ingestion.landing import completed_loads, verify_landing
from ingestion.run import dlt_source
from ingestion.spec import load_system

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def lab(make_lab):
    return make_lab("zendesk", vendor_settings={"zendesk": {"exports_per_minute": 10_000}})


@pytest.fixture
def fresh(lab, tmp_path):
    return lab.elsewhere(tmp_path)


def test_first_read_lands_everything_typed_and_audited(fresh):
    result = fresh.good("zendesk")
    organizations = [audit for audit in result.audits if audit.resource == "organizations"]
    assert organizations[0].expected == organizations[0].actual == result.rows["organizations"] > 0
    assert fresh.rows("zendesk", "organizations", "SELECT typeof(erp_balance), typeof(domain_names), typeof(updated_at) FROM t LIMIT 1") == [
        ("DECIMAL(38,9)", "VARCHAR[]", "TIMESTAMP WITH TIME ZONE")]
    assert fresh.rows("zendesk", "ticket_events", "SELECT count(*) FROM t WHERE created_at IS NULL OR ticket_id IS NULL") == [(0,)]
    assert {row[0] for row in fresh.rows("zendesk", "users", "SELECT DISTINCT _load_id FROM t")} == {result.load_id}
    assert result.load_id in completed_loads(fresh.settings, "zendesk")


def test_r16_a_run_without_news_lands_audits_only_and_succeeds(fresh):
    fresh.good("zendesk")
    before = set(fresh.settings.landing.rglob("*.parquet"))
    again = fresh.good("zendesk")
    assert again.rows == {} and again.error is None
    assert {file.parent.name for file in set(fresh.settings.landing.rglob("*.parquet")) - before} == {"_audit"}


def test_r4_border_rows_of_a_time_export_land_once(fresh):
    fresh.good("zendesk")
    assert fresh.rows("zendesk", "ticket_events", "SELECT count(*) - count(DISTINCT id) FROM t") == [(0,)]
    fresh.good("zendesk")  # the export starts again at the last second and repeats its rows
    assert fresh.rows("zendesk", "organizations", "SELECT count(*) - count(DISTINCT id) FROM t") == [(0,)]


def test_a_change_is_read_once_the_vendor_shows_it(fresh, lab):
    fresh.good("zendesk")
    [(id,)] = fresh.rows("zendesk", "organizations", "SELECT min(id) FROM t")
    with fresh.client("zendesk") as client:
        client.request("PUT", f"organizations/{id}", json={"organization": {"organization_fields": {"erp_balance": 12.34}}}, write=True)
    lab.sandbox.advance(seconds=70)
    result = fresh.good("zendesk")
    assert result.rows == {"organizations": 1}
    assert fresh.rows("zendesk", "organizations", f"SELECT erp_balance::DOUBLE FROM t WHERE id = {id} ORDER BY updated_at DESC, _load_id DESC LIMIT 1") == [(12.34,)]


def test_targeted_read_sees_what_the_export_still_withholds(fresh):
    fresh.good("zendesk")
    [(id,)] = fresh.rows("zendesk", "organizations", "SELECT max(id) FROM t")
    with fresh.client("zendesk") as client:
        client.request("PUT", f"organizations/{id}", json={"organization": {"organization_fields": {"overdue_days": 77}}}, write=True)
    result = fresh.good("zendesk", keys={"organizations": [id]})
    assert result.rows == {"organizations": 1}
    assert fresh.rows("zendesk", "organizations", f"SELECT overdue_days FROM t WHERE id = {id} ORDER BY updated_at DESC, _load_id DESC LIMIT 1") == [(77,)]


def test_r7_a_deleted_ticket_is_a_tombstone(fresh, lab):
    fresh.good("zendesk")
    [(id,)] = fresh.rows("zendesk", "tickets", "SELECT min(id) FROM t WHERE NOT _deleted")
    with fresh.client("zendesk") as client:
        client.request("DELETE", f"tickets/{id}", write=True)
    lab.sandbox.advance(seconds=70)
    fresh.good("zendesk")
    assert fresh.rows("zendesk", "tickets", f"SELECT _deleted FROM t WHERE id = {id} ORDER BY generated_timestamp DESC, _load_id DESC LIMIT 1") == [(True,)]


def test_r10_only_a_complete_full_read_buries_what_is_gone(fresh, lab):
    fresh.good("zendesk")
    id = next(key for key, user in lab.store("zendesk").collection("users").items() if user.get("role") == "end-user" and user["active"])
    with lab.altered("zendesk", "users", {id: None}):
        fresh.good("zendesk")  # incremental: what did not come is not gone
        assert fresh.rows("zendesk", "users", f"SELECT bool_or(_deleted) FROM t WHERE id = {id}") == [(False,)]
        lab.sandbox.fault("zendesk", "429", "incremental/users/cursor", count=1)
        result = fresh.good("zendesk", full=True)
        assert fresh.rows("zendesk", "users", f"SELECT _deleted FROM t WHERE id = {id} ORDER BY updated_at DESC, _load_id DESC LIMIT 1") == [(True,)]
        assert fresh.rows("zendesk", "users", "SELECT count(*) FROM t WHERE _deleted AND name IS NULL") == [(1,)]
        assert result.wait_seconds > 0  # the limit was waited out, and shown


def test_r10_a_full_read_does_not_bury_what_the_vendor_still_withholds(fresh, lab):
    fresh.good("zendesk")
    [(id,)] = fresh.rows("zendesk", "organizations", "SELECT id FROM t ORDER BY id LIMIT 1")
    with fresh.client("zendesk") as client:
        client.request("PUT", f"organizations/{id}", json={"organization": {"notes": "called"}}, write=True)
    fresh.good("zendesk", keys={"organizations": [id]})
    result = fresh.good("zendesk", full=True)
    assert fresh.rows("zendesk", "organizations", f"SELECT count(*) FROM t WHERE id = {id} AND _deleted") == [(0,)]
    assert all(audit.is_complete for audit in result.audits if audit.resource == "organizations")
    lab.sandbox.advance(seconds=70)


def test_r8_what_came_within_the_withheld_minute_is_not_missing(fresh, lab):
    fresh.good("zendesk")
    lab.sandbox.advance(seconds=70)
    fresh.good("zendesk")
    with fresh.client("zendesk") as client:
        client.request("POST", "tickets", json={"ticket": {"subject": "late", "comment": {"body": "b"}}}, write=True)

    def tickets(result):
        (audit,) = [audit for audit in result.audits if audit.resource == "tickets"]
        return audit

    early = tickets(fresh.good("zendesk"))
    assert early.is_complete and early.expected == early.actual + 1
    lab.sandbox.advance(seconds=70)
    assert tickets(fresh.good("zendesk")).actual == early.expected


def test_r3_r8_fewer_rows_than_the_vendor_counts_is_incomplete(fresh, lab):
    id, record = next(iter(lab.store("zendesk").collection("organizations").items()))
    with lab.altered("zendesk", "organizations", {id: {**record, "_hidden": True}}):
        result = fresh.good("zendesk", resources=["organizations"])
    [audit] = result.audits
    assert audit.expected == audit.actual + 1 and not audit.is_complete and not result.is_complete
    assert fresh.rows("zendesk", "_audit", "SELECT resource, is_complete FROM t") == [("organizations", False)]


def test_a_misfit_is_quarantined_with_its_reason_and_an_unknown_field_kept(fresh, lab):
    store = lab.store("zendesk")
    first, second = list(store.collection("organizations"))[:2]
    fields = store.get("organizations", first)["organization_fields"]
    altered = {
        first: {**store.get("organizations", first), "organization_fields": {**fields, "overdue_days": "many"}},
        second: {**store.get("organizations", second), "new_field": 5},
    }
    with lab.altered("zendesk", "organizations", altered):
        result = fresh.good("zendesk", resources=["organizations"])
    assert result.quarantined == {"organizations": 1} and result.rows["organizations"] == len(store.collection("organizations")) - 1
    [(key, column, reason, raw)] = fresh.rows("zendesk", "_quarantine", 'SELECT key, "column", reason, raw FROM t')
    assert (key, column) == (first, "overdue_days") and "bigint" in reason and '"many"' in raw
    assert fresh.rows("zendesk", "organizations", f"SELECT _extra FROM t WHERE id = {second}") == [('{"new_field":5}',)]
    assert set(result.drift) == {("organizations", "new_field", "added"), ("organizations", "overdue_days", "retyped")}
    assert result.audits[0].is_complete  # quarantined is not missing


@pytest.mark.parametrize("kind", ["500", "truncated", "cut_before", "cut_after"])
def test_trouble_while_reading_is_waited_out(fresh, lab, kind):
    lab.sandbox.fault("zendesk", kind, "incremental/", count=2)
    result = fresh.good("zendesk", resources=["organizations", "tickets"])
    assert all(audit.is_complete for audit in result.audits)


def test_r13_a_cursor_that_the_vendor_forgot_means_a_full_read(fresh, lab):
    fresh.good("zendesk", resources=["tickets"])
    import dlt

    pipeline = dlt.pipeline("zendesk", pipelines_dir=str(fresh.settings.dlt))
    with pipeline.managed_state() as state:
        state["sources"]["zendesk"]["resources"]["tickets"]["place"]["cursor"] = "bm90IGEgY3Vyc29y"
    result = fresh.good("zendesk", resources=["tickets"])
    assert result.audits[0].is_complete
    live = fresh.rows("zendesk", "tickets", "SELECT count(DISTINCT id) FROM t WHERE NOT _deleted")[0][0]
    assert live == len(lab.store("zendesk").collection("tickets"))


def test_a_wrong_secret_and_a_dead_host_are_one_clear_message(fresh):
    from concord.connections import SandboxAccount

    account = fresh.accounts["zendesk"]
    fresh = type(fresh)(fresh.sandbox, fresh.settings, fresh.connections, {"zendesk": SandboxAccount(account.base_url, {**account.secrets, "api_token": "x"})})
    error = fresh.ingest("zendesk").error
    assert error is not None and "wrong or revoked secret" in str(error) and str(error).startswith("zendesk")
    fresh.accounts["zendesk"] = SandboxAccount("http://127.0.0.1:9", account.secrets)
    error = fresh.ingest("zendesk").error
    assert error is not None and "http://127.0.0.1:9 cannot be reached" in str(error)


def test_a_damaged_file_is_named(fresh):
    fresh.good("zendesk", resources=["organizations"])
    assert verify_landing(fresh.settings) > 0
    [file, *_] = (fresh.settings.landing / "zendesk" / "organizations").glob("*.parquet")
    file.write_bytes(file.read_bytes()[:-20])
    with pytest.raises(ConcordError, match=file.name) as caught:
        verify_landing(fresh.settings)
    assert "--full" in caught.value.mend
    error = fresh.ingest("zendesk", resources=["organizations"]).error
    assert error is not None and file.name in str(error)
    file.unlink()
    assert fresh.good("zendesk", resources=["organizations"], full=True).is_complete


def test_r19_killed_anywhere_the_next_run_completes_without_gap_or_double(fresh, lab):
    script = (
        "import sys, pickle; settings, connections, accounts = pickle.load(open(sys.argv[1], 'rb'))\n"
        "from ingestion.run import ingest\nprint('go', flush=True)\ningest(settings, connections, accounts=accounts)\n"
    )
    import pickle

    handed = fresh.settings.home / "handed.pickle"
    handed.write_bytes(pickle.dumps((fresh.settings, fresh.connections, fresh.accounts)))
    for wait in (0.15, 0.5, 0.9, 1.2, 1.5):
        process = subprocess.Popen([sys.executable, "-c", script, str(handed)], cwd=PROJECT, stdout=subprocess.PIPE)
        process.stdout.readline()
        time.sleep(wait)
        process.send_signal(signal.SIGKILL)
        process.wait()
    result = fresh.good("zendesk")
    assert result.error is None
    done = completed_loads(fresh.settings, "zendesk")
    loads = ", ".join(f"'{load}'" for load in done)
    for table, collection in (("organizations", "organizations"), ("tickets", "tickets")):
        count, distinct = fresh.rows("zendesk", table, f"SELECT count(*), count(DISTINCT id) FROM t WHERE NOT _deleted AND _load_id IN ({loads})")[0]
        assert distinct == len(lab.store("zendesk").collection(collection))
        assert count == distinct


def test_r19_after_a_failed_read_the_cursor_has_not_moved(fresh, lab):
    lab.sandbox.fault("zendesk", "500", "incremental/users", count=6)
    failed = fresh.ingest("zendesk", resources=["organizations", "users"])
    assert failed.error is not None and failed.rows == {} and not failed.is_complete
    result = fresh.good("zendesk", resources=["organizations", "users"])
    assert result.is_complete or not result.error
    for table in ("organizations", "users"):
        assert fresh.rows("zendesk", table, "SELECT count(*) = count(DISTINCT id) AND count(*) > 0 FROM t") == [(True,)]


def test_every_table_has_a_file_with_its_schema_and_a_selection_reads_only_itself(fresh):
    source = dlt_source(fresh.settings, fresh.connections["zendesk"], fresh.accounts["zendesk"]).with_resources("organizations")
    landing.open_pipeline(fresh.settings, "zendesk").run(source, loader_file_format="parquet")
    assert fresh.rows("zendesk", "organizations", "SELECT count(*) > 0 FROM t") == [(True,)]
    for table, schema in landing.schemas(load_system("zendesk")).items():
        columns = [row[0] for row in fresh.rows("zendesk", table, "DESCRIBE t")]
        assert columns == schema.names
        if table not in ("organizations", "_audit"):
            assert fresh.rows("zendesk", table, "SELECT count(*) FROM t") == [(0,)]
