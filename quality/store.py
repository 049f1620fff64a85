"""Tables of the operational store that remember findings and the decisions on them; opening the store, making and upgrading the tables.

Belongs here: what the tables look like and how an older installation's become today's. What does not: the rules by which a row changes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DBAPIError

from concord.errors import ConcordError
from concord.operations import address, explain, is_failure
from quality.kinds import kind_domains

SCHEMA_VERSION = 2
STATES = ("open", "acknowledged", "resolved", "accepted", "closed")

metadata = sa.MetaData()

schema = sa.Table("quality_schema", metadata, sa.Column("version", sa.Integer, nullable=False))

findings = sa.Table(
    "findings",
    metadata,
    sa.Column("finding_id", sa.String(64), primary_key=True),
    sa.Column("drift_id", sa.String(8), nullable=False, index=True),
    sa.Column("class", sa.String(64), nullable=False),
    sa.Column("severity", sa.String(16), nullable=False),
    sa.Column("owner_role", sa.String(64), nullable=False),
    sa.Column("correlation_id", sa.String(64)),
    sa.Column("left_connection", sa.String(64)),
    sa.Column("left_entity", sa.String(64)),
    sa.Column("left_id", sa.String(255)),
    sa.Column("right_connection", sa.String(64)),
    sa.Column("right_entity", sa.String(64)),
    sa.Column("right_id", sa.String(255)),
    sa.Column("field", sa.String(128)),
    sa.Column("exposure", sa.Numeric(38, 9)),
    sa.Column("currency", sa.String(3)),
    sa.Column("detail", sa.Text),
    sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("closed_at", sa.DateTime(timezone=True)),
    sa.Column("times_opened", sa.Integer, nullable=False, default=1),
)

# what is true of an exception now: the newest values of the data, and where its work stands
exceptions = sa.Table(
    "exceptions",
    metadata,
    sa.Column("exception_id", sa.String(64), primary_key=True),
    sa.Column("source", sa.String(16), nullable=False),  # drift | reconciliation
    sa.Column("domain", sa.String(32), nullable=False),
    sa.Column("class", sa.String(64), nullable=False),
    sa.Column("severity", sa.String(16), nullable=False),
    sa.Column("data_role", sa.String(64), nullable=False),  # the owner that the data names
    sa.Column("given_role", sa.String(64)),                 # the owner that a person named instead
    sa.Column("assignee", sa.String(128)),
    sa.Column("state", sa.String(16), nullable=False, index=True),
    sa.Column("customer_id", sa.String(64)),
    sa.Column("customer_name", sa.Text),
    sa.Column("correlation_id", sa.Text),
    sa.Column("left_connection", sa.String(64)),
    sa.Column("left_id", sa.Text),
    sa.Column("right_connection", sa.String(64)),
    sa.Column("right_id", sa.Text),
    sa.Column("left_value", sa.Text),
    sa.Column("right_value", sa.Text),
    sa.Column("exposure", sa.Numeric(38, 9)),
    sa.Column("currency", sa.String(3)),
    sa.Column("since", sa.DateTime(timezone=True)),
    sa.Column("detail", sa.Text),
    sa.Column("as_of", sa.DateTime(timezone=True)),         # vendors' clock of the data that showed it last
    sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("state_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("state_as_of", sa.DateTime(timezone=True)),   # vendors' clock when it came into its state
    sa.Column("accepted_until", sa.Date),
    sa.Column("accepted_exposure", sa.Numeric(38, 9)),
    sa.Column("times_opened", sa.Integer, nullable=False, default=1),
)

exception_events = sa.Table(
    "exception_events",
    metadata,
    sa.Column("event_id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("exception_id", sa.String(64), nullable=False, index=True),
    sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("as_of", sa.DateTime(timezone=True)),
    sa.Column("event", sa.String(16), nullable=False),
    sa.Column("who", sa.String(128), nullable=False),
    sa.Column("from_state", sa.String(16)),
    sa.Column("to_state", sa.String(16), nullable=False),
    sa.Column("owner_role", sa.String(64)),
    sa.Column("assignee", sa.String(128)),
    sa.Column("until", sa.Date),
    sa.Column("minutes", sa.Integer),  # work that a person reports to have spent
    sa.Column("comment", sa.Text),
)

_APPEND_ONLY = {
    "sqlite": [
        f"CREATE TRIGGER exception_events_no_{verb.lower()} BEFORE {verb} ON exception_events "
        "BEGIN SELECT RAISE(ABORT, 'the history of exceptions is append-only'); END"
        for verb in ("UPDATE", "DELETE")
    ],
    "postgresql": [
        "CREATE OR REPLACE FUNCTION exception_events_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the history of exceptions is append-only'; END $$",
        "CREATE TRIGGER exception_events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON exception_events "
        "FOR EACH STATEMENT EXECUTE FUNCTION exception_events_append_only()",
    ],
}


def open_ledger(url: str, *, lock_wait: float = 30.0) -> sa.Engine:
    """Connect to the operational store and make or upgrade the tables.

    Raises UsageError for a URL of no known kind, ConcordError for a missing folder, a locked or damaged file, a server that does not
    answer, or tables that a newer version made. The engine raises the same ConcordErrors later on.
    """
    parsed, place = address(url)
    engine = sa.create_engine(parsed, connect_args={"timeout": lock_wait} if parsed.get_backend_name() == "sqlite" else {})
    _explain_failures(engine, place)
    if engine.dialect.name == "sqlite":
        _lock_before_reading(engine)
    with writing(engine) as store:
        _migrate(store, place)
    return engine


def writing(engine: sa.Engine) -> Any:
    """A transaction that writes: of two at once the second waits, so what it reads first still holds when it writes."""
    return engine.execution_options(concord_writes=True).begin()


def _explain_failures(engine: sa.Engine, place: str) -> None:
    @event.listens_for(engine, "handle_error")
    def failed(context: ExceptionContext) -> None:
        error = context.sqlalchemy_exception
        if isinstance(error, DBAPIError) and is_failure(error):
            raise explain(error, place) from error


def _lock_before_reading(engine: sa.Engine) -> None:
    @event.listens_for(engine, "connect")
    def connected(raw: Any, _record: Any) -> None:
        raw.isolation_level = None  # the driver's own BEGIN comes too late to hold a lock over read and write

    @event.listens_for(engine, "begin")
    def begun(connection: sa.Connection) -> None:
        writes = connection.get_execution_options().get("concord_writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _migrate(store: sa.Connection, place: str) -> None:
    if store.dialect.name == "postgresql":
        store.execute(sa.text("SELECT pg_advisory_xact_lock(7261002)"))  # two first starts at once
    tables = sa.inspect(store)
    found = int(store.scalar(sa.select(schema.c.version)) or 0) if tables.has_table("quality_schema") else 0
    if found > SCHEMA_VERSION:
        raise ConcordError(f"its tables of findings are of version {found}, this Concord knows {SCHEMA_VERSION}.", where=place,
                           mend="Upgrade Concord.")
    if found == SCHEMA_VERSION:
        return
    for version in range(found + 1, SCHEMA_VERSION + 1):
        _MIGRATIONS[version](store)
    store.execute(schema.delete())
    store.execute(schema.insert().values(version=SCHEMA_VERSION))


def _findings_table(store: sa.Connection) -> None:
    """Installations older than the version table have the findings already."""
    metadata.create_all(store, tables=[schema, findings])


def _exception_tables(store: sa.Connection) -> None:
    """Findings that are known already become exceptions with the history that is known of them."""
    metadata.create_all(store, tables=[exceptions, exception_events])
    for statement in _APPEND_ONLY[store.dialect.name]:
        store.exec_driver_sql(statement)
    domains = kind_domains()
    current, events = [], []
    for row in store.execute(sa.select(findings).order_by(findings.c.opened_at, findings.c.finding_id)):
        told = row._mapping
        state = "open" if told["closed_at"] is None else "closed"
        current.append({
            **{name: told[name] for name in ("class", "severity", "correlation_id", "left_connection", "left_id", "right_connection",
                                             "right_id", "exposure", "currency", "detail", "opened_at", "last_seen_at", "times_opened")},
            "exception_id": told["finding_id"], "source": "drift", "domain": domains.get(told["drift_id"], "other"),
            "data_role": told["owner_role"], "state": state, "state_at": told["closed_at"] or told["opened_at"],
        })
        events.append({"exception_id": told["finding_id"], "at": told["opened_at"], "event": "opened", "who": "concord", "from_state": None,
                       "to_state": "open", "owner_role": told["owner_role"]})
        if told["closed_at"] is not None:
            events.append({"exception_id": told["finding_id"], "at": told["closed_at"], "event": "closed", "who": "concord",
                           "from_state": "open", "to_state": "closed", "owner_role": told["owner_role"]})
    if current:
        store.execute(sa.insert(exceptions), current)
        store.execute(sa.insert(exception_events), events)


_MIGRATIONS: dict[int, Callable[[sa.Connection], None]] = {1: _findings_table, 2: _exception_tables}
