"""Spread of gabapentin's uptake from one occasion to the next: ``python -m spasmlab.fit.occasion``.

Fitted so that the AUC of 400 mg varies within a subject as was measured, given how much stomach emptying varies.
AUC = F·D/CL, so its spread is that of F. The result is written by hand into `data/variability/gabapentin.toml`; a
test fits again and compares.
"""

from __future__ import annotations

import numpy as np

from spasmlab import drug, evidence, patient, regimen, variability
from spasmlab.chain import body, resolve
from spasmlab.chain.problem import Problem, run

ROW = "GBP-IOV-GID00"
POINTS = 15  # Gauss–Hermite points for each of the two deviates
EMPTY_H = 96.0  # by then the stomach is empty in every occasion


def spread_of_area(dose: float, of_uptake: float, of_emptying: float) -> float:
    """Coefficient of variation of AUC within a subject, from log SDs of uptake and of emptying."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(POINTS)
    weights = np.outer(weights, weights).ravel() / weights.sum() ** 2
    first, second = (deviates.ravel() for deviates in np.meshgrid(nodes, nodes))
    moves = {"uptake_vmax": of_uptake * first, "emptying_rate": of_emptying * second}
    shares = _absorbed(dose, {name: np.exp(move) for name, move in moves.items()}) / dose
    mean = np.sum(weights * shares)
    return float(np.sqrt(np.sum(weights * (shares - mean) ** 2)) / mean)


def _absorbed(dose: float, factors: dict[str, np.ndarray]) -> np.ndarray:
    """Drug absorbed [mg] of one dose in the default patient, with parameters multiplied by `factors`."""
    medicine = drug.load("gabapentin")
    pathway = body.of(medicine, "ir")
    resolved = resolve.records(pathway, medicine, None, None)
    centre = resolve.values(pathway, resolved, patient.default(), fed=0.0, draws=1, seed=0)
    values = np.repeat(centre, POINTS**2, axis=1)
    one = Problem(pathway, values, np.zeros(1), np.array([dose]), resolve.bounds(pathway, resolved, "lag")[1])
    for name, factor in factors.items():
        one = one.with_parameter(name, one.row(name) * factor)
    return run(one, np.array([0.0, EMPTY_H]), ["absorbed_amount"])["absorbed_amount"][:, -1]


def fit() -> float:
    """The log SD of uptake between occasions that gives the measured spread of AUC."""
    from scipy.optimize import brentq

    row = evidence.calibration(ROW)
    _, amounts = regimen.parse(row.regimen.replace("single x4", "once")).doses(1)
    emptying = variability.load("gabapentin").occasion["emptying_rate"].number
    missing = lambda sd: spread_of_area(float(amounts[0]), sd, emptying) - row.number / 100
    return float(brentq(missing, 0.0, 1.0, xtol=1e-4))  # pyright: ignore[reportArgumentType]


if __name__ == "__main__":
    print(f"log SD of uptake_vmax between occasions: {fit():.3f}")
