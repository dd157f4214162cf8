"""The theophylline set fitted again, beside published estimates: ``python -m spasmlab.fit.theophylline``.

Published: the first-order estimates of the users guide of NONMEM for one compartment with first-order absorption,
as recalled, in the rounding in which textbooks repeat them; a check that the fit is of their size, not a calibration.
"""

from __future__ import annotations

import numpy as np

from spasmlab import drug
from spasmlab.fit import data, population
from spasmlab.fit.individual import Prior, Residual
from spasmlab.fit.model import ChainModel
from spasmlab.parameter import PACKAGE

NAMES = ("absorption_rate_constant", "clearance", "volume")
UNITS = ("1/h", "L/h/kg", "L/kg")
PUBLISHED = ((1.3, 1.8), (0.036, 0.044), (0.43, 0.52))  # ranges of printed estimates, in UNITS
BEGUN = Residual(additive=0.5, proportional=0.1)


def model() -> ChainModel:
    """One compartment; clearance and volume in proportion to weight, at 70 kg."""
    return ChainModel(drug.load(PACKAGE / "data" / "datasets" / "theophylline.toml"), NAMES)


def start() -> Prior:
    """Where the fit begins: the values of the drug's file."""
    one = model()
    return Prior(one.start, np.diag([record.between**2 for record in one.records]), BEGUN)


def fit(errors: bool = True) -> population.PopulationFit:
    """The fit of all twelve subjects."""
    return population.fit(data.theophylline(), model(), start=start(), errors=errors)


def per_kg(values: np.ndarray) -> np.ndarray:
    """Values of the model in the units in which they are published."""
    from spasmlab.parameter import beside

    weight = beside("chain.disposition")["reference_weight"].number
    return values / np.array([1.0, weight, weight])


def main() -> None:
    """Print estimates beside published ones."""
    found = fit()
    low, high = (per_kg(values) for values in found.interval())
    print(f"-2 log likelihood {found.minus_two_log_likelihood:.2f}, residual {found.estimates.residual}")
    for i, name in enumerate(NAMES):
        print(
            f"{name:25} {per_kg(found.values)[i]:8.4g} ({low[i]:.4g} to {high[i]:.4g}) {UNITS[i]:7}"
            f" published {PUBLISHED[i][0]:g} to {PUBLISHED[i][1]:g};"
            f" spread {found.estimates.spread[i]:.2f}, shrinkage {100 * found.shrinkage[i]:.0f} %"
        )


if __name__ == "__main__":
    main()
