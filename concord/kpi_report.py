"""What is said of the KPIs: figures as people write them, and the views as they are shown. Read from the published warehouse."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from concord.charts import Line
from concord.figures import figure
from concord.settings import Settings

_SHOWN_DAYS = 28
_COLUMNS = ("kpi", "segment", "name", "unit", "value", "value_7d", "before_7d", "change_7d", "value_28d", "before_28d", "change_28d", "target",
            "is_on_target", "better", "sample_size", "as_of")


@dataclass(frozen=True)
class ViewReport:
    """One view: a line a KPI with its days, and a table of name, now, week before, month and target."""

    view: str
    title: str
    lines: tuple[Line, ...]
    table: tuple[tuple[str, ...], ...]
    first: date
    last: date
    missed: int


def trends(settings: Settings, view: str | None = None, *, segments: bool = False) -> tuple[list[dict[str, Any]], str]:
    """The KPIs of a view (of all, where none is named) in the catalogue's order, and the reporting currency."""
    from transform.publish import read_published

    with read_published(settings) as published:
        rows = [dict(zip(_COLUMNS, row, strict=True)) for row in published.execute(
            f"select {', '.join(_COLUMNS)} from kpi_trend where ? is null or ' ' || views || ' ' like '% ' || ? || ' %'"
            " order by place, segment = 'all' desc, segment", [view, view]).fetchall()]
        (currency,) = published.sql("select max(currency) from reporting_currency").fetchone() or (None,)
    return (rows if segments else _wholes(rows)), currency or ""


def view_reports(settings: Settings) -> list[ViewReport]:
    """Every view, with the course of the last four weeks."""
    from transform.kpis import load_kpis
    from transform.publish import read_published

    with read_published(settings) as published:
        (last,) = published.sql("select cast(max(as_of) as date) from kpi_trend").fetchone() or (None,)
        points: dict[str, dict[date, float]] = {}
        for kpi, day, value in published.sql("select kpi, day, value from kpi_total where value is not null order by kpi, day").fetchall():
            points.setdefault(kpi, {})[day] = float(value)
    last = last or date.min
    first = last - timedelta(days=_SHOWN_DAYS - 1) if last > date.min else last
    reports = []
    for view, title in load_kpis().views.items():
        rows, currency = trends(settings, view)
        lines = tuple(
            Line(label(row), figure(row["value"], row["unit"], currency), points.get(row["kpi"], {}),
                 None if row["target"] is None else float(row["target"]), row["is_on_target"])
            for row in _once(rows) if row["value"] is not None)
        table = tuple(
            (label(row), *(figure(row[name], row["unit"], currency) for name in ("value", "before_7d", "value_28d")),
             "" if row["target"] is None else figure(row["target"], row["unit"], currency)) for row in rows)
        reports.append(ViewReport(view, title, lines, table, first, last, sum(1 for row in rows if row["is_on_target"] is False)))
    return reports


def label(row: Mapping[str, Any]) -> str:
    return str(row["name"]) if row["segment"] in ("", "all") else f"{row['name']}: {row['segment']}"


def _wholes(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Of a KPI with parts the whole over them; where parts are not added up, the parts."""
    whole = {row["kpi"] for row in rows if row["segment"] in ("", "all")}
    return [dict(row) for row in rows if row["segment"] in ("", "all") or row["kpi"] not in whole]


def _once(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """One row a KPI: the whole where it has one, else its stage `total`, else its first part."""
    chosen: dict[str, Mapping[str, Any]] = {}
    for row in rows:
        if row["kpi"] not in chosen or row["segment"] == "total":
            chosen[row["kpi"]] = row
    return list(chosen.values())
