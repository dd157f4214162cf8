"""Whether fits keep their promises: simulation-based calibration of the sampler, and coverage of patients' intervals.

Draw what is to be estimated from its prior, levels from it, and the posterior from the levels: the rank of the truth
among the draws is then uniform (Talts 2018), whatever the model. The model here is small: one drug of the form of
theophylline, three subjects, three levels each, the clearance with its spread and a proportional residual; or
gabapentin as it is, with its renal clearance slope in the place of the clearance.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from spasmlab import drug
from spasmlab.fit import data, individual, nuts, population, theophylline
from spasmlab.fit.data import Subject
from spasmlab.fit.individual import Prior, Residual
from spasmlab.fit.model import ChainModel
from spasmlab.parameter import beside

QUANTITIES = ("mean", "spread", "residual proportional")
HOURS = (1.0, 6.0, 18.0)
SUBJECTS, DOSE, WEIGHT = 3, 320.0, 70.0
PRIOR_RESIDUAL = Residual(0.0, 0.2)


@dataclass(frozen=True)
class Length:
    """How long the chains are: steps of warm-up, draws, and doublings of a trajectory at most."""

    warm_up: int
    draws: int
    deepest: int


LONG, SHORT = Length(200, 570, 5), Length(150, 190, 4)
RANKED = 19  # draws a truth is ranked among, thinned so that they are nearly independent
BINS = 5
CENTRED = 0.5


@dataclass(frozen=True)
class Ranks:
    """Ranks of the truths among `ranked` draws, (data sets, quantities), and divergences in all."""

    names: tuple[str, ...]
    ranks: np.ndarray
    ranked: int
    divergences: int

    def probability(self) -> dict[str, float]:
        """Of ranks at least as uneven as these, by χ² in `BINS` bins, were they uniform."""
        from scipy import stats

        found = {}
        for name, ranks in zip(self.names, self.ranks.T, strict=True):
            counts = np.bincount(ranks * BINS // (self.ranked + 1), minlength=BINS)
            test: tuple[float, float] = tuple(stats.chisquare(counts))  # type: ignore[assignment]
            found[name] = float(test[1])
        return found

    def within_probability(self, share: float = 0.9) -> dict[str, float]:
        """Of a number of truths in the central interval at least as far from what is expected (binomial, two sides)."""
        from scipy import stats

        count = len(self.ranks)
        return {
            name: float(stats.binomtest(round(found * count), count, share).pvalue)
            for name, found in self.share_within(share).items()
        }

    def share_within(self, share: float = 0.9) -> dict[str, float]:
        """How many truths lie in the central interval of this share."""
        least = 0.5 * (1 - share) * (self.ranked + 1)
        inside = (self.ranks >= least) & (self.ranks < self.ranked + 1 - least)
        return dict(zip(self.names, inside.mean(axis=0).tolist(), strict=True))


def small_model() -> ChainModel:
    """One parameter of the theophylline model."""
    return ChainModel(theophylline.model().drug, ("clearance",))


def gabapentin_model() -> ChainModel:
    """One parameter of gabapentin, whose uptake saturates: the sampler takes Runge–Kutta steps of it."""
    return ChainModel(drug.load("gabapentin"), ("renal_clearance_slope",))


def sample_ranks(
    count: int,
    seed: int = 0,
    wrong: float = 1.0,
    model: ChainModel | None = None,
    dose: float = DOSE,
    length: Length = LONG,
) -> Ranks:
    """Ranks of `count` data sets from the prior. `wrong` multiplies the doses that the sampler is told of: at 1 ranks
    are uniform. JAX starts in this process, which must not be forked afterwards."""
    model, random = model or small_model(), np.random.default_rng(seed)
    empty = [
        data.subject(str(i), [(0, dose)], [(t, 0.0) for t in HOURS], weight=WEIGHT) for i in range(SUBJECTS)
    ]
    told = [replace(subject, amounts_mg=subject.amounts_mg * wrong) for subject in empty]
    made = [_draw(model, empty, random) for _ in range(count)]
    truths, levels, begun = zip(*made, strict=True)
    truths = np.array(truths)
    draws, divergent = _posteriors(told, model, np.array(levels), begun, length, seed)
    thin = length.draws // RANKED
    ranks = (draws[:, thin - 1 :: thin] < truths[:, None]).sum(axis=1)
    return Ranks(QUANTITIES, ranks, RANKED, int(divergent.sum()))


def _posteriors(
    told: list[Subject],
    model: ChainModel,
    levels: np.ndarray,
    begun: Sequence[dict[str, np.ndarray]],
    length: Length,
    seed: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Draws (data sets, draws, quantities) and which were divergent, one chain a data set, all side by side, each from
    the truth: it is a draw of the posterior, so that a sampler that is right and mixes has no way to come to."""
    import jax
    from jax import lax
    from jax import numpy as jnp
    from numpyro.infer.hmc import hmc
    from numpyro.infer.util import initialize_model

    jax.config.update("jax_enable_x64", True)
    joint = nuts.joint_model(told, model, PRIOR_RESIDUAL, np.full(len(model.names), CENTRED))
    made: Any = initialize_model(jax.random.PRNGKey(0), joint, dynamic_args=True, model_args=(levels[0],))
    begin, move = hmc(potential_fn_gen=made.potential_fn, algo="NUTS")
    target = beside("fit.nuts")["target"].number

    def chain(seen: Any, start: Any, key: Any) -> Any:
        first = begin(start, length.warm_up, target_accept_prob=target, max_tree_depth=length.deepest,
                      model_args=(seen,), rng_key=key)  # fmt: skip

        def step(state: Any, _: Any) -> Any:
            state = move(state, model_args=(seen,))
            return state, (state.z, state.diverging)

        _, (z, diverging) = lax.scan(step, first, None, length=length.warm_up + length.draws)
        found = jax.vmap(made.postprocess_fn(seen))(z)
        rows = jnp.stack([found["mean"][:, 0], found["spread"][:, 0], found["residual"][:, 1]], axis=1)
        return rows[length.warm_up :], diverging[length.warm_up :]

    starts = {name: np.array([one[name] for one in begun]) for name in begun[0]}
    keys = jax.random.split(jax.random.PRNGKey(seed), len(levels))
    rows, diverging = jax.jit(jax.vmap(chain))(levels, starts, keys)
    return np.asarray(rows), np.asarray(diverging)


def _draw(
    model: ChainModel, empty: Sequence[Subject], random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """A truth from the prior of `fit.nuts` (mean, spread, residual), the levels of all subjects from it, and all of it
    on the scales of the sampler."""
    known = beside("fit.nuts")
    away = known["centre_spread"].number * random.standard_normal()
    spread = abs(known["spread_scale"].number * random.standard_normal())
    parts = np.abs(
        random.standard_normal(2)
    )  # the additive part has no size: its factor is drawn and does nothing
    size = PRIOR_RESIDUAL.proportional * parts[1]
    eta = spread * random.standard_normal(len(empty))
    own = model.start[0] + away + eta
    levels = np.concatenate([model.predict(s, np.array([[at]]))[0] for s, at in zip(empty, own, strict=True)])
    deviation = np.sqrt((size * levels) ** 2 + known["least_variance"].number)
    begun = {
        "mean": np.array([model.start[0] + away]),
        "spread": np.log([spread]),
        "parts": np.log(parts),
        "moved": (CENTRED * away + eta * spread ** (CENTRED - 1))[:, None],
    }
    truth = np.array([model.start[0] + away, spread, size])
    return truth, levels + deviation * random.standard_normal(len(levels)), begun


@dataclass(frozen=True)
class Coverage:
    """How often 90 % intervals held the truth, by parameter, and the mean and SD of the z-scores of the estimates."""

    names: tuple[str, ...]
    count: int
    inside: np.ndarray
    bias: np.ndarray
    spread: np.ndarray

    @property
    def error(self) -> float:
        """Monte Carlo standard error of a share of 0.9."""
        return float(np.sqrt(0.9 * 0.1 / self.count))


def of_patients(model: ChainModel, prior: Prior, empty: Sequence[Subject], seed: int = 0) -> Coverage:
    """Coverage of the intervals of `individual.fit` over patients drawn from the population they are fitted with."""
    random, rows = np.random.default_rng(seed), []
    root = np.linalg.cholesky(prior.covariance)
    for subject in empty:
        truth = prior.mean + root @ random.standard_normal(len(model.names))
        levels = model.predict(subject, truth[None])[0]
        levels = levels + np.sqrt(prior.residual.variance(levels)) * random.standard_normal(len(levels))
        mode = individual.mode(replace(subject, observed=np.maximum(levels, 0.0)), model, prior)
        rows.append((prior.mean + mode.eta - truth) / np.sqrt(np.diag(mode.covariance)))
    return _coverage(model.names, np.array(rows))


def of_populations(
    model: ChainModel, truth: Prior, subjects: Callable[[int], Sequence[Subject]], count: int,
    progress: Callable[[int], None] | None = None,
) -> Coverage:  # fmt: skip
    """Coverage of the intervals of `population.fit` for typical values and spreads, over `count` data sets; `subjects`
    gives the levels of one. Scales: that of estimation, and the log of a spread."""
    expected = np.concatenate([truth.mean, 0.5 * np.log(np.diag(truth.covariance))])
    rows = []
    for place in range(count):
        found = population.fit(subjects(place), model, start=truth)
        kept = len(expected)
        rows.append((found.estimates.vector()[:kept] - expected) / found.errors[:kept])
        if progress:
            progress(place + 1)
    names = (*model.names, *(f"spread of {name}" for name in model.names))
    return _coverage(names, np.array(rows))


def _coverage(names: tuple[str, ...], scores: np.ndarray) -> Coverage:
    """From z-scores (data sets, names); one that does not exist counts as not covered."""
    inside = np.mean(np.abs(scores) < individual.NORMAL_90, axis=0)
    known = np.where(np.isfinite(scores), scores, np.nan)
    return Coverage(names, len(scores), inside, np.nanmean(known, axis=0), np.nanstd(known, axis=0))
