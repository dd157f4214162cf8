"""The result of `spasmlab assay`: one protocol on the cord of one condition, without and with a drug."""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from spasmlab import condition as conditions
from spasmlab import food, result, shown
from spasmlab import hypothesis as hypotheses
from spasmlab import relief as reliefs
from spasmlab import request as requests
from spasmlab import run as runs
from spasmlab.errors import InputError, nearest
from spasmlab.levels import Behind
from spasmlab.progress import Stages
from spasmlab.quantity import Quantity
from spasmlab.request import Request
from spasmlab.run import ARMS
from spasmlab.shift import Shift

if TYPE_CHECKING:
    from pathlib import Path

    import xarray

    from spasmlab.drug import Drug
    from spasmlab.shown import Shown

DRAWS = 8
_LEVEL = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)\s*(\S*)\s*", re.IGNORECASE)
_LEVEL_UNITS = ("mg/L", "ug/mL", "µg/mL", "ng/mL", "umol/L", "µmol/L", "nM", "uM", "µM", "mM")
_TIME_UNITS = ("min", "h", "day", "days")
DEFAULT_EXPOSURE = "20 min"  # as an acute slice is bathed before it is recorded from


@dataclass(frozen=True)
class AssayQuestion:
    """The words of `spasmlab assay` as they were given."""

    name: str
    condition: str
    severity: float = 1.0
    drug: str | None = None
    regimen: str | None = None
    days: float | None = None
    plasma: str | None = None
    bath: str | None = None
    amino_acids: str | None = None
    exposure: str | None = None
    patient: str | None = None
    dialysis: str | None = None
    formulation: str = "ir"
    fed: bool | str = False
    hypothesis: str | None = None
    relief: str | None = None
    fidelity: str = "circuit"
    seed: int = 0
    draws: int | None = None

    @property
    def meal(self) -> str:
        """The kind of meal around each dose."""
        return requests.meal_of(self.fed)

    @property
    def command(self) -> str:
        """The command line that asks this question."""
        given = {
            "condition": self.condition,
            "severity": None if self.severity == 1 else f"{self.severity:g}",
            "drug": self.drug,
            "regimen": self.regimen,
            "days": None if self.days is None else f"{self.days:g}",
            "plasma": self.plasma,
            "bath": self.bath,
            "amino-acids": self.amino_acids,
            "exposure": self.exposure,
            "patient": self.patient,
            "dialysis": self.dialysis,
            "formulation": None if self.formulation == "ir" else self.formulation,
            "fed": None if self.meal == food.FASTED else self.meal,
            "hypothesis": self.hypothesis,
            "draws": self.draws,
            "seed": self.seed,
        }
        words = [f"--{key} {shlex.quote(str(value))}" for key, value in given.items() if value is not None]
        return " ".join(["spasmlab assay", self.name, *words])


@dataclass(frozen=True)
class Bath:
    """A slice in `concentration` [µmol/L] of the drug for `hours`; `amino_acids` as in `chain.bath`."""

    concentration: float
    hours: float
    amino_acids: str


@dataclass(frozen=True)
class Setting:
    """A checked question: the assay, the cord, and how a drug, if any, reaches it."""

    assay: str
    condition: Shift
    hypothesis: Shift
    seed: int
    draws: int
    drug: Drug | None = None
    request: Request | None = None
    plasma: float | None = None
    bath: Bath | None = None
    relief: Shift | None = None
    fidelity: str = "circuit"


def compute(setting: Setting, stages: Stages, out: Path | None = None, command: str = "") -> dict[str, Any]:
    """Find the state of the synapses, run the assay, gather its read-outs; with `out`, write the report there.

    `command` is the line that repeats it, for the report.
    """
    if out is not None and setting.fidelity != "circuit":
        raise InputError(f"--out needs traces, and fidelity '{setting.fidelity}' has none; possible: circuit")
    state, factors = _state(setting, stages)
    bench = runs.make_bench(setting.condition, state, setting.seed, factors, setting.hypothesis)
    bench.relief = setting.relief
    measured = runs.run_assays((setting.assay,), bench, stages, setting.fidelity)[setting.assay]
    arms = ARMS if setting.drug else ARMS[:1]
    numbers = list(shown.of_assay(setting.assay, measured, lambda v: _by_arm(v, setting.draws), arms))
    found = _gathered(setting, (state, factors), numbers, bench.dt)
    if out is not None:
        from spasmlab.report import assay_page
        from spasmlab.report.assay_plots import Measured

        with stages("Report"):
            seen = Measured(measured, bench, len(arms))
            assay_page.write(out, setting, found, numbers, seen, command)
    found["seconds"] = result.seconds(stages)
    if out is not None:
        (out / "result.json").write_text(result.dumps(found) + "\n", encoding="utf-8")
    return found


def _gathered(
    setting: Setting,
    reached: tuple[Mapping[str, np.ndarray], Mapping[str, np.ndarray]],
    numbers: list[Shown],
    dt: float,
) -> dict[str, Any]:
    """The result as JSON holds it; `reached` are signals at the synapses and factors on parameters."""
    state, factors = reached
    behind = Behind(setting.drug, setting.condition, setting.hypothesis)
    releases = {name: Quantity(float(state[name][-1][0]), "1").as_dict() for name in runs.RELEASES}
    return {
        **result.head("assay"),
        "assay": setting.assay,
        **_described(setting),
        "relief": setting.relief.name if setting.relief else None,
        "intervals": result.INTERVALS,
        "releases": releases,
        "sites": result.sites(factors),
        **result.arms_and_effects(numbers),
        "fidelity": setting.fidelity,
        "tolerances": result.circuit_tolerances(
            setting.fidelity, dt, setting.condition.name, (setting.assay,)
        ),
        "evidence": result.evidence(numbers, behind),
    }


def read(question: AssayQuestion) -> Setting:
    """Check every word of a question; InputError for the first that is wrong."""
    from spasmlab import assays
    from spasmlab import drug as drugs

    q = question
    common: dict[str, Any] = {
        "assay": assays.load(q.name).__name__.rsplit(".", 1)[-1],
        "condition": conditions.load(q.condition, q.severity),
        "hypothesis": hypotheses.load(q.hypothesis or hypotheses.DEFAULT),
        "relief": reliefs.load(q.relief) if q.relief is not None else None,
        "seed": q.seed,
        "draws": requests.checked_draws(DRAWS if q.draws is None else q.draws),
        "fidelity": q.fidelity,
    }
    _refuse_contradictions(q)
    if q.drug is None:
        return Setting(**common)
    if q.plasma is not None:
        drug = drugs.load(q.drug)
        return Setting(**common, drug=drug, plasma=read_plasma(q.plasma, drug))
    if q.bath is not None:
        drug = drugs.load(q.drug)
        return Setting(**common, drug=drug, bath=_read_bath(q, drug))
    request = requests.build(
        q.drug,
        q.regimen or "",
        days=q.days,
        condition=q.condition,
        severity=q.severity,
        patient_text=q.patient,
        formulation=q.formulation,
        fed=q.fed,
        dialysis=q.dialysis,
        hypothesis=q.hypothesis,
        seed=q.seed,
        draws=common["draws"],
    )
    return Setting(**common, drug=request.drug, request=request)


def _refuse_contradictions(q: AssayQuestion) -> None:
    for option in ("regimen", "plasma", "bath", "days", "patient", "dialysis"):
        if q.drug is None and getattr(q, option) is not None:
            raise InputError(f"--{option} needs --drug; name one, see 'spasmlab list drugs'")
        constant = q.plasma is not None or q.bath is not None
        if constant and option in ("days", "patient", "dialysis") and getattr(q, option) is not None:
            raise InputError(
                f"--{option} says nothing at a constant level; leave it out, or give --regimen instead"
            )
    for option, said in (("formulation", q.formulation != "ir"), ("fed", q.meal != food.FASTED)):
        if said and q.regimen is None:
            raise InputError(f"--{option} needs --regimen, as in --regimen '600 mg tid'")
    for option in ("amino_acids", "exposure"):
        if q.bath is None and getattr(q, option) is not None:
            raise InputError(f"--{option.replace('_', '-')} belongs to --bath, as in --bath '100 uM'")
    given = sum(way is not None for way in (q.regimen, q.plasma, q.bath))
    if q.drug is not None and given != 1:
        raise InputError(
            "--drug needs either --regimen '600 mg tid', --plasma '6 mg/L' or --bath '100 uM', one of them alone"
        )


def _read_bath(q: AssayQuestion, drug: Drug) -> Bath:
    from spasmlab import units
    from spasmlab.chain.bath import AMINO_ACIDS

    level = read_level(q.bath or "", drug, "bath concentration", "100 uM")
    amino_acids = q.amino_acids or AMINO_ACIDS[0]
    if amino_acids not in AMINO_ACIDS:
        match = nearest(amino_acids, AMINO_ACIDS)
        hint = f"did you mean '{match}'? " if match else ""
        raise InputError(f"unknown amino acids '{amino_acids}'; {hint}possible: {', '.join(AMINO_ACIDS)}")
    mass = drug.parameters.get("molar_mass")
    if mass is None:
        raise InputError(
            f"drug '{drug.name}' has no binding site in a slice; possible: gabapentin, pregabalin"
        )
    molar = level / (mass.number * units.factor(mass.unit, "mg/umol"))
    return Bath(molar, read_exposure(q.exposure or DEFAULT_EXPOSURE), amino_acids)


def read_exposure(text: str) -> float:
    """A time in a bath such as ``20 min`` in h; InputError where it is negative or its unit is unknown."""
    from spasmlab import units

    found = _LEVEL.fullmatch(text)
    value = float(found[1]) if found else math.nan
    if found is None or not math.isfinite(value) or value < 0 or found[2] not in _TIME_UNITS:
        raise InputError(
            f"'{text}' is not a time in the bath; possible: 0 or more in {', '.join(_TIME_UNITS)}, as in '20 min'"
        )
    return value * units.factor(found[2], "h")


def read_plasma(text: str, drug: Drug) -> float:
    """A plasma level such as ``6 mg/L`` in mg/L."""
    return read_level(text, drug, "plasma level", "6 mg/L")


def read_level(text: str, drug: Drug, what: str, such_as: str) -> float:
    """A concentration such as ``6 mg/L`` or ``100 uM`` in mg/L; InputError where it is negative or its unit unknown."""
    from spasmlab import units

    found = _LEVEL.fullmatch(text)
    value = float(found[1]) if found else math.nan
    if found is None or not math.isfinite(value) or value < 0:
        raise InputError(f"'{text}' is not a {what}; possible: 0 or more with its unit, as in '{such_as}'")
    if not found[2]:
        raise InputError(f"the {what} '{text}' has no unit; possible: {', '.join(_LEVEL_UNITS)}")
    unit = nearest(found[2], _LEVEL_UNITS)
    if unit is None or unit.lower() != found[2].lower():
        hint = f"did you mean '{unit}'? " if unit else ""
        raise InputError(f"unknown unit of {what} '{found[2]}'; {hint}possible: {', '.join(_LEVEL_UNITS)}")
    if "mol" not in unit and not unit.endswith("M"):
        return value * units.factor(unit, "mg/L")
    if "molar_mass" not in drug.parameters:
        raise InputError(
            f"the molar mass of {drug.name} is not known; possible: a level in mg/L, ug/mL or ng/mL"
        )
    mass = drug.parameters["molar_mass"]
    return value * units.factor(unit, "umol/L") * mass.number * units.factor(mass.unit, "mg/umol")


def _state(setting: Setting, stages: Stages) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Releases at the synapses and factors on numbers of the circuit, (arms, draws): without drug all 1, then with the
    drug if there is one.
    """
    if setting.drug is None:
        return {name: np.ones((1, setting.draws)) for name in runs.RELEASES}, {}
    if setting.request is not None:
        chain, _ = runs.run_chain(setting.request, stages)
        state = runs.synapse_state(chain, setting.request.visit_h)
    else:
        with stages("Slice in its bath" if setting.bath else "Slow chain: steady state"):
            chain, state = _clamped(setting, setting.drug)
    units, _ = runs.described(chain)
    sites = runs.at_sites(state, units, setting.drug, setting.condition, setting.hypothesis, setting.seed)
    return {name: sites.state[name] for name in runs.RELEASES}, sites.factors


def _clamped(setting: Setting, drug: Drug) -> tuple[xarray.Dataset, dict[str, np.ndarray]]:
    """The chain at a constant level in plasma or bath, and its signals without and with drug, (arms, draws)."""
    from spasmlab.chain.bath import clamped as in_bath
    from spasmlab.chain.solve import steady_at_plasma

    def at(share: float) -> xarray.Dataset:
        common: dict[str, Any] = {"draws": setting.draws, "seed": setting.seed}
        places = (setting.condition, setting.hypothesis)
        if bath := setting.bath:
            level, fluid = share * bath.concentration, bath.amino_acids
            return in_bath(drug, level, bath.hours, *places, amino_acids=fluid, **common)
        return steady_at_plasma(drug, share * (setting.plasma or 0.0), *places, **common)

    plain, found = at(0.0), at(1.0)
    return found, {str(name): np.stack([plain[name].values, found[name].values]) for name in found}


def _by_arm(values: np.ndarray, draws: int) -> np.ndarray:
    return np.reshape(values, (-1, draws, *np.shape(values)[1:]))


def _described(setting: Setting) -> Mapping[str, Any]:
    if setting.request is not None:
        return {**setting.request.described(), "visit": Quantity(setting.request.visit_h, "h").as_dict()}
    plasma = None if setting.plasma is None else Quantity(setting.plasma, "mg/L").as_dict()
    bath = setting.bath and {
        "concentration": Quantity(setting.bath.concentration, "umol/L").as_dict(),
        "exposure": Quantity(setting.bath.hours, "h").as_dict(),
        "amino_acids": setting.bath.amino_acids,
    }
    return {
        "drug": setting.drug.name if setting.drug else None,
        "plasma": plasma,
        "bath": bath,
        "condition": setting.condition.name,
        "severity": setting.condition.severity,
        "hypothesis": setting.hypothesis.name,
        "seed": setting.seed,
        "draws": setting.draws,
    }
