"""What readers were last shown of the crosswalk, and which link of each record counts as accepted: kept beside the landing.

It outlives every rebuild: golden ids are kept by it, and links that moved without a steward's word are found by it.
Belongs here: the file's content and writing it. What is made of it is SQL.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from transform.operations import FOLDER

TABLE = "crosswalk_seen"


def remember_crosswalk(landing: Path, warehouse: Path) -> bool:
    """Bring the file up to what the warehouse's crosswalk says, by rename; returns whether anything changed.

    A link is accepted when it is published for the first time; one that moved later, when a steward decided on it.
    """
    import duckdb
    import pyarrow.parquet as pq

    path = landing / FOLDER / f"{TABLE}.parquet"
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(f"attach '{_quoted(warehouse)}' as warehouse (read_only)")
        connection.execute(
            "create table seen as select * from " + (f"read_parquet('{_quoted(path)}')" if path.exists() else
            "(select null::varchar as record_key, null::varchar as customer_id, null::timestamptz as linked_at,"
            " null::varchar as accepted_customer_id, null::timestamptz as accepted_at) where false"))
        connection.execute("""
            create table now as
            with clock as (select max(as_of)::timestamptz as as_of from warehouse.extraction_clock),
            decided as (select record_key from warehouse.crosswalk_change where is_decided),
            link as (
                select link.record_key, link.customer_id, link.method = 'override' or decided.record_key is not null as is_decided
                from warehouse.crosswalk as link left join decided on link.record_key = decided.record_key
            )
            select
                coalesce(link.record_key, seen.record_key) as record_key,
                link.customer_id,
                case when link.customer_id is not distinct from seen.customer_id then coalesce(seen.linked_at, clock.as_of) else clock.as_of end as linked_at,
                case when seen.accepted_customer_id is null or link.is_decided then coalesce(link.customer_id, seen.accepted_customer_id)
                    else seen.accepted_customer_id end as accepted_customer_id,
                case when seen.accepted_customer_id is null or (link.is_decided and link.customer_id <> seen.accepted_customer_id) then clock.as_of
                    else seen.accepted_at end as accepted_at
            from link full outer join seen on link.record_key = seen.record_key cross join clock""")
        if path.exists() and connection.execute("select 1 from (from now except all from seen) limit 1").fetchone() is None:
            return False
        table = connection.sql("from now order by record_key").to_arrow_table()
        mark = connection.sql("select md5(string_agg(now::varchar, '|' order by record_key)) from now").fetchone()
    partial = path.with_suffix(f".{os.getpid()}.partial")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        pq.write_table(table.replace_schema_metadata({"concord": hashlib.sha256(str(mark).encode()).hexdigest()}), partial)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return True


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
