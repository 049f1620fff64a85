"""What all tests of the warehouse share. Not here: laying down a landing (landing_fixture.py)."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="module", autouse=True)
def builds_without_dbt_tests(request: pytest.FixtureRequest) -> None:
    """A module that is about dbt's tests says DBT_TESTS = True."""
    if not getattr(request.module, "DBT_TESTS", False):
        request.getfixturevalue("without_dbt_tests")
