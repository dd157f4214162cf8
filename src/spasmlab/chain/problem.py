"""One set of patients (draws) on one series of doses, ready for the compiled kernel or the checker."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np

from spasmlab.chain import grid
from spasmlab.chain.pathway import Pathway
from spasmlab.equations import kernel_cache
from spasmlab.errors import SolveError


@dataclass(frozen=True)
class Problem:
    """`parameters` (parameters, patients) in the pathway's units and order; `doses` [h] sorted and
    `amounts` [mg],
    both (doses,); `longest_lag` [h] bounds the lag parameter of every patient."""

    pathway: Pathway
    parameters: np.ndarray
    doses: np.ndarray
    amounts: np.ndarray
    longest_lag: float

    @property
    def patients(self) -> int:
        """How many patients (or draws) are solved together."""
        return self.parameters.shape[1]

    def row(self, parameter: str) -> np.ndarray:
        """The values of one parameter, one a patient."""
        return self.parameters[list(self.pathway.params).index(parameter)]

    def take(self, patients: Sequence[int] | np.ndarray) -> Problem:
        """The same problem for some of its patients."""
        return replace(self, parameters=np.ascontiguousarray(self.parameters[:, np.asarray(patients)]))

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
    kernel = kernel_cache.load(problem.pathway)
    names = list(signals or problem.pathway.signals)
    steps = grid.build(problem.doses, times, problem.longest_lag)
    wanted = np.array([kernel.SIGNALS.index(name) for name in names], dtype=np.int64)
    padded = _padded(problem.parameters, kernel.WIDTH)
    start = np.array(list(problem.pathway.initial.values()))
    lag = kernel.PARAMETERS.index(problem.pathway.dosed[1]) if problem.pathway.dosed else 0

    def part(columns: np.ndarray) -> np.ndarray:
        values = np.ascontiguousarray(padded[:, columns])
        initial = np.repeat(start[:, None], len(columns), axis=1)
        out = np.empty((len(names), len(times), len(columns)))
        kernel.solve(
            values, initial, steps.edges, steps.counts, problem.doses, problem.amounts, steps.pending,
            steps.starting, steps.record, lag, wanted, out,
        )  # fmt: skip
        return out

    solved = _in_parts(part, padded.shape[1], kernel.WIDTH, threads)[:, :, : problem.patients]
    _require_finite(solved, names, times)
    return {name: np.ascontiguousarray(solved[i].T) for i, name in enumerate(names)}


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
    wrong = np.argwhere(~np.isfinite(solved))
    if len(wrong):
        signal, place, patient = wrong[0]
        raise SolveError(f"'{names[signal]}' is not finite at {times[place]:g} h (patient {patient})")
