"""The motor pool: two-compartment motoneurons ordered by size, in blocks of `BLOCK` cells that a processor steps at once.

Soma: fast sodium m³h, persistent sodium s, fast potassium n⁴, slow potassium q² (the after-hyperpolarisation), leak,
inhibitory synapses. Dendrite: leak, L-type calcium p (with s the persistent inward current, PIC), potassium c opened by
the calcium that p let in, excitatory synapses. Voltages in mV above rest.

    C_s dV_s/dt = −g_Ls V_s − (g_Na m³h + g_NaP s)(V_s − E_Na) − (g_K n⁴ + g_AHP q²)(V_s − E_K) − g_inh(V_s − E_Cl)
                  + g_c(V_d − V_s) + I
    C_d dV_d/dt = −g_Ld V_d − g_Ca p (V_d − E_Ca) − g_SK c (V_d − E_K) − g_exc(V_d − E_exc) + g_c(V_s − V_d)
    dp/dt = (p∞(V_d) − p)/τ_p        dc/dt = (p∞(V_d) − c)/τ_c        ds/dt = (s∞(V_s) − s)/τ_s

The slow c ends what the fast p sustains. How much potassium conductance the calcium can open rises steeply with the
size of the calcium current (`sk_share`): a small current is hardly held back, a large one ends itself within seconds.

Geometry and passive properties follow Cisi and Kohn 2008; gates open with voltage (Traub and Miles rate laws).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numba import njit

from spasmlab.circuit.fastmath import (
    FOLDS,
    TINY,
    exponential,
    falling,
    gate,
    growth,
    linear,
    normal,
    relax,
    rising,
)
from spasmlab.errors import SolveError
from spasmlab.parameter import Parameter
from spasmlab.streams import stream

HALVES = 2.0  # in one step, whose rates are those of half a step
RESTING_ITERATIONS, RESTING_TOLERANCE = 10_000, 1e-4  # of them most take under a hundred; mV
BLOCK = (
    32  # cells stepped together; a compile-time constant, so that the compiler keeps them in vector registers
)

# Rows of a block's state and of a block's constants; each row holds BLOCK numbers.
STATES = (
    "soma",
    "dendrite",
    "m",
    "h",
    "n",
    "q",
    "p",
    "c",
    "s",
    "fast_excitation",
    "slow_excitation",
    "inhibition",
    "current",
)
CONSTANTS = (
    "soma_capacitance",
    "dendrite_capacitance",
    "soma_leak",
    "dendrite_leak",
    "coupling",
    "sodium",
    "fast_potassium",
    "slow_potassium",
    "slow_closing",
    "spike_origin",
    "calcium",
    "pic_half",
    "calcium_potassium",
    "persistent_sodium",
    "sodium_half",
    "input_conductance",
)
(SOMA, DENDRITE, M, H, N, Q, P, C, S, FAST, SLOW, INHIBITION, CURRENT) = range(len(STATES))
(
    C_SOMA,
    C_DENDRITE,
    L_SOMA,
    L_DENDRITE,
    COUPLING,
    SODIUM,
    FAST_K,
    SLOW_K,
    SLOW_CLOSING,
    ORIGIN,
    CALCIUM,
    PIC_HALF,
    CALCIUM_K,
    PERSISTENT,
    SODIUM_HALF,
    G_INPUT,
) = range(len(CONSTANTS))


@dataclass(frozen=True)
class Pool:
    """A motor pool. `constants` maps each of CONSTANTS to an array over cells (small to large); `position` runs 0..1."""

    position: np.ndarray
    threshold: np.ndarray
    constants: Mapping[str, np.ndarray]

    @property
    def size(self) -> int:
        """The number of cells."""
        return len(self.position)

    def blocks(self) -> np.ndarray:
        """Constants as the kernel reads them: shape (blocks, len(CONSTANTS)·BLOCK)."""
        return _in_blocks(np.stack([self.constants[name] for name in CONSTANTS]))


def resting_blocks(pool: Pool, k: np.recarray) -> np.ndarray:
    """The state of a pool held at V = 0, shape (blocks, len(STATES)·BLOCK): every gate at its steady value there."""
    return _blocks_at(pool, k, np.zeros(pool.size), np.zeros(pool.size))


def settled_blocks(pool: Pool, k: np.recarray) -> np.ndarray:
    """The state of a resting pool, shape (blocks, len(STATES)·BLOCK): both voltages and every gate at their fixed point
    under the resting bias, as reached from V = 0.

    With gates held, the voltages solve a linear 2×2 system; gates and voltages are moved towards each other by halves
    until they agree. Raises SolveError where they do not.
    """
    c = pool.constants
    soma, dendrite, moves = np.zeros(pool.size), np.zeros(pool.size), np.zeros((2, pool.size))
    for _ in range(RESTING_ITERATIONS):
        gates = steady_gates(pool, k, soma, dendrite)
        sodium = c["sodium"] * gates[M] ** 3 * gates[H] + c["persistent_sodium"] * gates[S]
        potassium = c["fast_potassium"] * gates[N] ** 4 + c["slow_potassium"] * gates[Q] ** 2
        calcium, opened = c["calcium"] * gates[P], c["calcium_potassium"] * gates[C]
        a = c["soma_leak"] + sodium + potassium + c["coupling"]
        b = c["dendrite_leak"] + calcium + opened + c["coupling"]
        into_soma = (
            sodium * k.sodium_reversal
            + potassium * k.potassium_reversal
            + background.py_func(k) * c["input_conductance"]
        )
        into_dendrite = calcium * k.calcium_reversal + opened * k.potassium_reversal
        scale = a * b - c["coupling"] ** 2
        moves = np.stack([(into_soma * b + c["coupling"] * into_dendrite) / scale - soma,
                          (a * into_dendrite + c["coupling"] * into_soma) / scale - dendrite])  # fmt: skip
        soma, dendrite = soma + 0.5 * moves[0], dendrite + 0.5 * moves[1]
        if np.abs(moves).max() < RESTING_TOLERANCE:
            break
    else:
        raise SolveError(
            f"the resting pool does not settle: its voltages still move by {np.abs(moves).max():.2g} mV"
        )
    return _blocks_at(pool, k, soma, dendrite)


def _blocks_at(pool: Pool, k: np.recarray, soma: np.ndarray, dendrite: np.ndarray) -> np.ndarray:
    """The state with given voltages and the gates steady there."""
    state = np.zeros((len(STATES), pool.size))
    state[SOMA], state[DENDRITE] = soma, dendrite
    for row, value in steady_gates(pool, k, soma, dendrite).items():
        state[row] = value
    return _in_blocks(state)


def steady_gates(pool: Pool, k: np.recarray, soma: np.ndarray, dendrite: np.ndarray) -> dict[int, np.ndarray]:
    """The steady value of every gate at given voltages (mV above rest, one per cell), by row of the state."""
    u = soma - pool.constants["spike_origin"]

    def linear(half: float, slope: float, sign: int) -> np.ndarray:
        x = sign * (u - half) / slope
        return x / (1 - np.exp(-x))

    opening = {
        M: k.m_opening_rate * k.m_opening_slope * linear(k.m_opening_half, k.m_opening_slope, 1),
        H: k.h_opening_rate * np.exp((k.h_opening_half - u) / k.h_opening_slope),
        N: k.n_opening_rate * k.n_opening_slope * linear(k.n_opening_half, k.n_opening_slope, 1),
        Q: k.slow_potassium_opening_rate
        / (1 + np.exp((k.slow_potassium_half - soma) / k.slow_potassium_slope)),
    }
    closing = {
        M: k.m_closing_rate * k.m_closing_slope * linear(k.m_closing_half, k.m_closing_slope, -1),
        H: k.h_closing_rate / (1 + np.exp((k.h_closing_half - u) / k.h_closing_slope)),
        N: k.n_closing_rate * np.exp((k.n_closing_half - u) / k.n_closing_slope),
        Q: pool.constants["slow_closing"],
    }
    gates = {row: opening[row] / (opening[row] + closing[row]) for row in opening}
    gates[P] = 1 / (1 + np.exp((pool.constants["pic_half"] - dendrite) / k.pic_slope))
    gates[C] = gates[P]
    gates[S] = 1 / (1 + np.exp((pool.constants["sodium_half"] - soma) / k.persistent_sodium_slope))
    return gates


def _in_blocks(rows: np.ndarray) -> np.ndarray:
    """Rows over cells, shape (rows, cells), as the kernel reads them: (blocks, rows·BLOCK)."""
    blocks = rows.reshape(len(rows), -1, BLOCK).swapaxes(0, 1)
    return np.ascontiguousarray(blocks.reshape(len(blocks), -1))


def along(parameter: Parameter, position: np.ndarray, knots: np.ndarray) -> np.ndarray:
    """A table of four numbers interpolated at pool positions: linear between `knots` (type borders)."""
    return np.interp(position, knots, parameter.values)


def type_borders(known: Mapping[str, Parameter]) -> np.ndarray:
    """Positions 0..1 along the pool where types S, FR and FF end: [0, S, S+FR, 1]."""
    counts = [known[name].number for name in ("units_slow", "units_fatigue_resistant", "units_fatigable")]
    return np.concatenate([[0.0], np.cumsum(counts) / sum(counts)])


def build_pool(known: Mapping[str, Parameter], seed: int, draw: int = 0) -> Pool:
    """A pool with the given parameters; cells differ by their place in the pool and by jitter named by (seed, draw).

    Areas in cm², conductances in µS, capacitances in nF. Coupling is the series axial resistance of half of each
    cylinder. Each slow conductance makes its whole current, seen at the soma, so many millivolts times input conductance:
    `pic` and `persistent_sodium` at their half-activation, `calcium_potassium` at the PIC's.
    """
    size = BLOCK * round(known["motoneurons"].number / BLOCK)
    position = (np.arange(size) + 0.5) / size
    knots = type_borders(known)
    row = {
        name: along(known[name], position, knots)
        for name in (
            "soma_diameter",
            "dendrite_diameter",
            "dendrite_length",
            "soma_resistivity",
            "dendrite_resistivity",
            "spike_threshold",
            "fast_potassium_conductance",
            "slow_potassium_conductance",
            "slow_potassium_closing_rate",
            "pic_along_pool",
        )
    }
    jitter = stream(seed, "motoneuron", draw).normal(size=(2, size))
    threshold = row["spike_threshold"] + known["threshold_jitter"].number * jitter[0]
    return Pool(position, threshold, _constants(known, row, threshold, jitter[1]))


def _constants(
    known: Mapping[str, Parameter], row: Mapping[str, np.ndarray], threshold: np.ndarray, jitter: np.ndarray
) -> dict[str, np.ndarray]:
    cm = 1e-4  # cm in one µm
    micro, nano = 1e6, 1e3  # siemens to µS; µF to nF
    soma_area = np.pi * (row["soma_diameter"] * cm) ** 2
    dendrite_area = np.pi * row["dendrite_diameter"] * row["dendrite_length"] * cm**2
    leak_soma = micro * soma_area / row["soma_resistivity"]
    leak_dendrite = micro * dendrite_area / row["dendrite_resistivity"]
    coupling = (
        micro
        * 2
        / known["cytoplasm_resistivity"].number
        / (
            4 * row["dendrite_length"] / (np.pi * row["dendrite_diameter"] ** 2 * cm)
            + 4 / (np.pi * row["soma_diameter"] * cm)
        )
    )
    density = nano * soma_area  # mS/cm² times this is µS
    input_conductance = leak_soma + coupling * leak_dendrite / (coupling + leak_dendrite)
    half = known["pic_half_share"].number * threshold + known["pic_half_jitter"].number * jitter
    reach = (coupling + leak_dendrite) / coupling  # a dendritic current is seen at the soma divided by this
    pic = known["pic"].number * row["pic_along_pool"]
    calcium = pic * input_conductance * reach / (known["calcium_reversal"].number - half)
    sk = known["calcium_potassium"].number * sk_share(known, pic) * input_conductance * reach
    sodium_half = known["persistent_sodium_half_share"].number * threshold
    persistent = known["persistent_sodium"].number * input_conductance
    capacitance = nano * known["membrane_capacitance"].number
    receptors = (known["receptor_potassium"].number - 1) * input_conductance
    return {
        "soma_capacitance": capacitance * soma_area,
        "dendrite_capacitance": capacitance * dendrite_area,
        "soma_leak": leak_soma + receptors,
        "dendrite_leak": leak_dendrite,
        "coupling": coupling,
        "sodium": known["sodium_conductance"].number * density,
        "fast_potassium": row["fast_potassium_conductance"] * density,
        "slow_potassium": row["slow_potassium_conductance"] * density,
        "slow_closing": row["slow_potassium_closing_rate"],
        "spike_origin": threshold - known["spike_offset"].number,
        "calcium": calcium,
        "pic_half": half,
        "calcium_potassium": sk / (half - known["potassium_reversal"].number),
        "persistent_sodium": persistent / (known["sodium_reversal"].number - sodium_half),
        "sodium_half": sodium_half,
        "input_conductance": input_conductance,
    }


def sk_share(known: Mapping[str, Parameter], pic: np.ndarray) -> np.ndarray:
    """The share of the calcium-dependent potassium conductance that a fully open PIC of `pic` mV can open, by Hill's law:
    picⁿ/(picⁿ + halfⁿ).
    """
    power = known["calcium_potassium_power"].number
    return pic**power / (pic**power + known["calcium_potassium_half"].number ** power)


class Step(NamedTuple):
    """What one step of `dt` ms needs beside state and constants, held by value so that it stays in registers.

    Rates are those of half a step. The argument of a rate law is FOLDS·(u·per + at), with a voltage u in mV: one
    multiplication and addition, because growth divides by FOLDS again.
    """

    m_opening: float  # rate constant times slope, and so on
    m_opening_per: float
    m_opening_at: float
    m_closing: float
    m_closing_per: float
    m_closing_at: float
    h_opening: float
    h_opening_per: float
    h_opening_at: float
    h_closing: float
    h_closing_per: float
    h_closing_at: float
    n_opening: float
    n_opening_per: float
    n_opening_at: float
    n_closing: float
    n_closing_per: float
    n_closing_at: float
    q_opening: float
    q_opening_per: float
    q_opening_at: float
    half: float  # half a step, ms
    pic_per: float
    pic_share: float  # half a step over the time constant
    calcium_share: float
    persistent_per: float
    persistent_share: float
    sodium_reversal: float
    potassium_reversal: float
    calcium_reversal: float
    inhibitory_reversal: float
    excitatory_reversal: float
    fast_decay: float  # over half a step: the integral of a conductance is then second order
    slow_decay: float
    inhibition_decay: float


@njit
def prepare_step(k, dt):
    """The Step of `dt` ms from the record of the circuit's numbers."""
    half = 0.5 * dt
    return Step(
        half * k.m_opening_rate * k.m_opening_slope, *argument(k.m_opening_half, k.m_opening_slope),
        half * k.m_closing_rate * k.m_closing_slope, *argument(k.m_closing_half, -k.m_closing_slope),
        half * k.h_opening_rate, *argument(k.h_opening_half, -k.h_opening_slope),
        half * k.h_closing_rate, *argument(k.h_closing_half, k.h_closing_slope),
        half * k.n_opening_rate * k.n_opening_slope, *argument(k.n_opening_half, k.n_opening_slope),
        half * k.n_closing_rate, *argument(k.n_closing_half, -k.n_closing_slope),
        half * k.slow_potassium_opening_rate, *argument(k.slow_potassium_half, k.slow_potassium_slope),
        half, 1 / (FOLDS * k.pic_slope), half / k.pic_time_constant, half / k.calcium_time_constant,
        1 / (FOLDS * k.persistent_sodium_slope), half / k.persistent_sodium_time_constant,
        k.sodium_reversal, k.potassium_reversal, k.calcium_reversal, k.inhibitory_reversal, k.excitatory_reversal,
        exponential(-half / k.fast_excitation_decay), exponential(-half / k.slow_excitation_decay),
        exponential(-half / k.inhibition_decay),
    )  # fmt: skip


@njit
def argument(half, slope):
    """(per, at) of a rate law with the argument (u − half)/slope (see Step)."""
    return 1 / (FOLDS * slope), -half / (FOLDS * slope)


# A block is stepped in three loops rather than one: a processor looks only so many instructions ahead, and in a long
# loop those of a few cells, which wait for one another, are all that it sees.


@njit(inline="always")
def spike_gates(x, c, s):
    """Move m, h and n of a block by one step, by the trapezoidal rule (see `advance`)."""
    for i in range(BLOCK):
        u = x[SOMA * BLOCK + i] - c[ORIGIN * BLOCK + i]
        m_opens = FOLDS * (u * s.m_opening_per + s.m_opening_at)
        m_closes = FOLDS * (u * s.m_closing_per + s.m_closing_at)
        n_opens = FOLDS * (u * s.n_opening_per + s.n_opening_at)
        x[M * BLOCK + i] = gate(
            x[M * BLOCK + i],
            s.m_opening * linear(m_opens),
            rising(m_opens),
            s.m_closing * linear(m_closes),
            rising(m_closes),
            HALVES,
        )
        x[H * BLOCK + i] = gate(
            x[H * BLOCK + i],
            s.h_opening * growth(FOLDS * (u * s.h_opening_per + s.h_opening_at)),
            1.0,
            s.h_closing,
            falling(FOLDS * (u * s.h_closing_per + s.h_closing_at)),
            HALVES,
        )
        x[N * BLOCK + i] = gate(
            x[N * BLOCK + i],
            s.n_opening * linear(n_opens),
            rising(n_opens),
            s.n_closing * growth(FOLDS * (u * s.n_closing_per + s.n_closing_at)),
            1.0,
            HALVES,
        )


@njit(inline="always")
def slow_gates(x, c, s):
    """Move q, p, c and s of a block by one step, by the trapezoidal rule (see `advance`)."""
    for i in range(BLOCK):
        v = x[SOMA * BLOCK + i]
        w = x[DENDRITE * BLOCK + i]
        x[Q * BLOCK + i] = gate(
            x[Q * BLOCK + i],
            s.q_opening,
            falling(FOLDS * (v * s.q_opening_per + s.q_opening_at)),
            s.half * c[SLOW_CLOSING * BLOCK + i],
            1.0,
            HALVES,
        )
        open_pic = 1.0 / falling(FOLDS * ((w - c[PIC_HALF * BLOCK + i]) * s.pic_per))
        open_sodium = 1.0 / falling(FOLDS * ((v - c[SODIUM_HALF * BLOCK + i]) * s.persistent_per))
        x[P * BLOCK + i] = relax(x[P * BLOCK + i], open_pic, s.pic_share)
        x[C * BLOCK + i] = relax(x[C * BLOCK + i], open_pic, s.calcium_share)
        x[S * BLOCK + i] = relax(x[S * BLOCK + i], open_sodium, s.persistent_share)


@njit(inline="always")
def voltages(x, c, s):
    """Move both voltages of a block by one step, and let its synapses decay (see `advance`)."""
    per_half = 1 / s.half
    for i in range(BLOCK):
        v = x[SOMA * BLOCK + i]
        w = x[DENDRITE * BLOCK + i]
        m = x[M * BLOCK + i]
        n = x[N * BLOCK + i]
        q = x[Q * BLOCK + i]
        sodium = (
            c[SODIUM * BLOCK + i] * m * m * m * x[H * BLOCK + i]
            + c[PERSISTENT * BLOCK + i] * x[S * BLOCK + i]
        )
        potassium = c[FAST_K * BLOCK + i] * (n * n) * (n * n) + c[SLOW_K * BLOCK + i] * q * q
        calcium = c[CALCIUM * BLOCK + i] * x[P * BLOCK + i]
        opened = c[CALCIUM_K * BLOCK + i] * x[C * BLOCK + i]
        fast = x[FAST * BLOCK + i] * s.fast_decay
        slow = x[SLOW * BLOCK + i] * s.slow_decay
        inhibition = x[INHIBITION * BLOCK + i] * s.inhibition_decay
        excitation = fast + slow
        coupling = c[COUPLING * BLOCK + i]
        store_soma = c[C_SOMA * BLOCK + i] * per_half
        store_dendrite = c[C_DENDRITE * BLOCK + i] * per_half
        a = store_soma + c[L_SOMA * BLOCK + i] + sodium + potassium + inhibition + coupling
        b = store_dendrite + c[L_DENDRITE * BLOCK + i] + calcium + opened + excitation + coupling
        into_soma = (
            store_soma * v
            + sodium * s.sodium_reversal
            + potassium * s.potassium_reversal
            + inhibition * s.inhibitory_reversal
            + x[CURRENT * BLOCK + i]
        )
        into_dendrite = (
            store_dendrite * w
            + calcium * s.calcium_reversal
            + opened * s.potassium_reversal
            + excitation * s.excitatory_reversal
        )
        scale = 1 / (a * b - coupling * coupling)
        x[SOMA * BLOCK + i] = 2 * (into_soma * b + coupling * into_dendrite) * scale - v
        x[DENDRITE * BLOCK + i] = 2 * (a * into_dendrite + coupling * into_soma) * scale - w
        x[FAST * BLOCK + i] = fast * s.fast_decay
        x[SLOW * BLOCK + i] = slow * s.slow_decay
        x[INHIBITION * BLOCK + i] = inhibition * s.inhibition_decay


@njit(fastmath=True, error_model="numpy")
def advance(x, c, s):
    """Move one block of cells by one step: gates by the trapezoidal rule, then both voltages by Crank and Nicolson's.

    `x` (len(STATES)·BLOCK) is changed in place, `c` (len(CONSTANTS)·BLOCK) are constants, `s` is the Step. Gates and
    voltages are staggered by half a step, which keeps the whole step second order.
    """
    spike_gates(x, c, s)
    slow_gates(x, c, s)
    voltages(x, c, s)


@njit
def background(k):
    """Steady current onto a soma, in mV of its input conductance: the resting bias, and what the potassium conductance
    that receptors open, (receptor_potassium − 1)·G with its leak part in the pool's constants, draws towards E_K.
    """
    return k.resting_bias + (k.receptor_potassium - 1) * k.potassium_reversal


@njit
def refresh_noise(x, c, drift, key, tick, k):
    """Draw the background current of every cell on the fixed grid: an Ornstein–Uhlenbeck process of sd `noise` mV·G.

    `drift` (cells,) is the process itself, of unit variance; `key` and `tick` name the draw.
    """
    keep = math.exp(-k.noise_grid / k.noise_time_constant)
    push = math.sqrt(1 - keep * keep)
    for cell in range(drift.size):
        drift[cell] = keep * drift[cell] + push * normal(key, cell, tick)
        b, i = cell // BLOCK, cell % BLOCK
        x[b, CURRENT * BLOCK + i] = (background(k) + k.noise * drift[cell]) * c[b, G_INPUT * BLOCK + i]


@njit
def blown_up(x, limit):
    """Whether any cell's soma has left the range a membrane can reach (or is not a number)."""
    for b in range(x.shape[0]):
        for i in range(BLOCK):
            if not abs(x[b, SOMA * BLOCK + i]) < limit:
                return True
    return False


@njit(fastmath=True, error_model="numpy")
def advance_pool(x, c, before, detection, s):
    """Advance every block by one step; `before` (cells,) keeps the soma voltages from before. Returns whether any cell has
    risen past `detection` (mV): most steps see none, and nobody need be asked one by one.
    """
    risen = 0.0
    for b in range(x.shape[0]):
        block, constants = x[b], c[b]
        for i in range(BLOCK):
            before[b * BLOCK + i] = block[SOMA * BLOCK + i]
        spike_gates(
            block, constants, s
        )  # as `advance` does; a call would hand over the whole Step for each block
        slow_gates(block, constants, s)
        voltages(block, constants, s)
        for i in range(BLOCK):  # a sum of products, since a sum is taken of several cells at once
            above, below = block[SOMA * BLOCK + i] - detection, detection + TINY - before[b * BLOCK + i]
            risen += max(above, 0.0) * max(below, 0.0)
    return risen > 0.0
