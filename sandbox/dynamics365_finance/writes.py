"""Creating, changing and deleting rows: what a body may hold (refused with 400) and what the business rules want (refused with 500)."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from sandbox.dynamics365_finance.catalogue import NAMESPACE, EntitySet, Property
from sandbox.dynamics365_finance.enumerations import ENUMS
from sandbox.dynamics365_finance.errors import ODATA_EXCEPTION, Refusal, write_failed
from sandbox.dynamics365_finance.records import NEVER, key_of, moment, noon
from sandbox.dynamics365_finance.tables import Tables
from sandbox.protocol import Clock, Record

_LABELS = {
    "CustomerGroupId": "Customer group", "SalesCurrencyCode": "Currency", "OrderingCustomerAccountNumber": "Customer account",
    "CustomerAccountNumber": "Customer account", "SalesOrderNumber": "Sales order", "ItemNumber": "Item number",
    "InvoiceAccount": "Invoice account", "ReturnOrderNumber": "Return order", "LastName": "Last name", "ParentRecId": "Invoice",
    "JournalBatchNumber": "Journal batch number", "JournalName": "Name",
}
_SEQUENCES = {  # key fields that a number sequence fills
    ("CustomersV3", "CustomerAccount"): "C-{:07d}", ("ContactPersons", "ContactPersonId"): "{:09d}",
    ("SalesOrderHeadersV2", "SalesOrderNumber"): "{:09d}", ("SalesOrderLines", "InventoryLotId"): "9{:011d}",
    ("ReturnOrderHeadersV2", "ReturnOrderNumber"): "RSO-9{:06d}", ("ReturnOrderLinesV2", "ReturnInventoryLotId"): "R9{:010d}",
    ("CustomerPaymentJournalHeaders", "JournalBatchNumber"): "J9{:06d}", ("CustomerPostalAddresses", "AddressLocationId"): "9{:08d}",
}
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})")
_ADDRESS_PARTS = ("Street", "StreetNumber", "City", "ZipCode", "State", "CountryRegionId", "CountryRegionISOCode", "Description")


class Writer:
    """Called with the store's lock held."""

    def __init__(self, tables: Tables, clock: Clock, default_company: str) -> None:
        self._tables, self._clock, self._company = tables, clock, default_company

    def create(self, entity: EntitySet, body: Any) -> Record:
        given = self._checked(entity, body, is_new=True)
        if entity.by_company:
            company = str(given.get("dataAreaId") or self._company).lower()
            if self._tables.find("Companies", company) is None:
                raise write_failed(entity.table, f"Error: The company '{company}' does not exist.")
            given["dataAreaId"] = company
        self._number(entity, given)
        rule = _CREATE.get(entity.collection)
        if rule is not None:
            rule(self, entity, given)
        for name in entity.required:
            if not given.get(name):
                raise write_failed(entity.table, f"Warning: Field '{_LABELS.get(name, name)}' must be filled in.")
        for name in entity.key:
            if given.get(name) in (None, ""):
                raise Refusal(400, f"The key field '{name}' has no value.", f"The key field '{name}' has no value.", ODATA_EXCEPTION)
        id = key_of(entity.collection, given)
        if self._tables.find(entity.collection, id) is not None:
            shown = ", ".join(str(given[name]) for name in entity.key if name != "dataAreaId")
            raise write_failed(
                entity.table, f"Error: Cannot create a record in {entity.entity} ({entity.table}). {shown}. The record already exists.")
        record = self._tables.created(entity.collection, given)
        after = _AFTER.get(entity.collection)
        if after is not None:
            after(self, record)
        return self._tables.get(entity.collection, id) or record

    def change(self, entity: EntitySet, id: str, before: Record, body: Any) -> Record:
        given = self._checked(entity, body, is_new=False)
        for name in entity.key:
            if name in given and str(given.pop(name)).casefold() != str(before.get(name)).casefold():
                raise write_failed(entity.table, f"Error: Field '{name}' cannot be changed.")
        rule = _CHANGE.get(entity.collection)
        if rule is not None:
            rule(self, entity, before, given)
        for name in entity.required:
            if name in given and not given[name]:
                raise write_failed(entity.table, f"Warning: Field '{_LABELS.get(name, name)}' must be filled in.")
        return self._tables.updated(entity.collection, id, before, given)

    def delete(self, entity: EntitySet, id: str, before: Record) -> None:
        rule = _DELETE.get(entity.collection)
        if rule is not None:
            rule(self, entity, before)
        self._tables.delete(entity.collection, id)

    # bodies

    def _checked(self, entity: EntitySet, body: Any, *, is_new: bool) -> Record:
        if not isinstance(body, dict):
            raise _malformed("The body must be a JSON object.")
        given: Record = {}
        for name, value in body.items():
            if name.startswith("@odata.") or "@odata." in name:
                continue
            prop = entity.properties.get(name)
            if prop is None:
                if name in entity.navigations and is_new:
                    raise _malformed(f"Deep insert of '{name}' is not supported.")
                raise _malformed(
                    f"The property '{name}' does not exist on type '{NAMESPACE}.{entity.entity}'. Make sure to only use property names that "
                    "are defined by the type.")
            if prop.source.startswith("_"):
                raise write_failed(entity.table, f"Error: Field '{name}' cannot be edited.")
            given[prop.source] = _typed(prop, value)
        return given

    def _number(self, entity: EntitySet, given: Record) -> None:
        for name in entity.key:
            form = _SEQUENCES.get((entity.collection, name))
            if form is not None and not given.get(name):
                given[name] = form.format(self._tables.next_number(f"{entity.collection}.{name}"))

    # rules

    def _party(self, entity: EntitySet, company: str, account: str) -> Record:
        found = self._tables.find("CustomersV3", f"{company}|{account}")
        if found is None:
            raise write_failed(entity.table, f"Error: The value '{account}' in field 'Customer account' is not found in the related table "
                                             "'Customers'.")
        return found[1]

    def _known(self, entity: EntitySet, collection: str, id: str, label: str, value: str) -> Record:
        found = self._tables.find(collection, id)
        if found is None:
            raise write_failed(
                entity.table, f"Error: The value '{value}' in field '{label}' is not found in the related table '{collection}'.")
        return found[1]

    def new_customer(self, entity: EntitySet, given: Record) -> None:
        self.customer_values(entity, {"dataAreaId": given["dataAreaId"]}, given)
        if given.get("PartyNumber"):
            known = next((row for row in self._tables.rows("CustomersV3") if row["PartyNumber"] == given["PartyNumber"]), None)
            if known is not None:  # the customer is a second role of the party
                given.setdefault("OrganizationName", known["OrganizationName"])
        else:
            given["PartyNumber"] = f"9{self._tables.next_number('party'):08d}"
        given.setdefault("PartyType", "Organization")
        if not given.get("OrganizationName") and not given.get("PersonLastName"):
            raise write_failed(entity.table, "Warning: Field 'Name' must be filled in.")
        given.setdefault("NameAlias", str(given.get("OrganizationName", ""))[:20])
        now = moment(self._clock.now())
        given |= {"AddressValidFrom": given.get("AddressValidFrom", now), "AddressValidTo": NEVER, "CredManAccountStatusId": "Active"}

    def customer_values(self, entity: EntitySet, before: Record, given: Record) -> None:
        company = before["dataAreaId"]
        for name, collection, label in (("CustomerGroupId", "CustomerGroups", "Customer group"), ("PaymentTerms", "PaymentTerms", "Terms of payment")):
            if given.get(name):
                self._known(entity, collection, f"{company}|{given[name]}", label, given[name])
        if given.get("SalesCurrencyCode"):
            self._known(entity, "Currencies", given["SalesCurrencyCode"], "Currency", given["SalesCurrencyCode"])
        if given.get("InvoiceAccount"):
            self._party(entity, company, given["InvoiceAccount"])
        if given.get("CreditLimit", 0) < 0:
            raise write_failed(entity.table, "Error: The credit limit must not be negative.")

    def changed_customer(self, entity: EntitySet, before: Record, given: Record) -> None:
        self.customer_values(entity, before, given)
        if any(given.get(f"Address{part}", before[f"Address{part}"]) != before[f"Address{part}"] for part in _ADDRESS_PARTS):
            now = moment(self._clock.now())
            for row in self._tables.related("CustomerPostalAddresses", ("dataAreaId", "CustomerAccountNumber"),
                                            (before["dataAreaId"], before["CustomerAccount"])):
                if row["IsPrimary"] == "Yes" and row["Expiration"] == NEVER:
                    self._tables.updated("CustomerPostalAddresses", key_of("CustomerPostalAddresses", row), row, {"Expiration": now})
            self._address({**before, **given, "AddressValidFrom": now})

    def _address(self, customer: Record) -> None:
        if not (customer.get("AddressStreet") or customer.get("AddressCity")):
            return
        self._tables.created("CustomerPostalAddresses", {
            "dataAreaId": customer["dataAreaId"], "CustomerAccountNumber": customer["CustomerAccount"],
            "CustomerLegalEntityId": customer["dataAreaId"], "Effective": customer["AddressValidFrom"], "Expiration": NEVER,
            "AddressLocationId": customer.get("AddressLocationId") or f"9{self._tables.next_number('location'):08d}",
            **{f"Address{part}": customer.get(f"Address{part}", "") for part in _ADDRESS_PARTS}, "AddressLocationRoles": "Business",
            "IsPrimary": "Yes", "IsRoleBusiness": "Yes",
        })

    def delete_customer(self, entity: EntitySet, before: Record) -> None:
        key = (before["dataAreaId"], before["CustomerAccount"])
        if self._tables.related("CustTransactions", ("dataAreaId", "AccountNum"), key) or self._tables.related(
                "SalesOrderHeadersV2", ("dataAreaId", "OrderingCustomerAccountNumber"), key):
            raise write_failed(entity.table, f"Error: Customer {key[1]} cannot be deleted while there are transactions.")
        for row in self._tables.related("CustomerPostalAddresses", ("dataAreaId", "CustomerAccountNumber"), key):
            self._tables.delete("CustomerPostalAddresses", key_of("CustomerPostalAddresses", row))

    def new_contact(self, entity: EntitySet, given: Record) -> None:
        now = moment(self._clock.now())
        given |= {"LastEditDateTime": now, "PrimaryAddressValidFrom": now, "PrimaryAddressValidTo": NEVER}
        given.setdefault("ContactPersonPartyNumber", f"9{self._tables.next_number('party'):08d}")
        given.setdefault("ContactPersonName", f"{given.get('FirstName', '')} {given.get('LastName', '')}".strip())

    def changed_contact(self, entity: EntitySet, before: Record, given: Record) -> None:
        given["LastEditDateTime"] = moment(self._clock.now())

    def new_order(self, entity: EntitySet, given: Record) -> None:
        if not given.get("OrderingCustomerAccountNumber"):
            return  # told as a missing field
        party = self._party(entity, given["dataAreaId"], given["OrderingCustomerAccountNumber"])
        if party["OnHoldStatus"] in ("All", "Never"):
            raise write_failed(entity.table, f"Error: Customer {party['CustomerAccount']} is on hold.")
        if given.get("InvoiceCustomerAccountNumber"):
            self._party(entity, given["dataAreaId"], given["InvoiceCustomerAccountNumber"])
        now = self._clock.now()
        given.setdefault("InvoiceCustomerAccountNumber", party["InvoiceAccount"] or party["CustomerAccount"])
        given.setdefault("CurrencyCode", party["SalesCurrencyCode"])
        given.setdefault("SalesOrderName", party["OrganizationName"])
        given.setdefault("RequestedShippingDate", noon(now.date()))
        given.setdefault("RequestedReceiptDate", noon(now.date()))
        given |= {"SalesOrderStatus": "Backorder", "SalesOrderProcessingStatus": "Active", "OrderCreationDateTime": moment(now),
                  "AreTotalsCalculated": "No", "OrderTotalAmount": 0, "OrderTotalTaxAmount": 0}

    def changed_order(self, entity: EntitySet, before: Record, given: Record) -> None:
        for name in ("SalesOrderStatus", "SalesOrderProcessingStatus", "OrderTotalAmount", "OrderTotalTaxAmount", "OrderCreationDateTime"):
            if name in given and given[name] != before[name]:
                raise write_failed(entity.table, f"Error: Field '{name}' cannot be edited.")
        if before["SalesOrderStatus"] in ("Invoiced", "Canceled"):
            raise write_failed(entity.table, f"Error: Sales order {before['SalesOrderNumber']} can no longer be changed.")

    def delete_order(self, entity: EntitySet, before: Record) -> None:
        if before["SalesOrderStatus"] != "Backorder":
            raise write_failed(entity.table, f"Error: Sales order {before['SalesOrderNumber']} cannot be deleted in its status.")
        for row in self._tables.related("SalesOrderLines", ("dataAreaId", "SalesOrderNumber"), (before["dataAreaId"], before["SalesOrderNumber"])):
            self._tables.delete("SalesOrderLines", key_of("SalesOrderLines", row))

    def new_order_line(self, entity: EntitySet, given: Record) -> None:
        if not given.get("SalesOrderNumber") or not given.get("ItemNumber"):
            return
        company, order = given["dataAreaId"], given["SalesOrderNumber"]
        header = self._known(entity, "SalesOrderHeadersV2", f"{company}|{order}", "Sales order", order)
        if header["SalesOrderStatus"] in ("Invoiced", "Canceled"):
            raise write_failed(entity.table, f"Error: Sales order {order} can no longer be changed.")
        item = self._known(entity, "ReleasedProductsV2", f"{company}|{given['ItemNumber']}", "Item number", given["ItemNumber"])
        lines = self._tables.related("SalesOrderLines", ("dataAreaId", "SalesOrderNumber"), (company, order))
        following = max((int(line["LineCreationSequenceNumber"]) for line in lines), default=0) + 1
        given.setdefault("LineNumber", following)
        given.setdefault("LineCreationSequenceNumber", following)
        given.setdefault("OrderedSalesQuantity", 1)
        given.setdefault("SalesPrice", item["SalesPrice"])
        given.setdefault("LineDescription", item["ProductSearchName"])
        given.setdefault("SalesUnitSymbol", item["SalesUnitSymbol"])
        given |= {"CurrencyCode": header["CurrencyCode"], "SalesOrderLineStatus": "Backorder"}
        given.setdefault("RequestedShippingDate", header["RequestedShippingDate"])
        given.setdefault("LineAmount", _times(given["OrderedSalesQuantity"], given["SalesPrice"]))

    def changed_order_line(self, entity: EntitySet, before: Record, given: Record) -> None:
        if before["SalesOrderLineStatus"] in ("Invoiced", "Canceled"):
            raise write_failed(entity.table, "Error: The line can no longer be changed.")
        if given.get("SalesOrderLineStatus", before["SalesOrderLineStatus"]) != before["SalesOrderLineStatus"]:
            raise write_failed(entity.table, "Error: Field 'SalesOrderLineStatus' cannot be edited.")
        if {"OrderedSalesQuantity", "SalesPrice"} & set(given) and "LineAmount" not in given:
            merged = {**before, **given}
            given["LineAmount"] = _times(merged["OrderedSalesQuantity"], merged["SalesPrice"])

    def new_free_text(self, entity: EntitySet, given: Record) -> None:
        if given.get("InvoiceAccount"):
            party = self._party(entity, given["dataAreaId"], given["InvoiceAccount"])
            given.setdefault("CustomerAccount", given["InvoiceAccount"])
            given.setdefault("CurrencyCode", party["SalesCurrencyCode"])
        if given.get("IsPosted") == "Yes":
            raise write_failed(entity.table, "Error: An invoice cannot be created as posted.")
        today = noon(self._clock.now().date())
        given.setdefault("InvoiceDate", today)
        given.setdefault("DocumentDate", today)
        given.setdefault("InvoiceIdentifier", self._tables.next_record_id("FreeTextInvoiceHeaders"))

    def new_free_text_line(self, entity: EntitySet, given: Record) -> None:
        if not given.get("ParentRecId"):
            return
        header = self._known(
            entity, "FreeTextInvoiceHeaders", f"{given['dataAreaId']}|{given['ParentRecId']}", "Invoice", str(given["ParentRecId"]))
        if header["IsPosted"] == "Yes":
            raise write_failed(entity.table, "Error: A posted invoice cannot be changed.")
        lines = self._tables.related("FreeTextInvoiceLines", ("dataAreaId", "ParentRecId"), (given["dataAreaId"], given["ParentRecId"]))
        given.setdefault("LineNumber", max((int(line["LineNumber"]) for line in lines), default=0) + 1)
        given.setdefault("CurrencyCode", header["CurrencyCode"])
        if "TransactionCurrencyAmount" not in given:
            given["TransactionCurrencyAmount"] = _times(given.get("Quantity", 0), given.get("UnitPrice", 0))

    def changed_free_text(self, entity: EntitySet, before: Record, given: Record) -> None:
        if before["IsPosted"] == "Yes":
            raise write_failed(entity.table, "Error: A posted invoice cannot be changed.")
        if given.get("IsPosted") == "Yes":
            raise write_failed(entity.table, "Error: Field 'IsPosted' cannot be edited.")

    def delete_free_text(self, entity: EntitySet, before: Record) -> None:
        if before["IsPosted"] == "Yes":
            raise write_failed(entity.table, "Error: A posted invoice cannot be deleted.")
        for row in self._tables.related("FreeTextInvoiceLines", ("dataAreaId", "ParentRecId"), (before["dataAreaId"], before["InvoiceIdentifier"])):
            self._tables.delete("FreeTextInvoiceLines", key_of("FreeTextInvoiceLines", row))

    def new_payment_line(self, entity: EntitySet, given: Record) -> None:
        if not given.get("JournalBatchNumber"):
            return
        company, journal = given["dataAreaId"], given["JournalBatchNumber"]
        header = self._known(entity, "CustomerPaymentJournalHeaders", f"{company}|{journal}", "Journal batch number", journal)
        if header["IsPosted"] == "Yes":
            raise write_failed(entity.table, "Error: A posted journal cannot be changed.")
        if given.get("AccountDisplayValue") and given.get("AccountType", "Cust") == "Cust":
            self._party(entity, company, given["AccountDisplayValue"])
        lines = self._tables.related("CustomerPaymentJournalLines", ("dataAreaId", "JournalBatchNumber"), (company, journal))
        given.setdefault("LineNumber", max((int(line["LineNumber"]) for line in lines), default=0) + 1)
        given.setdefault("AccountType", "Cust")
        given.setdefault("Company", company)
        given.setdefault("TransactionDate", noon(self._clock.now().date()))

    def new_return(self, entity: EntitySet, given: Record) -> None:
        if not given.get("CustomerAccountNumber"):
            return
        party = self._party(entity, given["dataAreaId"], given["CustomerAccountNumber"])
        for name, label in (("DefaultReturnSiteId", "Site"), ("DefaultReturnWarehouseId", "Warehouse")):
            if not given.get(name):
                raise write_failed(entity.table, f"Warning: Field '{label}' must be filled in.")
        given.setdefault("InvoiceCustomerAccountNumber", party["InvoiceAccount"] or party["CustomerAccount"])
        given.setdefault("CurrencyCode", party["SalesCurrencyCode"])
        given.setdefault("RMANumber", given["ReturnOrderNumber"])
        given |= {"ReturnStatus": "Created", "ReturnOrderStatus": "Backorder"}

    def new_return_line(self, entity: EntitySet, given: Record) -> None:
        if not given.get("ReturnOrderNumber") or not given.get("ItemNumber"):
            return
        company, order = given["dataAreaId"], given["ReturnOrderNumber"]
        header = self._known(entity, "ReturnOrderHeadersV2", f"{company}|{order}", "Return order", order)
        item = self._known(entity, "ReleasedProductsV2", f"{company}|{given['ItemNumber']}", "Item number", given["ItemNumber"])
        if given.get("ReturnDispositionCode"):
            self._known(entity, "ReturnDispositionCodes", f"{company}|{given['ReturnDispositionCode']}", "Disposition code",
                        given["ReturnDispositionCode"])
        if given.get("ReturningInventoryLotId"):
            self._known(entity, "SalesOrderLines", f"{company}|{given['ReturningInventoryLotId']}", "Return lot ID",
                        given["ReturningInventoryLotId"])
        given.setdefault("SalesPrice", item["SalesPrice"])
        given.setdefault("LineAmount", _times(given.get("ReturnSalesQuantity", 0), given["SalesPrice"]))
        given |= {"ReturnStatus": "Awaiting", "RMANumber": header["RMANumber"], "CustomerAccountNumber": header["CustomerAccountNumber"]}

    def closed_return(self, entity: EntitySet, before: Record, given: Record) -> None:
        for name in ("ReturnStatus", "ReturnOrderStatus"):
            if name in given and given[name] != before.get(name):
                raise write_failed(entity.table, f"Error: Field '{name}' cannot be edited.")
        if before["ReturnStatus"] in ("Closed", "Canceled"):
            raise write_failed(entity.table, "Error: The return order is closed.")


_CREATE: dict[str, Callable[[Writer, EntitySet, Record], None]] = {
    "CustomersV3": Writer.new_customer, "ContactPersons": Writer.new_contact, "SalesOrderHeadersV2": Writer.new_order,
    "SalesOrderLines": Writer.new_order_line, "FreeTextInvoiceHeaders": Writer.new_free_text,
    "FreeTextInvoiceLines": Writer.new_free_text_line, "CustomerPaymentJournalLines": Writer.new_payment_line,
    "ReturnOrderHeadersV2": Writer.new_return, "ReturnOrderLinesV2": Writer.new_return_line,
}
_AFTER: dict[str, Callable[[Writer, Record], None]] = {"CustomersV3": Writer._address}
_CHANGE: dict[str, Callable[[Writer, EntitySet, Record, Record], None]] = {
    "CustomersV3": Writer.changed_customer, "ContactPersons": Writer.changed_contact, "SalesOrderHeadersV2": Writer.changed_order,
    "SalesOrderLines": Writer.changed_order_line, "FreeTextInvoiceHeaders": Writer.changed_free_text,
    "ReturnOrderHeadersV2": Writer.closed_return,
}
_DELETE: dict[str, Callable[[Writer, EntitySet, Record], None]] = {
    "CustomersV3": Writer.delete_customer, "SalesOrderHeadersV2": Writer.delete_order, "FreeTextInvoiceHeaders": Writer.delete_free_text,
}


def _malformed(text: str) -> Refusal:
    return Refusal(400, f"An error has occurred. {text}", text, ODATA_EXCEPTION)


def _typed(prop: Property, value: Any) -> Any:
    """The value as it is stored. Raises the 400 where it is not of the property's type."""
    def wrong() -> Refusal:
        return _malformed(f"Cannot convert the value of property '{prop.name}' to the expected type '{prop.edm}'.")

    if prop.is_enum:
        if value not in ENUMS[prop.kind]:
            raise wrong()
        return value
    if prop.kind in ("s", "bin"):
        if value is not None and not isinstance(value, str):
            raise wrong()
        return value or ""
    if prop.kind == "dto":
        if not isinstance(value, str) or not _MOMENT.fullmatch(value):
            raise wrong()
        try:
            return datetime.fromisoformat(value).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        except ValueError as problem:
            raise wrong() from problem
    if prop.kind == "guid":
        if not isinstance(value, str):
            raise wrong()
        return value
    is_whole = prop.kind in ("i32", "i64")
    if isinstance(value, bool) or not isinstance(value, int if is_whole else int | float):
        raise wrong()
    return value


def _times(quantity: float, price: float) -> float:
    amount = round(quantity * price, 2)
    return int(amount) if amount == int(amount) else amount
