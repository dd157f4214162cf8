"""Exposure metrics against closed forms; no metric may depend on the output grid or on the other draws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chain_help import GABAPENTIN, LINEAR, bateman, problem, rate_constants, value
from spasmlab import exposure, patient, regimen
from spasmlab.chain.problem import run
from spasmlab.chain.solve import solve

relaxed = settings(max_examples=20, deadline=None)


def measured(text: str, person: str | None = None, days: float = 2, **more):
    """Metrics of a regimen, and the dataset they came from."""
    taken = regimen.parse(text)
    who = patient.parse(person) if person else None
    dataset = solve(GABAPENTIN, taken, who, days=days, checked=0, **more)
    return exposure.metrics(dataset, taken), dataset


def test_a_single_dose_without_saturation_in_closed_form() -> None:
    found, _ = measured("400 mg once", overrides=LINEAR)
    k_in, k_out, volume = rate_constants(problem([0], [400], **LINEAR))
    lag = value(problem([], []), "lag")
    peak_at = np.log(k_in / k_out) / (k_in - k_out)
    peak = bateman(problem([0], [400], **LINEAR), np.array([lag + peak_at]))[0]
    expected = {
        "c_max": peak,
        "t_max": lag + peak_at,
        "auc_inf": 400 / (k_out * volume),
        "half_life": np.log(2) / k_out,
        "terminal_half_life": np.log(2) / k_out,
        "bioavailability": 1.0,
    }
    assert set(found) == set(expected)
    for name, number in expected.items():
        assert found[name][0] == pytest.approx(number, rel=1e-5 if name == "t_max" else 1e-6), name


@pytest.mark.parametrize(("text", "interval"), [("300 mg qid", 6.0), ("900 mg daily", 24.0)])
def test_steady_state_without_saturation_in_closed_form(text: str, interval: float) -> None:
    found, _ = measured(text, overrides=LINEAR)
    dose = float(text.split()[0])
    k_in, k_out, volume = rate_constants(problem([], [], **LINEAR))

    def level(t: float) -> float:
        scale = dose / volume * k_in / (k_in - k_out)
        slow = np.exp(-k_out * t) / (1 - np.exp(-k_out * interval))
        return scale * (slow - np.exp(-k_in * t) / (1 - np.exp(-k_in * interval)))

    ratio = k_in * (1 - np.exp(-k_out * interval)) / (k_out * (1 - np.exp(-k_in * interval)))
    peak_at = np.log(ratio) / (k_in - k_out)
    assert found["t_max"][0] == pytest.approx(value(problem([], []), "lag") + peak_at, rel=1e-5)
    assert found["c_max"][0] == pytest.approx(level(peak_at), rel=1e-6)
    assert found["c_min"][0] == pytest.approx(level(0), rel=1e-6)
    assert found["auc_tau"][0] == pytest.approx(dose / (k_out * volume), rel=1e-6)
    assert "auc_inf" not in found


@pytest.mark.parametrize("text", ["600 mg tid", "1600 mg tid", "300 mg at 08:00, 600 mg at 20:00"])
def test_at_steady_state_clearance_times_area_is_what_is_absorbed(text: str) -> None:
    found, _ = measured(text, draws=5, seed=2)
    _, amounts = regimen.parse(text).maintenance.doses(float(regimen.parse(text).interval_h or 0) / 24)
    drawn = problem([], [], draws=5, seed=2)
    for draw in range(5):
        _, k_out, volume = rate_constants(drawn, draw)
        absorbed = found["bioavailability"][draw] * amounts.sum()
        assert found["auc_tau"][draw] * k_out * volume == pytest.approx(absorbed, rel=1e-8)


@pytest.mark.parametrize("text", ["600 mg tid", "400 mg once", "300 mg every 7 h"])
def test_metrics_do_not_depend_on_the_output_grid_or_the_days(text: str) -> None:
    first, _ = measured(text, days=1, times_h=[0.0, 24.0])
    second, _ = measured(text, days=9)
    for name in first:
        assert np.array_equal(first[name], second[name]), name


@pytest.mark.parametrize(
    "text", ["600 mg tid", "400 mg once", "50 mg every 1 h", "300 mg at 08:00, 600 mg at 20:00"]
)
def test_a_four_times_finer_search_finds_the_same(text: str, monkeypatch) -> None:
    coarse, _ = measured(text, draws=6)
    monkeypatch.setattr(exposure, "FINE_PER_HOUR", 4 * exposure.FINE_PER_HOUR)
    fine, _ = measured(text, draws=6)
    for name in coarse:
        np.testing.assert_allclose(coarse[name], fine[name], rtol=1e-5, err_msg=name)


def test_the_long_way_round_gives_the_same_steady_state() -> None:
    lags = problem([], [], draws=3).row("lag")
    times = np.concatenate([np.arange(456, 472, 1 / 128), 456 + lags, 464 + lags])
    found, dataset = measured("600 mg tid", days=20, draws=3, times_h=times)
    curve = dataset["plasma_concentration"].values
    np.testing.assert_allclose(curve.max(axis=1), found["c_max"], rtol=1e-5)
    np.testing.assert_allclose(curve.min(axis=1), found["c_min"], rtol=1e-6)


def test_a_titration_is_described_by_where_it_ends() -> None:
    titrated, _ = measured("300 mg daily x1, 300 mg bid x1, then 300 mg tid")
    plain, _ = measured("300 mg tid")
    for name in plain:
        assert titrated[name][0] == plain[name][0]


def test_a_regimen_that_ends_is_described_to_the_end_of_its_tail() -> None:
    found, _ = measured("300 mg tid for 3 days")
    _, k_out, volume = rate_constants(problem([], []))
    absorbed = found["bioavailability"][0] * 9 * 300
    assert found["auc_inf"][0] == pytest.approx(absorbed / (k_out * volume), rel=1e-6)
    assert 48 < found["t_max"][0] < 72
    assert "c_min" not in found


def test_draws_do_not_depend_on_each_other() -> None:
    few, _ = measured("600 mg tid", draws=3, seed=1)
    many, _ = measured("600 mg tid", draws=40, seed=1)
    for name in few:
        assert np.array_equal(few[name], many[name][:3]), name


def test_anuria_is_finite() -> None:
    found, _ = measured("100 mg daily", "crcl=0")
    assert all(np.all(np.isfinite(values)) for values in found.values())
    names = ("volume", "peripheral_volume", "nonrenal_clearance")
    central, peripheral, clearance = (GABAPENTIN.parameters[name].number for name in names)
    assert found["half_life"][0] == pytest.approx(np.log(2) * (central + peripheral) / clearance)
    assert found["terminal_half_life"][0] > found["half_life"][0] * 0.99


@relaxed
@given(
    dose=st.floats(10, 3000), interval=st.sampled_from([0.25, 1, 4, 8, 12, 24, 72]), crcl=st.floats(0, 130)
)
def test_trough_mean_and_peak_are_in_order(dose: float, interval: float, crcl: float) -> None:
    found, _ = measured(f"{dose:.3f} mg every {interval:g} h", f"crcl={crcl:.2f}", days=1)
    mean = found["auc_tau"][0] / interval
    assert 0 < found["c_min"][0] <= mean * (1 + 1e-9)
    assert mean <= found["c_max"][0] * (1 + 1e-9)
    assert 0 < found["bioavailability"][0] <= 1
    assert set(found) <= set(exposure.UNITS)


@relaxed
@given(shape=st.tuples(st.floats(0.3, 3), st.floats(0.1, 2)), steps=st.integers(3, 9))
def test_the_peak_of_a_cubic_is_found_exactly(shape: tuple[float, float], steps: int) -> None:
    at, height = shape
    times = np.unique(np.linspace(0, 4, steps))
    values = height * (1 - (times - at) ** 2 * (1 + 0.1 * (times - at)))
    slopes = height * (-2 * (times - at) - 0.3 * (times - at) ** 2)
    peak, when = exposure.highest(times, values[None], slopes[None])
    assert peak[0] == pytest.approx(height, rel=1e-12)
    assert when[0] == pytest.approx(at, abs=1e-9)


def test_the_area_matches_a_fine_sum_of_the_curve() -> None:
    found, _ = measured("600 mg once")
    times = np.arange(0, 200, 0.01)
    curve = run(problem([0], [600]), times, ["plasma_concentration"])["plasma_concentration"][0]
    assert np.trapezoid(curve, times) == pytest.approx(found["auc_inf"][0], rel=1e-4)
