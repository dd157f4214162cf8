"""The JAX reading of the equations agrees with the kernel; NUTS agrees with the Laplace approximation."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from spasmlab import drug, patient
from spasmlab.chain import body, events, resolve
from spasmlab.chain.problem import Problem, run
from spasmlab.errors import InputError
from spasmlab.fit import data, model, nuts, theophylline

needs_extra = pytest.mark.skipif(not nuts.available(), reason="the extra 'bayes' is not installed")
TIMES = np.array([0.0, 0.7, 2.0, 5.0, 9.3, 12.0, 24.0])


@needs_extra
@pytest.mark.parametrize(
    ("name", "formulation"), [("gabapentin", "ir"), ("pregabalin", "ir"), ("baclofen", "ir")]
)
def test_the_jax_reading_is_the_kernels(name: str, formulation: str) -> None:
    from spasmlab.equations import jax_function

    known = drug.load(name)
    pathway = body.of(known, formulation)
    resolved = resolve.records(pathway, known, None, None, formulation)
    values = resolve.values(pathway, resolved, patient.default(), fed=0.0, draws=2, seed=1)
    doses, amounts, lag = np.array([0.0, 8.0]), np.array([600.0, 300.0]), pathway.dosed
    for draw in range(2):
        one = Problem(pathway, values[:, [draw]], doses, amounts, 3.0)
        expected = run(one, TIMES, ["plasma_concentration"])["plasma_concentration"][0]
        late = float(one.row(lag[1])[0]) if lag else 0.0
        for exact in {False, jax_function.is_linear(pathway, "plasma_concentration")}:
            steps = jax_function.steps(doses + late, amounts, TIMES, len(events.compartments(pathway)), exact)
            curve = jax_function.signal_function(pathway, "plasma_concentration")
            found = np.asarray(curve(values[:, draw], *steps.arrays))[steps.seen]
            np.testing.assert_allclose(found, expected, atol=2e-5 * expected.max())


def test_steps_take_doses_in_order_and_see_levels_after_them() -> None:
    from spasmlab.equations import jax_function

    made = jax_function.steps(np.array([8.0, 0.0]), np.array([2.0, 1.0]), np.array([8.0, 0.0, 8.0]))
    assert made.amount[0] == 1.0 and made.amount.sum() == 3.0
    assert made.length.sum() == pytest.approx(8.0)
    assert made.seen.tolist() == [len(made.length) - 1, 0, len(made.length) - 1]
    assert made.padded(500).length.sum() == made.length.sum()


def test_the_extra_is_not_imported_by_the_rest() -> None:
    told = "import sys, spasmlab.fit.nuts, spasmlab.fit.population; print({'jax', 'numpyro', 'arviz'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_without_the_extra_it_says_what_to_install(monkeypatch) -> None:
    monkeypatch.setattr(nuts, "available", lambda: False)
    with pytest.raises(InputError, match="bayes"):
        nuts.fit(data.theophylline(), theophylline.model())


@needs_extra
def test_a_lag_is_not_sampled() -> None:
    gabapentin = drug.load("gabapentin")
    subject = data.subject("1", [(0, 300)], [(2, 2.0)])
    with pytest.raises(InputError, match="kink"):
        nuts.fit([subject], model.ChainModel(gabapentin, ("lag", "volume")))


@needs_extra
@pytest.mark.parametrize("centred", [0.0, 0.4, 1.0])
def test_effects_have_the_correlation_given_however_far_they_are_centred(centred: float) -> None:
    """The density of what is sampled, with the change of scale, is that of the effects: normal with the covariance asked."""
    from scipy.stats import multivariate_normal

    spread, away = np.array([0.3, 0.6]), np.array([0.2, -0.1])
    correlation = np.array([[1.0, 0.7], [0.7, 1.0]])
    eta = np.array([[0.1, 0.5], [-0.4, 0.2]])
    moved = eta * spread ** (centred - 1) + centred * away
    prior = nuts.prior_of_moved(centred * away, spread**centred, correlation)
    found = np.asarray(prior.log_prob(moved)) + (centred - 1) * np.log(spread).sum()
    covariance = correlation * np.outer(spread, spread)
    np.testing.assert_allclose(found, multivariate_normal(cov=covariance).logpdf(eta), rtol=1e-5)
    alone = nuts.prior_of_moved(centred * away, spread**centred, None)
    known = nuts.prior_of_moved(centred * away, spread**centred, np.eye(2))
    np.testing.assert_allclose(alone.log_prob(moved), known.log_prob(moved), rtol=1e-5)


@needs_extra
@pytest.mark.slow
def test_nuts_holds_a_correlation_between_effects() -> None:
    """Where one parameter is told by no level, its effect follows the other's as far as they are correlated."""
    one = model.ChainModel(theophylline.model().drug, ("volume", "clearance"))
    correlation = np.array([[1.0, 0.9], [0.9, 1.0]])
    random, subjects = np.random.default_rng(5), []
    for number in range(12):
        empty = data.subject(str(number), [(0, 320)], [(0.5, 0.0), (1.0, 0.0)], weight=70)
        own = one.start + 0.4 * random.standard_normal() * np.array([1.0, 0.0])
        levels = one.predict(empty, own[None])[0]
        seen = list(zip((0.5, 1.0), levels.tolist(), strict=True))
        subjects.append(data.subject(str(number), [(0, 320)], seen, weight=70))
    asked = {"residual": nuts.Residual(0.0, 0.1), "warm_up": 80, "draws": 80, "chains": 1, "seed": 1}
    held, free = nuts.fit(subjects, one, correlation=correlation, **asked), nuts.fit(subjects, one, **asked)

    def together(found: nuts.Draws) -> float:
        return float(np.corrcoef(found.eta.mean(axis=(0, 1)).T)[0, 1])

    assert together(held) > 0.8 > abs(together(free)) + 0.1


@needs_extra
@pytest.mark.slow
def test_nuts_finds_what_made_the_data() -> None:
    """Eight subjects, one parameter: centre and spread within the draws, in a process of its own."""
    random, one = np.random.default_rng(3), model.ChainModel(theophylline.model().drug, ("volume",))
    subjects = []
    for number in range(8):
        empty = data.subject(str(number), [(0, 320)], [(t, 0.0) for t in (1, 3, 8)], weight=70)
        levels = one.predict(empty, np.array([[np.log(30.0) + 0.2 * random.standard_normal()]]))[0]
        levels = levels * (1 + 0.05 * random.standard_normal(3))
        subjects.append(
            data.subject(
                str(number), [(0, 320)], list(zip((1, 3, 8), levels.tolist(), strict=True)), weight=70
            )
        )
    found = nuts.fit(
        subjects, one, residual=nuts.Residual(0.0, 0.2), warm_up=100, draws=100, chains=2, seed=1
    )
    low, high = np.percentile(found.typical(one)[:, 0], [1, 99])
    assert low < 30 < high and high / low < 2
    assert 0.05 < np.median(found.spread) < 0.5
    assert np.all(found.residual[..., 0] == 0) and 0.01 < np.median(found.residual[..., 1]) < 0.15
    assert set(found.r_hat) == {"mean volume", "spread volume", "residual proportional"}
    assert max(found.r_hat.values()) < 1.2 and min(found.effective.values()) > 20


@needs_extra
def test_exact_steps_of_a_linear_drug_stay_finite_however_fast_it_is_absorbed() -> None:
    """Runge–Kutta steps blew up at such rates, and the sampler called them divergent."""
    from spasmlab.equations import jax_function

    one = theophylline.model()
    subject = data.theophylline()[0]
    assert jax_function.is_linear(one.pathway, "plasma_concentration")
    gabapentin = model.ChainModel(drug.load("gabapentin"), ("volume",))
    assert not jax_function.is_linear(gabapentin.pathway, "plasma_concentration")
    fast = one.start + np.array([np.log(500.0), 0.0, 0.0])
    levels = np.asarray(nuts._predictor([subject], one)(fast[None]))[0]
    values = one.natural(fast)
    weight = subject.person().weight / 70
    slope = values[1] / values[2]
    expected = subject.amounts_mg[0] / (values[2] * weight) * np.exp(-slope * subject.times_h)
    np.testing.assert_allclose(levels[1:], expected[1:], rtol=2e-3)


@needs_extra
@pytest.mark.parametrize(
    "kind", ["a given rate", "a modelled duration", "a reset and dose", "another compartment"]
)
def test_the_jax_reading_follows_events_as_the_event_solver_does(tmp_path, kind: str) -> None:
    from test_fit_events import KINDS, predicted, table

    known, text = KINDS[kind]
    file = table(tmp_path, text)
    (subject,) = data.read(file)
    one = model.ChainModel(known, ("clearance", "volume"))
    found = np.asarray(nuts._predictor([subject], one)(one.start[None]))[0]
    np.testing.assert_allclose(found, predicted(known, file), rtol=1e-6)


@needs_extra
def test_runge_kutta_steps_follow_events_of_a_drug_that_is_not_linear(tmp_path) -> None:
    from test_fit_events import predicted, table

    text = "1,0,300,1,.,.\n1,3,.,0,2,.\n1,6,200,4,.,100\n1,9,.,0,2,.\n1,30,.,0,1,.\n"
    file, known = table(tmp_path, text, "ID,TIME,AMT,EVID,DV,RATE"), drug.load("gabapentin")
    (subject,) = data.read(file)
    one = model.ChainModel(known, ("volume",))
    found = np.asarray(nuts._predictor([subject], one)(one.start[None]))[0]
    np.testing.assert_allclose(found, predicted(known, file), rtol=2e-4)


@needs_extra
@pytest.mark.parametrize("kind", ["a steady state", "a steady infusion"])
def test_a_steady_state_is_not_sampled(tmp_path, kind: str) -> None:
    from test_fit_events import KINDS, table

    known, text = KINDS[kind]
    (subject,) = data.read(table(tmp_path, text))
    with pytest.raises(InputError, match="row 2, column SS: a steady state cannot be sampled"):
        nuts._predictor([subject], model.ChainModel(known, ("clearance",)))
