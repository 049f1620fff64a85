"""The stand-in for SAP S/4HANA Cloud (OData v2). `create` makes one tenant; `api` has its routes."""

from sandbox.sap_s4hana.api import create

__all__ = ["create"]
