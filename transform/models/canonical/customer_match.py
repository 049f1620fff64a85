"""Pairs of customer records that are alike, with how sure: one row a pair, and one without a partner for each record compared.

Only pairs with at least one record that the keys left open. What was compared once is kept with the fingerprints of both records,
so that a build compares what changed and nothing else. What a pair is worth is the matter of `identity`.
"""

from typing import Any


def model(dbt: Any, session: Any) -> Any:
    dbt.config(materialized="incremental", incremental_strategy="replace", on_schema_change="fail")
    from transform.matching import match_increment

    return match_increment(session, dbt.ref("customer_match_input"), str(dbt.this) if dbt.is_incremental else None, dbt.config.get("identity_model"))
