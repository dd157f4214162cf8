"""Randomised withdrawal: everybody on the drug, those who do well randomised, and what follows, against closed forms."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats

from spasmlab import endpoints
from spasmlab.errors import InputError
from spasmlab.trial import courses, run_in, simulate
from spasmlab.trial.design import Design
from spasmlab.trial.simulate import Setting
from trial_help import DRUG, PLACEBO, a_trial

OPEN = {"drug": "gabapentin", "regimen": "600 mg tid"}
RUN_IN_H = 2 * 7 * 24


def a_withdrawal(**changes) -> Design:
    """Two weeks of open gabapentin, then a fortnight on it or on placebo."""
    plain = {"kind": "withdrawal", "run_in_weeks": 2, "run_in": dict(OPEN)}
    return a_trial(**{**plain, **changes})


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"run_in": None}, "[run_in]"),
        ({"run_in_weeks": 0}, "run_in_weeks"),
        ({"kind": "parallel"}, "has no run-in"),
        ({"run_in": {**OPEN, "regimen": "600 mg tid for 5 days"}}, "ends after 0.714 weeks of 2"),
        ({"run_in": {**OPEN, "drug": "gabapentine"}}, "did you mean 'gabapentin'"),
        ({"responder": {"pian": 30}}, "did you mean 'pain'"),
        ({"responder": {"adverse.dizziness": 30}}, "is a side effect"),
        ({"periods": 2}, "one randomised period"),
        ({"arms": [dict(DRUG, stops_on=["dizziness"]), dict(PLACEBO)]}, "found in the run-in"),
    ],
)
def test_a_wrong_withdrawal_is_refused_in_one_line(changes: dict, said: str) -> None:
    with pytest.raises(InputError) as problem:
        a_withdrawal(**changes)
    assert said in str(problem.value) and "\n" not in str(problem.value)


def whole(design: Design, arm: int) -> tuple[np.ndarray, np.ndarray]:
    """Hours and polysynaptic release of a few candidates who are randomised to an arm."""
    block = simulate.Block(0, 6, (arm,), 6)
    people = simulate.population.load(design.population).people(6, 0, 0)
    course = simulate.whole_course(design, block, people, Setting(0))
    return course.hours, course.signals["release_poly"]


def test_who_goes_on_has_no_break_and_who_stops_washes_out() -> None:
    """The oracle of going on is the same regimen in one piece; that of stopping is no drug, five half-lives later."""
    design = a_withdrawal(adherence=0.8)
    hours, on = whole(design, 0)
    _, off = whole(design, 1)
    people = simulate.population.load(design.population).people(6, 0, 0)
    one_piece = courses.of_arm(design, design.arms[0], people, hours, seed=0).signals["release_poly"]
    np.testing.assert_array_equal(on, one_piece)
    before, after = hours <= RUN_IN_H, hours >= RUN_IN_H + 7 * 24
    np.testing.assert_allclose(on[:, before], off[:, before], rtol=1e-6)
    assert np.all(on[:, after] < 0.99) and np.all(off[:, after] > 0.995)
    gap = off[:, np.searchsorted(hours, RUN_IN_H + 2)]
    assert np.all(gap < 0.99), "what was taken last is still there two hours after randomisation"


def test_another_drug_after_the_run_in_meets_what_is_left_of_the_first() -> None:
    other = {"name": "drug", "n": 6, "drug": "pregabalin", "regimen": "150 mg bid"}
    design = a_withdrawal(arms=[other, dict(PLACEBO)])
    hours, new = whole(design, 0)
    _, off = whole(design, 1)
    before, after = hours < RUN_IN_H, hours > RUN_IN_H + 48
    np.testing.assert_array_equal(new[:, before], off[:, before])
    assert np.all(new[:, after] < off[:, after])


def test_a_regimen_goes_on_in_the_middle_of_a_part() -> None:
    written = run_in.joined(
        run_in.parse("300 mg tid for 3 days, then 600 mg tid"), run_in.parse("900 mg tid"), 96.0
    )
    times, amounts = written.doses(6)
    assert [amounts[times == t][0] for t in (0, 71 // 8 * 8, 72, 88, 96)] == [300, 300, 600, 600, 900]
    assert np.all(np.diff(times) == 8)


# --- a closed form ---

MEAN, SPREAD, NOISE, EFFECT, RULE = 20.0, 3.0, 2.0, 4.0, 20.0


@pytest.fixture
def normal_world(monkeypatch):
    """Scores T + e, less by EFFECT while the drug is taken: T normal between patients, e between visits."""

    def solve(asked, people, hours, signals, threads):
        taken = hours < asked.days * 24
        return {name: np.tile(np.where(taken, 0.5, 1.0), (len(people), 1)) for name in signals}

    def scores(course, days, chance):
        own = MEAN + SPREAD * chance.normals("own")
        noise = NOISE * chance.noise("visit", days.size)
        on = course.at(course.loss("poly"), np.asarray(days) - 1 / 24) > 0.25
        return {"pain": own[:, None] + noise - EFFECT * (on & (np.asarray(days) > 0))}

    monkeypatch.setattr(courses.cohorts, "solve", solve)
    monkeypatch.setattr(endpoints, "load", lambda name: SimpleNamespace(simulate=scores))


def test_share_of_responders_regression_to_the_mean_and_relapse_are_those_of_normal_scores(
    normal_world,
) -> None:
    """With Z = X₁ − (1 − rule)·X₀ those with Z ≤ 0 are randomised; everything after follows from the normal law.

    P(Z ≤ 0) = Φ(a), a = −E[Z]/SD(Z);  E[Y | Z ≤ 0] = E[Y] − cov(Y, Z)/SD(Z)·φ(a)/Φ(a).
    """
    design = a_withdrawal(
        responder={"pain": RULE},
        arms=[dict(DRUG, n=4000), dict(PLACEBO, n=4000)],
        outcomes={"pain": {"analysis": "ancova"}},
    )
    keep = 1 - RULE / 100
    sd = np.sqrt((1 - keep) ** 2 * SPREAD**2 + NOISE**2 * (1 + keep**2))
    a = -((1 - keep) * MEAN - EFFECT) / sd
    chosen, ratio = stats.norm.cdf(a), stats.norm.pdf(a) / stats.norm.cdf(a)
    common = (1 - keep) * SPREAD**2
    at_start = MEAN - EFFECT - (common + NOISE**2) / sd * ratio
    later = MEAN - EFFECT - common / sd * ratio
    blocks = list(simulate.blocks(design, Setting(0)))
    tried = sum(block.count for block in blocks)
    assert 8000 / tried == pytest.approx(chosen, abs=4 * np.sqrt(chosen * (1 - chosen) / tried))
    table = simulate.simulate(design)
    means = table.groupby(["arm", "day"])["pain"].mean()
    error = 4 * np.sqrt((SPREAD**2 + NOISE**2) / 4000)
    for arm, relapse in (("drug", 0.0), ("placebo", EFFECT)):
        assert means[arm, 0.0] == pytest.approx(at_start, abs=error), arm
        assert means[arm, 14.0] == pytest.approx(later + relapse, abs=error), arm


def test_without_a_rule_everybody_is_randomised_and_the_rule_within_is_one_of_scores(normal_world) -> None:
    everybody = list(simulate.blocks(a_withdrawal(), Setting(0)))
    assert sum(b.count for b in everybody) == sum(b.enrolled for b in everybody) == 24
    table = simulate.simulate(a_withdrawal(responder_within={"pain": [10, 15]}))
    assert table.loc[table["day"] == 0, "pain"].between(10, 15).all()


def test_who_leaves_in_the_run_in_is_not_randomised(normal_world) -> None:
    design = a_withdrawal(dropout=0.3, arms=[dict(DRUG, n=1000), dict(PLACEBO, n=1000)])
    tried = sum(block.count for block in simulate.blocks(design, Setting(0)))
    assert 2000 / tried == pytest.approx(
        0.7 ** (15 / 7), abs=0.04
    )  # the day of randomisation is the fifteenth
    table = simulate.simulate(design)
    left = table[table["day"] == 14].groupby("arm")["pain"].apply(lambda s: s.isna().mean())
    assert np.allclose(left, 1 - 0.7**2, atol=0.06)


def test_a_withdrawal_with_real_bodies_relapses_on_placebo() -> None:
    design = a_withdrawal(responder={"pain": 30}, arms=[dict(DRUG, n=60), dict(PLACEBO, n=60)])
    table = simulate.simulate(design)
    change = table.pivot_table(index=["arm", "patient"], columns="day", values="pain")
    relapse = (change[14.0] - change[0.0]).groupby("arm").mean()
    assert relapse["placebo"] > relapse["drug"] + 0.3
    assert table.groupby("arm")["patient"].nunique().to_dict() == {"drug": 60, "placebo": 60}
