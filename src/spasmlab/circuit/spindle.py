"""The muscle spindle: firing of primary (Ia) and secondary (II) endings from fibre length and velocity.

    Ia = a (l − l₀)⁺ + b v^0.6 + burst,   burst = g (b v^0.6 − its running mean over τ)⁺,   v > 0 (stretch) only
    II = c (l − l₁)⁺ + d v^0.6

A power law of velocity after Prochazka and Gorassini 1998; the burst gives the early discharge at the onset of a ramp.
"""

from __future__ import annotations

from numba import njit


@njit
def velocity_response(velocity, k):
    """The dynamic part before its gain: v^power for stretch, 0 for shortening."""
    return max(velocity, 0.0) ** k.ia_velocity_power


@njit
def ia_rate(length, dynamic, mean, k):
    """Rate of a primary ending, pulses per second; `dynamic` is v^power, `mean` its running mean."""
    static = k.ia_length_gain * max(length - k.ia_length_threshold, 0.0)
    burst = k.ia_burst_gain * max(dynamic - mean, 0.0)
    return min(static + k.ia_velocity_gain * (dynamic + burst), k.peak_rate)


@njit
def ii_rate(length, dynamic, k):
    """Rate of a secondary ending, pulses per second."""
    static = k.ii_length_gain * max(length - k.ii_length_threshold, 0.0)
    return min(static + k.ii_velocity_gain * dynamic, k.peak_rate)
