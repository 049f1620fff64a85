"""Asset checks that are not dbt tests: expectation suites, and one check a kind of finding."""

from collections.abc import Iterator

import dagster as dg

from concord import stages
from concord.errors import ConcordError
from orchestration.warehouse import model_key
from quality.kinds import kind_names
from quality.suites import Suite, load_suites

_SEVERITY = {"warn": dg.AssetCheckSeverity.WARN, "error": dg.AssetCheckSeverity.ERROR, "critical": dg.AssetCheckSeverity.ERROR}
DRIFT = model_key("drift", "drift")


def _suite_specs(suite: Suite, layer: str) -> list[dg.AssetCheckSpec]:
    return [
        dg.AssetCheckSpec(item.name, asset=model_key(layer, suite.table), description=suite.description, blocking=item.blocking)
        for item in suite.expectations
    ]


def quality_checks(layers: dict[str, str]) -> dg.AssetChecksDefinition:
    """Every suite's expectations and every finding kind. `layers`: table name -> layer of its model."""
    specs = [spec for suite in load_suites() for spec in _suite_specs(suite, layers[suite.table])]
    specs += [
        dg.AssetCheckSpec(drift_id, asset=DRIFT, description=f"{title}: no finding of this kind is open.")
        for drift_id, title in kind_names().items()
    ]

    @dg.multi_asset_check(name="check_quality", specs=specs, pool="warehouse")
    def check_quality(
        context: dg.AssetCheckExecutionContext,
        installation: dg.ResourceParam[stages.Installation],
        observer: dg.ResourceParam[stages.Observer],
    ) -> Iterator[dg.AssetCheckResult]:
        try:
            report = stages.check(installation)
        except ConcordError as error:
            raise dg.Failure(str(error), allow_retries=False) from error
        observer.finished("check", report)
        for check in report.checks:
            yield dg.AssetCheckResult(
                asset_key=model_key(layers[check.table], check.table), check_name=check.name, passed=check.passed,
                severity=_SEVERITY[check.severity], metadata={key: _plain(value) for key, value in check.observed.items()},
            )
        for drift_id in kind_names():
            found = report.by_kind.get(drift_id)
            yield dg.AssetCheckResult(
                asset_key=DRIFT, check_name=drift_id, passed=found is None,
                severity=_SEVERITY[found.severity] if found else dg.AssetCheckSeverity.WARN,
                metadata={"findings": found.count if found else 0, "exposure": found.money if found else ""},
            )
        context.log.info(f"{report.open} findings open, {report.opened} new, {report.closed} healed")

    return check_quality


def _plain(value: object) -> str | int | float:
    return value if isinstance(value, int | float | str) else str(value)
