"""The result of `spasmlab advise`, and how its question is read from words."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from spasmlab import request as requests
from spasmlab.errors import InputError
from spasmlab.parameter import beside
from spasmlab.prescribing import advise, indication, outlook, person, planned, ranking
from spasmlab.prescribing.case import described
from spasmlab.quantity import Quantity

if TYPE_CHECKING:
    from spasmlab.prescribing.advise import Advice, Question
    from spasmlab.prescribing.case import Case
    from spasmlab.prescribing.grid import Candidate

INTERVALS = (
    "low and high bound the 90 % interval over draws of this one patient: how bodies differ between patients (after a "
    "measured level, what that leaves open), and the doubt about the parameters beyond the blood"
)
LIMITS = (
    "Advice compares regimens of one product that the label does not block; it does not choose for anyone. Its order is "
    "that of the chance of a response without a side effect by the drug on that day, every side effect counting alike; what "
    "each is worth is the patient's to say.",
    "Downstream of the binding site most parameters are assumed; benefits rest on trials of groups, and how one patient "
    "differs from them is a spread, not a knowledge.",
    "A measured level moves what the model believes of this patient's body; a score weighs the draws of it. One that was "
    "taken at another time than said, or on doses not taken, misleads both.",
)
UNRANKED = "No endpoint model here describes this condition: regimens are listed by dose, not ranked."
OF_SPASTICITY = (
    "In spasticity the benefit is read from the surrogate of a simulated spinal cord, with its error; that gabapentin "
    "relieves it at all rests on three small crossover trials, and no label names the use."
)


def question(
    drug: str,
    *,
    condition: str | None,
    indication_name: str | None,
    regimen: str | None,
    level: str | None,
    score: str | None,
    draws: int | None,
    seed: int,
    days: float | None,
    hypothesis: str | None,
    **words: Any,
) -> Question:
    """What is asked, from the words of the command line; InputError for the first that is wrong."""
    from spasmlab import condition as conditions
    from spasmlab import drug as drugs
    from spasmlab import hypothesis as hypotheses

    case = planned.asked(drug, condition=condition, indication_name=indication_name, **words)
    state = condition or indication.condition_of(case.indication)
    endpoint = outlook.endpoint_of(state)
    taken = None if regimen is None else requests.written(regimen).for_weight(case.patient.weight)
    if taken is not None and level is None and score is None:
        raise InputError(
            "--regimen is that on which --level or --score was observed; possible: give both, or leave --regimen out"
        )
    return advise.Question(
        case=replace(case, meal=case.meal or usual_meal(case)),
        drug=drugs.load(drug),
        condition=conditions.load(state),
        hypothesis=hypotheses.load(hypothesis or hypotheses.DEFAULT),
        draws=round(_record("draws")) if draws is None else draws,
        seed=seed,
        days=_days(days),
        endpoint=endpoint,
        benefit=_of_indication(case, endpoint, "benefit"),
        response=_of_indication(case, endpoint, "response"),
        taken=taken,
        levels=person.read_levels(level),
        scores=outlook.read_scores(score, endpoint),
    )


def usual_meal(case: Case) -> str:
    """The meal of each dose where nothing was said of it: with food where the label wants it, else none."""
    wanted = any(rule.check == "meal" and not rule.use.get("any") for rule in case.rules())
    return requests.meal_of(wanted)


def _of_indication(case: Case, endpoint: str | None, what: str) -> str | None:
    """The outcome that is the benefit of an indication, or what counts as a response; None without a model."""
    return indication.known()[case.indication].get(what) if endpoint and case.indication else None


def _days(days: float | None) -> float:
    if days is None:
        return _record("days")
    if not 1 <= days <= requests.MOST_DAYS:
        raise InputError(f"--days must be between 1 and {requests.MOST_DAYS:g}, not {days:g}")
    return days


def result(found: Advice) -> dict[str, Any]:
    """The advice as one JSON object."""
    from spasmlab import result as results

    asked = found.question
    about = {k: v for k, v in described(asked.case).items() if k != "regimen"}
    return {
        **results.head("advise"),
        **about,
        "condition": asked.condition.name,
        "hypothesis": asked.hypothesis.name,
        "days": asked.days,
        "draws": asked.draws,
        "seed": asked.seed,
        "intervals": INTERVALS,
        "measured": _measured(found),
        "scores": _scores(found),
        "day": found.day,
        "benefit": _benefit_of(found),
        "ranked": asked.benefit is not None,
        "regimens": ranking.regimens(found),
        "blocked": [_blocked(one) for one in found.blocked],
        "limits": [*LIMITS, *_more_limits(asked)],
    }


def _more_limits(asked: Question) -> list[str]:
    if asked.benefit is None:
        return [UNRANKED]
    return [OF_SPASTICITY] if asked.endpoint == "spasticity_scales" else []


def _measured(found: Advice) -> dict[str, Any] | None:
    """What the levels told: each level beside its prediction, each parameter before and after."""
    fit, asked = found.person.fit, found.question
    if fit is None:
        return None
    levels = [
        {"time_h": level.hours, "observed": Quantity(level.value, "mg/L").as_dict(),
         "predicted": Quantity(float(value), "mg/L").as_dict()}
        for level, value in zip(sorted(asked.levels, key=lambda one: one.hours), fit.predicted, strict=True)
    ]  # fmt: skip
    units = _units(found)
    parameters = [
        {"name": name, "population": Quantity(float(before), units[name]).as_dict(),
         "patient": Quantity(float(value), units[name], float(low), float(high)).as_dict(),
         "remaining": float(left)}
        for name, before, value, low, high, left in zip(
            fit.names, fit.population, fit.values, fit.low, fit.high, fit.remaining, strict=True)
    ]  # fmt: skip
    regimen = asked.taken.text if asked.taken else None
    return {"regimen": regimen, "levels": levels, "parameters": parameters}


def _units(found: Advice) -> dict[str, str]:
    from spasmlab.fit.model import ChainModel

    cloud = found.person
    records = ChainModel(cloud.drug, cloud.names, cloud.formulation, cloud.fed).records
    return {name: record.unit for name, record in zip(cloud.names, records, strict=True)}


def _scores(found: Advice) -> dict[str, Any] | None:
    """What was observed, and how many draws it leaves."""
    if not found.question.scores:
        return None
    observed = [{"name": one.name, "value": one.value, "day": one.day} for one in found.question.scores]
    return {"observed": observed, "effective_draws": outlook.effective(found.weight)}


def _benefit_of(found: Advice) -> dict[str, str] | None:
    """The outcome that regimens are ordered by."""
    from spasmlab import endpoints

    name = found.question.benefit
    if name is None:
        return None
    outcome = endpoints.find(name)
    response = found.question.response
    meant = endpoints.find(response).meaning if response else ""
    return {
        "name": name,
        "meaning": outcome.meaning,
        "unit": outcome.unit,
        "better": outcome.better,
        "response": response or "",
        "response_meaning": meant,
    }


def _blocked(one: Candidate) -> dict[str, Any]:
    return {
        "regimen": one.text,
        "daily": Quantity(one.daily, "mg/day").as_dict(),
        "blocks": [finding.as_dict() for finding in one.blocks],
    }


def _record(name: str) -> float:
    return beside("prescribing.advise")[name].number
