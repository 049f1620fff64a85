"""One tenant's books: records in the store, their order and indexes, stamps in the tenant's zone, and sums over documents.

A record is kept as the object query shows it, nulls left out. Invoice items are kept apart as short rows of their invoice, because
there are many; they and their tax lines become records when they are looked at. No HTTP here, and no rules of the API.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sandbox.protocol import Clock, Record, Store
from sandbox.zuora.ids import native_id
from sandbox.zuora.objects import KINDS, Catalogue, catalogue

INTEGRATION_USER = native_id("user", "integration")
_ZERO_DECIMAL = frozenset({"BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"})
_THREE_DECIMAL = frozenset({"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"})
_SPENT = frozenset({"Canceled", "Cancelled", "Error", "Draft"})

# an invoice's row: line id, sku, charge name, quantity, unit price, amount, tax, product rate plan charge, processing type
LineRow = list[Any]


def exact(value: Any) -> Decimal:
    """A kept number as a decimal: a float's shortest text is what was written."""
    return Decimal(str(value or 0))


def number(value: Decimal) -> float:
    return float(value)


def rounded(value: Decimal, currency: str) -> Decimal:
    places = 0 if currency in _ZERO_DECIMAL else 3 if currency in _THREE_DECIMAL else 2
    return value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)


def epoch(record: Record | None) -> float:
    """When a record changed last, for comparisons; offsets differ over the year, so texts cannot be compared."""
    text = (record or {}).get("updatedDate")
    return datetime.fromisoformat(text).timestamp() if text else 0.0


class Tenant:
    """Reads and writes of the tenant's records. Writers hold `store.lock`; records are replaced whole."""

    def __init__(self, store: Store, clock: Clock, zone: str, *, moves_stamps: bool = True) -> None:
        self.store, self.clock, self.zone, self.moves_stamps = store, clock, ZoneInfo(zone), moves_stamps
        self.catalogue: Catalogue = catalogue()
        self.on_change: Callable[[str, Record | None, Record | None], None] | None = None  # told of every record written
        self._cache: dict[Any, Any] = {}  # orders and indexes; whoever changes the store by another way than `put` empties it

    # ---------------------------------------------------------------- time

    def now(self) -> datetime:
        return self.clock.now().replace(microsecond=0)

    def stamp(self, at: datetime) -> str:
        return at.astimezone(self.zone).isoformat(timespec="seconds")

    def today(self) -> date:
        return self.clock.now().astimezone(self.zone).date()

    def moment(self, text: str) -> datetime | None:
        """A date-time as clients write it; without offset it is in the tenant's zone. None where it is none."""
        try:
            at = datetime.fromisoformat(text.replace(" ", "T", 1) if len(text) > 10 and text[10] == " " else text)
        except ValueError:
            return None
        return at.replace(tzinfo=self.zone) if at.tzinfo is None else at

    # ---------------------------------------------------------------- records

    def get(self, kind: str, id: object) -> Record | None:
        if not id:
            return None
        record = self.store.get(kind, str(id))
        if record is not None or kind not in ("invoice-items", "taxation-items"):
            return record
        if kind == "invoice-items":
            place = self._places().get(str(id))
            return self._item(*place) if place else None
        place = self._tax_places().get(str(id))
        return self._tax(*place) if place else None

    def find(self, kind: str, key: str) -> Record | None:
        """By id or by the visible number; of a subscription the latest version."""
        record = self.get(kind, key)
        named = KINDS[kind].number
        if record is not None or not named:
            return record
        found = [self.get(kind, id) for id in self.ids_by(kind, named, key, hidden=True)]
        rows = [row for row in found if row is not None]
        if kind == "subscriptions":
            return next((row for row in rows if row.get("isLatestVersion")), None)
        return rows[0] if rows else None

    def put(self, kind: str, record: Record) -> Record:
        id = record["id"]
        before = self.store.get(kind, id)
        self.store.put(kind, id, record)
        self._note(kind, id, before, record)
        if self.on_change is not None:
            self.on_change(kind, before, record)
        return record

    def change(self, kind: str, id: str, *, by: str = INTEGRATION_USER, stamped: bool = True, **fields: Any) -> Record:
        """Replace some fields; None takes a field away."""
        before = self.get(kind, id)
        assert before is not None, f"{kind} {id}"
        merged = {**before, **fields}
        if stamped:
            merged |= {"updatedDate": self.stamp(self.now()), "updatedById": by}
        return self.put(kind, {name: value for name, value in merged.items() if value is not None})

    def create(self, kind: str, fields: Record, *, by: str = INTEGRATION_USER) -> Record:
        at = self.stamp(self.now())
        id = fields.get("id") or native_id("created", f"{kind}:{self.store.next_number('created')}")
        record = {"id": id, **fields, "createdById": by, "createdDate": at, "updatedById": by, "updatedDate": at}
        return self.put(kind, {name: value for name, value in record.items() if value is not None})

    def delete(self, kind: str, id: str, at: str | None = None) -> None:
        before = self.get(kind, id)
        if before is None:
            return
        gone = {**before, "updatedDate": at or self.stamp(self.now())}
        self.store.put("_deleted", id, {"kind": kind, "record": gone})
        self.store.delete(kind, id)
        self._note(kind, id, before, None)

    def deleted(self, kind: str) -> Iterator[Record]:
        for entry in self.store.collection("_deleted").values():
            if entry["kind"] == kind:
                yield entry["record"]

    def next_document(self, kind: str, prefix: str, digits: int = 8) -> str:
        """The next visible number of a kind, behind those that exist."""
        return f"{prefix}{self.store.next_number(f'number:{kind}', 90_000_001):0{digits}d}"

    def hide(self, kind: str, id: str) -> None:
        self.store.put("_hidden", id, {"kind": kind})

    def is_hidden(self, id: str) -> bool:
        return id in self.store.collection("_hidden")

    # ---------------------------------------------------------------- invoice items

    def put_lines(self, invoice: str, content: Record) -> None:
        """`content`: created, updated, by, rows (LineRow), and what all items of the invoice share."""
        self.store.put("invoice_lines", invoice, content)
        for name in [name for name in self._cache if name in ("places", "taxes") or name[1] in ("invoice-items", "taxation-items")]:
            del self._cache[name]

    def _places(self) -> dict[str, tuple[str, int]]:
        if "places" not in self._cache:
            with self.store.lock:
                self._cache["places"] = {
                    row[0]: (invoice, at) for invoice, content in self.store.collection("invoice_lines").items()
                    for at, row in enumerate(content["rows"])}
        found: dict[str, tuple[str, int]] = self._cache["places"]
        return found

    def _tax_places(self) -> dict[str, tuple[str, int]]:
        if "taxes" not in self._cache:
            with self.store.lock:
                self._cache["taxes"] = {
                    native_id("taxation_item", row[0]): (invoice, at) for invoice, content in self.store.collection("invoice_lines").items()
                    for at, row in enumerate(content["rows"]) if row[6]}
        found: dict[str, tuple[str, int]] = self._cache["taxes"]
        return found

    def items_of(self, invoice: str) -> list[Record]:
        content = self.store.get("invoice_lines", invoice)
        rows = [self.get("invoice-items", row[0]) for row in content["rows"]] if content else []
        kept = {row["id"] for row in rows if row}
        rows += [row for id in self.ids_by("invoice-items", "invoiceId", invoice) if id not in kept
                 and (row := self.store.get("invoice-items", id))]
        return [row for row in rows if row is not None]

    def _item(self, invoice: str, at: int) -> Record:
        content = self.store.collection("invoice_lines")[invoice]
        id, sku, name, quantity, price, amount, tax, charge, processing = content["rows"][at]
        shared = content["shared"]
        record: Record = {
            "id": id, "invoiceId": invoice, "accountId": shared["accountId"], "accountingCode": "Revenue", "balance": content["balances"][at],
            "chargeAmount": amount, "chargeDate": content["created"], "chargeName": name, "processingType": processing, "quantity": quantity,
            "serviceStartDate": shared["start"], "serviceEndDate": shared["end"], "sKU": sku, "taxAmount": tax, "taxExemptAmount": 0.0,
            "taxMode": "TaxExclusive", "unitPrice": price, "uOM": "Each", "sourceItemType": shared["source"],
            "revRecStartDate": shared["start"], "createdById": content["by"], "createdDate": content["created"], "updatedById": content["by"],
            "updatedDate": content["updated"],
        }
        if charge:
            record["productRatePlanChargeId"] = charge
        record |= shared["subscription"]
        return record | content.get("extra", {})

    def _tax(self, invoice: str, at: int) -> Record:
        content = self.store.collection("invoice_lines")[invoice]
        id, _, _, _, _, amount, tax, _, _ = content["rows"][at]
        rate = number((exact(tax) / exact(amount)).quantize(Decimal("0.0001"))) if amount else 0.0
        return {
            "id": native_id("taxation_item", id), "invoiceItemId": id, "name": "Sales tax", "jurisdiction": "Country", "taxAmount": tax,
            "taxableAmount": amount, "exemptAmount": 0.0, "taxCode": "STANDARD", "taxDate": content["shared"]["start"],
            "taxMode": "TaxExclusive", "taxRate": rate, "taxRateType": "Percentage", "accountingCode": "Sales Tax Payable", "balance": 0.0,
            "createdById": content["by"], "createdDate": content["created"], "updatedById": content["by"], "updatedDate": content["updated"],
        }

    # ---------------------------------------------------------------- order and indexes

    def records(self, kind: str) -> Iterator[Record]:
        """Every record that lists show, in no order."""
        hidden = self.store.collection("_hidden")
        for id in list(self._epochs(kind)):
            if id not in hidden and (record := self.get(kind, id)) is not None:
                yield record

    def total(self, kind: str) -> int:
        """How many there are, the hidden ones too."""
        return len(self._epochs(kind))

    def by_change(self, kind: str) -> list[tuple[float, str]]:
        """(last change, id) of the listed records, oldest first."""
        name = ("order", kind)
        if name not in self._cache:
            with self.store.lock:
                hidden = self.store.collection("_hidden")
                self._cache[name] = sorted((at, id) for id, at in self._epochs(kind).items() if id not in hidden)
        found: list[tuple[float, str]] = self._cache[name]
        return found

    def _epochs(self, kind: str) -> dict[str, float]:
        name = ("epochs", kind)
        if name not in self._cache:
            with self.store.lock:
                found: dict[str, float] = {}
                if kind in ("invoice-items", "taxation-items"):
                    changed = {invoice: datetime.fromisoformat(content["updated"]).timestamp()
                               for invoice, content in self.store.collection("invoice_lines").items()}
                    places = self._places() if kind == "invoice-items" else self._tax_places()
                    found = {id: changed[invoice] for id, (invoice, _) in places.items()}
                for id, record in self.store.collection(kind).items():
                    found[id] = epoch(record)
                self._cache[name] = found
        kept: dict[str, float] = self._cache[name]
        return kept

    def ids_by(self, kind: str, field: str, value: Any, *, hidden: bool = False) -> list[str]:
        """Ids of records whose field has this value."""
        name = ("by", kind, field)
        if name not in self._cache:
            with self.store.lock:
                self._cache[name] = self._bucketed(kind, field)
        found = self._cache[name].get(value, ())
        concealed = self.store.collection("_hidden")
        return [id for id in found if hidden or id not in concealed]

    def _bucketed(self, kind: str, field: str) -> dict[Any, dict[str, None]]:
        buckets: dict[Any, dict[str, None]] = {}
        if kind == "invoice-items" and field == "invoiceId":
            for invoice, content in self.store.collection("invoice_lines").items():
                buckets[invoice] = {row[0]: None for row in content["rows"]}
            kept: Iterable[Record] = self.store.collection(kind).values()
        elif kind in ("invoice-items", "taxation-items"):
            kept = (row for id in self._epochs(kind) if (row := self.get(kind, id)) is not None)
        else:
            kept = self.store.collection(kind).values()
        for record in kept:
            buckets.setdefault(record.get(field), {})[record["id"]] = None
        return buckets

    def rows_by(self, kind: str, field: str, value: Any, *, hidden: bool = False) -> list[Record]:
        return [row for id in self.ids_by(kind, field, value, hidden=hidden) if (row := self.get(kind, id)) is not None]

    def _note(self, kind: str, id: str, before: Record | None, after: Record | None) -> None:
        epochs, order = self._cache.get(("epochs", kind)), self._cache.get(("order", kind))
        if epochs is not None:
            was = epochs.pop(id, None)
            if order is not None and was is not None:
                place = bisect_left(order, (was, id))
                if place < len(order) and order[place] == (was, id):
                    del order[place]
            if after is not None:
                at = epochs[id] = epoch(after)
                if order is not None and not self.is_hidden(id):
                    insort(order, (at, id))
        for name, buckets in self._cache.items():
            if name[0] != "by" or name[1] != kind:
                continue
            if before is not None:
                buckets.get(before.get(name[2]), {}).pop(id, None)
            if after is not None:
                buckets.setdefault(after.get(name[2]), {})[id] = None

    # ---------------------------------------------------------------- sums over documents

    def refresh_account(self, id: str, *, by: str = INTEGRATION_USER) -> None:
        """Bring an account's sums in line with its documents."""
        account = self.get("accounts", id)
        if account is None:
            return
        sums = self.account_sums(id)
        if any(account.get(name) != value for name, value in sums.items()):
            self.change("accounts", id, by=by, stamped=self.moves_stamps, **sums)

    def account_sums(self, id: str) -> dict[str, float]:
        def total(kind: str, field: str) -> Decimal:
            return sum((exact(row.get(field)) for row in self.rows_by(kind, "accountId", id, hidden=True) if row.get("status") not in _SPENT),
                       Decimal(0))

        owed, debit = total("invoices", "balance"), total("debit-memos", "balance")
        credit, unapplied = total("credit-memos", "balance"), total("payments", "unappliedAmount")
        return {
            "totalInvoiceBalance": number(owed), "totalDebitMemoBalance": number(debit), "unappliedCreditMemoAmount": number(credit),
            "unappliedBalance": number(unapplied), "balance": number(owed + debit - credit - unapplied),
        }


def day(at: datetime) -> str:
    """The calendar day of a moment, as dates are written."""
    return at.astimezone(UTC).date().isoformat()
