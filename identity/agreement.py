"""How alike the two records of a pair are, field by field: one level a field, the table `identity_agreement`, and what each level is called.

Here: the levels and the SQL that finds them. Not here: what a level weighs (identity/model.py) or what follows from it (identity/scoring.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from identity.records import BACKGROUND, KNOWN_IN_BACKGROUND

if TYPE_CHECKING:
    import duckdb

SHARED_BY_MANY = 10  # a phone, domain or address of more differently named records says little
HELD_BY_MANY = 8  # so does a name


@dataclass(frozen=True)
class Field:
    """`levels`: from the least to the most agreement; a pair that cannot be compared has none."""

    name: str
    levels: tuple[str, ...]


FIELDS = (
    Field("name", (
        "other words", "few words shared", "many words shared, others differ", "initials of the other", "contained, of common words",
        "contained, of rare words", "nearly all words", "all words but for spelling", "same words, held by many", "same words",
    )),
    Field("marks", ("another number or direction", "a number or direction on one side", "same number or direction")),
    Field("legal_form", ("another legal form", "same legal form")),
    Field("tax_id", ("another tax id", "same tax id")),
    Field("web", ("another domain", "same domain, shared by many", "same domain", "same e-mail address")),
    Field("phone", ("another phone", "same phone, shared by many", "same phone")),
    Field("address", ("another address", "another address in the same place", "same number, similar street", "same address, shared by many", "same address")),
    Field("country", ("another country", "same country")),
)
CORROBORATING = ("tax_id", "web", "phone", "address")  # what is written independently of the name
NAME_ALIKE = 7  # from this level of the name on, all its words agree
NAME_CONTAINED = 4

LIKENESS = """
    case when x = y then 1.0
        when regexp_matches(x, '[0-9]') or regexp_matches(y, '[0-9]') then 0.0
        when least(length(x), length(y)) >= 3 and (starts_with(x, y) or starts_with(y, x)) then 0.8
        when x[1] = y[1] and least(length(x), length(y)) >= 5 and greatest(xb, yb) >= {rare}
            and damerau_levenshtein(x, y) <= case when least(length(x), length(y)) >= 8 then 2 else 1 end then 0.9
        when least(length(x), length(y)) >= 6 and greatest(xb, yb) >= {rare} and damerau_levenshtein(x, y) <= 1 then 0.9
        when greatest(xb, yb) > {known} and x[1] = y[1] and x[-1] = y[-1] and least(length(x), length(y)) >= 4 and greatest(length(x), length(y)) >= 7
            and abs(length(x) - length(y)) >= 3 and regexp_full_match(case when length(x) > length(y) then x else y end, array_to_string(string_split(case when length(x) > length(y) then y else x end, ''), '.*')) then 0.75
        else 0.0 end
"""


def _covered(one: str, other: str, rare: float, known: float) -> str:
    """The bits of one name's words that the other's words account for."""
    likeness = LIKENESS.format(rare=rare, known=known).replace("xb", f"{one}.bits[i]").replace("yb", f"{other}.bits[j]")
    return f"list_sum(list_transform({one}.words, lambda x, i: {one}.bits[i] * list_max(list_transform({other}.words, lambda y, j: {likeness}))))"


def compare(con: duckdb.DuckDBPyConnection, pairs: str = "identity_pair") -> None:
    """Make `identity_agreement` from a table of pairs (l, r): pair_id, l, r and a level a field (null: cannot be compared)."""
    import math

    records = con.execute("select count(*) from identity_record").fetchone()
    total = (records[0] if records else 0) + BACKGROUND
    rare = round(math.log2(total / max(4.0, total * 5e-5)), 3)  # a word that so few hold may be a typing error
    known = round(math.log2(total / KNOWN_IN_BACKGROUND), 3)  # two words that many hold are two words: "county" is not short for "community"
    informative = round(0.85 * math.log2(total), 3)  # a shared part of so many bits is hardly shared by chance
    con.execute(f"""
        create or replace temp table identity_name_agreement as
        with together as (
            select p.l, p.r, a.i as ai, b.i as bi, a.key = b.key as same, a.holders, a.total as a_total, b.total as b_total,
                case when a.key <> b.key then {_covered("a", "b", rare, known)} end as a_covered,
                case when a.key <> b.key then {_covered("b", "a", rare, known)} end as b_covered,
                case when a.key <> b.key and least(length(a.compact), length(b.compact)) >= 6 then
                    a.compact = b.compact or (jaro_winkler_similarity(a.compact, b.compact) >= 0.965
                        and damerau_levenshtein(a.compact, b.compact) <= 2 and greatest(list_max(a.bits), list_max(b.bits)) >= {rare}
                        and regexp_extract_all(a.compact, '[0-9]+') = regexp_extract_all(b.compact, '[0-9]+')) end as spelled_alike,
                coalesce(list_contains(b.words, a.initials) or list_contains(a.words, b.initials), false) as initials,
                coalesce(a.compact = b.initials or b.compact = a.initials, false) as acronym, a.marks as a_marks, b.marks as b_marks
            from {pairs} as p inner join identity_name as a on a.n = p.l inner join identity_name as b on b.n = p.r
        ), parts as (
            select *, a_covered / a_total as a_part, b_covered / b_total as b_part, least(a_covered, b_covered) as shared,
                least(a_total - a_covered, b_total - b_covered) as lost,
                list_filter(a_marks, lambda m: not list_contains(b_marks, m)) as a_own, list_filter(b_marks, lambda m: not list_contains(a_marks, m)) as b_own
            from together
        ), judged as (
            select *,
                case
                    when same and holders > {HELD_BY_MANY} then 8
                    when same then 9
                    when coalesce(spelled_alike, false) or least(a_part, b_part) >= 0.88 and lost <= 3.5 then 7
                    when least(a_part, b_part) >= 0.78 and lost <= 2.5 then 6
                    when greatest(a_part, b_part) >= 0.88 and least(a_part, b_part) >= 0.45 and shared >= {informative} then 5
                    when greatest(a_part, b_part) >= 0.88 and (shared >= {informative} or least(a_part, b_part) >= 0.45) then 4
                    when initials or acronym then 3
                    when least(a_part, b_part) >= 0.55 then 2
                    when greatest(a_part, b_part) >= 0.35 then 1
                    else 0
                end as level,
                case
                    when len(a_marks) = 0 and len(b_marks) = 0 then null
                    when len(a_own) = 0 and len(b_own) = 0 then 2
                    when len(list_intersect(list_transform(a_own, lambda m: split_part(m, ':', 1)), list_transform(b_own, lambda m: split_part(m, ':', 1)))) > 0 then 0
                    else 1
                end as marks
            from parts
        )
        select l, r, level as name, marks, case when acronym then least(a_total, b_total) else coalesce(shared, a_total) end as shared
        from judged qualify row_number() over (partition by l, r order by level desc, marks desc nulls last, shared desc, ai, bi) = 1
    """)
    con.execute("""
        create or replace temp table identity_shared as
        with held as (
            select 'w' || r.domain as value, n.key from identity_record as r inner join identity_name as n using (n) where r.domain is not null
            union all select 'p' || r.phone_end, n.key from identity_record as r inner join identity_name as n using (n) where r.phone_end is not null
            union all select 's' || r.street, n.key from identity_record as r inner join identity_name as n using (n) where r.street is not null
        )
        select value from held group by value having count(distinct key) > ?
    """, [SHARED_BY_MANY])
    con.execute("""
        create or replace temp table identity_agreement as
        with placed as (
            select m.*, a.legal_form as a_form, b.legal_form as b_form, a.tax_id as a_tax, b.tax_id as b_tax, a.email as a_email, b.email as b_email,
                a.domain as a_domain, b.domain as b_domain, a.phone as a_phone, b.phone as b_phone, a.phone_end as phone_end,
                a.street as a_street, b.street as b_street, a.house as a_house, b.house as b_house, a.street_words as a_words, b.street_words as b_words,
                a.city as a_city, b.city as b_city, a.country as a_country, b.country as b_country, a.record_key = b.parent_key or b.record_key = a.parent_key as family,
                case when a.postcode = b.postcode then true when a.city = b.city and (a.postcode is null or b.postcode is null) then true
                    when a.postcode is not null and b.postcode is not null then false
                    when a.city is not null and b.city is not null and a.postcode is null and b.postcode is null then jaro_winkler_similarity(a.city, b.city) >= 0.92 end as place
            from identity_name_agreement as m inner join identity_record as a on a.n = m.l inner join identity_record as b on b.n = m.r
        ), streets as (
            select *, len(list_intersect(a_words, b_words)) as words_shared from placed
        )
        select
            row_number() over (order by s.l, s.r)::bigint as pair_id, s.l, s.r, coalesce(s.family, false) as family, s.shared,
            s.name, s.marks, case when s.a_form is not null and s.b_form is not null then (s.a_form = s.b_form)::int end as legal_form,
            case when s.a_tax is null or s.b_tax is null then null when s.a_tax = s.b_tax then 1 else 0 end as tax_id,
            case when s.a_email = s.b_email and s.a_domain is not null then 3 when s.a_domain is null or s.b_domain is null then case when s.a_email = s.b_email then 3 end
                when s.a_domain = s.b_domain and w.value is not null then 1 when s.a_domain = s.b_domain then 2 else 0 end as web,
            case when s.a_phone is null or s.b_phone is null then null
                when not (ends_with(s.a_phone, s.b_phone) or ends_with(s.b_phone, s.a_phone)) then 0 when p.value is not null then 1 else 2 end as phone,
            case when s.a_house is null or s.b_house is null or len(s.a_words) = 0 or len(s.b_words) = 0
                    then case when s.place then 1 when not s.place and s.a_city is distinct from s.b_city then 0 end  -- of one town the postcodes may differ
                when s.a_house = s.b_house and s.place is distinct from false and (s.a_street = s.b_street or s.words_shared = least(len(s.a_words), len(s.b_words)) and s.words_shared > 0)
                    then case when t.value is not null then 3 else 4 end
                when s.a_house = s.b_house and s.place is distinct from false
                    and (s.words_shared >= 1 or jaro_winkler_similarity(s.a_street, s.b_street) >= 0.9) then 2
                when s.place then 1 else 0 end as address,
            case when s.a_country is not null and s.b_country is not null then (s.a_country = s.b_country)::int end as country
        from streets as s
        left join identity_shared as w on w.value = 'w' || s.a_domain
        left join identity_shared as p on p.value = 'p' || s.phone_end
        left join identity_shared as t on t.value = 's' || s.a_street
    """)


def comparisons(parameters: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    """Splink's comparisons over `identity_agreement`: a level is a value of the field's column; `parameters`: m and u by field and level."""
    found = []
    for field in FIELDS:
        levels: list[dict[str, Any]] = [{"sql_condition": f'"{field.name}_l" is null', "label_for_charts": "unknown", "is_null_level": True}]
        for value in reversed(range(len(field.levels))):
            level: dict[str, Any] = {"label_for_charts": field.levels[value], "sql_condition": f'"{field.name}_l" = {value}' if value else "ELSE"}
            if parameters:
                level["m_probability"], level["u_probability"] = parameters[field.name][value]
            levels.append(level)
        found.append({"output_column_name": field.name, "comparison_levels": levels})
    return found
