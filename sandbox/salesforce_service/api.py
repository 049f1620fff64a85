"""The service org: the same API as the sales org's, with credentials, ids and rows of its own. Routes and rules are `sandbox.salesforce`'s."""

from __future__ import annotations

from typing import Any

from sandbox.protocol import Clock, Store, Vendor
from sandbox.salesforce.api import Salesforce
from sandbox.salesforce.org import Settings
from sandbox.salesforce_service.ids import POD

_DEFAULTS: dict[str, Any] = {
    "name": "salesforce_service",
    "cloud": "service",
    "pod": POD,
    "client_id": "concord-salesforce-service",
    "client_secret": "salesforce-service-secret",
    "username": "integration@concord.example.service",
}


def create(store: Store, clock: Clock, **settings: Any) -> Vendor:
    return Salesforce(store, clock, Settings(**{**_DEFAULTS, **settings}))
