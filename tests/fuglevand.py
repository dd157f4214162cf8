"""Fuglevand, Winter and Patla 1993, written anew from the equations of the paper: the oracle for motor-unit force.

Nothing here is shared with the program: twitches are laid down one by one on a fine clock with NumPy.
"""

from __future__ import annotations

import numpy as np

LINEAR_UP_TO = 0.4  # of the normalised rate T/ISI


def twitch_forces(units: int, span: float) -> np.ndarray:
    """P(i) = exp(b·i), b = ln(span)/n."""
    return np.exp(np.log(span) / units * np.arange(1, units + 1))


def contraction_times(forces: np.ndarray, longest: float, span: float, force_span: float) -> np.ndarray:
    """T(i) = T_L·(1/P(i))^(1/c), c = log of the force span to the base of the time span."""
    return longest * (1 / forces) ** (1 / (np.log(force_span) / np.log(span)))


def sigmoid(normalised: np.ndarray) -> np.ndarray:
    """S = 1 − exp(−2·(T/ISI)³)."""
    return 1 - np.exp(-2 * normalised**3)


def gains(spikes: np.ndarray, time: float) -> np.ndarray:
    """Gain of each twitch: 1 for T/ISI below 0.4, else (S/(T/ISI)) normalised to its value at 0.4."""
    intervals = np.diff(spikes, prepend=-np.inf)
    x = time / intervals
    rested = sigmoid(np.array(LINEAR_UP_TO)) / LINEAR_UP_TO
    return np.where(x < LINEAR_UP_TO, 1.0, sigmoid(x) / np.maximum(x, 1e-9) / rested)


def unit_force(spikes: np.ndarray, force: float, time: float, clock: np.ndarray) -> np.ndarray:
    """f(t) = Σ g·P·t/T·exp(1 − t/T) on `clock`."""
    total = np.zeros(clock.size)
    for spike, gain in zip(spikes, gains(spikes, time), strict=True):
        since = np.maximum(clock - spike, 0.0)
        total += gain * force * since / time * np.exp(1 - since / time)
    return total


def excited(units: int, excitation: float, duration: float, random: np.random.Generator) -> list[np.ndarray]:
    """Spike trains of a pool at a share of its largest excitation.

    RTE(i) = exp(a·i), a = ln(30)/n; rate g·(E − RTE) + 8 up to a peak of 45 less 10·RTE/RTE(n); intervals normal with a
    coefficient of variation of 0.2.
    """
    threshold = np.exp(np.log(30) / units * np.arange(1, units + 1))
    peak = 45 - 10 * threshold / threshold[-1]
    largest = threshold[-1] + (peak[-1] - 8)
    drive = excitation * largest
    rates = np.where(drive >= threshold, np.minimum(drive - threshold + 8, peak), 0.0)
    trains = []
    for rate in rates:
        number = int(duration / 1000 * rate * 1.5) + 2 if rate else 0
        intervals = (
            1000 / rate * np.maximum(1 + 0.2 * random.normal(size=number), 0.3) if rate else np.zeros(0)
        )
        spikes = np.cumsum(intervals)
        trains.append(spikes[spikes < duration])
    return trains
