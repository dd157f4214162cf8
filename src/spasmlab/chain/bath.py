"""A slice in a bath: the chain from binding to release at a constant concentration, for minutes or hours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from spasmlab.chain import body
from spasmlab.chain.binding import Binding
from spasmlab.chain.channel import CalciumChannels
from spasmlab.chain.solve import parameter_values
from spasmlab.chain.stage import arguments, call
from spasmlab.chain.steady import fixed_point
from spasmlab.errors import InputError

if TYPE_CHECKING:
    import xarray

    from spasmlab.drug import Drug
    from spasmlab.shift import Shift

AMINO_ACIDS = ("physiological", "none")


def clamped(
    drug: Drug,
    bath: float,
    hours: float,
    condition: Shift | None = None,
    hypothesis: Shift | None = None,
    *,
    amino_acids: str = "physiological",
    draws: int = 1,
    seed: int = 0,
    overrides: Mapping[str, float] | None = None,
) -> xarray.Dataset:
    """Every signal from binding onwards after `hours` [h] in `bath` [µmol/L] of a drug; variables (draw,).

    Binding and the fast arm are there at once; the surface channels follow, s = s∞ + (1 − s∞)·exp(−t/τ), from a tissue
    that never met the drug. `amino_acids` "none" is an artificial fluid in which nothing competes for the site,
    "physiological" the living cord. Raises InputError for a negative concentration or time, or a drug without a site.
    """
    import xarray

    for what, value, unit in (("bath concentration", bath, "µmol/L"), ("exposure", hours, "h")):
        if not 0 <= value < np.inf:
            raise InputError(f"the {what} must be zero or more, not {value:g} {unit}")
    if amino_acids not in AMINO_ACIDS:
        raise InputError(f"unknown amino acids '{amino_acids}'; possible: {', '.join(AMINO_ACIDS)}")
    if Binding not in body.of(drug).stages:
        raise InputError(
            f"drug '{drug.name}' has no binding site in a slice; possible: gabapentin, pregabalin"
        )
    level = {"amino_acid_level": 0.0} if amino_acids == "none" else {}
    names, parameters = parameter_values(
        drug, condition, hypothesis, draws=draws, seed=seed, overrides={**(overrides or {}), **level}
    )
    pathway = body.from_bath()
    known = {name: row for name, row in zip(names, parameters, strict=True) if name in pathway.params}
    known["isf_concentration"] = bath * known["molar_mass"]
    found = fixed_point(pathway, known)
    rest = found["surface_channels"]
    found["surface_channels"] = rest + (1 - rest) * np.exp(-hours / known["trafficking_time"])
    for stage in pathway.stages[pathway.stages.index(CalciumChannels) :]:
        found |= call(stage.now, found) if arguments(stage.now) else {}
    meanings = body.whole().meanings
    variables = {
        n: ("draw", np.broadcast_to(found[n], draws), {"unit": unit, "long_name": meanings[n]})
        for n, unit in pathway.signals.items()
    }
    attrs = {"drug": drug.name, "bath": float(bath), "hours": float(hours), "amino_acids": amino_acids}
    return xarray.Dataset(variables, {"draw": np.arange(draws)}, attrs)
