"""The subjects that stand for those of a study, so that a published mean is predicted as a mean over people.

A mean of levels that decline at different rates declines more slowly than any one curve near its middle: late means
are carried by the slowest subjects. The typical patient alone would fall below them, however right the model is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from spasmlab import parameter

if TYPE_CHECKING:
    from spasmlab.chain.problem import Problem
    from spasmlab.drug import Drug
    from spasmlab.parameter import Parameter


def problems(problem: Problem, records: Mapping[str, Parameter], drug: Drug) -> list[Problem]:
    """The problem in each subject: every parameter that differs between patients moved by the subject's deviate.

    `records` by name; deviates are the same for all rows and draws (`deviates`), correlated as the drug's file of
    variability says.
    """
    from spasmlab import variability
    from spasmlab.population import mixed, mixing

    names = tuple(name for name, r in records.items() if r.between > 0 and name in problem.pathway.params)
    if not names:
        return [problem]
    apart = deviates(len(names))
    known = variability.load(drug.name).correlations
    pairs = {pair: r.number for pair, r in known.items() if set(pair.split("~")) <= set(names)}
    joined = mixed(mixing(names, pairs, drug.name), apart) if pairs else apart
    found = []
    for person in range(joined.shape[1]):
        moved = problem.parameters.copy()
        for name, deviate in zip(names, joined[:, person], strict=True):
            place = list(problem.pathway.params).index(name)
            moved[place] = _moved(records[name], moved[place], records[name].between * deviate)
        found.append(replace(problem, parameters=moved))
    return found


@cache
def deviates(dimensions: int) -> np.ndarray:
    """Standard normal deviates (dimensions, subjects): even in space (Sobol), each of mean 0 and variance 1."""
    from scipy.special import ndtri
    from scipy.stats import qmc

    count = int(parameter.beside("predicted")["subjects_power"].number)
    sequence = qmc.Sobol(dimensions, scramble=True, seed=dimensions)  # pyright: ignore[reportCallIssue]
    points = sequence.random_base2(count)
    found = ndtri(np.clip(points, 0.5 / len(points) / 2, 1 - 0.5 / len(points) / 2)).T
    found -= found.mean(axis=1, keepdims=True)
    return found / found.std(axis=1, keepdims=True)


def _moved(record: Parameter, values: np.ndarray, move: float) -> np.ndarray:
    """Values moved on the scale of their record."""
    if record.transform == "logit":
        odds = values / np.maximum(1 - values, 1e-12) * np.exp(move)
        return odds / (1 + odds)
    return values + move if record.transform == "linear" else values * np.exp(move)
