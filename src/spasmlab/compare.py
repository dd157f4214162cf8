"""Arms side by side: up to four drugs, products, regimens or hypotheses in the same patient, condition and cords.

A comparison is one TOML file:

condition = "ms-spasticity"
severity = 1.0
patient = "age=48 y, weight=70 kg, sex=f, crcl=95 mL/min"
days = 14
[[arms]]
name = "low"
drug = "gabapentin"
regimen = "300 mg tid"
[[arms]]
name = "high"
drug = "gabapentin"
regimen = "900 mg tid"
formulation = "ir"
fed = "fasted"
hypothesis = "both"

Every arm has the same draws of doubt and the same cords, so that a difference between arms is taken within a draw.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from spasmlab import food, hypothesis, parameter, result, shown
from spasmlab import request as requests
from spasmlab import run as runs
from spasmlab import scored as trials
from spasmlab.errors import InputError, unknown
from spasmlab.progress import Progress, Stages
from spasmlab.request import MOST_DAYS, Request
from spasmlab.shown import Shown

if TYPE_CHECKING:
    import xarray as xr

MOST_ARMS = 4
DRAWS = 16
ROUNDING = (
    1e-12  # two arms nearer than this share of a value are the same: the circuit's numbers have fewer digits
)


class Arm(BaseModel):
    """What is taken in one arm, and the hypothesis under which it acts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1, max_length=40)
    drug: str = "gabapentin"
    regimen: str
    formulation: str = "ir"
    fed: str = food.FASTED
    hypothesis: str = hypothesis.DEFAULT


class Comparison(BaseModel):
    """Arms that share patient, condition, severity, days, seed and draws."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    condition: str = "healthy"
    severity: float = Field(default=1.0, ge=0, le=1)
    patient: str | None = None
    days: float = Field(default=requests.DEFAULT_DAYS, gt=0, le=MOST_DAYS)
    seed: int = Field(default=0, ge=0)
    draws: int = Field(default=DRAWS, ge=1, le=requests.MOST_DRAWS)
    arms: tuple[Arm, ...] = Field(min_length=1, max_length=MOST_ARMS)

    def request(self, arm: Arm) -> Request:
        """The checked request of one arm; InputError where its parts do not go together."""
        return requests.build(
            arm.drug,
            arm.regimen,
            days=self.days,
            condition=self.condition,
            severity=self.severity,
            patient_text=self.patient,
            hypothesis=arm.hypothesis,
            formulation=arm.formulation,
            fed=arm.fed,
            seed=self.seed,
            draws=self.draws,
        )


@dataclass(frozen=True)
class Answered:
    """One arm answered; `problem` says why the levels below the chain are missing, where they are."""

    request: Request
    chain: xr.Dataset
    numbers: tuple[Shown, ...]
    problem: str | None = None


def read(file: Path) -> Comparison:
    """The comparison in a TOML file; InputError names the file, the field and what is wrong with it."""
    return of_table(parameter.read_toml(file), file.name)


def of_table(table: Mapping[str, Any], origin: str) -> Comparison:
    """A comparison from a table; InputError for the first field that is wrong."""
    try:
        found = Comparison.model_validate(dict(table))
    except ValidationError as problem:
        first = problem.errors()[0]
        place = [str(part) for part in first["loc"]]
        if first["type"] == "extra_forbidden":
            model = Arm if len(place) > 1 else Comparison
            within = "".join(f", {part}" for part in [".".join(place[:-1])] if part)
            raise unknown(f"field in '{origin}'{within}", place[-1], sorted(model.model_fields)) from None
        raise InputError(f"'{origin}', {'.'.join(place)}: {first['msg']}") from None
    names = [arm.name for arm in found.arms]
    if len(set(names)) < len(names):
        raise InputError(f"'{origin}' has two arms of the same name; possible: a name for each")
    return found


def answer(
    request: Request, stages: Stages, fidelity: str = "surrogate", times_h: np.ndarray | None = None
) -> Answered:
    """One arm through the whole chain; where the surrogate cannot answer, the slow chain alone and the reason.

    InputError or SolveError where the chain refuses. `times_h` as in `run.run_chain`.
    """
    chain, exposure = runs.run_chain(request, stages, times_h, checked=0)
    units, meanings = runs.described(chain)
    state = runs.synapse_state(chain, request.visit_h)
    sites = runs.at_sites(state, units, request.drug, request.condition, request.hypothesis, request.seed)
    bench = runs.make_bench(request.condition, sites.state, request.seed, sites.factors, request.hypothesis)
    numbers = [*shown.of_exposure(exposure), *shown.of_state(sites.state, units, meanings)]
    scored = list(shown.of_scored(trials.of_request(request, sites.factors, fidelity)))
    try:
        measured = runs.run_assays(runs.ASSAYS, bench, stages, fidelity)
        score = runs.score_stretch(measured["stretch"], bench)
    except InputError as problem:
        return Answered(request, chain, (*numbers, *scored), str(problem))

    def by_arm(values: np.ndarray) -> np.ndarray:
        return np.reshape(values, (len(runs.ARMS), request.draws, *np.shape(values)[1:]))

    for name, found in measured.items():
        numbers += shown.of_assay(name, found, by_arm)
    return Answered(request, chain, (*numbers, *shown.of_score(score, by_arm), *scored))


class _Named(Stages):
    """Stages of one arm, named after it."""

    def __init__(self, arm: str, stages: Stages) -> None:
        super().__init__(seconds=stages.seconds)
        self._arm, self._stages = arm, stages

    def __call__(self, name: str) -> AbstractContextManager[Progress]:
        """The stage as one of the arm."""
        return self._stages(f"{self._arm}: {name}")


def compute(asked: Comparison, stages: Stages, fidelity: str = "surrogate") -> dict[str, Any]:
    """The whole result of `spasmlab compare`."""
    wanted = [asked.request(arm) for arm in asked.arms]  # every arm is checked before any is run
    found = []
    for arm, request in zip(asked.arms, wanted, strict=True):
        found.append(answer(request, _Named(arm.name, stages), fidelity))
    return described(asked, found, fidelity) | {"seconds": result.seconds(stages)}


def described(asked: Comparison, found: Sequence[Answered], fidelity: str) -> dict[str, Any]:
    """Everything of a comparison that goes into JSON."""
    own = ("drug", "regimen", "formulation", "meal", "hypothesis")
    shared = found[0].request.described()
    return {
        **result.head("compare"),
        **{name: value for name, value in shared.items() if name not in {*own, "fed", "dialysis", "with"}},
        "fidelity": fidelity,
        "intervals": result.INTERVALS,
        "arms": [
            {
                "name": arm.name,
                **{name: one.request.described()[name] for name in own},
                "visit": {"value": one.request.visit_h, "unit": "h", "low": None, "high": None},
                "problem": one.problem,
            }
            for arm, one in zip(asked.arms, found, strict=True)
        ],
        "numbers": list(rows(found)),
    }


def rows(found: Sequence[Answered]) -> Iterator[dict[str, Any]]:
    """Every number as a row, level by level: without drug (of the first arm that has it), in each arm, and each arm's
    difference from the first, in its unit and in per cent, within each draw; None where an arm has no such number."""
    by_arm = [{_key(number): number for number in one.numbers} for one in found]
    for key in _ordered(by_arm):
        numbers = [arm.get(key) for arm in by_arm]
        first = next(number for number in numbers if number)
        pairs = [_pair(numbers[0], number) for number in numbers[1:]]
        coordinate = {name: value for name, value in first.coordinate.items() if name != "unit"}
        without = first.arm("no_drug")
        yield {
            "name": first.name,
            "level": first.level,
            "meaning": first.meaning,
            "unit": first.unit,
            "at": coordinate or None,
            "at_unit": first.coordinate.get("unit") if coordinate else None,
            "no_drug": without.as_dict() if without else None,
            "arms": [quantity.as_dict() if (quantity := n and n.arm("drug")) else None for n in numbers],
            "differences": [None, *(_as_dict(pair and pair.difference) for pair in pairs)],
            "percents": [None, *(_as_dict(pair and pair.percent) for pair in pairs)],
        }


def _as_dict(found: Any) -> dict[str, Any] | None:
    return found.as_dict() if found else None


def _key(number: Shown) -> tuple[str, ...]:
    return number.level, number.name, *(str(value) for value in number.coordinate.values())


def _ordered(by_arm: Sequence[Mapping[tuple[str, ...], Shown]]) -> list[tuple[str, ...]]:
    """The numbers of all arms, level by level in the order of the body, within a level as they come."""
    from spasmlab import levels

    known = list(levels.TITLES)
    everything = list(dict.fromkeys(key for arm in by_arm for key in arm))
    return sorted(everything, key=lambda key: known.index(key[0]) if key[0] in known else len(known))


def _pair(first: Shown | None, other: Shown | None) -> Shown | None:
    """The drug's number in the first arm and in another, as the two arms of one number."""
    if first is None or other is None:
        return None
    before, after = first.values[-1], other.values[-1]
    same = np.isclose(after, before, rtol=ROUNDING, atol=0, equal_nan=True)
    values = np.stack([before, np.where(same, before, after)])
    return Shown(first.name, first.level, first.unit, first.meaning, values, first.coordinate)
