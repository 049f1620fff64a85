"""Compaction: few files instead of many, every version kept, right at any moment for somebody who reads the folder."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import threading
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import ingestion.run
from concord.connections import load_connections
from concord.settings import PROJECT, Settings, load_settings
from ingestion.compaction import compact
from ingestion.landing import completed_loads, files_of, live_count

SCHEMA = pa.schema([("id", pa.int64()), ("version", pa.int64()), ("_extracted_at", pa.timestamp("us", tz="UTC")), ("_load_id", pa.string()), ("_deleted", pa.bool_())])
LOADS = 40
LAST = f"{1_700_000_000 + LOADS - 1}.5"


def write(settings: Settings, load: int, rows: int = 10, table: str = "things", completed: bool = True, schema: pa.Schema = SCHEMA) -> None:
    """One load: rows 0 to `rows` - 1, each in a new version."""
    load_id = f"{1_700_000_000 + load}.5"
    folder = settings.landing / "desk" / table
    folder.mkdir(parents=True, exist_ok=True)
    columns = {"id": range(rows), "version": [load] * rows, "_extracted_at": [load] * rows, "_load_id": [load_id] * rows, "_deleted": [False] * rows}
    arrays = [pa.array(list(columns.get(field.name, [None] * rows)), field.type) for field in schema]
    partial = folder.parent / f"{table}.partial"
    pq.write_table(pa.Table.from_arrays(arrays, schema=schema), partial)
    partial.replace(folder / f"{load_id}.abc.parquet")
    loads = settings.landing / "desk" / "_dlt_loads"
    loads.mkdir(exist_ok=True)
    (loads / f"desk__{load_id}.jsonl").write_text(json.dumps({"load_id": load_id, "status": 0 if completed else 1}) + "\n")


def staged(settings: Settings, table: str = "things") -> list[tuple]:
    """What staging takes: every row of the folder whose load is complete."""
    with duckdb.connect() as database:
        database.execute("CREATE TABLE loads AS SELECT unnest($done) AS load_id", {"done": sorted(completed_loads(settings, "desk"))})
        return database.execute(
            f"SELECT id, version, _load_id FROM read_parquet('{settings.landing}/desk/{table}/*.parquet', union_by_name = true) "
            "WHERE _load_id IN (SELECT load_id FROM loads) ORDER BY ALL").fetchall()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = load_settings({"CONCORD_HOME": str(tmp_path), "CONCORD_DATA": ""})
    for load in range(LOADS):
        write(made, load)
    return made


def names(settings: Settings, table: str = "things") -> list[str]:
    return sorted(file.name for file in (settings.landing / "desk" / table).iterdir())


def test_many_files_become_one_and_keep_every_row_with_its_load(settings: Settings) -> None:
    before = staged(settings)
    assert compact(settings, "desk").tables == {"things": (LOADS, 1)}
    assert len(names(settings)) == 1 and staged(settings) == before and len(before) == LOADS * 10
    assert not (settings.landing / "desk" / ".compaction").exists()
    assert compact(settings, "desk").tables == {}
    assert files_of(settings, "desk", "things")  # the lookups of an extraction see the new file


def test_a_table_below_the_mark_and_a_large_file_stay(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    assert compact(settings, "desk", more_than=LOADS).tables == {} and len(names(settings)) == LOADS
    monkeypatch.setattr("ingestion.compaction._SMALL", 1)
    assert compact(settings, "desk").tables == {} and len(names(settings)) == LOADS


def test_loads_that_are_not_complete_keep_their_own_files(settings: Settings) -> None:
    write(settings, 100, completed=False)
    before = staged(settings)
    assert compact(settings, "desk").tables == {"things": (LOADS, 1)}
    assert "1700000100.5.abc.parquet" in names(settings) and staged(settings) == before
    (settings.landing / "desk" / "_dlt_loads" / "desk__1700000100.5.jsonl").write_text('{"load_id": "1700000100.5", "status": 0}\n')
    assert len(staged(settings)) == len(before) + 10  # it completes later and counts


def test_files_of_another_shape_are_not_cast(settings: Settings) -> None:
    wide = SCHEMA.append(pa.field("more", pa.string()))
    for load in range(LOADS, LOADS + 5):
        write(settings, load, schema=wide)
    before = staged(settings)
    assert compact(settings, "desk").tables == {"things": (LOADS + 5, 2)}
    assert staged(settings) == before
    assert {len(pq.read_schema(settings.landing / "desk" / "things" / name)) for name in names(settings)} == {5, 6}


def test_many_rows_are_cut_into_several_files(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingestion.compaction._ROWS_IN_GROUP", 50)
    monkeypatch.setattr("ingestion.compaction._ROWS_IN_FILE", 100)
    before = staged(settings)
    assert compact(settings, "desk").tables == {"things": (LOADS, 4)}
    assert staged(settings) == before


def test_a_damaged_file_leaves_its_table_alone_and_is_named(settings: Settings) -> None:
    for load in range(5):
        write(settings, load, table="others")
    broken = settings.landing / "desk" / "things" / "1700000003.5.abc.parquet"
    broken.write_bytes(broken.read_bytes()[:-20])
    result = compact(settings, "desk")
    assert result.tables == {"others": (5, 1)} and list(result.skipped) == ["things"]
    assert len(names(settings)) == LOADS and not (settings.landing / "desk" / ".compaction").exists()


def test_a_file_that_arrives_meanwhile_is_not_lost(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    import ingestion.compaction as compaction

    exchange = compaction._exchange

    def late(one: Path, other: Path) -> None:
        write(settings, 200)  # another process lands a load just before the folders trade places
        exchange(one, other)

    monkeypatch.setattr(compaction, "_exchange", late)
    before = staged(settings)
    compact(settings, "desk")
    assert len(staged(settings)) == len(before) + 10


def test_without_an_exchange_nothing_is_touched(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingestion.compaction.ctypes.CDLL", lambda *_, **__: object())
    before = names(settings)
    assert "cannot exchange" in compact(settings, "desk").skipped["things"]
    assert names(settings) == before


KILLER = """
import os, signal, sys
from pathlib import Path
from concord.settings import load_settings
import ingestion.compaction as compaction
settings = load_settings({"CONCORD_HOME": sys.argv[1], "CONCORD_DATA": ""})
left = int(sys.argv[2])

def trace(frame, event, argument):
    global left
    if frame.f_code.co_filename != compaction.__file__:
        return None
    if event == "line":
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
    return trace

sys.settrace(trace)
compaction.compact(settings, "desk")
sys.settrace(None)
print("lines", int(sys.argv[2]) - left)
"""


def test_killed_at_any_line_no_row_is_lost_or_doubled(settings: Settings, tmp_path: Path) -> None:
    def run(line: int) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, "-c", KILLER, str(tmp_path), str(line)], cwd=PROJECT, capture_output=True, text=True, check=False)

    chance, killed, load = random.Random(20), 0, LOADS
    before = staged(settings)
    whole = int(run(10**9).stdout.split()[1])  # how many lines one compaction takes
    assert staged(settings) == before
    # most lines are spent on copying; what is delicate comes at the end, so half of the kills go there
    tail = 150
    for attempt in range(16):
        for _ in range(LOADS):
            write(settings, load)
            load += 1
        before = staged(settings)
        line = chance.randrange(whole - tail, whole) if attempt % 2 else chance.randrange(1, whole)
        killed += run(line).returncode != 0
        assert staged(settings) == before, f"killed at line {line} of {whole}"
    assert killed >= 8
    assert not compact(settings, "desk").skipped
    assert len(names(settings)) == 1 and staged(settings) == before
    assert not (settings.landing / "desk" / ".compaction").exists()


def test_a_reader_beside_it_never_sees_a_wrong_count(settings: Settings) -> None:
    expected, wrong, good, stop = [LOADS * 10], [], [], threading.Event()

    def read() -> None:
        with duckdb.connect() as database:
            while not stop.is_set():
                try:
                    [(count,)] = database.execute(f"SELECT count(*) FROM read_parquet('{settings.landing}/desk/things/*.parquet')").fetchall()
                except duckdb.IOException:
                    continue  # listed before the exchange, opened after it: said, not miscounted
                (good if count in expected else wrong).append(count)

    reader = threading.Thread(target=read)
    reader.start()
    for load in range(LOADS, LOADS + 30):
        expected.append(expected[-1] + 10)
        write(settings, load)
        compact(settings, "desk")
    stop.set()
    reader.join()
    assert not wrong and len(good) > 5


def test_the_live_count_goes_on_from_the_last_one_across_a_compaction(settings: Settings) -> None:
    first = live_count(files_of(settings, "desk", "things"), [], ("id",), "version", LAST)
    assert (first.count, first.rows) == (10, LOADS * 10)
    write(settings, LOADS, rows=15)
    compact(settings, "desk")
    files = files_of(settings, "desk", "things")
    assert live_count(files, [], ("id",), "version", "x", first).count == 15
    # had it counted everything, a wrong earlier count would not show: it really goes on from there
    assert live_count(files, [], ("id",), "version", "x", type(first)(1000, first.rows, LAST)).count == 1005
    # rows of the past that are gone make it count afresh
    assert live_count(files, [], ("id",), "version", "x", type(first)(1000, first.rows + 1, LAST)).count == 15


def test_an_ingest_compacts_by_itself_and_an_incremental_build_stays_right(make_lab, monkeypatch: pytest.MonkeyPatch) -> None:
    from transform.build import build

    lab = make_lab("zendesk", vendor_settings={"zendesk": {"exports_per_minute": 10_000}})
    monkeypatch.setattr(ingestion.run, "MANY_FILES", 3)
    monkeypatch.setenv("DBT_EXCLUDE_RESOURCE_TYPES", "test")  # the tables are compared here

    def changed(days: int) -> None:
        with lab.client("zendesk") as client:
            client.request("PUT", f"organizations/{id}", json={"organization": {"organization_fields": {"overdue_days": days}}}, write=True)
        lab.sandbox.advance(seconds=70)
        assert lab.good("zendesk").rows == {"organizations": 1}

    def warehouse() -> dict[str, list[tuple]]:
        with duckdb.connect(str(lab.settings.warehouse), read_only=True) as database:
            return {
                table: database.execute(f"SELECT * FROM {table} ORDER BY ALL").fetchall()
                for table in ("stg_zendesk__organizations", "stg_audits", "stg_loads")
            }

    lab.good("zendesk")
    [(id,)] = lab.rows("zendesk", "organizations", "SELECT min(id) FROM t")
    changed(1)
    build(lab.settings, lab.connections)
    changed(2)
    changed(3)
    files = list((lab.settings.landing / "zendesk" / "organizations").glob("*.parquet"))
    audits = list((lab.settings.landing / "zendesk" / "_audit").glob("*.parquet"))
    assert len(files) == len(audits) == 1  # the fourth load made it too many
    changed(4)
    second = build(lab.settings, lab.connections)
    assert not second.full_refresh  # the loads are still those of the last build
    went_on = warehouse()
    build(lab.settings, lab.connections, full_refresh=True)
    assert warehouse() == went_on
    versions = lab.rows("zendesk", "organizations", f"SELECT overdue_days FROM t WHERE id = {id} ORDER BY updated_at")
    assert [days for (days,) in versions][1:] == [1, 2, 3, 4]


def test_a_build_that_reads_is_not_disturbed(tmp_path: Path) -> None:
    from transform.build import landing_kept

    settings, told = load_settings({"CONCORD_HOME": str(tmp_path), "CONCORD_DATA": ""}), load_connections(PROJECT / "connections.yml")
    (settings.landing / "zendesk").mkdir(parents=True)
    with landing_kept(settings, told):
        assert "another process" in compact(settings, "zendesk").skipped[""]
    assert compact(settings, "zendesk").skipped == {}
