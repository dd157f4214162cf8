"""The events of one subject as a row of steps for the JAX reading, by the rules of `chain.events`.

What a row of fixed steps cannot say is refused in one line: steady states, and covariates that change.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from spasmlab import event_run
from spasmlab.chain import events
from spasmlab.chain.events import SAME_TIME, Dosing
from spasmlab.chain.grid import STEPS_PER_HOUR
from spasmlab.equations.jax_function import Steps
from spasmlab.fit.data import Subject
from spasmlab.fit.model import ChainModel
from spasmlab.io import event_table
from spasmlab.io.event_table import wrong


def of(subject: Subject, model: ChainModel, exact: bool) -> Steps:
    """The steps of a subject; InputError naming row and column for what cannot be sampled."""
    records = subject.records
    assert records is not None
    _refuse(records, subject, model)
    line = _Line(event_run.dosing_of(model.drug, model.pathway, model._base(subject).copy()), exact)
    seen = [line.row(records, row) for row in range(len(records))]
    return line.steps(np.array(seen)[subject.rows])


def _refuse(records: event_table.Subject, subject: Subject, model: ChainModel) -> None:
    def at(bad: np.ndarray, column: str, why: str) -> None:
        if bad.any():
            row = int(np.flatnonzero(bad)[0])
            possible = "possible: --method map or laplace"
            raise wrong(int(records.lines[row]), column, f"{why} cannot be sampled; {possible}")

    at(records["SS"] > 0, "SS", "a steady state")
    for name, values in (model._changes(subject) or {}).items():
        column = next(c for c in records.extra if events.ALIASES.get(c.upper(), c.lower()) == name)
        at(values != values[0], column, "a covariate that changes")
        at(values == values[0], column, "a parameter given by the table") if name not in (
            "weight",
            "creatinine_clearance",
        ) else None
    if "bioavailability" in model.names:
        at(records["RATE"] != 0, "RATE", "an infusion with the bioavailability")


@dataclass
class _Line:
    """Steps so far, and what is still to happen: (time, number, place, amount, change of inflow)."""

    dosing: Dosing
    exact: bool
    time: float | None = None
    last: float = -np.inf
    pending: list[tuple[float, int, int, float, float]] = field(default_factory=list)
    count: int = 0
    flow: np.ndarray = field(init=False)
    made: list[tuple[float, np.ndarray, np.ndarray, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.flow = np.zeros(len(self.dosing.compartments))

    def steps(self, seen: np.ndarray) -> Steps:
        length, amount, inflow, reset = zip(*self.made, strict=True)
        return Steps(np.array(length), np.array(amount), np.array(inflow), np.array(reset), seen)

    def row(self, records: event_table.Subject, row: int) -> int:
        """Follow one record; the place of the step that ends at it."""
        time, evid = float(records["TIME"][row]), int(records["EVID"][row])
        if self.time is None or evid >= 3:
            self.flow, self.pending, self.time, self.last = self.flow * 0, [], time, -np.inf
            self._add(0.0, reset=1.0)
        self._to(time)
        if evid in (1, 4):
            self._dose(records, row)
            self._to(time)
        return len(self.made) - 1

    def _add(self, length: float, amount: np.ndarray | None = None, reset: float = 0.0) -> None:
        nothing = np.zeros(len(self.flow))
        self.made.append((length, nothing if amount is None else amount, self.flow.copy(), reset))

    def _dose(self, records: event_table.Subject, row: int) -> None:
        place = (int(records["CMT"][row]) or 1) - 1
        events.refuse_compartment(place + 1, self.dosing, int(records.lines[row]))
        lag, share = self.dosing.at(place + 1, row)
        rate, hours = self._rate(records, row, share)
        for number in range(int(records["ADDL"][row]) + 1):
            arrival = float(records["TIME"][row] + number * records["II"][row]) + lag
            if hours:
                # the equations take the bioavailability again on the way out
                self._push(arrival, place, 0.0, rate / share)
                self._push(arrival + hours, place, 0.0, -rate / share)
            else:
                self._push(arrival, place, float(records["AMT"][row]), 0.0)

    def _rate(self, records: event_table.Subject, row: int, share: float) -> tuple[float, float]:
        """Rate [mg/h] that is absorbed and length [h] of an infusion; 0 and 0 for a dose at once."""
        amount, rate, line = (
            float(records["AMT"][row]) * share,
            float(records["RATE"][row]),
            int(records.lines[row]),
        )
        if rate == -2:
            hours = events.modelled("input_duration", self.dosing.input_duration, line)
            return amount / hours, hours
        if rate == -1:
            rate = events.modelled("input_rate", self.dosing.input_rate, line)
        return rate, amount / rate if rate else 0.0

    def _push(self, time: float, place: int, amount: float, flow: float) -> None:
        heapq.heappush(self.pending, (time, self.count, place, amount, flow))
        self.count += 1

    def _to(self, time: float) -> None:
        slack = SAME_TIME * max(1.0, abs(time))
        while self.pending and self.pending[0][0] <= time + slack:
            when, _, place, amount, flow = heapq.heappop(self.pending)
            self._pass(min(when, time))
            if amount:
                taken = np.zeros(len(self.flow))
                taken[place] = amount
                self._add(0.0, taken)
            self.flow[place] += flow
            self.last = min(when, time)
        self._pass(time)

    def _pass(self, time: float) -> None:
        assert self.time is not None
        if time > self.time:
            for length in self._cut(self.time, time):
                self._add(length)
            self.time = time

    def _cut(self, start: float, end: float) -> Iterator[float]:
        """Lengths of the steps between two times: fine after something happened, and one where that is exact."""
        if self.exact:
            yield end - start
            return
        edges = sorted({start, end, *(t for h, _ in STEPS_PER_HOUR if start < (t := self.last + h) < end)})
        for first, last in itertools.pairwise(edges):
            since = first - self.last
            per_hour = [rate for hours, rate in STEPS_PER_HOUR if since >= hours - SAME_TIME][-1]
            count = max(1, int(np.ceil(per_hour * (last - first) * (1 - SAME_TIME))))
            yield from [(last - first) / count] * count
