"""The stand-in for Freshdesk. `create` makes one account; `api` has its routes."""

from sandbox.freshdesk.api import create

__all__ = ["create"]
