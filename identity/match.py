"""Files in, links out: the whole way of `concord identity match`. Not here: any of its steps."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from concord.errors import UsageError
from identity.agreement import compare
from identity.candidates import propose
from identity.files import Read, read_file
from identity.links import keep_clusters, prefer_one_to_one
from identity.model import default_model, load_model
from identity.records import COLUMNS, prepare
from identity.scoring import score_prepared
from identity.training import train_prepared

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class Matched:
    """`files`: what was found in each, by its path."""

    files: dict[str, Read]
    records: int
    pairs: int
    matches: int
    reviews: int
    clusters: int
    trained: list[str]


def match_files(
    con: duckdb.DuckDBPyConnection, left: Path, right: Path | None = None, *, out: Path, clusters: Path | None = None, model: Path | None = None,
    train: bool = True, save_model: Path | None = None, columns: Mapping[str, list[str]] | None = None,
    passes: tuple[str, ...] = ("rules", "splink"), on: date | None = None,
) -> Matched:
    """Link two files, or deduplicate one. Writes the links, and the clusters and the model where they are asked for."""
    _writable({"--out": out, "--clusters": clusters, "--save-model": save_model}, [left, *([right] if right else [])])
    for column in columns or {}:
        if column not in COLUMNS:
            raise UsageError(f"there is no column {column!r}.", where="--column", mend=f"Known: {', '.join(COLUMNS)}.")
    chosen = load_model(model) if model else default_model()
    read = {str(left): read_file(con, left, "identity_left", side="A" if right else None, given=columns)}
    if right:
        read[str(right)] = read_file(con, right, "identity_right", side="B", given=columns)
    headers = [header for file in read.values() for header in file.headers]
    for title in (title for titles in (columns or {}).values() for title in titles):
        if title not in headers:
            raise UsageError("the file has no such column.", where=" and ".join(read), field=title, mend=f"There is: {', '.join(headers)}.")
    listed = ", ".join(COLUMNS)
    con.execute(f"create or replace temp table identity_records as select line, {listed} from identity_left" + (f" union all select line, {listed} from identity_right" if right else ""))
    prepare(con, "identity_records")
    propose(con, between_sources=right is not None)
    compare(con)
    if train:
        chosen = train_prepared(con, start=chosen, on=on)
    score_prepared(con, model=chosen, passes=passes)
    if right:
        prefer_one_to_one(con)
    else:
        keep_clusters(con)
    _write(con, out, bare=right is not None)
    if clusters is not None and not right:
        con.execute("copy (select record_key as id, cluster_id from identity_cluster order by cluster_id, id) to " + _literal(clusters) + " (header, delimiter ',')")
    if save_model is not None:
        chosen.save(save_model)
    counts = con.execute("""
        select (select count(*) from identity_record), (select count(*) from identity_pair),
            (select count(*) from identity_link where band = 'match'), (select count(*) from identity_link where band = 'review')
    """).fetchone()
    several = None if right else con.execute("select count(*) from (select cluster_id from identity_cluster group by 1 having count(*) > 1)").fetchone()
    assert counts is not None  # scalar subqueries have a row
    records, pairs, matches, reviews = counts
    trained = list(chosen.trained_on.get("trained", [])) if train else []
    return Matched(read, records, pairs, matches, reviews, several[0] if several else 0, trained)


def _writable(written: Mapping[str, Path | None], read: list[Path]) -> None:
    """Refuse what would be lost or found out too late: a folder that is not there, a file that is read or written under another option."""
    taken = {path.resolve(): "a file that is read" for path in read}
    for option, path in written.items():
        if path is None:
            continue
        if not path.resolve().parent.is_dir():
            raise UsageError("there is no such folder.", where=option, field=str(path.parent), mend="Make it first.")
        if path.resolve() in taken:
            raise UsageError(f"this is {taken[path.resolve()]}.", where=option, field=str(path), mend="Give another name.")
        if path.is_dir() or not os.access(path if path.exists() else path.resolve().parent, os.W_OK):
            raise UsageError("this cannot be written.", where=option, field=str(path), mend="Give a file in a folder of yours.")
        taken[path.resolve()] = f"what {option} writes"


def _write(con: duckdb.DuckDBPyConnection, out: Path, *, bare: bool) -> None:
    key = "substr({0}, 3)" if bare else "{0}"  # without the side's mark
    con.execute(f"""
        copy (
            with named as (select record_key, arg_min(name, line) as name from identity_records group by record_key)
            select {key.format("l.left_key")} as left_id, {key.format("l.right_key")} as right_id, a.name as left_name, b.name as right_name,
                round(l.match_probability, 4) as probability, round(l.match_weight, 2) as weight, l.band, l.method, l.evidence
            from identity_link as l left join named as a on a.record_key = l.left_key left join named as b on b.record_key = l.right_key
            order by l.band, l.match_probability desc, l.match_weight desc, l.left_key, l.right_key
        ) to {_literal(out)} (header, delimiter ',')
    """)


def _literal(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
