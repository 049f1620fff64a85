"""From scored pairs to links: the best partner where two files are linked, clusters where one is deduplicated. Not here: the scores."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

TOGETHER = 0.5  # two groups become one if their members are the same more likely than not, on average


def prefer_one_to_one(con: duckdb.DuckDBPyConnection) -> None:
    """Of `identity_scored`, make `identity_link`: a match beside a better one of either record goes to review.

    Matches that tie stay where a second field, not the name alone, speaks for each. By name alone nobody can tell which it is, unless one alone is
    written letter for letter the same, or failing that has the words in the same order.
    """
    con.execute("""
        create or replace temp table identity_link as
        with alike as (
            select s.left_key, s.right_key, case when bool_or(y.name = x.name) then 2e-6 else 1e-6 end as ahead from identity_scored as s
            inner join identity_record as a on a.record_key = s.left_key inner join identity_record as b on b.record_key = s.right_key
            inner join identity_held as x on x.n = a.n inner join identity_form as f on f.written = x.name
            inner join identity_held as y on y.n = b.n inner join identity_form as g on g.written = y.name and g.compact = f.compact
            group by all
        ), placed as (
            select s.*, s.match_weight + coalesce(e.ahead, 0) as rank
            from identity_scored as s left join alike as e using (left_key, right_key)
        ), ranked as (
            select *, method not in ('name', 'splink') or evidence like '%"same tax id"%' or evidence like '%"same domain"%'
                    or evidence like '%"same phone"%' or evidence like '%"same address"%' as corroborated,
                max(match_weight) over (partition by left_key, band) as left_best, max(match_weight) over (partition by right_key, band) as right_best,
                max(rank) over (partition by left_key, band) as left_first, max(rank) over (partition by right_key, band) as right_first
            from placed
        ), beaten as (
            select *, rank < greatest(left_first, right_first) as beaten from ranked
        ), tied as (  -- whose partner has a better one is in nobody's way
            select *, count(*) over (partition by left_key, band, rank, beaten) as left_ties, count(*) over (partition by right_key, band, rank, beaten) as right_ties
            from beaten
        )
        select left_key, right_key, match_weight, match_probability,
            case when band = 'match' and (beaten or greatest(left_ties, right_ties) > 1) and not corroborated
                or band = 'match' and match_weight < least(left_best, right_best) then 'review' else band end as band,
            method, evidence
        from tied
    """)


def cluster(pairs: Iterable[tuple[str, str, float, str]]) -> dict[str, str]:
    """Records that are one organisation, as record: the least key of its group; a record without a match is not in it.

    Average linkage over (left, right, probability, band): a single doubtful link does not join two groups.
    """
    near: dict[str, dict[str, float]] = {}
    matches: list[tuple[float, str, str]] = []
    for left, right, probability, band in pairs:
        near.setdefault(left, {})[right] = probability
        near.setdefault(right, {})[left] = probability
        if band == "match":
            matches.append((-probability, left, right))
    group = {key: key for key in near}
    members: dict[str, list[str]] = {key: [key] for key in near}
    waiting = sorted(matches)
    merged = True
    while merged:
        merged, left_over = False, []
        for link in waiting:
            a, b = group[link[1]], group[link[2]]
            if a == b:
                continue
            small, large = sorted((a, b), key=lambda key: (len(members[key]), key))
            likely = sum(near[one].get(other, 0.0) for one in members[small] for other in members[large])
            if likely / (len(members[small]) * len(members[large])) < TOGETHER:
                left_over.append(link)
                continue
            for one in members[small]:
                group[one] = large
            members[large] += members.pop(small)
            merged = True
        waiting = left_over
    first = {key: min(some) for key, some in members.items()}
    return {key: first[name] for key, name in group.items() if len(members[name]) > 1}


def keep_clusters(con: duckdb.DuckDBPyConnection) -> None:
    """Of `identity_scored`, make `identity_cluster` (record_key, cluster_id; every record) and `identity_link`, which agrees with it.

    A match between two clusters goes to review; a pair for review within one cluster is a match by the others (method 'cluster').
    """
    import pyarrow as pa

    rows = con.execute("select left_key, right_key, match_probability, band from identity_scored order by left_key, right_key").fetchall()
    found = sorted(cluster(rows).items())
    con.register("identity_found", pa.table({"record_key": pa.array([k for k, _ in found], pa.string()), "cluster_id": pa.array([c for _, c in found], pa.string())}))
    con.execute("""
        create or replace temp table identity_cluster as
        select r.record_key, coalesce(f.cluster_id, r.record_key) as cluster_id from identity_record as r left join identity_found as f using (record_key)
    """)
    con.unregister("identity_found")
    con.execute("""
        create or replace temp table identity_link as
        select s.left_key, s.right_key, s.match_weight, s.match_probability, case when a.cluster_id = b.cluster_id then 'match' else 'review' end as band,
            case when a.cluster_id = b.cluster_id and s.band = 'review' then 'cluster' else s.method end as method, s.evidence
        from identity_scored as s
        inner join identity_cluster as a on a.record_key = s.left_key inner join identity_cluster as b on b.record_key = s.right_key
    """)
