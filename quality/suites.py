"""Expectation suites: declared in suites/*.yml, validated by Great Expectations on small data frames.

Great Expectations reads frames, not DuckDB: its SQL engine there fails and reports it as an ordinary `success: false`.
A check that could not run is an error here, never a failed check.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import duckdb
import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from concord.errors import ConcordError, UsageError, first_line

if TYPE_CHECKING:
    import pandas as pd

SUITES = Path(__file__).parent / "suites"
Severity = Literal["warn", "error", "critical"]


class Expectation(BaseModel):
    """One expectation by the snake-case name of its Great Expectations class, with that class's arguments."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    expect: str
    with_: dict[str, Any] = {}
    severity: Severity = "error"
    blocking: bool = False

    @property
    def name(self) -> str:
        """Unique within its suite and stable: `expectation__column`."""
        return "__".join([self.expect, *([str(self.with_["column"])] if "column" in self.with_ else [])])


class Suite(BaseModel):
    """The expectations on one table. `query` narrows the frame to the columns that they need."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    table: str
    query: str
    description: str
    expectations: tuple[Expectation, ...]

    @field_validator("expectations")
    @classmethod
    def _told_apart(cls, told: tuple[Expectation, ...]) -> tuple[Expectation, ...]:
        if repeated := sorted(name for name, count in Counter(item.name for item in told).items() if count > 1):
            raise ValueError(f"{', '.join(repeated)} stands there more than once; join them, or give the query another column")
        return told


@dataclass(frozen=True)
class CheckResult:
    """The outcome of one check. `observed` holds what it measured, for metadata: numbers and short texts, never row values."""

    name: str
    table: str
    passed: bool
    severity: Severity
    blocking: bool
    description: str
    observed: Mapping[str, Any]

    @property
    def stops_publish(self) -> bool:
        return self.blocking and not self.passed


def load_suites(folder: Path = SUITES) -> list[Suite]:
    """Parse every suite. Raises UsageError naming file and key."""
    suites = []
    for file in sorted(folder.glob("*.yml")):
        content = yaml.safe_load(file.read_text())
        for expectation in content.get("expectations", []) if isinstance(content, dict) else []:
            if "with" in expectation:
                expectation["with_"] = expectation.pop("with")
        try:
            suites.append(Suite.model_validate(content))
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(step) for step in first["loc"])
            raise UsageError(f"{first['msg']}.", where=f"quality/suites/{file.name}", field=place, mend="See CONTRIBUTING.md.") from None
    return suites


def validate(suite: Suite, frame: pd.DataFrame) -> list[CheckResult]:
    """Run a suite on a frame.

    Raises ConcordError when an expectation could not be evaluated (a missing column, a wrong argument).
    """
    import great_expectations as gx  # 7-10 s: only where a suite really runs

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    batch = (
        context.data_sources.add_pandas("frames")
        .add_dataframe_asset(suite.table)
        .add_batch_definition_whole_dataframe("all")
        .get_batch(batch_parameters={"dataframe": frame})
    )
    # all of them at once: each call of its own would read and hash the whole frame again
    asked = gx.ExpectationSuite(name=suite.table, expectations=[_expectation(gx, suite, item) for item in suite.expectations])
    outcomes = {outcome.expectation_config.meta["check"]: outcome for outcome in batch.validate(asked).results}
    results = []
    for item in suite.expectations:
        outcome = outcomes[item.name]
        _raise_on_exception(outcome.exception_info, suite.table, item.name)
        found = outcome.result or {}
        observed = {
            key: _plain(found[key])
            for key in ("element_count", "unexpected_count", "unexpected_percent", "observed_value")
            if found.get(key) is not None
        }
        results.append(
            CheckResult(item.name, suite.table, bool(outcome.success), item.severity, item.blocking, suite.description, observed)
        )
    return results


def _plain(value: Any) -> Any:
    """A number of NumPy as Python's own: Dagster's metadata knows no other."""
    return value.item() if hasattr(value, "item") else value


def _expectation(gx: Any, suite: Suite, item: Expectation) -> Any:
    expectation_class = getattr(gx.expectations, "Expect" + "".join(part.title() for part in item.expect.split("_")), None)
    if expectation_class is None:
        raise UsageError(f"Great Expectations has no expectation {item.expect!r}.", where=f"suite of {suite.table}", field="expect")
    return expectation_class(**item.with_, meta={"check": item.name})


def _raise_on_exception(info: Mapping[str, Any] | None, table: str, name: str) -> None:
    # one expectation gives one flat entry, several metrics give one entry each
    entries = [info] if info and "raised_exception" in info else list((info or {}).values())
    for entry in entries:
        if isinstance(entry, Mapping) and entry.get("raised_exception"):
            message = str(entry.get("exception_message", "")).splitlines()
            raise ConcordError(
                f"could not be evaluated: {message[0] if message else 'no message'}.", where=table, field=name,
                mend="Compare the suite's columns with the model's.",
            )


def run_suites(warehouse: duckdb.DuckDBPyConnection, suites: list[Suite] | None = None) -> list[CheckResult]:
    """Validate every suite against the tables of an open warehouse connection."""
    results: list[CheckResult] = []
    for suite in load_suites() if suites is None else suites:
        try:
            frame = warehouse.sql(suite.query).df()
        except duckdb.Error as error:
            raise ConcordError(
                f"cannot be read: {first_line(error)}", where=f"suite of {suite.table}", field="query",
                mend="Build the warehouse, or mend the query.",
            ) from None
        results.extend(validate(suite, frame))
    return results
