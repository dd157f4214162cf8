"""Partial seizures: counts over the weeks between visits, their rate relative to baseline, responders.

    log rate = log λ − g·X(t) in patients who respond at all (a share π), plus the drift of the trial;   X = 1 − release_poly
    counts ~ negative binomial (mean rate·weeks, size k);   R = (T − B)/(T + B),   responder: T ≤ B/2

Both baseline and treatment counts are drawn, so regression to the mean, and responders under placebo, come by themselves.
"""

from __future__ import annotations

import numpy as np
from scipy import stats

from spasmlab.endpoints.course import Chance, Course, lagged
from spasmlab.endpoints.outcome import Outcome
from spasmlab.parameter import Parameter, beside
from spasmlab.regimen import DAY_H

CONDITIONS = ("partial-seizures",)
READS = ("release_poly",)
TITLE, MAIN = "Seizure rate", "seizures"
OUTCOMES = {
    "seizures": Outcome("1/four_weeks", "seizures in 28 days since the last visit", kind="count"),
    "response_ratio": Outcome("1", "(T − B)/(T + B) of treatment and baseline rates", low=-1, high=1),
    "seizure_change": Outcome("%", "change of the seizure rate from baseline", low=-100),
    "seizure_half": Outcome(
        "1", "whether the rate has fallen by at least half", better="higher", kind="binary", high=1
    ),
}


def parameters() -> dict[str, Parameter]:
    """The parameters beside this module, by name."""
    return beside("endpoints.seizures")


def simulate(course: Course, days: np.ndarray, chance: Chance) -> dict[str, np.ndarray]:
    """Every outcome at the visits, an array (N, visits) each; the first visit ends the baseline period."""
    known = parameters()
    log_rate = np.log(chance.of_patients(known["baseline_rate"]))[:, None] + drift(known, chance, days)
    log_rate = log_rate + effect(known, course, days, chance)
    spans = np.concatenate([[known["baseline_weeks"].number], np.diff(days) / WEEK_D])
    counts = drawn(known, np.exp(log_rate) * spans / MONTH_WEEKS, chance)
    rate = counts / spans * MONTH_WEEKS
    treated = np.cumsum(counts[:, 1:], axis=1) / np.cumsum(spans[1:]) * MONTH_WEEKS
    treated = np.concatenate([rate[:, :1], treated], axis=1)  # over the whole of treatment so far
    base = np.maximum(rate[:, :1], known["fewest"].number)
    change = 100 * (treated / base - 1)
    half = known["responder_fall"].number
    return {
        "seizures": rate,
        "response_ratio": (treated - base) / (treated + base),
        "seizure_change": change,
        "seizure_half": (change <= -half).astype(float),
    }


WEEK_D = 7.0
MONTH_WEEKS = 4.0


def effect(known: dict[str, Parameter], course: Course, days: np.ndarray, chance: Chance) -> np.ndarray:
    """Change of the log rate by the drug, mean over each span between visits, (N, visits)."""
    responds = chance.uniforms("responds") < chance.value(known["responding_share"])
    gain = np.where(
        responds, chance.of_patients(known["gain"], chance.value(known["gain_between_study"])), 0.0
    )
    reached = lagged(course.loss("poly"), course.step_h, chance.value(known["onset_time"]) * DAY_H)
    total = np.cumsum(reached, axis=1)
    ends = course.at(total, days)
    places = np.maximum(np.diff(np.asarray(days)) * DAY_H / course.step_h, 1)
    mean = np.concatenate([np.zeros((course.patients, 1)), np.diff(ends, axis=1) / places], axis=1)
    return -gain[:, None] * mean


def drift(known: dict[str, Parameter], chance: Chance, days: np.ndarray) -> np.ndarray:
    """Change of the log rate with the time in a trial whatever the arm, (N, visits); 0 at baseline."""
    moved = chance.of_patients(known["trial_drift"], chance.value(known["drift_between_study"]))
    return np.where(np.arange(len(days)) > 0, moved[:, None], 0.0)


def drawn(known: dict[str, Parameter], mean: np.ndarray, chance: Chance) -> np.ndarray:
    """Negative binomial counts of the given means, (N, visits), by the patient's own uniform numbers."""
    size = chance.value(known["count_size"])
    uniform = chance.chances("seizures", mean.shape[1])
    return stats.nbinom.ppf(uniform, size, size / (size + np.maximum(mean, 1e-12)))
