"""The stand-in for Chargebee (API v2, Product Catalog 2.0). `create` makes one site; `api` has its routes."""

from sandbox.chargebee.api import create

__all__ = ["create"]
