"""A muscle: twitches of its motor units, a Hill-type muscle, and the surface EMG.

A twitch is P (t/T) exp(1 − t/T). Its gain follows from the calcium that an impulse releases: calcium adds up at high
rates, and force saturates with it. With all of the calcium this is the gain of Fuglevand, Winter and Patla 1993; with
less (dantrolene) a lone twitch falls steeply, and a fused tetanus hardly. Activation is the summed force over that of all
units in fused tetanus.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numba import njit

from spasmlab.circuit.afferent import MILLISECONDS
from spasmlab.circuit.fastmath import exponential
from spasmlab.circuit.motoneuron import along, type_borders
from spasmlab.parameter import Parameter


@dataclass(frozen=True)
class MotorUnits:
    """Per unit: share of tetanic force, twitch time (ms), EMG amplitude (mV) and λ (ms), delays to the muscle (ms), and
    the share of force lost per second of fused tetanus.
    """

    share: np.ndarray
    twitch_time: np.ndarray
    emg_amplitude: np.ndarray
    emg_duration: np.ndarray
    delay_from_cord: np.ndarray
    delay_from_electrode: np.ndarray
    delay_to_cord: np.ndarray
    fatigability: np.ndarray


def build_units(known: Mapping[str, Parameter], position: np.ndarray) -> MotorUnits:
    """Motor units along the pool; the twitch share is normalised so that fused tetanus of all units is activation 1."""
    knots = type_borders(known)
    at = {
        name: along(known[name], position, knots)
        for name in ("twitch_force", "twitch_time", "emg_amplitude", "emg_duration", "axon_velocity")
    }
    length, distance = known["nerve_length"].number, known["stimulus_distance"].number
    per_metre = MILLISECONDS / at["axon_velocity"]
    share = at["twitch_force"] / at["twitch_force"].sum() / tetanus_to_twitch(known)
    return MotorUnits(
        share,
        at["twitch_time"],
        at["emg_amplitude"],
        at["emg_duration"],
        length * per_metre,
        distance * per_metre,
        (length - distance) * per_metre,
        known["fatigue_rate"].number * known["fatigue_range"].number ** (position - 1),
    )


def tetanus_to_twitch(known: Mapping[str, Parameter]) -> float:
    """Force of fused tetanus over the twitch: e·x₀/S(x₀), from the gain law at high rate (S → 1)."""
    x = known["gain_threshold"].number
    saturation = 1 - math.exp(-known["gain_steepness"].number * x ** known["gain_power"].number)
    return math.e * x / saturation


@njit
def saturation(calcium, k):
    """Share of the tetanic force at a mean calcium level (1: one release per twitch time): S = 1 − exp(−s·c^p)."""
    return 1 - math.exp(-k.gain_steepness * calcium**k.gain_power)


@njit
def twitch_gain(interval, time, k):
    """Gain of a twitch that follows another by `interval` ms, for a unit of twitch time `time` ms.

    x = time/interval is the normalised rate, not below x₀ (a lone impulse lifts calcium that far), and r the calcium
    released per impulse relative to no drug. Force per impulse is S(r·x)/x, relative to S(x₀)/x₀: at r = 1 the gain of
    Fuglevand 1993, which is 1 up to x₀ and S(x)/x from there.
    """
    x = max(time / interval, k.gain_threshold)
    rested = saturation(k.gain_threshold, k) / k.gain_threshold
    return saturation(k.calcium_release * x, k) / x / rested


@njit
def force_length(length, k):
    """Active force–length factor exp(−|(l^b − 1)/w|^ρ) of Brown, Cheng and Loeb (type I fibres)."""
    return math.exp(-(abs((max(length, 0.0) ** k.length_power - 1) / k.length_width) ** k.length_roundness))


@njit
def force_velocity(length, velocity, bend, k):
    """Force–velocity factor; velocity in L0/s, stretch positive; `bend` the three constants of lengthening."""
    if velocity <= 0:
        speed = min(-velocity, k.shortening_velocity)
        return (k.shortening_velocity - speed) / (k.shortening_velocity + k.shortening_shape * speed)
    shape = bend[0] + bend[1] * length + bend[2] * length * length
    return (k.lengthening_scale - shape * velocity) / (k.lengthening_scale + velocity)


@njit
def twitch(unit, now, state, k):
    """An impulse reaches the muscle fibres of `unit` at `now`: start a twitch whose gain depends on the interval."""
    state.drive[unit] += twitch_gain(max(now - state.last[unit], 1.0), state.time[unit], k)
    state.last[unit] = now


@njit
def sum_twitches(drive, twitches, h, share, time):
    """Advance all twitches by `h` ms, exactly; returns activation. (a, f): a' = −a/T, f' = (e·a − f)/T.

    `share` of the tetanic force and twitch `time` T (ms) are those of the units.
    """
    activation = 0.0
    for unit in range(drive.size):
        part = h / time[unit]
        decay = exponential(-part)
        twitches[unit] = decay * (twitches[unit] + math.e * part * drive[unit])
        drive[unit] *= decay
        activation += share[unit] * twitches[unit]
    return activation


@njit
def tire(capacity, twitches, time, rested_time, fatigability, tetanus, h, k):
    """Advance fatigue by `h` ms: the share of its force that each unit still has, and its slower twitch.

    Potvin and Fuglevand 2017: dq/dt = −λ·a, with λ the unit's fatigability [1/s] and a its force over that in fused
    tetanus (`tetanus`: that force over a twitch); here a resting unit recovers, + (1 − a)(1 − q)/τ. The twitch time is
    the rested one times 1 + s(1 − q).
    """
    for unit in range(capacity.size):
        strain = min(twitches[unit] / tetanus, 1.0)
        regained = (1 - strain) * (1 - capacity[unit]) / k.fatigue_recovery
        change = h / MILLISECONDS * (regained - fatigability[unit] * strain)
        capacity[unit] = min(max(capacity[unit] + change, 0.0), 1.0)
        time[unit] = rested_time[unit] * (1 + k.fatigue_slowing * (1 - capacity[unit]))


@njit
def fibre_length(angle, force, k):
    """Fibre length (L0) at a joint angle (rad, positive where it stretches the muscle) and a force (share of maximum)."""
    reach = k.tendon_slack_share * k.moment_arm * angle / k.optimal_length
    return k.neutral_length + reach - k.tendon_stretch * force


@njit
def driven_velocity(before, velocity, h, k):
    """Velocity (L0/s) of the fibres `h` ms after it was `before`, at that of the joint (rad/s, stretch positive).

    dv/dt = (c·ω − v)/τ, with c the fibres' share of the joint's movement: the tendon takes up a change of speed first and
    gives it to the fibres with its lag τ, so that force rises and falls with the velocity it meets no faster than that.
    """
    driven = k.tendon_slack_share * k.moment_arm * velocity / k.optimal_length
    if k.tendon_lag <= 0:
        return driven
    return driven + (before - driven) * exponential(-h / k.tendon_lag)


@njit
def fibre_force(activation, length, velocity, bend, k):
    """Force as a share of the maximum at the fibres' velocity (L0/s, stretch positive), see `driven_velocity`."""
    if activation <= 0:
        return 0.0
    return activation * force_length(length, k) * force_velocity(length, velocity, bend, k)


@njit
def torque_of(force, k):
    """Torque (N·m) of a force given as a share of the maximum: F·F0·cos(pennation)·moment arm."""
    return force * k.maximal_force * math.cos(k.pennation) * k.moment_arm


def surface_emg(
    times: np.ndarray, amplitude: np.ndarray, duration: np.ndarray, clock: np.ndarray
) -> np.ndarray:
    """Surface EMG (mV) on an even `clock` (ms): the sum of first-order Hermite–Rodriguez potentials.

    One potential at time s is A·√(2e)·y·exp(−y²), y = (t − s)/λ: its peak is A, at s ± λ/√2. Arrays `times`,
    `amplitude` and `duration` have one entry per potential.
    """
    emg = np.zeros(clock.size)
    step = clock[1] - clock[0]
    reach = int(np.ceil(4 * duration.max() / step)) if times.size else 0
    around = np.arange(-reach, reach + 1)
    centre = np.rint((times - clock[0]) / step).astype(int)
    index = centre[:, None] + around
    y = (clock[0] + index * step - times[:, None]) / duration[:, None]
    wave = amplitude[:, None] * np.sqrt(2 * np.e) * y * np.exp(-(y**2))
    inside = (index >= 0) & (index < clock.size)
    np.add.at(emg, index[inside], wave[inside])
    return emg
