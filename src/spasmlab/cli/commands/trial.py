"""`spasmlab trial`: a clinical trial from one TOML file, simulated and analysed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from spasmlab.cli import options


def command(
    file: options.DesignName,
    patients: Annotated[int | None, typer.Option("--patients", help="This many in all [the file's].")] = None,
    engine: Annotated[str, typer.Option("--engine", help="local or dask.")] = "local",
    workers: options.Workers = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Folder for parts and result.json; a run cut short goes on there."),
    ] = None,
    seed: options.DesignSeed = None,
    as_json: options.AsJson = False,
) -> None:
    """A virtual trial: patients enrolled, treated, scored and analysed as the design says."""
    from spasmlab import result, trial_tables
    from spasmlab.progress import Stages
    from spasmlab.trial import result as results

    design, cluster, setting = options.design_of(file, patients, seed)
    found = results.compute(
        design, setting, Stages(show=True), out=out, engine_name=engine, workers=workers, cluster=cluster
    )
    if out is not None:
        (out / "result.json").write_text(result.dumps(found) + "\n", encoding="utf-8")
    options.show(found, as_json, trial_tables.trial)
