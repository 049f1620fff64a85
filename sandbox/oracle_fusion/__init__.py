"""The stand-in for Oracle Fusion Cloud ERP: REST resources and the credit profile service. `create` makes one pod; `api` has its routes."""

from sandbox.oracle_fusion.api import create

__all__ = ["create"]
