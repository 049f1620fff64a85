"""Other systems in the same roles, and several of one role: faults found, mended, gone; ids kept apart; one dropped, the others unmoved."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pytest

from concord import stages
from concord.connections_file import drop_entry
from concord.report import score_now
from tests.end_to_end.conftest import Site

pytestmark = pytest.mark.slow

# what depends on one vendor's own words (D10, D14) is tested vendor by vendor
SCORED = ("D1", "D2", "D3", "D4", "D5", "D11", "D13", "D15")
DOMAINS = ("credit", "customer", "entitlement", "order", "payment", "return", "shipment")
SAP_AND_DYNAMICS: dict[str, Any] = {
    "sap_eu": {"system": "sap_s4hana", "role": "erp", "sandbox": True, "region": "emea"},
    "dynamics_us": {"system": "dynamics365_finance", "role": "erp", "sandbox": True, "region": "amer"},
    "salesforce": {"system": "salesforce", "role": "crm", "sandbox": True},
    "chargebee": {"system": "chargebee", "role": "billing", "sandbox": True},
    "zendesk": {"system": "zendesk", "role": "support", "sandbox": True, "region": "amer"},
    "servicenow": {"system": "servicenow", "role": "support", "sandbox": True, "region": "emea"},
}
ORACLE_AND_ZUORA: dict[str, Any] = {
    "oracle": {"system": "oracle_fusion", "role": "erp", "sandbox": True},
    "salesforce": {"system": "salesforce", "role": "crm", "sandbox": True},
    "zuora": {"system": "zuora", "role": "billing", "sandbox": True},
    "freshdesk": {"system": "freshdesk", "role": "support", "sandbox": True, "region": "amer"},
    "freshdesk_eu": {"system": "freshdesk", "role": "support", "sandbox": True, "region": "emea"},
    "service_cloud": {"system": "salesforce_service", "role": "support", "sandbox": True, "region": "apac"},
}
LANDSCAPES = {"SAP and Dynamics": SAP_AND_DYNAMICS, "Oracle and Zuora": ORACLE_AND_ZUORA}


@dataclass
class Company:
    site: Site
    scores: list[dict[str, Any]] = field(default_factory=list)
    sent: list[dict[str, int]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


@pytest.fixture(scope="module", params=list(LANDSCAPES))
def company(request: pytest.FixtureRequest, make_site: Callable[..., Site]) -> Company:
    """Two passes over one landscape; dbt's own tests look at the first."""
    site = make_site(seed=11, scale=0.25, connections=LANDSCAPES[request.param])
    found = Company(site)
    for number in range(2):
        installation = site.installation
        results = stages.ingest(installation)
        found.problems += [f"{result.connection}: {result.error}" for result in results if result.error is not None]
        found.problems += [f"{result.connection}.{name}: {why}" for result in results for name, why in result.failed.items()]
        with pytest.MonkeyPatch.context() as patch:
            if number:
                patch.setenv("DBT_EXCLUDE_RESOURCE_TYPES", "test")
            stages.build(installation)
        stages.publish(installation, stages.check(installation))
        stages.plan(installation)
        applied = stages.apply(installation)
        found.problems += [f"{part.connection}: {part.error}" for part in applied.connections if part.error]
        found.sent.append({part.connection: part.sent for part in applied.connections})
        found.problems += [f"{part.connection}: {part.dead_letters} dead letters" for part in applied.connections if part.dead_letters]
        stages.read_back(installation)
        found.scores.append({kind.drift_id: kind for kind in score_now(installation)})
    return found


def rows(site: Site, query: str) -> list[Any]:
    with duckdb.connect(str(site.settings.published), read_only=True) as published:
        return published.execute(query).fetchall()


def test_everything_is_read_and_written(company: Company) -> None:
    assert company.problems == []
    support = {name for name, connection in company.site.installation.connections.items() if connection.role == "support"}
    assert {name for name, sent in company.sent[0].items() if sent} >= {"salesforce", *support}


def test_every_planted_fault_is_found_and_nothing_else(company: Company) -> None:
    for scores in company.scores:
        wrong = {
            name: (scores[name].precision, scores[name].recall, scores[name].missed, scores[name].false_alarms)
            for name in SCORED if (scores[name].precision or 0) < 0.99 or (scores[name].recall or 0) < 0.99}
        assert wrong == {}


def test_no_exception_is_a_false_alarm(company: Company) -> None:
    """What an ERP does not tell (since when a customer is held, that an order waits for approval) may be missed there, never made up."""
    for scores in company.scores:
        assert {name: kind.false_alarms for name, kind in scores.items() if name in DOMAINS and kind.false_alarms} == {}
        assert {name: kind.missed for name, kind in scores.items() if name in DOMAINS and name not in ("order", "shipment") and kind.missed} == {}


def test_the_second_pass_writes_nothing(company: Company) -> None:
    assert sum(company.sent[1].values()) == 0


def test_customers_are_one_each_and_documents_keep_apart(company: Company) -> None:
    (duplicates,) = rows(company.site, "select count(*) - count(distinct customer_id) from customer")[0]
    assert duplicates == 0
    for table, key in (("invoice", "invoice_key"), ("sales_order", "order_key"), ("support_case", "case_key"), ("payment", "payment_key")):
        total, distinct = rows(company.site, f"select count(*), count(distinct {key}) from {table}")[0]
        assert total == distinct > 0, table
    roles = dict(rows(company.site, "select role, count(distinct connection) from crosswalk group by role"))
    assert roles == {
        role: sum(connection.role == role for connection in company.site.installation.connections.values()) for role in ("erp", "crm", "billing", "support")}


def test_a_dropped_connection_leaves_the_others_numbers_unchanged(company: Company, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBT_EXCLUDE_RESOURCE_TYPES", "test")  # the rows tell
    site = company.site
    gone = "servicenow"
    if gone not in site.installation.connections:
        pytest.skip("one landscape is enough: what a system is called makes no difference to what is left")
    count = "select connection, count(*), sum(total_amount) from invoice group by 1 union all select connection, count(*), null from support_case group by 1 order by 1"
    before = [row for row in rows(site, count) if row[0] != gone]
    left = site.beside(tmp_path / "home", state=["landing"])
    file = tmp_path / "connections.yml"
    file.write_text(Path(site.environment["CONCORD_CONNECTIONS"]).read_text())
    drop_entry(file, gone)
    left.environment["CONCORD_CONNECTIONS"] = str(file)
    stages.build(left.installation)
    stages.publish(left.installation, stages.check(left.installation))
    assert rows(left, count) == before
    assert rows(left, f"select count(*) from crosswalk where connection = '{gone}'") == [(0,)]
