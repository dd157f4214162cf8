"""`spasmlab replicate` as tables for people, and its rows as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from spasmlab.quantity import short
from spasmlab.tables import _table, console, say

COLUMNS = (
    "study", "condition", "role", "endpoint", "statistic", "arm", "against", "day", "row", "field", "grade",
    "published", "predicted", "low", "high", "unit", "less", "no_difference", "more", "verdict",
)  # fmt: skip


def show(found: Mapping[str, Any]) -> None:
    """Every row, then the share inside by role, then what is not predicted and why."""
    table = _table("study", "role", "statistic", "arm", "published", "predicted", "90 % interval", "verdict")
    for e in found["studies"]:
        table.add_row(*cells(e))
    console().print(table)
    for score in found["scores"]:
        if score["condition"] == "all":
            say(
                f"{score['role']}: {score['inside']} of {score['rows']} inside ({100 * score['share']:.0f} %)"
            )
    for left in found["not_predicted"]:
        say(f"not predicted: {left['study']}, {left['row']} ({left['role']}): {left['reason']}")
    say(found["rule"])
    say(found["notice"])


def cells(e: Mapping[str, Any]) -> list[str]:
    """One row for people."""
    against = f" against {e['against']}" if e["against"] else ""
    what = f"{e['endpoint']}, {e['statistic']}"
    return [
        e["study"],
        e["role"],
        what,
        e["arm"] + against,
        published(e),
        predicted(e),
        interval(e),
        e["verdict"],
    ]


def published(e: Mapping[str, Any]) -> str:
    """The published number with its unit; a direction in words."""
    if "shares" in e["predicted"]:
        return _word(e["published"]["value"])
    return f"{short(e['published']['value'])} {_unit(e)}".strip()


def predicted(e: Mapping[str, Any]) -> str:
    """The middle of the prediction; of directions the most frequent."""
    return _word(e["predicted"]["value"]) if "shares" in e["predicted"] else short(e["predicted"]["value"])


def interval(e: Mapping[str, Any]) -> str:
    """The prediction interval; of directions how often each is predicted."""
    told = e["predicted"]
    if "shares" in told:
        return ", ".join(f"{name} {100 * share:.0f} %" for name, share in told["shares"].items())
    return f"{short(told['low'])} to {short(told['high'])}"


def _word(sign: float) -> str:
    from spasmlab.replication import SIGNS

    return SIGNS[round(sign)]


def _unit(e: Mapping[str, Any]) -> str:
    from spasmlab.quantity import pretty_unit

    return pretty_unit(e["published"]["unit"])


def rows(entries: Sequence[Mapping[str, Any]]) -> str:
    """The rows as CSV text, numbers to four figures."""
    out = io.StringIO()
    writer: csv.DictWriter[str] = csv.DictWriter(out, list(COLUMNS), lineterminator="\n")
    writer.writeheader()
    for e in entries:
        told, shares = e["predicted"], e["predicted"].get("shares", {})
        numbers = {
            "published": e["published"]["value"], "predicted": told["value"], "low": told["low"], "high": told["high"],
            **{name.replace(" ", "_"): share for name, share in shares.items()},
        }  # fmt: skip
        words = {k: "" if e[k] is None else e[k] for k in COLUMNS if k in e and k not in numbers}
        writer.writerow(
            {
                **words,
                "unit": told["unit"],
                **{k: "" if v is None else f"{v:.4g}" for k, v in numbers.items()},
            }
        )
    return out.getvalue()
