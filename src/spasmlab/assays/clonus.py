"""Ankle clonus under load: a brisk stretch of soleus, then a steady hand on the sole while the foot is free to move.

The foot is turned from plantarflexion at a set speed, as a tester's hand does it, and from then on moves by itself under a
steady torque: what holds it at the end of the ramp against its passive tissue, and the press of the hand beside. A foot
that beats goes on by the loop of stretch reflex, conduction and inertia; the hand's mass is part of the inertia. A beat is
a burst of motor impulses.
"""

from __future__ import annotations

import numpy as np
import xarray

from spasmlab.assays.result import AssayResult
from spasmlab.circuit import cord, joint
from spasmlab.circuit.afferent import MILLISECONDS
from spasmlab.circuit.bench import Bench, Run
from spasmlab.parameter import beside

READOUTS = {
    "beats": ("1", "bursts of soleus while the foot is free"),
    "clonus_frequency": ("Hz", "from the intervals between bursts; NaN below the number that makes a clonus"),
    "clonus_duration": ("s", "from the first burst to the last"),
    "clonus_amplitude": ("deg", "swing of the foot in the second half of the clonus, peak to peak"),
    "sustained": ("1", "1 where the foot still beats at the end, else 0"),
}


def run(bench: Bench) -> AssayResult:
    """One stretch of every subject."""
    known = {name: p.number for name, p in beside("assays.clonus").items()}
    recordings = bench.simulate([stretch(bench, s, known) for s in range(bench.subjects)])
    release = _release(known)
    bursts = [_bursts(bench.pool_of(r), release, bench.pools[0].size, known) for r in recordings]
    rows = [_measure(r, b, release, known) for r, b in zip(recordings, bursts, strict=True)]
    readouts = {name: np.array([row[name] for row in rows]) for name in READOUTS}
    time = (np.arange(round(known["settling"] + known["duration"])) - known["settling"]) / MILLISECONDS
    angle = np.array([np.rad2deg(r.trace[: time.size, cord.ANGLE]) for r in recordings])
    torque = np.array([r.trace[: time.size, cord.MUSCLE_TORQUE] for r in recordings])
    dims = ("subject", "time")
    traces = xarray.Dataset(
        {"angle": (dims, angle, {"units": "deg"}), "torque": (dims, torque, {"units": "N m"})},
        coords={"time": ("time", time, {"units": "s"})},
    )
    rasters = tuple((r.spike_time - known["settling"], r.spike_unit) for r in map(bench.pool_of, recordings))
    return AssayResult("clonus", readouts, {}, traces, rasters)


def stretch(bench: Bench, subject: int, known: dict[str, float]) -> Run:
    """The run: rest, a ramp, and the foot free under the torque that holds it where the ramp ended."""
    start, end, speed = np.deg2rad([known["start_angle"], known["end_angle"], known["speed"]])
    k = bench.numbers[subject]
    return Run(
        subject,
        "clonus",
        known["settling"] + known["duration"],
        ramp_start=start,
        ramp_end=end,
        ramp_speed=speed,
        ramp_onset=known["settling"],
        ramp_rise=known["rise"],
        free_from=_release(known),
        load=known["press"] - float(joint.elastic_torque(end, k) + joint.gravity(end, k)),
        added_inertia=known["hand_inertia"],
        antagonist=True,
    )


def _release(known: dict[str, float]) -> float:
    """When the ramp is over and the foot free (ms)."""
    turning = (known["end_angle"] - known["start_angle"]) / known["speed"]
    return known["settling"] + MILLISECONDS * turning + known["rise"]


def _bursts(recording: cord.Recording, start: float, units: int, known: dict[str, float]) -> np.ndarray:
    """Times (ms) at which the smoothed share of the pool that fires peaks above the criterion.

    Impulses are counted in a sliding window; within one shortest interval only the highest peak counts.
    """
    window, apart = round(known["window"]), round(known["shortest_interval"])
    clock = np.arange(0, known["settling"] + known["duration"] + 1)
    counts, _ = np.histogram(recording.spike_time, clock)
    share = np.convolve(counts, np.ones(window), mode="same") / units
    found: list[int] = []
    for t in np.flatnonzero(share >= known["burst_share"]):
        if t < start or share[t] < share[max(0, t - apart) : t + apart + 1].max():
            continue
        if not found or t - found[-1] >= apart:
            found.append(int(t))
    return np.array(found, float)


def _measure(
    recording: cord.Recording, bursts: np.ndarray, release: float, known: dict[str, float]
) -> dict[str, float]:
    end = known["settling"] + known["duration"]
    beating = bursts.size >= known["fewest_beats"]
    lasted = float(bursts[-1] - bursts[0]) if beating else 0.0
    late = recording.trace[round(bursts[0] + lasted / 2) : round(bursts[-1]), cord.ANGLE] if beating else None
    return {
        "beats": float(bursts.size),
        "clonus_frequency": MILLISECONDS * (bursts.size - 1) / lasted if beating else np.nan,
        "clonus_duration": lasted / MILLISECONDS,
        "clonus_amplitude": float(np.rad2deg(np.ptp(late))) if late is not None and late.size else 0.0,
        "sustained": float(beating and end - bursts[-1] < known["longest_interval"]),
    }
