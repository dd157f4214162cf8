"""The eight panels of the chain, from plasma to scale: what each draws and the numbers it shows at the visit.

A panel's `draw` takes a scene and the span of time and gives a drawing for `bindings.drawing`. Every panel has the same
patient without drug as its shadow, and the 90 % interval of the doubt as its band.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np

from spasmlab.app import scale_panel
from spasmlab.app.bindings import band, curve, drawing
from spasmlab.app.scene import Scene
from spasmlab.explain import share_of_assumed
from spasmlab.levels import SCALE, Behind
from spasmlab.quantity import Quantity, pretty_unit, short
from spasmlab.regimen import DAY_H
from spasmlab.shown import Shown

LAST = "scale"  # the panel that follows the condition
LAST_DAY, COURSE = "last-day", "course"
SPANS = {LAST_DAY: "The last day", COURSE: "The whole course"}
PERCENT = 100.0


@dataclass(frozen=True)
class Panel:
    """One panel: where it stands, what it is called, how it is drawn, the number it shows, and what that rests on."""

    name: str
    title: str
    about: str
    draw: Callable[[Scene, str], dict[str, Any]]
    number: Callable[[Scene], Shown | None]
    level: str
    label: str
    group: str | None = None
    percent: bool = False


def payload(scene: Scene, span: str) -> dict[str, Any]:
    """Everything the page needs to show a scene: drawings, numbers and words, by panel."""
    return {panel.name: _one(panel, scene, span) for panel in PANELS}


def _one(panel: Panel, scene: Scene, span: str) -> dict[str, Any]:
    found = panel.number(scene)
    request, level = scene.request, panel.level
    words: dict[str, str] = {"label": panel.label}
    numbers = _numbers(found, panel.percent)
    if panel.name == LAST:
        level = scale_panel.level(scene)
        words = {"title": scale_panel.title(scene), "level": level, **scale_panel.words(scene)}
    if found is None:
        words.pop("unit", None)
    share = assumed(request.drug, request.condition, request.hypothesis, request.formulation, level)
    words["assumed"] = f"{PERCENT * share:.0f} % assumed"
    return {"drawing": panel.draw(scene, span), **numbers, **words}


def _numbers(found: Shown | None, percent: bool) -> dict[str, Any]:
    """The number at the visit as texts: value, unit, interval, without drug, and the change."""
    if found is not None and percent:
        found = replace(found, values=PERCENT * found.values, unit="percent")
    if found is None or found.arm("drug") is None:
        return {"meaning": "", "value": "–", "unit": "", "interval": "", "without": "", "change": ""}
    drug, none, change = found.arm("drug"), found.arm("no_drug"), found.percent or found.difference
    assert drug is not None
    return {
        "meaning": found.meaning[:1].upper() + found.meaning[1:],
        "value": _minus(drug.number_text),
        "unit": pretty_unit(drug.unit),
        "interval": _minus(drug.interval_text),
        "without": _minus(none.number_text) if none else "",
        "change": _change(change, none),
    }


def _change(change: Quantity | None, none: Quantity | None) -> str:
    if change is None or change.value is None or none is None or not none.value:
        return ""
    sign = "+" if change.value > 0 else ""
    unit = pretty_unit(change.unit)
    return _minus(f"{sign}{change.number_text}{' ' + unit if unit else ''}")


def _minus(text: str) -> str:
    return text.replace("-", "−")


@lru_cache(maxsize=512)
def _assumed(key: Any) -> float:
    return float(share_of_assumed(Behind(*key.behind).level(key.level))["share"])


def assumed(drug: Any, condition: Any, hypothesis: Any, formulation: str, level: str) -> float:
    """The share of the parameters behind a level that are assumed."""
    return _assumed(_Key((drug, condition, hypothesis, formulation), level))


@dataclass(frozen=True, eq=False)
class _Key:
    """What the share depends on, told apart by names: records hold dictionaries, which have no hash."""

    behind: tuple[Any, Any, Any, str]
    level: str

    @property
    def names(self) -> tuple[str, ...]:
        drug, condition, hypothesis, formulation = self.behind
        return drug.name, condition.name, hypothesis.name, formulation, self.level

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and self.names == other.names

    def __hash__(self) -> int:
        return hash(self.names)


# ---- over time ------------------------------------------------------------------------------------------------------


def _course(
    names: Iterable[tuple[str, str, str]], unit: str, undrugged: float, scale: float = 1.0, missing: str = ""
) -> Callable[[Scene, str], dict[str, Any]]:
    """A panel of signals over time: (signal, label, look) each, in `unit` after `scale`."""
    wanted = tuple(names)

    def draw(scene: Scene, span: str) -> dict[str, Any]:
        present = [(name, label, look) for name, label, look in wanted if name in scene.chain]
        if not present:
            return {"message": missing.format(drug=scene.request.drug.title)}
        kept, x, label = _span(scene, span)
        curves = [curve("no drug", np.full(len(x), undrugged * scale), "shadow")]
        for name, text, look in present:
            values = scene.signal(name)[:, kept] * scale
            low, high = band(values)
            curves.append(curve(text, values[0], look, low=low, high=high))
        first, none = curves[1]["values"], short(undrugged * scale)
        summary = f"{present[0][1]}: {short(min(first))} to {short(max(first))} {unit}, no drug {none}"
        visit = _at(scene.request.visit_h, scene, span)
        bounds = (0.0, None) if undrugged == 0 else (None, None)
        marks = [{"x": visit, "label": "visit"}]
        return drawing(x, curves, x_label=label, y_label=unit, summary=summary, marks=marks, y_range=bounds)

    return draw


def _span(scene: Scene, span: str) -> tuple[np.ndarray, np.ndarray, str]:
    """Which times are drawn, their places on the axis, and the axis in words."""
    hours, end = scene.hours, scene.request.days * DAY_H
    if span == COURSE:
        return np.arange(len(hours)), hours / DAY_H, "time (days)"
    kept = np.flatnonzero(hours >= end - DAY_H - 1e-9)
    return kept, hours[kept] - max(0.0, end - DAY_H), "time on the last day (h)"


def _at(hour: float, scene: Scene, span: str) -> float:
    end = scene.request.days * DAY_H
    return hour / DAY_H if span == COURSE else hour - max(0.0, end - DAY_H)


# ---- at the visit ---------------------------------------------------------------------------------------------------


def _against_velocity(readout: str, unit: str, scale: float = 1.0) -> Callable[[Scene, str], dict[str, Any]]:
    """A panel of a read-out of the stretch against its velocity, the median over cords in each arm."""

    def draw(scene: Scene, span: str) -> dict[str, Any]:
        if scene.problem:
            return _beyond(scene)
        stretched = scene.assays["stretch"]
        speeds, values = (
            stretched.coords["velocity"],
            scene.by_arm(np.asarray(stretched.readouts[readout])) * scale,
        )
        curves = [_arm(values[0], "no drug", "shadow"), _arm(values[1], "on drug", "first")]
        none, drug = (short(c["values"][-1]) for c in curves)
        at = f"at {short(float(speeds[-1]))} °/s {drug} {unit}, no drug {none}"
        return drawing(
            speeds, curves, x_label="stretch velocity (°/s)", y_label=unit, summary=at, y_range=(0.0, None)
        )

    return draw


def _arm(values: np.ndarray, label: str, look: str) -> dict[str, Any]:
    low, high = band(values)
    return curve(label, np.median(values, axis=0), look, low=low, high=high)


def _scale(scene: Scene, span: str) -> dict[str, Any]:
    return scale_panel.draw(scene, _beyond(scene))


def _beyond(scene: Scene) -> dict[str, Any]:
    """What stands where the quick map of the cord has no answer: why, in one sentence, and a button that runs the cord."""
    drug, condition = scene.request.drug.title, scene.request.condition.title
    if "releases alone" in (scene.problem or ""):
        why = f"{drug} acts on the cord itself, which the quick map of the cord does not know"
    else:
        why = f"There is no quick map of the cord for “{condition}”"
    return {"message": f"{why}: run the spiking cord to fill this panel.", "action": "Run the circuit"}


def _named(name: str) -> Callable[[Scene], Shown | None]:
    return lambda scene: scene.number(name)


def _fastest(name: str) -> Callable[[Scene], Shown | None]:
    """A read-out of the fastest stretch."""

    def find(scene: Scene) -> Shown | None:
        return next((n for n in reversed(scene.to_cord) if n.name == name and n.coordinate), None)

    return find


NO_BINDING = "{drug} does not act through α2δ."
PANELS = (
    Panel(
        "plasma", "Plasma", "concentration in plasma",
        _course([("plasma_concentration", "plasma", "first")], "mg/L", 0.0),
        _named("plasma_concentration"), "chain.disposition", "at the visit", "time",
    ),
    Panel(
        "csf", "Spinal fluid and cord", "concentration in lumbar fluid and in the fluid between cells of the cord",
        _course(
            [("csf_concentration", "spinal fluid", "first"), ("isf_concentration", "cord", "second")], "mg/L", 0.0,
            missing="{drug} is not followed into the spinal fluid.",
        ),
        _named("csf_concentration"), "chain.brain", "spinal fluid", "time",
    ),
    Panel(
        "occupancy", "α2δ occupied", "share of the binding site that the drug holds",
        _course(
            [("occupancy", "α2δ-1", "first"), ("occupancy_2", "α2δ-2", "second")], "%", 0.0, PERCENT, NO_BINDING
        ),
        _named("occupancy"), "chain.binding", "α2δ-1", "time", True,
    ),
    Panel(
        "calcium", "Calcium entry", "calcium that enters a terminal per impulse, against no drug",
        _course(
            [("calcium_entry", "entry", "first"), ("calcium_fast", "fast arm", "second"),
             ("surface_channels", "channels", "third")], "% of no drug", 1.0, PERCENT, NO_BINDING,
        ),
        _named("calcium_entry"), "chain.channel", "entry", "time", True,
    ),
    Panel(
        "release", "Transmitter release", "transmitter released per impulse, against no drug",
        _course(
            [("release_ia", "Ia", "first"), ("release_poly", "polysynaptic", "second"),
             ("release_monoamine", "monoamine", "third")], "% of no drug", 1.0, PERCENT, NO_BINDING,
        ),
        _named("release_poly"), "chain.release", "polysynaptic", "time", True,
    ),
    Panel(
        "circuit", "Spinal circuit", "share of the motor pool that fires in a stretch, and the H-reflex",
        _against_velocity("active_units", "% of the pool", PERCENT),
        _named("h_m_ratio"), "assays.h_reflex", "Hmax/Mmax", "velocity",
    ),
    Panel(
        "muscle", "Muscle", "torque with which the calf answers a stretch",
        _against_velocity("reflex_torque", "N·m"),
        _fastest("reflex_torque"), "assays.stretch", "fastest stretch", "velocity",
    ),
    Panel(
        "scale", "Ashworth scale", "what the condition is scored by", _scale,
        lambda scene: scene.score_number, SCALE, "expected score",
    ),
)  # fmt: skip
