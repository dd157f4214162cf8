"""The command line: `spasmlab run|exposure|assay|list|explain`. What each command does lives in `commands`.

Exit codes: 0 done, 2 the user's input is wrong (one line on standard error), 1 anything else. Standard output
holds the table, or with ``--json`` one JSON object and nothing else; progress goes to standard error.
"""

from __future__ import annotations

import os
import sys
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
    str, typer.Option("--regimen", help='As people write it: "600 mg tid", "300 mg once".')
]
Days = Annotated[float | None, typer.Option("--days", help="Days of treatment [14; a single dose: 1].")]
ConditionName = Annotated[str, typer.Option("--condition", help="See `list conditions`.")]
PatientText = Annotated[
    str | None, typer.Option("--patient", help='For example "age=48 y, weight=70 kg, sex=f, crcl=95 mL/min".')
]
Formulation = Annotated[str, typer.Option("--formulation", help="ir: capsule, tablet or solution.")]
Fed = Annotated[bool, typer.Option("--fed", help="Doses are taken with food.")]
HypothesisName = Annotated[str | None, typer.Option("--hypothesis", help="See `list hypotheses` [both].")]
Seed = Annotated[int, typer.Option("--seed", help="The same seed gives the same numbers.", min=0)]
Draws = Annotated[int | None, typer.Option("--draws", help="Draws of the doubt about the parameters.", min=1)]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]
Population = Annotated[
    int | None, typer.Option("--population", help="Later version.", rich_help_panel=_LATER_PANEL)
]
Fidelity = Annotated[str, typer.Option("--fidelity", help="circuit (surrogate: later version).")]
Dialysis = Annotated[
    str | None, typer.Option("--dialysis", help="Later version.", rich_help_panel=_LATER_PANEL)
]


@app.callback(invoke_without_command=True)
def _root(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    if version:
        print(__version__)
        raise typer.Exit


@app.command("run")
def run_command(
    drug: Drug,
    regimen: RegimenText,
    condition: ConditionName,
    days: Days = None,
    patient: PatientText = None,
    formulation: Formulation = "ir",
    fed: Fed = False,
    hypothesis: HypothesisName = None,
    fidelity: Fidelity = "circuit",
    population: Population = None,
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
        drug, regimen, days, condition, patient, hypothesis, formulation, fed, seed, draws
    )
    commands.run(request, commands.folder_of(out), as_json)


@app.command()
def exposure(
    drug: Drug,
    regimen: RegimenText,
    days: Days = None,
    patient: PatientText = None,
    formulation: Formulation = "ir",
    fed: Fed = False,
    times: Annotated[
        str | None, typer.Option("--times", help="Hours after the first dose: 6.5,9,12.")
    ] = None,
    dialysis: Dialysis = None,
    population: Population = None,
    seed: Seed = 0,
    draws: Draws = None,
    as_json: AsJson = False,
) -> None:
    """Concentrations in plasma, cord and spinal fluid, and what is usually computed from them."""
    _refuse_later("--dialysis", dialysis)
    _refuse_later("--population", population)
    from spasmlab import commands

    request = commands.request_of_exposure(drug, regimen, days, patient, formulation, fed, seed, draws)
    commands.exposure(request, times, as_json)


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
    return "run, exposure, assay, list, explain"


for _name, _meaning in LATER.items():
    _later_command(_name, _meaning)


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
        code = app(args=arguments, prog_name="spasmlab", standalone_mode=False)
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
