"""How good and how fast the identity matcher is: on real truth where a data folder is given, on generated organisations otherwise.

    CONCORD_DATA=<folder> python benchmarks/identity.py                # the real sets: rules alone, Splink alone, both
    python benchmarks/identity.py --generated 100000                   # speed and memory of A x B, and quality
    python benchmarks/identity.py --make-default                       # train and calibrate identity/default_model.json on generated organisations

Every figure comes from the files that `concord identity match` writes. No truth is used but to count.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import os
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from organisations import two_systems, write

PASSES = {"rules alone": ("rules",), "Splink alone": ("splink",), "both": ("rules", "splink")}
Row = dict[str, str]
# Where training on generated organisations starts from: what is commonly seen of m and u, from the least agreement.
START = {
    "name": [[.03, .34], [.04, .50], [.05, .08], [.01, .02], [.03, .025], [.08, .015], [.06, .006], [.15, .003], [.05, .006], [.50, .005]],
    "marks": [[.01, .15], [.29, .65], [.70, .20]], "legal_form": [[.2, .6], [.8, .4]], "tax_id": [[.03, .98], [.97, .02]],
    "web": [[.1, .96], [.03, .01], [.67, .025], [.20, .005]], "phone": [[.25, .95], [.03, .01], [.72, .04]],
    "address": [[.2, .85], [.05, .10], [.05, .01], [.05, .01], [.65, .03]], "country": [[.01, .2], [.99, .8]],
}


def rows(path: Path) -> list[Row]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") if path.suffix == ".gz" else path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def run(left: Path, right: Path | None, folder: Path, passes: tuple[str, ...] = PASSES["both"]) -> tuple[list[Row], list[Row]]:
    from concord.identity_commands import database
    from identity.match import match_files

    with database() as con:
        match_files(con, left, right, out=folder / "links.csv", clusters=None if right else folder / "clusters.csv", passes=passes)
    return rows(folder / "links.csv"), [] if right else rows(folder / "clusters.csv")


def pairwise(found: dict[str, str], truth: dict[str, str]) -> tuple[float, float]:
    def pairs(groups: Iterable[object]) -> int:
        return sum(count * (count - 1) // 2 for count in Counter(groups).values())

    both = pairs((found[key], truth[key]) for key in truth)
    return both / max(1, pairs(found[key] for key in truth)), both / max(1, pairs(truth.values()))


def b_cubed(found: dict[str, str], truth: dict[str, str]) -> tuple[float, float]:
    here, there, both = Counter(found[k] for k in truth), Counter(truth.values()), Counter((found[k], truth[k]) for k in truth)
    precision = sum(both[found[k], truth[k]] / here[found[k]] for k in truth) / len(truth)
    return precision, sum(both[found[k], truth[k]] / there[truth[k]] for k in truth) / len(truth)


def f1(precision: float, recall: float) -> float:
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def line(*cells: object) -> None:
    print("| " + " | ".join(f"{c:.3f}" if isinstance(c, float) else str(c) for c in cells) + " |")


def sites(data: Path, folder: Path) -> None:
    path = data / "chicago_sites.csv.gz"
    truth = {row["Id"]: row["True Id"] for row in rows(path)}
    line("Chicago sites", "pairwise P", "R", "F1", "B-cubed P", "R", "F1", "review pairs")
    for called, passes in PASSES.items():
        links, clusters = run(path, None, folder, passes)
        found = {row["id"]: row["cluster_id"] for row in clusters}
        by_pair, by_record = pairwise(found, truth), b_cubed(found, truth)
        line(called, *by_pair, f1(*by_pair), *by_record, f1(*by_record), sum(row["band"] == "review" for row in links))


def linked(called: str, left: Path, right: Path, truth: set[tuple[str, str]], folder: Path, list_misses: bool = False) -> None:
    line(called, "true in match", "true in review", "recall of both", "match band", "review band")
    links: list[Row] = []
    for pass_, passes in PASSES.items():
        links, _ = run(left, right, folder, passes)
        bands = {(row["left_id"], row["right_id"]): row["band"] for row in links}
        hits = Counter(bands[pair] for pair in truth if pair in bands)
        sizes = Counter(row["band"] for row in links)
        line(pass_, hits["match"], hits["review"], sum(hits.values()) / len(truth), sizes["match"], sizes["review"])
    if list_misses:
        names = [{next(iter(row.values())): list(row.values())[1] for row in rows(path)} for path in (left, right)]
        found = {(row["left_id"], row["right_id"]) for row in links}
        print("\nMissed:", *(f"{names[0].get(a)} = {names[1].get(b)}" for a, b in sorted(truth - found)), sep="\n- ")
        extra = [row for row in links if (row["left_id"], row["right_id"]) not in truth]
        for band in ("match", "review"):
            print(f"\nNot in the truth, {band}:", *(f"{r['left_name']} = {r['right_name']} ({r['probability']})" for r in extra if r["band"] == band), sep="\n- ")


def plants(data: Path, folder: Path) -> None:
    """Plants with their utility's name in front, of two registers: one pair a plant that both know."""
    known = [row for row in rows(data / "plants_ferc1_eia.csv.gz") if row["plant_name_ferc1"] and row["plant_name_eia"]]
    sides: tuple[dict[str, str], dict[str, str]] = ({}, {})
    truth = set()
    for row in known:
        a, b = f"{row['utility_id_ferc1']}/{row['plant_name_ferc1']}", row["plant_id_eia"]
        sides[0].setdefault(a, row["plant_name_ferc1"])
        sides[1].setdefault(b, row["plant_name_eia"])
        truth.add((a, b))
    for side, name in zip(sides, "ab", strict=True):
        with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([("id", "name"), *sorted(side.items())])
    linked(f"Plants ({len(truth)} pairs, names only)", folder / "a.csv", folder / "b.csv", truth, folder)


def generated(count: int, folder: Path) -> None:
    made, truth = two_systems(count, seed=21)
    for source in "AB":
        write(made, source, folder / f"{source}.csv")
    wall, used = time.monotonic(), time.process_time()
    links, _ = run(folder / "A.csv", folder / "B.csv", folder)
    bands = {(row["left_id"], row["right_id"]): row["band"] for row in links}
    hits, sizes = Counter(bands[pair] for pair in truth if pair in bands), Counter(bands.values())
    line(f"{count:,} x {count:,} generated", "seconds", "of processor", "peak GB", "match precision", "match recall", "recall with review", "review band")
    line("both", time.monotonic() - wall, time.process_time() - used, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, hits["match"] / max(1, sizes["match"]),
         hits["match"] / len(truth), sum(hits.values()) / len(truth), sizes["review"])


def make_default(on: date) -> None:
    """Parameters from one generated world without its truth; the calibration from another's truth, by logistic regression on the weight."""
    import duckdb
    import pyarrow as pa

    from identity.agreement import compare
    from identity.candidates import propose
    from identity.model import DEFAULT, Model, splink_settings
    from identity.records import prepare
    from identity.scoring import weigh
    from identity.training import train_prepared

    def world(seed: int, names_only: bool) -> tuple[duckdb.DuckDBPyConnection, set[tuple[str, str]]]:
        con = duckdb.connect()
        made, truth = two_systems(10_000, seed=seed)
        if names_only:
            made = [{**row, **dict.fromkeys(("tax_id", "domain", "email", "phone", "street", "city", "postcode", "country"))} for row in made]
        columns = {name: pa.array([row[name] for row in made], pa.string()) for name in made[0]}
        con.register("made", pa.table(columns))
        prepare(con, "made")
        propose(con, between_sources=True)
        compare(con)
        return con, truth

    con, _ = world(11, names_only=False)
    model = train_prepared(con, start=Model(splink_settings(START, 0.1)), on=on)
    seen: dict[bool, list[tuple[float, bool]]] = {True: [], False: []}
    for seed, names_only in ((12, False), (13, True)):
        con, truth = world(seed, names_only)
        here = train_prepared(con, start=model)
        weigh(con, here)
        found = con.execute("""select a.record_key, b.record_key, w.weight, coalesce(g.tax_id, g.web, g.phone, g.address) is null from identity_agreement as g inner join identity_weight as w using (pair_id)
            inner join identity_record as a on a.n = g.l inner join identity_record as b on b.n = g.r where coalesce(g.marks, 1) > 0""").fetchall()
        for a, b, weight, alone in found:
            seen[alone].append((weight, (a, b) in truth))
    slope, by_name = (round(logistic(seen[alone]), 4) for alone in (False, True))
    told = {**model.trained_on, "generated": "benchmarks/organisations.py, seeds 11 to 13"}
    replace(model, slope=slope, slope_by_name_alone=by_name, trained_on=told).save(DEFAULT)
    print(slope, by_name, json.dumps(told))


def logistic(seen: list[tuple[float, bool]]) -> float:
    """The slope in bits of a logistic through the origin that explains best which pairs are true: where the likelihood's derivative is nought."""
    bins: dict[int, list[int]] = {}
    for weight, true in seen:
        entry = bins.setdefault(round(2 * weight), [0, 0])
        entry[0] += 1
        entry[1] += true
    low, high = 0.05, 1.0
    for _ in range(40):
        slope = (low + high) / 2
        gain = sum((true - count / (1 + 2 ** -max(-500.0, min(500.0, slope * half / 2)))) * half for half, (count, true) in bins.items())
        low, high = (slope, high) if gain > 0 else (low, slope)
    return slope


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--generated", type=int, metavar="RECORDS", help="so many generated records a side")
    parser.add_argument("--make-default", action="store_true")
    parser.add_argument("--list", action="store_true", help="list the utilities that are missed and what is linked beyond the truth")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        steps: list[Callable[[], None]] = []
        if options.make_default:
            steps.append(lambda: make_default(date.today()))
        elif options.generated:
            steps.append(lambda: generated(options.generated, folder))
        elif os.environ.get("CONCORD_DATA"):
            data = Path(os.environ["CONCORD_DATA"]) / "org_identity"
            truth = {(row["utility_id_ferc1"], row["utility_id_eia"]) for row in rows(data / "truth_ferc1_eia.csv.gz")}
            steps.append(lambda: sites(data, folder))
            steps.append(lambda: linked("Utilities (178 pairs, names only)", data / "system_a_ferc1.csv.gz", data / "system_b_eia.csv.gz", truth, folder, options.list))
            steps.append(lambda: plants(data, folder))
        else:
            steps.append(lambda: generated(5_000, folder))
        for step in steps:
            step()


if __name__ == "__main__":
    main()
