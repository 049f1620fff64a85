"""Scored pairs: bands, evidence, what never matches, what a change touches, that two runs agree."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from concord.errors import UsageError
from identity.model import default_model, load_model
from identity.records import COLUMNS
from identity.scoring import score
from identity.training import train

Rows = list[dict[str, str | None]]


def record(key: str, name: str, source: str = "crm", **more: str) -> dict[str, str | None]:
    return {**dict.fromkeys(COLUMNS), "record_key": key, "source": source, "name": name, **more}


WORLD: Rows = [
    record("a1", "Kestrel Dairy Company", tax_id="DE811234567", phone="+49 30 1234567", street="Hauptstr. 5", city="Berlin", postcode="10115"),
    record("b1", "Kestrel Dairy GmbH", "erp", tax_id="811234567", street="Hauptstraße 5", postcode="10115"),
    record("a2", "Brixton Marble Store 12", domain="brixtonmarble.com", postcode="60601"),
    record("b2", "Brixton Marble Store 14", "erp", domain="www.brixtonmarble.com", postcode="60601"),
    record("a3", "Zenith Harbour North", city="Oslo"), record("b3", "Zenith Harbour South", "erp", city="Oslo"),
    record("a4", "Lindqvist Holding AB", domain="lindqvist.se", phone="08 123 45 67"),
    record("b4", "Lindqvist AB", "erp", domain="lindqvist.se", phone="08 123 45 67", parent_key="a4"),
    record("a5", "Tulip Quarry Engineering", city="Leeds"), record("b5", "Tulip Quary Engr.", "erp", city="Leeds"),
    record("a6", "Marigold Foods"), record("b6", "Copperfield Optics", "erp"),
    record("a7", "Ardent Optics Inc", street="9 Elm St", postcode="02139", phone="617 555 0100"),
    record("b7", "Ardent Optics Services Worldwide", "erp", street="9 Elm Street", postcode="02139", phone="617 555 0100"),
    record("a8", "Silverbrook Packaging"), record("b8", "Silverbrook Packaging Limited", "erp"),
]


def connected(rows: Rows) -> duckdb.DuckDBPyConnection:
    con = duckdb.connect()
    con.execute("set threads = 1")
    con.register("records", pa.table({name: pa.array([row[name] for row in rows], pa.string()) for name in COLUMNS}))
    return con


def pairs(con: duckdb.DuckDBPyConnection, **options: Any) -> dict[tuple[str, str], dict[str, Any]]:
    found = score(con, "records", **options)
    return {(row[0], row[1]): dict(zip(found.columns, row, strict=True)) for row in found.fetchall()}


@pytest.fixture(scope="module")
def scored() -> Iterator[dict[tuple[str, str], dict[str, Any]]]:
    yield pairs(connected(WORLD))


def test_keys_that_agree_match_and_the_key_is_named(scored: dict[tuple[str, str], dict[str, Any]]) -> None:
    assert (scored["a1", "b1"]["band"], scored["a1", "b1"]["method"]) == ("match", "tax_id")
    assert (scored["a7", "b7"]["band"], scored["a7", "b7"]["method"]) == ("match", "address_and_phone")
    assert scored["a8", "b8"]["band"] == "match"


@pytest.mark.parametrize("pair", [("a2", "b2"), ("a3", "b3")])
def test_another_number_or_direction_is_another_unit(scored: dict[tuple[str, str], dict[str, Any]], pair: tuple[str, str]) -> None:
    assert pair not in scored


def test_the_same_pair_without_the_number_matches() -> None:
    rows = [dict(row) for row in WORLD]
    rows[2]["name"] = rows[3]["name"] = "Brixton Marble Store 12"
    assert pairs(connected(rows))["a2", "b2"]["band"] == "match"


def test_parent_and_subsidiary_are_not_duplicates(scored: dict[tuple[str, str], dict[str, Any]]) -> None:
    assert ("a4", "b4") not in scored
    without = [{**row, "parent_key": None} for row in WORLD]
    assert ("a4", "b4") in pairs(connected(without))


@pytest.mark.parametrize("more, band", [({}, "review"), ({"city": "Leeds"}, "review"), ({"phone": "0171 555 0188"}, "match")])
def test_a_name_with_a_word_more_is_for_review_where_nothing_else_is_known(more: dict[str, str], band: str) -> None:
    rows = [record("a1", "Silverbrook Marigold AG", **more), record("b1", "Silverbrook Marigold Seafood AG", "erp", **more)]
    likely = default_model().with_parameters(default_model().parameters, 0.3)  # as in files that share many
    assert pairs(connected(rows), model=likely)["a1", "b1"]["band"] == band


def test_two_common_words_are_no_two_ways_to_write_one() -> None:
    rows = [record("a1", "Brightwater Community Hospital"), record("b1", "Brightwater County Hospital", "erp")]
    assert pairs(connected(rows)) == {}


def test_a_typing_error_is_found_and_strangers_are_not(scored: dict[tuple[str, str], dict[str, Any]]) -> None:
    assert ("a5", "b5") in scored
    assert ("a6", "b6") not in scored


def test_another_tax_id_is_never_a_match_by_score() -> None:
    rows = [dict(row) for row in WORLD]
    rows[1]["tax_id"] = "DE999999990"
    assert pairs(connected(rows))["a1", "b1"]["band"] == "review"


def test_the_band_follows_the_probability(scored: dict[tuple[str, str], dict[str, Any]]) -> None:
    model = default_model()
    for found in scored.values():
        assert found["match_probability"] >= model.review_at
        assert found["band"] == ("match" if found["match_probability"] >= model.match_at else "review")


def test_evidence_says_what_agreed_and_what_it_weighs(scored: dict[tuple[str, str], dict[str, Any]]) -> None:
    for found in scored.values():
        evidence = json.loads(found["evidence"])
        total = evidence["prior"] + sum(field["weight"] for field in evidence["fields"])
        assert total == pytest.approx(found["match_weight"], abs=0.1)
    said = {field["field"]: field["level"] for field in json.loads(scored["a1", "b1"]["evidence"])["fields"]}
    assert said == {"name": "same words", "legal_form": "another legal form", "tax_id": "same tax id", "address": "same address"}


def test_a_change_scores_its_neighbourhood_alone_and_the_same() -> None:
    con = connected(WORLD)
    whole = pairs(con)
    for keys in (["a5"], ["b1", "a7"], ["a6"]):
        con.register("touched", pa.table({"record_key": keys}))
        expected = {pair: found for pair, found in whole.items() if set(pair) & set(keys)}
        assert pairs(con, changed="touched") == expected
        looked_at = con.execute("select count(*) from identity_pair where l not in (select n from identity_focus) and r not in (select n from identity_focus)").fetchone()
        assert looked_at == (0,)


def test_two_runs_agree_whatever_the_order_of_rows(scored: dict[tuple[str, str], dict[str, Any]]) -> None:
    assert pairs(connected(list(reversed(WORLD)))) == scored


def test_only_pairs_of_different_sources_where_that_is_asked() -> None:
    rows = [*WORLD, record("a9", "Silverbrook Packaging Ltd")]
    assert ("a8", "a9") in pairs(connected(rows))
    assert ("a8", "a9") not in pairs(connected(rows), between_sources=True)


@pytest.mark.parametrize("name, bands", [("CUNY", ["review"]), ("C&UNY", ["review"]), ("CUNY Press Office", [])])
def test_a_name_that_is_the_initials_of_another_is_for_review(name: str, bands: list[str]) -> None:
    rare = default_model().with_parameters(default_model().parameters, 0.01)  # as in files that share little
    found = pairs(connected([record("a1", name), record("b1", "City University of New York", "erp")]), model=rare)
    assert [pair["band"] for pair in found.values()] == bands


def test_no_records_no_pairs() -> None:
    assert pairs(connected([])) == {}
    assert pairs(connected(WORLD[:1])) == {}


def test_too_little_data_keeps_the_numbers_and_says_so(tmp_path: Path) -> None:
    model = train(connected(WORLD), "records", on=date(2026, 3, 1))
    assert model.parameters == default_model().parameters
    assert model.trained_on["trained"] == [] and model.trained_on["records"] == len(WORLD) and model.trained_on["date"] == "2026-03-01"
    model.save(tmp_path / "model.json")
    assert load_model(tmp_path / "model.json") == model


@pytest.mark.parametrize("content", ["{}", "not json", '{"splink": {"comparisons": []}, "calibration": {"slope": 1, "slope_by_name_alone": 1}, "bands": {"match": 1, "review": 0}, "trained_on": {}}'])
def test_a_file_that_is_no_model_is_said(tmp_path: Path, content: str) -> None:
    (tmp_path / "model.json").write_text(content)
    with pytest.raises(UsageError, match="model.json"):
        load_model(tmp_path / "model.json")
