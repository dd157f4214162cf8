"""`spasmlab replicate`: published studies against their prediction."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from spasmlab.cli import options
from spasmlab.errors import InputError


def command(
    study: Annotated[list[str] | None, typer.Argument(help="Studies by name: see `list studies`.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every study (minutes).")] = False,
    repeats: Annotated[
        int | None, typer.Option("--repeats", help="Simulated trials of each study [40].", min=1)
    ] = None,
    workers: options.Workers = None,
    out: Annotated[Path | None, typer.Option("--out", help="Folder for result.json and studies.csv.")] = None,
    seed: options.Seed = 0,
    as_json: options.AsJson = False,
) -> None:
    """Published studies, simulated as designed, against what they reported."""
    from spasmlab import replication, replication_tables, result, studies
    from spasmlab.output import OutputFolder
    from spasmlab.progress import Stages

    if bool(study) == everything:
        given = "both" if everything else "neither"
        raise InputError(
            f"studies and --all: {given} given; possible: --all, or names such as rowbotham-1998 (list studies)"
        )
    names = studies.names() if everything else tuple(dict.fromkeys(study or ()))
    found = replication.compute(names, repeats, seed, Stages(show=True), workers)
    if out is not None:
        with OutputFolder(out) as folder:
            (folder / "result.json").write_text(result.dumps(found) + "\n", encoding="utf-8")
            rows = replication_tables.rows(found["studies"])
            (folder / "studies.csv").write_text(rows, encoding="utf-8")
    options.show(found, as_json, replication_tables.show)
