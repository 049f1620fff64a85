"""Typing: what goes in comes out, what does not fit is quarantined with a reason, nothing is lost; and the form of the system files."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from concord.errors import UsageError
from ingestion.columns import compile_columns, read_path, type_page, unknown_fields
from ingestion.spec import SYSTEMS, Column, load_system, parse_column, parse_system, with_settings


def column(kind: str, path: str = "x", **more: object) -> dict[str, Column]:
    return {"id": Column(type="bigint", path="id"), "x": Column(type=kind, path=path, **more)}  # type: ignore[arg-type]


def typed(kind: str, values: list[object], **options: object):
    return type_page(compile_columns(column(kind), ("id",), **options), [{"id": n, "x": value} for n, value in enumerate(values)])


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3), max_leaves=4,
)
KINDS = ["string", "bigint", "decimal", "double", "boolean", "timestamp", "epoch", "local_timestamp", "date", "local_date", "flag", "strings", "json"]


@settings(max_examples=60, deadline=None)
@given(kind=st.sampled_from(KINDS), values=st.lists(ANYTHING, min_size=1, max_size=8), text=st.booleans())
def test_every_row_is_typed_or_quarantined_never_lost(kind, values, text):
    page = typed(kind, values, text_values=text, zone="America/Los_Angeles")
    ids = page.columns["id"].to_pylist()
    assert sorted(ids + [int(bad.key) for bad in page.quarantined]) == list(range(len(values)))
    for bad in page.quarantined:
        assert bad.reason and bad.column == "x" and json.loads(bad.raw)["id"] == int(bad.key)
    for place, value in zip(ids, page.columns["x"].to_pylist(), strict=True):
        assert value is not None or values[place] is None or values[place] == "" or str(values[place]).strip() == ""


@settings(max_examples=60, deadline=None)
@given(st.lists(st.decimals(min_value=-(10**15), max_value=10**15, places=2), max_size=6))
def test_money_keeps_every_cent_as_text_and_as_number(amounts):
    assert typed("decimal", [str(amount) for amount in amounts], text_values=True).columns["x"].to_pylist() == amounts
    small = [float(amount) for amount in amounts if abs(amount) < 10**12]
    assert typed("decimal", small).columns["x"].to_pylist() == [Decimal(str(amount)).quantize(Decimal("1e-9")) for amount in small]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1)).map(lambda at: at.replace(microsecond=0, tzinfo=UTC)), max_size=6))
def test_times_in_every_vendors_form(moments):
    for form in ("%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S.000+0000", "%Y-%m-%dT%H:%M:%S.000Z", "%Y-%m-%dT%H:%M:%S+00:00"):
        assert typed("timestamp", [at.strftime(form) for at in moments]).columns["x"].to_pylist() == moments
    assert typed("epoch", [int(at.timestamp()) for at in moments]).columns["x"].to_pylist() == moments


def test_r2_local_time_in_winter_summer_and_the_doubled_hour():
    page = typed("local_timestamp", ["2026-01-15T23:30:00", "2026-07-15T23:30:00", "2026-11-01T01:30:00"], zone="America/Los_Angeles")
    assert page.columns["x"].to_pylist() == [
        datetime(2026, 1, 16, 7, 30, tzinfo=UTC), datetime(2026, 7, 16, 6, 30, tzinfo=UTC), datetime(2026, 11, 1, 8, 30, tzinfo=UTC)]


@pytest.mark.parametrize(("kind", "bad"), [
    ("decimal", "1.234,56"), ("decimal", "1,234.56"), ("bigint", "1.5"), ("date", "24.12.2026"), ("date", "5/24/2024"), ("timestamp", "yesterday"),
    ("timestamp", "2026-01-01T00:00:00"), ("date", "2026-02-30"), ("flag", "yes"), ("epoch", 1760000000000), ("boolean", "ja"), ("strings", "one"),
])
def test_r3_foreign_forms_are_refused_not_guessed(kind, bad):
    page = typed(kind, [None, bad])
    assert [quarantined.key for quarantined in page.quarantined] == ["1"] and page.columns["id"].to_pylist() == [0]
    assert str(bad) not in page.quarantined[0].reason  # a reason never repeats the value: it may be personal


def test_a_number_as_text_is_kept_and_told():
    page = typed("bigint", ["12", 5])
    assert page.columns["x"].to_pylist() == [12, 5] and page.retyped == {"x": "str"} and not page.quarantined
    assert typed("decimal", ["12.5"]).retyped == {"x": "str"} and not typed("bigint", [12.0]).retyped


def test_a_missing_key_is_quarantined():
    page = type_page(compile_columns(column("string"), ("id",)), [{"x": "a"}, {"id": 1, "x": "b"}])
    assert page.columns["id"].to_pylist() == [1] and page.quarantined[0].column == "id"


def test_paths():
    row = {"a": {"b": {"c": 1}}, "items": {"data": [{"end": 7}]}, "taxes": [{"amount": 2}, {"amount": 3}], "none": [],
           "custom_fields": [{"id": 360000000101, "value": "SO1"}], "price": "price_1"}
    assert read_path(row, "a.b.c") == 1 and read_path(row, "a.x.c") is None and read_path(row, "items.data[0].end") == 7
    assert read_path(row, "items.data[1].end") is None and read_path(row, "sum(taxes.amount)") == 5 and read_path(row, "sum(none.amount)") == 0
    assert read_path(row, "custom_fields[360000000101]") == "SO1" and read_path(row, "custom_fields[360000000102]") is None
    assert read_path(row, "_parent.id", {"id": "in_1"}) == "in_1" and read_path(row, "price.id") == "price_1"
    either = compile_columns({"id": Column(type="bigint", path="id"), "x": Column(type="bigint", path="tax | sum(taxes.amount)")}, ("id",))
    assert type_page(either, [{"id": 1, "tax": 9}, {"id": 2, "taxes": [{"amount": 4}]}, {"id": 3}]).columns["x"].to_pylist() == [9, 4, None]


def test_unknown_fields_are_named_and_kept():
    extra, names = unknown_fields([{"id": 1}, {"id": 2, "new": [1], "open": {"a": 1, "b": 2}}], frozenset({"id", "open"}), {"open": frozenset({"a"})})
    assert names == {"new", "open.b"} and extra == [None, '{"new":[1],"open.b":2}']
    assert unknown_fields([{"id": 1}], frozenset({"id"}), {}) == (None, set())


@pytest.mark.parametrize("name", sorted(path.stem for path in SYSTEMS.glob("*.yml")))
def test_every_system_file_fits_the_form(name):
    system = load_system(name)
    assert system.system == name and system.resources


@pytest.mark.parametrize(("change", "field", "said"), [
    (lambda content: content.update(colour="red"), "colour", "unknown key"),
    (lambda content: content["resources"]["users"].update(pth="x"), "resources.users.pth", "unknown key"),
    (lambda content: content["resources"]["users"]["columns"].update(age="number"), "resources.users.columns.age.type", "Known types: string"),
    (lambda content: content["resources"]["users"]["columns"].update(age="bigint < a..b"), "resources.users.columns.age", "is not a path"),
    (lambda content: content["resources"]["users"].update(key=["nobody"]), "resources.users", "`nobody` is none"),
    (lambda content: content["resources"]["users"].pop("path"), "", "resources.users needs `path`"),
    (lambda content: content["resources"]["users"].pop("version"), "resources.users.version", "is missing"),
])
def test_a_wrong_system_file_names_file_field_and_mend(change, field, said):
    content = yaml.safe_load((SYSTEMS / "zendesk.yml").read_text())
    change(content)
    with pytest.raises(UsageError) as caught:
        parse_system(content, "ingestion/systems/zendesk.yml")
    assert "ingestion/systems/zendesk.yml" in str(caught.value) and field in str(caught.value) and said in str(caught.value)


def test_an_unknown_system_or_resource_is_named(tmp_path: Path):
    with pytest.raises(UsageError, match="Known systems: chargebee, .*zuora"):
        load_system("acme")
    with pytest.raises(UsageError, match="no resource is called 'tikets'"):
        load_system("zendesk").owner("tikets")
    assert parse_column("a", "string < b | c")["path"] == "b | c" and parse_column("a", "date")["path"] == "a"
    assert typed("date", ["2026-01-15T00:00:00+00:00"]).columns["x"].to_pylist() == [date(2026, 1, 15)]


def test_an_accounts_own_field_ids_come_from_its_settings() -> None:
    zendesk = load_system("zendesk")
    ours = with_settings(zendesk, {"order_field": "77"})
    assert ours.resources["tickets"].columns["order_number"].path == "custom_fields[77]"
    assert with_settings(zendesk, {}).resources["tickets"].columns["order_number"].path == "custom_fields[360000000101]"
    assert with_settings(load_system("stripe"), {}) is load_system("stripe")
