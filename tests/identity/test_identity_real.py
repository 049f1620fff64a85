"""The matcher on real registers, where a data folder holds them: the figures of docs/identity.md may not get worse."""

from __future__ import annotations

import csv
import gzip
import os
from collections import Counter
from pathlib import Path

import duckdb
import pytest

from identity.match import match_files

DATA = Path(os.environ.get("CONCORD_DATA") or "-") / "org_identity"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="CONCORD_DATA holds no org_identity")


def rows(path: Path) -> list[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") if path.suffix == ".gz" else path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_sites_of_nine_lists(tmp_path: Path) -> None:
    with duckdb.connect() as con:
        match_files(con, DATA / "chicago_sites.csv.gz", out=tmp_path / "links.csv", clusters=tmp_path / "clusters.csv")
    truth = {row["Id"]: row["True Id"] for row in rows(DATA / "chicago_sites.csv.gz")}
    found = {row["id"]: row["cluster_id"] for row in rows(tmp_path / "clusters.csv")}

    def pairs(counts: Counter[object]) -> int:
        return sum(count * (count - 1) // 2 for count in counts.values())

    both = pairs(Counter((found[key], truth[key]) for key in truth))
    precision, recall = both / pairs(Counter(found.values())), both / pairs(Counter(truth.values()))
    assert 2 * precision * recall / (precision + recall) >= 0.90


def test_utilities_by_name_alone(tmp_path: Path) -> None:
    with duckdb.connect() as con:
        match_files(con, DATA / "system_a_ferc1.csv.gz", DATA / "system_b_eia.csv.gz", out=tmp_path / "links.csv")
    links = {(row["left_id"], row["right_id"]) for row in rows(tmp_path / "links.csv")}
    truth = {(row["utility_id_ferc1"], row["utility_id_eia"]) for row in rows(DATA / "truth_ferc1_eia.csv.gz")}
    assert len(links & truth) / len(truth) >= 0.88
    assert len(links) < 600  # a steward can look at them
