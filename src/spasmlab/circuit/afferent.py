"""Afferent fibres: who they are, how fast they conduct, and at what current an electrode excites them.

All sources of synaptic input (fibres, then interneurons) share one index, in the order of `SOURCES`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numba import njit

from spasmlab.circuit.fastmath import gamma_share, normal, substream, uniform
from spasmlab.circuit.queue import post
from spasmlab.parameter import Parameter
from spasmlab.streams import stream

SOURCES = (
    "soleus_ia",
    "tibialis_ia",
    "group_ii",
    "cutaneous",
    "reciprocal_interneuron",
    "group_ii_interneuron",
    "cutaneous_excitatory_interneuron",
    "cutaneous_inhibitory_interneuron",
)
(
    SOLEUS_IA,
    TIBIALIS_IA,
    GROUP_II,
    CUTANEOUS,
    RECIPROCAL,
    II_INTERNEURON,
    CUTANEOUS_EXCITATORY,
    CUTANEOUS_INHIBITORY,
) = range(len(SOURCES))
FIBRES = SOURCES[:4]

# What an electrode or a hand can do to the preparation.
STIMULI = ("tibial_nerve", "peroneal_nerve", "skin", "muscle")
(TIBIAL_NERVE, PERONEAL_NERVE, SKIN, MUSCLE) = range(len(STIMULI))
MILLISECONDS = 1000.0  # in a second
# Streams of the counter-based generator: the noise of the cells has the numbers of the cells, these lie above.
(PHASE, INTERVAL, ECTOPIC) = (1, 2, 3)


@dataclass(frozen=True)
class Fibres:
    """All afferent fibres: class, delay (ms) from ending and from electrode to synapse, threshold, relative rate."""

    kind: np.ndarray
    delay_from_ending: np.ndarray
    delay_from_electrode: np.ndarray
    threshold: np.ndarray
    gain: np.ndarray


def counts(known: Mapping[str, Parameter]) -> tuple[int, ...]:
    """How many of each of SOURCES."""
    number = {
        name: round(known[name].number)
        for name in (
            "soleus_ia_fibres",
            "tibialis_ia_fibres",
            "group_ii_fibres",
            "cutaneous_fibres",
            "reciprocal_interneurons",
            "group_ii_interneurons",
            "cutaneous_interneurons",
        )
    }
    inhibitory = round(number["cutaneous_interneurons"] * known["cutaneous_inhibitory_share"].number)
    return (
        number["soleus_ia_fibres"],
        number["tibialis_ia_fibres"],
        number["group_ii_fibres"],
        number["cutaneous_fibres"],
        number["reciprocal_interneurons"],
        number["group_ii_interneurons"],
        number["cutaneous_interneurons"] - inhibitory,
        inhibitory,
    )


def build_fibres(known: Mapping[str, Parameter], seed: int, draw: int) -> Fibres:
    """The fibres of one subject, their differences named by (seed, draw)."""
    kind = np.repeat(np.arange(len(FIBRES)), counts(known)[: len(FIBRES)])
    z = stream(seed, "afferent", draw).normal(size=(3, kind.size))
    velocity = np.array(
        [
            known[name].number
            for name in ("ia_velocity", "ia_velocity", "group_ii_velocity", "cutaneous_velocity")
        ]
    )[kind]
    velocity = velocity * np.exp(known["ia_velocity_spread"].number * z[0])
    spread = np.where(
        kind == CUTANEOUS, known["cutaneous_electrical_spread"].number, known["ia_electrical_spread"].number
    )
    # Group II fibres are not excited by the currents used here: their threshold is left out of reach.
    median = np.where(kind == GROUP_II, np.inf, known["ia_electrical_threshold"].number)
    length, distance = known["nerve_length"].number, known["stimulus_distance"].number
    synapse = known["synaptic_delay"].number
    return Fibres(
        kind=kind,
        delay_from_ending=MILLISECONDS * length / velocity + synapse,
        delay_from_electrode=MILLISECONDS * (length - distance) / velocity + synapse,
        threshold=median * np.exp(spread * z[1]),
        gain=np.exp(known["fibre_gain_spread"].number * z[2]),
    )


def motor_thresholds(
    known: Mapping[str, Parameter], position: np.ndarray, seed: int, draw: int
) -> np.ndarray:
    """Electrical thresholds of the motor axons, in multiples of the median Ia threshold; large axons a little lower."""
    z = stream(seed, "motor_axon", draw).normal(size=position.size)
    slope = known["motor_electrical_slope"].number * (position - 0.5)
    return known["motor_electrical_threshold"].number * np.exp(
        slope + known["motor_electrical_spread"].number * z
    )


@njit
def next_interval(key, fibre, count, order):
    """The interval of mean 1 after a fibre's spike `count`, gamma-distributed, named by fibre and count."""
    return gamma_share(normal(key, substream(INTERVAL, fibre), count), order)


@njit
def first_phase(key, fibre, goal):
    """Where in its first interval a fibre begins, named by the fibre."""
    return goal * uniform(key, substream(PHASE, fibre), 0)


@njit
def fire_fibres(phase, goal, rates, kind, gain, delay, arrivals, step, dt, h, key, order):
    """Advance the phase of every spindle fibre by rate·h; one that reaches its goal fires at the interpolated time.

    `kind`, `gain` and `delay` (ms from ending to synapse) are those of the fibres, `rates` of their classes.
    """
    for f in range(phase.size):
        gained = rates[kind[f]] * gain[f] * h / MILLISECONDS
        if gained <= 0:
            continue
        phase[f] += gained
        if phase[f] >= goal[f]:
            late = (phase[f] - goal[f]) / gained * h
            post(arrivals, f, step + round((delay[f] - late) / dt))
            phase[f] -= goal[f]
            goal[f] = next_interval(key, f, arrivals.sent[f], order)


@njit
def excite_fibres(kind, intensity, step, dt, arrivals, prep, pool):
    """Let every fibre of the stimulated nerve whose threshold lies at or below `intensity` fire at the electrode."""
    for f in range(prep.fibre_gain.shape[1]):
        reached = (
            (kind == TIBIAL_NERVE and prep.kind[f] == SOLEUS_IA)
            or (kind == PERONEAL_NERVE and prep.kind[f] == TIBIALIS_IA)
            or (kind == SKIN and prep.kind[f] == CUTANEOUS)
        )
        if reached and prep.fibre_threshold[pool, f] <= intensity:
            post(arrivals, f, step + round(prep.delay_from_electrode[pool, f] / dt))
