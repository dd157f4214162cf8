"""Numerical helpers of the circuit's kernel: an exponential that vectorises, and counter-based random numbers.

The polynomial exponential is several times faster than a library call, because the compiler can keep a whole block of
cells in vector registers. Random numbers are a hash of (key, stream, counter), so that a draw depends on nothing but
its own name: not on the order of the subjects, on threads or on the time step.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_S30, _S27, _S31, _S11 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(11)
_TO_UNIT = 1.0 / 9007199254740992.0  # 2**-53
TINY = 1e-12
FOLDS = 128.0  # growth raises to this power by seven squarings


@njit(inline="always")
def growth(x):
    """exp(x) for arguments that a membrane keeps small: Taylor polynomial of exp(x/128), squared seven times.

    Relative error below 2e-6 at |x| = 32, below 1e-9 for |x| <= 8, and below 7e-2 at |x| = 128; finite to |x| = 640.
    """
    y = x * (1.0 / FOLDS)
    e = 1.0 + y * (1.0 + y * (1 / 2 + y * (1 / 6 + y * (1 / 24 + y * (1 / 120 + y * (1 / 720))))))
    e *= e
    e *= e
    e *= e
    e *= e
    e *= e
    e *= e
    e *= e
    return e


@njit(inline="always")
def exponential(x):
    """exp(x) for |x| <= 32, and clipped beyond, for arguments of any size: as `growth`."""
    return growth(min(max(x, -32.0), 32.0))


@njit(inline="always")
def linear(x):
    """Numerator of x/(1 − exp(−x)), the rate law of a gate whose opening grows linearly; that is 1 at x = 0."""
    return x + TINY


@njit(inline="always")
def rising(x):
    """Denominator of the same."""
    return 1.0 - growth(-x) + TINY


@njit(inline="always")
def falling(x):
    """Denominator of 1/(1 + exp(−x)), the rate law of a gate whose rate levels off."""
    return 1.0 + growth(-x)


@njit(inline="always")
def gate(value, opening, opening_over, closing, closing_over, dt):
    """One trapezoidal step of dx/dt = α(1 − x) − βx over `dt`: second order, stable, no exponential of its own.

    The rates come as fractions, α = opening/opening_over and β = closing/closing_over. Both sides of the step are
    multiplied by both denominators, so that one division does for three, which are what costs in the kernel.
    """
    both = opening_over * closing_over
    up = opening * closing_over
    rate = 0.5 * dt * (up + closing * opening_over)
    return (value * (both - rate) + dt * up) / (both + rate)


@njit(inline="always")
def relax(value, target, share):
    """One trapezoidal step of dx/dt = (target − x)/τ; `share` is half the step over τ."""
    return value + (target - value) * (2.0 * share / (1.0 + share))


@njit
def bits(key, stream, counter):
    """64 random bits named by (key, stream, counter): two rounds of SplitMix64's finaliser."""
    z = np.uint64(key) + np.uint64(stream) * _GOLDEN
    z = (z ^ (z >> _S30)) * _MIX_1
    z = (z ^ (z >> _S27)) * _MIX_2
    z = (z ^ (z >> _S31)) + np.uint64(counter) * _GOLDEN
    z = (z ^ (z >> _S30)) * _MIX_1
    z = (z ^ (z >> _S27)) * _MIX_2
    return z ^ (z >> _S31)


@njit
def substream(kind, index):
    """The stream of member `index` of a kind; kinds lie a million apart, above the streams of single cells."""
    return (kind << 20) + index


@njit
def uniform(key, stream, counter):
    """A number in (0, 1) named by (key, stream, counter)."""
    return (float(bits(key, stream, counter) >> _S11) + 0.5) * _TO_UNIT


@njit
def normal(key, stream, counter):
    """A standard normal number named by (key, stream, counter), by Box and Muller's transform."""
    first = uniform(key, stream, 2 * counter)
    second = uniform(key, stream, 2 * counter + 1)
    return math.sqrt(-2.0 * math.log(first)) * math.cos(2.0 * math.pi * second)


@njit
def gamma_share(z, order):
    """A gamma variable of mean 1 and the given order from a standard normal `z`: Wilson and Hilferty's cube.

    (1 − 1/(9k) + z/(3√k))³; kept above 1/8, which for orders of ten and more is never reached.
    """
    return max(1 - 1 / (9 * order) + z / (3 * math.sqrt(order)), 0.5) ** 3
