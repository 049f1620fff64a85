"""Zendesk's search: its query language over tickets, users and organizations, pages up to its ceiling, and the export by cursor.

The index lags: what changed in the last minutes is not found yet. Records and their forms belong to `records`.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import quote, urlencode

from sandbox.protocol import Clock, Record, Response, json_response
from sandbox.zendesk.account import Account
from sandbox.zendesk.pages import Refused, invalid_attribute, whole_number
from sandbox.zendesk.records import TICKET_PRIORITIES, TICKET_STATUSES, epoch
from sandbox.zendesk.routing import Call, Route

MAX_RESULTS = 1000
MAX_PAGE = 100
MAX_EXPORT_PAGE = 1000
_CURSOR_LIVES = 3600
KINDS = {"ticket": "tickets", "user": "users", "organization": "organizations"}
_TERM = re.compile(r'(-?)(?:(\w+)(<=|>=|[:<>])("[^"]*"|\S+)|("[^"]*"|\S+))')
_TIMES = {"created": "created_at", "updated": "updated_at", "created_at": "created_at", "updated_at": "updated_at"}
_REFERENCES = {"requester": "requester_id", "assignee": "assignee_id", "submitter": "submitter_id", "organization": "organization_id",
               "group": "group_id", "brand": "brand_id"}
_PLAIN = ("external_id", "subject", "name", "email", "role", "phone", "description", "notes", "details")
_RANKED = {"status": TICKET_STATUSES, "priority": tuple(reversed(TICKET_PRIORITIES))}
Show = Callable[[str, Record, str], Record]
Test = Callable[[str, Record], bool]


class Search:
    def __init__(self, account: Account, clock: Clock, show: Show, spend: Callable[[str, str, int], dict[str, str]], lag: timedelta) -> None:
        self.account, self.clock, self.show, self.spend, self.lag = account, clock, show, spend, lag

    def routes(self) -> list[Route]:
        return [("GET", "/search", self._search), ("GET", "/search/count", self._count), ("GET", "/search/export", self._export)]

    def _found(self, query: str) -> Iterator[tuple[str, Record]]:
        kinds, tests = self._parse(query)
        until = epoch(self.clock.now() - self.lag)
        for kind in kinds:
            for record in self.account.searched(kind):
                if record["_generated"] <= until and all(test(kind, record) for test in tests):
                    yield kind, record

    def _query(self, call: Call) -> str:
        query = call.request.param("query")
        if not query or not query.strip():
            raise Refused(json_response({"error": "invalid", "description": "Invalid search: query is required"}, 422))
        return query

    def _count(self, call: Call) -> Response:
        return json_response({"count": sum(1 for _ in self._found(self._query(call)))})

    def _result(self, kind: str, record: Record, base: str) -> Record:
        return {**self.show(kind, record, base), "result_type": kind[:-1]}

    def _search(self, call: Call) -> Response:
        request = call.request
        if any(name.startswith("page[") for name, _ in request.query):
            raise invalid_attribute("page", "search is paged by page and per_page")
        rows = list(self._found(self._query(call)))
        by, order = request.param("sort_by"), request.param("sort_order") or "desc"
        if by not in (None, "relevance", "created_at", "updated_at", "priority", "status", "ticket_type"):
            raise invalid_attribute("sort_by", f"sort_by {by} is not supported")
        if order not in ("asc", "desc"):
            raise invalid_attribute("sort_order", "sort_order must be asc or desc")
        field = {"ticket_type": "type", None: "updated_at", "relevance": "updated_at"}.get(by, by)
        rows.sort(key=lambda row: (str(row[1].get(str(field)) or ""), row[1]["id"]), reverse=order == "desc")
        size = min(whole_number(request, "per_page", MAX_PAGE), MAX_PAGE)
        page = whole_number(request, "page", 1)
        if page * size > MAX_RESULTS:
            text = "Invalid search: Requested response size was greater than Search Response Limits"
            raise Refused(json_response({"error": "invalid", "description": text}, 422))
        start = (page - 1) * size
        kept = [(name, value) for name, value in request.query if name not in ("page", "per_page")]

        def link(number: int) -> str:
            pairs = [*kept, ("page", str(number)), ("per_page", str(size))]
            return f"{call.base}{call.path}.json?{urlencode(pairs, quote_via=quote)}"

        is_last = start + size >= len(rows)
        return json_response({
            "results": [self._result(kind, record, call.base) for kind, record in rows[start : start + size]], "facets": None,
            "next_page": None if is_last else link(page + 1), "previous_page": link(page - 1) if page > 1 else None, "count": len(rows),
        })

    def _export(self, call: Call) -> Response:
        request = call.request
        header = self.spend("search export", "search-export", 100)
        kind = KINDS.get(request.param("filter[type]") or "")
        if kind is None:
            raise invalid_attribute("filter[type]", f"filter[type] must be one of {', '.join(KINDS)}")
        size = whole_number(request, "page[size]", MAX_PAGE)
        if size > MAX_EXPORT_PAGE:
            raise invalid_attribute("page[size]", f"page[size] must be at most {MAX_EXPORT_PAGE}")
        rows = sorted(
            (record for found, record in self._found(f"type:{kind[:-1]} {self._query(call)}") if found == kind),
            key=lambda record: (record["created_at"], record["id"]),
        )
        now = epoch(self.clock.now())
        after = request.param("page[after]")
        begun, start = now, 0
        if after is not None:
            begun, place = _place(after)
            if now - begun > _CURSOR_LIVES:
                raise invalid_attribute("page[after]", "the cursor has expired")
            start = next((number for number, record in enumerate(rows) if (record["created_at"], record["id"]) > place), len(rows))
        page = rows[start : start + size]
        has_more = start + size < len(rows)
        cursor = urlsafe_b64encode(f"{begun}|{page[-1]['created_at']}|{page[-1]['id']}".encode()).decode() if page else None
        kept = [(name, value) for name, value in request.query if name != "page[after]"]
        following = f"{call.base}{call.path}.json?{urlencode([*kept, ('page[after]', cursor or '')], quote_via=quote)}"
        return json_response({
            "results": [self._result(kind, record, call.base) for record in page], "facets": None,
            "meta": {"has_more": has_more, "after_cursor": cursor, "before_cursor": None},
            "links": {"prev": None, "next": following if has_more else None},
        }, headers=header)

    # the query language

    def _parse(self, query: str) -> tuple[list[str], list[Test]]:
        kinds, tests = list(KINDS.values()), list[Test]()
        for minus, field, sign, value, word in _TERM.findall(query):
            if field == "type" and value.lower() in KINDS and sign == ":":
                kinds = [kind for kind in kinds if (kind == KINDS[value.lower()]) != bool(minus)]
                continue
            test = self._term(field, sign, value.strip('"')) if field else _words(word.strip('"').lower())
            tests.append(_without(test) if minus else test)
        return kinds, tests

    def _term(self, field: str, sign: str, value: str) -> Test:
        low = value.lower()
        if field in _TIMES:
            name = _TIMES[field]
            return lambda kind, record: _compared(str(record.get(name) or "")[: len(value)], sign, value)
        if field in _RANKED:
            ranks = {word: place for place, word in enumerate(_RANKED[field])}
            if low not in ranks:
                raise Refused(json_response({"error": "invalid", "description": f"Invalid search: {field} {value} is unknown"}, 422))
            return lambda kind, record: record.get(field) in ranks and _compared(ranks[record[field]], sign, ranks[low])
        if field == "tags":
            return lambda kind, record: low in record.get("tags", [])
        if field in ("ticket_type", "id"):
            name = "type" if field == "ticket_type" else "id"
            return lambda kind, record: str(record.get(name)).lower() == low
        if field in _REFERENCES:
            name = _REFERENCES[field]
            ids = {value} | {str(record["id"]) for record in self._named(name, low)}
            return lambda kind, record: (low == "none" and not record.get(name)) or str(record.get(name)) in ids
        if field in _PLAIN:
            exact = field in ("external_id", "email", "role")
            return lambda kind, record: (lambda text: text == low if exact else low in text)(str(record.get(field) or "").lower())
        return lambda kind, record: False  # a field that nothing here has

    def _named(self, reference: str, low: str) -> list[Record]:
        kind = "organizations" if reference == "organization_id" else "users" if reference.endswith(("er_id", "ee_id")) else "groups"
        rows = self.account.store.collection(kind).copy().values()
        return [row for row in rows if low in (str(row.get("name") or "").lower(), str(row.get("email") or "").lower())]


def _without(test: Test) -> Test:
    return lambda kind, record: not test(kind, record)


def _compared(held: Any, sign: str, wanted: Any) -> bool:
    if held == "":
        return False
    return bool({":": held == wanted, "<": held < wanted, ">": held > wanted, "<=": held <= wanted, ">=": held >= wanted}[sign])


def _words(low: str) -> Test:
    if low == "*":
        return lambda kind, record: True
    names = {"tickets": ("subject", "description"), "users": ("name", "email"), "organizations": ("name", "details", "notes")}
    return lambda kind, record: any(low in str(record.get(name) or "").lower() for name in names[kind])


def _place(cursor: str) -> tuple[int, tuple[str, int]]:
    try:
        begun, created, id = urlsafe_b64decode(cursor.encode()).decode().split("|")
        return int(begun), (created, int(id))
    except ValueError:
        raise invalid_attribute("page[after]", "the cursor is not valid") from None
