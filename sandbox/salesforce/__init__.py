"""The stand-in for Salesforce Sales Cloud: REST, SOQL, composite, Bulk 2.0. `create` makes one account; `api` has its routes."""

from sandbox.salesforce.api import create

__all__ = ["create"]
