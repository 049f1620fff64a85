"""The stand-in for Microsoft Dynamics 365 Finance. `create` makes one environment; `api` has its routes."""

from sandbox.dynamics365_finance.api import create

__all__ = ["create"]
