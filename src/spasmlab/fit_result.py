"""The result of `spasmlab fit`: estimates with their doubt, what the data could not tell, and how well the fit holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from spasmlab import result
from spasmlab.errors import InputError
from spasmlab.fit import diagnostics, identify, individual, nuts, population
from spasmlab.fit.data import Subject
from spasmlab.fit.individual import PatientFit, Prior, Residual
from spasmlab.fit.model import ChainModel
from spasmlab.fit.population import Estimates, PopulationFit
from spasmlab.fit_question import FitQuestion
from spasmlab.parameter import beside
from spasmlab.progress import Stages
from spasmlab.quantity import Quantity, finite

WARM_UP = 500
INTERVALS = {
    "map": "low and high bound the 90 % interval of each patient's own value, given the population of the drug's file",
    "laplace": "low and high bound the 90 % interval from the standard errors of the estimates",
    "nuts": "low and high bound the 90 % interval of the posterior",
}


@dataclass(frozen=True)
class Fitted:
    """A question with what was found: the population (with `map` that of the file), each patient's own fit with `map`,
    and the draws with `nuts`."""

    question: FitQuestion
    seen: identify.Seen
    population: PopulationFit
    patients: tuple[PatientFit, ...] = ()
    draws: nuts.Draws | None = None


def fit(question: FitQuestion, stages: Stages) -> Fitted:
    """Look what the data can tell, then fit. Raises InputError where there is nothing to estimate."""
    with stages("Looking what the data tell"):
        seen = identify.look(question.subjects, question.model, question.residual)
    if question.method == "map":
        return _patients(question, seen, stages)
    if not seen.free:
        raise InputError(
            "these levels tell none of the parameters "
            f"{', '.join(seen.names)}; possible: --method map, or other --parameters"
        )
    free = replace(question.model, names=seen.free, _bases={}, _changing={})
    start = individual.prior_of(free)
    start = Prior(start.mean, start.covariance, question.residual)
    if question.method == "laplace":
        with stages("Population, Laplace approximation"):
            found = population.fit(question.subjects, free, start=start)
        return Fitted(question, seen, found)
    correlation = population.of_prior(start).correlation
    with stages("Population, NUTS"):
        draws = nuts.fit(
            question.subjects, free, residual=start.residual, correlation=correlation, warm_up=WARM_UP,
            draws=question.draws, seed=question.seed,
        )  # fmt: skip
    estimates = Estimates(
        np.median(draws.mean, axis=(0, 1)),
        np.median(draws.spread, axis=(0, 1)),
        Residual(*np.median(draws.residual, axis=(0, 1)).tolist()),
        correlation,
    )
    return Fitted(question, seen, _given(question.subjects, free, estimates), draws=draws)


def _patients(question: FitQuestion, seen: identify.Seen, stages: Stages) -> Fitted:
    prior = individual.prior_of(question.model)
    prior = Prior(prior.mean, prior.covariance, question.residual)
    with stages("Patients, maximum a posteriori") as progress:
        found = []
        for place, subject in enumerate(question.subjects):
            progress(place, len(question.subjects))
            found.append(individual.fit(subject, question.model, prior))
    estimates = population.of_prior(prior)
    known = _given(question.subjects, question.model, estimates, tuple(found))
    return Fitted(question, seen, known, tuple(found))


def _given(
    subjects: tuple[Subject, ...], model: ChainModel, estimates: Estimates, found: tuple[PatientFit, ...] = ()
) -> PopulationFit:
    """A population that is given, as a fit: the modes of its subjects, and no standard errors."""
    starts = [None] * len(subjects)
    modes = (
        tuple(one.mode for one in found)
        if found
        else tuple(individual.modes(subjects, model, estimates.prior(), starts))
    )
    size = len(estimates.vector())
    least = sum(one.least + np.linalg.slogdet(one.curvature)[1] for one in modes)
    levels = sum(int((~subject.below).sum()) for subject in subjects)
    least += len(subjects) * np.linalg.slogdet(estimates.covariance)[1] + levels * np.log(2 * np.pi)
    return PopulationFit(
        model.names, subjects, model, estimates, np.full((size, size), np.nan), float(least), modes
    )


def compute(question: FitQuestion, stages: Stages) -> tuple[Fitted, dict[str, Any]]:
    """The fit, and its result as one dictionary."""
    fitted = fit(question, stages)
    with stages("Diagnostics"):
        judged = _diagnostics(fitted)
    subjects = question.subjects
    found = {
        **result.head("fit"),
        "data": str(question.file),
        "drug": question.drug.name,
        "formulation": question.model.formulation,
        "method": question.method,
        "seed": question.seed,
        "subjects": len(subjects),
        "levels": sum(len(s.times_h) for s in subjects),
        "levels_below_limit": sum(int(s.below.sum()) for s in subjects),
        "doses": sum(len(s.doses_h) for s in subjects),
        "columns_not_used": list(question.table.unused),
        "remarks": [*question.remarks, *_warnings(fitted)],
        "intervals": INTERVALS[question.method],
        "identifiability": _identifiability(fitted.seen),
        "parameters": [] if fitted.patients else list(_population(fitted)),
        "individuals": list(_individuals(fitted)),
        "residual": _residual(fitted),
        "minus_two_log_likelihood": finite(fitted.population.minus_two_log_likelihood),
        "diagnostics": judged,
        "sampler": _sampler(fitted),
    }
    return fitted, {**found, "seconds": result.seconds(stages)}


def _warnings(fitted: Fitted) -> Iterator[str]:
    draws = fitted.draws
    if draws is not None and draws.divergences:
        yield (
            f"{draws.divergences} of {draws.mean.shape[0] * draws.mean.shape[1]} draws were divergent: the posterior may "
            "be wrong where they stopped; possible: more --draws, fewer --parameters, or --method laplace"
        )
    if draws is not None and not draws.converged and not draws.divergences:
        yield "the chains do not agree, or their draws are too few; possible: more --draws"
    if fitted.question.method == "laplace" and np.isnan(fitted.population.errors).any():
        yield "the likelihood has no well-defined peak here: some standard errors do not exist"


def _identifiability(seen: identify.Seen) -> dict[str, Any]:
    return {
        "parameters": list(seen.names),
        "rank": seen.rank,
        "of": len(seen.names),
        "doubt_of_axes": [finite(doubt) for doubt in seen.doubts],
        "held": {name: seen.why(name) for name in seen.held},
    }


def _population(fitted: Fitted) -> Iterator[dict[str, Any]]:
    """Each parameter: its typical value and spread where the data tell them, and the shrinkage of patients to it."""
    one, names = fitted.population, fitted.population.names
    typical, spread = _typical(fitted), _spread(fitted)
    for name in fitted.question.model.names:
        record = fitted.question.model.resolved[name][1]
        entry: dict[str, Any] = {"name": name, "unit": record.unit, "file_value": record.number}
        if name in fitted.seen.held:
            nothing = Quantity(None, record.unit).as_dict()
            yield entry | {"typical": nothing, "between": Quantity(None, "1").as_dict(), "shrinkage": None,
                           "told": False, "why_not": f"held at {record.number:g}: {fitted.seen.why(name)}"}  # fmt: skip
            continue
        place = names.index(name)
        told = typical[place].value is not None
        yield entry | {
            "typical": typical[place].as_dict(),
            "between": spread[place].as_dict(),
            "shrinkage": finite(one.shrinkage[place]),
            "told": told,
            "why_not": None if told else "these levels tell its value no better than a factor of five",
        }


def _typical(fitted: Fitted) -> list[Quantity]:
    one, records = fitted.population, fitted.population.model.records
    most = beside("fit.identify")["most_doubt"].number
    if fitted.draws is not None:
        natural = fitted.draws.typical(one.model)
        doubts = fitted.draws.mean.std(axis=(0, 1))
        low, high = np.percentile(natural, (5, 95), axis=0)
        most *= np.sqrt(
            beside("fit.identify")["most_left"].number
        )  # of the prior's own standard deviation, which is 1
    else:
        (low, high), doubts = one.interval(), one.errors[: len(one.names)]
    return [
        Quantity(float(v), r.unit, float(lo), float(hi)) if doubt < most else Quantity(None, r.unit)
        for v, r, lo, hi, doubt in zip(one.values, records, low, high, doubts, strict=True)
    ]


def _spread(fitted: Fitted) -> list[Quantity]:
    one, count = fitted.population, len(fitted.population.names)
    most = beside("fit.identify")["most_doubt"].number
    if fitted.draws is not None:
        low, high = np.percentile(fitted.draws.spread, (5, 95), axis=(0, 1))
        doubts = np.zeros(count)
    else:
        (low, high), doubts = one.spread_interval(), one.errors[count : 2 * count]
    return [
        Quantity(float(v), "1", float(lo), float(hi)) if doubt < most else Quantity(None, "1")
        for v, lo, hi, doubt in zip(one.estimates.spread, low, high, doubts, strict=True)
    ]


def _individuals(fitted: Fitted) -> Iterator[dict[str, Any]]:
    """Every subject's own values; with `map` their intervals, and none where the levels told too little."""
    one, most = fitted.population, beside("fit.identify")["most_left"].number
    values = one.individual()
    for place, subject in enumerate(one.subjects):
        own = fitted.patients[place] if fitted.patients else None
        entries = []
        for i, (name, record) in enumerate(zip(one.names, one.model.records, strict=True)):
            left = float(own.shrinkage[i]) if own else None
            told = left is None or left < most
            low, high = (float(own.low[i]), float(own.high[i])) if own else (None, None)
            quantity = Quantity(float(values[place, i]), record.unit, low, high)
            entries.append({
                "name": name,
                **(quantity if told else Quantity(None, record.unit)).as_dict(),
                "population": finite(one.values[i]),
                "shrinkage": left,
                "told": told,
            })  # fmt: skip
        yield {"id": subject.name, "levels": len(subject.times_h), "parameters": entries}


def _residual(fitted: Fitted) -> dict[str, Any]:
    one, held = fitted.population, fitted.question.method == "map"
    units = {"additive": "mg/L", "proportional": "1"}
    errors = iter(one.errors[2 * len(one.names) :])
    found = {}
    for place, (name, unit) in enumerate(units.items()):
        size = getattr(one.estimates.residual, name)
        low = high = None
        if fitted.draws is not None and size > 0:
            low, high = np.percentile(fitted.draws.residual[..., place], (5, 95)).tolist()
        elif size > 0 and not held and np.isfinite(error := next(errors)):
            half = individual.NORMAL_90 * error
            low, high = float(size * np.exp(-half)), float(size * np.exp(half))
        found[name] = Quantity(float(size), unit, low, high).as_dict()
    return found | {"estimated": not held}


def _diagnostics(fitted: Fitted) -> dict[str, Any]:
    """Shrinkage, NPDE and residuals by class; those that need several subjects are None where there is one."""
    one = fitted.population
    found: dict[str, Any] = {
        "eta_shrinkage": None, "epsilon_shrinkage": finite(one.residual_shrinkage), "npde": None,
        "by_dose": _classes(diagnostics.by_dose(one)), "by_kidney": _classes(diagnostics.by_kidney(one)),
    }  # fmt: skip
    if len(one.subjects) > 1:
        found["eta_shrinkage"] = {
            name: finite(size) for name, size in zip(one.names, one.shrinkage, strict=True)
        }
        errors = diagnostics.npde(one, seed=fitted.question.seed)
        if len(errors) > 2:
            tested = diagnostics.normality(errors)
            found["npde"] = {
                "count": tested.count, "mean": finite(tested.mean), "variance": finite(tested.variance),
                "p_mean": finite(tested.p_mean), "p_variance": finite(tested.p_variance),
                "p_shape": finite(tested.p_shape), "p_together": finite(tested.together),
            }  # fmt: skip
    return found


def _classes(found: list[diagnostics.Class]) -> list[dict[str, Any]]:
    return [
        {
            "class": c.name,
            "subjects": c.subjects,
            "levels": c.levels,
            "mean": finite(c.mean),
            "sd": finite(c.spread),
        }
        for c in found
    ]


def _sampler(fitted: Fitted) -> dict[str, Any] | None:
    if fitted.draws is None:
        return None
    draws = fitted.draws
    return {
        "chains": draws.mean.shape[0],
        "draws": draws.mean.shape[1],
        "divergences": draws.divergences,
        "r_hat": {name: finite(value) for name, value in draws.r_hat.items()},
        "effective": {name: finite(value) for name, value in draws.effective.items()},
        "converged": draws.converged,
    }


def levels_table(fitted: Fitted) -> str:
    """Every level with its predictions and residuals, as CSV."""
    lines = ["ID,TIME,DV,BLQ,PRED,IPRED,IWRES,CWRES"]
    for subject, row in zip(fitted.population.subjects, fitted.population.diagnostics(), strict=True):
        columns = ("time", "observed", "below", "population", "individual", "iwres", "cwres")
        for cells in zip(*(row[name] for name in columns), strict=True):
            lines.append(f"{subject.name}," + ",".join(f"{float(cell):.6g}" for cell in cells))
    return "\n".join(lines) + "\n"


def figures(fitted: Fitted) -> Mapping[str, str]:
    """Pictures by file name, as SVG: goodness of fit, patients' curves, and with several subjects the predictive
    checks."""
    from spasmlab.report import fit_figures, theme, vpc

    one, seed = fitted.population, fitted.question.seed
    drawn = {"goodness_of_fit": vpc.goodness_of_fit(one), "individuals": fit_figures.individuals(one)}
    enough = sum(len(subject.times_h) for subject in one.subjects) >= vpc.FEWEST
    if len(one.subjects) > 1 and enough:
        drawn["vpc"] = vpc.figure(vpc.check(one, seed=seed))
        drawn["prediction_corrected_vpc"] = vpc.figure(
            vpc.check(one, seed=seed, corrected=True), corrected=True
        )
        drawn["npde"] = fit_figures.npde(one, diagnostics.npde(one, seed=seed))
    return {name: theme.svg(figure, name) for name, figure in drawn.items()}
