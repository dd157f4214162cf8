"""The charts of the Compare tab: every level of the chain, a curve or a bar for each arm on the same axes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np

from spasmlab.app.bindings import curve, drawing
from spasmlab.app.compare_question import LAST_DAY, LETTERS, LOOKS
from spasmlab.compare import Answered
from spasmlab.quantity import INTERVAL, Quantity, pretty_unit
from spasmlab.regimen import DAY_H

PERCENT = 100.0


@dataclass(frozen=True)
class Panel:
    """One chart: `number` is a signal of the chain over time, or a read-out over its coordinate or alone.

    `scale` multiplies the number into `unit`; `without` is its level without drug, drawn as a shadow, where not None.
    """

    name: str
    title: str
    number: str
    level: str
    unit: str
    kind: str = "time"  # time | coordinate | bar
    scale: float = 1.0
    without: float | None = None


PANELS = (
    Panel("plasma", "Plasma", "plasma_concentration", "chain.disposition", "mg/L"),
    Panel("csf", "Spinal fluid", "csf_concentration", "chain.brain", "mg/L"),
    Panel("occupancy", "α2δ-1 occupied", "occupancy", "chain.binding", "%", scale=PERCENT),
    Panel("calcium", "Calcium entry", "calcium_entry", "chain.channel", "% of no drug", "time", PERCENT, PERCENT),
    Panel("ia", "Release, Ia afferents", "release_ia", "chain.release", "% of no drug", "time", PERCENT, PERCENT),
    Panel(
        "poly", "Release, polysynaptic", "release_poly", "chain.release", "% of no drug", "time", PERCENT, PERCENT
    ),
    Panel("h", "H-reflex: H/M", "h_m_ratio", "assays.h_reflex", "", "bar"),
    Panel("units", "Motor units in a stretch", "active_units", "assays.stretch", "% of the pool", "coordinate", PERCENT),
    Panel("torque", "Reflex torque", "reflex_torque", "assays.stretch", "N·m", "coordinate"),
    Panel("spasm", "Spasm: impulse", "spasm_impulse", "assays.spasm", "N·m·s", "bar"),
    Panel("grade", "Ashworth grade", "grade_probability", "endpoints.spasticity", "probability, %", "coordinate", PERCENT),
    Panel("mas", "Ashworth score", "mas", "endpoints.spasticity", "points", "bar"),
)  # fmt: skip
COORDINATES = {"velocity": "velocity of the stretch (°/s)", "grade": "grade"}


def drawings(found: Sequence[Answered], rows: Sequence[dict[str, Any]], span: str) -> dict[str, Any]:
    """Every chart by the name of its panel; a message where no arm has the number."""
    return {panel.name: _drawn(panel, found, rows, span) for panel in PANELS}


def _drawn(
    panel: Panel, found: Sequence[Answered], rows: Sequence[dict[str, Any]], span: str
) -> dict[str, Any]:
    if panel.kind == "time":
        return _course(panel, found, span)
    own = [row for row in rows if row["name"] == panel.number and row["level"] == panel.level]
    if not own or not any(own[0]["arms"]):
        return {"message": "Run the real circuit to see this level."}
    return _curve(panel, own) if panel.kind == "coordinate" else _bars(panel, own[0])


def _course(panel: Panel, found: Sequence[Answered], span: str) -> dict[str, Any]:
    end = found[0].request.days * DAY_H
    from_h = max(0.0, end - DAY_H) if span == LAST_DAY else 0.0
    shared = reduce(np.intersect1d, [one.chain["time"].values for one in found])  # all but the visits
    hours = shared[shared >= from_h]
    curves = []
    for letter, one in zip(LETTERS, found, strict=False):
        if panel.number not in one.chain:
            continue
        draws = one.chain[panel.number].sel(time=hours).values * panel.scale
        low, high = np.percentile(draws, INTERVAL, axis=0)
        curves.append(_marked(curve(letter.upper(), draws[0], LOOKS[letter], low=low, high=high)))
    if not curves:
        return {"message": "No arm's drug has this level."}
    if panel.without is not None:
        curves.insert(0, curve("no drug", np.full(hours.size, panel.without), "shadow"))
    last = span == LAST_DAY
    return drawing(
        (hours - from_h) if last else hours / DAY_H,
        curves,
        x_label="hours of the last day" if last else "days",
        y_label=panel.unit,
        y_range=(0.0 if panel.without is None else None, None),
        summary=_summary(panel, curves),
    )


def _curve(panel: Panel, own: Sequence[dict[str, Any]]) -> dict[str, Any]:
    coordinate = str(next(iter(own[0]["at"])))
    places = [row["at"][coordinate] for row in own]
    named = isinstance(places[0], str)
    curves = [_of_rows("no drug", "shadow", [row["no_drug"] for row in own], panel, named)]
    for index, letter in enumerate(LETTERS[: len(own[0]["arms"])]):
        if own[0]["arms"][index]:
            told = [row["arms"][index] for row in own]
            curves.append(_of_rows(letter.upper(), LOOKS[letter], told, panel, True))
    return drawing(
        np.arange(len(places)) if named else places,
        curves,
        x_label=COORDINATES.get(coordinate, coordinate),
        y_label=panel.unit,
        y_range=(0.0, None),
        ticks=[str(place) for place in places] if named else None,
        kind="bars" if named else "line",
        summary=_summary(panel, curves[1:]),
    )


def _bars(panel: Panel, row: dict[str, Any]) -> dict[str, Any]:
    curves = [_of_rows("no drug", "shadow", [row["no_drug"]], panel, True)]
    for letter, told in zip(LETTERS, row["arms"], strict=False):
        if told:
            curves.append(_of_rows(letter.upper(), LOOKS[letter], [told], panel, True))
    return drawing(
        [0],
        curves,
        x_label="at the visit",
        y_label=panel.unit,
        y_range=(0.0, None),
        ticks=[""],
        kind="bars",
        summary="; ".join(_said(c["label"], row, i) for i, c in enumerate(curves)),
    )


def _of_rows(label: str, look: str, told: Sequence[Any], panel: Panel, band: bool) -> dict[str, Any]:
    column = lambda key: np.array([np.nan if q is None or q[key] is None else q[key] for q in told], float)
    low, high = (column(key) * panel.scale for key in ("low", "high"))
    known = band and not np.isnan(low).any()
    made = curve(
        label, column("value") * panel.scale, look, low=low if known else None, high=high if known else None
    )
    return _marked(made) if look != "shadow" else made


def _marked(made: dict[str, Any]) -> dict[str, Any]:
    return {**made, "mark": True}


def _said(label: str, row: dict[str, Any], place: int) -> str:
    told = row["no_drug"] if place == 0 else next((q for q in row["arms"][place - 1 :] if q), None)
    return f"{label}: {Quantity(**told).text}" if told else label


def _summary(panel: Panel, curves: Sequence[dict[str, Any]]) -> str:
    ends = [f"{c['label']} up to {_most(c['values'])}" for c in curves if c["look"] != "shadow"]
    return f"{panel.title}, {pretty_unit(panel.unit) or 'ratio'}: " + ", ".join(ends)


def _most(values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{max(known):.3g}" if known else "nothing"
