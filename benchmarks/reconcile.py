"""How long the reconciliation of invoices takes in the warehouse, and whether it finds what was planted.

    python benchmarks/reconcile.py [--invoices 1000000] [--peers-python /path/of/a/venv/bin/python] [--rounds 3]

A small installation is built by dbt; its tables of invoices are then filled with made ones, as many in billing as in the ERP, and the
SQL that dbt compiled runs over them as it stands, on two threads: `invoice_pair` (which documents belong together, and that they agree)
and `invoice_difference` (what does not agree, with every column of both), once with the rows kept in memory, as the peers keep theirs, and
once written into the file of the warehouse, as a build does. `reconciled_invoice` puts both together where it is read; what reading it
whole takes is told besides. Peers compare the same documents in the same run, where
the given Python has them: datacompy (Polars) and reladiff (DuckDB). They are told the key and three columns, look for no counterpart
without a key and know no groups, so they do less; documents without a reference and repeated ones are taken out for them. The *floor* is the
least that could be called a reconciliation: one join by the reference, a class from two columns, and both keys written.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import duckdb

MODELS = ("invoice_pair", "invoice_difference")
# place in a hundred-thousand -> what is planted there; consecutive invoices, twenty of them, are one customer's
PLANTS = {
    "missing_in_erp": "i % 200 = 1", "amount": "i % 200 = 2", "duplicate": "i % 500 = 3", "n:1": "i % 400 in (4, 5)", "no reference": "i % 100 = 6",
    "number only": "i % 100 = 7", "currency": "i % 1000 = 8", "missing_in_billing": "i % 500 = 9",
}
FLOOR = """
    select billing.invoice_key as billing_key, ledger.invoice_key as ledger_key,
        case when ledger.invoice_key is null then 'missing_in_erp' when billing.invoice_key is null then 'missing_in_billing'
            when billing.currency <> ledger.currency then 'currency' when billing.total_minor <> ledger.total_minor then 'amount' else 'matched' end as class
    from (select * from invoice where role = 'billing') as billing
    full outer join (select * from invoice where role = 'erp') as ledger on billing.invoice_id = ledger.billing_invoice_id"""
PEERS = {
    "datacompy": """
import sys, time, polars as pl, datacompy
left, right = pl.read_parquet(sys.argv[1]), pl.read_parquet(sys.argv[2])
start, cpu = time.perf_counter(), time.process_time()
compared = datacompy.PolarsCompare(left, right, join_columns=["id"], abs_tol=0, rel_tol=0)
found = len(compared.df1_unq_rows) + len(compared.df2_unq_rows) + len(compared.intersect_rows) - compared.count_matching_rows()
print(time.perf_counter() - start, time.process_time() - cpu, found)
""",
    "reladiff": """
import sys, tempfile, time, duckdb, reladiff
path = tempfile.mkdtemp() + "/peer.duckdb"
with duckdb.connect(path) as made:
    for name, file in (("a", sys.argv[1]), ("b", sys.argv[2])):
        made.execute(f"create table {name} as select id, total::bigint as total, tax::bigint as tax, currency from read_parquet('{file}')")
start, cpu = time.perf_counter(), time.process_time()
tables = [reladiff.connect_to_table("duckdb://main:@" + path, name, "id", thread_count=2) for name in ("a", "b")]
found = sum(1 for _ in reladiff.diff_tables(*tables, extra_columns=("total", "tax", "currency"), algorithm=reladiff.Algorithm.JOINDIFF))
print(time.perf_counter() - start, time.process_time() - cpu, found)
""",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--invoices", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peers-python", default=sys.executable, help="a Python that has datacompy and reladiff; they are no dependencies of this project")
    options = parser.parse_args()

    from tests.transform.landing_fixture import connections, healthy, land, setting, settings_at
    from transform.build import build

    with tempfile.TemporaryDirectory(prefix="concord-reconcile-") as folder:
        settings = settings_at(Path(folder))
        world = setting()
        healthy(world, 1)
        land(settings, world)
        build(settings, connections())
        compiled = next(settings.dbt_target.glob("target/compiled/*/models/reconciled"))
        with duckdb.connect(str(settings.warehouse)) as warehouse:
            warehouse.execute("set threads = 2; set memory_limit = '4GB'; set preserve_insertion_order = false")
            fill(warehouse, options.invoices)
            queries = {**{model: (compiled / f"{model}.sql").read_text() for model in MODELS}, "floor": FLOOR}
            best = {name: (taken(warehouse, f"temp table {name}_in_memory", query, options.rounds), taken(warehouse, f"table {name}", query, options.rounds))
                    for name, query in queries.items()}
            best["both"] = tuple(tuple(sum(best[model][way][kind] for model in MODELS) for kind in (0, 1)) for way in (0, 1))  # type: ignore[assignment]
            print(f"{options.invoices:,} invoices a side, load {os.getloadavg()[0]:.0f} on {os.cpu_count()} processors; best of {options.rounds}, seconds")
            print(f"{'':24}{'in memory':>11}{'processor':>11}{'written':>11}{'processor':>11}")
            whole = taken(warehouse, "temp table read_whole", "from reconciled_invoice", options.rounds)
            for name in (*MODELS, "both", "floor"):
                print(f"{name:24}" + "".join(f"{seconds:11.2f}" for way in best[name] for seconds in way))
            print(f"{'reconciled_invoice read':24}" + "".join(f"{seconds:11.2f}" for seconds in whole))
            print("ours by the floor       " + "".join(f"{ours / floor:11.1f}" for way in (0, 1) for ours, floor in zip(best["both"][way], best["floor"][way], strict=True)))
            for name in PEERS:
                print(against(name, options.peers_python, warehouse, Path(folder), options.rounds, best["both"][0]))
            print(json.dumps(score(warehouse), indent=1))


def taken(warehouse: duckdb.DuckDBPyConnection, target: str, query: str, rounds: int) -> tuple[float, float]:
    """Least seconds by the clock and of the processor for making that table."""
    found = []
    for _ in range(rounds):
        start, cpu = time.perf_counter(), time.process_time()
        warehouse.execute(f"create or replace {target} as {query}")
        found.append((time.perf_counter() - start, time.process_time() - cpu))
    return min(each[0] for each in found), min(each[1] for each in found)


def fill(warehouse: duckdb.DuckDBPyConnection, count: int) -> None:
    """Canonical invoices of both sides with their customers; `planted` says what was done to which."""
    planted = " ".join(f"when {told} then '{name}'" for name, told in PLANTS.items())
    warehouse.execute(f"""
        create or replace table planted as
        select
            i, case {planted} else 'none' end as plant, md5('customer' || i // 20) as customer_id, 'sub_' || i // 20 as subscription_id,
            cast(hash(i) % 9000000 + 1000 as bigint) as minor, date '2025-01-01' + cast((hash(i // 20) % 200) + (i % 20) * 5 as integer) as day,
            case when hash(i // 20) % 10 < 7 then 'USD' else 'EUR' end as currency, cast(1 + hash(i * 5) % 4 as bigint) as lines
        from range({count}) as made(i)""")
    for table in ("invoice", "customer", "crosswalk", "credit_note"):
        warehouse.execute(f"create or replace table {table} as select * from {table} limit 0")  # without the constraints: not all columns are made
    billing = _rows(
        "'stripe'", "'billing'", "'in_' || lpad(cast(i as varchar), 9, '0')", "'F-' || i", "'in_' || lpad(cast(i as varchar), 9, '0')", "'F-' || i",
        "currency", "minor", "day")
    ledger = _rows(
        "'netsuite'", "'erp'", "cast(5000000 + i as varchar)", "'INV' || i",
        "case when plant not in ('no reference', 'number only') then 'in_' || lpad(cast(i as varchar), 9, '0') end",
        "case when plant <> 'no reference' then 'F-' || i end", "case when plant = 'currency' then 'GBP' else currency end",
        "case when plant = 'amount' then minor + 50000 else minor end", "day + case when plant = 'no reference' then 1 else 0 end")
    twice = _rows(
        "'netsuite'", "'erp'", "cast(900000000 + i as varchar)", "'AGAIN' || i", "'in_' || lpad(cast(i as varchar), 9, '0')", "'F-' || i", "currency",
        "minor", "day + 2")
    summed = _rows(
        "'netsuite'", "'erp'", "cast(700000000 + i as varchar)", "'SUM' || i", "cast(null as varchar)", "cast(null as varchar)", "currency",
        "minor + next_minor", "day")
    warehouse.execute(f"insert into invoice by name {billing} from planted where plant <> 'missing_in_billing'")
    warehouse.execute(f"insert into invoice by name {ledger} from planted where plant not in ('missing_in_erp', 'n:1')")
    warehouse.execute(f"insert into invoice by name {twice} from planted where plant = 'duplicate'")
    warehouse.execute(
        f"insert into invoice by name {summed} from (select *, lead(minor) over (order by i) as next_minor from planted where plant = 'n:1') as planted"
        " where i % 400 = 4")
    warehouse.execute("insert into crosswalk by name select distinct connection, role, customer_id from invoice")
    warehouse.execute("insert into customer by name select distinct customer_id, 'netsuite' as owner_connection from planted")


def _rows(connection: str, role: str, invoice_id: str, number: str, named_id: str, named_number: str, currency: str, minor: str, day: str) -> str:
    moment = f"cast({day} as timestamp)"
    return f"""
        select {connection} || ':' || {invoice_id} as invoice_key, {connection} as connection, {connection} as system, {role} as role,
            {invoice_id} as invoice_id, {number} as number, {named_id} as billing_invoice_id, {named_number} as billing_number,
            customer_id as customer_record_id, customer_id, subscription_id, 'paid' as status, 'paid' as status_raw, {currency} as currency,
            lines as line_count, cast(({minor}) / 100 as decimal(24, 6)) as total_amount, {minor} as total_minor,
            cast(({minor}) // 6 / 100 as decimal(24, 6)) as tax_amount, cast(({minor}) / 100 as decimal(24, 6)) as paid_amount,
            cast(0 as decimal(24, 6)) as open_amount, {day} as invoice_date, {day} + 30 as due_date, {moment} as finalized_at,
            {moment} as status_changed_at, {moment} as created_at, {moment} as updated_at"""


def against(name: str, python: str, warehouse: duckdb.DuckDBPyConnection, folder: Path, rounds: int, ours: tuple[float, float]) -> str:
    """The line of a peer, with how many times our time it takes: ours in memory, for no peer writes what it finds."""
    for side, role in (("left", "billing"), ("right", "erp")):
        named = "invoice_id" if role == "billing" else "billing_invoice_id"
        warehouse.execute(f"""
            copy (select {named} as id, total_minor as total, cast(tax_amount * 100 as bigint) as tax, currency from invoice
                  where role = '{role}' and {named} is not null and number not like 'AGAIN%') to '{folder}/{side}.parquet'""")
    best = [float("inf"), float("inf")]
    for _ in range(rounds):
        done = subprocess.run([python, "-c", PEERS[name], f"{folder}/left.parquet", f"{folder}/right.parquet"], capture_output=True, text=True, check=False)
        if done.returncode:
            reason = (done.stderr.strip().splitlines() or ["no message"])[-1]
            return f"{name:24}not measured: {reason} (install it into a venv and name that with --peers-python)"
        seconds, cpu, _ = (float(each) for each in done.stdout.split()[-3:])
        best = [min(best[0], seconds), min(best[1], cpu)]
    return f"{name:24}{best[0]:11.2f}{best[1]:11.2f}   of ours: {best[0] / ours[0]:.1f} x the clock, {best[1] / ours[1]:.1f} x the processor"


def score(warehouse: duckdb.DuckDBPyConnection) -> dict[str, dict[str, float]]:
    """What was planted -> precision and recall. A document stands for its finding; a pair for what was found without an id."""
    told = {
        "missing_in_erp": ("select 'in_' || lpad(cast(i as varchar), 9, '0') from planted where plant = 'missing_in_erp'",
                           "select billing_invoice_id from reconciled_invoice where class = 'missing_in_erp'"),
        "missing_in_billing": ("select cast(5000000 + i as varchar) from planted where plant = 'missing_in_billing'",
                               "select ledger_invoice_id from reconciled_invoice where class = 'missing_in_billing'"),
        "amount": ("select cast(5000000 + i as varchar) from planted where plant = 'amount'",
                   "select ledger_invoice_id from reconciled_invoice where class = 'amount'"),
        "currency": ("select cast(5000000 + i as varchar) from planted where plant = 'currency'",
                     "select ledger_invoice_id from reconciled_invoice where class = 'currency'"),
        "duplicate": ("select cast(900000000 + i as varchar) from planted where plant = 'duplicate'",
                      "select ledger_invoice_id from reconciled_invoice where class = 'duplicate'"),
        "n:1": ("select 'in_' || lpad(cast(i as varchar), 9, '0') || '/' || (700000000 + i - (i % 400) + 4) from planted where plant = 'n:1'",
                "select billing_invoice_id || '/' || ledger_invoice_id from reconciled_invoice where method = 'customer, sum'"),
        "no reference": ("select 'in_' || lpad(cast(i as varchar), 9, '0') || '/' || (5000000 + i) from planted where plant = 'no reference'",
                         "select billing_invoice_id || '/' || ledger_invoice_id from reconciled_invoice"
                         " where method in ('customer, amount, date', 'customer, amount within tolerance, date within window')"),
        "number only": ("select 'in_' || lpad(cast(i as varchar), 9, '0') || '/' || (5000000 + i) from planted where plant = 'number only'",
                        "select billing_invoice_id || '/' || ledger_invoice_id from reconciled_invoice where method = 'number'"),
    }
    scores = {}
    for name, (truth, found) in told.items():
        row = warehouse.execute(f"""
            with truth(id) as ({truth}), found(id) as ({found})
            select (select count(*) from truth), (select count(*) from found), (select count(*) from truth where id in (select id from found)),
                (select count(*) from found where id in (select id from truth))""").fetchone()
        assert row is not None
        scores[name] = {"planted": row[0], "found": row[1], "precision": round(row[3] / max(row[1], 1), 5), "recall": round(row[2] / max(row[0], 1), 5)}
    return scores


if __name__ == "__main__":
    main()
