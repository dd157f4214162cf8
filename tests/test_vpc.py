"""The predictive check and its pictures: known data fall where they should, and a wrong model is seen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from spasmlab.errors import InputError
from spasmlab.fit import data, theophylline
from spasmlab.fit.individual import Residual, modes
from spasmlab.fit.population import Estimates, PopulationFit
from spasmlab.report import theme, vpc

HOURS = (0.5, 1, 2, 3, 4, 6, 8, 12, 24)
TRUTH = Estimates(np.log([1.5, 2.8, 32.0]), np.array([0.3, 0.3, 0.2]), Residual(0.1, 0.1))


def known(
    count: int = 60, seed: int = 1, doses: tuple[float, ...] = (320.0,), truth: Estimates = TRUTH
) -> PopulationFit:
    """A fit that is the truth: data simulated from it, and no fitting."""
    one, random, found = theophylline.model(), np.random.default_rng(seed), []
    for number in range(count):
        dose = doses[number % len(doses)]
        empty = data.subject(str(number), [(0, dose)], [(t, 0.0) for t in HOURS], weight=70)
        own = (
            np.linalg.cholesky(truth.covariance) @ random.standard_normal(3)
            if truth.correlation is not None
            else (TRUTH.spread * random.standard_normal(3))
        )
        levels = one.predict(empty, (TRUTH.mean + own)[None])[0]
        levels = levels + np.sqrt(TRUTH.residual.variance(levels)) * random.standard_normal(len(levels))
        seen = list(zip(HOURS, np.maximum(levels, 0.0).tolist(), strict=True))
        found.append(data.subject(str(number), [(0, dose)], seen, weight=70))
    own = tuple(modes(found, one, truth.prior(), [None] * count))
    return PopulationFit(one.names, tuple(found), one, truth, np.eye(8), 0.0, own)


def test_data_from_the_model_fall_within_the_shades() -> None:
    panels = [vpc.check(known(seed=seed), count=200, bins=9)[0] for seed in range(1, 6)]
    panel = panels[0]
    assert np.mean([one.inside for one in panels]) > 0.75
    assert panel.observed.shape == panel.low.shape == (9, 3) and panel.hours.tolist() == list(HOURS)
    assert np.all(panel.low <= panel.middle) and np.all(panel.middle <= panel.high)
    assert np.all(np.diff(panel.observed, axis=1) >= 0)


def test_a_wrong_model_is_seen() -> None:
    wrong = replace(TRUTH, mean=TRUTH.mean + np.array([0, 0.5, 0]))
    (panel,) = vpc.check(known(truth=wrong), count=200)
    assert panel.inside < 0.6


def test_prediction_correction_takes_out_the_dose() -> None:
    found = known(doses=(100.0, 600.0))
    (plain,), (corrected,) = vpc.check(found, count=150), vpc.check(found, count=150, corrected=True)
    wide = [(panel.observed[:, 2] / panel.observed[:, 0])[:-1].mean() for panel in (plain, corrected)]
    assert wide[1] < 0.5 * wide[0]
    assert corrected.inside > 0.55


def test_strata_are_panels_of_their_own() -> None:
    found = known(doses=(100.0, 600.0))
    panels = vpc.check(found, count=50, strata=lambda subject: f"{subject.amounts_mg[0]:g} mg")
    assert [panel.name for panel in panels] == ["100 mg", "600 mg"]
    assert panels[1].observed[:, 1].max() > 4 * panels[0].observed[:, 1].max()
    with pytest.raises(InputError, match="at least 5 levels"):
        vpc.check(known(1), count=10, strata=lambda subject: "") if len(HOURS) < 5 else vpc._bins(
            np.zeros(3), None
        )


def test_errors_of_a_true_model_are_standard_normal() -> None:
    errors = vpc.npde(known(), count=400)
    assert len(errors) == 60 * len(HOURS)
    assert abs(errors.mean()) < 0.12 and errors.std() == pytest.approx(1, abs=0.1)
    shifted = vpc.npde(known(truth=replace(TRUTH, mean=TRUTH.mean + np.array([0, 0.5, 0]))), count=400)
    assert abs(shifted.mean()) > 0.2


def test_simulated_subjects_do_not_depend_on_each_other() -> None:
    found = known(6)
    all_of_them = vpc.simulate(found, 20, seed=3)
    first = replace(found, subjects=found.subjects[:2], modes=found.modes[:2])
    np.testing.assert_array_equal(vpc.simulate(first, 20, seed=3)[1], all_of_them[1])


def test_pictures_can_be_drawn_and_say_what_they_show() -> None:
    found = known(12)
    check = theme.svg(vpc.figure(vpc.check(found, count=40)), "vpc")
    assert "time (h)" in check and "50th percentile" in check and "plasma (mg/L)" in check
    fit = theme.svg(vpc.goodness_of_fit(found), "gof")
    for words in (
        "population prediction",
        "individual prediction",
        "conditional weighted residual",
        "time (h)",
    ):
        assert words in fit


def test_correlated_effects_are_drawn_as_such_and_missed_when_they_are_not() -> None:
    """Clearance and volume that move together: the simulated ones do, and NPDE see a model in which they do not."""
    between = np.eye(3)
    between[1, 2] = between[2, 1] = 0.95
    joined = replace(TRUTH, spread=np.array([0.1, 0.4, 0.4]), correlation=between)
    assert joined.covariance[1, 2] == pytest.approx(0.95 * 0.16)
    assert joined.moved(joined.vector()).covariance == pytest.approx(joined.covariance)
    found = known(truth=joined)
    drawn = np.concatenate([np.log(np.maximum(one[:, -1], 1e-3)) for one in vpc.simulate(found, 200)])
    apart = known(truth=replace(joined, correlation=None))
    alone = np.concatenate([np.log(np.maximum(one[:, -1], 1e-3)) for one in vpc.simulate(apart, 200)])
    assert drawn.std() < 0.8 * alone.std()  # clearance over volume hardly differs when both move together
    right, wrong = vpc.npde(found), vpc.npde(replace(found, estimates=apart.estimates))
    assert abs(right.var() - 1) + 0.08 < abs(wrong.var() - 1), (right.var(), wrong.var())
