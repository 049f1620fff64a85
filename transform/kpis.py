"""The catalogue of KPIs, contracts/kpis.yml, read and checked. How a KPI is computed is SQL under transform/models/marts/kpi."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from concord.errors import UsageError
from concord.settings import PROJECT

CATALOGUE = PROJECT / "contracts" / "kpis.yml"
AGGREGATES = ("ratio", "complement", "sum", "max", "p50", "p90", "p95")
KINDS = ("flow", "level")
UNITS = ("share", "seconds", "count", "minutes", "money")
COLUMNS = ("kpi", "name", "measure", "aggregate", "kind", "unit", "better", "target", "place", "views")


@dataclass(frozen=True)
class Catalogue:
    """`kpis`: by name, what contracts/kpis.yml says; `views`: key -> title; `policy`: settings that the models read, as text."""

    kpis: Mapping[str, Mapping[str, Any]]
    views: Mapping[str, str]
    policy: Mapping[str, str]

    def rows(self) -> list[list[Any]]:
        """One row a KPI, in the order of COLUMNS, as the warehouse keeps them."""
        return [
            [kpi, told["name"], told["measure"], told["aggregate"], told["kind"], told["unit"], told["better"], told.get("target", ""), place,
             " ".join(told["views"])]
            for place, (kpi, told) in enumerate(self.kpis.items(), start=1)]


@cache
def load_kpis(path: Path = CATALOGUE) -> Catalogue:
    """Raises UsageError naming the KPI, the field and the mend for anything that does not fit."""
    told = yaml.safe_load(path.read_text())
    where, views = f"contracts/{path.name}", told["views"]
    for kpi, entry in told["kpis"].items():
        for field, known in (("aggregate", AGGREGATES), ("kind", KINDS), ("unit", UNITS), ("better", ("up", "down"))):
            if entry.get(field) not in known:
                raise UsageError(f"{entry.get(field)!r} is not known.", where=where, field=f"kpis.{kpi}.{field}", mend=f"Known: {', '.join(known)}.")
        for field in ("name", "measure", "views"):
            if not entry.get(field):
                raise UsageError("is missing.", where=where, field=f"kpis.{kpi}.{field}")
        if unknown := [view for view in entry["views"] if view not in views]:
            raise UsageError(f"{unknown[0]!r} is no view.", where=where, field=f"kpis.{kpi}.views", mend=f"Known: {', '.join(views)}.")
        try:
            Decimal(entry.get("target", "0"))
        except InvalidOperation:
            raise UsageError(f"{entry['target']!r} is no number.", where=where, field=f"kpis.{kpi}.target") from None
    return Catalogue(told["kpis"], views, {name: str(value) for name, value in told["policy"].items()})
