"""The stand-in for NetSuite: record service and SuiteQL. `create` makes one account; `api` has its routes."""

from sandbox.netsuite.api import create

__all__ = ["create"]
