"""Apply: take what is due from the outbox, send it in the vendor's batches, read it back, and record every outcome.

What does not belong here: what to write (plan), a vendor's wire format (its module), SQL (store).

The order that makes a kill harmless: the intent is committed, then the record is read and compared, then sent, then the
answer is committed, then read back. An entry found in flight without its worker may have arrived, so it is read before
anything is sent again.
"""

from __future__ import annotations

import os
import socket
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from concord.connections import Connection, SandboxAccount
from concord.errors import ConcordError
from ingestion.client import RateLimited, Refused, Unavailable, Uncertain, Unreachable, open_client
from reverse_sync.store import Entry, Event, Store, audit, claim, next_due, outbox, receipts, recover, renew, save, switched_off, workers
from reverse_sync.targets import Client, Current, Rejection, Submission, Target, Write, owner_role, targets
from reverse_sync.values import dump, equal, moment, stamp, stored

Clock = Callable[[], datetime]


@dataclass(frozen=True)
class Pace:
    """How hard and how patiently one connection is worked on."""

    workers: int = 3
    lease: timedelta = timedelta(minutes=5)
    attempts: int = 8                            # then an entry is a dead letter; waits for a rate limit are not counted
    backoff: timedelta = timedelta(seconds=2)    # doubles with every attempt
    longest_backoff: timedelta = timedelta(minutes=5)
    patience: timedelta = timedelta(seconds=90)  # a longer wait than this ends the run; the next one goes on
    longest_pause: timedelta = timedelta(hours=1)  # a limit that lasts longer (a day's quota) is asked again after this
    settle: timedelta = timedelta(seconds=1)     # before an uncertain write is read: it may still be landing
    job: timedelta = timedelta(seconds=60)       # how long a vendor's job is watched


@dataclass(frozen=True)
class Progress:
    """`done` of `total` entries of a connection have an outcome; `note` says what is being waited for."""

    connection: str
    done: int
    total: int
    note: str = ""


@dataclass(frozen=True)
class ConnectionResult:
    """What one connection's part of a run came to. Counts are entries."""

    connection: str
    due: int = 0            # waiting when the run began
    sent: int = 0           # accepted by the vendor
    verified: int = 0       # read back as wanted, after sending
    already_held: int = 0   # held the wanted value before anything was sent
    overwritten: int = 0
    retries: int = 0
    unknown: int = 0
    dead_letters: int = 0
    requests: int = 0       # write calls
    left: int = 0           # still waiting at the end
    resume_at: datetime | None = None
    unsent: str | None = None   # why nothing was sent at all
    error: str | None = None    # why the run ended early


@dataclass(frozen=True)
class ApplyResult:
    connections: tuple[ConnectionResult, ...] = ()

    def total(self, name: str) -> int:
        return sum(int(getattr(result, name)) for result in self.connections)

    @property
    def errors(self) -> dict[str, str]:
        return {result.connection: result.error for result in self.connections if result.error}


@dataclass
class _Budget:
    """How many more entries this run may claim, over all connections."""

    left: int | None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, wanted: int) -> int:
        with self.lock:
            if self.left is None:
                return wanted
            taken = min(wanted, self.left)
            self.left -= taken
            return taken

    def give_back(self, count: int) -> None:
        with self.lock:
            if self.left is not None:
                self.left += count


@dataclass
class _Lane:
    """One connection's run: what its workers share. Mutable under `condition`."""

    store: Store
    connection: Connection
    client: Client
    targets: Sequence[Target]
    pace: Pace
    now: Clock
    worker: str
    budget: _Budget
    progress: Callable[[Progress], None] | None
    total: int
    counts: Counter[str] = field(default_factory=Counter)
    condition: threading.Condition = field(default_factory=threading.Condition)
    busy: int = 0
    quiet: dict[tuple[str, str], float] = field(default_factory=dict)
    gate: datetime | None = None  # the vendor takes nothing before this
    stopped: bool = False
    error: str | None = None
    resume_at: datetime | None = None
    crash: BaseException | None = None

    def stop(self, why: str) -> None:
        with self.condition:
            self.stopped, self.error = True, self.error or why
            self.condition.notify_all()

    def limited(self, error: RateLimited) -> datetime:
        """Close the lane until the vendor takes more; the time is also the entries' own."""
        until = min(error.not_before, self.now() + self.pace.longest_pause)
        with self.condition:
            self.gate = max(self.gate, until) if self.gate else until
        return until

    def tell(self, note: str = "") -> None:
        if self.progress:
            done = sum(self.counts[name] for name in ("verified", "already_held", "overwritten", "dead_letter"))
            self.progress(Progress(self.connection.name, min(done, self.total), self.total, note))


def apply(
    store: Store, connections: Mapping[str, Connection], accounts: Mapping[str, SandboxAccount] | None = None, *, dry_run: bool = False,
    progress: Callable[[Progress], None] | None = None, limit: int | None = None, stop: Mapping[str, str] | None = None,
    now: Clock = lambda: datetime.now(UTC), pace: Pace | None = None,
    client_for: Callable[[Connection, SandboxAccount | None], Client] = open_client,
) -> ApplyResult:
    """Send what is due to every connection, each in its own threads, so that a slow or failing one holds up no other.

    Nothing is sent to a connection that only plans, is switched off, is named in `stop` (connection to reason), or on a dry
    run. `limit` bounds the entries taken up. Vendor trouble is in the result; a failure of the store is raised.
    """
    pace, stop, accounts = pace or Pace(), stop or {}, accounts or {}
    off = switched_off(store)
    # a connection's own process name: a lease whose process is gone need not run out
    worker = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
    budget = _Budget(limit)
    results: dict[str, ConnectionResult] = {}
    threads: list[threading.Thread] = []
    lanes: list[_Lane] = []
    known = targets()
    for connection in connections.values():
        mine = [target for target in known if target.system == connection.system]
        if not mine:
            continue
        due = _waiting(store, connection.name)
        unsent = (
            stop.get(connection.name) or (f"switched off: {off[connection.name]}" if connection.name in off else None)
            or (None if connection.applies else "plans only: set `push: true` to send") or ("dry run" if dry_run else None)
        )
        if unsent or not _anything(store, connection.name):
            results[connection.name] = ConnectionResult(connection.name, due=due, left=due, unsent=unsent)
            continue
        try:
            client = client_for(connection, accounts.get(connection.name))
        except ConcordError as error:
            results[connection.name] = ConnectionResult(connection.name, due=due, left=due, error=str(error))
            continue
        lane = _Lane(store, connection, client, mine, pace, now, worker, budget, progress, due)
        lanes.append(lane)
        recover(store, connection.name, now=now(), dead_workers=_dead(workers(store, connection.name)))
        threads += [threading.Thread(target=_run, args=(lane,), name=f"apply-{connection.name}-{n}") for n in range(pace.workers)]
    for thread in threads:
        thread.start()
    try:
        for thread in threads:
            thread.join()
    except BaseException:
        for lane in lanes:  # an interrupt lets the batches under way end: their outcomes are recorded
            lane.stop("interrupted")
        for thread in threads:
            thread.join()
        raise
    finally:
        for lane in lanes:
            lane.client.close()
    for lane in lanes:
        if lane.crash is not None:
            raise lane.crash
        results[lane.connection.name] = _result(lane)
    return ApplyResult(tuple(results[name] for name in connections if name in results))


def _result(lane: _Lane) -> ConnectionResult:
    counts = lane.counts
    return ConnectionResult(
        lane.connection.name, due=lane.total, sent=counts["delivered"], verified=counts["verified"], already_held=counts["already_held"],
        overwritten=counts["overwritten"], retries=counts["pending"], unknown=counts["unknown"], dead_letters=counts["dead_letter"],
        requests=counts["requests"], left=_waiting(lane.store, lane.connection.name), resume_at=lane.resume_at, error=lane.error,
    )


def _waiting(store: Store, connection: str) -> int:
    with store.reading() as transaction:
        return transaction.scalar(
            sa.select(sa.func.count()).select_from(outbox).where(
                outbox.c.connection == connection, outbox.c.state.in_(("pending", "in_flight", "unknown", "delivered")))
        ) or 0


def _anything(store: Store, connection: str) -> bool:
    return _waiting(store, connection) > 0


def _dead(names: Sequence[str]) -> list[str]:
    """The workers of this machine whose process is gone."""
    gone = []
    for name in names:
        host, pid, _ = name.rsplit(":", 2)
        if host != socket.gethostname():
            continue
        try:
            os.kill(int(pid), 0)
        except ProcessLookupError:
            gone.append(name)
        except PermissionError:  # alive, another user's
            continue
    return gone


# -- workers


def _run(lane: _Lane) -> None:
    try:
        while not lane.stopped:
            if not _wait_for_gate(lane):
                break
            with lane.condition:
                lane.busy += 1
            try:
                worked = _take_turn(lane)
            finally:
                with lane.condition:
                    lane.busy -= 1
                    lane.condition.notify_all()
            if not worked and not _wait_for_work(lane):
                break
    except BaseException as error:  # noqa: BLE001 - handed to the caller's thread, which raises it
        with lane.condition:
            lane.crash, lane.stopped = error, True
            lane.condition.notify_all()


def _wait_for_gate(lane: _Lane) -> bool:
    """Wait out a rate limit; False when it lasts longer than the run's patience."""
    while not lane.stopped and lane.gate is not None and (wait := (lane.gate - lane.now()).total_seconds()) > 0:
        if wait > lane.pace.patience.total_seconds():
            lane.resume_at = lane.gate
            return False
        lane.tell(f"waiting {wait:.0f} s for the vendor's limit")
        with lane.condition:
            lane.condition.wait(min(wait, 1.0))
    return not lane.stopped


def _wait_for_work(lane: _Lane) -> bool:
    """Nothing is due: wait for another worker's leftovers or the next time; False when there is nothing to wait for."""
    if lane.budget.left == 0:
        return False
    due = moment(next_due(lane.store, lane.connection.name, [target.object for target in lane.targets], lane.now()))
    with lane.condition:
        if lane.stopped:
            return False
        if due is None:
            if lane.busy == 0:
                return False
            lane.condition.wait(0.5)
            return True
        wait = (due - lane.now()).total_seconds()
        if wait > lane.pace.patience.total_seconds() and lane.busy == 0:
            lane.resume_at = due
            return False
        lane.condition.wait(min(max(wait, 0.02), 1.0))
    if wait > 1:
        lane.tell(f"waiting {wait:.0f} s before trying again")
    return True


def _take_turn(lane: _Lane) -> bool:
    """One batch of one target: first what is uncertain, then what is to be read back, then what is new."""
    for target in lane.targets:
        for state, work in (("unknown", _resolve), ("delivered", _read_back), ("pending", _send)):
            allowed = lane.budget.take(target.batch) if state == "pending" else target.batch
            if allowed == 0 or (state != "pending" and time.monotonic() < lane.quiet.get((target.object, state), 0.0)):
                continue
            entries = claim(
                lane.store, lane.connection.name, target.object, state=state, worker=lane.worker, now=lane.now(),
                lease_until=lane.now() + lane.pace.lease, limit=allowed,
            )
            if state == "pending":
                lane.budget.give_back(allowed - len(entries))
            if entries:
                work(lane, target, entries)
                lane.tell()
                return True
            lane.quiet[target.object, state] = time.monotonic() + 0.2  # these are rare: no need to ask before every batch
    return False


# -- outcomes


@dataclass(frozen=True)
class _Outcome:
    entry: Entry
    event: str
    detail: Mapping[str, Any]
    receipt: Mapping[str, Any] | None = None


def _commit(lane: _Lane, outcomes: Sequence[_Outcome]) -> None:
    if not outcomes:
        return
    at = lane.now()
    with lane.store.writing() as transaction:
        save(transaction, [outcome.entry.but(updated_at=stamp(at)) for outcome in outcomes], worker=lane.worker)
        if rows := [dict(outcome.receipt) for outcome in outcomes if outcome.receipt is not None]:
            transaction.execute(receipts.insert(), rows)
        audit(transaction, [Event(outcome.entry.id, outcome.entry.connection, outcome.event, outcome.detail) for outcome in outcomes], at)
    with lane.condition:
        for outcome in outcomes:
            lane.counts[outcome.event] += 1


def _moved(entry: Entry, state: str, *, keep_claim: bool = False, **changes: Any) -> Entry:
    if not keep_claim:
        changes |= {"claimed_by": None, "lease_until": None}
    return entry.but(state=state, **changes)


def _dead_letter(entry: Entry, reason_class: str, text: str) -> _Outcome:
    role = owner_role(reason_class)
    after = _moved(entry, "dead_letter", reason_class=reason_class, reason=text, owner_role=role, reference=None, not_before=None)
    return _Outcome(after, "dead_letter", {"class": reason_class, "reason": text, "owner": role, "exposure": entry.exposure})


def _later(lane: _Lane, entry: Entry, reason_class: str, text: str, *, not_before: datetime | None = None, spend: bool = True,
           uncertain: bool = False) -> _Outcome:
    """Back to the queue. Spends an attempt unless the vendor only asked to wait."""
    tried = entry.attempts + spend
    if tried >= lane.pace.attempts:
        return _dead_letter(entry.but(attempts=tried), "attempts_spent", f"{tried} attempts; the last: {text}")
    after = _moved(
        entry, "pending", attempts=tried, reason_class=reason_class, reason=text, uncertain=entry.uncertain or uncertain, reference=None,
        not_before=stamp(not_before or lane.now() + _backoff(lane.pace, tried, entry.idempotency_key)),
    )
    return _Outcome(after, "pending", {"class": reason_class, "reason": text, "not_before": after.not_before, "attempts": tried})


def _backoff(pace: Pace, tried: int, key: str) -> timedelta:
    doubled = min(pace.backoff * 2 ** max(tried - 1, 0), pace.longest_backoff)
    return doubled * (0.75 + int(key[:4], 16) / 0xFFFF / 2)  # spread, so that a batch that failed together does not return together


def _uncertain(lane: _Lane, entry: Entry, text: str, *, not_before: datetime | None = None, reference: str | None = None) -> _Outcome:
    after = _moved(entry, "unknown", uncertain=True, reference=reference, reason_class="unknown", reason=text,
                   not_before=stamp(not_before or lane.now() + lane.pace.settle))
    return _Outcome(after, "unknown", {"reason": text, "job": reference})


def _refused(lane: _Lane, entry: Entry, rejection: Rejection) -> _Outcome:
    if rejection.retry:
        return _later(lane, entry, rejection.reason_class, rejection.text)
    return _dead_letter(entry, rejection.reason_class, rejection.text)


def _delivered(entry: Entry, detail: Mapping[str, Any], at: str) -> _Outcome:
    after = _moved(entry, "delivered", keep_claim=True, delivered_at=at, reason_class=None, reason=None, reference=None)
    return _Outcome(after, "delivered", detail)


def _read_outcome(entry: Entry, current: Current, *, written: bool, at: str) -> _Outcome:
    """Verified or overwritten, with the receipt: what was wanted against what the target shows."""
    payload = stored(entry.payload)
    differing = sorted(name for name, value in payload.items() if not equal(current.fields.get(name), value))
    state = "overwritten" if differing else "verified"
    after = _moved(entry, state, delivered_at=entry.delivered_at or at, verified_at=None if differing else at, not_before=None, reference=None,
                   reason_class="overwritten" if differing else None, owner_role=owner_role("overwritten") if differing else None,
                   reason=f"read back with another value: {', '.join(differing)}" if differing else None)
    receipt = {
        "outbox_id": entry.id, "connection": entry.connection, "object": entry.object, "record_id": entry.record_id,
        "idempotency_key": entry.idempotency_key, "written": written, "payload": entry.payload, "delivered_at": after.delivered_at,
        "read_back": dump(current.fields), "read_back_at": at, "version": current.version, "outcome": state,
    }
    event = state if written or differing else "already_held"
    return _Outcome(after, event, {"version": current.version, "differing": differing}, receipt)


# -- trouble with a whole call


def _trouble(lane: _Lane, entries: Sequence[Entry], error: ConcordError, *, sent: bool) -> list[_Outcome]:
    """What a failed call means for its entries. `sent`: it was a write, so the vendor may have done it."""
    if isinstance(error, RateLimited):
        until = lane.limited(error)
        return [_later(lane, entry, "rate_limited", "the vendor's limit", not_before=until, spend=False) for entry in entries]
    if isinstance(error, Uncertain):
        return [_uncertain(lane, entry, error.what) for entry in entries]
    if isinstance(error, Unavailable):
        return [_later(lane, entry, "unavailable", error.what, uncertain=sent) for entry in entries]
    # nobody was reached, or the login is wrong: that is no entry's fault
    lane.stop(str(error))
    text = "the target cannot be reached" if isinstance(error, Unreachable) else error.what
    return [_later(lane, entry, "unreachable" if isinstance(error, Unreachable) else "connection", text, spend=False,
                   not_before=lane.now() + lane.pace.backoff) for entry in entries]


_BY_STATUS = {403: "forbidden", 404: "record_missing", 409: "conflict", 410: "record_missing", 413: "too_large"}


def _rejection(error: Refused) -> Rejection:
    text = f"{error.status} {error.code}".strip() + (f": {error.message}" if error.message else "")
    if "status closed" in str(error.body).lower():
        return Rejection("record_closed", text + " (the ticket is closed)")
    return Rejection(_BY_STATUS.get(error.status, "validation"), text, retry=error.status in (409, 423, 425))


# -- the three kinds of work


def _send(lane: _Lane, target: Target, entries: Sequence[Entry]) -> None:
    """Compare with what the target holds, send what differs, record each item's result, read it back."""
    try:
        writes = _compared(lane, target, entries)
    except Refused as error:
        _halve_or_bury(lane, target, entries, error, _send)
        return
    except ConcordError as error:
        _commit(lane, _trouble(lane, entries, error, sent=False))
        return
    if writes:
        _submit(lane, target, writes)


def _compared(lane: _Lane, target: Target, entries: Sequence[Entry]) -> list[tuple[Entry, Write]]:
    current = _read(lane, target, entries)
    at = stamp(lane.now())
    outcomes: list[_Outcome] = []
    writes: list[tuple[Entry, Write]] = []
    for entry in entries:
        held = current.get(entry.record_id)
        if held is None:
            outcomes.append(_dead_letter(entry, "record_missing", "the target has no such record any more"))
            continue
        wanted = {name: value for name, value in stored(entry.payload).items() if not equal(held.fields.get(name), value)}
        if not wanted:
            outcomes.append(_read_outcome(entry, held, written=False, at=at))
            continue
        marker = f"[concord {entry.idempotency_key[:16]}]"
        note = entry.note if target.has_note is not None else None
        # an earlier call whose outcome is not known may have left the note, and been undone since
        if note and entry.uncertain and target.has_note is not None and target.has_note(lane.client, lane.connection, entry.record_id, marker):
            note = None
        writes.append((entry, Write(entry.record_id, wanted, held, note, marker)))
    _commit(lane, outcomes)
    return writes


def _read(lane: _Lane, target: Target, entries: Sequence[Entry]) -> dict[str, Current]:
    # every owned field: the receipt is to show the whole of what the target held
    names = sorted({name for text in {entry.desired for entry in entries} for name in stored(text)} | {
        name for text in {entry.payload for entry in entries} for name in stored(text)})
    return target.read(lane.client, lane.connection, [entry.record_id for entry in entries], names)


def _submit(lane: _Lane, target: Target, writes: Sequence[tuple[Entry, Write]]) -> None:
    lease = moment(writes[0][0].lease_until)
    if lease is None or lease - lane.now() < lane.pace.lease * 0.6:  # the read took long: make sure that the entries are still ours
        mine = {entry.id: entry for entry in renew(lane.store, [entry for entry, _ in writes], worker=lane.worker,
                                                   lease_until=lane.now() + lane.pace.lease)}
        writes = [(mine[entry.id], write) for entry, write in writes if entry.id in mine]
        if not writes:
            return
    entries = [entry for entry, _ in writes]
    with lane.condition:
        lane.counts["requests"] += 1
    try:
        submission = target.submit(lane.client, lane.connection, [write for _, write in writes])
    except Refused as error:
        # refused as a whole, so nothing of it was done; the halves tell which item was at fault
        _halve_or_bury(lane, target, entries, error, _send)
        return
    except ConcordError as error:
        _commit(lane, _trouble(lane, entries, error, sent=True))
        return
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        _commit(lane, [_uncertain(lane, entry, f"the answer could not be read ({type(error).__name__})") for entry in entries])
        return
    if submission.job is not None:
        entries = _note_job(lane, entries, submission.job)
        finished = _watch(lane, target, entries, submission.job)
        if finished is None:
            return
        submission = finished
    _record(lane, target, entries, submission, {write.record_id: write for _, write in writes})


def _note_job(lane: _Lane, entries: Sequence[Entry], job: str) -> list[Entry]:
    """Remember the job before waiting for it: after a kill it is asked again instead of a second one being started."""
    marked = [entry.but(reference=job, uncertain=True) for entry in entries]
    with lane.store.writing() as transaction:
        transaction.execute(
            outbox.update().where(outbox.c.id.in_([entry.id for entry in marked]), outbox.c.claimed_by == lane.worker)
            .values(reference=job, uncertain=True)
        )
    return marked


def _watch(lane: _Lane, target: Target, entries: Sequence[Entry], job: str) -> Submission | None:
    """Ask for the job until it ended. None: it did not within the time, and its entries are left as unknown."""
    assert target.collect is not None
    ids = [entry.record_id for entry in entries]
    until, pause = lane.now() + lane.pace.job, 0.005
    try:
        while True:
            if (finished := target.collect(lane.client, lane.connection, job, ids)) is not None:
                return finished
            if lane.now() > until:
                break
            with lane.condition:
                lane.condition.wait(pause)
            pause = min(pause * 2, 1.0)
        later, why = None, "the vendor's job has not ended"
    except RateLimited as error:
        later, why = lane.limited(error), "the vendor's limit, while its job was watched"
    except Refused:
        # the job is not known any more: the records will tell
        _commit(lane, [_uncertain(lane, entry, "the vendor's job cannot be read") for entry in entries])
        return None
    except ConcordError as error:
        if isinstance(error, Unreachable):
            lane.stop(str(error))
        later, why = None, error.what
    _commit(lane, [_uncertain(lane, entry, why, not_before=later, reference=job) for entry in entries])
    return None


def _record(lane: _Lane, target: Target, entries: Sequence[Entry], submission: Submission, writes: Mapping[str, Write]) -> None:
    """Each item's own result; one that the vendor did not mention is unknown."""
    outcomes, at = [], stamp(lane.now())
    for entry in entries:
        if entry.record_id not in submission.results:
            outcomes.append(_uncertain(lane, entry, "the vendor's answer does not mention this record"))
        elif (rejection := submission.results[entry.record_id]) is not None:
            outcomes.append(_refused(lane, entry, rejection))
        else:
            write = writes.get(entry.record_id)
            outcomes.append(_delivered(entry, {"fields": write.fields if write else stored(entry.payload)}, at))
    _commit(lane, outcomes)
    if arrived := [outcome.entry for outcome in outcomes if outcome.entry.state == "delivered"]:
        _read_back(lane, target, arrived)


def _halve_or_bury(
    lane: _Lane, target: Target, entries: Sequence[Entry], error: Refused, again: Callable[[_Lane, Target, Sequence[Entry]], None],
) -> None:
    rejection = _rejection(error)
    if error.status == 403:  # no right to write here at all: the other batches would fare no better
        _commit(lane, [_refused(lane, entry, rejection) for entry in entries])
        lane.stop(str(error))
    elif len(entries) == 1:
        _commit(lane, [_refused(lane, entries[0], rejection)])
    else:
        half = len(entries) // 2
        again(lane, target, entries[:half])
        again(lane, target, entries[half:])


def _read_back(lane: _Lane, target: Target, entries: Sequence[Entry]) -> None:
    try:
        current = _read(lane, target, entries)
    except ConcordError as error:
        later = lane.limited(error) if isinstance(error, RateLimited) else lane.now() + lane.pace.backoff
        if not isinstance(error, (RateLimited, Unavailable)):
            lane.stop(str(error))
        _commit(lane, [
            _Outcome(_moved(entry, "delivered", not_before=stamp(later)), "read_back_failed", {"reason": error.what}) for entry in entries
        ])
        return
    at = stamp(lane.now())
    _commit(lane, [
        _read_outcome(entry, current[entry.record_id], written=True, at=at) if entry.record_id in current
        else _dead_letter(entry, "record_missing", "delivered, and gone when it was read back")
        for entry in entries
    ])


def _resolve(lane: _Lane, target: Target, entries: Sequence[Entry]) -> None:
    """Entries whose last call may or may not have arrived: ask for the job where there is one, else read the record."""
    if target.collect is not None:
        for job in sorted({entry.reference for entry in entries if entry.reference}):
            theirs = [entry for entry in entries if entry.reference == job]
            entries = [entry for entry in entries if entry.reference != job]
            _resolve_job(lane, target, theirs, job)
    if entries:
        _resolve_by_reading(lane, target, entries)


def _resolve_job(lane: _Lane, target: Target, entries: Sequence[Entry], job: str) -> None:
    assert target.collect is not None
    try:
        # no order of items: it is not known any more in which one they were sent
        finished = target.collect(lane.client, lane.connection, job, [])
    except Refused:
        _resolve_by_reading(lane, target, [entry.but(reference=None) for entry in entries])
        return
    except ConcordError as error:
        _hold_unknown(lane, entries, error)
        return
    if finished is None:
        _commit(lane, [_uncertain(lane, entry, "the vendor's job has not ended", reference=job) for entry in entries])
        return
    told = [entry for entry in entries if entry.record_id in finished.results]
    _record(lane, target, told, finished, {})
    if silent := [entry.but(reference=None) for entry in entries if entry.record_id not in finished.results]:
        _resolve_by_reading(lane, target, silent)


def _resolve_by_reading(lane: _Lane, target: Target, entries: Sequence[Entry]) -> None:
    try:
        current = _read(lane, target, entries)
    except ConcordError as error:
        _hold_unknown(lane, entries, error)
        return
    outcomes, at = [], stamp(lane.now())
    for entry in entries:
        held = current.get(entry.record_id)
        if held is None:
            outcomes.append(_dead_letter(entry, "record_missing", "the target has no such record any more"))
        elif all(equal(held.fields.get(name), value) for name, value in stored(entry.payload).items()):
            outcomes.append(_read_outcome(entry, held, written=True, at=at))
        else:
            outcomes.append(_later(lane, entry, "not_arrived", "was read: the last call did not arrive", not_before=lane.now()))
    _commit(lane, outcomes)


def _hold_unknown(lane: _Lane, entries: Sequence[Entry], error: ConcordError) -> None:
    """Reading failed: what is not known stays unknown."""
    later = lane.limited(error) if isinstance(error, RateLimited) else lane.now() + lane.pace.backoff
    if not isinstance(error, (RateLimited, Unavailable)):
        lane.stop(str(error))
    _commit(lane, [_uncertain(lane, entry, error.what, not_before=later, reference=entry.reference) for entry in entries])
