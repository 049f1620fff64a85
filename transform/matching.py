"""Keeps the scored pairs of customer records up to date: what is new or changed is compared, the rest stays as it was.

Belongs here: which records have to be compared again. How alike two records are is `identity.scoring`; which pairs are links is SQL.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

_SHAPE = """
    cast(null as varchar) as left_key, cast(null as varchar) as right_key, cast(null as varchar) as left_fingerprint,
    cast(null as varchar) as right_fingerprint, cast(null as double) as match_weight, cast(null as double) as match_probability,
    cast(null as varchar) as band, cast(null as varchar) as evidence
"""
_FEATURES = "record_key, source, name, tax_id, domain, email, phone, street, city, postcode, country, parent_key"


def match_increment(session: Any, records: Any, before: str | None, model: str = "") -> Any:
    """The whole state as it is to be: pairs with an open record, and one row without a partner for each record that was compared.

    `records`: relation of the features with `fingerprint` and `is_open`; `before`: the table of the last time, None to compare everything.
    `model`: file of a trained model; the fingerprints know of it, so that another model compares everything again.
    """
    session.execute(f"create or replace temp view _match_records as {records.sql_query()}")
    known = f"select * from {before}" if before else f"select {_SHAPE} where false"
    session.execute(f"create or replace temp table _match_known as {known}")
    # a record that is open was compared with all; one that is not, with the open ones: that it ceased to be open needs nothing new
    session.execute(
        "create or replace temp table _match_due as select record.record_key, record.is_open from _match_records as record"
        " left join (select left_key, left_fingerprint, band = 'open' as was_open from _match_known where right_key is null) as seen"
        "   on seen.left_key = record.record_key and seen.left_fingerprint = record.fingerprint"
        # asked of what was joined, not in the join: there it would compare every record with every other
        " where seen.left_key is null or (record.is_open and not seen.was_open)")
    session.execute(
        "create or replace temp table _match_pairs as"
        " select known.* from _match_known as known"
        " inner join _match_records as l on known.left_key = l.record_key and known.left_fingerprint = l.fingerprint"
        " inner join _match_records as r on known.right_key = r.record_key and known.right_fingerprint = r.fingerprint"
        " where l.is_open or r.is_open")
    due = "select record_key from _match_due"
    if not _count(session, "select count(*) from (select record_key from _match_records where is_open except select record_key from _match_due)"):
        due += " where is_open"  # every open record is compared with all anyhow
    if _count(session, f"select count(*) from ({due})") and _count(session, "select count(*) from _match_records where is_open"):
        _score(session, due, model)
    state = session.sql(
        "select left_key, right_key, left_fingerprint, right_fingerprint, match_weight, match_probability, band, evidence from _match_pairs"
        " union all select record_key, null, fingerprint, null, null, null, case when is_open then 'open' else 'closed' end, null"
        " from _match_records").to_arrow_table()
    for name in ("_match_known", "_match_due", "_match_pairs"):
        session.execute(f"drop table {name}")
    session.execute("drop view _match_records")
    return state


def _score(session: Any, changed: str, model: str) -> None:
    """Add the pairs of the changed records that have an open side, unless they are there already.

    All records are told, though few are compared: a word is as rare as it is among all.
    """
    import duckdb

    from identity.model import load_model
    from identity.scoring import score  # seconds to import, and only where something is open

    scratch = duckdb.connect()  # what the matcher makes on its way is no part of the warehouse
    try:
        scratch.register("told", session.sql("select * from _match_records").to_arrow_table())
        scratch.execute(f"create table records as select {_FEATURES} from told")
        scratch.register("due", session.sql(changed).to_arrow_table())
        scratch.execute("create table changed as select record_key from due")
        pairs = score(scratch, "records", changed="changed", model=load_model(Path(model)) if model else None).to_arrow_table()
        session.register("_match_scored", pairs)
        session.execute(
            "insert into _match_pairs"
            " select least(pair.left_key, pair.right_key), greatest(pair.left_key, pair.right_key),"
            "   case when pair.left_key < pair.right_key then l.fingerprint else r.fingerprint end,"
            "   case when pair.left_key < pair.right_key then r.fingerprint else l.fingerprint end,"
            "   pair.match_weight, pair.match_probability, pair.band, pair.evidence"
            " from _match_scored as pair"
            " inner join _match_records as l on pair.left_key = l.record_key"
            " inner join _match_records as r on pair.right_key = r.record_key"
            " where (l.is_open or r.is_open) and not exists ("
            "   select 1 from _match_pairs as there where there.left_key = least(pair.left_key, pair.right_key)"
            "   and there.right_key = greatest(pair.left_key, pair.right_key))")
        session.unregister("_match_scored")
    finally:
        scratch.close()


def _count(session: Any, query: str) -> int:
    return int(session.execute(query).fetchone()[0])
