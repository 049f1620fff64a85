"""Bringing the world into an org: what every org has before any business, the first view, and later views over what clients wrote.

Does not belong here: which neutral field becomes which Salesforce field (render, render_sales, render_service).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from sandbox.protocol import Record
from sandbox.salesforce.ids import salesforce_id
from sandbox.salesforce.org import AUTOMATED_USER, INTEGRATION_USER, STANDARD_PRICEBOOK, Org
from sandbox.salesforce.render import PROFILE, ROLE, Rendered, Renderer, agent_id
from sandbox.salesforce.render_sales import sales
from sandbox.salesforce.render_service import BUSINESS_HOURS, MILESTONE_TYPE, QUEUE, SLA_PROCESS, SUPPORT_ADDRESS, service
from sandbox.salesforce.sales_objects import STAGES
from sandbox.salesforce.service_objects import CASE_STATUSES
from sandbox.salesforce.soql import parse_stamp, stamp
from sandbox.world.model import View

_STAMPS = ("CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById", "SystemModstamp")
_ZONE = "America/Los_Angeles"


def rendered(renderer: Renderer) -> Iterator[Rendered]:
    yield from renderer.parties()
    yield from sales(renderer)
    if renderer.org.settings.cloud == "service":
        yield from service(renderer)


def setup_records(org: Org, at: datetime) -> Iterator[tuple[str, Record]]:
    """The org's own row, the stages, the standard price book, the technical users, and the set-up of its support desk."""
    when = stamp(at)
    login = org.settings.username
    rows: list[tuple[str, str, Record]] = [
        (
            "Organization",
            org.organization_id,
            {"Name": "Concord Sandbox", "IsSandbox": True, "InstanceName": "CS1", "DefaultCurrencyIsoCode": "USD", "TimeZoneSidKey": _ZONE},
        ),
        ("Pricebook2", STANDARD_PRICEBOOK, {"IsDeleted": False, "Name": "Standard Price Book", "IsActive": True, "IsStandard": True, "IsArchived": False}),
        ("Profile", PROFILE, {"Name": "Standard User", "UserType": "Standard"}),
        ("UserRole", ROLE, {"Name": "Company", "DeveloperName": "Company"}),
        ("Group", QUEUE, {"Name": "Support", "DeveloperName": "Support", "Type": "Queue", "Email": SUPPORT_ADDRESS}),
        ("BusinessHours", BUSINESS_HOURS, {"Name": "Default", "IsActive": True, "IsDefault": True, "TimeZoneSidKey": _ZONE}),
        ("MilestoneType", MILESTONE_TYPE, {"Name": "First Response", "RecurrenceType": "none"}),
        (
            "SlaProcess",
            SLA_PROCESS,
            {
                "IsDeleted": False,
                "Name": "Standard Response",
                "IsActive": True,
                "IsVersionDefault": True,
                "VersionNumber": 1,
                "SObjectType": "Case",
                "StartDateField": "CreatedDate",
                "BusinessHoursId": BUSINESS_HOURS,
            },
        ),
    ]
    technical = (
        (INTEGRATION_USER, "Concord Integration", login, "Standard"),
        (AUTOMATED_USER, "Automated Process", "autoproc@concord.example", "AutomatedProcess"),
    )
    for id, name, username, kind in technical:
        first, _, last = name.partition(" ")
        fields: Record = {
            "Username": username,
            "Name": name,
            "FirstName": first,
            "LastName": last,
            "Email": username,
            "Alias": name[:8].lower(),
            "IsActive": True,
            "UserType": kind,
            "ProfileId": PROFILE,
            "TimeZoneSidKey": _ZONE,
        }
        rows.append(("User", id, fields))
    for number, (label, probability, closed, won, forecast) in enumerate(STAGES, start=1):
        fields = {
            "ApiName": label,
            "MasterLabel": label,
            "IsActive": True,
            "IsClosed": closed,
            "IsWon": won,
            "ForecastCategory": forecast,
            "DefaultProbability": float(probability),
            "SortOrder": number,
        }
        rows.append(("OpportunityStage", salesforce_id("01J", number), fields))
    for number, (label, is_closed) in enumerate(CASE_STATUSES, start=1):
        fields = {"ApiName": label, "MasterLabel": label, "SortOrder": number, "IsDefault": number == 1, "IsClosed": is_closed}
        rows.append(("CaseStatus", salesforce_id("00X", number), fields))
    trail = {
        "CreatedDate": when,
        "CreatedById": INTEGRATION_USER,
        "LastModifiedDate": when,
        "LastModifiedById": INTEGRATION_USER,
        "SystemModstamp": when,
    }
    for object, id, fields in rows:
        yield object, {"Id": id, **fields, **trail}


class Landing:
    """Brings rendered rows into the org, and later views on top of what clients have written since."""

    def __init__(self, org: Org) -> None:
        self.org = org
        self._loaded: dict[tuple[str, str], Record] = {}
        self._parts: dict[str, set[tuple[str, str]]] = {}  # id of a row -> the rows that the world gave it

    def load(self, view: View) -> None:
        start = min((row.created_at for row in (*view.customers, *view.agents, *view.products)), default=view.as_of)
        for object, record in setup_records(self.org, start):
            self.org.store.put(object, record["Id"], record)
        renderer = Renderer(self.org, view, sorted(agent_id(self.org, agent.key) for agent in view.agents))
        for item in rendered(renderer):
            id = item.record["Id"]
            self._loaded[item.object, id] = item.record
            self.org.store.put(item.object, id, item.record)
            if item.parent:
                self._parts.setdefault(item.parent, set()).add((item.object, id))
            for column, value in item.extra.items():
                self.org.add_field(item.object, column, value)
        self.org.forget_caches()

    def apply(self, view: View) -> None:
        """A view says what the world holds; only what changed since the last view goes in, so clients' writes stay."""
        known = sorted({*self.org.user_ids(), *(agent_id(self.org, agent.key) for agent in view.agents)})
        held: set[str] = set()
        parts: dict[str, set[tuple[str, str]]] = {}
        for item in rendered(Renderer(self.org, view, known)):
            id = item.record["Id"]
            if item.parent:
                parts.setdefault(item.parent, set()).add((item.object, id))
            else:
                held.add(id)
            for column, value in item.extra.items():
                self.org.add_field(item.object, column, value)
            self._bring(item)
        for parent in held:
            now = parts.get(parent, set())
            for object, id in self._parts.get(parent, set()) - now:
                self._drop(object, id)
            if now:
                self._parts[parent] = now
            else:
                self._parts.pop(parent, None)

    def _bring(self, item: Rendered) -> None:
        id = item.record["Id"]
        current = self.org.row(item.object, id)
        world = f"_world.{item.object}"
        last = self.org.store.get(world, id) or self._loaded.get((item.object, id))
        if current is None or last is None:
            self.org.put(item.object, item.record)
            self.org.store.put(world, id, item.record)
            return
        fresh = item.record
        if "OwnerId" in last and item.object != "Case":  # ownership is spread once; the owner of a case is its agent
            fresh = {**fresh, "OwnerId": last["OwnerId"]}
        changed = {key: value for key, value in fresh.items() if key not in _STAMPS and (key not in last or last[key] != value)}
        gone = [key for key in last if key not in fresh]
        # the stamps of a part are those of the row that it came from
        is_newer = fresh["SystemModstamp"] > last["SystemModstamp"] and not item.parent and item.object != "OpportunityHistory"
        if not changed and not gone and not is_newer:
            return
        at = fresh["SystemModstamp"]
        if at <= current["SystemModstamp"]:  # a client wrote later than the world's change: the row must still move for readers
            at = stamp(max(self.org.now(), parse_stamp(current["SystemModstamp"]) + timedelta(seconds=1)))
        trail = {"SystemModstamp": at}
        if fresh["LastModifiedById"] != AUTOMATED_USER:  # an automated change moves the system stamp alone
            trail |= {"LastModifiedDate": at, "LastModifiedById": fresh["LastModifiedById"]}
        kept = {key: value for key, value in current.items() if key not in gone}
        self.org.put(item.object, {**kept, **changed, **trail})
        self.org.store.put(world, id, fresh)

    def _drop(self, object: str, id: str) -> None:
        row = self.org.row(object, id)
        if row is not None and not row.get("IsDeleted"):
            at = self.org.stamp()
            self.org.put(object, {**row, "IsDeleted": True, "LastModifiedDate": at, "SystemModstamp": at})
            self.org.store.put(f"_world.{object}", id, {**row, "IsDeleted": True})
