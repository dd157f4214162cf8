"""Disynaptic reciprocal inhibition: a volley at motor threshold in the common peroneal nerve just before the test shock.

Ia afferents of tibialis anterior excite interneurons that inhibit soleus motoneurons one synapse later. It is read at
intervals of 2 to 3 ms, before presynaptic (D1) inhibition begins (Crone 1987).
"""

from __future__ import annotations

import numpy as np
import xarray

from spasmlab.assays.result import AssayResult
from spasmlab.assays.test_reflex import find_test_shock, mean_h, motor_threshold, ratio
from spasmlab.circuit import afferent
from spasmlab.circuit.bench import Bench, Stimulus
from spasmlab.parameter import beside

READOUTS = {
    "conditioned_h": ("1", "H-reflex after the volley over that without; NaN without an H-reflex"),
    "reciprocal_inhibition": (
        "percent",
        "taken off the H-reflex at 2 to 3 ms, negative for facilitation; NaN without an H-reflex",
    ),
    "test_h": ("1", "test H-reflex over Mmax; NaN without an H-reflex"),
}


def run(bench: Bench) -> AssayResult:
    """Test reflexes alone and after a peroneal volley at each interval."""
    known = beside("assays.reciprocal")
    delays = np.array(known["delays"].values)
    shock, intensity = find_test_shock(bench), known["intensity"].number * motor_threshold(bench)

    def volley(subject: int, time: float) -> tuple[Stimulus, ...]:
        return (Stimulus(time, afferent.PERONEAL_NERVE, float(intensity[subject])),)

    alone = mean_h(bench, shock, "reciprocal", delays.max())
    after = [
        mean_h(bench, shock, "reciprocal", delays.max(), lambda s, at, d=delay: volley(s, at - d))
        for delay in delays
    ]
    conditioned = np.stack([ratio(h, alone) for h in after], axis=1)
    read = np.isin(delays, known["read_at"].values)
    readouts = {
        "conditioned_h": conditioned,
        "reciprocal_inhibition": 100 * (1 - conditioned[:, read].mean(axis=1)),
        "test_h": ratio(alone, shock.m_max),
    }
    traces = xarray.Dataset(
        {"h": (("subject", "delay"), np.nan_to_num(np.stack(after, axis=1)), {"units": "mV"})},
        coords={"delay": ("delay", delays, {"units": "ms"})},
    )
    return AssayResult("reciprocal", readouts, {"delay": delays}, traces)
