"""One Dynamics 365 Finance environment over HTTP: routing, who may call, and turning refusals into the vendor's answers.

Reading belongs to `query`, changing to `writes`, several requests in one to `batch`, tokens to `auth`, the records' shapes to `records`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from urllib.parse import quote, unquote

import orjson

from sandbox.dynamics365_finance import batch, metadata
from sandbox.dynamics365_finance.auth import Application, Doorkeeper
from sandbox.dynamics365_finance.catalogue import BI_SETS, SETS, EntitySet
from sandbox.dynamics365_finance.enumerations import ENUMS
from sandbox.dynamics365_finance.errors import ODATA_EXCEPTION, VERSION, Refusal, not_found, response_of
from sandbox.dynamics365_finance.ids import COMPANIES
from sandbox.dynamics365_finance.query import MINIMAL, Pages, Reader, crosses, shape_of
from sandbox.dynamics365_finance.records import currency, entries, payment_term, setup
from sandbox.dynamics365_finance.tables import Tables
from sandbox.dynamics365_finance.writes import Writer
from sandbox.protocol import Clock, Record, Request, Response, Store, Vendor, json_response
from sandbox.world.model import INTEGRATION_ACTOR, View

_ADDRESS = re.compile(r"([A-Za-z]\w*)(?:\((.*)\))?", re.DOTALL)


@dataclass(frozen=True)
class Settings:
    """The environment: its application, the user that acts for it, and limits.

    `bi_entities`: whether the entity sets of the entity store are there. `most_at_once`: requests in flight from which the load counts as
    too high. `is_mapped`: whether the environment knows the application.
    """

    tenant: str = "11111111-2222-3333-4444-555555555555"
    client_id: str = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
    client_secret: str = "d365-sandbox-secret"
    environment: str = "concord-test.sandbox"  # the first part of its host
    is_mapped: bool = True
    user: str = INTEGRATION_ACTOR
    default_company: str = COMPANIES[0]
    token_life: timedelta = timedelta(hours=1)
    largest_page: int = 10_000
    most_at_once: int = 52
    retry_after: int = 1
    bi_entities: bool = True
    hidden_sets: frozenset[str] = frozenset()  # what the user's roles do not let it read


def create(store: Store, clock: Clock, **settings: Any) -> Vendor:
    return Dynamics(store, clock, Settings(**settings))


class Dynamics:
    name = "dynamics365_finance"

    def __init__(self, store: Store, clock: Clock, settings: Settings) -> None:
        self.store, self._settings = store, settings
        application = Application(settings.tenant, settings.client_id, settings.client_secret, f"https://{settings.environment}.operations.dynamics.com", settings.is_mapped)
        self._door = Doorkeeper(clock, application, settings.token_life)
        self._tables = Tables(store, clock, settings.user)
        self._reader = Reader(self._tables, Pages(settings.default_company, settings.largest_page))
        self._writer = Writer(self._tables, clock, settings.default_company)
        self._names = frozenset(SETS) - (frozenset() if settings.bi_entities else BI_SETS)

    # the world

    def load(self, view: View) -> None:
        with self.store.lock:
            self._tables.fill("", setup())
            self._prepare(view)
            for owner, _, records in entries(view, self._tables.get, self._tables.owned):
                self._tables.fill(owner, records)
            self._tables.forget()

    def apply(self, view: View) -> None:
        with self.store.lock:
            self._prepare(view)
            for owner, _, records in entries(view, self._tables.get, self._tables.owned):
                self._tables.replace(owner, records)

    def _prepare(self, view: View) -> None:
        """Currencies and terms that the rows name and the environment does not have yet."""
        known = self.store.collection("Currencies")
        wanted = {row.currency for rows in (view.customers, view.orders, view.invoices, view.payments) for row in rows}
        missing = [currency(symbol, len(known) + place) for place, symbol in enumerate(sorted(wanted - set(known)), start=1)]
        days = sorted({row.terms_days for row in view.customers})
        terms = [payment_term(company, number) for company in COMPANIES for number in days
                 if self._tables.get("PaymentTerms", f"{company}|Net{number}") is None]
        self._tables.fill("", [*missing, *terms])

    # requests

    def handle(self, request: Request) -> Response:
        try:
            if self._door.is_token_path(request.path):
                return self._door.issue(request)
            if request.in_flight > self._settings.most_at_once:
                return self.rate_limited(request)
            self._door.admit(request)
            _check_headers(request)
            return self._route(request)
        except Refusal as refusal:
            return response_of(refusal)

    def rate_limited(self, request: Request) -> Response:
        return response_of(Refusal(
            429, "This request can't be processed at this time because the amount of usage is high. You can try again later.",
            headers={"retry-after": str(self._settings.retry_after)}))

    def unavailable(self, request: Request) -> Response:
        return response_of(Refusal(503, "The service is unavailable."))

    def expire_tokens(self) -> None:
        self._door.expire_tokens()

    def _route(self, request: Request) -> Response:
        parts = _segments(request.path)
        if parts[:1] == ["metadata"]:
            return self._described(request, parts[1:])
        if parts[:1] != ["data"]:
            raise not_found(f"{request.base_url}{request.path}")
        if len(parts) == 1:
            _only(request, "GET")
            return json_response(metadata.service_document(request.base_url, self._names), headers=VERSION, is_write=False, content_type=MINIMAL)
        if parts[1] == "$metadata":
            _only(request, "GET")
            return Response(200, metadata.csdl(self._names), {"content-type": "application/xml", **VERSION}, is_write=False)
        if parts[1] == "$batch":
            _only(request, "POST")
            return batch.run(request, self._answered, self._together)
        match = _ADDRESS.fullmatch(parts[1])
        entity = SETS.get(match[1]) if match else None
        if match is None or entity is None or entity.name not in self._names:
            raise not_found(f"{request.base_url}{request.path}")
        if entity.name in self._settings.hidden_sets:
            raise Refusal(403, f"Access denied to {entity.table}.")
        return self._entity(request, entity, match[2], parts[2:])

    def _entity(self, request: Request, entity: EntitySet, key: str | None, rest: list[str]) -> Response:
        if rest == ["$count"] and key is None:
            _only(request, "GET")
            return self._reader.count(request, entity)
        if rest:
            raise not_found(f"{request.base_url}{request.path}")  # no actions and no paths through navigations
        if request.method == "GET":
            return self._reader.collection(request, entity) if key is None else self._reader.one(request, entity, key)
        is_allowed = request.method == "POST" if key is None else request.method in ("PATCH", "PUT", "DELETE")
        if not is_allowed or not entity.is_writable:
            raise Refusal(405, f"The requested resource does not support http method '{request.method}'.")
        with self.store.lock:
            return self._created(request, entity) if key is None else self._changed(request, entity, key)

    def _created(self, request: Request, entity: EntitySet) -> Response:
        record = self._writer.create(entity, _body(request))
        row = shape_of(entity, "")(record)
        location = f"{request.base_url}/data/{entity.name}({_key_text(entity, row)})"
        content = {"@odata.context": f"{request.base_url}/data/$metadata#{entity.name}/$entity", **row}
        return json_response(content, 201, {**VERSION, "location": location, "etag": row["@odata.etag"]}, content_type=MINIMAL)

    def _changed(self, request: Request, entity: EntitySet, key: str) -> Response:
        crosses(request)
        id, before = self._reader.addressed(request, entity, key)
        wanted = request.headers.get("if-match", "*").strip()
        if wanted != "*" and before["@odata.etag"] not in [one.strip() for one in wanted.split(",")]:
            raise Refusal(412, "The record was changed by another user after it was read.")
        if request.method == "DELETE":
            self._writer.delete(entity, id, before)
            return Response(204, b"", dict(VERSION))
        record = self._writer.change(entity, id, before, _body(request))
        if "return=representation" in request.headers.get("prefer", ""):
            row = shape_of(entity, "")(record)
            content = {"@odata.context": f"{request.base_url}/data/$metadata#{entity.name}/$entity", **row}
            return json_response(content, headers={**VERSION, "preference-applied": "return=representation"}, content_type=MINIMAL)
        return Response(204, b"", dict(VERSION))

    # several requests in one

    def _answered(self, request: Request) -> Response:
        try:
            _check_headers(request)
            if request.path.rstrip("/").endswith("$batch"):
                raise Refusal(400, "A batch cannot hold a batch.")
            return self._route(request)
        except Refusal as refusal:
            return response_of(refusal)

    def _together(self, requests: list[Request]) -> list[Response]:
        """All or nothing: where one fails, what was done before it is taken back. `$1` stands for the row that part 1 made."""
        with self.store.lock:
            done: list[Response] = []
            named: dict[str, str] = {}
            self._tables.begin()
            for request in requests:
                path = request.path
                for id, location in named.items():
                    path = re.sub(rf"^/data/\${re.escape(id)}(?=$|/)", location.replace("\\", r"\\"), path)
                done.append(self._answered(replace(request, path=path)))
                if done[-1].status >= 400:
                    self._tables.roll_back()
                    return [done[-1]]
                if "location" in done[-1].headers and "content-id" in request.headers:
                    named[request.headers["content-id"]] = unquote(done[-1].headers["location"].removeprefix(request.base_url))
            self._tables.commit()
            return done

    # JSON metadata

    def _described(self, request: Request, parts: list[str]) -> Response:
        _only(request, "GET")
        sources: dict[str, dict[str, Any]] = {
            "PublicEntities": {SETS[name].entity: metadata.public_entity(SETS[name]) for name in sorted(self._names)},
            "DataEntities": {SETS[name].table: metadata.data_entity(SETS[name]) for name in sorted(self._names)},
            "PublicEnumerations": {name: metadata.public_enumeration(name) for name in ENUMS},
        }
        match = _ADDRESS.fullmatch(parts[0]) if len(parts) == 1 else None
        if match is None or match[1] not in sources:
            raise not_found(f"{request.base_url}{request.path}")
        found = sources[match[1]]
        context = {"@odata.context": f"{request.base_url}/metadata/$metadata#{match[1]}"}
        if match[2] is None:
            return json_response({**context, "value": list(found.values())}, headers=VERSION, is_write=False, content_type=MINIMAL)
        name = match[2].strip("'")
        if name not in found:
            raise not_found(f"{request.base_url}{request.path}")
        return json_response({**context, **found[name]}, headers=VERSION, is_write=False, content_type=MINIMAL)


def _segments(path: str) -> list[str]:
    """The path's parts; a slash inside a key's quotes is no border."""
    parts, current, is_quoted = [], "", False
    for letter in path.strip("/"):
        if letter == "'":
            is_quoted = not is_quoted
        if letter == "/" and not is_quoted:
            parts.append(current)
            current = ""
        else:
            current += letter
    return [*parts, current]


def _check_headers(request: Request) -> None:
    if request.headers.get("odata-maxversion", "4.0").strip() not in ("4.0", "4.01") or request.headers.get("odata-version", "4.0") != "4.0":
        raise Refusal(400, "The OData version of the request is not supported: 4.0 is.")
    accepted = request.headers.get("accept", "*/*").lower()
    wants_text = request.path.endswith(("$metadata", "/$count", "$batch"))
    if not wants_text and not any(kind in accepted for kind in ("json", "*/*", "application/*")):
        raise Refusal(406, "The requested media type is not supported: application/json is.")


def _only(request: Request, method: str) -> None:
    if request.method != method:
        raise Refusal(405, f"The requested resource does not support http method '{request.method}'.")


def _body(request: Request) -> Any:
    if not request.headers.get("content-type", "").lower().startswith("application/json"):
        raise Refusal(415, "The request entity's media type is not supported for this resource: application/json is.")
    try:
        return request.json()
    except orjson.JSONDecodeError as problem:
        text = "The request body is not valid JSON."
        raise Refusal(400, text, text, ODATA_EXCEPTION) from problem


def _key_text(entity: EntitySet, row: Record) -> str:
    parts = []
    for name in entity.key:
        value = row[name]
        if entity.properties[name].kind == "s":
            doubled = str(value).replace("'", "''")
            parts.append(f"{name}='{quote(doubled, safe='')}'")
        else:
            parts.append(f"{name}={value}")
    return ",".join(parts)
