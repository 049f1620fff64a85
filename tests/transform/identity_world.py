"""Identity's own models over customer records written by hand: the compiled SQL of the project, run in a DuckDB of its own.

Belongs here: how a small world of records is laid down and resolved. What a test puts into it and expects is in the test.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import md5
from pathlib import Path
from typing import Any

import duckdb

from concord.connections import Connection
from tests.transform.landing_fixture import LONG_AGO, NOW, SYSTEMS, connections, settings_at
from transform.build import dbt_vars
from transform.crosswalk_seen import remember_crosswalk
from transform.generate import DBT_PROJECT, load_conformed
from transform.matching import match_increment
from transform.operations import FOLDER

MODELS = (
    "customer_record", "crosswalk_decision", "crosswalk_keys", "customer_match_input", "crosswalk_cluster", "crosswalk_candidates", "crosswalk",
    "crosswalk_review", "crosswalk_unmatched", "crosswalk_change", "contact", "drift_identity",
)
_CONTACTS = ("netsuite", "salesforce", "zendesk")
_SQL = {"boolean": "boolean", "timestamp": "timestamp"}
Row = dict[str, Any]


def golden(connection: str, record_id: str) -> str:
    digest = md5(f"concord:customer:{connection}:{record_id}".encode()).hexdigest()
    return "-".join((digest[:8], digest[8:12], digest[12:16], digest[16:20], digest[20:]))


def compiled_models(folder: Path) -> dict[str, str]:
    """The SQL of identity's models, as dbt makes it for the four systems and a second ERP: a project of them alone, the rest of it named only."""
    from dbt.cli.main import dbtRunner

    settings = settings_at(folder)
    told = dbt_vars(settings, connections([Connection(name="netsuite_uk", system="netsuite", role="erp", sandbox=True)]))
    project = folder / "project"
    (project / "models").mkdir(parents=True)
    for name in MODELS:
        (project / "models" / f"{name}.sql").symlink_to(next((DBT_PROJECT / "models").rglob(f"{name}.sql")))
    for name in (*(f"{system}__customer_record" for system in SYSTEMS), *(f"{system}__contact" for system in _CONTACTS), "value_map",
                 "crosswalk_overrides", "extraction_clock", "stg_crosswalk_seen", "customer_match", "customer", "reconciled_customer"):
        (project / "models" / f"{name}.sql").write_text("select 1 as placeholder")
    (project / "macros").symlink_to(DBT_PROJECT / "macros")
    (project / "dbt_project.yml").write_text("name: concord\nprofile: concord\nmodel-paths: [models]\nmacro-paths: [macros]\n"
                                             "vars: {integration_usernames: []}\n")
    outcome = dbtRunner().invoke([
        "--quiet", "--no-version-check", "--no-send-anonymous-usage-stats", "--log-level", "none", "--log-level-file", "none", "compile",
        "--project-dir", str(project), "--profiles-dir", str(DBT_PROJECT), "--target-path", str(folder / "target"), "--vars", json.dumps(told)])
    assert outcome.success, outcome.exception
    found = {path.stem: path.read_text() for path in (folder / "target" / "compiled").rglob("*.sql")}
    return {name: found[name] for name in MODELS}


@dataclass
class Records:
    """Customer records by their key; `decisions` are lines of the stewards' file."""

    models: Mapping[str, str]
    folder: Path
    rows: dict[str, Row] = field(default_factory=dict)
    contacts: list[Row] = field(default_factory=list)
    decisions: list[tuple[Any, ...]] = field(default_factory=list)
    at: datetime = NOW

    @property
    def warehouse(self) -> Path:
        return self.folder / "warehouse.duckdb"

    def add(self, system: str, record_id: str, name: str, *, connection: str = "", **told: Any) -> str:
        """A record and its key."""
        row = {"record_id": record_id, "name": name, "country": "US", "is_active": True, "created_at": LONG_AGO, "updated_at": LONG_AGO, **told}
        key = f"{connection or system}:{record_id}"
        self.rows[key] = {"_system": system, "connection": connection or system, **row}
        return key

    def add_contact(self, of: str, contact_id: str, name: str, **told: Any) -> str:
        """A person at the record `of`, and its key."""
        connection, _, record_id = of.partition(":")
        self.contacts.append({"connection": connection, "contact_id": contact_id, "customer_record_id": record_id, "name": name, "is_active": True,
                              "created_at": LONG_AGO, "updated_at": LONG_AGO, **told})
        return f"{connection}:{contact_id}"

    def decide(self, action: str, key: str, golden_id: str, *, minutes: int = 0) -> None:
        connection, _, native_id = key.partition(":")
        self.decisions.append((action, connection, native_id, golden_id, "ann", NOW + timedelta(minutes=minutes), "told by phone"))

    def resolve(self, *, full: bool = False) -> dict[str, tuple[str, str]]:
        """Build as dbt does, upon what is there; returns the links: record -> golden id and method."""
        if full:
            self.warehouse.unlink(missing_ok=True)
        with duckdb.connect(str(self.warehouse)) as warehouse:
            self._lay_down(warehouse)
            for name in MODELS:
                if name == "crosswalk_cluster":
                    there = warehouse.sql("select 1 from information_schema.tables where table_name = 'customer_match'").fetchone()
                    state = match_increment(warehouse, warehouse.table("customer_match_input"), "customer_match" if there else None)
                    warehouse.register("state", state)
                    warehouse.execute("create or replace table customer_match as select * from state")
                    warehouse.unregister("state")
                warehouse.execute(f"create or replace table {name} as {self.models[name]}")
                if name == "crosswalk":
                    warehouse.execute(
                        "create or replace table customer as select customer_id, min(connection) as owner_connection, min(record_id) as owner_record_id,"
                        " 100 as balance, 'USD' as currency from crosswalk where role = 'erp' group by customer_id")
            return {row[0]: row[1:] for row in warehouse.sql("select record_key, customer_id, method from crosswalk").fetchall()}

    def publish(self) -> None:
        remember_crosswalk(self.folder, self.warehouse)

    def all(self, query: str) -> list[Any]:
        with duckdb.connect(str(self.warehouse), read_only=True) as warehouse:
            return warehouse.sql(query).fetchall()

    def explanation(self, key: str) -> Row:
        told: Row = json.loads(self.all(f"select explanation from crosswalk where record_key = '{key}'")[0][0])
        return told

    def _lay_down(self, warehouse: duckdb.DuckDBPyConnection) -> None:
        for system in SYSTEMS:
            _fill(warehouse, system, "customer_record", [row for row in self.rows.values() if row["_system"] == system])
        for system in _CONTACTS:
            _fill(warehouse, system, "contact", [row for row in self.contacts if row["connection"] == system])
        warehouse.execute(
            "create or replace table reconciled_customer (class varchar, customer_id varchar, left_connection varchar, left_id varchar,"
            " right_connection varchar, right_id varchar, field varchar, left_value varchar, right_value varchar, since timestamp, detail varchar)")
        warehouse.execute("create or replace table value_map (entity varchar, field varchar, system varchar, raw_value varchar, value varchar)")
        warehouse.execute(
            "create or replace table crosswalk_overrides (action varchar, connection varchar, native_id varchar, golden_id varchar,"
            " decided_by varchar, decided_at timestamp, reason varchar)")
        if self.decisions:
            warehouse.executemany("insert into crosswalk_overrides values (?, ?, ?, ?, ?, ?, ?)", self.decisions)
        warehouse.execute("create or replace table extraction_clock as select $1::timestamp as as_of", [self.at.replace(tzinfo=None)])
        seen = self.folder / FOLDER / "crosswalk_seen.parquet"
        warehouse.execute("create or replace table stg_crosswalk_seen as " + (
            f"select * replace (linked_at::timestamp as linked_at) from read_parquet('{seen}')" if seen.exists() else
            "select null::varchar as record_key, null::varchar as customer_id, null::timestamp as linked_at,"
            " null::varchar as accepted_customer_id, null::timestamp as accepted_at where false"))


def _fill(warehouse: duckdb.DuckDBPyConnection, system: str, entity: str, rows: list[Row]) -> None:
    columns = {"connection": "string", **load_conformed()[entity]}
    listed = ", ".join(f"{column} {_SQL.get(kind, 'varchar')}" for column, kind in columns.items())
    warehouse.execute(f"create or replace table {system}__{entity} ({listed})")
    if rows:
        warehouse.executemany(
            f"insert into {system}__{entity} values ({', '.join('?' * len(columns))})", [[row.get(column) for column in columns] for row in rows])


def world_records(records: Records, views: Mapping[str, Any]) -> dict[str, int]:
    """The customers of a sandbox's world as its default systems show them; returns the truth: record -> the world's customer."""
    from sandbox.world.model import native_id

    truth = {}
    for role, system in (("erp", "netsuite"), ("crm", "salesforce"), ("billing", "stripe"), ("support", "zendesk")):
        for row in views[role].customers:
            peers = {"erp": native_id("netsuite", "customer", row.erp_customer), "crm": native_id("salesforce", "customer", row.key)} \
                if row.erp_customer is not None else {}
            own = native_id(system, "customer", row.key)
            where = {"street": row.street, "city": row.city, "postcode": row.postcode, "country": row.country, "phone": row.phone}
            told: Row = {"tax_id": row.tax_id, "website": row.domain or None, "created_at": row.created_at.replace(tzinfo=None)}
            if role == "erp":
                told |= {**where, "email": row.email, "erp_link": own, "crm_link": peers.get("crm")}
            elif role == "crm":
                told |= {**where, "crm_link": own, "erp_link": peers.get("erp")}
            elif role == "billing":
                told |= {**where, "email": row.email, "erp_link": peers.get("erp")}
            else:  # a support desk keeps no address
                told |= {"country": None, "erp_link": peers.get("erp"), "crm_link": peers.get("crm")}
            truth[records.add(system, own, row.name, **told)] = row.key
    return truth


@dataclass(frozen=True)
class PairScore:
    """Pairs of records said to be one customer, against those that are. `missed` and `wrong`: examples."""

    found: int
    right: int
    true: int

    @property
    def precision(self) -> float:
        return self.right / self.found if self.found else 1.0

    @property
    def recall(self) -> float:
        return self.right / self.true if self.true else 1.0

    @property
    def f1(self) -> float:
        return 2 * self.precision * self.recall / (self.precision + self.recall)


def pair_score(links: Mapping[str, str], truth: Mapping[str, int]) -> PairScore:
    """`links`: record -> golden id; a record without one is alone."""
    from collections import Counter

    def pairs(groups: Counter[Any]) -> int:
        return sum(size * (size - 1) // 2 for size in groups.values())

    return PairScore(
        pairs(Counter(golden_id for key, golden_id in links.items() if key in truth)),
        pairs(Counter((golden_id, truth[key]) for key, golden_id in links.items() if key in truth)), pairs(Counter(truth.values())))
