"""How the numbers of the Evidence tab are written, and the small parts that its tables share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from htmltools import Tag, TagChild, tags

from spasmlab.app import widgets
from spasmlab.evidence import Row
from spasmlab.parameter import Parameter
from spasmlab.quantity import pretty_unit, short

MOST_VALUES = 4  # of a table of numbers, in a cell
ICONS = {
    "inside": "✓", "outside": "✕", "supported": "✓", "mixed": "≈", "not supported": "✕", "not testable": "–",
    "inside the spread": "✓", "intervals overlap": "✓", "direction right": "≈", "missed": "✕",
}  # fmt: skip
TONES = {"✓": "good", "✕": "bad", "≈": "middling", "–": "plain"}
SCALES = {"log": "on the log scale", "linear": "", "logit": "on the logit scale"}


def number(value: float | None) -> str:
    """A number to three figures with a true minus sign."""
    return widgets.minus(short(value)).replace("e−0", "e−").replace("e+0", "e")


def with_unit(value: float | None, unit: str) -> str:
    """A number with its unit."""
    return f"{number(value)} {pretty_unit(unit)}".strip()


def values(record: Parameter) -> str:
    """The value of a parameter, or the first of a table of them."""
    shown = ", ".join(number(v) for v in record.values[:MOST_VALUES])
    left = len(record.values) - MOST_VALUES
    return shown + (f", … ({len(record.values)})" if left > 0 else "")


def spread(size: float | None, record: Parameter) -> str:
    """A doubt or a spread between patients: per cent on the log scale, else as it stands."""
    if not size:
        return ""
    if record.transform == "log":
        return f"{number(100 * size)} %"
    return f"± {number(size)}" + (" logit" if record.transform == "logit" else "")


def of_row(row: Row) -> str:
    """The value of a row with its unit; of a direction in words."""
    if row.value is None:
        return "–"
    if row.unit == "direction":
        return {-1: "falls", 0: "no change", 1: "rises"}.get(int(row.value), number(row.value))
    if row.unit == "logical":
        return "yes" if row.value else "no"
    bound = {"upper bound": "≤ ", "lower bound": "≥ "}.get(row.spread_kind, "")
    return bound + with_unit(row.value, row.unit)


def badge(text: str) -> Tag:
    """A verdict: icon and word, never colour alone."""
    icon = ICONS.get(text, "–")
    return tags.span(
        tags.span(icon, aria_hidden="true"), f" {text}", class_=f"badge badge-{TONES.get(icon, 'plain')}"
    )


def link(path: str, text: TagChild = None) -> Tag:
    """A link to the row of a number, which may break at its dots."""
    return widgets.evidence_link(path, text if text is not None else breakable(path))


def breakable(path: str) -> Tag:
    """A path that may break after a dot."""
    if "." not in path:
        return tags.span(path, class_="whole")
    parts: list[TagChild] = []
    for part in path.split("."):
        parts += [part, ".", tags.wbr()]
    return tags.span(*parts[:-2])


def links(paths: Iterable[str], most: int = 12) -> Tag:
    """Links beside one another; what is over `most` is counted."""
    listed = list(paths)
    shown: list[TagChild] = [link(p) for p in listed[:most]]
    if len(listed) > most:
        shown.append(tags.span(f"and {len(listed) - most} more", class_="muted small"))
    return tags.span(*shown, class_="links") if shown else tags.span("none", class_="muted")


def facts(pairs: Sequence[tuple[str, Any]]) -> Tag:
    """Names and what is known under them, as a list of terms; what is empty is left out."""
    found: list[TagChild] = []
    for name, value in pairs:
        if value not in ("", None):
            found += [tags.dt(name), tags.dd(value)]
    return tags.dl(*found, class_="facts")


def table(
    head: Sequence[TagChild], rows: Iterable[Sequence[TagChild]], label: str, numeric: Iterable[int] = ()
) -> Tag:
    """A plain table that scrolls sideways where it must; the first cell of a row names it."""
    right = set(numeric)
    cell = lambda place, value: (
        tags.th(value, scope="row")
        if place == 0
        else tags.td(value, class_="number" if place in right else None)
    )
    body = [tags.tr(*(cell(place, value) for place, value in enumerate(row))) for row in rows]
    heads = [tags.th(t, scope="col", class_="number" if p in right else None) for p, t in enumerate(head)]
    return tags.div(
        tags.table(tags.thead(tags.tr(*heads)), tags.tbody(*body)),
        class_="table-scroll",
        tabindex="0",
        role="region",
        aria_label=label,
    )
