"""Properties of the normalisation macros: dbt compiles them once, DuckDB evaluates them for whatever hypothesis makes up."""

from __future__ import annotations

import json
import re
import string
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from identity.facts import legal_form_words
from transform.generate import DBT_PROJECT

MACROS = {
    "name": "normalised_name('$1')", "tax": "normalised_tax_id('$1')", "domain": "normalised_domain('$1')", "golden": "golden_id(\"'netsuite'\", '$1')",
    "number": "number_text('cast($1 as decimal(38,9))')", "minor": "to_minor('cast($1 as decimal(24,6))', '$2')",
    "json": "json_text('$1')", "money9": "money('cast($1 as decimal(38,9))')", "money18": "money('cast($1 as decimal(38,18))')",
    "rounded": "rounded('cast($1 as decimal(24,6))', 2)",
}
PLAIN = {  # what each way of writing an amount has to give, as DuckDB's one cast gives it
    "money9": "cast(cast({} as decimal(38,9)) as decimal(24,6))", "money18": "cast(cast({} as decimal(38,18)) as decimal(24,6))",
    "rounded": "cast(round(cast(cast({} as decimal(24,6)) as decimal(38,18)), 2) as decimal(24,6))",
    "minor": "cast(round(cast({} as decimal(24,6)) * 1000, 0) as bigint)",
}
# small and large on both sides of what 18 digits hold, and the halves where rounding turns
AMOUNTS = st.one_of(
    st.decimals(min_value=-10**13, max_value=10**13, places=18, allow_nan=False), st.decimals(min_value=-1000, max_value=1000, places=9, allow_nan=False),
    st.integers(-10**16, 10**16).map(lambda number: Decimal(number).scaleb(-7)), st.integers(-10**9, 10**9).map(lambda number: Decimal(number * 10 + 5).scaleb(-7)),
    st.integers(999_999_000, 1_000_001_000).map(Decimal), st.integers(99_999_990, 100_000_010).map(Decimal))
LEGAL_FORMS = {word for form in legal_form_words() for word in form.split()} | {"holding", "holdings", "group", "the", "and"}
WORDS = st.text(alphabet=string.ascii_lowercase, min_size=2, max_size=9).filter(lambda word: word not in LEGAL_FORMS)
NAMES = st.lists(WORDS, min_size=1, max_size=4)
Evaluate = Callable[..., Any]


@pytest.fixture(scope="module")
def evaluate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Evaluate]:
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    target = tmp_path_factory.mktemp("macros")
    inline = "".join(f"--{name}-- {{{{ {call} }}}} " for name, call in MACROS.items())
    outcome = dbtRunner().invoke([
        "--quiet", "--log-level", "none", "--log-level-file", "none", "--no-send-anonymous-usage-stats", "compile", "--inline", inline,
        "--project-dir", str(DBT_PROJECT), "--profiles-dir", str(DBT_PROJECT), "--target-path", str(target), "--log-path", str(target),
        "--vars", json.dumps({"temp_directory": str(target)})])
    DuckDBConnectionManager.close_all_connections()
    assert outcome.exception is None and outcome.result is not None
    compiled = outcome.result.results[0].node.compiled_code
    parts = re.split(r"--(\w+)--", compiled)[1:]
    queries = dict(zip(parts[::2], parts[1::2], strict=True))
    connection = duckdb.connect()

    def run(name: str, *values: Any) -> Any:
        text = queries[name]
        for place in range(len(values), 0, -1):
            text = text.replace(f"${place}", f"(select v{place} from given)")
        columns = ", ".join(f"? as v{place}" for place in range(1, len(values) + 1))
        row = connection.execute(f"with given as (select {columns}) select {text}", list(values)).fetchone()
        assert row is not None
        return row[0]

    yield run
    connection.close()


@settings(max_examples=60, deadline=None)
@given(words=NAMES, suffix=st.sampled_from(["Inc.", "GmbH", "Ltd", "& Co. KG", "LLC", "Corporation", ""]), upper=st.booleans())
def test_a_name_is_the_same_in_every_spelling(evaluate: Evaluate, words: list[str], suffix: str, upper: bool) -> None:
    plain = " ".join(words)
    spelled = ", ".join(words) + f"  {suffix}"
    normal = evaluate("name", plain)
    assert evaluate("name", spelled.upper() if upper else spelled.title()) == normal == plain
    assert evaluate("name", normal) == normal


@pytest.mark.parametrize(("text", "expected"), [
    ("Müller & Co. GmbH", "muller"), ("ACME-Werke AG", "acme werke"), ("The Inc.", None), ("", None), ("Holdings of Kent Limited", "of kent")])
def test_names(evaluate: Evaluate, text: str, expected: str | None) -> None:
    assert evaluate("name", text) == expected


@settings(max_examples=60, deadline=None)
@given(core=st.text(alphabet=string.ascii_uppercase + string.digits, min_size=5, max_size=14), joint=st.sampled_from([" ", "-", ".", "/", ""]))
def test_a_tax_id_ignores_its_separators(evaluate: Evaluate, core: str, joint: str) -> None:
    assert evaluate("tax", joint.join(core).lower()) == core
    assert evaluate("tax", core[:4]) is None


@settings(max_examples=60, deadline=None)
@given(host=st.from_regex(r"[a-z][a-z0-9-]{2,12}\.[a-z]{3,7}", fullmatch=True))
def test_a_domain_is_the_same_from_every_source(evaluate: Evaluate, host: str) -> None:
    assert {evaluate("domain", text) for text in (
        host, host.upper(), f"https://www.{host}/path?x=1", f"http://{host}:8080", f"ann@{host}", f" {host} ")} == {host}


def test_mail_providers_identify_nobody(evaluate: Evaluate) -> None:
    assert evaluate("domain", "ann@gmail.com") is None and evaluate("domain", "localhost") is None and evaluate("domain", "") is None


@settings(max_examples=100, deadline=None)
@given(number=st.decimals(min_value=-10**12, max_value=10**12, places=9, allow_nan=False))
def test_a_number_has_one_text(evaluate: Evaluate, number: Decimal) -> None:
    text = evaluate("number", number)
    assert Decimal(text) == number and json.loads(text, parse_float=Decimal) == number
    assert "." not in text or text[-1] not in "0."
    assert text == evaluate("number", format(number.normalize(), "f"))  # another scale, the same text


@settings(max_examples=60, deadline=None)
@given(minor=st.integers(min_value=-10**12, max_value=10**12), units=st.sampled_from([0, 2, 3]))
def test_minor_units_come_back(evaluate: Evaluate, minor: int, units: int) -> None:
    assert evaluate("minor", Decimal(minor).scaleb(-units), units) == minor


@settings(max_examples=60, deadline=None)
@given(amount=AMOUNTS)
def test_the_short_way_gives_the_same_amount(evaluate: Evaluate, amount: Decimal) -> None:
    for name, plain in PLAIN.items():
        row = duckdb.execute(f"select {plain.format('v')} from (select ? as v)", [str(amount)]).fetchone()
        assert row is not None and evaluate(name, str(amount), *([3] if name == "minor" else [])) == row[0], name


@settings(max_examples=60, deadline=None)
@given(text=st.text(alphabet=st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=20))
def test_json_text_is_json(evaluate: Evaluate, text: str) -> None:
    assert json.loads(evaluate("json", text)) == text


@settings(max_examples=40, deadline=None)
@given(left=st.integers(1, 10**9), right=st.integers(1, 10**9))
def test_golden_ids_are_stable_and_distinct(evaluate: Evaluate, left: int, right: int) -> None:
    first = evaluate("golden", str(left))
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", first)
    assert (first == evaluate("golden", str(right))) == (left == right)
