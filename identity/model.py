"""A trained matcher as a value: Splink's settings, calibration, thresholds of the bands, what it was trained on. Read and written as JSON.

Not here: how its numbers are found (identity/training.py) or used (identity/scoring.py).
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from concord.errors import UsageError
from identity.agreement import FIELDS, comparisons

DEFAULT = Path(__file__).resolve().parent / "default_model.json"
Parameters = dict[str, list[list[float]]]  # field: [m, u] of each level, from the least agreement


@dataclass(frozen=True)
class Model:
    """`settings`: Splink's own, over the columns of `identity_agreement`. A pair at or above `match_at` is a match, at or above `review_at` for a
    steward to see. `trained_on`: rows and pairs counted, the date that the caller gave, which fields were trained.

    Weights add up as if fields were independent, which they are not: the probability is the logistic of `slope` x weight. There is no intercept,
    because that would be another world's share of matches; the prior is estimated on the data at hand.
    """

    settings: dict[str, Any]
    slope: float = 1.0
    slope_by_name_alone: float = 1.0  # of pairs that have no tax id, domain, phone or address to compare
    match_at: float = 0.9
    review_at: float = 0.1
    trained_on: dict[str, Any] = field(default_factory=dict)

    @property
    def prior(self) -> float:
        """The share of matches among candidate pairs."""
        return float(self.settings["probability_two_random_records_match"])

    @property
    def parameters(self) -> Parameters:
        found: Parameters = {}
        for comparison in self.settings["comparisons"]:
            levels = [level for level in comparison["comparison_levels"] if not level.get("is_null_level")]
            found[comparison["output_column_name"]] = [[level["m_probability"], level["u_probability"]] for level in reversed(levels)]
        return found

    def weight(self, name: str, level: int) -> float:
        """Bits that a level speaks for a match."""
        m, u = self.parameters[name][level]
        return math.log2(m / u)

    def with_parameters(self, parameters: Parameters, prior: float) -> Model:
        return replace(self, settings=splink_settings(parameters, prior))

    def save(self, path: Path) -> None:
        content = {
            "splink": self.settings, "calibration": {"slope": self.slope, "slope_by_name_alone": self.slope_by_name_alone},
            "bands": {"match": self.match_at, "review": self.review_at}, "trained_on": self.trained_on,
        }
        path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def splink_settings(parameters: Parameters, prior: float) -> dict[str, Any]:
    return {
        "link_type": "dedupe_only", "unique_id_column_name": "pair_id", "probability_two_random_records_match": prior,
        "comparisons": comparisons(parameters), "blocking_rules_to_generate_predictions": [],
        "retain_matching_columns": False, "retain_intermediate_calculation_columns": True,
    }


def load_model(path: Path) -> Model:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        model = Model(
            settings=content["splink"], slope=float(content["calibration"]["slope"]),
            slope_by_name_alone=float(content["calibration"]["slope_by_name_alone"]), match_at=float(content["bands"]["match"]),
            review_at=float(content["bands"]["review"]), trained_on=content["trained_on"],
        )
        shape = {name: len(levels) for name, levels in model.parameters.items()}
    except FileNotFoundError:
        raise UsageError("there is no such file.", where=str(path), mend="Give a model saved by `concord identity match --save-model`.") from None
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(f"this is no saved model ({error}).", where=str(path), mend="Save one with `concord identity match --save-model`.") from None
    if shape != {one.name: len(one.levels) for one in FIELDS}:
        raise UsageError("the model was made for other fields or levels.", where=str(path), mend="Train it anew with --train --save-model.")
    return model


def default_model() -> Model:
    """The model that comes with Concord, trained on generated organisations."""
    return load_model(DEFAULT)
