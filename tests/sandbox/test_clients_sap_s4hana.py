"""The S/4HANA stand-in under pyodata, SAP's own OData client. Skipped where it is not installed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from sandbox.server import Sandbox, running
from sandbox.world.plant import FaultPlan

NAME = "sap_s4hana"
SETS = {
    "API_BUSINESS_PARTNER": "A_BusinessPartner", "API_SALES_ORDER_SRV": "A_SalesOrder", "API_BILLING_DOCUMENT_SRV": "A_BillingDocument",
    "API_PRODUCT_SRV": "A_Product", "API_OUTBOUND_DELIVERY_SRV": "A_OutbDeliveryHeader", "API_CUSTOMER_RETURN_SRV": "A_CustomerReturn",
    "API_OPLACCTGDOCITEMCUBE_SRV": "A_OperationalAcctgDocItemCube",
}


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with running(tmp_path_factory.mktemp("sandbox"), scale=0.1, faults=FaultPlan(), vendors=(NAME,)) as started:
        yield started


def opened(sandbox: Sandbox, service: str, password: str = "sap-sandbox-password") -> Any:
    """The service in a session that holds the token for writes and the cookie which it belongs to."""
    pyodata = pytest.importorskip("pyodata")
    session, url = requests.Session(), f"{sandbox.root_url(NAME)}/sap/opu/odata/sap/{service}"
    session.auth = ("CONCORD_COMM", password)
    token = session.get(f"{url}/", headers={"x-csrf-token": "Fetch"}, timeout=10).headers.get("x-csrf-token", "")
    session.headers["x-csrf-token"] = token
    return pyodata.Client(url, session)


@pytest.mark.parametrize(("service", "name"), SETS.items())
def test_metadata_lists_counts_and_keys(sandbox: Sandbox, service: str, name: str) -> None:
    entities = getattr(opened(sandbox, service).entity_sets, name)
    total = entities.get_entities().count().execute()
    found, skip = [], 0
    while page := list(entities.get_entities().skip(skip).top(100).execute()):
        found += page
        skip += 100
        if skip >= 300:
            break
    assert len(found) == min(total, 300) and total == entities.get_entities().top(1).count(inline=True).execute().total_count
    key = found[0].entity_key
    assert len({str(row.entity_key) for row in found}) == len(found)
    assert str(entities.get_entity(key).execute().entity_key) == str(key)


def test_filters_and_navigation(sandbox: Sandbox) -> None:
    partners = opened(sandbox, "API_BUSINESS_PARTNER").entity_sets.A_BusinessPartner
    wanted = partners.get_entities()
    found = list(wanted.filter(wanted.BusinessPartnerCategory == "2").top(5).expand("to_BusinessPartnerAddress").execute())
    assert found and {row.BusinessPartnerCategory for row in found} == {"2"}
    addresses = partners.get_entity(found[0].BusinessPartner).nav("to_BusinessPartnerAddress").get_entities().execute()
    assert [row.AddressID for row in addresses] == [row.AddressID for row in found[0].to_BusinessPartnerAddress]
    orders = opened(sandbox, "API_SALES_ORDER_SRV").entity_sets.A_SalesOrder
    some = sorted(row.LastChangeDateTime for row in orders.get_entities().top(50).execute())[25]
    query = f"LastChangeDateTime ge datetimeoffset'{some.strftime('%Y-%m-%dT%H:%M:%SZ')}'"
    changed = [row.LastChangeDateTime for row in orders.get_entities().filter(query).top(20).execute()]
    assert changed and min(changed) >= some.replace(microsecond=0)


def test_writes_and_batches(sandbox: Sandbox) -> None:
    client = opened(sandbox, "API_BUSINESS_PARTNER")
    partners = client.entity_sets.A_BusinessPartner
    made = partners.create_entity().set(BusinessPartnerCategory="2", OrganizationBPName1="Quill", BusinessPartnerGrouping="BP02").execute()
    partners.update_entity(made.BusinessPartner, method="PATCH").set(SearchTerm1="QUILL").execute()
    assert partners.get_entity(made.BusinessPartner).execute().SearchTerm1 == "QUILL"
    batch, changes = client.create_batch(), client.create_changeset()
    changes.add_request(partners.update_entity(made.BusinessPartner, method="PATCH").set(SearchTerm2="AND CO"))
    batch.add_request(changes)
    batch.add_request(partners.get_entity(made.BusinessPartner))
    assert batch.execute()[1].SearchTerm2 == "AND CO"


def test_refusals(sandbox: Sandbox) -> None:
    exceptions = pytest.importorskip("pyodata.exceptions")
    client = opened(sandbox, "API_BUSINESS_PARTNER")
    partners = client.entity_sets.A_BusinessPartner
    with pytest.raises(exceptions.HttpError, match="404"):
        partners.get_entity("NOPE").execute()
    with pytest.raises(exceptions.HttpError):
        opened(sandbox, "API_BUSINESS_PARTNER", password="wrong").schema.entity_sets  # noqa: B018
    sandbox.fault(NAME, "429")
    with pytest.raises(exceptions.HttpError, match="429"):
        partners.get_entities().top(1).execute()
