"""Fits of whatever the event solver follows: infusions, steady states, resets, other compartments, covariates that
change; and levels below the limit of quantification, against their closed form."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from spasmlab import drug, event_run, patient
from spasmlab.errors import InputError
from spasmlab.fit import data, individual, population, theophylline
from spasmlab.fit.individual import Prior, Residual
from spasmlab.fit.model import ChainModel
from spasmlab.io import event_table

EXAMPLES = Path(__file__).parents[1] / "examples"
INFUSED = drug.load(EXAMPLES / "two_compartments_intravenous.toml")
SWALLOWED = drug.load(EXAMPLES / "one_compartment.toml")
HEAD = "ID,TIME,AMT,EVID,CMT,II,ADDL,SS,RATE,DV,MDV"
LEVELS = "".join(f"1,{hour},.,0,0,.,.,.,.,1.0,0\n" for hour in (1, 2, 5, 9, 15, 23))
LATE = LEVELS.replace("1,1,.", "1,3,.").replace("1,2,.", "1,4,.")
KINDS = {
    "a given rate": (INFUSED, "1,0,100,1,1,12,1,0,25,.,1\n" + LEVELS),
    "a modelled rate": (INFUSED, "1,0,100,1,1,12,1,0,-1,.,1\n" + LEVELS),
    "a modelled duration": (INFUSED, "1,0,100,1,1,12,1,0,-2,.,1\n" + LEVELS),
    "a steady state": (SWALLOWED, "1,0,100,1,1,8,2,1,0,.,1\n" + LEVELS),
    "a steady infusion": (INFUSED, "1,0,0,1,1,0,0,1,10,.,1\n" + LEVELS),
    "a steady state added": (
        SWALLOWED, "1,0,50,1,1,0,0,0,0,.,1\n1,0.5,100,1,1,12,0,2,0,.,1\n" + LEVELS,
    ),
    "a reset": (SWALLOWED, "1,0,100,1,1,0,0,0,0,.,1\n" + LEVELS + "1,24,.,3,.,.,.,.,.,.,1\n"
                "1,25,100,1,.,.,.,.,.,.,1\n1,27,.,0,0,.,.,.,.,1.0,0\n"),
    "a reset and dose": (SWALLOWED, "1,0,100,1,1,0,0,0,0,.,1\n" + LEVELS + "1,0,80,4,1,.,.,.,.,.,1\n"
                         "1,3,.,0,0,.,.,.,.,1.0,0\n"),
    "another compartment": (SWALLOWED, "1,0,100,1,2,0,0,0,0,.,1\n1,3,100,1,1,0,0,0,0,.,1\n" + LATE),
    "another event": (SWALLOWED, "1,0,100,1,1,0,0,0,0,.,1\n1,0.5,.,2,.,.,.,.,.,.,1\n" + LEVELS),
    "a level before its dose": (INFUSED, "1,0,100,1,1,0,0,0,0,.,1\n" + LEVELS + "1,24,.,0,0,.,.,.,.,1.0,0\n"
                                "1,24,100,1,1,0,0,0,0,.,1\n"),
}  # fmt: skip


def table(folder: Path, text: str, head: str = HEAD) -> Path:
    (folder / "t.csv").write_text(f"{head}\n{text}", encoding="utf-8")
    return folder / "t.csv"


def predicted(known: drug.Drug, file: Path) -> np.ndarray:
    """Levels of the rows that are fitted, by `spasmlab exposure --events`."""
    question = event_run.Question(known, patient.default())
    (found,) = event_run.predict(question, event_table.read(file))
    seen = (found.rows["EVID"] == 0) & (found.rows["MDV"] == 0)
    return found.of("plasma_concentration")[0][seen]


@pytest.mark.parametrize("kind", KINDS)
def test_a_fit_predicts_what_the_event_solver_predicts_and_recovers_what_made_the_levels(
    tmp_path: Path, kind: str
) -> None:
    known, text = KINDS[kind]
    file = table(tmp_path, text)
    (subject,) = data.read(file)
    one = ChainModel(known, ("clearance", "volume"))
    assert one.is_plain(subject) == (kind == "another event")
    levels = predicted(known, file)
    np.testing.assert_allclose(one.predict(subject, one.start[None])[0], levels, rtol=2e-5)
    made = replace(subject, observed=levels)
    away = Prior(one.start + np.array([0.3, -0.25]), np.eye(2), Residual(0.001, 0.01))
    found = individual.fit(made, one, away)
    np.testing.assert_allclose(found.values, one.natural(one.start), rtol=3e-3)


def test_covariates_that_change_are_followed(tmp_path: Path) -> None:
    rows = "1,0,300,1,.,90\n1,4,.,0,2.5,90\n1,12,.,0,2,20\n1,24,.,0,1,20\n"
    head = "ID,TIME,AMT,EVID,DV,CRCL"
    known, file = drug.load("gabapentin"), table(tmp_path, rows, head)
    (subject,) = data.read(file)
    one = ChainModel(known, ("volume",))
    assert not one.is_plain(subject)
    np.testing.assert_allclose(one.predict(subject, one.start[None])[0], predicted(known, file), rtol=1e-6)
    (steady,) = data.read(table(tmp_path, rows.replace(",20\n", ",90\n"), head))
    assert one.is_plain(steady)
    assert one.predict(steady, one.start[None])[0, -1] < 0.6 * one.predict(subject, one.start[None])[0, -1]


def test_food_of_a_table_is_heeded(tmp_path: Path) -> None:
    known, rows = drug.load("gabapentin"), "1,0,300,1,.,{0}\n1,1,.,0,2.5,{0}\n"
    fed, fasted = (
        data.read(table(tmp_path, rows.format(meal), "ID,TIME,AMT,EVID,DV,FED"))[0] for meal in (1, 0)
    )
    one = ChainModel(known, ("volume",))
    assert one.predict(fed, one.start[None])[0, 0] < 0.9 * one.predict(fasted, one.start[None])[0, 0]


@pytest.mark.parametrize(
    ("text", "head", "told"),
    [
        ("1,0,100,1,3,0,0,0,0,.,1\n" + LEVELS, HEAD, "row 2, column CMT: no compartment 3"),
        ("1,0,100,1,1,0,0,0,0,.,1\n1,1,.,0,1,.,.,.,.,1.0,0\n", HEAD, "row 3, column CMT: an observation of compartment 1"),
        ("1,0,100,1,1,0,0,0,-1,.,1\n" + LEVELS, HEAD, "row 2, column RATE: the drug has no 'input_rate'"),
        ("1,0,100,1,.,2\n1,2,.,0,3,2\n", "ID,TIME,AMT,EVID,DV,VOLUME", "column VOLUME: the column gives 'volume'"),
        ("1,0,100,1,.,70\n1,2,.,0,3,.\n", "ID,TIME,AMT,EVID,DV,WT", "row 3, column WT: the cell is empty"),
    ],
)  # fmt: skip
def test_what_has_no_answer_is_refused_in_one_line(tmp_path: Path, text: str, head: str, told: str) -> None:
    (subject,) = data.read(table(tmp_path, text, head))
    with pytest.raises(InputError, match=told) as problem:
        individual.of_drug(subject, SWALLOWED, ("clearance", "volume"))
    assert "\n" not in str(problem.value)


# --- below the limit ---


def test_a_level_below_the_limit_has_the_closed_likelihood_of_a_censored_normal() -> None:
    levels = [(1.0, 5.0), (8.0, 3.0), (30.0, 0.4), (40.0, 0.4)]
    subject = data.subject("x", [(0, 320)], levels, [False, False, True, True], weight=70)
    one, residual = theophylline.model(), Residual(0.2, 0.15)
    predictions = one.predict(subject, np.log([[1.5, 2.8, 32.0], [0.8, 3.5, 25.0]]))
    spread = np.sqrt(0.2**2 + (0.15 * predictions) ** 2)
    seen = stats.norm.logpdf([5.0, 3.0], predictions[:, :2], spread[:, :2]).sum(axis=1)
    unseen = stats.norm.logcdf(0.4, predictions[:, 2:], spread[:, 2:]).sum(axis=1)
    found = individual.misfit(subject, predictions, residual) + 2 * np.log(2 * np.pi)
    np.testing.assert_allclose(found, -2 * (seen + unseen), rtol=1e-10)


def test_the_slope_of_a_censored_likelihood_is_its_derivative() -> None:
    subject = data.subject("x", [(0, 320)], [(1.0, 5.0), (30.0, 0.6)], [False, True], weight=70)
    one, residual, at = theophylline.model(), Residual(0.2, 0.15), np.log([1.5, 2.8, 32.0])
    predictions, slopes = one.sensitivity(subject, at)
    slope, _ = individual._local(subject, predictions, slopes, residual)
    step = 1e-4 * np.eye(3)
    moved = individual.misfit(subject, one.predict(subject, np.vstack([at + step, at - step])), residual)
    np.testing.assert_allclose(2 * slope, (moved[:3] - moved[3:]) / 2e-4, rtol=2e-3, atol=2e-3)


@pytest.mark.slow
def test_a_population_with_censored_levels_has_the_integral_of_their_likelihood() -> None:
    """One parameter, so that the integral over each subject is a sum on a fine grid."""
    one = ChainModel(theophylline.model().drug, ("clearance",))
    random, residual, subjects = np.random.default_rng(2), Residual(0.1, 0.1), []
    true = np.log(2.8) + 0.3 * random.standard_normal(12)
    for number in range(12):
        hours = (2.0, 12.0, 24.0, 36.0)
        empty = data.subject(str(number), [(0, 320)], [(t, 0.0) for t in hours], weight=70)
        level = one.predict(empty, np.array([[true[number]]]))[0]
        level = level + np.sqrt(residual.variance(level)) * random.standard_normal(4)
        below = level < 2.0
        seen = list(zip(hours, np.where(below, 2.0, level).tolist(), strict=True))
        subjects.append(data.subject(str(number), [(0, 320)], seen, below.tolist(), weight=70))
    assert 5 < sum(int(s.below.sum()) for s in subjects) < 40
    found = population.fit(subjects, one, start=Prior(np.log([2.0]), np.eye(1) * 0.09, residual))
    prior, total = found.estimates.prior(), 0.0
    omega = float(np.sqrt(prior.covariance[0, 0]))
    grid = np.linspace(-6, 6, 601) * omega
    for subject in subjects:
        levels = one.predict(subject, prior.mean + grid[:, None])
        spread = np.sqrt(prior.residual.variance(levels))
        each = np.where(
            subject.below,
            stats.norm.logcdf(subject.observed, levels, spread),
            stats.norm.logpdf(subject.observed, levels, spread),
        )
        inside = np.exp(each.sum(axis=1)) * stats.norm.pdf(grid, scale=omega)
        total += -2 * np.log(np.trapezoid(inside, grid))
    assert found.minus_two_log_likelihood == pytest.approx(total, abs=1.0)
    assert found.estimates.mean[0] == pytest.approx(true.mean(), abs=0.08)
