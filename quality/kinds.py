"""The kinds of finding and the teams as contracts/findings.yml names them."""

from __future__ import annotations

import re
from datetime import timedelta
from functools import cache
from typing import Any

import yaml

from concord.errors import UsageError
from concord.settings import PROJECT

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


@cache
def _told() -> dict[str, dict[str, Any]]:
    told: dict[str, dict[str, Any]] = yaml.safe_load((PROJECT / "contracts" / "findings.yml").read_text())
    return told


def kind_names() -> dict[str, str]:
    """Drift id -> name, in the catalogue's order."""
    return {drift_id: kind["name"] for drift_id, kind in _told()["kinds"].items()}


def kind_domains() -> dict[str, str]:
    """Drift id -> the part of the business that it is worked with."""
    return {drift_id: str(kind["domain"]) for drift_id, kind in _told()["kinds"].items() if kind.get("domain")}


def teams() -> dict[str, str]:
    """Role of a system -> the team that owns it."""
    return dict(_told()["teams"])


def check_teams(owner: str) -> None:
    """Raises UsageError when one of the teams of `owner`, as finance or support+finance, stands nowhere in contracts/findings.yml."""
    named = [kind["owner"] for kind in _told()["kinds"].values() if isinstance(kind["owner"], list)]
    known = {*teams().values(), *(team for several in named for team in several)}
    if unknown := [team for team in owner.split("+") if team not in known]:
        raise UsageError(f"no team is called {unknown[0]!r}.", where="exceptions", field="owner",
                         mend=f"Known: {', '.join(sorted(known))}; contracts/findings.yml names them.")


def resolved_grace() -> timedelta:
    """How long after somebody called an exception resolved data that still disagrees opens it again.

    Raises UsageError when contracts/findings.yml does not say a duration.
    """
    text = str(_told().get("exceptions", {}).get("resolved_grace", ""))
    match = re.fullmatch(r"(\d+)\s*([smhd])", text)
    if match is None:
        raise UsageError(f"{text!r} is not a duration.", where="contracts/findings.yml", field="exceptions.resolved_grace",
                         mend="Write a number and s, m, h or d, for example 15m.")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})
