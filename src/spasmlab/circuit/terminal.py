"""Motor terminals in the muscle: excitable endings that may go on firing by themselves, which is a cramp.

Each impulse leaves potassium in the narrow space around the terminal and sodium inside it. Potassium depolarises (and
leaks away), sodium drives the pump, which hyperpolarises (and lasts longer). Above its threshold a terminal fires of its
own accord, and these impulses leave potassium as well: it has two states, rest and firing, and a train of impulses that
lifts potassium past the threshold switches it on. The pump ends it. With the nerve intact, afferents of the cramping
muscle, sensitised within seconds, drive it through the cord too, until they and the muscle's fibres have tired. The
frequency at which a train just switches a muscle on is the cramp threshold frequency.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numba import njit

from spasmlab.circuit.afferent import ECTOPIC, MILLISECONDS
from spasmlab.circuit.fastmath import gamma_share, normal, substream
from spasmlab.parameter import Parameter
from spasmlab.streams import stream

STATES = ("potassium", "sodium", "phase", "goal")  # mmol/L, impulses, share of an interval, that interval
(POTASSIUM, SODIUM, PHASE, GOAL) = range(len(STATES))
LOOP = (
    "left",
    "sensitised",
)  # of the excitation by the afferents: what has not tired; by earlier contraction
(LEFT, SENSITISED) = range(len(LOOP))


def threshold_shifts(known: Mapping[str, Parameter], units: int, seed: int, draw: int) -> np.ndarray:
    """How much higher (mV) than the muscle's mean the threshold of each unit's terminals lies, named by (seed, draw)."""
    spread = known["terminal_threshold_spread"].number
    return spread * stream(seed, "terminal", draw).normal(size=units)


@njit
def rested(units, key, k):
    """Terminals at rest, shape (units, STATES): no potassium left behind, and the sodium that earlier activity left."""
    state = np.zeros((units, len(STATES)))
    for unit in range(units):
        state[unit, SODIUM] = k.terminal_sodium_load
        state[unit, GOAL] = gamma_share(normal(key, substream(ECTOPIC, unit), 0), k.terminal_regularity)
    return state


@njit
def space(k):
    """Width of the space around a terminal relative to health.

    Volume·(osmolality/reference)^n: dilute fluid lets fibres swell into the narrow space between them.
    """
    return (
        k.terminal_space
        * (k.terminal_osmolality / k.terminal_reference_osmolality) ** k.terminal_osmotic_power
    )


@njit
def membrane_voltage(potassium, sodium, k):
    """Resting voltage (mV) with extra `potassium` (mmol/L) outside and extra `sodium` (impulses' worth) inside.

    Goldman's equation for potassium and sodium, E = V_T·ln((K + pNa)/(K_in + pNa_in)), less what the pump adds.
    """
    outside = k.terminal_potassium + potassium + k.terminal_permeability * k.terminal_sodium
    inside = k.terminal_potassium_inside + k.terminal_permeability * k.terminal_sodium_inside
    return k.thermal_voltage * math.log(outside / inside) - k.terminal_pump * sodium


@njit
def threshold_voltage(length, k):
    """Voltage (mV) above which a terminal of the mean unit fires by itself, at a fibre length (L0).

    Divalent ions screen the surface charge, s·ln((Ca + Mg/2)/(Ca₀ + Mg₀/2)); a shortened muscle bends its terminals.
    """
    divalent = k.terminal_calcium + 0.5 * k.terminal_magnesium
    reference = k.terminal_reference_calcium + 0.5 * k.terminal_reference_magnesium
    stretched = k.terminal_mechanical * (length - k.neutral_length)
    return k.terminal_threshold + k.terminal_screening * math.log(divalent / reference) + stretched


@njit
def ectopic_rate(above, k):
    """Impulses per second of a terminal that is `above` mV over its threshold: r·v/(v + h), 0 below."""
    return k.terminal_peak_rate * above / (above + k.terminal_half_rise) if above > 0 else 0.0


@njit
def pass_impulse(state, unit, k):
    """An impulse passes through the terminals of `unit`, whatever its origin."""
    state[unit, POTASSIUM] += k.terminal_potassium_step / space(k)
    state[unit, SODIUM] += 1
    state[unit, PHASE] = 0.0


@njit
def afferent_drive(force, left, sensitised, k):
    """Conductance (µS) a millisecond that the afferents of a cramping muscle add to each motoneuron of its own pool.

    Endings that feel the contraction excite it through interneurons, whose release a drug lowers: g·r·q·σ·F, with q what
    is `left` of the loop (see `tire_loop`) and σ how far its endings are `sensitised` (see `sensitise`).
    """
    return k.terminal_loop * k.release_poly * left * sensitised * force


@njit
def sensitise(sensitised, force, h, k):
    """How far (0 to 1) the endings are sensitised `h` ms later: dσ/dt = (F − σ)/τ.

    Fine muscle afferents answer a contraction more, the more potassium and metabolites it has left around them.
    """
    return sensitised + h * (force - sensitised) / k.terminal_loop_rise


@njit
def tire_loop(left, force, h, k):
    """What is left (0 to 1) of the afferents' excitation `h` ms later: dq/dt = (1 − q)/τ − u·F·q.

    Endings adapt to a contraction that goes on and their synapses tire; at rest they recover.
    """
    spent = k.terminal_loop_tiring * force / MILLISECONDS
    return left + h * ((1 - left) / k.terminal_loop_recovery - spent * left)


@njit
def advance_loop(loop, force, h, k):
    """Advance the loop (LOOP) by `h` ms at a force (share of the maximum); returns what it adds to each motoneuron (µS)."""
    added = afferent_drive(force, loop[LEFT], loop[SENSITISED], k) * h
    loop[SENSITISED] = sensitise(loop[SENSITISED], force, h, k)
    loop[LEFT] = tire_loop(loop[LEFT], force, h, k)
    return added


@njit
def advance_terminals(state, shift, length, h, key, counts, fired, k):
    """Advance all terminals by `h` ms; lists the units that fire in `fired` and returns how many.

    `counts` holds the ectopic impulses of each unit so far, which name its random intervals.
    """
    leak, pumped = math.exp(-h / k.terminal_potassium_time), math.exp(-h / k.terminal_sodium_time)
    threshold, number = threshold_voltage(length, k), 0
    for unit in range(shift.size):
        state[unit, POTASSIUM] *= leak
        state[unit, SODIUM] *= pumped
        voltage = membrane_voltage(state[unit, POTASSIUM], state[unit, SODIUM], k)
        rate = ectopic_rate(voltage - threshold - shift[unit], k)
        state[unit, PHASE] += rate * h / MILLISECONDS
        if state[unit, PHASE] >= state[unit, GOAL]:
            counts[unit] += 1
            state[unit, GOAL] = gamma_share(
                normal(key, substream(ECTOPIC, unit), counts[unit]), k.terminal_regularity
            )
            fired[number] = unit
            number += 1
    return number
