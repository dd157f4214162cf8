"""The chain exported as SBML and run by libRoadRunner gives the same numbers: another engine, another solver."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from spasmlab import cli, drug, patient, regimen
from spasmlab.chain.problem import Problem, run
from spasmlab.chain.solve import prepare
from spasmlab.equations.trace import symbol
from spasmlab.errors import InputError
from spasmlab.io import sbml

EXAMPLES = Path(__file__).parents[1] / "examples"
HOURS = np.arange(0.0, 37.0, 0.5)
CASES = [
    ("gabapentin", "ir", False, "600 mg tid"),
    ("gabapentin", "ir", True, "1200 mg tid"),
    ("gabapentin", "gastroretentive", True, "1800 mg daily"),
    ("gabapentin", "enacarbil", True, "600 mg bid"),
    ("pregabalin", "ir", False, "150 mg bid"),
    (str(EXAMPLES / "one_compartment.toml"), "ir", False, "100 mg bid"),
    (str(EXAMPLES / "two_compartments_intravenous.toml"), "ir", False, "100 mg q12h"),
]


def problem(name: str, form: str, fed: bool, taken: str, draws: int = 2) -> Problem:
    """Two draws of a drug in a patient."""
    person = patient.parse("crcl=60, weight=80")
    return prepare(
        drug.load(name), regimen.parse(taken), person, days=2, formulation=form, fed=fed, draws=draws, seed=4
    )


def worst(first: dict[str, np.ndarray], second: dict[str, np.ndarray], patient: int) -> dict[str, float]:
    """The largest difference of each signal as a share of its largest value."""
    found = {}
    for name, values in first.items():
        largest = np.max(np.abs(values)) or 1.0
        found[name] = float(np.max(np.abs(second[name][patient] - values)) / largest)
    return found


@pytest.mark.parametrize(
    "case", CASES, ids=lambda c: f"{Path(c[0]).stem}-{c[1]}-{'fed' if c[2] else 'fasted'}"
)
def test_an_independent_engine_agrees(case) -> None:
    made = problem(*case)
    here = run(made, HOURS)
    there = sbml.in_roadrunner(made, HOURS, 1)
    assert set(there) == set(made.pathway.signals)
    errors = worst(there, here, 1)
    assert max(errors.values()) < 1e-4, max(errors, key=errors.__getitem__)
    assert errors["plasma_concentration"] < 1e-6
    assert there["plasma_concentration"].max() > 0


def test_a_wrong_export_would_be_seen() -> None:
    made = problem(*CASES[0])
    there = sbml.in_roadrunner(made.with_parameter("volume", 1.001 * made.row("volume")), HOURS, 1)
    assert worst(there, run(made, HOURS), 1)["plasma_concentration"] > 1e-4


def test_expressions_in_the_language_of_sbml() -> None:
    import sympy

    x, y = symbol("x"), symbol("y")
    assert sbml.formula(sympy.sqrt(x)) == "sqrt(x)"
    assert sbml.formula(x**y) == "pow(x, y)"
    assert sbml.formula(sympy.Min(x, y)) in ("piecewise(x, leq(x, y), y)", "piecewise(y, leq(y, x), x)")
    assert sbml.formula(sympy.Piecewise((x, x > y), (y, True))) == "piecewise(x, gt(x, y), y)"
    assert sbml.formula(sympy.log(x)) == "ln(x)"


def test_dialysis_cannot_be_exported_and_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "chain.xml"
    words = [
        "exposure",
        "--drug",
        "gabapentin",
        "--regimen",
        "300 mg daily",
        "--sbml",
        str(file),
        "--draws",
        "1",
    ]
    assert cli._exit_code([*words, "--dialysis", "4 h every 48 h"]) == 2
    assert "cannot be exported" in capsys.readouterr().err
    assert not file.exists()
    assert cli._exit_code([*words, "--json"]) == 0
    assert "<sbml" in file.read_text()


def test_a_place_that_cannot_be_written_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot write"):
        sbml.write(problem(*CASES[5]), tmp_path / "none" / "chain.xml")
