"""The stand-in for Zuora Billing. `create` makes one tenant; `api` has its routes."""

from sandbox.zuora.api import create

__all__ = ["create"]
