"""The state in which every rate is zero, for a pathway whose inputs are held constant."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from spasmlab.chain.pathway import Pathway
from spasmlab.chain.stage import Stage, arguments, call
from spasmlab.errors import SolveError

TOLERANCE = 1e-12


def fixed_point(pathway: Pathway, known: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Every signal and state at rest, given the pathway's parameters and inputs as arrays (patients,).

    Each stage is settled in turn. A state's rate must be linear in that state, as relaxation is; SolveError
    says which state does not come to rest otherwise. A state that no equation reads only adds up and is left out.
    """
    found = dict(known)
    read = {name for stage in pathway.stages for law in (stage.now, stage.rates) for name in arguments(law)}
    for stage in pathway.stages:
        for state in stage.states:
            if state not in read:
                continue
            found[state] = _at_rest(stage, state, found)
        found |= _now(stage, found)
    size = len(next(iter(known.values())))
    return {name: np.broadcast_to(value, size).copy() for name, value in found.items()}


def _at_rest(stage: type[Stage], state: str, known: Mapping[str, np.ndarray]) -> np.ndarray:
    def rate(value: np.ndarray) -> np.ndarray:
        others = {name: np.zeros_like(value) for name in stage.states if name not in known}
        values = {**known, **others, state: value}
        return call(stage.rates, {**values, **_now(stage, values)})[state]

    size = len(next(iter(known.values())))
    at_zero, at_one = rate(np.zeros(size)), rate(np.ones(size))
    rest = at_zero / (at_zero - at_one)
    scale = np.abs(at_zero) + np.abs(at_one)
    if not np.all(np.abs(rate(rest)) <= TOLERANCE * scale * (1 + np.abs(rest))):
        raise SolveError(f"'{state}' of {stage.__name__} does not come to rest")
    return rest


def _now(stage: type[Stage], known: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    return call(stage.now, known) if arguments(stage.now) else {}
