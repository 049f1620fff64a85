"""Records in comparable form, as tables of the database at hand: `identity_record`, `identity_name`, `identity_word`.

Here: normalising each distinct value once and how rare each word is. Not here: which records are compared (identity/candidates.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from identity import fields
from identity.facts import name_facts
from identity.names import normal_forms

if TYPE_CHECKING:
    import duckdb

COLUMNS = (
    "record_key", "source", "name", "tax_id", "domain", "email", "phone", "street", "city", "postcode", "country", "parent_key",
)
# A list of ten names does not show how common a word is: each word is counted as in that many names more.
BACKGROUND = 10_000
KNOWN_IN_BACKGROUND = 100  # a word of the trade ('electric', 'school'), among them


def _distinct(con: duckdb.DuckDBPyConnection, records: str, column: str) -> list[str]:
    rows = con.execute(f"select distinct {column} from {records} where {column} is not null and trim({column}) <> '' order by 1").fetchall()
    return [str(row[0]) for row in rows]


def _table(con: duckdb.DuckDBPyConnection, name: str, columns: dict[str, tuple[str, list[Any]]]) -> None:
    """A temporary table of columns given as (type, values)."""
    import pyarrow as pa

    types = {"text": pa.string(), "texts": pa.list_(pa.string()), "int": pa.int32()}
    arrow = pa.table({column: pa.array(values, types[kind]) for column, (kind, values) in columns.items()})
    con.register("identity_handed_over", arrow)
    con.execute(f"create or replace temp table {name} as select * from identity_handed_over")
    con.unregister("identity_handed_over")


def _values(con: duckdb.DuckDBPyConnection, records: str, column: str, form: Callable[[str], str | None], table: str) -> None:
    found = [(text, form(text)) for text in _distinct(con, records, column)]
    known = [(text, value) for text, value in found if value]
    _table(con, table, {"written": ("text", [text for text, _ in known]), "form": ("text", [value for _, value in known])})


def prepare(con: duckdb.DuckDBPyConnection, records: str) -> None:
    """Make the tables. `identity_record.n` numbers the records in the order of their keys; a record may have several names."""
    con.execute(f"create or replace temp view identity_given as select {', '.join(f'cast({c} as varchar) as {c}' for c in COLUMNS)} from {records}")
    _values(con, "identity_given", "tax_id", fields.tax_id, "identity_tax")
    con.execute("create or replace temp view identity_hosts as select domain as host from identity_given union select email from identity_given")
    _values(con, "identity_hosts", "host", fields.domain, "identity_host")
    _values(con, "identity_given", "email", fields.email, "identity_email")
    _values(con, "identity_given", "phone", fields.phone, "identity_phone")
    _values(con, "identity_given", "postcode", fields.postcode, "identity_postcode")
    streets = [(text, fields.address(text)) for text in _distinct(con, "identity_given", "street")]
    _table(con, "identity_street", {
        "written": ("text", [text for text, _ in streets]), "number": ("text", [a.number or None for _, a in streets]),
        "words": ("texts", [list(a.words) for _, a in streets]), "form": ("text", [a.key for _, a in streets]),
    })
    _names(con)
    con.execute(f"""
        create or replace temp table identity_record as
        with whole as (  -- several rows of one key are one record with several names; the rest of the first that says something
            select record_key, {", ".join(f"min({c}) as {c}" for c in COLUMNS[1:])} from identity_given group by record_key
        )
        select
            row_number() over (order by r.record_key)::int as n, r.record_key, r.source, r.parent_key, r.name,
            t.form as tax_id, coalesce(d.form, m.form) as domain, e.form as email, p.form as phone, right(p.form, 7) as phone_end,
            s.form as street, s.number as house, s.words as street_words, strip_accents(lower(trim(r.city))) as city, z.form as postcode,
            upper(left(trim(r.country), 2)) as country, f.form as legal_form
        from whole as r
        left join identity_tax as t on t.written = r.tax_id
        left join identity_host as d on d.written = r.domain
        left join identity_host as m on m.written = r.email
        left join identity_email as e on e.written = r.email
        left join identity_phone as p on p.written = r.phone
        left join identity_postcode as z on z.written = r.postcode
        left join identity_street as s on s.written = r.street
        left join identity_form as f on f.written = r.name and f.variant = 0
    """)
    con.execute("create or replace temp table identity_held as select distinct r.n, g.name from identity_given as g inner join identity_record as r using (record_key)")
    con.execute("""
        create or replace temp table identity_word as
        with held as (
            select distinct h.n, unnest(f.words) as word from identity_held as h inner join identity_form as f on f.written = h.name and f.variant = 0
        ), counted as (
            select word, count(*)::int as names from held group by word
        )
        select word, names, log2(((select count(*) from identity_record) + ?) / (names + case when k.word is null then 0 else ? end)) as bits
        from counted left join identity_known as k using (word)
    """, [BACKGROUND, KNOWN_IN_BACKGROUND])
    con.execute("""
        create or replace temp table identity_weighed as
        with spread as (
            select written, variant, unnest(words) as word, generate_subscripts(words, 1) as place from identity_form
        )
        select s.written, s.variant, list(s.word order by s.place) as words, list(coalesce(w.bits, 13.0)::float order by s.place) as bits,
            sum(coalesce(w.bits, 13.0))::float as total
        from spread as s left join identity_word as w using (word) group by s.written, s.variant
    """)
    con.execute("""
        create or replace temp table identity_name as
        with held as (
            select h.n, f.key, f.compact, f.initials, f.marks, w.words, w.bits, w.total
            from identity_held as h inner join identity_form as f on f.written = h.name
            inner join identity_weighed as w on w.written = f.written and w.variant = f.variant
            qualify row_number() over (partition by h.n, f.key order by f.compact) = 1
        )
        select row_number() over (order by n, key)::int as i, *, count(*) over (partition by key)::int as holders from held
    """)


def _names(con: duckdb.DuckDBPyConnection) -> None:
    rows = [(text, variant, form) for text in _distinct(con, "identity_given", "name") for variant, form in enumerate(normal_forms(text)) if form.words]
    forms = [form for _, _, form in rows]
    _table(con, "identity_form", {
        "written": ("text", [text for text, _, _ in rows]), "variant": ("int", [variant for _, variant, _ in rows]),
        "key": ("text", [form.key for form in forms]), "words": ("texts", [list(form.words) for form in forms]),
        "marks": ("texts", [list(form.marks) for form in forms]), "form": ("text", [form.form or None for form in forms]),
        "initials": ("text", [form.initials or None for form in forms]), "compact": ("text", [form.compact for form in forms]),
    })
    known: Iterable[str] = sorted(name_facts().known)
    _table(con, "identity_known", {"word": ("text", list(known))})
