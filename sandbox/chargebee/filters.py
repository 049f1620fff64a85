"""Lists: which filters, orders and switches each one takes, the page that they select, and the opaque offset to the next.

What does not belong here: how records are shown (shapes).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from sandbox.chargebee.params import wrong
from sandbox.chargebee.site import BORN, Site
from sandbox.protocol import Record

DEFAULT_LIMIT, MOST = 10, 100
Test = Callable[[Any], bool]

# operators by kind of field; a trailing ? in a list's table adds is_present
_OPERATORS = {
    "text": frozenset(("is", "is_not", "starts_with", "in", "not_in")), "word": frozenset(("is", "is_not", "in", "not_in")),
    "time": frozenset(("after", "before", "on", "between")),
    "number": frozenset(("is", "is_not", "lt", "lte", "gt", "gte", "between")), "flag": frozenset(("is",)), "prices": frozenset(("is", "in")),
}
_DAY = 86_400


@dataclass(frozen=True)
class Listed:
    """How a collection is listed. `fields`: filterable field -> kind; `sorts`: fields of sort_by; `params`: plain parameters."""

    fields: Mapping[str, str]
    sorts: tuple[str, ...] = ()
    order: str = "created_at"  # without sort_by
    has_deleted: bool = False
    params: frozenset[str] = frozenset()
    card: bool = field(default=False)


def _fields(text: str) -> dict[str, str]:
    """`text: a b? | time: c` -> field to kind, the ? kept with the kind."""
    found = {}
    for part in text.split("|"):
        kind, _, names = part.strip().partition(":")
        for name in names.split():
            found[name.rstrip("?")] = kind.strip() + ("?" if name.endswith("?") else "")
    return found


LISTS: Mapping[str, Listed] = {
    "customers": Listed(_fields(
        "text: id first_name? last_name? email? company? phone? business_entity_id relationship[parent_id] relationship[payment_owner_id] "
        "relationship[invoice_owner_id] | word: auto_collection taxability offline_payment_method channel | "
        "time: created_at updated_at | flag: auto_close_invoices"), ("created_at", "updated_at"), has_deleted=True),
    "item_families": Listed(_fields("text: id name business_entity_id? | time: updated_at | flag: include_site_level_resources"),
                            order="_seq"),
    "items": Listed(_fields(
        "text: id item_family_id name business_entity_id? | word: type item_applicability status usage_calculation channel "
        "bundle_configuration[type] | time: updated_at | flag: is_giftable enabled_for_checkout enabled_in_portal metered "
        "include_site_level_resources"), ("name", "id", "updated_at"), order="_seq"),
    "item_prices": Listed(_fields(
        "text: id name item_id item_family_id currency_code price_variant_id business_entity_id? | word: pricing_model item_type "
        "trial_period_unit status period_unit channel | number: trial_period period | time: updated_at | flag: include_site_level_resources"),
        ("name", "id", "updated_at"), order="_seq"),
    "attached_items": Listed(_fields("text: id item_id | word: type item_type charge_on_event | time: updated_at"), order="_seq"),
    "coupons": Listed(_fields("text: id name currency_code | word: discount_type duration_type status apply_on | time: created_at updated_at | "
                              "prices: applicable_item_price_ids"),
                      ("created_at",)),
    "subscriptions": Listed(_fields(
        "text: id customer_id item_id item_price_id plan_id cancel_reason_code business_entity_id | word: status cancel_reason? "
        "offline_payment_method channel | number: remaining_billing_cycles? | time: created_at activated_at? next_billing_at cancelled_at "
        "updated_at | flag: has_scheduled_changes auto_close_invoices override_relationship decommissioned"),
        ("created_at", "updated_at"), has_deleted=True),
    "contract_terms": Listed({}, ("created_at",)),
    "invoices": Listed(_fields(
        "text: id subscription_id? customer_id payment_owner void_reason_code | word: status price_type dunning_status? channel "
        "einvoice[status] | number: total amount_paid amount_adjusted credits_applied amount_due | time: date paid_at updated_at voided_at | "
        "flag: recurring"), ("date", "updated_at"), order="date", has_deleted=True, params=frozenset({"paid_on_after"})),
    "credit_notes": Listed(_fields(
        "text: id customer_id subscription_id? reference_invoice_id? create_reason_code | word: type reason_code status price_type channel "
        "einvoice[status] | number: total amount_allocated amount_refunded amount_available | time: date voided_at updated_at"),
        ("date",), order="date", has_deleted=True),
    "transactions": Listed(_fields(
        "text: id customer_id? subscription_id? payment_source_id? gateway_account_id? id_at_gateway? reference_number? | "
        "word: payment_method gateway type status | number: amount amount_capturable | time: date updated_at"),
        ("date", "updated_at"), order="date", has_deleted=True),
    "payment_sources": Listed(_fields("text: customer_id | word: type status | time: updated_at created_at"), ("created_at", "updated_at"),
                              has_deleted=True, params=frozenset({"subscription_id"})),
    "usages": Listed(_fields("text: id subscription_id item_price_id invoice_id? | word: source | time: usage_date updated_at"),
                     ("usage_date", "updated_at"), order="usage_date"),
    "unbilled_charges": Listed(_fields("text: subscription_id? customer_id?"), order="_seq", has_deleted=True,
                               params=frozenset({"is_voided"})),
    "promotional_credits": Listed(_fields("text: id customer_id | word: type | time: created_at")),
    "orders": Listed(_fields(
        "text: id invoice_id subscription_id original_order_id | word: status order_type resent_status | "
        "time: shipping_date shipped_at order_date paid_on updated_at created_at | flag: is_resent"),
        ("created_at", "updated_at"), has_deleted=True, params=frozenset({"exclude_deleted_credit_notes"})),
    "quotes": Listed(_fields("text: id customer_id subscription_id? | word: status | time: date updated_at"), ("date",), order="date",
                     has_deleted=True),
    "comments": Listed(_fields("time: created_at"), ("created_at",), params=frozenset({"entity_type", "entity_id"})),
    "events": Listed(_fields("text: id | word: webhook_status event_type source | time: occurred_at"), ("occurred_at",), order="occurred_at",
                     params=frozenset({"start_time", "end_time"})),
    "disputes": Listed(_fields("text: id transaction_id customer_id | word: status type | time: created_at"), order="created_at"),
    "currencies": Listed({}, order="_seq"),
}
_NEWEST_FIRST = frozenset(("events", "comments"))
# equality filters that an index serves: each is selective enough to be worth one
_INDEXED = ("id", "customer_id", "subscription_id", "reference_invoice_id", "invoice_id", "item_id")


@dataclass(frozen=True)
class Query:
    """A list request, checked: tests of fields, the order, the inclusive bounds of the order's field, and where to go on."""

    kind: str
    by: str
    descending: bool
    limit: int
    tests: tuple[tuple[str, Test], ...]
    low: int | None
    high: int | None
    after: tuple[Any, int] | None
    ids: list[str] | None
    include_deleted: bool


def parse(site: Site, kind: str, pairs: Iterable[tuple[str, str]]) -> Query:
    """Raises ChargebeeError for anything that the list does not take."""
    listed = LISTS[kind]
    limit, offset, include_deleted = DEFAULT_LIMIT, "", False
    by, descending = listed.order, kind in _NEWEST_FIRST
    tests: list[tuple[str, Test]] = []
    bounds: dict[str, list[int | None]] = {}
    ids: list[str] | None = None
    for name, value in pairs:
        if name == "limit":
            if not value.isdigit() or not 1 <= int(value) <= MOST:
                raise wrong("limit", f"must be between 1 and {MOST}")
            limit = int(value)
        elif name == "offset":
            if len(value) > 1000:
                raise wrong("offset", "cannot exceed 1000 characters")
            offset = value
        elif name == "include_deleted":  # clients send it to every list; those without deleted rows pass over it
            include_deleted = _flag(name, value) and listed.has_deleted
        elif name in ("sort_by[asc]", "sort_by[desc]"):
            if value not in listed.sorts:
                known = f"allowed values are {', '.join(listed.sorts)}" if listed.sorts else "this list cannot be sorted"
                raise wrong("sort_by", f"invalid value '{value}', {known}")
            by, descending = value, name == "sort_by[desc]"
        elif name in listed.params:
            tests += _plain(name, value, kind)
        else:
            field_name, operator, kind_of = _split(name, listed)
            test, low, high, wanted = _test(name, operator, kind_of.rstrip("?"), value)
            tests.append((field_name, test))
            bound = bounds.setdefault(field_name, [None, None])
            if low is not None:
                bound[0] = low if bound[0] is None else max(bound[0], low)
            if high is not None:
                bound[1] = high if bound[1] is None else min(bound[1], high)
            if wanted is not None and field_name in _INDEXED and not (kind == "subscriptions" and field_name == "item_id"):  # held by its items
                found = wanted if field_name == "id" else [id for one in wanted for id in site.bucket(kind, field_name, one)]
                ids = found if ids is None else [id for id in ids if id in set(found)]
    low, high = bounds.get(by, [None, None])
    return Query(kind, by, descending, limit, tuple(tests), low, high, _place(offset, by), ids, include_deleted)


def _split(name: str, listed: Listed) -> tuple[str, str, str]:
    """`field[op]` or `outer[inner][op]` -> field, operator, kind."""
    match = re.fullmatch(r"(.+)\[(\w+)\]", name)
    if match is None or match[1] not in listed.fields:
        head = match[1] if match else name
        raise wrong(head, "is not a filter of this list")
    kind = listed.fields[match[1]]
    allowed = _OPERATORS[kind.rstrip("?")]
    if match[2] not in allowed and not (match[2] == "is_present" and kind.endswith("?")):
        raise wrong(match[1], f"the operator '{match[2]}' is not supported; supported are {', '.join(sorted(allowed))}")
    return match[1], match[2], kind


def _plain(name: str, value: str, kind: str) -> list[tuple[str, Test]]:
    if name in ("entity_type", "entity_id", "subscription_id"):
        return [(name, lambda found: found == value)]
    if name in ("is_voided", "exclude_deleted_credit_notes"):
        wanted = _flag(name, value)
        return [(name, lambda found: bool(found) == wanted)] if name == "is_voided" else []
    moment = _whole(name, value)
    if name == "end_time":
        return [(BORN[kind], lambda found: found is not None and found <= moment)]
    return [("paid_at" if name == "paid_on_after" else BORN[kind], lambda found: found is not None and found >= moment)]


def _test(name: str, operator: str, kind: str, value: str) -> tuple[Test, int | None, int | None, list[str] | None]:
    """The test of a field's value, the inclusive bounds that it implies, and the values of an equality."""
    if operator == "is_present":
        wanted = _flag(name, value)
        return (lambda found: (found is not None) == wanted), None, None, None
    if operator in ("in", "not_in"):
        texts = [str(one) for one in array(name, value)]
        chosen = frozenset(texts)
        if operator == "in":
            return (lambda found: found is not None and str(found) in chosen), None, None, texts
        return (lambda found: found is None or str(found) not in chosen), None, None, None
    if operator == "between":
        ends = array(name, value)
        if len(ends) != 2:
            raise wrong(name, "needs an array of two values")
        low, high = (_whole(name, str(end)) for end in ends)
        return (lambda found: found is not None and low <= found <= high), low, high, None
    if kind == "flag":
        is_set = _flag(name, value)
        return (lambda found: bool(found) == is_set), None, None, None
    if kind in ("text", "word", "prices"):
        if value == "":
            raise wrong(name, "cannot be blank")
        if operator == "is":
            return (lambda found: found is not None and str(found) == value), None, None, [value]
        if operator == "is_not":
            return (lambda found: found is None or str(found) != value), None, None, None
        return (lambda found: found is not None and str(found).lower().startswith(value.lower())), None, None, None
    number = _whole(name, value)
    if operator == "on":
        start = number - number % _DAY
        return (lambda found: found is not None and start <= found < start + _DAY), start, start + _DAY - 1, None
    if operator in ("after", "gt"):
        return (lambda found: found is not None and found > number), number + 1, None, None
    if operator in ("before", "lt"):
        return (lambda found: found is not None and found < number), None, number - 1, None
    if operator == "gte":
        return (lambda found: found is not None and found >= number), number, None, None
    if operator == "lte":
        return (lambda found: found is not None and found <= number), None, number, None
    if operator == "is":
        return (lambda found: found is not None and found == number), number, number, None
    return (lambda found: found is None or found != number), None, None, None


def array(name: str, value: str) -> list[Any]:
    """One array as text, in JSON or with single quotes, as a client writes it."""
    try:
        found = orjson.loads(value)
    except orjson.JSONDecodeError:
        try:
            found = ast.literal_eval(value)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            raise wrong(name, "should be a JSON array") from None
    if not isinstance(found, list) or not found or not all(isinstance(one, str | int) for one in found):
        raise wrong(name, "should be a JSON array of values")
    return found


def _flag(name: str, value: str) -> bool:
    if value.lower() not in ("true", "false"):
        raise wrong(name, "should be either true or false")
    return value.lower() == "true"


def _whole(name: str, value: str) -> int:
    if not re.fullmatch(r"-?\d{1,18}", value):
        raise wrong(name, "should be a valid integer")
    return int(value)


def _place(offset: str, by: str) -> tuple[Any, int] | None:
    """Where an offset points to. Times are shown in milliseconds, as in the vendor's own tokens."""
    if not offset:
        return None
    try:
        value, seq = orjson.loads(offset)
        if by in ("name", "id"):
            return str(value), int(seq)
        number = int(value)
        return (number // 1000 if number >= 0 else -1), int(seq)
    except (orjson.JSONDecodeError, ValueError, TypeError):
        raise wrong("offset", "is not an offset of this list") from None


def _token(value: Any, seq: int) -> str:
    shown = value if isinstance(value, str) else str(value * 1000) if value >= 0 else "-1"
    return orjson.dumps([shown, str(seq)]).decode()


def _found(record: Record, name: str) -> Any:
    """A field by its name in a filter: `outer[inner]` looks inside; an item of a subscription by its prices."""
    if "[" in name:
        outer, inner = name.rstrip("]").split("[")
        return (record.get(outer) or {}).get(inner)
    return record.get(name)


def select(site: Site, query: Query) -> tuple[list[Record], str | None]:
    """The records of the page, and the offset of the next one."""
    rows: list[Record] = []
    horizon = site.now() - site.list_lag if site.list_lag else None
    last: tuple[Any, int] | None = None
    with site.store.lock:
        for entry, record in site.walk(query.kind, query.by, descending=query.descending, after=query.after, low=query.low, high=query.high,
                                       ids=query.ids):
            if record.get("deleted") and not query.include_deleted and LISTS[query.kind].has_deleted:
                continue
            if horizon is not None and (record.get("resource_version") or 0) // 1000 > horizon:
                continue  # lists show a change late
            if not all(_passes(site, query.kind, record, name, test) for name, test in query.tests):
                continue
            if len(rows) == query.limit:
                assert last is not None
                return rows, _token(*last)
            rows.append(record)
            last = entry[:2]
    return rows, None


def _passes(site: Site, kind: str, record: Record, name: str, test: Test) -> bool:
    if kind == "subscriptions" and name in ("item_price_id", "item_id", "plan_id"):
        prices = [item["item_price_id"] for item in record.get("subscription_items", ())]
        if name == "item_id":
            prices = [price["item_id"] for id in prices if (price := site.get("item_prices", id)) is not None]
        return any(test(price) for price in prices)
    if name == "applicable_item_price_ids":
        return any(test(price["id"]) for price in site.store.collection("item_prices").values() if _applies(record, price))
    return test(_found(record, name))


def _applies(coupon: Record, price: Record) -> bool:
    """Whether a coupon may be used for an item price: one on the whole invoice for each, else what its constraints say."""
    if coupon.get("apply_on") == "invoice_amount":
        return True
    for constraint in coupon.get("item_constraints", ()):
        if constraint.get("item_type") == price.get("item_type"):
            kind = constraint.get("constraint")
            return kind == "all" or (kind == "specific" and price["id"] in (constraint.get("item_price_ids") or ()))
    return False
