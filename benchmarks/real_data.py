"""The figures of docs/real-data.md: three public data sets from their files to the warehouse, and what it says of them.

    CONCORD_DATA=<folder of the data sets> python benchmarks/real_data.py [--home FOLDER]

`--home` keeps landing and warehouse there for queries of your own; a second run on it reads and builds only what changed.
Without the data there is nothing to count, and it says so.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import duckdb

from concord.connections import load_connections
from concord.settings import PROJECT, Settings, load_settings
from ingestion.run import ingest
from transform.build import build

# connection: folder of the data, form in drops/, role
SETS = {
    "retail": ("online_retail", "online_retail", "erp"),
    "supply": ("usaid_scms", "scms", "erp"),
    "desk": ("servicenow_incidents", "servicenow_incidents", "support"),
}
MODELS = ["+reconciled_cancellation", "+reconciled_freight", "+case_cycle", "+sales_order", "+shipment"]
QUERIES = {
    "Documents": """
        select 'invoice' as entity, count(*) as records, sum(total_amount) as amount from invoice
        union all select 'invoice_line', count(*), sum(amount) from invoice_line
        union all select 'credit_note', count(*), sum(total_amount) from credit_note
        union all select 'credit_note_line', count(*), sum(amount) from credit_note_line
        union all select 'sales_order', count(*), sum(total_amount) from sales_order
        union all select 'shipment', count(*), null from shipment
        union all select 'shipment_line', count(*), sum(amount) from shipment_line
        union all select 'support_case', count(*), null from support_case
        union all select 'case_event', count(*), null from case_event""",
    "Cancellations": """
        select class, is_charge, customer_record_id is not null as has_customer, count(*) as lines, sum(amount) as amount, sum(matched_amount) as matched
        from reconciled_cancellation group by all order by all""",
    "Cancellations without a sale": """
        select reason, is_charge, count(*) as lines, sum(amount) as amount from reconciled_cancellation where class = 'none' group by all order by amount desc""",
    "Days from sale to cancellation": """
        select quantile_cont(days_after_sale, [0.5, 0.9, 0.95, 0.99]) as p50_p90_p95_p99 from reconciled_cancellation where class in ('exact', 'partial')""",
    "Freight": """
        select class, reason, allocation_rule, count(*) as lines, sum(carried_amount) as carried, sum(allocated_amount) as allocated
        from reconciled_freight group by rollup((class, reason, allocation_rule)) order by all""",
    "Cases": """
        select
            count(*) as cases, count(*) filter (is_open) as still_open, count(*) filter (is_reopened) as reopened, sum(reopen_count) as reopenings,
            median(first_response_seconds) / 60 as first_response_min_p50, quantile_cont(first_response_seconds, 0.9) / 3600 as first_response_h_p90,
            median(resolution_seconds) / 3600 as resolution_h_p50, quantile_cont(resolution_seconds, 0.9) / 3600 as resolution_h_p90,
            median(cycle_seconds) / 86400 as cycle_d_p50, quantile_cont(cycle_seconds, 0.9) / 86400 as cycle_d_p90
        from case_cycle""",
    "Cases, reopened or not": """
        select is_reopened, count(*) as cases, median(resolution_seconds) / 3600 as resolution_h_p50, quantile_cont(resolution_seconds, 0.9) / 3600 as resolution_h_p90
        from case_cycle group by 1 order by 1""",
    "States": """
        select
            status, count(*) as stays, count(distinct case_key) as cases, median(duration_seconds) / 3600 as h_p50,
            quantile_cont(duration_seconds, 0.9) / 3600 as h_p90
        from case_state group by 1 order by stays desc""",
    "Reopenings against the desk's own count": "select reopen_check, count(*) as cases from case_cycle group by 1 order by 1",
    "Reassignments against the desk's own count": """
        select sign(group_change_count - told_reassignment_count) as history_less_desk, count(*) as cases from case_cycle group by 1 order by 1""",
    "Solutions against the desk's own time": """
        select
            count(*) filter (solved_at = told_solved_at) as same, count(*) filter (solved_at <> told_solved_at) as other,
            count(*) filter (solved_at <> told_solved_at and abs(epoch(solved_at) - epoch(told_solved_at)) <= 3600) as within_an_hour,
            count(*) filter (told_solved_at is null) as not_told
        from case_cycle""",
    "Cases whose log does not begin with new": "select count(*) as cases from case_state where place = 1 and status <> 'new'",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--home", type=Path, help="where landing and warehouse are kept; a temporary folder where left out")
    asked = parser.parse_args()
    data = load_settings().data
    if data is None or not all((data / folder).is_dir() for folder, _, _ in SETS.values()):
        sys.stdout.write("The data sets are not at hand: set CONCORD_DATA to their folder.\n")
        return
    with tempfile.TemporaryDirectory(prefix="concord-real-") as folder:
        home = (asked.home or Path(folder)).absolute()
        home.mkdir(parents=True, exist_ok=True)
        show(figures(data, home))


def figures(data: Path, home: Path) -> Path:
    """The data sets landed and built under `home`; returns the warehouse."""
    connections_file = home / "connections.yml"
    connections_file.write_text("connections:\n" + "".join(
        f"  {name}: {{system: file_drop, role: {role}, settings: {{folder: {data / folder}, drop: {PROJECT / 'drops' / form}.yml}}}}\n"
        for name, (folder, form, role) in SETS.items()))
    settings = Settings(home, connections_file, f"sqlite:///{home / 'operations.db'}", None)
    connections = load_connections(connections_file)
    begun = time.monotonic()
    for result in ingest(settings, connections):
        if result.error is not None or not result.is_complete:
            sys.exit(f"{result.connection}: {result.error or 'incomplete'}")
    read = time.monotonic()
    os.environ["DBT_INDIRECT_SELECTION"] = "buildable"  # with the tests that need no other model than these
    built = build(settings, connections, select=MODELS)
    sys.stdout.write(f"read in {read - begun:.1f} s, built and tested in {time.monotonic() - read:.1f} s, of it\n")
    for node in built.nodes:
        if node.name in ("cancellation_match", "reconciled_cancellation", "reconciled_freight", "case_event", "case_state", "case_cycle"):
            sys.stdout.write(f"    {node.name} {node.seconds:.1f} s\n")
    return settings.warehouse


def show(warehouse: Path) -> None:
    with duckdb.connect(str(warehouse), read_only=True) as database:
        for title, query in QUERIES.items():
            sys.stdout.write(f"\n{title}\n")
            database.sql(query).show(max_width=200, max_rows=100)


if __name__ == "__main__":
    main()
