"""The stand-in for Zendesk Support. `create` makes one account; `api` has its routes."""

from sandbox.zendesk.api import create

__all__ = ["create"]
