"""The people and firms of the company and what binds them: customers, contacts, agents, subscriptions with their contracts.

Both sources of a world (generated, real data) use these. Documents with amounts belong to `documents`.
"""

from __future__ import annotations

import calendar
import random
import re
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sandbox.world.model import Agent, Contact, Contract, Customer, Product, Subscription, View

EXPONENTS = {"JPY": 0, "KWD": 3}  # every other currency has 2
RATES = {"USD": Decimal(1), "EUR": Decimal("0.9"), "GBP": Decimal("0.8"), "JPY": Decimal(150), "KWD": Decimal("0.3")}
TAX_RATES = {"US": Decimal("0.0825"), "GB": Decimal("0.20"), "DE": Decimal("0.19"), "FR": Decimal("0.20"), "JP": Decimal("0.10")}
TIERS = ("basic", "standard", "premium")
COVERED = ("active", "past_due", "trialing")

_FIRST = "Ada Amir Anna Ben Carla Chen Dana Diego Elif Emma Erik Fatima Felix Grace Hana Hugo Ines Ivan Jana Jonas Kenji Lara Leo Lina"
_FIRST += " Marco Maya Mei Nadia Nils Noor Olga Omar Paula Petra Priya Rafael Rosa Sam Sara Sofia Tariq Theo Tomas Uma Vera Wei Yara Zoe"
_LAST = "Abbott Ahmed Bauer Becker Brown Chen Costa Diaz Dubois Evans Fischer Garcia Haddad Hansen Ito Jensen Kaya Keller Khan Kim Klein"
_LAST += (
    " Lang Lopez Martin Meyer Mori Moreau Nagy Novak Okoye Patel Quinn Reed Rossi Sato Schmidt Silva Singh Smith Tanaka Vogel Walker Young"
)
_TITLES = ("Controller", "Head of Finance", "Operations Manager", "IT Manager", "Buyer", "Support Lead", "")
_PLACES = {
    "US": [("Portland", "OR", "97205"), ("Austin", "TX", "78701"), ("Columbus", "OH", "43215"), ("Tampa", "FL", "33602")],
    "GB": [("Leeds", "West Yorkshire", "LS1 4AP"), ("Bristol", "Bristol", "BS1 5TR"), ("Glasgow", "Scotland", "G2 1DY")],
    "DE": [("Hamburg", "Hamburg", "20095"), ("Köln", "Nordrhein-Westfalen", "50667"), ("Dresden", "Sachsen", "01067")],
    "FR": [("Lyon", "Auvergne-Rhône-Alpes", "69002"), ("Nantes", "Pays de la Loire", "44000")],
    "JP": [("Osaka", "Osaka", "530-0001"), ("Nagoya", "Aichi", "450-0002")],
    "KW": [("Kuwait City", "Al Asimah", "13001")],
}
_STREETS = ("Harbor", "Mill", "Station", "Market", "Garden", "Church", "Canal", "Forest", "Bridge", "Castle", "River", "North", "Lake")
CURRENCIES = {"US": "USD", "GB": "GBP", "DE": "EUR", "FR": "EUR", "JP": "JPY", "KW": "KWD"}


@dataclass
class Company:
    """The neutral truth before any system has its copy. `aliases`: another real spelling of a customer's name."""

    view: View
    aliases: dict[int, str] = field(default_factory=dict)
    notes: dict[str, Any] = field(default_factory=dict)  # what was read and what was left out


def dice(seed: int, purpose: str) -> random.Random:
    """A random source of its own for each purpose, so that one part's length never moves another's."""
    return random.Random(f"{seed}:{purpose}")


def quantize(amount: Decimal, currency: str) -> Decimal:
    return amount.quantize(Decimal(1).scaleb(-EXPONENTS.get(currency, 2)))


def minor_unit(currency: str) -> Decimal:
    return Decimal(1).scaleb(-EXPONENTS.get(currency, 2))


def add_months(moment: datetime, months: int) -> datetime:
    year, month = divmod(moment.month - 1 + months, 12)
    year, month = moment.year + year, month + 1
    return moment.replace(year=year, month=month, day=min(moment.day, calendar.monthrange(year, month)[1]))


def moment_between(rng: random.Random, start: datetime, end: datetime) -> datetime:
    return start + timedelta(seconds=rng.randrange(max(1, int((end - start).total_seconds()))))


def slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40].strip("-")


def make_agents(anchor: datetime) -> list[Agent]:
    names = [
        "Mona Weiss",
        "Peter Olsen",
        "Rita Gomez",
        "Sven Lund",
        "Tara Nair",
        "Ugo Conti",
        "Vic Tran",
        "Wanda Roth",
        "Xenia Popa",
        "Yuri Baran",
    ]
    return [
        Agent(
            key=number,
            created_at=anchor - timedelta(days=900),
            updated_at=anchor - timedelta(days=30, minutes=number),
            actor="system",
            name=name,
            email=f"{name.lower().replace(' ', '.')}@concord.example",
        )
        for number, name in enumerate(names, start=1)
    ]


def make_customer(rng: random.Random, key: int, name: str, country: str, currency: str, anchor: datetime, oldest: int = 1000) -> Customer:
    domain = f"{slug(name)}.example"
    city, region, postcode = rng.choice(_PLACES.get(country, _PLACES["GB"]))
    created = anchor - timedelta(days=rng.randint(560, oldest), seconds=rng.randrange(86_400))
    return Customer(
        key=key,
        created_at=created,
        updated_at=moment_between(rng, anchor - timedelta(days=60), anchor - timedelta(minutes=20)),
        actor="system",
        name=name,
        domain=domain,
        tax_id=_tax_id(country, key),
        email=f"accounts@{domain}",
        phone=f"+{rng.choice((1, 44, 49, 33, 81))} {rng.randint(200, 989)} {rng.randint(1_000_000, 9_999_999)}",
        street=f"{rng.randint(1, 240)} {rng.choice(_STREETS)} Street",
        city=city,
        region=region,
        postcode=postcode,
        country=country,
        currency=currency,
        terms_days=rng.choice((14, 30, 30, 30, 45, 60)),
        credit_limit=quantize(Decimal(rng.randint(5, 80) * 1000) * RATES.get(currency, Decimal(1)), currency),
        erp_customer=key,
    )


def _tax_id(country: str, key: int) -> str:
    number = 100_000_007 + key * 7_919  # distinct by construction
    if country == "US":
        return f"{number % 100:02d}-{number % 10_000_000:07d}"
    if country == "JP":
        return f"T{number:013d}"
    return f"{country}{number:09d}"


def make_contacts(rng: random.Random, customers: list[Customer], count: int, anchor: datetime) -> list[Contact]:
    """At least one contact a customer; the rest fall where they fall."""
    first, last = _FIRST.split(), _LAST.split()
    owners = list(customers) + [rng.choice(customers) for _ in range(max(0, count - len(customers)))]
    contacts = []
    for key, owner in enumerate(owners, start=1):
        given, family = rng.choice(first), rng.choice(last)
        contacts.append(
            Contact(
                key=key,
                created_at=owner.created_at + timedelta(days=rng.randint(0, 200), seconds=rng.randrange(86_400)),
                updated_at=moment_between(rng, anchor - timedelta(days=90), anchor - timedelta(minutes=30)),
                actor=f"user:{rng.randint(1, 5)}",
                customer=owner.key,
                first_name=given,
                last_name=family,
                email=f"{given}.{family}.{key}@{owner.domain}".lower(),
                phone=owner.phone,
                title=rng.choice(_TITLES),
            )
        )
    return contacts


def make_tier_products(anchor: datetime, currency: str, first_key: int = 1) -> list[Product]:
    prices = {"basic": 600, "standard": 1800, "premium": 4800}
    return [
        Product(
            key=first_key + index,
            created_at=anchor - timedelta(days=1000),
            updated_at=anchor - timedelta(days=200 + index),
            actor="system",
            sku=f"SUP-{tier.upper()}",
            name=f"Support {tier.capitalize()}",
            description=f"{tier.capitalize()} support, one year",
            unit_price=quantize(Decimal(prices[tier]) * RATES[currency], currency),
            currency=currency,
            is_recurring=True,
            tier=tier,
        )
        for index, tier in enumerate(TIERS)
    ]


def make_subscriptions(
    rng: random.Random, customers: list[Customer], tier_products: list[Product], anchor: datetime, *, count: int
) -> tuple[list[Subscription], list[Contract]]:
    """One yearly subscription and its contract for each of `count` customers, and a few contracts that lead nowhere yet."""
    chosen = rng.sample(customers, min(count, len(customers)))
    subscriptions: list[Subscription] = []
    contracts: list[Contract] = []
    for key, customer in enumerate(chosen, start=1):
        product = rng.choices(tier_products, weights=(3, 4, 2))[0]
        draw = rng.random()
        status = "canceled" if draw < 0.16 else "past_due" if draw < 0.19 else "trialing" if draw < 0.21 else "active"
        ended = None
        if status == "trialing":
            start = moment_between(rng, anchor - timedelta(days=12), anchor - timedelta(days=2))
            period_start, period_end, months = start, start + timedelta(days=30), 12
        else:
            start = moment_between(rng, anchor - timedelta(days=540), anchor - timedelta(days=40 if status != "canceled" else 200))
            months = 12 if add_months(start, 12) > anchor else 24
            period_start, period_end = add_months(start, months - 12), add_months(start, months)
            if status == "canceled":
                ended = moment_between(rng, start + timedelta(days=90), anchor - timedelta(days=30))
                if add_months(start, 12) > ended:
                    period_start, period_end, months = start, add_months(start, 12), 12
        updated = ended or (moment_between(rng, period_start, anchor - timedelta(hours=1)))
        price = quantize(product.unit_price / RATES[product.currency] * RATES[customer.currency], customer.currency)
        subscriptions.append(
            Subscription(
                key=key,
                created_at=start,
                updated_at=updated,
                actor="system",
                customer=customer.key,
                product=product.key,
                status=status,
                currency=customer.currency,
                quantity=rng.choice((1, 1, 1, 2, 5)),
                unit_price=price,
                start_at=start,
                period_start=period_start,
                period_end=period_end,
                canceled_at=ended,
                ended_at=ended,
                contract=key,
            )
        )
        contracts.append(
            Contract(
                key=key,
                created_at=start - timedelta(days=3),
                updated_at=max(updated, start),
                actor=f"user:{rng.randint(1, 5)}",
                customer=customer.key,
                number=f"{key:08d}",
                status="terminated" if ended else "activated",
                start_date=start.date(),
                term_months=months,
                tier=product.tier,
                subscription=key,
            )
        )
    taken = {customer.key for customer in chosen}
    others = [customer for customer in customers if customer.key not in taken]
    for customer in rng.sample(others, min(len(others), max(2, count // 12))):
        key = len(contracts) + 1
        is_draft = rng.random() < 0.5
        start = anchor + timedelta(days=20) if is_draft else anchor - timedelta(days=rng.randint(400, 520))
        contracts.append(
            Contract(
                key=key,
                created_at=min(start, anchor - timedelta(days=9)),
                updated_at=anchor - timedelta(days=rng.randint(3, 8)),
                actor=f"user:{rng.randint(1, 5)}",
                customer=customer.key,
                number=f"{key:08d}",
                status="draft" if is_draft else "expired",
                start_date=start.date(),
                term_months=12,
                tier=rng.choice(TIERS),
            )
        )
    return subscriptions, contracts


def entitle(customer: Customer, subscription: Subscription, tier: str) -> None:
    """Write on the customer what its subscription gives it."""
    customer.entitlement_tier = tier
    customer.entitlement_start = subscription.start_at.date()
    customer.entitlement_end = entitlement_end(subscription)


def entitlement_end(subscription: Subscription) -> date:
    return (subscription.ended_at or subscription.period_end).date()


def covered_at(subscription: Subscription | None, moment: datetime) -> bool:
    return (
        subscription is not None and subscription.start_at <= moment and (subscription.ended_at is None or moment < subscription.ended_at)
    )
