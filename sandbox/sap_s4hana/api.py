"""One tenant of SAP S/4HANA Cloud over HTTP: which request means what, and what stands before it (credentials, tokens, verbs).

Answers to reads are in `reads`, what writes do in `writes` and `functions`, the records in `tenant`.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, replace
from typing import Any

from sandbox.protocol import Clock, Record, Request, Response, Store, Vendor, json_response
from sandbox.sap_s4hana import batch, functions, writes
from sandbox.sap_s4hana.catalogue import SERVICES, SETS, EntitySet, Service
from sandbox.sap_s4hana.draft import Draft
from sandbox.sap_s4hana.errors import BAD_REQUEST, NOT_FOUND, NOT_SUPPORTED, Bare, Refusal, error_response
from sandbox.sap_s4hana.metadata import metadata, service_document
from sandbox.sap_s4hana.reads import JSON_TYPE, Reads, Shape, check_options, parse_key, wants_json
from sandbox.sap_s4hana.records import Organisation
from sandbox.sap_s4hana.session import TOKEN_PATH, Credentials, Sessions
from sandbox.sap_s4hana.tenant import Tenant
from sandbox.sap_s4hana.wire import etag, key_text, key_uri, split_top
from sandbox.world.model import View

_ROOT = re.compile(r"/sap/opu/odata/sap/([A-Za-z0-9_]+)(?:;v=(\d{1,4}))?(/.*)?")
_SEGMENT = re.compile(r"([A-Za-z_$]\w*)(?:\((.*)\))?", re.DOTALL)
_READS = frozenset({"GET", "HEAD"})
_EVERYTHING = Shape()
_VERBS = frozenset({"POST", "PATCH", "MERGE", "PUT", "DELETE"})


@dataclass(frozen=True)
class Settings:
    """Credentials, limits and the organisation of the tenant. `withheld`: services outside the communication arrangements."""

    username: str = "CONCORD_COMM"
    password: str = "sap-sandbox-password"
    client_id: str = "concord-sap"
    client_secret: str = "sap-sandbox-password"
    token_seconds: int = 3600
    page_size: int = 1000  # of the server's own paging
    requests_per_second: int = 0  # 0: not limited; SAP publishes no number
    retry_after: int = 1
    withheld: frozenset[str] = frozenset()
    company_code: str = Organisation.company_code
    company_name: str = Organisation.company_name
    sales_organization: str = Organisation.sales_organization
    country: str = Organisation.country
    currency: str = Organisation.currency
    technical_user: str = Organisation.technical_user
    pads_references: bool = True


def create(store: Store, clock: Clock, **settings: Any) -> Vendor:
    return SapS4Hana(store, clock, Settings(**settings))


@dataclass(frozen=True)
class _Target:
    """What a path names below a service: a set or a record, reached directly or by a navigation."""

    entity: EntitySet
    record: Record | None = None  # None: the set
    within: list[Record] | None = None  # the records that a navigation to many leads to
    owner: Record | None = None  # the values that a record created here gets from the navigation
    trailing: str = ""  # a property
    raw: bool = False  # $value
    counts: bool = False


class SapS4Hana:
    name = "sap_s4hana"

    def __init__(self, store: Store, clock: Clock, settings: Settings) -> None:
        self.store, self._clock, self.settings = store, clock, settings
        organisation = Organisation(
            company_code=settings.company_code, company_name=settings.company_name, sales_organization=settings.sales_organization,
            country=settings.country, currency=settings.currency, technical_user=settings.technical_user, plant=settings.company_code,
            pads_references=settings.pads_references)
        self.tenant = Tenant(store, organisation)
        self._reads = Reads(self.tenant, settings.page_size)
        self._sessions = Sessions(clock, Credentials(
            settings.username, settings.password, settings.client_id, settings.client_secret, settings.token_seconds))
        self._window = (0, 0)

    def load(self, view: View) -> None:
        self.tenant.load(view)

    def apply(self, view: View) -> None:
        self.tenant.apply(view)

    def expire_tokens(self) -> None:
        self._sessions.expire()

    def rate_limited(self, request: Request) -> Response:
        return Response(429, b"Too Many Requests", {
            "content-type": "text/plain;charset=utf-8", "retry-after": str(self.settings.retry_after)})

    def unavailable(self, request: Request) -> Response:
        page = b"<html><head><title>Application Server Error</title></head><body><h1>500 Internal Server Error</h1></body></html>"
        return Response(500, page, {"content-type": "text/html;charset=utf-8"})

    # requests

    def handle(self, request: Request) -> Response:
        with self.store.lock:
            try:
                if request.path == TOKEN_PATH:
                    return self._sessions.issue(request)
                self._sessions.admit(request)
                if self._spent():
                    return self.rate_limited(request)
                return self._answer(request)
            except Bare as bare:
                return bare.response

    def _spent(self) -> bool:
        if not self.settings.requests_per_second:
            return False
        second, used = self._window
        now = int(time.monotonic())
        self._window = (now, used + 1 if now == second else 1)
        return self._window[1] > self.settings.requests_per_second

    def _answer(self, request: Request) -> Response:
        match = _ROOT.fullmatch(request.path)
        if match is None:
            return Response(404, b"<html><body><h1>404 Resource not found</h1></body></html>", {"content-type": "text/html;charset=utf-8"})
        name, version, rest = match[1], (match[2] or "1").rjust(4, "0"), match[3]
        service = SERVICES.get((name, version))
        if service is None:
            return error_response(
                Refusal(404, "/IWFND/MED/170", f"No service found for namespace '', name '{name}', version '{version}'"),
                self._clock.now(), service=name, version=version, as_json=_plain_json(request))
        try:
            if name in self.settings.withheld:
                raise Refusal(403, "/IWFND/MED/322", f"No authorization to access service '{name}'")
            if request.method in _READS:
                return self._read(request, service, rest)
            self._sessions.check(request)
            return self._write(request, service, rest or "")
        except Refusal as refusal:
            return self._refused(refusal, request, service)

    def _refused(self, refusal: Refusal, request: Request, service: Service) -> Response:
        return error_response(
            refusal, self._clock.now(), service=service.name, version=service.version, component=service.component, as_json=_plain_json(request))

    def _root(self, request: Request, service: Service) -> str:
        return f"{request.base_url}{_service_path(service)}"

    # reading

    def _read(self, request: Request, service: Service, rest: str | None) -> Response:
        fetches = request.headers.get("x-csrf-token", "").lower() == "fetch"
        if request.method == "HEAD" and fetches:
            raise Bare(Response(403, b"", {"content-type": "text/html;charset=utf-8"}))
        if rest is None:  # without the slash the client is sent on, and what it asked for in headers is lost
            return Response(307, b"", {"location": f"{self._root(request, service)}/"})
        response = self._found(request, service, rest)
        if fetches:
            response.headers.update(self._sessions.fetch(request))
        return response

    def _found(self, request: Request, service: Service, rest: str) -> Response:
        root = self._root(request, service)
        if rest == "/":
            check_options(request, frozenset({"$format"}))
            return service_document(service, root, wants_json(request))
        if rest == "/$metadata":
            return metadata(service)
        function = service.functions.get(rest.strip("/"))
        if function is not None:
            return self._call(request, service, rest)
        target = self._target(request, service, rest)
        entity = target.entity
        if target.counts:
            return self._reads.number(request, entity, target.within)
        if target.record is None:
            return self._reads.collection(request, service, entity, root, target.within)
        if target.trailing:
            return self._reads.property(request, entity, target.record, target.trailing, target.raw)
        return self._reads.single(request, service, entity, root, target.record)

    def _target(self, request: Request, service: Service, rest: str) -> _Target:
        segments = _segments(rest)
        target = self._first(service, segments[0])
        for place, segment in enumerate(segments[1:], 1):
            last = place == len(segments) - 1
            if segment == "$count" and last and target.record is None:
                return replace(target, counts=True)
            if target.record is None:
                raise _no_segment(segment)
            if segment == "$value" and last and target.trailing:
                return replace(target, raw=True)
            if segment in target.entity.properties:
                target = replace(target, trailing=segment)
                continue
            target = self._follow(service, target, segment)
        return target

    def _first(self, service: Service, segment: str) -> _Target:
        match = _SEGMENT.fullmatch(segment)
        entity = service.sets.get(match[1]) if match else None
        if match is None or entity is None:
            raise _no_segment(segment)
        if match[2] is None or match[2] == "":
            if not entity.addressable:
                raise Refusal(405, NOT_SUPPORTED, f"Entity set '{entity.name}' is reached by navigation only")
            return _Target(entity)
        return _Target(entity, self._reads.find(entity, match[2]))

    def _follow(self, service: Service, target: _Target, segment: str) -> _Target:
        match = _SEGMENT.fullmatch(segment)
        link = target.entity.navigations.get(match[1]) if match else None
        if match is None or link is None or target.record is None:
            raise _no_segment(segment)
        entity = self._reads.entity(link.target, service)
        rows = self._reads.related(target.entity, target.record, link, service)
        if not link.many:
            if not rows:
                raise Refusal(404, NOT_FOUND, f"Resource not found for segment '{segment}'")
            return _Target(entity, rows[0])
        if match[2]:
            wanted = key_text(entity, self._reads.find(entity, match[2]))
            found = next((row for row in rows if key_text(entity, row) == wanted), None)
            if found is None:
                raise Refusal(404, NOT_FOUND, f"Resource not found for segment '{segment}'")
            return _Target(entity, found)
        return _Target(entity, within=rows, owner=link.shared(target.record))

    # writing

    def _write(self, request: Request, service: Service, rest: str) -> Response:
        if rest == "/$batch":
            if request.method != "POST":
                raise Refusal(405, NOT_SUPPORTED, "A batch is sent with POST")
            return self._batch(request, service)
        draft = Draft(self.tenant, self._clock.now())
        response = self._change(request, service, rest, draft)
        draft.commit()
        return response

    def _change(self, request: Request, service: Service, rest: str, draft: Draft) -> Response:
        """One modifying request into the draft."""
        verb = request.headers.get("x-http-method", request.method).upper() if request.method == "POST" else request.method
        if verb not in _VERBS:
            raise Refusal(501, NOT_SUPPORTED, f"Method {verb} is not supported")
        if rest.strip("/") in service.functions:
            return self._call(request, service, rest, draft)
        target = self._draft_target(request, service, rest, draft)
        entity = target.entity
        if verb == "POST":
            if target.record is not None:
                raise Refusal(405, NOT_SUPPORTED, "A record cannot be created under a key")
            writes.check_verb(entity, "POST")
            record = writes.create(draft, service, entity, _json_body(request), target.owner)
            record = draft.get(entity.name, key_text(entity, record)) or record
            return self._created(request, service, entity, record)
        if target.record is None or target.trailing:
            raise Refusal(405, NOT_SUPPORTED, f"Method {verb} needs the key of one record")
        writes.check_verb(entity, "DELETE" if verb == "DELETE" else "PATCH")
        writes.check_version(entity, target.record, request.headers.get("if-match"))
        if verb == "DELETE":
            writes.delete(draft, entity, target.record)
            return Response(204, b"", {"dataserviceversion": "2.0"})
        record = writes.update(draft, entity, target.record, _json_body(request), replace=verb == "PUT")
        version = etag(entity, draft.get(entity.name, key_text(entity, record)) or record)
        return Response(204, b"", {"dataserviceversion": "2.0", **({"etag": version} if version else {})})

    def _draft_target(self, request: Request, service: Service, rest: str, draft: Draft) -> _Target:
        """As for a read, but a record that this draft holds already is seen as it is there."""
        segments = _segments(rest)
        if len(segments) == 1:
            match = _SEGMENT.fullmatch(segments[0])
            entity = service.sets.get(match[1]) if match else None
            if match is not None and entity is not None and match[2]:
                from_draft = draft.get(entity.name, key_text(entity, parse_key(entity, match[2])))
                if from_draft is not None:
                    return _Target(entity, from_draft)
        return self._target(request, service, rest)

    def _created(self, request: Request, service: Service, entity: EntitySet, record: Record) -> Response:
        root = self._root(request, service)
        plain = replace(request, query=())
        response = self._reads.single(plain, service, entity, root, record, 201)
        response.headers["location"] = f"{root}/{key_uri(entity, record)}"
        return response

    def _call(self, request: Request, service: Service, rest: str, draft: Draft | None = None) -> Response:
        function = service.functions[rest.strip("/")]
        if request.method != function.verb:
            raise Refusal(405, NOT_SUPPORTED, f"Function import {function.name} is called with {function.verb}")
        given = functions.parameters(function, dict(request.query))
        draft = draft if draft is not None else Draft(self.tenant, self._clock.now())
        found = functions.call(draft, service, function, given)
        root = self._root(request, service)
        if isinstance(found, list):
            entity = SETS[function.returns]
            rows = [self._reads.shown(service, entity, root, row, _EVERYTHING) for row in found]
            return json_response({"d": {"results": rows}}, headers={"dataserviceversion": "2.0"}, content_type=JSON_TYPE)
        if function.returns:
            entity = SETS[function.returns]
            body = self._reads.shown(service, entity, root, found, _EVERYTHING)
            version = etag(entity, found)
            return json_response({"d": body}, headers={"dataserviceversion": "2.0", **({"etag": version} if version else {})}, content_type=JSON_TYPE)
        return json_response({"d": {function.name: found}}, headers={"dataserviceversion": "2.0"}, content_type=JSON_TYPE)

    def _batch(self, request: Request, service: Service) -> Response:
        answers: list[Response | list[tuple[Response, str]]] = []
        changed = False
        for group in batch.parse(request, _service_path(service)):
            if isinstance(group, batch.Part):
                answers.append(self._one_of_batch(group.request, service))
                continue
            draft = Draft(self.tenant, self._clock.now())
            made: list[tuple[Response, str]] = []
            named: dict[str, str] = {}
            try:
                for part in group:
                    rest = self._rest(part.request, service, named)
                    response = self._change(part.request, service, rest, draft)
                    made.append((response, part.content_id))
                    if part.content_id and "location" in response.headers:
                        named[f"${part.content_id}"] = response.headers["location"].removeprefix(self._root(request, service))
            except Refusal as refusal:  # one failure undoes the whole changeset and is its only answer
                answers.append(self._refused(refusal, part.request, service))
                continue
            draft.commit()
            changed = True
            answers.append(made)
        response = batch.answer(answers)
        response.is_write = changed
        return response

    def _one_of_batch(self, request: Request, service: Service) -> Response:
        try:
            return self._found(request, service, self._rest(request, service, {}))
        except Refusal as refusal:
            return self._refused(refusal, request, service)

    def _rest(self, request: Request, service: Service, named: dict[str, str]) -> str:
        path = request.path.removeprefix(_service_path(service))
        for id, made in named.items():
            if path.startswith(f"/{id}"):
                return made + path[len(id) + 1 :]
        if path == request.path:
            raise Refusal(404, NOT_FOUND, f"Resource not found for segment '{request.path[:60]}'")
        return path


def _service_path(service: Service) -> str:
    return f"/sap/opu/odata/sap/{service.name}" + (f";v={service.version}" if service.version != "0001" else "")


def _segments(rest: str) -> list[str]:
    """The path's segments; a slash inside quotes belongs to a key."""
    return [segment for segment in split_top(rest, "/") if segment] or [""]


def _no_segment(segment: str) -> Refusal:
    return Refusal(404, NOT_FOUND, f"Resource not found for segment '{segment.partition('(')[0]}'")


def _plain_json(request: Request) -> bool:
    """Errors come in the form that the answer would have had."""
    try:
        return wants_json(request)
    except Refusal:
        return False


def _json_body(request: Request) -> Any:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Refusal(415, BAD_REQUEST, f"Content type '{kind}' is not supported")
    try:
        return request.json()
    except ValueError:
        raise Refusal(400, BAD_REQUEST, "Error while parsing the JSON payload") from None
