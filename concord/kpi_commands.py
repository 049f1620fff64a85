"""`concord kpis`: the newest values for people, from the published warehouse. What they mean is in docs/kpis.md."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from concord.errors import UsageError
from concord.figures import figure
from concord.printing import Json, out, show


def kpis(
    context: typer.Context,
    view: Annotated[str | None, typer.Argument(
        help="support_operations, revenue_operations, finance or engineering, or how one begins; all KPIs where none is named.")] = None,
    segments: Annotated[bool, typer.Option("--segments", help="Every part of a KPI, not only the whole.")] = False,
    json_: Json = False,
) -> None:
    """The newest values of the KPIs, how they were a week and a month before, and their targets."""
    from concord.kpi_report import label, trends
    from transform.kpis import load_kpis

    views = load_kpis().views
    if view is not None and view not in views:
        meant = [name for name in views if name.startswith(view)]
        if len(meant) != 1:
            raise UsageError(f"{view!r} is no view.", where="kpis", mend=f"Known: {', '.join(views)}.")
        view = meant[0]
    rows, currency = trends(context.obj.settings, view, segments=segments)
    if json_:
        show("", rows, True)
        return
    table = Table(title=views[view] if view else "KPIs", title_justify="left", title_style="bold")
    for name in ("KPI", "now", "week before", "month", "month before", "target", "of"):
        table.add_column(name, justify="left" if name == "KPI" else "right", overflow="fold")
    for row in rows:
        now, *before = (figure(row[name], row["unit"], currency) for name in ("value", "before_7d", "value_28d", "before_28d"))
        missed = row["is_on_target"] is False
        target = "" if row["target"] is None else figure(row["target"], row["unit"], currency) + (" missed" if missed else "")
        table.add_row(Text(label(row)), Text(now, style="red" if missed else ""), *before, target, str(row["sample_size"] or ""))
    out.print(table)
    if rows:
        out.print(f"As the systems were seen on {rows[0]['as_of']:%Y-%m-%d %H:%M} UTC; what people and our own writes did is counted as of the check before.",
                  highlight=False, soft_wrap=True)
