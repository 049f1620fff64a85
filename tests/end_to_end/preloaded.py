"""What the fork server of the kill test imports once for all of its victims."""

from __future__ import annotations

import dbt.adapters.duckdb.connections
import dbt.cli.main
import dlt
import great_expectations
import pyarrow.parquet

import concord.stages
import ingestion.run
import quality.alerts
import quality.suites
import reverse_sync.dispatch
import tests.end_to_end.test_kill
import transform.build

__all__ = [
    "concord", "dbt", "dlt", "great_expectations", "ingestion", "pyarrow", "quality", "reverse_sync", "tests", "transform",
]
