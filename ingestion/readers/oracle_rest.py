"""Oracle Fusion's REST resources: slices by key or stamp, lists that take no filter, rows under an account, SOAP profiles.

An offset shifts when rows change while it is read, and a list without an order has none: every list that can be is sliced by
`key > last` (first and full reads) or by (stamp, key) (what changed since).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from concord.errors import ConcordError
from ingestion.client import Answer, Client, NotPermitted, Refused
from ingestion.readers import Page, Record, State, Wanted, chunks, refusal
from ingestion.spec import Child, Resource, System

COUNTED_BY = "totalResults"
_TOGETHER = 100  # keys asked for in one filter
_MANY = 5  # open records that vanish at once before lost access is suspected
_ACCOUNTS_TOGETHER = 200  # accounts whose rows make one page
_CHANGES = (  # where a change shows first: path, stamp
    ("/crmRestApi/resources/11.13.18.05/hubOrganizations", "LastUpdateDate"), ("salesOrdersForOrderHub", "LastUpdateDate"),
    ("receivablesInvoices", "LastUpdateDate"),
)
_DELETED = "/crmRestApi/resources/11.13.18.05/deletedRecords"
_SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
_PROFILE = "http://xmlns.oracle.com/apps/financials/receivables/customers/customerProfileService/"


def read(client: Client, wanted: Wanted) -> Iterator[Page]:
    try:
        yield from _read(client, wanted)
    except Refused as error:
        raise refusal(
            client, wanted, error, "the list", "Give the integration user the privilege and the data access that the resource needs.") from None


def _read(client: Client, wanted: Wanted) -> Iterator[Page]:
    resource = wanted.resource
    if wanted.keys is not None and not resource.under:
        yield from _by_key(client, resource, wanted.keys)
    elif resource.under:
        yield from _under(client, wanted)
    elif not resource.cursor:
        yield from _whole(client, wanted)
    elif resource.unfiltered:
        yield from _compared(client, wanted)
    elif "orderBy" in resource.params:
        yield from _appended(client, wanted)
    else:
        yield from _changed(client, wanted)


# --- lists ---------------------------------------------------------------------------------------------------------------


def _whole(client: Client, wanted: Wanted) -> Iterator[Page]:
    """A list without a stamp: read whole, compared with what was landed by whoever lands it."""
    resource = wanted.resource
    for answer in (_offsets if "orderBy" in resource.params else _slices)(client, resource, []):
        yield _page(client, resource, answer)
    yield Page([], client.server_time(), {"read": _stamp(client.server_time())})


def _appended(client: Client, wanted: Wanted) -> Iterator[Page]:
    """A list that only grows at its end and takes no filter on its key: offsets hold still."""
    resource = wanted.resource
    since = None if wanted.full else wanted.state.get("since")
    stamp, newest = _path(resource, resource.cursor), since or ""
    low = [f"{stamp} >= '{_earlier(since, _overlap(client, resource))}'"] if since else []
    for answer in _offsets(client, resource, low):
        newest = _newest(newest, answer.content["items"], stamp)
        yield _page(client, resource, answer)
    yield Page([], client.server_time(), {"since": newest or _stamp(client.server_time())})


def _changed(client: Client, wanted: Wanted) -> Iterator[Page]:
    resource, state = wanted.resource, wanted.state
    stamp = _path(resource, resource.cursor)
    started = _stamp(client.server_time())
    since = None if wanted.full else state.get("since")
    watched: dict[str, Any] = {} if wanted.full else dict(state.get("watched") or {})
    kept: State = {"watched": watched} if resource.watch else {}
    if since is None:
        resume = {} if wanted.full else state.get("resume") or {}
        started = resume.get("started") or started
        # a first read follows the key: rows that change meanwhile stay where they are, and come again with the next run
        for answer in _slices(client, resource, [], resume.get("after")):
            rows = answer.content["items"]
            _watch(resource, rows, watched)
            going = {"started": started, "after": _marks(resource, rows[-1])} if rows else resume
            yield _page(client, resource, answer, {**kept, "resume": going}, whole=not wanted.full)
        yield Page([], client.server_time(), {**kept, "since": started})
        return
    newest = since
    for answer in _since(client, resource, _earlier(since, _overlap(client, resource))):
        rows = answer.content["items"]
        _watch(resource, rows, watched)
        newest = _newest(newest, rows, stamp)
        yield _page(client, resource, answer, {**kept, "since": min(newest, started)}, whole=True)
    if resource.watch:
        yield from _moved(client, wanted, watched)
    if resource.deletes:
        yield from _tombstones(client, resource, _earlier(since, _overlap(client, resource)))
    # a row changed while we read may carry a stamp before the newest one seen
    yield Page([], client.server_time(), {**kept, "since": max(since, min(newest, started))})


def _compared(client: Client, wanted: Wanted) -> Iterator[Page]:
    """A list that takes no filter on its stamp: all of it comes, and what is newer, moved or gone is told here."""
    resource, state = wanted.resource, wanted.state
    stamp, key = _path(resource, resource.cursor), _path(resource, resource.key[0])
    since = None if wanted.full else state.get("since")
    before: Mapping[str, Any] = {} if wanted.full else state.get("watched") or {}
    resume = state.get("resume") or {} if since is None and not wanted.full else {}
    started = resume.get("started") or _stamp(client.server_time())
    low = None if since is None else _earlier(since, _overlap(client, resource))
    watched: dict[str, Any] = dict(resume.get("watched") or {})
    seen: set[str] = set()
    for answer in _slices(client, resource, [], resume.get("after")):
        rows = answer.content["items"]
        _watch(resource, rows, watched)
        if low is None:
            going = {"started": started, "after": _marks(resource, rows[-1]), "watched": watched} if rows else resume
            yield _page(client, resource, answer, {"resume": going}, whole=not wanted.full)
            continue
        seen.update(str(row.get(key)) for row in rows)
        # a stamp that is no text cannot be compared: such a row is taken as new
        fresh = [
            row for row in rows
            if not isinstance(at := row.get(stamp), str) or at >= low
            or (resource.watch and watched.get(str(row.get(key))) != before.get(str(row.get(key))))]
        if fresh:
            yield _page(client, resource, replace(answer, content={**answer.content, "items": fresh}), whole=True)
    now = client.server_time()
    if low is not None:
        gone = [one for one in wanted.landed(wanted.name) if str(one) not in seen]
        if gone and not seen:
            raise _out_of_sight(client, wanted.name, len(gone))
        if gone:
            yield _gone(resource, gone, now)
    yield Page([], now, {"since": started, **({"watched": watched} if resource.watch else {})})


def _moved(client: Client, wanted: Wanted, watched: dict[str, Any]) -> Iterator[Page]:
    """Records whose watched amount moved though their stamp did not: the amounts that are not zero, held against the last read's."""
    resource = wanted.resource
    key, amount = _path(resource, resource.key[0]), resource.watch
    light = resource.model_copy(update={"params": {"fields": f"{key},{amount}"}})
    now: dict[str, Any] = {}
    ids: dict[str, Any] = {}
    for answer in _slices(client, light, [f"{amount} <> 0"]):
        _watch(resource, answer.content["items"], now)
        ids.update((str(row[key]), row[key]) for row in answer.content["items"])
    moved = [ids.get(text, text) for text in {**watched, **now} if watched.get(text) != now.get(text)]
    if len(moved) >= _MANY and not now:
        probe = client.read("GET", resource.path, params={"limit": 1, "onlyData": "true", "fields": key}).content["items"]
        if not probe:
            raise _out_of_sight(client, wanted.name, len(moved))
    watched.clear()
    watched.update(now)
    yield from _by_key(client, resource, moved, tell_gone=True)


def _out_of_sight(client: Client, name: str, count: int) -> NotPermitted:
    """Lost data access looks like an empty list: nothing is taken for deleted then."""
    return NotPermitted(
        f"the list is empty though {count} of its records were there before.", where=f"{client.connection.name}.{name}",
        mend="Check the integration user's data access; if they are really gone, run with --full.")


def _newest(newest: str, rows: Sequence[Record], stamp: str) -> str:
    return max([newest, *(at for row in rows if isinstance(at := row.get(stamp), str))])


def _by_key(client: Client, resource: Resource, keys: Sequence[Any], *, tell_gone: bool = False) -> Iterator[Page]:
    key = _path(resource, resource.key[0])
    is_text = resource.columns[resource.key[0]].type == "string"
    for some in chunks(list(keys), _TOGETHER):
        listed = ", ".join(_quoted(str(one)) if is_text else str(int(one)) for one in some)
        found: set[str] = set()
        for answer in _slices(client, resource, [f"{key} in ({listed})"]):
            found |= {str(row.get(key)) for row in answer.content["items"]}
            yield _page(client, resource, answer, whole=True)
        if tell_gone and (gone := [one for one in some if str(one) not in found]):
            yield _gone(resource, gone, client.server_time())


def _gone(resource: Resource, keys: Sequence[Any], now: datetime) -> Page:
    rows = [{resource.key[0]: int(one), resource.version: _stamp(now)} for one in keys]
    return Page(rows, now, changed=[now] * len(rows), tombstones=True, whole_parents=[int(one) for one in keys])


def _tombstones(client: Client, resource: Resource, low: str) -> Iterator[Page]:
    """Parties that the list of deleted records names; a first read has nothing landed that could have been deleted."""
    assert resource.deletes is not None
    listed = resource.model_copy(update={"path": _DELETED, "params": {"orderBy": "LastUpdateDate:asc,DeletedRecordId:asc"}})
    answers = _offsets(client, listed, [f"ObjectCode = '{resource.deletes.record_type}'", f"LastUpdateDate >= '{low}'"])
    while True:
        try:
            answer = next(answers, None)
        except Refused as error:
            if error.status in (403, 404):
                return  # the resource deleted_records fails for it and says so; the parties themselves land
            raise
        if answer is None:
            return
        rows = [
            {resource.key[0]: int(row["KeyAttributeValues"]), resource.version: row["LastUpdateDate"]} for row in answer.content["items"]
            if row.get("KeyAttributeNames") == "PartyId" and str(row.get("KeyAttributeValues")).isdigit()]
        if rows:
            yield Page(
                rows, answer.at, changed=[answer.at] * len(rows), tombstones=True, whole_parents=[row[resource.key[0]] for row in rows])


# --- rows under other records --------------------------------------------------------------------------------------------


def _under(client: Client, wanted: Wanted) -> Iterator[Page]:
    """Rows that are read under each record of another resource: all of them at first, later those of changed parents."""
    resource = wanted.resource
    is_soap = resource.path.startswith("/fscmService/")
    if wanted.keys is not None and not is_soap:
        return  # no address leads from such a row's key to the row
    if resource.parent and not wanted.first:
        yield from _under_changed(client, wanted)
        return
    holders = client.system.resources[resource.under]
    named = _braced(resource.path + resource.params.get("finder", "")) or {_path(holders, holders.key[0]), *(("AccountNumber",) if is_soap else ())}
    fields = {**({"orderBy": holders.params["orderBy"]} if "orderBy" in holders.params else {}), "fields": ",".join(sorted(
        named & _paths(holders) | {_path(holders, name) for name in holders.key}))}
    conditions = []
    if wanted.keys is not None:
        conditions = [f"{_path(holders, holders.key[0])} in ({', '.join(str(int(key)) for key in wanted.keys)})"]
    light = holders.model_copy(update={"params": fields})
    work: Callable[[Record], list[Record]] = (
        (lambda holder: _profile(client, resource, holder)) if is_soap else (lambda holder: _rows_under(client, resource, holder, [])))
    for answer in (_offsets if "orderBy" in fields else _slices)(client, light, conditions):
        for some in chunks(answer.content["items"], _ACCOUNTS_TOGETHER):
            rows = [row for found in _at_once(client, work, some) for row in found]
            yield _rows_page(client, resource, rows, client.server_time(), text=is_soap)
    if wanted.keys is None:
        yield Page([], client.server_time(), {"read": _stamp(client.server_time())})


def _under_changed(client: Client, wanted: Wanted) -> Iterator[Page]:
    """The changed parents' rows: parent -> the account that it names -> the rows of that account that belong to the parent."""
    resource = wanted.resource
    parents, holders = client.system.resources[resource.parent], client.system.resources[resource.under]
    name_there, _, name_here = resource.under_by.partition("=")
    key, own = _path(parents, parents.key[0]), _path(resource, resource.parent_key)
    for some in chunks(list(wanted.changed_parents()), _TOGETHER):
        light = parents.model_copy(update={"params": {"fields": f"{key},{name_there}"}})
        held_by: dict[str, list[int]] = {}
        for answer in _slices(client, light, [f"{key} in ({', '.join(str(int(one)) for one in some)})"]):
            for row in answer.content["items"]:
                if row.get(name_there):
                    held_by.setdefault(str(row[name_there]), []).append(int(row[key]))
        if held_by:
            light = holders.model_copy(update={"params": {"fields": f"{_path(holders, holders.key[0])},{name_here}"}})
            for answer in _slices(client, light, [f"{name_here} in ({', '.join(map(_quoted, held_by))})"]):
                def work(holder: Record, held_by: Mapping[str, list[int]] = held_by) -> list[Record]:
                    listed = ", ".join(map(str, held_by[str(holder[name_here])]))
                    return _rows_under(client, resource, holder, [f"{own} in ({listed})"])

                rows = [row for found in _at_once(client, work, answer.content["items"]) for row in found]
                yield _rows_page(client, resource, rows, client.server_time())
        yield Page([], client.server_time(), whole_parents=[int(one) for one in some])
    yield Page([], client.server_time(), {"read": _stamp(client.server_time())})


def _rows_under(client: Client, resource: Resource, holder: Record, conditions: list[str]) -> list[Record]:
    now = client.server_time()
    told = {**client.settings, "today": now.date().isoformat(), "yesterday": (now.date() - timedelta(days=1)).isoformat()}
    if holder.get("CurrencyCode") == told.get("base_currency") and "CurrencyCode" in holder:
        return []  # no rate leads from a currency to itself
    told |= {name: quote(str(value), safe=":") for name, value in holder.items() if name != "links"}
    params = {name: value.format_map(told) for name, value in resource.params.items()}
    one = resource.model_copy(update={"path": resource.path.format_map(told), "params": {"orderBy": f"{_path(resource, resource.key[0])}:asc", **params}})
    return [row for answer in _offsets(client, one, conditions) for row in _flat(client, one, answer.content["items"])]


def _rows_page(client: Client, resource: Resource, rows: list[Record], at: datetime, *, text: bool = False) -> Page:
    changed = [at] * len(rows)
    if resource.under == "currencies":
        changed = [datetime.fromisoformat(row["ConversionDate"]).replace(tzinfo=UTC) for row in rows]
    return Page(rows, at, changed=changed, text=text)


def _profile(client: Client, resource: Resource, holder: Record) -> list[Record]:
    """The active credit profile of one account."""
    body = (
        f'<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="{_SOAP}" xmlns:typ="{_PROFILE}types/" xmlns:cus="{_PROFILE}">'
        f"<soapenv:Body><typ:getActiveCustomerProfile><typ:customerProfile><cus:AccountNumber>{escape(str(holder['AccountNumber']))}"
        "</cus:AccountNumber></typ:customerProfile></typ:getActiveCustomerProfile></soapenv:Body></soapenv:Envelope>")
    headers = {"Content-Type": "text/xml; charset=utf-8", "Accept": "text/xml", "SOAPAction": f"{_PROFILE}getActiveCustomerProfile"}
    answer = client.request("POST", resource.path, data=body.encode(), headers=headers)
    try:
        envelope = ElementTree.fromstring(answer.content)
    except ElementTree.ParseError:
        raise ConcordError("the profile service's answer is no XML.", where=client.connection.name, mend="Try again later.") from None
    # elements are told by their local names, a profile by what it holds: how it is wrapped is not certain
    found = ({cell.tag.rpartition("}")[2]: cell.text for cell in value} for value in envelope.iter())
    return [profile for profile in found if "CustomerAccountId" in profile and "CreditHold" in profile]


def _at_once(client: Client, work: Callable[[Record], list[Record]], items: Sequence[Record]) -> list[list[Record]]:
    """Bounded by the connection's concurrency, results in the order of the items."""
    if len(items) < 2:
        return [work(item) for item in items]
    with ThreadPoolExecutor(min(len(items), client.system.limits.concurrency)) as pool:
        return list(pool.map(work, items))


# --- requests ------------------------------------------------------------------------------------------------------------


def _slices(client: Client, resource: Resource, conditions: list[str], after: Sequence[Any] | None = None) -> Iterator[Answer]:
    """Pages by `key > last`."""
    names = [_path(resource, name) for name in resource.key]
    order = ",".join(f"{name}:asc" for name in names)
    while True:
        answer = _list(client, resource, [*conditions, *([_beyond(names, after)] if after else [])], order)
        yield answer
        rows = answer.content["items"]
        if not answer.content["hasMore"] or not rows:
            return
        after, before = _marks(resource, rows[-1]), after
        if after == before:
            raise _stuck(client, resource)


def _since(client: Client, resource: Resource, low: str) -> Iterator[Answer]:
    """Pages by (stamp, key), from a stamp on."""
    stamp = _path(resource, resource.cursor)
    names = [stamp, *(_path(resource, name) for name in resource.key)]
    order = ",".join(f"{name}:asc" for name in names)
    condition = f"{stamp} >= '{low}'"
    while True:
        answer = _list(client, resource, [condition], order)
        yield answer
        rows = answer.content["items"]
        if not answer.content["hasMore"] or not rows:
            return
        condition, before = _beyond(names, [rows[-1].get(stamp), *_marks(resource, rows[-1])]), condition
        if condition == before:
            raise _stuck(client, resource)


def _offsets(client: Client, resource: Resource, conditions: list[str]) -> Iterator[Answer]:
    """For lists that take no filter on their key."""
    offset = 0
    while True:
        answer = _list(client, resource, conditions, resource.params.get("orderBy", ""), offset)
        yield answer
        rows = answer.content["items"]
        if not answer.content["hasMore"] or not rows:
            return
        offset += len(rows)


def _list(client: Client, resource: Resource, conditions: list[str], order: str, offset: int = 0) -> Answer:
    told = [condition for condition in (resource.params.get("q"), *conditions) if condition]
    params: dict[str, Any] = {
        **{name: value for name, value in resource.params.items() if name not in ("q", "orderBy")}, "onlyData": "true",
        "limit": client.system.limits.page_size}
    if order:
        params["orderBy"] = order
    if offset:
        params["offset"] = offset
    if told:
        params["q"] = told[0] if len(told) == 1 else " and ".join(f"({condition})" for condition in told)
    return client.read("GET", resource.path, params=params)


def _beyond(names: Sequence[str], last: Sequence[Any]) -> str:
    """After the last row in the order of these attributes."""
    parts = []
    for place, name in enumerate(names):
        same = [f"{names[before]} = {_literal(last[before])}" for before in range(place)]
        parts.append(" and ".join([*same, f"{name} > {_literal(last[place])}"]))
    return parts[0] if len(parts) == 1 else " or ".join(f"({part})" for part in parts)


def _stuck(client: Client, resource: Resource) -> ConcordError:
    return ConcordError(f"{resource.path} leads to the same page again.", where=client.connection.name, mend="Run it again later.")


def _literal(value: Any) -> str:
    return _quoted(value) if isinstance(value, str) else str(value)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


# --- rows ----------------------------------------------------------------------------------------------------------------


def _page(client: Client, resource: Resource, answer: Answer, state: State | None = None, *, whole: bool = False) -> Page:
    rows = _flat(client, resource, answer.content["items"])
    key = _path(resource, resource.key[0])
    parents = [row.get(key) for row in rows] if whole and any(child.parent_key for child in resource.children.values()) else []
    return Page(rows, answer.at, state, changed=[answer.at] * len(rows), whole_parents=parents)


def _flat(client: Client, resource: Resource, rows: list[Record]) -> list[Record]:
    """Nested collections become lists; those that are cut are read on from their own address.

    Fusion sends every attribute that it has, null where nothing is kept in it: one that nobody named counts once it holds something.
    """
    _without_empty(rows, _named(resource) | client.system.ignored | {child.path for child in resource.children.values()})
    expanded = [path.strip().split(".") for path in resource.params.get("expand", "").split(",") if path.strip()]
    for path in expanded:
        _flatten(client, resource, rows, path, [])
    for child in resource.children.values():
        members = [member for row in rows for member in row.get(child.path) or () if isinstance(member, dict)]
        _without_empty(members, _named(child) | client.system.ignored)
    return rows


def _named(spec: Resource | Child) -> frozenset[str]:
    return frozenset().union(*(column.heads for column in spec.columns.values())) | spec.ignored


def _without_empty(rows: Sequence[Record], named: frozenset[str]) -> None:
    for name in (rows[0].keys() if rows else set()) - named:
        if all(row.get(name) is None for row in rows):
            for row in rows:
                row.pop(name, None)


def _flatten(client: Client, resource: Resource, rows: list[Record], path: list[str], above: list[str]) -> None:
    name, deeper = path[0], path[1:]
    for row in rows:
        held = row.get(name)
        if isinstance(held, dict):
            members = held.get("items") or []
            if held.get("hasMore"):
                if above:  # the second level is never this long; its address would need its parent's hash
                    raise ConcordError(
                        f"more rows of {name} under one {above[-1]} than an answer holds.", where=client.connection.name, mend="Report it.")
                members = _rest(client, resource, row, name, ".".join(deeper))
            row[name] = held = members
        if deeper and isinstance(held, list):
            _flatten(client, resource, held, deeper, [*above, name])


def _rest(client: Client, resource: Resource, row: Record, name: str, expand: str) -> list[Record]:
    """All rows of a nested list that came cut, from its own address. The parent's address is asked for: it may hold a hash."""
    key = _path(resource, resource.key[0])
    found = client.read("GET", resource.path, params={"q": f"{key} = {_literal(row[key])}", "fields": key, "limit": 1}).content["items"]
    own = next(link["href"] for link in found[0]["links"] if link["rel"] == "self")
    spec = next((child for child in resource.children.values() if child.path == name), None)
    order = {"orderBy": f"{spec.columns[spec.key[0]].path}:asc"} if spec is not None else {}
    nested = resource.model_copy(update={"path": f"{own}/child/{name}", "params": {**order, **({"expand": expand} if expand else {})}})
    return [member for answer in _offsets(client, nested, []) for member in answer.content["items"]]


def _watch(resource: Resource, rows: Sequence[Record], watched: dict[str, Any]) -> None:
    if not resource.watch:
        return
    key = _path(resource, resource.key[0])
    for row in rows:
        amount = row.get(resource.watch)
        if amount:
            watched[str(row.get(key))] = amount
        else:
            watched.pop(str(row.get(key)), None)


def _marks(resource: Resource, row: Record) -> list[Any]:
    return [row.get(_path(resource, name)) for name in resource.key]


def _path(resource: Resource, column: str) -> str:
    return resource.columns[column].path


def _paths(resource: Resource) -> set[str]:
    return {column.path for column in resource.columns.values()}


def _braced(text: str) -> set[str]:
    return {part.partition("}")[0] for part in text.split("{")[1:]} if "{" in text else set()


def _overlap(client: Client, resource: Resource) -> timedelta:
    return resource.overlap or client.system.overlap


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds")


def _earlier(stamp: str, overlap: timedelta) -> str:
    return _stamp(datetime.fromisoformat(stamp) - overlap)


# --- what else a protocol offers -----------------------------------------------------------------------------------------


def counter(system: System, resource: Resource) -> Callable[[Client], int] | None:
    """The vendor's own total of a list. Rows under other records and profiles have none."""
    if resource.under:
        return None

    def count(client: Client) -> int:
        params = {
            "limit": 1, "onlyData": "true", "totalResults": "true", "fields": _path(resource, resource.key[0]),
            **({"q": resource.params["q"]} if "q" in resource.params else {})}
        total = client.read("GET", resource.path, params=params).content.get("totalResults")
        if total is None:
            raise ConcordError("the answer has no totalResults.", where=client.connection.name)
        return int(total)

    return count


def describe(client: Client) -> tuple[str, str]:
    """Fusion tells neither the user's name nor a quota; the legal entities that the user sees say who we are."""
    try:
        rows = client.read("GET", "legalEntitiesLOV", params={"onlyData": "true", "fields": "Name", "orderBy": "Name:asc", "limit": 5}).content["items"]
    except Refused as error:
        raise ConcordError(
            f"the legal entities cannot be read: {error.status} {error.code} {error.message}".rstrip(". ") + ".", where=client.connection.name,
            mend="Give the integration user the privilege to read legal entities.") from None
    names = ", ".join(str(row.get("Name")) for row in rows)
    return f"a user who sees {names or 'no legal entity'}", ""


def newest_change(client: Client) -> str:
    """The newest stamps of parties, orders and invoices. A credit hold alone moves no stamp that can be asked for."""

    def newest(place: tuple[str, str]) -> str:
        path, stamp = place
        rows = client.read("GET", path, params={"onlyData": "true", "fields": stamp, "orderBy": f"{stamp}:desc", "limit": 1}).content["items"]
        return str(rows[0].get(stamp)) if rows else ""

    with ThreadPoolExecutor(len(_CHANGES)) as pool:
        return "|".join(pool.map(newest, _CHANGES))
