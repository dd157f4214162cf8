"""Cramp threshold frequency with the spinal loop intact and with the nerve blocked."""

from __future__ import annotations

import numpy as np
import pytest

from circuit_help import DRUG, assay, bench
from spasmlab.assays import cramp as protocol
from spasmlab.evidence import calibration


def cramp(of="healthy", readout="threshold_frequency"):
    return float(assay("cramp", of, 1).readouts[readout][0])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("row", "readout"),
    [
        ("D03", "threshold_frequency"),
        ("D04", "threshold_frequency_blocked"),
        ("D06", "motor_unit_rate"),
        ("D06.blocked", "motor_unit_rate_blocked"),
    ],
)
def test_a_cramp_lies_within_the_published_spread(row, readout):
    published = calibration(row)
    assert cramp(readout=readout) == pytest.approx(published.number, abs=published.spread)


@pytest.mark.slow
def test_the_spinal_loop_lowers_the_threshold():
    assert cramp() < cramp(readout="threshold_frequency_blocked")
    traces = assay("cramp", "healthy", 1).traces
    assert all(np.isfinite(traces[name].values).all() for name in traces.data_vars)


@pytest.mark.slow
def test_the_spinal_loop_lengthens_the_cramp():
    assert cramp(readout="cramp_duration") > cramp(readout="cramp_duration_blocked")
    assert cramp(readout="cramping_units") > cramp(readout="cramping_units_blocked")


@pytest.mark.slow
def test_a_cramp_ends_by_itself_within_the_recording():
    assert 1 < cramp(readout="cramp_duration") < 60


@pytest.mark.slow
def test_a_cramp_ends_later_the_less_its_afferents_tire():
    untiring = bench("healthy", 1, changes={"terminal_loop_tiring": 0.0, "terminal_ectopic": 1.0})
    k = {name: record.number for name, record in protocol.known(untiring).items()}
    (response,) = protocol.intact(untiring, k)([protocol.train(k, 0, cramp(), k["longest"])])
    lasts = protocol.duration(response, untiring.units[0], k) / 1000
    assert lasts > cramp(readout="cramp_duration")


@pytest.mark.slow
def test_a_drug_on_release_acts_through_the_cord_alone():
    drug = assay("cramp", "healthy", 1, DRUG).readouts
    assert drug["threshold_frequency"][0] >= cramp()
    for name in ("threshold_frequency_blocked", "cramp_duration_blocked", "cramp_torque_blocked"):
        assert drug[name][0] == cramp(readout=name)


@pytest.mark.slow
def test_short_trains_need_the_published_rate_which_is_higher_than_that_of_long_ones():
    assert cramp(readout="threshold_frequency_short") > 1.3 * cramp()
    assert cramp(readout="threshold_frequency_short") == pytest.approx(
        calibration("D08.none").number, rel=0.3
    )
