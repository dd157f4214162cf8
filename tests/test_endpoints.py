"""Endpoints: limits, directions and closed forms; side effects; meta-tests over all of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spasmlab import condition, endpoints
from spasmlab.endpoints import adverse, pain, seizures
from spasmlab.endpoints.course import Chance, Course, lagged
from spasmlab.errors import InputError
from trial_help import chance, steady_course

DAYS = np.array([0.0, 7.0, 14.0, 28.0])


@pytest.mark.parametrize("name", endpoints.names())
def test_every_endpoint_declares_what_it_measures_and_stays_in_range(name: str) -> None:
    module = endpoints.load(name)
    assert module.__doc__ and module.READS and module.CONDITIONS
    found = module.simulate(steady_course(0.4), DAYS, chance())
    assert set(found) == set(module.OUTCOMES)
    for outcome, values in found.items():
        assert values.shape == (40, len(DAYS))
        assert np.all(np.isfinite(values))
        said = module.OUTCOMES[outcome]
        assert np.all(values >= said.low) and np.all(values <= said.high), outcome
        if said.kind == "binary":
            assert set(np.unique(values)) <= {0.0, 1.0}
        if said.kind == "count":
            assert np.all(values >= 0)


@pytest.mark.parametrize("name", endpoints.names())
def test_an_endpoint_reads_release_and_not_the_dose(name: str) -> None:
    """The same releases give the same scores whatever level was in plasma."""
    module = endpoints.load(name)
    one = module.simulate(steady_course(0.3), DAYS, chance())
    other = module.simulate(steady_course(0.3, plasma_concentration=99.0), DAYS, chance())
    for outcome in one:
        np.testing.assert_array_equal(one[outcome], other[outcome])


@pytest.mark.parametrize("name", endpoints.names())
def test_more_loss_of_release_is_not_worse_on_average(name: str) -> None:
    module = endpoints.load(name)
    low, high = (module.simulate(steady_course(x, 600), DAYS, chance(600)) for x in (0.0, 0.5))
    for outcome, said in module.OUTCOMES.items():
        sign = 1 if said.better == "lower" else -1
        assert sign * np.mean(high[outcome][:, -1]) <= sign * np.mean(low[outcome][:, -1]) + 1e-12, outcome


@pytest.mark.parametrize("name", endpoints.names())
def test_patients_do_not_depend_on_how_many_there_are(name: str) -> None:
    module = endpoints.load(name)
    all_of_them = module.simulate(steady_course(0.3, 40), DAYS, chance(40))
    some = module.simulate(steady_course(0.3, 15), DAYS, chance(15, first=10))
    for outcome in some:
        np.testing.assert_array_equal(some[outcome], all_of_them[outcome][10:25])


@pytest.mark.parametrize("name", endpoints.names())
def test_the_conditions_of_an_endpoint_exist(name: str) -> None:
    for of in endpoints.load(name).CONDITIONS:
        condition.load(of)


@given(st.floats(0.5, 200), st.floats(0.1, 5))
def test_a_lag_is_exact_for_a_step(time_h: float, step_h: float) -> None:
    found = lagged(np.ones((1, 50)), step_h, time_h)[0]
    np.testing.assert_allclose(found, 1 - np.exp(-np.arange(50) * step_h / time_h), rtol=1e-9, atol=1e-12)


def test_pain_without_noise_follows_its_formula() -> None:
    """One patient's latent pain is B (1 − placebo) exp(−g X): the ratio of two levels is that of the exponentials."""
    known = pain.parameters()
    none, some = (pain.latent(known, steady_course(x), DAYS, chance()) for x in (0.0, 0.4))
    gain = chance().of_patients(known["gain"])
    onset = known["onset_time"].number
    reached = 0.4 * (1 - np.exp(-DAYS / onset))
    np.testing.assert_allclose(some / none, np.exp(-gain[:, None] * reached), rtol=1e-6)


def test_seizure_counts_are_over_dispersed_and_respond_by_chance_alone_under_placebo() -> None:
    found = seizures.simulate(steady_course(0.0, 2000), np.array([0.0, 84.0]), chance(2000))
    responders = found["seizure_half"][:, -1].mean()
    assert 0.02 < responders < 0.25
    means = np.full((4000, 1), 12.0)
    counts = seizures.drawn(seizures.parameters(), means, chance(4000))
    size = seizures.parameters()["count_size"].number
    assert counts.mean() == pytest.approx(12, rel=0.03)
    assert counts.var() == pytest.approx(12 + 144 / size, rel=0.15)


@pytest.mark.parametrize("name", adverse.names())
def test_every_side_effect_has_a_title_advice_and_whole_numbers(name: str) -> None:
    effect = adverse.load(name)
    assert effect.title and effect.summary and effect.advice
    none = adverse.simulate(effect, steady_course(0.0, 400), DAYS, chance(400))
    some = adverse.simulate(effect, steady_course(0.6, 400), DAYS, chance(400))
    assert not none.present[:, 0].any() or effect.kind == "weight"
    assert some.ever[:, -1].mean() >= none.ever[:, -1].mean()
    assert np.all(np.diff(some.ever.astype(float), axis=1) >= 0) or effect.kind == "weight"
    if effect.kind in {"tolerance", "slow"}:
        assert not none.present.any(), "without drug nobody has it by the drug"


def test_tolerance_wears_a_side_effect_off_and_a_slow_one_stays() -> None:
    days = np.array([0.0, 1.0, 7.0, 28.0])
    dizzy = adverse.simulate(adverse.load("dizziness"), steady_course(0.5, 400), days, chance(400)).chance
    swollen = adverse.simulate(
        adverse.load("peripheral-oedema"), steady_course(0.5, 400), days, chance(400)
    ).chance
    assert dizzy[:, 1].mean() > 2 * dizzy[:, 3].mean()
    assert swollen[:, 3].mean() > swollen[:, 2].mean() > swollen[:, 1].mean()


def test_a_slow_rise_makes_fewer_dizzy_than_a_step_to_the_same_level() -> None:
    step = steady_course(0.5, 400)
    slow = steady_course(0.5, 400)
    slow.signals["occupancy"][:] = 0.5 * np.minimum(slow.hours / (21 * 24), 1)
    effect = adverse.load("dizziness")
    abrupt, titrated = (adverse.expected(effect, course, DAYS, chance(400))[0][-1] for course in (step, slow))
    assert titrated < 0.8 * abrupt


def test_a_peak_in_sleep_counts_less() -> None:
    by_day, by_night = steady_course(0.0, 50), steady_course(0.0, 50)
    clock = (by_day.hours + by_day.clock_h) % 24
    by_day.signals["occupancy"][:, (clock >= 12) & (clock < 18)] = 0.5
    by_night.signals["occupancy"][:, (clock >= 0) & (clock < 6)] = 0.5
    effect = adverse.load("dizziness")
    day, night = (adverse.expected(effect, c, DAYS, chance(50))[0][-1] for c in (by_day, by_night))
    assert night < day


def test_an_unknown_outcome_or_side_effect_is_named() -> None:
    with pytest.raises(InputError, match="unknown outcome 'pian'; did you mean 'pain'"):
        endpoints.find("pian")
    with pytest.raises(InputError, match="did you mean 'dizziness'"):
        adverse.load("diziness")


def test_a_cramp_needs_the_cord_in_part_only() -> None:
    """With the loop gone rates fall to the share that does not need it, and thresholds rise to those of a blocked nerve."""
    from spasmlab.endpoints import cramps

    hours, days = np.arange(0.0, 24 * 90 + 1), np.array([0.0, 84.0])
    people = Chance(
        1, 400, overrides={"endpoints.cramps.gain": 1000.0, "endpoints.cramps.placebo_share": 0.001}
    )
    gone = {"release_poly": np.full((400, hours.size), 0.5)}
    found = cramps.simulate(Course(hours, gone), days, people)
    none = cramps.simulate(Course(hours, {"release_poly": np.ones((400, hours.size))}), days, people)
    share = cramps.parameters()["spinal_share"].number
    left = found["cramps"][:, 1].mean() / none["cramps"][:, 1].mean()
    assert left == pytest.approx(1 - share, abs=0.12)
    ratio = found["cramp_threshold"][:, 1] / none["cramp_threshold"][:, 1]
    blocked, intact = (cramps.parameters()[f"threshold_{n}"].number for n in ("blocked", "intact"))
    assert ratio == pytest.approx(blocked / intact)
    assert np.all(found["cramp_duration"][:, 1] < none["cramp_duration"][:, 1])


def test_a_week_without_a_cramp_is_free_of_them() -> None:
    from spasmlab.endpoints import cramps

    hours = np.arange(0.0, 24 * 15)
    found = cramps.simulate(
        Course(hours, {"release_poly": np.ones((200, hours.size))}), np.array([0.0, 14.0]), Chance(2, 200)
    )
    assert np.array_equal(found["cramp_free"] == 1, found["cramps"] == 0)
