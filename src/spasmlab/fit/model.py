"""What a fit calls: parameters of one subject in, predicted levels out, by the generated kernel.

Parameters are estimated on the scale of their record (log, linear, logit), so that every number is allowed there.
Many sets of parameters of one subject are solved at once, one a SIMD lane: a gradient costs as much as a curve.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from spasmlab import event_run, units
from spasmlab.chain import body, events, resolve
from spasmlab.chain.problem import Problem, run
from spasmlab.errors import InputError, unknown
from spasmlab.fit.data import CHANGING, Subject
from spasmlab.io.event_table import wrong
from spasmlab.parameter import Parameter

if TYPE_CHECKING:
    from spasmlab.chain.pathway import Pathway
    from spasmlab.drug import Drug

SIGNAL = "plasma_concentration"
STEP = 1e-4  # of the central differences, on the scale of estimation


@dataclass(frozen=True)
class ChainModel:
    """A drug's pathway with some parameters (`names`) left to be estimated and the others at their values."""

    drug: Drug
    names: tuple[str, ...]
    formulation: str = "ir"
    fed: float = 0.0
    _bases: dict[Subject, np.ndarray] = field(default_factory=dict, compare=False, repr=False)
    _changing: dict[Subject, dict[str, np.ndarray] | None] = field(
        default_factory=dict, compare=False, repr=False
    )

    def __post_init__(self) -> None:
        if not self.names:
            raise InputError(f"name at least one parameter of {self.drug.name} to estimate")
        for name in self.names:
            if name not in self.resolved:
                raise unknown(f"parameter of {self.drug.name}", name, self.resolved)

    @cached_property
    def pathway(self) -> Pathway:
        """The body of the drug."""
        return body.of(self.drug, self.formulation)

    @cached_property
    def resolved(self) -> dict[str, tuple[str, Parameter]]:
        """The record of each parameter."""
        return resolve.records(self.pathway, self.drug, None, None, self.formulation)

    @cached_property
    def records(self) -> tuple[Parameter, ...]:
        """The records of the estimated parameters."""
        return tuple(self.resolved[name][1] for name in self.names)

    @property
    def start(self) -> np.ndarray:
        """The values of the records on the scale of estimation, (names,)."""
        return np.array([to_scale(record, record.number) for record in self.records])

    def natural(self, scaled: np.ndarray) -> np.ndarray:
        """Numbers on the scale of estimation as values in the unit of each record, (…, names) both."""
        columns = [from_scale(record, scaled[..., i]) for i, record in enumerate(self.records)]
        return np.stack(columns, axis=-1)

    def predict(self, subject: Subject, scaled: np.ndarray) -> np.ndarray:
        """Levels [mg/L] at the subject's times for each set of parameters: (sets, names) to (sets, times)."""
        return self.predict_many([subject], [scaled])[0]

    def predict_many(self, subjects: Sequence[Subject], scaled: Sequence[np.ndarray]) -> list[np.ndarray]:
        """`predict` for many subjects; those with plain doses at the same hours are solved in one run, those of other
        events one by one, by the solver of `spasmlab exposure --events`."""
        together: dict[bytes, list[int]] = {}
        found: dict[int, np.ndarray] = {}
        for place, subject in enumerate(subjects):
            if self.is_plain(subject):
                together.setdefault(subject.doses_h.tobytes(), []).append(place)
            else:
                found[place] = self._predict_events(subject, scaled[place])
        for places in together.values():
            some = [subjects[place] for place in places]
            found |= dict(
                zip(places, self._predict_alike(some, [scaled[place] for place in places]), strict=True)
            )
        return [found[place] for place in range(len(subjects))]

    def is_plain(self, subject: Subject) -> bool:
        """Whether a subject's events are swallowed doses and nothing else, and its covariates stay."""
        return self._changes(subject) is None

    def _changes(self, subject: Subject) -> dict[str, np.ndarray] | None:
        """What the table of a subject gives from row to row; None where the plain run will do.

        Raises InputError for a column that gives what is to be estimated, and for levels of no known compartment.
        """
        if subject not in self._changing:
            self._changing[subject] = self._found_changes(subject)
        return self._changing[subject]

    def _found_changes(self, subject: Subject) -> dict[str, np.ndarray] | None:
        if subject.records is None:
            return None
        events.refuse_unknown_compartment(self.pathway, subject.records)
        given = {events.ALIASES.get(name.upper(), name.lower()): name for name in subject.records.extra}
        if taken := set(given) & set(self.names):
            name = sorted(taken)[0]
            raise wrong(
                int(subject.records.lines[0]), given[name], f"the column gives '{name}', which is to be estimated; "
                "possible: leave the column out, or name other parameters",
            )  # fmt: skip
        found = events.covariates(self.pathway, subject.records)
        told = {events.ALIASES[name] for name in CHANGING}
        steady = all(name in told and np.ptp(values) == 0 for name, values in found.items())
        return None if subject.plain and steady else found

    def _predict_events(self, subject: Subject, scaled: np.ndarray) -> np.ndarray:
        """Levels of one subject for each set of parameters, by the solver of events."""
        values, changing = self._values(subject, scaled), self._changes(subject)
        assert subject.records is not None and changing is not None
        levels = [
            event_run.follow(self.drug, self.pathway, subject.records, one, changing, (SIGNAL,))
            for one in values.T
        ]
        return np.array(levels)[:, subject.rows, 0]

    def _predict_alike(self, subjects: Sequence[Subject], scaled: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Levels of subjects with the same hours of dosing, from one run over all their times."""
        values = np.concatenate(
            [self._values(subject, sets) for subject, sets in zip(subjects, scaled, strict=True)], axis=1
        )
        sizes = [len(sets) for sets in scaled]
        amounts = np.repeat(np.array([subject.amounts_mg for subject in subjects]).T, sizes, axis=1)
        times = np.unique(np.concatenate([subject.times_h for subject in subjects]))
        longest = float(values[self._lag].max()) if self._lag is not None else 0.0
        one = Problem(self.pathway, values, subjects[0].doses_h, np.ascontiguousarray(amounts), longest)
        levels = np.split(run(one, times, [SIGNAL])[SIGNAL], np.cumsum(sizes)[:-1])
        seen = [np.searchsorted(times, subject.times_h) for subject in subjects]
        return [rows[:, columns] for rows, columns in zip(levels, seen, strict=True)]

    def _values(self, subject: Subject, scaled: np.ndarray) -> np.ndarray:
        """All parameters of the chain for each set, (parameters, sets)."""
        values = np.repeat(self._base(subject)[:, None], len(scaled), axis=1)
        places, factors = self._places
        for i, (record, place) in enumerate(zip(self.records, places, strict=True)):
            values[place] = from_scale(record, scaled[:, i]) * factors[i]
        return values

    def sensitivity(self, subject: Subject, scaled: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Levels (times,) at one set of parameters and their derivatives (times, names), from one run."""
        return self.sensitivities([subject], [scaled])[0]

    def sensitivities(
        self, subjects: Sequence[Subject], scaled: Sequence[np.ndarray]
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        """`sensitivity` for many subjects."""
        count, steps = len(self.names), STEP * np.eye(len(self.names))
        sets = [np.vstack([at[None], at + steps, at - steps]) for at in scaled]
        levels = self.predict_many(subjects, sets)
        return [(f[0], ((f[1 : count + 1] - f[count + 1 :]) / (2 * STEP)).T) for f in levels]

    @cached_property
    def _places(self) -> tuple[list[int], list[float]]:
        params = self.pathway.params
        order = list(params)
        places = [order.index(name) for name in self.names]
        factors = [units.factor(r.unit, params[n]) for n, r in zip(self.names, self.records, strict=True)]
        return places, factors

    @cached_property
    def _lag(self) -> int | None:
        dosed = self.pathway.dosed
        return list(self.pathway.params).index(dosed[1]) if dosed else None

    def _base(self, subject: Subject) -> np.ndarray:
        """Every parameter of the subject at its central value."""
        if subject not in self._bases:
            found = resolve.values(
                self.pathway, self.resolved, subject.person(), fed=self.fed, draws=1, seed=0
            )
            self._bases[subject] = found[:, 0]
        return self._bases[subject]


def to_scale(record: Parameter, value: float) -> float:
    """A value of a record on the scale on which it is estimated."""
    if record.transform == "log":
        return float(np.log(value))
    return float(np.log(value / (1 - value))) if record.transform == "logit" else value


def from_scale(record: Parameter, scaled: np.ndarray) -> np.ndarray:
    """The reverse of `to_scale`; kept within what a number can be (not within the record's bounds)."""
    if record.transform == "log":
        return np.exp(np.clip(scaled, -60.0, 60.0))
    return 1 / (1 + np.exp(-scaled)) if record.transform == "logit" else scaled


def names_that_vary(drug: Drug, formulation: str = "ir", signal: str = SIGNAL) -> tuple[str, ...]:
    """The parameters of a drug that differ between patients and move the plasma level."""
    pathway = body.of(drug, formulation)
    resolved = resolve.records(pathway, drug, None, None, formulation)
    upstream = _upstream(pathway, signal)
    return tuple(name for name, (_, record) in resolved.items() if record.between > 0 and name in upstream)


def _upstream(pathway: Pathway, signal: str) -> set[str]:
    """The parameters of the stages up to the one that writes a signal."""
    found: set[str] = set()
    for stage in pathway.stages:
        found |= set(stage.params)
        if signal in stage.writes:
            return found
    raise unknown("signal", signal, pathway.signals)
