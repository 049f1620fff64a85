"""The world: a baseline in which the systems agree, faults that leave exactly their own trace, and days that follow.

The checks here look at the neutral views with rules of their own, so that a fault with a second trace, or one that the
truth log does not tell of, makes a test fail.
"""

from __future__ import annotations

import csv
import gzip
from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from sandbox.protocol import SandboxError
from sandbox.world.advance import advance_world
from sandbox.world.build import World, build_world
from sandbox.world.documents import open_items
from sandbox.world.model import Customer, Invoice, native_id
from sandbox.world.parties import covered_at, minor_unit
from sandbox.world.plant import DEFAULT_COUNTS, FaultPlan, default_plan, load_plan
from sandbox.world.tickets import HOLD_TAG, LAPSED_TAG, OPEN_STATUSES

ANCHOR = datetime(2026, 3, 10, 12, tzinfo=UTC)
NO_FAULTS = FaultPlan()
Found = set[tuple[str, str, str]]  # finding, class, native id of the record that is wrong


def customers(world: World, system: str) -> dict[int, Customer]:
    return {customer.key: customer for customer in world.views[system].customers}


def findings(world: World, now: datetime) -> Found:
    """What a perfect detector would raise at `now`, by the definitions of the kinds."""
    found: Found = set()
    erp, crm, billing, support = (customers(world, name) for name in ("netsuite", "salesforce", "stripe", "zendesk"))
    views = world.views
    subscriptions = {row.customer: row for row in views["stripe"].subscriptions}
    tiers = {product.key: product.tier for product in views["stripe"].products}
    for contract in views["salesforce"].contracts:
        held = next((row for row in views["stripe"].subscriptions if row.key == contract.subscription), None)
        if held is not None and contract.status == "activated" and held.status == "canceled":
            found.add(("D1", "status", native_id("salesforce", "contract", contract.key)))
        if contract.status not in ("draft", "activated", "terminated", "expired"):
            found.add(("D5", "unmapped", native_id("salesforce", "contract", contract.key)))
    for key, owner in erp.items():
        for system, rows in (("salesforce", crm), ("zendesk", support), ("stripe", billing)):
            if key not in rows:
                found.add(("D15", "missing", native_id("netsuite", "customer", key)))
                continue
            seen = rows[key]
            if system != "stripe" and seen.credit_hold != owner.credit_hold:
                found.add(("D2", "not_propagated", native_id(system, "customer", key)))
            if (seen.balance, seen.overdue_amount, seen.overdue_days) != (owner.balance, owner.overdue_amount, owner.overdue_days):
                found.add(("balance", system, native_id(system, "customer", key)))
            if system == "salesforce" and seen.is_active != owner.is_active:
                found.add(("D1", "status", native_id("netsuite", "customer", key)))
            is_changed_later = seen.actor.startswith("user:") and seen.updated_at > owner.updated_at
            if system == "salesforce" and seen.credit_limit != owner.credit_limit:
                assert is_changed_later
                found.add(("D11", "ownership", native_id("salesforce", "customer", key)))
    for system, rows in (("salesforce", crm), ("zendesk", support)):
        seen_names: dict[str, int] = {}
        for key, customer in sorted(rows.items()):
            if customer.domain in seen_names:
                found.add(("D15", "duplicate", native_id(system, "customer", key)))
            else:
                seen_names[customer.domain] = key
                assert key in erp
    for key, customer in support.items():
        held = subscriptions.get(key)
        if held is None:
            continue
        native = native_id("zendesk", "customer", key)
        end = (held.ended_at or held.period_end).date()
        if held.status == "canceled" and customer.entitlement_end is not None and customer.entitlement_end > now.date():
            found.add(("D3", "lapsed_but_entitled", native))
        elif held.status != "canceled" and not customer.entitlement_tier:
            found.add(("D3", "missing", native))
        elif customer.entitlement_tier != tiers[held.product]:
            found.add(("D3", "tier", native))
        elif customer.entitlement_end != end or customer.entitlement_start != held.start_at.date():
            found.add(("D3", "dates", native))
        if key in crm and (crm[key].entitlement_tier, crm[key].entitlement_end) != (tiers[held.product], end):
            found.add(("D3", "crm", native))
    for ticket in views["zendesk"].tickets:
        if not covered_at(subscriptions.get(ticket.customer), ticket.created_at):
            found.add(("D3", "case_without_cover", native_id("zendesk", "ticket", ticket.key)))
        if ticket.status not in (*OPEN_STATUSES, "solved", "closed"):
            found.add(("D5", "unmapped", native_id("zendesk", "ticket", ticket.key)))
    for opportunity in views["salesforce"].opportunities:
        if opportunity.stage not in ("prospecting", "negotiation", "won", "lost"):
            found.add(("D5", "unmapped", native_id("salesforce", "opportunity", opportunity.key)))
    for order in views["netsuite"].orders:
        if len(order.status) == 1:
            found.add(("D5", "unmapped", native_id("netsuite", "order", order.key)))
    found |= _invoice_findings(world, now)
    newest = {
        name: max(row.updated_at for rows in vars(view).values() if isinstance(rows, list) for row in rows if row.actor != "integration")
        for name, view in views.items()
    }
    found |= {("D13", "stale", name) for name, at in newest.items() if now - at > timedelta(days=4)}
    return found


def _invoice_findings(world: World, now: datetime) -> Found:
    found: Found = set()
    billed = {row.key: row for row in world.views["stripe"].invoices}
    posted = {row.key: row for row in world.views["netsuite"].invoices}
    for key in billed.keys() | posted.keys():
        left, right = billed.get(key), posted.get(key)
        stripe_id = native_id("stripe", "invoice", key)
        if left is None:
            found.add(("D4", "missing_in_billing", native_id("netsuite", "invoice", key)))
        elif right is None:
            if now - left.finalized_at >= timedelta(minutes=15):
                found.add(("D4", "missing_in_erp", stripe_id))
        elif left.currency != right.currency:
            found.add(("D4", "currency", stripe_id))
        elif abs(left.total - right.total) > _tolerance(left):
            found.add(("D4", "tax" if right.tax == 0 and left.subtotal == right.subtotal else "amount", stripe_id))
        elif left.status != right.status:
            found.add(("D4", "status", stripe_id))
    return found


def _tolerance(invoice: Invoice) -> Decimal:
    return max(len(invoice.lines) * minor_unit(invoice.currency), invoice.total * Decimal("0.0001"))


def planted(world: World, now: datetime) -> Found:
    """The truth in the same form; schema and count faults are looked at on their own."""
    subject_of = {"D1": 0, "D2": 1, "D3": 1, "D11": 0, "D15": 1, "D4": 0, "D5": 0, "D13": 0}
    expected: Found = set()
    for fault in world.truth:
        if fault.finding in subject_of and fault.visible_from <= now:
            position = subject_of[fault.finding]
            if fault.classification in ("missing", "case_without_cover") and fault.finding in ("D15", "D3"):
                position = 1 if fault.finding == "D3" and fault.classification == "missing" else 0
            expected.add((fault.finding, fault.classification or "", fault.subjects[position].id))
    return expected


@pytest.mark.parametrize("seed", [7, 11, 4242])
def test_without_faults_the_systems_agree(seed: int) -> None:
    world = build_world(seed, 0.3, NO_FAULTS, None, ANCHOR)
    assert findings(world, ANCHOR) == set()
    assert world.truth == []


@pytest.mark.parametrize(("seed", "scale"), [(7, 1.0), (8, 1.0), (9, 0.4), (10, 0.15), (11, 0.15), (12, 2.0)])
def test_each_fault_leaves_its_own_trace_and_no_other(seed: int, scale: float) -> None:
    world = build_world(seed, scale, default_plan(scale), None, ANCHOR)
    assert findings(world, ANCHOR) == planted(world, ANCHOR)
    later = ANCHOR + timedelta(minutes=11)
    assert findings(world, later) == planted(world, later) != planted(world, ANCHOR)  # the late invoices are due by now


def test_every_default_kind_is_planted_as_often_as_asked() -> None:
    world = build_world(7, 1.0, default_plan(), None, ANCHOR)
    counts = Counter(fault.kind for fault in world.truth)
    once = {"schema_retyped_field", "silent_incompleteness", "benign_month_end_burst"}  # one entry tells of all rows
    assert counts == {kind: 1 if kind in once else count for kind, count in DEFAULT_COUNTS.items()}
    hidden = [contact for contact in world.views["zendesk"].contacts if contact.hidden]
    assert len(hidden) == DEFAULT_COUNTS["silent_incompleteness"]
    retyped = [contact for contact in world.views["zendesk"].contacts if contact.extra.get("created_at") == "yesterday"]
    assert len(retyped) == DEFAULT_COUNTS["schema_retyped_field"]
    assert not any(contact.extra for contact in world.views["salesforce"].contacts)
    assert all("loyalty_segment" in customer.extra for customer in world.views["stripe"].customers)


def test_the_same_seed_gives_the_same_world_and_another_one_does_not() -> None:
    def rendered(seed: int) -> bytes:
        world = build_world(seed, 0.2, default_plan(0.2), None, ANCHOR)
        return repr((world.views, world.truth)).encode()

    assert rendered(5) == rendered(5)
    assert rendered(5) != rendered(6)


def test_shape_of_the_generated_company() -> None:
    world = build_world(7, 1.0, NO_FAULTS, None, ANCHOR)
    erp, billing, support = world.views["netsuite"], world.views["stripe"], world.views["zendesk"]
    assert (len(erp.customers), len(erp.products), len(erp.orders), len(erp.invoices)) == (400, 30, 1200, 3000)
    assert (len(billing.subscriptions), len(support.tickets)) == (300, 1500)
    assert {row.currency for row in erp.customers} == {"USD", "EUR", "GBP", "JPY", "KWD"}
    assert any(len(invoice.lines) > 10 for invoice in erp.invoices)
    for invoice in erp.invoices:
        assert invoice.total == invoice.subtotal + invoice.tax == invoice.amount_paid + invoice.amount_remaining
        assert invoice.subtotal == sum(line.amount for line in invoice.lines)
        assert invoice.total % minor_unit(invoice.currency) == 0
        assert (invoice.status == "paid") == (invoice.paid_at is not None)
    for view in world.views.values():
        for rows in vars(view).values():
            for row in rows if isinstance(rows, list) else ():
                assert row.created_at <= row.updated_at <= ANCHOR, row
                assert row.created_at.microsecond == row.updated_at.microsecond == 0
    for system in ("salesforce", "stripe", "zendesk"):
        unlinked = [row for row in world.views[system].customers if row.erp_customer is None]
        assert unlinked and all(row.tax_id for row in unlinked)
    assert len({row.domain for row in erp.customers}) == len({row.name for row in erp.customers}) == 400
    held = {row.key for row in erp.customers if row.credit_hold}
    for ticket in support.tickets:
        if ticket.status in OPEN_STATUSES:
            assert (HOLD_TAG in ticket.tags) == (ticket.customer in held)
            assert LAPSED_TAG not in ticket.tags
        moments = [ticket.created_at, *(change.at for change in ticket.changes)]
        assert moments == sorted(moments)
    orders = {order.key: order for order in erp.orders}
    for opportunity in world.views["salesforce"].opportunities:
        assert (opportunity.order is not None) == (opportunity.stage == "won")
        if opportunity.order is not None:
            assert orders[opportunity.order].opportunity == opportunity.key
            assert orders[opportunity.order].subtotal == opportunity.amount


def test_native_ids_are_distinct() -> None:
    world = build_world(7, 2.0, default_plan(2.0), None, ANCHOR)
    erp = world.views["netsuite"]
    transactions = [
        native_id("netsuite", entity, row.key)
        for entity, rows in (("order", erp.orders), ("invoice", erp.invoices), ("payment", erp.payments), ("refund", erp.refunds))
        for row in rows
    ]
    assert len(set(transactions)) == len(transactions)


def test_days_go_on_and_are_the_same_each_time() -> None:
    first = build_world(7, 0.3, default_plan(0.3), None, ANCHOR)
    second = build_world(7, 0.3, default_plan(0.3), None, ANCHOR)
    for day in range(1, 5):
        at = ANCHOR + timedelta(days=day)
        told = advance_world(first, at)
        assert repr(told) == repr(advance_world(second, at))
        assert set(told) == {"netsuite", "stripe", "zendesk"}  # salesforce is stale by the default plan
        assert told["netsuite"].invoices and told["zendesk"].tickets and told["netsuite"].customers
        assert not told["zendesk"].customers and not told["stripe"].customers
        assert all(row.updated_at <= at for view in told.values() for row in [*view.invoices, *view.payments, *view.tickets])
    assert first.truth == second.truth
    now = ANCHOR + timedelta(days=4)
    # entitlements end and balances move as time goes by; what the truth tells must be there still
    raised = findings(first, now)
    due = {item for item in planted(first, now) if item[0] in ("D2", "D4", "D15", "D1", "D5")}
    assert {item for item in raised if item[0] in ("D4", "D15", "D1", "D5")} == {item for item in due if item[0] != "D2"}
    assert any(item[0] == "D2" for item in raised)
    assert not open_items(first.views["netsuite"].invoices, now.date()).keys() - customers(first, "netsuite").keys()


def test_a_stale_system_can_be_chosen() -> None:
    world = build_world(7, 0.3, FaultPlan(faults={"stale_connection": 1}, stale_role="support"), None, ANCHOR)
    assert findings(world, ANCHOR) == {("D13", "stale", "zendesk")}


def test_too_many_faults_for_a_small_world_are_refused() -> None:
    with pytest.raises(SandboxError, match="tier_mismatch"):
        build_world(7, 0.1, FaultPlan(faults={"tier_mismatch": 500}), None, ANCHOR)


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("a.yml", "faults: {invoice_vanished: 2}", "unknown kind invoice_vanished; known kinds are account_status_contradiction"),
        ("a.yml", "faults: {tier_mismatch: -1}", "below zero"),
        ("a.yml", "faults: {tier_mismatch: many}", "faults.tier_mismatch"),
        ("a.json", '{"fault": {}}', "fault: Extra inputs"),
        ("a.yml", "faults: [", "not YAML or JSON"),
        ("a.json", "{", "not YAML or JSON"),
        ("a.yml", "stale_role: sap", "stale_role"),
    ],
)
def test_a_wrong_plan_names_file_and_field(tmp_path: Path, name: str, text: str, expected: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(SandboxError) as caught:
        load_plan(path)
    assert str(path) in str(caught.value) and expected in str(caught.value)


def test_a_plan_from_yaml_and_from_json_is_the_same(tmp_path: Path) -> None:
    (tmp_path / "p.yml").write_text("faults:\n  tier_mismatch: 2\nstale_role: billing\n")
    (tmp_path / "p.json").write_text('{"faults": {"tier_mismatch": 2}, "stale_role": "billing"}')
    assert load_plan(tmp_path / "p.yml") == load_plan(tmp_path / "p.json") == FaultPlan(faults={"tier_mismatch": 2}, stale_role="billing")
    with pytest.raises(SandboxError, match="cannot be read"):
        load_plan(tmp_path / "none.yml")


# -- real data: files of the same form as the published sets, written here --------------------------------------------------


def write_gzip(path: Path, rows: list[list[str]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(path, "wt", encoding="utf-8", newline="") as out:
        csv.writer(out).writerows(rows)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """120 buyers with some invoices each, a few credits, lines that belong nowhere, and 90 incidents."""
    lines = [["InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country"]]
    names = [["utility_id_eia", "utility_name_eia"]]
    for buyer in range(120):
        names.append([str(buyer), f"{['North', 'South', 'East', 'West', 'Upper', 'Lower'][buyer % 6]} {chr(65 + buyer // 6)}ville{buyer} Power Co"])
        country = "United Kingdom" if buyer % 4 else "Germany"
        for turn in range(8 if buyer % 3 else 5):  # every third bought nothing lately
            number, at = 500_000 + buyer * 10 + turn, datetime(2011, 1, 3) + timedelta(days=20 * turn, hours=buyer % 9 + 8)
            for line in range(1 + (buyer + turn) % 5):
                code = f"8{line}{buyer % 7}23"
                lines.append(
                    [str(number), code, f" item {code} ", str(2 + line), f"{at:%Y-%m-%d %H:%M:%S}", "2.55", f"{13000 + buyer}.0", country]
                )
            lines.append([str(number), "POST", "POSTAGE", "1", f"{at:%Y-%m-%d %H:%M:%S}", "18.00", f"{13000 + buyer}.0", country])
        credited = datetime(2011, 5, 1) + timedelta(hours=buyer)
        lines.append(
            [f"C{600_000 + buyer}", "POST", "POSTAGE", "-1", f"{credited:%Y-%m-%d %H:%M:%S}", "18.00", f"{13000 + buyer}.0", country]
        )
    lines.append(["700001", "84029G", "no buyer", "3", "2011-04-01 10:00:00", "1.25", "", "United Kingdom"])
    lines.append(["A563185", "B", "Adjust bad debt", "1", "2011-04-02 10:00:00", "11062.06", "", "United Kingdom"])
    write_gzip(tmp_path / "online_retail/invoice_lines.csv.gz", lines)
    write_gzip(tmp_path / "org_identity/system_b_eia.csv.gz", names)
    pairs = [["utility_id_pudl", "utility_id_ferc1", "utility_name_ferc1", "utility_id_eia", "utility_name_eia"]]
    pairs.append(["1", "2", "NORTH AVILLE0 POWER COMPANY", "0", "North Aville0 Power Co"])
    write_gzip(tmp_path / "org_identity/utility_id_pudl.csv.gz", pairs)
    header = ["number", "incident_state", "sys_mod_count", "caller_id", "opened_at", "sys_updated_at", "contact_type", "category", "u_symptom", "priority"]
    header.append("assigned_to")
    events = [header]
    for number in range(90):
        opened = datetime(2016, 4, 1) + timedelta(hours=7 * number)
        for step, state in enumerate(("New", "Active", "Awaiting User Info", "Active", "Resolved", "Closed")[: 3 + number % 4]):
            at = opened + timedelta(hours=3 * step)
            events.append(
                [
                    f"INC{number:07d}",
                    state,
                    str(step),
                    f"Caller {number % 30}",
                    f"{opened:%d/%m/%Y %H:%M}",
                    f"{at:%d/%m/%Y %H:%M}",
                    "Phone",
                    "Category 5",
                    "?",
                    "3 - Moderate",
                    "?" if not step else "Resolver 8",
                ]
            )
    events.append(
        ["INC9999999", "-100", "0", "Caller 1", "01/05/2016 10:00", "01/05/2016 10:00", "Phone", "Category 5", "?", "4 - Low", "?"]
    )
    write_gzip(tmp_path / "servicenow_incidents/incident_event_log.csv.gz", events)
    return tmp_path


def test_real_data_becomes_documents_and_tickets(data: Path) -> None:
    world = build_world(7, 1.0, NO_FAULTS, data, ANCHOR)
    assert findings(world, ANCHOR) == set()
    erp, billing, support = world.views["netsuite"], world.views["stripe"], world.views["zendesk"]
    sold = [invoice for invoice in billing.invoices if invoice.order is not None]
    assert len(sold) == 80 * 8 + 40 * 5 == world.notes["invoices"]
    assert (world.notes["lines_without_customer"], world.notes["incident_events_odd_state"]) == (2, 1)
    assert max(invoice.finalized_at for invoice in sold) == ANCHOR - timedelta(hours=1)
    one = next(invoice for invoice in erp.invoices if invoice.number == "500011")
    assert [(line.quantity, line.unit_price) for line in one.lines] == [
        (2, Decimal("2.55")),
        (3, Decimal("2.55")),
        (4, Decimal("2.55")),
        (1, Decimal("18.00")),
    ][-len(one.lines) :]
    assert {product.sku for product in erp.products} >= {"POST", "SUP-BASIC", "80023"}
    assert len(billing.credit_notes) + world.notes["credits_without_sale"] == 120
    assert len(billing.credit_notes) > 60
    assert {note.number[0] for note in billing.credit_notes} == {"C"}
    credited = Counter[int]()
    for note in billing.credit_notes:
        credited[note.invoice or 0] += 1
    assert len(support.tickets) == 90
    steps = Counter(ticket.status for ticket in support.tickets)
    assert set(steps) == {"pending", "open", "solved", "closed"}
    closed = next(ticket for ticket in support.tickets if ticket.status == "closed")
    assert [(change.old, change.new) for change in closed.changes if change.field == "status"] == [
        ("new", "open"),
        ("open", "pending"),
        ("pending", "open"),
        ("open", "solved"),
        ("solved", "closed"),
    ]


def test_real_data_takes_the_faults_too(data: Path) -> None:
    world = build_world(3, 1.0, default_plan(0.5), data, ANCHOR)
    assert findings(world, ANCHOR) == planted(world, ANCHOR)


def test_a_missing_data_file_is_named(data: Path) -> None:
    (data / "servicenow_incidents/incident_event_log.csv.gz").unlink()
    with pytest.raises(SandboxError, match="incident_event_log"):
        build_world(7, 1.0, NO_FAULTS, data, ANCHOR)
