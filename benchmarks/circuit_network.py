"""The network that every engine of `circuit_speed.py` runs: a motor pool a patient, under trains of its Ia fibres.

Two-compartment motoneurons as `spasmlab.circuit.motoneuron` builds them (sodium, potassium, slow and persistent currents
at the soma; calcium and the potassium it opens in the dendrite), a steady current in each soma, and 200 fibres that fire
regularly, each at its own rate, phase and delay. All times are whole steps. No noise, no depression, no recurrence.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numba import njit, prange

from spasmlab import condition
from spasmlab.circuit import scalars
from spasmlab.circuit.cord import DT
from spasmlab.circuit.motoneuron import (
    BLOCK,
    CONSTANTS,
    CURRENT,
    FAST,
    SOMA,
    Pool,
    advance_pool,
    build_pool,
    prepare_step,
    resting_blocks,
    steady_gates,
)
from spasmlab.circuit.queue import new_queue, post, take
from spasmlab.circuit.synapse import add_to_cells

FIBRES = 200
SLOTS = 1024  # steps of the ring: 25.6 ms
DRIVE = 10.0  # mV of each cell's input conductance, as a current into the soma
FIRST_DELAY, LAST_DELAY = 560, 680  # steps: 14 to 17 ms
SHORTEST, LONGEST = 1200, 2400  # steps between two spikes of a fibre: 33 to 17 Hz
STRENGTH = 0.25  # uS that all fibres together give a cell, once each


class Wires(NamedTuple):
    """Compressed rows of each patient, laid out as the cord's (two rows a source, the second empty)."""

    start: np.ndarray
    target: np.ndarray
    weight: np.ndarray


@dataclass(frozen=True)
class Network:
    """`patients` pools of `cells` each, wired with probability `share`, for `duration` ms."""

    patients: int
    cells: int
    share: float
    duration: float

    @property
    def steps(self) -> int:
        """Number of time steps."""
        return round(self.duration / DT)

    @property
    def weight(self) -> float:
        """Peak conductance of one connection, uS: weaker where there are more."""
        return STRENGTH / (FIBRES * self.share)

    @cached_property
    def known(self):
        """Parameters of a healthy pool of `cells` (a whole number of blocks)."""
        known = scalars.parameters(condition.load("healthy"))
        size = known["motoneurons"].model_copy(update={"value": float(self.cells)})
        return {**known, "motoneurons": size}

    @cached_property
    def numbers(self) -> np.recarray:
        """The record of numbers."""
        return scalars.numbers(self.known, 0, 0).reshape(1).view(np.recarray)

    @cached_property
    def pools(self) -> list[Pool]:
        """The pool of each patient."""
        return [build_pool(self.known, patient) for patient in range(self.patients)]

    @cached_property
    def constants(self) -> dict[str, np.ndarray]:
        """Each constant over all cells, patient after patient."""
        return {name: np.concatenate([pool.constants[name] for pool in self.pools]) for name in CONSTANTS}

    @property
    def current(self) -> np.ndarray:
        """Steady current into each soma, nA."""
        return DRIVE * self.constants["input_conductance"]

    @cached_property
    def gates(self) -> dict[int, np.ndarray]:
        """Gates of all cells at rest, by row of the state."""
        zero = np.zeros(self.cells)
        found = [steady_gates(pool, self.numbers[0], zero, zero) for pool in self.pools]
        return {row: np.concatenate([one[row] for one in found]) for row in found[0]}

    @cached_property
    def trains(self) -> np.ndarray:
        """(patients, FIBRES, 3): first spike, interval and delay of each fibre, steps."""
        random = np.random.default_rng(1)
        shape = (self.patients, FIBRES)
        interval = random.integers(SHORTEST, LONGEST, shape)
        first = 1 + random.integers(0, LONGEST, shape) % interval
        return np.stack([first, interval, random.integers(FIRST_DELAY, LAST_DELAY, shape)], axis=2)

    @cached_property
    def wired(self) -> np.ndarray:
        """(patients, FIBRES, cells): who reaches whom."""
        return np.random.default_rng(2).random((self.patients, FIBRES, self.cells)) < self.share


class Answer(NamedTuple):
    """Spikes of each cell, shape (patients, cells), processor seconds of the run alone, and peak memory in MB."""

    spikes: np.ndarray
    seconds: float
    peak: float


def peak_memory() -> float:
    """The most memory this process has held so far, MB."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return megabytes(next(line for line in lines if line.startswith("VmHWM")))


def megabytes(line: str) -> float:
    """MB of a line such as "VmHWM: 1234 kB"."""
    return float(line.split()[1]) / 1024


def wires(network: Network) -> Wires:
    """The connections as the kernel reads them."""
    numbers = network.wired.sum(axis=2)
    start = np.zeros((network.patients, 2 * FIBRES + 1), np.int64)
    start[:, 1:] = np.cumsum(
        np.stack([numbers, np.zeros_like(numbers)], 2).reshape(network.patients, -1), axis=1
    )
    target = np.zeros((network.patients, int(start[:, -1].max())), np.int64)
    for patient in range(network.patients):
        target[patient, : start[patient, -1]] = np.nonzero(network.wired[patient])[1]
    return Wires(start, target, np.full(target.shape, network.weight))


def state_of(network: Network) -> tuple[np.ndarray, np.ndarray]:
    """State and constants of all pools in blocks, (patients, blocks, rows times BLOCK)."""
    x = np.stack([resting_blocks(pool, network.numbers[0]) for pool in network.pools])
    c = np.stack([pool.blocks() for pool in network.pools])
    current = network.current.reshape(network.patients, -1, BLOCK)
    x[:, :, CURRENT * BLOCK : (CURRENT + 1) * BLOCK] = current
    return x, c


@njit
def run_one(x, c, trains, wires, patient, steps, s, detection, spikes):
    """One patient's pool for `steps` steps; counts the spikes of each cell."""
    before, queue = np.zeros(x.shape[0] * BLOCK), new_queue(SLOTS, trains.shape[0])
    due = trains[:, 0].copy()
    earliest = due.min()
    for step in range(steps):
        if step == earliest:
            earliest = steps
            for fibre in range(due.size):
                if due[fibre] == step:
                    post(queue, fibre, step + trains[fibre, 2])
                    due[fibre] += trains[fibre, 1]
                earliest = min(earliest, due[fibre])
        event = queue.head[step % SLOTS]
        queue.head[step % SLOTS] = -1
        while event >= 0:
            fibre, event = take(queue, event)
            add_to_cells(x, FAST, wires, patient, fibre, 1.0)
        if advance_pool(x, c, before, detection, s):
            for cell in range(before.size):
                v = x[cell // BLOCK, SOMA * BLOCK + cell % BLOCK]
                spikes[cell] += v > detection and before[cell] <= detection


@njit(parallel=True)
def run_all(x, c, trains, wires, steps, numbers, dt, spikes):
    """All patients, a thread each."""
    for patient in prange(x.shape[0]):
        k = numbers[0]
        s = prepare_step(k, dt)
        run_one(
            x[patient],
            c[patient],
            trains[patient],
            wires,
            patient,
            steps,
            s,
            k.spike_detection,
            spikes[patient],
        )


def spasmlab(network: Network, repeats: int = 3) -> tuple[Answer, float]:
    """The project's kernel on this network: the best of a few runs, and the seconds of compiling."""
    tiny = Network(1, BLOCK, network.share, 1.0)
    begun = time.process_time()
    _run(tiny, *state_of(tiny))
    compiled = time.process_time() - begun
    x, c = state_of(network)
    best, spikes = np.inf, np.zeros(0)
    for _ in range(repeats):
        spikes, seconds = _run(network, x.copy(), c)
        best = min(best, seconds)
    return Answer(spikes, best, peak_memory()), compiled


def _run(network: Network, x: np.ndarray, c: np.ndarray) -> tuple[np.ndarray, float]:
    spikes, wired = np.zeros((network.patients, network.cells), np.int64), wires(network)
    begun = time.process_time()
    run_all(x, c, network.trains, wired, network.steps, network.numbers, DT, spikes)
    return spikes, time.process_time() - begun
