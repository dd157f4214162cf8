"""`spasmlab explain`: where a number comes from."""

from __future__ import annotations

from typing import Annotated

import typer

from spasmlab.cli import options


def command(
    path: Annotated[str, typer.Argument(help="A parameter's path, or the id of a row of evidence.")],
    as_json: options.AsJson = False,
) -> None:
    """Where a number comes from: value, unit, doubt, how derived, rows and sources."""
    from spasmlab import result, tables
    from spasmlab.explain import explain as find

    found = find(path)
    if as_json:
        print(result.dumps({**result.head("explain"), **found.as_dict()}))
    else:
        found.render(tables.console())
