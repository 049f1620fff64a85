"""Where the installations of one test run share what dbt parsed: parsing takes as long as a small build."""

from __future__ import annotations

import os
from pathlib import Path

NAME = "CONCORD_DBT_CACHE"


def dbt_cache() -> Path | None:
    """The folder that tests/conftest.py has chosen for all processes of this run; none where a benchmark borrows the fixtures."""
    return Path(os.environ[NAME]) if NAME in os.environ else None
