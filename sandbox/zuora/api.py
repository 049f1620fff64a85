"""The stand-in for one Zuora tenant: login, limits, idempotency and routing of its API.

What does not belong here: the records and their sums (tenant), what each family reads (objectquery, rest, zoql, jobs) or writes
(memos, subscribing), and the world's rows (world).
"""

from __future__ import annotations

import base64
import csv
import hmac
import io
import re
import secrets
import time
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import orjson

from sandbox.protocol import Clock, Record, Request, Response, Store, Vendor, json_response
from sandbox.world.model import View
from sandbox.zuora import memos, objectquery, rest, subscribing, world, zoql
from sandbox.zuora.answers import (
    GENERAL,
    INVALID,
    LIMIT,
    MALFORMED,
    METHOD,
    MISSING,
    NOT_FOUND,
    PERMISSION,
    RULE,
    CrudRefusal,
    QueryFault,
    Refusal,
    crud_failure,
    failure,
    refused,
    success,
    unauthorised,
)
from sandbox.zuora.callouts import Callouts
from sandbox.zuora.ids import native_id
from sandbox.zuora.jobs import Jobs
from sandbox.zuora.objects import BY_ZOQL, KINDS
from sandbox.zuora.tenant import Tenant

_LOCATOR_IDLE = timedelta(minutes=15)
_BATCH = 2000
_KEY_LENGTH = 255
_KEY_LIFE = timedelta(hours=24)
_VERSION = re.compile(r"\d{3}(\.\d+)?|\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True)
class Settings:
    """Credentials, features and limits of the tenant.

    `forbidden`: paths of objects that the API user may not see. `moves_stamps`: whether a change that an application makes to a
    balance counts as a change of the invoice and account. `requests_per_minute`, `_hour`, `_day`: 0 lifts the limit.
    """

    client_id: str = "5f0e7a52-3c1d-4b8e-9a46-c0c07d200011"
    client_secret: str = "zuora-sandbox-secret"
    access_key_id: str = "concord@zuora.example"
    secret_access_key: str = "zuora-sandbox-password"
    time_zone: str = "America/Los_Angeles"
    token_seconds: int = 3598
    invoice_settlement: bool = True
    orders: bool = True
    forbidden: frozenset[str] = frozenset()
    moves_stamps: bool = True
    requests_per_minute: int = 50_000
    requests_per_hour: int = 2_250_000
    requests_per_day: int = 27_000_000
    concurrency: int = 40
    query_concurrency: int = 80
    job_seconds: float = 0.2
    most_jobs: int = 50
    aqua_partners: frozenset[str] = frozenset({"concord"})
    aqua_segment_rows: int = 250_000
    aqua_ragged: bool = False


def create(store: Store, clock: Clock, **settings: Any) -> Vendor:
    for name in ("forbidden", "aqua_partners"):
        if name in settings:
            settings[name] = frozenset(settings[name])
    return Zuora(store, clock, Settings(**settings))


@dataclass
class _Located:
    """The rest of a query's rows. `used_at`: it dies when it is left alone."""

    query: zoql.Query
    rows: list[list[Any]]
    size: int
    used_at: Any


class Zuora:
    name = "zuora"

    def __init__(self, store: Store, clock: Clock, settings: Settings) -> None:
        self.store, self.clock, self.settings = store, clock, settings
        self._account = Tenant(store, clock, settings.time_zone, moves_stamps=settings.moves_stamps)
        self._jobs = Jobs(self._account, seconds=settings.job_seconds, partners=settings.aqua_partners, segment_rows=settings.aqua_segment_rows,
                          ragged=settings.aqua_ragged, most_jobs=settings.most_jobs, settlement=settings.invoice_settlement)
        self.callouts = Callouts(self._account)
        self._tokens: dict[str, float] = {}
        self._locators: dict[str, _Located] = {}
        self._calls: deque[float] = deque()
        self._keys_running: set[str] = set()
        self._routes = [(method, re.compile(pattern), serve) for method, pattern, serve in self._table()]

    # ---------------------------------------------------------------- the protocol

    def load(self, view: View) -> None:
        self._account._cache.clear()
        self._account.on_change = None
        world.load(self._account, view)
        self._account._cache.clear()
        self._account.on_change = self.callouts.note

    def apply(self, view: View) -> None:
        world.apply(self._account, view)

    def expire_tokens(self) -> None:
        self._tokens.clear()

    def rate_limited(self, request: Request) -> Response:
        return self._limited(60)

    def unavailable(self, request: Request) -> Response:
        if _family(request.path) == "query":
            return json_response({"reasons": [{"code": "50000060", "message": "Unexpected error"}], "requestId": str(uuid.uuid4())}, 500)
        return failure(60, "Unexpected error", status=500)

    def handle(self, request: Request) -> Response:
        """Answer, with the headers that every answer carries."""
        response = self._limits(request) or self._handle(request)
        headers = {"Zuora-Request-Id": str(uuid.uuid4()), **self._quota(request), **response.headers}
        if (track := request.headers.get("zuora-track-id")) is not None:
            headers["Zuora-Track-Id"] = track[:64]
        if response.status == 200 and request.method in ("GET", "HEAD"):
            response.is_write = False
        return Response(response.status, response.body, headers, response.is_write)

    def _handle(self, request: Request) -> Response:
        path, family = request.path, _family(request.path)
        if path == "/oauth/token":
            return self._token(request)
        if path.startswith("/data-query-files/"):
            return self._jobs.presigned(request)
        if not self._may_enter(request):
            return unauthorised(family)
        version = request.headers.get("zuora-version")
        if version is not None and not _VERSION.fullmatch(version):
            return refused(Refusal(INVALID, f"The API version '{version}' is not supported.", status=400), family)
        key = request.headers.get("idempotency-key")
        try:
            if key is not None and request.method in ("POST", "PATCH"):
                return self._once(request, key)
            return self._serve(request)
        except Refusal as refusal:
            return refused(refusal, family)

    # ---------------------------------------------------------------- login

    def _token(self, request: Request) -> Response:
        if request.method != "POST":
            return json_response({"message": "Method Not Allowed"}, 405, is_write=False)
        if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            return json_response({"message": "Unsupported Media Type"}, 415, is_write=False)
        form = dict(request.form())
        if form.get("grant_type") != "client_credentials":
            return json_response({"error": "unsupported_grant_type", "reason": "grant_type must be client_credentials"}, 400, is_write=False)
        if not (hmac.compare_digest(form.get("client_id", ""), self.settings.client_id)
                and hmac.compare_digest(form.get("client_secret", ""), self.settings.client_secret)):
            return json_response({"error": "invalid_client", "reason": "Invalid client id or secret"}, 401, is_write=False)
        token = secrets.token_hex(16)
        self._tokens[token] = self.clock.now().timestamp() + self.settings.token_seconds
        return json_response({
            "access_token": token, "token_type": "bearer", "expires_in": self.settings.token_seconds,
            "scope": f"user.{native_id('user', 'integration')} entity.{native_id('entity', 1)} tenant.19 service.usage.read",
            "jti": secrets.token_hex(16)}, is_write=False)

    def _may_enter(self, request: Request) -> bool:
        settings, header = self.settings, request.headers.get("authorization", "")
        kind, _, value = header.partition(" ")
        if kind.lower() == "bearer":
            return self._tokens.get(value.strip(), 0.0) > self.clock.now().timestamp()
        if kind.lower() == "basic":
            try:
                pair = base64.b64decode(value, validate=True).decode()
            except ValueError:
                return False
            return hmac.compare_digest(pair.encode(), f"{settings.access_key_id}:{settings.secret_access_key}".encode())
        return hmac.compare_digest(request.headers.get("apiaccesskeyid", ""), settings.access_key_id) and hmac.compare_digest(
            request.headers.get("apisecretaccesskey", ""), settings.secret_access_key)

    # ---------------------------------------------------------------- limits

    def _windows(self) -> tuple[tuple[int, int], ...]:
        settings = self.settings
        return ((settings.requests_per_minute, 60), (settings.requests_per_hour, 3600), (settings.requests_per_day, 86_400))

    def _limits(self, request: Request) -> Response | None:
        most, type = (self.settings.query_concurrency, "ObjectQuery") if request.path.startswith("/object-query") else (
            self.settings.concurrency, "Default")
        if request.in_flight > most:
            return failure(LIMIT, "The number of concurrent requests exceeds the limit", status=429, headers={
                "Concurrency-Limit-Type": type, "Concurrency-Limit-Limit": str(most), "Concurrency-Limit-Remaining": "0", "Retry-After": "1"})
        now = time.monotonic()
        while self._calls and now - self._calls[0] > 60:
            self._calls.popleft()
        most_a_minute = self.settings.requests_per_minute
        if most_a_minute and len(self._calls) >= most_a_minute:
            return self._limited(max(1, int(60 - (now - self._calls[0])) + 1))
        self._calls.append(now)
        return None

    def _limited(self, seconds: int) -> Response:
        return failure(LIMIT, "Request exceeded limit", status=429, headers={
            "ratelimit-limit": self._told_limit(), "ratelimit-remaining": "0", "ratelimit-reset": str(seconds), "Retry-After": str(seconds)})

    def _told_limit(self) -> str:
        return f"{self.settings.requests_per_hour}, " + ", ".join(f"{most};w={seconds}" for most, seconds in self._windows())

    def _quota(self, request: Request) -> dict[str, str]:
        most, type = (self.settings.query_concurrency, "ObjectQuery") if request.path.startswith("/object-query") else (
            self.settings.concurrency, "Default")
        return {
            "ratelimit-limit": self._told_limit(), "ratelimit-remaining": str(max(0, (self.settings.requests_per_minute or 10**6) - len(self._calls))),
            "ratelimit-reset": "60", "Concurrency-Limit-Type": type, "Concurrency-Limit-Limit": str(most),
            "Concurrency-Limit-Remaining": str(max(0, most - request.in_flight))}

    # ---------------------------------------------------------------- idempotency

    def _once(self, request: Request, key: str) -> Response:
        if not key or len(key) >= _KEY_LENGTH:
            raise Refusal(INVALID, f"The idempotency key must have fewer than {_KEY_LENGTH} characters.", status=400)
        kept = self.store.get("_idempotency", key)
        now = self.clock.now()
        if kept is not None and now.timestamp() - kept["at"] < _KEY_LIFE.total_seconds():
            if (kept["method"], kept["path"]) != (request.method, request.path):
                return json_response({"message": "The idempotency key was used for another URL or method."}, 422, is_write=False)
            return Response(kept["status"], kept["body"].encode(), dict(kept["headers"]), False)
        if key in self._keys_running:
            return json_response({"message": "A request with this idempotency key is still in progress."}, 409, is_write=False)
        self._keys_running.add(key)
        try:
            try:
                response = self._serve(request)
            except Refusal as refusal:
                response = refused(refusal, _family(request.path))
            self.store.put("_idempotency", key, {
                "method": request.method, "path": request.path, "status": response.status, "body": response.body.decode("utf-8", "replace"),
                "headers": response.headers, "at": now.timestamp()})
            return response
        finally:
            self._keys_running.discard(key)

    # ---------------------------------------------------------------- routing

    def _serve(self, request: Request) -> Response:
        allowed = set()
        for method, pattern, serve in self._routes:
            match = pattern.fullmatch(request.path)
            if match is None:
                continue
            if method != request.method:
                allowed.add(method)
                continue
            body = self._body(request)
            try:
                if request.method == "GET":
                    return serve(request, match, body)
                with self.store.lock:
                    return serve(request, match, body)
            except CrudRefusal as refusal:
                return crud_failure(refusal.code, refusal.message, refusal.status)
            except QueryFault as fault:
                return json_response({"faultcode": fault.code, "faultstring": fault.message}, 400, is_write=False)
        if allowed:
            raise Refusal(METHOD, f"{request.method} is not supported.", status=405, headers={"Allow": ", ".join(sorted(allowed))})
        raise Refusal(NOT_FOUND, f"Cannot find the resource {request.path}.", status=404)

    def _body(self, request: Request) -> Any:
        if request.method not in ("POST", "PUT", "PATCH") or not request.body:
            return None
        type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if request.path == "/v1/usage":
            return None
        if type != "application/json":
            raise Refusal(INVALID, f"The media type '{type}' is not supported.", status=415)
        try:
            body = request.json()
        except orjson.JSONDecodeError:
            raise Refusal(MALFORMED, "The request body is not valid JSON.", status=400) from None
        if any(ord(letter) > 0xFFFF for letter in request.body.decode("utf-8", "replace")):
            raise Refusal(INVALID, "Characters of four bytes are not supported.")
        return body

    def _table(self) -> list[tuple[str, str, Callable[[Request, re.Match[str], Any], Response]]]:
        tenant, jobs = self._account, self._jobs
        key = r"([^/]+)"

        def shown(kind: str, act: Callable[..., Record]) -> Callable[[Request, re.Match[str], Any], Response]:
            """A write on `kind` by key and body, answered with the record as the family shows it."""
            def serve(request: Request, match: re.Match[str], body: Any) -> Response:
                record = act(tenant, *match.groups(), *([body] if "body" in act.__code__.co_varnames[: act.__code__.co_argcount] else []))
                return success(rest.document(tenant, kind, record))
            return serve

        def gone(act: Callable[..., Any]) -> Callable[[Request, re.Match[str], Any], Response]:
            def serve(request: Request, match: re.Match[str], body: Any) -> Response:
                act(tenant, match[1])
                return success()
            return serve

        def got(kind: str, show: Callable[[Tenant, Record], Record]) -> Callable[[Request, re.Match[str], Any], Response]:
            return lambda request, match, body: success(show(tenant, rest.needed(tenant, kind, match[1])))

        def listed(kind: str) -> Callable[[Request, re.Match[str], Any], Response]:
            return lambda request, match, body: success(rest.listing(tenant, kind, request))

        memo = rf"/v1/(?:credit-memos|creditmemos)/{key}"
        routes: list[tuple[str, str, Callable[[Request, re.Match[str], Any], Response]]] = [
            ("GET", r"/object-query/([a-z-]+)", self._query), ("GET", rf"/object-query/([a-z-]+)/{key}", self._query_one),
            ("POST", "/v1/action/query", self._zoql), ("POST", "/v1/action/queryMore", self._zoql_more),
            ("POST", "/v1/action/(create|update|delete)",
             lambda request, match, body: json_response(subscribing.act(tenant, match[1], body))),
            ("POST", "/query/jobs", lambda request, match, body: _reading(jobs.submit_query(body, request.base_url))),
            ("GET", "/query/jobs", lambda request, match, body: jobs.list_queries(request)),
            ("GET", rf"/query/jobs/{key}", lambda request, match, body: jobs.query_state(match[1], request.base_url)),
            ("DELETE", rf"/query/jobs/{key}", lambda request, match, body: _reading(jobs.cancel_query(match[1]))),
            ("POST", "/v1/batch-query/?", lambda request, match, body: _reading(jobs.submit_batch(body))),
            ("GET", rf"/v1/batch-query/jobs/{key}", lambda request, match, body: jobs.batch_state(match[1])),
            ("DELETE", rf"/v1/batch-query/jobs/{key}", lambda request, match, body: _reading(jobs.stop_batch(match[1]))),
            ("GET", rf"/v1/files?/{key}", lambda request, match, body: jobs.file(match[1])),
            ("POST", "/v1/object/export", lambda request, match, body: _reading(jobs.submit_export(body))),
            ("GET", rf"/v1/object/export/{key}", lambda request, match, body: jobs.export_state(match[1]) or _no_record()),
            ("POST", "/v1/object/usage", lambda request, match, body: json_response({"Id": subscribing.create_usage(tenant, body)["id"], "Success": True})),
            ("POST", "/v1/usage", self._usage_file),
            ("POST", rf"/v1/object/{key}", self._crud_create), ("GET", rf"/v1/object/{key}/{key}", self._crud_read),
            ("PUT", rf"/v1/object/{key}/{key}", self._crud_update), ("DELETE", rf"/v1/object/{key}/{key}", self._crud_delete),
            ("GET", rf"/v1/describe/{key}", self._describe),
            ("GET", rf"/v1/accounts/{key}", got("accounts", rest.account)), ("GET", rf"/v1/accounts/{key}/summary", got("accounts", rest.account_summary)),
            ("PUT", rf"/v1/accounts/{key}", lambda request, match, body: success({"id": subscribing.update_account(tenant, match[1], body)["id"]})),
            ("POST", "/v1/accounts", self._create_account), ("DELETE", rf"/v1/accounts/{key}", self._delete_account),
            ("GET", rf"/v1/contacts/{key}", got("contacts", lambda held, record: rest.contact(held, record) or {})),
            ("PUT", rf"/v1/contacts/{key}", lambda request, match, body: success(rest.contact(tenant, subscribing.update_contact(tenant, match[1], body)))),
            ("POST", "/v1/contacts", lambda request, match, body: success(rest.contact(tenant, subscribing.create_contact(tenant, body)))),
            ("GET", rf"/v1/subscriptions/accounts/{key}", self._subscriptions_of),
            ("GET", rf"/v1/subscriptions/{key}", got("subscriptions", rest.subscription)),
            ("GET", rf"/v1/subscriptions/{key}/versions/(\d+)", self._subscription_version),
            ("PUT", rf"/v1/subscriptions/{key}/(cancel|renew|suspend|resume)", self._act_on_subscription),
            ("PUT", rf"/v1/subscriptions/{key}", lambda request, match, body: success({
                "subscriptionId": subscribing.update_subscription(tenant, match[1], body)["id"]})),
            ("POST", "/v1/orders", self._create_order), ("GET", "/v1/orders", self._orders),
            ("GET", rf"/v1/orders/{key}", lambda request, match, body: success({"order": rest.order(tenant, rest.needed(tenant, "orders", match[1]))})),
            ("GET", rf"/v1/invoices/{key}", got("invoices", lambda held, record: rest.document(held, "invoices", record))),
            ("GET", rf"/v1/invoices/{key}/items", self._invoice_items),
            ("POST", rf"/v1/(?:credit-memos|creditmemos)/invoice/{key}", shown("credit-memos", memos.credit_from_invoice)),
            ("POST", rf"/v1/invoices/{key}/(?:credit-memos|creditmemos)", shown("credit-memos", memos.credit_from_invoice)),
            ("POST", "/v1/(?:credit-memos|creditmemos)", shown("credit-memos", memos.credit_from_charges)),
            ("GET", "/v1/(?:credit-memos|creditmemos)", listed("credit-memos")),
            ("GET", memo, got("credit-memos", lambda held, record: rest.document(held, "credit-memos", record))),
            ("GET", memo + "/items", self._memo_rows("credit-memos", "credit-memo-items", "creditMemoId", "items")),
            ("GET", memo + "/parts", self._memo_rows("credit-memos", "credit-memo-parts", "creditMemoId", "parts")),
            ("PUT", memo, shown("credit-memos", memos.update_memo)), ("DELETE", memo, gone(memos.delete_memo)),
            ("PUT", memo + "/post", shown("credit-memos", memos.post_memo)), ("PUT", memo + "/unpost", shown("credit-memos", memos.unpost_memo)),
            ("PUT", memo + "/cancel", shown("credit-memos", memos.cancel_memo)), ("PUT", memo + "/apply", shown("credit-memos", memos.apply_memo)),
            ("PUT", memo + "/unapply", shown("credit-memos", memos.unapply_memo)), ("PUT", memo + "/reverse", shown("credit-memos", memos.reverse_memo)),
            ("PUT", memo + "/write-off", shown("credit-memos", memos.write_off_memo)),
            ("POST", memo + "/refunds?", shown("refunds", memos.refund_memo)),
            ("GET", "/v1/(?:debit-memos|debitmemos)", listed("debit-memos")),
            ("GET", rf"/v1/(?:debit-memos|debitmemos)/{key}", got("debit-memos", lambda held, record: rest.document(held, "debit-memos", record))),
            ("GET", rf"/v1/(?:debit-memos|debitmemos)/{key}/items", self._memo_rows("debit-memos", "debit-memo-items", "debitMemoId", "items")),
            ("GET", "/v1/payments", listed("payments")), ("POST", "/v1/payments", shown("payments", memos.create_payment)),
            ("GET", rf"/v1/payments/{key}", got("payments", lambda held, record: rest.document(held, "payments", record))),
            ("PUT", rf"/v1/payments/{key}/apply", shown("payments", memos.apply_payment)),
            ("POST", rf"/v1/payments/{key}/refunds", self._refund_payment(unapply=False)),
            ("POST", rf"/v1/payments/{key}/refunds/unapply", self._refund_payment(unapply=True)),
            ("POST", rf"/v1/gateway-settlement/payments/{key}/chargeback", shown("refunds", memos.chargeback)),
            ("GET", "/v1/refunds", listed("refunds")),
            ("GET", rf"/v1/refunds/{key}", got("refunds", lambda held, record: rest.document(held, "refunds", record))),
            ("PUT", rf"/v1/refunds/{key}/cancel", shown("refunds", memos.cancel_refund)),
            ("PUT", rf"/v1/refunds/{key}", shown("refunds", memos.update_refund)),
            ("GET", "/v1/billing-documents", lambda request, match, body: success(rest.billing_documents(tenant, request))),
            ("GET", "/v1/catalog/products", lambda request, match, body: success(rest.paged(
                request, "products", sorted(tenant.records("products"), key=lambda row: row["productNumber"]),
                lambda record: rest.catalogue_product(tenant, record)))),
            ("GET", rf"/v1/catalog/product/{key}", got("products", rest.catalogue_product)),
            ("GET", rf"/v1/rateplan/{key}/productRatePlan", self._plans_of_product),
            ("POST", "/notifications/notification-definitions", lambda request, match, body: json_response(self.callouts.define(body))),
            ("GET", "/notifications/notification-definitions", lambda request, match, body: json_response({"data": self.callouts.definitions()})),
            ("GET", rf"/notifications/notification-definitions/{key}",
             lambda request, match, body: json_response(self.callouts.definition(match[1]))),
            ("GET", "/v1/notification-history/callout", lambda request, match, body: success(rest.paged(
                request, "calloutHistories", self.callouts.listed(), lambda record: record))),
            ("POST", "/notifications/callout-histories/resend", lambda request, match, body: json_response(
                {"resent": self.callouts.resend([str(id) for id in body or []])})),
            ("GET", rf"/v1/usage/accounts/{key}", self._usage_of), ("GET", rf"/v1/operations/jobs/{key}", self._operation),
        ]
        return routes

    # ---------------------------------------------------------------- object query

    def _kind(self, path: str) -> Any:
        kind = KINDS.get(path)
        if kind is None:
            raise Refusal(NOT_FOUND, f"Cannot find the resource {path}.", status=404)
        self._permit(path)
        return kind

    def _permit(self, path: str) -> None:
        kind, settings = KINDS[path], self.settings
        if path in settings.forbidden:
            raise Refusal(PERMISSION, f"You do not have permission to read {path}.", status=403)
        if kind.settlement and not settings.invoice_settlement:
            raise Refusal(RULE, "Invoice Settlement is not enabled for this tenant.", status=403)
        if kind.orders and not settings.orders:
            raise Refusal(RULE, "Orders is not enabled for this tenant.", status=403)

    def _query(self, request: Request, match: re.Match[str], body: Any) -> Response:
        return json_response(objectquery.query(self._account, self._kind(match[1]), request))

    def _query_one(self, request: Request, match: re.Match[str], body: Any) -> Response:
        return json_response(objectquery.one(self._account, self._kind(match[1]), match[2], request))

    # ---------------------------------------------------------------- ZOQL

    def _zoql(self, request: Request, match: re.Match[str], body: Any) -> Response:
        if not isinstance(body, dict) or not isinstance(body.get("queryString"), str):
            raise QueryFault("fns:MALFORMED_QUERY", "queryString is required.")
        size = (body.get("conf") or {}).get("batchSize", _BATCH)
        if not isinstance(size, int) or isinstance(size, bool) or size < 1:
            raise QueryFault("fns:INVALID_VALUE", "batchSize must be a positive number.")
        query = zoql.parse(self._account, body["queryString"])
        if query.kind.path in self.settings.forbidden:
            raise QueryFault("fns:INVALID_TYPE", f"invalid type: {query.kind.zoql}")
        rows = [values for _, values in zoql.run(self._account, query)]
        hidden = sum(1 for id, entry in self.store.collection("_hidden").items() if entry["kind"] == query.kind.path
                     and (record := self._account.get(query.kind.path, id)) is not None and query.fits(self._account, record))
        self._locators = {name: held for name, held in self._locators.items() if self.clock.now() - held.used_at < _LOCATOR_IDLE}
        return self._batch(query, rows, len(rows) + hidden, min(size, _BATCH))

    def _zoql_more(self, request: Request, match: re.Match[str], body: Any) -> Response:
        locator = body.get("queryLocator") if isinstance(body, dict) else None
        held = self._locators.get(locator) if isinstance(locator, str) else None
        if held is None or self.clock.now() - held.used_at >= _LOCATOR_IDLE:
            raise QueryFault("fns:INVALID_QUERY_LOCATOR", "The query locator is invalid or has expired.")
        size = (body.get("conf") or {}).get("batchSize", _BATCH)
        return self._batch(held.query, held.rows, held.size, min(int(size), _BATCH))

    def _batch(self, query: zoql.Query, rows: list[list[Any]], size: int, batch: int) -> Response:
        answer: Record = {"size": size, "records": [zoql.as_record(query, values) for values in rows[:batch]], "done": len(rows) <= batch}
        if len(rows) > batch:
            locator = f"{native_id('other', f'locator:{secrets.token_hex(8)}')}-{batch}"
            self._locators[locator] = _Located(query, rows[batch:], size, self.clock.now())
            answer["queryLocator"] = locator
        return json_response(answer, is_write=False)

    # ---------------------------------------------------------------- CRUD

    def _crud_create(self, request: Request, match: re.Match[str], body: Any) -> Response:
        record = subscribing.crud_create(self._account, subscribing.kind_of(match[1]), body)
        return json_response({"Success": True, "Id": record["id"]})

    def _crud_read(self, request: Request, match: re.Match[str], body: Any) -> Response:
        kind = subscribing.kind_of(match[1])
        record = self._account.get(kind.path, match[2])
        if record is None:
            return _no_record()
        shown = subscribing.crud_record(self._account, kind, record)
        if (wanted := request.param("fields")) is not None:
            names = {name.strip() for name in wanted.split(",")}
            shown = {name: value for name, value in shown.items() if name in names}
        return json_response(shown)

    def _crud_update(self, request: Request, match: re.Match[str], body: Any) -> Response:
        kind = subscribing.kind_of(match[1])
        if self._account.get(kind.path, match[2]) is None:
            return _no_record()
        return json_response({"Success": True, "Id": subscribing.crud_update(self._account, kind, match[2], body)["id"]})

    def _crud_delete(self, request: Request, match: re.Match[str], body: Any) -> Response:
        kind = subscribing.kind_of(match[1])
        if self._account.get(kind.path, match[2]) is None:
            return _no_record()
        subscribing.crud_delete(self._account, kind, match[2])
        return json_response({"id": match[2], "success": True})

    def _describe(self, request: Request, match: re.Match[str], body: Any) -> Response:
        kind = BY_ZOQL.get(match[1])
        if kind is None:
            raise Refusal(NOT_FOUND, f"Cannot find the object {match[1]}.", status=404)
        return Response(200, rest.described(self._account, kind, request.base_url), {"content-type": "application/xml; charset=utf-8"})

    # ---------------------------------------------------------------- accounts, subscriptions, orders

    def _create_account(self, request: Request, match: re.Match[str], body: Any) -> Response:
        account = subscribing.create_account(self._account, body)
        return success({"accountId": account["id"], "accountNumber": account["accountNumber"], "billToContactId": account["billToId"],
                        "soldToContactId": account["soldToId"]})

    def _delete_account(self, request: Request, match: re.Match[str], body: Any) -> Response:
        account = subscribing.delete_account(self._account, match[1])
        job = native_id("job", f"delete:{account['id']}")
        self.store.put("_operations", job, {"objectType": "Account", "objectIds": [account["id"]]})
        return success({"id": account["id"], "jobId": job, "jobStatus": "Pending"})

    def _operation(self, request: Request, match: re.Match[str], body: Any) -> Response:
        held = self.store.get("_operations", match[1])
        if held is None:
            raise Refusal(NOT_FOUND, f"Cannot find a job by id: '{match[1]}'.")
        return success({"id": match[1], "operationType": "Delete", "status": "Completed", "progress": 100, **held})

    def _subscriptions_of(self, request: Request, match: re.Match[str], body: Any) -> Response:
        tenant = self._account
        detail = request.param("charge-detail", "last-segment")
        if detail not in ("last-segment", "current-segment", "all-segments", "specific-segment"):
            raise Refusal(INVALID, "'charge-detail' value should be one of: last-segment, current-segment, all-segments, specific-segment")
        account = rest.needed(tenant, "accounts", match[1])
        rows = [row for row in tenant.rows_by("subscriptions", "accountId", account["id"]) if row.get("isLatestVersion")]
        rows.sort(key=lambda row: row["updatedDate"], reverse=True)
        return success(rest.paged(request, "subscriptions", rows, lambda record: rest.subscription(tenant, record)))

    def _subscription_version(self, request: Request, match: re.Match[str], body: Any) -> Response:
        tenant = self._account
        record = rest.needed(tenant, "subscriptions", match[1])
        for row in tenant.rows_by("subscriptions", "originalId", record["originalId"]):
            if row["version"] == int(match[2]):
                return success(rest.subscription(tenant, row))
        raise Refusal(NOT_FOUND, f"Cannot find version {match[2]} of {match[1]}.", rest.RESOURCE["subscriptions"])

    def _act_on_subscription(self, request: Request, match: re.Match[str], body: Any) -> Response:
        version = subscribing.act_on_subscription(self._account, match[1], match[2], body)
        answer: Record = {"subscriptionId": version["id"]}
        if match[2] == "cancel":
            answer |= {"cancelledDate": version["cancelledDate"], "totalDeltaMrr": 0.0}
        return success(answer)

    def _create_order(self, request: Request, match: re.Match[str], body: Any) -> Response:
        if not self.settings.orders:
            raise Refusal(RULE, "Orders is not enabled for this tenant.", rest.RESOURCE["orders"])
        return success(subscribing.create_order(self._account, body))

    def _orders(self, request: Request, match: re.Match[str], body: Any) -> Response:
        return success(rest.listing(self._account, "orders", request, show=lambda record: rest.order(self._account, record)))

    # ---------------------------------------------------------------- documents and usage

    def _invoice_items(self, request: Request, match: re.Match[str], body: Any) -> Response:
        tenant = self._account
        invoice = rest.needed(tenant, "invoices", match[1])
        return success(rest.paged(request, "invoiceItems", tenant.items_of(invoice["id"]), lambda record: rest.invoice_item(tenant, record)))

    def _plans_of_product(self, request: Request, match: re.Match[str], body: Any) -> Response:
        tenant = self._account
        product = rest.needed(tenant, "products", match[1])
        return success(rest.paged(request, "productRatePlans", tenant.rows_by("product-rate-plans", "productId", product["id"]),
                                  lambda record: rest.catalogue_plan(tenant, record)))

    def _memo_rows(self, kind: str, rows: str, link: str, root: str) -> Callable[[Request, re.Match[str], Any], Response]:
        def serve(request: Request, match: re.Match[str], body: Any) -> Response:
            memo = rest.needed(self._account, kind, match[1])
            held = self._account.rows_by(rows, link, memo["id"])
            return success(rest.paged(request, root, held, lambda record: rest.document(self._account, rows, record)))
        return serve

    def _refund_payment(self, *, unapply: bool) -> Callable[[Request, re.Match[str], Any], Response]:
        def serve(request: Request, match: re.Match[str], body: Any) -> Response:
            refund = memos.refund_payment(self._account, match[1], body, unapply=unapply)
            return success(rest.document(self._account, "refunds", refund))
        return serve

    def _usage_of(self, request: Request, match: re.Match[str], body: Any) -> Response:
        account = rest.needed(self._account, "accounts", match[1])
        return success(rest.paged(request, "usage", self._account.rows_by("usages", "accountId", account["id"]),
                                  lambda record: rest.document(self._account, "usages", record)))

    def _usage_file(self, request: Request, match: re.Match[str], body: Any) -> Response:
        type = request.headers.get("content-type", "")
        if not type.startswith("multipart/form-data"):
            raise Refusal(INVALID, "The media type must be multipart/form-data.", status=415)
        if len(request.body) > 4 * 1024 * 1024:
            raise Refusal(INVALID, "The file may have 4 MB.", GENERAL)
        boundary = type.partition("boundary=")[2].strip('"').encode()
        parts = [part for part in request.body.split(b"--" + boundary) if b"filename=" in part] if boundary else []
        if not parts:
            raise Refusal(MISSING, "'file' is required.")
        text = parts[0].partition(b"\r\n\r\n")[2].rstrip(b"\r\n-").decode("utf-8-sig")
        for row in csv.DictReader(io.StringIO(text)):
            subscribing.create_usage(self._account, {
                "AccountNumber": row.get("ACCOUNT_ID"), "UOM": row.get("UOM"), "Quantity": float(row.get("QTY") or "nan"),
                "StartDateTime": row.get("STARTDATE"), "Description": row.get("DESCRIPTION") or ""})
        job = native_id("job", f"usage:{self.store.next_number('usage file')}")
        self.store.put("_operations", job, {"objectType": "Usage", "objectIds": []})
        return success({"size": len(request.body), "checkImportStatus": f"/v1/operations/jobs/{job}"})


def _family(path: str) -> str:
    return "query" if path.startswith(("/object-query", "/query/", "/oauth", "/notifications", "/data-query-files")) else "rest"


def _no_record() -> Response:
    return json_response({"records": [], "size": 0, "done": True}, 404)


def _reading(response: Response) -> Response:
    """A job that only reads is no write of the tenant's records."""
    response.is_write = False
    return response
