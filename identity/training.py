"""Training a model on the data at hand, without labels: Splink's expectation maximisation over the candidate pairs.

A field is trained only where there is enough to learn from; the rest keeps the numbers of the model that it starts from. A name alone cannot
be trained without something independent to hold against it: then only the share of matches is.
"""

from __future__ import annotations

import logging
import math
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

from identity.agreement import CORROBORATING, FIELDS, compare
from identity.candidates import propose
from identity.model import Model, Parameters, default_model
from identity.records import prepare

if TYPE_CHECKING:
    import duckdb

ENOUGH = 300  # pairs in which a field can be compared, and pairs likely to be matches
SAMPLE = 200_000  # pairs that expectation maximisation sees
LEAST = 1e-3  # no level weighs more than ten bits, however few pairs contradict it


def train(
    con: duckdb.DuckDBPyConnection, records: str, *, start: Model | None = None, on: date | None = None, between_sources: bool = False
) -> Model:
    """Train on a relation of records. `start`: whose numbers are kept where the data is too thin; `on`: the date to put into the model."""
    prepare(con, records)
    propose(con, between_sources=between_sources)
    compare(con)
    return train_prepared(con, start=start, on=on)


def train_prepared(con: duckdb.DuckDBPyConnection, *, start: Model | None = None, on: date | None = None) -> Model:
    """As `train`, where `identity_agreement` stands."""
    start = start or default_model()
    columns = ", ".join(f"count({field.name})" for field in FIELDS)
    counted = con.execute(f"select count(*), (select count(*) from identity_record), {columns} from identity_agreement").fetchone()
    assert counted is not None  # an aggregate without groups has a row
    pairs, rows, known = counted[0], counted[1], dict(zip([field.name for field in FIELDS], counted[2:], strict=True))
    prior = _share_of_matches(con, start)
    trained: list[str] = []
    parameters = start.parameters
    corroborating = [name for name in CORROBORATING if known[name] >= ENOUGH]
    if corroborating and known["name"] >= ENOUGH and prior * pairs >= ENOUGH:
        chosen = [field.name for field in FIELDS if known[field.name] >= ENOUGH]
        found = _maximise(con, start.with_parameters(parameters, prior), chosen, pairs)
        if found is not None:
            parameters, trained = {**parameters, **found}, chosen
            prior = _share_of_matches(con, start.with_parameters(parameters, prior))
    told = {"records": rows, "pairs": pairs, "trained": trained, "kept": [field.name for field in FIELDS if field.name not in trained],
            "date": on.isoformat() if on else None}
    return replace(start.with_parameters(parameters, prior), trained_on=told)


def _share_of_matches(con: duckdb.DuckDBPyConnection, model: Model) -> float:
    """Expectation maximisation of the prior alone: which share of matches explains the pairs best, the rest of the model given.

    Before calibration: that was fitted on weights with a prior found in this way.
    """
    names = [field.name for field in FIELDS]
    patterns = con.execute(f"select count(*), {', '.join(names)} from identity_agreement group by all order by all").fetchall()
    weights = {name: [math.log2(m / u) for m, u in levels] for name, levels in model.parameters.items()}
    known = [
        (count, sum(weights[name][level] for name, level in zip(names, levels, strict=True) if level is not None)) for count, *levels in patterns
    ]
    total = sum(count for count, _ in known)
    if not total:
        return model.prior
    prior = model.prior
    for _ in range(60):
        odds = math.log2(prior / (1 - prior))
        prior = sum(count / (1 + 2 ** -max(-60.0, min(60.0, weight + odds))) for count, weight in known) / total
        prior = min(max(prior, 0.5 / total, 1e-5), 0.9)
    return prior


def _maximise(con: duckdb.DuckDBPyConnection, model: Model, chosen: list[str], pairs: int) -> Parameters | None:
    """m and u of the chosen fields. The pairs are given to Splink as two tables, a pair's row in each, so that its rule joins a pair to itself."""
    from splink import DuckDBAPI, Linker, SettingsCreator, block_on
    from splink.internals.exceptions import EMTrainingException

    step = max(1, pairs // SAMPLE)
    columns = ", ".join(["pair_id", *chosen])
    smoothing = _one_of_each(chosen)
    for side in ("left", "right"):
        con.execute(f"create or replace temp table identity_training_{side} as select {columns} from identity_agreement where pair_id % {step} = 0")
        con.execute(f"insert into identity_training_{side} by name {smoothing}")
    settings = {
        **model.settings, "link_type": "link_only", "comparisons": [c for c in model.settings["comparisons"] if c["output_column_name"] in chosen],
        "max_iterations": 40, "retain_intermediate_calculation_columns": False,
    }
    api = DuckDBAPI(con)
    sides = [api.register(f"identity_training_{side}", dataset_display_name=f"pair_{side}") for side in ("left", "right")]
    linker = Linker(sides, SettingsCreator.from_path_or_dict(settings), log_level=logging.ERROR)
    try:
        linker.training.estimate_parameters_using_expectation_maximisation(block_on("pair_id"), fix_u_probabilities=False)
        trained = linker.misc.save_model_to_json()
    except (EMTrainingException, ValueError):  # ValueError: a probability that went to nought all the same; then these pairs teach nothing
        return None
    finally:
        linker.table_management.delete_tables_created_by_splink_from_db()
        con.execute("drop table if exists identity_training_left; drop table if exists identity_training_right")
    found: Parameters = {}
    for comparison in trained["comparisons"]:
        name = comparison["output_column_name"]
        levels = [level for level in comparison["comparison_levels"] if not level.get("is_null_level")]
        raw = [(level.get("m_probability"), level.get("u_probability")) for level in reversed(levels)]
        found[name] = _sane(raw, model.parameters[name])
    return found


def _one_of_each(chosen: list[str]) -> str:
    """SQL of made-up pairs: each level once among agreement and once among disagreement of the rest.

    Splink refuses a level that only matches show, or only the others; data without a single error has such levels.
    """
    top = {field.name: len(field.levels) - 1 for field in FIELDS}
    made: list[str] = []
    for name in chosen:
        for level in range(top[name] + 1):
            for rest in ({other: top[other] for other in chosen}, dict.fromkeys(chosen, 0)):
                levels = {**rest, name: level}
                made.append(f"select {-1 - len(made)} as pair_id, " + ", ".join(f"{levels[other]} as {other}" for other in chosen))
    return " union all ".join(made)


def _sane(raw: list[tuple[float | None, float | None]], default: list[list[float]]) -> list[list[float]]:
    """Levels that the data did not show keep the default's; more agreement never speaks less for a match."""
    known = [
        [max(float(m), LEAST), max(float(u), LEAST)] if m is not None and u is not None and max(m, u) > 1e-5 else list(kept)
        for (m, u), kept in zip(raw, default, strict=True)
    ]
    groups = [[math.log2(m / u), m + u, 1.0] for m, u in known]  # weight, mass, levels
    at = 0
    while at < len(groups) - 1:
        if groups[at][0] > groups[at + 1][0] + 1e-12:
            left, right = groups[at], groups.pop(at + 1)
            mass = left[1] + right[1]
            groups[at] = [(left[0] * left[1] + right[0] * right[1]) / mass, mass, left[2] + right[2]]
            at = max(at - 1, 0)
        else:
            at += 1
    weights = [weight for weight, _, levels in groups for _ in range(int(levels))]
    sane = [[(m + u) * 2**w / (1 + 2**w), (m + u) / (1 + 2**w)] for (m, u), w in zip(known, weights, strict=True)]
    return [[m, u] for m, u in sane]
