"""The dose of a regimen as one number that a slider moves: the largest amount of its last part.

The other parts of a titration stay as they are written; amounts at clock times keep their proportions.
"""

from __future__ import annotations

from dataclasses import replace

from spasmlab import regimen
from spasmlab.regimen import Part, Regimen

# What the page begins with when a drug is chosen, and how far its slider goes: usual practice, in no calculation.
USUAL = {
    "gabapentin": ("600 mg tid", 1600.0),
    "pregabalin": ("150 mg bid", 300.0),
    "baclofen": ("20 mg tid", 40.0),
    "tizanidine": ("4 mg tid", 12.0),
    "dantrolene": ("50 mg tid", 200.0),
    "diazepam": ("5 mg tid", 20.0),
    "cyproheptadine": ("4 mg tid", 12.0),
}
STEPS = 64  # of the slider
PRODUCTS = {"gastroretentive": "1800 mg daily", "enacarbil": "600 mg bid"}


def usual(drug: str, formulation: str = "ir") -> str:
    """A usual regimen of a drug's product."""
    return PRODUCTS.get(formulation, USUAL[drug][0])


def most(drug: str, text: str) -> float:
    """Where the slider ends: the largest usual dose, or twice the one that is written where that is more."""
    written = dose(text)
    return USUAL[drug][1] if written <= USUAL[drug][1] else 2 * written


def step(drug: str, text: str) -> float:
    """The slider's step, a round number of its unit."""
    rough = most(drug, text) / STEPS
    return next((s for s in (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 25.0, 50.0) if s >= rough), 100.0)


def dose(text: str) -> float:
    """The largest amount of the last part, in `unit`; InputError for a text that is no regimen."""
    return max(amount.mg for amount in _last(text).amounts)


def unit(text: str) -> str:
    """The unit of the written amounts: mg, mg/kg or mg/kg/day."""
    amount = _last(text).amounts[0]
    return "mg" + ("/kg" if amount.per_kg else "") + ("/day" if amount.per_day else "")


def with_dose(text: str, amount: float) -> str:
    """The regimen with another dose in its last part."""
    written = regimen.parse(text)
    share = amount / dose(text)
    amounts = tuple(replace(one, mg=round(one.mg * share, 6)) for one in written.parts[-1].amounts)
    return Regimen((*written.parts[:-1], replace(written.parts[-1], amounts=amounts))).text


def _last(text: str) -> Part:
    return regimen.parse(text).parts[-1]
