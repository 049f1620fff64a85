"""The form of `drops/*.yml`: parsed, checked and frozen, and what it means as a system. No file of the drop is opened here."""

from __future__ import annotations

import codecs
import hashlib
import re
from datetime import timedelta
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from concord.connections import Connection
from concord.errors import UsageError
from ingestion.filedrop.values import date_parser, number_parser
from ingestion.spec import Column, Resource, System

SYSTEM = "file_drop"
# every landed row says where it came from; the version is the moment at which its file was taken
SOURCE: dict[str, Literal["string", "bigint", "timestamp"]] = {
    "source_file": "string", "source_line": "bigint", "source_taken_at": "timestamp"}
DropType = Literal["string", "bigint", "decimal", "double", "boolean", "date", "timestamp", "local_timestamp"]
_NUMBERS, _DATES = ("bigint", "decimal", "double"), ("date", "timestamp", "local_timestamp")
_NAME = re.compile(r"[a-z][a-z0-9_]*")


DateFormats = Annotated[tuple[str, ...], AfterValidator(lambda value: _date_formats(value))]
NumberFormats = Annotated[tuple[str, ...], AfterValidator(lambda value: _number_formats(value))]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ColumnForm(_Strict):
    """One landed column and how its cells are written."""

    type: DropType
    headers: tuple[str, ...] = ()  # the names it goes by, best first; its own name where empty
    presence: Literal["required", "expected", "optional"] = "expected"  # a missing header: refused, told as drift, nothing
    filled: bool = False  # a blank cell makes the row a bad one
    trim: bool = True
    pii: bool = False
    words: tuple[str, ...] = ()  # texts that mean null
    patterns: tuple[str, ...] = ()  # the same as regular expressions over the whole cell
    note: str = ""  # the side column that keeps such a text
    values: dict[str, str] = Field(default_factory=dict)  # a text and what to read instead
    dates: DateFormats = ()
    numbers: NumberFormats = ()
    from_file: str = ""  # not in the rows: the first group of this expression on the file's name

    @field_validator("patterns")
    @classmethod
    def _patterns(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(_expression(one) for one in value)

    @field_validator("from_file")
    @classmethod
    def _from_file(cls, value: str) -> str:
        if value and re.compile(_expression(value)).groups != 1:
            raise ValueError("needs exactly one group")
        return value

    @model_validator(mode="after")
    def _fits(self) -> ColumnForm:
        if self.note and not (self.words or self.patterns):
            raise ValueError("note keeps the texts of `words` and `patterns`; there are none")
        if self.patterns and not self.note:
            raise ValueError("patterns need a `note`: the column that keeps their text")
        if self.numbers and not self.is_number:
            raise ValueError(f"numbers do not go with type {self.type}")
        if self.dates and not self.is_date:
            raise ValueError(f"dates do not go with type {self.type}")
        if self.from_file and self.headers:
            raise ValueError("a column comes from_file or from headers, not both")
        return self

    @property
    def is_number(self) -> bool:
        return self.type in _NUMBERS

    @property
    def is_date(self) -> bool:
        return self.type in _DATES


class Currency(_Strict):
    """Currency signs in amounts. `column`: where the code is landed; it may also be a column of the files."""

    column: str = "currency"
    default: str = ""
    symbols: dict[str, str] = Field(default_factory=dict)


class Reading(_Strict):
    """How files are written. Lists are tried in their order."""

    encodings: tuple[str, ...] = ("utf-8",)
    delimiters: tuple[str, ...] = (",",)
    dates: DateFormats = ("%Y-%m-%d",)
    numbers: NumberFormats = ("1234.56",)
    months: dict[str, int] = Field(default_factory=dict)  # month names of another language
    time_zone: str = "UTC"
    currency: Currency | None = None
    sheet: str = ""  # of a workbook; the first whose header is known where empty
    header_within: int = Field(default=1, ge=1, le=100)  # the header is among the first so many rows that are not blank
    footers: tuple[str, ...] = ()  # expressions on the first filled cell of closing rows

    @field_validator("encodings")
    @classmethod
    def _encodings(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            try:
                codecs.lookup(name)
            except LookupError:
                raise ValueError(f"no encoding is called {name!r}") from None
        return value

    @field_validator("delimiters")
    @classmethod
    def _delimiters(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value or any(len(one) != 1 for one in value):
            raise ValueError("a delimiter is one character")
        return value

    @field_validator("months")
    @classmethod
    def _months(cls, value: dict[str, int]) -> dict[str, int]:
        if any(not 1 <= number <= 12 for number in value.values()):
            raise ValueError("a month is a number from 1 to 12")
        return {name.casefold(): number for name, number in value.items()}

    @field_validator("time_zone")
    @classmethod
    def _time_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError):
            raise ValueError(f"no time zone is called {value!r}") from None
        return value

    @field_validator("footers")
    @classmethod
    def _footers(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(_expression(one) for one in value)


class Override(_Strict):
    """Other ways of writing in some of the files; `read` may hold any key of `reading`."""

    files: tuple[str, ...]
    read: dict[str, Any]


class Manifest(_Strict):
    """The control totals that come with the files. All but `file` and `name` are headers of the manifest."""

    file: str
    name: str
    under: str = ""  # its names are relative to this folder of the drop
    rows: str = ""
    sums: dict[str, str] = Field(default_factory=dict)  # column -> header
    negatives: dict[str, str] = Field(default_factory=dict)
    blanks: dict[str, str] = Field(default_factory=dict)
    sha256: str = ""  # of the uncompressed content
    counts_footers: bool = False  # closing rows are rows, and their amounts amounts, to whoever wrote the manifest
    unlisted: Literal["wait", "take"] = "wait"


class Becomes(_Strict):
    """What a table's rows are in the warehouse: column of the entity (contracts/conformed.yml) -> SQL over the landed columns."""

    columns: dict[str, str]
    where: str = ""
    group_by: tuple[str, ...] = ()  # several rows make one, as the lines of an invoice do
    qualify: str = ""  # keeps rows by what windows over the others say: a log's rows that changed a field

    @field_validator("group_by", mode="before")
    @classmethod
    def _one_or_more(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value


class TableForm(_Strict):
    """One landed table."""

    files: tuple[str, ...]
    columns: dict[str, ColumnForm]
    key: tuple[str, ...] = ("source_file", "source_line")
    ignored: tuple[str, ...] = ()  # headers known to come and not wanted
    bad_rows: float = Field(default=0.05, ge=0, lt=1)  # the share of bad rows from which a file is refused
    footer_total: str = ""  # the column whose sum the closing row states
    manifest: Manifest | None = None
    when_gone: Literal["keep", "bury"] = "keep"  # what becomes of the rows of a file that is no longer there
    reading: Reading | None = None  # set in full by the loader
    overrides: tuple[Override, ...] = ()
    becomes: dict[str, tuple[Becomes, ...]] = Field(default_factory=dict)  # by entity; checked where the warehouse is built

    @field_validator("becomes", mode="before")
    @classmethod
    def _one_or_more_ways(cls, value: Any) -> Any:
        return {entity: (ways,) if isinstance(ways, dict) else ways for entity, ways in value.items()} if isinstance(value, dict) else value

    @model_validator(mode="after")
    def _named_columns_exist(self) -> TableForm:
        reading = self.reading or Reading()
        sides = [column.note for column in self.columns.values() if column.note]
        names = [*self.columns, *sides, *SOURCE]
        if reading.currency and reading.currency.column not in self.columns:
            names.append(reading.currency.column)
        for name in names:
            if not _NAME.fullmatch(name):
                raise ValueError(f"`{name}` is no column name: write lower-case letters, digits and underscores")
            if names.count(name) > 1:
                raise ValueError(f"two columns are called `{name}`")
        for name in self.key:
            if name not in self.columns and name not in SOURCE:
                raise ValueError(f"key must name columns; `{name}` is none")
        manifest = self.manifest
        controlled = {*manifest.sums, *manifest.negatives, *manifest.blanks} if manifest else set()
        for name in sorted(controlled | ({self.footer_total} - {""})):
            if name not in self.columns or not self.columns[name].is_number:
                raise ValueError(f"totals are of number columns; `{name}` is none")
        if self.footer_total and not reading.footers:
            raise ValueError("footer_total needs `footers` in reading")
        return self

    def reading_of(self, file: str) -> Reading:
        """How this file is written: the table's reading, changed by every override that names the file."""
        reading = self.reading or Reading()
        changes: dict[str, Any] = {}
        for override in self.overrides:
            if matches(file, override.files):
                changes |= override.read
        return Reading(**{**{name: getattr(reading, name) for name in Reading.model_fields}, **changes}) if changes else reading

    @property
    def controlled(self) -> list[str]:
        """Number columns that are added up."""
        manifest = self.manifest
        named = [*manifest.sums, *manifest.negatives, *manifest.blanks] if manifest else []
        return list(dict.fromkeys([*named, *([self.footer_total] if self.footer_total else [])]))


class Drop(_Strict):
    """A drop: its tables, and when a file counts as finished."""

    drop: str
    settle: timedelta = timedelta(seconds=30)  # a file changed within it is still being written
    unfinished: tuple[str, ...] = (".part", ".partial", ".tmp", ".crdownload", ".filepart")
    tables: dict[str, TableForm]
    fingerprint: str = ""

    @field_validator("settle", mode="before")
    @classmethod
    def _settle(cls, value: Any) -> Any:
        if isinstance(value, timedelta):
            return value
        if isinstance(value, str) and (match := re.fullmatch(r"(\d+)\s*([smh])", value)):
            return timedelta(**{{"s": "seconds", "m": "minutes", "h": "hours"}[match[2]]: int(match[1])})
        raise ValueError("write a number and s, m or h, for example 30s")

    @field_validator("tables")
    @classmethod
    def _tables(cls, value: dict[str, TableForm]) -> dict[str, TableForm]:
        for name in value:
            if not _NAME.fullmatch(name) or "__" in name:
                raise ValueError(f"`{name}` is no table name: write lower-case letters, digits and single underscores")
        if not value:
            raise ValueError("names no table")
        return value


def matches(file: str, globs: tuple[str, ...]) -> bool:
    """Whether a file is meant; capitals do not matter, and `*` spans folders."""
    return any(fnmatchcase(file.lower(), glob.lower()) for glob in globs)


def _expression(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"{text!r} is no regular expression ({error})") from None
    return text


def _date_formats(value: tuple[str, ...]) -> tuple[str, ...]:
    for one in value:
        date_parser(one, {})
    return value


def _number_formats(value: tuple[str, ...]) -> tuple[str, ...]:
    for one in value:
        number_parser(one)
    return value


# loading


def parse_drop(content: Any, file: str) -> Drop:
    """Check a parsed YAML document. Raises UsageError naming file, field and mend."""
    if not isinstance(content, dict):
        raise UsageError("must be a mapping.", where=file, mend="Start it with `drop:`.")
    tables = content.get("tables")
    if not isinstance(tables, dict):
        raise UsageError("must map names to tables.", where=file, field="tables", mend="Add at least one table.")
    common = content.get("reading") or {}
    made: dict[str, Any] = {}
    for name, table in tables.items():
        if not isinstance(table, dict) or not isinstance(table.get("columns"), dict):
            raise UsageError("must be a mapping with `files` and `columns`.", where=file, field=f"tables.{name}")
        own = table.get("reading") or {}
        if not isinstance(common, dict) or not isinstance(own, dict):
            raise UsageError("must be a mapping.", where=file, field="reading")
        columns = {column: _column(column, entry) for column, entry in table["columns"].items()}
        made[name] = {**table, "columns": columns, "reading": {**common, **own}}
    rest = {key: value for key, value in content.items() if key not in ("reading", "tables")}
    fingerprint = hashlib.blake2b(repr(content).encode(), digest_size=8).hexdigest()
    try:
        drop = Drop(**rest, tables=made, fingerprint=fingerprint)
        for name, table_form in drop.tables.items():
            for place, override in enumerate(table_form.overrides):
                _check_override(table_form, override, file, f"tables.{name}.overrides.{place}.read")
    except (ValidationError, TypeError) as error:
        raise _explain(error, file) from None
    return drop


def _check_override(table: TableForm, override: Override, file: str, place: str) -> None:
    try:
        reading = Reading(**override.read)
    except ValidationError as error:
        raise _explain(error, file, place) from None
    before = table.reading or Reading()
    if reading.currency and (before.currency is None or before.currency.column != reading.currency.column):
        raise UsageError("names another column than the table's reading.", where=file, field=f"{place}.currency.column",
                         mend="The currency is landed in one column, named in `reading`.")


def _column(name: str, entry: Any) -> Any:
    """`type`, `type < Header | Other header` or a mapping -> the fields of a ColumnForm."""
    if isinstance(entry, str):
        kind, _, headers = (part.strip() for part in entry.partition("<"))
        entry = {"type": kind, "headers": [one.strip() for one in headers.split("|")] if headers else []}
    if isinstance(entry, dict) and not entry.get("headers") and not entry.get("from_file"):
        entry = {**entry, "headers": [str(name)]}
    return entry


def _explain(error: ValidationError | TypeError, file: str, prefix: str = "") -> UsageError:
    if isinstance(error, TypeError):
        return UsageError(f"{error}.", where=file, mend="Keys must be text.")
    problem = error.errors()[0]
    place = ".".join(str(step) for step in ((prefix,) if prefix else ()) + tuple(problem["loc"]))
    if problem["type"] == "extra_forbidden":
        return UsageError("unknown key.", where=file, field=place, mend=f"Known here: {', '.join(_known_keys(place.split('.')[:-1]))}.")
    if problem["type"] == "missing":
        return UsageError("is missing.", where=file, field=place, mend="Add it.")
    text = str(problem["msg"]).removeprefix("Value error, ")
    mend = f"Known types: {', '.join(DropType.__args__)}." if place.endswith(".type") else ""  # type: ignore[attr-defined]
    return UsageError(f"{text}.", where=file, field=place, mend=mend)


def _known_keys(place: list[str]) -> list[str]:
    models: dict[str, type[BaseModel]] = {
        "tables": TableForm, "columns": ColumnForm, "reading": Reading, "read": Reading, "currency": Currency, "manifest": Manifest,
        "overrides": Override}
    model: type[BaseModel] = Drop
    for step in place:
        model = models.get(step, model)
    known = {*model.model_fields} - {"fingerprint"}
    return sorted(known | ({"reading"} if model is Drop else set()))


def load_drop(path: Path) -> Drop:
    """The drop's form. Read anew each time: people mend it while the program runs."""
    where = f"{path.parent.name}/{path.name}"
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError("there is no such file.", where=str(path), mend="Write the form of the drop (docs/file-drop.md).") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UsageError(f"is not valid YAML ({error}).", where=where, mend="Mend the line that it names.") from None
    return parse_drop(content, where)


def drop_of(connection: Connection) -> tuple[Drop, str]:
    """A connection's form and folder. Raises UsageError where a setting is missing or unknown."""
    field = f"connections.{connection.name}.settings"
    if unknown := sorted(connection.settings.keys() - {"folder", "drop"}):
        raise UsageError("unknown key.", where="connections.yml", field=f"{field}.{unknown[0]}", mend="Known here: drop, folder.")
    if not connection.settings.get("folder"):
        raise UsageError("is missing.", where="connections.yml", field=f"{field}.folder", mend="Name the folder of the files.")
    drop = connection.settings.get("drop") or connection.name
    path = Path(drop if drop.endswith((".yml", ".yaml")) else f"drops/{drop}.yml").expanduser()
    return load_drop(path), connection.settings["folder"]


def system_of(connection: Connection) -> System:
    """The drop as a system file would describe it: its tables with their landed columns."""
    drop, _ = drop_of(connection)
    return as_system(drop)


def as_system(drop: Drop) -> System:
    resources = {}
    for name, table in drop.tables.items():
        columns = {column: Column(type=form.type, path=column, pii=form.pii) for column, form in table.columns.items()}
        for form in table.columns.values():
            if form.note:
                columns[form.note] = Column(type="string", path=form.note, pii=form.pii)
        if table.reading and table.reading.currency:
            columns.setdefault(table.reading.currency.column, Column(type="string", path=table.reading.currency.column))
        columns |= {column: Column(type=kind, path=column) for column, kind in SOURCE.items()}
        resources[name] = Resource(key=table.key, version="source_taken_at", columns=columns)
    return System(
        system=SYSTEM, roles=("erp", "crm", "billing", "support"), protocol="file_drop", base_url="", root="", whoami="", auth={},
        text_values=True, resources=resources)
