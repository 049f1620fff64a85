"""Incremental builds and rebuilds from landing give the same rows; only completed loads count; deletes and late versions are honoured."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from concord.connections import Connection
from concord.settings import Settings
from tests.transform.landing_fixture import LONG_AGO, NOW, RECENT, Ids, World, connections, healthy, land, setting, settings_at
from transform.build import build

DBT_TESTS = True


def _all_rows(settings: Settings) -> dict[str, Counter[Any]]:
    with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
        tables = [row[0] for row in connection.execute("select table_name from information_schema.tables where table_schema = 'main'").fetchall()]
        return {table: Counter(map(repr, connection.execute(f'select * from "{table}"').fetchall())) for table in tables}


def _value(settings: Settings, query: str) -> Any:
    with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
        return connection.execute(query).fetchall()


def test_incremental_equals_rebuild(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings, told = settings_at(tmp_path), connections()
    first = setting()
    for key in range(1, 8):
        healthy(first, key)
    land(settings, first, "1773144000.1", at=NOW - timedelta(hours=2))
    with monkeypatch.context() as patch:
        patch.setenv("DBT_EXCLUDE_RESOURCE_TYPES", "test")  # they are looked at in the increment
        assert build(settings, told).full_refresh

    second = World()
    changed = {**first.one("netsuite", "customers", Ids(1).erp), "oncredithold": True, "lastmodifieddate": NOW - timedelta(hours=1)}
    second.add("netsuite", "customers", **changed)
    second.add("netsuite", "customers", **changed)  # a page border shows a row twice
    second.add("netsuite", "customers", **{**first.one("netsuite", "customers", Ids(2).erp), "companyname": "Stale Copy", "lastmodifieddate": LONG_AGO})
    second.add("netsuite", "customers", id=Ids(3).erp, _deleted=True)  # a tombstone knows nothing but the key
    second.add("zendesk", "organizations", **{**first.one("zendesk", "organizations", Ids(4).organization), "deleted_at": RECENT, "updated_at": NOW})
    second.add("zendesk", "tickets", **{**first.one("zendesk", "tickets", Ids(5).ticket), "status": "deleted", "generated_timestamp": NOW})
    second.add("salesforce", "accounts", **{**first.one("salesforce", "accounts", Ids(6).account), "is_deleted": True, "system_modstamp": NOW})
    second.rows["netsuite"]["customers"] += [{**first.one("netsuite", "customers", Ids(7).erp), "balancesearch": Decimal(n), "lastmodifieddate": NOW}
                                             for n in (1, 2)]  # two versions within one second of one load
    healthy(second, 8)
    land(settings, second, "1773147600.2", at=NOW)
    third = World()
    healthy(third, 9)
    land(settings, third, "1773151200.3", at=NOW + timedelta(hours=1), complete=False)

    increment = build(settings, told)
    assert not increment.full_refresh
    ran = {node.name for node in increment.nodes}
    # views of a system stay as they are, and the tests of all others are run; files of older loads are not opened
    assert "netsuite__customer_record" not in ran and {"customer_record", "key_invoice_line_invoice_line_key", "cancellations_stay_within_sales"} <= ran
    read = next(settings.dbt_target.glob("target/compiled/*/models/staging/netsuite/stg_netsuite__customers.sql")).read_text()
    assert "where _load_id > '1773144000.1'" in read
    incremental = _all_rows(settings)
    monkeypatch.setenv("DBT_EXCLUDE_RESOURCE_TYPES", "test")  # from here on the rows tell
    assert build(settings, told, full_refresh=True).full_refresh
    rebuilt = _all_rows(settings)
    assert incremental.keys() == rebuilt.keys()
    for table, rows in rebuilt.items():
        assert incremental[table] == rows, table
    # and nothing new changes nothing, at the cost of what tells the time
    quiet = build(settings, told)
    assert _all_rows(settings) == rebuilt
    ran = {node.name for node in quiet.nodes}
    assert "drift" in ran and "stg_netsuite__transactions" not in ran and "invoice" not in ran

    names = dict(_value(settings, "select owner_record_id, name from customer"))
    assert str(Ids(3).erp) not in names and str(Ids(9).erp) not in names
    assert names[str(Ids(2).erp)] == "Firm Number2 Inc" and str(Ids(8).erp) in names
    assert _value(settings, f"select is_on_hold from customer where owner_record_id = '{Ids(1).erp}'") == [(True,)]
    assert _value(settings, f"select count(*) from support_case where case_id = '{Ids(5).ticket}'") == [(0,)]
    gone = {row[0] for row in _value(settings, "select record_id from customer_record")}
    assert not gone & {str(Ids(4).organization), Ids(6).account}
    assert _value(settings, "select distinct as_of from extraction_clock") == [(NOW.replace(tzinfo=None),)]

    # the third load counts once dlt has recorded it
    land(settings, third, "1773151200.3", at=NOW + timedelta(hours=1))
    assert not build(settings, told).full_refresh
    assert str(Ids(9).erp) in dict(_value(settings, "select owner_record_id, name from customer"))


def test_a_part_of_the_systems_and_two_accounts_of_one_vendor(tmp_path: Path) -> None:
    """Only the ERPs have been read: nobody else can miss a customer yet, and equal ids in two ERPs are two customers."""
    settings = settings_at(tmp_path)
    first = setting()
    healthy(first, 1)
    first.rows = {"netsuite": first.rows["netsuite"]}
    land(settings, first)
    other = setting()
    row = healthy(other, 1)
    company = other.one("netsuite", "customers", row.erp)
    company.update(companyname="Another Firm", vatregnumber="GB123456789", url="other.example", email=None, externalid=None, defaultbillingaddress=None)
    other.rows = {"netsuite": {"customers": [company], "currencies": other.rows["netsuite"]["currencies"]}}
    land(settings, other, names={"netsuite": "netsuite_uk"})
    build(settings, connections([Connection(name="netsuite_uk", system="netsuite", role="erp", sandbox=True)]))
    ids = _value(settings, "select owner_connection, owner_record_id, customer_id from customer order by 1")
    assert [row[:2] for row in ids] == [("netsuite", "1001"), ("netsuite_uk", "1001")] and ids[0][2] != ids[1][2]
    assert _value(settings, "select drift_id, class from drift where drift_id <> 'D4'") == []
