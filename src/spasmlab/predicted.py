"""Published exposure, predicted: what `data/predicted/exposure.csv` says of each row of pharmacokinetics.

A line names the row, the study, what to measure and in whom: drug, formulation, regimen, meal, patient, drugs
taken along, and what to compare with where the row is a ratio or a change. A row that cannot be predicted says
why. `docs/predicted_exposure.md` is generated from this; the joint fit (`fit.exposure`) reads the same lines, but
the numbers only of calibration rows.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from spasmlab import evidence, units
from spasmlab.errors import ModelError, unknown
from spasmlab.parameter import PACKAGE

if TYPE_CHECKING:
    from spasmlab.chain.problem import Problem
    from spasmlab.drug import Drug
    from spasmlab.parameter import Parameter
    from spasmlab.patient import Patient
    from spasmlab.regimen import Regimen

FILE = PACKAGE / "data" / "predicted" / "exposure.csv"
RELEASE = "alpha2delta"  # the part of a body that exposure in plasma does not need
Fitted = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Scenario:
    """One line: what to simulate for a row; an empty `measure` means that it cannot be, and `why` says so.

    Patients separated by ``|`` stand for a group with a stated range: the mean over them is predicted. `assumed` is
    ``crcl`` where the study does not print its patients' kidneys; `counted` is ``no`` for a row that is shown but is
    no test of the model, since whoever set a value knew it.
    """

    row: str
    study: str
    measure: str
    drug: str
    formulation: str
    regimen: str
    fed: str
    patient: str
    argument: str
    against: str
    taken_with: str
    why: str
    assumed: str = ""
    counted: str = ""

    @property
    def numbers(self) -> list[float]:
        """The numbers of `argument`: hours, or doses in mg (rows of evidence may follow after a bar)."""
        return [float(word) for word in self.argument.split(";")]

    @property
    def reference(self) -> Scenario | None:
        """What a ratio or a change is compared with: the same with one field changed; None for a plain value."""
        if not self.against:
            return None
        field, _, value = self.against.partition("=")
        name = {"with": "taken_with"}.get(field, field)
        return replace(self, **{name: value}, against="")

    @property
    def told(self) -> str:
        """What is simulated, in words."""
        words = [self.drug if self.formulation == "ir" else f"{self.drug} {self.formulation}", self.regimen]
        words += [self.fed if self.fed != "fasted" else "", self.patient.replace("|", " and ")]
        words += [f"with {self.taken_with}" if self.taken_with else ""]
        words += [f"against {self.against}" if self.against else ""]
        return "; ".join(word for word in words if word)


@cache
def scenarios() -> Mapping[str, Scenario]:
    """Every line by its row's id, in the order of the table."""
    with FILE.open(newline="", encoding="utf-8") as lines:
        cells = [{"taken_with": row.pop("with"), **row} for row in csv.DictReader(lines)]
    return {row["row"]: Scenario(**row) for row in cells}


def values(
    scenario: Scenario, unit: str, *, draws: int, seed: int = 0, fitted: Fitted | None = None
) -> np.ndarray:
    """What is predicted in the unit of the row, one a draw; a change where the unit is per cent.

    `fitted` gives the parameters of the drug by name and draw, instead of those of its file; all others then
    keep their central values.
    """
    first, own = _value(scenario, draws, seed, fitted)
    other = scenario.reference
    if other is None:
        return first * units.factor(own, unit)
    ratio = first / _value(other, draws, seed, fitted)[0]
    change = 1.0 if units.unit(unit) == units.unit("percent") else 0.0
    return (ratio - change) * units.factor("1", unit)


def _value(scenario: Scenario, draws: int, seed: int, fitted: Fitted | None) -> tuple[np.ndarray, str]:
    if scenario.measure not in MEASURES:
        raise unknown("measure", scenario.measure, MEASURES)
    measure, unit = MEASURES[scenario.measure]
    people = [replace(scenario, patient=person) for person in scenario.patient.split("|")]
    seen = [measure(Case(one, draws, seed, fitted)) for one in people]
    return np.mean(seen, axis=0), unit


@dataclass(frozen=True)
class Case:
    """A scenario with its draws: the problem to solve and what is asked of it."""

    scenario: Scenario
    draws: int
    seed: int
    fitted: Fitted | None

    @cached_property
    def drug(self) -> Drug:
        from spasmlab import drug

        return drug.load(self.scenario.drug)

    @cached_property
    def patient(self) -> Patient:
        from spasmlab import patient

        return patient.parse(self.scenario.patient) if self.scenario.patient else patient.default()

    @cached_property
    def regimen(self) -> Regimen:
        from spasmlab import regimen

        return regimen.parse(self.scenario.regimen).for_weight(self.patient.weight)

    @cached_property
    def problem(self) -> Problem:
        """The draws in this patient, without doses; from the mouth to plasma, and on only where it is asked."""
        from spasmlab import food, interaction
        from spasmlab.chain import body, resolve
        from spasmlab.chain.problem import Problem

        form = self.scenario.formulation
        names = self.drug.body_of(form)
        if not self.scenario.measure.startswith("csf"):
            names = tuple(name for name in names if name != RELEASE)
        whole, pathway = body.of(self.drug, form), body.pathway(names)
        resolved = resolve.records(whole, self.drug, None, None, form)
        taken = [name for name in self.scenario.taken_with.split("+") if name]
        found = resolve.values(
            whole,
            resolved,
            self.patient,
            fed=food.scale(self.scenario.fed),
            draws=1 if self.fitted else self.draws,
            seed=self.seed,
            overrides=interaction.overrides(taken, self.drug, form),
        )
        found = np.broadcast_to(found, (len(found), self.draws))
        by_name = dict(zip(whole.params, found, strict=True)) | self._given(resolved, whole.params)
        if "creatinine_clearance" in by_name:
            by_name["creatinine_clearance"] = by_name["creatinine_clearance"] * self._kidneys()
        rows = np.ascontiguousarray([by_name[name] for name in pathway.params])
        return Problem(pathway, rows, np.zeros(0), np.zeros(0), 0.0)

    def _kidneys(self) -> np.ndarray:
        """Factors on an assumed creatinine clearance, one a draw: those of another study may be healthier or not."""
        from spasmlab import parameter, streams

        if self.fitted or self.scenario.assumed != "crcl":
            return np.ones(self.draws)
        deviates = streams.stream(self.seed, "kidneys", self.scenario.study).standard_normal(self.draws)
        deviates[0] = 0.0
        return np.exp(parameter.beside("predicted")["kidneys_between"].number * deviates)

    def _given(self, resolved, params: Mapping[str, str]) -> dict[str, np.ndarray]:
        """Fitted values, in the pathway's units, of parameters whose record is the drug's common one."""
        given = {}
        for name, values in (self.fitted or {}).items():
            if name in resolved and resolved[name][0] == f"drugs.{self.drug.name}.{name}":
                given[name] = values * units.factor(resolved[name][1].unit, params[name])
        return given

    def subjects(self) -> list[Case]:
        """The case in each of the subjects that stand for those of a study (`spasmlab.subjects`)."""
        from spasmlab import subjects

        resolved = resolve_records(self)
        problems = subjects.problems(self.problem, resolved, self.drug)
        return [self._with(problem) for problem in problems]

    def _with(self, problem: Problem) -> Case:
        made = replace(self)
        made.__dict__["problem"] = problem  # what the cached property would compute
        return made

    def of(self, regimen: str) -> Case:
        """The same with another regimen."""
        return replace(self, scenario=replace(self.scenario, regimen=regimen))

    @cached_property
    def metrics(self) -> dict[str, np.ndarray]:
        from spasmlab import exposure

        return exposure.of_problem(self.problem, self.regimen)

    def constant(self, *names: str) -> list[np.ndarray]:
        """Signals that depend on parameters alone."""
        from spasmlab.chain.problem import run

        seen = run(self.problem, np.zeros(1), names)
        return [seen[name][:, 0] for name in names]

    def at(self, hours: list[float], *names: str) -> list[np.ndarray]:
        """Signals (draws, hours) on the regimen, dosed until the last of the hours."""
        from spasmlab.chain.problem import run

        times, amounts = self.regimen.doses(max(hours) / 24 + 1)
        longest = float(self.problem.row("lag").max())
        dosed = replace(self.problem, doses=times, amounts=amounts, longest_lag=longest)
        seen = run(dosed, np.unique(hours), names)
        places = np.searchsorted(np.unique(hours), hours)
        return [seen[name][:, places] for name in names]

    def area_per_dose(self) -> np.ndarray:
        """Area over the amount of active drug given, h/L: to infinity, or of one interval at steady state."""
        content = self.problem.row("drug_content") if "drug_content" in self.problem.pathway.params else 1.0
        if self.regimen.repeats:
            _, amounts = self.regimen.maintenance.doses(float(self.regimen.interval_h or 0) / 24)
            return self.metrics["auc_tau"] / (content * amounts.sum())
        return self.metrics["auc_inf"] / (content * self.regimen.parts[0].amounts[0].mg)


def resolve_records(case: Case) -> dict[str, Parameter]:
    """The record behind each parameter of a case's body, by name."""
    from spasmlab.chain import body, resolve

    form = case.scenario.formulation
    found = resolve.records(body.of(case.drug, form), case.drug, None, None, form)
    return {name: record for name, (_, record) in found.items()}


def _metric(name: str) -> Callable[[Case], np.ndarray]:
    return lambda case: case.metrics[name]


def _constant(name: str) -> Callable[[Case], np.ndarray]:
    return lambda case: case.constant(name)[0]


def _concentration(case: Case) -> np.ndarray:
    return _mean_level(case, "plasma_concentration")


def _mean_level(case: Case, signal: str) -> np.ndarray:
    """The mean over the subjects of a study: a mean of curves that decline apart is no curve of a mean subject."""
    return np.mean([one.at(case.scenario.numbers, signal)[0][:, 0] for one in case.subjects()], axis=0)


def _half_life_seen(case: Case) -> np.ndarray:
    """The half-life between two times after the dose, as a log-linear fit would see it."""
    (levels,) = case.at(case.scenario.numbers, "plasma_concentration")
    first, last = case.scenario.numbers
    return np.log(2) * (last - first) / np.log(levels[:, 0] / levels[:, 1])


def _csf_ratio(case: Case) -> np.ndarray:
    fluid, plasma = case.at(case.scenario.numbers, "csf_concentration", "plasma_concentration")
    return fluid[:, 0] / plasma[:, 0]


def _csf(case: Case) -> np.ndarray:
    return _mean_level(case, "csf_concentration")


def _interval(case: Case) -> float:
    return float(case.regimen.interval_h or 0.0)


def _per_day(case: Case) -> np.ndarray:
    return case.metrics["auc_tau"] * 24 / _interval(case)


def _t_max_after_dose(case: Case) -> np.ndarray:
    """Time of the highest level after the last dose before it, by the hours of the doses of a cycle."""
    doses = np.array(case.scenario.numbers)
    since = case.metrics["t_max"][:, None] - doses
    return np.min(np.where(since >= 0, since, np.inf), axis=1)


def _renal(case: Case) -> np.ndarray:
    kidneys = np.minimum(
        case.problem.row("creatinine_clearance"), case.problem.row("creatinine_clearance_cap")
    )
    return case.problem.row("renal_clearance_slope") * kidneys


def _renal_share(case: Case) -> np.ndarray:
    return _renal(case) / case.constant("total_clearance")[0]


def _clearance_apparent(case: Case) -> np.ndarray:
    return 1 / case.area_per_dose()


def _volume_apparent(case: Case) -> np.ndarray:
    return case.constant("steady_volume")[0] / case.metrics["bioavailability"]


def _clearance_slope_apparent(case: Case) -> np.ndarray:
    return case.problem.row("renal_clearance_slope") / case.metrics["bioavailability"]


def _clearance_exponent(case: Case) -> np.ndarray:
    """The power of creatinine clearance that total clearance follows between two values of it, in mL/min."""
    low, high = case.scenario.numbers
    found = []
    for crcl in (low, high):
        person = f"crcl={crcl:g}, weight={case.patient.weight:g}"
        found.append(
            replace(case, scenario=replace(case.scenario, patient=person)).constant("total_clearance")[0]
        )
    return np.log(found[1] / found[0]) / np.log(high / low)


def _trough_per_dose(case: Case) -> np.ndarray:
    _, amounts = case.regimen.maintenance.doses(1)
    return case.metrics["c_min"] / (amounts.sum() / case.patient.weight)


def _series(case: Case, level: bool) -> tuple[np.ndarray, np.ndarray]:
    """Daily doses (doses,) of the argument, and bioavailable amount a day or mean level, (doses, draws)."""
    from spasmlab.regimen import NAMED_INTERVALS

    days = np.array(case.scenario.numbers)
    each = NAMED_INTERVALS[case.scenario.regimen] / 24
    cases = [case.of(f"{day * each:g} mg {case.scenario.regimen}") for day in days]
    if level:
        return days, np.array([one.metrics["auc_tau"] / _interval(one) for one in cases])
    return days, np.array(
        [one.metrics["bioavailability"] * day for one, day in zip(cases, days, strict=True)]
    )


def _emax(case: Case, level: bool) -> tuple[np.ndarray, np.ndarray]:
    """Largest value and half dose of y = m·D/(h + D) through the series: a straight line in D/y against D."""
    days, seen = _series(case, level)
    slope, start = np.polyfit(days, days[:, None] / seen, 1)
    return 1 / slope, start / slope


def _power(case: Case, level: bool) -> np.ndarray:
    days, seen = _series(case, level)
    return np.polyfit(np.log(days), np.log(seen), 1)[0]


def _fall(case: Case) -> tuple[np.ndarray, np.ndarray]:
    """m and h of F(D)/F(0) = 1 − m·D/(h + D) over single doses: a straight line in D/fall against D."""
    doses = np.array(case.scenario.numbers)
    none = case.of("1 mg once").metrics["bioavailability"]
    falls = np.array([1 - case.of(f"{dose:g} mg once").metrics["bioavailability"] / none for dose in doses])
    slope, start = np.polyfit(doses, doses[:, None] / falls, 1)
    return 1 / slope, start / slope


def _at_no_dose(apparent: Callable[[Case], np.ndarray]) -> Callable[[Case], np.ndarray]:
    """CL/F or V/F at no dose as a study with F(D)/F(0) = 1 − m·D/(h + D) carries it there from the doses it gave.

    Over each dose D of the argument, y(D)·(1 − m·D/(h + D)), and of these the geometric mean; after the bar the
    argument names the rows of m and h. The model is so compared where the study saw something, and not at a dose of
    nothing, where all that the study says follows from the form it chose.
    """

    def measure(case: Case) -> np.ndarray:
        given, ids = case.scenario.argument.split("|")
        most, half = (evidence.calibration(id).number for id in ids.split(";"))
        doses = [float(word) for word in given.split(";")]
        seen = [apparent(case.of(f"{dose:g} mg once")) * (1 - most * dose / (half + dose)) for dose in doses]
        return np.exp(np.mean(np.log(seen), axis=0))

    return measure


def _ka_apparent(case: Case) -> np.ndarray:
    """The absorption rate constant of the one-compartment curve with this peak time and half-life: the root
    ka/k of t = ln(ka/k)/(ka − k)."""
    from scipy.optimize import brentq

    time = case.metrics["t_max"] - case.problem.row("lag")
    rate = np.log(2) / case.metrics["half_life"]

    def of(t: float, k: float) -> float:
        root: Any = brentq(lambda z: np.expm1(z) * k * t - z, 1e-6, np.log(1e6))
        return float(np.exp(root)) * k

    return np.array([of(t, k) for t, k in zip(time, rate, strict=True)])


def _creatinine_exponent(case: Case) -> np.ndarray:
    """The power of serum creatinine that clearance follows between two values of it, in mg/dL."""
    low, high = case.scenario.numbers
    seen = []
    for creatinine in (low, high):
        text = case.scenario.patient.replace(
            f"creatinine={case.patient.creatinine:g}", f"creatinine={creatinine:g}"
        )
        seen.append(
            replace(case, scenario=replace(case.scenario, patient=text)).constant("total_clearance")[0]
        )
    return np.log(seen[1] / seen[0]) / np.log(high / low)


def _between(case: Case, name: str) -> np.ndarray:
    """The spread between patients of a parameter, the same for each draw."""
    return np.full(case.draws, resolve_records(case)[name].between)


def _renal_over_filtration(case: Case) -> np.ndarray:
    return _renal(case) / case.problem.row("creatinine_clearance")


def _hyperbola(case: Case) -> tuple[np.ndarray, np.ndarray]:
    """m and h of F = m/(h + D) over single doses: a straight line in 1/F against D."""
    doses = np.array(case.scenario.numbers)
    shares = np.array([case.of(f"{dose:g} mg once").metrics["bioavailability"] for dose in doses])
    slope, start = np.polyfit(doses, 1 / shares, 1)
    return 1 / slope, start / slope


MEASURES: dict[str, tuple[Callable[[Case], np.ndarray], str]] = {
    "bioavailability": (_metric("bioavailability"), "1"),
    "auc_inf": (_metric("auc_inf"), "mg*h/L"),
    "auc_tau": (_metric("auc_tau"), "mg*h/L"),
    "auc_day": (_per_day, "mg*h/L"),
    "c_max": (_metric("c_max"), "mg/L"),
    "c_min": (_metric("c_min"), "mg/L"),
    "t_max": (_metric("t_max"), "h"),
    "t_max_after_dose": (_t_max_after_dose, "h"),
    "c_average": (lambda case: case.metrics["auc_tau"] / _interval(case), "mg/L"),
    "half_life": (_metric("half_life"), "h"),
    "terminal_half_life": (_metric("terminal_half_life"), "h"),
    "half_life_seen": (_half_life_seen, "h"),
    "concentration": (_concentration, "mg/L"),
    "steady_volume": (_constant("steady_volume"), "L"),
    "clearance": (_constant("total_clearance"), "L/h"),
    "entry_rate": (_constant("entry_rate"), "1/h"),
    "lag": (lambda case: case.problem.row("lag"), "h"),
    "renal_clearance": (_renal, "L/h"),
    "renal_share": (_renal_share, "1"),
    "clearance_apparent": (_clearance_apparent, "L/h"),
    "clearance_apparent_kg": (lambda case: _clearance_apparent(case) / case.patient.weight, "L/h/kg"),
    "volume_apparent": (_volume_apparent, "L"),
    "volume_apparent_kg": (lambda case: _volume_apparent(case) / case.patient.weight, "L/kg"),
    "clearance_at_no_dose": (_at_no_dose(_clearance_apparent), "L/h"),
    "volume_at_no_dose": (_at_no_dose(_volume_apparent), "L"),
    "clearance_slope_apparent": (_clearance_slope_apparent, "1"),
    "clearance_exponent": (_clearance_exponent, "1"),
    "trough_per_dose": (_trough_per_dose, "(mg/L)/(mg/kg/day)"),
    "csf_ratio": (_csf_ratio, "1"),
    "csf": (_csf, "mg/L"),
    "emax_dose_max": (lambda case: _emax(case, False)[0], "mg/day"),
    "emax_dose_half": (lambda case: _emax(case, False)[1], "mg/day"),
    "emax_level_max": (lambda case: _emax(case, True)[0], "mg/L"),
    "emax_level_half": (lambda case: _emax(case, True)[1], "mg/day"),
    "power_dose": (lambda case: _power(case, False), "1"),
    "power_level": (lambda case: _power(case, True), "1"),
    "fall_max": (lambda case: _fall(case)[0], "1"),
    "fall_half": (lambda case: _fall(case)[1], "mg"),
    "ka_apparent": (_ka_apparent, "1/h"),
    "creatinine_exponent": (_creatinine_exponent, "1"),
    "spread_of_clearance": (lambda case: _between(case, "renal_clearance_slope"), "1"),
    "spread_of_volume": (lambda case: _between(case, "volume"), "1"),
    "renal_over_filtration": (_renal_over_filtration, "1"),
    "hyperbola_max": (lambda case: _hyperbola(case)[0], "mg"),
    "hyperbola_half": (lambda case: _hyperbola(case)[1], "mg"),
}


def require_complete(ids: set[str]) -> None:
    """ModelError where a row of the table has no line, or a line no row."""
    if wrong := ids ^ set(scenarios()):
        raise ModelError(f"{FILE.name}: not one line a row: {', '.join(sorted(wrong))}")
