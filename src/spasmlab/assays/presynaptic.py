"""Presynaptic inhibition of Ia terminals: D1 conditioning and vibratory inhibition of the H-reflex.

D1: a volley in the common peroneal nerve 10 to 60 ms before the test shock. Vibration: the Achilles tendon is vibrated
at 100 Hz, and the test H-reflex is given over that without (Hv/Hmax of the laboratories, here both at the test current).
The dorsal-root index is primary afferent depolarisation itself, as recorded from a root: the peak that one peroneal
volley evokes. A drug that only lowers release onto motoneurons leaves it unchanged.
"""

from __future__ import annotations

import numpy as np
import xarray

from spasmlab.assays.result import AssayResult
from spasmlab.assays.test_reflex import find_test_shock, mean_h, motor_threshold, ratio, trial_end
from spasmlab.circuit import afferent, cord
from spasmlab.circuit.bench import Bench, Run, Shake, Stimulus
from spasmlab.parameter import beside

READOUTS = {
    "d1_h": ("1", "H-reflex after a peroneal volley over that without; NaN without an H-reflex"),
    "vibrated_h": ("1", "H-reflex under vibration over that without; NaN without an H-reflex"),
    "dorsal_root_index": ("1", "peak primary afferent depolarisation after a peroneal volley, of its limit"),
    "test_h": ("1", "test H-reflex over Mmax; NaN without an H-reflex"),
}


def run(bench: Bench) -> AssayResult:
    """Test reflexes alone, after a peroneal volley and under vibration; and the depolarisation of the afferents."""
    known = {name: p.number for name, p in beside("assays.presynaptic").items() if len(p.values) == 1}
    delays = np.array(beside("assays.presynaptic")["d1_delays"].values)
    shock = find_test_shock(bench)
    thresholds = motor_threshold(bench)

    def volley(subject: int, time: float) -> tuple[Stimulus, ...]:
        return (Stimulus(time, afferent.PERONEAL_NERVE, float(known["d1_intensity"] * thresholds[subject])),)

    alone = mean_h(bench, shock, "presynaptic", delays.max())
    conditioned = [
        mean_h(bench, shock, "presynaptic", delays.max(), lambda s, at, d=delay: volley(s, at - d))
        for delay in delays
    ]
    still = mean_h(bench, shock, "vibration", known["vibration"])
    vibrated = mean_h(
        bench, shock, "vibration", known["vibration"], shakes=lambda at: (vibration(at, known),)
    )
    depolarisation = _depolarisation(bench, volley, known)
    readouts = {
        "d1_h": np.stack([ratio(h, alone) for h in conditioned], axis=1),
        "vibrated_h": ratio(vibrated, still),
        "dorsal_root_index": depolarisation.max(axis=1),
        "test_h": ratio(alone, shock.m_max),
    }
    traces = xarray.Dataset(
        {"depolarisation": (("subject", "time"), depolarisation, {"units": "1"})},
        coords={"time": ("time", np.arange(depolarisation.shape[1], dtype=float), {"units": "ms"})},
    )
    return AssayResult("presynaptic", readouts, {"delay": delays}, traces)


def vibration(at: float, known: dict[str, float]) -> Shake:
    """Vibration of the Achilles tendon that lasts until the H-reflex of a shock at `at` ms is over."""
    return Shake(
        at - known["vibration"], trial_end(at), known["vibration_amplitude"], known["vibration_rate"]
    )


def _depolarisation(bench: Bench, volley, known: dict[str, float]) -> np.ndarray:
    """Primary afferent depolarisation (subjects, ms) after one peroneal volley at time 0."""
    start = beside("assays.test_reflex")["settling"].number
    runs = [
        Run(s, "dorsal root", start + known["index_window"], stimuli=volley(s, start))
        for s in range(bench.subjects)
    ]
    return np.array([r.trace[round(start) :, cord.CONDITIONING] for r in bench.simulate(runs)])
