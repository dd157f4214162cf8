"""A small network in NEURON: motoneurons of a cord under volleys of its Ia fibres, with their delays and depression.

What the cord's wiring and a plain reading of the synapse's laws give (arrival times, weights) is set up as events of
built-in exponential synapses; nothing of the cord's kernel takes part.
"""

from __future__ import annotations

import math

import numpy as np

import neuron_cell
from spasmlab.circuit.motoneuron import BLOCK, DENDRITE, SOMA


def arrivals(bench, run, kind: int, dt: float) -> list[tuple[int, float, float]]:
    """(cell, time in ms, conductance in µS) of every synaptic event of a run whose fibres are fired by an electrode."""
    prep, k = bench.preparation, bench.numbers[0]
    found = []
    for fibre in np.flatnonzero(prep.kind[: prep.fibre_gain.shape[1]] == kind):
        volley, rate, last = 1.0, 1.0, 0.0
        first, end = prep.start[0, 2 * fibre], prep.start[0, 2 * fibre + 1]
        delay = round(prep.delay_from_electrode[0, fibre] / dt)
        for shock in run.stimuli:
            if prep.fibre_threshold[0, fibre] > shock.intensity:
                continue
            now = (round(shock.time / dt) + delay) * dt
            volley = 1 - (1 - volley) * math.exp(-(now - last) / k.post_activation_recovery)
            rate = 1 - (1 - rate) * math.exp(-(now - last) / k.rate_depression_recovery)
            kept = [
                floor + (1 - floor) * pool
                for floor, pool in ((k.post_activation_floor, volley), (k.rate_depression_floor, rate))
            ]
            strength = (1 - k.presynaptic_inhibition) * kept[0] * kept[1]
            for j in range(first, end):
                found.append((int(prep.target[0, j]), now, strength * float(prep.weight[0, j])))
            volley, rate, last = (
                volley * (1 - k.post_activation_depression),
                rate * (1 - k.rate_depression),
                now,
            )
    return found


def simulate(bench, events, cells: int, duration: float, dt: float) -> list[np.ndarray]:
    """Spike times of the first `cells` motoneurons, from the cord's own resting state."""
    from neuron import h

    h.load_file("stdrun.hoc")
    pool, k = bench.pools[0], bench.numbers[0]
    kept, spikes = [], []
    for cell in range(cells):
        soma, dendrite = neuron_cell.build(h, pool, k, cell)
        bias = neuron_cell.inject(
            h, soma, k.resting_bias * float(pool.constants["input_conductance"][cell]), duration
        )
        synapse = h.ExpSyn(dendrite(0.5))
        synapse.tau, synapse.e = k.fast_excitation_decay, k.excitatory_reversal
        own = []
        for time, weight in ((t, w) for target, t, w in events if target == cell):
            connection = h.NetCon(None, synapse)
            connection.delay, connection.weight[0] = 0.0, weight
            own.append((connection, time))
        counter, times = neuron_cell.count(h, soma, k.spike_detection)
        kept.append((soma, dendrite, bias, synapse, own, counter))
        spikes.append(times)
    h.celsius, h.dt, h.steps_per_ms, h.secondorder = 36, dt, 1 / dt, 2
    _rest(bench, kept)
    h.finitialize()  # the gates, at the voltages just set
    for *_, own, _ in kept:
        for connection, time in own:
            connection.event(time)
    h.continuerun(duration)
    return [np.array(times) for times in spikes]


def _rest(bench, cells) -> None:
    """Both voltages of every cell as the cord's runs begin: settled under the resting bias."""
    rest = bench.preparation.rest[0]
    for cell, (soma, dendrite, *_) in enumerate(cells):
        block, place = divmod(cell, BLOCK)
        soma.v, dendrite.v = (float(rest[block, row * BLOCK + place]) for row in (SOMA, DENDRITE))
