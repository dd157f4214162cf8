"""Many individuals of an event table in one compiled call, where nothing is reset and no steady state is asked for.

The rules are those of `chain.events`, which follows the other individuals row by row; a test compares the two. An
individual's numbers do not depend on who stands beside it or on how many threads there are.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np

from spasmlab.chain.events import (
    COURSE_ABSOLUTE,
    COURSE_RELATIVE,
    SAME_TIME,
    Dosing,
    modelled,
    refuse_compartment,
)
from spasmlab.chain.pathway import Pathway
from spasmlab.errors import SolveError
from spasmlab.io.event_rows import Block

ROWS_A_THREAD = 2_000  # fewer are not worth a thread
DOSE = 1


def follow(
    pathway: Pathway,
    rows: Block,
    values: np.ndarray,
    changing: Mapping[str, np.ndarray],
    dosing: Dosing,
    signals: Sequence[str],
) -> np.ndarray:
    """Signals at every row, (rows, signals): `values` (parameters,) of all, `changing` those that a table gives."""
    from spasmlab.equations import kernel_cache

    kernel, names = kernel_cache.load_course(pathway, tuple(signals)), list(pathway.params)
    moving = np.array([names.index(name) for name in changing], dtype=np.int64)
    over = np.column_stack([np.zeros((len(rows), 0)), *changing.values()])
    times = np.ascontiguousarray(rows["TIME"])
    acts, *happening = _happening(rows, dosing, kernel)
    first = np.searchsorted(acts, np.arange(len(rows) + 1))
    initial = np.array([pathway.initial[name] for name in kernel.STATES])
    numbers = np.array([SAME_TIME, COURSE_RELATIVE, COURSE_ABSOLUTE])
    out = np.empty((len(rows), len(signals)))

    def some(starts: np.ndarray) -> int:
        return kernel.courses(values, moving, over, initial, times, starts, first, *happening, numbers, out)

    parts = _parts(rows.starts)
    if len(parts) == 1:
        failed = [some(parts[0])]
    else:
        with ThreadPoolExecutor(len(parts)) as pool:
            failed = list(pool.map(some, parts))
    if bad := [row for row in failed if row >= 0]:
        raise SolveError(f"the adaptive solver stopped before row {int(rows.lines[bad[0]])}")
    return out


def _parts(starts: np.ndarray) -> list[np.ndarray]:
    """The individuals in as many parts as there are threads, of about as many rows each."""
    threads = int(os.environ.get("NUMBA_NUM_THREADS") or os.cpu_count() or 1)
    count = min(threads, max(1, int(starts[-1]) // ROWS_A_THREAD), len(starts) - 1)
    cuts = np.searchsorted(starts, np.linspace(0, int(starts[-1]), count + 1))
    return [starts[a : b + 1] for a, b in pairwise(cuts.tolist()) if b > a]


def _happening(rows: Block, dosing: Dosing, kernel) -> tuple[np.ndarray, ...]:
    """Row, time, state, amount and rate of everything that doses bring about, by row in the order in which it acts:
    at the dose's own row, or the first row of its individual that is not before it."""
    times = rows["TIME"]
    row = np.flatnonzero(rows["EVID"] == DOSE)
    ends = np.repeat(rows.starts[1:], np.diff(rows.starts))[row]
    place, lag, amount, rate, length = _inputs(rows, row, dosing, list(kernel.STATES))
    every = rows["II"][row]
    span = np.divide(times[ends - 1] - times[row], every, out=np.zeros(len(row)), where=every > 0)
    counts = np.minimum(rows["ADDL"][row], np.floor(span) + 1).astype(np.int64) + 1
    counts = np.where(every > 0, counts, 1)
    one = np.repeat(np.arange(len(row)), counts)
    number = np.arange(len(one)) - np.repeat(np.cumsum(counts) - counts, counts)
    arrival = times[row][one] + number * every[one] + lag[one]
    flows = length[one] > 0
    more = np.flatnonzero(flows)  # infusions end, too
    of = np.concatenate([one, one[more]])
    at = np.concatenate([arrival, arrival[more] + length[one[more]]])
    change = np.concatenate([np.where(flows, rate[one], 0.0), -rate[one[more]]])
    bolus = np.concatenate([np.where(flows, 0.0, amount[one]), np.zeros(len(more))])
    slack = SAME_TIME * np.maximum(1.0, np.abs(times))
    acts = kernel.acting(row[of], ends[of], at, times, slack)
    kept = np.flatnonzero(acts < ends[of])
    order = kept[np.lexsort((at[kept], acts[kept]))]
    return acts[order], at[order], place[of][order], bolus[order], change[order]


def _inputs(rows: Block, row: np.ndarray, dosing: Dosing, states: list[str]) -> tuple[np.ndarray, ...]:
    """State, lag, amount, rate and length of the input of each dose, (doses,) each; a bolus has length 0."""
    compartment = np.maximum(rows["CMT"][row].astype(np.int64), 1) - 1
    strange = np.flatnonzero(compartment >= len(dosing.compartments))
    if len(strange):
        refuse_compartment(int(compartment[strange[0]]) + 1, dosing, int(rows.lines[row[strange[0]]]))
    places = np.array([states.index(name) for name in dosing.compartments])[compartment]
    lag, share = (
        np.choose(compartment, [np.broadcast_to(each, len(rows))[row] for each in kind])
        for kind in (dosing.lags, dosing.bioavailabilities)
    )
    amount, rate, length = rows["AMT"][row] * share, rows["RATE"][row].copy(), np.zeros(len(row))
    for code, name, value in (
        (-1, "input_rate", dosing.input_rate), (-2, "input_duration", dosing.input_duration),
    ):  # fmt: skip
        asked = np.flatnonzero(rate == code)
        if len(asked):
            given = modelled(name, value, int(rows.lines[row[asked[0]]]))
            rate[asked] = given if code == -1 else amount[asked] / given
    np.divide(amount, rate, out=length, where=rate != 0)
    return places, lag, amount, rate, length
