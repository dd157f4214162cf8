"""The numbers a run shows: each with its level, unit, meaning, value in both arms and their difference."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from spasmlab import levels, quantity
from spasmlab.exposure_words import METRICS
from spasmlab.quantity import Quantity
from spasmlab.run import ARMS, Outcome

if TYPE_CHECKING:
    from spasmlab.endpoints.spasticity import AshworthScore
    from spasmlab.endpoints.typical import Scored

EXPOSURE_LEVEL = "chain.disposition"
SIGNALS = {
    "chain.disposition": ("plasma_concentration", "metabolite_concentration"),
    "chain.brain": ("isf_concentration", "csf_concentration"),
    "chain.binding": ("occupancy", "occupancy_2"),
    "chain.channel": ("calcium_fast", "surface_channels", "calcium_entry"),
    "chain.release": ("release_ia", "release_poly", "release_monoamine", "release_inhibitory"),
}
NO_PERCENT = {"point", "grade"}  # steps of a scale, of which percentages mean nothing
SHARES = {"1", "%"}
COORDINATE_UNITS = {
    "velocity": "deg/s",
    "stimulus_rate": "Hz",
    "rate": "Hz",
    "interval": "s",
    "delay": "ms",
    "drive": "mV",
}


@dataclass(frozen=True)
class Shown:
    """One number shown: `values` has shape (arms, draws), for the arms named in `arms`."""

    name: str
    level: str
    unit: str
    meaning: str
    values: np.ndarray
    coordinate: Mapping[str, Any] = field(default_factory=dict)
    arms: tuple[str, ...] = ARMS
    percents: bool = True  # whether a change in per cent of no drug means something

    @property
    def centre(self) -> str:
        """How the draws become one value: see `quantity.from_draws`."""
        if self.name == "grade_probability":
            return "mean"
        return "median" if self.level.startswith("assays.") or self.level == levels.SCALE else "first"

    def arm(self, arm: str) -> Quantity | None:
        """The number in one arm; None where it does not exist there."""
        if arm not in self.arms:
            return None
        return quantity.from_draws(self.values[self.arms.index(arm)], self.unit, self.centre)

    @property
    def difference(self) -> Quantity | None:
        """Drug minus no drug, computed within each draw."""
        if self.arms != ARMS:
            return None
        return quantity.from_draws(self.values[1] - self.values[0], self.unit, self.centre)

    @property
    def percent(self) -> Quantity | None:
        """Change by the drug in percent of no drug, within each draw.

        None where no drug is 0 or missing in a draw, and for scales and probabilities.
        """
        scale = self.unit in NO_PERCENT or self.name == "grade_probability"
        if scale or not self.percents or self.arms != ARMS or not (np.abs(self.values[0]) > 0).all():
            return None
        return quantity.from_draws(100 * (self.values[1] / self.values[0] - 1), "percent", self.centre)


def of_run(outcome: Outcome) -> list[Shown]:
    """Every number of a run, level by level."""
    found = [*of_exposure(outcome.exposure), *of_state(outcome.state, outcome.units, outcome.meanings)]
    for name, result in outcome.assays.items():
        found += of_assay(name, result, outcome.by_arm)
    return [*found, *of_score(outcome.score, outcome.by_arm), *of_scored(outcome.scored)]


def of_exposure(metrics: Mapping[str, tuple[np.ndarray, str]]) -> Iterator[Shown]:
    """Exposure metrics: numbers of the dosed arm alone."""
    for name, (values, unit) in metrics.items():
        yield Shown(name, EXPOSURE_LEVEL, unit, METRICS[name], values[None, :], arms=("drug",))


def of_state(
    state: Mapping[str, np.ndarray], units: Mapping[str, str], meanings: Mapping[str, str]
) -> Iterator[Shown]:
    """Signals of the slow chain at the visit that the drug has, in the order of the body; (arms, draws) each."""
    for level, names in SIGNALS.items():
        for name in names:
            if name not in state:
                continue
            yield Shown(name, level, units[name], meanings[name], state[name])


def of_assay(
    name: str, result: Any, by_arm: Callable[[np.ndarray], np.ndarray], arms: tuple[str, ...] = ARMS
) -> Iterator[Shown]:
    """Read-outs of an assay; one that is a curve gives a number for each point of its coordinate."""
    from spasmlab import assays

    described = assays.load(name).READOUTS
    for readout, values in result.readouts.items():
        unit, meaning = described[readout]
        split = by_arm(np.asarray(values, dtype=float))
        if split.ndim == 2:
            yield Shown(readout, f"assays.{name}", unit, meaning, split, arms=arms)
            continue
        coordinate, points = next((c, p) for c, p in result.coords.items() if len(p) == split.shape[2])
        for index, point in enumerate(points):
            place = {coordinate: float(point), "unit": COORDINATE_UNITS.get(coordinate, "1")}
            yield Shown(readout, f"assays.{name}", unit, meaning, split[:, :, index], place, arms)


def of_score(score: AshworthScore, by_arm: Callable[[np.ndarray], np.ndarray]) -> Iterator[Shown]:
    """The scale: expected points, latent grade, resistance, passive share, probability of each grade."""
    from spasmlab.endpoints.spasticity import GRADES

    described = {
        "mas": ("point", "modified Ashworth score expected of a rater (1+ counts 1.5)", score.expected),
        "mas_latent": ("grade", "place on the Ashworth scale without tester and rater noise", score.latent),
        "total_torque": ("N*m", "resistance at the tester's typical velocity", score.total_torque),
        "passive_share": ("1", "share of that resistance that is passive", score.passive_share),
    }
    for name, (unit, meaning, values) in described.items():
        yield Shown(name, levels.SCALE, unit, meaning, by_arm(values))
    for index, grade in enumerate(GRADES):
        values = by_arm(score.probability[:, index])
        yield Shown(
            "grade_probability", levels.SCALE, "1", "probability of the grade", values, {"grade": grade}
        )


def of_scored(scored: Scored) -> Iterator[Shown]:
    """What a trial would score: of each outcome the mean over patients, placebo response included in both arms."""
    from spasmlab import endpoints

    for name, values in scored.outcomes.items():
        outcome = endpoints.find(name)
        many = "share of patients" if outcome.kind == "binary" else "mean of patients"
        meaning = f"{outcome.meaning} ({many} in a trial)"
        counted = outcome.kind == "count" or (outcome.kind == "continuous" and outcome.unit not in SHARES)
        level = f"endpoints.{scored.endpoint}"
        yield Shown(name, level, outcome.unit, meaning, values.mean(axis=2), percents=counted)
