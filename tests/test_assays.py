"""Every assay on every condition: read-outs with units and meanings, shapes, finite numbers, traces with units."""

from __future__ import annotations

import numpy as np
import pytest

import baseline
import circuit_help
from baseline import LONG, LONG_IN
from spasmlab import assay_result, assays, condition, run, units
from spasmlab.circuit import scalars
from spasmlab.errors import InputError
from spasmlab.progress import Stages

SUBJECTS = 2
READY = (
    "h_reflex", "post_activation", "presynaptic", "reciprocal", "spasm", "spasm_strength", "stretch", "tonic_stretch",
    "twitch", "voluntary", "wind_up",
)  # fmt: skip
ONLY_TERMINALS = (
    "cramp-prone",
    "dehydrated",
    "electrolyte-loss",
    "overused",
)  # these differ in a cramp alone
# Conditions of pain, legs and brain leave the cord as it is in health: the test below says so, and health stands for them.
AS_IN_HEALTH = tuple(
    name
    for name in condition.names()
    if name != "healthy" and not any(p.startswith("circuit.") for p in condition.load(name).parameters)
)
CORDS_OF = tuple(name for name in condition.names() if name not in (*ONLY_TERMINALS, *AS_IN_HEALTH))
QUICK = tuple(
    name for name in assays.names() if name != "cramp"
)  # a cramp takes minutes: tests/test_assay_cramp.py
# Assays of many simulated seconds run in one condition, and `make quick` runs the short ones in that condition only.
SHORT = tuple(name for name in QUICK if name not in (*LONG, "motor_pool", "pendulum"))
EVERY = [
    pytest.param(name, of, marks=() if of == LONG_IN and name in SHORT else pytest.mark.slow)
    for of in CORDS_OF
    for name in QUICK
    if name not in LONG or of == LONG_IN
]


def few(name, of):
    """How many subjects do where no number is asked for: one of an assay of many simulated seconds.

    One also in conditions that the baseline does not have: that subjects keep to their rows is seen in the others.
    """
    long = name in (*LONG, "delta_f", "motor_pool")
    return 1 if long or of not in baseline.REFLEXES_IN else SUBJECTS


def cords_of_baseline(name, of):
    """How many cords the baseline has of an assay in a condition, where it is run for it and slow anyway; else 0."""
    if of == LONG_IN:
        return 1 if name in LONG else 0
    return baseline.CORDS if of in baseline.REFLEXES_IN else 0


def assay(name, of, subjects=None):
    """The run of the baseline where there is one, else one of a few cords without drug."""
    cords = cords_of_baseline(name, of)
    return (
        baseline.measured(name, of, cords)
        if cords
        else circuit_help.assay(name, of, subjects or few(name, of))
    )


def subjects_of(name, of):
    """Subjects of that run: the baseline's cords are run without and with the drug."""
    return 2 * cords_of_baseline(name, of) or few(name, of)


def test_ready_made_assays_are_found_by_name_with_hyphens_or_underscores():
    assert set(READY) <= set(assays.names())
    for name in assays.names():
        assert assays.load(name) is assays.load(name.replace("_", "-"))


def test_unknown_assay_is_refused_with_the_nearest():
    with pytest.raises(InputError, match="unknown assay 'strech'; did you mean 'stretch'"):
        assays.load("strech")


@pytest.mark.parametrize("name", assays.names())
def test_every_readout_has_a_unit_that_parses_and_a_meaning(name):
    readouts = assays.load(name).READOUTS
    assert readouts
    for readout, (unit, meaning) in readouts.items():
        units.unit(unit)
        assert readout == readout.lower() and readout.isidentifier()
        assert meaning.strip() and meaning != readout


@pytest.mark.parametrize("name", AS_IN_HEALTH)
def test_a_condition_that_shifts_nothing_of_the_circuit_has_the_healthy_cord(name):
    assert scalars.parameters(condition.load(name)) == scalars.parameters(condition.load("healthy"))


@pytest.mark.parametrize(("name", "of"), EVERY)
def test_every_condition_runs_every_assay_and_returns_what_is_declared(name, of):
    result = assay(name, of)
    subjects = subjects_of(name, of)
    declared = assays.load(name).READOUTS
    assert result.name == name
    assert set(result.readouts) == set(declared)
    for readout, values in result.readouts.items():
        axes = [(subjects, len(points)) for points in result.coords.values()]
        assert values.shape in [(subjects,), *axes], readout
        assert np.all(np.isfinite(values)) or "NaN" in declared[readout][1], f"{readout} is {values}"
        assert not np.isinf(values).any(), readout


@pytest.mark.parametrize(("name", "of"), EVERY)
def test_traces_are_finite_carry_units_and_belong_to_subjects(name, of):
    result = assay(name, of)
    subjects = subjects_of(name, of)
    assert result.traces.data_vars or not result.rasters  # a slice has neither
    for variable in result.traces.data_vars.values():
        units.unit(variable.attrs["units"])
        assert variable.dims[0] == "subject" and variable.shape[0] == subjects
        assert np.isfinite(variable.values).all()
        for dim in variable.dims[1:]:
            units.unit(result.traces.coords[dim].attrs["units"])
    for times, unit in result.rasters:
        assert times.shape == unit.shape and np.all(np.diff(times) >= 0)
        assert unit.size == 0 or (unit.min() >= 0 and unit.max() < 128)


@pytest.mark.parametrize(("name", "of"), EVERY)
def test_shares_lie_between_zero_and_one_and_sizes_are_not_negative(name, of):
    for readout, (unit, meaning) in assays.load(name).READOUTS.items():
        values = assay(name, of).readouts[readout]
        values = values[np.isfinite(values)]
        assert np.all(values >= 0) or "negative" in meaning, readout
        if "share of" in meaning and unit == "1":
            assert np.all(values <= 1), readout


@pytest.mark.slow
def test_readouts_are_those_of_the_baseline():
    moved = baseline.moved("reflexes", baseline.reflexes())
    assert not moved, f"{len(moved)} results moved, e.g. {dict(list(moved.items())[:5])}"


class Asked(Exception):
    """Raised where the circuit would be run."""


def zero_drug(name):
    """An assay in two arms of the same cords, the second with a drug at a plasma level of 0."""
    asked = assay_result.AssayQuestion(name, "ms-spasticity", drug="gabapentin", plasma="0 mg/L", draws=1)
    return assay_result.read(asked)


@pytest.mark.slow
@pytest.mark.parametrize("name", SHORT)
def test_zero_drug_changes_no_bit_of_any_assay(name):
    found = assay_result.compute(zero_drug(name), Stages())
    effects = [
        e for found in found["effects"].values() for e in (found if isinstance(found, list) else [found])
    ]
    values = [effect["difference"]["value"] for effect in effects]
    assert values and all(value is None or value == 0 for value in values)


@pytest.mark.parametrize("name", assays.names())
def test_zero_drug_asks_every_assay_the_same_question(name, monkeypatch):
    """Arms that agree in every number and share one cord; what is simulated of them agrees by the test above and below."""
    asked = []

    def only_ask(names, bench, *_):
        asked.append(bench)
        raise Asked

    monkeypatch.setattr(run, "run_assays", only_ask)
    with pytest.raises(Asked):
        assay_result.compute(zero_drug(name), Stages())
    (bench,) = asked
    assert bench.subjects == 2 and len(bench.cords) == 1
    for values in (bench.release_ia, bench.release_poly, bench.release_monoamine, bench.release_inhibitory):
        np.testing.assert_array_equal(values, 1.0)


@pytest.mark.parametrize("name", [name for name in READY if name not in LONG])
def test_assay_of_one_subject_is_its_row_in_the_assay_of_two(name):
    alone, both = assay(name, "ms-spasticity", 1), assay(name, "ms-spasticity", SUBJECTS)
    for readout, values in both.readouts.items():
        np.testing.assert_array_equal(alone.readouts[readout][0], values[0], err_msg=readout)


def test_stretch_traces_end_at_the_declared_angle_and_split_the_torque():
    result = assay("stretch", "ms-spasticity", SUBJECTS)
    traces = result.traces
    np.testing.assert_allclose(traces["angle"].values[..., -1], 10.0)
    np.testing.assert_allclose(traces["angle"].values[..., 0], -25.0)
    np.testing.assert_allclose(traces["joint_torque"], traces["passive_torque"] + traces["reflex_torque"])
    np.testing.assert_allclose(traces["reflex_torque"].max("time"), result.readouts["reflex_torque"])
