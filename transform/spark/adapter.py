"""dbt's adapter for the `spark` target: the project compiles as for DuckDB, and its statements are translated before Spark sees them.

Belongs here: what dbt asks of an adapter, and how a model becomes a table. What a statement is called in Spark is `dialect`'s, how Spark
counts is `session`'s. dbt finds an adapter as the module `dbt.adapters.<type>`; `register` puts this one there, so that nothing has to be
installed beside the project.
"""

from __future__ import annotations

import importlib
import itertools
import sys
import types
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from dbt.adapters.base import AdapterPlugin, BaseRelation, available
from dbt.adapters.base.column import Column
from dbt.adapters.base.relation import AdapterTrackingRelationInfo
from dbt.adapters.contracts.connection import AdapterResponse, Connection, ConnectionState, Credentials
from dbt.adapters.sql import SQLAdapter, SQLConnectionManager
from dbt_common.exceptions import DbtRuntimeError

from transform.spark.dialect import TranslationError, data_type, tables, translated_steps
from transform.spark.session import SCHEMA, location, spark_session

TYPE = "concord_spark"
_VERSION = "1.0.0"
_NUMBERS = itertools.count(1)


@dataclass
class SparkCredentials(Credentials):
    """`warehouse`: the folder or the address that the tables lie under; `master`: where Spark runs."""

    database: str = "spark"  # dbt wants one; no statement names it
    schema: str = SCHEMA
    master: str = "local[2]"
    warehouse: str = ""

    @property
    def type(self) -> str:
        return TYPE

    @property
    def unique_field(self) -> str:
        return self.master

    def _connection_keys(self) -> tuple[str, ...]:
        return ("master", "warehouse", "schema")


class Session:
    """What dbt holds as a connection. All threads share the process's one session; Spark orders their jobs."""

    def __init__(self, credentials: SparkCredentials) -> None:
        self.spark = spark_session(credentials.master, credentials.warehouse)
        self.schema, self.warehouse = credentials.schema, credentials.warehouse
        self.spark.sql(f"create schema if not exists {self.schema}")

    def cursor(self) -> Cursor:
        return Cursor(self)

    @contextmanager
    def frame(self, sql: str) -> Iterator[Any]:
        """What a statement of the project gives, as long as it is needed. Nothing but its steps has been computed."""
        for name in sorted(tables(sql, self.schema)):
            self.know(name)
        steps, last = translated_steps(sql, self.columns_of, f"_step{next(_NUMBERS)}_")
        try:
            for step in steps:
                self.spark.sql(step.sql).localCheckpoint().createOrReplaceTempView(step.name)
            yield self.spark.sql(last)
        finally:
            for step in steps:
                self.spark.catalog.dropTempView(step.name)

    def know(self, name: str) -> None:
        """A table of an earlier process is its folder."""
        if not self.spark.catalog.tableExists(f"{self.schema}.{name}"):
            self.spark.sql(
                f"create table if not exists {self.schema}.`{name}` using parquet location '{location(self.warehouse, name)}'")

    def columns_of(self, pattern: str) -> Sequence[str]:
        found: list[str] = self.spark.read.parquet(pattern).columns
        return found

    def write(self, frame: Any, name: str) -> None:
        path = location(self.warehouse, name)
        frame.write.mode("overwrite").format("parquet").option("path", path).saveAsTable(f"{self.schema}.`{name}`")


class Cursor:
    """As much of a database cursor as dbt uses."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._frame: Any = None
        self._rows: list[Any] | None = None

    @property
    def description(self) -> list[tuple[Any, ...]]:
        if self._frame is None:
            return []
        return [(each.name, each.dataType.simpleString(), None, None, None, None, each.nullable) for each in self._frame.schema.fields]

    def execute(self, sql: str, bindings: Any = None) -> None:
        if bindings:
            raise DbtRuntimeError("values are written into statements, not bound to them")
        with self._session.frame(sql) as frame:
            self._frame, self._rows = frame, frame.collect()

    def fetchall(self) -> list[Any]:
        return [tuple(row) for row in self._rows or []]

    def fetchone(self) -> Any:
        return self._rows.pop(0) if self._rows else None

    def fetchmany(self, size: int) -> list[Any]:
        told, self._rows = (self._rows or [])[:size], (self._rows or [])[size:]
        return told

    def close(self) -> None:
        self._frame = self._rows = None


class SparkConnectionManager(SQLConnectionManager):
    TYPE = TYPE

    @classmethod
    def open(cls, connection: Connection) -> Connection:
        if connection.state != ConnectionState.OPEN:
            connection.handle = Session(connection.credentials)
            connection.state = ConnectionState.OPEN
        return connection

    @contextmanager
    def exception_handler(self, sql: str) -> Iterator[None]:
        from pyspark.errors import PySparkException

        try:
            yield
        except (PySparkException, TranslationError) as error:
            raise DbtRuntimeError(_short(error)) from error

    def cancel(self, connection: Connection) -> None:
        connection.handle.spark.interruptAll()

    @classmethod
    def get_response(cls, cursor: Any) -> AdapterResponse:
        return AdapterResponse(_message="OK")

    @classmethod
    def close(cls, connection: Connection) -> Connection:
        connection.state = ConnectionState.CLOSED  # the session stays: another build of this process goes on with it
        return connection

    def begin(self) -> Any:
        return self.get_thread_connection()

    def commit(self) -> Any:
        return self.get_thread_connection()

    def add_begin_query(self) -> None:
        """Spark has no transactions."""

    def add_commit_query(self) -> None:
        """Spark has no transactions."""

    def rollback_if_open(self) -> None:
        """Spark has no transactions."""


class SparkAdapter(SQLAdapter):
    ConnectionManager = SparkConnectionManager
    Relation = BaseRelation
    Column = Column

    @classmethod
    def date_function(cls) -> str:
        return "now()"

    @classmethod
    def get_adapter_run_info(cls, config: Any) -> AdapterTrackingRelationInfo:
        # dbt would look for a package named after the class: there is none of ours, and dbt's own for Spark may be installed or not
        return AdapterTrackingRelationInfo(TYPE, importlib.import_module("dbt.adapters.__about__").version, _VERSION, {})

    @classmethod
    def is_cancelable(cls) -> bool:
        return True

    # the types of seeds are all declared; dbt wants to be able to guess them

    @classmethod
    def convert_text_type(cls, agate_table: Any, col_idx: int) -> str:
        return "varchar"

    # dbt asks what is there to drop, to rename or to continue from: here every table is written anew over what was there

    def list_relations_without_caching(self, schema_relation: Any) -> list[Any]:
        return []

    def list_schemas(self, database: str) -> list[str]:
        return []

    def create_schema(self, relation: Any) -> None:
        """It is there as soon as a connection is."""

    @available
    def write_model(self, name: str, code: str, language: str, columns: Mapping[str, Any]) -> None:
        """Make the table of a model. Its columns are what the contract says, in type and in name.

        Raises DbtRuntimeError where the statement gives other columns, cannot be translated or fails.
        """
        session = self._session()
        told = self._python(session, code) if language == "python" else session.frame(code)
        with self.connections.exception_handler(code), told as frame:
            session.write(_as_told(frame, columns), name)

    @available
    def write_seed(self, name: str, rows: Any, kinds: Mapping[str, str]) -> None:
        session = self._session()
        names = list(rows.column_names)
        told = [tuple(None if value is None else _text(value) for value in row) for row in rows.rows]
        frame = session.spark.createDataFrame(told, ", ".join(f"`{each}` string" for each in names))
        frame = frame.select(*[frame[each].cast(data_type(kinds.get(each, "varchar"))).alias(each) for each in names])
        with self.connections.exception_handler(name):
            session.write(frame, name)

    def _session(self) -> Session:
        handle = self.connections.get_thread_connection().handle
        assert isinstance(handle, Session)
        return handle

    @contextmanager
    def _python(self, session: Session, code: str) -> Iterator[Any]:
        """A Python model is written for a DuckDB session: it gets an empty one in memory, with what it asks for."""
        import duckdb

        module = types.ModuleType("model")
        exec(compile(code, "model", "exec"), module.__dict__)
        with duckdb.connect() as computer:
            computer.execute("set TimeZone = 'UTC'")
            read: list[str] = []

            def load(relation: str) -> Any:
                with session.frame(f"select * from {relation}") as frame:
                    computer.register("_told", frame.toArrow())
                name = f"read_{len(read)}"
                read.append(name)
                computer.execute(f"create table {name} as select * from _told")
                return computer.table(name)

            told = module.model(module.dbtObj(load), computer)
            yield session.spark.createDataFrame(told if hasattr(told, "schema") else told.to_arrow_table())


def register() -> None:
    """Let dbt find this adapter under the name that the profile says."""
    name = f"dbt.adapters.{TYPE}"
    if name not in sys.modules:
        version = types.ModuleType(f"{name}.__version__")
        version.version = _VERSION  # type: ignore[attr-defined]
        package = types.ModuleType(name)
        package.__path__ = []
        package.Plugin = AdapterPlugin(  # type: ignore[attr-defined]
            adapter=SparkAdapter, credentials=SparkCredentials, include_path=str(Path(__file__).parent / "include"),
            project_name=f"dbt_{TYPE}", dependencies=["duckdb"])
        sys.modules[name], sys.modules[version.__name__] = package, version
        importlib.import_module("dbt.adapters")


def _as_told(frame: Any, columns: Mapping[str, Any]) -> Any:
    """The columns of the contract, in its types; a model without one stays as it is."""
    declared = {name: column.get("data_type") for name, column in columns.items()}
    if not declared or not all(declared.values()):
        return frame
    there = {name.lower() for name in frame.columns}
    if there != {name.lower() for name in declared}:
        missing, more = sorted({*declared} - there), sorted(there - {*declared})
        raise DbtRuntimeError(f"its contract is not kept: without {', '.join(missing) or 'nothing'}, with {', '.join(more) or 'nothing'} more")
    return frame.select(*[frame[name].cast(data_type(kind)).alias(name) for name, kind in declared.items()])


def _text(value: Any) -> str:
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def _short(error: Exception) -> str:
    return "\n".join(str(error).splitlines()[:12])
