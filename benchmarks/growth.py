"""What the warehouse costs as it grows: a first build by layer, then small changes again and again on top of it.

    python benchmarks/growth.py [--lines 100000] [--changes 1000] [--increments 8] [--memory 12GB] [--home /path] [--chart docs/pictures/growth.svg]

A company of so many invoice lines is landed for four systems (benchmarks/company.py), and built. Then so many changed records are landed
and the warehouse is built, checked and published as a run does it; and again, each time in a process of its own, whose start, imports and
parsing of the project count. What is read from a vendor is not measured here (benchmarks/vendors.py does). `--verify` rebuilds the
warehouse from the landing at the end and compares every table with the one that the increments made.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.company import LINES, SYSTEMS, Company, land_all, land_changes
from concord.settings import Settings

LAYERS = ("staging", "conformed", "canonical", "reconciled", "drift", "sync", "marts")
MOST_SHOWN = 12


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=100_000, help="invoice lines in billing")
    parser.add_argument("--changes", type=int, default=1000)
    parser.add_argument("--increments", type=int, default=8)
    parser.add_argument("--memory", default="4GB", help="DuckDB's memory limit")
    parser.add_argument("--home", type=Path, help="keep the installation here, and take up one that is there")
    parser.add_argument("--chart", type=Path, help="write processor seconds of an increment against rows of history, as SVG")
    parser.add_argument("--verify", action="store_true")
    options = parser.parse_args()
    folder = None if options.home else tempfile.TemporaryDirectory(prefix="concord-growth-")
    home = options.home or Path(str(folder and folder.name))
    settings = settings_at(home, options.memory)
    company = Company(settings.landing, options.lines // LINES)
    taken = len(list((settings.landing / "stripe" / "_dlt_loads").glob("*.jsonl")))
    say(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}, memory limit of DuckDB {options.memory}")
    if not taken:
        home.mkdir(parents=True, exist_ok=True)
        begun = time.perf_counter()
        rows = land_all(company)
        say(f"landed {sum(rows.values()):,} rows in {time.perf_counter() - begun:.0f} s: " + ", ".join(f"{name} {count:,}" for name, count in rows.items() if count > 10))
        first = alone(turn, settings)
        show("first build", first)
        taken = 1
    points = []
    for number in range(taken, taken + options.increments):
        rows = land_changes(company, number, options.changes)
        told = alone(turn, settings)
        points.append((told["history"], told["processor"]))
        show(f"increment {number}: {sum(rows.values()):,} records", told)
    if options.chart and points:
        options.chart.parent.mkdir(parents=True, exist_ok=True)
        options.chart.write_text(drawn(points))
    if options.verify:
        say(alone(verify, settings))
    if folder:
        folder.cleanup()


def settings_at(home: Path, memory: str) -> Settings:
    told = home / "connections.yml"
    if not told.exists():
        home.mkdir(parents=True, exist_ok=True)
        told.write_text("connections:\n" + "".join(
            f"  {name}: {{system: {name}, role: {role}, sandbox: true, freshness: 72h}}\n" for name, role in SYSTEMS.items()))
    return Settings(home=home, connections_file=told, operations_url=f"sqlite:///{home / 'operations.sqlite'}", data=None, memory_limit=memory)


def alone(work: Callable[[Settings], Any], settings: Settings) -> Any:
    """In a new process: its seconds from start to end and its peak memory count as those of a command."""
    begun = time.perf_counter()
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        told = pool.submit(work, settings).result()
    if isinstance(told, dict):
        told["total"] = time.perf_counter() - begun
    return told


def turn(settings: Settings) -> dict[str, Any]:
    """Build, check and publish what has landed."""
    from concord import stages

    installation = stages.Installation(settings)
    marks = [time.perf_counter()]
    built = stages.build(installation)
    marks.append(time.perf_counter())
    report = stages.check(installation)
    marks.append(time.perf_counter())
    stages.publish(installation, report)
    marks.append(time.perf_counter())
    manifest = json.loads(built.manifest.read_text())["nodes"]
    layers: dict[str, float] = {}
    nodes = []
    for node in built.nodes:
        layer = layer_of(manifest.get(node.unique_id, {}), node.kind)
        layers[layer] = layers.get(layer, 0) + node.seconds
        nodes.append((node.seconds, layer, node.name))
    return {
        "build": marks[1] - marks[0], "check": marks[2] - marks[1], "publish": marks[3] - marks[2], "layers": layers, "nodes": nodes,
        "models": built.count("model"), "tests": built.count("test"), "findings": report.open, "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
        "processor": time.process_time(), "size": settings.warehouse.stat().st_size / 2**30, **counted(settings)}


def layer_of(node: Mapping[str, Any], kind: str) -> str:
    if kind != "model":
        return f"{kind}s"
    return str(node["path"]).split("/")[0]


def counted(settings: Settings) -> dict[str, int]:
    import duckdb

    with duckdb.connect(str(settings.warehouse), read_only=True) as warehouse:
        lines = warehouse.execute("select count(*) from invoice_line").fetchone()
        history = warehouse.execute("select count(*) from field_history").fetchone()
    return {"lines": (lines or (0,))[0], "history": (history or (0,))[0]}


def show(title: str, told: Mapping[str, Any]) -> None:
    say(f"\n{title}: {told['total']:.1f} s (build {told['build']:.1f}, check {told['check']:.1f}, publish {told['publish']:.1f}; processor"
        f" {told['processor']:.0f}), {told['models']} models, {told['tests']} tests, peak {told['memory']:.1f} GB, warehouse {told['size']:.2f} GB, {told['lines']:,} invoice lines,"
        f" {told['history']:,} rows of history, {told['findings']:,} findings, load {os.getloadavg()[0]:.1f}")
    say("  seconds of work by layer: " + ", ".join(f"{layer} {told['layers'][layer]:.1f}" for layer in (*LAYERS, "tests", "seeds") if layer in told["layers"]))
    for seconds, layer, name in sorted(told["nodes"], reverse=True)[:MOST_SHOWN]:
        say(f"  {seconds:8.1f}  {layer:12} {name}")


def verify(settings: Settings) -> str:
    """Rebuild and compare every table's rows. What the last check told the operational store is taken in first: the rebuild would know it, too."""
    import duckdb

    from concord import stages

    stages.build(stages.Installation(settings))
    before = settings.home / "before.duckdb"
    shutil.copyfile(settings.warehouse, before)
    stages.build(stages.Installation(settings), full_refresh=True)
    with duckdb.connect(str(settings.warehouse), read_only=True) as warehouse:
        warehouse.execute(f"attach '{before}' as before (read_only)")
        tables = [row[0] for row in warehouse.execute(
            "select table_name from information_schema.tables where table_catalog <> 'before' and table_schema = 'main' and table_type = 'BASE TABLE'").fetchall()]
        other = [name for name in tables if warehouse.execute(
            f'select (select (count(*), sum(hash(t)::hugeint)) from main."{name}" as t) <> (select (count(*), sum(hash(t)::hugeint)) from before.main."{name}" as t)'
        ).fetchone() != (False,)]
    before.unlink()
    return f"{len(tables)} tables compared with a full rebuild: " + (f"not the same: {', '.join(other)}" if other else "all the same")


def drawn(points: list[tuple[int, float]]) -> str:
    """Processor seconds of an increment against rows of history, from zero. Not those by the clock: they tell of the machine's other work too."""
    width, height, left, bottom, top = 640, 300, 56, 44, 20
    low, high = min(row for row, _ in points), max(row for row, _ in points)
    most = max(*(seconds for _, seconds in points), 20.0) * 1.15

    def place(rows: int, seconds: float) -> tuple[float, float]:
        return left + 20 + (rows - low) / max(high - low, 1) * (width - left - 60), height - bottom - seconds / most * (height - bottom - top)

    marks = "".join(
        f'<line x1="{left}" x2="{width - 20}" y1="{place(low, s)[1]:.1f}" y2="{place(low, s)[1]:.1f}" stroke="#ddd"/>'
        f'<text x="{left - 8}" y="{place(low, s)[1] + 4:.1f}" text-anchor="end">{s} s</text>' for s in range(0, int(most) + 1, 5 if most < 50 else 20))
    dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="#3b5b8c"/>' for x, y in (place(*each) for each in points))
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in (place(*each) for each in points))
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-family="sans-serif" font-size="11" fill="#444">{marks}'
            f'<polyline points="{line}" fill="none" stroke="#3b5b8c" stroke-width="1.5"/>{dots}'
            f'<text x="{left + 20}" y="{height - 22}">{low:,}</text><text x="{width - 20}" y="{height - 22}" text-anchor="end">{high:,}</text>'
            f'<text x="{width / 2}" y="{height - 6}" text-anchor="middle">rows of history; seconds are the processor\'s, of one increment</text></svg>\n')


def say(text: Any) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    main()
