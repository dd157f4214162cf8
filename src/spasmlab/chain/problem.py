"""One set of patients (draws) on one series of doses, ready for the compiled kernel or the checker."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cache
from types import ModuleType

import numpy as np

from spasmlab.chain import grid
from spasmlab.chain.pathway import Pathway
from spasmlab.equations import kernel_cache
from spasmlab.errors import SolveError


@dataclass(frozen=True)
class Change:
    """A parameter that takes `values` from `times` [h] on; times sorted, (times,); values (times,) or
    (times, patients)."""

    name: str
    times: np.ndarray
    values: np.ndarray

    def take(self, patients: np.ndarray) -> Change:
        """The same change for some of the patients."""
        return self if self.values.ndim == 1 else replace(self, values=self.values[:, patients])


@dataclass(frozen=True)
class Problem:
    """`parameters` (parameters, patients) in the pathway's units and order; `doses` [h] sorted, (doses,), and
    `amounts` [mg], (doses,) or (doses, patients); `longest_lag` [h] bounds the lag parameter of every patient.

    `changes` are parameters that change while time runs: each from its own times on, piecewise constant.
    """

    pathway: Pathway
    parameters: np.ndarray
    doses: np.ndarray
    amounts: np.ndarray
    longest_lag: float
    changes: tuple[Change, ...] = ()

    @property
    def patients(self) -> int:
        """How many patients (or draws) are solved together."""
        return self.parameters.shape[1]

    def row(self, parameter: str) -> np.ndarray:
        """The values of one parameter, one a patient."""
        return self.parameters[list(self.pathway.params).index(parameter)]

    def take(self, patients: Sequence[int] | np.ndarray) -> Problem:
        """The same problem for some of its patients."""
        chosen = np.asarray(patients)
        return replace(
            self,
            parameters=np.ascontiguousarray(self.parameters[:, chosen]),
            amounts=self.amounts if self.amounts.ndim == 1 else self.amounts[:, chosen],
            changes=tuple(change.take(chosen) for change in self.changes),
        )

    def amounts_of(self, patient: int) -> np.ndarray:
        """The doses of one patient [mg], (doses,)."""
        return self.amounts if self.amounts.ndim == 1 else self.amounts[:, patient]

    def with_parameter(self, name: str, value: float | np.ndarray) -> Problem:
        """The same problem with one parameter replaced."""
        changed = self.parameters.copy()
        changed[list(self.pathway.params).index(name)] = value
        return replace(self, parameters=changed)


def run(
    problem: Problem, times: np.ndarray, signals: Sequence[str] | None = None, threads: int = 1
) -> dict[str, np.ndarray]:
    """Solve with the compiled kernel; each signal (all by default) as an array (patients, times).

    A patient's numbers depend on that patient's parameters, the doses and the output times alone: not on the
    other patients, their order, or `threads`. Raises SolveError where a signal is not finite.
    """
    names = list(signals or problem.pathway.signals)
    problem = _as_far_as(problem, names)
    kernel = kernel_cache.load(problem.pathway)
    steps = grid.build(problem.doses, times, problem.longest_lag, _change_times(problem))
    switches = _switches(problem, steps.edges, kernel)
    wanted = np.array([kernel.SIGNALS.index(name) for name in names], dtype=np.int64)
    padded = _padded(problem.parameters, kernel.WIDTH)
    amounts = _by_patient(problem.amounts, kernel.WIDTH)
    start = np.array(list(problem.pathway.initial.values()))
    lag = kernel.PARAMETERS.index(problem.pathway.dosed[1]) if problem.pathway.dosed else 0

    def part(columns: np.ndarray) -> np.ndarray:
        values = np.ascontiguousarray(padded[:, columns])
        initial = np.repeat(start[:, None], len(columns), axis=1)
        out = np.empty((len(names), len(times), len(columns)))
        kernel.solve(
            values, initial, steps.edges, steps.counts, problem.doses, _part(amounts, columns), steps.pending,
            steps.starting, steps.record, lag, wanted, switches.ranges, switches.rows,
            _part(switches.values, columns), out,
        )  # fmt: skip
        return out

    solved = _in_parts(part, padded.shape[1], kernel.WIDTH, threads)[:, :, : problem.patients]
    _require_finite(solved, names, times)
    return {name: np.ascontiguousarray(solved[i].T) for i, name in enumerate(names)}


def stream(
    problem: Problem,
    times: np.ndarray,
    signals: Sequence[str] | None = None,
    threads: int = 1,
    at_once: int = 512,
) -> Iterator[tuple[np.ndarray, dict[str, np.ndarray]]]:
    """`run` a few patients at a time, in constant memory: their places, and their signals as `run` gives
    them."""
    for first in range(0, problem.patients, at_once):
        places = np.arange(first, min(first + at_once, problem.patients))
        yield places, run(problem.take(places), times, signals, threads)


@dataclass(frozen=True)
class _Switches:
    """Changes sorted by edge: `ranges` (edges, 2) into `rows` (parameter) and `values` (changes, 1 or
    patients)."""

    ranges: np.ndarray
    rows: np.ndarray
    values: np.ndarray


def _as_far_as(problem: Problem, names: Sequence[str]) -> Problem:
    """The problem without the stages after the last one whose signals are wanted: nothing depends on them."""
    short = _shortest(problem.pathway, frozenset(names))
    changes = tuple(change for change in problem.changes if change.name in short.params)
    parameters = problem.parameters[: len(short.params)]  # stages give their parameters in order
    return replace(problem, pathway=short, parameters=parameters, changes=changes)


@cache
def _shortest(pathway: Pathway, names: frozenset[str]) -> Pathway:
    for count in range(1, len(pathway.stages)):
        stages = pathway.stages[:count]
        known = {name for stage in stages for name in (*stage.writes, *stage.states)}
        if names <= known:
            short = _first(pathway, count)
            if short.dosed == pathway.dosed:
                return short
    return pathway


@cache
def _first(pathway: Pathway, count: int) -> Pathway:
    return Pathway(pathway.stages[:count], pathway.given)


def _change_times(problem: Problem) -> np.ndarray:
    return np.concatenate([np.zeros(0), *(change.times for change in problem.changes)])


def _switches(problem: Problem, edges: np.ndarray, kernel: ModuleType) -> _Switches:
    if not problem.changes:
        return _Switches(np.zeros((len(edges), 2), np.int64), np.zeros(0, np.int64), np.zeros((0, 1)))
    times = _change_times(problem)
    order = np.argsort(times, kind="stable")
    rows = np.concatenate([np.full(len(c.times), kernel.PARAMETERS.index(c.name)) for c in problem.changes])
    by_patient = any(change.values.ndim == 2 for change in problem.changes)
    wide = [
        np.broadcast_to(
            c.values if c.values.ndim == 2 else c.values[:, None],
            (len(c.times), problem.patients if by_patient else 1),
        )
        for c in problem.changes
    ]
    values = np.concatenate(wide)[order]
    # what changed before time 0 holds from the first edge on
    places = np.maximum(np.searchsorted(edges, times[order]), 0)
    ranges = np.stack([np.searchsorted(places, np.arange(len(edges)), side) for side in ("left", "right")], 1)
    padded = _padded(values, kernel.WIDTH) if by_patient else values
    return _Switches(ranges, rows[order], np.ascontiguousarray(padded))


def _by_patient(amounts: np.ndarray, width: int) -> np.ndarray:
    """Amounts as (doses, 1), where all patients share them, or (doses, padded patients)."""
    return np.ascontiguousarray(amounts[:, None] if amounts.ndim == 1 else _padded(amounts, width))


def _part(values: np.ndarray, columns: np.ndarray) -> np.ndarray:
    return values if values.shape[1] == 1 else np.ascontiguousarray(values[:, columns])


def _padded(parameters: np.ndarray, width: int) -> np.ndarray:
    """The last patient repeated until a whole number of batches is full."""
    missing = -parameters.shape[1] % width
    return np.concatenate([parameters, np.repeat(parameters[:, -1:], missing, axis=1)], axis=1)


def _in_parts(part, columns: int, width: int, threads: int) -> np.ndarray:
    batches = columns // width
    threads = max(1, min(threads, batches))
    chunks = [chunk for chunk in np.array_split(np.arange(columns).reshape(batches, width), threads)]
    if threads == 1:
        return part(np.arange(columns))
    with ThreadPoolExecutor(threads) as pool:
        return np.concatenate(list(pool.map(lambda chunk: part(chunk.ravel()), chunks)), axis=2)


def _require_finite(solved: np.ndarray, names: Sequence[str], times: np.ndarray) -> None:
    with np.errstate(invalid="ignore", over="ignore"):
        if np.isfinite(solved.sum()):  # one pass, no copy
            return
    wrong = np.argwhere(~np.isfinite(solved))
    if len(wrong):
        signal, place, patient = wrong[0]
        raise SolveError(f"'{names[signal]}' is not finite at {times[place]:g} h (patient {patient})")
