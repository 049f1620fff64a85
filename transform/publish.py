"""The checked warehouse handed to readers: copied beside the published file and swapped in by rename.

Belongs here: getting a whole copy in place, and reading it. Whether it may be published is for the caller to decide.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from concord.errors import ConcordError, first_line
from concord.settings import Settings
from transform.build import check_finished, check_unlocked


@dataclass(frozen=True)
class PublishResult:
    path: Path
    size: int
    seconds: float


def publish(settings: Settings) -> PublishResult:
    """Replace the published copy by the warehouse as it is now.

    A reader that has the old copy open keeps it; one that opens afterwards gets the new one; none ever sees a part.
    Raises ConcordError when there is no warehouse, when its last build did not finish, when it is locked, or when the disk is full: the old copy then stays.
    """
    begun = time.monotonic()
    warehouse, published = settings.warehouse, settings.published
    if not warehouse.exists():
        raise ConcordError("there is nothing to publish.", where=str(warehouse), mend="Run `concord build` first.")
    check_finished(settings)
    check_unlocked(warehouse)
    for left_over in published.parent.glob(f"{published.name}.*.partial*"):
        if not _is_running(left_over):
            left_over.unlink(missing_ok=True)
    partial = published.with_name(f"{published.name}.{os.getpid()}.partial")
    try:
        # what the write-ahead log still holds goes into the file, so that the file alone is the whole
        connection = duckdb.connect(str(warehouse))
        try:
            connection.execute("CHECKPOINT")
        finally:
            connection.close()
        with warehouse.open("rb") as source, partial.open("wb") as target:
            shutil.copyfileobj(source, target, 1024 * 1024)
            target.flush()
            os.fsync(target.fileno())
        size = partial.stat().st_size
        os.replace(partial, published)
        _sync_folder(published.parent)
    except OSError as error:
        raise _explain(error, published) from None
    except duckdb.Error as error:
        if "No space left" in str(error) or "disk" in str(error).lower():
            raise _explain(OSError(errno.ENOSPC, "no space left"), published) from None
        raise ConcordError(f"cannot be made ready ({first_line(error)}).", where=str(warehouse), mend="Build again.") from None
    finally:
        partial.unlink(missing_ok=True)
    return PublishResult(path=published, size=size, seconds=time.monotonic() - begun)


@contextmanager
def read_published(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """A read-only connection to the published copy that was current when it was opened.

    Raises ConcordError when nothing has been published yet, when the copy is damaged, or when it lacks what is asked of it: an older build made it.
    """
    if not settings.published.exists():
        raise ConcordError("nothing has been published yet.", where=str(settings.published), mend="Run `concord build` and `concord publish`.")
    # DuckDB shares one instance for each path within a process, and a replaced file is another file under the same path:
    # each reader gets a name of its own for the file that is there now, and keeps it
    current = os.stat(settings.published).st_ino
    connection = duckdb.connect(":memory:")
    try:
        descriptor = os.open(settings.published, os.O_RDONLY)
        try:
            connection.execute("SET TimeZone = 'UTC'")
            connection.execute(f"ATTACH '{_stable_name(settings.published, descriptor)}' AS published_{current} (READ_ONLY)")
            connection.execute(f"USE published_{current}")
            yield connection
        finally:
            connection.close()
            os.close(descriptor)
    except (duckdb.CatalogException, duckdb.BinderException) as error:
        raise ConcordError(f"is of an older build ({first_line(error)}).", where=str(settings.published), mend="Run `concord build` and `concord publish`.") from error
    except (duckdb.IOException, duckdb.SerializationException, duckdb.FatalException, duckdb.InternalException) as error:
        raise ConcordError(f"cannot be read ({first_line(error)}).", where=str(settings.published),
                           mend="It is only a copy of the warehouse: run `concord publish`.") from error
    finally:
        connection.close()


def _stable_name(path: Path, descriptor: int) -> str:
    """A path that still means the opened file after it has been replaced, where the system offers one."""
    by_descriptor = Path(f"/proc/self/fd/{descriptor}")
    return str(by_descriptor if by_descriptor.exists() else path).replace("'", "''")


def _explain(error: OSError, published: Path) -> ConcordError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return ConcordError("the disk is full; the copy published before stays as it was.", where=str(published), mend="Free some space and publish again.")
    return ConcordError(f"could not be written ({error.strerror}).", where=str(published), mend="Mend that and publish again.")


def _is_running(partial: Path) -> bool:
    """Whether the process that writes this partial copy is still there."""
    found = re.search(r"\.(\d+)\.partial", partial.name)
    if found is None or int(found[1]) == os.getpid():
        return False
    try:
        os.kill(int(found[1]), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _sync_folder(folder: Path) -> None:
    """Make the rename itself durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
