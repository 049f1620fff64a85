"""The operational store as an address, and what its failures mean to a user. Here: nothing of its tables; each package keeps its own."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, DBAPIError, NoSuchModuleError, OperationalError

from concord.errors import ConcordError, UsageError


def address(url: str) -> tuple[URL, str]:
    """The URL with its driver, and what to call the store in messages: the file, or the URL without its password.

    Raises UsageError for a URL of no known kind, ConcordError for a missing folder.
    """
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() == "postgresql" and parsed.drivername == "postgresql":
            parsed = parsed.set(drivername="postgresql+psycopg")
        if parsed.get_backend_name() not in ("sqlite", "postgresql"):
            raise ArgumentError(parsed.get_backend_name())
    except (ArgumentError, NoSuchModuleError, ValueError):
        raise UsageError("is not a SQLite or PostgreSQL address.", where="environment", field="CONCORD_OPERATIONS_URL",
                         mend="Write sqlite:////path/to/file or postgresql://user@host/database.") from None
    if parsed.get_backend_name() != "sqlite":
        return parsed, parsed.render_as_string(hide_password=True)
    if not parsed.database or parsed.database == ":memory:":
        raise UsageError("must name a file.", where="environment", field="CONCORD_OPERATIONS_URL",
                         mend="What was written to customers' systems must survive the process.")
    folder = Path(parsed.database).expanduser().absolute().parent
    if not folder.is_dir():
        raise ConcordError(f"its folder {folder} is missing.", where=parsed.database,
                           mend="Create the folder, or point CONCORD_HOME or CONCORD_OPERATIONS_URL to another.")
    return parsed, parsed.database


def is_failure(error: BaseException | None) -> bool:
    """Whether the store itself failed, not a statement: SQLite calls a damaged file no more than a DatabaseError."""
    return isinstance(error, OperationalError) or type(error) is DatabaseError


def explain(error: DBAPIError, place: str) -> ConcordError:
    """What the driver's error means and what mends it."""
    text = str(error.orig).strip().splitlines()[0] if str(error.orig).strip() else type(error.orig).__name__
    if "not a database" in text or "malformed" in text:
        return ConcordError("is not a SQLite database, or is damaged.", where=place,
                            mend="Restore it from a backup; it remembers what was written to customers' systems.")
    if "locked" in text:
        return ConcordError("another process keeps it locked.", where=place,
                            mend="Wait for the other run to end, or stop the tool that has the file open.")
    if "readonly" in text or "read-only" in text:
        return ConcordError("cannot be written.", where=place, mend="Give the user that runs Concord the right to write file and folder.")
    if "full" in text:
        return ConcordError("the disk is full.", where=place, mend="Free some space and run again; nothing was half written.")
    return ConcordError(f"the operational store failed ({text}).", where=place, mend="Check CONCORD_OPERATIONS_URL and that the database answers.")
