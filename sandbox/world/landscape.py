"""Which systems the company runs and which of them serves which customer. What they hold belongs to the views."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sandbox.world.model import Row, View, native_id
from sandbox.world.truth import Fault, Subject

ROLES = ("erp", "crm", "billing", "support")
ROLE_OF = {
    "netsuite": "erp", "sap_s4hana": "erp", "oracle_fusion": "erp", "dynamics365_finance": "erp", "salesforce": "crm", "stripe": "billing",
    "chargebee": "billing", "zuora": "billing", "zendesk": "support", "freshdesk": "support", "servicenow": "support",
    "salesforce_service": "support",
}
# which of the company's entities a role's systems keep
KEPT = {
    "erp": ("customers", "contacts", "agents", "products", "orders", "invoices", "payments", "credit_notes", "refunds", "shipments", "returns"),
    "crm": ("customers", "contacts", "agents", "products", "opportunities", "contracts"),
    "billing": ("customers", "products", "subscriptions", "invoices", "payments", "credit_notes", "refunds", "disputes"),
    "support": ("customers", "contacts", "agents", "products", "tickets", "assets"),
}
_REGIONS = {
    "amer": frozenset({"US", "CA", "MX", "BR", "AR", "CL", "CO", "PE"}),
    "apac": frozenset({"JP", "AU", "NZ", "SG", "CN", "HK", "IN", "KR", "TH", "MY", "ID", "PH", "VN", "TW"}),
}
_ALIASES = {"us": "amer", "na": "amer", "americas": "amer", "eu": "emea", "europe": "emea", "asia": "apac"}
_LISTS = {("zendesk", "contacts"): "users"}  # what a vendor calls a list of ours, where its name is another
_SINGULAR = {"opportunities": "opportunity"}


@dataclass(frozen=True)
class Account:
    """One connected account of a vendor. `region`: amer, emea, apac or an ISO country; "" serves whoever is left."""

    name: str
    system: str
    role: str
    region: str = ""


DEFAULT = tuple(Account(name, name, ROLE_OF[name]) for name in ("netsuite", "salesforce", "stripe", "zendesk"))


def accounts_of(names: Iterable[str]) -> tuple[Account, ...]:
    """Accounts named as their systems. Raises KeyError for a system that the sandbox does not have."""
    return tuple(Account(name, name, ROLE_OF[name]) for name in names)


def region_of(country: str) -> str:
    return next((region for region, countries in _REGIONS.items() if country in countries), "emea")


def standard_peers(role: str, entity: str, key: int, customer: int) -> str:
    """The peers in the company of the four default systems, for a view that is made by hand."""
    return native_id(next(account.system for account in DEFAULT if account.role == role), entity, key)


@dataclass
class Landscape:
    """Places customers in accounts: by region where several accounts share a role, the same in every run."""

    accounts: Sequence[Account]
    views: Mapping[str, View]  # by role: what all systems of the role hold together
    _countries: dict[int, str] = field(default_factory=dict)
    _owners: dict[tuple[str, str], dict[int, int]] = field(default_factory=dict)
    _customers: dict[str, set[int]] = field(default_factory=dict)

    def account(self, role: str, customer: int) -> Account | None:
        """The account of the role that serves the customer; None where the role is not connected."""
        found = [account for account in self.accounts if account.role == role]
        if len(found) < 2:
            return found[0] if found else None
        country = self._country(customer)
        for wanted in (country, region_of(country), ""):
            fitting = [account for account in found if self._serves(account, wanted)]
            if fitting:
                return fitting[customer % len(fitting)]
        return found[customer % len(found)]

    def native(self, role: str, entity: str, key: int, customer: int) -> str:
        """The id of a row there; "" where nobody of that role keeps it."""
        account = self.account(role, customer)
        if account is None or (entity == "customer" and key not in self._keys(role)):
            return ""
        try:
            return native_id(account.system, entity, key)
        except KeyError:
            return ""

    def split(self, views: Mapping[str, View]) -> dict[str, View]:
        """Views by role -> views by account, of the same rows."""
        found = {}
        for account in self.accounts:
            whole = views.get(account.role)
            if whole is None:
                continue
            alone = sum(other.role == account.role for other in self.accounts) == 1
            part = View(account.system, whole.as_of, account.role, account.name, self.native)
            for name in KEPT[account.role]:
                rows: list[Any] = getattr(whole, name)
                setattr(part, name, rows if alone else self._part(account, rows))
            found[account.name] = part
        return found

    def _part(self, account: Account, rows: Sequence[Any]) -> list[Any]:
        """What belongs to the account's customers; what belongs to nobody, as products and agents, is in every account."""
        found = []
        for row in rows:
            owner = _owner(row)
            if owner is None:
                found.append(copy.copy(row))
            elif (served := self.account(account.role, owner)) is not None and served.name == account.name:
                found.append(row)
        return found

    def resolve(self, fault: Fault) -> list[Fault]:
        """The fault with account names and native ids in place of roles and keys; none where a role of it is not connected.

        One for each account whose customers' rows show it, where it is no single row's.
        """
        spread = next((subject for subject in fault.subjects if subject.customers), None)
        if spread is None:
            alone = self._resolved(fault, {})
            return [alone] if alone else []
        found = {account.name: account for customer in spread.customers if (account := self.account(spread.connection, customer))}
        shown = [self._resolved(fault, {spread.connection: account}) for _, account in sorted(found.items())]
        return [replace(one, fault=one.fault if place == 0 else f"{one.fault}.{place + 1}") for place, one in enumerate(shown) if one is not None]

    def _resolved(self, fault: Fault, given: Mapping[str, Account]) -> Fault | None:
        subjects = []
        for subject in fault.subjects:
            key = subject.key
            owner = 0 if key is None else self._owner_of(subject.connection, subject.entity, key)
            account = given.get(subject.connection) or self.account(subject.connection, owner)
            if account is None:
                return None
            id = _LISTS.get((account.system, subject.id), subject.id) if key is None else native_id(account.system, subject.entity, key)
            subjects.append(Subject(account.name, subject.entity, id))
        return replace(fault, subjects=tuple(subjects))

    def _owner_of(self, role: str, entity: str, key: int) -> int:
        if entity == "customer":
            return key
        index = self._owners.get((role, entity))
        if index is None or key not in index:
            view = self.views[role]
            plural = next(name for name in KEPT[role] if _SINGULAR.get(name, name.removesuffix("s")) == entity)
            index = self._owners[role, entity] = {row.key: _owner(row) or 0 for row in getattr(view, plural)}
        return index.get(key, 0)

    def _country(self, customer: int) -> str:
        if customer not in self._countries:
            for view in self.views.values():
                self._countries.update({row.key: row.country for row in view.customers})
        return self._countries.get(customer, "")

    def _keys(self, role: str) -> set[int]:
        if role not in self._customers:
            self._customers[role] = {row.key for row in self.views[role].customers}
        return self._customers[role]

    def _serves(self, account: Account, wanted: str) -> bool:
        region = account.region.lower()
        return _ALIASES.get(region, region) == wanted.lower()


def _owner(row: Row) -> int | None:
    """The customer that a row belongs to, its own key where it is one."""
    owner: int | None = getattr(row, "customer", None)
    return row.key if owner is None and hasattr(row, "erp_customer") else owner


