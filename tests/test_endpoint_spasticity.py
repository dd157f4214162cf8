"""The modified Ashworth scale: monotone, right in its limits, as unreliable as raters are, and repeatable."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spasmlab.endpoints import spasticity
from spasmlab.errors import ModelError

VELOCITY = np.array([50.0, 100.0, 200.0])


def changed(**values):
    known = spasticity.defaults()
    return {name: p.model_copy(update={"value": values.get(name, p.value)}) for name, p in known.items()}


def score(total, parameters=None, seeds=None, share=0.5):
    """Score torques that do not depend on velocity, half of them passive."""
    total = np.atleast_1d(np.asarray(total, dtype=float))[:, None] * np.ones(VELOCITY.size)
    seeds = np.zeros(len(total), dtype=int) if seeds is None else seeds
    return spasticity.score(VELOCITY, share * total, 0 * total, (1 - share) * total, seeds, None, parameters)


def test_without_noise_the_grade_is_the_cut():
    silent = changed(tester_variation=0.0, rater_noise=0.0)
    cuts = np.exp(spasticity.Ashworth(silent).log_cuts)
    torque = np.concatenate([[cuts[0] / 2], np.sqrt(cuts[1:] * cuts[:-1]), [cuts[-1] * 2]])
    found = score(torque, silent)
    assert found.probability == pytest.approx(np.eye(6), abs=1e-12)
    assert np.array_equal(found.rated, np.arange(6))
    assert found.expected == pytest.approx([0, 1, 1.5, 2, 3, 4])


def test_cuts_are_geometric_and_the_latent_counts_them():
    known = spasticity.defaults()
    step, first = known["grade_step"].number, known["first_cut"].number
    assert score(first * np.exp(step * np.arange(5))).latent == pytest.approx([1, 2, 3, 4, 5])


def test_eleven_percent_less_resistance_is_a_quarter_of_a_grade():
    before, after = score([40.0, 40.0 * 0.89]).latent
    assert after - before == pytest.approx(-0.24, abs=0.01)


def test_a_relaxed_limb_scores_zero_and_a_rigid_one_four():
    low, high = score([0.1, 1e5]).expected
    assert low == pytest.approx(0, abs=1e-6) and high == pytest.approx(4, abs=1e-6)


@given(st.floats(1, 200), st.floats(1.001, 3))
def test_more_torque_never_lowers_the_score(torque, times):
    found = score([torque, torque * times])
    assert found.latent[1] > found.latent[0] and found.expected[1] >= found.expected[0]
    reached = np.cumsum(found.probability[:, ::-1], axis=1)[:, :-1]
    assert (reached[1] >= reached[0] - 1e-12).all()


@given(st.lists(st.floats(0.5, 300), min_size=1, max_size=5))
def test_probabilities_are_a_distribution(torques):
    probability = score(torques).probability
    assert probability.sum(axis=1) == pytest.approx(1) and (probability >= -1e-15).all()


def test_probability_is_the_share_of_many_ratings():
    total = np.array([[22.0, 31.0, 52.0]])
    scale = spasticity.Ashworth(spasticity.defaults())
    ratings = scale.rate(VELOCITY, np.repeat(total, 20_000, axis=0), np.arange(20_000), "first")
    share = np.bincount(ratings, minlength=6) / ratings.size
    assert share == pytest.approx(scale.probability(VELOCITY, total)[0], abs=0.012)


def test_two_raters_agree_as_raters_do():
    assert 0.5 < spasticity.kappa(20_000, seed=1) < 0.6
    assert spasticity.kappa(2000, 1, changed(rater_noise=0.0, tester_variation=0.0)) == 1


def test_weighted_kappa_by_hand():
    first, second = np.array([0, 1, 1, 2]), np.array([0, 1, 2, 2])
    # mean |difference| 1/4; by chance: first .25 .5 .25, second .25 .25 .5 -> 0.875
    assert spasticity.weighted_kappa(first, second) == pytest.approx(1 - 0.25 / 0.875)


def test_the_same_seed_meets_the_same_rater_in_every_arm():
    many = score(np.full(200, 30.0), seeds=np.arange(200))
    again = score(np.full(200, 30.0), seeds=np.arange(200))
    less = score(np.full(200, 24.0), seeds=np.arange(200))
    assert np.array_equal(many.rated, again.rated) and len(set(many.rated)) > 1
    assert (less.rated <= many.rated).all() and (less.rated < many.rated).any()


def test_torque_between_velocities_is_linear_and_held_beyond():
    torque = np.array([[10.0, 20.0, 60.0]])
    found = spasticity.torque_at(VELOCITY, torque, np.array([[20.0, 75.0, 150.0, 900.0]]))
    assert found[0] == pytest.approx([10, 15, 40, 60])
    flipped = spasticity.torque_at(VELOCITY[::-1], torque[:, ::-1], np.array([[75.0]]))
    assert flipped[0] == pytest.approx([15])


def test_passive_share_and_total_are_those_at_the_typical_velocity():
    found = score([40.0], share=0.25)
    assert found.total_torque == pytest.approx([40]) and found.passive_share == pytest.approx([0.25])


def test_torques_that_cannot_be_scored_are_refused():
    with pytest.raises(ModelError, match="positive"):
        score([0.0])
    with pytest.raises(ModelError, match="positive"):
        score([np.nan])
    with pytest.raises(ModelError, match="fit"):
        spasticity.score(VELOCITY, np.ones((2, 4)), np.ones((2, 4)), np.ones((2, 4)), np.zeros(2))


def test_draws_move_the_scale_alike_in_both_arms_and_draw_zero_is_central():
    torque, still = np.full((40, 3), 30.0), np.zeros((40, 3))
    draws, seeds = np.tile(np.arange(20), 2), np.full(40, 7)
    found = spasticity.score(VELOCITY, torque, still, still, seeds, draws)
    assert np.array_equal(found.latent[:20], found.latent[20:]) and np.std(found.latent) > 0.1
    assert found.latent[0] == score(30.0).latent[0]
