"""An electrode in every cell of a pool: current and voltage clamp of isolated motoneurons, to measure what a cell is.

The same `advance` that moves the cord moves the cells here, without synapses or noise.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
from numba import njit

from spasmlab.circuit import source
from spasmlab.circuit.afferent import MILLISECONDS
from spasmlab.circuit.cord import DT
from spasmlab.circuit.motoneuron import (
    BLOCK,
    CURRENT,
    DENDRITE,
    SOMA,
    Pool,
    advance,
    prepare_step,
    resting_blocks,
)


@dataclass(frozen=True)
class Clamp:
    """Voltages (samples, cells) in mV above rest at `clock` (ms), and every cell's spike times (ms)."""

    clock: np.ndarray
    soma: np.ndarray
    dendrite: np.ndarray
    spikes: tuple[np.ndarray, ...]

    def rates(self, after: float = 0.0) -> np.ndarray:
        """Mean firing rate of each cell from its intervals after `after` ms, Hz; NaN below two spikes."""
        late = [s[s >= after] for s in self.spikes]
        return np.array(
            [MILLISECONDS * (s.size - 1) / (s[-1] - s[0]) if s.size > 1 else np.nan for s in late], float
        )


@dataclass(frozen=True)
class VoltageClamp:
    """Soma voltages (samples, cells) in mV above rest at `clock` (ms), and the current that the clamp gave, nA."""

    clock: np.ndarray
    soma: np.ndarray
    current: np.ndarray


def current_clamp(
    pool: Pool,
    numbers: np.ndarray,
    current: np.ndarray,
    dt: float = DT,
    sample_every: float = 0.1,
    scale: np.ndarray | float = 1.0,
) -> Clamp:
    """Inject `current` (steps,), one number per `dt` ms, times `scale` (one or one a cell), in nA, into the somata of
    a resting pool.

    `numbers` is the record of the circuit's numbers; voltages are kept every `sample_every` ms.
    """
    record = numbers.reshape(1).view(np.recarray)
    return _run(pool, record, pool.blocks(), current, np.broadcast_to(scale, pool.size), dt, sample_every)


def voltage_clamp(
    pool: Pool, numbers: np.ndarray, command: np.ndarray, conductance: float, dt: float = DT
) -> VoltageClamp:
    """Hold every soma at `command` (steps,), mV above rest, through an amplifier of `conductance` µS; a sample every ms.

    The amplifier is a conductance to the command voltage, taken into the implicit step as a leak: its current is
    conductance times (command − soma voltage). Cells begin at rest, so the first samples charge them.
    """
    record = numbers.reshape(1).view(np.recarray)
    held = {**pool.constants, "soma_leak": pool.constants["soma_leak"] + conductance}
    constants = dataclasses.replace(pool, constants=held).blocks()
    clamp = _run(pool, record, constants, conductance * np.asarray(command), np.ones(pool.size), dt, 1.0)
    at = np.asarray(command)[:: max(1, round(1 / dt))]
    return VoltageClamp(clamp.clock, clamp.soma, conductance * (at[:, None] - clamp.soma))


def _run(pool, record, constants, current, scale, dt, sample_every) -> Clamp:
    steps = len(current)
    every = max(1, round(sample_every / dt))
    soma, dendrite = (np.zeros((-(-steps // every), pool.size)) for _ in range(2))
    times, units, counted = np.zeros(200_000), np.zeros(200_000, np.int64), np.zeros(1, np.int64)
    _inject(
        resting_blocks(pool, record[0]), constants, record, np.ascontiguousarray(current, float),
        np.ascontiguousarray(scale, float), dt, every, soma, dendrite, times, units, counted,
    )  # fmt: skip
    times, units = times[: counted[0]], units[: counted[0]]
    spikes = tuple(times[units == cell] for cell in range(pool.size))
    return Clamp(np.arange(len(soma)) * every * dt, soma, dendrite, spikes)


def _compiled(source):
    """The kernel under a cache key that holds `source` (see `circuit.source`)."""

    @njit(cache=True)
    def _inject(x, c, numbers, current, scale, dt, every, soma, dendrite, times, units, counted):
        _ = source
        k = numbers[0]
        one = prepare_step(k, dt)
        before = np.zeros(BLOCK)
        for step in range(len(current)):
            for b in range(len(x)):
                for i in range(BLOCK):
                    cell = b * BLOCK + i
                    if step % every == 0:
                        soma[step // every, cell] = x[b, SOMA * BLOCK + i]
                        dendrite[step // every, cell] = x[b, DENDRITE * BLOCK + i]
                    before[i] = x[b, SOMA * BLOCK + i]
                    x[b, CURRENT * BLOCK + i] = current[step] * scale[cell]
                advance(x[b], c[b], one)
                for i in range(BLOCK):
                    v = x[b, SOMA * BLOCK + i]
                    if v > k.spike_detection and before[i] <= k.spike_detection and counted[0] < len(times):
                        times[counted[0]] = (step + (k.spike_detection - before[i]) / (v - before[i])) * dt
                        units[counted[0]] = b * BLOCK + i
                        counted[0] += 1

    return _inject


_inject = _compiled(source.digest())
