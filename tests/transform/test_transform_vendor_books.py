"""What books of SAP, Oracle, Dynamics, Zuora, Chargebee and ServiceNow hold beside the plain case: payments of several lines or invoices, fees.

Belongs here: what a document of one of these vendors means. Their codes are in test_transform_unknown_codes.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from concord.connections import Connection, Role
from tests.transform.landing_fixture import LONG_AGO, NOW, RECENT, World, land, settings_at
from transform.build import build

ROLES: dict[str, Role] = {"sap_s4hana": "erp", "oracle_fusion": "erp", "dynamics365_finance": "erp", "zuora": "billing", "chargebee": "billing", "servicenow": "support"}
MODELS = ("payment", "payment_application", "refund", "subscription", "dispute", "support_case", "reconciled_payment", "reconciled_invoice",
          "sales_order", "sales_order_line", "return_order")
DAY = timedelta(days=1)
MONTH_AGO = NOW - 30 * DAY
Rows = Callable[[str], list[tuple[Any, ...]]]


def _sap(world: World) -> None:
    """One customer's invoices, and the ways in which they were paid."""
    def posting(document: str, kind: str, side: str, amount: int, *, item: str = "1", clearing: str = "", **more: Any) -> None:
        world.add(
            "sap_s4hana", "accounting_items", company_code="1010", fiscal_year="2026", accounting_document=document, accounting_document_item=item,
            account_type="D", customer="17100001", document_type=kind, debit_credit_code=side, amount=amount if side == "S" else -amount,
            currency="USD", posting_date=MONTH_AGO, is_reversal=False, is_reversed=False, is_cleared=bool(clearing), clearing_document=clearing,
            clearing_fiscal_year="2026" if clearing else "", clearing_date=RECENT if clearing else None, creation_date=MONTH_AGO,
            creation_time="PT10H00M00S", **more)
        if not clearing:
            world.add("sap_s4hana", "open_items", company_code="1010", fiscal_year="2026", accounting_document=document,
                      accounting_document_item=item, customer="17100001", document_type=kind, debit_credit_code=side,
                      amount=amount if side == "S" else -amount, currency="USD")

    def document(number: int, amount: int, *, category: str = "M", clearing: str = "", names: str = "") -> None:
        world.add("sap_s4hana", "billing_documents", billing_document=f"9000000{number}", document_category=category, company_code="1010",
                  fiscal_year="2026", accounting_document=f"9400000{number}", billing_document_date=MONTH_AGO, is_cancelled=False,
                  total_gross_amount=amount, tax_amount=0, currency="USD", customer="17100001", customer_reference=names,
                  accounting_transfer_status="C", creation_date=MONTH_AGO, creation_time="PT10H00M00S", last_changed_at=RECENT)
        posting(f"9400000{number}", "RV", "S" if category == "M" else "H", amount, clearing=clearing, billing_document=f"9000000{number}")

    world.add("sap_s4hana", "business_partners", business_partner="17100001", customer="17100001", name="Firm Inc", creation_date=LONG_AGO)
    world.add("sap_s4hana", "customers", customer="17100001", full_name="Firm Inc", creation_date=LONG_AGO)
    document(1, 100, clearing="1400000001")
    document(2, 50, clearing="1400000001")
    posting("1400000001", "DZ", "H", 150, clearing="1400000001", item_text="pay-both")
    document(3, 100)
    document(4, 100)
    posting("1400000002", "DZ", "H", 30, item="1", invoice_reference="94000003", invoice_reference_fiscal_year="2026")
    posting("1400000002", "DZ", "H", 20, item="2", invoice_reference="94000004", invoice_reference_fiscal_year="2026")
    document(5, 100, clearing="1400000003")
    posting("1400000003", "DZ", "H", 100, item="1", clearing="1400000003")
    posting("1400000003", "DZ", "S", 20, item="2")
    posting("1400000004", "DZ", "H", 7, item="1", item_text="pay-a")
    posting("1400000004", "DZ", "H", 8, item="2", item_text="pay-b")
    document(6, 10, category="O", clearing="1400000005")
    posting("1400000005", "DZ", "S", 10, clearing="1400000005", item_text="re-1")
    document(7, 40, names="zi2")


def _oracle(world: World) -> None:
    def order(header: int, number: str, status: str, *, revision: int = 1, total: int, source: str) -> None:
        world.add("oracle_fusion", "orders", header_id=header, order_number=number, order_key=f"CRM:{source}", source_system="CRM", source_id=source,
                  source_number=source, revision=revision, party_id=1, currency="USD", status_code=status, ordered_at=MONTH_AGO,
                  created_at=MONTH_AGO + revision * DAY, updated_at=MONTH_AGO + revision * DAY)
        world.add("oracle_fusion", "order_totals", total_id=header, header_id=header, code="QP_TOTAL_PAY_NOW", amount=total)

    def line(id: int, header: int, amount: int, status: str, category: str = "ORDER", **more: Any) -> None:
        world.add("oracle_fusion", "order_lines", fulfill_line_id=id, header_id=header, line_number="1", item_number="SKU", quantity=1, amount=amount,
                  unit_price=amount, status_code=status, category=category, is_open=status != "BILLED", **more)

    world.add("oracle_fusion", "customers", party_id=1, name="Firm Inc", status="A", created_at=LONG_AGO, updated_at=RECENT)
    order(11, "O-1", "OPEN", total=100, source="deal")
    line(111, 11, 100, "AWAIT_SHIP")
    order(12, "O-1", "OPEN", revision=2, total=150, source="deal")
    line(121, 12, 150, "AWAIT_BILLING")
    order(13, "O-1", "DOO_DRAFT", revision=3, total=999, source="deal")
    line(131, 13, 999, "DOO_DRAFT")
    order(21, "O-2", "PARTIAL_CLOSE", total=20, source="exchange")
    line(211, 21, 70, "AWAIT_SHIP")
    line(212, 21, -50, "BILLED", "RETURN", original_order_number="O-1", return_reason="Damaged", completed_at=RECENT)


def _dynamics(world: World) -> None:
    company: dict[str, Any] = {"data_area_id": "usmf"}
    world.add("dynamics365_finance", "customers", customer_account="C1", organization_name="Firm Inc", currency="USD", **company)

    def transaction(id: int, kind: str, voucher: str, amount: int, settled: int, against: str, invoice: str = "") -> None:
        world.add("dynamics365_finance", "transactions", record_id=id, type=kind, voucher=voucher, customer_account="C1", invoice_number=invoice, currency="USD",
                  amount=amount, settled_amount=settled, last_settle_voucher=against, is_approved="Yes", is_cancelled_payment="No", is_correction="No",
                  transaction_date=MONTH_AGO, **company)

    for place, (total, settled, against) in enumerate(((100, 100, "P1"), (50, 20, "P1"), (70, 70, "P2")), start=1):
        world.add("dynamics365_finance", "invoices", invoice_number=f"I{place}", ledger_voucher=f"V{place}", invoice_date=MONTH_AGO, currency="USD",
                  invoice_customer_account="C1", total_amount=total, total_tax_amount=0, **company)
        transaction(place, "Sales", f"V{place}", total, settled, against, f"I{place}")
    transaction(11, "Payment", "P1", -120, -120, "V2")
    transaction(12, "Payment", "P2", -90, -70, "V3")


def _zuora(world: World) -> None:
    world.add("zuora", "accounts", id="za", name="Firm Inc", currency="USD", status="Active", erp_customer_id="17100001", created_at=LONG_AGO, updated_at=RECENT)
    world.add("zuora", "payments", id="pay-both", account_id="za", amount=150, currency="USD", status="Processed", created_at=MONTH_AGO, updated_at=MONTH_AGO)
    world.add("zuora", "payments", id="cheque", account_id="za", amount=30, currency="USD", status="Processed", type="External",
              effective_date=(MONTH_AGO - 9 * DAY).date(), created_at=MONTH_AGO, updated_at=MONTH_AGO)
    for id, amount in (("zi1", 60), ("zi2", 40)):
        world.add("zuora", "invoices", id=id, account_id="za", invoice_number=id.upper(), amount=amount, tax_amount=0, balance=0, payment_amount=0,
                  currency="USD", status="Posted", invoice_date=MONTH_AGO.date(), posted_at=MONTH_AGO, created_at=MONTH_AGO, updated_at=MONTH_AGO)
        world.add("zuora", "credit_memo_applications", id=f"app-{id}", credit_memo_id="zm", invoice_id=id, amount=amount, created_at=MONTH_AGO, updated_at=MONTH_AGO)
    world.add("zuora", "credit_memos", id="zm", account_id="za", invoice_id="zi1", memo_number="CM1", total_amount=100, balance=0, currency="USD",
              status="Posted", posted_at=MONTH_AGO, created_at=MONTH_AGO, updated_at=MONTH_AGO)
    for tier in ("premium", "basic"):
        world.add("zuora", "products", id=tier, name=tier, sku=tier, support_tier=tier, created_at=LONG_AGO, updated_at=LONG_AGO)

    def subscription(id: str, status: str, version: int = 2) -> None:
        world.add("zuora", "subscriptions", id=id, original_id=f"{id}-first", name=id, version=version, is_latest_version=True, account_id="za", currency="USD",
                  status=status, subscription_start_date=LONG_AGO.date(), term_end_date=(NOW + 100 * DAY).date(), created_at=LONG_AGO, updated_at=MONTH_AGO)

    def charge(subscription: str, name: str, product: str, price: str, *, kind: str = "Recurring", period: str | None = "Annual", change: str | None = None,
               until: int = 100, through: int = 20) -> None:
        id = f"{subscription}-{name}"
        world.add("zuora", "rate_plans", id=f"plan-{id}", subscription_id=subscription, product_id=product, amendment_type=change, updated_at=MONTH_AGO)
        world.add("zuora", "rate_plan_charges", id=id, original_id=id, rate_plan_id=f"plan-{id}", subscription_id=subscription, charge_type=kind,
                  billing_period=period, quantity=2 if kind == "Recurring" else None, segment=1, is_last_segment=True,
                  effective_end_date=(NOW + until * DAY).date(), charged_through_date=(NOW + through * DAY).date(), updated_at=MONTH_AGO)
        world.add("zuora", "rate_plan_charge_tiers", id=f"tier-{id}", rate_plan_charge_id=id, tier=1, currency="USD", price=Decimal(price), updated_at=MONTH_AGO)

    subscription("downgraded", "Active")
    charge("downgraded", "old", "premium", "500", change="RemoveProduct", until=-30, through=90)
    charge("downgraded", "new", "basic", "50", change="NewProduct")
    subscription("leaving", "Active")
    charge("leaving", "old", "premium", "500", change="RemoveProduct", until=30)
    charge("leaving", "new", "basic", "50", change="NewProduct")
    subscription("ended", "Cancelled")
    charge("ended", "old", "premium", "500", change="RemoveProduct", until=-30)
    subscription("mixed", "Active", 1)
    charge("mixed", "year", "basic", "600")
    charge("mixed", "month", "basic", "10", period="Month")
    charge("mixed", "setup", "basic", "999", kind="OneTime", period=None)
    charge("mixed", "calls", "basic", "3", kind="Usage", period="Month")


def _chargebee(world: World) -> None:
    changed = {"_changed_at": RECENT}
    world.add("chargebee", "customers", id="cc", company="Firm Inc", erp_customer_id="17100001", created_at=LONG_AGO, **changed)
    shared: dict[str, Any] = {"customer_id": "cc", "currency_code": "USD", "date": MONTH_AGO, **changed}
    world.add("chargebee", "transactions", id="lost", type="payment", status="success", amount=9900, invoice_id="ci", reversal_transaction_id="back", **shared)
    world.add("chargebee", "transactions", id="back", type="payment_reversal", status="success", payment_method="chargeback", amount=9900, **shared)
    world.add("chargebee", "transactions", id="told", type="payment", status="success", amount=5000, reversal_transaction_id="back2", **shared)
    world.add("chargebee", "transactions", id="back2", type="payment_reversal", status="success", payment_method="chargeback", amount=5000, **shared)
    world.add("chargebee", "disputes", id="dsp", customer_id="cc", transaction_id="told", amount=5000, currency_code="USD", status="lost", created_at=RECENT, **changed)
    world.add("chargebee", "subscriptions", id="cs", customer_id="cc", currency_code="USD", status="active", billing_period=1, billing_period_unit="year",
              started_at=LONG_AGO, created_at=LONG_AGO, **changed)
    for id, kind, amount, period, unit in (
            ("plan", "plan", 120_000, 1, "year"), ("addon", "addon", 1_000, 1, "month"), ("setup", "charge", 77_700, None, None)):
        world.add("chargebee", "subscription_items", subscription_id="cs", item_price_id=id, item_type=kind, quantity=1, amount=amount, billing_period=period,
                  billing_period_unit=unit)


def _servicenow(world: World) -> None:
    world.add("servicenow", "cases", id="closed", number="CS1", state="3", opened_at=MONTH_AGO, closed_at=RECENT, created_at=MONTH_AGO, updated_at=RECENT)
    world.add("servicenow", "cases", id="resolved", number="CS2", state="3", opened_at=MONTH_AGO, resolved_at=RECENT - DAY, closed_at=RECENT,
              created_at=MONTH_AGO, updated_at=RECENT)
    world.add("servicenow", "cases", id="withdrawn", number="CS3", state="7", opened_at=MONTH_AGO, closed_at=RECENT, created_at=MONTH_AGO, updated_at=RECENT)


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rows]:
    settings = settings_at(tmp_path_factory.mktemp("vendor_books"))
    told = {system: Connection(name=system, system=system, role=role, sandbox=True) for system, role in ROLES.items()}
    world = World({system: {} for system in ROLES})
    for fill in (_sap, _oracle, _dynamics, _zuora, _chargebee, _servicenow):
        fill(world)
    land(settings, world)
    build(settings, told, select=[f"+{model}" for model in MODELS])
    with duckdb.connect(str(settings.warehouse), read_only=True) as database:
        yield lambda query: database.execute(query).fetchall()


def test_lines_of_one_payment_are_one_payment(rows: Rows) -> None:
    assert rows("select payment_id, billing_payment_id, amount::int, status_raw from payment where connection = 'sap_s4hana' order by 1") == [
        ("1010:2026:1400000001", "pay-both", 150, "cleared"),
        ("1010:2026:1400000002", None, 50, "posted"),
        ("1010:2026:1400000003", None, 80, "cleared"),  # 20 of it stay owed as a residual item, which is no refund
        ("1010:2026:1400000004", "pay-a", 7, "posted"),
        ("1010:2026:1400000004:2", "pay-b", 8, "posted")]


def test_money_that_goes_out_pays_a_credit_memo_of_billing(rows: Rows) -> None:
    assert rows("select refund_id, billing_refund_id, credit_note_id, amount::int, status_raw from sap_s4hana__refund") == [
        ("1010:2026:1400000005", "re-1", "90000006", 10, "cleared")]


def test_a_payment_settles_each_of_its_invoices(rows: Rows) -> None:
    assert rows("""select payment_id, invoice_id, amount::int from payment_application where connection = 'sap_s4hana' order by 1, 2""") == [
        ("1010:2026:1400000001", "90000001", 100), ("1010:2026:1400000001", "90000002", 50),
        ("1010:2026:1400000002", "90000003", 30), ("1010:2026:1400000002", "90000004", 20),
        ("1010:2026:1400000003", "90000005", 80)]
    assert rows("select class, ledger_unapplied::int, ledger_invoice_count from reconciled_payment where billing_payment_id = 'pay-both'") == [
        ("matched", 0, 2)]


def test_a_payment_in_dynamics_settles_the_invoices_that_name_it(rows: Rows) -> None:
    assert rows("select payment_id, invoice_id, amount::int from payment_application where connection = 'dynamics365_finance' order by 1, 2") == [
        ("11", "I1", 100), ("11", "I2", 20), ("12", "I3", 70)]


def test_a_memo_credits_the_invoices_that_it_was_applied_to(rows: Rows) -> None:
    assert rows("select billing_status, ledger_status, credited_amount::int, class, status_class from reconciled_invoice where billing_invoice_id = 'zi2'") == [
        ("paid", "open", 40, "matched", "matched")]
    assert rows("select credited_amount::int, class, reason from reconciled_invoice where billing_invoice_id = 'zi1'") == [(60, "not_expected", "credited")]


def test_money_that_came_past_zuora_came_before_it_was_entered(rows: Rows) -> None:
    assert rows("select cast(paid_at as date) from payment where payment_id in ('cheque', 'pay-both') and connection = 'zuora' order by 1") == [
        ((MONTH_AGO - 9 * DAY).date(),), (MONTH_AGO.date(),)]


def test_a_plan_that_was_taken_out_gives_no_cover(rows: Rows) -> None:
    assert rows("select subscription_id, tier, period_amount::int from subscription where connection = 'zuora' and subscription_id <> 'mixed-first' order by 1") == [
        ("downgraded-first", "basic", 100), ("ended-first", "premium", 1000), ("leaving-first", "premium", 1100)]


def test_what_was_paid_for_a_plan_that_was_taken_out_prolongs_nothing(rows: Rows) -> None:
    assert rows("select end_date from subscription where subscription_id = 'downgraded-first'") == [((NOW + 20 * DAY).date(),)]


def test_the_price_of_a_period_is_what_recurs_in_it(rows: Rows) -> None:
    assert rows("select period_amount::int, period_months from subscription where subscription_id = 'mixed-first'") == [(1440, 12)]
    assert rows("select period_amount::int, period_months from subscription where subscription_id = 'cs'") == [(1320, 12)]


def test_a_payment_that_was_taken_back_is_a_lost_dispute(rows: Rows) -> None:
    assert rows("select dispute_id, payment_id, status, amount::int from dispute where connection = 'chargebee' order by 1") == [
        ("back", "lost", "lost", 99), ("dsp", "told", "lost", 50)]


def test_a_case_that_was_closed_without_a_resolution_was_solved_then(rows: Rows) -> None:
    assert rows("select case_id, solved_at from support_case order by 1") == [
        ("closed", RECENT.replace(tzinfo=None)), ("resolved", (RECENT - DAY).replace(tzinfo=None)), ("withdrawn", None)]


def test_a_changed_order_is_one_order_as_its_newest_revision_has_it(rows: Rows) -> None:
    assert rows("select order_id, number, status, total_amount::int, opportunity_id from sales_order where number = 'O-1'") == [
        ("11", "O-1", "pending_billing", 150, "deal")]
    assert rows("select order_line_id, order_id from sales_order_line where connection = 'oracle_fusion' order by 1") == [("121", "11"), ("211", "21")]


def test_an_exchange_is_an_order_and_a_return(rows: Rows) -> None:
    assert rows("select order_id, status from sales_order where number = 'O-2'") == [("21", "partially_fulfilled")]
    assert rows("select return_id, order_id, status, reason, amount::int from return_order where connection = 'oracle_fusion'") == [
        ("21", "11", "credited", "Damaged", 50)]
