"""A slice in a bath: evoked and miniature currents, and transmitter released by potassium.

What the bath does to release comes with the bench (`--bath`); here it meets the electrode. A current is a sum of quanta,
N sites releasing with probability p: amplitude Npq, 1/CV² = Np/(1 − p), failures of a minimal stimulus (1 − p)^n. A drug
that acts on the terminal changes p and leaves q.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from spasmlab.assays.result import AssayResult
from spasmlab.circuit.bench import Bench
from spasmlab.parameter import beside

READOUTS = {
    "afferent_epsc": ("pA", "monosynaptic current from primary afferents"),
    "polysynaptic_epsc": ("pA", "current through excitatory interneurons"),
    "ipsc": ("pA", "current from inhibitory terminals"),
    "paired_pulse_ratio": ("1", "second polysynaptic current over the first; rises where release falls"),
    "inverse_variance": ("1", "1/CV² of the polysynaptic current; falls where release falls"),
    "failures": ("1", "share of minimal stimuli that release nothing"),
    "miniature_rate": ("Hz", "miniature excitatory currents"),
    "miniature_amplitude": ("pA", "size of a miniature current: the quantum"),
    "glutamate_release": ("1", "glutamate released by potassium, relative to no drug"),
    "noradrenaline_release": ("1", "noradrenaline released by potassium, relative to no drug"),
    "gaba_release": ("1", "GABA released by potassium, relative to no drug"),
}
NEEDS_CORD = False


def run(bench: Bench) -> AssayResult:
    """Currents and release of every subject."""
    known = {name: p.number for name, p in beside("assays.slice").items()}
    poly = bench.release_poly
    monoamine, inhibitory = (
        np.ones(bench.subjects) if given is None else given
        for given in (bench.release_monoamine, bench.release_inhibitory)
    )
    chance = np.clip(known["probability"] * poly, 0, 1)
    mixed = 1 - known["miniature_share"] * (1 - poly)
    readouts = {
        "afferent_epsc": _current(known, bench.release_ia),
        "polysynaptic_epsc": _current(known, poly),
        "ipsc": _current(known, inhibitory),
        "paired_pulse_ratio": known["facilitation"] * (1 - chance),
        "inverse_variance": known["sites"] * chance / (1 - chance),
        "failures": (1 - chance) ** known["minimal_sites"],
        "miniature_rate": known["miniature_rate"] * mixed,
        "miniature_amplitude": np.full(bench.subjects, known["quantum"]),
        "glutamate_release": poly.copy(),
        "noradrenaline_release": monoamine.copy(),
        "gaba_release": inhibitory.copy(),
    }
    return AssayResult("slice", readouts)


def _current(known: Mapping[str, float], release: np.ndarray) -> np.ndarray:
    """N·p·q at a release relative to no drug."""
    return known["sites"] * np.clip(known["probability"] * release, 0, 1) * known["quantum"]
