"""How a drug's numbers vary: between patients, between occasions of one patient, between studies; and the residual.

The spread between patients is the `between` of each record; the rest stands in `data/variability/DRUG.toml`:

    [correlations."volume~renal_clearance_slope"]    # of patients' deviates, on the scale of each record
    [occasion.uptake_vmax]                           # SD from one occasion to the next, on the record's scale
    [study.uptake_vmax]                              # SD between studies, on the record's scale
    [residual.proportional]                          # of a measured level about the predicted one

Doubt about the values themselves is not in here: it moves everyone together (`chain.resolve`). Random numbers are
named by path and patient: no draw changes when another parameter, patient, occasion or study is added.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

import numpy as np

from spasmlab import streams, units
from spasmlab.chain import resolve
from spasmlab.chain.pathway import Pathway
from spasmlab.drug import Drug
from spasmlab.errors import unknown
from spasmlab.parameter import PACKAGE, Parameter, parameters_from, read_toml
from spasmlab.population import People, mixed, mixing

FOLDER = PACKAGE / "data" / "variability"
KINDS = ("correlations", "occasion", "study", "residual")


@dataclass(frozen=True)
class Variability:
    """Records of one drug's variability, each kind by the name of the parameter (or pair, or kind of residual)."""

    name: str
    correlations: Mapping[str, Parameter] = field(default_factory=dict)
    occasion: Mapping[str, Parameter] = field(default_factory=dict)
    study: Mapping[str, Parameter] = field(default_factory=dict)
    residual: Mapping[str, Parameter] = field(default_factory=dict)

    @property
    def parameters(self) -> dict[str, Parameter]:
        """Every record by path."""
        return {p.path: p for kind in KINDS for p in getattr(self, kind).values()}


@dataclass(frozen=True)
class Setting:
    """Where and when patients are seen: the occasion (0, 1, …), the study (None for the typical one), and the
    draw of the doubt about the values (0 for the central ones)."""

    occasion: int = 0
    study: str | None = None
    draw: int = 0


def names() -> tuple[str, ...]:
    """The drugs with a file of variability, sorted."""
    return tuple(sorted(file.stem for file in FOLDER.glob("*.toml")))


@cache
def load(drug: str) -> Variability:
    """The variability of a drug; empty where nothing is known of it. InputError names a wrong field of the file."""
    file = FOLDER / f"{drug}.toml"
    return read(file) if file.exists() else Variability(drug)


def read(file: Path) -> Variability:
    """The variability in a file of the user's own."""
    table = read_toml(file)
    if stray := sorted(set(table) - set(KINDS)):
        raise unknown(f"field in '{file.name}'", stray[0], KINDS)
    found = {
        kind: parameters_from(table.get(kind, {}), f"variability.{file.stem}.{kind}", file.name)
        for kind in KINDS
    }
    return Variability(file.stem, **found)


def values(
    pathway: Pathway,
    resolved: Mapping[str, tuple[str, Parameter]],
    drug: Drug,
    people: People,
    *,
    fed: float = 0.0,
    seed: int = 0,
    setting: Setting | None = None,
    overrides: Mapping[str, float] | None = None,
    varying: Variability | None = None,
) -> np.ndarray:
    """Parameters of each patient in the pathway's units and order; shape (parameters, patients).

    Each is the setting's value (central, or a draw of the doubt) moved on the record's own scale by the patient's
    deviate, the occasion's and the study's. `overrides` hold for every patient.
    """
    setting, known = setting or Setting(), _passed(varying or load(drug.name), resolved, drug)
    centres = resolve.values(
        pathway, resolved, people.person(0), fed=fed, draws=setting.draw + 1, seed=seed, overrides=overrides
    )
    centre = centres[:, setting.draw]
    moves = _moves(resolved, people, seed, setting, known)
    covariates = _covariates(people, fed)
    rows = []
    for (name, unit), value in zip(pathway.params.items(), centre, strict=True):
        if name in covariates and name not in (overrides or {}):
            rows.append(covariates[name])
        elif name in moves and name not in (overrides or {}):
            rows.append(_moved(resolved[name][1], unit, float(value), moves[name]))
        else:
            rows.append(np.full(len(people), value))
    return np.ascontiguousarray(rows, dtype=float)


def _passed(known: Variability, resolved: Mapping[str, tuple[str, Parameter]], drug: Drug) -> Variability:
    """The variability of what this body has: a product that misses a part of the drug's way does not vary there.

    InputError for a name that no product of the drug has.
    """
    own = {*resolved, *drug.parameters, *(n for f in drug.formulations.values() for n in f.parameters)}

    def kept(records: Mapping[str, Parameter]) -> dict[str, Parameter]:
        for name in (part for pair in records for part in pair.split("~")):
            if name not in own:
                raise unknown(f"parameter in the variability of '{known.name}'", name, own)
        return {pair: record for pair, record in records.items() if set(pair.split("~")) <= set(resolved)}

    return replace(
        known,
        correlations=kept(known.correlations),
        occasion=kept(known.occasion),
        study=kept(known.study),
    )


def _moves(
    resolved: Mapping[str, tuple[str, Parameter]],
    people: People,
    seed: int,
    setting: Setting,
    known: Variability,
) -> dict[str, np.ndarray]:
    """How far each parameter of each patient lies from the centre, in units of its own scale, (patients,)."""
    moves: dict[str, np.ndarray] = _between(resolved, people, seed, known)
    still = np.zeros(len(people))
    for name, record in known.occasion.items():
        path = ("occasion", setting.occasion, resolved[name][0])
        deviates = streams.normals(seed, *path, first=people.first, count=len(people))
        moves[name] = moves.get(name, still) + record.number * deviates
    for name, record in known.study.items() if setting.study is not None else ():
        path = ("study", str(setting.study), resolved[name][0])
        moves[name] = moves.get(name, still) + record.number * streams.stream(seed, *path).standard_normal()
    return {name: np.broadcast_to(move, len(people)) for name, move in moves.items()}


def _between(
    resolved: Mapping[str, tuple[str, Parameter]], people: People, seed: int, known: Variability
) -> dict[str, np.ndarray]:
    """Correlated deviates of every parameter that differs between patients, times its spread."""
    spread = {name: record.between for name, (_, record) in resolved.items() if record.between > 0}
    alone = {
        name: streams.normals(seed, "between", resolved[name][0], first=people.first, count=len(people))
        for name in spread
    }
    together = sorted({name for pair in known.correlations for name in pair.split("~")})
    correlated = tuple(name for name in together if name in spread)
    pairs = {
        pair: record.number
        for pair, record in known.correlations.items()
        if set(pair.split("~")) <= set(correlated)
    }
    if correlated:
        apart = np.array([alone[name] for name in correlated])
        joined = mixed(mixing(correlated, pairs, known.name), apart)
        alone |= dict(zip(correlated, joined, strict=True))
    return {name: spread[name] * deviates for name, deviates in alone.items()}


def _moved(record: Parameter, unit: str, centre: float, move: np.ndarray) -> np.ndarray:
    """`centre` [unit] moved on the scale of its record, within its bounds."""
    factor = units.factor(record.unit, unit)
    return record.model_copy(update={"value": centre / factor}).at(move, 1.0) * factor


def _covariates(people: People, fed: float) -> dict[str, np.ndarray]:
    """What the chain reads of each patient, an array (patients,) a name."""
    each = [resolve.covariates(people.person(place), fed) for place in range(len(people))]
    return {name: np.array([found[name] for found in each]) for name in each[0]}
