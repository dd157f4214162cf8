"""`spasmlab claims` for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from spasmlab.quantity import Quantity
from spasmlab.tables import _table, console, say


def show(found: Mapping[str, Any]) -> None:
    """A table of verdicts, then for each claim its experiments with what decided them."""
    table = _table("claim", "statement", "effect", "verdict")
    for claim in found["claims"]:
        effect = Quantity(**claim["effect"]).text if claim["effect"] else "–"
        table.add_row(claim["id"], claim["statement"], effect, claim["verdict"])
    console().print(table)
    for claim in found["claims"]:
        say(f"{claim['id']}: {claim['verdict']}. {claim['why']}.")
        for one in claim["experiments"]:
            effect = Quantity(**one["effect"]).text
            built_in = f" Built in: {one['built_in']}." if one["built_in"] else ""
            say(
                f"  {one['title']}: {effect}; claimed {one['claimed']}: {one['verdict']}. {one['detail']}.{built_in}"
            )
            say(f"    it would have been shown false by: {one['falsified']}")
    say(found["rule"])
    say(found["notice"])
