"""What can be taken away from the page: JSON and CSV of what is shown, figures, and the command line that repeats it.

Pictures of charts (PNG, SVG) are made in the browser by ``static/chart.js`` from what it draws.
"""

from __future__ import annotations

import csv
import io
import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from spasmlab import result
from spasmlab.shown import Shown


def command(verb: str, options: Mapping[str, Any], words: Sequence[str] = ()) -> str:
    """The command line of a verb: ``spasmlab run --drug gabapentin --regimen '600 mg tid'``.

    Options that are None or False are left out, True stands alone.
    """
    return "spasmlab " + " ".join(shlex.quote(part) for part in arguments(verb, options, words))


def arguments(verb: str, options: Mapping[str, Any], words: Sequence[str] = ()) -> list[str]:
    """The same as a list, for a process: every value stands as one word behind its option."""
    found = [verb, *words]
    for name, value in options.items():
        if value is None or value is False:
            continue
        option = "--" + name.replace("_", "-")
        found += [option] if value is True else [option, _plain(value)]
    return found


def _plain(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def table(rows: Iterable[Mapping[str, Any]]) -> str:
    """Rows of the same columns as CSV; empty text where there are none."""
    listed = list(rows)
    if not listed:
        return ""
    out = io.StringIO()
    writer = csv.DictWriter(out, fieldnames=list(listed[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(listed)
    return out.getvalue()


def numbers(found: Iterable[Shown]) -> list[dict[str, Any]]:
    """Every number of a run as a row: name, place, and value, low and high of each arm and of the difference."""
    rows = []
    for number in found:
        place = {k: v for k, v in (number.coordinate or {}).items() if k != "unit"}
        row: dict[str, Any] = {
            "level": number.level,
            "name": number.name,
            "at": "; ".join(f"{k}={v}" for k, v in place.items()),
            "unit": number.unit,
        }
        for arm, known in (
            ("no_drug", number.arm("no_drug")),
            ("drug", number.arm("drug")),
            ("difference", number.difference),
        ):
            for part in ("value", "low", "high"):
                row[f"{arm}_{part}"] = getattr(known, part) if known else None
        rows.append(row)
    return rows


def json_text(found: Mapping[str, Any]) -> str:
    """A result as JSON, as the command line prints it."""
    return result.dumps(found) + "\n"
