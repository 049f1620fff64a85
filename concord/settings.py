"""Where this installation keeps its state and which services it uses; read from the environment once, passed on as a value."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from concord.errors import UsageError

PROJECT = Path(__file__).resolve().parent.parent
_NUMBER = re.compile(r"\d{1,9}(\.\d{1,6})?")
_MEMORY = re.compile(r"\d+(\.\d+)? ?(MB|GB|TB|MiB|GiB|TiB)")
# libraries that phone home unless told not to; set before any of them is imported
QUIET = {
    "DO_NOT_TRACK": "1",
    "RUNTIME__DLTHUB_TELEMETRY": "false",
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    "GX_ANALYTICS_ENABLED": "false",
    "DAGSTER_DISABLE_TELEMETRY": "1",
}


@dataclass(frozen=True)
class Settings:
    """Paths are absolute. `operations_url` is a SQLAlchemy URL."""

    home: Path
    connections_file: Path
    operations_url: str
    data: Path | None  # real data sets for the sandbox's world, if there are any
    reporting_currency: str = ""  # ISO 4217; empty: the currency that all ledgers keep their books in
    baseline_minutes: str = ""  # a number: what 1,000 reconciled documents took by hand before Concord; empty where nobody measured it
    own_exchange_rates: Path | None = None  # a table of rates where it does not stand at `exchange_rates`
    own_dbt_cache: Path | None = None  # where parsed dbt projects are kept; several installations may share one
    memory_limit: str = ""  # of DuckDB while it builds, as 8GB; empty: what transform/profiles.yml says

    @property
    def landing(self) -> Path:
        return self.home / "landing"

    @property
    def dlt(self) -> Path:
        return self.home / "dlt"

    @property
    def warehouse(self) -> Path:
        return self.home / "warehouse.duckdb"

    @property
    def published(self) -> Path:
        return self.home / "published.duckdb"

    @property
    def dbt_target(self) -> Path:
        return self.home / "dbt"

    @property
    def dbt_cache(self) -> Path:
        """Parsed dbt projects, under the digest of what they were parsed from."""
        return self.own_dbt_cache or self.dbt_target / "manifests"

    @property
    def sandbox(self) -> Path:
        return self.home / "sandbox"

    @property
    def dagster(self) -> Path:
        return self.home / "dagster"

    @property
    def exchange_rates(self) -> Path:
        """The installation's own table of rates; there need not be one."""
        return self.own_exchange_rates or self.home / "exchange_rates.csv"

    @property
    def identity_model(self) -> Path:
        """The matcher's model where one was trained on this installation's records; without it the one that comes with Concord."""
        return self.home / "identity_model.json"

    @property
    def overrides(self) -> Path:
        """The stewards' decisions about identity; there need not be any."""
        return self.home / "crosswalk_overrides.csv"

    @property
    def alerts(self) -> Path:
        return self.home / "alerts"


def load_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """Read CONCORD_HOME, CONCORD_CONNECTIONS, CONCORD_OPERATIONS_URL, CONCORD_DATA, CONCORD_REPORTING_CURRENCY, CONCORD_BASELINE_MINUTES,
    CONCORD_EXCHANGE_RATES, CONCORD_DBT_CACHE and CONCORD_MEMORY.

    Raises UsageError when CONCORD_HOME is a file, CONCORD_DATA names a folder or CONCORD_EXCHANGE_RATES a file that is not there, CONCORD_MEMORY is
    no amount of memory or CONCORD_BASELINE_MINUTES no number.
    Creates nothing.
    """
    home = Path(environment.get("CONCORD_HOME") or PROJECT / "var").expanduser().resolve()
    if home.exists() and not home.is_dir():
        raise UsageError("is not a folder.", where="environment", field="CONCORD_HOME", mend="Name the folder that keeps all state, or unset it.")
    data: Path | None = None
    if named := environment.get("CONCORD_DATA"):
        data = Path(named).expanduser().resolve()
        if not data.is_dir():
            raise UsageError("is not a folder.", where="environment", field="CONCORD_DATA", mend="Name the folder or unset it.")
    elif environment.get("CONCORD_DATA") is None:
        beside = PROJECT.parent / "shared" / "data"
        data = beside if (beside / "online_retail").is_dir() else None
    rates: Path | None = None
    if named := environment.get("CONCORD_EXCHANGE_RATES"):
        rates = Path(named).expanduser().resolve()
        if not rates.is_file():
            raise UsageError("is not a file.", where="environment", field="CONCORD_EXCHANGE_RATES", mend="Name the CSV file or unset it.")
    memory = (environment.get("CONCORD_MEMORY") or "").strip()
    if memory and not _MEMORY.fullmatch(memory):
        raise UsageError(f"{memory!r} is no amount of memory.", where="environment", field="CONCORD_MEMORY", mend="Write it like 8GB.")
    baseline = (environment.get("CONCORD_BASELINE_MINUTES") or "").strip()
    if baseline and not (_NUMBER.fullmatch(baseline) and float(baseline)):
        raise UsageError(f"{baseline!r} is no number of minutes.", where="environment", field="CONCORD_BASELINE_MINUTES", mend="Write it like 250 or 99.5.")
    return Settings(
        home=home,
        connections_file=Path(environment.get("CONCORD_CONNECTIONS") or PROJECT / "connections.yml").expanduser().resolve(),
        operations_url=environment.get("CONCORD_OPERATIONS_URL") or f"sqlite:///{home / 'operations.sqlite'}",
        data=data,
        reporting_currency=(environment.get("CONCORD_REPORTING_CURRENCY") or "").strip().upper(),
        baseline_minutes=baseline,
        own_exchange_rates=rates,
        own_dbt_cache=Path(cache).expanduser().resolve() if (cache := environment.get("CONCORD_DBT_CACHE")) else None,
        memory_limit=memory,
    )


def quiet_libraries() -> None:
    """Turn every library's telemetry off unless the user has set it."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
