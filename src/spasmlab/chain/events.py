"""Events of one individual on any pathway, in the order and by the rules of NONMEM (`docs/events.md`).

A dose that is pending (lagged, further, or the end of an infusion) acts before the record at its time; records
of one time act in the order of their rows, and each shows the state after itself. Between two records
covariates have the values of the later one (next value carried backward). Doses are held as records and their
numbers in a series; two times that differ by rounding are the same time.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache

import numpy as np

from spasmlab.chain.pathway import Pathway
from spasmlab.errors import ModelError, SolveError
from spasmlab.io.event_rows import Block, Subject, wrong

RELATIVE, ABSOLUTE = 1e-10, 1e-13
COURSE_RELATIVE, COURSE_ABSOLUTE = 1e-8, 1e-10  # where no steady state is looked for, which needs more
SAME_TIME = 1e-10  # of the time itself: what rounding may move a sum of intervals by
SETTLED = 1e-10  # of each state: what may be missing from a steady state
FEWEST_CYCLES, MOST_CYCLES = 3, 50_000
ENDLESS_CYCLE_H = 24.0
ALIASES = {"WT": "weight", "CRCL": "creatinine_clearance", "FED": "fed"}
SHARES = {"fed", "dialysis", "bioavailability"}  # of a whole
Advance = Callable[[np.ndarray, np.ndarray, np.ndarray, float], np.ndarray]


@dataclass(frozen=True)
class Dosing:
    """What a body does with doses: the state of each compartment (CMT 1, 2, …), and for each the lag [h] and
    bioavailability, for all rows or (rows,); modelled infusion rate [mg/h] and duration [h], None where the drug's
    file has none."""

    compartments: tuple[str, ...]
    lags: tuple[float | np.ndarray, ...]
    bioavailabilities: tuple[float | np.ndarray, ...]
    input_rate: float | None = None
    input_duration: float | None = None
    parts: Mapping[str, float] = field(
        default_factory=dict
    )  # what the first bioavailability is the product of

    def at(self, compartment: int, row: int) -> tuple[float, float]:
        """Lag and bioavailability of a compartment (1, 2, …) at a row."""
        pair = (self.lags[compartment - 1], self.bioavailabilities[compartment - 1])
        lag, share = (float(np.asarray(one).reshape(-1)[row if np.ndim(one) else 0]) for one in pair)
        return lag, share

    def of_rows(self, rows: slice | np.ndarray) -> Dosing:
        """The same for some of the rows."""
        cut = [
            tuple(one[rows] if isinstance(one, np.ndarray) else one for one in kind)
            for kind in (self.lags, self.bioavailabilities)
        ]
        return replace(self, lags=cut[0], bioavailabilities=cut[1])


@dataclass
class _Now:
    """The state of one individual while its records are followed."""

    state: np.ndarray
    inputs: np.ndarray
    time: float
    pending: list[tuple[float, int, int, float, float]] = field(default_factory=list)
    count: int = 0

    def add(self, time: float, place: int, amount: float, rate: float) -> None:
        """Something that will happen: `amount` put into a state, or its input changed by `rate`."""
        heapq.heappush(self.pending, (time, self.count, place, amount, rate))
        self.count += 1


def compartments(pathway: Pathway) -> tuple[str, ...]:
    """The states that doses may enter, CMT 1 first: where a dose usually enters, then plasma."""
    first = pathway.dosed[0] if pathway.dosed else None
    named = [first, "plasma_amount"] if first else ["plasma_amount"]
    return tuple(dict.fromkeys(name for name in named if name in pathway.states))


def follow(
    pathway: Pathway,
    subject: Subject,
    parameters: np.ndarray,
    dosing: Dosing,
    signals: Sequence[str],
    solver: str = "adaptive",
) -> np.ndarray:
    """Signals at every record of an individual, (records, signals).

    `parameters` (parameters, records) in the pathway's units and order; `solver` is ``adaptive`` (generated and
    compiled) or ``plain`` (SciPy on the equations as they are written). Raises InputError naming row and
    column for what has no answer, SolveError where a run blows up.
    """
    return _Follower(pathway, subject, parameters, dosing, SOLVERS[solver](pathway)).run(signals)


def starts_anew(rows: Subject | Block) -> np.ndarray:
    """Which rows reset or ask for a steady state: individuals with such rows are followed row by row."""
    return (rows["EVID"] >= 3) | (rows["SS"] != 0)


def refuse_compartment(compartment: int, dosing: Dosing, line: int) -> None:
    """InputError for a dose into a compartment that the body does not have."""
    if compartment > len(dosing.compartments):
        known = ", ".join(f"{i} ({n})" for i, n in enumerate(dosing.compartments, 1))
        raise wrong(line, "CMT", f"no compartment {compartment}; possible: {known}")


def modelled(name: str, value: float | None, line: int) -> float:
    """A modelled rate or duration; InputError where the drug has none."""
    if value is None:
        raise wrong(
            line, "RATE", f"the drug has no '{name}'; possible: a rate in mg/h, or a drug file with it"
        )
    return value


class _Follower:
    def __init__(
        self, pathway: Pathway, subject: Subject, parameters: np.ndarray, dosing: Dosing, engine: Engine
    ) -> None:
        self.subject, self.parameters, self.dosing, self.engine = subject, parameters, dosing, engine
        self.states = list(pathway.states)
        self.initial = np.array(list(pathway.initial.values()))
        self.gathering = gathering(pathway)
        self.places = [self.states.index(name) for name in dosing.compartments]
        self.pathway = pathway

    def run(self, signals: Sequence[str]) -> np.ndarray:
        subject, known = self.subject, list(self.pathway.signals)
        wanted = [known.index(name) for name in signals]
        out = np.empty((len(subject), len(wanted)))
        now = self._fresh(float(subject["TIME"][0]))
        for row in range(len(subject)):
            self.values = self.parameters[:, row]
            time, evid = float(subject["TIME"][row]), int(subject["EVID"][row])
            if evid >= 3:
                now = self._fresh(time)
            else:
                self._to(now, time)
            if evid in (1, 4):
                now = self._dose(now, row)
                self._to(now, time)
            out[row] = self.engine.observe(self.values, now.state)[wanted]
        return out

    def _fresh(self, time: float) -> _Now:
        return _Now(self.initial.copy(), np.zeros(len(self.states)), time)

    def _to(self, now: _Now, time: float) -> None:
        """Let everything pending up to `time` happen, and time pass."""
        slack = SAME_TIME * max(1.0, abs(time))
        while now.pending and now.pending[0][0] <= time + slack:
            when, _, place, amount, rate = heapq.heappop(now.pending)
            self._pass(now, min(when, time))
            now.state[place] += amount
            now.inputs[place] = self._input(now.inputs[place] + rate)
        self._pass(now, time)

    @staticmethod
    def _input(rate: float) -> float:
        return 0.0 if abs(rate) < ABSOLUTE else rate

    def _pass(self, now: _Now, time: float) -> None:
        if time - now.time > SAME_TIME * max(1.0, abs(time)):
            now.state = self.engine.advance(self.values, now.state, now.inputs, time - now.time)
            now.time = time

    def _dose(self, now: _Now, row: int) -> _Now:
        given = {name: float(values[row]) for name, values in self.subject.columns.items()}
        place, lag, amount, rate, length = self._how(given, row)
        interval, time = given["II"], given["TIME"]
        if given["SS"]:
            now = self._steady(now, row, place, lag, amount, rate, length)
            if interval == 0:
                return now
        for number in range(int(given["ADDL"]) + 1):
            arrival = time + number * interval + lag
            if length:
                now.add(arrival, place, 0.0, rate)
                now.add(arrival + length, place, 0.0, -rate)
            else:
                now.add(arrival, place, amount, 0.0)
        return now

    def _how(self, given: Mapping[str, float], row: int) -> tuple[int, float, float, float, float]:
        """State, lag, amount, rate and length of the input of a dose; a bolus has length 0."""
        line, compartment = int(self.subject.lines[row]), int(given["CMT"]) or 1
        refuse_compartment(compartment, self.dosing, line)
        lag, share = self.dosing.at(compartment, row)
        amount = given["AMT"] * share
        rate, length = given["RATE"], 0.0
        if rate == -2:
            length = modelled("input_duration", self.dosing.input_duration, line)
            rate = amount / length
        elif rate:
            rate = modelled("input_rate", self.dosing.input_rate, line) if rate == -1 else rate
            length = amount / rate
        return self.places[compartment - 1], lag, amount, rate, length

    def _steady(
        self, now: _Now, row: int, place: int, lag: float, amount: float, rate: float, length: float
    ) -> _Now:
        """The state at a dose of a steady state, before the dose itself; SS 1 resets, SS 2 adds."""
        line, interval = int(self.subject.lines[row]), float(self.subject["II"][row])
        time, kind = float(self.subject["TIME"][row]), int(self.subject["SS"][row])
        if interval and lag >= interval:
            raise wrong(line, "SS", f"a steady state with a lag ({lag:g} h) at least as long as the interval "
                        f"({interval:g} h) has no answer; possible: an interval above the lag")  # fmt: skip
        fresh = self._fresh(time)
        if not interval:
            fresh.inputs[place] = rate
            state = self._settle(fresh, lambda: self._pass_for(fresh, ENDLESS_CYCLE_H), line)
            running: list[tuple[float, float]] = []
        else:
            whole, rest = divmod(length, interval) if length else (0, 0.0)
            cycle = _Cycle(place, amount if not length else 0.0, rate, int(whole), rest, interval)
            state = self._settle(fresh, lambda: self._cycle(fresh, cycle, interval), line)
            fresh.state = state
            self._cycle(fresh, cycle, interval - lag)
            state = fresh.state
            running = [(time + lag - n * interval + length, rate) for n in range(1, int(whole) + 2)]
        state = np.where(self.gathering, self.initial, state)
        if kind == 1:
            now = self._fresh(time)
            now.state = state.copy()
        else:
            now.state = now.state + state - self.initial
        for end, flow in running:
            if end > time + SAME_TIME * max(1.0, abs(time)):
                now.inputs[place] += flow
                now.add(end, place, 0.0, -flow)
        return now

    def _pass_for(self, now: _Now, hours: float) -> None:
        now.state = self.engine.advance(self.values, now.state, now.inputs, hours)

    def _cycle(self, now: _Now, cycle: _Cycle, hours: float) -> None:
        """One interval (or its first `hours`) of a steady state, from the arrival of its dose."""
        now.state[cycle.place] += cycle.bolus
        first = min(cycle.rest, hours)
        if first:
            now.inputs[cycle.place] = cycle.rate * (cycle.whole + 1)
            self._pass_for(now, first)
        now.inputs[cycle.place] = cycle.rate * cycle.whole
        if hours > first:
            self._pass_for(now, hours - first)

    def _settle(self, now: _Now, cycle: Callable[[], None], line: int) -> np.ndarray:
        """The state that a cycle brings back to itself, by letting cycles pass."""
        moving = ~self.gathering
        before, step = now.state.copy(), np.zeros(len(self.states))
        for count in range(MOST_CYCLES):
            cycle()
            now.state = np.where(moving, now.state, self.initial)
            moved = np.abs(now.state - before)
            slowing = np.where(step > 0, moved / np.where(step > 0, step, 1.0), 0.0)
            left = moved * slowing / np.maximum(1 - slowing, 1e-9)
            small = SETTLED * np.maximum(np.abs(now.state), ABSOLUTE)
            if count >= FEWEST_CYCLES and np.all((left <= small) | (moved <= 1e-3 * small)):
                return now.state
            before, step = now.state.copy(), moved
        raise wrong(line, "SS", "no steady state is reached; possible: a drug that is cleared")


@dataclass(frozen=True)
class _Cycle:
    """One interval at steady state: a bolus, or `whole` infusions all along and one more for `rest` hours."""

    place: int
    bolus: float
    rate: float
    whole: int
    rest: float
    interval: float


@dataclass(frozen=True)
class Engine:
    """A solver: `advance(parameters, state, inputs, hours)` and `observe(parameters, state)`."""

    advance: Advance
    observe: Callable[[np.ndarray, np.ndarray], np.ndarray]


@cache
def adaptive(pathway: Pathway) -> Engine:
    """The generated solver, compiled."""
    from spasmlab.equations import kernel_cache

    kernel = kernel_cache.load_adaptive(pathway)
    row = np.empty(len(kernel.SIGNALS))

    def advance(values: np.ndarray, state: np.ndarray, inputs: np.ndarray, hours: float) -> np.ndarray:
        moved, scale = state.copy(), max(1.0, float(np.max(np.abs(state))))
        values = np.ascontiguousarray(values)
        if not kernel.advance(values, moved, inputs, hours, RELATIVE, ABSOLUTE * scale):
            raise SolveError(f"the adaptive solver stopped within {hours:g} h of an event")
        return moved

    def observe(values: np.ndarray, state: np.ndarray) -> np.ndarray:
        kernel.observe(np.ascontiguousarray(values), state, row)
        return row

    return Engine(advance, observe)


@cache
def plain(pathway: Pathway) -> Engine:
    """SciPy's Dormand and Prince of order 8 on the stages as they are written: the independent solver."""
    from scipy.integrate import solve_ivp

    from spasmlab.chain.check import reading_of

    states, signals = list(pathway.states), list(pathway.signals)

    def all_at(values: np.ndarray, state: np.ndarray) -> dict[str, float]:
        known = dict(zip(pathway.params, values.tolist(), strict=True))
        return reading_of(pathway, known)(dict(zip(states, state.tolist(), strict=True)))

    def advance(values: np.ndarray, state: np.ndarray, inputs: np.ndarray, hours: float) -> np.ndarray:
        known = dict(zip(pathway.params, values.tolist(), strict=True))
        observe = reading_of(pathway, known)

        def slope(_: float, y: np.ndarray) -> list[float]:
            found = observe(dict(zip(states, y.tolist(), strict=True)))
            return [found[f"d_{name}"] + flow for name, flow in zip(states, inputs, strict=True)]

        solved = solve_ivp(slope, (0.0, hours), state, "DOP853", [hours], rtol=1e-11, atol=1e-11)
        if not solved.success:
            raise SolveError(f"the plain solver stopped: {solved.message}")
        return solved.y[:, -1].copy()

    def observe(values: np.ndarray, state: np.ndarray) -> np.ndarray:
        found = all_at(values, state)
        return np.array([found[name] for name in signals])

    return Engine(advance, observe)


SOLVERS: dict[str, Callable[[Pathway], Engine]] = {"adaptive": adaptive, "plain": plain}


@cache
def gathering(pathway: Pathway) -> np.ndarray:
    """Which states only gather (areas, amounts absorbed): nothing depends on them, so they have no steady
    state."""
    from spasmlab.chain.stage import arguments

    read = {name for stage in pathway.stages for kind in (stage.now, stage.rates) for name in arguments(kind)}
    return np.array([name not in read for name in pathway.states])


def is_covariate(pathway: Pathway, column: str) -> bool:
    """Whether a column of a table is known: WT, CRCL, FED, or a parameter's name."""
    return ALIASES.get(column.upper(), column.lower()) in pathway.params


def covariates(pathway: Pathway, subject: Subject | Block) -> dict[str, np.ndarray]:
    """Columns of a table that are parameters of the pathway: WT, CRCL [mL/min], FED, or a parameter's name."""
    from spasmlab import units

    found = {}
    for column in subject.extra:
        if not is_covariate(pathway, column):
            continue
        name = ALIASES.get(column.upper(), column.lower())
        values = subject[column]
        if np.isnan(values).any():
            row = int(np.flatnonzero(np.isnan(values))[0])
            raise wrong(int(subject.lines[row]), column, "the cell is empty; possible: a value in every row")
        _refuse_impossible(subject, column, name)
        scale = units.factor("mL/min", "L/h") if column.upper() == "CRCL" else 1.0
        found[name] = values * scale
    return found


def _refuse_impossible(rows: Subject | Block, column: str, name: str) -> None:
    """InputError for the first value of a covariate that no patient has."""
    from spasmlab.patient import FIELDS

    low, high, unit = 0.0, np.inf, ""
    known = {"WT": "weight", "CRCL": "crcl", "WEIGHT": "weight"}.get(column.upper())
    if known:
        low, high, unit = FIELDS[known].low, FIELDS[known].high, f" {FIELDS[known].units[0]}"
    elif name in SHARES:
        high = 1.0
    elif name.endswith("exponent"):
        low = -np.inf
    bad = np.flatnonzero((rows[column] < low) | (rows[column] > high) | np.isinf(rows[column]))
    if len(bad):
        row = int(bad[0])
        to = f"{low:g} to {high:g}{unit}" if high < np.inf else "0 or more"
        raise wrong(
            int(rows.lines[row]), column, f"{rows[column][row]:g}{unit} is not possible; possible: {to}"
        )


def refuse_unknown_compartment(pathway: Pathway, subject: Subject | Block) -> None:
    """Observations are of plasma: CMT 0 or the number of the central compartment."""
    central = compartments(pathway).index("plasma_amount") + 1 if "plasma_amount" in pathway.states else 0
    if not central:
        raise ModelError("the pathway has no compartment 'plasma_amount'")
    bad = (subject["EVID"] == 0) & ~np.isin(subject["CMT"], (0, central))
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise wrong(int(subject.lines[row]), "CMT", f"an observation of compartment {subject['CMT'][row]:g}; "
                    f"possible: {central} (plasma) or 0")  # fmt: skip
