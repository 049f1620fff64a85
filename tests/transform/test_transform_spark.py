"""The `spark` target: what is translated gives the same values, and a world full of contradictions gives the same rows, table by table.

What needs Spark is skipped where PySpark or Java is not installed (`pip install -e '.[spark]'`); how statements are translated is tested
everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from concord.connections import Connection
from concord.errors import ConcordError
from concord.settings import Settings
from tests.transform import test_transform_findings as findings
from tests.transform import test_transform_kpis as kpis
from tests.transform.landing_fixture import NOW, RECENT, Ids, connections, land, settings_at
from transform.build import build
from transform.operations import Published, lay_down
from transform.spark.build import SparkTarget, build_on_spark
from transform.spark.compare import compare
from transform.spark.dialect import TranslationError, data_type, translated, translated_steps
from transform.spark.session import SCHEMA, check_installed, spark_session

try:
    check_installed()
    MISSING = ""
except ConcordError as error:
    MISSING = str(error)
needs_spark = pytest.mark.skipif(bool(MISSING), reason=MISSING or "Spark is there")
MASTER = "local[2]"


def _no_files(pattern: str) -> list[str]:
    raise AssertionError(f"nobody reads files here, but {pattern} was asked for")


# how statements are translated


def test_a_union_by_name_names_the_columns_of_the_first_side() -> None:
    said = translated(
        "select cast(null as varchar) as a, cast(null as bigint) as b where 1 = 0 union all by name select * from read_parquet('x/*.parquet', union_by_name = true)",
        lambda pattern: ["b", "more"])
    assert said == (
        "SELECT CAST(NULL AS STRING) AS a, CAST(NULL AS BIGINT) AS b WHERE 1 = 0 UNION ALL SELECT NULL AS `a`, `b` FROM parquet.`x/*.parquet`")


@pytest.mark.parametrize("statement", [
    "select regexp_replace(a, 'x', 'y') from t",  # the first match alone
    "select some_function(a) from t",
    "select date_diff('week', a, b) from t",
    "select string_agg(distinct a, ', ') from t",  # in no order
    "select strftime(a, '%A') from t",
])
def test_what_nobody_has_said_is_refused(statement: str) -> None:
    with pytest.raises(TranslationError):
        translated(statement, _no_files)


def test_qualify_stays_and_inner_with_stays_inside() -> None:
    said = translated(
        "with a as (select 1 as x) select * from (with a as (select 2 as x) select * from a qualify row_number() over (order by x) = 1) as b", _no_files)
    assert said.count("WITH a AS") == 2 and "QUALIFY ROW_NUMBER()" in said and "_w" not in said


def test_whole_rows_are_compared_in_a_projection() -> None:
    said = translated("select * from t as told qualify row_number() over (partition by k order by told desc) = 1", _no_files)
    assert "STRUCT(told.*) DESC" in said and "EXCEPT (_place_of_row)" in said and "QUALIFY" not in said


def test_what_is_named_often_is_computed_once() -> None:
    doubling = ", ".join(f"c{step} as (select l.x from c{step - 1} as l inner join c{step - 1} as r on l.x = r.x)" for step in range(1, 8))
    often = f"with c0 as (select x from main.t), {doubling} select * from c7"
    steps, last = translated_steps(often, _no_files, "s_")
    assert [step.name for step in steps] == [f"s_c{number}" for number in range(1, 7)]
    assert all("WITH" not in step.sql for step in steps[1:]) and "s_c6" in last
    seldom = "with a as (select x from main.t) select * from a as l inner join a as r on l.x = r.x"
    assert translated_steps(seldom, _no_files, "s_")[0] == []


def test_types_of_contracts() -> None:
    assert [data_type(name) for name in ("varchar", "timestamp", "decimal(24,6)", "varchar[]", "bigint")] == [
        "STRING", "TIMESTAMP_NTZ", "DECIMAL(24, 6)", "ARRAY<STRING>", "BIGINT"]


# what counts as equal


def test_a_difference_is_found(tmp_path: Path) -> None:
    warehouse, folder = tmp_path / "warehouse.duckdb", tmp_path / "main"
    with duckdb.connect(str(warehouse)) as session:
        for name, told in {
            "same": ("select 1 as a, 1.50 as b", "select 1 as a, 1.50 as b"), "twice": ("select 1 as a", "select unnest([1, 1]) as a"),
            "other": ("select 1 as a, 'x' as b", "select 1 as a, null as b"), "kind": ("select 1 as a", "select cast(1 as bigint) as a"),
        }.items():
            session.execute(f"create table {name} as {told[0]}")
            (folder / name).mkdir(parents=True)
            session.execute(f"copy ({told[1]}) to '{folder / name}/part.parquet' (format parquet)")
        session.execute("create view lost as select 1 as a")
    found = {each.table: each for each in compare(warehouse, folder)}
    assert {name for name, each in found.items() if each.is_equal} == {"same"}
    assert (found["twice"].only_duckdb, found["twice"].only_spark) == (0, 1)
    assert found["other"].columns == ("b",)
    assert found["kind"].types == ("a: INTEGER / BIGINT",)
    assert found["lost"].types == ("there is no such table",)


# the same values

VALUES = """
    select * from (values
        (1, cast(7 as bigint), cast('12.500000000' as decimal(38,9)), timestamp '2026-03-10 12:00:00.123456', 'Müller & "Söhne" \\ G.m.b.H.', ['b', 'a']),
        (2, cast(-7 as bigint), cast('-0.000000005' as decimal(38,9)), timestamp '1969-12-31 23:59:59.5', 'tab	and
line', []),
        (3, cast(0 as bigint), cast('99999.123456789' as decimal(38,9)), timestamp '2024-02-29 00:00:00', '', null),
        (4, null, null, null, null, ['x'])
    ) as t(id, number, amount, moment, words, list)
"""
EXPRESSIONS = [
    "number / 2", "1 / number > 1000", "abs(number) // 2", "round(amount, 2)", "round(amount * cast(1.005 as decimal(9,6)), 2)", "amount * amount",
    "amount + cast(0.000000001 as decimal(38,9))", "cast(amount as varchar)", "cast(number as varchar)", "cast(moment as varchar)", "cast(cast(moment as date) as varchar)",
    "regexp_replace(regexp_replace(cast(amount as varchar), '(\\.[0-9]*[1-9])0+$', '\\1'), '\\.0*$', '')",
    "cast(floor(epoch(timestamp '2026-03-10 12:00:00') - epoch(moment)) as bigint)", "cast((epoch_us(moment)) / 1000000 as decimal(38,9))",
    "date_diff('day', moment, timestamp '2026-03-11 00:00:00')", "date_diff('month', cast(moment as date), date '2026-03-01')",
    "strftime(moment, '%Y-%m-%dT%H:%M:%S.%g+0000')", "moment + interval 1 day", "md5('concord:' || words)", "strip_accents(lower(words))",
    "cast(to_json(cast(words as varchar)) as varchar)", "jaro_winkler_similarity(words, 'Mueller')", "split_part(words, ' ', 2)", "right(words, 3)",
    "list_extract(list, 1)", "coalesce(list_contains(list, 'a'), false)", "concat_ws('|', words, cast(number as varchar))",
    "least(number, 3)", "greatest(amount, 1)", "nullif(trim(regexp_replace(words, '[^A-Za-z]+', ' ', 'g')), '')", "words is distinct from ''",
    "row_number() over (order by number desc, id)", "row_number() over (order by amount, id)", "sum(amount) over (order by id rows between unbounded preceding and 1 preceding)",
    "(select max(other.id) from t as other where other.number = t.number)", "substr(md5(words), 9, 4)", "length(words)", "case when number > 0 then 'more' end",
]
AGGREGATES = [
    "string_agg(distinct cast(number as varchar), ', ' order by cast(number as varchar))", "quantile_cont(cast(amount as double), 0.95)",
    "min_by(words, (number, id))", "max_by(number, (moment, id))", "count(*) filter (where number > 0)", "sum(amount) / nullif(sum(number), 0)", "sum(amount)",
]


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return spark_session(MASTER, str(tmp_path_factory.mktemp("spark") / "warehouse"))


@needs_spark
@pytest.mark.slow
def test_expressions_have_the_same_values(session: Any) -> None:
    columns = ", ".join(f"cast({told} as varchar) as v{place}" for place, told in enumerate(EXPRESSIONS))
    totals = ", ".join(f"cast({told} as varchar) as v{place}" for place, told in enumerate(AGGREGATES))
    with duckdb.connect() as computer:
        computer.execute("set TimeZone = 'UTC'")
        for statement, said in ((f"with t as ({VALUES}) select {columns} from t order by id", EXPRESSIONS), (f"with t as ({VALUES}) select {totals} from t", AGGREGATES)):
            ours = computer.execute(statement).fetchall()
            theirs = [tuple(row) for row in session.sql(translated(statement, _no_files)).collect()]
            differ = {said[place]: (ours[row][place], theirs[row][place])
                      for row in range(len(ours)) for place in range(len(said)) if ours[row][place] != theirs[row][place]}
            assert not differ


# the same rows


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Settings, dict[str, Connection], SparkTarget]]:
    """The world of the findings, with what the operational store told, built by both targets. Two loads: later versions and a tombstone."""
    settings = settings_at(tmp_path_factory.mktemp("spark_world"))
    told = connections()
    world = findings._world()
    land(settings, world, platform=findings.PLATFORM, at=NOW - timedelta(hours=1), load_id="1773140400.1")
    first = world.rows["netsuite"]["customers"][0]
    first.update(oncredithold=True, lastmodifieddate=RECENT)
    world.add("zendesk", "organizations", id=Ids(2).organization, _deleted=True)
    land(settings, world, platform=findings.PLATFORM)
    lay_down(settings.landing, {
        "exceptions": Published("1", lambda: kpis.EXCEPTIONS), "exception_events": Published("1", lambda: kpis.EVENTS),
        "deliveries": Published("1", lambda: kpis.DELIVERIES), "receipts": Published("1", lambda: kpis.RECEIPTS)})
    settings.exchange_rates.write_text(
        "currency,base_currency,rate,valid_from,valid_to\nEUR,USD,1.10,2025-01-01,\nJPY,USD,0.0067,2025-01-01,2027-01-01\n", encoding="utf-8")
    target = SparkTarget(MASTER, str(settings.home / "spark" / "warehouse"), str(settings.landing))
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("DBT_INDIRECT_SELECTION", "empty")  # what the project tests of its rows is tested elsewhere
        build(settings, told, select=["resource_type:model", "resource_type:seed"], full_refresh=True)
    build_on_spark(settings, told, target, tests=False)
    yield settings, told, target


@needs_spark
@pytest.mark.slow
def test_every_table_is_equal(built: tuple[Settings, dict[str, Connection], SparkTarget]) -> None:
    settings, _, target = built
    found = compare(settings.warehouse, Path(target.warehouse) / SCHEMA)
    assert len(found) > 200 and sum(each.rows_duckdb > 0 for each in found) > 100
    assert not {each.table: (each.types, each.columns) for each in found if not each.is_equal}


@needs_spark
@pytest.mark.slow
def test_a_second_build_doubles_nothing(built: tuple[Settings, dict[str, Connection], SparkTarget], monkeypatch: pytest.MonkeyPatch) -> None:
    settings, told, target = built
    monkeypatch.delenv("DBT_EXCLUDE_RESOURCE_TYPES", raising=False)
    chosen = ["stg_netsuite__customers", "netsuite__field_history", "value_map", "customer_match"]
    result = build_on_spark(settings, told, target, select=[*chosen])  # with their tests, of which uniqueness is one
    assert result.count("test") > 0
    again = {each.table: each for each in compare(settings.warehouse, Path(target.warehouse) / SCHEMA)}
    assert all(again[name].is_equal for name in chosen)
