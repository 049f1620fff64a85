"""What a write does to Fusion's records: create, change, upsert, delete, and the actions on orders. Reading and answering are not here."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any

from sandbox.oracle_fusion.catalogue import RESOURCES, Resource
from sandbox.oracle_fusion.errors import Refusal, invalid
from sandbox.oracle_fusion.expression import stamp
from sandbox.oracle_fusion.ids import number
from sandbox.oracle_fusion.records import BUSINESS_UNIT, LEGAL_ENTITY, ORGANIZATION, application_record, deleted_record, lean, totals
from sandbox.protocol import Clock, Store

Record = dict[str, Any]
Find = Callable[[str, str, Any], Record | None]  # collection, attribute, value
_FIRST = 500_000  # keys of records made by clients begin here
_ENTITY = {
    "hubOrganizations": "customer", "hubPersons": "contact", "itemsV2": "product", "salesOrdersForOrderHub": "order",
    "receivablesInvoices": "invoice", "receivablesCreditMemos": "credit_note", "standardReceipts": "payment",
}
_TYPES: Mapping[str, tuple[type, ...]] = {"s": (str,), "i": (int,), "n": (int, float), "b": (bool,), "d": (str,), "dt": (str,)}


class Writer:
    """`put` and `drop` store and remove one record; `find` looks one up by an attribute."""

    def __init__(
        self, store: Store, clock: Clock, user: str, find: Find, put: Callable[[str, str, Record], None], drop: Callable[[str, str], None],
    ) -> None:
        self._store, self._clock, self._user = store, clock, user
        self._find, self._put, self._drop = find, put, drop

    # --- entry points -------------------------------------------------------------------------------------------------

    def create(self, resource: Resource, payload: Any, *, upsert: bool) -> tuple[Record, bool]:
        """The stored record and whether it is new."""
        given = self._checked(resource, payload)
        if upsert:
            held = self._existing(resource, given)
            if held is not None:
                return self.update(resource, held, payload), False
        missing = [name for name in resource.required if given.get(name) is None]
        if missing:
            raise Refusal(400, f"Attribute {missing[0]} in {resource.name} is required.", "JBO-27014", f"/{missing[0]}")
        makers: dict[str, Callable[[Record], tuple[str, Record]]] = {
            "hubOrganizations": self._organization, "hubPersons": self._person, "itemsV2": self._item, "salesOrdersForOrderHub": self._order,
            "receivablesInvoices": self._invoice, "receivablesCreditMemos": self._credit_memo, "standardReceipts": self._receipt,
            "receivablesDisputes": self._dispute, "receivingReceiptRequests": self._receiving, "salesOrderActionRequests": self._mass_action,
            "salesOrdersForOrderHubRequests": self._staged_order,
        }
        key, record = makers[resource.name]({**given, **{name: value for name, value in self._created().items() if name in resource.attributes}})
        record = self._with_child_stamps(resource, lean(record))
        self._put(resource.name, key, record)
        if resource.name == "salesOrderActionRequests":  # it is carried out offline: the answer tells only that it was taken
            record = {name: value for name, value in record.items() if name not in ("OutcomeCode", "TotalRecords", "TotalPassed", "TotalFailed", "requests")}
            return {**record, "ProcessStatus": "PRE_PROCESSING"}, True
        return record, True

    def update(self, resource: Resource, record: Record, payload: Any) -> Record:
        given = self._checked(resource, payload)
        key = _store_key(resource, record)
        changed = {**record, **{name: value for name, value in given.items() if name not in resource.children}}
        changed |= {name: value for name, value in self._touched().items() if name in resource.attributes}
        if resource.name == "receivablesInvoices":
            self._may_change_invoice(record, given)
        elif resource.name == "salesOrdersForOrderHub":
            changed = self._changed_order(record, changed, given)
        elif resource.name == "standardReceipts" and given.get("ReversalDate"):
            changed |= {"State": "Reversed", "UnappliedAmount": 0}
            self._unapply(record)
        elif resource.name == "itemsV2":
            changed |= {"LastUpdateDateTime": changed["LastUpdateDate"]}
        elif resource.name == "hubOrganizations" and {"SourceSystem", "SourceSystemReferenceValue"} & given.keys():
            self._reference_is_free(resource, changed, str(changed["PartyId"]))
        for name in resource.children:
            if name in given:
                changed[name] = [*changed.get(name, []), *(self._child(resource.children[name], member, changed) for member in given[name])]
        if resource.name == "hubOrganizations":
            changed = self._address_of(changed, given)
        self._put(resource.name, key, lean(changed))
        return lean(changed)

    def delete(self, resource: Resource, record: Record) -> None:
        if resource.name in ("receivablesInvoices", "receivablesCreditMemos"):
            status = record.get("InvoiceStatus") or record.get("CreditMemoStatus")
            if status != "Incomplete":
                raise Refusal(400, "You can't delete a transaction that is complete.", "AR-855021")
        if resource.name == "salesOrdersForOrderHub" and record.get("SubmittedFlag"):
            raise Refusal(400, "You can't delete a sales order that was submitted.", "FOM-4515603")
        if resource.api == "crmRestApi":
            place = self._store.next_number("deleted", _FIRST)
            kind = "ORGANIZATION" if resource.name == "hubOrganizations" else "PERSON"
            gone = deleted_record(place, kind, record, stamp(self._clock.now()), self._user)
            self._put("deletedRecords", str(gone["DeletedRecordId"]), gone)
        if resource.name == "standardReceipts":
            self._unapply(record)
        self._drop(resource.name, _store_key(resource, record))

    def create_child(self, resource: Resource, record: Record, child: Resource, payload: Any) -> Record:
        if resource.name == "salesOrdersForOrderHub" and child.name == "lines":
            return self._revised_line(resource, record, self._checked(child, payload), None)
        if child.name == "receivablesInvoiceLines":
            self._may_change_invoice(record, {child.name: []})
            [made] = self._lines([self._checked(child, payload)], "Quantity", "UnitSellingPrice", "LineAmount")
            made = lean({**made, "LineNumber": len(record.get(child.name, [])) + 1, **self._created()})
            self._put(resource.name, _store_key(resource, record), _with_lines(record, [*record.get(child.name, []), made]))
            return made
        made = self._child(child, self._checked(child, payload), record)
        self._put(resource.name, _store_key(resource, record), {
            **record, child.name: [*record.get(child.name, []), made], **self._touched_by_child(resource)})
        return made

    def update_child(self, resource: Resource, record: Record, child: Resource, member: Record, payload: Any) -> Record:
        given = self._checked(child, payload)
        if resource.name == "receivablesInvoices" and child.name == "receivablesInvoiceLines" and record.get("InvoiceStatus") != "Incomplete":
            raise Refusal(400, "You can't change the lines of a complete transaction.", "AR-855022")
        if resource.name == "salesOrdersForOrderHub" and child.name == "lines":
            return self._revised_line(resource, record, given, member)
        changed = {**member, **given, **self._touched()}
        if child.name == "receivablesInvoiceLines":
            changed["LineAmount"] = round((changed.get("Quantity") or 1) * changed["UnitSellingPrice"], 6)
            self._put(resource.name, _store_key(resource, record), _with_lines(
                record, [changed if one is member else one for one in record[child.name]]))
            return changed
        self._put(resource.name, _store_key(resource, record), {
            **record, child.name: [changed if one is member else one for one in record.get(child.name, [])], **self._touched_by_child(resource)})
        return changed

    def _revised_line(self, resource: Resource, record: Record, given: Record, member: Record | None) -> Record:
        """A line is added or changed by a revision of its order."""
        names = {line["SourceTransactionLineId"] for line in record.get("lines", [])}
        line = {**given, "SourceTransactionLineId": member["SourceTransactionLineId"]} if member is not None else {
            "SourceTransactionLineId": str(len(names) + 1), **given}
        if member is None and line["SourceTransactionLineId"] in names:
            raise Refusal(400, "The sales order has a line with this source line id already.", "FOM-4515505", "/SourceTransactionLineId")
        changed = self.update(resource, record, {"lines": [line]})
        return next(one for one in changed["lines"] if one["SourceTransactionLineId"] == line["SourceTransactionLineId"])

    def delete_child(self, resource: Resource, record: Record, child: Resource, member: Record) -> None:
        self._put(resource.name, _store_key(resource, record), {
            **record, child.name: [one for one in record.get(child.name, []) if one is not member], **self._touched_by_child(resource)})

    # --- holds on orders ----------------------------------------------------------------------------------------------

    def holds(self, payload: Any, *, release: bool) -> Record:
        """Each request has its own result; one that cannot be done does not stop the others."""
        requests = payload.get("holdRequests") if isinstance(payload, dict) else None
        if not isinstance(requests, list) or not requests or not all(isinstance(one, dict) for one in requests):
            raise Refusal(400, "The holdRequests parameter is required.", "JBO-27014", "/holdRequests")
        results = []
        for one in requests:
            try:
                self._release(one) if release else self._apply(one)
                results.append({**_named(one), "ReturnStatus": "SUCCESS", "MessageText": None})
            except Refusal as refusal:
                results.append({**_named(one), "ReturnStatus": "ERROR", "MessageText": f"{refusal.code}: {refusal.detail}"})
        return {"result": {"ReturnStatus": "SUCCESS" if all(one["ReturnStatus"] == "SUCCESS" for one in results) else "ERROR", "holdRequests": results}}

    def _mass_action(self, given: Record) -> tuple[str, Record]:
        """One action on many orders or fulfillment lines: each has its own outcome."""
        wanted = given.get("requests") or [one for one in ({name: given[name] for name in ("HeaderId", "FulfillLineId") if given.get(name)},) if one]
        if not wanted:
            raise Refusal(400, "Attribute requests in salesOrderActionRequests is required.", "JBO-27014", "/requests")
        code = given["ActionCode"]
        # the documented code is the one that submits; those of holds are known by their words
        kind = "submit" if code == "ORA_FOM_SUBMIT_ORDER" else "release" if "RELEASE" in code and "HOLD" in code else "apply" if "HOLD" in code else ""
        if not kind:
            raise invalid("ActionCode")
        done = []
        for one in wanted:
            told = {name: one[name] for name in ("HeaderId", "FulfillLineId") if one.get(name) is not None}
            try:
                self._act(kind, given, told)
                outcome: Record = {"OutcomeCode": "SUCCESS"}
            except Refusal as refusal:
                outcome = {"OutcomeCode": "ERROR", "SummaryMessageText": f"{refusal.code}: {refusal.detail}"}
            done.append({
                **told, "ActionCode": code, "ActionRequestId": self._number("child action request"), "MassActionFlag": True,
                "ActionRequestTrackingId": one.get("ActionRequestTrackingId", given["ActionRequestTrackingId"]), "RequestStatus": "COMPLETED", **outcome})
        passed, id = sum(one["OutcomeCode"] == "SUCCESS" for one in done), self._number("action request")
        return str(id), {
            **given, "ActionRequestId": id, "MassActionFlag": True, "ProcessId": self._store.next_number("process", _FIRST),
            "ProcessStatus": "COMPLETED", "OutcomeCode": "SUCCESS" if passed == len(done) else "ERROR" if not passed else "WARNING",
            "TotalRecords": len(done), "TotalPassed": passed, "TotalFailed": len(done) - passed, "requests": done}

    def _act(self, kind: str, given: Record, told: Record) -> None:
        line = told.get("FulfillLineId")
        order = self._find("salesOrdersForOrderHub", "HeaderId", told["HeaderId"]) if "HeaderId" in told else next((
            order for order in self._store.collection("salesOrdersForOrderHub").values()
            if any(held["FulfillLineId"] == line for held in order.get("lines", ()))), None)
        if order is None:
            raise Refusal(400, "The sales order was not found.", "FOM-4515011")
        if kind == "submit":
            if order.get("SubmittedFlag"):
                raise Refusal(400, "The sales order is submitted already.", "FOM-4515601")
            self.update(RESOURCES["salesOrdersForOrderHub"], order, {"SubmittedFlag": True})
            return
        one = {
            "SourceTransactionSystem": order["SourceTransactionSystem"], "SourceTransactionId": order["SourceTransactionId"], "FulfillLineId": line,
            "HoldCode": given.get("HoldCode"), "HoldReleaseReasonCode": given.get("ReleaseReasonCode")}
        if kind == "release":
            self._release({**one, "HoldReleaseComments": given.get("Comments")})
        else:
            self._apply({**one, "HoldComments": given.get("Comments")})

    def _staged_order(self, given: Record) -> tuple[str, Record]:
        """A row of the import interface. It waits there for the import; no order comes of the request itself."""
        key = f"{given['SourceTransactionSystem']}:{given['SourceTransactionId']}"
        if self._find("salesOrdersForOrderHubRequests", "OrderKey", key) is not None:
            raise Refusal(400, "A request with this source transaction system and id exists already.", "FOM-4515500", "/SourceTransactionId")
        lines = [{"SourceTransactionLineId": str(place), "SourceTransactionScheduleId": "1", **one} for place, one in enumerate(given.get("lines", []), 1)]
        return key, {**given, "OrderKey": key, "OrderRequestId": self._number("order request"), "lines": lines}

    def _held_order(self, one: Record) -> Record:
        for name in ("SourceTransactionSystem", "SourceTransactionId", "HoldCode"):
            if not one.get(name):
                raise Refusal(400, f"The value of {name} is required.", "FOM-4515010", f"/{name}")
        order = self._find("salesOrdersForOrderHub", "OrderKey", f"{one['SourceTransactionSystem']}:{one['SourceTransactionId']}")
        if order is None:
            raise Refusal(400, "The sales order was not found.", "FOM-4515011")
        return order

    def _apply(self, one: Record) -> None:
        order = self._held_order(one)
        line = one.get("FulfillLineId")
        if any(hold["HoldCode"] == one["HoldCode"] and hold.get("FulfillLineId") == line and not hold.get("ReleaseDate") for hold in order.get("holds", ())):
            raise Refusal(400, "The hold is applied already.", "FOM-4515012")
        now = stamp(self._clock.now())
        hold = lean({
            "HoldInstanceId": self._number("hold"), "HoldCode": one["HoldCode"], "HoldName": one["HoldCode"].replace("_", " ").title(),
            "HoldComments": one.get("HoldComments"), "AppliedBy": self._user, "ApplyDate": now, "ApplySystem": one["SourceTransactionSystem"],
            "TransactionEntityName": "DOO_ORDER_FLINE" if line else "DOO_ORDER_HEADER", "FulfillLineId": line})
        self._set_holds(order, [*order.get("holds", []), hold])

    def _release(self, one: Record) -> None:
        if not (one.get("HoldReleaseReasonCode") or one.get("HoldReleaseReason")):
            raise Refusal(400, "The value of HoldReleaseReasonCode is required.", "FOM-4515013", "/HoldReleaseReasonCode")
        order = self._held_order(one)
        now, found, holds = stamp(self._clock.now()), False, []
        for hold in order.get("holds", ()):
            if hold["HoldCode"] == one["HoldCode"] and hold.get("FulfillLineId") == one.get("FulfillLineId") and not hold.get("ReleaseDate"):
                found = True
                hold = lean({
                    **hold, "ReleaseDate": now, "ReleasedBy": self._user,
                    "HoldReleaseReasonCode": one.get("HoldReleaseReasonCode") or one.get("HoldReleaseReason"),
                    "HoldReleaseComments": one.get("HoldReleaseComments")})
            holds.append(hold)
        if not found:
            raise Refusal(400, "There is no such hold to release.", "FOM-4515014")
        self._set_holds(order, holds)

    def _set_holds(self, order: Record, holds: list[Record]) -> None:
        active = [hold for hold in holds if not hold.get("ReleaseDate")]
        on_header = any("FulfillLineId" not in hold for hold in active)
        held = {hold.get("FulfillLineId") for hold in active}
        lines = [{**line, "OnHoldFlag": on_header or line["FulfillLineId"] in held} for line in order.get("lines", [])]
        self._put("salesOrdersForOrderHub", str(order["HeaderId"]), {
            **order, "holds": holds, "lines": lines, "OnHoldFlag": bool(active), **self._touched()})

    # --- checks -------------------------------------------------------------------------------------------------------

    def _checked(self, resource: Resource, payload: Any) -> Record:
        if not isinstance(payload, dict):
            raise Refusal(400, "The request body must be a JSON object.", "JBO-29113")
        found: Record = {}
        for name, value in payload.items():
            if name in resource.children:
                members = value.get("items") if isinstance(value, dict) else value
                if not isinstance(members, list):
                    raise invalid(name)
                found[name] = [self._checked(resource.children[name], member) for member in members]
                continue
            attribute = resource.attributes.get(name)
            if attribute is None:
                raise Refusal(400, f"The attribute {name} isn't defined on {resource.name}.", "JBO-25058", f"/{name}")
            if not attribute.writable and name not in resource.id and name != "PartyId":
                raise Refusal(400, f"Attribute {name} in {resource.name} can't be updated.", "JBO-27008", f"/{name}")
            found[name] = self._typed(attribute.kind, name, value)
        return found

    def _typed(self, kind: str, name: str, value: Any) -> Any:
        if value is None:
            return None
        if kind == "i" and isinstance(value, str) and value.isdigit():
            return int(value)
        if not _is_of(kind, value):
            raise invalid(name)
        try:
            if kind == "d":
                return date.fromisoformat(value[:10]).isoformat()
            if kind == "dt":
                at = datetime.fromisoformat(value.replace("Z", "+00:00"))
                return stamp(at if at.tzinfo else at.replace(tzinfo=UTC))
        except ValueError:
            raise invalid(name) from None
        return value

    def _existing(self, resource: Resource, given: Record) -> Record | None:
        for names in resource.upsert:
            if all(given.get(name) is not None for name in names):
                held = self._find(resource.name, names[0], given[names[0]]) if len(names) == 1 else next((
                    record for record in self._store.collection(resource.name).values() if all(record.get(name) == given[name] for name in names)), None)
                if held is not None:
                    return held
        return None

    def _created(self) -> Record:
        now = stamp(self._clock.now())
        return {"CreatedBy": self._user, "CreationDate": now, "LastUpdatedBy": self._user, "LastUpdateDate": now}

    def _touched(self) -> Record:
        return {"LastUpdatedBy": self._user, "LastUpdateDate": stamp(self._clock.now())}

    def _touched_by_child(self, resource: Resource) -> Record:
        """A changed child does not move the stamp of a financial document; parties and orders do move."""
        return self._touched() if resource.api == "crmRestApi" or resource.name == "salesOrdersForOrderHub" else {}

    def _with_child_stamps(self, resource: Resource, record: Record) -> Record:
        for name, child in resource.children.items():
            members = record.get(name)
            if members:
                stamps = self._created() if "LastUpdateDate" in child.attributes else {}
                record = {**record, name: [self._with_child_stamps(child, lean({**stamps, **member})) for member in members]}
        return record

    def _number(self, kind: str) -> int:
        if kind in _ENTITY.values():
            return number(kind, self._store.next_number(kind, _FIRST))
        return 300_900_000_000_000 + self._store.next_number(kind, _FIRST)

    def _child(self, child: Resource, given: Record, record: Record) -> Record:
        made = {**given}
        for name in child.id:
            if made.get(name) is None and child.attributes[name].kind == "i":
                made[name] = self._number(f"child {child.name}")
        for name in ("PartyId", "PartyNumber", "HeaderId"):
            if name in child.attributes and made.get(name) is None:
                made[name] = record.get(name)
        if child.name == "Address":
            made.setdefault("LocationId", made["AddressId"])
            made.setdefault("AddressNumber", f"{record.get('PartyNumber')}-{len(record.get('Address', [])) + 1}")
            made.setdefault("Status", "A")
            made.setdefault("PrimaryFlag", not record.get("Address"))
        if "LastUpdateDate" in child.attributes:
            made |= self._created()
        return lean(made)

    # --- parties and items --------------------------------------------------------------------------------------------

    def _reference_is_free(self, resource: Resource, given: Record, own: str = "") -> None:
        system, value = given.get("SourceSystem"), given.get("SourceSystemReferenceValue")
        if not (system and value):
            return
        for key, record in self._store.collection(resource.name).items():
            if key != own and (record.get("SourceSystem"), record.get("SourceSystemReferenceValue")) == (system, value):
                raise Refusal(400, "A party with this source system reference exists already.", "HZ-120005", "/SourceSystemReferenceValue")

    def _organization(self, given: Record) -> tuple[str, Record]:
        return self._new_party("hubOrganizations", given, {"PartyUsageCode": "CUSTOMER"})

    def _person(self, given: Record) -> tuple[str, Record]:
        employer: Record | None = None
        for name, attribute in (("OrganizationPartyNumber", "PartyNumber"), ("OrganizationPartyId", "PartyId")):
            if given.get(name) is not None:
                employer = self._find("hubOrganizations", attribute, given[name])
                if employer is None:
                    raise invalid(name, "HZ-120012")
        of_employer = {} if employer is None else {
            "OrganizationPartyId": employer["PartyId"], "OrganizationPartyNumber": employer["PartyNumber"],
            "OrganizationPartyName": employer.get("OrganizationName")}
        name = " ".join(filter(None, (given.get("FirstName"), given.get("LastName"))))
        return self._new_party("hubPersons", given, {"PartyUsageCode": "CONTACT", "PersonName": name, **of_employer})

    def _new_party(self, collection: str, given: Record, defaults: Record) -> tuple[str, Record]:
        resource = RESOURCES[collection]
        if given.get("PartyNumber") and self._find(collection, "PartyNumber", given["PartyNumber"]) is not None:
            raise Refusal(400, "A party with this number exists already.", "HZ-120006", "/PartyNumber")
        self._reference_is_free(resource, given)
        party = self._number(_ENTITY[collection])
        record: Record = {
            **defaults, "Status": "A", "ThirdPartyFlag": False, "ValidatedFlag": False,
            **{name: value for name, value in given.items() if name not in resource.children}, "PartyId": party}
        record.setdefault("PartyNumber", str(party))
        for name, child in resource.children.items():
            record[name] = [self._child(child, member, record) for member in given.get(name, [])]
        if collection == "hubOrganizations":
            record["OrganizationInformation"] = [{"OrganizationProfileId": party}]
            record = self._address_of(record, given)
        if record.get("SourceSystemReferenceValue"):
            record["SourceSystemReference"] = [self._child(resource.children["SourceSystemReference"], {
                "SourceSystem": record.get("SourceSystem"), "SourceSystemReferenceValue": record["SourceSystemReferenceValue"], "Status": "A"}, record)]
        return str(party), record

    def _address_of(self, record: Record, given: Record) -> Record:
        """The party shows its primary address on top; an address given there is that address."""
        names = ("Address1", "Address2", "Address3", "Address4", "City", "County", "State", "Province", "PostalCode", "Country")
        addresses = record.get("Address", [])
        given_on_top = {name: given[name] for name in names if name in given}
        if given_on_top and addresses:
            first = {**addresses[0], **given_on_top, **self._touched()}
            return {**record, "Address": [first, *addresses[1:]]}
        if addresses:
            return {**record, **{name: addresses[0].get(name) for name in names}}
        return record

    def _item(self, given: Record) -> tuple[str, Record]:
        if given["OrganizationCode"] != ORGANIZATION["OrganizationCode"]:
            raise invalid("OrganizationCode", "EGP-2775004")
        if self._find("itemsV2", "ItemNumber", given["ItemNumber"]) is not None:
            raise Refusal(400, "An item with this number exists already.", "EGP-2775001", "/ItemNumber")
        item = self._number("product")
        return str(item), {
            "ItemStatusValue": "Active", "ApprovalStatusValue": "Approved", **given, "ItemId": item, "OrganizationId": ORGANIZATION["OrganizationId"],
            "CreationDateTime": given["CreationDate"], "LastUpdateDateTime": given["LastUpdateDate"], "CreationDate": given["CreationDate"][:10]}

    # --- orders -------------------------------------------------------------------------------------------------------

    def _order(self, given: Record) -> tuple[str, Record]:
        system, source = given["SourceTransactionSystem"], given["SourceTransactionId"]
        if self._find("salesOrdersForOrderHub", "OrderKey", f"{system}:{source}") is not None:
            raise Refusal(400, "A sales order with this source transaction system and id exists already.", "FOM-4515500", "/SourceTransactionId")
        party = None
        for name, attribute in (("BuyingPartyNumber", "PartyNumber"), ("BuyingPartyId", "PartyId")):
            if given.get(name) is not None:
                party = self._find("hubOrganizations", attribute, given[name])
                if party is None:
                    raise invalid(name, "FOM-4515501")
        if party is None:
            raise Refusal(400, "Attribute BuyingPartyNumber in salesOrdersForOrderHub is required.", "JBO-27014", "/BuyingPartyNumber")
        if BUSINESS_UNIT["name"] != given.get("RequestingBusinessUnitName") and BUSINESS_UNIT["id"] != given.get("RequestingBusinessUnitId"):
            raise invalid("RequestingBusinessUnitName", "FOM-4515502")
        for name in ("billToCustomer", "shipToCustomer", "lines"):
            if not given.get(name):
                raise Refusal(400, f"Attribute {name} in salesOrdersForOrderHub is required.", "JBO-27014", f"/{name}")
        header = self._number("order")
        submitted = bool(given.get("SubmittedFlag"))
        lines = [self._order_line(header, line, place, submitted) for place, line in enumerate(given["lines"], 1)]
        is_return = all(line["TransactionCategoryCode"] == "RETURN" for line in lines)
        currency = given["TransactionalCurrencyCode"]
        record = {
            "SourceTransactionRevisionNumber": 1, "FreezePriceFlag": False, "FreezeShippingChargeFlag": False, "FreezeTaxFlag": False,
            "PreCreditCheckedFlag": False, "TransactionTypeCode": "STD", **given, "HeaderId": header, "OrderKey": f"{system}:{source}",
            "OrderNumber": str(self._store.next_number("order number", 700_001)), "BuyingPartyId": party["PartyId"],
            "BuyingPartyName": party.get("OrganizationName"), "BuyingPartyNumber": party["PartyNumber"],
            "RequestingBusinessUnitId": BUSINESS_UNIT["id"], "RequestingBusinessUnitName": BUSINESS_UNIT["name"],
            "RequestingLegalEntityId": LEGAL_ENTITY["LegalEntityId"], "RequestingLegalEntity": LEGAL_ENTITY["Name"],
            "TransactionDocumentTypeCode": "SO", "SubmittedFlag": submitted, "SubmittedBy": self._user if submitted else None,
            "SubmittedDate": given["CreationDate"] if submitted else None, "StatusCode": "OPEN" if submitted else "DOO_DRAFT",
            "Status": "Processing" if submitted else "Draft", "OpenFlag": True, "OnHoldFlag": False, "CanceledFlag": False, "holds": [],
            "lines": lines, "totals": totals(header, currency, sum(line["ExtendedAmount"] for line in lines), 0.0),
            "billToCustomer": [self._bill_to(one) for one in given["billToCustomer"]],
        }
        if is_return:
            record["TransactionType"] = "Return Orders"
        return str(header), record

    def _bill_to(self, given: Record) -> Record:
        for name, attribute in (("AccountNumber", "AccountNumber"), ("CustomerAccountId", "AccountId")):
            if given.get(name) is not None:
                account = self._find("receivablesCustomerAccountActivities", attribute, given[name])
                if account is None:
                    raise invalid(name, "FOM-4515503")
                return {**given, "AccountNumber": account["AccountNumber"], "CustomerAccountId": account["AccountId"], "PartyName": account.get("CustomerName")}
        raise Refusal(400, "Attribute CustomerAccountId in billToCustomer is required.", "JBO-27014", "/billToCustomer")

    def _order_line(self, header: int, given: Record, place: int, submitted: bool) -> Record:
        item = self._find("itemsV2", "ItemNumber", given["ProductNumber"]) if given.get("ProductNumber") else (
            self._find("itemsV2", "ItemId", given.get("ProductId")))
        if item is None:
            raise invalid("ProductNumber", "FOM-4515504")
        if given.get("OrderedQuantity") is None:
            raise Refusal(400, "Attribute OrderedQuantity in lines is required.", "JBO-27014", "/OrderedQuantity")
        price = given.get("UnitSellingPrice") if given.get("UnitSellingPrice") is not None else item.get("ListPrice", 0)
        is_return = given.get("TransactionCategoryCode", "ORDER") == "RETURN"
        code = ("AWAIT_RECEIPT", "Awaiting Receipt") if is_return else ("AWAIT_SHIP", "Awaiting Shipping")
        id = self._number("child lines")
        return {
            "SourceTransactionLineId": str(place), "SourceTransactionLineNumber": str(place), "SourceTransactionScheduleId": "1",
            "TransactionCategoryCode": "ORDER", "OrderedUOM": "Each", "OrderedUOMCode": "Ea", **given, "HeaderId": header, "LineId": id,
            "FulfillLineId": id, "LineNumber": str(place), "DisplayLineNumber": str(place), "ProductId": item["ItemId"],
            "ProductNumber": item["ItemNumber"], "ProductDescription": item.get("ItemDescription"), "UnitListPrice": item.get("ListPrice"),
            "UnitSellingPrice": price, "ExtendedAmount": round(price * given["OrderedQuantity"], 6),
            "StatusCode": code[0] if submitted else "DOO_DRAFT", "Status": code[1] if submitted else "Draft", "OnHoldFlag": False,
            "OpenFlag": True, "CanceledFlag": False, "InvoiceInterfacedFlag": False, **self._created()}

    def _changed_order(self, record: Record, changed: Record, given: Record) -> Record:
        """A submitted order is changed by a revision; lines are known by their source line id."""
        if record["StatusCode"] in ("CLOSED", "CANCELED"):
            raise Refusal(400, "You can't revise a sales order that is closed or canceled.", "FOM-4515600")
        lines = list(record.get("lines", []))
        for one in given.pop("lines", []):
            place = next((place for place, line in enumerate(lines) if line["SourceTransactionLineId"] == one.get("SourceTransactionLineId")), None)
            if place is None:
                lines.append(self._order_line(record["HeaderId"], one, len(lines) + 1, bool(record.get("SubmittedFlag"))))
            else:
                line = {**lines[place], **one, **self._touched()}
                lines[place] = {**line, "ExtendedAmount": round(line["UnitSellingPrice"] * line["OrderedQuantity"], 6)}
        if given.get("CanceledFlag"):
            lines = [{**line, "StatusCode": "CANCELED", "Status": "Canceled", "CanceledFlag": True, "OpenFlag": False} for line in lines]
            changed |= {"StatusCode": "CANCELED", "Status": "Canceled", "OpenFlag": False}
        elif given.get("SubmittedFlag") and not record.get("SubmittedFlag"):
            changed |= {"StatusCode": "OPEN", "Status": "Processing", "SubmittedBy": self._user, "SubmittedDate": changed["LastUpdateDate"]}
            lines = [{**line, "StatusCode": "AWAIT_SHIP", "Status": "Awaiting Shipping"} for line in lines]
        if record.get("SubmittedFlag"):
            changed["SourceTransactionRevisionNumber"] = record.get("SourceTransactionRevisionNumber", 1) + 1
        tax = next((total["TotalAmount"] for total in record.get("totals", ()) if total["TotalCode"] == "QP_TOTAL_TAX"), 0.0)
        net = sum(line["ExtendedAmount"] for line in lines)
        return {**changed, "lines": lines, "totals": totals(record["HeaderId"], record["TransactionalCurrencyCode"], net, tax)}

    # --- receivables --------------------------------------------------------------------------------------------------

    def _account(self, given: Record, name: str, code: str) -> Record:
        account = self._find("receivablesCustomerAccountActivities", "AccountNumber", given[name])
        if account is None:
            raise invalid(name, code)
        if given["BusinessUnit"] != BUSINESS_UNIT["name"]:
            raise invalid("BusinessUnit", "AR-855120")
        return account

    def _lines(self, lines: list[Record], quantity: str, price: str, total: str) -> list[Record]:
        made = []
        for place, line in enumerate(lines, 1):
            if line.get(price) is None:
                raise Refusal(400, f"Attribute {price} is required.", "JBO-27014", f"/{price}")
            count = line.get(quantity) if line.get(quantity) is not None else 1
            made.append({
                "LineNumber": place, **line, quantity: count, "CustomerTransactionLineId": self._number("child line"),
                total: round(count * line[price], 6), "LineAmountIncludesTax": "N"})
        return made

    def _invoice(self, given: Record) -> tuple[str, Record]:
        account = self._account(given, "BillToCustomerNumber", "AR-855123")
        id = self._number("invoice")
        lines = self._lines(given.get("receivablesInvoiceLines", []), "Quantity", "UnitSellingPrice", "LineAmount")
        total = round(sum(line["LineAmount"] for line in lines), 6)
        due = self._due(given)
        return str(id), {
            "InvoiceStatus": "Incomplete", "Intercompany": "N", "AllowCompletion": "Y", "AccountingDate": given["TransactionDate"],
            "BillingDate": given["TransactionDate"], "InvoicePrinted": "N", "LegalEntityIdentifier": LEGAL_ENTITY["LegalEntityIdentifier"],
            "TransactionNumber": str(self._store.next_number("transaction number", 800_001)), **given, "CustomerTransactionId": id,
            "BillToPartyId": account["CustomerId"], "BillToCustomerName": account.get("CustomerName"), "DueDate": due, "EnteredAmount": total,
            "InvoiceBalanceAmount": total, "receivablesInvoiceLines": lines, "receivablesInvoiceDistributions": [],
            "receivablesInvoiceInstallments": [{
                "InstallmentId": self._number("child installment"), "InstallmentSequenceNumber": 1, "InstallmentDueDate": due, "OriginalAmount": total,
                "InstallmentBalanceDue": total, "AccountedBalanceDue": total, "AmountPaid": 0, "InstallmentAmountCredited": 0,
                "InstallmentAmountAdjusted": 0, "DisputeAmount": 0, "InstallmentStatus": "Open", "PaymentDaysLate": 0, "ExcludeFromCollections": "N"}],
        }

    def _due(self, given: Record) -> str:
        match = re.match(r"(\d+)", given.get("PaymentTerms") or "0")
        return date.fromordinal(date.fromisoformat(given["TransactionDate"]).toordinal() + int(match[1] if match else 0)).isoformat()

    def _may_change_invoice(self, record: Record, given: Record) -> None:
        status = given.get("InvoiceStatus")
        if status is not None and status not in ("Complete", "Incomplete", "Frozen"):
            raise invalid("InvoiceStatus", "AR-855125")
        amounts = {"InvoiceCurrencyCode", "BillToCustomerNumber", "receivablesInvoiceLines", "TransactionDate"}
        if record.get("InvoiceStatus") != "Incomplete" and amounts & given.keys():
            raise Refusal(400, "You can't change this attribute of a complete transaction.", "AR-855022", f"/{sorted(amounts & given.keys())[0]}")

    def _credit_memo(self, given: Record) -> tuple[str, Record]:
        account = self._account(given, "BillToCustomerNumber", "AR-855123")
        lines = self._lines(given.get("receivablesCreditMemoLines", []), "LineQuantityCredit", "UnitSellingPrice", "LineAmountCredit")
        if not lines:
            raise Refusal(400, "A credit memo needs at least one line.", "JBO-27014", "/receivablesCreditMemoLines")
        id, total = self._number("credit_note"), round(sum(line["LineAmountCredit"] for line in lines), 6)
        if total > 0:
            raise Refusal(400, "The amount of a credit memo must be negative.", "AR-855301", "/receivablesCreditMemoLines")
        return str(id), {
            "CreditMemoStatus": "Complete", "AllowCompletion": "Y", "Intercompany": "N", "AccountingDate": given["TransactionDate"],
            "BillingDate": given["TransactionDate"], "LegalEntityIdentifier": LEGAL_ENTITY["LegalEntityIdentifier"],
            "TransactionNumber": str(self._store.next_number("transaction number", 800_001)), **given, "CustomerTransactionId": id,
            "BillToCustomerName": account.get("CustomerName"), "EnteredAmount": total, "TransactionBalanceDue": total,
            "receivablesCreditMemoLines": lines, "receivablesCreditMemoDistributions": []}

    def _dispute(self, given: Record) -> tuple[str, Record]:
        invoice = self._find("receivablesInvoices", "CustomerTransactionId", given["CustomerTransactionId"]) if (
            given.get("CustomerTransactionId") is not None) else self._find("receivablesInvoices", "TransactionNumber", given.get("TransactionNumber"))
        if invoice is None:
            raise invalid("CustomerTransactionId", "AR-855401")
        value = given.get("DisputeAmount")
        lines = given.get("receivablesDisputeLines", [])
        if value is None and given.get("DisputePercentage"):
            value = round(invoice["EnteredAmount"] * float(given["DisputePercentage"]) / 100, 6)
        if value is None and lines:
            value = round(sum(line.get("LineDisputeAmount") or 0 for line in lines), 6)
        if value is None:
            raise Refusal(400, "Attribute DisputeAmount in receivablesDisputes is required.", "JBO-27014", "/DisputeAmount")
        if abs(value) > abs(invoice["InvoiceBalanceAmount"]):
            raise Refusal(400, "The dispute amount exceeds the balance of the transaction.", "AR-855402", "/DisputeAmount")
        request = self._store.next_number("dispute", 50_001)
        installments = [{**one, "DisputeAmount": abs(value), "DisputeDate": given["CreationDate"][:10]} if place == 0 else one
                        for place, one in enumerate(invoice.get("receivablesInvoiceInstallments", []))]
        self._put("receivablesInvoices", str(invoice["CustomerTransactionId"]), {**invoice, "receivablesInvoiceInstallments": installments})
        return str(request), {
            **given, "RequestNumber": request, "CustomerTransactionId": invoice["CustomerTransactionId"],
            "TransactionNumber": invoice["TransactionNumber"], "TransactionDate": invoice["TransactionDate"], "TransactionAmount": invoice["EnteredAmount"],
            "TransactionCurrencyCode": invoice["InvoiceCurrencyCode"], "BillToCustomerNumber": invoice["BillToCustomerNumber"], "DisputeAmount": value}

    def _receipt(self, given: Record) -> tuple[str, Record]:
        if given.get("CustomerAccountNumber"):
            account = self._account(given, "CustomerAccountNumber", "AR-855501")
            given = {**given, "CustomerName": account.get("CustomerName")}
        elif given["BusinessUnit"] != BUSINESS_UNIT["name"]:
            raise invalid("BusinessUnit", "AR-855120")
        id, left = self._number("payment"), float(given["Amount"])
        references, invoices = [], []
        for reference in given.get("remittanceReferences", []):
            invoice = self._find("receivablesInvoices", "TransactionNumber", reference.get("ReferenceNumber"))
            value = float(reference["ReferenceAmount"]) if reference.get("ReferenceAmount") is not None else left
            if invoice is None:
                raise invalid("ReferenceNumber", "AR-855502")
            if value > left or value > invoice["InvoiceBalanceAmount"]:
                raise Refusal(400, "The reference amount exceeds what can be applied.", "AR-855503", "/ReferenceAmount")
            left = round(left - value, 6)
            references.append({**reference, "RemittanceReferenceId": self._number("child remittance"), "ReferenceAmount": value})
            invoices.append((invoice, value))
        for invoice, value in invoices:
            self._settle(invoice, value)
            application = self._number("application made")
            self._put("standardReceiptApplications", str(application), {
                **application_record(application, invoice["BillToCustomerNumber"], invoice, value, given["Currency"], given["ReceiptDate"]),
                "StandardReceiptId": id, "ReceiptNumber": given["ReceiptNumber"], "ReceiptMethod": given["ReceiptMethod"],
                "ProcessStatus": "Cleared", **self._created()})
        return str(id), {
            "AccountingDate": given["ReceiptDate"], **given, "StandardReceiptId": id, "AccountedAmount": given["Amount"], "UnappliedAmount": left,
            "State": "Cleared", "Status": "Unidentified" if not given.get("CustomerAccountNumber") else "Applied" if not left else "Unapplied",
            "remittanceReferences": references}

    def _receiving(self, given: Record) -> tuple[str, Record]:
        """Goods that came back. A request is stored whatever becomes of it: whether they were taken is told in its ReturnStatus."""
        problem = ""
        if given["ReceiptSourceCode"] != "CUSTOMER" or given["OrganizationCode"] != ORGANIZATION["OrganizationCode"]:
            problem = "The receipt source or organization isn't valid."
        found: list[tuple[Record, Record, Record]] = []
        for one in given.get("lines", []):
            order = self._find("salesOrdersForOrderHub", "OrderNumber", one.get("DocumentNumber"))
            line = next((line for line in (order or {}).get("lines", ()) if line.get("LineNumber") == str(one.get("DocumentLineNumber"))
                         and line.get("StatusCode") == "AWAIT_RECEIPT"), None)
            if order is None or line is None or (one.get("Quantity") or 0) <= 0 or one["Quantity"] > line["OrderedQuantity"]:
                problem = problem or f"There is nothing to receive on line {one.get('DocumentLineNumber')} of {one.get('DocumentNumber')}."
            else:
                found.append((order, line, one))
        if not problem and found:
            now = stamp(self._clock.now())
            for order, line, one in found:
                current = self._find("salesOrdersForOrderHub", "HeaderId", order["HeaderId"]) or order
                came = {"StatusCode": "AWAIT_BILLING", "Status": "Awaiting Billing", "RMADeliveredQuantity": one["Quantity"],
                        "FulfilledQuantity": one["Quantity"], "ActualCompletionDate": now, **self._touched()}
                lines = [{**held, **came} if held["FulfillLineId"] == line["FulfillLineId"] else held for held in current["lines"]]
                self._put("salesOrdersForOrderHub", str(order["HeaderId"]), {**current, "lines": lines, **self._touched()})
        id = self._number("child receipt request")
        return str(id), {
            **given, "HeaderInterfaceId": id, "ReturnStatus": "ERROR" if problem or not found else "SUCCESS",
            "ReturnMessage": problem or (None if found else "The request has no lines."),
            "lines": [{**one, "InterfaceTransactionId": self._number("child receipt line"), "HeaderInterfaceId": id} for one in given.get("lines", [])]}

    def _settle(self, invoice: Record, value: float) -> None:
        """A payment changes balance and installments; the invoice itself keeps its stamp."""
        left = round(invoice["InvoiceBalanceAmount"] - value, 6)
        now = stamp(self._clock.now())
        installments = []
        for one in invoice.get("receivablesInvoiceInstallments", []):
            taken = min(value, one["InstallmentBalanceDue"]) if value > 0 else value
            value = round(value - taken, 6)
            due = round(one["InstallmentBalanceDue"] - taken, 6)
            installments.append(lean({
                **one, "InstallmentBalanceDue": due, "AccountedBalanceDue": due, "AmountPaid": round(one["AmountPaid"] + taken, 6),
                "InstallmentStatus": "Open" if due else "Closed", "InstallmentClosedDate": None if due else now[:10], **self._touched()}))
        self._put("receivablesInvoices", str(invoice["CustomerTransactionId"]), {
            **invoice, "InvoiceBalanceAmount": left, "receivablesInvoiceInstallments": installments})

    def _unapply(self, receipt: Record) -> None:
        for key, application in list(self._store.collection("standardReceiptApplications").items()):
            if application.get("StandardReceiptId") == receipt["StandardReceiptId"] and application.get("ApplicationStatus") == "Applied":
                self._put("standardReceiptApplications", key, {
                    **application, "ApplicationStatus": "Reversed", "IsLatestApplication": "N", **self._touched()})
                invoice = self._find("receivablesInvoices", "CustomerTransactionId", application.get("ReferenceTransactionId"))
                if invoice is not None:
                    self._settle(invoice, -application["ApplicationAmount"])


def _is_of(kind: str, value: Any) -> bool:
    return isinstance(value, _TYPES[kind]) and not (kind in ("i", "n") and isinstance(value, bool))


def _with_lines(invoice: Record, lines: list[Record]) -> Record:
    """An incomplete invoice with these lines: its amounts and its installment follow."""
    total = round(sum(line["LineAmount"] for line in lines), 6)
    installments = [
        {**one, "OriginalAmount": total, "InstallmentBalanceDue": total, "AccountedBalanceDue": total} if place == 0 else one
        for place, one in enumerate(invoice.get("receivablesInvoiceInstallments", []))]
    return {
        **invoice, "receivablesInvoiceLines": lines, "EnteredAmount": total, "InvoiceBalanceAmount": total,
        "receivablesInvoiceInstallments": installments}


def _named(one: Record) -> Record:
    return {name: one.get(name) for name in ("SourceTransactionSystem", "SourceTransactionId", "FulfillLineId", "HoldCode") if name in one}


def _store_key(resource: Resource, record: Record) -> str:
    return str(record[resource.id[0]])
