"""Publishing: whole copies only, readers never disturbed, a full disk leaves the old copy."""

from __future__ import annotations

import errno
import threading
from pathlib import Path
from typing import Any

import duckdb
import pytest

from concord.errors import ConcordError
from concord.settings import Settings
from tests.transform.landing_fixture import settings_at
from transform.publish import publish, read_published


def _write(settings: Settings, number: int) -> None:
    with duckdb.connect(str(settings.warehouse)) as connection:
        connection.execute(f"create or replace table a as select {number} as n from range(5000)")
        connection.execute(f"create or replace table b as select {number} as n from range(5000)")


def test_readers_see_whole_copies_while_publishing(tmp_path: Path) -> None:
    settings = settings_at(tmp_path)
    _write(settings, 0)
    publish(settings)
    problems: list[Any] = []
    done = threading.Event()
    reads = [0]

    def read() -> None:
        while not done.is_set():
            try:
                with read_published(settings) as connection:
                    rows = connection.execute("select distinct n from a union select distinct n from b").fetchall()
                if len(rows) != 1:
                    problems.append(rows)
                reads[0] += 1
            except Exception as error:  # noqa: BLE001 - whatever a reader meets is what this test is about
                problems.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(1, 15):
        _write(settings, number)
        publish(settings)
    done.set()
    reader.join()
    assert problems == [] and reads[0] > 10


def test_an_open_reader_keeps_its_copy(tmp_path: Path) -> None:
    settings = settings_at(tmp_path)
    _write(settings, 1)
    publish(settings)
    with read_published(settings) as old:
        _write(settings, 2)
        result = publish(settings)
        with read_published(settings) as new:
            assert new.execute("select max(n) from a").fetchone() == (2,)
        assert old.execute("select max(n) from b").fetchone() == (1,)
    assert result.path == settings.published and result.size == settings.published.stat().st_size
    assert [path.name for path in tmp_path.glob("*.partial")] == []


def test_a_full_disk_leaves_the_old_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = settings_at(tmp_path)
    _write(settings, 1)
    publish(settings)
    _write(settings, 2)

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("transform.publish.os.fsync", full)
    with pytest.raises(ConcordError) as raised:
        publish(settings)
    monkeypatch.undo()
    assert "disk is full" in str(raised.value) and "published.duckdb" in str(raised.value)
    assert list(tmp_path.glob("*.partial")) == []
    with read_published(settings) as connection:
        assert connection.execute("select max(n) from a").fetchone() == (1,)


def test_nothing_to_publish_or_to_read(tmp_path: Path) -> None:
    settings = settings_at(tmp_path)
    with pytest.raises(ConcordError, match="concord build"):
        publish(settings)
    with pytest.raises(ConcordError, match="concord publish"), read_published(settings):
        raise AssertionError("opened nothing")


def test_a_damaged_copy_is_named_and_can_be_published_again(tmp_path: Path) -> None:
    settings = settings_at(tmp_path)
    _write(settings, 1)
    publish(settings)
    whole = settings.published.read_bytes()
    for damaged in (b"", b"nonsense" * 3000, whole[:12_288], whole[:20_000] + b"nonsense" * 200 + whole[21_600:]):
        settings.published.write_bytes(damaged)
        with pytest.raises(ConcordError, match=r"published\.duckdb: cannot be read .*run `concord publish`"), read_published(settings) as connection:
            connection.execute("select sum(n) from a").fetchall()
    publish(settings)
    with read_published(settings) as connection:
        assert connection.execute("select max(n) from a").fetchone() == (1,)


@pytest.mark.parametrize("query", ["select * from never_built", "select never_built from a"])
def test_a_copy_of_an_older_build_is_named(tmp_path: Path, query: str) -> None:
    settings = settings_at(tmp_path)
    _write(settings, 1)
    publish(settings)
    with pytest.raises(ConcordError, match=r"published\.duckdb: is of an older build \(.*never_built.*`concord build`"), read_published(settings) as connection:
        connection.execute(query)


def test_the_partial_copy_of_a_killed_process_is_cleared(tmp_path: Path) -> None:
    settings = settings_at(tmp_path)
    _write(settings, 1)
    left_over = tmp_path / "published.duckdb.999999999.partial"
    left_over.write_bytes(b"half")
    publish(settings)
    assert not left_over.exists()
