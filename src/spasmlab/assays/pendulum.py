"""Wartenberg's pendulum test: the straight leg of a seated person is let go and swings to rest.

The relaxation index is the first swing over the whole way from the start to the angle of rest (Bajd and Vodovnik 1984): a
relaxed leg overshoots, one whose quadriceps answers the stretch stops short. In a stiff leg the angle of rest falls too, so
that the index hides what the first swing shows; both are given.
"""

from __future__ import annotations

import numpy as np
import xarray

from spasmlab.assays.result import AssayResult
from spasmlab.circuit import cord
from spasmlab.circuit.afferent import MILLISECONDS
from spasmlab.circuit.bench import Bench, Run
from spasmlab.parameter import beside

READOUTS = {
    "relaxation_index": ("1", "first swing over the way from start to rest"),
    "first_swing": ("deg", "from the start to the first turn"),
    "first_swing_velocity": ("deg/s", "largest speed of the first swing"),
    "resting_angle": ("deg", "at the end, from the straight knee"),
    "swings": ("1", "turns of the leg before it rests"),
}
JOINT = "knee"


def run(bench: Bench) -> AssayResult:
    """One release of every subject's leg, on the bench's cord with the muscles of the knee."""
    known = {name: p.number for name, p in beside("assays.pendulum").items()}
    knee = bench.at_joint(JOINT)
    recordings = knee.simulate([_release(s, known) for s in range(knee.subjects)])
    start = round(known["settling"])
    angle = np.array([np.rad2deg(r.trace[:, cord.ANGLE]) for r in recordings])
    velocity = np.array([np.rad2deg(r.trace[:, cord.VELOCITY]) for r in recordings])
    rows = [_measure(a[start:], v[start:], known) for a, v in zip(angle, velocity, strict=True)]
    readouts = {name: np.array([row[name] for row in rows]) for name in READOUTS}
    dims = ("subject", "time")
    torque = np.array([r.trace[:, cord.MUSCLE_TORQUE] for r in recordings])
    traces = xarray.Dataset(
        {
            "angle": (dims, angle, {"units": "deg"}),
            "velocity": (dims, velocity, {"units": "deg/s"}),
            "torque": (dims, torque, {"units": "N m"}),
        },
        coords={"time": ("time", (np.arange(angle.shape[1]) - start) / MILLISECONDS, {"units": "s"})},
    )
    rasters = tuple((r.spike_time - start, r.spike_unit) for r in map(knee.pool_of, recordings))
    return AssayResult("pendulum", readouts, {}, traces, rasters)


def _release(subject: int, known: dict[str, float]) -> Run:
    return Run(
        subject,
        "pendulum",
        known["settling"] + known["duration"],
        ramp_start=float(np.deg2rad(known["start_angle"])),
        free_from=known["settling"],
        antagonist=True,
    )


def _measure(angle: np.ndarray, velocity: np.ndarray, known: dict[str, float]) -> dict[str, float]:
    turns = _turns(angle, known["swing"])
    rest = float(angle[-round(known["rest_window"]) :].mean())
    first = float(angle[turns[0]] - angle[0]) if turns else 0.0
    way = rest - angle[0]
    return {
        "relaxation_index": first / way if way > 0 else np.nan,
        "first_swing": first,
        "first_swing_velocity": float(velocity[: turns[0] + 1].max()) if turns else 0.0,
        "resting_angle": rest,
        "swings": float(len(turns)),
    }


def _turns(angle: np.ndarray, least: float) -> list[int]:
    """Samples at which the leg turns after having moved by `least` degrees from the turn before."""
    found: list[int] = []
    best, rising = 0, True
    for i in range(angle.size):
        ahead = angle[i] > angle[best] if rising else angle[i] < angle[best]
        if ahead:
            best = i
        elif abs(angle[i] - angle[best]) >= least:
            found.append(best)
            best, rising = i, not rising
    return found
