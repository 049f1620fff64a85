"""Billing documents, credit memo requests and the accounting lines of receivables: what is owed, paid, credited and cleared.

An item is cleared by the accounting document that settles its invoice; who clears what follows from the world's invoices with
their payments and credit notes, so the ledger remembers them between two views.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from sandbox.protocol import Record
from sandbox.sap_s4hana.ids import native_id
from sandbox.sap_s4hana.records import (
    CHANNEL,
    DIVISION,
    Change,
    Organisation,
    entry,
    follows_order,
    item_number,
    main_entry,
    sales_area,
    stamps,
    terms_code,
)
from sandbox.sap_s4hana.wire import amount, clock_time, day, moment, quantity
from sandbox.world.model import CreditNote, Invoice, Line, Payment, Refund, Row, View

_RATES = {"USD": Decimal(1), "EUR": Decimal("1.08"), "GBP": Decimal("1.27"), "CAD": Decimal("0.74"), "AUD": Decimal("0.66"),
          "JPY": Decimal("0.0067"), "CHF": Decimal("1.13"), "KWD": Decimal("3.25"), "CNY": Decimal("0.14"), "INR": Decimal("0.012")}
_CUBE = "A_OperationalAcctgDocItemCube"
_PAYMENT_BLOCK = {"succeeded": "", "pending": "P"}
_CLEARING = {"draft": "", "open": "A", "paid": "C", "void": "C", "uncollectible": "A"}
DOUBTFUL = "E"  # special general ledger: doubtful receivables
_Posting = tuple[str, str, str]  # accounting document, fiscal year, day of clearing


class Ledger:
    """The rows seen so far that decide what is cleared."""

    def __init__(self, organisation: Organisation) -> None:
        self._organisation = organisation
        self._invoices: dict[int, Invoice] = {}
        self._payments: dict[int, dict[int, Payment]] = {}  # by invoice
        self._credits: dict[int, dict[int, CreditNote]] = {}
        self._refunds: dict[int, Refund] = {}  # by credit note

    def changes(self, view: View) -> Iterator[Change]:
        touched: dict[int, None] = {}
        for invoice in view.invoices:
            self._invoices[invoice.key] = invoice
            touched[invoice.key] = None
        for payment in view.payments:
            if payment.invoice is not None:
                self._payments.setdefault(payment.invoice, {})[payment.key] = payment
                touched[payment.invoice] = None
        for refund in view.refunds:
            if refund.credit_note is not None:
                self._refunds[refund.credit_note] = refund
        for note in view.credit_notes:
            if note.invoice is not None:
                self._credits.setdefault(note.invoice, {})[note.key] = note
                touched[note.invoice] = None
        documents = {invoice.key for invoice in view.invoices}
        notes = {note.key for note in view.credit_notes}
        for key in touched:
            yield from self._of_invoice(key, view, key in documents, notes)
        for payment in view.payments:
            if payment.invoice is None:
                yield from self._payment(payment, None, None, view)
        for note in view.credit_notes:
            if note.invoice is None:
                yield from self._credit(note, None, view, True)
        for refund in view.refunds:
            yield from self._refund(refund, view)

    def _of_invoice(self, key: int, view: View, with_document: bool, notes: set[int]) -> Iterator[Change]:
        invoice = self._invoices.get(key)
        payments = list(self._payments.get(key, {}).values())
        credits = list(self._credits.get(key, {}).values())
        posting = self._clearing(invoice, payments) if invoice is not None else None
        if invoice is not None:
            if with_document:
                yield from self._invoice_document(invoice, view)
            yield from self._invoice_lines(invoice, posting)
        for payment in payments:
            yield from self._payment(payment, invoice, posting, view)
        paid = sum((payment.amount for payment in payments if payment.status == "succeeded"), Decimal(0))
        for note in credits:
            settles = posting if invoice is not None and paid < invoice.total else None
            yield from self._credit(note, settles, view, note.key in notes)

    def _clearing(self, invoice: Invoice, payments: list[Payment]) -> _Posting | None:
        """The document that clears a paid invoice: its last payment, or an account maintenance where no money came."""
        if invoice.status != "paid" or invoice.removed:
            return None
        good = [payment for payment in payments if payment.status == "succeeded" and not payment.removed]
        if good:
            last = max(good, key=lambda payment: (payment.paid_at, payment.key))
            return native_id("payment", last.key), str(last.paid_at.year), day(last.paid_at) or ""
        at = invoice.paid_at or invoice.updated_at
        return str(100_000_000 + invoice.key), str(at.year), day(at) or ""

    # documents

    def _invoice_document(self, row: Invoice, view: View) -> Iterator[Change]:
        number, cancelled = native_id("invoice", row.key), row.status == "void" or row.removed
        order = native_id("order", row.order) if row.order is not None else ""
        document = self._document(row, number, "F2", "M", row.customer, row.currency, (row.subtotal, row.tax, row.total), {
            "BillingDocumentDate": day(row.invoice_date), "DocumentReferenceID": row.number[:16],
            "PurchaseOrderByCustomer": view.peer("billing", "invoice", row.key, row.customer)[:35],
            "CustomerPaymentTerms": terms_code(max((row.due_date - row.invoice_date).days, 0)), "BillingDocumentIsCancelled": cancelled,
            "AccountingDocument": "" if row.status == "draft" else native_id("invoice_posting", row.key),
            "AccountingTransferStatus": "A" if row.status == "draft" else "E" if cancelled else "C",
            "AccountingPostingStatus": "A" if row.status == "draft" else "C", "OverallBillingStatus": "A" if row.status == "draft" else "C",
            "InvoiceClearingStatus": "B" if row.status == "open" and 0 < row.amount_paid < row.total else _CLEARING.get(row.status, row.status),
        }, row.invoice_date.year)
        yield main_entry("A_BillingDocument", row, document)
        yield from self._document_items(row, number, row.lines, row.currency, order, "C" if order else "")
        if cancelled:
            yield from self._cancellation(row, number, document)
        if row.order is not None:
            yield follows_order(row.order, number, "M", row)

    def _document(
        self, row: Row, number: str, kind: str, category: str, customer: int, currency: str, sums: tuple[Decimal, Decimal, Decimal],
        values: Record, year: int,
    ) -> Record:
        party = native_id("customer", customer)
        net, tax, gross = (amount(value, currency) for value in sums)
        return {
            "BillingDocument": number, "BillingDocumentType": kind, "SDDocumentCategory": category, "BillingDocumentCategory": "L",
            "SalesOrganization": self._organisation.sales_organization, "DistributionChannel": CHANNEL, "Division": DIVISION,
            "CompanyCode": self._organisation.company_code, "FiscalYear": str(year), "SoldToParty": party, "PayerParty": party,
            "TransactionCurrency": currency, "TotalNetAmount": net, "TaxAmount": tax, "TotalGrossAmount": gross, "PaymentReference": number,
            "AbsltAccountingExchangeRate": f"{self._rate(currency):.5f}", "OverallSDProcessStatus": "C", "CreationDate": day(row.created_at),
            "CreationTime": clock_time(row.created_at), "LastChangeDate": day(row.updated_at), "LastChangeDateTime": moment(row.updated_at),
            **values,
        }

    def _document_items(self, row: Row, number: str, lines: list[Line], currency: str, source: str, category: str) -> Iterator[Change]:
        for line in lines:
            item = item_number(line)
            yield entry("A_BillingDocumentItem", row, {
                "BillingDocument": number, "BillingDocumentItem": item, "Material": native_id("product", line.product),
                "Plant": self._organisation.plant, "BillingDocumentItemText": line.description[:40],
                "ServicesRenderedDate": day(row.created_at), "BillingQuantity": quantity(line.quantity), "BillingQuantityUnit": "PC",
                "NetAmount": amount(line.amount, currency), "TransactionCurrency": currency,
                "GrossAmount": amount(line.amount + line.tax, currency), "TaxAmount": amount(line.tax, currency),
                "CostAmount": amount(Decimal(0), currency), "ReferenceSDDocument": source, "ReferenceSDDocumentItem": item if source else "0",
                "ReferenceSDDocumentCategory": category, "SalesDocument": source, "SalesDocumentItem": item if source else "0",
                "SalesSDDocumentCategory": category, "ProfitCenter": "YB110",
            })

    def _cancellation(self, row: Invoice | CreditNote, number: str, document: Record) -> Iterator[Change]:
        """Billing documents are never deleted: another one cancels them."""
        is_invoice = isinstance(row, Invoice)
        yield entry("A_BillingDocument", row, {
            **document, "BillingDocument": native_id("cancellation" if is_invoice else "credit_cancellation", row.key),
            "BillingDocumentType": "S1" if is_invoice else "S2", "SDDocumentCategory": "N" if is_invoice else "S",
            "CancelledBillingDocument": number, "BillingDocumentIsCancelled": False, "BillingDocumentDate": day(row.updated_at),
            "CreationDate": day(row.updated_at), "CreationTime": clock_time(row.updated_at), "AccountingTransferStatus": "C",
            "AccountingDocument": "", "PurchaseOrderByCustomer": "", "DocumentReferenceID": "", "InvoiceClearingStatus": "C",
        })

    def _credit(self, row: CreditNote, clearing: _Posting | None, view: View, with_document: bool) -> Iterator[Change]:
        number, cancelled = native_id("credit_note", row.key), row.status == "void" or row.removed
        source = native_id("invoice", row.invoice) if row.invoice is not None else ""
        refund = self._refunds.get(row.key)
        if clearing is None and refund is not None and refund.status == "succeeded":
            clearing = native_id("refund", refund.key), str(refund.created_at.year), day(refund.created_at) or ""
        if with_document:
            document = self._document(row, number, "G2", "O", row.customer, row.currency, (row.subtotal, row.tax, row.total), {
                "BillingDocumentDate": day(row.issue_date), "DocumentReferenceID": row.number[:16],
                "PurchaseOrderByCustomer": view.peer("billing", "credit_note", row.key, row.customer)[:35], "CustomerPaymentTerms": "NT00",
                "BillingDocumentIsCancelled": cancelled, "AccountingDocument": native_id("credit_posting", row.key),
                "AccountingTransferStatus": "E" if cancelled else "C", "AccountingPostingStatus": "C", "OverallBillingStatus": "C",
                "InvoiceClearingStatus": ("C" if clearing else "A") if row.status in ("issued", "void") else row.status,
            }, row.issue_date.year)
            yield main_entry("A_BillingDocument", row, document)
            yield from self._document_items(row, number, row.lines, row.currency, source, "M" if source else "")
            if cancelled:
                yield from self._cancellation(row, number, document)
            yield from self._request(row, source)
        yield from self._lines(row, native_id("credit_posting", row.key), row.issue_date.year, {
            "AccountingDocumentType": "DG", "PostingDate": day(row.issue_date), "DocumentDate": day(row.issue_date),
            "NetDueDate": day(row.issue_date), "DueCalculationBaseDate": day(row.issue_date), "PaymentTerms": "NT00", "PostingKey": "11",
            "BillingDocument": number, "DocumentReferenceID": row.number[:16], "PaymentReference": number,
            **self._referring(row.invoice), **self._reversal(cancelled),
        }, row.customer, -row.total, row.currency, clearing)

    def _request(self, row: CreditNote, source: str) -> Iterator[Change]:
        """The credit memo request that the credit memo was made from."""
        number, currency = native_id("credit_memo_request", row.key), row.currency
        process = "A" if row.status == "draft" else "C"
        yield entry("A_CreditMemoRequest", row, {
            "CreditMemoRequest": number, "CreditMemoRequestType": "CR", **sales_area(self._organisation), **stamps(row, self._organisation),
            "SoldToParty": native_id("customer", row.customer), "CreditMemoRequestDate": day(row.issue_date),
            "TotalNetAmount": amount(row.subtotal, currency), "TransactionCurrency": currency, "SDDocumentReason": "001",
            "BillingDocumentDate": day(row.issue_date), "ReferenceSDDocument": source, "ReferenceSDDocumentCategory": "M" if source else "",
            "SalesDocApprovalStatus": "B", "OverallSDProcessStatus": process, "OverallOrdReltdBillgStatus": process,
            "OverallSDDocumentRejectionSts": "C" if row.status == "void" else "A", "AccountingDocExternalReference": row.number[:16],
        })
        yield entry("A_CreditMemoReqPartner", row, {
            "CreditMemoRequest": number, "PartnerFunction": "SP", "Customer": native_id("customer", row.customer)})
        for line in row.lines:
            yield entry("A_CreditMemoRequestItem", row, {
                "CreditMemoRequest": number, "CreditMemoRequestItem": item_number(line), "CreditMemoRequestItemText": line.description[:40],
                "Material": native_id("product", line.product), "RequestedQuantity": quantity(line.quantity), "RequestedQuantityUnit": "PC",
                "TransactionCurrency": currency, "NetAmount": amount(line.amount, currency), "Plant": self._organisation.plant,
                "ServicesRenderedDate": day(row.issue_date), "ReferenceSDDocument": source,
                "ReferenceSDDocumentItem": item_number(line) if source else "0", "SDProcessStatus": process, "OrderRelatedBillingStatus": process})
        yield entry("A_CreditMemoReqSubsqntProcFlow", row, {
            "CreditMemoRequest": number, "SubsequentDocument": native_id("credit_note", row.key), "SubsequentDocumentCategory": "O",
            "ProcessFlowLevel": "00", "OverallBillingStatus": process, "OverallSDProcessStatus": process, "CreationDate": day(row.created_at),
            "CreationTime": clock_time(row.created_at), "LastChangeDate": day(row.updated_at)})

    # accounting lines

    def _invoice_lines(self, row: Invoice, clearing: _Posting | None) -> Iterator[Change]:
        if row.status == "draft":
            return
        number, cancelled = native_id("invoice", row.key), row.status == "void" or row.removed
        if cancelled:
            clearing = str(110_000_000 + row.key), str(row.updated_at.year), day(row.updated_at) or ""
        yield from self._lines(row, native_id("invoice_posting", row.key), row.invoice_date.year, {
            "AccountingDocumentType": "RV", "PostingDate": day(row.invoice_date), "DocumentDate": day(row.invoice_date),
            "NetDueDate": day(row.due_date), "DueCalculationBaseDate": day(row.invoice_date),
            "PaymentTerms": terms_code(max((row.due_date - row.invoice_date).days, 0)), "PostingKey": "01", "BillingDocument": number,
            "SalesDocument": self._padded(native_id("order", row.order)) if row.order is not None else "",
            "DocumentReferenceID": row.number[:16], "PaymentReference": number,
            "SpecialGLCode": DOUBTFUL if row.status == "uncollectible" else "", **self._reversal(cancelled),
        }, row.customer, row.total, row.currency, clearing)

    def _payment(self, row: Payment, invoice: Invoice | None, clearing: _Posting | None, view: View) -> Iterator[Change]:
        if row.status == "failed":
            return
        on = row.paid_at
        yield from self._lines(row, native_id("payment", row.key), on.year, {
            "AccountingDocumentType": "DZ", "PostingDate": day(on), "DocumentDate": day(on), "NetDueDate": day(on), "PostingKey": "15",
            "DocumentReferenceID": (row.number or native_id("payment", row.key))[:16],
            "PaymentReference": native_id("invoice", row.invoice) if row.invoice is not None else "",
            "PaymentBlockingReason": _PAYMENT_BLOCK.get(row.status, row.status),
            "DocumentItemText": view.peer("billing", "payment", row.key, row.customer)[:50],
            **(self._referring(row.invoice) if clearing is None else {}), **self._reversal(row.removed),
        }, row.customer, -row.amount, row.currency, clearing if row.status == "succeeded" else None)

    def _refund(self, row: Refund, view: View) -> Iterator[Change]:
        if row.status == "failed":
            return
        on = row.created_at
        clears = row.credit_note is not None and row.status == "succeeded"
        clearing = (native_id("refund", row.key), str(on.year), day(on) or "") if clears else None
        yield from self._lines(row, native_id("refund", row.key), on.year, {
            "AccountingDocumentType": "DZ", "PostingDate": day(on), "DocumentDate": day(on), "NetDueDate": day(on), "PostingKey": "05",
            "DocumentReferenceID": native_id("refund", row.key), "AssignmentReference": native_id("payment", row.payment),
            "PaymentReference": native_id("credit_note", row.credit_note) if row.credit_note is not None else "",
            "PaymentBlockingReason": _PAYMENT_BLOCK.get(row.status, row.status),
            "DocumentItemText": view.peer("billing", "refund", row.key, row.customer)[:50], **self._reversal(row.removed),
        }, row.customer, row.amount, row.currency, clearing)

    def _lines(
        self, row: Row, document: str, year: int, values: Record, customer: int, value: Decimal, currency: str, clearing: _Posting | None,
    ) -> Iterator[Change]:
        """The customer's line and the line against it. A change by clearing alone does not move LastChangeDate."""
        shared = {
            "CompanyCode": self._organisation.company_code, "FiscalYear": str(year), "AccountingDocument": document,
            "TransactionCurrency": currency, "CompanyCodeCurrency": self._organisation.currency, "Ledger": "0L",
            "AccountingDocumentCreationDate": day(row.created_at), "CreationTime": clock_time(row.created_at), "DunningLevel": "0",
        }
        local = value * self._rate(currency)
        settled: Record = {}
        if clearing is not None:
            settled = {"IsCleared": True, "ClearingAccountingDocument": clearing[0], "ClearingDocFiscalYear": clearing[1],
                       "ClearingDate": clearing[2]}
        incoming = values["PostingKey"] in ("15", "05")
        yield main_entry(_CUBE, row, {
            **shared, **values, "AccountingDocumentItem": self._item("2" if incoming else "1"), "FinancialAccountType": "D",
            "Customer": native_id("customer", customer), "GLAccount": "12100000", "DebitCreditCode": "S" if value >= 0 else "H",
            "AmountInTransactionCurrency": amount(value, currency), "CashDiscountAmount": amount(Decimal(0), currency),
            "AmountInCompanyCodeCurrency": amount(local, self._organisation.currency), **settled,
        })
        yield entry(_CUBE, row, {
            **shared, **{name: values[name] for name in ("AccountingDocumentType", "PostingDate", "DocumentDate")},
            "AccountingDocumentItem": self._item("1" if incoming else "2"), "FinancialAccountType": "S",
            "GLAccount": "11001000" if incoming else "41000000", "PostingKey": "40" if value < 0 else "50",
            "DebitCreditCode": "H" if value >= 0 else "S", "AmountInTransactionCurrency": amount(-value, currency),
            "CashDiscountAmount": amount(Decimal(0), currency),
            "AmountInCompanyCodeCurrency": amount(-local, self._organisation.currency),
        })

    def _referring(self, invoice: int | None) -> Record:
        row = self._invoices.get(invoice) if invoice is not None else None
        if row is None:
            return {}
        return {"InvoiceReference": native_id("invoice_posting", row.key), "InvoiceReferenceFiscalYear": str(row.invoice_date.year)}

    def _reversal(self, reversed_: bool) -> Record:
        return {"IsReversed": True} if reversed_ else {}

    def _item(self, number: str) -> str:
        return number.rjust(3, "0") if self._organisation.pads_references else number

    def _padded(self, number: str) -> str:
        return number.rjust(10, "0") if self._organisation.pads_references else number

    def _rate(self, currency: str) -> Decimal:
        rates = _RATES
        return (rates.get(currency, Decimal(1)) / rates.get(self._organisation.currency, Decimal(1))).quantize(Decimal("0.00001"))
