"""Alerts: new and healed findings, grouped by kind and owner, routed to the owner's channel through Apprise.

One finding is one alert for as long as it is open: the ledger says what is new. Without a configured channel alerts go to a file
in the installation's alerts folder, so nothing is lost where nobody has set up mail.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from concord.errors import ConcordError
from quality.kinds import kind_names
from quality.ledger import Changes
from quality.suites import CheckResult

_RANK = {"warn": 0, "error": 1, "critical": 2}


@dataclass(frozen=True)
class Alert:
    """One message. `kind` is opened, closed or check; `finding_ids` are the findings that it speaks of."""

    at: str
    kind: str
    drift_id: str
    owner_role: str
    severity: str
    title: str
    body: str
    count: int
    exposure: dict[str, str]  # by currency
    finding_ids: tuple[str, ...]


def compose(changes: Changes, at: datetime) -> list[Alert]:
    """One alert a (drift kind, owner role): what opened or came back, and what healed."""
    alerts = []
    for kind, rows in (("opened", [*changes.opened, *changes.reopened]), ("closed", changes.closed)):
        groups: dict[tuple[str, str], list[Mapping[str, Any]]] = defaultdict(list)
        for row in rows:
            groups[str(row["drift_id"]), str(row["owner_role"])].append(row)
        alerts += [_group(kind, drift_id, role, group, at) for (drift_id, role), group in sorted(groups.items())]
    return alerts


def compose_checks(results: list[CheckResult], at: datetime) -> list[Alert]:
    """One alert a failed check; a failed check fires no failure sensor, so this is its own path."""
    return [
        Alert(
            at=at.isoformat(), kind="check", drift_id="", owner_role="data", severity=result.severity,
            title=f"Check failed: {result.table}.{result.name}",
            body=f"{result.description} Observed: {json.dumps(dict(result.observed), default=str)}."
            + (" Publish and pushes are stopped." if result.blocking else ""),
            count=1, exposure={}, finding_ids=(),
        )
        for result in results
        if not result.passed
    ]


def failed_check_alert(name: str, description: str, at: datetime | None = None) -> Alert:
    """A check that the orchestrator saw fail."""
    at = at or datetime.now(UTC)
    return Alert(at.isoformat(), "check", "", "data", "error", f"Check failed: {name}", description, 1, {}, ())


def dead_letter_alerts(entries: Sequence[Any], at: datetime | None = None) -> list[Alert]:
    """One alert a target and reason class for writes that were given up; `entries` are outbox entries."""
    at = at or datetime.now(UTC)
    groups: dict[tuple[str, str, str], list[Any]] = defaultdict(list)
    for entry in entries:
        groups[entry.connection, entry.object, entry.reason_class or "refused"].append(entry)
    return [
        Alert(
            at=at.isoformat(), kind="dead_letter", drift_id="", owner_role="integration", severity="error",
            title=f"{len(group)} writes to {connection} {object_} were given up: {reason}",
            body="\n".join(f"{entry.record_id}: {entry.reason or reason}" for entry in group[:5]), count=len(group), exposure={},
            finding_ids=(),
        )
        for (connection, object_, reason), group in sorted(groups.items())
    ]


def send(alerts: list[Alert], folder: Path, environment: Mapping[str, str] = os.environ) -> list[Alert]:
    """Write every alert to the folder's log and notify the owner's channel where one is set (CONCORD_ALERTS_<ROLE>).

    Raises ConcordError naming the role when a channel refuses; the log has the alert by then.
    """
    if not alerts:
        return []
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "alerts.jsonl").open("a") as log:
        for alert in alerts:
            log.write(json.dumps(asdict(alert)) + "\n")
    refused = []
    for alert in alerts:
        urls = _channels(alert.owner_role, environment)
        if urls and not _notify(urls, alert):
            refused.append(alert.owner_role)
    if refused:
        roles = ", ".join(sorted(set(refused)))
        raise ConcordError(
            f"a channel refused an alert for {roles}; it stands in {folder / 'alerts.jsonl'}.", where="alerts",
            mend="Check the CONCORD_ALERTS_* addresses.",
        )
    return alerts


def _channels(owner_role: str, environment: Mapping[str, str]) -> list[str]:
    urls = []
    for role in owner_role.replace("+", " ").split():  # "support + finance" has two owners
        named = environment.get(f"CONCORD_ALERTS_{role.upper()}") or environment.get("CONCORD_ALERTS")
        urls += [url.strip() for url in (named or "").split(",") if url.strip()]
    return list(dict.fromkeys(urls))


def _notify(urls: list[str], alert: Alert) -> bool:
    import apprise  # a second of imports that a run without channels need not pay

    channel = apprise.Apprise()
    accepted = all([channel.add(url) for url in urls])
    kind = {"closed": apprise.NotifyType.SUCCESS}.get(alert.kind) or (
        apprise.NotifyType.WARNING if alert.severity == "warn" else apprise.NotifyType.FAILURE
    )
    return bool(channel.notify(title=alert.title, body=alert.body, notify_type=kind)) and accepted


def _group(kind: str, drift_id: str, role: str, rows: list[Mapping[str, Any]], at: datetime) -> Alert:
    exposure: dict[str, Decimal] = defaultdict(Decimal)
    for row in rows:
        if row.get("exposure") is not None and row.get("currency"):
            exposure[str(row["currency"])] += Decimal(str(row["exposure"]))
    money = {currency: f"{amount:.2f}" for currency, amount in sorted(exposure.items())}
    name = kind_names().get(drift_id, drift_id)
    worst = max((str(row["severity"]) for row in rows), key=lambda severity: _RANK.get(severity, 0))
    examples = [str(row.get("detail") or row["finding_id"]) for row in rows[:5]]
    more = [f"... and {len(rows) - 5} more (concord findings --kind {drift_id})"] if len(rows) > 5 else []
    return Alert(
        at=at.isoformat(), kind=kind, drift_id=drift_id, owner_role=role, severity="info" if kind == "closed" else worst,
        title=f"{name}: {len(rows)} {'healed' if kind == 'closed' else 'new'}", body="\n".join([*examples, *more]), count=len(rows),
        exposure=money, finding_ids=tuple(str(row["finding_id"]) for row in rows),
    )
