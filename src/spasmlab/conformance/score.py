"""Every scenario by two independent solvers, against its closed form."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from spasmlab import event_run, patient
from spasmlab.conformance import closed_form
from spasmlab.drug import Drug, Formulation
from spasmlab.errors import InputError
from spasmlab.io import event_table
from spasmlab.parameter import Parameter, read_toml

FILE = Path(__file__).with_name("scenarios.toml")
SOLVERS = ("adaptive", "plain")
UNITS = {
    "absorption_rate_constant": "1/h", "bioavailability": "1", "clearance": "L/h", "volume": "L", "lag": "h",
    "peripheral_volume": "L", "peripheral_rate": "1/h", "input_rate": "mg/h", "input_duration": "h",
    "clearance_exponent": "1",
}  # fmt: skip
BOUNDED = {"lag": (0.0, 100.0)}


@dataclass(frozen=True)
class Score:
    """One scenario: the largest error of each solver and their difference, as shares of the highest level.

    A scenario that must be refused has no errors, and passes where both solvers refuse the named row and column.
    """

    name: str
    kind: str
    error_adaptive: float | None
    error_plain: float | None
    difference: float | None
    passed: bool
    said: str = ""

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


@cache
def _file() -> dict[str, Any]:
    return read_toml(FILE)


def tolerance() -> float:
    """The largest error, as a share of the highest level, with which a scenario passes."""
    return float(_file()["tolerance"])


def scenarios() -> list[dict[str, Any]]:
    """Every scenario as it stands in the file."""
    return list(_file()["scenarios"])


def run() -> list[Score]:
    """Every scenario, scored."""
    return [score(scenario) for scenario in scenarios()]


def score(scenario: Mapping[str, Any]) -> Score:
    """One scenario, scored."""
    if "refused" in scenario:
        said = [_refusal(scenario, solver) for solver in SOLVERS]
        passed = all(f"event table, {scenario['refused']}:" in words for words in said)
        return Score(scenario["name"], "refusal", None, None, None, passed, said[0])
    truth = expected(scenario)
    largest = float(np.max(np.abs(truth)))
    found = [solved(scenario, solver) for solver in SOLVERS]
    errors = [float(np.max(np.abs(levels - truth))) / largest for levels in found]
    apart = float(np.max(np.abs(found[0] - found[1]))) / largest
    passed = all(error <= tolerance() for error in (*errors, apart))
    return Score(scenario["name"], "closed form", errors[0], errors[1], apart, passed)


def table(scenario: Mapping[str, Any]) -> tuple[event_table.Subject, ...]:
    """The rows of a scenario as a user's file would give them."""
    columns = scenario.get("columns", _file()["columns"])
    return event_table.read(io.StringIO("\n".join([columns, *scenario["rows"]]) + "\n"))


def solved(scenario: Mapping[str, Any], solver: str) -> np.ndarray:
    """Plasma levels at every row by one solver."""
    question = event_run.Question(drug(scenario), patient.default(), solver=solver)
    (found,) = event_run.predict(question, table(scenario))
    return found.of("plasma_concentration")[0]


def expected(scenario: Mapping[str, Any]) -> np.ndarray:
    """Plasma levels at every row in closed form."""
    values = _values(scenario)
    body = closed_form.Body(
        clearance=values["clearance"],
        volume=values["volume"],
        ka=values.get("absorption_rate_constant"),
        k_back=values.get("peripheral_rate", 0.0),
        peripheral_volume=values.get("peripheral_volume", 0.0),
    )
    times = [float(row.split(",")[0]) for row in scenario["rows"]]
    return np.array([closed_form.level(body, scenario["answer"], t, i) for i, t in enumerate(times)])


def drug(scenario: Mapping[str, Any]) -> Drug:
    """The linear drug of a scenario, as a user's own file would give it."""
    parts = tuple(_file()["bodies"][scenario["body"]]["parts"])
    records = {
        name: Parameter(
            path=f"drugs.scenario.{name}", value=float(value), unit=UNITS[name], bounds=BOUNDED.get(name),
            status="assumed", grade="C", note="a scenario",
        )
        for name, value in {"clearance_exponent": 0.0, **_values(scenario)}.items()
    }  # fmt: skip
    return Drug("scenario", "", "", records, {"ir": Formulation("ir", "", True)}, parts)


def _values(scenario: Mapping[str, Any]) -> dict[str, float]:
    return {**_file()["bodies"][scenario["body"]]["parameters"], **scenario.get("parameters", {})}


def _refusal(scenario: Mapping[str, Any], solver: str) -> str:
    try:
        solved(scenario, solver)
    except InputError as problem:
        return str(problem)
    return ""
