"""The options that several commands share, and the checks of words that are wrong whatever the command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from spasmlab.errors import InputError

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
Severity = Annotated[
    float, typer.Option("--severity", help="Of the condition: 0 is healthy, 1 the condition as written.")
]
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
Population = Annotated[int | None, typer.Option("--population", help="This many virtual patients.")]
Fidelity = Annotated[
    str, typer.Option("--fidelity", help="circuit, or surrogate: its smooth map, in no time.")
]
Dialysis = Annotated[
    str | None,
    typer.Option("--dialysis", help='Sessions: "4 h every 48 h", or "4 h on Mon, Wed, Fri, then 125 mg".'),
]
Indication = Annotated[
    str | None, typer.Option("--indication", help="What it is for: phn, epilepsy, rls, dpn, spasticity, …")
]
InPlaceOfIndication = Annotated[
    str | None, typer.Option("--condition", help="In place of --indication: see `list conditions`.")
]
FullDoseDays = Annotated[float | None, typer.Option("--days", help="Days on each full dose [28].")]
DesignName = Annotated[
    str, typer.Argument(help="A design (TOML), or the name of a study: see `list studies`.")
]
Workers = Annotated[int | None, typer.Option("--workers", help="Processes [as many as cores].", min=1)]
DesignSeed = Annotated[
    int | None, typer.Option("--seed", help="The same seed gives the same numbers [the design's].", min=0)
]
History = Annotated[
    str | None,
    typer.Option("--history", help='"depression, pregnant, lung-disease, misuse, …", or none.'),
]
TakenAlong = Annotated[
    str | None, typer.Option("--with", help='Other drugs taken along: "morphine, antacid 3 h before".')
]
SaidFed = Annotated[str | None, typer.Option("--fed", help="Doses are taken with food, or `--fed fasted`.")]
LabelName = Annotated[str, typer.Option("--label", help="Whose label: us or eu.")]
Fhir = Annotated[Path | None, typer.Option("--fhir", help="FHIR R4 JSON of the patient, in place of flags.")]


def show(found: dict[str, Any], as_json: bool, table: Any) -> None:
    """Print a result as one JSON object, or as the table that `table` makes of it."""
    from spasmlab import result

    if as_json:
        print(result.dumps(found))
    else:
        table(found)


def design_of(file: str, patients: int | None, seed: int | None) -> tuple[Any, dict[str, Any], Any]:
    """A trial's design (with so many patients in all), its [cluster] table, and its setting (with this seed)."""
    from spasmlab import trial_tables
    from spasmlab.trial.simulate import Setting

    design, cluster = trial_tables.read(file, patients)
    return design, cluster, Setting(design.seed if seed is None else seed)


def required_regimen(regimen: str | None, events: Path | None = None) -> str:
    """The one way in which doses are given; InputError where there are none or two."""
    if (regimen is None) == (events is None):
        given = "neither" if regimen is None else "both"
        raise InputError(
            f"--regimen and --events: {given} given; possible: one, such as --regimen '600 mg tid' or --events doses.csv"
        )
    return regimen if regimen is not None else str(events)


def refuse_beside(option: str, **others: object) -> None:
    """InputError where an option is given together with one that it excludes."""
    for name, value in others.items():
        if value is not None:
            raise InputError(f"{option} and --{name} cannot be combined; possible: one of them")


def refuse_without(option: str, **others: object) -> None:
    """InputError where an option is given without the one it belongs to."""
    for name, value in others.items():
        if value is not None:
            raise InputError(f"--{name} needs {option}; possible: give both, or leave --{name} out")


FIDELITIES = ("circuit", "surrogate")


def checked_fidelity(fidelity: str) -> str:
    """The fidelity, circuit or surrogate; InputError with the nearest match for anything else."""
    if fidelity not in FIDELITIES:
        from spasmlab.errors import unknown

        raise unknown("fidelity", fidelity, FIDELITIES)
    return fidelity


def folder_of(text: str | None) -> Path | None:
    """The folder named by ``--out``; InputError for an empty name."""
    if text is not None and not text.strip():
        raise InputError("--out is empty; possible: the name of a folder, as in out/mine")
    return None if text is None else Path(text)
