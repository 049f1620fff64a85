"""A steward's commands: what they show, what they write, what they refuse; and that what they wrote decides the next build."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import pytest
from typer.testing import CliRunner

from concord.errors import UsageError
from concord.steward_commands import identity_app
from identity.model import load_model
from tests.transform.identity_world import golden
from tests.transform.landing_fixture import settings_at
from transform.build import check_overrides, overrides_file
from transform.decisions import decisions

ONE, TWO, THREE = (golden("netsuite", str(number)) for number in (1, 2, 3))
Ask = Callable[..., Any]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """What readers see: two customers of the ERP, an account linked to the first, two records in review."""
    with duckdb.connect(str(tmp_path / "published.duckdb")) as warehouse:
        warehouse.execute(f"""
            create table customer as select * from (values ('{ONE}'), ('{TWO}')) as t(customer_id);
            create table crosswalk as select * from (values
                ('netsuite:1', '{ONE}', 'erp', 'owner'), ('netsuite:2', '{TWO}', 'erp', 'owner'), ('salesforce:A1', '{ONE}', 'crm', 'domain')
            ) as t(record_key, customer_id, role, method);
            create table customer_record as select record_key from crosswalk union all select unnest(['stripe:c1', 'zendesk:7']);
            create table identity_review as select * from (values
                ('zendesk:7', 'Alder', '{ONE}', 'Alder Inc', 'name', 0.6, 10.0, 0.0, '{{"agree":["name"],"differ":[],"compared":null}}'),
                ('stripe:c1', 'Birch', '{ONE}', 'Alder Inc', 'probabilistic', 0.5, 900.0, 5.0, '{{"agree":[],"differ":["name"],"compared":{{}}}}'),
                ('stripe:c1', 'Birch', '{TWO}', 'Birch Inc', 'probabilistic', 0.8, 900.0, 5.0, '{{"agree":["name"],"differ":[],"compared":{{}}}}')
            ) as t(record_key, name, candidate_customer_id, candidate_name, method, score, at_risk, invoiced_amount, explanation);
            alter table identity_review add column reporting_currency varchar default 'USD'""")
    return tmp_path


@pytest.fixture
def ask(home: Path) -> Ask:
    def run(*words: str, fails: str = "") -> str:
        result = CliRunner().invoke(identity_app, list(words), obj=SimpleNamespace(settings=settings_at(home)))
        if fails:
            assert isinstance(result.exception, UsageError) and fails in str(result.exception), (result.output, result.exception)
        else:
            assert result.exception is None, result.exception
        return result.output

    return run


def _lines(home: Path) -> list[tuple[str, str, str, str]]:
    return [(line.action, line.record_key, line.golden_id, line.reason) for line in decisions(settings_at(home).overrides)]


def test_review_puts_the_money_first(ask: Ask) -> None:
    found = json.loads(ask("review", "--json"))
    assert [(row["record_key"], row["candidate_name"]) for row in found] == [("stripe:c1", "Birch Inc"), ("stripe:c1", "Alder Inc"), ("zendesk:7", "Alder Inc")]
    assert len(json.loads(ask("review", "--limit", "1", "--json"))) == 1
    assert "900.00 USD" in ask("review")


def test_decisions_say_who_when_and_why(ask: Ask, home: Path) -> None:
    ask("accept", "stripe:c1", TWO, "--reason", "same VAT letter, seen", "--by", "ann")
    ask("reject", "zendesk:7", "netsuite:1", "--reason", "another Alder")  # a customer named by one of its records
    ask("merge", TWO, ONE, "--reason", "one company since May")
    ask("split", "salesforce:A1", "--reason", "a franchise")
    assert _lines(home) == [
        ("link", "stripe:c1", TWO, "same VAT letter, seen"), ("split", "zendesk:7", ONE, "another Alder"),
        ("merge", "netsuite:2", ONE, "one company since May"), ("split", "salesforce:A1", ONE, "a franchise")]
    told = decisions(settings_at(home).overrides)
    assert told[0].decided_by == "ann" and told[1].decided_by
    assert sorted(line.decided_at for line in told) == [line.decided_at for line in told] and len({line.decided_at for line in told}) == 4
    path = overrides_file(settings_at(home))
    assert path == home / "crosswalk_overrides.csv"
    check_overrides(path)
    assert not list(home.glob("*.partial"))


@pytest.mark.parametrize(("words", "part"), [
    (("accept", "stripe:nobody", ONE), "no record is called"),
    (("accept", "stripe:c1", "ffffffff-ffff-ffff-ffff-ffffffffffff"), "no customer has the golden id"),
    (("accept", "stripe:c1", "stripe:nobody"), "no customer has a record"),
    (("reject", "netsuite:1", ONE), "stays with it"),
    (("split", "netsuite:2"), "stays with it"),
    (("split", "zendesk:7"), "linked to nobody"),
    (("merge", ONE, "salesforce:A1"), "one customer already"),
    (("merge", "ffffffff-ffff-ffff-ffff-ffffffffffff", ONE), "no customer has the golden id"),
])
def test_what_makes_no_sense_is_refused(ask: Ask, home: Path, words: tuple[str, ...], part: str) -> None:
    ask(*words, "--reason", "because", fails=part)
    assert not settings_at(home).overrides.exists()


def test_a_reason_is_needed(ask: Ask, home: Path) -> None:
    ask("accept", "stripe:c1", ONE, "--reason", "  ", fails="empty")
    assert CliRunner().invoke(identity_app, ["accept", "stripe:c1", ONE], obj=SimpleNamespace(settings=settings_at(home))).exit_code == 2


def test_an_earlier_decision_is_only_replaced_on_purpose(ask: Ask, home: Path) -> None:
    ask("accept", "stripe:c1", TWO, "--reason", "first")
    ask("accept", "stripe:c1", TWO, "--reason", "again", fails="decided already")
    ask("reject", "stripe:c1", TWO, "--reason", "no", fails="contradicts an earlier decision")
    ask("accept", "stripe:c1", ONE, "--reason", "other", fails="contradicts an earlier decision")
    ask("reject", "stripe:c1", ONE, "--reason", "this one surely not")  # no contradiction
    ask("reject", "stripe:c1", TWO, "--reason", "the letter was forged", "--supersede")
    assert [(line[0], line[2]) for line in _lines(home)] == [("link", TWO), ("split", ONE), ("split", TWO)]


def test_a_decision_that_was_replaced_may_be_given_again(ask: Ask, home: Path) -> None:
    ask("accept", "stripe:c1", TWO, "--reason", "first")
    ask("accept", "stripe:c1", ONE, "--reason", "second", "--supersede")
    ask("accept", "stripe:c1", TWO, "--reason", "first was right", fails="contradicts an earlier decision: stripe:c1 was put under " + ONE)
    ask("accept", "stripe:c1", TWO, "--reason", "first was right", "--supersede")
    ask("accept", "stripe:c1", TWO, "--reason", "once more", fails="decided already")
    assert [line[2] for line in _lines(home)] == [TWO, ONE, TWO]


def test_a_decision_about_a_customer_that_was_merged_counts_for_the_one_it_became(ask: Ask, home: Path) -> None:
    with duckdb.connect(str(home / "published.duckdb")) as warehouse:
        warehouse.execute(f"insert into customer values ('{THREE}'); insert into crosswalk values ('netsuite:3', '{THREE}', 'erp', 'owner');"
                          "insert into customer_record values ('netsuite:3')")
    ask("accept", "stripe:c1", THREE, "--reason", "by phone")
    ask("merge", THREE, TWO, "--reason", "one company")
    with duckdb.connect(str(home / "published.duckdb")) as warehouse:
        warehouse.execute(f"update crosswalk set customer_id = '{TWO}', method = 'override' where record_key = 'netsuite:3';"
                          f"delete from customer where customer_id = '{THREE}'; insert into crosswalk values ('stripe:c1', '{TWO}', 'billing', 'override')")
    ask("split", "stripe:c1", "--reason", "it is not", fails=f"stripe:c1 was put under {THREE}")
    ask("split", "stripe:c1", "--reason", "it is not", "--supersede")
    assert _lines(home)[2:] == [("split", "stripe:c1", THREE, "it is not"), ("split", "stripe:c1", TWO, "it is not")]


def test_customers_that_were_kept_apart_are_not_merged_the_other_way_round_unawares(ask: Ask, home: Path) -> None:
    ask("reject", "netsuite:2", ONE, "--reason", "a franchise")
    ask("merge", ONE, TWO, "--reason", "bought in May", fails=f"netsuite:2 was kept away from {ONE}")
    ask("merge", ONE, TWO, "--reason", "bought in May", "--supersede")
    assert _lines(home)[1:] == [("link", "netsuite:2", ONE, "bought in May"), ("merge", "netsuite:1", TWO, "bought in May")]
    with duckdb.connect(str(home / "published.duckdb")) as warehouse:  # where merges went both ways, both records are there by decision
        warehouse.execute(f"update crosswalk set customer_id = '{TWO}', method = 'override' where role = 'erp'")
    ask("split", "netsuite:2", "--reason", "because", fails="stays with it")
    taken_back, said = decisions(settings_at(home).overrides)[1:]
    assert taken_back.moment < said.moment  # so the customer that stays is the one that was named


def test_a_file_that_excel_saved_is_read(ask: Ask, home: Path) -> None:
    ask("accept", "stripe:c1", TWO, "--reason", "first")
    path = settings_at(home).overrides
    path.write_text(path.read_text(), encoding="utf-8-sig")
    ask("reject", "zendesk:7", ONE, "--reason", "second")
    assert [line[0] for line in _lines(home)] == ["link", "split"]


def test_a_broken_file_is_left_alone(ask: Ask, home: Path) -> None:
    path = settings_at(home).overrides
    path.write_text("action,connection\n")
    ask("accept", "stripe:c1", TWO, "--reason", "first", fails="another header")
    assert path.read_text() == "action,connection\n"


def test_training_on_records_without_an_error_keeps_a_model_that_the_matcher_reads(home: Path, ask: Ask) -> None:
    assert "too few to learn from" in _trained(home, ask, companies=3)
    assert not settings_at(home).identity_model.exists()
    assert "identity_model.json" in _trained(home, ask, companies=700)
    model = load_model(settings_at(home).identity_model)
    assert model.trained_on["records"] == 1_400 and {"name", "tax_id"} <= set(model.trained_on["trained"])
    assert model.weight("tax_id", 1) > 5 > 0 > model.weight("tax_id", 0)


def _trained(home: Path, ask: Ask, companies: int) -> str:
    """Every company is in two systems, written alike in both: no pair that agrees in one field differs in another."""
    with duckdb.connect(str(home / "published.duckdb")) as warehouse:
        warehouse.execute("""
            create or replace table customer_match_input as
            select source || ':' || n as record_key, source, word || ' Works ' || town || ' Inc' as name, 'US' || (100000000 + n) as tax_id, word || '.example' as domain,
                null::varchar as email, null::varchar as phone, n || ' Mill Street' as street, town as city, (10000 + n)::varchar as postcode, 'US' as country,
                null::varchar as parent_key, md5(n::varchar) as fingerprint, true as is_open
            from (select i as n, md5('w' || i)[1:9] as word, 'Town' || i % 40 as town from range(?) as r(i)), (values ('erp'), ('crm')) as s(source)""", [companies])
    return ask("train")
