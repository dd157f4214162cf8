"""`spasmlab list`: what there is to choose from."""

from __future__ import annotations

from typing import Annotated

import typer

from spasmlab.cli import options
from spasmlab.errors import unknown

LISTS = ("drugs", "conditions", "hypotheses", "reliefs", "assays", "studies", "signals")


def command(
    what: Annotated[
        str, typer.Argument(help="drugs, conditions, hypotheses, reliefs, assays, studies or signals")
    ],
    as_json: options.AsJson = False,
) -> None:
    """What there is to choose from."""
    from spasmlab import listing, result, tables

    if what not in LISTS:
        raise unknown("list", what, LISTS)
    found = {**result.head("list"), what: listing.ENTRIES[what]()}
    options.show(found, as_json, lambda entries: tables.listing(what, entries[what]))
