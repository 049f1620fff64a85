"""The stand-in for Stripe Billing. `create` makes one account; `api` has its routes."""

from sandbox.stripe.api import create

__all__ = ["create"]
