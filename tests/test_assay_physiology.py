"""The assays as physiology: what a laboratory sees in health and spasticity, and the signature of an input drug."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from scipy.stats import spearmanr

from circuit_help import CORDS, DRUG, PERONEAL, SPASTIC, TIBIAL, assay, bench, mean
from spasmlab import condition
from spasmlab.assays.h_reflex import intensities, reflex_potentials
from spasmlab.circuit import cord
from spasmlab.circuit.bench import Run, Stimulus
from spasmlab.circuit.muscle import surface_emg
from spasmlab.evidence import calibration
from spasmlab.parameter import beside

MS, SCI = "ms-spasticity", "sci-complete-chronic"
FEW = 3  # cords where each has its own control
pytestmark = pytest.mark.slow  # each assay runs once, for whichever test asks first
# Conditions that shift the motor terminals alone, or nothing of the circuit, have the healthy reflex: a test says so.
CORDS_OF = tuple(
    of
    for of in condition.names()
    if of == "healthy"
    or any(
        path.startswith("circuit.") and not path.startswith("circuit.terminal.")
        for path in condition.load(of).parameters
    )
)
NO_GABA = (("reciprocal_conductance", 0.0), ("polysynaptic_inhibition_conductance", 0.0))


def lost(readout, name, of, cords=CORDS, releases=DRUG, changes=()):
    """The share of a read-out that the drug takes, cord by cord."""
    before = assay(name, of, cords, changes=changes).readouts[readout]
    before = np.where(before == 0, np.nan, before)
    return 1 - assay(name, of, cords, releases, changes=changes).readouts[readout] / before


# ---- H-reflex -----------------------------------------------------------------------------------------------------


def test_healthy_h_max_over_m_max_lies_in_the_measured_range():
    row = calibration("N336")
    assert mean(assay("h_reflex", "healthy"), "h_m_ratio") == pytest.approx(row.number, abs=row.spread)


@pytest.mark.parametrize("of", SPASTIC)
def test_h_max_over_m_max_is_larger_when_spastic(of):
    spastic, healthy = (assay("h_reflex", c).readouts["h_m_ratio"] for c in (of, "healthy"))
    assert np.all(spastic > healthy)


@pytest.mark.parametrize("of", CORDS_OF)
def test_latency_of_the_h_reflex_is_28_to_34_ms(of):
    row = calibration("N335")
    latency = assay("h_reflex", of).readouts["h_latency"]
    assert np.all(np.abs(latency - row.number) <= row.spread)


@pytest.mark.parametrize("of", [of for of in condition.names() if of not in CORDS_OF])
def test_the_h_reflex_of_a_condition_without_a_cord_of_its_own_is_the_healthy_one_to_the_bit(of):
    here, healthy = assay("h_reflex", of, 1), assay("h_reflex", "healthy")
    for readout, values in here.readouts.items():
        np.testing.assert_array_equal(values, healthy.readouts[readout][:1], err_msg=readout)
    for trace in ("h", "m"):
        np.testing.assert_array_equal(here.traces[trace].values, healthy.traces[trace].values[:1])


@pytest.mark.parametrize("of", CORDS_OF)
def test_h_appears_before_m_and_falls_while_m_grows_to_its_plateau(of):
    traces = assay("h_reflex", of).traces
    h, m = traces["h"].values.mean(axis=0), traces["m"].values.mean(axis=0)
    first_h, first_m = (np.flatnonzero(x > 0.05 * m.max())[0] for x in (h, m))
    assert first_h < first_m
    assert np.all(np.diff(m) >= -1e-9) and m[-1] == pytest.approx(m[-3], rel=0.02)
    assert h.argmax() < h.size - 3
    assert h[-1] < 0.5 * h.max()


def test_m_max_is_the_same_in_health_and_spasticity_and_no_release_touches_it():
    healthy = assay("h_reflex", "healthy").readouts["m_max"]
    for of in SPASTIC:
        np.testing.assert_array_equal(assay("h_reflex", of).readouts["m_max"], healthy)
    np.testing.assert_array_equal(assay("h_reflex", MS, FEW, DRUG).readouts["m_max"], healthy[:FEW])


def _first_current(of):
    """For each cord: units in the H-reflex, and the lowest current at which each is in it."""
    subjects = bench(of, FEW)
    runs = [
        Run(s, f"h_reflex {i}", 80.0, stimuli=(Stimulus(30.0, TIBIAL, float(current)),))
        for s in range(FEW)
        for i, current in enumerate(intensities())
    ]
    first = [{} for _ in range(FEW)]
    for run, recording in zip(runs, subjects.simulate(runs), strict=True):
        reflex = (recording.spike_kind == cord.ORTHODROMIC) & (recording.spike_time > 30.0)
        for unit in recording.spike_unit[reflex]:
            first[run.subject].setdefault(int(unit), run.stimuli[0].intensity)
    return first


@pytest.mark.parametrize("of", ["healthy", MS])
def test_rising_current_recruits_units_into_the_h_reflex_in_order_of_size(of):
    found = []
    for first in _first_current(of):
        assert len(first) > 60
        found.append(spearmanr(list(first), list(first.values())).statistic)
    # Ties of a dozen currents and the fibres that a cell happens to have: one cord's rank correlation is partly chance.
    assert np.mean(found) > 0.8 and min(found) > 0.7


# ---- conditioning and post-activation depression ------------------------------------------------------------------


def _h(recording, units, at):
    """H-reflex (mV, peak to peak) after a shock at `at` ms."""
    times, unit = reflex_potentials(recording, units)
    low, high = beside("assays.h_reflex")["h_window"].values
    clock = np.arange(at + low, at + high, 0.1)
    inside = (times >= clock[0]) & (times < clock[-1])
    return np.ptp(
        surface_emg(times[inside], units.emg_amplitude[unit[inside]], units.emg_duration[unit[inside]], clock)
    )


@cache
def _conditioned(of, kind=None, lead=0.0, changes=(), current=1.4):
    """H-reflexes (mV) of FEW cords; a shock of `kind` comes `lead` ms before the test shock (none: no such shock)."""
    subjects = bench(of, FEW, changes=dict(changes))
    at = 50.0 + max(lead - 20.0, 0.0)  # the test meets the same noise with and without the first shock
    before = () if kind is None else (Stimulus(at - lead, kind, 3.0 if kind == PERONEAL else current),)
    runs = [Run(s, "pair", at + 60.0, stimuli=(*before, Stimulus(at, TIBIAL, current))) for s in range(FEW)]
    return np.array(
        [_h(r, subjects.units[subjects.cord_of(s)], at) for s, r in enumerate(subjects.simulate(runs))]
    )


def _inhibited(of, changes=(), current=1.4):
    """Share of the H-reflex that a maximal peroneal volley 2.5 ms earlier takes."""
    alone = _conditioned(of, changes=changes, current=current)
    return 1 - _conditioned(of, PERONEAL, 2.5, changes, current).mean() / alone.mean()


def test_peroneal_volley_inhibits_less_in_ms_than_in_health():
    no_d1 = (("presynaptic_conditioned", 0.0),)
    assert _inhibited(MS) < _inhibited("healthy")
    assert _inhibited(MS, no_d1) < 0.5 * _inhibited("healthy", no_d1)


def test_reciprocal_inhibition_needs_its_interneurons():
    blocked = (("presynaptic_conditioned", 0.0), ("reciprocal_conductance", 0.0))
    assert _inhibited("healthy", blocked) == 0.0


def test_second_h_reflex_is_smaller_after_1_s_than_after_10_s_and_less_so_in_chronic_injury():
    first = _conditioned("healthy").mean()
    after_one, after_ten = (_conditioned("healthy", TIBIAL, gap).mean() / first for gap in (1000.0, 10_000.0))
    injured = _conditioned(SCI, TIBIAL, 1000.0).mean() / _conditioned(SCI).mean()
    assert after_one < 0.6
    assert after_ten > 0.8
    assert injured > after_one + 0.1


# ---- stretch ------------------------------------------------------------------------------------------------------


def test_healthy_muscle_is_silent_in_slow_stretch():
    result = assay("stretch", "healthy")
    slow = result.coords["velocity"] <= 50.0
    assert slow.sum() == 3
    assert not result.readouts["active_units"][:, slow].any()
    assert not result.readouts["reflex_torque"][:, slow].any()


def test_reflex_torque_rises_with_velocity_in_ms_and_its_threshold_is_lower_than_in_health():
    spastic, healthy = assay("stretch", MS), assay("stretch", "healthy")
    assert np.all(np.diff(mean(spastic, "reflex_torque")) > 0)
    assert np.all(spastic.readouts["threshold_velocity"] < 0.5 * healthy.readouts["threshold_velocity"])
    assert np.all(spastic.readouts["reflex_torque"] >= healthy.readouts["reflex_torque"])


@pytest.mark.parametrize("of", SPASTIC)
def test_spastic_threshold_lies_between_30_and_100_degrees_a_second(of):
    assert 30 <= mean(assay("stretch", of), "threshold_velocity") <= 100


def test_healthy_threshold_lies_near_175_degrees_a_second():
    assert mean(assay("stretch", "healthy"), "threshold_velocity") == pytest.approx(175, abs=8)


def test_reflex_torque_rises_up_to_150_degrees_a_second_in_chronic_injury_and_its_units_and_emg_to_300():
    result = assay("stretch", SCI)
    assert np.all(np.diff(mean(result, "reflex_torque")[result.coords["velocity"] <= 150]) > 0)
    assert np.all(np.diff(mean(result, "active_units")) > 0)
    assert mean(result, "emg_peak")[-1] > mean(result, "emg_peak")[result.coords["velocity"] == 150]


@pytest.mark.xfail(
    strict=True,
    reason="levels at 200 and falls at 300 deg/s, where a ramp of 35 degrees is over before the twitch of the units it "
    "recruits: the muscle is no longer lengthening, which adds two fifths to its force, when its activation is largest; the "
    "lag of the tendon carries part of that over",
)
def test_reflex_torque_rises_with_velocity_in_chronic_injury__falls_outside():
    assert np.all(np.diff(mean(assay("stretch", SCI), "reflex_torque")) > 0)


@pytest.mark.parametrize(("of", "least"), [("healthy", 0.4), (MS, 0.85), (SCI, 0.85)])
def test_stretch_recruits_units_in_order_of_size(of, least):
    onset = beside("assays.stretch")["settling"].number
    found = []
    for times, units in assay("stretch", of).rasters:
        first = {}
        for time, unit in zip(times[times > onset], units[times > onset], strict=True):
            first.setdefault(int(unit), time)
        found.append(spearmanr(list(first), list(first.values())).statistic)
    # In health a fast stretch reaches some twenty units only: one cord's rank correlation is partly chance.
    assert np.mean(found) > least and min(found) > least / 2


def test_no_drug_changes_passive_and_damping_torque():
    before, after = assay("stretch", MS), assay("stretch", MS, CORDS, DRUG)
    for readout in ("passive_torque", "damping_torque"):
        np.testing.assert_array_equal(before.readouts[readout], after.readouts[readout])
    answered = mean(before, "reflex_torque") > 0
    assert answered.sum() > 4
    assert np.all(mean(after, "reflex_torque")[answered] < mean(before, "reflex_torque")[answered])


# ---- spasm --------------------------------------------------------------------------------------------------------


def test_brief_skin_input_is_outlasted_by_seconds_in_chronic_injury_and_not_in_health():
    train = beside("assays.spasm")["train"].number / 1000
    injured, healthy = assay("spasm", SCI).readouts, assay("spasm", "healthy").readouts
    assert np.all(injured["spasm_duration"] > 20 * train)
    assert np.all(injured["sustained_units"] > 0.3)
    assert not healthy["spasm_duration"].any() and not healthy["sustained_units"].any()


def test_spasm_ends_by_itself():
    duration = beside("assays.spasm")["duration"].number / 1000
    assert np.all(assay("spasm", SCI).readouts["spasm_duration"] < 0.8 * duration)


@pytest.mark.parametrize("pic", [0.0, None], ids=["no calcium conductance", "healthy current"])
def test_spasm_is_carried_by_the_persistent_inward_current(pic):
    size = bench().parameters["pic"].number if pic is None else pic
    without = assay("spasm", SCI, changes=(("pic", size),)).readouts
    whole = assay("spasm", SCI).readouts
    assert not without["sustained_units"].any()
    assert np.all(without["spasm_duration"] < 0.3 * whole["spasm_duration"])
    assert np.all(without["spasm_impulse"] < 0.2 * whole["spasm_impulse"])


def test_input_drug_lowers_impulse_and_units_of_a_spasm_but_hardly_its_duration():
    assert np.all(lost("spasm_impulse", "spasm", SCI) > 0.05)
    assert (
        lost("sustained_units", "spasm", SCI).mean() > 0.02
    )  # in a single cord chance can give a few units more
    assert abs(lost("spasm_duration", "spasm", SCI).mean()) < 0.1


def test_drug_on_the_current_shortens_the_spasm_where_the_input_drug_does_not():
    less = (("pic", 0.9 * bench(SCI).parameters["pic"].number),)
    shortened = 1 - mean(assay("spasm", SCI, changes=less), "spasm_duration") / mean(
        assay("spasm", SCI), "spasm_duration"
    )
    assert shortened > 0.2
    assert shortened > 3 * abs(lost("spasm_duration", "spasm", SCI).mean())


@pytest.mark.parametrize("of", SPASTIC)
def test_drug_takes_more_of_the_cutaneous_response_than_of_the_h_reflex(of):
    cords = CORDS if of == SCI else FEW  # those of other tests, where there are
    cutaneous, h = lost("train_peak_torque", "spasm", of, cords), lost("h_max", "h_reflex", of, cords)
    assert np.all(cutaneous > h + 0.1)
    assert np.all(h > -0.02)


def test_blocking_inhibition_by_gaba_and_glycine_leaves_the_effect_of_the_drug():
    """Gabapentin is no GABA drug: its share of each reflex is the same (to 0.05) with the inhibitory synapses shut."""
    for readout, name in (("h_max", "h_reflex"), ("train_peak_torque", "spasm")):
        open_, shut = (lost(readout, name, MS, FEW, changes=c).mean() for c in ((), NO_GABA))
        assert shut == pytest.approx(open_, abs=0.05), readout


# ---- muscle stimulated directly -----------------------------------------------------------------------------------


@pytest.mark.parametrize("of", ["healthy", MS, SCI])
@pytest.mark.parametrize("releases", [DRUG, (0.0, 0.0)])
def test_direct_twitch_is_bitwise_unchanged_by_any_release(of, releases):
    before, after = (assay("twitch", of, 2, r).readouts for r in ((1.0, 1.0), releases))
    for readout in ("twitch_torque", "twitch_time"):
        np.testing.assert_array_equal(before[readout], after[readout])
    np.testing.assert_allclose(before["tetanus_torque"], after["tetanus_torque"], rtol=2e-3)
    if of == "healthy":
        np.testing.assert_array_equal(before["tetanus_torque"], after["tetanus_torque"])


@pytest.mark.parametrize("of", [MS, SCI])
def test_direct_tetanus_under_curare_is_bitwise_unchanged_by_any_release(of):
    before, after = (assay("twitch", of, 2, r).readouts for r in ((1.0, 1.0), (0.0, 0.0)))
    np.testing.assert_array_equal(before["tetanus_torque"], after["tetanus_torque"])


def test_twitch_through_the_nerve_is_that_of_the_muscle():
    """The nerve excites every unit at once but for its axon's way: the same twitch within 5 %."""
    found = assay("twitch", "healthy", 2).readouts
    np.testing.assert_allclose(found["nerve_twitch_torque"], found["twitch_torque"], rtol=0.05)
