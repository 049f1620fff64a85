"""The POST operations: path, parameters with their types, and the function that does it.

What does not belong here: what the functions do (writes, parties, subscriptions), authentication and idempotency (api).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.chargebee import parties, subscriptions, writes
from sandbox.chargebee.params import ANY, ID, B, J, N, Rows, S, Shape, T, Text, Texts, Whole, choice
from sandbox.chargebee.site import Site

Run = Callable[[Site, str, Mapping[str, Any]], dict[str, Any]]


@dataclass(frozen=True)
class Operation:
    params: Mapping[str, Any]
    run: Run


AMOUNT = Whole(0)
CUSTOM = {"cf_": S}  # the operation takes custom fields
_AUTO = choice("on off")
_METHOD = choice("cash check bank_transfer other chargeback card direct_debit app_store play_store paypal_express_checkout custom "
                 "amazon_payments generic ideal google_pay sofort")
_REASON = choice("product_unsatisfactory service_unsatisfactory order_change order_cancellation waiver other write_off "
                 "subscription_change subscription_cancellation subscription_pause chargeback fraudulent")
_ADDRESS = Shape({name: S for name in ("first_name", "last_name", "email", "company", "phone", "line1", "line2", "line3", "city",
                                       "state_code", "state", "zip", "country")}
                 | {"validation_status": choice("not_validated valid partially_valid invalid")})
_CONTACT = Shape({"id": ID, "first_name": S, "last_name": S, "email": Text(70), "phone": Text(50), "label": S, "enabled": B,
                  "send_billing_email": B, "send_account_email": B})
_PAYMENT_SOURCES = {name: ANY for name in ("card", "bank_account", "payment_method", "payment_intent", "token_id", "created_from_ip",
                                           "statement_descriptor", "exemption_details", "entity_identifiers", "tax_providers_fields")}
_CUSTOMER = {
    "first_name": Text(150), "last_name": Text(150), "email": Text(70), "phone": Text(50), "company": Text(250), "auto_collection": _AUTO,
    "net_term_days": AMOUNT, "allow_direct_debit": B, "vat_number": Text(20), "vat_number_prefix": S, "taxability": choice("taxable exempt"),
    "locale": Text(50), "preferred_currency_code": Text(3), "meta_data": J, "customer_type": S, "business_entity_id": ID,
    "offline_payment_method": S, "invoice_notes": Text(2000), "registered_for_gst": B, "consolidated_invoicing": B, "entity_code": S,
    "exempt_number": S, "auto_close_invoices": B, "fraud_flag": choice("safe suspicious fraudulent"), "is_einvoice_enabled": ANY,
    "einvoicing_method": ANY, "entity_identifier_scheme": ANY, "entity_identifier_standard": ANY, "client_profile_id": ANY,
    "business_customer_without_vat_number": ANY, "taxjar_exemption_category": ANY, **_PAYMENT_SOURCES, **CUSTOM}
_TRANSACTION = Shape({"id": ID, "amount": AMOUNT, "payment_method": _METHOD, "reference_number": Text(100), "custom_payment_method_id": S,
                      "id_at_gateway": Text(100), "status": choice("success failure"), "date": T, "error_code": Text(100),
                      "error_text": Text(65000)})
_LINES = Rows({"reference_line_item_id": ID, "unit_amount": AMOUNT, "unit_amount_in_decimal": ANY, "quantity": AMOUNT,
               "quantity_in_decimal": ANY, "amount": AMOUNT, "date_from": T, "date_to": T, "description": Text(500)})
_ITEMS = Rows({"item_price_id*": Text(100), "quantity": AMOUNT, "quantity_in_decimal": S, "unit_price": AMOUNT, "unit_price_in_decimal": ANY,
               "billing_cycles": AMOUNT, "trial_end": T, "service_period_days": N, "charge_on_event": S, "charge_once": B, "item_type": S,
               "charge_on_option": S, "usage_accumulation_reset_frequency": ANY})
_TERM = Shape({"action_at_term_end": choice("renew evergreen cancel renew_once"), "contract_start": T, "cancellation_cutoff_period": AMOUNT})
_SUBSCRIPTION = {
    "trial_end": T, "billing_cycles": AMOUNT, "start_date": T, "coupon": ANY, "coupon_ids": ANY, "auto_collection": _AUTO, "net_term_days": AMOUNT,
    "po_number": Text(100), "meta_data": J, "invoice_notes": ANY, "invoice_immediately": ANY, "invoice_date": ANY, "terms_to_charge": ANY,
    "billing_alignment_mode": ANY, "offline_payment_method": ANY, "payment_source_id": ANY, "override_relationship": ANY,
    "mandatory_items_to_remove": Texts(), "contract_term": _TERM, "contract_term_billing_cycle_on_renewal": ANY, "shipping_address": ANY,
    "billing_address": ANY, "free_period": ANY, "free_period_unit": ANY, "create_pending_invoices": ANY, "auto_close_invoices": ANY,
    "subscription_items": _ITEMS, "item_tiers": ANY, "discounts": ANY, "billing_override": ANY, "trial_end_action": ANY,
    "payment_initiator": ANY, "setup_fee": ANY, **_PAYMENT_SOURCES, **CUSTOM}
_PRICED = {"item_prices": Rows({"item_price_id*": Text(100), "quantity": AMOUNT, "quantity_in_decimal": ANY, "unit_price": AMOUNT,
                                "unit_price_in_decimal": ANY, "date_from": T, "date_to": T}),
           "charges": Rows({"amount": AMOUNT, "amount_in_decimal": ANY, "description": Text(250), "taxable": ANY, "date_from": T, "date_to": T,
                            "avalara_tax_code": ANY})}
_ORDER = {"status": choice("new processing complete cancelled voided queued awaiting_shipment on_hold delivered shipped partially_delivered "
                           "returned"), "reference_id": ID, "fulfillment_status": Text(50), "note": Text(600), "tracking_id": Text(50),
          "tracking_url": Text(255), "batch_id": ID}
_PROMOTION = {"customer_id*": ID, "amount": AMOUNT, "amount_in_decimal": ANY, "currency_code": Text(3), "description*": Text(250),
              "credit_type": choice("loyalty_credits referral_rewards general"), "reference": Text(500)}
_ITEM = {"name*": Text(100), "description": Text(2000), "external_name": Text(100), "is_giftable": B, "is_shippable": B,
         "enabled_in_portal": B, "enabled_for_checkout": B, "redirect_url": S, "item_applicability": choice("all restricted"), "unit": Text(30),
         "included_in_mrr": B, "metered": B, "usage_calculation": choice("sum_of_usages last_usage max_usage"), "metadata": J,
         "status": choice("active archived"), "gift_claim_redirect_url": ANY, "applicable_items": ANY, "is_percentage_pricing": ANY,
         "business_entity_id": ANY, "bundle_configuration": ANY, "bundle_items_to_add": ANY, **CUSTOM}
_PRICE = {"name*": Text(100), "description": Text(2000), "external_name": Text(100), "currency_code": Text(3),
          "pricing_model": choice("flat_fee per_unit tiered volume stairstep"), "price": AMOUNT, "price_in_decimal": S,
          "period_unit": choice("day week month year"), "period": Whole(1), "trial_period_unit": choice("day month"), "trial_period": AMOUNT,
          "billing_cycles": Whole(1), "free_quantity": AMOUNT, "is_taxable": B, "metadata": J, "status": choice("active archived"),
          "invoice_notes": S, "show_description_in_invoices": B, "show_description_in_quotes": B,
          "accounting_detail": Shape({"sku": Text(100), "accounting_code": Text(100), "accounting_category1": S, "accounting_category2": S,
                                      "accounting_category3": S, "accounting_category4": S}),
          "tiers": Rows({"starting_unit": AMOUNT, "ending_unit": AMOUNT, "price": AMOUNT, "pricing_type": S, "package_size": N,
                         "starting_unit_in_decimal": ANY, "ending_unit_in_decimal": ANY, "price_in_decimal": ANY}),
          "proration_type": ANY, "price_variant_id": ANY, "tax_detail": ANY, "trial_end_action": ANY, "shipping_period": ANY,
          "shipping_period_unit": ANY, "usage_accumulation_reset_frequency": ANY, "free_quantity_in_decimal": ANY, "business_entity_id": ANY,
          "tax_providers_fields": ANY, **CUSTOM}
_FAMILY = {"name*": Text(50), "description": Text(500), "business_entity_id": ANY, **CUSTOM}
_COUPON = {"name*": Text(50), "invoice_name": Text(100), "discount_type": choice("fixed_amount percentage offer_quantity"),
           "discount_percentage": ANY, "discount_amount": AMOUNT, "currency_code": Text(3), "apply_on": choice("invoice_amount each_specified_item"),
           "duration_type": choice("one_time forever limited_period"), "period": N, "period_unit": choice("day week month year"), "valid_till": T,
           "max_redemptions": N, "invoice_notes": S, "meta_data": J, "item_constraint_criteria": ANY,
           "item_constraints": Rows({"constraint*": choice("none all specific criteria"), "item_type*": choice("plan addon charge"), "item_price_ids": J}),
           "included_in_mrr": B, "coupon_constraints": ANY, **CUSTOM}


def _optional(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {name.rstrip("*"): kind for name, kind in schema.items()}


_COMMENT = {"comment": Text(300)}
_SLUG = Text(100)
# (first, last) of the path: POST /first, /first/last (no id) or /first/{id}/last; a last of "" is POST /first/{id}
COLLECTION: Mapping[tuple[str, str], Operation] = {
    ("customers", ""): Operation({"id": ID, "billing_address": _ADDRESS, **_CUSTOMER}, parties.create_customer),
    ("item_families", ""): Operation({"id*": ID, **_FAMILY}, subscriptions.create_entry("item_families", {"status": "active", "channel": "web"})),
    ("items", ""): Operation({"id*": _SLUG, "type*": choice("plan addon charge"), "item_family_id*": ID, **_ITEM}, subscriptions.create_entry(
        "items", {"status": "active", "is_giftable": False, "is_shippable": False, "enabled_for_checkout": True, "enabled_in_portal": True,
                  "metered": False, "included_in_mrr": True, "item_applicability": "all", "channel": "web"})),
    ("item_prices", ""): Operation({"id*": _SLUG, "item_id*": _SLUG, **_PRICE}, subscriptions.create_entry(
        "item_prices", {"status": "active", "pricing_model": "flat_fee", "free_quantity": 0, "price": 0, "is_taxable": True, "channel": "web"})),
    ("coupons", "create_for_items"): Operation({"id*": _SLUG, **_COUPON}, subscriptions.create_entry(
        "coupons", {"status": "active", "discount_type": "percentage", "duration_type": "forever", "apply_on": "invoice_amount",
                    "apply_discount_on": "not_applicable"})),
    ("invoices", "create_for_charge_items_and_charges"): Operation({
        "customer_id": ID, "subscription_id": ID, "currency_code": Text(3), "po_number": Text(100), "net_term_days": AMOUNT, "invoice_date": T,
        "invoice_note": ANY, "auto_collection": ANY, "coupon": ANY, "coupon_ids": ANY, "remove_general_note": ANY, "payment_source_id": ANY,
        "shipping_address": ANY, "discounts": ANY, "notes_to_remove": ANY, **_PRICED, **_PAYMENT_SOURCES, **CUSTOM}, writes.create_invoice),
    ("credit_notes", ""): Operation({
        "type*": choice("adjustment refundable store"), "reference_invoice_id": ID, "customer_id": ID, "total": AMOUNT, "currency_code": Text(3),
        "reason_code": _REASON, "create_reason_code": Text(100), "date": T, "customer_notes": Text(2000), "line_items": _LINES, **_COMMENT,
        **CUSTOM}, writes.create_credit_note),
    ("promotional_credits", "add"): Operation(_PROMOTION, writes.change_promotional_credits("add")),
    ("promotional_credits", "deduct"): Operation(_PROMOTION, writes.change_promotional_credits("deduct")),
    ("promotional_credits", "set"): Operation(_PROMOTION, writes.change_promotional_credits("set")),
    ("comments", ""): Operation({
        "entity_type*": choice("customer subscription invoice quote credit_note transaction plan addon coupon order item_family item item_price "
                               "plan_item_price addon_item_price charge_item_price"),
        "entity_id*": Text(100), "notes*": S, "added_by": Text(100)}, parties.create_comment),
    ("orders", ""): Operation({"id": ID, "invoice_id*": ID, **_ORDER}, parties.create_order),
    ("quotes", "create_for_charge_items_and_charges"): Operation({
        "name": Text(100), "customer_id": ID, "po_number": Text(100), "notes": ANY, "expires_at": T, "currency_code": Text(3), "coupon": ANY,
        "coupon_ids": ANY, "billing_address": ANY, "shipping_address": ANY, "discounts": ANY, **_PRICED}, parties.create_quote),
}
ON_RECORD: Mapping[tuple[str, str], Operation] = {
    ("customers", ""): Operation(_CUSTOMER, parties.update_customer),
    ("customers", "update_billing_info"): Operation(
        {"billing_address": _ADDRESS, "vat_number": Text(20), "vat_number_prefix": ANY, "registered_for_gst": B, "entity_identifiers": ANY,
         "tax_providers_fields": ANY, "business_customer_without_vat_number": ANY, "is_einvoice_enabled": ANY}, parties.update_billing_info),
    ("customers", "delete"): Operation({"delete_payment_method": B}, parties.delete_customer),
    ("customers", "add_contact"): Operation({"contact": _CONTACT}, parties.add_contact),
    ("customers", "update_contact"): Operation({"contact": _CONTACT}, parties.update_contact),
    ("customers", "delete_contact"): Operation({"contact": Shape({"id": ID})}, parties.delete_contact),
    ("customers", "relationships"): Operation({"parent_id": ID, "payment_owner_id": ID, "invoice_owner_id": ID, "parent_account_access": ANY,
                                               "child_account_access": ANY, "use_default_hierarchy_settings": ANY}, parties.relate),
    ("customers", "delete_relationship"): Operation({}, parties.unrelate),
    ("customers", "subscription_for_items"): Operation({"id": ID, **_SUBSCRIPTION}, subscriptions.create_subscription),
    ("item_families", ""): Operation(_optional(_FAMILY), subscriptions.update_entry("item_families")),
    ("item_families", "delete"): Operation({}, subscriptions.delete_entry("item_families")),
    ("items", ""): Operation(_optional(_ITEM), subscriptions.update_entry("items")),
    ("items", "delete"): Operation({}, subscriptions.delete_entry("items")),
    ("item_prices", ""): Operation(_optional(_PRICE), subscriptions.update_entry("item_prices")),
    ("item_prices", "delete"): Operation({}, subscriptions.delete_entry("item_prices")),
    ("coupons", "update_for_items"): Operation(_optional(_COUPON), subscriptions.update_entry("coupons")),
    ("coupons", "delete"): Operation({}, subscriptions.delete_entry("coupons")),
    ("subscriptions", "update_for_items"): Operation({
        **_SUBSCRIPTION, "replace_items_list": B, "replace_coupon_list": ANY, "prorate": ANY, "end_of_term": B, "force_term_reset": ANY,
        "reactivate": B, "change_option": choice("immediately end_of_term specific_date"), "changes_scheduled_at": T, "reactivate_from": ANY,
        "invoice_usages": ANY}, subscriptions.update_subscription),
    ("subscriptions", "remove_scheduled_changes"): Operation({}, subscriptions.remove_scheduled),
    ("subscriptions", "remove_scheduled_cancellation"): Operation(
        {"billing_cycles": ANY, "contract_term": ANY, "contract_term_billing_cycle_on_renewal": ANY}, subscriptions.remove_scheduled_cancellation),
    ("subscriptions", "cancel_for_items"): Operation({
        "cancel_option": choice("immediately end_of_term specific_date end_of_billing_term"), "end_of_term": B, "cancel_at": T,
        "credit_option_for_current_term_charges": choice("none prorate full consumption_based"),
        "unbilled_charges_option": choice("invoice delete"), "account_receivables_handling": ANY, "refundable_credits_handling": ANY,
        "contract_term_cancel_option": ANY, "invoice_date": ANY, "cancel_reason_code": Text(100), "decommissioned": ANY,
        "subscription_items": ANY, "include_cancellation_day_in_billing": ANY}, subscriptions.cancel),
    ("subscriptions", "reactivate"): Operation({name: ANY for name in (
        "trial_end", "billing_cycles", "trial_period_days", "reactivate_from", "invoice_immediately", "billing_alignment_mode", "terms_to_charge",
        "invoice_date", "contract_term_billing_cycle_on_renewal", "payment_initiator", "contract_term", "statement_descriptor",
        "payment_intent")}, subscriptions.reactivate),
    ("subscriptions", "pause"): Operation({
        "pause_option": choice("immediately end_of_term specific_date billing_cycles"), "pause_date": T, "resume_date": T,
        "unbilled_charges_handling": ANY, "invoice_dunning_handling": ANY, "skip_billing_cycles": ANY}, subscriptions.pause),
    ("subscriptions", "resume"): Operation({
        "resume_option": choice("immediately specific_date"), "resume_date": T, "charges_handling": ANY, "unpaid_invoices_handling": ANY,
        "payment_initiator": ANY, "payment_intent": ANY}, subscriptions.resume),
    ("subscriptions", "change_term_end"): Operation({"term_ends_at*": T, "prorate": ANY, "invoice_immediately": ANY}, subscriptions.change_term_end),
    ("subscriptions", "delete"): Operation({}, subscriptions.delete_subscription),
    ("subscriptions", "usages"): Operation({
        "id": Text(100), "item_price_id*": _SLUG, "quantity*": Text(33), "usage_date*": T, "dedupe_option": choice("skip update_existing"),
        "note": Text(500)}, subscriptions.create_usage),
    ("subscriptions", "delete_usage"): Operation({"id*": Text(100)}, subscriptions.delete_usage),
    ("invoices", "record_payment"): Operation({"transaction": _TRANSACTION, **_COMMENT}, writes.record_payment),
    ("invoices", "collect_payment"): Operation({"amount": AMOUNT, "authorization_transaction_id": ANY, "payment_source_id": ANY,
                                                "payment_initiator": ANY, **_COMMENT}, writes.collect_payment),
    ("invoices", "void"): Operation({"void_reason_code": Text(100), **_COMMENT}, writes.void_invoice),
    ("invoices", "write_off"): Operation(_COMMENT, writes.write_off_invoice),
    ("invoices", "apply_credits"): Operation({"credit_notes": Rows({"id*": ID}), **_COMMENT}, writes.apply_credits),
    ("invoices", "refund"): Operation({"refund_amount": AMOUNT, "customer_notes": Text(2000), **_COMMENT,
                                       "credit_note": Shape({"reason_code": _REASON, "create_reason_code": Text(100)})}, writes.refund_invoice),
    ("invoices", "record_refund"): Operation({"transaction": _TRANSACTION, "customer_notes": Text(2000), **_COMMENT,
                                              "credit_note": Shape({"reason_code": _REASON, "create_reason_code": Text(100)})},
                                             writes.record_invoice_refund),
    ("invoices", "delete"): Operation({"claim_credits": ANY, **_COMMENT}, writes.delete_invoice),
    ("invoices", "update_details"): Operation({
        "vat_number": Text(20), "vat_number_prefix": ANY, "po_number": Text(100), "billing_address": _ADDRESS, "shipping_address": ANY,
        "statement_descriptor": ANY, **_COMMENT, **CUSTOM}, writes.update_invoice),
    ("credit_notes", "refund"): Operation({"refund_amount": AMOUNT, "customer_notes": Text(2000), "refund_reason_code": Text(100)},
                                          writes.refund_credit_note),
    ("credit_notes", "record_refund"): Operation({"transaction": _TRANSACTION, "refund_reason_code": Text(100), **_COMMENT},
                                                 writes.record_credit_note_refund),
    ("credit_notes", "void"): Operation(_COMMENT, writes.void_credit_note),
    ("credit_notes", "delete"): Operation(_COMMENT, writes.delete_credit_note),
    ("credit_notes", "update"): Operation({**_COMMENT, **CUSTOM}, writes.update_credit_note),
    ("transactions", "refund"): Operation({"amount": AMOUNT, **_COMMENT}, writes.refund_transaction),
    ("transactions", "record_refund"): Operation({"amount": AMOUNT, "payment_method": _METHOD, "date": T, "reference_number": Text(100),
                                                  "custom_payment_method_id": ANY, **_COMMENT}, writes.record_transaction_refund),
    ("transactions", "delete_offline_transaction"): Operation(_COMMENT, writes.delete_offline_transaction),
    ("comments", "delete"): Operation({}, parties.delete_comment),
    ("orders", ""): Operation({**_ORDER, "shipping_date": T, "order_date": T, "shipped_at": T, "delivered_at": T, "cancelled_at": T,
                               "shipment_carrier": Text(50), "cancellation_reason": S, "shipping_address": ANY, "order_line_items": ANY},
                              parties.update_order),
    ("orders", "cancel"): Operation({"cancellation_reason*": S, "customer_notes": ANY, "cancelled_at": T, "credit_note": ANY, **_COMMENT},
                                    parties.cancel_order),
    ("orders", "delete"): Operation({}, parties.delete_order),
    ("quotes", "update_status"): Operation({"status*": choice("open accepted declined invoiced closed pending_approval approval_rejected "
                                                              "proposed voided expired"), **_COMMENT}, parties.update_quote_status),
    ("quotes", "delete"): Operation(_COMMENT, parties.delete_quote),
}
