"""Restless legs: the sensory complaint (IRLS, 0–40) and the movements in sleep (PLMS index), each with its own drug effect.

    IRLS(t) = B · (1 − placebo(t)) · (1 − E·X/(X + X50)) + noise,   PLMS(t) = M · exp(−h·X) · night-to-night factor

X follows the loss of polysynaptic release, 1 − release_poly, as it was over the night, with a lag. Sensation saturates
at a low loss (doses of 600 to 2400 mg of enacarbil did the same); movements have next to no placebo response.
"""

from __future__ import annotations

import numpy as np

from spasmlab.endpoints.course import Chance, Course, lagged
from spasmlab.endpoints.outcome import Outcome, placebo
from spasmlab.parameter import Parameter, beside
from spasmlab.regimen import DAY_H

CONDITIONS = ("restless-legs",)
READS = ("release_poly",)
TITLE, MAIN = "Restless legs (IRLS)", "irls"
OUTCOMES = {
    "irls": Outcome("point", "International Restless Legs Scale, 0 to 40", high=40),
    "irls_change": Outcome("point", "change of the IRLS from baseline", low=-40, high=40),
    "irls_half": Outcome(
        "1", "whether the IRLS has fallen by at least half", better="higher", kind="binary", high=1
    ),
    "plms_index": Outcome("1/h", "periodic leg movements in an hour of sleep"),
}


def parameters() -> dict[str, Parameter]:
    """The parameters beside this module, by name."""
    return beside("endpoints.restless_legs")


def simulate(course: Course, days: np.ndarray, chance: Chance) -> dict[str, np.ndarray]:
    """Every outcome at the visits, an array (N, visits) each; the first visit is the baseline."""
    known = parameters()
    loss = at_night(known, course)
    reached = course.at(lagged(loss, course.step_h, chance.value(known["onset_time"]) * DAY_H), days)
    irls = sensory(known, reached, days, chance)
    return {
        "irls": irls,
        "irls_change": irls - irls[:, :1],
        "irls_half": (irls <= 0.5 * irls[:, :1]).astype(float),
        "plms_index": movements(known, reached, chance),
    }


def at_night(known: dict[str, Parameter], course: Course) -> np.ndarray:
    """The loss of release in the hours of complaint (`evening_h` to `morning_h`), held through the day, (N, T)."""
    clock = (course.hours + course.clock_h) % DAY_H
    night = (clock >= known["evening_h"].number) | (clock < known["morning_h"].number)
    last = np.maximum.accumulate(np.where(night, np.arange(night.size), 0))
    return course.loss("poly")[:, last]


def sensory(known: dict[str, Parameter], reached: np.ndarray, days: np.ndarray, chance: Chance) -> np.ndarray:
    """The IRLS at the visits, (N, visits)."""
    base = chance.of_patients(known["irls_baseline"])
    most = chance.of_patients(known["sensory_largest"])
    half = chance.of_patients(known["sensory_half"])[:, None]
    felt = base[:, None] * (1 - placebo(known, chance, days))
    score = felt * (1 - most[:, None] * reached / (reached + half))
    noise = known["irls_noise"].number * chance.noise("irls", len(days))
    return np.clip(score + noise, OUTCOMES["irls"].low, OUTCOMES["irls"].high)


def movements(known: dict[str, Parameter], reached: np.ndarray, chance: Chance) -> np.ndarray:
    """The PLMS index at the visits, (N, visits): log-normal from night to night."""
    base = chance.of_patients(known["plms_baseline"])[:, None]
    gain = chance.of_patients(known["motor_gain"])[:, None]
    night = known["plms_noise"].number * chance.noise("plms", reached.shape[1])
    return base * np.exp(-gain * reached + night)
