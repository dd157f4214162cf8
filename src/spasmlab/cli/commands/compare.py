"""`spasmlab compare`: arms side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from spasmlab.cli import options


def command(
    file: Annotated[Path, typer.Argument(help="Arms and what they share (TOML).")],
    fidelity: options.Fidelity = "circuit",
    as_json: options.AsJson = False,
) -> None:
    """Up to four arms in the same patient and cords: every number, and how it differs from the first arm."""
    options.checked_fidelity(fidelity)
    from spasmlab import compare, tables
    from spasmlab.progress import Stages

    found = compare.compute(compare.read(file), Stages(show=True), fidelity)
    options.show(found, as_json, tables.comparison)
