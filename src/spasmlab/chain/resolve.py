"""Which record holds each parameter of a pathway, and its values for central and sampled draws."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from spasmlab import posterior, streams, units
from spasmlab.chain.pathway import Pathway
from spasmlab.chain.stage import module_of
from spasmlab.errors import InputError, ModelError, unknown
from spasmlab.parameter import PACKAGE, Parameter, beside

if TYPE_CHECKING:
    from spasmlab.drug import Drug
    from spasmlab.patient import Patient
    from spasmlab.shift import Shift

MODELLED_INPUT = {
    "input_rate": "mg/h",
    "input_duration": "h",
}  # of event tables (RATE -1 and -2), in no equation
COVARIATES = ("weight", "creatinine_clearance", "fed", "dialysis")


def records(
    pathway: Pathway,
    drug: Drug,
    condition: Shift | None,
    hypothesis: Shift | None,
    formulation: str = "ir",
) -> dict[str, tuple[str, Parameter]]:
    """For each parameter of the pathway that is not a covariate: its path, and the record after all shifts.

    Raises InputError where the drug lacks a parameter, has one too many, or gives it in another kind of unit.
    """
    shifts = [shift for shift in (condition, hypothesis) if shift]
    groups = drug.groups(formulation)
    homes = _chain_homes(pathway) | {name: home for home, group in groups.items() for name in group}
    _require_known(drug, pathway, formulation)
    modules = {home: _shifted(home, groups, shifts) for home in set(homes.values())}
    found = {}
    for name, unit in pathway.params.items():
        if name in COVARIATES:
            continue
        if name not in homes:
            raise InputError(f"drug '{drug.name}' lacks the parameter '{name}' [{unit}]")
        record = modules[homes[name]][name]
        if not units.same_dimension(record.unit, unit):
            raise InputError(f"{homes[name]}.{name} is in '{record.unit}'; possible: any unit of '{unit}'")
        found[name] = (f"{homes[name]}.{name}", record)
    return found


def values(
    pathway: Pathway,
    resolved: Mapping[str, tuple[str, Parameter]],
    patient: Patient,
    *,
    fed: bool | float,
    draws: int,
    seed: int,
    overrides: Mapping[str, float] | None = None,
) -> np.ndarray:
    """Values of all parameters in the pathway's units and order; shape (parameters, draws).

    Draw 0 holds the central values. In the others, parameters that were fitted together are a draw of their
    posterior (`posterior`), and each other parameter moves by its own `spread` (doubt), by a random stream
    named by its path, so that a draw means the same in every arm. `fed` is the size of the meal, 0 to 1
    (`food`). `overrides` gives values by name.
    """
    given = covariates(patient, fed) | _overridden(pathway, resolved, overrides or {})
    joint = posterior.draws({path: record for path, record in resolved.values()}, draws, seed)
    rows = {
        name: np.full(draws, given[name])
        if name in given
        else _sample(*resolved[name], unit, draws, seed, joint.get(resolved[name][0]))
        for name, unit in pathway.params.items()
    }
    if "fed_lag_ratio" in rows and "lag" not in given:
        rows["lag"] = np.clip(
            rows["lag"] * rows["fed_lag_ratio"] ** rows["fed"], *bounds(pathway, resolved, "lag")
        )
    return np.ascontiguousarray(list(rows.values()), dtype=float)


def bounds(pathway: Pathway, resolved: Mapping[str, tuple[str, Parameter]], name: str) -> tuple[float, float]:
    """The bounds of a parameter in the pathway's unit; ModelError where its record has none."""
    record = resolved[name][1]
    if record.bounds is None:
        raise ModelError(f"{resolved[name][0]} needs bounds")
    scale = units.factor(record.unit, pathway.params[name])
    return record.bounds[0] * scale, record.bounds[1] * scale


def _sample(
    path: str, record: Parameter, unit: str, draws: int, seed: int, fitted: np.ndarray | None
) -> np.ndarray:
    deviates = np.zeros(draws)
    if record.spread and draws > 1 and fitted is None:
        deviates[1:] = streams.stream(seed, "doubt", path).standard_normal(draws - 1)
    moved = record.at(deviates, record.spread) if fitted is None else fitted
    moved[0] = record.number
    return moved * units.factor(record.unit, unit)


def covariates(patient: Patient, fed: bool | float) -> dict[str, float]:
    """What a patient and a meal give the chain, by name, in the units of the pathways."""
    filtration = patient.creatinine_clearance * units.factor("mL/min", "L/h")
    return {"weight": patient.weight, "creatinine_clearance": filtration, "fed": float(fed), "dialysis": 0.0}


def _overridden(
    pathway: Pathway, resolved: Mapping[str, tuple[str, Parameter]], overrides: Mapping[str, float]
) -> dict[str, float]:
    for name, value in overrides.items():
        if name not in pathway.params:
            raise unknown("parameter", name, pathway.params)
        low, high = (-np.inf, np.inf) if name in COVARIATES else _limits(pathway, resolved, name)
        if not low <= value <= high:
            raise InputError(
                f"'{name}' cannot be {value:g}; possible: {low:g} to {high:g} {pathway.params[name]}"
            )
    return dict(overrides)


def _limits(
    pathway: Pathway, resolved: Mapping[str, tuple[str, Parameter]], name: str
) -> tuple[float, float]:
    return bounds(pathway, resolved, name) if resolved[name][1].bounds else (-np.inf, np.inf)


def _require_known(drug: Drug, pathway: Pathway, formulation: str) -> None:
    """InputError where a record of the drug is a parameter of none of its bodies."""
    from spasmlab.chain import body

    others = [body.of(drug, form.name) for form in drug.formulations.values() if form.available]
    known = {name for one in (pathway, *others) for name in one.params} | set(MODELLED_INPUT)
    for name in drug.parameters:
        if name not in known:
            raise unknown(f"parameter in drug '{drug.name}'", name, _drug_parameters(pathway))
    for name in drug.formulation(formulation).parameters:
        if name not in pathway.params:
            kind = f"parameter in formulation '{formulation}' of drug '{drug.name}'"
            raise unknown(kind, name, [n for n in pathway.params if n not in COVARIATES])


def _shifted(
    home: str, groups: Mapping[str, Mapping[str, Parameter]], shifts: list[Shift]
) -> Mapping[str, Parameter]:
    found = groups[home] if home in groups else beside(home)
    for shift in shifts:
        found = shift.over(found, home)
    return found


@cache
def _chain_homes_of(modules: tuple[str, ...]) -> dict[str, str]:
    return {name: module for module in modules for name in beside(module)}


def _chain_homes(pathway: Pathway) -> dict[str, str]:
    """The module beside whose code each drug-independent parameter is recorded."""
    modules = dict.fromkeys(module_of(stage) for stage in pathway.stages)
    return _chain_homes_of(tuple(m for m in modules if _file(m).exists()))


def _file(module: str) -> Path:
    return PACKAGE.joinpath(*module.split(".")).with_suffix(".toml")


def _drug_parameters(pathway: Pathway) -> list[str]:
    homes = _chain_homes(pathway)
    return [name for name in pathway.params if name not in homes and name not in COVARIATES]
