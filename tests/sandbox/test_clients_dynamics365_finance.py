"""The Dynamics 365 Finance stand-in under python-odata, which nobody here wrote. Skipped where it is not installed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from sandbox.accounts import settings as credentials
from sandbox.server import Sandbox, running
from sandbox.world.plant import FaultPlan

NAME = "dynamics365_finance"


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with running(tmp_path_factory.mktemp("sandbox"), scale=0.1, faults=FaultPlan(), vendors=(NAME,)) as started:
        yield started


@pytest.fixture
def service(sandbox: Sandbox, tmp_path: Path) -> Any:
    """The service with an entity class for each set of its metadata document."""
    odata = pytest.importorskip("odata")
    account, root = credentials(NAME, tmp_path), sandbox.root_url(NAME)
    form = {"grant_type": "client_credentials", "client_id": account["client_id"], "client_secret": account["client_secret"], "scope": f"{root}/.default"}
    session = requests.Session()
    answer = session.post(f"{root}/{account['tenant']}/oauth2/v2.0/token", data=form, timeout=10).json()
    session.headers["Authorization"] = f"Bearer {answer['access_token']}"
    return odata.ODataService(f"{root}/data/", session=session, reflect_entities=True, quiet_progress=True)


def test_every_set_of_the_metadata_is_read(service: Any) -> None:
    assert {"CustomersV3", "SalesOrderHeadersV2", "SalesInvoiceHeadersV2", "ReleasedProductsV2"} <= service.entities.keys()
    for name, entity in service.entities.items():
        assert service.query(entity).limit(1).all() is not None, name


def test_lists_filters_and_writes(service: Any) -> None:
    customers = service.entities["CustomersV3"]
    found = list(service.query(customers))
    assert len(found) == service.query(customers).count() and len({row.CustomerAccount for row in found}) == len(found)
    one = service.query(customers).filter(customers.CustomerAccount == found[3].CustomerAccount).first()
    assert one.OrganizationName == found[3].OrganizationName
    one.NameAlias = "Quill"
    service.save(one)
    assert service.query(customers).filter(customers.CustomerAccount == one.CustomerAccount).first().NameAlias == "Quill"


def test_a_refusal(sandbox: Sandbox, service: Any) -> None:
    exceptions = pytest.importorskip("odata.exceptions")
    sandbox.fault(NAME, "429")
    with pytest.raises(exceptions.ODataError, match="429"):
        service.query(service.entities["CustomersV3"]).first()
