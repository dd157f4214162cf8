"""Small trials and courses for tests."""

from __future__ import annotations

from typing import Any

import numpy as np

from spasmlab.endpoints.course import Chance, Course
from spasmlab.trial import design
from spasmlab.trial.design import Design

DRUG = {"name": "drug", "n": 12, "drug": "gabapentin", "regimen": "600 mg tid"}
PLACEBO = {"name": "placebo", "n": 12}


def a_trial(**changes: Any) -> Design:
    """A two-arm pain trial of a fortnight with 12 patients an arm, changed where asked."""
    table: dict[str, Any] = {
        "title": "A trial",
        "condition": "postherpetic-neuralgia",
        "population": "older-phn",
        "weeks": 2,
        "visits": [0, 7, 14],
        "arms": [dict(DRUG), dict(PLACEBO)],
        "outcomes": {"pain": {"analysis": "ancova"}},
    }
    return design.of_table({**table, **changes}, "trial.toml")


def steady_course(level: float = 0.0, patients: int = 40, days: float = 28, **signals: float) -> Course:
    """Patients whose releases are all 1 − `level` and whose occupancy is `level`, from hour 0 on."""
    hours = np.arange(0.0, days * 24 + 2, 2.0)
    named = {f"release_{kind}": 1 - level for kind in ("ia", "poly", "monoamine", "inhibitory")}
    values = {**named, "occupancy": level, "plasma_concentration": 10 * level, **signals}
    return Course(hours, {name: np.full((patients, hours.size), v) for name, v in values.items()})


def chance(patients: int = 40, **more: Any) -> Chance:
    """The random numbers of as many patients."""
    return Chance(seed=3, count=patients, **more)
