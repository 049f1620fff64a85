"""What the environment says of an installation, and what it may not say."""

from __future__ import annotations

from pathlib import Path

import pytest

from concord.errors import UsageError
from concord.settings import load_settings
from transform.build import dbt_vars


def test_memory_reaches_the_warehouse(tmp_path: Path) -> None:
    home = {"CONCORD_HOME": str(tmp_path), "CONCORD_DATA": ""}
    assert dbt_vars(load_settings({**home, "CONCORD_MEMORY": "8GB"}), {})["memory_limit"] == "8GB"
    assert "memory_limit" not in dbt_vars(load_settings(home), {})  # what transform/profiles.yml says holds


@pytest.mark.parametrize("amount", ["8", "much", "GB", "8GB; drop"])
def test_memory_that_is_no_amount_is_refused(amount: str) -> None:
    with pytest.raises(UsageError, match="CONCORD_MEMORY"):
        load_settings({"CONCORD_DATA": "", "CONCORD_MEMORY": amount})


@pytest.mark.parametrize("minutes", ["many", "-5", "0", "1e3", "2500;"])
def test_a_baseline_that_is_no_number_is_refused(minutes: str) -> None:
    with pytest.raises(UsageError, match="CONCORD_BASELINE_MINUTES"):
        load_settings({"CONCORD_DATA": "", "CONCORD_BASELINE_MINUTES": minutes})


def test_a_home_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")
    with pytest.raises(UsageError, match="CONCORD_HOME: is not a folder"):
        load_settings({"CONCORD_HOME": str(tmp_path / "home"), "CONCORD_DATA": ""})


def test_parsed_projects_lie_in_the_installation_or_where_several_share_them(tmp_path: Path) -> None:
    home = {"CONCORD_HOME": str(tmp_path / "home"), "CONCORD_DATA": ""}
    assert load_settings(home).dbt_cache == tmp_path / "home" / "dbt" / "manifests"
    assert load_settings({**home, "CONCORD_DBT_CACHE": str(tmp_path / "shared")}).dbt_cache == tmp_path / "shared"
