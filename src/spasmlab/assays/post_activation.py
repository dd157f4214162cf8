"""Post-activation depression: the H-reflex against the rate of stimulation, and after a slow stretch.

Terminals that have been active release less for seconds. The test shock (see `test_reflex`) is repeated at 0.1 to 10 Hz
and the settled reflex is given over that at 0.1 Hz; and the ankle is dorsiflexed slowly (17 deg/s) to the position of
the test, the shock following seconds after the end of the stretch (Nielsen 1993).
"""

from __future__ import annotations

import numpy as np
import xarray

from spasmlab.assays.result import AssayResult
from spasmlab.assays.test_reflex import (
    TestShock,
    find_test_shock,
    h_size,
    mean_h,
    ratio,
    trial_end,
    units_of,
)
from spasmlab.circuit import afferent
from spasmlab.circuit.afferent import MILLISECONDS
from spasmlab.circuit.bench import Bench, Run, Stimulus
from spasmlab.parameter import beside

READOUTS = {
    "h_at_rate": ("1", "settled H-reflex at each rate over that at 0.1 Hz; NaN without an H-reflex"),
    "h_after_stretch": ("1", "H-reflex after a slow stretch over that without; NaN without an H-reflex"),
    "test_h": ("1", "test H-reflex at 0.1 Hz over Mmax; NaN without an H-reflex"),
    "test_current": ("1", "current of the test shock, in Ia thresholds; NaN without an H-reflex"),
}


def run(bench: Bench) -> AssayResult:
    """Trains at every rate and shocks after a stretch, for every subject with an H-reflex."""
    known = beside("assays.post_activation")
    rates, intervals = np.array(known["rates"].values), np.array(known["intervals"].values)
    shock = find_test_shock(bench)
    settled, single = _trains(bench, shock, rates)
    alone = mean_h(bench, shock, "post_activation alone")
    stretched = _after_stretch(bench, shock, intervals)
    readouts = {
        "h_at_rate": ratio(settled, np.broadcast_to(settled[:, :1], settled.shape)),
        "h_after_stretch": ratio(stretched, np.broadcast_to(alone[:, None], stretched.shape)),
        "test_h": ratio(settled[:, 0], shock.m_max),
        "test_current": shock.current,
    }
    traces = xarray.Dataset(
        {"h": (("subject", "shock"), single, {"units": "mV"})},
        coords={"shock": ("shock", np.arange(single.shape[1], dtype=float), {"units": "1"})},
    )
    return AssayResult("post_activation", readouts, {"rate": rates, "interval": intervals}, traces)


def _trains(bench: Bench, shock: TestShock, rates: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Settled H-reflex (mV) of every subject at every rate (S, R), and all reflexes one train after the other (S, N)."""
    known = beside("assays.post_activation")
    counts = [round(n) for n in known["shocks"].values]
    kept = [round(n) for n in known["averaged"].values]
    start = beside("assays.test_reflex")["settling"].number
    times = [start + np.arange(n) * MILLISECONDS / rate for n, rate in zip(counts, rates, strict=True)]
    runs = [
        Run(
            int(s),
            f"post_activation {rate:g} Hz",
            trial_end(at[-1]),
            stimuli=tuple(Stimulus(float(t), afferent.TIBIAL_NERVE, float(shock.current[s])) for t in at),
        )
        for s in shock.present
        for rate, at in zip(rates, times, strict=True)
    ]
    settled = np.full((bench.subjects, rates.size), np.nan)
    single = np.zeros((bench.subjects, sum(counts)))
    first = np.cumsum([0, *counts])
    for i, (recording, run) in enumerate(zip(bench.simulate(runs), runs, strict=True)):
        j = i % rates.size
        sizes = [h_size(recording, units_of(bench, run), float(t)) for t in times[j]]
        settled[run.subject, j] = np.mean(sizes[-kept[j] :])
        single[run.subject, first[j] : first[j + 1]] = sizes
    return settled, single


def _after_stretch(bench: Bench, shock: TestShock, intervals: np.ndarray) -> np.ndarray:
    """H-reflex (mV) of every subject at each interval (s) after the end of the stretch, shape (S, intervals)."""
    runs = [
        _stretched(int(s), float(interval), float(shock.current[s]))
        for s in shock.present
        for interval in intervals
    ]
    sizes = [
        h_size(r, units_of(bench, run), run.stimuli[0].time)
        for r, run in zip(bench.simulate(runs), runs, strict=True)
    ]
    found = np.full((bench.subjects, intervals.size), np.nan)
    found[shock.present] = np.reshape(sizes, (-1, intervals.size))
    return found


def _stretched(subject: int, interval: float, current: float) -> Run:
    """A run with a slow dorsiflexion and a shock `interval` s after its end."""
    known = {name: p.number for name, p in beside("assays.post_activation").items() if len(p.values) == 1}
    onset = beside("assays.test_reflex")["settling"].number
    moving = MILLISECONDS * (known["stretch_to"] - known["stretch_from"]) / known["stretch_speed"]
    at = onset + moving + known["stretch_rise"] + MILLISECONDS * interval
    return Run(
        subject,
        f"post_activation stretch {interval:g} s",
        trial_end(at),
        ramp_start=float(np.deg2rad(known["stretch_from"])),
        ramp_end=float(np.deg2rad(known["stretch_to"])),
        ramp_speed=float(np.deg2rad(known["stretch_speed"])),
        ramp_onset=onset,
        ramp_rise=known["stretch_rise"],
        stimuli=(Stimulus(at, afferent.TIBIAL_NERVE, current),),
    )
