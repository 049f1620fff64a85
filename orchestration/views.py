"""The four views as assets: what they show of the published KPIs, as charts and a table in the UI."""

from collections.abc import Iterator

import dagster as dg

from concord import stages
from concord.charts import charts, image
from concord.errors import ConcordError
from concord.kpi_report import ViewReport, view_reports
from orchestration.sync import PUBLISHED
from orchestration.warehouse import model_key
from transform.kpis import load_kpis


def view_key(view: str) -> dg.AssetKey:
    return dg.AssetKey(["views", view])


def view_assets() -> dg.AssetsDefinition:
    specs = [
        dg.AssetSpec(
            view_key(view), deps=[PUBLISHED, model_key("marts", f"view_{view}"), model_key("marts", "kpi_total")], group_name="views",
            kinds={"markdown"}, owners=["team:data"], description=f"{title}: the newest values, their course and their targets.",
        )
        for view, title in load_kpis().views.items()
    ]

    @dg.multi_asset(name="show_views", specs=specs)
    def show_views(context: dg.AssetExecutionContext, installation: dg.ResourceParam[stages.Installation]) -> Iterator[dg.MaterializeResult]:
        try:
            reports = view_reports(installation.settings)
        except ConcordError as error:
            raise dg.Failure(str(error), allow_retries=False) from error
        for report in reports:
            yield dg.MaterializeResult(view_key(report.view), metadata=_metadata(report))

    return show_views


def _metadata(report: ViewReport) -> dict[str, dg.MetadataValue]:
    header = "| KPI | now | week before | month | target |\n|---|---:|---:|---:|---:|\n"
    body = "\n".join(f"| {name} | {now} | {before} | {month} | {target} |" for name, now, before, month, target in report.table)
    return {
        "course": dg.MetadataValue.md(image(charts(report.lines, report.first, report.last), f"{report.title}, {report.first} to {report.last}")),
        "values": dg.MetadataValue.md(header + body),
        "missed_targets": dg.MetadataValue.int(report.missed),
    }
