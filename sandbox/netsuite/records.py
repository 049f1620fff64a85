"""NetSuite's records: how a world row becomes one, what its child rows are, and the names and types that the record service uses.

A stored record has the column names of SuiteQL at top level, UTC times as text, and private parts under names that start with "_":
`_hidden`, `_lines`, `_links`, `_address`. No HTTP and no decisions about requests here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sandbox.netsuite.suiteql import STATUS_NAMES, TYPE_NAMES
from sandbox.world.model import CreditNote, Customer, Invoice, Line, Order, Payment, Peer, Product, Refund, Row, native_id

Record = dict[str, Any]

CHILDREN = {"customer": ("entityaddress",), "transaction": ("transactionline", "nexttransactionlinelink")}
ADDRESS_OFFSET = 5_000_000  # an address's key is its customer's id beyond this
LINES_PER_TRANSACTION = 10_000  # room in a line's unique key

_CURRENCIES = {
    "USD": ("1", "US Dollar", 2, 1.0), "EUR": ("2", "Euro", 2, 1.09), "GBP": ("3", "British Pound", 2, 1.27),
    "JPY": ("4", "Japanese Yen", 0, 0.0067), "KWD": ("5", "Kuwaiti Dinar", 3, 3.25),
}
_TERMS = {15: ("1", "Net 15"), 30: ("2", "Net 30"), 60: ("3", "Net 60"), 0: ("4", "Due on receipt"), 90: ("5", "Net 90"), 45: ("6", "Net 45")}
_ORDER_STATUS = {
    "pending_approval": "A", "pending_fulfillment": "B", "cancelled": "C", "partially_fulfilled": "D", "pending_billing": "F",
    "billed": "G", "closed": "H",
}
_INVOICE_STATUS = {"draft": "D", "open": "A", "paid": "B", "void": "V", "uncollectible": "A"}
_PAYMENT_STATUS = {"pending": "A", "succeeded": "C", "failed": "V"}


@dataclass(frozen=True)
class Field:
    """One field of a record as the record service shows it. `kind`: s, n, i, b, d, dt, enum, or ref:<record type>."""

    column: str
    kind: str
    writable: bool = True


@dataclass(frozen=True)
class RecordType:
    collection: str
    fields: Mapping[str, Field]
    required: tuple[str, ...] = ()
    type: str = ""  # a transaction's code, an item's type
    writable: bool = True


def _fields(text: str) -> dict[str, Field]:
    """`name:kind[=column][!]` words; the column is the lower-case name unless given, "!" marks a read-only field."""
    fields = {}
    for word in text.split():
        name, _, rest = word.partition(":")
        kind, _, column = rest.rstrip("!").partition("=")
        fields[name] = Field(column or name.lower(), kind, not rest.endswith("!"))
    return fields


_STAMPS = "createdDate:dt! lastModifiedDate:dt!"
_MONEY_HEAD = (
    "id:s! tranId:s tranDate:d entity:ref:customer subsidiary:ref:subsidiary currency:ref:currency exchangeRate:n memo:s otherRefNum:s "
    "externalId:s subtotal:n! taxTotal:n! total:n=foreigntotal! status:enum! createdFrom:ref:transaction! " + _STAMPS
)
_APPLIED = "applied:n=foreignamountpaid! amountPaid:n=foreignamountpaid! amountRemaining:n=foreignamountunpaid! "
_ITEM = "id:s! itemId:s externalId:s displayName:s salesDescription:s=description basePrice:n isInactive:b " + _STAMPS
_CUSTOMER = (
    "id:s! entityId:s externalId:s companyName:s isPerson:b firstName:s lastName:s altName:s! email:s phone:s url:s "
    "parent:ref:customer subsidiary:ref:subsidiary currency:ref:currency terms:ref:term creditLimit:n creditHoldOverride:enum "
    "balance:n=balancesearch! overdueBalance:n=overduebalancesearch! consolBalance:n=consolbalancesearch! "
    "consolOverdueBalance:n=consoloverduebalancesearch! daysOverdue:i! isInactive:b vatRegNumber:s=vatregnumber "
    "dateCreated:dt! lastModifiedDate:dt!"
)
_CONTACT = (
    "id:s! entityId:s externalId:s firstName:s lastName:s title:s email:s phone:s company:ref:customer subsidiary:ref:subsidiary "
    "isInactive:b isPrivate:b comments:s dateCreated:dt! lastModifiedDate:dt!"
)
RECORD_TYPES: dict[str, RecordType] = {
    "customer": RecordType("customer", _fields(_CUSTOMER), ("subsidiary",)),
    "contact": RecordType("contact", _fields(_CONTACT), ("lastName",)),
    "nonInventorySaleItem": RecordType("item", _fields(_ITEM), ("itemId",), "NonInvtPart"),
    "serviceSaleItem": RecordType("item", _fields(_ITEM), ("itemId",), "Service"),
    "subsidiary": RecordType(
        "subsidiary",
        _fields("id:s! name:s fullName:s! legalName:s country:enum currency:ref:currency isElimination:b isInactive:b lastModifiedDate:dt!"),
        writable=False,
    ),
    "currency": RecordType(
        "currency", _fields("id:s! name:s symbol:s exchangeRate:n isBaseCurrency:b! currencyPrecision:i isInactive:b lastModifiedDate:dt!"),
        writable=False,
    ),
    "term": RecordType("term", _fields("id:s! name:s daysUntilNetDue:i isInactive:b"), writable=False),
    "salesOrder": RecordType(
        "transaction", _fields(_MONEY_HEAD + " orderStatus:enum=status terms:ref:term"), ("entity", "item"), "SalesOrd"
    ),
    "invoice": RecordType("transaction", _fields(_MONEY_HEAD + " dueDate:d terms:ref:term " + _APPLIED), ("entity", "item"), "CustInvc"),
    "creditMemo": RecordType("transaction", _fields(_MONEY_HEAD + " " + _APPLIED), ("entity", "item"), "CustCred"),
    "customerPayment": RecordType(
        "transaction",
        _fields(
            "id:s! tranId:s tranDate:d customer:ref:customer=entity subsidiary:ref:subsidiary currency:ref:currency exchangeRate:n memo:s "
            "externalId:s payment:n=foreigntotal total:n=foreigntotal! applied:n=foreignamountpaid! unapplied:n=foreignamountunpaid! "
            "status:enum! " + _STAMPS
        ),
        ("customer", "payment"), "CustPymt",
    ),
    "customerRefund": RecordType(
        "transaction",
        _fields(
            "id:s! tranId:s tranDate:d customer:ref:customer=entity subsidiary:ref:subsidiary currency:ref:currency exchangeRate:n memo:s "
            "externalId:s total:n=foreigntotal! status:enum! " + _STAMPS
        ),
        ("customer", "apply"), "CustRfnd",
    ),
}
RECORD_OF_TYPE = {kind.type: name for name, kind in RECORD_TYPES.items() if kind.type}


def utc_text(value: datetime) -> str:
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _number(value: Decimal) -> float:
    return float(value)


def _stamped(row: Row, record: Record, created: str = "createddate") -> Record:
    record[created] = utc_text(row.created_at)
    record["lastmodifieddate"] = utc_text(row.updated_at)
    record["lastmodifiedby"] = row.actor
    if row.hidden:
        record["_hidden"] = True
    record.update(row.extra)
    return record


def currency_record(id: str, symbol: str, at: datetime) -> Record:
    known = _CURRENCIES.get(symbol)
    name, precision, rate = known[1:] if known else (symbol, 2, 1.0)
    return {
        "id": id, "name": name, "symbol": symbol, "currencyprecision": precision, "isbasecurrency": symbol == "USD",
        "exchangerate": rate, "isinactive": False, "lastmodifieddate": utc_text(at),
    }


def fixed_records(at: datetime) -> Iterable[tuple[str, Record]]:
    """What an account has before any customer: its company, the known currencies, the payment terms."""
    yield "subsidiary", {
        "id": "1", "name": "Parent Company", "fullname": "Parent Company", "legalname": "Parent Company, Inc.", "country": "US",
        "currency": "1", "iselimination": False, "isinactive": False, "lastmodifieddate": utc_text(at),
    }
    for symbol, (id, *_) in _CURRENCIES.items():
        yield "currency", currency_record(id, symbol, at)
    for days, (id, name) in _TERMS.items():
        yield "term", {"id": id, "name": name, "daysuntilnetdue": days, "isinactive": False}


def term_of(days: int) -> tuple[str, Record]:
    id, name = _TERMS.get(days, (str(100 + days), f"Net {days}"))
    return id, {"id": id, "name": name, "daysuntilnetdue": days, "isinactive": False}


def customer_record(row: Customer, currency: str, previous: Record | None, peer: Peer) -> Record:
    id = native_id("netsuite", "customer", row.key)
    address_key = str(ADDRESS_OFFSET + int(id))
    address = {
        "nkey": address_key, "addr1": row.street, "addressee": row.name, "city": row.city, "state": row.region, "zip": row.postcode,
        "country": row.country, "lastmodifieddate": utc_text(row.updated_at),
    }
    kept = (previous or {}).get("_address")
    if kept is not None and {**kept, "lastmodifieddate": ""} == {**address, "lastmodifieddate": ""}:
        address = kept
    record: Record = {
        "id": id, "entityid": f"CUST-{id}", "altname": row.name, "companyname": row.name, "isperson": False,
        "externalid": peer("crm", "customer", row.erp_customer, row.key) or None,
        "parent": native_id("netsuite", "customer", row.parent) if row.parent is not None else None,
        "email": row.email, "phone": row.phone, "vatregnumber": row.tax_id, "url": f"https://{row.domain}" if row.domain else None,
        "currency": currency, "creditlimit": _number(row.credit_limit), "creditholdoverride": "ON" if row.credit_hold else "AUTO",
        "oncredithold": row.credit_hold, "balancesearch": _number(row.balance), "overduebalancesearch": _number(row.overdue_amount),
        "consolbalancesearch": _number(row.balance), "consoloverduebalancesearch": _number(row.overdue_amount),
        "daysoverdue": row.overdue_days, "terms": term_of(row.terms_days)[0], "searchstage": "Customer", "entitystatus": "13",
        "isinactive": not row.is_active, "defaultbillingaddress": address_key, "defaultshippingaddress": address_key,
        "_address": address,
    }
    return _stamped(row, record, "datecreated")


def contact_record(row: Any) -> Record:
    return _stamped(row, {
        "id": native_id("netsuite", "contact", row.key), "entityid": f"{row.first_name} {row.last_name}".strip(),
        "company": native_id("netsuite", "customer", row.customer), "firstname": row.first_name, "lastname": row.last_name,
        "title": row.title, "email": row.email, "phone": row.phone, "subsidiary": "1", "isinactive": False, "isprivate": False,
    }, "datecreated")


def item_record(row: Product) -> Record:
    return _stamped(row, {
        "id": native_id("netsuite", "product", row.key), "itemid": row.sku, "fullname": row.sku, "displayname": row.name,
        "description": row.description, "itemtype": "Service" if row.is_recurring else "NonInvtPart", "subtype": "Sale",
        "baseprice": _number(row.unit_price), "isinactive": not row.is_active,
    })


def _line(line: Line) -> Record:
    return {
        "line": line.number, "item": native_id("netsuite", "product", line.product), "memo": line.description,
        "quantity": _number(line.quantity), "rate": _number(line.unit_price), "amount": _number(line.amount),
    }


def _transaction(row: Any, entity: str, type_: str, number: str, currency: Record) -> Record:
    return {
        "id": native_id("netsuite", entity, row.key), "transactionnumber": number, "tranid": number, "type": type_,
        "recordtype": RECORD_OF_TYPE[type_].lower(), "entity": native_id("netsuite", "customer", row.customer),
        "currency": currency["id"], "exchangerate": currency["exchangerate"], "posting": type_ != "SalesOrd",
    }


def order_record(row: Order, currency: Record, peer: Peer) -> Record:
    return _stamped(row, {
        **_transaction(row, "order", "SalesOrd", row.number, currency), "status": _ORDER_STATUS.get(row.status, row.status),
        "trandate": row.order_date.isoformat(), "foreigntotal": _number(row.total), "taxtotal": _number(row.tax), "voided": False,
        "externalid": peer("crm", "opportunity", row.opportunity, row.customer) or None,
        "_lines": [_line(line) for line in row.lines],
    })


def invoice_record(row: Invoice, currency: Record, peer: Peer) -> Record:
    order = native_id("netsuite", "order", row.order) if row.order is not None else None
    number = native_id("netsuite", "invoice", row.key)
    return _stamped(row, {
        **_transaction(row, "invoice", "CustInvc", f"INV{number}", currency), "status": _INVOICE_STATUS.get(row.status, row.status),
        "trandate": row.invoice_date.isoformat(), "duedate": row.due_date.isoformat(), "foreigntotal": _number(row.total),
        "taxtotal": _number(row.tax), "foreignamountpaid": _number(row.amount_paid),
        "foreignamountunpaid": _number(row.amount_remaining), "otherrefnum": row.number, "voided": row.status == "void",
        "externalid": peer("billing", "invoice", row.key, row.customer) or None, "_createdfrom": order, "_lines": [_line(line) for line in row.lines],
        "_links": [{"previousdoc": order, "linktype": "OrdBill", "foreignamount": _number(row.total)}] if order else [],
    })


def payment_record(row: Payment, currency: Record, peer: Peer) -> Record:
    amount = _number(row.amount)
    applied = amount if row.invoice is not None and row.status != "failed" else 0.0
    record = {
        **_transaction(row, "payment", "CustPymt", row.number or f"PYMT{native_id('netsuite', 'payment', row.key)}", currency),
        "status": _PAYMENT_STATUS.get(row.status, row.status), "trandate": row.paid_at.date().isoformat(), "foreigntotal": amount,
        "foreignamountpaid": applied, "foreignamountunpaid": amount - applied, "voided": row.status == "failed",
        "externalid": peer("billing", "payment", row.key, row.customer) or None, "_links": [],
    }
    if applied and row.invoice is not None:
        invoice = native_id("netsuite", "invoice", row.invoice)
        record["_links"] = [{"previousdoc": invoice, "linktype": "Payment", "foreignamount": applied}]
    return _stamped(row, record)


def credit_memo_record(row: CreditNote, currency: Record, peer: Peer) -> Record:
    invoice = native_id("netsuite", "invoice", row.invoice) if row.invoice is not None else None
    status = {"issued": "B" if invoice else "A", "void": "V"}.get(row.status, row.status)
    applied = _number(row.total) if invoice and row.status != "void" else 0.0
    return _stamped(row, {
        **_transaction(row, "credit_note", "CustCred", row.number, currency), "status": status,
        "trandate": row.issue_date.isoformat(), "foreigntotal": -_number(row.total), "taxtotal": -_number(row.tax),
        "foreignamountpaid": applied, "foreignamountunpaid": _number(row.total) - applied, "memo": row.reason,
        "voided": row.status == "void", "externalid": peer("billing", "credit_note", row.key, row.customer) or None, "_createdfrom": invoice,
        "_lines": [_line(line) for line in row.lines],
        "_links": [{"previousdoc": invoice, "linktype": "Payment", "foreignamount": applied}] if applied else [],
    })


def refund_record(row: Refund, currency: Record, peer: Peer) -> Record:
    source = native_id("netsuite", "credit_note", row.credit_note) if row.credit_note is not None else native_id(
        "netsuite", "payment", row.payment
    )
    return _stamped(row, {
        **_transaction(row, "refund", "CustRfnd", f"RFND{native_id('netsuite', 'refund', row.key)}", currency),
        "status": _PAYMENT_STATUS.get(row.status, row.status), "trandate": row.created_at.date().isoformat(),
        "foreigntotal": -_number(row.amount), "memo": row.reason, "voided": row.status == "failed",
        "externalid": peer("billing", "refund", row.key, row.customer) or None,
        "_links": [{"previousdoc": source, "linktype": "Payment", "foreignamount": _number(row.amount)}],
    })


def spread(local: Callable[[str], datetime]) -> Callable[[str, Record], Iterable[tuple[str, tuple[Any, ...]]]]:
    """The child rows of a record, cells in the order of the table's columns; `local` turns a UTC text into account time."""

    def rows(collection: str, record: Record) -> Iterable[tuple[str, tuple[Any, ...]]]:
        if collection == "customer":
            address = record.get("_address")
            if address:
                get = address.get
                yield "entityaddress", (
                    int(address["nkey"]), int(record["id"]), get("addr1") or None, get("addr2"), get("addr3"), get("addressee"),
                    get("attention"), get("addrphone"), get("addrtext"), get("city") or None, get("state") or None,
                    get("state") or None, get("zip") or None, get("country") or None, "F", local(address["lastmodifieddate"]),
                )
            return
        id = int(record["id"])
        at = local(record["lastmodifieddate"])
        base = id * LINES_PER_TRANSACTION
        entity = int(record["entity"])
        source = int(record["_createdfrom"]) if record.get("_createdfrom") else None
        rate = _float(record["exchangerate"])
        total = _float(record["foreigntotal"])

        def line(
            number: int, amount: float, *, mainline: str = "F", taxline: str = "F", item: int | None = None,
            quantity: float | None = None, price: float | None = None, memo: str | None = None, is_closed: str = "F",
        ) -> tuple[str, tuple[Any, ...]]:
            is_main = mainline == "T"
            return "transactionline", (
                base + number, number, id, number, mainline, taxline, item, quantity, price, amount, amount * rate,
                record.get("foreignamountpaid") if is_main else None, record.get("foreignamountunpaid") if is_main else None,
                1, entity, source, is_closed, memo, at,
            )

        yield line(0, total, mainline="T", memo=record.get("memo") or None)
        last = 0
        if record["type"] in ("CustPymt", "CustRfnd"):
            yield line(1, -total)
        else:
            # a sale's lines carry the sign opposite to its header; a credit's header is negative itself
            sign = 1.0 if record["type"] == "CustCred" else -1.0
            for given in record.get("_lines", ()):
                last = given["line"]
                quantity = given.get("quantity")
                yield line(
                    last, sign * given["amount"], item=int(given["item"]), quantity=sign * quantity if quantity is not None else None,
                    price=given.get("rate"), memo=given.get("memo") or None, is_closed="T" if given.get("isclosed") else "F",
                )
            tax = _float(record.get("taxtotal"))
            if tax:
                yield line(last + 1, -tax, taxline="T", memo="Tax")
        for link in record.get("_links", ()):
            yield "nexttransactionlinelink", (int(link["previousdoc"]), id, link["linktype"], link["foreignamount"], at)

    return rows


def _float(value: Any) -> float:
    """A header amount for arithmetic; one that drifted to another type counts as nothing there."""
    return float(value) if isinstance(value, int | float) else 0.0


def status_name(record: Record) -> str:
    status = str(record["status"])
    return STATUS_NAMES.get(record["type"], {}).get(status, status)


def type_name(type_: str) -> str:
    return TYPE_NAMES.get(type_, type_)
