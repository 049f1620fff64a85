"""The score tells a right finding from a false alarm and a missed fault from one that is not due yet."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from quality.score import score, score_exceptions

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def fault(finding: str | None, *subjects: tuple[str, str], due: datetime | None = None) -> dict[str, Any]:
    return {
        "finding": finding, "kind": "planted", "visible_from": due.isoformat() if due else None,
        "subjects": [{"connection": connection, "entity": "x", "id": id} for connection, id in subjects],
    }


def raised(drift_id: str, left: tuple[str, str] | None = None, right: tuple[str, str] | None = None, **more: Any) -> dict[str, Any]:
    row = {"drift_id": drift_id, "class": "c", **more}
    for side, subject in (("left", left), ("right", right)):
        if subject:
            row |= {f"{side}_connection": subject[0], f"{side}_id": subject[1]}
    return row


def test_counts() -> None:
    truth = [fault("D4", ("stripe", "in_1")), fault("D4", ("stripe", "in_2"))]
    (kind,) = score(truth, [raised("D4", ("stripe", "in_1"), ("netsuite", "9")), raised("D4", ("stripe", "in_7"))], NOW)
    assert (kind.planted, kind.found, kind.raised, kind.right) == (2, 1, 2, 1)
    assert (kind.precision, kind.recall) == (0.5, 0.5)
    assert "in_2" in kind.missed[0] and "in_7" in kind.false_alarms[0]


def test_the_kind_must_fit() -> None:
    kinds = {kind.drift_id: kind for kind in score([fault("D2", ("netsuite", "1"))], [raised("D1", ("netsuite", "1"))], NOW)}
    assert kinds["D2"].recall == 0 and kinds["D1"].precision == 0


def test_a_fault_inside_its_grace_counts_neither_way() -> None:
    late = fault("D4", ("stripe", "in_1"), due=NOW + timedelta(minutes=5))
    assert score([late], [raised("D4", ("stripe", "in_1"))], NOW) == []
    (kind,) = score([late], [], NOW + timedelta(minutes=6))
    assert kind.recall == 0


def test_a_look_alike_that_is_flagged_is_a_false_alarm() -> None:
    (kind,) = score([fault(None, ("stripe", "in_1"))], [raised("D4", ("stripe", "in_1"))], NOW)
    assert (kind.planted, kind.precision) == (0, 0.0)


def test_findings_without_a_record_match_by_resource_and_connection() -> None:
    truth = [fault("D14", ("zendesk", "users")), fault("D13", ("salesforce", "salesforce"))]
    findings = [raised("D14", left_connection="zendesk", left_entity="users"), raised("D13", left_connection="salesforce")]
    assert [(kind.precision, kind.recall) for kind in score(truth, findings, NOW)] == [(1.0, 1.0), (1.0, 1.0)]


@given(st.sets(st.integers(0, 40)), st.sets(st.integers(0, 40)))
def test_shares_agree_with_set_arithmetic(planted: set[int], found: set[int]) -> None:
    truth = [fault("D4", ("stripe", str(id))) for id in planted]
    kinds = score(truth, [raised("D4", ("stripe", str(id))) for id in found], NOW)
    if planted or found:
        assert kinds[0].precision == (len(planted & found) / len(found) if found else None)
        assert kinds[0].recall == (len(planted & found) / len(planted) if planted else None)


def test_exceptions_are_scored_by_domain_and_the_consequence_of_a_finding_is_not_judged_twice() -> None:
    truth = [
        {**fault(None, ("erp", "o1")), "domain": "order"}, {**fault(None, ("erp", "o2")), "domain": "order"}, fault("D1", ("crm", "c1")),
        fault(None, ("erp", "fine"))]
    rows = [raised("", ("crm", "d1"), ("erp", "o1"), domain="order"), raised("", ("crm", "c1"), domain="entitlement"),
            raised("", ("erp", "fine"), domain="credit")]
    scores = {kind.drift_id: kind for kind in score_exceptions(truth, rows)}
    assert set(scores) == {"order", "credit"}
    assert (scores["order"].precision, scores["order"].recall) == (1.0, 0.5)
    assert (scores["credit"].precision, scores["credit"].planted) == (0.0, 0)
