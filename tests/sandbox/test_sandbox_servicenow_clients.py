"""The ServiceNow stand-in under other people's clients: PySNC (the vendor's own) and pysnow. Skipped where they are not installed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.accounts import settings as credentials
from sandbox.server import Sandbox, running

NAME = "servicenow"


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with running(tmp_path_factory.mktemp("sandbox"), scale=0.1, vendors=(NAME,)) as started:
        yield started


@pytest.fixture
def user(tmp_path: Path) -> tuple[str, str]:
    account = credentials(NAME, tmp_path)
    return account["username"], account["password"]


def cases(sandbox: Sandbox, **fields: str) -> dict[str, Any]:
    found = sandbox.vendors[NAME].store.collection("sn_customerservice_case")
    return {id: case for id, case in found.items() if all(case.get(name) == value for name, value in fields.items())}


def test_pysnc(sandbox: Sandbox, user: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    pysnc = pytest.importorskip("pysnc")
    monkeypatch.setattr("pysnc.client.get_instance", lambda instance: instance)  # it takes https addresses only
    client = pysnc.ServiceNowClient(sandbox.root_url(NAME), user)
    every = client.GlideRecord("sn_customerservice_case", batch_size=50)
    every.query()
    assert {record.get_value("sys_id") for record in every} == set(cases(sandbox)) and every.get_row_count() == len(cases(sandbox))

    account = client.GlideRecord("customer_account")
    assert account.get("number", "ACCT0000001") and not client.GlideRecord("customer_account").get("0" * 32)
    account.set_value("u_overdue_days", "9")
    assert account.update() and account.get_value("u_overdue_days") == "9"

    made = client.GlideRecord("sn_customerservice_case")
    made.initialize()
    made.set_value("short_description", "by PySNC")
    assert made.insert() in cases(sandbox, short_description="by PySNC")
    assert made.delete() and not cases(sandbox, short_description="by PySNC")

    some = client.GlideRecord("sn_customerservice_case")
    some.add_query("state", "10")
    some.limit = 4
    some.query()
    ids = []
    while some.next():
        ids.append(some.get_value("sys_id"))
        assert some.get_display_value("state") == "Open" and some.get_display_value("account")
        some.set_value("u_order_number", "SO-4711")
    assert some.update_multiple()  # one batch
    assert set(cases(sandbox, u_order_number="SO-4711")) == set(ids)


def test_pysnow(sandbox: Sandbox, user: tuple[str, str]) -> None:
    pysnow = pytest.importorskip("pysnow")
    client = pysnow.Client(host=sandbox.root_url(NAME).removeprefix("http://"), user=user[0], password=user[1], use_ssl=False)
    resource = client.resource(api_path="/table/sn_customerservice_case")
    query = pysnow.QueryBuilder().field("state").equals("3").AND().field("number").order_descending()
    numbers = [row["number"] for row in resource.get(query=query, limit=5, stream=True).all()]
    assert numbers == sorted((case["number"] for case in cases(sandbox, state="3").values()), reverse=True)[:5]
    made = resource.create(payload={"short_description": "by pysnow"}).one()
    assert resource.update(query={"sys_id": made["sys_id"]}, payload={"priority": "1"}).one()["priority"] == "1"
    assert resource.delete(query={"sys_id": made["sys_id"]})["status"] == "record deleted" and made["sys_id"] not in cases(sandbox)
