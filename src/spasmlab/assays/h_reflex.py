"""The soleus H-reflex recruitment curve (Hmax/Mmax).

The tibial nerve is stimulated at the knee at rising currents, each from rest (stimuli at least 10 s apart, so that
post-activation depression has passed). M is the direct, H the reflex response of the surface EMG, peak to peak. In an
axon the electrode has excited, the antidromic impulse meets the reflex one: that is why H falls at high currents.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import xarray

from spasmlab.assays.result import AssayResult
from spasmlab.circuit import afferent, cord
from spasmlab.circuit.bench import Bench, Run, Stimulus
from spasmlab.circuit.muscle import MotorUnits, surface_emg
from spasmlab.parameter import beside

READOUTS = {
    "h_max": ("mV", "largest H-reflex, peak to peak"),
    "m_max": ("mV", "largest direct response, peak to peak"),
    "h_m_ratio": ("1", "Hmax/Mmax"),
    "h_units": ("1", "share of the pool in the largest H-reflex"),
    "h_threshold": ("1", "lowest current with an H-reflex of 5 % of Mmax, in Ia thresholds"),
    "h_latency": ("ms", "from stimulus to the first potential of the largest H-reflex"),
}
EMG_STEP = 0.1  # ms


def intensities() -> np.ndarray:
    """The currents of the curve, in multiples of the median Ia threshold."""
    known = beside("assays.h_reflex")
    return np.geomspace(
        known["lowest_intensity"].number,
        known["highest_intensity"].number,
        round(known["intensities"].number),
    )


def run(bench: Bench) -> AssayResult:
    """The curve of every subject: one run per current."""
    known = beside("assays.h_reflex")
    currents, start = intensities(), known["settling"].number
    end = start + known["h_window"].values[1]
    runs = [
        Run(s, f"h_reflex {i}", end, stimuli=(Stimulus(start, afferent.TIBIAL_NERVE, current),))
        for s in range(bench.subjects)
        for i, current in enumerate(currents)
    ]
    recordings = bench.simulate(runs)
    shape = (bench.subjects, currents.size)
    measured = np.array(
        [
            _responses(r, bench.units[bench.cord_of(run.subject)], start)
            for r, run in zip(recordings, runs, strict=True)
        ]
    )
    m, h, share, latency = (measured[:, k].reshape(shape) for k in range(4))
    found = _result(currents, m, h, share, latency)
    sweeps, clock = _sweeps(bench, runs, recordings, start)
    about = {"units": "mV", "long_name": "surface EMG"}
    traces = found.traces.assign(emg=(("subject", "intensity", "time"), sweeps.reshape(*shape, -1), about))
    traces = traces.assign_coords(time=("time", clock, {"units": "ms"}))
    best = [recordings[s * currents.size + int(row.argmax())] for s, row in enumerate(h)]
    return replace(found, traces=traces, rasters=tuple(_reflex_spikes(r, start) for r in best))


def _sweeps(
    bench: Bench, runs: list[Run], recordings: list[cord.Recording], start: float
) -> tuple[np.ndarray, np.ndarray]:
    """The EMG of every run (runs, time) and its clock, ms from the stimulus."""
    clock = np.arange(0.0, beside("assays.h_reflex")["h_window"].values[1], EMG_STEP)
    found = []
    for run, recording in zip(runs, recordings, strict=True):
        units = bench.units[bench.cord_of(run.subject)]
        times, unit = reflex_potentials(recording, units)
        found.append(surface_emg(times - start, units.emg_amplitude[unit], units.emg_duration[unit], clock))
    return np.array(found), clock


def _reflex_spikes(recording: cord.Recording, start: float) -> tuple[np.ndarray, np.ndarray]:
    """Spikes that left the cord after the stimulus, ms from it, and their units."""
    own = (recording.spike_kind != cord.DIRECT) & (recording.spike_time >= start)
    return recording.spike_time[own] - start, recording.spike_unit[own]


def reflex_potentials(recording: cord.Recording, units: MotorUnits) -> tuple[np.ndarray, np.ndarray]:
    """Times (ms) at which potentials reach the electrode over the muscle, and their units."""
    kind, unit = recording.spike_kind, recording.spike_unit
    delay = np.where(kind == cord.DIRECT, units.delay_from_electrode[unit], units.delay_from_cord[unit])
    reach = kind != cord.COLLIDED
    return (recording.spike_time + delay)[reach], unit[reach]


def _responses(
    recording: cord.Recording, units: MotorUnits, start: float
) -> tuple[float, float, float, float]:
    """M, H (mV, peak to peak), share of units in H, and its latency (ms; NaN without H)."""
    known = beside("assays.h_reflex")
    times, unit = reflex_potentials(recording, units)
    found = []
    for low, high in (known["m_window"].values, known["h_window"].values):
        clock = np.arange(start + low, start + high, EMG_STEP)
        inside = (times >= clock[0]) & (times < clock[-1])
        emg = surface_emg(
            times[inside], units.emg_amplitude[unit[inside]], units.emg_duration[unit[inside]], clock
        )
        found.append((float(np.ptp(emg)), unit[inside], times[inside]))
    (m, _, _), (h, reflex_units, reflex_times) = found
    latency = float(reflex_times.min() - start) if reflex_times.size else np.nan
    return m, h, np.unique(reflex_units).size / units.share.size, latency


def _result(
    currents: np.ndarray, m: np.ndarray, h: np.ndarray, share: np.ndarray, latency: np.ndarray
) -> AssayResult:
    rows, best = np.arange(len(h)), h.argmax(axis=1)
    h_max, m_max = h.max(axis=1), m.max(axis=1)
    present = h > beside("assays.h_reflex")["presence"].number * m_max[:, None]
    threshold = np.where(present.any(axis=1), currents[present.argmax(axis=1)], np.nan)
    traces = xarray.Dataset(
        {
            "h": (("subject", "intensity"), h, {"units": "mV"}),
            "m": (("subject", "intensity"), m, {"units": "mV"}),
            "units_in_h": (("subject", "intensity"), share, {"units": "1"}),
        },
        coords={"intensity": ("intensity", currents, {"units": "1"})},
    )
    readouts = {
        "h_max": h_max,
        "m_max": m_max,
        "h_m_ratio": h_max / m_max,
        "h_units": share[rows, best],
        "h_threshold": threshold,
        "h_latency": latency[rows, best],
    }
    return AssayResult("h_reflex", readouts, {"intensity": currents}, traces)
