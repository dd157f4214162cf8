"""Every assay on every condition: read-outs with units and meanings, shapes, finite numbers, traces with units."""

from __future__ import annotations

import numpy as np
import pytest

from circuit_help import assay
from spasmlab import assays, condition, units
from spasmlab.errors import InputError

SUBJECTS = 2
READY = ("h_reflex", "spasm", "stretch", "twitch")
ONLY_TERMINALS = (
    "cramp-prone",
    "dehydrated",
    "electrolyte-loss",
    "overused",
)  # these differ in a cramp alone
CORDS_OF = tuple(name for name in condition.names() if name not in ONLY_TERMINALS)
QUICK = tuple(
    name for name in assays.names() if name != "cramp"
)  # a cramp takes minutes: tests/test_assay_cramp.py
EVERY = [(name, of) for of in CORDS_OF for name in QUICK]


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


@pytest.mark.parametrize(("name", "of"), EVERY)
def test_every_condition_runs_every_assay_and_returns_what_is_declared(name, of):
    result = assay(name, of, SUBJECTS)
    declared = assays.load(name).READOUTS
    assert result.name == name
    assert set(result.readouts) == set(declared)
    for readout, values in result.readouts.items():
        axes = tuple(len(c) for c in result.coords.values())
        assert values.shape == (SUBJECTS,) or values.shape == (SUBJECTS, *axes), readout
        assert np.all(np.isfinite(values)) or "NaN" in declared[readout][1], f"{readout} is {values}"
        assert not np.isinf(values).any(), readout


@pytest.mark.parametrize(("name", "of"), EVERY)
def test_traces_are_finite_carry_units_and_belong_to_subjects(name, of):
    result = assay(name, of, SUBJECTS)
    assert result.traces.data_vars
    for variable in result.traces.data_vars.values():
        units.unit(variable.attrs["units"])
        assert variable.dims[0] == "subject" and variable.shape[0] == SUBJECTS
        assert np.isfinite(variable.values).all()
        for dim in variable.dims[1:]:
            units.unit(result.traces.coords[dim].attrs["units"])
    for times, unit in result.rasters:
        assert times.shape == unit.shape and np.all(np.diff(times) >= 0)
        assert unit.size == 0 or (unit.min() >= 0 and unit.max() < 128)


@pytest.mark.parametrize("of", CORDS_OF)
def test_shares_lie_between_zero_and_one_and_sizes_are_not_negative(of):
    for name in QUICK:
        for readout, (unit, _) in assays.load(name).READOUTS.items():
            values = assay(name, of, SUBJECTS).readouts[readout]
            values = values[np.isfinite(values)]
            assert np.all(values >= 0), readout
            if "share of" in assays.load(name).READOUTS[readout][1] and unit == "1":
                assert np.all(values <= 1), readout


@pytest.mark.parametrize("name", READY)
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
