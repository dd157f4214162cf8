"""Every condition has a severity from 0 (healthy) to 1 (the file as written)."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spasmlab import assay_result, condition, parameter
from spasmlab import request as requests
from spasmlab.assay_result import AssayQuestion
from spasmlab.circuit import scalars
from spasmlab.cli import main
from spasmlab.errors import InputError

NAMES = condition.names()
ILL = tuple(name for name in NAMES if name != "healthy")


def _values(name: str, severity: float) -> dict[str, np.ndarray]:
    known = scalars.parameters(condition.load(name, severity))
    return {key: np.array(record.values) for key, record in known.items()}


def _with_its_muscle(written, target: str) -> dict:
    """The parameters of the joint and side that have the muscle which a record is of; any for one of all muscles."""
    for joint in scalars.parts("joints"):
        for side, muscle in enumerate(scalars.muscles_of(joint)):
            if ".muscles." not in target or f".muscles.{muscle}." in target:
                return scalars.parameters(written, joint, side)
    raise AssertionError(f"no joint has the muscle of {target}")


@pytest.mark.parametrize("name", NAMES)
def test_severity_0_is_healthy_and_1_the_file_as_written(name):
    assert scalars.parameters(condition.load(name, 0.0)) == scalars.parameters(condition.load("healthy"))
    written = condition.load(name)
    assert written.severity == 1.0 and condition.load(name, 1.0) is not None
    for target, record in written.parameters.items():
        if target.startswith("circuit."):
            assert _with_its_muscle(written, target)[target.rsplit(".", 1)[-1]] is record


@pytest.mark.parametrize("name", ILL)
@pytest.mark.parametrize("severity", [0.1, 0.5, 0.9])
def test_in_between_a_value_lies_on_the_straight_line(name, severity):
    healthy, here, full = (_values(name, s) for s in (0.0, severity, 1.0))
    for key in healthy:
        wanted = healthy[key] + severity * (full[key] - healthy[key])
        np.testing.assert_allclose(here[key], wanted, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("name", ILL)
def test_a_condition_shifts_something_and_stays_within_bounds_at_any_severity(name):
    shift = condition.load(name)
    assert shift.parameters
    for severity in (0.25, 0.75):
        for target in shift.parameters:
            module, key = target.rsplit(".", 1)
            default = parameter.beside(module)
            found = shift.at(severity).over(default, module)[key]
            low, high = found.bounds or (-np.inf, np.inf)
            assert all(low <= value <= high for value in found.values)


@given(st.floats(allow_nan=True).filter(lambda s: not 0 <= s <= 1))
def test_a_severity_outside_0_to_1_is_refused_in_one_line(severity):
    with pytest.raises(InputError, match="possible: 0") as refused:
        condition.load("ms-spasticity", severity)
    assert "\n" not in str(refused.value)


def test_severity_scales_what_the_slow_chain_sees():
    from spasmlab import drug
    from spasmlab.chain.solve import steady_at_plasma

    gabapentin = drug.load("gabapentin")
    release = [
        float(steady_at_plasma(gabapentin, 6.0, condition.load("ms-spasticity", s))["release_poly"][0])
        for s in (0.0, 0.3, 0.7, 1.0)
    ]
    assert np.all(np.diff(release) < 0)
    assert release[0] == float(steady_at_plasma(gabapentin, 6.0)["release_poly"][0])


def test_the_words_of_the_command_line_carry_the_severity(capsys):
    setting = assay_result.read(AssayQuestion("twitch", "ms-spasticity", severity=0.5))
    assert setting.condition.severity == 0.5
    request = requests.build("gabapentin", "600 mg tid", condition="ms-spasticity", severity=0.5)
    assert request.condition.severity == request.described()["severity"] == 0.5
    with pytest.raises(SystemExit) as ended:
        main(["assay", "twitch", "--condition", "ms-spasticity", "--severity", "1.5"])
    assert ended.value.code == 2
    assert "possible: 0" in capsys.readouterr().err
