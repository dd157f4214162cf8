"""Published exposure against predictions: the table is whole, judged as it says, and no fit reads validation rows."""

from __future__ import annotations

import hashlib
import math
from dataclasses import replace

import numpy as np
import pytest

from spasmlab import drug, evidence, posterior, predicted, predicted_page, predicted_shares
from spasmlab.docs_tables import DOCS
from spasmlab.errors import InputError, ModelError
from spasmlab.fit import exposure as fit

TABLE = {row.id: row for row in evidence.table("pharmacokinetics")}


def test_every_row_has_one_line_that_predicts_or_says_why_not() -> None:
    predicted.require_complete(set(TABLE))
    for scenario in predicted.scenarios().values():
        assert scenario.measure in predicted.MEASURES if scenario.measure else scenario.why
    with pytest.raises(ModelError, match="not one line a row: GBP-V"):
        predicted.require_complete(set(TABLE) - {"GBP-V"})


def test_no_fit_reads_a_validation_row(monkeypatch) -> None:
    """Every number that enters the likelihood passes the door, and the door lets no validation row through."""
    seen: list[str] = []
    door = evidence.calibration
    monkeypatch.setattr(evidence, "calibration", lambda id: seen.append(id) or door(id))
    data = fit.data()
    used = {datum.scenario.row for datum in data}
    assert used <= set(seen)
    assert {evidence.row(id).role for id in used} == {"calibration"}
    refused = [id for id in seen if evidence.row(id).role == "validation"]
    assert refused and not used & set(refused)
    for id in refused:
        with pytest.raises(InputError, match="predicted, never fitted"):
            door(id)


def test_changing_every_validation_row_changes_nothing_that_is_fitted(monkeypatch) -> None:
    from dataclasses import replace

    before = fit.digest(fit.data())
    changed = {
        id: replace(row, value=row.value * 7) if row.role == "validation" and row.value else row
        for id, row in evidence.rows().items()
    }
    monkeypatch.setattr(evidence, "rows", lambda: changed)
    assert fit.digest(fit.data()) == before
    some = fit.data()[0].scenario.row
    changed[some] = replace(changed[some], value=1.0)
    assert fit.digest(fit.data()) != before


def test_the_fit_reads_every_calibration_row_of_gabapentin_that_is_predicted() -> None:
    used = {datum.scenario.row for datum in fit.data()}
    for id, scenario in predicted.scenarios().items():
        if TABLE[id].role == "calibration" and scenario.drug == "gabapentin" and id not in used:
            assert scenario.why or "csf" in scenario.measure, (
                f"{id} is predicted but neither fitted nor excused"
            )


def test_the_stored_draws_are_of_these_rows_and_this_fit() -> None:
    joint = posterior.load("gabapentin")
    assert joint is not None
    assert joint.about["digest"] == fit.digest(fit.data()), "the rows changed: run the fit and keep its draws"
    assert joint.about["fit"] == f"spasmlab.fit.exposure {fit.VERSION}"
    assert joint.names == (*fit.PARAMETERS, fit.BETWEEN)
    assert len(joint.values) >= 200
    size = (posterior.FOLDER / "gabapentin.csv").stat().st_size
    assert size < 500_000
    for name in fit.PARAMETERS:
        record = drug.load("gabapentin").parameters[name]
        low, high = np.quantile(joint.column(name), [0.005, 0.995])
        assert low <= record.number <= high, name
        assert record.bounds and np.all(
            (joint.column(name) > record.bounds[0]) & (joint.column(name) < record.bounds[1])
        )


def test_bioavailability_falls_with_dose_as_the_calibration_rows_say() -> None:
    found = predicted_shares.rows()
    assert len(found) == 9
    for dose, scenario, published, seen in found:
        assert abs(seen - published) <= predicted_shares.HELD, (scenario.row, dose, published, seen)


def test_a_clearance_at_no_dose_is_carried_there_by_the_fall_its_study_saw() -> None:
    scenario = predicted.scenarios()["GBP-POP-TRAN-CL.coefficient"]
    given, ids = scenario.argument.split("|")
    most, half = (evidence.calibration(id).number for id in ids.split(";"))
    seen = []
    for dose in map(float, given.split(";")):
        one = replace(scenario, measure="clearance_apparent", regimen=f"{dose:g} mg once", argument="")
        apparent = predicted.values(one, "L/h", draws=1)[0]
        seen.append(math.log(apparent * (1 - most * dose / (half + dose))))
    assert predicted.values(scenario, "L/h", draws=1)[0] == pytest.approx(math.exp(np.mean(seen)))


@pytest.mark.slow
def test_the_recorded_values_are_the_best_fit() -> None:
    for name, value in fit.best_values().items():
        if name in fit.PARAMETERS:
            assert drug.load("gabapentin").parameters[name].number == pytest.approx(value, rel=5e-3), name


def test_the_likelihood_shares_a_study_and_falls_with_a_worse_fit() -> None:
    rows = [datum for datum in fit.data() if datum.scenario.study == "Blum 1994"]
    problem = fit._Problem(rows)
    covariance = problem.covariance(problem.centre)
    tau = math.exp(problem.centre[-1])
    same = [i for i, row in enumerate(rows) if row.group == rows[0].group]
    assert covariance[same[0], same[1]] == pytest.approx(tau**2)
    assert covariance[0, 0] == pytest.approx(tau**2 + rows[0].error ** 2)
    points = np.repeat(problem.centre[None], 2, axis=0)
    points[1, fit.PARAMETERS.index("volume")] += 2
    near, far = problem.log_density(points)
    assert near > far


def test_a_normal_density_by_hand() -> None:
    miss, covariance = np.array([0.3, -0.1]), np.array([[0.04, 0.01], [0.01, 0.09]])
    expected = -0.5 * miss @ np.linalg.inv(covariance) @ miss - 0.5 * np.log(np.linalg.det(covariance))
    assert fit._normal(miss, covariance) == pytest.approx(expected)


def test_a_ratio_and_a_change_are_judged_as_ratios() -> None:
    row, scenario = TABLE["GBP-FOOD-LAB"], predicted.scenarios()["GBP-FOOD-LAB"]
    found = predicted_page.judge(row, scenario)
    assert found.ratio == pytest.approx((1 + found.value / 100) / 1.14)
    assert found.low < found.value < found.high


def test_an_upper_bound_is_met_below_it() -> None:
    row, scenario = TABLE["GBP-F-CUN2"], predicted.scenarios()["GBP-F-CUN2"]
    found = predicted_page.judge(row, scenario)
    assert found.ratio == pytest.approx(max(1.0, found.value / row.number))


def test_scores_by_hand() -> None:
    row, scenario = TABLE["GBP-V"], predicted.scenarios()["GBP-V"]
    pairs = ((1.0, True), (1.2, True), (2.0, False))
    made = [predicted_page.Judged(row, scenario, 1, 0, 2, ratio, covered) for ratio, covered in pairs]
    score = predicted_page.scores(made)
    assert score["within"] == pytest.approx(2 / 3) and score["coverage"] == pytest.approx(2 / 3)
    assert score["fold_error"] == pytest.approx((1.2 * 2.0) ** (1 / 3))
    assert score["studies"] == 1


@pytest.mark.slow
def test_gabapentin_is_predicted_as_well_as_the_page_says() -> None:
    """Floors below what was reached, so that a change that spoils predictions is seen."""
    found = [one for one in predicted_page.judged() if one.scenario.drug == "gabapentin"]
    for role, within, fold_error, coverage in (
        ("calibration", 0.7, 1.25, 0.85),
        ("validation", 0.3, 1.6, 0.6),
    ):
        score = predicted_page.scores([one for one in found if one.row.role == role])
        assert (
            score["within"] >= within and score["fold_error"] <= fold_error and score["coverage"] >= coverage
        )


@pytest.mark.slow
def test_the_page_is_current(capsys) -> None:
    assert predicted_page.main(["--check"]) == 0, "run python -m spasmlab.predicted_page"


def test_a_page_that_is_not_current_is_told() -> None:
    written = (DOCS / predicted_page.NAME).read_text(encoding="utf-8")
    assert predicted_page.current(written, written)
    assert predicted_page.current("| GBP-V | 58.0 |", "| GBP-V | 58.1 |")
    assert not predicted_page.current("| GBP-V | 58.0 |", "| GBP-V | 62.0 |")
    assert not predicted_page.current("| GBP-V | 58.0 |", "| GBP-W | 58.0 |")


def test_draws_are_prefixes_and_joint() -> None:
    records = {f"drugs.gabapentin.{n}": drug.load("gabapentin").parameters[n] for n in fit.PARAMETERS}
    few, many = posterior.draws(records, 5, 3), posterior.draws(records, 300, 3)
    for path in records:
        assert np.array_equal(few[path], many[path][:5])
    joint = posterior.load("gabapentin")
    assert joint is not None
    lines = {hashlib.md5(line[: len(fit.PARAMETERS)].tobytes()).hexdigest() for line in joint.values}
    drawn = np.column_stack([many[path] for path in records])[1:]
    assert {hashlib.md5(np.ascontiguousarray(line).tobytes()).hexdigest() for line in drawn} <= lines


def test_a_value_of_the_users_own_keeps_its_own_doubt() -> None:
    record = drug.load("gabapentin").parameters["volume"].model_copy(update={"value": 70.0})
    assert posterior.draws({"drugs.gabapentin.volume": record}, 5, 0) == {}
    assert posterior.draws({"drugs.mine.volume": record}, 5, 0) == {}
