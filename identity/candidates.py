"""Which pairs of records are looked at: those that share a key that few hold, and of each record's pairs the most promising.

Here: the keys and the limits that keep 100,000 x 100,000 records affordable. Not here: how alike a pair is (identity/agreement.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

BLOCK = 60  # a key held by more records than this proposes no pair (names and ids: BLOCK_OF_IDS)
BLOCK_OF_IDS = 400
BEST = 25  # so many pairs of each record are scored, those whose shared keys are rarest
LEADING_WORDS = 6  # of each name its rarest words make the keys

# Keys with how exact they are: an id or a whole name weighs its rarity in full, a word's beginning less.
KEYS = """
    select n, 'tax ' || tax_id as key, true as exact from identity_record where tax_id is not null
    union all select n, 'web ' || domain, true from identity_record where domain is not null
    union all select n, 'mail ' || email, true from identity_record where email is not null
    union all select n, 'phone ' || phone_end, true from identity_record where phone_end is not null
    union all select n, 'street ' || street, true from identity_record where street is not null
    union all select n, 'house ' || house || ' ' || postcode, true from identity_record where house is not null and postcode is not null
    union all select n, 'name ' || key, true from identity_name
    union all select n, 'town ' || city || ' ' || key, true from identity_name inner join identity_record using (n) where city is not null
    union all select n, 'town ' || postcode || ' ' || key, true from identity_name inner join identity_record using (n) where postcode is not null
    union all select n, 'joined ' || left(compact, 10), false from identity_name where length(compact) >= 5
    union all select n, 'end ' || right(compact, 10), false from identity_name where length(compact) >= 10
    union all select n, 'initials ' || initials, false from identity_name where initials is not null
    union all select n, 'initials ' || word, false from ranked where length(word) between 3 and 6
    union all select n, 'initials ' || compact, false from identity_name where len(words) > 1 and length(compact) between 3 and 6
    union all select n, 'word ' || word, false from ranked
    union all select a.n, 'two ' || least(a.word, b.word) || ' ' || greatest(a.word, b.word), false
        from ranked as a inner join ranked as b on a.i = b.i and a.place < b.place
    union all select a.n, 'begin ' || least(a.short, b.short) || ' ' || greatest(a.short, b.short), false
        from ranked as a inner join ranked as b on a.i = b.i and a.place < b.place
    union all select n, 'typo ' || typo, false from typos
"""


def propose(con: duckdb.DuckDBPyConnection, *, changed: str | None = None, between_sources: bool = False) -> None:
    """Make the temporary table `identity_pair` (l, r): numbers of records, l < r; with `changed` only those of a record in it.

    A pair counts as promising on the side of either record, so that a record's change says nothing of pairs that it has no part in.
    """
    con.execute(f"""
        create or replace temp table identity_key as
        with spread as (
            select n, i, unnest(words) as word, unnest(bits) as bits from identity_name
        ), ranked as (
            select n, i, word, left(word, 4) as short, row_number() over (partition by i order by bits desc, word) as place
            from spread qualify place <= {LEADING_WORDS}
        ), rare as (
            select word from identity_word where names <= {BLOCK} and length(word) >= 5
        ), typos as (
            select n, left(word, gap) || substr(word, gap + 2) as typo
            from (select r.n, r.word, unnest(range(1, length(r.word)))::int as gap from ranked as r semi join rare using (word) where r.place <= 2)
            union
            select r.n, r.word from ranked as r semi join rare using (word) where r.place <= 2
        ), keys as ({KEYS})
        select n, hash(key) as key, max(exact) as exact from keys group by n, hash(key)
    """)
    con.execute(f"""
        create or replace temp table identity_block as
        select key, count(*)::int as holders, log2((select count(*) from identity_record) + 1) - log2(count(*)) + case when bool_or(exact) then 4 else 0 end as bits
        from identity_key group by key having count(*) between 2 and case when bool_or(exact) then {BLOCK_OF_IDS} else {BLOCK} end
    """)
    con.execute("create or replace temp table identity_key as select k.n, k.key, b.bits::float as bits from identity_key as k inner join identity_block as b using (key)")
    allowed = "a.n <> b.n and x.source is distinct from y.source" if between_sources else "a.n <> b.n"
    sources = "inner join identity_record as x on x.n = a.n inner join identity_record as y on y.n = b.n" if between_sources else ""
    con.execute("create or replace temp table identity_focus as " + (
        f"select n from identity_record semi join {changed} as c using (record_key)" if changed else "select n from identity_record"
    ))
    around = "identity_focus"
    if changed:
        con.execute("""
            create or replace temp table identity_around as
            select distinct b.n from identity_key as a semi join identity_focus using (n) inner join identity_key as b using (key)
            union select n from identity_focus
        """)
        around = "identity_around"
    con.execute(f"""
        create or replace temp table identity_pair as
        with shared as (
            select a.n, b.n as other, sum(a.bits) as bits
            from identity_key as a semi join {around} as f using (n) inner join identity_key as b on b.key = a.key {sources}
            where {allowed} group by a.n, b.n
        ), best as (
            select n, other from shared qualify row_number() over (partition by n order by bits desc, other) <= {BEST}
        )
        select distinct least(n, other)::int as l, greatest(n, other)::int as r from best
        {"where n in (from identity_focus) or other in (from identity_focus)" if changed else ""}
        order by l, r
    """)
    con.execute("drop table identity_key")
