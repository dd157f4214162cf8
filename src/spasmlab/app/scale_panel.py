"""The last panel: what the condition is scored by, and how many patients get each score, without and with drug."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from spasmlab.app.bindings import band, curve, drawing
from spasmlab.app.scene import Scene
from spasmlab.endpoints import typical
from spasmlab.endpoints.spasticity import GRADES
from spasmlab.levels import SCALE
from spasmlab.quantity import short

PERCENT = 100.0
MOST = np.inf
# Where the bars of a score begin: a choice of the drawing, in no calculation.
BINS = {
    "pain": (0, 2, 4, 6, 8, 10),
    "irls": (0, 10, 20, 30, 40),
    "seizures": (0, 2, 5, 10, 20, MOST),
    "cramps": (0, 1, 3, 6, 10, MOST),
}
AXES = {
    "pain": "pain score, 0 to 10",
    "irls": "IRLS, 0 to 40",
    "seizures": "seizures in 28 days",
    "cramps": "cramps in a week",
    "cramp_change": "rate of cramps",
}
UNITS = {"pain": "of 10", "irls": "of 40", "seizures": "in 28 days", "cramps": "a week"}
IN_A_TRIAL = "trial mean, placebo in both arms"
HEALTH = "In health there is no complaint to score, so there is no scale."


def title(scene: Scene) -> str:
    """What the panel is called for a condition."""
    return scene.scale.title if scene.scale else "No scale in health"


def level(scene: Scene) -> str:
    """The level whose parameters the score rests on last."""
    scale = scene.scale
    return f"endpoints.{scale.endpoint}" if scale and scale.outcome not in typical.CORD else SCALE


def words(scene: Scene) -> dict[str, str]:
    """What stands beside the number."""
    scale = scene.scale
    if scale is None or scale.outcome == "mas":
        return {"label": "expected score"}
    if scale.outcome == "cramp_change":
        return {"label": "rate of cramps, change by the drug"}
    return {"label": IN_A_TRIAL, "unit": UNITS[scale.outcome]}


def draw(scene: Scene, beyond: dict[str, Any]) -> dict[str, Any]:
    """Bars of both arms with their intervals; `beyond` is what is shown where the cord has no answer."""
    scale = scene.scale
    if scale is None:
        return {"message": HEALTH}
    if scale.outcome == "mas":
        return _grades(scene) if scene.score is not None else beyond
    if scale.outcome not in scene.scored.outcomes:
        return {"message": f"{scene.scored.problem}."}
    values = scene.scored.outcomes[scale.outcome]
    if scale.outcome == "cramp_change":
        return _rate(values)
    return _patients(values, scale.outcome)


def _grades(scene: Scene) -> dict[str, Any]:
    """The probability of each Ashworth grade in both arms."""
    assert scene.score is not None
    values = PERCENT * scene.by_arm(scene.score.probability)
    means = values.mean(axis=1)
    most = int(np.argmax(means[1]))
    none, drug = (short(round(float(mean[most]), 2)) for mean in means)
    likely = f"most likely grade on drug {GRADES[most]}: {drug} % of ratings, no drug {none} %"
    return _bars(values, means, GRADES, "modified Ashworth grade", "% of ratings", likely)


def _patients(values: np.ndarray, outcome: str) -> dict[str, Any]:
    """The share of patients at each score; `values` (arms, draws, patients)."""
    edges = BINS[outcome]
    last = edges[-1] if edges[-1] != MOST else None
    place = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, len(edges) - 2)
    shares = np.stack([PERCENT * (place == i).mean(axis=2) for i in range(len(edges) - 1)], axis=2)
    names = [f"{a:g}–{b:g}" for a, b in pairwise(edges)]
    if last is None:
        names[-1] = f"{edges[-2]:g}+"
    none, drug = (short(round(float(arm[0].mean()), 3)) for arm in values)
    said = f"mean on drug {drug}, no drug {none}"
    return _bars(shares, shares[:, 0], names, AXES[outcome], "% of patients", said)


def _rate(change: np.ndarray) -> dict[str, Any]:
    """The rate of cramps as a share of that without drug."""
    rates = PERCENT + change.mean(axis=2)[:, :, None]
    said = f"on drug {short(round(float(rates[1, 0, 0]), 1))} % of the rate without"
    return _bars(rates, rates[:, 0], ["cramps"], AXES["cramp_change"], "% of no drug", said)


def _bars(
    values: np.ndarray, centre: np.ndarray, names: Any, x_label: str, y_label: str, summary: str
) -> dict[str, Any]:
    """`values` (arms, draws, bars) give the intervals, `centre` (arms, bars) the bars."""
    curves = []
    for arm, label, look in ((0, "no drug", "shadow"), (1, "on drug", "first")):
        low, high = band(values[arm])
        mean = centre[arm]
        curves.append(curve(label, mean, look, low=np.minimum(low, mean), high=np.maximum(high, mean)))
    return drawing(
        np.arange(len(names)), curves, x_label=x_label, y_label=y_label, kind="bars", summary=summary,
        ticks=names, y_range=(0.0, None),
    )  # fmt: skip
