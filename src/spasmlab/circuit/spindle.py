"""Endings in the muscle: spindle primaries (Ia) and secondaries (II) from fibre length and velocity, tendon organs (Ib).

    Ia = a (1 + a_d f_d)(l − l₀)⁺ + (1 + b_d f_d + b_s f_s)(b v^0.6 + burst) + c_d f_d + c_s f_s
    burst = g (b v^0.6 − its running mean over τ)⁺,   v > 0 (stretch) only
    II = c (l − l₁)⁺ + d v^0.36 + c₂ f_s,     Ib = e F
    f = γ^p/(γ^p + γ_half^p)

γ is dynamic (d) or static (s) fusimotor drive. A power law of velocity after Prochazka and Gorassini 1998; the burst
gives the early discharge at the onset of a ramp; fusimotor saturation as in Mileusnic and others 2006.
"""

from __future__ import annotations

from numba import njit


@njit
def fusimotor(drive, k):
    """Activation 0..1 of intrafusal fibres by a fusimotor drive in pulses per second."""
    power = max(drive, 0.0) ** k.fusimotor_power
    return power / (power + k.fusimotor_half**k.fusimotor_power)


@njit
def velocity_response(velocity, k):
    """The dynamic part before its gain: v^power for stretch, 0 for shortening."""
    return max(velocity, 0.0) ** k.ia_velocity_power


@njit
def ii_velocity_response(velocity, k):
    """The same of secondary endings, which follow velocity with a lower power."""
    return max(velocity, 0.0) ** k.ii_velocity_power


@njit
def ia_rate(length, dynamic, mean, k, dynamic_drive=0.0, static_drive=0.0):
    """Rate of a primary ending, pulses per second; `dynamic` is v^power, `mean` its running mean.

    `dynamic_drive` and `static_drive` are the fusimotor activations f_d and f_s (0..1).
    """
    longer = max(length - k.ia_length_threshold, 0.0)
    static = k.ia_length_gain * (1 + k.ia_dynamic_length * dynamic_drive) * longer
    burst = k.ia_burst_gain * max(dynamic - mean, 0.0)
    gain = k.ia_velocity_gain * (
        1 + k.ia_dynamic_velocity * dynamic_drive + k.ia_static_velocity * static_drive
    )
    bias = k.ia_dynamic_bias * dynamic_drive + k.ia_static_bias * static_drive
    return min(static + gain * (dynamic + burst) + bias, k.peak_rate)


@njit
def ii_rate(length, dynamic, k, static_drive=0.0):
    """Rate of a secondary ending, pulses per second; `dynamic` is `ii_velocity_response`."""
    static = k.ii_length_gain * max(length - k.ii_length_threshold, 0.0) + k.ii_static_bias * static_drive
    return min(static + k.ii_velocity_gain * dynamic, k.peak_rate)


@njit
def ib_rate(force, k):
    """Rate of a tendon organ, pulses per second, from the muscle's force as a share of its maximum."""
    return min(k.ib_gain * max(force, 0.0), k.peak_rate)
