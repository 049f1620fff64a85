"""A finding's life and the alerts that it causes."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from concord.errors import ConcordError
from quality.alerts import compose, compose_checks, send
from quality.ledger import history, open_ledger, record
from quality.suites import CheckResult

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def finding(id: str, drift_id: str = "D4", owner: str = "finance", **more: Any) -> dict[str, Any]:
    return {
        "finding_id": id, "drift_id": drift_id, "class": "amount", "severity": "error", "owner_role": owner, "correlation_id": None,
        "left_connection": "stripe", "left_entity": "invoice", "left_id": f"in_{id}", "right_connection": "netsuite",
        "right_entity": "invoice", "right_id": None, "field": "total", "exposure": Decimal("12.50"), "currency": "EUR",
        "detail": f"invoice {id} differs", **more,
    }


def test_a_finding_opens_once_closes_on_healing_and_reopens(store_url: str) -> None:
    ledger = open_ledger(store_url)
    first = record(ledger, [finding("a"), finding("b")], NOW)
    assert [row["finding_id"] for row in first.opened] == ["a", "b"]
    again = record(ledger, [finding("a"), finding("b")], NOW + timedelta(hours=1))
    assert (again.opened, again.reopened, again.closed, again.still_open) == ([], [], [], 2)
    healed = record(ledger, [finding("b")], NOW + timedelta(hours=2))
    assert [row["finding_id"] for row in healed.closed] == ["a"]
    back = record(ledger, [finding("a"), finding("b")], NOW + timedelta(hours=3))
    assert [row["finding_id"] for row in back.reopened] == ["a"]
    rows = {row["finding_id"]: row for row in history(ledger)}
    assert rows["a"]["times_opened"] == 2 and rows["a"]["closed_at"] is None and rows["b"]["times_opened"] == 1


def test_alerts_are_grouped_by_kind_and_owner_and_silent_while_open(tmp_path: Path) -> None:
    ledger = open_ledger(f"sqlite:///{tmp_path / 'operations.sqlite'}")
    seen = [finding("a"), finding("b"), finding("c", "D2", "support")]
    alerts = compose(record(ledger, seen, NOW), NOW)
    assert [(alert.drift_id, alert.owner_role, alert.count) for alert in alerts] == [("D2", "support", 1), ("D4", "finance", 2)]
    assert alerts[1].exposure == {"EUR": "25.00"}
    assert compose(record(ledger, seen, NOW), NOW) == []
    (closed,) = compose(record(ledger, seen[1:], NOW), NOW)
    assert (closed.kind, closed.finding_ids, closed.severity) == ("closed", ("a",), "info")


def test_alerts_without_a_channel_stand_in_the_file(tmp_path: Path) -> None:
    failed = CheckResult("unique__id", "invoice_status", False, "error", True, "One row an invoice.", {"unexpected_count": 3})
    send(compose_checks([failed], NOW), tmp_path, environment={})
    (line,) = (tmp_path / "alerts.jsonl").read_text().splitlines()
    assert json.loads(line)["title"] == "Check failed: invoice_status.unique__id"
    assert "stopped" in json.loads(line)["body"]


@pytest.fixture
def channel() -> Any:
    received: list[dict[str, Any]] = []

    class Receiver(BaseHTTPRequestHandler):
        status = 200

        def do_POST(self) -> None:
            received.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(self.status)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Receiver)
    Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port, received, Receiver
    server.shutdown()


def test_an_alert_reaches_its_owners_channel_only(tmp_path: Path, channel: Any) -> None:
    port, received, _ = channel
    ledger = open_ledger(f"sqlite:///{tmp_path / 'operations.sqlite'}")
    alerts = compose(record(ledger, [finding("a"), finding("c", "D2", "support")], NOW), NOW)
    send(alerts, tmp_path, environment={"CONCORD_ALERTS_FINANCE": f"json://127.0.0.1:{port}/"})
    assert [message["title"] for message in received] == ["Invoice mismatch: 1 new"]


def test_a_channel_that_refuses_is_an_error_and_nothing_is_lost(tmp_path: Path, channel: Any) -> None:
    port, _, receiver = channel
    receiver.status = 500
    ledger = open_ledger(f"sqlite:///{tmp_path / 'operations.sqlite'}")
    alerts = compose(record(ledger, [finding("a")], NOW), NOW)
    with pytest.raises(ConcordError, match="finance"):
        send(alerts, tmp_path, environment={"CONCORD_ALERTS_FINANCE": f"json://127.0.0.1:{port}/"})
    assert "Invoice mismatch" in (tmp_path / "alerts.jsonl").read_text()
