"""`spasmlab power`: how often a trial of a size would succeed."""

from __future__ import annotations

from typing import Annotated

import typer

from spasmlab.cli import options


def command(
    file: options.DesignName,
    patients: Annotated[str, typer.Option("--patients", help="Sizes of the whole trial: 20,40,80.")],
    trials: Annotated[
        int | None, typer.Option("--trials", help="Trials for each size [200].", min=10)
    ] = None,
    seed: options.DesignSeed = None,
    workers: options.Workers = None,
    as_json: options.AsJson = False,
) -> None:
    """Power and type I error of a trial by its size, from simulated trials."""
    from spasmlab import trial_tables
    from spasmlab.progress import Stages
    from spasmlab.trial import power

    design, _, setting = options.design_of(file, None, seed)
    sizes = trial_tables.sizes_of(patients)
    found = power.compute(design, setting, sizes, trials, Stages(show=True), workers)
    options.show(found, as_json, trial_tables.power)
