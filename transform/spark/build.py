"""Landing to warehouse on Spark: every table written anew, beside the DuckDB warehouse and without touching it.

Belongs here: which dbt invocation that is and where its tables lie. Nothing is published, checked or corrected from this warehouse.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from concord.connections import Connection
from concord.errors import ConcordError
from concord.settings import Settings
from transform.build import (
    BuildError,
    BuildResult,
    NodeResult,
    check_overrides,
    dbt_vars,
    explain,
    invoke_dbt,
    landing_kept,
    overrides_file,
)
from transform.generate import load_entities
from transform.rates import check_rates, check_reporting_currency
from transform.spark.session import check_installed


@dataclass(frozen=True)
class SparkTarget:
    """Where Spark runs, and the addresses that it reads and writes: folders, or what its file systems know (s3a://...)."""

    master: str
    warehouse: str
    landing: str


def build_on_spark(
    settings: Settings,
    connections: Mapping[str, Connection],
    target: SparkTarget,
    *,
    select: str | Sequence[str] | None = None,
    tests: bool = True,
    on_event: Callable[[NodeResult], None] | None = None,
) -> BuildResult:
    """Seeds, models and, unless told otherwise, their tests on Spark. What `select` leaves out must be there from an earlier build.

    Raises ConcordError where PySpark or Java is missing, UsageError for a malformed override file or contract, BuildError when a model or a
    blocking test fails.
    """
    check_installed()
    check_overrides(overrides_file(settings))
    check_rates(settings.exchange_rates)
    check_reporting_currency(settings.reporting_currency)
    load_entities()
    from transform.spark.adapter import register  # dbt and Spark: seconds to import

    register()
    begun = time.monotonic()
    arguments = ["build", "--target", "spark", "--full-refresh"]
    if select:
        arguments += ["--select", *([select] if isinstance(select, str) else select)]
    if not tests:
        arguments += ["--exclude-resource-type", "test"]
    folder = settings.home / "spark" / "dbt"
    with landing_kept(settings, connections):
        variables: dict[str, Any] = dbt_vars(settings, connections)
        variables |= {"spark_master": target.master, "spark_warehouse": target.warehouse, "landing": target.landing}
        nodes, problem = invoke_dbt(settings, arguments, variables, on_event, folder)
    result = BuildResult(nodes=nodes, seconds=time.monotonic() - begun, full_refresh=True, manifest=folder / "manifest.json")
    if problem:
        raise BuildError(problem, result, where="target spark", mend="Mend what it names and build again.")
    if result.failed:
        raise BuildError(explain(result.failed), result, where="target spark", mend="Build again when it is mended.")
    return result


def target_of(settings: Settings, environment: Mapping[str, str]) -> SparkTarget:
    """CONCORD_SPARK_MASTER, CONCORD_SPARK_WAREHOUSE and CONCORD_SPARK_LANDING; without them this machine and the installation's home.

    Raises ConcordError for a warehouse that is an address while the landing is a folder of this machine that a cluster cannot read.
    """
    master = environment.get("CONCORD_SPARK_MASTER") or "local[2]"
    warehouse = environment.get("CONCORD_SPARK_WAREHOUSE") or str(settings.home / "spark" / "warehouse")
    landing = environment.get("CONCORD_SPARK_LANDING") or str(settings.landing)
    if "://" in warehouse and "://" not in landing and not master.startswith("local"):
        raise ConcordError(
            "the landing is a folder of this machine.", where="environment", field="CONCORD_SPARK_LANDING",
            mend="Name where the workers find it, for example s3a://bucket/landing.")
    return SparkTarget(master=master, warehouse=warehouse, landing=landing)
