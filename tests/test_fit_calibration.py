"""Fits keep their promises: coverage of patients' intervals, ranks of simulation-based calibration, and the page."""

from __future__ import annotations

import json

import numpy as np
import pytest

from spasmlab import fitting_page
from spasmlab.fit import calibration, data, nuts, theophylline
from spasmlab.fit.individual import Prior, Residual
from test_fit import fitted

needs_extra = pytest.mark.skipif(not nuts.available(), reason="the extra 'bayes' is not installed")


def test_intervals_of_single_patients_hold_the_truth_as_often_as_they_say() -> None:
    one = theophylline.model()
    prior = Prior(np.log([1.5, 2.8, 32.0]), np.diag([0.3**2] * 3), Residual(0.1, 0.1))
    hours = (0.5, 2.0, 6.0, 24.0)
    empty = [data.subject(str(i), [(0, 320)], [(t, 0.0) for t in hours], weight=70) for i in range(120)]
    found = calibration.of_patients(one, prior, empty)
    assert np.all(np.abs(found.inside - 0.9) < 3.5 * found.error)
    assert np.all(np.abs(found.bias) < 0.35) and np.all(np.abs(found.spread - 1) < 0.25)


def test_ranks_that_are_not_uniform_are_seen() -> None:
    random = np.random.default_rng(1)
    even = random.integers(0, calibration.RANKED + 1, (100, 3))
    narrow = np.clip(random.normal(9.5, 2.0, (100, 3)), 0, 19).astype(int)
    assert min(calibration.Ranks(calibration.QUANTITIES, even, 19, 0).probability().values()) > 0.01
    assert max(calibration.Ranks(calibration.QUANTITIES, narrow, 19, 0).probability().values()) < 1e-6
    assert calibration.Ranks(calibration.QUANTITIES, narrow, 19, 0).share_within()["mean"] > 0.97
    assert min(calibration.Ranks(calibration.QUANTITIES, even, 19, 0).within_probability().values()) > 0.01
    assert max(calibration.Ranks(calibration.QUANTITIES, narrow, 19, 0).within_probability().values()) < 0.01


@needs_extra
@pytest.mark.slow
def test_ranks_of_the_sampler_are_even_by_fifths() -> None:
    """In a process of its own, since JAX must not be forked; and doses that the sampler is told wrong are seen."""
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        found = pool.submit(calibration.sample_ranks, 60).result()
        misled = pool.submit(calibration.sample_ranks, 20, wrong=4.0, length=calibration.SHORT).result()
    assert found.ranks.shape == (60, 3) and found.ranks.max() <= calibration.RANKED
    assert min(found.probability().values()) > 0.003
    assert min(found.within_probability().values()) > 0.003
    assert misled.probability()["mean"] < 1e-3


def test_the_page_is_current() -> None:
    assert fitting_page.main(["--check"]) == 0, "run python -m spasmlab.fitting_page"


def test_the_page_tells_divergences_and_what_calibration_found() -> None:
    drawn = {"chains": 2, "draws": 9, "divergences": 3, "r_hat": 1.2, "effective": 7.0}
    assert "3 divergent, R-hat at most 1.200, effective draws at least 7" in fitting_page._sampled(drawn)
    even = {"count": 10, "ranked": 19, "names": ["a"], "counts": [[2] * 5], "probability": {"a": 1.0},
            "within": {"a": 0.9}, "within_probability": {"a": 1.0},
            "divergences": 0, "warm_up": 1, "draws": 1, "steps": 1}  # fmt: skip
    assert "| a | 2 | 2 | 2 | 2 | 2 | 1.00 | 90 % | 1.00 |" in fitting_page._calibration(even)
    assert "shortfall" not in fitting_page._calibration(even)
    few = even | {"within_probability": {"a": 0.001}}
    assert (
        "**A shortfall.** Not as it should be, at the 1 % level: a in the 90 % interval."
        in fitting_page._shortfall(few)
    )
    assert "Warfarin" in fitting_page.page() and "rank 3 of 3" in fitting_page.page()


@pytest.mark.slow
def test_the_page_holds_what_a_fit_gives_today() -> None:
    kept, found = json.loads(fitting_page.RESULTS.read_text(encoding="utf-8"))["laplace"], fitted()
    np.testing.assert_allclose(kept["values"], theophylline.per_kg(found.values), rtol=0.02)
    np.testing.assert_allclose(kept["spread"], found.estimates.spread, rtol=0.05)
    assert kept["minus_two_log_likelihood"] == pytest.approx(found.minus_two_log_likelihood, abs=0.2)
