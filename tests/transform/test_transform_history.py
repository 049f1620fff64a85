"""History, rates, legal entities and lineage: one world in three loads, built as they arrive and once more from the landing alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import jinja2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from concord.connections import Connection, load_connections
from concord.errors import UsageError
from concord.explain_commands import explain_app
from concord.settings import PROJECT, Settings
from ingestion.run import ingest
from tests.dbt_cache import dbt_cache
from tests.transform.identity_world import golden
from tests.transform.landing_fixture import NOW, RECENT, Ids, World, connections, healthy, invoice, land, setting, settings_at
from transform.build import BuildResult, build
from transform.history import load_tracked
from transform.publish import publish
from transform.rates import check_rates, check_reporting_currency

FIRST, SECOND, THIRD = "1773144000.1", "1773150000.1", "1773160000.1"
HELD, LIFTED = NOW + timedelta(minutes=10), NOW + timedelta(minutes=50)
SECOND_READ, THIRD_READ = NOW + timedelta(minutes=30), NOW + timedelta(hours=1)
HISTORIES = [f"{system}__field_history" for system in ("netsuite", "salesforce", "stripe", "zendesk")]
RATES = "currency,base_currency,rate,valid_from,valid_to\nGBP,EUR,1.15,2026-01-01,\nJPY,EUR,0.5,2025-01-01,2025-06-01\n"

DBT_TESTS = True


def _world() -> World:
    world = setting()
    for key, currency in enumerate(("USD", "EUR", "JPY", "GBP", "KWD"), start=1):
        healthy(world, key, currency=currency)
    world.add("netsuite", "terms", id=2, name="Net 30", daysuntilnetdue=30, isinactive=False, _changed_at=RECENT)
    invoice(world, Ids(1), suffix="-older", finalized=datetime(2026, 2, 10, tzinfo=UTC))
    for key, currency in ((6, "USD"), (7, "GBP"), (8, "USD")):
        healthy(world, key, currency=currency)
    for key in (6, 8):  # what they owe is the sum of their open documents
        world.one("netsuite", "customers", Ids(key).erp).update(balancesearch=None, overduebalancesearch=None)
    invoice(world, Ids(6), suffix="-usd", status="open")
    _, late = invoice(world, Ids(6), suffix="-eur", status="open", currency="EUR")
    world.one("netsuite", "transactions", late)["duedate"] = (NOW - timedelta(days=4)).date()
    invoice(world, Ids(8), suffix="-kwd", status="open", currency="KWD")
    world.one("zendesk", "organizations", Ids(1).organization)["entitlement_tier"] = "basic"  # a finding: D3
    for number, rate in ((3, "1.3"), (4, "0.0065"), (5, "0")):  # GBP, JPY, KWD as the currency itself shows them
        world.one("netsuite", "currencies", number)["exchangerate"] = Decimal(rate)
    for number, rate, day in ((1, "1.10", datetime(2025, 9, 1)), (2, "1.25", datetime(2026, 3, 1))):
        world.add("netsuite", "currency_rates", id=number, basecurrency=1, transactioncurrency=2, exchangerate=Decimal(rate), effectivedate=day.date(),
                  _changed_at=day.replace(tzinfo=UTC))
    return world


def _connections() -> dict[str, Connection]:
    told = connections()
    told["netsuite"] = told["netsuite"].model_copy(update={"region": "amer"})
    told["stripe"] = told["stripe"].model_copy(update={"region": "emea", "legal_entities": ("Acme GmbH",)})
    told["zendesk"] = told["zendesk"].model_copy(update={"legal_entities": ("Acme GmbH", "Acme Ltd")})
    return told


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Settings, BuildResult]:
    where = replace(settings_at(tmp_path_factory.mktemp("history")), reporting_currency="EUR")
    where.exchange_rates.write_text(RATES)
    where.overrides.write_text("action,connection,native_id,golden_id,decided_by,decided_at,reason\n"
                               f"merge,netsuite,{Ids(7).erp},{golden('netsuite', str(Ids(6).erp))},ann,2026-03-01T00:00:00,one company\n")
    world = _world()
    land(where, world, FIRST, at=NOW)
    result = build(where, _connections())

    one = Ids(1)
    world.one("netsuite", "customers", one.erp).update(oncredithold=True, terms=9, currency=2, lastmodifieddate=HELD, lastmodifiedby="7")
    world.one("stripe", "subscriptions", one.subscription).update(status="canceled", ended_at=HELD, _changed_at=HELD)
    world.one("zendesk", "organizations", Ids(2).organization).update(credit_status="hold")  # its stamp stays where it was
    land(where, world, SECOND, at=SECOND_READ)

    world.one("netsuite", "customers", one.erp).update(oncredithold=False, lastmodifieddate=LIFTED)
    world.one("salesforce", "accounts", Ids(3).account).update(credit_status="Hold", system_modstamp=RECENT - timedelta(days=9))  # older than known
    world.one("zendesk", "organizations", Ids(3).organization).update(_deleted=True, updated_at=LIFTED)
    world.one("netsuite", "transactions", Ids(4).ledger_invoice).update(status="Q", lastmodifieddate=LIFTED)
    land(where, world, THIRD, at=THIRD_READ)
    build(where, _connections(), select=["stg_loads", *HISTORIES])  # what reads them are views
    publish(where)
    return where, result


@pytest.fixture(scope="module")
def warehouse(built: tuple[Settings, BuildResult]) -> Iterator[duckdb.DuckDBPyConnection]:
    connection = duckdb.connect(str(built[0].published), read_only=True)
    yield connection
    connection.close()


def _spans(warehouse: duckdb.DuckDBPyConnection, connection: str, record_id: Any, field: str) -> list[tuple[Any, ...]]:
    return warehouse.execute(
        "select value, valid_from, valid_to, load_id from field_history where connection = ? and record_id = ? and field = ? order by valid_from",
        [connection, str(record_id), field]).fetchall()


def _bare(moment: datetime) -> datetime:
    return moment.replace(tzinfo=None)


def test_a_value_is_dated_by_the_vendor(warehouse: duckdb.DuckDBPyConnection) -> None:
    known_since = _bare(RECENT - timedelta(hours=2))
    assert _spans(warehouse, "netsuite", Ids(1).erp, "is_on_hold") == [
        ("false", known_since, _bare(HELD), FIRST), ("true", _bare(HELD), _bare(LIFTED), SECOND), ("false", _bare(LIFTED), None, THIRD)]
    assert _spans(warehouse, "netsuite", Ids(1).erp, "credit_limit") == [("5000", known_since, None, FIRST)]
    told = warehouse.execute(
        "select changed_by, is_first_known, is_current, customer_id is not null, role from field_history "
        "where connection = 'netsuite' and record_id = ? and field = 'is_on_hold' order by valid_from", [str(Ids(1).erp)]).fetchall()
    assert told == [(None, True, False, True, "erp"), ("7", False, False, True, "erp"), ("7", False, True, True, "erp")]


def test_a_change_that_the_vendors_stamp_does_not_show_is_dated_by_its_reading(warehouse: duckdb.DuckDBPyConnection) -> None:
    assert _spans(warehouse, "zendesk", Ids(2).organization, "credit_status") == [
        ("ok", _bare(RECENT), _bare(SECOND_READ), FIRST), ("hold", _bare(SECOND_READ), None, SECOND)]


def test_an_older_version_says_nothing_of_now(warehouse: duckdb.DuckDBPyConnection) -> None:
    assert [row[0] for row in _spans(warehouse, "salesforce", Ids(3).account, "credit_status")] == ["ok"]


def test_a_deleted_record_holds_nothing_from_then_on(warehouse: duckdb.DuckDBPyConnection) -> None:
    spans = _spans(warehouse, "zendesk", Ids(3).organization, "tier")
    assert [(value, valid_to) for value, _, valid_to, _ in spans] == [("premium", _bare(LIFTED)), (None, None)]


def test_a_code_that_no_map_knows_keeps_its_raw_text(warehouse: duckdb.DuckDBPyConnection) -> None:
    told = warehouse.execute(
        "select value, value_raw from field_history where entity = 'invoice' and field = 'status' and connection = 'netsuite' and record_id = ? "
        "order by valid_from", [str(Ids(4).ledger_invoice)]).fetchall()
    assert told == [("paid", "B"), (None, "Q")]


def test_an_id_is_told_by_the_name_of_what_it_stands_for(warehouse: duckdb.DuckDBPyConnection) -> None:
    def told(field: str) -> list[Any]:
        return warehouse.execute(
            "select value, value_raw, valid_to from field_history where entity = 'customer' and field = ? and connection = 'netsuite' and record_id = ? "
            "order by valid_from", [field, str(Ids(1).erp)]).fetchall()

    assert told("currency") == [("USD", "1", _bare(HELD)), ("EUR", "2", None)]
    assert told("terms") == [("Net 30", "2", _bare(HELD)), (None, "9", None)], "what nobody names keeps its id"


def test_the_history_is_the_same_from_the_landing_alone(built: tuple[Settings, BuildResult]) -> None:
    where, _ = built
    with duckdb.connect(str(where.warehouse), read_only=True) as kept:
        before = {name: kept.sql(f"select * from {name} order by all").fetchall() for name in HISTORIES}
    assert all(before.values())
    build(where, _connections(), select=HISTORIES, full_refresh=True)
    with duckdb.connect(str(where.warehouse), read_only=True) as kept:
        for name in HISTORIES:
            assert kept.sql(f"select * from {name} order by all").fetchall() == before[name]


def test_hold_and_cover_of_a_customer_over_time(warehouse: duckdb.DuckDBPyConnection) -> None:
    def told(table: str, flag: str) -> list[Any]:
        return warehouse.execute(
            f"select history.{flag}, valid_from, valid_to from {table} as history join customer using (customer_id) where owner_record_id = ? order by valid_from",
            [str(Ids(1).erp)]).fetchall()

    assert told("customer_hold_history", "is_on_hold") == [
        (False, _bare(RECENT - timedelta(hours=2)), _bare(HELD)), (True, _bare(HELD), _bare(LIFTED)), (False, _bare(LIFTED), None)]
    assert told("cover_history", "is_covered") == [(True, _bare(RECENT), _bare(HELD)), (False, _bare(HELD), None)]


def test_which_value_held_at_a_moment(warehouse: duckdb.DuckDBPyConnection) -> None:
    moments = [RECENT - timedelta(days=300), NOW, HELD, LIFTED - timedelta(seconds=1), LIFTED]
    ask = _macro("as_of_value('customer', 'is_on_hold', \"'netsuite'\", \"'1001'\", 'asked.moment')", ref=lambda name: name)
    answers = warehouse.execute(f"select {ask} from (select unnest(?) as moment) as asked order by asked.moment", [[_bare(each) for each in moments]])
    assert [row[0] for row in answers.fetchall()] == [None, "false", "true", "true", "false"]


def test_amounts_in_the_reporting_currency(warehouse: duckdb.DuckDBPyConnection) -> None:
    told = {key: (amount, currency) for key, amount, currency in warehouse.sql(
        "select invoice_key, reporting_amount, reporting_currency from invoice where role = 'billing'").fetchall()}
    assert told["stripe:in_1"] == (Decimal("96"), "EUR")  # 120 USD at 1 / 1.25
    assert told["stripe:in_1-older"] == (Decimal("109.09"), "EUR")  # 120 USD at 1 / 1.10, of the day
    assert told["stripe:in_2"] == (Decimal("120"), "EUR")
    assert told["stripe:in_3"] == (Decimal("62.4"), "EUR")  # 12000 JPY at 0.0065 USD at 0.8; the own table's rate had ended
    assert told["stripe:in_4"] == (Decimal("138"), "EUR")  # 120 GBP: the own table wins over the ledger's 1.3 USD
    assert told["stripe:in_5"] == (None, "EUR")  # nobody knows KWD: no amount, never a zero
    methods = dict(warehouse.sql("select currency, method from reporting_rate where rate_date = date '2026-03-06'").fetchall())
    assert methods == {"USD": "inverted", "JPY": "over USD", "GBP": "quoted"}
    dated = warehouse.sql("select rate, valid_from, valid_to from exchange_rate where currency = 'EUR' order by valid_from").fetchall()
    assert [(rate, str(first), end and str(end)) for rate, first, end in dated] == [
        (Decimal("1.1"), "2025-09-01", "2026-03-01"), (Decimal("1.25"), "2026-03-01", None)]


def test_an_amount_without_a_rate_is_warned_of(built: tuple[Settings, BuildResult]) -> None:
    (warned,) = [node for node in built[1].warned if node.name == "every_amount_has_a_rate"]
    assert warned.failures == 4  # two invoices in billing and their bookings


def test_what_a_customer_owes_is_in_its_currency_and_over_all_its_records_in_the_erp(warehouse: duckdb.DuckDBPyConnection) -> None:
    told = {row[0]: row[1:] for row in warehouse.sql("select owner_record_id, currency, balance, overdue_amount, overdue_days from customer").fetchall()}
    # 120 USD and 120 EUR at 1 / 0.8, the latter four days late; 120.50 GBP at 1.15 / 0.8 of the record that was merged into it
    assert told[str(Ids(6).erp)] == ("USD", Decimal("443.22"), Decimal("150"), 4)
    assert str(Ids(7).erp) not in told
    assert told[str(Ids(8).erp)][:2] == ("USD", None)  # nobody knows KWD: no sum, never a wrong one
    assert told[str(Ids(4).erp)][:3] == ("GBP", Decimal("120.5"), 0)
    rules = dict(warehouse.execute("select field, rule from customer_lineage where record_key = ?", [f"netsuite:{Ids(6).erp}"]).fetchall())
    assert rules["balance"] == rules["overdue_amount"] == "derived: sum over its records in the ERP"


def test_the_newest_rate_of_the_ledger_weighs_exposure(warehouse: duckdb.DuckDBPyConnection) -> None:
    assert warehouse.sql("select currency, base_exchange_rate from customer where currency in ('EUR', 'JPY') order by 1").fetchall() == [
        ("EUR", Decimal("1.25")), ("JPY", Decimal("0.0065"))]


def test_every_document_has_its_legal_entity_and_region(warehouse: duckdb.DuckDBPyConnection) -> None:
    told = {}
    for table in ("invoice", "subscription", "support_case", "contract"):
        told[table] = warehouse.sql(f"select company_id, region from {table} order by case when connection = 'stripe' then 0 else 1 end limit 1").fetchone()
    assert told["invoice"] == told["subscription"] == ("Acme GmbH", "emea")
    assert told["support_case"] == told["contract"] == (None, None)  # no region told; two legal entities: nobody knows which
    assert warehouse.sql("select distinct company_id, region from invoice where role = 'erp'").fetchall() == [(None, "amer")]


def test_every_golden_value_says_where_it_comes_from(warehouse: duckdb.DuckDBPyConnection) -> None:
    told = {row[0]: row[1:] for row in warehouse.execute("""
        select lineage.entity || '.' || field, value, record_key, load_id, rule, changed_at from customer_lineage as lineage
        join customer using (customer_id) where owner_record_id = ?""", [str(Ids(1).erp)]).fetchall()}
    assert told["customer.is_on_hold"] == ("false", "netsuite:1001", THIRD, "owner: the ERP record", _bare(LIFTED))
    assert told["customer.customer_number"][:3] == ("C1", "netsuite:1001", THIRD)
    assert told["customer.base_exchange_rate"][3].startswith("rate:")
    assert told["entitlement.is_covered"] == ("true", "stripe:sub_1", SECOND, "owner: the active subscription of the highest tier", _bare(HELD))
    assert told["entitlement.tier"][:2] == ("premium", "stripe:sub_1")
    missing = warehouse.sql("select count(*) from customer_lineage where value is not null and (record_key is null or load_id is null or rule is null)")
    assert missing.fetchone() == (0,)


@pytest.mark.parametrize("wanted", ["netsuite:1001", "stripe:cus_1", "C1", "firm number1 inc", "number1 "])
def test_explain_finds_a_customer_by_any_of_its_names(built: tuple[Settings, BuildResult], wanted: str) -> None:
    answer = CliRunner().invoke(explain_app, ["customer", wanted, "--json"], obj=SimpleNamespace(settings=built[0]), catch_exceptions=False)
    told = json.loads(answer.stdout)
    assert {row["field"]: row["value"] for row in told["values"] if row["entity"] == "customer"}["name"] == "Firm Number1 Inc"
    assert {row["record_key"] for row in told["records"]} == {"netsuite:1001", "stripe:cus_1", f"salesforce:{Ids(1).account}", "zendesk:31001"}
    assert [row["value"] for row in told["history"] if row["field"] == "is_on_hold"][:2] == ["false", "true"]
    assert "D3" in {row["drift_id"] for row in told["findings"]}


@pytest.mark.parametrize("wanted", ["Firm Number7 Inc", "number7", "netsuite:1007"])
def test_explain_finds_a_customer_that_was_merged_by_its_old_name(built: tuple[Settings, BuildResult], wanted: str) -> None:
    answer = CliRunner().invoke(explain_app, ["customer", wanted, "--json"], obj=SimpleNamespace(settings=built[0]), catch_exceptions=False)
    assert json.loads(answer.stdout)["customer_id"] == golden("netsuite", str(Ids(6).erp))


def test_explain_shows_tables_and_says_what_it_cannot_find(built: tuple[Settings, BuildResult]) -> None:
    site = SimpleNamespace(settings=built[0])
    shown = CliRunner().invoke(explain_app, ["customer", "C1"], obj=site, catch_exceptions=False).stdout
    assert "Golden values" in shown and "the ERP record" in shown
    shown = CliRunner().invoke(explain_app, ["invoice", "F-1"], obj=site, catch_exceptions=False).stdout
    assert "netsuite:20001" in shown and "stripe:in_1" in shown and "96" in shown
    for arguments, what in ((["customer", "nobody"], "no golden customer"), (["customer", "Firm"], "fits 7 customers"), (["invoice", "none"], "no invoice")):
        with pytest.raises(UsageError, match=what):
            CliRunner().invoke(explain_app, arguments, obj=site, catch_exceptions=False)


# --- the fold by itself ------------------------------------------------------------------------------------------------

MACROS = (PROJECT / "transform" / "macros" / "history.sql").read_text()
COLUMNS = ", ".join((
    "connection varchar", "entity varchar", "record_id varchar", "part varchar", "field varchar", "value varchar", "changed_by varchar", "is_removed boolean",
    "version_at timestamp", "extracted_at timestamp", "load_id varchar"))
START = datetime(2026, 1, 1)
Version = tuple[int, int, str | None, bool]  # load, minute of the vendor's stamp, value, removed


def _macro(call: str, **names: Any) -> str:
    """A macro of history.sql as dbt would write it for DuckDB."""
    environment = jinja2.Environment(extensions=["jinja2.ext.do"])
    return environment.from_string(MACROS + "{{ " + call + " }}").render(sql_type=lambda kind: {"string": "varchar"}.get(kind, kind), **names)


def _folded(versions: list[Version], batches: list[set[int]]) -> list[tuple[Any, ...]]:
    with duckdb.connect() as connection:
        for number, loads in enumerate(batches):
            connection.execute(f"create or replace table versions ({COLUMNS})")
            for load, minute, value, is_removed in versions:
                if load in loads:
                    connection.execute("insert into versions values ('c', 'customer', '1', '', 'name', ?, null, ?, ?, ?, ?)", [
                        value, is_removed, START + timedelta(minutes=minute), START + timedelta(minutes=100 + load), f"load{load}"])
            spans = "with " + _macro("field_spans('versions')", is_incremental=lambda is_next=number > 0: is_next, this="kept")
            connection.execute(f"create or replace table arrived as {spans}")
            if number == 0:
                connection.execute("create table kept as select * from arrived")
            else:
                connection.execute("delete from kept using arrived where kept.record_id = arrived.record_id")
                connection.execute("insert into kept select * from arrived")
        return connection.sql("select value_raw, is_removed, valid_from, valid_to, load_id, last_load_id from kept order by valid_from").fetchall()


def _expected(versions: list[Version]) -> list[tuple[Any, ...]]:
    """The same, one version after the other."""
    spans: list[list[Any]] = []
    newest, state, since = None, None, None
    for load, minute, value, is_removed in sorted(versions, key=lambda each: (each[0], each[1], each[3], (None if each[3] else each[2]) or "")):
        stamp, now = START + timedelta(minutes=minute), (None if is_removed else value, is_removed)
        if newest is not None and stamp < newest:
            continue
        if now != state:
            moment = stamp if newest is None or stamp > newest else START + timedelta(minutes=100 + load)
            since = moment if since is None else max(since, moment)
            spans.append([*now, since, f"load{load}", ""])
        spans[-1][4] = f"load{load}"
        newest, state = stamp, now
    ends = [span[2] for span in spans[1:]] + [None]
    return [(value, removed, begun, end, load, last) for (value, removed, begun, load, last), end in zip(spans, ends, strict=True) if end != begun]


@settings(max_examples=10, deadline=None)
@given(
    versions=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 130), st.sampled_from(["a", "b", None]), st.booleans()), min_size=1, max_size=9),
    cut=st.integers(0, 5))
def test_spans_depend_on_the_loads_and_not_on_how_many_builds_read_them(versions: list[Version], cut: int) -> None:
    together = _folded(versions, [set(range(5))])
    assert together == _expected(versions)
    assert _folded(versions, [set(range(cut)), set(range(cut, 5))]) == together
    assert _folded(versions, [set(range(5)), {4}]) == together  # a load that is read twice changes nothing


def test_a_record_of_several_parts_is_on_hold_while_any_part_is() -> None:
    with duckdb.connect() as connection:
        connection.execute("create table parts (customer_id varchar, is_true boolean, valid_from timestamp, valid_to timestamp)")
        for is_true, first, end in ((False, 0, 10), (True, 10, 30), (False, 30, None), (False, 0, 20), (True, 20, 40), (False, 40, None)):
            connection.execute("insert into parts values ('k', ?, ?, ?)", [
                is_true, START + timedelta(minutes=first), None if end is None else START + timedelta(minutes=end)])
        told = connection.sql(_macro("any_part_true('parts', ['customer_id'])") + " order by valid_from").fetchall()
    assert [(is_true, first, end) for _, is_true, first, end in told] == [
        (False, START, START + timedelta(minutes=10)), (True, START + timedelta(minutes=10), START + timedelta(minutes=40)),
        (False, START + timedelta(minutes=40), None)]


# --- what a user may have written wrongly ------------------------------------------------------------------------------


@pytest.mark.parametrize(("line", "what"), [
    ("EUR,USD,1.1,2026-01-01", "4 values instead of 5"), ("EURO,USD,1.1,2026-01-01,", "line 2: currency"), ("EUR,EUR,1,2026-01-01,", "line 2: base_currency"),
    ("EUR,USD,abc,2026-01-01,", "line 2: rate"), ("EUR,USD,-1,2026-01-01,", "line 2: rate"), ("EUR,USD,NaN,2026-01-01,", "line 2: rate"),
    ("EUR,USD,1.1,01/02/2026,", "line 2: valid_from"), ("EUR,USD,1.1,2026-01-01,2026-01-01", "line 2: valid_to"),
    ("EUR,USD,1.1,2026-01-01,\nEUR,USD,1.2,2026-01-01,", "line 3"),
])
def test_a_table_of_rates_that_does_not_fit_is_named_by_line_and_column(tmp_path: Path, line: str, what: str) -> None:
    path = tmp_path / "exchange_rates.csv"
    path.write_text(f"currency,base_currency,rate,valid_from,valid_to\n{line}\n")
    with pytest.raises(UsageError, match=what):
        check_rates(path)


def test_a_table_of_rates_that_fits_and_none_at_all(tmp_path: Path) -> None:
    path = tmp_path / "exchange_rates.csv"
    check_rates(path)
    path.write_text(RATES)
    check_rates(path)
    path.write_text("currency;rate\n")
    with pytest.raises(UsageError, match="header"):
        check_rates(path)
    with pytest.raises(UsageError, match="no currency"):
        check_reporting_currency("EURO")


@pytest.mark.parametrize(("told", "what"), [
    ({"resource": "x"}, "must be a list"), ([{"resource": "x"}], "does not fit"), ([{"resource": "x", "record_id": "id", "fields": {}, "key": 1}], "does not fit"),
    ([{"resource": "x", "record_id": "id", "fields": {"customer.name": {"id": "name_id"}}}], "customer.name: does not fit"),
    ([{"resource": "x", "record_id": "id", "fields": {"customer.name": {"id": "name_id", "name": "names"}}}], "customer.name: does not fit"),
    ([{"resource": "x", "record_id": "id", "fields": {"customer.shoe_size": "size"}}], "no field with a history"),
])
def test_history_lines_that_do_not_fit_are_named(told: Any, what: str) -> None:
    with pytest.raises(UsageError, match=what):
        load_tracked(told, {"customer.name": "string"}, "contracts/systems/x.yml")


# --- file drops --------------------------------------------------------------------------------------------------------

FORM = """
drop: ledger
settle: 0s
reading: {dates: ["%Y-%m-%d"]}
tables:
  accounts:
    files: ["accounts*.csv"]
    key: [number]
    columns:
      number: {type: string, headers: [Number], presence: required, filled: true}
      blocked: string < Blocked
      credit: decimal < Credit
      city: string < City
    becomes:
      erp_customer:
        columns: {record_id: number, customer_number: number, is_on_hold: "coalesce(blocked = 'X', false)", credit_limit: credit, is_active: "true"}
"""


def test_a_file_drop_has_a_history_as_far_as_its_rows_are_records(tmp_path: Path) -> None:
    where = Settings(tmp_path / "home", tmp_path / "connections.yml", "sqlite://", None, own_dbt_cache=dbt_cache())
    for folder in ("drops", "exports"):
        (tmp_path / folder).mkdir()
    (tmp_path / "drops" / "ledger.yml").write_text(FORM)
    (tmp_path / "connections.yml").write_text("connections:\n  ledger: {system: file_drop, role: erp, settings: {folder: exports, drop: ledger}}\n")
    told = load_connections(tmp_path / "connections.yml")
    for number, rows in enumerate(("K1,,100.50,Bern\nK2,,7,Genf\n", "K1,X,100.50,Biel\nK2,,7,Genf\n")):
        (tmp_path / "exports" / f"accounts{number}.csv").write_text(f"Number,Blocked,Credit,City\n{rows}")
        (result,) = ingest(where, told)
        assert result.error is None, result.error
    build(where, told, select=["stg_loads", "file_drop__field_history"])
    with duckdb.connect(str(where.warehouse), read_only=True) as kept:
        spans = kept.sql("select record_id, field, value_raw, is_current from file_drop__field_history order by record_id, field, valid_from").fetchall()
    assert spans == [
        ("K1", "credit_limit", "100.5", True), ("K1", "is_active", "true", True), ("K1", "is_on_hold", "false", False), ("K1", "is_on_hold", "true", True),
        ("K2", "credit_limit", "7", True), ("K2", "is_active", "true", True), ("K2", "is_on_hold", "false", True)]
