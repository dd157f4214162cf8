"""The network of the speed benchmark: the project's kernel fires as NEURON does, cell for cell."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

import neuron_cell

sys.path.insert(0, str(Path(__file__).parent.parent / "benchmarks"))
import circuit_network

CELLS = (0, 12, 24, 28)


def neuron_spikes(network) -> list[int]:
    """Spikes of a few cells in NEURON: its built-in channels, synapses and regular sources."""
    from neuron import h

    h.load_file("stdrun.hoc")
    k, pool, dt = network.numbers[0], network.pools[0], circuit_network.DT
    kept, spikes = [], []
    for cell in CELLS:
        soma, dendrite = neuron_cell.build(h, pool, k, cell)
        drive = neuron_cell.inject(h, soma, float(network.current[cell]), network.duration)
        synapse = h.ExpSyn(dendrite(0.5))
        synapse.tau, synapse.e = k.fast_excitation_decay, k.excitatory_reversal
        for fibre in np.flatnonzero(network.wired[0, :, cell]):
            first, interval, delay = network.trains[0, fibre]
            source = h.NetStim()
            source.start, source.interval, source.number, source.noise = first * dt, interval * dt, 1e6, 0
            link = h.NetCon(source, synapse)
            link.delay, link.weight[0] = delay * dt, network.weight
            kept.append((source, link))
        counter, times = neuron_cell.count(h, soma, k.spike_detection)
        kept.append((soma, dendrite, drive, synapse, counter))
        spikes.append(times)
    h.celsius, h.dt, h.steps_per_ms, h.secondorder = 36, dt, 1 / dt, 2
    h.finitialize(0.0)
    h.continuerun(network.duration)
    return [int(times.size()) for times in spikes]


@pytest.mark.slow
def test_the_benchmarks_network_fires_as_in_neuron():
    network = circuit_network.Network(1, 32, 0.9, 300.0)
    ours = circuit_network.spasmlab(network, repeats=1)[0].spikes[0]
    assert ours.sum() > 60
    assert [int(ours[cell]) for cell in CELLS] == neuron_spikes(network)


@pytest.mark.slow
def test_patients_do_not_depend_on_each_other():
    one, two = (circuit_network.Network(patients, 32, 0.1, 150.0) for patients in (1, 2))
    first = circuit_network.spasmlab(one, repeats=1)[0].spikes
    assert first.sum() > 0
    # Trains are drawn for all patients at once: with the same trains the first patient is the same.
    one.trains[:], one.wired[:] = two.trains[:1], two.wired[:1]
    assert np.array_equal(
        circuit_network.spasmlab(one, repeats=1)[0].spikes[0],
        circuit_network.spasmlab(two, repeats=1)[0].spikes[0],
    )
