"""What a write request does to NetSuite's records: create, change, upsert, delete, transform, and the same as asynchronous jobs.

Reading and answering in the record's shape is not here.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from sandbox.netsuite.catalogue import RECORD_OF_TYPE, RECORD_TYPES, Field, RecordType
from sandbox.netsuite.errors import Refusal, error_response
from sandbox.netsuite.records import ADDRESS_OFFSET, CREDITS, NOT_POSTING, Record, settled
from sandbox.netsuite.setup import utc_text
from sandbox.netsuite.transforms import TRANSFORMS, check, moved_on, start_of
from sandbox.protocol import Clock, Request, Response, Store, json_response
from sandbox.world.model import INTEGRATION_ACTOR

_FIRST_ID = {"customer": 900_001, "contact": 2_900_001, "item": 400_001, "transaction": 90_000_001}
_SUBLISTS = {"customer": {"addressBook"}, "CustPymt": {"apply"}, "CustRfnd": {"apply"}, "CustCred": {"item", "apply"}, "ItemShip": {"item", "package"},
             "ItemRcpt": {"item"}, **dict.fromkeys(("SalesOrd", "CustInvc", "CashSale", "RtnAuth"), {"item"})}
_PREFIX = {"SalesOrd": "SO", "CustInvc": "INV", "CustCred": "CM", "CustPymt": "PYMT", "CustRfnd": "RFND", "CashSale": "CS",
           "CustDep": "DEP", "RtnAuth": "RMA", "ItemShip": "IF", "ItemRcpt": "IR"}
_GOODS = ("ItemShip", "ItemRcpt")
_NEGATIVE = (*CREDITS, "CustRfnd")
_HOLDS = ("AUTO", "ON", "OFF")
_MODES = ("Error", "Warning", "Ignore")
_ADDRESS = {"addr1", "addr2", "addr3", "addressee", "attention", "addrPhone", "city", "state", "zip", "country"}


@dataclass(frozen=True)
class _Job:
    id: str
    response: Response


class Writer:
    """`put` and `delete` store one record; the query side learns of it through them."""

    def __init__(
        self, store: Store, clock: Clock, zone: ZoneInfo, put: Callable[[str, str, Record], None], delete: Callable[[str, str], None]
    ) -> None:
        self._store, self._clock, self._zone, self._put, self._drop = store, clock, zone, put, delete
        self._external: dict[str, dict[tuple[str, str], str]] = {}
        self._jobs: dict[str, _Job] = {}
        self._idempotency: dict[str, tuple[tuple[str, str, bytes], str]] = {}
        self._job_lock = threading.Lock()

    # --- external ids -------------------------------------------------------------------------------------------------

    def forget(self) -> None:
        """The store was filled anew: what was derived from it is built again when asked for."""
        self._external = {}

    def index(self, collection: str, before: Record | None, after: Record | None) -> None:
        known = self._external.get(collection)
        if known is None:
            return
        for record, is_new in ((before, False), (after, True)):
            if record is not None and record.get("externalid"):
                key = (str(record.get("type", record.get("itemtype", ""))), str(record["externalid"]))
                if is_new:
                    known[key] = record["id"]
                elif known.get(key) == record["id"]:
                    del known[key]

    def by_external_id(self, kind: RecordType, external_id: str) -> str | None:
        if kind.collection not in self._external:
            known: dict[tuple[str, str], str] = {}
            for record in self._store.collection(kind.collection).values():
                if record.get("externalid"):
                    known.setdefault((str(record.get("type", record.get("itemtype", ""))), str(record["externalid"])), record["id"])
            self._external[kind.collection] = known
        return self._external[kind.collection].get((kind.type, external_id))

    # --- requests -----------------------------------------------------------------------------------------------------

    def handle(self, request: Request, name: str, rest: list[str]) -> Response:
        prefer = {word.strip().lower() for word in request.headers.get("prefer", "").split(",")} - {""}
        if "respond-async" in prefer:
            return self._start_job(request, name, rest)
        return self._run(request, name, rest)

    def _run(self, request: Request, name: str, rest: list[str]) -> Response:
        kind = RECORD_TYPES[name]
        method = request.method
        if not kind.writable:
            raise Refusal(403, "INSUFFICIENT_PERMISSION", f"Your role may not change records of type {name}.", ("errorUrl", request.path))
        with self._store.lock:
            match rest:
                case [] if method == "POST" and kind.by_transform:
                    raise _invalid("createdFrom", "Please enter value(s) for: createdFrom. Transform the order or return instead.")
                case [] if method == "POST":
                    record = self._create(request, name, kind, self._body(request), {})
                    return self._written(request, name, record)
                case [eid] if eid.startswith("eid:") and method == "PUT":
                    return self._upsert(request, name, kind, eid[4:])
                case [id] if method == "PATCH":
                    record = self._update(request, kind, self._existing(request, kind, id), self._body(request))
                    return self._written(request, name, record)
                case [id] if method == "DELETE":
                    self._delete(request, kind, self._existing(request, kind, id))
                    return Response(204)
                case [id, "!transform", target] if method == "POST":
                    return self._transform(request, name, self._existing(request, kind, id), target)
                case [id, ("!attach" | "!detach") as action, target, other] if method == "POST":
                    return self._relate(request, name, self._existing(request, kind, id), action == "!attach", target, other)
        raise Refusal(405, "INVALID_METHOD", f"Method {method} is not allowed for this resource.", ("errorUrl", request.path))

    def _written(self, request: Request, name: str, record: Record) -> Response:
        return Response(204, headers={"location": f"{request.base_url}/services/rest/record/v1/{name}/{record['id']}"})

    def _body(self, request: Request) -> dict[str, Any]:
        media = request.headers.get("content-type", "").split(";")[0].strip().lower()
        if media not in ("application/json", "application/vnd.oracle.resource+json"):
            raise Refusal(415, "INVALID_CONTENT_TYPE", f"Unsupported media type '{media}'.", ("errorHeader", "Content-Type"))
        try:
            body = request.json() if request.body else {}
        except orjson.JSONDecodeError as problem:
            raise Refusal(400, "INVALID_CONTENT", "The request body is not valid JSON.") from problem
        if not isinstance(body, dict):
            raise Refusal(400, "INVALID_CONTENT", "The request body must be one JSON object.")
        return body

    def _existing(self, request: Request, kind: RecordType, id: str) -> Record:
        record = self._store.get(kind.collection, id)
        if record is None or (kind.type and record.get("type", record.get("itemtype")) != kind.type):
            raise Refusal(
                404, "NONEXISTENT_ID", "The record instance does not exist. Provide a valid record instance ID.", ("errorUrl", request.path)
            )
        return record

    def _upsert(self, request: Request, name: str, kind: RecordType, external_id: str) -> Response:
        if "externalid" not in {field.column for field in kind.fields.values()} or not external_id:
            raise _invalid("externalId", "An external id is required.")
        body = self._body(request)
        if body.get("externalId", external_id) != external_id:
            raise _invalid("externalId", "The external id in the body differs from the one in the URL.")
        found = self.by_external_id(kind, external_id)
        if found is not None:
            record = self._update(request, kind, self._existing(request, kind, found), body)
        else:
            record = self._create(request, name, kind, {**body, "externalId": external_id}, {})
        return self._written(request, name, record)

    def _create(self, request: Request, name: str, kind: RecordType, body: dict[str, Any], start: Record) -> Record:
        for field_name in kind.required:
            if body.get(field_name) in (None, "") and not (start and field_name in ("entity", "customer", "item", "payment")):
                raise _invalid(field_name, f"Please enter value(s) for: {field_name}.")
        if kind.collection == "customer" and not (body.get("companyName") or body.get("lastName")):
            raise _invalid("companyName", "Please enter value(s) for: companyName.")
        id = str(self._store.next_number(kind.collection, _FIRST_ID[kind.collection]))
        now = utc_text(self._clock.now())
        created = "datecreated" if kind.collection in ("customer", "contact") else "createddate"
        record: Record = {"id": id, **_blank(kind, id, name), **start, created: now}
        if kind.collection == "transaction" and "trandate" not in start:
            record["trandate"] = self._clock.now().astimezone(self._zone).date().isoformat()
        record = self._fill(request, kind, record, body, is_new=True)
        if kind.collection == "transaction":
            record = settled(record, self._store.get("customer", record["entity"]))
        self._store_changed(kind.collection, record)
        return record

    def _update(self, request: Request, kind: RecordType, before: Record, body: dict[str, Any]) -> Record:
        record = self._fill(request, kind, before, body, is_new=False)
        self._store_changed(kind.collection, record)
        if kind.type == "ItemShip" and record["status"] == "C" and before["status"] != "C":
            self._moved_on(record)
        return record

    def _check_unique(self, kind: RecordType, record: Record) -> None:
        external = record.get("externalid")
        if external:
            holder = self.by_external_id(kind, str(external))
            if holder is not None and holder != record["id"]:
                raise _invalid("externalId", f"This record already exists: external id {external} belongs to {holder}.")

    def _store_changed(self, collection: str, record: Record) -> None:
        stamped = {**record, "lastmodifieddate": utc_text(self._clock.now()), "lastmodifiedby": INTEGRATION_ACTOR}
        self._put(collection, record["id"], stamped)

    # --- fields -------------------------------------------------------------------------------------------------------

    def _fill(self, request: Request, kind: RecordType, before: Record, body: dict[str, Any], *, is_new: bool) -> Record:
        """The record with the body's fields in; a whole new record, since stored ones are never changed in place."""
        names = _mode(request, "x-netsuite-propertynamevalidation", "Warning")
        values = _mode(request, "x-netsuite-propertyvaluevalidation", "Error")
        record = dict(before)
        sublists = _SUBLISTS.get(kind.type or kind.collection, set())
        for name, value in body.items():
            if name in sublists or name == "links":
                continue
            field = kind.fields.get(name)
            if field is None and name.lower() in record and name.lower().startswith("cust"):
                record[name.lower()] = value  # a custom field that the account has
                continue
            if field is None:
                if names == "Error":
                    raise Refusal(400, "NONEXISTENT_FIELD", "Error while accessing a resource. Unknown field.", ("errorPath", name))
                continue
            if not field.writable:
                raise _invalid(name, f"Field {name} is read only.")
            try:
                record[field.column] = self._value(name, field, value)
            except Refusal:
                if values == "Error":
                    raise
        self._check_unique(kind, record)  # before anything is written
        if kind.collection == "customer":
            record = self._customer_rules(record, body)
        elif kind.collection == "transaction":
            record = self._transaction_rules(request, kind, before, record, body, is_new=is_new)
        elif kind.collection == "contact":
            record["entityid"] = record.get("entityid") or f"{record.get('firstname') or ''} {record.get('lastname') or ''}".strip()
        return record

    def _value(self, name: str, field: Field, value: Any) -> Any:
        kind = field.kind
        if value is None:
            return None
        if kind.startswith("ref:"):
            return self._reference(name, kind[4:], value)
        if kind == "enum":
            word = value.get("id") if isinstance(value, dict) else value
            allowed = {"creditHoldOverride": _HOLDS, "orderStatus": ("A", "B"), "shipStatus": ("A", "B", "C")}.get(name)
            if not isinstance(word, str) or (allowed is not None and word not in allowed):
                raise _invalid(name, f"Invalid value for the field {name}: {word}.")
            return word
        if kind == "b" and isinstance(value, bool):
            return value
        if kind in ("n", "i") and isinstance(value, int | float) and not isinstance(value, bool):
            return value
        if kind == "s" and isinstance(value, str):
            if len(value) > 999:
                raise _invalid(name, f"The field {name} contained more than the maximum number of characters allowed.")
            return value
        if kind == "d" and isinstance(value, str):
            try:
                return date.fromisoformat(value).isoformat()
            except ValueError as problem:
                raise _invalid(name, f"Invalid date value for the field {name}: {value}.") from problem
        raise Refusal(400, "INVALID_CONTENT", f"Invalid value type for the field {name}.", ("errorPath", name))

    def _reference(self, name: str, target: str, value: Any) -> str:
        id = value
        if isinstance(value, dict):
            id = value.get("id")
            if id is None and isinstance(value.get("externalId"), str):
                id = next((found for kind in RECORD_TYPES.values() if kind.collection == target
                           and (found := self.by_external_id(kind, value["externalId"])) is not None), None)
        if isinstance(id, bool) or not isinstance(id, str | int) or self._store.get(target, str(id)) is None:
            raise _invalid(name, f"Invalid Field Value {id} for the following field: {name}.")
        return str(id)

    def _customer_rules(self, record: Record, body: dict[str, Any]) -> Record:
        record["altname"] = record.get("companyname") or f"{record.get('firstname') or ''} {record.get('lastname') or ''}".strip()
        if "creditHoldOverride" in body or "creditLimit" in body:
            limit, balance = record.get("creditlimit") or 0, record.get("balancesearch") or 0
            over = bool(limit) and balance > limit
            record["oncredithold"] = {"ON": True, "OFF": False}.get(record.get("creditholdoverride") or "AUTO", over)
        book = body.get("addressBook")
        items = book.get("items") if isinstance(book, dict) else None
        if items:
            chosen = next((item for item in items if item.get("defaultBilling")), items[0])
            given = chosen.get("addressBookAddress")
            if not isinstance(given, dict):
                raise _invalid("addressBook.items.addressBookAddress", "An address is required.")
            address = {**record.get("_address", {}), "nkey": str(ADDRESS_OFFSET + int(record["id"]))}
            for key in _ADDRESS & set(given):
                value = given[key]
                address[key.lower()] = value.get("id") if isinstance(value, dict) else value
            address["lastmodifieddate"] = utc_text(self._clock.now())
            record["_address"] = address
            record["defaultbillingaddress"] = record["defaultshippingaddress"] = address["nkey"]
        return record

    # --- transactions -------------------------------------------------------------------------------------------------

    def _transaction_rules(
        self, request: Request, kind: RecordType, before: Record, record: Record, body: dict[str, Any], *, is_new: bool
    ) -> Record:
        customer = self._store.get("customer", record.get("entity") or "")
        if customer is None:
            raise _invalid("entity", "Please enter value(s) for: entity.")
        currency = self._store.get("currency", record.get("currency") or customer.get("currency") or "1") or {}
        record["currency"] = currency["id"]
        record.setdefault("exchangerate", currency["exchangerate"])
        digits = int(currency["currencyprecision"])
        sign = -1.0 if kind.type in _NEGATIVE else 1.0
        if kind.type == "ItemShip":
            record = self._shipment_rules(record, body)
        if "item" in body:
            record["_lines"] = self._lines(request, record.get("_lines", []), body["item"], digits)
        if "_lines" in record and kind.type not in _GOODS and ("item" in body or is_new):
            tax = abs(record.get("taxtotal") or 0.0)
            record["taxtotal"] = sign * tax
            record["foreigntotal"] = sign * _rounded(sum(line["amount"] for line in record["_lines"]) + tax, digits)
        if kind.type in ("CustPymt", "CustDep") and (record.get("foreigntotal") or 0) <= 0:
            raise _invalid("payment", "The payment must be greater than zero.")
        if "apply" in body:
            if not is_new:
                raise _invalid("apply", "Applications of an existing transaction cannot be changed here.")
            record["_links"] = [*record.get("_links", []), *self._applications(kind, body["apply"], digits)]
            if kind.type == "CustRfnd":
                record["foreigntotal"] = -_rounded(sum(link["foreignamount"] for link in record["_links"]), digits)
        if kind.type == "CustInvc":
            paid = record.get("foreignamountpaid") or 0.0
            record["foreignamountpaid"] = paid
            record["foreignamountunpaid"] = _rounded(record["foreigntotal"] - paid, digits)
        elif kind.type in ("CustCred", "CustPymt"):
            applied = sum(link["foreignamount"] for link in record.get("_links", []) if link["linktype"] == "Payment")
            total = abs(record["foreigntotal"])
            if applied > total + 1e-9:
                raise _invalid("apply", "You cannot apply more than the total of the transaction.")
            record["foreignamountpaid"], record["foreignamountunpaid"] = _rounded(applied, digits), _rounded(total - applied, digits)
            if kind.type == "CustCred":
                record["status"] = "B" if total - applied < 1e-9 else "A"
        if is_new:
            if "_lines" in record:
                record["_lines"] = [{key: value for key, value in line.items() if key != "left"} for line in record["_lines"]]
            self._settle(kind, record, digits)
        return record

    def _shipment_rules(self, record: Record, body: dict[str, Any]) -> Record:
        """The days that a fulfilment's steps were taken on, and its packages."""
        today = self._clock.now().astimezone(self._zone).date().isoformat()
        steps = [("_pickeddate", "ABC"), ("_packeddate", "BC"), ("_shippeddate", "C")]
        days = {column: record.get(column) or today for column, letters in steps if str(record["status"]) in letters}
        packages = body.get("package")
        if packages is None:
            return {**record, **days, "actualshipdate": days.get("_shippeddate", record.get("actualshipdate"))}
        items = packages.get("items") if isinstance(packages, dict) else None
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            raise Refusal(400, "INVALID_CONTENT", "A sublist must be an object with items.", ("errorPath", "package"))
        kept = [
            {"tracking": item.get("packageTrackingNumber"), "descr": item.get("packageDescr"), "weight": item.get("packageWeight")} for item in items
        ]
        return {**record, **days, "actualshipdate": days.get("_shippeddate"), "_packages": kept}

    def _settle(self, kind: RecordType, record: Record, digits: int) -> None:
        """What a new document does to others: the documents it is applied to, and the customer's balance."""
        for link in record.get("_links", []):
            target = self._store.get("transaction", link["previousdoc"])
            if target is None or link["linktype"] != "Payment" or target["type"] not in ("CustInvc", "CustCred", "CustPymt"):
                continue
            left = _rounded(target["foreignamountunpaid"] - link["foreignamount"], digits)
            paid = _rounded(target["foreignamountpaid"] + link["foreignamount"], digits)
            status = "B" if left == 0 and target["type"] != "CustPymt" else target["status"]
            self._store_changed("transaction", {**target, "foreignamountunpaid": left, "foreignamountpaid": paid, "status": status})
        effect = {"CustInvc": 1, "CustPymt": -1, "CustCred": 1, "CustRfnd": -1}.get(kind.type, 0) * (record.get("foreigntotal") or 0.0)
        customer = self._store.get("customer", record["entity"])
        if effect and customer is not None:
            balance = _rounded((customer.get("balancesearch") or 0.0) + effect, digits)
            self._store_changed("customer", {**customer, "balancesearch": balance, "consolbalancesearch": balance})

    def _lines(self, request: Request, before: list[Record], sublist: Any, digits: int) -> list[Record]:
        items = sublist.get("items") if isinstance(sublist, dict) else None
        if not isinstance(items, list):
            raise Refusal(400, "INVALID_CONTENT", "A sublist must be an object with items.", ("errorPath", "item"))
        replaced = (request.param("replace") or "").split(",")
        lines = {} if "item" in replaced else {line["line"]: line for line in before}
        for position, given in enumerate(items):
            if not isinstance(given, dict):
                raise Refusal(400, "INVALID_CONTENT", "A line must be an object.", ("errorPath", f"item.items[{position}]"))
            number = given.get("line", given.get("orderLine"))
            line = dict(lines.get(number, {}))
            if number is not None and not line and "item" not in replaced and before:
                raise _invalid(f"item.items[{position}].line", f"There is no line {number}.")
            if not line:
                number = max(lines, default=0) + 1
            line["line"] = number
            if "item" in given:
                line["item"] = self._reference(f"item.items[{position}].item", "item", given["item"])
            if "item" not in line:
                raise _invalid(f"item.items[{position}].item", "Please enter value(s) for: item.")
            for key, column in (("quantity", "quantity"), ("rate", "rate"), ("amount", "amount")):
                if key in given:
                    if isinstance(given[key], bool) or not isinstance(given[key], int | float):
                        raise Refusal(400, "INVALID_CONTENT", f"Invalid value for {key}.", ("errorPath", f"item.items[{position}].{key}"))
                    line[column] = float(given[key])
            if "itemReceive" in given:
                line["receive"] = given["itemReceive"] is not False
            if "description" in given:
                line["memo"] = given["description"]
            if "isClosed" in given:
                line["isclosed"] = bool(given["isClosed"])
            line.setdefault("quantity", 1.0)
            if "rate" not in line:
                line["rate"] = float((self._store.get("item", line["item"]) or {}).get("baseprice") or 0)
            if "amount" not in given and ("quantity" in given or "rate" in given or "amount" not in line):
                line["amount"] = _rounded(line["quantity"] * line["rate"], digits)
            lines[number] = line
        if not lines:
            raise _invalid("item", "You must enter at least one line item for this transaction.")
        kept = [lines[number] for number in sorted(lines) if lines[number].pop("receive", True)]
        for line in kept:
            if "left" in line and line["quantity"] > line.pop("left") + 1e-9:
                raise _invalid("item.items.quantity", f"The quantity of line {line['line']} is above what is left on the transaction.")
        if not kept:
            raise _invalid("item", "You must enter at least one line item for this transaction.")
        return kept

    def _applications(self, kind: RecordType, sublist: Any, digits: int) -> list[Record]:
        items = sublist.get("items") if isinstance(sublist, dict) else None
        if not isinstance(items, list):
            raise Refusal(400, "INVALID_CONTENT", "A sublist must be an object with items.", ("errorPath", "apply"))
        wanted = ("CustCred", "CustPymt") if kind.type == "CustRfnd" else ("CustInvc",)
        links: list[Record] = []
        for position, given in enumerate(items):
            if not isinstance(given, dict) or given.get("apply") is False:
                continue
            path = f"apply.items[{position}]"
            target = self._store.get("transaction", self._reference(f"{path}.doc", "transaction", given.get("doc")))
            if target is None or target["type"] not in wanted:
                raise _invalid(f"{path}.doc", "This document cannot be applied to.")
            if any(link["previousdoc"] == target["id"] for link in links):
                raise _invalid(f"{path}.doc", "A document can be applied to once only.")
            due = float(target["foreignamountunpaid"])
            amount = given.get("amount", due)
            if isinstance(amount, bool) or not isinstance(amount, int | float) or not 0 < amount <= due + 1e-9:
                raise _invalid(f"{path}.amount", f"The amount must be above 0 and at most {due}.")
            links.append({"previousdoc": target["id"], "linktype": "Payment", "foreignamount": _rounded(amount, digits)})
        return links

    def _transform(self, request: Request, name: str, source: Record, target: str) -> Response:
        linktype = TRANSFORMS.get((name, target))
        if linktype is None:
            raise Refusal(400, "INVALID_REQUEST", f"A record of type {name} cannot be transformed into {target}.", ("errorUrl", request.path))
        if (problem := check(name, target, source)) is not None:
            raise _invalid("status", problem)
        kind = RECORD_TYPES[target]
        due = float(source.get("foreignamountunpaid") or 0.0)
        start: Record = {"entity": source["entity"], "currency": source["currency"], "exchangerate": source["exchangerate"], "_createdfrom": source["id"]}
        body = self._body(request)
        total = abs(source.get("foreigntotal") or 0.0)
        if target == "customerPayment":
            if due <= 0:
                raise _invalid("payment", "The invoice has no amount due.")
            paid = body.get("payment", due)
            start["foreigntotal"] = due
            body = {"apply": {"items": [{"doc": {"id": source["id"]}, "amount": paid}]}, **body}
        else:
            start |= start_of(name, target, source)
            if not start["_lines"]:
                raise _invalid("item", "There is nothing left to be taken over from this transaction.")
            if linktype != "Payment":
                start["_links"] = [{"previousdoc": source["id"], "linktype": linktype, "foreignamount": None if kind.type in _GOODS else total}]
            elif due > 0 and "item" not in body:
                body = {"apply": {"items": [{"doc": {"id": source["id"]}, "amount": min(due, total)}]}, **body}
        record = self._create(request, target, kind, body, start)
        if kind.type != "ItemShip" or record["status"] == "C":
            self._moved_on(record)
        return self._written(request, target, record)

    def _moved_on(self, record: Record) -> None:
        """The order or return that a record was made from counts what was shipped, received or billed, and its status follows."""
        source = self._store.get("transaction", record.get("_createdfrom") or "")
        if source is not None and (changed := moved_on(source, record)) is not None:
            self._store_changed("transaction", changed)

    def _relate(self, request: Request, name: str, record: Record, attach: bool, target: str, other: str) -> Response:
        """A contact belongs to one company and can be attached to more."""
        if (name, target) not in (("customer", "contact"), ("contact", "customer")):
            raise Refusal(400, "INVALID_REQUEST", f"A record of type {target} cannot be attached to {name}.", ("errorUrl", request.path))
        found = self._existing(request, RECORD_TYPES[target], other)
        customer, contact = (record, found) if name == "customer" else (found, record)
        role = self._body(request).get("role") if request.body else None
        role = role.get("id") if isinstance(role, dict) else role
        if role is not None and not str(role).lstrip("-").isdigit():
            raise _invalid("role", f"Invalid Field Value {role} for the following field: role.")
        others = [pair for pair in contact.get("_attached", ()) if pair[0] != customer["id"]]
        is_own = contact.get("company") == customer["id"]
        if attach and not is_own:
            self._store_changed("contact", {**contact, "_attached": [*others, (customer["id"], int(role) if role is not None else None)]})
        elif not attach:
            if not is_own and len(others) == len(contact.get("_attached", ())):
                raise _invalid(target, "The records are not attached to each other.")
            self._store_changed("contact", {**contact, "_attached": others, **({"company": None} if is_own else {})})
        return Response(204)

    def _delete(self, request: Request, kind: RecordType, record: Record) -> None:
        id = record["id"]
        transactions = self._store.collection("transaction").values()
        if kind.collection == "customer":
            is_used = any(row["entity"] == id for row in transactions)
        elif kind.collection == "item":
            is_used = any(line["item"] == id for row in transactions for line in row.get("_lines", ()))
        else:
            is_used = any(link["previousdoc"] == id for row in transactions for link in row.get("_links", ()))
        if is_used:
            raise Refusal(
                400, "USER_ERROR", "This record cannot be deleted because it has dependent records.", ("errorUrl", request.path)
            )
        self._drop(kind.collection, id)
        key = f"{kind.collection}:{id}"
        self._put("deletedrecord", key, {
            "_key": key, "type": kind.collection, "recordid": id, "name": record.get("tranid") or record.get("entityid"),
            "deleteddate": utc_text(self._clock.now()), "deletedby": INTEGRATION_ACTOR, "context": "REST Web Services",
        })

    # --- asynchronous jobs --------------------------------------------------------------------------------------------

    def _start_job(self, request: Request, name: str, rest: list[str]) -> Response:
        """The work is done at once; what is asynchronous is how its result is told."""
        key = request.headers.get("x-netsuite-idempotency-key")
        seen = (request.method, request.path, request.body)
        with self._job_lock:
            if key is not None and key in self._idempotency:
                first, job = self._idempotency[key]
                if first != seen:
                    raise Refusal(
                        400, "INVALID_HEADER", "The idempotency key was used for another request.", ("errorHeader", "X-NetSuite-Idempotency-Key")
                    )
                return self._accepted(request, job)
            try:
                response = self._run(replace(request, headers={**request.headers, "prefer": ""}), name, rest)
            except Refusal as refusal:
                response = error_response(refusal)
            job = secrets.token_hex(12)
            self._jobs[job] = _Job(job, response)
            if key is not None:
                self._idempotency[key] = (seen, job)
        return self._accepted(request, job)

    def _accepted(self, request: Request, job: str) -> Response:
        location = f"{request.base_url}/services/rest/async/v1/job/{job}"
        return Response(202, headers={"location": location, "preference-applied": "respond-async"})

    def job(self, request: Request, id: str, rest: list[str]) -> Response:
        if request.method != "GET":
            raise Refusal(405, "INVALID_METHOD", f"Method {request.method} is not allowed for this resource.", ("errorUrl", request.path))
        job = self._jobs.get(id)
        if job is None:
            raise Refusal(404, "NONEXISTENT_ID", "The job does not exist.", ("errorUrl", request.path))
        own = f"{request.base_url}/services/rest/async/v1/job/{id}"
        match rest:
            case []:
                content = {"links": [{"rel": "self", "href": own}], "id": id, "completed": True, "progress": "succeeded",
                           "task": {"links": [{"rel": "self", "href": f"{own}/task"}]}}
                return json_response(content, is_write=False)
            case ["task"]:
                task = {"links": [{"rel": "self", "href": f"{own}/task/1"}, {"rel": "result", "href": f"{own}/task/1/result"}], "id": "1"}
                return json_response({"links": [], "items": [task], "count": 1, "hasMore": False, "totalResults": 1}, is_write=False)
            case ["task", "1", "result"]:
                return replace(job.response, is_write=False)
        raise Refusal(404, "NOT_FOUND", "The requested resource does not exist.", ("errorUrl", request.path))


def _blank(kind: RecordType, id: str, name: str) -> Record:
    """What a record has before its creator says anything."""
    if kind.collection == "customer":
        return {
            "entityid": f"CUST-{id}", "isperson": False, "currency": "1", "creditlimit": 0.0, "creditholdoverride": "AUTO",
            "oncredithold": False, "balancesearch": 0.0, "overduebalancesearch": 0.0, "consolbalancesearch": 0.0,
            "consoloverduebalancesearch": 0.0, "daysoverdue": 0, "searchstage": "Customer", "entitystatus": "13", "isinactive": False,
        }
    if kind.collection == "contact":
        return {"isinactive": False, "isprivate": False, "subsidiary": "1"}
    if kind.collection == "item":
        return {"itemtype": kind.type, "subtype": "Sale", "isinactive": False}
    number = f"{_PREFIX[kind.type]}{id}"
    status = {"CustPymt": "C", "CustRfnd": "C", "CashSale": "B", "ItemShip": "C", "ItemRcpt": None}.get(kind.type, "A")
    return {
        "type": kind.type, "recordtype": RECORD_OF_TYPE[kind.type].lower(), "transactionnumber": number, "tranid": number, "status": status,
        "posting": kind.type not in (*NOT_POSTING, "CustDep"), "isreversal": False, "voided": False,
    }


def _mode(request: Request, header: str, default: str) -> str:
    """The header's value in its documented spelling; it may be sent in any case."""
    value = request.headers.get(header, default)
    found = {mode.lower(): mode for mode in _MODES}.get(value.strip().lower())
    if found is None:
        raise Refusal(400, "INVALID_HEADER", f"Invalid value of header {header}: {value}.", ("errorHeader", header))
    return found


def _rounded(value: float, digits: int) -> float:
    return float(Decimal(repr(float(value))).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP))


def _invalid(path: str, detail: str) -> Refusal:
    return Refusal(400, "USER_ERROR", f"Error while accessing a resource. {detail}", ("errorPath", path))
