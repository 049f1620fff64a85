"""Adding an entry to connections.yml and taking one out, with everybody's comments left where they are. Parsing is `connections`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from concord.connections import Connection, load_connections
from concord.errors import UsageError


def entry_text(name: str, entry: Mapping[str, Any]) -> str:
    """The entry as it stands in the file, two spaces deep; empty values are left out."""
    told = {key: value for key, value in entry.items() if value not in ("", None, (), [], {}, False)}
    lists = {key: list(value) for key, value in told.items() if isinstance(value, list | tuple)}
    text: str = yaml.safe_dump({name: {**told, **lists}}, sort_keys=False, allow_unicode=True, width=140)
    return "".join(f"  {line}\n" for line in text.splitlines())


def add_entry(path: Path, name: str, entry: Mapping[str, Any]) -> Connection:
    """Write the entry at the end of the file and read the whole file again; a file that then does not fit is put back as it was.

    Raises UsageError where the name is taken or the entry does not fit.
    """
    before = path.read_text() if path.exists() else "connections:\n"
    if path.exists() and name in load_connections(path):
        raise UsageError("is taken.", where=path.name, field=f"connections.{name}", mend="Choose another name, or drop that one first.")
    return _written(path, before, before.rstrip("\n") + "\n" + entry_text(name, entry), name)[name]


def drop_entry(path: Path, name: str) -> dict[str, Connection]:
    """Take the entry out; what is landed of it stays on disk and no longer counts. Returns the connections that are left.

    Raises UsageError for a name that is not there and for the last one.
    """
    known = load_connections(path)
    if name not in known:
        raise UsageError(f"no connection is called {name!r}.", where=path.name, field="connections", mend=f"Known: {', '.join(known)}.")
    if len(known) == 1:
        raise UsageError("is the only connection.", where=path.name, field=f"connections.{name}", mend="Add another one first.")
    before = path.read_text()
    kept: list[str] = []
    inside = False
    for line in before.splitlines(keepends=True):
        if re.match(r"  \S", line) and not line.lstrip().startswith("#"):
            inside = re.match(rf"  ['\"]?{re.escape(name)}['\"]?\s*:", line) is not None
        elif re.match(r"\S", line):
            inside = False
        if not inside:
            kept.append(line)
    return _written(path, before, "".join(kept), "")


def _written(path: Path, before: str, after: str, name: str) -> dict[str, Connection]:
    existed = path.exists()
    path.write_text(after)
    try:
        found = load_connections(path)
        if name and name not in found:
            raise UsageError("could not be added.", where=path.name, field=f"connections.{name}", mend="Write `connections:` as the file's only key.")
    except UsageError:
        if existed:
            path.write_text(before)
        else:
            path.unlink()
        raise
    return found


def placeholders(*texts: str) -> Sequence[str]:
    """The names that `{...}` in a system file's addresses ask a connection's settings for, in their order."""
    return list(dict.fromkeys(found for text in texts for found in re.findall(r"\{(\w+)\}", text)))
