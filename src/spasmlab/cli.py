"""The command line: `spasmlab run|exposure|assay|conformance|list|explain`. What each command does lives in `commands`.

Exit codes: 0 done, 2 the user's input is wrong (one line on standard error), 1 anything else. Standard output
holds the table, or with ``--json`` one JSON object and nothing else; progress goes to standard error.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from spasmlab import __version__
from spasmlab.errors import InputError, SpasmlabError, nearest

LATER = {
    "trial": "simulate a clinical trial",
    "power": "power of a trial by its size",
    "replicate": "published studies against their prediction",
    "check": "check a prescription against the label",
    "claims": "statements about gabapentin and muscle spasm, with their verdicts",
    "app": "the laboratory as a web page",
}
_LATER_PANEL = "In later versions"

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="A virtual laboratory for muscle spasm, from a dose of gabapentin to the reflex it calms. "
    "For research and teaching, never for treating a patient.",
)

Drug = Annotated[
    str, typer.Option("--drug", help="A drug's name (see `list drugs`) or a TOML file of your own.")
]
RegimenText = Annotated[
    str | None,
    typer.Option(
        "--regimen", help='As people write it: "600 mg tid", "300 mg once"; or an event table, FILE.csv.'
    ),
]
Days = Annotated[float | None, typer.Option("--days", help="Days of treatment [14; a single dose: 1].")]
ConditionName = Annotated[str, typer.Option("--condition", help="See `list conditions`.")]
PatientText = Annotated[
    str | None, typer.Option("--patient", help='For example "age=48 y, weight=70 kg, sex=f, crcl=95 mL/min".')
]
Formulation = Annotated[
    str, typer.Option("--formulation", help="ir: capsule, tablet or solution; others: see `list drugs`.")
]
Fed = Annotated[
    str,
    typer.Option(
        "--fed", help="Doses are taken with food; alone it is high-fat. Kinds: low-fat, moderate, high-fat."
    ),
]
Taken = Annotated[str | None, typer.Option("--with", help="Other drugs taken along: antacid,cimetidine.")]
Events = Annotated[
    Path | None,
    typer.Option("--events", help="An event table (CSV, NONMEM's columns) in place of --regimen."),
]
HypothesisName = Annotated[str | None, typer.Option("--hypothesis", help="See `list hypotheses` [both].")]
Seed = Annotated[int, typer.Option("--seed", help="The same seed gives the same numbers.", min=0)]
Draws = Annotated[int | None, typer.Option("--draws", help="Draws of the doubt about the parameters.", min=1)]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]
LaterPopulation = Annotated[
    int | None, typer.Option("--population", help="Later version.", rich_help_panel=_LATER_PANEL)
]
Population = Annotated[int | None, typer.Option("--population", help="This many virtual patients.")]
Fidelity = Annotated[str, typer.Option("--fidelity", help="circuit (surrogate: later version).")]
Dialysis = Annotated[
    str | None,
    typer.Option("--dialysis", help='Sessions: "4 h every 48 h", or "4 h every 48 h, then 125 mg".'),
]


@app.callback(invoke_without_command=True)
def _root(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    if version:
        print(__version__)
        raise typer.Exit


@app.command("run")
def run_command(
    drug: Drug,
    condition: ConditionName,
    regimen: RegimenText = None,
    events: Events = None,
    days: Days = None,
    patient: PatientText = None,
    formulation: Formulation = "ir",
    fed: Fed = "fasted",
    dialysis: Dialysis = None,
    taken: Taken = None,
    hypothesis: HypothesisName = None,
    fidelity: Fidelity = "circuit",
    population: LaterPopulation = None,
    seed: Seed = 0,
    draws: Draws = None,
    out: Annotated[
        str | None, typer.Option("--out", help="Folder for report.html, result.json, figures.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """From a dose to a reflex: the whole chain in one condition, with and without the drug."""
    _refuse_fidelity(fidelity)
    _refuse_later("--population", population)
    from spasmlab import commands

    request = commands.request_of_run(
        drug,
        commands.required_regimen(regimen, events),
        draws,
        days=days,
        condition=condition,
        patient_text=patient,
        hypothesis=hypothesis,
        formulation=formulation,
        fed=fed,
        dialysis=dialysis,
        taken=taken,
        seed=seed,
    )
    commands.run(request, commands.folder_of(out), as_json)


@app.command()
def exposure(
    drug: Drug,
    regimen: RegimenText = None,
    events: Events = None,
    days: Days = None,
    patient: PatientText = None,
    formulation: Formulation = "ir",
    fed: Fed = "fasted",
    taken: Taken = None,
    times: Annotated[
        str | None, typer.Option("--times", help="Hours after the first dose: 6.5,9,12.")
    ] = None,
    dialysis: Dialysis = None,
    population: Population = None,
    of: Annotated[
        str | None, typer.Option("--of", help="Which patients with --population [healthy].")
    ] = None,
    adherence: Annotated[
        float | None, typer.Option("--adherence", help="Share of doses taken with --population [1].")
    ] = None,
    seed: Seed = 0,
    draws: Draws = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="With --events: write the table with predictions there.")
    ] = None,
    sbml: Annotated[
        Path | None, typer.Option("--sbml", help="Write the chain of this patient there, for other programs.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Concentrations in plasma, cord and spinal fluid, and what is usually computed from them."""
    from spasmlab import commands

    words: dict[str, Any] = {"patient_text": patient, "formulation": formulation, "fed": fed, "seed": seed}
    if events is not None:
        commands.required_regimen(regimen, events)
        _refuse_beside(
            "--events", days=days, times=times, dialysis=dialysis, population=population, sbml=sbml
        )
        question = commands.question_of_events(drug, draws, taken, **words)
        commands.exposure_of_events(question, events, out, as_json)
        return
    _refuse_without("--events", out=out)
    request = commands.request_of_exposure(
        drug, commands.required_regimen(regimen), draws, days=days, dialysis=dialysis, taken=taken, **words
    )
    if population is None:
        _refuse_without("--population", of=of, adherence=adherence)
        commands.exposure(request, times, as_json, sbml)
    else:
        _refuse_beside("--population", draws=draws, patient=patient, sbml=sbml)
        commands.exposure_of_population(
            request, population, of or "healthy", 1.0 if adherence is None else adherence, times, as_json
        )


@app.command()
def conformance(as_json: AsJson = False) -> None:
    """Score this machine on dosing scenarios whose answers are known, by two independent solvers."""
    from spasmlab import commands

    commands.conformance(as_json)


@app.command()
def assay(
    name: Annotated[str, typer.Argument(help="See `list assays`.")],
    condition: ConditionName,
    drug: Annotated[str | None, typer.Option("--drug", help="Without it the cord meets no drug.")] = None,
    regimen: Annotated[str | None, typer.Option("--regimen", help='For example "600 mg tid".')] = None,
    days: Days = None,
    plasma: Annotated[str | None, typer.Option("--plasma", help='A constant level: "6 mg/L".')] = None,
    patient: PatientText = None,
    hypothesis: HypothesisName = None,
    fidelity: Fidelity = "circuit",
    seed: Seed = 0,
    draws: Draws = None,
    as_json: AsJson = False,
) -> None:
    """One laboratory protocol on the cord of one condition, without and with a drug."""
    _refuse_fidelity(fidelity)
    from spasmlab import commands

    commands.assay(
        as_json,
        name=name,
        condition=condition,
        drug=drug,
        regimen=regimen,
        days=days,
        plasma=plasma,
        patient=patient,
        hypothesis=hypothesis,
        seed=seed,
        draws=draws,
    )


@app.command("list")
def list_command(
    what: Annotated[str, typer.Argument(help="drugs, conditions, hypotheses, assays, studies or signals")],
    as_json: AsJson = False,
) -> None:
    """What there is to choose from."""
    from spasmlab import commands

    commands.list_things(what, as_json)


@app.command()
def explain(
    path: Annotated[str, typer.Argument(help="A parameter's path, or the id of a row of evidence.")],
    as_json: AsJson = False,
) -> None:
    """Where a number comes from: value, unit, doubt, how derived, rows and sources."""
    from spasmlab import commands

    commands.explain(path, as_json)


def _later_command(name: str, meaning: str) -> None:
    settings: dict[str, Any] = {"allow_extra_args": True, "ignore_unknown_options": True}

    def refuse(context: typer.Context) -> None:
        raise InputError(f"'spasmlab {name}' ({meaning}) belongs to a later version; possible now: {_now()}")

    refuse.__doc__ = f"Later version: {meaning}."
    app.command(name, context_settings=settings, rich_help_panel=_LATER_PANEL)(refuse)


def _now() -> str:
    return "run, exposure, assay, conformance, list, explain"


for _name, _meaning in LATER.items():
    _later_command(_name, _meaning)


def _refuse_beside(option: str, **others: object) -> None:
    for name, value in others.items():
        if value is not None:
            raise InputError(f"{option} and --{name} cannot be combined; possible: one of them")


def _refuse_without(option: str, **others: object) -> None:
    for name, value in others.items():
        if value is not None:
            raise InputError(f"--{name} needs {option}; possible: give both, or leave --{name} out")


def _refuse_later(option: str, value: object) -> None:
    if value is not None:
        raise InputError(f"{option} belongs to a later version; leave it out to simulate one patient")


def _refuse_fidelity(fidelity: str) -> None:
    if fidelity == "surrogate":
        raise InputError("--fidelity surrogate belongs to a later version; possible now: circuit")
    if fidelity != "circuit":
        match = nearest(fidelity, ("circuit", "surrogate"))
        hint = f"did you mean '{match}'? " if match else ""
        raise InputError(f"unknown fidelity '{fidelity}'; {hint}possible: circuit")


def main(arguments: list[str] | None = None) -> None:
    """The entry point of the command `spasmlab`; ends the process with an exit code."""
    sys.exit(_exit_code(arguments))


def _exit_code(arguments: list[str] | None) -> int:
    try:
        code = app(
            args=_with_meal(sys.argv[1:] if arguments is None else arguments),
            prog_name="spasmlab",
            standalone_mode=False,
        )
    except SpasmlabError as problem:
        return _say(str(problem), problem.exit_code)
    except KeyboardInterrupt:
        return _say("interrupted", 130)
    except BrokenPipeError:
        sys.stderr.close()
        return 1
    except Exception as problem:
        return _usage_or_bug(problem)
    return code if isinstance(code, int) else 0


def _with_meal(words: list[str]) -> list[str]:
    """A bare ``--fed`` is the meal of food studies."""
    from itertools import pairwise

    bare = [
        word == "--fed" and (after is None or after.startswith("-"))
        for word, after in pairwise([*words, None])
    ]  # type: ignore[list-item]
    return [
        part
        for word, alone in zip(words, bare, strict=True)
        for part in ((word, "high-fat") if alone else (word,))
    ]


def _usage_or_bug(problem: Exception) -> int:
    """A wrong option or argument (Typer's exceptions know how to say it) is the user's; all else is ours."""
    say = getattr(problem, "format_message", None)
    if say is None:
        if os.environ.get("SPASMLAB_DEBUG"):
            raise problem
        return _say(f"unexpected {type(problem).__name__}: {problem}", 1)
    if type(problem).__name__ == "NoArgsIsHelpError":
        print(problem, file=sys.stderr)
        return 2
    return _say(say(), getattr(problem, "exit_code", 2))


def _say(message: str, code: int) -> int:
    print("error: " + " ".join(message.split()), file=sys.stderr)
    return code
