"""The cutaneous spasm at rising strengths: the threshold of a spasm, and the spasm at each strength.

What a drug takes off a spasm depends on how far the train is above the threshold: near it an input drug prevents the
spasm, far above it hardly matters. Each arm has its own threshold; strengths are given in thresholds of the skin fibres,
which no drug here moves, so that both arms meet the same trains.
"""

from __future__ import annotations

import numpy as np
import xarray

from spasmlab.assays import spasm
from spasmlab.assays.result import AssayResult
from spasmlab.circuit.bench import Bench
from spasmlab.parameter import beside

READOUTS = {
    "spasm_impulse": ("N m s", "active torque summed over the time after the train, at each strength"),
    "spasm_duration": ("s", "from the end of the train to the last force above the threshold"),
    "sustained_units": ("1", "share of the pool still firing half a second after the train"),
    "spasm_threshold": ("1", "weakest train that evokes a spasm; NaN where none does"),
}


def run(bench: Bench) -> AssayResult:
    """One train of every strength for every subject."""
    known = {name: p.number for name, p in beside("assays.spasm").items()}
    strengths = np.array(beside("assays.spasm_strength")["intensities"].values)
    runs = [
        spasm.train_run(s, {**known, "intensity": float(strength)}, f"spasm {strength:g}")
        for s in range(bench.subjects)
        for strength in strengths
    ]
    recordings = bench.simulate(runs)
    end = known["settling"] + known["train"]
    rows = [spasm.measure(bench, run.subject, r, end, known) for r, run in zip(recordings, runs, strict=True)]
    names = ("spasm_impulse", "spasm_duration", "sustained_units")
    shape = (bench.subjects, strengths.size)
    readouts = {name: np.reshape([row[name] for row in rows], shape) for name in names}
    readouts["spasm_threshold"] = spasm_threshold(readouts["sustained_units"], strengths)
    traces = xarray.Dataset(
        {"impulse": (("subject", "strength"), readouts["spasm_impulse"], {"units": "N m s"})},
        coords={"strength": ("strength", strengths, {"units": "1"})},
    )
    return AssayResult("spasm_strength", readouts, {"strength": strengths}, traces)


def spasm_threshold(sustained: np.ndarray, strengths: np.ndarray) -> np.ndarray:
    """Strength at which sustained units (subjects, strengths) first reach the criterion, linear between strengths."""
    criterion = beside("assays.spasm_strength")["threshold_units"].number
    found = np.full(len(sustained), np.nan)
    for s, row in enumerate(sustained):
        above = np.flatnonzero(row >= criterion)
        if above.size:
            found[s] = np.interp(criterion, row[: above[0] + 1], strengths[: above[0] + 1])
    return found
