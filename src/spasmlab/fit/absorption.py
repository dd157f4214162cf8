"""Fit of gabapentin's absorption to published numbers: ``python -m spasmlab.fit.absorption``.

Nine bioavailabilities fix uptake relative to the rate of stomach emptying; the time of the plasma peak after one
dose then fixes that rate. The results are written by hand into `data/drugs/gabapentin.toml`; a test fits again
and compares.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spasmlab import drug, evidence, exposure, regimen
from spasmlab.chain.absorption import GutWindow
from spasmlab.chain.solve import solve

ROWS: tuple[str, ...] = (
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
PEAK_ROW = "GBP-TMAX-CUN"
UPTAKE: tuple[str, ...] = ("uptake_vmax", "uptake_half", "non_saturable")
EMPTYING_RANGE = (0.5, 4.0)
POINTS = 64


@dataclass(frozen=True)
class Fit:
    """Fitted `values` by name; standard `errors` of the uptake (log scale for the two rates, linear for the share);
    `table` holds (row, dose mg, observed, fitted) for every bioavailability."""

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
    """Uptake relative to emptying from `ROWS`, then emptying from `PEAK_ROW`."""
    relative, errors, table = _relative_uptake()
    emptying = _emptying(relative)
    values = {"emptying_rate": emptying, **_scaled(relative, emptying)}
    return Fit(values, errors, table)


def _relative_uptake() -> tuple[
    dict[str, float], dict[str, float], tuple[tuple[str, float, float, float], ...]
]:
    """Unweighted least squares at an emptying rate of 1/h; errors from curvature and residual variance."""
    from scipy.optimize import least_squares

    doses, observed = np.array([_dose_and_share(row) for row in ROWS]).T

    def fitted(x: np.ndarray) -> np.ndarray:
        return np.array([bioavailability(d, 1.0, np.exp(x[0]), np.exp(x[1]), x[2]) for d in doses])

    start = [np.log(observed.mean() * doses.mean()), np.log(doses.mean()), observed.min() / 2]
    found = least_squares(lambda x: fitted(x) - observed, start, bounds=([0, 0, 0], [10, 10, 1]), xtol=1e-12)
    freedom = len(ROWS) - len(UPTAKE)
    covariance = np.linalg.inv(found.jac.T @ found.jac) * np.sum(found.fun**2) / freedom
    values = (float(np.exp(found.x[0])), float(np.exp(found.x[1])), float(found.x[2]))
    rows = zip(ROWS, doses.tolist(), observed.tolist(), fitted(found.x).tolist(), strict=True)
    errors = dict(zip(UPTAKE, np.sqrt(np.diag(covariance)).tolist(), strict=True))
    relative: dict[str, float] = dict(zip(UPTAKE, values, strict=True))
    return relative, errors, tuple(rows)


def _scaled(relative: dict[str, float], emptying: float) -> dict[str, float]:
    """Uptake at another emptying rate that gives the same bioavailability at every dose."""
    rates = {name: relative[name] * emptying for name in ("uptake_vmax", "uptake_half")}
    return {**rates, "non_saturable": relative["non_saturable"]}


def _emptying(relative: dict[str, float]) -> float:
    """The emptying rate [1/h] at which plasma peaks when `PEAK_ROW` says, in the default patient."""
    from scipy.optimize import brentq

    row = evidence.calibration(PEAK_ROW)
    taken = regimen.parse(f"{row.regimen.split(' mg')[0]} mg once")

    def late(emptying: float) -> float:
        overrides = {"emptying_rate": emptying, **_scaled(relative, emptying)}
        solved = solve(drug.load("gabapentin"), taken, days=1, overrides=overrides, checked=0)
        return float(exposure.metrics(solved, taken)["t_max"][0]) - row.number

    return float(brentq(late, *EMPTYING_RANGE, xtol=1e-6))  # pyright: ignore[reportArgumentType]


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
        error = f"  standard error {result.errors[name]:.3g}" if name in result.errors else ""
        print(f"{name:15} {value:8.4g}{error}")
    for row, dose, observed, fitted in result.table:
        print(f"{row:12} {dose:6g} mg  observed {observed:.3f}  fitted {fitted:.3f}")


if __name__ == "__main__":
    main()
