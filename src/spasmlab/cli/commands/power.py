"""`spasmlab power`: how often a trial of a size would succeed."""

from __future__ import annotations

from typing import Annotated

import typer

from spasmlab.cli import options


def command(
    file: Annotated[str, typer.Argument(help="A design (TOML), or the name of a study: see `list studies`.")],
    patients: Annotated[str, typer.Option("--patients", help="Sizes of the whole trial: 20,40,80.")],
    trials: Annotated[
        int | None, typer.Option("--trials", help="Trials for each size [200].", min=10)
    ] = None,
    seed: Annotated[
        int | None, typer.Option("--seed", help="The same seed gives the same numbers.", min=0)
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """Power and type I error of a trial by its size, from simulated trials."""
    from spasmlab import trial_tables
    from spasmlab.progress import Stages
    from spasmlab.trial import power
    from spasmlab.trial.simulate import Setting

    design, _ = trial_tables.read(file, None)
    setting = Setting(design.seed if seed is None else seed)
    found = power.compute(design, setting, trial_tables.sizes_of(patients), trials, Stages(show=True))
    options.show(found, as_json, trial_tables.power)
