"""`spasmlab claims`: statements about gabapentin and muscle spasm, each with its experiment and verdict."""

from __future__ import annotations

from typing import Annotated

import typer

from spasmlab.cli import options


def command(
    claim: Annotated[list[str] | None, typer.Argument(help="Claims by id [all: minutes].")] = None,
    as_json: options.AsJson = False,
) -> None:
    """Statements about gabapentin and muscle spasm, put to experiments that could have failed."""
    from spasmlab import claims
    from spasmlab.claims import assess, tables
    from spasmlab.progress import Stages

    names = tuple(dict.fromkeys(claim)) if claim else claims.names()
    options.show(assess.compute(names, Stages(show=True)), as_json, tables.show)
