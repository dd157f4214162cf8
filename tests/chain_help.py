"""What the tests of the slow chain share: gabapentin, problems with changed parameters, closed forms."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from spasmlab import drug, hypothesis
from spasmlab.chain import body
from spasmlab.chain.problem import Problem
from spasmlab.chain.solve import parameter_values

GABAPENTIN = drug.load("gabapentin")
ONE_COMPARTMENT = {"peripheral_volume": 0.0}
LINEAR = {"non_saturable": 1.0, **ONE_COMPARTMENT}  # then U = R: uptake does not saturate
RELEASES = ("release_ia", "release_poly", "release_monoamine", "release_inhibitory")
LONGEST_LAG = 1.0


def problem(
    doses: np.ndarray | list[float],
    amounts: np.ndarray | list[float],
    draws: int = 1,
    seed: int = 0,
    **overrides: float,
) -> Problem:
    """Draws of gabapentin in the default patient on the given doses [h, mg]."""
    _, values = parameter_values(
        GABAPENTIN, None, hypothesis.load("both"), draws=draws, seed=seed, overrides=overrides
    )
    return Problem(body.whole(), values, np.array(doses, float), np.array(amounts, float), LONGEST_LAG)


def every(interval: float, amount: float, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Times and amounts of `count` equal doses."""
    return np.arange(count) * interval, np.full(count, amount)


def value(of: Problem, name: str, patient: int = 0) -> float:
    """One parameter of one patient."""
    return float(of.row(name)[patient])


def rate_constants(of: Problem, patient: int = 0) -> tuple[float, float, float]:
    """Emptying [1/h], elimination [1/h] and volume [L] by hand, from the parameters."""
    filtered = min(value(of, "creatinine_clearance", patient), value(of, "creatinine_clearance_cap", patient))
    clearance = (
        value(of, "nonrenal_clearance", patient) + value(of, "renal_clearance_slope", patient) * filtered
    )
    volume = (
        value(of, "volume", patient) * value(of, "weight", patient) / value(of, "reference_weight", patient)
    )
    slowing = value(of, "fed_emptying_ratio", patient) ** value(of, "fed", patient)
    return value(of, "emptying_rate", patient) * slowing, clearance / volume, volume


def bateman(of: Problem, times: np.ndarray, share: float = 1.0, patient: int = 0) -> np.ndarray:
    """Plasma concentration of one compartment with first-order input of `share` of each dose, in closed form."""
    k_in, k_out, volume = rate_constants(of, patient)
    since = np.maximum(times[:, None] - (of.doses + value(of, "lag", patient)), 0.0)
    curves = (
        share * of.amounts / volume * k_in / (k_in - k_out) * (np.exp(-k_out * since) - np.exp(-k_in * since))
    )
    return curves.sum(axis=1)


@st.composite
def dosings(draw: st.DrawFn, most: int = 12) -> tuple[np.ndarray, np.ndarray]:
    """Random doses: sorted times in 0..72 h, some of them equal or very close, and amounts."""
    gaps = draw(st.lists(st.sampled_from([0.0, 1e-9, 0.1, 0.25, 1.0, 3.7, 8.0, 12.0, 24.0]), max_size=most))
    times = np.cumsum([draw(st.floats(0, 6)), *gaps])
    amounts = draw(st.lists(st.floats(1, 3000), min_size=len(times), max_size=len(times)))
    return times, np.array(amounts)
