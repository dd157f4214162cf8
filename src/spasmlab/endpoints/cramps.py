"""Muscle cramps: counts in a week, how long one lasts, and the threshold frequency.

    rate = B · (1 − placebo) · ((1 − s) + s·e),   e = exp(−g·X),   X = 1 − release_poly,   counts ~ negative binomial
    threshold = intact · (blocked/intact)^(1 − e),   duration likewise from `duration_intact` to `duration_blocked`

A cramp begins in the motor nerve's endings; a share s needs the loop through the cord, and that is all a drug of the
synapse can reach: with e = 0 the muscle behaves as with its nerve blocked. No controlled trial of gabapentin exists.
"""

from __future__ import annotations

import numpy as np
from scipy import stats

from spasmlab.endpoints.course import Chance, Course, lagged
from spasmlab.endpoints.outcome import Outcome, placebo
from spasmlab.parameter import Parameter, beside
from spasmlab.regimen import DAY_H

CONDITIONS = ("cramp-prone",)
PERCENT = 100
PROVOKED = (
    "dehydrated",
    "electrolyte-loss",
    "overused",
)  # whose rate of cramps no study gives: only its change is known
READS = ("release_poly",)
TITLE, MAIN = "Cramps", "cramps"
OUTCOMES = {
    "cramps": Outcome("1/week", "cramps in the week before the visit", kind="count"),
    "cramp_change": Outcome("%", "change of the rate of cramps by the drug", low=-100),
    "cramp_free": Outcome("1", "whether a week passes without a cramp", "higher", "binary", high=1),
    "cramp_duration": Outcome("s", "how long a cramp lasts"),
    "cramp_threshold": Outcome("Hz", "stimulation frequency that brings a cramp on", better="higher"),
}


def parameters() -> dict[str, Parameter]:
    """The parameters beside this module, by name."""
    return beside("endpoints.cramps")


def simulate(course: Course, days: np.ndarray, chance: Chance) -> dict[str, np.ndarray]:
    """Every outcome at the visits, an array (N, visits) each."""
    known = parameters()
    loop = loop_left(known, course, days, chance)
    share = chance.of_patients(known["spinal_share"])[:, None]
    base = chance.of_patients(known["baseline_rate"])[:, None]
    left = 1 - share + share * loop
    mean = base * (1 - placebo(known, chance, days)) * left
    size = known["count_size"].number
    uniform = chance.chances("cramps", len(days))
    counts = stats.nbinom.ppf(uniform, size, size / (size + mean))
    return {
        "cramps": counts,
        "cramp_change": PERCENT * (left - 1),
        "cramp_free": (counts == 0).astype(float),
        "cramp_duration": between(known["duration_intact"], known["duration_blocked"], 1 - loop, chance),
        "cramp_threshold": between(known["threshold_intact"], known["threshold_blocked"], 1 - loop, chance),
    }


def loop_left(known: dict[str, Parameter], course: Course, days: np.ndarray, chance: Chance) -> np.ndarray:
    """What is left of the loop through the cord, exp(−g·X), (N, visits)."""
    gain = chance.of_patients(known["gain"])[:, None]
    reached = lagged(course.loss("poly"), course.step_h, chance.value(known["onset_time"]) * DAY_H)
    return np.exp(-gain * course.at(reached, days))


def between(intact: Parameter, blocked: Parameter, lost: np.ndarray, chance: Chance) -> np.ndarray:
    """From the value with the loop intact to that with the nerve blocked, even on a log scale, (N, visits)."""
    start, ratio = chance.of_patients(intact)[:, None], chance.value(blocked) / chance.value(intact)
    return start * ratio**lost
