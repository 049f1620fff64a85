"""Scored pairs: Splink adds up the weights of the fields' levels, the calibrated probability decides the band, rules say what no score may say.

Here: deterministic rules, vetoes, bands, evidence. Not here: one record's best link and clusters (identity/links.py).
"""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from identity.agreement import CORROBORATING, FIELDS, NAME_ALIKE, NAME_CONTAINED, compare
from identity.candidates import propose
from identity.model import Model, default_model
from identity.records import prepare

if TYPE_CHECKING:
    import duckdb

ENOUGH_SAID = 9.0  # bits of a name's words; below, equal names are no more than two offices of a kind


@dataclass(frozen=True)
class Rule:
    """Keys that agree decide alone, unless a veto speaks: `condition` over the columns of `identity_agreement`."""

    name: str
    condition: str
    probability: float


RULES = (  # the first that holds names the method
    Rule("tax_id", f"tax_id = 1 and (name >= 1 or web >= 2 or address >= 3 or phone = 2) and name <= {len(FIELDS[0].levels)}", 0.995),
    Rule("name_and_address", "name >= 8 and address >= 3", 0.99),
    Rule("name_and_web", f"name >= {NAME_ALIKE} and web >= 2", 0.99),
    Rule("name_and_phone", f"name >= {NAME_ALIKE} and phone >= 1", 0.98),
    Rule("address_and_phone", "address = 4 and phone = 2", 0.95),
    Rule("web_and_address", f"web >= 2 and address >= 3 and name >= {NAME_CONTAINED}", 0.95),
    Rule("initials", f"name = 3 and shared >= {ENOUGH_SAID}", 0.3),  # all of a name is another's initials
    Rule("name", f"name = 9 and shared >= {ENOUGH_SAID} and coalesce(address, 4) >= 3 and coalesce(phone, 2) >= 1 and coalesce(web, 2) >= 1 and coalesce(country, 1) = 1", 0.93),
)
# What no sum of weights may overrule: the highest band that is left.
NO_MATCH = (
    "family or (marks = 0 and coalesce(tax_id, 0) = 0 and not (coalesce(address, 0) = 4 and coalesce(phone, 0) = 2))"
    # a town in common makes nobody the same who has another name
    " or (name <= 1 and coalesce(tax_id, 0) = 0 and coalesce(web, 0) = 0 and coalesce(phone, 0) = 0 and coalesce(address, 0) <= 1)"
)
REVIEW_AT_MOST = (
    f"marks = 0 or tax_id = 0 or country = 0 or (name < {NAME_CONTAINED} and coalesce(tax_id, 0) = 0 and coalesce(address, 0) < 3 and coalesce(web, 0) < 2)"
    # a name with a word more is as often another company of the group, in the same town too
    f" or (name in ({NAME_CONTAINED}, {NAME_CONTAINED + 1}) and coalesce(tax_id, web, phone) is null and coalesce(address, 1) = 1)"
)


def score(
    con: duckdb.DuckDBPyConnection, records: str, *, model: Model | None = None, changed: str | None = None, between_sources: bool = False,
    passes: tuple[str, ...] = ("rules", "splink"),
) -> duckdb.DuckDBPyRelation:
    """Pairs of one relation of records that match or are for review.

    `changed`: a relation with a column record_key; only pairs with one of them are scored, and they come out as in a whole run.
    `between_sources`: only pairs of different sources. `passes`: for measuring one without the other.
    Columns: left_key, right_key (left_key < right_key), match_weight (bits), match_probability, band, method, evidence (JSON).
    """
    prepare(con, records)
    propose(con, changed=changed, between_sources=between_sources)
    compare(con)
    return score_prepared(con, model=model, passes=passes)


def score_prepared(
    con: duckdb.DuckDBPyConnection, *, model: Model | None = None, passes: tuple[str, ...] = ("rules", "splink")
) -> duckdb.DuckDBPyRelation:
    """As `score`, where `identity_agreement` stands."""
    model = model or default_model()
    weigh(con, model)
    ruled = "case " + " ".join(f"when {rule.condition} then '{rule.name}'" for rule in RULES) + " end" if "rules" in passes else "null::varchar"
    sure = "case rule " + " ".join(f"when '{rule.name}' then {rule.probability}" for rule in RULES) + " else 0 end"
    slope = f"case when coalesce({', '.join(CORROBORATING)}) is null then {model.slope_by_name_alone!r} else {model.slope!r} end"
    calibrated = f"1 / (1 + pow(2.0, -greatest(-500, least(500, {slope} * weight))))" if "splink" in passes else "0.0"
    review = math.nextafter(model.match_at, 0)
    con.execute(f"""
        create or replace temp table identity_scored as
        with weighed as (
            select g.*, w.weight, {ruled} as rule from identity_agreement as g inner join identity_weight as w using (pair_id)
        ), judged as (
            select *, greatest(({calibrated})::double, ({sure})::double) as likely from weighed where not coalesce({NO_MATCH}, false)
        ), capped as (
            select *, case when coalesce({REVIEW_AT_MOST}, false) then least(likely, {review!r}::double) else likely end as probability from judged
        )
        select a.record_key as left_key, b.record_key as right_key, c.weight as match_weight, c.probability as match_probability,
            case when c.probability >= {model.match_at!r} then 'match' else 'review' end as band,
            coalesce(c.rule, 'splink') as method,
            {_evidence(model)} as evidence
        from capped as c inner join identity_record as a on a.n = c.l inner join identity_record as b on b.n = c.r
        where c.probability >= {model.review_at!r}
    """)
    return con.sql("select * from identity_scored order by left_key, right_key")


def weigh(con: duckdb.DuckDBPyConnection, model: Model) -> None:
    """`identity_weight`: Splink's weight of each pattern of levels that occurs, and of the pairs that show it."""
    from splink import DuckDBAPI, Linker, SettingsCreator

    columns = ", ".join(field.name for field in FIELDS)
    con.execute(f"create or replace temp table identity_pattern as select (row_number() over (order by all_levels)) as pair_id, * exclude all_levels from (select distinct {columns}, concat_ws(',', {', '.join(f'coalesce({f.name}, -1)' for f in FIELDS)}) as all_levels from identity_agreement)")
    patterns = con.execute("select count(*) from identity_pattern").fetchone()
    if not patterns or not patterns[0]:
        con.execute("create or replace temp table identity_weight (pair_id bigint, weight double)")
        return
    api = DuckDBAPI(con)
    given = api.register("identity_pattern")
    linker = Linker(given, SettingsCreator.from_path_or_dict(model.settings), log_level=logging.ERROR)
    con.execute("create or replace temp table identity_itself as select pair_id as join_key_l, pair_id as join_key_r, '0' as match_key from identity_pattern")
    linker.table_management.register_blocked_pairs_for_predict(api.register("identity_itself"))
    predicted = linker.inference.predict(warning_mode="never")
    same = " and ".join(f"g.{field.name} is not distinct from p.{field.name}" for field in FIELDS)
    con.execute(f"""
        create or replace temp table identity_weight as
        select g.pair_id, w.match_weight as weight from identity_agreement as g
        inner join identity_pattern as p on {same} inner join {predicted.physical_name} as w on w.pair_id_l = p.pair_id
    """)
    linker.table_management.delete_tables_created_by_splink_from_db()


def _evidence(model: Model) -> str:
    """SQL of the JSON that says of each field what agreed and what that weighs."""
    parts = []
    for field in FIELDS:
        cases = " ".join(
            f"when {level} then '" + f'{{"field":"{field.name}","level":"{called}","weight":{model.weight(field.name, level):.2f}}}' + "'"
            for level, called in enumerate(field.levels)
        )
        parts.append(f"case c.{field.name} {cases} end")
    prior = math.log2(model.prior / (1 - model.prior))
    return f"""'{{"prior":{prior:.2f},"fields":[' || concat_ws(',', {', '.join(parts)}) || ']}}'"""
