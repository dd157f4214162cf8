"""Fit of gabapentin's gut uptake to nine published bioavailabilities: ``python -m spasmlab.fit.absorption``.

Bioavailability fixes uptake only relative to the rate of stomach emptying, which is held at its assumed
value. The results are written by hand into `data/drugs/gabapentin.toml`; a test fits again and compares.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spasmlab import drug, evidence, regimen
from spasmlab.chain.absorption import GutWindow

ROWS = (
    "GBP-F-LAB1",
    "GBP-F-LAB2",
    "GBP-F-LAB3",
    "GBP-F-LAB4",
    "GBP-F-LAB5",
    "GBP-F-BOCK1",
    "GBP-F-STEW1",
    "GBP-F-STEW2",
    "GBP-F-GID00",
)
FITTED = ("uptake_vmax", "uptake_half", "non_saturable")
POINTS = 64


@dataclass(frozen=True)
class Fit:
    """Fitted `values` and their standard errors (log scale for the two rates, linear for the share), by name;
    `table` holds (row, dose mg, observed, fitted) for every row."""

    values: dict[str, float]
    errors: dict[str, float]
    table: tuple[tuple[str, float, float, float], ...]


def bioavailability(
    dose: float, emptying_rate: float, vmax: float, half: float, non_saturable: float
) -> float:
    """Share of one dose [mg] absorbed: the mean of U/R over the dose as it leaves the stomach, R = k·D·x.

    Rates in mg/h and 1/h. The integral over x in 0..1 is a Gauss–Legendre sum.
    """
    nodes, weights = np.polynomial.legendre.leggauss(POINTS)
    delivery = emptying_rate * dose * (nodes + 1) / 2
    absorbed = GutWindow.now(delivery, vmax, half, non_saturable)["absorption_rate"]
    return float(np.sum(weights * absorbed / delivery) / 2)


def fit() -> Fit:
    """Least squares over `ROWS`, unweighted; standard errors from the curvature and the residual variance."""
    from scipy.optimize import least_squares

    emptying = drug.load("gabapentin").parameters["emptying_rate"].number
    doses, observed = np.array([_dose_and_share(row) for row in ROWS]).T

    def fitted(x: np.ndarray) -> np.ndarray:
        return np.array([bioavailability(d, emptying, np.exp(x[0]), np.exp(x[1]), x[2]) for d in doses])

    start = [np.log(observed.mean() * doses.mean() * emptying), np.log(doses.mean()), observed.min() / 2]
    found = least_squares(lambda x: fitted(x) - observed, start, bounds=([0, 0, 0], [10, 10, 1]), xtol=1e-12)
    freedom = len(ROWS) - len(FITTED)
    covariance = np.linalg.inv(found.jac.T @ found.jac) * np.sum(found.fun**2) / freedom
    values = [float(np.exp(found.x[0])), float(np.exp(found.x[1])), float(found.x[2])]
    rows = zip(ROWS, doses.tolist(), observed.tolist(), fitted(found.x).tolist(), strict=True)
    return Fit(
        values=dict(zip(FITTED, values, strict=True)),
        errors=dict(zip(FITTED, np.sqrt(np.diag(covariance)).tolist(), strict=True)),
        table=tuple(rows),
    )


def _dose_and_share(id: str) -> tuple[float, float]:
    """Dose [mg] and share absorbed of a calibration row; the regimens read '300 mg q8h (…)' or '100 mg'."""
    row = evidence.calibration(id)
    amount = row.regimen.split("(")[0].strip().split(" mg")[0]
    _, amounts = regimen.parse(f"{amount} mg once").doses(1)
    return float(amounts[0]), row.number / 100


def main() -> None:
    """Print the fit."""
    result = fit()
    for name, value in result.values.items():
        print(f"{name:15} {value:8.4g}  standard error {result.errors[name]:.3g}")
    for row, dose, observed, fitted in result.table:
        print(f"{row:12} {dose:6g} mg  observed {observed:.3f}  fitted {fitted:.3f}")


if __name__ == "__main__":
    main()
