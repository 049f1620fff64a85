"""The kinds of finding and the teams as contracts/findings.yml names them."""

from __future__ import annotations

from functools import cache
from typing import Any

import yaml

from concord.settings import PROJECT


@cache
def _told() -> dict[str, dict[str, Any]]:
    told: dict[str, dict[str, Any]] = yaml.safe_load((PROJECT / "contracts" / "findings.yml").read_text())
    return told


def kind_names() -> dict[str, str]:
    """Drift id -> name, in the catalogue's order."""
    return {drift_id: kind["name"] for drift_id, kind in _told()["kinds"].items()}


def teams() -> dict[str, str]:
    """Role of a system -> the team that owns it."""
    return dict(_told()["teams"])
