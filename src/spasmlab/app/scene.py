"""One question answered at once: the slow chain and the surrogate of the circuit, ready to be drawn.

The numbers are those of ``spasmlab run --fidelity surrogate``; only the independent check of the solver, which takes most
of its time, is left out. What a question shares with the one before it (drug, patient, condition, spline) is cached by
the modules that hold it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from spasmlab import request as requests
from spasmlab import run as runs
from spasmlab import shown
from spasmlab.app.exports import command
from spasmlab.progress import Stages
from spasmlab.regimen import DAY_H
from spasmlab.request import Request
from spasmlab.run import Outcome
from spasmlab.shown import Shown

DRAWS = 16
POINTS = 160  # of the whole course
LAST_DAY = 120  # points of the last day


class Asked(Protocol):
    """The fields of a tab that make a question."""

    drug: str
    formulation: str
    regimen: str
    days: float
    fed: str
    patient: str
    condition: str
    severity: float
    hypothesis: str


@dataclass(frozen=True)
class Scene:
    """An answered question: the outcome of its run."""

    outcome: Outcome

    @cached_property
    def numbers(self) -> list[Shown]:
        """Every number of the run."""
        return shown.of_run(self.outcome)

    def number(self, name: str) -> Shown | None:
        """One number without a coordinate, None where the run has none of that name."""
        return next((n for n in self.numbers if n.name == name and not n.coordinate), None)


def request_of(asked: Asked, seed: int = 0, draws: int = DRAWS) -> Request:
    """The checked request behind a question; InputError where its parts do not go together."""
    return requests.build(
        asked.drug,
        asked.regimen,
        days=asked.days,
        condition=asked.condition,
        severity=asked.severity,
        patient_text=asked.patient,
        hypothesis=asked.hypothesis,
        formulation=asked.formulation,
        fed=asked.fed,
        seed=seed,
        draws=draws,
    )


def scene(asked: Asked) -> Scene:
    """Answer a question at surrogate fidelity; InputError or SolveError where a part refuses."""
    request = request_of(asked)
    return Scene(runs.run(request, Stages(), "surrogate", times_h=times(request), checked=0))


def times(request: Request) -> np.ndarray:
    """Hours drawn: an even grid over the course, a finer one over the last day, and the visit."""
    end = request.days * DAY_H
    course, last = np.linspace(0, end, POINTS), np.linspace(max(0.0, end - DAY_H), end, LAST_DAY)
    return np.unique(np.concatenate([course, last, [request.visit_h]]))


def options(asked: Asked) -> dict[str, Any]:
    """The options of the command line that ask the same."""
    return {
        "drug": asked.drug,
        "regimen": asked.regimen,
        "days": asked.days,
        "condition": asked.condition,
        "severity": asked.severity if asked.severity != 1 else None,
        "patient": asked.patient,
        "formulation": asked.formulation if asked.formulation != "ir" else None,
        "fed": asked.fed if asked.fed != "fasted" else None,
        "hypothesis": asked.hypothesis,
    }


def command_of(asked: Asked, fidelity: str = "surrogate") -> str:
    """The command line that gives the same numbers."""
    return command("run", {**options(asked), "fidelity": fidelity, "draws": DRAWS, "seed": 0})
