"""A landing folder written by hand: typed Parquet as ingestion writes it, from small worlds whose contradictions the tests choose.

Belongs here: rows of healthy customers in the four systems, and how they are laid down as loads. What a test changes is in the test.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from concord.connections import Connection
from concord.settings import Settings
from tests.dbt_cache import dbt_cache
from transform.generate import landing_shapes

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=200)
RECENT = NOW - timedelta(days=1)
INTEGRATION_USER = "005INTEGRATION"
PERSON = "005PERSON"
SYSTEMS = {"netsuite": "erp", "salesforce": "crm", "stripe": "billing", "zendesk": "support"}
_STAMP = pa.timestamp("us", tz="UTC")
_ARROW: dict[str, pa.DataType] = {
    "string": pa.string(), "json": pa.string(), "bigint": pa.int64(), "decimal": pa.decimal128(38, 9), "double": pa.float64(),
    "boolean": pa.bool_(), "flag": pa.bool_(), "timestamp": _STAMP, "epoch": _STAMP, "local_timestamp": _STAMP, "date": pa.date32(),
    "local_date": pa.date32(), "strings": pa.list_(pa.string()), "open_date": pa.date32(), "open_timestamp": _STAMP, "odata_date": pa.date32(),
    "odata_timestamp": _STAMP, "text_decimal": pa.decimal128(38, 9),
}
_PLATFORM = {
    "_audit": {"resource": "string", "expected": "bigint", "actual": "bigint", "method": "string", "window_start": "timestamp",
               "window_end": "timestamp", "is_complete": "boolean", "detail": "string", "checked_at": "timestamp"},
    "_quarantine": {"resource": "string", "key": "string", "reason": "string", "column": "string", "raw": "string"},
    "_schema_drift": {"resource": "string", "column_name": "string", "change": "string", "detail": "string", "observed_at": "timestamp"},
}
Row = dict[str, Any]


@dataclass
class World:
    """system -> resource -> rows; tests add to it and change its rows in place."""

    rows: dict[str, dict[str, list[Row]]] = field(default_factory=lambda: {system: {} for system in SYSTEMS})

    def add(self, system: str, resource: str, **row: Any) -> Row:
        self.rows[system].setdefault(resource, []).append(row)
        return row

    def one(self, system: str, resource: str, id: Any) -> Row:
        return next(row for row in self.rows[system][resource] if row["id"] == id)

    def drop(self, system: str, resource: str, id: Any) -> None:
        self.rows[system][resource].remove(self.one(system, resource, id))


@dataclass(frozen=True)
class Ids:
    """The native ids of customer `key` and its documents."""

    key: int

    @property
    def erp(self) -> int:
        return 1000 + self.key

    @property
    def account(self) -> str:
        return f"001{self.key:015d}"

    @property
    def billing(self) -> str:
        return f"cus_{self.key}"

    @property
    def organization(self) -> int:
        return 31_000 + self.key

    @property
    def subscription(self) -> str:
        return f"sub_{self.key}"

    @property
    def contract(self) -> str:
        return f"800{self.key:015d}"

    @property
    def invoice(self) -> str:
        return f"in_{self.key}"

    @property
    def ledger_invoice(self) -> int:
        return 20_000 + self.key

    @property
    def ticket(self) -> int:
        return 5_000 + self.key


def setting() -> World:
    """A world with reference data and no customers."""
    world = World()
    for number, (code, units) in enumerate((("USD", 2), ("EUR", 2), ("GBP", 2), ("JPY", 0), ("KWD", 3)), start=1):
        world.add("netsuite", "currencies", id=number, name=code, symbol=code, currencyprecision=units, isbasecurrency=number == 1,
                  exchangerate=Decimal(1), lastmodifieddate=LONG_AGO)
    world.add("salesforce", "users", id=INTEGRATION_USER, username="integration@concord.example", name="Concord", is_active=True,
              created_at=LONG_AGO, system_modstamp=LONG_AGO)
    world.add("salesforce", "users", id=PERSON, username="pat@company.example.concord", name="Pat", is_active=True, created_at=LONG_AGO,
              system_modstamp=RECENT)
    for tier in ("basic", "standard", "premium"):
        world.add("stripe", "products", id=f"prod_{tier}", name=tier.title(), active=True, sku=f"SUP-{tier}", tier=tier, created=LONG_AGO,
                  updated=LONG_AGO, _changed_at=LONG_AGO)
    world.add("netsuite", "items", id=501, itemid="SUP-premium", displayname="Premium", itemtype="Service", isinactive=False,
              createddate=LONG_AGO, lastmodifieddate=LONG_AGO)
    return world


def healthy(world: World, key: int, *, tier: str = "premium", currency: str = "USD") -> Ids:
    """One customer on whom all four systems agree: account, contract, subscription, paid invoice, organization, open ticket."""
    ids = Ids(key)
    name, domain, tax = f"Firm Number{key} Inc", f"firm{key}.example", f"US{key:07d}"
    number = {"USD": 1, "EUR": 2, "GBP": 3, "JPY": 4, "KWD": 5}[currency]
    start, end = NOW - timedelta(days=100), NOW + timedelta(days=20)
    world.add("netsuite", "addresses", nkey=7000 + key, addr1="1 Main", city="Town", zip=f"9{key:04d}", country="US", lastmodifieddate=LONG_AGO)
    world.add(
        "netsuite", "customers", id=ids.erp, entityid=f"C{key}", externalid=ids.account, companyname=name, email=f"ap@{domain}", vatregnumber=tax,
        url=f"https://www.{domain}/", currency=number, creditlimit=Decimal("5000"), creditholdoverride="AUTO", oncredithold=False,
        balancesearch=Decimal("120.50"), overduebalancesearch=Decimal("0"), terms=2, searchstage="Customer", isinactive=False,
        defaultbillingaddress=7000 + key, datecreated=LONG_AGO, lastmodifieddate=RECENT - timedelta(hours=2))
    world.add(
        "salesforce", "accounts", id=ids.account, is_deleted=False, created_at=LONG_AGO, last_modified_at=RECENT, last_modified_by_id=INTEGRATION_USER,
        system_modstamp=RECENT, name=name, type="Customer - Direct", website=f"http://{domain}", billing_postal_code=f"9{key:04d}",
        billing_country="US", currency_iso_code=currency, tax_id=tax, erp_customer_id=str(ids.erp), credit_status="OK",
        credit_limit=Decimal("5000"), erp_balance=Decimal("120.5"), overdue_amount=Decimal(0), overdue_days=0, entitlement_tier=tier.title(),
        entitlement_start_date=start.date(), entitlement_end_date=end.date())
    world.add(
        "salesforce", "opportunities", id=f"006{key:015d}", is_deleted=False, created_at=RECENT, last_modified_at=RECENT, system_modstamp=RECENT,
        account_id=ids.account, name="Deal", stage_name="Closed Won", amount=Decimal("100"), currency_iso_code=currency, is_won=True, is_closed=True)
    world.add(
        "salesforce", "contracts", id=ids.contract, is_deleted=False, created_at=LONG_AGO, last_modified_at=RECENT, last_modified_by_id=PERSON,
        system_modstamp=RECENT, account_id=ids.account, contract_number=f"{key:08d}", status="Activated", start_date=start.date(),
        contract_term=12, tier=tier.title(), billing_subscription_id=ids.subscription)
    world.add(
        "stripe", "customers", id=ids.billing, name=name, email=f"pay@{domain}", currency=currency.lower(), address_postal_code=f"9{key:04d}",
        address_country="US", erp_customer_id=str(ids.erp), tax_id=tax, domain=domain, livemode=False, created=LONG_AGO, _changed_at=LONG_AGO)
    world.add(
        "stripe", "subscriptions", id=ids.subscription, customer=ids.billing, status="active", currency=currency.lower(), start_date=start,
        current_period_start=NOW - timedelta(days=10), current_period_end=end, contract_id=ids.contract, created=start, _changed_at=RECENT)
    world.add(
        "stripe", "subscription_items", id=f"si_{key}", subscription=ids.subscription, product=f"prod_{tier}", unit_amount=20000,
        currency=currency.lower(), quantity=1, created=start)
    invoice(world, ids, currency=currency)
    world.add(
        "zendesk", "organizations", id=ids.organization, external_id=ids.account, name=name, domain_names=[domain], tags=[], erp_id=str(ids.erp),
        tax_id=tax, credit_status="ok", erp_balance=Decimal("120.5"), overdue_amount=Decimal(0), overdue_days=0, entitlement_tier=tier,
        entitlement_start_date=start.date(), entitlement_end_date=end.date(), created_at=LONG_AGO, updated_at=RECENT)
    world.add(
        "zendesk", "tickets", id=ids.ticket, subject="Help", type="question", priority="normal", status="open", organization_id=ids.organization,
        tags=["vip"], created_at=NOW - timedelta(days=2), updated_at=RECENT, generated_timestamp=RECENT)
    return ids


def invoice(
    world: World, ids: Ids, *, suffix: str = "", total: int = 12000, tax: int = 2000, lines: int = 2, currency: str = "USD", status: str = "paid",
    finalized: datetime = RECENT - timedelta(days=3), in_ledger: bool = True,
) -> tuple[str, int]:
    """An invoice in billing and its booking in the ledger. Returns both ids."""
    billing_id, ledger_id = ids.invoice + suffix, ids.ledger_invoice + (hash_number(suffix) if suffix else 0)
    units = {"JPY": 0, "KWD": 3}.get(currency, 2)
    scale = Decimal(1).scaleb(-units)
    paid = total if status == "paid" else 0
    world.add(
        "stripe", "invoices", id=billing_id, number=f"F-{ids.key}{suffix}", status=status, customer=ids.billing, currency=currency.lower(),
        subscription=ids.subscription, subtotal=total - tax, total=total, tax=tax, amount_due=total, amount_paid=paid, amount_remaining=total - paid,
        finalized_at=finalized, paid_at=finalized if status == "paid" else None, due_date=NOW + timedelta(days=10), created=finalized,
        _changed_at=finalized)
    for number in range(lines):
        world.add("stripe", "invoice_lines", id=f"il_{billing_id}_{number}", invoice=billing_id, amount=(total - tax) // lines, currency=currency.lower(),
                  quantity=1, product="prod_premium")
    if in_ledger:
        world.add(
            "netsuite", "transactions", id=ledger_id, tranid=f"INV{ledger_id}", type="CustInvc", status="B" if status == "paid" else "A",
            trandate=finalized.date(), duedate=(NOW + timedelta(days=10)).date(), entity=ids.erp,
            currency={"USD": 1, "EUR": 2, "GBP": 3, "JPY": 4, "KWD": 5}[currency], exchangerate=Decimal(1), foreigntotal=total * scale,
            taxtotal=tax * scale, foreignamountpaid=paid * scale, foreignamountunpaid=(total - paid) * scale, otherrefnum=f"F-{ids.key}{suffix}",
            externalid=billing_id, voided=False, createddate=finalized + timedelta(minutes=5), lastmodifieddate=finalized + timedelta(minutes=5))
        for number in range(lines + 1):
            world.add("netsuite", "transaction_lines", uniquekey=ledger_id * 100 + number, transaction=ledger_id, linesequencenumber=number,
                      mainline=number == 0, taxline=False, item=501, quantity=Decimal(-1), foreignamount=-(total - tax) * scale / lines,
                      linelastmodifieddate=finalized)
    return billing_id, ledger_id


def hash_number(suffix: str) -> int:
    return 1000 * sum(ord(letter) * (place + 1) for place, letter in enumerate(suffix))


def connections(extra: Iterable[Connection] = ()) -> dict[str, Connection]:
    told = {system: Connection(name=system, system=system, role=role, sandbox=True) for system, role in SYSTEMS.items()}  # type: ignore[arg-type]
    return told | {each.name: each for each in extra}


def settings_at(home: Path) -> Settings:
    return Settings(home=home, connections_file=home / "connections.yml", operations_url="sqlite://", data=None, own_dbt_cache=dbt_cache())


def land(
    settings: Settings, world: World, load_id: str = "1773144000.1", *, at: datetime = NOW, complete: bool = True,
    platform: Mapping[str, Mapping[str, list[Row]]] | None = None, names: Mapping[str, str] | None = None,
) -> None:
    """Write one load of every system. `platform`: system -> _audit, _quarantine, _schema_drift rows; `names`: connection names by system."""
    for system in world.rows:
        name = (names or {}).get(system, system)
        for resource, shape in landing_shapes()[system].items():
            _write(settings, name, resource, shape["columns"], world.rows[system].get(resource, []), load_id, at)
        told = (platform or {}).get(system, {})
        for resource, columns in _PLATFORM.items():
            default = [{"resource": "customers", "method": "count", "is_complete": True, "checked_at": at}] if resource == "_audit" else []
            _write(settings, name, resource, columns, told.get(resource, default), load_id, at)
        loads = settings.landing / name / "_dlt_loads"
        loads.mkdir(parents=True, exist_ok=True)
        if complete:
            record = {"load_id": load_id, "schema_name": name, "status": 0, "inserted_at": at.isoformat(), "schema_version_hash": "x"}
            (loads / f"{name}__{load_id}.jsonl").write_text(json.dumps(record))


def _write(settings: Settings, name: str, resource: str, columns: Mapping[str, str], rows: list[Row], load_id: str, at: datetime) -> None:
    kinds = {**columns, "_connection": "string", "_extracted_at": "timestamp", "_load_id": "string", "_deleted": "boolean", "_extra": "string"}
    told = [{"_connection": name, "_extracted_at": at, "_load_id": load_id, "_deleted": False, **row} for row in rows]
    for row in told:
        unknown = set(row) - set(kinds)
        assert not unknown, f"{name}.{resource} has no {unknown}"
    table = pa.table({column: pa.array([_fit(row.get(column), kind) for row in told], _ARROW[kind]) for column, kind in kinds.items()})
    folder = settings.landing / name / resource
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, folder / f"{load_id}.parquet")


def _fit(value: Any, kind: str) -> Any:
    if kind in ("decimal", "text_decimal") and value is not None:
        return Decimal(value).quantize(Decimal("0.000000001"))
    if kind in ("date", "local_date") and isinstance(value, datetime):
        return value.date()
    assert not (kind == "date" and value is not None and not isinstance(value, date))
    return value
