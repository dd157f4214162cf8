"""The circuit's single numbers as one record per subject, so that the kernel reads `numbers.ia_conductance`.

Every record of the circuit's TOML files that holds one number becomes a field; tables along the motor pool stay with
the module that builds them. A condition shifts the values; a draw moves them within their doubt.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import numpy as np

from spasmlab.parameter import Parameter, beside
from spasmlab.shift import Shift
from spasmlab.streams import stream

MODULES = ("motoneuron", "afferent", "synapse", "interneuron", "spindle", "muscle", "joint", "terminal")
# What a bench sets for each subject, beside the parameters: release relative to no drug, by terminal class.
RELEASES = ("release_ia", "release_poly", "release_monoamine", "release_inhibitory")


def module_path(module: str) -> str:
    """The dotted path of a circuit module's parameters, e.g. ``circuit.synapse``."""
    return f"circuit.{module}"


def parameters(condition: Shift) -> dict[str, Parameter]:
    """All circuit parameters under a condition, by their own name (unique over the circuit's modules)."""
    found: dict[str, Parameter] = {}
    for module in MODULES:
        found |= condition.over(beside(module_path(module)), module_path(module))
    return found


@cache
def dtype() -> np.dtype:
    """The record's fields: every single-number parameter, then the releases; all float64."""
    names = [p.name for m in MODULES for p in beside(module_path(m)).values() if isinstance(p.value, float)]
    return np.dtype([(name, np.float64) for name in (*names, *RELEASES)])


def numbers(known: Mapping[str, Parameter], seed: int, draw: int) -> np.ndarray:
    """A record (shape ``()``) of the parameters' values with no drug; draw 0 is central, others lie within doubt."""
    record = np.zeros((), dtype())
    for name in record.dtype.names or ():
        record[name] = 1.0 if name in RELEASES else value(known[name], seed, draw)
    return record


def value(parameter: Parameter, seed: int, draw: int) -> float:
    """A parameter's central value for draw 0; for others moved by its doubt, by the stream of its own name."""
    if draw == 0 or not parameter.spread:
        return parameter.number
    z = stream(seed, "doubt", "circuit", parameter.name, draw).normal()
    return float(parameter.at(np.array(z), parameter.spread))
