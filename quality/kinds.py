"""The kinds of finding as contracts/findings.yml names them."""

from __future__ import annotations

from functools import cache

import yaml

from concord.settings import PROJECT


@cache
def kind_names() -> dict[str, str]:
    """Drift id -> name, in the catalogue's order."""
    told = yaml.safe_load((PROJECT / "contracts" / "findings.yml").read_text())
    return {drift_id: kind["name"] for drift_id, kind in told["kinds"].items()}
