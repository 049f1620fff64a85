"""`concord spark`: the warehouse built on Spark, and what sets it apart from DuckDB's. Here: arguments and printing. Not here: the build (transform/spark)."""

from __future__ import annotations

import os
from typing import Annotated

import typer
from rich.console import Console

from concord.errors import ConcordError
from concord.printing import Json, show

spark_app = typer.Typer(no_args_is_help=True, help="The warehouse on Spark, beside DuckDB's.")
err = Console(stderr=True)


@spark_app.command("build")
def build(
    context: typer.Context,
    select: Annotated[str | None, typer.Option(help="A dbt selection; what it leaves out must be there from an earlier build.")] = None,
    json_: Json = False,
) -> None:
    """Write every table anew with Spark, from the landing as the last `concord build` found it, and run the tests there."""
    from concord.report import Watcher
    from transform.spark.build import build_on_spark, target_of

    installation = context.obj
    target = target_of(installation.settings, os.environ)
    with Watcher(err) as watcher:
        result = build_on_spark(
            installation.settings, installation.connections, target, select=select, on_event=lambda event: watcher.progress("build", event))
    show("Built on Spark", [{
        "models": result.count("model"), "seeds": result.count("seed"), "tests": result.count("test"), "warnings": len(result.warned),
        "seconds": round(result.seconds, 1), "tables": target.warehouse}], json_)


@spark_app.command("compare")
def compare(
    context: typer.Context,
    all_: Annotated[bool, typer.Option("--all", help="Also the tables that are equal.")] = False,
    json_: Json = False,
) -> None:
    """Hold what Spark wrote against the DuckDB warehouse, row by row. Both must be built from the same landing. Ends with 1 where they differ."""
    from transform.spark.build import target_of
    from transform.spark.compare import compare as compared
    from transform.spark.session import SCHEMA, is_local, local_path

    settings = context.obj.settings
    target = target_of(settings, os.environ)
    if not is_local(target.warehouse):
        raise ConcordError("is not on this machine.", where=target.warehouse, mend="Copy the tables here and name the folder in CONCORD_SPARK_WAREHOUSE.")
    found = compared(settings.warehouse, local_path(target.warehouse) / SCHEMA)
    different = [each for each in found if not each.is_equal]
    show("DuckDB and Spark", [{
        "table": each.table, "rows in DuckDB": each.rows_duckdb, "rows in Spark": each.rows_spark, "only in DuckDB": each.only_duckdb,
        "only in Spark": each.only_spark, "differs in": ", ".join((*each.types, *each.columns)),
    } for each in (found if all_ else different)], json_)
    if not json_:
        err.print(f"{len(found) - len(different)} of {len(found)} tables are equal, {sum(each.rows_duckdb for each in found):,} rows.")
    if different:
        raise typer.Exit(1)
