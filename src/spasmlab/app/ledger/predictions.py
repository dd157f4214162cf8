"""Predicted exposure and predicted read-outs of cord and muscle, beside what was published: scores, then every row."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from htmltools import Tag, TagChild, tags

from spasmlab import circuit_runs, evidence, kept, parameter, predicted, predicted_circuit, predicted_page
from spasmlab.app.ledger import forest, words
from spasmlab.predicted_circuit import SIGNED, Judged
from spasmlab.quantity import pretty_unit

Told = Mapping[str, Any]
GOOD = ("inside the spread", "intervals overlap")


def exposure_board(asked: Any) -> Tag:
    """Predicted over published exposure, with the bounds of closeness shaded."""
    found = kept.read("exposure")["results"]
    counted = [e for e in found if e["counted"]]
    shown = [e for e in found if _wanted(evidence.row(e["row"]), e["told"], asked)]
    return tags.div(
        tags.div(*(_exposure_score(role, counted) for role in reversed(evidence.ROLES)), class_="scores"),
        forest.freshness("exposure"),
        tags.p(
            "The strip shows predicted over published on a log axis from 0.25 to 4; the shade is 0.8 to 1.25, the bounds "
            "of closeness set before the comparison.",
            class_="muted small",
        ),
        tags.p(f"{len(shown)} of {len(found)} published numbers", class_="count", role="status"),
        words.table(
            ("row", "quantity", "published", "predicted (90 %)", "predicted over published", "interval holds it"),
            [_exposure_line(e) for e in shown],
            "Predicted exposure",
            {2, 3, 4},
        ),
        class_="stack",
    )  # fmt: skip


def _exposure_score(role: str, found: Sequence[Told]) -> Tag:
    chosen = [e for e in found if evidence.row(e["row"]).role == role]
    fold = parameter.beside("predicted")["fold"].number
    errors = [abs(math.log(e["ratio"])) for e in chosen]
    within = sum(error <= math.log(fold) * (1 + 1e-9) for error in errors)
    mean = math.exp(sum(errors) / max(len(errors), 1))
    held = sum(e["covered"] for e in chosen)
    note = {"validation": "no fit reads one", "calibration": "open to the fits"}[role]
    more = f"Geometric mean fold error {mean:.2f}; the 90 % interval holds {held} of {len(chosen)}."
    return forest.score(role.capitalize(), within, len(chosen), "within 0.8 to 1.25", note, more)


def _exposure_line(e: Told) -> list[TagChild]:
    row = evidence.row(e["row"])
    axis = forest.Axis(forest.LEAST_RATIO, forest.MOST_RATIO, True)
    ends = [_over_published(e[name], row) for name in ("low", "high")]
    told = tags.span(words.number(e["value"]),
                     tags.span(f" ({words.number(e['low'])} to {words.number(e['high'])})", class_="interval"),
                     f" {pretty_unit(row.unit)}")  # fmt: skip
    drawn = forest.strip(axis, ends[0], ends[1], e["ratio"], 1.0, row.role, None, forest.CLOSE)
    left = "" if e["counted"] else "; shown, not counted"
    return [
        tags.span(words.link(row.id), tags.span(f"{row.role}{left}", class_="sub")),
        tags.span(row.quantity, tags.span(e["told"], class_="sub")),
        words.of_row(row),
        told,
        tags.span(f"{e['ratio']:.2f}", drawn),
        words.badge("inside" if e["covered"] else "outside"),
    ]


def _over_published(value: float, row: evidence.Row) -> float:
    """A prediction over the published number; a change in per cent as a ratio of exposures, as the page of them has it."""
    change = bool(predicted.scenarios()[row.id].against) and row.unit in predicted_page.PERCENT
    return (1 + value / 100) / (1 + row.number / 100) if change else value / row.number


@cache
def judged() -> list[Judged]:
    """Every row from binding to muscle beside its prediction, from the runs that are kept."""
    return predicted_circuit.judged(circuit_runs.stored())


def circuit_board(asked: Any) -> Tag:
    """Rows from the binding site to the muscle beside their prediction."""
    found = judged()
    shown = [one for one in found if _wanted(one.row, one.line.told, asked)]
    return tags.div(
        tags.div(*(_circuit_score(role, found) for role in reversed(evidence.ROLES)), class_="scores"),
        tags.p("Computed from the runs of the cord that are kept with the program. ",
               tags.code("python -m spasmlab.predicted_circuit_page"), class_="muted small"),
        tags.p(f"{len(shown)} of {len(found)} published numbers", class_="count", role="status"),
        words.table(
            ("row", "quantity", "level", "published", "predicted (90 %)", "verdict"),
            [_circuit_line(one) for one in shown],
            "Predicted read-outs of cord and muscle",
            {3, 4},
        ),
        class_="stack",
    )  # fmt: skip


def _circuit_score(role: str, found: Iterable[Judged]) -> Tag:
    chosen = [one for one in found if one.row.role == role]
    good = sum(one.verdict in GOOD for one in chosen)
    right = sum(one.verdict == "direction right" for one in chosen)
    missed = sum(one.verdict == "missed" for one in chosen)
    note = {"validation": "only ever predicted", "calibration": "used in setting the cord"}[role]
    more = f"{right} more with the right direction alone, {missed} missed."
    return forest.score(role.capitalize(), good, len(chosen), "inside or overlapping", note, more)


def _circuit_line(one: Judged) -> list[TagChild]:
    unit = "% change" if one.row.unit in SIGNED else pretty_unit(one.row.unit)
    ends = f" ({words.number(one.low)} to {words.number(one.high)})"
    return [
        tags.span(words.link(one.row.id), tags.span(one.row.role, class_="sub")),
        tags.span(one.row.quantity, tags.span(one.line.told, class_="sub")),
        one.row.level,
        words.of_row(one.row),
        tags.span(words.number(one.value), tags.span(ends, class_="interval"), f" {unit}"),
        words.badge(one.verdict),
    ]


def _wanted(row: evidence.Row, told: str, asked: Any) -> bool:
    text = f"{row.id} {row.quantity} {row.source} {told}".casefold()
    return (
        asked.role in ("", row.role)
        and asked.level in ("", row.level)
        and all(word in text for word in asked.find.casefold().split())
    )


def flat(view: str, asked: Any) -> list[dict[str, Any]]:
    """The rows of a board that pass the filters, flat, for export."""
    if view == "exposure":
        found = [
            e for e in kept.read("exposure")["results"] if _wanted(evidence.row(e["row"]), e["told"], asked)
        ]
        return [
            {"row": e["row"], "role": evidence.row(e["row"]).role, "published": evidence.row(e["row"]).value,
             "unit": evidence.row(e["row"]).unit, **{k: e[k] for k in ("value", "low", "high", "ratio", "covered", "told")}}
            for e in found
        ]  # fmt: skip
    return [
        {"row": one.row.id, "role": one.row.role, "level": one.row.level, "published": one.row.value, "unit": one.row.unit,
         "value": float(one.value), "low": float(one.low), "high": float(one.high), "verdict": one.verdict}
        for one in judged() if _wanted(one.row, one.line.told, asked)
    ]  # fmt: skip
