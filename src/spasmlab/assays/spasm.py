"""A cutaneous-evoked spasm: a brief train to the skin of the foot, the ankle held still.

In the healthy cord the muscle answers while the input lasts, if at all. Where persistent inward currents are large, the
motoneurons fire on for seconds by themselves. How many units are caught depends on the input, how long they fire on
the current that carries them: the two read-outs tell an input drug from a drug on the current.
"""

from __future__ import annotations

import numpy as np
import xarray

from spasmlab.assays.result import AssayResult
from spasmlab.assays.stretch import active_torque
from spasmlab.circuit import afferent, cord
from spasmlab.circuit.afferent import MILLISECONDS
from spasmlab.circuit.bench import Bench, Run, Stimulus
from spasmlab.parameter import beside

READOUTS = {
    "spasm_duration": ("s", "from the end of the train to the last force above the threshold"),
    "spasm_impulse": ("N m s", "active torque summed over the time after the train"),
    "sustained_units": ("1", "share of the pool still firing half a second after the train"),
    "train_peak_torque": ("N m", "largest active torque up to the end of the train plus 200 ms"),
    "sustained_rate": (
        "Hz",
        "mean rate of sustained units from half a second after the train; NaN without any",
    ),
}


def run(bench: Bench) -> AssayResult:
    """One train for every subject."""
    known = {name: p.number for name, p in beside("assays.spasm").items()}
    recordings = bench.simulate([train_run(s, known) for s in range(bench.subjects)])
    end = known["settling"] + known["train"]
    rows = [measure(bench, s, r, end, known) for s, r in enumerate(recordings)]
    readouts = {name: np.array([row[name] for row in rows]) for name in READOUTS}
    torque = np.array([active_torque(bench, s, r.trace[:, cord.FORCE]) for s, r in enumerate(recordings)])
    time = (np.arange(torque.shape[1]) - known["settling"]) / MILLISECONDS
    traces = xarray.Dataset(
        {
            "torque": (("subject", "time"), torque, {"units": "N m"}),
            "force": (
                ("subject", "time"),
                np.array([r.trace[:, cord.FORCE] for r in recordings]),
                {"units": "F0"},
            ),
        },
        coords={"time": ("time", time, {"units": "s"})},
    )
    rasters = tuple((r.spike_time - known["settling"], r.spike_unit) for r in recordings)
    return AssayResult("spasm", readouts, {}, traces, rasters)


def train_run(subject: int, known: dict[str, float], trial: str = "spasm") -> Run:
    """A train to the skin of the strength `known["intensity"]`; `known` are the numbers of this assay."""
    pulses = round(known["train"] * known["train_rate"] / MILLISECONDS)
    times = known["settling"] + np.arange(pulses) * MILLISECONDS / known["train_rate"]
    return Run(
        subject,
        trial,
        known["duration"],
        quiet=known["quiet"],
        stimuli=tuple(Stimulus(float(t), afferent.SKIN, known["intensity"]) for t in times),
    )


def measure(
    bench: Bench, subject: int, recording: cord.Recording, end: float, known: dict[str, float]
) -> dict[str, float]:
    """The read-outs of one spasm after a train that ends at `end` ms."""
    torque = active_torque(bench, subject, recording.trace[:, cord.FORCE])
    clock = np.arange(len(torque))
    in_spasm = np.flatnonzero((recording.trace[:, cord.FORCE] > known["force_threshold"]) & (clock >= end))
    late = recording.spike_time > end + known["sustained"]
    units = np.unique(recording.spike_unit[late])
    return {
        "spasm_duration": max(float(in_spasm[-1]) - end, 0.0) / MILLISECONDS if in_spasm.size else 0.0,
        "spasm_impulse": float(torque[int(end) :].sum()) / MILLISECONDS,
        "sustained_units": units.size / bench.pools[0].size,
        "train_peak_torque": float(torque[: int(end) + 200].max()),
        "sustained_rate": _mean_rate(recording.spike_time[late], recording.spike_unit[late]),
    }


def _mean_rate(times: np.ndarray, units: np.ndarray) -> float:
    """Mean over units of (spikes − 1)/(last − first), in Hz, for units with at least two spikes."""
    rates = []
    for unit in np.unique(units):
        own = times[units == unit]
        if own.size > 1:
            rates.append(MILLISECONDS * (own.size - 1) / (own[-1] - own[0]))
    return float(np.mean(rates)) if rates else float("nan")
