"""One NetSuite account: routing, SuiteQL over HTTP, and reading records through the record service.

What a write does to records is in `writes`, the query language in `suiteql`, who may call in `auth`,
and the records' shapes in `records`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

import orjson

from sandbox.netsuite.auth import TOKEN_PATH, Credentials, Doorkeeper
from sandbox.netsuite.catalogue import RECORD_OF_TYPE, RECORD_TYPES, Field, RecordType
from sandbox.netsuite.errors import Refusal, error_response
from sandbox.netsuite.filter import where_of
from sandbox.netsuite.records import (
    CHILDREN,
    LINES_PER_TRANSACTION,
    Record,
    contact_record,
    credit_memo_record,
    customer_record,
    fulfilment_record,
    invoice_record,
    item_record,
    order_record,
    payment_record,
    receipt_record,
    refund_record,
    return_record,
    settled,
    spread,
    status_name,
    type_name,
)
from sandbox.netsuite.setup import currency_record, employee_record, fixed_records, rate_records, term_of, utc_text
from sandbox.netsuite.suiteql import MAX_PAGE, MAX_ROWS, SuiteQL
from sandbox.netsuite.tables import TABLES
from sandbox.netsuite.writes import Writer
from sandbox.protocol import Clock, Request, Response, Store, Vendor, json_response
from sandbox.world.model import Row, Shipment, View, native_id

_COLLECTIONS = (
    "subsidiary", "currency", "currencyrate", "term", "accountingperiod", "employee", "customer", "contact", "item", "transaction", "deletedrecord",
)
_EPOCH = datetime(2015, 1, 1, tzinfo=UTC)
_ACTIONS = {"GET", "POST", "PATCH", "PUT", "DELETE"}


@dataclass(frozen=True)
class Settings:
    """Credentials and limits of the account. `hidden_columns`: "table.column" that the role does not see."""

    account: str = Credentials.account
    client_id: str = Credentials.client_id
    certificate_id: str = Credentials.certificate_id
    public_key: str = ""
    consumer_key: str = Credentials.consumer_key
    consumer_secret: str = Credentials.consumer_secret
    token_id: str = Credentials.token_id
    token_secret: str = Credentials.token_secret
    time_zone: str = "America/Los_Angeles"
    token_life: timedelta = timedelta(minutes=60)
    clock_skew: timedelta = timedelta(minutes=5)
    concurrency: int = 5
    hidden_columns: frozenset[str] = frozenset()


def create(store: Store, clock: Clock, **settings: Any) -> Vendor:
    return NetSuite(store, clock, Settings(**settings))


class NetSuite:
    name = "netsuite"

    def __init__(self, store: Store, clock: Clock, settings: Settings) -> None:
        self.store, self._clock, self._settings = store, clock, settings
        credentials = Credentials(
            settings.account, settings.client_id, settings.certificate_id, settings.public_key, settings.consumer_key,
            settings.consumer_secret, settings.token_id, settings.token_secret,
        )
        self._door = Doorkeeper(clock, credentials, settings.token_life, settings.clock_skew)
        zone = ZoneInfo(settings.time_zone)
        self._engine = SuiteQL(zone, clock.now, lambda name, row: self._spread(name, row), CHILDREN, settings.hidden_columns)
        items = store.collection("item")
        self._spread = spread(self._engine.local_time, lambda id: (items.get(id) or {}).get("itemtype"))
        self._changed: dict[str, set[str] | None] = {name: None for name in _COLLECTIONS}  # None: everything
        self._version = 0
        self._writer = Writer(store, clock, zone, self._put, self._delete)

    # --- the world ----------------------------------------------------------------------------------------------------

    def load(self, view: View) -> None:
        with self.store.lock:
            for collection, record in fixed_records(_EPOCH):
                self.store.collection(collection)[record["id"]] = record
            for collection, id, record in self._render(view):
                if record is not None:
                    self.store.collection(collection)[id] = record
            self._changed = {name: None for name in _COLLECTIONS}
            self._version += 1
            self._writer.forget()

    def apply(self, view: View) -> None:
        with self.store.lock:
            for collection, id, record in self._render(view):
                if record is None:
                    if self.store.get(collection, id) is not None:
                        self._delete(collection, id)
                elif self.store.get(collection, id) != record:
                    self._put(collection, id, record)

    def _render(self, view: View) -> Any:
        """The view's rows as (collection, id, record); None in place of the record where the row is gone."""
        currencies = {record["symbol"]: record for record in self.store.collection("currency").values()}
        terms = self.store.collection("term")
        kept: tuple[list[Any], ...] = (
            view.customers, view.orders, view.invoices, view.payments, view.credit_notes, view.refunds, view.returns)
        wanted = {row.currency for rows in kept for row in rows} - set(currencies)
        for symbol in sorted(wanted):
            id = str(max(int(record["id"]) for record in currencies.values()) + 1)
            currencies[symbol] = currency_record(id, symbol, _EPOCH)
            yield "currency", id, currencies[symbol]
            for rate_id, rate in rate_records(currencies[symbol], _EPOCH):
                yield "currencyrate", rate_id, rate
        for days in sorted({customer.terms_days for customer in view.customers}):
            id, term = term_of(days)
            if id not in terms:
                yield "term", id, term
        returned = {row.credit_note: native_id("netsuite", "return", row.key) for row in view.returns if row.credit_note is not None and not row.removed}
        kinds: list[tuple[list[Any], str, str, Any]] = [
            (view.products, "item", "product", item_record),
            (view.customers, "customer", "customer", lambda row: customer_record(
                row, currencies[row.currency]["id"], self.store.get("customer", native_id("netsuite", "customer", row.key)), view.peer)),
            (view.contacts, "contact", "contact", contact_record),
            (view.agents, "employee", "agent", employee_record),
            (view.orders, "transaction", "order", lambda row: order_record(row, currencies[row.currency], view.peer)),
            (view.invoices, "transaction", "invoice", lambda row: invoice_record(row, currencies[row.currency], view.peer)),
            (view.payments, "transaction", "payment", lambda row: payment_record(row, currencies[row.currency], view.peer)),
            (view.returns, "transaction", "return", lambda row: return_record(row, currencies[row.currency], view.peer)),
            (view.returns, "transaction", "receipt", lambda row: receipt_record(row, currencies[row.currency])),
            (view.credit_notes, "transaction", "credit_note", lambda row: credit_memo_record(
                row, currencies[row.currency], view.peer, returned.get(row.key) or self._return_of(row.key))),
            (view.refunds, "transaction", "refund", lambda row: refund_record(row, currencies[row.currency], view.peer)),
            (view.shipments, "transaction", "shipment", lambda row: self._shipped(row, currencies)),
        ]
        for rows, collection, entity, render in kinds:
            for row in rows:
                id = native_id("netsuite", entity, row.key)
                record = None if row.removed else render(row)
                if record is not None:
                    yield collection, id, settled(record, self.store.get("customer", record["entity"])) if collection == "transaction" else record
                elif (row.removed and entity != "receipt") or self.store.get(collection, id) is not None:
                    yield collection, id, None
                    yield self._tombstone(collection, id, row)

    def _shipped(self, row: Shipment, currencies: dict[str, Record]) -> Record | None:
        """A fulfilment that was called off is deleted; one that is not is in its order's currency."""
        if row.status == "cancelled":
            return None
        order = self.store.get("transaction", native_id("netsuite", "order", row.order)) or {}
        currency = self.store.get("currency", order.get("currency", "")) or currencies["USD"]
        return fulfilment_record(row, currency)

    def _return_of(self, credit_note: int) -> str | None:
        """The return that a credit memo which we hold was made from."""
        held = self.store.get("transaction", native_id("netsuite", "credit_note", credit_note)) or {}
        source = self.store.get("transaction", held.get("_createdfrom") or "")
        return source["id"] if source is not None and source["type"] == "RtnAuth" else None

    def _tombstone(self, collection: str, id: str, row: Row) -> tuple[str, str, Record]:
        key = f"{collection}:{id}"
        return "deletedrecord", key, {
            "_key": key, "type": collection, "recordid": id, "deleteddate": utc_text(row.updated_at), "deletedby": row.actor,
            "context": "UI",
        }

    # --- the store ----------------------------------------------------------------------------------------------------

    def _put(self, collection: str, id: str, record: Record) -> None:
        self._writer.index(collection, self.store.get(collection, id), record)
        self.store.put(collection, id, record)
        self._touch(collection, id)

    def _delete(self, collection: str, id: str) -> None:
        self._writer.index(collection, self.store.get(collection, id), None)
        self.store.delete(collection, id)
        self._touch(collection, id)

    def _touch(self, collection: str, id: str) -> None:
        if collection not in self._changed:
            self._changed[collection] = {id}
        else:
            waiting = self._changed[collection]
            if waiting is not None:
                waiting.add(id)
        self._version += 1

    def _fresh_version(self) -> int:
        """Bring the query copy up to the store; the version names what it then holds."""
        with self.store.lock:
            for collection in list(self._changed):
                if collection in TABLES:
                    self._engine.refresh(collection, self.store.collection(collection), self._changed[collection])
            self._changed = {}
            return self._version

    # --- requests -----------------------------------------------------------------------------------------------------

    def handle(self, request: Request) -> Response:
        try:
            if request.path == TOKEN_PATH:
                return self._door.issue(request)
            if request.in_flight > self._settings.concurrency:
                return self.rate_limited(request)
            self._door.admit(request)
            return self._route(request)
        except Refusal as refusal:
            return error_response(refusal)

    def rate_limited(self, request: Request) -> Response:
        return error_response(Refusal(429, "CONCURRENCY_LIMIT_EXCEEDED", "Concurrent request limit exceeded. Request blocked."))

    def unavailable(self, request: Request) -> Response:
        return error_response(Refusal(500, "UNEXPECTED_ERROR", "An unexpected error occurred."))

    def expire_tokens(self) -> None:
        self._door.expire_tokens()

    def _route(self, request: Request) -> Response:
        if request.method not in _ACTIONS:
            raise _wrong_method(request)
        parts = request.path.strip("/").split("/")
        if parts[:2] != ["services", "rest"]:
            raise _not_found(request)
        match parts[2:]:
            case ["query", "v1", "suiteql"]:
                return self._suiteql(request)
            case ["system", "v1", "governanceLimits"]:
                _only(request, "GET", ())
                limit = self._settings.concurrency
                return json_response({"accountConcurrencyLimit": limit, "accountUnallocatedConcurrencyLimit": limit}, is_write=False)
            case ["record", "v1", "metadata-catalog", *rest] if len(rest) <= 1:
                return self._catalog(request, rest[0] if rest else None)
            case ["record", "v1", name, *rest] if name in RECORD_TYPES:
                return self._record(request, name, rest)
            case ["record", "v1", name, *_]:
                raise Refusal(404, "NOT_FOUND", f"Record type '{name}' does not exist.", ("errorUrl", request.path))
            case ["async", "v1", "job", job, *rest]:
                return self._writer.job(request, job, rest)
        raise _not_found(request)

    def _suiteql(self, request: Request) -> Response:
        _only(request, "POST", ("limit", "offset"))
        if "transient" not in [word.strip().lower() for word in request.headers.get("prefer", "").split(",")]:
            raise Refusal(
                400, "INVALID_HEADER", "Invalid header value. The header 'Prefer' must be set to 'transient'.", ("errorHeader", "Prefer")
            )
        _json_content(request)
        limit, offset = _paging(request)
        try:
            body = request.json()
        except orjson.JSONDecodeError as problem:
            raise Refusal(400, "INVALID_CONTENT", "The request body is not valid JSON.") from problem
        if not isinstance(body, dict) or not isinstance(body.get("q"), str) or not body["q"].strip():
            raise Refusal(400, "INVALID_CONTENT", "The request body must contain the property q with a query.", ("errorPath", "q"))
        if set(body) != {"q"}:
            extra = sorted(set(body) - {"q"})[0]
            raise Refusal(400, "INVALID_CONTENT", f"Unknown property: {extra}.", ("errorPath", extra))
        if offset >= MAX_ROWS:
            raise Refusal(400, "INVALID_PARAMETER", f"A query returns at most {MAX_ROWS} rows.", ("errorQueryParam", "offset"))
        page = self._engine.page(body["q"], self._fresh_version(), min(limit, MAX_ROWS - offset), offset)
        has_more = page.has_more and offset + len(page.items) < MAX_ROWS
        content = {
            "links": _page_links(request, limit, offset, min(page.total, MAX_ROWS), has_more), "count": len(page.items),
            "hasMore": has_more, "items": page.items, "offset": offset, "totalResults": page.total,
        }
        return json_response(content, is_write=False, content_type="application/vnd.oracle.resource+json; type=collection")

    # --- the record service -------------------------------------------------------------------------------------------

    def _record(self, request: Request, name: str, rest: list[str]) -> Response:
        if request.method != "GET":
            if rest and rest[0].startswith("eid:") and request.method == "PUT" and len(rest) == 1:
                return self._writer.handle(request, name, rest)
            if rest and rest[0].startswith("eid:"):
                rest = [self._find(request, name, rest[0])["id"], *rest[1:]]
            return self._writer.handle(request, name, rest)
        if not rest:
            return self._list(request, name)
        _only(request, "GET", ("expandSubResources", "simpleEnumFormat", "fields") if len(rest) == 1 else ("expandSubResources",))
        record = self._find(request, name, rest[0])
        if len(rest) == 1:
            return self._instance(request, name, record)
        content: Any = self._document(request, name, record, expand=True)
        for step in rest[1:]:
            if isinstance(content, dict) and "items" in content:
                keys = ("line", "id")
                content = next((item for item in content["items"] if step in {str(item.get(key)) for key in keys}), None)
            else:
                content = content.get(step) if isinstance(content, dict) else None
            if not isinstance(content, dict):
                raise _not_found(request)
        return json_response(content, is_write=False, content_type="application/vnd.oracle.resource+json; type=singular")

    def _find(self, request: Request, name: str, id: str) -> Record:
        kind = RECORD_TYPES[name]
        with self.store.lock:
            if id.startswith("eid:"):
                found = self._writer.by_external_id(kind, id[4:])
                record = self.store.get(kind.collection, found) if found is not None else None
            else:
                record = self.store.get(kind.collection, id)
        if record is None or (kind.type and record.get("type", record.get("itemtype")) != kind.type):
            raise Refusal(
                404, "NONEXISTENT_ID", "The record instance does not exist. Provide a valid record instance ID.", ("errorUrl", request.path)
            )
        return record

    def _list(self, request: Request, name: str) -> Response:
        _only(request, "GET", ("limit", "offset", "q", "ids"))
        kind = RECORD_TYPES[name]
        limit, offset = _paging(request)
        if offset % limit:
            raise Refusal(400, "INVALID_PARAMETER", "The offset must be divisible by the limit.", ("errorQueryParam", "offset"))
        conditions = []
        if kind.type:
            conditions.append(f"{'type' if kind.collection == 'transaction' else 'itemtype'} = '{kind.type}'")
        if (text := request.param("q")) is not None:
            conditions.append(f"({where_of(text, {name: field for name, field in kind.fields.items() if kind.is_filterable(field)})})")
        if (ids := request.param("ids")) is not None:
            if not all(part.strip().isdigit() for part in ids.split(",")):
                raise Refusal(400, "INVALID_PARAMETER", "ids must be a list of internal ids.", ("errorQueryParam", "ids"))
            conditions.append(f"id IN ({ids})")
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        page = self._engine.page(f"SELECT id FROM {kind.collection}{where} ORDER BY id", self._fresh_version(), limit, offset)
        base = f"{request.base_url}/services/rest/record/v1/{name}"
        items = [{"links": [{"rel": "self", "href": f"{base}/{item['id']}"}], "id": item["id"]} for item in page.items]
        content = {
            "links": _page_links(request, limit, offset, page.total, page.has_more), "count": len(items), "hasMore": page.has_more,
            "items": items, "offset": offset, "totalResults": page.total,
        }
        return json_response(content, is_write=False, content_type="application/vnd.oracle.resource+json; type=collection")

    def _instance(self, request: Request, name: str, record: Record) -> Response:
        expand = _flag(request, "expandSubResources")
        document = self._document(request, name, record, expand=expand, simple_enum=_flag(request, "simpleEnumFormat"))
        if (wanted := request.param("fields")) is not None:
            names = [part.strip() for part in wanted.split(",")]
            unknown = [part for part in names if part not in RECORD_TYPES[name].fields and part not in RECORD_TYPES[name].sublists and part not in RECORD_TYPES[name].subrecords]
            if unknown:
                raise Refusal(400, "NONEXISTENT_FIELD", f"Unknown field {unknown[0]}.", ("errorQueryParam", "fields"))
            document = {key: value for key, value in document.items() if key in ("links", "id") or key in names}
        return json_response(document, is_write=False, content_type="application/vnd.oracle.resource+json; type=singular")

    def _document(
        self, request: Request, name: str, record: Record, *, expand: bool = False, simple_enum: bool = False
    ) -> dict[str, Any]:
        kind = RECORD_TYPES[name]
        root = f"{request.base_url}/services/rest/record/v1"
        own = f"{root}/{name}/{record['id']}"
        document: dict[str, Any] = {"links": [{"rel": "self", "href": own}]}
        for field_name, field in kind.fields.items():
            value = self._value(root, kind, record, field)
            if value is not None:
                document[field_name] = value["id"] if simple_enum and field.kind == "enum" else value
        for key, value in record.items():
            if key not in TABLES[kind.collection] and key[0] != "_" and value is not None:
                document[key] = value  # a custom field
        for sublist in kind.sublists:
            document[sublist] = self._sublist(root, own, sublist, record) if expand else {"links": [{"rel": "self", "href": f"{own}/{sublist}"}]}
        for subrecord in kind.subrecords:
            if (address := self._address(record, subrecord)) is not None:
                link = {"links": [{"rel": "self", "href": f"{own}/{subrecord}"}]}
                document[subrecord] = {**link, **address} if expand else link
        return document

    def _address(self, record: Record, subrecord: str) -> dict[str, Any] | None:
        """A transaction's addresses are its customer's."""
        if subrecord == "mainAddress":
            return {"country": {"id": record["country"], "refName": record["country"]}} if record.get("country") else None
        customer = self.store.get("customer", str(record.get("entity") or "")) or {}
        address = customer.get("_address")
        if not address or record.get(subrecord.lower(), address["nkey"]) != address["nkey"]:
            return None
        return _address_body(address)

    def _value(self, root: str, kind: RecordType, record: Record, field: Field) -> Any:
        value = record.get(field.column)
        if field.column == "subsidiary":
            value = "1"
        elif field.column == "createdfrom":
            value = record.get("_createdfrom")
        elif field.column == "subtotal":
            value = round(abs(record["foreigntotal"]) - abs(record.get("taxtotal") or 0), 6) if _numeric(record["foreigntotal"]) else None
        if value is None or value == "":
            return None
        if field.kind == "n" and _numeric(value):
            return float(abs(value)) if kind.collection == "transaction" else float(value)
        if field.kind == "enum":
            return {"id": value, "refName": _enum_name(record, field.column, value)}
        if field.kind.startswith("ref:"):
            return self._reference(root, field.kind[4:], str(value))
        return value

    def _reference(self, root: str, target: str, id: str) -> dict[str, Any]:
        found = self.store.get(target, id) or {}
        record_name, label = target, found.get("name", id)
        if target == "customer":
            label = f"{found.get('entityid', '')} {found.get('altname', '')}".strip() or id
        elif target == "item":
            record_name, label = RECORD_OF_TYPE.get(found.get("itemtype", ""), "nonInventorySaleItem"), found.get("itemid", id)
        elif target == "transaction":
            record_name = RECORD_OF_TYPE.get(found.get("type", ""), "salesOrder")
            label = f"{type_name(found.get('type', ''))} #{found.get('tranid', id)}"
        elif target == "currency":
            label = found.get("symbol", id)
        elif target in ("employee", "contact"):
            label = found.get("entityid", id)
        elif target == "customerStatus":
            label = _CUSTOMER_STATUS.get(id, id)
        elif target == "accountingPeriod":
            label = (self.store.get("accountingperiod", id) or {}).get("periodname", id)
        return {"links": [{"rel": "self", "href": f"{root}/{record_name}/{id}"}], "id": id, "refName": label}

    def _sublist(self, root: str, own: str, sublist: str, record: Record) -> dict[str, Any]:
        items: list[dict[str, Any]] = []
        if sublist == "addressBook" and record.get("_address"):
            address = record["_address"]
            number = int(address["nkey"])
            items.append({
                "links": [{"rel": "self", "href": f"{own}/addressBook/{number}"}], "id": number, "internalId": number,
                "defaultBilling": True, "defaultShipping": True, "label": address.get("addr1") or "",
                "addressBookAddress": {"links": [], **_address_body(address)},
            })
        elif sublist == "currencyList":
            balance = record.get("balancesearch")
            items.append({
                "links": [], "currency": self._reference(root, "currency", record["currency"]), "balance": balance,
                "overdueBalance": record.get("overduebalancesearch"),
            })
        elif sublist in ("contactList", "contactRoles"):
            for contact in self.store.collection("contact").values():
                if record["id"] == contact.get("company") or any(company == record["id"] for company, _ in contact.get("_attached", ())):
                    items.append({"links": [], "contact": self._reference(root, "contact", contact["id"]), "email": contact.get("email") or ""})
        elif sublist == "subsidiary":
            items.append({"links": [], **self._reference(root, "subsidiary", "1")})
        elif sublist == "price" and _numeric(record.get("baseprice")):
            items.append({
                "links": [], "currencyPage": {"id": "1", "refName": "USD"}, "priceLevel": {"id": "1", "refName": "Base Price"},
                "priceLevelName": "Base Price", "quantity": {"value": "0"}, "price": record["baseprice"],
            })
        elif sublist == "package":
            for number, package in enumerate(record.get("_packages", ()), 1):
                shown = {"packageTrackingNumber": package.get("tracking"), "packageDescr": package.get("descr"),
                         "packageWeight": package.get("weight")}
                items.append({
                    "links": [{"rel": "self", "href": f"{own}/package/{number}"}], "line": number,
                    **{key: value for key, value in shown.items() if value not in (None, "")},
                })
        elif sublist == "item":
            for line in record.get("_lines", ()):
                item = {
                    "links": [{"rel": "self", "href": f"{own}/item/{line['line']}"}], "line": line["line"],
                    "lineUniqueKey": int(record["id"]) * LINES_PER_TRANSACTION + line["line"],
                    "item": self._reference(root, "item", line["item"]), "description": line.get("memo"), "quantity": line.get("quantity"),
                    **self._line_fields(root, record, line),
                }
                items.append({key: value for key, value in item.items() if value is not None})
        elif sublist == "apply":
            for number, link in enumerate((link for link in record.get("_links", ()) if link["linktype"] == "Payment"), 1):
                target = self.store.get("transaction", link["previousdoc"]) or {}
                applied = {
                    "links": [], "line": number, "apply": True, "doc": self._reference(root, "transaction", link["previousdoc"]),
                    "refNum": target.get("tranid"), "type": type_name(target.get("type", "")) or None, "applyDate": target.get("trandate"),
                    "total": target.get("foreigntotal"), "due": _sum(target.get("foreignamountunpaid"), link["foreignamount"]),
                    "currency": (self.store.get("currency", target.get("currency", "")) or {}).get("symbol"), "amount": link["foreignamount"],
                }
                items.append({key: value for key, value in applied.items() if value is not None})
        return {
            "links": [{"rel": "self", "href": f"{own}/{sublist}"}], "items": items, "count": len(items), "hasMore": False, "offset": 0,
            "totalResults": len(items),
        }

    def _line_fields(self, root: str, record: Record, line: Record) -> dict[str, Any]:
        """What a line shows beyond its item and quantity, by the kind of its transaction."""
        kind = record["type"]
        code = (self.store.get("item", line["item"]) or {}).get("itemtype")
        shown: dict[str, Any] = {"itemType": {"id": code, "refName": code} if code else None}
        if kind in ("ItemShip", "ItemRcpt"):
            return {**shown, "orderLine": line.get("orderline", line["line"]), "itemReceive": True}
        shown |= {"rate": line.get("rate"), "amount": line["amount"], "isClosed": bool(line.get("isclosed"))}
        billed, moved = line.get("billed", 0.0), line.get("moved", 0.0)
        if kind == "SalesOrd":
            shown |= {"quantityBilled": billed, "quantityFulfilled": moved, "quantityBackOrdered": 0.0, "quantityCommitted": 0.0}
        elif kind == "RtnAuth":
            shown |= {"quantityBilled": billed, "quantityReceived": moved, "orderLine": line.get("orderline")}
        elif record.get("_createdfrom"):
            shown |= {"orderLine": line.get("orderline", line["line"]), "orderDoc": self._reference(root, "transaction", record["_createdfrom"])}
        return shown

    # --- metadata -----------------------------------------------------------------------------------------------------

    def _catalog(self, request: Request, name: str | None) -> Response:
        _only(request, "GET", ("select",))
        if name is not None and name not in RECORD_TYPES:
            raise Refusal(404, "NOT_FOUND", f"Record type '{name}' does not exist.", ("errorUrl", request.path))
        wanted = (request.param("select") or "").split(",") if request.param("select") else list(RECORD_TYPES)
        unknown = [part for part in wanted if part not in RECORD_TYPES]
        if unknown:
            raise Refusal(400, "INVALID_PARAMETER", f"Unknown record type {unknown[0]}.", ("errorQueryParam", "select"))
        accept = request.headers.get("accept", "*/*").split(";")[0].strip()
        self._fresh_version()
        if accept == "application/swagger+json":
            names = [name] if name else wanted
            paths = {f"/{each}/{{id}}": {"get": {"responses": {"200": {"description": "the record"}}}} for each in names}
            schemas = {each: self._json_schema(each) for each in names}
            info = {"title": "REST Record Service", "version": "v1"}
            return json_response(
                {"openapi": "3.0.1", "info": info, "paths": paths, "components": {"schemas": schemas}}, is_write=False, content_type=accept
            )
        if name is not None:
            if accept not in ("application/schema+json", "*/*", "application/json"):
                raise Refusal(406, "INVALID_HEADER", "This Accept type is not available.", ("errorHeader", "Accept"))
            return json_response(self._json_schema(name), is_write=False, content_type="application/schema+json")
        base = f"{request.base_url}/services/rest/record/v1/metadata-catalog"
        items = [{"name": each, "links": [
            {"rel": "canonical", "href": f"{base}/{each}", "mediaType": "application/json"},
            {"rel": "describes", "href": f"{request.base_url}/services/rest/record/v1/{each}"},
            {"rel": "describedby", "href": f"{base}/{each}", "mediaType": "application/schema+json"},
        ]} for each in wanted]
        return json_response({"links": [], "items": items}, is_write=False)

    def _json_schema(self, name: str) -> dict[str, Any]:
        kind = RECORD_TYPES[name]
        types = {"n": {"type": "number", "format": "double"}, "i": {"type": "integer"}, "b": {"type": "boolean"}, "s": {"type": "string"},
                 "d": {"type": "string", "format": "date"}, "dt": {"type": "string", "format": "date-time"}}
        properties: dict[str, Any] = {}
        for field_name, field in kind.fields.items():
            filterable = kind.is_filterable(field)
            properties[field_name] = {
                **types.get(field.kind, {"type": "object"}), "nullable": field_name not in ("id", *kind.required),
                "readOnly": not field.writable, "x-ns-filterable": filterable,
            }
        known = TABLES[kind.collection]
        for column in self._engine.columns(kind.collection):
            if column not in known:
                properties[column] = {"type": "string", "nullable": True, "x-ns-custom-field": True, "x-ns-filterable": False}
        for part in (*kind.sublists, *kind.subrecords):
            properties[part] = {"type": "object", "x-ns-filterable": False}
        return {"type": "object", "title": name, "properties": properties, "x-ns-filterable": [
            field_name for field_name, entry in properties.items() if entry["x-ns-filterable"]
        ]}


_CUSTOMER_STATUS = {"6": "LEAD-Unqualified", "7": "LEAD-Qualified", "13": "CUSTOMER-Closed Won"}
_APPROVAL = {"1": "Pending Approval", "2": "Approved", "3": "Rejected"}
_ADDRESS_FIELDS = {
    "addr1": "addr1", "addr2": "addr2", "addr3": "addr3", "addressee": "addressee", "attention": "attention", "addrPhone": "addrphone",
    "city": "city", "state": "state", "zip": "zip", "lastModifiedDate": "lastmodifieddate",
}


def _address_body(address: Record) -> dict[str, Any]:
    body: dict[str, Any] = {key: address[column] for key, column in _ADDRESS_FIELDS.items() if address.get(column)}
    if address.get("country"):
        body["country"] = {"id": address["country"], "refName": address["country"]}
    return {**body, "override": False}


def _sum(one: Any, other: Any) -> float | None:
    return round(one + other, 6) if _numeric(one) and _numeric(other) else None


def _numeric(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _enum_name(record: Record, column: str, value: str) -> str:
    if column == "status":
        return status_name(record)
    if column == "_approvalstatus":
        return _APPROVAL.get(value, value)
    return str(value).capitalize() if column == "creditholdoverride" else str(value)


def _flag(request: Request, name: str) -> bool:
    value = request.param(name, "false")
    if value not in ("true", "false"):
        raise Refusal(400, "INVALID_PARAMETER", f"{name} must be true or false.", ("errorQueryParam", name))
    return value == "true"


def _only(request: Request, method: str, names: tuple[str, ...]) -> None:
    if request.method != method:
        raise _wrong_method(request)
    for name, _ in request.query:
        if name not in names:
            raise Refusal(400, "INVALID_PARAMETER", f"Invalid query parameter name. Unknown parameter: {name}.", ("errorQueryParam", name))


def _json_content(request: Request) -> None:
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind not in ("application/json", "application/vnd.oracle.resource+json"):
        raise Refusal(415, "INVALID_CONTENT_TYPE", f"Unsupported media type '{kind}'.", ("errorHeader", "Content-Type"))


def _paging(request: Request) -> tuple[int, int]:
    values = []
    for name, default, low, high in (("limit", "1000", 1, MAX_PAGE), ("offset", "0", 0, 10**9)):
        text = request.param(name, default) or ""
        if not (text.isascii() and text.isdigit()) or not low <= int(text) <= high:
            raise Refusal(
                400, "INVALID_PARAMETER", f"Invalid query parameter value. {name} must be an integer from {low} to {high}.",
                ("errorQueryParam", name),
            )
        values.append(int(text))
    return values[0], values[1]


def _page_links(request: Request, limit: int, offset: int, total: int, has_more: bool) -> list[dict[str, str]]:
    kept = [(name, value) for name, value in request.query if name not in ("limit", "offset")]
    address = request.base_url + quote(request.path, safe="/:!")

    def link(rel: str, start: int) -> dict[str, str]:
        return {"rel": rel, "href": f"{address}?{urlencode([*kept, ('limit', limit), ('offset', start)])}"}

    links = []
    if has_more:
        links += [link("next", offset + limit), link("last", (max(total, 1) - 1) // limit * limit)]
    if offset:
        links += [link("first", 0), link("prev", max(0, offset - limit))]
    return [*links, link("self", offset)]


def _wrong_method(request: Request) -> Refusal:
    return Refusal(405, "INVALID_METHOD", f"Method {request.method} is not allowed for this resource.", ("errorUrl", request.path))


def _not_found(request: Request) -> Refusal:
    return Refusal(404, "NOT_FOUND", "The requested resource does not exist.", ("errorUrl", request.path))
