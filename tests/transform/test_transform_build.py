"""What a user reads when a build cannot go on, and what callers get when it can."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from concord.errors import ConcordError, UsageError
from tests.transform.landing_fixture import connections, healthy, land, setting, settings_at
from transform.build import BuildError, NodeResult, build, check_overrides, manifest

HEADER = "action,connection,native_id,golden_id,decided_by,decided_at,reason\n"
GOLDEN = "02bc58ca-9ac0-c734-a583-6d0873326e03"

DBT_TESTS = True


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", ["overrides.csv", "line 1", "header"]),
        (HEADER.replace("reason", "why"), ["line 1", "action,connection"]),
        (HEADER + "merge,netsuite,1001\n", ["line 2", "3 values"]),
        (HEADER + f"join,netsuite,1001,{GOLDEN},ann,2026-01-01,same\n", ["line 2: action", "merge, split or link"]),
        (HEADER + "link,netsuite,1001,G-1,ann,2026-01-01,same\n", ["line 2: golden_id", "crosswalk"]),
        (HEADER + f"link,netsuite,1001,{GOLDEN},ann,yesterday,same\n", ["line 2: decided_at"]),
        (HEADER + f"link,netsuite,,{GOLDEN},ann,2026-01-01,same\n", ["line 2: native_id", "empty"]),
    ],
)
def test_a_malformed_override_file_is_explained(tmp_path: Path, text: str, parts: list[str]) -> None:
    path = tmp_path / "overrides.csv"
    path.write_text(text)
    with pytest.raises(UsageError) as raised:
        check_overrides(path)
    for part in parts:
        assert part in str(raised.value)


def test_a_locked_warehouse_names_its_holder(tmp_path: Path) -> None:
    settings = settings_at(tmp_path)
    holder = subprocess.Popen(
        [sys.executable, "-c", "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()",
         str(settings.warehouse)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout is not None and holder.stdout.readline().strip() == "held"
        with pytest.raises(ConcordError) as raised:
            build(settings, connections())
    finally:
        holder.communicate("")
    assert "warehouse.duckdb" in str(raised.value) and str(holder.pid) in str(raised.value) and "published.duckdb" in str(raised.value)


def test_a_corrupt_landing_file_is_named_and_a_good_build_reports(tmp_path: Path) -> None:
    settings = settings_at(tmp_path)
    world = setting()
    healthy(world, 1)
    land(settings, world)
    broken = settings.landing / "stripe" / "invoices" / "broken.parquet"
    broken.write_bytes(b"PAR1 this is no Parquet file")
    with pytest.raises(BuildError) as raised:
        build(settings, connections())
    assert "stg_stripe__invoices" in str(raised.value) and "broken.parquet" in str(raised.value)
    assert "Traceback" not in str(raised.value)
    assert any(node.status == "skipped" for node in raised.value.result.nodes)

    broken.unlink()
    seen: list[NodeResult] = []
    result = build(settings, connections(), on_event=seen.append)
    assert result.full_refresh and not result.failed
    assert result.count("model") > 50 and result.count("test") > 90 and result.count("seed") == 5
    assert len(seen) == len(result.nodes)
    nodes = json.loads(result.manifest.read_text())["nodes"]
    for node in nodes.values():
        if node["resource_type"] == "model":
            assert node["description"], node["name"]
            assert node["config"]["meta"].get("owner"), node["name"]
            assert node["config"]["group"], node["name"]
            assert all(column["description"] for column in node["columns"].values()), node["name"]
    assert manifest(settings, connections()) == result.manifest


def test_overrides_decide(tmp_path: Path) -> None:
    """merge, split and link, each against the automatic decision and in the next increment; one that names nobody stops the build by a blocking test."""
    settings = settings_at(tmp_path / "home")
    world = setting()
    for key in range(1, 5):
        healthy(world, key)
    stray = {**world.one("zendesk", "organizations", 31_001), "id": 39_999, "name": "Stray", "external_id": None, "erp_id": None, "tax_id": None,
             "domain_names": []}
    world.add("zendesk", "organizations", **stray)
    land(settings, world)

    def golden(key: int) -> str:
        with duckdb.connect() as connection:
            row = connection.execute("select md5('concord:customer:netsuite:' || ?)", [str(1000 + key)]).fetchone()
        assert row is not None
        digest = row[0]
        return "-".join((digest[:8], digest[8:12], digest[12:16], digest[16:20], digest[20:]))

    build(settings, connections())  # before anybody decided
    settings.overrides.write_text(HEADER + "".join(
        f"{action},{connection},{native_id},{golden_id},ann,2026-01-01T00:00:00,told by phone\n" for action, connection, native_id, golden_id in [
            ("link", "zendesk", "39999", golden(2)), ("split", "stripe", "cus_3", golden(3)), ("merge", "netsuite", "1004", golden(1))]))
    assert not build(settings, connections()).full_refresh
    with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
        links = {row[0]: row[1:] for row in connection.execute("select record_key, customer_id, method, evidence from crosswalk").fetchall()}
    assert links["zendesk:39999"] == (golden(2), "override", "told by phone")
    assert "stripe:cus_3" not in links
    assert links["netsuite:1004"][0] == golden(1) and links["zendesk:31004"][0] == golden(1)

    with settings.overrides.open("a") as file:
        file.write("link,zendesk,31002,ffffffff-ffff-ffff-ffff-ffffffffffff,ann,2026-01-01T00:00:00,a slip\n")
    with pytest.raises(BuildError) as raised:
        build(settings, connections())
    failed = raised.value.result.failed
    assert "relationships_support_case_customer_id" in str(raised.value)
    assert all(node.kind == "test" and node.is_blocking and node.failures for node in failed)


def test_what_another_installation_parsed_is_not_parsed_again(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    first, second = (replace(settings_at(tmp_path / name), own_dbt_cache=cache) for name in ("first", "second"))
    world = setting()
    healthy(world, 1)
    land(first, world)
    some = ["stg_loads", "stg_netsuite__customers", "stg_salesforce__accounts"]
    build(first, connections(), select=some)
    assert (first.dbt_target / "target" / "partial_parse.msgpack").exists()  # written where dbt has parsed
    kept = sorted(path.name for path in cache.iterdir())
    assert [Path(name).suffix for name in kept] == [".json", ".msgpack"]
    # in the second a table has not landed, so its models read nothing; then it has
    land(second, world)
    shutil.rmtree(second.landing / "salesforce" / "accounts")
    for accounts in (0, 1):
        build(second, connections(), select=some)
        with duckdb.connect(str(second.warehouse), read_only=True) as warehouse:
            assert warehouse.execute("select (select count(*) from stg_netsuite__customers), (select count(*) from stg_salesforce__accounts)").fetchone() == (1, accounts)
        land(second, world, "1773144001.1")
    assert not (second.dbt_target / "target" / "partial_parse.msgpack").exists()
    assert sorted(path.name for path in cache.iterdir()) == kept
    # what the graph may hang on is parsed for itself
    others = connections() | {"stripe": connections()["stripe"].model_copy(update={"region": "emea"})}
    build(second, others, select="stg_loads")
    assert len(list(cache.iterdir())) == 4
