"""`concord identity`: matching files of organisations. Here: arguments and printing. Not here: the matching (identity/), a steward's decisions."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from concord.errors import UsageError
from concord.printing import out as console

if TYPE_CHECKING:
    import duckdb

identity_app = typer.Typer(no_args_is_help=True, help="Who is the same organisation.")
MEMORY = "3GB"


@identity_app.command("match")
def match(
    left: Annotated[Path, typer.Argument(metavar="A.csv", help="Organisations: an id and a name column, and what else is known (docs/identity.md).")],
    right: Annotated[Path | None, typer.Argument(metavar="[B.csv]", help="Link A to this; without it, A is deduplicated.")] = None,
    out: Annotated[Path, typer.Option(help="The links, as CSV.")] = Path("links.csv"),
    clusters: Annotated[Path | None, typer.Option(help="One file: every record with its cluster, as CSV.")] = None,
    model: Annotated[Path | None, typer.Option(help="A saved model; without it, the one that comes with Concord.")] = None,
    train: Annotated[bool, typer.Option("--train/--no-train", help="Train on these files first, where they hold enough.")] = True,
    save_model: Annotated[Path | None, typer.Option(help="Where to keep the model that was used.")] = None,
    column: Annotated[list[str] | None, typer.Option(metavar="COLUMN=HEADER", help="Which header holds a column; may be repeated, for two files of different headers too.")] = None,
    passes: Annotated[str, typer.Option("--pass", help="rules, splink or both; for measuring one without the other.")] = "both",
) -> None:
    """Link the organisations of two files, or find the duplicates of one."""
    from identity.match import match_files

    if passes not in ("rules", "splink", "both"):
        raise UsageError(f"{passes!r} is no pass.", where="--pass", mend="Known: rules, splink, both.")
    if right is not None and clusters is not None:
        raise UsageError("clusters are made of one file.", where="--clusters", mend="Leave out the second file, or --clusters.")
    given: dict[str, list[str]] = {}
    for text in column or []:
        name, sign, header = text.partition("=")
        if not sign:
            raise UsageError(f"{text!r} is not COLUMN=HEADER.", where="--column", mend="For example --column name=Title.")
        given.setdefault(name.strip(), []).append(header.strip())
    with database() as con:
        result = match_files(
            con, left, right, out=out, clusters=clusters, model=model, train=train, save_model=save_model, columns=given,
            passes=("rules", "splink") if passes == "both" else (passes,), on=datetime.now(UTC).date(),
        )
    for path, found in result.files.items():
        console.print(f"{path}: " + ", ".join(f"{column} from {header!r}" for column, header in found.columns.items()), highlight=False, markup=False)
        if found.guessed:
            console.print(f"{path} is not UTF-8 and was read as {found.guessed}; save it as UTF-8 if names look wrong.", highlight=False, markup=False)
    console.print(f"{result.records} records, {result.pairs} pairs looked at; trained here: {', '.join(result.trained) or 'nothing'}.", highlight=False)
    console.print(f"{result.matches} matches and {result.reviews} pairs for review are in {out}.", highlight=False, markup=False)
    if clusters is not None:
        console.print(f"{result.clusters} clusters of several records are in {clusters}.", highlight=False, markup=False)


def database() -> duckdb.DuckDBPyConnection:
    import duckdb

    con = duckdb.connect()
    con.execute(f"set memory_limit = '{MEMORY}'; set enable_progress_bar = false")
    return con
