"""The unit test of an equation: measured in other base units, it must say the same thing.

Every input is multiplied by the factor of its unit under a change of base units (mass, length, time,
substance); every output must come out multiplied by its own factor. A sum of unlike things, or a wrong
declared unit, fails. A missing dimensionless factor passes: oracles must catch that.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from spasmlab import units
from spasmlab.chain.stage import Stage, arguments, call
from spasmlab.errors import ModelError

if TYPE_CHECKING:
    from spasmlab.chain.pathway import Pathway

RESCALING = 1.7
TOLERANCE = 1e-9
TRIALS = 3


@dataclass(frozen=True)
class Fault:
    """An output of a stage that does not scale as its unit says under a change of one base dimension."""

    stage: str
    output: str
    dimension: str

    def __str__(self) -> str:
        return f"{self.stage}: '{self.output}' has the wrong unit in {self.dimension}"


def faults(stage: type[Stage], seed: int = 0) -> tuple[Fault, ...]:
    """Every unit error of a stage; empty where its equations and declarations agree."""
    inputs = {**stage.params, **stage.reads, **stage.states, **stage.writes}
    rates = {name: f"({unit})/h" if unit != "1" else "1/h" for name, unit in stage.states.items()}
    found: list[Fault] = []
    for function, outputs in ((stage.now, stage.writes), (stage.rates, rates)):
        if not arguments(function):
            continue
        for dimension in _dimensions([*inputs.values(), *outputs.values()]):
            wrong = _wrong(function, inputs, outputs, dimension, seed)
            found += [Fault(stage.__name__, output, dimension) for output in wrong]
    return tuple(found)


def require(pathway: Pathway) -> None:
    """Raise ModelError naming the first stage, output and dimension that fail."""
    for stage in pathway.stages:
        if found := faults(stage):
            raise ModelError(str(found[0]))


def _dimensions(texts: list[str]) -> list[str]:
    return sorted({name for text in texts for name in units.dimensions(text)})


def _wrong(
    function, inputs: Mapping[str, str], outputs: Mapping[str, str], dimension: str, seed: int
) -> list[str]:
    draw, wrong = random.Random(seed), []
    for _ in range(TRIALS):
        values = {name: draw.uniform(0.2, 2.0) for name in arguments(function)}
        scaled = {name: value * _factor(inputs[name], dimension) for name, value in values.items()}
        before, after = call(function, values), call(function, scaled)
        for name, text in outputs.items():
            expected = before[name] * _factor(text, dimension)
            if abs(after[name] - expected) > TOLERANCE * (abs(expected) + abs(after[name])):
                wrong.append(name)
    return sorted(set(wrong))


def _factor(unit: str, dimension: str) -> float:
    return RESCALING ** units.dimensions(unit).get(dimension, 0.0)
