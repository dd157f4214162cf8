"""What an endpoint measures: one entry for each outcome, and the course of the placebo response."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from spasmlab.endpoints.course import Chance
from spasmlab.parameter import Parameter


@dataclass(frozen=True)
class Outcome:
    """One outcome: unit, meaning, which way is better, its kind (which likelihood fits) and its range."""

    unit: str
    meaning: str
    better: Literal["lower", "higher"] = "lower"
    kind: Literal["continuous", "ordinal", "count", "binary"] = "continuous"
    low: float = 0.0
    high: float = float("inf")


def placebo(known: Mapping[str, Parameter], chance: Chance, days: np.ndarray) -> np.ndarray:
    """The placebo response as a share of baseline, (N, visits): p (1 − exp(−t/τ)).

    p differs between patients and between trials (`placebo_between_study`, on the scale of `placebo_share`); τ
    (`placebo_time`) in days. It belongs to the trial and the patient, never to the drug.
    """
    share = chance.of_patients(known["placebo_share"], chance.value(known["placebo_between_study"]))
    time = chance.value(known["placebo_time"])
    return share[:, None] * (1 - np.exp(-np.asarray(days, float) / time))
