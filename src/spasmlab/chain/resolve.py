"""Which record holds each parameter of a pathway, and its values for central and sampled draws."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from spasmlab import streams, units
from spasmlab.chain.pathway import Pathway
from spasmlab.chain.stage import module_of
from spasmlab.errors import InputError, ModelError, unknown
from spasmlab.parameter import PACKAGE, Parameter, beside

if TYPE_CHECKING:
    from spasmlab.drug import Drug
    from spasmlab.patient import Patient
    from spasmlab.shift import Shift

COVARIATES = ("weight", "creatinine_clearance", "fed")


def records(
    pathway: Pathway, drug: Drug, condition: Shift | None, hypothesis: Shift | None
) -> dict[str, tuple[str, Parameter]]:
    """For each parameter of the pathway that is not a covariate: its path, and the record after all shifts.

    Raises InputError where the drug lacks a parameter, has one too many, or gives it in another kind of unit.
    """
    shifts = [shift for shift in (condition, hypothesis) if shift]
    homes = {**_chain_homes(pathway), **{name: f"drugs.{drug.name}" for name in drug.parameters}}
    for name in drug.parameters:
        if name not in pathway.params:
            raise unknown(f"parameter in drug '{drug.name}'", name, _drug_parameters(pathway))
    modules = {home: _shifted(home, drug, shifts) for home in set(homes.values())}
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
    fed: bool,
    draws: int,
    seed: int,
    overrides: Mapping[str, float] | None = None,
) -> np.ndarray:
    """Values of all parameters in the pathway's units and order; shape (parameters, draws).

    Draw 0 holds the central values. In the others each parameter moves by its own `spread` (doubt), by a
    random stream named by its path, so that a draw means the same in every arm. `overrides` gives values by
    name.
    """
    given = _covariates(patient, fed) | _overridden(pathway, resolved, overrides or {})
    rows = [
        np.full(draws, given[name]) if name in given else _sample(*resolved[name], unit, draws, seed)
        for name, unit in pathway.params.items()
    ]
    return np.ascontiguousarray(rows, dtype=float)


def bounds(pathway: Pathway, resolved: Mapping[str, tuple[str, Parameter]], name: str) -> tuple[float, float]:
    """The bounds of a parameter in the pathway's unit; ModelError where its record has none."""
    record = resolved[name][1]
    if record.bounds is None:
        raise ModelError(f"{resolved[name][0]} needs bounds")
    scale = units.factor(record.unit, pathway.params[name])
    return record.bounds[0] * scale, record.bounds[1] * scale


def _sample(path: str, record: Parameter, unit: str, draws: int, seed: int) -> np.ndarray:
    deviates = np.zeros(draws)
    if record.spread and draws > 1:
        deviates[1:] = streams.stream(seed, "doubt", path).standard_normal(draws - 1)
    moved = record.at(deviates, record.spread)
    moved[0] = record.number
    return moved * units.factor(record.unit, unit)


def _covariates(patient: Patient, fed: bool) -> dict[str, float]:
    filtration = patient.creatinine_clearance * units.factor("mL/min", "L/h")
    return {"weight": patient.weight, "creatinine_clearance": filtration, "fed": float(fed)}


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


def _shifted(home: str, drug: Drug, shifts: list[Shift]) -> Mapping[str, Parameter]:
    found = drug.parameters if home.startswith("drugs.") else beside(home)
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
