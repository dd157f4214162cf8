"""Neuropathic pain: the weekly mean of a daily 0–10 score in postherpetic neuralgia and diabetic neuropathy.

    P(t) = B · (1 − placebo(t)) · exp(−g·X(t)) + noise,   X' = (loss − X)/τ,   loss = 1 − release_poly

Release at the terminals of the dorsal horn is that of the polysynaptic class. B, g and the placebo response differ
between patients; g and the placebo response also between trials.
"""

from __future__ import annotations

import numpy as np

from spasmlab.endpoints.course import Chance, Course, lagged
from spasmlab.endpoints.outcome import Outcome, placebo
from spasmlab.parameter import Parameter, beside
from spasmlab.regimen import DAY_H

CONDITIONS = ("postherpetic-neuralgia", "diabetic-neuropathy")
READS = ("release_poly",)
TITLE, MAIN = "Pain score", "pain"
OUTCOMES = {
    "pain": Outcome("point", "weekly mean of the daily pain score, 0 to 10", high=10),
    "pain_change": Outcome("%", "change of the weekly mean pain from baseline", low=-100),
    "pain_half": Outcome(
        "1", "whether pain has fallen by at least half", better="higher", kind="binary", high=1
    ),
    "pain_third": Outcome(
        "1", "whether pain has fallen by at least 30 %", better="higher", kind="binary", high=1
    ),
}


def parameters() -> dict[str, Parameter]:
    """The parameters beside this module, by name."""
    return beside("endpoints.pain")


def simulate(course: Course, days: np.ndarray, chance: Chance) -> dict[str, np.ndarray]:
    """Every outcome at the visits, an array (N, visits) each; the first visit is the baseline."""
    known = parameters()
    score = noisy(known, latent(known, course, days, chance), chance)
    change = 100 * (score / score[:, :1] - 1)
    fall = known["responder_fall"].values
    return {
        "pain": score,
        "pain_change": change,
        "pain_half": (change <= -fall[0]).astype(float),
        "pain_third": (change <= -fall[1]).astype(float),
    }


def latent(known: dict[str, Parameter], course: Course, days: np.ndarray, chance: Chance) -> np.ndarray:
    """Pain before the noise of a week, (N, visits)."""
    base = chance.of_patients(known["baseline"])
    gain = chance.of_patients(known["gain"], chance.value(known["gain_between_study"]))
    reached = lagged(course.loss("poly"), course.step_h, chance.value(known["onset_time"]) * DAY_H)
    relief = np.exp(-gain[:, None] * course.at(reached, days))
    return base[:, None] * (1 - placebo(known, chance, days)) * relief


def noisy(known: dict[str, Parameter], pain: np.ndarray, chance: Chance) -> np.ndarray:
    """Pain with the noise of a week's mean, kept above 0 and within the scale."""
    noise = known["week_noise"].number * chance.noise("pain week", pain.shape[1])
    return np.clip(pain + noise, known["lowest_score"].number, OUTCOMES["pain"].high)
