"""A small network through the cord's own kernel against NEURON: 20 motoneurons, 10 Ia fibres, delays and depression."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

import neuron_network
from circuit_help import TIBIAL, bench
from spasmlab.circuit import afferent, cord
from spasmlab.circuit.protocol import Run, Stimulus

pytestmark = pytest.mark.slow
CELLS, DURATION = 20, 900.0
# Ten fibres do the work of a hundred; no noise, no spindle, no interneuron; the electrode spares motor axons.
ALONE = {
    "motoneurons": 32,
    "extensor_ia_fibres": 10,
    "ia_conductance": 1.3,
    "noise": 0.0,
    "resting_bias": 2.0,
    "monoamine_level": 1.0,
    "peak_rate": 0.0,
    "motor_electrical_threshold": 9.0,
    "polysynaptic_conductance": 0.0,
    "polysynaptic_inhibition_conductance": 0.0,
    "reciprocal_conductance": 0.0,
    "ib_conductance": 0.0,
    "renshaw_conductance": 0.0,
}
SHOCKS = (300.0, 345.0, 380.0, 450.0, 472.5, 520.0, 600.0, 617.5, 700.0, 800.0)
STRENGTHS = (2.0, 2.0, 0.95, 2.0, 2.0, 1.05, 2.0, 2.0, 1.0, 2.0)
RUN = Run(
    0,
    "network",
    DURATION,
    stimuli=tuple(Stimulus(t, TIBIAL, i) for t, i in zip(SHOCKS, STRENGTHS, strict=True)),
)


def _cord(dt):
    return bench("healthy", 1, dt=dt, changes=ALONE)


@cache
def here(dt):
    """Spike times of the first cells as the cord's kernel has them."""
    (recording,) = _cord(dt).simulate([RUN])
    assert recording.code == cord.DONE
    return [np.sort(recording.spike_time[recording.spike_unit == cell]) for cell in range(CELLS)]


@cache
def in_neuron():
    """Spike times by NEURON, whose events wait for the end of a step: an error of first order, extrapolated away."""
    one = _cord(0.0125)
    events = neuron_network.arrivals(one, RUN, afferent.EXTENSOR_IA, 0.0125)
    coarse, fine = (neuron_network.simulate(one, events, CELLS, DURATION, dt) for dt in (0.005, 0.0025))
    return [2 * f - c for c, f in zip(coarse, fine, strict=True)]


def test_network_fires_and_depresses():
    counts = np.array([s.size for s in in_neuron()])
    assert counts.sum() > 40 and counts.min() < counts.max()


def test_spike_times_of_a_network_are_those_of_neuron_and_converge_to_them():
    pytest.importorskip("neuron", reason="NEURON IS NOT INSTALLED: the network is not checked against it")
    errors = {}
    for dt in (0.025, 0.0125, 0.00625):
        for got, expected in zip(here(dt), in_neuron(), strict=True):
            assert got.size == expected.size
        errors[dt] = max(np.abs(g - e).max() for g, e in zip(here(dt), in_neuron(), strict=True) if e.size)
    table = "  ".join(f"{dt} ms: {e:.4f}" for dt, e in errors.items())
    assert errors[0.025] < 0.1, table
    assert errors[0.00625] < errors[0.025], table
