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
    "extensor_ia",
    "flexor_ia",
    "extensor_ii",
    "flexor_ii",
    "extensor_ib",
    "flexor_ib",
    "cutaneous",
    "extensor_reciprocal",
    "flexor_reciprocal",
    "extensor_ii_interneuron",
    "flexor_ii_interneuron",
    "extensor_ib_interneuron",
    "flexor_ib_interneuron",
    "extensor_renshaw",
    "flexor_renshaw",
    "cutaneous_excitatory",
    "cutaneous_inhibitory",
    "extensor_motor",
    "flexor_motor",
)
(
    EXTENSOR_IA,
    FLEXOR_IA,
    EXTENSOR_II,
    FLEXOR_II,
    EXTENSOR_IB,
    FLEXOR_IB,
    CUTANEOUS,
    EXTENSOR_RECIPROCAL,
    FLEXOR_RECIPROCAL,
    EXTENSOR_II_INTERNEURON,
    FLEXOR_II_INTERNEURON,
    EXTENSOR_IB_INTERNEURON,
    FLEXOR_IB_INTERNEURON,
    EXTENSOR_RENSHAW,
    FLEXOR_RENSHAW,
    CUTANEOUS_EXCITATORY,
    CUTANEOUS_INHIBITORY,
    EXTENSOR_MOTOR,
    FLEXOR_MOTOR,
) = range(len(SOURCES))
FIBRES = SOURCES[:EXTENSOR_RECIPROCAL]
INTERNEURONS = SOURCES[EXTENSOR_RECIPROCAL:EXTENSOR_MOTOR]
# The two muscles of a joint. A positive angle stretches the extensor: soleus at the ankle, quadriceps at the knee.
SIDES = ("extensor", "flexor")
(EXTENSOR, FLEXOR) = range(len(SIDES))

# What an electrode or a hand can do to the preparation.
STIMULI = ("tibial_nerve", "peroneal_nerve", "skin", "muscle", "flexor_muscle")
(TIBIAL_NERVE, PERONEAL_NERVE, SKIN, MUSCLE, FLEXOR_MUSCLE) = range(len(STIMULI))
(EXTENSOR_NERVE, FLEXOR_NERVE) = (TIBIAL_NERVE, PERONEAL_NERVE)  # at the knee: the nerves of thigh muscles
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
    """How many of each of SOURCES up to the interneurons; motoneurons are counted by their pools."""

    def number(name: str) -> int:
        return round(known[name].number)

    def of_both(name: str) -> tuple[int, int]:
        return number(name), number(name)

    inhibitory = round(number("cutaneous_interneurons") * known["cutaneous_inhibitory_share"].number)
    return (
        number("extensor_ia_fibres"),
        number("flexor_ia_fibres"),
        *of_both("group_ii_fibres"),
        *of_both("ib_fibres"),
        number("cutaneous_fibres"),
        *of_both("reciprocal_interneurons"),
        *of_both("group_ii_interneurons"),
        *of_both("ib_interneurons"),
        *of_both("renshaw_cells"),
        number("cutaneous_interneurons") - inhibitory,
        inhibitory,
    )


def build_fibres(known: Mapping[str, Parameter], seed: int, draw: int) -> Fibres:
    """The fibres of one subject, their differences named by (seed, draw)."""
    kind = np.repeat(np.arange(len(FIBRES)), counts(known)[: len(FIBRES)])
    z = stream(seed, "afferent", draw).normal(size=(3, kind.size))
    velocity = _by_class(known, kind, "ia_velocity", "group_ii_velocity", "ib_velocity", "cutaneous_velocity")
    velocity = velocity * np.exp(known["ia_velocity_spread"].number * z[0])
    spread = np.where(
        kind == CUTANEOUS, known["cutaneous_electrical_spread"].number, known["ia_electrical_spread"].number
    )
    median = np.full(kind.size, known["ia_electrical_threshold"].number)
    median[(kind == EXTENSOR_IB) | (kind == FLEXOR_IB)] = known["ib_electrical_threshold"].number
    # Group II fibres are not excited by the currents used here: their threshold is left out of reach.
    median[(kind == EXTENSOR_II) | (kind == FLEXOR_II)] = np.inf
    length, distance = known["nerve_length"].number, known["stimulus_distance"].number
    synapse = known["synaptic_delay"].number
    return Fibres(
        kind=kind,
        delay_from_ending=MILLISECONDS * length / velocity + synapse,
        delay_from_electrode=MILLISECONDS * (length - distance) / velocity + synapse,
        threshold=median * np.exp(spread * z[1]),
        gain=np.exp(known["fibre_gain_spread"].number * z[2]),
    )


def _by_class(
    known: Mapping[str, Parameter], kind: np.ndarray, ia: str, ii: str, ib: str, skin: str
) -> np.ndarray:
    """The number of each fibre's class; muscle afferents have the same in both muscles."""
    return np.array([known[name].number for name in (ia, ia, ii, ii, ib, ib, skin)])[kind]


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
def reached_by(stimulus, kind):
    """Whether a stimulus meets fibres of a class: a nerve carries those of its muscle."""
    if stimulus == TIBIAL_NERVE:
        return kind in (EXTENSOR_IA, EXTENSOR_II, EXTENSOR_IB)
    if stimulus == PERONEAL_NERVE:
        return kind in (FLEXOR_IA, FLEXOR_II, FLEXOR_IB)
    return stimulus == SKIN and kind == CUTANEOUS


@njit
def excite_fibres(kind, intensity, step, dt, arrivals, excited, refractory, prep, pool):
    """Let every fibre that the stimulus meets and whose threshold lies at or below `intensity` fire at the electrode.

    `excited` (fibres,) keeps the step of each fibre's last electric spike: within `refractory` ms it cannot fire again.
    """
    for f in range(prep.fibre_gain.shape[1]):
        if not reached_by(kind, prep.kind[f]) or prep.fibre_threshold[pool, f] > intensity:
            continue
        if (step - excited[f]) * dt >= refractory:
            excited[f] = step
            post(arrivals, f, step + round(prep.delay_from_electrode[pool, f] / dt))
