"""NetSuite's records: how a world row becomes one, and what its child rows are. Names and types are in `catalogue`, the account in `setup`.

A stored record has the column names of SuiteQL at top level, UTC times as text, and private parts under names that start with "_":
`_hidden`, `_lines`, `_links`, `_address`, and fields that only the record service shows. No HTTP and no decisions about requests here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

from sandbox.netsuite.catalogue import RECORD_OF_TYPE
from sandbox.netsuite.setup import period_of, term_of, utc_text
from sandbox.netsuite.tables import STATUS_NAMES, TYPE_NAMES
from sandbox.world.model import CreditNote, Customer, Invoice, Line, Order, Payment, Peer, Product, Refund, Return, Row, Shipment, native_id

Record = dict[str, Any]

CHILDREN = {
    "customer": ("entityaddress",), "contact": ("companycontactrelationship",),
    "transaction": ("transactionline", "nexttransactionlinelink", "trackingnumber", "trackingnumbermap"),
}
ADDRESS_OFFSET = 5_000_000  # an address's key is its customer's id beyond this
LINES_PER_TRANSACTION = 10_000  # room in a line's unique key
NOT_POSTING = ("SalesOrd", "RtnAuth")
CREDITS = ("CustCred", "RtnAuth")  # their headers are negative and their lines positive, the other way about than a sale's

_ORDER_STATUS = {
    "pending_approval": "A", "pending_fulfillment": "B", "cancelled": "C", "partially_fulfilled": "D", "pending_billing": "F",
    "billed": "G", "closed": "H",
}
_INVOICE_STATUS = {"draft": "D", "open": "A", "paid": "B", "void": "V", "uncollectible": "A"}
_RETURN_STATUS = {"requested": "A", "approved": "B", "rejected": "C", "received": "F", "credited": "G", "closed": "H"}
# a delivery that is only planned is picked without a day of picking; that goods have arrived is nothing that is kept here
_SHIP_STATUS = {"planned": "A", "picked": "A", "shipped": "C", "delivered": "C"}
_PAYMENT_STATUS = {"pending": "A", "succeeded": "C", "failed": "V"}


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
        "_address": address, "_unbilledorders": 0.0, "_depositbalance": 0.0, **_aging(row),
    }
    return _stamped(row, record, "datecreated")


def _aging(row: Customer) -> Record:
    """The balance by how long it is due; all that is overdue counts as long due as the oldest part."""
    bucket = min((max(row.overdue_days, 1) - 1) // 30, 3) + 1
    aged = {f"_aging{number}": _number(row.overdue_amount) if number == bucket else 0.0 for number in range(1, 5)}
    return {"_aging": _number(row.balance - row.overdue_amount), **aged}


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


def _line(line: Line, *, billed: bool = False, moved: bool = False) -> Record:
    """`moved`: its goods were shipped, or came back."""
    quantity = _number(line.quantity)
    return {
        "billed": quantity if billed else 0.0, "moved": quantity if moved else 0.0,
        "line": line.number, "item": native_id("netsuite", "product", line.product), "memo": line.description,
        "quantity": _number(line.quantity), "rate": _number(line.unit_price), "amount": _number(line.amount),
    }


def _transaction(row: Any, entity: str, type_: str, number: str, currency: Record) -> Record:
    return {
        "id": native_id("netsuite", entity, row.key), "transactionnumber": number, "tranid": number, "type": type_,
        "recordtype": RECORD_OF_TYPE[type_].lower(), "entity": native_id("netsuite", "customer", row.customer),
        "currency": currency["id"], "exchangerate": currency["exchangerate"], "posting": type_ not in NOT_POSTING, "isreversal": False,
    }


def settled(record: Record, customer: Record | None) -> Record:
    """A transaction with what follows from its day and its customer."""
    found: Record = {}
    if record.get("posting"):
        found["postingperiod"] = period_of(record.get("trandate"))
    if customer is not None and record["type"] in ("SalesOrd", "CustInvc", "CashSale", "CustCred", "ItemShip"):
        found |= {"billingaddress": customer.get("defaultbillingaddress"), "shippingaddress": customer.get("defaultshippingaddress")}
        if record["type"] in ("SalesOrd", "CustInvc"):
            found["terms"] = customer.get("terms")
    return {**found, **record}


def order_record(row: Order, currency: Record, peer: Peer) -> Record:
    billed, shipped = row.status in ("billed", "closed"), row.status in ("pending_billing", "billed", "closed")
    first = row.status == "partially_fulfilled"  # its first line is on its way
    return _stamped(row, {
        **_transaction(row, "order", "SalesOrd", row.number, currency), "status": _ORDER_STATUS.get(row.status, row.status),
        "trandate": row.order_date.isoformat(), "foreigntotal": _number(row.total), "taxtotal": _number(row.tax), "voided": False,
        "otherrefnum": f"PO-{row.key:06d}",  # the customer's own number of it
        "externalid": peer("crm", "opportunity", row.opportunity, row.customer) or None,
        "_lines": [_line(line, billed=billed, moved=shipped or (first and number == 0)) for number, line in enumerate(row.lines)],
    })


def invoice_record(row: Invoice, currency: Record, peer: Peer) -> Record:
    order = native_id("netsuite", "order", row.order) if row.order is not None else None
    number = native_id("netsuite", "invoice", row.key)
    return _stamped(row, {
        **_transaction(row, "invoice", "CustInvc", f"INV{number}", currency), "status": _INVOICE_STATUS.get(row.status, row.status),
        "trandate": row.invoice_date.isoformat(), "duedate": row.due_date.isoformat(), "foreigntotal": _number(row.total),
        "taxtotal": _number(row.tax), "foreignamountpaid": _number(row.amount_paid),
        "foreignamountunpaid": _number(row.amount_remaining), "closedate": row.paid_at.date().isoformat() if row.paid_at else None,
        "_approvalstatus": {"D": "1", "E": "3"}.get(_INVOICE_STATUS.get(row.status, row.status), "2"), "otherrefnum": row.number, "voided": row.status == "void",
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


def credit_memo_record(row: CreditNote, currency: Record, peer: Peer, returned: str | None) -> Record:
    """`returned`: the return that it was made from; it still settles the invoice."""
    invoice = native_id("netsuite", "invoice", row.invoice) if row.invoice is not None else None
    status = {"issued": "B" if invoice else "A", "void": "V"}.get(row.status, row.status)
    applied = _number(row.total) if invoice and row.status != "void" else 0.0
    return _stamped(row, {
        **_transaction(row, "credit_note", "CustCred", row.number, currency), "status": status,
        "trandate": row.issue_date.isoformat(), "foreigntotal": -_number(row.total), "taxtotal": -_number(row.tax),
        "foreignamountpaid": applied, "foreignamountunpaid": _number(row.total) - applied, "memo": row.reason,
        "voided": row.status == "void", "externalid": peer("billing", "credit_note", row.key, row.customer) or None,
        "_createdfrom": returned or invoice, "_lines": [_line(line) for line in row.lines],
        "_links": [
            *([{"previousdoc": returned, "linktype": "OrdBill", "foreignamount": _number(row.total)}] if returned else []),
            *([{"previousdoc": invoice, "linktype": "Payment", "foreignamount": applied}] if applied else []),
        ],
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


def fulfilment_record(row: Shipment, currency: Record) -> Record:
    order = native_id("netsuite", "order", row.order)
    day = row.shipped_at.date().isoformat() if row.shipped_at else None
    status = _SHIP_STATUS.get(row.status, row.status)
    return _stamped(row, {
        **_transaction(row, "shipment", "ItemShip", row.number, currency), "status": status, "trandate": day or row.planned_date.isoformat(),
        "shipdate": row.planned_date.isoformat(), "actualshipdate": day, "shipcarrier": row.carrier or None, "voided": False,
        "_pickeddate": (day or row.planned_date.isoformat()) if row.status != "planned" else None, "_packeddate": day, "_shippeddate": day,
        "_createdfrom": order, "_lines": [{**_line(line, moved=status == "C"), "orderline": line.number} for line in row.lines],
        "_links": [{"previousdoc": order, "linktype": "ShipRcpt", "foreignamount": None}],
        "_packages": [{"tracking": row.tracking_number, "descr": row.carrier}] if row.tracking_number else [],
    })


def return_record(row: Return, currency: Record, peer: Peer) -> Record:
    """Made from the invoice where there is one: an authorization names one document only, and the invoice names the order."""
    source = native_id("netsuite", "invoice", row.invoice) if row.invoice is not None else native_id("netsuite", "order", row.order)
    amount = _number(row.amount)
    is_back, is_credited = row.status in ("received", "credited"), row.status == "credited"
    return _stamped(row, {
        **_transaction(row, "return", "RtnAuth", row.number, currency), "status": _RETURN_STATUS.get(row.status, row.status),
        "trandate": row.created_at.date().isoformat(), "foreigntotal": -amount, "taxtotal": 0.0, "memo": row.reason, "voided": False,
        "externalid": peer("support", "ticket", row.ticket, row.customer) or None, "_createdfrom": source, "_iscrosssubtransaction": False,
        "_transactiontorefund": native_id("netsuite", "invoice", row.invoice) if row.invoice is not None else None,
        "_lines": [{**_line(line, billed=is_credited, moved=is_back), "orderline": line.number} for line in row.lines],
        "_links": [{"previousdoc": source, "linktype": "SaleRet", "foreignamount": amount}],
    })


def receipt_record(row: Return, currency: Record) -> Record | None:
    """The arrival of what was sent back; it has no status of its own."""
    if row.received_at is None:
        return None
    source, at = native_id("netsuite", "return", row.key), row.received_at
    record = {
        **_transaction(row, "receipt", "ItemRcpt", f"IR{native_id('netsuite', 'receipt', row.key)}", currency), "status": None,
        "trandate": at.date().isoformat(), "voided": False, "_createdfrom": source,
        "_lines": [{**_line(line, moved=True), "orderline": line.number} for line in row.lines],
        "_links": [{"previousdoc": source, "linktype": "ShipRcpt", "foreignamount": None}],
        "createddate": utc_text(at), "lastmodifieddate": utc_text(at), "lastmodifiedby": row.actor,
    }
    return {**record, "_hidden": True} if row.hidden else record


def spread(
    local: Callable[[str], datetime], item_type: Callable[[str], str | None]
) -> Callable[[str, Record], Iterable[tuple[str, tuple[Any, ...]]]]:
    """The child rows of a record, cells in the order of the table's columns; `local` turns a UTC text into account time.

    Columns at a table's end that have no value in any row are left out.
    """

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
        if collection == "contact":
            for company, role in [*([(record["company"], None)] if record.get("company") else []), *record.get("_attached", ())]:
                yield "companycontactrelationship", (int(company), int(record["id"]), role)
            return
        id = int(record["id"])
        at = local(record["lastmodifieddate"])
        base = id * LINES_PER_TRANSACTION
        entity = int(record["entity"])
        source = int(record["_createdfrom"]) if record.get("_createdfrom") else None
        rate = _float(record["exchangerate"])
        type_ = record["type"]
        is_goods = type_ in ("ItemShip", "ItemRcpt")  # goods without money
        total = None if is_goods else _float(record["foreigntotal"])

        def line(
            number: int, amount: float | None, *, mainline: str = "F", taxline: str = "F", item: int | None = None,
            quantity: float | None = None, price: float | None = None, memo: str | None = None, is_closed: str = "F",
            kind: str | None = None, billed: float | None = None, moved: float | None = None,
        ) -> tuple[str, tuple[Any, ...]]:
            is_main = mainline == "T"
            return "transactionline", (
                base + number, number, id, number, mainline, taxline, item, quantity, price, amount, None if amount is None else amount * rate,
                record.get("foreignamountpaid") if is_main else None, record.get("foreignamountunpaid") if is_main else None,
                1, entity, source, is_closed, memo, at, kind, billed, moved,
                None if moved is None else ("T" if abs(moved) >= abs(quantity or 0) else "F"), "F", "F", "F",
            )

        yield line(0, total, mainline="T", memo=record.get("memo") or None)
        last = 0
        if type_ in ("CustPymt", "CustRfnd", "CustDep"):
            yield line(1, -(total or 0.0))
        else:
            # a sale's lines carry the sign opposite to its header, and so do goods that leave; a credit's header is negative itself
            sign = 1.0 if type_ in CREDITS or type_ == "ItemRcpt" else -1.0
            for given in record.get("_lines", ()):
                last = given["line"]
                quantity = given.get("quantity")
                yield line(
                    last, None if is_goods else sign * given["amount"], item=int(given["item"]),
                    quantity=sign * quantity if quantity is not None else None, price=None if is_goods else given.get("rate"),
                    memo=given.get("memo") or None, is_closed="T" if given.get("isclosed") else "F", kind=item_type(given["item"]),
                    billed=given.get("billed"), moved=given.get("moved"),
                )
            tax = _float(record.get("taxtotal"))
            if tax:
                yield line(last + 1, -tax, taxline="T", memo="Tax")
        for link in record.get("_links", ()):
            yield "nexttransactionlinelink", (int(link["previousdoc"]), id, link["linktype"], link["foreignamount"], at)
        for number, package in enumerate(record.get("_packages", ())):
            if package.get("tracking"):
                key = id * 100 + number
                yield "trackingnumber", (key, package["tracking"])
                yield "trackingnumbermap", (id, key)

    return rows


def _float(value: Any) -> float:
    """A header amount for arithmetic; one that drifted to another type counts as nothing there."""
    return float(value) if isinstance(value, int | float) else 0.0


def status_name(record: Record) -> str:
    status = str(record.get("status") or "")
    return STATUS_NAMES.get(record["type"], {}).get(status, status)


def type_name(type_: str) -> str:
    return TYPE_NAMES.get(type_, type_)
