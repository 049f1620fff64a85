"""The stand-in for one Stripe account: authentication, versions, parameters, lists, idempotency and routing of its API.

What does not belong here: payload shapes (shapes), what a write changes (writes), the world's rows (world).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import itertools
import re
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import orjson

from sandbox.protocol import Clock, Record, Request, Response, Store, Vendor, json_response
from sandbox.stripe import agreements, metering, search, world, writes
from sandbox.stripe.account import EVENT_WINDOW, NOUN, Account
from sandbox.stripe.operations import ACTIONS, CREATES, CREDIT_NOTE, DELETES, INDEXED, LISTS, STORED, WRITTEN_ONLY
from sandbox.stripe.params import (
    EXPAND,
    PAGE,
    Choice,
    Metadata,
    N,
    Range,
    S,
    StripeError,
    Text,
    Whole,
    decode,
    invalid,
    missing,
    typed,
)
from sandbox.stripe.shapes import (
    OBJECT,
    credit_note_line,
    expand,
    invoice_line,
    is_basil,
    line_id,
    listing,
    render,
    subscription_item,
)
from sandbox.stripe.writes import Call
from sandbox.world.model import View

_DAY = 86_400
COUNTED_EXACTLY = 10_000  # a search total is a figure to trust only up to here
NEWEST_VERSION = "2026-10-28.endive"
_TRAINS = ("acacia", "basil", "clover", "dahlia", "endive")
_FIRST_TRAIN = "2024-09-30"


@dataclass(frozen=True)
class Settings:
    """Credentials and limits of the account.

    `restricted_keys`: key -> {resource: "read" | "write"}, with "*" for every resource. `default_version` is the account's own,
    in which events are rendered. `requests_per_second`: None lifts the limit; the vendor's figure is 100 live and 25 in a sandbox.
    `lock_timeout_seconds`: how long a write waits for another before it is answered with lock_timeout.
    """

    api_key: str = "sk_test_concord"
    restricted_keys: Mapping[str, Mapping[str, str]] = field(default_factory=lambda: {"rk_test_concord_read": {"*": "read"}})
    default_version: str = "2023-08-16"
    webhook_secret: str = "whsec_concord_sandbox"
    requests_per_second: int | None = 100
    most_in_flight: int = 100
    lock_timeout_seconds: float = 10.0
    search_lag_seconds: int = 60
    idempotency_seconds: int = _DAY


def sign(payload: bytes, secret: str, t: int) -> str:
    """The `Stripe-Signature` header of a webhook with this body, sent at unix time `t`."""
    digest = hmac.new(secret.encode(), str(t).encode() + b"." + payload, hashlib.sha256).hexdigest()
    return f"t={t},v1={digest}"


def create(store: Store, clock: Clock, **settings: Any) -> Vendor:
    return Stripe(store, clock, Settings(**settings))


def _within(value: int | None, bound: Any) -> bool:
    if value is None:
        return False
    if isinstance(bound, int):
        return value == bound
    return all({"gt": value > limit, "gte": value >= limit, "lt": value < limit, "lte": value <= limit}[sign]
               for sign, limit in bound.items())


def _bounds(created: Any) -> tuple[int | None, int | None]:
    """A `created` filter as inclusive bounds."""
    if created is None:
        return None, None
    if isinstance(created, int):
        return created, created
    lows = [created["gte"]] if "gte" in created else []
    highs = [created["lte"]] if "lte" in created else []
    lows += [created["gt"] + 1] if "gt" in created else []
    highs += [created["lt"] - 1] if "lt" in created else []
    return (max(lows) if lows else None), (min(highs) if highs else None)


def _addressed(path: str) -> tuple[str, list[str]]:
    """The kind of object that a path is of, and the steps behind it; some kinds have a name of two steps. "" where it is no path of v1."""
    steps = path.strip("/").split("/")
    if steps[0] != "v1" or len(steps) < 2:
        return "", []
    length = 2 if steps[1] in ("billing", "test_helpers") else 1
    return "/".join(steps[1: 1 + length]), steps[1 + length:]


class Stripe:
    """One account. GETs take no lock; writes run one after another under the store's lock."""

    name = "stripe"

    def __init__(self, store: Store, clock: Clock, settings: Settings) -> None:
        self.store, self.clock, self.settings = store, clock, settings
        self.account = Account(store, clock, settings.default_version, webhook_secret=settings.webhook_secret)
        self._request_number = itertools.count(1)
        self._running: set[str] = set()
        self._gate = threading.Lock()
        self._recent: deque[float] = deque()

    # ---------------------------------------------------------------- the vendor's seam

    def load(self, view: View) -> None:
        with self.store.lock:
            self.account.forget_order()
            world.load(self.account, view)
            self.account.forget_order()

    def apply(self, view: View) -> None:
        with self.store.lock:
            world.apply(self.account, view)

    def expire_tokens(self) -> None:
        """Stripe hands out no tokens: its keys live until they are rolled, so there is nothing to expire."""

    def rate_limited(self, request: Request) -> Response:
        """Too many requests: a write to one object is told that the object is locked, everything else that the rate is exceeded."""
        is_object_write = request.method in ("POST", "DELETE") and len(request.path.strip("/").split("/")) > 2
        return self._refusal(request, self._locked() if is_object_write else self._too_many("global-rate"), self._request_id())

    def unavailable(self, request: Request) -> Response:
        return self._refusal(request, StripeError("An unknown error occurred", status=500, type="api_error"), self._request_id())

    def handle(self, request: Request) -> Response:
        request_id = self._request_id()
        try:
            self._pace(request)
            permissions = self._authenticate(request)
            version = self._version(request)
            headers = {"request-id": request_id, "stripe-version": version}
            if request.method == "GET":
                params = decode(request.query)
                return json_response(self._get(request.path, params, version, permissions), headers=headers, is_write=False)
            if request.method in ("POST", "DELETE"):
                return self._write(request, version, permissions, request_id, headers)
            raise StripeError(f"Unrecognized request URL ({request.method}: {request.path}). Please see https://stripe.com/docs or we can "
                              "help at https://support.stripe.com/.", status=404)
        except StripeError as refusal:
            return self._refusal(request, refusal, request_id)

    # ---------------------------------------------------------------- transport

    def _request_id(self) -> str:
        return "req_" + hashlib.blake2b(f"{id(self)}:{next(self._request_number)}".encode(), digest_size=7).hexdigest()

    def _refusal(self, request: Request, refusal: StripeError, request_id: str) -> Response:
        headers = {"request-id": request_id, "stripe-version": request.headers.get("stripe-version", self.settings.default_version),
                   **refusal.headers}
        if key := request.headers.get("idempotency-key"):
            headers["idempotency-key"] = key
        return json_response(refusal.body(request_id, "test/"), refusal.status, headers, is_write=request.method != "GET")

    @staticmethod
    def _too_many(reason: str) -> StripeError:
        return StripeError("Request rate limit exceeded. Learn more about rate limits in the documentation of this API.", status=429,
                           code="rate_limit", headers={"stripe-rate-limited-reason": reason}, is_validation=True)

    @staticmethod
    def _locked() -> StripeError:
        return StripeError("This object cannot be accessed right now because another API request or process is currently accessing it.",
                           status=429, code="lock_timeout", is_validation=True,
                           headers={"stripe-rate-limited-reason": "resource-specific", "stripe-should-retry": "true"})

    def _pace(self, request: Request) -> None:
        if request.in_flight > self.settings.most_in_flight:
            raise self._too_many("global-concurrency")
        rate = self.settings.requests_per_second
        if rate is None:
            return
        now = time.monotonic()  # a rate is a matter of real time, not of the world's clock
        with self._gate:
            while self._recent and self._recent[0] <= now - 1:
                self._recent.popleft()
            if len(self._recent) >= rate:
                raise self._too_many("global-rate")
            self._recent.append(now)

    def _authenticate(self, request: Request) -> Mapping[str, str]:
        """The permissions of the key: resource -> read or write."""
        scheme, _, rest = request.headers.get("authorization", "").partition(" ")
        key = rest.strip()
        if scheme.lower() == "basic":
            try:
                key = base64.b64decode(key, validate=True).decode().partition(":")[0]
            except (binascii.Error, UnicodeDecodeError):
                key = ""
        elif scheme.lower() != "bearer":
            key = ""
        if not key:
            raise StripeError(
                "You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth (e.g. "
                "'Authorization: Bearer YOUR_SECRET_KEY').", status=401, headers={"www-authenticate": 'Basic realm="Stripe"'})
        if key.startswith("pk_"):
            raise StripeError("This API call cannot be made with a publishable API key. Please use a secret API key.", status=403,
                              code="secret_key_required")
        if "stripe-account" in request.headers:
            raise StripeError(f"The provided key does not have access to account '{request.headers['stripe-account']}' (or that account "
                              "does not exist).", status=403, code="account_invalid")
        if hmac.compare_digest(key.encode(), self.settings.api_key.encode()):
            return {"*": "write"}
        if key in self.settings.restricted_keys:
            return self.settings.restricted_keys[key]
        kind = re.match(r"[a-z]{2}_(?:test|live)_", key)
        raise StripeError(f"Invalid API Key provided: {kind.group() if kind else ''}****{key[-4:]}", status=401,
                          headers={"www-authenticate": 'Basic realm="Stripe"'})

    @staticmethod
    def _permit(permissions: Mapping[str, str], resource: str, wanted: str) -> None:
        held = permissions.get(resource, permissions.get("*", ""))
        if held != "write" and held != wanted:
            raise StripeError(f"The provided key does not have the required permissions for this endpoint. Having the "
                              f"'{resource}_{wanted}' permission would allow this request to continue.", status=403,
                              is_validation=True)

    def _version(self, request: Request) -> str:
        version = request.headers.get("stripe-version") or self.settings.default_version
        match = re.fullmatch(r"(\d{4}-\d{2}-\d{2})(?:\.([a-z]+))?", version)
        if match is None or not "2011-01-01" <= match[1] <= NEWEST_VERSION[:10] or (match[1] >= _FIRST_TRAIN) != (match[2] in _TRAINS):
            raise StripeError(f"Invalid Stripe API version: {version}. You do not have permission to pass this version in the "
                              "`Stripe-Version` header, or it does not exist.", is_validation=True)
        return version

    def _unknown(self, method: str, path: str) -> StripeError:
        return StripeError(f"Unrecognized request URL ({method}: {path}). Please see https://stripe.com/docs or we can help at "
                           "https://support.stripe.com/.", status=404, is_validation=True)

    # ---------------------------------------------------------------- reads

    def _get(self, path: str, tree: dict[str, Any], version: str, permissions: Mapping[str, str]) -> Any:
        kind, rest = _addressed(path)
        if kind == "invoice_payments" and not is_basil(version):  # the endpoint came with basil
            raise self._unknown("GET", path)
        if kind not in LISTS and kind != "subscription_items":
            raise self._unknown("GET", path)
        self._permit(permissions, kind, "read")
        if kind == "subscription_items":
            return self._subscription_items(rest, tree, version)
        if not rest:
            return self._list(kind, tree, version)
        if rest == ["search"] and kind in search.FIELDS:
            return self._search(kind, tree, version)
        if kind == "credit_notes" and rest[0] == "preview" and len(rest) <= 2:
            return self._preview(rest, tree, version)
        if len(rest) == 1:
            params = typed(tree, EXPAND)
            shown = render(self.account, kind, self._one(kind, rest[0]), version)
            expand(self.account, shown, params.get("expand", ()), version)
            return shown
        return self._nested(kind, rest, tree, version, path)

    def _one(self, kind: str, id: str) -> Record:
        record = self.account.get(STORED.get(kind, kind), id)
        if record is None or (kind == "events" and record["created"] < self._events_since()) or (kind == "plans" and not record["recurring"]):
            raise missing(NOUN[kind], id)
        return record

    def _events_since(self) -> int:
        return int((self.clock.now() - EVENT_WINDOW).timestamp())

    def _list(self, kind: str, tree: dict[str, Any], version: str) -> Any:
        spec = LISTS[kind]
        params = typed(tree, {**PAGE, **spec.params})
        if "test_clock" in params and self.account.get("test_helpers/test_clocks", params["test_clock"]) is None:
            raise missing("test clock", params["test_clock"], "test_clock", 400)
        for name, other in spec.references.items():
            if name in params and self.account.get(other, params[name]) is None:
                raise missing(NOUN[other], params[name], name, 400)
        low, high = _bounds(params.get("created"))
        if kind == "events":
            low = max(low or 0, self._events_since())
        wanted = {field: params[name] for name, field in spec.equal.items() if name in params}
        if kind == "invoiceitems" and params.get("pending") is True:
            wanted.setdefault("invoice", None)
        by = next(((name, wanted[name]) for name in INDEXED if name in wanted), None)
        accepts = self._filter(kind, params)

        def matches(record: Record) -> bool:
            return all(record.get(name) == value for name, value in wanted.items()) and accepts(record)

        after, before = self._cursor(kind, params)
        rows = (record for record in self.account.walk(STORED.get(kind, kind), bounds=(low, high), after=after, before=before, by=by)
                if matches(record))
        limit = params.get("limit", 10)
        page = list(itertools.islice(rows, limit + 1))
        has_more = len(page) > limit
        page = page[:limit]
        if before is not None:
            page.reverse()
        shown = listing(f"/v1/{kind}", [render(self.account, kind, record, version) for record in page], has_more)
        self._expand_list(shown, params, version)
        return shown

    def _expand_list(self, shown: dict[str, Any], params: Mapping[str, Any], version: str) -> None:
        for path in params.get("expand", ()):
            if path.split(".")[0] != "data":
                raise invalid(f"This property cannot be expanded ({path}). You may want to try expanding 'data.{path}' instead.", "expand")
        expand(self.account, shown, params.get("expand", ()), version)

    def _cursor(self, kind: str, params: Mapping[str, Any]) -> tuple[str | None, str | None]:
        if "starting_after" in params and "ending_before" in params:
            raise invalid("You cannot parameterize starting_after and ending_before at the same time.", "starting_after")
        for name in ("starting_after", "ending_before"):
            id = params.get(name)
            if id is None:
                continue
            stored = STORED.get(kind, kind)
            record = self.account.get(stored, id)
            is_gone = record is None or (kind == "events" and record["created"] < self._events_since())
            if is_gone or not self.account.is_cursor(stored, id):
                raise missing(NOUN[kind], id, name, 400)
        return params.get("starting_after"), params.get("ending_before")

    def _filter(self, kind: str, params: Mapping[str, Any]) -> Callable[[Record], bool]:
        """The filters that are more than an equal field."""
        tests: list[Callable[[Record], bool]] = []
        if kind in ("customers", "subscriptions"):  # what lives on a test clock is listed for that clock alone
            clock = params.get("test_clock")
            tests.append(lambda record: self._clock_of(kind, record) == clock)
        if kind == "plans":
            tests.append(lambda record: bool(record["recurring"]))
        if kind == "payment_methods":
            tests.append(lambda record: record["customer"] is not None and params.get("allow_redisplay", "unspecified") == "unspecified")
        if kind == "subscriptions":
            status = params.get("status")
            if status is None:
                tests.append(lambda record: record["status"] not in ("canceled", "incomplete_expired"))
            elif status == "ended":
                tests.append(lambda record: record["status"] in ("canceled", "incomplete_expired"))
            elif status != "all":
                tests.append(lambda record: record["status"] == status)
            for name in ("price", "plan"):
                if name in params:
                    tests.append(lambda record, id=params[name]: any(item["price"] == id for item in record["_items"]))  # type: ignore[misc]
            for name in ("current_period_start", "current_period_end"):
                if name in params:
                    kept = name.removeprefix("current")
                    tests.append(lambda record, kept=kept, name=name: _within(record[kept], params[name]))  # type: ignore[misc]
            if params.get("automatic_tax", {}).get("enabled"):
                tests.append(lambda record: False)
        elif kind == "invoices" and "due_date" in params:
            tests.append(lambda record: _within(record["due_date"], params["due_date"]))
        elif kind == "products":
            if "ids" in params:
                ids = set(params["ids"])
                tests.append(lambda record: record["id"] in ids)
            if params.get("shippable") or "url" in params or params.get("type") == "good":
                tests.append(lambda record: False)
        elif kind == "prices":
            if "lookup_keys" in params:
                keys = set(params["lookup_keys"])
                tests.append(lambda record: record["lookup_key"] in keys)
            recurring = params.get("recurring")
            if recurring:
                tests.append(lambda record: bool(record["recurring"]) and "meter" not in recurring
                             and recurring.get("usage_type", "licensed") == "licensed"
                             and recurring.get("interval", record["recurring"]["interval"]) == record["recurring"]["interval"])
        elif kind == "payouts" and "arrival_date" in params:
            tests.append(lambda record: _within(record["arrival_date"], params["arrival_date"]))
        elif kind == "subscription_schedules":
            if "scheduled" in params:
                tests.append(lambda record: (record["status"] == "not_started") == params["scheduled"])
            for name in ("canceled_at", "completed_at", "released_at"):
                if name in params:
                    tests.append(lambda record, name=name: _within(record[name], params[name]))  # type: ignore[misc]
        elif kind == "invoiceitems" and "pending" in params:
            tests.append(lambda record: (record["invoice"] is None) == params["pending"])
        elif kind == "invoice_payments" and "payment" in params:
            tests.append(lambda record: record["_payment_intent"] == params["payment"].get("payment_intent", record["_payment_intent"])
                         and params["payment"]["type"] == "payment_intent")
        elif kind == "events":
            if "type" in params and "types" in params:
                raise invalid("You may only specify one of these parameters: type, types.", "types")
            if params.get("delivery_success") is False:
                tests.append(lambda record: False)
            if "types" in params:
                types = set(params["types"])
                tests.append(lambda record: record["type"] in types)
            elif "type" in params:
                wanted = params["type"]
                tests.append(lambda record: record["type"].startswith(wanted[:-1]) if wanted.endswith("*") else record["type"] == wanted)
        return lambda record: all(test(record) for test in tests)

    def _clock_of(self, kind: str, record: Record) -> str | None:
        owner = record if kind == "customers" else self.account.get("customers", record["customer"]) or {}
        return owner.get("_test_clock")

    def _search(self, kind: str, tree: dict[str, Any], version: str) -> Any:
        params = typed(tree, {"query*": S, "limit": Whole(1, 100), "page": S, **EXPAND})
        test = search.parse(kind, params["query"])
        known_until = self.account.now() - self.settings.search_lag_seconds
        # ids of one created second cannot cut a page: the page token counts rows
        offset = 0
        if "page" in params:
            try:
                offset = int(base64.urlsafe_b64decode(params["page"]).decode().removeprefix("row:"))
            except (ValueError, binascii.Error):
                raise invalid("The page token is not valid.", "page") from None
        limit = params.get("limit", 10)
        found = (record for record in self.account.walk(kind, bounds=(None, known_until)) if test(record))
        page = list(itertools.islice(found, offset, offset + limit + 1))
        has_more = len(page) > limit
        shown: dict[str, Any] = {
            "object": "search_result", "url": f"/v1/{kind}/search", "has_more": has_more,
            "data": [render(self.account, kind, record, version) for record in page[:limit]],
            "next_page": base64.urlsafe_b64encode(f"row:{offset + limit}".encode()).decode() if has_more else None,
        }
        paths = list(params.get("expand", ()))
        if "total_count" in paths:
            paths.remove("total_count")
            counted = sum(1 for record in list(self.store.collection(kind).values())
                          if not record.get("deleted") and record["created"] <= known_until and test(record))
            shown["total_count"] = min(counted, COUNTED_EXACTLY)
        self._expand_list(shown, {"expand": paths}, version)
        return shown

    def _nested(self, kind: str, rest: list[str], tree: dict[str, Any], version: str, path: str) -> Any:
        account, owner = self.account, self.account.get(kind, rest[0])
        known = {("invoices", "lines"), ("credit_notes", "lines"), ("customers", "balance_transactions"), ("customers", "subscriptions"),
                 ("customers", "tax_ids"), ("charges", "refunds"), ("customers", "payment_methods"), ("billing/meters", "event_summaries")}
        if (kind, rest[1]) not in known or len(rest) > 3 or (len(rest) == 3 and rest[1] not in ("balance_transactions", "tax_ids", "payment_methods")):
            raise self._unknown("GET", path)
        if owner is None or owner.get("deleted"):
            raise missing(NOUN[kind], rest[0], OBJECT[kind])
        url = f"/v1/{kind}/{rest[0]}/{rest[1]}"
        if kind == "invoices":
            lines = account.lines(owner["id"])
            return self._page_of(url, [line_id(owner, line[0]) for line in lines],
                                 lambda at: invoice_line(account, owner, lines[at], version), tree, "line item", version)
        if kind == "credit_notes":
            notes = owner["_lines"]
            return self._page_of(url, [line["id"] for line in notes], lambda at: credit_note_line(account, owner, notes[at], version), tree,
                                 "credit note line item", version)
        if kind == "billing/meters":
            own = {"customer*": S, "start_time*": N, "end_time*": N, "value_grouping_window": Choice(("day", "hour"))}
            params = typed(tree, {**own, **PAGE})
            if account.get("customers", params["customer"]) is None:
                raise missing("customer", params["customer"], "customer", 400)
            sums = metering.summaries(account, owner, params)
            paging = {name: value for name, value in tree.items() if name in PAGE}
            return self._page_of(url, [row["id"] for row in sums], lambda at: sums[at], paging, "meter event summary", version)
        if len(rest) == 3:
            params = typed(tree, EXPAND)
            child = rest[1] if rest[1] in ("tax_ids", "payment_methods") else "customer_balance_transactions"
            record = account.get(child, rest[2])
            if record is None or record["customer"] != owner["id"]:
                raise missing(NOUN[child], rest[2])
            shown = render(account, child, record, version)
            expand(account, shown, params.get("expand", ()), version)
            return shown
        child = {"balance_transactions": "customer_balance_transactions"}.get(rest[1], rest[1])
        rows = list(reversed(account.rows_by(child, OBJECT[kind], owner["id"])))
        if child == "subscriptions":
            rows = [row for row in rows if row["status"] not in ("canceled", "incomplete_expired")]
        extra: dict[str, Any] = {}
        if child == "payment_methods":
            extra = {"type": S, "allow_redisplay": Choice(("always", "limited", "unspecified"))}
            rows = [row for row in rows if typed(tree, {**PAGE, **extra}).get("type", row["type"]) == row["type"]]
        if child == "customer_balance_transactions":
            extra = {"created": Range(), "invoice": S}
            params = typed(tree, {**PAGE, **extra})
            rows = [row for row in rows if _within(row["created"], params.get("created", {}))
                    and params.get("invoice", row["invoice"]) == row["invoice"]]
        return self._page_of(url, [row["id"] for row in rows], lambda at: render(account, child, rows[at], version), tree,
                             NOUN[child], version, extra)

    def _page_of(
        self, url: str, ids: list[str], show: Callable[[int], Any], tree: dict[str, Any], noun: str, version: str,
        extra: Mapping[str, Any] | None = None,
    ) -> Any:
        """A page of a short list whose order is its own."""
        params = typed(tree, {**PAGE, **(extra or {})})
        if "starting_after" in params and "ending_before" in params:
            raise invalid("You cannot parameterize starting_after and ending_before at the same time.", "starting_after")
        start, end, limit = 0, len(ids), params.get("limit", 10)
        for name in ("starting_after", "ending_before"):
            if name in params and params[name] not in ids:
                raise missing(noun, params[name], name, 400)
        if "starting_after" in params:
            start = ids.index(params["starting_after"]) + 1
        if "ending_before" in params:
            end = ids.index(params["ending_before"])
            start, has_more = max(0, end - limit), end > limit
        else:
            has_more = end - start > limit
            end = min(end, start + limit)
        shown = listing(url, [show(at) for at in range(start, end)], has_more)
        self._expand_list(shown, params, version)
        return shown

    def _subscription_items(self, rest: list[str], tree: dict[str, Any], version: str) -> Any:
        account = self.account
        if len(rest) == 1:
            params = typed(tree, EXPAND)
            for record in list(self.store.collection("subscriptions").values()):
                for item in record["_items"]:
                    if item["id"] == rest[0]:
                        shown = subscription_item(account, record, item, version)
                        expand(account, shown, params.get("expand", ()), version)
                        return shown
            raise missing("subscription_item", rest[0])
        if rest:
            raise self._unknown("GET", "/v1/subscription_items/" + "/".join(rest))
        id = typed(tree, {"subscription*": S, **PAGE})["subscription"]
        owner = account.get("subscriptions", id)
        if owner is None:
            raise missing("subscription", id, "subscription", 400)
        items = owner["_items"]
        return self._page_of(f"/v1/subscription_items?subscription={id}", [item["id"] for item in items],
                             lambda at: subscription_item(account, owner, items[at], version), tree, "subscription_item", version,
                             {"subscription": S})

    def _preview(self, rest: list[str], tree: dict[str, Any], version: str) -> Any:
        is_lines = rest[1:] == ["lines"]
        if rest[1:] and not is_lines:
            raise self._unknown("GET", "/v1/credit_notes/" + "/".join(rest))
        paging = {name: tree.pop(name) for name in ("limit", "starting_after", "ending_before") if is_lines and name in tree}
        params = typed(tree, CREDIT_NOTE)
        with self.store.lock:
            record = writes.preview_credit_note(self.account, params, is_basil=is_basil(version))
        if not is_lines:
            return render(self.account, "credit_notes", record, version)
        lines = record["_lines"]
        return self._page_of("/v1/credit_notes/preview/lines", [line["id"] for line in lines],
                             lambda at: credit_note_line(self.account, record, lines[at], version), paging, "credit note line item", version)

    # ---------------------------------------------------------------- writes

    def _form(self, request: Request) -> list[tuple[str, str]]:
        if not request.body:
            return list(request.query)
        content = request.headers.get("content-type", "").split(";")[0].strip().lower()
        if content != "application/x-www-form-urlencoded":
            raise StripeError(f"Invalid request (check that your POST content type is application/x-www-form-urlencoded). If you have any "
                              f"questions, we can help at https://support.stripe.com/. (It was '{content}'.)", is_validation=True)
        try:
            return [*request.query, *request.form()]
        except (UnicodeDecodeError, ValueError):
            raise invalid("The request body is not a valid form.") from None

    def _write(self, request: Request, version: str, permissions: Mapping[str, str], request_id: str, headers: dict[str, str]) -> Response:
        pairs = self._form(request)
        key = request.headers.get("idempotency-key") if request.method == "POST" else None
        if key is None:
            with self._exclusively():
                _, shown = self._perform(request, pairs, version, permissions, Call(self.account, request_id))
            return json_response(shown, headers=headers)
        if not 0 < len(key) <= 255:
            raise invalid("Idempotency keys must be 1 to 255 characters long.")
        with self._gate:
            if key in self._running:
                raise StripeError("There is currently another in-progress request using this idempotency key (that probably means you "
                                  "submitted twice, and the other request is still going through). Please try again later.", status=409,
                                  type="idempotency_error", code="idempotency_key_in_use")
            self._running.add(key)
        try:
            with self._exclusively():
                return self._once(request, pairs, version, permissions, Call(self.account, request_id, key), headers)
        finally:
            with self._gate:
                self._running.discard(key)

    @contextmanager
    def _exclusively(self) -> Iterator[None]:
        if not self.store.lock.acquire(timeout=self.settings.lock_timeout_seconds):
            raise self._locked()
        try:
            yield
        finally:
            self.store.lock.release()

    def _once(
        self, request: Request, pairs: list[tuple[str, str]], version: str, permissions: Mapping[str, str], call: Call,
        headers: dict[str, str],
    ) -> Response:
        """Answer a keyed request: again as before within the window, else by doing it and keeping the answer."""
        key = cast(str, call.idempotency_key)
        print_ = hashlib.sha256(orjson.dumps([version, sorted(pairs)])).hexdigest()
        kept = self.store.get("_idempotency", key)
        headers = {**headers, "idempotency-key": key}
        if kept is not None and kept["at"] + self.settings.idempotency_seconds > self.account.now():
            if kept["path"] != request.path:
                raise StripeError("Keys for idempotent requests can only be used for the same endpoint they were first used for "
                                  f"('{kept['path']}'). Try using a key other than '{key}' if you meant to execute a different request.",
                                  type="idempotency_error")
            if kept["print"] != print_:
                raise StripeError("Keys for idempotent requests can only be used with the same parameters they were first used with. Try "
                                  f"using a key other than '{key}' if you meant to execute a different request.", type="idempotency_error")
            replay = {**headers, "idempotent-replayed": "true", "original-request": kept["request"]}
            return Response(kept["status"], kept["body"].encode(), {"content-type": "application/json; charset=utf-8", **replay})
        status = 200
        try:
            _, shown = self._perform(request, pairs, version, permissions, call)
        except StripeError as refusal:
            if refusal.is_validation or (refusal.status == 404 and not refusal.code):
                raise  # execution never began: the key stays free
            status, shown = refusal.status, refusal.body(call.request_id, "test/")
        body = orjson.dumps(shown)
        self.store.put("_idempotency", key, {"at": self.account.now(), "path": request.path, "print": print_, "status": status,
                                             "body": body.decode(), "request": call.request_id})
        return Response(status, body, {"content-type": "application/json; charset=utf-8", **headers})

    def _perform(
        self, request: Request, pairs: list[tuple[str, str]], version: str, permissions: Mapping[str, str], call: Call,
    ) -> tuple[str, Any]:
        """Do one write. Returns the kind and the JSON of the answer."""
        method, (kind, rest) = request.method, _addressed(request.path)
        if len(rest) > 3 or kind not in (*LISTS, *WRITTEN_ONLY):
            raise self._unknown(method, request.path)
        tree = decode(pairs)
        self._permit(permissions, kind, "write")
        if kind == "customers" and rest[1:2] == ["balance_transactions"] and method == "POST" and len(rest) <= 3:
            return self._balance_transaction(rest, tree, version, call)
        if kind == "customers" and rest[1:2] == ["tax_ids"] and (method, len(rest)) in (("POST", 2), ("DELETE", 3)):
            return self._tax_id(rest, tree, version, call)
        if method == "POST" and not rest:
            if kind == "credit_notes":
                params = typed(tree, CREDIT_NOTE)
                record = writes.create_credit_note(call, params, is_basil=is_basil(version))
            elif kind in CREATES:
                schema, create_one = CREATES[kind]
                params = typed(tree, schema)
                record = create_one(call, params)
            else:
                raise self._unknown(method, request.path)
        elif method == "POST" and (kind, rest[1] if len(rest) == 2 else "") in ACTIONS and len(rest) <= 2:
            action = ACTIONS[(kind, rest[1] if len(rest) == 2 else "")]
            params = typed(tree, action.params)
            record = action.run(call, self._changeable(kind, rest[0]), params)
        elif method == "DELETE" and len(rest) == 1 and kind in DELETES:
            schema, delete = DELETES[kind]
            params = typed(tree, schema)
            record = delete(call, self._changeable(kind, rest[0]), params)
        else:
            raise self._unknown(method, request.path)
        shown = render(self.account, kind, record, version)
        expand(self.account, shown, params.get("expand", ()), version)
        return kind, shown

    def _changeable(self, kind: str, id: str) -> Record:
        record = self.account.live(STORED.get(kind, kind), id)
        if record is None:
            raise missing(NOUN[kind], id)
        return record

    def _tax_id(self, rest: list[str], tree: dict[str, Any], version: str, call: Call) -> tuple[str, Any]:
        customer = self._changeable("customers", rest[0])
        if len(rest) == 2:
            record = agreements.create_tax_id(call, customer, typed(tree, {"type*": S, "value*": S, **EXPAND}))
            return "tax_ids", render(self.account, "tax_ids", record, version)
        typed(tree, {})
        held = self.account.live("tax_ids", rest[2])
        if held is None or held["customer"] != customer["id"]:
            raise missing(NOUN["tax_ids"], rest[2])
        gone = agreements.delete_tax_id(call, held)
        return "tax_ids", render(self.account, "tax_ids", gone, version)

    def _balance_transaction(self, rest: list[str], tree: dict[str, Any], version: str, call: Call) -> tuple[str, Any]:
        customer, kind = self._changeable("customers", rest[0]), "customer_balance_transactions"
        if len(rest) == 2:
            params = typed(tree, {"amount*": N, "currency*": Text(3), "description": S, "metadata": Metadata(), **EXPAND})
            record = writes.create_balance_transaction(call, customer, params)
        else:
            params = typed(tree, {"description": S, "metadata": Metadata(), **EXPAND})
            kept = self.account.get(kind, rest[2])
            if kept is None or kept["customer"] != customer["id"]:
                raise missing("customer_balance_transaction", rest[2])
            metadata = writes.merged_metadata(kept["metadata"], params.get("metadata", {}))
            _, record = self.account.change(kind, kept["id"], description=params.get("description", kept["description"]),
                                            metadata=metadata)
        shown = render(self.account, kind, record, version)
        expand(self.account, shown, params.get("expand", ()), version)
        return kind, shown


def webhooks(vendor: Stripe, since: int, t: int) -> Iterator[tuple[bytes, str]]:
    """Body and signature header of each event since a unix time, oldest first, as an endpoint would be sent them at `t`."""
    account = vendor.account
    for record in reversed(list(account.walk("events", bounds=(since, None)))):
        body = orjson.dumps(render(account, "events", record, record["api_version"]))
        yield body, sign(body, vendor.settings.webhook_secret, t)
