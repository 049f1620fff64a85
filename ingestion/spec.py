"""The form of `ingestion/systems/*.yml`: parsed, checked and frozen. No HTTP and no Arrow here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from concord.errors import UsageError

SYSTEMS = Path(__file__).parent / "systems"
ColumnType = Literal[
    "string", "bigint", "decimal", "double", "boolean", "timestamp", "epoch", "local_timestamp", "date", "local_date", "flag",
    "open_date", "open_timestamp", "odata_date", "odata_timestamp", "text_decimal",
    "strings", "json",
]
Protocol = Literal[
    "zendesk", "stripe", "soql", "suiteql", "odata_v2", "odata_v4", "oracle_rest", "chargebee", "zuora", "freshdesk", "servicenow", "file_drop",
]
_STEP = re.compile(r"[A-Za-z_][A-Za-z0-9_:\-]*(\[(\d+|\{\w+\})\])?")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Column(_Strict):
    """One landed column. `path`: where the value is in the vendor's record, alternatives separated by `|`, first non-null wins.

    A step is `name`, `name[0]` (position), `name[360000000101]` or `name[{setting}]` (the list member with that id); `sum(a.b)` adds b over the
    list a; `_parent.` starts at the record that holds a child.
    """

    type: ColumnType
    path: str = ""
    pii: bool = False
    optional: bool = False  # the vendor leaves the field out at times: its absence is no schema drift
    mixed: bool = False  # the vendor itself sends several JSON types here: no schema drift
    sql: str = ""  # NetSuite: what to ask for, where it is not the column of that name

    @property
    def alternatives(self) -> tuple[str, ...]:
        return tuple(part.strip() for part in self.path.split("|"))

    @property
    def from_parent(self) -> bool:
        return any(alternative.startswith("_parent.") for alternative in self.alternatives)

    @property
    def heads(self) -> frozenset[str]:
        """The top-level fields of the record that this column reads."""
        found = set()
        for alternative in self.alternatives:
            inner = alternative.removeprefix("sum(").rstrip(")")
            if not inner.startswith("_parent."):
                found.add(re.split(r"[.\[]", inner, maxsplit=1)[0])
        return frozenset(found)


class DeletedWhen(_Strict):
    """How a record itself says that it was deleted. `value` None: any value at `path` means deleted."""

    path: str
    value: str | bool | int | None = None


class Deletes(_Strict):
    """NetSuite: the record types of DeletedRecord rows that are tombstones of this resource."""

    record_type: str


class Reread(_Strict):
    """Dynamics: rows that may still change although nothing says when; `field` is one of `values`. Without `enum` those are days."""

    field: str
    values: tuple[str, ...]
    enum: str = ""


class Child(_Strict):
    """Rows nested in the parent's record."""

    path: str
    key: tuple[str, ...]
    parent_key: str = ""  # the column that holds the parent's key; with it, children that vanished become tombstones
    columns: dict[str, Column]
    ignored: frozenset[str] = frozenset()


class Resource(_Strict):
    """One kind of record. Which of `path`, `sobject` and `table` is needed depends on the protocol."""

    path: str = ""
    sobject: str = ""
    table: str = ""
    records: tuple[str, ...] = ()  # NetSuite: the record types of the metadata catalogue that describe this table
    root: str = ""  # the key of the rows in an answer; the resource's own name where empty
    explode: str = ""  # each member of this list in a record is a row, the record is its `_parent`
    params: dict[str, str] = Field(default_factory=dict)
    key: tuple[str, ...]
    version: str
    cursor: str = ""
    overlap: timedelta | None = None
    events: tuple[str, ...] = ()
    deletes: Deletes | None = None
    deleted_when: DeletedWhen | None = None
    parent: str = ""
    parent_key: str = ""
    has_deleted: bool = True  # Salesforce: users carry no IsDeleted and are never deleted
    optional: bool = False  # Salesforce: an object of a feature that not every org has switched on; its absence is no error
    count: str = ""  # the vendor's own count of it, if it has one
    by_id: str = ""  # how given records are read again
    since: str = ""  # Freshdesk: the parameter that cuts the list by the cursor
    sorts: tuple[str, ...] = ()  # Chargebee: what the list may be sorted by, first what a whole read is sorted by
    lists: tuple[dict[str, str], ...] = ()  # Freshdesk: parameters of further lists of the same records (deleted ones, spam)
    archive: str = ""  # Freshdesk: where records are that left the lists undeleted; the reader tells of deletes, a full read buries nothing
    reread: Reread | None = None  # rows that every read has again until they no longer match
    stamps: tuple[str, ...] = ()  # SAP: its fields that tell when a record changed, `day+time` where they are two; a read filters on each
    partition: tuple[str, ...] = ()  # SAP: a read goes through the values of these key fields one by one
    swept: bool = False  # SAP: deleted records leave no trace; a total below what is landed makes the read compare all keys
    writes: tuple[str, ...] = ()  # the vendor's fields that Concord may write; `connections test` and the targets read it
    open_fields: frozenset[str] = frozenset()  # objects whose unknown members are new columns, as a record's own are
    ignored: frozenset[str] = frozenset()  # fields known to come and not wanted
    unfiltered: bool = False  # Oracle: the list takes no filter on the cursor: it is read whole, what is new is found by its stamp here
    watch: str = ""  # Oracle, NetSuite: a field that changes without moving the stamp; where it is not zero it is compared with the last read
    under: str = ""  # Oracle: the resource under whose records this one is read, each by its own request
    under_by: str = ""  # Oracle: `field of the parent=field of the resource under which it is read`
    touched_by: dict[str, str] = Field(default_factory=dict)  # Zuora: list whose new rows mean that the record named in this field changed
    columns: dict[str, Column]
    children: dict[str, Child] = Field(default_factory=dict)

    @field_validator("overlap", mode="before")
    @classmethod
    def _overlap(cls, value: Any) -> Any:
        return _duration(value)

    @model_validator(mode="after")
    def _named_columns_exist(self) -> Resource:
        names = {*self.columns, "_changed_at"}
        for name in (*self.key, self.version, *([self.cursor] if self.cursor else [])):
            if name not in names:
                raise ValueError(f"key, version and cursor must be columns; `{name}` is none")
        for child_name, child in self.children.items():
            for name in (*child.key, *([child.parent_key] if child.parent_key else [])):
                if name not in child.columns:
                    raise ValueError(f"children.{child_name}: key and parent_key must be columns; `{name}` is none")
        return self


class AuthMethod(_Strict):
    """One way to log in: `secrets` are the credential names that it needs."""

    secrets: tuple[str, ...]
    token_path: str = ""  # relative to the base URL, or a whole URL on the vendor's login host; `{name}` is filled from `settings`
    scope: str = ""
    client_in: Literal["body", "header"] = "body"  # where the client's id and secret stand in that request
    password: str = ""  # basic: what stands for the password where the only secret is the user's part


class Limits(_Strict):
    concurrency: int = 4  # requests at once, over all resources of a connection
    requests_per_second: float = 0  # 0: as the vendor's headers say
    page_size: int = 1000
    ceiling: int = 0  # rows one query can reach at most
    bulk_above: int = 0  # rows from which the vendor's bulk interface is used
    bulk_page: int = 50_000  # rows asked for at once there
    window: timedelta | None = None  # how far back the vendor's change feed reaches
    withheld: timedelta = timedelta()  # how long the vendor's lists keep a new change back
    longest_wait: timedelta = timedelta(minutes=5)  # a longer wait ends the run, the next one resumes

    @field_validator("window", "withheld", "longest_wait", mode="before")
    @classmethod
    def _durations(cls, value: Any) -> Any:
        return _duration(value)


class System(_Strict):
    """A vendor. `root`: what paths without a leading slash are relative to; `{name}` is filled from `settings`."""

    system: str
    roles: tuple[Literal["erp", "crm", "billing", "support"], ...]
    protocol: Protocol
    base_url: str
    root: str
    whoami: str  # the request of a connection test
    api_version: str = ""  # as the vendor names it; a connection's setting `api_version` goes before it
    auth: dict[Literal["oauth2_jwt", "oauth1", "client_credentials", "bearer", "token", "oauth", "basic"], AuthMethod]
    headers: dict[str, str] = Field(default_factory=dict)
    settings: dict[str, str] = Field(default_factory=dict)
    limits: Limits = Limits()
    overlap: timedelta = timedelta()
    text_values: bool = False  # every value arrives as text
    refusals: tuple[str, ...] = ()  # words in a 5xx answer to a write that make it a no for good instead of an outage
    omits_nulls: bool = False  # null fields are left out, so a missing field says nothing
    ignored: frozenset[str] = frozenset()
    resources: dict[str, Resource]

    @field_validator("overlap", mode="before")
    @classmethod
    def _overlap(cls, value: Any) -> Any:
        return _duration(value)

    @model_validator(mode="after")
    def _protocol_fields(self) -> System:
        needs = {"zendesk": "path", "stripe": "path", "soql": "sobject", "suiteql": "table"}.get(self.protocol)
        for name, resource in self.resources.items():
            if needs and not getattr(resource, needs):
                raise ValueError(f"resources.{name} needs `{needs}`")
            if resource.parent and resource.parent not in self.resources:
                raise ValueError(f"resources.{name}.parent names no resource: {resource.parent}")
        return self

    def table_names(self) -> list[str]:
        """Every landed table: resources and their children, parents first."""
        names = []
        for name, resource in self.resources.items():
            names += [name, *resource.children]
        return names

    def owner(self, table: str) -> str:
        """The resource that delivers a table: itself, or the parent of a child."""
        for name, resource in self.resources.items():
            if table == name or table in resource.children:
                return name
        raise UsageError(
            f"no resource is called {table!r}.", where=f"ingestion/systems/{self.system}.yml", field="resources",
            mend=f"Known: {', '.join(self.table_names())}.",
        )


def _duration(value: Any) -> Any:
    if isinstance(value, str) and (match := re.fullmatch(r"(\d+)\s*([smhd])", value)):
        return timedelta(**{_UNITS[match[2]]: int(match[1])})
    if isinstance(value, timedelta) or value is None:
        return value
    raise ValueError("write a number and s, m, h or d, for example 15m")


def parse_column(name: str, entry: Any) -> dict[str, Any]:
    """`type`, `type < path` or a mapping -> the fields of a Column; the path is the column's name where none is given.

    `type?` is an optional column.
    """
    if isinstance(entry, str):
        kind, _, path = (part.strip() for part in entry.partition("<"))
        entry = {"type": kind.removesuffix("?"), "path": path, "optional": kind.endswith("?")}
    if not isinstance(entry, dict):
        raise ValueError("write `type`, `type < path` or a mapping with `type`")
    entry = {**entry, "path": entry.get("path") or name}
    for alternative in str(entry["path"]).split("|"):
        inner = alternative.strip()
        if inner.startswith("sum(") and inner.endswith(")"):
            inner = inner[4:-1]
        if not inner or not all(_STEP.fullmatch(step) for step in inner.split(".")):
            raise ValueError(f"`{alternative.strip()}` is not a path")
    return entry


def parse_system(content: Any, file: str) -> System:
    """Check a parsed YAML document. Raises UsageError naming file, field and mend."""
    if not isinstance(content, dict):
        raise UsageError("must be a mapping.", where=file, mend="Start it with `system:`.")
    content = {**content, "resources": _shorthand(content.get("resources") or {}, file)}
    try:
        return System(**content)
    except (ValidationError, TypeError) as error:
        raise _explain(error, file) from None


def _shorthand(resources: Any, file: str) -> Any:
    if not isinstance(resources, dict):
        raise UsageError("must map names to resources.", where=file, field="resources")

    def columns(entry: Any, place: str) -> Any:
        if not isinstance(entry, dict):
            raise UsageError("must be a mapping.", where=file, field=place)
        parsed = {}
        for name, column in (entry.get("columns") or {}).items():
            try:
                parsed[name] = parse_column(name, column)
            except ValueError as error:
                raise UsageError(
                    f"{error}.", where=file, field=f"{place}.columns.{name}", mend="For example `string < address.city`.") from None
        result = {**entry, "columns": parsed}
        if entry.get("children"):
            result["children"] = {name: columns(child, f"{place}.children.{name}") for name, child in entry["children"].items()}
        return result

    return {name: columns(entry, f"resources.{name}") for name, entry in resources.items()}


def _explain(error: ValidationError | TypeError, file: str) -> UsageError:
    if isinstance(error, TypeError):
        return UsageError(f"{error}.", where=file, mend="Keys must be text.")
    problem = error.errors()[0]
    place = ".".join(str(step) for step in problem["loc"])
    if problem["type"] == "extra_forbidden":
        return UsageError("unknown key.", where=file, field=place, mend=f"Known here: {', '.join(_known_keys(problem['loc']))}.")
    if problem["type"] == "missing":
        return UsageError("is missing.", where=file, field=place, mend="Add it.")
    mend = f"Known types: {', '.join(ColumnType.__args__)}." if place.endswith(".type") else ""  # type: ignore[attr-defined]
    return UsageError(f"{problem['msg']}.", where=file, field=place, mend=mend)


def _known_keys(place: tuple[Any, ...]) -> list[str]:
    model: type[BaseModel] = System
    for step in place[:-1]:
        named: dict[str, type[BaseModel]] = {"resources": Resource, "columns": Column, "children": Child, "auth": AuthMethod, "limits": Limits,
                                             "deletes": Deletes, "deleted_when": DeletedWhen}
        model = named.get(str(step), model)
    return sorted(model.model_fields)


def with_settings(system: System, settings: Mapping[str, str]) -> System:
    """The system with `{name}` in its columns' paths filled from a connection's settings: ids that each account gives to its own fields."""
    told = {**system.settings, **settings}
    resources = {
        name: resource.model_copy(update={"columns": {
            key: column.model_copy(update={"path": column.path.format_map(told)}) if "{" in column.path else column
            for key, column in resource.columns.items()}})
        for name, resource in system.resources.items() if any("{" in column.path for column in resource.columns.values())}
    return system.model_copy(update={"resources": {**system.resources, **resources}}) if resources else system


@cache
def load_system(name: str) -> System:
    """The system file of that name. Raises UsageError for an unknown system or anything that does not fit the form."""
    file = SYSTEMS / f"{name}.yml"
    if not file.exists():
        known = ", ".join(sorted(path.stem for path in SYSTEMS.glob("*.yml")))
        raise UsageError(f"no system is called {name!r}.", where="ingestion/systems", mend=f"Known systems: {known}.")
    try:
        content = yaml.safe_load(file.read_text())
    except yaml.YAMLError as error:
        raise UsageError(f"is not valid YAML ({error}).", where=f"ingestion/systems/{file.name}", mend="Mend the line it names.") from None
    return parse_system(content, f"ingestion/systems/{file.name}")
