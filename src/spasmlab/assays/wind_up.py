"""Wind-up of the flexor reflex: the same short train to the skin at intervals of half a second to several seconds.

The response to the last trains over that to the first is the gain. Where persistent inward currents stay partly active
between trains, later responses are larger; the longest interval at which they are tells how long that memory lasts.
"""

from __future__ import annotations

import numpy as np
import xarray

from spasmlab.assays.result import AssayResult
from spasmlab.assays.test_reflex import ratio
from spasmlab.circuit import afferent
from spasmlab.circuit.afferent import MILLISECONDS
from spasmlab.circuit.bench import Bench, Run, Stimulus
from spasmlab.parameter import beside

READOUTS = {
    "first_response": ("1", "spikes per motoneuron after the first train"),
    "gain": ("1", "last responses over the first, at each interval; NaN without a first response"),
}


def run(bench: Bench) -> AssayResult:
    """Trains at every interval, for every subject."""
    known = {name: p.number for name, p in beside("assays.wind_up").items() if len(p.values) == 1}
    train = {name: p.number for name, p in beside("assays.spasm").items()}
    intervals, count = np.array(beside("assays.wind_up")["intervals"].values), round(known["trains"])
    runs = [
        _trains(s, float(interval), known, train) for s in range(bench.subjects) for interval in intervals
    ]
    responses = np.zeros((bench.subjects, intervals.size, count))
    recordings = bench.simulate(runs)
    for i, recording in enumerate(recordings):
        s, j = divmod(i, intervals.size)
        starts = train["settling"] + MILLISECONDS * intervals[j] * np.arange(count)
        size = bench.pools[bench.cord_of(s)].size
        responses[s, j] = [
            np.sum((recording.spike_time >= t) & (recording.spike_time < t + known["window"])) / size
            for t in starts
        ]
    last = responses[..., -round(known["averaged"]) :].mean(axis=2)
    readouts = {"first_response": responses[..., 0].mean(axis=1), "gain": ratio(last, responses[..., 0])}
    traces = xarray.Dataset(
        {"response": (("subject", "interval", "train"), responses, {"units": "1"})},
        coords={
            "interval": ("interval", intervals, {"units": "s"}),
            "train": ("train", np.arange(count, dtype=float), {"units": "1"}),
        },
    )
    longest = recordings[intervals.size - 1 :: intervals.size]
    rasters = tuple((r.spike_time - train["settling"], r.spike_unit) for r in longest)
    return AssayResult("wind_up", readouts, {"interval": intervals}, traces, rasters)


def _trains(subject: int, interval: float, known: dict[str, float], train: dict[str, float]) -> Run:
    starts = train["settling"] + MILLISECONDS * interval * np.arange(round(known["trains"]))
    pulses = np.arange(round(train["train"] * train["train_rate"] / MILLISECONDS)) * (
        MILLISECONDS / train["train_rate"]
    )
    times = (starts[:, None] + pulses).ravel()
    return Run(
        subject,
        f"wind_up {interval:g} s",
        float(starts[-1]) + known["window"],
        stimuli=tuple(Stimulus(float(t), afferent.SKIN, known["intensity"]) for t in times),
    )
