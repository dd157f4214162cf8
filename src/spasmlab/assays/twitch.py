"""Twitch and 50 Hz tetanus of soleus, by direct stimulation of the muscle and through its nerve.

Direct stimulation is under curare and bypasses every synapse: a drug that acts on nerves leaves it as it is, one that
acts on the muscle fibre does not. The ankle is held at 0°.
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
    "twitch_torque": ("N m", "largest torque of a single twitch, muscle stimulated directly"),
    "tetanus_torque": ("N m", "largest torque at 50 Hz, muscle stimulated directly"),
    "nerve_twitch_torque": ("N m", "largest torque of a twitch through the nerve, before the reflex arrives"),
    "twitch_tetanus_ratio": ("1", "twitch over tetanus"),
    "twitch_time": ("ms", "from the pulse to the largest torque of the direct twitch"),
}


def run(bench: Bench) -> AssayResult:
    """A direct twitch, a direct tetanus and a nerve twitch of every subject."""
    known = {name: p.number for name, p in beside("assays.twitch").items()}
    trials = _trials(known)
    runs = [
        Run(s, name, duration, stimuli=stimuli, curare=name.endswith("direct"))
        for s in range(bench.subjects)
        for name, duration, stimuli in trials
    ]
    recordings = bench.simulate(runs)
    torque = [
        active_torque(bench, r.subject, rec.trace[:, cord.FORCE])
        for r, rec in zip(runs, recordings, strict=True)
    ]
    single, train, nerve = (torque[i :: len(trials)] for i in range(len(trials)))
    start = round(known["settling"])
    readouts = {
        "twitch_torque": np.array([t.max() for t in single]),
        "tetanus_torque": np.array([t.max() for t in train]),
        "nerve_twitch_torque": np.array([t[: start + round(known["reflex_arrives"])].max() for t in nerve]),
        "twitch_tetanus_ratio": np.array([a.max() / b.max() for a, b in zip(single, train, strict=True)]),
        "twitch_time": np.array([float(t.argmax() - start) for t in single]),
    }
    length = min(len(t) for t in single)
    traces = xarray.Dataset(
        {"twitch": (("subject", "time"), np.array([t[:length] for t in single]), {"units": "N m"})},
        coords={"time": ("time", np.arange(length) - known["settling"], {"units": "ms"})},
    )
    return AssayResult("twitch", readouts, {}, traces)


def _trials(known: dict[str, float]) -> list[tuple[str, float, tuple[Stimulus, ...]]]:
    start, after = known["settling"], known["after"]
    pulses = start + np.arange(0.0, known["tetanus"], MILLISECONDS / known["tetanus_rate"])
    return [
        ("twitch direct", start + after, (Stimulus(start, afferent.MUSCLE, 1.0),)),
        ("tetanus direct", start + known["tetanus"] + after,
         tuple(Stimulus(float(t), afferent.MUSCLE, 1.0) for t in pulses)),
        ("twitch nerve", start + after, (Stimulus(start, afferent.TIBIAL_NERVE, known["nerve_intensity"]),)),
    ]  # fmt: skip
