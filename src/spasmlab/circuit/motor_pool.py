"""What a motor pool is, measured as an electrophysiologist measures it: cells in a dish, an electrode in each soma.

Input resistance by a small hyperpolarising step, rheobase by steps of 500 ms, the after-hyperpolarisation behind a
brief strong pulse, firing rate at multiples of rheobase, ΔF of paired units on a triangle of drive, and the persistent
inward current by a slow ramp in voltage clamp. No synapses, no noise; the cells begin at rest.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from spasmlab.circuit.afferent import MILLISECONDS
from spasmlab.circuit.cord import DT
from spasmlab.circuit.electrode import current_clamp, voltage_clamp
from spasmlab.circuit.motoneuron import Pool
from spasmlab.parameter import beside

CALCIUM = ("calcium", "calcium_potassium")  # the constants that a calcium-free bath takes away


class Dish(NamedTuple):
    """Isolated cells: a pool, the record of the circuit's numbers, and the drive they rest on (mV times input
    conductance).
    """

    pool: Pool
    numbers: np.ndarray
    bias: float = 0.0

    def without_calcium(self) -> Dish:
        """The same cells in a bath without calcium: neither the calcium current nor the potassium current it opens."""
        gone = {name: np.zeros(self.pool.size) for name in CALCIUM}
        return self._replace(pool=dataclasses.replace(self.pool, constants={**self.pool.constants, **gone}))


class AfterHyperpolarisation(NamedTuple):
    """Of each cell: amplitude (mV), half-decay from the trough and duration to a tenth of the amplitude (ms)."""

    amplitude: np.ndarray
    half_decay: np.ndarray
    duration: np.ndarray


class Pairs(NamedTuple):
    """Paired motor units: one number a pair (control and test unit by index), Hz; rates at recruitment and derecruitment
    of each unit that fired, Hz (NaN for the others).
    """

    control: np.ndarray
    test: np.ndarray
    delta_f: np.ndarray
    first_rate: np.ndarray
    last_rate: np.ndarray


class InwardCurrent(NamedTuple):
    """A voltage-clamp ramp: command voltages up (mV) and each cell's current less its leak (ramp, cells), nA; the
    persistent inward current is its largest inward part (nA, positive).
    """

    voltage: np.ndarray
    current: np.ndarray
    size: np.ndarray


def protocol() -> dict[str, float]:
    """The numbers of the protocols, by name."""
    return {name: p.number for name, p in beside("circuit.motor_pool").items() if isinstance(p.value, float)}


def _steps(duration: float) -> np.ndarray:
    return np.ones(round(duration / DT))


def input_resistance(dish: Dish) -> np.ndarray:
    """MΩ of every cell: the voltage at the end of a small hyperpolarising step over its current."""
    known = protocol()
    step = known["resistance_current"]
    response = current_clamp(
        dish.pool, dish.numbers, -step * _steps(known["resistance_step"]), sample_every=1
    )
    return -response.soma[-1] / step


def rheobase(dish: Dish) -> np.ndarray:
    """The smallest step (nA, of `rheobase_step` ms) that makes each cell fire, found by halving."""
    known, size = protocol(), dish.pool.size
    low, high = np.zeros(size), np.full(size, known["rheobase_top"])
    while (high - low).max() > known["rheobase_precision"]:
        tried = (low + high) / 2
        response = current_clamp(
            dish.pool, dish.numbers, _steps(known["rheobase_step"]), sample_every=100.0, scale=tried
        )
        fired = np.array([s.size > 0 for s in response.spikes])
        low, high = np.where(fired, low, tried), np.where(fired, tried, high)
    return high


def after_hyperpolarisation(dish: Dish) -> AfterHyperpolarisation:
    """What follows the single spike of a brief strong pulse, from `ahp_begins` ms after the spike."""
    known, sample = protocol(), 0.1
    current = np.zeros(round(known["ahp_record"] / DT))
    current[: round(known["ahp_pulse"] / DT)] = known["ahp_current"]
    response = current_clamp(dish.pool, dish.numbers, current, sample_every=sample)
    rows = []
    for cell, spikes in enumerate(response.spikes):
        after = response.soma[round((spikes[0] + known["ahp_begins"]) / sample) :, cell]
        deepest = after.argmin()
        late = -after[deepest:] / -after[deepest]
        half, end = (np.flatnonzero(late < share)[0] * sample for share in (0.5, known["ahp_end"]))
        rows.append((-after[deepest], half, known["ahp_begins"] + deepest * sample + end))
    return AfterHyperpolarisation(*np.array(rows).T)


def steady_rate(dish: Dish, current: np.ndarray) -> np.ndarray:
    """Firing rate (Hz) of every cell under a long step of `current` nA (one a cell), once it is steady; NaN if silent."""
    known = protocol()
    response = current_clamp(
        dish.pool, dish.numbers, _steps(known["rate_step"]), sample_every=100.0, scale=current
    )
    return response.rates(known["rate_begins"])


def common_drive(dish: Dish) -> np.ndarray:
    """The current (nA) that one millivolt of a drive common to the pool gives each cell: it falls short of its input
    conductance by a power of it, so that small cells are depolarised more (1: the same current for all; 0: the same
    voltage). Equal to the input conductance in the cell of geometric mean size.
    """
    conductance = dish.pool.constants["input_conductance"]
    typical = np.exp(np.log(conductance).mean())
    return conductance * (typical / conductance) ** protocol()["drive_power"]


def pool_rate(dish: Dish, drive: float) -> np.ndarray:
    """Firing rates (Hz) under the same `drive` (mV) to every cell: NaN where a cell is silent."""
    return steady_rate(dish, drive * common_drive(dish))


def full_pool_rate(dish: Dish) -> float:
    """Mean rate (Hz) of the cells that fire under the smallest common drive that recruits `full_share` of the pool; the
    drive is sought in steps of `full_step` mV up to the top of the triangle. NaN where none recruits so many.
    """
    known = protocol()
    for drive in np.arange(known["full_step"], known["ramp_top"], known["full_step"]):
        rates = pool_rate(dish, drive)
        if np.isfinite(rates).mean() >= known["full_share"]:
            return float(np.nanmean(rates))
    return float("nan")


def places() -> tuple[float, ...]:
    """The places of the pool that are shown, in percent from its smallest cell."""
    return beside("circuit.motor_pool")["places"].values


def drive_of_triangle() -> np.ndarray:
    """The drive (mV) of `triangle`, one number a step."""
    known = protocol()
    half = round(known["ramp_rise"] / DT)
    return np.concatenate([np.linspace(0, known["ramp_top"], half), np.linspace(known["ramp_top"], 0, half)])


def triangle(dish: Dish) -> tuple[np.ndarray, ...]:
    """Spike times (ms) of every cell while a common drive rises slowly to `ramp_top` and falls again."""
    drive = dish.bias + drive_of_triangle()
    return current_clamp(dish.pool, dish.numbers, drive, sample_every=100.0, scale=common_drive(dish)).spikes


def smoothed_rate(spikes: np.ndarray, time: float, width: float) -> float:
    """Instantaneous rate (Hz) near `time`, averaged over intervals with a Gaussian of standard deviation `width` ms."""
    middle, rate = (spikes[1:] + spikes[:-1]) / 2, MILLISECONDS / np.diff(spikes)
    weight = np.exp(-0.5 * ((middle - time) / width) ** 2)
    return float((weight * rate).sum() / weight.sum())


def delta_f(dish: Dish) -> Pairs:
    """ΔF of paired units on a triangle of drive (`pair_units`)."""
    return pair_units(triangle(dish))


def pair_units(spikes: Sequence[np.ndarray]) -> Pairs:
    """ΔF of paired units (Gorassini et al. 2002): the rate of a lower-threshold control unit when the test unit is
    recruited, less that when it is derecruited.

    Pairs are of units recruited at least `pair_delay` ms apart, the control still firing when the test unit stops.
    """
    known = protocol()
    fired = [s if s.size > known["pair_spikes"] else None for s in spikes]
    looked_at, found = range(0, len(fired), round(known["pair_stride"])), []
    for control, test in itertools.permutations(looked_at, 2):
        own, other = fired[control], fired[test]
        if own is None or other is None:
            continue
        if own[0] + known["pair_delay"] <= other[0] and other[-1] < own[-1]:
            at = [smoothed_rate(own, other[end], known["smoothing"]) for end in (0, -1)]
            found.append((control, test, at[0] - at[1]))
    control, test, difference = np.array(found).reshape(-1, 3).T
    ends = np.array([_ends(s, round(known["end_intervals"])) for s in fired]).T
    return Pairs(control.astype(int), test.astype(int), difference, ends[0], ends[1])


def _ends(spikes: np.ndarray | None, intervals: int) -> tuple[float, float]:
    """Mean rate over the first and the last intervals of a unit, Hz."""
    if spikes is None:
        return np.nan, np.nan
    rates = MILLISECONDS / np.diff(spikes)
    return float(rates[:intervals].mean()), float(rates[-intervals:].mean())


def inward_current(dish: Dish) -> InwardCurrent:
    """The persistent inward current: a slow ramp of somatic voltage, the leak fitted to its foot and taken away."""
    known = protocol()
    low, high = known["clamp_from"], known["clamp_to"]
    ramp = np.linspace(low, high, round((high - low) / known["clamp_speed"] * MILLISECONDS / DT))
    command = np.concatenate([low * _steps(known["clamp_hold"]), ramp])
    clamp = voltage_clamp(dish.pool, dish.numbers, command, known["clamp_conductance"])
    kept = clamp.clock >= known["clamp_hold"]
    soma, current = clamp.soma[kept], clamp.current[kept]
    foot = soma[:, 0] < known["leak_to"]
    for cell in range(dish.pool.size):
        line = np.polyfit(soma[foot, cell], current[foot, cell], 1)
        current[:, cell] -= np.polyval(line, soma[:, cell])
    return InwardCurrent(soma.mean(axis=1), current, -current.min(axis=0))


def readouts(dish: Dish) -> Mapping[str, np.ndarray]:
    """The passive and firing properties of every cell, by name."""
    threshold, after = rheobase(dish), after_hyperpolarisation(dish)
    near, double = (steady_rate(dish, threshold * protocol()[m]) for m in ("near", "double"))
    return {
        "input_resistance": input_resistance(dish),
        "rheobase": threshold,
        "ahp_amplitude": after.amplitude,
        "ahp_half_decay": after.half_decay,
        "ahp_duration": after.duration,
        "minimal_rate": near,
        "rate_at_double": double,
        "rate_gain": (double - near) / (threshold * (protocol()["double"] - protocol()["near"])),
    }
