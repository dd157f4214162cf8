"""Who reaches whom and how strongly, and how a terminal tires.

Connections are compressed rows: the targets of source `s` are `target[start[s]:start[s + 1]]` with as many weights.
Weights onto motoneurons are peak conductances in µS; onto interneurons, current that peaks at a share of their threshold.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numba import njit

from spasmlab.circuit import afferent, interneuron
from spasmlab.circuit.fastmath import exponential
from spasmlab.circuit.motoneuron import BLOCK, FAST, SLOW
from spasmlab.circuit.motoneuron import INHIBITION as INHIBITORY
from spasmlab.parameter import Parameter
from spasmlab.streams import stream

# What a source does to its targets.
EFFECTS = ("fast_excitation", "slow_excitation", "inhibition", "interneuron")
(FAST_EXCITATION, SLOW_EXCITATION, INHIBITION, ONTO_INTERNEURON) = range(len(EFFECTS))


@dataclass(frozen=True)
class Wiring:
    """Connections of one subject; `kind` and `effect` per source, compressed rows of targets and weights."""

    kind: np.ndarray
    effect: np.ndarray
    start: np.ndarray
    target: np.ndarray
    weight: np.ndarray


def build_wiring(known: Mapping[str, Parameter], motoneurons: int, seed: int, draw: int) -> Wiring:
    """Random connections with the given probabilities and log-normal weights, named by (seed, draw, pathway)."""
    counts = afferent.counts(known)
    first = np.concatenate([[0], np.cumsum(counts[afferent.RECIPROCAL :])])  # interneurons of each class
    pathways = _pathways(known, motoneurons, first)
    rows = [
        _rows(known, counts[kind], pathways[kind], stream(seed, "wiring", afferent.SOURCES[kind], draw))
        for kind in range(len(afferent.SOURCES))
    ]
    targets = [t for block in rows for t, _ in block]
    return Wiring(
        kind=np.repeat(np.arange(len(counts)), counts),
        effect=np.repeat([pathways[kind].effect for kind in range(len(counts))], counts),
        start=np.concatenate([[0], np.cumsum([t.size for t in targets])]),
        target=np.concatenate(targets),
        weight=np.concatenate([w for block in rows for _, w in block]),
    )


class _Pathway(NamedTuple):
    """From one class of sources to targets `low` to `high`: what it does, how likely and how strongly."""

    effect: int
    low: int
    high: int
    chance: float
    weight: float


def _pathways(known: Mapping[str, Parameter], cells: int, first: np.ndarray) -> dict[int, _Pathway]:
    """The pathway of each class of sources; `first` holds the first index of each class of interneurons."""
    number = {name: p.number for name, p in known.items() if isinstance(p.value, float)}
    peak = interneuron.input_scale(known)
    some = number["polysynaptic_connectivity"]
    slow = number["polysynaptic_conductance"]
    return {
        afferent.SOLEUS_IA: _Pathway(
            FAST_EXCITATION, 0, cells, number["ia_connectivity"], number["ia_conductance"]
        ),
        afferent.TIBIALIS_IA: _Pathway(ONTO_INTERNEURON, 0, first[1], 1.0, peak * number["reciprocal_drive"]),
        afferent.GROUP_II: _Pathway(
            ONTO_INTERNEURON,
            first[1],
            first[2],
            number["group_ii_connectivity"],
            peak * number["group_ii_drive"],
        ),
        afferent.CUTANEOUS: _Pathway(
            ONTO_INTERNEURON,
            first[2],
            first[4],
            number["cutaneous_connectivity"],
            peak * number["cutaneous_drive"],
        ),
        afferent.RECIPROCAL: _Pathway(
            INHIBITION, 0, cells, number["reciprocal_connectivity"], number["reciprocal_conductance"]
        ),
        afferent.II_INTERNEURON: _Pathway(SLOW_EXCITATION, 0, cells, some, slow),
        afferent.CUTANEOUS_EXCITATORY: _Pathway(SLOW_EXCITATION, 0, cells, some, slow),
        afferent.CUTANEOUS_INHIBITORY: _Pathway(
            INHIBITION, 0, cells, some, number["polysynaptic_inhibition_conductance"]
        ),
    }


def _rows(
    known: Mapping[str, Parameter], sources: int, pathway: _Pathway, random: np.random.Generator
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Targets and weights of each source of one class."""
    spread = known["ia_weight_spread"].number if pathway.effect != ONTO_INTERNEURON else 0.0
    chosen = random.random((sources, pathway.high - pathway.low)) < pathway.chance
    # The factor keeps the mean weight where it was declared, whatever the spread.
    weights = pathway.weight * np.exp(spread * random.normal(size=chosen.shape) - 0.5 * spread**2)
    return [(pathway.low + np.flatnonzero(row), w[row]) for row, w in zip(chosen, weights, strict=True)]


@njit
def recovered(share, elapsed, tau):
    """A depressed share `elapsed` ms later: 1 − (1 − share)·exp(−elapsed/τ)."""
    return 1 - (1 - share) * exponential(-elapsed / tau)


@njit
def ia_release(k, volley_share, rate_share, conditioning):
    """Release of an Ia terminal relative to a rested one without presynaptic inhibition.

    release_ia · (1 − tonic) · (1 − conditioning) · rate pool · (floor + (1 − floor) · volley pool): the EPSP follows
    post-activation depression only in part, as measured against the H-reflex.
    """
    depressed = k.post_activation_floor + (1 - k.post_activation_floor) * volley_share
    inhibited = (1 - k.presynaptic_inhibition) * (1 - min(conditioning, 1.0))
    return k.release_ia * inhibited * rate_share * depressed


@njit
def add_to_cells(x, row, prep, pool, source, strength):
    """Add a source's conductances, times `strength`, to row `row` of the cells it reaches."""
    for j in range(prep.start[pool, source], prep.start[pool, source + 1]):
        cell = prep.target[pool, j]
        x[cell // BLOCK, row * BLOCK + cell % BLOCK] += strength * prep.weight[pool, j]


@njit
def add_to_interneurons(current, prep, pool, source, strength):
    """Add a source's currents, times `strength`, to the interneurons it reaches."""
    for j in range(prep.start[pool, source], prep.start[pool, source + 1]):
        current[prep.target[pool, j]] += strength * prep.weight[pool, j]


@njit
def tire(tiring, source, now, k):
    """Let a terminal recover until `now`, then spend what a spike takes; returns (volley pool, rate pool) before it.

    `tiring` (fibres, 3) holds both pools and the time of the last spike.
    """
    elapsed = now - tiring[source, 2]
    volley = recovered(tiring[source, 0], elapsed, k.post_activation_recovery)
    rate = recovered(tiring[source, 1], elapsed, k.rate_depression_recovery)
    tiring[source, 0] = volley * (1 - k.post_activation_depression)
    tiring[source, 1] = rate * (1 - k.rate_depression)
    tiring[source, 2] = now
    return volley, rate


@njit
def strength_of(source, kind, now, tiring, conditioning, k):
    """How strongly a spike of `source` acts, relative to a rested terminal without drug or presynaptic inhibition."""
    if kind == afferent.SOLEUS_IA or kind == afferent.TIBIALIS_IA:
        volley, rate = tire(tiring, source, now, k)
        return ia_release(k, volley, rate, conditioning if kind == afferent.SOLEUS_IA else 0.0)
    if kind == afferent.RECIPROCAL or kind == afferent.CUTANEOUS_INHIBITORY:
        return k.release_inhibitory
    if kind == afferent.GROUP_II:
        return 1.0  # the one drug-sensitive stage of this pathway is its interneuron
    return k.release_poly


@njit
def condition(conditioning, h, k):
    """Advance conditioned presynaptic inhibition by `h` ms: two stages follow the drive one after the other, and the
    drive decays, so that it begins late and is largest some 20 ms after a volley.
    """
    share = h / k.presynaptic_rise
    conditioning[0] += (conditioning[1] - conditioning[0]) * share
    conditioning[1] += (conditioning[2] - conditioning[1]) * share
    conditioning[2] *= 1 - h / k.presynaptic_decay


@njit
def deliver(source, now, state, prep, pool, k):
    """A spike of `source` reaches its terminals at `now`: tire them, and add to their targets."""
    kind = prep.kind[source]
    strength = strength_of(source, kind, now, state.tiring, state.conditioning[0], k)
    effect = prep.effect[source]
    if effect == ONTO_INTERNEURON:
        add_to_interneurons(state.current, prep, pool, source, strength)
        if kind == afferent.TIBIALIS_IA:
            state.conditioning[2] += k.presynaptic_conditioned / k.tibialis_ia_fibres
    elif effect == FAST_EXCITATION:
        add_to_cells(state.x, FAST, prep, pool, source, strength)
    elif effect == SLOW_EXCITATION:
        add_to_cells(state.x, SLOW, prep, pool, source, strength)
    else:
        add_to_cells(state.x, INHIBITORY, prep, pool, source, strength)
