"""The tonic stretch reflex: its threshold angle, and what a slow ramp leaves behind while the ankle is held.

The angle at which EMG begins is regressed on the speed of the ramp (5 to 300 deg/s) and extrapolated to zero speed: the
tonic stretch reflex threshold (TSRT). A relaxed healthy muscle has none within the range of the joint. After the slowest
ramp the ankle is held, and the firing of the last second is counted.
"""

from __future__ import annotations

import numpy as np
import xarray

from spasmlab.assays.result import AssayResult
from spasmlab.assays.stretch import active_torque, emg_envelope, onset_angle, ramp_run
from spasmlab.assays.test_reflex import units_of
from spasmlab.circuit import cord
from spasmlab.circuit.afferent import MILLISECONDS
from spasmlab.circuit.bench import Bench, Run
from spasmlab.parameter import beside

READOUTS = {
    "onset_angle": (
        "deg",
        "angle at which EMG begins on each ramp, negative in plantarflexion; NaN without a reflex",
    ),
    "threshold_angle": (
        "deg",
        "tonic stretch reflex threshold, onset extrapolated to zero speed, negative in plantarflexion; NaN with too few "
        "reflexes",
    ),
    "speed_sensitivity": (
        "ms",
        "by which faster ramps begin their EMG earlier, negative where later; NaN with too few reflexes",
    ),
    "held_units": ("1", "share of the pool that fires in the last second of the hold"),
    "held_rate": ("Hz", "mean rate in that second of the units that fire; NaN without any"),
    "held_emg": ("mV", "mean rectified EMG in that second"),
    "held_torque": ("N m", "mean active torque in that second"),
}


def run(bench: Bench) -> AssayResult:
    """A ramp of every speed and a long hold after the slowest, for every subject."""
    known = beside("assays.tonic_stretch")
    speeds = np.array(known["speeds"].values)
    runs = [
        ramp_run(s, float(speed), known["hold"].number if speed == speeds.min() else None)
        for s in range(bench.subjects)
        for speed in speeds
    ]
    recordings = bench.simulate(runs)
    onsets = [onset_angle(r, run, units_of(bench, run)) for r, run in zip(recordings, runs, strict=True)]
    angle = np.reshape(onsets, (bench.subjects, speeds.size))
    fits = [_regression(speeds, row) for row in angle]
    slowest = int(speeds.argmin())
    slow, of = recordings[slowest :: speeds.size], runs[slowest :: speeds.size]
    held = [_held(bench, r, run, known["late"].number) for r, run in zip(slow, of, strict=True)]
    readouts = {name: np.array([row[name] for row in held]) for name in held[0]}
    readouts |= {
        "onset_angle": angle,
        "threshold_angle": np.array([fit[0] for fit in fits]),
        "speed_sensitivity": np.array([fit[1] for fit in fits]),
    }
    rasters = tuple((r.spike_time, r.spike_unit) for r in slow)
    return AssayResult("tonic_stretch", readouts, {"velocity": speeds}, _traces(bench, slow, of), rasters)


def _regression(speeds: np.ndarray, angle: np.ndarray) -> tuple[float, float]:
    """Angle at zero speed (deg) and minus the slope (ms), from the ramps that evoked a reflex; NaN with too few."""
    known, found = beside("assays.tonic_stretch"), np.isfinite(angle)
    if found.sum() < known["least_angles"].number or speeds[found].min() > known["reach"].number:
        return float("nan"), float("nan")
    slope, start = np.polyfit(speeds[found], angle[found], 1)
    return float(start), float(-slope * MILLISECONDS)


def _held(bench: Bench, recording: cord.Recording, run: Run, late: float) -> dict[str, float]:
    units, start = units_of(bench, run), run.duration - late
    fired = recording.spike_unit[recording.spike_time >= start]
    active = np.unique(fired).size
    raw, _ = emg_envelope(recording, units, run.duration, beside("assays.stretch")["emg_window"].number)
    torque = active_torque(bench, run.subject, recording.trace[:, cord.FORCE])
    tail = raw[-round(raw.size * late / run.duration) :]
    return {
        "held_units": active / units.share.size,
        "held_rate": fired.size / active / late * MILLISECONDS if active else float("nan"),
        "held_emg": float(np.abs(tail).mean()),
        "held_torque": float(torque[round(start) : round(run.duration)].mean()),
    }


def _traces(bench: Bench, recordings: list[cord.Recording], runs: list[Run]) -> xarray.Dataset:
    """Angle and active torque of the slowest ramp, at 1 ms."""
    samples = int(runs[0].duration)
    angle = np.array([np.rad2deg(r.trace[:samples, cord.ANGLE]) for r in recordings])
    torque = np.array(
        [
            active_torque(bench, run.subject, r.trace[:samples, cord.FORCE])
            for r, run in zip(recordings, runs, strict=True)
        ]
    )
    return xarray.Dataset(
        {
            "angle": (("subject", "time"), angle, {"units": "deg"}),
            "torque": (("subject", "time"), torque, {"units": "N m"}),
        },
        coords={"time": ("time", np.arange(samples, dtype=float), {"units": "ms"})},
    )
