"""How much of the truth the crosswalk finds in a company whose systems keep no ids of each other.

    python benchmarks/crosswalk.py [--seeds 1 2 3] [--scale 0.5] [--unlinked 0.4]

The world is the sandbox's: a share of the customers has neither ids nor tax ids outside the ERP, and names as different people write
them. Measured over all pairs of records; beside it the deterministic passes alone. The SQL is the project's, run in DuckDB.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))


def main() -> None:
    from sandbox.world.build import build_world
    from sandbox.world.plant import FaultPlan
    from tests.transform.identity_world import Records, compiled_models, pair_score, world_records

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--scale", type=float, default=0.5)
    parser.add_argument("--unlinked", type=float, default=0.4)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        models = compiled_models(Path(folder) / "compiled")
        print("seed  records  passes         precision  recall     F1  review  unlinked  seconds")
        for seed in asked.seeds:
            world = build_world(seed, asked.scale, FaultPlan(unlinked=asked.unlinked), None, datetime(2026, 3, 10, tzinfo=UTC))
            home = Path(folder) / str(seed)
            home.mkdir()
            records = Records(models, home)
            truth = world_records(records, world.roles)
            begun = time.monotonic()
            links = records.resolve()
            seconds = time.monotonic() - begun
            review = records.all("select count(distinct record_key) from crosswalk_review")[0][0]
            for name, chosen in (("all", links), ("deterministic", {key: link for key, link in links.items() if link[1] != "probabilistic"})):
                score = pair_score({key: link[0] for key, link in chosen.items()}, truth)
                print(f"{seed:4d}  {len(truth):7d}  {name:13s}  {score.precision:9.4f}  {score.recall:6.4f}  {score.f1:.4f}"
                      f"  {review:6d}  {len(truth) - len(chosen):8d}  {seconds:7.1f}")


if __name__ == "__main__":
    main()
