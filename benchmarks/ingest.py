"""Ingest 100,000 rows of 41 MB, 1,000 a page with a nested object, from a local server: the floor, ours, their ratio, peak memory.

The floor is the shortest code from the same bytes to a typed DuckDB table: no retries, no landing, no cursors, no audit.

    python benchmarks/ingest.py [--rows 100000] [--repeat 3]
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import orjson

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # a clean checkout need not be installed; children import it too

PAGE = 1000
COUNT = '{"count":{"value":%d,"refreshed_at":"2026-01-01T00:00:00Z"}}'


def record(number: int) -> dict[str, object]:
    return {
        "id": 31_000_000_000 + number, "external_id": f"{number:08d}", "name": f"Customer {number}",
        "domain_names": [f"c{number}.example"], "tags": [],
        "organization_fields": {
            "erp_id": str(1000 + number), "tax_id": f"GB{number:07d}", "credit_status": "ok",
            "erp_balance": number * 1.25, "overdue_amount": (number % 100) / 4, "overdue_days": number % 60, "entitlement_tier": "standard",
            "entitlement_start": "2026-01-01", "entitlement_end": "2026-12-31",
        },
        "created_at": "2025-03-01T08:30:00Z", "updated_at": f"2026-01-{1 + number % 28:02d}T09:30:{number % 60:02d}Z", "deleted_at": None,
    }


def serve(rows: int, port_to: multiprocessing.connection.Connection) -> None:  # type: ignore[name-defined]
    pages = []
    for start in range(0, rows, PAGE):
        last = start + PAGE >= rows
        pages.append(orjson.dumps({"organizations": [record(start + n) for n in range(PAGE)], "end_of_stream": last, "end_time": start + PAGE,
                                   "next_page": "@NEXT@"}))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1

        def do_GET(self) -> None:
            url = urlsplit(self.path)
            if url.path.endswith("/count"):
                body = (COUNT % rows).encode()
            else:
                place = int(parse_qs(url.query)["start_time"][0]) // PAGE
                link = f"http://127.0.0.1:{self.server.server_address[1]}{url.path}?start_time={(place + 1) * PAGE}"
                body = pages[place].replace(b"@NEXT@", link.encode())
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Date", formatdate(usegmt=True))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    port_to.send((server.server_address[1], sum(map(len, pages))))
    server.serve_forever()


def floor(port: int, rows: int, home: Path) -> int:
    """Bytes to typed table by the shortest way: save the pages, let DuckDB read them."""
    import duckdb
    import requests

    session, path, place = requests.Session(), f"http://127.0.0.1:{port}/api/v2/incremental/organizations?start_time=0", 0
    while path:
        content = session.get(path).content
        (home / f"{place:05d}.json").write_bytes(content)
        page = orjson.loads(content)
        path, place = "" if page["end_of_stream"] else page["next_page"], place + 1
    with duckdb.connect(str(home / "floor.duckdb")) as database:
        database.execute(
            f"CREATE TABLE organizations AS SELECT o.* EXCLUDE (organization_fields), unnest(o.organization_fields) "
            f"FROM (SELECT unnest(organizations) AS o FROM read_json('{home}/*.json'))"
        )
        return int(database.execute("SELECT count(*) FROM organizations").fetchone()[0])  # type: ignore[index]


def ours(port: int, rows: int, home: Path) -> int:
    from concord.connections import Connection, SandboxAccount
    from concord.settings import load_settings
    from ingestion.run import ingest

    connection = Connection(name="bench", system="zendesk", role="support", sandbox=True)
    account = SandboxAccount(f"http://127.0.0.1:{port}", {"email": "a@b.example", "api_token": "x"})
    settings = load_settings({"CONCORD_HOME": str(home / "home"), "CONCORD_DATA": ""})
    [result] = ingest(settings, {"bench": connection}, resources=["organizations"], accounts={"bench": account})
    if result.error:
        raise result.error
    assert result.is_complete, result.audits
    return result.rows["organizations"]


def _measure(
    work: Callable[[int, int, Path], int], port: int, rows: int, warm: bool, answer: multiprocessing.connection.Connection,  # type: ignore[name-defined]
) -> None:
    import duckdb  # noqa: F401 - imports are not what is measured
    import requests  # noqa: F401

    if warm:
        import dlt
        import dlt.common.libs.pyarrow
        import dlt.destinations.impl.filesystem.filesystem  # noqa: F401
        import pandas  # noqa: F401 - pyarrow loads it where it is installed

        import ingestion.run  # noqa: F401
    home = Path(tempfile.mkdtemp(prefix="concord-bench-"))
    try:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        started, cpu = time.perf_counter(), time.process_time()
        count = work(port, rows, home)
        seconds = time.perf_counter() - started
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        answer.send((count, seconds, time.process_time() - cpu, peak / 1024, before / 1024))
    finally:
        shutil.rmtree(home, ignore_errors=True)


def measured(work: Callable[[int, int, Path], int], port: int, rows: int) -> tuple[int, float, float, float, float]:
    """In a process of its own, so that peaks do not mix."""
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_measure, args=(work, port, rows, work is ours, sender))
    process.start()
    sender.close()
    try:
        found: tuple[int, float, float, float, float] = receiver.recv()
    finally:
        process.join()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    server = context.Process(target=serve, args=(asked.rows, sender), daemon=True)
    server.start()
    port, size = receiver.recv()
    runs: dict[str, list[tuple[int, float, float, float, float]]] = {"floor": [], "ours": []}
    try:
        for _ in range(asked.repeat):  # turn and turn about, so that a busy moment hits both
            for name, work in (("floor", floor), ("ours", ours)):
                found = measured(work, port, asked.rows)
                assert found[0] == asked.rows, (name, found[0])
                runs[name].append(found)
    finally:
        server.terminate()
        server.join()
    best = {name: min(found, key=lambda run: run[1]) for name, found in runs.items()}
    summary = {
        "rows": asked.rows, "megabytes": round(size / 1e6, 1), "floor_seconds": round(best["floor"][1], 2),
        "ours_seconds": round(best["ours"][1], 2), "ratio": round(best["ours"][1] / best["floor"][1], 2),
        "floor_cpu": round(best["floor"][2], 2), "ours_cpu": round(best["ours"][2], 2),
        "floor_peak_mb": round(best["floor"][3]), "ours_peak_mb": round(best["ours"][3]), "ours_imports_mb": round(best["ours"][4]),
    }
    print(json.dumps(summary) if asked.json else "\n".join(f"{name:18}{value}" for name, value in summary.items()))


if __name__ == "__main__":
    main()
