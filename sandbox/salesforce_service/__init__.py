"""The stand-in for Salesforce Service Cloud: the org of `sandbox.salesforce` with the support desk's rows. `create` makes one account."""

from sandbox.salesforce_service.api import create

__all__ = ["create"]
