"""The quick answer of the page: the numbers of `spasmlab run --fidelity surrogate`, and what it draws of them."""

import numpy as np
import pytest

from spasmlab import run as runs
from spasmlab import shown
from spasmlab.app import dose, panels, scene
from spasmlab.app.tabs.explore import Fields


@pytest.fixture(scope="module")
def found():
    return scene.scene(Fields(days=3.0))


def test_the_numbers_are_those_of_the_command_line(found):
    outcome = runs.run(found.request, fidelity="surrogate")
    for ours, theirs in zip(found.numbers, shown.of_run(outcome), strict=True):
        assert (ours.name, ours.unit, ours.coordinate) == (theirs.name, theirs.unit, theirs.coordinate)
        np.testing.assert_allclose(ours.values, theirs.values, rtol=1e-6, atol=1e-9)


def test_a_panel_draws_its_shadow_its_band_and_its_unit(found):
    drawn = panels.payload(found, panels.LAST_DAY)
    assert list(drawn) == [panel.name for panel in panels.PANELS]
    plasma = drawn["plasma"]["drawing"]
    none, drug = plasma["curves"]
    assert none["look"] == "shadow" and set(none["values"]) == {0.0}
    assert all(lo <= v <= hi for lo, v, hi in zip(drug["low"], drug["values"], drug["high"], strict=True))
    assert plasma["yLabel"] == "mg/L" and plasma["x"][0] == 0 and plasma["x"][-1] == 24
    course = panels.payload(found, panels.COURSE)["plasma"]["drawing"]
    assert course["x"][-1] == 3 and course["xLabel"] == "time (days)"
    grades = drawn["scale"]["drawing"]
    assert sum(grades["curves"][1]["values"]) == pytest.approx(100, abs=0.2)


def test_a_drug_beyond_the_surrogate_still_answers_its_chain():
    answered = scene.scene(Fields(drug="baclofen", regimen="20 mg tid", days=2.0))
    assert answered.score is None and "releases alone" in answered.problem
    drawn = panels.payload(answered, panels.LAST_DAY)
    assert drawn["plasma"]["drawing"]["curves"][1]["values"][0] > 0
    assert "acts on the cord itself" in drawn["scale"]["drawing"]["message"]
    assert drawn["muscle"]["drawing"]["action"] == "Run the circuit"
    assert "does not act through α2δ" in drawn["occupancy"]["drawing"]["message"]


@pytest.mark.parametrize(
    ("written", "amount", "becomes"),
    [
        ("600 mg tid", 300, "300 mg tid"),
        ("300 mg bid x1, then 600 mg tid", 900, "300 mg bid for 1 day then 900 mg tid"),
        ("300 mg at 08:00, 600 mg at 20:00", 900, "450 mg at 08:00, 900 mg at 20:00"),
        ("25 mg/kg/day tid", 40, "40 mg/kg/day tid"),
    ],
)  # fmt: skip
def test_the_slider_rewrites_the_last_part_of_a_regimen(written, amount, becomes):
    assert dose.with_dose(written, amount) == becomes
    assert dose.dose(becomes) == amount
