"""One question answered at once: the slow chain and the surrogate of the circuit, ready to be drawn.

The numbers are those of ``spasmlab run --fidelity surrogate``; only the independent check of the solver, which takes most
of its time, is left out. A drug that acts on the circuit itself is beyond the surrogate: the chain is then answered alone,
and `Scene.problem` says why.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import xarray

from spasmlab import request as requests
from spasmlab import result, shown
from spasmlab import run as runs
from spasmlab import scored as trials
from spasmlab.app.exports import command
from spasmlab.endpoints import typical
from spasmlab.endpoints.spasticity import AshworthScore
from spasmlab.endpoints.typical import Scale, Scored
from spasmlab.errors import InputError
from spasmlab.progress import Stages
from spasmlab.quantity import INTERVAL, Quantity
from spasmlab.regimen import DAY_H
from spasmlab.request import Request
from spasmlab.shown import Shown
from spasmlab.site import Sites

DRAWS = 16
POINTS = 160  # of the whole course
LAST_DAY = 120  # points of the last day


class Asked(Protocol):
    """The fields of a tab that make a question."""

    @property
    def drug(self) -> str: ...
    @property
    def formulation(self) -> str: ...
    @property
    def regimen(self) -> str: ...
    @property
    def days(self) -> float: ...
    @property
    def fed(self) -> str: ...
    @property
    def patient(self) -> str: ...
    @property
    def dialysis(self) -> str: ...
    @property
    def condition(self) -> str: ...
    @property
    def severity(self) -> float: ...
    @property
    def hypothesis(self) -> str: ...


@dataclass(frozen=True)
class Scene:
    """An answered question. `assays` and `score` are empty where the surrogate cannot answer, and `problem` says why."""

    request: Request
    chain: xarray.Dataset
    described: tuple[Mapping[str, str], Mapping[str, str]]
    sites: Sites
    assays: Mapping[str, Any]
    score: AshworthScore | None
    problem: str | None = None

    def by_arm(self, values: np.ndarray) -> np.ndarray:
        """Split the subject axis: (arms · draws, …) becomes (arms, draws, …)."""
        return np.reshape(values, (len(runs.ARMS), self.request.draws, *np.shape(values)[1:]))

    @property
    def scale(self) -> Scale | None:
        """What the condition is scored by; None in health."""
        return typical.scale_of(self.request.condition.name)

    @cached_property
    def scored(self) -> Scored:
        """What a trial of the condition would score."""
        return trials.of_request(self.request, self.sites.factors, "surrogate")

    @cached_property
    def numbers(self) -> list[Shown]:
        """Every number of the run, level by level; what a pharmacokineticist reads off the curve is worked out here."""
        return [*shown.of_exposure(runs.exposure_of(self.request, self.chain)), *self.at_visit]

    @cached_property
    def at_visit(self) -> list[Shown]:
        """Every number at the visit, level by level; what a trial would score is worked out here."""
        return [*self.to_cord, *shown.of_scored(self.scored)]

    @cached_property
    def to_cord(self) -> list[Shown]:
        """The numbers at the visit that are there at once: up to the cord and the Ashworth scale."""
        return list(self._numbers())

    def _numbers(self) -> Iterator[Shown]:
        units, meanings = self.described
        yield from shown.of_state(self.sites.state, units, meanings)
        for name, measured in self.assays.items():
            yield from shown.of_assay(name, measured, self.by_arm)
        if self.score is not None:
            yield from shown.of_score(self.score, self.by_arm)

    def number(self, name: str) -> Shown | None:
        """One number without a coordinate, None where there is none of that name."""
        return next((n for n in self.to_cord if n.name == name and not n.coordinate), None)

    @property
    def score_number(self) -> Shown | None:
        """The number that the condition is scored by."""
        if self.scale is None:
            return None
        known = self.to_cord if self.scale.outcome in typical.CORD else shown.of_scored(self.scored)
        return next((n for n in known if n.name == self.scale.outcome), None)

    def signal(self, name: str) -> np.ndarray:
        """A signal of the chain over time (draws, times); it must be one of `chain`."""
        return self.chain.variables[name].values

    @property
    def hours(self) -> np.ndarray:
        """Times of the chain, h."""
        return self.chain.variables["time"].values


def request_of(asked: Asked, seed: int = 0, draws: int = DRAWS) -> Request:
    """The checked request behind a question; InputError where its parts do not go together."""
    return requests.build(
        asked.drug,
        asked.regimen,
        days=asked.days,
        condition=asked.condition,
        severity=asked.severity,
        patient_text=asked.patient,
        hypothesis=asked.hypothesis,
        formulation=asked.formulation,
        fed=asked.fed,
        dialysis=asked.dialysis.strip() or None,
        seed=seed,
        draws=draws,
    )


def scene(asked: Asked) -> Scene:
    """Answer a question at surrogate fidelity; InputError or SolveError where the chain refuses."""
    request, stages = request_of(asked), Stages()
    chain = runs.solve_chain(request, times(request), checked=0)
    told = runs.described(chain)
    state = runs.synapse_state(chain, request.visit_h)
    sites = runs.at_sites(state, told[0], request.drug, request.condition, request.hypothesis, request.seed)
    bench = runs.make_bench(request.condition, sites.state, request.seed, sites.factors, request.hypothesis)
    try:
        answered = runs.run_assays(runs.ASSAYS, bench, stages, "surrogate")
        score = runs.score_stretch(answered["stretch"], bench)
    except InputError as problem:
        return Scene(request, chain, told, sites, {}, None, str(problem))
    return Scene(request, chain, told, sites, answered, score)


def times(request: Request) -> np.ndarray:
    """Hours drawn: an even grid over the course, a finer one over the last day, and the visit."""
    end = request.days * DAY_H
    course, last = np.linspace(0, end, POINTS), np.linspace(max(0.0, end - DAY_H), end, LAST_DAY)
    return np.unique(np.concatenate([course, last, [request.visit_h]]))


def options(asked: Asked) -> dict[str, Any]:
    """The options of the command line that ask the same."""
    return {
        "drug": asked.drug,
        "regimen": asked.regimen,
        "days": asked.days,
        "condition": asked.condition,
        "severity": asked.severity if asked.severity != 1 else None,
        "patient": asked.patient,
        "dialysis": asked.dialysis.strip() or None,
        "formulation": asked.formulation if asked.formulation != "ir" else None,
        "fed": asked.fed if asked.fed != "fasted" else None,
        "hypothesis": asked.hypothesis,
    }


def command_of(asked: Asked, fidelity: str = "surrogate", draws: int = DRAWS) -> str:
    """The command line that gives the same numbers; it needs the circuit where the surrogate has no answer."""
    return command("run", {**options(asked), "fidelity": fidelity, "draws": draws, "seed": 0})


def curves(found: Scene) -> list[dict[str, Any]]:
    """The signals of the chain over time as rows: the central value, and the ends of the 90 % interval."""
    columns: dict[str, np.ndarray] = {"time [h]": found.hours}
    for name, signal in found.chain.data_vars.items():
        unit = str(signal.attrs.get("unit", "1"))
        label = f"{name} [{unit}]" if unit != "1" else str(name)
        low, high = np.percentile(signal.values, INTERVAL, axis=0)
        columns |= {label: signal.values[0], f"{label} low": low, f"{label} high": high}
    return [dict(zip(columns, row, strict=True)) for row in np.stack(list(columns.values()), axis=1).tolist()]


def as_result(found: Scene) -> dict[str, Any]:
    """The result as JSON holds it: that of `spasmlab run`, without what only a full run checks."""
    return {
        **result.head("run"),
        **found.request.described(),
        "visit": Quantity(found.request.visit_h, "h").as_dict(),
        "intervals": result.INTERVALS,
        "sites": result.sites(found.sites.factors),
        **result.arms_and_effects(found.numbers),
        "scale": result.scale(found.request.condition.name, found.scored.problem),
        "fidelity": "surrogate" if found.problem is None else "chain alone",
        "problem": found.problem,
    }
