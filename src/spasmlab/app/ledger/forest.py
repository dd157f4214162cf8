"""Published numbers beside their predictions: one line each, on an axis that the lines of a panel share."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from htmltools import HTML, Tag, TagChild, tags

from spasmlab import evidence, kept, replication, replication_tables, scoreboard
from spasmlab.app.ledger import words
from spasmlab.errors import InputError
from spasmlab.quantity import pretty_unit
from spasmlab.report import forest

Entry = Mapping[str, Any]
WIDTH, HEIGHT = 200, 22  # of a strip, in units of its own
LEAST_RATIO, MOST_RATIO = 0.25, 4.0  # ends of the axis of ratios
CLOSE = (0.8, 1.25)


class Axis:
    """From values to places on a strip; `logarithmic` for ratios. What lies beyond an end stands at it."""

    def __init__(self, low: float, high: float, logarithmic: bool = False) -> None:
        self.logarithmic = logarithmic
        ends = [self._scaled(low), self._scaled(high)]
        pad = 0.04 * (ends[1] - ends[0]) or 1.0
        self.low, self.high = ends[0] - pad, ends[1] + pad

    def _scaled(self, value: float) -> float:
        return math.log(max(value, forest.LEAST)) if self.logarithmic else value

    def place(self, value: float) -> float:
        """The place of a value on the strip."""
        share = (self._scaled(value) - self.low) / (self.high - self.low)
        return round(WIDTH * min(1.0, max(0.0, share)), 1)


def axis_of(entries: Sequence[Entry]) -> Axis:
    """The axis of a panel: it holds every interval, every published number, and no effect."""
    ratio = any(e["statistic"] == "relative risk" for e in entries)
    seen = [1.0 if ratio else 0.0]
    for e in entries:
        seen += [
            v
            for v in (e["published"]["value"], e["predicted"]["low"], e["predicted"]["high"])
            if v is not None
        ]
    return Axis(min(seen), max(seen), ratio)


def strip(
    axis: Axis,
    low: float,
    high: float,
    middle: float,
    published: float | None,
    role: str,
    zero: float | None,
    shade: tuple[float, float] | None = None,
) -> Tag:
    """One line: interval and middle of the prediction in blue, the published number as a dot or a diamond."""
    mid, parts = HEIGHT / 2, []
    if shade:
        left, right = axis.place(shade[0]), axis.place(shade[1])
        parts.append(f'<rect x="{left}" y="0" width="{right - left:.1f}" height="{HEIGHT}" class="f-shade"/>')
    if zero is not None:
        at = axis.place(zero)
        parts.append(f'<line x1="{at}" x2="{at}" y1="0" y2="{HEIGHT}" class="f-zero"/>')
    left, right, centre = axis.place(low), axis.place(high), axis.place(middle)
    parts.append(f'<line x1="{left}" x2="{right}" y1="{mid}" y2="{mid}" class="f-interval"/>')
    parts.append(f'<line x1="{centre}" x2="{centre}" y1="{mid - 6}" y2="{mid + 6}" class="f-middle"/>')
    if published is not None:
        parts.append(_marker(axis.place(published), mid, role))
    inner = "".join(parts)
    return tags.span(
        HTML(f'<svg viewBox="-6 0 {WIDTH + 12} {HEIGHT}" aria-hidden="true">{inner}</svg>'),
        class_="strip",
    )


def _marker(x: float, y: float, role: str) -> str:
    if role == "calibration":
        return f'<circle cx="{x}" cy="{y}" r="4" class="f-calibration"/>'
    return f'<path d="M{x} {y - 5.5}l5.5 5.5l-5.5 5.5l-5.5 -5.5z" class="f-validation"/>'


def rows(entries: Sequence[Entry], label: str) -> Tag:
    """Entries of studies as lines: what, published, predicted, verdict, and the strip where there is an interval."""
    with_interval = [e for e in entries if e["predicted"]["low"] is not None]
    axes = {
        unit: axis_of([e for e in with_interval if _unit(e) == unit])
        for unit in {_unit(e) for e in with_interval}
    }
    lines = [_line(e, axes.get(_unit(e)) if e in with_interval else None) for e in entries]
    head = ("row", "what", "published", "predicted (90 %)", "verdict")
    return words.table(head, lines, label, {2, 3})  # fmt: skip


def _unit(e: Entry) -> str:
    return "relative risk" if e["statistic"] == "relative risk" else e["predicted"]["unit"]


def _line(e: Entry, axis: Axis | None) -> list[TagChild]:
    against = f" − {e['against']}" if e["against"] else ""
    day = f", day {words.number(e['day'])}" if e["day"] is not None else ""
    endpoint = e["endpoint"].removeprefix("adverse.").replace("-", " ").replace("_", " ")
    told, unit = e["predicted"], pretty_unit(e["predicted"]["unit"])
    what = tags.span(
        tags.span(f"{e['arm']}{against}"), tags.span(f"{endpoint}, {e['statistic']}{day}", class_="sub")
    )
    if axis is None:
        predicted: TagChild = words.widgets.minus(replication_tables.interval(e))
    else:
        ends = f" ({words.number(told['low'])} to {words.number(told['high'])})"
        zero = 1.0 if axis.logarithmic else 0.0
        drawn = strip(
            axis, told["low"], told["high"], told["value"], e["published"]["value"], e["role"], zero
        )
        predicted = tags.span(
            words.number(told["value"]), tags.span(ends, class_="interval"), f" {unit}", drawn
        )
    role = tags.span(e["role"], class_="sub")
    return [
        tags.span(words.link(e["row"]), role),
        what,
        words.widgets.minus(replication_tables.published(e)),
        predicted,
        words.badge(e["verdict"]),
    ]


def key() -> Tag:
    """What the signs of a strip mean."""

    def sign(inner: str) -> Tag:
        return tags.span(
            HTML(f'<svg viewBox="0 0 26 {HEIGHT}" aria-hidden="true">{inner}</svg>'), class_="sign"
        )

    interval = '<line x1="1" x2="25" y1="11" y2="11" class="f-interval"/>'
    interval += '<line x1="13" x2="13" y1="5" y2="17" class="f-middle"/>'
    return tags.p(
        sign(interval), "predicted: middle and 90 % interval",
        sign(_marker(13, 11, "validation")), "published, validation (only ever predicted)",
        sign(_marker(13, 11, "calibration")), "published, calibration (used in fitting)",
        class_="key",
    )  # fmt: skip


def board(asked: Any) -> Tag:
    """The scoreboard: scores of both roles apart, then every published number by panel, filtered."""
    entries = scoreboard.entries()
    about = scoreboard.about()
    chosen = [e for e in entries if _wanted(e, asked)]
    panels: dict[str, list[Entry]] = forest.panels(chosen)
    directions = [e for e in chosen if e["predicted"]["low"] is None]
    parts = [_panel(name, found, place == 0) for place, (name, found) in enumerate(panels.items())]
    if directions:
        parts.append(_panel("Directions", directions, not parts))
    return tags.div(
        tags.div(*(_score(role, entries) for role in reversed(evidence.ROLES)), class_="scores"),
        tags.p(
            f"{scoreboard.fewest_repeats()} simulated trials of each study or more, "
            f"seed {about['seed']}. Of new trials nine in ten should "
            "fall inside if the model and its doubts are right; wide intervals are no merit. ",
            tags.code("spasmlab replicate --all"),
            class_="muted small",
        ),
        key(),
        tags.p(f"{len(chosen)} of {len(entries)} published numbers", class_="count", role="status"),
        *(parts or [tags.p("Nothing passes the filters.", class_="muted")]),
        class_="stack",
    )


def entries_of(asked: Any) -> list[dict[str, Any]]:
    """The published numbers that pass the filters, flat, for export."""
    flat = []
    for e in scoreboard.entries():
        if _wanted(e, asked):
            told = e["predicted"]
            numbers = {"published": e["published"]["value"], "predicted": told["value"], "low": told["low"]}
            plain = {
                k: e[k]
                for k in ("study", "condition", "role", "endpoint", "statistic", "arm", "against", "row")
            }
            flat.append(
                plain | numbers | {"high": told["high"], "unit": told["unit"], "verdict": e["verdict"]}
            )
    return flat


def figure(asked: Any) -> Any:
    """The forest plot of the published numbers that pass the filters; InputError where none has an interval."""
    chosen = [e for e in scoreboard.entries() if _wanted(e, asked)]
    if not forest.panels(chosen):
        raise InputError("nothing that passes the filters has an interval to draw; possible: fewer filters")
    return forest.draw(chosen)


def _wanted(e: Entry, asked: Any) -> bool:
    text = " ".join(
        str(e[k]) for k in ("title", "condition", "endpoint", "arm", "row", "statistic", "verdict")
    )
    return (
        asked.role in ("", e["role"])
        and asked.level in ("", e["condition"])
        and all(word in text.casefold() for word in asked.find.casefold().split())
    )


def _panel(name: str, entries: Sequence[Entry], opened: bool) -> Tag:
    inside = sum(e["verdict"] == replication.INSIDE for e in entries)
    return tags.details(
        tags.summary(
            tags.span(name[:1].upper() + name[1:]),
            tags.span(f"{inside} of {len(entries)} inside", class_="muted"),
        ),
        rows(entries, name),
        class_="panel-fold",
        open=True if opened else None,
    )


def _score(role: str, entries: Sequence[Entry]) -> Tag:
    chosen = [e for e in entries if e["role"] == role]
    inside = sum(e["verdict"] == replication.INSIDE for e in chosen)
    note = {"validation": "only ever predicted", "calibration": "used in fitting: being inside shows little"}[
        role
    ]
    return score(role.capitalize(), inside, len(chosen), "inside the 90 % interval", note)


def score(title: str, count: int, of: int, what: str, note: str, more: str = "") -> Tag:
    """A score: a share as a number and a bar, with what it means."""
    share = count / max(of, 1)
    return tags.div(
        tags.p(title, class_="score-title"),
        tags.p(tags.span(f"{100 * share:.0f} %", class_="big"), f" {count} of {of} {what}"),
        tags.div(tags.div(style=f"width:{100 * share:.1f}%"), class_="bar", aria_hidden="true"),
        tags.p(note, class_="muted small"),
        tags.p(more, class_="small") if more else None,
        class_="score",
    )


def freshness(kind: str) -> Tag:
    """Whether a kept result was made from the numbers of today, and the command that makes it again."""
    told = (
        "Kept from a run with the numbers shown here."
        if kept.current(kind)
        else "Kept from a run with earlier numbers: some parameters have changed since."
    )
    return tags.p(told, " ", tags.code(kept.read(kind)["command"]), class_="muted small")
