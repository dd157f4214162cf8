"""Wind-up of the flexor reflex: the same short train to the skin at intervals of half a second to several seconds, just
strong enough for a reflex in that subject.

The response of the flexor's pool to the last trains over that to the first is the gain. Trains that come before the wind-up
of the skin's pathway, or a persistent inward current, has faded meet a larger response; the longest interval at which they
do tells how long that memory lasts.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import xarray

from spasmlab.assays.result import AssayResult
from spasmlab.assays.test_reflex import ratio
from spasmlab.circuit import afferent, cord
from spasmlab.circuit.afferent import FLEXOR, MILLISECONDS
from spasmlab.circuit.bench import Bench, Run, Stimulus
from spasmlab.parameter import beside

READOUTS = {
    "reflex_threshold": (
        "1",
        "weakest train with a reflex before any drug, in skin thresholds; NaN where none has one",
    ),
    "first_response": (
        "1",
        "spikes per motoneuron of the flexor after the first train; NaN without a reflex",
    ),
    "gain": ("1", "last responses over the first, at each interval; NaN without a first response"),
}


def run(bench: Bench) -> AssayResult:
    """Trains at every interval, for every subject with a flexor reflex."""
    known = {name: p.number for name, p in beside("assays.wind_up").items() if len(p.values) == 1}
    intervals, count = np.array(beside("assays.wind_up")["intervals"].values), round(known["trains"])
    strength = reflex_threshold(bench, known)
    present = np.flatnonzero(np.isfinite(strength))
    runs = [
        _trains(int(s), float(interval), count, float(strength[s]), known)
        for s in present
        for interval in intervals
    ]
    responses = np.full((bench.subjects, intervals.size, count), np.nan)
    recordings = bench.simulate(runs)
    for i, (recording, one) in enumerate(zip(recordings, runs, strict=True)):
        responses[one.subject, i % intervals.size] = _responses(bench, recording, one, known)
    last = responses[..., -round(known["averaged"]) :].mean(axis=2)
    readouts = {
        "reflex_threshold": strength,
        "first_response": responses[..., 0].mean(axis=1),
        "gain": ratio(last, responses[..., 0]),
    }
    traces = xarray.Dataset(
        {"response": (("subject", "interval", "train"), responses, {"units": "1"})},
        coords={
            "interval": ("interval", intervals, {"units": "s"}),
            "train": ("train", np.arange(count, dtype=float), {"units": "1"}),
        },
    )
    longest = [bench.pool_of(r, FLEXOR) for r in recordings[intervals.size - 1 :: intervals.size]]
    settling = beside("assays.spasm")["settling"].number
    rasters = tuple((r.spike_time - settling, r.spike_unit) for r in longest)
    return AssayResult("wind_up", readouts, {"interval": intervals}, traces, rasters)


def reflex_threshold(bench: Bench, known: dict[str, float]) -> np.ndarray:
    """The weakest strength tried at which a single train gives a flexor reflex in each subject, NaN where none does.

    It is set before any drug is given: subjects of one cord share it, whatever their arm.
    """
    ones = np.ones(bench.subjects)
    before = replace(
        bench,
        release_ia=ones,
        release_poly=ones,
        release_monoamine=None,
        release_inhibitory=None,
        factors={},
    )
    cords = np.array([before.cord_of(s) for s in range(before.subjects)])
    _, first, own = np.unique(cords, return_index=True, return_inverse=True)
    tried = np.linspace(known["weakest"], known["strongest"], round(known["strengths"]))
    runs = [_trains(int(s), 0.0, 1, float(x), known) for s in first for x in tried]
    sizes = np.array(
        [_responses(before, r, one, known)[0] for r, one in zip(before.simulate(runs), runs, strict=True)]
    )
    answered = sizes.reshape(first.size, -1) >= known["reflex_threshold"]
    return np.where(answered.any(axis=1), tried[answered.argmax(axis=1)], np.nan)[own]


def _responses(bench: Bench, recording: cord.Recording, run: Run, known: dict[str, float]) -> np.ndarray:
    """Spikes per motoneuron of the flexor in the window from the start of each train of a run."""
    pulses = _pulses()
    starts = [one.time for one in run.stimuli[:: pulses.size]]
    time = bench.pool_of(recording, FLEXOR).spike_time
    size = bench.flexor_pools[bench.cord_of(run.subject)].size
    return np.array([np.sum((time >= t) & (time < t + known["window"])) / size for t in starts])


def _pulses() -> np.ndarray:
    """When the pulses of a train come after its start, ms: the train that evokes a spasm."""
    train = {name: p.number for name, p in beside("assays.spasm").items()}
    return np.arange(round(train["train"] * train["train_rate"] / MILLISECONDS)) * (
        MILLISECONDS / train["train_rate"]
    )


def _trains(subject: int, interval: float, count: int, strength: float, known: dict[str, float]) -> Run:
    """A run of `count` trains of one strength, `interval` s apart, with both pools."""
    starts = beside("assays.spasm")["settling"].number + MILLISECONDS * interval * np.arange(count)
    times = (starts[:, None] + _pulses()).ravel()
    return Run(
        subject,
        f"wind_up {interval:g} s {strength:g}",
        float(starts[-1]) + known["window"],
        stimuli=tuple(Stimulus(float(t), afferent.SKIN, strength) for t in times),
        antagonist=True,
    )
