"""Bodies: which stages a drug passes, in order, named in the drug's own file.

    body = ["stomach", "gut-window", "renal-clearance", "two-compartments", "alpha2delta"]

A formulation may name another (`[formulations.enacarbil] body = [...]`). No drug is named in code.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from spasmlab.chain.absorption import (
    FirstOrder,
    GutWindow,
    PlainUptake,
    ReleasingTablet,
    RetainedTablet,
    Stomach,
)
from spasmlab.chain.binding import Binding
from spasmlab.chain.brain import InterstitialFluid, SpinalFluid
from spasmlab.chain.channel import CalciumChannels
from spasmlab.chain.disposition import (
    ConstantElimination,
    Metabolite,
    OneCompartment,
    PlainClearance,
    RenalClearance,
    TwoCompartments,
)
from spasmlab.chain.gaba import GabaActions
from spasmlab.chain.intravenous import Intravenous
from spasmlab.chain.pathway import Pathway
from spasmlab.chain.release import Release
from spasmlab.chain.stage import Stage
from spasmlab.errors import InputError, ModelError, unknown

if TYPE_CHECKING:
    from spasmlab.drug import Drug

FROM_PLASMA = (InterstitialFluid, SpinalFluid, Binding, GabaActions, CalciumChannels, Release)
PARTS: dict[str, tuple[type[Stage], ...]] = {
    "stomach": (Stomach,),
    "retained-tablet": (RetainedTablet,),
    "releasing-tablet": (ReleasingTablet,),
    "gut-window": (GutWindow,),
    "plain-uptake": (PlainUptake,),
    "first-order": (FirstOrder,),
    "intravenous": (Intravenous,),
    "renal-clearance": (RenalClearance,),
    "plain-clearance": (PlainClearance,),
    "one-compartment": (OneCompartment,),
    "two-compartments": (TwoCompartments,),
    "metabolite": (Metabolite,),
    "spinal-fluid": (SpinalFluid,),
    "alpha2delta": FROM_PLASMA,
}
AFTER_PLASMA = (Metabolite, *FROM_PLASMA)
DEFAULT = ("stomach", "gut-window", "renal-clearance", "two-compartments", "alpha2delta")


def of(drug: Drug, formulation: str = "ir") -> Pathway:
    """The pathway of a drug in one of its formulations; InputError where its body cannot be put together."""
    names = drug.body_of(formulation)
    try:
        return pathway(names)
    except ModelError as problem:
        raise InputError(f"the body {list(names)} of drug '{drug.name}': {problem}") from problem


@cache
def pathway(names: tuple[str, ...]) -> Pathway:
    """The pathway of named parts; InputError with the nearest match for an unknown part."""
    for name in names:
        if name not in PARTS:
            raise unknown("part of a body", name, PARTS)
    return Pathway(tuple(stage for name in names for stage in PARTS[name]))


def whole() -> Pathway:
    """From the mouth to the release of every class of terminal: gabapentin, immediate release."""
    return pathway(DEFAULT)


@cache
def from_plasma(names: tuple[str, ...] = DEFAULT) -> Pathway:
    """What a body of named parts makes of a given plasma concentration: everything after the blood.

    A metabolite forms from what is eliminated, which at a constant level is clearance times that level.
    """
    stages = pathway(names).stages
    later = tuple(stage for stage in stages if stage in AFTER_PLASMA)
    if Metabolite in later:
        clearance = tuple(stage for stage in stages if stage in (RenalClearance, PlainClearance))
        later = (*clearance, ConstantElimination, *later)
    return Pathway(later, given={"plasma_concentration": "mg/L"})


@cache
def from_bath() -> Pathway:
    """From a given concentration around the synapse onwards."""
    return Pathway(
        tuple(stage for stage in FROM_PLASMA if stage not in (InterstitialFluid, SpinalFluid)),
        given={"isf_concentration": "mg/L"},
    )
