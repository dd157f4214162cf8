"""Ramp stretch of the resting soleus at several velocities: torque, EMG and the velocity at which a reflex appears.

The ankle is turned by 35° from plantarflexion at a set speed and held. Torque is split as a device with EMG can split it:
passive (elastic, at the end angle), damping (at the set speed) and reflex (active, its peak). No drug changes the first
two. The threshold velocity is where the share of the pool that fires during the ramp crosses a fixed criterion.
"""

from __future__ import annotations

import numpy as np
import xarray

from spasmlab.assays.h_reflex import reflex_potentials
from spasmlab.assays.result import AssayResult
from spasmlab.assays.stiffness import stiffness_share
from spasmlab.circuit import cord, joint
from spasmlab.circuit.afferent import MILLISECONDS
from spasmlab.circuit.bench import Bench, Run
from spasmlab.circuit.muscle import MotorUnits, surface_emg
from spasmlab.parameter import beside

READOUTS = {
    "passive_torque": ("N m", "elastic torque at the end of the ramp"),
    "damping_torque": ("N m", "viscous torque at the speed of the ramp"),
    "reflex_torque": ("N m", "largest active torque"),
    "emg_peak": ("mV", "largest smoothed rectified EMG"),
    "active_units": ("1", "share of the pool that fires"),
    "threshold_velocity": (
        "deg/s",
        "speed at which the reflex appears; the end of the range where it does not cross",
    ),
    "reflex_latency": ("ms", "from the start of the fastest ramp to the first potential; NaN without"),
    "onset_angle": (
        "deg",
        "angle at which the share of the pool that counts as a reflex has fired, negative in plantarflexion; NaN without",
    ),
    "stiffness_share": (
        "percent",
        "of the rise of reflex torque from 50 to 150 deg/s due to reflex stiffness, the rest to the angle of onset; may be "
        "negative; NaN without a reflex at both",
    ),
}
EMG_STEP = 0.2  # ms


def velocities() -> np.ndarray:
    """The speeds of the ramps, deg/s."""
    return np.array(beside("assays.stretch")["velocities"].values)


def run(bench: Bench) -> AssayResult:
    """All ramps of every subject."""
    speeds = velocities()
    runs = [ramp_run(s, speed) for s in range(bench.subjects) for speed in speeds]
    recordings = bench.simulate(runs)
    shape = (bench.subjects, speeds.size)
    rows = [_measure(bench, r, run) for r, run in zip(recordings, runs, strict=True)]
    readouts = {name: np.array([row[name] for row in rows]).reshape(shape) for name in rows[0]}
    latency = readouts.pop("latency")[:, -1]
    readouts["stiffness_share"] = stiffness_share(readouts["reflex_torque"], readouts["onset_angle"], speeds)
    readouts["threshold_velocity"] = threshold_velocity(readouts["active_units"], speeds)
    readouts["reflex_latency"] = latency
    fastest = [recordings[s * speeds.size + speeds.size - 1] for s in range(bench.subjects)]
    rasters = tuple((r.spike_time, r.spike_unit) for r in fastest)
    return AssayResult(
        "stretch", readouts, {"velocity": speeds}, _traces(bench, recordings, runs, shape), rasters
    )


def threshold_velocity(share: np.ndarray, speeds: np.ndarray) -> np.ndarray:
    """Speed (deg/s) at which `share` (subjects, speeds) first reaches the criterion, linear in log speed.

    The lowest speed stands for 'at or below it', the highest for 'not within the range'.
    """
    criterion = beside("assays.stretch")["threshold_share"].number
    found = np.full(len(share), speeds[-1], float)
    for s, row in enumerate(share):
        above = np.flatnonzero(row >= criterion)
        if above.size and above[0] == 0:
            found[s] = speeds[0]
        elif above.size:
            j = above[0]
            part = (criterion - row[j - 1]) / (row[j] - row[j - 1])
            found[s] = np.exp(np.log(speeds[j - 1]) + part * np.log(speeds[j] / speeds[j - 1]))
    return found


def onset_angle(recording: cord.Recording, run: Run, units: MotorUnits) -> float:
    """Angle (deg) of the ankle when the share of the pool that counts as a reflex has fired; NaN where it never does.

    The time is that of the potential at the muscle, as laboratories read the onset of EMG: no delay is taken off.
    """
    times, unit = reflex_potentials(recording, units)
    order = np.argsort(times, kind="stable")
    times, unit = times[order], unit[order]
    after = times > run.ramp_onset
    _, first = np.unique(unit[after], return_index=True)
    needed = max(1, int(np.ceil(beside("assays.stretch")["threshold_share"].number * units.share.size)))
    if first.size < needed:
        return float("nan")
    time = np.sort(times[after][first])[needed - 1]
    return float(np.rad2deg(recording.trace[min(int(time), int(run.duration) - 1), cord.ANGLE]))


def ramp_run(subject: int, speed: float, hold: float | None = None) -> Run:
    """A ramp at `speed` deg/s and a hold of `hold` ms (by default that of this assay)."""
    known = beside("assays.stretch")
    start, end = np.deg2rad([known["start_angle"].number, known["end_angle"].number])
    moving = MILLISECONDS * (end - start) / np.deg2rad(speed) + known["rise"].number
    return Run(
        subject,
        f"stretch {speed:g}",
        known["settling"].number + moving + (known["hold"].number if hold is None else hold),
        ramp_start=start,
        ramp_end=end,
        ramp_speed=float(np.deg2rad(speed)),
        ramp_onset=known["settling"].number,
        ramp_rise=known["rise"].number,
    )


def active_torque(bench: Bench, subject: int, force: np.ndarray) -> np.ndarray:
    """Torque (N·m) of a force given as share of the maximum: F·F0·cos(pennation)·moment arm."""
    k = bench.numbers[subject]
    return force * k.maximal_force * np.cos(k.pennation) * k.moment_arm


def emg_envelope(
    recording: cord.Recording, units: MotorUnits, duration: float, window: float
) -> tuple[np.ndarray, np.ndarray]:
    """Raw EMG and its rectified moving average (mV), both on the clock of EMG_STEP ms."""
    times, unit = reflex_potentials(recording, units)
    clock = np.arange(0.0, duration, EMG_STEP)
    raw = surface_emg(times, units.emg_amplitude[unit], units.emg_duration[unit], clock)
    width = round(window / EMG_STEP)
    return raw, np.convolve(np.abs(raw), np.ones(width) / width, mode="same")


def _measure(bench: Bench, recording: cord.Recording, run: Run) -> dict[str, float]:
    known = beside("assays.stretch")
    k, units = bench.numbers[run.subject], bench.units[bench.cord_of(run.subject)]
    trace = recording.trace[: int(run.duration)]
    during = recording.spike_time >= run.ramp_onset
    times, _ = reflex_potentials(recording, units)
    after = times[times > run.ramp_onset]
    _, envelope = emg_envelope(recording, units, run.duration, known["emg_window"].number)
    return {
        "passive_torque": float(joint.passive_torque(run.ramp_end, k)),
        "damping_torque": joint.damping_torque(run.ramp_speed, k),
        "reflex_torque": float(active_torque(bench, run.subject, trace[:, cord.FORCE]).max()),
        "emg_peak": float(envelope.max()),
        "active_units": np.unique(recording.spike_unit[during]).size / units.share.size,
        "onset_angle": onset_angle(recording, run, units),
        "latency": float(after.min() - run.ramp_onset) if after.size else np.nan,
    }


def _traces(
    bench: Bench, recordings: list[cord.Recording], runs: list[Run], shape: tuple[int, int]
) -> xarray.Dataset:
    """Angle, torques and EMG at 1 ms, all ramps padded with their last value to the longest."""
    samples = max(int(run.duration) for run in runs)
    angle, passive, active, emg = (np.zeros((*shape, samples)) for _ in range(4))
    known = beside("assays.stretch")
    for i, (recording, run) in enumerate(zip(recordings, runs, strict=True)):
        row, n = divmod(i, shape[1]), int(run.duration)
        k = bench.numbers[run.subject]
        trace = recording.trace[np.minimum(np.arange(samples), n - 1)]
        angle[row] = np.rad2deg(trace[:, cord.ANGLE])
        passive[row] = joint.passive_torque(trace[:, cord.ANGLE], k) + joint.damping_torque(
            trace[:, cord.VELOCITY], k
        )
        active[row] = active_torque(bench, run.subject, trace[:, cord.FORCE])
        raw, _ = emg_envelope(
            recording, bench.units[bench.cord_of(run.subject)], run.duration, known["emg_window"].number
        )
        emg[row][:n] = raw[:: round(1 / EMG_STEP)][:n]
    dims = ("subject", "velocity", "time")
    return xarray.Dataset(
        {
            "angle": (dims, angle, {"units": "deg"}),
            "passive_torque": (dims, passive, {"units": "N m"}),
            "reflex_torque": (dims, active, {"units": "N m"}),
            "joint_torque": (dims, passive + active, {"units": "N m"}),
            "emg": (dims, emg, {"units": "mV"}),
        },
        coords={
            "velocity": ("velocity", velocities(), {"units": "deg/s"}),
            "time": ("time", np.arange(samples), {"units": "ms"}),
        },
    )
