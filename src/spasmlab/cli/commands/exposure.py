"""`spasmlab exposure`: concentrations of one patient, of an event table or of a population."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from spasmlab.cli import options
from spasmlab.errors import InputError

if TYPE_CHECKING:
    from spasmlab.event_run import Question
    from spasmlab.request import Request

DRAWS = 64


def command(
    drug: options.Drug,
    regimen: options.RegimenText = None,
    events: options.Events = None,
    days: options.Days = None,
    patient: options.PatientText = None,
    formulation: options.Formulation = "ir",
    fed: options.Fed = "fasted",
    taken: options.Taken = None,
    times: Annotated[
        str | None, typer.Option("--times", help="Hours after the first dose: 6.5,9,12.")
    ] = None,
    dialysis: options.Dialysis = None,
    population: options.Population = None,
    of: Annotated[
        str | None, typer.Option("--of", help="Which patients with --population [healthy].")
    ] = None,
    adherence: Annotated[
        float | None, typer.Option("--adherence", help="Share of doses taken with --population [1].")
    ] = None,
    seed: options.Seed = 0,
    draws: options.Draws = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="With --events: write the table with predictions there.")
    ] = None,
    sbml: Annotated[
        Path | None, typer.Option("--sbml", help="Write the chain of this patient there, for other programs.")
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """Concentrations in plasma, cord and spinal fluid, and what is usually computed from them."""
    words: dict[str, Any] = {"patient_text": patient, "formulation": formulation, "fed": fed, "seed": seed}
    if events is not None:
        options.required_regimen(regimen, events)
        options.refuse_beside(
            "--events", days=days, times=times, dialysis=dialysis, population=population, sbml=sbml
        )
        _of_events(_question(drug, draws, taken, **words), events, out, as_json)
        return
    options.refuse_without("--events", out=out)
    request = request_of(
        drug, options.required_regimen(regimen), draws, days=days, dialysis=dialysis, taken=taken, **words
    )
    if population is None:
        options.refuse_without("--population", of=of, adherence=adherence)
        _of_one(request, times, as_json, sbml)
    else:
        options.refuse_beside("--population", patient=patient, sbml=sbml)
        share = 1.0 if adherence is None else adherence
        _of_population(request, population, of or "healthy", share, times, draws or 1, as_json)


def request_of(drug: str, regimen: str | None, draws: int | None, **words: Any) -> Request:
    """The request of `spasmlab exposure`, for which no condition matters."""
    from spasmlab import request as requests

    written = options.required_regimen(regimen)
    return requests.build(drug, written, draws=DRAWS if draws is None else draws, **words)


def _question(drug: str, draws: int | None, taken: str | None, **words: Any) -> Question:
    """What is asked of an event table: a drug, and the patient where the table says nothing."""
    from spasmlab import event_run, food, interaction
    from spasmlab import patient as patients
    from spasmlab import request as requests
    from spasmlab.drug import load

    found = load(drug)
    found.formulation(words["formulation"])
    text = words["patient_text"]
    return event_run.Question(
        found,
        patients.parse(text) if text is not None else patients.default(),
        formulation=words["formulation"],
        fed=food.scale(requests.meal_of(words["fed"])),
        draws=requests.checked_draws(1 if draws is None else draws),
        seed=words["seed"],
        overrides=interaction.overrides(requests.names_of(taken), found, words["formulation"]),
    )


def _of_one(request: Request, times: str | None, as_json: bool, sbml: Path | None) -> None:
    """Solve the slow chain and print exposure; with `sbml`, write the chain there for other programs."""
    from spasmlab import exposure_result, tables
    from spasmlab.progress import Stages

    asked = read_times(times) if times is not None else []
    if sbml is not None:
        _export(extended(request, asked), sbml)
    found = exposure_result.compute(extended(request, asked), asked, Stages(show=True))
    options.show(found, as_json, tables.exposure)


def _export(request: Request, file: Path) -> None:
    from spasmlab.chain.solve import prepare
    from spasmlab.io import sbml

    problem = prepare(
        request.drug, request.regimen, request.patient, request.condition, request.hypothesis,
        days=request.days, formulation=request.formulation, fed=request.fed, overrides=request.overrides,
        dialysis=request.dialysis,
    )  # fmt: skip
    sbml.write(problem, file)


def _of_events(question: Question, table: Path, out: Path | None, as_json: bool) -> None:
    """Predict every row of an event table, print them, or write the table with PRED columns to `out`."""
    from spasmlab import event_result, tables
    from spasmlab.progress import Stages

    found = event_result.compute(question, table, out, Stages(show=True))
    options.show(found, as_json, tables.events)


def _of_population(
    request: Request,
    count: int,
    name: str,
    adherence: float,
    times: str | None,
    draws: int,
    as_json: bool,
) -> None:
    """Exposure of many virtual patients: percentiles between patients, with `draws` the doubt about each."""
    from spasmlab import population_result, tables
    from spasmlab.progress import Stages

    asked = read_times(times) if times is not None else []
    request = extended(request, asked)
    found = population_result.compute(request, count, name, adherence, asked, Stages(show=True), draws)
    options.show(found, as_json, tables.population)


def read_times(text: str) -> list[float]:
    """``6.5,9,12`` as hours, in the order given; InputError for what is not a time."""
    found = []
    for word in text.split(","):
        try:
            hours = float(word.strip().removesuffix("h"))
        except ValueError:
            hours = math.nan
        if not (math.isfinite(hours) and hours >= 0):
            raise InputError(
                f"'{word.strip()}' in --times is not a time in hours; possible: 0 or more, as in 6.5,9,12"
            )
        found.append(hours)
    return found


def extended(request: Request, times: list[float]) -> Request:
    """The request with as many days as the times need; dosing of a repeating regimen goes on as long."""
    from spasmlab.regimen import DAY_H, number
    from spasmlab.request import MOST_DAYS

    needed = max(times, default=0.0) / DAY_H
    if needed <= request.days:
        return request
    if needed > MOST_DAYS:
        raise InputError(f"--times reach {number(needed)} days; possible: up to {number(MOST_DAYS)} days")
    return replace(request, days=float(math.ceil(needed)))
