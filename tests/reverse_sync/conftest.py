"""An open store and the stand-in vendors for the tests of the way back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from reverse_sync.store import Store, open_store
from tests.reverse_sync.standin import Standin, serving


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    opened = open_store(store_url)
    yield opened
    opened.close()


@pytest.fixture
def vendor() -> Iterator[Standin]:
    with serving() as standin:
        yield standin
