"""Voluntary contraction: drive from above comes up and is held at three levels, the last one maximal; the ankle is fixed.

Torque over the last seconds of the hold and its steadiness (standard deviation over mean), the rates of motor units and how
regular they are, and the share of the pool that is recruited. What is left of the descending paths (`descending_monoamine`
of the condition: none after a complete injury) carries that share of the drive; the monoamines of an active subject come
with it, and fusimotor drive. A drug that weakens would lower the maximal torque.

128 units stand for the nine hundred of a soleus, so that torque is less steady than a person's by about √7.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import xarray

from spasmlab.assays.result import AssayResult
from spasmlab.assays.stretch import active_torque
from spasmlab.circuit import cord
from spasmlab.circuit.afferent import MILLISECONDS
from spasmlab.circuit.bench import Bench, Drive, Run
from spasmlab.parameter import beside

READOUTS = {
    "voluntary_torque": ("N m", "mean torque of the held contraction, by the level of the drive"),
    "maximal_torque": ("N m", "mean torque under the largest drive"),
    "torque_variability": ("percent", "standard deviation over mean of the held torque; NaN without torque"),
    "motor_unit_rate": ("Hz", "mean rate of the units that fire on; NaN where none does"),
    "interval_variability": (
        "percent",
        "standard deviation over mean of a unit's intervals, mean over units; NaN where none fires on",
    ),
    "recruited": ("1", "share of the pool that fires in the last part of the hold"),
}


def run(bench: Bench) -> AssayResult:
    """A contraction at every level, of every subject."""
    known = {name: p.number for name, p in beside("assays.voluntary").items() if len(p.values) == 1}
    levels = np.array(beside("assays.voluntary")["levels"].values)
    active = replace(bench, changes={**bench.changes, "monoamine_level": 1.0})
    runs = [contraction(active, s, float(level), known) for s in range(active.subjects) for level in levels]
    recordings = active.simulate(runs)
    rows = [_measure(active, r, one, known) for r, one in zip(recordings, runs, strict=True)]
    shape = (active.subjects, levels.size)
    readouts = {name: np.array([row[name] for row in rows]).reshape(shape) for name in rows[0]}
    readouts["maximal_torque"] = readouts["voluntary_torque"][:, levels.argmax()]
    strongest = recordings[levels.argmax() :: levels.size]
    rasters = tuple((r.spike_time - known["settling"], r.spike_unit) for r in strongest)
    torque = np.array([_torque(active, r, one) for r, one in zip(recordings, runs, strict=True)])
    ordered = {name: readouts[name] for name in READOUTS}
    return AssayResult(
        "voluntary", ordered, {"drive": levels}, _traces(torque, shape, levels, known), rasters
    )


def contraction(bench: Bench, subject: int, level: float, known: dict[str, float]) -> Run:
    """A drive of `level` mV, less by the paths that are lost, that comes up and is held."""
    reaches = level * float(bench.numbers[subject].descending_monoamine)
    start, top = known["settling"], known["settling"] + known["rise"]
    return Run(
        subject,
        f"voluntary {level:g}",
        top + known["hold"],
        drives=(Drive((start, top), (0.0, reaches)),),
        gamma_static=known["gamma_static"] if reaches > 0 else None,
    )


def _torque(bench: Bench, recording: cord.Recording, run: Run) -> np.ndarray:
    return active_torque(bench, run.subject, recording.trace[: int(run.duration), cord.FORCE])


def _measure(bench: Bench, recording: cord.Recording, run: Run, known: dict[str, float]) -> dict[str, float]:
    from_ = run.duration - known["measured"]
    torque = _torque(bench, recording, run)[round(from_) :]
    late = recording.spike_time >= from_
    time, unit = recording.spike_time[late], recording.spike_unit[late]
    rates, regular = _firing(time, unit, round(known["fewest_intervals"]))
    mean = float(torque.mean())
    return {
        "voluntary_torque": mean,
        "torque_variability": 100 * float(torque.std()) / mean if mean >= known["least_torque"] else np.nan,
        "motor_unit_rate": rates,
        "interval_variability": regular,
        "recruited": np.unique(unit).size / bench.units[bench.cord_of(run.subject)].share.size,
    }


def _firing(time: np.ndarray, unit: np.ndarray, fewest: int) -> tuple[float, float]:
    """Mean rate (Hz) and mean variability of intervals (%) of the units with at least `fewest` intervals; NaN without."""
    found = []
    for one in np.unique(unit):
        intervals = np.diff(np.sort(time[unit == one]))
        if intervals.size >= fewest:
            found.append((MILLISECONDS / intervals.mean(), 100 * intervals.std() / intervals.mean()))
    if not found:
        return np.nan, np.nan
    rates, regular = np.mean(found, axis=0)
    return float(rates), float(regular)


def _traces(
    torque: np.ndarray, shape: tuple[int, int], levels: np.ndarray, known: dict[str, float]
) -> xarray.Dataset:
    """Torque of every contraction at 1 ms from the start of the drive."""
    samples = torque.shape[1]
    return xarray.Dataset(
        {"torque": (("subject", "drive", "time"), torque.reshape(*shape, samples), {"units": "N m"})},
        coords={
            "drive": ("drive", levels, {"units": "mV"}),
            "time": ("time", np.arange(samples) - known["settling"], {"units": "ms"}),
        },
    )
