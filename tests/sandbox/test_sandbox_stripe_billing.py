"""What the Stripe stand-in keeps beside invoices: plans, tax rates, cards, meters, test clocks, webhook endpoints; by the vendor's own client."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import stripe as official

from tests.sandbox.test_sandbox_stripe import Site, error, open_site, sid, world


@pytest.fixture
def site() -> Iterator[Site]:
    with open_site(world()) as opened:
        yield opened


@pytest.fixture
def client(site: Site) -> official.StripeClient:
    return site.client("2026-10-28.endive")


def test_a_plan_is_a_recurring_price_under_its_older_name(site: Site, client: official.StripeClient) -> None:
    recurring = {price.id for price in client.v1.prices.list({"type": "recurring"}).auto_paging_iter()}
    assert {plan.id for plan in client.v1.plans.list({"limit": 1}).auto_paging_iter()} == recurring and recurring
    made: Any = client.v1.plans.create({"currency": "eur", "interval": "year", "amount": 120000, "product": {"name": "Care"}, "id": "care-yearly"})
    assert (made.id, made.amount, made.interval) == ("care-yearly", 120000, "year")
    price: Any = client.v1.prices.retrieve("care-yearly")
    assert price.recurring.interval == "year"
    assert [plan.id for plan in client.v1.plans.list({"product": str(made.product)})] == ["care-yearly"]
    assert client.v1.plans.update("care-yearly", {"nickname": "Yearly"}).nickname == "Yearly"
    assert client.v1.plans.delete("care-yearly").deleted
    assert error(site.ask("GET", "/v1/plans/care-yearly"), 404)["code"] == "resource_missing"
    assert {"plan.created", "plan.updated", "plan.deleted"} <= {event.type for event in client.v1.events.list({"limit": 20})}


def test_documents_name_the_rate_that_taxed_them(client: official.StripeClient) -> None:
    rates = {rate.id: rate.percentage for rate in client.v1.tax_rates.list().auto_paging_iter()}
    taxes: list[Any] = [tax for invoice in client.v1.invoices.list({"limit": 100}) for tax in invoice.total_taxes or ()]
    named = {tax.tax_rate_details.tax_rate for tax in taxes}
    assert named and named <= rates.keys()
    for tax in taxes:
        assert abs(tax.amount / tax.taxable_amount * 100 - rates[tax.tax_rate_details.tax_rate]) < 0.2
    made = client.v1.tax_rates.create({"display_name": "VAT", "inclusive": True, "percentage": 19})
    assert [rate.id for rate in client.v1.tax_rates.list({"inclusive": True})] == [made.id]
    assert client.v1.tax_rates.update(made.id, {"active": False}).active is False


def test_cards_are_made_attached_and_detached(site: Site, client: official.StripeClient) -> None:
    customer = client.v1.customers.create({"name": "Card holder"})
    card: Any = client.v1.payment_methods.create({"type": "card", "card": {"token": "tok_mastercard"}, "billing_details": {"name": "Jo"}})
    assert (card.card.brand, card.card.last4, card.customer, card.billing_details.name) == ("mastercard", "4444", None, "Jo")
    client.v1.payment_methods.attach(card.id, {"customer": customer.id})
    assert [each.id for each in client.v1.payment_methods.list({"customer": customer.id, "type": "card"})] == [card.id]
    assert [each.id for each in client.v1.customers.payment_methods.list(customer.id)] == [card.id]
    assert client.v1.customers.payment_methods.retrieve(customer.id, card.id).id == card.id
    other = client.v1.customers.create({"name": "Other"})
    with pytest.raises(official.InvalidRequestError, match="already been attached"):
        client.v1.payment_methods.attach(card.id, {"customer": other.id})
    assert client.v1.payment_methods.detach(card.id).customer is None
    charge = client.v1.charges.list({"limit": 1}).data[0]
    assert client.v1.payment_methods.retrieve(str(charge.payment_method)).customer == charge.customer
    shown = site.get(f"/v1/payment_intents/{charge.payment_intent}", **{"expand[]": "payment_method"})
    assert shown["payment_method"]["id"] == charge.payment_method


def test_usage_is_reported_to_a_meter_and_summed(site: Site, client: official.StripeClient) -> None:
    meter = client.v1.billing.meters.create({"display_name": "Calls", "event_name": "calls", "default_aggregation": {"formula": "sum"}})
    customer = sid("customer", 1)
    day = site.vendor.account.now() // 86_400 * 86_400
    for number, (value, at) in enumerate((("2", day), ("3.5", day + 60), ("10", day - 3600))):
        client.v1.billing.meter_events.create({
            "event_name": "calls", "identifier": f"call-{number}", "timestamp": min(at, site.vendor.account.now()),
            "payload": {"stripe_customer_id": customer, "value": value}})
    span: Any = {"customer": customer, "start_time": day - 86_400, "end_time": day + 86_400}
    assert [row.aggregated_value for row in client.v1.billing.meters.event_summaries.list(meter.id, span)] == [15.5]
    by_day: Any = {**span, "value_grouping_window": "day"}
    daily = client.v1.billing.meters.event_summaries.list(meter.id, by_day)
    assert [(row.start_time, row.aggregated_value) for row in daily] == [(day, 5.5), (day - 86_400, 10)]
    with pytest.raises(official.InvalidRequestError, match="already exists with identifier"):
        client.v1.billing.meter_events.create({"event_name": "calls", "identifier": "call-0", "payload": {"stripe_customer_id": customer, "value": "1"}})
    assert client.v1.billing.meters.deactivate(meter.id).status == "inactive"
    assert [row.id for row in client.v1.billing.meters.list({"status": "inactive"})] == [meter.id]
    with pytest.raises(official.InvalidRequestError, match="No active meter"):
        client.v1.billing.meter_events.create({"event_name": "calls", "payload": {"stripe_customer_id": customer, "value": "1"}})


def test_what_lives_on_a_test_clock_is_listed_for_that_clock_alone(site: Site, client: official.StripeClient) -> None:
    now = site.vendor.account.now()
    clock = client.v1.test_helpers.test_clocks.create({"frozen_time": now, "name": "Renewals"})
    customer = client.v1.customers.create({"name": "On a clock", "test_clock": clock.id})
    assert customer.test_clock == clock.id
    assert customer.id not in {row.id for row in client.v1.customers.list({"limit": 100}).auto_paging_iter()}
    assert [row.id for row in client.v1.customers.list({"test_clock": clock.id})] == [customer.id]
    moving: Any = client.v1.test_helpers.test_clocks.advance(clock.id, {"frozen_time": now + 86_400})
    assert moving.status == "advancing" and moving.status_details.advancing.target_frozen_time == now + 86_400
    arrived = client.v1.test_helpers.test_clocks.retrieve(clock.id)
    assert (arrived.status, arrived.frozen_time) == ("ready", now + 86_400)
    for wrong in (now, now + 3 * 365 * 86_400):
        with pytest.raises(official.InvalidRequestError):
            client.v1.test_helpers.test_clocks.advance(clock.id, {"frozen_time": wrong})
    assert client.v1.test_helpers.test_clocks.delete(clock.id).deleted
    assert client.v1.customers.retrieve(customer.id).deleted
    assert error(site.ask("GET", "/v1/customers?test_clock=clock_none"), 400)["param"] == "test_clock"


def test_an_endpoints_secret_is_told_once_and_signs_what_is_sent(site: Site, client: official.StripeClient) -> None:
    made = client.v1.webhook_endpoints.create({"url": "https://hooks.example/stripe", "enabled_events": ["invoice.paid"], "metadata": {"for": "test"}})
    assert made.secret == site.vendor.settings.webhook_secret and made.status == "enabled"
    assert "secret" not in client.v1.webhook_endpoints.retrieve(made.id).to_dict()
    assert client.v1.webhook_endpoints.update(made.id, {"disabled": True}).status == "disabled"
    assert [row.id for row in client.v1.webhook_endpoints.list()] == [made.id]
    with pytest.raises(official.InvalidRequestError, match="explicit scheme"):
        client.v1.webhook_endpoints.create({"url": "hooks.example", "enabled_events": ["*"]})
    assert client.v1.webhook_endpoints.delete(made.id).deleted
