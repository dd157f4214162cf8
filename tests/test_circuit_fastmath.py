"""The kernel's arithmetic: the exponential, the rate laws at their removable singularity, steps, random numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit
from scipy import stats

from spasmlab.circuit import fastmath

NUMBERS = 40_000
UNTIMED = settings(deadline=None)  # the first call compiles


def of_each(function):
    """A compiled function of one number, of every number of an array."""

    @njit
    def values(x):
        out = np.empty(x.size)
        for i in range(x.size):
            out[i] = function(x[i])
        return out

    return values


exponentials, growths = of_each(fastmath.exponential), of_each(fastmath.growth)
linoids = of_each(njit(lambda x: fastmath.linear(x) / fastmath.rising(x)))
sigmoids = of_each(njit(lambda x: 1 / fastmath.falling(x)))


@njit
def gate_after(value, opening, closing, dt, steps, over=1.0):
    """A gate whose rates come as fractions over `over` and its square."""
    for _ in range(steps):
        value = fastmath.gate(value, opening * over, over, closing * over * over, over * over, dt)
    return value


@njit
def relaxed(value, target, share, steps):
    for _ in range(steps):
        value = fastmath.relax(value, target, share)
    return value


@njit
def draws(key, stream, first, count):
    uniform, normal = np.empty(count), np.empty(count)
    for i in range(count):
        uniform[i] = fastmath.uniform(key, stream, first + i)
        normal[i] = fastmath.normal(key, stream, first + i)
    return uniform, normal


@njit
def gammas(z, order):
    out = np.empty(z.size)
    for i in range(z.size):
        out[i] = fastmath.gamma_share(z[i], order)
    return out


@pytest.mark.parametrize(("reach", "bound"), [(1.0, 1e-13), (8.0, 1e-9), (32.0, 2e-6)])
def test_exponential_keeps_its_stated_error(reach, bound):
    x = np.linspace(-reach, reach, 100_001)
    exact = np.array([math.exp(v) for v in x])
    assert np.abs(exponentials(x) / exact - 1).max() < bound


def test_exponential_is_flat_beyond_its_range():
    low, edge_low, edge_high, high = exponentials(np.array([-1e6, -32.0, 32.0, 1e6]))
    assert low == edge_low and high == edge_high


def test_growth_is_the_exponential_within_its_range_and_finite_far_beyond():
    near = np.linspace(-32, 32, 10_001)
    assert np.array_equal(growths(near), exponentials(near))
    far = np.linspace(-128, 128, 10_001)
    exact = np.array([math.exp(v) for v in far])
    assert np.abs(growths(far) / exact - 1).max() < 7e-2
    beyond = growths(np.linspace(-640, 640, 10_001))
    assert np.all(np.isfinite(beyond)) and np.all(beyond > 0)


@pytest.mark.parametrize("over", [1e-6, 3.0, 1e30])
def test_a_gate_does_not_see_how_its_rates_are_written(over):
    plain, scaled = (gate_after(0.2, 0.7, 0.3, 0.05, 40, factor) for factor in (1.0, over))
    assert scaled == pytest.approx(plain, rel=1e-13)


def test_linoid_is_one_at_zero_and_smooth_around_it():
    assert linoids(np.array([0.0]))[0] == 1.0
    size = np.logspace(-6, np.log10(30), 4001)
    x = np.concatenate([size, -size])
    exact = x / -np.expm1(-x)
    assert np.abs(linoids(x) / exact - 1).max() < 2e-6  # the error of the exponential at 30


def test_sigmoid_against_the_hyperbolic_tangent():
    x = np.linspace(-30, 30, 20_001)
    assert np.abs(sigmoids(x) - 0.5 * (1 + np.tanh(x / 2))).max() < 1e-7


@UNTIMED
@given(st.floats(0, 1), st.floats(0.01, 5), st.floats(0.01, 5))
def test_gate_is_second_order_and_ends_at_its_steady_value(start, opening, closing):
    steady = opening / (opening + closing)
    exact = steady + (start - steady) * math.exp(-(opening + closing) * 1.0)
    coarse, fine = (abs(gate_after(start, opening, closing, 1 / n, n) - exact) for n in (40, 80))
    assert fine <= coarse / 3.5 + 1e-12
    assert gate_after(start, opening, closing, 0.1, 100_000) == pytest.approx(steady, abs=1e-12)


@UNTIMED
@given(st.floats(-50, 50), st.floats(-50, 50), st.floats(0.5, 1000))
def test_relaxation_follows_the_exponential_to_second_order(start, target, tau):
    dt = tau / 100
    exact = target + (start - target) * math.exp(-1.0)
    assert relaxed(start, target, 0.5 * dt / tau, 100) == pytest.approx(
        exact, abs=1e-5 * abs(start - target) + 1e-12
    )


def test_uniform_numbers_pass_kolmogorov_and_stay_inside_the_open_interval():
    uniform, _ = draws(17, 3, 0, NUMBERS)
    assert stats.kstest(uniform, "uniform").pvalue > 1e-3
    assert uniform.min() > 0 and uniform.max() < 1


def test_normal_numbers_have_the_moments_and_shape_of_a_normal():
    _, normal = draws(17, 3, 0, NUMBERS)
    assert stats.kstest(normal, "norm").pvalue > 1e-3
    assert abs(normal.mean()) < 5 / math.sqrt(NUMBERS)
    assert abs(normal.var() - 1) < 5 * math.sqrt(2 / NUMBERS)
    assert abs(stats.skew(normal)) < 5 * math.sqrt(6 / NUMBERS)
    assert abs(stats.kurtosis(normal)) < 5 * math.sqrt(24 / NUMBERS)


def test_neighbouring_counters_streams_and_keys_are_uncorrelated():
    a = draws(17, 3, 0, NUMBERS)[1]
    others = [draws(17, 3, 1, NUMBERS)[1], draws(17, 4, 0, NUMBERS)[1], draws(18, 3, 0, NUMBERS)[1]]
    for b in others:
        assert abs(np.corrcoef(a, b)[0, 1]) < 5 / math.sqrt(NUMBERS)


@pytest.mark.parametrize("order", [10.0, 25.0, 100.0])
def test_gamma_intervals_have_mean_one_and_the_variation_of_their_order(order):
    share = gammas(draws(5, 1, 0, NUMBERS)[1], order)
    assert share.mean() == pytest.approx(1.0, abs=0.005)
    assert share.std() == pytest.approx(1 / math.sqrt(order), rel=0.02)
    assert stats.kstest(share, stats.gamma(order, scale=1 / order).cdf).statistic < 0.01
    assert share.min() > 0


@UNTIMED
@given(st.integers(0, 2**63), st.integers(0, 2**30), st.integers(0, 2**40))
def test_a_number_depends_on_its_name_and_not_on_what_was_drawn_before(key, stream, counter):
    alone = fastmath.uniform(np.uint64(key), stream, counter)
    draws(3, 1, 0, 5)
    assert fastmath.uniform(np.uint64(key), stream, counter) == alone
    assert fastmath.uniform(np.uint64(key), stream, counter + 1) != alone


def test_drawing_in_another_order_gives_the_same_numbers():
    forward = [fastmath.normal(9, 2, i) for i in range(50)]
    backward = [fastmath.normal(9, 2, i) for i in reversed(range(50))]
    assert forward == backward[::-1]
