"""The circuit's single numbers as one record per subject, so that the kernel reads `numbers.ia_conductance`.

Every record of the circuit's TOML files that holds one number becomes a field; tables along the motor pool stay with
the module that builds them. A joint's file and those of its two muscles (`joints/`, `muscles/`) give what differs
between limbs. A condition shifts the values; a draw moves them within their doubt.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import numpy as np

from spasmlab.circuit.afferent import EXTENSOR, SIDES
from spasmlab.errors import unknown
from spasmlab.parameter import PACKAGE, Parameter, beside, read_toml
from spasmlab.shift import Shift
from spasmlab.streams import stream

MODULES = (
    "motoneuron",
    "afferent",
    "synapse",
    "interneuron",
    "descending",
    "spindle",
    "muscle",
    "joint",
    "terminal",
)
JOINT = "ankle"  # where none is named
# What a bench sets for each subject, beside the parameters: release relative to no drug, by terminal class.
RELEASES = ("release_ia", "release_poly", "release_monoamine", "release_inhibitory")


def module_path(module: str) -> str:
    """The dotted path of a circuit module's parameters, e.g. ``circuit.synapse``."""
    return f"circuit.{module}"


def parts(folder: str) -> tuple[str, ...]:
    """The files of `joints` or `muscles`, by name."""
    return tuple(sorted(file.stem for file in (PACKAGE / "circuit" / folder).glob("*.toml")))


@cache
def muscles_of(joint: str) -> tuple[str, str]:
    """Names of a joint's extensor and flexor; InputError with the nearest match for an unknown joint."""
    if joint not in parts("joints"):
        raise unknown("joint", joint, parts("joints"))
    table = read_toml(PACKAGE / "circuit" / "joints" / f"{joint}.toml")
    for side in SIDES:
        if table.get(side) not in parts("muscles"):
            raise unknown(f"muscle in joint '{joint}'", str(table.get(side)), parts("muscles"))
    return table["extensor"], table["flexor"]


def parameters(
    condition: Shift, joint: str = JOINT, side: int = EXTENSOR, relief: Shift | None = None
) -> dict[str, Parameter]:
    """All circuit parameters under a condition, by their own name (unique over the circuit's modules).

    `side` says whose muscle's numbers they hold, the extensor's or the flexor's. A relief shifts what the condition left.
    """
    found: dict[str, Parameter] = {}
    for module in (*MODULES, f"joints.{joint}", f"muscles.{muscles_of(joint)[side]}"):
        path = module_path(module)
        shifted = condition.over(beside(path), path)
        found |= relief.over(shifted, path) if relief else shifted
    return found


@cache
def dtype() -> np.dtype:
    """The record's fields: every single-number parameter, then the releases; all float64."""
    modules = (
        *MODULES,
        *(f"{folder}.{name}" for folder in ("joints", "muscles") for name in parts(folder)),
    )
    names = [p.name for m in modules for p in beside(module_path(m)).values() if isinstance(p.value, float)]
    return np.dtype([(name, np.float64) for name in dict.fromkeys((*names, *RELEASES))])


@cache
def muscle_fields() -> tuple[str, ...]:
    """The fields that differ between muscles."""
    found = (p for name in parts("muscles") for p in beside(module_path(f"muscles.{name}")).values())
    return tuple(dict.fromkeys(p.name for p in found if isinstance(p.value, float)))


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
