"""`spasmlab run`: the whole chain, from a dose to a reflex."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spasmlab.cli import options

if TYPE_CHECKING:
    from spasmlab.request import Request

DRAWS = 16


def command(
    drug: options.Drug,
    condition: options.ConditionName,
    regimen: options.RegimenText = None,
    events: options.Events = None,
    days: options.Days = None,
    severity: options.Severity = 1.0,
    patient: options.PatientText = None,
    formulation: options.Formulation = "ir",
    fed: options.Fed = "fasted",
    dialysis: options.Dialysis = None,
    taken: options.Taken = None,
    hypothesis: options.HypothesisName = None,
    fidelity: options.Fidelity = "circuit",
    population: options.Population = None,
    of: Annotated[
        str | None, typer.Option("--of", help="Which patients with --population [as the condition].")
    ] = None,
    seed: options.Seed = 0,
    draws: options.Draws = None,
    out: Annotated[
        str | None, typer.Option("--out", help="Folder for report.html, result.json, figures.")
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """From a dose to a reflex: the whole chain in one condition, with and without the drug."""
    options.checked_fidelity(fidelity)
    if population is None:
        options.refuse_without("--population", of=of)
    else:
        options.refuse_beside("--population", patient=patient, draws=draws)
    from spasmlab import request as requests

    request = requests.build(
        drug,
        options.required_regimen(regimen, events),
        days=days,
        condition=condition,
        severity=severity,
        patient_text=patient,
        hypothesis=hypothesis,
        formulation=formulation,
        fed=fed,
        dialysis=dialysis,
        taken=taken,
        seed=seed,
        draws=DRAWS if draws is None else draws,
    )
    if population is None:
        carry_out(request, options.folder_of(out), as_json, fidelity)
    else:
        carry_out_population(request, population, of, fidelity, options.folder_of(out), as_json)


def carry_out_population(
    request: Request, count: int, of: str | None, fidelity: str, out: Path | None, as_json: bool
) -> None:
    """Many patients through the whole chain, their circuits by the surrogate, and the spread between them."""
    from spasmlab import result, run_population, tables
    from spasmlab.output import OutputFolder
    from spasmlab.progress import Stages

    with OutputFolder(out) if out else contextlib.nullcontext() as folder:
        found = run_population.compute(request, count, of, fidelity, Stages(show=True))
        if folder:
            (folder / "result.json").write_text(result.dumps(found) + "\n", encoding="utf-8")
    options.show(found, as_json, tables.run_population)


def carry_out(request: Request, out: Path | None, as_json: bool, fidelity: str = "circuit") -> None:
    """Run, print, and write report.html, result.json and figures to `out`, all or nothing."""
    from spasmlab import tables
    from spasmlab.output import OutputFolder
    from spasmlab.progress import Stages

    with OutputFolder(out) if out else contextlib.nullcontext() as folder:
        from spasmlab import result
        from spasmlab import run as runs

        stages = Stages(show=True)
        outcome = runs.run(request, stages, fidelity)
        found = result.of_run(outcome)
        if folder:
            from spasmlab import report

            with stages("Report"):
                report.write(folder, outcome, found)
            found["seconds"] = result.seconds(stages)
            (folder / "result.json").write_text(result.dumps(found) + "\n", encoding="utf-8")
    options.show(found, as_json, tables.run)
    if out and not as_json:
        tables.say(f"Report: {out / 'report.html'}")
