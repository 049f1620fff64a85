"""Zendesk's pages: cursor and offset lists, cursor and time-based exports. What the rows are belongs to `zendesk`."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from sandbox.protocol import Record, Request, Response, json_response

MAX_LIST_PAGE = 100
MAX_OFFSET_PAGES = 100
MAX_EXPORT_PAGE = 1000
WITHHELD_SECONDS = 60

Show = Callable[[Any], Record]
Entry = tuple[int, int, Any]  # selection time, id, what `Show` turns into a row; None where the row is not shown


class Refused(Exception):
    """The request ends with this answer."""

    def __init__(self, response: Response) -> None:
        super().__init__(f"refused with {response.status}")
        self.response = response


def invalid_attribute(name: str, explanation: str) -> Refused:
    message = f"You passed an invalid value for the {name} attribute. Invalid parameter: {explanation}"
    return Refused(json_response({"error": {"title": "Invalid attribute", "message": message}}, 400))


def whole_number(request: Request, name: str, default: int, low: int = 1) -> int:
    text = request.param(name)
    if text is None:
        return default
    if not text.isascii() or not text.isdecimal() or int(text) < low:
        raise invalid_attribute(name, f"{name} must be an integer of at least {low}")
    return int(text)


def _link(request: Request, path: str, pairs: list[tuple[str, str]]) -> str:
    return f"{request.base_url}{path}.json?{urlencode(pairs, quote_via=quote)}"


# Lists


def list_page(request: Request, path: str, key: str, rows: Sequence[Record], show: Show, total: int) -> Record:
    """One page of rows that stand in the order of their ids. `total` is what the count says."""
    if any(name.startswith("page[") for name, _ in request.query):
        return _cursor_list(request, path, key, _sorted(request, rows), show)
    size = min(whole_number(request, "per_page", MAX_LIST_PAGE), MAX_LIST_PAGE)
    page = whole_number(request, "page", 1)
    if page > MAX_OFFSET_PAGES or page * size > MAX_OFFSET_PAGES * MAX_LIST_PAGE:
        raise Refused(
            json_response(
                {
                    "errors": [
                        {
                            "code": "InvalidPaginationDepth",
                            "title": "Pagination requests using Offset Pagination are limited to page 100 or up to 10000 records (page * per_page)",
                            "detail": "There are limits to how deep offset pagination reads. Use cursor pagination for the rest of this list.",
                        }
                    ]
                },
                400,
            )
        )
    ordered = _sorted(request, rows)
    start = (page - 1) * size
    kept = [(name, value) for name, value in request.query if name not in ("page", "per_page")]

    def link(number: int) -> str:
        return _link(request, path, [*kept, ("page", str(number)), ("per_page", str(size))])

    return {
        key: [show(row) for row in ordered[start : start + size]],
        "next_page": link(page + 1) if start + size < len(ordered) else None,
        "previous_page": link(page - 1) if page > 1 else None,
        "count": total,
    }


def _sorted(request: Request, rows: Sequence[Record]) -> Sequence[Record]:
    given = request.param("sort")
    if given is None and request.param("sort_by"):
        given = ("-" if request.param("sort_order", "asc") == "desc" else "") + str(request.param("sort_by"))
    if given is None or given == "id":
        return rows
    field = given.lstrip("-")
    if field not in ("id", "updated_at", "created_at", "name", "subject"):
        raise invalid_attribute("sort", f"sort {field} is not supported")
    return sorted(rows, key=lambda row: (str(row.get(field) or "") if field != "id" else "", row["id"]), reverse=given.startswith("-"))


def _cursor_list(request: Request, path: str, key: str, rows: Sequence[Record], show: Show) -> Record:
    size = whole_number(request, "page[size]", MAX_LIST_PAGE)
    if size > MAX_LIST_PAGE:
        raise Refused(
            json_response(
                {
                    "errors": [
                        {
                            "code": "InvalidPaginationParameter",
                            "title": "Invalid page size",
                            "detail": f"page[size] must be between 1 and {MAX_LIST_PAGE}",
                        }
                    ]
                },
                400,
            )
        )
    after, before = request.param("page[after]"), request.param("page[before]")
    if after is not None and before is not None:
        raise _bad_cursor()
    by_id = request.param("sort") in (None, "id") and request.param("sort_by") in (None, "id")
    position = _list_position(rows, after or before, by_id)
    if after is not None:
        start = position + 1
    elif before is not None:
        start = max(position - size, 0)
        size = min(size, position)
    else:
        start = 0
    page = rows[start : start + size]
    kept = [(name, value) for name, value in request.query if name not in ("page[after]", "page[before]", "page[size]")]
    cursors = {"after": _encode(f"o|{page[-1]['id']}"), "before": _encode(f"o|{page[0]['id']}")} if page else {}

    def link(name: str) -> str | None:
        if name not in cursors:
            return None
        return _link(
            request, path, [*kept, (f"page[{name}]", cursors[name]), ("page[size]", str(whole_number(request, "page[size]", 100)))]
        )

    has_more = start + size < len(rows) if before is None else start > 0
    return {
        key: [show(row) for row in page],
        "meta": {"has_more": has_more, "after_cursor": cursors.get("after"), "before_cursor": cursors.get("before")},
        "links": {
            "prev": link("before") if start > 0 else None,
            "next": link("after") if start + len(page) < len(rows) else None,
        },
    }


def _list_position(rows: Sequence[Record], cursor: str | None, by_id: bool) -> int:
    """Where the cursor's row stands; where it stood, when it has gone since and the list is in the order of ids."""
    if cursor is None:
        return -1
    text = _decode(cursor)
    is_text = bool(rows) and isinstance(rows[0]["id"], str)
    if not text.startswith("o|") or not (is_text or text[2:].isdecimal()):
        raise _bad_cursor()
    id: Any = text[2:] if is_text else int(text[2:])
    if by_id:
        place = bisect_left(rows, id, key=lambda row: row["id"])
        return place if place < len(rows) and rows[place]["id"] == id else place - 1
    return next((place for place, row in enumerate(rows) if row["id"] == id), len(rows) - 1)


# Exports


@dataclass(frozen=True)
class Export:
    """An export's rows in the order of (selection time, id); `horizon` is the newest second that is not withheld."""

    key: str
    path: str
    entries: Sequence[Entry]
    horizon: int
    empty_page_every: int = 0

    def visible_end(self) -> int:
        return bisect_left(self.entries, self.horizon + 1, key=lambda entry: entry[0])


def start_time(request: Request, horizon: int) -> int:
    text = request.param("start_time")
    if text is None:
        raise Refused(json_response({"error": "InvalidValue", "description": "Missing parameter start_time"}, 400))
    whole, _, fraction = text.partition(".")  # clients send a decimal number too: it is cut
    if not text.isascii() or not whole.isdecimal() or (fraction and not fraction.isdecimal()):
        raise invalid_attribute("start_time", "start_time must be an integer")
    if int(whole) > horizon:
        raise Refused(
            json_response({"error": "InvalidValue", "description": "Too recent start_time. Use a start_time older than 1 minute"}, 400)
        )
    return int(whole)


def _export_size(request: Request) -> int:
    size = whole_number(request, "per_page", MAX_EXPORT_PAGE)
    if size > MAX_EXPORT_PAGE:
        raise invalid_attribute("per_page", f"per_page must be at most {MAX_EXPORT_PAGE}")
    return size


def cursor_export(request: Request, export: Export, show: Show) -> Record:
    """A page goes on behind (time, id) of the cursor; it may be short or empty before the stream ends."""
    size = _export_size(request)
    end = export.visible_end()
    cursor = request.param("cursor")
    if cursor is None:
        start = bisect_left(export.entries, (start_time(request, export.horizon), -1), key=_place)
    else:
        time, id, pause = _export_cursor(cursor)
        if pause:  # the same place again, with nothing on this page
            return _cursor_answer(request, export, size, [], _encode(f"{time}.0||{id}|"), False)
        start = bisect_left(export.entries, (time, id + 1), key=_place)
    scanned = export.entries[start : min(start + size, end)]
    is_last = start + size >= end
    if not scanned:
        return _cursor_answer(request, export, size, [], None, True)
    time, id, _ = scanned[-1]
    every = export.empty_page_every
    pause = not is_last and every > 0 and id % every == 0
    rows = [show(what) for _, _, what in scanned if what is not None]
    return _cursor_answer(request, export, size, rows, _encode(f"{time}.0||{id}|" + ("0" if pause else "")), is_last)


def _place(entry: Entry) -> tuple[int, int]:
    return entry[0], entry[1]


def _cursor_answer(request: Request, export: Export, size: int, rows: list[Record], after: str | None, is_last: bool) -> Record:
    kept = [(name, value) for name, value in request.query if name in ("include", "exclude_deleted", "support_type_scope")]
    url = _link(request, export.path, [("cursor", after), ("per_page", str(size)), *kept]) if after else None
    return {export.key: rows, "after_cursor": after, "after_url": url, "before_cursor": None, "before_url": None, "end_of_stream": is_last}


def _export_cursor(cursor: str) -> tuple[int, int, bool]:
    parts = _decode(cursor).split("|")
    if len(parts) == 4 and parts[0].endswith(".0") and parts[0][:-2].isdecimal() and parts[2].lstrip("-").isdecimal():
        return int(parts[0][:-2]), int(parts[2]), parts[3] == "0"
    raise _bad_cursor()


def time_export(request: Request, export: Export, show: Show) -> Record:
    """Pages meet in the second of their border and both hold it; a page grows until it reaches past its own start."""
    size = _export_size(request)
    begin = start_time(request, export.horizon)
    entries, end = export.entries, export.visible_end()
    start = bisect_left(entries, (begin, -1), key=_place)
    stop = min(start + size, end)
    if start < stop < end and entries[stop - 1][0] == begin:
        stop = min(bisect_left(entries, begin + 1, key=lambda entry: entry[0]) + 1, end)
    rows = [show(what) for _, _, what in entries[start:stop] if what is not None]
    end_time = entries[stop - 1][0] if stop > start else None
    kept = [(name, value) for name, value in request.query if name in ("include", "per_page")]
    next_page = None if end_time is None else _link(request, export.path, [*kept, ("start_time", str(end_time))])
    return {export.key: rows, "count": len(rows), "next_page": next_page, "end_time": end_time, "end_of_stream": stop >= end}


def _encode(text: str) -> str:
    return urlsafe_b64encode(text.encode()).decode()


def _decode(cursor: str) -> str:
    try:
        return urlsafe_b64decode(cursor.encode()).decode()
    except (ValueError, UnicodeDecodeError):
        raise _bad_cursor() from None


def _bad_cursor() -> Refused:
    return Refused(json_response({"error": "InvalidValue", "description": "Invalid cursor"}, 400))
