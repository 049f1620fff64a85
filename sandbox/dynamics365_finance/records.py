"""How the world's rows look as records of the entity sets, one world row giving several. No HTTP, no store, no decisions about requests.

A stored record has its primary set's properties at top level and what the environment knows beside them under "_": record id and
version, who wrote it when, whether lists leave it out, and values that only some sets show.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sandbox.dynamics365_finance.catalogue import NO_DATE, SETS
from sandbox.dynamics365_finance.ids import COMPANIES, company_of, lot_id, native_id, return_lot_id
from sandbox.world.model import Contact, CreditNote, Customer, Invoice, Line, Order, Payment, Product, Refund, Return, Row, Shipment, View
from sandbox.world.parties import RATES, quantize

Record = dict[str, Any]
Entry = tuple[str, Record]  # collection, record
Look = Callable[[str, str], Record | None]  # collection, id
Owned = Callable[[str, str], list[Record]]  # world row as `order:7`, collection

NEVER = "2154-12-31T23:59:59Z"
_START = "2015-01-01T12:00:00Z"
ACCOUNTING = {"usmf": "USD", "demf": "EUR"}
_EPOCH = datetime(2015, 1, 1, tzinfo=UTC)
_FIRST_RECORD = 5_637_144_576
_ISO3 = {
    "US": "USA", "GB": "GBR", "DE": "DEU", "FR": "FRA", "JP": "JPN", "KW": "KWT", "AT": "AUT", "CH": "CHE", "NL": "NLD", "BE": "BEL",
    "IE": "IRL", "ES": "ESP", "IT": "ITA", "PT": "PRT", "DK": "DNK", "SE": "SWE", "NO": "NOR", "FI": "FIN", "PL": "POL", "AU": "AUS",
    "CA": "CAN", "SG": "SGP", "GR": "GRC", "CY": "CYP", "IS": "ISL", "IL": "ISR", "MT": "MLT", "LT": "LTU", "CZ": "CZE", "SA": "SAU",
    "AE": "ARE", "BR": "BRA", "LB": "LBN", "BH": "BHR", "HK": "HKG", "ZA": "ZAF", "IN": "IND", "CN": "CHN", "MX": "MEX",
}
_ORDER_STATUS = {
    "pending_approval": ("Backorder", "Active"), "pending_fulfillment": ("Backorder", "Confirmed"),
    "partially_fulfilled": ("Backorder", "PartiallyDelivered"), "pending_billing": ("Delivered", "Delivered"),
    "billed": ("Invoiced", "Invoiced"), "closed": ("Invoiced", "DeliveredPartiallyInvoiced"), "cancelled": ("Canceled", "Canceled"),
}
_RETURN_STATUS = {  # header, order, line
    "requested": ("Created", "Backorder", "Awaiting"), "approved": ("Open", "Backorder", "Awaiting"),
    "received": ("Open", "Delivered", "Received"), "credited": ("Closed", "Invoiced", "Invoiced"),
    "rejected": ("Canceled", "Canceled", "Canceled"),
}
_SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "KWD": "KD"}
_DISPOSITIONS = (
    ("01", "Credit", "Credit"), ("02", "Credit only", "CreditOnly"), ("03", "Replace and credit", "ReplaceCredit"),
    ("04", "Scrap", "Scrap"), ("05", "Return to customer", "ReturnToCust"),
)


# values


def moment(value: datetime | None) -> str:
    return NO_DATE if value is None else value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def noon(value: date | None) -> str:
    """Days carry the time 12:00:00Z; there is no empty day, 1900-01-01 stands for it."""
    if value is None:
        return NO_DATE
    return f"{value.date() if isinstance(value, datetime) else value}T12:00:00Z"


def number(value: Decimal) -> int | float:
    whole = int(value)
    return whole if whole == value else float(value)


def yes(value: bool) -> str:
    return "Yes" if value else "No"


def in_accounting(amount: Decimal, currency: str, company: str) -> Decimal:
    own = ACCOUNTING[company]
    return amount if currency == own else quantize(amount / RATES.get(currency, Decimal(1)) * RATES[own], own)


def _rate(currency: str, company: str) -> float:
    """What 100 units of the currency are worth in the company's own."""
    return float(round(Decimal(100) * RATES[ACCOUNTING[company]] / RATES.get(currency, Decimal(1)), 6))


def _country(code: str, prefix: str = "Address") -> Record:
    return {f"{prefix}CountryRegionId": _ISO3.get(code, code), f"{prefix}CountryRegionISOCode": code}


def etag(version: int, record_id: int) -> str:
    return 'W/"' + base64.b64encode(f"{version},{record_id}".encode()).decode() + '"'


def key_part(value: Any) -> str:
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return str(value)
    return f"{Decimal(str(value)).normalize():f}"


def key_of(collection: str, record: Mapping[str, Any]) -> str:
    """The id in the store: the key's values in the order of the set's key."""
    return "|".join([key_part(record.get(name)) for name in SETS[collection].key])


_EMPTY: dict[str, Record] = {}


def blank(collection: str) -> Record:
    """A record with every property that the environment fills, at the value that stands for nothing."""
    if collection not in _EMPTY:
        _EMPTY[collection] = {
            prop.name: prop.nothing for prop in SETS[collection].properties.values() if prop.source == prop.name and not prop.is_bare}
    return _EMPTY[collection].copy()


def _made(
    collection: str, row: Row | None, record_id: int, values: Record, *, is_main: bool = False, **beside: Any,
) -> Entry:
    """A finished record: blanks filled, version 1, the row's own extra fields last."""
    record: Record = {"@odata.etag": etag(1, record_id), **blank(collection), **values}
    created, modified = (row.created_at, row.updated_at) if row else (_EPOCH, _EPOCH)
    beside |= {
        "recid": record_id, "version": 1, "created": moment(created), "modified": moment(modified), "by": row.actor if row else "Admin",
        "creator": "Admin", "hidden": bool(row and row.hidden),
    }
    if is_main and row:
        record |= row.extra
    record["_"] = beside
    return collection, record


def _id_for(kind: int, key: int, line: int = 0) -> int:
    return _FIRST_RECORD + kind * 10**12 + key * 10_000 + line


# the rows of the world


class Rendering:
    """The view's rows as records. `look` finds a stored record and `owned` those of another world row, which this one adds to."""

    def __init__(self, view: View, look: Look, owned: Owned) -> None:
        self._view, self._look, self._owned = view, look, owned

    def customer(self, row: Customer) -> Iterator[Entry]:
        company, account = company_of(row.key), native_id("customer", row.key)
        party, location = native_id("party", row.key), native_id("location", row.key)
        place = {
            "Street": row.street, "City": row.city, "ZipCode": row.postcode, "State": row.region, "LocationId": location,
            "Description": "Business", "ValidFrom": moment(row.created_at), "ValidTo": NEVER, **_country(row.country, ""),
        }
        parent = "" if row.parent is None else native_id("customer", row.parent)
        is_near = row.parent is not None and company_of(row.parent) == company
        values: Record = {
            "dataAreaId": company, "CustomerAccount": account, "OrganizationName": row.name, "NameAlias": row.name[:20],
            "PartyNumber": party, "PartyType": "Organization", "CustomerGroupId": "10" if row.is_active else "90",
            "SalesCurrencyCode": row.currency, "OnHoldStatus": "All" if row.credit_hold else "No", "CreditLimit": number(row.credit_limit),
            "CreditLimitIsMandatory": yes(row.credit_limit > 0), "InvoiceAccount": parent if is_near else "", "CompanyChain": parent,
            "TaxExemptNumber": row.tax_id, "PaymentTerms": f"Net{row.terms_days}", "LanguageId": "en-us",
            "IdentificationNumber": self._view.peer("crm", "customer", row.key, row.key) if row.erp_customer is not None else "",
            "PrimaryContactEmail": row.email, "PrimaryContactPhone": row.phone,
            "PrimaryContactURL": f"https://{row.domain}" if row.domain else "", "CredManCreditLimitExpiryDate": NO_DATE,
            "CredManAccountStatusId": "Active" if row.is_active else "Inactive",
        }
        for prefix in ("Address", "DeliveryAddress", "InvoiceAddress"):
            values |= {f"{prefix}{name}": value for name, value in place.items()}
        yield _made("CustomersV3", row, _id_for(1, row.key), values, is_main=True)
        yield _made("CustomerPostalAddresses", row, _id_for(2, row.key), {
            "dataAreaId": company, "CustomerAccountNumber": account, "CustomerLegalEntityId": company, "AddressLocationId": location,
            "Effective": moment(row.created_at), "Expiration": NEVER, "AddressStreet": row.street, "AddressCity": row.city,
            "AddressZipCode": row.postcode, "AddressState": row.region, "AddressDescription": "Business",
            "FormattedAddress": f"{row.street}\n{row.city}, {row.region} {row.postcode}\n{_ISO3.get(row.country, row.country)}",
            "AddressLocationRoles": "Business;Delivery;Invoice", "IsPrimary": "Yes", "IsRoleDelivery": "Yes", "IsRoleInvoice": "Yes",
            "IsRoleBusiness": "Yes", **_country(row.country),
        })
        due = in_accounting(row.balance, row.currency, company)
        late = in_accounting(row.overdue_amount, row.currency, company)
        period = 2 + sum(row.overdue_days > days for days in (30, 60, 90, 180))
        yield _made("CustAgedBalances", row, _id_for(3, row.key), {
            "dataAreaId": company, "AgingPeriodDefinition": "30_60_90_180", "CustAccount": account, "Company": company, "CustName": row.name,
            "AgingDate": noon(self._view.as_of), "SumOfAmountDueMst": number(due), "AgingPeriod1": number(due - late),
            f"AgingPeriod{period}": number(late), "MSTCurrency": ACCOUNTING[company],
        })

    def contact(self, row: Contact) -> Iterator[Entry]:
        yield _made("ContactPersons", row, _id_for(4, row.key), {
            "dataAreaId": company_of(row.customer), "ContactPersonId": native_id("contact", row.key), "FirstName": row.first_name,
            "LastName": row.last_name, "ContactPersonName": f"{row.first_name} {row.last_name}".strip(),
            "ContactPersonPartyNumber": f"3{row.key:08d}", "AssociatedPartyNumber": native_id("party", row.customer),
            "PrimaryEmailAddress": row.email, "PrimaryPhoneNumber": row.phone, "EmploymentJobTitle": row.title,
            "LastEditDateTime": moment(row.updated_at), "PrimaryAddressValidFrom": moment(row.created_at), "PrimaryAddressValidTo": NEVER,
        }, is_main=True)

    def product(self, row: Product) -> Iterator[Entry]:
        for place, company in enumerate(COMPANIES):
            price = in_accounting(row.unit_price, row.currency, company)
            yield _made("ReleasedProductsV2", row, _id_for(5, row.key, place), {
                "dataAreaId": company, "ItemNumber": native_id("product", row.key), "ProductNumber": row.sku, "SearchName": row.sku,
                "ProductSearchName": row.name, "ProductType": "Service" if row.is_recurring else "Item", "ProductSubType": "Product",
                "ProductGroupId": "Services" if row.is_recurring else "Goods", "ItemModelGroupId": "FIFO", "SalesUnitSymbol": "ea",
                "InventoryUnitSymbol": "ea", "PurchaseUnitSymbol": "ea", "SalesPrice": number(price), "SalesPriceQuantity": 1,
                "SalesPriceDate": noon(row.updated_at), "SalesSalesTaxItemGroupCode": "ALL",
                "ProductLifecycleStateId": "Active" if row.is_active else "Obsolete", "IsPOSRegistrationBlocked": yes(not row.is_active),
            }, is_main=True)

    def order(self, row: Order) -> Iterator[Entry]:
        company, account, id = company_of(row.customer), native_id("customer", row.customer), native_id("order", row.key)
        status, progress = _ORDER_STATUS.get(row.status, (row.status, row.status))
        before = self._look("SalesOrderHeadersV2", f"{company}|{id}")
        promised = before["ConfirmedShippingDate"] if before else NO_DATE  # a shipment's plan is kept
        yield _made("SalesOrderHeadersV2", row, _id_for(6, row.key), {
            "dataAreaId": company, "SalesOrderNumber": id, "OrderingCustomerAccountNumber": account, "InvoiceCustomerAccountNumber": account,
            "SalesOrderName": row.number, "CurrencyCode": row.currency, "SalesOrderStatus": status, "SalesOrderProcessingStatus": progress,
            "OrderCreationDateTime": moment(row.created_at), "RequestedShippingDate": noon(row.order_date),
            "RequestedReceiptDate": noon(row.order_date), "ConfirmedShippingDate": promised, "OrderTotalAmount": number(row.total),
            "OrderTotalTaxAmount": number(row.tax), "AreTotalsCalculated": "Yes", "LanguageId": "en-us",
            "CustomersOrderReference": self._view.peer("crm", "opportunity", row.opportunity, row.customer), "DefaultShippingSiteId": "1",
            "DefaultShippingWarehouseId": "13",
        }, is_main=True)
        for line in row.lines:
            yield _made("SalesOrderLines", row, _id_for(7, row.key, line.number), {
                "dataAreaId": company, "InventoryLotId": lot_id(row.key, line.number), "SalesOrderNumber": id, "LineNumber": line.number,
                "LineCreationSequenceNumber": line.number, "ItemNumber": native_id("product", line.product),
                "LineDescription": line.description, "OrderedSalesQuantity": number(line.quantity), "SalesUnitSymbol": "ea",
                "SalesPrice": number(line.unit_price), "SalesPriceQuantity": 1, "LineAmount": number(line.amount),
                "CurrencyCode": row.currency, "SalesOrderLineStatus": status, "ShippingSiteId": "1", "ShippingWarehouseId": "13",
                "RequestedShippingDate": noon(row.order_date), "ConfirmedShippingDate": promised,
            })

    def invoice(self, row: Invoice) -> Iterator[Entry]:
        """A posted sales invoice, a free text invoice where no order is behind it, or an unposted free text invoice."""
        id, document = native_id("invoice", row.key), self._view.peer("billing", "invoice", row.key, row.customer)
        if row.order is None or row.status == "draft":
            yield from self._free_text(row, row.key, id, row.invoice_date, row.due_date, document, row.number, 1, row.status != "draft")
        if row.status == "draft":
            return
        order = "" if row.order is None else native_id("order", row.order)
        yield from self._journal(row, 9, id, native_id("invoice_voucher", row.key), row.invoice_date, order, document, row.number, 1,
                                 row.due_date)
        settled = row.total if row.status == "void" else row.total - row.amount_remaining
        is_closed = row.status == "void" or (row.amount_remaining == 0 and row.status != "open")
        closed = (row.paid_at or row.updated_at) if is_closed else None
        yield from self._transaction(
            row, int(native_id("invoice_transaction", row.key)), "Sales" if order else "Cust", native_id("invoice_voucher", row.key), id,
            row.invoice_date, row.total, settled, document, due=row.due_date, closed=closed, is_main=False)
        if row.status == "void":
            yield from self._reversal(row, 2 * row.key, id, row.total, document)

    def credit_note(self, row: CreditNote) -> Iterator[Entry]:
        """A posted free text invoice over a negative amount."""
        id, voucher = native_id("credit_note", row.key), native_id("credit_voucher", row.key)
        document = self._view.peer("billing", "credit_note", row.key, row.customer)
        corrected = "" if row.invoice is None else native_id("invoice", row.invoice)
        yield from self._free_text(
            row, row.key, id, row.issue_date, row.issue_date, document, row.number, -1, True, corrected=corrected, name=row.reason)
        before = self._look("SalesInvoiceHeadersV2", f"{company_of(row.customer)}|{id}|{noon(row.issue_date)}|{voucher}")
        order = before["SalesOrderNumber"] if before else ""  # the return that it credits is kept
        yield from self._journal(row, 10, id, voucher, row.issue_date, order, document, row.number, -1, row.issue_date)
        is_void = row.status == "void"
        settled = row.total if row.invoice is not None or is_void else Decimal(0)
        yield from self._transaction(
            row, int(native_id("credit_transaction", row.key)), "Cust", voucher, id, row.issue_date, -row.total, -settled, document,
            closed=row.updated_at if settled else None, text=row.reason,
            against="" if row.invoice is None or is_void else native_id("invoice_voucher", row.invoice))
        if is_void:
            yield from self._reversal(row, 2 * row.key + 1, id, -row.total, document)

    def _free_text(
        self, row: Invoice | CreditNote, key: int, id: str, day: date, due: date, document: str, printed: str, sign: int, is_posted: bool,
        *, corrected: str = "", name: str = "",
    ) -> Iterator[Entry]:
        company, account = company_of(row.customer), native_id("customer", row.customer)
        parent = int(native_id("free_text_invoice", 2 * key + (sign < 0)))
        yield _made("FreeTextInvoiceHeaders", row, parent, {
            "dataAreaId": company, "InvoiceIdentifier": parent, "FreeTextNumber": id if is_posted else "", "InvoiceAccount": account,
            "CustomerAccount": account, "InvoiceDate": noon(day), "DueDate": noon(due), "DocumentDate": noon(day),
            "CurrencyCode": row.currency, "IsPosted": yes(is_posted), "IsCorrection": "No", "CorrectedInvoiceId": corrected,
            "ExternalInvoiceId": document, "CustomerReference": printed, "PostingProfile": "GEN", "InvoiceName": name,
        }, is_main=not is_posted)
        for line in row.lines:
            yield _made("FreeTextInvoiceLines", row, _id_for(8 if sign > 0 else 21, key, line.number), {
                "dataAreaId": company, "LineNumber": line.number, "ParentRecId": parent, "InvoiceText": line.description,
                "Description": line.description, "Quantity": number(line.quantity * sign), "UnitPrice": number(line.unit_price),
                "TransactionCurrencyAmount": number(line.amount * sign), "CurrencyCode": row.currency,
                "SalesTaxAmount": number(line.tax * sign), "ExternalInvoiceId": document,
            })

    def _journal(
        self, row: Invoice | CreditNote, kind: int, id: str, voucher: str, day: date, order: str, document: str, printed: str, sign: int,
        due: date,
    ) -> Iterator[Entry]:
        company = company_of(row.customer)
        total, tax = row.total * sign, row.tax * sign
        key: Record = {"dataAreaId": company, "InvoiceNumber": id, "InvoiceDate": noon(day), "LedgerVoucher": voucher}
        yield _made("SalesInvoiceHeadersV2", row, _id_for(kind, row.key), {
            **key, "InvoiceCustomerAccountNumber": native_id("customer", row.customer), "SalesOrderNumber": order,
            "CurrencyCode": row.currency, "TotalInvoiceAmount": number(total), "TotalTaxAmount": number(tax),
            "CustomersOrderReference": printed,
        }, is_main=True, zero=0, due=noon(due), document=document, correction="No",
            amount_mst=number(in_accounting(total, row.currency, company)), tax_mst=number(in_accounting(tax, row.currency, company)))
        for line in row.lines:
            yield _made("SalesInvoiceV2Lines", row, _id_for(kind + 2, row.key, line.number), {
                **key, "LineCreationSequenceNumber": line.number, **self._invoiced(line, sign), "CurrencyCode": row.currency,
                "InventorySiteId": "1", "InventoryWarehouseId": "13",
            }, item=native_id("product", line.product), order=order)

    def _invoiced(self, line: Line, sign: int) -> Record:
        item = native_id("product", line.product)
        released = self._look("ReleasedProductsV2", f"{COMPANIES[0]}|{item}")
        return {
            "ProductNumber": released["ProductNumber"] if released else item, "ProductName": line.description,
            "ProductDescription": line.description, "InvoicedQuantity": number(line.quantity * sign), "SalesUnitSymbol": "ea",
            "SalesPrice": number(line.unit_price), "LineAmount": number(line.amount * sign), "LineTotalTaxAmount": number(line.tax * sign),
        }

    def _transaction(
        self, row: Any, record_id: int, type_: str, voucher: str, invoice: str, day: date, amount: Decimal, settled: Decimal, document: str, *,
        due: date | None = None, closed: datetime | None = None, against: str = "", text: str = "", reference: str = "",
        approved: bool = True, cancelled: bool = False, correct: bool = False, is_main: bool = False,
    ) -> Iterator[Entry]:
        company, account = company_of(row.customer), native_id("customer", row.customer)
        amount_mst, settled_mst = (in_accounting(value, row.currency, company) for value in (amount, settled))
        yield _made("CustTransactions", row, record_id, {
            "dataAreaId": company, "SysRecId": record_id, "AccountNum": account, "OrderAccount": account, "Voucher": voucher,
            "Invoice": invoice, "TransType": type_, "TransDate": noon(day), "DocumentDate": noon(day), "DueDate": noon(due),
            "Closed": noon(closed), "AmountCur": number(amount), "AmountMST": number(amount_mst), "SettleAmountCur": number(settled),
            "SettleAmountMST": number(settled_mst), "CurrencyCode": row.currency, "ExchRate": _rate(row.currency, company),
            "LastSettleDate": noon(closed), "LastSettleVoucher": against, "PaymReference": reference, "DocumentNum": document, "Txt": text,
            "Approved": yes(approved), "CancelledPayment": yes(cancelled), "Correct": yes(correct), "PostingProfile": "GEN",
        }, is_main=is_main)
        if closed is None and not cancelled:
            open_id = record_id + 500_000_000_000
            yield _made("CustTransOpens", row, open_id, {
                "dataAreaId": company, "SysRecId": open_id, "AccountNum": account, "RefRecId": record_id,
                "AmountCur": number(amount - settled), "AmountMST": number(amount_mst - settled_mst), "DueDate": noon(due),
                "TransDate": noon(day),
            })

    def _reversal(self, row: Any, key: int, id: str, amount: Decimal, document: str) -> Iterator[Entry]:
        """A posted document is taken back by its opposite; both are settled with each other."""
        yield from self._transaction(
            row, int(native_id("reversal", key)), "Cust", native_id("reversal_voucher", key), id, row.updated_at.date(), -amount, -amount,
            document, closed=row.updated_at, correct=True, text="Canceled")

    def payment(self, row: Payment) -> Iterator[Entry]:
        company, account = company_of(row.customer), native_id("customer", row.customer)
        voucher = native_id("payment_voucher", row.key)
        invoice = "" if row.invoice is None else native_id("invoice", row.invoice)
        is_failed, is_applied = row.status == "failed", row.invoice is not None and row.status == "succeeded"
        day = row.paid_at.astimezone(UTC).date()
        yield from self._transaction(
            row, int(native_id("payment", row.key)), "Payment", voucher, "", day, -row.amount, -row.amount if is_applied else Decimal(0),
            self._view.peer("billing", "payment", row.key, row.customer), closed=row.paid_at if is_applied else None,
            against=native_id("invoice_voucher", row.invoice) if is_applied and row.invoice is not None else "", reference=row.number,
            approved=row.status != "pending", cancelled=is_failed, is_main=True)
        journal = native_id("journal", row.key)
        yield _made("CustomerPaymentJournalHeaders", row, _id_for(13, row.key), {
            "dataAreaId": company, "JournalBatchNumber": journal, "JournalName": "ARPay", "Description": "Customer payment",
            "IsPosted": yes(row.status == "succeeded"),
        })
        yield _made("CustomerPaymentJournalLines", row, _id_for(14, row.key), {
            "dataAreaId": company, "JournalBatchNumber": journal, "LineNumber": 1, "AccountType": "Cust", "AccountDisplayValue": account,
            "TransactionDate": noon(day), "CreditAmount": number(row.amount), "CurrencyCode": row.currency,
            "ExchangeRate": _rate(row.currency, company), "MarkedInvoice": invoice, "MarkedInvoiceCompany": company if invoice else "",
            "SettleVoucher": "SelectedTransact" if invoice else "None", "PaymentReference": row.number, "OffsetAccountType": "Bank",
            "OffsetAccountDisplayValue": "OPER", "Voucher": voucher, "Company": company, "PostingProfile": "GEN",
        })

    def refund(self, row: Refund) -> Iterator[Entry]:
        source = native_id("credit_voucher", row.credit_note) if row.credit_note is not None else native_id("payment_voucher", row.payment)
        is_done = row.status == "succeeded"
        yield from self._transaction(
            row, int(native_id("refund", row.key)), "Payment", native_id("refund_voucher", row.key), "", row.created_at.astimezone(UTC).date(),
            row.amount, row.amount if is_done else Decimal(0), self._view.peer("billing", "refund", row.key, row.customer),
            closed=row.updated_at if is_done else None, against=source, text=row.reason, approved=row.status != "pending",
            cancelled=row.status == "failed", is_main=True)

    def shipment(self, row: Shipment) -> Iterator[Entry]:
        """A packing slip once goods have left; before that the warehouse's shipment, whose plan is the order's confirmed date."""
        company, account, order = company_of(row.customer), native_id("customer", row.customer), native_id("order", row.order)
        id = native_id("shipment", row.key)
        party = self._look("CustomersV3", f"{company}|{account}") or {}
        address = {
            f"{who}{part}": party.get(name, "") for who in ("Consignee", "Receiver")
            for part, name in (("Name", "OrganizationName"), ("Street", "AddressStreet"), ("City", "AddressCity"),
                               ("ZipCode", "AddressZipCode"), ("State", "AddressState"), ("CountryRegionId", "AddressCountryRegionId"))
        }
        is_away = row.shipped_at is not None
        yield _made("ShipmentPackingSlipJournalHeaders", row, _id_for(15, row.key), {
            "dataAreaId": company, "ShipmentPackingSlipVersionNumber": id, "ShipmentPackingSlipNumber": row.number,
            "ShipmentId": f"{company.upper()}-{row.key:06d}", "LoadId": "" if row.status == "planned" else f"L{row.key:07d}",
            "DeliveryDate": noon(row.delivered_at), "DocumentDate": noon(row.shipped_at), "ConsigneeAccountNumber": account, **address,
            "ShipFromWarehouseId": "13", "ShippingCarrierId": row.carrier, "IsActive": yes(row.status != "cancelled"),
        }, is_main=True)
        for line in row.lines:
            quantity = number(line.quantity)
            yield _made("ShipmentPackingSlipJournalLines", row, _id_for(16, row.key, line.number), {
                "dataAreaId": company, "InventoryLotId": lot_id(row.order, line.number), "ShipmentPackingSlipVersionNumber": id,
                "ConsignerOrderNumber": order, "ConsignerLineNumber": line.number, "ItemNumber": native_id("product", line.product),
                "OrderedQuantity": quantity, "ShippedQuantity": quantity if is_away else 0,
                "ShippedHandlingQuantity": 0 if row.status == "planned" else quantity, "RemainingQuantity": 0 if is_away else quantity,
                "OrderedUnitSymbol": "ea",
            })
        for collection in ("SalesOrderHeadersV2", "SalesOrderLines"):  # the promise to the customer is the order's
            for record in self._owned(f"order:{row.order}", collection):
                if record["ConfirmedShippingDate"] != noon(row.planned_date):
                    yield collection, {**record, "ConfirmedShippingDate": noon(row.planned_date)}
        if not is_away:
            return
        day = noon(row.shipped_at)
        header = _id_for(17, row.key)
        yield _made("CustPackingSlipJourBiEntities", row, header, {
            "dataAreaId": company, "SourceDocumentHeader": header, "PackingSlipId": row.number, "SalesId": order, "DeliveryDate": day,
            "DocumentDate": day, "OrderAccount": account, "InvoiceAccount": account,
            "Qty": number(sum((line.quantity for line in row.lines), Decimal(0))), "LedgerVoucher": f"PSV{row.key:07d}",
            "ShipCarrierId": row.carrier,
        })
        for line in row.lines:
            source = _id_for(18, row.key, line.number)
            yield _made("CustPackingSlipTransBiEntities", row, source, {
                "dataAreaId": company, "SourceDocumentLine": source, "PackingSlipId": row.number, "SalesId": order,
                "InventTransId": lot_id(row.order, line.number), "ItemId": native_id("product", line.product), "Name": line.description,
                "Ordered": number(line.quantity), "Qty": number(line.quantity), "SalesUnit": "ea", "DeliveryDate": day,
                "SalesLineShippingDateConfirmed": noon(row.planned_date),
            })
        if row.tracking_number:
            yield _made("PackingSlipTrackingInformation", row, _id_for(19, row.key), {
                "dataAreaId": company, "SalesOrderNumber": order, "PackingSlipNumber": row.number, "DeliveryDate": day,
                "TrackingNumber": row.tracking_number, "TrackingURL": "",
            })

    def returned(self, row: Return) -> Iterator[Entry]:
        company, account, id = company_of(row.customer), native_id("customer", row.customer), native_id("return", row.key)
        header, order, line_status = _RETURN_STATUS.get(row.status, (row.status, row.status, row.status))
        is_in = row.received_at is not None
        yield _made("ReturnOrderHeadersV2", row, _id_for(20, row.key), {
            "dataAreaId": company, "ReturnOrderNumber": id, "RMANumber": row.number, "CustomerAccountNumber": account,
            "InvoiceCustomerAccountNumber": account, "ReturnStatus": header, "ReturnOrderStatus": order,
            "CustomerReturnReasonCode": row.reason, "ReturnDeadline": noon(row.created_at + timedelta(days=30)), "DefaultReturnSiteId": "1",
            "DefaultReturnWarehouseId": "13", "CurrencyCode": row.currency, "OrderTotalAmount": number(-row.amount), "LanguageId": "en-us",
            "CustomersOrderReference": self._view.peer("support", "ticket", row.ticket, row.customer),
            "CustomerRequisitionNumber": "" if row.invoice is None else native_id("invoice", row.invoice),
        }, is_main=True)
        for line in row.lines:
            yield _made("ReturnOrderLinesV2", row, _id_for(22, row.key, line.number), {
                "dataAreaId": company, "ReturnOrderNumber": id, "ReturnInventoryLotId": return_lot_id(row.key, line.number),
                "RMANumber": row.number, "LineCreationSequenceNumber": line.number, "LineDescription": line.description,
                "CustomerAccountNumber": account, "InvoiceCustomerAccountNumber": account, "ItemNumber": native_id("product", line.product),
                "ReturnSalesQuantity": number(-line.quantity), "ReturnedSalesQuantity": number(line.quantity) if is_in else 0,
                "SalesUnitSymbol": "ea", "SalesPrice": number(line.unit_price), "LineAmount": number(-line.amount),
                "TotalTaxAmount": number(-line.tax), "ReturnDispositionCode": "01", "ReturnStatus": line_status,
                "ExpectedReturnArrivalDate": noon(row.created_at + timedelta(days=7)), "ActualReturnArrivalDate": noon(row.received_at),
                "ReturnClosedDate": noon(row.updated_at) if header in ("Closed", "Canceled") else NO_DATE,
                "ReturningInventoryLotId": lot_id(row.order, line.number), "ReferenceNumber": native_id("order", row.order),
                "ReturnSiteId": "1", "ReturnWarehouseId": "13",
            })
        if row.credit_note is not None:
            for record in self._owned(f"credit_note:{row.credit_note}", "SalesInvoiceHeadersV2"):
                if record["SalesOrderNumber"] != id:  # a return's credit note is an invoice of the return order
                    yield "SalesInvoiceHeadersV2", {**record, "SalesOrderNumber": id}


def entries(view: View, look: Look, owned: Owned) -> Iterator[tuple[str, bool, list[Entry]]]:
    """Every row of the view: a name for what owns its records, whether it is gone, and the records. Referenced rows come first."""
    make = Rendering(view, look, owned)
    kinds: list[tuple[str, list[Any], Callable[[Any], Iterator[Entry]]]] = [
        ("product", view.products, make.product), ("customer", view.customers, make.customer), ("contact", view.contacts, make.contact),
        ("order", view.orders, make.order), ("invoice", view.invoices, make.invoice), ("payment", view.payments, make.payment),
        ("credit_note", view.credit_notes, make.credit_note), ("refund", view.refunds, make.refund),
        ("shipment", view.shipments, make.shipment), ("return", view.returns, make.returned),
    ]
    for entity, rows, render in kinds:
        for row in rows:
            yield f"{entity}:{row.key}", row.removed, [] if row.removed else list(render(row))


# what an environment has before any customer


def setup() -> Iterator[Entry]:
    """Companies, currencies and their rates, terms, groups and codes."""
    names = {"usmf": ("Contoso Entertainment System USA", "US", "en-us"), "demf": ("Contoso Entertainment System Germany", "DE", "de")}
    zones = {"usmf": "GMTMINUS0800PACIFICTIME", "demf": "GMTPLUS0100_AMSTERDAM_BERLIN_BERN_ROME"}
    for place, company in enumerate(COMPANIES, start=1):
        name, country, language = names[company]
        party = f"00000{place:04d}"
        yield _made("LegalEntities", None, _id_for(30, place), {
            "LegalEntityId": company, "Name": name, "CompanyName": name, "NameAlias": company.upper(), "PartyNumber": party,
            "VATNum": f"{country}99999999{place}", "LanguageId": language, "TimeZone": zones[company], **_country(country),
        })
        yield _made("Companies", None, _id_for(31, place), {
            "DataArea": company, "Name": name, "KnownAs": name, "LanguageId": language, "PartyNumber": party})
        yield _made("Ledgers", None, _id_for(32, place), {
            "LegalEntityId": company, "Name": company.upper(), "Description": f"Ledger of {name}", "LedgerRecId": _id_for(32, place),
            "AccountingCurrency": ACCOUNTING[company], "ReportingCurrency": "USD", "ChartOfAccounts": "Shared",
            "ExchangeRateType": "Default", "FiscalCalendar": "Fiscal",
        })
        for number_of_group, text in (("10", "Wholesale customers"), ("30", "Retail customers"), ("90", "Former customers")):
            yield _made("CustomerGroups", None, _id_for(33, place, int(number_of_group)), {
                "dataAreaId": company, "CustomerGroupId": number_of_group, "Description": text, "PaymentTermId": "Net30"})
        for days in (0, 10, 15, 30, 45, 60, 90):
            yield payment_term(company, days)
        for code, text, action in _DISPOSITIONS:
            yield _made("ReturnDispositionCodes", None, _id_for(35, place, int(code)), {
                "dataAreaId": company, "DispositionCode": code, "DispositionDescription": text, "DispositionAction": action})
        yield _made("SalesOrderOriginCodes", None, _id_for(36, place), {
            "dataAreaId": company, "OriginCode": "CRM", "OriginDescription": "Won opportunity"})
        yield _made("SalesOrderHoldCodes", None, _id_for(37, place), {
            "dataAreaId": company, "SalesOrderHoldCode": "CREDIT", "Description": "Credit hold", "IsDefaultSalesOrderHoldCode": "Yes"})
    for place, symbol in enumerate(RATES, start=1):
        yield currency(symbol, place)
    for place, (source, target) in enumerate([(a, b) for a in RATES for b in sorted(set(ACCOUNTING.values())) if a != b], start=1):
        yield _made("ExchangeRates", None, _id_for(39, place), {
            "RateTypeName": "Default", "RateTypeDescription": "Default exchange rates", "FromCurrency": source, "ToCurrency": target,
            "StartDate": _START, "EndDate": NEVER, "ConversionFactor": "Hundred",
            "Rate": float(round(Decimal(100) * RATES[target] / RATES[source], 6)),
        })
    for place, (id, text) in enumerate((("SalesInvoicePosted", "Sales invoice posted"), ("CustomerPaymentPosted", "Customer payment posted"),
                                        ("FreeTextInvoicePosted", "Free text invoice posted")), start=1):
        yield _made("BusinessEventsCatalogs", None, _id_for(40, place), {
            "BusinessEventId": id, "Name": text, "Description": text, "Contract": f"{id}BusinessEventContract"})


def payment_term(company: str, days: int) -> Entry:
    return _made("PaymentTerms", None, _id_for(34, COMPANIES.index(company) + 1, days), {
        "dataAreaId": company, "Name": f"Net{days}", "Description": f"Net {days} days", "NumberOfDays": days,
        "IsDefaultPaymentTerm": yes(days == 30), "IsCashPayment": yes(days == 0),
    })


def currency(symbol: str, place: int) -> Entry:
    return _made("Currencies", None, _id_for(38, place), {
        "CurrencyCode": symbol, "Name": symbol, "Symbol": _SYMBOLS.get(symbol, symbol),
        "GeneralRoundingRule": float(Decimal(1).scaleb(-{"JPY": 0, "KWD": 3}.get(symbol, 2)))})
