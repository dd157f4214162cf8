"""What each command does: read the input, run, print a table or one JSON object, write a folder."""

from __future__ import annotations

import contextlib
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

from spasmlab import request as requests
from spasmlab import tables
from spasmlab.errors import InputError, SpasmlabError, unknown
from spasmlab.progress import Stages
from spasmlab.regimen import DAY_H, number
from spasmlab.request import Request

RUN_DRAWS = 16
EXPOSURE_DRAWS = 64
LISTS = ("drugs", "conditions", "hypotheses", "assays", "studies", "signals")


def request_of_run(drug: str, regimen: str | None, draws: int | None, **words: Any) -> Request:
    """The request of `spasmlab run`; `words` are those of `request.build`. InputError for what is wrong."""
    return requests.build(
        drug, required_regimen(regimen), draws=RUN_DRAWS if draws is None else draws, **words
    )


def request_of_exposure(drug: str, regimen: str | None, draws: int | None, **words: Any) -> Request:
    """The request of `spasmlab exposure`, for which no condition matters."""
    return requests.build(
        drug, required_regimen(regimen), draws=EXPOSURE_DRAWS if draws is None else draws, **words
    )


def folder_of(text: str | None) -> Path | None:
    """The folder named by ``--out``; InputError for an empty name."""
    if text is not None and not text.strip():
        raise InputError("--out is empty; possible: the name of a folder, as in out/mine")
    return None if text is None else Path(text)


def question_of_events(drug: str, draws: int | None, taken: str | None, **words: Any) -> Any:
    """What is asked of an event table: a drug, and the patient where the table says nothing."""
    from spasmlab import event_run, food, interaction
    from spasmlab import patient as patients
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
        overrides=interaction.overrides(requests.names_of(taken), found),
    )


def required_regimen(regimen: str | None, events: Path | None = None) -> str:
    """The one way in which doses are given; InputError where there are none or two."""
    if (regimen is None) == (events is None):
        given = "neither" if regimen is None else "both"
        raise InputError(
            f"--regimen and --events: {given} given; possible: one, such as --regimen '600 mg tid' or --events doses.csv"
        )
    return regimen if regimen is not None else str(events)


def run(request: Request, out: Path | None, as_json: bool) -> None:
    """Run, print, and write report.html, result.json and figures to `out`, all or nothing."""
    from spasmlab.output import OutputFolder

    with OutputFolder(out) if out else contextlib.nullcontext() as folder:
        from spasmlab import result
        from spasmlab import run as runs

        stages = Stages(show=True)
        outcome = runs.run(request, stages)
        found = result.of_run(outcome)
        if folder:
            from spasmlab import report

            with stages("Report"):
                report.write(folder, outcome, found)
            found["seconds"] = result.seconds(stages)
            (folder / "result.json").write_text(result.dumps(found) + "\n", encoding="utf-8")
    _print(found, as_json, tables.run)
    if out and not as_json:
        tables.say(f"Report: {out / 'report.html'}")


def exposure(request: Request, times: str | None, as_json: bool, sbml: Path | None = None) -> None:
    """Solve the slow chain and print exposure; with `sbml`, write the chain there for other programs."""
    from spasmlab import exposure_result

    asked = read_times(times) if times is not None else []
    if sbml is not None:
        _export(extended(request, asked), sbml)
    found = exposure_result.compute(extended(request, asked), asked, Stages(show=True))
    _print(found, as_json, tables.exposure)


def _export(request: Request, file: Path) -> None:
    from spasmlab.chain.solve import prepare
    from spasmlab.io import sbml

    problem = prepare(
        request.drug, request.regimen, request.patient, request.condition, request.hypothesis,
        days=request.days, formulation=request.formulation, fed=request.fed, overrides=request.overrides,
        dialysis=request.dialysis,
    )  # fmt: skip
    sbml.write(problem, file)


def exposure_of_events(question: Any, table: Path, out: Path | None, as_json: bool) -> None:
    """Predict every row of an event table, print them, or write the table with PRED columns to `out`."""
    from spasmlab import event_result

    found = event_result.compute(question, table, out, Stages(show=True))
    _print(found, as_json, tables.events)


def exposure_of_population(
    request: Request, count: int, name: str, adherence: float, times: str | None, as_json: bool
) -> None:
    """Exposure of many virtual patients: percentiles between patients."""
    from spasmlab import population_result

    asked = read_times(times) if times is not None else []
    request = extended(request, asked)
    found = population_result.compute(request, count, name, adherence, asked, Stages(show=True))
    _print(found, as_json, tables.population)


def conformance(as_json: bool) -> None:
    """Score the dosing scenarios on this machine; exit code 1 where one fails."""
    from spasmlab.conformance import report

    found = report.compute(Stages(show=True))
    _print(found, as_json, tables.conformance)
    if found["passed"] < found["total"]:
        raise SpasmlabError(f"{found['total'] - found['passed']} of {found['total']} scenarios failed")


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
    needed = max(times, default=0.0) / DAY_H
    if needed <= request.days:
        return request
    if needed > requests.MOST_DAYS:
        raise InputError(
            f"--times reach {number(needed)} days; possible: up to {number(requests.MOST_DAYS)} days"
        )
    return replace(request, days=float(math.ceil(needed)))


def assay(as_json: bool, **words: Any) -> None:
    """Run one assay without and, where a drug is named, with the drug; `words` are those of AssayQuestion."""
    from spasmlab import assay_result

    setting = assay_result.read(assay_result.AssayQuestion(**words))
    found = assay_result.compute(setting, Stages(show=True))
    _print(found, as_json, tables.assay)


def list_things(what: str, as_json: bool) -> None:
    """Print the names of one kind of thing, each with a few words."""
    from spasmlab import listing, result

    if what not in LISTS:
        raise unknown("list", what, LISTS)
    if what == "studies":
        raise InputError(
            "studies belong to a later version; possible now: " + ", ".join(sorted({*LISTS} - {what}))
        )
    found = {**result.head("list"), what: listing.ENTRIES[what]()}
    _print(found, as_json, lambda entries: tables.listing(what, entries[what]))


def explain(path: str, as_json: bool) -> None:
    """Print where a number comes from."""
    from spasmlab import result
    from spasmlab.explain import explain as find

    found = find(path)
    if as_json:
        print(result.dumps({**result.head("explain"), **found.as_dict()}))
    else:
        found.render(tables.console())


def _print(found: dict[str, Any], as_json: bool, table: Any) -> None:
    from spasmlab import result

    if as_json:
        print(result.dumps(found))
    else:
        table(found)
