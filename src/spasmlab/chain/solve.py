"""Solve the slow chain: a regimen in, every signal from stomach to terminal out, over time and draws."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from spasmlab.chain import body, resolve
from spasmlab.chain.check import check
from spasmlab.chain.problem import Change, Problem, run
from spasmlab.chain.steady import fixed_point
from spasmlab.errors import InputError

if TYPE_CHECKING:
    import xarray

    from spasmlab.dialysis import Calendar
    from spasmlab.drug import Drug
    from spasmlab.parameter import Parameter
    from spasmlab.patient import Patient
    from spasmlab.regimen import Regimen
    from spasmlab.shift import Shift

HOURS_PER_DAY = 24.0
CHECKED_DOSES = 60


def solve(
    drug: Drug,
    regimen: Regimen | None,
    patient: Patient | None = None,
    condition: Shift | None = None,
    hypothesis: Shift | None = None,
    *,
    days: float,
    formulation: str = "ir",
    fed: bool | float = False,
    draws: int = 1,
    seed: int = 0,
    times_h: np.ndarray | list[float] | None = None,
    overrides: Mapping[str, float] | None = None,
    dialysis: Calendar | None = None,
    threads: int | None = None,
    checked: int = 1,
) -> xarray.Dataset:
    """Every signal of the chain as a variable (draw, time), with units; time in h, hourly where not given.

    Draw 0 uses the central value of each parameter; each further draw moves every parameter by its doubt.
    No regimen means no drug. `fed` is the size of the meal around each dose, 0 to 1 (`food`).
    `overrides` sets parameters by name, in the unit of the pathway. `dialysis` adds its sessions and the doses
    after them. `checked` draws, chosen by the seed, are solved again adaptively; `attrs["achieved_error"]` is the largest
    difference of any signal as a share of its largest value. The coordinate `parameter_value` holds what
    each draw was solved with. Raises InputError for what cannot be simulated, SolveError where a run blows
    up.
    """
    times = _output_times(times_h, days)
    problem = prepare(
        drug, regimen, patient, condition, hypothesis, days=days, formulation=formulation, fed=fed, draws=draws,
        seed=seed, overrides=overrides, dialysis=dialysis,
    )  # fmt: skip
    draws, longest = problem.patients, problem.longest_lag
    solved = run(problem, times, threads=threads or os.cpu_count() or 1)
    errors = achieved_errors(problem, times, checked, seed)
    named = {"drug": drug, "condition": condition, "hypothesis": hypothesis}
    attrs = {kind: thing.name if thing else "none" for kind, thing in named.items()}
    attrs |= {"regimen": regimen.text if regimen else "none", "formulation": formulation, "fed": float(fed)}
    attrs |= {"body": list(drug.body_of(formulation))}
    attrs |= {"days": float(days), "seed": seed, "checked_draws": min(checked, draws)}
    attrs |= {"checked_until_h": checked_until(problem.doses, float(times[-1]))}
    attrs |= {"dialysis": dialysis.text if dialysis else "none"}
    attrs |= {"achieved_error": max(errors.values(), default=0.0), "longest_lag_h": longest}
    return _dataset(problem, times, solved, errors, attrs)


def prepare(
    drug: Drug,
    regimen: Regimen | None,
    patient: Patient | None = None,
    condition: Shift | None = None,
    hypothesis: Shift | None = None,
    *,
    days: float,
    formulation: str = "ir",
    fed: bool | float = False,
    draws: int = 1,
    seed: int = 0,
    overrides: Mapping[str, float] | None = None,
    dialysis: Calendar | None = None,
) -> Problem:
    """What `solve` solves: parameters of every draw, and doses. Arguments and errors are those of `solve`."""
    from spasmlab import patient as patients

    drug.formulation(formulation)
    person = patient or patients.default()
    pathway, draws = body.of(drug, formulation), _at_least_one(draws)
    resolved = resolve.records(pathway, drug, condition, hypothesis, formulation)
    values = resolve.values(pathway, resolved, person, fed=fed, draws=draws, seed=seed, overrides=overrides)
    doses, amounts = _doses(regimen, person, days)
    longest = resolve.bounds(pathway, resolved, "lag")[1]
    problem = Problem(pathway, values, doses, amounts, longest)
    return dialysed(problem, dialysis, drug, days * HOURS_PER_DAY) if dialysis else problem


def steady_at_plasma(
    drug: Drug,
    plasma: float,
    condition: Shift | None = None,
    hypothesis: Shift | None = None,
    *,
    draws: int = 1,
    seed: int = 0,
    overrides: Mapping[str, float] | None = None,
) -> xarray.Dataset:
    """Every signal from plasma onwards at a constant plasma concentration [mg/L]; variables (draw,).

    What a drug's body does after the blood: spinal fluid, metabolite, α2δ. Draws are those of `solve` for the same seed.
    Raises InputError for a negative concentration.
    """
    import xarray

    if not 0 <= plasma < np.inf:
        raise InputError(f"the plasma concentration must be zero or more, not {plasma:g} mg/L")
    names, parameters = parameter_values(
        drug, condition, hypothesis, draws=draws, seed=seed, overrides=overrides
    )
    pathway = body.from_plasma(drug.body_of("ir"))
    known = {name: row for name, row in zip(names, parameters, strict=True) if name in pathway.params}
    found = fixed_point(pathway, {**known, "plasma_concentration": np.full(draws, float(plasma))})
    units = {"plasma_concentration": "mg/L", **{n: u for n, u in pathway.signals.items() if n in found}}
    meanings = {**body.whole().meanings, **pathway.meanings}
    variables = {n: ("draw", found[n], {"unit": unit, "long_name": meanings[n]}) for n, unit in units.items()}
    attrs = {"drug": drug.name, "condition": condition.name if condition else "none", "plasma": float(plasma)}
    return xarray.Dataset(variables, {"draw": np.arange(draws)}, attrs)


def parameter_values(
    drug: Drug,
    condition: Shift | None = None,
    hypothesis: Shift | None = None,
    *,
    patient: Patient | None = None,
    formulation: str = "ir",
    fed: bool | float = False,
    draws: int = 1,
    seed: int = 0,
    overrides: Mapping[str, float] | None = None,
) -> tuple[tuple[str, ...], np.ndarray]:
    """Names of all parameters of the chain, and their values (parameters, draws) in the pathway's units."""
    from spasmlab import patient as patients

    pathway, person = body.of(drug, formulation), patient or patients.default()
    resolved = resolve.records(pathway, drug, condition, hypothesis, formulation)
    draws = _at_least_one(draws)
    return tuple(pathway.params), resolve.values(
        pathway, resolved, person, fed=fed, draws=draws, seed=seed, overrides=overrides
    )


def parameters_used(
    drug: Drug,
    condition: Shift | None = None,
    hypothesis: Shift | None = None,
    formulation: str = "ir",
) -> dict[str, Parameter]:
    """The records the chain rests on, after all shifts, by the path of the parameter they give a value to."""
    pathway = body.of(drug, formulation)
    return dict(resolve.records(pathway, drug, condition, hypothesis, formulation).values())


def warm_up(drug: Drug | None = None, formulation: str = "ir") -> float:
    """Load the compiled kernel of a drug (the whole chain by default), generating and compiling it where it is
    not cached; the seconds that took."""
    begun = time.perf_counter()
    pathway = body.of(drug, formulation) if drug else body.whole()
    nothing = np.zeros(0)
    run(Problem(pathway, np.ones((len(pathway.params), 1)), nothing, nothing, 0.0), np.array([0.0, 1.0]))
    return time.perf_counter() - begun


def achieved_errors(problem: Problem, times: np.ndarray, checked: int, seed: int) -> dict[str, float]:
    """The largest relative error by signal of a random sample of patients, against the adaptive solver.

    Compared at the output times up to `checked_until`; where there are none, at that time.
    """
    from spasmlab import streams

    sample = streams.stream(seed, "checked").permutation(problem.patients)[:checked]
    if not len(sample):
        return {}
    until = checked_until(problem.doses, float(times[-1]))
    seen = times[times <= until] if times[0] <= until else np.array([until])
    few = problem.take(sample)
    solved = run(few, seen)
    found = [check(few, seen, solved, place) for place in range(len(sample))]
    return {name: max(errors[name] for errors in found) for name in solved}


def checked_until(doses: np.ndarray, end: float) -> float:
    """How far [h] a run is checked: the adaptive solver is slow, and every dose is much like the last."""
    return min(end, float(doses[CHECKED_DOSES])) if len(doses) > CHECKED_DOSES else end


def _at_least_one(draws: int) -> int:
    if draws < 1:
        raise InputError(f"the number of draws must be at least 1, not {draws}")
    return int(draws)


def _output_times(times_h: np.ndarray | list[float] | None, days: float) -> np.ndarray:
    if not 0 < days < np.inf:
        raise InputError(f"the number of days must be positive, not {days:g}")
    end = days * HOURS_PER_DAY
    if times_h is None:
        hourly = np.arange(np.floor(end) + 1)
        return np.unique(np.append(hourly, end))
    times = np.unique(np.asarray(times_h, dtype=float))
    if not len(times) or times[0] < 0 or not times[-1] <= end:
        raise InputError(f"output times must lie within 0 to {end:g} h (the {days:g} days simulated)")
    return times


def _doses(regimen: Regimen | None, patient: Patient, days: float) -> tuple[np.ndarray, np.ndarray]:
    if regimen is None:
        return np.zeros(0), np.zeros(0)
    times, amounts = regimen.for_weight(patient.weight).doses(days)
    return np.ascontiguousarray(times, dtype=float), np.ascontiguousarray(amounts, dtype=float)


def dialysed(problem: Problem, dialysis: Calendar, drug: Drug, end_h: float) -> Problem:
    """The problem with the sessions of a calendar, and its doses after them, which every patient takes."""
    if "dialysis" not in problem.pathway.params:
        raise InputError(
            f"dialysis does not clear drug '{drug.name}' in this model; possible: leave --dialysis out"
        )
    times, amounts = dialysis.supplements(end_h)
    doses = np.concatenate([problem.doses, times])
    order = np.argsort(doses, kind="stable")
    of_each = np.broadcast_to(
        amounts.reshape(-1, *[1] * (problem.amounts.ndim - 1)), (len(amounts), *problem.amounts.shape[1:])
    )
    given = np.concatenate([problem.amounts, of_each])
    changes = (Change("dialysis", *dialysis.switches(end_h)),)
    return replace(problem, doses=doses[order], amounts=given[order], changes=changes)


def _dataset(
    problem: Problem,
    times: np.ndarray,
    solved: Mapping[str, np.ndarray],
    errors: Mapping[str, float],
    attrs: Mapping[str, object],
) -> xarray.Dataset:
    import xarray

    units, meanings = problem.pathway.signals, problem.pathway.meanings
    variables = {}
    for name, values in solved.items():
        about: dict[str, object] = {"unit": units[name], "long_name": meanings[name]}
        if name in errors:
            about["achieved_error"] = errors[name]
        variables[name] = (("draw", "time"), values, about)
    coordinates = {
        "draw": np.arange(problem.patients),
        "time": ("time", times, {"unit": "h"}),
        "parameter": list(problem.pathway.params),
        "parameter_value": (("parameter", "draw"), problem.parameters),
    }
    return xarray.Dataset(variables, coordinates, dict(attrs))
