"""Ids of the service org: Salesforce's own form, from another place than the sales org's, so that the two are never mistaken."""

from __future__ import annotations

from sandbox.salesforce.ids import native_id as org_native_id

POD = "8d0"


def native_id(entity: str, key: int | str) -> str:
    return org_native_id(entity, key, POD)
