"""Non-compartmental analysis against closed forms, and against another program on the theophylline set."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spasmlab import nca
from spasmlab.errors import InputError

TIMES = np.array([0, 0.25, 0.5, 1, 1.5, 2, 3, 4, 6, 8, 12, 16, 24, 36, 48.0])
relaxed = settings(max_examples=40, deadline=None)


def bolus(dose: float, rate: float, volume: float, times: np.ndarray = TIMES) -> np.ndarray:
    return dose / volume * np.exp(-rate * times)


def oral(dose: float, entry: float, rate: float, volume: float, times: np.ndarray = TIMES) -> np.ndarray:
    return dose / volume * entry / (entry - rate) * (np.exp(-rate * times) - np.exp(-entry * times))


@relaxed
@given(st.floats(10, 1000), st.floats(0.02, 0.5), st.floats(5, 100))
def test_a_bolus_is_analysed_exactly(dose: float, rate: float, volume: float) -> None:
    """The logarithmic rule and the line through the logarithm are exact for one exponential."""
    found = nca.analyse(TIMES, bolus(dose, rate, volume), dose=dose)
    expected = {
        "c_max": dose / volume,
        "t_max": 0.0,
        "terminal_rate": rate,
        "half_life": math.log(2) / rate,
        "auc_inf": dose / (rate * volume),
        "aumc_inf": dose / (rate**2 * volume),
        "mean_residence_time": 1 / rate,
        "clearance": rate * volume,
        "terminal_volume": volume,
        "extrapolated": math.exp(-rate * TIMES[-1]),
        "adjusted_r2": 1.0,
    }
    for name, number in expected.items():
        assert found[name] == pytest.approx(number, rel=1e-7), name
    assert set(found) <= set(nca.UNITS)


def test_an_oral_dose_is_analysed_within_the_error_of_trapezoids() -> None:
    fine = np.arange(0, 72.01, 0.05)
    found = nca.analyse(fine, oral(320, 1.5, 0.09, 32, fine), dose=320)
    assert found["auc_inf"] == pytest.approx(320 / (0.09 * 32), rel=1e-3)
    assert found["mean_residence_time"] == pytest.approx(1 / 0.09 + 1 / 1.5, rel=2e-3)
    assert found["t_max"] == pytest.approx(math.log(1.5 / 0.09) / (1.5 - 0.09), abs=0.05)
    assert found["terminal_rate"] == pytest.approx(0.09, rel=1e-3)
    coarse = nca.analyse(TIMES, oral(320, 1.5, 0.09, 32), dose=320)
    assert coarse["auc_inf"] == pytest.approx(320 / (0.09 * 32), rel=0.02)


def test_straight_lines_are_analysed_exactly_by_the_linear_rule() -> None:
    times, levels = np.array([0, 2, 5.0]), np.array([0, 4, 1.0])
    assert nca.area(times, levels, "linear") == pytest.approx(4 + 7.5)
    assert nca.area(times, levels) == pytest.approx(4 + 3 * 3 / math.log(4))
    assert nca.moment(times, levels, "linear") == pytest.approx(0.5 * 2 * 8 + 0.5 * 3 * (8 + 5))


def test_a_steady_state_in_closed_form() -> None:
    tau, rate, volume, dose = 8.0, 0.12, 50.0, 600.0
    times = np.linspace(0, tau, 33)
    levels = bolus(dose, rate, volume, times) / (1 - math.exp(-rate * tau))
    found = nca.steady(times + 160, levels, dose=dose)
    assert found["auc_tau"] == pytest.approx(dose / (rate * volume))
    assert found["clearance"] == pytest.approx(rate * volume)
    assert found["c_average"] == pytest.approx(dose / (rate * volume) / tau)
    assert found["fluctuation"] == pytest.approx((levels[0] - levels[-1]) / found["c_average"])
    assert found["t_max"] == 0 and found["c_min"] == levels[-1]


def test_the_last_phase_takes_the_best_line_and_no_point_of_the_peak() -> None:
    levels = np.where(TIMES < 3, 20.0, 10 * np.exp(-0.05 * TIMES))
    phase = nca.terminal_phase(TIMES, levels)
    assert phase is not None
    assert phase.rate == pytest.approx(0.05)
    assert phase.points == int(np.sum(TIMES >= 3))
    assert phase.intercept == pytest.approx(math.log(10))


def test_levels_below_the_limit_count_before_the_last_and_not_after() -> None:
    levels = bolus(100, 0.2, 10)
    levels[-3:] = 0.0
    found = nca.analyse(TIMES, levels)
    assert found["t_last"] == 16
    assert found["auc_inf"] == pytest.approx(100 / (0.2 * 10))
    missing = bolus(100, 0.2, 10)
    missing[5] = math.nan
    assert nca.analyse(TIMES, missing)["auc_inf"] == pytest.approx(100 / (0.2 * 10))


@pytest.mark.parametrize("levels", [[0, 0, 0], [1, 2, 3], [3, 2, 0], [1, 1, 1]])
def test_what_a_curve_does_not_tell_is_not_told(levels: list[float]) -> None:
    found = nca.analyse([0, 1, 2], levels)
    assert all(not math.isfinite(found[name]) for name in ("half_life", "auc_inf") if name in found)
    assert math.isfinite(found["auc_last"])


@pytest.mark.parametrize(
    ("times", "levels", "told"),
    [
        ([0, 1], [1], "as many levels"),
        ([0], [1], "at least 2"),
        ([0, 2, 1], [1, 1, 1], "1 h follows 2 h"),
        ([0, 1, 1], [1, 1, 1], "times must rise"),
        ([0, 1, 2], [1, -1, 1], "negative; at 1 h"),
    ],
)
def test_a_curve_that_is_none_is_refused(times, levels, told: str) -> None:
    with pytest.raises(InputError, match=told):
        nca.analyse(times, levels)


def test_an_unknown_rule_is_named() -> None:
    with pytest.raises(InputError, match="did you mean 'linear'"):
        nca.analyse([0, 1, 2], [1, 2, 1], method="lin")


@relaxed
@given(st.lists(st.one_of(st.just(0.0), st.floats(1e-6, 50)), min_size=4, max_size=15), st.floats(0.1, 20))
def test_areas_scale_and_add_up(levels: list[float], scale: float) -> None:
    times, values = TIMES[: len(levels)], np.array(levels)
    for method in nca.METHODS:
        whole = nca.area(times, values, method)
        assert whole == pytest.approx(
            nca.area(times[:3], values[:3], method) + nca.area(times[2:], values[2:], method)
        )
        assert nca.area(times, scale * values, method) == pytest.approx(scale * whole)
        assert nca.area(scale * times, values, method) == pytest.approx(scale * whole)
    assert nca.area(times, values) <= nca.area(times, values, "linear") * (1 + 1e-12) + 1e-12


def test_another_program_finds_the_same_on_theophylline() -> None:
    other = pytest.importorskip("openpkflow.nca")
    from spasmlab.fit import data

    for subject in data.theophylline():
        times, levels = subject.times_h, subject.observed
        mine = nca.analyse(times, levels, dose=float(subject.amounts_mg[0]))
        theirs = other.lambda_z(times.tolist(), levels.tolist())
        assert mine["terminal_rate"] == pytest.approx(theirs.lambda_z, rel=1e-10)
        assert mine["points"] == theirs.n_points
        assert mine["adjusted_r2"] == pytest.approx(theirs.adj_r_squared, rel=1e-10)
        plain = other.auc_linear(times.tolist(), levels.tolist())
        curved = other.auc_linear_up_log_down(times.tolist(), levels.tolist()).value
        assert nca.area(times, levels, "linear") == pytest.approx(plain, rel=1e-12)
        assert mine["auc_last"] == pytest.approx(curved, rel=1e-12)
        assert mine["auc_inf"] == pytest.approx(curved + levels[-1] / theirs.lambda_z, rel=1e-10)


def test_the_analysis_of_the_chain_finds_the_chains_own_metrics() -> None:
    """Where levels are dense the analysis of the curve agrees with what the model knows without the curve."""
    from spasmlab import drug, exposure, regimen
    from spasmlab.chain.solve import solve

    taken = regimen.parse("400 mg once")
    dataset = solve(drug.load("gabapentin"), taken, days=5, times_h=np.arange(0, 120.1, 0.1), checked=0)
    found = nca.analyse(dataset["time"].values, dataset["plasma_concentration"].values[0])
    known = exposure.metrics(dataset, taken)
    assert found["c_max"] == pytest.approx(known["c_max"][0], rel=1e-3)
    assert found["auc_inf"] == pytest.approx(known["auc_inf"][0], rel=2e-3)


def test_a_table_holds_a_row_a_curve() -> None:
    found = nca.table(
        {"a": (TIMES, bolus(100, 0.1, 10)), "b": (TIMES, bolus(200, 0.1, 10))}, {"a": 100.0, "b": 200.0}
    )
    assert list(found.index) == ["a", "b"]
    assert found.loc["b", "auc_inf"] == pytest.approx(2 * found.loc["a", "auc_inf"])
    assert found.loc["a", "clearance"] == pytest.approx(found.loc["b", "clearance"])
