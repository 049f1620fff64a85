"""The Freshdesk stand-in under python-freshdesk, which nobody here wrote. Skipped where it is not installed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from sandbox.server import Sandbox, running
from sandbox.world.plant import FaultPlan

NAME = "freshdesk"
LONG_AGO = "2015-01-01T00:00:00Z"


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with running(tmp_path_factory.mktemp("sandbox"), scale=0.1, faults=FaultPlan(), vendors=(NAME,)) as started:
        yield started


@pytest.fixture
def errors() -> Any:
    pytest.importorskip("freshdesk.v2.api")
    return pytest.importorskip("freshdesk.v2.errors")


@pytest.fixture
def client(sandbox: Sandbox, errors: Any) -> Any:
    return login(sandbox, "freshdesk-sandbox-key")


def login(sandbox: Sandbox, key: str) -> Any:
    opened = pytest.importorskip("freshdesk.v2.api").API("acme.freshdesk.com", key)  # it takes the vendor's own domain only
    opened._api_prefix = f"{sandbox.root_url(NAME)}/api/v2/"
    return opened


def kept(sandbox: Sandbox, kind: str) -> dict[str, Any]:
    return sandbox.vendors[NAME].store.collection(kind)


def test_lists_page_by_page_and_filters(sandbox: Sandbox, client: Any) -> None:
    tickets = client.tickets.list_tickets(filter_name=None, updated_since=LONG_AGO)
    ids = [ticket.id for ticket in tickets]
    assert len(ids) > 100 and len(set(ids)) == len(ids) and set(map(str, ids)) <= kept(sandbox, "tickets").keys()
    newest = sorted(tickets, key=lambda ticket: ticket.updated_at)[-20].updated_at
    later = client.tickets.list_tickets(filter_name=None, updated_since=newest.strftime("%Y-%m-%dT%H:%M:%SZ"))
    assert {ticket.id for ticket in later} == {ticket.id for ticket in tickets if ticket.updated_at >= newest}
    assert {contact.id for contact in client.contacts.list_contacts()} == {int(id) for id in kept(sandbox, "contacts")}
    assert {company.id for company in client.companies.list_companies()} == {int(id) for id in kept(sandbox, "companies")}
    found = client.tickets.filter_tickets("status:2 OR status:3")
    assert found and {ticket.status for ticket in found} <= {"open", "pending"}


def test_one_record_and_what_hangs_on_it(client: Any) -> None:
    first = client.tickets.list_tickets(filter_name=None, updated_since=LONG_AGO)[0]
    ticket = client.tickets.get_ticket(first.id, "conversations", "requester", "company", "stats")
    assert ticket.requester["id"] == first.requester_id and ticket.company["id"] == first.company_id
    assert [said["id"] for said in ticket.conversations] == [said.id for said in client.comments.list_comments(first.id)][:10]
    assert client.contacts.get_contact(first.requester_id).company_id == first.company_id
    assert client.agents.currently_authenticated_agent().contact["email"] == "ops@concord.example"
    assert client.groups.list_groups() and client.roles.list_roles() and client.time_entries.list_time_entries()
    assert [field.name for field in client.ticket_fields.list_ticket_fields(type="default_status")] == ["status"]


def test_writes(sandbox: Sandbox, client: Any, tmp_path: Path) -> None:
    made = client.tickets.create_ticket("by python-freshdesk", email="new@acme.example", description="It hums.", tags=["erp"])
    assert kept(sandbox, "tickets")[str(made.id)]["tags"] == ["erp"]
    assert client.tickets.update_ticket(made.id, status=4, priority=3).status == "resolved"
    note = client.comments.create_note(made.id, "Seen.")
    assert kept(sandbox, "conversations")[str(note.id)]["private"] is True
    client.tickets.delete_ticket(made.id)
    assert made.id in {ticket.id for ticket in client.tickets.list_deleted_tickets()}

    company = client.companies.create_company(name="Quill & Co", domains=["quill.example"])
    assert client.companies.update_company(company.id, account_tier="Premium").account_tier == "Premium"
    contact = client.contacts.create_contact(name="Ida", email="ida@quill.example")
    assert contact.company_id == company.id and client.contacts.update_contact(contact.id, job_title="Buyer").job_title == "Buyer"
    client.contacts.soft_delete_contact(contact.id)
    assert kept(sandbox, "contacts")[str(contact.id)]["deleted"] is True


def test_attachments_go_as_a_multipart_form(sandbox: Sandbox, client: Any, tmp_path: Path) -> None:
    (tmp_path / "photo.txt").write_text("a picture")
    made = client.tickets.create_ticket(
        "with a file", email="new@acme.example", description="See there.", tags=["erp", "photo"], status=3,
        attachments=[str(tmp_path / "photo.txt")], custom_fields={"cf_erp_order_number": "SO-1"})
    [file] = made.attachments
    assert (file["name"], file["size"], made.tags, made.status) == ("photo.txt", 9, ["erp", "photo"], "pending")
    assert made.custom_fields["cf_erp_order_number"] == "SO-1" and client.tickets.get_ticket(made.id).attachments == [file]
    assert requests.get(file["attachment_url"], timeout=10).text == "a picture"


def test_refusals(sandbox: Sandbox, client: Any, errors: Any) -> None:
    with pytest.raises(errors.FreshdeskNotFound):
        client.tickets.get_ticket(99_999_999)
    some = client.contacts.list_contacts()[0]
    with pytest.raises(errors.FreshdeskBadRequest, match="invalid_field"):
        client.contacts.update_contact(some.id, nonsense=1)
    with pytest.raises(errors.FreshdeskError, match="409.*duplicate_value"):
        client.contacts.create_contact(name="Twin", email=some.email)
    with pytest.raises(errors.FreshdeskUnauthorized, match="You have to be logged in"):
        login(sandbox, "wrong").tickets.list_tickets()
    sandbox.fault(NAME, "429")
    with pytest.raises(errors.FreshdeskRateLimited, match="until 1 seconds"):
        client.companies.list_companies()
