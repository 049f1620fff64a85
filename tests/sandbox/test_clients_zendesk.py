"""The Zendesk stand-in under zenpy, which nobody here wrote. Skipped where it is not installed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from sandbox.server import Sandbox, running
from sandbox.world.plant import FaultPlan

NAME = "zendesk"
LONG_AGO = datetime(2015, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with running(tmp_path_factory.mktemp("sandbox"), scale=0.1, faults=FaultPlan(), vendors=(NAME,)) as started:
        yield started


@pytest.fixture
def objects() -> Any:
    return pytest.importorskip("zenpy.lib.api_objects")


@pytest.fixture
def client(sandbox: Sandbox, objects: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("ZENPY_FORCE_SCHEME", "http")
    return login(sandbox, "zendesk-sandbox-token")


def login(sandbox: Sandbox, token: str) -> Any:
    subdomain, _, domain = sandbox.root_url(NAME).removeprefix("http://").partition(".")  # it puts the host together out of two names
    return pytest.importorskip("zenpy").Zenpy(subdomain=subdomain, domain=domain, email="ops@concord.example", token=token)


def kept(sandbox: Sandbox, kind: str) -> dict[str, Any]:
    return sandbox.vendors[NAME].store.collection(kind)


def ids(found: Any) -> list[int]:
    return [row.id for row in found]


def test_lists_exports_and_search(sandbox: Sandbox, client: Any) -> None:
    listed = ids(client.tickets())
    exported = ids(client.tickets.incremental(start_time=LONG_AGO))
    assert len(listed) > 100 and len(set(listed)) == len(listed) and set(listed) <= set(exported)
    assert ids(client.tickets(cursor_pagination=50)) == listed  # the archive is in neither
    assert set(ids(client.tickets.incremental(start_time=LONG_AGO, paginate_by_time=False))) == set(exported)
    assert set(ids(client.users.incremental(start_time=LONG_AGO))) == set(ids(client.users()))
    assert len(client.tickets()[100:110]) == 10  # a slice is a page of offset paging
    assert set(ids(client.organizations.incremental(start_time=LONG_AGO))) == {int(id) for id in kept(sandbox, "organizations")}
    roles = {user.role for user in client.users(role=["agent", "admin"])}
    assert roles == {"agent", "admin"}
    assert {ticket.status for ticket in client.search(type="ticket", status_less_than="solved")} <= {"new", "open", "pending", "hold"}
    assert client.search.count("type:ticket") == len(list(client.search_export(query="", type="ticket")))


def test_one_record_and_what_hangs_on_it(client: Any) -> None:
    ticket = next(iter(client.tickets(include=["users", "organizations"])))
    assert client.tickets(id=ticket.id).subject == ticket.subject
    assert ticket.organization.id == ticket.organization_id and ticket.requester.id == ticket.requester_id
    assert list(client.tickets.comments(ticket=ticket.id))[0].author_id and list(client.tickets.audits(ticket=ticket.id))
    assert client.tickets.metrics(ticket.id).ticket_id == ticket.id
    assert ticket.id in ids(client.users.requested(ticket.requester_id))
    assert client.users.me().email == "ops@concord.example"
    for each in (client.groups, client.ticket_fields, client.ticket_forms, client.brands, client.sla_policies, client.organization_memberships):
        assert ids(each())


def test_writes(sandbox: Sandbox, client: Any, objects: Any) -> None:
    made = client.tickets.create(objects.Ticket(subject="by zenpy", description="It hums.", requester=objects.User(name="Ida", email="ida@quill.example"))).ticket
    made.comment = objects.Comment(body="Seen.", public=False)
    made.status = "pending"
    assert client.tickets.update(made).ticket.status == "pending"
    assert [said.public for said in client.tickets.comments(ticket=made.id)] == [True, False]
    assert kept(sandbox, "tickets")[str(made.id)]["status"] == "pending"
    with pytest.raises(pytest.importorskip("zenpy.lib.exception").APIException, match="UpdateConflict"):
        client.tickets.update(objects.Ticket(id=made.id, subject="x", safe_update=True, updated_stamp="2020-01-01T00:00:00Z"))
    job = client.tickets.create([objects.Ticket(subject="one", description="x"), objects.Ticket(subject="two", description="x")])
    assert client.job_status(id=job.id).total == 2

    organization = client.organizations.create(objects.Organization(name="Quill", external_id="C-77"))
    assert client.organizations.create_or_update(objects.Organization(name="Quill & Co", external_id="C-77")).id == organization.id
    assert kept(sandbox, "organizations")[str(organization.id)]["name"] == "Quill & Co"
    client.tickets.delete(made)
    assert made.id in ids(client.tickets.deleted())


def test_refusals(sandbox: Sandbox, client: Any, objects: Any) -> None:
    exceptions = pytest.importorskip("zenpy.lib.exception")
    with pytest.raises(exceptions.RecordNotFoundException):
        client.tickets(id=999_999_999)
    name = next(iter(kept(sandbox, "organizations").values()))["name"]
    with pytest.raises(exceptions.APIException, match="DuplicateValue"):
        client.organizations.create(objects.Organization(name=name))
    with pytest.raises(exceptions.APIException, match="Couldn't authenticate you"):
        list(login(sandbox, "wrong").tickets())
    sandbox.fault(NAME, "429")
    assert len(list(client.tickets())) > 100  # it waits as long as Retry-After says, and asks again
