"""The whole cord: what its results may depend on, what they may not, and how a run that blows up is refused."""

from __future__ import annotations

import dataclasses

import numba
import numpy as np
import pytest

from circuit_help import DRUG, PERONEAL, TIBIAL, bench, same, shock
from spasmlab import assays, condition
from spasmlab.circuit import afferent, cord
from spasmlab.circuit.bench import Bench, Drive, Push, Run, Shake, Stimulus
from spasmlab.errors import InputError, SolveError

STRETCH = Run(
    0, "stretch", 350.0, ramp_start=-0.4, ramp_end=0.2, ramp_speed=5.0, ramp_onset=100.0, ramp_rise=15.0
)


def _both(subject):
    """A shock and a stretch of one subject."""
    return [shock(subject), dataclasses.replace(STRETCH, subject=subject)]


def _all_same(a, b, runs):
    return all(same(x, y, int(run.duration)) for x, y, run in zip(a, b, runs, strict=True))


# ---- what a result may not depend on ------------------------------------------------------------------------------


@pytest.mark.parametrize("of", ["ms-spasticity", "sci-complete-chronic"])
def test_zero_drug_is_bitwise_zero_change_between_arms(of):
    """Two arms of the same cord at release 1: equal to the last bit; any other release is another result."""
    one = condition.load(of)
    releases = np.array([1.0, 1.0, DRUG[0], 1.0]), np.array([1.0, 1.0, 1.0, DRUG[1]])
    arms = Bench(one, *releases, seeds=np.ones(4, int))
    recordings = [arms.simulate(_both(s)) for s in range(4)]
    assert sum(r.spikes for r in recordings[0]) > 50
    assert _all_same(recordings[0], recordings[1], _both(0))
    assert not same(recordings[0][0], recordings[2][0], 200), (
        "less release from Ia terminals changes the H-reflex"
    )
    assert not same(recordings[0][1], recordings[3][1], 350), (
        "less from interneurons changes the stretch reflex"
    )


def test_subject_does_not_depend_on_its_batch_or_its_place_in_it():
    alone = bench("ms-spasticity", 1)
    expected = alone.simulate(_both(0))
    crowd = bench("ms-spasticity", 5)
    runs = [run for s in range(5) for run in _both(s)]
    assert _all_same(expected, crowd.simulate(runs)[:2], _both(0))
    backwards = crowd.simulate(runs[::-1])[::-1]
    assert _all_same(expected, backwards[:2], _both(0))
    reordered = Bench(crowd.condition, crowd.release_ia, crowd.release_poly, crowd.seeds[::-1].copy())
    assert _all_same(expected, reordered.simulate(_both(4)), _both(4))


def test_subject_does_not_depend_on_the_length_of_other_runs_or_on_the_room_for_spikes():
    of = bench("ms-spasticity")
    expected = of.simulate([shock()])
    longer = of.simulate([shock(), Run(0, "long", 900.0)])
    assert same(expected[0], longer[0], 200)
    assert same(expected[0], of.simulate([shock()], room=3000)[0], 200)


@pytest.mark.skipif(numba.config.NUMBA_NUM_THREADS < 2, reason="ONE THREAD ONLY: nothing to compare with")
def test_result_does_not_depend_on_the_number_of_threads():
    of = bench("sci-complete-chronic", 4)
    runs = [run for s in range(4) for run in _both(s)]
    before = numba.get_num_threads()
    try:
        found = []
        for threads in (1, 2):
            numba.set_num_threads(threads)
            found.append(of.simulate(runs))
    finally:
        numba.set_num_threads(before)
    assert _all_same(*found, runs)


def _free(subject):
    """A run that uses all there is: both pools driven, a tendon shaken, a free joint pushed."""
    return Run(
        subject,
        "free",
        400.0,
        antagonist=True,
        drives=(Drive((50.0, 150.0), (0.0, 10.0)), Drive((50.0, 150.0), (0.0, 9.0), pool="flexor")),
        shakes=(Shake(100.0, 300.0, 0.002, 60.0),),
        pushes=(Push(200.0, 30.0, 20.0),),
        free_from=100.0,
        gamma_static=40.0,
        stimuli=(Stimulus(250.0, TIBIAL, 1.4),),
    )


def test_free_limb_with_both_pools_depends_on_neither_batch_nor_threads():
    of, before = bench("ms-spasticity", 3), numba.get_num_threads()
    runs = [_free(s) for s in range(3)]
    together = of.simulate(runs)
    assert all(r.code == cord.DONE and r.spikes > 100 for r in together)
    assert np.ptp(together[0].trace[:, cord.ANGLE]) > 0.05
    try:
        numba.set_num_threads(1)
        alone = [of.simulate([run])[0] for run in runs[::-1]][::-1]
    finally:
        numba.set_num_threads(before)
    assert _all_same(together, alone, runs)


def test_runs_before_and_after_leave_a_run_alone():
    of = bench()
    first = of.simulate([shock()])
    of.simulate([STRETCH])
    assert same(first[0], of.simulate([shock()])[0], 200)


# ---- what it depends on -------------------------------------------------------------------------------------------


def test_same_seed_same_result_other_seed_draw_or_trial_other_result():
    one = condition.load("ms-spasticity")
    ones = np.ones(3)
    of = Bench(one, ones, ones, seeds=np.array([1, 2, 1]), draws=np.array([0, 0, 1]))
    results = of.simulate([shock(0), shock(1), shock(2), shock(0, trial="another")])
    again = Bench(one, np.ones(1), np.ones(1), seeds=np.array([1])).simulate([shock()])[0]
    assert same(again, results[0], 200)
    for other in results[1:]:
        assert not same(results[0], other, 200)
    assert [(one.seed, one.draw) for one in of.cords] == [(1, 0), (1, 1), (2, 0)]


def test_draw_zero_is_the_central_value_and_others_lie_around_it_within_doubt():
    one = condition.load("ms-spasticity")
    of = Bench(one, np.ones(200), np.ones(200), seeds=np.ones(200, int), draws=np.arange(200))
    pic = of.parameters["pic"]
    drawn = of.numbers["pic"]
    assert drawn[0] == pic.number
    assert np.log(drawn[1:] / pic.number).std() == pytest.approx(pic.spread, rel=0.2)
    assert np.all(of.numbers["noise"] == of.parameters["noise"].number), "no doubt, no change"


def test_change_of_a_parameter_by_the_experimenter_reaches_every_subject_and_drops_its_doubt():
    of = bench(cords=3, changes={"pic": 1.5}, draws=np.arange(3))
    assert np.all(of.numbers["pic"] == 1.5)


def test_latency_of_the_h_reflex_is_that_of_lengths_and_velocities():
    """The first reflex spike comes after the fastest fibre's way in, a synapse and the rise of the EPSP."""
    of = bench()
    recording = of.simulate([shock(at=100.0)])[0]
    reflex = recording.spike_time[recording.spike_kind == cord.ORTHODROMIC] - 100.0
    fibres = of.preparation.delay_from_electrode.shape[1]
    arrival = of.preparation.delay_from_electrode[
        0, of.preparation.kind[:fibres] == afferent.EXTENSOR_IA
    ].min()
    assert arrival < reflex.min() < arrival + 4.0
    number = {
        name: of.parameters[name].number for name in ("nerve_length", "stimulus_distance", "ia_velocity")
    }
    way_in = 1000 * (number["nerve_length"] - number["stimulus_distance"]) / number["ia_velocity"]
    assert arrival == pytest.approx(way_in, rel=0.15)


def test_antidromic_impulses_collide_with_the_reflex_at_high_current():
    """Units whose axon the shock excites carry no reflex: that is why H falls as M grows."""
    recording = bench().simulate([shock(current=20.0)])[0]
    kinds = recording.spike_kind
    assert np.count_nonzero(kinds == cord.DIRECT) == 128
    early = recording.spike_time < 140.0
    assert np.count_nonzero(kinds[early] == cord.ORTHODROMIC) == 0
    assert np.count_nonzero(kinds[early] == cord.COLLIDED) == 128


def test_run_ends_early_after_quiet_and_not_before():
    run = Run(0, "quiet", 1000.0, stimuli=(Stimulus(100.0, TIBIAL, 1.4),), quiet=200.0)
    recording = bench().simulate([run])[0]
    last = recording.spike_time.max()
    written = np.flatnonzero(recording.trace[:, cord.LENGTH])[-1]
    assert last + 199 <= written <= last + 202


def test_progress_is_reported_up_to_the_last_run():
    seen = []
    of = bench(progress=lambda done, total: seen.append((done, total)))
    of.simulate([shock(trial=f"{i}", at=10.0) for i in range(11)])
    assert seen == [(8, 11), (11, 11)]


# ---- refusals -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "quantity"),
    [
        ({"changes": {"membrane_capacitance": -1.0}}, "membrane voltage"),
        ({"changes": {"noise": 1e6}}, "membrane voltage"),
        ({"changes": {"neutral_length": 5.0}}, "muscle length"),
        ({"dt": 0.5}, "membrane voltage"),
    ],
    ids=["negative capacitance", "absurd noise", "absurd length", "too large a step"],
)
def test_run_that_blows_up_is_refused_with_quantity_and_time(options, quantity):
    with pytest.raises(SolveError, match=rf"trial 'shock' of subject 0 blew up: {quantity} at \d+\.\d ms"):
        bench(**options).simulate([shock(current=1.5)])


def test_full_recording_is_refused_and_not_cut_short():
    with pytest.raises(SolveError, match="more spikes than there is room for"):
        bench().simulate([shock(current=3.0)], room=20)


def test_blown_up_run_ends_with_a_code_and_leaves_the_recordings_of_the_others_unharmed():
    expected = bench(cords=3).simulate([shock(s) for s in range(3)])
    of = bench(cords=3)
    of.numbers["sodium_reversal"][1] = 1e9
    found = of.simulate([shock(s) for s in range(3)])
    assert [int(r.code) for r in found] == [cord.DONE, cord.BAD_VOLTAGE, cord.DONE]
    (failure,) = of.failures
    assert (failure.subject, failure.code) == (1, cord.BAD_VOLTAGE) and failure.time <= 200.0
    assert str(failure).startswith("trial 'shock' of subject 1 blew up: membrane voltage at ")
    for s in (0, 2):
        assert same(found[s], expected[s], 200)


def test_assay_gives_a_failed_subject_nan_and_counts_it():
    of = bench(cords=2)
    of.numbers["sodium_reversal"][1] = 1e9
    result = assays.measure("twitch", of)
    assert result.failed_subjects == 1 and result.failures
    healthy = assays.measure("twitch", bench(cords=1))
    for readout, values in result.readouts.items():
        np.testing.assert_array_equal(values[0], healthy.readouts[readout][0], err_msg=readout)
        assert np.all(np.isnan(values[1])), readout
    of.numbers["sodium_reversal"][0] = 1e9
    with pytest.raises(SolveError, match="membrane voltage"):
        assays.measure("twitch", of)


def test_more_spikes_of_a_fibre_than_there_is_room_for_are_refused_by_name():
    """An axon without a refractory time under a train of 4000 a second: no spike is written over another."""
    pulses = tuple(Stimulus(20.0 + i / 4, PERONEAL, 20.0) for i in range(60))
    of = bench(changes={"axon_refractory": 0.01})
    with pytest.raises(SolveError, match="more spikes of one fibre under way than there is room for"):
        of.simulate([Run(0, "too fast", 100.0, stimuli=pulses)])


@pytest.mark.parametrize("rate", [600.0, 900.0])
def test_fast_electrode_train_loses_no_spike(rate):
    """Above 500 a second more than eight spikes of a fibre are under way at once: each arrives."""
    pulses = tuple(Stimulus(20.0 + i * 1000 / rate, PERONEAL, 20.0) for i in range(60))
    of = bench()
    recording = of.simulate([Run(0, "fast train", 400.0, stimuli=pulses)])[0]
    assert recording.code == cord.DONE
    one = of.simulate([Run(0, "fast train", 400.0, stimuli=pulses[:1])])[0]
    k = of.numbers[0]
    # The drive of conditioning adds up spike by spike and decays: after the train it is the sum of all volleys.
    arrived = 150.0
    ways = np.array([p.time for p in pulses])
    expected = np.sum(np.exp((ways - ways[0]) / k.presynaptic_decay))
    late = round(arrived + 150.0)
    ratio = recording.trace[late, cord.CONDITIONING] / one.trace[late, cord.CONDITIONING]
    assert ratio == pytest.approx(expected, rel=0.01)


def test_axon_does_not_answer_an_electrode_within_its_refractory_time():
    pair = tuple(Stimulus(t, PERONEAL, 20.0) for t in (20.0, 20.5))
    of = bench()
    two, one = (
        of.simulate([Run(0, "pair", 150.0, stimuli=pair[:n])])[0].trace[:, cord.CONDITIONING] for n in (2, 1)
    )
    np.testing.assert_array_equal(two, one)


def test_unknown_parameter_in_an_experiment_is_refused_with_the_nearest():
    with pytest.raises(InputError, match="unknown parameter 'ia_conductence'; did you mean 'ia_conductance'"):
        bench(changes={"ia_conductence": 0.1}).simulate([shock()])


@pytest.mark.parametrize("dt", [0.3, 0.04, 0.0, -0.025, 1.0])
def test_step_that_does_not_divide_the_noise_grid_is_refused(dt):
    with pytest.raises(InputError, match=r"step of .* ms"):
        bench(dt=dt).simulate([shock()])
