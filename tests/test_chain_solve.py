"""The slow chain against oracles: conservation, closed forms, limits, two solvers, and its own independence."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chain_help import (
    GABAPENTIN,
    LINEAR,
    ONE_COMPARTMENT,
    RELEASES,
    bateman,
    dosings,
    every,
    problem,
    rate_constants,
    value,
)
from spasmlab import hypothesis, patient, regimen
from spasmlab.chain import grid
from spasmlab.chain.check import check, reading, solve_plain
from spasmlab.chain.problem import run
from spasmlab.chain.solve import parameter_values, solve, steady_at_plasma
from spasmlab.equations import kernel_cache

HOURS = np.arange(0.0, 97.0)
relaxed = settings(max_examples=25, deadline=None)


def close(first: np.ndarray, second: np.ndarray) -> float:
    """The largest difference as a share of the largest value."""
    return float(np.max(np.abs(first - second)) / np.max(np.abs(second)))


# Conservation


@relaxed
@given(dosing=dosings(), fed=st.sampled_from([0.0, 1.0]), lag=st.floats(0, 1))
def test_every_milligram_is_somewhere(dosing, fed: float, lag: float) -> None:
    given_doses = problem(*dosing, draws=3, fed=fed, lag=lag)
    solved = run(given_doses, HOURS)
    arrived = np.array([dosing[1][dosing[0] + lag <= t].sum() for t in HOURS])
    total = dosing[1].sum()
    gut = solved["stomach_amount"] + solved["absorbed_amount"] + solved["unabsorbed_amount"]
    blood = solved["plasma_amount"] + solved["peripheral_amount"] + solved["eliminated_amount"]
    assert np.max(np.abs(gut - arrived)) < 1e-6 * total
    assert np.max(np.abs(blood - solved["absorbed_amount"])) < 1e-6 * total


@relaxed
@given(dosing=dosings())
def test_amounts_and_concentrations_never_go_below_zero(dosing) -> None:
    solved = run(problem(*dosing, draws=4), HOURS)
    for name in ("stomach_amount", "plasma_concentration", "isf_concentration", "csf_concentration"):
        assert np.min(solved[name]) >= 0
    for name in ("occupancy", "occupancy_2", "calcium_entry", *RELEASES):
        assert np.min(solved[name]) >= 0
        assert np.max(solved[name]) <= 1


def test_area_under_the_curve_is_what_was_eliminated_over_clearance() -> None:
    once = problem(*every(8, 600, 5))
    solved = run(once, HOURS)
    _, k_out, volume = rate_constants(once)
    assert close(solved["plasma_auc"] * k_out * volume, solved["eliminated_amount"]) < 1e-6


# Closed forms and limits


@pytest.mark.parametrize("lag", [0.0, 0.311, 1.0])
@pytest.mark.parametrize("count", [1, 6])
def test_without_saturation_it_is_one_compartment_in_closed_form(lag: float, count: int) -> None:
    linear = problem(*every(8, 600, count), draws=3, lag=lag, **LINEAR)
    times = np.unique(np.concatenate([HOURS, [0.2, 0.311, 0.5, 1.0, 1.7, 8.9]]))
    solved = run(linear, times)["plasma_concentration"]
    for draw in range(3):
        assert close(solved[draw], bateman(linear, times, patient=draw)) < 1e-6


def test_with_a_carrier_that_never_fills_a_fixed_share_is_absorbed() -> None:
    vast = problem(*every(12, 600, 3), uptake_vmax=1e9, **ONE_COMPARTMENT)
    carried = value(vast, "uptake_vmax") / (value(vast, "uptake_vmax") + value(vast, "uptake_half"))
    share = carried + value(vast, "non_saturable") * (1 - carried)
    assert close(run(vast, HOURS)["plasma_concentration"][0], bateman(vast, HOURS, share)) < 1e-6


def test_with_a_tiny_carrier_only_the_unsaturable_share_is_absorbed() -> None:
    tiny = problem([0], [6000], uptake_vmax=5.0, non_saturable=0.2)
    solved = run(tiny, HOURS)
    assert solved["absorbed_amount"][0, -1] / 6000 == pytest.approx(0.2, abs=0.02)


def test_plasma_adds_up_where_uptake_does_not_saturate() -> None:
    parts = [problem([0, 8], [600, 300], **LINEAR), problem([3, 8], [900, 100], **LINEAR)]
    both = problem([0, 3, 8, 8], [600, 900, 300, 100], **LINEAR)
    added = sum(run(part, HOURS)["plasma_concentration"] for part in parts)
    assert close(run(both, HOURS)["plasma_concentration"], added) < 1e-6


def test_plasma_does_not_add_up_where_uptake_saturates() -> None:
    single, double = run(problem([0], [800]), HOURS), run(problem([0], [1600]), HOURS)
    assert np.max(double["plasma_concentration"]) < 1.7 * np.max(single["plasma_concentration"])


def test_splitting_a_dose_gains_bioavailability() -> None:
    whole, split = run(problem([0], [1800]), HOURS), run(problem(*every(8, 600, 3)), HOURS)
    assert split["absorbed_amount"][0, -1] > 1.2 * whole["absorbed_amount"][0, -1]


def test_food_slows_delivery_and_so_raises_uptake() -> None:
    fasted, fed = (run(problem([0], [600], fed=state), HOURS) for state in (0.0, 1.0))
    assert fed["delivery_rate"].max() < fasted["delivery_rate"].max()
    assert fed["absorbed_amount"][0, -1] > fasted["absorbed_amount"][0, -1]


def test_output_at_the_time_of_a_dose_is_after_the_dose() -> None:
    solved = run(problem([0, 8], [600, 300], lag=0.0), np.array([0.0, 8.0]))
    assert solved["stomach_amount"][0, 0] == 600
    left = 600 * math.exp(-8 * value(problem([], []), "emptying_rate"))
    assert solved["stomach_amount"][0, 1] == pytest.approx(300 + left, rel=1e-12)


def test_a_dose_whose_lag_ends_at_an_output_time_is_in() -> None:
    assert run(problem([0], [600], lag=0.5), np.array([0.5]))["stomach_amount"][0, 0] == 600


# At rest


def test_without_drug_everything_stays_exactly_at_rest() -> None:
    solved = run(problem([], [], draws=8), HOURS)
    for name in (*RELEASES, "calcium_fast", "calcium_entry", "surface_channels"):
        assert np.all(solved[name] == 1.0)
    for name in ("plasma_concentration", "isf_concentration", "occupancy", "gaba_a_activation"):
        assert np.all(solved[name] == 0.0)


def test_steady_at_plasma_is_a_fixed_point_and_agrees_with_algebra() -> None:
    draws = 5
    rest = steady_at_plasma(GABAPENTIN, 6.0, None, hypothesis.load("both"), draws=draws, seed=3)
    given_doses = problem([], [], draws=draws, seed=3)
    half = given_doses.row("brain_influx_half") * given_doses.row("molar_mass")
    isf = given_doses.row("isf_partition") * 6.0 * half / (half + 6.0)
    np.testing.assert_allclose(rest["isf_concentration"], isf, rtol=1e-12)
    np.testing.assert_allclose(rest["csf_concentration"], 6.0 * given_doses.row("csf_partition"), rtol=1e-12)
    for draw in range(draws):
        states = {name: 0.0 for name in given_doses.pathway.states}
        states |= {
            n: float(rest[n][draw]) for n in ("isf_concentration", "csf_concentration", "surface_channels")
        }
        parameters = {n: value(given_doses, n, draw) for n in given_doses.pathway.params}
        states["plasma_amount"] = 6.0 * rate_constants(given_doses, draw)[2]
        found = reading(given_doses, parameters)(states)
        assert all(abs(found[f"d_{n}"]) < 1e-12 for n in ("isf_concentration", "surface_channels"))
        assert found["release_poly"] == pytest.approx(float(rest["release_poly"][draw]), rel=1e-12)


def test_steady_at_no_plasma_is_no_effect() -> None:
    rest = steady_at_plasma(GABAPENTIN, 0.0, draws=4)
    assert all(np.all(rest[name] == 1.0) for name in RELEASES)


# Numbers


@pytest.mark.parametrize("dosing", [every(8, 600, 9), every(24, 3600, 3), every(0.25, 50, 12)])
def test_two_solvers_agree_on_every_signal(dosing) -> None:
    given_doses = problem(*dosing, draws=3, seed=5)
    solved = run(given_doses, HOURS)
    for draw in range(3):
        errors = check(given_doses, HOURS, solved, draw)
        assert max(errors.values()) < 1e-5, max(errors, key=errors.__getitem__)


def test_the_checker_sees_a_wrong_solution() -> None:
    given_doses = problem([0], [600])
    solved = run(given_doses, HOURS)
    solved["occupancy"] = solved["occupancy"] * 1.001
    errors = check(given_doses, HOURS, solved, 0)
    assert errors["occupancy"] == pytest.approx(0.001, rel=0.01)
    assert errors["plasma_concentration"] < 1e-6


def test_the_checker_itself_meets_the_closed_form() -> None:
    linear = problem(*every(8, 600, 3), **LINEAR)
    assert close(solve_plain(linear, HOURS, 0)["plasma_concentration"], bateman(linear, HOURS)) < 1e-8


def test_halving_the_step_changes_nothing_that_matters(monkeypatch) -> None:
    given_doses = problem(*every(8, 600, 12), draws=8, seed=2)
    coarse = run(given_doses, HOURS)
    monkeypatch.setattr(grid, "STEPS_PER_HOUR", tuple((hour, 2 * n) for hour, n in grid.STEPS_PER_HOUR))
    fine = run(given_doses, HOURS)
    assert any(np.any(fine[name] != coarse[name]) for name in fine)
    for name in fine:
        assert np.max(np.abs(fine[name] - coarse[name])) <= 1e-5 * np.max(np.abs(fine[name]))


def test_the_generated_kernel_computes_what_the_plain_equations_say() -> None:
    given_doses = problem([], [], draws=16, seed=9)
    kernel = kernel_cache.load(given_doses.pathway)
    width, states = kernel.WIDTH, list(given_doses.pathway.states)
    random = np.random.default_rng(4)
    start = random.uniform(0, 40, (len(states), width)) * (random.random((len(states), width)) > 0.2)
    start[states.index("surface_channels")] = random.uniform(0.4, 1, width)
    out = np.empty((len(kernel.SIGNALS), 1, width))
    none = np.zeros(0)
    kernel.solve(
        given_doses.parameters, start, np.zeros(1), np.zeros(0, np.int64), none, np.zeros((0, 1)),
        np.zeros((0, 2), np.int64), np.zeros((1, 2), np.int64), np.zeros(1, np.int64), 0,
        np.arange(len(kernel.SIGNALS)), np.zeros((1, 2), np.int64), np.zeros(0, np.int64), np.zeros((0, 1)), out,
    )  # fmt: skip
    for lane in range(width):
        parameters = {n: value(given_doses, n, lane) for n in given_doses.pathway.params}
        plain = reading(given_doses, parameters)(dict(zip(states, start[:, lane].tolist(), strict=True)))
        for place, name in enumerate(kernel.SIGNALS):
            assert out[place, 0, lane] == pytest.approx(plain[name], rel=1e-12, abs=1e-12), name


# Independence


@relaxed
@given(order=st.permutations(range(21)), threads=st.integers(1, 4), size=st.integers(1, 21))
def test_a_draw_does_not_depend_on_batch_order_or_threads(order, threads: int, size: int) -> None:
    alone = problem(*every(8, 600, 4), draws=21, seed=1)
    times = np.arange(0.0, 33.0)
    expected = run(alone, times)
    chosen = np.array(order[:size])
    found = run(alone.take(chosen), times, threads=threads)
    for name, values in found.items():
        assert np.array_equal(values, expected[name][chosen]), name


def test_a_draw_is_the_same_whatever_else_is_drawn() -> None:
    names, many = parameter_values(GABAPENTIN, draws=9, seed=4)
    _, few = parameter_values(GABAPENTIN, draws=3, seed=4)
    assert np.array_equal(many[:, :3], few)
    _, other = parameter_values(GABAPENTIN, None, hypothesis.load("null"), draws=9, seed=4)
    same = [i for i, name in enumerate(names) if not name.startswith("loss_")]
    assert np.array_equal(many[same], other[same])
    assert np.all(other[names.index("loss_ia_spastic")] == 0)


def test_draw_zero_is_central_and_doubt_has_its_size() -> None:
    names, drawn = parameter_values(GABAPENTIN, draws=4000, seed=4)
    record = GABAPENTIN.parameters["volume"]
    row = drawn[names.index("volume")]
    assert row[0] == record.number
    assert record.spread is not None
    assert np.std(np.log(row)) == pytest.approx(record.spread, rel=0.05)


def test_parameters_are_drawn_apart() -> None:
    names, drawn = parameter_values(GABAPENTIN, draws=2000, seed=4)
    moved = np.log(drawn[[names.index(n) for n in ("volume", "lag", "isf_partition", "leucine_inhibition")]])
    assert np.max(np.abs(np.corrcoef(moved) - np.eye(4))) < 0.1


@relaxed
@given(extra=st.lists(st.floats(0, 95), max_size=6))
def test_more_output_times_change_nothing_that_matters(extra: list[float]) -> None:
    given_doses = problem(*every(8, 600, 12))
    times = np.unique([*HOURS, *extra])
    plain = run(given_doses, HOURS)["plasma_concentration"]
    found = run(given_doses, times)["plasma_concentration"][:, np.searchsorted(times, HOURS)]
    assert close(found, plain) < 1e-6


# The interface


def test_solve_gives_every_signal_with_unit_and_the_achieved_error() -> None:
    found = solve(
        GABAPENTIN, regimen.parse("600 mg tid"), patient.parse("crcl=60, weight=80"), None,
        hypothesis.load("both"), days=2, draws=3, seed=1,
    )  # fmt: skip
    assert dict(found.sizes) == {"draw": 3, "time": 49, "parameter": found.sizes["parameter"]}
    assert all(found[name].dims == ("draw", "time") and found[name].attrs["unit"] for name in found.data_vars)
    assert 0 < found.attrs["achieved_error"] < 1e-5
    other, slope, volume = (
        GABAPENTIN.parameters[name].number
        for name in ("nonrenal_clearance", "renal_clearance_slope", "volume")
    )
    assert found["total_clearance"][0, 0] == pytest.approx(other * (80 / 70) ** 0.75 + slope * 60)
    assert found["distribution_volume"][0, 0] == pytest.approx(volume * 80 / 70)


def test_clearance_stops_rising_at_the_cap() -> None:
    capped, beyond = (
        float(solve(GABAPENTIN, None, patient.parse(f"crcl={c}"), days=0.1)["total_clearance"][0, 0])
        for c in (130, 200)
    )
    assert capped == beyond


def test_no_regimen_is_no_drug() -> None:
    found = solve(GABAPENTIN, None, days=1)
    assert np.all(found["release_poly"] == 1.0)
    assert found.attrs["regimen"] == "none"


def test_doses_per_kilogram_meet_the_weight() -> None:
    found = solve(GABAPENTIN, regimen.parse("10 mg/kg once"), patient.parse("weight=50"), days=2)
    gut = found["absorbed_amount"] + found["unabsorbed_amount"] + found["stomach_amount"]
    assert float(gut[0, -1]) == pytest.approx(500)


def test_long_runs_are_checked_in_part_and_say_so() -> None:
    taken = regimen.parse("300 mg tid")
    long = solve(GABAPENTIN, taken, days=60, times_h=[1400.0])
    assert long.attrs["checked_until_h"] == 480
    assert 0 < long.attrs["achieved_error"] < 1e-5
    assert solve(GABAPENTIN, taken, days=14, times_h=[300.0]).attrs["checked_until_h"] == 300
    assert solve(GABAPENTIN, taken, days=1, checked=0).attrs["achieved_error"] == 0


@relaxed
@given(
    first=st.sampled_from(["300 mg daily", "25 mg/kg/day tid", "0.6 g q6h", "100 mg every 1 h"]),
    days=st.integers(1, 3),
    last=st.sampled_from(["600 mg tid", "1600 mg bid", "300 mg at 08:00, 900 mg at 21:30", "900 mg once"]),
    crcl=st.floats(0, 150),
    weight=st.floats(20, 150),
    fed=st.booleans(),
)
def test_any_regimen_in_any_patient_keeps_its_milligrams(first, days, last, crcl, weight, fed) -> None:
    taken = regimen.parse(f"{first} for {days} days then {last}")
    person = patient.parse(f"crcl={crcl:.3f}, weight={weight:.2f}")
    found = solve(GABAPENTIN, taken, person, days=days + 2, fed=fed, draws=2, checked=0)
    times, amounts = taken.for_weight(person.weight).doses(days + 2)
    lag = found["parameter_value"].sel(parameter="lag").values
    for draw in range(2):
        arrived = np.array([amounts[times + lag[draw] <= t].sum() for t in found["time"].values])
        gut = found["stomach_amount"] + found["absorbed_amount"] + found["unabsorbed_amount"]
        assert np.max(np.abs(gut[draw].values - arrived)) < 1e-6 * amounts.sum()
        kept = found["plasma_amount"] + found["peripheral_amount"] + found["eliminated_amount"]
        blood = (kept - found["absorbed_amount"])[draw]
        assert np.max(np.abs(blood.values)) < 1e-6 * amounts.sum()
