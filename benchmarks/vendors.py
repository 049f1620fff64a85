"""Every vendor's connector against its sandbox: speed beside the floor, requests a second under delay, what a small change costs.

The floor replays the very requests that carried the rows, one after another, and lets DuckDB type the answers: no login, no cursors, no
dedupe, no audit, no landing. Here: companies made by hand, measuring, one table. Not here: the connectors or what the sandbox answers.

    python benchmarks/vendors.py [system ...] [--rows 100000] [--rounds 3] [--delay 50] [--changes] [--change-rows 100000]
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import re
import resource
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from importlib import import_module
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # a clean checkout need not be installed; children import it too

CHANGED = 100
BAR = 3.0
_PRIVATE = frozenset({"host", "content-length", "connection", "accept-encoding", "user-agent"})  # each client's own headers


@dataclass(frozen=True)
class Bench:
    """What is measured at one vendor.

    `rows`: where the rows are in an answer; empty: the answer is the list, "csv": it is a file. `member`: the field of a row that holds the
    record. `pages`: addresses that carry the rows; `asks`: addresses that a floor must call as well. `most`: the published limit, requests
    in so many seconds. `limit`: the same in words.
    """

    table: str
    entity: str
    rows: str
    key: str
    pages: str
    limit: str
    most: tuple[int, int] | None = None
    member: str = ""
    asks: str = ""
    lifted: dict[str, Any] = field(default_factory=dict)  # the sandbox's limits, out of the way
    settings: dict[str, str] = field(default_factory=dict)
    adds: bool = False  # its records do not change once they are there: new ones are the change
    counted: str = ""  # addresses that count against the limit; all where empty
    changes: str = "by stamp"  # how the vendor lets us read what changed


_SALESFORCE = Bench(
    "accounts", "customers", "csv", "Id", r"jobs/query/\w+/results", "15,000 / 24 h", (15_000, 86_400), asks=r"jobs/query$",
    lifted={"daily_api_requests": 10**9, "daily_query_jobs": 10**9}, changes="by stamp")
BENCHES: dict[str, Bench] = {
    "netsuite": Bench("transactions", "invoices", "items", "id", "suiteql", "no rate; 5 at once", lifted={"concurrency": 100},
                      settings={"account": "1234567_SB1", "time_zone": "America/Los_Angeles"}),
    "sap_s4hana": Bench("billing_documents", "invoices", "d.results", "BillingDocument", "A_BillingDocument$", "none published"),
    "oracle_fusion": Bench("invoices", "invoices", "items", "CustomerTransactionId", "receivablesInvoices$", "none published",
                           changes="by stamp, open balances compared"),
    "dynamics365_finance": Bench("invoices", "invoices", "value", "InvoiceNumber", "SalesInvoiceHeadersV2", "none (load decides)",
                                 lifted={"most_at_once": 10**6},
                                 settings={"environment": "concord-test.sandbox"}, adds=True, changes="by day, the last 10 days again"),
    "salesforce": _SALESFORCE,
    "salesforce_service": replace(_SALESFORCE, table="cases", entity="tickets"),
    "stripe": Bench("invoices", "invoices", "data", "id", "v1/invoices$", "100 / s", (100, 1),
                    lifted={"requests_per_second": None, "most_in_flight": 10**6}, settings={"api_version": "2026-10-28.endive"},
                    changes="by events"),
    "chargebee": Bench("invoices", "invoices", "list", "id", "v2/invoices$", "3,500 / min", (3500, 60), member="invoice",
                       lifted={"requests_per_minute": None}, settings={"site": "concord-test"}),
    "zuora": Bench("invoices", "invoices", "csv", "id", r"^(?!.*query/jobs).*file", "50,000 / min", (50_000, 60), asks="query/jobs$",
                   lifted={"requests_per_minute": 0, "requests_per_hour": 0, "requests_per_day": 0}),
    "zendesk": Bench("tickets", "tickets", "tickets", "id", "incremental/tickets", "30 exports / min", (30, 60), counted="incremental/",
                     lifted={"requests_per_minute": 10**9, "exports_per_minute": 10**9}),
    "freshdesk": Bench("tickets", "tickets", "", "id", "v2/tickets$", "700 / min", (700, 60),
                       lifted={"requests_per_minute": None, "ticket_lists_per_minute": None, "contact_lists_per_minute": None,
                               "archived_after_days": 10_000}),
    "servicenow": Bench("cases", "tickets", "result", "sys_id", "table/sn_customerservice_case$", "none by default"),
}

# lists in which nothing tells what changed: every ingest reads them whole and compares. They are measured only when they are named
BENCHES |= {
    "dynamics365_finance:customers": replace(
        BENCHES["dynamics365_finance"], table="customers", entity="customers", key="CustomerAccount", pages="CustomersV3", adds=False,
        changes="whole list, compared"),
    "sap_s4hana:customers": replace(
        BENCHES["sap_s4hana"], table="customers", entity="customers", key="Customer", pages="A_Customer$", changes="whole list, compared"),
}


def _system(name: str) -> str:
    return name.partition(":")[0]


# ------------------------------------------------------------------ companies


def company(system: str, entity: str, rows: int, now: datetime, *, everything: bool = False) -> Any:
    """A view with so many rows of one entity, spread over 300 days, and what they refer to; `everything`: the other entities as well."""
    from sandbox.world.landscape import ROLE_OF
    from sandbox.world.model import Agent, Contact, Customer, Product, View

    first = now - timedelta(days=301)
    few = rows if entity == "customers" else max(1, rows // 10) if everything else 100
    step = timedelta(days=300) / max(rows, 1)

    def at(place: int) -> datetime:
        return (first + step * (place % rows)).replace(microsecond=0)

    view = View(system=system, as_of=now, role=ROLE_OF[system], name=system)
    view.agents = [Agent(key=1, created_at=first, updated_at=first, name="Ada Agent", email="ada@company.example")]
    view.products = [Product(
        key=1, created_at=first, updated_at=first, sku="SKU-1", name="Widget", description="A widget", unit_price=Decimal("12.50"), currency="USD",
        is_recurring=True, tier="standard")]
    view.customers = [
        Customer(
            key=number, created_at=at(number), updated_at=at(number), name=f"Customer {number}", domain=f"c{number}.example",
            tax_id=f"GB{number:09d}", email=f"billing@c{number}.example", phone="+44 20 7946 0000", street=f"{number} High Street",
            city="Leeds", region="ENG", postcode="LS1 1AA", country="GB", currency="USD", erp_customer=number)
        for number in range(1, few + 1)]
    view.contacts = [
        Contact(key=number, created_at=at(number), updated_at=at(number), customer=number, first_name="Con", last_name=f"Tact {number}",
                email=f"con@c{number}.example", phone="+44 20 7946 0001")
        for number in range(1, (few if everything or entity == "tickets" else 0) + 1)]
    makers: dict[str, Callable[[int, datetime, int], Any]] = {"invoices": invoice, "tickets": ticket, "orders": order}
    for name in makers if everything else (entity,):
        if name in makers:
            setattr(view, name, [makers[name](number, at(number - 1), 1 + number % few) for number in range(1, rows + 1)])
    return view


def _line() -> Any:
    from sandbox.world.model import Line

    return Line(number=1, product=1, description="Widgets", quantity=Decimal(2), unit_price=Decimal("12.50"), amount=Decimal(25), tax=Decimal(5))


def invoice(number: int, at: datetime, customer: int) -> Any:
    """One in twenty is open."""
    from sandbox.world.model import Invoice

    left = Decimal(30 if number % 20 == 0 else 0)
    return Invoice(
        key=number, created_at=at, updated_at=at, customer=customer, number=f"INV-{number:07d}", status="open" if left else "paid",
        invoice_date=at.date(), due_date=at.date() + timedelta(days=30), finalized_at=at, currency="USD", subtotal=Decimal(25), tax=Decimal(5),
        total=Decimal(30), amount_paid=30 - left, amount_remaining=left, lines=[_line()], paid_at=None if left else at)


def order(number: int, at: datetime, customer: int) -> Any:
    from sandbox.world.model import Order

    return Order(
        key=number, created_at=at, updated_at=at, customer=customer, number=f"SO-{number:07d}", status="billed", order_date=at.date(),
        currency="USD", subtotal=Decimal(25), tax=Decimal(5), total=Decimal(30), lines=[_line()])


def ticket(number: int, at: datetime, customer: int) -> Any:
    from sandbox.world.model import Comment, Ticket

    return Ticket(
        key=number, created_at=at, updated_at=at, customer=customer, contact=customer, assignee=1, subject=f"Where is order SO-{number:07d}?",
        type="question", priority="normal", status="open", order_number=f"SO-{number:07d}", tags=["orders"],
        comments=[Comment(at=at, author=1, is_agent=True, is_public=True, body="We look into it.")])


def changed(bench: Bench, view: Any, now: datetime) -> Any:
    """A view of a hundred of its records as they are now, evenly taken from all of them; new ones where records do not change."""
    from sandbox.world.model import View

    rows = getattr(view, bench.entity)
    if bench.adds:
        found = [invoice(len(rows) + number, now, 1) for number in range(1, CHANGED + 1)]
    else:
        named: dict[str, dict[str, Any]] = {
            "customers": {"phone": "+44 20 7946 0009"}, "tickets": {"status": "pending"}, "invoices": {"due_date": date(2027, 1, 31)}}
        found = [replace(row, updated_at=now, **named[bench.entity]) for row in rows[:: max(1, len(rows) // CHANGED)][:CHANGED]]
    moved = View(system=view.system, as_of=now, role=view.role, name=view.name)
    setattr(moved, bench.entity, found)
    return moved


# ------------------------------------------------------------------ the vendor, in a process of its own


class Watched:
    """A vendor that notes what it is asked; `keeps`: and which answers carried rows."""

    def __init__(self, vendor: Any, bench: Bench) -> None:
        self.vendor, self.bench = vendor, bench
        self.name, self.store = vendor.name, vendor.store
        self.times: list[float] = []
        self.at_once = self.counted = 0
        self.keeps = False
        self.kept: list[tuple[str, str, dict[str, str], bytes]] = []
        self.bytes = 0

    def handle(self, request: Any) -> Any:
        answer = self.vendor.handle(request)
        self.times.append(time.perf_counter())
        self.at_once = max(self.at_once, request.in_flight)
        self.counted += re.search(self.bench.counted, request.path) is not None
        if self.keeps and answer.status in (200, 201):
            asks = bool(self.bench.asks) and re.search(self.bench.asks, request.path) is not None and request.method == "POST"
            if asks or (re.search(self.bench.pages, request.path) and _carries(self.bench, answer.body)):
                self.bytes += len(answer.body)
                query = f"?{urlencode(request.query)}" if request.query else ""
                headers = {name: value for name, value in request.headers.items() if name not in _PRIVATE}
                self.kept.append((request.method, request.base_url + quote(request.path, safe="/();=',$@:") + query, headers, request.body))
        return answer

    def rate_limited(self, request: Any) -> Any:
        return self.vendor.rate_limited(request)

    def unavailable(self, request: Any) -> Any:
        return self.vendor.unavailable(request)

    def expire_tokens(self) -> None:
        self.vendor.expire_tokens()


def _carries(bench: Bench, body: bytes) -> bool:
    import orjson

    if bench.rows == "csv":
        return body.count(b"\n") > 1
    try:
        found = orjson.loads(body)
    except ValueError:
        return False
    for step in filter(None, bench.rows.split(".")):
        found = found.get(step) if isinstance(found, dict) else None
    return isinstance(found, list) and bool(found)


def serve(system: str, rows: int, everything: bool, folder: str, pipe: Pipe) -> None:
    """Answer until told to stop. The sandbox's own small world only lends its server; the vendor behind it is a fresh one."""
    from sandbox.accounts import settings as credentials
    from sandbox.protocol import Store
    from sandbox.server import running

    bench, home, system = BENCHES[system], Path(folder), _system(system)
    with running(home, scale=0.05, vendors=(system,)) as sandbox:
        create = import_module(f"sandbox.{system}").create
        vendor = create(Store(), sandbox.clock, **{**credentials(system, home), **bench.lifted})
        view = company(system, bench.entity, rows, sandbox.clock.now().replace(microsecond=0), everything=everything)
        vendor.load(view)
        vendor.store.take_effects()
        watched = Watched(vendor, bench)
        sandbox.vendors[system] = watched  # type: ignore[assignment]
        pipe.send(sandbox.url(system))
        while True:
            order_, value = pipe.recv()
            if order_ == "stop":
                return
            if order_ == "keep":
                watched.keeps = value
            elif order_ == "delay":
                sandbox.fault(system, "delay", count=10**7, seconds=value)
            elif order_ == "change":
                now = sandbox.clock.now().replace(microsecond=0)
                with vendor.store.lock:
                    vendor.apply(changed(bench, view, now))
                    vendor.store.take_effects()
                sandbox.advance(seconds=900)  # past what a vendor holds back
            times = watched.times or [0.0]
            pipe.send({"kept": watched.kept, "bytes": watched.bytes, "requests": len(watched.times), "first": times[0], "last": times[-1],
                       "counted": watched.counted, "at_once": watched.at_once})


class Server:
    """The process of one vendor."""

    def __init__(self, system: str, rows: int, *, everything: bool = False) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="concord-vendor-"))
        context = multiprocessing.get_context("spawn")
        self._pipe, other = context.Pipe()
        self._process = context.Process(target=serve, args=(system, rows, everything, str(self.home), other), daemon=True)
        self._process.start()
        other.close()
        self.url: str = self._pipe.recv()

    def tell(self, order_: str, value: Any = None) -> dict[str, Any]:
        self._pipe.send((order_, value))
        found: dict[str, Any] = self._pipe.recv()
        return found

    def close(self) -> None:
        if self._process.is_alive():
            self._pipe.send(("stop", None))
        self._process.join(20)
        if self._process.is_alive():
            self._process.terminate()
        shutil.rmtree(self.home, ignore_errors=True)


# ------------------------------------------------------------------ the two that are compared


def floor(system: str, work: dict[str, Any], home: Path) -> dict[str, Any]:
    """The pages, one after another, as files; DuckDB makes a typed table of them."""
    import duckdb
    import orjson
    import requests

    bench, session = BENCHES[system], requests.Session()
    session.trust_env = False
    is_file = bench.rows == "csv"
    for place, (method, url, headers, body) in enumerate(work["kept"]):
        content = session.request(method, url, headers=headers, data=body or None).content
        if bench.asks and method == "POST" and re.search(bench.asks, url):
            continue
        (home / f"{place:06d}.page").write_bytes(content)
        if not is_file:
            orjson.loads(content)  # whoever reads pages must look for the next one
    inner = f"unnest(r.{bench.member})" if bench.member else "unnest(r)"
    source = f"read_json('{home}/*.page', maximum_object_size = 268435456)"
    if is_file:
        query = f"SELECT * FROM read_csv('{home}/*.page', header = true, quote = '\"', escape = '\"', max_line_size = 33554432)"
    elif not bench.rows:
        query = f"SELECT * FROM {source}"
    else:
        query = f"SELECT {inner} FROM (SELECT unnest({bench.rows}) AS r FROM {source})"
    with duckdb.connect(str(home / "floor.duckdb")) as database:
        database.execute(f"CREATE TABLE t AS {query}")
        [(count,)] = database.execute(f'SELECT count(DISTINCT "{bench.key}") FROM t').fetchall()
    return {"rows": count, "requests": len(work["kept"])}


def ours(system: str, work: dict[str, Any], home: Path) -> dict[str, Any]:
    from concord.connections import Connection
    from concord.sandbox_control import accounts_at
    from concord.settings import load_settings
    from ingestion.run import ingest
    from sandbox.world.landscape import ROLE_OF

    bench, system = BENCHES[system], _system(system)
    role: Any = ROLE_OF[system]
    connection = Connection(name=system, system=system, role=role, sandbox=True, settings=bench.settings)
    settings = load_settings({"CONCORD_HOME": work.get("home") or str(home / "home"), "CONCORD_DATA": ""})
    [result] = ingest(
        settings, {system: connection}, resources=work["resources"], accounts=accounts_at(Path(work["server_home"]), {system: work["url"]}))
    if result.error:
        raise result.error
    incomplete = [f"{audited.resource}: {audited}" for audited in result.audits if not audited.is_complete]
    return {"rows": result.rows.get(bench.table, 0), "requests": result.requests, "incomplete": incomplete or result.stopped or dict(result.failed)}


def _measure(name: str, system: str, work: dict[str, Any], pipe: Pipe) -> None:
    import dlt
    import dlt.common.libs.pyarrow
    import dlt.destinations.impl.filesystem.filesystem
    import duckdb
    import pandas  # noqa: F401 - pyarrow loads it where it is installed
    import requests  # noqa: F401

    import ingestion.run  # imports are not what is measured
    assert dlt and duckdb and ingestion.run
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    home = Path(tempfile.mkdtemp(prefix="concord-bench-"))
    try:
        started, cpu = time.perf_counter(), time.process_time()
        found = {"floor": floor, "ours": ours}[name](system, work, home)
        seconds = time.perf_counter() - started
        pipe.send({**found, "seconds": seconds, "cpu": time.process_time() - cpu, "before": before,
                   "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024})
    except BaseException as error:  # noqa: BLE001 - told to the process that asked
        pipe.send({"error": f"{type(error).__name__}: {error}"})
    finally:
        shutil.rmtree(home, ignore_errors=True)


def measured(name: str, system: str, work: dict[str, Any]) -> dict[str, Any]:
    """In a process of its own, so that peaks do not mix. Raises RuntimeError with what went wrong there."""
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_measure, args=(name, system, work, sender))
    process.start()
    sender.close()
    try:
        found: dict[str, Any] = receiver.recv()
    finally:
        process.join()
    if "error" in found:
        raise RuntimeError(f"{system}: {name}: {found['error']}")
    return found


# ------------------------------------------------------------------ the three measurements


def _say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def speed(system: str, rows: int, rounds: int, changes: bool) -> dict[str, Any]:
    """Rounds of floor and ours in turn; then, where asked, a second ingest after a hundred changes."""
    bench, kept_home = BENCHES[system], Path(tempfile.mkdtemp(prefix="concord-bench-"))
    server = Server(system, rows)
    try:
        work = {"url": server.url, "server_home": str(server.home), "resources": [bench.table]}
        server.tell("keep", True)
        first = measured("ours", system, {**work, "home": str(kept_home)})
        told = server.tell("keep", False)
        assert first["rows"] == rows and not first["incomplete"], (system, first)
        if not told["kept"]:
            raise RuntimeError(f"{system}: no answer carried rows as the floor reads them; where bulk reads are meant, ask for more rows")
        runs: dict[str, list[dict[str, Any]]] = {"floor": [], "ours": []}
        for _ in range(rounds):  # turn and turn about, so that a busy moment hits both
            for name in runs:
                run = measured(name, system, {**work, "kept": told["kept"]} if name == "floor" else work)
                assert run["rows"] == rows, (system, name, run)
                runs[name].append(run)
                _say(f"{system} {name} {run['seconds']:.1f} s, cpu {run['cpu']:.1f} s, {run['requests']} requests, {run['peak']:.0f} MB")
        middle = {name: {key: statistics.median(run[key] for run in found) for key in ("seconds", "cpu", "peak")} for name, found in runs.items()}
        found = {
            "rows": rows, "megabytes": told["bytes"] / 1e6, "pages": len(told["kept"]), "requests": first["requests"],
            "floor_seconds": middle["floor"]["seconds"], "seconds": middle["ours"]["seconds"],
            "ratio": middle["ours"]["seconds"] / middle["floor"]["seconds"], "cpu_ratio": middle["ours"]["cpu"] / middle["floor"]["cpu"],
            "floor_peak": middle["floor"]["peak"], "peak": middle["ours"]["peak"]}
        if changes:
            found |= _change(server, system, work, kept_home, first | {"seconds": middle["ours"]["seconds"]})
        return found
    finally:
        server.close()
        shutil.rmtree(kept_home, ignore_errors=True)


def change(system: str, rows: int) -> dict[str, Any]:
    """Land so many rows once, change a hundred, ingest again."""
    bench, home = BENCHES[system], Path(tempfile.mkdtemp(prefix="concord-bench-"))
    server = Server(system, rows)
    try:
        work = {"url": server.url, "server_home": str(server.home), "resources": [bench.table]}
        first = measured("ours", system, {**work, "home": str(home)})
        assert first["rows"] == rows and not first["incomplete"], (system, first)
        _say(f"{system} first ingest of {rows:,}: {first['seconds']:.1f} s, {first['requests']} requests, {first['peak']:.0f} MB")
        return _change(server, system, work, home, first)
    finally:
        server.close()
        shutil.rmtree(home, ignore_errors=True)


def _change(server: Server, system: str, work: dict[str, Any], home: Path, first: dict[str, Any]) -> dict[str, Any]:
    server.tell("change")
    second = measured("ours", system, {**work, "home": str(home)})
    _say(f"{system} after {CHANGED} changes: {second}")
    return {"change_of": first["rows"], "first_requests": first["requests"], "first_seconds": first["seconds"],
            "second_requests": second["requests"], "second_seconds": second["seconds"], "second_rows": second["rows"]}


def delayed(system: str, rows: int, milliseconds: int) -> dict[str, Any]:
    """The whole connection with every answer late: how many requests a second, how many at once."""
    from ingestion.spec import load_system

    server = Server(system, rows, everything=True)
    try:
        server.tell("delay", milliseconds / 1000)
        work = {"url": server.url, "server_home": str(server.home), "resources": None}
        found = measured("ours", system, work)
        told = server.tell("look")
    finally:
        server.close()
    # from the first request to the last: what ingest does before and after has nothing to do with the vendor
    seconds = told["last"] - told["first"] + milliseconds / 1000
    rate = told["requests"] / seconds
    _say(f"{system} delayed: {told['requests']} requests, {rate:.1f} a second, {told['at_once']} at once, {found['incomplete'] or 'complete'}")
    return {"delay_requests": told["requests"], "rate": rate, "counted_rate": told["counted"] / seconds, "at_once": told["at_once"],
            "asked": load_system(_system(system)).limits.concurrency}


# ------------------------------------------------------------------ the table


def _cells(system: str, found: dict[str, Any]) -> list[str]:
    bench = BENCHES[system]
    cells = [f"{_system(system)}\n{bench.table}"]
    if "ratio" in found:
        cells += [f"{found['megabytes']:.0f} MB\n{found['pages']} pages", f"{found['floor_seconds']:.1f}", f"{found['seconds']:.1f}",
                  f"{found['ratio']:.2f}" + (" !" if found["ratio"] > BAR else ""), f"{found['cpu_ratio']:.2f}",
                  f"{found['floor_peak']:.0f}", f"{found['peak']:.0f}"]
    else:
        cells += [""] * 7
    if "rate" in found:
        cells += [f"{found['rate']:.1f}", f"{found['at_once']} of {found['asked']}", bench.limit, near(bench, found)]
    else:
        cells += [""] * 4
    if "change_of" in found:
        cells += [f"{found['first_requests']} / {found['first_seconds']:.1f}", f"{found['second_requests']} / {found['second_seconds']:.1f}",
                  f"{found['second_rows']}", bench.changes]
    else:
        cells += [""] * 4
    return cells


def near(bench: Bench, found: dict[str, Any]) -> str:
    """A quota of a day is compared with the run's requests, a rate with the rate."""
    if bench.most is None:
        return "-"
    most, seconds = bench.most
    if seconds > 3600:
        return f"{found['delay_requests'] / most:.1%} a run"
    part = found["counted_rate"] * seconds / most
    return f"{part:.0%}" if part < 1 else f"at it (x {part:.1f})"


HEADINGS = (
    "system\nmain object", "read", "floor s", "ours s", "ratio", "CPU\nratio", "floor\npeak MB", "peak\nMB", "requests/s", "at once", "published\nlimit",
    "of it", "first\nrequests / s", "after 100\nrequests / s", "rows", "reads changes")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("systems", nargs="*", metavar="system", help="all where none is named: " + ", ".join(BENCHES))
    parser.add_argument("--rows", type=int, default=100_000, help="records of the main object; 0: leave the comparison with the floor out")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--delay", type=int, nargs="?", const=50, default=0, help="milliseconds by which every answer is late")
    parser.add_argument("--delay-rows", type=int, default=5_000)
    parser.add_argument("--changes", action="store_true", help="what the next ingest costs after 100 changes")
    parser.add_argument("--change-rows", type=int, default=100_000, help="up to 1,000,000")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    if unknown := set(asked.systems) - BENCHES.keys():
        parser.error(f"no such system: {', '.join(sorted(unknown))}")
    os.environ.update(DO_NOT_TRACK="1", RUNTIME__DLTHUB_TELEMETRY="false")
    results: dict[str, dict[str, Any]] = {}
    failed: dict[str, str] = {}
    for system in asked.systems or [name for name in BENCHES if ":" not in name]:
        found = results.setdefault(system, {})
        shares = asked.changes and asked.rows == asked.change_rows  # one server serves both
        try:
            if asked.rows:
                found |= speed(system, asked.rows, asked.rounds, shares)
            if asked.changes and not shares:
                found |= change(system, asked.change_rows)
            if asked.delay:
                found |= delayed(system, asked.delay_rows, asked.delay)
        except (RuntimeError, AssertionError, EOFError) as error:
            failed[system] = str(error)
            _say(f"{system}: {error}")
    if asked.json:
        print(json.dumps({"load": os.getloadavg(), "results": results, "failed": failed}))
    else:
        from rich.console import Console
        from rich.table import Table

        table = Table(*HEADINGS, title=f"load of the machine at the end {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors", show_lines=True)
        for system, found in results.items():
            table.add_row(*_cells(system, found))
        Console(width=None if sys.stdout.isatty() else 220).print(table)
    if failed:
        sys.exit(f"failed: {'; '.join(failed.values())}")


if __name__ == "__main__":
    main()
