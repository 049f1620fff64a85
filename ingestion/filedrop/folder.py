"""The place where the files are: a local folder or a bucket that fsspec knows. What is in a file is not read here."""

from __future__ import annotations

import gzip
import hashlib
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import fsspec  # type: ignore[import-untyped]

from concord.errors import ConcordError

_LOCKS = ("~$", ".~lock", ".")  # what office programs and file managers put beside a file


@dataclass(frozen=True)
class Entry:
    """A file as the listing shows it. `stamp` differs whenever the listing shows that the file was written again."""

    name: str
    path: str
    size: int
    changed: datetime | None
    stamp: str


@dataclass(frozen=True)
class Folder:
    """An opened place. Names are relative to it, with forward slashes."""

    connection: str
    address: str
    system: Any
    root: str

    def entries(self) -> list[Entry]:
        """Every file, by name. Raises ConcordError where the place is not there: nothing may look like an empty folder (R8)."""
        try:
            self.system.invalidate_cache()
            if not self.system.isdir(self.root):
                raise ConcordError("there is no such folder.", where=self.connection, field=self.address,
                                   mend="Mount or create it, or mend settings.folder in connections.yml.")
            found = self.system.find(self.root, detail=True)
        except OSError as error:
            raise _unreadable(self.connection, self.address, error) from None
        entries = []
        for path, info in found.items():
            name = path[len(self.root):].lstrip("/")
            if not any(part.startswith(_LOCKS) for part in name.split("/")):
                entries.append(_entry(name, path, info))
        return sorted(entries, key=lambda entry: entry.name)

    def entry(self, path: str) -> Entry:
        """One file's listing again. Raises FileNotFoundError where it was moved away."""
        try:
            return _entry("", path, self.system.info(path))
        except FileNotFoundError:
            raise
        except OSError as error:
            raise _unreadable(self.connection, path, error) from None

    def read(self, path: str) -> bytes:
        """Raises FileNotFoundError where it was moved away."""
        try:
            return bytes(self.system.cat_file(path))
        except FileNotFoundError:
            raise
        except OSError as error:
            raise _unreadable(self.connection, path, error) from None


def open_folder(connection: str, address: str) -> Folder:
    """Opens nothing yet. Raises ConcordError where no installed package knows the kind of address."""
    place = address if "://" in address else str(Path(address).expanduser().absolute())
    try:
        system, root = fsspec.core.url_to_fs(place)
    except (ImportError, ValueError) as error:
        raise ConcordError(f"cannot be opened ({error}).", where=connection, field=address,
                           mend="Install the fsspec package of that store, for example s3fs.") from None
    return Folder(connection, address, system, root.rstrip("/"))


def is_finished(entry: Entry, unfinished: Iterable[str], settle: float, now: datetime) -> bool:
    """Not while its name says that it is being written, nor for a while after it changed."""
    if entry.name.lower().endswith(tuple(one.lower() for one in unfinished)):
        return False
    # a stamp in the future tells nothing about the last seconds
    return entry.changed is None or not 0 <= (now - entry.changed).total_seconds() < settle


def unpacked(name: str, content: bytes) -> bytes:
    """The content without its compression. Raises ValueError where it is cut off or damaged."""
    if not name.lower().endswith(".gz") and not content.startswith(b"\x1f\x8b"):
        return content
    try:
        return gzip.decompress(content)
    except (EOFError, zlib.error, OSError) as error:
        raise ValueError(f"the compressed file is cut off or damaged ({error})") from None


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _entry(name: str, path: str, info: dict[str, Any]) -> Entry:
    size = int(info.get("size") or 0)
    changed = next((info[key] for key in ("mtime", "LastModified", "updated", "last_modified", "created") if info.get(key) is not None), None)
    if isinstance(changed, int | float):
        changed = datetime.fromtimestamp(changed, UTC)
    elif isinstance(changed, str):
        changed = datetime.fromisoformat(changed)
    if changed is not None and changed.tzinfo is None:
        changed = changed.replace(tzinfo=UTC)
    return Entry(name, path, size, changed, f"{size} {changed.isoformat() if changed else ''} {info.get('ETag') or info.get('ino') or ''}")


def _unreadable(connection: str, place: str, error: OSError) -> ConcordError:
    return ConcordError(f"cannot be read ({type(error).__name__}).", where=connection, field=place,
                        mend="Check that the folder is mounted and that Concord may read it.")
