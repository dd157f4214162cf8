"""Afferent fibres: who they are, how fast they conduct, and at what current an electrode excites them.

All sources of synaptic input (fibres, then interneurons) share one index, in the order of `SOURCES`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

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
