"""One Fusion pod: routing, reading, batches and the rows that are made from others.

What a write does to records is in `writes`, what may be asked in `asked`, the filter language in `expression`, the shapes in
`records` and `catalogue`, the SOAP service in `profiles`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, quote

import orjson

from sandbox.oracle_fusion.answers import Answers, address_key, change_indicator, description
from sandbox.oracle_fusion.asked import Asked, Finder, Shape, asked, framework_version
from sandbox.oracle_fusion.catalogue import RESOURCES, Resource
from sandbox.oracle_fusion.errors import Refusal, error_response
from sandbox.oracle_fusion.expression import Filter, both, like, parse, stamp
from sandbox.oracle_fusion.ids import native_id, number, part
from sandbox.oracle_fusion.lists import Derived, Lists, Order, select
from sandbox.oracle_fusion.login import TOKEN_PATH, Logins
from sandbox.oracle_fusion.profiles import SERVICE_PATH, Profiles
from sandbox.oracle_fusion.records import (
    CURRENCIES,
    RMA_OPEN,
    Pod,
    credit_memo_records,
    currency_records,
    customer_records,
    deleted_record,
    fixed_records,
    invoice_record,
    item_record,
    order_record,
    person_record,
    receipt_records,
    refund_records,
    return_record,
    shipment_records,
)
from sandbox.oracle_fusion.writes import Writer
from sandbox.protocol import Clock, Request, Response, Store, Vendor, json_response
from sandbox.world.model import INTEGRATION_ACTOR, View

Record = dict[str, Any]
_EPOCH = datetime(2015, 1, 1, tzinfo=UTC)
_VERSIONS = ("11.13.18.05", "latest")
_ITEM_TYPE = "application/vnd.oracle.adf.resourceitem+json"
_LIST_TYPE = "application/vnd.oracle.adf.resourcecollection+json"
_ACTION_TYPE = "application/vnd.oracle.adf.action+json"
_BATCH_TYPE = "application/vnd.oracle.adf.batch+json"
_ACTIVITIES = ("receivablesCustomerAccountActivities", "receivablesCustomerAccountSiteActivities")
_DAYS_BACK = 90  # how far the activities reach unless a finder says otherwise
_LIMITED = {  # child of the activities -> variable that says how many days back, attribute that it is about
    "transactionPaymentSchedules": ("TransactionLimitByDays", "TransactionDate"), "standardReceipts": ("ReceiptLimitByDays", "ReceiptDate"),
    "standardReceiptApplications": ("ApplicationLimitByDays", "ApplicationDate"), "creditMemos": ("CreditMemoLimitByDays", "CreditMemoDate"),
    "creditMemoApplications": ("ApplicationLimitByDays", "ApplicationDate"), "transactionAdjustments": ("AdjustmentLimitByDays", "ApplicationDate"),
    "transactionsPaidByOtherCustomers": ("ApplicationLimitByDays", "ApplicationDate"),
}
_LINE_VARIABLES = {"OrderNumber": "Order"}
_BATCH_METHODS = {"get": "GET", "create": "POST", "update": "PATCH", "replace": "PATCH", "delete": "DELETE", "upsert": "POST", "invoke": "POST"}


@dataclass(frozen=True)
class Settings:
    """Credentials and limits of the pod. `forbidden`: resources without privilege; `business_units`: data access, None for all;
    `unseen_attributes`: "resource.Attribute" that the role does not see."""

    username: str = "concord.integration"
    password: str = "oracle-sandbox-password"
    client_id: str = "concord-oracle"
    client_secret: str = "oracle-sandbox-secret"
    token_life: timedelta = timedelta(seconds=3600)
    max_page: int = 500
    expanded_limit: int = 500
    batch_parts: int = 100
    forbidden: frozenset[str] = frozenset()
    business_units: frozenset[str] | None = None
    unseen_attributes: frozenset[str] = frozenset()


def create(store: Store, clock: Clock, **settings: Any) -> Vendor:
    return OracleFusion(store, clock, Settings(**settings))


class OracleFusion:
    name = "oracle_fusion"

    def __init__(self, store: Store, clock: Clock, settings: Settings) -> None:
        self.store, self._clock, self._settings = store, clock, settings
        self._logins = Logins(
            clock, username=settings.username, password=settings.password, client_id=settings.client_id, client_secret=settings.client_secret,
            token_life=settings.token_life)
        self._lists = Lists(store, {
            "receivablesCustomerAccountSiteActivities": Derived(("receivablesCustomerAccountActivities",), self._sites),
            "rmasForReceiving": Derived(("salesOrdersForOrderHub",), self._rmas),
            "rmaLinesForReceiving": Derived(("salesOrdersForOrderHub",), self._rma_lines),
            "receiptAdviceLines": Derived(("salesOrdersForOrderHub",), self._advice_lines),
        }, self._may_see)
        self._answers = Answers(self._members, settings.expanded_limit, settings.unseen_attributes)
        self._writer = Writer(store, clock, settings.username, self._find, self._put, self._drop)
        self._profiles = Profiles(clock, self._profile, self._put_profile, settings.username)
        self._undo: list[tuple[str, str, Record | None]] | None = None

    # --- the world ----------------------------------------------------------------------------------------------------

    def load(self, view: View) -> None:
        with self.store.lock:
            for collection, key, fixed in fixed_records(_EPOCH):
                self.store.collection(collection)[key] = fixed
                self._lists.touch(collection)
            sources: dict[tuple[str, str], str] = {}

            def taken(system: str, source: str) -> str | None:
                return sources.get((system, source))

            for collection, key, record in self._render(view, taken):
                if record is not None:
                    self.store.collection(collection)[key] = record
                    if collection == "salesOrdersForOrderHub":
                        sources[(record["SourceTransactionSystem"], record["SourceTransactionId"])] = key
            for collection in list(RESOURCES) + ["customerProfiles", "standardReceiptApplications", "creditMemoApplications"]:
                self._lists.touch(collection)

    def apply(self, view: View) -> None:
        def taken(system: str, source: str) -> str | None:
            held = self._find("salesOrdersForOrderHub", "OrderKey", f"{system}:{source}")
            return str(held["HeaderId"]) if held else None

        with self.store.lock:
            for collection, key, record in self._render(view, taken):
                if record is None:
                    if self.store.get(collection, key) is not None:
                        self._drop(collection, key)
                elif self.store.get(collection, key) != record:
                    self._put(collection, key, record)

    def _render(self, view: View, taken: Callable[[str, str], str | None]) -> Iterator[tuple[str, str, Record | None]]:
        """The view's rows as (collection, key, record); None in place of the record where the row is gone."""
        pod = Pod(view, self.store.get, self._settings.username)
        used = {row.currency for rows in (view.customers, view.orders, view.invoices, view.payments, view.credit_notes, view.refunds) for row in rows}
        for code in sorted(used - set(CURRENCIES)):
            if self.store.get("currenciesLOV", code) is None:
                yield from currency_records(code, _EPOCH)
        whole: list[tuple[Sequence[Any], str, str, Callable[[Any], Record]]] = [
            (view.products, "itemsV2", "product", lambda row: item_record(pod, row)),
            (view.contacts, "hubPersons", "contact", lambda row: person_record(pod, row)),
            (view.agents, "hubPersons", "agent", lambda row: person_record(pod, row)),
            (view.orders, "salesOrdersForOrderHub", "order", lambda row: order_record(pod, row, taken)),
            (view.returns, "salesOrdersForOrderHub", "return", lambda row: return_record(pod, row)),
            (view.invoices, "receivablesInvoices", "invoice", lambda row: invoice_record(pod, row)),
        ]
        parts: list[tuple[Sequence[Any], str, str, Callable[[Any], Iterator[tuple[str, str, Record]]]]] = [
            ([row for row in view.payments if row.status != "failed"], "standardReceipts", "payment", lambda row: receipt_records(pod, row)),
            (view.credit_notes, "receivablesCreditMemos", "credit_note", lambda row: credit_memo_records(pod, row)),
            (view.refunds, "standardReceiptApplications", "refund", lambda row: refund_records(pod, row)),
            (view.shipments, "shipments", "shipment", lambda row: shipment_records(pod, row)),
        ]
        yield from self._parts(view.customers, "hubOrganizations", "customer", lambda row: customer_records(pod, row))
        for rows, collection, entity, render in whole:
            for row in rows:
                key = native_id(entity, row.key)
                if row.removed:
                    yield from self._gone(collection, key, row)
                else:
                    yield collection, key, render(row)
        for rows, collection, entity, several in parts:
            yield from self._parts(rows, collection, entity, several)

    def _parts(
        self, rows: Sequence[Any], collection: str, entity: str, render: Callable[[Any], Iterator[tuple[str, str, Record]]],
    ) -> Iterator[tuple[str, str, Record | None]]:
        for row in rows:
            if not row.removed:
                yield from render(row)
                continue
            yield from self._gone(collection, native_id(entity, row.key), row)
            if entity == "customer":
                for beside in ("receivablesCustomerAccountActivities", "customerProfiles"):
                    yield beside, native_id("account", row.key), None
            elif entity == "payment":
                yield "standardReceiptApplications", native_id("application", row.key), None
            elif entity == "credit_note":
                yield "creditMemoApplications", native_id("credit_application", row.key), None
            elif entity == "shipment":
                for line in row.lines:
                    yield "shipmentLines", str(part("shipment_line", row.key, line.number)), None
            elif entity == "refund":
                yield "creditMemoApplications", native_id(entity, row.key), None

    def _gone(self, collection: str, key: str, row: Any) -> Iterator[tuple[str, str, Record | None]]:
        """Parties leave a row in the list of deleted records; nothing else does."""
        held = self.store.get(collection, key)
        yield collection, key, None
        if collection in ("hubOrganizations", "hubPersons"):
            kind, place = ("ORGANIZATION", row.key * 2) if collection == "hubOrganizations" else ("PERSON", row.key * 2 + 1)
            party = held or {"PartyId": int(key)}
            by = self._settings.username if row.actor == INTEGRATION_ACTOR else row.actor
            gone = deleted_record(place, kind, party, stamp(row.updated_at), by)
            yield "deletedRecords", str(gone["DeletedRecordId"]), gone

    # --- storing and finding ------------------------------------------------------------------------------------------

    def _put(self, collection: str, key: str, record: Record) -> None:
        if self._undo is not None:
            self._undo.append((collection, key, self.store.get(collection, key)))
        self.store.put(collection, key, record)
        self._lists.touch(collection)

    def _drop(self, collection: str, key: str) -> None:
        if self._undo is not None:
            self._undo.append((collection, key, self.store.get(collection, key)))
        self.store.delete(collection, key)
        self._lists.touch(collection)

    def forget(self) -> None:
        """The store was changed from outside: everything that was derived from it is made again."""
        for collection in {*RESOURCES, "customerProfiles", "standardReceiptApplications", "creditMemoApplications"}:
            self._lists.touch(collection)

    def _find(self, collection: str, attribute: str, value: Any) -> Record | None:
        found = self._lists.by(collection, attribute, lambda record: str(record.get(attribute))).get(str(value))
        return found[-1] if found else None

    def _profile(self, attribute: str, value: str) -> Record | None:
        return self._find("customerProfiles", attribute, value)

    def _put_profile(self, profile: Record) -> None:
        self._put("customerProfiles", str(profile["CustomerAccountId"]), profile)

    def _may_see(self, record: Record) -> bool:
        granted = self._settings.business_units
        if granted is None:
            return True
        unit = record.get("BusinessUnit") or record.get("RequestingBusinessUnitName") or record.get("ManagementBusinessUnitName")
        return unit is None or unit in granted

    # --- rows made from others ----------------------------------------------------------------------------------------

    def _sites(self) -> list[Record]:
        shift = number("site_use", 0) - number("account", 0)
        return [{
            **{name: value for name, value in account.items() if name != "TotalOpenReceivablesForAccount"},
            "BillToSiteUseId": account["AccountId"] + shift, "BillToSiteNumber": account["AccountNumber"],
            "TotalOpenReceivablesForSite": account.get("TotalOpenReceivablesForAccount")} for account in self._lists.all(_ACTIVITIES[0])]

    def _open_returns(self) -> Iterator[tuple[Record, list[Record]]]:
        for order in self._lists.all("salesOrdersForOrderHub"):
            lines = [line for line in order.get("lines", ()) if line.get("TransactionCategoryCode") == "RETURN" and line.get("StatusCode") == "AWAIT_RECEIPT"]
            if lines and order.get("StatusCode") in RMA_OPEN:
                yield order, lines

    def _rmas(self) -> list[Record]:
        unit = self.store.collection("inventoryOrganizations").values()
        place = next(iter(unit), {})
        return [{
            "ReceiptAdviceHeaderId": order["HeaderId"], "RMA": order["OrderNumber"], "Customer": order.get("BuyingPartyName"),
            "CustomerId": order.get("BuyingPartyId"), "OrganizationId": place.get("OrganizationId"),
            "OrganizationCode": place.get("OrganizationCode"), "SourceSystem": order.get("SourceTransactionSystem"),
        } for order, _ in self._open_returns()]

    def _rma_lines(self) -> list[Record]:
        place = next(iter(self.store.collection("inventoryOrganizations").values()), {})
        return [{
            "ReceiptAdviceLineId": line["FulfillLineId"], "ReceiptAdviceHeaderId": order["HeaderId"], "RMA": order["OrderNumber"],
            "RMALine": line.get("LineNumber"), "ItemDescription": line.get("ProductDescription"), "OrganizationId": place.get("OrganizationId"),
            "OrganizationCode": place.get("OrganizationCode"),
        } for order, lines in self._open_returns() for line in lines]

    def _advice_lines(self) -> list[Record]:
        """What is expected at the dock: here the lines of open returns only, for nothing is bought or transferred."""
        place = next(iter(self.store.collection("inventoryOrganizations").values()), {})
        found = []
        for order, lines in self._open_returns():
            for line in lines:
                original: Record = next(iter(line.get("originalOrderReference", ())), {})
                left = line["OrderedQuantity"] - (line.get("RMADeliveredQuantity") or 0)
                found.append({
                    "RMAHeaderId": order["HeaderId"], "RMALineId": line["FulfillLineId"], "DocumentNumber": order["OrderNumber"],
                    "DocumentLineNumber": line.get("LineNumber"), "ReceiptSourceCode": "CUSTOMER", "SourceDocumentTypeCode": "RMA",
                    "CustomerId": order.get("BuyingPartyId"), "CustomerName": order.get("BuyingPartyName"), "ItemId": line.get("ProductId"),
                    "ItemNumber": line.get("ProductNumber"), "ItemDescription": line.get("ProductDescription"), "Quantity": left,
                    "UnitOfMeasure": line.get("OrderedUOM"), "UOMCode": line.get("OrderedUOMCode"), "PrimaryQuantity": left,
                    "PrimaryUnitOfMeasure": line.get("OrderedUOM"), "PrimaryUOMCode": line.get("OrderedUOMCode"),
                    "OrganizationId": place.get("OrganizationId"), "OrganizationCode": place.get("OrganizationCode"),
                    "SoldToLegalEntityName": order.get("RequestingLegalEntity"), "SourceOrderNumber": order.get("SourceTransactionNumber"),
                    "SourceOrderLineNumber": line.get("SourceTransactionLineNumber"), "OriginalOrderNumber": original.get("OriginalSourceOrderNumber"),
                    "OriginalOrderLineNumber": original.get("OriginalSourceLineNumber"), "DocumentCreationDate": order.get("CreationDate"),
                    "DocumentLastUpdateDate": order.get("LastUpdateDate"), "DocumentLineCreationDate": line.get("CreationDate"),
                    "DocumentLineLastUpdateDate": line.get("LastUpdateDate"), "AllowSubstituteReceiptsFlag": False, "LotsCount": 0, "SerialsCount": 0})
        return found

    def _rates(self, finder: Finder | None) -> list[Record]:
        """A rate for each day asked for; without the finder there is nothing to list."""
        if finder is None:
            raise Refusal(400, "The finder CurrencyRatesFinder is required.", "GL-781502")
        values = finder.values
        if finder.name != "CurrencyRatesFinder" or not all(values.get(name) for name in ("fromCurrency", "toCurrency", "startDate", "endDate")):
            raise Refusal(400, "The variables fromCurrency, toCurrency, startDate and endDate are required.", "GL-781503")
        try:
            start, end = date.fromisoformat(values["startDate"]), date.fromisoformat(values["endDate"])
        except ValueError:
            raise Refusal(400, "The value of startDate or endDate is malformed.", "JBO-27102") from None
        found = []
        for rate in self.store.collection("currencyRates").values():
            if (rate["FromCurrency"], rate["ToCurrency"]) == (values["fromCurrency"], values["toCurrency"]) and (
                values.get("userConversionType") in (None, "", rate["UserConversionType"])
            ):
                days = range(start.toordinal(), min(end, self._clock.now().date()).toordinal() + 1)
                found += [{**rate, "ConversionDate": date.fromordinal(one).isoformat()} for one in days]
        return found

    def _members(self, resource: Resource, record: Record, name: str) -> Sequence[Record]:
        """A record's rows of a child, as an expansion shows them."""
        if resource.name in _ACTIVITIES:
            variable, attribute = _LIMITED[name]
            return self._within_days(self._activity(record, name), attribute, _DAYS_BACK)
        if resource.name == "shipments":
            return self._lists.by("shipmentLines", "Shipment", lambda line: line.get("Shipment")).get(record.get("Shipment"), [])
        members: Sequence[Record] = record.get(name, ())
        return members

    def _activity(self, account: Record, name: str) -> list[Record]:
        id = account.get("AccountNumber")
        if name in ("standardReceiptApplications", "creditMemoApplications"):
            return self._lists.by(name, "_account", lambda one: one.get("_account")).get(id, [])
        if name == "standardReceipts":
            return [self._receipt_view(one) for one in self._of_account("standardReceipts", "CustomerAccountNumber", id)]
        if name == "creditMemos":
            return [self._credit_view(one) for one in self._of_account("receivablesCreditMemos", "BillToCustomerNumber", id)]
        if name == "transactionPaymentSchedules":
            return [row for one in self._of_account("receivablesInvoices", "BillToCustomerNumber", id) for row in self._schedule(one)]
        return []

    def _of_account(self, collection: str, attribute: str, id: Any) -> list[Record]:
        return self._lists.by(collection, attribute, lambda one: one.get(attribute)).get(id, [])

    def _receipt_view(self, receipt: Record) -> Record:
        kept = ("StandardReceiptId", "ReceiptNumber", "ReceiptDate", "AccountingDate", "Amount", "UnappliedAmount", "Currency", "State",
                "ReceiptMethod", "BusinessUnit", "CustomerSite", "DocumentNumber", "CreatedBy", "CreationDate", "LastUpdateDate", "LastUpdatedBy")
        entity = next(iter(self.store.collection("legalEntitiesLOV").values()), {})
        return {
            **{name: receipt[name] for name in kept if name in receipt}, "AvailableAmount": receipt.get("UnappliedAmount"),
            "ProcessStatus": receipt.get("State"), "LegalEntity": entity.get("Name")}

    def _credit_view(self, memo: Record) -> Record:
        kept = ("AccountingDate", "CreditMemoCurrency", "TransactionType", "PurchaseOrder", "CreatedBy", "CreationDate", "LastUpdateDate", "LastUpdatedBy")
        left = memo.get("TransactionBalanceDue") or 0
        return {
            **{name: memo[name] for name in kept if name in memo}, "CreditMemoId": memo["CustomerTransactionId"],
            "CreditMemoNumber": memo.get("TransactionNumber"), "CreditMemoDate": memo.get("TransactionDate"),
            "CreditMemoStatus": "Open" if left else "Closed", "AvailableAmount": left, "TotalOriginalAmount": memo.get("EnteredAmount"),
            "TotalBalanceAmount": left, "TransactionClass": "Credit Memo", "BillToSiteNumber": memo.get("BillToSite")}

    def _schedule(self, invoice: Record) -> list[Record]:
        return [{
            "InstallmentId": one.get("InstallmentId"), "InstallmentNumber": one.get("InstallmentSequenceNumber"),
            "InstallmentStatus": one.get("InstallmentStatus"), "TransactionId": invoice["CustomerTransactionId"],
            "TransactionNumber": invoice.get("TransactionNumber"), "TransactionType": invoice.get("TransactionType"), "TransactionClass": "Invoice",
            "TransactionSourceName": invoice.get("TransactionSource"), "TransactionDate": invoice.get("TransactionDate"),
            "AccountingDate": invoice.get("AccountingDate"), "PaymentScheduleDueDate": one.get("InstallmentDueDate"),
            "TotalOriginalAmount": one.get("OriginalAmount"), "TotalBalanceAmount": one.get("InstallmentBalanceDue"),
            "EnteredCurrency": invoice.get("InvoiceCurrencyCode"), "PaymentDaysLate": one.get("PaymentDaysLate"),
            "StructuredPaymentReference": invoice.get("StructuredPaymentReference"), "BillToSiteNumber": invoice.get("BillToSite"),
            "CreatedBy": one.get("CreatedBy"), "CreationDate": one.get("CreationDate"), "LastUpdateDate": one.get("LastUpdateDate"),
            "LastUpdatedBy": one.get("LastUpdatedBy"),
        } for one in invoice.get("receivablesInvoiceInstallments", ())]

    def _within_days(self, rows: Sequence[Record], attribute: str, days: int) -> list[Record]:
        first = (self._clock.now().date() - timedelta(days=days)).isoformat() if days < 300_000 else ""
        return [row for row in rows if str(row.get(attribute) or "") >= first]

    def _finished(self, resource: Resource, record: Record) -> Record:
        """What is computed when an account is shown: what is due on its transactions."""
        if resource.name not in _ACTIVITIES:
            return record
        word = "Account" if resource.name == _ACTIVITIES[0] else "Site"
        due = sum(one.get("InvoiceBalanceAmount") or 0 for one in self._of_account("receivablesInvoices", "BillToCustomerNumber", record.get("AccountNumber"))
                  if isinstance(one.get("InvoiceBalanceAmount"), int | float))
        return {**record, f"TotalTransactionsDueFor{word}": round(due, 6)}

    # --- requests -----------------------------------------------------------------------------------------------------

    def handle(self, request: Request) -> Response:
        try:
            if request.path == TOKEN_PATH:
                return self._logins.token(request)
            self._logins.check(request)
            with self.store.lock:
                if request.path == SERVICE_PATH:
                    return self._profiles.handle(request)
                return self._route(request)
        except Refusal as refusal:
            return error_response(request, refusal)

    def rate_limited(self, request: Request) -> Response:
        return error_response(request, Refusal(429, "Too many requests.", "FND-429"))

    def unavailable(self, request: Request) -> Response:
        return error_response(request, Refusal(500, "JBO-29000: Unexpected exception caught.", "JBO-29000"))

    def expire_tokens(self) -> None:
        self._logins.expire()

    def _route(self, request: Request) -> Response:
        steps = [step for step in request.path.split("/") if step]
        if len(steps) < 3 or steps[0] not in ("fscmRestApi", "crmRestApi") or steps[1] != "resources" or steps[2] not in _VERSIONS:
            raise _nothing(request)
        _acceptable(request)
        version = framework_version(request)
        root, rest = f"{request.base_url}/{'/'.join(steps[:3])}", steps[3:]
        if not rest:
            return self._batch(request)
        if rest == ["describe"]:
            return self._describe_all(request, root, steps[0])
        resource = RESOURCES.get(rest[0])
        if resource is None or resource.api != steps[0]:
            raise _nothing(request)
        if resource.name in self._settings.forbidden:
            raise Refusal(403, "You are not authorized to access this resource.", "FND-403")
        href = f"{root}/{resource.name}"
        if rest[1:] == ["describe"]:
            _only_get(request)
            content = {"Resources": {resource.name: description(resource, href, self._answers.unseen)}}
            return json_response(content, is_write=False, content_type="application/vnd.oracle.adf.description+json")
        if len(rest) == 3 and rest[1] == "action":
            return self._action(request, resource, rest[2])
        if len(rest) == 1:
            return self._collection(request, resource, href, version)
        record = self._by_key(resource, rest[1], request)
        return self._below(request, resource, record, f"{href}/{quote(rest[1], safe=':')}", href, rest[2:], version)

    def _by_key(self, resource: Resource, key: str, request: Request) -> Record:
        if resource.name == "currencyRates":
            raise _nothing(request)
        found = self._lists.by(resource.name, "address", lambda record: address_key(resource, record)).get(key)
        if not found and resource.name == "salesOrdersForOrderHub":
            found = self._lists.by(resource.name, "HeaderId", lambda record: str(record.get("HeaderId"))).get(key)
        if not found:
            raise _nothing(request)
        return found[-1]

    def _below(
        self, request: Request, resource: Resource, record: Record, own: str, href: str, rest: list[str], version: int,
    ) -> Response:
        """A record, or what is under it: children to any depth, actions."""
        if not rest:
            return self._record(request, resource, record, href, version)
        if rest[0] == "action" and len(rest) == 2:
            return self._record_action(request, resource, record, rest[1])
        child = resource.children.get(rest[1]) if rest[0] == "child" and len(rest) >= 2 else None
        if child is None:
            raise _nothing(request)
        child_href = f"{own}/child/{child.name}"
        if len(rest) == 2:
            return self._child_collection(request, resource, record, child, child_href, own, version)
        members = self._activity(record, child.name) if resource.name in _ACTIVITIES else self._members(resource, record, child.name)
        member = next((one for one in members if address_key(child, one) == rest[2]), None)
        if member is None:
            raise _nothing(request)
        if len(rest) > 3:
            if request.method != "GET":
                raise _method(request, child)
            return self._below(request, child, member, f"{child_href}/{quote(rest[2], safe=':')}", child_href, rest[3:], version)
        if request.method == "GET":
            parsed = asked(request, child, version, is_list=False, max_page=self._settings.max_page)
            return self._single(request, child, member, child_href, parsed, own)
        if request.method not in child.methods or request.method not in ("PATCH", "DELETE"):
            raise _method(request, child)
        _may_change(request, member)
        if request.method == "DELETE":
            self._writer.delete_child(resource, record, child, member)
            return Response(204)
        changed = self._writer.update_child(resource, record, child, member, _payload(request, _ITEM_TYPE))
        return self._single(request, child, changed, child_href, Asked(version, Shape()), own, is_write=True)

    # --- collections --------------------------------------------------------------------------------------------------

    def _collection(self, request: Request, resource: Resource, href: str, version: int) -> Response:
        if request.method == "POST" and "POST" in resource.methods:
            upsert = request.headers.get("upsert-mode", "false").strip().lower() == "true"
            if upsert and not resource.upsert:
                raise Refusal(400, f"Upsert-Mode is not supported on {resource.name}.", "JBO-29114")
            record, is_new = self._writer.create(resource, _payload(request, _ITEM_TYPE), upsert=upsert)
            answer = self._single(request, resource, record, href, Asked(version, Shape(None, _written(resource))), is_write=True)
            answer.status = 201 if is_new else 200
            answer.headers["location"] = f"{href}/{quote(address_key(resource, record), safe=':')}"
            return answer
        if request.method != "GET" or resource.unlisted:
            raise _method(request, resource)
        parsed = asked(request, resource, version, is_list=True, max_page=self._settings.max_page)
        chosen = self._filter(resource, parsed)
        order = parsed.order or _as_it_comes(resource)
        total = None
        if resource.name == "currencyRates":
            rows = self._rates(parsed.finder)
            found = select(rows, order, None, parsed.limit, parsed.offset)
            total = len(rows)
        else:
            mark = f"{version} {parsed.q} {parsed.finder}"
            found = self._lists.page(resource.name, order, chosen, mark, parsed.limit, parsed.offset)
            if parsed.with_total:
                total = self._lists.count(resource.name, chosen, mark)
        items = [self._answers.item(resource, self._finished(resource, record), href, parsed, parsed.shape) for record in found.rows]
        content = self._answers.envelope(
            resource, items, href, parsed, found.has_more, parsed.limit, parsed.offset, total if parsed.with_total else None)
        return json_response(content, 200, _version_header(version), is_write=False, content_type=_content_type(request, _LIST_TYPE))

    def _child_collection(
        self, request: Request, resource: Resource, record: Record, child: Resource, href: str, own: str, version: int,
    ) -> Response:
        if request.method == "POST" and "POST" in child.methods:
            made = self._writer.create_child(resource, record, child, _payload(request, _ITEM_TYPE))
            answer = self._single(request, child, made, href, Asked(version, Shape()), own, is_write=True)
            answer.status = 201
            answer.headers["location"] = f"{href}/{quote(address_key(child, made), safe=':')}"
            return answer
        if request.method != "GET":
            raise _method(request, child)
        parsed = asked(request, child, version, is_list=True, max_page=self._settings.max_page)
        if resource.name in _ACTIVITIES:
            variable, attribute = _LIMITED[child.name]
            text = parsed.finder.values.get(variable, "") if parsed.finder else ""
            if text and not text.isdigit():
                raise Refusal(400, f"The value of {variable} is malformed.", "JBO-27102")
            is_by_key = parsed.finder is not None and parsed.finder.name == "PrimaryKey"
            rows: Sequence[Record] = self._within_days(
                self._activity(record, child.name), attribute, 300_000 if is_by_key else int(text) if text else _DAYS_BACK)
        else:
            rows = self._members(resource, record, child.name)
        chosen = self._filter(child, parsed)
        found = select(rows, parsed.order or _as_it_comes(child), chosen, parsed.limit, parsed.offset)
        total = sum(chosen is None or chosen.test(row) for row in rows) if parsed.with_total else None
        items = [self._answers.item(child, row, href, parsed, parsed.shape, own) for row in found.rows]
        content = self._answers.envelope(child, items, href, parsed, found.has_more, parsed.limit, parsed.offset, total)
        return json_response(content, 200, _version_header(version), is_write=False, content_type=_content_type(request, _LIST_TYPE))

    def _filter(self, resource: Resource, parsed: Asked) -> Filter | None:
        found: Filter | None = None
        if parsed.q.strip():
            asked_for = frozenset(name for name in resource.queryable if not self._answers.unseen(resource, name))
            kinds = {name: kind for name, kind in resource.kinds.items() if not self._answers.unseen(resource, name)}
            found = parse(parsed.q, kinds, asked_for, parsed.version)
        if parsed.finder is not None:
            for variable, value in parsed.finder.values.items():
                attribute = resource.finders[parsed.finder.name][variable]
                one = self._variable(resource, variable, value) if not attribute else _equals(attribute, value)
                if one is not None:
                    found = one if found is None else both(found, one)
        return found

    def _variable(self, resource: Resource, variable: str, value: str) -> Filter | None:
        """A finder variable that is no attribute of the row."""
        if variable == "SearchTerm":
            return like("Name", f"%{value}%")
        if resource.name == "shipments":
            attribute = _LINE_VARIABLES.get(variable, variable)
            lines = self._lists.by("shipmentLines", f"text {attribute}", lambda line: str(line.get(attribute))).get(value, [])
            named = {line.get("Shipment") for line in lines}
            return Filter(lambda record: record.get("Shipment") in named, {})
        if variable == "TransactionStatus" and value == "Open":
            return Filter(lambda record: bool(self._finished(resource, record).get("TotalTransactionsDueForAccount")), {})
        return None

    # --- single records -----------------------------------------------------------------------------------------------

    def _record(self, request: Request, resource: Resource, record: Record, href: str, version: int) -> Response:
        if request.method == "GET":
            parsed = asked(request, resource, version, is_list=False, max_page=self._settings.max_page)
            return self._single(request, resource, record, href, parsed)
        if request.method not in resource.methods or request.method not in ("PATCH", "DELETE"):
            raise _method(request, resource)
        _may_change(request, record)
        if request.method == "DELETE":
            self._writer.delete(resource, record)
            return Response(204)
        changed = self._writer.update(resource, record, _payload(request, _ITEM_TYPE))
        return self._single(request, resource, changed, href, Asked(version, Shape()), is_write=True)

    def _single(
        self, request: Request, resource: Resource, record: Record, href: str, parsed: Asked, parent: str = "", *, is_write: bool = False,
    ) -> Response:
        etag = f'"{change_indicator(record)}"'
        if not is_write and request.headers.get("if-none-match", "").strip() == etag:
            return Response(304, headers={"etag": etag}, is_write=False)
        body = self._answers.item(resource, self._finished(resource, record), href, parsed, parsed.shape, parent)
        headers = {"etag": etag, **_version_header(parsed.version)}
        return json_response(body, 200, headers, is_write=is_write, content_type=_content_type(request, _ITEM_TYPE))

    # --- actions, batches, descriptions -------------------------------------------------------------------------------

    def _action(self, request: Request, resource: Resource, name: str) -> Response:
        if name not in ("applyHold", "releaseHold", "findDuplicates") or name not in resource.actions:
            raise _nothing(request)
        if request.method != "POST":
            raise _method(request, replace(resource, methods=frozenset({"POST"})))
        payload = _payload(request, _ACTION_TYPE, only=True)
        if name == "findDuplicates":
            wanted = str(payload.get("OrganizationName") or payload.get("PersonName") or "").lower() if isinstance(payload, dict) else ""
            rows = [record for record in self._lists.all(resource.name)
                    if wanted and str(record.get("OrganizationName") or record.get("PersonName") or "").lower() == wanted]
            content: Record = {"result": [{"PartyId": row["PartyId"], "PartyNumber": row["PartyNumber"], "Score": 100} for row in rows]}
            return json_response(content, is_write=False, content_type=_ACTION_TYPE)
        return json_response(self._writer.holds(payload, release=name == "releaseHold"), content_type=_ACTION_TYPE)

    def _record_action(self, request: Request, resource: Resource, record: Record, name: str) -> Response:
        if resource.name != "receivablesInvoices" or name not in resource.actions:
            raise _nothing(request)
        if request.method != "POST":
            raise _method(request, replace(resource, methods=frozenset({"POST"})))
        _payload(request, _ACTION_TYPE, only=True)
        _may_change(request, record)
        self._writer.update(resource, record, {"InvoiceStatus": "Complete" if name == "approve" else "Incomplete"})
        return json_response({"result": "SUCCESS"}, content_type=_ACTION_TYPE)

    def _batch(self, request: Request) -> Response:
        """All parts or none: the first that fails is the answer, and what the others did is taken back."""
        if request.method != "POST":
            raise Refusal(405, "Method Not Allowed", "JBO-29110", headers={"allow": "POST"})
        content = _payload(request, _BATCH_TYPE, only=True)
        parts = content.get("parts") if isinstance(content, dict) else None
        if not isinstance(parts, list) or not parts or not all(isinstance(part, dict) for part in parts):
            raise Refusal(400, "The request body must have parts.", "JBO-29113")
        if len(parts) > self._settings.batch_parts:
            raise Refusal(400, f"A batch has at most {self._settings.batch_parts} parts.", "JBO-29113")
        self._undo, answered = [], []
        try:
            for part in parts:
                answered.append(self._part(request, part))
        except Refusal:
            changes, self._undo = self._undo, None
            for collection, key, before in reversed(changes):
                self._put(collection, key, before) if before is not None else self._drop(collection, key)
            self.store.take_effects()  # it never happened
            raise
        finally:
            self._undo = None
        is_write = any(str(part.get("operation")) != "get" for part in parts)
        return json_response({"parts": answered}, is_write=is_write, content_type=_BATCH_TYPE)

    def _part(self, request: Request, part: Record) -> Record:
        operation = str(part.get("operation", ""))
        if operation not in _BATCH_METHODS or not part.get("id") or not isinstance(part.get("path"), str):
            raise Refusal(400, "A part needs id, path and a known operation.", "JBO-29113")
        path, _, query = part["path"].partition("?")
        headers = {**request.headers, "content-type": _ACTION_TYPE if operation == "invoke" else _ITEM_TYPE}
        if operation == "upsert":
            headers["upsert-mode"] = "true"
        if part.get("ifMatch"):
            headers["if-match"] = str(part["ifMatch"])
        inner = Request(
            _BATCH_METHODS[operation], request.path.rstrip("/") + "/" + path.lstrip("/"), request.base_url,
            tuple(parse_qsl(query, keep_blank_values=True)), headers, orjson.dumps(part.get("payload", {})))
        answer = self._route(inner)
        return {
            "id": part["id"], "path": part["path"], "operation": operation,
            **({"payload": orjson.loads(answer.body)} if answer.body else {})}

    def _describe_all(self, request: Request, root: str, api: str) -> Response:
        _only_get(request)
        mode = request.param("metadataMode")
        if mode not in (None, "minimal"):
            raise Refusal(400, "URL request parameter metadataMode is not valid.", "JBO-29114")
        found: Record = {}
        for name, resource in RESOURCES.items():
            if resource.api == api and name not in self._settings.forbidden:
                whole = description(resource, f"{root}/{name}", self._answers.unseen)
                found[name] = {part: whole[part] for part in ("discrColumnType", "title", "titlePlural", "links")} if mode else whole
        return json_response({"Resources": found}, is_write=False, content_type="application/vnd.oracle.adf.description+json")


def _equals(attribute: str, value: str) -> Filter:
    if "%" in value:
        return like(attribute, value)
    return Filter(lambda record: str(record.get(attribute)) == value, {})


def _as_it_comes(resource: Resource) -> Order:
    """The order of a list that was not told one: newest change first here, so that a change moves rows between pages."""
    stamped = next((name for name in ("LastUpdateDateTime", "LastUpdateDate") if name in resource.attributes), "")
    return ((stamped, True),) if stamped else tuple((name, False) for name in resource.id)


def _written(resource: Resource) -> dict[str, Shape]:
    """The answer to a create shows the children that a client may send with it."""
    return {name: Shape() for name, child in resource.children.items() if "POST" in child.methods or child.name.lower().endswith("lines")}


def _nothing(request: Request) -> Refusal:
    return Refusal(404, "Not Found", "JBO-29112")


def _method(request: Request, resource: Resource) -> Refusal:
    return Refusal(405, f"The method {request.method} is not allowed here.", "JBO-29110", headers={"allow": ", ".join(sorted(resource.methods))})


def _only_get(request: Request) -> None:
    if request.method != "GET":
        raise Refusal(405, f"The method {request.method} is not allowed here.", "JBO-29110", headers={"allow": "GET"})


def _acceptable(request: Request) -> None:
    wanted = [part.split(";")[0].strip().lower() for part in request.headers.get("accept", "*/*").split(",") if part.strip()]
    if wanted and not any(one in ("*/*", "application/*", "application/json") or one.startswith("application/vnd.oracle.adf.") for one in wanted):
        raise Refusal(406, "Not Acceptable", "JBO-29111")


def _content_type(request: Request, own: str) -> str:
    wanted = [part.split(";")[0].strip().lower() for part in request.headers.get("accept", "*/*").split(",")]
    return "application/json" if "application/json" in wanted else own


def _version_header(version: int) -> dict[str, str]:
    return {"rest-framework-version": str(version)}


def _payload(request: Request, own: str, *, only: bool = False) -> Any:
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind != own and (only or kind != "application/json"):
        raise Refusal(415, f"The content type {kind or '(none)'} is not supported here.", "JBO-29116")
    try:
        return request.json()
    except orjson.JSONDecodeError:
        raise Refusal(400, "The request body is not valid JSON.", "JBO-29113") from None


def _may_change(request: Request, record: Record) -> None:
    wanted = request.headers.get("if-match")
    if wanted is None or wanted.strip() == "*":
        return
    current = change_indicator(record)
    if current not in {part.strip().removeprefix("W/").strip('"') for part in wanted.split(",")}:
        raise Refusal(412, "The resource was changed by another user.", "JBO-29117", headers={"etag": f'"{current}"'})
