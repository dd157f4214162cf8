"""What the tests of the fast circuit share: benches, cells in a dish, and assay results that are run once a session."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from functools import cache

import numpy as np

from spasmlab import assays, condition
from spasmlab.assays.result import AssayResult
from spasmlab.circuit import afferent, cord, electrode, motoneuron, scalars
from spasmlab.circuit.bench import Bench, Run, Stimulus
from spasmlab.parameter import Parameter

CORDS = 6  # cords in a comparison of means
DRUG = (0.92, 0.75)  # release_ia and release_poly of a dose that a patient would feel
TIBIAL, PERONEAL, SKIN, MUSCLE = (
    afferent.TIBIAL_NERVE,
    afferent.PERONEAL_NERVE,
    afferent.SKIN,
    afferent.MUSCLE,
)
ACTIVE = (
    "sodium",
    "fast_potassium",
    "slow_potassium",
    "calcium",
    "calcium_potassium",
    "persistent_sodium",
)
SPASTIC = ("ms-spasticity", "sci-incomplete", "sci-complete-chronic", "stroke-spasticity")


def bench(
    name: str = "healthy", cords: int = 1, release_ia: float = 1.0, release_poly: float = 1.0, **options
) -> Bench:
    """Subjects of one condition, seeds 1, 2, …, all with the same releases."""
    return Bench(
        condition.load(name),
        np.full(cords, release_ia),
        np.full(cords, release_poly),
        np.arange(cords) + 1,
        **options,
    )


@cache
def assay(
    name: str,
    of: str,
    cords: int = CORDS,
    releases: tuple[float, float] = (1.0, 1.0),
    dt: float = cord.DT,
    changes: tuple[tuple[str, float], ...] = (),
) -> AssayResult:
    """An assay of a condition, run once a session whoever asks for it."""
    return assays.measure(name, bench(of, cords, *releases, dt=dt, changes=dict(changes)))


def mean(result: AssayResult, readout: str) -> np.ndarray:
    """The mean of a read-out over subjects."""
    return np.asarray(result.readouts[readout].mean(axis=0))


def known(name: str = "healthy", **changes: float) -> dict[str, Parameter]:
    """The circuit's parameters under a condition, some set by the test."""
    found = scalars.parameters(condition.load(name))
    for key, value in changes.items():
        found[key] = found[key].model_copy(update={"value": value, "spread": None})
    return found


def numbers(parameters: Mapping[str, Parameter]) -> np.record:
    """The record of central numbers as the kernel's functions read it."""
    return scalars.numbers(parameters, 0, 0).reshape(1).view(np.recarray)[0]


def clamp(
    pool: motoneuron.Pool,
    parameters: Mapping[str, Parameter],
    current: np.ndarray,
    duration: float,
    **options,
) -> electrode.Clamp:
    """Steps of `current` (nA; one number or one a cell) into every cell for `duration` ms."""
    dt = options.get("dt", cord.DT)
    steps = np.ones(round(duration / dt))
    return electrode.current_clamp(pool, scalars.numbers(parameters, 0, 0), steps, scale=current, **options)


def without(pool: motoneuron.Pool, *names: str) -> motoneuron.Pool:
    """The pool with some of its constants set to zero."""
    constants = {k: np.zeros_like(v) if k in names else v for k, v in pool.constants.items()}
    return dataclasses.replace(pool, constants=constants)


@cache
def rheobase(of: str = "healthy") -> np.ndarray:
    """The smallest 500 ms step (nA) that makes each cell of the central pool fire, to 0.03 nA."""
    parameters = known(of)
    pool = motoneuron.build_pool(parameters, 0)
    low, high = np.zeros(pool.size), np.full(pool.size, 60.0)
    for _ in range(11):
        tried = (low + high) / 2
        fired = np.array(
            [s.size > 0 for s in clamp(pool, parameters, tried, 500.0, sample_every=10.0).spikes]
        )
        low, high = np.where(fired, low, tried), np.where(fired, tried, high)
    return high


def same(a: cord.Recording, b: cord.Recording, samples: int) -> bool:
    """Whether two recordings of one run are equal to the last bit."""
    return (
        np.array_equal(a.spike_time, b.spike_time)
        and np.array_equal(a.spike_unit, b.spike_unit)
        and np.array_equal(a.spike_kind, b.spike_kind)
        and np.array_equal(a.trace[:samples], b.trace[:samples])
    )


def shock(subject: int = 0, current: float = 1.4, at: float = 100.0, trial: str = "shock") -> Run:
    """One shock to the tibial nerve."""
    return Run(subject, trial, at + 100.0, stimuli=(Stimulus(at, TIBIAL, current),))
