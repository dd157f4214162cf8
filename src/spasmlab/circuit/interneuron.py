"""Interneurons: leaky integrate-and-fire cells whose voltage is measured in units of a typical threshold.

τ dv/dt = −v + τ·i,   τ_i di/dt = −i,   spike at v ≥ threshold, then v = 0 for the refractory time
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numba import njit

from spasmlab.circuit import afferent
from spasmlab.circuit.queue import post
from spasmlab.parameter import Parameter
from spasmlab.streams import stream

FORGOTTEN = 1e-9  # thresholds: a cell this near rest without input is at rest


def input_scale(known: Mapping[str, Parameter]) -> float:
    """The jump of current (1/ms) whose depolarisation peaks at one threshold.

    For τ ≠ τ_i the response to a unit jump is τ τ_i/(τ − τ_i)·(exp(−t/τ) − exp(−t/τ_i)), greatest at
    t* = τ τ_i/(τ − τ_i)·ln(τ/τ_i).
    """
    tau, tau_input = known["interneuron_time_constant"].number, known["interneuron_input_decay"].number
    ratio = tau * tau_input / (tau - tau_input)
    peak_time = ratio * np.log(tau / tau_input)
    return float(1 / (ratio * (np.exp(-peak_time / tau) - np.exp(-peak_time / tau_input))))


def thresholds(known: Mapping[str, Parameter], seed: int, draw: int) -> np.ndarray:
    """Thresholds of all interneurons around 1, log-normal, named by (seed, draw)."""
    number = sum(afferent.counts(known)[afferent.EXTENSOR_RECIPROCAL :])
    z = stream(seed, "interneuron", draw).normal(size=number)
    return np.exp(known["interneuron_threshold_spread"].number * z)


@njit
def advance_interneuron(voltage, current, quiet, k, dt, bias=0.0):
    """One step of `dt` ms by Heun's rule on voltage and exact decay of the current; returns (voltage, current).

    `quiet` (ms since the last spike) below the refractory time holds the voltage at zero; `bias` (1/ms) adds to the
    current and does not decay.
    """
    later = current * (1 - dt / k.interneuron_input_decay + 0.5 * (dt / k.interneuron_input_decay) ** 2)
    if quiet < k.interneuron_refractory:
        return 0.0, later
    slope = current + bias - voltage / k.interneuron_time_constant
    guess = voltage + dt * slope
    return voltage + 0.5 * dt * (slope + later + bias - guess / k.interneuron_time_constant), later


@njit
def fire_interneurons(voltage, current, quiet, bias, threshold, arrivals, first, arrival, h, k):
    """Advance all interneurons by `h` ms; those that reach their threshold post a spike for step `arrival`.

    `first` is the index of the first interneuron among the sources, `bias` their steady descending input (1/ms).
    """
    for j in range(voltage.size):
        quiet[j] += h
        if abs(current[j]) < FORGOTTEN and abs(voltage[j]) < FORGOTTEN and bias[j] == 0:
            voltage[j] = current[j] = 0.0
            continue
        v, current[j] = advance_interneuron(voltage[j], current[j], quiet[j], k, h, bias[j])
        voltage[j] = max(v, -k.interneuron_floor)
        if voltage[j] >= threshold[j]:
            voltage[j] = 0.0
            quiet[j] = 0.0
            post(arrivals, first + j, arrival)
