"""The stand-in for ServiceNow Customer Service Management. `create` makes one instance; `api` has its routes."""

from sandbox.servicenow.api import create

__all__ = ["create"]
