"""The panels of the cord filled by the spiking circuit where the quick map has no answer: `spasmlab run` in a process.

What is shown is read off the command's own JSON, so that it is what the command line prints.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from shiny import reactive

from spasmlab.app import exports
from spasmlab.app.bindings import curve, drawing
from spasmlab.app.board import Board
from spasmlab.app.scene import options
from spasmlab.app.work import Job, show_progress
from spasmlab.quantity import Quantity, pretty_unit

TAB, PLACE = "explore", "explore_fill"
PERCENT = 100.0
ARMS = (("no_drug", "no drug", "shadow"), ("drug", "on drug", "first"))


class Fill:
    """Runs of the whole chain on the circuit for one session; `of(asked)` is the result for a question, if there is one."""

    def __init__(self, board: Board, key: Callable[[Any], Any]) -> None:
        self.job = Job(board)
        self._key, self._asked = key, None
        self._serve(board)

    def of(self, asked: Any) -> dict[str, Any] | None:
        """The result of the run that asked the same (reactive)."""
        found = self.job.result()
        return found if found is not None and self._asked == self._key(asked) else None

    def _serve(self, board: Board) -> None:
        @reactive.effect
        @reactive.event(board.input[PLACE])
        def _() -> None:
            asked = board.fields(TAB)
            self._asked = self._key(asked)
            self.job.start(exports.arguments("run", run_options(asked, asked.cords)))

        @reactive.effect
        @reactive.event(board.input[f"{PLACE}_cancel"])
        def _() -> None:
            self.job.cancel()

        show_progress(board, self.job, f"{PLACE}_progress")

        @reactive.effect
        def _() -> None:
            board.tell("spasmlab-filling", busy=self.job.status().busy)


def run_options(asked: Any, cords: int) -> dict[str, Any]:
    """The options of `spasmlab run` that ask the same of the circuit."""
    return {**options(asked), "fidelity": "circuit", "draws": cords, "seed": 0}


def panels(found: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The panels of the cord from a result: circuit, muscle, and the scale where it is read off the cord."""
    cords = "one spiking cord" if found["draws"] == 1 else f"{found['draws']} spiking cords"
    made = {
        "circuit": _panel(
            found, "h_m_ratio", "active_units", "% of the pool", PERCENT, f"Hmax/Mmax, {cords}"
        ),
        "muscle": _panel(found, "reflex_torque", "reflex_torque", "N·m", 1.0, f"fastest stretch, {cords}"),
    }
    if found["scale"]["name"] == "mas":
        drawn = _bars(found)
        made["scale"] = {**_numbers(found, "mas"), "drawing": drawn, "label": f"expected score, {cords}"}
    return made


def _panel(
    found: Mapping[str, Any], name: str, readout: str, unit: str, scale: float, label: str
) -> dict[str, Any]:
    curves, speeds = [], [point["velocity"] for point in found["arms"]["drug"][readout]]
    for arm, text, look in ARMS:
        curves.append(_curve(found["arms"][arm][readout], text, look, scale))
    drawn = drawing(
        speeds, curves, x_label="stretch velocity (°/s)", y_label=unit, summary=f"by the spiking circuit: {label}",
        y_range=(0.0, None),
    )  # fmt: skip
    return {**_numbers(found, name), "drawing": drawn, "label": label}


def _bars(found: Mapping[str, Any]) -> dict[str, Any]:
    grades = [point["grade"] for point in found["arms"]["drug"]["grade_probability"]]
    curves = [
        _curve(found["arms"][arm]["grade_probability"], text, look, PERCENT) for arm, text, look in ARMS
    ]
    return drawing(
        np.arange(len(grades)), curves, x_label="modified Ashworth grade", y_label="% of ratings", kind="bars",
        summary="by the spiking circuit", ticks=grades, y_range=(0.0, None),
    )  # fmt: skip


def _curve(points: list[dict[str, Any]], label: str, look: str, scale: float) -> dict[str, Any]:
    part = lambda name: np.array([np.nan if p[name] is None else p[name] for p in points]) * scale
    low, high = part("low"), part("high")
    known = bool(np.isfinite(low).all())
    return curve(label, part("value"), look, low=low if known else None, high=high if known else None)


def _numbers(found: Mapping[str, Any], name: str) -> dict[str, str]:
    """The number of a panel in words; of a curve its last point, the fastest stretch."""
    last = lambda entry: entry[-1] if isinstance(entry, list) else entry
    none, drug = (Quantity.of(last(found["arms"][arm][name])) for arm, _, _ in ARMS)
    effect = last(found["effects"][name])
    change = Quantity.of(effect["percent"] or effect["difference"])
    unit, sign = pretty_unit(change.unit), "+" if (change.value or 0) > 0 else ""
    said = f"{sign}{change.number_text}{' ' + unit if unit else ''}" if change.value is not None else ""
    texts = {
        "value": drug.number_text, "unit": pretty_unit(drug.unit), "interval": drug.interval_text,
        "without": none.number_text, "change": said if none.value else "", "meaning": "",
    }  # fmt: skip
    return {key: text.replace("-", "−") if key != "unit" else text for key, text in texts.items()}


def rows(found: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Every number of a result as a row, with the columns of `exports.numbers` but the level."""
    for name, entry in found["arms"]["drug"].items():
        many = isinstance(entry, list)
        for place, drug in enumerate(entry if many else [entry]):
            at = lambda kind, name=name, place=place, many=many: (
                kind.get(name)[place] if many and kind.get(name) else kind.get(name)
            )
            none, effect = at(found["arms"]["no_drug"]), at(found["effects"])
            key = next(
                (k for k in drug if k not in {"value", "unit", "low", "high", "coordinate_unit"}), None
            )
            row = {"name": name, "at": f"{key}={drug[key]}" if key else "", "unit": drug["unit"]}
            parts = {"no_drug": none, "drug": drug, "difference": effect and effect["difference"]}
            for arm, known in parts.items():
                row |= {f"{arm}_{part}": known[part] if known else None for part in ("value", "low", "high")}
            yield row
