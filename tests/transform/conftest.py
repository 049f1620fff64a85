"""What all tests of the warehouse share. Not here: laying down a landing (landing_fixture.py)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture(scope="module", autouse=True)
def builds_without_dbt_tests(request: pytest.FixtureRequest) -> Iterator[None]:
    """These modules look at the tables themselves, and dbt's own tests are a third of a build. A module that is about them says DBT_TESTS = True."""
    with pytest.MonkeyPatch.context() as patch:
        if not getattr(request.module, "DBT_TESTS", False):
            patch.setenv("DBT_EXCLUDE_RESOURCE_TYPES", "test")
        yield
