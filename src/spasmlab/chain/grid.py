"""The steps a solution takes: doses and output times cut the time line, and steps are finest after a dose.

Doses are known by their index from here on; the times of doses and outputs are merged once, exactly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# Steps per hour by hours since the last dose: measured to keep the error of plasma near 1e-6
# (tests/test_chain_solve).
STEPS_PER_HOUR = ((0.0, 24), (1.0, 16), (3.0, 8))


@dataclass(frozen=True)
class Grid:
    """Segments between consecutive `edges`, each cut in `counts` equal steps.

    `pending` (segments, 2): range of doses that may arrive inside a segment, delayed by their lag; `starting`
    (edges, 2): range of doses taken at an edge; `record` (edges,): place in the output, or -1.
    """

    edges: np.ndarray
    counts: np.ndarray
    pending: np.ndarray
    starting: np.ndarray
    record: np.ndarray


def build(
    doses: np.ndarray, times: np.ndarray, longest_lag: float, changes: np.ndarray | None = None
) -> Grid:
    """The grid from time 0 to the last output time; `doses` and `times` [h] sorted, times distinct.

    Output at the time of an arriving dose is after the dose. `changes` [h] are further edges, where a
    parameter changes.
    """
    finer = (doses[:, None] + np.array([hours for hours, _ in STEPS_PER_HOUR])).ravel()
    last = times[-1]
    extra = np.zeros(0) if changes is None else changes[(changes > 0) & (changes <= last)]
    edges = np.unique(np.concatenate([[0.0], times, finer[finer < last], doses[doses <= last], extra]))
    starts = edges[:-1]
    since = starts - _last_dose(doses, starts)
    per_hour = _steps_per_hour(since)
    counts = np.maximum(1, np.ceil(per_hour * np.diff(edges) * (1 - 1e-9))).astype(np.int64)
    pending = np.stack(
        [np.searchsorted(doses + longest_lag, starts, "right"), np.searchsorted(doses, starts, "right")], 1
    )
    starting = np.stack([np.searchsorted(doses, edges, side) for side in ("left", "right")], 1)
    record = np.full(len(edges), -1, dtype=np.int64)
    record[np.searchsorted(edges, times)] = np.arange(len(times))
    return Grid(edges, counts, pending, starting, record)


def _last_dose(doses: np.ndarray, times: np.ndarray) -> np.ndarray:
    place = np.searchsorted(doses, times, "right") - 1
    return np.where(place >= 0, doses[np.maximum(place, 0)] if len(doses) else 0.0, -np.inf)


def _steps_per_hour(since: np.ndarray) -> np.ndarray:
    hours = np.array([start for start, _ in STEPS_PER_HOUR])
    rates = np.array([rate for _, rate in STEPS_PER_HOUR])
    return rates[np.clip(np.searchsorted(hours, since, "right") - 1, 0, len(rates) - 1)]
