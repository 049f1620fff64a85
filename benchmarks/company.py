"""A made company of any size as a landing: typed Parquet as ingestion writes it, by DuckDB, and the records that change in it afterwards.

Belongs here: what the company holds and what a load changes. Nothing is random: the same size and number of a load give the same rows.
Billing and the ERP hold the same invoices and payments, save three in a thousand; an ERP books an invoice with one line.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb

from transform.generate import landing_shapes

BEGIN = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
BETWEEN = timedelta(hours=3)
LINES, PER_CUSTOMER, CASES, EVENTS = 5, 20, 2, 3  # lines an invoice, invoices and cases a customer, events a case
OPEN_DAYS = 90  # of the invoices of so many days, one in two is open
SYSTEMS = {"netsuite": "erp", "salesforce": "crm", "stripe": "billing", "zendesk": "support"}
_TYPES = {
    "string": "varchar", "json": "varchar", "bigint": "bigint", "decimal": "decimal(38, 9)", "double": "double", "boolean": "boolean",
    "flag": "boolean", "timestamp": "timestamptz", "epoch": "timestamptz", "local_timestamp": "timestamptz", "date": "date", "local_date": "date",
    "strings": "varchar[]",
}
_AUDIT = {"resource": "'customers'", "method": "'count'", "is_complete": "true", "checked_at": "extracted"}


@dataclass(frozen=True)
class Company:
    """`invoices` in billing; everything else follows from it."""

    landing: Path
    invoices: int

    @property
    def customers(self) -> int:
        return max(self.invoices // PER_CUSTOMER, 1)

    @property
    def cases(self) -> int:
        return self.customers * CASES


def moment(number: int) -> datetime:
    """When load `number` was read; 0 is the first."""
    return BEGIN + number * BETWEEN


def land_all(company: Company) -> dict[str, int]:
    """The first load: everything there is. Rows by table."""
    with _session(company, 0) as session:
        session.execute("create view invoices as select * from made where i < $n".replace("$n", str(company.invoices)))
        told = {**_customers(f"from range({company.customers}) as each(c)"), **_documents("invoices", "invoices", "invoices where is_paid"),
                **_cases(f"from range({company.cases}) as each(k)"), **_settings()}
        return _land(session, company, 0, told)


def land_changes(company: Company, number: int, changes: int) -> dict[str, int]:
    """Load `number` (1, 2, ...): so many changed records, a tenth of them customers, the rest invoices, lines, payments and cases. Rows by table."""
    customers, new, paid = changes // 10, changes // 50, changes * 8 // 100
    cases = changes - customers - new * (2 + LINES + 2) - paid * 7
    first = company.invoices + (number - 1) * new
    with _session(company, number) as session:
        session.execute(f"create table fresh as select * from made where i >= {first} and i < {first + new}")
        session.execute(f"""
            create table settled as
            select * replace (true as is_paid, extracted - interval 1 hour as paid_at, extracted - interval 1 hour as changed_at)
            from made where i < {company.invoices} and not is_paid and i % 1000 <> 1
            order by i limit {paid} offset {(number - 1) * paid}""")
        if (session.execute("select count(*) from settled").fetchone() or (0,))[0] < paid:
            raise SystemExit(f"The company is too small for load {number} of {changes} changes: it has no more open invoices. Take more lines.")
        session.execute("create view touched as from fresh union all from settled")
        told = _documents("touched", "fresh", "settled")
        picked = f"from (select (each.j * 7919 + {number} * 104729) % {{size}} as {{name}} from range({{count}}) as each(j))"
        changed = _customers(picked.format(size=company.customers, name="c", count=customers // 2), changed=True)
        told |= {name: changed[name] for name in (("netsuite", "customers"), ("stripe", "customers"))}
        changed = _cases(picked.format(size=company.cases, name="k", count=cases), changed=True)
        told[("zendesk", "tickets")] = changed[("zendesk", "tickets")]
        return _land(session, company, number, told)


_Told = dict[tuple[str, str], tuple[str, Mapping[str, str]]]  # (system, resource) -> source and the columns that are not null


def _session(company: Company, number: int) -> duckdb.DuckDBPyConnection:
    """A session that knows every invoice that is or will be: view `made`, seen at the moment of the load."""
    session = duckdb.connect()
    session.execute("set threads = 2; set memory_limit = '4GB'; set TimeZone = 'UTC'; set preserve_insertion_order = false")
    stamp, begin = (f"timestamptz '{at.isoformat()}'" for at in (moment(number), BEGIN))
    session.execute(f"create macro extracted() as {stamp}")
    session.execute(f"""
        create view made as
        with dated as (
            select i, i // {PER_CUSTOMER} % {company.customers} as c, extracted, cast(1000 + hash(i) % 90000 as bigint) as line_minor,
                case when i < {company.invoices} then {begin} - interval 2 day - to_hours(cast(hash(i * 7) % 24000 as integer))
                    else extracted - interval 2 hour end as finalized
            from range({company.invoices * 2 + 1_000_000}) as every(i) cross join (select {stamp} as extracted)
        ),
        paid as (
            select *, i < {company.invoices} and (finalized < {begin} - interval {OPEN_DAYS} day or hash(i * 3) % 2 = 0) as is_paid,
                least(finalized + to_days(cast(hash(i * 11) % 25 as integer)), {begin} - interval 1 day) as paid_at
            from dated
        )
        select *, case when is_paid then paid_at else finalized end as changed_at, line_minor * {LINES + 1} as total_minor from paid""")
    return session


def _customers(source: str, *, changed: bool = False) -> _Told:
    """Accounts of a customer in all four systems, its subscription and its contract."""
    long_ago, recent = "extracted() - interval 200 day", "extracted() - interval 1 hour" if changed else "extracted() - interval 1 day"
    name, domain, tax, zipped = "'Firm Number' || c || ' Inc'", "'firm' || c || '.example'", "'US' || lpad(c::varchar, 9, '0')", "lpad((c % 90000 + 10000)::varchar, 5, '0')"
    account, phone = "'001' || lpad(c::varchar, 15, '0')", "'+1 555 ' || (hash(c, extracted()) % 1000000)" if changed else "'+1 555 ' || c"
    start, end = "(extracted() - interval 100 day)::date", "(extracted() + interval 200 day)::date"
    shared = {"credit_status": "'OK'", "erp_balance": "120.5", "overdue_amount": "0", "overdue_days": "0", "entitlement_tier": "'Premium'",
              "entitlement_start_date": start, "entitlement_end_date": end}
    return {
        ("netsuite", "addresses"): (source, {
            "nkey": "10000000 + c", "addr1": "c || ' Main'", "city": "'Town'", "zip": zipped, "country": "'US'", "lastmodifieddate": long_ago}),
        ("netsuite", "customers"): (source, {
            "id": "1000 + c", "entityid": "'C' || c", "externalid": account, "companyname": name, "email": f"'ap@' || {domain}", "phone": phone,
            "vatregnumber": tax, "url": f"'https://www.' || {domain} || '/'", "currency": "1", "creditlimit": "5000", "creditholdoverride": "'AUTO'",
            "oncredithold": "false", "balancesearch": "120.5", "overduebalancesearch": "0", "terms": "2", "searchstage": "'Customer'",
            "isinactive": "false", "defaultbillingaddress": "10000000 + c", "datecreated": long_ago, "lastmodifieddate": recent}),
        ("salesforce", "accounts"): (source, {
            "id": account, "is_deleted": "false", "created_at": long_ago, "last_modified_at": recent, "last_modified_by_id": "'005INTEGRATION'",
            "system_modstamp": recent, "name": name, "type": "'Customer - Direct'", "website": f"'http://' || {domain}", "billing_postal_code": zipped,
            "billing_country": "'US'", "currency_iso_code": "'USD'", "tax_id": tax, "erp_customer_id": "(1000 + c)::varchar", "credit_limit": "5000",
            **shared}),
        ("salesforce", "contracts"): (source, {
            "id": "'800' || lpad(c::varchar, 15, '0')", "is_deleted": "false", "created_at": long_ago, "last_modified_at": recent,
            "last_modified_by_id": "'005PERSON'", "system_modstamp": recent, "account_id": account, "contract_number": "lpad(c::varchar, 8, '0')",
            "status": "'Activated'", "start_date": start, "contract_term": "12", "tier": "'Premium'", "billing_subscription_id": "'sub_' || c"}),
        ("stripe", "customers"): (source, {
            "id": "'cus_' || c", "name": name, "email": f"'pay@' || {domain}", "phone": phone, "currency": "'usd'", "address_postal_code": zipped,
            "address_country": "'US'", "erp_customer_id": "(1000 + c)::varchar", "tax_id": tax, "domain": domain, "livemode": "false",
            "created": long_ago, "_changed_at": recent}),
        ("stripe", "subscriptions"): (source, {
            "id": "'sub_' || c", "customer": "'cus_' || c", "status": "'active'", "currency": "'usd'", "start_date": "extracted() - interval 100 day",
            "current_period_start": "extracted() - interval 10 day", "current_period_end": "extracted() + interval 200 day",
            "contract_id": "'800' || lpad(c::varchar, 15, '0')", "created": "extracted() - interval 100 day", "_changed_at": recent}),
        ("stripe", "subscription_items"): (source, {
            "id": "'si_' || c", "subscription": "'sub_' || c", "product": "'prod_premium'", "unit_amount": "20000", "currency": "'usd'", "quantity": "1",
            "created": "extracted() - interval 100 day"}),
        ("zendesk", "organizations"): (source, {
            "id": "31000 + c", "external_id": account, "name": name, "domain_names": f"[{domain}]", "tags": "[]::varchar[]",
            "erp_id": "(1000 + c)::varchar", "tax_id": tax, "created_at": long_ago, "updated_at": recent,
            **shared, "credit_status": "'ok'", "entitlement_tier": "'premium'"}),
    }


def _documents(invoices: str, with_lines: str, paid: str) -> _Told:
    """Invoices of billing and their bookings, the lines of those that are new, the payments of those that were paid."""
    booked = f"from {invoices} {'where' if ' where ' not in invoices else 'and'} i % 1000 <> 1"
    paid_and_booked = f"from {paid} {'where' if ' where ' not in paid else 'and'} i % 1000 <> 1"
    lines = f"from {with_lines} cross join range({LINES}) as line(n)"
    entry = f"from {with_lines} cross join range(2) as line(n) where i % 1000 <> 1"
    total = "(total_minor / 100 + case when i % 1000 = 2 then 500 else 0 end)"
    head = {"entity": "1000 + c", "currency": "1", "exchangerate": "1", "voided": "false"}
    return {
        ("stripe", "invoices"): (f"from {invoices}", {
            "id": "'in_' || i", "number": "'F-' || i", "status": "case when is_paid then 'paid' else 'open' end", "customer": "'cus_' || c",
            "currency": "'usd'", "subscription": "'sub_' || c", "subtotal": f"line_minor * {LINES}", "total": "total_minor", "tax": "line_minor",
            "amount_due": "total_minor", "amount_paid": "case when is_paid then total_minor else 0 end",
            "amount_remaining": "case when is_paid then 0 else total_minor end", "finalized_at": "finalized",
            "paid_at": "case when is_paid then paid_at end", "due_date": "finalized + interval 100 day", "created": "finalized", "_changed_at": "changed_at"}),
        ("stripe", "invoice_lines"): (lines, {
            "id": "'il_' || i || '_' || n", "invoice": "'in_' || i", "amount": "line_minor", "currency": "'usd'", "quantity": "1",
            "product": "'prod_premium'", "description": "'Premium, seat ' || n"}),
        ("stripe", "charges"): (f"from {paid}", {
            "id": "'ch_' || i", "customer": "'cus_' || c", "amount": "total_minor", "amount_captured": "total_minor", "currency": "'usd'",
            "status": "'succeeded'", "paid": "true", "invoice": "'in_' || i", "created": "paid_at", "_changed_at": "paid_at"}),
        ("stripe", "invoice_payments"): (f"from {paid}", {
            "id": "'inpay_' || i", "invoice": "'in_' || i", "amount_paid": "total_minor", "currency": "'usd'", "status": "'paid'", "charge": "'ch_' || i",
            "paid_at": "paid_at", "created": "paid_at", "_changed_at": "paid_at"}),
        ("netsuite", "transactions"): (
            f"from (select *, false as is_payment {booked} union all select *, true {paid_and_booked})", {
                "id": "case when is_payment then 500000000 else 100000000 end + i",
                "tranid": "case when is_payment then 'PYMT' else 'INV' end || i", "type": "case when is_payment then 'CustPymt' else 'CustInvc' end",
                "status": "case when is_payment then 'C' when is_paid then 'B' else 'A' end",
                "trandate": "case when is_payment then paid_at else finalized end::date",
                "duedate": "case when not is_payment then (finalized + interval 100 day)::date end",
                "foreigntotal": f"case when is_payment then total_minor / 100 else {total} end", "taxtotal": "case when is_payment then 0 else line_minor / 100 end",
                "foreignamountpaid": f"case when is_payment then null when is_paid then {total} else 0 end",
                "foreignamountunpaid": f"case when is_payment then null when is_paid then 0 else {total} end",
                "otherrefnum": "case when not is_payment and i % 1000 <> 3 then 'F-' || i end",
                "externalid": "case when is_payment then 'ch_' || i when i % 1000 <> 3 then 'in_' || i end",
                "createddate": "case when is_payment then paid_at else finalized + interval 5 minute end",
                "lastmodifieddate": "case when is_payment then paid_at else changed_at + interval 5 minute end", **head}),
        ("netsuite", "transaction_lines"): (
            f"from (select i, n, line_minor, total_minor, finalized as written_at, false as is_payment {entry}"
            f" union all select i, 0, line_minor, total_minor, paid_at, true {paid_and_booked})", {
                "uniquekey": "case when is_payment then 5000000000 else 1000000000 end + i * 10 + n",
                "transaction": "case when is_payment then 500000000 else 100000000 end + i", "linesequencenumber": "n", "mainline": "n = 0",
                "taxline": "false", "item": "case when n > 0 then 501 end", "quantity": f"case when n > 0 then -{LINES} end",
                "foreignamount": f"case when n > 0 then -line_minor * {LINES} else total_minor end / 100", "linelastmodifieddate": "written_at"}),
        ("netsuite", "transaction_links"): (paid_and_booked, {
            "previousdoc": "100000000 + i", "nextdoc": "500000000 + i", "linktype": "'Payment'", "foreignamount": "total_minor / 100",
            "lastmodifieddate": "paid_at"}),
    }


def _cases(source: str, *, changed: bool = False) -> _Told:
    created = f"timestamptz '{BEGIN.isoformat()}' - interval 2 day - to_hours(cast(hash(k) % 24000 as integer))"
    touched = "extracted() - interval 1 hour" if changed else f"least({created} + to_hours(cast(hash(k * 5) % 72 as integer)), extracted() - interval 1 day)"
    status = "case when hash(k, extracted()) % 2 = 0 then 'open' else 'pending' end" if changed else "case when k % 20 = 0 then 'open' else 'closed' end"
    # a step of a case: opened, taken up, solved
    event = f"{created} + to_hours(cast(s * 24 as integer))"
    return {
        ("zendesk", "tickets"): (source, {
            "id": "5000 + k", "subject": "'Help ' || k", "type": "'question'", "priority": "'normal'", "status": status,
            "organization_id": f"31000 + k // {CASES}", "tags": "['vip']", "created_at": created, "updated_at": touched, "generated_timestamp": touched}),
        ("zendesk", "ticket_events"): (f"{source} cross join range({EVENTS}) as step(s)", {
            "id": f"k * {EVENTS} + s", "ticket_id": "5000 + k", "updater_id": "1", "event_type": "'Change'", "field_name": "'status'",
            "previous_value": "case s when 0 then null when 1 then 'new' else 'open' end", "value": "case s when 0 then 'new' when 1 then 'open' else 'closed' end",
            "created_at": event}),
    }


def _settings() -> _Told:
    """Currencies, products and users."""
    long_ago, recent = "extracted() - interval 200 day", "extracted() - interval 1 day"
    return {
        ("netsuite", "currencies"): ("from (values (1, 'USD', 2), (2, 'EUR', 2)) as unit(n, code, digits)", {
            "id": "n", "name": "code", "symbol": "code", "currencyprecision": "digits", "isbasecurrency": "n = 1", "exchangerate": "1",
            "lastmodifieddate": long_ago}),
        ("netsuite", "items"): ("from range(1)", {
            "id": "501", "itemid": "'SUP-premium'", "displayname": "'Premium'", "itemtype": "'Service'", "isinactive": "false", "createddate": long_ago,
            "lastmodifieddate": long_ago}),
        ("salesforce", "users"): ("from (values ('005INTEGRATION', 'integration@concord.example'), ('005PERSON', 'pat@company.example')) as user_(key, login)", {
            "id": "key", "username": "login", "name": "login", "is_active": "true", "created_at": long_ago, "system_modstamp": recent}),
        ("stripe", "products"): ("from range(1)", {
            "id": "'prod_premium'", "name": "'Premium'", "active": "true", "sku": "'SUP-premium'", "tier": "'premium'", "created": long_ago,
            "updated": long_ago, "_changed_at": long_ago}),
    }


def _land(session: duckdb.DuckDBPyConnection, company: Company, number: int, told: _Told) -> dict[str, int]:
    """Write the tables as one completed load of each system, with its audit."""
    at = moment(number)
    load_id = f"{int(at.timestamp())}.{number + 1}"
    counts = {}
    for (system, resource), (source, columns) in told.items():
        shape = landing_shapes()[system][resource]["columns"]
        unknown = set(columns) - set(shape)
        if unknown:
            raise KeyError(f"{system}.{resource} has no {unknown}")
        counts[f"{system}.{resource}"] = _write(session, company, system, resource, load_id, source, {
            name: f"cast({columns.get(name, 'null')} as {_TYPES[kind]})" for name, kind in shape.items()})
    for system in SYSTEMS:
        kinds = {"resource": "varchar", "expected": "bigint", "actual": "bigint", "method": "varchar", "window_start": "timestamptz",
                 "window_end": "timestamptz", "is_complete": "boolean", "detail": "varchar", "checked_at": "timestamptz"}
        _write(session, company, system, "_audit", load_id, "from (select extracted() as extracted)", {
            name: f"cast({_AUDIT.get(name, 'null')} as {kind})" for name, kind in kinds.items()})
        loads = company.landing / system / "_dlt_loads"
        loads.mkdir(parents=True, exist_ok=True)
        record = {"load_id": load_id, "schema_name": system, "status": 0, "inserted_at": at.isoformat(), "schema_version_hash": "x"}
        (loads / f"{system}__{load_id}.jsonl").write_text(json.dumps(record))
    return counts


def _write(
    session: duckdb.DuckDBPyConnection, company: Company, system: str, resource: str, load_id: str, source: str, columns: Mapping[str, str],
) -> int:
    folder = company.landing / system / resource
    folder.mkdir(parents=True, exist_ok=True)
    listed = ", ".join(f'{value} as "{name}"' for name, value in columns.items())
    row = session.execute(f"""
        copy (select {listed}, '{system}' as _connection, extracted() as _extracted_at, '{load_id}' as _load_id, false as _deleted,
            cast(null as varchar) as _extra {source}) to '{folder}/{load_id}.{resource}.parquet' (format parquet)""").fetchone()
    return int(row[0]) if row else 0
