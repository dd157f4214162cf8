"""Who reaches whom and how strongly, and how a terminal tires.

Connections are compressed rows, two of each source: the motoneurons that source `s` reaches are
`target[start[2s]:start[2s + 1]]` with as many weights, the interneurons `target[start[2s + 1]:start[2s + 2]]`. Weights
onto motoneurons are peak conductances in µS; onto interneurons, current that peaks at a share of their threshold,
negative for inhibition.
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

# What a source does to motoneurons.
EFFECTS = ("fast_excitation", "slow_excitation", "inhibition")
(FAST_EXCITATION, SLOW_EXCITATION, INHIBITION) = range(len(EFFECTS))
_INHIBITORY = (
    afferent.EXTENSOR_RECIPROCAL,
    afferent.FLEXOR_RECIPROCAL,
    afferent.EXTENSOR_IB_INTERNEURON,
    afferent.FLEXOR_IB_INTERNEURON,
    afferent.EXTENSOR_RENSHAW,
    afferent.FLEXOR_RENSHAW,
    afferent.CUTANEOUS_INHIBITORY,
)
_FAST = (afferent.EXTENSOR_IA, afferent.FLEXOR_IA)


@dataclass(frozen=True)
class Wiring:
    """Connections of one subject; `kind` and `effect` per source, compressed rows of targets and weights."""

    kind: np.ndarray
    effect: np.ndarray
    start: np.ndarray
    target: np.ndarray
    weight: np.ndarray


class Pathway(NamedTuple):
    """From one class of sources to targets `low` to `high`: how likely and how strongly (see the module's words)."""

    low: int
    high: int
    chance: float
    weight: float


Span = tuple[int, int]  # first and one past the last of a class of targets
Pathways = dict[int, list[Pathway]]


def build_wiring(known: Mapping[str, Parameter], pools: tuple[int, int], seed: int, draw: int) -> Wiring:
    """Random connections with the given probabilities and log-normal weights, named by (seed, draw, pathway).

    `pools` are the numbers of motoneurons of extensor and flexor.
    """
    counts = (*afferent.counts(known), *pools)
    edges = np.cumsum([0, *counts[afferent.EXTENSOR_RECIPROCAL : afferent.EXTENSOR_MOTOR]])
    spans = {
        afferent.EXTENSOR_RECIPROCAL + i: (int(edges[i]), int(edges[i + 1])) for i in range(edges.size - 1)
    }
    cells = ((0, pools[0]), (pools[0], pools[0] + pools[1]))
    number = {name: p.number for name, p in known.items() if isinstance(p.value, float)}
    to_cells = _onto_cells(number, cells)
    to_interneurons = _onto_interneurons(number, spans, interneuron.input_scale(known))
    targets, weights = [], []
    for kind, name in enumerate(afferent.SOURCES):
        rows = [
            _rows(counts[kind], found.get(kind, []), spread, stream(seed, "wiring", name, target, draw))
            for target, found, spread in (
                ("motoneuron", to_cells, number["ia_weight_spread"]),
                ("interneuron", to_interneurons, 0.0),
            )
        ]
        for pair in zip(*rows, strict=True):
            targets += [t for t, _ in pair]
            weights += [w for _, w in pair]
    kind = np.repeat(np.arange(len(counts)), counts)
    return Wiring(
        kind=kind,
        effect=np.where(
            np.isin(kind, _FAST),
            FAST_EXCITATION,
            np.where(np.isin(kind, _INHIBITORY), INHIBITION, SLOW_EXCITATION),
        ),
        start=np.concatenate([[0], np.cumsum([t.size for t in targets])]),
        target=np.concatenate(targets),
        weight=np.concatenate(weights),
    )


def _onto_cells(number: Mapping[str, float], cells: tuple[Span, Span]) -> Pathways:
    """Who reaches motoneurons. A flexor fibre stands for more real ones than an extensor fibre."""
    some, slow = number["polysynaptic_connectivity"], number["polysynaptic_conductance"]
    flexor_ia = number["ia_conductance"] * number["flexor_ia_share"]
    flexor_ia *= number["extensor_ia_fibres"] / number["flexor_ia_fibres"]
    found: Pathways = {
        afferent.CUTANEOUS_EXCITATORY: [
            Pathway(*cells[0], some, slow),
            Pathway(*cells[1], some, slow * number["flexor_cutaneous_share"]),
        ],
        afferent.CUTANEOUS_INHIBITORY: [
            Pathway(*cells[0], some, number["polysynaptic_inhibition_conductance"])
        ],
    }
    for side, ia in enumerate((number["ia_conductance"], flexor_ia)):
        own, other = cells[side], cells[1 - side]
        found |= {
            afferent.EXTENSOR_IA + side: [Pathway(*own, number["ia_connectivity"], ia)],
            afferent.EXTENSOR_RECIPROCAL + side: [
                Pathway(*other, number["reciprocal_connectivity"], number["reciprocal_conductance"])
            ],
            afferent.EXTENSOR_II_INTERNEURON + side: [Pathway(*own, some, slow * number["group_ii_share"])],
            afferent.EXTENSOR_IB_INTERNEURON + side: [Pathway(*own, some, number["ib_conductance"])],
            afferent.EXTENSOR_RENSHAW + side: [
                Pathway(*own, number["renshaw_connectivity"], number["renshaw_conductance"])
            ],
        }
    return found


def _onto_interneurons(number: Mapping[str, float], spans: Mapping[int, Span], peak: float) -> Pathways:
    """Who reaches interneurons; `peak` is the current that depolarises one by a threshold."""
    skin = (spans[afferent.CUTANEOUS_EXCITATORY][0], spans[afferent.CUTANEOUS_INHIBITORY][1])
    found: Pathways = {
        afferent.CUTANEOUS: [
            Pathway(*skin, number["cutaneous_connectivity"], peak * number["cutaneous_drive"])
        ]
    }
    inhibition = number["interneuron_inhibition_connectivity"], -peak * number["interneuron_inhibition"]
    fewer = (number["flexor_ia_fibres"] / number["extensor_ia_fibres"], 1.0)
    for side in range(len(afferent.SIDES)):
        opposite = spans[afferent.EXTENSOR_RECIPROCAL + 1 - side]
        reciprocal = spans[afferent.EXTENSOR_RECIPROCAL + side]
        found |= {
            afferent.EXTENSOR_IA + side: [
                Pathway(*reciprocal, 1.0, peak * number["reciprocal_drive"] * fewer[side])
            ],
            afferent.EXTENSOR_II + side: [
                Pathway(
                    *spans[afferent.EXTENSOR_II_INTERNEURON + side],
                    number["group_ii_connectivity"],
                    peak * number["group_ii_drive"],
                )
            ],
            afferent.EXTENSOR_IB + side: [
                Pathway(
                    *spans[afferent.EXTENSOR_IB_INTERNEURON + side],
                    number["ib_connectivity"],
                    peak * number["ib_drive"],
                )
            ],
            afferent.EXTENSOR_RECIPROCAL + side: [Pathway(*opposite, *inhibition)],
            afferent.EXTENSOR_RENSHAW + side: [Pathway(*reciprocal, *inhibition)],
            afferent.EXTENSOR_MOTOR + side: [
                Pathway(
                    *spans[afferent.EXTENSOR_RENSHAW + side],
                    number["renshaw_collaterals"],
                    peak * number["renshaw_drive"],
                )
            ],
        }
    return found


def _rows(
    sources: int, pathways: list[Pathway], spread: float, random: np.random.Generator
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Targets and weights of each source of one class."""
    targets: list[list[np.ndarray]] = [[np.zeros(0, int)] for _ in range(sources)]
    weights: list[list[np.ndarray]] = [[np.zeros(0)] for _ in range(sources)]
    for way in pathways:
        chosen = random.random((sources, way.high - way.low)) < way.chance
        # The last factor keeps the mean weight where it was declared, whatever the spread.
        weight = way.weight * np.exp(spread * random.normal(size=chosen.shape) - 0.5 * spread**2)
        for source, row in enumerate(chosen):
            targets[source].append(way.low + np.flatnonzero(row))
            weights[source].append(weight[source][row])
    return [(np.concatenate(t), np.concatenate(w)) for t, w in zip(targets, weights, strict=True)]


@njit
def recovered(share, elapsed, tau):
    """A depressed share `elapsed` ms later: 1 − (1 − share)·exp(−elapsed/τ)."""
    return 1 - (1 - share) * exponential(-elapsed / tau)


@njit
def inhibited_release(k, conditioning):
    """Share of release that presynaptic inhibition leaves, tonic and conditioned: (1 − g·tonic)·(1 − g·conditioning).

    g = (1 − b)·GABA-A + b·GABA-B weighs the receptors that carry it by the share `presynaptic_gaba_b_share` b: at b = 0
    the terminals are inhibited through GABA-A, at b = 1 through GABA-B alone (the nodal hypothesis).
    """
    b = k.presynaptic_gaba_b_share
    gain = (1 - b) * k.gaba_a + b * k.gaba_b
    return (1 - min(gain * k.presynaptic_inhibition, 1.0)) * (1 - min(gain * conditioning, 1.0))


@njit
def conduction(k, conditioning):
    """Share of Ia spikes that pass the branch points: 1 − failure·(1 − facilitation), facilitation through GABA-A at
    nodes, which primary afferent depolarisation (tonic and conditioned) drives.
    """
    depolarised = k.gaba_a * (k.presynaptic_inhibition + conditioning)
    return 1 - k.nodal_failure * (1 - min(k.nodal_facilitation * depolarised, 1.0))


@njit
def ia_release(k, volley_share, rate_share, conditioning):
    """Release of an Ia terminal relative to a rested one without presynaptic inhibition.

    release_ia · conduction · what presynaptic inhibition leaves · (f_r + (1 − f_r) · rate pool) · (f_v + (1 − f_v) ·
    volley pool): either depression reaches a part of the release only, down to its floor.
    """
    rate = k.rate_depression_floor + (1 - k.rate_depression_floor) * rate_share
    volley = k.post_activation_floor + (1 - k.post_activation_floor) * volley_share
    return k.release_ia * inhibited_release(k, conditioning) * conduction(k, conditioning) * rate * volley


@njit
def add_to_cells(x, row, prep, pool, source, strength):
    """Add a source's conductances, times `strength`, to row `row` of the cells it reaches, of those that take part."""
    cells = x.shape[0] * BLOCK
    for j in range(prep.start[pool, 2 * source], prep.start[pool, 2 * source + 1]):
        cell = prep.target[pool, j]
        if cell < cells:
            x[cell // BLOCK, row * BLOCK + cell % BLOCK] += strength * prep.weight[pool, j]


@njit
def add_to_interneurons(current, prep, pool, source, strength):
    """Add a source's currents, times `strength`, to the interneurons it reaches."""
    for j in range(prep.start[pool, 2 * source + 1], prep.start[pool, 2 * source + 2]):
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
def wind_up(tiring, source, now, k):
    """How much stronger than at rest a skin afferent acts, 1 + g·w: each spike takes what is left of a reserve by a share,
    w is what has been taken, and it comes back over seconds. It stands for the slow depolarisation of dorsal horn neurons
    (NMDA receptors, plateaus) that fine afferents leave behind.

    The first column of `tiring` (fibres, 3) holds the reserve 1 − w; skin afferents use no other pool.
    """
    rested = recovered(tiring[source, 0], now - tiring[source, 2], k.wind_up_recovery)
    tiring[source, 0] = rested * (1 - k.wind_up_step)
    tiring[source, 2] = now
    return 1 + k.wind_up_gain * (1 - rested)


@njit
def strength_of(source, kind, now, tiring, conditioning, k):
    """How strongly a spike of `source` acts, relative to a rested terminal without drug or presynaptic inhibition.

    `conditioning` (SIDES, 3) is the presynaptic inhibition of each muscle's Ia terminals by the other's afferents.
    """
    if kind <= afferent.FLEXOR_IA:
        volley, rate = tire(tiring, source, now, k)
        return ia_release(k, volley, rate, conditioning[kind - afferent.EXTENSOR_IA, 0])
    if is_inhibitory(kind):
        return k.release_inhibitory
    if kind == afferent.CUTANEOUS:
        return k.release_poly * wind_up(tiring, source, now, k)
    if is_polysynaptic(kind):
        return k.release_poly
    return 1.0  # group II and Ib fibres: the one drug-sensitive stage is their interneuron; motor axons: acetylcholine


@njit
def is_inhibitory(kind):
    """Whether a class of sources releases glycine or GABA."""
    reciprocal_to_renshaw = (
        afferent.EXTENSOR_RECIPROCAL <= kind <= afferent.FLEXOR_RENSHAW and not is_polysynaptic(kind)
    )
    return reciprocal_to_renshaw or kind == afferent.CUTANEOUS_INHIBITORY


@njit
def is_polysynaptic(kind):
    """Whether a class is an excitatory interneuron."""
    return (
        kind == afferent.EXTENSOR_II_INTERNEURON
        or kind == afferent.FLEXOR_II_INTERNEURON
        or kind == afferent.CUTANEOUS_EXCITATORY
    )


@njit
def condition(conditioning, h, k):
    """Advance conditioned presynaptic inhibition by `h` ms: two stages follow the drive one after the other, and the
    drive decays, so that it begins late and is largest some 20 ms after a volley. `conditioning` is (SIDES, 3).
    """
    share = h / k.presynaptic_rise
    for side in range(conditioning.shape[0]):
        conditioning[side, 0] += (conditioning[side, 1] - conditioning[side, 0]) * share
        conditioning[side, 1] += (conditioning[side, 2] - conditioning[side, 1]) * share
        conditioning[side, 2] *= 1 - h / k.presynaptic_decay


@njit
def drive_conditioning(conditioning, kind, k):
    """A spike of an Ia fibre of one muscle drives the presynaptic inhibition of the other's Ia terminals."""
    if kind == afferent.EXTENSOR_IA:
        conditioning[afferent.FLEXOR, 2] += k.presynaptic_conditioned / k.extensor_ia_fibres
    elif kind == afferent.FLEXOR_IA:
        conditioning[afferent.EXTENSOR, 2] += k.presynaptic_conditioned / k.flexor_ia_fibres


@njit
def deliver(source, now, state, prep, pool, k):
    """A spike of `source` reaches its terminals at `now`: tire them, and add to their targets."""
    kind = prep.kind[source]
    strength = strength_of(source, kind, now, state.tiring, state.conditioning, k)
    effect = prep.effect[source]
    drive_conditioning(state.conditioning, kind, k)
    add_to_interneurons(state.current, prep, pool, source, strength)
    if effect == FAST_EXCITATION:
        add_to_cells(state.x, FAST, prep, pool, source, strength)
    elif effect == SLOW_EXCITATION:
        add_to_cells(state.x, SLOW, prep, pool, source, strength)
    else:
        add_to_cells(state.x, INHIBITORY, prep, pool, source, strength)
