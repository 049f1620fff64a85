"""How fast changed records go through the outbox to a vendor that answers without delay: plan, apply, read back.

    python benchmarks/apply.py [--changes 5000] [--url postgresql://...] [--profile]

The vendor runs in its own process and takes 100 records a call. Rates count the whole of `apply`: claim, intent, compare,
write, job, receipt, read-back, all committed.
"""

from __future__ import annotations

import argparse
import cProfile
import multiprocessing
import os
import pstats
import sys
import tempfile
import time
from multiprocessing.connection import Connection as Pipe
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from concord.connections import Connection, SandboxAccount
from reverse_sync import outbox
from reverse_sync.dispatch import Pace, apply
from reverse_sync.plan import ChangeCap, plan
from reverse_sync.store import broken_link, open_store

FIRST = 360_000_000_000
HELD = {"credit_status": "ok", "erp_balance": 10.0, "overdue_amount": None, "overdue_days": None, "entitlement_tier": "basic"}
WANTED = {"credit_status": "hold", "erp_balance": 1250.75, "overdue_amount": 310.2, "overdue_days": 41, "entitlement_tier": "basic"}


def serve(count: int, pipe: Pipe) -> None:
    from tests.reverse_sync.published import organization
    from tests.reverse_sync.standin import Standin, serving

    vendor = Standin()
    for number in range(count):
        organization(vendor, str(FIRST + number), **HELD)
    with serving(vendor):
        pipe.send(vendor.port)
        pipe.recv()
        pipe.send((len(vendor.writes), len(vendor.effects), vendor.reads))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--changes", type=int, default=5_000)
    parser.add_argument("--url", help="operational store; a new SQLite file unless given")
    parser.add_argument("--workers", type=int, default=Pace().workers)
    parser.add_argument("--profile", action="store_true")
    options = parser.parse_args()

    from tests.reverse_sync.published import publish, row

    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    vendor = context.Process(target=serve, args=(options.changes, there), daemon=True)
    vendor.start()
    account = SandboxAccount(f"http://127.0.0.1:{here.recv()}", {"email": "ops@concord.example", "api_token": "benchmark"})
    connections = {"zendesk": Connection(name="zendesk", system="zendesk", role="support", sandbox=True)}
    with tempfile.TemporaryDirectory(prefix="concord-bench-") as folder:
        published = publish(Path(folder) / "published.duckdb", [
            row("organization", str(FIRST + number), WANTED, HELD) for number in range(options.changes)
        ])
        store = open_store(options.url or f"sqlite:///{folder}/operations.sqlite")
        start = time.perf_counter()
        planned = plan(published, store, connections, cap=ChangeCap(count=None, share=None))
        plan_seconds = time.perf_counter() - start

        profile = cProfile.Profile()
        start, cpu = time.perf_counter(), time.process_time()
        if options.profile:
            import threading

            threading.setprofile(lambda *_: profile.enable())
        result = apply(store, connections, {"zendesk": account}, pace=Pace(workers=options.workers))
        seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
        if options.profile:
            threading.setprofile(None)
            pstats.Stats(profile).sort_stats("tottime").print_stats(30)

        start = time.perf_counter()
        again = plan(published, store, connections, cap=ChangeCap(count=None, share=None))
        again_seconds = time.perf_counter() - start
        here.send("stop")
        writes, effects, reads = here.recv()
        chain = broken_link(store)
        print(f"plan      {planned.count('pending'):>7,} changes  {plan_seconds:6.2f} s  {planned.count('pending') / plan_seconds:9,.0f}/s")
        print(f"apply     {result.total('verified'):>7,} verified {seconds:6.2f} s  {result.total('verified') / seconds:9,.0f}/s"
              f"   ({cpu:.2f} s of processor, {os.cpu_count()} cores)")
        print(f"plan anew {len(again.changes):>7,} changes  {again_seconds:6.2f} s")
        print(f"vendor    {writes:>7,} write calls, {reads:,} reads, {effects:,} fields changed; audit chain {'whole' if chain is None else 'BROKEN'}")
        store.close()
        if result.total("verified") != options.changes or again.changes or chain is not None:
            sys.exit(f"not every change arrived: {outbox.counts(store)}")
    vendor.join(5)


if __name__ == "__main__":
    main()
