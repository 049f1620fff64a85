"""ServiceNow's form of the neutral rows: accounts, contacts, users, cases with journal and audit, entitlements, assets.

A stored record holds only what differs from its table's defaults, every value as text. Names that start with an underscore are
the sandbox's own and never leave it. Tables and columns belong to `catalogue`, storage and indexes to `instance`.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sandbox.protocol import Record
from sandbox.servicenow.ids import native_id
from sandbox.world.model import Agent, Asset, Contact, Customer, Product, Row, Ticket, View
from sandbox.world.tickets import HOLD_TAG, LAPSED_TAG

Native = tuple[str, Record]  # table, record

SUPPORT_GROUP, FINANCE_GROUP = 1, 2
STATES = {"new": "1", "open": "10", "pending": "18", "hold": "18", "solved": "6", "closed": "3"}
PRIORITIES = {"urgent": "1", "high": "2", "normal": "3", "low": "4"}
CATEGORIES = {"question": "0", "problem": "1", "incident": "1", "task": "2"}
ASSET_STATES = {"installed": "1", "retired": "7"}
_COLUMN_OF = {"created_at": "sys_created_on", "updated_at": "sys_updated_on"}  # what a row's extra fields may replace
_CHANNELS = ("email", "web", "phone", "email", "chat")
_RESPONSE_HOURS = {"1": 4, "2": 8, "3": 24, "4": 72}
_EPOCH = datetime(1970, 1, 1)


def stamp(at: datetime | None) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%S") if at else ""


def duration(length: timedelta) -> str:
    """A length of time as the vendor stores it: that long after 1970 began."""
    return (_EPOCH + max(length, timedelta())).strftime("%Y-%m-%d %H:%M:%S")


def text(value: Any) -> str:
    """Any value as the Table API shows it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return stamp(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return format(value, "f")
    return str(value)


def _slug(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return "".join(letter if letter.isalnum() else "." for letter in plain).strip(".")


def agent_login(row: Agent) -> str:
    return row.email.partition("@")[0] or f"agent.{row.key}"


def contact_login(row: Contact) -> str:
    return f"{_slug(f'{row.first_name} {row.last_name}') or 'contact'}.{row.key}"


class Renderer:
    """Renders rows for one instance; knows who the people of the world are and which customer a case's entitlement belongs to."""

    def __init__(self, integration_login: str) -> None:
        self._integration = integration_login
        self._logins: dict[tuple[bool, int], str] = {}  # (is agent, key) -> user_name
        self._covered: dict[int, bool] = {}  # customer -> whether it holds an entitlement
        self._paths: dict[int, str] = {}  # customer -> account_path
        self._primary: dict[int, int] = {}  # customer -> its first contact

    def learn(self, view: View) -> None:
        """Take in what references between rows need, before any row of the view is rendered."""
        for agent in view.agents:
            self._logins[(True, agent.key)] = agent_login(agent)
        for contact in view.contacts:
            self._logins[(False, contact.key)] = contact_login(contact)
            if not contact.removed and contact.key <= self._primary.get(contact.customer, contact.key):
                self._primary[contact.customer] = contact.key
        parents = {row.key: row.parent for row in view.customers}
        for row in view.customers:
            self._covered[row.key] = bool(row.entitlement_tier)
            steps, key = [f"~~~~{row.key}"], row.parent
            while key is not None and len(steps) < 20:
                known = self._paths.get(key) if key not in parents else None
                steps.append(known or f"~~~~{key}")
                key = None if known else parents.get(key)
            self._paths[row.key] = "/".join(reversed(steps))

    def login(self, is_agent: bool, key: int | None) -> str:
        return "system" if key is None else self._logins.get((is_agent, key), f"user.{key}")

    def actor(self, row: Row) -> str:
        """Who changed the row last, as `sys_updated_by` names them."""
        if row.actor == "integration":
            return self._integration
        kind, _, key = row.actor.partition(":")
        return self.login(True, int(key)) if kind == "user" and key.isdigit() else "system"

    def _record(self, table: str, entity: str, key: int | str, row: Row, **values: Any) -> Native:
        record = {"sys_id": native_id(entity, key)}
        record |= {name: shown for name, value in values.items() if (shown := text(value)) != ""}
        record |= {
            "sys_created_on": stamp(row.created_at), "sys_created_by": "admin", "sys_updated_on": stamp(row.updated_at),
            "sys_updated_by": self.actor(row),
        }
        record |= {_COLUMN_OF.get(name, name): text(value) for name, value in row.extra.items()}
        if row.hidden:
            record["_hidden"] = "true"
        return table, record

    def rows_of(self, view: View) -> Iterator[tuple[Row, Native]]:
        """Every record that the rows of a view become, with the row it comes from."""
        for agent in view.agents:
            for native in self.agent(agent):
                yield agent, native
        for product in view.products:
            yield product, self.product(product)
        for customer in view.customers:
            for native in self.customer(customer, view):
                yield customer, native
        for contact in view.contacts:
            yield contact, self.contact(contact, view)
        for asset in view.assets:
            for native in self.asset(asset):
                yield asset, native
        for ticket in view.tickets:
            for native in self.ticket(ticket):
                yield ticket, native

    # parties

    def agent(self, row: Agent) -> Iterator[Native]:
        first, _, last = row.name.partition(" ")
        yield self._record(
            "sys_user", "agent", row.key, row, sys_class_name="sys_user", user_name=agent_login(row), name=row.name, first_name=first,
            last_name=last, email=row.email, active=not row.removed, time_zone="GMT", preferred_language="en",
            last_login_time=row.updated_at, roles="sn_customerservice_agent")
        yield self._record("sys_user_grmember", "group_member", row.key, row, group=native_id("group", SUPPORT_GROUP),
                           user=native_id("agent", row.key))
        yield self._record("sys_user_has_role", "user_role", row.key, row, user=native_id("agent", row.key), role=native_id("role", 1))

    def customer(self, row: Customer, view: View) -> Iterator[Native]:
        erp = view.peer("erp", "customer", row.erp_customer, row.key) if row.erp_customer is not None else ""
        parent = native_id("customer", row.parent) if row.parent is not None else ""
        primary = self._primary.get(row.key)
        yield self._record(
            "customer_account", "customer", row.key, row, sys_class_name="customer_account", number=f"ACCT{row.key:07d}", name=row.name,
            account_code=f"~~~~{row.key}", account_path=self._paths[row.key], account_parent=parent, parent=parent, customer=True,
            registration_code=f"{_slug(row.name).replace('.', '-').upper()}-{row.key}", active=row.is_active, phone=row.phone,
            website=f"https://www.{row.domain}" if row.domain else "", street=row.street, city=row.city, state=row.region, zip=row.postcode,
            country=row.country, primary_contact=native_id("contact", primary) if primary is not None else "",
            u_erp_customer_id=erp, u_crm_account_id=view.peer("crm", "customer", row.key, row.key) if row.erp_customer is not None else "",
            u_tax_id=row.tax_id, u_credit_status="hold" if row.credit_hold else "ok", u_erp_balance=row.balance,
            u_overdue_amount=row.overdue_amount, u_overdue_days=row.overdue_days, u_entitlement_tier=row.entitlement_tier,
            u_entitlement_start=row.entitlement_start, u_entitlement_end=row.entitlement_end)
        if row.entitlement_tier:
            yield from self._cover(row, view.as_of)

    def _cover(self, row: Customer, as_of: datetime) -> Iterator[Native]:
        """The entitlement with the service contract behind it."""
        ended = row.entitlement_end is not None and row.entitlement_end < as_of.date()
        state, title = ("expired" if ended else "active"), f"{row.entitlement_tier.capitalize()} support"
        account = native_id("customer", row.key)
        plain = _without_faults(row)
        yield self._record(
            "sn_pss_core_service_contract", "service_contract", row.key, plain, number=f"CNTR{row.key:07d}",
            short_description=f"{title} for {row.name}", account=account, state=state, starts=row.entitlement_start, ends=row.entitlement_end,
            active=not ended)
        yield self._record(
            "sn_pss_core_service_contract_line", "service_contract_line", row.key, plain, number=f"CNTRL{row.key:07d}", name=title,
            contract=native_id("service_contract", row.key), starts=row.entitlement_start, ends=row.entitlement_end, state=state)
        yield self._record(
            "service_entitlement", "entitlement", row.key, plain, number=f"ENTL{row.key:07d}", name=title, entitlement_name=title,
            account=account, contract=native_id("service_contract", row.key),
            service_contract_line=native_id("service_contract_line", row.key), start_date=row.entitlement_start,
            end_date=row.entitlement_end, state=state, active=not ended, unit="cases",
            u_tier=row.entitlement_tier)

    def contact(self, row: Contact, view: View) -> Native:
        account = native_id("customer", row.customer)
        return self._record(
            "customer_contact", "contact", row.key, row, sys_class_name="customer_contact", user_name=contact_login(row),
            name=f"{row.first_name} {row.last_name}".strip(), first_name=row.first_name, last_name=row.last_name, email=row.email,
            phone=row.phone, title=row.title, account=account, company=account)

    # products and assets

    def product(self, row: Product) -> Native:
        return self._record(
            "cmdb_model", "product", row.key, row, name=row.name, display_name=row.name, model_number=row.sku,
            short_description=row.description, cost=row.unit_price,
            sys_class_name="cmdb_application_product_model" if row.is_recurring else "cmdb_hardware_product_model",
            status="in_production" if row.is_active else "retired",
            cmdb_model_category=native_id("model_category", 2 if row.is_recurring else 1))

    def asset(self, row: Asset) -> Iterator[Native]:
        account, model, asset = native_id("customer", row.customer), native_id("product", row.product), native_id("asset", row.key)
        retired = row.status == "retired"
        plain = _without_faults(row)
        yield self._record(
            "alm_asset", "asset", row.key, row, sys_class_name="alm_asset", asset_tag=f"P{row.key:07d}", display_name=row.name,
            serial_number=row.serial_number, model=model, model_category=native_id("model_category", 1), account=account, company=account,
            install_status=ASSET_STATES.get(row.status, row.status), install_date=f"{row.installed_on.isoformat()} 00:00:00",
            purchase_date=row.installed_on, warranty_expiration=row.cover_end)
        yield self._record(
            "sn_install_base_sold_product", "sold_product", row.key, plain, name=row.name, number=f"SPRD{row.key:07d}", account=account,
            product=model, state="inactive" if retired else "active", start_date=row.installed_on, end_date=row.cover_end,
            serial_number=row.serial_number)
        yield self._record(
            "sn_install_base_item", "install_base_item", row.key, plain, name=row.name, number=f"IBI{row.key:07d}", account=account,
            product=model, sold_product=native_id("sold_product", row.key), asset=asset, state=row.status, start_date=row.installed_on,
            end_date=row.cover_end, serial_number=row.serial_number)
        if self._covered.get(row.customer):
            yield self._record(
                "sn_install_base_m2m_contract_sold_product", "covered_product", row.key, plain,
                entitlement=native_id("entitlement", row.customer), contract=native_id("service_contract", row.customer),
                service_contract_line=native_id("service_contract_line", row.customer), sold_product=native_id("sold_product", row.key),
                install_base=native_id("install_base_item", row.key), added=row.installed_on)

    # cases

    def ticket(self, row: Ticket) -> Iterator[Native]:
        case = native_id("ticket", row.key)
        first = row.comments[0] if row.comments else None
        state, priority = STATES.get(row.status, row.status), PRIORITIES.get(row.priority, row.priority)
        solver = next((change.agent for change in reversed(row.changes) if change.new == "solved"), None)
        closed = row.updated_at if row.status == "closed" else None
        if closed:
            closed = next((change.at for change in reversed(row.changes) if change.new == "closed"), closed)
        assignee = native_id("agent", row.assignee) if row.assignee is not None else ""
        answered = next((comment.at for comment in row.comments if comment.is_agent and comment.is_public), None)
        entitled = self._covered.get(row.customer, False)
        hours = _RESPONSE_HOURS.get(priority, 72)
        due = row.created_at + timedelta(hours=hours)
        ended = row.solved_at or closed
        breached = (ended or row.updated_at) > due
        opener = native_id("contact", row.contact) if row.contact is not None and not (first and first.is_agent) else assignee
        plain = _without_faults(row)
        table, record = self._record(
            "sn_customerservice_case", "ticket", row.key, row, sys_class_name="sn_customerservice_case", number=f"CS{row.key:07d}",
            account=native_id("customer", row.customer), company=native_id("customer", row.customer),
            contact=native_id("contact", row.contact) if row.contact is not None else "", state=state, priority=priority,
            category=CATEGORIES.get(row.type, row.type), contact_type=_CHANNELS[row.key % len(_CHANNELS)], short_description=row.subject,
            description=first.body if first else row.subject, case=f"{row.subject}CS{row.key:07d}", assigned_to=assignee,
            assignment_group=native_id("group", SUPPORT_GROUP) if assignee else "", opened_at=row.created_at, opened_by=opener,
            resolved_at=row.solved_at, resolved_by=native_id("agent", solver) if solver is not None else "", closed_at=closed,
            closed_by=assignee if closed else "", resolution_code="Solved" if row.solved_at else "",
            close_notes="Solved with the customer." if row.solved_at else "", active=row.status != "closed", made_sla=not breached,
            sla_due=due, first_response_time=answered, entitlement=native_id("entitlement", row.customer) if entitled else "",
            business_duration=duration(ended - row.created_at) if ended else "",
            calendar_duration=duration(ended - row.created_at) if ended else "",
            u_order_number=row.order_number, u_credit_hold=HOLD_TAG in row.tags, u_lapsed_cover=LAPSED_TAG in row.tags)
        steps = len(row.comments[1:]) + len(row.changes)
        if steps:
            record["sys_mod_count"] = str(steps)
        yield table, record
        elapsed = (ended or row.updated_at) - row.created_at
        share = Decimal(int(elapsed.total_seconds() * 100 / (hours * 3600)))
        yield self._record(
            "task_sla", "task_sla", row.key, plain, task=case, sla=native_id("sla_definition", priority), has_breached=breached,
            stage="completed" if ended else "breached" if breached else "in_progress", active=ended is None, start_time=row.created_at,
            end_time=ended, planned_end_time=due, original_breach_time=due, duration=duration(elapsed), business_duration=duration(elapsed),
            percentage=share, business_percentage=share, time_left=duration(due - (ended or row.updated_at)),
            business_time_left=duration(due - (ended or row.updated_at)))
        yield from self._journal(row, case)
        yield from self._audit(row, case)

    def _journal(self, row: Ticket, case: str) -> Iterator[Native]:
        # the first comment is the description of the case
        for place, comment in enumerate(row.comments):
            if place == 0:
                continue
            yield "sys_journal_field", {
                "sys_id": native_id("comment", f"{row.key}-{place}"), "name": "sn_customerservice_case", "element_id": case,
                "element": "comments" if comment.is_public else "work_notes", "value": comment.body,
                "sys_created_on": stamp(max(comment.at, row.created_at)), "sys_created_by": self.login(comment.is_agent, comment.author),
            }

    def _audit(self, row: Ticket, case: str) -> Iterator[Native]:
        for place, change in enumerate(row.changes):
            name, old, new = _audited(change.field, change.old, change.new)
            login = self.login(True, change.agent)
            yield "sys_audit", {
                "sys_id": native_id("change", f"{row.key}-{place}"), "tablename": "sn_customerservice_case", "documentkey": case,
                "fieldname": name, "oldvalue": old, "newvalue": new, "user": login, "record_checkpoint": str(place + 1),
                "sys_created_on": stamp(max(change.at, row.created_at)), "sys_created_by": login,
            }


def _without_faults(row: Row) -> Row:
    """The row for the records derived from it: an extra field or a hiding concerns the row's own record only."""
    return Row(key=row.key, created_at=row.created_at, updated_at=row.updated_at, actor=row.actor)


def _audited(field: str, old: str | None, new: str | None) -> tuple[str, str, str]:
    """A step of a case's history in the instance's columns and codes."""
    if field == "status":
        return "state", STATES.get(old or "", old or ""), STATES.get(new or "", new or "")
    if field == "priority":
        return "priority", PRIORITIES.get(old or "", old or ""), PRIORITIES.get(new or "", new or "")
    if field == "assignee":
        return "assigned_to", *(native_id("agent", int(key)) if key and key.isdecimal() else key or "" for key in (old, new))  # type: ignore[return-value]
    return field, old or "", new or ""


def furnishing(at: datetime, integration: Mapping[str, str]) -> Iterator[Native]:
    """What every instance has before any data: the integration user, groups, roles, SLA definitions, model categories."""
    made = {"sys_created_on": stamp(at), "sys_created_by": "admin", "sys_updated_on": stamp(at), "sys_updated_by": "admin"}
    yield "sys_user", {
        **made, "sys_class_name": "sys_user", "time_zone": "GMT", "web_service_access_only": "true", "internal_integration_user": "true",
        "name": "Concord Integration", "first_name": "Concord", "last_name": "Integration", **integration}
    for key, name, kind in ((SUPPORT_GROUP, "Customer Service Support", "case"), (FINANCE_GROUP, "Finance", "")):
        yield "sys_user_group", {**made, "sys_id": native_id("group", key), "name": name, "type": kind, "description": name}
    for key, name in ((1, "sn_customerservice_agent"), (2, "csm_ws_integration"), (3, "sn_pss_core.pss_integrator")):
        yield "sys_user_role", {**made, "sys_id": native_id("role", key), "name": name}
    for key in (2, 3):
        yield "sys_user_has_role", {
            **made, "sys_id": native_id("user_role", f"integration-{key}"), "user": integration["sys_id"], "role": native_id("role", key)}
    for code, hours in _RESPONSE_HOURS.items():
        yield "contract_sla", {
            **made, "sys_id": native_id("sla_definition", code), "name": f"Priority {code} resolution", "collection": "sn_customerservice_case",
            "target": "resolution", "duration": duration(timedelta(hours=hours)), "conditions": f"priority={code}"}
    for number, name in ((1, "Hardware"), (2, "Software")):
        yield "cmdb_model_category", {**made, "sys_id": native_id("model_category", number), "name": name}
