"""The levels of the chain, in order, with the parameters that each of them rests on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from spasmlab import provenance
from spasmlab.parameter import Parameter
from spasmlab.shift import Shift

if TYPE_CHECKING:
    from spasmlab.drug import Drug

TITLES = {
    "chain.absorption": "Absorption",
    "chain.disposition": "Plasma",
    "chain.brain": "Cord and spinal fluid",
    "chain.binding": "α2δ occupancy",
    "chain.gaba": "GABA (no effect)",
    "chain.channel": "Calcium channels",
    "chain.release": "Transmitter release",
    "assays.h_reflex": "H-reflex",
    "assays.stretch": "Stretch reflex",
    "assays.spasm": "Spasm",
    "endpoints.spasticity": "Modified Ashworth scale",
    "endpoints.spasticity_scales": "Spasticity as trials score it",
    "endpoints.pain": "Neuropathic pain",
    "endpoints.restless_legs": "Restless legs",
    "endpoints.seizures": "Partial seizures",
    "endpoints.cramps": "Cramps",
}
SCALE, SCALES = "endpoints.spasticity", "endpoints.spasticity_scales"
ENDPOINTS = "endpoints."


def title(level: str) -> str:
    """A level in words."""
    return TITLES.get(level, level.rsplit(".", 1)[-1].replace("_", " "))


@dataclass(frozen=True)
class Behind:
    """Which parameters stand behind each level, for one drug (None: no drug) in one condition.

    The chain is a line: a level rests on its own parameters and on all those before it.
    """

    drug: Drug | None
    condition: Shift
    hypothesis: Shift
    formulation: str = "ir"

    @cached_property
    def chain(self) -> dict[str, dict[str, Parameter]]:
        """Parameters of each stage of the slow chain by path, by stage module; empty without a drug."""
        if self.drug is None:
            return {}
        return provenance.chain_parameters(self.drug, self.condition, self.hypothesis, self.formulation)

    @property
    def effects(self) -> tuple[Parameter, ...]:
        """The records of what the drug does at its sites of the circuit."""
        if self.drug is None:
            return ()
        named = (*self.drug.effects.values(), *self.hypothesis.effects.values())
        return tuple(record for effect in named for record in effect.records)

    def level(self, level: str) -> dict[str, Parameter]:
        """Parameters behind one level by path."""
        found = {} if self.drug is None else provenance.parameters_of("run", self.condition)
        for module, records in self.chain.items():
            found |= records
            if module == level:
                return found
        if level in (SCALE, SCALES) or not level.startswith(ENDPOINTS):  # others read releases alone
            found |= {record.path: record for record in self.effects}
        for folder in self._folders(level):
            found |= provenance.parameters_of(folder, self.condition)
        return found

    def _folders(self, level: str) -> tuple[str, ...]:
        if level == SCALE:
            return ("circuit", "assays.stretch", SCALE)
        if level == SCALES:
            return ("circuit", "assays.stretch", "assays.spasm", SCALE, SCALES)
        if level.startswith(ENDPOINTS):
            return (level,)
        return ("circuit", level)
