"""A population by Hamiltonian Monte Carlo (NUTS through NumPyro), with its diagnostics: extra ``[bayes]``.

The same model as `fit.population`, without its approximation. Priors: the centre is normal about the record's value
on the scale of estimation, spreads and residuals are half-normal (`fit/nuts.toml`). Correlations between the effects of a
patient are held at those given. A lag is held at its value, since
a curve has a kink there. JAX must never be forked: `fit` runs in a process of its own, started by spawn, unless
`apart` is False.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from spasmlab.chain import events
from spasmlab.equations import jax_function
from spasmlab.errors import InputError
from spasmlab.fit import population, timeline
from spasmlab.fit.data import Subject, check
from spasmlab.fit.individual import Residual
from spasmlab.fit.model import SIGNAL, ChainModel
from spasmlab.parameter import beside

FIRST_SPREAD = 0.5  # where the search for the start of the chains begins
LEAST_PART = 0.05  # of a part of the residual, where the chains begin
EXTRA = "this needs the extra 'bayes': pip install 'spasmlab[bayes]'"


@dataclass(frozen=True)
class Draws:
    """Posterior draws by name: `mean` and `spread` (chains, draws, names) on the scale of estimation, `residual`
    (chains, draws, parts: additive, proportional), `eta` (chains, draws, subjects, names); R-hat and effective
    sample size of each by name, and the number of divergent draws."""

    names: tuple[str, ...]
    mean: np.ndarray
    spread: np.ndarray
    residual: np.ndarray
    eta: np.ndarray
    r_hat: dict[str, float]
    effective: dict[str, float]
    divergences: int

    @property
    def converged(self) -> bool:
        """Chains that agree, with enough independent draws, and none divergent."""
        known = beside("fit.nuts")
        agree = max(self.r_hat.values()) <= known["most_r_hat"].number
        enough = min(self.effective.values()) >= known["least_effective"].number
        return agree and enough and self.divergences == 0

    def typical(self, model: ChainModel) -> np.ndarray:
        """Draws of the typical values in the units of the records, (chains · draws, names)."""
        return model.natural(self.mean.reshape(-1, len(self.names)))


def available() -> bool:
    """Whether the extra is installed; imports nothing."""
    from importlib.util import find_spec

    return all(find_spec(name) for name in ("jax", "numpyro", "arviz"))


def fit(
    subjects: Sequence[Subject],
    model: ChainModel,
    *,
    residual: Residual | None = None,
    correlation: np.ndarray | None = None,
    warm_up: int = 500,
    draws: int = 500,
    chains: int = 2,
    seed: int = 0,
    apart: bool = True,
) -> Draws:
    """Sample a population; a part of `residual` that is 0 stays out, the others give the size of its prior.
    `correlation` (names, names) between the effects of one patient is held; without it they are independent.

    Raises InputError where the extra is not installed or there is nothing to fit.
    """
    check(subjects)
    if not available():
        raise InputError(EXTRA)
    if set(model.names) & {model.pathway.dosed[1] if model.pathway.dosed else ""}:
        raise InputError(
            "the lag cannot be sampled, since a curve has a kink there; leave it out, or use fit.population"
        )
    given = (list(subjects), model, residual or Residual(0.5, 0.2), correlation, warm_up, draws, chains, seed)
    if not apart:
        return _sample(*given)
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_sample, *given).result()


def _sample(
    subjects: list[Subject],
    model: ChainModel,
    residual: Residual,
    correlation: np.ndarray | None,
    warm_up: int,
    draws: int,
    chains: int,
    seed: int,
) -> Draws:
    import arviz
    import jax
    from numpyro.infer import MCMC, NUTS, init_to_value

    jax.config.update("jax_enable_x64", True)
    begun = _begin(subjects, model, residual, correlation)
    kernel = NUTS(
        joint_model(subjects, model, residual, begun.centred, correlation),
        target_accept_prob=beside("fit.nuts")["target"].number,
        max_tree_depth=int(beside("fit.nuts")["deepest"].number),
        init_strategy=init_to_value(values=begun.values(model)),
    )
    sampler = MCMC(
        kernel,
        num_warmup=warm_up,
        num_samples=draws,
        num_chains=chains,
        chain_method="vectorized",
        progress_bar=False,
    )
    sampler.run(jax.random.PRNGKey(seed), levels_of(subjects)[1])
    found = {name: np.asarray(values) for name, values in sampler.get_samples(group_by_chain=True).items()}
    kept = arviz.from_dict({name: found[name] for name in ("mean", "spread", "residual")})
    r_hat, effective = arviz.rhat(kept), arviz.ess(kept)
    divergent = int(np.asarray(sampler.get_extra_fields()["diverging"]).sum())
    return Draws(
        names=model.names,
        mean=found["mean"],
        spread=found["spread"],
        residual=found["residual"],
        eta=found["eta"],
        r_hat=_named(r_hat, model, residual),
        effective=_named(effective, model, residual),
        divergences=divergent,
    )


@dataclass(frozen=True)
class Begun:
    """Where the chains begin, and how far each parameter is centred: 1 where levels tell every subject's own, 0
    where they tell nothing. Between the two, steps are long on both sides of the funnel."""

    estimates: population.Estimates
    eta: np.ndarray
    centred: np.ndarray
    parts: np.ndarray

    def values(self, model: ChainModel) -> dict[str, np.ndarray]:
        """Start of each sampled quantity."""
        one, away = self.estimates, self.estimates.mean - model.start
        return {
            "mean": one.mean,
            "spread": one.spread,
            "moved": self.centred * away + self.eta * one.spread ** (self.centred - 1),
            "parts": self.parts,
        }


def _begin(
    subjects: list[Subject], model: ChainModel, residual: Residual, correlation: np.ndarray | None
) -> Begun:
    """The population by the EM rounds of the Laplace approximation."""
    spread = np.full(len(model.names), FIRST_SPREAD)
    task = population._Task(tuple(subjects), model)
    found = population._em(
        task, population.Estimates(model.start, spread, residual, correlation), lambda _: None
    )
    modes = task.modes(found)
    left = np.mean([np.diag(one.covariance) for one in modes], axis=0) / found.spread**2
    sizes = np.array([residual.additive, residual.proportional])
    kept = np.array([found.residual.additive, found.residual.proportional])
    parts = np.where(sizes > 0, kept / np.where(sizes > 0, sizes, 1.0), FIRST_SPREAD)
    eta = np.array([one.eta for one in modes])
    return Begun(found, eta, 1 - np.clip(left, 0.0, 1.0), np.maximum(parts, LEAST_PART))


def joint_model(
    subjects: list[Subject],
    model: ChainModel,
    residual: Residual,
    centred: np.ndarray,
    correlation: np.ndarray | None = None,
):
    """The NumPyro model of the levels of all subjects, one after the other: priors, every subject's own parameters, and
    the likelihood of all levels at once."""
    import numpyro
    from jax import numpy as jnp
    from jax.scipy.special import log_ndtr
    from numpyro import distributions as dist

    predict = _predictor(subjects, model)
    which, _, below = levels_of(subjects)
    sizes = np.array([residual.additive, residual.proportional])
    known, count = beside("fit.nuts"), len(model.names)

    def joint(observed: Any) -> None:
        mean: Any = numpyro.sample(
            "mean", dist.Normal(model.start, known["centre_spread"].number).to_event(1)
        )
        spread: Any = numpyro.sample(
            "spread", dist.HalfNormal(known["spread_scale"].number).expand([count]).to_event(1)
        )
        parts: Any = numpyro.sample("parts", dist.HalfNormal(1.0).expand([2]).to_event(1))
        error: Any = numpyro.deterministic("residual", parts * sizes)
        away = mean - model.start
        prior = prior_of_moved(centred * away, spread**centred, correlation)
        moved: Any = numpyro.sample("moved", prior.expand([len(subjects)]).to_event(1))
        eta: Any = numpyro.deterministic("eta", spread ** (1 - centred) * (moved - centred * away))
        own = mean + eta
        levels = predict(own)[which]
        deviation = jnp.sqrt(error[0] ** 2 + (error[1] * levels) ** 2 + known["least_variance"].number)
        apart = (observed - levels) / deviation
        seen = -0.5 * apart**2 - jnp.log(deviation)
        numpyro.factor("levels", jnp.where(below, log_ndtr(apart), seen).sum())

    return joint


def prior_of_moved(middle: Any, sizes: Any, correlation: np.ndarray | None) -> Any:
    """What each subject's partly centred effects are drawn from: normal about `middle` (names,) with standard deviations
    `sizes` (names,), independent or with a `correlation` (names, names)."""
    from jax import numpy as jnp
    from numpyro import distributions as dist

    if correlation is None:
        return dist.Normal(middle, sizes).to_event(1)
    factor = jnp.asarray(sizes)[:, None] * np.linalg.cholesky(correlation)
    return dist.MultivariateNormal(middle, scale_tril=factor)


def _predictor(subjects: list[Subject], model: ChainModel):
    """From the parameters of all subjects, (subjects, names), to the levels of all, (subjects, times)."""
    import jax
    from jax import numpy as jnp

    pathway, (places, factors) = model.pathway, model._places
    curve = jax_function.signal_function(pathway, SIGNAL)
    bases = np.array([model._base(subject) for subject in subjects])
    made = [_steps(subject, model, base) for subject, base in zip(subjects, bases, strict=True)]
    longest, most = max(len(one.length) for one in made), max(len(one.seen) for one in made)
    arrays = [np.array(each) for each in zip(*(one.padded(longest).arrays for one in made), strict=True)]
    seen = np.array([np.pad(one.seen, (0, most - len(one.seen))) for one in made])

    def predict(scaled: Any) -> Any:
        values = jnp.asarray(bases)
        for i, (record, place) in enumerate(zip(model.records, places, strict=True)):
            own = scaled[:, i]
            moved = jnp.exp(own) if record.transform == "log" else own
            moved = jax.nn.sigmoid(own) if record.transform == "logit" else moved
            values = values.at[:, place].set(moved * factors[i])
        curves = jax.vmap(curve)(values, *arrays)
        return jnp.take_along_axis(curves, seen, axis=1)

    return predict


def _steps(subject: Subject, model: ChainModel, base: np.ndarray) -> jax_function.Steps:
    """The steps of one subject, with its own lag."""
    exact = jax_function.is_linear(model.pathway, SIGNAL)
    if not model.is_plain(subject):
        return timeline.of(subject, model, exact)
    lag = base[model._lag] if model._lag is not None else 0.0
    places = len(events.compartments(model.pathway))
    return jax_function.steps(subject.doses_h + lag, subject.amounts_mg, subject.times_h, places, exact)


def levels_of(subjects: list[Subject]) -> tuple[tuple[np.ndarray, np.ndarray], np.ndarray, np.ndarray]:
    """Where each level stands in (subjects, times), the levels, and which lie below the limit."""
    rows = np.concatenate([np.full(len(s.times_h), i) for i, s in enumerate(subjects)])
    columns = np.concatenate([np.arange(len(s.times_h)) for s in subjects])
    observed = np.concatenate([s.observed for s in subjects])
    return (rows, columns), observed, np.concatenate([s.below for s in subjects])


def _named(found: Any, model: ChainModel, residual: Residual) -> dict[str, float]:
    """R-hat or effective sample size by name; a part of the residual that is held at 0 has none."""
    parts = ("additive", "proportional")
    kept = {f"residual {part}": i for i, part in enumerate(parts) if getattr(residual, part) > 0}
    told = {
        f"{kind} {name}": float(found[kind].values[i])
        for kind in ("mean", "spread")
        for i, name in enumerate(model.names)
    }
    return told | {name: float(found["residual"].values[i]) for name, i in kept.items()}
