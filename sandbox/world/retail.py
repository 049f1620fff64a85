"""The company read from real data: a retailer's invoices, incident histories of a service desk, names of two registers.

What the sets do not have is made here and said so: which firm a customer number is, VAT, payment, subscriptions, and which
customer a caller belongs to. docs/sandbox.md lists every such bridge.
"""

from __future__ import annotations

import csv
import gzip
import random
import re
import zlib
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl

from sandbox.protocol import SandboxError
from sandbox.world.documents import credit, failed_attempts, make_disputes, make_invoice, make_order, settle_most, sums
from sandbox.world.generate import make_opportunities, subscription_invoices
from sandbox.world.model import (
    Change,
    Comment,
    Contact,
    CreditNote,
    Customer,
    Invoice,
    Line,
    Order,
    Product,
    Refund,
    Subscription,
    Ticket,
    View,
)
from sandbox.world.parties import (
    TAX_RATES,
    Company,
    covered_at,
    dice,
    entitle,
    make_agents,
    make_contacts,
    make_customer,
    make_subscriptions,
    make_tier_products,
    quantize,
)
from sandbox.world.tickets import OPEN_STATUSES

INVOICES = 5000  # sales invoices at scale 1, with about 85,000 lines
TICKETS = 3000  # incidents at scale 1
CURRENCY = "GBP"  # the retailer invoices in pounds, whoever buys
# the incident log is read as it stood on this day, so that some cases are still open; most of its incidents fall before
_LOG_CUT = datetime(2016, 5, 31)
_LOG_SPAN = timedelta(days=90)
_STATUS = {
    "New": "new",
    "Active": "open",
    "Awaiting User Info": "pending",
    "Awaiting Evidence": "pending",
    "Awaiting Vendor": "hold",
    "Awaiting Problem": "hold",
    "Resolved": "solved",
    "Closed": "closed",
}
_PRIORITY = {"1": "urgent", "2": "high", "3": "normal", "4": "low"}
# stock codes that are services or corrections, not goods
_SERVICES = {
    "POST": "Postage",
    "DOT": "Dotcom postage",
    "C2": "Carriage",
    "D": "Discount",
    "M": "Manual entry",
    "S": "Samples",
    "BANK CHARGES": "Bank charges",
    "AMAZONFEE": "Marketplace fee",
    "CRUK": "Charity commission",
    "PADS": "Pads to match cushions",
}
_COUNTRIES = {
    "United Kingdom": "GB",
    "Germany": "DE",
    "France": "FR",
    "EIRE": "IE",
    "Spain": "ES",
    "Netherlands": "NL",
    "Belgium": "BE",
    "Switzerland": "CH",
    "Portugal": "PT",
    "Australia": "AU",
    "Norway": "NO",
    "Italy": "IT",
    "Channel Islands": "GB",
    "Finland": "FI",
    "Cyprus": "CY",
    "Sweden": "SE",
    "Austria": "AT",
    "Denmark": "DK",
    "Japan": "JP",
    "Poland": "PL",
    "USA": "US",
    "Israel": "IL",
    "Hong Kong": "HK",
    "Singapore": "SG",
    "Iceland": "IS",
    "Canada": "CA",
    "Greece": "GR",
    "Malta": "MT",
    "Lebanon": "LB",
    "United Arab Emirates": "AE",
    "Lithuania": "LT",
    "Brazil": "BR",
    "Czech Republic": "CZ",
    "Bahrain": "BH",
    "Saudi Arabia": "SA",
}
_FORM_WORDS = frozenset(
    ["inc", "co", "corp", "corporation", "company", "llc", "ltd", "lp", "llp", "the", "of", "and", "city", "town", "village", "coop", "cooperative", "assn", "association"]
)


def read_company(data: Path, seed: int, scale: float, anchor: datetime) -> Company:
    """Raises SandboxError that names the file which is missing."""
    lines_path = _needed(data, "online_retail/invoice_lines.csv.gz")
    log_path = _needed(data, "servicenow_incidents/incident_event_log.csv.gz")
    names_path = _needed(data, "org_identity/system_b_eia.csv.gz")
    pairs_path = _needed(data, "org_identity/utility_id_pudl.csv.gz")
    notes: dict[str, Any] = {"source": str(data)}
    sales, credits = _read_lines(lines_path, seed, scale, notes)
    newest = sales["at"].max()
    if not isinstance(newest, datetime):
        raise SandboxError(f"{lines_path}: no sale with a customer in it")
    shift = anchor - timedelta(hours=1) - newest

    view = View("company", anchor)
    view.agents = make_agents(anchor)
    view.customers, aliases, number_of = _customers(sales, seed, anchor, names_path, pairs_path)
    by_key = {customer.key: customer for customer in view.customers}
    view.contacts = make_contacts(dice(seed, "contacts"), view.customers, round(len(view.customers) * 1.6), anchor)
    view.products, product_of = _products(sales, credits, anchor)
    products = {product.key: product for product in view.products}
    tiers = [product for product in view.products if product.tier]
    view.subscriptions, view.contracts = make_subscriptions(
        dice(seed, "subscriptions"), view.customers, tiers, anchor, count=round(len(view.customers) * 0.6)
    )
    for subscription in view.subscriptions:
        entitle(by_key[subscription.customer], subscription, products[subscription.product].tier)

    rng = dice(seed, "documents")
    for rows in _documents(sales):
        customer = by_key[number_of[rows[0]["customer"]]]
        at, key = rows[0]["at"] + shift, len(view.invoices) + 1
        lines = _lines(rows, product_of, customer)
        order = make_order(rng, key, customer, at - timedelta(minutes=30), lines, anchor, is_billed=True)
        order.number = f"SO{rows[0]['invoice']}"
        view.orders.append(order)
        view.invoices.append(make_invoice(key, customer, at, lines, order=order, number=rows[0]["invoice"]))
    goods_sold = len(view.invoices)
    view.invoices += subscription_invoices(view, anchor, first_key=goods_sold + 1)
    view.payments = settle_most(rng, view.invoices, anchor)
    view.credit_notes, view.refunds = _credits(credits, view, number_of, product_of, shift, anchor, notes)
    view.disputes = make_disputes(rng, view.payments, max(2, round(12 * scale)), anchor)
    view.payments += failed_attempts(rng, view.payments, round(40 * scale), len(view.payments) + 1)
    goods = [product for product in view.products if not product.is_recurring]
    view.opportunities = make_opportunities(dice(seed, "opportunities"), view, goods, max(40, round(500 * scale)), anchor)
    view.tickets = _tickets(log_path, dice(seed, "tickets"), view, max(60, round(TICKETS * scale)), anchor, notes)
    notes["invoices"], notes["lines"] = goods_sold, sum(len(invoice.lines) for invoice in view.invoices)
    return Company(view, aliases, notes)


def _needed(data: Path, name: str) -> Path:
    path = data / name
    if not path.is_file():
        raise SandboxError(f"{path}: not there; a data folder holds online_retail/, servicenow_incidents/ and org_identity/")
    return path


def _read_lines(path: Path, seed: int, scale: float, notes: dict[str, Any]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Sale lines and credit lines of as many customers as give the wanted number of invoices."""
    raw = pl.read_csv(path, infer_schema_length=0)
    frame = raw.select(
        invoice=pl.col("InvoiceNo"),
        code=pl.col("StockCode").str.strip_chars(),
        text=pl.col("Description").str.strip_chars(),
        quantity=pl.col("Quantity").cast(pl.Int64),
        price=pl.col("UnitPrice"),
        customer=pl.col("CustomerID").str.replace(r"\.0$", ""),
        country=pl.col("Country"),
        at=pl.col("InvoiceDate").str.to_datetime("%Y-%m-%d %H:%M:%S", time_zone="UTC"),
    )
    owned = frame.filter(pl.col("customer").is_not_null() & (pl.col("customer") != ""))
    is_credit = pl.col("invoice").str.starts_with("C")
    is_sale = pl.col("invoice").str.contains(r"^\d") & (pl.col("quantity") > 0)
    sales, credits = owned.filter(is_sale), owned.filter(is_credit & (pl.col("quantity") < 0))
    notes["lines_read"] = frame.height
    notes["lines_without_customer"] = frame.height - owned.height  # no debtor, so no document
    notes["lines_adjusting"] = owned.height - sales.height - credits.height
    counts = dict(sales.group_by("customer").agg(pl.col("invoice").n_unique()).iter_rows())
    numbers = sorted(counts)
    dice(seed, "retail customers").shuffle(numbers)
    chosen: set[str] = set()
    total = 0
    for number in numbers:
        if total >= INVOICES * scale and len(chosen) >= 60:
            break
        chosen.add(number)
        total += counts[number]
    is_chosen = pl.col("customer").is_in(sorted(chosen))
    return sales.filter(is_chosen), credits.filter(is_chosen)


def _documents(frame: pl.DataFrame) -> Iterator[list[dict[str, Any]]]:
    """The lines of one document after the other, in time order."""
    rows: list[dict[str, Any]] = []
    for row in frame.sort("at", "invoice", maintain_order=True).iter_rows(named=True):
        if rows and row["invoice"] != rows[0]["invoice"]:
            yield rows
            rows = []
        rows.append(row)
    if rows:
        yield rows


def _customers(
    sales: pl.DataFrame, seed: int, anchor: datetime, names_path: Path, pairs_path: Path
) -> tuple[list[Customer], dict[int, str], dict[str, int]]:
    """A firm of the registers for each customer number; those known to both registers first, for their two spellings."""
    countries = dict(sales.group_by("customer").agg(pl.col("country").first()).iter_rows())
    names, aliases_of = _names(names_path, pairs_path, dice(seed, "names"), len(countries))
    rng = dice(seed, "customers")
    customers, aliases, number_of = [], {}, {}
    for key, (number, name) in enumerate(zip(sorted(countries), names, strict=True), start=1):
        country = _COUNTRIES.get(countries[number], "GB")
        customers.append(make_customer(rng, key, name, country, CURRENCY, anchor))
        number_of[number] = key
        if name in aliases_of:
            aliases[key] = aliases_of[name]
    return customers, aliases, number_of


def _names(names_path: Path, pairs_path: Path, rng: random.Random, count: int) -> tuple[list[str], dict[str, str]]:
    pairs = [(row["utility_name_eia"], row["utility_name_ferc1"]) for row in _rows(pairs_path)]
    both = [(name, other) for name, other in pairs if name and other and name != other and "{" not in other]
    single = sorted({row["utility_name_eia"] for row in _rows(names_path)})
    rng.shuffle(both)
    rng.shuffle(single)
    seen: set[str] = set()
    names: list[str] = []
    aliases: dict[str, str] = {}
    for name, other in [*both, *((name, "") for name in single)]:
        plain = _plain(name)
        forms = {plain, _plain(other)} - {""}
        if len(plain) < 5 or "{" in name or forms & seen:
            continue
        seen |= forms
        names.append(name)
        if other:
            aliases[name] = other
        if len(names) == count:
            break
    rng.shuffle(names)
    return names, aliases


def _plain(name: str) -> str:
    """What is left of a name without case, marks and legal form: two firms of the world never share it."""
    return "".join(word for word in re.findall(r"[a-z0-9]+", name.lower()) if word not in _FORM_WORDS)[:40]


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as lines:
        yield from csv.DictReader(lines)


def _products(sales: pl.DataFrame, credits: pl.DataFrame, anchor: datetime) -> tuple[list[Product], dict[str, int]]:
    products = make_tier_products(anchor, CURRENCY)
    priced = sales.filter(pl.col("price").cast(pl.Float64) > 0)
    known = {
        code: (text, price)
        for code, text, price in pl.concat([priced, sales, credits])
        .group_by("code", maintain_order=True)
        .agg(pl.col("text").drop_nulls().first(), pl.col("price").first())
        .iter_rows()
    }
    number_of: dict[str, int] = {}
    for key, code in enumerate(sorted(known), start=len(products) + 1):
        text, price = known[code]
        number_of[code] = key
        name = _SERVICES.get(code) or (text or code).title()
        products.append(
            Product(
                key=key,
                created_at=anchor - timedelta(days=1000),
                updated_at=anchor - timedelta(days=20 + key % 250),
                actor="system",
                sku=code,
                name=name,
                description=text or name,
                unit_price=Decimal(price),
                currency=CURRENCY,
                is_recurring=False,
            )
        )
    return products, number_of


def _lines(rows: list[dict[str, Any]], product_of: dict[str, int], customer: Customer) -> list[Line]:
    """Sold or credited lines, quantities positive. VAT is ours: the British rate for British buyers, none for others."""
    rate = TAX_RATES["GB"] if customer.country == "GB" else Decimal(0)
    lines = []
    for number, row in enumerate(rows, start=1):
        quantity, price = Decimal(abs(row["quantity"])), Decimal(row["price"])
        amount = quantize(quantity * price, CURRENCY)
        lines.append(
            Line(
                number=number,
                product=product_of[row["code"]],
                description=row["text"] or row["code"],
                quantity=quantity,
                unit_price=price,
                amount=amount,
                tax=quantize(amount * rate, CURRENCY),
            )
        )
    return lines


def _credits(
    credits: pl.DataFrame,
    view: View,
    number_of: dict[str, int],
    product_of: dict[str, int],
    shift: timedelta,
    anchor: datetime,
    notes: dict[str, Any],
) -> tuple[list[CreditNote], list[Refund]]:
    """A credit names no sale: it goes to the customer's latest earlier settled invoice that holds its goods, else to one large enough."""
    customers = {customer.key: customer for customer in view.customers}
    payments = {payment.invoice: payment for payment in view.payments}
    settled: dict[int, list[Invoice]] = {}
    for invoice in view.invoices:
        if invoice.key in payments and invoice.subscription is None:
            settled.setdefault(invoice.customer, []).append(invoice)
    left = {invoice.key: invoice.total for invoice in view.invoices}
    result: list[CreditNote] = []
    refunds: list[Refund] = []
    unplaced = 0
    for rows in _documents(credits):
        customer = customers[number_of[rows[0]["customer"]]]
        lines = _lines(rows, product_of, customer)
        _net, _tax, total = sums(lines)
        credited_at = rows[0]["at"] + shift
        codes = {line.product for line in lines}
        earlier = [
            invoice
            for invoice in reversed(settled.get(customer.key, []))
            if invoice.finalized_at <= credited_at and left[invoice.key] >= total > 0
        ]
        chosen = next(
            (invoice for invoice in earlier if codes <= {line.product for line in invoice.lines}), earlier[0] if earlier else None
        )
        at = max(credited_at, payments[chosen.key].paid_at + timedelta(hours=1)) if chosen else anchor
        if chosen is None or at > anchor - timedelta(minutes=30):
            unplaced += 1
            continue
        left[chosen.key] -= total
        number = f"{rows[0]['invoice']}"
        note, refund = credit(chosen, payments[chosen.key], len(result) + 1, at, lines, "order_change", number)
        result.append(note)
        refunds.append(refund)
    notes["credits"], notes["credits_without_sale"] = len(result), unplaced
    return result, refunds


def _tickets(path: Path, rng: random.Random, view: View, count: int, anchor: datetime, notes: dict[str, Any]) -> list[Ticket]:
    """Incidents with their real changes of state and priority, as the log stood on one day, moved to the anchor."""
    log = pl.read_csv(
        path,
        infer_schema_length=0,
        columns=[
            "number",
            "incident_state",
            "sys_mod_count",
            "caller_id",
            "opened_at",
            "sys_updated_at",
            "contact_type",
            "category",
            "u_symptom",
            "priority",
            "assigned_to",
        ],
    ).with_columns(
        pl.col("opened_at", "sys_updated_at").str.to_datetime("%d/%m/%Y %H:%M", strict=False), pl.col("sys_mod_count").cast(pl.Int64)
    )
    log = log.filter(
        (pl.col("opened_at") > _LOG_CUT - _LOG_SPAN) & (pl.col("sys_updated_at") <= _LOG_CUT) & (pl.col("opened_at") < _LOG_CUT)
    )
    notes["incident_events_odd_state"] = log.filter(~pl.col("incident_state").is_in(list(_STATUS))).height
    log = log.filter(pl.col("incident_state").is_in(list(_STATUS)))
    numbers = log["number"].unique().sort().to_list()
    chosen = sorted(rng.sample(numbers, min(count, len(numbers))))
    events = log.filter(pl.col("number").is_in(chosen)).sort("number", "sys_mod_count", maintain_order=True)
    shift = anchor.replace(tzinfo=None) - timedelta(minutes=30) - _LOG_CUT
    contacts: dict[int, list[Contact]] = {}
    for contact in view.contacts:
        contacts.setdefault(contact.customer, []).append(contact)
    orders: dict[int, list[Order]] = {}
    for order in view.orders:
        orders.setdefault(order.customer, []).append(order)
    tickets: list[Ticket] = []
    for (_number,), rows in events.group_by("number", maintain_order=True):
        made = _ticket(len(tickets) + 1, list(rows.iter_rows(named=True)), shift, view.subscriptions, contacts, orders, rng, anchor)
        if made is not None:
            tickets.append(made)
    notes["tickets"], notes["incidents_without_cover"] = len(tickets), len(chosen) - len(tickets)
    return tickets


def _ticket(
    key: int,
    rows: list[dict[str, Any]],
    shift: timedelta,
    subscriptions: list[Subscription],
    contacts: dict[int, list[Contact]],
    orders: dict[int, list[Order]],
    rng: random.Random,
    anchor: datetime,
) -> Ticket | None:
    first, last = rows[0], rows[-1]
    opened = (first["opened_at"] + shift).replace(tzinfo=anchor.tzinfo)
    status = _STATUS[last["incident_state"]]
    customer = _customer_for(first["caller_id"], opened, subscriptions, is_open=status in OPEN_STATUSES)
    if customer is None:
        return None
    caller = zlib.crc32(first["caller_id"].encode())
    contact = contacts[customer][caller % len(contacts[customer])]
    changes: list[Change] = []
    state, priority, agent, moment = "new", _PRIORITY.get(first["priority"][:1], "normal"), 0, opened
    symptom = "no symptom given" if first["u_symptom"] == "?" else first["u_symptom"]
    comments = [
        Comment(
            at=opened,
            author=contact.key,
            is_agent=False,
            is_public=True,
            body=f"Reported by {first['contact_type']}: {first['category']}, {symptom}.".capitalize(),
        )
    ]
    for row in rows:
        moment = max(moment, (row["sys_updated_at"] + shift).replace(tzinfo=anchor.tzinfo))
        if row["assigned_to"] != "?":
            agent = 6 + zlib.crc32(row["assigned_to"].encode()) % 5
        who = agent or 6
        new_state, new_priority = _STATUS[row["incident_state"]], _PRIORITY.get(row["priority"][:1], "normal")
        if new_priority != priority:
            changes.append(Change(at=moment, field="priority", old=priority, new=new_priority, agent=who))
            priority = new_priority
        if new_state != state:
            changes.append(Change(at=moment, field="status", old=state, new=new_state, agent=None if new_state == "closed" else who))
            if new_state in ("pending", "solved"):
                words = "Please tell us more so that we can go on." if new_state == "pending" else "Solved on our side, please check."
                comments.append(Comment(at=moment, author=who, is_agent=True, is_public=True, body=words))
            state = new_state
    order = rng.choice(orders[customer]) if customer in orders and rng.random() < 0.3 else None
    return Ticket(
        key=key,
        created_at=opened,
        updated_at=moment,
        actor=f"user:{agent or 6}",
        customer=customer,
        contact=contact.key,
        assignee=agent or None,
        subject=f"{first['category']}, {first['contact_type'].lower()}",
        type="incident",
        priority=priority,
        status=state,
        order=order.key if order else None,
        order_number=order.number if order else "",
        tags=[first["category"].lower().replace(" ", "_").replace("?", "uncategorised")],
        comments=comments,
        changes=changes,
        solved_at=next((change.at for change in reversed(changes) if change.new == "solved"), None),
    )


def _customer_for(caller: str, at: datetime, subscriptions: list[Subscription], *, is_open: bool) -> int | None:
    """Callers are spread over the customers with cover; the same caller comes from the same customer while it has cover."""
    start = zlib.crc32(caller.encode()) % len(subscriptions)
    for step in range(len(subscriptions)):
        held = subscriptions[(start + step) % len(subscriptions)]
        if covered_at(held, at) and not (is_open and held.ended_at is not None):
            return held.customer
    return None
