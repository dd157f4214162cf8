"""Terminals, fibres, wiring and interneurons: laws of release, probabilities, delays and the subthreshold response."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit

from circuit_help import PERONEAL, bench, known, numbers, shock
from spasmlab.circuit import afferent, cord, interneuron, synapse
from spasmlab.circuit.bench import Run, Stimulus

UNTIMED = settings(deadline=None)  # the first call compiles
SHARE = st.floats(0, 1)
WITHIN = 5.0  # standard deviations a random count may stray; missed once in two million


# ---- release ------------------------------------------------------------------------------------------------------


@UNTIMED
@given(SHARE, st.floats(0, 1e5), st.floats(1, 1e4))
def test_recovery_is_the_exponential_approach_to_one(share, elapsed, tau):
    got = synapse.recovered(share, elapsed, tau)
    assert got == pytest.approx(1 - (1 - share) * math.exp(-elapsed / tau), abs=1e-7)
    assert share - 1e-12 <= got <= 1 + 1e-12


@UNTIMED
@given(SHARE, st.floats(0, 5000), st.floats(0, 5000))
def test_recovery_in_two_steps_is_recovery_in_one(share, first, second):
    twice = synapse.recovered(synapse.recovered(share, first, 1000.0), second, 1000.0)
    assert twice == pytest.approx(synapse.recovered(share, first + second, 1000.0), abs=1e-7)


@UNTIMED
@given(SHARE, SHARE, SHARE, SHARE, SHARE, SHARE, SHARE)
def test_release_is_the_product_of_its_causes(release, tonic, floor, kept, volley, rate, conditioning):
    k = numbers(
        known(presynaptic_inhibition=tonic, post_activation_floor=floor, rate_depression_floor=kept)
    ).copy()
    k.release_ia = release
    got = synapse.ia_release(k, volley, rate, conditioning)
    depressed = (kept + (1 - kept) * rate) * (floor + (1 - floor) * volley)
    expected = release * (1 - tonic) * (1 - conditioning) * depressed
    assert got == pytest.approx(expected, abs=1e-12)
    assert -1e-12 <= got <= release + 1e-12


def test_conditioning_beyond_all_release_leaves_none_and_never_less():
    assert synapse.ia_release(numbers(known()), 1.0, 1.0, 3.0) == 0.0


@cache
def _bench():
    return bench()


@njit
def _strengths(sources, kinds, times, tiring, conditioning, k):
    """How strongly each of a series of spikes acts; `tiring` is changed in place."""
    found = np.zeros(times.size)
    for i in range(times.size):
        found[i] = synapse.strength_of(sources[i], kinds[i], times[i], tiring, conditioning, k[0])
    return found


def _train(times, source=0, kind=afferent.EXTENSOR_IA, conditioning=(0.0, 0.0), of=None):
    """Strength of each spike of one terminal, and all terminals' pools after the last."""
    of = of or _bench()
    times = np.asarray(times, float)
    tiring = np.ones((of.preparation.fibre_gain.shape[1], 3))
    tiring[:, 2] = 0.0
    sources, kinds = np.full(times.size, source), np.full(times.size, kind)
    stages = np.zeros((2, 3))
    stages[:, 0] = conditioning
    return _strengths(sources, kinds, times, tiring, stages, of.numbers), tiring


def test_volleys_deplete_a_terminal_by_the_volley_law():
    """p ← 1 − (1 − p(1 − u))·exp(−T/τ) for either pool, and the release follows floor + (1 − floor) p of both."""
    k, times = _bench().numbers[0], np.array([100.0, 1100.0, 1600.0, 6600.0])
    strengths, tiring = _train(times)
    volley = rate = 1.0
    expected = []
    for i in range(times.size):
        if i:
            gap = times[i] - times[i - 1]
            spared, kept = 1 - k.post_activation_depression, 1 - k.rate_depression
            volley = 1 - (1 - volley * spared) * math.exp(-gap / k.post_activation_recovery)
            rate = 1 - (1 - rate * kept) * math.exp(-gap / k.rate_depression_recovery)
        depressed = k.post_activation_floor + (1 - k.post_activation_floor) * volley
        fast = k.rate_depression_floor + (1 - k.rate_depression_floor) * rate
        expected.append((1 - k.presynaptic_inhibition) * fast * depressed)
    np.testing.assert_allclose(strengths, expected, rtol=1e-6)
    assert tiring[0, 0] == pytest.approx(volley * (1 - k.post_activation_depression), rel=1e-6)
    assert np.all(tiring[1:, :2] == 1.0), "other terminals are rested"


@pytest.mark.parametrize("interval", [200.0, 1000.0, 4000.0])
def test_steady_depression_of_a_regular_train_is_its_fixed_point(interval):
    k = _bench().numbers[0]
    keep = math.exp(-interval / k.post_activation_recovery)
    fixed = (1 - keep) / (1 - (1 - k.post_activation_depression) * keep)
    _, tiring = _train(interval * np.arange(1, 201))
    assert tiring[0, 0] / (1 - k.post_activation_depression) == pytest.approx(fixed, rel=1e-6)


def test_skin_afferents_wind_up_from_train_to_train_and_forget_it():
    """1 + g·w, w ← 1 − (1 − w)(1 − s) with each spike, w ← w·exp(−T/τ) between them."""
    k, times = _bench().numbers[0], np.array([100.0, 110.0, 1100.0, 2100.0, 60_000.0])
    strengths, _ = _train(times, kind=afferent.CUTANEOUS)
    wound, expected = 0.0, []
    for gap in np.diff(times, prepend=0.0):
        wound *= math.exp(-gap / k.wind_up_recovery)
        expected.append(1 + k.wind_up_gain * wound)
        wound = 1 - (1 - wound) * (1 - k.wind_up_step)
    np.testing.assert_allclose(strengths, expected, rtol=1e-6)
    assert np.all(np.diff(strengths[1:4]) > -0.2) and strengths[3] > strengths[0]
    assert strengths[4] == pytest.approx(1.0, abs=1e-4)


@pytest.mark.parametrize("side", [afferent.EXTENSOR, afferent.FLEXOR])
def test_conditioning_reaches_the_terminals_of_its_own_muscle_only(side):
    kind = afferent.EXTENSOR_IA + side
    stages = [0.0, 0.0]
    free = _train([10.0], kind=kind)[0][0]
    stages[side] = 0.4
    assert _train([10.0], kind=kind, conditioning=stages)[0][0] / free == pytest.approx(0.6, rel=1e-12)
    stages = stages[::-1]
    assert _train([10.0], kind=kind, conditioning=stages)[0][0] == free


def test_antagonist_volley_conditions_after_a_rise_of_two_stages_and_the_conditioning_decays():
    """Two stages of rate a after a drive exp(−bt): a²(exp(−bt) − exp(−at)(1 + (a − b)t))/(a − b)²."""
    of = bench()
    run = Run(0, "peroneal volley", 300.0, stimuli=(Stimulus(50.0, PERONEAL, 20.0),))
    trace = of.simulate([run])[0].trace[:, cord.CONDITIONING]
    k = of.numbers[0]
    assert np.all(trace[:50] == 0.0)
    a, b, t = 1 / k.presynaptic_rise, 1 / k.presynaptic_decay, np.arange(300.0)
    rise = a**2 * (np.exp(-b * t) - np.exp(-a * t) * (1 + (a - b) * t)) / (a - b) ** 2
    assert trace.max() == pytest.approx(k.presynaptic_conditioned * rise.max(), rel=0.02)
    assert 15 < trace.argmax() - 50 < 60, "D1 is largest some tens of ms after the volley"
    late = np.arange(200, 290)
    decay = -np.polyfit(late, np.log(trace[late]), 1)[0]
    assert 1 / decay == pytest.approx(k.presynaptic_decay, rel=0.02)


def test_without_release_from_ia_terminals_no_shock_and_no_stretch_reaches_the_motoneurons():
    of = bench(release_ia=0.0)
    stretch = Run(
        0, "fast", 400.0, ramp_start=-0.4, ramp_end=0.2, ramp_speed=5.0, ramp_onset=100.0, ramp_rise=15.0
    )
    recordings = of.simulate([shock(current=1.4), shock(current=3.0), stretch])
    for recording in recordings:
        assert np.all(recording.spike_kind != cord.ORTHODROMIC)
    assert recordings[1].spikes > 0, "the direct response of the strong shock stays"
    assert np.any(bench().simulate([shock(current=1.4)])[0].spike_kind == cord.ORTHODROMIC)


@pytest.mark.parametrize(
    ("release", "kinds"),
    [
        ("release_ia", {afferent.EXTENSOR_IA, afferent.FLEXOR_IA}),
        (
            "release_poly",
            {
                afferent.CUTANEOUS,
                afferent.EXTENSOR_II_INTERNEURON,
                afferent.FLEXOR_II_INTERNEURON,
                afferent.CUTANEOUS_EXCITATORY,
            },
        ),
        (
            "release_inhibitory",
            {
                afferent.EXTENSOR_RECIPROCAL,
                afferent.FLEXOR_RECIPROCAL,
                afferent.EXTENSOR_IB_INTERNEURON,
                afferent.FLEXOR_IB_INTERNEURON,
                afferent.EXTENSOR_RENSHAW,
                afferent.FLEXOR_RENSHAW,
                afferent.CUTANEOUS_INHIBITORY,
            },
        ),
        ("release_monoamine", set()),
    ],
)
def test_each_release_scales_its_own_terminals_and_no_others(release, kinds):
    """Group II fibres are spared: one sensitive stage (their interneurons), two from the skin."""
    full, half = bench(), bench()
    setattr(half, release, np.array([0.5]))
    for kind, name in enumerate(afferent.SOURCES):
        ratio = _train([1.0], kind=kind, of=half)[0][0] / _train([1.0], kind=kind, of=full)[0][0]
        assert ratio == pytest.approx(0.5 if kind in kinds else 1.0, rel=1e-12), name


# ---- fibres -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "velocity"),
    [
        (afferent.EXTENSOR_IA, "ia_velocity"),
        (afferent.FLEXOR_IA, "ia_velocity"),
        (afferent.EXTENSOR_II, "group_ii_velocity"),
        (afferent.FLEXOR_IB, "ib_velocity"),
        (afferent.CUTANEOUS, "cutaneous_velocity"),
    ],
)
def test_delays_are_length_over_velocity_and_the_synapse(kind, velocity):
    parameters = known(ia_velocity_spread=0.0)
    fibres = afferent.build_fibres(parameters, 1, 0)
    own = fibres.kind == kind
    number = {
        name: parameters[name].number
        for name in (velocity, "nerve_length", "stimulus_distance", "synaptic_delay")
    }
    per_metre = 1000 / number[velocity]
    from_ending = number["nerve_length"] * per_metre + number["synaptic_delay"]
    from_electrode = (number["nerve_length"] - number["stimulus_distance"]) * per_metre + number[
        "synaptic_delay"
    ]
    np.testing.assert_allclose(fibres.delay_from_ending[own], from_ending, rtol=1e-12)
    np.testing.assert_allclose(fibres.delay_from_electrode[own], from_electrode, rtol=1e-12)


def test_fibres_spread_around_their_medians_as_declared():
    parameters = known(extensor_ia_fibres=20_000)
    fibres = afferent.build_fibres(parameters, 3, 0)
    own = fibres.kind == afferent.EXTENSOR_IA
    for values, spread in (
        (fibres.threshold[own], parameters["ia_electrical_spread"].number),
        (fibres.gain[own], parameters["fibre_gain_spread"].number),
    ):
        assert np.log(values).mean() == pytest.approx(0, abs=5 * spread / math.sqrt(20_000))
        assert np.log(values).std() == pytest.approx(spread, rel=0.03)


def test_currents_used_here_excite_no_group_ii_fibre():
    fibres = afferent.build_fibres(known(), 1, 0)
    group_ii = np.isin(fibres.kind, (afferent.EXTENSOR_II, afferent.FLEXOR_II))
    assert np.all(np.isinf(fibres.threshold[group_ii])) and np.all(np.isfinite(fibres.threshold[~group_ii]))


def test_ia_fibres_are_excited_below_motor_axons_and_large_axons_below_small_ones():
    parameters = known()
    position = np.linspace(0, 1, 4001)
    motor = afferent.motor_thresholds(parameters, position, 1, 0)
    fibres = afferent.build_fibres(parameters, 1, 0)
    ia = fibres.threshold[fibres.kind == afferent.EXTENSOR_IA]
    assert np.median(ia) < 0.7 * np.median(motor)
    assert np.log(motor[3500:]).mean() < np.log(motor[:500]).mean()


# ---- wiring -------------------------------------------------------------------------------------------------------


POOLS = (128, 96)
CELLS, OTHERS = "motoneurons", "interneurons"


@cache
def _wiring(seed=1, draw=0, of="healthy"):
    return synapse.build_wiring(known(of), POOLS, seed, draw)


def _span(kind):
    """First and one past the last target index of a class: motoneurons and interneurons are each numbered from 0."""
    if kind == afferent.EXTENSOR_MOTOR:
        return 0, POOLS[0]
    if kind == afferent.FLEXOR_MOTOR:
        return POOLS[0], sum(POOLS)
    counts = afferent.counts(known())
    first = sum(counts[afferent.EXTENSOR_RECIPROCAL : kind])
    return first, first + counts[kind]


def _pathways():
    """(source, target class, chance, sign) of every pathway, as the anatomy says."""
    some = "polysynaptic_connectivity"
    yield afferent.CUTANEOUS, afferent.CUTANEOUS_EXCITATORY, "cutaneous_connectivity", 1
    yield afferent.CUTANEOUS, afferent.CUTANEOUS_INHIBITORY, "cutaneous_connectivity", 1
    yield afferent.CUTANEOUS_INHIBITORY, afferent.EXTENSOR_MOTOR, some, 1
    for side in (0, 1):
        own, other = afferent.EXTENSOR_MOTOR + side, afferent.FLEXOR_MOTOR - side
        opposite = afferent.FLEXOR_RECIPROCAL - side
        inhibited = "interneuron_inhibition_connectivity"
        yield afferent.EXTENSOR_IA + side, own, "ia_connectivity", 1
        yield afferent.EXTENSOR_IA + side, afferent.EXTENSOR_RECIPROCAL + side, None, 1
        yield afferent.EXTENSOR_RECIPROCAL + side, other, "reciprocal_connectivity", 1
        yield afferent.EXTENSOR_RECIPROCAL + side, opposite, inhibited, -1
        yield afferent.EXTENSOR_II + side, afferent.EXTENSOR_II_INTERNEURON + side, "group_ii_connectivity", 1
        yield afferent.EXTENSOR_II_INTERNEURON + side, own, some, 1
        yield afferent.EXTENSOR_IB + side, afferent.EXTENSOR_IB_INTERNEURON + side, "ib_connectivity", 1
        yield afferent.EXTENSOR_IB_INTERNEURON + side, own, some, 1
        yield afferent.EXTENSOR_RENSHAW + side, own, "renshaw_connectivity", 1
        yield afferent.EXTENSOR_RENSHAW + side, afferent.EXTENSOR_RECIPROCAL + side, inhibited, -1
        yield own, afferent.EXTENSOR_RENSHAW + side, "renshaw_collaterals", 1
        yield afferent.CUTANEOUS_EXCITATORY, own, some, 1


PATHWAYS = list(_pathways())


def _connections(wiring, kind, onto=CELLS):
    """Number of sources of a class, and targets and weights of their connections onto motoneurons or interneurons."""
    sources = np.flatnonzero(wiring.kind == kind)
    spans = [wiring.start[2 * s + (onto == OTHERS) :][:2] for s in sources]
    index = np.concatenate([np.arange(*span) for span in spans])
    return sources.size, wiring.target[index], wiring.weight[index]


@pytest.mark.parametrize(("source", "target", "chance", "sign"), PATHWAYS)
def test_pathway_has_its_probability_and_sign(source, target, chance, sign):
    """Within binomial bounds; a pathway without a stated chance reaches all."""
    onto = CELLS if target >= afferent.EXTENSOR_MOTOR else OTHERS
    low, high = _span(target)
    number, targets, weights = _connections(_wiring(), source, onto)
    own = (targets >= low) & (targets < high)
    trials, share = number * (high - low), known()[chance].number if chance else 1.0
    assert abs(own.sum() - trials * share) <= WITHIN * math.sqrt(trials * share * (1 - share))
    assert np.all(np.sign(weights[own]) == sign)


@pytest.mark.parametrize("source", range(len(afferent.SOURCES)))
def test_source_reaches_nothing_but_what_the_anatomy_says_and_never_twice(source):
    wiring = _wiring()
    for onto in (CELLS, OTHERS):
        allowed = np.zeros(1000, bool)
        for kind, target, _, _ in PATHWAYS:
            if kind == source and (target >= afferent.EXTENSOR_MOTOR) == (onto == CELLS):
                allowed[slice(*_span(target))] = True
        for one in np.flatnonzero(wiring.kind == source):
            own = wiring.target[slice(*wiring.start[2 * one + (onto == OTHERS) :][:2])]
            assert np.unique(own).size == own.size and np.all(allowed[own])


@pytest.mark.parametrize(
    ("kind", "conductance"),
    [(afferent.EXTENSOR_IA, "ia_conductance"), (afferent.FLEXOR_RECIPROCAL, "reciprocal_conductance")],
)
def test_mean_weight_is_the_declared_one_whatever_the_spread(kind, conductance):
    parameters = known()
    _, _, weight = _connections(_wiring(), kind)
    spread = parameters["ia_weight_spread"].number
    variation = math.sqrt(math.exp(spread**2) - 1)
    assert weight.mean() / parameters[conductance].number == pytest.approx(
        1, abs=5 * variation / math.sqrt(weight.size)
    )
    assert np.log(weight).std() == pytest.approx(spread, rel=0.1)


def test_wiring_is_named_by_seed_and_draw_and_shared_by_conditions():
    again = synapse.build_wiring(known(), POOLS, 1, 0)
    np.testing.assert_array_equal(again.target, _wiring().target)
    np.testing.assert_array_equal(again.weight, _wiring().weight)
    for other in (_wiring(2, 0), _wiring(1, 1)):
        assert not np.array_equal(other.target[:500], again.target[:500])
    np.testing.assert_array_equal(_wiring(1, 0, "ms-spasticity").target, again.target)


# ---- interneurons -------------------------------------------------------------------------------------------------


@njit
def _response(jump, k, dt, steps):
    voltage, current, trace = 0.0, jump, np.zeros(steps)
    for i in range(steps):
        voltage, current = interneuron.advance_interneuron(voltage, current, 1000.0, k, dt)
        trace[i] = voltage
    return trace


def test_input_scale_makes_a_depolarisation_that_peaks_at_one_threshold():
    parameters = known()
    trace = _response(interneuron.input_scale(parameters), numbers(parameters), 0.01, 6000)
    assert trace.max() == pytest.approx(1.0, abs=1e-5)


def test_subthreshold_response_follows_the_double_exponential():
    parameters, dt = known(), 0.1
    tau, tau_input = (
        parameters["interneuron_time_constant"].number,
        parameters["interneuron_input_decay"].number,
    )
    t = dt * np.arange(1, 401)
    exact = tau * tau_input / (tau - tau_input) * (np.exp(-t / tau) - np.exp(-t / tau_input))
    np.testing.assert_allclose(_response(1.0, numbers(parameters), dt, 400), exact, atol=1e-3 * exact.max())


def test_subthreshold_response_is_second_order_in_the_step():
    parameters = known()
    k = numbers(parameters)
    tau, tau_input = k.interneuron_time_constant, k.interneuron_input_decay
    exact = tau * tau_input / (tau - tau_input) * (math.exp(-10 / tau) - math.exp(-10 / tau_input))
    errors = [abs(_response(1.0, k, 10 / n, n)[-1] - exact) for n in (50, 100, 200)]
    assert errors[0] / errors[1] == pytest.approx(4, rel=0.15) and errors[1] / errors[2] == pytest.approx(
        4, rel=0.15
    )


def test_refractory_interneuron_stays_at_zero_while_its_input_decays():
    k = numbers(known())
    voltage, current = interneuron.advance_interneuron(0.0, 1.0, 0.5 * k.interneuron_refractory, k, 0.1)
    assert voltage == 0.0
    assert current == pytest.approx(math.exp(-0.1 / k.interneuron_input_decay), rel=1e-5)


def test_interneuron_thresholds_scatter_around_one():
    parameters = known(cutaneous_interneurons=20_000)
    found = np.log(interneuron.thresholds(parameters, 1, 0))
    assert found.mean() == pytest.approx(0, abs=0.01)
    assert found.std() == pytest.approx(parameters["interneuron_threshold_spread"].number, rel=0.03)
